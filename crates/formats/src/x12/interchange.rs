//! A file to its interchanges: finds each ISA, forgives what stands around it, and hands the rest to `envelope`.

use super::envelope::Reader;
use super::token::{self, Unsplittable};
use super::{Address, Interchange, Interchanges};
use crate::decode::Context;
use crate::findings::{Findings, quoted};
use signalbox_model::issue::Issue;

/// Interchanges read of one file.
const INTERCHANGES_MAX: usize = 10_000;

/// What stands in for a delimiter outside ASCII: the control character made for it.
const STAND_IN: &str = "\u{1d}";

pub fn read(bytes: &[u8], context: &Context<'_>) -> Interchanges {
    let mut findings = Findings::default();
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        let fix = "Ask the partner to send plain ASCII or UTF-8.";
        findings.fatal("x12.not_text", "byte 1", "the file is UTF-16, which X12 never is", fix);
        return Interchanges {
            interchanges: Vec::new(),
            issues: findings.into_issues(),
        };
    }
    let text = token::text(bytes);
    if std::str::from_utf8(bytes).is_err() {
        let fix = "Check accented letters. Ask the partner to send ASCII or UTF-8.";
        findings.forgiven(
            "x12.not_utf8",
            "byte 1",
            "the file is not UTF-8 and was read as Latin-1",
            fix,
        );
    }
    let mut text = plain_delimiters(&text, &mut findings).unwrap_or_else(|| text.into_owned());
    if let Some(unwrapped) = unwrap_lines(&text, &mut findings) {
        text = unwrapped;
    }
    let interchanges = read_text(&text, context, &mut findings);
    if interchanges.is_empty() && !findings.is_fatal() {
        let fix = "Check that the source sends X12. If it does, ask the partner to send the file again.";
        let why = format!(
            "no interchange header (ISA) was found; the message begins {}",
            quoted(&text)
        );
        findings.fatal("x12.no_interchange", "byte 1", why, fix);
    }
    Interchanges {
        interchanges,
        issues: findings.into_issues(),
    }
}

fn read_text(text: &str, context: &Context<'_>, findings: &mut Findings) -> Vec<Interchange> {
    let mut interchanges = Vec::new();
    let (mut at, mut segments) = (0, 0);
    while let Some(offset) = text.get(at..).and_then(token::find_isa) {
        note_filler(text, at, offset, interchanges.len(), findings);
        at += offset;
        if interchanges.len() == INTERCHANGES_MAX {
            let why = format!("the file has more than {INTERCHANGES_MAX} interchanges; the rest was not read");
            findings.fatal(
                "x12.too_many_interchanges",
                place(at),
                why,
                "Ask the partner to send it in parts.",
            );
            return interchanges;
        }
        match token::isa(text.get(at..).unwrap_or_default()) {
            Ok(isa) => {
                let mut interchange = header(&isa.elements);
                note_padding(&isa, &mut interchange);
                let mut reader = Reader::new(interchange, context, segments);
                at = reader.read(text, at + isa.length, isa.delimiters);
                segments = reader.segments;
                interchanges.push(reader.finish());
            }
            Err(why) => {
                unsplittable(&why, at, findings);
                at += "ISA".len();
            }
        }
    }
    note_filler(text, at, text.len().saturating_sub(at), interchanges.len(), findings);
    interchanges
}

fn header(isa: &[&str]) -> Interchange {
    let get = |position: usize| isa.get(position).copied().unwrap_or_default().to_owned();
    Interchange {
        sender: Address {
            qualifier: get(5),
            id: get(6),
        },
        receiver: Address {
            qualifier: get(7),
            id: get(8),
        },
        date: get(9),
        time: get(10),
        version: get(12),
        control_number: get(13),
        wants_acknowledgement: get(14) == "1",
        is_test: get(15) == "T",
        groups: Vec::new(),
        acknowledgements: Vec::new(),
        issues: Vec::new(),
        note: None,
    }
}

fn note_padding(isa: &token::Isa<'_>, interchange: &mut Interchange) {
    if !isa.padded {
        interchange.issues.push(Issue::forgiven(
            "x12.isa_width",
            format!("ISA of interchange {}", interchange.control_number),
            "the interchange header is not padded to its fixed width; it was split by its separators",
            "Ask the partner to pad ISA01 to ISA16. Nothing was lost.",
        ));
    }
}

/// Text before an ISA or after the last segment: blank is nothing, the rest is said.
fn note_filler(text: &str, at: usize, length: usize, read: usize, findings: &mut Findings) {
    let filler = text.get(at..at + length).unwrap_or_default();
    let junk = filler.trim_matches(token::is_filler);
    if read == 0 && at + length == text.len() {
        return;
    }
    if !junk.is_empty() {
        let why = format!(
            "{} characters outside any interchange were passed over: {}",
            junk.len(),
            quoted(junk)
        );
        findings.forgiven(
            "x12.outside_text",
            place(at),
            why,
            "Check whether a part of the file is missing its ISA.",
        );
    } else if filler.starts_with('\u{feff}') {
        let fix = "Ask the partner to send the file without it. Nothing was lost.";
        findings.forgiven(
            "x12.byte_order_mark",
            place(at),
            "the file begins with a byte order mark",
            fix,
        );
    } else if filler.contains(['\0', '\u{1a}']) {
        let why = "the file is filled up with null or end-of-file characters";
        findings.forgiven("x12.filler", place(at), why, "Nothing was lost.");
    }
}

fn unsplittable(why: &Unsplittable, at: usize, findings: &mut Findings) {
    let fix = "Ask the partner to send the interchange again.";
    let why = match why {
        Unsplittable::Truncated => "the file ends within the interchange header".to_owned(),
        Unsplittable::NotAnIsa => "the interchange header does not have its 16 elements".to_owned(),
        Unsplittable::Exotic(it) => format!("the delimiter {} is not ASCII", quoted(&it.to_string())),
    };
    findings.fatal("x12.isa_unreadable", place(at), why, fix);
}

/// The text with a stand-in for a delimiter outside ASCII, where its first ISA uses one.
fn plain_delimiters(text: &str, findings: &mut Findings) -> Option<String> {
    const DELIMITERS: usize = 3;
    let mut plain: Option<String> = None;
    for _ in 0..DELIMITERS {
        let current = plain.as_deref().unwrap_or(text);
        let start = token::find_isa(current)?;
        match token::isa(current.get(start..)?) {
            Err(Unsplittable::Exotic(delimiter)) if !current.contains(STAND_IN) => {
                let why = format!("the delimiter {} is not ASCII", quoted(&delimiter.to_string()));
                let fix = "Ask the partner to use `~`. Nothing was lost.";
                findings.forgiven("x12.exotic_delimiter", place(start), why, fix);
                plain = Some(current.replace(delimiter, STAND_IN));
            }
            _ => return plain,
        }
    }
    plain
}

fn unwrap_lines(text: &str, findings: &mut Findings) -> Option<String> {
    let start = token::find_isa(text)?;
    let isa = token::isa(text.get(start..)?).ok()?;
    let unwrapped = token::unwrapped(text.get(start..)?, isa.delimiters.segment)?;
    let fix = "Ask the partner to send it without line breaks inside segments.";
    findings.forgiven(
        "x12.wrapped_lines",
        place(start),
        "line breaks inside segments were taken out",
        fix,
    );
    Some(format!("{}{unwrapped}", text.get(..start)?))
}

/// Bytes are counted from 1, as editors do.
fn place(at: usize) -> String {
    format!("byte {}", at + 1)
}
