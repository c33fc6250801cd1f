//! Samsara: vehicles with `locations`/`location` (speed in miles an hour) or with `gps` of the stats feed
//! (`speedMilesPerHour`), as a page of the feed or in a webhook's `data`.

use super::Reading;
use super::item::{Fields, Item, KMH_PER_MPH, Vehicle};

const FIELDS: Fields = Fields {
    latitude: &["latitude"],
    longitude: &["longitude"],
    time: &["time"],
    heading: &["headingDegrees", "heading"],
    accuracy: &["accuracyMeters"],
};
/// Where a vehicle's fixes lie: one of them or a list.
const FIXES: [&str; 3] = ["locations", "location", "gps"];

pub fn is_vehicle(item: &Item<'_>) -> bool {
    FIXES.iter().any(|it| item.has(it))
}

pub fn read(item: &Item<'_>, reading: &mut Reading<'_>) {
    // A webhook's data holds the vehicle beside its position.
    let vehicle = match item.get("vehicle").filter(Item::is_object) {
        Some(inner) => Vehicle::read(&inner, &["id"], &["name"]),
        None => Vehicle::read(item, &["id"], &["name"]),
    };
    let Some(vehicle) = vehicle else {
        return reading.no_vehicle(item, "id");
    };
    for fix in FIXES.iter().flat_map(|it| item.entries(it)) {
        let speed_mph = fix.number(&["speedMilesPerHour", "speed"]);
        reading.fix(&vehicle, &fix, &FIELDS, speed_mph.map(|it| it * KMH_PER_MPH));
    }
}
