//! KPIs: how long it takes to count every figure, of all loads there are and of a hundredth of them, and to list the
//! loads behind one. The rows are made up and written by the store's own checkpoint; what is measured is reading.

use super::Figures;
use super::http::TENANT;
use super::instances::open_machine;
use super::measure::{Latencies, rss_mb};
use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_engine::kpi::{EXCEPTIONS, LOADS, Narrow, Part, Period, named};
use signalbox_engine::views::BOARD;
use signalbox_model::id::{StreamId, TenantId};
use signalbox_model::scope::{Actor, TenantScope};
use signalbox_model::view::{ViewChange, ViewDefinition, ViewRow};
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::kpis;
use signalbox_runtime::ports::Store;
use signalbox_runtime::record::{RECORD_VERSION, Record, Stored, Turn};
use std::sync::Arc;
use std::time::Instant;

/// Rows written with one record.
const CHUNK: u64 = 5_000;
/// One load in this many seconds, so that a million are two and a half years.
const APART_S: i64 = 80;
/// Exceptions: one on so many loads.
const TROUBLED: u64 = 5;
const READS: usize = 5;

pub fn measure(url: Option<&str>, loads: u32) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir().context("a temporary directory")?;
    let (_machine, store) = open_machine(folder.path(), url)?;
    let loads = u64::from(loads);
    let end = Timestamp::now();
    fill(store.as_ref(), loads, end)?;
    let scope = TenantScope::system(TenantId::from(TENANT));
    let whole = SignedDuration::from_secs(APART_S * i64::try_from(loads)? + APART_S);
    let all = counted(store.as_ref(), &scope, end, whole)?;
    let some = counted(store.as_ref(), &scope, end, whole / 100)?;
    let list = listed(store.as_ref(), &scope, end, whole)?;
    Ok(Figures::from([
        ("loads", loads as f64),
        ("all_ms", all),
        ("hundredth_ms", some),
        ("list_ms", list),
        ("rss_mb", rss_mb()),
    ]))
}

fn period(end: Timestamp, length: SignedDuration) -> anyhow::Result<Period> {
    Period::new(end.checked_sub(length)?, end).context("a period that ends after it begins")
}

fn counted(store: &dyn Store, scope: &TenantScope, end: Timestamp, length: SignedDuration) -> anyhow::Result<f64> {
    let period = period(end, length)?;
    let mut times = Latencies::default();
    for _ in 0..READS {
        let began = Instant::now();
        let readings = kpis::read(store, scope, period, &Narrow::default())?;
        times.note(began.elapsed());
        let covered = readings.first().and_then(|it| it.now.denominator);
        anyhow::ensure!(covered.is_some_and(|it| it > 0), "nothing was counted");
    }
    Ok(times.ms(50))
}

fn listed(store: &dyn Store, scope: &TenantScope, end: Timestamp, length: SignedDuration) -> anyhow::Result<f64> {
    let kpi = named("on_time_delivery").context("a KPI of this name")?;
    let period = period(end, length)?;
    let mut times = Latencies::default();
    for _ in 0..READS {
        let began = Instant::now();
        let found = kpis::loads(store, scope, kpi, Part::Missed, period, &Narrow::default())?;
        store.view_rows(scope, &BOARD, &found.loads)?;
        times.note(began.elapsed());
        anyhow::ensure!(!found.loads.is_empty(), "nothing was listed");
    }
    Ok(times.ms(50))
}

fn fill(store: &dyn Store, loads: u64, end: Timestamp) -> anyhow::Result<()> {
    let epoch = store.acquire("bench")?;
    for first in (0..loads).step_by(usize::try_from(CHUNK)?) {
        let mut record = empty(end);
        for number in first..(first + CHUNK).min(loads) {
            record.views.push(load(number, end));
            if number % TROUBLED == 0 {
                record.views.push(exception(number, end));
            }
        }
        let turn = Turn {
            tenant: TenantId::from(TENANT),
            stream: StreamId("bench".to_owned()),
            version: first / CHUNK + 1,
            record,
            raw: None,
            keys: Vec::new(),
        };
        let seq = store.append(epoch, std::slice::from_ref(&turn))?;
        let (tenant, stream, version, record) = (turn.tenant, turn.stream, turn.version, turn.record);
        let mut changes = IndexChanges::default();
        changes.apply(&Stored {
            seq,
            tenant,
            stream,
            version,
            record,
        });
        store.checkpoint(epoch, &changes, seq)?;
    }
    Ok(())
}

fn empty(at: Timestamp) -> Record {
    Record {
        v: RECORD_VERSION,
        at,
        cause: "bench".to_owned(),
        actor: Actor::system(),
        traceparent: None,
        events: Vec::new(),
        decisions: Vec::new(),
        effects: Vec::new(),
        settled: Vec::new(),
        timers: Vec::new(),
        instances: Vec::new(),
        views: Vec::new(),
        mark: None,
        links: Vec::new(),
        leaves: Vec::new(),
    }
}

/// Microseconds since 1970 at which something of a load happened.
fn at(number: u64, end: Timestamp, after_s: i64) -> Value {
    let ago = APART_S * i64::try_from(number).unwrap_or_default();
    json!(end.as_microsecond() - (ago - after_s) * 1_000_000 - 1)
}

fn load(number: u64, end: Timestamp) -> ViewChange {
    let late = i64::from(number.is_multiple_of(9));
    let row = json!({
        "customer": format!("par_{}", number % 40), "carrier": format!("par_c{}", number % 25), "lane": "ME>WI",
        "created_at": at(number, end, -7_200), "covered_at": at(number, end, -3_600),
        "first_answered_at": at(number, end, -5_000), "picked_up_at": at(number, end, -1_800),
        "delivered_at": at(number, end, -60), "closed_at": at(number, end, 0), "cover_s": 3_600,
        "first_accepted": i64::from(!number.is_multiple_of(3)), "pickups_timed": 1, "pickups_on_time": 1 - late,
        "pickups_late": late, "pickups_unknown": 0, "deliveries_timed": 1, "deliveries_on_time": 1 - late,
        "deliveries_late": late, "deliveries_unknown": 0, "touches": i64::from(number.is_multiple_of(4)), "cancelled": false,
    });
    change(&LOADS, format!("load_{number:09}"), row)
}

fn exception(number: u64, end: Timestamp) -> ViewChange {
    let row = json!({
        "load": format!("load_{number:09}"), "kind": "late_delivery_risk", "customer": format!("par_{}", number % 40),
        "lane": "ME>WI", "raised_at": at(number, end, -3_000), "resolved_at": at(number, end, -2_000),
        "by_person": number.is_multiple_of(10),
    });
    change(&EXCEPTIONS, format!("exc_{number:09}"), row)
}

fn change(view: &ViewDefinition, key: String, columns: Value) -> ViewChange {
    let columns = serde_json::from_value(columns).unwrap_or_default();
    let body = Value::Null;
    ViewChange {
        view: view.name.to_owned(),
        key,
        row: Some(Arc::new(ViewRow { columns, body })),
    }
}
