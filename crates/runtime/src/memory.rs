//! A store in memory, for tests and the simulator: pure, deterministic, and with a power cut that can be asked for.
//!
//! Invariant: what `append` acknowledged survives `crash_losing_unsynced`; what it did not acknowledge may or may
//! not. Like a disk whose fsync failed, it takes no more writes after a torn append until it is started again.

mod view;

use crate::index::IndexChanges;
use crate::ports::{DueTimer, Epoch, PendingEffect, Positions, Store, StoreError};
use crate::record::{InboxMark, Stored, SubjectKey, Turn};
use jiff::Timestamp;
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, SubjectId, TenantId, TimerId};
use signalbox_model::scope::TenantScope;
use signalbox_model::value::ExternalId;
use signalbox_model::view::{Filter, PAGE_ROWS_MAX, Total, ViewDefinition, ViewPage, ViewQuery, ViewRow};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The store. Share it behind an `Arc`, keep the `Arc` over a crash, and start the next owner on it.
#[derive(Debug, Default)]
pub struct Memory {
    image: Mutex<Image>,
}

/// Where the power goes during an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torn {
    /// Written, not yet synced: a crash loses it.
    BeforeSync,
    /// Synced, not yet acknowledged: a crash keeps it.
    AfterSync,
}

#[derive(Debug)]
enum Fault {
    Fail(StoreError),
    Tear(Torn),
}

#[derive(Debug, Default)]
struct Image {
    epoch: Epoch,
    records: Vec<Stored>,
    raw: BTreeMap<Seq, Vec<u8>>,
    /// With the seq that brought it, so that a crash takes it along.
    keys: BTreeMap<(TenantId, SubjectId), (Seq, Vec<u8>)>,
    blobs: BTreeMap<(TenantId, String), Vec<u8>>,
    /// Records up to here survive a crash.
    synced: Seq,
    torn: bool,
    faults: VecDeque<Fault>,
    indexed: Seq,
    streams: BTreeMap<(TenantId, StreamId), BTreeSet<Seq>>,
    marks: BTreeMap<(TenantId, String), InboxMark>,
    messages: BTreeMap<(TenantId, MessageId), Seq>,
    links: BTreeMap<(TenantId, ExternalId), StreamId>,
    timers: BTreeMap<(TenantId, StreamId, TimerId), Timestamp>,
    effects: BTreeMap<(TenantId, EffectId), PendingEffect>,
    views: BTreeMap<(TenantId, String), BTreeMap<String, ViewRow>>,
}

impl Memory {
    pub fn new() -> Self {
        Self::default()
    }

    /// The next append fails with this and writes nothing. Several calls queue up.
    pub fn fail_next_append(&self, error: StoreError) {
        self.image().faults.push_back(Fault::Fail(error));
    }

    /// The next `times` appends answer `Retry`, as a slow disk or a busy database does.
    pub fn busy_for_next_appends(&self, times: usize) {
        let busy = || Fault::Fail(StoreError::Retry("busy".to_owned()));
        self.image().faults.extend(std::iter::repeat_with(busy).take(times));
    }

    /// The power goes during the next append: it answers `Broken`, and so does every later write until the crash.
    pub fn tear_next_append(&self, torn: Torn) {
        self.image().faults.push_back(Fault::Tear(torn));
    }

    /// The power cut itself: what was not synced is gone, what was is there for the next owner.
    pub fn crash_losing_unsynced(&self) {
        let mut image = self.image();
        let synced = image.synced;
        image.records.truncate(synced as usize);
        image.raw.retain(|seq, _| *seq <= synced);
        image.keys.retain(|_, (seq, _)| *seq <= synced);
        image.torn = false;
        image.faults.clear();
    }

