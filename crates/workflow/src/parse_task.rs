//! Reading tasks.

use serde_json::{Map, Value};
use signalbox_expression::Template;

use crate::definition::{Case, Flow, For, List, Node, Task};
use crate::parse::{Reader, TASK_NESTING_MAX, TASKS_MAX, escape};

/// The words that say what a task is.
const KINDS: [&str; 12] = [
    "call", "do", "emit", "for", "fork", "listen", "raise", "run", "set", "switch", "try", "wait",
];
/// The words any task may have.
const COMMON: [&str; 7] = ["if", "input", "output", "export", "timeout", "then", "metadata"];
/// Branches of one fork.
const BRANCHES_MAX: usize = 64;

type Fields = Map<String, Value>;

impl Reader<'_> {
    pub(crate) fn list(&mut self, value: &Value, at: &str) -> Option<List> {
        let Some(items) = value.as_array() else {
            self.issue(at, "It must be a list of tasks.", "Write `- name: { ... }` for each.");
            return None;
        };
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let list = if self.depth > TASK_NESTING_MAX {
            self.issue(
                at,
                &format!("Tasks nest more than {TASK_NESTING_MAX} deep."),
                "Move them to a function.",
            );
            None
        } else {
            let names: Vec<&str> = items
                .iter()
                .filter_map(|it| it.as_object()?.keys().next().map(String::as_str))
                .collect();
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
        let entry = item
            .as_object()
            .filter(|it| it.len() == 1)
            .and_then(|it| it.iter().next());
        let Some((name, task)) = entry else {
            self.issue(at, "A task is one name with its task.", "Write `- name: { ... }`.");
            return None;
        };
        if names.iter().filter(|it| *it == name).count() > 1 {
            self.issue(
                at,
                &format!("There are two tasks `{name}` in this list."),
                "Give each a name of its own.",
            );
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
            self.issue(
                at,
                "A task must be a mapping.",
                &format!("Say what it does: {}.", KINDS.join(", ")),
            );
            return None;
        };
        let kind = self.kind_of(fields, at)?;
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
        let input_from = fields
            .get("input")
            .and_then(|it| self.shaped(it, &format!("{at}/input"), "from"));
        let output_as = fields
            .get("output")
            .and_then(|it| self.shaped(it, &format!("{at}/output"), "as"));
        let export_as = fields
            .get("export")
            .and_then(|it| self.shaped(it, &format!("{at}/export"), "as"));
        let timeout = fields
            .get("timeout")
            .and_then(|it| self.timeout(it, &format!("{at}/timeout")));
        let then = self.then(fields, at, names).unwrap_or(Flow::Continue);
        let task = self.kind(kind, fields, at, names)?;
        let reads_input = |it: &Option<Template>| it.as_ref().is_some_and(|it| it.uses("input") || it.uses("task"));
        let works_on = matches!(task, Task::Wait(_) | Task::Try(_) | Task::Listen(_));
        let keeps_input = works_on || reads_input(&output_as) || reads_input(&export_as);
        let path = at.into();
        let name = name.to_owned();
        let node = Node {
            path,
            name,
            condition,
            input_from,
            output_as,
            export_as,
            timeout,
            then,
            task,
            keeps_input,
        };
        self.fill(place, node);
        Some(place)
    }

    /// The one word that says what a task is.
    fn kind_of(&mut self, fields: &Fields, at: &str) -> Option<&'static str> {
        let kinds: Vec<&'static str> = KINDS.iter().copied().filter(|it| fields.contains_key(*it)).collect();
        match kinds.as_slice() {
            [kind] => Some(kind),
            ["do", "for"] => Some("for"),
            [] => {
                let fix = format!("Add one of {}.", KINDS.join(", "));
                self.issue(at, "It does not say what to do.", &fix);
                None
            }
            many => {
                let why = format!("It is several tasks at once: {}.", many.join(", "));
                self.issue(at, &why, "Make a task of each.");
                None
            }
        }
    }

    pub(crate) fn then(&mut self, fields: &Fields, at: &str, names: &[&str]) -> Option<Flow> {
        let at = format!("{at}/then");
        let Some(target) = fields.get("then")?.as_str() else {
            self.issue(
                &at,
                "It must be a text.",
                "Write continue, exit, end or the name of a task.",
            );
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

    fn switch(&mut self, value: &Value, at: &str, names: &[&str]) -> Option<Task> {
        let Some(items) = value.as_array().filter(|it| !it.is_empty()) else {
            self.issue(
                at,
                "It must be a list of cases.",
                "Write `- name: { when: ..., then: ... }`.",
            );
            return None;
        };
        let mut cases = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let at = format!("{at}/{place}");
            let Some((name, case)) = item
                .as_object()
                .filter(|it| it.len() == 1)
                .and_then(|it| it.iter().next())
            else {
                self.issue(
                    &at,
                    "A case is one name with its case.",
                    "Write `- name: { when: ..., then: ... }`.",
                );
                continue;
            };
            let at = format!("{at}/{}", escape(name));
            let Some(fields) = self.fields(case, &at, &["when", "then"]) else {
                continue;
            };
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
        let (each, index) = (
            self.name(of, &inside, "each", "item"),
            self.name(of, &inside, "at", "index"),
        );
        let items = match of.get("in") {
            Some(text @ Value::String(_)) => self.bare(text, &format!("{inside}/in")),
            Some(list @ Value::Array(_)) => self.template(list, &format!("{inside}/in")),
            _ => {
                self.issue(
                    &format!("{inside}/in"),
                    "It needs what to loop over.",
                    "Add `in:`, an expression or a list.",
                );
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
        Some(Task::For(For {
            each,
            at: index,
            items: items?,
            condition,
            body: body?,
        }))
    }

    fn fork(&mut self, value: &Value, at: &str) -> Option<Task> {
        let fields = self.fields(value, at, &["branches", "compete"])?;
        let compete = match fields.get("compete") {
            None => false,
            Some(Value::Bool(it)) => *it,
            Some(_) => {
                self.issue(
                    &format!("{at}/compete"),
                    "It must be true or false.",
                    "Write `compete: true`.",
                );
                false
            }
        };
        let at = format!("{at}/branches");
        let branches = fields.get("branches").and_then(Value::as_array).map_or(0, Vec::len);
        if branches == 0 || branches > BRANCHES_MAX {
            self.issue(
                &at,
                &format!("A fork has 1 to {BRANCHES_MAX} branches."),
                "List them as tasks.",
            );
            return None;
        }
        let list = self.list(fields.get("branches")?, &at)?;
        for place in &list {
            if let Some(Some(Node {
                then: Flow::To(_),
                path,
                ..
            })) = self.nodes.get(*place)
            {
                let at = format!("{path}/then");
                self.issue(
                    &at,
                    "Branches run side by side; none follows another.",
                    "Use continue, exit or end.",
                );
            }
        }
        Some(Task::Fork {
            branches: list,
            compete,
        })
    }
}
