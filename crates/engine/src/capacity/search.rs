//! Which trucks serve a load: of the right kind, near the pickup, there in time. Each statement that does not says why.

use super::book::{Book, outranks};
use super::{NEAR_M, SHOWN_MAX};
use crate::directory::Directory;
use crate::step::Context;
use jiff::Timestamp;
use signalbox_advice::drive::{self, Leg};
use signalbox_advice::geo::distance_m;
use signalbox_advice::hours::Used;
use signalbox_model::capacity::{Candidate, CapacityAsk, Displaceable, HoldBasis, LeftOut, Need, Search, Statement};
use signalbox_model::directory::PartnerRole;
use signalbox_model::id::{PartnerId, StatementId};
use signalbox_model::load::EquipmentKind;
use signalbox_model::scope::ActorKind;
use signalbox_model::value::Money;

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Those with a free truck, the best first. All of them: more than are shown.
    pub fits: Vec<Candidate>,
    /// Trucks that fit and are on offer to a load that can wait, the best first.
    pub displaceable: Vec<Displaceable>,
    pub search: Search,
    /// Why there is none, where there is none.
    pub reason: String,
}

pub(super) fn search(book: &Book, ask: &CapacityAsk, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let mut left_out = Vec::new();
    for statement in book.statements.values().filter(|it| it.until.at > context.now) {
        let out = |why: String| LeftOut {
            scac: statement.scac.clone(),
            place: statement.label.clone(),
            why,
        };
        let candidate = match judge(book, statement, ask, context) {
            Ok(candidate) => candidate,
            Err(why) => {
                left_out.push(out(why));
                continue;
            }
        };
        if candidate.free > 0 {
            found.fits.push(candidate);
            continue;
        }
        let mut held: Vec<_> = book.of_statement(&statement.id).collect();
        // Where its carrier has fewer than are held, one given back is not free.
        let one_would_be_free = u32::try_from(held.len()).is_ok_and(|it| it <= statement.trucks);
        held.sort_by_key(|it| it.hold.unit);
        let can_wait = held.iter().find(|it| {
            let is_on_offer = it.hold.basis == HoldBasis::Offered && it.hold.offer.is_some();
            let is_free_to_go = !it.consumed && it.reclaimed.is_none();
            one_would_be_free && is_on_offer && is_free_to_go && outranks(ask.need.priority, it.hold.need.priority)
        });
        let why = match held.first() {
            Some(it) if it.consumed => format!("its truck hauls load {}", it.hold.need.reference),
            Some(it) => format!("its truck is held for load {}", it.hold.need.reference),
            None => "it has no truck left".to_owned(),
        };
        left_out.push(out(why));
        if let Some(it) = can_wait {
            found.displaceable.push(Displaceable {
                hold: it.hold.clone(),
                candidate,
            });
        }
    }
    found.fits.sort_by(rank);
    found
        .displaceable
        .sort_by(|one, other| rank(&one.candidate, &other.candidate));
    found.reason = match (ask.need.coordinates.is_some(), left_out.is_empty()) {
        (false, _) => format!("nobody knows where {} lies", ask.need.pickup),
        (true, true) => "no carrier has stated free capacity".to_owned(),
        (true, false) => "no free capacity fits".to_owned(),
    };
    let shown: Vec<Candidate> = found.fits.iter().take(SHOWN_MAX).cloned().collect();
    let not_shown = found.fits.len() - shown.len() + left_out.len().saturating_sub(SHOWN_MAX);
    left_out.sort_by(|one, other| (&one.scac, &one.place, &one.why).cmp(&(&other.scac, &other.place, &other.why)));
    left_out.truncate(SHOWN_MAX);
    found.search = Search {
        candidates: shown,
        left_out,
        not_shown: u32::try_from(not_shown).unwrap_or(u32::MAX),
    };
    found
}

fn rank(one: &Candidate, other: &Candidate) -> std::cmp::Ordering {
    // Never by an id, which says nothing of a truck.
    let of = |it: &Candidate| (it.distance_m, it.age_s, it.scac.clone(), it.place.clone());
    of(one).cmp(&of(other))
}

/// The statement of a carrier whose truck an offer would take: the nearest that serves and has one free.
pub(super) fn for_offer(book: &Book, need: &Need, carrier: &PartnerId, context: &Context<'_>) -> Option<StatementId> {
    let own = book.statements.values();
    let own = own.filter(|it| it.carrier == *carrier && it.until.at > context.now && book.free(it) > 0);
    let serving = own.filter_map(|it| Some((serves(it, need, context.now).ok()?.distance_m, &it.label, &it.id)));
    serving.min().map(|(.., id)| id.clone())
}

