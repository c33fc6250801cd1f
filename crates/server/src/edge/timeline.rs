//! A load's timeline: every event, decision, effect and human touch of its stream, in log order.

use super::Edge;
use super::ask::WaitFor;
use super::auth::Caller;
use super::loads::records;
use super::personal::Reader;
use super::problem::{Problem, ProblemBody};
use super::shapes::Timeline;
use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};
use signalbox_engine::directory::Directory;
use signalbox_model::decision::Decision;
use signalbox_model::effect::{Effect, Order, Receipt};
use signalbox_model::event::Event;
use signalbox_model::exception::Touch;
use signalbox_model::id::{EffectId, PartnerId};
use signalbox_model::scope::Actor;
use signalbox_runtime::record::Stored;
use std::collections::BTreeMap;

/// Everything that happened to a load, was decided about it and was sent for it.
#[utoipa::path(get, path = "/api/v1/loads/{id}/timeline", tag = "work", params(("id" = String, Path), WaitFor),
    responses((status = 200, body = Timeline), (status = "4XX", body = ProblemBody)))]
pub async fn timeline(
    State(edge): State<Edge>,
    caller: Caller,
    Path(id): Path<String>,
    Query(wait): Query<WaitFor>,
) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    edge.wait_for(wait.wait_for).await?;
    edge.read(move |edge| {
        let records = records(edge, &caller, &id)?;
        let mut entries = Value::Array(entries(&records, &caller.directory));
        Reader::new(edge, &caller).show(&mut entries);
        Ok(Json(json!({ "entries": entries })))
    })
    .await
}

fn entries(records: &[Stored], directory: &Directory) -> Vec<Value> {
    let states = states(records);
    let mut entries = Vec::new();
    for stored in records {
        let record = &stored.record;
        let entry = |actor: &Actor, kind: &str, name: &str, summary: String, data: Value| {
            json!({
                "seq": stored.seq, "at": record.at, "actor": {"kind": actor.kind, "name": actor.name},
                "cause": record.cause, "kind": kind, "name": name, "summary": summary, "data": data,
            })
        };
        for event in &record.events {
            entries.push(match event {
                Event::TouchRecorded { touch } => {
                    entry(&touch.who, "touch", &touch.action, touched(touch), json!(touch))
                }
                event => entry(
                    &record.actor,
                    "event",
                    event.name(),
                    told(event, directory),
                    json!(event),
                ),
            });
        }
        for decision in &record.decisions {
            let mut told = entry(
                &record.actor,
                "decision",
                &decision.about,
                decided(decision),
                json!(decision),
            );
            put(&mut told, "evidence", json!(decision.evidence));
            entries.push(told);
        }
        for effect in &record.effects {
            let mut told = entry(
                &record.actor,
                "effect",
                effect.order.name(),
                ordered(effect, directory),
                json!(effect),
            );
            put(
                &mut told,
                "state",
                json!(states.get(&effect.id).copied().unwrap_or("pending")),
            );
            entries.push(told);
        }
    }
    entries
}

fn put(entry: &mut Value, field: &str, value: Value) {
    if let Some(fields) = entry.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

/// What became of each effect.
fn states(records: &[Stored]) -> BTreeMap<EffectId, &'static str> {
    let mut states = BTreeMap::new();
    // Settled where the trucks are; here it is the answer that says so.
    let mut asks: Vec<EffectId> = Vec::new();
    for record in records.iter().map(|it| &it.record) {
        for settled in &record.settled {
            states.entry(settled.clone()).or_insert("settled");
        }
        for event in &record.events {
            if let Event::EffectSettled { effect, receipt, .. } = event {
                let state = match receipt {
                    Receipt::Delivered { .. } => "delivered",
                    Receipt::Refused { .. } => "refused",
                    Receipt::GaveUp { .. } => "gave_up",
                };
                states.insert(effect.clone(), state);
            }
            let answers = matches!(
                event,
                Event::CapacityGranted { .. } | Event::CapacityRefused { .. } | Event::CapacityLost { .. }
            );
            if answers {
                states.extend(asks.drain(..).map(|it| (it, "settled")));
            }
        }
        let asked = record
            .effects
            .iter()
            .filter(|it| matches!(it.order, Order::AskCapacity { .. }));
        asks.extend(asked.map(|it| it.id.clone()));
    }
    states
}

