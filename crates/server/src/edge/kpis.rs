//! KPIs: figures with their formulas, and the board filtered to the loads behind one.
//!
//! Invariant: however many consoles ask, a tenant's figures are counted at most once a second, and the longer counting
//! takes, the longer its answer is given again.

use super::Edge;
use super::ask::WaitFor;
use super::auth::Caller;
use super::problem::{Problem, ProblemBody};
use super::shapes::{KeyedRow, Page};
use axum::Json;
use axum::extract::{Query, State};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signalbox_engine::directory::Directory;
use signalbox_engine::kpi::{CATALOGUE, Figure, Kpi, Narrow, Part, Period, named};
use signalbox_engine::views;
use signalbox_model::id::{PartnerId, TenantId};
use signalbox_model::view::PAGE_ROWS_MAX;
use signalbox_runtime::kpis::{self, Reading};
use signalbox_runtime::ports::Clock as _;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedMutexGuard, Semaphore};
use utoipa::{IntoParams, ToSchema};

/// The period where the caller does not say.
const PERIOD: SignedDuration = SignedDuration::from_hours(24);
const PERIOD_MAX: SignedDuration = SignedDuration::from_hours(24 * 3_660);
/// A period without an end runs up to the next of these steps, so that what happens at this instant is in it.
const STEP_MS: i64 = 5_000;
/// An answer is given again for this long, ...
const FRESH_MIN: Duration = Duration::from_secs(1);
/// ... or so many times as long as it took to count.
const FRESH_TIMES: u32 = 10;
/// Answers kept.
const KEPT_MAX: usize = 256;
/// Counts at once.
const COUNTS_MAX: usize = 2;

/// Of which time, and of whose loads.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Start of the period (RFC 3339).
    pub from: Option<String>,
    /// End of the period (RFC 3339), not in it; now where absent.
    pub to: Option<String>,
    /// Without `from`: how many hours before its end the period starts; 24 where absent.
    pub hours: Option<u32>,
    /// A customer's id or name.
    pub customer: Option<String>,
    /// The id or name of the carrier that covers the load.
    pub carrier: Option<String>,
    /// A lane, such as `ME>WI`.
    pub lane: Option<String>,
}

/// Which list behind which figure.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Drill {
    /// A KPI's name: only the loads behind it.
    pub kpi: Option<String>,
    /// With `kpi`: `counted` (the default), `met`, `missed` or `left_out`.
    pub part: Option<String>,
    /// With `kpi`: start of the period (RFC 3339).
    pub from: Option<String>,
    /// With `kpi`: end of the period (RFC 3339), not in it.
    pub to: Option<String>,
    /// With `kpi`: a lane, such as `ME>WI`.
    pub lane: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Kpis {
    /// The period, from this instant on ...
    pub from: String,
    /// ... up to, but not with, this one.
    pub to: String,
    pub kpis: Vec<KpiBody>,
}

#[derive(Serialize, ToSchema)]
pub struct KpiBody {
    pub name: String,
    pub title: String,
    /// `share` (0 to 1), `minutes` or `number`.
    pub unit: String,
    /// `higher` or `lower`.
    pub better: String,
    pub formula: String,
    /// What is not counted, and why.
    pub left_out_why: String,
    pub source: String,
    /// What the value should be, where somebody has said so.
    pub target: Option<f64>,
    pub now: FigureBody,
    /// Of the period of the same length before.
    pub before: FigureBody,
    /// Of `now.value` and `before.value`, how much the later is more.
    pub change: Option<f64>,
    /// How many were left out.
    pub left_out: i64,
    pub parts: Vec<PartBody>,
}

#[derive(Serialize, ToSchema)]
pub struct FigureBody {
    /// `numerator / denominator`; null where there was nothing to divide by.
    pub value: Option<f64>,
    pub numerator: f64,
    pub denominator: Option<i64>,
}

/// A list behind a figure.
#[derive(Serialize, ToSchema)]
pub struct PartBody {
    pub part: String,
    pub title: String,
    /// The board, filtered to exactly these loads.
    pub board: String,
}

