//! The order as JSON: the public shape, read leniently and written for those who send it.

use super::reader::{LIST_MAX, Node};
use crate::decode::Context;
use crate::findings::{Findings, quoted};
use crate::moment::{self, Edge};
use crate::order_check::{self, Places};
use crate::{place, x12};
use serde_json::{Value, json};
use signalbox_model::attempt::{OrderAttempt, OrderPurpose};
use signalbox_model::load::{Contact, Equipment, EquipmentKind, Goods, Location, Priority, Stop, StopKind};
use signalbox_model::personal::Personal;
use signalbox_model::position::Coordinates;
use signalbox_model::value::{ExternalId, Moment, Money, TimeWindow, Weight};

const ORDER: [&str; 15] = [
    "customer",
    "reference",
    "purpose",
    "priority",
    "equipment",
    "rate",
    "respond_by",
    "external_ids",
    "stops",
    "goods",
    "weight",
    "pieces",
    "notes",
    "bill_to",
    "id",
];
pub const PLACE: [&str; 10] = [
    "name",
    "code",
    "address",
    "city",
    "region",
    "postal_code",
    "country",
    "zone",
    "latitude",
    "longitude",
];
const STOP: [&str; 8] = [
    "kind",
    "sequence",
    "window",
    "contact",
    "contacts",
    "references",
    "weight",
    "pieces",
];

pub fn read(order: &Node<'_>, context: &Context<'_>, findings: &mut Findings) -> Option<OrderAttempt> {
    order.note_unknown(&ORDER, findings);
    let customer = order
        .text("customer", findings)
        .or_else(|| context.sender.map(str::to_owned));
    let Some(customer) = customer else {
        let fix = "Name the customer in `customer`.";
        findings.fatal(
            "order.missing_customer",
            order.under("customer"),
            "nobody says whose order it is",
            fix,
        );
        return None;
    };
    let purpose = choice(order, "purpose", &PURPOSES, findings)?.unwrap_or(OrderPurpose::Original);
    let priority = choice(order, "priority", &PRIORITIES, findings)
        .flatten()
        .unwrap_or_default();
    let stops: Vec<Stop> = order
        .entries("stops", findings)
        .iter()
        .enumerate()
        .map(|(index, it)| stop(it, index as u32 + 1, &customer, context, findings))
        .collect();
    let bill_to = order.get("bill_to").map(|it| {
        it.note_unknown(&PLACE, findings);
        location(&it, findings)
    });
    let mut attempt = OrderAttempt {
        purpose,
        reference: order.text("reference", findings).unwrap_or_default(),
        external_ids: references(order, "external_ids", &customer, findings),
        stops,
        goods: goods(order, findings),
        weight: weight(order, findings),
        pieces: order.integer("pieces", findings),
        equipment: equipment(order, findings),
        rate: rate(order, findings),
        respond_by: order.moment(
            "respond_by",
            Edge::Latest,
            (&Location::default(), None, context.zone),
            findings,
        ),
        priority,
        bill_to,
        notes: notes(order, context, findings),
        customer,
    };
    if !attempt.reference.is_empty() {
        let own = ExternalId::new(&attempt.customer, "shipment_id", &attempt.reference);
        attempt.external_ids.insert(0, own);
    }
    let stops = order.under("stops");
    let places = Places {
        reference: &|| order.under("reference"),
        stops: &stops,
        stop: &|index| format!("{stops}/{index}/window"),
    };
    order_check::check(&mut attempt, &places, findings);
    Some(attempt)
}

const PURPOSES: [(&str, OrderPurpose); 5] = [
    ("original", OrderPurpose::Original),
    ("cancel", OrderPurpose::Cancel),
    ("change", OrderPurpose::Change),
    ("replace", OrderPurpose::Replace),
    ("confirm", OrderPurpose::Confirm),
];
const PRIORITIES: [(&str, Priority); 2] = [("normal", Priority::Normal), ("high", Priority::High)];
const STOP_KINDS: [(&str, StopKind); 3] = [
    ("pickup", StopKind::Pickup),
    ("delivery", StopKind::Delivery),
    ("other", StopKind::Other),
];
pub const EQUIPMENT_KINDS: [(&str, EquipmentKind); 6] = [
    ("van", EquipmentKind::Van),
    ("reefer", EquipmentKind::Reefer),
    ("flatbed", EquipmentKind::Flatbed),
    ("container", EquipmentKind::Container),
    ("tanker", EquipmentKind::Tanker),
    ("other", EquipmentKind::Other),
];

