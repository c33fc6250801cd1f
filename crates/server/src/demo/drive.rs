//! The world acts: what its partners say is posted to the sources, what they are sent is fetched and read.
//!
//! Invariant: it knows only what comes in at the partners' own doors: carriers' folders and webhook address, customers'
//! mailbox.

use super::desk::Desk;
use super::mailbox;
use super::people::{Cast, Tenant};
use super::webhooks::Offers;
use crate::server::Server;
use crate::wiring::{Hand, Installation, Overflow};
use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use signalbox_engine::views;
use signalbox_model::scope::TenantScope;
use signalbox_model::view::{PAGE_ROWS_MAX, ViewQuery};
use signalbox_runtime::kpis;
use signalbox_runtime::ports::Clock as _;
use signalbox_world::{Door, Said};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tracing::warn;

/// How often the world is looked after while its clock runs by itself, in our time.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// What the outcome's figures cover: all that a demo has lived through.
const FIGURES_OVER: SignedDuration = SignedDuration::from_hours(24 * 366);
/// Requests that are tried again before one is given up.
const ATTEMPTS_MAX: u32 = 5;
/// The clock moved by hand stops at least this often.
const STRIDE: SignedDuration = SignedDuration::from_secs(60);
/// How often trucks report while a hand moves the clock, and while it runs: seconds.
const REPORT_FAST_S: i64 = 120;
const REPORT_LIVE_S: i64 = 60;

/// Everybody outside the server.
pub struct Troupe {
    players: Vec<Player>,
}

struct Player {
    client: Client,
    base: String,
    /// Where carriers' files appear, and where they are put once fetched.
    outbound: PathBuf,
    fetched: PathBuf,
    /// The customers' mailbox, and how many of its letters were read.
    letters: PathBuf,
    read: AtomicUsize,
    tenant: Tenant,
    offers: std::sync::Arc<Offers>,
    desk: Desk,
}

