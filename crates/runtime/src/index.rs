//! Indexes derived from the records: timers, outbox, dedupe marks, links, stream positions, views.
//!
//! Invariant: an index is a pure fold of the records. The overlay holds what the store's indexes do not know yet;
//! `drain` hands it over for a checkpoint. After a crash the same fold runs over the records past the checkpoint,
//! so recovery is the everyday path.

use crate::ports::{DueTimer, PendingEffect};
use crate::record::{InboxMark, Stored, TimerChange};
use jiff::Timestamp;
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, TenantId, TimerId};
use signalbox_model::value::ExternalId;
use signalbox_model::view::ViewRow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What changed since the last checkpoint, coalesced: the last value a key wins. `None` removes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexChanges {
    pub streams: BTreeMap<(TenantId, StreamId), Vec<Seq>>,
    pub marks: BTreeMap<(TenantId, String), InboxMark>,
    /// Which record holds a message's raw bytes.
    pub messages: BTreeMap<(TenantId, MessageId), Seq>,
    pub links: BTreeMap<(TenantId, ExternalId), StreamId>,
    pub timers: BTreeMap<(TenantId, StreamId, TimerId), Option<Timestamp>>,
    pub effects: BTreeMap<(TenantId, EffectId), Option<PendingEffect>>,
    /// (tenant, view, key) -> row and the seq that wrote it.
    pub views: BTreeMap<(TenantId, String, String), (Seq, Option<Arc<ViewRow>>)>,
}

impl IndexChanges {
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Folds one record in.
    pub fn apply(&mut self, stored: &Stored) {
        let Stored {
            seq,
            tenant,
            stream,
            record,
            ..
        } = stored;
        self.streams
            .entry((tenant.clone(), stream.clone()))
            .or_default()
            .push(*seq);
        if let Some(mark) = &record.mark {
            self.marks.insert((tenant.clone(), mark.key.clone()), mark.clone());
            self.messages.insert((tenant.clone(), mark.message.clone()), *seq);
        }
        for link in &record.links {
            self.links.insert((tenant.clone(), link.clone()), stream.clone());
        }
        for change in &record.timers {
            let (id, due) = match change {
                TimerChange::Set { id, due } => (id, Some(*due)),
                TimerChange::Cancel { id } => (id, None),
            };
            self.timers.insert((tenant.clone(), stream.clone(), id.clone()), due);
        }
        for effect in &record.effects {
            let pending = PendingEffect {
                tenant: tenant.clone(),
                stream: stream.clone(),
                effect: effect.clone(),
                seq: *seq,
                traceparent: record.traceparent.clone(),
            };
            self.effects.insert((tenant.clone(), effect.id.clone()), Some(pending));
        }
        for settled in &record.settled {
            self.effects.insert((tenant.clone(), settled.clone()), None);
        }
        for change in &record.views {
            let key = (tenant.clone(), change.view.clone(), change.key.clone());
            self.views.insert(key, (*seq, change.row.clone()));
        }
    }

    /// Takes in what changed after these.
    pub fn absorb(&mut self, newer: Self) {
        for (stream, seqs) in newer.streams {
            self.streams.entry(stream).or_default().extend(seqs);
        }
        self.marks.extend(newer.marks);
        self.messages.extend(newer.messages);
        self.links.extend(newer.links);
        self.timers.extend(newer.timers);
        self.effects.extend(newer.effects);
        self.views.extend(newer.views);
    }

    /// Timers set here and due at or before `until`, earliest first.
    pub fn timers_due(&self, until: Timestamp) -> Vec<DueTimer> {
        let mut due: Vec<DueTimer> = self
            .timers
            .iter()
            .filter_map(|((tenant, stream, timer), due)| {
                let due = (*due)?;
                (due <= until).then(|| DueTimer {
                    tenant: tenant.clone(),
                    stream: stream.clone(),
                    timer: timer.clone(),
                    due,
                })
            })
            .collect();
        due.sort_by_key(|it| it.due);
        due
    }
}
