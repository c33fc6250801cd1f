//! Where carriers have trucks free, and who says so.

use crate::actors::{Act, CARRIERS, LANES};
use crate::setup::JSON_SOURCE;
use crate::world::World;
use jiff::SignedDuration;
use serde_json::json;
use signalbox_engine::command::Command;
use signalbox_model::capacity::CapacityAttempt;
use signalbox_model::directory::Site;
use signalbox_model::load::{EquipmentKind, Location};
use signalbox_model::position::Coordinates;
use signalbox_model::value::{Moment, Money, TimeBasis};

/// Where trucks are free: near the pickups of the first lanes, or too far from each.
const YARDS: [(&str, &str); 3] = [("Bangor", "ME"), ("Dallas", "TX"), ("Atlanta", "GA")];

impl World {
    /// Some trucks, mostly one: by the carrier's message, or by a dispatcher who was called. Now and then it cannot be.
    pub fn state_capacity(&mut self) {
        if self.closing {
            return;
        }
        let wait = self.seconds(60, 1_200);
        self.plan(wait, Act::Capacity);
        let yard = lane_of(self.rng.below(17) as usize);
        let (city, region) = YARDS.get(yard).copied().unwrap_or_default();
        // Mostly those whom loads are offered to first: their trucks are on offer when another load wants one.
        let lane = LANES.get(yard).map(|(from, to)| format!("{from}>{to}"));
        let first = self.trade.guide.iter().find(|it| Some(&it.lane) == lane.as_ref());
        let first = first.map(|it| it.scac.clone()).filter(|_| self.rng.in_thousand(800));
        let any = self.rng.pick(&CARRIERS).copied().unwrap_or_default();
        let scac = first.unwrap_or_else(|| any.to_owned());
        let trucks = match self.rng.below(10) {
            0..7 => 1,
            7..9 => 2,
            _ => 0,
        };
        let hours = self.rng.between(40, 120);
        let until = self.now + SignedDuration::from_hours(hours);
        let minor = self.rng.in_thousand(800).then(|| self.rng.between(180_000, 380_000));
        if self.rng.in_thousand(400) {
            let mut body = json!({"carrier": &scac, "trucks": trucks, "equipment": "van", "city": city, "region": region,
                                  "until": until.to_string()});
            if let (Some(minor), Some(fields)) = (minor, body.as_object_mut()) {
                fields.insert("rate_minor".to_owned(), json!(minor));
            }
            return self.post(JSON_SOURCE, body.to_string().into_bytes(), false);
        }
        let place = Location {
            city: city.to_owned(),
            region: region.to_owned(),
            ..Location::default()
        };
        let until = Moment {
            at: until,
            zone: "UTC".to_owned(),
            basis: TimeBasis::Stated,
        };
        let capacity = Box::new(CapacityAttempt {
            carrier: scac,
            equipment: EquipmentKind::Van,
            trucks,
            place,
            from: None,
            until,
            rate: minor.map(Money::usd),
        });
        let who = self.dispatcher();
        self.command(who, Command::StateCapacity { capacity }, false);
    }
}

/// The place of an order's lane: the one without carriers now and then.
pub fn lane_of(order: usize) -> usize {
    if order % 17 == 16 { 2 } else { order % 2 }
}

/// The consignor of the lanes from one region, as a site of the tenant's.
pub fn mill(region: &str, latitude: f64, longitude: f64) -> Option<Site> {
    let coordinates = Coordinates::new(latitude, longitude)?;
    Some(Site {
        id: format!("mill-{}", region.to_lowercase()),
        name: "Invented Mill".to_owned(),
        codes: Vec::new(),
        city: "Milltown".to_owned(),
        region: region.to_owned(),
        postal_code: String::new(),
        coordinates,
        radius_m: 500,
        zone: None,
    })
}
