//! Trying, catching, and trying again.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::advance::{StepKind, Stimulus};
use crate::definition::{Backoff, Node, Retry, Try};
use crate::duration::DURATION_MAX;
use crate::fault::Fault;
use crate::flow::{ListResumed, Listed, Work, ending};
use crate::instance::{Frame, Phase, State};
use crate::scope::{Machine, Sight};

/// Retries where a policy names no count.
const RETRIES_MAX: u32 = 100;

impl<'d> Machine<'d> {
    /// Tries the body, the first time or again.
    pub(crate) fn attempt(
        &mut self,
        node: &'d Node,
        spec: &'d Try,
        input: &Value,
        attempt: u32,
        since: Timestamp,
    ) -> Work {
        let mut attempt = attempt;
        loop {
            let fault = match self.run_list(&spec.body, 0, input.clone()) {
                Listed::Done(output, ended) => return Work::Done(output, ending(ended)),
                Listed::Waiting(child) => match self.attempt_timer(node, spec, input) {
                    Ok(timer) => {
                        let phase = Box::new(Phase::Body {
                            child: Box::new(child),
                            timer,
                        });
                        return Work::Waiting(State::Try { attempt, since, phase });
                    }
                    Err(fault) => {
                        self.cancel(child);
                        return Work::Failed(fault);
                    }
                },
                Listed::Failed(fault) => fault,
            };
            match self.caught(node, spec, input, attempt, since, fault) {
                Caught::Again => attempt += 1,
                Caught::Work(work) => return work,
            }
        }
    }

    fn attempt_timer(
        &mut self,
        node: &Node,
        spec: &Try,
        input: &Value,
    ) -> Result<Option<crate::instance::Timer>, Fault> {
        let Some(within) = spec.retry.as_ref().and_then(|it| it.attempt_within.as_ref()) else {
            return Ok(None);
        };
        let within = self.duration(node, within, input)?;
        self.set_timer(node, within).map(Some)
    }

    /// What becomes of a fault in the body.
    fn caught(
        &mut self,
        node: &'d Node,
        spec: &'d Try,
        input: &Value,
        attempt: u32,
        since: Timestamp,
        fault: Fault,
    ) -> Caught {
        let error = serde_json::to_value(&fault).unwrap_or_default();
        let judged = self.with_locals(vec![(spec.name.clone(), error.clone())], |it| {
            if !it.catches(node, spec, input, &fault)? {
                return Ok(None);
            }
            let retry = spec.retry.as_ref();
            retry
                .map(|retry| it.retry_after(node, retry, input, attempt, since))
                .transpose()
                .map(Some)
        });
        let retry = match judged {
            Err(broken) => return Caught::Work(Work::Failed(broken)),
            Ok(None) => return Caught::Work(Work::Failed(fault)),
            Ok(Some(retry)) => retry,
        };
        self.traced(node, StepKind::Caught, &error);
        match retry {
            Some(Some(delay)) if delay.is_zero() => {
                self.traced(node, StepKind::Retried, &Value::Null);
                Caught::Again
            }
            Some(Some(delay)) => Caught::Work(match self.set_timer(node, delay) {
                Ok(timer) => Work::Waiting(State::Try {
                    attempt,
                    since,
                    phase: Box::new(Phase::Pause(timer)),
                }),
                Err(fault) => Work::Failed(fault),
            }),
            // Retries that are used up without a handler have handled nothing.
            Some(None) if spec.handler.is_none() => Caught::Work(Work::Failed(fault)),
            Some(None) | None => Caught::Work(self.handle(spec, input, attempt, since, fault, error)),
        }
    }

    fn catches(&self, node: &Node, spec: &Try, input: &Value, fault: &Fault) -> Result<bool, Fault> {
        let sight = Sight::of(input);
        if let Some(filter) = &spec.errors {
            let filter = self.evaluate(node, filter, sight)?;
            let wanted = |key: &str| filter.get(key).filter(|it| !it.is_null());
            let text_fits = |key: &str, have: Option<&String>| {
                wanted(key).is_none_or(|want| want.as_str() == have.map(String::as_str))
            };
            let kind_fits = wanted("type")
                .and_then(Value::as_str)
                .is_none_or(|it| Fault::same_kind(it, &fault.kind));
            let status_fits = wanted("status").is_none_or(|it| it.as_u64() == Some(u64::from(fault.status)));
            let texts_fit = text_fits("title", fault.title.as_ref())
                && text_fits("detail", fault.detail.as_ref())
                && text_fits("instance", fault.instance.as_ref());
            if !(kind_fits && status_fits && texts_fit) {
                return Ok(false);
            }
        }
        self.allowed(node, spec.when.as_ref(), spec.except_when.as_ref(), sight)
    }

    fn allowed(
        &self,
        node: &Node,
        when: Option<&signalbox_expression::Template>,
        except_when: Option<&signalbox_expression::Template>,
        sight: Sight<'_>,
    ) -> Result<bool, Fault> {
        if let Some(when) = when
            && !self.holds(node, when, sight)?
        {
            return Ok(false);
        }
        Ok(match except_when {
            Some(except) => !self.holds(node, except, sight)?,
            None => true,
        })
    }

