//! A seeded world for demo, tests and benchmarks: shippers who order, carriers who answer, decline, dawdle or stay
//! silent. It speaks only through public edges, in real formats.
//!
//! Invariant: pure. The same seed makes the same world, the same messages and the same answers; time is an argument.

mod carriers;
mod chance;
mod geography;
mod orders;

pub use carriers::{CarrierReply, Character};
pub use chance::Chance;
pub use orders::{Arrival, Form};

use geography::{CITIES, City};
use serde_json::{Value, json};
use signalbox_model::directory::{Channel, Partner, PartnerRole};
use signalbox_model::id::PartnerId;
use signalbox_model::personal::{Personal, Taint};

/// Shippers and carriers of one tenant's world.
pub const SHIPPERS: usize = 12;
pub const CARRIERS: usize = 40;

pub struct World {
    seed: u64,
    shippers: Vec<Shipper>,
    carriers: Vec<Carrier>,
    lanes: Vec<Lane>,
    /// Where webhook carriers listen, if the world has such an address.
    webhook: Option<(String, String)>,
}

struct Shipper {
    interchange: String,
    name: String,
    home: &'static City,
    /// Orders by JSON rather than X12.
    json: bool,
}

struct Carrier {
    scac: String,
    name: String,
    character: Character,
    webhook: bool,
}

/// An origin region, a destination region, and who hauls it at what rate, best first.
struct Lane {
    from: &'static str,
    to: &'static str,
    guide: Vec<(usize, i64)>,
}

const SHIPPER_NAMES: [&str; SHIPPERS] = [
    "Northwind Paper",
    "Blue Ridge Foods",
    "Harbor Steel",
    "Prairie Seed",
    "Summit Beverage",
    "Lakeside Glass",
    "Redwood Homeware",
    "Delta Plastics",
    "Copper Canyon Tools",
    "Evergreen Dairy",
    "Ironwood Parts",
    "Sunrise Produce",
];

const CARRIER_NAMES: [&str; 20] = [
    "Aspen", "Badger", "Cedar", "Dakota", "Eagle", "Falcon", "Granite", "Heron", "Indigo", "Juniper", "Keystone",
    "Lark", "Maple", "Nimbus", "Osprey", "Pioneer", "Quarry", "Raven", "Sierra", "Timber",
];

impl World {
    /// `webhook` is the address and the name of the secret for carriers who are reached that way; without one, all
    /// take X12 files.
    pub fn new(seed: u64, webhook: Option<(String, String)>) -> Self {
        let mut chance = Chance::new(seed);
        let shippers = SHIPPER_NAMES
            .iter()
            .enumerate()
            .map(|(place, name)| Shipper {
                interchange: format!("SHIP{:04}", place + 1),
                name: (*name).to_owned(),
                home: chance.pick(&CITIES),
                json: place % 4 == 3,
            })
            .collect();
        let carriers: Vec<Carrier> = (0..CARRIERS)
            .map(|place| {
                let word = CARRIER_NAMES[place % CARRIER_NAMES.len()];
                let (kind, letter) = if place < CARRIER_NAMES.len() {
                    ("Freight", 'F')
                } else {
                    ("Lines", 'L')
                };
                let stem: String = word.to_uppercase().chars().take(3).collect();
                Carrier {
                    scac: format!("{stem}{letter}"),
                    name: format!("{word} {kind}"),
                    character: Character::drawn(place),
                    webhook: webhook.is_some() && place % 5 == 4,
                }
            })
            .collect();
        let lanes = lanes(&mut chance, carriers.len());
        Self {
            seed,
            shippers,
            carriers,
            lanes,
            webhook,
        }
    }

    /// Customers and carriers, as an integrator enters them.
    pub fn partners(&self) -> Vec<Partner> {
        let customers = self.shippers.iter().map(|shipper| Partner {
            id: PartnerId(format!("par_{}", shipper.interchange.to_lowercase())),
            name: shipper.name.clone(),
            role: PartnerRole::Customer {
                zone: shipper.home.zone.to_owned(),
                tms: None,
            },
            aliases: vec![shipper.interchange.clone()],
            notify_email: Some(Box::new(Personal::plain(
                format!("receiving@{}.example", shipper.interchange.to_lowercase()),
                Taint::System,
            ))),
        });
        let carriers = self.carriers.iter().enumerate().map(|(place, carrier)| Partner {
            id: PartnerId(format!("par_{}", carrier.scac.to_lowercase())),
            name: carrier.name.clone(),
            role: PartnerRole::Carrier {
                scac: carrier.scac.clone(),
                channel: self.channel(carrier),
                respond_within_min: (place % 3 != 0).then_some(20 + 10 * (place as u32 % 4)),
                contract_rate: None,
                active: true,
            },
            aliases: Vec::new(),
            notify_email: None,
        });
        customers.chain(carriers).collect()
    }

