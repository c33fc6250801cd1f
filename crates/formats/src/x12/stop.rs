//! The S5 loop of a 204: one stop, gathered segment by segment and finished when the next begins.

use super::code;
use super::set::{self, Received};
use super::status::bad_time;
use super::time::{self, Edge};
use super::token::Segment;
use crate::findings::{Findings, quoted};
use signalbox_model::load::{Contact, Goods, Location, Stop, StopKind};
use signalbox_model::personal::Personal;
use signalbox_model::value::{ExternalId, Moment, TimeWindow};

const REFERENCES_MAX: usize = 500;
const CONTACTS_MAX: usize = 20;
const DATES_MAX: usize = 50;
const GOODS_MAX: usize = 2_000;

/// A stop as far as it has been read. Its times wait for its place, which follows them.
pub struct Draft<'t, 'a> {
    pub s5: Segment<'t, 'a>,
    pub kind: StopKind,
    pub location: Location,
    /// Later parties of the same stop do not overwrite the first.
    parties: usize,
    dates: Vec<Segment<'t, 'a>>,
    references: Vec<ExternalId>,
    contacts: Vec<Contact>,
    weight: Option<(&'a str, &'a str)>,
    pieces: Option<i64>,
    pub goods: Vec<Goods>,
}

impl<'t, 'a> Draft<'t, 'a> {
    pub fn begin(s5: Segment<'t, 'a>, findings: &mut Findings) -> Self {
        let kind = code::stop_kind(s5.get(2)).unwrap_or_else(|| {
            let why = format!("{} is not a stop reason", quoted(s5.get(2)));
            let fix = "The stop neither loads nor unloads as read. Ask the customer what happens there.";
            findings.warning("x12.stop_reason_unknown", s5.at(2), why, fix);
            findings.fault(set::fault(&s5, 2, "7"));
            StopKind::Other
        });
        Self {
            s5,
            kind,
            location: Location::default(),
            parties: 0,
            dates: Vec::new(),
            references: Vec::new(),
            contacts: Vec::new(),
            weight: s5.has(3).then(|| (s5.get(3), s5.get(4))),
            pieces: code::decimal(s5.get(5), 0),
            goods: Vec::new(),
        }
    }

    /// Takes a segment of the loop. False: not one that says anything of a stop.
    pub fn take(&mut self, segment: Segment<'t, 'a>, received: &Received<'_, '_>) -> bool {
        match segment.id() {
            "L11" if self.references.len() < REFERENCES_MAX => {
                self.references.extend(reference(&segment, received.sender))
            }
            "OID" if self.references.len() < REFERENCES_MAX => self.order_detail(&segment, received.sender),
            "G62" if self.dates.len() < DATES_MAX => self.dates.push(segment),
            "N1" => {
                self.parties += 1;
                if self.parties == 1 {
                    party(&mut self.location, &segment);
                }
            }
            "N2" | "N3" | "N4" if self.parties <= 1 => place(&mut self.location, &segment),
            "G61" if self.parties <= 1 => contact(&mut self.contacts, &segment, received),
            "AT8" => self.weigh(&segment),
            "L5" if self.goods.len() < GOODS_MAX => {
                self.goods.push(Goods {
                    description: segment.get(2).to_owned(),
                    pieces: None,
                    weight: None,
                });
            }
            "L11" | "OID" | "G62" | "N2" | "N3" | "N4" | "G61" | "L5" => {}
            _ => return false,
        }
        true
    }

    fn order_detail(&mut self, oid: &Segment<'_, '_>, system: &str) {
        let kinds = [(1, "order_number"), (2, "purchase_order")];
        let given = kinds.into_iter().filter(|(position, _)| oid.has(*position));
        self.references
            .extend(given.map(|(position, kind)| ExternalId::new(system, kind, oid.get(position))));
    }

    /// AT8 weighs the goods named before it, else the stop.
    fn weigh(&mut self, at8: &Segment<'_, 'a>) {
        let pieces = [4, 5]
            .into_iter()
            .find_map(|position| code::decimal(at8.get(position), 0));
        if let Some(goods) = self.goods.last_mut() {
            goods.weight = code::weight(at8.get(3), at8.get(2));
            goods.pieces = pieces;
            return;
        }
        if at8.has(3) {
            self.weight = Some((at8.get(3), at8.get(2)));
        }
        self.pieces = pieces.or(self.pieces);
    }

    /// `sequence` is the stop's 1-based place; partners number them as they please.
    pub fn finish(mut self, sequence: u32, default_zone: &str, findings: &mut Findings) -> Stop {
        settle_place(&mut self.location);
        if self.location.city.is_empty() && self.location.name.is_empty() {
            let fix = "Ask the customer for the stop's address.";
            findings.warning(
                "order.stop_without_place",
                self.s5.place(),
                "the stop says not where it is",
                fix,
            );
        }
        let window = self.window(default_zone, findings);
        if window.earliest.is_none() && window.latest.is_none() {
            let fix = "Ask the customer for the stop's times.";
            findings.warning(
                "order.stop_without_time",
                self.s5.place(),
                "the stop has no date that could be used",
                fix,
            );
        }
        let weight = self.weight.and_then(|(number, unit)| {
            let weight = code::weight(number, unit);
            if weight.is_none() {
                let why = format!("{} {} is not a weight", quoted(number), quoted(unit));
                findings.warning(
                    "x12.bad_weight",
                    self.s5.place(),
                    why,
                    "It was left out. Ask the partner for it.",
                );
            }
            weight
        });
        Stop {
            sequence,
            kind: self.kind,
            location: self.location,
            window,
            contacts: self.contacts,
            references: self.references,
            weight,
            pieces: self.pieces,
        }
    }

