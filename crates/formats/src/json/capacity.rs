//! Free capacity as JSON: `{"carrier", "trucks", "equipment", "city", "region", "from", "until", "rate_minor", "currency"}`.
//! The place is written as a stop's: by `code` or `name` of a site, by `latitude` and `longitude`, or by its city.

use super::order::{self, EQUIPMENT_KINDS, PLACE};
use super::reader::Node;
use crate::decode::Context;
use crate::findings::{Findings, quoted};
use crate::moment::Edge;
use signalbox_model::capacity::CapacityAttempt;
use signalbox_model::load::EquipmentKind;
use signalbox_model::value::Money;

const FIELDS: [&str; 7] = [
    "carrier",
    "trucks",
    "equipment",
    "from",
    "until",
    "rate_minor",
    "currency",
];

pub fn read(node: &Node<'_>, context: &Context<'_>, findings: &mut Findings) -> Option<CapacityAttempt> {
    let known: Vec<&str> = FIELDS.into_iter().chain(PLACE).collect();
    node.note_unknown(&known, findings);
    let carrier = node
        .text("carrier", findings)
        .or_else(|| context.sender.map(str::to_owned));
    if carrier.is_none() {
        let fix = "Name the carrier by its SCAC in `carrier`.";
        let at = node.under("carrier");
        findings.fatal("capacity.missing_carrier", at, "nobody says whose trucks they are", fix);
    }
    let trucks = node.integer("trucks", findings);
    if trucks.is_none() {
        let fix = "Give a whole number in `trucks`.";
        let at = node.under("trucks");
        findings.fatal("capacity.bad_trucks", at, "it says not how many trucks are free", fix);
    }
    let equipment = equipment(node, findings);
    let place = order::location(node, findings);
    let mut moment = |key, edge| {
        let moment = node.moment(key, edge, (&place, place.zone.as_deref(), context.zone), findings);
        if moment.is_none() && node.get(key).is_some() {
            let why = "it is no time, and without it nobody knows when the trucks are free";
            findings.fatal(
                "capacity.bad_time",
                node.under(key),
                why,
                "Correct it and send it again.",
            );
        }
        moment
    };
    let from = moment("from", Edge::Earliest);
    let until = moment("until", Edge::Latest);
    if node.get("until").is_none() {
        let fix = "Give an end in `until`.";
        let at = node.under("until");
        findings.fatal(
            "capacity.missing_until",
            at,
            "it says not until when they are free",
            fix,
        );
    }
    let currency = node.text("currency", findings).unwrap_or_else(|| "USD".to_owned());
    let rate = node
        .integer("rate_minor", findings)
        .map(|minor| Money { minor, currency });
    Some(CapacityAttempt {
        carrier: carrier?,
        equipment: equipment?,
        trucks: trucks?,
        place,
        from,
        until: until?,
        rate,
    })
}

fn equipment(node: &Node<'_>, findings: &mut Findings) -> Option<EquipmentKind> {
    let word = node.text("equipment", findings).unwrap_or_default();
    let kind = EQUIPMENT_KINDS
        .iter()
        .find(|(known, kind)| known.eq_ignore_ascii_case(&word) && *kind != EquipmentKind::Other)
        .map(|(_, kind)| *kind);
    if kind.is_none() {
        let known: Vec<&str> = EQUIPMENT_KINDS
            .iter()
            .filter(|(_, kind)| *kind != EquipmentKind::Other)
            .map(|(word, _)| *word)
            .collect();
        let why = format!("{} is none of {}", quoted(&word), known.join(", "));
        findings.fatal(
            "capacity.unknown_equipment",
            node.under("equipment"),
            why,
            "Use one of these words and send it again.",
        );
    }
    kind
}
