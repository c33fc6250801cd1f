//! Which load a mail is about: by the names it is called, as far as its sender may speak of it.
//!
//! Invariant: a number in a text counts only where a record of this tenant bears it and the sender has to do with that
//! record. What fits several loads is settled by a person.

use crate::directory::Directory;
use crate::state::LoadState;
use serde::Serialize;
use signalbox_model::directory::{Partner, PartnerRole};
use signalbox_model::event::Event;
use signalbox_model::id::{LoadId, PartnerId};
use signalbox_model::load::{Load, Order, Stop};
use signalbox_model::mail::{MailAttempt, SectionKind, Sender, SenderProof, bare};
use signalbox_model::tender::OfferState;
use signalbox_model::value::ExternalId;
use std::collections::BTreeSet;

/// Loads of a tenant that are found under one name.
pub const CALLED_MAX: usize = 8;
/// Names of one load that mails may call it by.
const NAMES_MAX: usize = 16;
const NAME_CHARS_MIN: usize = 3;
const NAME_CHARS_MAX: usize = 40;
/// Loads named to a person who is to choose.
const SHOWN_MAX: usize = 4;

/// A load that is called by a number of the mail.
pub struct Candidate<'a> {
    pub load: LoadId,
    /// The number, as it compares.
    pub name: String,
    pub state: &'a LoadState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linked {
    To(LoadId),
    /// None fits; what was found, for a person.
    Nothing(String),
    /// Several fit, with what tells them apart.
    Several(String, Vec<Choice>),
}

/// A load that a person may choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub load: LoadId,
    pub reference: String,
    /// What of the mail is its name.
    pub called: String,
    pub customer: String,
    pub lane: String,
}

/// Where a name of a load is written: several loads may bear it, each at a place of its own, from 1 on.
pub fn called(name: &str, place: usize) -> ExternalId {
    ExternalId::new("signalbox", &format!("called_{place}"), name)
}

/// All a load is called by its customer and its sites, as they compare: capital letters and digits.
pub fn names(order: Option<&Order>, load: &Load) -> Vec<String> {
    let of_order = order.iter().flat_map(|it| &it.external_ids);
    let of_stops = load.stops.iter().flat_map(|it| &it.references);
    let others = of_order.chain(of_stops).map(|it| it.value.as_str());
    let mut names: Vec<String> = Vec::new();
    for name in std::iter::once(load.reference.as_str()).chain(others) {
        let name = plain(name);
        let has_digit = name.bytes().any(|it| it.is_ascii_digit());
        let fits = (NAME_CHARS_MIN..=NAME_CHARS_MAX).contains(&name.len()) && has_digit;
        if fits && !names.contains(&name) && names.len() < NAMES_MAX {
            names.push(name);
        }
    }
    names
}

/// The names that events give a load, for the index of names.
pub fn names_given(events: &[Event]) -> Vec<String> {
    let load = events.iter().find_map(|it| match it {
        Event::LoadCreated { load } => Some(load),
        _ => None, // No other event names a load.
    });
    let order = events.iter().find_map(|it| match it {
        Event::OrderReceived { order, .. } => Some(order),
        _ => None, // The numbers are the order's.
    });
    load.map(|it| names(order, it)).unwrap_or_default()
}

/// A name as it compares.
pub fn plain(name: &str) -> String {
    let letters = name.chars().filter(|it| it.is_ascii_alphanumeric());
    letters.map(|it| it.to_ascii_uppercase()).collect()
}

/// Whose mail it is. `key` is the partner whose own key brought it; `reached_at` the one whose notices go to its address.
pub fn sender(
    directory: &Directory,
    mail: &MailAttempt,
    key: Option<&PartnerId>,
    reached_at: Option<PartnerId>,
) -> Sender {
    let from = mail.from.text().unwrap_or_default();
    let by_name = || directory.written_by(from).map(|it| it.id.clone());
    let named = reached_at.or_else(by_name);
    match key {
        Some(key) if named.as_ref().is_none_or(|it| it == key) => Sender {
            partner: Some(key.clone()),
            proof: SenderProof::Proved,
        },
        // A partner's key that brings somebody else's mail proves nothing.
        Some(_) => Sender {
            partner: None,
            proof: SenderProof::Failed,
        },
        None => Sender {
            partner: named.filter(|_| mail.proof != SenderProof::Failed),
            proof: mail.proof,
        },
    }
}