    fn image(&self) -> MutexGuard<'_, Image> {
        self.image.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Image {
    fn head(&self) -> Seq {
        self.records.len() as Seq
    }

    /// Every write starts here.
    fn admit(&self, epoch: Epoch) -> Result<(), StoreError> {
        if self.torn {
            return Err(StoreError::Broken("a sync failed; start again from the log".to_owned()));
        }
        if epoch != self.epoch {
            return Err(StoreError::Fenced { held: epoch });
        }
        Ok(())
    }

    fn refuse_a_second_key(&self, turns: &[Turn]) -> Result<(), StoreError> {
        let mut fresh = BTreeMap::new();
        for (turn, key) in turns
            .iter()
            .flat_map(|turn| turn.keys.iter().map(move |key| (turn, key)))
        {
            let place = (turn.tenant.clone(), key.subject.clone());
            let known = self
                .keys
                .get(&place)
                .map(|(_, wrapped)| wrapped)
                .or_else(|| fresh.get(&place).copied());
            if known.is_some_and(|wrapped| *wrapped != key.wrapped) {
                return Err(StoreError::Refused(format!("{} already has another key", key.subject)));
            }
            fresh.insert(place, &key.wrapped);
        }
        Ok(())
    }

    fn write(&mut self, turn: &Turn) {
        let seq = self.head() + 1;
        if let Some(raw) = &turn.raw {
            self.raw.insert(seq, raw.clone());
        }
        for key in &turn.keys {
            let place = (turn.tenant.clone(), key.subject.clone());
            self.keys.entry(place).or_insert_with(|| (seq, key.wrapped.clone()));
        }
        self.records.push(Stored {
            seq,
            tenant: turn.tenant.clone(),
            stream: turn.stream.clone(),
            version: turn.version,
            record: turn.record.clone(),
        });
    }

    fn index(&mut self, changes: &IndexChanges) {
        for (stream, seqs) in &changes.streams {
            self.streams.entry(stream.clone()).or_default().extend(seqs);
        }
        self.marks.extend(changes.marks.clone());
        self.messages.extend(changes.messages.clone());
        self.links.extend(changes.links.clone());
        put_or_remove(&mut self.timers, &changes.timers);
        put_or_remove(&mut self.effects, &changes.effects);
        for ((tenant, view, key), (_, row)) in &changes.views {
            let rows = self.views.entry((tenant.clone(), view.clone())).or_default();
            match row {
                Some(row) => rows.insert(key.clone(), (**row).clone()),
                None => rows.remove(key),
            };
        }
    }
}

fn put_or_remove<K: Ord + Clone, V: Clone>(kept: &mut BTreeMap<K, V>, changes: &BTreeMap<K, Option<V>>) {
    for (key, value) in changes {
        match value {
            Some(value) => kept.insert(key.clone(), value.clone()),
            None => kept.remove(key),
        };
    }
}

impl Store for Memory {
    fn acquire(&self, _owner: &str) -> Result<Epoch, StoreError> {
        let mut image = self.image();
        if image.torn {
            return Err(StoreError::Broken("a sync failed; start again from the log".to_owned()));
        }
        image.epoch += 1;
        Ok(image.epoch)
    }

    fn append(&self, epoch: Epoch, turns: &[Turn]) -> Result<Seq, StoreError> {
        let mut image = self.image();
        image.admit(epoch)?;
        let first = image.head() + 1;
        if turns.is_empty() {
            return Ok(first);
        }
        image.refuse_a_second_key(turns)?;
        let fault = image.faults.pop_front();
        if let Some(Fault::Fail(error)) = fault {
            return Err(error);
        }
        turns.iter().for_each(|turn| image.write(turn));
        if let Some(Fault::Tear(torn)) = fault {
            image.torn = true;
            if torn == Torn::AfterSync {
                image.synced = image.head();
            }
            return Err(StoreError::Broken("the power went during an append".to_owned()));
        }
        image.synced = image.head();
        Ok(first)
    }

    fn checkpoint(&self, epoch: Epoch, changes: &IndexChanges, position: Seq) -> Result<(), StoreError> {
        let mut image = self.image();
        image.admit(epoch)?;
        if position < image.indexed || position > image.head() {
            let (indexed, head) = (image.indexed, image.head());
            return Err(StoreError::Refused(format!(
                "checkpoint at {position}, outside {indexed}..={head}"
            )));
        }
        image.index(changes);
        image.indexed = position;
        Ok(())
    }

    fn positions(&self) -> Result<Positions, StoreError> {
        let image = self.image();
        Ok(Positions {
            head: image.head(),
            indexed: image.indexed,
        })
    }

    fn records(&self, after: Seq, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let image = self.image();
        Ok(image.records.iter().skip(after as usize).take(limit).cloned().collect())
    }

    fn records_at(&self, scope: &TenantScope, seqs: &[Seq]) -> Result<Vec<Stored>, StoreError> {
        let image = self.image();
        let at = |seq: &Seq| image.records.get(usize::try_from(seq.checked_sub(1)?).ok()?);
        Ok(seqs
            .iter()
            .filter_map(at)
            .filter(|it| it.tenant == *scope.tenant())
            .cloned()
            .collect())
    }

    fn stream_seqs(&self, scope: &TenantScope, stream: &StreamId) -> Result<Vec<Seq>, StoreError> {
        let image = self.image();
        let seqs = image.streams.get(&(scope.tenant().clone(), stream.clone()));
        Ok(seqs.into_iter().flatten().copied().collect())
    }

    fn message_seq(&self, scope: &TenantScope, message: &MessageId) -> Result<Option<Seq>, StoreError> {
        Ok(self
            .image()
            .messages
            .get(&(scope.tenant().clone(), message.clone()))
            .copied())
    }

