//! Approvals: a person's decision that an action waits for. The first decision counts; the second person is told who made it.
//!
//! Invariant: an approval is for the action that it names, and only what its proposal says, or what a person made of it,
//! is done. Each has a deadline.

use crate::capacity;
use crate::command::ApprovalDecision;
use crate::gate::Choice;
use crate::mail;
use crate::notices;
use crate::offers;
use crate::turn::Turn;
use jiff::SignedDuration;
use serde_json::{Value, json};
use signalbox_model::decision::Evidence;
use signalbox_model::event::Event;
use signalbox_model::exception::{Approval, ApprovalOutcome};
use signalbox_model::id::{ApprovalId, CapacityHoldId, NoticeId, OfferId, TimerId};
use signalbox_model::issue::Issue;
use signalbox_model::notice::{NoticeState, Wording};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Role;
use signalbox_model::tender::{OfferState, RespondByBasis};
use signalbox_model::trip::ToldMilestone;

/// The most a person may raise a proposed rate to: ten times, which is a slip of the finger.
const EDIT_FACTOR_MAX: i64 = 10;
const TIMER: &str = "tmr_approval/";
const UNDECIDED: &str = "nobody decided in time";

/// Asks a person of `role`. The question ends with the tenant's time for approvals.
pub(crate) fn request(
    turn: &mut Turn<'_>,
    action: &str,
    title: String,
    role: Role,
    evidence: Vec<Evidence>,
    proposal: Value,
) -> ApprovalId {
    let within = SignedDuration::from_mins(i64::from(turn.directory().settings.approval_within_min));
    let deadline = turn.now().saturating_add(within).unwrap_or(jiff::Timestamp::MAX);
    let id: ApprovalId = turn.mint.make();
    let approval = Approval {
        id: id.clone(),
        action: action.to_owned(),
        title,
        role,
        deadline,
        evidence,
        proposal,
        requested_at: turn.now(),
        playbook: turn.playbook(),
    };
    turn.link("approval", id.as_str());
    turn.record(Event::ApprovalRequested { approval });
    turn.set_timer(timer(&id), deadline);
    id
}

/// Takes open questions back: what they ask is over.
pub(crate) fn withdraw(turn: &mut Turn<'_>, which: impl Fn(&Approval) -> bool, reason: &str) {
    close_open(turn, which, ApprovalOutcome::Withdrawn, reason);
}

pub(crate) fn close_open(
    turn: &mut Turn<'_>,
    which: impl Fn(&Approval) -> bool,
    outcome: ApprovalOutcome,
    reason: &str,
) {
    let open = turn.state.open_approvals().filter(|it| which(it));
    let open: Vec<ApprovalId> = open.map(|it| it.id.clone()).collect();
    for approval in open {
        turn.cancel_timer(timer(&approval));
        turn.record(Event::ApprovalDecided {
            approval,
            outcome,
            by: None,
            reason: Some(reason.to_owned()),
        });
    }
}

