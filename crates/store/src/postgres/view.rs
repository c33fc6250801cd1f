//! Views in PostgreSQL's dialect: tables, indexes, policies and queries from one declaration.

use super::error::Failure;
use super::session::Session;
use super::text::{decode, encode};
use crate::view::{Bound, Dialect, cells, column_name, index_of, question, table_name, totals_question};
use postgres::types::ToSql;
use signalbox_model::view::{
    Column, ColumnKind, Direction, Filter, Total, ViewDefinition, ViewPage, ViewQuery, ViewRow,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Characters of a text that its index holds. An index row may have 2,704 bytes; partners' texts can be longer.
const INDEXED_CHARACTERS: usize = 256;

struct Postgres;

impl Dialect for Postgres {
    fn parameter(&self, number: usize) -> String {
        format!("${number}")
    }

    fn comparison(&self, column: &Column, sign: &str, parameter: &str) -> String {
        let name = column_name(column);
        if column.kind != ColumnKind::Text {
            return format!("({name} IS NOT NULL AND {name} {sign} {parameter})");
        }
        // By the indexed beginning first, then by the whole.
        let beginnings = if sign == "=" {
            "=".to_owned()
        } else {
            format!("{sign}=")
        };
        let (indexed, asked) = (
            indexed(column),
            format!("left({parameter}::text, {INDEXED_CHARACTERS})"),
        );
        format!("({name} IS NOT NULL AND {indexed} {beginnings} {asked} AND {name} {sign} {parameter}::text)")
    }

    fn ordering(&self, column: &Column, direction: Direction) -> String {
        let direction = match direction {
            Direction::Ascending => "ASC NULLS FIRST",
            Direction::Descending => "DESC NULLS LAST",
        };
        let name = column_name(column);
        match column.kind {
            ColumnKind::Text => format!("{} {direction}, {name} {direction}", indexed(column)),
            ColumnKind::Integer | ColumnKind::Boolean => format!("{name} {direction}"),
        }
    }

    fn between(&self, value: &str, low: i64, high: i64) -> String {
        // GREATEST and LEAST pass nulls over.
        format!("CASE WHEN {value} IS NULL THEN NULL ELSE GREATEST({low}, LEAST({high}, {value})) END")
    }
}

fn indexed(column: &Column) -> String {
    match column.kind {
        ColumnKind::Text => format!("left({}, {INDEXED_CHARACTERS})", column_name(column)),
        ColumnKind::Integer | ColumnKind::Boolean => column_name(column),
    }
}

/// The table with its indexes, its policy and its grants.
pub(super) fn create(view: &ViewDefinition) -> String {
    let table = table_name(view);
    let mut sql =
        format!("CREATE TABLE {table} (tenant text COLLATE \"C\", key text COLLATE \"C\", seq bigint NOT NULL, ");
    for column in view.columns {
        let _ = write!(sql, "{} {}, ", column_name(column), kind(column.kind));
    }
    sql += "body text NOT NULL, PRIMARY KEY (tenant, key));";
    for column in view.columns {
        let (name, indexed) = (column.name, indexed(column));
        let Some((beside, which)) = index_of(view, column) else {
            continue;
        };
        let _ = write!(
            sql,
            "CREATE INDEX ON {table} /* {name} */ (tenant, ({indexed}) NULLS FIRST, key{beside}){which};"
        );
    }
    let _ = write!(sql, "SELECT guard_tenant_table('{table}');");
    let _ = write!(sql, "GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO signalbox_app;");
    sql
}

fn kind(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "text COLLATE \"C\"",
        ColumnKind::Integer => "bigint",
        ColumnKind::Boolean => "boolean",
    }
}

/// One changed row: tenant, key, the seq that wrote it, the row or its removal.
pub(super) type Change<'a> = (&'a str, &'a str, i64, Option<&'a ViewRow>);

pub(super) fn put(session: &mut Session, view: &ViewDefinition, changes: &[Change<'_>]) -> Result<(), Failure> {
    let table = table_name(view);
    let (mut tenants, mut keys, mut seqs, mut bodies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut gone_tenants, mut gone_keys) = (Vec::new(), Vec::new());
    let mut columns: Vec<Cells> = view.columns.iter().map(|column| Cells::of(column.kind)).collect();
    for (tenant, key, seq, row) in changes {
        let Some(row) = row else {
            gone_tenants.push(encode(tenant));
            gone_keys.push(encode(key));
            continue;
        };
        tenants.push(encode(tenant));
        keys.push(encode(key));
        seqs.push(*seq);
        bodies.push(serde_json::to_string(row)?);
        columns
            .iter_mut()
            .zip(cells(view, row))
            .for_each(|(column, cell)| column.push(cell));
    }
    if !gone_keys.is_empty() {
        let sql = format!(
            "DELETE FROM {table} USING unnest($1::text[], $2::text[]) AS gone (tenant, key) \
             WHERE {table}.tenant = gone.tenant AND {table}.key = gone.key"
        );
        session.execute(&sql, &[&gone_tenants, &gone_keys])?;
    }
    if keys.is_empty() {
        return Ok(());
    }
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&tenants, &keys, &seqs];
    values.extend(columns.iter().map(Cells::value));
    values.push(&bodies);
    session.execute(&upsert(view, &table), &values)
}

