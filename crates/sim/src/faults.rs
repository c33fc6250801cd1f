//! Chance and disorder: everything is drawn from one seed, the mix of faults too, so that seeds differ in kind and
//! not only in order. Mutants are defects we know, kept to show that the oracles see them.

use jiff::Timestamp;
use signalbox_model::event::Event;
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, SubjectId, TenantId};
use signalbox_model::scope::TenantScope;
use signalbox_model::value::ExternalId;
use signalbox_model::view::{Filter, Total, ViewDefinition, ViewPage, ViewQuery, ViewRow};
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::memory::{Memory, Torn};
use signalbox_runtime::ports::{DueTimer, Epoch, PendingEffect, Positions, Store, StoreError};
use signalbox_runtime::record::{InboxMark, Stored, SubjectKey, TimerChange, Turn};
use std::sync::atomic::{AtomicU64, Ordering};

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `end`, which is at least 1.
    pub fn below(&mut self, end: u64) -> u64 {
        self.bits() % end.max(1)
    }

    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        first + self.below((last - first).max(0) as u64 + 1) as i64
    }

    /// So many times in a thousand.
    pub fn in_thousand(&mut self, times: u64) -> bool {
        self.below(1_000) < times
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len() as u64) as usize)
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.bits().to_le_bytes();
            chunk.iter_mut().zip(drawn).for_each(|(to, from)| *to = from);
        }
    }
}

/// How often each thing goes wrong, in a thousand.
#[derive(Clone, Debug)]
pub struct Mix {
    pub kill: u64,
    pub append_fails: u64,
    pub torn: u64,
    pub courier_retries: u64,
    pub courier_refuses: u64,
    pub answer_lost: u64,
    pub lost_on_the_way: u64,
    pub twice: u64,
    pub stall: u64,
    pub slow_courier: u64,
    pub checkpoint_skipped: u64,
    /// The next batch is judged before this one is written.
    pub judged_ahead: u64,
    /// Batches are written while a checkpoint is under way.
    pub checkpoint_slow: u64,
}

impl Mix {
    /// Each class of fault is off in about a third of the seeds.
    pub fn draw(rng: &mut Rng) -> Self {
        let mut class = |most: u64| if rng.in_thousand(330) { 0 } else { 1 + rng.below(most) };
        Self {
            kill: class(20),
            append_fails: class(40),
            torn: class(15),
            courier_retries: class(250),
            courier_refuses: class(30),
            answer_lost: class(150),
            lost_on_the_way: class(200),
            twice: class(200),
            stall: class(40),
            slow_courier: class(300),
            checkpoint_skipped: class(900),
            judged_ahead: class(800),
            checkpoint_slow: class(800),
        }
    }

    /// The quiet phase: nothing goes wrong any more.
    pub fn quiet() -> Self {
        Self {
            kill: 0,
            append_fails: 0,
            torn: 0,
            courier_retries: 0,
            courier_refuses: 0,
            answer_lost: 0,
            lost_on_the_way: 0,
            twice: 0,
            stall: 0,
            slow_courier: 0,
            checkpoint_skipped: 0,
            judged_ahead: 0,
            checkpoint_slow: 0,
        }
    }
}

/// A defect put in on purpose, in the simulator's own wrappers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The courier draws a fresh id for each attempt.
    FreshId,
    /// Senders are told yes before anything is written.
    AckEarly,
    /// A delivery is reported and never made.
    EffectLost,
    /// A timer does not reach the log.
    TimerForgotten,
    /// The store acknowledges before its sync.
    AckBeforeSync,
    /// A checkpoint leaves a view's row out.
    ViewRowLost,
    /// An entry of the audit log is altered in the store.
    AuditAltered,
    /// Answers are judged by the time they were meant for.
    LateWins,
    /// The cap that guards approvals is not the tenant's.
    ApprovalSkipped,
    /// A courier takes what automation holds back.
    SentWhileHeld,
    /// A courier whose letter arrived unheard says that it did not.
    DoubtForgotten,
    /// A restart reads what carriers stated, and not which trucks are held.
    HoldsForgotten,
}

impl Mutant {
    pub const ALL: [(&'static str, Self); 12] = [
        ("fresh-id", Self::FreshId),
        ("ack-early", Self::AckEarly),
        ("effect-lost", Self::EffectLost),
        ("timer-forgotten", Self::TimerForgotten),
        ("ack-before-sync", Self::AckBeforeSync),
        ("view-row-lost", Self::ViewRowLost),
        ("audit-altered", Self::AuditAltered),
        ("late-wins", Self::LateWins),
        ("approval-skipped", Self::ApprovalSkipped),
        ("sent-while-held", Self::SentWhileHeld),
        ("doubt-forgotten", Self::DoubtForgotten),
        ("holds-forgotten", Self::HoldsForgotten),
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(it, _)| *it == name)
            .map(|(_, mutant)| mutant)
    }
}

/// The store in memory, with the mutants that a store can have.
#[derive(Debug)]
pub struct FaultyStore {
    pub memory: Memory,
    mutant: Option<Mutant>,
    calls: AtomicU64,
}

impl FaultyStore {
    pub fn new(mutant: Option<Mutant>) -> Self {
        Self {
            memory: Memory::new(),
            mutant,
            calls: AtomicU64::new(0),
        }
    }

    /// True at every nth call while the mutant is in.
    fn strikes(&self, mutant: Mutant, every: u64) -> bool {
        self.mutant == Some(mutant) && self.calls.fetch_add(1, Ordering::Relaxed) % every == every - 1
    }
}