/// One of a few words. `None`: a word that is none of them, which is fatal where it changes what is asked for.
fn choice<T: Copy>(node: &Node<'_>, key: &str, words: &[(&str, T)], findings: &mut Findings) -> Option<Option<T>> {
    let Some(text) = node.text(key, findings) else {
        return Some(None);
    };
    if let Some((_, meant)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)) {
        return Some(Some(*meant));
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let why = format!("{} is none of {}", quoted(&text), known.join(", "));
    let fix = "Use one of these words and send the order again.";
    if key == "purpose" {
        findings.fatal("json.unknown_word", node.under(key), why, fix);
    } else {
        findings.warning("json.unknown_word", node.under(key), why, fix);
    }
    None
}

fn stop(node: &Node<'_>, sequence: u32, system: &str, context: &Context<'_>, findings: &mut Findings) -> Stop {
    let known: Vec<&str> = PLACE.into_iter().chain(STOP).collect();
    node.note_unknown(&known, findings);
    let kind = choice(node, "kind", &STOP_KINDS, findings)
        .flatten()
        .unwrap_or(StopKind::Other);
    if node.get("kind").is_none() {
        let fix = "Say `pickup`, `delivery` or `other`.";
        findings.warning(
            "json.missing_kind",
            node.under("kind"),
            "the stop says not what happens there",
            fix,
        );
    }
    let location = location(node, findings);
    let window = window(node, &location, context, findings);
    let mut contacts = node.entries("contacts", findings);
    contacts.extend(node.get("contact"));
    Stop {
        sequence,
        kind,
        window,
        contacts: contacts
            .iter()
            .filter_map(|it| contact(it, context, findings))
            .collect(),
        references: references(node, "references", system, findings),
        weight: weight(node, findings),
        pieces: node.integer("pieces", findings),
        location,
    }
}

/// The zone a stop names is kept; else it follows from state or province.
pub fn location(node: &Node<'_>, findings: &mut Findings) -> Location {
    let mut text = |key| node.text(key, findings).unwrap_or_default();
    let (name, city, region, postal_code) = (text("name"), text("city"), text("region"), text("postal_code"));
    let country = place::country(&text("country"), &region);
    let (code, zone) = (node.text("code", findings), node.text("zone", findings));
    let address = node
        .entries("address", findings)
        .iter()
        .filter_map(|it| it.as_text(findings))
        .collect();
    let named = zone.filter(|it| {
        let known = moment::rules(it).is_some();
        if !known {
            let why = format!("{} is not an IANA time zone", quoted(it));
            findings.warning(
                "json.unknown_zone",
                node.under("zone"),
                why,
                "Use a name such as America/Chicago.",
            );
        }
        known
    });
    let zone = named.or_else(|| place::zone(&country, &region).map(|it| it.zone.to_owned()));
    Location {
        name,
        code,
        address,
        city,
        region,
        postal_code,
        country,
        zone,
        coordinates: coordinates(node, findings),
    }
}

/// `latitude` and `longitude` of the site in decimal degrees, both or none.
fn coordinates(node: &Node<'_>, findings: &mut Findings) -> Option<Coordinates> {
    node.get("latitude").or_else(|| node.get("longitude"))?;
    let mut degrees = |key| node.number(key, findings).and_then(|it| it.parse::<f64>().ok());
    let (latitude, longitude) = (degrees("latitude"), degrees("longitude"));
    let read = latitude
        .zip(longitude)
        .and_then(|(latitude, longitude)| Coordinates::new(latitude, longitude))
        .filter(|it| !it.is_null_island());
    if read.is_none() {
        let fix = "Give both `latitude` and `longitude` in decimal degrees. They were left out.";
        findings.warning(
            "json.bad_coordinates",
            node.under("latitude"),
            "the site's coordinates are not a place on the earth",
            fix,
        );
    }
    read
}

