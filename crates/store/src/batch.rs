//! A batch of turns, checked and serialized before any lock is taken.

use crate::key;
use signalbox_runtime::ports::StoreError;
use signalbox_runtime::record::{Record, SubjectKey, TimerChange, Turn};

/// Separates tenants in the session setting that row-level security reads; so no tenant's id may hold it.
pub(crate) const TENANT_SEPARATOR: char = '\u{1f}';

pub(crate) struct PackedTurn<'a> {
    pub tenant: &'a str,
    pub stream: &'a str,
    pub version: u64,
    pub body: Vec<u8>,
    pub raw: Option<&'a [u8]>,
    pub keys: &'a [SubjectKey],
}

pub(crate) fn pack(turns: &[Turn]) -> Result<Vec<PackedTurn<'_>>, StoreError> {
    turns.iter().map(pack_turn).collect()
}

fn pack_turn(turn: &Turn) -> Result<PackedTurn<'_>, StoreError> {
    check_tenant(turn.tenant.as_str())?;
    key::check("stream", turn.stream.as_str())?;
    check_ids(&turn.record)?;
    turn.keys
        .iter()
        .try_for_each(|it| key::check("subject", it.subject.as_str()))?;
    let body = serde_json::to_vec(&turn.record).map_err(|error| StoreError::Refused(error.to_string()))?;
    Ok(PackedTurn {
        tenant: turn.tenant.as_str(),
        stream: turn.stream.as_str(),
        version: turn.version,
        body,
        raw: turn.raw.as_deref(),
        keys: &turn.keys,
    })
}

pub(crate) fn check_tenant(tenant: &str) -> Result<(), StoreError> {
    if tenant.is_empty() || tenant.contains(TENANT_SEPARATOR) {
        return Err(StoreError::Refused(format!("{tenant:?} cannot name a tenant")));
    }
    key::check("tenant", tenant)
}

/// Refused here, before anything is durable: an id found too long at a checkpoint would stop the log for good.
fn check_ids(record: &Record) -> Result<(), StoreError> {
    record
        .effects
        .iter()
        .try_for_each(|it| key::check("effect", it.id.as_str()))?;
    record.views.iter().try_for_each(|it| key::check("view key", &it.key))?;
    record
        .mark
        .iter()
        .try_for_each(|it| key::check("message", it.message.as_str()))?;
    record.timers.iter().try_for_each(|it| match it {
        TimerChange::Set { id, .. } | TimerChange::Cancel { id } => key::check("timer", id.as_str()),
    })
}