/// One line of an event, for a person.
fn told(event: &Event, directory: &Directory) -> String {
    let name = |id: &PartnerId| name(directory, id);
    let reason = |it: &Option<String>| it.as_ref().map_or_else(String::new, |it| format!(": {it}"));
    match event {
        Event::OrderReceived { order, .. } => format!("Order {} of {}", order.reference, name(&order.customer)),
        Event::ShipmentCreated { shipment } => format!("{} kinds of goods", shipment.goods.len()),
        Event::LoadCreated { load } => {
            let label = |stop: Option<&signalbox_model::load::Stop>| {
                stop.map_or_else(|| "?".to_owned(), |it| it.location.label())
            };
            format!("{} to {}", label(load.pickup()), label(load.delivery()))
        }
        Event::LoadCancelled { reason } => format!("Cancelled: {reason}"),
        Event::TenderStarted { playbook, .. } => format!("Tender by playbook {playbook}"),
        Event::OfferProposed { offer } => format!("Rank {}, {}, {}", offer.rank, name(&offer.carrier), offer.rate),
        Event::OfferMade { rate, approved_by, .. } => approved_by.as_ref().map_or_else(
            || format!("At {rate}"),
            |by| format!("At {rate}, approved by {}", by.name),
        ),
        Event::OfferSent { receipt, .. } => format!("Sent: {receipt}"),
        Event::OfferAccepted { carrier, .. } => format!("{} accepted", name(carrier)),
        Event::OfferDeclined { reason: why, .. } => format!("Declined{}", reason(why)),
        Event::OfferAnsweredConditionally { reason: why, .. } => {
            format!("On terms of the carrier's own{}", reason(why))
        }
        Event::OfferExpired { .. } => "No answer in time".to_owned(),
        Event::OfferWithdrawn { reason, .. } => format!("Withdrawn: {reason}"),
        Event::OfferRefused { reason, .. } => format!("Not made: {reason}"),
        Event::LoadCovered { carrier, rate, .. } => format!("By {} at {rate}", name(carrier)),
        Event::TenderExhausted { offers, .. } => format!("{offers} offers, no carrier"),
        Event::AnswerRejected { carrier, rejection, .. } => format!("Answer of {carrier}: {}", rejection.explain()),
        Event::AttemptRejected { rejection, detail, .. } => format!("{} {detail}", rejection.explain()),
        Event::ApprovalRequested { approval } => approval.title.clone(),
        Event::ApprovalDecided {
            outcome,
            by,
            reason: why,
            ..
        } => {
            let who = by.as_ref().map_or("nobody in time", |it| it.name.as_str());
            format!("{} by {who}{}", word(outcome), reason(why))
        }
        Event::ExceptionRaised { exception } => exception.title.clone(),
        Event::ExceptionResolved { by, resolution, .. } => format!("By {}: {resolution}", by.name),
        Event::MilestoneReported { carrier, milestone } => format!("{carrier}: status {}", milestone.status),
        Event::ExceptionUpdated { title, .. } => title.clone(),
        Event::VehicleAssigned { assignment, .. } => {
            format!(
                "Vehicle {}, by {}",
                assignment.vehicle,
                word(&assignment.basis).replace('_', " ")
            )
        }
        Event::VehicleReleased { vehicle, reason, .. } => format!("Vehicle {vehicle}: {reason}"),
        Event::TripStarted { unplaced, .. } if !unplaced.is_empty() => {
            format!("Nobody knows where stops {unplaced:?} lie: add them as sites to have an estimate")
        }
        Event::TripStarted { places, .. } => format!("{} stops, each with its place", places.len()),
        Event::StopPlaced { place } => format!("Stop {} lies where {} says", place.stop, place.source),
        Event::StopArrived { stop, arrived } => format!("Stop {stop} at {} by {}", arrived.at, word(&arrived.source)),
        Event::StopDeparted { stop, departed } => {
            format!("Stop {stop} at {} by {}", departed.at, word(&departed.source))
        }
        Event::StopDelivered { stop, delivered } => {
            format!("Stop {stop} at {} by {}", delivered.at, word(&delivered.source))
        }
        Event::VisitWithdrawn { stop, what } => format!("The {what} at stop {stop} was none, as later positions show"),
        Event::EtaEstimated { estimate } => {
            let late = if estimate.is_late { ", late" } else { "" };
            format!(
                "Stop {} at {}{late}, as of {}",
                estimate.stop, estimate.eta, estimate.as_of
            )
        }
        Event::PositionsDoubted { vehicle, doubts } => {
            let why = doubts.last.as_ref().map_or("", |it| it.why.as_str());
            format!(
                "{} positions of vehicle {vehicle} not used; the last: {why}",
                doubts.count()
            )
        }
        Event::DeliveryOverdue { stop, promised } => format!("Stop {stop} was promised for {}", promised.at),
        Event::TripCompleted { .. } => "Every delivery is done".to_owned(),
        Event::InvoiceReceived { carrier, number, total } => format!("Invoice {number} of {carrier}, {total}"),
        Event::DocumentReceived { .. }
        | Event::DocumentRefused { .. }
        | Event::DocumentQuestioned { .. }
        | Event::DocumentAccepted { .. }
        | Event::DocumentSetAside { .. }
        | Event::DocumentCompleted { .. }
        | Event::DocumentRequested { .. }
        | Event::InvoiceReadinessChanged { .. } => told_of_papers(event, directory),
        Event::NoticeProposed { notice } => format!("For {}", name(&notice.to)),
        Event::NoticeReleased { approved_by, .. } => approved_by.as_ref().map_or_else(
            || "It may leave unattended".to_owned(),
            |by| format!("Approved by {}", by.name),
        ),
        Event::NoticeSent {
            receipt, perhaps_twice, ..
        } => format!("Sent: {receipt}{}", twice(*perhaps_twice)),
        Event::NoticeRefused { reason, .. } => format!("Not sent: {reason}"),
        Event::NoticeFailed { reason, .. } => format!("Not delivered: {reason}"),
        Event::NoticeWithdrawn { reason, .. } => format!("Withdrawn: {reason}"),
        Event::EffectSettled { name, receipt, .. } => match receipt {
            Receipt::Delivered { receipt, perhaps_twice } => {
                format!("{name} delivered: {receipt}{}", twice(*perhaps_twice))
            }
            Receipt::Refused { reason } => format!("{name} refused: {reason}"),
            Receipt::GaveUp { reason, attempts } => format!("{name} given up after {attempts} attempts: {reason}"),
        },
        Event::ActionHeld { .. }
        | Event::HeldActionSettled { .. }
        | Event::OfferExtended { .. }
        | Event::LoadCoveredByHand { .. } => told_of_hands(event, directory),
        Event::TouchRecorded { touch } => touched(touch),
        Event::MessageReceived(message) => format!("{} bytes by {}", message.bytes, message.source),
        other => told_of_mail(other),
    }
}

