//! The map: cities, the interstate corridors between them, and the way from one place to another.
//!
//! Positions, states, postal codes and zones of cities are public facts (Census Bureau Gazetteer, Geographic Names
//! Information System, IANA), rounded to about a kilometre. A corridor is drawn straight between its cities; how much
//! longer the road is than that line is its factor, and how fast trucks go on it its speed: estimates of ours in the
//! range of FHWA, Freight Facts and Figures, table 3-8. It is a simulated network and no street map.

mod data;

pub use data::{CITIES, CORRIDORS};

use std::collections::BTreeMap;

/// Mean radius of the earth (IUGG), kilometres.
const EARTH_RADIUS_KM: f64 = 6_371.008_8;
/// Between a site and its city: longer than the line by this, and slower.
const LOCAL_FACTOR: f64 = 1.3;
const LOCAL_KMH: f64 = 45.0;

/// Degrees north and east.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub north: f64,
    pub east: f64,
}

pub struct City {
    pub name: &'static str,
    pub region: &'static str,
    pub postal_code: &'static str,
    pub zone: &'static str,
    pub at: Point,
}

/// An interstate between two cities, named by their places in `CITIES`.
pub struct Corridor {
    pub road: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    pub kmh: f64,
}

/// A straight piece of a way.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    from: Point,
    to: Point,
    line_km: f64,
    road_km: f64,
    kmh: f64,
}

/// The way from one place to another over the corridors.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    pieces: Vec<Piece>,
    road_km: f64,
}

/// Where a vehicle is on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnWay {
    pub at: Point,
    pub heading_deg: f64,
    /// The usual speed here.
    pub kmh: f64,
}

impl Point {
    /// Great-circle distance on a sphere.
    pub fn km_to(self, other: Self) -> f64 {
        let (north, east) = (
            (other.north - self.north).to_radians(),
            (other.east - self.east).to_radians(),
        );
        let a = (north / 2.0).sin().powi(2)
            + self.north.to_radians().cos() * other.north.to_radians().cos() * (east / 2.0).sin().powi(2);
        2.0 * EARTH_RADIUS_KM * a.sqrt().min(1.0).asin()
    }

    /// The point this far away, in a direction clockwise from north. For distances of some kilometres.
    pub fn off(self, km: f64, direction_deg: f64) -> Self {
        let (north_km, east_km) = (
            km * direction_deg.to_radians().cos(),
            km * direction_deg.to_radians().sin(),
        );
        let km_per_degree = EARTH_RADIUS_KM.to_radians();
        Self {
            north: self.north + north_km / km_per_degree,
            east: self.east + east_km / (km_per_degree * self.north.to_radians().cos()),
        }
    }

    fn heading_to(self, other: Self) -> f64 {
        let east = (other.east - self.east) * self.north.to_radians().cos();
        east.atan2(other.north - self.north).to_degrees().rem_euclid(360.0)
    }

    /// Between two points; straight in degrees, which over one corridor is near enough to the great circle.
    fn towards(self, other: Self, share: f64) -> Self {
        Self {
            north: self.north + (other.north - self.north) * share,
            east: self.east + (other.east - self.east) * share,
        }
    }
}

/// Place of a city in `CITIES` by `Name ST`.
pub fn city(name: &str) -> Option<usize> {
    CITIES.iter().position(|it| {
        name.strip_suffix(it.region)
            .is_some_and(|before| before.trim_end() == it.name)
    })
}

/// The corridors as a graph.
pub struct Roads {
    next: Vec<Vec<(usize, Piece)>>,
}

impl Roads {
    pub fn new() -> Self {
        let mut next = vec![Vec::new(); CITIES.len()];
        for corridor in CORRIDORS {
            let (Some(from), Some(to)) = (city(corridor.from), city(corridor.to)) else {
                continue;
            };
            let (start, end) = (CITIES[from].at, CITIES[to].at);
            let line_km = start.km_to(end);
            let piece = |from, to| Piece {
                from,
                to,
                line_km,
                road_km: line_km * factor(corridor.road),
                kmh: corridor.kmh,
            };
            next[from].push((to, piece(start, end)));
            next[to].push((from, piece(end, start)));
        }
        Self { next }
    }

    /// The quickest way between two places that lie near these cities. None where no corridor leads there.
    pub fn way(&self, (from, start): (usize, Point), (to, end): (usize, Point)) -> Option<Way> {
        if from == to {
            return Some(Way::of(vec![local(start, end)]));
        }
        let mut pieces = vec![local(start, CITIES[from].at)];
        pieces.extend(self.between(from, to)?);
        pieces.push(local(CITIES[to].at, end));
        pieces.retain(|it| it.road_km > 0.01);
        Some(Way::of(pieces))
    }

    /// Dijkstra over driving time. The graph has a hundred nodes, so the nearest is looked for plainly.
    fn between(&self, from: usize, to: usize) -> Option<Vec<Piece>> {
        let mut hours: BTreeMap<usize, f64> = BTreeMap::from([(from, 0.0)]);
        let mut came: BTreeMap<usize, (usize, &Piece)> = BTreeMap::new();
        let mut done = vec![false; CITIES.len()];
        loop {
            let open = hours.iter().filter(|(city, _)| !done[**city]);
            let (here, so_far) = open.min_by(|a, b| a.1.total_cmp(b.1)).map(|(city, it)| (*city, *it))?;
            if here == to {
                break;
            }
            done[here] = true;
            for (there, piece) in &self.next[here] {
                let along = so_far + piece.road_km / piece.kmh;
                if hours.get(there).is_none_or(|known| along < *known) {
                    hours.insert(*there, along);
                    came.insert(*there, (here, piece));
                }
            }
        }
        let mut pieces = Vec::new();
        let mut at = to;
        while let Some((before, piece)) = came.get(&at).filter(|_| at != from) {
            pieces.push((*piece).clone());
            at = *before;
        }
        pieces.reverse();
        Some(pieces)
    }
}

