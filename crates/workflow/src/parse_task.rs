//! Reading tasks.

use serde_json::{Map, Value};
use signalbox_expression::{Template, unwrap_expression};

use crate::definition::{Backoff, Call, Case, Flow, For, List, Node, Retry, Task, Try};
use crate::parse::{Reader, TASK_NESTING_MAX, TASKS_MAX, escape};

/// The words that say what a task is.
const KINDS: [&str; 12] =
    ["call", "do", "emit", "for", "fork", "listen", "raise", "run", "set", "switch", "try", "wait"];
/// The words any task may have.
const COMMON: [&str; 7] = ["if", "input", "output", "export", "timeout", "then", "metadata"];
/// Branches of one fork.
const BRANCHES_MAX: usize = 64;

/// The built-in calls: their keys, and those they need.
const CALLS: [(&str, &[&str], &[&str]); 6] = [
    ("http", &["method", "endpoint", "headers", "body", "query", "output", "redirect"], &["method", "endpoint"]),
    (
        "openapi",
        &["document", "operationId", "parameters", "authentication", "output", "redirect"],
        &["document", "operationId"],
    ),
    ("grpc", &["proto", "service", "method", "arguments"], &["proto", "service", "method"]),
    ("asyncapi", &["document", "channel", "operation", "server", "protocol", "message", "authentication"], &["document", "message"]),
    ("a2a", &["agentCard", "server", "method", "parameters"], &["method"]),
    ("mcp", &["protocolVersion", "method", "parameters", "timeout", "transport", "client"], &["method", "transport"]),
];
const URI_PLACES: [&str; 4] = ["/endpoint", "/endpoint/uri", "/document/endpoint", "/document/endpoint/uri"];

type Fields = Map<String, Value>;

