//! Receipts: what came of an effect comes back in as an event. An offer that cannot be delivered does not stall the tender.

use crate::exceptions;
use crate::follow_up;
use crate::notices;
use crate::offers;
use crate::turn::Turn;
use signalbox_model::decision::Evidence;
use signalbox_model::effect::{Order, Receipt};
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{EffectId, PartnerId};
use signalbox_model::tender::OfferState;

pub(crate) fn settle(turn: &mut Turn<'_>, effect: EffectId, receipt: Receipt) {
    let Some(known) = turn.state.effects.get(&effect).cloned() else {
        return;
    };
    if known.receipt.is_some() {
        return;
    }
    turn.out.settled.push(effect.clone());
    let name = known.order.name().to_owned();
    turn.record(Event::EffectSettled {
        effect,
        name,
        receipt: receipt.clone(),
    });
    let reason = match receipt {
        Receipt::Delivered { receipt, perhaps_twice } => {
            match known.order {
                Order::SendOffer { offer, .. } => turn.record(Event::OfferSent { offer, receipt }),
                Order::SendNotice { notice, .. } => notices::sent(turn, &notice, receipt, perhaps_twice),
                // Their settling says all there is to say.
                Order::WithdrawOffer { .. }
                | Order::RequestDocument { .. }
                | Order::TellSystem { .. }
                | Order::SendAcknowledgement { .. }
                | Order::AskAdvisor { .. }
                | Order::NormalizeMessage { .. }
                | Order::ContinueWorkflow { .. }
                | Order::AskCapacity { .. }
                | Order::AnswerCapacity { .. }
                | Order::ReclaimCapacity { .. }
                | Order::ResumeHeld { .. } => {}
            }
            return;
        }
        Receipt::Refused { reason } | Receipt::GaveUp { reason, .. } => reason,
    };
    if let Order::SendNotice { notice, to, .. } = &known.order {
        notices::failed(turn, notice, &reason);
        let next = "Tell them another way, and correct the address under Partners or the mail server.";
        return undelivered(turn, to, "partner", &reason, next);
    }
    let (Order::SendOffer { offer, carrier, .. } | Order::WithdrawOffer { offer, carrier, .. }) = &known.order else {
        return follow_up::undelivered(turn, &known.order, &reason);
    };
    let open = turn.state.offer(offer).is_some_and(|it| it.state == OfferState::Open);
    let sending = matches!(known.order, Order::SendOffer { .. });
    if sending && !open {
        return; // The offer ended before it could be delivered; nobody needs to do anything.
    }
    let next = "Reach the carrier another way and correct its channel under Partners.";
    undelivered(turn, carrier, "carrier", &reason, next);
    if sending {
        turn.cancel_timer(offers::offer_timer(offer));
        turn.record(Event::OfferRefused {
            offer: offer.clone(),
            reason: format!("not delivered: {reason}"),
        });
    }
}

/// A partner does not know what we wanted it to know: a person has to tell it.
fn undelivered(turn: &mut Turn<'_>, to: &PartnerId, what: &str, reason: &str, next: &str) {
    let known = turn.directory().partners.get(to);
    let who = known.map_or_else(|| to.0.clone(), |it| it.name.clone());
    let evidence = vec![
        Evidence::new("reason", reason, "courier"),
        Evidence::new(what, who.clone(), "directory"),
    ];
    exceptions::raise(
        turn,
        ExceptionKind::DeliveryFailed,
        ExceptionSeverity::Medium,
        &format!("{who} could not be told: {reason}"),
        next,
        evidence,
    );
}
