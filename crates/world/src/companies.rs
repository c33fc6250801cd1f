//! Shippers, carriers, and the lanes on which they trade.

use crate::Chance;
use crate::map::CITIES;
use crate::sites::Site;
use serde_json::{Value, json};

/// Shippers and carriers of one tenant's world, besides those of the stories.
pub const SHIPPERS: usize = 12;
pub const CARRIERS: usize = 40;
const LANES: usize = 44;
/// A haul as it is drawn: the line between the cities, kilometres.
const LINE_KM: std::ops::Range<f64> = 180.0..2_600.0;
/// Most hauls are no longer than this line.
const USUAL_KM: f64 = 1_000.0;

pub struct Shipper {
    pub interchange: String,
    pub name: String,
    /// Place in `CITIES`.
    pub home: usize,
    /// Orders by JSON rather than X12.
    pub json: bool,
}

/// A carrier's habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Character {
    /// Takes whatever it is offered.
    Steady,
    Willing,
    Choosy,
    /// Answers after the time is over.
    Dawdler,
    Silent,
    /// Accepts on terms of its own.
    Haggler,
}

/// Whose telematics a carrier's trucks report through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracker {
    Samsara,
    Traccar,
    /// The driver's own, which saves its battery.
    Phone,
}

pub struct Carrier {
    pub scac: String,
    pub name: String,
    pub character: Character,
    pub webhook: bool,
    pub tracker: Tracker,
    /// Contracted minutes to answer.
    pub respond_within_min: Option<u32>,
}

/// An origin and a destination site, and who hauls it at what rate (minor units), best first.
pub struct Lane {
    pub from: usize,
    pub to: usize,
    pub guide: Vec<(usize, i64)>,
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

impl Character {
    fn drawn(place: usize) -> Self {
        match place % 10 {
            0..=4 => Self::Willing,
            5 | 6 => Self::Choosy,
            7 => Self::Dawdler,
            8 => Self::Silent,
            _ => Self::Haggler,
        }
    }
}

pub fn shippers(seed: u64) -> Vec<Shipper> {
    let mut chance = Chance::of(seed, "shippers");
    let named = SHIPPER_NAMES.iter().enumerate();
    let made = named.map(|(place, name)| Shipper {
        interchange: format!("SHIP{:04}", place + 1),
        name: (*name).to_owned(),
        home: chance.below(CITIES.len() as u64) as usize,
        json: place % 4 == 3,
    });
    made.collect()
}

pub fn carriers(has_webhooks: bool) -> Vec<Carrier> {
    let made = (0..CARRIERS).map(|place| {
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
            webhook: has_webhooks && place % 5 == 4,
            tracker: match place % 10 {
                3 => Tracker::Traccar,
                1 | 6 | 9 => Tracker::Phone,
                _ => Tracker::Samsara,
            },
            respond_within_min: (place % 3 != 0).then_some(20 + 10 * (place as u32 % 4)),
        }
    });
    made.collect()
}

/// Lanes the shippers use, one for each pair of states. One carrier in four or so answers poorly.
pub fn lanes(seed: u64, sites: &[Site], carriers: usize) -> Vec<Lane> {
    let mut chance = Chance::of(seed, "lanes");
    let region = |site: usize| CITIES[sites[site].city].region;
    let mut lanes: Vec<Lane> = Vec::new();
    while lanes.len() < LANES {
        let (from, to) = (
            chance.below(sites.len() as u64) as usize,
            chance.below(sites.len() as u64) as usize,
        );
        let known = |it: &Lane| region(it.from) == region(from) && region(it.to) == region(to);
        let line_km = sites[from].at.km_to(sites[to].at);
        let unusual = line_km > USUAL_KM && !chance.percent(25);
        if region(from) == region(to) || !LINE_KM.contains(&line_km) || unusual || lanes.iter().any(known) {
            continue;
        }
        let base = 45_000 + (line_km * 1.2 * 165.0) as i64;
        let count = 3 + chance.below(3) as usize;
        let mut guide: Vec<(usize, i64)> = Vec::new();
        while guide.len() < count {
            let carrier = chance.below(carriers as u64) as usize;
            if guide.iter().all(|(known, _)| *known != carrier) {
                let markup = 100 + 6 * guide.len() as i64 + chance.below(5) as i64;
                guide.push((carrier, base * markup / 100 / 100 * 100));
            }
        }
        lanes.push(Lane { from, to, guide });
    }
    lanes
}

/// The routing guide as a JDM table: rows of lane, carrier, rank and rate in minor units.
pub fn routing_guide(rows: impl Iterator<Item = (String, String, usize, i64)>) -> String {
    let rules: Vec<Value> = rows
        .map(|(lane, scac, rank, rate)| {
            json!({
                "_id": format!("{}-{rank}", lane.replace('>', "-")),
                "lane": format!("'{lane}'"),
                "carrier": format!("'{scac}'"),
                "rank": rank.to_string(),
                "rate": rate.to_string(),
            })
        })
        .collect();
    let column = |id: &str, name: &str, field: &str| json!({"id": id, "name": name, "field": field});
    let table = json!({
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
