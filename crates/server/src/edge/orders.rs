//! `POST /api/v1/orders`: an order as JSON, judged at once and answered with its load.

use super::ask::{self, JSON_BYTES_MAX};
use super::auth::Caller;
use super::problem::{Problem, ProblemBody};
use super::shapes::{OrderBody, OrderCreated};
use super::{Edge, Trace};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use signalbox_engine::command::Command;
use signalbox_formats::{Context, decode};
use signalbox_model::attempt::{Attempt, OrderAttempt};
use signalbox_model::directory::SourceFormat;
use signalbox_model::issue::{Issue, Severity};
use signalbox_model::personal::Taint;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Role;

/// The source whose zone is taken for times that state none.
const ZONE_SOURCE: &str = "json";

/// Create an order. It is admitted or refused in the answer; the load is on the board when the answer's seq is.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = OrderBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gets the same answer")),
    responses((status = 201, body = OrderCreated), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn create(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = ask::bytes(body, JSON_BYTES_MAX).await?;
    let order = Box::new(order(&bytes, &caller)?);
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, Command::CreateOrder { order }).await?;
    let load = outcome.get("load").and_then(|it| it.as_str()).map(str::to_owned);
    let Some(load) = load else {
        return Ok(ask::answer(StatusCode::OK, &outcome, seq));
    };
    if let Some(fields) = outcome.as_object_mut() {
        fields.insert("loads".to_owned(), json!([load]));
    }
    let mut response = ask::answer(StatusCode::CREATED, &outcome, seq);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/loads/{load}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Reads one order. A customer's key orders for its own customer only.
fn order(bytes: &[u8], caller: &Caller) -> Result<OrderAttempt, Problem> {
    let own = if caller.is_staff() {
        None
    } else {
        caller.key.partner.as_ref()
    };
    if !caller.is_staff() && (own.is_none() || !caller.has_any(&[Role::Customer])) {
        return Err(Problem::new(
            "role_missing",
            "Only a customer's own key, or the tenant's staff, creates orders.",
        ));
    }
    let zone = caller
        .directory
        .sources
        .get(ZONE_SOURCE)
        .map_or("UTC", |it| it.zone.as_str());
    let taint = if own.is_some() { Taint::Partner } else { Taint::System };
    let sender = own.map(|it| it.as_str());
    let mut decoded = decode(SourceFormat::Json, bytes, &Context { zone, taint, sender });
    let read = decoded.decodings.len();
    let mut issues = std::mem::take(&mut decoded.issues);
    let attempt = decoded.decodings.pop().and_then(|it| {
        issues.extend(it.issues);
        it.attempt
    });
    if read > 1 {
        let fix = "Send one order a request, or the list to /in/json.";
        issues.push(Issue::fatal(
            "order.one_at_a_time",
            "",
            format!("the body holds {read} orders"),
            fix,
        ));
        return Err(unusable(issues));
    }
    let order = match attempt {
        Some(Attempt::Order(order)) if !issues.iter().any(|it| it.severity == Severity::Fatal) => *order,
        Some(Attempt::Order(_)) | None => return Err(unusable(issues)),
        Some(_) => {
            let fix = "Answer offers under /api/v1/offers/{id}/answer.";
            issues.push(Issue::fatal("order.other", "", "the body is no order", fix));
            return Err(unusable(issues));
        }
    };
    match own.and_then(|it| caller.directory.partners.get(it)) {
        Some(partner) if !partner.is_called(&order.customer) => Err(Problem::new(
            "role_missing",
            format!("This key orders for {} only.", partner.name),
        )),
        _ => Ok(order),
    }
}

fn unusable(issues: Vec<Issue>) -> Problem {
    let first = issues
        .iter()
        .find(|it| it.severity == Severity::Fatal)
        .map(|it| it.why.clone());
    Problem::unrecorded(Rejection::OrderImpossible, &first.unwrap_or_default()).with_issues(issues)
}
