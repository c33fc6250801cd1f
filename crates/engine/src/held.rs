//! What automation holds back while it observes or is stopped: a queue that people work off, and that resuming reconciles.
//!
//! Invariants: a held thing is settled exactly once, by name. What has nothing left to do is dropped in the turn that
//! made it so, and nothing that a person did is done again.

use crate::approvals;
use crate::automation::Hold;
use crate::command::{HeldChoice, HeldDecision};
use crate::exceptions;
use crate::gate::Choice;
use crate::moot::{drop_moot, refuse_delivery, sweep};
use crate::notices;
use crate::offers;
use crate::process::{self, Work};
use crate::turn::Turn;
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::automation::{Held, HeldOutcome, HeldWhat};
use signalbox_model::decision::Evidence;
use signalbox_model::effect::Order;
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{EffectId, HeldId, InstanceId, TimerId};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, Role};
use signalbox_model::tender::{Offer, OfferState};

/// An offer was judged and is not made.
pub(crate) fn offer(turn: &mut Turn<'_>, offer: &Offer, hold: Hold, needs: Option<Role>, approved_by: Option<Actor>) {
    let title = format!("Offer load {} to {} at {}", turn.reference(), offer.scac, offer.rate);
    let proposal = json!({
        "offer": offer.id, "carrier": offer.carrier, "scac": offer.scac, "rate": offer.rate, "rank": offer.rank,
        "respond_by": offer.respond_by, "needs_approval": needs,
    });
    let what = HeldWhat::Offer {
        offer: offer.id.clone(),
        approved_by,
    };
    hold_back(turn, what, "make_offer", title, proposal, hold);
}

/// A delivery was ordered before the mode was set, or by nobody in particular, and waits in the outbox.
pub(crate) fn withhold(turn: &mut Turn<'_>, effect: &EffectId) {
    let Some(known) = turn.state.effects.get(effect).cloned() else {
        return;
    };
    let is_held = turn.state.held.iter().any(|it| is_delivery(it, effect));
    turn.acting = known.playbook;
    let hold = turn.directory().automation.over(turn.playbook().as_deref());
    if known.receipt.is_some() || is_held || hold.is_free() {
        return;
    }
    let what = HeldWhat::Delivery { effect: effect.clone() };
    let (action, title, proposal) = delivery(turn, &known.order);
    hold_back(turn, what, action, title, proposal, hold);
    turn.acting = None;
}

fn delivery(turn: &Turn<'_>, order: &Order) -> (&'static str, String, Value) {
    let reference = turn.reference();
    match order {
        Order::SendOffer { offer, carrier, .. } | Order::WithdrawOffer { offer, carrier, .. } => {
            let made = matches!(order, Order::SendOffer { .. });
            let known = turn.state.offer(offer);
            let scac = known.map_or(carrier.as_str(), |it| it.scac.as_str());
            let (action, title) = if made {
                ("send_offer", format!("Send {scac} the offer of load {reference}"))
            } else {
                let title = format!("Tell {scac} that the offer of load {reference} no longer stands");
                ("withdraw_offer", title)
            };
            let proposal = json!({
                "offer": offer, "carrier": carrier, "scac": scac, "rate": known.map(|it| &it.rate),
                "respond_by": known.map(|it| it.respond_by),
            });
            (action, title, proposal)
        }
        Order::SendNotice { notice, to, .. } => {
            let name = turn.directory().partners.get(to);
            let name = name.map_or_else(|| to.0.clone(), |it| it.name.clone());
            let title = format!("Tell {name} about load {reference}");
            (
                "send_notice",
                title,
                json!({"notice": notice, "to": to, "to_name": name}),
            )
        }
        other => {
            let title = format!("{} about load {reference}", other.name());
            ("deliver", title, json!({"delivery": other.name()}))
        }
    }
}