    fn raw(&self, scope: &TenantScope, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        let owned = !self.records_at(scope, &[seq])?.is_empty();
        Ok(self.image().raw.get(&seq).filter(|_| owned).cloned())
    }

    fn mark(&self, scope: &TenantScope, key: &str) -> Result<Option<InboxMark>, StoreError> {
        Ok(self
            .image()
            .marks
            .get(&(scope.tenant().clone(), key.to_owned()))
            .cloned())
    }

    fn link(&self, scope: &TenantScope, id: &ExternalId) -> Result<Option<StreamId>, StoreError> {
        Ok(self.image().links.get(&(scope.tenant().clone(), id.clone())).cloned())
    }

    fn timers_due(&self, until: Timestamp, limit: usize) -> Result<Vec<DueTimer>, StoreError> {
        let image = self.image();
        let mut due: Vec<_> = image.timers.iter().filter(|(_, due)| **due <= until).collect();
        due.sort_by_key(|(_, due)| **due);
        let timer = |((tenant, stream, timer), due): (&(TenantId, StreamId, TimerId), &Timestamp)| DueTimer {
            tenant: tenant.clone(),
            stream: stream.clone(),
            timer: timer.clone(),
            due: *due,
        };
        Ok(due.into_iter().take(limit).map(timer).collect())
    }

    fn effects_pending(&self, after: Option<(Seq, &EffectId)>, limit: usize) -> Result<Vec<PendingEffect>, StoreError> {
        let image = self.image();
        let place = |it: &PendingEffect| (it.seq, it.effect.id.clone());
        let mut pending: Vec<PendingEffect> = image.effects.values().cloned().collect();
        if let Some((seq, effect)) = after {
            pending.retain(|it| place(it) > (seq, effect.clone()));
        }
        pending.sort_by_key(place);
        pending.truncate(limit);
        Ok(pending)
    }

    fn view_page(&self, scope: &TenantScope, view: &ViewDefinition, query: &ViewQuery) -> Result<ViewPage, StoreError> {
        let image = self.image();
        let rows = image.views.get(&(scope.tenant().clone(), view.name.to_owned()));
        let (rows, total) = view::page(rows, view, query)?;
        Ok(ViewPage {
            position: image.indexed,
            rows,
            total,
        })
    }

    fn view_row(&self, scope: &TenantScope, view: &ViewDefinition, key: &str) -> Result<Option<ViewRow>, StoreError> {
        let image = self.image();
        Ok(image
            .views
            .get(&(scope.tenant().clone(), view.name.to_owned()))
            .and_then(|rows| rows.get(key))
            .cloned())
    }

    fn view_rows(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        keys: &[String],
    ) -> Result<Vec<(String, ViewRow)>, StoreError> {
        let image = self.image();
        let rows = image.views.get(&(scope.tenant().clone(), view.name.to_owned()));
        let known = |key: &String| Some((key.clone(), rows?.get(key)?.clone()));
        Ok(keys.iter().take(PAGE_ROWS_MAX as usize).filter_map(known).collect())
    }

    fn view_totals(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        filter: Option<&Filter>,
        totals: &[Total],
    ) -> Result<Vec<i64>, StoreError> {
        let image = self.image();
        let rows = image.views.get(&(scope.tenant().clone(), view.name.to_owned()));
        view::totals(rows, view, filter, totals)
    }

    fn subject_key(&self, scope: &TenantScope, subject: &SubjectId) -> Result<Option<SubjectKey>, StoreError> {
        let image = self.image();
        let found = image.keys.get(&(scope.tenant().clone(), subject.clone()));
        Ok(found.map(|(_, wrapped)| SubjectKey {
            subject: subject.clone(),
            wrapped: wrapped.clone(),
        }))
    }

    fn erase_subject(&self, epoch: Epoch, scope: &TenantScope, subject: &SubjectId) -> Result<(), StoreError> {
        let mut image = self.image();
        image.admit(epoch)?;
        image.keys.remove(&(scope.tenant().clone(), subject.clone()));
        Ok(())
    }

    fn put_blobs(&self, epoch: Epoch, tenant: &TenantId, blobs: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        let mut image = self.image();
        image.admit(epoch)?;
        let placed = blobs
            .iter()
            .map(|(name, body)| ((tenant.clone(), name.clone()), body.clone()));
        image.blobs.extend(placed);
        Ok(())
    }

    fn blob(&self, scope: &TenantScope, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .image()
            .blobs
            .get(&(scope.tenant().clone(), name.to_owned()))
            .cloned())
    }

    fn health(&self) -> Result<String, StoreError> {
        let image = self.image();
        image.admit(image.epoch)?;
        Ok(format!("memory, head {}, indexed {}", image.head(), image.indexed))
    }
}