impl Store for FaultyStore {
    fn acquire(&self, owner: &str) -> Result<Epoch, StoreError> {
        self.memory.acquire(owner)
    }

    fn append(&self, epoch: Epoch, turns: &[Turn]) -> Result<Seq, StoreError> {
        let sets_timer = |turn: &Turn| {
            turn.record
                .timers
                .iter()
                .any(|it| matches!(it, TimerChange::Set { .. }))
        };
        if turns.iter().any(sets_timer) && self.strikes(Mutant::TimerForgotten, 10) {
            let mut turns = turns.to_vec();
            let forget = |turn: &mut Turn| turn.record.timers.retain(|it| !matches!(it, TimerChange::Set { .. }));
            turns.iter_mut().for_each(forget);
            return self.memory.append(epoch, &turns);
        }
        if !turns.is_empty() && self.strikes(Mutant::AckBeforeSync, 40) {
            let first = self.memory.positions()?.head + 1;
            self.memory.tear_next_append(Torn::BeforeSync);
            return match self.memory.append(epoch, turns) {
                Err(StoreError::Broken(_)) => Ok(first),
                other => other,
            };
        }
        self.memory.append(epoch, turns)
    }

    fn checkpoint(&self, epoch: Epoch, changes: &IndexChanges, position: Seq) -> Result<(), StoreError> {
        if !changes.views.is_empty() && self.strikes(Mutant::ViewRowLost, 5) {
            let mut changes = changes.clone();
            changes.views.pop_last();
            return self.memory.checkpoint(epoch, &changes, position);
        }
        self.memory.checkpoint(epoch, changes, position)
    }

    fn put_blobs(&self, epoch: Epoch, tenant: &TenantId, blobs: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        if self.strikes(Mutant::AuditAltered, 20) {
            let mut blobs = blobs.to_vec();
            for (_, body) in blobs.iter_mut().filter(|(name, _)| name.contains("entries")) {
                if let Some(byte) = body.iter_mut().find(|it| **it == b'7') {
                    *byte = b'8';
                }
            }
            return self.memory.put_blobs(epoch, tenant, &blobs);
        }
        self.memory.put_blobs(epoch, tenant, blobs)
    }

    fn positions(&self) -> Result<Positions, StoreError> {
        self.memory.positions()
    }

    fn records(&self, after: Seq, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.memory.records(after, limit)
    }

    fn records_at(&self, scope: &TenantScope, seqs: &[Seq]) -> Result<Vec<Stored>, StoreError> {
        let mut records = self.memory.records_at(scope, seqs)?;
        if self.mutant == Some(Mutant::HoldsForgotten) {
            let of_records = records.iter_mut().map(|it| &mut it.record.events);
            of_records.for_each(|events| events.retain(|it| !matches!(it, Event::CapacityHeld { .. })));
        }
        Ok(records)
    }

    fn stream_seqs(&self, scope: &TenantScope, stream: &StreamId) -> Result<Vec<Seq>, StoreError> {
        self.memory.stream_seqs(scope, stream)
    }

    fn message_seq(&self, scope: &TenantScope, message: &MessageId) -> Result<Option<Seq>, StoreError> {
        self.memory.message_seq(scope, message)
    }

    fn raw(&self, scope: &TenantScope, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.raw(scope, seq)
    }

    fn mark(&self, scope: &TenantScope, key: &str) -> Result<Option<InboxMark>, StoreError> {
        self.memory.mark(scope, key)
    }

    fn link(&self, scope: &TenantScope, id: &ExternalId) -> Result<Option<StreamId>, StoreError> {
        self.memory.link(scope, id)
    }

    fn timers_due(&self, until: Timestamp, limit: usize) -> Result<Vec<DueTimer>, StoreError> {
        self.memory.timers_due(until, limit)
    }

    fn effects_pending(&self, after: Option<(Seq, &EffectId)>, limit: usize) -> Result<Vec<PendingEffect>, StoreError> {
        self.memory.effects_pending(after, limit)
    }

    fn view_page(&self, scope: &TenantScope, view: &ViewDefinition, query: &ViewQuery) -> Result<ViewPage, StoreError> {
        self.memory.view_page(scope, view, query)
    }

    fn view_row(&self, scope: &TenantScope, view: &ViewDefinition, key: &str) -> Result<Option<ViewRow>, StoreError> {
        self.memory.view_row(scope, view, key)
    }

    fn view_rows(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        keys: &[String],
    ) -> Result<Vec<(String, ViewRow)>, StoreError> {
        self.memory.view_rows(scope, view, keys)
    }

    fn view_totals(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        filter: Option<&Filter>,
        totals: &[Total],
    ) -> Result<Vec<i64>, StoreError> {
        self.memory.view_totals(scope, view, filter, totals)
    }

    fn subject_key(&self, scope: &TenantScope, subject: &SubjectId) -> Result<Option<SubjectKey>, StoreError> {
        self.memory.subject_key(scope, subject)
    }

    fn erase_subject(&self, epoch: Epoch, scope: &TenantScope, subject: &SubjectId) -> Result<(), StoreError> {
        self.memory.erase_subject(epoch, scope, subject)
    }

    fn blob(&self, scope: &TenantScope, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.blob(scope, name)
    }

    fn health(&self) -> Result<String, StoreError> {
        self.memory.health()
    }
}
