//! 210, freight invoice: its number, its load, its total; whether its lines add up.

use super::code;
use super::set::{self, Received};
use super::token::Segment;
use crate::findings::{Findings, quoted};
use signalbox_model::attempt::InvoiceAttempt;
use signalbox_model::value::Money;

pub fn read(received: &Received<'_, '_>, findings: &mut Findings) -> Option<InvoiceAttempt> {
    let b3 = received.beginning("B3", findings)?;
    let total = amount(&b3, 7, findings);
    if total.is_none() && !findings.is_fatal() {
        let fix = "Ask the carrier for the invoice's total.";
        findings.fatal("invoice.missing_total", b3.at(7), "the invoice has no total", fix);
        findings.fault(set::fault(&b3, 7, "1"));
    }
    if !b3.has(3) {
        let fix = "Ask the carrier which load it bills.";
        findings.fatal("invoice.missing_reference", b3.at(3), "the invoice names no load", fix);
    }
    if !b3.has(2) {
        let fix = "Ask the carrier for its invoice number.";
        findings.warning("invoice.missing_number", b3.at(2), "the invoice has no number", fix);
    }
    let total = total?;
    check_sums(received, total, findings);
    let carrier = if b3.has(11) { b3.get(11) } else { received.sender };
    Some(InvoiceAttempt {
        carrier: carrier.to_owned(),
        reference: b3.get(3).to_owned(),
        number: b3.get(2).to_owned(),
        total: Money {
            minor: total,
            currency: currency(received),
        },
    })
}

/// C3-01, ISO 4217; dollars where nothing is said.
pub fn currency(received: &Received<'_, '_>) -> String {
    let stated = received.first("C3").map(|it| it.get(1).to_ascii_uppercase());
    stated
        .filter(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_uppercase()))
        .unwrap_or_else(|| "USD".to_owned())
}

/// An N2 element: cents with the point left out. None where it is empty or, with a warning, no number.
pub fn amount(segment: &Segment<'_, '_>, position: u32, findings: &mut Findings) -> Option<i64> {
    let text = segment.get(position as usize);
    if text.is_empty() {
        return None;
    }
    let Some((minor, pointed)) = code::cents(text) else {
        let why = format!("{} is not an amount", quoted(text));
        findings.warning(
            "x12.bad_amount",
            segment.at(position),
            why,
            "It was left out. Ask the partner for it.",
        );
        findings.fault(set::fault(segment, position, "6"));
        return None;
    };
    if pointed {
        let why = format!(
            "{} has a decimal point where cents are implied; it was read as written",
            quoted(text)
        );
        findings.forgiven(
            "x12.pointed_amount",
            segment.at(position),
            why,
            "Check the amount. Tell the partner.",
        );
    }
    Some(minor)
}

/// The lines (L1-04) and the closing total (L3-05) should say what the header says.
fn check_sums(received: &Received<'_, '_>, total: i64, findings: &mut Findings) {
    let mut sum: i64 = 0;
    let mut lines = 0;
    for l1 in received.raw.segments().filter(|it| it.id() == "L1") {
        if let Some(line) = amount(&l1, 4, findings) {
            sum = sum.saturating_add(line);
            lines += 1;
        }
    }
    let fix = "Compare the invoice with the agreed rate before it is paid.";
    if lines > 0 && sum != total {
        let why = format!(
            "the lines add up to {}, the invoice's total is {}",
            Money::usd(sum),
            Money::usd(total)
        );
        findings.warning("invoice.lines_differ", "L1-04", why.replace(" USD", ""), fix);
    }
    let Some(l3) = received.first("L3") else { return };
    if let Some(closing) = amount(&l3, 5, findings).filter(|it| *it != total) {
        let why = format!(
            "the closing total is {}, the header's {}",
            Money::usd(closing),
            Money::usd(total)
        );
        findings.warning("invoice.totals_differ", l3.at(5), why.replace(" USD", ""), fix);
    }
}
