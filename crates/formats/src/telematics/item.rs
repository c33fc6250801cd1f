//! A JSON value and its pointer, written out only where an issue needs it; and the checks all shapes share.

use super::Reading;
use crate::findings::quoted;
use crate::moment::{self, Meant};
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;
use signalbox_model::position::{Coordinates, PositionAttempt};
use signalbox_model::value::TimeBasis;

/// Characters of a vehicle's name.
const NAME_MAX: usize = 100;
/// Faster is no vehicle on a road: the speed is left out, the position is read.
const SPEED_MAX_KMH: f64 = 400.0;
/// Numbers from here on are milliseconds since 1970, below it seconds: the year 5138 in the one, 1973 in the other.
const MILLISECONDS_FROM: f64 = 1e11;

/// Entries read of one list.
const LIST_MAX: usize = super::POSITIONS_MAX + 1;

#[derive(Clone, Debug)]
pub struct Item<'v> {
    value: &'v Value,
    parent: String,
    key: Option<Key<'v>>,
}

#[derive(Clone, Copy, Debug)]
enum Key<'v> {
    Name(&'v str),
    Place(usize),
}

impl<'v> Item<'v> {
    pub fn root(value: &'v Value) -> Self {
        Self {
            value,
            parent: String::new(),
            key: None,
        }
    }

    /// JSON pointer (RFC 6901).
    pub fn at(&self) -> String {
        match self.key {
            None => self.parent.clone(),
            Some(Key::Name(name)) => format!("{}/{name}", self.parent),
            Some(Key::Place(place)) => format!("{}/{place}", self.parent),
        }
    }

    pub fn under(&self, key: &str) -> String {
        format!("{}/{key}", self.at())
    }

    pub fn is_object(&self) -> bool {
        self.value.is_object()
    }

    pub fn shown(&self) -> String {
        match self.value {
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            Value::String(text) => quoted(text),
            other => quoted(&other.to_string()),
        }
    }

    fn raw(&self, key: &str) -> Option<&'v Value> {
        self.value.as_object()?.get(key).filter(|it| !it.is_null())
    }

    pub fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    pub fn get(&self, key: &'v str) -> Option<Item<'v>> {
        Some(Item {
            value: self.raw(key)?,
            parent: self.at(),
            key: Some(Key::Name(key)),
        })
    }

    pub fn list(&self) -> Option<Vec<Item<'v>>> {
        let parent = self.at();
        let item = |(place, value)| Item {
            value,
            parent: parent.clone(),
            key: Some(Key::Place(place)),
        };
        Some(
            self.value
                .as_array()?
                .iter()
                .take(LIST_MAX)
                .enumerate()
                .map(item)
                .collect(),
        )
    }

    /// The entries of a list; a single thing where a list is meant is a list of one.
    pub fn entries(&self, key: &'v str) -> Vec<Item<'v>> {
        let Some(item) = self.get(key) else { return Vec::new() };
        item.list().unwrap_or_else(|| vec![item])
    }

    /// The first of these fields that is text or a number, as text.
    pub fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| {
            let text: String = match self.raw(key)? {
                Value::String(text) => text.trim().chars().take(NAME_MAX).collect(),
                Value::Number(number) => number.to_string(),
                _ => return None, // Nothing a vehicle is called by.
            };
            (!text.is_empty()).then_some(text)
        })
    }

    /// The first of these fields that is a number, or text that reads as one.
    pub fn number(&self, keys: &[&str]) -> Option<f64> {
        keys.iter().find_map(|key| match self.raw(key)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok().filter(|it: &f64| it.is_finite()),
            _ => None, // No number.
        })
    }

    pub fn is_false(&self, key: &str) -> bool {
        self.raw(key) == Some(&Value::Bool(false))
    }
}

/// Which fields of a fix say what, and in which unit its speed is.
pub struct Fields {
    pub latitude: &'static [&'static str],
    pub longitude: &'static [&'static str],
    pub time: &'static [&'static str],
    pub heading: &'static [&'static str],
    pub accuracy: &'static [&'static str],
}

pub const KMH_PER_MPH: f64 = 1.609_344;
pub const KMH_PER_KNOT: f64 = 1.852;
pub const KMH_PER_MS: f64 = 3.6;

