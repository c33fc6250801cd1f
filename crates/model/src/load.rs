//! Orders, shipments, loads and stops. One inbound load tender becomes one of each and its stops.

use crate::id::{LoadId, OrderId, PartnerId, ShipmentId};
use crate::personal::Personal;
use crate::position::Coordinates;
use crate::value::{ExternalId, Moment, Money, TimeWindow, Weight};
use serde::{Deserialize, Serialize};

/// A customer's demand, as admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub customer: PartnerId,
    /// The customer's own number for it (X12 B2-04, the JSON order's `reference`).
    pub reference: String,
    pub external_ids: Vec<ExternalId>,
    pub notes: Vec<Personal>,
}

/// Goods from one consignor to one consignee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    pub id: ShipmentId,
    pub order: OrderId,
    pub goods: Vec<Goods>,
    pub weight: Option<Weight>,
    pub pieces: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    pub description: String,
    pub pieces: Option<i64>,
    pub weight: Option<Weight>,
}

/// What one carrier hauls as one movement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    pub id: LoadId,
    pub order: OrderId,
    pub shipment: ShipmentId,
    /// What partners call it: the customer's shipment number.
    pub reference: String,
    pub stops: Vec<Stop>,
    pub equipment: Equipment,
    /// What the customer said the haul should cost, if anything (X12 L3-05).
    pub rate: Option<Money>,
    /// When the customer wants an answer (X12 G62*64), which is also when ours must be in.
    pub respond_by: Option<Moment>,
    pub priority: Priority,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    #[default]
    Normal,
    High,
}

/// Trailer kind as the trade writes it; `code` keeps X12 data element 40 or the partner's word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Equipment {
    pub kind: EquipmentKind,
    pub code: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EquipmentKind {
    #[default]
    Van,
    Reefer,
    Flatbed,
    Container,
    Tanker,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// 1-based place in the load.
    pub sequence: u32,
    pub kind: StopKind,
    pub location: Location,
    pub window: TimeWindow,
    pub contacts: Vec<Contact>,
    pub references: Vec<ExternalId>,
    pub weight: Option<Weight>,
    pub pieces: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    Pickup,
    Delivery,
    /// Neither loads nor unloads goods of this load (spotting, inspection, weighing).
    Other,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub name: String,
    /// The partner's code for the site (X12 N1-04).
    pub code: Option<String>,
    pub address: Vec<String>,
    pub city: String,
    /// State or province, two letters where the country has them.
    pub region: String,
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// IANA zone of the site, stated or worked out from the region.
    pub zone: Option<String>,
    /// Where the site lies, where the order says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
}

impl Location {
    /// `Rumford, ME`
    pub fn label(&self) -> String {
        match (self.city.is_empty(), self.region.is_empty()) {
            (false, false) => format!("{}, {}", self.city, self.region),
            (false, true) => self.city.clone(),
            (true, _) => self.name.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub name: Option<Personal>,
    pub phone: Option<Personal>,
    pub email: Option<Personal>,
}

impl Load {
    pub fn pickup(&self) -> Option<&Stop> {
        self.stops.iter().find(|stop| stop.kind == StopKind::Pickup)
    }

    pub fn delivery(&self) -> Option<&Stop> {
        self.stops.iter().rev().find(|stop| stop.kind == StopKind::Delivery)
    }

    /// Origin and destination regions, the key of a lane: `ME>WI`.
    pub fn lane(&self) -> String {
        let region = |stop: Option<&Stop>| stop.map_or_else(|| "?".to_owned(), |it| it.location.region.clone());
        format!("{}>{}", region(self.pickup()), region(self.delivery()))
    }
}
