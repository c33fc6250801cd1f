//! KPIs as the store holds them: figures, and the loads behind each.
//!
//! Invariant: a figure and its list are asked by the same filter (`engine/src/kpi`), so the list holds the loads that were
//! counted and no other.

use crate::ports::{Store, StoreError};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use signalbox_engine::kpi::{CATALOGUE, EXCEPTIONS, Figure, Kpi, Narrow, Part, Period, Sum, plan};
use signalbox_model::scope::TenantScope;
use signalbox_model::view::{Direction, PAGE_ROWS_MAX, ViewQuery};
use std::collections::BTreeSet;

/// One KPI's figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its place in the catalogue.
    pub kpi: usize,
    pub now: Figure,
    /// Of the period of the same length before.
    pub before: Figure,
    pub left_out: i64,
}

/// Loads behind a figure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub loads: Vec<String>,
    /// How many there are in all. A load with several exceptions counts once among those looked at.
    pub total: u64,
}

/// Every KPI of the catalogue, in its order.
pub fn read(
    store: &dyn Store,
    scope: &TenantScope,
    period: Period,
    narrow: &Narrow,
) -> Result<Vec<Reading>, StoreError> {
    let mut sums = vec![Sums::default(); CATALOGUE.len()];
    for plan in plan(period, narrow) {
        let answers = store.view_totals(scope, plan.view, Some(&plan.filter), &plan.totals)?;
        for (slot, answer) in plan.slots.iter().zip(answers) {
            if let Some(sums) = sums.get_mut(slot.kpi) {
                sums.take(slot.of, answer);
            }
        }
    }
    let reading = |(place, (kpi, sums)): (usize, (&Kpi, &Sums))| Reading {
        kpi: place,
        now: kpi.figure(sums.numerator, sums.denominator),
        before: kpi.figure(sums.numerator_before, sums.denominator_before),
        left_out: sums.left_out,
    };
    Ok(CATALOGUE.iter().zip(&sums).enumerate().map(reading).collect())
}

/// The loads of one part of a KPI, those that came last first; at most `PAGE_ROWS_MAX`.
pub fn loads(
    store: &dyn Store,
    scope: &TenantScope,
    kpi: &Kpi,
    part: Part,
    period: Period,
    narrow: &Narrow,
) -> Result<Counted, StoreError> {
    let query = ViewQuery {
        filter: Some(kpi.drill(part, period, narrow)),
        order: vec![(kpi.when(part).column().to_owned(), Direction::Descending)],
        limit: PAGE_ROWS_MAX,
        offset: 0,
    };
    let page = store.view_page(scope, kpi.view, &query)?;
    if kpi.view.name != EXCEPTIONS.name {
        let loads = page.rows.into_iter().map(|(key, _)| key).collect();
        let total = page.total;
        return Ok(Counted { loads, total });
    }
    let mut seen = BTreeSet::new();
    let load = |(_, row): &(String, signalbox_model::view::ViewRow)| {
        row.columns.get("load").and_then(|it| it.as_str()).map(str::to_owned)
    };
    let named = page.rows.iter().filter_map(load);
    let loads: Vec<String> = named.filter(|it| seen.insert(it.clone())).collect();
    let total = loads.len() as u64;
    Ok(Counted { loads, total })
}

#[derive(Clone, Debug, Default)]
struct Sums {
    numerator: i64,
    denominator: Option<i64>,
    numerator_before: i64,
    denominator_before: Option<i64>,
    left_out: i64,
}

impl Sums {
    fn take(&mut self, of: Sum, answer: i64) {
        match of {
            Sum::Numerator => self.numerator = answer,
            Sum::Denominator => self.denominator = Some(answer),
            Sum::NumeratorBefore => self.numerator_before = answer,
            Sum::DenominatorBefore => self.denominator_before = Some(answer),
            Sum::LeftOut => self.left_out = answer,
        }
    }
}

/// Every KPI of a period by name, for scripts: value, what it was counted from, and how many were left out.
pub fn summary(
    store: &dyn Store,
    scope: &TenantScope,
    from: Timestamp,
    to: Timestamp,
) -> Result<Map<String, Value>, StoreError> {
    let period = Period::new(from, to);
    let period = period.ok_or_else(|| StoreError::Refused(format!("no period from {from} to {to}")))?;
    let readings = read(store, scope, period, &Narrow::default())?;
    let told = |it: &Reading| {
        let kpi = CATALOGUE.get(it.kpi)?;
        let figure = json!({
            "value": it.now.value, "unit": kpi.unit.as_str(), "numerator": it.now.numerator,
            "denominator": it.now.denominator, "left_out": it.left_out,
        });
        Some((kpi.name.to_owned(), figure))
    };
    Ok(readings.iter().filter_map(told).collect())
}
