//! The contract: `/openapi.json`, a reference page made from it at `/docs`, and a page for each problem code.
//!
//! The reference is plain HTML, made here: no script, nothing from other hosts.

use super::problem::{self, Problem};
use super::{Edge, auth};
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use signalbox_model::rejection::Rejection;
use std::fmt::Write as _;
use std::sync::Arc;
use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

include!(concat!(env!("OUT_DIR"), "/problems.rs"));

const STYLE: &str = "/docs/style.css";
const STYLESHEET: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#1b1f24;background:#fff}h1,h2,h3{line-height:1.2}h3{margin-top:2rem}code,pre{font:14px/1.4 ui-monospace,monospace}\
    pre{background:#f3f4f6;padding:.75rem;overflow:auto;white-space:pre-wrap}b.method{display:inline-block;min-width:3.5rem}\
    table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}\
    @media (prefers-color-scheme:dark){body{color:#e6e6e6;background:#15181c}pre{background:#22262b}a{color:#8ab4f8}}";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Signalbox", description = "Dispatch automation. Every POST takes an Idempotency-Key; every acceptance carries its place in the log."),
    tags(
        (name = "session", description = "Who one is"),
        (name = "work", description = "The board, the inbox and what people do there"),
        (name = "automation", description = "How far automation may act, and what it holds back"),
        (name = "orders", description = "Orders in"),
        (name = "messages", description = "Raw messages in, and those that could not be read"),
        (name = "directory", description = "Partners, sources, settings, tables and keys"),
        (name = "audit", description = "Proof of what was decided")
    ),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Base;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("sbx_…")
            .build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

pub fn base() -> OpenApi {
    <Base as utoipa::OpenApi>::openapi()
}

/// The contract as it is committed and served.
pub fn document() -> anyhow::Result<String> {
    let (_, document) = super::described().split_for_parts();
    text(&document)
}

fn text(document: &OpenApi) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}

pub fn routes(document: OpenApi) -> Router<Edge> {
    let json: Arc<str> = text(&document).unwrap_or_default().into();
    let page: Arc<str> = serde_json::from_str(&json)
        .map(|it| reference(&it))
        .unwrap_or_default()
        .into();
    Router::new()
        .route(
            "/openapi.json",
            get(move || async move { typed("application/json", json.to_string()) }),
        )
        .route(
            "/docs",
            get(move || async move { typed("text/html; charset=utf-8", page.to_string()) }),
        )
        .route(
            STYLE,
            get(|| async { typed("text/css; charset=utf-8", STYLESHEET.to_owned()) }),
        )
        .route("/docs/errors/{code}", get(explained))
}

fn typed(kind: &'static str, body: String) -> Response {
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
        body,
    )
        .into_response()
}

/// A problem code's page: HTML for browsers, Markdown for all others.
async fn explained(Path(code): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some((_, page)) = PAGES.iter().find(|it| it.0 == code) else {
        return Err(Problem::new("not_found", "There is no problem with this code."));
    };
    let is_browser = headers
        .get(header::ACCEPT)
        .and_then(auth::text)
        .is_some_and(|it| it.contains("text/html"));
    if !is_browser {
        return Ok(typed("text/markdown; charset=utf-8", (*page).to_owned()));
    }
    Ok(typed(
        "text/html; charset=utf-8",
        html(&code, &format!("<pre>{}</pre>", escaped(page))),
    ))
}

fn html(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Signalbox</title><link rel=\"stylesheet\" href=\"{STYLE}\"></head><body>\n{body}\n</body></html>\n"
    )
}

/// The whole reference as one page.
fn reference(document: &Value) -> String {
    let mut page = "<h1>Signalbox API</h1>\n<p>Send <code>Authorization: Bearer sbx_…</code> with every request. \
        The machine-readable contract is <a href=\"/openapi.json\">/openapi.json</a> (OpenAPI 3.1).</p>\n"
        .to_owned();
    let empty = serde_json::Map::new();
    let paths = document.get("paths").and_then(Value::as_object).unwrap_or(&empty);
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap_or(&empty) {
            operation_section(&mut page, path, method, operation);
        }
    }
    page.push_str("<h2>Problems</h2>\n<table>\n");
    for (code, status, title) in problem_codes() {
        let _ = writeln!(
            page,
            "<tr><td>{status}<td><a href=\"/docs/errors/{code}\"><code>{code}</code></a><td>{}",
            escaped(&title)
        );
    }
    page.push_str("</table>\n<h2>Shapes</h2>\n");
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    for (name, schema) in schemas {
        let shown = serde_json::to_string_pretty(schema).unwrap_or_default();
        let _ = writeln!(
            page,
            "<h3 id=\"{0}\">{0}</h3>\n<pre>{1}</pre>",
            escaped(name),
            escaped(&shown)
        );
    }
    html("API", &page)
}

fn operation_section(page: &mut String, path: &str, method: &str, operation: &Value) {
    let text = |pointer: &str| operation.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let summary = if text("/summary").is_empty() {
        text("/description")
    } else {
        text("/summary")
    };
    let _ = writeln!(
        page,
        "<h3><b class=\"method\">{}</b> <code>{}</code></h3>\n<p>{}</p>",
        method.to_uppercase(),
        escaped(path),
        escaped(summary)
    );
    let parameters = operation
        .get("parameters")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if !parameters.is_empty() {
        page.push_str("<table>\n");
        for parameter in parameters {
            let field = |name: &str| parameter.get(name).and_then(Value::as_str).unwrap_or_default();
            let (name, place, why) = (
                escaped(field("name")),
                escaped(field("in")),
                escaped(field("description")),
            );
            let _ = writeln!(page, "<tr><td><code>{name}</code><td>{place}<td>{why}");
        }
        page.push_str("</table>\n");
    }
    if let Some(name) = shape(operation.pointer("/requestBody/content")) {
        let _ = writeln!(page, "<p>Body: <a href=\"#{0}\">{0}</a></p>", escaped(&name));
    }
    let empty = serde_json::Map::new();
    for (status, response) in operation.get("responses").and_then(Value::as_object).unwrap_or(&empty) {
        if let Some(name) = shape(response.get("content")) {
            let _ = writeln!(
                page,
                "<p>{}: <a href=\"#{1}\">{1}</a></p>",
                escaped(status),
                escaped(&name)
            );
        }
    }
}

/// The named schema of a content object.
fn shape(content: Option<&Value>) -> Option<String> {
    let first = content?.as_object()?.values().next()?;
    let name = first.pointer("/schema/$ref")?.as_str()?.rsplit('/').next()?;
    Some(name.to_owned())
}

/// Every code with its status and title, those of the edge first.
fn problem_codes() -> Vec<(String, u16, String)> {
    let edge = problem::CODES.iter().map(|it| (it.0.to_owned(), it.1, it.2.to_owned()));
    let pages = PAGES
        .iter()
        .filter(|it| problem::CODES.iter().all(|known| known.0 != it.0));
    let trade = pages.filter_map(|(code, _)| {
        let rejection: Rejection = serde_json::from_value(Value::String((*code).to_owned())).ok()?;
        let (code, status) = problem::of_rejection(rejection);
        Some((code.to_owned(), status.as_u16(), rejection.explain().to_owned()))
    });
    edge.chain(trade).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
