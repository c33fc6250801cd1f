//! The machine: one owner's pump, sans I/O. Requests go in by `submit`; `step` judges them into a batch of turns; the
//! executor appends the batch and calls `committed`; replies, changes and jobs come out.
//!
//! Invariant: a turn is folded into memory when it is judged, with the seq it will have; if the append fails, all
//! memory is dropped and folded again from the log. So nothing that is not durable is ever answered or performed.

use crate::audit::leaf;
use crate::audit::sequencer::Sequencer;
use crate::capacity::Capacity;
use crate::normalize::Said;
use crate::overlay::Overlay;
use crate::perform::Outbox;
use crate::ports::{DueTimer, Epoch, PendingEffect, Store, StoreError};
use crate::record::{RECORD_VERSION, Record, Stored, SubjectKey, Turn};
use crate::request::{LiveChange, Reply, Request, Ticket};
use crate::streams::Streams;
use crate::timers::Timers;
use crate::trips::Trips;
use crate::vault::{MasterKey, Vault};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use signalbox_engine::directory::Directory;
use signalbox_engine::kpi::is_counted_only;
use signalbox_engine::step::Reaction;
use signalbox_model::decision::{Decision, Evidence};
use signalbox_model::effect::Order;
use signalbox_model::event::Event;
use signalbox_model::id::{Seq, StreamId, SubjectId, TenantId};
use signalbox_model::scope::{Actor, TenantScope};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Turns one batch may hold: what one fsync carries at most.
pub const BATCH_TURNS_MAX: usize = 1_000;
/// Runs of events that an audit entry names one by one.
const RUNS_TOLD_MAX: usize = 40;
/// Records read at once while recovering.
pub const RECOVERY_PAGE: usize = 1_000;
/// The tenant whose settings stream lists all tenants.
pub const PLATFORM: &str = "ten_platform";

pub struct Config {
    /// Names this owner in the store, for people who ask who writes.
    pub owner: String,
    pub master: MasterKey,
}

pub struct Machine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) epoch: Epoch,
    pub(crate) vault: Vault,
    pub(crate) streams: Streams,
    /// Indexes of the records past the last checkpoint.
    pub(crate) overlay: Overlay,
    pub(crate) timers: Timers,
    pub(crate) outbox: Outbox,
    pub(crate) queue: VecDeque<Work>,
    pub(crate) next_seq: Seq,
    pub(crate) committed: Seq,
    /// Keys made in turns that are not durable yet.
    pub(crate) fresh_keys: BTreeMap<(TenantId, SubjectId), SubjectKey>,
    pub(crate) sequencers: BTreeMap<TenantId, Sequencer>,
    /// Leaves of durable records that are not in the audit trees yet, in log order.
    pub(crate) leaves: BTreeMap<TenantId, Vec<(Seq, Vec<String>)>>,
    pub(crate) checkpointed_at: Timestamp,
    /// The last sequencing did not end: the trees in memory are to be read again before they go on.
    pub(crate) audit_torn: bool,
    pub(crate) trips: Trips,
    pub(crate) capacity: Capacity,
    /// Where each tenant's automation was last switched: nothing of it leaves before that is durable.
    pub(crate) switched: BTreeMap<TenantId, Seq>,
    pub(crate) batch: Batch,
}

pub(crate) enum Work {
    Request(Ticket, Request),
    /// An effect the owner performs itself.
    Internal(PendingEffect),
    /// A delivery that may not leave: its load keeps it for a person.
    Withheld(PendingEffect),
    Timer(DueTimer),
}

/// Turns judged and not yet durable, with what is to be told once they are.
#[derive(Default)]
pub struct Batch {
    pub turns: Vec<Turn>,
    replies: Vec<(Ticket, Reply)>,
    changes: Vec<LiveChange>,
    directories: Vec<TenantId>,
    effects: Vec<PendingEffect>,
    leaves: Vec<(TenantId, Seq, Vec<String>)>,
}

/// What may be told now that a batch is durable.
#[derive(Default)]
pub struct Released {
    pub replies: Vec<(Ticket, Reply)>,
    pub changes: Vec<LiveChange>,
    pub directories: Vec<(TenantId, Arc<Directory>)>,
    pub head: Seq,
}

/// Why a turn is made: goes into its record.
pub(crate) struct Origin<'a> {
    pub cause: &'a str,
    pub actor: &'a Actor,
    pub traceparent: Option<&'a str>,
    pub now: Timestamp,
}

