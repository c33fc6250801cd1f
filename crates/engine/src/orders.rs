//! Orders: an attempt becomes order, shipment, load and stops, or is refused by name.

use crate::turn::Turn;
use serde_json::json;
use signalbox_model::attempt::{OrderAttempt, OrderPurpose};
use signalbox_model::decision::Evidence;
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{LoadId, MessageId, PartnerId};
use signalbox_model::load::{Load, Order, Shipment};
use signalbox_model::rejection::Rejection;
use signalbox_model::value::ExternalId;

use crate::exceptions;

pub(crate) fn admit(turn: &mut Turn<'_>, attempt: OrderAttempt, message: Option<MessageId>, load: LoadId) {
    if !turn.may("create_order") {
        return;
    }
    let Some(customer) = turn.directory().customer(&attempt.customer) else {
        let detail = format!("{} is not a customer here", attempt.customer);
        return refuse(turn, message, Rejection::CustomerUnknown, detail);
    };
    let customer = customer.id.clone();
    match attempt.purpose {
        OrderPurpose::Original | OrderPurpose::Confirm if turn.state.load.is_none() => {
            create(turn, attempt, message, load, customer)
        }
        OrderPurpose::Original | OrderPurpose::Confirm => {
            let detail = format!("order {} is load {load} already", attempt.reference);
            refuse(turn, message, Rejection::OrderAlreadyReceived, detail);
        }
        OrderPurpose::Cancel | OrderPurpose::Change | OrderPurpose::Replace if turn.state.load.is_none() => {
            let detail = format!("no order {} of {customer}", attempt.reference);
            refuse(turn, message, Rejection::OrderUnknown, detail);
        }
        OrderPurpose::Cancel => cancel(turn, message),
        OrderPurpose::Change | OrderPurpose::Replace => change(turn, message),
    }
}

fn create(turn: &mut Turn<'_>, attempt: OrderAttempt, message: Option<MessageId>, load: LoadId, customer: PartnerId) {
    let order = Order {
        id: turn.mint.make(),
        customer: customer.clone(),
        reference: attempt.reference.clone(),
        external_ids: attempt.external_ids.clone(),
        notes: attempt.notes,
    };
    let shipment = Shipment {
        id: turn.mint.make(),
        order: order.id.clone(),
        goods: attempt.goods,
        weight: attempt.weight,
        pieces: attempt.pieces,
    };
    let load = Load {
        id: load,
        order: order.id.clone(),
        shipment: shipment.id.clone(),
        reference: attempt.reference.clone(),
        stops: attempt.stops,
        equipment: attempt.equipment,
        rate: attempt.rate,
        respond_by: attempt.respond_by,
        priority: attempt.priority,
    };
    turn.out.links.push(order_link(&customer, &attempt.reference));
    turn.link("order", order.id.as_str());
    turn.link("shipment", shipment.id.as_str());
    turn.link("load", load.id.as_str());
    turn.done(json!({"load": load.id, "order": order.id, "shipment": shipment.id, "reference": load.reference}));
    turn.record(Event::OrderReceived { order, message });
    turn.record(Event::ShipmentCreated { shipment });
    turn.record(Event::LoadCreated { load });
}

/// The outside name that makes a second order with the same reference a repeat.
pub fn order_link(customer: &PartnerId, reference: &str) -> ExternalId {
    ExternalId::new(customer.as_str(), "order_reference", reference.trim())
}

/// A cancel by message stands while no carrier has the load; afterwards a person settles it with the carrier.
fn cancel(turn: &mut Turn<'_>, message: Option<MessageId>) {
    if turn.state.cancelled.is_some() {
        return refuse(
            turn,
            message,
            Rejection::LoadCancelled,
            "the load was cancelled before".to_owned(),
        );
    }
    if turn.state.covered.is_some() {
        ask_person(
            turn,
            "The customer cancels a covered load",
            "Call the carrier, then cancel or keep the load.",
        );
        return refuse(
            turn,
            message,
            Rejection::OrderNotChangeable,
            "a carrier has this load".to_owned(),
        );
    }
    let reason = "cancelled by the customer";
    // First of all, so that no playbook takes the withdrawn offer for a carrier that passed.
    turn.record(Event::LoadCancelled {
        reason: reason.to_owned(),
    });
    crate::offers::withdraw_all(turn, reason);
    crate::notices::withdraw_all(turn, reason);
    crate::mail::withdraw_milestones(turn, reason);
    exceptions::settle_all(turn, ExceptionKind::ConditionalAnswer, reason);
    turn.done(json!({"cancelled": true}));
}

fn change(turn: &mut Turn<'_>, message: Option<MessageId>) {
    ask_person(
        turn,
        "The customer changes this load",
        "Compare the change with the load and apply it by hand.",
    );
    refuse(
        turn,
        message,
        Rejection::OrderNotChangeable,
        "a change is settled by a person".to_owned(),
    );
}

fn ask_person(turn: &mut Turn<'_>, title: &str, next_action: &str) {
    let evidence = vec![Evidence::new("status", turn.state.status(), "load")];
    exceptions::raise(
        turn,
        ExceptionKind::OrderChanged,
        ExceptionSeverity::High,
        title,
        next_action,
        evidence,
    );
}

fn refuse(turn: &mut Turn<'_>, message: Option<MessageId>, rejection: Rejection, detail: String) {
    turn.record(Event::AttemptRejected {
        message,
        rejection,
        detail: detail.clone(),
    });
    turn.reject(rejection, detail, Vec::new());
}
