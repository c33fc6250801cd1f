//! The embedded default: one SQLite file, WAL, `synchronous=FULL`, one writer, a few readers.
//!
//! Invariant: a commit that SQLite did not confirm is never acknowledged, and after a failed write to the disk this
//! store writes no more until it is opened again (a second fsync may lie).

mod error;
mod open;
mod put;
#[cfg(test)]
mod tests;
mod view;

use crate::batch::{PackedTurn, check_tenant, pack};
use crate::key::{self, lookup};
use crate::pool::Pool;
use crate::view::{check_definitions, declared};
use error::Failure;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, SubjectId, TenantId, TimerId};
use signalbox_model::scope::TenantScope;
use signalbox_model::value::ExternalId;
use signalbox_model::view::{Filter, PAGE_ROWS_MAX, Total, ViewDefinition, ViewPage, ViewQuery, ViewRow};
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::ports::{DueTimer, Epoch, PendingEffect, Positions, Store, StoreError};
use signalbox_runtime::record::{InboxMark, Stored, SubjectKey, Turn};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const READERS_MAX: usize = 4;

/// The store in one file. Calls block: keep them off async threads.
pub struct Sqlite {
    path: PathBuf,
    views: &'static [ViewDefinition],
    writer: Mutex<Writer>,
    readers: Pool<Connection>,
}

struct Writer {
    connection: Connection,
    /// Why it writes no more.
    broken: Option<String>,
}

impl Sqlite {
    /// Opens the file, making it if it is not there. Refuses to start where the durable settings do not take.
    pub fn open(path: impl AsRef<Path>, views: &'static [ViewDefinition]) -> Result<Self, StoreError> {
        check_definitions(views)?;
        let path = path.as_ref().to_owned();
        let connection = open::writer(&path, views).map_err(|failure| failure.0)?;
        let writer = Mutex::new(Writer {
            connection,
            broken: None,
        });
        Ok(Self {
            path,
            views,
            writer,
            readers: Pool::new(READERS_MAX),
        })
    }

    /// One transaction, one fsync. With an epoch, only while it is the current one.
    fn write<R>(
        &self,
        held: Option<Epoch>,
        work: impl FnOnce(&Transaction<'_>) -> Result<R, Failure>,
    ) -> Result<R, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &writer.broken {
            return Err(StoreError::Broken(why.clone()));
        }
        let written = transact(&mut writer.connection, held, work).map_err(|failure| failure.0);
        if let Err(StoreError::Broken(why)) = &written {
            writer.broken = Some(format!("{why}; writing has stopped until the store is opened again"));
        }
        written
    }

    /// Old page images stay in the write-ahead log until it is cut: after an erasure, at once. A reader in the middle of
    /// a page holds the cut up; the next erasure or checkpoint makes it.
    fn forget_old_pages(&self) -> Result<(), StoreError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = writer
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        cut.map_err(|error| Failure::from(error).0)
    }

    fn read<R>(&self, ask: impl FnOnce(&Connection) -> Result<R, Failure>) -> Result<R, StoreError> {
        self.readers
            .with(|| open::reader(&self.path), |connection| ask(connection))
            .map_err(|failure| failure.0)
    }
}

