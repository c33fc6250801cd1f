//! Words of clocks and calendars: `9:40`, `7am`, `1430 hrs`, `tomorrow`, `tue`, `11/24`, `2.5 hrs`, `cst`.

use signalbox_model::mail::SpokenDay;

/// The hour and minute of a word, and whether what follows it belongs to it.
pub(super) fn time(word: &str, next: Option<&str>, is_announced: bool) -> Option<(i8, i8, usize)> {
    match word {
        "noon" => return Some((12, 0, 0)),
        "midnight" => return Some((0, 0, 0)),
        _ => {}
    }
    let (number, half) = half(word);
    let (half, taken) = match (half, next.map(|it| it.trim_end_matches('.'))) {
        (Some(half), _) => (Some(half), 0),
        (None, Some("am" | "a.m")) => (Some(false), 1),
        (None, Some("pm" | "p.m")) => (Some(true), 1),
        _ => (None, 0), // It may be of twenty-four hours.
    };
    let hours_follow = matches!(next, Some("hrs" | "hours" | "h")) && number.len() == 4;
    let (hour, minute) = match number.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 && hour.len() <= 2 => (digits(hour)?, digits(minute)?),
        Some(_) => return None,
        None if number.len() == 4 && (is_announced || hours_follow || half.is_some()) => {
            (digits(number.get(..2)?)?, digits(number.get(2..)?)?)
        }
        None if number.len() <= 2 && half.is_some() => (digits(number)?, 0),
        // `at 9`, where it is a number of nothing.
        None if number.len() <= 2 && is_announced && next.is_none_or(counts_nothing) => (digits(number)?, 0),
        None => return None,
    };
    let taken = if hours_follow { 1 } else { taken };
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(pm) => hour % 12 + if pm { 12 } else { 0 },
        None => hour,
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some((hour, minute, taken))
}

/// Words that may follow a bare hour, and that nothing is counted in.
fn counts_nothing(next: &str) -> bool {
    let joins = matches!(next, "and" | "on" | "this" | "then" | "local");
    joins || matches!(next, "today" | "yesterday" | "tomorrow") || zone(next).is_some()
}

/// A number and whether `am` or `pm` is glued to it.
fn half(word: &str) -> (&str, Option<bool>) {
    for (ending, is_pm) in [
        ("am", false),
        ("pm", true),
        ("a.m", false),
        ("p.m", true),
        ("a", false),
        ("p", true),
    ] {
        if let Some(number) = word.strip_suffix(ending)
            && number.ends_with(|it: char| it.is_ascii_digit())
        {
            return (number, Some(is_pm));
        }
    }
    (word, None)
}

fn digits(text: &str) -> Option<i8> {
    let is_number = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Minutes of a duration, and whether its unit is glued to the number.
pub(super) fn minutes(word: &str, next: Option<&str>) -> Option<(u32, bool)> {
    let number_end = word
        .find(|it: char| !(it.is_ascii_digit() || it == '.'))
        .unwrap_or(word.len());
    let (number, unit) = word.split_at_checked(number_end)?;
    let number = match word {
        "a" | "an" | "one" => 1.0,
        "two" | "couple" => 2.0,
        "three" => 3.0,
        "four" => 4.0,
        "half" => 0.5,
        _ => number.parse::<f64>().ok().filter(|it| (0.0..1_000.0).contains(it))?,
    };
    let is_glued = number_end > 0 && !unit.is_empty();
    let of = |unit: &str| match unit {
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(60.0),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(1.0),
        "day" | "days" => Some(1_440.0),
        _ => None, // Something else is counted.
    };
    let (factor, glued) = if is_glued {
        (of(unit)?, true)
    } else {
        (of(next?)?, false)
    };
    Some(((number * factor).round() as u32, glued)).filter(|it| it.0 > 0)
}

pub(super) fn day(word: &str) -> Option<SpokenDay> {
    Some(match word {
        "today" | "tonight" => SpokenDay::Relative(0),
        "tomorrow" | "tmrw" | "tmw" | "tomorow" => SpokenDay::Relative(1),
        "yesterday" => SpokenDay::Relative(-1),
        "mon" | "monday" => SpokenDay::Weekday(1),
        "tue" | "tues" | "tuesday" => SpokenDay::Weekday(2),
        "wed" | "weds" | "wednesday" => SpokenDay::Weekday(3),
        "thu" | "thur" | "thurs" | "thursday" => SpokenDay::Weekday(4),
        "fri" | "friday" => SpokenDay::Weekday(5),
        "sat" | "saturday" => SpokenDay::Weekday(6),
        "sun" | "sunday" => SpokenDay::Weekday(7),
        other => return date(other),
    })
}

/// `11/24` or `11/24/2026`, month first as the trade writes it.
fn date(word: &str) -> Option<SpokenDay> {
    let mut parts = word.split('/');
    let (month, day) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let year = parts.next();
    let is_year = year.is_none_or(|it| matches!(it.len(), 2 | 4) && it.bytes().all(|it| it.is_ascii_digit()));
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && is_year && parts.next().is_none();
    fits.then_some(SpokenDay::Date { month, day })
}

/// The zone that an abbreviation means in North America.
pub(super) fn zone(word: &str) -> Option<&'static str> {
    Some(match word {
        "et" | "est" | "edt" | "eastern" => "America/New_York",
        "ct" | "cst" | "cdt" | "central" => "America/Chicago",
        "mt" | "mst" | "mdt" | "mountain" => "America/Denver",
        "pt" | "pst" | "pdt" | "pacific" => "America/Los_Angeles",
        "utc" | "gmt" | "zulu" => "UTC",
        _ => return None,
    })
}