/// A timer came due while its automation is stopped: it waits. False where it may act.
pub(crate) fn timer(turn: &mut Turn<'_>, timer: &TimerId) -> bool {
    let workflow = process::workflow_timer(timer);
    let of_tender = offers::offer_of_timer(timer).is_some() || approvals::timer_of(timer).is_some();
    let approval = approvals::timer_of(timer).and_then(|it| turn.state.approvals.get(&it));
    let approval = approval.map(|it| it.approval.clone());
    let playbook = match &workflow {
        Some((instance, _)) => turn.state.instances.get(instance).map(|it| it.definition.name.clone()),
        // Of the playbook that asked, where that is known.
        None => approval
            .as_ref()
            .and_then(|it| it.playbook.clone())
            .or_else(|| turn.playbook()),
    };
    if workflow.is_none() && !of_tender {
        return false; // What is seen of a trip is a fact, and no act of automation.
    }
    let hold = turn.directory().automation.over(playbook.as_deref());
    if !hold.stops || (workflow.is_some() && playbook.is_none()) {
        return false;
    }
    turn.acting = playbook;
    let offer = offers::offer_of_timer(timer).and_then(|id| turn.state.offer(&id));
    let (action, title, proposal) = match (offer, approval) {
        (Some(offer), _) => (
            "expire_offer",
            format!("{} has not answered in time: let the offer run out", offer.scac),
            json!({"offer": offer.id, "scac": offer.scac, "rate": offer.rate, "respond_by": offer.respond_by}),
        ),
        (None, Some(approval)) => (
            "expire_approval",
            format!("Nobody decided in time, so do not: {}", approval.title),
            json!({"approval": approval.id, "asked": approval.action}),
        ),
        (None, None) => (
            "go_on",
            "The playbook's own time is over: go on with it".to_owned(),
            json!({"timer": timer}),
        ),
    };
    let (timer, due) = (timer.clone(), turn.now());
    hold_back(turn, HeldWhat::Timer { timer, due }, action, title, proposal, hold);
    turn.acting = None;
    true
}

fn hold_back(turn: &mut Turn<'_>, what: HeldWhat, action: &str, title: String, proposal: Value, hold: Hold) {
    let Some(load) = turn.state.load.as_ref().map(|it| it.id.clone()) else {
        return;
    };
    let playbook = turn.playbook();
    let set = turn.directory().automation.applying(playbook.as_deref());
    let mut evidence = vec![Evidence::new("action", action, "playbook")];
    evidence.extend(set.map(|it| {
        let scope = it.scope.playbook.as_deref().unwrap_or("all playbooks");
        let said = format!("{scope}: {} by {}: {}", it.mode.word(), it.by.name, it.reason);
        Evidence::new("mode", said, "settings")
    }));
    let mode = hold.mode();
    turn.decide(
        "automation.hold",
        mode.word(),
        evidence,
        "platform.automation_mode".to_owned(),
    );
    let resume = turn.order(Order::ResumeHeld { load });
    let held = Held {
        id: turn.mint.make(),
        what,
        mode,
        playbook,
        action: action.to_owned(),
        title,
        proposal,
        since: turn.now(),
        resume,
    };
    turn.link("held", held.id.as_str());
    turn.record(Event::ActionHeld { held });
}

fn is_delivery(held: &Held, effect: &EffectId) -> bool {
    matches!(&held.what, HeldWhat::Delivery { effect: of } if of == effect)
}

pub(crate) fn settle(turn: &mut Turn<'_>, held: &Held, outcome: HeldOutcome, by: Option<Actor>, reason: String) {
    let released = match (&held.what, outcome) {
        (HeldWhat::Delivery { effect }, HeldOutcome::Done | HeldOutcome::Resumed) => Some(effect.clone()),
        (HeldWhat::Delivery { .. } | HeldWhat::Offer { .. } | HeldWhat::Timer { .. }, _) => None,
    };
    turn.record(Event::HeldActionSettled {
        held: held.id.clone(),
        outcome,
        by,
        reason,
        released,
    });
    turn.out.settled.push(held.resume.clone());
}

