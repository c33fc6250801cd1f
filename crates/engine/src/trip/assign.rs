//! Which vehicle hauls a load, and the trip that begins with it.

use super::late;
use super::places::locate;
use crate::turn::Turn;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use signalbox_model::event::Event;
use signalbox_model::load::Load;
use signalbox_model::rejection::Rejection;
use signalbox_model::trip::{Assignment, AssignmentBasis};

/// Characters of a vehicle's name.
const NAME_MAX: usize = 100;
/// Positions from this long before the pickup opens say something about the load.
const BEFORE_PICKUP: SignedDuration = SignedDuration::from_hours(12);

/// A person or system says which vehicle hauls the load. An empty name takes the vehicle away.
pub(crate) fn assign(turn: &mut Turn<'_>, vehicle: &str, from: Option<Timestamp>) {
    if !turn.may("assign_vehicle") {
        return;
    }
    if turn.state.cancelled.is_some() {
        let detail = Rejection::LoadCancelled.explain().to_owned();
        return turn.reject(Rejection::LoadCancelled, detail, Vec::new());
    }
    let name = vehicle.trim();
    if name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        let detail = Rejection::VehicleInvalid.explain().to_owned();
        return turn.reject(Rejection::VehicleInvalid, detail, Vec::new());
    }
    if name.is_empty() {
        release(turn, "taken off the load");
    } else {
        take_on(turn, name, AssignmentBasis::Command, from);
    }
    turn.done(json!({"vehicle": turn.state.trip.assignment.as_ref().map(|it| it.vehicle.clone())}));
}

/// A carrier's message names the vehicle. What a person said before stands.
pub(crate) fn assign_by(turn: &mut Turn<'_>, vehicle: &str, basis: AssignmentBasis) {
    let name = vehicle.trim();
    let standing = turn.state.trip.assignment.as_ref();
    let outranked = standing.is_some_and(|it| it.basis > basis);
    if name.is_empty() || name.chars().count() > NAME_MAX || outranked || turn.state.cancelled.is_some() {
        return;
    }
    take_on(turn, name, basis, None);
}

fn take_on(turn: &mut Turn<'_>, name: &str, basis: AssignmentBasis, from: Option<Timestamp>) {
    let Some(load) = turn.state.load.clone() else { return };
    if let Some(standing) = &turn.state.trip.assignment {
        let same = standing.vehicle.eq_ignore_ascii_case(name) && from.is_none_or(|it| it == standing.from);
        if same && standing.basis >= basis {
            return;
        }
        if !standing.vehicle.eq_ignore_ascii_case(name) {
            release(turn, "another vehicle took over");
        }
    }
    let from = from.unwrap_or_else(|| begins(&load, turn.now()));
    let assignment = Assignment {
        vehicle: name.to_owned(),
        basis,
        from,
    };
    turn.link("vehicle", &super::fleet::key(name));
    turn.record(Event::VehicleAssigned {
        load: load.id.clone(),
        assignment,
    });
    begin(turn);
}

fn begins(load: &Load, now: Timestamp) -> Timestamp {
    let opens = load.pickup().and_then(|it| it.window.earliest.as_ref());
    let before = opens.and_then(|it| it.at.checked_sub(BEFORE_PICKUP).ok());
    before.map_or(now, |it| it.min(now))
}

fn release(turn: &mut Turn<'_>, reason: &str) {
    let Some(load) = turn.state.load.as_ref().map(|it| it.id.clone()) else {
        return;
    };
    let Some(standing) = turn.state.trip.assignment.clone() else {
        return;
    };
    turn.record(Event::VehicleReleased {
        load,
        vehicle: standing.vehicle,
        reason: reason.to_owned(),
    });
}

/// Begins the trip once, and looks again for places that were not known.
pub(crate) fn begin(turn: &mut Turn<'_>) {
    let Some(load) = turn.state.load.clone() else { return };
    let directory = turn.directory();
    if turn.state.trip.started {
        let unplaced = turn.state.trip.unplaced.clone();
        for stop in load.stops.iter().filter(|it| unplaced.contains(&it.sequence)) {
            if let Some(place) = locate(stop, directory) {
                turn.record(Event::StopPlaced { place });
            }
        }
        return;
    }
    let places: Vec<_> = load.stops.iter().filter_map(|it| locate(it, directory)).collect();
    let is_placed = |sequence| places.iter().any(|it| it.stop == sequence);
    let unplaced = load
        .stops
        .iter()
        .map(|it| it.sequence)
        .filter(|it| !is_placed(*it))
        .collect();
    let vehicle = turn.state.trip.assignment.as_ref().map(|it| it.vehicle.clone());
    turn.record(Event::TripStarted {
        vehicle,
        places,
        unplaced,
    });
    late::watch(turn, &load);
}
