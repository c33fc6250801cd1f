//! The world around one machine: a clock that jumps, a store that fails, couriers that lose answers, a process that
//! is killed. The machine inside is the real one; only its surroundings are made up, all from one seed.

use crate::actors::{Act, Message, What};
use crate::faults::{FaultyStore, Mix, Mutant, Rng};
use crate::messages;
use crate::oracle::Oracle;
use crate::setup::Trade;
use jiff::{SignedDuration, Timestamp};
use signalbox_engine::command::Command;
use signalbox_model::id::{OfferId, TenantId};
use signalbox_model::scope::TenantScope;
use signalbox_runtime::audit::note::VerifierKey;
use signalbox_runtime::checkpoint::Checkpoint;
use signalbox_runtime::commands::platform_scope;
use signalbox_runtime::machine::{Batch, Config, Machine, PLATFORM, Released};
use signalbox_runtime::memory::Torn;
use signalbox_runtime::ports::{CourierError, Payload, Store, StoreError};
use signalbox_runtime::request::{Job, Receive, Reply, Request, Ticket};
use signalbox_runtime::vault::MasterKey;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub const BEGIN: i64 = 1_795_446_000;
/// Timers are read ahead by a few minutes: nobody may sleep for longer.
const NAP: SignedDuration = SignedDuration::from_mins(4);
/// How far a mutated clock runs behind.
const BEHIND: SignedDuration = SignedDuration::from_hours(1);

pub struct World {
    pub rng: Rng,
    pub mix: Mix,
    pub mutant: Option<Mutant>,
    pub now: Timestamp,
    pub store: Arc<FaultyStore>,
    pub oracle: Oracle,
    pub trade: Trade,
    pub plan: BTreeMap<(Timestamp, u64), Act>,
    pub messages: Vec<Message>,
    /// References of the orders placed, with their customer.
    pub orders: Vec<(String, String)>,
    /// What carriers and dispatchers have dealt with.
    pub seen: BTreeSet<(OfferId, bool)>,
    pub handled: BTreeSet<String>,
    /// Customers place no more orders and dispatchers have gone home.
    pub closing: bool,
    machine: Machine,
    /// A checkpoint that is begun and not written.
    writing: Option<Checkpoint>,
    entropy: Rng,
    serial: u64,
    tickets: Ticket,
    awaiting: BTreeMap<Ticket, usize>,
    acknowledged: BTreeSet<String>,
    /// Raised by each restart: what an earlier process had in flight is gone with it.
    generation: u64,
    /// Steps for which the clock of the late mutant runs behind.
    behind: u32,
}

impl World {
    pub fn new(seed: u64, mutant: Option<Mutant>) -> Result<Self, String> {
        let mut rng = Rng::new(seed);
        let now = Timestamp::from_second(BEGIN).map_err(|it| it.to_string())?;
        let store = Arc::new(FaultyStore::new(mutant));
        let machine = Machine::open(store.clone(), config(), now).map_err(|it| it.to_string())?;
        let entropy = Rng::new(rng.bits());
        let trade = crate::actors::trade(&mut rng);
        let oracle = Oracle::new(trade.settings.rate_cap.minor);
        let mut world = Self {
            mix: Mix::quiet(),
            mutant,
            now,
            store,
            oracle,
            trade,
            plan: BTreeMap::new(),
            messages: Vec::new(),
            orders: Vec::new(),
            seen: BTreeSet::new(),
            handled: BTreeSet::new(),
            closing: false,
            machine,
            writing: None,
            entropy,
            serial: 0,
            tickets: 0,
            awaiting: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            generation: 0,
            behind: 0,
            rng,
        };
        world.set_up()?;
        Ok(world)
    }

    fn set_up(&mut self) -> Result<(), String> {
        let mut trade = self.trade.clone();
        if self.mutant == Some(Mutant::ApprovalSkipped) {
            trade.settings.rate_cap.minor *= 10;
            trade.settings.notices_unattended = true;
        }
        let name = "Main".to_owned();
        let mut command = |scope, command| {
            self.tickets += 1;
            let request = Request::Command {
                scope,
                command,
                idempotency_key: None,
                traceparent: None,
            };
            self.machine.submit(self.tickets, request);
        };
        command(
            platform_scope(),
            Command::CreateTenant {
                tenant: trade.tenant.clone(),
                name,
            },
        );
        for it in trade.commands() {
            command(TenantScope::system(trade.tenant.clone()), it);
        }
        self.pump()?;
        let position = self.store.positions().map_err(|it| it.to_string())?;
        if position.head < trade.commands().len() as u64 {
            Err("the tenant was not set up".to_owned())
        } else {
            Ok(())
        }
    }

