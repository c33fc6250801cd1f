//! Entering, leaving and resuming tasks: the part that is the same for all of them.
//!
//! The invariant: entering runs a task until it waits or is done; resuming finds the frame that a stimulus is for, and goes on from
//! there. Both go down the definition's nesting (which is bounded), never along the run's history.

use serde_json::Value;

use crate::advance::{STEPS_PER_ADVANCE_MAX, StepKind, Stimulus};
use crate::definition::{Flow, Node, Task};
use crate::fault::Fault;
use crate::instance::{Branch, Frame, State, Waits, visit};
use crate::scope::{Machine, Sight};

/// How entering a task ended.
pub(crate) enum Outcome {
    Waiting(Frame),
    Done(Value, Flow),
    Failed(Fault),
}

/// How a task's own work ended.
pub(crate) enum Work {
    Waiting(State),
    /// Its raw output, and where it says to go, if it says.
    Done(Value, Option<Flow>),
    Failed(Fault),
}

/// How a list of tasks ended.
pub(crate) enum Listed {
    Waiting(Frame),
    /// Its last output, and whether the whole workflow is to end.
    Done(Value, bool),
    Failed(Fault),
}

/// How resuming ended.
pub(crate) enum Resumed {
    /// Nothing in here waits for the stimulus.
    NotMine,
    Waiting,
    Done(Value, Flow),
    Failed(Fault),
}

/// The flow that a nested `end` hands upwards.
pub(crate) fn ending(ended: bool) -> Option<Flow> {
    ended.then_some(Flow::End)
}

impl<'d> Machine<'d> {
    pub(crate) fn enter(&mut self, at: usize, raw: Value) -> Outcome {
        let definition = self.definition;
        let Some(node) = definition.node(at) else {
            return Outcome::Failed(Fault::runtime("", "there is no such task"));
        };
        self.steps += 1;
        if self.steps > STEPS_PER_ADVANCE_MAX {
            let why = format!("it took more than {STEPS_PER_ADVANCE_MAX} steps without waiting");
            return Outcome::Failed(Fault::runtime(&node.path, why));
        }
        self.traced(node, StepKind::Entered, &raw);
        let input = match self.prepare(node, raw) {
            Ok(Prepared::Run(input)) => input,
            Ok(Prepared::Skip(raw)) => {
                self.traced(node, StepKind::Skipped, &raw);
                return Outcome::Done(raw, Flow::Continue);
            }
            Err(fault) => return self.failed(node, fault),
        };
        let kept = node.keeps_input.then(|| input.clone());
        let within = match &node.timeout {
            Some(timeout) => match self.duration(node, timeout, &input) {
                Ok(within) => Some(within),
                Err(fault) => return self.failed(node, fault),
            },
            None => None,
        };
        match self.begin(node, input) {
            Work::Waiting(state) => {
                let mut frame = Frame {
                    at: node.path.clone(),
                    input: kept,
                    deadline: None,
                    state,
                };
                match within.map(|it| self.set_timer(node, it)).transpose() {
                    Ok(timer) => frame.deadline = timer,
                    Err(fault) => {
                        self.cancel(frame);
                        return self.failed(node, fault);
                    }
                }
                Outcome::Waiting(frame)
            }
            Work::Done(output, flow) => match self.leave(node, kept.as_ref(), output, flow) {
                Ok((output, flow)) => Outcome::Done(output, flow),
                Err(fault) => self.failed(node, fault),
            },
            Work::Failed(fault) => self.failed(node, fault),
        }
    }

    fn failed(&mut self, node: &Node, fault: Fault) -> Outcome {
        self.traced(node, StepKind::Faulted, &Value::Null);
        Outcome::Failed(fault)
    }

    fn prepare(&mut self, node: &Node, raw: Value) -> Result<Prepared, Fault> {
        let Some(condition) = &node.condition else {
            return Ok(Prepared::Run(match &node.input_from {
                Some(from) => match from.take(raw) {
                    Ok(part) => part,
                    Err(raw) => self.evaluate(node, from, Sight::of(&raw))?,
                },
                None => raw,
            }));
        };
        let shaped = node
            .input_from
            .as_ref()
            .map(|it| self.evaluate(node, it, Sight::of(&raw)))
            .transpose()?;
        let runs = self.holds(node, condition, Sight::of(shaped.as_ref().unwrap_or(&raw)))?;
        Ok(if runs {
            Prepared::Run(shaped.unwrap_or(raw))
        } else {
            Prepared::Skip(raw)
        })
    }

