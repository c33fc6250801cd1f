//! The demo's own page: sign in as anybody with one click, play the stories, read the customers' letters.
//!
//! Invariant: there is no such page but in a demo, and it answers only this machine. A token leaves it only in the answer
//! to a request that a page of another origin cannot make, and never in an address.

use super::people::{Cast, Tenant};
use crate::edge::{Edge, Problem};
use axum::extract::{ConnectInfo, Path, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_world::{Marked, World};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// A header that a browser lets only pages of the same origin send.
const OWN: HeaderName = HeaderName::from_static("x-signalbox-demo");
/// Letters shown, newest first.
const LETTERS_SHOWN_MAX: usize = 20;
const LETTER_BYTES_MAX: u64 = 64 * 1024;

/// What the page shows, once everybody is there.
pub struct Stage {
    cast: OnceLock<Arc<Cast>>,
    letters: PathBuf,
}

impl Stage {
    pub fn new(letters: PathBuf) -> Self {
        Self {
            cast: OnceLock::new(),
            letters,
        }
    }

    pub fn open(&self, cast: Arc<Cast>) {
        // Opened once; a second time changes nothing.
        let _ = self.cast.set(cast);
    }

    fn tenant(&self, id: &str) -> Result<&Tenant, Problem> {
        let tenants = self.cast.get().map(|it| it.tenants.as_slice()).unwrap_or_default();
        let known = tenants.iter().find(|it| it.id.as_str() == id);
        known.ok_or_else(|| {
            Problem::new(
                "not_found",
                "There is no such tenant in this demo, or it is not open yet.",
            )
        })
    }
}

pub fn routes(stage: &Arc<Stage>) -> Router<Edge> {
    Router::new()
        .route("/demo", get(page))
        .route("/demo/page.css", get(style))
        .route("/demo/page.js", get(script))
        .route("/demo/people", get(people))
        .route("/demo/sign-in", post(sign_in))
        .route("/demo/stories/{story}", post(play))
        .route("/demo/letters/{tenant}", get(letters))
        .layer(middleware::from_fn(on_this_machine))
        .layer(Extension(Arc::clone(stage)))
}

/// Only for a browser on this machine that knows it by its own name: a name that somebody else's server gave it, or a page
/// of another origin, gets nothing but the plain files.
async fn on_this_machine(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_near = peer.is_some_and(|it| it.0.ip().to_canonical().is_loopback());
    let is_plain = matches!(request.uri().path(), "/demo" | "/demo/page.css" | "/demo/page.js");
    if !is_near || !is_own_name(request.headers()) || !(is_plain || request.headers().contains_key(OWN)) {
        let detail = "The demo's page answers only a browser on the machine it runs on, at 127.0.0.1 or localhost.";
        return Problem::new("not_found", detail).into_response();
    }
    next.run(request).await
}

fn is_own_name(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn file(kind: &'static str, text: &'static str) -> Response {
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
        text,
    )
        .into_response()
}

async fn page() -> Response {
    file("text/html; charset=utf-8", include_str!("page/page.html"))
}

async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/page.css"))
}

async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("page/page.js"))
}

/// Tenants, and in each who has which role.
async fn people(Extension(stage): Extension<Arc<Stage>>) -> Json<Value> {
    let tenants = stage.cast.get().map(|it| it.tenants.as_slice()).unwrap_or_default();
    let told = tenants
        .iter()
        .map(|it| json!({"id": it.id, "name": it.name, "people": it.people}));
    Json(json!({"tenants": told.collect::<Vec<_>>()}))
}

#[derive(Deserialize)]
struct Who {
    tenant: String,
    role: String,
}

async fn sign_in(Extension(stage): Extension<Arc<Stage>>, Json(who): Json<Who>) -> Result<Json<Value>, Problem> {
    let token = stage.tenant(&who.tenant)?.tokens.get(&who.role);
    let token = token.ok_or_else(|| Problem::new("not_found", "Nobody in this demo has that role."))?;
    Ok(Json(json!({ "token": token })))
}

#[derive(Deserialize)]
struct Where {
    tenant: String,
}

/// Makes a story's trouble in the tenant's world: each time anew, with a load of its own.
async fn play(
    Extension(stage): Extension<Arc<Stage>>,
    Path(story): Path<String>,
    Json(place): Json<Where>,
) -> Result<Json<Value>, Problem> {
    let tenant = stage.tenant(&place.tenant)?;
    let cause: fn(&mut World) -> Option<Marked> = match story.as_str() {
        "late" => World::storm_over_a_truck,
        "silent" => World::order_for_a_silent_carrier,
        "broken" => World::spoilt_order,
        _ => {
            return Err(Problem::new(
                "not_found",
                "The stories are `late`, `silent` and `broken`.",
            ));
        }
    };
    let marked = cause(&mut tenant.world());
    let Some(Marked { reference, who }) = marked else {
        let detail = "No loaded truck is on its way just now. Wait a moment, or start the demo with --history 24h.";
        return Err(Problem::new("not_found", detail));
    };
    Ok(Json(json!({"story": story, "reference": reference, "who": who})))
}

/// The newest letters that customers got, as they came.
async fn letters(Extension(stage): Extension<Arc<Stage>>, Path(tenant): Path<String>) -> Result<Json<Value>, Problem> {
    stage.tenant(&tenant)?;
    let folder = stage.letters.clone();
    let read = tokio::task::spawn_blocking(move || newest(&folder))
        .await
        .map_err(Problem::internal)?;
    Ok(Json(json!({ "letters": read })))
}

fn newest(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let whole = entries
        .map(|it| it.path())
        .filter(|it| it.extension().is_some_and(|it| it == "eml"));
    let mut files: Vec<PathBuf> = whole.collect();
    files.sort();
    let is_small = |it: &&PathBuf| std::fs::metadata(it).is_ok_and(|it| it.len() <= LETTER_BYTES_MAX);
    let shown = files.iter().rev().take(LETTERS_SHOWN_MAX).filter(is_small);
    shown.filter_map(|it| std::fs::read_to_string(it).ok()).collect()
}
