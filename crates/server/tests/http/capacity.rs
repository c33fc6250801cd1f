//! Free capacity over the API: who may state it and see it, what of it is held, and what cannot be.

use crate::stage::{ACME, OTHER, Stage, eventually, order, problem, told};
use reqwest::{Method, Response};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/partners/par_lnhl/capacity";

fn vans() -> Value {
    json!({"trucks": 2, "equipment": "van", "city": "Augusta", "region": "ME", "until": "2026-11-28T12:00:00Z", "rate_minor": 190_000})
}

/// The pickup is two days after the hour at which the clock stands.
fn urgent(reference: &str) -> Value {
    let mut order = order(reference);
    order["priority"] = json!("high");
    order["stops"][0]["window"] = json!({"earliest": "2026-11-25T08:00:00-05:00"});
    order["stops"][1]["window"] = json!({"latest": "2026-11-27T15:00:00-06:00"});
    order
}

impl Stage {
    async fn put(&self, tenant: &'static str, role: &'static str, path: &str, body: &Value) -> Response {
        let request = self.ask(Method::PUT, path, self.token(tenant, role));
        request.json(body).send().await.unwrap()
    }

    async fn capacity(&self, tenant: &'static str, seq: &Value) -> Vec<Value> {
        let path = format!("/api/v1/capacity?wait_for={seq}");
        let request = self.ask(Method::GET, &path, self.token(tenant, "dispatcher"));
        let (status, page) = told(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{page}");
        page["statements"].as_array().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stated_is_seen_by_its_own_tenant_with_what_is_held_of_it() {
    let (stage, _hand) = Stage::by_hand().await;
    let (status, stated) = told(stage.put(ACME, "dispatcher", PATH, &vans()).await).await;
    assert_eq!(status, 200, "{stated}");
    assert_eq!(
        (&stated["outcome"], &stated["carrier"]),
        (&json!("stated"), &json!("par_lnhl"))
    );
    let row = eventually("the statement", || async {
        stage.capacity(ACME, &stated["seq"]).await.first().cloned()
    })
    .await;
    assert_eq!(row["statement"], stated["statement"]);
    assert_eq!(
        (&row["trucks"], &row["free"], &row["held"]),
        (&json!(2), &json!(2), &json!([]))
    );
    assert_eq!((&row["scac"], &row["place"]), (&json!("LNHL"), &json!("Augusta, ME")));
    assert_eq!(stage.capacity(OTHER, &stated["seq"]).await, Vec::<Value>::new());

    let (status, made) = told(stage.post("dispatcher", "/api/v1/orders", &urgent("BRK-1")).await).await;
    assert_eq!(status, 201, "{made}");
    let load = made["loads"][0].as_str().unwrap();
    let offer = stage.open_offer(load).await;
    let row = eventually("a truck with an offer on it", || async {
        let row = stage.capacity(ACME, &made["seq"]).await.first().cloned()?;
        row["held"][0]["offer"].is_string().then_some(row)
    })
    .await;
    let held = &row["held"][0];
    assert_eq!((&row["free"], &held["unit"]), (&json!(1), &json!(1)));
    assert_eq!((&held["load"], &held["reference"]), (&json!(load), &json!("BRK-1")));
    assert_eq!((&held["offer"], &held["consumed"]), (&offer["id"], &json!(false)));
    assert_eq!(stage.capacity(OTHER, &made["seq"]).await, Vec::<Value>::new());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carriers_key_states_its_own_trucks_and_sees_no_others() {
    let (stage, _hand) = Stage::by_hand().await;
    let (status, stated) = told(stage.put(ACME, "carrier", PATH, &vans()).await).await;
    assert_eq!(status, 200, "{stated}");
    let other = "/api/v1/partners/par_hvyt/capacity";
    let refused = problem(stage.put(ACME, "carrier", other, &vans()).await).await;
    assert_eq!(refused, (403, "role_missing".to_owned()));
    for role in ["viewer", "customer", "driver"] {
        let refused = problem(stage.put(ACME, role, PATH, &vans()).await).await;
        assert_eq!(refused, (403, "role_missing".to_owned()), "{role}");
    }
    for role in ["carrier", "customer", "driver"] {
        let refused = problem(stage.get(role, "/api/v1/capacity").await).await;
        assert_eq!(refused, (403, "role_missing".to_owned()), "{role}");
    }
    let unsigned = stage.client.get(stage.url("/api/v1/capacity")).send().await.unwrap();
    assert_eq!(problem(unsigned).await.0, 401);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_free_is_refused_with_its_place() {
    let (stage, _hand) = Stage::by_hand().await;
    let cases = [
        ("trucks", json!(-1), "capacity_invalid", "/trucks"),
        ("trucks", json!(501), "capacity_invalid", "/trucks"),
        ("trucks", json!("two"), "capacity_invalid", "/trucks"),
        ("trucks", Value::Null, "capacity_invalid", ""),
        ("equipment", json!("sledge"), "capacity_invalid", "/equipment"),
        ("until", json!("tomorrow"), "capacity_invalid", "/until"),
        ("until", json!("2026-11-23T14:00:00Z"), "capacity_invalid", "/until"),
        ("until", json!("2026-12-24T12:00:00Z"), "capacity_invalid", "/until"),
        ("from", json!("2026-11-22T14:59:00Z"), "capacity_invalid", "/from"),
        ("rate_minor", json!(0), "capacity_invalid", "/rate_minor"),
        ("city", json!("Nowhere"), "capacity_place_unknown", ""),
    ];
    for (field, value, code, place) in cases {
        let mut body = vans();
        body[field] = value.clone();
        let (status, told) = told(stage.put(ACME, "dispatcher", PATH, &body).await).await;
        assert_eq!((status, &told["code"]), (422, &json!(code)), "{field} {value}: {told}");
        let issues = told["issues"].as_array().cloned().unwrap_or_default();
        let named = place.is_empty() || issues.iter().any(|it| it["at"] == place);
        assert!(named, "{field} {value}: {told}");
    }
    let nobody = problem(
        stage
            .put(ACME, "dispatcher", "/api/v1/partners/par_nobody/capacity", &vans())
            .await,
    );
    assert_eq!(nobody.await, (422, "carrier_unknown".to_owned()));
    let request = stage.ask(Method::PUT, PATH, stage.token(ACME, "dispatcher"));
    let garbage = problem(request.body("[{}").send().await.unwrap()).await;
    assert_eq!(garbage, (422, "capacity_invalid".to_owned()));
    let other = problem(stage.put(ACME, "dispatcher", PATH, &order("BRK-1")).await).await;
    assert_eq!(other, (422, "capacity_invalid".to_owned()));
    let earlier = {
        let mut body = vans();
        body["from"] = json!("2026-11-22T15:00:00Z");
        body
    };
    assert_eq!(stage.put(ACME, "dispatcher", PATH, &earlier).await.status(), 200);
    stage.end().await;
}
