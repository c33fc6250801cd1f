//! Tenders and offers: one attempt to cover a load, one carrier's turn within it.

use crate::id::{OfferId, PartnerId, TenderId};
use crate::value::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub id: OfferId,
    pub tender: TenderId,
    pub carrier: PartnerId,
    pub scac: String,
    /// 1-based place in the routing guide.
    pub rank: u32,
    pub rate: Money,
    pub respond_by: Timestamp,
    pub respond_by_basis: RespondByBasis,
    pub state: OfferState,
}

/// Where the deadline came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RespondByBasis {
    /// The customer's message (X12 G62*64).
    Message,
    /// The carrier's contract in the directory.
    Contract,
    /// The tenant's default.
    Default,
    /// The tenant's time for offers of expedited loads, which is shorter.
    Expedited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferState {
    AwaitingApproval,
    /// Judged and not made, because automation observes or is stopped.
    Held,
    Open,
    Accepted,
    Declined,
    /// Answered with terms of the carrier's own; a person decides.
    Conditional,
    Expired,
    Withdrawn,
    Refused,
}

impl OfferState {
    pub fn is_answerable(self) -> bool {
        self == Self::Open
    }
}
