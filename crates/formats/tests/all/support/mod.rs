//! What a message was read as, in lines a person can check.

use signalbox_formats::{Context, Decoded, decode};
use signalbox_model::attempt::{Attempt, OrderAttempt, StatusAttempt};
use signalbox_model::directory::SourceFormat;
use signalbox_model::issue::Issue;
use signalbox_model::load::{Location, Stop};
use signalbox_model::personal::Personal;
use signalbox_model::value::{ExternalId, Moment, TimeBasis};
use std::fmt::Write;
use std::path::PathBuf;

pub const CONTEXT: Context<'static> = Context {
    zone: "America/Chicago",
    taint: signalbox_model::personal::Taint::Partner,
    sender: None,
};

pub fn samples() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples"))
}

pub fn read_sample(name: &str) -> Decoded {
    let bytes = std::fs::read(samples().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    decode(format_of(name), &bytes, &CONTEXT)
}

pub fn format_of(name: &str) -> SourceFormat {
    if name.contains("email/") {
        SourceFormat::Email
    } else if name.contains("telematics") {
        SourceFormat::Telematics
    } else if name.ends_with(".json") {
        SourceFormat::Json
    } else {
        SourceFormat::X12
    }
}

pub fn plain(personal: &Personal) -> Option<String> {
    match personal {
        Personal::Plain { text, .. } => Some(text.clone()),
        Personal::Sealed(_) => None,
    }
}

pub fn summary(decoded: &Decoded) -> String {
    let mut out = String::new();
    for identity in &decoded.identities {
        writeln!(
            out,
            "from {} to {} #{}",
            identity.sender, identity.receiver, identity.control_number
        )
        .unwrap();
    }
    issues(&mut out, "", &decoded.issues);
    for decoding in &decoded.decodings {
        let kind = decoding.attempt.as_ref().map_or("unread", kind);
        writeln!(
            out,
            "{kind} at {}",
            if decoding.at.is_empty() { "/" } else { &decoding.at }
        )
        .unwrap();
        if let Some(attempt) = &decoding.attempt {
            attempt_lines(&mut out, attempt);
        }
        issues(&mut out, "  ", &decoding.issues);
    }
    out.lines().map(|it| it.trim_end().to_owned() + "\n").collect()
}

fn kind(attempt: &Attempt) -> &'static str {
    match attempt {
        Attempt::Order(_) => "order",
        Attempt::Answer(_) => "answer",
        Attempt::Acknowledgement(_) => "acknowledgement",
        Attempt::Status(_) => "status",
        Attempt::Invoice(_) => "invoice",
        Attempt::Mail(_) => "mail",
        Attempt::Positions(_) => "positions",
        Attempt::Document(_) => "document",
        Attempt::Capacity(_) => "capacity",
    }
}

fn issues(out: &mut String, indent: &str, issues: &[Issue]) {
    for Issue {
        severity,
        code,
        at,
        why,
        ..
    } in issues
    {
        writeln!(out, "{indent}! {severity:?} {code} at {at}: {why}").unwrap();
    }
}

fn attempt_lines(out: &mut String, attempt: &Attempt) {
    match attempt {
        Attempt::Order(order) => order_lines(out, order),
        Attempt::Answer(it) => {
            let note = it.note.as_ref().and_then(plain);
            let (offer, reason) = (&it.offer, &it.reason);
            writeln!(
                out,
                "  {} {:?} {} {offer:?} {reason:?} {note:?}",
                it.carrier, it.answer, it.reference
            )
            .unwrap();
        }
        Attempt::Acknowledgement(it) => {
            let word = if it.accepted { "accepted" } else { "not accepted" };
            writeln!(
                out,
                "  {} {} #{} {word}: {}",
                it.sender, it.group, it.control_number, it.detail
            )
            .unwrap();
        }
        Attempt::Capacity(it) => {
            let (place, from) = (it.place.label(), it.from.as_ref());
            let (carrier, trucks, equipment, until) = (&it.carrier, it.trucks, it.equipment, &it.until);
            writeln!(
                out,
                "  {carrier} {trucks} {equipment:?} at {place} {:?} to {} {} {:?}",
                from.map(|it| it.at),
                until.at,
                until.zone,
                it.rate.as_ref().map(ToString::to_string)
            )
            .unwrap();
        }
        Attempt::Status(status) => status_lines(out, status),
        Attempt::Document(it) => {
            let proof = it.proof.clone().unwrap_or_default();
            let signer = proof.signer.as_ref().and_then(plain);
            let content = it.content.as_ref().map(|it| (it.media, it.bytes));
            let (carrier, reference) = (&it.carrier, &it.reference);
            writeln!(out, "  {} {carrier:?} {reference:?} {content:?}", it.kind.as_str()).unwrap();
            let (pieces, condition, signed_at) = (proof.pieces, proof.condition, proof.signed_at);
            writeln!(
                out,
                "  {pieces:?} {condition:?} {signer:?} {:?}",
                signed_at.map(|it| it.at)
            )
            .unwrap();
        }
        Attempt::Positions(positions) => {
            for it in positions {
                let name = it.name.as_deref().unwrap_or("-");
                let (latitude, longitude) = (it.coordinates.latitude_deg(), it.coordinates.longitude_deg());
                let (speed, heading, accuracy) = (it.speed_kmh, it.heading_deg, it.accuracy_m);
                writeln!(
                    out,
                    "  {} {name} {} {latitude} {longitude} {speed:?} km/h {heading:?} {accuracy:?}",
                    it.vehicle, it.at
                )
                .unwrap();
            }
        }
        Attempt::Mail(it) => {
            let (text, from) = (it.text.text().unwrap_or_default(), it.from.text().unwrap_or_default());
            let letters: Vec<char> = text.chars().collect();
            let words = |from: u32, to: u32| letters[from as usize..to as usize].iter().collect::<String>();
            writeln!(
                out,
                "  {:?} from {from} {:?} {:?}",
                it.id,
                it.sent.map(|it| it.to_string()),
                it.proof
            )
            .unwrap();
            for section in &it.sections {
                let words = words(section.span.start, section.span.end);
                writeln!(out, "  {:?} {words:?}", section.kind).unwrap();
            }
            for found in &it.found {
                let words = words(found.span.start, found.span.end);
                writeln!(out, "  {words:?} is {:?}", found.what).unwrap();
            }
            for it in &it.attachments {
                writeln!(
                    out,
                    "  {} of {} bytes, {:?}",
                    it.media_type,
                    it.bytes,
                    it.name.as_ref().and_then(|it| it.text())
                )
                .unwrap();
            }
        }
        Attempt::Invoice(it) => writeln!(out, "  {} {} {} {}", it.carrier, it.reference, it.number, it.total).unwrap(),
    }
}

