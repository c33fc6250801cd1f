//! Capacity from the side of a load: it asks, is answered, proposes to displace another, and gives its truck away.

use super::follow;
use super::search::{kind, local};
use crate::approvals;
use crate::command::ApprovalDecision;
use crate::gate::{Choice, Fact};
use crate::offers;
use crate::process::fault;
use crate::turn::Turn;
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_model::capacity::{Candidate, CapacityAnswer, CapacityAsk, Displaceable, Displacing, GuideRate};
use signalbox_model::decision::Evidence;
use signalbox_model::effect::Order;
use signalbox_model::event::Event;
use signalbox_model::exception::{Approval, ApprovalOutcome};
use signalbox_model::id::{ApprovalId, CapacityHoldId, EffectId, LoadId, OfferId};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Actor;
use signalbox_model::tender::OfferState;
use signalbox_model::value::Money;
use signalbox_workflow::Fault;
use std::collections::BTreeMap;

/// The gate's action of taking a truck from a load that can wait.
pub(crate) const ACTION: &str = "displace_load";

/// What a playbook says of the carriers of its routing guide.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    guide: Vec<Ranked>,
}

#[derive(Deserialize)]
struct Ranked {
    carrier: String,
    rate_minor: Option<i64>,
}

/// Asks the tenant's capacity for a truck. Answers the playbook: `status` is `asked`, and the answer is an event; or
/// `skipped` with a `reason`.
pub(crate) fn ask(turn: &mut Turn<'_>, with: Value) -> Result<Value, Fault> {
    let asked: Asked = serde_json::from_value(with).map_err(|error| fault("validation", error.to_string()))?;
    if turn.state.covered.is_some() || turn.state.cancelled.is_some() {
        return Ok(json!({"status": "skipped", "reason": "the load takes no more offers"}));
    }
    if turn.hold().is_some() {
        let reason = "automation observes or is stopped, and no truck is held meanwhile";
        return Ok(json!({"status": "skipped", "reason": reason}));
    }
    let currency = turn.directory().settings.rate_cap.currency.clone();
    let of = |it: Ranked| {
        let carrier = turn.directory().carrier(&it.carrier)?.id.clone();
        let rate = Money {
            minor: it.rate_minor?,
            currency: currency.clone(),
        };
        Some(GuideRate { carrier, rate })
    };
    let guide = asked.guide.into_iter().filter_map(of).collect();
    match order(turn, guide, None) {
        true => Ok(json!({"status": "asked"})),
        false => Ok(json!({"status": "skipped", "reason": "there is no load"})),
    }
}

fn order(turn: &mut Turn<'_>, guide: Vec<GuideRate>, displace: Option<Displacing>) -> bool {
    let Some(load) = turn.state.load.clone() else {
        return false;
    };
    let granted = turn.state.expedite.iter().flat_map(|it| it.tried.iter());
    let tried = turn.state.offers.iter().map(|it| &it.carrier).chain(granted);
    let mut tried: Vec<_> = tried.cloned().collect();
    tried.sort();
    tried.dedup();
    let ask = CapacityAsk {
        need: follow::need(turn.state, &load, turn.directory()),
        guide,
        tried,
        displace,
    };
    turn.order(Order::AskCapacity {
        load: load.id,
        ask: Box::new(ask),
    });
    true
}

/// The tenant's capacity has answered.
pub(crate) fn answered(turn: &mut Turn<'_>, effect: EffectId, answer: CapacityAnswer) {
    turn.out.settled.push(effect);
    let is_over = turn.state.covered.is_some() || turn.state.cancelled.is_some();
    match answer {
        CapacityAnswer::Granted { hold, .. } if is_over => turn.record(Event::CapacityLost {
            hold: hold.id,
            reason: "the load needs it no more".to_owned(),
        }),
        CapacityAnswer::Granted {
            hold,
            rate,
            search,
            displaced,
        } => turn.record(Event::CapacityGranted {
            hold,
            rate,
            search,
            displaced,
        }),
        CapacityAnswer::Refused { .. } if is_over => {}
        CapacityAnswer::Refused {
            reason,
            search,
            displaceable,
        } => turn.record(Event::CapacityRefused {
            reason,
            search,
            displaceable,
        }),
        CapacityAnswer::Lost { hold, reason } => lost(turn, &hold, reason),
    }
}