    /// How long to wait before trying again; `None` when the policy allows no more.
    fn retry_after(
        &self,
        node: &Node,
        retry: &Retry,
        input: &Value,
        attempt: u32,
        since: Timestamp,
    ) -> Result<Option<SignedDuration>, Fault> {
        if attempt > retry.count.unwrap_or(RETRIES_MAX).min(RETRIES_MAX) {
            return Ok(None);
        }
        if !self.allowed(node, retry.when.as_ref(), retry.except_when.as_ref(), Sight::of(input))? {
            return Ok(None);
        }
        let base = match &retry.delay {
            Some(delay) => self.duration(node, delay, input)?,
            None => SignedDuration::ZERO,
        };
        let factor = match retry.backoff {
            Backoff::Constant => 1,
            Backoff::Linear => i32::try_from(attempt).unwrap_or(i32::MAX),
            Backoff::Exponential => 1_i32.checked_shl(attempt.saturating_sub(1).min(30)).unwrap_or(i32::MAX),
        };
        let mut delay = base.checked_mul(factor).unwrap_or(DURATION_MAX).min(DURATION_MAX);
        if let Some((from, to)) = &retry.jitter {
            let (from, to) = (self.duration(node, from, input)?, self.duration(node, to, input)?);
            delay = delay
                .saturating_add(self.jitter(node, attempt, from, to))
                .min(DURATION_MAX);
        }
        if let Some(all_within) = &retry.all_within {
            let spent = self.now.duration_since(since).saturating_add(delay);
            if spent > self.duration(node, all_within, input)? {
                return Ok(None);
            }
        }
        Ok(Some(delay))
    }

    /// Spreads instances apart without chance: the same attempt of the same instance always waits the same.
    fn jitter(&self, node: &Node, attempt: u32, from: SignedDuration, to: SignedDuration) -> SignedDuration {
        let digest = Sha256::digest(format!("{}{}{attempt}", self.id, node.path));
        let part = digest
            .iter()
            .take(4)
            .fold(0_i64, |sum, byte| sum * 256 + i64::from(*byte));
        let span = i64::try_from(to.saturating_sub(from).as_millis())
            .unwrap_or(0)
            .clamp(0, i64::from(u32::MAX));
        from.saturating_add(SignedDuration::from_millis(span * part / i64::from(u32::MAX)))
    }

    fn handle(
        &mut self,
        spec: &Try,
        input: &Value,
        attempt: u32,
        since: Timestamp,
        fault: Fault,
        error: Value,
    ) -> Work {
        let Some(handler) = &spec.handler else {
            return Work::Done(input.clone(), spec.then);
        };
        let listed = self.with_locals(vec![(spec.name.clone(), error)], |it| {
            it.run_list(handler, 0, input.clone())
        });
        match listed {
            Listed::Waiting(child) => {
                let phase = Box::new(Phase::Handler {
                    error: fault,
                    child: Box::new(child),
                });
                Work::Waiting(State::Try { attempt, since, phase })
            }
            Listed::Done(output, ended) => Work::Done(output, ending(ended).or(spec.then)),
            Listed::Failed(fault) => Work::Failed(fault),
        }
    }

    pub(crate) fn resume_try(
        &mut self,
        node: &'d Node,
        spec: &'d Try,
        frame: &mut Frame,
        stimulus: &Stimulus,
    ) -> Option<Option<Work>> {
        let Frame {
            input,
            state: State::Try { attempt, since, phase },
            ..
        } = frame
        else {
            return None;
        };
        let input = input.as_ref().unwrap_or(&Value::Null);
        let (attempt, since) = (*attempt, *since);
        let rung =
            |timer: &crate::instance::Timer| matches!(stimulus, Stimulus::Timer { timer: it } if *it == timer.id);
        let fault = match &mut **phase {
            Phase::Pause(timer) => {
                return rung(timer).then(|| {
                    self.traced(node, StepKind::Retried, &Value::Null);
                    Some(self.attempt(node, spec, input, attempt.saturating_add(1), since))
                });
            }
            Phase::Handler { error, child } => return self.resume_handler(spec, error, child, stimulus),
            Phase::Body {
                timer: Some(timer),
                child,
            } if rung(timer) => {
                self.traced(node, StepKind::TimedOut, &Value::Null);
                self.cancel((**child).clone());
                Fault::timeout(&node.path)
            }
            Phase::Body { timer, child } => match self.resume_list(&spec.body, child, stimulus)? {
                ListResumed::Waiting | ListResumed::Over(Listed::Waiting(_)) => return Some(None),
                ListResumed::Over(Listed::Done(output, ended)) => {
                    let timer = timer.take();
                    self.cancel_timer(timer);
                    return Some(Some(Work::Done(output, ending(ended))));
                }
                ListResumed::Over(Listed::Failed(fault)) => {
                    let timer = timer.take();
                    self.cancel_timer(timer);
                    fault
                }
            },
        };
        Some(Some(match self.caught(node, spec, input, attempt, since, fault) {
            Caught::Again => self.attempt(node, spec, input, attempt.saturating_add(1), since),
            Caught::Work(work) => work,
        }))
    }

    fn resume_handler(
        &mut self,
        spec: &Try,
        error: &Fault,
        child: &mut Frame,
        stimulus: &Stimulus,
    ) -> Option<Option<Work>> {
        let error = serde_json::to_value(error).unwrap_or_default();
        let handler = spec.handler.as_deref().unwrap_or_default();
        let locals = vec![(spec.name.clone(), error)];
        let resumed = self.with_locals(locals, |it| it.resume_list(handler, child, stimulus))?;
        Some(match resumed {
            ListResumed::Waiting | ListResumed::Over(Listed::Waiting(_)) => None,
            ListResumed::Over(Listed::Done(output, ended)) => Some(Work::Done(output, ending(ended).or(spec.then))),
            ListResumed::Over(Listed::Failed(fault)) => Some(Work::Failed(fault)),
        })
    }
}

enum Caught {
    /// Try again at once.
    Again,
    Work(Work),
}
