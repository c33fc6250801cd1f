//! Offers: one carrier's turn to take the load.
//!
//! Invariants: a covered or cancelled load is never offered; an open offer always has a timer; an offer that needs
//! approval leaves only with one.

use crate::approvals;
use crate::capacity;
use crate::exceptions;
use crate::gate::{Choice, Fact};
use crate::held;
use crate::turn::Turn;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_model::decision::Evidence;
use signalbox_model::directory::{Partner, PartnerRole};
use signalbox_model::effect::Order;
use signalbox_model::event::Event;
use signalbox_model::exception::{Approval, ApprovalOutcome, ExceptionKind};
use signalbox_model::id::{OfferId, TimerId};
use signalbox_model::scope::{Actor, Role};
use signalbox_model::tender::{Offer, OfferState, RespondByBasis};
use signalbox_model::value::{ExternalId, Money};
use std::collections::BTreeMap;

/// Offers one tender may make before it is given to a person.
pub const OFFERS_PER_LOAD_MAX: usize = 100;

/// What a playbook asks for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Wanted {
    /// SCAC or partner id.
    pub carrier: String,
    pub rate_minor: Option<i64>,
    #[serde(default = "usd")]
    pub currency: String,
    pub rank: Option<u32>,
    /// On a truck that is held for the load: to be answered within the tenant's shorter time.
    #[serde(default)]
    pub expedited: bool,
}

fn usd() -> String {
    "USD".to_owned()
}

/// Offers the load to one carrier, or says why not. Answers the playbook: `status` is `open`, `awaiting_approval`,
/// `refused` or `skipped`.
pub(crate) fn make(turn: &mut Turn<'_>, actor: &Actor, wanted: Wanted) -> Value {
    if turn.state.covered.is_some() || turn.state.cancelled.is_some() || turn.state.offers.len() >= OFFERS_PER_LOAD_MAX
    {
        return skip(turn, &wanted, "the load takes no more offers");
    }
    let Some(partner) = turn.directory().carrier(&wanted.carrier) else {
        return skip(turn, &wanted, "no carrier of this name under Partners");
    };
    let PartnerRole::Carrier {
        scac,
        contract_rate,
        active,
        ..
    } = &partner.role
    else {
        return skip(turn, &wanted, "not a carrier");
    };
    if !active {
        return skip(turn, &wanted, "the carrier is not active");
    }
    let given = wanted.rate_minor.map(|minor| Money {
        minor,
        currency: wanted.currency.clone(),
    });
    let Some(rate) = given.or_else(|| contract_rate.clone()) else {
        return skip(turn, &wanted, "neither routing guide nor contract gives a rate");
    };
    let (respond_by, respond_by_basis) = if wanted.expedited {
        respond_by_expedited(turn, partner)
    } else {
        respond_by(turn, partner)
    };
    let rank = wanted.rank.unwrap_or(turn.state.offers.len() as u32 + 1);
    let Some(tender) = turn.state.tender.as_ref().map(|it| it.id.clone()) else {
        return skip(turn, &wanted, "no tender was started");
    };
    let offer = Offer {
        id: turn.mint.make(),
        tender,
        carrier: partner.id.clone(),
        scac: scac.clone(),
        rank,
        rate,
        respond_by,
        respond_by_basis,
        state: OfferState::AwaitingApproval,
    };
    turn.link("offer", offer.id.as_str());
    turn.record(Event::OfferProposed { offer: offer.clone() });
    put(turn, actor, offer)
}

