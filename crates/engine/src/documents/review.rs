//! Judges the documents a load holds against what is known of it now, and what that makes of its invoice.

use super::held::said;
use super::{Held, Standing, discrepancy};
use crate::command::ResolutionChoice;
use crate::exceptions::{self, Kept};
use crate::readiness;
use crate::turn::Turn;
use jiff::SignedDuration;
use serde_json::json;
use signalbox_model::decision::Evidence;
use signalbox_model::document::{Contradiction, Document};
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{ExceptionId, Mint};
use signalbox_model::load::{Load, StopKind};
use signalbox_model::scope::Actor;
use signalbox_model::value::TimeBasis;

/// A signature may lie so long before the arrival that others tell of: wrist watches, and messages rounded to the hour.
const ARRIVAL_SLACK: SignedDuration = SignedDuration::from_mins(60);

/// After anything that a document's standing may rest on.
pub(crate) fn review(turn: &mut Turn<'_>) {
    let Some(load) = turn.state.load.clone() else { return };
    for held in turn.state.documents.held.clone() {
        question(turn, &load, &held);
    }
    if turn.state.documents.has_proof() {
        discrepancy::judge(turn, &load);
    }
    readiness::settle(turn);
}

/// The id of a problem with a document: the same for the same document, however often it comes up.
pub(super) fn exception_id(load: &Load, kind: &str, document: &Document) -> ExceptionId {
    Mint::new(format!("{}/{kind}/{}", load.id, document.id), document.received_at).make()
}

fn question(turn: &mut Turn<'_>, load: &Load, held: &Held) {
    let before: &[Contradiction] = match &held.standing {
        Standing::Taken => &[],
        Standing::InQuestion(contradictions) => contradictions,
        Standing::Accepted | Standing::SetAside { .. } | Standing::Refused { .. } => return,
    };
    let found = contradictions(turn, load, held, before);
    let (document, id) = (
        &held.document,
        exception_id(load, "document_in_question", &held.document),
    );
    if found.is_empty() {
        if !before.is_empty() {
            let (document, by) = (document.id.clone(), Actor::system());
            turn.record(Event::DocumentAccepted { document, by });
            exceptions::close(turn, &id, "nothing contradicts it any more");
        }
        return;
    }
    if found != before {
        turn.record(Event::DocumentQuestioned {
            document: document.id.clone(),
            contradictions: found.clone(),
        });
    }
    let kept = Kept {
        id,
        kind: ExceptionKind::DocumentInQuestion,
        severity: ExceptionSeverity::High,
        title: title(&found, document, load),
        next_action: "Look at the document: take it for one of this load, or set it aside and ask the carrier for the right one.",
        evidence: evidence(turn, load, held, &found),
    };
    exceptions::keep(turn, kept);
}

fn contradictions(turn: &Turn<'_>, load: &Load, held: &Held, before: &[Contradiction]) -> Vec<Contradiction> {
    let (state, document) = (&*turn.state, &held.document);
    let mut found = Vec::new();
    let external = state
        .order
        .iter()
        .flat_map(|it| &it.external_ids)
        .map(|it| it.value.as_str());
    let of_stops = load
        .stops
        .iter()
        .flat_map(|it| &it.references)
        .map(|it| it.value.as_str());
    let mut names = [load.reference.as_str(), load.id.as_str()]
        .into_iter()
        .chain(external)
        .chain(of_stops);
    let borne = document.reference.as_deref().map(str::trim).filter(|it| !it.is_empty());
    if borne.is_some_and(|it| !names.any(|name| name.trim().eq_ignore_ascii_case(it))) {
        found.push(Contradiction::OtherReference);
    }
    let hauls = state.covered.as_ref().map(|it| &it.carrier);
    let named = document.carrier.as_deref().filter(|it| !it.trim().is_empty());
    if named.is_some_and(|it| turn.directory().carrier(it).map(|it| &it.id) != hauls) {
        found.push(Contradiction::OtherCarrier);
    }
    if before.contains(&Contradiction::OtherLoad) {
        found.push(Contradiction::OtherLoad);
    }
    if held.is_proof() && signed_before_arrival(turn, load, held) {
        found.push(Contradiction::SignedBeforeArrival);
    }
    found
}

