//! The tenants' capacity in the owner's memory: asked and answered by effects, told of by the turns of loads.
//!
//! Invariant: what a load's turn means for the trucks it holds is in the same batch as that turn. So after a restart no
//! hold stands that its load knows nothing of, and no truck is free that is on offer.

use crate::commands::Asked;
use crate::machine::{Extra, Machine, Origin};
use crate::normalize::{Admitted, Reading};
use crate::ports::{DueTimer, PendingEffect, StoreError};
use crate::request::Reply;
use jiff::Timestamp;
use signalbox_engine::capacity::{Book, Heard, Input, follow, heard, step};
use signalbox_engine::step::{self as load_step, Context, Outcome, Reaction};
use signalbox_model::capacity::CapacityAttempt;
use signalbox_model::effect::Order;
use signalbox_model::id::{StreamId, TenantId};
use signalbox_model::scope::Actor;
use signalbox_model::timer::TimerChange;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Capacity {
    books: BTreeMap<TenantId, Book>,
    /// Turns of loads that may concern a tenant's capacity.
    heard: Vec<(TenantId, StreamId, Vec<Heard>)>,
}

impl Capacity {
    /// Notes what a turn of a load may mean. Where nobody has stated capacity that costs one look.
    pub fn note(&mut self, tenant: &TenantId, stream: &StreamId, reaction: &Reaction) {
        let concerns = stream.is_load() && self.books.get(tenant).is_some_and(|it| !it.is_empty());
        if !concerns {
            return;
        }
        let heard = heard(&reaction.events, &reaction.effects);
        if !heard.is_empty() {
            self.heard.push((tenant.clone(), stream.clone(), heard));
        }
    }

    pub fn is_quiet(&self) -> bool {
        self.heard.is_empty()
    }

    /// What stands of a tenant's capacity: for oracles.
    pub fn book(&self, tenant: &TenantId) -> Option<&Book> {
        self.books.get(tenant)
    }
}

impl Machine {
    /// What stands of a tenant's capacity: for oracles.
    pub fn capacity_of(&self, tenant: &TenantId) -> Option<&Book> {
        self.capacity.book(tenant)
    }

    /// Folds a tenant's capacity where that was not done yet.
    pub(crate) fn know_capacity(&mut self, tenant: &TenantId) -> Result<(), StoreError> {
        if self.capacity.books.contains_key(tenant) {
            return Ok(());
        }
        let mut book = Book::default();
        for stored in self.records_of(tenant, &StreamId::capacity())? {
            let record = &stored.record;
            record.events.iter().for_each(|event| book.apply(event, record.at));
        }
        self.capacity.books.insert(tenant.clone(), book);
        Ok(())
    }

    /// Judges what the turns of this step mean for the tenants' trucks.
    pub(crate) fn follow_capacity(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for (tenant, stream, heard) in std::mem::take(&mut self.capacity.heard) {
            let directory = self.directory(&tenant)?;
            let state = self.take_load(&tenant, &stream)?;
            let book = self.capacity.books.entry(tenant.clone()).or_default();
            let followed = follow(book, &state, heard, &directory);
            self.streams.put(&tenant, &stream, state, self.next_seq - 1);
            if !followed.is_empty() {
                let cause = format!("{stream}/capacity/{}", self.next_seq);
                self.turn_capacity(&tenant, Input::Followed(followed), &cause, None, now)?;
            }
        }
        Ok(())
    }

    /// A load asks for a truck.
    pub(crate) fn ask_capacity(&mut self, pending: &PendingEffect, now: Timestamp) -> Result<(), StoreError> {
        let Order::AskCapacity { ask, .. } = &pending.effect.order else {
            return Ok(());
        };
        let input = Input::Asked {
            effect: pending.effect.id.clone(),
            ask: ask.clone(),
        };
        let (cause, traceparent) = (pending.effect.id.as_str(), pending.traceparent.as_deref());
        self.turn_capacity(&pending.tenant, input, cause, traceparent, now)
    }

