//! Positions over HTTP: a truck that will be late raises one exception; what cannot be used is kept and told.

use crate::stage::{ACME, Stage, problem, told};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

fn at(hours: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(hours)).to_string()
}

/// A load from Bangor to Milwaukee that was picked up a day ago and is promised in two hours.
async fn covered(stage: &Stage) -> String {
    let order = json!({
        "customer": "BRACKENRIDGE", "reference": "LATE-1",
        "stops": [
            {"kind": "pickup", "name": "Mill", "city": "Bangor", "region": "ME", "country": "US",
             "latitude": 44.80, "longitude": -68.77, "window": {"earliest": at(-26), "latest": at(-22)}},
            {"kind": "delivery", "name": "Lakeshore", "city": "Lakeside", "region": "WI", "country": "US",
             "window": {"earliest": at(-4), "latest": at(2)}}]});
    let created = stage
        .ask(Method::POST, "/api/v1/orders", stage.token(ACME, "dispatcher"))
        .json(&order)
        .send()
        .await
        .unwrap();
    let (status, created) = told(created).await;
    assert_eq!(status, 201, "{created}");
    created["loads"][0].as_str().unwrap().to_owned()
}

async fn assign(stage: &Stage, load: &str, role: &'static str, vehicle: &str) -> (u16, Value) {
    let path = format!("/api/v1/loads/{load}/vehicle");
    let request = stage.ask(Method::PUT, &path, stage.token(ACME, role));
    let response = request.json(&json!({"vehicle": vehicle})).send().await.unwrap();
    told(response).await
}

