//! What a vehicle is to do for one load: its stops with their places and promises, and what the carrier has said.

use super::standing::Stated;
use crate::state::LoadState;
use jiff::Timestamp;
use signalbox_model::id::{LoadId, PartnerId};
use signalbox_model::load::StopKind;
use signalbox_model::position::Coordinates;

/// Loading and unloading without an appointment's length: two hours are free of detention in the trade, half of it is
/// what is reckoned with. An assumption, told with the estimate.
pub const SERVICE_S: i64 = 3_600;

#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub load: LoadId,
    pub vehicle: String,
    pub carrier: Option<PartnerId>,
    /// Positions before this say nothing about the load.
    pub from_s: i64,
    pub stops: Vec<PlanStop>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlanStop {
    pub stop: u32,
    pub kind: StopKind,
    pub at: Option<Coordinates>,
    /// None where the place is not known well enough for a geofence.
    pub radius_m: Option<f64>,
    pub opens_s: Option<i64>,
    pub promised_s: Option<i64>,
    pub stated: Stated,
}

impl Plan {
    /// None where no vehicle hauls the load, or nothing is left to follow.
    pub fn of(state: &LoadState) -> Option<Self> {
        let (load, trip) = (state.load.as_ref()?, &state.trip);
        let assignment = trip.assignment.as_ref().filter(|_| state.cancelled.is_none())?;
        let seconds = |it: &signalbox_model::value::Moment| it.at.as_second();
        let stop = |it: &signalbox_model::load::Stop| {
            let place = trip.places.get(&it.sequence);
            PlanStop {
                stop: it.sequence,
                kind: it.kind,
                at: place.map(|it| it.coordinates),
                radius_m: place.and_then(|it| it.radius_m).map(f64::from),
                opens_s: it.window.earliest.as_ref().map(seconds),
                promised_s: it.window.latest.as_ref().map(seconds),
                stated: trip.said(it.sequence),
            }
        };
        Some(Self {
            load: load.id.clone(),
            vehicle: assignment.vehicle.clone(),
            carrier: state.covered.as_ref().map(|it| it.carrier.clone()),
            from_s: assignment.from.as_second(),
            stops: load.stops.iter().map(stop).collect(),
        })
    }
}

/// An instant from whole seconds; those that positions and fences hold came from instants.
pub fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
