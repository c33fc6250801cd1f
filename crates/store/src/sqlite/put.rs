//! The checkpoint: changed index rows, many to a statement, in the sorted order the overlay keeps them.

use super::error::Failure;
use super::view;
use crate::key::lookup;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use signalbox_model::view::ViewDefinition;
use signalbox_runtime::index::IndexChanges;
use std::collections::BTreeMap;

/// Rows in one statement. Past this the gain is nil, and it keeps far from SQLite's 32,766 parameters.
const ROWS_A_STATEMENT: usize = 64;

pub(super) fn put_indexes(
    connection: &Connection,
    views: &'static [ViewDefinition],
    changes: &IndexChanges,
) -> Result<(), Failure> {
    put_streams(connection, changes)?;
    put_names(connection, changes)?;
    put_timers(connection, changes)?;
    put_effects(connection, changes)?;
    put_views(connection, views, changes)
}

fn put_streams(connection: &Connection, changes: &IndexChanges) -> Result<(), Failure> {
    let each = |((tenant, stream), seqs): (&(_, _), &Vec<u64>)| row_a_seq(tenant, stream, seqs);
    let rows = changes.streams.iter().flat_map(each).collect();
    put_rows(connection, include_str!("queries/put_stream_seqs.sql"), rows)
}

fn row_a_seq(
    tenant: &signalbox_model::id::TenantId,
    stream: &signalbox_model::id::StreamId,
    seqs: &[u64],
) -> Vec<Vec<Value>> {
    seqs.iter()
        .map(|seq| {
            vec![
                text(tenant.as_str()),
                text(stream.as_str()),
                Value::from(seq.cast_signed()),
            ]
        })
        .collect()
}

/// Dedupe marks, messages and outside names.
fn put_names(connection: &Connection, changes: &IndexChanges) -> Result<(), Failure> {
    let mut marks = Vec::new();
    for ((tenant, key), mark) in &changes.marks {
        marks.push(vec![
            text(tenant.as_str()),
            text(&lookup(key)),
            Value::from(serde_json::to_vec(mark)?),
        ]);
    }
    put_rows(connection, include_str!("queries/put_marks.sql"), marks)?;
    let message =
        |((tenant, message), seq): (&(signalbox_model::id::TenantId, signalbox_model::id::MessageId), &u64)| {
            vec![
                text(tenant.as_str()),
                text(message.as_str()),
                Value::from(seq.cast_signed()),
            ]
        };
    put_rows(
        connection,
        include_str!("queries/put_messages.sql"),
        changes.messages.iter().map(message).collect(),
    )?;
    let mut links = Vec::new();
    for ((tenant, id), stream) in &changes.links {
        let name = [&id.system, &id.kind, &id.value].map(|part| text(&lookup(part)));
        links.push([vec![text(tenant.as_str())], name.to_vec(), vec![text(stream.as_str())]].concat());
    }
    put_rows(connection, include_str!("queries/put_links.sql"), links)
}

fn put_timers(connection: &Connection, changes: &IndexChanges) -> Result<(), Failure> {
    let mut removed = connection.prepare_cached(include_str!("queries/remove_timer.sql"))?;
    let mut rows = Vec::new();
    for ((tenant, stream, timer), due) in &changes.timers {
        let Some(due) = due else {
            removed.execute((tenant.as_str(), stream.as_str(), timer.as_str()))?;
            continue;
        };
        let (second, nano) = (due.as_second(), i64::from(due.subsec_nanosecond()));
        let ids = vec![text(tenant.as_str()), text(stream.as_str()), text(timer.as_str())];
        rows.push([ids, vec![Value::from(second), Value::from(nano)]].concat());
    }
    put_rows(connection, include_str!("queries/put_timers.sql"), rows)
}

fn put_effects(connection: &Connection, changes: &IndexChanges) -> Result<(), Failure> {
    let mut removed = connection.prepare_cached(include_str!("queries/remove_effect.sql"))?;
    let mut rows = Vec::new();
    for ((tenant, effect), pending) in &changes.effects {
        let Some(pending) = pending else {
            removed.execute((tenant.as_str(), effect.as_str()))?;
            continue;
        };
        rows.push(vec![
            text(tenant.as_str()),
            text(effect.as_str()),
            Value::from(pending.seq.cast_signed()),
            text(pending.stream.as_str()),
            Value::from(serde_json::to_vec(&pending.effect)?),
            Value::from(pending.traceparent.clone()),
        ]);
    }
    put_rows(connection, include_str!("queries/put_effects.sql"), rows)
}

/// A change to a view that is no longer declared is passed over: old records still name it.
fn put_views(connection: &Connection, views: &'static [ViewDefinition], changes: &IndexChanges) -> Result<(), Failure> {
    let mut by_view: BTreeMap<&str, Vec<view::Change<'_>>> = BTreeMap::new();
    for ((tenant, view, key), (seq, row)) in &changes.views {
        by_view
            .entry(view)
            .or_default()
            .push((tenant.as_str(), key, seq.cast_signed(), row.as_deref()));
    }
    for definition in views {
        if let Some(changed) = by_view.get(definition.name) {
            view::put(connection, definition, changed)?;
        }
    }
    Ok(())
}

/// Runs `sql` with as many row tuples as fit at `/*rows*/`: full statements first, single rows for the rest.
pub(super) fn put_rows(connection: &Connection, sql: &str, rows: Vec<Vec<Value>>) -> Result<(), Failure> {
    let Some(first) = rows.first() else { return Ok(()) };
    let tuple = format!("({})", vec!["?"; first.len()].join(", "));
    let chunks = rows.chunks_exact(ROWS_A_STATEMENT);
    let rest = chunks.remainder();
    if rows.len() >= ROWS_A_STATEMENT {
        let many = sql.replace("/*rows*/", &vec![tuple.as_str(); ROWS_A_STATEMENT].join(", "));
        let mut statement = connection.prepare_cached(&many)?;
        for chunk in chunks {
            statement.execute(params_from_iter(chunk.iter().flatten()))?;
        }
    }
    if !rest.is_empty() {
        let mut statement = connection.prepare_cached(&sql.replace("/*rows*/", &tuple))?;
        for row in rest {
            statement.execute(params_from_iter(row))?;
        }
    }
    Ok(())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
