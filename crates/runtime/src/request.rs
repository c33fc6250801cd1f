//! What comes in by the front door, and what is answered once it is durable.

use crate::ports::DeliveryOutcome;
use serde_json::Value;
use signalbox_engine::command::Command;
use signalbox_model::attempt::DocumentAttempt;
use signalbox_model::id::{LoadId, MessageId, PartnerId, Seq, StreamId, TenantId};
use signalbox_model::issue::Issue;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::TenantScope;
use signalbox_model::view::ViewRow;
use std::sync::Arc;

/// The caller's number for a request, so that the reply finds its way back.
pub type Ticket = u64;

#[derive(Clone, Debug)]
pub enum Request {
    /// Raw bytes from a source: stored, marked and acknowledged; read afterwards.
    Receive(Receive),
    /// A typed command: received and stepped in one commit, answered with its outcome.
    Command {
        scope: TenantScope,
        command: Command,
        idempotency_key: Option<String>,
        traceparent: Option<String>,
    },
    /// A document for a load: received and judged in one commit, its bytes sealed beside the record.
    Document(Box<ReceiveDocument>),
    /// Take a quarantined message through reading and admission again, as it is or corrected.
    Reprocess {
        scope: TenantScope,
        message: MessageId,
        corrected: Option<Vec<u8>>,
        /// Of a mail: the load that the person says it is about.
        load: Option<LoadId>,
        in_hand_ms: Option<i64>,
        idempotency_key: Option<String>,
    },
    /// What came of a delivery.
    Outcome(DeliveryOutcome),
}

#[derive(Clone, Debug)]
pub struct Receive {
    pub scope: TenantScope,
    pub source: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
    /// The partner whose key brought it, where the key is a partner's own. The message may speak for no other.
    pub from: Option<PartnerId>,
    /// The sender's own id for the delivery (`webhook-id`, `Idempotency-Key`); else the message's identity is used.
    pub key: Option<String>,
    pub traceparent: Option<String>,
}

#[derive(Clone, Debug)]
pub struct ReceiveDocument {
    pub scope: TenantScope,
    pub load: LoadId,
    pub attempt: DocumentAttempt,
    /// The partner whose own key brings it. It may speak for that partner's loads alone.
    pub from: Option<PartnerId>,
    pub idempotency_key: Option<String>,
    pub traceparent: Option<String>,
}

/// Released only after the commit that carries it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The message is durable.
    Accepted {
        message: MessageId,
        duplicate: bool,
        seq: Seq,
    },
    /// The command was carried out. `answer` is its outcome; `replayed` when the Idempotency-Key was seen before.
    Done { answer: Value, seq: Seq, replayed: bool },
    /// The command was refused by name. The refusal is recorded.
    Rejected {
        rejection: Rejection,
        detail: String,
        issues: Vec<Issue>,
        seq: Seq,
    },
    /// The same key came with other content.
    KeyConflict { detail: String },
    /// Nothing was written; the same request may go through later.
    Unavailable { detail: String, full: bool },
}

/// A changed view row, for live followers.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveChange {
    pub seq: Seq,
    pub tenant: TenantId,
    pub view: String,
    pub key: String,
    pub row: Option<Arc<ViewRow>>,
}

/// A delivery to perform, and the stream its outcome belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub stream: StreamId,
    pub delivery: crate::ports::Delivery,
}
