//! Trips: which vehicle hauls a load, where vehicles are, and the sites that loads call at.

use super::ask::{self, json_body};
use super::auth::Caller;
use super::problem::{Problem, ProblemBody};
use super::shapes::Outcome;
use super::{Edge, Trace};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signalbox_engine::command::Command;
use signalbox_engine::directory::Directory;
use signalbox_engine::state::LoadState;
use signalbox_engine::trip::fleet;
use signalbox_engine::views;
use signalbox_model::directory::Site;
use signalbox_model::id::LoadId;
use signalbox_model::position::Coordinates;
use signalbox_model::scope::Role;
use signalbox_model::view::ViewRow;
use utoipa::ToSchema;

pub const ASSIGNERS: &[Role] = &[Role::Dispatcher, Role::Manager, Role::Admin, Role::Integrator];
/// Radius of a site whose caller gives none, and the limits of one that is given.
const RADIUS_M: u32 = 500;
const RADIUS_M_MIN: u32 = 50;
const RADIUS_M_MAX: u32 = 20_000;
const TEXT_BYTES_MAX: usize = 200;
const CODES_MAX: usize = 50;

#[derive(Deserialize, ToSchema)]
pub struct VehicleBody {
    /// The vehicle's name or id as its telematics source calls it. Empty takes it off the load.
    pub vehicle: String,
    /// Positions before this instant (RFC 3339) say nothing about the load; by default from half a day before its
    /// pickup opens.
    pub from: Option<String>,
}

/// Say which vehicle hauls a load, so that its positions move the load's trip. Positions that came before count.
#[utoipa::path(put, path = "/api/v1/loads/{id}/vehicle", tag = "work", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = VehicleBody,
    responses((status = 200, body = Outcome), (status = 409, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn put_vehicle(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.require(ASSIGNERS)?;
    let body: VehicleBody = json_body(body).await?;
    let from = body.from.map(|it| it.parse::<Timestamp>()).transpose();
    let from = from.map_err(|error| Problem::new("body_unreadable", format!("`from` is no instant: {error}")))?;
    let command = Command::AssignVehicle {
        load: LoadId(id),
        vehicle: body.vehicle,
        from,
    };
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, command).await?;
    ask::name_outcome(&mut outcome, "assigned");
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

/// A site that loads call at.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct SiteBody {
    pub id: Option<String>,
    pub name: String,
    /// Partners' codes for it, as orders give them (X12 N1-04).
    #[serde(default)]
    pub codes: Vec<String>,
    #[serde(default)]
    pub city: String,
    #[serde(default)]
    pub region: String,
    #[serde(default)]
    pub postal_code: String,
    pub latitude_deg: f64,
    pub longitude_deg: f64,
    /// Radius of the fence around it, 50 to 20,000 metres; 500 where absent.
    pub radius_m: Option<u32>,
    /// IANA zone.
    pub zone: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Sites {
    pub sites: Vec<SiteBody>,
}

/// All sites.
#[utoipa::path(get, path = "/api/v1/sites", tag = "directory", responses((status = 200, body = Sites), (status = "4XX", body = ProblemBody)))]
pub async fn sites(caller: Caller) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    let shown = caller.directory.sites.values().map(|it| SiteBody {
        id: Some(it.id.clone()),
        name: it.name.clone(),
        codes: it.codes.clone(),
        city: it.city.clone(),
        region: it.region.clone(),
        postal_code: it.postal_code.clone(),
        latitude_deg: it.coordinates.latitude_deg(),
        longitude_deg: it.coordinates.longitude_deg(),
        radius_m: Some(it.radius_m),
        zone: it.zone.clone(),
    });
    Ok(Json(json!({ "sites": shown.collect::<Vec<_>>() })))
}

/// Create or change a site. Stops of open trips whose place was not known are looked up again.
#[utoipa::path(put, path = "/api/v1/sites/{id}", tag = "directory", params(("id" = String, Path)), request_body = SiteBody,
    responses((status = 200, body = super::directory::Changed), (status = "4XX", body = ProblemBody)))]
pub async fn put_site(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body: SiteBody = json_body(body).await?;
    let site = site(id, body)?;
    let (outcome, seq) = ask::command(&edge, &caller, &headers, &trace, Command::ChangeSite { site }).await?;
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

fn site(id: String, body: SiteBody) -> Result<Site, Problem> {
    let unusable = |why: &str| Problem::new("body_unreadable", why.to_owned());
    if body.id.as_ref().is_some_and(|it| *it != id) {
        return Err(unusable("`id` is not the one in the path."));
    }
    let texts = [&id, &body.name, &body.city, &body.region, &body.postal_code];
    let long = |it: &String| it.len() > TEXT_BYTES_MAX || it.chars().any(char::is_control);
    if texts.into_iter().chain(&body.codes).any(long) || body.codes.len() > CODES_MAX {
        return Err(unusable(
            "A text is longer than 200 bytes, or there are more than 50 codes.",
        ));
    }
    if id.trim().is_empty() || body.name.trim().is_empty() {
        return Err(unusable("A site has an id and a name."));
    }
    let coordinates = Coordinates::new(body.latitude_deg, body.longitude_deg)
        .filter(|it| !it.is_null_island())
        .ok_or_else(|| unusable("The coordinates are no place on the earth: give decimal degrees north and east."))?;
    let radius_m = body.radius_m.unwrap_or(RADIUS_M);
    if !(RADIUS_M_MIN..=RADIUS_M_MAX).contains(&radius_m) {
        return Err(unusable("`radius_m` is 50 to 20,000."));
    }
    Ok(Site {
        id,
        name: body.name,
        codes: body.codes,
        city: body.city,
        region: body.region,
        postal_code: body.postal_code,
        coordinates,
        radius_m,
        zone: body.zone,
    })
}

/// What stands of a load's trip: per stop what was planned, is expected and happened, and where the vehicle was last.
pub fn trip(state: &LoadState, directory: &Directory, latest: Option<&ViewRow>) -> Option<Value> {
    let (load, trip) = (state.load.as_ref()?, &state.trip);
    if !trip.started && trip.assignment.is_none() {
        return None;
    }
    let stop = |it: &signalbox_model::load::Stop| {
        let visit = trip.visits.get(&it.sequence);
        let place = trip.places.get(&it.sequence);
        let site = place.and_then(|it| directory.sites.get(it.source.strip_prefix("site ")?));
        json!({
            "sequence": it.sequence, "kind": it.kind, "label": it.location.label(),
            "zone": it.location.zone.as_ref().or(site.and_then(|it| it.zone.as_ref())),
            "planned": it.window,
            "estimated": trip.estimates.get(&it.sequence),
            "actual": visit.map(|it| json!({
                "arrived": it.arrived, "departed": it.departed, "delivered": it.delivered})),
            "place": place,
        })
    };
    Some(json!({
        "vehicle": trip.assignment,
        "position": latest.map(|it| it.body.clone()),
        "stops": load.stops.iter().map(stop).collect::<Vec<_>>(),
        "unplaced": trip.unplaced,
        "doubts": trip.doubts,
        "completed": trip.completed,
    }))
}

/// The sampled position of a load's vehicle.
pub fn latest(edge: &Edge, caller: &Caller, state: &LoadState) -> Result<Option<ViewRow>, Problem> {
    let Some(assignment) = &state.trip.assignment else {
        return Ok(None);
    };
    edge.store
        .view_row(&caller.scope, &views::VEHICLES, &fleet::key(&assignment.vehicle))
        .map_err(Problem::internal)
}
