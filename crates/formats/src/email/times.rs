//! Times as people write them, and which instant they mean.

use super::clock;
use super::tokens::Token;
use crate::moment::{self, Meant};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{SignedDuration, Timestamp};
use signalbox_model::mail::{Found, FoundWhat, Span, SpokenClock, SpokenDay, SpokenTime, TimeRole};
use signalbox_model::value::{Moment, TimeBasis};

/// Words before a time that may say what it is the time of, and words around it that may say its day.
const NEAR: usize = 4;
/// A time of day without a day is looked for this far from the mail.
const DAYS_NEAR: i64 = 1;

pub(super) fn spoken(tokens: &[Token]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let read = from_now(tokens, at).or_else(|| of_day(tokens, at));
        match read {
            Some((time, span, next)) => {
                found.push(Found {
                    span,
                    what: FoundWhat::Time(time),
                });
                at = next;
            }
            None => at += 1,
        }
    }
    found
}

fn word(tokens: &[Token], at: usize) -> Option<&str> {
    tokens.get(at).map(|it| it.word.as_str())
}

/// `in 2 hrs`, `30 min ago`
fn from_now(tokens: &[Token], at: usize) -> Option<(SpokenTime, Span, usize)> {
    let is_ahead = matches!(word(tokens, at)?, "in" | "within");
    let first = at + usize::from(is_ahead);
    let (minutes, glued) = clock::minutes(word(tokens, first)?, word(tokens, first + 1))?;
    let last = if glued { first } else { first + 1 };
    let is_past = word(tokens, last + 1) == Some("ago");
    let minutes = i32::try_from(minutes).ok()?;
    let (minutes, end) = match (is_ahead, is_past) {
        (true, _) => (minutes, last),
        (false, true) => (-minutes, last + 1),
        (false, false) => return None,
    };
    let role = if is_ahead { TimeRole::Expected } else { TimeRole::Since };
    let span = Span {
        start: tokens.get(at)?.span.start,
        end: tokens.get(end)?.span.end,
    };
    let time = SpokenTime {
        role,
        clock: SpokenClock::FromNow { minutes },
        zone: None,
    };
    Some((time, span, end + 1))
}

/// `since 9:40`, `tomorrow 7am`, `Tue 14:30 CST`
fn of_day(tokens: &[Token], at: usize) -> Option<(SpokenTime, Span, usize)> {
    let before = |back: usize| at.checked_sub(back).and_then(|it| word(tokens, it));
    let role_word = (1..=NEAR).find_map(|back| Some((back, role(before(back)?)?)));
    let is_announced =
        before(1).is_some_and(|it| matches!(it, "at" | "@" | "since" | "from" | "by" | "until" | "till" | "around"));
    let (hour, minute, taken) = clock::time(word(tokens, at)?, word(tokens, at + 1), is_announced)?;
    let mut end = at + taken;
    let zone = word(tokens, end + 1).and_then(clock::zone);
    end += usize::from(zone.is_some());
    let is_linked = |on: &usize| *on == 1 || matches!(word(tokens, end + 1), Some("on" | "this"));
    let behind = (1..=2)
        .filter(is_linked)
        .find_map(|on| Some((on, clock::day(word(tokens, end + on)?)?)));
    let parts = |it: &str| matches!(it, "or" | "and" | "then" | "not");
    let ahead = (1..=NEAR)
        .take_while(|back| before(*back).is_some_and(|it| !parts(it)))
        .find_map(|back| Some((back, clock::day(before(back)?)?)));
    let mut start = at;
    let day = match (ahead, behind) {
        (Some((back, day)), _) => {
            start = start.min(at - back);
            day
        }
        (None, Some((on, day))) => {
            end += on;
            day
        }
        (None, None) => SpokenDay::Unsaid,
    };
    if let Some((back, _)) = role_word.filter(|it| it.0 == 1 || start + it.0 <= at + 1) {
        start = start.min(at - back);
    }
    let time = SpokenTime {
        role: role_word.map_or(TimeRole::At, |it| it.1),
        clock: SpokenClock::At { day, hour, minute },
        zone: zone.map(str::to_owned),
    };
    let span = Span {
        start: tokens.get(start)?.span.start,
        end: tokens.get(end)?.span.end,
    };
    Some((time, span, end + 1))
}

fn role(word: &str) -> Option<TimeRole> {
    Some(match word {
        "since" | "from" => TimeRole::Since,
        "by" | "before" | "until" | "till" | "til" => TimeRole::Until,
        "eta" | "arrive" | "arriving" | "expect" | "expected" | "there" => TimeRole::Expected,
        _ => return None,
    })
}

/// The instant a spoken time means, in the zone of the site; `said_at` is when the mail was sent. Where the text names
/// no zone, that of the site is assumed.
pub(super) fn resolve(spoken: &SpokenTime, said_at: Timestamp, site: Meant<'_>) -> Option<Moment> {
    let meant = match &spoken.zone {
        Some(zone) => Meant {
            zone,
            basis: TimeBasis::Stated,
        },
        None => Meant {
            zone: site.zone,
            basis: TimeBasis::Assumed,
        },
    };
    let (day, hour, minute) = match spoken.clock {
        SpokenClock::FromNow { minutes } => {
            let at = said_at
                .checked_add(SignedDuration::from_mins(i64::from(minutes)))
                .ok()?;
            return Some(Moment {
                at,
                zone: meant.zone.to_owned(),
                basis: meant.basis,
            });
        }
        SpokenClock::At { day, hour, minute } => (day, hour, minute),
    };
    let rules = moment::rules(meant.zone)?;
    let today = rules.to_datetime(said_at).date();
    let on = |date: Date| moment::in_zone(date.at(hour, minute, 0, 0), meant);
    if let Some(date) = date_of(day, today, spoken.role)? {
        return on(date);
    }
    let days = -DAYS_NEAR..=DAYS_NEAR;
    let near: Vec<Moment> = days
        .filter_map(|it| on(today.checked_add(jiff::Span::new().days(it)).ok()?))
        .collect();
    match spoken.role {
        // The last such time before the mail.
        TimeRole::Since => near.into_iter().rfind(|it| it.at <= said_at),
        // The next one after it.
        TimeRole::Until | TimeRole::Expected => near.into_iter().find(|it| it.at >= said_at),
        TimeRole::At => near.into_iter().min_by_key(|it| it.at.duration_since(said_at).abs()),
    }
}