    fn channel(&self, carrier: &Carrier) -> Channel {
        match &self.webhook {
            Some((url, secret)) if carrier.webhook => Channel::Webhook {
                url: url.clone(),
                secret: secret.clone(),
            },
            _ => Channel::X12Folder {
                folder: carrier.scac.to_lowercase(),
                interchange_id: carrier.scac.clone(),
                interchange_qualifier: "02".to_owned(),
            },
        }
    }

    /// The routing guide as a JDM table: for each lane its carriers, ranked, with their rates in minor units.
    pub fn routing_guide(&self) -> String {
        let mut rules = Vec::new();
        for lane in &self.lanes {
            for (rank, (carrier, rate)) in lane.guide.iter().enumerate() {
                rules.push(json!({
                    "_id": format!("{}-{}-{}", lane.from, lane.to, rank + 1),
                    "lane": format!("'{}>{}'", lane.from, lane.to),
                    "carrier": format!("'{}'", self.carriers[*carrier].scac),
                    "rank": (rank + 1).to_string(),
                    "rate": rate.to_string(),
                }));
            }
        }
        let column = |id: &str, name: &str, field: &str| json!({"id": id, "name": name, "field": field});
        let table: Value = json!({
            "nodes": [
                {"id": "input", "type": "inputNode", "name": "Load"},
                {"id": "guide", "type": "decisionTableNode", "name": "Routing guide", "content": {
                    "hitPolicy": "collect",
                    "inputs": [column("lane", "Lane", "lane")],
                    "outputs": [
                        column("carrier", "Carrier", "carrier"),
                        column("rank", "Rank", "rank"),
                        column("rate", "Rate, minor units", "rate_minor")
                    ],
                    "rules": rules}},
                {"id": "output", "type": "outputNode", "name": "Candidates"}
            ],
            "edges": [
                {"id": "e1", "sourceId": "input", "targetId": "guide", "type": "edge"},
                {"id": "e2", "sourceId": "guide", "targetId": "output", "type": "edge"}
            ]
        });
        table.to_string()
    }
}

/// Lanes the shippers use. One in eight ends nowhere good: all its carriers are poor answerers.
fn lanes(chance: &mut Chance, carriers: usize) -> Vec<Lane> {
    const LANES: usize = 36;
    let mut lanes: Vec<Lane> = Vec::new();
    while lanes.len() < LANES {
        let (from, to) = (chance.pick(&CITIES), chance.pick(&CITIES));
        let known = lanes
            .iter()
            .any(|lane| lane.from == from.region && lane.to == to.region);
        if from.region == to.region || known {
            continue;
        }
        let base = 60_000 + (from.km_to(to) * 110.0) as i64;
        let count = 3 + chance.below(3) as usize;
        let mut guide: Vec<(usize, i64)> = Vec::new();
        while guide.len() < count {
            let carrier = chance.below(carriers as u64) as usize;
            if guide.iter().all(|(known, _)| *known != carrier) {
                let markup = 100 + 6 * guide.len() as i64 + chance.below(5) as i64;
                guide.push((carrier, base * markup / 100 / 100 * 100));
            }
        }
        lanes.push(Lane {
            from: from.region,
            to: to.region,
            guide,
        });
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_formats::{Context, decode};
    use signalbox_model::attempt::Attempt;
    use signalbox_model::directory::SourceFormat;

    #[test]
    fn the_same_seed_makes_the_same_world_and_its_orders_are_read_without_a_fault() {
        let start = "2026-01-05T06:00:00Z".parse().unwrap();
        let span = jiff::SignedDuration::from_hours(8);
        let orders = World::new(7, None).orders(start, span, 60);
        assert_eq!(orders, World::new(7, None).orders(start, span, 60));
        assert_ne!(orders, World::new(8, None).orders(start, span, 60));
        for arrival in &orders {
            let format = match arrival.form {
                Form::X12 => SourceFormat::X12,
                Form::Json => SourceFormat::Json,
            };
            let decoded = decode(format, arrival.body.as_bytes(), &Context::default());
            let issues: Vec<_> = decoded
                .issues
                .iter()
                .chain(decoded.decodings.iter().flat_map(|it| &it.issues))
                .collect();
            assert!(issues.is_empty(), "{issues:?}\n{}", arrival.body);
            assert!(matches!(decoded.decodings[0].attempt, Some(Attempt::Order(_))));
        }
    }

    #[test]
    fn names_are_unique() {
        let world = World::new(1, None);
        let mut ids: Vec<_> = world.partners().into_iter().map(|it| it.id).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), count), (SHIPPERS + CARRIERS, SHIPPERS + CARRIERS));
    }
}
