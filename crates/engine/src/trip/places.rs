//! Where a stop lies: what the order says, else the tenant's own sites, else a coarse table of cities.
//!
//! A place from the table has no geofence: nobody knows in which street the dock is.

use crate::directory::Directory;
use signalbox_model::directory::Site;
use signalbox_model::load::{Location, Stop};
use signalbox_model::position::Coordinates;
use signalbox_model::trip::StopPlace;

/// Geofence of a stop whose order gives coordinates and no radius.
const RADIUS_M: u32 = 500;
const SITE_UNCERTAINTY_M: u32 = 100;
const CITY_UNCERTAINTY_M: u32 = 20_000;

pub fn locate(stop: &Stop, directory: &Directory) -> Option<StopPlace> {
    let location = &stop.location;
    let place = |coordinates, radius_m, uncertainty_m, source: String| StopPlace {
        stop: stop.sequence,
        coordinates,
        radius_m,
        uncertainty_m,
        source,
    };
    if let Some(coordinates) = location.coordinates {
        return Some(place(
            coordinates,
            Some(RADIUS_M),
            SITE_UNCERTAINTY_M,
            "order".to_owned(),
        ));
    }
    if let Some(site) = directory.sites.values().find(|it| is_at(it, location)) {
        let source = format!("site {}", site.id);
        return Some(place(site.coordinates, Some(site.radius_m), SITE_UNCERTAINTY_M, source));
    }
    let coordinates = city(&location.city, &location.region)?;
    let source = format!("city table, {}", location.label());
    Some(place(coordinates, None, CITY_UNCERTAINTY_M, source))
}

/// Where a place lies that no stop is at, and how that is known.
pub fn locate_place(location: &Location, directory: &Directory) -> Option<(Coordinates, String)> {
    if let Some(coordinates) = location.coordinates {
        return Some((coordinates, "statement".to_owned()));
    }
    if let Some(site) = directory.sites.values().find(|it| is_at(it, location)) {
        return Some((site.coordinates, format!("site {}", site.id)));
    }
    let coordinates = city(&location.city, &location.region)?;
    Some((coordinates, format!("city table, {}", location.label())))
}

/// By a partner's code for it; else by its name, where town or postal code agree.
fn is_at(site: &Site, location: &Location) -> bool {
    let same = |one: &str, other: &str| !one.is_empty() && one.trim().eq_ignore_ascii_case(other.trim());
    let by_code = location
        .code
        .as_deref()
        .is_some_and(|code| site.codes.iter().any(|it| same(it, code)));
    let postal = same(&site.postal_code, &location.postal_code);
    let town = same(&site.city, &location.city) && same(&site.region, &location.region);
    by_code || (same(&site.name, &location.name) && (postal || town))
}

fn city(name: &str, region: &str) -> Option<Coordinates> {
    let found = CITIES
        .iter()
        .find(|(city, state, ..)| city.eq_ignore_ascii_case(name.trim()) && state.eq_ignore_ascii_case(region.trim()));
    found.and_then(|(.., latitude, longitude)| Coordinates::new(*latitude, *longitude))
}

