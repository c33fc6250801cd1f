//! Carriers' answers. The first answer to a standing offer counts; any other changes nothing and is recorded by name.

use crate::offers;
use crate::trip;
use crate::turn::Turn;
use serde_json::json;
use signalbox_model::answer::{Answer, AnswerAttempt};
use signalbox_model::event::Event;
use signalbox_model::id::OfferId;
use signalbox_model::rejection::Rejection;
use signalbox_model::tender::{Offer, OfferState};
use signalbox_model::trip::AssignmentBasis;

pub(crate) fn admit(turn: &mut Turn<'_>, attempt: AnswerAttempt) {
    let offer = match find(turn, &attempt) {
        Ok(offer) => offer,
        Err((offer, rejection)) => return refuse(turn, &attempt, offer, rejection),
    };
    if offer.state == OfferState::Open && turn.now() > offer.respond_by {
        offers::expire(turn, &offer.id);
        return refuse(turn, &attempt, Some(offer.id), Rejection::OfferExpired);
    }
    if let Some(rejection) = standing(offer.state) {
        let covered_by_other = turn.state.covered.as_ref().is_some_and(|it| it.offer != offer.id);
        let late_acceptance = attempt.answer == Answer::Accept && covered_by_other;
        let rejection = if late_acceptance {
            Rejection::LoadAlreadyCovered
        } else {
            rejection
        };
        return refuse(turn, &attempt, Some(offer.id), rejection);
    }
    assert!(turn.state.covered.is_none(), "an open offer on a covered load");
    turn.done(json!({"offer": offer.id, "answer": attempt.answer}));
    match attempt.answer {
        Answer::Accept => {
            accept(turn, &offer);
            if let Some(vehicle) = &attempt.vehicle {
                trip::assign_by(turn, vehicle, AssignmentBasis::CarrierAnswer);
            }
        }
        Answer::Decline => {
            turn.cancel_timer(offers::offer_timer(&offer.id));
            turn.record(Event::OfferDeclined {
                offer: offer.id,
                reason: attempt.reason,
            });
        }
        // The offer keeps its timer: a person has until then.
        Answer::Conditional => turn.record(Event::OfferAnsweredConditionally {
            offer: offer.id,
            reason: attempt.reason,
            note: attempt.note,
        }),
    }
}

/// The carrier takes the load.
pub(crate) fn accept(turn: &mut Turn<'_>, offer: &Offer) {
    turn.cancel_timer(offers::offer_timer(&offer.id));
    turn.record(Event::OfferAccepted {
        offer: offer.id.clone(),
        carrier: offer.carrier.clone(),
    });
    turn.record(Event::LoadCovered {
        carrier: offer.carrier.clone(),
        offer: offer.id.clone(),
        rate: offer.rate.clone(),
    });
    offers::withdraw_all(turn, "another carrier has the load");
}

/// The offer the carrier answers: the one it names, else its standing one, else its last.
fn find(turn: &Turn<'_>, attempt: &AnswerAttempt) -> Result<Offer, (Option<OfferId>, Rejection)> {
    let Some(carrier) = turn.directory().carrier(&attempt.carrier) else {
        return Err((attempt.offer.clone(), Rejection::CarrierUnknown));
    };
    if let Some(named) = &attempt.offer {
        let Some(offer) = turn.state.offer(named) else {
            return Err((Some(named.clone()), Rejection::OfferUnknown));
        };
        if offer.carrier != carrier.id {
            return Err((Some(named.clone()), Rejection::OfferNotOfThisCarrier));
        }
        return Ok(offer.clone());
    }
    turn.state
        .offer_of(&carrier.id)
        .cloned()
        .ok_or((None, Rejection::OfferUnknown))
}

/// Why an offer in this state takes no answer.
fn standing(state: OfferState) -> Option<Rejection> {
    match state {
        OfferState::Open => None,
        OfferState::AwaitingApproval | OfferState::Held => Some(Rejection::OfferNotSentYet),
        OfferState::Accepted | OfferState::Declined | OfferState::Conditional => Some(Rejection::OfferAlreadyAnswered),
        OfferState::Expired => Some(Rejection::OfferExpired),
        OfferState::Withdrawn | OfferState::Refused => Some(Rejection::OfferWithdrawn),
    }
}

fn refuse(turn: &mut Turn<'_>, attempt: &AnswerAttempt, offer: Option<OfferId>, rejection: Rejection) {
    let carrier = attempt.carrier.clone();
    turn.record(Event::AnswerRejected {
        carrier,
        offer,
        answer: attempt.answer,
        rejection,
    });
    turn.reject(rejection, rejection.explain().to_owned(), Vec::new());
}
