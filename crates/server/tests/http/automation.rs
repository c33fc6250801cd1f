//! How far automation may act, over HTTP: who may switch it, what waits then, and in which order.

use crate::stage::{Stage, order, problem, told};
use reqwest::Method;
use serde_json::{Value, json};

async fn switch(stage: &Stage, role: &'static str, body: &Value) -> (u16, Value) {
    let token = stage.token(crate::stage::ACME, role);
    told(
        stage
            .ask(Method::PUT, "/api/v1/automation", token)
            .json(body)
            .send()
            .await
            .unwrap(),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_holds_each_load_and_the_expedited_one_comes_first() {
    let stage = Stage::set().await;
    let stop = json!({"mode": "stopped", "reason": "the rates are wrong"});
    for role in ["viewer", "dispatcher"] {
        let (status, body) = switch(&stage, role, &stop).await;
        assert_eq!((status, &body["code"]), (403, &json!("not_allowed")), "{body}");
    }
    let (status, body) = switch(&stage, "admin", &stop).await;
    assert_eq!(
        (status, &body["outcome"], &body["on_the_wire"]),
        (200, &json!("switched"), &json!([])),
        "{body}"
    );
    let load = stage.order("BRK-1").await;
    let mut hurried = order("BRK-2");
    hurried["priority"] = json!("high");
    let (status, body) = told(stage.post("dispatcher", "/api/v1/orders", &hurried).await).await;
    assert_eq!(status, 201, "{body}");
    let rows = stage.rows_when("inbox", |rows| rows.len() == 2).await;
    let shown: Vec<(&Value, &Value, &Value)> = rows
        .iter()
        .map(|it| (&it["reference"], &it["kind"], &it["priority"]))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!("BRK-2"), &json!("held"), &json!("high")),
            (&json!("BRK-1"), &json!("held"), &json!("normal"))
        ]
    );
    let now = stage.get_json("viewer", "/api/v1/automation").await;
    assert_eq!((&now["mode"], &now["held"]), (&json!("stopped"), &json!(2)), "{now}");

    let rehearsal = json!({"mode": "automatic", "reason": "", "dry_run": true});
    let (_, rehearsed) = switch(&stage, "admin", &rehearsal).await;
    let then: Vec<&Value> = rehearsed["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["then"])
        .collect();
    assert_eq!(then, ["goes_on", "goes_on"], "{rehearsed}");
    assert_eq!(stage.get_json("viewer", "/api/v1/automation").await["held"], 2);

    let path = format!("/api/v1/loads/{load}/cover");
    let nothing = stage
        .post("dispatcher", &path, &json!({"carrier": "LNHL", "rate_minor": 0}))
        .await;
    assert_eq!(problem(nothing).await, (422, "rate_invalid".to_owned()));
    let note = "agreed with Ada Example on +1 207 555 0144";
    let cover = json!({"carrier": "LNHL", "rate_minor": 150_000, "note": note});
    let (status, body) = told(stage.post("dispatcher", &path, &cover).await).await;
    assert_eq!((status, &body["outcome"]), (200, &json!("covered")), "{body}");
    let (status, body) = told(stage.post("dispatcher", &path, &cover).await).await;
    assert_eq!((status, &body["code"]), (409, &json!("load_already_covered")), "{body}");
    assert!(
        body["detail"].as_str().unwrap().contains("covered by hand by"),
        "{body}"
    );
    stage.rows_when("inbox", |rows| rows.len() == 1).await;

    let timeline = format!("/api/v1/loads/{load}/timeline");
    let noted = |told: &Value| {
        let entries = told["entries"].as_array().unwrap().iter();
        let mut by_hand = entries.filter(|it| it["name"] == "LoadCoveredByHand");
        by_hand.next().unwrap()["data"]["note"].clone()
    };
    assert_eq!(noted(&stage.get_json("dispatcher", &timeline).await), note);
    assert_eq!(noted(&stage.get_json("viewer", &timeline).await), "•••");
    let folder = stage.folder.path().to_owned();
    stage.server.stop().await;
    let files = std::fs::read_dir(folder).unwrap().flatten();
    for file in files.map(|it| it.path()).filter(|it| it.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(note.len()).any(|it| it == note.as_bytes());
        assert!(!found, "{file:?} holds the note in clear");
    }
}
