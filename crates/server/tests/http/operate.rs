//! What an operator relies on: health, figures, headers, the console's files, and a restart that loses nothing.

use crate::stage::{ACME, Stage, problem};
use reqwest::Client;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, IF_NONE_MATCH};
use serde_json::Value;
use signalbox_server::server::Server;
use signalbox_server::wiring::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn it_says_how_it_is() {
    let stage = Stage::set().await;
    stage.order("BRK-1").await;
    stage.rows_when("board", |rows| rows.len() == 1).await;
    assert_eq!(
        stage
            .client
            .get(stage.url("/healthz"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap(),
        "ok\n"
    );
    let ready: Value = stage
        .client
        .get(stage.url("/readyz"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(ready["ready"], true, "{ready}");
    for check in ["writer", "queue", "views", "store"] {
        assert_eq!(ready["checks"][check]["ok"], true, "{ready}");
    }
    let figures = stage
        .client
        .get(stage.url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for name in [
        "signalbox_http_requests_total{method=\"POST\",route=\"/api/v1/orders\",status=\"201\"}",
        "signalbox_http_seconds_bucket",
        "signalbox_commits_total",
        "signalbox_records_total",
        "signalbox_batch_turns_bucket",
        "signalbox_queue_depth",
        "signalbox_index_lag",
        "signalbox_deliveries_total",
        "signalbox_effects_pending",
    ] {
        assert!(figures.contains(name), "{name} is missing:\n{figures}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_come_with_headers_that_keep_them_to_themselves() {
    let stage = Stage::set().await;
    let get = |path: &str, accept: &'static str| stage.client.get(stage.url(path)).header(ACCEPT, accept).send();
    for path in ["/", "/board", "/docs", "/api/v1/me"] {
        let response = get(path, "text/html").await.unwrap();
        let headers = response.headers();
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'self'"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
    }
    let page = get("/loads/load_1", "text/html").await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
    let tag = page.headers()["etag"].to_str().unwrap().to_owned();
    let again = stage
        .client
        .get(stage.url("/"))
        .header(ACCEPT, "text/html")
        .header(IF_NONE_MATCH, tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);
    // What is no page is never answered with one.
    for (path, accept) in [
        ("/assets/gone.js", "text/html"),
        ("/api/v1/gone", "text/html"),
        ("/in/x", "text/html"),
        ("/board", "application/json"),
    ] {
        assert_eq!(
            problem(get(path, accept).await.unwrap()).await.0,
            if path == "/in/x" { 405 } else { 404 },
            "{path}"
        );
    }
    assert_eq!(
        problem(stage.client.delete(stage.url("/api/v1/orders")).send().await.unwrap())
            .await
            .0,
        405
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consoles_files_are_compressed_and_lasting() {
    let stage = Stage::set().await;
    let page = stage
        .client
        .get(stage.url("/"))
        .header(ACCEPT, "text/html")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let script = page
        .split('"')
        .find(|it| it.starts_with("/assets/") && it.ends_with(".js"));
    let Some(script) = script else {
        assert!(page.contains("not in this build"), "{page}");
        return stage.end().await;
    };
    let response = stage
        .client
        .get(stage.url(script))
        .header(ACCEPT_ENCODING, "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(
        response.headers()[CACHE_CONTROL]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_nothing_and_keeps_every_key() {
    let stage = Stage::set().await;
    let load = stage.order("BRK-1").await;
    let token = stage.token(ACME, "dispatcher").to_owned();
    let Stage { server, folder, .. } = stage;
    server.stop().await;
    let server = Server::start(Setup::new(folder.path()), "127.0.0.1:0").await.unwrap();
    let client = Client::new();
    let board: Value = client
        .get(format!("{}/api/v1/board", server.base()))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&board["total"], &board["rows"][0]["key"]),
        (&1.into(), &load.as_str().into())
    );
    server.stop().await;
}
