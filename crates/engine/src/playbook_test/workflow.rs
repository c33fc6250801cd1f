//! Cases of the workflow: an event starts it, each step answers a call, tells an event or moves the clock, and nothing may
//! be called that no step expects.

use super::expect;
use crate::playbook::Playbook;
use crate::process::{self, Function};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use signalbox_workflow::{Advance, Command, Definition, Instance, Status, Stimulus, advance, open_timers, start_input};
use std::collections::VecDeque;

/// Timers that may fire while one step moves the clock.
const TIMERS_PER_STEP_MAX: u32 = 1_000;

/// When every case begins: a Monday morning, 2026-01-05T08:00:00Z.
const BEGIN_S: i64 = 1_767_600_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkflowCase {
    pub name: String,
    event: Told,
    steps: Vec<Step>,
    ends: End,
}

/// An event that a workflow hears of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Completed,
    Faulted,
    Waiting,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "StepText")]
enum Step {
    /// The workflow calls this function, with at least these arguments, and is answered.
    Call {
        function: String,
        with: Map<String, Value>,
        answer: Result<Value, String>,
    },
    Event(Told),
    After(SignedDuration),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    call: Option<String>,
    with: Option<Map<String, Value>>,
    returns: Option<Value>,
    fails: Option<String>,
    event: Option<String>,
    data: Option<Value>,
    after: Option<SignedDuration>,
}

impl TryFrom<StepText> for Step {
    type Error = &'static str;

    fn try_from(it: StepText) -> Result<Self, &'static str> {
        let of_call = it.with.is_some() || it.returns.is_some() || it.fails.is_some();
        match (it.call, it.event, it.after) {
            (Some(_), None, None) if it.data.is_some() => Err("`data` belongs to an event"),
            (Some(_), None, None) if it.returns.is_some() && it.fails.is_some() => Err("a call returns or fails"),
            (Some(function), None, None) => Ok(Self::Call {
                function,
                with: it.with.unwrap_or_default(),
                answer: match it.fails {
                    Some(why) => Err(why),
                    None => Ok(it.returns.unwrap_or_else(|| json!({}))),
                },
            }),
            (None, Some(_), None) | (None, None, Some(_)) if of_call => {
                Err("`with`, `returns` and `fails` belong to a call")
            }
            (None, Some(kind), None) => Ok(Self::Event(Told {
                kind,
                data: it.data.unwrap_or_default(),
            })),
            (None, None, Some(_)) if it.data.is_some() => Err("`data` belongs to an event"),
            (None, None, Some(span)) if !span.is_positive() => Err("`after` takes a time above nought, such as 15m"),
            (None, None, Some(span)) => Ok(Self::After(span)),
            _ => Err("a step has one of call, event and after"), // None of them, or several.
        }
    }
}

impl WorkflowCase {
    pub fn judge(&self, playbook: &Playbook) -> Result<(), String> {
        let mut story = Story::begin(&playbook.definition, &self.event)?;
        for (place, step) in self.steps.iter().enumerate() {
            story.go(step).map_err(|why| format!("step {}: {why}", place + 1))?;
        }
        if let Some(open) = story.calls.front() {
            let (name, with) = (short(&open.function), &open.with);
            return Err(format!(
                "after the last step: {name} was called with {with}, and no step expects it"
            ));
        }
        let expected = match self.ends {
            End::Completed => "completed",
            End::Faulted => "faulted",
            End::Waiting => "waiting",
        };
        let (came, detail) = match &story.instance.status {
            Status::Completed { .. } => ("completed", String::new()),
            Status::Faulted { error } => (
                "faulted",
                format!(": {}", error.detail.as_deref().unwrap_or(&error.kind)),
            ),
            Status::Ready | Status::Waiting => ("waiting", String::new()),
            Status::Cancelled { reason } => ("cancelled", format!(": {reason}")),
        };
        expect("the end", &json!(expected), &json!(came)).map_err(|why| format!("{why}{detail}"))
    }
}

struct Story<'a> {
    definition: &'a Definition,
    instance: Instance,
    now: Timestamp,
    calls: VecDeque<Open>,
    events: u32,
}

