//! Views: any filter, order and page answers as a plain loop over the rows would.

use crate::fixtures::*;
use crate::ground::{Ground, LOADS};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use signalbox_model::view::{Direction, Filter, SUMMAND_MAX, Total, ViewQuery, ViewRow};
use signalbox_runtime::ports::StoreError;
use std::cmp::Ordering;
use std::collections::BTreeMap;

fn a_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        "[aZé🚚\u{0}\u{1}]{0,2}".prop_map(Value::from),
        (-3..3i64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!(i64::MAX)),
        Just(json!(1.5)),
    ]
}

fn a_row() -> impl Strategy<Value = ViewRow> {
    let columns = prop::collection::btree_map(a_column(), a_value(), 0..4);
    columns.prop_map(|columns: BTreeMap<String, Value>| ViewRow {
        columns,
        body: json!({"é": [1, null]}),
    })
}

fn a_column() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["status", "rank", "late"]).prop_map(str::to_owned)
}

fn a_filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        (a_column(), a_value()).prop_map(|(column, value)| Filter::Equals(column, value)),
        (a_column(), a_value()).prop_map(|(column, value)| Filter::Less(column, value)),
        (a_column(), a_value()).prop_map(|(column, value)| Filter::Greater(column, value)),
        a_column().prop_map(Filter::IsNull),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::All),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Any),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

fn a_query() -> impl Strategy<Value = ViewQuery> {
    let direction = prop::sample::select(vec![Direction::Ascending, Direction::Descending]);
    let order = prop::collection::vec((a_column(), direction), 0..3);
    (prop::option::of(a_filter()), order, 0..8u32, 0..4u32).prop_map(|(filter, order, limit, offset)| ViewQuery {
        filter,
        order,
        limit,
        offset,
    })
}

fn a_total() -> impl Strategy<Value = Total> {
    let sum = prop::option::of(Just("rank".to_owned()));
    (sum, prop::option::of(a_filter())).prop_map(|(sum, filter)| Total { sum, filter })
}

/// The value a declared column holds; another kind counts as null.
fn cell<'a>(row: &'a ViewRow, column: &str) -> Option<&'a Value> {
    let value = row.columns.get(column)?;
    let fits = match column {
        "status" => value.is_string(),
        "rank" => value.is_i64(),
        _ => value.is_boolean(),
    };
    fits.then_some(value)
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => Some(left.as_i64()?.cmp(&right.as_i64()?)),
        _ => None,
    }
}

fn matches(filter: &Filter, row: &ViewRow) -> bool {
    let is = |column: &str, value: &Value, wanted| cell(row, column).and_then(|it| compare(it, value)) == Some(wanted);
    match filter {
        Filter::All(parts) => parts.iter().all(|it| matches(it, row)),
        Filter::Any(parts) => parts.iter().any(|it| matches(it, row)),
        Filter::Not(part) => !matches(part, row),
        Filter::IsNull(column) | Filter::Equals(column, Value::Null) => cell(row, column).is_none(),
        Filter::Equals(column, value) => is(column, value, Ordering::Equal),
        Filter::Less(column, value) => is(column, value, Ordering::Less),
        Filter::Greater(column, value) => is(column, value, Ordering::Greater),
    }
}

/// What a plain loop makes of a total.
fn figure(rows: &BTreeMap<String, ViewRow>, filter: Option<&Filter>, total: &Total) -> i64 {
    let passes = |row: &&ViewRow| {
        filter.is_none_or(|it| matches(it, row)) && total.filter.as_ref().is_none_or(|it| matches(it, row))
    };
    let adds = |row: &ViewRow| match &total.sum {
        None => 1,
        Some(column) => cell(row, column)
            .and_then(Value::as_i64)
            .map_or(0, |it| it.clamp(-SUMMAND_MAX, SUMMAND_MAX)),
    };
    rows.values().filter(passes).map(adds).sum()
}

