//! `/in/{source}`: raw messages of any format. Durable first, then 202; read and judged afterwards.
//!
//! Invariant: a source with a secret takes only what is signed with it, whoever sends it.

use super::ask::{self, SEQ_HEADER};
use super::auth::{self, Caller, text};
use super::failures::Address;
use super::problem::{Problem, ProblemBody};
use super::shapes::Accepted;
use super::{Edge, Trace};
use crate::wiring::PLATFORM;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use signalbox_connectors::standard_webhooks::{self as webhooks, Headers, Keys};
use signalbox_model::directory::{Source, SourceFormat};
use signalbox_model::id::TenantId;
use signalbox_model::scope::{Actor, Role, TenantScope};
use signalbox_runtime::ports::Clock as _;
use signalbox_runtime::request::{Receive, Reply, Request as Asked};
use utoipa::IntoParams;

/// The largest message taken; what `formats` reads at most.
pub const MESSAGE_BYTES_MAX: usize = signalbox_formats::BYTES_MAX;
const SENDERS: &[Role] = &[Role::Integrator, Role::Admin, Role::Carrier, Role::Customer];
const CONTENT_TYPE_BYTES_MAX: usize = 255;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// The tenant, for signed messages that come without a bearer token.
    pub tenant: Option<String>,
}

/// Receive a raw message. It is stored before the answer, read afterwards, and never lost.
#[utoipa::path(
    post, path = "/in/{source}", tag = "messages",
    params(("source" = String, Path, description = "`edi`, `json`, … as set up under Sources"), Whose,
           ("Idempotency-Key" = Option<String>, Header, description = "The sender's own id for the delivery")),
    request_body(content = String, content_type = "application/octet-stream", description = "The message as it is, at most 20 MiB"),
    responses((status = 202, body = Accepted), (status = "4XX", body = ProblemBody), (status = "5XX", body = ProblemBody))
)]
pub async fn receive(
    State(edge): State<Edge>,
    Path(name): Path<String>,
    Query(whose): Query<Whose>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let address = Address::of(&parts);
    let headers = &parts.headers;
    let now = edge.clock.now();
    edge.failures.check(&address, now)?;
    let caller = match auth::bearer(headers) {
        Some(token) => Some(auth::caller(&edge, Some(token)).inspect_err(|_| edge.failures.note(&address, now))?),
        None => None,
    };
    let tenant = tenant(caller.as_ref(), whose.tenant)?;
    let Some(source) = edge
        .directories
        .of(&tenant)
        .and_then(|it| it.sources.get(&name).cloned())
    else {
        // Whoever is not signed in learns nothing of which tenants and sources there are.
        let known = Problem::new(
            "source_unknown",
            format!("There is no source named {name}. Set it up under Sources."),
        );
        return Err(if caller.is_some() { known } else { unsigned() });
    };
    let bytes = ask::bytes(body, MESSAGE_BYTES_MAX).await?;
    let from = caller.as_ref().and_then(|it| it.key.partner.clone());
    let scope = match sender(&edge, caller, &tenant, &source, headers, &bytes) {
        Ok(scope) => scope,
        Err(problem) => {
            edge.failures.note(&address, now);
            return Err(problem);
        }
    };
    let key = match source.secret {
        Some(_) => headers.get(webhooks::HEADER_ID).and_then(text).map(str::to_owned),
        None => ask::idempotency_key(headers)?,
    };
    let trace = parts.extensions.get::<Trace>().cloned().unwrap_or_default();
    let content_type = content_type(headers, source.format);
    let asked = Receive {
        scope,
        source: name,
        content_type,
        bytes,
        key,
        traceparent: trace.0,
        from,
    };
    accepted(edge.ask(Asked::Receive(asked)).await?)
}

fn tenant(caller: Option<&Caller>, named: Option<String>) -> Result<TenantId, Problem> {
    match (caller, named) {
        (Some(caller), _) => Ok(caller.scope.tenant().clone()),
        (None, Some(named)) if named != PLATFORM => Ok(TenantId(named)),
        (None, _) => auth_missing(),
    }
}

fn auth_missing() -> Result<TenantId, Problem> {
    let detail = "Send a bearer token, or a Standard Webhooks signature with `?tenant=` in the address.";
    Err(Problem::new("unauthenticated", detail))
}

fn unsigned() -> Problem {
    Problem::new(
        "signature_invalid",
        "The message is not signed with this source's secret.",
    )
}

/// Who sends it: by signature where the source has a secret, else by token.
fn sender(
    edge: &Edge,
    caller: Option<Caller>,
    tenant: &TenantId,
    source: &Source,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<TenantScope, Problem> {
    if let Some(secret) = &source.secret {
        verify(edge, tenant, secret, headers, body)?;
        let signed = || TenantScope::new(tenant.clone(), Actor::source(&source.name));
        return Ok(caller.map_or_else(signed, |it| it.scope));
    }
    let Some(caller) = caller else { return Err(unsigned()) };
    caller.require(SENDERS)?;
    Ok(caller.scope)
}

/// `secret` is the key itself (`whsec_…`) or its name in the secret store.
fn verify(edge: &Edge, tenant: &TenantId, secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    let stored = (edge.secrets)(tenant, secret);
    let key = stored.as_ref().map_or(secret, |it| it.expose().as_str());
    let Ok(keys) = Keys::parse(key) else {
        return Err(Problem::new(
            "signature_invalid",
            "This source's secret cannot be used. Correct it under Sources.",
        ));
    };
    let invalid = |why: webhooks::Unverified| Problem::new("signature_invalid", why.to_string());
    let signed = Headers::find(|name| headers.get(name).and_then(text)).map_err(invalid)?;
    webhooks::verify(&keys, &signed, body, edge.clock.now()).map_err(invalid)
}

fn content_type(headers: &HeaderMap, format: SourceFormat) -> String {
    let said = headers
        .get(CONTENT_TYPE)
        .and_then(text)
        .filter(|it| it.len() <= CONTENT_TYPE_BYTES_MAX);
    let usual = match format {
        SourceFormat::X12 => "application/edi-x12",
        SourceFormat::Json | SourceFormat::Telematics => "application/json",
        SourceFormat::Email => "message/rfc822",
    };
    said.unwrap_or(usual).to_owned()
}

fn accepted(reply: Reply) -> Result<Response, Problem> {
    let Reply::Accepted {
        message,
        duplicate,
        seq,
    } = reply
    else {
        return Err(ask::problem(reply));
    };
    let body = axum::Json(json!({"message": message, "duplicate": duplicate, "seq": seq}));
    Ok((StatusCode::ACCEPTED, [(SEQ_HEADER, HeaderValue::from(seq))], body).into_response())
}
