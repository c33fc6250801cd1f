//! Milestones that a mail tells: proposed to a person, and on the trip once that person has let them count.
//!
//! Invariant: a mail moves no trip. Whose word it is, which stop and which time are checked against the records; what is
//! not sure is not proposed, and what a geofence or a status message has told already is not asked again
//! (docs/decisions/0018).

use super::admit::ADVISOR;
use crate::approvals;
use crate::command::ApprovalDecision;
use crate::gate::{Choice, Fact as GateFact};
use crate::trip;
use crate::turn::Turn;
use jiff::SignedDuration;
use serde_json::json;
use signalbox_model::decision::Evidence;
use signalbox_model::event::Event;
use signalbox_model::exception::{Approval, ApprovalOutcome};
use signalbox_model::id::{ApprovalId, MessageId};
use signalbox_model::load::{Load, Stop, StopKind};
use signalbox_model::mail::{Fact, FactWhat, Mail, SenderProof, Span, SpokenMilestone, TimeRole};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, ActorKind};
use signalbox_model::trip::{ToldMilestone, VisitPart, VisitSource};
use signalbox_model::value::Moment;
use std::collections::{BTreeMap, BTreeSet};

/// The action that the gate is asked for, and that approvals of milestones carry.
pub(crate) const ACTION: &str = "record_milestone";
/// A milestone lies this far behind the mail at most, and never before it.
const BEHIND_MAX: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Clocks of people and of mail servers differ by so much.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// What a mail of the carrier that hauls the load tells of its stops, with a time each.
pub(super) fn told(turn: &Turn<'_>, mail: &Mail, message: Option<&MessageId>) -> Vec<(ToldMilestone, String)> {
    let hauls = turn.state.covered.as_ref().map(|it| &it.carrier);
    let is_theirs = mail.sender.partner.is_some() && mail.sender.partner.as_ref() == hauls;
    let (Some(load), Some(message), true) = (&turn.state.load, message, is_theirs) else {
        return Vec::new();
    };
    if mail.sender.proof == SenderProof::Failed || turn.state.cancelled.is_some() {
        return Vec::new();
    }
    let spoken = &mail.reading.milestones;
    let mut told: Vec<(ToldMilestone, String)> = Vec::new();
    for (place, it) in spoken.iter().enumerate() {
        // Its time and place stand between its words and those of the next.
        let end = spoken.get(place + 1).map_or(u32::MAX, |it| it.span.start);
        let within = |fact: &&Fact| it.span.start <= fact.span.start && fact.span.start < end;
        let facts: Vec<&Fact> = mail.facts.iter().filter(within).collect();
        let all: Vec<&Fact> = mail.facts.iter().collect();
        let Some((time_at, at, local)) = time(&facts) else {
            continue;
        };
        let ago = mail.sent.duration_since(at.at);
        let stop = stop(load, it, &facts).or_else(|| stop(load, it, &all));
        let Some((stop, stop_at)) = stop.filter(|_| ago <= BEHIND_MAX && ago >= -AHEAD_MAX) else {
            continue;
        };
        let mut words: Vec<Span> = [Some(it.span), Some(time_at), stop_at].into_iter().flatten().collect();
        words.sort_unstable();
        let milestone = ToldMilestone {
            stop: stop.sequence,
            what: it.what,
            at,
            message: message.clone(),
            words,
        };
        let is_known = told.iter().any(|(it, _)| same(it, &milestone));
        if !is_known && !stands(turn, &milestone) {
            told.push((milestone, local));
        }
    }
    told
}

fn time(facts: &[&Fact]) -> Option<(Span, Moment, String)> {
    facts.iter().find_map(|fact| match &fact.what {
        FactWhat::Time {
            role: TimeRole::At,
            moment,
            local,
        } => Some((fact.span, moment.clone(), local.clone())),
        _ => None, // Of something else, or no time.
    })
}

/// The one stop that the facts name, else the only one of the kind that the words say. Nothing is guessed.
fn stop<'l>(load: &'l Load, spoken: &SpokenMilestone, facts: &[&Fact]) -> Option<(&'l Stop, Option<Span>)> {
    let named = |it: &&Fact| match &it.what {
        FactWhat::Place { stop, kind, .. } => {
            let fits = spoken.kind.is_none_or(|it| it == *kind);
            fits.then_some((*stop, it.span))
        }
        _ => None, // No place.
    };
    let places: BTreeMap<u32, Span> = facts.iter().filter_map(named).collect();
    if let Some((sequence, span)) = places.first_key_value().filter(|_| places.len() == 1) {
        let stop = load.stops.iter().find(|it| it.sequence == *sequence)?;
        return Some((stop, Some(*span)));
    }
    let kind = spoken.kind.filter(|_| places.is_empty())?;
    let mut of_kind = load.stops.iter().filter(|it| it.kind == kind);
    let only = of_kind.next()?;
    of_kind.next().is_none().then_some((only, None))
}

fn same(one: &ToldMilestone, other: &ToldMilestone) -> bool {
    (one.stop, one.what) == (other.stop, other.what)
}

/// Whether a better source has told it, or a mail the same time.
fn stands(turn: &Turn<'_>, milestone: &ToldMilestone) -> bool {
    let known = turn.state.trip.visited(milestone.stop, milestone.what);
    known.is_some_and(|it| it.source != VisitSource::Mail || it.at == milestone.at.at)
}

