//! From the catalogue to questions for the store, and from its sums to figures.

use super::catalogue::{CATALOGUE, Kpi, Measure, Part, Unit, When};
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::view::{Filter, Total, ViewDefinition};

/// From an instant up to, but not with, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    from: Timestamp,
    to: Timestamp,
}

/// Of which customer, carrier and lane. Ids, as the directory has them; none means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Narrow {
    pub customer: Option<String>,
    pub carrier: Option<String>,
    pub lane: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// None where there was nothing to divide by.
    pub value: Option<f64>,
    pub numerator: f64,
    pub denominator: Option<i64>,
}

/// One question to the store, which answers several KPIs at once.
#[derive(Clone, Debug)]
pub struct Plan {
    pub view: &'static ViewDefinition,
    pub filter: Filter,
    pub totals: Vec<Total>,
    /// What each total is, in the same order.
    pub slots: Vec<Slot>,
}

/// Which sum of which KPI a total is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its place in the catalogue.
    pub kpi: usize,
    pub of: Sum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    Numerator,
    Denominator,
    NumeratorBefore,
    DenominatorBefore,
    LeftOut,
}

impl Period {
    /// None where it ends before it begins, or where no period of its length lies before it.
    pub fn new(from: Timestamp, to: Timestamp) -> Option<Self> {
        let period = Self { from, to };
        (from < to && from.checked_sub(to.duration_since(from)).is_ok()).then_some(period)
    }

    pub fn from(self) -> Timestamp {
        self.from
    }

    pub fn to(self) -> Timestamp {
        self.to
    }

    /// The period of the same length that ends where this one begins.
    pub fn before(self) -> Self {
        let length = self.to.duration_since(self.from);
        Self {
            from: self.from.saturating_sub(length).unwrap_or(Timestamp::MIN),
            to: self.from,
        }
    }

    /// Which rows belong to it.
    fn rows(self, when: When) -> Filter {
        let (from, to) = (micros(self.from), micros(self.to));
        match when {
            When::Within(column) => Filter::All(vec![
                Filter::Greater(column.to_owned(), json!(from - 1)),
                Filter::Less(column.to_owned(), json!(to)),
            ]),
            When::OpenAtTheEnd => Filter::All(vec![Filter::Less("raised_at".to_owned(), json!(to)), open_at(to)]),
        }
    }
}

fn open_at(instant: i64) -> Filter {
    Filter::Any(vec![
        Filter::Equals("open".to_owned(), json!(1)),
        Filter::Greater("resolved_at".to_owned(), json!(instant - 1)),
    ])
}

impl Narrow {
    fn rows(&self) -> Filter {
        let named = [
            ("customer", &self.customer),
            ("carrier", &self.carrier),
            ("lane", &self.lane),
        ];
        let equals = |(column, value): (&str, &Option<String>)| {
            Some(Filter::Equals(column.to_owned(), Value::from(value.clone()?)))
        };
        Filter::All(named.into_iter().filter_map(equals).collect())
    }
}

impl Kpi {
    /// The rows of its view that are in a part of a period: the list behind the figure.
    pub fn drill(&self, part: Part, period: Period, narrow: &Narrow) -> Filter {
        Filter::All(vec![period.rows(self.when(part)), self.rows(part), narrow.rows()])
    }

    /// What sums make of it.
    pub fn figure(&self, numerator: i64, denominator: Option<i64>) -> Figure {
        let numerator = match self.unit {
            Unit::Minutes => numerator as f64 / 60.0,
            Unit::Share | Unit::Number => numerator as f64,
        };
        let value = match denominator {
            None => Some(numerator),
            Some(0) => None,
            Some(divisor) => Some(numerator / divisor as f64),
        };
        Figure {
            value,
            numerator,
            denominator,
        }
    }

    fn total(&self, measure: Measure, period: Period) -> Total {
        let (sum, part) = match measure {
            Measure::Rows(part) => (None, part),
            Measure::Sum(column) => (Some(column.to_owned()), Part::Counted),
        };
        Total {
            sum,
            filter: Some(Filter::All(vec![period.rows(self.when(part)), self.rows(part)])),
        }
    }

    /// What is left out is summed by its own column where it has one.
    fn left_out(&self, period: Period) -> Option<Total> {
        let (when, measure) = self.left_out_when?;
        let sum = match measure {
            Measure::Rows(_) => None,
            Measure::Sum(column) => Some(column.to_owned()),
        };
        let filter = Some(Filter::All(vec![period.rows(when), self.rows(Part::LeftOut)]));
        Some(Total { sum, filter })
    }
}

/// The questions whose answers make every figure of the period and of the one before it: one a table and way of
/// belonging to a period, so that each can use that column's index.
pub fn plan(period: Period, narrow: &Narrow) -> Vec<Plan> {
    let mut plans: Vec<(When, Plan)> = Vec::new();
    for (place, kpi) in CATALOGUE.iter().enumerate() {
        let mut ask = |when: When, of: Sum, total: Total| {
            let same = |(asked, plan): &(When, Plan)| *asked == when && plan.view == kpi.view;
            let found = plans.iter().position(same).unwrap_or_else(|| {
                let filter = Filter::All(vec![both(period, when), narrow.rows()]);
                let (totals, slots) = (Vec::new(), Vec::new());
                let view = kpi.view;
                plans.push((
                    when,
                    Plan {
                        view,
                        filter,
                        totals,
                        slots,
                    },
                ));
                plans.len() - 1
            });
            if let Some((_, plan)) = plans.get_mut(found) {
                plan.totals.push(total);
                plan.slots.push(Slot { kpi: place, of });
            }
        };
        let before = period.before();
        ask(kpi.when, Sum::Numerator, kpi.total(kpi.numerator, period));
        ask(kpi.when, Sum::NumeratorBefore, kpi.total(kpi.numerator, before));
        if let Some(denominator) = kpi.denominator {
            ask(kpi.when, Sum::Denominator, kpi.total(denominator, period));
            ask(kpi.when, Sum::DenominatorBefore, kpi.total(denominator, before));
        }
        if let (Some((when, _)), Some(total)) = (kpi.left_out_when, kpi.left_out(period)) {
            ask(when, Sum::LeftOut, total);
        }
    }
    plans.into_iter().map(|(_, plan)| plan).collect()
}

/// Rows that may belong to the period or to the one before it.
fn both(period: Period, when: When) -> Filter {
    let before = period.before();
    match when {
        When::Within(_) => Period {
            from: before.from,
            to: period.to,
        }
        .rows(when),
        When::OpenAtTheEnd => open_at(micros(before.to)),
    }
}

fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}