impl Reader<'_> {
    pub(crate) fn list(&mut self, value: &Value, at: &str) -> Option<List> {
        let Some(items) = value.as_array() else {
            self.issue(at, "It must be a list of tasks.", "Write `- name: { ... }` for each.");
            return None;
        };
        self.depth += 1;
        let list = if self.depth > TASK_NESTING_MAX {
            self.issue(at, &format!("Tasks nest more than {TASK_NESTING_MAX} deep."), "Move them to a function.");
            None
        } else {
            let names: Vec<&str> = items.iter().filter_map(|it| it.as_object()?.keys().next().map(String::as_str)).collect();
            let mut list = List::new();
            for (place, item) in items.iter().enumerate() {
                list.extend(self.item(item, &format!("{at}/{place}"), &names));
            }
            Some(list)
        };
        self.depth -= 1;
        list
    }

    fn item(&mut self, item: &Value, at: &str, names: &[&str]) -> Option<usize> {
        let entry = item.as_object().filter(|it| it.len() == 1).and_then(|it| it.iter().next());
        let Some((name, task)) = entry else {
            self.issue(at, "A task is one name with its task.", "Write `- name: { ... }`.");
            return None;
        };
        if names.iter().filter(|it| *it == name).count() > 1 {
            self.issue(at, &format!("There are two tasks `{name}` in this list."), "Give each a name of its own.");
        }
        self.task(task, &format!("{at}/{}", escape(name)), name, names)
    }

    /// Reads one task; `names` are those of the list it stands in.
    pub(crate) fn task(&mut self, value: &Value, at: &str, name: &str, names: &[&str]) -> Option<usize> {
        let place = self.reserve(at, name);
        if place >= TASKS_MAX {
            return None;
        }
        let Some(fields) = value.as_object() else {
            self.issue(at, "A task must be a mapping.", &format!("Say what it does: {}.", KINDS.join(", ")));
            return None;
        };
        let kinds: Vec<&str> = KINDS.iter().copied().filter(|it| fields.contains_key(*it)).collect();
        let kind = match kinds.as_slice() {
            [kind] => *kind,
            ["do", "for"] => "for",
            [] => {
                self.issue(at, "It does not say what to do.", &format!("Add one of {}.", KINDS.join(", ")));
                return None;
            }
            many => {
                self.issue(at, &format!("It is several tasks at once: {}.", many.join(", ")), "Make a task of each.");
                return None;
            }
        };
        let beside: &[&str] = match kind {
            "call" => &["with"],
            "for" => &["do", "while"],
            "try" => &["catch"],
            "listen" => &["foreach"],
            _ => &[],
        };
        let known: Vec<&str> = [kind].iter().chain(beside).chain(&COMMON).copied().collect();
        self.fields(value, at, &known);
        let condition = self.bare_field(fields, at, "if");
        let input_from = fields.get("input").and_then(|it| self.shaped(it, &format!("{at}/input"), "from"));
        let output_as = fields.get("output").and_then(|it| self.shaped(it, &format!("{at}/output"), "as"));
        let export_as = fields.get("export").and_then(|it| self.shaped(it, &format!("{at}/export"), "as"));
        let timeout = fields.get("timeout").and_then(|it| self.timeout(it, &format!("{at}/timeout")));
        let then = self.then(fields, at, names).unwrap_or(Flow::Continue);
        let task = self.kind(kind, fields, at, names)?;
        let reads_input = |it: &Option<Template>| it.as_ref().is_some_and(|it| it.uses("input") || it.uses("task"));
        let works_on = matches!(task, Task::Wait(_) | Task::Try(_) | Task::Listen(_));
        let keeps_input = works_on || reads_input(&output_as) || reads_input(&export_as);
        let path = at.into();
        let name = name.to_owned();
        let node =
            Node { path, name, condition, input_from, output_as, export_as, timeout, then, task, keeps_input };
        self.fill(place, node);
        Some(place)
    }

    fn then(&mut self, fields: &Fields, at: &str, names: &[&str]) -> Option<Flow> {
        let at = format!("{at}/then");
        let Some(target) = fields.get("then")?.as_str() else {
            self.issue(&at, "It must be a text.", "Write continue, exit, end or the name of a task.");
            return None;
        };
        match target {
            "continue" => Some(Flow::Continue),
            "exit" => Some(Flow::Exit),
            "end" => Some(Flow::End),
            name => match names.iter().position(|it| *it == name) {
                Some(place) => Some(Flow::To(place)),
                None => {
                    let fix = format!("Name one of this list: {}, or continue, exit, end.", names.join(", "));
                    self.issue(&at, &format!("There is no task `{name}` in this list."), &fix);
                    None
                }
            },
        }
    }

    fn kind(&mut self, kind: &str, fields: &Fields, at: &str, names: &[&str]) -> Option<Task> {
        let value = fields.get(kind)?;
        let inside = format!("{at}/{kind}");
        match kind {
            "do" => self.list(value, &inside).map(Task::Do),
            "set" => {
                if !value.is_string() && value.as_object().is_none_or(Map::is_empty) {
                    self.issue(&inside, "It must be a mapping or an expression.", "Write what to set.");
                }
                self.template(value, &inside).map(Task::Set)
            }
            "wait" => self.duration(value, &inside).map(Task::Wait),
            "raise" => self.raise(value, &inside),
            "emit" => self.emit(value, &inside),
            "switch" => self.switch(value, &inside, names),
            "for" => self.for_each(value, fields, at),
            "fork" => self.fork(value, &inside),
            "try" => self.try_catch(value, fields, at, names),
            "listen" => self.listen(value, fields, at),
            "call" => self.call(value, fields, at),
            "run" => self.run(value, &inside),
            _ => None,
        }
    }

    fn raise(&mut self, value: &Value, at: &str) -> Option<Task> {
        let fields = self.fields(value, at, &["error"])?;
        let at = format!("{at}/error");
        match fields.get("error") {
            Some(Value::String(name)) => {
                let shared = format!("/use/errors/{}", escape(name));
                let Some(error) = self.document.pointer(&shared) else {
                    self.issue(&at, &format!("There is no error `{name}`."), "Define it under use.errors.");
                    return None;
                };
                self.error(error, &at).map(Task::Raise)
            }
            Some(error) => self.error(error, &at).map(Task::Raise),
            None => {
                self.issue(&at, "It needs an error.", "Add `error:` with type and status.");
                None
            }
        }
    }

    pub(crate) fn error(&mut self, value: &Value, at: &str) -> Option<Template> {
        let fields = self.fields(value, at, &["type", "status", "title", "detail", "instance"])?;
        self.text(fields, at, "type")?;
        let status = fields.get("status").and_then(Value::as_u64).filter(|it| (100..=999).contains(it));
        if status.is_none() {
            self.issue(&format!("{at}/status"), "It needs a status such as 404.", "Add `status:`, an integer.");
        }
        self.template(value, at)
    }

    fn switch(&mut self, value: &Value, at: &str, names: &[&str]) -> Option<Task> {
        let Some(items) = value.as_array().filter(|it| !it.is_empty()) else {
            self.issue(at, "It must be a list of cases.", "Write `- name: { when: ..., then: ... }`.");
            return None;
        };
        let mut cases = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let at = format!("{at}/{place}");
            let Some((name, case)) = item.as_object().filter(|it| it.len() == 1).and_then(|it| it.iter().next()) else {
                self.issue(&at, "A case is one name with its case.", "Write `- name: { when: ..., then: ... }`.");
                continue;
            };
            let at = format!("{at}/{}", escape(name));
            let Some(fields) = self.fields(case, &at, &["when", "then"]) else { continue };
            let when = self.bare_field(fields, &at, "when");
            if !fields.contains_key("then") {
                self.issue(&at, "A case needs `then`.", "Say where to go.");
            }
            cases.extend(self.then(fields, &at, names).map(|then| Case { when, then }));
        }
        Some(Task::Switch(cases))
    }

    fn for_each(&mut self, value: &Value, fields: &Fields, at: &str) -> Option<Task> {
        let inside = format!("{at}/for");
        let of = self.fields(value, &inside, &["each", "in", "at"])?;
        let (each, index) = (self.name(of, &inside, "each", "item"), self.name(of, &inside, "at", "index"));
        let items = match of.get("in") {
            Some(text @ Value::String(_)) => self.bare(text, &format!("{inside}/in")),
            Some(list @ Value::Array(_)) => self.template(list, &format!("{inside}/in")),
            _ => {
                self.issue(&format!("{inside}/in"), "It needs what to loop over.", "Add `in:`, an expression or a list.");
                None
            }
        };
        self.locals.extend([each.to_string(), index.to_string()]);
        let condition = self.bare_field(fields, at, "while");
        let body = match fields.get("do") {
            Some(list) => self.list(list, &format!("{at}/do")),
            None => {
                self.issue(&format!("{at}/do"), "A loop needs tasks.", "Add `do:`.");
                None
            }
        };
        self.locals.truncate(self.locals.len().saturating_sub(2));
        Some(Task::For(For { each, at: index, items: items?, condition, body: body? }))
    }

    fn fork(&mut self, value: &Value, at: &str) -> Option<Task> {
        let fields = self.fields(value, at, &["branches", "compete"])?;
        let compete = match fields.get("compete") {
            None => false,
            Some(Value::Bool(it)) => *it,
            Some(_) => {
                self.issue(&format!("{at}/compete"), "It must be true or false.", "Write `compete: true`.");
                false
            }
        };
        let at = format!("{at}/branches");
        let branches = fields.get("branches").and_then(Value::as_array).map_or(0, Vec::len);
        if branches == 0 || branches > BRANCHES_MAX {
            self.issue(&at, &format!("A fork has 1 to {BRANCHES_MAX} branches."), "List them as tasks.");
            return None;
        }
        let list = self.list(fields.get("branches")?, &at)?;
        for place in &list {
            if let Some(Some(Node { then: Flow::To(_), path, .. })) = self.nodes.get(*place) {
                let at = format!("{path}/then");
                self.issue(&at, "Branches run side by side; none follows another.", "Use continue, exit or end.");
            }
        }
        Some(Task::Fork { branches: list, compete })
    }

    fn try_catch(&mut self, value: &Value, fields: &Fields, at: &str, names: &[&str]) -> Option<Task> {
        let body = self.list(value, &format!("{at}/try"));
        let at = format!("{at}/catch");
        let Some(catch) = fields.get("catch") else {
            self.issue(&at, "`try` needs `catch`.", "Say what to catch.");
            return None;
        };
        let known = ["errors", "as", "when", "exceptWhen", "retry", "do", "then"];
        let catch = self.fields(catch, &at, &known)?;
        let errors = catch.get("errors").and_then(|it| self.error_filter(it, &format!("{at}/errors")));
        let name = self.name(catch, &at, "as", "error");
        self.locals.push(name.to_string());
        let when = self.bare_field(catch, &at, "when");
        let except_when = self.bare_field(catch, &at, "exceptWhen");
        let retry = catch.get("retry").and_then(|it| self.retry_or_name(it, &format!("{at}/retry")));
        let handler = catch.get("do").and_then(|it| self.list(it, &format!("{at}/do")));
        self.locals.pop();
        let then = self.then(catch, &at, names);
        Some(Task::Try(Box::new(Try { body: body?, errors, name, when, except_when, retry, handler, then })))
    }

    fn error_filter(&mut self, value: &Value, at: &str) -> Option<Template> {
        let fields = self.fields(value, at, &["with"])?;
        let with = fields.get("with")?;
        let at = format!("{at}/with");
        self.fields(with, &at, &["type", "status", "title", "detail", "instance"])?;
        self.template(with, &at)
    }

    fn retry_or_name(&mut self, value: &Value, at: &str) -> Option<Retry> {
        let Some(name) = value.as_str() else { return self.retry(value, at) };
        let Some(shared) = self.document.pointer(&format!("/use/retries/{}", escape(name))) else {
            self.issue(at, &format!("There is no retry policy `{name}`."), "Define it under use.retries.");
            return None;
        };
        self.retry(shared, at)
    }

    pub(crate) fn retry(&mut self, value: &Value, at: &str) -> Option<Retry> {
        let fields = self.fields(value, at, &["when", "exceptWhen", "delay", "backoff", "limit", "jitter"])?;
        let backoff = fields.get("backoff").map_or(Some(Backoff::Constant), |it| self.backoff(it, &format!("{at}/backoff")));
        let (mut count, mut attempt_within, mut all_within) = (None, None, None);
        let limit_at = format!("{at}/limit");
        if let Some(limit) = fields.get("limit").and_then(|it| self.fields(it, &limit_at, &["attempt", "duration"])) {
            all_within = limit.get("duration").and_then(|it| self.duration(it, &format!("{limit_at}/duration")));
            let at = format!("{limit_at}/attempt");
            if let Some(attempt) = limit.get("attempt").and_then(|it| self.fields(it, &at, &["count", "duration"])) {
                attempt_within = attempt.get("duration").and_then(|it| self.duration(it, &format!("{at}/duration")));
                count = attempt.get("count").and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
                if count.is_none() && attempt.contains_key("count") {
                    self.issue(&format!("{at}/count"), "It must be a count.", "Write an integer such as 5.");
                }
            }
        }
        let jitter_at = format!("{at}/jitter");
        let jitter = fields.get("jitter").and_then(|it| self.fields(it, &jitter_at, &["from", "to"]));
        let jitter = jitter.and_then(|it| {
            let (Some(from), Some(to)) = (it.get("from"), it.get("to")) else {
                self.issue(&jitter_at, "It needs both ends.", "Add `from:` and `to:`.");
                return None;
            };
            Some((self.duration(from, &format!("{jitter_at}/from"))?, self.duration(to, &format!("{jitter_at}/to"))?))
        });
        Some(Retry {
            when: self.bare_field(fields, at, "when"),
            except_when: self.bare_field(fields, at, "exceptWhen"),
            delay: fields.get("delay").and_then(|it| self.duration(it, &format!("{at}/delay"))),
            backoff: backoff?,
            count,
            attempt_within,
            all_within,
            jitter,
        })
    }

    fn backoff(&mut self, value: &Value, at: &str) -> Option<Backoff> {
        let fields = self.fields(value, at, &["constant", "linear", "exponential"])?;
        let mut chosen = fields.iter().filter_map(|(key, details)| {
            let kind = match key.as_str() {
                "constant" => Backoff::Constant,
                "linear" => Backoff::Linear,
                "exponential" => Backoff::Exponential,
                _ => return None,
            };
            Some((kind, key, details))
        });
        let (Some((kind, key, details)), None) = (chosen.next(), chosen.next()) else {
            self.issue(at, "It is one of constant, linear, exponential.", "Keep one, such as `exponential: {}`.");
            return None;
        };
        self.fields(details, &format!("{at}/{key}"), &[]);
        Some(kind)
    }

    fn call(&mut self, value: &Value, fields: &Fields, at: &str) -> Option<Task> {
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
                self.issue(&format!("{with_at}/subscription"), "A subscription is no call that returns.", fix);
                return None;
            }
            let arguments = self.fields(with, &with_at, known)?;
            for key in needed.iter().filter(|it| !arguments.contains_key(**it)) {
                self.issue(&format!("{with_at}/{key}"), &format!("`call: {function}` needs `{key}`."), "Add it.");
            }
            let constant = |place: &&str| {
                let text = with.pointer(place).and_then(Value::as_str);
                text.is_some_and(|it| it.contains('{') && unwrap_expression(it).is_none())
            };
            let uris = URI_PLACES.iter().copied().filter(constant).collect();
            let with = self.template(with, &with_at)?;
            return Some(Task::Call(Call { function: function.to_owned(), with, uris }));
        }
        if !with.is_object() {
            self.issue(&with_at, "Arguments are named.", "Write a mapping.");
        }
        let with = self.template(with, &with_at)?;
        if let Some((name, catalog)) = function.rsplit_once('@') {
            self.catalogued(name, catalog, &format!("{at}/call"));
            return Some(Task::Call(Call { function: function.to_owned(), with, uris: Vec::new() }));
        }
        self.function_named(function, &format!("{at}/call")).map(|body| Task::Function { body, with })
    }

    fn catalogued(&mut self, name: &str, catalog: &str, at: &str) {
        let built_in = ["signalbox", "default"].contains(&catalog);
        if !built_in && self.document.pointer(&format!("/use/catalogs/{}", escape(catalog))).is_none() {
            let fix = "Use `@signalbox` or define it under use.catalogs.";
            self.issue(at, &format!("There is no catalog `{catalog}`."), fix);
        }
        if name.split_once(':').is_none_or(|(name, version)| name.is_empty() || version.is_empty()) {
            self.issue(at, "A catalogued function has a version.", "Write name:version@catalog.");
        }
    }

    fn function_named(&mut self, name: &str, at: &str) -> Option<usize> {
        if self.document.pointer(&format!("/use/functions/{}", escape(name))).is_none() {
            let fix = "Define it under use.functions, or name a catalogued one: name:version@catalog.";
            self.issue(at, &format!("There is no function `{name}`; none is fetched from elsewhere."), fix);
            return None;
        }
        if self.functions.get(name) == Some(&None) {
            self.issue(at, &format!("`{name}` would call itself."), "Use a loop.");
            return None;
        }
        self.function(name)
    }

    /// Reads a function of `use.functions`, once.
    pub(crate) fn function(&mut self, name: &str) -> Option<usize> {
        if let Some(known) = self.functions.get(name) {
            return *known;
        }
        self.functions.insert(name.to_owned(), None);
        let at = format!("/use/functions/{}", escape(name));
        let document = self.document;
        let locals = std::mem::take(&mut self.locals);
        self.depth += 1;
        let body = document.pointer(&at).and_then(|task| self.task(task, &at, name, &[]));
        self.depth -= 1;
        self.locals = locals;
        if body.is_some() {
            self.functions.insert(name.to_owned(), body);
        }
        body
    }

    fn run(&mut self, value: &Value, at: &str) -> Option<Task> {
        let fields = self.fields(value, at, &["workflow", "shell", "script", "container", "await", "return"])?;
        let awaited = match fields.get("await") {
            None => true,
            Some(Value::Bool(it)) => *it,
            Some(_) => {
                self.issue(&format!("{at}/await"), "It must be true or false.", "Write `await: false`.");
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
                self.issue(&format!("{at}/return"), "A workflow returns its output.", "Remove `return`.");
            }
            return self.template(workflow, &at).map(|target| Task::Subflow { target, awaited });
        }
        let process = ["shell", "script", "container"].into_iter().find(|it| fields.contains_key(*it));
        let Some(process) = process else {
            self.issue(at, "It does not say what to run.", "Add `workflow:`.");
            return None;
        };
        if !self.options.allow_processes || !awaited {
            let fix = "Call a function instead: name:version@catalog.";
            self.issue(&format!("{at}/{process}"), "Programs are not run from a workflow here.", fix);
            return None;
        }
        let with = self.template(value, at)?;
        Some(Task::Call(Call { function: format!("run:{process}"), with, uris: Vec::new() }))
    }
}
