//! Carriers' invoices: kept on the load, and held against the rate that was agreed. How far one may be off is policy.

use crate::exceptions::{self, Kept};
use crate::gate::{Choice, Fact};
use crate::turn::Turn;
use signalbox_model::attempt::InvoiceAttempt;
use signalbox_model::decision::Evidence;
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{ExceptionId, Mint};
use signalbox_model::scope::Actor;
use signalbox_model::value::Money;
use std::collections::BTreeMap;

/// A carrier's freight invoice.
pub(crate) fn admit(turn: &mut Turn<'_>, invoice: InvoiceAttempt) {
    let InvoiceAttempt {
        carrier, number, total, ..
    } = invoice;
    turn.record(Event::InvoiceReceived { carrier, number, total });
    turn.done(serde_json::json!({}));
    judge(turn);
}

/// All that was invoiced for the load against what was agreed: the gate says whether a person looks at it.
fn judge(turn: &mut Turn<'_>) {
    let Some(id) = exception_id(turn) else { return };
    let agreed = turn.state.covered.as_ref().map(|it| it.rate.clone());
    let hauls = turn.state.covered.as_ref().map(|it| it.carrier.clone());
    let invoices = turn.state.documents.invoices.clone();
    let by_others = invoices
        .iter()
        .filter(|it| turn.directory().carrier(&it.carrier).map(|it| it.id.clone()) != hauls);
    let by_others = by_others.count() as i64;
    let currency = invoices.last().map_or_else(String::new, |it| it.total.currency.clone());
    let is_mixed = invoices.iter().any(|it| it.total.currency != currency);
    let minor = invoices
        .iter()
        .fold(0_i64, |sum, it| sum.saturating_add(it.total.minor));
    let invoiced = Money { minor, currency };
    let agreed_minor = agreed.as_ref().map_or(0, |it| it.minor);
    let agreed_currency = agreed.as_ref().map_or_else(String::new, |it| it.currency.clone());
    let facts = BTreeMap::from([
        ("invoiced_minor", Fact::Long(invoiced.minor)),
        ("agreed_minor", Fact::Long(agreed_minor)),
        (
            "difference_minor",
            Fact::Long(invoiced.minor.saturating_sub(agreed_minor).saturating_abs()),
        ),
        (
            "currency",
            Fact::Text(if is_mixed {
                "mixed".to_owned()
            } else {
                invoiced.currency.clone()
            }),
        ),
        ("agreed_currency", Fact::Text(agreed_currency)),
        ("by_others", Fact::Long(by_others)),
    ]);
    let verdict = turn.gate(&Actor::system(), "accept_invoice", facts);
    if verdict.choice == Choice::Allow {
        return exceptions::close(turn, &id, "what was invoiced is what was agreed");
    }
    let agreed = agreed.map_or_else(|| "nothing".to_owned(), |it| it.to_string());
    let numbers: Vec<String> = invoices
        .iter()
        .map(|it| format!("{} {} {}", it.carrier, it.number, it.total))
        .collect();
    let kept = Kept {
        id,
        kind: ExceptionKind::InvoiceMismatch,
        severity: ExceptionSeverity::Medium,
        title: format!("Invoiced are {invoiced}, agreed were {agreed}"),
        next_action: "Compare the invoice with the rate and the accessorials, and settle the difference with the carrier.",
        evidence: vec![
            Evidence::new("invoices", numbers.join(", "), "carrier"),
            Evidence::new("agreed", agreed, "tender"),
            Evidence::new("policy", verdict.policies.join(", "), "gate"),
        ],
    };
    exceptions::keep(turn, kept);
}

fn exception_id(turn: &Turn<'_>) -> Option<ExceptionId> {
    let load = turn.state.load.as_ref()?;
    // One a load: what was invoiced is summed up.
    Some(Mint::new(format!("{}/invoice_mismatch", load.id), jiff::Timestamp::UNIX_EPOCH).make())
}
