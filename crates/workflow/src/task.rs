//! The work of each kind of task.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::advance::{Command, Stimulus};
use crate::definition::{Call, Flow, For, Node, Task};
use crate::fault::Fault;
use crate::flow::{ListResumed, Listed, Outcome, Resumed, Work, ending};
use crate::instance::{Branch, Frame, State};
use crate::scope::{Machine, Sight, round};

/// Rounds of one loop.
const ITEMS_MAX: usize = 10_000;

impl<'d> Machine<'d> {
    pub(crate) fn begin(&mut self, node: &'d Node, input: Value) -> Work {
        self.try_begin(node, input).unwrap_or_else(Work::Failed)
    }

    fn try_begin(&mut self, node: &'d Node, input: Value) -> Result<Work, Fault> {
        Ok(match &node.task {
            Task::Do(list) => match self.run_list(list, 0, input) {
                Listed::Waiting(child) => Work::Waiting(State::Do(Box::new(child))),
                Listed::Done(output, ended) => Work::Done(output, ending(ended)),
                Listed::Failed(fault) => Work::Failed(fault),
            },
            Task::Set(template) => Work::Done(self.evaluate(node, template, Sight::of(&input))?, None),
            Task::Switch(cases) => {
                for case in cases {
                    let when = case.when.as_ref();
                    if when.map_or(Ok(true), |it| self.holds(node, it, Sight::of(&input)))? {
                        return Ok(Work::Done(input, Some(case.then)));
                    }
                }
                Work::Done(input, None)
            }
            Task::Raise(error) => {
                let error = self.evaluate(node, error, Sight::of(&input))?;
                Work::Failed(raised(node, error))
            }
            Task::Emit(template) => {
                let event = self.evaluate(node, template, Sight::of(&input))?;
                let event = self.completed_event(node, event);
                self.commands.push(Command::Emit { event: event.clone() });
                Work::Done(event, None)
            }
            Task::Wait(duration) => {
                let after = self.duration(node, duration, &input)?;
                Work::Waiting(State::Wait(self.set_timer(node, after)?))
            }
            Task::Call(call) => self.call(node, call, &input)?,
            Task::Function { body, with } => {
                let arguments = self.evaluate(node, with, Sight::of(&input))?;
                match self.enter(*body, arguments) {
                    Outcome::Waiting(child) => Work::Waiting(State::Function(Box::new(child))),
                    Outcome::Done(output, flow) => Work::Done(output, ending(flow == Flow::End)),
                    Outcome::Failed(fault) => Work::Failed(fault),
                }
            }
            Task::Subflow { target, awaited } => {
                let target = self.evaluate(node, target, Sight::of(&input))?;
                self.run_workflow(node, target, *awaited, input)
            }
            Task::For(spec) => {
                let items = self.items(node, spec, &input)?;
                self.rounds(node, spec, items, 0, input)
            }
            Task::Fork { branches, compete } => self.fork(branches, *compete, &input),
            Task::Try(spec) => self.attempt(node, spec, &input, 1, self.now),
            Task::Listen(spec) => self.open_listen(node, spec, &input)?,
        })
    }

    fn items(&self, node: &Node, spec: &For, input: &Value) -> Result<VecDeque<Value>, Fault> {
        match self.evaluate(node, &spec.items, Sight::of(input))? {
            Value::Array(items) if items.len() <= ITEMS_MAX => Ok(VecDeque::from(items)),
            Value::Array(items) => {
                let why = format!("{} items are more than the {ITEMS_MAX} a loop may have", items.len());
                Err(Fault::runtime(&node.path, why))
            }
            _ => Err(Fault::expression(&node.path, "`in` must give a list")),
        }
    }

    fn call(&mut self, node: &Node, call: &Call, input: &Value) -> Result<Work, Fault> {
        let mut with = self.evaluate(node, &call.with, Sight::of(input))?;
        for place in &call.uris {
            if let Some(Value::String(uri)) = with.pointer_mut(place) {
                *uri = filled(uri, input).map_err(|why| Fault::expression(&node.path, why))?;
            }
        }
        let id = self.next_id(node, '#');
        self.commands.push(Command::Call {
            call: id.clone(),
            function: call.function.clone(),
            with,
        });
        Ok(Work::Waiting(State::Call(id)))
    }

    fn run_workflow(&mut self, node: &Node, target: Value, awaited: bool, input: Value) -> Work {
        let text = |key: &str| target.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let call = self.next_id(node, '#');
        self.commands.push(Command::RunWorkflow {
            call: call.clone(),
            namespace: text("namespace"),
            name: text("name"),
            version: text("version"),
            input: target
                .get("input")
                .cloned()
                .unwrap_or_else(|| Value::Object(Map::new())),
            awaited,
        });
        if awaited {
            Work::Waiting(State::Call(call))
        } else {
            Work::Done(input, None)
        }
    }

