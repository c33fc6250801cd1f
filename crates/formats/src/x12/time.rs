//! X12 dates (373), times (337) and time codes (623), both ways.

pub use crate::moment::Edge;
use crate::moment::{self, Meant};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use signalbox_model::load::Location;
use signalbox_model::value::{Moment, TimeBasis};

/// Which of the three elements is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    Date,
    Time,
    Code,
}

/// CCYYMMDD, or YYMMDD of this century as releases before 4010 have it.
pub fn date(text: &str) -> Option<Date> {
    let number: i32 = text
        .bytes()
        .all(|it| it.is_ascii_digit())
        .then(|| text.parse().ok())??;
    let full = match text.len() {
        8 => number,
        6 => 20_000_000 + number,
        _ => return None,
    };
    let (year, month, day) = (full / 10_000, full / 100 % 100, full % 100);
    Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()
}

/// HHMM, HHMMSS and HHMMSSD..; 2400 is the midnight that ends the day.
fn local(date: Date, text: &str) -> Option<DateTime> {
    if !matches!(text.len(), 4 | 6..=8) || !text.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| text.get(from..from + 2).unwrap_or("0").parse::<i8>().ok();
    let (hour, minute, second) = (part(0)?, part(2)?, part(4)?);
    if (hour, minute, second) == (24, 0, 0) {
        return Some(date.tomorrow().ok()?.to_datetime(Time::midnight()));
    }
    Some(date.to_datetime(Time::new(hour, minute, second, 0).ok()?))
}

/// A moment at a site. `default_zone` holds where neither code nor site says.
pub fn moment(
    (date_text, time_text, code): (&str, &str, &str),
    edge: Edge,
    site: &Location,
    default_zone: &str,
) -> Result<Moment, Bad> {
    let date = date(date_text).ok_or(Bad::Date)?;
    let local = match (time_text, edge) {
        ("", Edge::Earliest) => date.to_datetime(Time::midnight()),
        ("", Edge::Latest) => date.at(23, 59, 0, 0),
        (text, _) => local(date, text).ok_or(Bad::Time)?,
    };
    match code {
        "" => moment::in_zone(local, moment::local_to(site, false, default_zone)).ok_or(Bad::Date),
        "LT" => moment::in_zone(local, moment::local_to(site, true, default_zone)).ok_or(Bad::Date),
        code => stated(local, code, site).ok_or(Bad::Code),
    }
}

/// A moment whose zone the code names. It is shown in the site's own zone where that has the same clock.
fn stated(local: DateTime, code: &str, site: &Location) -> Option<Moment> {
    let mut moment = match meaning(code)? {
        Meaning::Zone(zone) => moment::in_zone(
            local,
            Meant {
                zone,
                basis: TimeBasis::Stated,
            },
        )?,
        Meaning::Fixed { minutes, zone } => {
            let at = Offset::from_seconds(minutes * 60).ok()?.to_timestamp(local).ok()?;
            Moment {
                at,
                zone,
                basis: TimeBasis::Stated,
            }
        }
    };
    let of_site = crate::place::zone(&site.country, &site.region).map(|it| it.zone);
    let same_clock = |zone: &str| offset_minutes(zone, moment.at) == offset_minutes(&moment.zone, moment.at);
    if let Some(zone) = of_site.filter(|zone| *zone != moment.zone && same_clock(zone)) {
        moment.zone = zone.to_owned();
    }
    Some(moment)
}

enum Meaning {
    Zone(&'static str),
    /// A clock that keeps its offset all year, and the zone to show it in.
    Fixed {
        minutes: i32,
        zone: String,
    },
}

/// Data element 623.
fn meaning(code: &str) -> Option<Meaning> {
    if let Some(family) = FAMILIES
        .iter()
        .find(|family| code.len() == 2 && code.starts_with(family.letter))
    {
        let fixed = |minutes| {
            Some(Meaning::Fixed {
                minutes,
                zone: family.zone.to_owned(),
            })
        };
        match code.get(1..) {
            Some("T") => return Some(Meaning::Zone(family.zone)),
            Some("S") => return fixed(family.standard),
            Some("D") => return fixed(family.standard + 60),
            _ => {}
        }
    }
    match code {
        "UT" | "GM" | "Z" => Some(Meaning::Zone("UTC")),
        _ => {
            // 01 to 12 are hours ahead of UTC; 13 to 24 count down from 12 hours behind it.
            let number: i32 = (code.len() == 2).then(|| code.parse().ok())??;
            let hours = match number {
                1..=12 => number,
                13..=24 => number - 25,
                _ => return None,
            };
            // The names of fixed zones have the sign of POSIX: Etc/GMT-1 is an hour ahead.
            Some(Meaning::Fixed {
                minutes: hours * 60,
                zone: format!("Etc/GMT{:+}", -hours),
            })
        }
    }
}

struct Family {
    letter: char,
    zone: &'static str,
    /// Standard time, minutes from UTC. Daylight time is an hour ahead of it.
    standard: i32,
}

const FAMILIES: [Family; 8] = [
    Family {
        letter: 'E',
        zone: "America/New_York",
        standard: -300,
    },
    Family {
        letter: 'C',
        zone: "America/Chicago",
        standard: -360,
    },
    Family {
        letter: 'M',
        zone: "America/Denver",
        standard: -420,
    },
    Family {
        letter: 'P',
        zone: "America/Los_Angeles",
        standard: -480,
    },
    Family {
        letter: 'A',
        zone: "America/Anchorage",
        standard: -540,
    },
    Family {
        letter: 'H',
        zone: "Pacific/Honolulu",
        standard: -600,
    },
    Family {
        letter: 'T',
        zone: "America/Halifax",
        standard: -240,
    },
    Family {
        letter: 'N',
        zone: "America/St_Johns",
        standard: -210,
    },
];

fn offset_minutes(zone: &str, at: Timestamp) -> Option<i32> {
    Some(moment::rules(zone)?.to_offset(at).seconds() / 60)
}

/// Date, time and time code that say exactly this moment, on the clock of its zone where X12 has a code for that
/// clock and in UTC elsewhere. Standard and daylight time are told apart, so the hour that occurs twice is not lost.
pub fn written(moment: &Moment) -> (String, String, String) {
    let minutes = offset_minutes(&moment.zone, moment.at);
    let in_america = moment.zone.starts_with("America/") || moment.zone == "Pacific/Honolulu";
    let code = minutes
        .filter(|_| in_america)
        .and_then(|minutes| clock_code(&moment.zone, minutes));
    let (offset, code) = match (minutes, code) {
        (Some(minutes), Some(code)) => (Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC), code),
        _ => (Offset::UTC, "UT".to_owned()),
    };
    let local = offset.to_datetime(moment.at);
    let time = if local.second() == 0 {
        local.strftime("%H%M")
    } else {
        local.strftime("%H%M%S")
    };
    (local.strftime("%Y%m%d").to_string(), time.to_string(), code)
}

