//! The lazy half of a commit: derived indexes and audit trees follow the log, each with its position.
//!
//! Invariant: nothing here decides anything. If it never ran, recovery would fold the same from the records.

use crate::audit::note::{Signer, Use};
use crate::audit::sequencer::Sequencer;
use crate::machine::{Machine, PLATFORM, RECOVERY_PAGE};
use crate::ports::StoreError;
use jiff::{SignedDuration, Timestamp};
use signalbox_model::id::{Seq, TenantId};

/// Views may lag the log by this much.
pub const CHECKPOINT_EVERY: SignedDuration = SignedDuration::from_millis(200);
/// Name of the blob that says up to which record every tenant's audit log reaches.
const SCANNED: &str = "audit/scanned";

impl Machine {
    /// Whether records wait for their indexes long enough.
    pub fn checkpoint_due(&self, now: Timestamp) -> bool {
        self.lags() && now.duration_since(self.checkpointed_at) >= CHECKPOINT_EVERY
    }

    /// When the next checkpoint is due, if anything waits for it.
    pub fn checkpoint_at(&self) -> Option<Timestamp> {
        let at = self
            .checkpointed_at
            .saturating_add(CHECKPOINT_EVERY)
            .unwrap_or(Timestamp::MAX);
        self.lags().then_some(at)
    }

    /// Brings indexes and audit logs up to the last durable record. Call between batches only.
    pub fn checkpoint(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.checkpointed_at = now;
        if !self.lags() {
            return Ok(());
        }
        assert_eq!(
            self.next_seq,
            self.committed + 1,
            "a checkpoint between judging a batch and its commit"
        );
        self.store.checkpoint(self.epoch, &self.overlay, self.committed)?;
        self.overlay = Default::default();
        if self.audit_torn {
            self.leaves.clear();
            self.sequencers.clear();
            self.restore_audit()?;
        }
        // Until this has ended well, what memory says of the audit trees is not what is stored.
        self.audit_torn = true;
        self.sequence()?;
        self.audit_torn = false;
        self.streams.shrink();
        Ok(())
    }

    /// Whether records wait for their indexes, or leaves for their trees.
    fn lags(&self) -> bool {
        !self.overlay.is_empty() || self.audit_torn
    }

    /// Gives the leaves of durable records their places in each tenant's audit log, and signs its head.
    fn sequence(&mut self) -> Result<(), StoreError> {
        let broken = |error: &dyn std::fmt::Display| StoreError::Broken(format!("the audit log: {error}"));
        let position = self.committed;
        for (tenant, leaves) in std::mem::take(&mut self.leaves) {
            let signer = self.signer(&tenant)?;
            let sequencer = self.sequencers.entry(tenant.clone()).or_default();
            let records: Vec<(Seq, &[String])> = leaves.iter().map(|(seq, leaves)| (*seq, leaves.as_slice())).collect();
            let mut blobs = sequencer
                .integrate(&records, position)
                .map_err(|error| broken(&error))?;
            blobs.push(sequencer.checkpoint(&signer, &[]).map_err(|error| broken(&error))?);
            self.store.put_blobs(self.epoch, &tenant, &blobs)?;
        }
        let scanned = vec![(SCANNED.to_owned(), position.to_string().into_bytes())];
        self.store.put_blobs(self.epoch, &TenantId::from(PLATFORM), &scanned)
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
            for stored in page {
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
