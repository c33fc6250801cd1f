//! Reading a definition: YAML or JSON text to checked nodes.
//!
//! The invariant: nothing in a text is ignored. A keyword we do not run is an [`Issue`] with its place and a way out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use signalbox_expression::{Cache, Template, unwrap_expression};

use crate::definition::{Definition, Flow, Node, Schedule, Task};
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
        let issue = |why: String, fix: &str| vec![Issue { at: String::new(), why, fix: fix.to_owned() }];
        if text.len() > TEXT_BYTES_MAX {
            return Err(issue(format!("The text is longer than {TEXT_BYTES_MAX} bytes."), "Split the workflow."));
        }
        // YAML 1.2, as the specification has it: `no` and `on` are texts.
        let yaml = serde_saphyr::options! { strict_booleans: true };
        let document: Value = serde_saphyr::from_str_with_options(text, yaml)
            .map_err(|it| issue(format!("The text is neither YAML nor JSON: {it}."), "Correct it there."))?;
        if !within(&document, DOCUMENT_NESTING_MAX) {
            return Err(issue(format!("It nests more than {DOCUMENT_NESTING_MAX} deep."), "Flatten it."));
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
fn hash(document: &Value) -> String {
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
    /// Functions of `use.functions`: read, or being read.
    pub(crate) functions: BTreeMap<String, Option<usize>>,
    reads_workflow: bool,
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
            functions: BTreeMap::new(),
            reads_workflow: false,
        }
    }

    fn workflow(&mut self) -> Option<Definition> {
        let known = ["document", "input", "use", "do", "timeout", "output", "schedule", "evaluate"];
        let fields = self.fields(self.document, "", &known)?;
        let head = self.head(fields);
        self.evaluate(fields);
        // The workflow itself is always the first node.
        let root = self.reserve("", "workflow");
        let secrets = self.uses(fields);
        let input_from = fields.get("input").and_then(|it| self.shaped(it, "/input", "from"));
        let output_as = fields.get("output").and_then(|it| self.shaped(it, "/output", "as"));
        let timeout = fields.get("timeout").and_then(|it| self.timeout(it, "/timeout"));
        let body = match fields.get("do") {
            Some(list) => self.list(list, "/do")?,
            None => {
                self.issue("/do", "A workflow needs tasks.", "Add `do:` with a list of tasks.");
                return None;
            }
        };
        let schedule = fields.get("schedule").and_then(|it| self.schedule(it));
        self.fill(root, Node {
            path: "".into(),
            name: "workflow".to_owned(),
            condition: None,
            input_from,
            keeps_input: output_as.as_ref().is_some_and(|it| it.uses("input")),
            output_as,
            export_as: None,
            timeout,
            then: Flow::Continue,
            task: Task::Do(body),
        });
        let (namespace, name, version) = head?;
        let nodes: Option<Vec<Node>> = std::mem::take(&mut self.nodes).into_iter().collect();
        let Some(nodes) = nodes else {
            // Places are indices, so a task that could not be read leaves no definition at all.
            if self.issues.is_empty() {
                self.issue("/do", "Some task cannot be read.", "Simplify it.");
            }
            return None;
        };
        let by_path = nodes.iter().enumerate().map(|(at, node)| (node.path.clone(), at)).collect();
        Some(Definition {
            namespace,
            name,
            version,
            hash: hash(self.document),
            document: self.document.clone(),
            schedule,
            nodes,
            by_path,
            secrets,
            runtime: json!({"name": "signalbox", "version": env!("CARGO_PKG_VERSION"), "metadata": {}}),
            reads_workflow: self.reads_workflow,
        })
    }

    fn head(&mut self, fields: &Map<String, Value>) -> Option<(String, String, String)> {
        let Some(document) = fields.get("document") else {
            self.issue("/document", "A workflow needs a head.", "Add `document:` with dsl, namespace, name, version.");
            return None;
        };
        let known = ["dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata"];
        let head = self.fields(document, "/document", &known)?;
        let dsl = self.text(head, "/document", "dsl")?;
        if !dsl.starts_with("1.0.") {
            self.issue("/document/dsl", &format!("This runs DSL 1.0.x, not {dsl}."), "Write `dsl: '1.0.3'`.");
        }
        let namespace = self.text(head, "/document", "namespace")?;
        let name = self.text(head, "/document", "name")?;
        let version = self.text(head, "/document", "version")?;
        for (key, label) in [("namespace", &namespace), ("name", &name)] {
            let letters = label.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
            if label.is_empty() || label.len() > 63 || !letters || label.starts_with('-') || label.ends_with('-') {
                let why = format!("`{label}` is no usable {key}.");
                self.issue(&format!("/document/{key}"), &why, "Use up to 63 letters, digits and inner hyphens.");
            }
        }
        let core = version.split(['-', '+']).next().unwrap_or_default();
        let numbers: Vec<&str> = core.split('.').collect();
        if numbers.len() != 3 || numbers.iter().any(|it| it.parse::<u32>().is_err()) {
            self.issue("/document/version", &format!("`{version}` is no semantic version."), "Write one such as '1.0.0'.");
        }
        Some((namespace, name, version))
    }

    fn evaluate(&mut self, fields: &Map<String, Value>) {
        let Some(evaluate) = fields.get("evaluate") else { return };
        let Some(fields) = self.fields(evaluate, "/evaluate", &["language", "mode"]) else { return };
        for (key, only) in [("language", "jq"), ("mode", "strict")] {
            if fields.get(key).is_some_and(|it| it != only) {
                self.issue(&format!("/evaluate/{key}"), &format!("Only {only} is run."), &format!("Write `{key}: {only}`."));
            }
        }
    }

    /// Reads `use`, and gives `$secrets`: references that the owner resolves when it performs a call, never the secrets.
    fn uses(&mut self, fields: &Map<String, Value>) -> Value {
        let Some(uses) = fields.get("use") else { return Value::Object(Map::new()) };
        let known = ["authentications", "errors", "functions", "retries", "secrets", "timeouts", "catalogs"];
        let refused = ["extensions"];
        let Some(uses) = self.fields_but(uses, "/use", &known, &refused) else { return Value::Null };
        if uses.contains_key("extensions") {
            let fix = "Write what it adds as tasks of their own.";
            self.issue("/use/extensions", "Extensions change tasks from afar; they are not run.", fix);
        }
        for key in ["authentications", "errors", "functions", "retries", "timeouts", "catalogs"] {
            if uses.get(key).is_some_and(|it| !it.is_object()) {
                self.issue(&format!("/use/{key}"), "It must be a mapping.", "Give each entry a name.");
            }
        }
        let names: Vec<&String> = uses.get("functions").and_then(Value::as_object).into_iter().flat_map(Map::keys).collect();
        for name in names {
            self.function(name);
        }
        for (name, timeout) in uses.get("timeouts").and_then(Value::as_object).into_iter().flatten() {
            self.timeout(timeout, &format!("/use/timeouts/{}", escape(name)));
        }
        for (name, retry) in uses.get("retries").and_then(Value::as_object).into_iter().flatten() {
            self.retry(retry, &format!("/use/retries/{}", escape(name)));
        }
        for (name, error) in uses.get("errors").and_then(Value::as_object).into_iter().flatten() {
            self.error(error, &format!("/use/errors/{}", escape(name)));
        }
        let mut secrets = Map::new();
        for (at, name) in uses.get("secrets").and_then(Value::as_array).into_iter().flatten().enumerate() {
            match name.as_str() {
                Some(name) => drop(secrets.insert(name.to_owned(), json!({ "$secret": name }))),
                None => self.issue(&format!("/use/secrets/{at}"), "A secret is named by a text.", "Write its name."),
            }
        }
        Value::Object(secrets)
    }

    fn schedule(&mut self, value: &Value) -> Option<Schedule> {
        let fields = self.fields(value, "/schedule", &["every", "cron", "after", "on", "read"])?;
        let mut fixed = |key: &str| {
            let read = duration::read(fields.get(key)?);
            match read {
                Ok(it) => Some(it),
                Err(why) => {
                    self.issue(&format!("/schedule/{key}"), &why, "Write a constant such as PT15M.");
                    None
                }
            }
        };
        let (every, after) = (fixed("every"), fixed("after"));
        let cron = fields.get("cron").and_then(Value::as_str).map(str::to_owned);
        if fields.get("cron").is_some_and(|it| !it.is_string()) {
            self.issue("/schedule/cron", "It must be a text.", "Write five fields such as '0 6 * * *'.");
        }
        let on = fields.get("on").and_then(|it| self.strategy(it, "/schedule/on", &[]));
        if on.as_ref().is_some_and(|it| it.mode == crate::definition::Mode::All) {
            let fix = "Start on one of them and `listen` for the rest.";
            self.issue("/schedule/on/all", "A start cannot wait for several events.", fix);
        }
        let read = self.read(fields, "/schedule");
        Some(Schedule { every, after, cron, on, read })
    }

    pub(crate) fn issue(&mut self, at: &str, why: &str, fix: &str) {
        self.issues.push(Issue { at: at.to_owned(), why: why.to_owned(), fix: fix.to_owned() });
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
            self.issue(at, "It must be a mapping.", &format!("Known here: {}.", known.join(", ")));
            return None;
        };
        for key in fields.keys() {
            if !known.contains(&key.as_str()) && !judged_elsewhere.contains(&key.as_str()) {
                let at = format!("{at}/{}", escape(key));
                self.issue(&at, &format!("`{key}` is not known here."), &format!("Known here: {}.", known.join(", ")));
            }
        }
        Some(fields)
    }

    pub(crate) fn text(&mut self, fields: &Map<String, Value>, at: &str, key: &str) -> Option<String> {
        let found = fields.get(key).and_then(Value::as_str);
        if found.is_none() {
            self.issue(&format!("{at}/{key}"), &format!("`{key}` is needed, as a text."), &format!("Add `{key}:`."));
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
        VARIABLES.iter().map(|it| (*it).to_owned()).chain(self.locals.iter().cloned()).collect()
    }

    /// `input`, `output` or `export`: a mapping whose one working key is an expression or a template.
    pub(crate) fn shaped(&mut self, value: &Value, at: &str, key: &str) -> Option<Template> {
        let fields = self.fields_but(value, at, &[key], &["schema"])?;
        if fields.contains_key("schema") {
            let fix = "Remove it, or check the data with `switch` and `raise`.";
            self.issue(&format!("{at}/schema"), "Schemas are not checked here, so none may be promised.", fix);
        }
        let shape = fields.get(key)?;
        let at = format!("{at}/{key}");
        if shape.is_string() { self.bare(shape, &at) } else { self.template(shape, &at) }
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
                self.issue(at, &format!("No usable duration: {why}."), "Write PT15M or { minutes: 15 }.");
                None
            }
        }
    }

    /// `timeout`, inline or by the name of one in `use.timeouts`.
    pub(crate) fn timeout(&mut self, value: &Value, at: &str) -> Option<Duration> {
        if let Some(name) = value.as_str() {
            let Some(shared) = self.document.pointer(&format!("/use/timeouts/{}", escape(name))) else {
                self.issue(at, &format!("There is no timeout `{name}`."), "Define it under use.timeouts.");
                return None;
            };
            return if shared.is_object() { self.timeout(shared, at) } else { None };
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
            self.issue(at, &format!("There are more than {TASKS_MAX} tasks (at `{name}`)."), "Split the workflow.");
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
            self.issue(&format!("{at}/{key}"), "It is no name for a variable.", "Use letters, digits and `_`.");
        } else if VARIABLES.contains(&name) {
            self.issue(&format!("{at}/{key}"), &format!("`${name}` already means something."), "Choose another name.");
        }
        name.into()
    }
}

/// A key as a part of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
