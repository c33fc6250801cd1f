//! Timers near at hand. The durable row is the truth; memory holds those due before the horizon.
//!
//! Invariant: a timer set or cancelled in a turn is so in memory at once; a cancelled timer never fires. The scan is
//! by level (`due <= now`), so a tick that is missed does no harm.

use crate::machine::{Machine, Origin};
use crate::overlay::{Overlay, TimerKey as Key};
use crate::ports::{DueTimer, Store, StoreError};
use crate::record::Stored;
use jiff::{SignedDuration, Timestamp};
use signalbox_engine::step::{Context, Input, step};
use signalbox_model::id::{StreamId, TenantId, TimerId};
use signalbox_model::scope::Actor;
use signalbox_model::timer::TimerChange;
use std::collections::{BTreeMap, BTreeSet};

/// How far ahead timers are held in memory.
pub const HORIZON: SignedDuration = SignedDuration::from_mins(10);
/// Timers read from the store at once.
const PAGE: usize = 100_000;

#[derive(Default)]
pub struct Timers {
    due: BTreeSet<(Timestamp, Key)>,
    known: BTreeMap<Key, Timestamp>,
    /// Every timer due up to here is in memory.
    horizon: Timestamp,
}

impl Timers {
    pub fn load(store: &dyn Store, overlay: &Overlay, now: Timestamp) -> Result<Self, StoreError> {
        let mut timers = Self::default();
        timers.fill(store, overlay, now)?;
        Ok(timers)
    }

    /// Reads further ahead once half the horizon has gone by.
    pub fn refill(&mut self, store: &dyn Store, overlay: &Overlay, now: Timestamp) -> Result<(), StoreError> {
        let half = later(now, HORIZON / 2);
        if half < self.horizon {
            Ok(())
        } else {
            self.fill(store, overlay, now)
        }
    }

    fn fill(&mut self, store: &dyn Store, overlay: &Overlay, now: Timestamp) -> Result<(), StoreError> {
        let horizon = later(now, HORIZON);
        let changed = overlay.timers();
        let stored = store.timers_due(horizon, PAGE)?;
        // A full page reaches only as far as its last timer; the rest is read when that is due.
        self.horizon = if stored.len() < PAGE {
            horizon
        } else {
            stored.last().map_or(horizon, |it| it.due)
        };
        for DueTimer {
            tenant,
            stream,
            timer,
            due,
        } in stored
        {
            let key = (tenant, stream, timer);
            if !changed.contains_key(&key) {
                self.set(key, due);
            }
        }
        for (key, due) in changed {
            match due {
                Some(due) if due <= self.horizon => self.set(key.clone(), due),
                Some(_) => {}
                None => self.cancel(key),
            }
        }
        Ok(())
    }

    pub fn apply(&mut self, stored: &Stored) {
        for change in &stored.record.timers {
            let key = |id: &TimerId| (stored.tenant.clone(), stored.stream.clone(), id.clone());
            match change {
                TimerChange::Set { id, due } => {
                    self.cancel(&key(id));
                    if *due <= self.horizon {
                        self.set(key(id), *due);
                    }
                }
                TimerChange::Cancel { id } => self.cancel(&key(id)),
            }
        }
    }

    fn set(&mut self, key: Key, due: Timestamp) {
        self.cancel(&key);
        self.due.insert((due, key.clone()));
        self.known.insert(key, due);
    }

    fn cancel(&mut self, key: &Key) {
        if let Some(due) = self.known.remove(key) {
            self.due.remove(&(due, key.clone()));
        }
    }

    /// The next timer, or the next time to read further ahead.
    pub fn next_due(&self) -> Option<Timestamp> {
        let refill = self.horizon.saturating_sub(HORIZON / 2).unwrap_or(Timestamp::MIN);
        Some(self.due.first().map_or(refill, |(due, _)| refill.min(*due)))
    }

    /// Timers that are due, earliest first. They stay known until the turn they wake cancels or sets them anew.
    pub fn take_due(&mut self, now: Timestamp, limit: usize) -> Vec<DueTimer> {
        let mut taken = Vec::new();
        while taken.len() < limit && self.due.first().is_some_and(|(due, _)| *due <= now) {
            let Some((due, key)) = self.due.pop_first() else { break };
            self.known.remove(&key);
            let (tenant, stream, timer) = key;
            taken.push(DueTimer {
                tenant,
                stream,
                timer,
                due,
            });
        }
        taken
    }

    /// Whether a timer is armed in memory: for oracles.
    pub fn is_armed(&self, tenant: &TenantId, stream: &StreamId, timer: &TimerId) -> bool {
        self.known
            .contains_key(&(tenant.clone(), stream.clone(), timer.clone()))
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

impl Machine {
    /// A timer fires: its load judges what that means.
    pub(crate) fn wake(&mut self, due: DueTimer, now: Timestamp) -> Result<(), StoreError> {
        if due.stream.is_capacity() {
            return self.wake_capacity(due, now);
        }
        let DueTimer {
            tenant,
            stream,
            timer,
            due,
        } = due;
        let directory = self.directory(&tenant)?;
        let mut state = self.take_load(&tenant, &stream)?;
        let cause = format!("{timer}@{due}");
        let actor = Actor::system();
        let context = Context {
            now,
            actor: &actor,
            directory: &directory,
            cause: &cause,
        };
        let mut reaction = step(&mut state, Input::Timer(timer.clone()), &context);
        self.streams.put(&tenant, &stream, state, self.next_seq);
        // A fired timer is over, whatever it led to.
        let cancelled = TimerChange::Cancel { id: timer };
        if !reaction.timers.contains(&cancelled) {
            reaction.timers.insert(0, cancelled);
        }
        let origin = Origin {
            cause: &cause,
            actor: &actor,
            traceparent: None,
            now,
        };
        self.emit(&tenant, &stream, reaction, &origin, Default::default())?;
        Ok(())
    }
}
