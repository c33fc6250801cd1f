//! The outside world, played: shippers order, carriers read their folders and webhooks and answer. It has only what
//! outsiders have: addresses, keys, folders.
//!
//! Invariant: nothing here touches the installation except over HTTP and the outbound folders.

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_connectors::standard_webhooks::{Headers, Keys, verify};
use signalbox_model::answer::Answer;
use signalbox_model::id::OfferId;
use signalbox_runtime::ports::Clock;
use signalbox_world::{Arrival, CarrierReply, Form, World};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tracing::warn;

use crate::wiring::ServerClock;

/// How often carriers look into their folders, real time.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Tries at one message before the sender gives up, with a growing pause between.
const TRIES_MAX: u32 = 8;
/// Answers that wait for their time.
const REPLIES_MAX: usize = 100_000;

/// One tenant's outside world.
pub struct Outside {
    pub base: String,
    /// An integrator's key.
    pub token: String,
    pub world: World,
    pub clock: Arc<ServerClock>,
    /// The tenant's folder under `outbound`.
    pub folder: PathBuf,
    /// Secret that webhooks to the world's carriers are signed with.
    pub webhook_secret: String,
}

struct Playing {
    outside: Outside,
    http: reqwest::Client,
    replies: Mutex<BinaryHeap<Reverse<Due>>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Timestamp,
    scac: String,
    reference: String,
    offer: Option<OfferId>,
    answer: Answer,
    by_webhook: bool,
}

impl Outside {
    /// Enters partners and routing guide, as an integrator does.
    pub async fn furnish(&self) -> anyhow::Result<()> {
        let http = client()?;
        for partner in self.world.partners() {
            let path = format!("{}/api/v1/partners/{}", self.base, partner.id);
            put(&http, &path, &self.token, &serde_json::to_value(&partner)?).await?;
        }
        let guide: Value = serde_json::from_str(&self.world.routing_guide())?;
        put(&http, &format!("{}/api/v1/tables/routing-guide", self.base), &self.token, &guide).await
    }

    /// Plays until `orders` are sent and `stop` says so. Webhook carriers listen on `listener`.
    pub async fn play(
        self,
        orders: Vec<Arrival>,
        listener: Option<tokio::net::TcpListener>,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let playing = Arc::new(Playing { outside: self, http: client()?, replies: Mutex::default() });
        let mut tasks = tokio::task::JoinSet::new();
        if let Some(listener) = listener {
            let router = Router::new().route("/{carrier}", post(take_webhook)).with_state(Arc::clone(&playing));
            tasks.spawn(async move {
                if let Err(error) = axum::serve(listener, router).await {
                    warn!("the carriers' webhook address ended: {error}");
                }
            });
        }
        tasks.spawn(Arc::clone(&playing).send_orders(orders));
        tasks.spawn(Arc::clone(&playing).read_folders());
        tasks.spawn(playing.send_replies());
        let mut stop = stop;
        // An error means that whoever could say "stop" is gone, which is the same.
        let _ = stop.wait_for(|it| *it).await;
        tasks.shutdown().await;
        Ok(())
    }
}

impl Playing {
    async fn send_orders(self: Arc<Self>, orders: Vec<Arrival>) {
        for order in orders {
            tokio::time::sleep(self.outside.clock.wait_until(order.at)).await;
            let (source, kind) = match order.form {
                Form::X12 => ("edi", "application/edi-x12"),
                Form::Json => ("json", "application/json"),
            };
            self.send(source, kind, order.body).await;
        }
    }

