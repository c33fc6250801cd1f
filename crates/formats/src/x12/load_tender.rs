//! 204, motor carrier load tender: a customer asks us to haul, changes its mind, or takes it back.

use super::code;
use super::invoice::{amount, currency};
use super::set::{self, Received};
use super::status::bad_time;
use super::stop::{self, Draft};
use super::time::{self, Edge};
use super::token::Segment;
use crate::findings::{Findings, quoted};
use crate::order_check::{self, Places};
use signalbox_model::attempt::{OrderAttempt, OrderPurpose};
use signalbox_model::load::{Equipment, EquipmentKind, Goods, Location, Priority, Stop, StopKind};
use signalbox_model::personal::Personal;
use signalbox_model::value::{ExternalId, Money, Weight};

/// Stops read of one order; the standard allows 999.
const STOPS_MAX: usize = 999;
const NOTES_MAX: usize = 200;
const REFERENCES_MAX: usize = 500;

/// Segments of a 204 that say nothing an order keeps.
const PASSED_OVER: [&str; 17] = [
    "ST", "SE", "B2", "B2A", "C3", "MS3", "PLD", "LAD", "RTT", "N7A", "N7B", "MEA", "M7", "L4", "PER", "LX", "L3",
];
/// Segments that make goods dangerous.
const HAZARDOUS: [&str; 9] = ["LH6", "LH1", "LH2", "LH3", "LH4", "LFH", "LEP", "LHT", "AT5"];

/// Whose N1 loop the next N3 and N4 belong to, outside stops.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Party {
    BillTo,
    Shipper,
    Consignee,
    Other,
}

#[derive(Default)]
struct Header<'t, 'a> {
    bill_to: Option<Location>,
    shipper: Option<Location>,
    consignee: Option<Location>,
    references: Vec<ExternalId>,
    respond_by: Option<Segment<'t, 'a>>,
    notes: Vec<Personal>,
    equipment: Equipment,
    priority: Priority,
    hazardous: bool,
}

pub fn read(received: &Received<'_, '_>, findings: &mut Findings) -> Option<OrderAttempt> {
    let b2 = received.beginning("B2", findings)?;
    let purpose = purpose(received, findings)?;
    let (header, mut drafts) = gather(received, findings);
    let respond_by = header.respond_by.and_then(|g62| {
        let written = (g62.get(2), g62.get(4), g62.get(5));
        time::moment(written, Edge::Latest, &Location::default(), received.context.zone)
            .map_err(|bad| bad_time(bad, &g62, 2, findings))
            .ok()
    });
    let begun: Vec<Segment<'_, '_>> = drafts.iter().map(|it| it.s5).collect();
    let goods = goods(&mut drafts);
    let stops = stops(drafts, &header, received, findings);
    let reference = b2.get(4).to_owned();
    let mut external_ids = vec![ExternalId::new(received.sender, "shipment_id", &reference)];
    external_ids.retain(|it| !it.value.is_empty());
    external_ids.extend(header.references);
    let (weight, pieces, rate) = totals(received, &stops, findings);
    let bill_to = header.bill_to.map(|mut it| {
        stop::settle_place(&mut it);
        it
    });
    let mut order = OrderAttempt {
        purpose,
        customer: received.sender.to_owned(),
        reference,
        external_ids,
        stops,
        goods,
        weight,
        pieces,
        equipment: header.equipment,
        rate,
        respond_by,
        priority: header.priority,
        bill_to,
        notes: header.notes,
    };
    let places = Places {
        reference: &|| b2.at(4),
        stops: "S5",
        stop: &|index| begun.get(index).map(Segment::place).unwrap_or_default(),
    };
    order_check::check(&mut order, &places, findings);
    Some(order)
}

/// B2A-01, data element 353.
fn purpose(received: &Received<'_, '_>, findings: &mut Findings) -> Option<OrderPurpose> {
    let Some(b2a) = received.first("B2A") else {
        let fix = "It is read as a new order. Check that it is none known already.";
        findings.forgiven(
            "x12.purpose_missing",
            "B2A segment 3",
            "the tender says not whether it is new",
            fix,
        );
        return Some(OrderPurpose::Original);
    };
    Some(match b2a.get(1) {
        "00" => OrderPurpose::Original,
        "01" => OrderPurpose::Cancel,
        "04" => OrderPurpose::Change,
        "05" => OrderPurpose::Replace,
        "06" => OrderPurpose::Confirm,
        other => {
            let why = format!("{} is not a purpose that is read (00, 01, 04, 05, 06)", quoted(other));
            findings.fatal(
                "x12.purpose_unknown",
                b2a.at(1),
                why,
                "Ask the customer what it wants done.",
            );
            findings.fault(set::fault(&b2a, 1, "7"));
            return None;
        }
    })
}

