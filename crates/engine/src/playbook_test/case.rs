//! Cases of tables, policies and templates: one question each, with the answer that is expected.

use super::expect;
use crate::gate::{Ask, Choice, Fact, Gate};
use crate::playbook::Playbook;
use crate::table::{GivenRule, Table};
use crate::template;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_model::id::TenantId;
use signalbox_model::issue::Issue;
use signalbox_model::scope::{Actor, ActorKind, Role};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableCase {
    pub name: String,
    table: String,
    /// Rules in place of the table's own, as a tenant would enter them.
    rules: Option<Vec<GivenRule>>,
    input: Value,
    rows: Vec<Value>,
    /// The rules that fire, by id; not looked at where it is left out.
    fired: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyCase {
    pub name: String,
    /// The playbook itself where it is left out.
    actor: Option<Who>,
    action: String,
    facts: BTreeMap<String, Value>,
    /// `allow`, `needs_approval` or `forbid`.
    answer: Answer,
    /// Who is asked, where a person is.
    approver: Option<Role>,
    /// The policies that determined it, by id; not looked at where it is left out.
    policies: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    kind: ActorKind,
    name: String,
    #[serde(default)]
    roles: Vec<Role>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Allow,
    NeedsApproval,
    Forbid,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "TemplateText")]
pub(super) struct TemplateCase {
    pub name: String,
    template: String,
    data: Value,
    written: Written,
}

/// What the template becomes: a text, or an error that holds these words.
#[derive(Debug)]
enum Written {
    Text(String),
    Fails(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateText {
    name: String,
    template: String,
    data: Value,
    text: Option<String>,
    fails: Option<String>,
}

impl TryFrom<TemplateText> for TemplateCase {
    type Error = &'static str;

    fn try_from(it: TemplateText) -> Result<Self, &'static str> {
        let written = match (it.text, it.fails) {
            (Some(text), None) => Written::Text(text),
            (None, Some(words)) => Written::Fails(words),
            (None, None) | (Some(_), Some(_)) => return Err("a template's case has either text or fails"),
        };
        Ok(Self {
            name: it.name,
            template: it.template,
            data: it.data,
            written,
        })
    }
}

impl TableCase {
    pub fn judge(&self, playbook: &Playbook) -> Result<(), String> {
        let missing = || format!("the playbook has no table {}", self.table);
        let table = playbook.tables.get(&self.table).ok_or_else(missing)?;
        let other;
        let table: &Table = match &self.rules {
            Some(rules) => {
                other = table.with_rules(rules).map_err(|it| told(&it))?;
                &other
            }
            None => table,
        };
        let answer = table.evaluate(&self.input).map_err(|error| error.to_string())?;
        expect("rows", &json!(self.rows), &json!(answer.rows))?;
        match &self.fired {
            Some(fired) => expect("fired", &json!(fired), &json!(answer.fired)),
            None => Ok(()),
        }
    }
}

impl PolicyCase {
    pub fn judge(&self, playbook: &Playbook) -> Result<(), String> {
        let gate = Gate::compile(&playbook.policies).map_err(|it| told(&it))?;
        let actor = match &self.actor {
            Some(who) => Actor {
                kind: who.kind,
                name: who.name.clone(),
                roles: who.roles.clone(),
            },
            None => Actor::playbook(&playbook.manifest.name),
        };
        let facts = self
            .facts
            .iter()
            .map(|(name, value)| Ok((name.as_str(), fact(name, value)?)));
        let verdict = gate.decide(&Ask {
            tenant: &TenantId::from("ten_test"),
            actor: &actor,
            action: &self.action,
            resource: ("Load", "load_test"),
            facts: facts.collect::<Result<_, String>>()?,
            now: Timestamp::UNIX_EPOCH,
        });
        if !verdict.errors.is_empty() {
            // In service this asks a person or forbids; in a test it is a fact that was forgotten or misspelt.
            return Err(format!(
                "the policies could not be judged: {}",
                verdict.errors.join("; ")
            ));
        }
        let answer = match self.answer {
            Answer::Allow => "allow",
            Answer::NeedsApproval => "needs_approval",
            Answer::Forbid => "forbid",
        };
        expect("answer", &json!(answer), &json!(verdict.choice.word()))?;
        if let Some(role) = self.approver {
            let asked = match &verdict.choice {
                Choice::NeedsApproval { role } => Some(role.as_str()),
                Choice::Allow | Choice::Forbid => None,
            };
            expect("approver", &json!(role.as_str()), &json!(asked))?;
        }
        match &self.policies {
            Some(policies) => expect("policies", &json!(policies), &json!(verdict.policies)),
            None => Ok(()),
        }
    }
}

fn fact(name: &str, value: &Value) -> Result<Fact, String> {
    let unknown = || format!("fact {name}: a fact is a whole number, a text, true or false");
    match value {
        Value::Number(number) => number.as_i64().map(Fact::Long).ok_or_else(unknown),
        Value::String(text) => Ok(Fact::Text(text.clone())),
        Value::Bool(flag) => Ok(Fact::Flag(*flag)),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(unknown()),
    }
}

impl TemplateCase {
    pub fn judge(&self, playbook: &Playbook) -> Result<(), String> {
        let template = playbook.templates.get(&self.template);
        let missing = || template::Error::Missing(self.template.clone());
        let rendered = template
            .ok_or_else(missing)
            .map_err(|it| it.to_string())?
            .render(&self.data);
        match (&self.written, rendered) {
            (Written::Text(expected), Ok(text)) => expect("text", &json!(expected), &json!(text)),
            (Written::Text(_), Err(error)) => Err(error.to_string()),
            (Written::Fails(words), Err(error)) if error.to_string().contains(words) => Ok(()),
            (Written::Fails(words), Err(error)) => Err(format!("expected an error with {words:?}, got {error}")),
            (Written::Fails(words), Ok(text)) => {
                Err(format!("expected an error with {words:?}, got the text {text:?}"))
            }
        }
    }
}

fn told(issues: &[Issue]) -> String {
    let one = |it: &Issue| format!("{}: {}", it.at, it.why);
    issues.iter().map(one).collect::<Vec<_>>().join("; ")
}
