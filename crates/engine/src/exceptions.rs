//! Exceptions: dispatch problems for a person. Raised once, resolved once.

use crate::answers;
use crate::command::{Resolution, ResolutionChoice};
use crate::documents;
use crate::notices;
use crate::offers;
use crate::template;
use crate::turn::Turn;
use serde_json::{Value, json};
use signalbox_model::decision::Evidence;
use signalbox_model::event::Event;
use signalbox_model::exception::{Exception, ExceptionKind, ExceptionSeverity};
use signalbox_model::id::ExceptionId;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, ActorKind};
use signalbox_model::tender::{Offer, OfferState};

/// Raises one exception a kind; while it is open a second of the kind joins it.
pub(crate) fn raise(
    turn: &mut Turn<'_>,
    kind: ExceptionKind,
    severity: ExceptionSeverity,
    title: &str,
    next_action: &str,
    evidence: Vec<Evidence>,
) -> ExceptionId {
    if let Some(open) = turn.state.open_exceptions().find(|it| it.kind == kind) {
        return open.id.clone();
    }
    let id: ExceptionId = turn.mint.make();
    let exception = Exception {
        id: id.clone(),
        kind,
        severity,
        title: title.to_owned(),
        next_action: next_action.to_owned(),
        evidence,
        raised_at: turn.now(),
    };
    turn.link("exception", id.as_str());
    turn.record(Event::ExceptionRaised { exception });
    id
}

/// What a playbook's template makes of the load, its offers and `data`, as evidence. A text that cannot be written never
/// holds an exception back: then the evidence says why.
pub(crate) fn summary(turn: &Turn<'_>, playbook: &str, with: &Value) -> Option<Evidence> {
    let name = with.get("template")?;
    let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let playbook = turn.directory().playbooks.get(playbook);
    let written = playbook
        .and_then(|it| it.templates.get(&name))
        .ok_or_else(|| template::Error::Missing(name.clone()))
        .and_then(|it| Ok((it.render(&facts(turn, with))?, it.source())));
    Some(match written {
        Ok((text, source)) => Evidence::new("summary", text, &source),
        Err(error) => Evidence::new("summary missing", error.to_string(), &format!("template {name}")),
    })
}

/// What a template of an exception may name: `load`, `offers` in the order they were made, and the workflow's own `data`.
fn facts(turn: &Turn<'_>, with: &Value) -> Value {
    let load = turn.state.load.as_ref();
    let offers = turn.state.offers.iter().map(|it| {
        json!({"scac": it.scac, "rank": it.rank, "rate": it.rate.to_string(), "state": it.state,
               "respond_by": it.respond_by})
    });
    json!({
        "load": {"reference": load.map(|it| &it.reference), "lane": load.map(|it| it.lane())},
        "offers": offers.collect::<Vec<_>>(),
        "data": with.get("data"),
    })
}

/// A problem that is known by its cause: raised once, kept up to date while it is open, and raised anew only where a person
/// has settled something else.
pub(crate) struct Kept {
    pub id: ExceptionId,
    pub kind: ExceptionKind,
    pub severity: ExceptionSeverity,
    pub title: String,
    pub next_action: &'static str,
    pub evidence: Vec<Evidence>,
}

pub(crate) fn keep(turn: &mut Turn<'_>, kept: Kept) {
    let Kept {
        id,
        kind,
        severity,
        title,
        next_action,
        evidence,
    } = kept;
    if let Some(known) = turn.state.exceptions.get(&id) {
        let is_same = known.exception.title == title && known.exception.evidence == evidence;
        match &known.resolved {
            None if is_same => return,
            None => {
                return turn.record(Event::ExceptionUpdated {
                    exception: id,
                    severity,
                    title,
                    evidence,
                });
            }
            Some((by, _)) if by.kind != ActorKind::System && known.exception.title == title => return,
            Some(_) => {}
        }
    }
    turn.link("exception", id.as_str());
    turn.record(Event::ExceptionRaised {
        exception: Exception {
            id,
            kind,
            severity,
            title,
            next_action: next_action.to_owned(),
            evidence,
            raised_at: turn.now(),
        },
    });
}

