//! The fold of one load's positions in the order of their own times.
//!
//! Invariant: a fold after the same positions is the same, whichever way they came: `vehicle` sorts them and folds
//! again from where a late one belongs. Every threshold is therefore judged in event time, here, and never on arrival.

use super::plan::{Plan, PlanStop, instant};
use super::vehicle::Ping;
use super::{Fenced, Picture};
use serde::{Deserialize, Serialize};
use signalbox_advice::drive::{self, Arrival, EXPECTED, FASTEST, Leg, SLOWEST};
use signalbox_advice::geo::{distance_m, implied_speed_kmh};
use signalbox_advice::geofence::{Fence, Sight};
use signalbox_advice::hours::{PROPERTY_US, Used};
use signalbox_model::load::StopKind;
use signalbox_model::position::Coordinates;
use signalbox_model::trip::{Doubt, Doubts, Estimate};

/// Nothing on wheels needs more between two positions; further apart than `JUMP_M`, it is a wrong fix.
pub const SPEED_MAX_KMH: f64 = 160.0;
const JUMP_M: f64 = 5_000.0;
/// A vehicle on its way may be this far round, as a share of the straight way and in metres beside it.
const DETOUR_SHARE: f64 = 1.6;
const DETOUR_M: f64 = 400_000.0;
/// A vehicle that comes to its pickup empty may come from this far.
const DEADHEAD_M: f64 = 1_500_000.0;
/// Later than promised by this is late; once late, any minute over is.
pub const LATE_AFTER_S: i64 = 15 * 60;
/// A newer estimate is told where it differs by this, or by this share of what is left.
const TOLD_CHANGE_S: i64 = 10 * 60;
const TOLD_CHANGE_SHARE: i64 = 20;
/// Tracking that begins this long after a pickup's window closed begins after the pickup.
const BEGUN_AFTER_PICKUP_S: i64 = 2 * 3_600;
/// Positions after the last stop's end that still count.
const LINGER_S: i64 = 12 * 3_600;
/// Faster than this between two positions is driving.
const MOVING_KMH: f64 = 8.0;
/// A longer gap between two positions says nothing of what the driver did in it beyond the way made.
const GAP_S: i64 = 2 * 3_600;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    fences: Vec<Fence>,
    first_s: Option<i64>,
    last: Option<Ping>,
    /// A position too far from the last one, until the next says which of them was wrong.
    suspect: Option<Ping>,
    used: Used,
    still_since_s: Option<i64>,
    told: Vec<Option<Told>>,
    jumps: u32,
    off_corridor: u32,
    /// The last doubted position when their number last was a power of two.
    doubts: Doubts,
    done_s: Option<i64>,
}

/// An estimate as it was last told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    eta_s: i64,
    is_late: bool,
    estimate: Estimate,
}

impl Fold {
    pub fn new(plan: &Plan) -> Self {
        Self {
            fences: vec![Fence::default(); plan.stops.len()],
            told: vec![None; plan.stops.len()],
            ..Self::default()
        }
    }

    pub fn fits(&self, plan: &Plan) -> bool {
        self.fences.len() == plan.stops.len() && self.told.len() == plan.stops.len()
    }

    /// Folds one position in. True where what is told has changed.
    pub fn step(&mut self, plan: &Plan, ping: &Ping, scratch: &mut Vec<Arrival>) -> bool {
        let over = self.done_s.is_some_and(|done| ping.at_s > done + LINGER_S);
        if ping.at_s < plan.from_s || over {
            return false;
        }
        if let Some(why) = self.off_corridor(plan, ping) {
            self.off_corridor = self.off_corridor.saturating_add(1);
            return self.doubt(ping, why);
        }
        if let Some(last) = self.last.filter(|last| is_jump(last, ping)) {
            match self.suspect.filter(|suspect| !is_jump(suspect, ping)) {
                // Two agree against one: the vehicle was where they say.
                Some(suspect) => {
                    self.last = None;
                    let first = self.accept(plan, &suspect, scratch);
                    return self.accept(plan, ping, scratch) | first;
                }
                None => {
                    self.suspect = Some(*ping);
                    self.jumps = self.jumps.saturating_add(1);
                    let speed = implied_speed_kmh(distance_m(last.place(), ping.place()), ping.at_s - last.at_s);
                    return self.doubt(ping, format!("{speed:.0} km/h would have been needed to get there"));
                }
            }
        }
        self.accept(plan, ping, scratch)
    }

