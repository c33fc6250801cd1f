//! A parsed definition: immutable, shared, every expression compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;
use signalbox_expression::Template;

use crate::duration::Duration;
use crate::instance::Reference;

/// A workflow definition that passed every check.
#[derive(Debug)]
pub struct Definition {
    pub namespace: String,
    pub name: String,
    pub version: String,
    /// SHA-256 of the canonical JSON, in hexadecimal.
    pub hash: String,
    /// The document as it was written.
    pub document: Value,
    pub schedule: Option<Schedule>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) by_path: BTreeMap<Arc<str>, usize>,
    pub(crate) secrets: Value,
    pub(crate) runtime: Value,
    /// Some expression reads `$workflow`, so the instance keeps its input.
    pub(crate) reads_workflow: bool,
}

/// When the owner starts an instance.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub every: Option<SignedDuration>,
    pub after: Option<SignedDuration>,
    pub cron: Option<String>,
    pub(crate) on: Option<Strategy>,
    pub(crate) read: Read,
}

impl Definition {
    pub fn reference(&self) -> Reference {
        Reference {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            hash: self.hash.clone(),
        }
    }

    /// Whether an event of this type could start the workflow or end a wait in it. False only where every filter names
    /// another type outright.
    pub fn may_hear(&self, kind: &str) -> bool {
        let waits = self.nodes.iter().any(|node| match &node.task {
            Task::Listen(listen) => {
                let until = match &listen.until {
                    Some(Until::Events(strategy)) => strategy.may_match(kind),
                    Some(Until::Condition(_)) | None => false,
                };
                until || listen.to.may_match(kind)
            }
            _ => false, // Nothing else waits for events.
        });
        let on = self.schedule.as_ref().and_then(|it| it.on.as_ref());
        waits || on.is_some_and(|it| it.may_match(kind))
    }

    pub(crate) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    pub(crate) fn at_path(&self, path: &str) -> Option<(usize, &Node)> {
        let at = *self.by_path.get(path)?;
        Some((at, self.nodes.get(at)?))
    }
}

/// A task. The first node is the workflow itself, whose path is empty.
#[derive(Debug)]
pub(crate) struct Node {
    /// A JSON pointer into the document.
    pub(crate) path: Arc<str>,
    pub(crate) name: String,
    pub(crate) condition: Option<Template>,
    pub(crate) input_from: Option<Template>,
    pub(crate) output_as: Option<Template>,
    pub(crate) export_as: Option<Template>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) then: Flow,
    pub(crate) task: Task,
    /// Something after the task's work reads its input.
    pub(crate) keeps_input: bool,
}

/// Where to go when a task is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    Exit,
    End,
    /// To the task at this place in the same list.
    To(usize),
}

/// Nodes in order.
pub(crate) type List = Vec<usize>;

#[derive(Debug)]
pub(crate) enum Task {
    Do(List),
    For(For),
    Fork {
        branches: List,
        compete: bool,
    },
    Set(Template),
    Switch(Vec<Case>),
    Try(Box<Try>),
    Raise(Template),
    Emit(Template),
    Listen(Listen),
    Wait(Duration),
    Call(Call),
    /// A function defined in the document.
    Function {
        body: usize,
        with: Template,
    },
    Subflow {
        target: Template,
        awaited: bool,
    },
}

#[derive(Debug)]
pub(crate) struct For {
    pub(crate) each: Arc<str>,
    pub(crate) at: Arc<str>,
    pub(crate) items: Template,
    pub(crate) condition: Option<Template>,
    pub(crate) body: List,
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) when: Option<Template>,
    pub(crate) then: Flow,
}

#[derive(Debug)]
pub(crate) struct Try {
    pub(crate) body: List,
    pub(crate) errors: Option<Template>,
    pub(crate) name: Arc<str>,
    pub(crate) when: Option<Template>,
    pub(crate) except_when: Option<Template>,
    pub(crate) retry: Option<Retry>,
    pub(crate) handler: Option<List>,
    pub(crate) then: Option<Flow>,
}

#[derive(Debug)]
pub(crate) struct Retry {
    pub(crate) when: Option<Template>,
    pub(crate) except_when: Option<Template>,
    pub(crate) delay: Option<Duration>,
    pub(crate) backoff: Backoff,
    pub(crate) count: Option<u32>,
    pub(crate) attempt_within: Option<Duration>,
    pub(crate) all_within: Option<Duration>,
    pub(crate) jitter: Option<(Duration, Duration)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backoff {
    Constant,
    Linear,
    Exponential,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: String,
    pub(crate) with: Template,
    /// Places in `with` (JSON pointers) that hold a URI template to be filled from the input.
    pub(crate) uris: Vec<&'static str>,
}

#[derive(Debug)]
pub(crate) struct Listen {
    pub(crate) to: Strategy,
    pub(crate) until: Option<Until>,
    pub(crate) read: Read,
    pub(crate) foreach: Option<Foreach>,
}

#[derive(Debug)]
pub(crate) enum Until {
    Condition(Template),
    Events(Strategy),
}

#[derive(Debug)]
pub(crate) struct Foreach {
    pub(crate) item: Arc<str>,
    pub(crate) at: Arc<str>,
    pub(crate) body: List,
    pub(crate) output_as: Option<Template>,
    pub(crate) export_as: Option<Template>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Data,
    Envelope,
}

#[derive(Debug, Clone)]
pub(crate) struct Strategy {
    pub(crate) mode: Mode,
    /// Empty for `any: []`, which takes every event.
    pub(crate) filters: Vec<Filter>,
}

impl Strategy {
    fn may_match(&self, kind: &str) -> bool {
        let may = |filter: &Filter| match filter.with.get("type") {
            Some(Template::Literal(Value::String(only))) => only == kind,
            Some(_) | None => true,
        };
        self.filters.is_empty() || self.filters.iter().any(may)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    One,
    Any,
    All,
}

#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) with: BTreeMap<String, Template>,
    pub(crate) correlate: BTreeMap<String, Correlate>,
}

#[derive(Debug, Clone)]
pub(crate) struct Correlate {
    pub(crate) from: Template,
    pub(crate) from_text: String,
    pub(crate) expect: Option<Template>,
}