/// A call that no step has answered yet.
struct Open {
    call: String,
    function: String,
    with: Value,
}

impl<'a> Story<'a> {
    fn begin(definition: &'a Definition, event: &Told) -> Result<Self, String> {
        let mut story = Self {
            definition,
            instance: Instance::new("wfi_test", definition),
            now: Timestamp::from_second(BEGIN_S).unwrap_or(Timestamp::UNIX_EPOCH),
            calls: VecDeque::new(),
            events: 0,
        };
        let told = story.cloud_event(event);
        let input = start_input(definition, &told, story.now)
            .ok_or_else(|| format!("the workflow does not start on {}", event.kind))?;
        story.advance(Stimulus::Start { input })?;
        Ok(story)
    }

    fn go(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Call { function, with, answer } => self.answer(function, with, answer),
            Step::Event(event) => {
                if let Some(open) = self.calls.front() {
                    return Err(format!("{} was called and waits for its answer", short(&open.function)));
                }
                let told = self.cloud_event(event);
                self.advance(Stimulus::Event(told))
            }
            Step::After(span) => self.pass(*span),
        }
    }

    fn answer(
        &mut self,
        function: &str,
        with: &Map<String, Value>,
        answer: &Result<Value, String>,
    ) -> Result<(), String> {
        let Some(open) = self.calls.pop_front() else {
            let stands = if self.instance.is_over() {
                "it is over"
            } else {
                "it waits"
            };
            return Err(format!("expected a call of {function}, got none: {stands}"));
        };
        if open.function != function && short(&open.function) != function {
            let (came, with) = (short(&open.function), &open.with);
            return Err(format!("expected a call of {function}, got {came} with {with}"));
        }
        for (name, expected) in with {
            expect(name, expected, open.with.get(name).unwrap_or(&Value::Null))?;
        }
        let result = answer.clone().map_err(|why| process::fault("test", why));
        self.advance(Stimulus::CallReturned {
            call: open.call,
            result,
        })
    }

    /// Moves the clock; what is due on the way fires at its own time.
    fn pass(&mut self, span: SignedDuration) -> Result<(), String> {
        let until = self.now.checked_add(span).map_err(|error| error.to_string())?;
        for _ in 0..TIMERS_PER_STEP_MAX {
            let due = open_timers(&self.instance).into_iter().filter(|(_, due)| *due <= until);
            let Some((timer, due)) = due.min_by_key(|(_, due)| *due) else {
                self.now = until;
                return Ok(());
            };
            self.now = self.now.max(due);
            self.advance(Stimulus::Timer { timer })?;
        }
        Err(format!("more than {TIMERS_PER_STEP_MAX} timers fired"))
    }

    fn advance(&mut self, stimulus: Stimulus) -> Result<(), String> {
        let Advance { commands, ignored, .. } = advance(self.definition, &mut self.instance, stimulus, self.now);
        if let Some(why) = ignored {
            return Err(why);
        }
        for command in commands {
            match command {
                Command::Call { function, .. } if Function::named(&function).is_none() => {
                    return Err(format!("no function {function} in the catalogue"));
                }
                Command::Call { call, function, with } => self.calls.push_back(Open { call, function, with }),
                Command::CancelCall { call } => self.calls.retain(|it| it.call != call),
                Command::RunWorkflow { name, .. } => {
                    return Err(format!("running {name} inside a playbook is not allowed"));
                }
                // Timers stand on the instance; its status tells the end.
                Command::SetTimer { .. }
                | Command::CancelTimer { .. }
                | Command::Emit { .. }
                | Command::Completed { .. }
                | Command::Faulted { .. } => {}
            }
        }
        Ok(())
    }

    fn cloud_event(&mut self, event: &Told) -> Value {
        self.events += 1;
        json!({
            "specversion": "1.0",
            "id": format!("test#{}", self.events),
            "source": "signalbox/test",
            "type": event.kind,
            "subject": "load_test",
            "time": self.now,
            "datacontenttype": "application/json",
            "data": event.data,
        })
    }
}

/// `make-offer` of `make-offer:1.0.0@signalbox`.
fn short(function: &str) -> &str {
    function.split(':').next().unwrap_or(function)
}