/// What the night has come to: each KPI with its figures, its formula, and the loads behind it.
#[utoipa::path(get, path = "/api/v1/kpis", tag = "work", params(Asked, WaitFor),
    responses((status = 200, body = Kpis), (status = "4XX", body = ProblemBody)))]
pub async fn kpis(
    State(edge): State<Edge>,
    caller: Caller,
    Query(asked): Query<Asked>,
    Query(wait): Query<WaitFor>,
) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    edge.wait_for(wait.wait_for).await?;
    let length = asked
        .hours
        .map_or(PERIOD, |it| SignedDuration::from_hours(i64::from(it)));
    let (from, to) = (asked.from.as_deref(), asked.to.as_deref());
    let span = Span::of(from, length, period(from, to, length, edge.clock.now())?, to.is_some());
    let narrow = narrow(&caller.directory, asked.customer, asked.carrier, asked.lane);
    let key = (caller.scope.tenant().clone(), span, narrow.clone());
    let kept = Arc::clone(&edge.kpis);
    if let Some(answer) = kept.fresh(&key).filter(|_| wait.wait_for.is_none()) {
        return Ok(Json(answer));
    }
    let _alone = kept.alone(&key).await;
    let _turn = kept.counts.acquire().await.map_err(Problem::internal)?;
    // Somebody may have counted while this one waited its turn.
    if let Some(answer) = kept.fresh(&key).filter(|_| wait.wait_for.is_none()) {
        return Ok(Json(answer));
    }
    // Of now, and not of when it began to wait.
    let period = period(from, to, length, edge.clock.now())?;
    let scope = caller.scope.clone();
    let (answer, took) = edge
        .read(move |edge| {
            let began = Instant::now();
            let readings = kpis::read(edge.store.as_ref(), &scope, period, &narrow).map_err(Problem::internal)?;
            let answer = json!(told(period, &narrow, &readings));
            Ok((answer, began.elapsed()))
        })
        .await?;
    kept.keep(key, answer.clone(), took);
    Ok(Json(answer))
}

/// The board's rows of the loads behind a figure, those that came last first.
pub async fn drilled(
    edge: Edge,
    caller: Caller,
    kpi: &str,
    drill: &Drill,
    asked: &super::views::Asked,
) -> Result<Json<Value>, Problem> {
    let unusable = |why: String| Problem::new("query_unusable", why);
    let kpi: &'static Kpi = named(kpi).ok_or_else(|| {
        let names: Vec<&str> = CATALOGUE.iter().map(|it| it.name).collect();
        unusable(format!("There is no KPI {kpi:?}. Ask for one of {}.", names.join(", ")))
    })?;
    let part = drill.part.as_deref().unwrap_or(Part::Counted.as_str());
    let part = Part::named(part)
        .filter(|part| kpi.parts.iter().any(|(it, _)| it == part))
        .ok_or_else(|| {
            let parts: Vec<&str> = kpi.parts.iter().map(|(it, _)| it.as_str()).collect();
            unusable(format!(
                "{} has no part {part:?}. Ask for one of {}.",
                kpi.name,
                parts.join(", ")
            ))
        })?;
    if asked.status.is_some() || asked.text.is_some() || asked.source.is_some() {
        return Err(unusable(
            "`kpi` goes with customer, carrier and lane, not with other filters.".to_owned(),
        ));
    }
    let period = period(drill.from.as_deref(), drill.to.as_deref(), PERIOD, edge.clock.now())?;
    let (customer, carrier) = (asked.customer.clone(), asked.carrier.clone());
    let narrow = narrow(&caller.directory, customer, carrier, drill.lane.clone());
    let limit = asked.limit.unwrap_or(PAGE_ROWS_MAX).clamp(1, PAGE_ROWS_MAX) as usize;
    let offset = asked.offset.unwrap_or(0) as usize;
    edge.read(move |edge| {
        let store = edge.store.as_ref();
        let position = store.positions().map_err(Problem::internal)?.indexed;
        let counted = kpis::loads(store, &caller.scope, kpi, part, period, &narrow).map_err(Problem::internal)?;
        let keys: Vec<String> = counted.loads.into_iter().skip(offset).take(limit).collect();
        let found = store
            .view_rows(&caller.scope, &views::BOARD, &keys)
            .map_err(Problem::internal)?;
        let rows: Vec<KeyedRow<Value>> = found
            .into_iter()
            .map(|(key, row)| KeyedRow { key, row: row.body })
            .collect();
        let total = counted.total;
        Ok(Json(json!(Page { position, total, rows })))
    })
    .await
}

