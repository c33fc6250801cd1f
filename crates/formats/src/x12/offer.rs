//! 204 outbound: a load offered to a carrier, or the offer taken back.

use super::code;
use super::load_tender::PRIORITY;
use super::write::{Envelope, Interchange, Unwritable};
use signalbox_model::load::{Contact, Goods, Load, Location, Priority, Shipment, Stop, StopKind};
use signalbox_model::personal::Personal;
use signalbox_model::tender::Offer;
use signalbox_model::value::{Moment, TimeBasis, Weight};

/// Limits of the standard (4010) for one 204.
const STOPS_MAX: usize = 999;
const CONTACTS_MAX: usize = 3;
const GOODS_MAX: usize = 999;
const NOTES_MAX: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// B2A*00
    Offer,
    /// B2A*01
    Withdraw,
}

/// What a carrier is told.
pub struct Tender<'a> {
    pub purpose: Purpose,
    pub load: &'a Load,
    pub shipment: Option<&'a Shipment>,
    pub offer: &'a Offer,
    pub notes: &'a [Personal],
    /// Opens a sealed value for sending; None leaves it out.
    pub open: &'a dyn Fn(&Personal) -> Option<String>,
}

/// A 204 to send.
pub fn tender(envelope: &Envelope<'_>, tender: &Tender<'_>) -> Result<String, Unwritable> {
    let Tender { load, offer, .. } = tender;
    if load.stops.is_empty() || load.stops.len() > STOPS_MAX {
        let why = format!("a tender has 1 to {STOPS_MAX}");
        return Err(Unwritable {
            field: "stops",
            value: load.stops.len().to_string(),
            why,
        });
    }
    let mut out = Interchange::begin(envelope, "SM")?;
    out.begin_set("204");
    out.segment("B2").text("").exact("scac", &offer.scac, 2, 4)?;
    out.text("")
        .exact("reference", &load.reference, 1, 30)?
        .text("")
        .text("PP");
    out.segment("B2A")
        .text(if tender.purpose == Purpose::Offer { "00" } else { "01" })
        .text("LT");
    out.segment("C3").exact("currency", &offer.rate.currency, 3, 3)?;
    out.segment("L11")
        .exact("offer", &offer.id.0, 1, 30)?
        .text("CR")
        .text("OFFER");
    if load.priority == Priority::High {
        // As it is read: transportation priority 1.
        out.segment("L11").text("1").text(PRIORITY);
    }
    if tender.purpose == Purpose::Offer {
        // In UTC and said to be so: a deadline leaves no room for a zone.
        let respond_by = Moment {
            at: offer.respond_by,
            zone: "UTC".to_owned(),
            basis: TimeBasis::Stated,
        };
        out.g62("64", "1", &respond_by);
    }
    write_notes(&mut out, tender);
    let equipment = load
        .equipment
        .code
        .as_deref()
        .filter(|it| code::equipment_kind(it) == Some(load.equipment.kind));
    let equipment = equipment.unwrap_or_else(|| code::equipment_code(load.equipment.kind));
    out.segment("N7").text("").text("NONE");
    (3..=10).for_each(|_| {
        out.text("");
    });
    out.text(equipment);
    for stop in &load.stops {
        write_stop(&mut out, stop, tender)?;
    }
    write_total(&mut out, tender)?;
    out.end_set();
    Ok(out.end())
}

fn write_notes(out: &mut Interchange, tender: &Tender<'_>) {
    for note in tender.notes.iter().filter_map(|it| (tender.open)(it)).take(NOTES_MAX) {
        if !note.trim().is_empty() {
            out.segment("NTE").text("GEN").cut(&note, 80);
        }
    }
}

fn write_stop(out: &mut Interchange, stop: &Stop, tender: &Tender<'_>) -> Result<(), Unwritable> {
    let (reason, party, [first, last]) = match stop.kind {
        StopKind::Pickup => ("CL", "SF", [("37", "I"), ("38", "K")]),
        StopKind::Delivery => ("CU", "ST", [("53", "G"), ("54", "L")]),
        StopKind::Other => ("IN", "ZZ", [("37", "I"), ("38", "K")]),
    };
    out.segment("S5").text(&stop.sequence.to_string()).text(reason);
    for reference in &stop.references {
        if let Some(qualifier) = code::reference_qualifier(&reference.kind) {
            out.segment("L11")
                .exact("stop reference", &reference.value, 1, 30)?
                .text(qualifier);
        }
    }
    if let Some(earliest) = &stop.window.earliest {
        out.g62(first.0, first.1, earliest);
    }
    if let Some(latest) = &stop.window.latest {
        out.g62(last.0, last.1, latest);
    }
    if let Some(weight) = &stop.weight {
        write_weight(out, weight, stop.pieces);
    }
    write_place(out, party, &stop.location)?;
    stop.contacts
        .iter()
        .take(CONTACTS_MAX)
        .for_each(|it| write_contact(out, it, tender));
    let goods: &[Goods] = tender.shipment.map_or(&[], |it| &it.goods);
    let is_first_pickup = tender.load.pickup().is_some_and(|it| it.sequence == stop.sequence);
    for (index, goods) in goods.iter().take(GOODS_MAX).enumerate().filter(|_| is_first_pickup) {
        out.segment("L5")
            .text(&(index + 1).to_string())
            .cut(&goods.description, 50);
        if let Some(weight) = &goods.weight {
            write_weight(out, weight, goods.pieces);
        }
    }
    Ok(())
}

