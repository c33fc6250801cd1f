//! The packed record: everything one turn decided, appended as one row. Indexes are derived from it.
//!
//! Invariant: a record is written once and never changed; state, timers, outbox, views, dedupe marks and audit
//! leaves can all be made again from the records alone.

use serde::{Deserialize, Serialize};
pub use signalbox_engine::step::Packed;
use signalbox_model::decision::Decision;
use signalbox_model::effect::Effect;
use signalbox_model::event::Event;
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, SubjectId, TenantId};
use signalbox_model::scope::Actor;
pub use signalbox_model::timer::TimerChange;
use signalbox_model::value::ExternalId;
use signalbox_model::view::ViewChange;

/// Raise when the shape changes in a way old code cannot read.
pub const RECORD_VERSION: u8 = 1;

/// What one turn of one stream decided. Serialized as JSON into one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// `RECORD_VERSION`.
    pub v: u8,
    /// When, by the owner's clock.
    pub at: jiff::Timestamp,
    /// The message, command, timer or effect that caused the turn.
    pub cause: String,
    pub actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// Effects that need no more work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<EffectId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<TimerChange>,
    /// Positions of the workflow instances this turn moved, as the engine packs them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<Packed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ViewChange>,
    /// The message this turn received: a second one with the same key is a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<InboxMark>,
    /// Outside names that lead to this stream from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<ExternalId>,
    /// Audit leaves: canonical JSON entries, in order. The sequencer gives them their places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<String>,
}

/// Deduplication: `key` is unique in the tenant. `outcome` is what a repeat is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxMark {
    pub key: String,
    pub message: MessageId,
    /// SHA-256 of the content, hex: the same key with other content is a conflict, not a duplicate.
    pub sha256: String,
    /// For typed commands: the answer given, so that a repeat with the same Idempotency-Key gets the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<serde_json::Value>,
}

/// One turn on its way to the log.
#[derive(Clone, Debug)]
pub struct Turn {
    pub tenant: TenantId,
    pub stream: StreamId,
    /// 1-based place in its stream; dense.
    pub version: u64,
    pub record: Record,
    /// Raw bytes of the message received, sealed; kept beside the log so that they can be erased.
    pub raw: Option<Vec<u8>>,
    /// Keys of people first met in this turn, wrapped; kept beside the log so that they can be erased.
    pub keys: Vec<SubjectKey>,
}

/// A turn as the log holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub seq: Seq,
    pub tenant: TenantId,
    pub stream: StreamId,
    pub version: u64,
    pub record: Record,
}

/// A person's data key, wrapped under the tenant's master key. Deleting the row erases the person's values.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectKey {
    pub subject: SubjectId,
    pub wrapped: Vec<u8>,
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubjectKey({})", self.subject)
    }
}
