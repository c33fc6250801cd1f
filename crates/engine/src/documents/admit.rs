//! A document at the door: taken, completed, known already, or refused by name and kept all the same.

use super::held::said;
use super::{Arrival, DOCUMENTS_PER_LOAD_MAX, Held, Standing};
use crate::trip;
use crate::turn::Turn;
use jiff::SignedDuration;
use serde_json::json;
use signalbox_model::attempt::Content;
use signalbox_model::document::{Contradiction, DOCUMENT_BYTES_MAX, Document, DocumentKind, Proof};
use signalbox_model::event::Event;
use signalbox_model::id::DocumentId;
use signalbox_model::issue::Issue;
use signalbox_model::load::StopKind;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{ActorKind, Role};
use signalbox_model::value::{ExternalId, Moment, TimeBasis};

/// Clocks of others may be ahead of ours by so much.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);
/// A time whose zone was assumed may be off by as much as zones are.
const ZONE_SLACK: SignedDuration = SignedDuration::from_hours(14);
/// Nobody counts more handling units on one load.
const PIECES_MAX: i64 = 1_000_000;

type Refusal = (Rejection, String, Vec<Issue>);

pub(crate) fn admit(turn: &mut Turn<'_>, arrival: Arrival) {
    if !turn.may("attach_document") {
        return;
    }
    let Arrival {
        attempt,
        from,
        message,
        elsewhere,
    } = arrival;
    let content = attempt.content.unwrap_or(Content {
        media: None,
        bytes: 0,
        sha256: String::new(),
        raw: Default::default(),
    });
    let document = Document {
        id: turn.mint.make(),
        kind: attempt.kind,
        media: content.media,
        bytes: content.bytes,
        sha256: content.sha256,
        from,
        message,
        carrier: attempt.carrier,
        reference: attempt.reference,
        proof: attempt.proof.filter(|it| !it.is_empty()),
        received_at: turn.now(),
    };
    if let Some(refusal) = refusal(turn, &document) {
        return refuse(turn, document, refusal);
    }
    if let Some(known) = known(turn, &document) {
        return again(turn, &known, document);
    }
    if let Some(refusal) = refusal_of_file(turn, &document) {
        return refuse(turn, document, refusal);
    }
    take(turn, document, elsewhere.is_some());
}

fn take(turn: &mut Turn<'_>, document: Document, is_elsewhere: bool) {
    let (id, is_proof) = (document.id.clone(), document.kind == DocumentKind::ProofOfDelivery);
    turn.link("document", id.as_str());
    turn.out.links.push(file_link(&document.sha256));
    turn.done(json!({"document": id, "media": document.media, "sha256": document.sha256}));
    turn.record(Event::DocumentReceived { document });
    if is_elsewhere {
        turn.record(Event::DocumentQuestioned {
            document: id,
            contradictions: vec![Contradiction::OtherLoad],
        });
    }
    // A proof of a trip that nobody told of: from here on somebody hears if it is never said to be over.
    if is_proof {
        trip::begin(turn);
    }
}

/// The outside name under which a file leads to the load that has it.
pub fn file_link(sha256: &str) -> ExternalId {
    ExternalId::new("signalbox", "document_sha256", sha256)
}

/// Why this sender, load or statement cannot be; the file itself is looked at afterwards.
fn refusal(turn: &Turn<'_>, document: &Document) -> Option<Refusal> {
    let named = |rejection: Rejection| Some((rejection, rejection.explain().to_owned(), Vec::new()));
    let state = &*turn.state;
    let hauls = state.covered.as_ref().map(|it| &it.carrier);
    if document.from.is_some() && document.from.as_ref() != hauls {
        return named(Rejection::LoadNotOfThisCarrier);
    }
    if document.kind == DocumentKind::ProofOfDelivery {
        if state.cancelled.is_some() {
            return named(Rejection::LoadCancelled);
        }
        if hauls.is_none() {
            return named(Rejection::LoadNotCovered);
        }
    }
    if document.bytes > DOCUMENT_BYTES_MAX {
        let detail = format!("{} bytes, and {DOCUMENT_BYTES_MAX} are taken", document.bytes);
        return Some((Rejection::DocumentTooLarge, detail, Vec::new()));
    }
    let issues = document.proof.as_ref().map(|it| issues(turn, it)).unwrap_or_default();
    let first = issues.first()?;
    Some((Rejection::DocumentInvalid, first.why.clone(), issues))
}

