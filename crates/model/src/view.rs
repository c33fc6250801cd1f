//! Views: what people look at. A feature declares a view; both stores derive table, indexes and queries from it.
//!
//! A view has a name, a key, typed columns to filter and sort by, and a JSON body. The tenant is always part of
//! the key.

use crate::id::Seq;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A declared view. `name` and column names are `[a-z_]+`; the store refuses anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewDefinition {
    pub name: &'static str,
    pub columns: &'static [Column],
    /// Raise when the rows' meaning changes: the store then rebuilds the view from the records.
    pub version: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnKind,
    pub index: ColumnIndex,
}

/// Which of a column's values a store can find without reading every row. Any column can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnIndex {
    /// All, nulls among them: the column is sorted by.
    Full,
    /// Those that are not null: the column says when something happened that has not happened to every row. Beside each
    /// stand these columns of its row, so that they are summed without looking for the row.
    Present(&'static [&'static str]),
    /// None: the column is counted, never searched.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    Text,
    /// Also instants, as microseconds since 1970.
    Integer,
    Boolean,
}

/// A change to one row. `row: None` removes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewChange {
    pub view: String,
    pub key: String,
    pub row: Option<Arc<ViewRow>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewRow {
    /// One value per declared column; a missing one is null.
    pub columns: BTreeMap<String, Value>,
    pub body: Value,
}

/// A question to a view: filter tree, order, page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewQuery {
    pub filter: Option<Filter>,
    /// Column and direction; the key always breaks ties.
    pub order: Vec<(String, Direction)>,
    pub limit: u32,
    /// Rows to pass over.
    pub offset: u32,
}

/// Rows a page may hold at most.
pub const PAGE_ROWS_MAX: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Equals(String, Value),
    Less(String, Value),
    Greater(String, Value),
    IsNull(String),
}

/// One figure over the rows of a view: how many pass `filter`, or the sum of a column over them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Total {
    /// An integer column; null adds nothing. Without one the rows are counted.
    pub sum: Option<String>,
    pub filter: Option<Filter>,
}

/// Figures that one question may ask for.
pub const TOTALS_MAX: usize = 64;
/// What one row adds to a sum at most, either way: so no sum of rows that fit on a disk overflows.
pub const SUMMAND_MAX: i64 = 1 << 40;

/// One page of rows, and the log position the view had reached when it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewPage {
    pub position: Seq,
    pub rows: Vec<(String, ViewRow)>,
    /// Rows that match the filter in all.
    pub total: u64,
}