fn period(from: Option<&str>, to: Option<&str>, length: SignedDuration, now: Timestamp) -> Result<Period, Problem> {
    let unusable = |why: String| Problem::new("query_unusable", why);
    let instant = |name: &str, text: &str| {
        text.parse::<Timestamp>()
            .map_err(|error| unusable(format!("`{name}` is no instant: {error}. Write 2026-11-25T08:00:00Z.")))
    };
    let to = match to {
        Some(text) => instant("to", text)?,
        None => next_step(now),
    };
    let from = match from {
        Some(text) => instant("from", text)?,
        None => to.saturating_sub(length).unwrap_or(Timestamp::MIN),
    };
    Period::new(from, to)
        .filter(|_| to.duration_since(from) <= PERIOD_MAX)
        .ok_or_else(|| unusable("`from` lies before `to`, and no more than ten years.".to_owned()))
}

fn next_step(now: Timestamp) -> Timestamp {
    let steps = now.as_millisecond().div_euclid(STEP_MS) + 1;
    Timestamp::from_millisecond(steps * STEP_MS).unwrap_or(now)
}

/// A name that nobody has stays as it is, and finds nothing.
fn narrow(directory: &Directory, customer: Option<String>, carrier: Option<String>, lane: Option<String>) -> Narrow {
    let id = |asked: String| {
        let partners = &directory.partners;
        if partners.contains_key(&PartnerId(asked.clone())) {
            return asked;
        }
        let named = partners.values().find(|it| it.name.eq_ignore_ascii_case(&asked));
        named.map_or(asked, |it| it.id.0.clone())
    };
    let given = |text: Option<String>| text.filter(|it| !it.is_empty());
    Narrow {
        customer: given(customer).map(id),
        carrier: given(carrier).map(id),
        lane: given(lane),
    }
}

/// The readings with what they mean.
pub fn told(period: Period, narrow: &Narrow, readings: &[Reading]) -> Kpis {
    let of = |reading: &Reading| {
        let kpi = CATALOGUE.get(reading.kpi)?;
        let change = reading
            .now
            .value
            .zip(reading.before.value)
            .map(|(now, before)| now - before);
        Some(KpiBody {
            name: kpi.name.to_owned(),
            title: kpi.title.to_owned(),
            unit: kpi.unit.as_str().to_owned(),
            better: kpi.better.as_str().to_owned(),
            formula: kpi.formula.to_owned(),
            left_out_why: kpi.left_out.to_owned(),
            source: kpi.source.to_owned(),
            target: None,
            now: figure(reading.now),
            before: figure(reading.before),
            change,
            left_out: reading.left_out,
            parts: kpi
                .parts
                .iter()
                .map(|(part, title)| PartBody {
                    part: part.as_str().to_owned(),
                    title: (*title).to_owned(),
                    board: board(kpi, *part, period, narrow),
                })
                .collect(),
        })
    };
    Kpis {
        from: period.from().to_string(),
        to: period.to().to_string(),
        kpis: readings.iter().filter_map(of).collect(),
    }
}

fn figure(it: Figure) -> FigureBody {
    FigureBody {
        value: it.value,
        numerator: it.numerator,
        denominator: it.denominator,
    }
}

fn board(kpi: &Kpi, part: Part, period: Period, narrow: &Narrow) -> String {
    let (from, to) = (period.from(), period.to());
    let mut address = format!(
        "/api/v1/board?kpi={}&part={}&from={from}&to={to}",
        kpi.name,
        part.as_str()
    );
    let given = [
        ("customer", &narrow.customer),
        ("carrier", &narrow.carrier),
        ("lane", &narrow.lane),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            let _ = write!(address, "&{name}={}", escaped(value));
        }
    }
    address
}

