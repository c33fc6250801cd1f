//! A document as JSON: `{"document": "proof_of_delivery", "carrier", "reference", "stop", "pieces", "condition", "signer",
//! "signed_at", "note", "content"}`, where `content` is the file in base64. Without it, something is said of a document
//! that came before.

use super::reader::Node;
use crate::decode::Context;
use crate::document::content;
use crate::findings::{Findings, quoted};
use crate::moment::Edge;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use signalbox_model::attempt::DocumentAttempt;
use signalbox_model::document::{Condition, DocumentKind, Proof};
use signalbox_model::load::Location;
use signalbox_model::personal::Personal;

const FIELDS: &[&str] = &[
    "document",
    "carrier",
    "reference",
    "stop",
    "pieces",
    "condition",
    "signer",
    "signed_at",
    "note",
    "content",
];

pub fn read(node: &Node<'_>, context: &Context<'_>, findings: &mut Findings) -> Option<DocumentAttempt> {
    node.note_unknown(FIELDS, findings);
    let kind = kind(node, findings);
    let carrier = node
        .text("carrier", findings)
        .or_else(|| context.sender.map(str::to_owned));
    if carrier.is_none() {
        let fix = "Name the carrier by its SCAC in `carrier`.";
        findings.fatal(
            "document.missing_carrier",
            node.under("carrier"),
            "nobody says which carrier it is of",
            fix,
        );
    }
    let reference = node.text("reference", findings);
    if reference.is_none() {
        let fix = "Give the load's `reference` as it was offered.";
        findings.fatal(
            "document.missing_reference",
            node.under("reference"),
            "it says not which load it is of",
            fix,
        );
    }
    let personal = |text: Option<String>| text.map(|it| Personal::plain(it, context.taint));
    let proof = Proof {
        stop: stop(node, findings),
        pieces: node.integer("pieces", findings),
        condition: condition(node, findings),
        signer: personal(node.text("signer", findings)),
        signed_at: node.moment(
            "signed_at",
            Edge::Latest,
            (&Location::default(), None, context.zone),
            findings,
        ),
        note: personal(node.text("note", findings)),
    };
    let content = file(node, findings);
    if content.is_none() && proof.is_empty() && !findings.is_fatal() {
        let fix = "Send the file in base64 in `content`.";
        findings.fatal(
            "document.missing_content",
            node.under("content"),
            "there is no file, and nothing is said of one",
            fix,
        );
    }
    Some(DocumentAttempt {
        kind: kind?,
        carrier: Some(carrier?),
        reference: Some(reference?),
        proof: Some(proof).filter(|it| !it.is_empty()),
        content,
    })
}

fn kind(node: &Node<'_>, findings: &mut Findings) -> Option<DocumentKind> {
    let word = node.text("document", findings).unwrap_or_default().to_ascii_lowercase();
    let kind = DocumentKind::ALL
        .into_iter()
        .find(|it| it.as_str() == word || (*it == DocumentKind::ProofOfDelivery && word == "pod"));
    if kind.is_none() {
        let known: Vec<&str> = DocumentKind::ALL.into_iter().map(DocumentKind::as_str).collect();
        let why = format!("{} is none of {}", quoted(&word), known.join(", "));
        findings.fatal(
            "document.unknown_kind",
            node.under("document"),
            why,
            "Use one of these words and send it again.",
        );
    }
    kind
}

fn stop(node: &Node<'_>, findings: &mut Findings) -> Option<u32> {
    let number = node.integer("stop", findings)?;
    let stop = u32::try_from(number).ok();
    if stop.is_none() {
        let why = format!("{number} is no stop's sequence");
        findings.warning("document.bad_stop", node.under("stop"), why, "The stop was left out.");
    }
    stop
}

fn condition(node: &Node<'_>, findings: &mut Findings) -> Option<Condition> {
    let word = node.text("condition", findings)?;
    let condition = condition_word(&word);
    if condition.is_none() {
        let why = format!("{} is neither clean nor exception", quoted(&word));
        // Read as nothing it would pass for clean.
        findings.fatal(
            "document.unknown_condition",
            node.under("condition"),
            why,
            "Use one of these words and send it again.",
        );
    }
    condition
}

/// `clean` or `exception`, as forms and messages write it.
pub fn condition_word(word: &str) -> Option<Condition> {
    match word.trim().to_ascii_lowercase().as_str() {
        "clean" => Some(Condition::Clean),
        "exception" | "damaged" | "with_exception" => Some(Condition::Exception),
        _ => None,
    }
}

fn file(node: &Node<'_>, findings: &mut Findings) -> Option<signalbox_model::attempt::Content> {
    let node = node.get("content")?;
    let Some(text) = node.raw_text() else {
        node.wrong("base64 text", findings);
        return None;
    };
    // A data URI says what the file is, which is not believed; line ends are of mail.
    let text = text.split_once(";base64,").map_or(text, |(_, it)| it);
    let plain: Vec<u8> = text.bytes().filter(|it| !it.is_ascii_whitespace()).collect();
    match STANDARD.decode(plain) {
        Ok(bytes) => Some(content(bytes)),
        Err(error) => {
            let why = format!("it is not base64: {error}");
            findings.fatal(
                "document.bad_base64",
                node.pointer(),
                why,
                "Send the file in standard base64.",
            );
            None
        }
    }
}
