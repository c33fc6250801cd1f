//! Receipts: what came of an effect comes back in as an event. An offer that cannot be delivered does not stall the tender.

use crate::exceptions;
use crate::follow_up;
use crate::offers;
use crate::turn::Turn;
use signalbox_model::decision::Evidence;
use signalbox_model::effect::{Order, Receipt};
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::EffectId;
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
        Receipt::Delivered { receipt } => {
            if let Order::SendOffer { offer, .. } = known.order {
                turn.record(Event::OfferSent { offer, receipt });
            }
            return;
        }
        Receipt::Refused { reason } | Receipt::GaveUp { reason, .. } => reason,
    };
    let (Order::SendOffer { offer, carrier, .. } | Order::WithdrawOffer { offer, carrier, .. }) = &known.order else {
        return follow_up::undelivered(turn, &known.order, &reason);
    };
    let open = turn.state.offer(offer).is_some_and(|it| it.state == OfferState::Open);
    let sending = matches!(known.order, Order::SendOffer { .. });
    if sending && !open {
        return; // The offer ended before it could be delivered; nobody needs to do anything.
    }
    let who = turn
        .directory()
        .partners
        .get(carrier)
        .map_or_else(|| carrier.0.clone(), |it| it.name.clone());
    let evidence = vec![
        Evidence::new("reason", reason.clone(), "courier"),
        Evidence::new("carrier", who.clone(), "directory"),
    ];
    let title = format!("{} could not be told: {reason}", who);
    let next = "Reach the carrier another way and correct its channel under Partners.";
    exceptions::raise(
        turn,
        ExceptionKind::DeliveryFailed,
        ExceptionSeverity::Medium,
        &title,
        next,
        evidence,
    );
    if sending {
        turn.cancel_timer(offers::offer_timer(offer));
        turn.record(Event::OfferRefused {
            offer: offer.clone(),
            reason: format!("not delivered: {reason}"),
        });
    }
}
