//! One vehicle's positions in the order of their own times, bounded, and the loads it hauls.
//!
//! Invariant: the positions kept are a function of the set that came: of each quarter minute the earliest, and no
//! doubles. A position in its turn costs one step; one that is late costs a fold of what is kept.

use super::Picture;
use super::fleet::Why;
use super::fold::Fold;
use super::plan::Plan;
use serde::{Deserialize, Serialize};
use signalbox_advice::drive::Arrival;
use signalbox_model::id::{LoadId, PartnerId};
use signalbox_model::position::{Coordinates, PositionAttempt};
use std::collections::BTreeMap;

/// One position is kept of each span of this length.
pub const KEPT_EVERY_S: i64 = 15;
/// Positions kept of one vehicle: four hours of them at the least, a day and more as trucks report.
pub const PINGS_MAX: usize = 1_024;
/// The same of a vehicle without a load: what counts should it be assigned late.
pub const IDLE_PINGS_MAX: usize = 256;
/// How many of the oldest are folded for good once there are more.
const FOLDED_AT_ONCE: usize = 64;
/// Loads followed by one vehicle's positions. The one followed longest gives way.
pub const TRIPS_MAX: usize = 4;

const NO_SPEED: u16 = u16::MAX;

/// A position as it is kept: what the fold needs of it, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Packed", into = "Packed")]
pub struct Ping {
    pub at_s: i64,
    place: Coordinates,
    speed_kmh: u16,
}

/// Seconds since 1970, ten-millionths of degrees north and east, km/h.
type Packed = (i64, i32, i32, u16);

impl TryFrom<Packed> for Ping {
    type Error = &'static str;

    fn try_from((at_s, latitude_e7, longitude_e7, speed_kmh): Packed) -> Result<Self, Self::Error> {
        let place = Coordinates::from_e7(latitude_e7, longitude_e7).ok_or("a position outside the earth")?;
        Ok(Self { at_s, place, speed_kmh })
    }
}

impl From<Ping> for Packed {
    fn from(it: Ping) -> Self {
        let (latitude_e7, longitude_e7) = it.place.e7();
        (it.at_s, latitude_e7, longitude_e7, it.speed_kmh)
    }
}

impl Ping {
    pub fn of(position: &PositionAttempt) -> Self {
        Self {
            at_s: position.at.as_second(),
            place: position.coordinates,
            speed_kmh: position.speed_kmh.unwrap_or(NO_SPEED),
        }
    }

    pub fn place(&self) -> Coordinates {
        self.place
    }

    pub fn speed_kmh(&self) -> Option<u16> {
        (self.speed_kmh != NO_SPEED).then_some(self.speed_kmh)
    }

    fn span(&self) -> i64 {
        self.at_s.div_euclid(KEPT_EVERY_S)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Vehicle {
    /// As people call it; the fleet's key is the same in lower case.
    pub name: String,
    /// The provider's id, once a position told it.
    pub id: Option<String>,
    pings: Vec<Ping>,
    /// How many of them the trips' folds hold.
    folded: usize,
    /// One came among those.
    late: bool,
    /// Everything up to here is folded for good; a position before it comes too late.
    horizon_s: Option<i64>,
    trips: BTreeMap<LoadId, Trip>,
    /// When a position was last sampled, by the owner's clock.
    pub sampled_s: Option<i64>,
    pub refused: u32,
    pub refused_last: Option<Why>,
    /// The fleet's count of messages when this vehicle was last in one.
    pub touched: u64,
}

#[derive(Clone, Debug)]
struct Trip {
    plan: Plan,
    /// After everything up to the horizon.
    base: Fold,
    fold: Fold,
    told: Picture,
}

/// What became of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// It, or an earlier one of its quarter minute, is known.
    Known,
    TooLate,
}

/// A vehicle as it outlives a restart.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    pub key: String,
    name: String,
    id: Option<String>,
    pings: Vec<Ping>,
    horizon_s: Option<i64>,
    trips: Vec<(LoadId, Fold)>,
}

impl Snapshot {
    pub fn loads(&self) -> impl Iterator<Item = &LoadId> {
        self.trips.iter().map(|(load, _)| load)
    }

    /// Positions kept, in the order of their times.
    pub fn pings(&self) -> &[Ping] {
        &self.pings
    }
}

impl Vehicle {
    pub fn has_trips(&self) -> bool {
        !self.trips.is_empty()
    }

    pub fn loads(&self) -> impl Iterator<Item = &LoadId> {
        self.trips.keys()
    }

    pub fn hauls_for(&self, carrier: &PartnerId) -> bool {
        self.trips.values().any(|it| it.plan.carrier.as_ref() == Some(carrier))
    }

    pub fn refuse(&mut self, why: Why) {
        self.refused = self.refused.saturating_add(1);
        self.refused_last = Some(why);
    }

    pub fn newest(&self) -> Option<&Ping> {
        self.pings.last()
    }

