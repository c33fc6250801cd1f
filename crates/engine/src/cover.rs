//! Covering a load by hand: a person has found the carrier, and the record says what automation would have done.

use crate::exceptions;
use crate::gate::Choice;
use crate::held;
use crate::offers;
use crate::process::Work;
use crate::turn::Turn;
use serde_json::json;
use signalbox_model::automation::{Agreement, HeldOutcome, HeldWhat};
use signalbox_model::directory::PartnerRole;
use signalbox_model::event::Event;
use signalbox_model::exception::ExceptionKind;
use signalbox_model::issue::Issue;
use signalbox_model::personal::Personal;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Role;
use signalbox_model::tender::{Offer, OfferState, RespondByBasis};
use signalbox_model::value::Money;

/// What a person agreed with a carrier.
pub(crate) struct Agreed {
    /// SCAC or partner id.
    pub carrier: String,
    pub rate: Money,
    pub note: Option<Personal>,
    pub in_hand_ms: Option<i64>,
}

/// What settles itself once the load has a carrier.
const SETTLED: [ExceptionKind; 4] = [
    ExceptionKind::TenderExhausted,
    ExceptionKind::ConditionalAnswer,
    ExceptionKind::ApprovalRefused,
    ExceptionKind::TakenOver,
];

pub(crate) fn by_hand(turn: &mut Turn<'_>, work: &mut Work, agreed: Agreed) {
    let Some(offer) = offer(turn, &agreed) else { return };
    let by = turn.context.actor.clone();
    let reason = format!("{} covered the load by hand", by.name);
    // First of all, so that no playbook takes a withdrawn offer for a carrier that passed.
    held::end_tender(turn, work, &reason);
    let (carrier, rate, id) = (offer.carrier.clone(), offer.rate.clone(), offer.id.clone());
    turn.link("offer", id.as_str());
    let agreement = agreement(turn, &offer);
    turn.record(Event::LoadCoveredByHand {
        offer,
        by: by.clone(),
        note: agreed.note,
        agreement,
    });
    turn.record(Event::LoadCovered {
        carrier: carrier.clone(),
        offer: id.clone(),
        rate,
    });
    held::settle_offers(turn, HeldOutcome::ByHand, &by, &reason);
    offers::withdraw_all(turn, &reason);
    for kind in SETTLED {
        exceptions::settle_all(turn, kind, &reason);
    }
    let load = turn.state.load.as_ref().map(|it| it.id.0.clone()).unwrap_or_default();
    turn.touch("load.cover", &load, held::waiting_since(turn), agreed.in_hand_ms);
    turn.done(json!({"load": load, "carrier": carrier, "offer": id}));
}

/// What was agreed as an offer that is accepted, or why it cannot be.
fn offer(turn: &mut Turn<'_>, agreed: &Agreed) -> Option<Offer> {
    if let Some(covered) = &turn.state.covered {
        let name = turn.directory().partners.get(&covered.carrier);
        let name = name.map_or_else(|| covered.carrier.0.clone(), |it| it.name.clone());
        let by = covered
            .by
            .as_ref()
            .map(|it| format!(", covered by hand by {}", it.name));
        let detail = format!("{name} has this load at {}{}", covered.rate, by.unwrap_or_default());
        return refuse(turn, Rejection::LoadAlreadyCovered, detail);
    }
    if let Some(why) = turn.state.cancelled.clone() {
        return refuse(turn, Rejection::LoadCancelled, why);
    }
    let Some(partner) = turn.directory().carrier(&agreed.carrier) else {
        return refuse(
            turn,
            Rejection::CarrierUnknown,
            format!("no carrier {}", agreed.carrier),
        );
    };
    let PartnerRole::Carrier { scac, active, .. } = &partner.role else {
        return refuse(
            turn,
            Rejection::CarrierUnknown,
            format!("{} is not a carrier", partner.name),
        );
    };
    if !active {
        let detail = format!("{} is not active. Make it so under Partners first.", partner.name);
        return refuse(turn, Rejection::CarrierUnknown, detail);
    }
    if agreed.rate.minor <= 0 {
        let why = format!("{} is no rate", agreed.rate);
        let issue = Issue::fatal(
            "cover.rate",
            "/rate_minor",
            why.clone(),
            "Give it in minor units, above nothing.",
        );
        turn.reject(Rejection::RateInvalid, why, vec![issue]);
        return None;
    }
    if !may(turn, &agreed.rate, scac) {
        return None;
    }
    let tender = turn.state.tender.as_ref().map(|it| it.id.clone());
    Some(Offer {
        id: turn.mint.make(),
        tender: tender.unwrap_or_else(|| turn.mint.make()),
        carrier: partner.id.clone(),
        scac: scac.clone(),
        rank: turn.state.offers.len() as u32 + 1,
        rate: agreed.rate.clone(),
        respond_by: turn.now(),
        respond_by_basis: RespondByBasis::Default,
        state: OfferState::Accepted,
    })
}

/// The person must be allowed to cover loads; where the same rate unattended would wait for an approval, they must be
/// somebody who could give it.
fn may(turn: &mut Turn<'_>, rate: &Money, scac: &str) -> bool {
    let actor = turn.context.actor.clone();
    let facts = offers::facts(turn, rate, scac);
    if turn.gate(&actor, "cover_load", facts.clone()).choice != Choice::Allow {
        let detail = format!("{} may not cover loads", actor.name);
        turn.reject(Rejection::NotAllowed, detail, Vec::new());
        return false;
    }
    let needs = match turn.gate_unattended(&actor, "make_offer", facts).choice {
        Choice::NeedsApproval { role } => Some(role),
        Choice::Allow | Choice::Forbid => None,
    };
    let entitled = needs.is_none_or(|it| actor.has(it) || actor.has(Role::Manager) || actor.has(Role::Admin));
    if !entitled {
        let detail = format!("a {} covers a load at {rate}", needs.map_or("manager", Role::as_str));
        turn.reject(Rejection::ApprovalNotYours, detail, Vec::new());
    }
    entitled
}

fn refuse(turn: &mut Turn<'_>, rejection: Rejection, detail: String) -> Option<Offer> {
    turn.reject(rejection, detail, Vec::new());
    None
}

/// Against the first offer that automation would have made.
fn agreement(turn: &Turn<'_>, offer: &Offer) -> Option<Agreement> {
    let first = turn.state.held.iter().find_map(|it| match &it.what {
        HeldWhat::Offer { offer, .. } => Some((turn.state.offer(offer)?, it.since)),
        HeldWhat::Delivery { .. } | HeldWhat::Timer { .. } => None,
    });
    let (proposed, since) = first?;
    let comparable = proposed.rate.currency == offer.rate.currency;
    Some(Agreement {
        proposed_carrier: proposed.scac.clone(),
        proposed_rate: proposed.rate.clone(),
        proposed_at: since,
        carrier: offer.scac.clone(),
        rate: offer.rate.clone(),
        same_carrier: proposed.carrier == offer.carrier,
        same_rate: proposed.rate == offer.rate,
        difference_minor: comparable.then_some(offer.rate.minor - proposed.rate.minor),
        later_ms: turn.now().as_millisecond() - since.as_millisecond(),
    })
}
