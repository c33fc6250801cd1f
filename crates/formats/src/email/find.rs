//! What in a text looks like a fact: numbers by which a load may be called, times, durations, amounts, temperatures.
//!
//! A reference found here is a guess. It counts once a record of the tenant bears it, and never before.

use super::tokens::{Token, tokens};
use super::{clock, times};
use signalbox_model::mail::{Found, FoundWhat, Span};
use signalbox_model::value::Money;

/// Facts kept of one mail.
const FOUND_MAX: usize = 200;
/// Digits of a number that may name a load.
const DIGITS_MIN: usize = 4;
const DIGITS_MAX: usize = 15;
/// After a word that says what the number is, fewer are enough.
const NAMED_DIGITS_MIN: usize = 2;
const REFERENCE_CHARS_MAX: usize = 30;

/// Words that say: the next number is a name of a load.
const NAMING: &[&str] = &[
    "load",
    "ld",
    "pro",
    "po",
    "bol",
    "bl",
    "ref",
    "reference",
    "order",
    "shipment",
    "shpt",
    "pickup",
    "pu",
    "number",
    "no",
    "num",
    "delivery",
    "del",
    "confirmation",
    "conf",
    "trip",
    "tender",
];

pub(super) fn all(text: &str) -> Vec<Found> {
    let tokens = tokens(text);
    let mut found: Vec<Found> = times::spoken(&tokens);
    for (at, token) in tokens.iter().enumerate() {
        if found.iter().any(|it| overlap(it.span, token.span)) {
            continue;
        }
        let next = tokens.get(at + 1);
        let previous = at.checked_sub(1).and_then(|it| tokens.get(it));
        let what = amount(token, next)
            .or_else(|| temperature(token, previous, next))
            .or_else(|| duration(token, previous, next))
            .or_else(|| reference(token, previous, next).map(|it| (it, token.span)));
        if let Some((what, span)) = what {
            found.push(Found { span, what });
        }
    }
    found.sort_by_key(|it| it.span);
    found.truncate(FOUND_MAX);
    found
}

fn overlap(one: Span, other: Span) -> bool {
    one.start < other.end && other.start < one.end
}

fn join(one: &Token, other: &Token) -> Span {
    Span {
        start: one.span.start,
        end: other.span.end,
    }
}

/// `$1,250.00`, `1250 usd`
fn amount(token: &Token, next: Option<&Token>) -> Option<(FoundWhat, Span)> {
    let digits = token.word.strip_prefix('$');
    let is_named = next.is_some_and(|it| matches!(it.word.as_str(), "usd" | "dollars" | "bucks"));
    let (number, span) = match (digits, next) {
        (Some(number), _) => (number, token.span),
        (None, Some(next)) if is_named => (token.word.as_str(), join(token, next)),
        _ => return None, // A bare number is no amount.
    };
    let number = number.split('/').next().unwrap_or_default().replace(',', "");
    let (units, cents) = number.split_once('.').unwrap_or((&number, "00"));
    let cents = match cents.len() {
        1 => format!("{cents}0"),
        2 => cents.to_owned(),
        _ => return None,
    };
    let minor: i64 = format!("{units}{cents}").parse().ok().filter(|it| *it >= 0)?;
    Some((FoundWhat::Amount(Money::usd(minor)), span))
}

/// `38f`, `-10 c`, `34 degrees`; Fahrenheit where nothing says more, as the trade does.
fn temperature(token: &Token, previous: Option<&Token>, next: Option<&Token>) -> Option<(FoundWhat, Span)> {
    let word = token.word.replace('°', "");
    let number = word.trim_end_matches(['f', 'c']);
    let degrees: i32 = number.parse().ok().filter(|it| (-100..=150).contains(it))?;
    let unit = word.get(number.len()..).unwrap_or_default();
    let unit_word = next.map(|it| it.word.as_str()).unwrap_or_default();
    let is_about =
        previous.is_some_and(|it| matches!(it.word.as_str(), "temp" | "temperature" | "setpoint" | "reefer"));
    let (celsius, span) = match (unit, unit_word) {
        ("f", _) => (false, token.span),
        ("c", _) => (true, token.span),
        ("", "f" | "fahrenheit" | "degrees" | "deg") => (false, join(token, next?)),
        ("", "c" | "celsius") => (true, join(token, next?)),
        ("", _) if is_about || token.word.contains('°') => (false, token.span),
        _ => return None, // Another number.
    };
    let tenths = if celsius { degrees * 10 } else { (degrees - 32) * 50 / 9 };
    Some((FoundWhat::Temperature(tenths), span))
}

