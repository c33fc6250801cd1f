//! A tenant's vehicles in the owner's memory: whose position it is, which loads it concerns, what is worth telling.
//!
//! Invariant: nothing here is the truth. Raw messages and the loads' own events are; a fleet that was lost is made
//! again from its snapshots and the messages after them. Its size is bounded.

use super::Picture;
use super::plan::Plan;
pub use super::vehicle::{Ping, Snapshot};
use super::vehicle::{Taken as Kept, Vehicle};
use jiff::Timestamp;
use signalbox_advice::drive::Arrival;
use signalbox_model::id::{LoadId, PartnerId};
use signalbox_model::position::{PositionAttempt, PositionSample};
use std::collections::{BTreeMap, BTreeSet};

/// Vehicles kept in memory. Those without a load that were silent for longest give way.
pub const VEHICLES_MAX: usize = 20_000;
/// A position further ahead of our clock is of the future: clocks of devices drift by seconds, not by minutes.
pub const FUTURE_S: i64 = 120;
/// Older positions concern no open trip.
pub const PAST_S: i64 = 7 * 24 * 3_600;
/// One position a vehicle is shown to people in this time.
pub const SAMPLED_EVERY_S: i64 = 60;
/// Vehicles without a load that one message names.
const UNASSIGNED_MAX: usize = 100;
/// Refused positions that one message explains one by one.
const REFUSED_MAX: usize = 20;

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// By lower-case name.
    vehicles: BTreeMap<String, Vehicle>,
    /// Provider's ids and names, lower case, to the key above.
    called: BTreeMap<String, String>,
    /// Which vehicle a load is followed by.
    followed: BTreeMap<LoadId, String>,
    messages: u64,
    changed: BTreeSet<String>,
    scratch: Vec<Arrival>,
}

/// What one message's positions came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    pub moved: Vec<(LoadId, Picture)>,
    pub positions: u32,
    pub unused: u32,
    pub vehicles: u32,
    /// Vehicles of which no load is known.
    pub unassigned: Vec<String>,
    pub samples: Vec<Seen>,
    /// Positions that were not taken, and why.
    pub refused: Vec<Refused>,
    pub refused_in_all: u32,
}

/// A vehicle as people see it now and then.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub sample: PositionSample,
    pub loads: Vec<LoadId>,
    /// Positions of it that were not taken since this owner began, and why the last was not.
    pub refused: u32,
    pub refused_last: Option<Why>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Place among the message's positions that could be read.
    pub place: usize,
    pub vehicle: String,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Future {
        seconds: i64,
    },
    TooOld,
    /// Before what is folded for good.
    TooLate,
    /// The key that brought it belongs to a carrier that hauls nothing with this vehicle.
    NotYours,
}

impl Fleet {
    /// Vehicles named in these positions that are not in memory: their loads may be known elsewhere.
    pub fn strangers(&self, positions: &[PositionAttempt]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for position in positions {
            for name in [Some(&position.vehicle), position.name.as_ref()].into_iter().flatten() {
                let name = key(name);
                if !self.called.contains_key(&name) {
                    found.insert(name);
                }
            }
        }
        found
    }

    /// Takes a message's positions in. `from` is the carrier whose own key brought them.
    pub fn take(&mut self, positions: &[PositionAttempt], from: Option<&PartnerId>, now: Timestamp) -> Taken {
        self.messages += 1;
        let now_s = now.as_second();
        let mut out = Taken {
            positions: positions.len() as u32,
            ..Taken::default()
        };
        let mut touched: BTreeMap<String, Option<usize>> = BTreeMap::new();
        for (place, position) in positions.iter().enumerate() {
            let at_s = position.at.as_second();
            let why = if at_s > now_s + FUTURE_S {
                Some(Why::Future { seconds: at_s - now_s })
            } else if at_s < now_s - PAST_S {
                Some(Why::TooOld)
            } else {
                None
            };
            if let Some(why) = why {
                if let Some(vehicle) = self.known_mut(position) {
                    vehicle.refuse(why);
                }
                out.refuse(place, position, why);
                continue;
            }
            let key = self.key_of(position);
            let Some(vehicle) = self.vehicles.get_mut(&key) else {
                continue;
            };
            if from.is_some_and(|carrier| !vehicle.hauls_for(carrier)) {
                out.refuse(place, position, Why::NotYours);
                continue;
            }
            vehicle.touched = self.messages;
            let newest = touched.entry(key).or_default();
            match vehicle.take(Ping::of(position)) {
                Kept::New => {
                    let is_newer = newest
                        .and_then(|it| positions.get(it))
                        .is_none_or(|it| it.at < position.at);
                    if is_newer {
                        *newest = Some(place);
                    }
                }
                Kept::Known => out.unused += 1,
                Kept::TooLate => {
                    vehicle.refuse(Why::TooLate);
                    out.refuse(place, position, Why::TooLate);
                }
            }
        }
        out.vehicles = touched.len() as u32;
        for (key, newest) in touched {
            let newest = newest.and_then(|place| positions.get(place));
            self.fold(&key, newest, now_s, &mut out);
        }
        self.shrink();
        out
    }

