//! From a view's declaration and a filter tree to SQL, the same way for both dialects.
//!
//! Invariant: only checked, declared names enter the text; every value is bound.

use serde_json::Value;
use signalbox_model::view::{
    Column, ColumnIndex, ColumnKind, Direction, Filter, PAGE_ROWS_MAX, SUMMAND_MAX, TOTALS_MAX, Total, ViewDefinition,
    ViewQuery, ViewRow,
};
use signalbox_runtime::ports::StoreError;
use std::collections::BTreeSet;

/// Nodes a filter may have in all: within SQLite's limit on depth of expression.
const FILTER_NODES_MAX: usize = 500;

/// A value of a declared column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

/// What SQLite and PostgreSQL say differently.
pub(crate) trait Dialect {
    fn parameter(&self, number: usize) -> String;
    /// `column sign parameter`, and false where the column is null.
    fn comparison(&self, column: &Column, sign: &str, parameter: &str) -> String;
    /// Nulls come before everything, and so last when descending.
    fn ordering(&self, column: &Column, direction: Direction) -> String;
    /// `low` where `value` is less, `high` where it is more, and null where it is null.
    fn between(&self, value: &str, low: i64, high: i64) -> String;
}

/// A query's conditions in SQL. `$1` is the tenant, `values` follow.
pub(crate) struct Question {
    pub select: String,
    pub count: String,
    pub values: Vec<Bound>,
    pub limit: i64,
    pub offset: i64,
}

/// The name in tables: no SQL keyword, nothing the store itself uses.
pub(crate) fn column_name(column: &Column) -> String {
    format!("c_{}", column.name)
}

pub(crate) fn table_name(view: &ViewDefinition) -> String {
    format!("view_{}", view.name)
}

/// What a table was made for: another shape, or another version, and it must be made again.
pub(crate) fn shape(view: &ViewDefinition) -> String {
    let column = |it: &Column| match it.index {
        ColumnIndex::Full => format!("{}:{:?}", it.name, it.kind),
        index => format!("{}:{:?}:{index:?}", it.name, it.kind),
    };
    view.columns.iter().map(column).collect::<Vec<_>>().join(",")
}

/// What the index on a column holds beside it, as a list that goes on, and over which rows it is. None where there is no
/// index.
pub(crate) fn index_of(view: &ViewDefinition, column: &Column) -> Option<(String, String)> {
    match column.index {
        ColumnIndex::Full => Some((String::new(), String::new())),
        ColumnIndex::Present(beside) => {
            let beside = view.columns.iter().filter(|it| beside.contains(&it.name));
            let beside: Vec<String> = beside.map(|it| format!(", {}", column_name(it))).collect();
            Some((beside.concat(), format!(" WHERE {} IS NOT NULL", column_name(column))))
        }
        ColumnIndex::None => None,
    }
}

/// Names become part of SQL text, so they are checked once, at open.
pub(crate) fn check_definitions(views: &[ViewDefinition]) -> Result<(), StoreError> {
    let plain =
        |name: &str| !name.is_empty() && name.len() <= 40 && name.bytes().all(|it| matches!(it, b'a'..=b'z' | b'_'));
    let mut names = BTreeSet::new();
    for view in views {
        let mut columns = BTreeSet::new();
        let sound = plain(view.name)
            && names.insert(view.name)
            && view
                .columns
                .iter()
                .all(|column| plain(column.name) && columns.insert(column.name));
        if !sound {
            return Err(StoreError::Refused(format!(
                "view {:?}: names are [a-z_]+ and unique",
                view.name
            )));
        }
    }
    Ok(())
}

/// The definition the tables were made for.
pub(crate) fn declared(
    views: &'static [ViewDefinition],
    view: &ViewDefinition,
) -> Result<&'static ViewDefinition, StoreError> {
    let unknown = || {
        StoreError::Refused(format!(
            "view {:?} was not declared when the store was opened",
            view.name
        ))
    };
    views.iter().find(|it| *it == view).ok_or_else(unknown)
}

/// One value a declared column. A value of another kind than declared cannot be filtered or sorted by, and counts as
/// null; the row keeps it as it was.
pub(crate) fn cells(view: &ViewDefinition, row: &ViewRow) -> Vec<Option<Bound>> {
    view.columns
        .iter()
        .map(|column| row.columns.get(column.name).and_then(|value| typed(column.kind, value)))
        .collect()
}

fn typed(kind: ColumnKind, value: &Value) -> Option<Bound> {
    match (kind, value) {
        (ColumnKind::Text, Value::String(text)) => Some(Bound::Text(text.clone())),
        (ColumnKind::Integer, Value::Number(number)) => number.as_i64().map(Bound::Integer),
        (ColumnKind::Boolean, Value::Bool(truth)) => Some(Bound::Boolean(*truth)),
        _ => None, // Another kind than declared, null included.
    }
}

