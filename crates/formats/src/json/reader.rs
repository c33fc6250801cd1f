//! Walks a JSON value and knows where it is, so that every issue has its pointer (RFC 6901).

use crate::findings::{Findings, quoted};
use crate::moment::{self, Edge, Meant};
use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;
use signalbox_model::load::Location;
use signalbox_model::value::{Moment, TimeBasis};

/// Characters kept of one text.
const TEXT_MAX: usize = 10_000;
/// Entries read of one list.
pub const LIST_MAX: usize = 1_000;

#[derive(Clone, Debug)]
pub struct Node<'v> {
    value: &'v Value,
    at: String,
}

impl<'v> Node<'v> {
    pub fn root(value: &'v Value) -> Self {
        Self {
            value,
            at: String::new(),
        }
    }

    pub fn pointer(&self) -> &str {
        &self.at
    }

    pub fn under(&self, key: &str) -> String {
        format!("{}/{}", self.at, key.replace('~', "~0").replace('/', "~1"))
    }

    /// A field that is there and not null.
    pub fn get(&self, key: &str) -> Option<Node<'v>> {
        let value = self.value.as_object()?.get(key).filter(|it| !it.is_null())?;
        Some(Node {
            value,
            at: self.under(key),
        })
    }

    pub fn list(&self) -> Option<Vec<Node<'v>>> {
        let items = self.value.as_array()?.iter().take(LIST_MAX + 1).enumerate();
        Some(
            items
                .map(|(index, value)| Node {
                    value,
                    at: format!("{}/{index}", self.at),
                })
                .collect(),
        )
    }

    /// The entries of a list; a single thing where a list is meant is a list of one.
    pub fn entries(&self, key: &str, findings: &mut Findings) -> Vec<Node<'v>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let mut entries = node.list().unwrap_or_else(|| vec![node.clone()]);
        if entries.len() > LIST_MAX {
            let why = format!("the list has more than {LIST_MAX} entries; the rest was not read");
            findings.fatal("json.too_many_entries", node.at, why, "Send fewer at a time.");
            entries.truncate(LIST_MAX);
        }
        entries
    }

    /// Text, or a number read as text; empty text is none.
    pub fn as_text(&self, findings: &mut Findings) -> Option<String> {
        let text = match self.value {
            Value::String(text) => text.trim().chars().take(TEXT_MAX).collect(),
            Value::Number(number) => number.to_string(),
            _ => {
                self.wrong("text", findings);
                return None;
            }
        };
        (!text.is_empty()).then_some(text)
    }

    /// Text as it is, however long.
    pub fn raw_text(&self) -> Option<&'v str> {
        self.value.as_str()
    }

    pub fn text(&self, key: &str, findings: &mut Findings) -> Option<String> {
        self.get(key)?.as_text(findings)
    }

    pub fn integer(&self, key: &str, findings: &mut Findings) -> Option<i64> {
        let node = self.get(key)?;
        let number = node.value.as_i64();
        if number.is_none() {
            node.wrong("a whole number", findings);
        }
        number
    }

    /// A number as its author wrote it.
    pub fn number(&self, key: &str, findings: &mut Findings) -> Option<String> {
        let node = self.get(key)?;
        if !node.value.is_number() {
            node.wrong("a number", findings);
            return None;
        }
        Some(node.value.to_string())
    }

    pub fn is_object(&self) -> bool {
        self.value.is_object()
    }

    pub fn wrong(&self, wanted: &str, findings: &mut Findings) {
        let why = format!("{} is not {wanted}", quoted(&self.shown()));
        findings.warning(
            "json.wrong_type",
            self.at.clone(),
            why,
            "It was left out. Correct it and send the order again.",
        );
    }

    pub fn shown(&self) -> String {
        match self.value {
            Value::String(text) => text.clone(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            other => other.to_string(),
        }
    }

    /// Says which fields were not read.
    pub fn note_unknown(&self, known: &[&str], findings: &mut Findings) {
        let Some(fields) = self.value.as_object() else {
            self.wrong("an object", findings);
            return;
        };
        for key in fields.keys().filter(|it| !known.contains(&it.as_str())) {
            let fix = "Check its spelling against the documentation, or leave it out.";
            findings.forgiven(
                "json.unknown_field",
                self.under(key),
                "the field is not one that is read",
                fix,
            );
        }
    }

    /// RFC 3339, with a zone in brackets or without; or a local time or date, whose zone is `zone`, the site's or
    /// the source's.
    pub fn moment(
        &self,
        key: &str,
        edge: Edge,
        (site, zone, default_zone): (&Location, Option<&str>, &str),
        findings: &mut Findings,
    ) -> Option<Moment> {
        let node = self.get(key)?;
        let text = node.value.as_str().unwrap_or_default().trim();
        let moment = read_moment(text, edge, site, zone, default_zone);
        if moment.is_none() {
            let why = format!(
                "{} is not a time such as 2026-11-24T08:00:00-05:00 or 2026-11-24T08:00",
                quoted(&node.shown())
            );
            findings.warning(
                "json.bad_time",
                node.at,
                why,
                "The time was left out. Correct it and send the order again.",
            );
        }
        moment
    }
}

/// A time as a form has it: RFC 3339, or local to `zone`. Assumed to be UTC, and said to be so, where neither tells.
pub fn said_moment(text: &str, zone: Option<&str>) -> Option<Moment> {
    read_moment(text.trim(), Edge::Latest, &Location::default(), zone, "UTC")
}

fn read_moment(text: &str, edge: Edge, site: &Location, zone: Option<&str>, default_zone: &str) -> Option<Moment> {
    let (text, named) = match text.split_once('[') {
        Some((text, zone)) => (text, Some(zone.strip_suffix(']')?)),
        None => (text, None),
    };
    let pieces = Pieces::parse(text).ok()?;
    let time = pieces.time().unwrap_or(match edge {
        Edge::Earliest => Time::midnight(),
        Edge::Latest => Time::new(23, 59, 0, 0).ok()?,
    });
    let local = pieces.date().to_datetime(time);
    let said = named.or(zone);
    if said.is_some_and(|it| moment::rules(it).is_none()) {
        return None;
    }
    let Some(offset) = pieces.to_numeric_offset() else {
        let stated = said.map(|zone| Meant {
            zone,
            basis: TimeBasis::Stated,
        });
        return moment::in_zone(
            local,
            stated.unwrap_or_else(|| moment::local_to(site, false, default_zone)),
        );
    };
    let at = offset.to_timestamp(local).ok()?;
    let same_clock = |zone: &str| moment::rules(zone).is_some_and(|rules| rules.to_offset(at) == offset);
    let of_site = crate::place::zone(&site.country, &site.region).map(|it| it.zone);
    let zone = said.or(of_site).filter(|it| same_clock(it)).map(str::to_owned);
    Some(Moment {
        at,
        zone: zone.unwrap_or_else(|| fixed_zone(offset)),
        basis: TimeBasis::Stated,
    })
}

/// A zone that keeps this offset: whole hours have names, with the sign of POSIX.
fn fixed_zone(offset: Offset) -> String {
    let seconds = offset.seconds();
    let name = format!("Etc/GMT{:+}", -seconds / 3_600);
    let whole = seconds != 0 && seconds % 3_600 == 0;
    if whole && moment::rules(&name).is_some_and(|it| it != TimeZone::UTC) {
        name
    } else {
        "UTC".to_owned()
    }
}
