//! Reads of the views people work from, and who one is.

use super::Edge;
use super::ask::WaitFor;
use super::auth::Caller;
use super::kpis::{self, Drill};
use super::problem::{Problem, ProblemBody};
use super::shapes::{BoardRow, InboxItem, Me, Page, QuarantineRow, VehicleRow};
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_engine::views;
use signalbox_model::view::{Direction, Filter, PAGE_ROWS_MAX, ViewDefinition, ViewQuery};
use utoipa::IntoParams;

/// Rows of a page where the caller does not say.
const PAGE_ROWS: u32 = 100;

/// Who the token is, for which tenant.
#[utoipa::path(get, path = "/api/v1/me", tag = "session", responses((status = 200, body = Me), (status = 401, body = ProblemBody)))]
pub async fn me(caller: Caller) -> Json<Value> {
    let name = &caller.directory.name;
    let name = if name.is_empty() {
        caller.scope.tenant().as_str()
    } else {
        name.as_str()
    };
    Json(json!({
        "tenant": {"id": caller.scope.tenant(), "name": name},
        "actor": {"name": caller.key.name, "roles": caller.key.roles},
        "brand": {"name": "Signalbox"},
    }))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Equals this status.
    pub status: Option<String>,
    /// Equals this customer's name.
    pub customer: Option<String>,
    /// Equals this carrier's name.
    pub carrier: Option<String>,
    /// Equals this source.
    pub source: Option<String>,
    /// Of loads: `ready` to be invoiced, or `missing` something.
    pub readiness: Option<String>,
    /// Equals the row's reference, load, lane or code.
    pub text: Option<String>,
    /// At most 10,000.
    pub limit: Option<u32>,
    pub offset: Option<u32>,
    /// Answer only once the record with this seq shows; at most two seconds.
    pub wait_for: Option<u64>,
}

/// Columns that `text` looks into.
const TEXT_COLUMNS: &[&str] = &["reference", "load", "lane", "code"];

/// The loads: one row each. With `kpi`, those behind one figure of a period, as `/api/v1/kpis` names them.
#[utoipa::path(get, path = "/api/v1/board", tag = "work", params(Asked, Drill), responses((status = 200, body = Page<BoardRow>), (status = "4XX", body = ProblemBody)))]
pub async fn board(
    State(edge): State<Edge>,
    caller: Caller,
    Query(asked): Query<Asked>,
    Query(drill): Query<Drill>,
) -> Result<Json<Value>, Problem> {
    if let Some(kpi) = &drill.kpi {
        caller.require_staff()?;
        edge.wait_for(asked.wait_for).await?;
        return kpis::drilled(edge, caller, kpi, &drill, &asked).await;
    }
    page(
        edge,
        caller,
        asked,
        &views::BOARD,
        &[("updated_at", Direction::Descending)],
    )
    .await
}

/// What waits for a person: approvals, exceptions and what automation holds back; of loads with high priority first, then the oldest.
#[utoipa::path(get, path = "/api/v1/inbox", tag = "work", params(Asked), responses((status = 200, body = Page<InboxItem>), (status = "4XX", body = ProblemBody)))]
pub async fn inbox(
    State(edge): State<Edge>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Problem> {
    page(
        edge,
        caller,
        asked,
        &views::INBOX,
        &[
            ("priority", Direction::Descending),
            ("requested_at", Direction::Ascending),
        ],
    )
    .await
}

/// Messages that could not be read or used, with what to correct.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "messages", params(Asked), responses((status = 200, body = Page<QuarantineRow>), (status = "4XX", body = ProblemBody)))]
pub async fn quarantine(
    State(edge): State<Edge>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Problem> {
    page(
        edge,
        caller,
        asked,
        &views::QUARANTINE,
        &[("received_at", Direction::Descending)],
    )
    .await
}

/// Vehicles that report positions, the latest first. One without a load is named here so that somebody assigns it.
#[utoipa::path(get, path = "/api/v1/vehicles", tag = "work", params(Asked), responses((status = 200, body = Page<VehicleRow>), (status = "4XX", body = ProblemBody)))]
pub async fn vehicles(
    State(edge): State<Edge>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Problem> {
    page(
        edge,
        caller,
        asked,
        &views::VEHICLES,
        &[("received_at", Direction::Descending)],
    )
    .await
}

async fn page(
    edge: Edge,
    caller: Caller,
    asked: Asked,
    view: &'static ViewDefinition,
    order: &[(&str, Direction)],
) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    edge.wait_for(
        WaitFor {
            wait_for: asked.wait_for,
        }
        .wait_for,
    )
    .await?;
    let query = ViewQuery {
        filter: filter(&asked, view)?,
        order: order.iter().map(|(column, to)| ((*column).to_owned(), *to)).collect(),
        limit: asked.limit.unwrap_or(PAGE_ROWS).clamp(1, PAGE_ROWS_MAX),
        offset: asked.offset.unwrap_or(0),
    };
    edge.read(move |edge| {
        let found = edge
            .store
            .view_page(&caller.scope, view, &query)
            .map_err(Problem::internal)?;
        let rows: Vec<Value> = found
            .rows
            .into_iter()
            .map(|(key, row)| json!({"key": key, "row": row.body}))
            .collect();
        Ok(Json(
            json!({"position": found.position, "total": found.total, "rows": rows}),
        ))
    })
    .await
}

fn filter(asked: &Asked, view: &ViewDefinition) -> Result<Option<Filter>, Problem> {
    let has = |name: &str| view.columns.iter().any(|it| it.name == name);
    let named = [
        ("status", &asked.status),
        ("customer", &asked.customer),
        ("carrier", &asked.carrier),
        ("source", &asked.source),
        ("readiness", &asked.readiness),
    ];
    let mut filters = Vec::new();
    for (name, wanted) in named {
        let Some(wanted) = wanted.as_ref().filter(|it| !it.is_empty()) else {
            continue;
        };
        if !has(name) {
            return Err(Problem::new(
                "query_unusable",
                format!("{} has no {name} to filter by.", view.name),
            ));
        }
        filters.push(Filter::Equals(name.to_owned(), json!(wanted)));
    }
    if let Some(wanted) = asked.text.as_ref().filter(|it| !it.is_empty()) {
        let columns = TEXT_COLUMNS.iter().filter(|it| has(it));
        filters.push(Filter::Any(
            columns
                .map(|it| Filter::Equals((*it).to_owned(), json!(wanted)))
                .collect(),
        ));
    }
    Ok((!filters.is_empty()).then_some(Filter::All(filters)))
}
