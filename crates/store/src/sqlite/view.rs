//! Views in SQLite's dialect: tables, indexes and queries from one declaration.

use super::error::Failure;
use super::put::put_rows;
use crate::view::{Bound, Dialect, cells, column_name, index_of, question, table_name, totals_question};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use signalbox_model::view::{
    Column, ColumnKind, Direction, Filter, Total, ViewDefinition, ViewPage, ViewQuery, ViewRow,
};
use std::fmt::Write as _;

struct Sqlite;

impl Dialect for Sqlite {
    fn parameter(&self, number: usize) -> String {
        format!("?{number}")
    }

    fn comparison(&self, column: &Column, sign: &str, parameter: &str) -> String {
        let name = column_name(column);
        format!("({name} IS NOT NULL AND {name} {sign} {parameter})")
    }

    fn ordering(&self, column: &Column, direction: Direction) -> String {
        let direction = match direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        format!("{} {direction}", column_name(column)) // SQLite's nulls are the smallest values.
    }

    fn between(&self, value: &str, low: i64, high: i64) -> String {
        format!("max({low}, min({high}, {value}))")
    }
}

pub(super) fn create(connection: &Connection, view: &ViewDefinition) -> Result<(), Failure> {
    let table = table_name(view);
    let mut sql = format!("CREATE TABLE {table} (tenant TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, ");
    for column in view.columns {
        let kind = match column.kind {
            ColumnKind::Text => "TEXT",
            ColumnKind::Integer | ColumnKind::Boolean => "INTEGER",
        };
        let _ = write!(sql, "{} {kind}, ", column_name(column));
    }
    sql += "body BLOB NOT NULL, PRIMARY KEY (tenant, key));";
    for column in view.columns {
        let name = column_name(column);
        let Some((beside, which)) = index_of(view, column) else {
            continue;
        };
        let _ = write!(
            sql,
            "CREATE INDEX {table}_by_{} ON {table} (tenant, {name}, key{beside}){which};",
            column.name
        );
    }
    Ok(connection.execute_batch(&sql)?)
}

/// One changed row: tenant, key, the seq that wrote it, the row or its removal.
pub(super) type Change<'a> = (&'a str, &'a str, i64, Option<&'a ViewRow>);

pub(super) fn put(connection: &Connection, view: &ViewDefinition, changes: &[Change<'_>]) -> Result<(), Failure> {
    let table = table_name(view);
    let mut rows = Vec::new();
    let mut removed = connection.prepare_cached(&format!("DELETE FROM {table} WHERE tenant = ?1 AND key = ?2"))?;
    for (tenant, key, seq, row) in changes {
        let Some(row) = row else {
            removed.execute((tenant, key))?;
            continue;
        };
        let mut values = vec![
            Value::from((*tenant).to_owned()),
            Value::from((*key).to_owned()),
            Value::from(*seq),
        ];
        values.extend(cells(view, row).into_iter().map(|cell| cell.map_or(Value::Null, value)));
        values.push(Value::from(serde_json::to_vec(row)?));
        rows.push(values);
    }
    let names: Vec<String> = view
        .columns
        .iter()
        .map(column_name)
        .chain(["seq".into(), "body".into()])
        .collect();
    let fresh: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let columns: String = view
        .columns
        .iter()
        .map(|column| format!("{}, ", column_name(column)))
        .collect();
    let sql = format!(
        "INSERT INTO {table} (tenant, key, seq, {columns}body) VALUES /*rows*/ ON CONFLICT (tenant, key) DO UPDATE SET {}",
        fresh.join(", ")
    );
    put_rows(connection, &sql, rows)
}

/// Asked inside a read transaction, so that rows, total and position belong together.
pub(super) fn page(
    connection: &Connection,
    tenant: &str,
    view: &ViewDefinition,
    query: &ViewQuery,
) -> Result<ViewPage, Failure> {
    let asked = question(&Sqlite, view, query)?;
    let mut values = vec![Value::from(tenant.to_owned())];
    values.extend(asked.values.into_iter().map(value));
    let total: i64 = connection
        .prepare_cached(&asked.count)?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    let position: i64 = connection
        .prepare_cached(include_str!("queries/indexed.sql"))?
        .query_row([], |row| row.get(0))?;
    values.extend([Value::from(asked.limit), Value::from(asked.offset)]);
    let mut select = connection.prepare_cached(&asked.select)?;
    let mut found = select.query(params_from_iter(&values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push((
            row.get(0)?,
            serde_json::from_slice(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?,
        ));
    }
    Ok(ViewPage {
        position: position.cast_unsigned(),
        rows,
        total: total.cast_unsigned(),
    })
}

pub(super) fn row(
    connection: &Connection,
    tenant: &str,
    view: &ViewDefinition,
    key: &str,
) -> Result<Option<ViewRow>, Failure> {
    let sql = format!("SELECT body FROM {} WHERE tenant = ?1 AND key = ?2", table_name(view));
    let body: Option<Vec<u8>> = connection
        .prepare_cached(&sql)?
        .query_row((tenant, key), |row| row.get(0))
        .optional()?;
    Ok(body.map(|body| serde_json::from_slice(&body)).transpose()?)
}

/// Those of the keys that there are, in the order asked for.
pub(super) fn rows(
    connection: &Connection,
    tenant: &str,
    view: &ViewDefinition,
    keys: &[String],
) -> Result<Vec<(String, ViewRow)>, Failure> {
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        if let Some(it) = row(connection, tenant, view, key)? {
            found.push((key.clone(), it));
        }
    }
    Ok(found)
}

pub(super) fn totals(
    connection: &Connection,
    tenant: &str,
    view: &ViewDefinition,
    filter: Option<&Filter>,
    totals: &[Total],
) -> Result<Vec<i64>, Failure> {
    let (sql, bound) = totals_question(&Sqlite, view, filter, totals)?;
    let mut values = vec![Value::from(tenant.to_owned())];
    values.extend(bound.into_iter().map(value));
    let read = |row: &rusqlite::Row<'_>| (0..totals.len()).map(|it| row.get(it)).collect();
    Ok(connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(&values), read)?)
}

fn value(bound: Bound) -> Value {
    match bound {
        Bound::Text(text) => Value::Text(text),
        Bound::Integer(integer) => Value::Integer(integer),
        Bound::Boolean(truth) => Value::Integer(i64::from(truth)),
    }
}
