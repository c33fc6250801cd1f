//! Events: what happened. State is a fold of these, and nothing else.
//!
//! Names are noun + past participle; on the wire the type is `dispatch.<noun>.<participle>` in a CloudEvent 1.0.

use crate::answer::Answer;
use crate::attempt::MilestoneAttempt;
use crate::automation::{Agreement, Held, HeldOutcome, ModeSet, OnTheWire};
use crate::capacity::{CapacityAsk, CapacityHold, Displaceable, Search, Statement};
use crate::decision::Evidence;
use crate::directory::{AccessKey, Partner, Settings, Site, Source};
use crate::document::{Contradiction, Document, DocumentKind, Proof, Requirement};
use crate::effect::Receipt;
use crate::exception::{Approval, ApprovalOutcome, Exception, ExceptionSeverity, Touch};
use crate::id::{
    ApprovalId, CapacityHoldId, DocumentId, EffectId, ExceptionId, HeldId, LoadId, MessageId, NoticeId, OfferId,
    PartnerId, StatementId, TenantId, TenderId,
};
use crate::issue::Issue;
use crate::load::{Load, Order, Shipment};
use crate::mail::{Advice, Mail};
use crate::notice::{Notice, Wording};
use crate::personal::{self, Personal};
use crate::position::PositionSample;
use crate::rejection::Rejection;
use crate::scope::Actor;
use crate::tender::Offer;
use crate::trip::{Assignment, Doubts, Estimate, StopPlace, ToldMilestone, VisitTime};
use crate::value::{Moment, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    // A source's stream: messages before they have an entity.
    MessageReceived(MessageReceived),
    MessageNormalized {
        message: MessageId,
        loads: Vec<LoadId>,
        issues: Vec<Issue>,
    },
    MessageQuarantined {
        message: MessageId,
        issues: Vec<Issue>,
    },
    MessageCorrected {
        message: MessageId,
        by: Actor,
        replaced_by: MessageId,
    },
    AttemptRejected {
        message: Option<MessageId>,
        rejection: Rejection,
        detail: String,
    },
    /// Positions of a message were taken in: how many, and of which vehicles nobody knows a load.
    PositionsTaken {
        message: MessageId,
        source: String,
        /// The carrier whose own key brought them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<PartnerId>,
        positions: u32,
        /// Known before, later than can be used, or of the future.
        unused: u32,
        vehicles: u32,
        unassigned: Vec<String>,
        /// At most one a vehicle and minute.
        samples: Vec<PositionSample>,
    },
    AcknowledgementReceived {
        message: MessageId,
        control_number: String,
        accepted: bool,
        detail: String,
    },

    // A load's stream.
    OrderReceived {
        order: Order,
        message: Option<MessageId>,
    },
    ShipmentCreated {
        shipment: Shipment,
    },
    LoadCreated {
        load: Load,
    },
    LoadCancelled {
        reason: String,
    },
    TenderStarted {
        tender: TenderId,
        playbook: String,
        definition: String,
    },
    OfferProposed {
        offer: Offer,
    },
    OfferMade {
        offer: OfferId,
        rate: Money,
        respond_by: Timestamp,
        approved_by: Option<Actor>,
    },
    OfferSent {
        offer: OfferId,
        receipt: String,
    },
    OfferAccepted {
        offer: OfferId,
        carrier: PartnerId,
    },
    OfferDeclined {
        offer: OfferId,
        reason: Option<String>,
    },
    OfferAnsweredConditionally {
        offer: OfferId,
        reason: Option<String>,
        note: Option<Personal>,
    },
    OfferExpired {
        offer: OfferId,
    },
    OfferWithdrawn {
        offer: OfferId,
        reason: String,
    },
    OfferRefused {
        offer: OfferId,
        reason: String,
    },
    LoadCovered {
        carrier: PartnerId,
        offer: OfferId,
        rate: Money,
    },
    TenderExhausted {
        tender: TenderId,
        offers: u32,
    },
    AnswerRejected {
        carrier: String,
        offer: Option<OfferId>,
        answer: Answer,
        rejection: Rejection,
    },
    ApprovalRequested {
        approval: Approval,
    },
    ApprovalDecided {
        approval: ApprovalId,
        outcome: ApprovalOutcome,
        by: Option<Actor>,
        reason: Option<String>,
    },
    ExceptionRaised {
        exception: Exception,
    },
    ExceptionResolved {
        exception: ExceptionId,
        by: Actor,
        resolution: String,
    },
    /// The same exception with newer evidence.
    ExceptionUpdated {
        exception: ExceptionId,
        severity: ExceptionSeverity,
        title: String,
        evidence: Vec<Evidence>,
    },
    VehicleAssigned {
        load: LoadId,
        assignment: Assignment,
    },
    VehicleReleased {
        load: LoadId,
        vehicle: String,
        reason: String,
    },
    TripStarted {
        vehicle: Option<String>,
        places: Vec<StopPlace>,
        /// Stops nobody knows the coordinates of: no estimate and no geofence there until somebody does.
        unplaced: Vec<u32>,
    },
    StopPlaced {
        place: StopPlace,
    },
    /// A visit's arrival as it now stands: the first time it is known, and whenever it is corrected.
    StopArrived {
        stop: u32,
        arrived: VisitTime,
    },
    StopDeparted {
        stop: u32,
        departed: VisitTime,
    },
    StopDelivered {
        stop: u32,
        delivered: VisitTime,
    },
    /// What was taken for a visit was none, as later positions show.
    VisitWithdrawn {
        stop: u32,
        what: String,
    },
    EtaEstimated {
        estimate: Estimate,
    },
    /// Positions that are kept and not used. Told at the first and then each time their number has doubled.
    PositionsDoubted {
        vehicle: String,
        doubts: Doubts,
    },
    /// The promised time has passed and nobody has said that the vehicle arrived.
    DeliveryOverdue {
        stop: u32,
        promised: Moment,
    },
    TripCompleted {
        vehicle: Option<String>,
    },
    MilestoneReported {
        carrier: String,
        milestone: MilestoneAttempt,
    },
    /// A mail told a milestone, and a person let it count.
    MilestoneRecorded {
        milestone: Box<ToldMilestone>,
        by: Actor,
    },
    /// What somebody wrote about the load, and the exception it raised or joined.
    MailReceived {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
        mail: Box<Mail>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exception: Option<ExceptionId>,
    },
    /// A language model's words about a mail. Shown as advice; nothing reads it.
    AdviceGiven {
        message: MessageId,
        advice: Box<Advice>,
    },
    /// Its answer did not pass, and why.
    AdviceRefused {
        message: MessageId,
        reason: String,
    },
    InvoiceReceived {
        carrier: String,
        number: String,
        total: Money,
    },
    DocumentReceived {
        document: Document,
    },
    /// Kept where it could be, and of no effect on the load.
    DocumentRefused {
        document: Document,
        rejection: Rejection,
        detail: String,
    },
    /// It contradicts the load: a person decides whether it counts.
    DocumentQuestioned {
        document: DocumentId,
        contradictions: Vec<Contradiction>,
    },
    /// A person takes a document in question for one of this load.
    DocumentAccepted {
        document: DocumentId,
        by: Actor,
    },
    /// A person says that a document is not of this load.
    DocumentSetAside {
        document: DocumentId,
        by: Actor,
        reason: String,
    },
    /// More was said of a document that came before.
    DocumentCompleted {
        document: DocumentId,
        proof: Proof,
        by: Actor,
    },
    /// The carrier was asked for a document, for the `number`th time.
    DocumentRequested {
        kind: DocumentKind,
        carrier: PartnerId,
        number: u32,
    },
    /// What the load's invoice lacks has changed.
    InvoiceReadinessChanged {
        ready: bool,
        missing: Vec<Requirement>,
        /// The first of the load, or the first since it was ready.
        opens: bool,
    },
    NoticeProposed {
        notice: Notice,
    },
    /// It may leave, with the words that it then has.
    NoticeReleased {
        notice: NoticeId,
        subject: Wording,
        body: Wording,
        approved_by: Option<Actor>,
    },
    NoticeSent {
        notice: NoticeId,
        receipt: String,
        /// An attempt whose outcome nobody knows came before: it may have arrived twice under the same Message-ID.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        perhaps_twice: bool,
    },
    /// Not let go: by a person, by a policy, or because nobody decided in time.
    NoticeRefused {
        notice: NoticeId,
        reason: String,
    },
    /// Let go, and not deliverable.
    NoticeFailed {
        notice: NoticeId,
        reason: String,
    },
    NoticeWithdrawn {
        notice: NoticeId,
        reason: String,
    },
    EffectSettled {
        effect: EffectId,
        name: String,
        receipt: Receipt,
    },
    TouchRecorded {
        touch: Touch,
    },
    /// Automation was about to do this and did not: it observes or is stopped.
    ActionHeld {
        held: Held,
    },
    HeldActionSettled {
        held: HeldId,
        outcome: HeldOutcome,
        by: Option<Actor>,
        reason: String,
        /// The delivery that may leave now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        released: Option<EffectId>,
    },
    /// An open offer has a new deadline.
    OfferExtended {
        offer: OfferId,
        respond_by: Timestamp,
    },
    /// A person found the carrier without the automation.
    LoadCoveredByHand {
        /// What was agreed with the carrier outside of here.
        offer: Offer,
        by: Actor,
        #[serde(default, deserialize_with = "personal::sealed_only")]
        note: Option<Personal>,
        /// Against what automation would have done, where it had got that far.
        agreement: Option<Agreement>,
    },

    // An expedited load and its truck.
    /// A truck is held for the load.
    CapacityGranted {
        hold: Box<CapacityHold>,
        rate: Money,
        search: Search,
        /// The reference of the load it was taken from, where it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        displaced: Option<String>,
    },
    /// Nothing is held for the load: it is tendered by the routing guide.
    CapacityRefused {
        reason: String,
        search: Search,
        /// What a person may take from a load that can wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        displaceable: Option<Box<Displaceable>>,
    },
    /// The load's hold is over and no offer was made on it.
    CapacityLost {
        hold: CapacityHoldId,
        reason: String,
    },
    /// The load's truck goes to one that cannot wait.
    LoadDisplaced {
        hold: CapacityHoldId,
        offer: OfferId,
        by: LoadId,
        by_reference: String,
        approved_by: Actor,
    },
    /// It was to give its truck away and could not.
    DisplacementRefused {
        hold: CapacityHoldId,
        reason: String,
    },

    // What the tenant's carriers have free.
    CapacityStated {
        statement: Box<Statement>,
    },
    CapacityHeld {
        hold: Box<CapacityHold>,
    },
    /// An offer was made on a hold, which now lasts until that is answered.
    CapacityOffered {
        hold: CapacityHoldId,
        offer: OfferId,
        until: Timestamp,
    },
    /// A held truck hauls its load.
    CapacityConsumed {
        hold: CapacityHoldId,
    },
    /// A held truck is free again.
    CapacityReleased {
        hold: CapacityHoldId,
        statement: StatementId,
        reason: String,
    },
    /// A held truck was asked back for a load that cannot wait.
    CapacityReclaimed {
        hold: CapacityHoldId,
        ask: Box<CapacityAsk>,
    },
    /// It stays with its load.
    CapacityKept {
        hold: CapacityHoldId,
        reason: String,
    },

    // The tenant's settings.
    TenantCreated {
        tenant: TenantId,
        name: String,
    },
    KeyIssued {
        key: AccessKey,
    },
    PlaybookInstalled {
        name: String,
        version: String,
        files: BTreeMap<String, String>,
    },
    /// A decision table of the tenant's own (JDM JSON) that takes the place of the playbook's table of that name.
    TableChanged {
        table: String,
        content: String,
    },
    PartnerChanged {
        partner: Partner,
    },
    SourceChanged {
        source: Source,
    },
    SiteChanged {
        site: Site,
    },
    SettingsChanged {
        settings: Settings,
    },
    AutomationModeChanged {
        set: ModeSet,
        /// Deliveries that were with a courier at that moment.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        on_the_wire: Vec<OnTheWire>,
    },
}

