//! Tender instances in process: the machine and the store, driven as the writer thread drives them.

use super::Figures;
use super::measure::{Latencies, cpu_time, rss_mb};
use super::sink;
use crate::wiring::{DataDir, open_store};
use anyhow::{Context as _, bail};
use jiff::Timestamp;
use signalbox_engine::command::Command;
use signalbox_formats::{Context, decode};
use signalbox_model::answer::{Answer, AnswerAttempt};
use signalbox_model::attempt::{Attempt, OrderAttempt};
use signalbox_model::directory::{Settings, SourceFormat};
use signalbox_model::event::Event;
use signalbox_model::id::{LoadId, OfferId, TenantId};
use signalbox_model::scope::{Actor, ActorKind, Role, TenantScope};
use signalbox_model::value::Money;
use signalbox_runtime::commands::platform_scope;
use signalbox_runtime::machine::{Config, Machine};
use signalbox_runtime::ports::Store;
use signalbox_runtime::request::{Reply, Request};
use signalbox_runtime::vault::MasterKey;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Not a secret: the bench's data is thrown away.
const MASTER: [u8; 32] = [7; 32];
/// Deliveries taken at once.
const JOBS_MAX: usize = 4_096;
/// Steps a request of the setting up may take.
const SETUP_STEPS_MAX: u32 = 100;

pub struct Driver {
    pub machine: Machine,
    store: Arc<dyn Store>,
    scope: TenantScope,
    ticket: u64,
    orders: u64,
    template: OrderAttempt,
    started: HashMap<LoadId, Instant>,
    /// Instances that have an offer out, and those that are covered.
    pub open: u64,
    pub covered: u64,
    pub latencies: Latencies,
    answers: Vec<OfferId>,
    answers_offers: bool,
}

pub fn open_machine(folder: &Path, url: Option<&str>) -> anyhow::Result<(Machine, Arc<dyn Store>)> {
    let store = open_store(&DataDir::open(folder)?, url)?;
    let config = Config {
        owner: "bench".to_owned(),
        master: MasterKey::new(MASTER),
    };
    let machine = Machine::open(Arc::clone(&store), config, Timestamp::now())?;
    Ok((machine, store))
}

impl Driver {
    /// `answers_offers`: carriers accept; without it every instance stays open.
    pub fn make(folder: &Path, url: Option<&str>, answers_offers: bool) -> anyhow::Result<Self> {
        let (machine, store) = open_machine(folder, url)?;
        let tenant = TenantId::from(super::http::TENANT);
        let actor = Actor {
            kind: ActorKind::Client,
            name: "bench".to_owned(),
            roles: vec![Role::Integrator, Role::Dispatcher],
        };
        let decoded = decode(SourceFormat::Json, sink::order("B").as_bytes(), &Context::default());
        let attempt = decoded.decodings.into_iter().find_map(|it| it.attempt);
        let Some(Attempt::Order(template)) = attempt else {
            bail!("the bench's order is not read")
        };
        let mut driver = Self {
            machine,
            store,
            scope: TenantScope::new(tenant.clone(), actor),
            ticket: 0,
            orders: 0,
            template: *template,
            started: HashMap::new(),
            open: 0,
            covered: 0,
            latencies: Latencies::default(),
            answers: Vec::new(),
            answers_offers,
        };
        driver.set_up(&tenant)?;
        Ok(driver)
    }

    fn set_up(&mut self, tenant: &TenantId) -> anyhow::Result<()> {
        let system = TenantScope::system(tenant.clone());
        self.settle(
            platform_scope(),
            Command::CreateTenant {
                tenant: tenant.clone(),
                name: "Bench".to_owned(),
            },
        )?;
        self.settle(
            system.clone(),
            Command::ChangeSettings {
                settings: Settings::default(),
            },
        )?;
        for partner in sink::partners() {
            self.settle(system.clone(), Command::ChangePartner { partner })?;
        }
        self.settle(system.clone(), sink::playbook()?)?;
        let content = sink::routing_guide();
        self.settle(
            system,
            Command::ChangeTable {
                table: "routing-guide".to_owned(),
                content,
            },
        )
    }

