//! Local times to instants, with the zone they were meant in and whether it was said or worked out.

use jiff::civil;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use signalbox_model::load::Location;
use signalbox_model::value::{Moment, TimeBasis};
use std::sync::LazyLock;

/// The compiled-in zone rules. A constant: nothing on the machine can change it.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The rules of an IANA zone.
pub fn rules(zone: &str) -> Option<TimeZone> {
    ZONES.get(zone).ok()
}

/// Which end of a window a time is: what to take where only a date is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Earliest,
    Latest,
}

/// A zone by name, and how sure we are that it is the one that was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meant<'a> {
    pub zone: &'a str,
    pub basis: TimeBasis,
}

/// The zone of times local to a site. `said` is whether the message said "local time".
pub fn local_to<'a>(site: &Location, said: bool, default_zone: &'a str) -> Meant<'a> {
    let said = if said { TimeBasis::Stated } else { TimeBasis::Assumed };
    match crate::place::zone(&site.country, &site.region) {
        // Saying "local" in a state with two zones leaves one of them assumed.
        Some(region) if region.split => Meant {
            zone: region.zone,
            basis: TimeBasis::Assumed,
        },
        Some(region) => Meant {
            zone: region.zone,
            basis: said,
        },
        None => Meant {
            zone: default_zone,
            basis: TimeBasis::Assumed,
        },
    }
}

/// A local time in a zone. In the hour that occurs twice the earlier is taken, in the one that does not occur the
/// time after it; an unknown zone is read as UTC and so assumed.
pub fn in_zone(local: civil::DateTime, meant: Meant<'_>) -> Option<Moment> {
    let Some(rules) = rules(meant.zone) else {
        let at = TimeZone::UTC.to_ambiguous_timestamp(local).compatible().ok()?;
        return Some(Moment {
            at,
            zone: "UTC".to_owned(),
            basis: TimeBasis::Assumed,
        });
    };
    let at = rules.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Moment {
        at,
        zone: meant.zone.to_owned(),
        basis: meant.basis,
    })
}