    /// Puts a position where it belongs. `fold` folds it.
    pub fn take(&mut self, ping: Ping) -> Taken {
        if self.horizon_s.is_some_and(|horizon| ping.at_s <= horizon) {
            return Taken::TooLate;
        }
        let in_turn = self.pings.last().is_none_or(|last| last.span() < ping.span());
        let place = if in_turn {
            self.pings.len()
        } else {
            self.pings.partition_point(|it| it.span() < ping.span())
        };
        match self.pings.get_mut(place).filter(|it| it.span() == ping.span()) {
            Some(known) if *known <= ping => return Taken::Known,
            Some(known) => *known = ping,
            None => self.pings.insert(place, ping),
        }
        self.late |= place < self.folded;
        Taken::New
    }

    /// Folds what was taken, and answers the loads whose picture has changed.
    pub fn fold(&mut self, scratch: &mut Vec<Arrival>) -> Vec<(LoadId, Picture)> {
        let fresh = self.pings.get(self.folded..).unwrap_or_default();
        if fresh.is_empty() && !self.late {
            return Vec::new();
        }
        let mut moved = Vec::new();
        for (load, trip) in &mut self.trips {
            let changed = if self.late {
                trip.fold_again(&self.pings, scratch);
                true
            } else {
                let step = |changed, ping| trip.fold.step(&trip.plan, ping, scratch) | changed;
                fresh.iter().fold(false, step)
            };
            if changed && let Some(picture) = trip.tell() {
                moved.push((load.clone(), picture));
            }
        }
        self.folded = self.pings.len();
        self.late = false;
        self.shorten(scratch);
        moved
    }

    fn shorten(&mut self, scratch: &mut Vec<Arrival>) {
        let max = if self.has_trips() { PINGS_MAX } else { IDLE_PINGS_MAX };
        while self.pings.len() > max {
            let oldest: Vec<Ping> = self.pings.drain(..FOLDED_AT_ONCE).collect();
            for trip in self.trips.values_mut() {
                for ping in &oldest {
                    trip.base.step(&trip.plan, ping, scratch);
                }
            }
            self.horizon_s = oldest.last().map(|it| (it.span() + 1) * KEPT_EVERY_S - 1);
            self.folded = self.pings.len();
        }
    }

    /// Follows a load, or follows it under a new plan. Answers its picture where that is new.
    pub fn follow(&mut self, plan: Plan, scratch: &mut Vec<Arrival>) -> Option<Picture> {
        let load = plan.load.clone();
        let known = self.trips.remove(&load).filter(|it| it.base.fits(&plan));
        let mut trip = match known {
            Some(known) => Trip { plan, ..known },
            None => Trip {
                base: Fold::new(&plan),
                fold: Fold::new(&plan),
                told: Picture::default(),
                plan,
            },
        };
        trip.fold_again(self.pings.get(..self.folded).unwrap_or_default(), scratch);
        let picture = trip.tell();
        self.trips.insert(load, trip);
        if self.trips.len() > TRIPS_MAX {
            // Ids sort by the time the load was made.
            self.trips.pop_first();
        }
        picture
    }

    pub fn forget(&mut self, load: &LoadId) -> bool {
        self.trips.remove(load).is_some()
    }

    pub fn snapshot(&self, key: &str) -> Snapshot {
        Snapshot {
            key: key.to_owned(),
            name: self.name.clone(),
            id: self.id.clone(),
            pings: self.pings.clone(),
            horizon_s: self.horizon_s,
            trips: self
                .trips
                .iter()
                .map(|(load, it)| (load.clone(), it.base.clone()))
                .collect(),
        }
    }

    /// The vehicle as it was, once `plan` has answered what each of its loads is about now.
    pub fn restore(snapshot: Snapshot, mut plan: impl FnMut(&LoadId) -> Option<Plan>) -> Self {
        let mut vehicle = Self {
            name: snapshot.name,
            id: snapshot.id,
            horizon_s: snapshot.horizon_s,
            pings: snapshot.pings,
            ..Self::default()
        };
        for (load, base) in snapshot.trips {
            let Some(plan) = plan(&load).filter(|it| base.fits(it)) else {
                continue;
            };
            let (fold, told) = (base.clone(), Picture::default());
            vehicle.trips.insert(load, Trip { plan, base, fold, told });
        }
        vehicle.late = true;
        vehicle
    }
}

impl Trip {
    fn fold_again(&mut self, pings: &[Ping], scratch: &mut Vec<Arrival>) {
        self.fold = self.base.clone();
        for ping in pings {
            self.fold.step(&self.plan, ping, scratch);
        }
    }

    /// The picture, where it differs from the one told last.
    fn tell(&mut self) -> Option<Picture> {
        let picture = self.fold.picture(&self.plan);
        if picture == self.told {
            return None;
        }
        self.told = picture.clone();
        Some(picture)
    }
}