/// Asks a person about each. A newer word on the same milestone takes the place of one that waits.
pub(super) fn propose(turn: &mut Turn<'_>, told: Vec<(ToldMilestone, String)>, who: &str, is_proved: bool) {
    let advisor = Actor {
        kind: ActorKind::Advisor,
        name: ADVISOR.to_owned(),
        roles: Vec::new(),
    };
    for (milestone, local) in told {
        let waiting: Vec<ToldMilestone> = turn.state.open_approvals().filter_map(of).collect();
        if waiting
            .iter()
            .any(|it| same(it, &milestone) && it.at.at == milestone.at.at)
        {
            continue;
        }
        let verdict = turn.gate(&advisor, ACTION, facts(&milestone));
        let role = match verdict.choice {
            Choice::NeedsApproval { role } => role,
            // The platform's policy lets no mail count by itself; a tenant's may say that none is asked about.
            Choice::Allow | Choice::Forbid => continue,
        };
        let is_it = |it: &Approval| of(it).is_some_and(|it| same(&it, &milestone));
        approvals::withdraw(turn, is_it, "a newer mail tells another time");
        let place = turn.state.load.as_ref().and_then(|load| {
            let stop = load.stops.iter().find(|it| it.sequence == milestone.stop)?;
            Some((stop.location.label(), stop.kind))
        });
        let (place, kind) = place.unwrap_or((String::new(), StopKind::Delivery));
        let title = format!(
            "Record load {}: {} {place}, {local}",
            turn.reference(),
            verb(milestone.what, kind)
        );
        let source = |span: &Span| format!("{} to {}", span.start, span.end);
        let words: Vec<String> = milestone.words.iter().map(source).collect();
        let address = if is_proved { "proved" } else { "not proved" };
        let evidence = vec![
            Evidence::new("told by", who, "directory"),
            Evidence::new("address of the sender", address, "gateway"),
            Evidence::new("time", format!("{local} ({})", milestone.at.at), "mail"),
            Evidence::new("stands in the mail at characters", words.join(", "), "mail"),
            Evidence::new("known of it otherwise", otherwise(turn, &milestone), "trip"),
            Evidence::new("policy", verdict.policies.join(", "), "gate"),
        ];
        let proposal = json!({"milestone": milestone, "place": place, "local": local, "mail": milestone.message});
        approvals::request(turn, ACTION, title, role, evidence, proposal);
    }
}

fn verb(what: VisitPart, kind: StopKind) -> &'static str {
    match (what, kind) {
        (VisitPart::Arrived, _) => "arrived at",
        (VisitPart::Departed, StopKind::Pickup) => "picked up and left",
        (VisitPart::Departed, _) => "left",
        (VisitPart::Delivered, _) => "delivered at",
    }
}

/// What stands of the stop beside the mail's word, for whoever decides.
fn otherwise(turn: &Turn<'_>, milestone: &ToldMilestone) -> String {
    let trip = &turn.state.trip;
    let parts = [
        ("arrived", VisitPart::Arrived),
        ("departed", VisitPart::Departed),
        ("delivered", VisitPart::Delivered),
    ];
    let mut known: Vec<String> = parts
        .into_iter()
        .filter_map(|(name, what)| Some((name, trip.visited(milestone.stop, what)?)))
        .map(|(name, it)| format!("{name} {} by {}", it.at, json!(it.source).as_str().unwrap_or_default()))
        .collect();
    if let Some(estimate) = trip.estimates.get(&milestone.stop) {
        known.push(format!("expected {}", estimate.eta));
    }
    if known.is_empty() {
        "nothing".to_owned()
    } else {
        known.join(", ")
    }
}

fn facts(milestone: &ToldMilestone) -> BTreeMap<&'static str, GateFact> {
    let what = json!(milestone.what).as_str().unwrap_or_default().to_owned();
    BTreeMap::from([
        ("what", GateFact::Text(what)),
        ("stop", GateFact::Long(i64::from(milestone.stop))),
    ])
}

/// The milestone that an approval is for.
pub(crate) fn of(approval: &Approval) -> Option<ToldMilestone> {
    let told = approval
        .proposal
        .get("milestone")
        .filter(|_| approval.action == ACTION)?;
    serde_json::from_value(told.clone()).ok()
}

/// A person lets it count. `false`: it was refused by name, and nothing was decided.
pub(crate) fn approve(
    turn: &mut Turn<'_>,
    id: &ApprovalId,
    milestone: &ToldMilestone,
    decision: &ApprovalDecision,
) -> bool {
    if decision.rate_minor.is_some() || decision.wording.is_some() {
        return approvals::unfit_edit(turn, "/edit", "a milestone counts as the mail tells it, or not at all");
    }
    let actor = turn.context.actor.clone();
    if turn.gate(&actor, ACTION, facts(milestone)).choice != Choice::Allow {
        let detail = "a policy forbids this milestone even with approval".to_owned();
        turn.reject(Rejection::NotAllowed, detail, Vec::new());
        return false;
    }
    approvals::close(turn, id, ApprovalOutcome::Approved, decision.reason.clone());
    turn.record(Event::MilestoneRecorded {
        milestone: Box::new(milestone.clone()),
        by: actor,
    });
    trip::begin(turn);
    trip::settle(turn, None);
    true
}

/// Takes back what waits about milestones that a better source has told by now.
pub(crate) fn withdraw_outranked(turn: &mut Turn<'_>) {
    let told: BTreeSet<ApprovalId> = turn
        .state
        .open_approvals()
        .filter(|it| of(it).is_some_and(|it| stands(turn, &it)))
        .map(|it| it.id.clone())
        .collect();
    if !told.is_empty() {
        let reason = "positions or a status message tell it by now";
        approvals::withdraw(turn, |it| told.contains(&it.id), reason);
    }
}

/// Takes back all that waits.
pub(crate) fn withdraw_all(turn: &mut Turn<'_>, reason: &str) {
    approvals::withdraw(turn, |it| it.action == ACTION, reason);
}