impl Reading<'_> {
    /// Takes one fix in, or says why not.
    pub fn fix(&mut self, vehicle: &Vehicle, fix: &Item<'_>, fields: &Fields, speed_kmh: Option<f64>) {
        if !self.meet() {
            return;
        }
        let Some(coordinates) = self.coordinates(fix, fields) else {
            return;
        };
        let Some(at) = self.time(fix, fields) else { return };
        let speed_kmh = speed_kmh.filter(|it| {
            let plausible = (0.0..=SPEED_MAX_KMH).contains(it);
            if !plausible {
                let why = format!("a speed of {it:.0} km/h is none of a vehicle on a road");
                let fix_it = "The position was read without its speed. Check the unit.";
                self.findings.warning("position.speed", fix.at(), why, fix_it);
            }
            plausible
        });
        let heading = fix.number(fields.heading).filter(|it| (0.0..=360.0).contains(it));
        let accuracy = fix.number(fields.accuracy).filter(|it| (0.0..=1e7).contains(it));
        self.positions.push(PositionAttempt {
            vehicle: vehicle.id.clone(),
            name: vehicle.name.clone(),
            at,
            coordinates,
            speed_kmh: speed_kmh.map(|it| it.round() as u16),
            heading_deg: heading.map(|it| it.round() as u16 % 360),
            accuracy_m: accuracy.map(|it| it.ceil() as u32),
        });
    }

    fn coordinates(&mut self, fix: &Item<'_>, fields: &Fields) -> Option<Coordinates> {
        let (latitude, longitude) = (fix.number(fields.latitude), fix.number(fields.longitude));
        let Some((latitude, longitude)) = latitude.zip(longitude) else {
            let key = fields.latitude.first().copied().unwrap_or_default();
            let why = "it says not where the vehicle was";
            self.findings.warning(
                "position.no_coordinates",
                fix.under(key),
                why,
                "Send latitude and longitude.",
            );
            return None;
        };
        let Some(read) = Coordinates::new(latitude, longitude) else {
            let swapped = Coordinates::new(longitude, latitude).is_some();
            let fix_it = if swapped {
                "Latitude and longitude seem to be exchanged."
            } else {
                "Latitude is -90 to 90, longitude -180 to 180."
            };
            let why = format!("{latitude}, {longitude} is no place on the earth");
            self.findings.warning("position.out_of_range", fix.at(), why, fix_it);
            return None;
        };
        if read.is_null_island() {
            let why = "0, 0 is what a receiver without a fix says";
            let fix_it = "The position was not used. Check the device's antenna.";
            self.findings.warning("position.null_island", fix.at(), why, fix_it);
            return None;
        }
        Some(read)
    }

    fn time(&mut self, fix: &Item<'_>, fields: &Fields) -> Option<Timestamp> {
        let key = fields.time.first().copied().unwrap_or_default();
        let Some(found) = fields.time.iter().find_map(|key| fix.raw(key)) else {
            let why = "it says not when the vehicle was there";
            let fix_it = "The position was not used: what came first cannot be known. Send its time.";
            self.findings.warning("position.no_time", fix.under(key), why, fix_it);
            return None;
        };
        let read = match found {
            Value::Number(number) => number.as_f64().and_then(since_1970),
            Value::String(text) => self.written_time(text.trim(), fix),
            _ => None, // Neither a number nor text.
        };
        if read.is_none() {
            let why = format!(
                "{} is not a time such as 2026-11-24T08:00:00Z",
                quoted(&found.to_string())
            );
            let fix_it = "The position was not used. Correct its time.";
            self.findings.warning("position.bad_time", fix.under(key), why, fix_it);
        }
        read
    }

    /// RFC 3339; or a local time, which is taken for one in the source's zone.
    fn written_time(&mut self, text: &str, fix: &Item<'_>) -> Option<Timestamp> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(at);
        }
        let local: DateTime = text.parse().ok()?;
        let meant = Meant {
            zone: self.context.zone,
            basis: TimeBasis::Assumed,
        };
        let why = format!("the time names no zone; {} was assumed", self.context.zone);
        let fix_it = "Send times with their offset or Z.";
        self.findings.forgiven("position.zone_assumed", fix.at(), why, fix_it);
        moment::in_zone(local, meant).map(|it| it.at)
    }
}

fn since_1970(number: f64) -> Option<Timestamp> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    let milliseconds = if number >= MILLISECONDS_FROM {
        number
    } else {
        number * 1_000.0
    };
    // Beyond the largest instant the conversion refuses.
    Timestamp::from_millisecond(milliseconds as i64).ok()
}

/// Whose fix it is.
pub struct Vehicle {
    pub id: String,
    pub name: Option<String>,
}

impl Vehicle {
    /// By these fields, the id's first. A vehicle with a name alone is known by it.
    pub fn read(item: &Item<'_>, ids: &[&str], names: &[&str]) -> Option<Self> {
        let (id, name) = (item.text(ids), item.text(names));
        match (id, name) {
            (Some(id), name) => Some(Self {
                name: name.filter(|it| *it != id),
                id,
            }),
            (None, Some(name)) => Some(Self { id: name, name: None }),
            (None, None) => None,
        }
    }
}

impl Reading<'_> {
    pub fn no_vehicle(&mut self, item: &Item<'_>, key: &str) {
        let why = "it says not which vehicle it is";
        let fix = "The position was not used. Send the vehicle's id or name.";
        self.findings.warning("position.no_vehicle", item.under(key), why, fix);
        self.met += 1;
    }
}
