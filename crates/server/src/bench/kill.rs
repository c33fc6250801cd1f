//! Kills: a server process under load is killed at random points, again and again, and two ledgers outside it say what it
//! owes: the client's (what was acknowledged) and the carrier's (what arrived, under which id).

use super::Figures;
use super::client::Client;
use super::receiver::Receiver;
use super::sink;
use crate::bootstrap;
use crate::server::Server;
use crate::wiring::Setup;
use anyhow::{Context as _, bail};
use jiff::SignedDuration;
use serde_json::Value;
use signalbox_engine::command::Command;
use signalbox_model::directory::{Channel, PartnerRole};
use signalbox_model::id::TenantId;
use signalbox_model::scope::Role;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 8;
/// A kill comes so long after the server was ready, drawn anew each time.
const LIFE_MS: std::ops::Range<u64> = 20..400;
const READY_MAX: Duration = Duration::from_secs(60);
/// How long everything acknowledged may take to come to its end once the kills are over.
const SETTLE_MAX: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(5);
/// Rows of the board read at once.
const PAGE: usize = 1_000;

/// What the client was told: reference to load, and the references whose acceptance was confirmed.
#[derive(Default)]
struct Ledger {
    loads: BTreeMap<String, String>,
    accepted: Vec<String>,
}

struct Place<'a> {
    address: SocketAddr,
    token: &'a str,
    receiver: &'a Receiver,
    ledger: Mutex<Ledger>,
    /// No new orders; what is under way comes to its end.
    over: AtomicBool,
    /// There is no server any more: nobody waits for it.
    abandoned: AtomicBool,
}

pub fn measure(kills: u32, seed: u64) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let receiver = Receiver::start()?;
    let token = furnish(folder.path(), &receiver)?;
    let address = free_address()?;
    let place = Place {
        address,
        token: &token,
        receiver: &receiver,
        ledger: Mutex::default(),
        over: AtomicBool::new(false),
        abandoned: AtomicBool::new(false),
    };
    let mut chance = seed.max(1);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn({
                    let place = &place;
                    move || client(place, number)
                })
            })
            .collect();
        let ran = run(folder.path(), &place, kills, &mut chance);
        place.over.store(true, Ordering::Release);
        place.abandoned.store(ran.is_err(), Ordering::Release);
        let (mut server, ready) = ran?;
        for client in clients {
            client.join().map_err(|_| anyhow::anyhow!("a client panicked"))?;
        }
        let judged = judge(&place, kills, &ready);
        server.kill()?;
        server.wait()?;
        judged
    })
}

/// A tenant whose one carrier listens at the receiver.
fn furnish(folder: &Path, receiver: &Receiver) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let server = runtime.block_on(Server::start(Setup::new(folder), "127.0.0.1:0"))?;
    let (pump, tenant) = (&server.installation.pump, TenantId::from(bootstrap::FIRST_TENANT));
    bootstrap::tenant(pump, &tenant, "Bench", "UTC")?;
    let secrets = folder.join("secrets").join(tenant.as_str());
    std::fs::create_dir_all(&secrets)?;
    std::fs::write(secrets.join("carrier"), receiver.secret())?;
    for mut partner in sink::partners() {
        if let PartnerRole::Carrier { channel, .. } = &mut partner.role {
            *channel = Channel::Webhook {
                url: format!("http://{}/offers", receiver.address()),
                secret: "carrier".to_owned(),
            };
        }
        bootstrap::command(pump, &tenant, Command::ChangePartner { partner })?;
    }
    let content = sink::routing_guide();
    let table = "routing-guide".to_owned();
    bootstrap::command(pump, &tenant, Command::ChangeTable { table, content })?;
    let roles = [Role::Integrator, Role::Dispatcher];
    let token = bootstrap::key(
        &server.installation,
        &tenant,
        "bench",
        &roles,
        None,
        SignedDuration::from_hours(24),
    )?;
    runtime.block_on(server.stop());
    Ok(token)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Starts and kills the server as often as asked, and starts it once more. Answers how long each start took.
fn run(folder: &Path, place: &Place<'_>, kills: u32, chance: &mut u64) -> anyhow::Result<(Child, Vec<Duration>)> {
    let mut ready = Vec::new();
    for kill in 0..=kills {
        let started = Instant::now();
        let mut server = serve(folder, place)?;
        if let Err(why) = await_ready(place.address, &mut server) {
            server.kill()?;
            return Err(why.context(format!("start {kill}")));
        }
        ready.push(started.elapsed());
        if kill == kills {
            return Ok((server, ready));
        }
        thread::sleep(Duration::from_millis(drawn(chance, LIFE_MS)));
        server.kill()?;
        server.wait()?;
    }
    bail!("never more kills than asked for")
}

fn serve(folder: &Path, place: &Place<'_>) -> anyhow::Result<Child> {
    std::process::Command::new(std::env::current_exe()?)
        .arg("serve")
        .arg("--data-dir")
        .arg(folder)
        .args(["--listen", &place.address.to_string()])
        .args(["--allow-egress", &format!("http://{}", place.receiver.address())])
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start a server")
}

fn await_ready(address: SocketAddr, server: &mut Child) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < READY_MAX {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended by itself: {status}");
        }
        let asked = Client::connect(address, "none").and_then(|mut it| it.get("/readyz"));
        if asked.is_ok_and(|it| it.status == 200) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    bail!("the server was not ready within {READY_MAX:?}")
}

