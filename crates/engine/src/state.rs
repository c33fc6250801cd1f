//! A load's state: what its events have made of it. `apply` folds and holds no policy.

use crate::documents::Documents;
use crate::kpi::Facts;
use crate::trip::standing::Standing;
use jiff::Timestamp;
use serde::Serialize;
use signalbox_model::attempt::MilestoneAttempt;
use signalbox_model::automation::{Held, HeldOutcome, HeldWhat};
use signalbox_model::capacity::{CapacityHold, Displaceable, Search};
use signalbox_model::effect::{Effect, Order as Ordered, Receipt};
use signalbox_model::event::Event;
use signalbox_model::exception::{Approval, ApprovalOutcome, Exception};
use signalbox_model::id::{
    ApprovalId, EffectId, ExceptionId, HeldId, InstanceId, LoadId, MessageId, NoticeId, OfferId, PartnerId, TenderId,
    TimerId,
};
use signalbox_model::load::{Load, Order, Shipment};
use signalbox_model::mail::{Advice, Mail};
use signalbox_model::notice::{Notice, NoticeState};
use signalbox_model::scope::Actor;
use signalbox_model::tender::{Offer, OfferState};
use signalbox_model::value::Money;
use signalbox_workflow::{Instance, Packed};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadState {
    pub order: Option<Order>,
    pub shipment: Option<Shipment>,
    pub load: Option<Load>,
    pub tender: Option<Tender>,
    /// In the order they were made.
    pub offers: Vec<Offer>,
    pub approvals: BTreeMap<ApprovalId, ApprovalState>,
    pub exceptions: BTreeMap<ExceptionId, ExceptionState>,
    /// In the order they were proposed.
    pub notices: Vec<Notice>,
    pub covered: Option<Covered>,
    /// Who is covering it by hand, until it is covered.
    by_hand: Option<Actor>,
    pub cancelled: Option<String>,
    pub trip: Standing,
    pub documents: Documents,
    pub facts: Facts,
    pub effects: BTreeMap<EffectId, EffectState>,
    /// Those that run. One that is over is told nothing more; its end is in the log.
    pub instances: BTreeMap<InstanceId, Instance>,
    /// In the order they came; the latest, where there are very many.
    pub mails: Vec<MailState>,
    /// What automation holds back, in the order in which it came.
    pub held: Vec<Held>,
    pub settled_held: BTreeMap<HeldId, (HeldOutcome, Option<Actor>)>,
    /// What free capacity came to for it, where it was asked for or had to give way.
    pub expedite: Option<Box<Expedite>>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

/// Mails of one load that are kept in memory.
const MAILS_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq)]
pub struct MailState {
    pub message: Option<MessageId>,
    pub mail: Mail,
    /// The exception it raised or joined.
    pub exception: Option<ExceptionId>,
    pub advice: Option<Advice>,
}