/// Puts a proposed offer to the gate, and does or holds what it lets. An offer that is held waits for a person, and is
/// told to the playbook as one that does.
pub(crate) fn put(turn: &mut Turn<'_>, actor: &Actor, offer: Offer) -> Value {
    let (id, respond_by) = (offer.id.clone(), offer.respond_by);
    let verdict = turn.gate(actor, "make_offer", facts(turn, &offer.rate, &offer.scac));
    match verdict.choice {
        Choice::Allow => {
            send(turn, offer, None);
            let is_open = turn.state.offer(&id).is_some_and(|it| it.state == OfferState::Open);
            let status = if is_open { "open" } else { "awaiting_approval" };
            json!({"status": status, "offer": id, "respond_by": respond_by})
        }
        Choice::NeedsApproval { role } => {
            match turn.hold() {
                Some(hold) => held::offer(turn, &offer, hold, Some(role), None),
                None => ask(turn, &offer, role, &verdict.policies),
            }
            json!({"status": "awaiting_approval", "offer": id})
        }
        Choice::Forbid => {
            let reason = format!("forbidden by {}", verdict.policies.join(", "));
            turn.record(Event::OfferRefused {
                offer: id.clone(),
                reason: reason.clone(),
            });
            json!({"status": "refused", "offer": id, "reason": reason})
        }
    }
}

