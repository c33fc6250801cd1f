//! What the store's indexes do not know yet, in two layers: changes handed over to a checkpoint that is not confirmed,
//! and those since.
//!
//! Invariant: a look-up asks the newer layer, then the older one, then the store. So it does not matter whether the
//! checkpoint under way has reached the store already.

use crate::index::IndexChanges;
use crate::record::{InboxMark, Stored};
use jiff::Timestamp;
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, TenantId, TimerId};
use signalbox_model::value::ExternalId;
use signalbox_model::view::ViewRow;
use std::collections::BTreeMap;
use std::sync::Arc;

pub type TimerKey = (TenantId, StreamId, TimerId);

#[derive(Debug, Default)]
pub struct Overlay {
    newer: IndexChanges,
    handed_over: Option<Arc<IndexChanges>>,
}

impl Overlay {
    pub fn apply(&mut self, stored: &Stored) {
        self.newer.apply(stored);
    }

    /// Whether anything waits for its first or next checkpoint.
    pub fn lags(&self) -> bool {
        !self.newer.is_empty() || self.handed_over.is_some()
    }

    pub fn is_handed_over(&self) -> bool {
        self.handed_over.is_some()
    }

    /// Hands everything over to a checkpoint. One at a time.
    pub fn hand_over(&mut self) -> Arc<IndexChanges> {
        debug_assert!(self.handed_over.is_none(), "a checkpoint is under way");
        let changes = Arc::new(std::mem::take(&mut self.newer));
        self.handed_over = Some(Arc::clone(&changes));
        changes
    }

    /// The checkpoint is in the store.
    pub fn written(&mut self) {
        self.handed_over = None;
    }

    /// The checkpoint is not in the store, or not surely: the next one carries its changes too.
    pub fn take_back(&mut self) {
        if let Some(older) = self.handed_over.take() {
            let mut older = Arc::unwrap_or_clone(older);
            older.absorb(std::mem::take(&mut self.newer));
            self.newer = older;
        }
    }

    /// Newest first.
    fn layers(&self) -> impl Iterator<Item = &IndexChanges> {
        std::iter::once(&self.newer).chain(self.handed_over.as_deref())
    }

    /// Seqs of a stream's records, in order.
    pub fn stream(&self, stream: &(TenantId, StreamId)) -> impl Iterator<Item = Seq> {
        let of = |layer: &'_ IndexChanges| layer.streams.get(stream).cloned().unwrap_or_default();
        let older = self.handed_over.as_deref().map(of).unwrap_or_default();
        older.into_iter().chain(of(&self.newer))
    }

    pub fn mark(&self, key: &(TenantId, String)) -> Option<&InboxMark> {
        self.layers().find_map(|it| it.marks.get(key))
    }

    pub fn message(&self, key: &(TenantId, MessageId)) -> Option<Seq> {
        self.layers().find_map(|it| it.messages.get(key).copied())
    }

    pub fn link(&self, key: &(TenantId, ExternalId)) -> Option<&StreamId> {
        self.layers().find_map(|it| it.links.get(key))
    }

    /// `Some(None)`: the row was removed.
    pub fn view(&self, key: &(TenantId, String, String)) -> Option<Option<&ViewRow>> {
        self.layers()
            .find_map(|it| it.views.get(key))
            .map(|(_, row)| row.as_deref())
    }

    /// Every timer that changed; `None`: it was cancelled.
    pub fn timers(&self) -> BTreeMap<&TimerKey, Option<Timestamp>> {
        let older = self.handed_over.iter().flat_map(|it| &it.timers);
        older.chain(&self.newer.timers).map(|(key, due)| (key, *due)).collect()
    }

    /// Whether a record past the last checkpoint settled this effect.
    pub fn is_settled(&self, tenant: &TenantId, effect: &EffectId) -> bool {
        let key = (tenant.clone(), effect.clone());
        let newest = self.layers().find_map(|it| it.effects.get(&key));
        newest.is_some_and(Option::is_none)
    }

    /// Every effect that changed; `None`: it was settled.
    pub fn effects(&self) -> BTreeMap<&(TenantId, EffectId), Option<&crate::ports::PendingEffect>> {
        let older = self.handed_over.iter().flat_map(|it| &it.effects);
        older
            .chain(&self.newer.effects)
            .map(|(key, pending)| (key, pending.as_ref()))
            .collect()
    }
}