/// The hold ran out. An offer that was to be made on it and waits for approval is not made any more.
fn lost(turn: &mut Turn<'_>, id: &CapacityHoldId, reason: String) {
    let hold = turn.state.expedite.as_ref().and_then(|it| it.hold.clone());
    let Some(hold) = hold.filter(|it| it.id == *id) else {
        return;
    };
    turn.record(Event::CapacityLost {
        hold: id.clone(),
        reason: reason.clone(),
    });
    let waits = turn.state.offers.iter();
    let waits = waits.filter(|it| it.carrier == hold.carrier && it.state == OfferState::AwaitingApproval);
    let waits: Vec<OfferId> = waits.map(|it| it.id.clone()).collect();
    for offer in waits {
        let of = |it: &Approval| approvals::offer_of(it).as_ref() == Some(&offer);
        approvals::withdraw(turn, of, &reason);
        offers::withdraw(turn, &offer, &reason);
    }
}

/// Proposes to take the truck of a load that can wait. Answers the playbook: `awaiting_approval`, `released` or `refused`.
pub(crate) fn propose(turn: &mut Turn<'_>, actor: &Actor) -> Value {
    let found = turn.state.expedite.as_ref().and_then(|it| it.displaceable.clone());
    let Some(found) = found else {
        return json!({"status": "refused", "reason": "there is no load to displace"});
    };
    let verdict = turn.gate(actor, ACTION, facts(&found));
    match verdict.choice {
        Choice::Allow => {
            approved(turn, found.hold.id, actor.clone());
            json!({"status": "released"})
        }
        Choice::NeedsApproval { role } => {
            let title = format!(
                "Take {}'s truck for load {} from load {} of {}",
                found.hold.scac,
                turn.reference(),
                found.hold.need.reference,
                found.hold.need.customer
            );
            let proposal = json!({
                "displaces": {"load": found.hold.need.load, "reference": found.hold.need.reference,
                              "customer": found.hold.need.customer},
                "hold": found.hold.id, "carrier": found.hold.carrier, "scac": found.hold.scac,
                "rate": found.candidate.rate,
            });
            let mut evidence = evidence(turn, &found);
            evidence.push(Evidence::new("policy", verdict.policies.join(", "), "gate"));
            approvals::request(turn, ACTION, title, role, evidence, proposal);
            json!({"status": "awaiting_approval"})
        }
        Choice::Forbid => {
            let reason = format!("forbidden by {}", verdict.policies.join(", "));
            not_displaced(turn, &reason);
            json!({"status": "refused", "reason": reason})
        }
    }
}

fn facts(found: &Displaceable) -> BTreeMap<&'static str, Fact> {
    BTreeMap::from([
        ("carrier", Fact::Text(found.hold.scac.clone())),
        ("displaced_customer", Fact::Text(found.hold.need.customer.clone())),
        ("displaced_load", Fact::Text(found.hold.need.reference.clone())),
        ("rate_minor", Fact::Long(found.candidate.rate.minor)),
    ])
}

/// What a person has to know to decide, in sentences.
fn evidence(turn: &Turn<'_>, found: &Displaceable) -> Vec<Evidence> {
    let need = &found.hold.need;
    let opens = need.opens.as_ref().or(need.closes.as_ref());
    let when = opens.map_or_else(String::new, |it| format!(", {}", local(it.at, &it.zone)));
    let displaced = format!(
        "{} of {}, pickup at {}{when}",
        need.reference, need.customer, need.pickup
    );
    let next = match found.hold.next.as_slice() {
        [] => "nobody: its routing guide is used up, so a dispatcher would have to find a carrier".to_owned(),
        next => next.join(", then "),
    };
    let left_out = turn.state.expedite.iter().flat_map(|it| &it.search.left_out);
    let left_out = left_out.filter(|it| it.scac != found.hold.scac);
    let left_out: Vec<String> = left_out
        .map(|it| format!("{} at {}: {}", it.scac, it.place, it.why))
        .collect();
    let mut evidence = vec![
        Evidence::new("would be displaced", displaced, "capacity"),
        Evidence::new("it would go on with", next, "routing guide"),
        Evidence::new("truck", truck(turn, &found.candidate), "capacity"),
        Evidence::new("rate", found.candidate.rate.to_string(), "capacity"),
    ];
    if !left_out.is_empty() {
        evidence.push(Evidence::new("others left out", left_out.join("; "), "capacity"));
    }
    evidence
}