fn window(stop: &Node<'_>, site: &Location, context: &Context<'_>, findings: &mut Findings) -> TimeWindow {
    let Some(window) = stop.get("window") else {
        let fix = "Give `window` with `earliest`, `latest` or both.";
        findings.warning(
            "order.stop_without_time",
            stop.under("window"),
            "the stop has no window",
            fix,
        );
        return TimeWindow::default();
    };
    window.note_unknown(&["earliest", "latest", "zone"], findings);
    let zone = window
        .text("zone", findings)
        .or_else(|| stop.text("zone", findings).filter(|it| moment::rules(it).is_some()));
    let mut end = |key, edge| window.moment(key, edge, (site, zone.as_deref(), context.zone), findings);
    TimeWindow {
        earliest: end("earliest", Edge::Earliest),
        latest: end("latest", Edge::Latest),
    }
}

fn contact(node: &Node<'_>, context: &Context<'_>, findings: &mut Findings) -> Option<Contact> {
    node.note_unknown(&["name", "phone", "email"], findings);
    let mut personal = |key| node.text(key, findings).map(|it| Personal::plain(it, context.taint));
    let contact = Contact {
        name: personal("name"),
        phone: personal("phone"),
        email: personal("email"),
    };
    let is_empty = contact.name.is_none() && contact.phone.is_none() && contact.email.is_none();
    (!is_empty).then_some(contact)
}

fn references(node: &Node<'_>, key: &str, system: &str, findings: &mut Findings) -> Vec<ExternalId> {
    let mut references = Vec::new();
    for entry in node.entries(key, findings) {
        entry.note_unknown(&["system", "type", "value"], findings);
        let system = entry.text("system", findings).unwrap_or_else(|| system.to_owned());
        let (kind, value) = (entry.text("type", findings), entry.text("value", findings));
        let (Some(kind), Some(value)) = (kind, value) else {
            let fix = "Give both `type` and `value`.";
            findings.warning(
                "json.reference_incomplete",
                entry.pointer(),
                "the reference lacks its type or value",
                fix,
            );
            continue;
        };
        references.push(ExternalId { system, kind, value });
    }
    references.truncate(LIST_MAX);
    references
}

fn goods(order: &Node<'_>, findings: &mut Findings) -> Vec<Goods> {
    let entries = order.entries("goods", findings);
    let goods = |it: &Node<'_>| {
        if !it.is_object() {
            let description = it.as_text(findings)?;
            return Some(Goods {
                description,
                pieces: None,
                weight: None,
            });
        }
        it.note_unknown(&["description", "pieces", "weight"], findings);
        let description = it.text("description", findings).unwrap_or_default();
        Some(Goods {
            description,
            pieces: it.integer("pieces", findings),
            weight: weight(it, findings),
        })
    };
    entries.iter().filter_map(goods).collect()
}

/// `{"value": 42000, "unit": "lb"}`, unit `lb` or `kg`.
fn weight(node: &Node<'_>, findings: &mut Findings) -> Option<Weight> {
    let weight = node.get("weight")?;
    weight.note_unknown(&["value", "unit"], findings);
    let number = weight.number("value", findings)?;
    let unit = weight.text("unit", findings).unwrap_or_default().to_ascii_uppercase();
    let letter = match unit.as_str() {
        "LB" | "LBS" | "L" => "L",
        "KG" | "K" => "K",
        _ => "?",
    };
    let read = x12::weight(&number, letter);
    if read.is_none() {
        let why = format!("{number} {} is not a weight in `lb` or `kg`", quoted(&unit));
        findings.warning(
            "json.bad_weight",
            weight.pointer(),
            why,
            "It was left out. Give `value` and `unit`.",
        );
    }
    read
}

/// A word, or `{"kind": "reefer", "code": "RT"}`.
fn equipment(order: &Node<'_>, findings: &mut Findings) -> Equipment {
    let Some(node) = order.get("equipment") else {
        return Equipment::default();
    };
    let (holder, key, code) = if node.is_object() {
        node.note_unknown(&["kind", "code"], findings);
        let code = node.text("code", findings);
        (&node, "kind", code)
    } else {
        (order, "equipment", None)
    };
    match choice(holder, key, &EQUIPMENT_KINDS, findings) {
        Some(kind) => Equipment {
            kind: kind.unwrap_or_default(),
            code,
        },
        None => Equipment {
            kind: EquipmentKind::Other,
            code: code.or_else(|| holder.text(key, findings)),
        },
    }
}

