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
use signalbox_model::scope::{Actor, ActorKind};
use std::fmt::{Display, Write};

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

/// The canonical entry of one decision; `part` is its place and how many the turn has.
pub fn entry(
    turn: &Turn<'_>,
    part: (usize, usize),
    decision: &Decision,
    commitments: &[Commitment],
) -> Result<String, Error> {
    // Written field by field in canonical order: this runs for every decision of every turn.
    let mut out = Writer::default();
    out.text("{\"about\":", &decision.about);
    out.actor(turn.actor);
    out.plain(",\"after\":", turn.after);
    out.plain(",\"at\":\"", turn.at);
    out.text("\",\"choice\":", &decision.choice);
    out.list(",\"commitments\":", commitments, |out, it| {
        out.text("{\"commitment\":", &it.commitment);
        out.text(",\"subject\":", it.subject.as_str());
        out.text(",\"what\":", &it.what);
        out.plain("", '}');
        Ok(())
    })?;
    out.list(",\"evidence\":", &decision.evidence, |out, it| {
        out.text("{\"source\":", &it.source);
        out.value(",\"value\":", &it.value)?;
        out.text(",\"what\":", &it.what);
        out.plain("", '}');
        Ok(())
    })?;
    out.plain(",\"part\":", part.0);
    out.plain(",\"parts\":", part.1);
    out.text(",\"rule\":", &decision.rule);
    out.text(",\"stream\":", turn.stream.as_str());
    out.text(",\"tenant\":", turn.tenant.as_str());
    out.plain(",\"v\":", ENTRY_VERSION);
    out.plain(",\"version\":", turn.version);
    out.plain("", '}');
    let Writer(entry) = out;
    if entry.len() > ENTRY_BYTES_MAX {
        return Err(Error::TooLong {
            about: decision.about.clone(),
            bytes: entry.len(),
        });
    }
    Ok(entry)
}

/// Writes canonical JSON whose keys the caller gives in order, with their punctuation.
#[derive(Default)]
struct Writer(String);

impl Writer {
    fn plain(&mut self, before: &str, it: impl Display) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{before}{it}");
    }

    fn text(&mut self, before: &str, text: &str) {
        self.0.push_str(before);
        canonical::write_text(text, &mut self.0);
    }

    fn value(&mut self, before: &str, value: &Value) -> Result<(), Error> {
        self.0.push_str(before);
        match value {
            Value::Array(_) | Value::Object(_) => canonical::write_value(&committed(value), &mut self.0)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                canonical::write_value(value, &mut self.0)?;
            }
        }
        Ok(())
    }

    fn list<T>(
        &mut self,
        before: &str,
        items: &[T],
        item: impl Fn(&mut Self, &T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.0.push_str(before);
        self.0.push('[');
        for (place, it) in items.iter().enumerate() {
            if place > 0 {
                self.0.push(',');
            }
            item(self, it)?;
        }
        self.0.push(']');
        Ok(())
    }

    fn actor(&mut self, actor: &Actor) {
        self.text(",\"actor\":{\"kind\":", kind(actor.kind));
        self.text(",\"name\":", &actor.name);
        let roles: Vec<String> = actor.roles.iter().map(|it| format!("\"{}\"", it.as_str())).collect();
        self.plain(",\"roles\":[", roles.join(","));
        self.plain("]", '}');
    }
}

fn kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Person => "person",
        ActorKind::Client => "client",
        ActorKind::Playbook => "playbook",
        ActorKind::Source => "source",
        ActorKind::Advisor => "advisor",
        ActorKind::System => "system",
    }
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
