//! Production and more than one node: PostgreSQL, tenants kept apart by row-level security.
//!
//! Invariant: normal work runs as `signalbox_app`, which owns nothing, bypasses nothing and sees only the tenants its
//! transaction speaks for; the owner's scans run as `signalbox_scan`, which can only read log, timers and outbox.
//!
//! An append that answers `Retry` may be in the log where the connection broke before the answer. Send the same turns
//! again: the store looks first, and answers what was written. Or take the log up anew with `acquire`.

mod error;
mod migrate;
mod put;
mod session;
mod text;
mod view;
mod writer;

use crate::batch::{check_tenant, pack};
use crate::key;
use crate::pool::Pool;
use crate::view::{check_definitions, declared};
use ::postgres::Row;
use error::Failure;
use jiff::Timestamp;
use put::looked_up;
use session::{Session, Target};
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, SubjectId, TenantId, TimerId};
use signalbox_model::scope::TenantScope;
use signalbox_model::value::ExternalId;
use signalbox_model::view::{Filter, PAGE_ROWS_MAX, Total, ViewDefinition, ViewPage, ViewQuery, ViewRow};
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::ports::{DueTimer, Epoch, PendingEffect, Positions, Store, StoreError};
use signalbox_runtime::record::{InboxMark, Stored, SubjectKey, Turn};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use text::{decode, encode};
use writer::Writer;

/// The store in a PostgreSQL schema. Calls block, and must not be made on an async runtime's threads.
pub struct Postgres {
    target: Target,
    views: &'static [ViewDefinition],
    writer: Mutex<Writer>,
    readers: Pool<Session>,
}

#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Where the tables live: `[a-z_][a-z0-9_]*`.
    pub schema: String,
    /// Who makes and changes tables. Where absent, the connecting user, who then steps down to `signalbox_app`.
    pub owner_url: Option<String>,
    /// Start though `fsync` or `full_page_writes` is off. For tests: a power cut then loses acknowledged work.
    pub allow_unsafe_durability: bool,
    pub readers_max: usize,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            schema: "signalbox".to_owned(),
            owner_url: None,
            allow_unsafe_durability: false,
            readers_max: 8,
        }
    }
}

impl Postgres {
    /// Migrates if need be and connects. Refuses to start on a server that would lose acknowledged work.
    pub fn open(url: &str, views: &'static [ViewDefinition], options: PostgresOptions) -> Result<Self, StoreError> {
        check_definitions(views)?;
        check_schema_name(&options.schema)?;
        let target = Target::new(url, &options.schema, options.allow_unsafe_durability)?;
        let owner_url = options.owner_url.as_deref().unwrap_or(url);
        let owner = Target::new(owner_url, &options.schema, options.allow_unsafe_durability)?;
        let login = target.config.get_user().unwrap_or("postgres");
        migrate::migrate(&owner, login, views).map_err(|failure| failure.error)?;
        let readers = Pool::new(options.readers_max.max(1));
        let store = Self {
            target,
            views,
            writer: Mutex::default(),
            readers,
        };
        store.positions()?;
        Ok(store)
    }

    fn write<R>(
        &self,
        epoch: Epoch,
        work: impl FnOnce(&mut Session, Positions) -> Result<R, Failure>,
    ) -> Result<R, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write(&self.target, epoch, work).map_err(|failure| failure.error)
    }

    /// A read that sees one tenant.
    fn read<R>(&self, scope: &TenantScope, ask: impl Fn(&mut Session) -> Result<R, Failure>) -> Result<R, StoreError> {
        self.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", |session| {
            session.speak_for([scope.tenant().as_str()])?;
            ask(session)
        })
    }

    /// A read of the shards' owner, across tenants.
    fn scan<R>(&self, ask: impl Fn(&mut Session) -> Result<R, Failure>) -> Result<R, StoreError> {
        self.ask("BEGIN READ ONLY; SET LOCAL ROLE signalbox_scan", ask)
    }

    fn ask<R>(&self, begin: &str, ask: impl Fn(&mut Session) -> Result<R, Failure>) -> Result<R, StoreError> {
        let once = || {
            self.readers.with(
                || self.target.connect(),
                |session| {
                    session.run(begin)?;
                    let answer = ask(session)?;
                    session.run("COMMIT")?;
                    Ok(answer)
                },
            )
        };
        let answer: Result<R, Failure> = once();
        match answer {
            Err(failure) if failure.lost => {
                self.readers.close_idle(); // They are from before the same failover.
                once().map_err(|failure| failure.error)
            }
            answer => answer.map_err(|failure| failure.error),
        }
    }
}