fn status_lines(out: &mut String, status: &StatusAttempt) {
    writeln!(out, "  {} {}", status.carrier, status.reference).unwrap();
    for it in &status.milestones {
        let place = format!(
            "{}, {}",
            it.city.as_deref().unwrap_or("?"),
            it.region.as_deref().unwrap_or("?")
        );
        let reason = it.reason.as_deref().unwrap_or("-");
        let at = moment(it.occurred.as_ref());
        writeln!(out, "  {} {reason} {at} {place} stop {:?}", it.status, it.stop_sequence).unwrap();
    }
}

fn order_lines(out: &mut String, order: &OrderAttempt) {
    let rate = order.rate.as_ref().map_or("no rate".to_owned(), ToString::to_string);
    let (purpose, reference, customer) = (order.purpose, &order.reference, &order.customer);
    writeln!(
        out,
        "  {purpose:?} {reference} of {customer}, {rate}, {:?}",
        order.priority
    )
    .unwrap();
    let weight = order.weight.as_ref().map(|it| (it.grams, it.original.as_str()));
    writeln!(
        out,
        "  {:?} {:?}, {weight:?} g, {:?} pieces",
        order.equipment.kind, order.equipment.code, order.pieces
    )
    .unwrap();
    writeln!(out, "  respond by {}", moment(order.respond_by.as_ref())).unwrap();
    writeln!(out, "  ids {}", ids(&order.external_ids)).unwrap();
    if let Some(bill_to) = &order.bill_to {
        writeln!(out, "  bill to {}", place(bill_to)).unwrap();
    }
    order.stops.iter().for_each(|it| stop_lines(out, it));
    for it in &order.goods {
        let weight = it.weight.as_ref().map(|it| it.original.as_str());
        writeln!(out, "  goods {:?} {:?} {weight:?}", it.description, it.pieces).unwrap();
    }
    order
        .notes
        .iter()
        .for_each(|it| writeln!(out, "  note {:?}", plain(it)).unwrap());
}

fn stop_lines(out: &mut String, stop: &Stop) {
    writeln!(out, "  {} {:?} {}", stop.sequence, stop.kind, place(&stop.location)).unwrap();
    let (earliest, latest) = (
        moment(stop.window.earliest.as_ref()),
        moment(stop.window.latest.as_ref()),
    );
    writeln!(out, "    {earliest} to {latest}").unwrap();
    let weight = stop.weight.as_ref().map(|it| it.original.as_str());
    writeln!(
        out,
        "    {weight:?} {:?} pieces; {}",
        stop.pieces,
        ids(&stop.references)
    )
    .unwrap();
    for it in &stop.contacts {
        let open = |it: &Option<Personal>| it.as_ref().and_then(plain).unwrap_or_default();
        writeln!(
            out,
            "    contact {} {} {}",
            open(&it.name),
            open(&it.phone),
            open(&it.email)
        )
        .unwrap();
    }
}

fn ids(ids: &[ExternalId]) -> String {
    let texts: Vec<String> = ids.iter().map(|it| format!("{}={}", it.kind, it.value)).collect();
    texts.join(" ")
}

fn place(it: &Location) -> String {
    let zone = it.zone.as_deref().unwrap_or("no zone");
    let code = it.code.as_deref().unwrap_or("-");
    let label = it.label();
    format!(
        "{} [{code}] {:?} {label} {} {} ({zone})",
        it.name, it.address, it.postal_code, it.country
    )
}

pub fn moment(moment: Option<&Moment>) -> String {
    moment.map_or("open".to_owned(), |it| {
        let sure = if it.basis == TimeBasis::Stated { "" } else { "?" };
        format!("{} {}{sure}", it.at.strftime("%Y-%m-%dT%H:%MZ"), it.zone)
    })
}