/// Closes a problem that has settled itself, where it is open.
pub(crate) fn close(turn: &mut Turn<'_>, id: &ExceptionId, how: &str) {
    let is_open = turn.state.exceptions.get(id).is_some_and(|it| it.resolved.is_none());
    if is_open {
        turn.record(Event::ExceptionResolved {
            exception: id.clone(),
            by: Actor::system(),
            resolution: how.to_owned(),
        });
    }
}

/// Puts one fact of an open exception in the place of what it said before, and says so.
pub(crate) fn put_evidence(turn: &mut Turn<'_>, id: &ExceptionId, fact: Evidence) {
    let known = turn.state.exceptions.get(id).filter(|it| it.resolved.is_none());
    let Some(exception) = known.map(|it| it.exception.clone()) else {
        return;
    };
    let mut evidence = exception.evidence;
    evidence.retain(|it| it.what != fact.what);
    evidence.push(fact);
    turn.record(Event::ExceptionUpdated {
        exception: id.clone(),
        severity: exception.severity,
        title: exception.title,
        evidence,
    });
}

pub(crate) fn resolve(turn: &mut Turn<'_>, id: &ExceptionId, resolution: Resolution, in_hand_ms: Option<i64>) {
    let Some(known) = turn.state.exceptions.get(id).cloned() else {
        return turn.reject(Rejection::ExceptionUnknown, format!("no exception {id}"), Vec::new());
    };
    if let Some((by, how)) = &known.resolved {
        let detail = format!("{} resolved this: {how}", by.name);
        return turn.reject(Rejection::ExceptionAlreadyResolved, detail, Vec::new());
    }
    if !turn.may("resolve_exception") {
        return;
    }
    if known.exception.kind == ExceptionKind::ConditionalAnswer && !settle_terms(turn, resolution.choice) {
        return;
    }
    if known.exception.kind == ExceptionKind::DocumentInQuestion {
        documents::settle_by_person(turn, id, resolution.choice, &resolution.note);
    }
    let by = turn.context.actor.clone();
    turn.record(Event::ExceptionResolved {
        exception: id.clone(),
        by,
        resolution: resolution.note,
    });
    let by_mail = [
        ExceptionKind::DetentionRisk,
        ExceptionKind::TroubleReported,
        ExceptionKind::AnswerNeeded,
    ];
    if by_mail.contains(&known.exception.kind) {
        notices::withdraw_about(turn, id.as_str(), "the exception was resolved");
    }
    turn.touch("exception.resolve", id.as_str(), known.exception.raised_at, in_hand_ms);
    turn.done(json!({"exception": id}));
}

/// A person takes or refuses the terms of a conditional answer.
fn settle_terms(turn: &mut Turn<'_>, choice: ResolutionChoice) -> bool {
    let conditional = |it: &&Offer| it.state == OfferState::Conditional;
    let Some(offer) = turn.state.offers.iter().find(conditional).cloned() else {
        return true;
    };
    if turn.now() > offer.respond_by {
        offers::expire(turn, &offer.id);
        turn.reject(
            Rejection::OfferExpired,
            Rejection::OfferExpired.explain().to_owned(),
            Vec::new(),
        );
        return false;
    }
    match choice {
        ResolutionChoice::AcceptTerms if turn.state.covered.is_some() => {
            turn.reject(
                Rejection::LoadAlreadyCovered,
                Rejection::LoadAlreadyCovered.explain().to_owned(),
                Vec::new(),
            );
            return false;
        }
        ResolutionChoice::AcceptTerms => answers::accept(turn, &offer),
        ResolutionChoice::RefuseTerms
        | ResolutionChoice::Done
        | ResolutionChoice::AcceptDocument
        | ResolutionChoice::RefuseDocument => {
            offers::withdraw(turn, &offer.id, "the carrier's terms were refused");
        }
    }
    true
}

/// Closes what has settled itself.
pub(crate) fn settle_all(turn: &mut Turn<'_>, kind: ExceptionKind, how: &str) {
    let open: Vec<ExceptionId> = turn
        .state
        .open_exceptions()
        .filter(|it| it.kind == kind)
        .map(|it| it.id.clone())
        .collect();
    for exception in open {
        turn.record(Event::ExceptionResolved {
            exception,
            by: Actor::system(),
            resolution: how.to_owned(),
        });
    }
}