/// Freight cities of the United States and Canada, to about ten kilometres: public facts, as the Census Bureau's
/// Gazetteer and the Geographic Names Information System have them, rounded.
const CITIES: [(&str, &str, f64, f64); 104] = [
    ("Albany", "NY", 42.65, -73.75),
    ("Albuquerque", "NM", 35.08, -106.65),
    ("Allentown", "PA", 40.60, -75.47),
    ("Amarillo", "TX", 35.20, -101.83),
    ("Atlanta", "GA", 33.75, -84.39),
    ("Augusta", "ME", 44.31, -69.78),
    ("Austin", "TX", 30.27, -97.74),
    ("Bakersfield", "CA", 35.37, -119.02),
    ("Baltimore", "MD", 39.29, -76.61),
    ("Bangor", "ME", 44.80, -68.77),
    ("Baton Rouge", "LA", 30.45, -91.15),
    ("Billings", "MT", 45.78, -108.50),
    ("Birmingham", "AL", 33.52, -86.80),
    ("Boise", "ID", 43.62, -116.20),
    ("Boston", "MA", 42.36, -71.06),
    ("Buffalo", "NY", 42.89, -78.88),
    ("Calgary", "AB", 51.05, -114.07),
    ("Charleston", "SC", 32.78, -79.93),
    ("Charlotte", "NC", 35.23, -80.84),
    ("Chattanooga", "TN", 35.05, -85.31),
    ("Chicago", "IL", 41.88, -87.63),
    ("Cincinnati", "OH", 39.10, -84.51),
    ("Cleveland", "OH", 41.50, -81.69),
    ("Columbus", "OH", 39.96, -83.00),
    ("Dallas", "TX", 32.78, -96.80),
    ("Davenport", "IA", 41.52, -90.58),
    ("Denver", "CO", 39.74, -104.99),
    ("Des Moines", "IA", 41.59, -93.62),
    ("Detroit", "MI", 42.33, -83.05),
    ("Duluth", "MN", 46.79, -92.10),
    ("Edmonton", "AB", 53.55, -113.49),
    ("El Paso", "TX", 31.76, -106.49),
    ("Fargo", "ND", 46.88, -96.79),
    ("Fort Wayne", "IN", 41.08, -85.14),
    ("Fort Worth", "TX", 32.76, -97.33),
    ("Fresno", "CA", 36.74, -119.79),
    ("Grand Rapids", "MI", 42.96, -85.67),
    ("Green Bay", "WI", 44.51, -88.01),
    ("Greensboro", "NC", 36.07, -79.79),
    ("Harrisburg", "PA", 40.27, -76.88),
    ("Hartford", "CT", 41.77, -72.67),
    ("Houston", "TX", 29.76, -95.37),
    ("Indianapolis", "IN", 39.77, -86.16),
    ("Jackson", "MS", 32.30, -90.18),
    ("Jacksonville", "FL", 30.33, -81.66),
    ("Joliet", "IL", 41.53, -88.08),
    ("Kansas City", "KS", 39.11, -94.63),
    ("Kansas City", "MO", 39.10, -94.58),
    ("Knoxville", "TN", 35.96, -83.92),
    ("Laredo", "TX", 27.51, -99.51),
    ("Las Vegas", "NV", 36.17, -115.14),
    ("Lexington", "KY", 38.04, -84.50),
    ("Lincoln", "NE", 40.81, -96.68),
    ("Little Rock", "AR", 34.75, -92.29),
    ("Los Angeles", "CA", 34.05, -118.24),
    ("Louisville", "KY", 38.25, -85.76),
    ("Lubbock", "TX", 33.58, -101.86),
    ("Madison", "WI", 43.07, -89.40),
    ("McAllen", "TX", 26.20, -98.23),
    ("Memphis", "TN", 35.15, -90.05),
    ("Miami", "FL", 25.76, -80.19),
    ("Milwaukee", "WI", 43.04, -87.91),
    ("Minneapolis", "MN", 44.98, -93.27),
    ("Mobile", "AL", 30.69, -88.04),
    ("Montreal", "QC", 45.50, -73.57),
    ("Nashville", "TN", 36.16, -86.78),
    ("New Orleans", "LA", 29.95, -90.07),
    ("New York", "NY", 40.71, -74.01),
    ("Newark", "NJ", 40.74, -74.17),
    ("Norfolk", "VA", 36.85, -76.29),
    ("Oakland", "CA", 37.80, -122.27),
    ("Oklahoma City", "OK", 35.47, -97.52),
    ("Omaha", "NE", 41.26, -95.93),
    ("Ontario", "CA", 34.06, -117.65),
    ("Orlando", "FL", 28.54, -81.38),
    ("Philadelphia", "PA", 39.95, -75.17),
    ("Phoenix", "AZ", 33.45, -112.07),
    ("Pittsburgh", "PA", 40.44, -80.00),
    ("Portland", "ME", 43.66, -70.26),
    ("Portland", "OR", 45.52, -122.68),
    ("Raleigh", "NC", 35.78, -78.64),
    ("Reno", "NV", 39.53, -119.81),
    ("Richmond", "VA", 37.54, -77.44),
    ("Rumford", "ME", 44.55, -70.55),
    ("Sacramento", "CA", 38.58, -121.49),
    ("Saint Louis", "MO", 38.63, -90.20),
    ("Salina", "KS", 38.84, -97.61),
    ("Salt Lake City", "UT", 40.76, -111.89),
    ("San Antonio", "TX", 29.42, -98.49),
    ("Savannah", "GA", 32.08, -81.09),
    ("Scranton", "PA", 41.41, -75.66),
    ("Seattle", "WA", 47.61, -122.33),
    ("Shreveport", "LA", 32.53, -93.75),
    ("Sioux Falls", "SD", 43.55, -96.73),
    ("Spokane", "WA", 47.66, -117.43),
    ("St Louis", "MO", 38.63, -90.20),
    ("Stockton", "CA", 37.96, -121.29),
    ("Syracuse", "NY", 43.05, -76.15),
    ("Tampa", "FL", 27.95, -82.46),
    ("Toledo", "OH", 41.65, -83.54),
    ("Toronto", "ON", 43.65, -79.38),
    ("Tulsa", "OK", 36.15, -95.99),
    ("West Allis", "WI", 43.02, -88.01),
    ("Wichita", "KS", 37.69, -97.34),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_city_of_the_table_is_found_and_lies_in_north_america() {
        for (name, region, latitude, longitude) in CITIES {
            assert!((24.0..=55.0).contains(&latitude) && (-125.0..=-66.0).contains(&longitude));
            assert!(city(&name.to_uppercase(), region).is_some());
        }
        assert_eq!(city("Milltown", "ME"), None);
    }
}
