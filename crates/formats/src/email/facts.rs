//! What was found, checked against the load it is about: numbers that are its names, times in its sites' zones, places
//! that are its stops.

use super::times;
use super::tokens::{Token, tokens};
use crate::moment::{self, Meant};
use jiff::Timestamp;
use signalbox_model::load::{Load, Stop, StopKind};
use signalbox_model::mail::{Fact, FactWhat, FoundWhat, MailAttempt, SectionKind, Span, bare};
use signalbox_model::personal::Taint;
use signalbox_model::value::TimeBasis;

/// Facts of one mail that are kept.
const FACTS_MAX: usize = 100;
/// Letters of a name that may stand for a site by itself.
const NAME_CHARS_MIN: usize = 4;

/// The mail's facts. `names` are all the load is called, plain; `said_at` is when the mail was sent.
pub fn facts(mail: &MailAttempt, load: &Load, names: &[String], said_at: Timestamp, default_zone: &str) -> Vec<Fact> {
    let text = mail.text.text().unwrap_or_default();
    let words: Vec<Token> = tokens(text);
    let own = words.iter().filter(|it| is_own(mail, it.span));
    let own: Vec<&Token> = own.collect();
    let places = places(&own, load);
    let site = places.first().map(|it| it.1).or_else(|| load.delivery());
    let zone = site.map(|it| moment::local_to(&it.location, false, default_zone));
    let zone = zone.unwrap_or(Meant {
        zone: default_zone,
        basis: TimeBasis::Assumed,
    });
    // The order may state the zone of its site, which is better than that of the region.
    let zone = match site.and_then(|it| it.location.zone.as_deref()) {
        Some(stated) if moment::rules(stated).is_some() => Meant { zone: stated, ..zone },
        _ => zone,
    };
    let mut facts: Vec<Fact> = places.into_iter().map(|(span, stop)| fact(span, place(stop))).collect();
    for found in mail
        .found
        .iter()
        .filter(|it| is_own(mail, it.span) || matches!(it.what, FoundWhat::Reference(_)))
    {
        let what = match &found.what {
            FoundWhat::Reference(value) => FactWhat::Reference {
                value: value.clone(),
                is_load: names.iter().any(|it| it == value || it == bare(value)),
            },
            FoundWhat::Time(spoken) => match times::resolve(spoken, said_at, zone) {
                Some(moment) => FactWhat::Time {
                    role: spoken.role,
                    local: times::local(&moment),
                    moment,
                },
                None => continue,
            },
            FoundWhat::Duration { minutes } => FactWhat::Duration { minutes: *minutes },
            FoundWhat::Amount(money) => FactWhat::Amount { money: money.clone() },
            FoundWhat::Temperature(tenths) => FactWhat::Temperature {
                tenths_celsius: *tenths,
            },
        };
        facts.push(fact(found.span, what));
    }
    facts.sort_by_key(|it| it.span);
    facts.truncate(FACTS_MAX);
    facts
}

fn is_own(mail: &MailAttempt, span: Span) -> bool {
    matches!(mail.section(span), SectionKind::Own | SectionKind::Subject)
}

fn fact(span: Span, what: FactWhat) -> Fact {
    Fact {
        span,
        taint: Taint::Public,
        what,
    }
}

fn place(stop: &Stop) -> FactWhat {
    FactWhat::Place {
        stop: stop.sequence,
        kind: stop.kind,
        label: stop.location.label(),
    }
}

/// Stops of the load that the text names, by city, by the site's name, or by what is done there where only one stop can
/// be meant. A name that several stops bear names none of them.
fn places<'l>(words: &[&Token], load: &'l Load) -> Vec<(Span, &'l Stop)> {
    let mut places: Vec<(Span, &Stop)> = Vec::new();
    let mut at = 0;
    while let Some(token) = words.get(at) {
        let named = one(load
            .stops
            .iter()
            .filter_map(|it| Some((names_at(words, at, it)?, it)))
            .collect());
        let side = |at: usize| words.get(at).and_then(|it| side(&it.word));
        let by_side = |kind| {
            one(load
                .stops
                .iter()
                .filter(|it| it.kind == kind)
                .map(|it| (1, it))
                .collect())
        };
        match named {
            Some((count, stop)) => {
                let mut last = at + count - 1;
                if side(last + 1) == Some(stop.kind) {
                    last += 1;
                }
                let end = words.get(last).map_or(token.span.end, |it| it.span.end);
                let start = token.span.start;
                places.push((Span { start, end }, stop));
                at = last + 1;
            }
            None => {
                if let Some((_, stop)) = side(at).and_then(by_side) {
                    places.push((token.span, stop));
                }
                at += 1;
            }
        }
    }
    places
}

fn one(mut fitting: Vec<(usize, &Stop)>) -> Option<(usize, &Stop)> {
    (fitting.len() == 1).then(|| fitting.pop()).flatten()
}

/// How many words from here on are the stop's city or name.
fn names_at(words: &[&Token], at: usize, stop: &Stop) -> Option<usize> {
    let fits = |name: &str| {
        let name: Vec<String> = tokens(name).into_iter().map(|it| it.word).collect();
        let letters: usize = name.iter().map(|it| it.chars().count()).sum();
        let same = |(on, word): (usize, &String)| words.get(at + on).is_some_and(|it| it.word == *word);
        (letters >= NAME_CHARS_MIN && name.iter().enumerate().all(same)).then_some(name.len())
    };
    let location = &stop.location;
    fits(&location.name).or_else(|| fits(&location.city))
}

fn side(word: &str) -> Option<StopKind> {
    Some(match word {
        "receiver" | "receivers" | "consignee" => StopKind::Delivery,
        "shipper" | "shippers" | "consignor" => StopKind::Pickup,
        _ => return None,
    })
}
