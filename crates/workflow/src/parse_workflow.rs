//! Reading the top of a definition: its head, what it shares, when it starts.

use serde_json::{Map, Value, json};

use crate::definition::{Definition, Flow, Mode, Node, Schedule, Task};
use crate::duration;
use crate::parse::{Reader, escape, hash};

impl Reader<'_> {
    pub(crate) fn workflow(&mut self) -> Option<Definition> {
        let known = [
            "document", "input", "use", "do", "timeout", "output", "schedule", "evaluate",
        ];
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
        self.fill(
            root,
            Node {
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
            },
        );
        let (namespace, name, version) = head?;
        let nodes = self.whole()?;
        let by_path = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| (node.path.clone(), at))
            .collect();
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

    /// All nodes. Places are indices, so a task that could not be read leaves no definition at all.
    fn whole(&mut self) -> Option<Vec<Node>> {
        let nodes: Option<Vec<Node>> = std::mem::take(&mut self.nodes).into_iter().collect();
        if nodes.is_none() && self.issues.is_empty() {
            self.issue("/do", "Some task cannot be read.", "Simplify it.");
        }
        nodes
    }

    fn head(&mut self, fields: &Map<String, Value>) -> Option<(String, String, String)> {
        let Some(document) = fields.get("document") else {
            self.issue(
                "/document",
                "A workflow needs a head.",
                "Add `document:` with dsl, namespace, name, version.",
            );
            return None;
        };
        let known = [
            "dsl",
            "namespace",
            "name",
            "version",
            "title",
            "summary",
            "tags",
            "metadata",
        ];
        let head = self.fields(document, "/document", &known)?;
        let dsl = self.text(head, "/document", "dsl")?;
        if !dsl.starts_with("1.0.") {
            self.issue(
                "/document/dsl",
                &format!("This runs DSL 1.0.x, not {dsl}."),
                "Write `dsl: '1.0.3'`.",
            );
        }
        let namespace = self.text(head, "/document", "namespace")?;
        let name = self.text(head, "/document", "name")?;
        let version = self.text(head, "/document", "version")?;
        for (key, label) in [("namespace", &namespace), ("name", &name)] {
            let letters = label.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
            if label.is_empty() || label.len() > 63 || !letters || label.starts_with('-') || label.ends_with('-') {
                let why = format!("`{label}` is no usable {key}.");
                self.issue(
                    &format!("/document/{key}"),
                    &why,
                    "Use up to 63 letters, digits and inner hyphens.",
                );
            }
        }
        let core = version.split(['-', '+']).next().unwrap_or_default();
        let numbers: Vec<&str> = core.split('.').collect();
        if numbers.len() != 3 || numbers.iter().any(|it| it.parse::<u32>().is_err()) {
            self.issue(
                "/document/version",
                &format!("`{version}` is no semantic version."),
                "Write one such as '1.0.0'.",
            );
        }
        Some((namespace, name, version))
    }

    fn evaluate(&mut self, fields: &Map<String, Value>) {
        let Some(evaluate) = fields.get("evaluate") else { return };
        let Some(fields) = self.fields(evaluate, "/evaluate", &["language", "mode"]) else {
            return;
        };
        for (key, only) in [("language", "jq"), ("mode", "strict")] {
            if fields.get(key).is_some_and(|it| it != only) {
                self.issue(
                    &format!("/evaluate/{key}"),
                    &format!("Only {only} is run."),
                    &format!("Write `{key}: {only}`."),
                );
            }
        }
    }

    /// Reads `use`, and gives `$secrets`: references that the owner resolves when it performs a call, never the secrets.
    fn uses(&mut self, fields: &Map<String, Value>) -> Value {
        let Some(uses) = fields.get("use") else {
            return Value::Object(Map::new());
        };
        let known = [
            "authentications",
            "errors",
            "functions",
            "retries",
            "secrets",
            "timeouts",
            "catalogs",
        ];
        let refused = ["extensions"];
        let Some(uses) = self.fields_but(uses, "/use", &known, &refused) else {
            return Value::Null;
        };
        if uses.contains_key("extensions") {
            let fix = "Write what it adds as tasks of their own.";
            self.issue(
                "/use/extensions",
                "Extensions change tasks from afar; they are not run.",
                fix,
            );
        }
        for key in [
            "authentications",
            "errors",
            "functions",
            "retries",
            "timeouts",
            "catalogs",
        ] {
            if uses.get(key).is_some_and(|it| !it.is_object()) {
                self.issue(
                    &format!("/use/{key}"),
                    "It must be a mapping.",
                    "Give each entry a name.",
                );
            }
        }
        let shared = |key: &str| uses.get(key).and_then(Value::as_object).into_iter().flatten();
        for (name, _) in shared("functions") {
            self.function(name);
        }
        for (name, timeout) in shared("timeouts") {
            self.timeout(timeout, &format!("/use/timeouts/{}", escape(name)));
        }
        for (name, retry) in shared("retries") {
            self.retry(retry, &format!("/use/retries/{}", escape(name)));
        }
        for (name, error) in shared("errors") {
            self.error(error, &format!("/use/errors/{}", escape(name)));
        }
        self.secrets(uses)
    }

    fn secrets(&mut self, uses: &Map<String, Value>) -> Value {
        let mut secrets = Map::new();
        let names = uses.get("secrets").and_then(Value::as_array);
        for (at, name) in names.into_iter().flatten().enumerate() {
            match name.as_str() {
                Some(name) => drop(secrets.insert(name.to_owned(), json!({ "$secret": name }))),
                None => {
                    let at = format!("/use/secrets/{at}");
                    self.issue(&at, "A secret is named by a text.", "Write its name.");
                }
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
            self.issue(
                "/schedule/cron",
                "It must be a text.",
                "Write five fields such as '0 6 * * *'.",
            );
        }
        let on = fields.get("on").and_then(|it| self.strategy(it, "/schedule/on", &[]));
        if on.as_ref().is_some_and(|it| it.mode == Mode::All) {
            let fix = "Start on one of them and `listen` for the rest.";
            self.issue("/schedule/on/all", "A start cannot wait for several events.", fix);
        }
        let read = self.read(fields, "/schedule");
        Some(Schedule {
            every,
            after,
            cron,
            on,
            read,
        })
    }
}