    fn accept(&mut self, plan: &Plan, ping: &Ping, scratch: &mut Vec<Arrival>) -> bool {
        self.suspect = None;
        self.first_s.get_or_insert(ping.at_s);
        self.drive_on(ping);
        let moved = self.see(plan, ping);
        self.last = Some(*ping);
        let told = self.estimate(plan, ping, scratch);
        moved || told
    }

    /// Hours of the driver as far as the vehicle's own movement shows them.
    fn drive_on(&mut self, ping: &Ping) {
        let Some(last) = self.last else { return };
        let seconds = ping.at_s - last.at_s;
        let way_m = distance_m(last.place(), ping.place()) * drive::CIRCUITY;
        if implied_speed_kmh(way_m, seconds) < MOVING_KMH && seconds <= GAP_S.max(PROPERTY_US.rest_s * 3) {
            self.still_since_s.get_or_insert(last.at_s);
            let still = self.still_since_s.map_or(0, |since| ping.at_s - since);
            if still >= PROPERTY_US.rest_s {
                self.used = Used::default();
            } else {
                self.used.window_s += if self.used == Used::default() { 0 } else { seconds };
                if still >= PROPERTY_US.break_s {
                    self.used.since_break_s = 0;
                }
            }
            return;
        }
        self.still_since_s = None;
        let driven = drive::driving_s(way_m, 1.0).min(seconds);
        let driven = if seconds <= GAP_S { seconds } else { driven };
        if seconds - driven >= PROPERTY_US.rest_s {
            self.used = Used::default();
        }
        self.used.driving_s += driven;
        self.used.since_break_s += driven;
        self.used.window_s += if self.used.window_s == 0 { driven } else { seconds };
    }

    /// Moves the fences. True where a visit changed.
    fn see(&mut self, plan: &Plan, ping: &Ping) -> bool {
        let next = self.next(plan, ping.at_s);
        let mut moved = false;
        for place in 0..plan.stops.len() {
            let (Some(stop), Some(fence)) = (plan.stops.get(place), self.fences.get(place).copied()) else {
                continue;
            };
            let (Some(at), Some(radius_m)) = (stop.at, stop.radius_m) else {
                continue;
            };
            if matches!(fence, Fence::Left { .. }) {
                continue;
            }
            let seen = fence.see(&Sight {
                at_s: ping.at_s,
                distance_m: distance_m(ping.place(), at),
                radius_m,
                speed_kmh: ping.speed_kmh(),
                in_turn: next == Some(place),
            });
            moved |= seen.arrived_s() != fence.arrived_s() || seen.departed_s() != fence.departed_s();
            if let Some(slot) = self.fences.get_mut(place) {
                *slot = seen;
            }
        }
        if moved && self.next(plan, ping.at_s).is_none() {
            self.done_s.get_or_insert(ping.at_s);
        }
        moved
    }

    /// The stop the vehicle stands at or is expected at next, as things stood at an instant.
    fn next(&self, plan: &Plan, at_s: i64) -> Option<usize> {
        let reached = |place: &usize| self.arrived_s(plan, *place, at_s).is_some();
        let last_reached = (0..plan.stops.len()).rev().find(reached);
        (0..plan.stops.len()).find(|place| {
            let passed = self.departed_s(plan, *place, at_s).is_some()
                || last_reached.is_some_and(|reached| *place < reached)
                || plan.stops.get(*place).is_none_or(|it| self.was_before(it));
            !passed
        })
    }

    /// A pickup whose window had long closed when tracking began.
    fn was_before(&self, stop: &PlanStop) -> bool {
        let closed = stop.promised_s.or(stop.opens_s);
        let begun_after = closed
            .zip(self.first_s)
            .is_some_and(|(closed, first)| first > closed + BEGUN_AFTER_PICKUP_S);
        stop.kind == StopKind::Pickup && begun_after
    }