    fn settle(&mut self, scope: TenantScope, command: Command) -> anyhow::Result<()> {
        let ticket = self.submit(scope, command);
        for _ in 0..SETUP_STEPS_MAX {
            if let Some((_, reply)) = self.turn()?.into_iter().find(|it| it.0 == ticket) {
                let Reply::Done { .. } = reply else {
                    bail!("the bench's tenant: {reply:?}")
                };
                return Ok(());
            }
        }
        bail!("the bench's tenant was never made")
    }

    fn submit(&mut self, scope: TenantScope, command: Command) -> u64 {
        self.ticket += 1;
        let request = Request::Command {
            scope,
            command,
            idempotency_key: None,
            traceparent: None,
        };
        self.machine.submit(self.ticket, request);
        self.ticket
    }

    /// Another order comes in.
    pub fn order(&mut self) {
        self.orders += 1;
        let reference = format!("B{}", self.orders);
        let order = OrderAttempt {
            rate: Some(Money::usd(sink::rate_minor(&reference))),
            reference,
            ..self.template.clone()
        };
        self.submit(self.scope.clone(), Command::CreateOrder { order: Box::new(order) });
    }

    /// One turn of the wheel: answers of carriers in, step, append, deliveries out.
    pub fn turn(&mut self) -> anyhow::Result<Vec<(u64, Reply)>> {
        for offer in std::mem::take(&mut self.answers) {
            let answer = AnswerAttempt {
                carrier: sink::SCAC.to_owned(),
                reference: String::new(),
                offer: Some(offer),
                answer: Answer::Accept,
                reason: None,
                note: None,
                vehicle: None,
            };
            self.submit(self.scope.clone(), Command::AnswerOffer { answer });
        }
        let batch = self.machine.step(Timestamp::now(), &mut entropy)?;
        let mut covered = Vec::new();
        for turn in &batch.turns {
            for event in &turn.record.events {
                match event {
                    Event::LoadCreated { load } => drop(self.started.insert(load.id.clone(), Instant::now())),
                    Event::OfferMade { .. } => self.open += 1,
                    Event::LoadCovered { .. } => covered.push(LoadId(turn.stream.0.clone())),
                    _ => {} // The others are on the way from one of these to the next.
                }
            }
        }
        let first = match batch.turns.is_empty() {
            true => self.machine.head() + 1,
            false => self.store.append(self.machine.epoch(), &batch.turns)?,
        };
        let released = self.machine.committed(batch, first, Timestamp::now());
        for load in covered {
            self.covered += 1;
            if let Some(started) = self.started.remove(&load) {
                self.latencies.note(started.elapsed());
            }
        }
        self.deliver()?;
        if self.machine.checkpoint_due(Timestamp::now()) {
            self.machine.checkpoint(Timestamp::now())?;
        }
        Ok(released.replies)
    }

    fn deliver(&mut self) -> anyhow::Result<()> {
        for job in self.machine.jobs(Timestamp::now(), JOBS_MAX)? {
            if let Some((_, offer)) = sink::offer_in(&job.delivery.payload)
                && self.answers_offers
            {
                self.answers.push(OfferId(offer));
            }
            self.machine.attempted(&job, Ok("taken".to_owned()), Timestamp::now());
        }
        Ok(())
    }
}

fn entropy(bytes: &mut [u8]) {
    if aws_lc_rs::rand::fill(bytes).is_err() {
        bytes.fill(0);
    }
}

/// Keeps `under_way` instances going for as long as `span` and counts those that end.
pub fn measure(url: Option<&str>, span: Duration, under_way: usize) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir().context("a temporary directory")?;
    let mut driver = Driver::make(folder.path(), url, true)?;
    let (started, cpu) = (Instant::now(), cpu_time());
    let mut ordered = 0;
    while started.elapsed() < span {
        while ordered - driver.covered < under_way as u64 {
            driver.order();
            ordered += 1;
        }
        driver.turn()?;
    }
    let (took, cpu) = (started.elapsed(), cpu_time().saturating_sub(cpu));
    let covered = driver.covered.max(1) as f64;
    Ok(Figures::from([
        ("instances_per_s", driver.covered as f64 / took.as_secs_f64()),
        ("cpu_ms_per_instance", cpu.as_secs_f64() * 1000.0 / covered),
        ("p50_ms", driver.latencies.ms(50)),
        ("p99_ms", driver.latencies.ms(99)),
        ("rss_mb", rss_mb()),
    ]))
}
