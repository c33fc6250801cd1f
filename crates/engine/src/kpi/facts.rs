//! A load's facts: folded from its events, shown as one row of `LOADS` and one of `EXCEPTIONS` an exception.

use super::{EXCEPTIONS, LOADS};
use crate::state::LoadState;
use crate::trip::LATE_AFTER_S;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_model::event::Event;
use signalbox_model::exception::Exception;
use signalbox_model::id::OfferId;
use signalbox_model::load::{Load, Stop, StopKind};
use signalbox_model::scope::{Actor, ActorKind};
use signalbox_model::view::{ViewChange, ViewRow};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Minutes after the end of a stop's window that still count as on time: the same as for the exception that says a
/// delivery will be late, so that the two never disagree.
pub const TOLERANCE_MIN: i64 = LATE_AFTER_S / 60;

/// What of a load's events its KPIs rest on and its state does not keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub created_at: Option<Timestamp>,
    /// The first offer that was made and could be delivered.
    pub first_offer: Option<OfferId>,
    pub first_answer: FirstAnswer,
    pub covered_at: Option<Timestamp>,
    pub cancelled_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    /// Actions of people.
    pub touches: u32,
}

/// What came of the first offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstAnswer {
    #[default]
    Awaited,
    /// Answered on terms of the carrier's own, and a person has not taken them.
    Conditional,
    Accepted(Timestamp),
    /// Declined, left to run out, or answered on terms that nobody took.
    NotAccepted(Timestamp),
    /// Taken back before it was answered.
    Withdrawn,
}

impl Facts {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::LoadCreated { .. } => self.created_at = Some(at),
            Event::OfferMade { offer, .. } => {
                self.first_offer.get_or_insert_with(|| offer.clone());
            }
            Event::OfferAccepted { offer, .. } => self.answer(offer, FirstAnswer::Accepted(at)),
            Event::OfferDeclined { offer, .. } | Event::OfferExpired { offer } => {
                self.answer(offer, FirstAnswer::NotAccepted(at));
            }
            Event::OfferAnsweredConditionally { offer, .. } => self.answer(offer, FirstAnswer::Conditional),
            Event::OfferWithdrawn { offer, .. } => {
                let answered = self.first_answer == FirstAnswer::Conditional;
                let came_of_it = if answered {
                    FirstAnswer::NotAccepted(at)
                } else {
                    FirstAnswer::Withdrawn
                };
                self.answer(offer, came_of_it);
            }
            // Not delivered: no carrier has seen it, and the next offer is the first.
            Event::OfferRefused { offer, .. } if self.first_offer.as_ref() == Some(offer) => self.first_offer = None,
            Event::LoadCovered { .. } => {
                self.covered_at.get_or_insert(at);
            }
            Event::LoadCancelled { .. } => self.cancelled_at = Some(at),
            Event::TripCompleted { .. } => {
                self.completed_at.get_or_insert(at);
            }
            Event::TouchRecorded { touch } if touch.who.kind == ActorKind::Person => self.touches += 1,
            _ => {} // Every other event is kept in the state, or no KPI rests on it.
        }
    }

    fn answer(&mut self, offer: &OfferId, came_of_it: FirstAnswer) {
        let stands = matches!(self.first_answer, FirstAnswer::Awaited | FirstAnswer::Conditional);
        if stands && self.first_offer.as_ref() == Some(offer) {
            self.first_answer = came_of_it;
        }
    }

    fn closed_at(&self) -> Option<Timestamp> {
        self.completed_at.or(self.cancelled_at)
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled_at.is_some() && self.completed_at.is_none()
    }
}

/// The rows that a turn's events have changed.
pub(crate) fn changes(state: &LoadState, load: &Load, events: &[Event], now: Timestamp) -> Vec<ViewChange> {
    let mut changes = Vec::new();
    if events.iter().any(counts) {
        changes.push(change(LOADS.name, load.id.as_str(), load_row(state, load)));
    }
    for event in events {
        let (exception, resolved) = match event {
            Event::ExceptionRaised { exception } => (Some(exception), None),
            Event::ExceptionResolved { exception, by, .. } => {
                (state.exceptions.get(exception).map(|it| &it.exception), Some((by, now)))
            }
            _ => continue, // No other event opens or closes an exception.
        };
        if let Some(exception) = exception {
            let row = exception_row(state, load, exception, resolved);
            changes.push(change(EXCEPTIONS.name, exception.id.as_str(), row));
        }
    }
    changes
}

/// Whether an event changes a load's row.
fn counts(event: &Event) -> bool {
    matches!(
        event,
        Event::LoadCreated { .. }
            | Event::LoadCancelled { .. }
            | Event::OfferMade { .. }
            | Event::OfferAccepted { .. }
            | Event::OfferDeclined { .. }
            | Event::OfferExpired { .. }
            | Event::OfferAnsweredConditionally { .. }
            | Event::OfferWithdrawn { .. }
            | Event::OfferRefused { .. }
            | Event::LoadCovered { .. }
            | Event::StopArrived { .. }
            | Event::StopDelivered { .. }
            | Event::VisitWithdrawn { .. }
            | Event::TripCompleted { .. }
            | Event::TouchRecorded { .. }
    )
}