    /// What a carrier said counts from the time it said it of, so that positions before that are judged without it.
    fn arrived_s(&self, plan: &Plan, place: usize, at_s: i64) -> Option<i64> {
        let fenced = self.fences.get(place).and_then(|it| it.arrived_s());
        let stated = plan.stops.get(place).map(|it| it.stated).unwrap_or_default();
        let said = [stated.arrived, stated.delivered, stated.departed];
        fenced.or_else(|| earliest(&said, at_s))
    }

    fn departed_s(&self, plan: &Plan, place: usize, at_s: i64) -> Option<i64> {
        let fenced = self.fences.get(place).and_then(|it| it.departed_s());
        let stated = plan.stops.get(place).map(|it| it.stated).unwrap_or_default();
        fenced.or_else(|| earliest(&[stated.departed, stated.delivered], at_s))
    }

    /// Why a position lies where no vehicle on this way can be.
    fn off_corridor(&self, plan: &Plan, ping: &Ping) -> Option<String> {
        let next = self.next(plan, ping.at_s)?;
        let to = plan.stops.get(next)?.at?;
        let here = ping.place();
        let before = plan.stops.get(..next)?.iter().rev().find_map(|it| it.at);
        let Some(from) = before else {
            let away_m = distance_m(here, to);
            return (away_m > DEADHEAD_M).then(|| format!("{:.0} km from the first stop", away_m / 1_000.0));
        };
        let round_m = distance_m(from, here) + distance_m(here, to);
        let straight_m = distance_m(from, to);
        (round_m > straight_m * DETOUR_SHARE + DETOUR_M).then(|| {
            let off_km = (round_m - straight_m) / 2_000.0;
            format!("about {off_km:.0} km off the way between its stops, which may be the sea")
        })
    }

    fn doubt(&mut self, ping: &Ping, why: String) -> bool {
        let count = self.jumps.saturating_add(self.off_corridor);
        if !count.is_power_of_two() {
            return false;
        }
        self.doubts = Doubts {
            jumps: self.jumps,
            off_corridor: self.off_corridor,
            last: Some(Doubt {
                at: instant(ping.at_s),
                coordinates: ping.place(),
                why,
            }),
        };
        true
    }

    /// Estimates every stop ahead. True where one is to be told anew.
    fn estimate(&mut self, plan: &Plan, ping: &Ping, scratch: &mut Vec<Arrival>) -> bool {
        let Some(next) = self.next(plan, ping.at_s) else {
            return false;
        };
        let mut ahead = Ahead::from(self, plan, next, ping);
        if ahead.legs.is_empty() {
            return false;
        }
        drive::journey(ping.at_s, ahead.stand_s, &ahead.legs, self.used, EXPECTED, scratch);
        let mut changed: Vec<(usize, Arrival, bool)> = Vec::new();
        for (arrival, place) in scratch.iter().zip(&ahead.places) {
            let told = self.told.get(*place).and_then(Option::as_ref);
            let promised = plan.stops.get(*place).and_then(|it| it.promised_s);
            let slack = if told.is_some_and(|it| it.is_late) {
                0
            } else {
                LATE_AFTER_S
            };
            let is_late = promised.is_some_and(|promised| arrival.at_s > promised + slack);
            let change = TOLD_CHANGE_S.max((arrival.at_s - ping.at_s) / TOLD_CHANGE_SHARE);
            let differs = told.is_none_or(|it| (it.eta_s - arrival.at_s).abs() >= change || it.is_late != is_late);
            if differs {
                changed.push((*place, *arrival, is_late));
            }
        }
        if changed.is_empty() {
            return false;
        }
        let mut ends = |pace| {
            drive::journey(ping.at_s, ahead.stand_s, &ahead.legs, self.used, pace, scratch);
            scratch.clone()
        };
        let (fast, slow) = (ends(FASTEST), ends(SLOWEST));
        ahead.left_out.sort_unstable();
        for (place, arrival, is_late) in changed {
            let position_of = |it: &Vec<Arrival>| {
                let index = ahead.places.iter().position(|known| *known == place);
                index.and_then(|index| it.get(index)).map_or(arrival.at_s, |it| it.at_s)
            };
            let (earliest, latest) = (position_of(&fast), position_of(&slow));
            let Some(stop) = plan.stops.get(place) else { continue };
            let estimate = Estimate {
                stop: stop.stop,
                eta: instant(arrival.at_s),
                earliest: instant(earliest),
                latest: instant(latest),
                as_of: instant(ping.at_s),
                position: Some(ping.place()),
                distance_km: Some((arrival.way_m / 1_000.0).round() as u32),
                driving_min: minutes(arrival.driving_s),
                other_min: minutes(arrival.at_s - ping.at_s - arrival.driving_s),
                is_late,
                method: self.method(&ahead, &arrival),
            };
            let told = Told {
                eta_s: arrival.at_s,
                is_late,
                estimate,
            };
            if let Some(slot) = self.told.get_mut(place) {
                *slot = Some(told);
            }
        }
        true
    }