pub(crate) fn decide(turn: &mut Turn<'_>, id: &ApprovalId, decision: ApprovalDecision) {
    let Some(known) = turn.state.approvals.get(id).cloned() else {
        return turn.reject(Rejection::ApprovalUnknown, format!("no approval {id}"), Vec::new());
    };
    if let Some(decided) = &known.decided {
        let who = match (&decided.by, decided.outcome) {
            (Some(by), _) => by.name.as_str(),
            (None, ApprovalOutcome::Withdrawn) => "the automation",
            (None, _) => "the deadline",
        };
        let outcome = format!("{:?}", decided.outcome).to_lowercase();
        let why = decided.reason.as_ref().filter(|_| decided.by.is_none());
        let why = why.map_or_else(String::new, |it| format!(" ({it})"));
        let detail = format!("{who} decided this at {}: {outcome}{why}", decided.at);
        let rejection = Rejection::ApprovalAlreadyDecided;
        turn.record(Event::AttemptRejected {
            message: None,
            rejection,
            detail: detail.clone(),
        });
        return turn.reject(rejection, detail, Vec::new());
    }
    // While its automation is stopped, time that is over waits in the manual queue, and a person may still decide.
    let is_held = turn.state.holds_timer(&timer(id));
    if turn.now() > known.approval.deadline && !is_held {
        expire(turn, id);
        let detail = format!("the deadline passed at {}", known.approval.deadline);
        return turn.reject(Rejection::ApprovalAlreadyDecided, detail, Vec::new());
    }
    if !turn.may("decide_approval") {
        return;
    }
    let approval = known.approval;
    let actor = turn.context.actor.clone();
    let entitled = actor.has(approval.role) || actor.has(Role::Manager) || actor.has(Role::Admin);
    if !entitled {
        let detail = format!("a {} decides this", approval.role.as_str());
        return turn.reject(Rejection::ApprovalNotYours, detail, Vec::new());
    }
    let Some(subject) = Subject::of(&approval) else {
        let detail = format!("the approval names nothing that {} could be for", approval.action);
        return turn.reject(Rejection::ApprovalUnknown, detail, Vec::new());
    };
    let why = decision.reason.as_deref().unwrap_or_default().trim();
    if !decision.approve && why.is_empty() && matches!(subject, Subject::Milestone(_)) {
        let why = "why a told milestone is not taken has to be said".to_owned();
        let fix = "Say in a few words what is wrong with it.";
        let issue = Issue::fatal("approval.reason", "/reason", why.clone(), fix);
        return turn.reject(Rejection::ApprovalEditInvalid, why, vec![issue]);
    }
    if !decision.approve {
        let reason = decision.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
        close(turn, id, ApprovalOutcome::Rejected, Some(reason.clone()));
        subject.refuse(turn, &reason);
    } else if !subject.approve(turn, id, &decision) {
        return;
    }
    turn.touch(
        "approval.decide",
        id.as_str(),
        approval.requested_at,
        decision.in_hand_ms,
    );
    turn.done(json!({"approval": id, "approved": decision.approve}));
}

/// What an approval lets go.
enum Subject {
    Offer(OfferId),
    Notice(NoticeId),
    Displacement(CapacityHoldId),
    Milestone(Box<ToldMilestone>),
}

impl Subject {
    fn of(approval: &Approval) -> Option<Self> {
        match approval.action.as_str() {
            "make_offer" => offer_of(approval).map(Self::Offer),
            notices::ACTION => notice_of(approval).map(Self::Notice),
            capacity::ACTION => {
                let hold = approval.proposal.get("hold")?.as_str()?;
                Some(Self::Displacement(CapacityHoldId::from(hold)))
            }
            mail::MILESTONE => mail::milestone_of(approval).map(|it| Self::Milestone(Box::new(it))),
            _ => None, // An action of another version.
        }
    }

    /// Does what was proposed, as a person may have changed it. `false`: refused by name, nothing was decided.
    fn approve(&self, turn: &mut Turn<'_>, id: &ApprovalId, decision: &ApprovalDecision) -> bool {
        match self {
            Self::Offer(offer) => approve_offer(turn, id, offer, decision),
            Self::Notice(notice) => approve_notice(turn, id, notice, decision),
            Self::Displacement(hold) => capacity::approve(turn, id, hold, decision),
            Self::Milestone(milestone) => mail::approve_milestone(turn, id, milestone, decision),
        }
    }

    fn refuse(&self, turn: &mut Turn<'_>, reason: &str) {
        match self {
            Self::Offer(offer) => {
                let waits = turn.state.offer(offer).map(|it| it.state);
                if waits == Some(OfferState::AwaitingApproval) {
                    turn.record(Event::OfferRefused {
                        offer: offer.clone(),
                        reason: reason.to_owned(),
                    });
                }
            }
            Self::Notice(notice) => {
                let waits = turn.state.notice(notice).map(|it| it.state);
                if waits == Some(NoticeState::AwaitingApproval) {
                    notices::refuse(turn, notice, reason);
                }
            }
            Self::Displacement(_) => capacity::refuse(turn, reason),
            Self::Milestone(_) => {} // That it was decided is all that happens.
        }
    }
}

