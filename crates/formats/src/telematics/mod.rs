//! Positions of vehicles as telematics providers post them: Samsara, Traccar, and a plain JSON of our own.
//!
//! Invariant: each position stands on its own. One that cannot be used is an issue with its place; the others of the
//! message are read all the same. Speeds leave here in km/h whatever they came in.

mod item;
mod plain;
mod samsara;
mod traccar;

use crate::decode::{Context, Decoded, Decoding, refused};
use crate::findings::Findings;
use crate::json;
use item::Item;
use signalbox_model::attempt::Attempt;
use signalbox_model::position::PositionAttempt;

/// Positions read of one message.
pub const POSITIONS_MAX: usize = 10_000;

/// What the readers add to as they go.
struct Reading<'a> {
    context: &'a Context<'a>,
    findings: Findings,
    positions: Vec<PositionAttempt>,
    /// Positions met, usable or not.
    met: usize,
}

pub(crate) fn front_door(bytes: &[u8], context: &Context<'_>) -> Decoded {
    let mut decoded = Decoded::default();
    let value = match json::parse(bytes, &mut decoded.issues) {
        Ok(value) => value,
        Err(issue) => return refused(issue),
    };
    let mut reading = Reading {
        context,
        findings: Findings::default(),
        positions: Vec::new(),
        met: 0,
    };
    reading.message(&Item::root(&value));
    let Reading {
        mut findings,
        positions,
        met,
        ..
    } = reading;
    if met > POSITIONS_MAX {
        let why = format!("the message brings {met} positions; only the first {POSITIONS_MAX} were read");
        findings.fatal("position.too_many", "", why, "Send them in parts.");
    } else if met == 0 && !findings.is_fatal() {
        let why = "the message brings no position";
        findings.warning("position.nothing", "", why, "Nothing was read, nothing is wrong.");
    } else if positions.is_empty() && !findings.is_fatal() {
        let why = format!("none of its {met} positions can be used");
        findings.fatal("position.none_usable", "", why, "See the other issues, one a position.");
    }
    let attempt = (!positions.is_empty()).then_some(Attempt::Positions(positions));
    decoded.decodings.push(Decoding {
        at: String::new(),
        interchange: None,
        attempt,
        issues: findings.into_issues(),
    });
    decoded
}

impl Reading<'_> {
    fn message(&mut self, root: &Item<'_>) {
        if let Some(items) = root.list() {
            return self.items(items);
        }
        let envelope = root.has("specversion") || root.has("eventType");
        match root.get("data") {
            // A feed's page, a CloudEvent, or a provider's webhook around either.
            Some(data) => match data.list() {
                Some(items) => self.items(items),
                None if envelope => self.message(&data),
                None => self.vehicle(&data),
            },
            None => match root.get("positions") {
                Some(positions) if !root.has("device") => self.items(positions.list().unwrap_or_default()),
                _ => self.vehicle(root), // One vehicle alone.
            },
        }
    }

    fn items(&mut self, items: Vec<Item<'_>>) {
        items.iter().for_each(|it| self.vehicle(it));
    }

    /// One vehicle with its position or positions, in whichever shape it has.
    fn vehicle(&mut self, item: &Item<'_>) {
        if !item.is_object() {
            let fix = "Send each position as an object.";
            self.findings.warning(
                "position.not_an_object",
                item.at(),
                format!("{} is not a position", item.shown()),
                fix,
            );
            self.met += 1;
        } else if item.has("position") && item.has("device") {
            traccar::read(item, self);
        } else if samsara::is_vehicle(item) {
            samsara::read(item, self);
        } else {
            plain::read(item, self);
        }
    }

    /// Counts a position met; false once the message's share is used up.
    fn meet(&mut self) -> bool {
        self.met += 1;
        self.met <= POSITIONS_MAX
    }
}