    /// A CloudEvent with everything the specification asks for.
    fn completed_event(&mut self, node: &Node, event: Value) -> Value {
        let id = self.next_id(node, '!');
        let definition = self.definition;
        let mut whole = json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("/workflows/{}/{}/{}", definition.namespace, definition.name, self.id),
            "time": self.now.to_string(),
        });
        if let (Value::Object(whole), Value::Object(event)) = (&mut whole, event) {
            whole.extend(event);
        }
        whole
    }

    /// Runs the rounds of a loop from `index` on; the current item is the first of `items`.
    fn rounds(&mut self, node: &Node, spec: &For, items: VecDeque<Value>, index: usize, value: Value) -> Work {
        let (mut items, mut index, mut value) = (items, index, value);
        while !items.is_empty() {
            let locals = round(&spec.each, &spec.at, &items, index);
            let listed = self.with_locals(locals, |it| {
                if let Some(condition) = &spec.condition
                    && !it.holds(node, condition, Sight::of(&value))?
                {
                    return Ok(Err(value));
                }
                Ok(Ok(it.run_list(&spec.body, 0, value)))
            });
            match listed {
                Err(fault) => return Work::Failed(fault),
                Ok(Err(value)) => return Work::Done(value, None),
                Ok(Ok(Listed::Waiting(child))) => {
                    return Work::Waiting(State::For {
                        items,
                        index,
                        child: Box::new(child),
                    });
                }
                Ok(Ok(Listed::Failed(fault))) => return Work::Failed(fault),
                Ok(Ok(Listed::Done(output, true))) => return Work::Done(output, Some(Flow::End)),
                Ok(Ok(Listed::Done(output, false))) => value = output,
            }
            items.pop_front();
            index += 1;
        }
        Work::Done(value, None)
    }

    pub(crate) fn resume_for(
        &mut self,
        node: &Node,
        spec: &For,
        (items, index, child): (&mut VecDeque<Value>, &mut usize, &mut Frame),
        stimulus: &Stimulus,
    ) -> Option<Option<Work>> {
        let locals = round(&spec.each, &spec.at, items, *index);
        let resumed = self.with_locals(locals, |it| it.resume_list(&spec.body, child, stimulus))?;
        Some(match resumed {
            ListResumed::Waiting | ListResumed::Over(Listed::Waiting(_)) => None,
            ListResumed::Over(Listed::Failed(fault)) => Some(Work::Failed(fault)),
            ListResumed::Over(Listed::Done(output, true)) => Some(Work::Done(output, Some(Flow::End))),
            ListResumed::Over(Listed::Done(output, false)) => {
                let mut rest = std::mem::take(items);
                rest.pop_front();
                Some(self.rounds(node, spec, rest, *index + 1, output))
            }
        })
    }

    fn fork(&mut self, list: &[usize], compete: bool, input: &Value) -> Work {
        let mut branches = Vec::with_capacity(list.len());
        for node in list {
            match self.enter(*node, input.clone()) {
                Outcome::Waiting(frame) => branches.push(Branch::Open(frame)),
                Outcome::Done(output, flow) if compete || flow == Flow::End => {
                    self.cancel_branches(branches);
                    return Work::Done(output, ending(flow == Flow::End));
                }
                Outcome::Done(output, _) => branches.push(Branch::Done(output)),
                Outcome::Failed(fault) => {
                    self.cancel_branches(branches);
                    return Work::Failed(fault);
                }
            }
        }
        joined(&branches).map_or(Work::Waiting(State::Fork(branches)), |all| Work::Done(all, None))
    }

    pub(crate) fn resume_fork(
        &mut self,
        compete: bool,
        branches: &mut Vec<Branch>,
        stimulus: &Stimulus,
    ) -> Option<Option<Work>> {
        let mut mine = false;
        for at in 0..branches.len() {
            let Some(Branch::Open(frame)) = branches.get_mut(at) else {
                continue;
            };
            let over = match self.resume(frame, stimulus) {
                Resumed::NotMine => continue,
                Resumed::Waiting => {
                    mine = true;
                    continue;
                }
                Resumed::Failed(fault) => Work::Failed(fault),
                Resumed::Done(output, flow) if compete || flow == Flow::End => {
                    Work::Done(output, ending(flow == Flow::End))
                }
                Resumed::Done(output, _) => {
                    mine = true;
                    if let Some(branch) = branches.get_mut(at) {
                        *branch = Branch::Done(output);
                    }
                    continue;
                }
            };
            let mut others = std::mem::take(branches);
            others.remove(at);
            self.cancel_branches(others);
            return Some(Some(over));
        }
        mine.then(|| joined(branches).map(|all| Work::Done(all, None)))
    }
}

/// The outputs of all branches in their order, once all are done.
fn joined(branches: &[Branch]) -> Option<Value> {
    let output = |it: &Branch| {
        if let Branch::Done(output) = it {
            Some(output.clone())
        } else {
            None
        }
    };
    branches
        .iter()
        .map(output)
        .collect::<Option<Vec<_>>>()
        .map(Value::Array)
}

fn raised(node: &Node, error: Value) -> Fault {
    let text = |key: &str| {
        error
            .get(key)
            .filter(|it| !it.is_null())
            .map(|it| it.as_str().map_or(it.to_string(), str::to_owned))
    };
    Fault {
        kind: text("type").unwrap_or_default(),
        status: error
            .get("status")
            .and_then(Value::as_u64)
            .and_then(|it| u16::try_from(it).ok())
            .unwrap_or(500),
        title: text("title"),
        detail: text("detail"),
        instance: text("instance").or_else(|| Some(node.path.to_string())),
    }
}

/// Fills `{name}` in a URI template from the input's own fields, encoded so that data stays one part of the address.
fn filled(uri: &str, input: &Value) -> Result<String, String> {
    let (mut text, mut rest) = (String::with_capacity(uri.len()), uri);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a `{` in the address is never closed")?;
        text.push_str(before);
        match input.get(name) {
            Some(Value::String(value)) => encode(value, &mut text),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => encode(&value.to_string(), &mut text),
            _ => {
                return Err(format!(
                    "the address needs `{name}`, which the input has not as a text or number"
                ));
            }
        }
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

fn encode(value: &str, text: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(byte as char),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
}
