//! Free capacity: what carriers say they have, what a load asks of it, and what is held for whom.

use crate::id::{CapacityHoldId, LoadId, OfferId, PartnerId, StatementId};
use crate::load::{EquipmentKind, Location, Priority};
use crate::position::Coordinates;
use crate::scope::Actor;
use crate::value::{Moment, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What somebody says a carrier has free. Not a fact before it is admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityAttempt {
    /// SCAC or partner id.
    pub carrier: String,
    pub equipment: EquipmentKind,
    pub trucks: i64,
    pub place: Location,
    /// None: from now on.
    pub from: Option<Moment>,
    pub until: Moment,
    /// What the carrier wants for a load, where it says so.
    pub rate: Option<Money>,
}

/// Trucks of one carrier and kind at one place, free for a time. One that says the same anew takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub id: StatementId,
    pub carrier: PartnerId,
    pub scac: String,
    pub equipment: EquipmentKind,
    pub trucks: u32,
    /// `Portland, ME`
    pub label: String,
    pub coordinates: Coordinates,
    /// How the coordinates are known: `statement`, `site lakeshore`, `city table, Portland, ME`.
    pub place_source: String,
    pub from: Moment,
    pub until: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Money>,
    pub stated_by: Actor,
    pub stated_at: Timestamp,
}

/// What a load needs of a truck, as far as capacity is judged by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    pub load: LoadId,
    pub reference: String,
    /// The customer's name.
    pub customer: String,
    pub priority: Priority,
    pub equipment: EquipmentKind,
    /// `Rumford, ME`
    pub pickup: String,
    /// None where nobody knows where the pickup lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Moment>,
}

/// An expedited load's question to the tenant's capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityAsk {
    pub need: Need,
    /// What carriers of the routing guide get on this lane.
    pub guide: Vec<GuideRate>,
    /// Carriers that the load was offered to or that were held for it before.
    pub tried: Vec<PartnerId>,
    /// The hold that a person has approved to take from another load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displace: Option<Displacing>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideRate {
    pub carrier: PartnerId,
    pub rate: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Displacing {
    pub hold: CapacityHoldId,
    pub approved_by: Actor,
}

/// One truck kept for one load until it is taken, given back or the time runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityHold {
    pub id: CapacityHoldId,
    pub statement: StatementId,
    /// Which of the statement's trucks, from 1. Never held twice at a time.
    pub unit: u32,
    pub carrier: PartnerId,
    pub scac: String,
    pub need: Need,
    pub basis: HoldBasis,
    pub until: Timestamp,
    /// The offer that was made on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// Whom the load would be offered to next, where that was looked up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldBasis {
    /// An expedited load asked for it.
    Asked,
    /// The carrier has an open offer that would take the truck.
    Offered,
}

/// A truck that fits, or would if nothing held it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub statement: StatementId,
    pub carrier: PartnerId,
    pub scac: String,
    /// Where the truck is free.
    pub place: String,
    /// Great circle to the pickup, metres.
    pub distance_m: u32,
    /// Driving to the pickup, seconds, without rests.
    pub driving_s: u32,
    /// When it can be at the pickup, rests by the law counted.
    pub arrives: Timestamp,
    /// Seconds since it was stated.
    pub age_s: i64,
    pub stated_by: String,
    pub trucks: u32,
    pub free: u32,
    pub on_guide: bool,
    pub rate: Money,
}

/// A statement that does not serve, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub scac: String,
    pub place: String,
    pub why: String,
}

/// What a search came to: the evidence of its decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The best first.
    pub candidates: Vec<Candidate>,
    pub left_out: Vec<LeftOut>,
    /// Statements beyond those that are shown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_shown: u32,
}

/// A truck that fits and is on offer to a load that can wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Displaceable {
    pub hold: CapacityHold,
    pub candidate: Candidate,
}

/// What an expedited load is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum CapacityAnswer {
    Granted {
        hold: Box<CapacityHold>,
        rate: Money,
        search: Search,
        /// The reference of the load it was taken from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        displaced: Option<String>,
    },
    Refused {
        reason: String,
        search: Search,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        displaceable: Option<Box<Displaceable>>,
    },
    /// A hold that was granted is over.
    Lost { hold: CapacityHoldId, reason: String },
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
