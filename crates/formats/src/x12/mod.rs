//! ANSI X12: envelopes of any partner's making read leniently, our own written strictly.
//!
//! Read: 204, 990, 214, 210, 997, 999, TA1. Written: 204, 990, 214, 997, TA1. One transaction that cannot be read
//! never takes its neighbours with it.

mod acknowledgement;
mod answer;
mod code;
mod envelope;
mod interchange;
mod invoice;
mod load_tender;
mod offer;
mod reply;
mod set;
mod status;
mod stop;
mod time;
mod token;
mod write;

use crate::decode::{self, Context, Decoded, Decoding, Identity};
use crate::findings::Fault;
use signalbox_model::attempt::{AcknowledgementAttempt, Attempt};
use signalbox_model::issue::{Issue, Severity};

pub(crate) use code::weight;

pub use crate::findings::{ElementFault, Fault as SegmentFault};
pub use answer::{Reply990, answer};
pub use offer::{Purpose, Tender, tender};
pub use reply::{About, Reply, ReplyGroup, ReplySet, reply};
pub use status::{Status, status};
pub use write::{Address, Envelope, Unwritable};

/// All interchanges of one file.
#[derive(Debug, Default)]
pub struct Interchanges {
    pub interchanges: Vec<Interchange>,
    pub issues: Vec<Issue>,
}

#[derive(Debug)]
pub struct Interchange {
    pub sender: Address,
    pub receiver: Address,
    /// ISA13.
    pub control_number: String,
    /// ISA09 and ISA10, as written.
    pub date: String,
    pub time: String,
    /// ISA12.
    pub version: String,
    /// ISA14: the sender asks for a TA1.
    pub wants_acknowledgement: bool,
    /// ISA15 is T.
    pub is_test: bool,
    pub groups: Vec<Group>,
    /// TA1 segments: what became of interchanges of ours.
    pub acknowledgements: Vec<AcknowledgementAttempt>,
    pub issues: Vec<Issue>,
    /// What a TA1 answers, if not that all is well (X12 I18).
    pub note: Option<&'static str>,
}

#[derive(Debug)]
pub struct Group {
    /// GS01 to GS08.
    pub functional_id: String,
    pub sender: String,
    pub receiver: String,
    pub date: String,
    pub time: String,
    pub control_number: String,
    pub agency: String,
    pub version: String,
    /// GE01 where it could be read.
    pub declared: Option<u32>,
    pub transactions: Vec<Transaction>,
}

#[derive(Debug)]
pub struct Transaction {
    /// ST01.
    pub set: String,
    /// ST02.
    pub control_number: String,
    /// None where an issue is fatal.
    pub attempt: Option<Attempt>,
    pub issues: Vec<Issue>,
    /// What a 997 says about it: X12 718 codes, and the segments at fault.
    pub codes: Vec<&'static str>,
    pub faults: Vec<Fault>,
}

impl Interchange {
    pub fn identity(&self) -> Identity {
        Identity {
            sender: self.sender.id.clone(),
            receiver: self.receiver.id.clone(),
            control_number: self.control_number.clone(),
        }
    }
}

impl Transaction {
    pub fn is_refused(&self) -> bool {
        self.attempt.is_none() || self.issues.iter().any(|it| it.severity == Severity::Fatal)
    }
}

/// Reads every interchange in the bytes.
pub fn decode(bytes: &[u8], context: &Context<'_>) -> Interchanges {
    if bytes.len() > decode::BYTES_MAX {
        let why = format!(
            "the file has {} bytes, more than the {} that are read",
            bytes.len(),
            decode::BYTES_MAX
        );
        let issue = Issue::fatal("message.too_large", "", why, "Ask the partner to send it in parts.");
        return Interchanges {
            interchanges: Vec::new(),
            issues: vec![issue],
        };
    }
    interchange::read(bytes, context)
}

pub(crate) fn front_door(bytes: &[u8], context: &Context<'_>) -> Decoded {
    let found = decode(bytes, context);
    let mut decoded = Decoded {
        issues: found.issues,
        ..Decoded::default()
    };
    for (index, mut interchange) in found.interchanges.into_iter().enumerate() {
        decoded.identities.push(interchange.identity());
        for x12 in reply::owed(&interchange) {
            decoded.replies.push(decode::Reply {
                interchange: index,
                to: interchange.sender.id.clone(),
                x12,
            });
        }
        decoded.issues.append(&mut interchange.issues);
        let at = format!("interchange {}", interchange.control_number);
        for acknowledgement in interchange.acknowledgements {
            let attempt = Some(Attempt::Acknowledgement(acknowledgement));
            decoded.decodings.push(Decoding {
                at: at.clone(),
                interchange: Some(index),
                attempt,
                issues: Vec::new(),
            });
        }
        for group in interchange.groups {
            for it in group.transactions {
                let at = format!("{at}, group {}, {} {}", group.control_number, it.set, it.control_number);
                let decoding = Decoding {
                    at,
                    interchange: Some(index),
                    attempt: it.attempt,
                    issues: it.issues,
                };
                decoded.decodings.push(decoding);
            }
        }
    }
    decoded
}
