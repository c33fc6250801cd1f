//! KPIs: what a load has come to, as columns that can be counted, and the figures that are counted from them.
//!
//! Invariant: a row is a pure function of the load's events, so the figures are the same after a rebuild. A figure is
//! declared once, in `catalogue`: what it divides, over which loads, and which loads it leaves out; the API, the
//! documentation and the lists behind each figure all read that declaration.

mod catalogue;
mod facts;
mod figure;

pub use catalogue::{Better, CATALOGUE, Kpi, Part, Unit, document, named};
pub use facts::{Facts, FirstAnswer, TOLERANCE_MIN, load_row};
pub use figure::{Figure, Narrow, Period, Plan, Slot, Sum, plan};

pub(crate) use facts::changes;

use signalbox_model::view::{Column, ColumnIndex, ColumnKind, ViewDefinition};

const fn column(name: &'static str, kind: ColumnKind, index: ColumnIndex) -> Column {
    Column { name, kind, index }
}

/// When something happened, and what is summed by it.
const fn instant(name: &'static str, summed: &'static [&'static str]) -> Column {
    column(name, ColumnKind::Integer, ColumnIndex::Present(summed))
}

const fn number(name: &'static str) -> Column {
    column(name, ColumnKind::Integer, ColumnIndex::None)
}

const fn text(name: &'static str) -> Column {
    column(name, ColumnKind::Text, ColumnIndex::None)
}

/// One row a load. An instant is null until it has come; a number is null where it says nothing yet.
pub const LOADS: ViewDefinition = ViewDefinition {
    name: "kpi_loads",
    columns: &[
        text("customer"),
        text("carrier"),
        text("lane"),
        instant("created_at", &["covered_at", "closed_at", "first_open"]),
        instant("covered_at", &["cover_s"]),
        instant("first_answered_at", &["first_accepted"]),
        instant(
            "picked_up_at",
            &["pickups_timed", "pickups_on_time", "pickups_late", "pickups_unknown"],
        ),
        instant(
            "delivered_at",
            &[
                "deliveries_timed",
                "deliveries_on_time",
                "deliveries_late",
                "deliveries_unknown",
            ],
        ),
        instant("closed_at", &["touches", "cancelled"]),
        number("cover_s"),
        number("first_accepted"),
        number("first_open"),
        number("pickups_timed"),
        number("pickups_on_time"),
        number("pickups_late"),
        number("pickups_unknown"),
        number("deliveries_timed"),
        number("deliveries_on_time"),
        number("deliveries_late"),
        number("deliveries_unknown"),
        number("touches"),
        column("cancelled", ColumnKind::Boolean, ColumnIndex::None),
    ],
    version: 1,
};

/// One row an exception, open or resolved.
pub const EXCEPTIONS: ViewDefinition = ViewDefinition {
    name: "kpi_exceptions",
    columns: &[
        text("load"),
        text("kind"),
        text("customer"),
        text("carrier"),
        text("lane"),
        instant("raised_at", &[]),
        instant("resolved_at", &["by_person"]),
        // 1 while it is open, else null.
        instant("open", &["raised_at"]),
        column("by_person", ColumnKind::Boolean, ColumnIndex::None),
    ],
    version: 1,
};

/// Whether a view is for counting alone: nobody follows its rows one by one.
pub fn is_counted_only(view: &str) -> bool {
    [LOADS.name, EXCEPTIONS.name].contains(&view)
}

#[cfg(test)]
mod tests;