fn approve_offer(turn: &mut Turn<'_>, id: &ApprovalId, offer: &OfferId, decision: &ApprovalDecision) -> bool {
    let Some(mut proposed) = turn.state.offer(offer).cloned() else {
        turn.reject(Rejection::OfferUnknown, format!("no offer {offer}"), Vec::new());
        return false;
    };
    if decision.wording.is_some() {
        return unfit_edit(turn, "/edit", "an offer has a rate to change, and no words");
    }
    if let Some(minor) = decision.rate_minor {
        if minor <= 0 || minor > proposed.rate.minor.saturating_mul(EDIT_FACTOR_MAX) {
            let why = format!(
                "a rate between 0.01 and {EDIT_FACTOR_MAX} times the proposed {} is needed",
                proposed.rate
            );
            return unfit_edit(turn, "/edit/rate_minor", &why);
        }
        proposed.rate.minor = minor;
    }
    let actor = turn.context.actor.clone();
    let facts = offers::facts(turn, &proposed.rate, &proposed.scac);
    if turn.gate(&actor, "make_offer", facts).choice != Choice::Allow {
        turn.reject(
            Rejection::NotAllowed,
            "a policy forbids this offer even with approval".to_owned(),
            Vec::new(),
        );
        return false;
    }
    close(
        turn,
        id,
        approved(decision.rate_minor.is_some()),
        decision.reason.clone(),
    );
    if let Some(carrier) = turn.directory().partners.get(&proposed.carrier) {
        let anew = if proposed.respond_by_basis == RespondByBasis::Expedited {
            offers::respond_by_expedited(turn, carrier)
        } else {
            offers::respond_by(turn, carrier)
        };
        (proposed.respond_by, proposed.respond_by_basis) = anew;
    }
    offers::send(turn, proposed, Some(actor));
    true
}

fn approve_notice(turn: &mut Turn<'_>, id: &ApprovalId, notice: &NoticeId, decision: &ApprovalDecision) -> bool {
    let waits = turn.state.notice(notice).cloned();
    let Some(mut proposed) = waits.filter(|it| it.state == NoticeState::AwaitingApproval) else {
        let rejection = Rejection::ApprovalAlreadyDecided;
        turn.reject(rejection, rejection.explain().to_owned(), Vec::new());
        return false;
    };
    if decision.rate_minor.is_some() {
        return unfit_edit(turn, "/edit/rate_minor", "a notice has words to change, and no rate");
    }
    if let Some(wording) = &decision.wording {
        proposed.subject = Wording::Written(wording.subject.clone());
        proposed.body = Wording::Written(wording.body.clone());
    }
    if !notices::may_release(turn, &proposed) {
        let detail = "a policy forbids this notice even with approval".to_owned();
        turn.reject(Rejection::NotAllowed, detail, Vec::new());
        return false;
    }
    close(turn, id, approved(decision.wording.is_some()), decision.reason.clone());
    notices::release(turn, &proposed, Some(turn.context.actor.clone()));
    true
}

fn approved(edited: bool) -> ApprovalOutcome {
    if edited {
        ApprovalOutcome::Edited
    } else {
        ApprovalOutcome::Approved
    }
}

pub(crate) fn unfit_edit(turn: &mut Turn<'_>, at: &str, why: &str) -> bool {
    let issue = Issue::fatal("approval.edit", at, why, "Correct it, or approve without a change.");
    turn.reject(Rejection::ApprovalEditInvalid, why.to_owned(), vec![issue]);
    false
}

pub(crate) fn close(turn: &mut Turn<'_>, id: &ApprovalId, outcome: ApprovalOutcome, reason: Option<String>) {
    let by = Some(turn.context.actor.clone());
    turn.cancel_timer(timer(id));
    turn.record(Event::ApprovalDecided {
        approval: id.clone(),
        outcome,
        by,
        reason,
    });
}

/// Nobody decided in time: what was proposed is not done, and what waits for it goes on.
pub(crate) fn expire(turn: &mut Turn<'_>, id: &ApprovalId) {
    let Some(known) = turn.state.approvals.get(id).filter(|it| it.decided.is_none()).cloned() else {
        return;
    };
    let (approval, outcome) = (id.clone(), ApprovalOutcome::Expired);
    turn.record(Event::ApprovalDecided {
        approval,
        outcome,
        by: None,
        reason: Some(UNDECIDED.to_owned()),
    });
    if let Some(subject) = Subject::of(&known.approval) {
        subject.refuse(turn, UNDECIDED);
    }
}

pub(crate) fn offer_of(approval: &Approval) -> Option<OfferId> {
    approval.proposal.get("offer")?.as_str().map(OfferId::from)
}

pub(crate) fn notice_of(approval: &Approval) -> Option<NoticeId> {
    approval.proposal.get("notice")?.as_str().map(NoticeId::from)
}

pub(crate) fn timer(id: &ApprovalId) -> TimerId {
    TimerId(format!("{TIMER}{id}"))
}

/// The approval whose deadline a timer is.
pub(crate) fn timer_of(timer: &TimerId) -> Option<ApprovalId> {
    timer.0.strip_prefix(TIMER).map(ApprovalId::from)
}
