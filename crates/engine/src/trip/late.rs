//! Lateness: one exception a delivery, raised once, kept up to date, and closed when it is over.
//!
//! Invariant: the exception's id comes from the load and the stop, so that a risk that returns is the same exception
//! again, and whichever way positions came it is the same one.

use super::fold::LATE_AFTER_S;
use crate::notices;
use crate::turn::Turn;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use signalbox_model::decision::Evidence;
use signalbox_model::event::Event;
use signalbox_model::exception::{Exception, ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{ExceptionId, Mint, TimerId};
use signalbox_model::load::{Load, Stop, StopKind};
use signalbox_model::scope::{Actor, ActorKind};
use signalbox_model::trip::{Estimate, VisitTime};
use signalbox_model::value::Moment;

const TIMER: &str = "tmr_late/";
/// From here on it is severe.
const SEVERE_MIN: i64 = 120;
/// After a person has settled it, it comes back only once it has grown by this.
const WORSENED_MIN: i64 = 60;

/// What is known of one delivery.
struct Risk<'a> {
    stop: &'a Stop,
    promised: &'a Moment,
    estimate: Option<Estimate>,
    is_overdue: bool,
}

/// Sets the alarm of each delivery: should nothing more be heard, somebody hears of that.
pub(crate) fn watch(turn: &mut Turn<'_>, load: &Load) {
    for stop in load.stops.iter().filter(|it| it.kind == StopKind::Delivery) {
        if let Some(promised) = &stop.window.latest
            && let Ok(due) = promised.at.checked_add(SignedDuration::from_secs(LATE_AFTER_S))
        {
            turn.set_timer(timer(stop.sequence), due);
        }
    }
}

/// The alarms of a trip that is over are taken back; those that rang are over too.
pub(crate) fn watch_no_more(turn: &mut Turn<'_>, load: &Load) {
    for stop in load.stops.iter().filter(|it| it.kind == StopKind::Delivery) {
        turn.cancel_timer(timer(stop.sequence));
    }
}

fn timer(stop: u32) -> TimerId {
    TimerId(format!("{TIMER}{stop}"))
}

/// The stop whose alarm a timer is.
pub(crate) fn timer_of(timer: &TimerId) -> Option<u32> {
    timer.0.strip_prefix(TIMER)?.parse().ok()
}

/// The promised time is over.
pub(crate) fn overdue(turn: &mut Turn<'_>, stop: u32) {
    let Some(load) = turn.state.load.clone() else { return };
    let known = load.stops.iter().find(|it| it.sequence == stop);
    let Some(promised) = known.and_then(|it| it.window.latest.clone()) else {
        return;
    };
    let trip = &turn.state.trip;
    if trip.arrived(stop).is_some() || trip.overdue.contains(&stop) || turn.state.cancelled.is_some() {
        return;
    }
    turn.record(Event::DeliveryOverdue { stop, promised });
    judge(turn, &load);
}

/// Raises, updates or closes the exception of each delivery.
pub(crate) fn judge(turn: &mut Turn<'_>, load: &Load) {
    for stop in load.stops.iter().filter(|it| it.kind == StopKind::Delivery) {
        let Some(promised) = &stop.window.latest else { continue };
        let trip = &turn.state.trip;
        let risk = Risk {
            stop,
            promised,
            estimate: trip.estimates.get(&stop.sequence).cloned(),
            is_overdue: trip.overdue.contains(&stop.sequence),
        };
        let id = exception_id(load, stop, promised);
        let arrived = trip.arrived(stop.sequence).cloned();
        let is_late = risk.is_overdue || risk.estimate.as_ref().is_some_and(|it| it.is_late);
        match arrived {
            Some(arrived) => close(turn, &id, &arrival_told(&arrived, promised)),
            None if is_late => raise(turn, id, &risk),
            None => close(turn, &id, "it is expected in time again"),
        }
    }
}

fn exception_id(load: &Load, stop: &Stop, promised: &Moment) -> ExceptionId {
    let cause = format!("{}/late_delivery_risk/{}", load.id, stop.sequence);
    Mint::new(cause, promised.at).make()
}

fn close(turn: &mut Turn<'_>, id: &ExceptionId, resolution: &str) {
    let is_open = turn.state.exceptions.get(id).is_some_and(|it| it.resolved.is_none());
    if is_open {
        turn.record(Event::ExceptionResolved {
            exception: id.clone(),
            by: Actor::system(),
            resolution: resolution.to_owned(),
        });
    }
}

fn arrival_told(arrived: &VisitTime, promised: &Moment) -> String {
    let late = minutes(promised.at, arrived.at);
    let word = if late > 0 { "late" } else { "before its time" };
    format!("it arrived at {}, {} min {word}", arrived.at, late.abs())
}