/// `3 hours`, `45min`, `2.5 hrs`, `an hour`. What lies before or after now is a time and was taken before.
fn duration(token: &Token, previous: Option<&Token>, next: Option<&Token>) -> Option<(FoundWhat, Span)> {
    let (minutes, glued) = clock::minutes(&token.word, next.map(|it| it.word.as_str()))?;
    let is_rate = previous.is_some_and(|it| matches!(it.word.as_str(), "per" | "$"));
    let span = if glued { token.span } else { join(token, next?) };
    (!is_rate).then_some((FoundWhat::Duration { minutes }, span))
}

fn reference(token: &Token, previous: Option<&Token>, next: Option<&Token>) -> Option<FoundWhat> {
    let word = token.word.trim_start_matches(['$', '-', '@']);
    let letters = word.chars().filter(|it| it.is_ascii_alphanumeric());
    let plain: String = letters.map(|it| it.to_ascii_uppercase()).collect();
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    let is_named = previous.is_some_and(|it| NAMING.contains(&it.word.as_str()));
    let wanted = if is_named { NAMED_DIGITS_MIN } else { DIGITS_MIN };
    let is_plain = word
        .chars()
        .all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '/' | '.'));
    // `$900`, `1,250`, `3.5` and e-mail domains are other things.
    let is_other = token.word.starts_with('$') || (word.contains('.') && !is_named) || is_telephone(word);
    let counts = next.is_some_and(|it| {
        matches!(
            it.word.as_str(),
            "lbs" | "lb" | "pallets" | "cases" | "pieces" | "miles" | "mi" | "kg"
        )
    });
    let fits = (wanted..=DIGITS_MAX).contains(&digits) && plain.len() <= REFERENCE_CHARS_MAX;
    (fits && is_plain && !is_other && !counts).then_some(FoundWhat::Reference(plain))
}

/// `555-010-1234`
fn is_telephone(word: &str) -> bool {
    let parts: Vec<usize> = word.split(['-', '.']).map(str::len).collect();
    matches!(parts.as_slice(), [3, 3, 4] | [1, 3, 3, 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, FoundWhat)> {
        let letters: Vec<char> = text.chars().collect();
        let words = |it: &Found| letters[it.span.start as usize..it.span.end as usize].iter().collect();
        all(text)
            .into_iter()
            .map(|it| (words(&it), it.what))
            .filter(|it| !matches!(it.1, FoundWhat::Time(_)))
            .collect()
    }

    fn references(text: &str) -> Vec<String> {
        let of = |it: (String, FoundWhat)| match it.1 {
            FoundWhat::Reference(value) => Some(value),
            _ => None, // Looked at elsewhere.
        };
        found(text).into_iter().filter_map(of).collect()
    }

    #[test]
    fn numbers_that_may_name_a_load() {
        assert_eq!(
            references("stuck at the Dallas receiver since 9:40 on 48213, need detention"),
            ["48213"]
        );
        assert_eq!(references("Load #A-77/12 and PRO 0047-1180"), ["A7712", "00471180"]);
        assert_eq!(
            references("po 12 is short; call 214-555-0142, 41200 lbs, $1500, 3.5 in"),
            ["12"]
        );
        assert_eq!(
            references("load 48213 loaded 1250.00 miles; http://x.example/48213"),
            ["48213"]
        );
    }

    #[test]
    fn amounts_durations_and_temperatures_have_their_unit() {
        let all = found("waited 2.5 hrs, 45min, an hour; detention is $75/hr or 150 usd; reefer 38F, set at -10 c");
        let minutes = |it| FoundWhat::Duration { minutes: it };
        let wanted = [
            ("2.5 hrs", minutes(150)),
            ("45min", minutes(45)),
            ("an hour", minutes(60)),
            ("$75/hr", FoundWhat::Amount(Money::usd(7_500))),
            ("150 usd", FoundWhat::Amount(Money::usd(15_000))),
            ("38F", FoundWhat::Temperature(33)),
            ("-10 c", FoundWhat::Temperature(-100)),
        ];
        let wanted: Vec<(String, FoundWhat)> = wanted
            .into_iter()
            .map(|(words, what)| (words.to_owned(), what))
            .collect();
        assert_eq!(all, wanted);
    }
}
