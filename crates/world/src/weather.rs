//! Weather: cells that wander and slow whoever is inside them.

use crate::Chance;
use crate::map::{CITIES, Point, city};

/// A storm or a rain front. Times in seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub from_s: i64,
    pub to_s: i64,
    start: Point,
    /// Degrees an hour, north and east.
    drift: (f64, f64),
    pub radius_km: f64,
    /// What is left of the usual speed inside.
    pub speed: f64,
    pub severe: bool,
}

/// What the sky is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Climate {
    /// A rain front now and then.
    #[default]
    Ordinary,
    /// Severe weather crosses the corridors of the middle west as well.
    Storm,
}

/// How long one world has weather for.
const FRONTS: i64 = 400;
const FRONT_EVERY_S: i64 = 3 * 3_600;

impl Cell {
    pub fn at(&self, now_s: i64) -> Point {
        let hours = (now_s - self.from_s) as f64 / 3_600.0;
        Point {
            north: self.start.north + self.drift.0 * hours,
            east: self.start.east + self.drift.1 * hours,
        }
    }

    pub fn covers(&self, place: Point, now_s: i64) -> bool {
        (self.from_s..self.to_s).contains(&now_s) && self.at(now_s).km_to(place) <= self.radius_km
    }

    /// One that stands over a place.
    pub fn over(place: Point, radius_km: f64, from_s: i64, to_s: i64) -> Self {
        Self {
            from_s,
            to_s,
            start: place,
            drift: (0.0, 0.0),
            radius_km,
            speed: 0.3,
            severe: true,
        }
    }
}

/// The weather of a world that begins at `start_s`: one front after the other, and the storm.
pub fn forecast(seed: u64, climate: Climate, start_s: i64) -> Vec<Cell> {
    let mut chance = Chance::of(seed, "weather");
    let mut cells: Vec<Cell> = (-2..FRONTS)
        .map(|place| {
            let from_s = start_s + place * FRONT_EVERY_S + chance.below(3_600) as i64;
            Cell {
                from_s,
                to_s: from_s + (5 + chance.below(5) as i64) * 3_600,
                start: chance.pick(&CITIES).at,
                drift: (
                    0.15 - chance.below(30) as f64 / 100.0,
                    0.2 + chance.below(40) as f64 / 100.0,
                ),
                radius_km: 80.0 + chance.below(120) as f64,
                speed: 0.65 + chance.below(25) as f64 / 100.0,
                severe: false,
            }
        })
        .collect();
    if climate == Climate::Storm {
        cells.extend(storm(start_s));
    }
    cells
}

/// From the plains to the lakes in a day, in two bands behind each other.
fn storm(start_s: i64) -> Vec<Cell> {
    let from = city("Kansas City MO").map_or(CITIES[0].at, |it| CITIES[it].at);
    let band = |after_h: i64, radius_km: f64, speed: f64| Cell {
        from_s: start_s + after_h * 3_600,
        to_s: start_s + (after_h + 26) * 3_600,
        start: from,
        drift: (0.08, 0.42),
        radius_km,
        speed,
        severe: true,
    };
    vec![band(0, 430.0, 0.28), band(6, 380.0, 0.4)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_storm_crosses_the_middle_west_and_ordinary_days_have_none() {
        let at = |name: &str| CITIES[city(name).unwrap()].at;
        let cells = forecast(1, Climate::Storm, 0);
        let severe = |place: Point, hour: i64| cells.iter().any(|it| it.severe && it.covers(place, hour * 3_600));
        assert!(severe(at("Kansas City MO"), 1) && severe(at("Chicago IL"), 14) && severe(at("Indianapolis IN"), 20));
        assert!(!severe(at("Los Angeles CA"), 14) && !severe(at("Chicago IL"), 60));
        assert!(forecast(1, Climate::Ordinary, 0).iter().all(|it| !it.severe));
    }
}
