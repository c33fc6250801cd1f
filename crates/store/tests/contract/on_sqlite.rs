//! What only SQLite can get wrong: its settings, its file, and a process killed in the middle.

use crate::fixtures::*;
use crate::ground::{Ground, VIEWS};
use signalbox_model::id::SubjectId;
use signalbox_runtime::ports::{Store, StoreError};
use signalbox_store::Sqlite;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const KILLS: u64 = 8;
const CHILD: &str = "SIGNALBOX_STORE_TEST_CHILD";

#[test]
fn the_file_is_ours_alone_and_runs_wal() {
    let ground = Ground::sqlite().unwrap();
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    store.append(epoch, &[turn(ACME, "a")]).unwrap();
    let told = store.health().unwrap();
    assert!(told.contains("synchronous=FULL"), "{told}");
    let other = rusqlite::Connection::open(ground.path()).unwrap();
    let journal: String = other
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(journal, "wal");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(ground.path()).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_place_that_cannot_hold_a_durable_log_is_refused() {
    let refused = Sqlite::open(":memory:/x", VIEWS).map(drop);
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
    let ground = Ground::sqlite().unwrap();
    rusqlite::Connection::open(ground.path())
        .unwrap()
        .execute_batch("CREATE TABLE theirs (a)")
        .unwrap();
    let refused = Sqlite::open(ground.path(), VIEWS).map(drop);
    assert!(
        matches!(refused, Err(StoreError::Broken(_))),
        "another program's file: {refused:?}"
    );
    std::fs::write(
        ground.path(),
        b"not a database at all, but long enough to be read as one ........",
    )
    .unwrap();
    let refused = Sqlite::open(ground.path(), VIEWS).map(drop);
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
}

#[test]
fn a_newer_schema_is_left_alone() {
    let ground = Ground::sqlite().unwrap();
    drop(ground.open());
    rusqlite::Connection::open(ground.path())
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let refused = Sqlite::open(ground.path(), VIEWS).map(drop);
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
}

#[test]
fn an_erased_key_leaves_no_trace_in_the_files() {
    let ground = Ground::sqlite().unwrap();
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let wrapped = b"wrapped-key-that-must-not-be-found-again";
    store
        .append(epoch, &[meets(turn(ACME, "a"), "sub_1", wrapped)])
        .unwrap();
    let found = |folder: &Path| {
        std::fs::read_dir(folder).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(wrapped.len()).any(|it| it == wrapped)
        })
    };
    let folder = ground.path().parent().unwrap().to_owned();
    assert!(found(&folder));
    store
        .erase_subject(epoch, &scope(ACME), &SubjectId::from("sub_1"))
        .unwrap();
    assert!(!found(&folder));
}

#[test]
fn another_writer_in_the_way_means_retry() {
    let ground = Ground::sqlite().unwrap();
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let other = rusqlite::Connection::open(ground.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = store.append(epoch, &[turn(ACME, "a")]);
    assert!(matches!(busy, Err(StoreError::Retry(_))), "{busy:?}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.append(epoch, &[turn(ACME, "a")]).unwrap(), 1);
}

/// Not a test of its own: the process that the next test kills.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = Sqlite::open(path, VIEWS).unwrap();
    let epoch = store.acquire("child").unwrap();
    for _ in 0..100_000 {
        let batch = [
            receives(turn(ACME, "a"), "k", "msg_1", b"raw"),
            turn(BETA, "b"),
            turn(ACME, "c"),
        ];
        let first = store.append(epoch, &batch).unwrap();
        if first.is_multiple_of(5) {
            index_all(&store, epoch);
        }
        // Past the test harness, which would keep it back.
        writeln!(std::io::stdout(), "acknowledged {}", first + 2).unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let ground = Ground::sqlite().unwrap();
    for kill in 0..KILLS {
        let before = ground.open().positions().unwrap().head;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "on_sqlite::child_that_appends_until_it_is_killed",
                "--exact",
                "--nocapture",
            ])
            .env(CHILD, ground.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = before;
        let mut told = lines
            .map_while(Result::ok)
            .filter_map(|line| line.split("acknowledged ").nth(1)?.parse().ok());
        for seq in told.by_ref().take(usize::try_from(3 + kill * 7).unwrap()) {
            acknowledged = seq;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = told.last().unwrap_or(acknowledged);
        assert!(acknowledged > before, "the child appended");
        let store = ground.open();
        let head = store.positions().unwrap().head;
        assert!(head >= acknowledged, "{acknowledged} acknowledged, {head} found");
        assert_eq!(head % 3, 0, "no batch is there in part");
        let seqs: Vec<u64> = store.records(0, usize::MAX).unwrap().iter().map(|it| it.seq).collect();
        assert_eq!(seqs, (1..=head).collect::<Vec<_>>());
    }
}
