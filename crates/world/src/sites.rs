//! Warehouses near the cities, their docks, and who waits for one.

use crate::Chance;
use crate::map::{CITIES, Point};
use signalbox_model::directory::Site as DirectorySite;
use signalbox_model::position::Coordinates;

/// Fence around a warehouse, metres.
const RADIUS_M: u32 = 600;

/// A warehouse with docks. Times in seconds since 1970.
#[derive(Clone, Debug)]
pub struct Site {
    pub id: String,
    pub name: String,
    /// What partners call it (X12 N1-04).
    pub code: String,
    /// Place in `CITIES`.
    pub city: usize,
    pub at: Point,
    /// When each dock is free again.
    docks: Vec<i64>,
}

const KINDS: [&str; 3] = ["Distribution", "Cold Storage", "Crossdock"];
const STREETS: [&str; 6] = [
    "Dock Street",
    "Mill Road",
    "Freight Way",
    "Terminal Avenue",
    "Yard Lane",
    "Commerce Drive",
];

impl Site {
    /// When a truck that is here now is loaded or unloaded: first come, first served, for as long as it takes.
    pub fn serve(&mut self, now_s: i64, takes_s: i64) -> i64 {
        let Some(dock) = self.docks.iter_mut().min() else {
            return now_s + takes_s;
        };
        *dock = now_s.max(*dock) + takes_s;
        *dock
    }

    pub fn street(&self) -> String {
        let place = self.code.bytes().map(usize::from).sum::<usize>();
        format!("{} {}", 100 + place % 800, STREETS[place % STREETS.len()])
    }

    pub fn as_entered(&self) -> Option<DirectorySite> {
        let city = &CITIES[self.city];
        Some(DirectorySite {
            id: self.id.clone(),
            name: self.name.clone(),
            codes: vec![self.code.clone()],
            city: city.name.to_owned(),
            region: city.region.to_owned(),
            postal_code: city.postal_code.to_owned(),
            coordinates: Coordinates::new(self.at.north, self.at.east)?,
            radius_m: RADIUS_M,
            zone: Some(city.zone.to_owned()),
        })
    }
}

/// One or two warehouses for each city, some kilometres out.
pub fn around_cities(seed: u64) -> Vec<Site> {
    let mut chance = Chance::of(seed, "sites");
    let mut sites = Vec::new();
    for (place, city) in CITIES.iter().enumerate() {
        for number in 1..=1 + chance.below(2) {
            let letters: String = city
                .name
                .to_uppercase()
                .chars()
                .filter(char::is_ascii_alphabetic)
                .take(3)
                .collect();
            let code = format!("{letters}{}{number}", city.region);
            let (km, direction) = (4.0 + chance.below(120) as f64 / 10.0, chance.below(360) as f64);
            let docks = 3 + chance.below(3) as usize;
            sites.push(Site {
                id: code.to_lowercase(),
                name: format!("{} {} {number}", city.name, KINDS[chance.below(3) as usize]),
                code,
                city: place,
                at: city.at.off(km, direction),
                docks: vec![i64::MIN; docks],
            });
        }
    }
    sites
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_when_all_docks_are_taken_waits_for_the_first() {
        let mut site = around_cities(1).remove(0);
        site.docks = vec![i64::MIN; 2];
        let done: Vec<i64> = [0, 10, 20, 30].into_iter().map(|at| site.serve(at, 100)).collect();
        assert_eq!(done, [100, 110, 200, 210]);
    }

    #[test]
    fn sites_have_names_of_their_own_and_lie_near_their_city() {
        let sites = around_cities(7);
        let mut codes: Vec<_> = sites.iter().map(|it| &it.code).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), sites.len());
        for site in &sites {
            let km = site.at.km_to(CITIES[site.city].at);
            assert!((3.9..16.2).contains(&km), "{km}");
            assert!(site.as_entered().is_some());
        }
    }
}