/// Boxed: a draft is large, and most orders have two.
type Drafts<'t, 'a> = Vec<Box<Draft<'t, 'a>>>;

fn gather<'t, 'a>(received: &'t Received<'t, 'a>, findings: &mut Findings) -> (Header<'t, 'a>, Drafts<'t, 'a>) {
    let mut header = Header::default();
    let mut drafts: Drafts<'t, 'a> = Vec::new();
    let mut party = Party::Other;
    for segment in received.raw.segments() {
        if segment.id() == "S5" {
            if drafts.len() == STOPS_MAX {
                let why = format!("the order has more than {STOPS_MAX} stops");
                findings.fatal(
                    "order.too_many_stops",
                    segment.place(),
                    why,
                    "Ask the customer to split the order.",
                );
                break;
            }
            drafts.push(Box::new(Draft::begin(segment, findings)));
            continue;
        }
        let taken = match drafts.last_mut() {
            Some(draft) => draft.take(segment, received),
            None => header.take(segment, &mut party, received, findings),
        };
        if !taken {
            header.take_anywhere(&segment, received, findings);
        }
    }
    if header.hazardous {
        let fix = "The dangerous goods are not in the order as read. See the message before you offer the load.";
        findings.warning(
            "order.hazardous",
            "",
            "the tender has handling or hazardous goods instructions",
            fix,
        );
    }
    (header, drafts)
}

impl<'t, 'a> Header<'t, 'a> {
    /// Takes a segment before the first stop. False: not one that stands only there.
    fn take(
        &mut self,
        segment: Segment<'t, 'a>,
        party: &mut Party,
        received: &Received<'_, '_>,
        findings: &mut Findings,
    ) -> bool {
        match segment.id() {
            "L11" => {
                if segment.get(2) == PRIORITY && *party == Party::Other {
                    self.priority = priority(&segment, findings);
                }
                if self.references.len() < REFERENCES_MAX && *party == Party::Other {
                    self.references.extend(stop::reference(&segment, received.sender));
                }
            }
            "G62" if segment.get(1) == "64" => self.respond_by = Some(segment),
            "G62" | "G61" | "AT8" => {}
            "N1" => {
                *party = match segment.get(1) {
                    "BT" | "PF" | "PR" => Party::BillTo,
                    "SH" | "SF" => Party::Shipper,
                    "CN" | "ST" => Party::Consignee,
                    _ => Party::Other,
                };
                if let Some(location) = self.location(*party) {
                    stop::party(location.insert(Location::default()), &segment);
                }
            }
            "N2" | "N3" | "N4" => {
                if let Some(Some(location)) = self.location(*party) {
                    stop::place(location, &segment);
                }
            }
            _ => return false,
        }
        true
    }

    fn location(&mut self, party: Party) -> Option<&mut Option<Location>> {
        match party {
            Party::BillTo => Some(&mut self.bill_to),
            Party::Shipper => Some(&mut self.shipper),
            Party::Consignee => Some(&mut self.consignee),
            Party::Other => None,
        }
    }

    /// Takes a segment that may stand before, within or after stops.
    fn take_anywhere(&mut self, segment: &Segment<'_, '_>, received: &Received<'_, '_>, findings: &mut Findings) {
        match segment.id() {
            "NTE" | "K1" => {
                let texts = if segment.id() == "NTE" {
                    [segment.get(2), ""]
                } else {
                    [segment.get(1), segment.get(2)]
                };
                for text in texts.into_iter().filter(|it| !it.is_empty()) {
                    if self.notes.len() < NOTES_MAX {
                        self.notes.push(Personal::plain(text, received.context.taint));
                    }
                }
            }
            "N7" => self.equipment = equipment(segment, findings),
            id if HAZARDOUS.contains(&id) => self.hazardous = true,
            id if PASSED_OVER.contains(&id) => {}
            id => {
                let why = format!("the segment {} is not one of a load tender", quoted(id));
                findings.forgiven(
                    "x12.segment_not_used",
                    segment.place(),
                    why,
                    "Check whether it says something you need.",
                );
            }
        }
    }
}

