//! JSON: orders, answers, documents and free capacity of our own public shape, bare or in a CloudEvents 1.0 envelope, one or a list of them;
//! and the bodies of webhooks out.

mod answer;
mod capacity;
mod cloud_event;
mod document;
mod follow_up;
mod order;
mod reader;
mod webhook;

use crate::decode::{Context, Decoded, Decoding, refused};
use crate::findings::Findings;
use reader::Node;
pub use reader::said_moment;
use serde_json::Value;
use signalbox_model::attempt::Attempt;
use signalbox_model::issue::Issue;

pub use document::condition_word;
pub use follow_up::{DocumentRequested, ReadinessTold, document_request_body, readiness_body};
pub use order::body as order_body;
pub use webhook::{OfferMade, OfferWithdrawn, offer_webhook_body, withdraw_webhook_body};

/// The largest JSON message read. Its parsed form takes several times that.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Nesting read; serde_json refuses more.
pub const DEPTH_MAX: usize = 127;
/// Orders and answers read of one list.
pub const ITEMS_MAX: usize = 1_000;

pub(crate) fn front_door(bytes: &[u8], context: &Context<'_>) -> Decoded {
    let mut decoded = Decoded::default();
    let value = match parse(bytes, &mut decoded.issues) {
        Ok(value) => value,
        Err(issue) => return refused(issue),
    };
    let root = Node::root(&value);
    let Some(items) = root.list() else {
        decoded.decodings.push(read(&root, context));
        return decoded;
    };
    if items.len() > ITEMS_MAX {
        let why = format!(
            "the list has {} items; only the first {ITEMS_MAX} were read",
            items.len()
        );
        decoded
            .issues
            .push(Issue::fatal("json.too_many_items", "", why, "Send the list in parts."));
    }
    if items.is_empty() {
        decoded.issues.push(Issue::warning(
            "json.nothing",
            "",
            "the list is empty",
            "Nothing was read, nothing is wrong.",
        ));
    }
    decoded
        .decodings
        .extend(items.iter().take(ITEMS_MAX).map(|it| read(it, context)));
    decoded
}

pub(crate) fn parse(bytes: &[u8], issues: &mut Vec<Issue>) -> Result<Value, Issue> {
    if bytes.len() > BYTES_MAX {
        let why = format!(
            "the message has {} bytes, more than the {BYTES_MAX} of JSON that are read",
            bytes.len()
        );
        return Err(Issue::fatal("message.too_large", "", why, "Send it in parts."));
    }
    let text = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(text) => {
            let why = "the message begins with a byte order mark";
            issues.push(Issue::forgiven(
                "json.byte_order_mark",
                "line 1 column 1",
                why,
                "Send it without. Nothing was lost.",
            ));
            text
        }
        None => bytes,
    };
    serde_json::from_slice(text).map_err(|error| {
        let at = format!("line {} column {}", error.line(), error.column());
        if error.to_string().starts_with("recursion limit") {
            let why = format!("it is nested more than {DEPTH_MAX} deep");
            return Issue::fatal(
                "json.too_deep",
                at,
                why,
                "Send the order in the shape the documentation shows.",
            );
        }
        Issue::fatal(
            "json.syntax",
            at,
            format!("it is not JSON: {error}"),
            "Correct the JSON and send it again.",
        )
    })
}

/// One item: an order, an answer, or an envelope around either.
fn read(item: &Node<'_>, context: &Context<'_>) -> Decoding {
    let mut findings = Findings::default();
    let inner = cloud_event::open(item, &mut findings);
    let body = inner.as_ref().unwrap_or(item);
    let attempt = if findings.is_fatal() {
        None
    } else if body.get("answer").is_some() {
        answer::read(body, context, &mut findings).map(Attempt::Answer)
    } else if body.get("document").is_some() {
        document::read(body, context, &mut findings).map(|it| Attempt::Document(Box::new(it)))
    } else if body.get("trucks").is_some() {
        capacity::read(body, context, &mut findings).map(|it| Attempt::Capacity(Box::new(it)))
    } else if body.get("stops").is_some() || body.get("purpose").is_some() {
        order::read(body, context, &mut findings).map(|it| Attempt::Order(Box::new(it)))
    } else {
        let why = "it is no order (`stops`), no answer to an offer (`answer`), no document (`document`) and no free \
                   capacity (`trucks`)";
        findings.fatal(
            "json.unknown_shape",
            body.pointer(),
            why,
            "Send it in one of the shapes the documentation shows.",
        );
        None
    };
    let attempt = attempt.filter(|_| !findings.is_fatal());
    Decoding {
        at: item.pointer().to_owned(),
        interchange: None,
        attempt,
        issues: findings.into_issues(),
    }
}