impl Default for Roads {
    fn default() -> Self {
        Self::new()
    }
}

impl Way {
    fn of(pieces: Vec<Piece>) -> Self {
        let road_km = pieces.iter().map(|it| it.road_km).sum();
        Self { pieces, road_km }
    }

    pub fn road_km(&self) -> f64 {
        self.road_km
    }

    /// Seconds of driving at the usual speeds from this kilometre on, without any rest.
    pub fn driving_s(&self, from_km: f64) -> i64 {
        let mut passed = 0.0;
        let mut hours = 0.0;
        for piece in &self.pieces {
            let left = (passed + piece.road_km - from_km).clamp(0.0, piece.road_km);
            hours += left / piece.kmh;
            passed += piece.road_km;
        }
        (hours * 3_600.0) as i64
    }

    /// Where one is after so many kilometres of road.
    pub fn at(&self, km: f64) -> Option<OnWay> {
        let mut left = km.max(0.0);
        let last = self.pieces.len().checked_sub(1)?;
        for (place, piece) in self.pieces.iter().enumerate() {
            if left <= piece.road_km || place == last {
                let share = (left / piece.road_km.max(0.001)).min(1.0);
                return Some(OnWay {
                    at: piece.from.towards(piece.to, share),
                    heading_deg: piece.from.heading_to(piece.to),
                    kmh: piece.kmh,
                });
            }
            left -= piece.road_km;
        }
        None
    }
}

fn local(from: Point, to: Point) -> Piece {
    let line_km = from.km_to(to);
    Piece {
        from,
        to,
        line_km,
        road_km: line_km * LOCAL_FACTOR,
        kmh: LOCAL_KMH,
    }
}

/// How much longer than the line a road is: 1.06 to 1.16, the same for all of one interstate.
fn factor(road: &str) -> f64 {
    let sum = road.bytes().fold(0_u32, |sum, it| sum.wrapping_mul(31) + u32::from(it));
    1.06 + f64::from(sum % 11) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_corridor_ends_in_cities_and_every_city_is_on_one_network() {
        let roads = Roads::new();
        for corridor in CORRIDORS {
            let (from, to) = (city(corridor.from), city(corridor.to));
            assert!(
                from.is_some() && to.is_some(),
                "{} {} {}",
                corridor.road,
                corridor.from,
                corridor.to
            );
            let km = CITIES[from.unwrap()].at.km_to(CITIES[to.unwrap()].at);
            assert!(
                (60.0..950.0).contains(&km),
                "{} to {}: {km}",
                corridor.from,
                corridor.to
            );
        }
        for (to, city) in CITIES.iter().enumerate() {
            assert!(roads.between(0, to).is_some(), "{} is on no corridor", city.name);
        }
    }

    #[test]
    fn every_zone_is_known_and_every_city_lies_in_the_country() {
        for city in &CITIES {
            assert!(jiff::tz::TimeZone::get(city.zone).is_ok(), "{}", city.zone);
            assert!((24.0..50.0).contains(&city.at.north) && (-125.0..-66.0).contains(&city.at.east));
            assert!(city.postal_code.len() == 5 && city.region.len() == 2);
        }
    }

    #[test]
    fn known_ways_have_about_their_known_lengths() {
        let roads = Roads::new();
        // Miles by road as any atlas has them: Chicago to Dallas 925, Los Angeles to Phoenix 373, Atlanta to Chicago 715.
        for (from, to, miles) in [
            ("Chicago IL", "Dallas TX", 925.0),
            ("Los Angeles CA", "Phoenix AZ", 373.0),
            ("Atlanta GA", "Chicago IL", 715.0),
            ("New York NY", "Chicago IL", 790.0),
        ] {
            let (from, to) = (city(from).unwrap(), city(to).unwrap());
            let way = roads.way((from, CITIES[from].at), (to, CITIES[to].at)).unwrap();
            let off = way.road_km() / (miles * 1.609_344) - 1.0;
            assert!(
                off.abs() < 0.12,
                "{} to {}: off by {off}",
                CITIES[from].name,
                CITIES[to].name
            );
        }
    }

    #[test]
    fn a_way_has_no_jump_and_ends_where_it_should() {
        let roads = Roads::new();
        let (from, to) = (city("Laredo TX").unwrap(), city("Boston MA").unwrap());
        let (start, end) = (CITIES[from].at.off(9.0, 40.0), CITIES[to].at.off(6.0, 250.0));
        let way = roads.way((from, start), (to, end)).unwrap();
        let mut before = way.at(0.0).unwrap().at;
        assert!(before.km_to(start) < 0.001);
        let mut km = 0.0;
        while km < way.road_km() {
            km += 1.0;
            let here = way.at(km).unwrap().at;
            assert!(here.km_to(before) < 1.05, "at {km} km");
            before = here;
        }
        assert!(before.km_to(end) < 0.1);
        assert!(way.driving_s(0.0) > 30 * 3_600 && way.driving_s(way.road_km()) == 0);
    }
}