    async fn read_folders(self: Arc<Self>) {
        let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
        loop {
            for (scac, path) in self.new_files(&mut seen) {
                let Ok(bytes) = tokio::fs::read(&path).await else { continue };
                if let Some(reply) = self.outside.world.reads_tender(&scac, &bytes) {
                    self.keep(reply, false);
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn new_files(&self, seen: &mut BTreeSet<PathBuf>) -> Vec<(String, PathBuf)> {
        let mut files = Vec::new();
        let Ok(folders) = std::fs::read_dir(&self.outside.folder) else { return files };
        for folder in folders.flatten() {
            let scac = folder.file_name().to_string_lossy().into_owned();
            let Ok(entries) = std::fs::read_dir(folder.path()) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                let tender = entry.file_name().to_string_lossy().starts_with("204-");
                if tender && !seen.contains(&path) {
                    seen.insert(path.clone());
                    files.push((scac.clone(), path));
                }
            }
        }
        files
    }

    fn keep(&self, reply: CarrierReply, by_webhook: bool) {
        let now = self.outside.clock.now();
        let at = now.saturating_add(reply.after).unwrap_or(Timestamp::MAX);
        let CarrierReply { scac, reference, offer, answer, .. } = reply;
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        if replies.len() < REPLIES_MAX {
            replies.push(Reverse(Due { at, scac, reference, offer, answer, by_webhook }));
        }
    }

    async fn send_replies(self: Arc<Self>) {
        let mut control_number = 0;
        loop {
            let now = self.outside.clock.now();
            let due = {
                let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
                match replies.peek() {
                    Some(Reverse(first)) if first.at <= now => replies.pop(),
                    _ => None, // Nothing is due yet.
                }
            };
            let Some(Reverse(due)) = due else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            control_number += 1;
            self.answer(due, control_number, now).await;
        }
    }

    async fn answer(&self, due: Due, control_number: u32, now: Timestamp) {
        let Due { scac, reference, offer, answer, by_webhook, .. } = due;
        if by_webhook {
            let body = json!({"carrier": scac, "reference": reference, "offer": offer, "answer": answer});
            return self.send("json", "application/json", body.to_string()).await;
        }
        let reply = CarrierReply { after: SignedDuration::ZERO, scac, reference, offer, answer };
        if let Some(x12) = self.outside.world.answer_x12(&reply, control_number, now) {
            self.send("edi", "application/edi-x12", x12).await;
        }
    }

    /// Sends until it is taken: what the door says for "later" is tried again, as a partner's system does.
    async fn send(&self, source: &str, content_type: &str, body: String) {
        let url = format!("{}/in/{source}", self.outside.base);
        for attempt in 0..TRIES_MAX {
            let request = self.http.post(&url).bearer_auth(&self.outside.token).header("content-type", content_type);
            match request.body(body.clone()).send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) if answer.status().is_client_error() && answer.status() != StatusCode::TOO_MANY_REQUESTS => {
                    return warn!("{url} refused a message: {}", answer.status());
                }
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50 << attempt)).await,
            }
        }
        warn!("{url} took no message in {TRIES_MAX} tries");
    }
}

/// A carrier's own system takes an offer: it checks who sent it, and answers in its own time.
async fn take_webhook(State(playing): State<Arc<Playing>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &'static str| headers.get(name).and_then(|it| it.to_str().ok());
    let Ok(keys) = Keys::parse(&playing.outside.webhook_secret) else { return StatusCode::INTERNAL_SERVER_ERROR };
    let signed = Headers::find(header).and_then(|it| verify(&keys, &it, &body, jiff::Timestamp::now()));
    let on_their_clock = Headers::find(header).and_then(|it| verify(&keys, &it, &body, playing.outside.clock.now()));
    if signed.is_err() && on_their_clock.is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let text = |name: &str| event["data"][name].as_str().unwrap_or_default().to_owned();
    if event["type"] == "dispatch.offer.made" {
        let offer = Some(OfferId(text("offer")));
        if let Some(reply) = playing.outside.world.decides(&text("carrier"), &text("reference"), offer) {
            playing.keep(reply, true);
        }
    }
    StatusCode::OK
}

fn client() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder().timeout(Duration::from_secs(10)).build().context("an HTTP client")
}

async fn put(http: &reqwest::Client, url: &str, token: &str, body: &Value) -> anyhow::Result<()> {
    let answer = http.put(url).bearer_auth(token).json(body).send().await?;
    let status = answer.status();
    anyhow::ensure!(status.is_success(), "PUT {url}: {status} {}", answer.text().await.unwrap_or_default());
    Ok(())
}