/// One line of what was written, and of what a language model made of it.
fn told_of_mail(event: &Event) -> String {
    match event {
        Event::MailReceived { mail, .. } => mail.summary.clone(),
        Event::MilestoneRecorded { milestone, by } => format!(
            "Stop {} {} at {}, as a mail says, approved by {}",
            milestone.stop,
            word(&milestone.what),
            milestone.at.at,
            by.name
        ),
        Event::AdviceGiven { advice, .. } => format!("Words of {}, as advice", advice.model),
        Event::AdviceRefused { reason, .. } => format!("Not shown: {reason}"),
        other => told_of_capacity(other),
    }
}

/// One line of a load's truck that was free, or that it gave away.
fn told_of_capacity(event: &Event) -> String {
    match event {
        Event::CapacityGranted {
            hold,
            rate,
            search,
            displaced,
        } => {
            let nearest = search.candidates.iter().find(|it| it.statement == hold.statement);
            let way = nearest.map_or_else(String::new, |it| {
                format!(", {} km from the pickup", (it.distance_m + 500) / 1_000)
            });
            let from = displaced
                .as_ref()
                .map_or_else(String::new, |it| format!(", in the place of load {it}"));
            format!("A truck of {} at {rate} is held{way}{from}", hold.scac)
        }
        Event::CapacityRefused {
            reason, displaceable, ..
        } => displaceable.as_ref().map_or_else(
            || format!("No free truck, so by the routing guide: {reason}"),
            |it| {
                format!(
                    "No free truck, but {}'s is on offer to load {}",
                    it.hold.scac, it.hold.need.reference
                )
            },
        ),
        Event::CapacityLost { reason, .. } => format!("The truck is not held any more: {reason}"),
        Event::LoadDisplaced {
            by_reference,
            approved_by,
            ..
        } => format!(
            "Its truck goes to expedited load {by_reference}, approved by {}",
            approved_by.name
        ),
        Event::DisplacementRefused { reason, .. } => format!("It keeps its truck: {reason}"),
        // Of other streams: they never stand on a load's timeline, and their names say enough.
        other => other.name().to_owned(),
    }
}