fn samsara(minutes_ago: i64, latitude: f64, longitude: f64, speed_mph: f64) -> String {
    let time = (Timestamp::now() - SignedDuration::from_mins(minutes_ago)).to_string();
    json!({"data": [{"id": "2814749", "name": "48", "locations": [
        {"time": time, "latitude": latitude, "longitude": longitude, "speed": speed_mph}]}]})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_truck_raises_one_exception_with_its_evidence() {
    let stage = Stage::set().await;
    let load = covered(&stage).await;
    let (status, assigned) = assign(&stage, &load, "dispatcher", "48").await;
    assert_eq!((status, &assigned["outcome"]), (200, &json!("assigned")), "{assigned}");
    // Nobody knows where the receiver is, and the load says so.
    let path = format!("/api/v1/loads/{load}?wait_for={}", assigned["seq"]);
    let page = stage.get_json("dispatcher", &path).await;
    assert_eq!(page["trip"]["unplaced"], json!([2]));
    stage.send("telematics", samsara(30, 42.65, -73.75, 60.0)).await;
    let site = json!({"name": "Lakeshore", "city": "Lakeside", "region": "WI", "latitude_deg": 43.04, "longitude_deg": -87.91});
    stage.put_ok(ACME, "/api/v1/sites/lakeshore", &site).await;
    stage.send("telematics", samsara(5, 42.70, -74.20, 60.0)).await;
    let late = |rows: &[Value]| rows.iter().any(|it| it["exception"] == "late_delivery_risk");
    let rows = stage.rows_when("inbox", late).await;
    let raised: Vec<&Value> = rows
        .iter()
        .filter(|it| it["exception"] == "late_delivery_risk")
        .collect();
    assert_eq!(raised.len(), 1);
    let evidence = raised[0]["evidence"].as_array().unwrap();
    for what in [
        "promised",
        "expected",
        "computed from",
        "age of the position in minutes",
        "method",
        "position",
    ] {
        assert!(evidence.iter().any(|it| it["what"] == what), "{what} in {evidence:?}");
    }
    let page = stage.get_json("dispatcher", &format!("/api/v1/loads/{load}")).await;
    let delivery = &page["trip"]["stops"][1];
    assert_eq!(delivery["estimated"]["is_late"], true);
    assert_eq!(page["trip"]["position"]["vehicle"], "48");
    assert_eq!(delivery["actual"], Value::Null);
    let path = stage
        .get_json("dispatcher", &format!("/api/v1/loads/{load}/path"))
        .await;
    let stops = path["stops"].as_array().unwrap();
    assert_eq!((&path["vehicle"], stops.len()), (&json!("48"), 2));
    assert_eq!(
        (&stops[1]["place"], &stops[1]["late"]),
        (&json!("site lakeshore"), &json!(true))
    );
    assert_eq!(stops[1]["radius_m"], 500);
    // The newest position follows within 20 seconds.
    let trail = path["trail"].as_array().unwrap();
    assert_eq!(
        trail[0]["coordinates"],
        json!({"latitude_deg": 42.65, "longitude_deg": -73.75})
    );
    let timeline = stage
        .get_json("dispatcher", &format!("/api/v1/loads/{load}/timeline"))
        .await;
    let names: Vec<&str> = timeline["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert!(
        names.contains(&"StopPlaced") && names.contains(&"EtaEstimated"),
        "{names:?}"
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vehicle_without_a_load_is_seen_and_bad_positions_wait_in_quarantine() {
    let stage = Stage::set().await;
    stage.send("telematics", samsara(5, 42.65, -73.75, 60.0)).await;
    let rows = stage.rows_when("vehicles", |rows| !rows.is_empty()).await;
    assert_eq!((&rows[0]["vehicle"], &rows[0]["load"]), (&json!("48"), &Value::Null));
    let future = json!({"vehicle": "48", "at": at(3), "latitude": 42.65, "longitude": -73.75});
    stage.send("telematics", future.to_string()).await;
    let rows = stage.rows_when("quarantine", |rows| !rows.is_empty()).await;
    assert_eq!(rows[0]["issues"][0]["code"], "position.future");
    assert!(!rows[0]["issues"][0]["fix"].as_str().unwrap().is_empty());
    // Beside a good one it is told with its vehicle.
    let good = json!({"vehicle": "49", "at": at(0), "latitude": 42.65, "longitude": -73.75});
    let bad = json!({"vehicle": "49", "at": at(5), "latitude": 42.65, "longitude": -73.75});
    stage.send("telematics", json!([good]).to_string()).await;
    stage.rows_when("vehicles", |rows| rows.len() == 2).await;
    let elder = json!({"vehicle": "50", "at": at(-1), "latitude": 42.65, "longitude": -73.75});
    let stray = json!({"vehicle": "50", "at": at(-24 * 8), "latitude": 42.65, "longitude": -73.75});
    stage.send("telematics", json!([elder, bad, stray]).to_string()).await;
    let rows = stage.rows_when("vehicles", |rows| rows.len() == 3).await;
    let row = rows.iter().find(|it| it["vehicle"] == "50").unwrap();
    assert_eq!(
        (&row["refused"], &row["refused_last"]),
        (&json!(1), &json!("more than a week old"))
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_assign_is_refused_and_so_is_what_is_no_vehicle() {
    let stage = Stage::set().await;
    let load = covered(&stage).await;
    let (status, _) = assign(&stage, &load, "viewer", "48").await;
    assert_eq!(status, 403);
    let (status, refused) = assign(&stage, &load, "dispatcher", &"4".repeat(101)).await;
    assert_eq!((status, &refused["code"]), (422, &json!("vehicle_invalid")));
    let (status, _) = assign(&stage, "load_none", "dispatcher", "48").await;
    assert_eq!(status, 404);
    let site = json!({"name": "Nowhere", "latitude_deg": 0.0, "longitude_deg": 0.0});
    let request = stage.ask(Method::PUT, "/api/v1/sites/nowhere", stage.token(ACME, "integrator"));
    let response = request.json(&site).send().await.unwrap();
    assert_eq!(problem(response).await, (422, "body_unreadable".to_owned()));
    stage.end().await;
}
