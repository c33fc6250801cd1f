//! What carriers have of us: files in their folders, and webhooks that their systems took.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use signalbox_connectors::standard_webhooks::{HEADER_ID, Headers, Keys, verify};
use signalbox_runtime::ports::Clock;
use signalbox_sim::messages::{self, Told};
use std::collections::BTreeSet;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A message to a carrier, under the id of the effect that sent it.
pub type Taken = (String, Told);

/// The carriers' systems that take webhooks, at one address.
pub struct Systems {
    pub origin: String,
    pub secret: String,
    listener: Option<TcpListener>,
    desk: Desk,
}

#[derive(Clone, Default)]
struct Desk {
    taken: Arc<Mutex<Vec<Taken>>>,
    /// Carriers whose systems take nothing.
    shut: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Clone)]
struct Open {
    desk: Desk,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
}

impl Systems {
    pub async fn listen() -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|it| it.to_string())?;
        let address = listener.local_addr().map_err(|it| it.to_string())?;
        let key = base64::engine::general_purpose::STANDARD.encode([9; 32]);
        Ok(Self {
            origin: format!("http://{address}"),
            secret: format!("whsec_{key}"),
            listener: Some(listener),
            desk: Desk::default(),
        })
    }

    /// Takes webhooks from now on, by the same clock as the server: signatures are good for minutes.
    pub fn open(&mut self, clock: Arc<dyn Clock>) -> Result<(), String> {
        let keys = Arc::new(Keys::parse(&self.secret).map_err(|it| it.to_string())?);
        let listener = self.listener.take().ok_or("they are open")?;
        let open = Open {
            desk: self.desk.clone(),
            keys,
            clock,
        };
        let router = Router::new().route("/{scac}", post(take)).with_state(open);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(())
    }

    pub fn shut(&self, scac: &str) {
        self.desk.shut.lock().unwrap().insert(scac.to_owned());
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.desk.taken.lock().unwrap().clone()
    }
}

async fn take(State(open): State<Open>, Path(scac): Path<String>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if open.desk.shut.lock().unwrap().contains(&scac) {
        return StatusCode::GONE;
    }
    let header = |name: &'static str| headers.get(name).and_then(|it| it.to_str().ok());
    let signed = Headers::find(header).and_then(|it| verify(&open.keys, &it, &body, open.clock.now()));
    if signed.is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let Some(effect) = header(HEADER_ID) else {
        return StatusCode::BAD_REQUEST;
    };
    // What is about no offer is taken and not read back: its receipt is on the timeline.
    let Some(told) = messages::read_webhook(&body) else {
        return StatusCode::OK;
    };
    open.desk.taken.lock().unwrap().push((effect.to_owned(), told));
    StatusCode::OK
}

/// The 204s in a tenant's outbound folders, one a carrier.
pub fn files(tenant: &FilePath) -> Result<Vec<Taken>, String> {
    let mut taken = Vec::new();
    for carrier in entries(tenant)?.into_iter().filter(|it| it.is_dir()) {
        for file in entries(&carrier)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(effect) = name.strip_prefix("204-").and_then(|it| it.strip_suffix(".edi")) else {
                continue; // 997s stand beside them.
            };
            let body = std::fs::read(&file).map_err(|it| format!("{name}: {it}"))?;
            let told = messages::read_204(&body).ok_or_else(|| format!("{name} is no 204 of ours"))?;
            taken.push((effect.to_owned(), told));
        }
    }
    Ok(taken)
}

fn entries(folder: &FilePath) -> Result<Vec<std::path::PathBuf>, String> {
    let found = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found.map_err(|it| format!("{}: {it}", folder.display()))?,
    };
    found
        .map(|it| it.map(|it| it.path()).map_err(|it| it.to_string()))
        .collect()
}
