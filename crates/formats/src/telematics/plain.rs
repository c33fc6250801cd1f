//! Plain JSON: `{"vehicle": "48", "at": "2026-11-24T14:05:00Z", "latitude": 41.2, "longitude": -87.6, "speed_kmh": 90}`,
//! one, a list of them, or `{"positions": [...]}`. A speed needs its unit in its name.

use super::Reading;
use super::item::{Fields, Item, KMH_PER_KNOT, KMH_PER_MPH, KMH_PER_MS, Vehicle};

const FIELDS: Fields = Fields {
    latitude: &["latitude", "lat"],
    longitude: &["longitude", "lon", "lng"],
    time: &["at", "time", "timestamp"],
    heading: &["heading_deg", "heading", "course"],
    accuracy: &["accuracy_m", "accuracy"],
};
const SPEEDS: [(&str, f64); 4] = [
    ("speed_kmh", 1.0),
    ("speed_mph", KMH_PER_MPH),
    ("speed_knots", KMH_PER_KNOT),
    ("speed_ms", KMH_PER_MS),
];

pub fn read(item: &Item<'_>, reading: &mut Reading<'_>) {
    let Some(vehicle) = Vehicle::read(item, &["vehicle", "vehicle_id", "device_id", "id"], &["name"]) else {
        return reading.no_vehicle(item, "vehicle");
    };
    let speed = SPEEDS
        .iter()
        .find_map(|(key, factor)| item.number(&[key]).map(|it| it * factor));
    if speed.is_none() && item.has("speed") {
        let why = "`speed` names no unit and was left out";
        let fix = "Send `speed_kmh`, `speed_mph`, `speed_knots` or `speed_ms`.";
        reading
            .findings
            .forgiven("position.speed_without_unit", item.under("speed"), why, fix);
    }
    reading.fix(&vehicle, item, &FIELDS, speed);
}
