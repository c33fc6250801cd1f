//! The five ports on one page. A sixth needs a decision record; a trait needs two real implementers.
//!
//! Reads take a `TenantScope`; only the shard's owner (append, checkpoint, recovery, due scans) works across tenants.

use crate::index::IndexChanges;
use crate::record::{InboxMark, Stored, SubjectKey, Turn};
use jiff::Timestamp;
use signalbox_model::effect::{Effect, Receipt};
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, SubjectId, TenantId, TimerId};
use signalbox_model::scope::TenantScope;
use signalbox_model::value::ExternalId;
use signalbox_model::view::{Filter, Total, ViewDefinition, ViewPage, ViewQuery, ViewRow};

/// Where everything that happened is kept. Synchronous: one writer thread owns it (docs/decisions/0006).
///
/// Contract, held by one suite over every implementation (`store/tests/contract`):
/// - `append` is one transaction and one fsync; when it returns, the turns survive a power cut.
/// - `checkpoint` moves the derived indexes and their position together, or not at all.
/// - Nothing read under one tenant's scope ever belongs to another.
pub trait Store: Send + Sync {
    /// Takes ownership of the log for writing: raises the epoch, so that an earlier owner's appends fail (`Fenced`).
    fn acquire(&self, owner: &str) -> Result<Epoch, StoreError>;

    /// Appends the turns in order, all or none, with their raw bytes and subject keys. Answers the first one's seq; the rest follow densely.
    fn append(&self, epoch: Epoch, turns: &[Turn]) -> Result<Seq, StoreError>;

    /// Applies derived changes (last value a key wins) and records the position they bring the indexes to.
    fn checkpoint(&self, epoch: Epoch, changes: &IndexChanges, position: Seq) -> Result<(), StoreError>;

    /// The log's head and the position of the indexes.
    fn positions(&self) -> Result<Positions, StoreError>;

    /// Records after `after` in log order, all tenants: recovery, the audit sequencer, rebuilds. At most `limit`.
    fn records(&self, after: Seq, limit: usize) -> Result<Vec<Stored>, StoreError>;

    /// The records with these seqs, in that order, of this tenant only.
    fn records_at(&self, scope: &TenantScope, seqs: &[Seq]) -> Result<Vec<Stored>, StoreError>;

    /// Seqs of a stream's records up to the indexes' position, in order.
    fn stream_seqs(&self, scope: &TenantScope, stream: &StreamId) -> Result<Vec<Seq>, StoreError>;

    /// The record that received a message, up to the indexes' position. Ask `IndexChanges::messages` first.
    fn message_seq(&self, scope: &TenantScope, message: &MessageId) -> Result<Option<Seq>, StoreError>;

    /// Sealed raw bytes kept beside the record with this seq, as soon as it is appended.
    fn raw(&self, scope: &TenantScope, seq: Seq) -> Result<Option<Vec<u8>>, StoreError>;

    /// The inbox mark for a dedupe key, up to the indexes' position.
    fn mark(&self, scope: &TenantScope, key: &str) -> Result<Option<InboxMark>, StoreError>;

    /// Where an outside name leads, up to the indexes' position.
    fn link(&self, scope: &TenantScope, id: &ExternalId) -> Result<Option<StreamId>, StoreError>;

    /// Timers due at or before `until`, earliest first, all tenants, up to the indexes' position.
    fn timers_due(&self, until: Timestamp, limit: usize) -> Result<Vec<DueTimer>, StoreError>;

    /// Unsettled effects past `after`, ordered by (seq, effect id), all tenants, up to the indexes' position.
    /// The cursor carries the seq, so that a page goes on where it stopped though the effect named has settled since.
    fn effects_pending(&self, after: Option<(Seq, &EffectId)>, limit: usize) -> Result<Vec<PendingEffect>, StoreError>;

    /// A page of a view.
    fn view_page(&self, scope: &TenantScope, view: &ViewDefinition, query: &ViewQuery) -> Result<ViewPage, StoreError>;

    /// One row of a view.
    fn view_row(&self, scope: &TenantScope, view: &ViewDefinition, key: &str) -> Result<Option<ViewRow>, StoreError>;

    /// Those rows of a view that have one of the keys, in the order asked for. At most `PAGE_ROWS_MAX` keys are looked at.
    fn view_rows(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        keys: &[String],
    ) -> Result<Vec<(String, ViewRow)>, StoreError>;

    /// Figures over the rows of a view that `filter` lets through, all of one moment: one number a total, in order.
    fn view_totals(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        filter: Option<&Filter>,
        totals: &[Total],
    ) -> Result<Vec<i64>, StoreError>;

    /// A person's wrapped key.
    fn subject_key(&self, scope: &TenantScope, subject: &SubjectId) -> Result<Option<SubjectKey>, StoreError>;

