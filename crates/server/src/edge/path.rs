//! A load's path for the map: its stops in order, and where its vehicle has been.

use super::Edge;
use super::ask::WaitFor;
use super::auth::Caller;
use super::loads;
use super::problem::{Problem, ProblemBody};
use super::shapes::CoordinatesBody;
use axum::Json;
use axum::extract::{Path, Query, State};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use signalbox_engine::directory::Directory;
use signalbox_engine::state::LoadState;
use signalbox_engine::trip;
use signalbox_model::load::Stop;
use signalbox_model::position::Coordinates;
use signalbox_runtime::trail::{self, Point};
use utoipa::ToSchema;

/// How long after the trip's end the vehicle's way still belongs to the load.
const AFTER: SignedDuration = SignedDuration::from_mins(5);

#[derive(Serialize, ToSchema)]
pub struct PathBody {
    pub load: String,
    pub reference: String,
    /// The vehicle, where one is assigned.
    pub vehicle: Option<String>,
    /// In the order they are planned.
    pub stops: Vec<PathStop>,
    /// Where the vehicle has been since it was assigned, oldest first; at most 400 points.
    pub trail: Vec<TrailPoint>,
}

#[derive(Serialize, ToSchema)]
pub struct PathStop {
    pub sequence: u32,
    /// `pickup`, `delivery` or `other`.
    pub kind: Value,
    pub label: String,
    /// None where nobody knows where it lies.
    pub coordinates: Option<CoordinatesBody>,
    /// Radius of its geofence, where it has one.
    pub radius_m: Option<u32>,
    /// How that is known: `order`, `site lakeshore`, `city table, Bangor, ME`.
    pub place: Option<String>,
    /// IANA zone.
    pub zone: Option<String>,
    /// When the vehicle is expected.
    pub eta: Option<String>,
    /// Past what was promised.
    pub late: bool,
    pub arrived: Option<String>,
    pub departed: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TrailPoint {
    pub at: String,
    pub coordinates: CoordinatesBody,
}

/// Where a load goes and where its vehicle has been.
#[utoipa::path(get, path = "/api/v1/loads/{id}/path", tag = "work", params(("id" = String, Path), WaitFor),
    responses((status = 200, body = PathBody), (status = "4XX", body = ProblemBody)))]
pub async fn path(
    State(edge): State<Edge>,
    caller: Caller,
    Path(id): Path<String>,
    Query(wait): Query<WaitFor>,
) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    edge.wait_for(wait.wait_for).await?;
    edge.read(move |edge| {
        let mut state = LoadState::default();
        for stored in loads::records(edge, &caller, &id)? {
            let at = stored.record.at;
            stored.record.events.iter().for_each(|event| state.apply(event, at));
        }
        let trail = match &state.trip.assignment {
            Some(it) => {
                let store = edge.store.as_ref();
                trail::read(store, &caller.scope, &it.vehicle, it.from, end(&state)).map_err(Problem::internal)?
            }
            None => Vec::new(),
        };
        let load = state.load.as_ref();
        let path = PathBody {
            load: id,
            reference: load.map(|it| it.reference.clone()).unwrap_or_default(),
            vehicle: state.trip.assignment.as_ref().map(|it| it.vehicle.clone()),
            stops: load
                .into_iter()
                .flat_map(|it| &it.stops)
                .map(|it| stop(&state, &caller.directory, it))
                .collect(),
            trail: trail.iter().map(point).collect(),
        };
        Ok(Json(json!(path)))
    })
    .await
}

/// The instant after which the vehicle's way is another load's.
fn end(state: &LoadState) -> Timestamp {
    if !state.trip.completed {
        return Timestamp::MAX;
    }
    let visits = state.trip.visits.values();
    let last = visits.filter_map(|it| {
        let times = [&it.departed, &it.delivered, &it.arrived];
        times.into_iter().flatten().map(|it| it.at).max()
    });
    let last = last.max().and_then(|it| it.checked_add(AFTER).ok());
    last.unwrap_or(Timestamp::MAX)
}

fn stop(state: &LoadState, directory: &Directory, stop: &Stop) -> PathStop {
    let known = state.trip.places.get(&stop.sequence).cloned();
    let place = known.or_else(|| trip::locate(stop, directory));
    let visit = state.trip.visits.get(&stop.sequence);
    let estimate = state.trip.estimates.get(&stop.sequence);
    let arrived = state.trip.arrived(stop.sequence).map(|it| it.at);
    PathStop {
        sequence: stop.sequence,
        kind: json!(stop.kind),
        label: stop.location.label(),
        coordinates: place.as_ref().map(|it| degrees(it.coordinates)),
        radius_m: place.as_ref().and_then(|it| it.radius_m),
        place: place.map(|it| it.source),
        zone: stop.location.zone.clone(),
        eta: estimate.map(|it| it.eta.to_string()),
        late: estimate.is_some_and(|it| it.is_late)
            || (arrived.is_none() && state.trip.overdue.contains(&stop.sequence)),
        arrived: arrived.map(|it| it.to_string()),
        departed: visit.and_then(|it| it.departed.as_ref()).map(|it| it.at.to_string()),
    }
}

fn point(it: &Point) -> TrailPoint {
    TrailPoint {
        at: it.at.to_string(),
        coordinates: degrees(it.coordinates),
    }
}

fn degrees(it: Coordinates) -> CoordinatesBody {
    CoordinatesBody {
        latitude_deg: it.latitude_deg(),
        longitude_deg: it.longitude_deg(),
    }
}
