//! Advancing an instance by one stimulus.
//!
//! The invariant: [`advance`] runs until every branch waits or the workflow is over. A stimulus that nothing waits for changes
//! nothing and says so.

use std::io::Write;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::definition::Definition;
use crate::fault::Fault;
use crate::flow::{Outcome, Resumed};
use crate::instance::{Instance, Status};
use crate::scope::Machine;

/// Tasks entered in one advance before it faults instead of going on for ever.
pub const STEPS_PER_ADVANCE_MAX: u32 = 10_000;
/// Bytes of a value shown in the trace.
const SUMMARY_BYTES_MAX: usize = 120;

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stimulus {
    Start {
        input: Value,
    },
    /// A CloudEvent as JSON.
    Event(Value),
    Timer {
        timer: String,
    },
    CallReturned {
        call: String,
        result: Result<Value, Fault>,
    },
    Cancel {
        reason: String,
    },
}

/// What the owner is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Call {
        call: String,
        function: String,
        with: Value,
    },
    /// Nobody waits for this call any more; its return would be ignored.
    CancelCall {
        call: String,
    },
    SetTimer {
        timer: String,
        due: Timestamp,
    },
    CancelTimer {
        timer: String,
    },
    Emit {
        event: Value,
    },
    /// Runs another workflow; its end comes back as [`Stimulus::CallReturned`] when `awaited`.
    RunWorkflow {
        call: String,
        namespace: String,
        name: String,
        version: String,
        input: Value,
        awaited: bool,
    },
    Completed {
        output: Value,
    },
    Faulted {
        error: Fault,
    },
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advance {
    pub commands: Vec<Command>,
    /// Empty unless asked for.
    pub trace: Vec<StepTrace>,
    /// Why the stimulus changed nothing.
    pub ignored: Option<String>,
}

/// One thing that happened to a task, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepTrace {
    pub path: Arc<str>,
    pub kind: StepKind,
    /// The beginning of the value that came in or went out.
    pub summary: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    Entered,
    Skipped,
    Left,
    Faulted,
    Caught,
    Retried,
    TimedOut,
    Cancelled,
}

/// Takes the instance as far as it goes on this stimulus.
pub fn advance(definition: &Definition, instance: &mut Instance, stimulus: Stimulus, now: Timestamp) -> Advance {
    go(definition, instance, stimulus, now, None)
}

/// The same, and tells what happened to each task on the way. It costs a text for each, so it is for whoever looks on.
pub fn advance_traced(definition: &Definition, instance: &mut Instance, stimulus: Stimulus, now: Timestamp) -> Advance {
    go(definition, instance, stimulus, now, Some(Vec::new()))
}

fn go(
    definition: &Definition,
    instance: &mut Instance,
    stimulus: Stimulus,
    now: Timestamp,
    trace: Option<Vec<StepTrace>>,
) -> Advance {
    if let Some(reason) = refused(definition, instance, &stimulus) {
        return Advance {
            ignored: Some(reason),
            ..Advance::default()
        };
    }
    // The machine borrows the id while the position is worked on; both go back below.
    let id = std::mem::take(&mut instance.id);
    let mut position = instance.position.take();
    let mut machine = Machine {
        definition,
        now,
        id: &id,
        input: std::mem::take(&mut instance.input),
        context: std::mem::take(&mut instance.context),
        started: instance.started,
        sequence: instance.sequence,
        steps: 0,
        spent_before: signalbox_expression::steps_spent(),
        locals: Vec::new(),
        commands: Vec::new(),
        trace,
    };
    let mut ignored = None;
    let end = match stimulus {
        Stimulus::Start { input } => {
            machine.started = Some(now);
            if definition.reads_workflow {
                machine.input = input.clone();
            }
            match machine.enter(0, input) {
                Outcome::Waiting(frame) => {
                    position = Some(frame);
                    None
                }
                Outcome::Done(output, _) => Some(Status::Completed { output }),
                Outcome::Failed(error) => Some(Status::Faulted { error }),
            }
        }
        Stimulus::Cancel { reason } => {
            if let Some(frame) = position.take() {
                machine.cancel(frame);
            }
            Some(Status::Cancelled { reason })
        }
        other => {
            let resumed = position
                .as_mut()
                .map_or(Resumed::NotMine, |frame| machine.resume(frame, &other));
            match resumed {
                Resumed::NotMine => {
                    ignored = Some(unwanted(&other));
                    None
                }
                Resumed::Waiting => None,
                Resumed::Done(output, _) => Some(Status::Completed { output }),
                Resumed::Failed(error) => Some(Status::Faulted { error }),
            }
        }
    };
    let over = end.is_some();
    instance.position = if over { None } else { position };
    instance.input = machine.input;
    instance.context = machine.context;
    instance.started = machine.started;
    instance.sequence = machine.sequence;
    let (mut commands, trace) = (machine.commands, machine.trace.unwrap_or_default());
    match &end {
        Some(Status::Completed { output }) => commands.push(Command::Completed { output: output.clone() }),
        Some(Status::Faulted { error }) => commands.push(Command::Faulted { error: error.clone() }),
        _ => {}
    }
    if ignored.is_none() {
        instance.status = end.unwrap_or(Status::Waiting);
    }
    instance.id = id;
    Advance {
        commands,
        trace,
        ignored,
    }
}

fn refused(definition: &Definition, instance: &Instance, stimulus: &Stimulus) -> Option<String> {
    if instance.definition.hash != definition.hash {
        let Instance {
            id, definition: theirs, ..
        } = instance;
        return Some(format!(
            "instance {id} runs {} {}, not this definition",
            theirs.name, theirs.version
        ));
    }
    let starts = matches!(stimulus, Stimulus::Start { .. });
    match &instance.status {
        Status::Ready if starts || matches!(stimulus, Stimulus::Cancel { .. }) => None,
        Status::Ready => Some(format!("instance {} has not started", instance.id)),
        Status::Waiting if starts => Some(format!("instance {} has already started", instance.id)),
        Status::Waiting => None,
        _ => Some(format!("instance {} is over", instance.id)),
    }
}

fn unwanted(stimulus: &Stimulus) -> String {
    match stimulus {
        Stimulus::Event(event) => {
            let kind = event.get("type").and_then(Value::as_str).unwrap_or("without a type");
            format!("nothing listens for this event ({kind})")
        }
        Stimulus::Timer { timer } => format!("nothing waits for timer {timer}"),
        Stimulus::CallReturned { call, .. } => format!("nothing waits for call {call}"),
        Stimulus::Start { .. } | Stimulus::Cancel { .. } => "it came out of turn".to_owned(),
    }
}

/// The beginning of a value as JSON, without writing the rest.
pub(crate) fn summary(value: &Value) -> String {
    struct Head(Vec<u8>);
    impl Write for Head {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let room = SUMMARY_BYTES_MAX.saturating_sub(self.0.len());
            self.0.extend(bytes.iter().take(room));
            if room < bytes.len() {
                Err(std::io::ErrorKind::WriteZero.into())
            } else {
                Ok(bytes.len())
            }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut head = Head(Vec::new());
    let whole = serde_json::to_writer(&mut head, value).is_ok();
    let mut text = String::from_utf8_lossy(&head.0).into_owned();
    if !whole {
        text.push('…');
    }
    text
}
