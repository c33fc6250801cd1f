//! Trips: one vehicle's run through a load's stops, with what was planned, is estimated and happened at each.
//!
//! A visit and an estimate *stand*: a later message may correct them, and an event says so. What stands depends on
//! which positions and milestones are known, never on the order in which they came.

use crate::id::MessageId;
use crate::mail::Span;
use crate::position::Coordinates;
use crate::scope::Actor;
use crate::value::Moment;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The vehicle that hauls a load, as the telematics source calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Name or id of the vehicle, matched without regard to case.
    pub vehicle: String,
    pub basis: AssignmentBasis,
    /// Positions before this instant say nothing about this load.
    pub from: Timestamp,
}

/// How a vehicle came to a load. A stronger basis is not replaced by a weaker one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentBasis {
    /// The equipment of a 214 (X12 MS2-02): often the tractor, sometimes the trailer.
    StatusEquipment,
    /// The carrier's answer to the offer named it.
    CarrierAnswer,
    /// A person or system assigned it by the API.
    Command,
}

/// Where a stop lies, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPlace {
    /// The stop's sequence in its load.
    pub stop: u32,
    pub coordinates: Coordinates,
    /// Radius of the geofence; none where the place is not known well enough to have one.
    pub radius_m: Option<u32>,
    /// How far off the coordinates may be.
    pub uncertainty_m: u32,
    /// `order`, `site lakeshore`, `city table`.
    pub source: String,
}

/// What stands of a vehicle's visit to a stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    pub stop: u32,
    pub arrived: Option<VisitTime>,
    pub departed: Option<VisitTime>,
    /// Unloaded, as a carrier said (X12 1650 D1).
    pub delivered: Option<VisitTime>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitTime {
    pub at: Timestamp,
    pub source: VisitSource,
    /// The mail that told it, and who let that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_mail: Option<Box<ByMail>>,
}

/// A milestone that stands by a mail's word and a person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByMail {
    pub message: MessageId,
    pub approved_by: Actor,
}

/// A milestone as a mail tells it, of one stop of the load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldMilestone {
    pub stop: u32,
    pub what: VisitPart,
    pub at: Moment,
    pub message: MessageId,
    /// Where the mail says so: the deciding words, the time and the place.
    pub words: Vec<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitPart {
    Arrived,
    Departed,
    Delivered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitSource {
    /// Positions crossed the stop's geofence.
    Geofence,
    /// A carrier's status message said so (X12 214).
    Status,
    /// A mail said so, and a person let it count.
    Mail,
}

/// When a vehicle is expected at a stop, as computed from one position. Advice: recorded, never an action by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    pub stop: u32,
    /// Most likely arrival.
    pub eta: Timestamp,
    /// Hardly before.
    pub earliest: Timestamp,
    /// Hardly after.
    pub latest: Timestamp,
    /// The instant of the position it rests on: its age is counted from here.
    pub as_of: Timestamp,
    /// None where a carrier stated the time without one.
    pub position: Option<Coordinates>,
    /// Expected way by road.
    pub distance_km: Option<u32>,
    pub driving_min: u32,
    /// Rests and breaks the law asks for, waiting and service at stops before this one.
    pub other_min: u32,
    /// Past what was promised, by the rule the method names.
    pub is_late: bool,
    /// The method and its inputs in words.
    pub method: String,
}

/// Positions that were kept and not used, and why the last of them was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubts {
    pub jumps: u32,
    pub off_corridor: u32,
    pub last: Option<Doubt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    pub at: Timestamp,
    pub coordinates: Coordinates,
    pub why: String,
}

impl Doubts {
    pub fn count(&self) -> u32 {
        self.jumps.saturating_add(self.off_corridor)
    }
}
