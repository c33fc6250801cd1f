//! Positions: where a vehicle was, when. Degrees are kept as whole ten-millionths, so that two readers of the same
//! message hold the same number and equality means equality.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A point on the earth (WGS 84). About a centimetre fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Degrees", into = "Degrees")]
pub struct Coordinates {
    latitude_e7: i32,
    longitude_e7: i32,
}

/// The same in decimal degrees north and east, as it is written.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Degrees {
    latitude_deg: f64,
    longitude_deg: f64,
}

const PER_DEGREE: f64 = 1e7;

impl Coordinates {
    /// Degrees north and east. None outside -90..=90 and -180..=180, and for what is no number.
    pub fn new(latitude_deg: f64, longitude_deg: f64) -> Option<Self> {
        let valid = latitude_deg.abs() <= 90.0 && longitude_deg.abs() <= 180.0;
        valid.then(|| Self {
            latitude_e7: (latitude_deg * PER_DEGREE).round() as i32,
            longitude_e7: (longitude_deg * PER_DEGREE).round() as i32,
        })
    }

    /// From whole ten-millionths of a degree, as `e7` gave them.
    pub fn from_e7(latitude_e7: i32, longitude_e7: i32) -> Option<Self> {
        let valid = latitude_e7.unsigned_abs() <= 900_000_000 && longitude_e7.unsigned_abs() <= 1_800_000_000;
        valid.then_some(Self {
            latitude_e7,
            longitude_e7,
        })
    }

    pub fn e7(self) -> (i32, i32) {
        (self.latitude_e7, self.longitude_e7)
    }

    pub fn latitude_deg(self) -> f64 {
        f64::from(self.latitude_e7) / PER_DEGREE
    }

    pub fn longitude_deg(self) -> f64 {
        f64::from(self.longitude_e7) / PER_DEGREE
    }

    /// 0 north 0 east, where receivers without a fix say they are.
    pub fn is_null_island(self) -> bool {
        self.latitude_e7 == 0 && self.longitude_e7 == 0
    }
}

impl From<Coordinates> for Degrees {
    fn from(it: Coordinates) -> Self {
        Self {
            latitude_deg: it.latitude_deg(),
            longitude_deg: it.longitude_deg(),
        }
    }
}

impl TryFrom<Degrees> for Coordinates {
    type Error = &'static str;

    fn try_from(it: Degrees) -> Result<Self, Self::Error> {
        Self::new(it.latitude_deg, it.longitude_deg).ok_or("a latitude or longitude lies outside the earth")
    }
}

/// What a telematics message claims of one vehicle at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionAttempt {
    /// The vehicle as its telematics provider identifies it (Samsara `id`, Traccar `uniqueId`).
    pub vehicle: String,
    /// The name people gave it there, mostly the truck's number.
    pub name: Option<String>,
    pub at: Timestamp,
    pub coordinates: Coordinates,
    /// Rounded.
    pub speed_kmh: Option<u16>,
    /// Clockwise from north, 0 to 359.
    pub heading_deg: Option<u16>,
    pub accuracy_m: Option<u32>,
}

/// One position as it is shown to people: sampled, the rest stays in the raw message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionSample {
    pub vehicle: String,
    pub at: Timestamp,
    pub coordinates: Coordinates,
    pub speed_kmh: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_come_back_as_they_were_written() {
        let read: Coordinates = serde_json::from_str(r#"{"latitude_deg":41.2,"longitude_deg":-87.6}"#).unwrap();
        assert_eq!(read.e7(), (412_000_000, -876_000_000));
        let written = serde_json::to_value(read).unwrap();
        assert_eq!(
            written,
            serde_json::json!({"latitude_deg": 41.2, "longitude_deg": -87.6})
        );
        assert!(serde_json::from_str::<Coordinates>(r#"{"latitude_deg":91.0,"longitude_deg":0.0}"#).is_err());
        assert_eq!(Coordinates::new(f64::NAN, 0.0), None);
        assert_eq!(Coordinates::new(0.0, 180.1), None);
    }
}
