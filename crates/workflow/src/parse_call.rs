//! Reading calls: built-in ones, catalogued functions, functions of the document, and other workflows.

use serde_json::{Map, Value};
use signalbox_expression::unwrap_expression;

use crate::definition::{Call, Task};
use crate::parse::{Reader, TASK_NESTING_MAX, escape};

/// The built-in calls: their keys, and those they need.
const CALLS: [(&str, &[&str], &[&str]); 6] = [
    (
        "http",
        &["method", "endpoint", "headers", "body", "query", "output", "redirect"],
        &["method", "endpoint"],
    ),
    (
        "openapi",
        &[
            "document",
            "operationId",
            "parameters",
            "authentication",
            "output",
            "redirect",
        ],
        &["document", "operationId"],
    ),
    (
        "grpc",
        &["proto", "service", "method", "arguments"],
        &["proto", "service", "method"],
    ),
    (
        "asyncapi",
        &[
            "document",
            "channel",
            "operation",
            "server",
            "protocol",
            "message",
            "authentication",
        ],
        &["document", "message"],
    ),
    ("a2a", &["agentCard", "server", "method", "parameters"], &["method"]),
    (
        "mcp",
        &[
            "protocolVersion",
            "method",
            "parameters",
            "timeout",
            "transport",
            "client",
        ],
        &["method", "transport"],
    ),
];
const URI_PLACES: [&str; 4] = [
    "/endpoint",
    "/endpoint/uri",
    "/document/endpoint",
    "/document/endpoint/uri",
];

type Fields = Map<String, Value>;