impl Troupe {
    pub fn gather(
        server: &Server,
        cast: &Cast,
        offers: &std::sync::Arc<Offers>,
        letters: &Path,
    ) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(Duration::from_secs(30)).build()?;
        let data_dir = &server.installation.data_dir;
        let player = |tenant: &Tenant| Player {
            client: client.clone(),
            base: server.base(),
            outbound: data_dir.outbound().join(tenant.id.as_str()),
            fetched: data_dir.path().join("fetched").join(tenant.id.as_str()),
            letters: letters.to_owned(),
            read: AtomicUsize::new(0),
            offers: std::sync::Arc::clone(offers),
            desk: Desk::new(client.clone(), server.base(), tenant),
            tenant: tenant.clone(),
        };
        Ok(Self {
            players: cast.tenants.iter().map(player).collect(),
        })
    }

    /// Lives up to `until` as fast as everything comes to rest, with a dispatcher at each tenant's desk.
    pub async fn live_by_hand(&mut self, hand: &Hand, until: Timestamp) -> anyhow::Result<()> {
        for player in &self.players {
            player.tenant.world().report_every(REPORT_FAST_S);
        }
        let began = Instant::now();
        let stuck = |why: Overflow| anyhow::anyhow!("the server does not come to rest: {why:?}");
        while hand.now() < until {
            let next = hand.now().saturating_add(STRIDE)?.min(until);
            hand.set(next).map_err(stuck)?;
            hand.rest().await.map_err(stuck)?;
            futures::future::join_all(self.players.iter().map(|it| it.act(next))).await;
            hand.rest().await.map_err(stuck)?;
            futures::future::join_all(self.players.iter_mut().map(|it| it.desk.look(next))).await;
        }
        tracing::info!("lived up to {until} in {:.1} s", began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Goes on with the clock, until the world's time is over; for good without an end.
    pub async fn live_on(&self, installation: &Installation, until: Option<Timestamp>) {
        for player in &self.players {
            player.tenant.world().report_every(REPORT_LIVE_S);
        }
        loop {
            let now = installation.clock.now();
            if until.is_some_and(|it| now >= it) {
                return;
            }
            futures::future::join_all(self.players.iter().map(|it| it.act(now))).await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Player {
    /// Hears what came, lives up to `now`, and posts what was said meanwhile, in order.
    async fn act(&self, now: Timestamp) {
        self.hear();
        let said = self.tenant.world().advance(now);
        for message in said {
            self.post(&message).await;
        }
    }

    fn hear(&self) {
        for event in self.offers.take(&self.tenant.id) {
            self.tenant.world().hear_webhook(&event);
        }
        for (scac, file) in files(&self.outbound) {
            match self.fetch(&file) {
                Ok(bytes) => self.tenant.world().hear_file(&scac, &bytes),
                Err(error) => warn!("{scac} cannot fetch {}: {error}", file.display()),
            }
        }
        while let Ok(letter) = std::fs::read_to_string(mailbox::name(&self.letters, self.read.load(Ordering::Relaxed)))
        {
            self.read.fetch_add(1, Ordering::Relaxed);
            self.tenant.world().hear_letter(&letter);
        }
    }

    /// As a carrier's system does: reads the file and takes it out of the folder.
    fn fetch(&self, file: &Path) -> std::io::Result<Vec<u8>> {
        let bytes = std::fs::read(file)?;
        let place = self.fetched.join(file.strip_prefix(&self.outbound).unwrap_or(file));
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::rename(file, place)?;
        Ok(bytes)
    }

    async fn post(&self, message: &Said) {
        let url = format!("{}{}", self.base, message.door.path());
        for attempt in 1..=ATTEMPTS_MAX {
            let sent = self
                .client
                .post(&url)
                .bearer_auth(self.tenant.token_of(&message.voice))
                .header(CONTENT_TYPE, message.door.content_type())
                .body(message.body.clone())
                .send()
                .await;
            // What a load makes of a document is between the two of them: it may be cancelled by now, or have it already.
            let is_judged =
                |it: &reqwest::Response| matches!(message.door, Door::Upload { .. }) && it.status().is_client_error();
            let settled = |it: reqwest::Response| if is_judged(&it) { Ok(it) } else { it.error_for_status() };
            match sent.and_then(settled) {
                Ok(_) => return,
                Err(error) => warn!("attempt {attempt} at {url} failed: {error}"),
            }
            tokio::time::sleep(LOOK_EVERY * attempt).await;
        }
    }
}

/// Files in carriers' folders: whose folder, and the file, in order. A folder is named after its carrier.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for carrier in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let scac = carrier.file_name().to_string_lossy().to_uppercase();
        for entry in std::fs::read_dir(carrier.path()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if !name.to_string_lossy().starts_with('.') {
                found.push((scac.clone(), entry.path()));
            }
        }
    }
    found.sort();
    found
}

/// What came of it, for scripts: loads by status, deliveries against their promise, what waits for people, what could
/// not be read.
pub fn outcome(installation: &Installation, scenario: &str, seed: u64) -> anyhow::Result<Value> {
    let now = installation.clock.now();
    let mut tenants = Vec::new();
    for (id, directory) in installation.directories.tenants() {
        let scope = TenantScope::system(id.clone());
        let count = |view| -> anyhow::Result<u64> {
            let query = ViewQuery {
                limit: 1,
                ..ViewQuery::default()
            };
            Ok(installation.store.view_page(&scope, view, &query)?.total)
        };
        let mut sums = Sums::default();
        let mut offset = 0;
        loop {
            let query = ViewQuery {
                limit: PAGE_ROWS_MAX,
                offset,
                ..ViewQuery::default()
            };
            let page = installation.store.view_page(&scope, &views::BOARD, &query)?;
            page.rows.iter().for_each(|(_, row)| sums.add(&row.body));
            offset += u32::try_from(page.rows.len()).context("more rows than a page can have")?;
            if page.rows.is_empty() || u64::from(offset) >= page.total {
                break;
            }
        }
        let mut kpis = sums.told();
        if let Some(fields) = kpis.as_object_mut() {
            fields.insert("waiting_for_people".to_owned(), json!(count(&views::INBOX)?));
            fields.insert("quarantined".to_owned(), json!(count(&views::QUARANTINE)?));
            let figures = kpis::summary(
                installation.store.as_ref(),
                &scope,
                now.saturating_sub(FIGURES_OVER)?,
                now,
            )?;
            fields.insert("figures".to_owned(), json!(figures));
        }
        tenants.push(json!({"id": id, "name": directory.name, "kpis": kpis}));
    }
    let records = installation.store.positions()?.head;
    Ok(json!({"scenario": scenario, "seed": seed, "records": records, "tenants": tenants}))
}

/// A tenant's loads, counted.
#[derive(Default)]
struct Sums {
    statuses: BTreeMap<String, u64>,
    /// Loads that ever had a carrier on the way: under way, arrived, arrived in time, and expected or overdue late.
    started: u64,
    arrived: u64,
    in_time: u64,
    late_now: u64,
}

impl Sums {
    fn add(&mut self, row: &Value) {
        let status = row["status"].as_str().unwrap_or("unknown");
        *self.statuses.entry(status.to_owned()).or_default() += 1;
        let trip = &row["trip"];
        if trip.is_null() {
            return;
        }
        self.started += 1;
        self.late_now += u64::from(trip["late"] == true);
        let instant = |it: &Value| it.as_str().and_then(|it| it.parse::<Timestamp>().ok());
        if let Some(arrived) = instant(&trip["arrived"]) {
            self.arrived += 1;
            let promised = instant(&row["delivery"]["at"]);
            self.in_time += u64::from(promised.is_none_or(|it| arrived <= it));
        }
    }

    fn told(&self) -> Value {
        let loads: u64 = self.statuses.values().sum();
        let covered = self.statuses.get("covered").copied().unwrap_or(0);
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        json!({
            "loads": loads, "covered": covered, "covered_share": share(covered, loads), "by_status": self.statuses,
            "trips": self.started, "delivered": self.arrived, "on_time_share": share(self.in_time, self.arrived),
            "late_now": self.late_now,
        })
    }
}
