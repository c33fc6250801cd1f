//! What of the held things has nothing left to do, and is dropped by name.
//!
//! Invariant: a delivery that is dropped is settled as refused, and what it was to tell is recorded as not told.

use crate::approvals;
use crate::follow_up;
use crate::held::settle;
use crate::notices;
use crate::offers;
use crate::process;
use crate::turn::Turn;
use serde_json::json;
use signalbox_model::automation::{Held, HeldOutcome, HeldWhat};
use signalbox_model::effect::{Order, Receipt};
use signalbox_model::event::Event;
use signalbox_model::id::{EffectId, ExceptionId, NoticeId, TimerId};
use signalbox_model::notice::NoticeState;
use signalbox_model::tender::{Offer, OfferState};

/// Drops, by name, what has nothing left to do. Called at the end of every turn.
pub(crate) fn sweep(turn: &mut Turn<'_>) {
    if turn.state.held.is_empty() {
        return;
    }
    for held in turn.state.held.clone() {
        drop_moot(turn, &held);
    }
}

/// Drops it if there is nothing left to do about it. Answers whether there was not.
pub(crate) fn drop_moot(turn: &mut Turn<'_>, held: &Held) -> bool {
    let Some(reason) = moot(turn, held) else { return false };
    settle(turn, held, HeldOutcome::Moot, None, reason.clone());
    if let HeldWhat::Delivery { effect } = &held.what {
        let order = turn.state.effects.get(effect).map(|it| it.order.clone());
        refuse_delivery(turn, effect, reason.clone());
        if let Some(Order::SendNotice { notice, .. }) = order
            && is_on_its_way(turn, &notice)
        {
            notices::withdraw(turn, &notice, &reason);
        }
    }
    true
}

/// Why there is nothing left to do about it.
fn moot(turn: &Turn<'_>, held: &Held) -> Option<String> {
    let state = &turn.state;
    match &held.what {
        HeldWhat::Offer { offer, .. } => {
            let offer = state.offer(offer);
            let waits = offer.is_some_and(|it| it.state == OfferState::Held);
            (!waits).then(|| format!("the offer is {}", standing(offer)))
        }
        HeldWhat::Delivery { effect } => {
            let known = state.effects.get(effect)?;
            if known.receipt.is_some() {
                return Some("it was delivered".to_owned());
            }
            moot_delivery(turn, &known.order)
        }
        HeldWhat::Timer { timer, .. } => moot_timer(turn, timer),
    }
}

fn standing(offer: Option<&Offer>) -> String {
    let word = offer.map(|it| json!(it.state).as_str().unwrap_or_default().replace('_', " "));
    word.unwrap_or_else(|| "gone".to_owned())
}

fn moot_delivery(turn: &Turn<'_>, order: &Order) -> Option<String> {
    let state = &turn.state;
    match order {
        Order::SendOffer { offer, .. } => {
            let offer = state.offer(offer);
            let stands = offer.is_some_and(|it| it.state == OfferState::Open);
            (!stands).then(|| format!("the offer is {}", standing(offer)))
        }
        Order::WithdrawOffer { offer, .. } => {
            let unsent = state.offer_never_left(offer);
            unsent.then(|| "the carrier was never told of the offer".to_owned())
        }
        Order::SendNotice { notice, .. } => {
            if state.cancelled.is_some() {
                return Some("the load is cancelled".to_owned());
            }
            if !is_on_its_way(turn, notice) {
                return Some("the notice no longer stands".to_owned());
            }
            let about = state.notice(notice).map(|it| ExceptionId(it.about.clone()))?;
            let exception = state.exceptions.get(&about)?;
            let is_over = exception.resolved.is_some();
            is_over.then(|| "what it tells of is over".to_owned())
        }
        Order::RequestDocument { kind, .. } => {
            let needed = follow_up::is_needed(state, *kind);
            (!needed).then(|| "nothing is missing of it".to_owned())
        }
        // A system is told how things stood, and a mail is still to be understood; the rest is never held.
        Order::TellSystem { .. }
        | Order::AskAdvisor { .. }
        | Order::SendAcknowledgement { .. }
        | Order::NormalizeMessage { .. }
        | Order::ContinueWorkflow { .. }
        | Order::AskCapacity { .. }
        | Order::AnswerCapacity { .. }
        | Order::ReclaimCapacity { .. }
        | Order::ResumeHeld { .. } => None,
    }
}

fn is_on_its_way(turn: &Turn<'_>, notice: &NoticeId) -> bool {
    let notice = turn.state.notice(notice);
    notice.is_some_and(|it| it.state == NoticeState::Released)
}

fn moot_timer(turn: &Turn<'_>, timer: &TimerId) -> Option<String> {
    let state = &turn.state;
    if let Some((instance, _)) = process::workflow_timer(timer) {
        let runs = state.instances.contains_key(&instance);
        return (!runs).then(|| "the playbook has ended".to_owned());
    }
    if let Some(approval) = approvals::timer_of(timer) {
        let open = state.open_approvals().any(|it| it.id == approval);
        return (!open).then(|| "the approval is decided".to_owned());
    }
    let offer = offers::offer_of_timer(timer).and_then(|it| state.offer(&it));
    let stands = offer.is_some_and(|it| matches!(it.state, OfferState::Open | OfferState::Conditional));
    (!stands).then(|| format!("the offer is {}", standing(offer)))
}

/// Ends a delivery that has not left.
pub(crate) fn refuse_delivery(turn: &mut Turn<'_>, effect: &EffectId, reason: String) {
    let Some(known) = turn.state.effects.get(effect).filter(|it| it.receipt.is_none()) else {
        return;
    };
    let name = known.order.name().to_owned();
    turn.out.settled.push(effect.clone());
    turn.record(Event::EffectSettled {
        effect: effect.clone(),
        name,
        receipt: Receipt::Refused { reason },
    });
}
