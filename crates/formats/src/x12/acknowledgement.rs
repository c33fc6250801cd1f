//! 997, 999 and TA1 inbound: what became of what we sent. They say a message was read, never that a load was accepted.

use super::set::Received;
use super::token::Segment;
use crate::findings::{Findings, quoted};
use signalbox_model::attempt::AcknowledgementAttempt;

/// Characters kept of the explanation.
const DETAIL_MAX: usize = 1_000;

pub fn read(received: &Received<'_, '_>, findings: &mut Findings) -> Option<AcknowledgementAttempt> {
    let ak1 = received.beginning("AK1", findings)?;
    let Some(ak9) = received.first("AK9") else {
        let fix = "Ask the partner to send the acknowledgement again.";
        findings.fatal(
            "x12.ak9_missing",
            ak1.place(),
            "the acknowledgement does not say accepted or rejected",
            fix,
        );
        return None;
    };
    let outcome = ak9.get(1);
    let meaning = match outcome {
        "A" => "accepted",
        "E" => "accepted, errors noted",
        "P" => "partly accepted",
        "R" => "rejected",
        "M" | "W" | "X" => "rejected for its security",
        other => {
            let why = format!("{} is not an outcome (A, E, P, R)", quoted(other));
            let fix = "It is taken as a rejection. Ask the partner what it means.";
            findings.warning("x12.ak901_unknown", ak9.at(1), why, fix);
            "outcome unknown"
        }
    };
    if ak1.get(2).is_empty() {
        let fix = "Ask the partner to send the acknowledgement again.";
        findings.fatal(
            "x12.ak102_missing",
            ak1.at(2),
            "the acknowledgement names no group",
            fix,
        );
        return None;
    }
    Some(AcknowledgementAttempt {
        sender: received.sender.to_owned(),
        group: ak1.get(1).to_owned(),
        control_number: number(ak1.get(2)),
        accepted: matches!(outcome, "A" | "E"),
        detail: detail(received, meaning),
    })
}

/// A control number of ours as we count them: partners pad it with zeros or not.
fn number(text: &str) -> String {
    text.trim_start_matches('0').to_owned()
}

/// `rejected; 204 0001 R 5; G62 segment 12; element 2 code 8`
fn detail(received: &Received<'_, '_>, meaning: &str) -> String {
    let mut detail = meaning.to_owned();
    for segment in received.raw.segments() {
        let get = |position| segment.get(position);
        let more = match segment.id() {
            "AK2" => format!("{} {}", get(1), get(2)),
            "AK3" | "IK3" => format!("{} segment {}", get(1), get(2)),
            "AK4" | "IK4" => format!("element {} code {} {}", get(1), get(3), get(4)),
            "AK5" | "IK5" => format!("{} {}", get(1), get(2)),
            _ => continue,
        };
        if detail.len() + more.len() > DETAIL_MAX {
            detail.push_str("; …");
            break;
        }
        detail.push_str("; ");
        detail.push_str(more.trim_end());
    }
    detail
}

pub fn read_ta1(ta1: &Segment<'_, '_>, sender: &str) -> AcknowledgementAttempt {
    let detail = match ta1.get(5) {
        "" | "000" => format!("interchange {}", ta1.get(4)),
        note => format!("interchange {}; note {note}", ta1.get(4)),
    };
    AcknowledgementAttempt {
        sender: sender.to_owned(),
        group: "TA1".to_owned(),
        control_number: number(ta1.get(1)),
        accepted: matches!(ta1.get(4), "A" | "E"),
        detail: detail.chars().take(DETAIL_MAX).collect(),
    }
}
