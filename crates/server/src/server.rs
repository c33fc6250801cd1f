//! A server: an installation, the edge around it, and a listener. `serve`, `demo`, `bench` and the tests start it alike.

use crate::edge::{self, Edge};
use crate::wiring::{Installation, Setup, Standing};
use anyhow::Context as _;
use axum::Router;
use axum::serve::ListenerExt as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::info;

/// How long requests under way may take to end when the server stops.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Bounds of latency histograms, seconds.
const SECONDS: &[f64] = &[
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// Bounds of how many turns a commit carries.
const TURNS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];

pub struct Server {
    pub address: SocketAddr,
    pub installation: Arc<Installation>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts on an address; port 0 takes a free one. Everything is recovered and readable when this returns.
    pub async fn start(setup: Setup, listen: &str) -> anyhow::Result<Self> {
        Self::start_beside(setup, listen, Router::new()).await
    }

    /// The same with routes of the caller's own beside those of the contract.
    pub(crate) async fn start_beside(setup: Setup, listen: &str, beside: Router<Edge>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("cannot listen on {listen}. Is another program using the port? Choose one with --listen")
        })?;
        let address = listener.local_addr()?;
        let metrics = recorder()?;
        let installation = tokio::task::spawn_blocking(move || Installation::start(&setup)).await??;
        let installation = Arc::new(installation);
        let router =
            edge::router(Edge::of(&installation, metrics), beside).into_make_service_with_connect_info::<SocketAddr>();
        let (stop, mut stopped) = watch::channel(false);
        let serving = tokio::spawn(async move {
            let wait = async move {
                // The sender is dropped with the server, which is a wish to stop as well.
                let _ = stopped.wait_for(|it| *it).await;
            };
            axum::serve(listener.tap_io(no_delay), router)
                .with_graceful_shutdown(wait)
                .await
        });
        Ok(Self {
            address,
            installation,
            stop,
            serving,
        })
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Resolves when the writer has ended by itself, with the reason.
    pub async fn died(&self) -> String {
        let mut standing = self.installation.pump.standing();
        let ended = standing.wait_for(|it| *it != Standing::Writing).await;
        match ended.as_deref() {
            Ok(Standing::Dead(why)) => why.clone(),
            Ok(Standing::Writing | Standing::Stopped) | Err(_) => "the writer has ended".to_owned(),
        }
    }

    /// Takes no more connections, lets what is under way end, brings the indexes up to date and closes the store.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(DRAIN_MAX, self.serving).await.is_err() {
            info!("some connections were still open and have been closed");
        }
        let installation = self.installation;
        // It cannot fail but by a panic, which the log holds.
        let _ = tokio::task::spawn_blocking(move || installation.stop()).await;
    }
}

/// Answers leave at once: they are small, and nobody waits for more of them.
fn no_delay(stream: &mut TcpStream) {
    // A socket that cannot be set works all the same, only slower.
    let _ = stream.set_nodelay(true);
}

/// The process's metrics, installed once.
fn recorder() -> anyhow::Result<PrometheusHandle> {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Full("signalbox_batch_turns".to_owned()), TURNS)?
        .build_recorder();
    let made = handle.handle();
    // A second server in one process (tests) shares the first one's figures.
    if metrics::set_global_recorder(handle).is_ok() {
        return Ok(RECORDER.get_or_init(|| made).clone());
    }
    Ok(RECORDER.get().cloned().unwrap_or(made))
}