/// It becomes part of SQL text.
fn check_schema_name(name: &str) -> Result<(), StoreError> {
    let plain = |it: u8| matches!(it, b'a'..=b'z' | b'_' | b'0'..=b'9');
    let leads = name.starts_with(|it: char| it.is_ascii_lowercase() || it == '_');
    if leads && name.len() <= 60 && name.bytes().all(plain) {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "{name:?} cannot name a schema: [a-z_][a-z0-9_]*, at most 60"
    )))
}

impl Store for Postgres {
    fn acquire(&self, owner: &str) -> Result<Epoch, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.acquire(&self.target, owner).map_err(|failure| failure.error)
    }

    fn append(&self, epoch: Epoch, turns: &[Turn]) -> Result<Seq, StoreError> {
        let packed = pack(turns)?;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer
            .append(&self.target, epoch, &packed)
            .map_err(|failure| failure.error)
    }

    fn checkpoint(&self, epoch: Epoch, changes: &IndexChanges, position: Seq) -> Result<(), StoreError> {
        self.write(epoch, |session, Positions { head, indexed }| {
            if position < indexed || position > head {
                let told = format!("checkpoint at {position}, outside {indexed}..={head}");
                return Err(StoreError::Refused(told).into());
            }
            session.speak_for(put::tenants(changes))?;
            put::put_indexes(session, self.views, changes)?;
            session.execute(include_str!("queries/move_position.sql"), &[&position.cast_signed()])
        })
    }

    fn positions(&self) -> Result<Positions, StoreError> {
        self.ask("BEGIN READ ONLY", |session| {
            let row = session.query_one(include_str!("queries/positions.sql"), &[])?;
            let (head, indexed): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            Ok(Positions {
                head: head.cast_unsigned(),
                indexed: indexed.cast_unsigned(),
            })
        })
    }

    fn records(&self, after: Seq, limit: usize) -> Result<Vec<Stored>, StoreError> {
        self.scan(|session| {
            let rows = session.query(
                include_str!("queries/records_after.sql"),
                &[&whole(after), &whole(limit)],
            )?;
            rows.iter().map(stored).collect()
        })
    }

    fn records_at(&self, scope: &TenantScope, seqs: &[Seq]) -> Result<Vec<Stored>, StoreError> {
        let asked: Vec<i64> = seqs.iter().map(|seq| whole(*seq)).collect();
        let rows = self.read(scope, |session| {
            session.query(include_str!("queries/records_at.sql"), &[&tenant(scope), &asked])
        })?;
        let found = rows
            .iter()
            .map(|row| stored(row).map(|it| (it.seq, it)))
            .collect::<Result<BTreeMap<_, _>, _>>();
        let found = found.map_err(|failure| failure.error)?;
        Ok(seqs.iter().filter_map(|seq| found.get(seq).cloned()).collect())
    }

    fn stream_seqs(&self, scope: &TenantScope, stream: &StreamId) -> Result<Vec<Seq>, StoreError> {
        self.read(scope, |session| {
            let key = encode(stream.as_str());
            let rows = session.query(include_str!("queries/stream_seqs.sql"), &[&tenant(scope), &key])?;
            rows.iter()
                .map(|row| Ok(row.try_get::<_, i64>(0)?.cast_unsigned()))
                .collect()
        })
    }

    fn message_seq(&self, scope: &TenantScope, message: &MessageId) -> Result<Option<Seq>, StoreError> {
        self.read(scope, |session| {
            let key = encode(message.as_str());
            let row = session.query_opt(include_str!("queries/message_seq.sql"), &[&tenant(scope), &key])?;
            row.map(|row| Ok(row.try_get::<_, i64>(0)?.cast_unsigned())).transpose()
        })
    }

    fn raw(&self, scope: &TenantScope, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(scope, |session| {
            let row = session.query_opt(include_str!("queries/raw_at.sql"), &[&tenant(scope), &whole(seq)])?;
            first(row.as_ref())
        })
    }

    fn mark(&self, scope: &TenantScope, key: &str) -> Result<Option<InboxMark>, StoreError> {
        self.read(scope, |session| {
            let row = session.query_opt(
                include_str!("queries/mark_by_key.sql"),
                &[&tenant(scope), &looked_up(key)],
            )?;
            row.map(|row| Ok(serde_json::from_slice(row.try_get(0)?)?)).transpose()
        })
    }

    fn link(&self, scope: &TenantScope, id: &ExternalId) -> Result<Option<StreamId>, StoreError> {
        let (system, kind, value) = (looked_up(&id.system), looked_up(&id.kind), looked_up(&id.value));
        self.read(scope, |session| {
            let key: [&(dyn ::postgres::types::ToSql + Sync); 4] = [&tenant(scope), &system, &kind, &value];
            let row = session.query_opt(include_str!("queries/link_target.sql"), &key)?;
            Ok(first(row.as_ref())?.map(|stream| StreamId(decode(stream))))
        })
    }

    fn timers_due(&self, until: Timestamp, limit: usize) -> Result<Vec<DueTimer>, StoreError> {
        self.scan(|session| {
            let until = (until.as_second(), until.subsec_nanosecond());
            let rows = session.query(
                include_str!("queries/timers_due.sql"),
                &[&until.0, &until.1, &whole(limit)],
            )?;
            rows.iter().map(due_timer).collect()
        })
    }

    fn effects_pending(&self, after: Option<(Seq, &EffectId)>, limit: usize) -> Result<Vec<PendingEffect>, StoreError> {
        let (seq, effect) = after.map_or((0, ""), |(seq, effect)| (seq, effect.as_str()));
        self.scan(|session| {
            let cursor = (whole(seq), encode(effect));
            let rows = session.query(
                include_str!("queries/effects_pending.sql"),
                &[&cursor.0, &cursor.1, &whole(limit)],
            )?;
            rows.iter().map(pending_effect).collect()
        })
    }

    fn view_page(&self, scope: &TenantScope, view: &ViewDefinition, query: &ViewQuery) -> Result<ViewPage, StoreError> {
        let view = declared(self.views, view)?;
        self.read(scope, |session| {
            view::page(session, scope.tenant().as_str(), view, query)
        })
    }

    fn view_row(&self, scope: &TenantScope, view: &ViewDefinition, key: &str) -> Result<Option<ViewRow>, StoreError> {
        let view = declared(self.views, view)?;
        self.read(scope, |session| view::row(session, scope.tenant().as_str(), view, key))
    }

    fn view_rows(
        &self,
        scope: &TenantScope,
        view: &ViewDefinition,
        keys: &[String],
    ) -> Result<Vec<(String, ViewRow)>, StoreError> {
        let view = declared(self.views, view)?;
        let keys = keys.get(..PAGE_ROWS_MAX as usize).unwrap_or(keys);
        self.read(scope, |session| {
            view::rows(session, scope.tenant().as_str(), view, keys)
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
        self.read(scope, |session| {
            view::totals(session, scope.tenant().as_str(), view, filter, totals)
        })
    }

    fn subject_key(&self, scope: &TenantScope, subject: &SubjectId) -> Result<Option<SubjectKey>, StoreError> {
        self.read(scope, |session| {
            let key = encode(subject.as_str());
            let row = session.query_opt(include_str!("queries/subject_key.sql"), &[&tenant(scope), &key])?;
            Ok(first(row.as_ref())?.map(|wrapped| SubjectKey {
                subject: subject.clone(),
                wrapped,
            }))
        })
    }

    fn erase_subject(&self, epoch: Epoch, scope: &TenantScope, subject: &SubjectId) -> Result<(), StoreError> {
        self.write(epoch, |session, _| {
            session.speak_for([scope.tenant().as_str()])?;
            let key = encode(subject.as_str());
            session.execute(include_str!("queries/erase_subject.sql"), &[&tenant(scope), &key])
        })
    }

    fn put_blobs(&self, epoch: Epoch, tenant: &TenantId, blobs: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        check_tenant(tenant.as_str())?;
        blobs.iter().try_for_each(|(name, _)| key::check("blob name", name))?;
        // One statement cannot write a row twice: of one name given twice, the last body counts.
        let last: BTreeMap<&str, &[u8]> = blobs
            .iter()
            .map(|(name, body)| (name.as_str(), body.as_slice()))
            .collect();
        let names: Vec<_> = last.keys().map(|name| encode(name)).collect();
        let bodies: Vec<&[u8]> = last.values().copied().collect();
        self.write(epoch, |session, _| {
            session.speak_for([tenant.as_str()])?;
            session.execute(
                include_str!("queries/put_blobs.sql"),
                &[&encode(tenant.as_str()), &names, &bodies],
            )
        })
    }

    fn blob(&self, scope: &TenantScope, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(scope, |session| {
            let row = session.query_opt(include_str!("queries/blob_named.sql"), &[&tenant(scope), &encode(name)])?;
            first(row.as_ref())
        })
    }

    /// Writes, rather than promise that it could.
    fn health(&self) -> Result<String, StoreError> {
        self.ask("BEGIN", |session| {
            session.execute(include_str!("queries/probe_write.sql"), &[])?;
            let row = session.query_one(include_str!("queries/positions.sql"), &[])?;
            let (head, indexed): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            Ok(format!(
                "PostgreSQL, schema {}, head {head}, indexed {indexed}",
                self.target.schema
            ))
        })
    }
}

fn tenant(scope: &TenantScope) -> std::borrow::Cow<'_, str> {
    encode(scope.tenant().as_str())
}