fn judge(book: &Book, statement: &Statement, ask: &CapacityAsk, context: &Context<'_>) -> Result<Candidate, String> {
    if ask.tried.contains(&statement.carrier) {
        return Err("it was asked for this load before".to_owned());
    }
    let way = serves(statement, &ask.need, context.now)?;
    let contract = contract(context.directory, &statement.carrier)?;
    let guide = ask.guide.iter().find(|it| it.carrier == statement.carrier);
    let rate = guide
        .map(|it| it.rate.clone())
        .or_else(|| statement.rate.clone())
        .or(contract);
    Ok(Candidate {
        statement: statement.id.clone(),
        carrier: statement.carrier.clone(),
        scac: statement.scac.clone(),
        place: statement.label.clone(),
        distance_m: way.distance_m,
        driving_s: way.driving_s,
        arrives: way.arrives,
        age_s: context.now.duration_since(statement.stated_at).as_secs().max(0),
        stated_by: by(statement),
        trucks: statement.trucks,
        free: book.free(statement),
        on_guide: guide.is_some(),
        rate: rate.ok_or("neither routing guide nor statement nor contract gives a rate")?,
    })
}

/// Who said it: a person or key by name, else the carrier by its message.
fn by(statement: &Statement) -> String {
    match statement.stated_by.kind {
        ActorKind::Source => format!("{} by message", statement.scac),
        _ => statement.stated_by.name.clone(), // Everybody else has a name of their own.
    }
}

/// The contract's rate of an active carrier, where it has one.
fn contract(directory: &Directory, carrier: &PartnerId) -> Result<Option<Money>, String> {
    match directory.partners.get(carrier).map(|it| &it.role) {
        Some(PartnerRole::Carrier {
            active: true,
            contract_rate,
            ..
        }) => Ok(contract_rate.clone()),
        Some(_) => Err("the carrier is not active".to_owned()),
        None => Err("the carrier is not under Partners any more".to_owned()),
    }
}

/// The way from where a truck is free to a pickup.
struct Way {
    distance_m: u32,
    driving_s: u32,
    arrives: Timestamp,
}

fn serves(statement: &Statement, need: &Need, now: Timestamp) -> Result<Way, String> {
    if statement.equipment != need.equipment {
        let (has, needs) = (kind(statement.equipment), kind(need.equipment));
        return Err(format!("it is a {has}, and the load needs a {needs}"));
    }
    let pickup = need
        .coordinates
        .ok_or_else(|| format!("nobody knows where {} lies", need.pickup))?;
    let distance = distance_m(statement.coordinates, pickup);
    if distance > NEAR_M {
        let (km, near) = (distance / 1_000.0, NEAR_M / 1_000.0);
        return Err(format!("it is {km:.0} km from the pickup, more than {near:.0} km"));
    }
    let start = statement.from.at.max(now);
    let leg = Leg {
        great_circle_m: distance,
        opens_s: None,
        service_s: 0,
    };
    let mut arrivals = Vec::with_capacity(1);
    drive::journey(
        start.as_second(),
        0,
        &[leg],
        Used::default(),
        drive::EXPECTED,
        &mut arrivals,
    );
    let arrival = arrivals.first().copied().unwrap_or_default();
    let arrives = Timestamp::from_second(arrival.at_s).unwrap_or(Timestamp::MAX);
    if let Some(closes) = need.closes.as_ref().filter(|it| arrives > it.at) {
        let (there, until) = (local(arrives, &closes.zone), local(closes.at, &closes.zone));
        return Err(format!("it is there by {there}, after the pickup closes at {until}"));
    }
    let opens = need.opens.as_ref().map_or(arrives, |it| it.at.max(arrives));
    if opens > statement.until.at {
        let zone = &statement.until.zone;
        let (until, opens) = (local(statement.until.at, zone), local(opens, zone));
        return Err(format!("it is free until {until}, and would load at {opens}"));
    }
    Ok(Way {
        distance_m: distance.round() as u32,
        driving_s: u32::try_from(arrival.driving_s).unwrap_or(u32::MAX),
        arrives,
    })
}

/// A kind of trailer as it is written.
pub(super) fn kind(kind: EquipmentKind) -> &'static str {
    match kind {
        EquipmentKind::Van => "van",
        EquipmentKind::Reefer => "reefer",
        EquipmentKind::Flatbed => "flatbed",
        EquipmentKind::Container => "container",
        EquipmentKind::Tanker => "tanker",
        EquipmentKind::Other => "trailer of another kind",
    }
}

/// `Wed 25 Nov, 14:30 EST`; in UTC where nobody knows the zone.
pub(super) fn local(at: Timestamp, zone: &str) -> String {
    at.in_tz(zone)
        .map_or_else(
            |_| at.strftime("%a %d %b, %H:%M UTC"),
            |it| it.strftime("%a %d %b, %H:%M %Z"),
        )
        .to_string()
}