    fn method(&self, ahead: &Ahead, arrival: &Arrival) -> String {
        let mut method = drive::method();
        let used_h = self.used.driving_s as f64 / 3_600.0;
        method += &format!(
            "; {used_h:.1} h driven since its last long rest, {} rests and {} breaks ahead",
            arrival.rests, arrival.breaks
        );
        if !ahead.left_out.is_empty() {
            method += &format!("; stops {:?} left out, their place is not known", ahead.left_out);
        }
        method
    }

    /// What is told now.
    pub fn picture(&self, plan: &Plan) -> Picture {
        let fenced = plan.stops.iter().zip(&self.fences).filter_map(|(stop, fence)| {
            Some(Fenced {
                stop: stop.stop,
                arrived: instant(fence.arrived_s()?),
                departed: fence.departed_s().map(instant),
            })
        });
        let ahead = |place: &usize| self.arrived_s(plan, *place, i64::MAX).is_none();
        let estimates = (0..self.told.len())
            .filter(ahead)
            .filter_map(|place| self.told.get(place)?.as_ref().map(|it| it.estimate.clone()));
        Picture {
            vehicle: plan.vehicle.clone(),
            fenced: fenced.collect(),
            estimates: estimates.collect(),
            doubts: self.doubts.clone(),
        }
    }
}

/// The way ahead: legs to the stops whose place is known, and what is left to do where the vehicle stands.
struct Ahead {
    stand_s: i64,
    legs: Vec<Leg>,
    /// Places in the plan that the legs lead to.
    places: Vec<usize>,
    left_out: Vec<u32>,
}

impl Ahead {
    fn from(fold: &Fold, plan: &Plan, next: usize, ping: &Ping) -> Self {
        let mut ahead = Self {
            stand_s: 0,
            legs: Vec::new(),
            places: Vec::new(),
            left_out: Vec::new(),
        };
        let mut here: Coordinates = ping.place();
        for (place, stop) in plan.stops.iter().enumerate().skip(next) {
            if let Some(arrived_s) = fold.arrived_s(plan, place, ping.at_s) {
                let ready_s = arrived_s.max(stop.opens_s.unwrap_or(arrived_s)) + super::plan::SERVICE_S;
                ahead.stand_s = (ready_s - ping.at_s).max(0);
                continue;
            }
            let Some(there) = stop.at else {
                ahead.left_out.push(stop.stop);
                continue;
            };
            ahead.legs.push(Leg {
                great_circle_m: distance_m(here, there),
                opens_s: stop.opens_s,
                service_s: super::plan::SERVICE_S,
            });
            ahead.places.push(place);
            here = there;
        }
        ahead
    }
}

fn is_jump(from: &Ping, to: &Ping) -> bool {
    let apart_m = distance_m(from.place(), to.place());
    apart_m > JUMP_M && implied_speed_kmh(apart_m, to.at_s - from.at_s) > SPEED_MAX_KMH
}

fn earliest(said: &[Option<jiff::Timestamp>], at_s: i64) -> Option<i64> {
    let seconds = said.iter().flatten().map(|it| it.as_second());
    seconds.filter(|it| *it <= at_s).min()
}

fn minutes(seconds: i64) -> u32 {
    u32::try_from(seconds / 60).unwrap_or(0)
}
