//! Effects: what we do. They leave only through the outbox, only after the commit that caused them.
//!
//! The effect id is the idempotency key: at least once on the wire, always under the same id. What comes of an
//! effect comes back in by the front door as a receipt.

use crate::capacity::{CapacityAnswer, CapacityAsk};
use crate::document::{DocumentKind, Requirement};
use crate::id::{CapacityHoldId, EffectId, InstanceId, LoadId, MessageId, NoticeId, OfferId, PartnerId};
use crate::mail::Chosen;
use crate::scope::Actor;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    pub id: EffectId,
    /// The playbook it is done for, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// A person ordered it: it leaves while automation is stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    #[serde(flatten)]
    pub order: Order,
}

impl Effect {
    /// An effect of the platform's own: for no playbook, and ordered by nobody in particular.
    pub fn new(id: EffectId, order: Order) -> Self {
        Self {
            id,
            playbook: None,
            by_hand: false,
            order,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Order {
    /// Read a received message and admit what it asks for. Performed by the runtime itself.
    NormalizeMessage {
        message: MessageId,
        source: String,
        /// Whose key brought it: it may then speak for that partner alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<PartnerId>,
        /// Of a mail: the load that a person says it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chosen: Option<Box<Chosen>>,
    },
    /// Go on with a workflow from what has just become durable. Performed by the runtime itself.
    ContinueWorkflow {
        load: LoadId,
        instance: InstanceId,
        call: String,
    },
    /// Go on with what was held, once automation may act again. Waits in the outbox; performed by the runtime itself.
    ResumeHeld { load: LoadId },
    /// Ask the tenant's capacity for a truck. Performed by the runtime itself; the answer is an event.
    AskCapacity { load: LoadId, ask: Box<CapacityAsk> },
    /// Answer a load that asked. Performed by the runtime itself.
    AnswerCapacity { load: LoadId, answer: Box<CapacityAnswer> },
    /// Ask a load to give its truck to one that cannot wait. Performed by the runtime itself; what it does is an event.
    ReclaimCapacity {
        load: LoadId,
        hold: CapacityHoldId,
        offer: OfferId,
        /// The load that gets it, and what partners call it.
        by: LoadId,
        by_reference: String,
        approved_by: Actor,
    },
    /// Offer the load to the carrier by its channel.
    SendOffer {
        load: LoadId,
        offer: OfferId,
        carrier: PartnerId,
    },
    /// Tell the carrier that the offer no longer stands.
    WithdrawOffer {
        load: LoadId,
        offer: OfferId,
        carrier: PartnerId,
    },
    /// Ask the carrier for a document it owes.
    RequestDocument {
        load: LoadId,
        carrier: PartnerId,
        kind: DocumentKind,
        /// How often it was asked by then, from 1.
        number: u32,
        /// What is missing of it.
        missing: Vec<Requirement>,
    },
    /// Tell a transport management system whether the load can be invoiced.
    TellSystem {
        load: LoadId,
        /// The customer's system; the tenant's own where it names nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        customer: Option<PartnerId>,
        ready: bool,
        missing: Vec<Requirement>,
    },
    /// Mail a notice to the partner's address in the directory.
    SendNotice {
        load: LoadId,
        notice: NoticeId,
        to: PartnerId,
    },
    /// Ask the operator's language model to summarize a mail and to draft an answer. What comes back is advice.
    AskAdvisor { load: LoadId, message: MessageId },
    /// Return a functional acknowledgement to whoever sent the interchange.
    SendAcknowledgement {
        message: MessageId,
        to: String,
        x12: String,
    },
}

impl Order {
    /// Performed inside, by the owner of the shard, rather than by a courier.
    pub fn is_internal(&self) -> bool {
        match self {
            Self::NormalizeMessage { .. }
            | Self::ContinueWorkflow { .. }
            | Self::ResumeHeld { .. }
            | Self::AskCapacity { .. }
            | Self::AnswerCapacity { .. }
            | Self::ReclaimCapacity { .. } => true,
            Self::SendOffer { .. }
            | Self::WithdrawOffer { .. }
            | Self::RequestDocument { .. }
            | Self::TellSystem { .. }
            | Self::SendNotice { .. }
            | Self::SendAcknowledgement { .. }
            | Self::AskAdvisor { .. } => false,
        }
    }

    /// Whether the owner performs it at once, without a place in the outbox.
    pub fn is_immediate(&self) -> bool {
        self.is_internal() && !matches!(self, Self::ResumeHeld { .. })
    }

    /// Says that bytes came and could be read, and commits nobody to anything: it leaves in every mode of automation,
    /// because a partner who misses it sends everything again.
    pub fn is_acknowledgement(&self) -> bool {
        matches!(self, Self::SendAcknowledgement { .. })
    }

    /// The load it concerns.
    pub fn load(&self) -> Option<&LoadId> {
        match self {
            Self::ContinueWorkflow { load, .. }
            | Self::ResumeHeld { load }
            | Self::AskCapacity { load, .. }
            | Self::AnswerCapacity { load, .. }
            | Self::ReclaimCapacity { load, .. }
            | Self::SendOffer { load, .. }
            | Self::WithdrawOffer { load, .. }
            | Self::RequestDocument { load, .. }
            | Self::TellSystem { load, .. }
            | Self::SendNotice { load, .. }
            | Self::AskAdvisor { load, .. } => Some(load),
            Self::NormalizeMessage { .. } | Self::SendAcknowledgement { .. } => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::NormalizeMessage { .. } => "NormalizeMessage",
            Self::ContinueWorkflow { .. } => "ContinueWorkflow",
            Self::ResumeHeld { .. } => "ResumeHeld",
            Self::AskCapacity { .. } => "AskCapacity",
            Self::AnswerCapacity { .. } => "AnswerCapacity",
            Self::ReclaimCapacity { .. } => "ReclaimCapacity",
            Self::SendOffer { .. } => "SendOffer",
            Self::WithdrawOffer { .. } => "WithdrawOffer",
            Self::RequestDocument { .. } => "RequestDocument",
            Self::TellSystem { .. } => "TellSystem",
            Self::SendNotice { .. } => "SendNotice",
            Self::SendAcknowledgement { .. } => "SendAcknowledgement",
            Self::AskAdvisor { .. } => "AskAdvisor",
        }
    }
}

/// What came of one attempt to perform an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Receipt {
    /// The receiver has it. `receipt` is what it answered: a status, a file name.
    Delivered {
        receipt: String,
        /// An attempt before it may have arrived too, so the receiver may have it twice under the same id.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        perhaps_twice: bool,
    },
    /// It will not be had by trying again.
    Refused { reason: String },
    /// All attempts are used up.
    GaveUp { reason: String, attempts: u32 },
}
