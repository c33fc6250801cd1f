//! A load's timeline, as the API shows it, back to what happened.

use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::event::Event;

pub struct Happened {
    pub seq: u64,
    pub at: Timestamp,
    pub cause: String,
    /// What partners call its load.
    pub reference: String,
    pub event: Event,
}

/// Events and touches of a timeline, in its order.
pub fn happened(timeline: &Value, reference: &str) -> Result<Vec<Happened>, String> {
    let of_stream = |it: &&Value| it["kind"] == "event" || it["kind"] == "touch";
    let drafts = drafts(timeline);
    let happened = entries(timeline)
        .filter(of_stream)
        .map(|it| read(it, &drafts, reference));
    happened.collect()
}

/// What notices said when they were proposed: other words were a person's own.
fn drafts(timeline: &Value) -> Vec<&Value> {
    let proposed = entries(timeline).map(|it| &it["data"]["notice"]);
    let proposed = proposed.filter(|it| it.is_object());
    proposed.flat_map(|it| [&it["subject"], &it["body"]]).collect()
}

/// Ids of the effects a timeline tells of, each with the record that ordered it, in its order.
pub fn effects(timeline: &Value) -> Vec<(u64, String)> {
    let effects = entries(timeline).filter(|it| it["kind"] == "effect");
    effects
        .map(|it| (it["seq"].as_u64().unwrap_or(0), text(&it["data"]["id"])))
        .collect()
}

fn entries(timeline: &Value) -> impl Iterator<Item = &Value> {
    timeline["entries"].as_array().into_iter().flatten()
}

fn read(entry: &Value, drafts: &[&Value], reference: &str) -> Result<Happened, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{why}: {entry}");
    let mut event = match entry["kind"].as_str() {
        Some("touch") => json!({"event": "touch_recorded", "touch": entry["data"]}),
        _ => entry["data"].clone(),
    };
    seal(&mut event);
    if event["event"] == "notice_released" {
        for part in ["subject", "body"] {
            if !drafts.contains(&&event[part]) {
                seal_text(&mut event[part]);
            }
        }
    }
    Ok(Happened {
        seq: entry["seq"].as_u64().ok_or_else(|| wrong(&"no seq"))?,
        at: text(&entry["at"]).parse().map_err(|it| wrong(&it))?,
        cause: text(&entry["cause"]),
        reference: reference.to_owned(),
        event: serde_json::from_value(event).map_err(|it| wrong(&it))?,
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The API opens personal values for those who work with them; an event holds them sealed.
fn seal(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(seal),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("note" | "signer", it) => seal_text(it),
                    ("mail", Value::Object(mail)) => {
                        let people = ["from", "text"];
                        mail.iter_mut()
                            .filter(|it| people.contains(&it.0.as_str()))
                            .for_each(|it| seal_text(it.1));
                        let enclosed = mail.get_mut("attachments").and_then(Value::as_array_mut);
                        let names = enclosed.into_iter().flatten().filter_map(|it| it.get_mut("name"));
                        names.for_each(seal_text);
                    }
                    ("notes", Value::Array(notes)) => notes.iter_mut().for_each(seal_text),
                    ("contacts", Value::Array(contacts)) => {
                        let people = contacts.iter_mut().filter_map(Value::as_object_mut);
                        people.flat_map(|it| it.values_mut()).for_each(seal_text);
                    }
                    (_, it) => seal(it),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn seal_text(value: &mut Value) {
    if value.is_string() {
        *value = json!({"subject": "sub_shown", "taint": "partner", "cipher": "shown", "commitment": "shown"});
    }
}