pub(crate) fn question(
    dialect: &dyn Dialect,
    view: &ViewDefinition,
    query: &ViewQuery,
) -> Result<Question, StoreError> {
    let mut writer = Writer {
        dialect,
        view,
        values: Vec::new(),
        nodes: 0,
    };
    let condition = match &query.filter {
        Some(filter) => writer.condition(filter)?,
        None => "TRUE".to_owned(),
    };
    let mut order = String::new();
    for (name, direction) in &query.order {
        order += &dialect.ordering(writer.column(name)?, *direction);
        order += ", ";
    }
    let values = writer.values;
    let table = table_name(view);
    let chosen = format!("FROM {table} WHERE tenant = {} AND ({condition})", dialect.parameter(1));
    let (limit, offset) = (dialect.parameter(values.len() + 2), dialect.parameter(values.len() + 3));
    Ok(Question {
        select: format!("SELECT key, body {chosen} ORDER BY {order}key LIMIT {limit} OFFSET {offset}"),
        count: format!("SELECT count(*) {chosen}"),
        values,
        limit: i64::from(query.limit.min(PAGE_ROWS_MAX)),
        offset: i64::from(query.offset),
    })
}

/// A question for figures in SQL: one row, a column a total. `$1` is the tenant, `values` follow.
pub(crate) fn totals_question(
    dialect: &dyn Dialect,
    view: &ViewDefinition,
    filter: Option<&Filter>,
    totals: &[Total],
) -> Result<(String, Vec<Bound>), StoreError> {
    if totals.is_empty() || totals.len() > TOTALS_MAX {
        return Err(StoreError::Refused(format!(
            "{} figures asked for: ask for 1 to {TOTALS_MAX}",
            totals.len()
        )));
    }
    let mut writer = Writer {
        dialect,
        view,
        values: Vec::new(),
        nodes: 0,
    };
    let mut figures = Vec::new();
    for total in totals {
        let counted = match &total.sum {
            None => "1".to_owned(),
            Some(name) => {
                let column = writer.column(name)?;
                if column.kind != ColumnKind::Integer {
                    return Err(StoreError::Refused(format!("{name:?} is no integer column to sum")));
                }
                dialect.between(&column_name(column), -SUMMAND_MAX, SUMMAND_MAX)
            }
        };
        let passes = match &total.filter {
            Some(filter) => writer.condition(filter)?,
            None => "TRUE".to_owned(),
        };
        figures.push(format!(
            "CAST(COALESCE(SUM(CASE WHEN {passes} THEN {counted} END), 0) AS bigint)"
        ));
    }
    let condition = match filter {
        Some(filter) => writer.condition(filter)?,
        None => "TRUE".to_owned(),
    };
    let (figures, table, tenant) = (figures.join(", "), table_name(view), dialect.parameter(1));
    let sql = format!("SELECT {figures} FROM {table} WHERE tenant = {tenant} AND ({condition})");
    Ok((sql, writer.values))
}

struct Writer<'a> {
    dialect: &'a dyn Dialect,
    view: &'a ViewDefinition,
    values: Vec<Bound>,
    nodes: usize,
}

impl Writer<'_> {
    /// Two-valued: a comparison with null, or with a value of another kind, is false, and its `Not` true.
    fn condition(&mut self, filter: &Filter) -> Result<String, StoreError> {
        self.nodes += 1;
        if self.nodes > FILTER_NODES_MAX {
            return Err(StoreError::Refused(format!(
                "a filter of more than {FILTER_NODES_MAX} parts"
            )));
        }
        Ok(match filter {
            Filter::All(parts) => self.joined(parts, " AND ", "TRUE")?,
            Filter::Any(parts) => self.joined(parts, " OR ", "FALSE")?,
            Filter::Not(part) => format!("(NOT {})", self.condition(part)?),
            Filter::IsNull(name) | Filter::Equals(name, Value::Null) => {
                format!("({} IS NULL)", column_name(self.column(name)?))
            }
            Filter::Equals(name, value) => self.comparison(name, "=", value)?,
            Filter::Less(name, value) => self.comparison(name, "<", value)?,
            Filter::Greater(name, value) => self.comparison(name, ">", value)?,
        })
    }

    fn joined(&mut self, parts: &[Filter], sign: &str, none: &str) -> Result<String, StoreError> {
        if parts.is_empty() {
            return Ok(none.to_owned());
        }
        let written: Vec<String> = parts
            .iter()
            .map(|part| self.condition(part))
            .collect::<Result<_, _>>()?;
        Ok(format!("({})", written.join(sign)))
    }

    fn comparison(&mut self, name: &str, sign: &str, value: &Value) -> Result<String, StoreError> {
        let column = self.column(name)?;
        let Some(bound) = typed(column.kind, value) else {
            return Ok("FALSE".to_owned());
        };
        self.values.push(bound);
        Ok(self
            .dialect
            .comparison(column, sign, &self.dialect.parameter(self.values.len() + 1)))
    }

    fn column(&self, name: &str) -> Result<&'static Column, StoreError> {
        let view = self.view;
        let unknown = || StoreError::Refused(format!("view {} has no column {name:?}", view.name));
        view.columns.iter().find(|it| it.name == name).ok_or_else(unknown)
    }
}
