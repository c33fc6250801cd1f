//! The words of free capacity: who states what, which truck is held for whom, and who gives way.

use super::language::{duration, money};
use super::{Runner, Sent, command, same};
use crate::setup::{JSON_SOURCE, partner_id};
use jiff::SignedDuration;
use serde_json::{Value, json};
use signalbox_engine::command::Command;
use signalbox_engine::state::LoadState;
use signalbox_formats as formats;
use signalbox_model::attempt::Attempt;
use signalbox_model::directory::SourceFormat;
use signalbox_model::event::Event;

#[derive(Clone, Debug, PartialEq)]
pub enum CapacityAction {
    /// `dispatcher dana states 1 van of JBHT free in Bangor, ME for 72h asking 1950.00`, or `JBHT states 1 van free ...`,
    /// which comes as a message of the carrier's own.
    State {
        who: Option<String>,
        scac: String,
        trucks: i64,
        equipment: String,
        city: String,
        region: String,
        within: SignedDuration,
        minor: Option<i64>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum CapacityCheck {
    /// `truck of JBHT is held for load 48213`
    Held { scac: String, reference: String },
    /// `no truck is held for load 48213 because "..."`
    NotHeld { reference: String, why: String },
    /// `load 48213 gave way to load 48214`
    GaveWay { reference: String, to: String },
    /// `load 48213 is covered by SWFT`
    Load {
        reference: String,
        status: String,
        by: Option<String>,
    },
    /// `approval says "..."`: some of its evidence does.
    ApprovalSays(String),
}

/// `states 1 van of JBHT free in Bangor, ME for 72h asking 1950.00`
pub(super) fn action(text: &str) -> Result<Option<CapacityAction>, String> {
    let Some((head, rest)) = text.split_once(" states ") else {
        return Ok(None);
    };
    let wanted = "1 van of JBHT free in Bangor, ME for 72h";
    let who = head.strip_prefix("dispatcher ").map(str::to_owned);
    let (what, place) = rest.split_once(" free in ").ok_or(wanted)?;
    let words: Vec<&str> = what.split_whitespace().collect();
    let (trucks, equipment, scac) = match (words.as_slice(), &who) {
        ([trucks, equipment, "of", scac], Some(_)) => (*trucks, *equipment, *scac),
        ([trucks, equipment], None) => (*trucks, *equipment, head),
        _ => return Err(format!("capacity is stated as in {wanted:?}")),
    };
    let (place, rest) = place.split_once(" for ").ok_or(wanted)?;
    let (city, region) = place.split_once(", ").ok_or(wanted)?;
    let (within, minor) = match rest.split_once(" asking ") {
        Some((within, rate)) => (within, Some(money(rate)?)),
        None => (rest, None),
    };
    Ok(Some(CapacityAction::State {
        who,
        scac: scac.to_owned(),
        trucks: trucks.parse().map_err(|_| wanted)?,
        equipment: equipment.trim_end_matches('s').to_owned(),
        city: city.to_owned(),
        region: region.to_owned(),
        within: duration(within)?,
        minor,
    }))
}

pub(super) fn check(text: &str) -> Option<CapacityCheck> {
    let own = |it: &str| it.to_owned();
    let (head, why) = match text.split_once(" because ") {
        Some((head, why)) => (head, own(why.trim_matches('"'))),
        None => (text, String::new()),
    };
    let words: Vec<&str> = head.split_whitespace().collect();
    Some(match words.as_slice() {
        ["truck", "of", scac, "is", "held", "for", "load", reference] => CapacityCheck::Held {
            scac: own(scac),
            reference: own(reference),
        },
        ["no", "truck", "is", "held", "for", "load", reference] => CapacityCheck::NotHeld {
            reference: own(reference),
            why,
        },
        ["load", reference, "gave", "way", "to", "load", to] => CapacityCheck::GaveWay {
            reference: own(reference),
            to: own(to),
        },
        ["load", reference, "is", "covered", "by", scac] => CapacityCheck::Load {
            reference: own(reference),
            status: own("covered"),
            by: Some(own(scac)),
        },
        ["load", reference, "is", status @ ..] if *reference != "is" && !status.is_empty() => CapacityCheck::Load {
            reference: own(reference),
            status: status.join("_"),
            by: None,
        },
        ["approval", "says", ..] => CapacityCheck::ApprovalSays(own(text.split_once('"')?.1.trim_end_matches('"'))),
        _ => return None, // Not of capacity.
    })
}

impl Runner<'_> {
    pub(super) fn capacity_action(&self, action: &CapacityAction) -> Result<(String, Sent), String> {
        let CapacityAction::State {
            who,
            scac,
            trucks,
            equipment,
            city,
            region,
            within,
            minor,
        } = action;
        let until = self.boundary.now() + *within;
        let mut body = json!({
            "carrier": scac, "trucks": trucks, "equipment": equipment, "city": city, "region": region,
            "until": until.to_string(),
        });
        if let (Some(minor), Some(fields)) = (minor, body.as_object_mut()) {
            fields.insert("rate_minor".to_owned(), json!(minor));
        }
        Ok(match who {
            None => (scac.clone(), self.by_message(scac, &body)),
            Some(who) => {
                let capacity = Box::new(read(&body)?);
                (who.clone(), command(who, Command::StateCapacity { capacity }))
            }
        })
    }

    fn by_message(&self, scac: &str, body: &Value) -> Sent {
        Sent::Message {
            from: scac.to_owned(),
            source: JSON_SOURCE,
            bytes: body.to_string().into_bytes(),
        }
    }

    pub(super) fn capacity_check(&self, check: &CapacityCheck) -> Result<(), String> {
        match check {
            CapacityCheck::Held { scac, reference } => {
                let state = self.state_of(reference)?;
                let held = state.expedite.and_then(|it| it.hold).map(|it| it.scac);
                same("the truck held", &held.as_ref(), &Some(scac))
            }
            CapacityCheck::NotHeld { reference, why } => {
                let expedite = self.state_of(reference)?.expedite.unwrap_or_default();
                let reason = expedite.refused.unwrap_or_default();
                if expedite.hold.is_some() || !reason.contains(why.as_str()) {
                    return Err(format!("held is {:?}, and what is said is {reason:?}", expedite.hold));
                }
                Ok(())
            }
            CapacityCheck::GaveWay { reference, to } => {
                let gave_way = self.state_of(reference)?.expedite.and_then(|it| it.gave_way_to);
                same("it gave way", &gave_way.map(|it| it.reference).as_ref(), &Some(to))
            }
            CapacityCheck::Load { reference, status, by } => {
                let state = self.state_of(reference)?;
                same("the load", &state.status(), &status.as_str())?;
                let carrier = state.covered.map(|it| it.carrier);
                by.as_ref()
                    .map_or(Ok(()), |scac| same("the carrier", &carrier, &Some(partner_id(scac))))
            }
            CapacityCheck::ApprovalSays(words) => {
                let events = self.boundary.events();
                let newest = events.iter().rev().find_map(|(_, event)| match event {
                    Event::ApprovalRequested { approval } => Some(approval.evidence.clone()),
                    _ => None, // Only a request has evidence for a person.
                });
                let said: Vec<String> = newest
                    .into_iter()
                    .flatten()
                    .map(|it| format!("{}: {}", it.what, it.value.as_str().unwrap_or_default()))
                    .collect();
                if said.iter().any(|it| it.contains(words.as_str())) {
                    Ok(())
                } else {
                    Err(format!("the approval says {said:?}"))
                }
            }
        }
    }

    fn state_of(&self, reference: &str) -> Result<LoadState, String> {
        let events = self.boundary.events_of(reference)?;
        if events.is_empty() {
            return Err(format!("there is no load {reference}"));
        }
        let mut state = LoadState::default();
        events.iter().for_each(|(at, event)| state.apply(event, *at));
        Ok(state)
    }
}

fn read(body: &Value) -> Result<signalbox_model::capacity::CapacityAttempt, String> {
    let context = formats::Context::default();
    let decoded = formats::decode(SourceFormat::Json, body.to_string().as_bytes(), &context);
    let decoding = decoded.decodings.into_iter().next().ok_or("nothing was read")?;
    match decoding.attempt {
        Some(Attempt::Capacity(capacity)) => Ok(*capacity),
        _ => Err(format!("not read: {:?}", decoding.issues)), // Something else was written.
    }
}
