//! What a load's turn means for the tenant's capacity: an offer would take a truck, its end gives it back, a cover keeps it.

use super::book::Book;
use crate::directory::Directory;
use crate::state::LoadState;
use crate::trip;
use jiff::Timestamp;
use serde_json::json;
use signalbox_model::capacity::Need;
use signalbox_model::effect::{Effect, Order};
use signalbox_model::event::Event;
use signalbox_model::id::{CapacityHoldId, LoadId, OfferId, PartnerId};
use signalbox_model::load::{Load, Priority};

/// Carriers named as those a load would go on with.
const NEXT_SHOWN_MAX: usize = 5;

/// What was heard of a load's turn, before its state is at hand.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Offered { offer: OfferId, carrier: PartnerId },
    Ended { offer: OfferId, reason: String },
    Covered { carrier: PartnerId },
    Cancelled,
    GivenBack { hold: CapacityHoldId, reason: String },
    Kept { hold: CapacityHoldId, reason: String },
}

/// The same, as the tenant's capacity judges it.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    Offered {
        need: Box<Need>,
        offer: OfferId,
        carrier: PartnerId,
        respond_by: Timestamp,
        /// Whom the load would be offered to next.
        next: Vec<String>,
    },
    Ended {
        load: LoadId,
        carrier: PartnerId,
        reason: String,
    },
    Covered {
        load: LoadId,
        carrier: PartnerId,
    },
    Cancelled {
        load: LoadId,
    },
    GivenBack {
        hold: CapacityHoldId,
        reason: String,
    },
    Kept {
        hold: CapacityHoldId,
        reason: String,
    },
}

/// What of a load's turn can concern capacity, in the order in which it happened.
pub fn heard(events: &[Event], effects: &[Effect]) -> Vec<Heard> {
    let ended = |offer: &OfferId, reason: &str| {
        Some(Heard::Ended {
            offer: offer.clone(),
            reason: reason.to_owned(),
        })
    };
    let of_event = |event: &Event| match event {
        Event::OfferDeclined { offer, .. } => ended(offer, "the carrier declined"),
        Event::OfferExpired { offer } => ended(offer, "the carrier did not answer"),
        Event::OfferWithdrawn { offer, reason } | Event::OfferRefused { offer, reason } => ended(offer, reason),
        Event::LoadCovered { carrier, .. } => Some(Heard::Covered {
            carrier: carrier.clone(),
        }),
        Event::LoadCancelled { .. } => Some(Heard::Cancelled),
        Event::CapacityLost { hold, reason } => Some(Heard::GivenBack {
            hold: hold.clone(),
            reason: reason.clone(),
        }),
        Event::DisplacementRefused { hold, reason } => Some(Heard::Kept {
            hold: hold.clone(),
            reason: reason.clone(),
        }),
        _ => None, // Nothing that gives a truck or takes one.
    };
    let of_effect = |effect: &Effect| match &effect.order {
        Order::SendOffer { offer, carrier, .. } => Some(Heard::Offered {
            offer: offer.clone(),
            carrier: carrier.clone(),
        }),
        _ => None, // Only an offer that leaves can be accepted.
    };
    // One offer ends before the next is made.
    let mut heard: Vec<Heard> = events.iter().filter_map(of_event).collect();
    heard.extend(effects.iter().filter_map(of_effect));
    heard
}

/// What the tenant's capacity has to judge of it.
pub fn follow(book: &Book, state: &LoadState, heard: Vec<Heard>, directory: &Directory) -> Vec<Followed> {
    let Some(load) = &state.load else { return Vec::new() };
    let concerns = |carrier: &PartnerId| book.of_load(&load.id, carrier).is_some();
    let states = |carrier: &PartnerId| book.statements.values().any(|it| it.carrier == *carrier);
    let of = |heard: Heard| match heard {
        Heard::Offered { offer, carrier } => {
            if !concerns(&carrier) && !states(&carrier) {
                return None;
            }
            let respond_by = state.offer(&offer)?.respond_by;
            Some(Followed::Offered {
                need: Box::new(need(state, load, directory)),
                next: next(state, load, directory),
                offer,
                carrier,
                respond_by,
            })
        }
        Heard::Ended { offer, reason } => {
            let carrier = state.offer(&offer)?.carrier.clone();
            concerns(&carrier).then(|| Followed::Ended {
                load: load.id.clone(),
                carrier,
                reason,
            })
        }
        Heard::Covered { carrier } => {
            let holds = book.holds.values().any(|it| it.hold.need.load == load.id);
            holds.then(|| Followed::Covered {
                load: load.id.clone(),
                carrier,
            })
        }
        Heard::Cancelled => {
            let of = |it: &super::Held| {
                let asks = it.reclaimed.as_ref().is_some_and(|ask| ask.need.load == load.id);
                it.hold.need.load == load.id || asks
            };
            let holds = book.holds.values().any(of);
            holds.then(|| Followed::Cancelled { load: load.id.clone() })
        }
        Heard::GivenBack { hold, reason } => {
            let stands = book.holds.contains_key(&hold);
            stands.then_some(Followed::GivenBack { hold, reason })
        }
        Heard::Kept { hold, reason } => Some(Followed::Kept { hold, reason }),
    };
    heard.into_iter().filter_map(of).collect()
}

/// What a load needs of a truck.
pub(super) fn need(state: &LoadState, load: &Load, directory: &Directory) -> Need {
    let pickup = load.pickup();
    let customer = state.order.as_ref().map(|it| &it.customer);
    let customer = customer.map(|id| {
        let partner = directory.partners.get(id);
        partner.map_or_else(|| id.0.clone(), |it| it.name.clone())
    });
    Need {
        load: load.id.clone(),
        reference: load.reference.clone(),
        customer: customer.unwrap_or_default(),
        priority: load.priority,
        equipment: load.equipment.kind,
        pickup: pickup.map(|it| it.location.label()).unwrap_or_default(),
        coordinates: pickup
            .and_then(|it| trip::locate(it, directory))
            .map(|it| it.coordinates),
        opens: pickup.and_then(|it| it.window.earliest.clone()),
        closes: pickup.and_then(|it| it.window.latest.clone()),
    }
}

/// The carriers of the routing guide that a load was not offered to yet, by rank. Looked up for loads that can wait: it is
/// what they would fall back on.
fn next(state: &LoadState, load: &Load, directory: &Directory) -> Vec<String> {
    let Some(tender) = state.tender.as_ref().filter(|_| load.priority == Priority::Normal) else {
        return Vec::new();
    };
    let Some(guide) = directory.table(&tender.playbook, "routing-guide") else {
        return Vec::new();
    };
    let input = json!({
        "lane": load.lane(), "equipment": load.equipment.kind, "priority": load.priority,
        "customer": state.order.as_ref().map(|it| &it.customer),
        "rate_minor": load.rate.as_ref().map_or(0, |it| it.minor),
    });
    let Ok(answer) = guide.evaluate(&input) else {
        return Vec::new();
    };
    let mut ranked: Vec<(i64, String)> = answer
        .rows
        .iter()
        .filter_map(|row| {
            let carrier = directory.carrier(row.get("carrier")?.as_str()?)?;
            let asked = state.offers.iter().any(|it| it.carrier == carrier.id);
            let rank = row.get("rank").and_then(serde_json::Value::as_i64).unwrap_or(i64::MAX);
            (!asked).then(|| (rank, carrier.scac().unwrap_or_default().to_owned()))
        })
        .collect();
    ranked.sort();
    ranked.into_iter().take(NEXT_SHOWN_MAX).map(|(_, scac)| scac).collect()
}