/// `{"minor": 125000, "currency": "USD"}`
fn rate(order: &Node<'_>, findings: &mut Findings) -> Option<Money> {
    let rate = order.get("rate")?;
    rate.note_unknown(&["minor", "currency"], findings);
    let minor = rate.integer("minor", findings);
    let currency = rate
        .text("currency", findings)
        .map_or_else(|| "USD".to_owned(), |it| it.to_ascii_uppercase());
    let is_code = currency.len() == 3 && currency.bytes().all(|it| it.is_ascii_uppercase());
    let money = minor
        .filter(|it| *it >= 0 && is_code)
        .map(|minor| Money { minor, currency });
    if money.is_none() {
        let why = "it is not an amount: `minor` (a whole number of cents) and `currency` (ISO 4217)";
        findings.warning(
            "json.bad_rate",
            rate.pointer(),
            why,
            "The rate was left out. Correct it and send the order again.",
        );
    }
    money
}

fn notes(order: &Node<'_>, context: &Context<'_>, findings: &mut Findings) -> Vec<Personal> {
    let entries = order.entries("notes", findings);
    entries
        .iter()
        .filter_map(|it| it.as_text(findings))
        .map(|it| Personal::plain(it, context.taint))
        .collect()
}

/// The order as a sender writes it: the reverse of reading. `open` opens personal values; None leaves one out.
pub fn body(order: &OrderAttempt, open: &dyn Fn(&Personal) -> Option<String>) -> Value {
    let word = |found: Option<&'static str>| found.unwrap_or("other");
    let purpose = PURPOSES
        .iter()
        .find(|(_, it)| *it == order.purpose)
        .map(|(word, _)| *word);
    let kind = EQUIPMENT_KINDS
        .iter()
        .find(|(_, it)| *it == order.equipment.kind)
        .map(|(word, _)| *word);
    let own =
        |it: &&ExternalId| !(it.kind == "shipment_id" && it.value == order.reference && it.system == order.customer);
    let body = json!({
        "customer": order.customer,
        "reference": order.reference,
        "purpose": word(purpose),
        "priority": if order.priority == Priority::High { "high" } else { "normal" },
        "equipment": { "kind": word(kind), "code": order.equipment.code },
        "rate": order.rate,
        "respond_by": order.respond_by.as_ref().map(moment_text),
        "external_ids": order.external_ids.iter().filter(own).collect::<Vec<_>>(),
        "stops": order.stops.iter().map(|it| stop_body(it, open)).collect::<Vec<_>>(),
        "goods": order.goods.iter().map(goods_body).collect::<Vec<_>>(),
        "weight": order.weight.as_ref().map(weight_body),
        "pieces": order.pieces,
        "notes": order.notes.iter().filter_map(open).collect::<Vec<_>>(),
        "bill_to": order.bill_to,
    });
    super::webhook::without_nulls(body)
}

fn stop_body(stop: &Stop, open: &dyn Fn(&Personal) -> Option<String>) -> Value {
    let mut body = super::webhook::stop_data(stop);
    let opened = |it: &Option<Personal>| it.as_ref().and_then(open);
    let contact =
        |it: &Contact| json!({ "name": opened(&it.name), "phone": opened(&it.phone), "email": opened(&it.email) });
    if let Some(fields) = body.as_object_mut() {
        fields.insert("contacts".to_owned(), stop.contacts.iter().map(contact).collect());
        fields.insert("references".to_owned(), json!(stop.references));
        fields.insert("weight".to_owned(), json!(stop.weight.as_ref().map(weight_body)));
        fields.insert("pieces".to_owned(), json!(stop.pieces));
    }
    body
}

pub(super) fn goods_body(goods: &Goods) -> Value {
    let weight = goods.weight.as_ref().map(weight_body);
    json!({ "description": goods.description, "pieces": goods.pieces, "weight": weight })
}

/// Pounds where they were written so, else kilograms.
pub(super) fn weight_body(weight: &Weight) -> Value {
    let number = weight
        .original
        .strip_suffix(" L")
        .and_then(|it| it.parse::<serde_json::Number>().ok());
    match number {
        Some(number) => json!({ "value": number, "unit": "lb" }),
        None => json!({ "value": weight.grams as f64 / 1_000.0, "unit": "kg" }),
    }
}

/// `2026-11-24T08:00:00-05:00[America/New_York]`
pub(super) fn moment_text(moment: &Moment) -> String {
    match moment::rules(&moment.zone) {
        Some(rules) => moment.at.to_zoned(rules).to_string(),
        None => moment.at.to_string(),
    }
}