/// L11-02 (data element 128) `XE`, transportation priority number: the one place where a 204 says in code how urgent it is.
/// The number is in L11-01; 1 is the highest (defence transportation priority TP-1), and 2 and 3 can wait.
pub(super) const PRIORITY: &str = "XE";

fn priority(l11: &Segment<'_, '_>, findings: &mut Findings) -> Priority {
    let written = l11.get(1).trim();
    let number = written.trim_start_matches(|it: char| !it.is_ascii_digit());
    match number.trim_start_matches('0') {
        "1" => Priority::High,
        "2" | "3" => Priority::Normal,
        _ => {
            let why = format!("{} is not a transportation priority from 1 to 3", quoted(written));
            let fix = "The load has normal priority. Ask the customer whether it can wait.";
            findings.warning("x12.priority_unknown", l11.at(1), why, fix);
            Priority::Normal
        }
    }
}

/// N7-11, data element 40.
fn equipment(n7: &Segment<'_, '_>, findings: &mut Findings) -> Equipment {
    let code = n7.get(11);
    if code.is_empty() {
        return Equipment::default();
    }
    let kind = code::equipment_kind(code).unwrap_or_else(|| {
        let why = format!("{} is not a kind of equipment known here", quoted(code));
        findings.warning(
            "x12.equipment_unknown",
            n7.at(11),
            why,
            "Set the load's equipment by hand.",
        );
        EquipmentKind::Other
    });
    Equipment {
        kind,
        code: Some(code.to_owned()),
    }
}

/// Goods as the pickups list them; deliveries list the same ones again.
fn goods(drafts: &mut [Box<Draft<'_, '_>>]) -> Vec<Goods> {
    let by_pickups = drafts
        .iter()
        .any(|it| it.kind == StopKind::Pickup && !it.goods.is_empty());
    let kind = if by_pickups {
        StopKind::Pickup
    } else {
        StopKind::Delivery
    };
    let listed = drafts.iter_mut().filter(|it| it.kind == kind);
    listed.flat_map(|it| std::mem::take(&mut it.goods)).collect()
}

fn stops(
    drafts: Drafts<'_, '_>,
    header: &Header<'_, '_>,
    received: &Received<'_, '_>,
    findings: &mut Findings,
) -> Vec<Stop> {
    let finish = |(index, mut draft): (usize, Box<Draft<'_, '_>>)| {
        let of_header = match draft.kind {
            StopKind::Pickup => &header.shipper,
            StopKind::Delivery => &header.consignee,
            StopKind::Other => &None,
        };
        if let Some(location) = of_header.as_ref().filter(|_| draft.location == Location::default()) {
            draft.location = location.clone();
        }
        draft.finish(index as u32 + 1, received.context.zone, findings)
    };
    drafts.into_iter().enumerate().map(finish).collect()
}

/// L3, else the pickups added up.
fn totals(
    received: &Received<'_, '_>,
    stops: &[Stop],
    findings: &mut Findings,
) -> (Option<Weight>, Option<i64>, Option<Money>) {
    let l3 = received.first("L3");
    let weight = l3.and_then(|l3| {
        let weight = code::weight(l3.get(1), l3.get(12));
        if weight.is_none() && l3.has(1) {
            let why = format!("{} {} is not a weight", quoted(l3.get(1)), quoted(l3.get(12)));
            findings.warning(
                "x12.bad_weight",
                l3.at(1),
                why,
                "It was left out. Ask the customer for it.",
            );
        }
        weight
    });
    let pickups = || stops.iter().filter(|it| it.kind == StopKind::Pickup);
    let only_pickup = pickups().next().filter(|_| pickups().count() == 1);
    let weight = weight.or_else(|| only_pickup.and_then(|it| it.weight.clone()));
    let pieces = l3
        .and_then(|l3| code::decimal(l3.get(11), 0))
        .or_else(|| only_pickup.and_then(|it| it.pieces));
    let minor = l3.and_then(|l3| amount(&l3, 5, findings));
    (
        weight,
        pieces,
        minor.map(|minor| Money {
            minor,
            currency: currency(received),
        }),
    )
}
