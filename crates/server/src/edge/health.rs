//! `/healthz`: the process answers. `/readyz`: it can take work, or why not. `/metrics`: figures for Prometheus.

use super::Edge;
use super::problem::Problem;
use crate::wiring::{QUEUE_MAX, Standing};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics::gauge;
use serde_json::{Value, json};
use std::time::Duration;

/// Records the views may lag behind the log before new work should go elsewhere.
const LAG_MAX: u64 = 200_000;
const STORE_PATIENCE: Duration = Duration::from_secs(3);

pub async fn healthz() -> &'static str {
    "ok\n"
}

pub async fn readyz(State(edge): State<Edge>) -> Response {
    let checks = [writer(&edge), queue(&edge), lag(&edge), store(&edge).await];
    let is_ready = checks.iter().all(|it| it.1.is_ok());
    let shown: serde_json::Map<String, Value> = checks
        .into_iter()
        .map(|(name, found)| match found {
            Ok(text) => (name.to_owned(), json!({"ok": true, "detail": text})),
            Err(text) => (name.to_owned(), json!({"ok": false, "detail": text})),
        })
        .collect();
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({"ready": is_ready, "checks": shown}))).into_response()
}

type Check = (&'static str, Result<String, String>);

fn writer(edge: &Edge) -> Check {
    let found = match &*edge.pump.standing().borrow() {
        Standing::Writing => Ok("the writer runs".to_owned()),
        Standing::Stopped => Err("the writer has ended".to_owned()),
        Standing::Dead(why) => Err(format!("the writer has stopped: {why}")),
    };
    ("writer", found)
}

fn queue(edge: &Edge) -> Check {
    let queued = edge.pump.queued();
    let text = format!("{queued} of {QUEUE_MAX} requests wait");
    ("queue", if queued < QUEUE_MAX { Ok(text) } else { Err(text) })
}

fn lag(edge: &Edge) -> Check {
    let positions = *edge.pump.positions().borrow();
    let behind = positions.head.saturating_sub(positions.indexed);
    let text = format!("{behind} records behind the log's head {}", positions.head);
    ("views", if behind < LAG_MAX { Ok(text) } else { Err(text) })
}

async fn store(edge: &Edge) -> Check {
    let read = edge.read(|edge| {
        edge.store
            .health()
            .map_err(|why| Problem::new("store_unavailable", why.to_string()))
    });
    let found = match tokio::time::timeout(STORE_PATIENCE, read).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(problem)) => Err(problem.detail),
        Err(_) => Err("the store did not answer in time".to_owned()),
    };
    ("store", found)
}

pub async fn metrics(State(edge): State<Edge>) -> Response {
    let positions = *edge.pump.positions().borrow();
    gauge!("signalbox_index_lag").set(positions.head.saturating_sub(positions.indexed) as f64);
    gauge!("signalbox_log_head").set(positions.head as f64);
    gauge!("signalbox_queue_depth").set(edge.pump.queued() as f64);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], edge.metrics.render()).into_response()
}