/// A person deals with one held thing.
pub(crate) fn decide(turn: &mut Turn<'_>, work: &mut Work, id: &HeldId, decision: HeldDecision) {
    let Some(held) = turn.state.held.iter().find(|it| it.id == *id).cloned() else {
        let Some((outcome, by)) = turn.state.settled_held.get(id) else {
            return turn.reject(Rejection::HeldUnknown, format!("nothing is held as {id}"), Vec::new());
        };
        let who = by.as_ref().map_or("the automation", |it| it.name.as_str());
        let outcome = json!(outcome).as_str().unwrap_or_default().replace('_', " ");
        let detail = format!("{who} settled this: {outcome}");
        return turn.reject(Rejection::HeldAlreadySettled, detail, Vec::new());
    };
    if !turn.may("settle_held") {
        return;
    }
    let said = decision.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
    let done = match decision.choice {
        HeldChoice::Do => carry_out(turn, work, &held, &said),
        HeldChoice::Skip => skip(turn, &held, &said),
        HeldChoice::TakeOver => {
            take_over(turn, work, &said);
            true
        }
    };
    if done {
        let action = decision.choice.touch();
        turn.touch(action, id.as_str(), held.since, decision.in_hand_ms);
        turn.done(json!({"held": id, "choice": decision.choice}));
    }
}

/// Has it done as it was, by the person's order.
fn carry_out(turn: &mut Turn<'_>, work: &mut Work, held: &Held, said: &str) -> bool {
    if turn.directory().automation.over(held.playbook.as_deref()).observes {
        let rejection = Rejection::AutomationObserves;
        turn.reject(rejection, rejection.explain().to_owned(), Vec::new());
        return false;
    }
    let by = Some(turn.context.actor.clone());
    match &held.what {
        HeldWhat::Offer { offer, .. } => {
            let Some(offer) = turn.state.offer(offer).cloned() else {
                return false;
            };
            if !may_offer(turn, held, &offer) {
                return false;
            }
            settle(turn, held, HeldOutcome::Done, by.clone(), said.to_owned());
            let offer = fresh(turn, offer);
            offers::send(turn, offer, by);
        }
        HeldWhat::Delivery { effect } => {
            renew(turn, effect);
            settle(turn, held, HeldOutcome::Done, by, said.to_owned());
        }
        HeldWhat::Timer { timer, .. } => {
            settle(turn, held, HeldOutcome::Done, by, said.to_owned());
            fire(turn, work, timer);
        }
    }
    true
}

fn may_offer(turn: &mut Turn<'_>, held: &Held, offer: &Offer) -> bool {
    let actor = turn.context.actor.clone();
    let facts = offers::facts(turn, &offer.rate, &offer.scac);
    if turn.gate(&actor, "make_offer", facts).choice != Choice::Allow {
        let detail = format!("{} may not make this offer", actor.name);
        turn.reject(Rejection::NotAllowed, detail, Vec::new());
        return false;
    }
    let needs: Option<Role> = serde_json::from_value(held.proposal["needs_approval"].clone()).unwrap_or(None);
    let entitled = needs.is_none_or(|it| actor.has(it) || actor.has(Role::Manager) || actor.has(Role::Admin));
    if !entitled {
        let detail = format!("a {} decides this", needs.map_or("manager", Role::as_str));
        turn.reject(Rejection::ApprovalNotYours, detail, Vec::new());
    }
    entitled
}

/// The offer with a deadline from now on.
fn fresh(turn: &Turn<'_>, mut offer: Offer) -> Offer {
    if let Some(carrier) = turn.directory().partners.get(&offer.carrier) {
        (offer.respond_by, offer.respond_by_basis) = offers::respond_by(turn, carrier);
    }
    offer
}