/// `Tue 24 Nov 09:40 CST`
pub(super) fn local(moment: &Moment) -> String {
    match moment::rules(&moment.zone) {
        Some(rules) => moment.at.to_zoned(rules).strftime("%a %-d %b %H:%M %Z").to_string(),
        None => moment.at.to_string(),
    }
}

/// The date a day means: the nearest that fits. `Ok(None)`, as the inner value: no day is said.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether the day exists, the inner whether one was said"
)]
fn date_of(day: SpokenDay, today: Date, role: TimeRole) -> Option<Option<Date>> {
    let shifted = |days: i64| today.checked_add(jiff::Span::new().days(days)).ok();
    Some(match day {
        SpokenDay::Unsaid => None,
        SpokenDay::Relative(days) => Some(shifted(i64::from(days))?),
        SpokenDay::Weekday(number) => {
            let wanted = Weekday::from_monday_one_offset(number).ok()?;
            let days = i64::from(today.weekday().until(wanted));
            let is_past = role == TimeRole::Since && days > 0;
            Some(shifted(if is_past { days - 7 } else { days })?)
        }
        SpokenDay::Date { month, day } => {
            let years = [today.year() - 1, today.year(), today.year() + 1];
            let dates = years.into_iter().filter_map(|it| Date::new(it, month, day).ok());
            let noon = |it: Date| DateTime::from_parts(it, jiff::civil::time(12, 0, 0, 0));
            Some(dates.min_by_key(|it| noon(*it).duration_since(noon(today)).abs())?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    /// Each time of a text with its words, as resolved in Dallas on a Tuesday at 13:05.
    fn check(text: &str, wanted: &[(&str, &str)]) {
        let said_at: Timestamp = "2026-11-24T19:05:00Z".parse().unwrap();
        let site = Meant {
            zone: "America/Chicago",
            basis: TimeBasis::Assumed,
        };
        let letters: Vec<char> = text.chars().collect();
        let mut got = Vec::new();
        for it in spoken(&tokens(text)) {
            let FoundWhat::Time(time) = &it.what else {
                panic!("{it:?}")
            };
            let words: String = letters[it.span.start as usize..it.span.end as usize].iter().collect();
            let moment = resolve(time, said_at, site)
                .map(|it| it.at.to_string())
                .unwrap_or_default();
            got.push((words, moment));
        }
        let got: Vec<(&str, &str)> = got.iter().map(|(words, at)| (words.as_str(), at.as_str())).collect();
        assert_eq!(got, wanted, "{text}");
    }

    #[test]
    fn times_are_those_of_the_site() {
        check("stuck since 9:40 on 48213", &[("since 9:40", "2026-11-24T15:40:00Z")]);
        check(
            "be there tomorrow 7am",
            &[("there tomorrow 7am", "2026-11-25T13:00:00Z")],
        );
        check("in 2 hrs", &[("in 2 hrs", "2026-11-24T21:05:00Z")]);
        check("empty 45 min ago", &[("45 min ago", "2026-11-24T18:20:00Z")]);
        check("Tue 14:30", &[("Tue 14:30", "2026-11-24T20:30:00Z")]);
        check("at 0715 on Wednesday", &[("0715 on Wednesday", "2026-11-25T13:15:00Z")]);
        check("arrive by 6:00 pm CST", &[("by 6:00 pm CST", "2026-11-25T00:00:00Z")]);
        check("since 22:15", &[("since 22:15", "2026-11-24T04:15:00Z")]);
        check("11/26 at 8:00", &[("11/26 at 8:00", "2026-11-26T14:00:00Z")]);
        check("by noon", &[("by noon", "2026-11-25T18:00:00Z")]);
    }

    #[test]
    fn what_is_no_time_is_left() {
        check("48213 25:10 9:75 13/40 at 1250.00 7 a1", &[]);
        check("2 pallets, 3 hours", &[]);
    }

    #[test]
    fn a_zone_that_is_named_is_stated() {
        let said_at: Timestamp = "2026-11-24T19:05:00Z".parse().unwrap();
        let site = Meant {
            zone: "America/Chicago",
            basis: TimeBasis::Assumed,
        };
        let basis = |text: &str| {
            let found = spoken(&tokens(text));
            let FoundWhat::Time(time) = &found[0].what else {
                panic!("{found:?}")
            };
            resolve(time, said_at, site).map(|it| (it.zone, it.basis))
        };
        assert_eq!(
            basis("at 9:40"),
            Some(("America/Chicago".to_owned(), TimeBasis::Assumed))
        );
        assert_eq!(
            basis("at 9:40 EST"),
            Some(("America/New_York".to_owned(), TimeBasis::Stated))
        );
    }
}