fn stored(row: &Row) -> Result<Stored, Failure> {
    Ok(Stored {
        seq: row.try_get::<_, i64>(0)?.cast_unsigned(),
        tenant: TenantId(decode(row.try_get(1)?)),
        stream: StreamId(decode(row.try_get(2)?)),
        version: row.try_get::<_, i64>(3)?.cast_unsigned(),
        record: serde_json::from_slice(row.try_get(4)?)?,
    })
}

fn due_timer(row: &Row) -> Result<DueTimer, Failure> {
    Ok(DueTimer {
        tenant: TenantId(decode(row.try_get(0)?)),
        stream: StreamId(decode(row.try_get(1)?)),
        timer: TimerId(decode(row.try_get(2)?)),
        due: Timestamp::new(row.try_get(3)?, row.try_get(4)?)?,
    })
}

fn pending_effect(row: &Row) -> Result<PendingEffect, Failure> {
    Ok(PendingEffect {
        tenant: TenantId(decode(row.try_get(0)?)),
        stream: StreamId(decode(row.try_get(1)?)),
        seq: row.try_get::<_, i64>(2)?.cast_unsigned(),
        effect: serde_json::from_slice(row.try_get(3)?)?,
        traceparent: row.try_get::<_, Option<String>>(4)?.map(decode),
    })
}

/// The first column, if there is a row.
fn first<T: for<'a> ::postgres::types::FromSql<'a>>(row: Option<&Row>) -> Result<Option<T>, Failure> {
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// PostgreSQL's integers are signed; what is past their end is past every row.
fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