/// An offer that leaves late has its time to answer from now on; time that was over before it left ends nothing.
fn renew(turn: &mut Turn<'_>, effect: &EffectId) {
    let Some(offer) = unsent_offer(turn, effect) else {
        return;
    };
    let timer = offers::offer_timer(&offer.id);
    let (offer, respond_by) = (offer.id.clone(), fresh(turn, offer).respond_by);
    turn.record(Event::OfferExtended { offer, respond_by });
    turn.set_timer(timer.clone(), respond_by);
    let is_of_it = |it: &&Held| matches!(&it.what, HeldWhat::Timer { timer: of, .. } if *of == timer);
    if let Some(over) = turn.state.held.iter().find(is_of_it).cloned() {
        let reason = "the offer has a new deadline".to_owned();
        settle(turn, &over, HeldOutcome::Moot, None, reason);
    }
}

/// The offer that a delivery was to make.
fn unsent_offer(turn: &Turn<'_>, effect: &EffectId) -> Option<Offer> {
    match &turn.state.effects.get(effect)?.order {
        Order::SendOffer { offer, .. } => turn.state.offer(offer).cloned(),
        _ => None, // Every other delivery makes none.
    }
}

fn fire(turn: &mut Turn<'_>, work: &mut Work, timer: &TimerId) {
    match process::workflow_timer(timer) {
        Some((instance, timer)) => work.timer(instance, timer),
        None => offers::wake(turn, timer),
    }
}

/// A person says no to it; the playbook goes on to what comes next, which is held in its turn.
fn skip(turn: &mut Turn<'_>, held: &Held, said: &str) -> bool {
    let by = turn.context.actor.clone();
    let reason = format!("skipped by {}: {said}", by.name);
    let skipped = |turn: &mut Turn<'_>| settle(turn, held, HeldOutcome::Skipped, Some(by.clone()), said.to_owned());
    match &held.what {
        HeldWhat::Offer { offer, .. } => {
            skipped(turn);
            let offer = offer.clone();
            turn.record(Event::OfferRefused { offer, reason });
        }
        HeldWhat::Delivery { effect } => {
            skipped(turn);
            let offer = unsent_offer(turn, effect);
            if let Some(Order::SendNotice { notice, .. }) = turn.state.effects.get(effect).map(|it| it.order.clone()) {
                notices::failed(turn, &notice, &reason);
            }
            refuse_delivery(turn, effect, reason.clone());
            if let Some(offer) = offer.filter(|it| it.state == OfferState::Open).map(|it| it.id) {
                turn.cancel_timer(offers::offer_timer(&offer));
                turn.record(Event::OfferRefused { offer, reason });
            }
        }
        HeldWhat::Timer { .. } => {
            let detail = "time that is over cannot be skipped: do it, or take the load over".to_owned();
            turn.reject(Rejection::NotAllowed, detail, Vec::new());
            return false;
        }
    }
    true
}

/// The person has the load from now on: the playbook that tendered it ends here.
fn take_over(turn: &mut Turn<'_>, work: &mut Work, said: &str) {
    let by = turn.context.actor.clone();
    let reason = format!("{} took the load over: {said}", by.name);
    end_tender(turn, work, &reason);
    let mut them = turn.state.held.clone();
    // An offer that never left is taken back, and does not run out.
    them.sort_by_key(|it| matches!(it.what, HeldWhat::Timer { .. }));
    for held in them {
        let unsent = match &held.what {
            HeldWhat::Delivery { effect } => unsent_offer(turn, effect).map(|it| (effect.clone(), it.id)),
            HeldWhat::Offer { .. } | HeldWhat::Timer { .. } => None,
        };
        if matches!(held.what, HeldWhat::Delivery { .. }) && unsent.is_none() {
            continue; // What others are to be told is not the playbook's alone.
        }
        settle(turn, &held, HeldOutcome::TakenOver, Some(by.clone()), said.to_owned());
        if let Some((effect, offer)) = unsent {
            refuse_delivery(turn, &effect, reason.clone());
            turn.cancel_timer(offers::offer_timer(&offer));
            let reason = reason.clone();
            turn.record(Event::OfferWithdrawn { offer, reason });
        }
        match held.what {
            HeldWhat::Offer { offer, .. } => {
                let reason = reason.clone();
                turn.record(Event::OfferWithdrawn { offer, reason });
            }
            // An offer whose time is over has no end of its own any more.
            HeldWhat::Timer { timer, .. } => fire(turn, work, &timer),
            HeldWhat::Delivery { .. } => {}
        }
    }
    let evidence = vec![Evidence::new("reason", said, &by.name)];
    let title = format!("{} has taken this load over", by.name);
    let next = "Cover the load by hand.";
    exceptions::raise(
        turn,
        ExceptionKind::TakenOver,
        ExceptionSeverity::Medium,
        &title,
        next,
        evidence,
    );
}

