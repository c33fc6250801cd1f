//! The views people work from: board, inbox and quarantine. Declared once; a turn refreshes the rows it touched.

use crate::capacity::{ACTION, Book};
use crate::kpi;
use crate::mail::Choice;
use crate::state::LoadState;
use crate::step::Reaction;
use crate::trip::fleet::{Seen, Why};
use crate::turn::Turn;
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::automation::{Held, HeldWhat, ModeSet};
use signalbox_model::capacity::Statement;
use signalbox_model::event::Event;
use signalbox_model::exception::{Approval, Exception, ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{CapacityHoldId, StatementId};
use signalbox_model::issue::Issue;
use signalbox_model::load::{Load, Priority, Stop};
use signalbox_model::scope::Role;
use signalbox_model::view::{Column, ColumnIndex, ColumnKind, ViewChange, ViewDefinition, ViewRow};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const fn text(name: &'static str) -> Column {
    Column {
        name,
        kind: ColumnKind::Text,
        index: ColumnIndex::Full,
    }
}

const fn integer(name: &'static str) -> Column {
    Column {
        name,
        kind: ColumnKind::Integer,
        index: ColumnIndex::Full,
    }
}

/// One row a load.
pub const BOARD: ViewDefinition = ViewDefinition {
    name: "board",
    columns: &[
        text("status"),
        text("reference"),
        text("customer"),
        text("carrier"),
        text("lane"),
        integer("pickup_at"),
        integer("updated_at"),
        text("readiness"),
    ],
    version: 2,
};

/// One row an open approval or exception.
pub const INBOX: ViewDefinition = ViewDefinition {
    name: "inbox",
    columns: &[
        text("kind"),
        text("load"),
        text("role"),
        integer("priority"),
        integer("severity"),
        integer("deadline"),
        integer("requested_at"),
    ],
    version: 2,
};

/// One row a message nobody could read or admit.
pub const QUARANTINE: ViewDefinition = ViewDefinition {
    name: "quarantine",
    columns: &[text("source"), text("code"), integer("received_at")],
    version: 1,
};

/// One row a vehicle that reports positions, with or without a load.
pub const VEHICLES: ViewDefinition = ViewDefinition {
    name: "vehicles",
    columns: &[text("load"), text("source"), integer("at"), integer("received_at")],
    version: 1,
};

/// One row a statement of free capacity that stands.
pub const CAPACITY: ViewDefinition = ViewDefinition {
    name: "capacity",
    columns: &[
        text("carrier"),
        text("equipment"),
        integer("free"),
        integer("until"),
        integer("stated_at"),
    ],
    version: 1,
};

/// One row a scope whose automation was ever switched.
pub const AUTOMATION: ViewDefinition = ViewDefinition {
    name: "automation",
    columns: &[text("mode"), text("playbook"), integer("at")],
    version: 1,
};

pub const ALL: &[ViewDefinition] = &[
    BOARD,
    INBOX,
    QUARANTINE,
    VEHICLES,
    AUTOMATION,
    CAPACITY,
    kpi::LOADS,
    kpi::EXCEPTIONS,
];

/// Refreshes the rows of what this turn touched.
pub(crate) fn refresh(turn: &mut Turn<'_>) {
    if turn.out.events.is_empty() {
        return;
    }
    let state = &*turn.state;
    let Some(load) = &state.load else { return };
    let board = board_row(state, load, turn);
    turn.out.views.push(ViewChange {
        view: BOARD.name.to_owned(),
        key: load.id.0.clone(),
        row: Some(Arc::new(board)),
    });
    let mut changes = Vec::new();
    for event in &turn.out.events {
        let (key, row) = match event {
            Event::ApprovalRequested { approval } => (approval.id.0.clone(), Some(approval_row(load, approval))),
            Event::ApprovalDecided { approval, .. } => (approval.0.clone(), None),
            Event::ExceptionRaised { exception } => {
                (exception.id.0.clone(), Some(exception_row(load, exception, state)))
            }
            Event::ExceptionUpdated { exception, .. }
            | Event::MailReceived {
                exception: Some(exception),
                ..
            } => {
                let known = state.exceptions.get(exception).filter(|it| it.resolved.is_none());
                (
                    exception.0.clone(),
                    known.map(|it| exception_row(load, &it.exception, state)),
                )
            }
            Event::ExceptionResolved { exception, .. } => (exception.0.clone(), None),
            Event::ActionHeld { held } => (held.id.0.clone(), Some(held_row(load, held))),
            Event::HeldActionSettled { held, .. } => (held.0.clone(), None),
            _ => continue, // Every other event shows on the board alone.
        };
        changes.push(ViewChange {
            view: INBOX.name.to_owned(),
            key,
            row: row.map(Arc::new),
        });
    }
    turn.out.views.extend(changes);
    let (now, events) = (turn.now(), &turn.out.events);
    let facts = kpi::changes(state, load, events, now);
    turn.out.views.extend(facts);
}

/// The rows of the statements that a turn of the tenant's capacity has touched.
pub(crate) fn refresh_capacity(book: &Book, out: &mut Reaction) {
    let mut touched: BTreeSet<StatementId> = BTreeSet::new();
    let of = |hold: &CapacityHoldId| book.holds.get(hold).map(|it| it.hold.statement.clone());
    for event in &out.events {
        match event {
            Event::CapacityStated { statement } => drop(touched.insert(statement.id.clone())),
            Event::CapacityHeld { hold } => drop(touched.insert(hold.statement.clone())),
            Event::CapacityConsumed { hold } | Event::CapacityOffered { hold, .. } => touched.extend(of(hold)),
            Event::CapacityReleased { statement, .. } => drop(touched.insert(statement.clone())),
            _ => {} // Nothing that a row shows.
        }
    }
    let changes = touched.into_iter().map(|id| ViewChange {
        view: CAPACITY.name.to_owned(),
        row: book.statements.get(&id).map(|it| Arc::new(capacity_row(book, it))),
        key: id.0,
    });
    out.views.extend(changes);
}

/// Takes the rows of statements away that are forgotten by now.
pub(crate) fn forget_capacity(ended: &[StatementId], book: &Book, out: &mut Reaction) {
    let gone = ended.iter().filter(|it| !book.statements.contains_key(it));
    out.views.extend(gone.map(|id| ViewChange {
        view: CAPACITY.name.to_owned(),
        key: id.0.clone(),
        row: None,
    }));
}

fn capacity_row(book: &Book, statement: &Statement) -> ViewRow {
    let held = book.of_statement(&statement.id).map(|it| {
        json!({"load": it.hold.need.load, "reference": it.hold.need.reference, "unit": it.hold.unit,
               "until": it.hold.until, "offer": it.hold.offer, "consumed": it.consumed})
    });
    let free = book.free(statement);
    let body = json!({
        "statement": statement.id, "carrier": statement.carrier, "scac": statement.scac,
        "equipment": statement.equipment, "trucks": statement.trucks, "free": free, "place": statement.label,
        "coordinates": statement.coordinates, "place_source": statement.place_source, "from": statement.from,
        "until": statement.until, "rate": statement.rate, "stated_by": statement.stated_by.name,
        "stated_at": statement.stated_at, "held": held.collect::<Vec<_>>(),
    });
    row(
        &[
            ("carrier", json!(statement.scac)),
            ("equipment", json!(statement.equipment)),
            ("free", json!(free)),
            ("until", json!(micros(statement.until.at))),
            ("stated_at", json!(micros(statement.stated_at))),
        ],
        body,
    )
}

fn board_row(state: &LoadState, load: &Load, turn: &Turn<'_>) -> ViewRow {
    let directory = turn.directory();
    let name = |id: &signalbox_model::id::PartnerId| {
        directory
            .partners
            .get(id)
            .map_or_else(|| id.0.clone(), |it| it.name.clone())
    };
    let customer = state.order.as_ref().map(|it| name(&it.customer));
    let carrier = state.covered.as_ref().map(|it| name(&it.carrier));
    let offer = state.open_offers().next().map(|it| {
        json!({"carrier": name(&it.carrier), "scac": it.scac, "rank": it.rank, "rate": it.rate, "respond_by": it.respond_by, "state": it.state})
    });
    let rate = state
        .covered
        .as_ref()
        .map(|it| it.rate.clone())
        .or_else(|| load.rate.clone());
    let updated = state.updated_at.unwrap_or(turn.now());
    let pickup_at = load
        .pickup()
        .and_then(|it| it.window.earliest.as_ref().or(it.window.latest.as_ref()))
        .map(|it| it.at);
    let body = json!({
        "load": load.id,
        "reference": load.reference,
        "customer": customer,
        "status": state.status(),
        "lane": load.lane(),
        "origin": load.pickup().map(|it| it.location.label()),
        "destination": load.delivery().map(|it| it.location.label()),
        "pickup": load.pickup().and_then(stop_time),
        "delivery": load.delivery().and_then(stop_time),
        "carrier": carrier,
        "offer": offer,
        "rate": rate,
        "exceptions": state.open_exceptions().count(),
        "held": state.held.len(),
        "updated_at": updated,
        "playbook": state.tender.as_ref().map(|it| it.playbook.clone()),
        "priority": load.priority,
        "trip": trip(state, load),
        "invoice": invoice(state),
    });
    let readiness = state.documents.readiness.as_ref();
    let readiness = readiness.map(|it| if it.ready { "ready" } else { "missing" });
    row(
        &[
            ("status", json!(state.status())),
            ("reference", json!(load.reference)),
            ("customer", json!(customer)),
            ("carrier", json!(carrier)),
            ("lane", json!(load.lane())),
            ("pickup_at", json!(pickup_at.map(micros))),
            ("updated_at", json!(micros(updated))),
            ("readiness", json!(readiness)),
        ],
        body,
    )
}

/// The time that binds at a stop: the latest for a delivery, the earliest for a pickup, else what there is.
fn stop_time(stop: &Stop) -> Option<Value> {
    let window = &stop.window;
    let pickup = stop.kind == signalbox_model::load::StopKind::Pickup;
    let (first, second) = if pickup {
        (&window.earliest, &window.latest)
    } else {
        (&window.latest, &window.earliest)
    };
    first
        .as_ref()
        .or(second.as_ref())
        .map(|it| json!({"at": it.at, "zone": it.zone, "basis": it.basis}))
}

fn approval_row(load: &Load, approval: &Approval) -> ViewRow {
    let policy = approval
        .evidence
        .iter()
        .find(|it| it.what == "policy")
        .map(|it| it.value.clone());
    let allowed: &[&str] = if approval.action == ACTION || approval.action == crate::mail::MILESTONE {
        &["approve", "reject"] // There is nothing to change.
    } else {
        &["approve", "edit", "reject"]
    };
    let body = json!({
        "kind": "approval", "id": approval.id, "load": load.id, "reference": load.reference,
        "title": approval.title, "severity": "high", "requested_at": approval.requested_at,
        "deadline": approval.deadline, "role": approval.role, "evidence": approval.evidence,
        "proposal": approval.proposal, "rule": policy, "next_action": null,
        "allowed_actions": allowed,
    });
    inbox_row(
        load,
        "approval",
        approval.role.as_str(),
        3,
        Some(approval.deadline),
        approval.requested_at,
        body,
    )
}

fn exception_row(load: &Load, exception: &Exception, state: &LoadState) -> ViewRow {
    let severity = match exception.severity {
        ExceptionSeverity::Low => 1,
        ExceptionSeverity::Medium => 2,
        ExceptionSeverity::High => 3,
    };
    let allowed: &[&str] = match exception.kind {
        ExceptionKind::ConditionalAnswer => &["resolve", "accept_terms", "refuse_terms"],
        ExceptionKind::DocumentInQuestion => &["accept_document", "refuse_document"],
        ExceptionKind::DeliveryDiscrepancy
        | ExceptionKind::ProofMissing
        | ExceptionKind::InvoiceMismatch
        | ExceptionKind::TenderExhausted
        | ExceptionKind::ApprovalRefused
        | ExceptionKind::DeliveryFailed
        | ExceptionKind::OrderChanged
        | ExceptionKind::LateDeliveryRisk
        | ExceptionKind::DetentionRisk
        | ExceptionKind::TroubleReported
        | ExceptionKind::AnswerNeeded
        | ExceptionKind::TakenOver
        | ExceptionKind::AutomationStopped => &["resolve"],
    };
    // Without the text: who may read it asks for it, and gets it opened.
    let mails = state
        .mails
        .iter()
        .filter(|it| it.exception.as_ref() == Some(&exception.id));
    let mails: Vec<Value> = mails
        .map(|it| {
            json!({"message": it.message, "sent": it.mail.sent, "sender": it.mail.sender, "reading": it.mail.reading,
                   "summary": it.mail.summary})
        })
        .collect();
    let body = json!({
        "kind": "exception", "id": exception.id, "mails": mails, "load": load.id, "reference": load.reference,
        "title": exception.title, "severity": exception.severity, "requested_at": exception.raised_at,
        "deadline": null, "role": null, "evidence": exception.evidence, "proposal": null, "rule": null,
        "next_action": exception.next_action, "exception": exception.kind, "allowed_actions": allowed,
    });
    inbox_row(
        load,
        "exception",
        "dispatcher",
        severity,
        None,
        exception.raised_at,
        body,
    )
}

/// A place in the manual queue.
fn held_row(load: &Load, held: &Held) -> ViewRow {
    // Whatever the mode was that held it: the engine refuses by name what the mode of that moment does not let out.
    let (allowed, next): (&[&str], _) = match &held.what {
        HeldWhat::Offer { .. } | HeldWhat::Delivery { .. } => (
            &["do", "skip", "take_over", "cover"],
            "Have it done unless automation observes, skip it, take the load over, or cover it by hand.",
        ),
        HeldWhat::Timer { .. } => (
            &["do", "take_over", "cover"],
            "Have it done unless automation observes, take the load over, or cover it by hand.",
        ),
    };
    let body = json!({
        "kind": "held", "id": held.id, "load": load.id, "reference": load.reference, "title": held.title,
        "severity": "high", "requested_at": held.since, "deadline": null, "role": Role::Dispatcher,
        "evidence": [], "proposal": held.proposal, "rule": "platform.automation_mode", "next_action": next,
        "allowed_actions": allowed, "mode": held.mode, "playbook": held.playbook, "action": held.action,
    });
    inbox_row(load, "held", Role::Dispatcher.as_str(), 3, None, held.since, body)
}

/// The automation view's change when a mode was set.
pub(crate) fn automation_change(set: &ModeSet) -> ViewChange {
    let playbook = set.scope.playbook.as_deref();
    let columns = [
        ("mode", json!(set.mode)),
        ("playbook", json!(playbook)),
        ("at", json!(micros(set.at))),
    ];
    let body = json!({
        "playbook": playbook, "mode": set.mode, "reason": set.reason, "by": set.by.name, "since": set.at,
    });
    ViewChange {
        view: AUTOMATION.name.to_owned(),
        key: playbook.map_or_else(|| "all".to_owned(), |it| format!("playbook/{it}")),
        row: Some(Arc::new(row(&columns, body))),
    }
}

fn inbox_row(
    load: &Load,
    kind: &str,
    role: &str,
    severity: i64,
    deadline: Option<Timestamp>,
    requested_at: Timestamp,
    mut body: Value,
) -> ViewRow {
    if let Some(fields) = body.as_object_mut() {
        fields.insert("priority".to_owned(), json!(load.priority));
    }
    let is_expedited = load.priority == Priority::High;
    row(
        &[
            ("kind", json!(kind)),
            ("load", json!(load.id)),
            ("role", json!(role)),
            ("priority", json!(i64::from(is_expedited))),
            ("severity", json!(severity)),
            ("deadline", json!(deadline.map(micros))),
            ("requested_at", json!(micros(requested_at))),
        ],
        body,
    )
}

/// The quarantine's row for a message that could not be used.
pub fn quarantine_row(
    message: &str,
    source: &str,
    content_type: &str,
    bytes: u64,
    issues: &[Issue],
    loads: &[Choice],
    at: Timestamp,
) -> ViewRow {
    let code = issues.first().map(|it| it.code.clone()).unwrap_or_default();
    let body = json!({
        "message": message, "source": source, "received_at": at, "content_type": content_type, "bytes": bytes,
        "issues": issues, "loads": loads,
    });
    row(
        &[
            ("source", json!(source)),
            ("code", json!(code)),
            ("received_at", json!(micros(at))),
        ],
        body,
    )
}

/// The vehicles' row of a sampled position. A vehicle without a load is there too, to be seen.
pub fn vehicle_row(seen: &Seen, source: &str, received_at: Timestamp) -> ViewRow {
    let (sample, loads) = (&seen.sample, &seen.loads);
    let load = loads.last();
    let body = json!({
        "vehicle": sample.vehicle, "at": sample.at, "coordinates": sample.coordinates, "speed_kmh": sample.speed_kmh,
        "load": load, "loads": loads, "source": source, "received_at": received_at,
        "refused": seen.refused, "refused_last": seen.refused_last.map(Why::explain),
    });
    row(
        &[
            ("load", json!(load)),
            ("source", json!(source)),
            ("at", json!(micros(sample.at))),
            ("received_at", json!(micros(received_at))),
        ],
        body,
    )
}

/// What the board and the load's page show of invoice readiness. None before the load is delivered or proof of it came.
pub fn invoice(state: &LoadState) -> Option<Value> {
    let readiness = state.documents.readiness.as_ref()?;
    let missing = readiness
        .missing
        .iter()
        .map(|it| json!({"code": it, "text": it.explain()}));
    Some(
        json!({"ready": readiness.ready, "missing": missing.collect::<Vec<_>>(), "requests": state.documents.requests}),
    )
}

/// What the board shows of a load's trip.
fn trip(state: &LoadState, load: &Load) -> Option<Value> {
    let trip = &state.trip;
    if !trip.started {
        return None;
    }
    let next = load.stops.iter().find(|it| {
        let visit = trip.visits.get(&it.sequence);
        !visit.is_some_and(|it| it.departed.is_some() || it.delivered.is_some())
    });
    let delivery = load.delivery();
    let estimate = delivery.and_then(|it| trip.estimates.get(&it.sequence));
    let delivered = delivery.and_then(|it| trip.arrived(it.sequence)).map(|it| it.at);
    let is_overdue = delivered.is_none() && delivery.is_some_and(|it| trip.overdue.contains(&it.sequence));
    Some(json!({
        "vehicle": trip.assignment.as_ref().map(|it| it.vehicle.clone()),
        "next_stop": next.map(|it| it.location.label()),
        "eta": estimate.map(|it| it.eta), "as_of": estimate.map(|it| it.as_of),
        "late": is_overdue || estimate.is_some_and(|it| it.is_late), "arrived": delivered, "completed": trip.completed,
    }))
}

fn row(columns: &[(&str, Value)], body: Value) -> ViewRow {
    let columns: BTreeMap<String, Value> = columns
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    ViewRow { columns, body }
}

fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}
