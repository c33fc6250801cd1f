//! A statement of free capacity is admitted or refused by name. One of no trucks takes back what was stated.

use super::book::Session;
use super::{PAST_MAX, SPAN_MAX, STATEMENTS_MAX, TRUCKS_MAX};
use crate::gate::{Ask, Choice};
use crate::step::Outcome;
use crate::trip;
use serde_json::json;
use signalbox_model::capacity::{CapacityAttempt, Statement};
use signalbox_model::decision::{Decision, Evidence};
use signalbox_model::directory::Partner;
use signalbox_model::event::Event;
use signalbox_model::id::MessageId;
use signalbox_model::issue::Issue;
use signalbox_model::load::EquipmentKind;
use signalbox_model::rejection::Rejection;
use signalbox_model::value::{Moment, TimeBasis};
use std::collections::BTreeMap;

pub(super) fn admit(session: &mut Session<'_>, attempt: &CapacityAttempt, message: Option<MessageId>) {
    let directory = session.context.directory;
    let Some(partner) = directory.carrier(&attempt.carrier) else {
        let detail = format!("{} is no carrier here", attempt.carrier);
        return refuse(session, message, Rejection::CarrierUnknown, detail, Vec::new());
    };
    if !may(session, partner) {
        let detail = format!("{} may not state capacity", session.context.actor.name);
        return refuse(session, message, Rejection::NotAllowed, detail, Vec::new());
    }
    let issues = unfit(session, attempt);
    if let Some(first) = issues.first() {
        let detail = first.why.clone();
        return refuse(session, message, Rejection::CapacityInvalid, detail, issues);
    }
    let Some((coordinates, place_source)) = trip::locate_place(&attempt.place, directory) else {
        let detail = format!("nobody knows where {} lies", attempt.place.label());
        return refuse(session, message, Rejection::CapacityPlaceUnknown, detail, Vec::new());
    };
    let label = attempt.place.label();
    let same = |it: &&Statement| {
        it.carrier == partner.id && it.equipment == attempt.equipment && it.label.eq_ignore_ascii_case(&label)
    };
    let known = session.book.statements.values().find(same).map(|it| it.id.clone());
    if attempt.trucks == 0 && known.is_none() {
        let why = format!(
            "{} has nothing stated at {label} that could be taken back",
            attempt.carrier
        );
        let fix = format!("Say 1 to {TRUCKS_MAX}; or 0, with kind and place as they were stated.");
        let issues = vec![Issue::fatal("capacity.invalid", "/trucks", why.clone(), &fix)];
        return refuse(session, message, Rejection::CapacityInvalid, why, issues);
    }
    let now = session.now();
    let statement = Statement {
        id: known.unwrap_or_else(|| session.mint.make()),
        carrier: partner.id.clone(),
        scac: partner.scac().unwrap_or_default().to_owned(),
        equipment: attempt.equipment,
        trucks: u32::try_from(attempt.trucks).unwrap_or(0),
        label,
        coordinates,
        place_source,
        from: attempt.from.clone().unwrap_or_else(|| Moment {
            at: now,
            zone: attempt.until.zone.clone(),
            basis: TimeBasis::Assumed,
        }),
        until: attempt.until.clone(),
        rate: attempt.rate.clone(),
        stated_by: session.context.actor.clone(),
        stated_at: now,
    };
    session.out.outcome = Outcome::Done(json!({"statement": statement.id, "carrier": statement.carrier}));
    session.record(Event::CapacityStated {
        statement: Box::new(statement),
    });
}

/// Who may say what a carrier has free is the gate's to answer.
fn may(session: &mut Session<'_>, partner: &Partner) -> bool {
    let context = session.context;
    let ask = Ask {
        tenant: &context.directory.tenant,
        actor: context.actor,
        action: "state_capacity",
        resource: ("Capacity", partner.id.as_str()),
        facts: BTreeMap::new(),
        now: context.now,
    };
    let verdict = context.directory.gate.decide(&ask);
    session.out.decisions.push(Decision {
        about: "gate.state_capacity".to_owned(),
        choice: verdict.choice.word().to_owned(),
        evidence: vec![
            Evidence::new("actor", context.actor.name.clone(), "actor"),
            Evidence::new("carrier", partner.id.0.clone(), "directory"),
        ],
        rule: verdict.policies.join(", "),
    });
    verdict.choice == Choice::Allow
}

/// What cannot be, each with its place.
fn unfit(session: &Session<'_>, attempt: &CapacityAttempt) -> Vec<Issue> {
    let now = session.now();
    let mut issues = Vec::new();
    let mut wrong = |at: &str, why: String, fix: &str| issues.push(Issue::fatal("capacity.invalid", at, why, fix));
    if !(0..=i64::from(TRUCKS_MAX)).contains(&attempt.trucks) {
        let why = format!("{} is no number of free trucks", attempt.trucks);
        wrong("/trucks", why, &format!("Say 0 to {TRUCKS_MAX}."));
    }
    if attempt.equipment == EquipmentKind::Other {
        let why = "nobody can tell which loads it could haul".to_owned();
        wrong("/equipment", why, "Say van, reefer, flatbed, container or tanker.");
    }
    let from = attempt.from.as_ref().map_or(now, |it| it.at);
    if now.duration_since(from) > PAST_MAX {
        let why = format!("it begins at {from}, more than {} hours ago", PAST_MAX.as_hours());
        wrong("/from", why, "State what is free from now on.");
    }
    if attempt.until.at <= from {
        let why = format!("it ends at {}, before it begins at {from}", attempt.until.at);
        wrong("/until", why, "Give an end after the beginning.");
    } else if attempt.until.at <= now {
        let why = format!("it ended at {}", attempt.until.at);
        wrong("/until", why, "Give an end that is still to come.");
    } else if attempt.until.at.duration_since(from) > SPAN_MAX {
        let why = format!("it lasts longer than {} days", SPAN_MAX.as_hours() / 24);
        wrong("/until", why, "State it for less, and anew when that is over.");
    }
    if attempt.rate.as_ref().is_some_and(|it| it.minor <= 0) {
        let why = "a rate is above nothing".to_owned();
        wrong("/rate_minor", why, "Give minor units, or leave it out.");
    }
    let standing = session.book.statements.values().filter(|it| it.until.at > now);
    if attempt.trucks > 0 && standing.count() >= STATEMENTS_MAX {
        let why = format!("{STATEMENTS_MAX} statements stand already");
        wrong("", why, "Wait until some have ended.");
    }
    issues
}

fn refuse(
    session: &mut Session<'_>,
    message: Option<MessageId>,
    rejection: Rejection,
    detail: String,
    issues: Vec<Issue>,
) {
    // A message's refusal is told in its source's stream; a command's is its answer, and stays here by name.
    if message.is_none() {
        session.record(Event::AttemptRejected {
            message: None,
            rejection,
            detail: detail.clone(),
        });
    }
    session.out.outcome = Outcome::Rejected {
        rejection,
        detail,
        issues,
    };
}