fn refusal_of_file(turn: &Turn<'_>, document: &Document) -> Option<Refusal> {
    let named = |rejection: Rejection| Some((rejection, rejection.explain().to_owned(), Vec::new()));
    if document.bytes == 0 {
        return named(Rejection::DocumentEmpty);
    }
    if document.media.is_none() {
        return named(Rejection::DocumentUnreadable);
    }
    if turn.state.documents.held.len() >= DOCUMENTS_PER_LOAD_MAX {
        let why = format!("the load has {DOCUMENTS_PER_LOAD_MAX} documents, and no more are taken");
        return Some((Rejection::DocumentInvalid, why, Vec::new()));
    }
    None
}

/// What is said of the handover and cannot be.
fn issues(turn: &Turn<'_>, proof: &Proof) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut wrong = |code: &str, at: &str, why: String, fix: &str| issues.push(Issue::fatal(code, at, why, fix));
    if let Some(pieces) = proof.pieces.filter(|it| !(0..=PIECES_MAX).contains(it)) {
        let why = format!("{pieces} pieces cannot have been handed over");
        wrong(
            "document.pieces",
            "/pieces",
            why,
            "Give the handling units that were received.",
        );
    }
    let latest = |it: &Moment| {
        let slack = if it.basis == TimeBasis::Stated {
            CLOCK_SLACK
        } else {
            ZONE_SLACK
        };
        turn.now().saturating_add(slack).unwrap_or(turn.now())
    };
    if let Some(signed) = proof.signed_at.as_ref().filter(|it| it.at > latest(it)) {
        let why = format!("it was signed at {}, which is still to come", signed.at);
        let fix = "Give the time of the signature, with its offset or zone.";
        wrong("document.signed_in_future", "/signed_at", why, fix);
    }
    let stops = turn
        .state
        .load
        .as_ref()
        .map(|it| it.stops.as_slice())
        .unwrap_or_default();
    let is_delivery = |stop: u32| {
        stops
            .iter()
            .any(|it| it.sequence == stop && it.kind == StopKind::Delivery)
    };
    if let Some(stop) = proof.stop.filter(|it| !is_delivery(*it)) {
        let why = format!("stop {stop} of this load is no delivery");
        let fix = "Name a delivery by its sequence, or leave the stop out.";
        wrong("document.stop", "/stop", why, fix);
    }
    issues
}

/// The document that this one is again: the same file, or, where no file came, the newest of its kind.
fn known(turn: &Turn<'_>, document: &Document) -> Option<Held> {
    let same = |it: &&Held| {
        let same_file = document.bytes > 0 && it.document.sha256 == document.sha256;
        let only_said = document.bytes == 0 && document.proof.is_some() && it.document.kind == document.kind;
        it.is_kept() && (same_file || only_said)
    };
    turn.state.documents.held.iter().rev().find(same).cloned()
}

/// The same file again changes nothing, but what is said of it may complete what was said before.
fn again(turn: &mut Turn<'_>, known: &Held, document: Document) {
    let id = known.document.id.clone();
    let before = said(known);
    let Some(proof) = document.proof.filter(|it| completes(turn, &before, it, known)) else {
        let detail = match &known.standing {
            Standing::SetAside { reason } => format!("it is {id}, which was set aside: {reason}"),
            _ => format!("it is {id}, received at {}", known.document.received_at),
        };
        let rejection = Rejection::DocumentAlreadyReceived;
        turn.record(Event::AttemptRejected {
            message: document.message,
            rejection,
            detail: detail.clone(),
        });
        return turn.reject(rejection, detail, Vec::new());
    };
    let by = turn.context.actor.clone();
    turn.done(json!({"document": id, "completed": true}));
    turn.record(Event::DocumentCompleted {
        document: DocumentId::clone(&id),
        proof,
        by,
    });
}

/// Whether there is anything new in it. Staff may say otherwise than what was said; others only what nobody has said.
fn completes(turn: &Turn<'_>, before: &Proof, said: &Proof, known: &Held) -> bool {
    let mut after = before.clone();
    after.complete(said);
    let actor = &turn.context.actor;
    let is_staff = actor.kind == ActorKind::Person
        && [Role::Dispatcher, Role::Manager, Role::Admin]
            .into_iter()
            .any(|it| actor.has(it));
    let stands = !matches!(known.standing, Standing::SetAside { .. });
    stands && after != *before && (is_staff || !before.differs(said))
}

fn refuse(turn: &mut Turn<'_>, document: Document, (rejection, detail, issues): Refusal) {
    turn.record(Event::DocumentRefused {
        document,
        rejection,
        detail: detail.clone(),
    });
    turn.reject(rejection, detail, issues);
}