/// `JBHT: van free at Portland, ME, 85 km from the pickup, there by Wed 25 Nov, 14:30 EST; stated 12 min ago by dana`
fn truck(turn: &Turn<'_>, it: &Candidate) -> String {
    let load = turn.state.load.as_ref();
    let equipment = load.map_or("truck", |it| kind(it.equipment.kind));
    let pickup = load.and_then(|it| it.pickup());
    let zone = pickup.and_then(|it| it.location.zone.as_deref()).unwrap_or("UTC");
    format!(
        "{}: {equipment} free at {}, {} km from the pickup, there by {}; stated {} ago by {}",
        it.scac,
        it.place,
        (it.distance_m + 500) / 1_000,
        local(it.arrives, zone),
        crate::trip::span(it.age_s / 60),
        it.stated_by
    )
}

/// A person approves: the other load is asked to give its truck up. `false`: refused by name, nothing was decided.
pub(crate) fn approve(
    turn: &mut Turn<'_>,
    id: &ApprovalId,
    hold: &CapacityHoldId,
    decision: &ApprovalDecision,
) -> bool {
    if decision.rate_minor.is_some() || decision.wording.is_some() {
        return approvals::unfit_edit(turn, "/edit", "a displacement has nothing to change");
    }
    if turn.hold().is_some_and(|it| it.observes) {
        let rejection = Rejection::AutomationObserves;
        turn.reject(rejection, rejection.explain().to_owned(), Vec::new());
        return false;
    }
    let found = turn.state.expedite.as_ref().and_then(|it| it.displaceable.clone());
    let Some(found) = found.filter(|it| it.hold.id == *hold) else {
        let rejection = Rejection::ApprovalAlreadyDecided;
        turn.reject(rejection, rejection.explain().to_owned(), Vec::new());
        return false;
    };
    let actor = turn.context.actor.clone();
    if turn.gate(&actor, ACTION, facts(&found)).choice != Choice::Allow {
        let detail = "a policy forbids this displacement even with approval".to_owned();
        turn.reject(Rejection::NotAllowed, detail, Vec::new());
        return false;
    }
    approvals::close(turn, id, ApprovalOutcome::Approved, decision.reason.clone());
    approved(turn, hold.clone(), actor);
    true
}

fn approved(turn: &mut Turn<'_>, hold: CapacityHoldId, approved_by: Actor) {
    let Some(found) = turn.state.expedite.as_ref().and_then(|it| it.displaceable.as_ref()) else {
        return;
    };
    // At the rate that was shown.
    let guide = vec![GuideRate {
        carrier: found.hold.carrier.clone(),
        rate: found.candidate.rate.clone(),
    }];
    order(turn, guide, Some(Displacing { hold, approved_by }));
}

/// A person said no, or nobody decided in time: the load goes the way of the routing guide.
pub(crate) fn refuse(turn: &mut Turn<'_>, reason: &str) {
    not_displaced(turn, &format!("not displaced: {reason}"));
}

fn not_displaced(turn: &mut Turn<'_>, reason: &str) {
    let search = turn.state.expedite.as_ref().map(|it| it.search.clone());
    turn.record(Event::CapacityRefused {
        reason: reason.to_owned(),
        search: search.unwrap_or_default(),
        displaceable: None,
    });
}

/// The load's truck is to go to one that cannot wait: its open offer is withdrawn, and its playbook goes on with the next
/// carrier. A carrier that has answered keeps the load.
pub(crate) fn displaced_by(
    turn: &mut Turn<'_>,
    effect: EffectId,
    (hold, offer): (CapacityHoldId, OfferId),
    (by, by_reference, approved_by): (LoadId, String, Actor),
) {
    turn.out.settled.push(effect);
    let state = turn.state.offer(&offer).map(|it| it.state);
    if state != Some(OfferState::Open) {
        let state = state.map_or_else(|| "not there".to_owned(), |it| format!("{it:?}").to_lowercase());
        let reason = format!("the offer that holds it is {state}");
        return turn.record(Event::DisplacementRefused { hold, reason });
    }
    let reason = format!("its truck goes to expedited load {by_reference}");
    turn.record(Event::LoadDisplaced {
        hold,
        offer: offer.clone(),
        by,
        by_reference,
        approved_by,
    });
    offers::withdraw(turn, &offer, &reason);
}