/// One line of what happened to documents and the invoice.
fn told_of_papers(event: &Event, directory: &Directory) -> String {
    match event {
        Event::DocumentReceived { document } => format!("{}, {} bytes", plain(&document.kind), document.bytes),
        Event::DocumentRefused { document, detail, .. } => format!("{}: {detail}", plain(&document.kind)),
        Event::DocumentQuestioned { contradictions, .. } => {
            let words: Vec<String> = contradictions.iter().map(plain).collect();
            format!("It contradicts the load: {}", words.join(", "))
        }
        Event::DocumentAccepted { by, .. } => format!("{} takes it for one of this load", by.name),
        Event::DocumentSetAside { by, reason, .. } => format!("{} sets it aside: {reason}", by.name),
        Event::DocumentCompleted { by, .. } => format!("{} says more of it", by.name),
        Event::DocumentRequested { kind, carrier, number } => {
            format!(
                "{} of {}, for the {number}. time",
                plain(kind),
                name(directory, carrier)
            )
        }
        Event::InvoiceReadinessChanged { ready: true, .. } => "Nothing is missing".to_owned(),
        Event::InvoiceReadinessChanged { missing, .. } => {
            let words: Vec<&str> = missing.iter().map(|it| it.explain()).collect();
            format!("Missing: {}", words.join("; "))
        }
        // `told` hands over no other.
        other => other.name().to_owned(),
    }
}

fn twice(perhaps: bool) -> &'static str {
    if perhaps {
        "; it may have arrived twice under the same Message-ID"
    } else {
        ""
    }
}

/// One line of what automation held back, or a person did in its place.
fn told_of_hands(event: &Event, directory: &Directory) -> String {
    match event {
        Event::ActionHeld { held } => format!("Held ({}): {}", held.mode.word(), held.title),
        Event::HeldActionSettled {
            outcome, by, reason, ..
        } => {
            let who = by.as_ref().map_or_else(String::new, |it| format!(" by {}", it.name));
            format!("{}{who}: {reason}", word(outcome).replace('_', " "))
        }
        Event::OfferExtended { respond_by, .. } => format!("To be answered until {respond_by}"),
        Event::LoadCoveredByHand {
            offer, by, agreement, ..
        } => {
            let against = agreement.as_ref().map_or_else(String::new, |it| {
                format!("; automation proposed {} at {}", it.proposed_carrier, it.proposed_rate)
            });
            format!(
                "{} found {} at {}{against}",
                by.name,
                name(directory, &offer.carrier),
                offer.rate
            )
        }
        // `told` hands over no other.
        other => other.name().to_owned(),
    }
}

fn ordered(effect: &Effect, directory: &Directory) -> String {
    match &effect.order {
        Order::SendOffer { carrier, .. } | Order::WithdrawOffer { carrier, .. } => {
            format!("To {}", name(directory, carrier))
        }
        Order::SendNotice { to, .. } => format!("To {}", name(directory, to)),
        Order::RequestDocument {
            carrier, kind, number, ..
        } => {
            format!(
                "{} of {}, for the {number}. time",
                plain(kind),
                name(directory, carrier)
            )
        }
        Order::TellSystem { customer, ready, .. } => {
            let whose = customer
                .as_ref()
                .map_or_else(|| "the tenant".to_owned(), |it| name(directory, it));
            format!("The system of {whose}: {}", if *ready { "ready" } else { "not ready" })
        }
        Order::SendAcknowledgement { to, .. } => format!("To {to}"),
        Order::AskAdvisor { .. } => "Asks the language model for a summary and a draft".to_owned(),
        Order::NormalizeMessage { source, .. } => format!("Read what came by {source}"),
        Order::ContinueWorkflow { call, .. } => format!("Go on after {call}"),
        Order::AskCapacity { .. } => "Ask for a truck that is free near the pickup".to_owned(),
        Order::AnswerCapacity { .. } => "Answer what is free".to_owned(),
        Order::ReclaimCapacity { by_reference, .. } => format!("Give the truck to load {by_reference}"),
        Order::ResumeHeld { .. } => "Go on once automation may act".to_owned(),
    }
}

fn decided(decision: &Decision) -> String {
    if decision.rule.is_empty() {
        decision.choice.clone()
    } else {
        format!("{} by {}", decision.choice, decision.rule)
    }
}

fn touched(touch: &Touch) -> String {
    let open = span(touch.open_ms);
    match touch.in_hand_ms {
        Some(in_hand) => format!("After {open}, {} in hand", span(in_hand)),
        None => format!("After {open}"),
    }
}

/// `2 min 11 s`
fn span(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

fn name(directory: &Directory, partner: &PartnerId) -> String {
    directory
        .partners
        .get(partner)
        .map_or_else(|| partner.0.clone(), |it| it.name.clone())
}

/// An enum's word on the wire, as people write it.
fn plain(value: &impl serde::Serialize) -> String {
    word(value).replace('_', " ")
}

/// An enum's word on the wire.
fn word(value: &impl serde::Serialize) -> String {
    json!(value).as_str().map(str::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        assert_eq!(
            [-5, 14_000, 131_000, 7_260_000].map(span),
            ["0 s", "14 s", "2 min 11 s", "2 h 1 min"]
        );
    }
}
