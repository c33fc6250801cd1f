//! Exceptions (dispatch problems for a person), approvals (questions an action waits for) and touches (what people did).

use crate::decision::Evidence;
use crate::id::{ApprovalId, ExceptionId};
use crate::scope::{Actor, Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    pub id: ExceptionId,
    pub kind: ExceptionKind,
    pub severity: ExceptionSeverity,
    pub title: String,
    /// What a person can do next.
    pub next_action: String,
    pub evidence: Vec<Evidence>,
    pub raised_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionKind {
    /// Every ranked carrier declined, stayed silent or was refused.
    TenderExhausted,
    /// A carrier accepted on its own terms.
    ConditionalAnswer,
    /// An approval was refused or ran out.
    ApprovalRefused,
    /// An effect could not be delivered after all its attempts.
    DeliveryFailed,
    /// The customer's change or cancel needs a person.
    OrderChanged,
    /// A delivery will be late, or is.
    LateDeliveryRisk,
    /// A vehicle is held at a site, and somebody asks for detention.
    DetentionRisk,
    /// Somebody reports trouble in words: a breakdown, refused freight, an appointment that cannot be kept.
    TroubleReported,
    /// Somebody's message asks for something that a person must do or say.
    AnswerNeeded,
    /// A document contradicts the load it came for.
    DocumentInQuestion,
    /// Fewer or more pieces were received than were tendered, or some were damaged.
    DeliveryDiscrepancy,
    /// The load was delivered, and what its invoice needs did not come although it was asked for.
    ProofMissing,
    /// The carrier's invoice is not what was agreed.
    InvoiceMismatch,
    /// The automation itself could not go on.
    AutomationStopped,
    /// A person took the load away from automation and has yet to cover it.
    TakenOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionSeverity {
    Low,
    Medium,
    High,
}

/// A question to a person that an action waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    /// The gate's action, for example `make_offer`.
    pub action: String,
    pub title: String,
    pub role: Role,
    pub deadline: Timestamp,
    pub evidence: Vec<Evidence>,
    /// What will happen if approved, for the person to read and edit.
    pub proposal: serde_json::Value,
    pub requested_at: Timestamp,
    /// The playbook that asks, or for whose tender it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalOutcome {
    Approved,
    /// Approved after the person changed the proposal.
    Edited,
    Rejected,
    Expired,
    /// What it was about is over, or a newer proposal stands in its place.
    Withdrawn,
}

/// One human action: who, on what, how long it was open before them and how long in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    pub who: Actor,
    /// What was done: `approval.decide`, `exception.resolve`, `quarantine.reprocess`, `offer.answer` ...
    pub action: String,
    /// The id of the thing touched.
    pub on: String,
    /// Since it waited for a person, milliseconds.
    pub open_ms: i64,
    /// Since that person opened it, milliseconds, as the client reports; absent when it does not.
    pub in_hand_ms: Option<i64>,
    pub at: Timestamp,
}
