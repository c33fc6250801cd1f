//! CloudEvents 1.0, structured mode: the envelope around what we send, and perhaps around what we are sent.

use super::reader::Node;
use crate::findings::{Findings, quoted};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The data of an envelope; none where there is no envelope. A wrong envelope is fatal only where its data is missing.
pub fn open<'v>(item: &Node<'v>, findings: &mut Findings) -> Option<Node<'v>> {
    let version = item.get("specversion")?.as_text(findings).unwrap_or_default();
    if version != "1.0" {
        let why = format!(
            "the envelope's version is {}, not 1.0; it was read as 1.0",
            quoted(&version)
        );
        findings.forgiven(
            "cloud_event.version",
            item.under("specversion"),
            why,
            "Send CloudEvents 1.0.",
        );
    }
    for required in ["id", "source", "type"] {
        if item.text(required, findings).is_none() {
            let why = format!("the envelope has no `{required}`");
            findings.forgiven(
                "cloud_event.incomplete",
                item.under(required),
                why,
                "Send CloudEvents 1.0 in full.",
            );
        }
    }
    let data = item.get("data").filter(Node::is_object);
    if data.is_none() {
        let fix = "Send the order or answer as JSON in `data`.";
        findings.fatal(
            "cloud_event.no_data",
            item.under("data"),
            "the envelope has no JSON object as its data",
            fix,
        );
    }
    data
}

/// What an envelope says of the event.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    pub id: &'a str,
    pub source: &'a str,
    pub kind: &'a str,
    pub subject: &'a str,
    pub time: Timestamp,
}

pub fn wrap(attributes: &Attributes<'_>, data: Value) -> Value {
    json!({
        "specversion": "1.0",
        "id": attributes.id,
        "source": attributes.source,
        "type": attributes.kind,
        "subject": attributes.subject,
        "time": attributes.time.to_string(),
        "datacontenttype": "application/json",
        "data": data,
    })
}