/// Pounds where they were written so, else kilograms.
fn write_weight(out: &mut Interchange, weight: &Weight, pieces: Option<i64>) {
    let (unit, number) = weight_text(weight);
    out.segment("AT8")
        .text("G")
        .text(unit)
        .text(&number)
        .text(&pieces.map(|it| it.to_string()).unwrap_or_default());
}

fn weight_text(weight: &Weight) -> (&'static str, String) {
    let mut words = weight.original.split(' ');
    let (number, unit) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_number = number.len() <= 10 && code::decimal(number, 0).is_some();
    let unit = match unit {
        "" | "L" | "LB" if is_number => "L",
        _ => return ("K", kilograms(weight.grams)),
    };
    (unit, number.to_owned())
}

fn kilograms(grams: i64) -> String {
    let text = format!("{}.{:03}", grams / 1_000, grams.unsigned_abs() % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn write_place(out: &mut Interchange, party: &str, location: &Location) -> Result<(), Unwritable> {
    let label = location.label();
    let name = if location.name.trim().is_empty() {
        label.as_str()
    } else {
        location.name.as_str()
    };
    out.segment("N1").text(party).cut(name, 60);
    if let Some(code) = location.code.as_ref().filter(|it| !it.trim().is_empty()) {
        out.text("93").exact("site code", code, 2, 80)?;
    }
    for lines in location
        .address
        .chunks(2)
        .take(2)
        .filter(|it| it.iter().any(|line| !line.trim().is_empty()))
    {
        out.segment("N3");
        lines.iter().filter(|it| !it.trim().is_empty()).for_each(|line| {
            out.cut(line, 55);
        });
    }
    out.segment("N4").cut(&location.city, 30);
    out.fitting(&location.region, 2, 2)
        .fitting(&location.postal_code, 3, 15)
        .fitting(&location.country, 2, 3);
    Ok(())
}

fn write_contact(out: &mut Interchange, contact: &Contact, tender: &Tender<'_>) {
    let open = |it: &Option<Personal>| {
        it.as_ref()
            .and_then(|it| (tender.open)(it))
            .filter(|it| !it.trim().is_empty())
    };
    let name = open(&contact.name).unwrap_or_else(|| "CONTACT".to_owned());
    for (qualifier, number) in [("TE", open(&contact.phone)), ("EM", open(&contact.email))] {
        if let Some(number) = number {
            out.segment("G61")
                .text("IC")
                .cut(&name, 60)
                .text(qualifier)
                .cut(&number, 80);
        }
    }
}

/// L3: weight, rate (cents without a point), pieces.
fn write_total(out: &mut Interchange, tender: &Tender<'_>) -> Result<(), Unwritable> {
    let minor = tender.offer.rate.minor;
    if !(0..=999_999_999_999).contains(&minor) {
        let why = "it must be positive and have at most 12 digits".to_owned();
        return Err(Unwritable {
            field: "rate",
            value: tender.offer.rate.to_string(),
            why,
        });
    }
    let weight = tender.shipment.and_then(|it| it.weight.as_ref()).map(weight_text);
    let pieces = tender
        .shipment
        .and_then(|it| it.pieces)
        .filter(|it| (0..=9_999_999).contains(it));
    let (unit, number) = weight.unwrap_or(("", String::new()));
    out.segment("L3")
        .text(&number)
        .text(if number.is_empty() { "" } else { "G" });
    out.text(&format!("{}.{:02}", minor / 100, minor % 100))
        .text("FR")
        .text(&minor.to_string());
    (6..=10).for_each(|_| {
        out.text("");
    });
    out.text(&pieces.map(|it| it.to_string()).unwrap_or_default())
        .text(unit);
    Ok(())
}