impl Reader<'_> {
    pub(crate) fn call(&mut self, value: &Value, fields: &Fields, at: &str) -> Option<Task> {
        let Some(function) = value.as_str() else {
            self.issue(&format!("{at}/call"), "It must be a text.", "Name a function.");
            return None;
        };
        let nothing = Value::Object(Map::new());
        let with = fields.get("with").unwrap_or(&nothing);
        let with_at = format!("{at}/with");
        if let Some((_, known, needed)) = CALLS.iter().find(|(name, _, _)| *name == function) {
            if with.get("subscription").is_some() && function == "asyncapi" {
                let fix = "Bring the channel in as a source and `listen` for its events.";
                self.issue(
                    &format!("{with_at}/subscription"),
                    "A subscription is no call that returns.",
                    fix,
                );
                return None;
            }
            let arguments = self.fields(with, &with_at, known)?;
            for key in needed.iter().filter(|it| !arguments.contains_key(**it)) {
                self.issue(
                    &format!("{with_at}/{key}"),
                    &format!("`call: {function}` needs `{key}`."),
                    "Add it.",
                );
            }
            let constant = |place: &&str| {
                let text = with.pointer(place).and_then(Value::as_str);
                text.is_some_and(|it| it.contains('{') && unwrap_expression(it).is_none())
            };
            let uris = URI_PLACES.iter().copied().filter(constant).collect();
            let with = self.template(with, &with_at)?;
            return Some(Task::Call(Call {
                function: function.to_owned(),
                with,
                uris,
            }));
        }
        if !with.is_object() {
            self.issue(&with_at, "Arguments are named.", "Write a mapping.");
        }
        let with = self.template(with, &with_at)?;
        if let Some((name, catalog)) = function.rsplit_once('@') {
            self.catalogued(name, catalog, &format!("{at}/call"));
            return Some(Task::Call(Call {
                function: function.to_owned(),
                with,
                uris: Vec::new(),
            }));
        }
        self.function_named(function, &format!("{at}/call"))
            .map(|body| Task::Function { body, with })
    }

    fn catalogued(&mut self, name: &str, catalog: &str, at: &str) {
        let built_in = ["signalbox", "default"].contains(&catalog);
        if !built_in
            && self
                .document
                .pointer(&format!("/use/catalogs/{}", escape(catalog)))
                .is_none()
        {
            let fix = "Use `@signalbox` or define it under use.catalogs.";
            self.issue(at, &format!("There is no catalog `{catalog}`."), fix);
        }
        if name
            .split_once(':')
            .is_none_or(|(name, version)| name.is_empty() || version.is_empty())
        {
            self.issue(
                at,
                "A catalogued function has a version.",
                "Write name:version@catalog.",
            );
        }
    }

    fn function_named(&mut self, name: &str, at: &str) -> Option<usize> {
        if self
            .document
            .pointer(&format!("/use/functions/{}", escape(name)))
            .is_none()
        {
            let fix = "Define it under use.functions, or name a catalogued one: name:version@catalog.";
            self.issue(
                at,
                &format!("There is no function `{name}`; none is fetched from elsewhere."),
                fix,
            );
            return None;
        }
        if self.functions.get(name) == Some(&None) {
            self.issue(at, &format!("`{name}` would call itself."), "Use a loop.");
            return None;
        }
        self.function(name)
    }

    /// Reads a function of `use.functions`, once, and sees that what it nests still fits here.
    pub(crate) fn function(&mut self, name: &str) -> Option<usize> {
        let at = format!("/use/functions/{}", escape(name));
        if !self.functions.contains_key(name) {
            self.functions.insert(name.to_owned(), None);
            let document = self.document;
            let locals = std::mem::take(&mut self.locals);
            let (depth, deepest) = (self.depth, self.deepest);
            (self.depth, self.deepest) = (1, 1);
            let body = document.pointer(&at).and_then(|task| self.task(task, &at, name, &[]));
            let height = self.deepest;
            (self.depth, self.deepest) = (depth, deepest);
            self.locals = locals;
            if let Some(body) = body {
                self.functions.insert(name.to_owned(), Some((body, height)));
            }
        }
        let (body, height) = (*self.functions.get(name)?)?;
        self.deepest = self.deepest.max(self.depth + height);
        if self.depth + height > TASK_NESTING_MAX {
            let why = format!("Tasks and calls nest more than {TASK_NESTING_MAX} deep.");
            self.issue(&at, &why, "Call it from higher up.");
            return None;
        }
        Some(body)
    }

    pub(crate) fn run(&mut self, value: &Value, at: &str) -> Option<Task> {
        let fields = self.fields(
            value,
            at,
            &["workflow", "shell", "script", "container", "await", "return"],
        )?;
        let awaited = match fields.get("await") {
            None => true,
            Some(Value::Bool(it)) => *it,
            Some(_) => {
                self.issue(
                    &format!("{at}/await"),
                    "It must be true or false.",
                    "Write `await: false`.",
                );
                true
            }
        };
        if let Some(workflow) = fields.get("workflow") {
            let at = format!("{at}/workflow");
            let target = self.fields(workflow, &at, &["namespace", "name", "version", "input"])?;
            for key in ["namespace", "name", "version"] {
                self.text(target, &at, key);
            }
            if fields.contains_key("return") {
                self.issue(
                    &format!("{at}/return"),
                    "A workflow returns its output.",
                    "Remove `return`.",
                );
            }
            return self
                .template(workflow, &at)
                .map(|target| Task::Subflow { target, awaited });
        }
        let process = ["shell", "script", "container"]
            .into_iter()
            .find(|it| fields.contains_key(*it));
        let Some(process) = process else {
            self.issue(at, "It does not say what to run.", "Add `workflow:`.");
            return None;
        };
        if !self.options.allow_processes || !awaited {
            let fix = "Call a function instead: name:version@catalog.";
            self.issue(
                &format!("{at}/{process}"),
                "Programs are not run from a workflow here.",
                fix,
            );
            return None;
        }
        let with = self.template(value, at)?;
        Some(Task::Call(Call {
            function: format!("run:{process}"),
            with,
            uris: Vec::new(),
        }))
    }
}