    /// Shapes the output, exports to the context, and says where to go.
    fn leave(
        &mut self,
        node: &Node,
        input: Option<&Value>,
        output: Value,
        flow: Option<Flow>,
    ) -> Result<(Value, Flow), Fault> {
        // A nested `end` passes tasks by; only the workflow itself still shapes what comes out.
        if flow == Some(Flow::End) && !node.path.is_empty() && !matches!(node.task, Task::Switch(_) | Task::Try(_)) {
            self.traced(node, StepKind::Left, &output);
            return Ok((output, Flow::End));
        }
        let input = input.unwrap_or(&Value::Null);
        let output = match &node.output_as {
            Some(shape) => match shape.take(output) {
                Ok(part) => part,
                Err(output) => {
                    let sight = Sight {
                        dot: &output,
                        input,
                        output: &output,
                    };
                    self.evaluate(node, shape, sight)?
                }
            },
            None => output,
        };
        if let Some(export) = &node.export_as {
            self.context = self.evaluate(
                node,
                export,
                Sight {
                    dot: &output,
                    input,
                    output: &output,
                },
            )?;
        }
        self.traced(node, StepKind::Left, &output);
        Ok((output, flow.unwrap_or(node.then)))
    }

    /// Runs a list from one of its places on.
    pub(crate) fn run_list(&mut self, list: &[usize], from: usize, value: Value) -> Listed {
        let (mut at, mut value) = (from, value);
        while let Some(&node) = list.get(at) {
            match self.enter(node, value) {
                Outcome::Waiting(frame) => return Listed::Waiting(frame),
                Outcome::Failed(fault) => return Listed::Failed(fault),
                Outcome::Done(output, flow) => {
                    value = output;
                    match follow(at, flow) {
                        Next::At(next) => at = next,
                        Next::Leave { ended } => return Listed::Done(value, ended),
                    }
                }
            }
        }
        Listed::Done(value, false)
    }

    /// Resumes the task a list is at, and goes on along the list. `None` when the stimulus is not for it.
    pub(crate) fn resume_list(
        &mut self,
        list: &[usize],
        child: &mut Frame,
        stimulus: &Stimulus,
    ) -> Option<ListResumed> {
        Some(match self.resume(child, stimulus) {
            Resumed::NotMine => return None,
            Resumed::Waiting => ListResumed::Waiting,
            Resumed::Failed(fault) => ListResumed::Over(Listed::Failed(fault)),
            Resumed::Done(output, flow) => {
                let here = self.definition.at_path(&child.at).map(|(node, _)| node);
                let at = list.iter().position(|it| Some(*it) == here).unwrap_or(list.len());
                let rest = match follow(at, flow) {
                    Next::At(next) => self.run_list(list, next, output),
                    Next::Leave { ended } => Listed::Done(output, ended),
                };
                match rest {
                    Listed::Waiting(frame) => {
                        *child = frame;
                        ListResumed::Waiting
                    }
                    over => ListResumed::Over(over),
                }
            }
        })
    }

    pub(crate) fn resume(&mut self, frame: &mut Frame, stimulus: &Stimulus) -> Resumed {
        let definition = self.definition;
        let Some((_, node)) = definition.at_path(&frame.at) else {
            return Resumed::NotMine;
        };
        if let (Stimulus::Timer { timer }, Some(deadline)) = (stimulus, &frame.deadline)
            && deadline.id == *timer
        {
            frame.deadline = None;
            self.traced(node, StepKind::TimedOut, &Value::Null);
            self.cancel(frame.clone());
            return Resumed::Failed(Fault::timeout(&node.path));
        }
        let Some(work) = self.resume_work(node, frame, stimulus) else {
            return Resumed::NotMine;
        };
        let left = match work {
            None => return Resumed::Waiting,
            Some(Work::Waiting(state)) => {
                frame.state = state;
                return Resumed::Waiting;
            }
            Some(Work::Done(output, flow)) => {
                let deadline = frame.deadline.take();
                self.cancel_timer(deadline);
                self.leave(node, frame.input.as_ref(), output, flow)
            }
            Some(Work::Failed(fault)) => {
                let deadline = frame.deadline.take();
                self.cancel_timer(deadline);
                Err(fault)
            }
        };
        match left {
            Ok((output, flow)) => Resumed::Done(output, flow),
            Err(fault) => {
                self.traced(node, StepKind::Faulted, &Value::Null);
                Resumed::Failed(fault)
            }
        }
    }