/// Orders, waits for the offer and accepts it; whatever breaks off is asked again under its key until it is answered.
fn client(place: &Place<'_>, number: usize) {
    let mut line = None;
    for turn in 0_u64.. {
        if place.over.load(Ordering::Acquire) {
            return;
        }
        let reference = format!("K{number}-{turn}");
        let created = insist(place, &mut line, "/api/v1/orders", &reference, &sink::order(&reference));
        let Some(load) = created.and_then(|it| it["load"].as_str().map(str::to_owned)) else {
            return;
        };
        place
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .loads
            .insert(reference.clone(), load);
        let begun = Instant::now();
        let offer = loop {
            if let Some(offer) = place.receiver.offer(&reference) {
                break offer;
            }
            if begun.elapsed() > SETTLE_MAX || place.abandoned.load(Ordering::Acquire) {
                return;
            }
            thread::sleep(PAUSE);
        };
        let body = format!(r#"{{"answer":"accept","carrier":"{}"}}"#, sink::SCAC);
        let path = format!("/api/v1/offers/{offer}/answer");
        if insist(place, &mut line, &path, &offer, &body).is_none() {
            return;
        }
        place
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .accepted
            .push(reference);
    }
}

/// The same request under the same key, until the server has answered it for good. None once that takes too long.
fn insist(place: &Place<'_>, line: &mut Option<Client>, path: &str, key: &str, body: &str) -> Option<Value> {
    let begun = Instant::now();
    while begun.elapsed() < SETTLE_MAX && !place.abandoned.load(Ordering::Acquire) {
        let client = match line.take() {
            Some(client) => Ok(client),
            None => Client::connect(place.address, place.token),
        };
        let asked = client.and_then(|mut it| {
            let answer = it.post_once(path, key, body)?;
            Ok((it, answer))
        });
        if let Ok((kept, answer)) = asked
            && answer.status < 500
        {
            *line = Some(kept);
            let is_done = (200..300).contains(&answer.status);
            return is_done.then(|| serde_json::from_slice(&answer.body).ok()).flatten();
        }
        thread::sleep(PAUSE);
    }
    None
}

/// Holds what the server shows and what the carrier got against what was acknowledged.
fn judge(place: &Place<'_>, kills: u32, ready: &[Duration]) -> anyhow::Result<Figures> {
    let ledger = place.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let begun = Instant::now();
    let mut rows = board(place)?;
    while uncovered(&ledger, &rows) > 0 && begun.elapsed() < SETTLE_MAX {
        thread::sleep(Duration::from_millis(200));
        rows = board(place)?;
    }
    let (mut lost, mut doubled) = (0, 0);
    for (reference, load) in &ledger.loads {
        let mine = rows.get(reference).map(Vec::as_slice).unwrap_or_default();
        lost += u32::from(!mine.iter().any(|it| it["load"] == **load));
        doubled += u32::from(mine.len() > 1);
    }
    let uncovered = uncovered(&ledger, &rows);
    let offers = place.receiver.tally();
    let mut sorted = ready.to_vec();
    sorted.sort_unstable();
    let worst = sorted.last().copied().unwrap_or_default();
    Ok(Figures::from([
        ("kills", f64::from(kills)),
        ("acknowledged", (ledger.loads.len() + ledger.accepted.len()) as f64),
        ("lost", f64::from(lost) + uncovered as f64),
        ("doubled", f64::from(doubled) + f64::from(offers.under_two_ids)),
        ("delivered", f64::from(offers.delivered)),
        ("repeated_under_one_id", f64::from(offers.repeated)),
        ("ready_s", worst.as_secs_f64()),
    ]))
}

/// Acceptances that were confirmed and do not show.
fn uncovered(ledger: &Ledger, rows: &Rows) -> usize {
    let shows = |reference: &String| {
        rows.get(reference)
            .is_some_and(|it| it.iter().any(|it| it["status"] == "covered"))
    };
    ledger.accepted.iter().filter(|it| !shows(it)).count()
}

/// The board's rows by reference.
type Rows = BTreeMap<String, Vec<Value>>;

/// Every row of the board.
fn board(place: &Place<'_>) -> anyhow::Result<Rows> {
    let mut client = Client::connect(place.address, place.token)?;
    let mut rows = Rows::new();
    for offset in (0..).step_by(PAGE) {
        let path = format!("/api/v1/board?limit={PAGE}&offset={offset}");
        let answer = client.get(&path)?;
        if answer.status != 200 {
            bail!(
                "the board was answered {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        let page: Value = serde_json::from_slice(&answer.body)?;
        let found = page["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_last = found.len() < PAGE;
        for row in found.iter().map(|it| &it["row"]) {
            let reference = row["reference"].as_str().unwrap_or_default();
            rows.entry(reference.to_owned()).or_default().push(row.clone());
        }
        if is_last {
            break;
        }
    }
    Ok(rows)
}

/// xorshift64.
fn drawn(chance: &mut u64, range: std::ops::Range<u64>) -> u64 {
    *chance ^= *chance << 13;
    *chance ^= *chance >> 7;
    *chance ^= *chance << 17;
    range.start + *chance % (range.end - range.start)
}