fn transact<R>(
    connection: &mut Connection,
    held: Option<Epoch>,
    work: impl FnOnce(&Transaction<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(held) = held {
        let current: i64 = transaction
            .prepare_cached(include_str!("queries/epoch_held.sql"))?
            .query_row([], |row| row.get(0))?;
        if current.cast_unsigned() != held {
            return Err(StoreError::Fenced { held }.into());
        }
    }
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

impl Store for Sqlite {
    fn acquire(&self, owner: &str) -> Result<Epoch, StoreError> {
        self.write(None, |transaction| {
            let epoch: i64 = transaction.query_row(include_str!("queries/acquire.sql"), [owner], |row| row.get(0))?;
            Ok(epoch.cast_unsigned())
        })
    }

    fn append(&self, epoch: Epoch, turns: &[Turn]) -> Result<Seq, StoreError> {
        let packed = pack(turns)?;
        self.write(Some(epoch), |transaction| append(transaction, &packed))
    }

    fn checkpoint(&self, epoch: Epoch, changes: &IndexChanges, position: Seq) -> Result<(), StoreError> {
        self.write(Some(epoch), |transaction| {
            let Positions { head, indexed } = positions(transaction)?;
            if position < indexed || position > head {
                let told = format!("checkpoint at {position}, outside {indexed}..={head}");
                return Err(StoreError::Refused(told).into());
            }
            put::put_indexes(transaction, self.views, changes)?;
            transaction
                .prepare_cached(include_str!("queries/move_position.sql"))?
                .execute([position.cast_signed()])?;
            Ok(())
        })
    }

    fn positions(&self) -> Result<Positions, StoreError> {
        self.read(positions)
    }

    fn records(&self, after: Seq, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(include_str!("queries/records_after.sql"))?;
            let mut rows = statement.query((whole(after), whole(limit)))?;
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                records.push(stored(row)?);
            }
            Ok(records)
        })
    }

    fn records_at(&self, scope: &TenantScope, seqs: &[Seq]) -> Result<Vec<Stored>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(include_str!("queries/record_at.sql"))?;
            let mut records = Vec::with_capacity(seqs.len());
            for seq in seqs {
                let mut rows = statement.query((whole(*seq), scope.tenant().as_str()))?;
                if let Some(row) = rows.next()? {
                    records.push(stored(row)?);
                }
            }
            Ok(records)
        })
    }

    fn stream_seqs(&self, scope: &TenantScope, stream: &StreamId) -> Result<Vec<Seq>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(include_str!("queries/stream_seqs.sql"))?;
            let seqs = statement.query_map((scope.tenant().as_str(), stream.as_str()), |row| row.get(0))?;
            Ok(seqs.map(|seq| seq.map(i64::cast_unsigned)).collect::<Result<_, _>>()?)
        })
    }

    fn message_seq(&self, scope: &TenantScope, message: &MessageId) -> Result<Option<Seq>, StoreError> {
        let key = (scope.tenant().as_str(), message.as_str());
        let seq: Option<i64> = self.read(|it| one(it, include_str!("queries/message_seq.sql"), key))?;
        Ok(seq.map(i64::cast_unsigned))
    }

    fn raw(&self, scope: &TenantScope, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|it| {
            one(
                it,
                include_str!("queries/raw_at.sql"),
                (whole(seq), scope.tenant().as_str()),
            )
        })
    }

    fn mark(&self, scope: &TenantScope, key: &str) -> Result<Option<InboxMark>, StoreError> {
        self.read(|it| {
            let key = (scope.tenant().as_str(), lookup(key));
            let body: Option<Vec<u8>> = one(it, include_str!("queries/mark_by_key.sql"), key)?;
            Ok(body.map(|body| serde_json::from_slice(&body)).transpose()?)
        })
    }

    fn link(&self, scope: &TenantScope, id: &ExternalId) -> Result<Option<StreamId>, StoreError> {
        let key = (
            scope.tenant().as_str(),
            lookup(&id.system),
            lookup(&id.kind),
            lookup(&id.value),
        );
        let stream: Option<String> = self.read(|it| one(it, include_str!("queries/link_target.sql"), key))?;
        Ok(stream.map(StreamId))
    }

    fn timers_due(&self, until: Timestamp, limit: usize) -> Result<Vec<DueTimer>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(include_str!("queries/timers_due.sql"))?;
            let mut rows = statement.query((until.as_second(), until.subsec_nanosecond(), whole(limit)))?;
            let mut timers = Vec::new();
            while let Some(row) = rows.next()? {
                timers.push(DueTimer {
                    tenant: TenantId(row.get(0)?),
                    stream: StreamId(row.get(1)?),
                    timer: TimerId(row.get(2)?),
                    due: Timestamp::new(row.get(3)?, row.get(4)?)?,
                });
            }
            Ok(timers)
        })
    }

    fn effects_pending(&self, after: Option<(Seq, &EffectId)>, limit: usize) -> Result<Vec<PendingEffect>, StoreError> {
        let (seq, effect) = after.map_or((0, ""), |(seq, effect)| (seq, effect.as_str()));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(include_str!("queries/effects_pending.sql"))?;
            let mut rows = statement.query((whole(seq), effect, whole(limit)))?;
            let mut pending = Vec::new();
            while let Some(row) = rows.next()? {
                let body: Vec<u8> = row.get(3)?;
                pending.push(PendingEffect {
                    tenant: TenantId(row.get(0)?),
                    stream: StreamId(row.get(1)?),
                    seq: row.get::<_, i64>(2)?.cast_unsigned(),
                    effect: serde_json::from_slice(&body)?,
                    traceparent: row.get(4)?,
                });
            }
            Ok(pending)
        })
    }

    fn view_page(&self, scope: &TenantScope, view: &ViewDefinition, query: &ViewQuery) -> Result<ViewPage, StoreError> {
        let view = declared(self.views, view)?;
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let page = view::page(&snapshot, scope.tenant().as_str(), view, query)?;
            snapshot.finish()?;
            Ok(page)
        })
    }

    fn view_row(&self, scope: &TenantScope, view: &ViewDefinition, key: &str) -> Result<Option<ViewRow>, StoreError> {
        let view = declared(self.views, view)?;
        self.read(|connection| view::row(connection, scope.tenant().as_str(), view, key))
    }

    fn view_rows(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        keys: &[String],
    ) -> Result<Vec<(String, ViewRow)>, StoreError> {
        let view = declared(self.views, view)?;
        let keys = keys.get(..PAGE_ROWS_MAX as usize).unwrap_or(keys);
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let rows = view::rows(&snapshot, scope.tenant().as_str(), view, keys)?;
            snapshot.finish()?;
            Ok(rows)
        })
    }

    fn view_totals(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        filter: Option<&Filter>,
        totals: &[Total],
    ) -> Result<Vec<i64>, StoreError> {
        let view = declared(self.views, view)?;
        self.read(|connection| view::totals(connection, scope.tenant().as_str(), view, filter, totals))
    }

    fn subject_key(&self, scope: &TenantScope, subject: &SubjectId) -> Result<Option<SubjectKey>, StoreError> {
        let key = (scope.tenant().as_str(), subject.as_str());
        let wrapped: Option<Vec<u8>> = self.read(|it| one(it, include_str!("queries/subject_key.sql"), key))?;
        Ok(wrapped.map(|wrapped| SubjectKey {
            subject: subject.clone(),
            wrapped,
        }))
    }

    fn erase_subject(&self, epoch: Epoch, scope: &TenantScope, subject: &SubjectId) -> Result<(), StoreError> {
        self.write(Some(epoch), |transaction| {
            let key = (scope.tenant().as_str(), subject.as_str());
            transaction.execute(include_str!("queries/erase_subject.sql"), key)?;
            Ok(())
        })?;
        self.forget_old_pages()
    }

    fn put_blobs(&self, epoch: Epoch, tenant: &TenantId, blobs: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        check_tenant(tenant.as_str())?;
        blobs.iter().try_for_each(|(name, _)| key::check("blob name", name))?;
        self.write(Some(epoch), |transaction| {
            let mut statement = transaction.prepare_cached(include_str!("queries/put_blob.sql"))?;
            for (name, body) in blobs {
                statement.execute((tenant.as_str(), name, body))?;
            }
            Ok(())
        })
    }

    fn blob(&self, scope: &TenantScope, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|it| {
            one(
                it,
                include_str!("queries/blob_named.sql"),
                (scope.tenant().as_str(), name),
            )
        })
    }

    /// Writes, rather than promise that it could.
    fn health(&self) -> Result<String, StoreError> {
        self.write(None, |transaction| {
            transaction.execute(include_str!("queries/probe_write.sql"), [])?;
            let Positions { head, indexed } = positions(transaction)?;
            Ok(format!(
                "SQLite {}, WAL, synchronous=FULL, head {head}, indexed {indexed}",
                rusqlite::version()
            ))
        })
    }
}

