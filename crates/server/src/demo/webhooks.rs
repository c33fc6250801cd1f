//! Carriers whose own systems take offers by signed webhook: they check the signature and answer in their own time.

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use serde_json::Value;
use signalbox_connectors::standard_webhooks::{Headers, Keys, verify};
use signalbox_model::id::TenantId;
use signalbox_runtime::ports::Clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;

/// Name of the secret that offers to these carriers are signed with.
pub const SECRET: &str = "carriers";
/// Offers that wait to be looked at; beyond it the carriers' systems say "later".
const OFFERS_MAX: usize = 10_000;

/// The carriers' address, before anybody is told of it.
pub struct Carriers {
    listener: TcpListener,
    secret: String,
    offers: Arc<Offers>,
}

#[derive(Default)]
pub struct Offers(Mutex<BTreeMap<TenantId, Vec<Value>>>);

#[derive(Clone)]
struct Desk {
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    offers: Arc<Offers>,
}

impl Carriers {
    pub async fn listen() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("a port for the carriers' webhooks")?;
        let mut key = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
        let secret = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(key));
        Ok(Self {
            listener,
            secret,
            offers: Arc::default(),
        })
    }

    pub fn origin(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }

    /// Where a tenant's webhook carriers listen.
    pub fn url(&self, tenant: &TenantId) -> anyhow::Result<String> {
        Ok(format!("{}/{tenant}", self.origin()?))
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    pub fn offers(&self) -> Arc<Offers> {
        Arc::clone(&self.offers)
    }

    /// Takes offers until the demo ends.
    pub fn open(self, clock: Arc<dyn Clock>) -> anyhow::Result<tokio::task::JoinHandle<()>> {
        let keys = Arc::new(Keys::parse(&self.secret).context("the carriers' secret")?);
        let router = Router::new().route("/{tenant}", post(take)).with_state(Desk {
            keys,
            clock,
            offers: self.offers,
        });
        Ok(tokio::spawn(async move {
            if let Err(error) = axum::serve(self.listener, router).await {
                tracing::warn!("the carriers' webhook address ended: {error}");
            }
        }))
    }
}

impl Offers {
    /// The events that came for a tenant since the last look.
    pub fn take(&self, tenant: &TenantId) -> Vec<Value> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(tenant)
            .unwrap_or_default()
    }

    fn put(&self, tenant: TenantId, event: Value) -> bool {
        let mut offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = offers.entry(tenant).or_default();
        let has_room = waiting.len() < OFFERS_MAX;
        if has_room {
            waiting.push(event);
        }
        has_room
    }
}

async fn take(State(desk): State<Desk>, Path(tenant): Path<String>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &'static str| headers.get(name).and_then(|it| it.to_str().ok());
    let signed = Headers::find(header).and_then(|it| verify(&desk.keys, &it, &body, desk.clock.now()));
    if signed.is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    if desk.offers.put(TenantId(tenant), event) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
