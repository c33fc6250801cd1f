//! Where a running workflow stands.
//!
//! The invariant: everything here is data. A [`Frame`] is a task that has been entered and not left; it names its task by path, so a
//! position can be read, stored and mapped to another version. No frame exists that does not wait, itself or in a frame it holds.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::definition::Definition;
use crate::fault::Fault;

/// One run of a definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub id: String,
    pub definition: Reference,
    pub status: Status,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub context: Value,
    /// What it was started with; kept only when the definition reads `$workflow`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// Counts calls, timers and emitted events, so that each has an id of its own.
    #[serde(default)]
    pub sequence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<Frame>,
}

/// Which definition an instance runs; it keeps its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    pub namespace: String,
    pub name: String,
    pub version: String,
    pub hash: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Made, not started.
    Ready,
    /// Some branch waits for a call, an event or a timer.
    Waiting,
    Completed {
        output: Value,
    },
    Faulted {
        error: Fault,
    },
    Cancelled {
        reason: String,
    },
}

impl Instance {
    pub fn new(id: impl Into<String>, definition: &Definition) -> Instance {
        Instance {
            id: id.into(),
            definition: definition.reference(),
            status: Status::Ready,
            context: Value::Null,
            input: Value::Null,
            started: None,
            sequence: 0,
            position: None,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(
            self.status,
            Status::Completed { .. } | Status::Faulted { .. } | Status::Cancelled { .. }
        )
    }
}

/// An instance as JSON text: written once, kept as it is, and read by whoever goes on from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed(Box<RawValue>);

impl Packed {
    pub fn new(instance: &Instance) -> Result<Packed, serde_json::Error> {
        serde_json::value::to_raw_value(instance).map(Packed)
    }

    pub fn read(&self) -> Result<Instance, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Packed) -> bool {
        self.0.get() == other.0.get()
    }
}

/// Timers that are set, with the instant each is due.
pub fn open_timers(instance: &Instance) -> Vec<(String, Timestamp)> {
    let mut open = Vec::new();
    visit(instance.position.as_ref(), &mut |waits| {
        if let Waits::Timer(timer) = waits {
            open.push((timer.id.clone(), timer.due));
        }
    });
    open
}

/// Calls that have not returned.
pub fn open_calls(instance: &Instance) -> Vec<String> {
    let mut open = Vec::new();
    visit(instance.position.as_ref(), &mut |waits| {
        if let Waits::Call(call) = waits {
            open.push(call.to_owned());
        }
    });
    open
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) at: Arc<str>,
    /// The task's input, where something still to come reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Timer>,
    pub(crate) state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timer {
    pub(crate) id: String,
    pub(crate) due: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// In a list of tasks; the child is the one it is at.
    Do(Box<Frame>),
    For {
        items: VecDeque<Value>,
        index: usize,
        child: Box<Frame>,
    },
    Fork(Vec<Branch>),
    Try {
        attempt: u32,
        since: Timestamp,
        phase: Box<Phase>,
    },
    /// In the body of a function of the definition's own.
    Function(Box<Frame>),
    Call(String),
    Wait(Timer),
    Listen(Box<Listening>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Branch {
    Open(Frame),
    Done(Value),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Trying; the timer bounds this attempt.
    Body {
        child: Box<Frame>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timer: Option<Timer>,
    },
    /// Waiting to try again.
    Pause(Timer),
    /// Handling what was caught.
    Handler { error: Fault, child: Box<Frame> },
}

/// An open `listen`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// What was consumed and read, or what `foreach` made of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) consumed: Vec<Value>,
    pub(crate) to: Matching,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Matching>,
    /// True when nothing more is consumed and only `foreach` goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) closed: bool,
    /// Events that `foreach` has yet to work through; the first is in hand while `body` is open.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(crate) queue: VecDeque<Value>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) index: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Box<Frame>>,
}

fn is_zero(index: &usize) -> bool {
    *index == 0
}

/// What a set of event filters knows by now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Matching {
    /// The filters (by place) that have had their event; counted for `all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) had: Vec<usize>,
    /// What each filter expects of its correlation keys, worked out when the listen opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) expected: Vec<BTreeMap<String, Value>>,
    /// The values that the first event gave to keys without an expectation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) keys: BTreeMap<String, Value>,
}

pub(crate) enum Waits<'f> {
    Timer(&'f Timer),
    Call(&'f str),
    Listen(&'f Frame, &'f Listening),
}

/// Visits everything that a position waits for.
pub(crate) fn visit<'f>(frame: Option<&'f Frame>, see: &mut dyn FnMut(Waits<'f>)) {
    let Some(frame) = frame else { return };
    if let Some(timer) = &frame.deadline {
        see(Waits::Timer(timer));
    }
    match &frame.state {
        State::Do(child) | State::Function(child) | State::For { child, .. } => visit(Some(child), see),
        State::Fork(branches) => {
            for branch in branches {
                if let Branch::Open(child) = branch {
                    visit(Some(child), see);
                }
            }
        }
        State::Try { phase, .. } => match &**phase {
            Phase::Body { child, timer } => {
                if let Some(timer) = timer {
                    see(Waits::Timer(timer));
                }
                visit(Some(child), see);
            }
            Phase::Pause(timer) => see(Waits::Timer(timer)),
            Phase::Handler { child, .. } => visit(Some(child), see),
        },
        State::Call(call) => see(Waits::Call(call)),
        State::Wait(timer) => see(Waits::Timer(timer)),
        State::Listen(listening) => {
            if !listening.closed {
                see(Waits::Listen(frame, listening));
            }
            visit(listening.body.as_deref(), see);
        }
    }
}