    pub fn plan(&mut self, after: SignedDuration, act: Act) {
        self.serial += 1;
        self.plan.insert((self.now + after, self.serial), act);
    }

    pub fn seconds(&mut self, first: i64, last: i64) -> SignedDuration {
        SignedDuration::from_secs(self.rng.between(first, last))
    }

    fn strikes(&mut self, in_thousand: u64) -> bool {
        let strikes = in_thousand > 0 && self.rng.in_thousand(in_thousand);
        self.oracle.coverage.faults += u64::from(strikes);
        strikes
    }

    /// Nothing is planned, due or on its way.
    pub fn at_rest(&self) -> bool {
        self.plan.is_empty() && self.machine.unsettled() == 0 && self.machine.idle(self.now)
    }

    /// Goes to the next thing that happens, and does all of it.
    pub fn turn(&mut self) -> Result<(), String> {
        let planned = self.plan.first_key_value().map(|((at, _), _)| *at);
        let next = [planned, self.machine.next_due()].into_iter().flatten().min();
        let nap = self.now + NAP;
        self.now = next.unwrap_or(nap).clamp(self.now, nap);
        if self.strikes(self.mix.stall) {
            let stalled = self.seconds(60, 2_400);
            self.now += stalled;
        }
        while let Some(entry) = self.plan.first_entry().filter(|it| it.key().0 <= self.now) {
            let act = entry.remove();
            match act {
                Act::Send(message) => self.send(message),
                Act::Report {
                    generation,
                    job,
                    result,
                } if generation == self.generation => {
                    let result = result.map_err(|why| unheard(&job, why));
                    self.machine.attempted(&job, result, self.now);
                }
                Act::Report { .. } => {}
                other => self.act(other)?,
            }
        }
        self.pump()
    }

    /// Steps, commits and performs until nothing is left to do now.
    fn pump(&mut self) -> Result<(), String> {
        loop {
            if self.strikes(self.mix.kill) {
                self.crash()?;
            }
            self.commit()?;
            if !self.machine.idle(self.now) {
                continue;
            }
            if self.writing.is_some() {
                if !self.strikes(self.mix.checkpoint_slow) {
                    self.write_checkpoint()?;
                }
            } else if !self.strikes(self.mix.checkpoint_skipped) && self.machine.checkpoint_due(self.now) {
                self.checkpoint()?;
            }
            if !self.perform()? && self.machine.idle(self.now) {
                return Ok(());
            }
        }
    }

    /// One batch, from judging to telling; or two, where the second is judged while the first is at the disk.
    fn commit(&mut self) -> Result<(), String> {
        let mut batches = VecDeque::from([self.judge()?]);
        if self.strikes(self.mix.judged_ahead) {
            batches.push_back(self.judge()?);
        }
        while let Some(batch) = batches.pop_front() {
            if !batch.turns.is_empty() {
                self.disturb_append();
            }
            if self.strikes(self.mix.kill) {
                return self.crash();
            }
            match self.store.append(self.machine.epoch(), &batch.turns) {
                Ok(first) => {
                    self.read_log()?;
                    if self.strikes(self.mix.kill) {
                        return self.crash();
                    }
                    let released = self.machine.committed(batch, first, self.now);
                    self.tell(released);
                }
                Err(StoreError::Broken(_) | StoreError::Fenced { .. }) => return self.crash(),
                Err(why) => {
                    self.oracle.coverage.append_failures += 1;
                    batches.push_front(batch);
                    let released = self.machine.aborted(batches.into(), &why);
                    self.writing = None;
                    self.tell(released);
                    let recovered = self.machine.recover(self.now);
                    return recovered.map_err(|it| format!("after {why}: {it}"));
                }
            }
        }
        Ok(())
    }

    fn judge(&mut self) -> Result<Batch, String> {
        let behind = self.mutant == Some(Mutant::LateWins) && self.behind > 0;
        self.behind = self.behind.saturating_sub(1);
        let judged_at = if behind { self.now - BEHIND } else { self.now };
        let entropy = &mut self.entropy;
        let batch = self.machine.step(judged_at, &mut |bytes| entropy.fill(bytes));
        batch.map_err(|it| format!("a step failed: {it}"))
    }

