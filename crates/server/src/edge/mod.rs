//! HTTP: what comes in is authenticated, bounded and handed on; what goes out says what happened and what to do.
//!
//! Invariant: only `/in/*` answers 202; every other acceptance carries its outcome. No handler reaches the store
//! without the scope of its caller.

mod ask;
mod assets;
mod audit;
mod auth;
mod automation;
mod capacity;
mod directory;
mod docs;
mod documents;
mod failures;
mod health;
mod inbound;
mod kpis;
mod layers;
mod live;
mod loads;
mod mails;
mod orders;
mod path;
mod personal;
mod problem;
mod shapes;
mod timeline;
mod trips;
mod views;
mod work;

pub use assets::has_console;
pub use auth::Caller;
pub use docs::document;
pub use problem::Problem;

use crate::wiring::{Directories, Handle, Installation, Live, ServerClock};
use axum::Router;
use axum::routing::get;
use failures::Failures;
use metrics_exporter_prometheus::PrometheusHandle;
use signalbox_connectors::secret::Secrets;
use signalbox_runtime::ports::Store;
use signalbox_runtime::vault::Vault;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Reads of the store at once. More wait their turn.
const READS_MAX: usize = 32;

/// What every handler has at hand. Cheap to clone.
#[derive(Clone)]
pub struct Edge {
    pub pump: Handle,
    pub store: Arc<dyn Store>,
    pub vault: Arc<Vault>,
    pub clock: Arc<ServerClock>,
    pub directories: Arc<Directories>,
    pub live: Arc<Live>,
    pub secrets: Secrets,
    pub failures: Arc<Failures>,
    pub reads: Arc<Semaphore>,
    pub uploads: Arc<Semaphore>,
    pub followers: Arc<AtomicUsize>,
    pub kpis: Arc<kpis::Kept>,
    pub probe: health::Probe,
    pub metrics: PrometheusHandle,
}

/// The trace context of a request: stored with what it causes.
#[derive(Clone, Debug, Default)]
pub struct Trace(pub Option<String>);

impl Edge {
    pub fn of(installation: &Installation, metrics: PrometheusHandle) -> Self {
        Self {
            pump: installation.pump.clone(),
            store: Arc::clone(&installation.store),
            vault: Arc::clone(&installation.vault),
            clock: Arc::clone(&installation.clock),
            directories: Arc::clone(&installation.directories),
            live: Arc::clone(&installation.live),
            secrets: Arc::clone(&installation.secrets),
            failures: Arc::default(),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            uploads: Arc::new(Semaphore::new(documents::UPLOADS_MAX)),
            followers: Arc::default(),
            kpis: Arc::default(),
            probe: health::Probe::default(),
            metrics,
        }
    }
}

/// Everything that is served; `beside` are the demo's own pages.
pub fn router(edge: Edge, beside: Router<Edge>) -> Router {
    let (described, document) = described().split_for_parts();
    let router = described
        .merge(docs::routes(document))
        .merge(beside)
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .fallback(assets::serve);
    layers::around(router, edge)
}

/// The routes of the contract, each with its description.
fn described() -> OpenApiRouter<Edge> {
    OpenApiRouter::with_openapi(docs::base())
        .routes(routes!(inbound::receive))
        .routes(routes!(views::me))
        .routes(routes!(views::board))
        .routes(routes!(kpis::kpis))
        .routes(routes!(views::inbox))
        .routes(routes!(views::quarantine))
        .routes(routes!(live::live))
        .routes(routes!(orders::create))
        .routes(routes!(loads::load))
        .routes(routes!(mails::mails))
        .routes(routes!(path::path))
        .routes(routes!(timeline::timeline))
        .routes(routes!(documents::documents, documents::attach))
        .routes(routes!(documents::document))
        .routes(routes!(trips::put_vehicle))
        .routes(routes!(views::vehicles))
        .routes(routes!(trips::sites))
        .routes(routes!(trips::put_site))
        .routes(routes!(work::answer_offer))
        .routes(routes!(work::decide_approval))
        .routes(routes!(work::resolve_exception))
        .routes(routes!(automation::automation, automation::switch))
        .routes(routes!(automation::decide_held))
        .routes(routes!(automation::cover))
        .routes(routes!(work::reprocess))
        .routes(routes!(work::raw_message))
        .routes(routes!(directory::partners))
        .routes(routes!(directory::partner, directory::put_partner))
        .routes(routes!(capacity::put_capacity))
        .routes(routes!(capacity::capacity))
        .routes(routes!(directory::sources))
        .routes(routes!(directory::source, directory::put_source))
        .routes(routes!(directory::settings, directory::put_settings))
        .routes(routes!(directory::put_table))
        .routes(routes!(directory::create_key))
        .routes(routes!(audit::checkpoint))
        .routes(routes!(audit::export))
}
