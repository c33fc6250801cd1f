//! The console's files, inside the binary, compressed at build time.
//!
//! Invariant: a path that is no file is a page of the console only for a browser that asks for HTML outside the API;
//! everything else is a 404, so that a missing script never arrives as a page.

use super::auth::text;
use super::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// One file: its path, type, tag and bytes, plain and compressed.
struct Asset {
    path: &'static str,
    content_type: &'static str,
    etag: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Never pages of the console, whatever a browser accepts.
const OTHER_ROOTS: &[&str] = &[
    "api",
    "in",
    "t",
    "d",
    "docs",
    "assets",
    "healthz",
    "readyz",
    "metrics",
    "openapi.json",
];
const A_YEAR_UNCHANGED: &str = "public, max-age=31536000, immutable";

/// Whether the binary carries the console, or a page that says how to build it.
pub fn has_console() -> bool {
    HAS_CONSOLE
}

pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if method != Method::GET && method != Method::HEAD {
        return missing();
    }
    if let Some(asset) = ASSETS.iter().find(|it| it.path == path) {
        return answer(asset, &headers);
    }
    let root = path.split('/').next().unwrap_or_default();
    let accepts_html = headers
        .get(header::ACCEPT)
        .and_then(text)
        .is_some_and(|it| it.contains("text/html"));
    let page = ASSETS.iter().find(|it| it.path == "index.html");
    match page.filter(|_| accepts_html && !OTHER_ROOTS.contains(&root)) {
        Some(page) => answer(page, &headers),
        None => missing(),
    }
}

fn missing() -> Response {
    Problem::new("not_found", "There is nothing at this path. /docs names what there is.").into_response()
}

fn answer(asset: &Asset, headers: &HeaderMap) -> Response {
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(text)
        .is_some_and(|it| it.contains(asset.etag));
    let takes_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(text)
        .is_some_and(|it| it.contains("gzip"));
    let gzip = asset.gzip.filter(|_| takes_gzip);
    let body = if is_known {
        Body::empty()
    } else {
        Body::from(gzip.unwrap_or(asset.plain))
    };
    let status = if is_known {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    };
    let mut response = (status, body).into_response();
    let sent = response.headers_mut();
    sent.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    sent.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    sent.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // A file whose name holds its content's hash never changes under that name.
    let lasting = if asset.path.starts_with("assets/") {
        A_YEAR_UNCHANGED
    } else {
        "no-cache"
    };
    sent.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasting));
    if gzip.is_some() {
        sent.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
