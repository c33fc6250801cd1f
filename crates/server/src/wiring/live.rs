//! Changed view rows, kept for a while so that live followers can go on where they stopped.
//!
//! Invariant: a follower gets every change of its tenant after the place it named, in log order, or is told to start
//! over. Followers pull: a slow one holds nothing up and is passed by once the ring has moved on.

use signalbox_model::id::{Seq, TenantId};
use signalbox_runtime::request::LiveChange;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Changes kept for one tenant. At 100 changes a second a follower may be away for more than two minutes.
pub const RING_CHANGES_MAX: usize = 16_384;

pub struct Live {
    tenants: Mutex<BTreeMap<TenantId, Ring>>,
    /// Everything up to here was published.
    head: watch::Sender<Seq>,
    /// Where this process took up the log: what changed before is in no ring.
    started_at: Seq,
    ring_max: usize,
}

struct Ring {
    changes: VecDeque<Arc<LiveChange>>,
    /// How many changes have left the ring: the place of its first one.
    dropped: u64,
    /// Seq of the newest change that has left; a follower from before it has missed something.
    floor: Seq,
    news: watch::Sender<u64>,
}

/// Where a follower is: the place of the next change in its tenant's ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

/// What a follower finds.
#[derive(Debug)]
pub enum Followed {
    /// The changes from its place on, as many as asked for, and the place after them.
    Changes(Vec<Arc<LiveChange>>, Place),
    /// Its place has left the ring: start over with a snapshot.
    Lost,
}

impl Live {
    pub fn new(started_at: Seq) -> Self {
        Self::with_limit(started_at, RING_CHANGES_MAX)
    }

    fn with_limit(started_at: Seq, ring_max: usize) -> Self {
        Self {
            tenants: Mutex::default(),
            head: watch::channel(started_at).0,
            started_at,
            ring_max,
        }
    }

    pub fn publish(&self, changes: Vec<LiveChange>, head: Seq) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let ring = tenants
                .entry(change.tenant.clone())
                .or_insert_with(|| Ring::new(self.started_at));
            ring.changes.push_back(Arc::new(change));
            if ring.changes.len() > self.ring_max
                && let Some(oldest) = ring.changes.pop_front()
            {
                ring.dropped += 1;
                ring.floor = oldest.seq;
            }
        }
        for ring in tenants.values() {
            ring.news.send_if_modified(|newest| {
                let end = ring.end();
                std::mem::replace(newest, end) != end
            });
        }
        self.head.send_replace(head);
    }

    pub fn head(&self) -> Seq {
        *self.head.borrow()
    }

    /// The place after every change up to `from`, and a bell for news. None where changes since then are gone, or
    /// where `from` is of another log.
    pub fn follow(&self, tenant: &TenantId, from: Seq) -> Option<(Place, watch::Receiver<u64>)> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = tenants
            .entry(tenant.clone())
            .or_insert_with(|| Ring::new(self.started_at));
        if from < ring.floor || from > self.head() {
            return None;
        }
        let passed = ring.changes.partition_point(|it| it.seq <= from);
        Some((Place(ring.dropped + passed as u64), ring.news.subscribe()))
    }

    pub fn after(&self, tenant: &TenantId, place: Place, limit: usize) -> Followed {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ring) = tenants.get(tenant) else {
            return Followed::Lost;
        };
        let Some(skipped) = place.0.checked_sub(ring.dropped) else {
            return Followed::Lost;
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let found: Vec<_> = ring.changes.iter().skip(skipped).take(limit).cloned().collect();
        let next = Place(place.0 + found.len() as u64);
        Followed::Changes(found, next)
    }
}

impl Ring {
    fn new(floor: Seq) -> Self {
        Self {
            changes: VecDeque::new(),
            dropped: 0,
            floor,
            news: watch::channel(0).0,
        }
    }

    fn end(&self) -> u64 {
        self.dropped + self.changes.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(tenant: &str, seq: Seq) -> LiveChange {
        LiveChange {
            seq,
            tenant: TenantId::from(tenant),
            view: "board".to_owned(),
            key: "load_1".to_owned(),
            row: None,
        }
    }

    fn seqs(live: &Live, tenant: &str, from: Seq) -> Option<Vec<Seq>> {
        let tenant = TenantId::from(tenant);
        let (place, _) = live.follow(&tenant, from)?;
        match live.after(&tenant, place, 100) {
            Followed::Changes(found, _) => Some(found.iter().map(|it| it.seq).collect()),
            Followed::Lost => None,
        }
    }

    #[test]
    fn a_follower_gets_its_own_tenants_changes_after_its_place() {
        let live = Live::new(10);
        live.publish(
            vec![
                change("ten_a", 11),
                change("ten_b", 12),
                change("ten_a", 13),
                change("ten_a", 13),
            ],
            13,
        );
        assert_eq!(seqs(&live, "ten_a", 10), Some(vec![11, 13, 13]));
        assert_eq!(seqs(&live, "ten_a", 11), Some(vec![13, 13]));
        assert_eq!(seqs(&live, "ten_b", 13), Some(vec![]));
        assert_eq!(seqs(&live, "ten_c", 13), Some(vec![]));
    }

    #[test]
    fn whoever_is_too_late_or_of_another_log_starts_over() {
        let live = Live::with_limit(10, 2);
        live.publish((11..=14).map(|it| change("ten_a", it)).collect(), 14);
        assert_eq!(seqs(&live, "ten_a", 9), None);
        assert_eq!(seqs(&live, "ten_a", 11), None);
        assert_eq!(seqs(&live, "ten_a", 12), Some(vec![13, 14]));
        assert_eq!(seqs(&live, "ten_a", 15), None);
    }

    #[test]
    fn a_slow_follower_is_lost_once_the_ring_has_passed_it() {
        let live = Live::with_limit(0, 2);
        let tenant = TenantId::from("ten_a");
        let (place, _) = live.follow(&tenant, 0).unwrap();
        live.publish((1..=3).map(|it| change("ten_a", it)).collect(), 3);
        assert!(matches!(live.after(&tenant, place, 10), Followed::Lost));
    }
}