fn upsert(view: &ViewDefinition, table: &str) -> String {
    let mut names = vec!["tenant".to_owned(), "key".to_owned(), "seq".to_owned()];
    let mut arrays = vec![
        "$1::text[]".to_owned(),
        "$2::text[]".to_owned(),
        "$3::bigint[]".to_owned(),
    ];
    for column in view.columns {
        names.push(column_name(column));
        arrays.push(match column.kind {
            ColumnKind::Text => format!("${}::text[]", names.len()),
            ColumnKind::Integer => format!("${}::bigint[]", names.len()),
            ColumnKind::Boolean => format!("${}::boolean[]", names.len()),
        });
    }
    names.push("body".to_owned());
    arrays.push(format!("${}::text[]", names.len()));
    let fresh: Vec<String> = names
        .iter()
        .skip(2)
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    format!(
        "INSERT INTO {table} ({}) SELECT * FROM unnest({}) ON CONFLICT (tenant, key) DO UPDATE SET {}",
        names.join(", "),
        arrays.join(", "),
        fresh.join(", ")
    )
}

/// One column of a batch.
enum Cells {
    Text(Vec<Option<String>>),
    Integer(Vec<Option<i64>>),
    Boolean(Vec<Option<bool>>),
}

impl Cells {
    fn of(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Text => Self::Text(Vec::new()),
            ColumnKind::Integer => Self::Integer(Vec::new()),
            ColumnKind::Boolean => Self::Boolean(Vec::new()),
        }
    }

    /// `cells` has already typed each value by its column; so another kind is as absent as none.
    fn push(&mut self, cell: Option<Bound>) {
        match (self, cell) {
            (Self::Text(column), Some(Bound::Text(text))) => column.push(Some(encode(&text).into_owned())),
            (Self::Integer(column), Some(Bound::Integer(integer))) => column.push(Some(integer)),
            (Self::Boolean(column), Some(Bound::Boolean(truth))) => column.push(Some(truth)),
            (Self::Text(column), _) => column.push(None),
            (Self::Integer(column), _) => column.push(None),
            (Self::Boolean(column), _) => column.push(None),
        }
    }

    fn value(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Text(column) => column,
            Self::Integer(column) => column,
            Self::Boolean(column) => column,
        }
    }
}

/// Asked inside a repeatable read, so that rows, total and position belong together.
pub(super) fn page(
    session: &mut Session,
    tenant: &str,
    view: &ViewDefinition,
    query: &ViewQuery,
) -> Result<ViewPage, Failure> {
    let asked = question(&Postgres, view, query)?;
    let tenant = encode(tenant);
    let bound: Vec<Box<dyn ToSql + Sync>> = asked.values.into_iter().map(value).collect();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&tenant];
    values.extend(bound.iter().map(Box::as_ref));
    let total: i64 = session.query_one(&asked.count, &values)?.try_get(0)?;
    let position: i64 = session
        .query_one(include_str!("queries/positions.sql"), &[])?
        .try_get(1)?;
    values.extend([&asked.limit as &(dyn ToSql + Sync), &asked.offset]);
    let mut rows = Vec::new();
    for row in session.query(&asked.select, &values)? {
        rows.push((decode(row.try_get(0)?), serde_json::from_str(row.try_get(1)?)?));
    }
    Ok(ViewPage {
        position: position.cast_unsigned(),
        rows,
        total: total.cast_unsigned(),
    })
}

pub(super) fn row(
    session: &mut Session,
    tenant: &str,
    view: &ViewDefinition,
    key: &str,
) -> Result<Option<ViewRow>, Failure> {
    let sql = format!("SELECT body FROM {} WHERE tenant = $1 AND key = $2", table_name(view));
    let found = session.query_opt(&sql, &[&encode(tenant), &encode(key)])?;
    found.map(|row| Ok(serde_json::from_str(row.try_get(0)?)?)).transpose()
}

/// Those of the keys that there are, in the order asked for.
pub(super) fn rows(
    session: &mut Session,
    tenant: &str,
    view: &ViewDefinition,
    keys: &[String],
) -> Result<Vec<(String, ViewRow)>, Failure> {
    let sql = format!(
        "SELECT key, body FROM {} WHERE tenant = $1 AND key = ANY($2::text[])",
        table_name(view)
    );
    let wanted: Vec<_> = keys.iter().map(|it| encode(it)).collect();
    let mut found: BTreeMap<String, ViewRow> = BTreeMap::new();
    for row in session.query(&sql, &[&encode(tenant), &wanted])? {
        found.insert(decode(row.try_get(0)?), serde_json::from_str(row.try_get(1)?)?);
    }
    let known = |key: &String| Some((key.clone(), found.get(key)?.clone()));
    Ok(keys.iter().filter_map(known).collect())
}

pub(super) fn totals(
    session: &mut Session,
    tenant: &str,
    view: &ViewDefinition,
    filter: Option<&Filter>,
    totals: &[Total],
) -> Result<Vec<i64>, Failure> {
    let (sql, bound) = totals_question(&Postgres, view, filter, totals)?;
    let tenant = encode(tenant);
    let bound: Vec<Box<dyn ToSql + Sync>> = bound.into_iter().map(value).collect();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&tenant];
    values.extend(bound.iter().map(Box::as_ref));
    let row = session.query_one(&sql, &values)?;
    (0..totals.len()).map(|it| Ok(row.try_get(it)?)).collect()
}

fn value(bound: Bound) -> Box<dyn ToSql + Sync> {
    match bound {
        Bound::Text(text) => Box::new(encode(&text).into_owned()),
        Bound::Integer(integer) => Box::new(integer),
        Bound::Boolean(truth) => Box::new(truth),
    }
}