/// Ends the playbook that tenders this load. Others, which watch it, go on.
pub(crate) fn end_tender(turn: &Turn<'_>, work: &mut Work, reason: &str) {
    let Some(playbook) = turn.state.tender.as_ref().map(|it| it.playbook.clone()) else {
        return;
    };
    let of_tender = turn
        .state
        .instances
        .iter()
        .filter(|(_, it)| it.definition.name == playbook);
    let them: Vec<InstanceId> = of_tender.map(|(id, _)| id.clone()).collect();
    them.into_iter().for_each(|it| work.cancel(it, reason));
}

/// Automation may act again: what is still valid goes on with fresh deadlines, each thing once.
pub(crate) fn resume(turn: &mut Turn<'_>, work: &mut Work, effect: &EffectId) {
    sweep(turn);
    let mut held = turn.state.held.clone();
    // Deliveries have their deadlines renewed before the old ones are looked at.
    held.sort_by_key(|it| matches!(it.what, HeldWhat::Timer { .. }));
    for it in held {
        let is_settled = !turn.state.held.contains(&it); // By what was gone on with before it.
        if is_settled || !turn.directory().automation.over(it.playbook.as_deref()).is_free() {
            continue;
        }
        turn.acting.clone_from(&it.playbook);
        go_on(turn, work, &it);
        turn.acting = None;
    }
    let waits = turn.state.held.iter().any(|it| it.resume == *effect);
    if !waits && !turn.out.settled.contains(effect) {
        turn.out.settled.push(effect.clone());
    }
}

fn go_on(turn: &mut Turn<'_>, work: &mut Work, held: &Held) {
    if drop_moot(turn, held) {
        return;
    }
    let resumed = |turn: &mut Turn<'_>, how: &str| settle(turn, held, HeldOutcome::Resumed, None, how.to_owned());
    match &held.what {
        HeldWhat::Offer { offer, approved_by } => {
            let Some(offer) = turn.state.offer(offer).cloned() else {
                return;
            };
            resumed(turn, "the offer is judged anew, with a deadline from now on");
            let offer = fresh(turn, offer);
            match approved_by {
                Some(by) => offers::send(turn, offer, Some(by.clone())),
                None => {
                    let actor = Actor::playbook(held.playbook.as_deref().unwrap_or_default());
                    offers::put(turn, &actor, offer);
                }
            }
        }
        HeldWhat::Delivery { effect } => {
            renew(turn, effect);
            resumed(turn, "it leaves now");
        }
        HeldWhat::Timer { timer, .. } => {
            resumed(turn, "its time was over meanwhile");
            fire(turn, work, timer);
        }
    }
}

/// Settles the offers that are held, because a person has done otherwise.
pub(crate) fn settle_offers(turn: &mut Turn<'_>, outcome: HeldOutcome, by: &Actor, reason: &str) {
    for held in turn.state.held.clone() {
        if matches!(held.what, HeldWhat::Offer { .. }) {
            settle(turn, &held, outcome, Some(by.clone()), reason.to_owned());
        }
    }
}

/// Since when a person could have dealt with the load.
pub(crate) fn waiting_since(turn: &Turn<'_>) -> Timestamp {
    turn.state.created_at.unwrap_or(turn.now())
}