    /// Each end of the window from the date that binds most.
    fn window(&self, default_zone: &str, findings: &mut Findings) -> TimeWindow {
        let mut ends: [Option<(u8, Moment)>; 2] = [None, None];
        for g62 in &self.dates {
            let Some(meaning) = meaning(g62.get(1)).filter(|it| it.concerns(self.kind)) else {
                let why = format!("date {} says nothing of this kind of stop", quoted(g62.get(1)));
                findings.forgiven(
                    "x12.date_not_used",
                    g62.at(1),
                    why,
                    "Check whether the stop's window is complete.",
                );
                continue;
            };
            for (end, edge) in ends.iter_mut().zip([Edge::Earliest, Edge::Latest]) {
                if meaning.only.is_some_and(|only| only != edge)
                    || end.as_ref().is_some_and(|(rank, _)| *rank <= meaning.rank)
                {
                    continue;
                }
                match time::moment((g62.get(2), g62.get(4), g62.get(5)), edge, &self.location, default_zone) {
                    Ok(moment) => *end = Some((meaning.rank, moment)),
                    Err(bad) => {
                        bad_time(bad, g62, 2, findings);
                        break;
                    }
                }
            }
        }
        let [earliest, latest] = ends.map(|it| it.map(|(_, moment)| moment));
        TimeWindow { earliest, latest }
    }
}

/// What a date of a stop means (data element 432).
struct Meaning {
    /// None: pickup or delivery alike.
    of: StopKind,
    /// A date that is one end of the window only.
    only: Option<Edge>,
    /// How little it binds: 1 a limit, 2 an appointment, 3 a request.
    rank: u8,
}

impl Meaning {
    fn concerns(&self, kind: StopKind) -> bool {
        kind == StopKind::Other || kind == self.of
    }
}

fn meaning(qualifier: &str) -> Option<Meaning> {
    let (of, only, rank) = match qualifier {
        "37" | "EP" => (StopKind::Pickup, Some(Edge::Earliest), 1),
        "38" | "LP" => (StopKind::Pickup, Some(Edge::Latest), 1),
        "69" | "77" | "81" | "96" | "98" => (StopKind::Pickup, None, 2),
        "10" | "79" => (StopKind::Pickup, None, 3),
        "53" => (StopKind::Delivery, Some(Edge::Earliest), 1),
        "54" | "67" => (StopKind::Delivery, Some(Edge::Latest), 1),
        "70" | "78" | "82" | "97" | "99" => (StopKind::Delivery, None, 2),
        "02" | "17" | "68" | "80" => (StopKind::Delivery, None, 3),
        _ => return None,
    };
    Some(Meaning { of, only, rank })
}

pub fn reference(l11: &Segment<'_, '_>, system: &str) -> Option<ExternalId> {
    l11.has(1)
        .then(|| ExternalId::new(system, &code::reference_kind(l11.get(2)), l11.get(1)))
}

/// N1: a party's name and code.
pub fn party(location: &mut Location, n1: &Segment<'_, '_>) {
    location.name = n1.get(2).to_owned();
    location.code = n1.has(4).then(|| n1.get(4).to_owned());
}

/// N2, N3, N4: more name, street, town.
pub fn place(location: &mut Location, segment: &Segment<'_, '_>) {
    const LINES_MAX: usize = 8;
    match segment.id() {
        "N2" if location.name.is_empty() => location.name = segment.get(1).to_owned(),
        "N3" => {
            let lines = [1, 2]
                .into_iter()
                .map(|position| segment.get(position))
                .filter(|it| !it.is_empty());
            location.address.extend(lines.map(str::to_owned));
            location.address.truncate(LINES_MAX);
        }
        "N4" => {
            location.city = segment.get(1).to_owned();
            location.region = segment.get(2).to_owned();
            location.postal_code = segment.get(3).to_owned();
            location.country = segment.get(4).to_owned();
        }
        _ => {}
    }
}

/// Country and zone, once everything about the place has been read.
pub fn settle_place(location: &mut Location) {
    location.country = crate::place::country(&location.country, &location.region);
    location.zone = crate::place::zone(&location.country, &location.region).map(|it| it.zone.to_owned());
}

/// G61: one way to reach a person. Several in a row with the same name are one person.
fn contact(contacts: &mut Vec<Contact>, g61: &Segment<'_, '_>, received: &Received<'_, '_>) {
    let personal = |text: &str| (!text.is_empty()).then(|| Personal::plain(text, received.context.taint));
    let name = personal(g61.get(2));
    if contacts.last().is_none_or(|last| last.name != name) && contacts.len() < CONTACTS_MAX {
        contacts.push(Contact {
            name,
            phone: None,
            email: None,
        });
    }
    let Some(contact) = contacts.last_mut() else { return };
    match g61.get(3) {
        "TE" | "CP" | "WP" | "HP" => contact.phone = contact.phone.take().or_else(|| personal(g61.get(4))),
        "EM" => contact.email = contact.email.take().or_else(|| personal(g61.get(4))),
        "EX" => {
            if let Some(Personal::Plain { text, .. }) = &mut contact.phone {
                text.push_str(" x");
                text.push_str(g61.get(4));
            }
        }
        _ => {}
    }
}