    fn fold(&mut self, key: &str, newest: Option<&PositionAttempt>, now_s: i64, out: &mut Taken) {
        let Some(vehicle) = self.vehicles.get_mut(key) else {
            return;
        };
        out.moved.extend(vehicle.fold(&mut self.scratch));
        if !vehicle.has_trips() && out.unassigned.len() < UNASSIGNED_MAX {
            out.unassigned.push(vehicle.name.clone());
        }
        let Some(newest) = newest else { return };
        self.changed.insert(key.to_owned());
        let is_newest = vehicle.newest().is_some_and(|it| it.at_s <= newest.at.as_second());
        let due = vehicle.sampled_s.is_none_or(|at| now_s - at >= SAMPLED_EVERY_S);
        if is_newest && due {
            vehicle.sampled_s = Some(now_s);
            let sample = PositionSample {
                vehicle: vehicle.name.clone(),
                at: newest.at,
                coordinates: newest.coordinates,
                speed_kmh: newest.speed_kmh,
            };
            out.samples.push(Seen {
                sample,
                loads: vehicle.loads().cloned().collect(),
                refused: vehicle.refused,
                refused_last: vehicle.refused_last,
            });
        }
    }

    fn known_mut(&mut self, position: &PositionAttempt) -> Option<&mut Vehicle> {
        self.vehicles.get_mut(self.called.get(&key(&position.vehicle))?)
    }

    /// The vehicle a position is of, made where there is none. A name that another device bears already is not
    /// believed: two trucks under one number would be one that jumps.
    fn key_of(&mut self, position: &PositionAttempt) -> String {
        let id = key(&position.vehicle);
        let named = position.name.as_deref().map(key);
        let by_name = named.as_ref().and_then(|it| self.called.get(it)).cloned();
        if let Some(known) = self.called.get(&id).cloned() {
            let idle = !self.vehicles.get(&known).is_some_and(Vehicle::has_trips);
            let waits = |it: &String| self.vehicles.get(it).is_some_and(|it| it.id.is_none());
            if let Some(other) = by_name.filter(|it| *it != known && idle && waits(it)) {
                // A load named the vehicle before any position did.
                if let Some(vehicle) = self.vehicles.get_mut(&other) {
                    vehicle.id = Some(id.clone());
                }
                self.called.insert(id, other.clone());
                return other;
            }
            if let Some(named) = named.filter(|it| !self.called.contains_key(it)) {
                self.called.insert(named, known.clone());
            }
            return known;
        }
        if let Some(known) = by_name
            && let Some(vehicle) = self.vehicles.get_mut(&known)
            && vehicle.id.as_ref().is_none_or(|it| *it == id)
        {
            vehicle.id = Some(id.clone());
            self.called.insert(id, known.clone());
            return known;
        }
        let free = named.filter(|it| !self.called.contains_key(it));
        let shown = match &free {
            Some(_) => position.name.clone().unwrap_or_default(),
            None => position.vehicle.clone(),
        };
        let known = free.unwrap_or_else(|| id.clone());
        let vehicle = self.vehicles.entry(known.clone()).or_default();
        vehicle.name = shown.trim().to_owned();
        vehicle.id = Some(id.clone());
        self.called.insert(id, known.clone());
        self.called.insert(known.clone(), known.clone());
        known
    }

