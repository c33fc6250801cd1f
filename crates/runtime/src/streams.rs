//! What the owner knows of its streams: loads in memory, directories, and every stream's version.
//!
//! Invariant: a stream's state is a fold of its records. What is not in memory is folded again when it is needed; the
//! number of loads kept is bounded, and one with turns that are not durable is never dropped.

use crate::machine::Machine;
use crate::ports::StoreError;
use crate::record::Stored;
use signalbox_engine::directory::Directory;
use signalbox_engine::state::LoadState;
use signalbox_model::id::{Seq, StreamId, TenantId};
use signalbox_model::value::ExternalId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Loads kept in memory.
pub const LOADS_MAX: usize = 50_000;

#[derive(Default)]
pub struct Streams {
    loads: BTreeMap<(TenantId, StreamId), Kept>,
    directories: BTreeMap<TenantId, Arc<Directory>>,
    versions: BTreeMap<(TenantId, StreamId), u64>,
    uses: u64,
}

struct Kept {
    state: LoadState,
    used: u64,
    /// No turn of the load lies past this place in the log.
    turned: Seq,
}

impl Streams {
    /// The version of the stream's next turn.
    pub fn advance(&mut self, tenant: &TenantId, stream: &StreamId) -> u64 {
        let version = self.versions.entry((tenant.clone(), stream.clone())).or_insert(0);
        *version += 1;
        *version
    }

    pub fn directory(&self, tenant: &TenantId) -> Option<Arc<Directory>> {
        self.directories.get(tenant).cloned()
    }

    pub fn directories(&self) -> Vec<(TenantId, Arc<Directory>)> {
        self.directories
            .iter()
            .map(|(tenant, it)| (tenant.clone(), it.clone()))
            .collect()
    }

    pub fn put_directory(&mut self, directory: Directory) {
        self.directories.insert(directory.tenant.clone(), Arc::new(directory));
    }

    /// Takes a load's state out to work on it.
    pub fn take(&mut self, tenant: &TenantId, stream: &StreamId) -> Option<LoadState> {
        self.loads.remove(&(tenant.clone(), stream.clone())).map(|it| it.state)
    }

    /// A load that no record tells of yet: there is nothing to fold.
    pub fn begin(&mut self, tenant: &TenantId, stream: &StreamId) {
        let key = (tenant.clone(), stream.clone());
        if !self.versions.contains_key(&key) && !self.loads.contains_key(&key) {
            self.versions.insert(key, 0);
            self.put(tenant, stream, LoadState::default(), 0);
        }
    }

    /// Keeps a load's state; a turn that has just been judged will have the place `next`.
    pub fn put(&mut self, tenant: &TenantId, stream: &StreamId, state: LoadState, next: Seq) {
        self.uses += 1;
        let kept = Kept {
            state,
            used: self.uses,
            turned: next,
        };
        self.loads.insert((tenant.clone(), stream.clone()), kept);
    }

    /// Whether a turn of this load is judged and not durable.
    pub fn is_ahead(&self, tenant: &TenantId, stream: &StreamId, durable: Seq) -> bool {
        let kept = self.loads.get(&(tenant.clone(), stream.clone()));
        kept.is_some_and(|it| it.turned > durable)
    }

    /// Drops the loads that were not used for longest and whose turns are all durable.
    pub fn shrink(&mut self, durable: Seq) {
        if self.loads.len() <= LOADS_MAX {
            return;
        }
        let mut uses: Vec<u64> = self.loads.values().map(|it| it.used).collect();
        uses.sort_unstable();
        let floor = uses.get(self.loads.len() - LOADS_MAX / 2).copied().unwrap_or(0);
        self.loads.retain(|_, kept| kept.used >= floor || kept.turned > durable);
        let loads = &self.loads;
        self.versions
            .retain(|key, _| !key.1.is_load() || loads.contains_key(key));
    }
}