fn append(transaction: &Transaction<'_>, turns: &[PackedTurn<'_>]) -> Result<Seq, Failure> {
    let head: i64 = transaction
        .prepare_cached(include_str!("queries/head.sql"))?
        .query_row([], |row| row.get(0))?;
    let mut record = transaction.prepare_cached(include_str!("queries/append_record.sql"))?;
    let mut raw = transaction.prepare_cached(include_str!("queries/append_raw.sql"))?;
    for (seq, turn) in (head + 1..).zip(turns) {
        record.execute((seq, turn.tenant, turn.stream, turn.version.cast_signed(), &turn.body))?;
        if let Some(sealed) = turn.raw {
            raw.execute((seq, turn.tenant, sealed))?;
        }
        for key in turn.keys {
            append_key(transaction, turn.tenant, key)?;
        }
    }
    Ok(head.cast_unsigned() + 1)
}

/// A second, different key for a person would make what is sealed under the first one unreadable.
fn append_key(transaction: &Transaction<'_>, tenant: &str, key: &SubjectKey) -> Result<(), Failure> {
    let subject = key.subject.as_str();
    let mut statement = transaction.prepare_cached(include_str!("queries/append_subject_key.sql"))?;
    if statement.execute((tenant, subject, &key.wrapped))? == 1 {
        return Ok(());
    }
    let kept: Option<Vec<u8>> = one(transaction, include_str!("queries/subject_key.sql"), (tenant, subject))?;
    match kept {
        Some(kept) if kept == key.wrapped => Ok(()),
        _ => Err(StoreError::Refused(format!("{subject} already has another key")).into()),
    }
}

fn positions(connection: &Connection) -> Result<Positions, Failure> {
    let mut statement = connection.prepare_cached(include_str!("queries/positions.sql"))?;
    let (head, indexed): (i64, i64) = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Positions {
        head: head.cast_unsigned(),
        indexed: indexed.cast_unsigned(),
    })
}

fn stored(row: &Row<'_>) -> Result<Stored, Failure> {
    let body = row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(Stored {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        tenant: TenantId(row.get(1)?),
        stream: StreamId(row.get(2)?),
        version: row.get::<_, i64>(3)?.cast_unsigned(),
        record: serde_json::from_slice(body)?,
    })
}

/// The first column of the first row, if there is one.
fn one<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
    key: impl rusqlite::Params,
) -> Result<Option<T>, Failure> {
    Ok(connection
        .prepare_cached(sql)?
        .query_row(key, |row| row.get(0))
        .optional()?)
}

/// SQLite's integers are signed; what is past their end is past every row.
fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
