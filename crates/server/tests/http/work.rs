//! A dispatcher's and a carrier's day: offers, approvals, exceptions, messages put right, and the timeline of it all.

use crate::stage::{ACME, Stage, eventually, guide, problem, told};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_answers_its_own_offer_once_and_the_load_is_covered() {
    let stage = Stage::set().await;
    let load = stage.order("BRK-1").await;
    let offer = stage.open_offer(&load).await;
    let path = format!("/api/v1/offers/{}/answer", offer["id"].as_str().unwrap());
    let hvyt = json!({"answer": "accept", "carrier": "HVYT"});
    assert_eq!(
        problem(stage.post("dispatcher", &path, &hvyt).await).await,
        (403, "offer_not_of_this_carrier".to_owned())
    );
    assert_eq!(
        problem(stage.post("viewer", &path, &hvyt).await).await,
        (403, "role_missing".to_owned())
    );
    // A carrier's key answers as that carrier, whatever the body says.
    let (status, body) = told(stage.post("carrier", &path, &hvyt).await).await;
    assert_eq!((status, &body["outcome"]), (200, &json!("accept")), "{body}");
    let again = stage.post("carrier", &path, &json!({"answer": "decline"})).await;
    assert_eq!(problem(again).await, (409, "offer_already_answered".to_owned()));
    let rows = stage
        .rows_when("board", |rows| rows.iter().any(|it| it["status"] == "covered"))
        .await;
    assert_eq!(
        (&rows[0]["carrier"], &rows[0]["rate"]["minor"]),
        (&json!("LNHL"), &json!(187_501))
    );
    let page = stage
        .get_json("dispatcher", "/api/v1/board?status=covered&text=BRK-1")
        .await;
    assert_eq!(page["total"], 1);
    assert_eq!(
        stage.get_json("dispatcher", "/api/v1/board?status=tendering").await["total"],
        0
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_tells_what_was_decided_and_sent_and_hides_persons() {
    let stage = Stage::set().await;
    let load = stage.order("BRK-1").await;
    let path = format!("/api/v1/loads/{load}/timeline");
    let entries = eventually("the offer's delivery", || async {
        let entries = stage.get_json("viewer", &path).await["entries"]
            .as_array()
            .unwrap()
            .clone();
        entries
            .iter()
            .any(|it| it["kind"] == "effect" && it["state"] == "delivered")
            .then_some(entries)
    })
    .await;
    let has = |kind: &str, name: &str| entries.iter().any(|it| it["kind"] == kind && it["name"] == name);
    assert!(
        has("event", "OrderReceived") && has("event", "OfferMade") && has("effect", "SendOffer"),
        "{entries:#?}"
    );
    let settled = entries.iter().find(|it| it["name"] == "EffectSettled").unwrap();
    let sent = settled["data"]["effect"].as_str().unwrap();
    assert_eq!(settled["cause"], format!("{sent}/receipt"));
    let gate = entries.iter().find(|it| it["name"] == "gate.make_offer").unwrap();
    assert!(gate["evidence"].as_array().is_some_and(|it| !it.is_empty()));
    let hidden = json!(entries).to_string();
    assert!(hidden.contains("•••") && !hidden.contains("Pat Example") && !hidden.contains("cipher"));
    let shown = stage.get_json("dispatcher", &path).await.to_string();
    assert!(shown.contains("Pat Example") && shown.contains("+1 207 555 0101") && !shown.contains("cipher"));
    let detail = stage.get_json("dispatcher", &format!("/api/v1/loads/{load}")).await;
    assert_eq!(detail["order"]["customer_name"], "Brackenridge Paper");
    assert_eq!(detail["load"]["stops"][0]["contacts"][0]["name"], "Pat Example");
    let file = eventually("the carrier's file", || async {
        let all = walk(stage.folder.path().join("outbound"));
        all.into_iter().find(|it| {
            it.file_name()
                .is_some_and(|it| it.to_string_lossy().starts_with("204-"))
        })
    });
    assert!(std::fs::read_to_string(file.await).unwrap().contains("BRK-1"));
    assert_eq!(
        problem(stage.get("dispatcher", "/api/v1/loads/load_nothing").await).await,
        (404, "load_unknown".to_owned())
    );
    assert_eq!(
        problem(stage.get("dispatcher", "/api/v1/loads/settings").await).await,
        (404, "load_unknown".to_owned())
    );
    stage.end().await;
}

fn walk(folder: std::path::PathBuf) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(walk(entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_decision_stands_and_the_second_person_is_told_whose_it_was() {
    let stage = Stage::set().await;
    stage
        .put_ok(ACME, "/api/v1/tables/routing-guide", &guide(400_000))
        .await;
    let load = stage.order("BRK-1").await;
    let inbox = stage
        .rows_when("inbox", |rows| rows.iter().any(|it| it["kind"] == "approval"))
        .await;
    assert_eq!(
        (&inbox[0]["load"], &inbox[0]["allowed_actions"]),
        (&json!(load), &json!(["approve", "edit", "reject"]))
    );
    let path = format!("/api/v1/approvals/{}/decision", inbox[0]["id"].as_str().unwrap());
    assert_eq!(
        stage
            .post("viewer", &path, &json!({"decision": "approve"}))
            .await
            .status(),
        403
    );
    let bad = stage.post("dispatcher", &path, &json!({"decision": "maybe"})).await;
    assert_eq!(problem(bad).await, (422, "body_unreadable".to_owned()));
    let edit = json!({"decision": "approve", "edit": {"rate_minor": 350_000}, "reason": "agreed by telephone", "in_hand_ms": 4_000});
    let (status, body) = told(stage.post("dispatcher", &path, &edit).await).await;
    assert_eq!((status, &body["outcome"]), (200, &json!("edited")), "{body}");
    let (status, late) = told(stage.post("manager", &path, &json!({"decision": "reject"})).await).await;
    assert_eq!((status, &late["code"]), (409, &json!("approval_already_decided")));
    assert!(late["detail"].as_str().unwrap().contains("dispatcher"), "{late}");
    assert_eq!(stage.open_offer(&load).await["rate"]["minor"], 350_000);
    stage.rows_when("inbox", <[Value]>::is_empty).await;
    let unknown = stage
        .post(
            "dispatcher",
            "/api/v1/approvals/apr_none/decision",
            &json!({"decision": "approve"}),
        )
        .await;
    assert_eq!(problem(unknown).await, (404, "approval_unknown".to_owned()));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_decisions_that_race_one_stands_and_the_other_person_is_told_whose() {
    let stage = Stage::set().await;
    stage
        .put_ok(ACME, "/api/v1/tables/routing-guide", &guide(400_000))
        .await;
    let load = stage.order("BRK-1").await;
    let inbox = stage
        .rows_when("inbox", |rows| rows.iter().any(|it| it["kind"] == "approval"))
        .await;
    let path = format!("/api/v1/approvals/{}/decision", inbox[0]["id"].as_str().unwrap());
    let decide = |who: &'static str| {
        let (stage, path) = (&stage, &path);
        async move {
            (
                who,
                told(stage.post(who, path, &json!({"decision": "approve"})).await).await,
            )
        }
    };
    let (one, other) = tokio::join!(decide("dispatcher"), decide("manager"));
    let (first, second) = if one.1.0 == 200 { (one, other) } else { (other, one) };
    assert_eq!((first.1.0, &first.1.1["outcome"]), (200, &json!("approved")));
    assert_eq!(
        (second.1.0, &second.1.1["code"]),
        (409, &json!("approval_already_decided"))
    );
    let told = second.1.1["detail"].as_str().unwrap();
    assert!(told.starts_with(&format!("{} decided", first.0)), "{told}");
    assert_eq!(stage.open_offer(&load).await["rate"]["minor"], 400_001);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_nobody_wants_is_an_exception_that_a_person_resolves_once() {
    let stage = Stage::set().await;
    let load = stage.order("BRK-1").await;
    for carrier in ["LNHL", "HVYT"] {
        let offer = stage.open_offer(&load).await;
        assert_eq!(offer["scac"], carrier);
        let path = format!("/api/v1/offers/{}/answer", offer["id"].as_str().unwrap());
        let body = json!({"answer": "decline", "carrier": carrier, "reason": "no truck", "note": "call Pat Example"});
        let (status, answered) = told(stage.post("dispatcher", &path, &body).await).await;
        assert_eq!(status, 200, "{answered}");
        let seen = stage
            .get(
                "dispatcher",
                &format!("/api/v1/loads/{load}?wait_for={}", answered["seq"]),
            )
            .await;
        assert_eq!(seen.status(), 200);
    }
    let inbox = stage
        .rows_when("inbox", |rows| rows.iter().any(|it| it["kind"] == "exception"))
        .await;
    let path = format!("/api/v1/exceptions/{}/resolution", inbox[0]["id"].as_str().unwrap());
    let (status, body) = told(
        stage
            .post("dispatcher", &path, &json!({"resolution": "sent by spot carrier"}))
            .await,
    )
    .await;
    assert_eq!((status, &body["outcome"]), (200, &json!("resolved")), "{body}");
    let again = stage.post("manager", &path, &json!({"resolution": "again"})).await;
    assert_eq!(problem(again).await, (409, "exception_already_resolved".to_owned()));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_is_put_right_and_goes_through() {
    let stage = Stage::set().await;
    let broken = crate::stage::order("BRK-9")
        .to_string()
        .replace("\"stops\"", "\"stop\"");
    let (_, accepted) = told(stage.send("json", broken.clone()).await).await;
    let rows = stage.rows_when("quarantine", |rows| rows.len() == 1).await;
    assert_eq!(rows[0]["message"], accepted["message"]);
    assert!(!rows[0]["issues"].as_array().unwrap().is_empty());
    let message = rows[0]["message"].as_str().unwrap();
    let raw = stage
        .get("dispatcher", &format!("/api/v1/messages/{message}/raw"))
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(raw, broken);
    let path = format!("/api/v1/quarantine/{message}/reprocess");
    assert_eq!(stage.post("viewer", &path, &json!({})).await.status(), 403);
    let corrected = json!({"corrected": broken.replace("\"stop\"", "\"stops\""), "in_hand_ms": 60_000});
    let reprocess = |body: &Value| {
        let request = stage.ask(Method::POST, &path, stage.token(ACME, "dispatcher"));
        request.header("idempotency-key", "one").json(body).send()
    };
    let (status, body) = told(reprocess(&corrected).await.unwrap()).await;
    assert_eq!((status, &body["outcome"]), (200, &json!("reprocessed")), "{body}");
    let (status, again) = told(reprocess(&corrected).await.unwrap()).await;
    assert_eq!((status, &again["replayed"]), (200, &json!(true)), "{again}");
    assert_eq!(again["message"], body["message"]);
    let other = reprocess(&json!({"corrected": broken})).await.unwrap();
    assert_eq!(problem(other).await, (422, "idempotency_key_reused".to_owned()));
    stage
        .rows_when("board", |rows| rows.iter().any(|it| it["reference"] == "BRK-9"))
        .await;
    stage.rows_when("quarantine", <[Value]>::is_empty).await;
    assert_eq!(stage.get_json("dispatcher", "/api/v1/board").await["total"], 1);
    let again = stage.post("dispatcher", &path, &json!({})).await;
    assert_eq!(problem(again).await, (409, "message_not_quarantined".to_owned()));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_taken_through_again_as_it_is_speaks_for_whom_it_spoke_before() {
    let stage = Stage::set().await;
    let words = crate::stage::order("FRG-1").to_string();
    let request = stage.ask(Method::POST, "/in/json", stage.token(ACME, "carrier"));
    let (status, accepted) = told(request.body(words.clone()).send().await.unwrap()).await;
    assert_eq!(status, 202, "{accepted}");
    let waits = |message: &Value, rows: &[Value]| {
        let is_refused = |it: &Value| it["issues"].to_string().contains("may not speak for");
        rows.len() == 1 && rows[0]["message"] == *message && is_refused(&rows[0])
    };
    let mut message = accepted["message"].clone();
    for _ in 0..2 {
        stage.rows_when("quarantine", |rows| waits(&message, rows)).await;
        let path = format!("/api/v1/quarantine/{}/reprocess", message.as_str().unwrap());
        let (status, body) = told(stage.post("dispatcher", &path, &json!({})).await).await;
        assert_eq!((status, &body["outcome"]), (200, &json!("reprocessed")), "{body}");
        message = body["message"].clone();
    }
    stage.rows_when("quarantine", |rows| waits(&message, rows)).await;
    assert_eq!(stage.get_json("dispatcher", "/api/v1/board").await["total"], 0);
    // What a person puts right is that person's word.
    let path = format!("/api/v1/quarantine/{}/reprocess", message.as_str().unwrap());
    let corrected = json!({ "corrected": words });
    assert_eq!(stage.post("dispatcher", &path, &corrected).await.status(), 200);
    stage
        .rows_when("board", |rows| rows.iter().any(|it| it["reference"] == "FRG-1"))
        .await;
    stage.end().await;
}
