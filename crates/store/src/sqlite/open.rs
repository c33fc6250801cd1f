//! Opening the file: durable settings that must have taken, tables, and views that may have changed.

use super::error::Failure;
use super::view;
use crate::view::shape;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use signalbox_model::view::ViewDefinition;
use signalbox_runtime::ports::StoreError;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::time::Duration;

/// Marks the file as ours: "SgBx".
const APPLICATION_ID: i32 = 0x5367_4278;
const SCHEMA_VERSION: i32 = 1;
const BUSY_WAIT: Duration = Duration::from_secs(5);
const STATEMENTS_KEPT: usize = 256;

pub(super) fn writer(path: &Path, views: &'static [ViewDefinition]) -> Result<Connection, Failure> {
    create_file(path).map_err(|error| StoreError::Broken(format!("{}: {error}", path.display())))?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // A page of 8 KiB holds five records of the usual size where one of 4 KiB holds two.
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", "ON")?;
    connection.pragma_update(None, "checkpoint_fullfsync", "ON")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -65536)?;
    connection.pragma_update(None, "secure_delete", "ON")?; // An erased key leaves no trace in a free page.
    check_durable(&connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    make_tables(&transaction)?;
    match_views(&transaction, views)?;
    transaction.commit()?;
    Ok(connection)
}

pub(super) fn reader(path: &Path) -> Result<Connection, Failure> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "mmap_size", 1i64 << 30)?;
    Ok(connection)
}

/// Readable by its owner only: it holds everyone's data. Its name is durable before anything is written to it.
fn create_file(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    let folder = path
        .parent()
        .filter(|it| !it.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A pragma that SQLite cannot honour (WAL on a network disk) is passed over in silence; so ask what took.
fn check_durable(connection: &Connection) -> Result<(), Failure> {
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if !journal.eq_ignore_ascii_case("wal") || synchronous != 2 {
        let told =
            format!("SQLite runs journal_mode={journal}, synchronous={synchronous}; it must be wal and 2 (FULL)");
        return Err(StoreError::Broken(told).into());
    }
    Ok(())
}

fn make_tables(connection: &Connection) -> Result<(), Failure> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (tables, id, version) {
        (0, _, _) => {
            connection.execute_batch(include_str!("queries/schema.sql"))?;
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            Ok(())
        }
        (_, APPLICATION_ID, SCHEMA_VERSION) => Ok(()),
        (_, APPLICATION_ID, _) => {
            let told = format!(
                "the file has schema {version}, this program knows {SCHEMA_VERSION}. Run the program that made it"
            );
            Err(StoreError::Broken(told).into())
        }
        _ => Err(StoreError::Broken("the file is a database, but not one of ours".to_owned()).into()),
    }
}

/// Where any view was added, dropped or changed, every index is emptied and folded again from record 1: the indexes
/// are always the fold of one run of records, never a mixture of two.
fn match_views(connection: &Connection, views: &'static [ViewDefinition]) -> Result<(), Failure> {
    let mut statement = connection.prepare(include_str!("queries/view_versions.sql"))?;
    let kept = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let kept: Vec<(String, u32, String)> = kept.collect::<Result<_, _>>()?;
    let mut wanted: Vec<(String, u32, String)> = views
        .iter()
        .map(|view| (view.name.to_owned(), view.version, shape(view)))
        .collect();
    wanted.sort();
    if kept == wanted {
        return Ok(());
    }
    for (name, _, _) in &kept {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS view_{name}"))?;
    }
    connection.execute_batch(include_str!("queries/forget_indexes.sql"))?;
    for (definition, (name, version, shape)) in views.iter().map(|view| (view, (view.name, view.version, shape(view))))
    {
        view::create(connection, definition)?;
        connection.execute(include_str!("queries/note_view_version.sql"), (name, version, shape))?;
    }
    Ok(())
}
