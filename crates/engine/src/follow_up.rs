//! What follows a delivery: the carrier is asked for what its proof lacks, and systems are told when a load can be invoiced.
//!
//! Invariant: nobody is asked without end, and what could not be told is an exception, never silence.

use crate::exceptions;
use crate::gate::{Choice, Fact};
use crate::state::LoadState;
use crate::turn::Turn;
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_model::decision::Evidence;
use signalbox_model::directory::PartnerRole;
use signalbox_model::document::{DocumentKind, Requirement};
use signalbox_model::effect::Order;
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::PartnerId;
use signalbox_model::scope::Actor;
use std::collections::BTreeMap;

/// How often a carrier is asked about one load, whatever playbooks say.
pub const REQUESTS_PER_LOAD_MAX: u32 = 20;

/// What a playbook asks for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Wanted {
    pub kind: DocumentKind,
}

/// What is missing of the proof of delivery.
fn missing_of_proof(state: &LoadState) -> Vec<Requirement> {
    let of_proof = [
        Requirement::ProofOfDelivery,
        Requirement::ProofSigner,
        Requirement::ProofPieces,
        Requirement::ProofTime,
    ];
    let missing = state.documents.readiness.iter().flat_map(|it| &it.missing);
    missing.filter(|it| of_proof.contains(it)).copied().collect()
}

/// Whether there is still something to ask the carrier for.
pub(crate) fn is_needed(state: &LoadState, kind: DocumentKind) -> bool {
    let is_complete = kind == DocumentKind::ProofOfDelivery && missing_of_proof(state).is_empty();
    state.cancelled.is_none() && !is_complete
}

/// Asks the load's carrier for a document. Answers the playbook: `status` is `requested`, `not_needed` or `refused`.
pub(crate) fn request_document(turn: &mut Turn<'_>, actor: &Actor, wanted: &Wanted) -> Value {
    let missing = missing_of_proof(turn.state);
    let (Some(load), Some(covered)) = (turn.state.load.as_ref(), turn.state.covered.as_ref()) else {
        return json!({"status": "not_needed", "reason": "no carrier has the load"});
    };
    let (load, carrier) = (load.id.clone(), covered.carrier.clone());
    if !is_needed(turn.state, wanted.kind) {
        return json!({"status": "not_needed", "reason": "nothing is missing of it"});
    }
    let number = turn.state.documents.requests + 1;
    if number > REQUESTS_PER_LOAD_MAX {
        return json!({"status": "refused", "reason": format!("the carrier was asked {REQUESTS_PER_LOAD_MAX} times")});
    }
    let facts = BTreeMap::from([
        ("kind", Fact::Text(wanted.kind.as_str().to_owned())),
        ("number", Fact::Long(i64::from(number))),
    ]);
    let verdict = turn.gate(actor, "request_document", facts);
    if verdict.choice != Choice::Allow {
        return json!({"status": "refused", "reason": format!("held back by {}", verdict.policies.join(", "))});
    }
    let kind = wanted.kind;
    turn.record(Event::DocumentRequested {
        kind,
        carrier: carrier.clone(),
        number,
    });
    turn.order(Order::RequestDocument {
        load,
        carrier,
        kind,
        number,
        missing,
    });
    json!({"status": "requested", "number": number})
}

/// Tells every system that is set up for it. Answers the playbook how many are told.
pub(crate) fn tell_system(turn: &mut Turn<'_>, actor: &Actor) -> Value {
    let readiness = turn.state.documents.readiness.clone().unwrap_or_default();
    let Some(load) = turn.state.load.as_ref().map(|it| it.id.clone()) else {
        return json!({"told": 0});
    };
    let customer = turn.state.order.as_ref().map(|it| it.customer.clone());
    let has_system = |it: &PartnerId| {
        let partner = turn.directory().partners.get(it);
        matches!(
            partner.map(|it| &it.role),
            Some(PartnerRole::Customer { tms: Some(_), .. })
        )
    };
    let of_customer = customer.filter(has_system).map(Some);
    let own = turn.directory().settings.tms.as_ref().map(|_| None);
    let mut told = 0;
    for customer in of_customer.into_iter().chain(own) {
        let whose = customer.as_ref().map_or("tenant", |_| "customer");
        let facts = BTreeMap::from([
            ("whose", Fact::Text(whose.to_owned())),
            ("ready", Fact::Flag(readiness.ready)),
        ]);
        let verdict = turn.gate(actor, "tell_system", facts);
        if verdict.choice != Choice::Allow {
            undelivered_to(turn, whose, &format!("held back by {}", verdict.policies.join(", ")));
            continue;
        }
        told += 1;
        turn.order(Order::TellSystem {
            load: load.clone(),
            customer,
            ready: readiness.ready,
            missing: readiness.missing.clone(),
        });
    }
    json!({"told": told})
}

/// A message of these that could not be delivered.
pub(crate) fn undelivered(turn: &mut Turn<'_>, order: &Order, reason: &str) {
    let name = |turn: &Turn<'_>, id: &PartnerId| {
        let partner = turn.directory().partners.get(id);
        partner.map_or_else(|| id.0.clone(), |it| it.name.clone())
    };
    match order {
        Order::RequestDocument { carrier, .. } => {
            let who = name(turn, carrier);
            undelivered_to(turn, &who, reason);
        }
        Order::TellSystem { customer, .. } => {
            let who = customer
                .as_ref()
                .map_or_else(|| "Your own".to_owned(), |it| name(turn, it));
            undelivered_to(turn, &format!("{who} transport management system"), reason);
        }
        Order::NormalizeMessage { .. }
        | Order::ContinueWorkflow { .. }
        | Order::AskCapacity { .. }
        | Order::AnswerCapacity { .. }
        | Order::ReclaimCapacity { .. }
        | Order::SendOffer { .. }
        | Order::WithdrawOffer { .. }
        | Order::SendNotice { .. }
        | Order::ResumeHeld { .. }
        | Order::SendAcknowledgement { .. }
        | Order::AskAdvisor { .. } => {}
    }
}

fn undelivered_to(turn: &mut Turn<'_>, who: &str, reason: &str) {
    let evidence = vec![
        Evidence::new("reason", reason, "courier"),
        Evidence::new("receiver", who, "directory"),
    ];
    exceptions::raise(
        turn,
        ExceptionKind::DeliveryFailed,
        ExceptionSeverity::Medium,
        &format!("{who} could not be told: {reason}"),
        "Reach them another way, and correct the address under Partners or Settings.",
        evidence,
    );
}
