//! Brings what stands of a trip up to what positions and milestones say, one event a difference.

use super::standing::{Stated, meaning};
use super::{Picture, assign_by, begin, late};
use crate::mail;
use crate::turn::Turn;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use signalbox_model::attempt::StatusAttempt;
use signalbox_model::event::Event;
use signalbox_model::load::{Load, StopKind};
use signalbox_model::trip::{AssignmentBasis, Estimate, Visit, VisitPart, VisitSource, VisitTime};

/// A carrier's status message: each milestone is kept on the timeline; those of the carrier that hauls the load move
/// its trip.
pub(crate) fn report(turn: &mut Turn<'_>, status: StatusAttempt) {
    let named = turn.directory().carrier(&status.carrier);
    let carrier = named
        .and_then(|it| it.scac())
        .map_or_else(|| status.carrier.clone(), str::to_owned);
    let hauls = named.map(|it| &it.id) == turn.state.covered.as_ref().map(|it| &it.carrier);
    let moves = |it| turn.state.load.as_ref().is_some_and(|load| meaning(load, it).is_some());
    let begins = hauls && status.milestones.iter().any(moves);
    let equipment = status.milestones.iter().rev().find_map(|it| it.equipment.clone());
    for milestone in status.milestones {
        turn.record(Event::MilestoneReported {
            carrier: carrier.clone(),
            milestone,
        });
    }
    if let Some(equipment) = equipment.filter(|_| hauls) {
        assign_by(turn, &equipment, AssignmentBasis::StatusEquipment);
    }
    if begins {
        begin(turn);
        settle(turn, None);
    }
    turn.done(json!({}));
}

/// `picture` is what positions say; without one, what they said before stands.
pub(crate) fn settle(turn: &mut Turn<'_>, picture: Option<&Picture>) {
    let Some(load) = turn.state.load.clone() else { return };
    for stop in &load.stops {
        let standing = turn.state.trip.visits.get(&stop.sequence).cloned();
        let stated = turn.state.trip.stated.get(&stop.sequence).copied().unwrap_or_default();
        let written = |what| turn.state.trip.written.get(&(stop.sequence, what)).cloned();
        let mut wanted = visit(stop.sequence, standing.as_ref(), picture, stated);
        wanted.arrived = wanted.arrived.or_else(|| written(VisitPart::Arrived));
        wanted.departed = wanted.departed.or_else(|| written(VisitPart::Departed));
        wanted.delivered = wanted.delivered.or_else(|| written(VisitPart::Delivered));
        differences(turn, standing.as_ref(), &wanted);
    }
    for estimate in estimates(turn, &load, picture) {
        turn.record(Event::EtaEstimated { estimate });
    }
    if let Some(picture) = picture
        && picture.doubts != turn.state.trip.doubts
    {
        turn.record(Event::PositionsDoubted {
            vehicle: picture.vehicle.clone(),
            doubts: picture.doubts.clone(),
        });
    }
    mail::withdraw_outranked(turn);
    late::judge(turn, &load);
    complete(turn, &load);
}

/// What a geofence saw counts before what a carrier said of the same thing, and either before what a mail told.
fn visit(stop: u32, standing: Option<&Visit>, picture: Option<&Picture>, stated: Stated) -> Visit {
    let (arrived, departed) = match picture {
        Some(picture) => {
            let seen = picture.fenced.iter().find(|it| it.stop == stop);
            (seen.map(|it| it.arrived), seen.and_then(|it| it.departed))
        }
        None => {
            let measured = |it: &VisitTime| (it.source == VisitSource::Geofence).then_some(it.at);
            (
                standing.and_then(|it| it.arrived.as_ref()).and_then(measured),
                standing.and_then(|it| it.departed.as_ref()).and_then(measured),
            )
        }
    };
    let time = |measured: Option<Timestamp>, said: Option<Timestamp>| {
        let measured = measured.map(|at| (at, VisitSource::Geofence));
        let (at, source) = measured.or(said.map(|at| (at, VisitSource::Status)))?;
        let by_mail = None;
        Some(VisitTime { at, source, by_mail })
    };
    Visit {
        stop,
        arrived: time(arrived, stated.arrived),
        departed: time(departed, stated.departed),
        delivered: time(None, stated.delivered),
    }
}