fn change(view: &str, key: &str, row: ViewRow) -> ViewChange {
    ViewChange {
        view: view.to_owned(),
        key: key.to_owned(),
        row: Some(Arc::new(row)),
    }
}

/// The load's row as its events make it.
pub fn load_row(state: &LoadState, load: &Load) -> ViewRow {
    let facts = &state.facts;
    let mut row = Row::of(state, load);
    row.instant("created_at", facts.created_at);
    row.instant("covered_at", facts.covered_at);
    if let (Some(created), Some(covered)) = (facts.created_at, facts.covered_at) {
        row.put("cover_s", json!(covered.duration_since(created).as_secs().max(0)));
    }
    match facts.first_answer {
        FirstAnswer::Accepted(at) | FirstAnswer::NotAccepted(at) => {
            let accepted = matches!(facts.first_answer, FirstAnswer::Accepted(_));
            row.instant("first_answered_at", Some(at));
            row.put("first_accepted", json!(i64::from(accepted)));
        }
        FirstAnswer::Awaited | FirstAnswer::Conditional if facts.first_offer.is_some() => {
            row.put("first_open", json!(1));
        }
        FirstAnswer::Awaited | FirstAnswer::Conditional | FirstAnswer::Withdrawn => {}
    }
    row.instant("closed_at", facts.closed_at());
    row.put("touches", json!(facts.touches));
    row.put("cancelled", json!(facts.is_cancelled()));
    if !facts.is_cancelled() {
        row.stops(state, load, StopKind::Pickup, "pickups", "picked_up_at");
        row.stops(state, load, StopKind::Delivery, "deliveries", "delivered_at");
    }
    row.finish()
}

fn exception_row(
    state: &LoadState,
    load: &Load,
    exception: &Exception,
    resolved: Option<(&Actor, Timestamp)>,
) -> ViewRow {
    let mut row = Row::of(state, load);
    row.put("load", json!(load.id));
    row.put("kind", json!(exception.kind));
    row.instant("raised_at", Some(exception.raised_at));
    match resolved {
        None => row.put("open", json!(1)),
        Some((by, at)) => {
            row.instant("resolved_at", Some(at));
            row.put("by_person", json!(by.kind == ActorKind::Person));
        }
    }
    row.finish()
}

/// A row in the making. What is not put is null.
struct Row(BTreeMap<String, Value>);

impl Row {
    fn of(state: &LoadState, load: &Load) -> Self {
        let mut row = Self(BTreeMap::new());
        if let Some(order) = &state.order {
            row.put("customer", json!(order.customer));
        }
        if let Some(covered) = &state.covered {
            row.put("carrier", json!(covered.carrier));
        }
        row.put("lane", json!(load.lane()));
        row
    }

    fn put(&mut self, column: &str, value: Value) {
        self.0.insert(column.to_owned(), value);
    }

    fn instant(&mut self, column: &str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.put(column, json!(at.as_microsecond()));
        }
    }

    /// How the stops of one kind were served, once all of them were or the trip is over.
    fn stops(&mut self, state: &LoadState, load: &Load, kind: StopKind, name: &str, at: &str) {
        let stops: Vec<&Stop> = load.stops.iter().filter(|it| it.kind == kind).collect();
        let arrival = |stop: &Stop| state.trip.arrived(stop.sequence).map(|it| it.at);
        let arrivals: Vec<Timestamp> = stops.iter().filter_map(|it| arrival(it)).collect();
        let over = state.facts.completed_at;
        if stops.is_empty() || (arrivals.len() < stops.len() && over.is_none()) {
            return;
        }
        let (mut on_time, mut late) = (0, 0);
        for stop in &stops {
            match (arrival(stop), stop.window.latest.as_ref()) {
                (Some(arrived), Some(end)) if arrived <= with_tolerance(end.at) => on_time += 1,
                (Some(_), Some(_)) => late += 1,
                (None, _) | (_, None) => {} // Nobody can say whether it was on time.
            }
        }
        self.instant(at, arrivals.into_iter().max().or(over));
        self.put(&format!("{name}_timed"), json!(on_time + late));
        self.put(&format!("{name}_on_time"), json!(on_time));
        self.put(&format!("{name}_late"), json!(late));
        self.put(&format!("{name}_unknown"), json!(stops.len() as i64 - on_time - late));
    }

    fn finish(self) -> ViewRow {
        ViewRow {
            columns: self.0,
            body: Value::Null,
        }
    }
}

fn with_tolerance(end: Timestamp) -> Timestamp {
    end.saturating_add(SignedDuration::from_mins(TOLERANCE_MIN))
        .unwrap_or(Timestamp::MAX)
}
