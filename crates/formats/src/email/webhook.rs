//! Mails as gateways post them: JSON with the parts already told apart. Our own names, and those of Postmark.

use super::{Enclosed, Letter};
use crate::findings::Findings;
use crate::json;
use jiff::Timestamp;
use mail_parser::DateTime;
use mail_parser::decoders::html::html_to_text;
use serde_json::Value;
use signalbox_model::mail::SenderProof;

const ATTACHMENTS_MAX: usize = 100;

pub(super) fn read(bytes: &[u8], findings: &mut Findings) -> Option<Letter> {
    let mut issues = Vec::new();
    let parsed = json::parse(bytes, &mut issues);
    issues.into_iter().for_each(|it| findings.push(it));
    let value = parsed.map_err(|it| findings.push(it)).ok()?;
    let text = |names: &[&str]| field(&value, names).and_then(Value::as_str).map(str::to_owned);
    let plain = text(&["text", "TextBody"]).filter(|it| !it.trim().is_empty());
    let html = || text(&["html", "HtmlBody"]).map(|it| html_to_text(&it));
    let date = text(&["date", "Date"]);
    Some(Letter {
        id: text(&["message_id", "MessageID"]),
        from: text(&["from", "From"]).map(|it| address(&it)),
        proof: proof(&value),
        sent: date.and_then(|it| instant(&it)),
        subject: text(&["subject", "Subject"]).unwrap_or_default(),
        body: plain.or_else(html).unwrap_or_default(),
        attachments: attachments(&value),
    })
}

fn field<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|it| value.get(it)).filter(|it| !it.is_null())
}

/// `Pat <pat@carrier.example>` or the address alone.
fn address(text: &str) -> String {
    let inner = text.rsplit_once('<').and_then(|(_, it)| it.split_once('>'));
    inner.map_or(text, |(it, _)| it).trim().to_owned()
}

fn instant(text: &str) -> Option<Timestamp> {
    let of_mail = || DateTime::parse_rfc822(text).filter(DateTime::is_valid);
    text.parse()
        .ok()
        .or_else(|| Timestamp::from_second(of_mail()?.to_timestamp()).ok())
}

/// What the gateway says it found: DMARC, which binds the address that people see.
fn proof(value: &Value) -> SenderProof {
    let said = field(value, &["authentication"])
        .and_then(|it| it.get("dmarc"))
        .and_then(Value::as_str);
    match said.map(str::to_ascii_lowercase).as_deref() {
        Some("pass") => SenderProof::Proved,
        Some("fail") => SenderProof::Failed,
        _ => SenderProof::Unproved, // Nothing said, or nothing that decides.
    }
}

fn attachments(value: &Value) -> Vec<Enclosed> {
    let list = field(value, &["attachments", "Attachments"]).and_then(Value::as_array);
    let text = |it: &Value, names: &[&str]| field(it, names).and_then(Value::as_str).map(str::to_owned);
    let enclosed = |it: &Value| Enclosed {
        media_type: text(it, &["content_type", "ContentType"]).unwrap_or_else(|| "application/octet-stream".to_owned()),
        bytes: field(it, &["bytes", "ContentLength"])
            .and_then(Value::as_u64)
            .unwrap_or(0),
        name: text(it, &["name", "Name"]),
    };
    list.into_iter().flatten().take(ATTACHMENTS_MAX).map(enclosed).collect()
}
