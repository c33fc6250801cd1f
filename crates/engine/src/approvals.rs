//! Approvals: a person's decision that an action waits for. The first decision counts; the second person is told who made it.

use crate::command::ApprovalDecision;
use crate::gate::Choice;
use crate::offers;
use crate::turn::Turn;
use serde_json::json;
use signalbox_model::event::Event;
use signalbox_model::exception::{Approval, ApprovalOutcome};
use signalbox_model::id::{ApprovalId, OfferId};
use signalbox_model::issue::Issue;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Role;
use signalbox_model::tender::OfferState;

/// The most a person may raise a proposed rate to: ten times, which is a slip of the finger.
const EDIT_FACTOR_MAX: i64 = 10;

pub(crate) fn decide(turn: &mut Turn<'_>, id: &ApprovalId, decision: ApprovalDecision) {
    let Some(known) = turn.state.approvals.get(id).cloned() else {
        return turn.reject(Rejection::ApprovalUnknown, format!("no approval {id}"), Vec::new());
    };
    if let Some(decided) = &known.decided {
        let who = decided.by.as_ref().map_or("the deadline", |it| it.name.as_str());
        let outcome = format!("{:?}", decided.outcome).to_lowercase();
        let detail = format!("{who} decided this at {}: {outcome}", decided.at);
        let rejection = Rejection::ApprovalAlreadyDecided;
        turn.record(Event::AttemptRejected {
            message: None,
            rejection,
            detail: detail.clone(),
        });
        return turn.reject(rejection, detail, Vec::new());
    }
    // While its automation is stopped, time that is over waits in the manual queue, and a person may still decide.
    let is_held = turn.state.holds_timer(&offers::approval_timer(id));
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
    let Some(offer) = offer_of(&approval) else {
        return turn.reject(
            Rejection::ApprovalUnknown,
            "the approval names no offer".to_owned(),
            Vec::new(),
        );
    };
    if !decision.approve {
        let reason = decision.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
        close(turn, id, ApprovalOutcome::Rejected, Some(reason.clone()));
        turn.record(Event::OfferRefused { offer, reason });
    } else if !approve(turn, id, &offer, &decision) {
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

fn approve(turn: &mut Turn<'_>, id: &ApprovalId, offer: &OfferId, decision: &ApprovalDecision) -> bool {
    let Some(mut proposed) = turn.state.offer(offer).cloned() else {
        turn.reject(Rejection::OfferUnknown, format!("no offer {offer}"), Vec::new());
        return false;
    };
    if let Some(minor) = decision.rate_minor {
        if minor <= 0 || minor > proposed.rate.minor.saturating_mul(EDIT_FACTOR_MAX) {
            let why = format!(
                "a rate between 0.01 and {EDIT_FACTOR_MAX} times the proposed {} is needed",
                proposed.rate
            );
            let issue = Issue::fatal("approval.rate", "/edit/rate_minor", why.clone(), "Correct the rate.");
            turn.reject(Rejection::ApprovalEditInvalid, why, vec![issue]);
            return false;
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
    let edited = decision.rate_minor.is_some();
    let outcome = if edited {
        ApprovalOutcome::Edited
    } else {
        ApprovalOutcome::Approved
    };
    close(turn, id, outcome, decision.reason.clone());
    if let Some(carrier) = turn.directory().partners.get(&proposed.carrier) {
        (proposed.respond_by, proposed.respond_by_basis) = offers::respond_by(turn, carrier);
    }
    offers::send(turn, proposed, Some(actor));
    true
}

fn close(turn: &mut Turn<'_>, id: &ApprovalId, outcome: ApprovalOutcome, reason: Option<String>) {
    let by = Some(turn.context.actor.clone());
    turn.cancel_timer(offers::approval_timer(id));
    turn.record(Event::ApprovalDecided {
        approval: id.clone(),
        outcome,
        by,
        reason,
    });
}

/// Nobody decided in time: the offer is refused and the tender goes on.
pub(crate) fn expire(turn: &mut Turn<'_>, id: &ApprovalId) {
    let Some(known) = turn.state.approvals.get(id).filter(|it| it.decided.is_none()).cloned() else {
        return;
    };
    let reason = "nobody decided in time".to_owned();
    let (approval, outcome) = (id.clone(), ApprovalOutcome::Expired);
    turn.record(Event::ApprovalDecided {
        approval,
        outcome,
        by: None,
        reason: Some(reason.clone()),
    });
    let offer = offer_of(&known.approval).and_then(|id| turn.state.offer(&id).cloned());
    if let Some(offer) = offer.filter(|it| it.state == OfferState::AwaitingApproval) {
        turn.record(Event::OfferRefused {
            offer: offer.id,
            reason,
        });
    }
}

fn offer_of(approval: &Approval) -> Option<OfferId> {
    approval
        .proposal
        .get("offer")
        .and_then(|it| it.as_str())
        .map(OfferId::from)
}
