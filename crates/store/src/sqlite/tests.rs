//! Faults that only the inside of the store can bring about.

use super::*;
use signalbox_model::scope::Actor;
use signalbox_runtime::record::{RECORD_VERSION, Record};

fn turn(leaf: String) -> Turn {
    let record = Record {
        v: RECORD_VERSION,
        at: Timestamp::UNIX_EPOCH,
        cause: "test".to_owned(),
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
        leaves: vec![leaf],
    };
    let (tenant, stream) = (TenantId::from("ten_acme"), StreamId("a".to_owned()));
    Turn {
        tenant,
        stream,
        version: 1,
        record,
        raw: None,
        keys: Vec::new(),
    }
}

fn small() -> [Turn; 1] {
    [turn("x".to_owned())]
}

#[test]
fn a_full_disk_refuses_the_write_and_all_else_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("log"), &[]).unwrap();
    let epoch = store.acquire("one").unwrap();
    store.append(epoch, &small()).unwrap();
    store
        .writer
        .lock()
        .unwrap()
        .connection
        .pragma_update(None, "max_page_count", 100)
        .unwrap();
    let full = store.append(epoch, &[turn("x".repeat(4 << 20))]);
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    assert_eq!(store.records(0, 9).unwrap().len(), 1);
    assert_eq!(store.append(epoch, &small()).unwrap(), 2);
}

#[test]
fn after_a_failed_write_nothing_is_acknowledged_until_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("log"), &[]).unwrap();
    let epoch = store.acquire("one").unwrap();
    let run = |sql: &str| store.writer.lock().unwrap().connection.execute_batch(sql).unwrap();
    run("ALTER TABLE record RENAME TO gone");
    assert!(matches!(store.append(epoch, &small()), Err(StoreError::Broken(_))));
    run("ALTER TABLE gone RENAME TO record");
    assert!(matches!(store.append(epoch, &small()), Err(StoreError::Broken(_))));
    assert!(store.health().is_err());
    drop(store);
    let store = Sqlite::open(folder.path().join("log"), &[]).unwrap();
    assert_eq!(store.append(epoch, &small()).unwrap(), 1);
}