pub(crate) fn facts(turn: &Turn<'_>, rate: &Money, scac: &str) -> BTreeMap<&'static str, Fact> {
    let cap = &turn.directory().settings.rate_cap;
    let lane = turn.state.load.as_ref().map(|it| it.lane()).unwrap_or_default();
    BTreeMap::from([
        ("rate_minor", Fact::Long(rate.minor)),
        ("currency", Fact::Text(rate.currency.clone())),
        ("rate_cap_minor", Fact::Long(cap.minor)),
        ("rate_cap_currency", Fact::Text(cap.currency.clone())),
        ("carrier", Fact::Text(scac.to_owned())),
        ("lane", Fact::Text(lane)),
    ])
}

fn skip(turn: &mut Turn<'_>, wanted: &Wanted, reason: &str) -> Value {
    let evidence = vec![
        Evidence::new("carrier", wanted.carrier.clone(), "routing guide"),
        Evidence::new("why", reason, "directory"),
    ];
    turn.decide(
        "offer.skip",
        "skipped",
        evidence,
        "an offer needs an active carrier and a rate".to_owned(),
    );
    json!({"status": "skipped", "reason": reason})
}

/// From the message (X12 G62*64) while that is ahead, else the contract, else the tenant's default.
pub(crate) fn respond_by(turn: &Turn<'_>, carrier: &Partner) -> (Timestamp, RespondByBasis) {
    let now = turn.now();
    let stated = turn
        .state
        .load
        .as_ref()
        .and_then(|it| it.respond_by.as_ref())
        .map(|it| it.at);
    if let Some(at) = stated.filter(|at| *at > now) {
        return (at, RespondByBasis::Message);
    }
    let contract = match &carrier.role {
        PartnerRole::Carrier { respond_within_min, .. } => *respond_within_min,
        PartnerRole::Customer { .. } => None,
    };
    let default = turn.directory().settings.respond_within_default_min;
    let (minutes, basis) = contract.map_or((default, RespondByBasis::Default), |it| (it, RespondByBasis::Contract));
    (after(now, minutes), basis)
}

/// The tenant's time for expedited loads, or what would be sooner.
pub(crate) fn respond_by_expedited(turn: &Turn<'_>, carrier: &Partner) -> (Timestamp, RespondByBasis) {
    let usual = respond_by(turn, carrier);
    let soon = after(turn.now(), turn.directory().settings.respond_within_expedited_min);
    if soon < usual.0 {
        (soon, RespondByBasis::Expedited)
    } else {
        usual
    }
}

fn after(now: Timestamp, minutes: u32) -> Timestamp {
    now.saturating_add(SignedDuration::from_mins(i64::from(minutes)))
        .unwrap_or(Timestamp::MAX)
}

/// Opens the offer: event, effect and timer in one turn. While automation is held, so is the offer.
pub(crate) fn send(turn: &mut Turn<'_>, offer: Offer, approved_by: Option<Actor>) {
    let Some(load) = turn.state.load.clone() else { return };
    if let Some(hold) = turn.hold() {
        return held::offer(turn, &offer, hold, None, approved_by);
    }
    turn.out
        .links
        .push(ExternalId::new(&offer.scac, "shipment_id", &load.reference));
    let (id, respond_by) = (offer.id, offer.respond_by);
    turn.record(Event::OfferMade {
        offer: id.clone(),
        rate: offer.rate,
        respond_by,
        approved_by,
    });
    turn.order(Order::SendOffer {
        load: load.id,
        offer: id.clone(),
        carrier: offer.carrier,
    });
    turn.set_timer(offer_timer(&id), respond_by);
}

fn ask(turn: &mut Turn<'_>, offer: &Offer, role: Role, policies: &[String]) {
    let reference = turn.state.load.as_ref().map(|it| it.reference.clone());
    let reference = reference.unwrap_or_default();
    let cap = turn.directory().settings.rate_cap.to_string();
    let title = format!("Offer load {reference} to {} at {}", offer.scac, offer.rate);
    let evidence = vec![
        Evidence::new("rate", offer.rate.to_string(), "routing guide"),
        Evidence::new("rate cap", cap, "settings"),
        Evidence::new("rank", offer.rank, "routing guide"),
        Evidence::new("policy", policies.join(", "), "gate"),
    ];
    let proposal = json!({"offer": offer.id, "carrier": offer.carrier, "scac": offer.scac, "rate": offer.rate,
        "rank": offer.rank});
    approvals::request(turn, "make_offer", title, role, evidence, proposal);
}

/// Takes every standing offer and open question back.
pub(crate) fn withdraw_all(turn: &mut Turn<'_>, reason: &str) {
    let standing: Vec<OfferId> = turn.state.open_offers().map(|it| it.id.clone()).collect();
    for offer in standing {
        withdraw(turn, &offer, reason);
    }
    let of_tender = |it: &Approval| approvals::offer_of(it).is_some() || it.action == capacity::ACTION;
    approvals::close_open(turn, of_tender, ApprovalOutcome::Expired, reason);
}

pub(crate) fn withdraw(turn: &mut Turn<'_>, id: &OfferId, reason: &str) {
    let Some(offer) = turn.state.offer(id).cloned() else {
        return;
    };
    turn.record(Event::OfferWithdrawn {
        offer: id.clone(),
        reason: reason.to_owned(),
    });
    if !matches!(offer.state, OfferState::AwaitingApproval | OfferState::Held) {
        turn.cancel_timer(offer_timer(id));
        tell_carrier(turn, &offer);
    }
}

fn tell_carrier(turn: &mut Turn<'_>, offer: &Offer) {
    if turn.state.offer_never_left(&offer.id) {
        return; // Nobody was told of it.
    }
    let Some(load) = turn.state.load.as_ref().map(|it| it.id.clone()) else {
        return;
    };
    turn.order(Order::WithdrawOffer {
        load,
        offer: offer.id.clone(),
        carrier: offer.carrier.clone(),
    });
}

/// The time to answer is over: the offer expires and the carrier is told.
pub(crate) fn expire(turn: &mut Turn<'_>, id: &OfferId) {
    let Some(offer) = turn.state.offer(id).cloned() else {
        return;
    };
    if !matches!(offer.state, OfferState::Open | OfferState::Conditional) {
        return;
    }
    turn.record(Event::OfferExpired { offer: id.clone() });
    turn.cancel_timer(offer_timer(id));
    tell_carrier(turn, &offer);
    if offer.state == OfferState::Conditional {
        exceptions::settle_all(turn, ExceptionKind::ConditionalAnswer, "the time to answer ran out");
    }
}

/// A timer of an offer or approval fires.
pub(crate) fn wake(turn: &mut Turn<'_>, timer: &TimerId) {
    turn.cancel_timer(timer.clone());
    if let Some(offer) = timer.0.strip_prefix(OFFER_TIMER) {
        expire(turn, &OfferId::from(offer));
    } else if let Some(approval) = approvals::timer_of(timer) {
        approvals::expire(turn, &approval);
    }
}

const OFFER_TIMER: &str = "tmr_offer/";

pub(crate) fn offer_of_timer(timer: &TimerId) -> Option<OfferId> {
    timer.0.strip_prefix(OFFER_TIMER).map(OfferId::from)
}

pub(crate) fn offer_timer(id: &OfferId) -> TimerId {
    TimerId(format!("{OFFER_TIMER}{id}"))
}
