//! How carriers read an offer and what they answer: some at once, some never, some too late, some on terms of their own.

use crate::Chance;
use crate::companies::Character;
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_formats::x12::{self, Address, Envelope, Reply990, Status};
use signalbox_formats::{Context, Reply, decode};
use signalbox_model::answer::Answer;
use signalbox_model::attempt::{Attempt, MilestoneAttempt, OrderPurpose, StatusAttempt};
use signalbox_model::directory::SourceFormat;
use signalbox_model::id::OfferId;
use signalbox_model::load::StopKind;
use signalbox_model::value::{Moment, TimeBasis};

/// An offer, or its withdrawal, as the carrier understands it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    pub reference: String,
    pub offer: Option<OfferId>,
    /// The offer is taken back.
    pub is_withdrawn: bool,
    pub pieces: Option<i64>,
    pub pickup: Called,
    pub delivery: Called,
}

/// A stop: what its place is called, and its window in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Called {
    pub code: String,
    pub city: String,
    pub opens_s: Option<i64>,
    pub due_s: Option<i64>,
}

/// What a carrier is going to say, and after how many seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mind {
    pub answer: Answer,
    pub after_s: i64,
    /// It means to haul the load.
    pub hauls: bool,
}

/// Reads a file as the carrier's system would: a 204 is an offer or its withdrawal, and for whatever is no acknowledgement
/// one is owed.
pub fn reads_file(bytes: &[u8]) -> (Option<Offered>, Vec<Reply>) {
    let decoded = decode(SourceFormat::X12, bytes, &Context::default());
    let attempt = decoded.decodings.into_iter().find_map(|it| it.attempt);
    (attempt.and_then(offered), decoded.replies)
}

fn offered(attempt: Attempt) -> Option<Offered> {
    let Attempt::Order(order) = attempt else { return None };
    let stop = |kind| {
        order
            .stops
            .iter()
            .find(|it| it.kind == kind)
            .map(called)
            .unwrap_or_default()
    };
    let echoed = order.external_ids.iter().find(|it| it.value.starts_with("off_"));
    Some(Offered {
        offer: echoed.map(|it| OfferId(it.value.clone())),
        is_withdrawn: order.purpose == OrderPurpose::Cancel,
        pieces: order.pieces,
        pickup: stop(StopKind::Pickup),
        delivery: stop(StopKind::Delivery),
        reference: order.reference,
    })
}

fn called(stop: &signalbox_model::load::Stop) -> Called {
    let seconds = |it: &Option<Moment>| it.as_ref().map(|it| it.at.as_second());
    Called {
        code: stop.location.code.clone().unwrap_or_default(),
        city: format!("{} {}", stop.location.city, stop.location.region),
        opens_s: seconds(&stop.window.earliest),
        due_s: seconds(&stop.window.latest),
    }
}

