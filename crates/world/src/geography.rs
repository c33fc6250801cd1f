//! Real places, roughly placed: cities with their state, postal code, zone and position (public facts).

pub struct City {
    pub name: &'static str,
    pub region: &'static str,
    pub postal_code: &'static str,
    pub zone: &'static str,
    /// Degrees north and east.
    pub at: (f64, f64),
}

impl City {
    /// Great-circle distance in kilometres on a sphere of 6,371 km.
    pub fn km_to(&self, other: &City) -> f64 {
        let radians = |degrees: f64| degrees.to_radians();
        let (north, east) = (radians(other.at.0 - self.at.0), radians(other.at.1 - self.at.1));
        let a = (north / 2.0).sin().powi(2)
            + radians(self.at.0).cos() * radians(other.at.0).cos() * (east / 2.0).sin().powi(2);
        2.0 * 6_371.0 * a.sqrt().asin()
    }
}

const fn city(
    name: &'static str,
    region: &'static str,
    postal_code: &'static str,
    zone: &'static str,
    at: (f64, f64),
) -> City {
    City {
        name,
        region,
        postal_code,
        zone,
        at,
    }
}

const EASTERN: &str = "America/New_York";
const CENTRAL: &str = "America/Chicago";
const MOUNTAIN: &str = "America/Denver";
const PACIFIC: &str = "America/Los_Angeles";

pub const CITIES: [City; 24] = [
    city("Rumford", "ME", "04276", EASTERN, (44.55, -70.55)),
    city("Albany", "NY", "12207", EASTERN, (42.65, -73.75)),
    city("Scranton", "PA", "18503", EASTERN, (41.41, -75.66)),
    city("Richmond", "VA", "23219", EASTERN, (37.54, -77.44)),
    city("Charlotte", "NC", "28202", EASTERN, (35.23, -80.84)),
    city("Atlanta", "GA", "30303", EASTERN, (33.75, -84.39)),
    city("Jacksonville", "FL", "32202", EASTERN, (30.33, -81.66)),
    city("Columbus", "OH", "43215", EASTERN, (39.96, -83.0)),
    city("Grand Rapids", "MI", "49503", "America/Detroit", (42.96, -85.67)),
    city(
        "Indianapolis",
        "IN",
        "46204",
        "America/Indiana/Indianapolis",
        (39.77, -86.16),
    ),
    city("West Allis", "WI", "53214", CENTRAL, (43.02, -88.01)),
    city("Joliet", "IL", "60432", CENTRAL, (41.53, -88.08)),
    city("Saint Louis", "MO", "63101", CENTRAL, (38.63, -90.2)),
    city("Memphis", "TN", "38103", CENTRAL, (35.15, -90.05)),
    city("Dallas", "TX", "75201", CENTRAL, (32.78, -96.8)),
    city("Tulsa", "OK", "74103", CENTRAL, (36.15, -95.99)),
    city("Omaha", "NE", "68102", CENTRAL, (41.26, -95.93)),
    city("Minneapolis", "MN", "55401", CENTRAL, (44.98, -93.27)),
    city("Denver", "CO", "80202", MOUNTAIN, (39.74, -104.99)),
    city("Salt Lake City", "UT", "84101", MOUNTAIN, (40.76, -111.89)),
    city("Phoenix", "AZ", "85004", "America/Phoenix", (33.45, -112.07)),
    city("Reno", "NV", "89501", PACIFIC, (39.53, -119.81)),
    city("Fresno", "CA", "93721", PACIFIC, (36.74, -119.79)),
    city("Spokane", "WA", "99201", PACIFIC, (47.66, -117.43)),
];