fn raise(turn: &mut Turn<'_>, id: ExceptionId, risk: &Risk<'_>) {
    let late_by = late_by_min(risk);
    let severity = if risk.is_overdue || late_by >= SEVERE_MIN {
        ExceptionSeverity::High
    } else {
        ExceptionSeverity::Medium
    };
    let title = title(risk, late_by);
    let mut evidence = evidence(turn, risk, late_by);
    evidence.extend(notices::standing(turn, &id));
    if let Some(known) = turn.state.exceptions.get(&id) {
        match &known.resolved {
            None if told(&known.exception.evidence) == told(&evidence) && known.exception.title == title => return,
            None => {
                return turn.record(Event::ExceptionUpdated {
                    exception: id,
                    severity,
                    title,
                    evidence,
                });
            }
            Some((by, _)) if by.kind != ActorKind::System => {
                let settled_at = known.exception.evidence.iter().find(|it| it.what == LATE_BY);
                let settled_at = settled_at.and_then(|it| it.value.as_i64()).unwrap_or(0);
                if late_by < settled_at + WORSENED_MIN {
                    return;
                }
            }
            Some(_) => {}
        }
    }
    turn.link("exception", id.as_str());
    turn.record(Event::ExceptionRaised {
        exception: Exception {
            id,
            kind: ExceptionKind::LateDeliveryRisk,
            severity,
            title,
            next_action: "Ask the carrier what holds it up, then tell the customer or move the appointment.".to_owned(),
            evidence,
            raised_at: turn.now(),
        },
    });
}

fn title(risk: &Risk<'_>, late_by: i64) -> String {
    let place = risk.stop.location.label();
    match &risk.estimate {
        Some(estimate) if estimate.is_late => format!("The delivery at {place} will be {} late", span(late_by)),
        _ => format!("The delivery at {place} is overdue, and nobody has said that the vehicle arrived"),
    }
}

fn late_by_min(risk: &Risk<'_>) -> i64 {
    let expected = risk.estimate.as_ref().filter(|it| it.is_late);
    expected.map_or(0, |it| minutes(risk.promised.at, it.eta))
}

const LATE_BY: &str = "late by minutes";
const AGE: &str = "age of the position in minutes";

fn evidence(turn: &Turn<'_>, risk: &Risk<'_>, late_by: i64) -> Vec<Evidence> {
    let order = "order";
    let mut out = vec![
        Evidence::new("stop", risk.stop.sequence, order),
        Evidence::new("promised", risk.promised.at.to_string(), order),
        Evidence::new("promised in the zone", risk.promised.zone.clone(), order),
        Evidence::new(LATE_BY, late_by, "advice"),
    ];
    if risk.is_overdue {
        out.push(Evidence::new("overdue", true, "clock"));
    }
    let trip = &turn.state.trip;
    let vehicle = trip.assignment.as_ref().map(|it| it.vehicle.clone());
    let Some(estimate) = &risk.estimate else {
        let why = if trip.unplaced.contains(&risk.stop.sequence) {
            "the place of this stop is not known: add it as a site"
        } else {
            "no position of the vehicle could be used"
        };
        out.push(Evidence::new("no estimate", why, "advice"));
        return out;
    };
    let source = match (&vehicle, estimate.position) {
        (Some(vehicle), Some(_)) => format!("positions of vehicle {vehicle}"),
        _ => "the carrier's status message".to_owned(),
    };
    let minutes_old = minutes(estimate.as_of, turn.now()).max(0);
    out.extend([
        Evidence::new("expected", estimate.eta.to_string(), "advice"),
        Evidence::new("hardly before", estimate.earliest.to_string(), "advice"),
        Evidence::new("hardly after", estimate.latest.to_string(), "advice"),
        Evidence::new("computed from", estimate.as_of.to_string(), &source),
        Evidence::new(AGE, minutes_old, &source),
        Evidence::new("method", estimate.method.clone(), "advice"),
    ]);
    if let Some(position) = estimate.position {
        out.push(Evidence::new("position", json!(position), &source));
    }
    if let Some(km) = estimate.distance_km {
        out.push(Evidence::new("kilometres to go", km, "advice"));
    }
    if let Some(place) = trip.places.get(&risk.stop.sequence) {
        let known = format!("{}, to {} m", place.source, place.uncertainty_m);
        out.push(Evidence::new("place of the stop", known, &place.source));
    }
    out
}

/// The evidence but for its age, which grows while nothing happens.
fn told(evidence: &[Evidence]) -> Vec<&Evidence> {
    evidence.iter().filter(|it| it.what != AGE).collect()
}

fn minutes(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_mins()
}

/// `2 h 05 min`
pub(crate) fn span(minutes: i64) -> String {
    if minutes < 60 {
        format!("{minutes} min")
    } else {
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}
