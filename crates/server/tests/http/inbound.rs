//! Raw messages in: durable and acknowledged first, read afterwards, twice the same as once.

use crate::stage::{ACME, Stage, problem, tender_204, told};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::json;
use signalbox_connectors::standard_webhooks::{Keys, sign};

#[tokio::test(flavor = "multi_thread")]
async fn a_204_is_acknowledged_and_becomes_a_load_on_the_board_once() {
    let stage = Stage::set().await;
    let response = stage.send("edi", tender_204()).await;
    assert!(response.headers().contains_key("x-signalbox-seq"));
    let (status, first) = told(response).await;
    assert_eq!((status, &first["duplicate"]), (202, &json!(false)));
    let rows = stage.rows_when("board", |rows| !rows.is_empty()).await;
    assert_eq!(
        (&rows[0]["reference"], &rows[0]["customer"]),
        (&json!("BRK-48211"), &json!("Brackenridge Paper"))
    );

    let (status, again) = told(stage.send("edi", tender_204()).await).await;
    assert_eq!((status, &again["duplicate"]), (202, &json!(true)));
    assert_eq!(again["message"], first["message"]);
    let page = stage.get_json("dispatcher", "/api/v1/board").await;
    assert_eq!(page["total"], 1);

    let raw = stage
        .get(
            "integrator",
            &format!("/api/v1/messages/{}/raw", first["message"].as_str().unwrap()),
        )
        .await;
    assert_eq!(raw.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(raw.text().await.unwrap(), tender_204());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_a_source_like_any_other() {
    let stage = Stage::set().await;
    let folder = stage.folder.path().join("inbound").join(ACME).join("edi");
    crate::stage::eventually("the source's folder", || async { folder.is_dir().then_some(()) }).await;
    std::fs::write(folder.join("204.edi"), tender_204()).unwrap();
    stage.rows_when("board", |rows| rows.len() == 1).await;
    crate::stage::eventually("the file in .done", || async {
        folder.join(".done/204.edi").is_file().then_some(())
    })
    .await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_other_bytes_is_refused() {
    let stage = Stage::set().await;
    let send = |body: &'static str| {
        let request = stage.ask(Method::POST, "/in/json", stage.token(ACME, "integrator"));
        request.header("idempotency-key", "one").body(body).send()
    };
    assert_eq!(send("{}").await.unwrap().status(), StatusCode::ACCEPTED);
    assert_eq!(
        problem(send("[]").await.unwrap()).await,
        (422, "idempotency_key_reused".to_owned())
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_send_learns_why() {
    let stage = Stage::set().await;
    let post = |path: &str, token: &str| stage.ask(Method::POST, path, token).body("x").send();
    let dispatcher = stage.token(ACME, "dispatcher");
    assert_eq!(
        problem(post("/in/edi", dispatcher).await.unwrap()).await,
        (403, "role_missing".to_owned())
    );
    let integrator = stage.token(ACME, "integrator");
    assert_eq!(
        problem(post("/in/fax", integrator).await.unwrap()).await,
        (404, "source_unknown".to_owned())
    );
    assert_eq!(
        problem(post("/in/edi", "sbx_acme_nonsense").await.unwrap()).await,
        (401, "unauthenticated".to_owned())
    );
    let unsigned = stage.client.post(stage.url("/in/edi")).body("x").send().await.unwrap();
    assert_eq!(problem(unsigned).await, (401, "unauthenticated".to_owned()));
    // Without a token nobody finds out which tenants and sources there are.
    for path in [
        "/in/edi?tenant=ten_acme",
        "/in/fax?tenant=ten_acme",
        "/in/edi?tenant=ten_nobody",
    ] {
        let response = stage.client.post(stage.url(path)).body("x").send().await.unwrap();
        assert_eq!(problem(response).await, (401, "signature_invalid".to_owned()), "{path}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused_whole() {
    let stage = Stage::set().await;
    let response = stage.send("edi", vec![b'x'; 20 * 1024 * 1024 + 1]).await;
    assert_eq!(problem(response).await, (413, "body_too_large".to_owned()));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_with_a_secret_takes_only_what_is_signed_with_it() {
    let (stage, hand) = Stage::by_hand().await;
    let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
    let source = json!({"format": "json", "zone": "UTC", "secret": secret});
    stage.put_ok(ACME, "/api/v1/sources/erp", &source).await;
    let shown = stage.get_json("admin", "/api/v1/sources/erp").await;
    assert_eq!((&shown["signed"], shown.get("secret")), (&json!(true), None));

    let path = stage.url("/in/erp?tenant=ten_acme");
    let signed_at = hand.now();
    let send = |secret: &str, signed: &'static str, sent: &'static str| {
        let keys = Keys::parse(secret).unwrap();
        let headers = sign(&keys, "evt-1", signed_at, signed.as_bytes()).unwrap();
        let mut request = stage.client.post(&path).body(sent);
        for (name, value) in headers.headers() {
            request = request.header(name, value);
        }
        request.send()
    };
    assert_eq!(told(send(&secret, "{}", "{}").await.unwrap()).await.0, 202);
    let again = told(send(&secret, "{}", "{}").await.unwrap()).await;
    assert_eq!((again.0, &again.1["duplicate"]), (202, &json!(true)));
    let other = format!("whsec_{}", STANDARD.encode([8; 32]));
    for response in [
        send(&other, "{}", "{}").await.unwrap(),
        send(&secret, "{}", "{ }").await.unwrap(),
    ] {
        assert_eq!(problem(response).await, (401, "signature_invalid".to_owned()));
    }
    // What is signed is good for five minutes, and not to be recorded and played again later.
    hand.pass(SignedDuration::from_mins(5)).await.unwrap();
    assert_eq!(told(send(&secret, "{}", "{}").await.unwrap()).await.0, 202);
    hand.pass(SignedDuration::from_secs(1)).await.unwrap();
    assert_eq!(
        problem(send(&secret, "{}", "{}").await.unwrap()).await,
        (401, "signature_invalid".to_owned())
    );
    // A token does not stand in for the signature.
    assert_eq!(
        problem(stage.send("erp", "{}").await).await,
        (401, "signature_invalid".to_owned())
    );
    stage.end().await;
}