impl Machine {
    /// Takes the log over and folds what the indexes do not know yet.
    pub fn open(store: Arc<dyn Store>, config: Config, now: Timestamp) -> Result<Self, StoreError> {
        let epoch = store.acquire(&config.owner)?;
        let mut machine = Self {
            store,
            epoch,
            vault: Vault::new(config.master),
            streams: Streams::default(),
            overlay: Overlay::default(),
            timers: Timers::default(),
            outbox: Outbox::default(),
            queue: VecDeque::new(),
            next_seq: 1,
            committed: 0,
            fresh_keys: BTreeMap::new(),
            sequencers: BTreeMap::new(),
            leaves: BTreeMap::new(),
            checkpointed_at: now,
            audit_torn: false,
            trips: Trips::default(),
            capacity: Capacity::default(),
            switched: BTreeMap::new(),
            batch: Batch::default(),
        };
        machine.recover(now)?;
        Ok(machine)
    }

    /// Folds the log again from the last checkpoint: the same code after a crash, a failover or a refused append.
    pub fn recover(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.streams = Streams::default();
        self.overlay = Overlay::default();
        self.outbox = Outbox::default();
        self.fresh_keys.clear();
        self.leaves.clear();
        self.sequencers.clear();
        self.audit_torn = false;
        self.switched.clear();
        self.capacity = Capacity::default();
        self.batch = Batch::default();
        self.queue.retain(|work| matches!(work, Work::Request(..)));
        let positions = self.store.positions()?;
        let mut after = positions.indexed;
        loop {
            let page = self.store.records(after, RECOVERY_PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            page.iter().for_each(|stored| self.overlay.apply(stored));
        }
        self.committed = positions.head;
        self.next_seq = positions.head + 1;
        self.load_directories()?;
        self.load_effects(now)?;
        self.timers = Timers::load(self.store.as_ref(), &self.overlay, now)?;
        self.restore_audit()?;
        self.restore_trips(positions.indexed)
    }

    fn load_directories(&mut self) -> Result<(), StoreError> {
        let platform = TenantId::from(PLATFORM);
        self.directory(&platform)?;
        let tenants: Vec<TenantId> = self.directory(&platform)?.tenants.keys().cloned().collect();
        for tenant in tenants {
            self.directory(&tenant)?;
            self.know_capacity(&tenant)?;
        }
        Ok(())
    }

    /// Every tenant's directory, for an edge that starts.
    pub fn directories(&self) -> Vec<(TenantId, Arc<Directory>)> {
        self.streams.directories()
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub fn head(&self) -> Seq {
        self.committed
    }

    /// Requests and inner work that wait for the next step.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Effects that are ordered and not settled.
    pub fn unsettled(&self) -> usize {
        self.outbox.len()
    }

    pub fn submit(&mut self, ticket: Ticket, request: Request) {
        self.queue.push_back(Work::Request(ticket, request));
    }

    /// Whether a step now would find nothing to do.
    pub fn idle(&self, now: Timestamp) -> bool {
        self.queue.is_empty() && self.timers.next_due().is_none_or(|due| due > now)
    }

    /// When to step at the latest, if nothing comes in before.
    pub fn next_due(&self) -> Option<Timestamp> {
        [self.timers.next_due(), self.outbox.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Works off due timers, requests and inner effects, in that order of arrival, into one batch. The next step may come
    /// before this batch is durable; batches are appended and told in the order they were judged, and if one fails, so
    /// do those after it.
    pub fn step(&mut self, now: Timestamp, entropy: &mut dyn FnMut(&mut [u8])) -> Result<Batch, StoreError> {
        self.timers.refill(self.store.as_ref(), &self.overlay, now)?;
        for due in self.timers.take_due(now, BATCH_TURNS_MAX) {
            self.queue.push_back(Work::Timer(due));
        }
        while self.batch.turns.len() < BATCH_TURNS_MAX {
            let Some(work) = self.queue.pop_front() else { break };
            match work {
                Work::Request(ticket, request) => {
                    let reply = self.request(request, now, entropy).inspect_err(|why| {
                        // Not answered with this: `aborted` tells everybody in the batch.
                        self.batch.replies.push((ticket, unavailable(why)));
                    })?;
                    self.batch.replies.extend(reply.map(|it| (ticket, it)));
                }
                Work::Internal(pending) => self.internal(pending, now, entropy)?,
                Work::Withheld(pending) => self.withhold(&pending, now)?,
                Work::Timer(due) => self.wake(due, now)?,
            }
            if !self.trips.is_quiet() {
                self.follow_trips(now)?;
            }
            if !self.capacity.is_quiet() {
                self.follow_capacity(now)?;
            }
        }
        Ok(std::mem::take(&mut self.batch))
    }

    fn internal(
        &mut self,
        pending: PendingEffect,
        now: Timestamp,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), StoreError> {
        match &pending.effect.order {
            Order::NormalizeMessage {
                message,
                source,
                from,
                chosen,
            } => {
                let (message, source) = (message.clone(), source.clone());
                let (from, chosen) = (from.clone(), chosen.clone());
                let said = Said {
                    from: from.as_ref(),
                    chosen: chosen.as_deref(),
                };
                self.normalize(&pending, &message, &source, said, now, entropy)
            }
            Order::ContinueWorkflow { .. } => self.go_on(&pending, now),
            Order::ResumeHeld { .. } => self.resume(&pending, now),
            Order::AskCapacity { .. } => self.ask_capacity(&pending, now),
            Order::AnswerCapacity { .. } | Order::ReclaimCapacity { .. } => self.tell_of_capacity(&pending, now),
            // The others leave by a courier.
            Order::SendOffer { .. }
            | Order::WithdrawOffer { .. }
            | Order::RequestDocument { .. }
            | Order::TellSystem { .. }
            | Order::SendNotice { .. }
            | Order::AskAdvisor { .. }
            | Order::SendAcknowledgement { .. } => Ok(()),
        }
    }

    /// Takes a reaction into the batch as the stream's next turn: packed, folded, indexed. Answers its seq.
    pub(crate) fn emit(
        &mut self,
        tenant: &TenantId,
        stream: &StreamId,
        mut reaction: Reaction,
        origin: &Origin<'_>,
        extra: Extra,
    ) -> Result<Seq, StoreError> {
        self.trips.note(tenant, stream, &reaction.events);
        self.capacity.note(tenant, stream, &reaction);
        let version = self.streams.advance(tenant, stream);
        if version == 1 {
            self.name(tenant, &mut reaction)?;
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        let record = pack(tenant, stream, version, reaction, origin, extra.mark)?;
        let stored = Stored {
            seq,
            tenant: tenant.clone(),
            stream: stream.clone(),
            version,
            record,
        };
        self.overlay.apply(&stored);
        self.timers.apply(&stored);
        let record = stored.record;
        for change in record.views.iter().filter(|it| !is_counted_only(&it.view)) {
            let (view, key, row) = (change.view.clone(), change.key.clone(), change.row.clone());
            self.batch.changes.push(LiveChange {
                seq,
                tenant: tenant.clone(),
                view,
                key,
                row,
            });
        }
        for effect in &record.effects {
            self.batch.effects.push(PendingEffect {
                tenant: tenant.clone(),
                stream: stream.clone(),
                effect: effect.clone(),
                seq,
                traceparent: record.traceparent.clone(),
            });
        }
        for settled in &record.settled {
            self.outbox.settle(settled);
        }
        for event in &record.events {
            match event {
                Event::HeldActionSettled {
                    released: Some(effect), ..
                } => self.outbox.unpark(effect, origin.now),
                Event::AutomationModeChanged { .. } => {
                    self.switched.insert(tenant.clone(), seq);
                    self.outbox.recheck(tenant, origin.now);
                }
                _ => {} // No other event concerns what waits in the outbox.
            }
        }
        self.batch.leaves.push((tenant.clone(), seq, record.leaves.clone()));
        for key in &extra.keys {
            self.fresh_keys
                .insert((tenant.clone(), key.subject.clone()), key.clone());
        }
        let (tenant, stream) = (tenant.clone(), stream.clone());
        self.batch.turns.push(Turn {
            tenant,
            stream,
            version,
            record,
            raw: extra.raw,
            keys: extra.keys,
        });
        Ok(seq)
    }

    pub(crate) fn directory_changed(&mut self, tenant: &TenantId) {
        self.batch.directories.push(tenant.clone());
    }

    /// The batch is durable: what it carries may be told and done.
    pub fn committed(&mut self, batch: Batch, first: Seq, now: Timestamp) -> Released {
        if let Some(count) = u64::try_from(batch.turns.len()).ok().filter(|it| *it > 0) {
            assert_eq!(
                first,
                self.committed + 1,
                "the store gave the batch other places than it was judged with"
            );
            self.committed = first + count - 1;
        }
        for pending in batch.effects {
            if pending.effect.order.is_immediate() {
                self.queue.push_back(Work::Internal(pending));
            } else if !self.overlay.is_settled(&pending.tenant, &pending.effect.id) {
                self.outbox.add(pending, now);
            }
        }
        for (tenant, seq, leaves) in batch.leaves {
            self.leaves.entry(tenant).or_default().push((seq, leaves));
        }
        for turn in &batch.turns {
            for key in &turn.keys {
                self.fresh_keys.remove(&(turn.tenant.clone(), key.subject.clone()));
            }
        }
        let directories = batch
            .directories
            .iter()
            .filter_map(|it| Some((it.clone(), self.streams.directory(it)?)))
            .collect();
        Released {
            replies: batch.replies,
            changes: batch.changes,
            directories,
            head: self.committed,
        }
    }

    /// These batches, and whatever is judged and not handed out, were not written: whoever waits is told to try again.
    /// `recover` before anything else.
    pub fn aborted(&mut self, batches: Vec<Batch>, why: &StoreError) -> Released {
        let torn = std::mem::take(&mut self.batch);
        let waiting = batches.into_iter().chain([torn]).flat_map(|it| it.replies);
        Released {
            replies: waiting.map(|(ticket, _)| (ticket, unavailable(why))).collect(),
            head: self.committed,
            ..Released::default()
        }
    }

    pub(crate) fn scope(tenant: &TenantId) -> TenantScope {
        TenantScope::system(tenant.clone())
    }

    pub(crate) fn sealed_with(&self, tenant: &TenantId, subject: &SubjectId) -> Result<Option<SubjectKey>, StoreError> {
        match self.fresh_keys.get(&(tenant.clone(), subject.clone())) {
            Some(key) => Ok(Some(key.clone())),
            None => self.store.subject_key(&Self::scope(tenant), subject),
        }
    }
}

fn unavailable(why: &StoreError) -> Reply {
    Reply::Unavailable {
        detail: why.to_string(),
        full: matches!(why, StoreError::Full(_)),
    }
}

/// What goes beside a record.
#[derive(Default)]
pub(crate) struct Extra {
    pub mark: Option<crate::record::InboxMark>,
    pub raw: Option<Vec<u8>>,
    pub keys: Vec<SubjectKey>,
}

fn pack(
    tenant: &TenantId,
    stream: &StreamId,
    version: u64,
    reaction: Reaction,
    origin: &Origin<'_>,
    mark: Option<crate::record::InboxMark>,
) -> Result<Record, StoreError> {
    let broken = |error: &dyn std::fmt::Display| StoreError::Broken(format!("a turn cannot be recorded: {error}"));
    let events = serde_json::to_vec(&reaction.events).map_err(|error| broken(&error))?;
    let whole = Decision {
        about: "record".to_owned(),
        choice: told(&reaction.events),
        evidence: vec![
            Evidence::new("events sha256", hex::encode(Sha256::digest(&events)), "record"),
            Evidence::new("cause", origin.cause, "record"),
        ],
        rule: "every turn leaves its mark".to_owned(),
    };
    let turn = leaf::Turn {
        tenant,
        stream,
        version,
        after: version - 1,
        at: origin.now,
        actor: origin.actor,
    };
    let parts = reaction.decisions.len() + 1;
    let decisions = std::iter::once(&whole).chain(&reaction.decisions);
    let leaves: Result<Vec<String>, _> = (1..)
        .zip(decisions)
        .map(|(place, it)| leaf(&turn, (place, parts), it))
        .collect();
    let leaves = leaves.map_err(|error| broken(&error))?;
    Ok(Record {
        v: RECORD_VERSION,
        at: origin.now,
        cause: origin.cause.to_owned(),
        actor: origin.actor.clone(),
        traceparent: origin.traceparent.map(str::to_owned),
        events: reaction.events,
        decisions: reaction.decisions,
        effects: reaction.effects,
        settled: reaction.settled,
        timers: reaction.timers,
        instances: reaction.instances,
        views: reaction.views,
        mark,
        links: reaction.links,
        leaves,
    })
}

/// Names of the events in order; a run of the same is counted, so that no message makes the list long.
fn told(events: &[Event]) -> String {
    let mut runs: Vec<(&str, usize)> = Vec::new();
    for event in events {
        match runs.last_mut() {
            Some((name, count)) if *name == event.name() => *count += 1,
            _ => runs.push((event.name(), 1)), // The first of its run.
        }
    }
    let word = |(name, count): &(&str, usize)| {
        if *count == 1 {
            (*name).to_owned()
        } else {
            format!("{name} x{count}")
        }
    };
    let mut words: Vec<String> = runs.iter().take(RUNS_TOLD_MAX).map(word).collect();
    if runs.len() > RUNS_TOLD_MAX {
        words.push(format!("and {} more", runs.len() - RUNS_TOLD_MAX));
    }
    words.join(", ")
}

/// The audit log's entry of a decision. Evidence too large for an entry is held by its hash.
fn leaf(turn: &leaf::Turn<'_>, part: (usize, usize), decision: &Decision) -> Result<String, leaf::Error> {
    match leaf::entry(turn, part, decision, &[]) {
        Err(leaf::Error::TooLong { .. }) => {
            let evidence = serde_json::to_vec(&decision.evidence).unwrap_or_default();
            let hash = Evidence::new("evidence sha256", hex::encode(Sha256::digest(&evidence)), "record");
            let cut = Decision {
                evidence: vec![hash],
                ..decision.clone()
            };
            leaf::entry(turn, part, &cut, &[])
        }
        entry => entry,
    }
}