    fn disturb_append(&mut self) {
        if self.strikes(self.mix.append_fails) {
            let full = self.rng.in_thousand(300);
            let error = if full {
                StoreError::Full("no room".to_owned())
            } else {
                StoreError::Retry("busy".to_owned())
            };
            self.store.memory.fail_next_append(error);
        } else if self.strikes(self.mix.torn) {
            let torn = if self.rng.in_thousand(500) {
                Torn::BeforeSync
            } else {
                Torn::AfterSync
            };
            self.store.memory.tear_next_append(torn);
        }
    }

    fn read_log(&mut self) -> Result<(), String> {
        let new = self
            .store
            .records(self.oracle.read, usize::MAX)
            .map_err(|it| it.to_string())?;
        for stored in new {
            self.oracle.record(&stored, self.now)?;
        }
        Ok(())
    }

    fn tell(&mut self, released: Released) {
        for (ticket, reply) in released.replies {
            let Some(place) = self.awaiting.remove(&ticket) else {
                continue;
            };
            let again = match reply {
                Reply::Unavailable { .. } => true,
                Reply::Accepted { duplicate, .. } => {
                    self.oracle.coverage.duplicates += u64::from(duplicate);
                    self.acknowledge(place);
                    false
                }
                Reply::Done { .. } => {
                    self.acknowledge(place);
                    false
                }
                Reply::Rejected { .. } | Reply::KeyConflict { .. } => false,
            };
            if again {
                let wait = self.seconds(5, 60);
                self.plan(wait, Act::Send(place));
            }
        }
    }

    fn acknowledge(&mut self, place: usize) {
        if let Some(message) = self.messages.get(place) {
            self.acknowledged.insert(message.mark.clone());
        }
    }

    /// Somebody outside sends something, and sends it again until they have heard that it arrived.
    fn send(&mut self, place: usize) {
        if self.strikes(self.mix.lost_on_the_way) {
            let wait = self.seconds(20, 300);
            return self.plan(wait, Act::Send(place));
        }
        if self.strikes(self.mix.twice) {
            let wait = self.seconds(1, 120);
            self.plan(wait, Act::Send(place));
        }
        let Some(message) = self.messages.get(place) else {
            return;
        };
        let key = Some(message.key.clone());
        let request = match &message.what {
            What::Bytes { source, bytes } => Request::Receive(Receive {
                scope: TenantScope::system(self.trade.tenant.clone()),
                source: (*source).to_owned(),
                content_type: "application/octet-stream".to_owned(),
                bytes: bytes.clone(),
                key,
                traceparent: None,
                from: None,
            }),
            What::Command { who, command } => Request::Command {
                scope: TenantScope::new(self.trade.tenant.clone(), who.clone()),
                command: command.clone(),
                idempotency_key: key,
                traceparent: None,
            },
        };
        if message.answers {
            self.behind = 3;
        }
        self.tickets += 1;
        if self.mutant == Some(Mutant::AckEarly) {
            self.acknowledge(place);
        } else {
            self.awaiting.insert(self.tickets, place);
        }
        self.machine.submit(self.tickets, request);
    }

    /// Delivers what is due. False if there was nothing.
    fn perform(&mut self) -> Result<bool, String> {
        if self.mutant == Some(Mutant::SentWhileHeld)
            && let Some(effect) = self.oracle.held_back()
        {
            self.oracle.reached(&effect, effect.as_str(), None)?;
        }
        let limit = self.rng.between(1, 40) as usize;
        let jobs = self.machine.jobs(self.now, limit).map_err(|it| format!("jobs: {it}"))?;
        let generation = self.generation;
        for job in &jobs {
            if self.strikes(self.mix.kill) {
                self.crash()?;
            }
            if generation != self.generation {
                return Ok(true);
            }
            self.deliver(job)?;
        }
        Ok(!jobs.is_empty())
    }

