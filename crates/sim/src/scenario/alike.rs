//! What two runs of one scenario must have in common: every event in full, but for what cannot be the same.
//!
//! Left out: ids (each is named by its place among those of its kind), ciphers of personal values, the words of couriers,
//! and which message brought an order or document (over the API they come by none).

use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::effect::Receipt;
use signalbox_model::event::Event;
use std::collections::BTreeMap;

/// Characters of an id after its prefix.
const ID_CHARACTERS: usize = 26;

/// The events as they compare between boundaries, each with its time.
pub fn alike(events: &[(Timestamp, Event)]) -> Vec<Value> {
    let mut names = Names {
        reasons: events.iter().filter_map(|(_, it)| reason_of_courier(it)).collect(),
        ids: BTreeMap::new(),
    };
    let shown = |(at, event): &(Timestamp, Event)| {
        let mut event = json!(event);
        if let Some(fields) = event.as_object_mut() {
            fields.remove("message");
            if let Some(document) = fields.get_mut("document").and_then(Value::as_object_mut) {
                document.remove("message");
            }
        }
        names.plain(&mut event);
        json!({"at": at, "event": event})
    };
    events.iter().map(shown).collect()
}

/// The first place at which two runs differ, or nothing.
pub fn difference(one: &[(Timestamp, Event)], other: &[(Timestamp, Event)]) -> Option<String> {
    let (one, other) = (alike(one), alike(other));
    if one.len() != other.len() {
        return Some(format!("{} events, and {}", one.len(), other.len()));
    }
    let differ = one.iter().zip(&other).find(|(one, other)| one != other)?;
    Some(format!("\n  {}\nand\n  {}", differ.0, differ.1))
}

/// Why a delivery failed: what follows from it quotes this.
fn reason_of_courier(event: &Event) -> Option<String> {
    let Event::EffectSettled { receipt, .. } = event else {
        return None;
    };
    match receipt {
        Receipt::Refused { reason } | Receipt::GaveUp { reason, .. } => Some(reason.clone()),
        Receipt::Delivered { .. } => None,
    }
}

struct Names {
    reasons: Vec<String>,
    ids: BTreeMap<String, String>,
}

impl Names {
    fn plain(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) if fields.contains_key("cipher") => *value = json!("a personal value"),
            Value::Object(fields) => {
                if let Some(receipt) = fields.get_mut("receipt").filter(|it| it.is_string()) {
                    *receipt = json!("what the courier said");
                }
                fields.values_mut().for_each(|it| self.plain(it));
            }
            Value::Array(items) => items.iter_mut().for_each(|it| self.plain(it)),
            Value::String(text) => *text = self.text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for reason in self.reasons.iter().filter(|it| !it.is_empty()) {
            text = text.replace(reason, "what the courier said");
        }
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_of_name) {
            let (before, from) = rest.split_at(start);
            let (word, after) = from.split_at(from.find(|it| !is_of_name(it)).unwrap_or(from.len()));
            plain += before;
            plain += &self.name(word);
            rest = after;
        }
        plain + rest
    }

    /// `off_01kf…` becomes `off_1`.
    fn name(&mut self, word: &str) -> String {
        let Some((prefix, body)) = word.rsplit_once('_') else {
            return word.to_owned();
        };
        if body.len() != ID_CHARACTERS {
            return word.to_owned();
        }
        let of_kind = self
            .ids
            .values()
            .filter(|it| it.starts_with(&format!("{prefix}_")))
            .count();
        let name = format!("{prefix}_{}", of_kind + 1);
        self.ids.entry(word.to_owned()).or_insert(name).clone()
    }
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::id::{EffectId, Mint, OfferId};

    fn run(cause: &str, receipt: &str, reason: &str) -> Vec<(Timestamp, Event)> {
        let at = Timestamp::UNIX_EPOCH;
        let mut mint = Mint::new(cause, at);
        let (offer, effect): (OfferId, EffectId) = (mint.make(), mint.make());
        let receipt = Receipt::Delivered {
            receipt: format!("{receipt}/{effect}"),
            perhaps_twice: false,
        };
        let name = "SendOffer".to_owned();
        let settled = Event::EffectSettled { effect, name, receipt };
        let reason = format!("{reason} of {offer}");
        vec![(at, settled), (at, Event::OfferRefused { offer, reason })]
    }

    #[test]
    fn ids_and_the_words_of_couriers_do_not_count_and_all_else_does() {
        let one = run("a", "written", "too dear");
        assert_eq!(difference(&one, &run("b", "JBHT", "too dear")), None);
        assert!(difference(&one, &run("a", "written", "too cheap")).is_some());
        assert!(difference(&one, &one[..1]).is_some());
        let later: Vec<_> = one.iter().map(|(_, it)| (Timestamp::MAX, it.clone())).collect();
        assert!(difference(&one, &later).is_some());
        assert_eq!(alike(&one)[1]["event"]["reason"], "too dear of off_1");
    }

    #[test]
    fn two_ids_for_one_thing_are_seen() {
        let at = Timestamp::UNIX_EPOCH;
        let mut mint = Mint::new("a", at);
        let (one, other): (OfferId, OfferId) = (mint.make(), mint.make());
        let expired = |offer: &OfferId| (at, Event::OfferExpired { offer: offer.clone() });
        let same = [expired(&one), expired(&one)];
        assert!(difference(&same, &[expired(&one), expired(&other)]).is_some());
        assert_eq!(difference(&same, &[expired(&other), expired(&other)]), None);
    }
}
