//! Playbooks: a workflow, decision tables, policies, templates and tests, packaged with a manifest.
//!
//! Invariant: a playbook is read whole or refused with every issue named; nothing of it is evaluated before.

use crate::gate::Gate;
use crate::memo::Memo;
use crate::playbook_test;
use crate::process::Function;
use crate::table::Table;
use crate::template::Template;
use serde::Deserialize;
use serde_json::Value;
use signalbox_model::issue::Issue;
use signalbox_workflow::Definition;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files by their path within the playbook's folder.
pub type Files = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub struct Playbook {
    pub manifest: Manifest,
    pub definition: Arc<Definition>,
    pub tables: BTreeMap<String, Arc<Table>>,
    pub templates: BTreeMap<String, Template>,
    /// Cedar sources: file name and text.
    pub policies: Vec<(String, String)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: String,
    pub version: String,
    pub owner: String,
    pub summary: String,
}

/// A shipped playbook's files, by their path in its folder under `playbooks/`.
macro_rules! folder {
    ($name:literal: $($path:literal),+ $(,)?) => {
        Files::from([$((
            $path.to_owned(),
            include_str!(concat!("../../../playbooks/", $name, "/", $path)).to_owned(),
        )),+])
    };
}

/// The playbooks that come with this version, as a tenant is given them.
pub fn shipped() -> Vec<Files> {
    vec![
        folder!("load-tender":
        "manifest.yaml",
        "workflow.yaml",
        "tables/routing-guide.json",
        "policy.cedar",
        "templates/conditional.txt",
        "templates/exhausted.txt",
        "tests/policy.yaml",
        "tests/routing-guide.yaml",
        "tests/templates.yaml",
        "tests/workflow.yaml",
        ),
        folder!("proof-of-delivery":
        "manifest.yaml",
        "workflow.yaml",
        "tables/chase.json",
        "policy.cedar",
        "templates/delivered.txt",
        "templates/delivered-subject.txt",
        "templates/missing.txt",
        "tests/chase.yaml",
        "tests/policy.yaml",
        "tests/templates.yaml",
        "tests/workflow.yaml",
        ),
        folder!("late-delivery":
            "manifest.yaml",
            "workflow.yaml",
            "templates/late.txt",
            "templates/subject.txt",
            "tests/policy.yaml",
            "tests/templates.yaml",
            "tests/workflow.yaml",
        ),
    ]
}

static READ: Memo<Playbook> = Memo::new();

/// Reads a playbook's files.
pub fn read(files: &Files) -> Result<Arc<Playbook>, Vec<Issue>> {
    let texts = files.iter().flat_map(|(path, text)| [path.as_str(), text.as_str()]);
    READ.get(texts, || compile(files))
}

fn compile(files: &Files) -> Result<Playbook, Vec<Issue>> {
    let mut issues = Vec::new();
    let manifest = text(files, "manifest.yaml").and_then(|text| {
        serde_saphyr::from_str::<Manifest>(text).map_err(|error| {
            Issue::fatal(
                "playbook.manifest",
                "manifest.yaml",
                error.to_string(),
                "Name, version, owner and summary.",
            )
        })
    });
    let definition = match text(files, "workflow.yaml") {
        Ok(text) => Definition::parse(text).map_err(|found| {
            found
                .into_iter()
                .map(|it| Issue::fatal("playbook.workflow", format!("workflow.yaml{}", it.at), it.why, &it.fix))
                .collect()
        }),
        Err(issue) => Err(vec![issue]),
    };
    let mut tables = BTreeMap::new();
    let mut templates = BTreeMap::new();
    let mut policies = Vec::new();
    for (path, text) in files {
        if let Some(name) = path.strip_prefix("tables/").and_then(|it| it.strip_suffix(".json")) {
            match Table::parse(name, text) {
                Ok(table) => drop(tables.insert(name.to_owned(), table)),
                Err(found) => issues.extend(found.into_iter().map(|it| within(path, it))),
            }
        } else if let Some(name) = template_name(path) {
            match Template::parse(name, text) {
                Ok(template) => drop(templates.insert(name.to_owned(), template)),
                Err(issue) => issues.push(issue),
            }
        } else if path.ends_with(".cedar") {
            policies.push((path.clone(), text.clone()));
        }
    }
    if let Ok(definition) = &definition {
        check_calls(&definition.document, "workflow.yaml", &templates, &mut issues);
    }
    match (manifest, definition) {
        (Ok(manifest), Ok(definition)) if issues.is_empty() => Ok(Playbook {
            manifest,
            definition: Arc::new(definition),
            tables,
            templates,
            policies,
        }),
        (manifest, definition) => {
            issues.extend(manifest.err());
            issues.extend(definition.err().into_iter().flatten());
            Err(issues)
        }
    }
}

/// Reads a playbook and all that lies with it: its policies together with the platform's, its tests, and files that
/// nothing would read. A playbook is installed only if this finds nothing.
pub fn check(files: &Files) -> Result<Arc<Playbook>, Vec<Issue>> {
    let mut issues = Vec::new();
    let playbook = read(files).map_err(|found| issues.extend(found)).ok();
    let policies: Vec<(String, String)> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".cedar"))
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect();
    issues.extend(Gate::compile(&policies).err().into_iter().flatten());
    issues.extend(playbook_test::read(files).err().into_iter().flatten());
    for path in files.keys().filter(|it| !is_read(it)) {
        let why = "nothing reads a file of this name";
        let fix = "A playbook has manifest.yaml, workflow.yaml, tables/*.json, templates/*.txt, *.cedar, tests/*.yaml and README.md.";
        issues.push(Issue::fatal("playbook.file_unknown", path, why, fix));
    }
    match playbook {
        Some(playbook) if issues.is_empty() => Ok(playbook),
        _ => Err(issues),
    }
}

