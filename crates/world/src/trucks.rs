//! Trucks and their drivers: on the way, at a dock, at rest as the law asks, broken down, held by weather.
//!
//! Invariant: a truck moves only along its way, at most as far as its speed allows in the time, and its driver never
//! drives past the hours of `hours`.

use crate::companies::Tracker;
use crate::hours::{BREAK_S, Hours, Pause, REST_S};
use crate::map::{Point, Way};

#[derive(Clone, Debug)]
pub struct Truck {
    pub carrier: usize,
    /// Its number, as people paint it on the door.
    pub name: String,
    pub device: String,
    pub tracker: Tracker,
    pub at: Point,
    /// Place in `CITIES` of the city it is near once it stands.
    pub near: usize,
    pub heading_deg: f64,
    pub kmh: f64,
    pub hours: Hours,
    /// The driver's pace: a share of the usual speed.
    pub pace: f64,
    /// The load it hauls or is booked for.
    pub trip: Option<String>,
    pub way: Option<Way>,
    pub km: f64,
    pub pause: Option<(i64, Why)>,
    /// No signal until then; what the device saw meanwhile is sent afterwards.
    pub mute_until_s: i64,
    pub kept: Vec<Fix>,
}

/// Why a truck stands that could go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Break,
    Rest,
    Breakdown,
    Weather,
}

/// One position as a device tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    pub at_s: i64,
    pub place: Point,
    pub kmh: f64,
    pub heading_deg: f64,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Standing,
    Moving,
    /// At the end of its way.
    There,
}

impl Truck {
    pub fn send_off(&mut self, way: Way) {
        self.way = Some(way);
        self.km = 0.0;
    }

    /// Lets `seconds` up to `now_s` go by. `weather` is what is left of the usual speed.
    pub fn step(&mut self, now_s: i64, seconds: i64, weather: f64) -> Step {
        if self.pause.is_some_and(|(until, _)| until <= now_s - seconds) {
            self.pause = None;
        }
        let Some(way) = self.way.as_ref().filter(|_| self.pause.is_none()) else {
            self.stand(seconds);
            return Step::Standing;
        };
        if let Some(pause) = self.hours.needs(seconds) {
            let (length_s, why) = match pause {
                Pause::Break => (BREAK_S, Why::Break),
                Pause::Rest => (REST_S, Why::Rest),
            };
            self.pause = Some((now_s - seconds + length_s, why));
            self.stand(seconds);
            return Step::Standing;
        }
        let Some(here) = way.at(self.km) else {
            self.stand(seconds);
            return Step::Standing;
        };
        self.kmh = here.kmh * self.pace * weather;
        self.km += self.kmh * seconds as f64 / 3_600.0;
        self.hours.drive(seconds);
        let is_there = self.km >= way.road_km();
        if let Some(there) = way.at(self.km) {
            (self.at, self.heading_deg) = (there.at, there.heading_deg);
        }
        if is_there {
            self.way = None;
            self.kmh = 0.0;
            return Step::There;
        }
        Step::Moving
    }

    pub fn hold(&mut self, until_s: i64, why: Why) {
        self.pause = Some((until_s, why));
        self.kmh = 0.0;
    }

    fn stand(&mut self, seconds: i64) {
        self.kmh = 0.0;
        self.hours.stand(seconds);
    }

    pub fn fix(&self, at_s: i64) -> Fix {
        Fix {
            at_s,
            place: self.at,
            kmh: self.kmh,
            heading_deg: self.heading_deg,
        }
    }
}