    /// Follows a load under its plan, or no longer. Answers what positions known already say about it.
    pub fn follow(&mut self, load: &LoadId, plan: Option<Plan>) -> Option<Picture> {
        let wanted = plan.as_ref().map(|it| key(&it.vehicle));
        let wanted = wanted.map(|it| self.called.get(&it).cloned().unwrap_or(it));
        if let Some(before) = self
            .followed
            .get(load)
            .filter(|it| wanted.as_ref() != Some(*it))
            .cloned()
        {
            self.followed.remove(load);
            self.changed.insert(before.clone());
            if let Some(vehicle) = self.vehicles.get_mut(&before) {
                vehicle.forget(load);
            }
        }
        let (plan, key) = (plan?, wanted?);
        self.followed.insert(load.clone(), key.clone());
        self.called.insert(key.clone(), key.clone());
        self.changed.insert(key.clone());
        let vehicle = self.vehicles.entry(key).or_default();
        if vehicle.name.is_empty() {
            vehicle.name = plan.vehicle.trim().to_owned();
        }
        vehicle.follow(plan, &mut self.scratch)
    }

    pub fn follows(&self, load: &LoadId) -> bool {
        self.followed.contains_key(load)
    }

    /// Every load that is followed.
    pub fn loads(&self) -> impl Iterator<Item = &LoadId> {
        self.followed.keys()
    }

    pub fn vehicles(&self) -> impl Iterator<Item = (&String, &Vehicle)> {
        self.vehicles.iter()
    }

    fn shrink(&mut self) {
        if self.vehicles.len() <= VEHICLES_MAX {
            return;
        }
        let mut idle: Vec<(u64, String)> = self
            .vehicles
            .iter()
            .filter(|(_, it)| !it.has_trips())
            .map(|(key, it)| (it.touched, key.clone()))
            .collect();
        idle.sort_unstable();
        idle.truncate(VEHICLES_MAX / 10);
        let gone: BTreeSet<String> = idle.into_iter().map(|(_, key)| key).collect();
        self.vehicles.retain(|key, _| !gone.contains(key));
        self.called.retain(|_, key| !gone.contains(key));
    }

    /// Vehicles that have changed since they were last asked for here.
    pub fn changed(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    /// A vehicle as it outlives a restart.
    pub fn snapshot(&self, key: &str) -> Option<Snapshot> {
        self.vehicles.get(key).map(|it| it.snapshot(key))
    }

    /// Takes a vehicle back as it was kept. Its positions are folded again at once; what that shows was told before.
    pub fn restore(&mut self, snapshot: Snapshot, plan: impl FnMut(&LoadId) -> Option<Plan>) {
        let key = snapshot.key.clone();
        let mut vehicle = Vehicle::restore(snapshot, plan);
        let _told_before = vehicle.fold(&mut self.scratch);
        for load in vehicle.loads() {
            self.followed.insert(load.clone(), key.clone());
        }
        if let Some(id) = vehicle.id.clone() {
            self.called.insert(id, key.clone());
        }
        self.called.insert(key.clone(), key.clone());
        self.vehicles.insert(key, vehicle);
    }
}

impl Taken {
    fn refuse(&mut self, place: usize, position: &PositionAttempt, why: Why) {
        self.unused += 1;
        self.refused_in_all += 1;
        if self.refused.len() < REFUSED_MAX {
            self.refused.push(Refused {
                place,
                vehicle: position.name.clone().unwrap_or_else(|| position.vehicle.clone()),
                why,
            });
        }
    }
}

impl Why {
    /// In words for people.
    pub fn explain(self) -> String {
        match self {
            Self::Future { seconds } => format!("{seconds} s ahead of our clock; {FUTURE_S} s are forgiven"),
            Self::TooOld => "more than a week old".to_owned(),
            Self::TooLate => "before what is kept of the vehicle in order".to_owned(),
            Self::NotYours => "of a vehicle that hauls nothing for this key's carrier".to_owned(),
        }
    }
}

/// How a vehicle is looked up.
pub fn key(name: &str) -> String {
    name.trim().to_lowercase()
}
