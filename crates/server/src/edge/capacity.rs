//! Free capacity: what carriers and dispatchers say is free, and what of it is held for whom.

use super::ask::{self, JSON_BYTES_MAX};
use super::auth::Caller;
use super::problem::{Problem, ProblemBody};
use super::shapes::CoordinatesBody;
use super::{Edge, Trace};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signalbox_engine::command::Command;
use signalbox_engine::views;
use signalbox_formats::{Context, decode};
use signalbox_model::attempt::Attempt;
use signalbox_model::capacity::CapacityAttempt;
use signalbox_model::directory::SourceFormat;
use signalbox_model::id::PartnerId;
use signalbox_model::issue::{Issue, Severity};
use signalbox_model::personal::Taint;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Role;
use signalbox_model::view::{Direction, Filter, ViewQuery};
use signalbox_runtime::ports::Clock;
use utoipa::ToSchema;

const STATERS: &[Role] = &[
    Role::Dispatcher,
    Role::Manager,
    Role::Admin,
    Role::Integrator,
    Role::Carrier,
];
/// Statements one answer shows.
const SHOWN_MAX: u32 = 1_000;
/// The source whose zone is taken for times that state none.
const ZONE_SOURCE: &str = "json";

/// Trucks of one kind that are free at one place. Written as `/in/json` takes it.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "the shape of the body, which the JSON decoder reads")]
pub struct CapacityBody {
    /// 0 to 500. 0 takes back what was stated of this kind at this place.
    pub trucks: u32,
    /// `van`, `reefer`, `flatbed`, `container` or `tanker`.
    pub equipment: String,
    /// The town, with `region`; or a site's `code` or `name`; or coordinates.
    pub city: Option<String>,
    pub region: Option<String>,
    pub code: Option<String>,
    pub name: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// RFC 3339, or a local time of the place; from now on where absent.
    pub from: Option<String>,
    /// RFC 3339, or a local time of the place. At most 14 days after `from`.
    pub until: String,
    /// What the carrier wants for a load, minor units.
    pub rate_minor: Option<i64>,
    /// ISO 4217; `USD` where absent.
    pub currency: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct CapacityStated {
    pub outcome: String,
    pub statement: String,
    pub carrier: String,
    pub seq: u64,
}

/// State what trucks of a carrier are free. The same kind at the same place takes the place of what was stated before.
#[utoipa::path(put, path = "/api/v1/partners/{id}/capacity", tag = "directory", request_body = CapacityBody,
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = CapacityStated), (status = 422, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn put_capacity(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.require(STATERS)?;
    let own = !caller.is_staff();
    if own && caller.key.partner.as_ref() != Some(&PartnerId(id.clone())) {
        return Err(Problem::new(
            "role_missing",
            "A carrier's key states the capacity of that carrier only.",
        ));
    }
    let bytes = ask::bytes(body, JSON_BYTES_MAX).await?;
    let mut capacity = read(&bytes, &id, &caller)?;
    capacity.carrier = id;
    let command = Command::StateCapacity {
        capacity: Box::new(capacity),
    };
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, command).await?;
    ask::name_outcome(&mut outcome, "stated");
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

fn read(bytes: &[u8], carrier: &str, caller: &Caller) -> Result<CapacityAttempt, Problem> {
    let sources = &caller.directory.sources;
    let zone = sources.get(ZONE_SOURCE).map_or("UTC", |it| it.zone.as_str());
    let context = Context {
        zone,
        taint: Taint::System,
        sender: Some(carrier),
    };
    let mut decoded = decode(SourceFormat::Json, bytes, &context);
    let mut issues = std::mem::take(&mut decoded.issues);
    let attempt = decoded.decodings.pop().and_then(|it| {
        issues.extend(it.issues);
        it.attempt
    });
    match attempt {
        Some(Attempt::Capacity(capacity)) if decoded.decodings.is_empty() => Ok(*capacity),
        Some(_) => {
            let fix = "Send one statement of free capacity a request, as the documentation shows.";
            issues.push(Issue::fatal("capacity.other", "", "the body is something else", fix));
            Err(unusable(issues))
        }
        None => Err(unusable(issues)),
    }
}

fn unusable(issues: Vec<Issue>) -> Problem {
    let first = issues.iter().find(|it| it.severity == Severity::Fatal);
    let why = first.map(|it| it.why.clone()).unwrap_or_default();
    Problem::unrecorded(Rejection::CapacityInvalid, &why).with_issues(issues)
}

#[derive(Serialize, ToSchema)]
pub struct CapacityPage {
    pub statements: Vec<CapacityRow>,
}

/// What a carrier has said is free, and what of it is held.
#[derive(Serialize, ToSchema)]
pub struct CapacityRow {
    pub statement: String,
    pub carrier: String,
    pub scac: String,
    pub equipment: String,
    pub trucks: u32,
    /// Neither held for a load nor hauling one.
    pub free: u32,
    pub place: String,
    pub coordinates: CoordinatesBody,
    /// How the coordinates are known: `statement`, `site lakeshore`, `city table, Portland, ME`.
    pub place_source: String,
    /// Instant, IANA zone, and whether the zone was stated.
    pub from: Value,
    pub until: Value,
    /// What the carrier wants for a load, where it says so.
    pub rate: Value,
    pub stated_by: String,
    pub stated_at: String,
    pub held: Vec<CapacityHeld>,
}

#[derive(Serialize, ToSchema)]
pub struct CapacityHeld {
    pub load: String,
    pub reference: String,
    /// Which of the trucks, from 1.
    pub unit: u32,
    pub until: String,
    /// The offer that was made on it.
    pub offer: Option<String>,
    /// It hauls the load.
    pub consumed: bool,
}

/// Free capacity that stands, the latest statement first.
#[utoipa::path(get, path = "/api/v1/capacity", tag = "directory", responses((status = 200, body = CapacityPage), (status = "4XX", body = ProblemBody)))]
pub async fn capacity(State(edge): State<Edge>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    let now = edge.clock.now().as_microsecond();
    let query = ViewQuery {
        filter: Some(Filter::Greater("until".to_owned(), json!(now))),
        order: vec![("stated_at".to_owned(), Direction::Descending)],
        limit: SHOWN_MAX,
        offset: 0,
    };
    edge.read(move |edge| {
        let page = edge.store.view_page(&caller.scope, &views::CAPACITY, &query);
        let rows = page.map_err(Problem::internal)?.rows.into_iter();
        let statements: Vec<Value> = rows.map(|(_, row)| row.body).collect();
        Ok(Json(json!({ "statements": statements })))
    })
    .await
}