/// The numbers of a mail to look for: those the sender writes now; where none of them is known, those they answer to.
pub fn numbers(mail: &MailAttempt) -> [BTreeSet<String>; 2] {
    let of = |quoted: bool| {
        let those = mail
            .references()
            .filter(|it| (mail.section(it.1) == SectionKind::Quoted) == quoted);
        those.flat_map(|it| [it.0.to_owned(), bare(it.0).to_owned()]).collect()
    };
    [of(false), of(true)]
}

/// Chooses among the loads that are called by the mail's numbers.
pub fn link(directory: &Directory, sender: &Sender, candidates: &[Candidate<'_>]) -> Linked {
    let partner = sender.partner.as_ref().and_then(|it| directory.partners.get(it));
    let fits = |it: &&Candidate<'_>| concerns(it.state, partner);
    let mut fitting: Vec<&Candidate<'_>> = Vec::new();
    for candidate in candidates.iter().filter(fits) {
        if !fitting.iter().any(|it| it.load == candidate.load) {
            fitting.push(candidate);
        }
    }
    // One that was called off is meant only where no other is.
    if fitting.iter().any(|it| it.state.cancelled.is_none()) {
        fitting.retain(|it| it.state.cancelled.is_none());
    }
    match fitting.as_slice() {
        [] => Linked::Nothing("no number in it is the name of a load that its sender has to do with".to_owned()),
        [one] => Linked::To(one.load.clone()),
        several => {
            let choices: Vec<Choice> = several
                .iter()
                .take(CALLED_MAX)
                .map(|it| choice(directory, it))
                .collect();
            let shown: Vec<String> = choices.iter().take(SHOWN_MAX).map(shown).collect();
            Linked::Several(format!("{} loads fit: {}", several.len(), shown.join("; ")), choices)
        }
    }
}

/// Whether somebody has to do with a load: its customer, the carrier that has it, one that may still get it. Of whom
/// nobody knows who they are, the mail may be shown with any load; what follows is less.
fn concerns(state: &LoadState, partner: Option<&Partner>) -> bool {
    let Some(partner) = partner else { return true };
    match (&partner.role, &state.covered) {
        (PartnerRole::Customer { .. }, _) => state.order.as_ref().is_some_and(|it| it.customer == partner.id),
        (PartnerRole::Carrier { .. }, Some(covered)) => covered.carrier == partner.id,
        (PartnerRole::Carrier { .. }, None) => {
            let stands = |it: &OfferState| matches!(it, OfferState::Open | OfferState::Conditional);
            state
                .offers
                .iter()
                .any(|it| it.carrier == partner.id && stands(&it.state))
        }
    }
}

fn choice(directory: &Directory, candidate: &Candidate<'_>) -> Choice {
    let state = candidate.state;
    let customer = state.order.as_ref().and_then(|it| directory.partners.get(&it.customer));
    let load = state.load.as_ref();
    let label = |stop: Option<&Stop>| stop.map_or_else(String::new, |it| it.location.label());
    let lane = load.map(|it| format!("{} to {}", label(it.pickup()), label(it.delivery())));
    Choice {
        load: candidate.load.clone(),
        reference: load.map(|it| it.reference.clone()).unwrap_or_default(),
        called: candidate.name.clone(),
        customer: customer.map_or_else(|| "somebody".to_owned(), |it| it.name.clone()),
        lane: lane.unwrap_or_default(),
    }
}

/// `48213 is load 48213 of ACME, Rumford, ME to Dallas, TX`
fn shown(choice: &Choice) -> String {
    let Choice {
        reference,
        called,
        customer,
        lane,
        ..
    } = choice;
    format!("{called} is load {reference} of {customer}, {lane}")
}