fn model(rows: &BTreeMap<String, ViewRow>, query: &ViewQuery) -> (u64, Vec<(String, ViewRow)>) {
    let mut chosen: Vec<_> = rows
        .iter()
        .filter(|(_, row)| query.filter.as_ref().is_none_or(|it| matches(it, row)))
        .collect();
    // Stable sorts from the last column to the first; the rows start in order of key.
    for (column, direction) in query.order.iter().rev() {
        chosen.sort_by(|(_, left), (_, right)| {
            let ordering = match (cell(left, column), cell(right, column)) {
                (Some(left), Some(right)) => compare(left, right).unwrap(),
                (left, right) => left.is_some().cmp(&right.is_some()),
            };
            if *direction == Direction::Ascending {
                ordering
            } else {
                ordering.reverse()
            }
        });
    }
    let total = chosen.len() as u64;
    let page = chosen
        .into_iter()
        .skip(query.offset as usize)
        .take(query.limit as usize);
    (total, page.map(|(key, row)| (key.clone(), row.clone())).collect())
}

pub fn any_question_is_answered_as_a_plain_loop_would(fresh: fn() -> Option<Ground>, cases: u32) {
    let Some(ground) = fresh() else { return };
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let mut shown: BTreeMap<String, ViewRow> = BTreeMap::new();
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let rows = prop::collection::btree_map("[ké🚚]{1,2}", prop::option::weighted(0.8, a_row()), 0..6);
    let questions = prop::collection::vec(a_query(), 1..12);
    let figures = (prop::option::of(a_filter()), prop::collection::vec(a_total(), 1..6));
    let shown = std::cell::RefCell::new(&mut shown);
    let checked = TestRunner::new(config).run(&(rows, questions, figures), |(rows, questions, figures)| {
        let mut shown = shown.borrow_mut();
        let mut changed = turn(ACME, "a");
        for (key, row) in rows {
            changed = shows(changed, &key, row.clone());
            match row {
                Some(row) => shown.insert(key, row),
                None => shown.remove(&key),
            };
        }
        store
            .append(
                epoch,
                &[changed, shows(turn(BETA, "b"), "other", Some(row(json!({"rank": 1}))))],
            )
            .unwrap();
        index_all(&*store, epoch);
        for query in questions {
            let page = store.view_page(&scope(ACME), &LOADS, &query).unwrap();
            let (total, rows) = model(&shown, &query);
            let keys: Vec<String> = rows
                .iter()
                .rev()
                .map(|(key, _)| key.clone())
                .chain(["none".into()])
                .collect();
            let again = store.view_rows(&scope(ACME), &LOADS, &keys).unwrap();
            let wanted: Vec<_> = rows.iter().rev().cloned().collect();
            prop_assert_eq!(again, wanted);
            prop_assert_eq!((page.total, page.rows), (total, rows), "{:?}", query);
        }
        let (filter, totals) = figures;
        let wanted: Vec<i64> = totals.iter().map(|it| figure(&shown, filter.as_ref(), it)).collect();
        let found = store
            .view_totals(&scope(ACME), &LOADS, filter.as_ref(), &totals)
            .unwrap();
        prop_assert_eq!(found, wanted, "{:?} of {:?}", totals, filter);
        Ok(())
    });
    checked.unwrap();
}

pub fn a_question_about_an_unknown_column_is_refused(ground: &Ground) {
    let store = ground.open();
    let tests = [
        ViewQuery {
            order: vec![("rank; DROP TABLE record".to_owned(), Direction::Ascending)],
            ..Default::default()
        },
        ViewQuery {
            filter: Some(Filter::IsNull("body".to_owned())),
            ..Default::default()
        },
    ];
    for query in tests {
        let refused = store.view_page(&scope(ACME), &LOADS, &query);
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    let sum = |column: &str| Total {
        sum: Some(column.to_owned()),
        filter: None,
    };
    let sums = [vec![sum("body")], vec![sum("status")], vec![], vec![sum("rank"); 65]];
    for totals in sums {
        let refused = store.view_totals(&scope(ACME), &LOADS, None, &totals);
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    assert!(store.health().is_ok());
}
