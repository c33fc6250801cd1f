//! One load: the fold of its own stream, as its page shows it.

use super::Edge;
use super::ask::WaitFor;
use super::auth::Caller;
use super::documents;
use super::personal::Reader;
use super::problem::{Problem, ProblemBody};
use super::shapes::LoadDetail;
use super::trips;
use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};
use signalbox_engine::directory::Directory;
use signalbox_engine::state::LoadState;
use signalbox_engine::views;
use signalbox_model::id::{LoadId, PartnerId, StreamId};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Role;
use signalbox_model::view::ViewRow;
use signalbox_runtime::record::Stored;

/// Records of one load that are read for its page.
const RECORDS_MAX: usize = 10_000;
/// Records read from the store at a time.
const PAGE: usize = 500;

/// A load with its order, shipment, tender, exceptions and approvals.
#[utoipa::path(get, path = "/api/v1/loads/{id}", tag = "work", params(("id" = String, Path), WaitFor),
    responses((status = 200, body = LoadDetail), (status = "4XX", body = ProblemBody)))]
pub async fn load(
    State(edge): State<Edge>,
    caller: Caller,
    Path(id): Path<String>,
    Query(wait): Query<WaitFor>,
) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    edge.wait_for(wait.wait_for).await?;
    edge.read(move |edge| {
        let records = records(edge, &caller, &id)?;
        let mut state = LoadState::default();
        for stored in &records {
            stored
                .record
                .events
                .iter()
                .for_each(|event| state.apply(event, stored.record.at));
        }
        let latest = trips::latest(edge, &caller, &state)?;
        let mut detail = detail(&state, &caller.directory, &caller, latest.as_ref());
        Reader::new(edge, &caller).show(&mut detail);
        Ok(Json(detail))
    })
    .await
}

/// The records of a load's stream, in order.
pub fn records(edge: &Edge, caller: &Caller, id: &str) -> Result<Vec<Stored>, Problem> {
    let unknown = || Problem::unrecorded(Rejection::LoadUnknown, "There is no load with this id.");
    let stream = StreamId::load(&LoadId::from(id));
    if !stream.is_load() {
        return Err(unknown());
    }
    let seqs = edge
        .store
        .stream_seqs(&caller.scope, &stream)
        .map_err(Problem::internal)?;
    if seqs.is_empty() {
        return Err(unknown());
    }
    let mut records = Vec::with_capacity(seqs.len().min(RECORDS_MAX));
    for page in seqs.get(..seqs.len().min(RECORDS_MAX)).unwrap_or(&seqs).chunks(PAGE) {
        records.extend(edge.store.records_at(&caller.scope, page).map_err(Problem::internal)?);
    }
    Ok(records)
}

fn detail(state: &LoadState, directory: &Directory, caller: &Caller, latest: Option<&ViewRow>) -> Value {
    let order = state.order.as_ref().map(|order| {
        let mut shown = json!(order);
        add(&mut shown, "customer_name", name(directory, &order.customer));
        shown
    });
    let exceptions: Vec<Value> = state.open_exceptions().map(|it| json!(it)).collect();
    let approvals: Vec<Value> = state.open_approvals().map(|it| json!(it)).collect();
    json!({
        "load": state.load,
        "order": order,
        "shipment": state.shipment,
        "tender": tender(state, directory),
        "status": state.status(),
        "exceptions": exceptions,
        "approvals": approvals,
        "trip": trips::trip(state, directory, latest),
        "documents": documents::of_load(state),
        "invoice": views::invoice(state),
        "held": state.held,
        "expedite": state.expedite,
        "allowed_actions": allowed_actions(state, caller),
    })
}

fn tender(state: &LoadState, directory: &Directory) -> Option<Value> {
    let tender = state.tender.as_ref()?;
    let offers: Vec<Value> = state
        .offers
        .iter()
        .map(|offer| {
            let mut shown = json!(offer);
            add(&mut shown, "carrier_name", name(directory, &offer.carrier));
            shown
        })
        .collect();
    Some(json!({"id": tender.id, "playbook": tender.playbook, "exhausted": tender.exhausted, "offers": offers}))
}

fn add(value: &mut Value, field: &str, with: String) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(field.to_owned(), Value::String(with));
    }
}

fn name(directory: &Directory, partner: &PartnerId) -> String {
    directory
        .partners
        .get(partner)
        .map_or_else(|| partner.0.clone(), |it| it.name.clone())
}

/// What this caller may do here. The gate decides again when it is done.
fn allowed_actions(state: &LoadState, caller: &Caller) -> Vec<&'static str> {
    let may = caller.has_any(&[Role::Dispatcher, Role::Manager, Role::Admin]);
    let mut actions = Vec::new();
    if may && state.open_offers().next().is_some() {
        actions.push("answer_offer");
    }
    if may && state.open_approvals().next().is_some() {
        actions.push("decide_approval");
    }
    if may && state.open_exceptions().next().is_some() {
        actions.push("resolve_exception");
    }
    if may && !state.held.is_empty() {
        actions.push("settle_held");
    }
    if may && state.covered.is_none() && state.cancelled.is_none() {
        actions.push("cover");
    }
    if caller.has_any(trips::ASSIGNERS) && state.cancelled.is_none() {
        actions.push("assign_vehicle");
    }
    if caller.has_any(documents::UPLOADERS) {
        actions.push("attach_document");
    }
    actions
}
