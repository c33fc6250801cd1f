//! Traccar: position forwarding in JSON, `{"position": {...}, "device": {"uniqueId", "name"}}`. Speed is in knots,
//! accuracy in metres; `fixTime` is when the vehicle was there, `deviceTime` when the device said so.

use super::Reading;
use super::item::{Fields, Item, KMH_PER_KNOT, Vehicle};

const FIELDS: Fields = Fields {
    latitude: &["latitude"],
    longitude: &["longitude"],
    time: &["fixTime"],
    heading: &["course"],
    accuracy: &["accuracy"],
};

pub fn read(item: &Item<'_>, reading: &mut Reading<'_>) {
    let (Some(fix), Some(device)) = (item.get("position"), item.get("device")) else {
        return;
    };
    let Some(vehicle) = Vehicle::read(&device, &["uniqueId", "id"], &["name"]) else {
        return reading.no_vehicle(&device, "uniqueId");
    };
    if fix.is_false("valid") {
        let why = "the device says that it has no fix";
        let fix_it = "The position was not used. Nothing to do unless it lasts.";
        reading
            .findings
            .warning("position.no_fix", fix.under("valid"), why, fix_it);
        reading.met += 1;
        return;
    }
    let speed_knots = fix.number(&["speed"]);
    reading.fix(&vehicle, &fix, &FIELDS, speed_knots.map(|it| it * KMH_PER_KNOT));
}