/// As a part of an address.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => escaped.push(char::from(byte)),
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

type Key = (TenantId, Span, Narrow);

/// What time was asked for: what ends now is the same question a moment later, though its period has moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Span {
    Fixed(Period),
    Since(Timestamp),
    Last(SignedDuration),
}

impl Span {
    fn of(from: Option<&str>, length: SignedDuration, period: Period, has_end: bool) -> Self {
        match from {
            _ if has_end => Self::Fixed(period),
            Some(_) => Self::Since(period.from()),
            None => Self::Last(length),
        }
    }
}

/// Answers that are given again for a while.
pub struct Kept {
    answers: Mutex<BTreeMap<Key, Answer>>,
    /// Who counts a key, and who waits for that.
    counting: Mutex<BTreeMap<Key, Weak<tokio::sync::Mutex<()>>>>,
    counts: Semaphore,
}

/// With the period it was counted for in it.
struct Answer {
    answer: Value,
    until: Instant,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            answers: Mutex::default(),
            counting: Mutex::default(),
            counts: Semaphore::new(COUNTS_MAX),
        }
    }
}

impl Kept {
    /// Nobody else counts this key until what it answers is dropped.
    async fn alone(&self, key: &Key) -> OwnedMutexGuard<()> {
        let lock = {
            let mut counting = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody holds any more: as many are left as requests are being answered.
            counting.retain(|_, it| it.strong_count() > 0);
            let known = counting.get(key).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::default();
                counting.insert(key.clone(), Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }

    fn fresh(&self, key: &Key) -> Option<Value> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = answers.get(key).filter(|it| Instant::now() < it.until);
        kept.map(|it| it.answer.clone())
    }

    fn keep(&self, key: Key, answer: Value, took: Duration) {
        let now = Instant::now();
        let until = now + FRESH_MIN.max(took.saturating_mul(FRESH_TIMES));
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, it| now < it.until);
        if answers.len() < KEPT_MAX {
            answers.insert(key, Answer { answer, until });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(from: Option<&str>, to: Option<&str>, hours: i64, now: &str) -> Key {
        let length = SignedDuration::from_hours(hours);
        let period = period(from, to, length, now.parse().unwrap()).ok().unwrap();
        let span = Span::of(from, length, period, to.is_some());
        (TenantId::from("ten_a"), span, Narrow::default())
    }

    #[test]
    fn what_ends_now_is_given_again_a_minute_later_and_no_other_time_is() {
        let (then, later) = ("2026-11-25T08:00:00Z", "2026-11-25T08:01:00Z");
        let day = Some("2026-11-24T08:00:00Z");
        let kept = Kept::default();
        let took = Duration::from_mins(1);
        kept.keep(key(None, None, 24, then), json!("the last day"), took);
        kept.keep(key(day, None, 24, then), json!("since"), took);
        assert_eq!(kept.fresh(&key(None, None, 24, later)), Some(json!("the last day")));
        assert_eq!(kept.fresh(&key(day, None, 24, later)), Some(json!("since")));
        assert_eq!(kept.fresh(&key(None, None, 12, later)), None);
        assert_eq!(kept.fresh(&key(day, Some(then), 24, then)), None);
        assert_eq!(kept.fresh(&key(Some(then), None, 24, later)), None);
    }

    #[tokio::test]
    async fn one_question_is_counted_by_one_at_a_time_and_another_beside_it() {
        let (one, other) = (
            key(None, None, 24, "2026-11-25T08:00:00Z"),
            key(None, None, 12, "2026-11-25T08:00:00Z"),
        );
        let kept = Kept::default();
        let counts = kept.alone(&one).await;
        let _beside = kept.alone(&other).await;
        let mut waits = std::pin::pin!(kept.alone(&one));
        tokio::select! {
            biased;
            _ = &mut waits => panic!("two count the same"),
            () = std::future::ready(()) => {}
        }
        drop(counts);
        drop(waits.await);
        drop(kept.alone(&one).await);
        assert_eq!(kept.counting.lock().unwrap().len(), 2);
    }
}
