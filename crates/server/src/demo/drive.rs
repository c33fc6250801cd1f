//! The world acts: shippers post orders, carriers read the files and webhooks they are sent and post their answers.

use super::people::{Cast, Tenant};
use super::webhooks::Offers;
use crate::server::Server;
use crate::wiring::{Installation, ServerClock};
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};
use signalbox_engine::views;
use signalbox_model::scope::TenantScope;
use signalbox_model::view::{PAGE_ROWS_MAX, ViewQuery};
use signalbox_runtime::kpis;
use signalbox_runtime::ports::Clock as _;
use signalbox_world::{Arrival, Form, World};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::warn;

/// Orders of one tenant in a world hour.
const ORDERS_AN_HOUR: f64 = 37.5;
const ORDERS_MAX: f64 = 20_000.0;
/// How often folders are looked into, in our time.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What the outcome's figures cover: all that a demo has lived through.
const FIGURES_OVER: SignedDuration = SignedDuration::from_hours(24 * 366);
/// Requests that are tried again before one is given up.
const ATTEMPTS_MAX: u32 = 5;

/// A message that a partner will send.
struct Due {
    at: Timestamp,
    source: &'static str,
    body: String,
}

/// Lets every tenant's world act for as long as `lasts`, in the world's time.
pub async fn day(server: &Server, cast: &Cast, offers: &Offers, lasts: Duration) -> anyhow::Result<()> {
    let client = Client::builder().timeout(Duration::from_secs(30)).build()?;
    let clock = server.installation.clock.as_ref();
    let start = clock.now();
    let end = start.saturating_add(SignedDuration::try_from(lasts)?)?;
    let outbound = server.installation.data_dir.outbound();
    let base = server.base();
    let tenants = cast.tenants.iter().map(|tenant| {
        let player = Player {
            client: client.clone(),
            base: base.clone(),
            folder: outbound.join(tenant.id.as_str()),
            tenant,
            offers,
            clock,
            seen: BTreeSet::new(),
            answers: 0,
        };
        player.play(start, end)
    });
    futures::future::join_all(tenants).await;
    Ok(())
}

struct Player<'a> {
    client: Client,
    base: String,
    folder: PathBuf,
    tenant: &'a Tenant,
    offers: &'a Offers,
    clock: &'a ServerClock,
    /// Files that were read already.
    seen: BTreeSet<PathBuf>,
    answers: u32,
}

impl Player<'_> {
    async fn play(mut self, start: Timestamp, end: Timestamp) {
        let mut due: Vec<Due> = orders(&self.tenant.world, start, end)
            .into_iter()
            .map(from_shipper)
            .collect();
        loop {
            let now = self.clock.now();
            if now >= end {
                return;
            }
            due.extend(self.answers(now));
            due.sort_by_key(|it| it.at);
            let ready = due.iter().take_while(|it| it.at <= now).count();
            for message in due.drain(..ready) {
                self.post(&message).await;
            }
            tokio::time::sleep(LOOK_EVERY.min(self.clock.wait_until(end))).await;
        }
    }

    /// What carriers will answer to the files that arrived since the last look.
    fn answers(&mut self, now: Timestamp) -> Vec<Due> {
        let mut due = Vec::new();
        for offered in self.offers.take(&self.tenant.id) {
            let offer = Some(offered.offer);
            let Some(reply) = self.tenant.world.decides(&offered.scac, &offered.reference, offer) else {
                continue;
            };
            let at = now.saturating_add(reply.after).unwrap_or(now);
            let body = json!({
                "carrier": reply.scac, "reference": reply.reference, "offer": reply.offer, "answer": reply.answer,
            });
            due.push(Due {
                at,
                source: "json",
                body: body.to_string(),
            });
        }
        for (scac, file) in files(&self.folder) {
            if !self.seen.insert(file.clone()) {
                continue;
            }
            let Ok(bytes) = std::fs::read(&file) else { continue };
            let Some(reply) = self.tenant.world.reads_tender(&scac, &bytes) else {
                continue;
            };
            self.answers += 1;
            let at = now.saturating_add(reply.after).unwrap_or(now);
            if let Some(body) = self.tenant.world.answer_x12(&reply, self.answers, at) {
                due.push(Due {
                    at,
                    source: "edi",
                    body,
                });
            }
        }
        due
    }

    async fn post(&self, message: &Due) {
        let url = format!("{}/in/{}", self.base, message.source);
        let token = self
            .tenant
            .tokens
            .get("integrator")
            .map(String::as_str)
            .unwrap_or_default();
        for attempt in 1..=ATTEMPTS_MAX {
            let sent = self
                .client
                .post(&url)
                .bearer_auth(token)
                .body(message.body.clone())
                .send()
                .await;
            match sent.and_then(reqwest::Response::error_for_status) {
                Ok(_) => return,
                Err(error) => warn!("attempt {attempt} at {url} failed: {error}"),
            }
            tokio::time::sleep(LOOK_EVERY * attempt).await;
        }
    }
}

fn orders(world: &World, start: Timestamp, end: Timestamp) -> Vec<Arrival> {
    let span = end.duration_since(start);
    let count = (span.as_secs_f64() / 3_600.0 * ORDERS_AN_HOUR).clamp(1.0, ORDERS_MAX);
    // The last orders leave time for an answer.
    world.orders(start, span * 3 / 4, count as usize)
}

fn from_shipper(arrival: Arrival) -> Due {
    let source = match arrival.form {
        Form::X12 => "edi",
        Form::Json => "json",
    };
    Due {
        at: arrival.at,
        source,
        body: arrival.body,
    }
}

/// Tenders in carriers' folders: whose folder, and the file. A folder is named after its carrier.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if name.starts_with("204-")
                && let Some(carrier) = folder.file_name()
            {
                found.push((carrier.to_string_lossy().to_uppercase(), path));
            }
        }
    }
    found.sort();
    found
}

/// What came of it, for scripts: loads by status, what waits for people, what could not be read.
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
        let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
        let mut offset = 0;
        loop {
            let query = ViewQuery {
                limit: PAGE_ROWS_MAX,
                offset,
                ..ViewQuery::default()
            };
            let page = installation.store.view_page(&scope, &views::BOARD, &query)?;
            for (_, row) in &page.rows {
                let status = row.body.get("status").and_then(Value::as_str).unwrap_or("unknown");
                *statuses.entry(status.to_owned()).or_default() += 1;
            }
            offset += u32::try_from(page.rows.len())?;
            if page.rows.is_empty() || u64::from(offset) >= page.total {
                break;
            }
        }
        let loads: u64 = statuses.values().sum();
        let covered = statuses.get("covered").copied().unwrap_or(0);
        tenants.push(json!({
            "id": id, "name": directory.name,
            "kpis": {
                "loads": loads,
                "covered": covered,
                "covered_share": if loads == 0 { 0.0 } else { covered as f64 / loads as f64 },
                "by_status": statuses,
                "waiting_for_people": count(&views::INBOX)?,
                "quarantined": count(&views::QUARANTINE)?,
                "figures": kpis::summary(installation.store.as_ref(), &scope, now.saturating_sub(FIGURES_OVER)?, now)?,
            },
        }));
    }
    let records = installation.store.positions()?.head;
    Ok(json!({"scenario": scenario, "seed": seed, "records": records, "tenants": tenants}))
}
