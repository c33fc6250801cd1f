//! Listening for events.
//!
//! The output is the list of what was consumed, in order. With `foreach` each event is worked through in turn, events that come
//! meanwhile wait in the queue, and the list holds what each round gave.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::advance::Stimulus;
use crate::definition::{Flow, Foreach, Listen, Node, Until};
use crate::event::read;
use crate::fault::Fault;
use crate::flow::{ListResumed, Listed, Work};
use crate::instance::{Listening, State};
use crate::scope::{Machine, Sight, round};

/// Events one listen may consume.
const CONSUMED_MAX: usize = 10_000;

type Locals = Vec<(Arc<str>, Value)>;

impl Machine<'_> {
    pub(crate) fn open_listen(&mut self, node: &Node, spec: &Listen, input: &Value) -> Result<Work, Fault> {
        let to = self.open_match(node, &spec.to, input)?;
        let until = match &spec.until {
            Some(Until::Events(strategy)) => Some(self.open_match(node, strategy, input)?),
            Some(Until::Condition(_)) | None => None,
        };
        Ok(Work::Waiting(State::Listen(Box::new(Listening::opened(to, until)))))
    }

    pub(crate) fn resume_listen(
        &mut self,
        node: &Node,
        spec: &Listen,
        input: &Value,
        listening: &mut Listening,
        stimulus: &Stimulus,
    ) -> Option<Option<Work>> {
        let mut mine = false;
        if let (Some(foreach), Some(body)) = (&spec.foreach, &mut listening.body) {
            let locals = locals(foreach, &listening.queue, listening.index);
            let resumed = self.with_locals(locals.clone(), |it| it.resume_list(&foreach.body, body, stimulus));
            match resumed {
                None => {}
                Some(ListResumed::Waiting | ListResumed::Over(Listed::Waiting(_))) => mine = true,
                Some(ListResumed::Over(Listed::Failed(fault))) => return Some(Some(Work::Failed(fault))),
                Some(ListResumed::Over(Listed::Done(output, true))) => {
                    return Some(Some(Work::Done(output, Some(Flow::End))));
                }
                Some(ListResumed::Over(Listed::Done(output, false))) => {
                    mine = true;
                    listening.body = None;
                    let done = self.with_locals(locals, |it| it.round_done(node, foreach, listening, output));
                    let judged = done.and_then(|()| self.judge(node, spec, input, listening));
                    if let Err(fault) = judged {
                        return Some(Some(Work::Failed(fault)));
                    }
                }
            }
        }
        if let Stimulus::Event(event) = stimulus
            && !listening.closed
        {
            match self.consume(node, spec, input, listening, event) {
                Ok(taken) => mine |= taken,
                Err(fault) => return Some(self.give_up(listening, fault)),
            }
        }
        if !mine {
            return None;
        }
        Some(match self.work_through(node, spec, input, listening) {
            Ok(ended) => ended,
            Err(fault) => self.give_up(listening, fault),
        })
    }

    fn give_up(&mut self, listening: &mut Listening, fault: Fault) -> Option<Work> {
        if let Some(body) = listening.body.take() {
            self.cancel(*body);
        }
        Some(Work::Failed(fault))
    }

    /// Takes the event if it is wanted, and closes the listen when it has what it waits for.
    fn consume(
        &mut self,
        node: &Node,
        spec: &Listen,
        input: &Value,
        listening: &mut Listening,
        event: &Value,
    ) -> Result<bool, Fault> {
        if let (Some(Until::Events(strategy)), Some(matching)) = (&spec.until, &mut listening.until)
            && let Some(complete) = self.take_match(strategy, matching, event)
        {
            listening.closed |= complete;
            return Ok(true);
        }
        let Some(complete) = self.take_match(&spec.to, &mut listening.to, event) else {
            return Ok(false);
        };
        if listening.consumed.len() + listening.queue.len() >= CONSUMED_MAX {
            let why = format!("it consumed more than {CONSUMED_MAX} events");
            return Err(Fault::runtime(&node.path, why));
        }
        let value = read(spec.read, event);
        match &spec.foreach {
            Some(_) => listening.queue.push_back(value),
            None => listening.consumed.push(value),
        }
        match &spec.until {
            None => listening.closed = complete,
            // With `foreach` the condition is judged after each round, over what the rounds gave.
            Some(_) if spec.foreach.is_some() => {}
            Some(_) => self.judge(node, spec, input, listening)?,
        }
        Ok(true)
    }

    /// Whether an `until` condition holds over what was consumed; if so the listen is closed and what is queued is dropped.
    fn judge(&self, node: &Node, spec: &Listen, input: &Value, listening: &mut Listening) -> Result<(), Fault> {
        if let Some(Until::Condition(condition)) = &spec.until {
            let consumed = Value::Array(std::mem::take(&mut listening.consumed));
            let over = self.holds(
                node,
                condition,
                Sight {
                    dot: &consumed,
                    input,
                    output: &Value::Null,
                },
            );
            if let Value::Array(consumed) = consumed {
                listening.consumed = consumed;
            }
            if over? {
                listening.closed = true;
                listening.queue.clear();
            }
        }
        Ok(())
    }

    /// Runs `foreach` over the queue until a round waits or the queue is empty. `Some` when the task is over.
    fn work_through(
        &mut self,
        node: &Node,
        spec: &Listen,
        input: &Value,
        listening: &mut Listening,
    ) -> Result<Option<Work>, Fault> {
        if let Some(foreach) = &spec.foreach {
            while listening.body.is_none()
                && let Some(event) = listening.queue.front().cloned()
            {
                let locals = locals(foreach, &listening.queue, listening.index);
                let listed = self.with_locals(locals.clone(), |it| it.run_list(&foreach.body, 0, event));
                match listed {
                    Listed::Waiting(body) => listening.body = Some(Box::new(body)),
                    Listed::Failed(fault) => return Err(fault),
                    Listed::Done(output, true) => return Ok(Some(Work::Done(output, Some(Flow::End)))),
                    Listed::Done(output, false) => {
                        self.with_locals(locals, |it| it.round_done(node, foreach, listening, output))?;
                    }
                }
                if listening.body.is_none() {
                    self.judge(node, spec, input, listening)?;
                }
            }
        }
        let over = listening.closed && listening.body.is_none() && listening.queue.is_empty();
        Ok(over.then(|| Work::Done(Value::Array(std::mem::take(&mut listening.consumed)), None)))
    }

    /// Notes what a round of `foreach` gave, and goes on to the next event.
    fn round_done(
        &mut self,
        node: &Node,
        foreach: &Foreach,
        listening: &mut Listening,
        output: Value,
    ) -> Result<(), Fault> {
        let event = listening.queue.pop_front().unwrap_or_default();
        listening.index += 1;
        let output = match &foreach.output_as {
            Some(shape) => self.evaluate(
                node,
                shape,
                Sight {
                    dot: &output,
                    input: &event,
                    output: &output,
                },
            )?,
            None => output,
        };
        if let Some(export) = &foreach.export_as {
            self.context = self.evaluate(
                node,
                export,
                Sight {
                    dot: &output,
                    input: &event,
                    output: &output,
                },
            )?;
        }
        listening.consumed.push(output);
        Ok(())
    }
}

fn locals(foreach: &Foreach, queue: &VecDeque<Value>, index: usize) -> Locals {
    round(&foreach.item, &foreach.at, queue, index)
}
