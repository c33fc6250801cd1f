//! From a request to the writer and back: bodies, Idempotency-Keys, replies, and reads that wait for a write.

use super::auth::{Caller, text};
use super::problem::Problem;
use super::{Edge, Trace};
use crate::wiring::Overflow;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use signalbox_engine::command::Command;
use signalbox_model::id::Seq;
use signalbox_model::issue::Issue;
use signalbox_runtime::request::{Reply, Request};
use std::time::Duration;
use utoipa::IntoParams;

pub const SEQ_HEADER: HeaderName = HeaderName::from_static("x-signalbox-seq");
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// The largest JSON body of a command.
pub const JSON_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a read waits for the indexes to come as far as it asks.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Carries a command out and answers with its outcome.
pub async fn command(
    edge: &Edge,
    caller: &Caller,
    headers: &HeaderMap,
    trace: &Trace,
    command: Command,
) -> Result<(Value, Seq), Problem> {
    let request = Request::Command {
        scope: caller.scope.clone(),
        command,
        idempotency_key: idempotency_key(headers)?,
        traceparent: trace.0.clone(),
    };
    outcome(edge.ask(request).await?)
}

/// A command's outcome, with the seq in it.
pub fn outcome(reply: Reply) -> Result<(Value, Seq), Problem> {
    match reply {
        Reply::Done {
            mut answer,
            seq,
            replayed,
        } => {
            if !answer.is_object() {
                answer = json!({ "outcome": answer });
            }
            if let Some(fields) = answer.as_object_mut() {
                fields.entry("outcome").or_insert_with(|| json!("done"));
                fields.insert("seq".to_owned(), json!(seq));
                if replayed {
                    fields.insert("replayed".to_owned(), json!(true));
                }
            }
            Ok((answer, seq))
        }
        Reply::Accepted {
            message,
            duplicate,
            seq,
        } => Ok((
            json!({"outcome": "accepted", "message": message, "duplicate": duplicate, "seq": seq}),
            seq,
        )),
        refused => Err(problem(refused)),
    }
}

/// A reply that is no outcome, as a problem.
pub fn problem(reply: Reply) -> Problem {
    match reply {
        Reply::Rejected {
            rejection,
            detail,
            issues,
            seq,
        } => Problem::rejected(rejection, &detail, issues, seq),
        Reply::KeyConflict { detail } => Problem::new("idempotency_key_reused", detail),
        Reply::Unavailable { detail, full: true } => Problem::new("store_full", detail).retry_after(10),
        Reply::Unavailable { detail, full: false } => Problem::new("store_unavailable", detail),
        Reply::Accepted { .. } | Reply::Done { .. } => Problem::internal("an acceptance is no problem"),
    }
}

impl Edge {
    pub async fn ask(&self, request: Request) -> Result<Reply, Problem> {
        self.pump.ask(request).await.map_err(|why| match why {
            Overflow::Full => Problem::new("queue_full", "Nothing was written. Send it again in a moment."),
            Overflow::Stopped => Problem::new("writer_stopped", "Nothing was written. Look at /readyz for the reason."),
            Overflow::Unknown => Problem::new(
                "outcome_unknown",
                "Send it again under the same key to learn what came of it.",
            ),
        })
    }

    /// Runs a read of the store where blocking is allowed, a bounded number at a time.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Edge) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.reads.clone().acquire_owned().await.map_err(Problem::internal)?;
        let edge = self.clone();
        let run = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            read(&edge)
        });
        run.await.map_err(Problem::internal)?
    }

    /// Waits until the views hold what the caller has written.
    pub async fn wait_for(&self, seq: Option<Seq>) -> Result<(), Problem> {
        let Some(seq) = seq else { return Ok(()) };
        let mut positions = self.pump.positions();
        let come = positions.wait_for(|it| it.indexed >= seq);
        match tokio::time::timeout(WAIT_MAX, come).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Problem::new("writer_stopped", "The views no longer move.")),
            Err(_) => Err(Problem::new(
                "view_behind",
                format!("Record {seq} is not in the views yet."),
            )),
        }
    }
}

/// `?wait_for=<seq>`: read no older than that.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WaitFor {
    /// Answer only once the record with this seq shows; at most two seconds.
    pub wait_for: Option<u64>,
}

pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = text(value)
        .map(str::trim)
        .filter(|it| !it.is_empty() && it.len() <= IDEMPOTENCY_KEY_BYTES_MAX);
    match key {
        Some(key) => Ok(Some(key.to_owned())),
        None => {
            let detail = format!("Send 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible characters, for example a UUID.");
            Err(Problem::new("idempotency_key_unusable", detail))
        }
    }
}

/// The whole body, or a problem where it is larger than `limit`.
pub async fn bytes(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    match axum::body::to_bytes(body, limit).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) if is_too_large(&error) => Err(Problem::new(
            "body_too_large",
            format!("At most {limit} bytes are taken. Send it in parts."),
        )),
        Err(error) => Err(Problem::new(
            "body_unreadable",
            format!("The body did not arrive whole: {error}"),
        )),
    }
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(it) = cause {
        if it.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = it.source();
    }
    false
}

/// A JSON body as `T`. What cannot be read is named with its place.
pub async fn json_body<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let bytes = bytes(body, JSON_BYTES_MAX).await?;
    parsed(&bytes)
}

pub fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let at = format!("line {} column {}", error.line(), error.column());
        let issue = Issue::fatal(
            "body.unreadable",
            at,
            error.to_string(),
            "Send the shape that /docs describes.",
        );
        Problem::new("body_unreadable", error.to_string()).with_issues(vec![issue])
    })
}

/// Says in one word what came of the request.
pub fn name_outcome(outcome: &mut Value, word: &str) {
    if let Some(fields) = outcome.as_object_mut() {
        fields.insert("outcome".to_owned(), word.into());
    }
}

/// An answer that carries its place in the log.
pub fn answer(status: StatusCode, body: &Value, seq: Seq) -> Response {
    (status, [(SEQ_HEADER, HeaderValue::from(seq))], axum::Json(body)).into_response()
}
