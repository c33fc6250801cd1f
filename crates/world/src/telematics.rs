//! What telematics providers post: pages of a Samsara feed, Traccar's forwarding of one position; and what drivers' phones
//! do: a plain list of where each has been.

use crate::companies::Tracker;
use crate::orders::instant;
use crate::trucks::Fix;
use crate::{Chance, Voice};
use serde_json::{Value, json};

const KMH_PER_MPH: f64 = 1.609_344;
const KMH_PER_KNOT: f64 = 1.852;
/// Vehicles in one body.
const VEHICLES_MAX: usize = 200;

/// The fixes of one truck that are sent together.
pub struct Report<'a> {
    pub name: &'a str,
    pub device: &'a str,
    /// The carrier it drives for.
    pub scac: &'a str,
    pub tracker: Tracker,
    pub fixes: Vec<Fix>,
}

/// The bodies that bring these reports. A driver's phone speaks with its carrier's key.
pub fn bodies(reports: &[Report<'_>]) -> Vec<(Voice, String)> {
    let of = |tracker| reports.iter().filter(move |it| it.tracker == tracker);
    let samsara: Vec<Value> = of(Tracker::Samsara).map(samsara).collect();
    let pages = samsara
        .chunks(VEHICLES_MAX)
        .map(|page| json!({"data": page, "pagination": {"endCursor": "", "hasNextPage": false}}));
    let forwarded = of(Tracker::Traccar).flat_map(traccar);
    let provided = pages.chain(forwarded).map(|it| (Voice::Exchange, it.to_string()));
    let phones = of(Tracker::Phone).map(|it| {
        let voice = Voice::Carrier(it.scac.to_owned());
        (voice, json!({"positions": phone(it)}).to_string())
    });
    provided.chain(phones).collect()
}

fn rounded(degrees: f64) -> f64 {
    (degrees * 1e6).round() / 1e6
}

fn samsara(report: &Report<'_>) -> Value {
    let fixes = report.fixes.iter().map(|it| {
        json!({"time": instant(it.at_s).to_string(), "latitude": rounded(it.place.north),
               "longitude": rounded(it.place.east), "heading": it.heading_deg.round(),
               "speed": (it.kmh / KMH_PER_MPH * 10.0).round() / 10.0})
    });
    json!({"id": report.device, "name": report.name, "locations": fixes.collect::<Vec<_>>()})
}

fn phone(report: &Report<'_>) -> Vec<Value> {
    let fixes = report.fixes.iter().map(|it| {
        json!({"vehicle": report.name, "at": instant(it.at_s).to_string(), "latitude": rounded(it.place.north),
               "longitude": rounded(it.place.east), "speed_kmh": it.kmh.round(), "heading_deg": it.heading_deg.round()})
    });
    fixes.collect()
}

fn traccar(report: &Report<'_>) -> Vec<Value> {
    let fixes = report.fixes.iter().map(|it| {
        let time = instant(it.at_s).strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
        json!({
            "position": {"protocol": "osmand", "deviceTime": time, "fixTime": time, "outdated": false, "valid": true,
                         "latitude": rounded(it.place.north), "longitude": rounded(it.place.east),
                         "speed": (it.kmh / KMH_PER_KNOT * 10.0).round() / 10.0, "course": it.heading_deg.round(),
                         "accuracy": 8.0, "attributes": {"ignition": it.kmh > 0.0}},
            "device": {"uniqueId": report.device, "name": report.name, "status": "online"},
        })
    });
    fixes.collect()
}

/// A fix as a receiver in a cab has it: some metres beside, some seconds old.
pub fn noisy(fix: Fix, chance: &mut Chance) -> Fix {
    let (metres, direction) = (chance.below(15) as f64, chance.below(360) as f64);
    Fix {
        at_s: fix.at_s - chance.below(8) as i64,
        place: fix.place.off(metres / 1_000.0, direction),
        kmh: (fix.kmh + chance.below(5) as f64 - 2.0).clamp(0.0, 125.0),
        ..fix
    }
}
