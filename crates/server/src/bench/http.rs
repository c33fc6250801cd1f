//! Figures over HTTP: a server in this process on loopback, client threads with kept connections around it.

use super::Figures;
use super::client::Client;
use super::measure::{Latencies, cpu_time, rss_mb};
use super::sink::{self, Sink};
use crate::bootstrap;
use crate::server::Server;
use crate::wiring::Setup;
use anyhow::{Context as _, bail};
use jiff::SignedDuration;
use signalbox_engine::command::Command;
use signalbox_model::id::TenantId;
use signalbox_model::scope::Role;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

pub const TENANT: &str = "ten_bench";
/// Before anything is counted: connections made, caches filled, code paged in.
const WARM_UP: Duration = Duration::from_secs(2);
const OFFER_PATIENCE: Duration = Duration::from_secs(30);

/// A server with a bench's tenant in it, and who may speak to it.
pub(super) struct Bed {
    runtime: tokio::runtime::Runtime,
    server: Server,
    pub(super) sink: Arc<Sink>,
    token: String,
    _folder: tempfile::TempDir,
}

impl Bed {
    pub(super) fn make(url: Option<&str>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let sink = Arc::new(Sink::default());
        let mut setup = Setup::new(folder.path());
        setup.database_url = url.map(str::to_owned);
        setup.courier = Some(sink.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let server = runtime.block_on(Server::start(setup, "127.0.0.1:0"))?;
        let token = tenant(&server)?;
        Ok(Self {
            runtime,
            server,
            sink,
            token,
            _folder: folder,
        })
    }

    /// A connection of its own, for what is done before and after the crowd.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        Client::connect(self.server.address, &self.token)
    }

    pub(super) fn end(self) {
        self.runtime.block_on(self.server.stop());
    }
}

/// The bench's tenant, and a key that may order and answer.
fn tenant(server: &Server) -> anyhow::Result<String> {
    let installation = &server.installation;
    let tenant = TenantId::from(TENANT);
    bootstrap::tenant(&installation.pump, &tenant, "Bench", "UTC")?;
    for partner in sink::partners() {
        bootstrap::command(&installation.pump, &tenant, Command::ChangePartner { partner })?;
    }
    let table = Command::ChangeTable {
        table: "routing-guide".to_owned(),
        content: sink::routing_guide(),
    };
    bootstrap::command(&installation.pump, &tenant, table)?;
    bootstrap::command(&installation.pump, &tenant, sink::playbook()?)?;
    let good_for = SignedDuration::from_hours(24);
    bootstrap::key(
        installation,
        &tenant,
        "bench",
        &[Role::Integrator, Role::Dispatcher],
        None,
        good_for,
    )
}

/// What every client thread counts.
#[derive(Default)]
pub(super) struct Count {
    pub(super) done: u64,
    pub(super) latencies: Latencies,
}

/// How a bench is driven.
#[derive(Clone, Copy)]
pub struct Drive {
    pub clients: usize,
    pub span: Duration,
    /// Of all clients together. Without it each asks again as soon as it was answered. With it a latency counts from the
    /// moment the request was due, so that a server that falls behind does not look faster than it is.
    pub per_second: Option<u32>,
}