    fn deliver(&mut self, job: &Job) -> Result<(), String> {
        if self.mutant == Some(Mutant::EffectLost) && self.rng.in_thousand(100) {
            self.machine.attempted(job, Ok("written".to_owned()), self.now);
            return Ok(());
        }
        if self.strikes(self.mix.courier_retries) {
            let result = Err(CourierError::Retry("connection reset".to_owned()));
            self.machine.attempted(job, result, self.now);
            return Ok(());
        }
        if self.strikes(self.mix.courier_refuses) {
            let result = Err(CourierError::Refused("410 Gone".to_owned()));
            self.machine.attempted(job, result, self.now);
            return Ok(());
        }
        let effect = &job.delivery.effect;
        let told = match &job.delivery.payload {
            Payload::File { body, .. } => messages::read_204(body),
            Payload::Webhook { body, .. } => messages::read_webhook(body),
            Payload::Mail(_) | Payload::Question(_) => None,
        };
        if let Payload::Mail(mail) = &job.delivery.payload {
            let copies = self.oracle.mailed(effect, mail)?;
            if self.mutant == Some(Mutant::DoubtForgotten) && copies == 1 {
                self.oracle.reached(effect, &effect.0, None)?;
                let result = Err(CourierError::Retry("no answer".to_owned()));
                self.machine.attempted(job, result, self.now);
                return Ok(());
            }
        }
        let fresh = self.mutant == Some(Mutant::FreshId);
        let id = if fresh {
            format!("{effect}/{}", self.rng.bits())
        } else {
            effect.0.clone()
        };
        self.oracle.reached(effect, &id, told.as_ref())?;
        if let Some(told) = told {
            self.carrier_reads(told);
        }
        if self.strikes(self.mix.answer_lost) {
            let result = Err(unheard(job, "timed out".to_owned()));
            self.machine.attempted(job, result, self.now);
        } else if self.strikes(self.mix.slow_courier) {
            let wait = self.seconds(1, 600);
            let result = if self.rng.in_thousand(900) {
                Ok("200".to_owned())
            } else {
                Err("timed out".to_owned())
            };
            self.plan(
                wait,
                Act::Report {
                    generation: self.generation,
                    job: Box::new(job.clone()),
                    result,
                },
            );
        } else {
            self.machine.attempted(job, Ok("200".to_owned()), self.now);
        }
        Ok(())
    }

    /// The process dies and the power with it; whoever had no answer asks again; another process takes over.
    fn crash(&mut self) -> Result<(), String> {
        self.oracle.coverage.crashes += 1;
        self.generation += 1;
        self.writing = None;
        self.store.memory.crash_losing_unsynced();
        let head = self.store.positions().map_err(|it| it.to_string())?.head;
        self.read_log()?;
        self.oracle.acknowledged(self.acknowledged.iter(), head)?;
        for place in std::mem::take(&mut self.awaiting).into_values() {
            let wait = self.seconds(5, 90);
            self.plan(wait, Act::Send(place));
        }
        if self.rng.in_thousand(300) {
            let down = self.seconds(1, 900);
            self.now += down;
        }
        let opened = Machine::open(self.store.clone(), config(), self.now);
        self.machine = opened.map_err(|it| format!("the machine does not open after a crash: {it}"))?;
        Ok(())
    }

    /// Begins a checkpoint; a slow one is written only after some more batches.
    fn checkpoint(&mut self) -> Result<(), String> {
        let begun = self.machine.begin_checkpoint(self.now);
        self.writing = begun.map_err(|it| format!("checkpoint: {it}"))?;
        if self.strikes(self.mix.checkpoint_slow) {
            return Ok(());
        }
        self.write_checkpoint()
    }

    fn write_checkpoint(&mut self) -> Result<(), String> {
        let Some(mut checkpoint) = self.writing.take() else {
            return Ok(());
        };
        match checkpoint.write(self.store.as_ref()) {
            Ok(()) => {
                self.machine.checkpointed(checkpoint, true);
                Ok(())
            }
            Err(StoreError::Broken(_)) => self.crash(),
            Err(why) => Err(format!("checkpoint: {why}")),
        }
    }

    /// All that must hold when everything has come to rest.
    pub fn judge_all(&mut self) -> Result<(), String> {
        self.write_checkpoint()?;
        self.machine
            .checkpoint(self.now)
            .map_err(|it| format!("checkpoint: {it}"))?;
        self.crash()?;
        self.machine
            .checkpoint(self.now)
            .map_err(|it| format!("checkpoint: {it}"))?;
        self.oracle.at_rest()?;
        let tenants = [self.trade.tenant.clone(), TenantId::from(PLATFORM)];
        self.oracle.views(self.store.as_ref(), &tenants)?;
        for tenant in &tenants {
            let key: VerifierKey = self
                .machine
                .signer(tenant)
                .map_err(|it| it.to_string())?
                .verifier_key()
                .clone();
            self.oracle.audit(self.store.as_ref(), tenant, &key)?;
        }
        Ok(())
    }
}

/// What a courier says whose receiver has the thing and was not heard to say so.
fn unheard(job: &Job, why: String) -> CourierError {
    match job.delivery.payload {
        Payload::Mail(_) => CourierError::Unknown(why),
        Payload::File { .. } | Payload::Webhook { .. } | Payload::Question(_) => CourierError::Retry(why),
    }
}

fn config() -> Config {
    Config {
        owner: "simulator".to_owned(),
        master: MasterKey::new([9; 32]),
    }
}