/// A message as it came: its bytes lie beside the record, its hash in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageReceived {
    pub message: MessageId,
    pub source: String,
    pub content_type: String,
    pub bytes: u64,
    /// SHA-256 of the raw bytes, hex.
    pub sha256: String,
    /// What makes a second copy of it a duplicate.
    pub dedupe_key: String,
    /// W3C trace context of the request that brought it.
    pub traceparent: Option<String>,
}

impl Event {
    /// `OfferAccepted`: the name as people read it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MessageReceived(_) => "MessageReceived",
            Self::MessageNormalized { .. } => "MessageNormalized",
            Self::MessageQuarantined { .. } => "MessageQuarantined",
            Self::CapacityGranted { .. } => "CapacityGranted",
            Self::CapacityRefused { .. } => "CapacityRefused",
            Self::CapacityLost { .. } => "CapacityLost",
            Self::LoadDisplaced { .. } => "LoadDisplaced",
            Self::DisplacementRefused { .. } => "DisplacementRefused",
            Self::CapacityStated { .. } => "CapacityStated",
            Self::CapacityHeld { .. } => "CapacityHeld",
            Self::CapacityOffered { .. } => "CapacityOffered",
            Self::CapacityConsumed { .. } => "CapacityConsumed",
            Self::CapacityReleased { .. } => "CapacityReleased",
            Self::CapacityReclaimed { .. } => "CapacityReclaimed",
            Self::CapacityKept { .. } => "CapacityKept",
            Self::MessageCorrected { .. } => "MessageCorrected",
            Self::AttemptRejected { .. } => "AttemptRejected",
            Self::AcknowledgementReceived { .. } => "AcknowledgementReceived",
            Self::OrderReceived { .. } => "OrderReceived",
            Self::ShipmentCreated { .. } => "ShipmentCreated",
            Self::LoadCreated { .. } => "LoadCreated",
            Self::LoadCancelled { .. } => "LoadCancelled",
            Self::TenderStarted { .. } => "TenderStarted",
            Self::OfferProposed { .. } => "OfferProposed",
            Self::OfferMade { .. } => "OfferMade",
            Self::OfferSent { .. } => "OfferSent",
            Self::OfferAccepted { .. } => "OfferAccepted",
            Self::OfferDeclined { .. } => "OfferDeclined",
            Self::OfferAnsweredConditionally { .. } => "OfferAnsweredConditionally",
            Self::OfferExpired { .. } => "OfferExpired",
            Self::OfferWithdrawn { .. } => "OfferWithdrawn",
            Self::OfferRefused { .. } => "OfferRefused",
            Self::LoadCovered { .. } => "LoadCovered",
            Self::TenderExhausted { .. } => "TenderExhausted",
            Self::AnswerRejected { .. } => "AnswerRejected",
            Self::ApprovalRequested { .. } => "ApprovalRequested",
            Self::ApprovalDecided { .. } => "ApprovalDecided",
            Self::ExceptionRaised { .. } => "ExceptionRaised",
            Self::ExceptionResolved { .. } => "ExceptionResolved",
            Self::ExceptionUpdated { .. } => "ExceptionUpdated",
            Self::VehicleAssigned { .. } => "VehicleAssigned",
            Self::VehicleReleased { .. } => "VehicleReleased",
            Self::TripStarted { .. } => "TripStarted",
            Self::StopPlaced { .. } => "StopPlaced",
            Self::StopArrived { .. } => "StopArrived",
            Self::StopDeparted { .. } => "StopDeparted",
            Self::StopDelivered { .. } => "StopDelivered",
            Self::VisitWithdrawn { .. } => "VisitWithdrawn",
            Self::EtaEstimated { .. } => "EtaEstimated",
            Self::PositionsDoubted { .. } => "PositionsDoubted",
            Self::DeliveryOverdue { .. } => "DeliveryOverdue",
            Self::TripCompleted { .. } => "TripCompleted",
            Self::PositionsTaken { .. } => "PositionsTaken",
            Self::SiteChanged { .. } => "SiteChanged",
            Self::MilestoneReported { .. } => "MilestoneReported",
            Self::MilestoneRecorded { .. } => "MilestoneRecorded",
            Self::MailReceived { .. } => "MailReceived",
            Self::AdviceGiven { .. } => "AdviceGiven",
            Self::AdviceRefused { .. } => "AdviceRefused",
            Self::InvoiceReceived { .. } => "InvoiceReceived",
            Self::DocumentReceived { .. } => "DocumentReceived",
            Self::DocumentRefused { .. } => "DocumentRefused",
            Self::DocumentQuestioned { .. } => "DocumentQuestioned",
            Self::DocumentAccepted { .. } => "DocumentAccepted",
            Self::DocumentSetAside { .. } => "DocumentSetAside",
            Self::DocumentCompleted { .. } => "DocumentCompleted",
            Self::DocumentRequested { .. } => "DocumentRequested",
            Self::InvoiceReadinessChanged { .. } => "InvoiceReadinessChanged",
            Self::NoticeProposed { .. } => "NoticeProposed",
            Self::NoticeReleased { .. } => "NoticeReleased",
            Self::NoticeSent { .. } => "NoticeSent",
            Self::NoticeRefused { .. } => "NoticeRefused",
            Self::NoticeFailed { .. } => "NoticeFailed",
            Self::NoticeWithdrawn { .. } => "NoticeWithdrawn",
            Self::EffectSettled { .. } => "EffectSettled",
            Self::TouchRecorded { .. } => "TouchRecorded",
            Self::ActionHeld { .. } => "ActionHeld",
            Self::HeldActionSettled { .. } => "HeldActionSettled",
            Self::OfferExtended { .. } => "OfferExtended",
            Self::LoadCoveredByHand { .. } => "LoadCoveredByHand",
            Self::AutomationModeChanged { .. } => "AutomationModeChanged",
            Self::TenantCreated { .. } => "TenantCreated",
            Self::KeyIssued { .. } => "KeyIssued",
            Self::PlaybookInstalled { .. } => "PlaybookInstalled",
            Self::TableChanged { .. } => "TableChanged",
            Self::PartnerChanged { .. } => "PartnerChanged",
            Self::SourceChanged { .. } => "SourceChanged",
            Self::SettingsChanged { .. } => "SettingsChanged",
        }
    }

    /// CloudEvents `type`: `dispatch.offer.accepted`. The participle is the last word, the noun the rest.
    pub fn wire_type(&self) -> String {
        let name = self.name();
        let mut words: Vec<String> = Vec::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.push(letter.to_ascii_lowercase());
            }
        }
        match words.split_first() {
            Some((noun, rest)) => format!("dispatch.{noun}.{}", rest.join("_")),
            None => "dispatch".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_types_read_noun_then_participle() {
        let event = Event::OfferDeclined {
            offer: OfferId::from("off_1"),
            reason: None,
        };
        assert_eq!(event.wire_type(), "dispatch.offer.declined");
        let event = Event::OfferAnsweredConditionally {
            offer: OfferId::from("off_1"),
            reason: None,
            note: None,
        };
        assert_eq!(event.wire_type(), "dispatch.offer.answered_conditionally");
    }
}
