//! Trips: positions and status messages move a load's vehicle through its stops, and a delivery that will be late
//! raises one exception.
//!
//! Invariant: what stands of a trip (its visits, its estimates, its exception) is a function of the set of positions
//! and milestones known, not of the order or the number of times in which they came (docs/decisions/0008). Positions
//! are folded in the owner's memory by `fleet`; a load's own turn is made only where what stands has changed.

pub mod fleet;
pub mod plan;
pub mod standing;

mod assign;
mod fold;
mod late;
mod places;
mod settle;
mod vehicle;

#[cfg(test)]
mod tests;

pub(crate) use assign::{assign, assign_by, begin};
pub use places::{locate, locate_place};

pub(crate) use fold::LATE_AFTER_S;
pub(crate) use late::{overdue, span, timer_of};
pub(crate) use settle::{report, settle};

use crate::turn::Turn;
use signalbox_model::trip::{Doubts, Estimate};

/// What a vehicle's positions say about one load: handed to the load's turn where it has changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    pub vehicle: String,
    pub fenced: Vec<Fenced>,
    pub estimates: Vec<Estimate>,
    pub doubts: Doubts,
}

/// A visit as the geofence saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fenced {
    pub stop: u32,
    pub arrived: jiff::Timestamp,
    pub departed: Option<jiff::Timestamp>,
}

/// Takes over what positions say, unless the load has another vehicle by now.
pub(crate) fn moved(turn: &mut Turn<'_>, picture: Picture) {
    let standing = turn.state.trip.assignment.as_ref();
    if standing.is_some_and(|it| it.vehicle == picture.vehicle) && turn.state.cancelled.is_none() {
        settle(turn, Some(&picture));
    }
}
