//! The oracle of free capacity. One truck is given to one load at a time; every hold has its timer, and in the end each is
//! used, given back or run out; a load that gave its truck away is seen to. It folds the log itself, beside the engine.

use jiff::Timestamp;
use signalbox_engine::state::LoadState;
use signalbox_model::capacity::CapacityHold;
use signalbox_model::event::Event;
use signalbox_model::id::{CapacityHoldId, StatementId, StreamId, TimerId};
use signalbox_model::scope::ActorKind;
use std::collections::{BTreeMap, BTreeSet};

type Loads = BTreeMap<StreamId, LoadState>;

#[derive(Default)]
pub struct Trucks {
    /// How many trucks each statement names.
    stated: BTreeMap<StatementId, u32>,
    held: BTreeMap<CapacityHoldId, Held>,
    /// Holds that became a haul, of all times.
    used: BTreeSet<CapacityHoldId>,
    /// Loads that gave their truck away, and nothing has happened to since.
    displaced: BTreeMap<StreamId, String>,
}

struct Held {
    hold: CapacityHold,
    hauls: bool,
    asked_back: bool,
}

impl Trucks {
    /// An event of the capacity's stream. `loads` stand as their own events before it have left them.
    pub fn event(&mut self, event: &Event, loads: &Loads) -> Result<(), String> {
        match event {
            Event::CapacityStated { statement } => {
                // Who hauls is not among the trucks that are said to be free now.
                self.held
                    .retain(|_, it| !(it.hauls && it.hold.statement == statement.id));
                self.stated.insert(statement.id.clone(), statement.trucks);
            }
            Event::CapacityHeld { hold } => self.take(hold)?,
            Event::CapacityOffered { hold, offer, until } => {
                let held = self.known(hold)?;
                held.hold.offer = Some(offer.clone());
                held.hold.until = *until;
            }
            Event::CapacityConsumed { hold } => {
                let held = self.known(hold)?;
                held.hauls = true;
                held.asked_back = false;
                let hauler = hauler(&held.hold, loads);
                if hauler.as_deref() != Some(held.hold.carrier.as_str()) {
                    return Err(format!(
                        "{hold} of {} hauls {}, which has {hauler:?}",
                        held.hold.scac, held.hold.need.load
                    ));
                }
                self.used.insert(hold.clone());
            }
            Event::CapacityReleased { hold, reason, .. } => {
                let held = self.known(hold)?;
                if hauler(&held.hold, loads).as_deref() == Some(held.hold.carrier.as_str()) {
                    let load = &held.hold.need.load;
                    return Err(format!(
                        "{hold} is free again, and {} hauls {load} with it: {reason}",
                        held.hold.scac
                    ));
                }
                self.held.remove(hold);
            }
            Event::CapacityReclaimed { hold, ask } => {
                let by_person = ask.displace.as_ref().map(|it| it.approved_by.kind) == Some(ActorKind::Person);
                let held = self.known(hold)?;
                if held.hauls || held.asked_back || !by_person {
                    return Err(format!("{hold} was asked back and may not be"));
                }
                held.asked_back = true;
            }
            Event::CapacityKept { hold, .. } => self.known(hold)?.asked_back = false,
            _ => {} // Of other streams.
        }
        Ok(())
    }

    fn take(&mut self, hold: &CapacityHold) -> Result<(), String> {
        let of = self.stated.get(&hold.statement).copied().unwrap_or(0);
        let (unit, scac, load) = (hold.unit, &hold.scac, &hold.need.load);
        if !(1..=of).contains(&unit) {
            return Err(format!("truck {unit} of {scac} was held, which stated {of}"));
        }
        let same = |it: &&Held| it.hold.statement == hold.statement && it.hold.unit == unit;
        if let Some(other) = self.held.values().find(same) {
            let other = &other.hold.need.load;
            return Err(format!("truck {unit} of {scac} is given to {load}, and {other} has it"));
        }
        let held = Held {
            hold: hold.clone(),
            hauls: false,
            asked_back: false,
        };
        self.held.insert(hold.id.clone(), held);
        Ok(())
    }

    fn known(&mut self, hold: &CapacityHoldId) -> Result<&mut Held, String> {
        let held = self.held.get_mut(hold);
        held.ok_or_else(|| format!("{hold} is spoken of and is not held"))
    }

