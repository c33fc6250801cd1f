//! What surrounds every handler: headers that browsers obey, panics caught, requests counted, traces continued.

use super::auth::text;
use super::problem::Problem;
use super::{Edge, Trace};
use crate::telemetry;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use metrics::{counter, histogram};
use std::any::Any;
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument as _, info_span};

/// Nothing from elsewhere, nothing inline, in no frame. Workers may come from a blob: maps make them so.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

static HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=()",
    ),
];

pub fn around(router: Router<Edge>, edge: Edge) -> Router {
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::map_response(secured))
        .layer(middleware::from_fn(watched))
        .with_state(edge)
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}

async fn secured(response: Response) -> Response {
    // What axum itself refuses has no body; a program that reads problems gets one here too.
    let is_bare = response.headers().get(header::CONTENT_TYPE).is_none();
    let mut response = if response.status() == StatusCode::METHOD_NOT_ALLOWED && is_bare {
        let allowed = response.headers().get(header::ALLOW).cloned();
        let mut problem = Problem::new("method_not_allowed", "See /docs for the methods of each path.").into_response();
        if let Some(allowed) = allowed {
            problem.headers_mut().insert(header::ALLOW, allowed);
        }
        problem
    } else {
        response
    };
    let headers = response.headers_mut();
    for (name, value) in &HEADERS {
        if !headers.contains_key(name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Counts, times and traces a request.
async fn watched(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("console", MatchedPath::as_str)
        .to_owned();
    let method = method_name(request.method());
    let incoming = request
        .headers()
        .get(telemetry::TRACEPARENT)
        .and_then(text)
        .map(str::to_owned);
    let span = info_span!("request", http.method = method, http.route = %route);
    telemetry::follow(&span, incoming.as_deref());
    let traceparent = telemetry::traceparent(&span, incoming.as_deref());
    request.extensions_mut().insert(Trace(traceparent));
    let response = next.run(request).instrument(span).await;
    let status = response.status().as_u16().to_string();
    counter!("signalbox_http_requests_total", "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    histogram!("signalbox_http_seconds", "method" => method, "route" => route).record(started.elapsed().as_secs_f64());
    response
}

/// A closed set, so that nobody makes time series by inventing methods.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    }
}
