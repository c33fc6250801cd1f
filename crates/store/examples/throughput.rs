//! Rows a second through `append`, by batch size: `throughput sqlite DIR` or `throughput postgres URL`. Records of
//! about 1.5 KB, 1,000 streams in turn; and what a checkpoint of 10,000 of them costs.

use jiff::Timestamp;
use signalbox_model::id::{MessageId, StreamId, TenantId, TimerId};
use signalbox_model::scope::Actor;
use signalbox_model::view::{Column, ColumnIndex, ColumnKind, ViewChange, ViewDefinition, ViewRow};
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::ports::Store;
use signalbox_runtime::record::{InboxMark, Packed, RECORD_VERSION, Record, TimerChange, Turn};
use signalbox_store::{Postgres, PostgresOptions, Sqlite};
use std::time::Instant;

const LOADS: &[ViewDefinition] = &[ViewDefinition {
    name: "loads",
    columns: &[
        Column {
            name: "status",
            kind: ColumnKind::Text,
            index: ColumnIndex::Full,
        },
        Column {
            name: "rank",
            kind: ColumnKind::Integer,
            index: ColumnIndex::Full,
        },
    ],
    version: 1,
}];
const SCHEMA: &str = "signalbox_throughput";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, place] = arguments.as_slice() else {
        eprintln!("throughput sqlite DIR | throughput postgres URL");
        std::process::exit(2);
    };
    let store: Box<dyn Store> = match kind.as_str() {
        "sqlite" => Box::new(Sqlite::open(format!("{place}/throughput.db"), LOADS).expect("open")),
        _ => {
            let options = PostgresOptions {
                schema: SCHEMA.to_owned(),
                ..Default::default()
            };
            Box::new(Postgres::open(place, LOADS, options).expect("open"))
        }
    };
    let epoch = store.acquire("throughput").expect("acquire");
    let mut made = 0;
    for (batch, commits) in [(1, 400), (10, 300), (100, 200), (1000, 30)] {
        let batches: Vec<Vec<Turn>> = (0..commits)
            .map(|_| (0..batch).map(|_| turn(&mut made)).collect())
            .collect();
        let start = Instant::now();
        for turns in &batches {
            store.append(epoch, turns).expect("append");
        }
        let seconds = start.elapsed().as_secs_f64();
        let (rows, per) = (f64::from(batch * commits) / seconds, seconds * 1e3 / f64::from(commits));
        println!("{kind} batch {batch}: {rows:.0} rows/s, {per:.2} ms a commit");
    }
    let records = store.records(0, 10_000).expect("records");
    let bytes = serde_json::to_vec(&records[0].record).expect("json").len();
    let mut changes = IndexChanges::default();
    records.iter().for_each(|it| changes.apply(it));
    let start = Instant::now();
    store
        .checkpoint(epoch, &changes, records.len() as u64)
        .expect("checkpoint");
    println!(
        "{kind} checkpoint of {} records of {bytes} bytes: {:.0} ms",
        records.len(),
        start.elapsed().as_secs_f64() * 1e3
    );
    let start = Instant::now();
    let all = store.records(0, 40_000).expect("records").len();
    println!(
        "{kind} recovery reads {:.0} records/s",
        all as f64 / start.elapsed().as_secs_f64()
    );
}

/// A tender's step as the engine packs it: mark, timer, view row, instance position.
fn turn(made: &mut u64) -> Turn {
    *made += 1;
    let number = *made;
    let load = format!("load_{:04}", number % 1000);
    let columns = [
        ("status".to_owned(), "tendered".into()),
        ("rank".to_owned(), number.into()),
    ];
    let record = Record {
        v: RECORD_VERSION,
        at: Timestamp::UNIX_EPOCH,
        cause: format!("msg_{number:026}"),
        actor: Actor::system(),
        traceparent: None,
        events: Vec::new(),
        decisions: Vec::new(),
        effects: Vec::new(),
        settled: Vec::new(),
        timers: vec![TimerChange::Set {
            id: TimerId(format!("tmr_{number:026}")),
            due: Timestamp::UNIX_EPOCH,
        }],
        instances: vec![position()],
        views: vec![ViewChange {
            view: "loads".to_owned(),
            key: load.clone(),
            row: Some(std::sync::Arc::new(ViewRow {
                columns: columns.into(),
                body: "y".repeat(300).into(),
            })),
        }],
        mark: Some(InboxMark {
            key: format!("edi:990:{number}"),
            message: MessageId(format!("msg_{number:026}")),
            sha256: "0".repeat(64),
            answer: None,
        }),
        links: Vec::new(),
        leaves: vec!["z".repeat(300)],
    };
    let tenant = TenantId(format!("ten_{}", number % 4));
    Turn {
        tenant,
        stream: StreamId(load),
        version: number,
        record,
        raw: Some(vec![b'r'; 200]),
        keys: Vec::new(),
    }
}

/// A workflow's position about as long as the tender's.
fn position() -> Packed {
    let text = serde_json::json!({"position": "do/2/offer", "variables": "x".repeat(300)}).to_string();
    serde_json::from_str(&text).expect("JSON")
}