    /// Each hold that hauls nothing yet ends by a timer.
    pub fn holds_have_timers(&self, timers: &BTreeMap<(StreamId, TimerId), Timestamp>) -> Result<(), String> {
        let of = |it: &CapacityHold| (StreamId::capacity(), TimerId(format!("tmr_capacity/{}", it.id)));
        let mut waiting = self.held.values().filter(|it| !it.hauls).map(|it| &it.hold);
        match waiting.find(|it| timers.get(&of(it)) != Some(&it.until)) {
            Some(hold) => Err(format!("{} is held without an end", hold.id)),
            None => Ok(()),
        }
    }

    /// An event of a load's stream, before it is folded in.
    pub fn load_event(&mut self, stream: &StreamId, event: &Event) -> Result<(), String> {
        match event {
            Event::LoadDisplaced {
                by_reference,
                approved_by,
                ..
            } => {
                self.displaced.insert(stream.clone(), by_reference.clone());
                if approved_by.kind != ActorKind::Person {
                    return Err(format!("{stream} gave way to {by_reference}, and no person let it"));
                }
            }
            Event::OfferMade { .. }
            | Event::ActionHeld { .. }
            | Event::ApprovalRequested { .. }
            | Event::ExceptionRaised { .. }
            | Event::LoadCovered { .. }
            | Event::LoadCancelled { .. } => drop(self.displaced.remove(stream)),
            _ => {} // Nothing by which a load is seen to.
        }
        Ok(())
    }

    pub fn at_rest(&self, loads: &Loads) -> Result<(), String> {
        if let Some(it) = self.held.values().find(|it| !it.hauls || it.asked_back) {
            let (scac, load) = (&it.hold.scac, &it.hold.need.load);
            return Err(format!("{} of {scac} is held for {load} for ever", it.hold.id));
        }
        if let Some((stream, by)) = self.displaced.first_key_value() {
            return Err(format!("{stream} gave way to {by}, and nobody sees to it"));
        }
        for (stream, state) in loads {
            let granted = state.expedite.as_ref().and_then(|it| it.hold.as_ref());
            let granted = granted.filter(|it| hauler(it, loads).as_deref() == Some(it.carrier.as_str()));
            if let Some(hold) = granted.filter(|it| !self.used.contains(&it.id)) {
                return Err(format!(
                    "{} hauls {stream}, and its truck {} never left",
                    hold.scac, hold.id
                ));
            }
        }
        Ok(())
    }
}

/// Who hauls the load that a truck is held for.
fn hauler(hold: &CapacityHold, loads: &Loads) -> Option<String> {
    let state = loads.get(&StreamId::load(&hold.need.load))?;
    let covered = state.covered.as_ref().filter(|_| state.cancelled.is_none())?;
    Some(covered.carrier.0.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hold(id: &str, unit: u32, load: &str) -> Event {
        let hold = json!({
            "id": id, "statement": "cst_1", "unit": unit, "carrier": "par_jbht", "scac": "JBHT", "basis": "asked",
            "until": "2026-12-01T08:30:00Z",
            "need": {"load": load, "reference": load, "customer": "ACME", "priority": "high", "equipment": "van", "pickup": ""},
        });
        let hold = Box::new(serde_json::from_value(hold).unwrap());
        Event::CapacityHeld { hold }
    }

    fn check(events: &[Event], wanted: &str) {
        let mut trucks = Trucks::default();
        trucks.stated.insert(StatementId::from("cst_1"), 2);
        let judged = events.iter().try_for_each(|it| trucks.event(it, &Loads::new()));
        let judged = judged.and_then(|()| trucks.at_rest(&Loads::new()));
        let why = judged.err().unwrap_or_default();
        assert!(
            if wanted.is_empty() {
                why.is_empty()
            } else {
                why.contains(wanted)
            },
            "{why:?}"
        );
    }

    #[test]
    fn one_truck_for_two_loads_and_one_for_ever_are_seen() {
        let released = |id: &str| Event::CapacityReleased {
            hold: CapacityHoldId::from(id),
            statement: StatementId::from("cst_1"),
            reason: "declined".to_owned(),
        };
        let (one, other) = (hold("a", 1, "L1"), hold("b", 1, "L2"));
        check(
            &[one.clone(), other.clone()],
            "truck 1 of JBHT is given to L2, and L1 has it",
        );
        check(&[one.clone(), hold("b", 2, "L2")], "is held for L1 for ever");
        check(&[hold("c", 3, "L3")], "truck 3 of JBHT was held, which stated 2");
        check(&[one, released("a"), other, released("b")], "");
        let unknown = Event::CapacityConsumed {
            hold: CapacityHoldId::from("d"),
        };
        check(&[unknown], "is spoken of and is not held");
    }
}
