//! Reading a definition: YAML or JSON text to checked nodes.
//!
//! The invariant: nothing in a text is ignored. A keyword we do not run is an [`Issue`] with its place and a way out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use signalbox_expression::{Cache, Template, unwrap_expression};

use crate::definition::{Definition, Node};
use crate::duration::{self, Duration};

/// The longest definition.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Tasks in one definition.
pub const TASKS_MAX: usize = 2000;
/// How deep tasks may nest.
pub const TASK_NESTING_MAX: usize = 16;
/// How deep the document itself may nest.
const DOCUMENT_NESTING_MAX: usize = 100;

/// The variables every expression may read.
const VARIABLES: [&str; 7] = ["context", "input", "output", "secrets", "task", "workflow", "runtime"];

/// Something wrong with a definition: where (a JSON pointer), why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub at: String,
    pub why: String,
    pub fix: String,
}

impl std::fmt::Display for Issue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {}", self.at, self.why, self.fix)
    }
}

/// What an owner allows beyond the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// `run: shell`, `run: script` and `run: container` become calls of the functions `run:shell`, `run:script`, `run:container`.
    pub allow_processes: bool,
}

impl Definition {
    pub fn parse(text: &str) -> Result<Definition, Vec<Issue>> {
        Definition::parse_with(text, Options::default())
    }

    pub fn parse_with(text: &str, options: Options) -> Result<Definition, Vec<Issue>> {
        let issue = |why: String, fix: &str| {
            vec![Issue {
                at: String::new(),
                why,
                fix: fix.to_owned(),
            }]
        };
        if text.len() > TEXT_BYTES_MAX {
            return Err(issue(
                format!("The text is longer than {TEXT_BYTES_MAX} bytes."),
                "Split the workflow.",
            ));
        }
        // YAML 1.2, as the specification has it: `no` and `on` are texts.
        let yaml = serde_saphyr::options! { strict_booleans: true };
        let document: Value = serde_saphyr::from_str_with_options(text, yaml)
            .map_err(|it| issue(format!("The text is neither YAML nor JSON: {it}."), "Correct it there."))?;
        if !within(&document, DOCUMENT_NESTING_MAX) {
            return Err(issue(
                format!("It nests more than {DOCUMENT_NESTING_MAX} deep."),
                "Flatten it.",
            ));
        }
        let mut reader = Reader::new(&document, options);
        let definition = reader.workflow();
        match definition {
            Some(definition) if reader.issues.is_empty() => Ok(definition),
            _ => Err(reader.issues),
        }
    }
}

fn within(value: &Value, depth: usize) -> bool {
    let Some(rest) = depth.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|it| within(it, rest)),
        Value::Object(fields) => fields.values().all(|it| within(it, rest)),
        _ => true,
    }
}

/// SHA-256 over the JSON with sorted keys and no spaces.
pub(crate) fn hash(document: &Value) -> String {
    fn write(value: &Value, text: &mut String) {
        match value {
            Value::Object(fields) => {
                let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
                text.push('{');
                for (at, (key, it)) in sorted.into_iter().enumerate() {
                    text.push_str(if at == 0 { "" } else { "," });
                    text.push_str(&Value::from(key.as_str()).to_string());
                    text.push(':');
                    write(it, text);
                }
                text.push('}');
            }
            Value::Array(items) => {
                text.push('[');
                for (at, it) in items.iter().enumerate() {
                    text.push_str(if at == 0 { "" } else { "," });
                    write(it, text);
                }
                text.push(']');
            }
            scalar => text.push_str(&scalar.to_string()),
        }
    }
    let mut text = String::new();
    write(document, &mut text);
    hex::encode(Sha256::digest(text))
}