fn signed_before_arrival(turn: &Turn<'_>, load: &Load, held: &Held) -> bool {
    let proof = said(held);
    // A time whose zone was assumed may be hours off: it contradicts nothing.
    let Some(signed) = proof.signed_at.filter(|it| it.basis == TimeBasis::Stated) else {
        return false;
    };
    let of_stop = |it: &u32| proof.stop.is_none_or(|stop| stop == *it);
    let deliveries = load
        .stops
        .iter()
        .filter(|it| it.kind == StopKind::Delivery)
        .map(|it| it.sequence);
    let arrivals = deliveries.filter(of_stop).filter_map(|it| turn.state.trip.arrived(it));
    // Of several deliveries on one sheet the last one signs.
    let arrival = arrivals.map(|it| it.at).max();
    arrival
        .and_then(|it| it.checked_sub(ARRIVAL_SLACK).ok())
        .is_some_and(|it| signed.at < it)
}

fn title(found: &[Contradiction], document: &Document, load: &Load) -> String {
    let what = document.kind.as_str().replace('_', " ");
    let why = found.iter().map(|it| match it {
        Contradiction::OtherReference => "it bears another reference",
        Contradiction::OtherCarrier => "it names a carrier that does not haul the load",
        Contradiction::OtherLoad => "the same file is on another load",
        Contradiction::SignedBeforeArrival => "it was signed before the vehicle arrived",
    });
    let why = why.collect::<Vec<_>>().join(", and ");
    format!("The {what} may not be of load {}: {why}", load.reference)
}

fn evidence(turn: &Turn<'_>, load: &Load, held: &Held, found: &[Contradiction]) -> Vec<Evidence> {
    let document = &held.document;
    let source = format!("document {}", document.id);
    let mut out = vec![
        Evidence::new("document", document.id.as_str(), &source),
        Evidence::new("contradictions", json!(found), "engine"),
        Evidence::new("load reference", load.reference.clone(), "order"),
    ];
    let text = |it: &Option<String>| it.clone().unwrap_or_else(|| "none".to_owned());
    out.push(Evidence::new(
        "reference on the document",
        text(&document.reference),
        &source,
    ));
    out.push(Evidence::new(
        "carrier on the document",
        text(&document.carrier),
        &source,
    ));
    if let Some(covered) = &turn.state.covered {
        let carrier = turn.directory().partners.get(&covered.carrier);
        let carrier = carrier.and_then(|it| it.scac()).unwrap_or(covered.carrier.as_str());
        out.push(Evidence::new("carrier that hauls it", carrier, "tender"));
    }
    if let Some(signed) = said(held).signed_at {
        out.push(Evidence::new("signed at", signed.at.to_string(), &source));
    }
    for stop in load.stops.iter().filter(|it| it.kind == StopKind::Delivery) {
        if let Some(arrived) = turn.state.trip.arrived(stop.sequence) {
            let source = format!("{:?}", arrived.source).to_lowercase();
            out.push(Evidence::new(
                &format!("arrived at stop {}", stop.sequence),
                arrived.at.to_string(),
                &source,
            ));
        }
    }
    out
}

/// A person has looked at a document in question.
pub(crate) fn settle_by_person(turn: &mut Turn<'_>, exception: &ExceptionId, choice: ResolutionChoice, note: &str) {
    let Some(load) = turn.state.load.clone() else { return };
    let held = turn.state.documents.held.iter();
    let mut questioned = held.filter(|it| matches!(it.standing, Standing::InQuestion(_)));
    let found = questioned.find(|it| exception_id(&load, "document_in_question", &it.document) == *exception);
    let Some(document) = found.map(|it| it.document.id.clone()) else {
        return;
    };
    let by = turn.context.actor.clone();
    turn.record(match choice {
        ResolutionChoice::AcceptDocument => Event::DocumentAccepted { document, by },
        // What nobody takes counts for nothing: the carrier is asked for the right one.
        _ => Event::DocumentSetAside {
            document,
            by,
            reason: note.to_owned(),
        },
    });
}
