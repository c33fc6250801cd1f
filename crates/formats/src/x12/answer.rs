//! 990, response to a load tender: a carrier's answer read, and (for carriers we play) written.

use super::set::{self, Received};
use super::write::{Envelope, Interchange, Unwritable};
use crate::findings::{Findings, quoted};
use signalbox_model::answer::{Answer, AnswerAttempt};
use signalbox_model::id::OfferId;
use signalbox_model::personal::Personal;

const NOTE_MAX: usize = 2_000;

pub fn read(received: &Received<'_, '_>, findings: &mut Findings) -> Option<AnswerAttempt> {
    let b1 = received.beginning("B1", findings)?;
    if !b1.has(2) {
        let fix = "Ask the carrier which load it answers, and enter the answer by hand.";
        findings.fatal("answer.missing_reference", b1.at(2), "the answer names no load", fix);
        findings.fault(set::fault(&b1, 2, "1"));
    }
    let answer = match b1.get(4) {
        "A" => Some(Answer::Accept),
        "D" => Some(Answer::Decline),
        "B" | "C" => Some(Answer::Conditional),
        other => {
            let why = format!(
                "{} is not an answer (A accept, D decline, B or C on terms)",
                quoted(other)
            );
            findings.fatal(
                "answer.unknown_code",
                b1.at(4),
                why,
                "Ask the carrier, and enter the answer by hand.",
            );
            findings.fault(set::fault(&b1, 4, "7"));
            None
        }
    }?;
    let carrier = if b1.has(1) { b1.get(1) } else { received.sender };
    Some(AnswerAttempt {
        carrier: carrier.to_owned(),
        reference: b1.get(2).to_owned(),
        offer: offer(received, findings),
        answer,
        reason: reason(received),
        note: note(received),
        vehicle: None,
    })
}

/// Our offer id where the carrier echoed it. Carriers also put numbers of their own there.
fn offer(received: &Received<'_, '_>, findings: &mut Findings) -> Option<OfferId> {
    let mut others = Vec::new();
    for segment in received.raw.segments() {
        let (qualifier, value) = match segment.id() {
            "N9" => (segment.get(1), segment.get(2)),
            "L11" => (segment.get(2), segment.get(1)),
            _ => continue,
        };
        if qualifier != "CR" || value.is_empty() {
            continue;
        }
        let lower = value.to_ascii_lowercase();
        if lower.starts_with(&format!("{}_", OfferId::PREFIX)) {
            return Some(OfferId(lower));
        }
        others.push((segment.place(), value));
    }
    for (at, value) in others {
        let why = format!("{} is not an offer of ours", quoted(value));
        let fix = "The answer is matched by its load instead. Ask the carrier to return the offer number we send.";
        findings.forgiven("answer.offer_unknown", at, why, fix);
    }
    None
}

/// V9-08 (why, X12 1651 or the partner's) or what V9 says in words.
fn reason(received: &Received<'_, '_>) -> Option<String> {
    let v9 = received.first("V9")?;
    [8, 2, 1]
        .into_iter()
        .map(|position| v9.get(position))
        .find(|it| !it.is_empty())
        .map(str::to_owned)
}

fn note(received: &Received<'_, '_>) -> Option<Personal> {
    let texts = received.raw.segments().filter(|it| matches!(it.id(), "K1" | "NTE"));
    let parts = texts.flat_map(|it| {
        if it.id() == "K1" {
            [it.get(1), it.get(2)]
        } else {
            [it.get(2), ""]
        }
    });
    let parts: Vec<&str> = parts.filter(|it| !it.is_empty()).collect();
    let text: String = parts.join(" ").chars().take(NOTE_MAX).collect();
    (!text.is_empty()).then(|| Personal::plain(text, received.context.taint))
}

/// What a carrier answers.
#[derive(Clone, Copy, Debug)]
pub struct Reply990<'a> {
    pub scac: &'a str,
    /// The load as the tender named it (B2-04).
    pub reference: &'a str,
    /// The offer id as the tender gave it (L11*..*CR).
    pub offer: Option<&'a OfferId>,
    pub answer: Answer,
    /// X12 1651 or words.
    pub reason: Option<&'a str>,
    pub note: Option<&'a str>,
}

/// A 990 to return.
pub fn answer(envelope: &Envelope<'_>, reply: &Reply990<'_>) -> Result<String, Unwritable> {
    let code = match reply.answer {
        Answer::Accept => "A",
        Answer::Decline => "D",
        Answer::Conditional => "B",
    };
    let mut out = Interchange::begin(envelope, "GF")?;
    out.begin_set("990");
    out.segment("B1")
        .exact("scac", reply.scac, 2, 4)?
        .exact("reference", reply.reference, 1, 30)?;
    out.text(&envelope.date()).text(code);
    if let Some(offer) = reply.offer {
        out.segment("N9").text("CR").exact("offer", &offer.0, 1, 30)?;
    }
    if let Some(reason) = reply.reason.filter(|it| !it.trim().is_empty()) {
        // V9-01 is mandatory: XB says the shipment was acknowledged.
        out.segment("V9").text("XB").cut(reason, 25);
    }
    if let Some(note) = reply.note.filter(|it| !it.trim().is_empty()) {
        out.segment("K1").cut(note, 30);
    }
    out.end_set();
    Ok(out.end())
}
