//! A carrier's answer as JSON: `{"carrier", "reference", "offer", "answer", "reason", "note", "vehicle"}`.

use super::reader::Node;
use crate::decode::Context;
use crate::findings::{Findings, quoted};
use signalbox_model::answer::{Answer, AnswerAttempt};
use signalbox_model::id::OfferId;
use signalbox_model::personal::Personal;

pub fn read(node: &Node<'_>, context: &Context<'_>, findings: &mut Findings) -> Option<AnswerAttempt> {
    node.note_unknown(
        &["carrier", "reference", "offer", "answer", "reason", "note", "vehicle"],
        findings,
    );
    let word = node.text("answer", findings).unwrap_or_default();
    let answer = match word.to_ascii_lowercase().as_str() {
        "accept" | "accepted" => Some(Answer::Accept),
        "decline" | "declined" => Some(Answer::Decline),
        "conditional" => Some(Answer::Conditional),
        _ => {
            let why = format!("{} is none of accept, decline, conditional", quoted(&word));
            findings.fatal(
                "answer.unknown_word",
                node.under("answer"),
                why,
                "Use one of these words and answer again.",
            );
            None
        }
    };
    let carrier = node
        .text("carrier", findings)
        .or_else(|| context.sender.map(str::to_owned));
    if carrier.is_none() {
        let fix = "Name the carrier by its SCAC in `carrier`.";
        findings.fatal(
            "answer.missing_carrier",
            node.under("carrier"),
            "nobody says who answers",
            fix,
        );
    }
    let reference = node.text("reference", findings);
    let offer = node.text("offer", findings).map(OfferId);
    if reference.is_none() && offer.is_none() {
        let fix = "Give the `offer` as it was sent, or the load's `reference`.";
        findings.fatal(
            "answer.missing_reference",
            node.under("offer"),
            "it says not which offer it answers",
            fix,
        );
    }
    Some(AnswerAttempt {
        carrier: carrier?,
        reference: reference.unwrap_or_default(),
        offer,
        answer: answer?,
        reason: node.text("reason", findings),
        note: node.text("note", findings).map(|it| Personal::plain(it, context.taint)),
        vehicle: node.text("vehicle", findings),
    })
}
