//! `/api/v1/live`: server-sent events. A client reads its views, then follows from their position.
//!
//! Events: `change` (`id` is its seq), `beat` every five seconds with the log's head, and `reset` where changes since
//! the named position are gone: read the views again. Invariant: a beat follows every change up to the seq it names.

use super::Edge;
use super::auth::{self, Caller};
use super::problem::{Problem, ProblemBody};
use crate::wiring::{Followed, Place};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use metrics::gauge;
use serde::Deserialize;
use serde_json::json;
use signalbox_model::id::{Seq, TenantId};
use signalbox_runtime::ports::Clock as _;
use signalbox_runtime::request::LiveChange;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use utoipa::IntoParams;

const BEAT_EVERY: Duration = Duration::from_secs(5);
/// Followers of this server at once.
const FOLLOWERS_MAX: usize = 2_000;
/// Changes taken from the ring at a time.
const CHUNK: usize = 256;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// The position of the snapshot. Without it, changes from now on.
    pub from: Option<u64>,
}

/// Follow changes of the board, the inbox, the quarantine and the vehicles.
#[utoipa::path(get, path = "/api/v1/live", tag = "work", params(From),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = "4XX", body = ProblemBody), (status = 503, body = ProblemBody)))]
pub async fn live(
    State(edge): State<Edge>,
    caller: Caller,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require_staff()?;
    let seat = Seat::take(&edge.followers)?;
    let resumed = headers
        .get("last-event-id")
        .and_then(auth::text)
        .and_then(|it| it.parse().ok());
    let from = resumed.or(from.from).unwrap_or_else(|| edge.live.head());
    let token = auth::bearer(&headers).unwrap_or_default().to_owned();
    let stream = follow(edge, caller.scope.tenant().clone(), token, from, seat);
    let mut response = Sse::new(stream).into_response();
    let sent = response.headers_mut();
    sent.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Some proxies hold a stream back until a buffer is full.
    sent.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// One of the seats for followers, given back when dropped.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(followers: &Arc<AtomicUsize>) -> Result<Self, Problem> {
        let taken = followers.fetch_add(1, Ordering::AcqRel) + 1;
        let seat = Self(Arc::clone(followers));
        if taken > FOLLOWERS_MAX {
            return Err(Problem::new(
                "too_many_followers",
                "Read the views now and then instead, or come back later.",
            ));
        }
        gauge!("signalbox_live_followers").set(taken as f64);
        Ok(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let left = self.0.fetch_sub(1, Ordering::AcqRel).saturating_sub(1);
        gauge!("signalbox_live_followers").set(left as f64);
    }
}

struct Follower {
    edge: Edge,
    tenant: TenantId,
    token: String,
    ready: VecDeque<Event>,
    /// There may be changes in the ring that are not in `ready`.
    behind: bool,
    /// None once the follower has been told to start over.
    place: Option<(Place, watch::Receiver<u64>)>,
    beats: tokio::time::Interval,
    _seat: Seat,
}

fn follow(
    edge: Edge,
    tenant: TenantId,
    token: String,
    from: Seq,
    seat: Seat,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let place = edge.live.follow(&tenant, from);
    let mut beats = interval_at(Instant::now() + BEAT_EVERY, BEAT_EVERY);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut follower = Follower {
        edge,
        tenant,
        token,
        ready: VecDeque::new(),
        behind: true,
        place,
        beats,
        _seat: seat,
    };
    match &follower.place {
        Some(_) => follower.beat(),
        None => follower.ready.push_back(reset()),
    }
    futures::stream::unfold(follower, |mut follower| async move {
        loop {
            if let Some(event) = follower.ready.pop_front() {
                return Some((Ok(event), follower));
            }
            if follower.behind {
                follower.take();
                continue;
            }
            let (_, news) = follower.place.as_mut()?;
            let is_beat = tokio::select! {
                rung = news.changed() => rung.map(|()| false).ok()?,
                _ = follower.beats.tick() => true,
            };
            follower.behind = true;
            if is_beat {
                // A key may run out, and nobody watches on with one that has.
                auth::caller(&follower.edge, Some(&follower.token)).ok()?;
                follower.beat();
            }
        }
    })
}

impl Follower {
    /// Takes the next changes. `behind` stays set while there may be more.
    fn take(&mut self) {
        self.behind = false;
        let Some((place, _)) = &mut self.place else { return };
        match self.edge.live.after(&self.tenant, *place, CHUNK) {
            Followed::Changes(changes, next) => {
                *place = next;
                self.behind = changes.len() == CHUNK;
                self.ready.extend(changes.iter().map(|it| change(it)));
            }
            Followed::Lost => {
                self.place = None;
                self.ready.push_back(reset());
            }
        }
    }

    /// A beat, if every change up to the head is on its way. A follower that far behind hears enough without one.
    fn beat(&mut self) {
        let seq = self.edge.live.head();
        self.take();
        if !self.behind && self.place.is_some() {
            let beat = json!({"seq": seq, "now": self.edge.clock.now()});
            self.ready
                .push_back(Event::default().event("beat").data(beat.to_string()));
        }
    }
}

fn change(change: &LiveChange) -> Event {
    let row = change.row.as_ref().map(|it| &it.body);
    let data = json!({"seq": change.seq, "view": change.view, "key": change.key, "row": row});
    Event::default()
        .id(change.seq.to_string())
        .event("change")
        .data(data.to_string())
}

fn reset() -> Event {
    Event::default().event("reset").data("{}")
}
