//! Capacity at the engine's boundary: asked, answered and followed, as the runtime has it done.

use super::engine_boundary::{EngineBoundary, refusal};
use signalbox_engine::capacity::{self, Heard};
use signalbox_engine::step::{Context, Input, Reaction};
use signalbox_model::capacity::CapacityAttempt;
use signalbox_model::effect::{Effect, Order};
use signalbox_model::id::{StreamId, TimerId};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Actor;
use signalbox_model::timer::TimerChange;

impl EngineBoundary {
    pub(super) fn state_capacity(
        &mut self,
        attempt: Box<CapacityAttempt>,
        actor: &Actor,
    ) -> Option<(Rejection, String)> {
        let input = capacity::Input::Stated { attempt, message: None };
        let reaction = self.turn_capacity(input, actor);
        refusal(reaction)
    }

    pub(super) fn wake_capacity(&mut self, timer: TimerId) {
        self.turn_capacity(capacity::Input::Timer(timer), &Actor::system());
    }

    /// What a load's turn means for the trucks that are free or held.
    pub(super) fn follow_capacity(&mut self, stream: &StreamId, heard: Vec<Heard>) {
        let Some(state) = self.loads.get(stream).filter(|_| !self.book.is_empty()) else {
            return;
        };
        let followed = capacity::follow(&self.book, state, heard, &self.directory);
        if !followed.is_empty() {
            self.turn_capacity(capacity::Input::Followed(followed), &Actor::system());
        }
    }

    /// Asks, answers, or asks to give way. False: an effect of another kind.
    pub(super) fn perform_capacity(&mut self, effect: &Effect) -> bool {
        let id = effect.id.clone();
        match effect.order.clone() {
            Order::AskCapacity { ask, .. } => {
                self.turn_capacity(capacity::Input::Asked { effect: id, ask }, &Actor::system());
            }
            Order::AnswerCapacity { load, answer } => {
                let input = Input::Capacity { effect: id, answer };
                self.turn(&StreamId::load(&load), input, &Actor::system());
            }
            Order::ReclaimCapacity {
                load,
                hold,
                offer,
                by,
                by_reference,
                approved_by,
            } => {
                let input = Input::Displaced {
                    effect: id,
                    hold,
                    offer,
                    by,
                    by_reference,
                    approved_by,
                };
                self.turn(&StreamId::load(&load), input, &Actor::system());
            }
            _ => return false, // No other effect concerns capacity.
        }
        true
    }

    fn turn_capacity(&mut self, input: capacity::Input, actor: &Actor) -> signalbox_engine::step::Outcome {
        self.turns += 1;
        let cause = format!("turn {}", self.turns);
        let context = Context {
            now: self.now,
            actor,
            directory: &self.directory,
            cause: &cause,
        };
        let Reaction {
            effects,
            timers,
            outcome,
            ..
        } = capacity::step(&mut self.book, input, &context);
        let stream = StreamId::capacity();
        self.effects.extend(effects.into_iter().map(|it| (stream.clone(), it)));
        for change in timers {
            match change {
                TimerChange::Set { id, due } => drop(self.timers.insert((stream.clone(), id), due)),
                TimerChange::Cancel { id } => drop(self.timers.remove(&(stream.clone(), id))),
            }
        }
        outcome
    }
}
