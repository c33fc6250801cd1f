//! The tenant's capacity as its events have made it, and the one step that judges what comes to it.

use super::follow::Followed;
use super::search::{self, Found};
use super::{GRACE, HELD_WITHIN, state};
use crate::step::{Context, Reaction};
use crate::views;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use signalbox_model::capacity::{
    CapacityAnswer, CapacityAsk, CapacityAttempt, CapacityHold, HoldBasis, Need, Search, Statement,
};
use signalbox_model::decision::{Decision, Evidence};
use signalbox_model::effect::{Effect, Order};
use signalbox_model::event::Event;
use signalbox_model::id::{
    CapacityHoldId, EffectId, LoadId, MessageId, Mint, OfferId, PartnerId, StatementId, TimerId,
};
use signalbox_model::load::Priority;
use signalbox_model::timer::TimerChange;
use std::collections::{BTreeMap, BTreeSet};

/// What carriers have stated, and what of it is held. `apply` folds and holds no policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    pub statements: BTreeMap<StatementId, Statement>,
    pub holds: BTreeMap<CapacityHoldId, Held>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub hold: CapacityHold,
    /// It hauls its load; it is not free before it is stated anew.
    pub consumed: bool,
    /// The ask it was asked back for.
    pub reclaimed: Option<Box<CapacityAsk>>,
}

/// What comes to the tenant's capacity.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Stated {
        attempt: Box<CapacityAttempt>,
        message: Option<MessageId>,
    },
    Asked {
        effect: EffectId,
        ask: Box<CapacityAsk>,
    },
    /// What a load's turn means for the trucks it has or would have.
    Followed(Vec<Followed>),
    Timer(TimerId),
}

impl Book {
    /// Folds one event of the capacity's stream in.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::CapacityStated { statement } => {
                // Said anew, its trucks are those that are free now: who hauls is not among them.
                self.holds
                    .retain(|_, it| !(it.consumed && it.hold.statement == statement.id));
                self.statements.insert(statement.id.clone(), (**statement).clone());
                self.forget(at);
            }
            Event::CapacityHeld { hold } => {
                let held = Held {
                    hold: (**hold).clone(),
                    consumed: false,
                    reclaimed: None,
                };
                self.holds.insert(hold.id.clone(), held);
            }
            Event::CapacityOffered { hold, offer, until } => {
                if let Some(it) = self.holds.get_mut(hold) {
                    it.hold.offer = Some(offer.clone());
                    it.hold.until = *until;
                }
            }
            Event::CapacityConsumed { hold } => {
                if let Some(it) = self.holds.get_mut(hold) {
                    it.consumed = true;
                    it.reclaimed = None;
                }
            }
            Event::CapacityReleased { hold, statement, .. } => {
                self.holds.remove(hold);
                let is_taken_back = self.statements.get(statement).is_some_and(|it| it.trucks == 0);
                if is_taken_back && self.of_statement(statement).next().is_none() {
                    self.statements.remove(statement);
                }
            }
            Event::CapacityReclaimed { hold, ask } => {
                if let Some(it) = self.holds.get_mut(hold) {
                    it.reclaimed = Some(ask.clone());
                }
            }
            Event::CapacityKept { hold, .. } => {
                if let Some(it) = self.holds.get_mut(hold) {
                    it.reclaimed = None;
                }
            }
            _ => {} // Of other streams.
        }
    }

    /// Statements whose time is over, and those that were taken back.
    fn ended(&self, now: Timestamp) -> Vec<StatementId> {
        let ended = self
            .statements
            .values()
            .filter(|it| it.until.at <= now || it.trucks == 0);
        ended.map(|it| it.id.clone()).collect()
    }

    /// Drops what has ended and nothing stands on.
    fn forget(&mut self, now: Timestamp) {
        for id in self.ended(now) {
            self.holds.retain(|_, it| !(it.consumed && it.hold.statement == id));
            if !self.holds.values().any(|it| it.hold.statement == id) {
                self.statements.remove(&id);
            }
        }
    }

    /// Whether nothing that a load does can concern it.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.holds.is_empty()
    }

    pub fn of_statement<'a>(&'a self, id: &'a StatementId) -> impl Iterator<Item = &'a Held> {
        self.holds.values().filter(move |it| it.hold.statement == *id)
    }

    /// A truck of the statement that nobody holds, from 1.
    pub fn free_unit(&self, statement: &Statement) -> Option<u32> {
        let taken: BTreeSet<u32> = self.of_statement(&statement.id).map(|it| it.hold.unit).collect();
        (1..=statement.trucks).find(|unit| !taken.contains(unit))
    }

    pub fn free(&self, statement: &Statement) -> u32 {
        let taken = self.of_statement(&statement.id).count();
        statement
            .trucks
            .saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// What a load holds of a carrier's trucks.
    pub fn of_load(&self, load: &LoadId, carrier: &PartnerId) -> Option<&Held> {
        let of = |it: &&Held| it.hold.need.load == *load && it.hold.carrier == *carrier;
        self.holds.values().find(of)
    }
}

