//! A carrier's answer to an offer, whatever channel it came by: X12 990, JSON, a person on the telephone.

use crate::id::OfferId;
use crate::personal::Personal;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerAttempt {
    /// SCAC or partner id of the carrier that answers, as the message says.
    pub carrier: String,
    /// The load as the carrier calls it: what we sent as shipment id (X12 B1-02).
    pub reference: String,
    /// Our offer id where the carrier echoed it (X12 N9*CR or L11*CR; JSON path).
    pub offer: Option<OfferId>,
    pub answer: Answer,
    pub reason: Option<String>,
    pub note: Option<Personal>,
    /// The vehicle that will haul it, where the carrier says so already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Accept,
    Decline,
    /// X12 558 B or C: accepted on terms of the carrier's own. Never an acceptance; a person decides.
    Conditional,
}