impl Machine {
    /// The stream's records in order, from the store: all of them, as it is only called for streams not in memory.
    pub(crate) fn records_of(&self, tenant: &TenantId, stream: &StreamId) -> Result<Vec<Stored>, StoreError> {
        let scope = Self::scope(tenant);
        let mut seqs: Vec<Seq> = self.store.stream_seqs(&scope, stream)?;
        let last = seqs.last().copied().unwrap_or(0);
        let key = (tenant.clone(), stream.clone());
        let newer = self.overlay.stream(&key);
        seqs.extend(newer.filter(|seq| *seq > last));
        self.store.records_at(&scope, &seqs)
    }

    /// A load's state, taken out of memory or folded from its records. A new stream has the default state.
    pub(crate) fn take_load(&mut self, tenant: &TenantId, stream: &StreamId) -> Result<LoadState, StoreError> {
        if let Some(state) = self.streams.take(tenant, stream) {
            return Ok(state);
        }
        let records = self.records_of(tenant, stream)?;
        let version = records.last().map_or(0, |it| it.version);
        self.streams.versions.insert((tenant.clone(), stream.clone()), version);
        let mut state = LoadState::default();
        for stored in &records {
            fold(&mut state, stored)?;
        }
        Ok(state)
    }

    /// Makes sure a stream's version is known before its next turn.
    pub(crate) fn know_version(&mut self, tenant: &TenantId, stream: &StreamId) -> Result<(), StoreError> {
        let key = (tenant.clone(), stream.clone());
        if self.streams.versions.contains_key(&key) {
            return Ok(());
        }
        let scope = Self::scope(tenant);
        let newest = self.overlay.stream(&key).last();
        let newest = match newest {
            Some(seq) => Some(seq),
            None => self.store.stream_seqs(&scope, stream)?.last().copied(),
        };
        let version = match newest {
            Some(seq) => self
                .store
                .records_at(&scope, &[seq])?
                .first()
                .map_or(0, |it| it.version),
            None => 0,
        };
        self.streams.versions.insert(key, version);
        Ok(())
    }

    /// A tenant's directory, folded when first asked for.
    pub(crate) fn directory(&mut self, tenant: &TenantId) -> Result<Arc<Directory>, StoreError> {
        if let Some(known) = self.streams.directory(tenant) {
            return Ok(known);
        }
        let stream = StreamId::settings();
        let refused = |_| StoreError::Broken("the platform's own policies do not compile".to_owned());
        let mut directory = Directory::new(tenant.clone()).map_err(refused)?;
        let records = self.records_of(tenant, &stream)?;
        let version = records.last().map_or(0, |it| it.version);
        self.streams.versions.insert((tenant.clone(), stream), version);
        records
            .iter()
            .flat_map(|it| &it.record.events)
            .for_each(|event| directory.apply(event));
        self.streams.put_directory(directory);
        self.streams
            .directory(tenant)
            .ok_or_else(|| StoreError::Broken("a directory was lost".to_owned()))
    }

    /// Where an outside name leads.
    pub(crate) fn find(&self, tenant: &TenantId, id: &ExternalId) -> Result<Option<StreamId>, StoreError> {
        match self.overlay.link(&(tenant.clone(), id.clone())) {
            Some(stream) => Ok(Some(stream.clone())),
            None => self.store.link(&Self::scope(tenant), id),
        }
    }
}

/// Folds one record into a load's state: rebuild, recovery and the timeline all use this.
pub fn fold(state: &mut LoadState, stored: &Stored) -> Result<(), StoreError> {
    let record = &stored.record;
    record
        .effects
        .iter()
        .for_each(|effect| state.apply_effect(effect, record.at));
    record.events.iter().for_each(|event| state.apply(event, record.at));
    for packed in &record.instances {
        let broken = |error: serde_json::Error| StoreError::Broken(format!("record {}: {error}", stored.seq));
        state.apply_instance(packed).map_err(broken)?;
    }
    Ok(())
}