/// Reads the body of a webhook, with the SCAC of the carrier it is for.
pub fn reads_webhook(event: &Value) -> Option<(String, Offered)> {
    let data = &event["data"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = event["type"].as_str()?;
    let stop = |kind: &str| {
        let stops = data["stops"].as_array();
        let found = stops.and_then(|it| it.iter().find(|it| it["kind"] == kind));
        let instant = |it: &Value| Some(it.as_str()?.parse::<jiff::Zoned>().ok()?.timestamp().as_second());
        found.map(|it| Called {
            code: text(&it["code"]),
            city: format!("{} {}", text(&it["city"]), text(&it["region"])),
            opens_s: instant(&it["window"]["earliest"]),
            due_s: instant(&it["window"]["latest"]),
        })
    };
    let offered = Offered {
        reference: text(&data["reference"]),
        offer: data["offer"].as_str().map(OfferId::from),
        is_withdrawn: kind == "dispatch.offer.withdrawn",
        pieces: data["pieces"].as_i64(),
        pickup: stop("pickup").unwrap_or_default(),
        delivery: stop("delivery").unwrap_or_default(),
    };
    let known = kind == "dispatch.offer.made" || offered.is_withdrawn;
    known.then(|| (text(&data["carrier"]), offered))
}

/// Makes up a carrier's mind. `None`: it never answers. `has_truck` is whether one is free near the pickup, `is_stormy`
/// whether severe weather lies over an end of the haul.
pub fn decides(character: Character, chance: &mut Chance, has_truck: bool, is_stormy: bool) -> Option<Mind> {
    let minutes = |chance: &mut Chance, from, to| chance.between(from, to) * 60;
    if character == Character::Steady {
        return has_truck.then_some(Mind {
            answer: Answer::Accept,
            after_s: 120,
            hauls: true,
        });
    }
    if is_stormy && chance.percent(45) {
        return None;
    }
    let says = |answer, after_s| Mind {
        hauls: answer != Answer::Decline,
        answer,
        after_s,
    };
    if !has_truck && character != Character::Silent {
        return Some(says(Answer::Decline, minutes(chance, 2, 12)));
    }
    Some(match character {
        Character::Willing if chance.percent(if is_stormy { 60 } else { 88 }) => {
            says(Answer::Accept, minutes(chance, 1, 15))
        }
        Character::Choosy if chance.percent(40) => says(Answer::Accept, minutes(chance, 4, 18)),
        Character::Willing | Character::Choosy => says(Answer::Decline, minutes(chance, 1, 12)),
        Character::Dawdler => Mind {
            hauls: false,
            ..says(Answer::Accept, minutes(chance, 61, 120))
        },
        Character::Haggler if chance.percent(40) => says(Answer::Conditional, minutes(chance, 2, 10)),
        Character::Haggler => says(Answer::Accept, minutes(chance, 2, 15)),
        Character::Silent | Character::Steady => return None,
    })
}

fn addresses(scac: &str) -> (Address, Address) {
    let address = |qualifier: &str, id: &str| Address {
        qualifier: qualifier.to_owned(),
        id: id.to_owned(),
    };
    (address("02", scac), address("ZZ", "SIGNALBOX"))
}

/// An answer as X12 990. `control` is the carrier's own count of interchanges.
pub fn answer_x12(scac: &str, offered: &Offered, answer: Answer, control: u32, now: Timestamp) -> Option<String> {
    let (sender, receiver) = addresses(scac);
    let envelope = Envelope {
        sender: &sender,
        receiver: &receiver,
        control_number: control,
        now,
        test: false,
    };
    let body = Reply990 {
        scac,
        reference: &offered.reference,
        offer: offered.offer.as_ref(),
        answer,
        reason: None,
        note: None,
    };
    x12::answer(&envelope, &body).ok()
}

/// An answer as JSON, with the vehicle where it is known already.
pub fn answer_json(scac: &str, offered: &Offered, answer: Answer, vehicle: Option<&str>) -> String {
    let mut body = json!({"carrier": scac, "reference": offered.reference, "offer": offered.offer, "answer": answer});
    if let (Some(fields), Some(vehicle)) = (body.as_object_mut(), vehicle) {
        fields.insert("vehicle".to_owned(), json!(vehicle));
    }
    body.to_string()
}

/// A milestone to tell.
pub struct Told<'a> {
    pub scac: &'a str,
    pub reference: &'a str,
    /// X12 1650 and 1651.
    pub status: &'a str,
    pub reason: Option<&'a str>,
    pub at_s: i64,
    pub zone: &'a str,
    pub city: &'a str,
    pub region: &'a str,
    pub stop: Option<u32>,
    pub equipment: &'a str,
}

/// Milestones of one load as X12 214.
pub fn status_x12(told: &[Told<'_>], control: u32, now: Timestamp) -> Option<String> {
    let first = told.first()?;
    let (sender, receiver) = addresses(first.scac);
    let envelope = Envelope {
        sender: &sender,
        receiver: &receiver,
        control_number: control,
        now,
        test: false,
    };
    let milestone = |it: &Told<'_>| MilestoneAttempt {
        status: it.status.to_owned(),
        reason: it.reason.map(str::to_owned),
        occurred: Some(Moment {
            at: crate::orders::instant(it.at_s),
            zone: it.zone.to_owned(),
            basis: TimeBasis::Stated,
        }),
        city: Some(it.city.to_owned()),
        region: Some(it.region.to_owned()),
        stop_sequence: it.stop,
        equipment: Some(it.equipment.to_owned()),
    };
    let status = StatusAttempt {
        carrier: first.scac.to_owned(),
        reference: first.reference.to_owned(),
        milestones: told.iter().map(milestone).collect(),
    };
    x12::status(
        &envelope,
        &Status {
            pro: None,
            status: &status,
        },
    )
    .ok()
}