/// An expedited load's truck, and what it displaced; or the expedited load that another gave way to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Expedite {
    /// What the last search came to.
    pub search: Search,
    /// Held for the load, until it is over or used.
    pub hold: Option<CapacityHold>,
    /// Carriers that a truck was ever held of.
    pub tried: Vec<PartnerId>,
    /// Why nothing is held.
    pub refused: Option<String>,
    /// What may be taken from another load, if a person approves.
    pub displaceable: Option<Displaceable>,
    /// The reference of the load whose truck this one got.
    pub displaced: Option<String>,
    pub gave_way_to: Option<GaveWay>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GaveWay {
    pub load: LoadId,
    pub reference: String,
    pub approved_by: Actor,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tender {
    pub id: TenderId,
    pub playbook: String,
    pub exhausted: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Covered {
    pub carrier: PartnerId,
    pub offer: OfferId,
    pub rate: Money,
    /// The person who found the carrier; none where it took an offer.
    pub by: Option<Actor>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalState {
    pub approval: Approval,
    pub decided: Option<Decided>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub outcome: ApprovalOutcome,
    pub by: Option<Actor>,
    pub at: Timestamp,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExceptionState {
    pub exception: Exception,
    pub resolved: Option<(Actor, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EffectState {
    pub order: Ordered,
    pub ordered_at: Timestamp,
    pub receipt: Option<Receipt>,
    pub playbook: Option<String>,
    /// A person or a resume has let it go.
    pub released: bool,
}

impl LoadState {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        self.updated_at = Some(at);
        self.facts.apply(event, at);
        match event {
            Event::OrderReceived { order, .. } => self.order = Some(order.clone()),
            Event::ShipmentCreated { shipment } => self.shipment = Some(shipment.clone()),
            Event::LoadCreated { load } => {
                self.load = Some(load.clone());
                self.created_at = Some(at);
            }
            Event::LoadCancelled { reason } => self.cancelled = Some(reason.clone()),
            Event::TenderStarted { tender, playbook, .. } => {
                self.tender = Some(Tender {
                    id: tender.clone(),
                    playbook: playbook.clone(),
                    exhausted: false,
                });
            }
            Event::OfferProposed { offer } => self.offers.push(offer.clone()),
            Event::OfferMade {
                offer,
                rate,
                respond_by,
                ..
            } => self.open_offer(offer, rate, *respond_by),
            Event::OfferAccepted { offer, .. } => self.set_offer(offer, OfferState::Accepted),
            Event::OfferDeclined { offer, .. } => self.set_offer(offer, OfferState::Declined),
            Event::OfferAnsweredConditionally { offer, .. } => self.set_offer(offer, OfferState::Conditional),
            Event::OfferExpired { offer } => self.set_offer(offer, OfferState::Expired),
            Event::OfferWithdrawn { offer, .. } => self.set_offer(offer, OfferState::Withdrawn),
            Event::OfferRefused { offer, .. } => self.set_offer(offer, OfferState::Refused),
            Event::LoadCovered { carrier, offer, rate } => self.cover(carrier, offer, rate),
            Event::ActionHeld { .. }
            | Event::HeldActionSettled { .. }
            | Event::OfferExtended { .. }
            | Event::LoadCoveredByHand { .. } => self.apply_held(event),
            Event::TenderExhausted { .. } => {
                if let Some(tender) = &mut self.tender {
                    tender.exhausted = true;
                }
            }
            Event::CapacityGranted { .. }
            | Event::CapacityRefused { .. }
            | Event::CapacityLost { .. }
            | Event::LoadDisplaced { .. } => self.apply_capacity(event),
            Event::ApprovalRequested { .. }
            | Event::ApprovalDecided { .. }
            | Event::ExceptionRaised { .. }
            | Event::ExceptionUpdated { .. }
            | Event::ExceptionResolved { .. } => self.apply_trouble(event, at),
            Event::NoticeProposed { .. }
            | Event::NoticeReleased { .. }
            | Event::NoticeSent { .. }
            | Event::NoticeRefused { .. }
            | Event::NoticeFailed { .. }
            | Event::NoticeWithdrawn { .. } => self.apply_notice(event),
            Event::EffectSettled { effect, receipt, .. } => {
                if let Some(it) = self.effects.get_mut(effect) {
                    it.receipt = Some(receipt.clone());
                }
            }
            Event::MilestoneReported { carrier, milestone } => self.reach(carrier, milestone, at),
            Event::MilestoneRecorded { milestone, by } => self.trip.write(milestone, by),
            Event::VehicleAssigned { .. }
            | Event::VehicleReleased { .. }
            | Event::TripStarted { .. }
            | Event::StopPlaced { .. }
            | Event::StopArrived { .. }
            | Event::StopDeparted { .. }
            | Event::StopDelivered { .. }
            | Event::VisitWithdrawn { .. }
            | Event::EtaEstimated { .. }
            | Event::PositionsDoubted { .. }
            | Event::DeliveryOverdue { .. }
            | Event::TripCompleted { .. } => self.trip.apply(event),
            Event::MailReceived { .. } | Event::AdviceGiven { .. } => self.apply_mail(event),
            Event::DocumentReceived { .. }
            | Event::DocumentRefused { .. }
            | Event::DocumentQuestioned { .. }
            | Event::DocumentAccepted { .. }
            | Event::DocumentSetAside { .. }
            | Event::DocumentCompleted { .. }
            | Event::DocumentRequested { .. }
            | Event::InvoiceReceived { .. }
            | Event::InvoiceReadinessChanged { .. } => self.documents.apply(event),
            // Told on the timeline; they change nothing that a decision rests on.
            Event::OfferSent { .. }
            | Event::AnswerRejected { .. }
            | Event::AttemptRejected { .. }
            | Event::AdviceRefused { .. }
            | Event::DisplacementRefused { .. }
            | Event::TouchRecorded { .. } => {}
            // Of other streams.
            Event::MessageReceived(_)
            | Event::MessageNormalized { .. }
            | Event::MessageQuarantined { .. }
            | Event::MessageCorrected { .. }
            | Event::AcknowledgementReceived { .. }
            | Event::TenantCreated { .. }
            | Event::KeyIssued { .. }
            | Event::PlaybookInstalled { .. }
            | Event::TableChanged { .. }
            | Event::PartnerChanged { .. }
            | Event::PositionsTaken { .. }
            | Event::SourceChanged { .. }
            | Event::SiteChanged { .. }
            | Event::CapacityStated { .. }
            | Event::CapacityHeld { .. }
            | Event::CapacityOffered { .. }
            | Event::CapacityConsumed { .. }
            | Event::CapacityReleased { .. }
            | Event::CapacityReclaimed { .. }
            | Event::CapacityKept { .. }
            | Event::AutomationModeChanged { .. }
            | Event::SettingsChanged { .. } => {}
        }
    }

    fn cover(&mut self, carrier: &PartnerId, offer: &OfferId, rate: &Money) {
        let covered = Covered {
            carrier: carrier.clone(),
            offer: offer.clone(),
            rate: rate.clone(),
            by: self.by_hand.take(),
        };
        self.covered = Some(covered);
    }

    /// Of the carrier that hauls the load; what others say is told and moves nothing.
    fn reach(&mut self, carrier: &str, milestone: &MilestoneAttempt, at: Timestamp) {
        let hauls = self.covered.as_ref().and_then(|it| self.offer(&it.offer));
        let hauls = hauls.is_some_and(|it| it.scac.eq_ignore_ascii_case(carrier));
        if let Some(load) = self.load.as_ref().filter(|_| hauls) {
            self.trip.state(load, milestone, at);
        }
    }

    /// The load's truck, or the one it gave away.
    fn apply_capacity(&mut self, event: &Event) {
        let expedite = self.expedite.get_or_insert_default();
        match event {
            Event::CapacityGranted {
                hold,
                search,
                displaced,
                ..
            } => {
                expedite.tried.push(hold.carrier.clone());
                expedite.hold = Some((**hold).clone());
                expedite.search = search.clone();
                expedite.displaced.clone_from(displaced);
                (expedite.refused, expedite.displaceable) = (None, None);
            }
            Event::CapacityRefused {
                reason,
                search,
                displaceable,
            } => {
                expedite.hold = None;
                expedite.search = search.clone();
                expedite.refused = Some(reason.clone());
                expedite.displaceable = displaceable.as_deref().cloned();
            }
            Event::CapacityLost { hold, reason } if expedite.hold.as_ref().is_some_and(|it| it.id == *hold) => {
                expedite.hold = None;
                expedite.refused = Some(reason.clone());
            }
            Event::LoadDisplaced {
                by,
                by_reference,
                approved_by,
                ..
            } => {
                expedite.gave_way_to = Some(GaveWay {
                    load: by.clone(),
                    reference: by_reference.clone(),
                    approved_by: approved_by.clone(),
                });
            }
            // `apply` hands over no other.
            _ => {}
        }
    }

    /// What was written, and what was made of it.
    fn apply_mail(&mut self, event: &Event) {
        match event {
            Event::MailReceived {
                message,
                mail,
                exception,
            } => {
                if self.mails.len() >= MAILS_MAX {
                    self.mails.remove(0);
                }
                self.mails.push(MailState {
                    message: message.clone(),
                    mail: (**mail).clone(),
                    exception: exception.clone(),
                    advice: None,
                });
            }
            Event::AdviceGiven { message, advice } => {
                if let Some(it) = self.mails.iter_mut().find(|it| it.message.as_ref() == Some(message)) {
                    it.advice = Some((**advice).clone());
                }
            }
            // `apply` hands over no other.
            _ => {}
        }
    }

    /// Questions to people, and problems for them.
    fn apply_trouble(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::ApprovalRequested { approval } => {
                let state = ApprovalState {
                    approval: approval.clone(),
                    decided: None,
                };
                self.approvals.insert(approval.id.clone(), state);
            }
            Event::ApprovalDecided {
                approval,
                outcome,
                by,
                reason,
            } => {
                if let Some(it) = self.approvals.get_mut(approval) {
                    it.decided = Some(Decided {
                        outcome: *outcome,
                        by: by.clone(),
                        at,
                        reason: reason.clone(),
                    });
                }
            }
            Event::ExceptionRaised { exception } => {
                let state = ExceptionState {
                    exception: exception.clone(),
                    resolved: None,
                };
                self.exceptions.insert(exception.id.clone(), state);
            }
            Event::ExceptionUpdated {
                exception,
                severity,
                title,
                evidence,
            } => {
                if let Some(it) = self.exceptions.get_mut(exception) {
                    it.exception.severity = *severity;
                    it.exception.title.clone_from(title);
                    it.exception.evidence.clone_from(evidence);
                }
            }
            Event::ExceptionResolved {
                exception,
                by,
                resolution,
            } => {
                if let Some(it) = self.exceptions.get_mut(exception) {
                    it.resolved = Some((by.clone(), resolution.clone()));
                }
            }
            // `apply` hands over no other.
            _ => {}
        }
    }

    /// What automation holds back, and what people do in its place.
    fn apply_held(&mut self, event: &Event) {
        match event {
            Event::LoadCoveredByHand { offer, by, .. } => {
                self.offers.push(offer.clone());
                self.by_hand = Some(by.clone());
            }
            Event::OfferExtended { offer, respond_by } => {
                if let Some(it) = self.offer_mut(offer) {
                    it.respond_by = *respond_by;
                }
            }
            Event::ActionHeld { held } => {
                if let HeldWhat::Offer { offer, .. } = &held.what {
                    self.set_offer(offer, OfferState::Held);
                }
                self.held.push(held.clone());
            }
            Event::HeldActionSettled {
                held,
                outcome,
                by,
                released,
                ..
            } => {
                if let Some(effect) = released.as_ref().and_then(|it| self.effects.get_mut(it)) {
                    effect.released = true;
                }
                let Some(place) = self.held.iter().position(|it| it.id == *held) else {
                    return;
                };
                let known = self.held.remove(place);
                self.settled_held.insert(known.id, (*outcome, by.clone()));
                // Judged anew, it may have to wait for an approval.
                if let HeldWhat::Offer { offer, .. } = &known.what
                    && *outcome == HeldOutcome::Resumed
                {
                    self.set_offer(offer, OfferState::AwaitingApproval);
                }
            }
            // `apply` hands over no other.
            _ => {}
        }
    }

    /// Whether the carrier cannot know of an offer that was made: its delivery is held, or was refused before it left.
    pub fn offer_never_left(&self, offer: &OfferId) -> bool {
        self.effects.iter().any(|(id, it)| {
            let sends = matches!(&it.order, Ordered::SendOffer { offer: of, .. } if of == offer);
            sends && (self.holds_delivery(id) || matches!(it.receipt, Some(Receipt::Refused { .. })))
        })
    }

    pub fn holds_delivery(&self, effect: &EffectId) -> bool {
        let is = |it: &Held| matches!(&it.what, HeldWhat::Delivery { effect: of } if of == effect);
        self.held.iter().any(is)
    }

    /// Whether a timer has come due and waits for automation to act again.
    pub fn holds_timer(&self, timer: &TimerId) -> bool {
        let is = |it: &Held| matches!(&it.what, HeldWhat::Timer { timer: of, .. } if of == timer);
        self.held.iter().any(is)
    }

    fn apply_notice(&mut self, event: &Event) {
        let (id, state) = match event {
            Event::NoticeProposed { notice } => return self.notices.push(notice.clone()),
            Event::NoticeReleased {
                notice, subject, body, ..
            } => {
                if let Some(it) = self.notices.iter_mut().find(|it| it.id == *notice) {
                    it.subject.clone_from(subject);
                    it.body.clone_from(body);
                }
                (notice, NoticeState::Released)
            }
            Event::NoticeSent { notice, .. } => (notice, NoticeState::Sent),
            Event::NoticeRefused { notice, .. } => (notice, NoticeState::Refused),
            Event::NoticeFailed { notice, .. } => (notice, NoticeState::Failed),
            Event::NoticeWithdrawn { notice, .. } => (notice, NoticeState::Withdrawn),
            // `apply` hands over no other.
            _ => return,
        };
        if let Some(it) = self.notices.iter_mut().find(|it| it.id == *id) {
            it.state = state;
        }
    }

    /// Folds an ordered effect in, so that its receipt finds it.
    pub fn apply_effect(&mut self, effect: &Effect, at: Timestamp) {
        let state = EffectState {
            order: effect.order.clone(),
            ordered_at: at,
            receipt: None,
            playbook: effect.playbook.clone(),
            released: false,
        };
        self.effects.insert(effect.id.clone(), state);
    }

    /// Folds a workflow instance's new position in, as a record holds it.
    pub fn apply_instance(&mut self, packed: &Packed) -> Result<(), serde_json::Error> {
        let instance = packed.read()?;
        let id = InstanceId(instance.id.clone());
        if instance.is_over() {
            self.instances.remove(&id);
        } else {
            self.instances.insert(id, instance);
        }
        Ok(())
    }

    pub fn notice(&self, id: &NoticeId) -> Option<&Notice> {
        self.notices.iter().find(|it| it.id == *id)
    }

    pub fn offer(&self, id: &OfferId) -> Option<&Offer> {
        self.offers.iter().find(|it| it.id == *id)
    }

    fn offer_mut(&mut self, id: &OfferId) -> Option<&mut Offer> {
        self.offers.iter_mut().find(|it| it.id == *id)
    }

    fn open_offer(&mut self, id: &OfferId, rate: &Money, respond_by: Timestamp) {
        if let Some(it) = self.offer_mut(id) {
            it.state = OfferState::Open;
            it.respond_by = respond_by;
            it.rate = rate.clone();
        }
    }

    fn set_offer(&mut self, id: &OfferId, state: OfferState) {
        if let Some(it) = self.offer_mut(id) {
            it.state = state;
        }
    }

    /// The offer a carrier may answer now, or the last one it had.
    pub fn offer_of(&self, carrier: &PartnerId) -> Option<&Offer> {
        let mine = || self.offers.iter().filter(|it| it.carrier == *carrier);
        mine()
            .find(|it| it.state.is_answerable())
            .or_else(|| mine().next_back())
    }

    pub fn open_offers(&self) -> impl Iterator<Item = &Offer> {
        let standing = [
            OfferState::Open,
            OfferState::Conditional,
            OfferState::AwaitingApproval,
            OfferState::Held,
        ];
        self.offers.iter().filter(move |it| standing.contains(&it.state))
    }

    pub fn open_approvals(&self) -> impl Iterator<Item = &Approval> {
        self.approvals
            .values()
            .filter(|it| it.decided.is_none())
            .map(|it| &it.approval)
    }

    pub fn open_exceptions(&self) -> impl Iterator<Item = &Exception> {
        self.exceptions
            .values()
            .filter(|it| it.resolved.is_none())
            .map(|it| &it.exception)
    }

    /// One word for the board.
    pub fn status(&self) -> &'static str {
        if self.cancelled.is_some() {
            "cancelled"
        } else if self.covered.is_some() {
            "covered"
        } else if self.held.iter().any(|it| matches!(it.what, HeldWhat::Offer { .. })) {
            "held"
        } else if self.open_approvals().next().is_some() {
            "awaiting_approval"
        } else if self.open_exceptions().next().is_some() {
            "exception"
        } else if self.tender.is_some() {
            "tendering"
        } else {
            "planned"
        }
    }
}
