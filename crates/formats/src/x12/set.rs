//! Which transaction sets are read, and by whom.

use super::envelope::RawSet;
use super::token::Segment;
use super::{acknowledgement, answer, invoice, load_tender, status};
use crate::decode::Context;
use crate::findings::{ElementFault, Fault, Findings, quoted};
use signalbox_model::attempt::Attempt;

/// A whole transaction set and what is known around it.
pub struct Received<'t, 'a> {
    pub raw: &'t RawSet<'a>,
    /// ISA06.
    pub sender: &'t str,
    pub context: &'t Context<'t>,
}

const READ: [&str; 6] = ["204", "990", "214", "210", "997", "999"];

pub fn is_read(set: &str) -> bool {
    READ.contains(&set)
}

pub fn read(set: &str, received: &Received<'_, '_>, findings: &mut Findings) -> Option<Attempt> {
    match set {
        "204" => load_tender::read(received, findings).map(|it| Attempt::Order(Box::new(it))),
        "990" => answer::read(received, findings).map(Attempt::Answer),
        "214" => status::read(received, findings).map(Attempt::Status),
        "210" => invoice::read(received, findings).map(Attempt::Invoice),
        "997" | "999" => acknowledgement::read(received, findings).map(Attempt::Acknowledgement),
        other => {
            let why = format!("transaction set {} is not one that is read here", quoted(other));
            let fix = "204, 990, 214, 210, 997 and 999 are read. Enter it by hand, or ask the partner not to send it.";
            findings.fatal("x12.unknown_set", "ST-01 segment 1", why, fix);
            None
        }
    }
}

impl<'a> Received<'_, 'a> {
    /// The first segment with this id.
    pub fn first(&self, id: &str) -> Option<Segment<'_, 'a>> {
        self.raw.segments().find(|it| it.id() == id)
    }

    /// The set's beginning segment, or a fatal issue.
    pub fn beginning(&self, id: &str, findings: &mut Findings) -> Option<Segment<'_, 'a>> {
        let segment = self.first(id);
        if segment.is_none() {
            let why = format!("the beginning segment {id} is missing");
            let fix = "Ask the partner to send the transaction again with it.";
            findings.fatal("x12.beginning_missing", format!("{id} segment 2"), why, fix);
            findings.fault(Fault {
                segment: id.to_owned(),
                number: 2,
                element: None,
            });
        }
        segment
    }
}

/// The element at fault in a segment, for the 997.
pub fn fault(segment: &Segment<'_, '_>, position: u32, code: &'static str) -> Fault {
    let value = segment.get(position as usize).to_owned();
    let element = Some(ElementFault { position, code, value });
    Fault {
        segment: segment.id().to_owned(),
        number: segment.number,
        element,
    }
}