    /// A load is answered, or asked to give its truck up.
    pub(crate) fn tell_of_capacity(&mut self, pending: &PendingEffect, now: Timestamp) -> Result<(), StoreError> {
        let effect = pending.effect.id.clone();
        let (load, input) = match pending.effect.order.clone() {
            Order::AnswerCapacity { load, answer } => (load, load_step::Input::Capacity { effect, answer }),
            Order::ReclaimCapacity {
                load,
                hold,
                offer,
                by,
                by_reference,
                approved_by,
            } => {
                let displaced = load_step::Input::Displaced {
                    effect,
                    hold,
                    offer,
                    by,
                    by_reference,
                    approved_by,
                };
                (load, displaced)
            }
            _ => return Ok(()), // Nothing else is told here.
        };
        let (cause, traceparent) = (pending.effect.id.as_str(), pending.traceparent.as_deref());
        self.inner(&pending.tenant, &StreamId::load(&load), input, cause, traceparent, now)
    }

    /// A hold's time is over.
    pub(crate) fn wake_capacity(&mut self, due: DueTimer, now: Timestamp) -> Result<(), StoreError> {
        let DueTimer { tenant, timer, due, .. } = due;
        let cause = format!("{timer}@{due}");
        let actor = Actor::system();
        let mut reaction = self.judge_capacity(&tenant, Input::Timer(timer.clone()), &actor, &cause, now)?;
        // A fired timer is over, whatever it led to.
        let cancelled = TimerChange::Cancel { id: timer };
        if !reaction.timers.contains(&cancelled) {
            reaction.timers.insert(0, cancelled);
        }
        self.emit_capacity(&tenant, reaction, &actor, &cause, None, now)
    }

    /// A statement by the API.
    pub(crate) fn state_capacity(
        &mut self,
        asked: &Asked<'_>,
        attempt: Box<CapacityAttempt>,
    ) -> Result<Reply, StoreError> {
        let input = Input::Stated { attempt, message: None };
        let (tenant, actor) = (asked.scope.tenant(), asked.scope.actor());
        let reaction = self.judge_capacity(tenant, input, actor, &asked.cause, asked.now)?;
        self.answer(asked, &StreamId::capacity(), reaction, Extra::default())
    }

    /// A statement by message.
    pub(crate) fn hear_capacity(
        &mut self,
        reading: &Reading<'_>,
        cause: &str,
        attempt: Box<CapacityAttempt>,
    ) -> Result<Admitted, StoreError> {
        let (tenant, now) = (reading.tenant, reading.now);
        let traceparent = reading.pending.traceparent.as_deref();
        let actor = Actor::source(&reading.source.name);
        let message = Some(reading.message.clone());
        let input = Input::Stated { attempt, message };
        let reaction = self.judge_capacity(tenant, input, &actor, cause, now)?;
        let admitted = match &reaction.outcome {
            Outcome::Rejected { rejection, detail, .. } => Admitted::Refused(*rejection, detail.clone()),
            Outcome::Nothing | Outcome::Done(_) => Admitted::Elsewhere,
        };
        self.emit_capacity(tenant, reaction, &actor, cause, traceparent, now)?;
        Ok(admitted)
    }

    fn turn_capacity(
        &mut self,
        tenant: &TenantId,
        input: Input,
        cause: &str,
        traceparent: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let actor = Actor::system();
        let reaction = self.judge_capacity(tenant, input, &actor, cause, now)?;
        self.emit_capacity(tenant, reaction, &actor, cause, traceparent, now)
    }

    fn judge_capacity(
        &mut self,
        tenant: &TenantId,
        input: Input,
        actor: &Actor,
        cause: &str,
        now: Timestamp,
    ) -> Result<Reaction, StoreError> {
        let directory = self.directory(tenant)?;
        self.know_capacity(tenant)?;
        let book = self.capacity.books.entry(tenant.clone()).or_default();
        let context = Context {
            now,
            actor,
            directory: &directory,
            cause,
        };
        Ok(step(book, input, &context))
    }

    fn emit_capacity(
        &mut self,
        tenant: &TenantId,
        reaction: Reaction,
        actor: &Actor,
        cause: &str,
        traceparent: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if reaction.is_empty() && reaction.timers.is_empty() {
            return Ok(());
        }
        let stream = StreamId::capacity();
        self.know_version(tenant, &stream)?;
        let origin = Origin {
            cause,
            actor,
            traceparent,
            now,
        };
        self.emit(tenant, &stream, reaction, &origin, Extra::default())?;
        Ok(())
    }
}
