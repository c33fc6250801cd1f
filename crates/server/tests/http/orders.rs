//! Orders over the API: judged at once, and the same answer for the same key.

use crate::stage::{ACME, Stage, order, problem, told};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_created_once_however_often_it_is_sent() {
    let stage = Stage::set().await;
    let send = |key: &str, body: &Value| {
        let request = stage.ask(Method::POST, "/api/v1/orders", stage.token(ACME, "dispatcher"));
        request.header("idempotency-key", key).json(body).send()
    };
    let response = send("k1", &order("BRK-1")).await.unwrap();
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let (status, first) = told(response).await;
    assert_eq!(status, 201, "{first}");
    let load = first["loads"][0].as_str().unwrap();
    assert_eq!(location, format!("/api/v1/loads/{load}"));

    let (status, again) = told(send("k1", &order("BRK-1")).await.unwrap()).await;
    assert_eq!((status, &again["loads"]), (201, &first["loads"]));
    assert_eq!(
        problem(send("k1", &order("BRK-2")).await.unwrap()).await,
        (422, "idempotency_key_reused".to_owned())
    );
    assert_eq!(
        problem(send("k2", &order("BRK-1")).await.unwrap()).await,
        (409, "order_already_received".to_owned())
    );
    assert_eq!(
        problem(send("", &order("BRK-3")).await.unwrap()).await,
        (400, "idempotency_key_unusable".to_owned())
    );

    let seq = first["seq"].as_u64().unwrap();
    let board = stage
        .get_json("dispatcher", &format!("/api/v1/board?wait_for={seq}"))
        .await;
    assert_eq!((&board["total"], &board["rows"][0]["key"]), (&json!(1), &json!(load)));
    assert!(board["position"].as_u64().unwrap() >= seq);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_named_with_its_place() {
    let stage = Stage::set().await;
    let mut wrong = order("BRK-1");
    wrong["stops"][1]["window"] = json!({"latest": "2099-11-20T15:00:00-06:00"});
    let (status, body) = told(stage.post("dispatcher", "/api/v1/orders", &wrong).await).await;
    assert_eq!((status, &body["code"]), (422, &json!("order_impossible")), "{body}");
    let places: Vec<&str> = body["issues"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["at"].as_str())
        .collect();
    assert!(places.iter().any(|it| it.starts_with("/stops/")), "{body}");

    let request = stage.ask(Method::POST, "/api/v1/orders", stage.token(ACME, "dispatcher"));
    assert_eq!(problem(request.body("{").send().await.unwrap()).await.0, 422);
    let (status, code) = problem(
        stage
            .post("dispatcher", "/api/v1/orders", &json!([order("A"), order("B")]))
            .await,
    )
    .await;
    assert_eq!((status, code.as_str()), (422, "order_impossible"));
    let mut stranger = order("BRK-1");
    stranger["customer"] = json!("NOBODY");
    let response = stage.post("dispatcher", "/api/v1/orders", &stranger).await;
    assert_eq!(problem(response).await, (422, "customer_unknown".to_owned()));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_key_orders_for_its_own_customer_only() {
    let stage = Stage::set().await;
    let mut own = order("BRK-1");
    own.as_object_mut().unwrap().remove("customer");
    let (status, body) = told(stage.post("customer", "/api/v1/orders", &own).await).await;
    assert_eq!(status, 201, "{body}");
    let other = json!({"name": "Other", "role": "customer", "zone": "UTC", "aliases": ["OTHERCO"]});
    stage.put_ok(ACME, "/api/v1/partners/par_otherco", &other).await;
    let mut foreign = order("BRK-2");
    foreign["customer"] = json!("OTHERCO");
    let response = stage.post("customer", "/api/v1/orders", &foreign).await;
    assert_eq!(problem(response).await, (403, "role_missing".to_owned()));
    let response = stage.post("carrier", "/api/v1/orders", &order("BRK-3")).await;
    assert_eq!(problem(response).await, (403, "role_missing".to_owned()));
    let response = stage.post("viewer", "/api/v1/orders", &order("BRK-4")).await;
    assert_eq!(problem(response).await, (403, "not_allowed".to_owned()));
    stage.end().await;
}
