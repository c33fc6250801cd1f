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
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Records the views may lag behind the log before new work should go elsewhere.
const LAG_MAX: u64 = 200_000;
const STORE_PATIENCE: Duration = Duration::from_secs(3);
/// The store is probed by a real write; however many ask, it is made once in this time.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// What the last probe of the store found, and when it was made.
#[derive(Clone, Default)]
pub struct Probe(Arc<Mutex<Option<(Instant, Found)>>>);

type Found = Result<String, String>;

impl Probe {
    /// The last finding while it is fresh; else probes. Whoever asks meanwhile waits for the same finding.
    async fn ask(&self, now: Instant, probe: impl Future<Output = Found>) -> Found {
        let mut last = self.0.lock().await;
        if let Some((at, found)) = &*last
            && now.saturating_duration_since(*at) < PROBE_EVERY
        {
            return found.clone();
        }
        let found = probe.await;
        *last = Some((now, found.clone()));
        found
    }
}

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

type Check = (&'static str, Found);

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
    let probe = async {
        match tokio::time::timeout(STORE_PATIENCE, read).await {
            Ok(Ok(text)) => Ok(text),
            Ok(Err(problem)) => Err(problem.detail),
            Err(_) => Err("the store did not answer in time".to_owned()),
        }
    };
    ("store", edge.probe.ask(Instant::now(), probe).await)
}

pub async fn metrics(State(edge): State<Edge>) -> Response {
    let positions = *edge.pump.positions().borrow();
    gauge!("signalbox_index_lag").set(positions.head.saturating_sub(positions.indexed) as f64);
    gauge!("signalbox_log_head").set(positions.head as f64);
    gauge!("signalbox_queue_depth").set(edge.pump.queued() as f64);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], edge.metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn the_store_is_probed_once_in_an_interval_whatever_it_found() {
        let (probe, made) = (Probe::default(), Cell::new(0));
        let begin = Instant::now();
        let ask = |after: Duration, found: Found| {
            let made = &made;
            probe.ask(begin + after, async move {
                made.set(made.get() + 1);
                found
            })
        };
        let (well, ill) = (Ok("well".to_owned()), Err("ill".to_owned()));
        let just_before = PROBE_EVERY - Duration::from_millis(1);
        assert_eq!(ask(Duration::ZERO, ill.clone()).await, ill);
        assert_eq!(ask(just_before, well.clone()).await, ill);
        assert_eq!(made.get(), 1);
        assert_eq!(ask(PROBE_EVERY, well.clone()).await, well);
        assert_eq!(ask(PROBE_EVERY + just_before, ill).await, well);
        assert_eq!(made.get(), 2);
    }
}