fn is_read(path: &str) -> bool {
    let inside = |folder: &str, ending: &str| path.strip_prefix(folder).is_some_and(|it| it.ends_with(ending));
    matches!(path, "manifest.yaml" | "workflow.yaml" | "README.md")
        || inside("tables/", ".json")
        || inside("templates/", ".txt")
        || inside("tests/", ".yaml")
        || path.ends_with(".cedar")
}

fn template_name(path: &str) -> Option<&str> {
    path.strip_prefix("templates/")?.strip_suffix(".txt")
}

/// The issue of a file, with the file in its place.
fn within(path: &str, issue: Issue) -> Issue {
    let at = format!("{path} {}", issue.at);
    Issue { at, ..issue }
}

/// What a workflow calls must be in the catalogue, and the templates that it names must be there: told when the playbook
/// is read, not in the night when the call is made.
fn check_calls(document: &Value, at: &str, templates: &BTreeMap<String, Template>, issues: &mut Vec<Issue>) {
    match document {
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                check_calls(item, &format!("{at}/{place}"), templates, issues);
            }
        }
        Value::Object(fields) => {
            let called = fields.get("call").and_then(Value::as_str).unwrap_or_default();
            if called.ends_with("@signalbox") && Function::named(called).is_none() {
                let why = format!("no function {called} in the catalogue");
                let fix = "Call decide, start-tender, make-offer, close-tender, raise-exception, notify, withdraw-notice, request-document, \
                           tell-system or checkpoint, version 1.0.0.";
                issues.push(Issue::fatal(
                    "playbook.function_unknown",
                    format!("{at}/call"),
                    why,
                    fix,
                ));
            }
            for (field, name) in named_templates(called, fields) {
                if !templates.contains_key(name) {
                    let why = format!("there is no template {name}");
                    let fix = "Add templates/NAME.txt, or name one that is there.";
                    let place = format!("{at}/with/{field}");
                    issues.push(Issue::fatal("playbook.template_missing", place, why, fix));
                }
            }
            for (name, value) in fields {
                check_calls(value, &format!("{at}/{name}"), templates, issues);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The templates that a call names outright, with the fields that name them. What an expression names is only known
/// when the call is made.
fn named_templates<'a>(called: &str, fields: &'a serde_json::Map<String, Value>) -> Vec<(&'static str, &'a str)> {
    let naming: &[&str] = match Function::named(called) {
        Some(Function::RaiseException) => &["template"],
        Some(Function::Notify) => &["subject", "body"],
        _ => &[], // No other function takes a template.
    };
    let with = fields.get("with");
    let named = naming
        .iter()
        .filter_map(|field| Some((*field, with?.get(field)?.as_str()?)));
    named.filter(|(_, name)| !name.trim_start().starts_with("${")).collect()
}

fn text<'a>(files: &'a Files, name: &str) -> Result<&'a str, Issue> {
    let missing = || {
        Issue::fatal(
            "playbook.file_missing",
            name,
            "the playbook has no such file",
            "Add the file.",
        )
    };
    files.get(name).map(String::as_str).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The issues of load-tender with `change` made to its files, as code and place.
    fn issues(change: impl FnOnce(&mut Files)) -> Vec<(String, String)> {
        let mut files = shipped().remove(0);
        change(&mut files);
        let issues = check(&files).err().unwrap_or_default();
        issues.into_iter().map(|it| (it.code, it.at)).collect()
    }

    fn workflow(from: &str, to: &str) -> Vec<(String, String)> {
        issues(|files| {
            let text = files.get_mut("workflow.yaml").unwrap();
            assert!(text.contains(from), "{from}");
            *text = text.replace(from, to);
        })
    }

    #[test]
    fn what_is_wrong_anywhere_in_the_folder_is_named_with_its_place() {
        let one = |code: &str, at: &str| vec![(code.to_owned(), at.to_owned())];
        assert_eq!(issues(|_| ()), []);
        let put = |path: &str, text: &str| issues(|files| drop(files.insert(path.to_owned(), text.to_owned())));
        assert_eq!(put("README.md", "Read me."), []);
        assert_eq!(
            put("templates/sorry.md", "Sorry."),
            one("playbook.file_unknown", "templates/sorry.md")
        );
        assert_eq!(
            put("templates/sorry.txt", "{% if %}"),
            one("template.unreadable", "templates/sorry.txt line 1")
        );
        assert_eq!(
            put("policy.cedar", "permit (you)"),
            one("policy.unreadable", "policy.cedar")
        );
        assert_eq!(
            put("tests/none.yaml", "tables: []"),
            one("playbook.test_empty", "tests/none.yaml")
        );
        assert_eq!(put("tables/t.json", "{}"), one("table.unreadable", "tables/t.json /"));
    }

    #[test]
    fn a_workflow_that_names_what_is_not_there_is_refused_when_it_is_read() {
        let (code, at) = workflow("template: exhausted", "template: exhaustd").remove(0);
        assert_eq!(
            (code.as_str(), at.as_str()),
            (
                "playbook.template_missing",
                "workflow.yaml/do/16/escalate/with/template"
            )
        );
        let (code, at) = workflow("close-tender:1.0.0", "close-tender:2.0.0").remove(0);
        assert_eq!(
            (code.as_str(), at.as_str()),
            ("playbook.function_unknown", "workflow.yaml/do/15/exhausted/call")
        );
        assert_eq!(workflow("template: exhausted", "template: '${ .template }'"), []);
    }
}