/// Runs the clients' threads until the time is over and adds up what they did after the warm-up.
pub(super) fn crowd(
    bed: &Bed,
    drive: Drive,
    act: impl Fn(&mut Client, &str) -> anyhow::Result<Duration> + Sync,
) -> anyhow::Result<(Count, Duration, Duration)> {
    let address: SocketAddr = bed.server.address;
    let (over, counting) = (AtomicBool::new(false), AtomicBool::new(false));
    let Drive {
        clients,
        span,
        per_second,
    } = drive;
    let every = per_second.map(|it| Duration::from_secs_f64(clients as f64 / f64::from(it.max(1))));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|number| {
                let (over, counting, act, token) = (&over, &counting, &act, &bed.token);
                scope.spawn(move || -> anyhow::Result<Count> {
                    let mut client = Client::connect(address, token)?;
                    let mut count = Count::default();
                    let mut turn = 0_u64;
                    // Spread over the interval, so that they do not all come at once.
                    let spread = every.unwrap_or_default().mul_f64(number as f64 / clients as f64);
                    let mut due = Instant::now() + spread;
                    while !over.load(Ordering::Relaxed) {
                        turn += 1;
                        let late = match every {
                            Some(every) => {
                                thread::sleep(due.saturating_duration_since(Instant::now()));
                                let late = due.elapsed();
                                due += every;
                                late
                            }
                            None => Duration::ZERO,
                        };
                        let took = late + act(&mut client, &format!("B{number}-{turn}"))?;
                        if counting.load(Ordering::Relaxed) {
                            count.done += 1;
                            count.latencies.note(took);
                        }
                    }
                    Ok(count)
                })
            })
            .collect();
        thread::sleep(WARM_UP);
        let (started, cpu) = (Instant::now(), cpu_time());
        counting.store(true, Ordering::Relaxed);
        thread::sleep(span);
        counting.store(false, Ordering::Relaxed);
        let (took, cpu) = (started.elapsed(), cpu_time().saturating_sub(cpu));
        over.store(true, Ordering::Relaxed);
        let mut sum = Count::default();
        for thread in threads {
            let count = thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
            sum.done += count.done;
            sum.latencies.join(count.latencies);
        }
        Ok((sum, took, cpu))
    })
}

/// Order in, offer out, the carrier's acceptance in, covered. The latency is that of the acceptance.
pub fn tender(url: Option<&str>, drive: Drive) -> anyhow::Result<Figures> {
    let bed = Bed::make(url)?;
    let (mut count, took, cpu) = crowd(&bed, drive, |client, reference| {
        let (sender, offered) = sync_channel(1);
        bed.sink.expect(reference, sender);
        let created = client.post("/api/v1/orders", &sink::order(reference))?;
        if created.status != 201 {
            bail!(
                "an order was answered {}: {}",
                created.status,
                String::from_utf8_lossy(&created.body)
            );
        }
        let offer = offered
            .recv_timeout(OFFER_PATIENCE)
            .context("no offer came for an order")?;
        let started = Instant::now();
        let answer = format!(r#"{{"answer":"accept","carrier":"{}"}}"#, sink::SCAC);
        let answered = client.post(&format!("/api/v1/offers/{offer}/answer"), &answer)?;
        if answered.status != 200 {
            bail!(
                "an answer was answered {}: {}",
                answered.status,
                String::from_utf8_lossy(&answered.body)
            );
        }
        Ok(started.elapsed())
    })?;
    let done = count.done.max(1) as f64;
    let figures = Figures::from([
        ("instances_per_s", count.done as f64 / took.as_secs_f64()),
        // Of the whole process: the clients' share is in it.
        ("cpu_ms_per_instance", cpu.as_secs_f64() * 1000.0 / done),
        ("p50_ms", count.latencies.ms(50)),
        ("p99_ms", count.latencies.ms(99)),
        ("rss_mb", rss_mb()),
    ]);
    bed.end();
    Ok(figures)
}

/// Raw messages to `/in/json`, each acknowledged only when durable. They are read while the next come in.
pub fn ingest(url: Option<&str>, drive: Drive) -> anyhow::Result<Figures> {
    let bed = Bed::make(url)?;
    let (mut count, took, cpu) = crowd(&bed, drive, |client, reference| {
        let body = sink::order(reference);
        let started = Instant::now();
        let accepted = client.post("/in/json", &body)?;
        if accepted.status != 202 {
            bail!(
                "a message was answered {}: {}",
                accepted.status,
                String::from_utf8_lossy(&accepted.body)
            );
        }
        Ok(started.elapsed())
    })?;
    let figures = Figures::from([
        ("messages_per_s", count.latencies.count() as f64 / took.as_secs_f64()),
        (
            "cpu_ms_per_instance",
            cpu.as_secs_f64() * 1000.0 / count.done.max(1) as f64,
        ),
        ("p50_ms", count.latencies.ms(50)),
        ("p99_ms", count.latencies.ms(99)),
        ("rss_mb", rss_mb()),
    ]);
    bed.end();
    Ok(figures)
}
