//! Invoice readiness: whether a delivered load has all that its invoice needs, and what it lacks. A fold, by nobody's leave.
//!
//! Invariant: what is missing is a function of the load's state alone, so the order in which proof, delivery and invoice
//! came makes no difference.

use crate::exceptions;
use crate::state::LoadState;
use crate::turn::Turn;
use signalbox_model::document::Requirement;
use signalbox_model::event::Event;
use signalbox_model::exception::ExceptionKind;
use signalbox_model::load::{Stop, StopKind};
use std::collections::BTreeSet;

/// What the load's invoice lacks, in the order in which a person would see to it.
pub fn missing(state: &LoadState) -> Vec<Requirement> {
    let mut missing = BTreeSet::new();
    let deliveries: Vec<&Stop> = deliveries(state).collect();
    if !is_delivered(state) {
        missing.insert(Requirement::Delivered);
    }
    if deliveries.is_empty() {
        missing.insert(Requirement::ProofOfDelivery);
    }
    for stop in deliveries {
        let Some(held) = state.documents.proof_of(stop.sequence) else {
            missing.insert(Requirement::ProofOfDelivery);
            continue;
        };
        let proof = held.document.proof.clone().unwrap_or_default();
        let said = [
            (Requirement::ProofSigner, proof.signer.is_some()),
            (Requirement::ProofPieces, proof.pieces.is_some()),
            (Requirement::ProofTime, proof.signed_at.is_some()),
        ];
        missing.extend(said.into_iter().filter(|it| !it.1).map(|it| it.0));
    }
    if state.covered.as_ref().is_none_or(|it| it.rate.minor <= 0) {
        missing.insert(Requirement::AgreedRate);
    }
    missing.extend(state.open_exceptions().filter_map(|it| holds_back(it.kind)));
    missing.into_iter().collect()
}

/// What an open exception holds the invoice back for.
fn holds_back(kind: ExceptionKind) -> Option<Requirement> {
    match kind {
        ExceptionKind::DocumentInQuestion => Some(Requirement::DocumentSettled),
        ExceptionKind::DeliveryDiscrepancy => Some(Requirement::DiscrepancySettled),
        ExceptionKind::InvoiceMismatch => Some(Requirement::InvoiceMatched),
        // Trouble of the tender, the way or the automation: no invoice waits for it.
        _ => None,
    }
}

/// Every delivery is done: the carrier said so, or its vehicle has left.
pub fn is_delivered(state: &LoadState) -> bool {
    let mut deliveries = deliveries(state).peekable();
    let visits = &state.trip.visits;
    let done = |it: &Stop| {
        let visit = visits.get(&it.sequence);
        visit.is_some_and(|it| it.delivered.is_some() || it.departed.is_some())
    };
    deliveries.peek().is_some() && deliveries.all(done)
}

fn deliveries(state: &LoadState) -> impl Iterator<Item = &Stop> {
    let stops = state.load.iter().flat_map(|it| &it.stops);
    stops.filter(|it| it.kind == StopKind::Delivery)
}

/// Records a change, from the delivery or the first proof of it on. A cancelled load has no invoice to be ready for.
pub(crate) fn settle(turn: &mut Turn<'_>) {
    let state = &*turn.state;
    let before = state.documents.readiness.as_ref();
    let begins = before.is_some() || is_delivered(state) || state.documents.has_proof();
    if state.covered.is_none() || state.cancelled.is_some() || !begins {
        return;
    }
    let missing = missing(state);
    let ready = missing.is_empty();
    if before.is_some_and(|it| it.missing == missing) {
        return;
    }
    let of_carrier = |it: &Requirement| *it < Requirement::AgreedRate;
    let has_come = !missing.iter().any(of_carrier);
    let opens = before.is_none_or(|it| it.ready);
    turn.record(Event::InvoiceReadinessChanged { ready, missing, opens });
    if has_come {
        exceptions::settle_all(turn, ExceptionKind::ProofMissing, "what was asked for has come");
    }
}
