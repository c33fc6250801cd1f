//! Shortage, overage and damage: what was received against what was tendered.

use super::Held;
use super::held::said;
use super::review::exception_id;
use crate::exceptions::{self, Kept};
use crate::turn::Turn;
use signalbox_model::decision::Evidence;
use signalbox_model::document::Condition;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::load::{Load, Shipment, Stop, StopKind};

/// One exception a document, while it is the one that counts and says so.
pub(super) fn judge(turn: &mut Turn<'_>, load: &Load) {
    let deliveries: Vec<&Stop> = load.stops.iter().filter(|it| it.kind == StopKind::Delivery).collect();
    let counted: Vec<Held> = deliveries
        .iter()
        .filter_map(|it| turn.state.documents.proof_of(it.sequence).cloned())
        .collect();
    for held in turn.state.documents.held.clone() {
        let id = exception_id(load, "delivery_discrepancy", &held.document);
        let found = counted
            .iter()
            .any(|it| it.document.id == held.document.id)
            .then(|| difference(turn, &deliveries, &held));
        match found.flatten() {
            Some((title, evidence)) => {
                let kept = Kept {
                    id,
                    kind: ExceptionKind::DeliveryDiscrepancy,
                    severity: ExceptionSeverity::High,
                    title,
                    next_action: "Ask carrier and consignee what happened, note any claim, then resolve this: the invoice waits for it.",
                    evidence,
                };
                exceptions::keep(turn, kept);
            }
            None => exceptions::close(turn, &id, "the proof of delivery that counts says otherwise"),
        }
    }
}

fn difference(turn: &Turn<'_>, deliveries: &[&Stop], held: &Held) -> Option<(String, Vec<Evidence>)> {
    let proof = said(held);
    let tendered = match proof
        .stop
        .and_then(|stop| deliveries.iter().find(|it| it.sequence == stop))
    {
        Some(stop) if deliveries.len() > 1 => stop.pieces,
        _ => turn.state.shipment.as_ref().and_then(tendered_of),
    };
    let is_damaged = proof.condition == Some(Condition::Exception);
    let counts = tendered
        .zip(proof.pieces)
        .filter(|(tendered, received)| tendered != received);
    let title = match counts {
        Some((tendered, received)) if received < tendered => {
            format!(
                "Short by {}: {received} pieces received of {tendered} tendered",
                tendered - received
            )
        }
        Some((tendered, received)) => {
            format!(
                "Over by {}: {received} pieces received of {tendered} tendered",
                received - tendered
            )
        }
        None if is_damaged => "The receiver signed with an exception".to_owned(),
        None => return None,
    };
    let source = format!("document {}", held.document.id);
    let number = |it: Option<i64>| it.map_or_else(|| "not said".into(), serde_json::Value::from);
    let mut evidence = vec![
        Evidence::new("document", held.document.id.as_str(), &source),
        Evidence::new("pieces tendered", number(tendered), "order"),
        Evidence::new("pieces received", number(proof.pieces), &source),
        Evidence::new("signed with an exception", is_damaged, &source),
    ];
    if let Some(signed) = proof.signed_at {
        evidence.push(Evidence::new("signed at", signed.at.to_string(), &source));
    }
    Some((title, evidence))
}

/// As the order says in all, or else the sum of its goods where each has a number.
fn tendered_of(shipment: &Shipment) -> Option<i64> {
    let summed = || {
        let pieces: Option<Vec<i64>> = shipment.goods.iter().map(|it| it.pieces).collect();
        pieces.filter(|it| !it.is_empty()).map(|it| it.iter().sum())
    };
    shipment.pieces.or_else(summed)
}