    /// Erases a person: deletes the key, so that every value sealed under it is gone, in backups of the log too.
    fn erase_subject(&self, epoch: Epoch, scope: &TenantScope, subject: &SubjectId) -> Result<(), StoreError>;

    /// Audit tiles, checkpoints and other small named blobs of a tenant (`tile/0/000`, `checkpoint`).
    fn put_blobs(&self, epoch: Epoch, tenant: &TenantId, blobs: &[(String, Vec<u8>)]) -> Result<(), StoreError>;

    fn blob(&self, scope: &TenantScope, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Whether it can take a write now, and if not, why: for `/readyz` and `doctor`.
    fn health(&self) -> Result<String, StoreError>;
}

/// Raised by every `acquire`. Every write carries it.
pub type Epoch = u64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// Seq of the newest record; 0 when the log is empty.
    pub head: Seq,
    /// Every record up to here is in the indexes.
    pub indexed: Seq,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DueTimer {
    pub tenant: TenantId,
    pub stream: StreamId,
    pub timer: TimerId,
    pub due: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PendingEffect {
    pub tenant: TenantId,
    pub stream: StreamId,
    pub effect: Effect,
    /// The record that ordered it.
    pub seq: Seq,
    pub traceparent: Option<String>,
}

/// Why a store call failed, and so what its caller does.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another owner took over. Stop writing at once.
    #[error("another owner has taken over this log (epoch {held} is no longer current)")]
    Fenced { held: Epoch },
    /// Busy or unreachable; the same call may go through later. Nothing was written.
    #[error("the store cannot be reached just now: {0}")]
    Retry(String),
    /// The disk is full: reads go on, writes are refused until there is room.
    #[error("the store is full: {0}")]
    Full(String),
    /// A failed fsync, a corrupt page, a schema that is not ours: stop, never acknowledge.
    #[error("the store is broken: {0}")]
    Broken(String),
    /// The question makes no sense here: an unknown view or column, a key past its limit. Nothing was written;
    /// asking again changes nothing; the store is well.
    #[error("the store refuses: {0}")]
    Refused(String),
}

/// Delivers an effect to the outside world. Called by an executor; its answer comes back through the front door.
pub trait Courier: Send + Sync {
    fn deliver(&self, delivery: &Delivery) -> Result<String, CourierError>;
}

/// An effect with all that is needed to perform it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub tenant: TenantId,
    pub effect: EffectId,
    /// 1-based.
    pub attempt: u32,
    /// Attempts before this one whose outcome nobody knows: each may have arrived.
    pub unsure: u32,
    pub payload: Payload,
    pub traceparent: Option<String>,
}

/// What goes over the wire, rendered by `formats` from the records.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// A file for a folder, relative to the tenant's own under `outbound`. Written whole under its final name, or not at all.
    File {
        folder: String,
        name: String,
        body: Vec<u8>,
    },
    /// A signed POST (Standard Webhooks): `webhook-id` is the effect id.
    Webhook { url: String, secret: String, body: Vec<u8> },
    /// An e-mail of plain text. The effect id makes its Message-ID.
    Mail(Box<Mail>),
    /// Messages of a chat, for the operator's language model. The receipt is its answer: `{"model", "answer"}`.
    Question(Box<serde_json::Value>),
}

/// A letter as the records have it: the same at each attempt.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The tenant's name, beside the installation's own address.
    pub from_name: String,
    pub reply_to: Option<String>,
    /// The partner's address, from the directory.
    pub to: String,
    pub subject: String,
    pub body: String,
    /// When it was let go.
    pub at: Timestamp,
}

/// Personal data stays out of logs and test output.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mail(from {:?}, {} bytes)", self.from_name, self.body.len())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// Worth another attempt.
    #[error("{0}")]
    Retry(String),
    /// Worth another attempt, though this one may have arrived all the same.
    #[error("{0}")]
    Unknown(String),
    /// It will not be had by trying again.
    #[error("{0}")]
    Refused(String),
    /// Nothing was tried: there is no room just now. It counts as no attempt.
    #[error("{0}")]
    Busy(String),
}

/// A language model that is asked for words. It is given no tools, and its answer is text.
pub trait Advisor: Send + Sync {
    /// What it makes of the messages of a chat. Ends within a limit of its own.
    fn ask(&self, messages: &serde_json::Value) -> Result<String, CourierError>;

    /// Which model answers.
    fn name(&self) -> String;
}

/// The time, as an argument maker: the only place a clock is read.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// What came of a delivery, on its way back in.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryOutcome {
    pub tenant: TenantId,
    pub stream: StreamId,
    pub effect: EffectId,
    pub receipt: Receipt,
}
