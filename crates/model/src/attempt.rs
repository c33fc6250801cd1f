//! Attempts: what a message asks for, before anything is admitted. An attempt is not a fact.
//!
//! Decoders in `formats` make these; `engine` admits them as events or refuses them by name.

use crate::answer::AnswerAttempt;
use crate::capacity::CapacityAttempt;
use crate::document::{DocumentKind, Media, Proof, RawBytes};
use crate::load::{Equipment, Goods, Location, Priority, Stop};
use crate::mail::MailAttempt;
use crate::personal::Personal;
use crate::position::PositionAttempt;
use crate::value::{ExternalId, Moment, Money, Weight};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "attempt", rename_all = "snake_case")]
pub enum Attempt {
    Order(Box<OrderAttempt>),
    Answer(AnswerAttempt),
    Acknowledgement(AcknowledgementAttempt),
    Status(StatusAttempt),
    Invoice(InvoiceAttempt),
    /// Positions of vehicles: one message brings many, each on its own.
    Positions(Vec<PositionAttempt>),
    /// What somebody wrote in words.
    Mail(Box<MailAttempt>),
    Document(Box<DocumentAttempt>),
    Capacity(Box<CapacityAttempt>),
}

/// A customer's load tender or order: asks for an order, a shipment, a load and its stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAttempt {
    pub purpose: OrderPurpose,
    /// Who sends it, as the message says: interchange sender id or partner id. Resolved to a partner on admission.
    pub customer: String,
    pub reference: String,
    pub external_ids: Vec<ExternalId>,
    pub stops: Vec<Stop>,
    pub goods: Vec<Goods>,
    pub weight: Option<Weight>,
    pub pieces: Option<i64>,
    pub equipment: Equipment,
    pub rate: Option<Money>,
    pub respond_by: Option<Moment>,
    pub priority: Priority,
    pub bill_to: Option<Location>,
    pub notes: Vec<Personal>,
}

/// X12 353 as far as a load tender uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderPurpose {
    Original,
    Cancel,
    Change,
    Replace,
    Confirm,
}

/// A functional acknowledgement (997, 999): says a message was read, never that a load was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgementAttempt {
    pub sender: String,
    /// The acknowledged group's functional id (`SM`) and control number.
    pub group: String,
    pub control_number: String,
    pub accepted: bool,
    pub detail: String,
}

/// A carrier's status message (214).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAttempt {
    pub carrier: String,
    pub reference: String,
    pub milestones: Vec<MilestoneAttempt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MilestoneAttempt {
    /// X12 1650 status code, or 1652 for appointments.
    pub status: String,
    /// X12 1651 reason code.
    pub reason: Option<String>,
    pub occurred: Option<Moment>,
    pub city: Option<String>,
    pub region: Option<String>,
    pub stop_sequence: Option<u32>,
    /// The equipment that hauls it (X12 MS2-02).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equipment: Option<String>,
}

/// A carrier's freight invoice (210).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceAttempt {
    pub carrier: String,
    pub reference: String,
    pub number: String,
    pub total: Money,
}

/// A paper of a load, with what its sender says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentAttempt {
    pub kind: DocumentKind,
    /// SCAC or partner id of the carrier it names or that sends it.
    pub carrier: Option<String>,
    /// The load as it calls it.
    pub reference: Option<String>,
    pub proof: Option<Proof>,
    /// None where something is said of a document that came before.
    pub content: Option<Content>,
}

/// A file, and what was found of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub media: Option<Media>,
    /// At least so many, where it was too large to be read to its end.
    pub bytes: u64,
    pub sha256: String,
    #[serde(skip)]
    pub raw: RawBytes,
}

impl OrderAttempt {
    /// Every personal value in it, so that sealing cannot miss one.
    pub fn personal_mut(&mut self) -> Vec<&mut Personal> {
        let contacts = self.stops.iter_mut().flat_map(|stop| stop.contacts.iter_mut());
        contacts
            .flat_map(|contact| [contact.name.as_mut(), contact.phone.as_mut(), contact.email.as_mut()])
            .flatten()
            .chain(self.notes.iter_mut())
            .collect()
    }
}

impl Attempt {
    pub fn personal_mut(&mut self) -> Vec<&mut Personal> {
        match self {
            Self::Order(order) => order.personal_mut(),
            Self::Answer(answer) => answer.note.iter_mut().collect(),
            Self::Mail(mail) => mail.personal_mut(),
            Self::Document(document) => document.proof.iter_mut().flat_map(Proof::personal_mut).collect(),
            Self::Acknowledgement(_) | Self::Status(_) | Self::Invoice(_) | Self::Positions(_) | Self::Capacity(_) => {
                Vec::new()
            }
        }
    }
}
