//! Positions as providers post them: what each sample reads as, and what no shape may do.

use crate::support::{CONTEXT, samples, summary};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};
use signalbox_formats::telematics::POSITIONS_MAX;
use signalbox_formats::{Decoded, decode};
use signalbox_model::attempt::Attempt;
use signalbox_model::directory::SourceFormat;
use signalbox_model::issue::Severity;
use signalbox_model::position::PositionAttempt;

fn read(bytes: &[u8]) -> Decoded {
    decode(SourceFormat::Telematics, bytes, &CONTEXT)
}

fn check(name: &str, expected: Expect) {
    let bytes = std::fs::read(samples().join("telematics").join(name)).unwrap();
    expected.assert_eq(&summary(&read(&bytes)));
}

fn positions(body: &Value) -> Vec<PositionAttempt> {
    let decoded = read(body.to_string().as_bytes());
    let attempt = decoded.decodings.into_iter().find_map(|it| it.attempt);
    match attempt {
        Some(Attempt::Positions(positions)) => positions,
        _ => Vec::new(),
    }
}

#[test]
fn samsara_locations_are_in_miles_an_hour() {
    check(
        "samsara_locations_feed.json",
        expect![[r#"
        positions at /
          281474976710656 48 2026-11-26T14:05:00Z 41.2 -87.6 Some(94) km/h Some(291) None
          281474976710656 48 2026-11-26T14:05:30Z 41.203 -87.609 Some(97) km/h Some(292) None
          281474976710657 Truck 51 2026-11-26T14:04:58Z 43.0389 -87.9065 Some(0) km/h Some(0) None
    "#]],
    );
}

#[test]
fn samsara_stats_come_in_a_webhook() {
    check(
        "samsara_stats_webhook.json",
        expect![[r#"
        positions at /
          281474976710656 48 2026-11-26T14:06:00Z 41.21 -87.62 Some(98) km/h Some(293) None
    "#]],
    );
}

#[test]
fn traccar_is_in_knots() {
    check(
        "traccar_forward.json",
        expect![[r#"
        positions at /
          867530900000048 48 2026-11-26T14:05:00Z 41.2 -87.6 Some(93) km/h Some(291) Some(9)
    "#]],
    );
}

#[test]
fn plain_names_its_units() {
    check(
        "plain.json",
        expect![[r#"
        positions at /
          48 - 2026-11-26T14:05:00Z 41.2 -87.6 Some(94) km/h Some(291) None
          51 - 2026-11-26T14:04:58Z 43.0389 -87.9065 Some(0) km/h None None
          52 - 2026-11-26T14:05:00Z 44.98 -93.27 None km/h None None
          ! Forgiven position.speed_without_unit at /positions/2/speed: `speed` names no unit and was left out
          ! Forgiven position.zone_assumed at /positions/2: the time names no zone; America/Chicago was assumed
    "#]],
    );
}

#[test]
fn one_bad_position_harms_no_other() {
    check(
        "bad/positions.json",
        expect![[r#"
        positions at /
          48 - 2026-11-26T14:05:00Z 41.2 -87.6 Some(94) km/h None None
          48 - 2026-11-26T14:07:00Z 41.31 -87.71 None km/h None None
          ! Warning position.no_time at /1/at: it says not when the vehicle was there
          ! Warning position.bad_time at /2/at: `"yesterday"` is not a time such as 2026-11-24T08:00:00Z
          ! Warning position.null_island at /3: 0, 0 is what a receiver without a fix says
          ! Warning position.out_of_range at /4: -97.7, 41.3 is no place on the earth
          ! Warning position.no_coordinates at /5/latitude: it says not where the vehicle was
          ! Warning position.no_vehicle at /6/vehicle: it says not which vehicle it is
          ! Warning position.speed at /7: a speed of 4000 km/h is none of a vehicle on a road
          ! Warning position.not_an_object at /8: `41.3,-87.7` is not a position
          ! Warning position.no_fix at /9/position/valid: the device says that it has no fix
    "#]],
    );
}

#[test]
fn a_message_with_no_usable_position_is_refused_and_one_with_none_at_all_is_not() {
    let severity = |body: Value| {
        let decoded = read(body.to_string().as_bytes());
        decoded.decodings[0].issues.iter().map(|it| it.severity).max()
    };
    let nowhere = json!([{"vehicle": "48", "at": "2026-11-26T14:05:00Z", "latitude": 0, "longitude": 0}]);
    assert_eq!(severity(nowhere), Some(Severity::Fatal));
    assert_eq!(severity(json!([])), Some(Severity::Warning));
    assert_eq!(severity(json!({"data": []})), Some(Severity::Warning));
}

#[test]
fn more_positions_than_are_read_are_told() {
    let one = json!({"vehicle": "48", "at": "2026-11-26T14:05:00Z", "latitude": 41.2, "longitude": -87.6});
    let many = Value::Array(vec![one; POSITIONS_MAX + 1]);
    let decoded = read(many.to_string().as_bytes());
    assert_eq!(decoded.decodings[0].issues[0].code, "position.too_many");
    assert_eq!(positions(&many).len(), POSITIONS_MAX);
}

proptest! {
    /// The same fix through all three shapes is the same position, whatever the unit of its speed.
    #[test]
    fn every_shape_says_the_same(
        latitude in -8_999_i32..8_999, longitude in 1_i32..17_999, second in 1_600_000_000_i64..1_900_000_000,
        speed_kmh in 0_u16..200,
    ) {
        let (latitude, longitude) = (f64::from(latitude) / 100.0, f64::from(longitude) / 100.0);
        let at = jiff::Timestamp::from_second(second).unwrap().to_string();
        let speed = f64::from(speed_kmh);
        let plain = json!({"vehicle": "48", "at": second, "lat": latitude, "lon": longitude, "speed_kmh": speed});
        let samsara = json!({"data": [{"id": "48", "locations": [
            {"time": at, "latitude": latitude, "longitude": longitude, "speed": speed / 1.609_344}]}]});
        let traccar = json!({
            "position": {"fixTime": at, "latitude": latitude, "longitude": longitude, "speed": speed / 1.852},
            "device": {"uniqueId": "48"}});
        let read = positions(&plain);
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(read[0].speed_kmh, Some(speed_kmh));
        prop_assert_eq!(read[0].coordinates.latitude_deg(), latitude);
        prop_assert_eq!(&positions(&samsara), &read);
        prop_assert_eq!(&positions(&traccar), &read);
    }

    #[test]
    fn no_json_makes_it_panic(text in "[\\[\\]{}\",:0-9a-z.\\-]{0,200}") {
        let _ = read(text.as_bytes());
    }
}