/// Judges one input. `book` has the reaction's events folded in when it returns.
pub fn step(book: &mut Book, input: Input, context: &Context<'_>) -> Reaction {
    let mut session = Session {
        book,
        context,
        mint: Mint::new(context.cause, context.now),
        out: Reaction::default(),
    };
    match input {
        Input::Stated { attempt, message } => {
            let ended = session.book.ended(context.now);
            state::admit(&mut session, &attempt, message);
            views::forget_capacity(&ended, session.book, &mut session.out);
        }
        Input::Asked { effect, ask } => {
            session.out.settled.push(effect);
            session.asked(*ask);
        }
        Input::Followed(followed) => followed.into_iter().for_each(|it| session.followed(it)),
        Input::Timer(timer) => session.wake(&timer),
    }
    views::refresh_capacity(session.book, &mut session.out);
    session.out
}

/// One turn of the capacity's stream in the making.
pub(super) struct Session<'a> {
    pub book: &'a mut Book,
    pub context: &'a Context<'a>,
    pub mint: Mint,
    pub out: Reaction,
}

impl Session<'_> {
    pub fn now(&self) -> Timestamp {
        self.context.now
    }

    pub fn record(&mut self, event: Event) {
        self.book.apply(&event, self.context.now);
        self.out.events.push(event);
    }

    fn order(&mut self, order: Order) {
        let id = self.mint.make();
        self.out.effects.push(Effect::new(id, order));
    }

    fn asked(&mut self, ask: CapacityAsk) {
        // An ask is the load's next step: what it held and made no offer on it gives back.
        let idle = self.book.holds.values();
        let idle = idle.filter(|it| it.hold.need.load == ask.need.load && it.hold.offer.is_none() && !it.consumed);
        let idle: Vec<CapacityHoldId> = idle.map(|it| it.hold.id.clone()).collect();
        for hold in idle {
            self.release(&hold, "no offer was made on it");
        }
        let found = search::search(self.book, &ask, self.context);
        if let Some(best) = found.fits.first().cloned() {
            return self.grant(ask, found, &best.statement, None);
        }
        match &ask.displace {
            Some(displacing) => {
                let hold = displacing.hold.clone();
                let stands = found.displaceable.iter().any(|it| it.hold.id == hold);
                if stands {
                    self.reclaim(ask, &hold);
                } else {
                    let reason = "the truck is no longer one that can be taken from another load";
                    self.refuse(&ask, reason.to_owned(), found.search, None);
                }
            }
            None => {
                let displaceable = found.displaceable.into_iter().next().map(Box::new);
                self.refuse(&ask, found.reason, found.search, displaceable);
            }
        }
    }

    /// Holds a free truck of the statement for the load, and tells it.
    fn grant(&mut self, ask: CapacityAsk, found: Found, statement: &StatementId, displaced: Option<String>) {
        let Some(candidate) = found.fits.iter().find(|it| it.statement == *statement).cloned() else {
            return self.refuse(&ask, found.reason, found.search, None);
        };
        let until = later(self.now(), HELD_WITHIN);
        let Some(hold) = self.hold(statement, ask.need.clone(), HoldBasis::Asked, until, None, Vec::new()) else {
            return self.refuse(&ask, "the truck is gone".to_owned(), found.search, None);
        };
        self.decide("granted", &ask, &found.search);
        self.order(Order::AnswerCapacity {
            load: ask.need.load,
            answer: Box::new(CapacityAnswer::Granted {
                hold: Box::new(hold),
                rate: candidate.rate,
                search: found.search,
                displaced,
            }),
        });
    }

    /// Takes a free truck for a load, if there is one.
    fn hold(
        &mut self,
        statement: &StatementId,
        need: Need,
        basis: HoldBasis,
        until: Timestamp,
        offer: Option<OfferId>,
        next: Vec<String>,
    ) -> Option<CapacityHold> {
        let stated = self.book.statements.get(statement)?;
        let unit = self.book.free_unit(stated)?;
        let hold = CapacityHold {
            id: self.mint.make(),
            statement: statement.clone(),
            unit,
            carrier: stated.carrier.clone(),
            scac: stated.scac.clone(),
            need,
            basis,
            until,
            offer,
            next,
        };
        self.set_timer(&hold.id, until);
        self.record(Event::CapacityHeld {
            hold: Box::new(hold.clone()),
        });
        Some(hold)
    }

    fn refuse(
        &mut self,
        ask: &CapacityAsk,
        reason: String,
        search: Search,
        displaceable: Option<Box<signalbox_model::capacity::Displaceable>>,
    ) {
        let choice = if displaceable.is_some() { "displaceable" } else { "none" };
        self.decide(choice, ask, &search);
        self.order(Order::AnswerCapacity {
            load: ask.need.load.clone(),
            answer: Box::new(CapacityAnswer::Refused {
                reason,
                search,
                displaceable,
            }),
        });
    }

    fn decide(&mut self, choice: &str, ask: &CapacityAsk, search: &Search) {
        self.out.decisions.push(Decision {
            about: "capacity.rank".to_owned(),
            choice: choice.to_owned(),
            evidence: vec![
                Evidence::new("need", json!(ask.need), "load"),
                Evidence::new("candidates", json!(search.candidates), "statements"),
                Evidence::new("left out", json!(search.left_out), "statements"),
            ],
            rule: "the nearest first, then what was stated last".to_owned(),
        });
    }

    /// A person lets the load have another's truck: that load is asked to give it up.
    fn reclaim(&mut self, ask: CapacityAsk, id: &CapacityHoldId) {
        let Some(hold) = self.book.holds.get(id).map(|it| it.hold.clone()) else {
            return;
        };
        let (Some(offer), Some(displacing)) = (hold.offer, ask.displace.clone()) else {
            return;
        };
        self.order(Order::ReclaimCapacity {
            load: hold.need.load,
            hold: id.clone(),
            offer,
            by: ask.need.load.clone(),
            by_reference: ask.need.reference.clone(),
            approved_by: displacing.approved_by,
        });
        self.record(Event::CapacityReclaimed {
            hold: id.clone(),
            ask: Box::new(ask),
        });
    }

    fn followed(&mut self, followed: Followed) {
        match followed {
            Followed::Offered {
                need,
                offer,
                carrier,
                respond_by,
                next,
            } => self.offered(*need, offer, &carrier, later(respond_by, GRACE), next),
            Followed::Ended { load, carrier, reason } => {
                let held = self.book.of_load(&load, &carrier).filter(|it| !it.consumed);
                if let Some(hold) = held.map(|it| it.hold.id.clone()) {
                    self.give_back(&hold, &reason);
                }
            }
            Followed::Covered { load, carrier } => self.covered(&load, &carrier),
            Followed::Cancelled { load } => self.cancelled(&load),
            Followed::GivenBack { hold, reason } => {
                if self.book.holds.get(&hold).is_some_and(|it| !it.consumed) {
                    self.give_back(&hold, &reason);
                }
            }
            Followed::Kept { hold, reason } => self.kept(&hold, &reason),
        }
    }

    /// An offer is out: the truck it would take is not free until it is answered.
    fn offered(&mut self, need: Need, offer: OfferId, carrier: &PartnerId, until: Timestamp, next: Vec<String>) {
        if let Some(held) = self.book.of_load(&need.load, carrier) {
            let hold = held.hold.id.clone();
            self.set_timer(&hold, until);
            self.record(Event::CapacityOffered { hold, offer, until });
            return;
        }
        let fits = search::for_offer(self.book, &need, carrier, self.context);
        if let Some(statement) = fits {
            self.hold(&statement, need, HoldBasis::Offered, until, Some(offer), next);
        }
    }

    fn covered(&mut self, load: &LoadId, carrier: &PartnerId) {
        let of_load = self.book.holds.values().filter(|it| it.hold.need.load == *load);
        let of_load: Vec<Held> = of_load.filter(|it| !it.consumed).cloned().collect();
        for held in of_load {
            let hold = held.hold.id.clone();
            if held.hold.carrier != *carrier {
                self.give_back(&hold, "another carrier has the load");
                continue;
            }
            self.cancel_timer(&hold);
            self.record(Event::CapacityConsumed { hold });
            if let Some(ask) = held.reclaimed {
                self.answer_in_vain(
                    &ask,
                    &held.hold.scac,
                    "took the other load before it could be displaced",
                );
            }
        }
    }

    fn cancelled(&mut self, load: &LoadId) {
        let of_load = self.book.holds.values().filter(|it| it.hold.need.load == *load);
        let of_load: Vec<CapacityHoldId> = of_load.map(|it| it.hold.id.clone()).collect();
        for hold in of_load {
            self.give_back(&hold, "the load was cancelled");
        }
        let asked_back = |it: &&Held| it.reclaimed.as_ref().is_some_and(|ask| ask.need.load == *load);
        let asked_back: Vec<CapacityHoldId> = self
            .book
            .holds
            .values()
            .filter(asked_back)
            .map(|it| it.hold.id.clone())
            .collect();
        for hold in asked_back {
            let reason = "the load that was to have it was cancelled".to_owned();
            self.record(Event::CapacityKept { hold, reason });
        }
    }

    /// The truck stays with its load, and the one that was to have it is told.
    fn kept(&mut self, id: &CapacityHoldId, reason: &str) {
        let Some(held) = self.book.holds.get(id).cloned() else {
            return;
        };
        let Some(ask) = held.reclaimed else { return };
        self.record(Event::CapacityKept {
            hold: id.clone(),
            reason: reason.to_owned(),
        });
        self.answer_in_vain(&ask, &held.hold.scac, reason);
    }

    fn answer_in_vain(&mut self, ask: &CapacityAsk, scac: &str, why: &str) {
        let search = search::search(self.book, ask, self.context).search;
        self.refuse(ask, format!("{scac}: {why}"), search, None);
    }

    /// A truck is free again: it goes to the load it was asked back for, if there is one.
    fn give_back(&mut self, id: &CapacityHoldId, reason: &str) {
        let Some(held) = self.book.holds.get(id).cloned() else {
            return;
        };
        self.release(id, reason);
        let Some(ask) = held.reclaimed else { return };
        let found = search::search(self.book, &ask, self.context);
        self.grant(*ask, found, &held.hold.statement, Some(held.hold.need.reference));
    }

    fn release(&mut self, id: &CapacityHoldId, reason: &str) {
        let Some(statement) = self.book.holds.get(id).map(|it| it.hold.statement.clone()) else {
            return;
        };
        self.cancel_timer(id);
        self.record(Event::CapacityReleased {
            hold: id.clone(),
            statement,
            reason: reason.to_owned(),
        });
    }

    /// A hold's time is over.
    fn wake(&mut self, timer: &TimerId) {
        let Some(id) = timer.0.strip_prefix(TIMER).map(CapacityHoldId::from) else {
            return;
        };
        let Some(held) = self.book.holds.get(&id).filter(|it| !it.consumed).cloned() else {
            return;
        };
        let reason = "the time for which it was held is over";
        self.give_back(&id, reason);
        if held.hold.basis == HoldBasis::Asked {
            self.order(Order::AnswerCapacity {
                load: held.hold.need.load,
                answer: Box::new(CapacityAnswer::Lost {
                    hold: id,
                    reason: reason.to_owned(),
                }),
            });
        }
    }

    fn set_timer(&mut self, hold: &CapacityHoldId, due: Timestamp) {
        self.out.timers.push(TimerChange::Set { id: timer(hold), due });
    }

    fn cancel_timer(&mut self, hold: &CapacityHoldId) {
        self.out.timers.push(TimerChange::Cancel { id: timer(hold) });
    }
}

const TIMER: &str = "tmr_capacity/";

fn timer(hold: &CapacityHoldId) -> TimerId {
    TimerId(format!("{TIMER}{hold}"))
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Whether a load may have another's truck: it cannot wait, and the other can.
pub(super) fn outranks(one: Priority, other: Priority) -> bool {
    one > other
}