fn differences(turn: &mut Turn<'_>, standing: Option<&Visit>, wanted: &Visit) {
    let stop = wanted.stop;
    let was = |part: fn(&Visit) -> &Option<VisitTime>| standing.and_then(|it| part(it).clone());
    let withdraw = |turn: &mut Turn<'_>, what: &str| {
        turn.record(Event::VisitWithdrawn {
            stop,
            what: what.to_owned(),
        });
    };
    if was(|it| &it.arrived) != wanted.arrived {
        match wanted.arrived.clone() {
            Some(arrived) => turn.record(Event::StopArrived { stop, arrived }),
            None => withdraw(turn, "arrival"),
        }
    }
    if was(|it| &it.departed) != wanted.departed {
        match wanted.departed.clone() {
            Some(departed) => turn.record(Event::StopDeparted { stop, departed }),
            None => withdraw(turn, "departure"),
        }
    }
    if was(|it| &it.delivered) != wanted.delivered {
        match wanted.delivered.clone() {
            Some(delivered) => turn.record(Event::StopDelivered { stop, delivered }),
            None => withdraw(turn, "delivery"),
        }
    }
}

/// Estimates that differ from those that stand. Of a position's and a carrier's own, the newer counts.
fn estimates(turn: &Turn<'_>, load: &Load, picture: Option<&Picture>) -> Vec<Estimate> {
    let trip = &turn.state.trip;
    let mut out = Vec::new();
    for stop in &load.stops {
        if trip.arrived(stop.sequence).is_some() {
            continue;
        }
        let standing = trip.estimates.get(&stop.sequence);
        let measured = match picture {
            Some(picture) => picture.estimates.iter().find(|it| it.stop == stop.sequence),
            None => standing.filter(|it| it.position.is_some()),
        };
        let promised = stop.window.latest.as_ref().map(|it| it.at);
        let said = trip.stated.get(&stop.sequence).and_then(|it| it.expected);
        let said = said.filter(|(at, _)| measured.is_none_or(|it| it.as_of < *at));
        let wanted = match said {
            Some((at, eta)) => Some(by_carrier(stop.sequence, at, eta, promised)),
            None => measured.cloned(),
        };
        if let Some(wanted) = wanted.filter(|it| Some(it) != standing) {
            out.push(wanted);
        }
    }
    out
}

fn by_carrier(stop: u32, as_of: Timestamp, eta: Timestamp, promised: Option<Timestamp>) -> Estimate {
    let slack = SignedDuration::from_secs(super::fold::LATE_AFTER_S);
    let is_late = promised
        .and_then(|it| it.checked_add(slack).ok())
        .is_some_and(|limit| eta > limit);
    Estimate {
        stop,
        eta,
        earliest: eta,
        latest: eta,
        as_of,
        position: None,
        distance_km: None,
        driving_min: 0,
        other_min: 0,
        is_late,
        method: "the carrier's own estimate, as its status message gave it (X12 214 AG or X2)".to_owned(),
    }
}

/// A trip is over when every delivery is done.
fn complete(turn: &mut Turn<'_>, load: &Load) {
    let trip = &turn.state.trip;
    let mut deliveries = load
        .stops
        .iter()
        .filter(|it| it.kind == StopKind::Delivery)
        .map(|it| trip.visits.get(&it.sequence))
        .peekable();
    let done = |it: Option<&Visit>| it.is_some_and(|it| it.delivered.is_some() || it.departed.is_some());
    if trip.completed || deliveries.peek().is_none() || !deliveries.all(done) {
        return;
    }
    let vehicle = trip.assignment.as_ref().map(|it| it.vehicle.clone());
    turn.record(Event::TripCompleted { vehicle });
    late::watch_no_more(turn, load);
}