    /// `None`: not for this task. `Some(None)`: taken, and it waits as before. Otherwise how its work went on.
    fn resume_work(&mut self, node: &'d Node, frame: &mut Frame, stimulus: &Stimulus) -> Option<Option<Work>> {
        let listed = |resumed: ListResumed| match resumed {
            ListResumed::Waiting => None,
            ListResumed::Over(Listed::Done(output, ended)) => Some(Work::Done(output, ending(ended))),
            ListResumed::Over(Listed::Failed(fault)) => Some(Work::Failed(fault)),
            ListResumed::Over(Listed::Waiting(frame)) => Some(Work::Waiting(State::Do(Box::new(frame)))),
        };
        match (&node.task, &mut frame.state) {
            (Task::Do(list), State::Do(child)) => self.resume_list(list, child, stimulus).map(listed),
            (Task::For(spec), State::For { items, index, child }) => {
                self.resume_for(node, spec, (items, index, child), stimulus)
            }
            (Task::Fork { compete, .. }, State::Fork(branches)) => self.resume_fork(*compete, branches, stimulus),
            (Task::Try(spec), State::Try { .. }) => self.resume_try(node, spec, frame, stimulus),
            (Task::Listen(spec), State::Listen(listening)) => {
                let input = frame.input.as_ref().unwrap_or(&Value::Null);
                self.resume_listen(node, spec, input, listening, stimulus)
            }
            (Task::Function { .. }, State::Function(child)) => match self.resume(child, stimulus) {
                Resumed::NotMine => None,
                Resumed::Waiting => Some(None),
                Resumed::Done(output, flow) => Some(Some(Work::Done(output, ending(flow == Flow::End)))),
                Resumed::Failed(fault) => Some(Some(Work::Failed(fault))),
            },
            (Task::Wait(_), State::Wait(timer)) => match stimulus {
                Stimulus::Timer { timer: rung } if *rung == timer.id => {
                    Some(Some(Work::Done(frame.input.clone().unwrap_or_default(), None)))
                }
                _ => None,
            },
            (Task::Call(_) | Task::Subflow { .. }, State::Call(call)) => match stimulus {
                Stimulus::CallReturned { call: returned, result } if returned == call => Some(Some(match result {
                    Ok(output) => Work::Done(output.clone(), None),
                    Err(fault) => {
                        let instance = fault.instance.clone().unwrap_or_else(|| node.path.to_string());
                        Work::Failed(Fault {
                            instance: Some(instance),
                            ..fault.clone()
                        })
                    }
                })),
                _ => None,
            },
            // A state that does not fit its task came from elsewhere; it waits for nothing we could bring.
            _ => None,
        }
    }

    /// Gives up everything a frame waits for.
    pub(crate) fn cancel(&mut self, frame: Frame) {
        let commands = &mut self.commands;
        visit(Some(&frame), &mut |waits| match waits {
            Waits::Timer(timer) => {
                commands.push(crate::advance::Command::CancelTimer {
                    timer: timer.id.clone(),
                });
            }
            Waits::Call(call) => commands.push(crate::advance::Command::CancelCall { call: call.to_owned() }),
            Waits::Listen(..) => {}
        });
        if let Some((_, node)) = self.definition.at_path(&frame.at) {
            self.traced(node, StepKind::Cancelled, &Value::Null);
        }
    }

    pub(crate) fn cancel_branches(&mut self, branches: Vec<Branch>) {
        for branch in branches {
            if let Branch::Open(frame) = branch {
                self.cancel(frame);
            }
        }
    }
}

pub(crate) enum ListResumed {
    Waiting,
    Over(Listed),
}

enum Prepared {
    Run(Value),
    Skip(Value),
}

enum Next {
    At(usize),
    Leave { ended: bool },
}

fn follow(at: usize, flow: Flow) -> Next {
    match flow {
        Flow::Continue => Next::At(at + 1),
        Flow::To(place) => Next::At(place),
        Flow::Exit => Next::Leave { ended: false },
        Flow::End => Next::Leave { ended: true },
    }
}
