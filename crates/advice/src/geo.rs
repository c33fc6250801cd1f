//! Distances on a sphere. A truck's arrival does not need the ellipsoid: the error is at most half a per cent.

use signalbox_model::position::Coordinates;

/// Mean radius of the earth (IUGG), metres.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Great-circle distance in metres (haversine).
pub fn distance_m(from: Coordinates, to: Coordinates) -> f64 {
    let (north, east) = (
        (to.latitude_deg() - from.latitude_deg()).to_radians(),
        (to.longitude_deg() - from.longitude_deg()).to_radians(),
    );
    let (here, there) = (from.latitude_deg().to_radians(), to.latitude_deg().to_radians());
    let half = (north / 2.0).sin().powi(2) + here.cos() * there.cos() * (east / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS_M * half.sqrt().min(1.0).asin()
}

/// Kilometres an hour that a vehicle would have needed from one position to the next.
pub fn implied_speed_kmh(distance_m: f64, seconds: i64) -> f64 {
    distance_m / (seconds.max(1) as f64) * 3.6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Coordinates {
        Coordinates::new(latitude, longitude).unwrap()
    }

    #[test]
    fn known_distances_come_out() {
        // Chicago to Dallas is 1,290 km or so; a degree of latitude 111.2 km.
        let chicago_dallas = distance_m(at(41.878, -87.630), at(32.777, -96.797)) / 1_000.0;
        assert!((chicago_dallas - 1_291.0).abs() < 10.0, "{chicago_dallas}");
        let degree = distance_m(at(0.0, 0.0), at(1.0, 0.0));
        assert!((degree - 111_195.0).abs() < 1.0, "{degree}");
        assert_eq!(distance_m(at(44.8, -68.77), at(44.8, -68.77)), 0.0);
    }

    #[test]
    fn the_date_line_and_the_poles_are_no_wall() {
        assert!(distance_m(at(0.0, 179.99), at(0.0, -179.99)) < 3_000.0);
        assert!(distance_m(at(90.0, 0.0), at(90.0, 123.0)) < 1.0);
        let across = distance_m(at(0.0, 0.0), at(0.0, 180.0));
        assert!((across - std::f64::consts::PI * EARTH_RADIUS_M).abs() < 1.0);
    }
}
