//! Bodies of messages that follow a delivery: to the carrier, what its proof lacks; to a transport management system,
//! whether the load can be invoiced. No personal data leaves this way.

use super::cloud_event::{Attributes, wrap};
use super::webhook::without_nulls;
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::document::{Document, DocumentKind, Requirement};
use signalbox_model::load::Load;
use signalbox_model::value::Money;

#[derive(Clone, Copy, Debug)]
pub struct DocumentRequested<'a> {
    /// The event's id: the effect's, so that a second delivery is known as such.
    pub id: &'a str,
    pub source: &'a str,
    pub now: Timestamp,
    pub load: &'a Load,
    pub carrier: &'a str,
    pub kind: DocumentKind,
    pub number: u32,
    pub missing: &'a [Requirement],
    /// Path under our base address that takes the document.
    pub upload_url: &'a str,
}

#[derive(Clone, Copy, Debug)]
pub struct ReadinessTold<'a> {
    pub id: &'a str,
    pub source: &'a str,
    /// When it came to be so.
    pub at: Timestamp,
    pub load: &'a Load,
    pub ready: bool,
    pub missing: &'a [Requirement],
    pub carrier: Option<&'a str>,
    pub rate: Option<&'a Money>,
    /// The proofs of delivery that count.
    pub proofs: &'a [&'a Document],
}

/// `dispatch.document.requested`
pub fn document_request_body(requested: &DocumentRequested<'_>) -> Value {
    let DocumentRequested { load, missing, .. } = requested;
    let data = json!({
        "reference": load.reference,
        "carrier": requested.carrier,
        "document": requested.kind,
        "number": requested.number,
        "missing": missing.iter().map(|it| told(*it)).collect::<Vec<_>>(),
        "upload_url": requested.upload_url,
    });
    wrap(
        &Attributes {
            id: requested.id,
            source: requested.source,
            kind: "dispatch.document.requested",
            subject: load.id.as_str(),
            time: requested.now,
        },
        data,
    )
}

/// `dispatch.invoice.readiness_changed`
pub fn readiness_body(it: &ReadinessTold<'_>) -> Value {
    let proof = |document: &&Document| {
        let said = document.proof.clone().unwrap_or_default();
        json!({
            "document": document.id, "sha256": document.sha256, "stop": said.stop, "pieces": said.pieces,
            "condition": said.condition, "signed_at": said.signed_at.map(|it| it.at.to_string()),
        })
    };
    let data = json!({
        "load": it.load.id,
        "reference": it.load.reference,
        "ready": it.ready,
        "missing": it.missing.iter().map(|it| told(*it)).collect::<Vec<_>>(),
        "carrier": it.carrier,
        "rate": it.rate,
        "proofs": it.proofs.iter().map(proof).collect::<Vec<_>>(),
    });
    without_nulls(wrap(
        &Attributes {
            id: it.id,
            source: it.source,
            kind: "dispatch.invoice.readiness_changed",
            subject: it.load.id.as_str(),
            time: it.at,
        },
        data,
    ))
}

fn told(missing: Requirement) -> Value {
    json!({"code": missing, "text": missing.explain()})
}
