//! Views in memory: the plain loop that the other stores' SQL must agree with.

use crate::ports::StoreError;
use serde_json::Value;
use signalbox_model::view::{
    ColumnKind, Direction, Filter, PAGE_ROWS_MAX, SUMMAND_MAX, TOTALS_MAX, Total, ViewDefinition, ViewQuery, ViewRow,
};
use std::cmp::Ordering;
use std::collections::BTreeMap;

pub(super) type Rows = BTreeMap<String, ViewRow>;

/// The rows of one page, and how many match in all.
pub(super) fn page(
    rows: Option<&Rows>,
    view: &ViewDefinition,
    query: &ViewQuery,
) -> Result<(Vec<(String, ViewRow)>, u64), StoreError> {
    refuse_unknown(view, query.filter.iter(), query.order.iter().map(|(column, _)| column))?;
    let fits = |row: &ViewRow| query.filter.as_ref().is_none_or(|filter| holds(view, filter, row));
    let mut matching: Vec<(&String, &ViewRow)> = rows.into_iter().flatten().filter(|(_, row)| fits(row)).collect();
    matching.sort_by(|left, right| in_order(view, query, left, right));
    let page = matching
        .iter()
        .skip(query.offset as usize)
        .take(query.limit.min(PAGE_ROWS_MAX) as usize);
    let rows = page.map(|(key, row)| ((*key).clone(), (*row).clone())).collect();
    Ok((rows, matching.len() as u64))
}

pub(super) fn totals(
    rows: Option<&Rows>,
    view: &ViewDefinition,
    filter: Option<&Filter>,
    totals: &[Total],
) -> Result<Vec<i64>, StoreError> {
    let filters = filter
        .into_iter()
        .chain(totals.iter().filter_map(|it| it.filter.as_ref()));
    refuse_unknown(view, filters, totals.iter().filter_map(|it| it.sum.as_ref()))?;
    if totals.is_empty() || totals.len() > TOTALS_MAX {
        let asked = totals.len();
        return Err(StoreError::Refused(format!(
            "{asked} figures asked for: ask for 1 to {TOTALS_MAX}"
        )));
    }
    let is_integer = |name: &String| {
        let declared = view.columns.iter().find(|it| it.name == name);
        declared.is_some_and(|it| it.kind == ColumnKind::Integer)
    };
    if let Some(name) = totals
        .iter()
        .filter_map(|it| it.sum.as_ref())
        .find(|it| !is_integer(it))
    {
        return Err(StoreError::Refused(format!("{name:?} is no integer column to sum")));
    }
    let passing = |row: &&ViewRow| filter.is_none_or(|it| holds(view, it, row));
    let rows: Vec<&ViewRow> = rows.into_iter().flat_map(BTreeMap::values).filter(passing).collect();
    let figure = |total: &Total| {
        let counted = rows
            .iter()
            .filter(|row| total.filter.as_ref().is_none_or(|it| holds(view, it, row)));
        let adds = |row: &&ViewRow| match &total.sum {
            None => 1,
            Some(column) => match cell(view, column, row) {
                Cell::Integer(number) => number.clamp(-SUMMAND_MAX, SUMMAND_MAX),
                _ => 0, // Null adds nothing.
            },
        };
        counted.map(adds).sum()
    };
    Ok(totals.iter().map(figure).collect())
}

/// A column's value as the filter and the order see it. Null sorts before everything; so does a value that is not
/// of the column's kind.
fn cell(view: &ViewDefinition, column: &str, row: &ViewRow) -> Cell {
    let kind = view.columns.iter().find(|it| it.name == column).map(|it| it.kind);
    kind.map_or(Cell::Null, |kind| {
        typed(kind, row.columns.get(column).unwrap_or(&Value::Null))
    })
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(String),
}

fn typed(kind: ColumnKind, value: &Value) -> Cell {
    match (kind, value) {
        (ColumnKind::Text, Value::String(text)) => Cell::Text(text.clone()),
        (ColumnKind::Integer, Value::Number(number)) => number.as_i64().map_or(Cell::Null, Cell::Integer),
        (ColumnKind::Boolean, Value::Bool(truth)) => Cell::Boolean(*truth),
        _ => Cell::Null, // Another kind than declared: nothing it could be compared with.
    }
}

/// Two-valued: a comparison with null, or with a value of another kind, does not hold, and its `Not` does.
/// `Equals(column, null)` asks for null.
fn holds(view: &ViewDefinition, filter: &Filter, row: &ViewRow) -> bool {
    let compare = |column: &String, value: &Value| {
        let kind = view.columns.iter().find(|it| it.name == column)?.kind;
        let (left, right) = (cell(view, column, row), typed(kind, value));
        (left != Cell::Null && right != Cell::Null).then(|| left.cmp(&right))
    };
    match filter {
        Filter::All(all) => all.iter().all(|it| holds(view, it, row)),
        Filter::Any(any) => any.iter().any(|it| holds(view, it, row)),
        Filter::Not(not) => !holds(view, not, row),
        Filter::Equals(column, Value::Null) | Filter::IsNull(column) => cell(view, column, row) == Cell::Null,
        Filter::Equals(column, value) => compare(column, value) == Some(Ordering::Equal),
        Filter::Less(column, value) => compare(column, value) == Some(Ordering::Less),
        Filter::Greater(column, value) => compare(column, value) == Some(Ordering::Greater),
    }
}

fn in_order(
    view: &ViewDefinition,
    query: &ViewQuery,
    left: &(&String, &ViewRow),
    right: &(&String, &ViewRow),
) -> Ordering {
    for (column, direction) in &query.order {
        let ascending = cell(view, column, left.1).cmp(&cell(view, column, right.1));
        let ordering = if *direction == Direction::Ascending {
            ascending
        } else {
            ascending.reverse()
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    left.0.cmp(right.0)
}

/// Only declared columns are asked for.
fn refuse_unknown<'a>(
    view: &ViewDefinition,
    filters: impl Iterator<Item = &'a Filter>,
    columns: impl Iterator<Item = &'a String>,
) -> Result<(), StoreError> {
    let mut named: Vec<&String> = columns.collect();
    let mut open: Vec<&Filter> = filters.collect();
    while let Some(filter) = open.pop() {
        match filter {
            Filter::All(parts) | Filter::Any(parts) => open.extend(parts),
            Filter::Not(part) => open.push(part),
            Filter::Equals(column, _)
            | Filter::Less(column, _)
            | Filter::Greater(column, _)
            | Filter::IsNull(column) => named.push(column),
        }
    }
    match named
        .into_iter()
        .find(|name| view.columns.iter().all(|it| it.name != *name))
    {
        Some(name) => Err(StoreError::Refused(format!(
            "view {} has no column {name:?}",
            view.name
        ))),
        None => Ok(()),
    }
}
