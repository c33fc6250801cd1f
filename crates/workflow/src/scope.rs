//! What an expression sees.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_expression::{STEPS_MAX, Template, steps_spent};

use crate::advance::{Command, StepKind, StepTrace};
use crate::definition::{Definition, Node};
use crate::duration::{self, Duration};
use crate::fault::Fault;
use crate::instance::Timer;

/// What the expressions of one advance may cost together.
pub(crate) const EXPRESSION_STEPS_PER_ADVANCE_MAX: u64 = 10 * STEPS_MAX;

/// One advance in progress: the instance's data without its position, and what has come of it so far.
pub(crate) struct Machine<'d> {
    pub(crate) definition: &'d Definition,
    pub(crate) now: Timestamp,
    pub(crate) id: &'d str,
    pub(crate) input: Value,
    pub(crate) context: Value,
    pub(crate) started: Option<Timestamp>,
    pub(crate) sequence: u64,
    pub(crate) steps: u32,
    /// What expressions had cost on this thread when the advance began.
    pub(crate) spent_before: u64,
    /// Variables of the loops and handlers around the current task, innermost last.
    pub(crate) locals: Vec<(Arc<str>, Value)>,
    pub(crate) commands: Vec<Command>,
    /// `None`: nobody looks on.
    pub(crate) trace: Option<Vec<StepTrace>>,
}

/// The values around an expression: `.`, `$input` and `$output`.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'v> {
    pub(crate) dot: &'v Value,
    pub(crate) input: &'v Value,
    pub(crate) output: &'v Value,
}

impl<'v> Sight<'v> {
    /// Before the task's work: `.` is its input.
    pub(crate) fn of(input: &'v Value) -> Sight<'v> {
        Sight {
            dot: input,
            input,
            output: &Value::Null,
        }
    }
}

impl Machine<'_> {
    pub(crate) fn evaluate(&self, node: &Node, template: &Template, sight: Sight<'_>) -> Result<Value, Fault> {
        if steps_spent().wrapping_sub(self.spent_before) > EXPRESSION_STEPS_PER_ADVANCE_MAX {
            return Err(Fault::runtime(
                &node.path,
                "its expressions take more steps than one advance may",
            ));
        }
        let known = |name: &str| self.variable(node, name, sight);
        template
            .evaluate(sight.dot, &known)
            .map_err(|it| Fault::expression(&node.path, it))
    }

    pub(crate) fn holds(&self, node: &Node, template: &Template, sight: Sight<'_>) -> Result<bool, Fault> {
        let answer = self.evaluate(node, template, sight)?;
        Ok(!matches!(answer, Value::Null | Value::Bool(false)))
    }

    fn variable<'v>(&'v self, node: &Node, name: &str, sight: Sight<'v>) -> Option<Cow<'v, Value>> {
        Some(match name {
            "context" => Cow::Borrowed(&self.context),
            "input" => Cow::Borrowed(sight.input),
            "output" => Cow::Borrowed(sight.output),
            "secrets" => Cow::Borrowed(&self.definition.secrets),
            "runtime" => Cow::Borrowed(&self.definition.runtime),
            "task" => Cow::Owned(json!({
                "name": node.name,
                "reference": &*node.path,
                "definition": self.definition.document.pointer(&node.path),
                "input": sight.input,
                "output": sight.output,
            })),
            "workflow" => Cow::Owned(json!({
                "id": self.id,
                "definition": self.definition.document,
                "input": self.input,
                "startedAt": self.started.map(told),
            })),
            local => Cow::Borrowed(&self.locals.iter().rev().find(|(name, _)| &**name == local)?.1),
        })
    }

    pub(crate) fn duration(&self, node: &Node, duration: &Duration, input: &Value) -> Result<SignedDuration, Fault> {
        match duration {
            Duration::Fixed(fixed) => Ok(*fixed),
            Duration::Computed(template) => {
                let value = self.evaluate(node, template, Sight::of(input))?;
                duration::read(&value).map_err(|why| Fault::expression(&node.path, why))
            }
        }
    }

    /// An id of this instance's own: what it is for, and a number that is never used again.
    pub(crate) fn next_id(&mut self, node: &Node, sign: char) -> String {
        self.sequence += 1;
        format!("{}{}{sign}{}", self.id, node.path, self.sequence)
    }

    pub(crate) fn set_timer(&mut self, node: &Node, after: SignedDuration) -> Result<Timer, Fault> {
        let due = self
            .now
            .checked_add(after)
            .map_err(|it| Fault::runtime(&node.path, it))?;
        let timer = Timer {
            id: self.next_id(node, '~'),
            due,
        };
        self.commands.push(Command::SetTimer {
            timer: timer.id.clone(),
            due,
        });
        Ok(timer)
    }

    pub(crate) fn cancel_timer(&mut self, timer: Option<Timer>) {
        if let Some(timer) = timer {
            self.commands.push(Command::CancelTimer { timer: timer.id });
        }
    }

    pub(crate) fn traced(&mut self, node: &Node, kind: StepKind, value: &Value) {
        let Some(trace) = &mut self.trace else { return };
        trace.push(StepTrace {
            path: node.path.clone(),
            kind,
            summary: crate::advance::summary(value),
        });
    }

    /// Adds variables for the time of `work`.
    pub(crate) fn with_locals<T>(&mut self, locals: Vec<(Arc<str>, Value)>, work: impl FnOnce(&mut Self) -> T) -> T {
        let outside = self.locals.len();
        self.locals.extend(locals);
        let done = work(self);
        self.locals.truncate(outside);
        done
    }
}

/// The variables of one round of a loop.
pub(crate) fn round(each: &Arc<str>, at: &Arc<str>, items: &VecDeque<Value>, index: usize) -> Vec<(Arc<str>, Value)> {
    let item = items.front().cloned().unwrap_or_default();
    vec![(each.clone(), item), (at.clone(), Value::from(index))]
}

fn told(instant: Timestamp) -> Value {
    json!({
        "iso8601": instant.to_string(),
        "epoch": { "seconds": instant.as_second(), "milliseconds": instant.as_millisecond() },
    })
}
