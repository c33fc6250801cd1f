//! Leaves of the audit log: one canonical JSON entry for each decision of a turn.
//!
//! Invariant: no personal value is in a leaf. Sealed values are cut down to whose they are and their commitment, so
//! that erasing a person's key leaves every proof valid. Entries of a stream are dense: `version` follows `after`,
//! `part` counts to `parts`, so that a verifier without the original can say where something is missing.

use super::canonical::{self, InexactNumber};
use super::tile::ENTRY_BYTES_MAX;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use signalbox_model::decision::Decision;
use signalbox_model::id::{StreamId, SubjectId, TenantId};
use signalbox_model::personal::Sealed;
use signalbox_model::scope::Actor;

/// Raise when the shape changes in a way an older verifier cannot read.
pub const ENTRY_VERSION: u8 = 1;

/// The turn that decided.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    pub tenant: &'a TenantId,
    pub stream: &'a StreamId,
    /// The turn's place in its stream.
    pub version: u64,
    /// Version of the stream's latest turn before this one that left an entry, 0 for none. Where every turn leaves
    /// one, that is `version - 1`.
    pub after: u64,
    pub at: Timestamp,
    pub actor: &'a Actor,
}

/// A personal value that a decision rests on, without the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    pub what: String,
    pub subject: SubjectId,
    pub commitment: String,
}

impl Commitment {
    pub fn of(what: &str, sealed: &Sealed) -> Self {
        Self {
            what: what.to_owned(),
            subject: sealed.subject.clone(),
            commitment: sealed.commitment.clone(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("an audit entry about {about} takes {bytes} bytes, and {ENTRY_BYTES_MAX} is the most; cut its evidence")]
    TooLong { about: String, bytes: usize },
    #[error(transparent)]
    Number(#[from] InexactNumber),
}

/// The entries of one turn, in the order of its decisions.
pub fn entries(turn: &Turn<'_>, decisions: &[Decision], commitments: &[Commitment]) -> Result<Vec<String>, Error> {
    let parts = decisions.len();
    decisions
        .iter()
        .enumerate()
        .map(|(place, it)| entry(turn, (place + 1, parts), it, commitments))
        .collect()
}

/// The canonical entry of one decision; `part` is its place and how many the turn has.
pub fn entry(
    turn: &Turn<'_>,
    part: (usize, usize),
    decision: &Decision,
    commitments: &[Commitment],
) -> Result<String, Error> {
    let evidence: Vec<Value> = decision
        .evidence
        .iter()
        .map(|it| json!({ "what": it.what, "value": committed(&it.value), "source": it.source }))
        .collect();
    let value = json!({
        "v": ENTRY_VERSION,
        "tenant": turn.tenant,
        "stream": turn.stream,
        "version": turn.version,
        "after": turn.after,
        "part": part.0,
        "parts": part.1,
        "at": turn.at.to_string(),
        "actor": { "kind": turn.actor.kind, "name": turn.actor.name, "roles": turn.actor.roles },
        "about": decision.about,
        "choice": decision.choice,
        "rule": decision.rule,
        "evidence": evidence,
        "commitments": commitments.iter().map(commitment_json).collect::<Vec<_>>(),
    });
    let entry = canonical::to_string(&value)?;
    if entry.len() > ENTRY_BYTES_MAX {
        return Err(Error::TooLong {
            about: decision.about.clone(),
            bytes: entry.len(),
        });
    }
    Ok(entry)
}

/// The value with every sealed personal value in it, however deep, cut down to subject and commitment.
pub fn committed(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(committed).collect()),
        Value::Object(fields) => match sealed(fields) {
            Some((subject, commitment)) => json!({ "subject": subject, "commitment": commitment }),
            None => Value::Object(fields.iter().map(|(key, it)| (key.clone(), committed(it))).collect()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn sealed(fields: &Map<String, Value>) -> Option<(&Value, &Value)> {
    let is_sealed = fields.contains_key("cipher") && fields.contains_key("taint");
    is_sealed.then_some((fields.get("subject")?, fields.get("commitment")?))
}

fn commitment_json(it: &Commitment) -> Value {
    json!({ "what": it.what, "subject": it.subject, "commitment": it.commitment })
}
