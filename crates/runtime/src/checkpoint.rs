//! The lazy half of a commit: derived indexes and audit trees follow the log, each with its position.
//!
//! Invariant: nothing here decides anything. If it never ran, recovery would fold the same from the records.

use crate::audit::note::{Signer, Use};
use crate::audit::sequencer::{Blob, Sequencer};
use crate::index::IndexChanges;
use crate::machine::{Machine, PLATFORM, RECOVERY_PAGE};
use crate::ports::{Epoch, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use signalbox_model::id::{Seq, TenantId};
use std::sync::Arc;

/// Views may lag the log by this much.
pub const CHECKPOINT_EVERY: SignedDuration = SignedDuration::from_millis(200);
/// Name of the blob that says up to which record every tenant's audit log reaches.
const SCANNED: &str = "audit/scanned";

/// One checkpoint on its way to the store, with the audit trees it makes grow.
pub struct Checkpoint {
    epoch: Epoch,
    changes: Arc<IndexChanges>,
    position: Seq,
    audit: Vec<Growth>,
    /// Up to here every record's leaves are in the trees.
    scanned: Seq,
    /// Written first: an index that says more than these hold would lose positions.
    fleets: Vec<(TenantId, Vec<Blob>)>,
}

/// A tenant's audit tree and the leaves that are to grow on it.
struct Growth {
    tenant: TenantId,
    sequencer: Sequencer,
    leaves: Vec<(Seq, Vec<String>)>,
    signer: Signer,
}

impl Checkpoint {
    /// Brings the store's indexes up to date, gives the leaves their places and signs each tree's head.
    pub fn write(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        for (tenant, blobs) in &self.fleets {
            store.put_blobs(self.epoch, tenant, blobs)?;
        }
        store.checkpoint(self.epoch, &self.changes, self.position)?;
        for growth in &mut self.audit {
            let blobs = growth.grow(self.scanned)?;
            store.put_blobs(self.epoch, &growth.tenant, &blobs)?;
        }
        let scanned = vec![(SCANNED.to_owned(), self.scanned.to_string().into_bytes())];
        store.put_blobs(self.epoch, &TenantId::from(PLATFORM), &scanned)
    }
}

impl Growth {
    fn grow(&mut self, position: Seq) -> Result<Vec<Blob>, StoreError> {
        let broken = |error: &dyn std::fmt::Display| StoreError::Broken(format!("the audit log: {error}"));
        let leaves = self.leaves.iter();
        let records: Vec<(Seq, &[String])> = leaves.map(|(seq, leaves)| (*seq, leaves.as_slice())).collect();
        let grown = self.sequencer.integrate(&records, position);
        let mut blobs = grown.map_err(|error| broken(&error))?;
        let head = self.sequencer.checkpoint(&self.signer, &[]);
        blobs.push(head.map_err(|error| broken(&error))?);
        Ok(blobs)
    }
}

impl Machine {
    /// Whether records wait for their indexes long enough, and no checkpoint is under way.
    pub fn checkpoint_due(&self, now: Timestamp) -> bool {
        self.lags() && !self.overlay.is_handed_over() && now.duration_since(self.checkpointed_at) >= CHECKPOINT_EVERY
    }

    /// When the next checkpoint is due, if anything waits for it.
    pub fn checkpoint_at(&self) -> Option<Timestamp> {
        let at = self
            .checkpointed_at
            .saturating_add(CHECKPOINT_EVERY)
            .unwrap_or(Timestamp::MAX);
        (self.lags() && !self.overlay.is_handed_over()).then_some(at)
    }

    /// What the next checkpoint is to write: index changes of every turn judged so far, audit blobs of every durable one.
    /// Write it after all batches judged before it, then tell `checkpointed`. Nothing while one is under way.
    pub fn begin_checkpoint(&mut self, now: Timestamp) -> Result<Option<Checkpoint>, StoreError> {
        if self.overlay.is_handed_over() {
            return Ok(None);
        }
        self.checkpointed_at = now;
        if !self.lags() {
            return Ok(None);
        }
        if self.audit_torn {
            self.leaves.clear();
            self.sequencers.clear();
            self.restore_audit()?;
        }
        // Until this has ended well, what memory says of the audit trees is not what is stored.
        self.audit_torn = true;
        let audit = self.growth()?;
        let fleets = self.trips.keep(self.next_seq - 1, now)?;
        Ok(Some(Checkpoint {
            epoch: self.epoch,
            changes: self.overlay.hand_over(),
            position: self.next_seq - 1,
            audit,
            scanned: self.committed,
            fleets,
        }))
    }

    /// What came of the checkpoint that was begun last.
    pub fn checkpointed(&mut self, checkpoint: Checkpoint, written: bool) {
        self.trips.kept(written);
        if written {
            self.overlay.written();
            let trees = checkpoint.audit.into_iter().map(|it| (it.tenant, it.sequencer));
            self.sequencers.extend(trees);
            self.audit_torn = false;
            self.streams.shrink(self.committed);
        } else {
            self.overlay.take_back();
        }
    }

    /// Brings indexes and audit logs up to the last durable record, at once. Call between batches only.
    pub fn checkpoint(&mut self, now: Timestamp) -> Result<(), StoreError> {
        assert_eq!(
            self.next_seq,
            self.committed + 1,
            "a checkpoint between judging a batch and its commit"
        );
        let Some(mut checkpoint) = self.begin_checkpoint(now)? else {
            return Ok(());
        };
        let written = checkpoint.write(self.store.as_ref());
        self.checkpointed(checkpoint, written.is_ok());
        written
    }

    /// Whether records wait for their indexes, or leaves for their trees.
    pub fn lags(&self) -> bool {
        self.overlay.lags() || self.audit_torn
    }

    /// The leaves of durable records, each tenant's with its tree.
    fn growth(&mut self) -> Result<Vec<Growth>, StoreError> {
        let mut all = Vec::new();
        for (tenant, leaves) in std::mem::take(&mut self.leaves) {
            all.push(Growth {
                signer: self.signer(&tenant)?,
                sequencer: self.sequencers.remove(&tenant).unwrap_or_default(),
                leaves,
                tenant,
            });
        }
        Ok(all)
    }

    /// The key that signs a tenant's audit log.
    pub fn signer(&self, tenant: &TenantId) -> Result<Signer, StoreError> {
        let vault = self
            .vault
            .tenant(tenant)
            .map_err(|error| StoreError::Broken(error.to_string()))?;
        let name = format!("signalbox/{tenant}");
        Signer::from_seed(&name, Use::Log, vault.signing_seed()).map_err(|error| StoreError::Broken(error.to_string()))
    }

    /// Finds the leaves that no audit tree holds yet.
    pub(crate) fn restore_audit(&mut self) -> Result<(), StoreError> {
        let scanned = self.store.blob(&Self::scope(&TenantId::from(PLATFORM)), SCANNED)?;
        let scanned = scanned
            .and_then(|it| String::from_utf8(it).ok()?.parse::<Seq>().ok())
            .unwrap_or(0);
        let mut tenants: Vec<TenantId> = self
            .streams
            .directories()
            .into_iter()
            .map(|(tenant, _)| tenant)
            .collect();
        tenants.push(TenantId::from(PLATFORM));
        for tenant in tenants {
            let store = &self.store;
            let scope = Self::scope(&tenant);
            let restored = Sequencer::restore(&mut |name| store.blob(&scope, name));
            let sequencer = restored.map_err(|error| StoreError::Broken(format!("the audit log: {error}")))?;
            self.sequencers.insert(tenant, sequencer);
        }
        let mut after = scanned;
        loop {
            let page = self.store.records(after, RECOVERY_PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.seq;
            // What is in the store and not told yet brings its leaves when it is told.
            for stored in page.into_iter().filter(|it| it.seq <= self.committed) {
                let reached = self.sequencers.get(&stored.tenant).map_or(0, |it| it.position());
                if stored.seq > reached {
                    self.leaves
                        .entry(stored.tenant)
                        .or_default()
                        .push((stored.seq, stored.record.leaves));
                }
            }
        }
    }
}