/// The code of a clock that is so far from UTC: that of the zone's own family, else any standard time with it.
fn clock_code(zone: &str, minutes: i32) -> Option<String> {
    let own = FAMILIES.iter().find(|family| family.zone == zone);
    let standard = FAMILIES.iter().find(|family| family.standard == minutes);
    let family = own.or(standard)?;
    match minutes - family.standard {
        0 => Some(format!("{}S", family.letter)),
        60 => Some(format!("{}D", family.letter)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(date: &str, time: &str, code: &str, region: &str) -> String {
        let site = Location {
            region: region.to_owned(),
            country: "US".to_owned(),
            ..Location::default()
        };
        match moment((date, time, code), Edge::Earliest, &site, "America/Chicago") {
            Ok(it) => format!("{} {} {:?}", it.at, it.zone, it.basis),
            Err(bad) => format!("{bad:?}"),
        }
    }

    #[test]
    fn a_time_is_read_by_its_code_then_its_site_then_the_source() {
        assert_eq!(
            read("20260726", "1009", "LT", "ME"),
            "2026-07-26T14:09:00Z America/New_York Stated"
        );
        assert_eq!(
            read("20260726", "1009", "", "ME"),
            "2026-07-26T14:09:00Z America/New_York Assumed"
        );
        assert_eq!(
            read("20260726", "1009", "LT", "TX"),
            "2026-07-26T15:09:00Z America/Chicago Assumed"
        );
        assert_eq!(
            read("20260726", "1009", "", ""),
            "2026-07-26T15:09:00Z America/Chicago Assumed"
        );
        assert_eq!(
            read("20260726", "1009", "ET", "MI"),
            "2026-07-26T14:09:00Z America/Detroit Stated"
        );
        assert_eq!(
            read("20260726", "1009", "ES", "ME"),
            "2026-07-26T15:09:00Z America/New_York Stated"
        );
        assert_eq!(
            read("20260726", "1009", "20", ""),
            "2026-07-26T15:09:00Z Etc/GMT+5 Stated"
        );
        assert_eq!(read("20260726", "1009", "UT", ""), "2026-07-26T10:09:00Z UTC Stated");
        assert_eq!(read("260726", "2400", "UT", ""), "2026-07-27T00:00:00Z UTC Stated");
    }

    #[test]
    fn what_is_no_date_time_or_code_is_said_to_be_so() {
        assert_eq!(read("20260231", "1009", "", ""), "Date");
        assert_eq!(read("2026", "1009", "", ""), "Date");
        assert_eq!(read("20260726", "2560", "", ""), "Time");
        assert_eq!(read("20260726", "9", "", ""), "Time");
        assert_eq!(read("20260726", "1009", "XX", ""), "Code");
        assert_eq!(read("99999999", "1009", "", ""), "Date");
    }

    #[test]
    fn a_moment_written_reads_back_the_same() {
        let zones = [
            "America/New_York",
            "America/Phoenix",
            "America/Regina",
            "America/Detroit",
            "Europe/Berlin",
            "UTC",
        ];
        for zone in zones {
            for hour in 0..9_000 {
                let at = Timestamp::from_second(1_790_000_000 + hour * 3_600).unwrap();
                let (date, time, code) = written(&Moment {
                    at,
                    zone: zone.to_owned(),
                    basis: TimeBasis::Stated,
                });
                let again = moment((&date, &time, &code), Edge::Earliest, &Location::default(), "UTC").unwrap();
                assert_eq!(again.at, at, "{zone} {date} {time} {code}");
            }
        }
    }
}
