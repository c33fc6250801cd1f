//! Live updates: a snapshot and every change after it, in order, of one's own tenant only.

use crate::stage::{ACME, OTHER, Stage};
use reqwest::{Method, Response};
use serde_json::Value;
use std::time::Duration;

struct Events(String, Response);

impl Events {
    async fn open(stage: &Stage, tenant: &str, from: u64) -> Self {
        let path = format!("/api/v1/live?from={from}");
        let response = stage
            .ask(Method::GET, &path, stage.token(tenant, "dispatcher"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(String::new(), response)
    }

    /// The next event: its name and data.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.0.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|it| it.strip_prefix(name))
                        .map(|it| it.trim().to_owned())
                };
                let found = (field("event:"), field("data:"), field("id:"));
                self.0 = rest.to_owned();
                if let (Some(name), Some(data), id) = found {
                    let data: Value = serde_json::from_str(&data).unwrap();
                    if let Some(id) = id {
                        assert_eq!(data["seq"].to_string(), id);
                    }
                    return (name, data);
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.1.chunk())
                .await
                .expect("an event in time");
            let chunk = chunk.unwrap().expect("the stream goes on");
            self.0.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_every_change_after_its_snapshot() {
    let stage = Stage::set().await;
    stage.order("BRK-1").await;
    let rows = stage.rows_when("board", |rows| rows.len() == 1).await;
    assert_eq!(rows.len(), 1);
    let snapshot = stage.get_json("dispatcher", "/api/v1/board").await;
    let from = snapshot["position"].as_u64().unwrap();
    let mut events = Events::open(&stage, ACME, from).await;
    let mut stranger = Events::open(&stage, OTHER, from).await;
    let load = stage.order("BRK-2").await;
    let mut last = 0;
    loop {
        let (name, data) = events.next().await;
        let seq = data["seq"].as_u64().unwrap();
        assert!(seq >= last && seq >= from, "{name} {data}");
        last = seq;
        if name == "change" && data["view"] == "board" && data["key"] == load.as_str() {
            assert_eq!(data["row"]["reference"], "BRK-2");
            break;
        }
    }
    // A beat tells how far the log is; nothing of the other tenant came before it.
    loop {
        let (name, data) = stranger.next().await;
        assert_eq!(name, "beat");
        if data["seq"].as_u64().unwrap() >= last {
            assert!(data["now"].is_string());
            break;
        }
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_from_too_long_ago_or_another_log_starts_over() {
    let stage = Stage::set().await;
    for from in [0, 1_000_000] {
        // Records before this process took up the log are in no ring; here there are none before it.
        let (name, _) = Events::open(&stage, ACME, from).await.next().await;
        assert_eq!(name, if from == 0 { "beat" } else { "reset" });
    }
    stage.end().await;
}
