//! Refusals by name. A rejection is an outcome, recorded like any other; it changes nothing.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The same order was admitted before.
    OrderAlreadyReceived,
    OrderUnknown,
    /// A change the load's state no longer allows, or that this version leaves to a person.
    OrderNotChangeable,
    OrderImpossible,
    CustomerUnknown,
    CarrierUnknown,
    LoadUnknown,
    /// Several loads fit, and nothing says which is meant.
    LoadAmbiguous,
    /// The same mail is on the load already.
    MailAlreadyReceived,
    OfferUnknown,
    OfferNotOfThisCarrier,
    OfferAlreadyAnswered,
    OfferExpired,
    OfferWithdrawn,
    OfferNotSentYet,
    LoadAlreadyCovered,
    LoadCancelled,
    ApprovalUnknown,
    ApprovalAlreadyDecided,
    ApprovalNotYours,
    ApprovalEditInvalid,
    ExceptionUnknown,
    ExceptionAlreadyResolved,
    MessageUnknown,
    MessageNotQuarantined,
    EffectUnknown,
    EffectAlreadySettled,
    /// Nothing of this name is held.
    HeldUnknown,
    HeldAlreadySettled,
    /// While automation observes nothing leaves, by nobody's order.
    AutomationObserves,
    /// A switch of automation needs a reason and a playbook that exists.
    AutomationModeInvalid,
    /// A rate to cover at must be above nothing.
    RateInvalid,
    /// A vehicle must have a name.
    VehicleInvalid,
    DocumentEmpty,
    DocumentTooLarge,
    /// The bytes are no file that is taken.
    DocumentUnreadable,
    /// What is said of it cannot be.
    DocumentInvalid,
    DocumentAlreadyReceived,
    DocumentUnknown,
    LoadNotCovered,
    LoadNotOfThisCarrier,
    /// What is said to be free cannot be.
    CapacityInvalid,
    /// Nobody knows where the free capacity lies.
    CapacityPlaceUnknown,
    NotAllowed,
}

impl Rejection {
    /// The stable code on the wire: `offer_already_answered`.
    pub fn code(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|it| it.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// What happened and what to do, for a person.
    pub fn explain(self) -> &'static str {
        match self {
            Self::OrderAlreadyReceived => "This order was received before. Nothing was changed; use its load.",
            Self::OrderUnknown => "No order with this reference. Check the reference, or send the original first.",
            Self::OrderNotChangeable => "The load is past the point where a message may change it. A person decides.",
            Self::OrderImpossible => "The order contradicts itself. Correct the places named and send it again.",
            Self::CustomerUnknown => "No customer with this id. Add it under Partners, then reprocess the message.",
            Self::CarrierUnknown => "No carrier with this SCAC. Add it under Partners, then reprocess the message.",
            Self::LoadUnknown => "No load with this reference for this partner. Check the reference.",
            Self::LoadAmbiguous => "Several loads fit. Say under Quarantine which one is meant.",
            Self::MailAlreadyReceived => "This mail was received before. Nothing was changed.",
            Self::OfferUnknown => "No such offer. Check the offer id.",
            Self::OfferNotOfThisCarrier => "This offer was made to another carrier.",
            Self::OfferAlreadyAnswered => "This offer was answered before. The first answer stands.",
            Self::OfferExpired => "The time to answer this offer has run out.",
            Self::OfferWithdrawn => "This offer was withdrawn.",
            Self::OfferNotSentYet => "This offer has not been sent: it waits for approval.",
            Self::LoadAlreadyCovered => "The load is covered by a carrier already.",
            Self::LoadCancelled => "The load was cancelled.",
            Self::ApprovalUnknown => "No such approval.",
            Self::ApprovalAlreadyDecided => "Somebody decided this before you. Their decision stands.",
            Self::ApprovalNotYours => "Your role may not decide this.",
            Self::ApprovalEditInvalid => "The edited proposal cannot be used. Correct the places named.",
            Self::ExceptionUnknown => "No such exception.",
            Self::ExceptionAlreadyResolved => "Somebody resolved this before you.",
            Self::MessageUnknown => "No such message.",
            Self::MessageNotQuarantined => "This message is not in quarantine.",
            Self::EffectUnknown => "No such effect.",
            Self::EffectAlreadySettled => "This effect was settled before.",
            Self::HeldUnknown => "Nothing of this id is held. Look at the manual queue again.",
            Self::HeldAlreadySettled => "This was settled before. What was done first stands.",
            Self::AutomationObserves => {
                "Automation observes: nothing leaves. Tell the carrier yourself and cover the load by hand."
            }
            Self::AutomationModeInvalid => "The switch needs a reason, and the playbook must be installed.",
            Self::RateInvalid => "The rate cannot be used. Give what the carrier gets for the load.",
            Self::VehicleInvalid => "The vehicle has no usable name. Give the name or id its telematics source uses.",
            Self::DocumentEmpty => "The document has no bytes. Send the file itself.",
            Self::DocumentTooLarge => "The document has more than 25 MiB. Send it in a smaller resolution or in parts.",
            Self::DocumentUnreadable => {
                "The bytes are no PDF, JPEG, PNG, TIFF, WebP or HEIC. Send the document as one of these."
            }
            Self::DocumentInvalid => {
                "What is said of the document cannot be. Correct the places named and send it again."
            }
            Self::DocumentAlreadyReceived => {
                "This document was received before. The first stands; nothing was changed."
            }
            Self::DocumentUnknown => "No such document on this load.",
            Self::LoadNotCovered => {
                "No carrier has this load, so nothing can have been delivered. Check which load it is of."
            }
            Self::LoadNotOfThisCarrier => "Another carrier hauls this load, or none does.",
            Self::CapacityInvalid => "This cannot be free capacity. Correct the places named and state it again.",
            Self::CapacityPlaceUnknown => {
                "Nobody knows where this lies. Give coordinates, a site's code, or a city of the table."
            }
            Self::NotAllowed => "A policy forbids this.",
        }
    }
}