pub(crate) struct Reader<'d> {
    pub(crate) document: &'d Value,
    pub(crate) options: Options,
    pub(crate) issues: Vec<Issue>,
    pub(crate) nodes: Vec<Option<Node>>,
    pub(crate) cache: Cache,
    /// Variables of loops and handlers around the place being read.
    pub(crate) locals: Vec<String>,
    pub(crate) depth: usize,
    /// The deepest place read since the innermost function began.
    pub(crate) deepest: usize,
    /// Functions of `use.functions`: read (with how deep each nests, its own calls included), or being read.
    pub(crate) functions: BTreeMap<String, Option<(usize, usize)>>,
    pub(crate) reads_workflow: bool,
}

impl<'d> Reader<'d> {
    fn new(document: &'d Value, options: Options) -> Reader<'d> {
        Reader {
            document,
            options,
            issues: Vec::new(),
            nodes: Vec::new(),
            cache: Cache::default(),
            locals: Vec::new(),
            depth: 0,
            deepest: 0,
            functions: BTreeMap::new(),
            reads_workflow: false,
        }
    }

    pub(crate) fn issue(&mut self, at: &str, why: &str, fix: &str) {
        self.issues.push(Issue {
            at: at.to_owned(),
            why: why.to_owned(),
            fix: fix.to_owned(),
        });
    }

    /// The fields of a mapping that may hold only the known keys.
    pub(crate) fn fields<'v>(&mut self, value: &'v Value, at: &str, known: &[&str]) -> Option<&'v Map<String, Value>> {
        self.fields_but(value, at, known, &[])
    }

    pub(crate) fn fields_but<'v>(
        &mut self,
        value: &'v Value,
        at: &str,
        known: &[&str],
        judged_elsewhere: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Some(fields) = value.as_object() else {
            self.issue(
                at,
                "It must be a mapping.",
                &format!("Known here: {}.", known.join(", ")),
            );
            return None;
        };
        for key in fields.keys() {
            if !known.contains(&key.as_str()) && !judged_elsewhere.contains(&key.as_str()) {
                let at = format!("{at}/{}", escape(key));
                self.issue(
                    &at,
                    &format!("`{key}` is not known here."),
                    &format!("Known here: {}.", known.join(", ")),
                );
            }
        }
        Some(fields)
    }

    pub(crate) fn text(&mut self, fields: &Map<String, Value>, at: &str, key: &str) -> Option<String> {
        let found = fields.get(key).and_then(Value::as_str);
        if found.is_none() {
            self.issue(
                &format!("{at}/{key}"),
                &format!("`{key}` is needed, as a text."),
                &format!("Add `{key}:`."),
            );
        }
        found.map(str::to_owned)
    }

    /// An expression that may stand bare or in `${ }`.
    pub(crate) fn bare(&mut self, value: &Value, at: &str) -> Option<Template> {
        let Some(text) = value.as_str() else {
            if let Value::Bool(constant) = value {
                return Some(Template::Literal(Value::Bool(*constant)));
            }
            self.issue(at, "It must be an expression.", "Write a jq expression as a text.");
            return None;
        };
        let variables = self.variables();
        let names: Vec<&str> = variables.iter().map(String::as_str).collect();
        let compiled = Template::program(unwrap_expression(text).unwrap_or(text), &names, &mut self.cache);
        self.compiled(compiled.map_err(|it| (String::new(), it)), at)
    }

    pub(crate) fn bare_field(&mut self, fields: &Map<String, Value>, at: &str, key: &str) -> Option<Template> {
        fields.get(key).and_then(|it| self.bare(it, &format!("{at}/{key}")))
    }

    /// JSON whose texts are evaluated where they are `${ }`.
    pub(crate) fn template(&mut self, value: &Value, at: &str) -> Option<Template> {
        let variables = self.variables();
        let names: Vec<&str> = variables.iter().map(String::as_str).collect();
        let compiled = Template::compile(value, &names, &mut self.cache);
        self.compiled(compiled, at)
    }

    fn compiled(&mut self, it: Result<Template, (String, signalbox_expression::Error)>, at: &str) -> Option<Template> {
        match it {
            Ok(template) => {
                self.reads_workflow |= template.uses("workflow");
                Some(template)
            }
            Err((within, error)) => {
                self.issue(&format!("{at}{within}"), &error.to_string(), "Correct the expression.");
                None
            }
        }
    }

    fn variables(&self) -> Vec<String> {
        VARIABLES
            .iter()
            .map(|it| (*it).to_owned())
            .chain(self.locals.iter().cloned())
            .collect()
    }

    /// `input`, `output` or `export`: a mapping whose one working key is an expression or a template.
    pub(crate) fn shaped(&mut self, value: &Value, at: &str, key: &str) -> Option<Template> {
        let fields = self.fields_but(value, at, &[key], &["schema"])?;
        if fields.contains_key("schema") {
            let fix = "Remove it, or check the data with `switch` and `raise`.";
            self.issue(
                &format!("{at}/schema"),
                "Schemas are not checked here, so none may be promised.",
                fix,
            );
        }
        let shape = fields.get(key)?;
        let at = format!("{at}/{key}");
        if shape.is_string() {
            self.bare(shape, &at)
        } else {
            self.template(shape, &at)
        }
    }

    pub(crate) fn duration(&mut self, value: &Value, at: &str) -> Option<Duration> {
        if value.as_str().is_some_and(|it| unwrap_expression(it).is_some()) {
            return self.template(value, at).map(Duration::Computed);
        }
        let has_expression = |it: &Value| it.as_str().is_some_and(|it| unwrap_expression(it).is_some());
        if value.as_object().is_some_and(|it| it.values().any(has_expression)) {
            return self.template(value, at).map(Duration::Computed);
        }
        match duration::read(value) {
            Ok(fixed) => Some(Duration::Fixed(fixed)),
            Err(why) => {
                self.issue(
                    at,
                    &format!("No usable duration: {why}."),
                    "Write PT15M or { minutes: 15 }.",
                );
                None
            }
        }
    }

    /// `timeout`, inline or by the name of one in `use.timeouts`.
    pub(crate) fn timeout(&mut self, value: &Value, at: &str) -> Option<Duration> {
        if let Some(name) = value.as_str() {
            let Some(shared) = self.document.pointer(&format!("/use/timeouts/{}", escape(name))) else {
                self.issue(
                    at,
                    &format!("There is no timeout `{name}`."),
                    "Define it under use.timeouts.",
                );
                return None;
            };
            return if shared.is_object() {
                self.timeout(shared, at)
            } else {
                None
            };
        }
        let fields = self.fields(value, at, &["after"])?;
        match fields.get("after") {
            Some(after) => self.duration(after, &format!("{at}/after")),
            None => {
                self.issue(at, "A timeout needs a duration.", "Add `after:`.");
                None
            }
        }
    }

    /// Takes the next place among the nodes, so that parents come before children.
    pub(crate) fn reserve(&mut self, at: &str, name: &str) -> usize {
        if self.nodes.len() == TASKS_MAX {
            self.issue(
                at,
                &format!("There are more than {TASKS_MAX} tasks (at `{name}`)."),
                "Split the workflow.",
            );
        }
        self.nodes.push(None);
        self.nodes.len() - 1
    }

    pub(crate) fn fill(&mut self, at: usize, node: Node) {
        if let Some(place) = self.nodes.get_mut(at) {
            *place = Some(node);
        }
    }

    pub(crate) fn name(&mut self, fields: &Map<String, Value>, at: &str, key: &str, default: &str) -> Arc<str> {
        let name = fields.get(key).map_or(Some(default), Value::as_str).unwrap_or_default();
        let plain = name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        if name.is_empty() || !plain || name.starts_with(|it: char| it.is_ascii_digit()) {
            self.issue(
                &format!("{at}/{key}"),
                "It is no name for a variable.",
                "Use letters, digits and `_`.",
            );
        } else if VARIABLES.contains(&name) {
            self.issue(
                &format!("{at}/{key}"),
                &format!("`${name}` already means something."),
                "Choose another name.",
            );
        }
        name.into()
    }
}

/// A key as a part of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
