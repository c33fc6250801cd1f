//! Every KPI, declared once: what is divided by what, over which loads, and which are left out.

use super::{EXCEPTIONS, LOADS, TOLERANCE_MIN};
use serde_json::json;
use signalbox_model::view::{Filter, ViewDefinition};
use std::fmt::Write as _;

/// One KPI. `formula` and `left_out` are what people read; the rest is what is counted.
#[derive(Clone, Copy, Debug)]
pub struct Kpi {
    pub name: &'static str,
    pub title: &'static str,
    pub unit: Unit,
    pub better: Better,
    pub formula: &'static str,
    /// What is not in it, and why.
    pub left_out: &'static str,
    /// Where the definition comes from.
    pub source: &'static str,
    pub view: &'static ViewDefinition,
    pub when: When,
    pub numerator: Measure,
    /// None where the figure is a number of things and divides nothing.
    pub denominator: Option<Measure>,
    /// The lists behind the figure, with what they are called.
    pub parts: &'static [(Part, &'static str)],
    pub left_out_when: Option<(When, Measure)>,
    /// Which rows are in a part, apart from when.
    rows: fn(Part) -> Filter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1.
    Share,
    Minutes,
    /// So many of something.
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

/// What is added up over the rows of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Rows(Part),
    /// A column, over the rows that are counted.
    Sum(&'static str),
}

/// Some of the rows of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Those the figure is about.
    Counted,
    /// Of the counted, those that did what the KPI asks for.
    Met,
    /// Of the counted, those that did not.
    Missed,
    /// Those that are not counted, or not yet.
    LeftOut,
}

/// How a row belongs to a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// By the instant in this column.
    Within(&'static str),
    /// By being open at the period's end.
    OpenAtTheEnd,
}

impl When {
    /// The column that says when.
    pub fn column(self) -> &'static str {
        match self {
            Self::Within(column) => column,
            Self::OpenAtTheEnd => "raised_at",
        }
    }
}

impl Part {
    pub const ALL: [Self; 4] = [Self::Counted, Self::Met, Self::Missed, Self::LeftOut];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Met => "met",
            Self::Missed => "missed",
            Self::LeftOut => "left_out",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

impl Unit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Minutes => "minutes",
            Self::Number => "number",
        }
    }
}

impl Better {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
        }
    }
}

impl Kpi {
    /// Which rows of its view are in a part, whatever the period.
    pub fn rows(&self, part: Part) -> Filter {
        (self.rows)(part)
    }

    /// How rows of a part belong to a period.
    pub fn when(&self, part: Part) -> When {
        match (part, self.left_out_when) {
            (Part::LeftOut, Some((when, _))) => when,
            _ => self.when,
        }
    }
}

pub fn named(name: &str) -> Option<&'static Kpi> {
    CATALOGUE.iter().find(|it| it.name == name)
}

fn everything() -> Filter {
    Filter::All(Vec::new())
}

fn nothing() -> Filter {
    Filter::Any(Vec::new())
}

fn is(column: &str, value: impl Into<serde_json::Value>) -> Filter {
    Filter::Equals(column.to_owned(), value.into())
}

fn some(column: &str) -> Filter {
    Filter::Greater(column.to_owned(), json!(0))
}

fn absent(column: &str) -> Filter {
    Filter::IsNull(column.to_owned())
}

fn still_open() -> Filter {
    absent("closed_at")
}

fn on_time(part: Part, name: &str) -> Filter {
    match part {
        Part::Counted => some(&format!("{name}_timed")),
        Part::Met => some(&format!("{name}_on_time")),
        Part::Missed => some(&format!("{name}_late")),
        Part::LeftOut => some(&format!("{name}_unknown")),
    }
}

const CREATED: When = When::Within("created_at");

pub const CATALOGUE: &[Kpi] = &[
    Kpi {
        name: "time_to_cover",
        title: "Time to cover",
        unit: Unit::Minutes,
        better: Better::Lower,
        formula: "Minutes from the load's creation to the carrier's acceptance, added up over the loads covered in the \
            period, divided by the number of those loads.",
        left_out: "Loads created in the period that are neither covered nor closed are left out and counted. A load that \
            is cancelled after it was covered still counts; one cancelled before never does.",
        source: "trade usage: time to cover, load ready to carrier committed",
        view: &LOADS,
        when: When::Within("covered_at"),
        numerator: Measure::Sum("cover_s"),
        denominator: Some(Measure::Rows(Part::Counted)),
        parts: &[(Part::Counted, "Covered"), (Part::LeftOut, "Not covered yet")],
        left_out_when: Some((CREATED, Measure::Rows(Part::LeftOut))),
        rows: |part| match part {
            Part::Counted => everything(),
            Part::LeftOut => Filter::All(vec![absent("covered_at"), still_open()]),
            Part::Met | Part::Missed => nothing(),
        },
    },
    Kpi {
        name: "first_tender_acceptance",
        title: "First tender accepted",
        unit: Unit::Share,
        better: Better::Higher,
        formula: "Loads whose first offer was accepted in the period, divided by the loads whose first offer was \
            accepted, declined or left to run out in it. Terms of the carrier's own count as accepted once a person \
            takes them.",
        left_out: "Offers that could not be delivered were seen by no carrier: the next one is the first. A first offer \
            taken back before its answer counts nowhere. Loads created in the period whose first offer is still open are \
            left out and counted.",
        source: "trade usage: first tender acceptance, loads accepted by rank 1 over loads tendered (X12 204, 990)",
        view: &LOADS,
        when: When::Within("first_answered_at"),
        numerator: Measure::Rows(Part::Met),
        denominator: Some(Measure::Rows(Part::Counted)),
        parts: &[
            (Part::Counted, "First offer answered"),
            (Part::Met, "Accepted"),
            (Part::Missed, "Not accepted"),
            (Part::LeftOut, "First offer open"),
        ],
        left_out_when: Some((CREATED, Measure::Rows(Part::LeftOut))),
        rows: |part| match part {
            Part::Counted => everything(),
            Part::Met => is("first_accepted", 1),
            Part::Missed => is("first_accepted", 0),
            Part::LeftOut => Filter::All(vec![is("first_open", 1), still_open()]),
        },
    },
    Kpi {
        name: "on_time_pickup",
        title: "On-time pickup",
        unit: Unit::Share,
        better: Better::Higher,
        formula: "Pickup stops where the vehicle arrived no later than 15 minutes after the end of the window, divided by \
            the pickup stops with an arrival and an end of window, over the loads whose last pickup was in the period.",
        left_out: "Stops without an end of window, and stops nobody reported an arrival at though the trip is over, are \
            left out and counted. Cancelled loads count nowhere. An early arrival is on time.",
        source: "trade usage: arrival within window and tolerance; arrival by geofence before the carrier's X12 214 X3",
        view: &LOADS,
        when: When::Within("picked_up_at"),
        numerator: Measure::Sum("pickups_on_time"),
        denominator: Some(Measure::Sum("pickups_timed")),
        parts: &[
            (Part::Counted, "With an arrival"),
            (Part::Met, "On time"),
            (Part::Missed, "Late"),
            (Part::LeftOut, "Nobody can say"),
        ],
        left_out_when: Some((When::Within("picked_up_at"), Measure::Sum("pickups_unknown"))),
        rows: |part| on_time(part, "pickups"),
    },
    Kpi {
        name: "on_time_delivery",
        title: "On-time delivery",
        unit: Unit::Share,
        better: Better::Higher,
        formula: "Delivery stops where the vehicle arrived no later than 15 minutes after the end of the window, divided \
            by the delivery stops with an arrival and an end of window, over the loads whose last delivery was in the \
            period.",
        left_out: "Stops without an end of window, and stops nobody reported an arrival at though the trip is over, are \
            left out and counted. Cancelled loads count nowhere. An early arrival is on time.",
        source: "trade usage: arrival within window and tolerance; arrival by geofence before the carrier's X12 214 X1",
        view: &LOADS,
        when: When::Within("delivered_at"),
        numerator: Measure::Sum("deliveries_on_time"),
        denominator: Some(Measure::Sum("deliveries_timed")),
        parts: &[
            (Part::Counted, "With an arrival"),
            (Part::Met, "On time"),
            (Part::Missed, "Late"),
            (Part::LeftOut, "Nobody can say"),
        ],
        left_out_when: Some((When::Within("delivered_at"), Measure::Sum("deliveries_unknown"))),
        rows: |part| on_time(part, "deliveries"),
    },
    Kpi {
        name: "open_exceptions",
        title: "Open exceptions",
        unit: Unit::Number,
        better: Better::Lower,
        formula: "Exceptions raised before the period's end and not resolved by then.",
        left_out: "Nothing. It is compared with those that were open when the period began.",
        source: "ours: the exception queue's length",
        view: &EXCEPTIONS,
        when: When::OpenAtTheEnd,
        numerator: Measure::Rows(Part::Counted),
        denominator: None,
        parts: &[(Part::Counted, "With an open exception")],
        left_out_when: None,
        rows: |part| match part {
            Part::Counted => everything(),
            Part::Met | Part::Missed | Part::LeftOut => nothing(),
        },
    },
    Kpi {
        name: "exceptions_closed_without_person",
        title: "Exceptions closed without a person",
        unit: Unit::Share,
        better: Better::Higher,
        formula: "Exceptions resolved in the period by the system, a playbook or another system, divided by all \
            exceptions resolved in the period.",
        left_out: "Exceptions still open at the period's end are left out and counted.",
        source: "trade usage: auto-resolution rate, closed with no human touch over all closed",
        view: &EXCEPTIONS,
        when: When::Within("resolved_at"),
        numerator: Measure::Rows(Part::Met),
        denominator: Some(Measure::Rows(Part::Counted)),
        parts: &[
            (Part::Counted, "Resolved"),
            (Part::Met, "Without a person"),
            (Part::Missed, "By a person"),
            (Part::LeftOut, "Still open"),
        ],
        left_out_when: Some((When::OpenAtTheEnd, Measure::Rows(Part::LeftOut))),
        rows: |part| match part {
            Part::Counted | Part::LeftOut => everything(),
            Part::Met => is("by_person", false),
            Part::Missed => is("by_person", true),
        },
    },
    Kpi {
        name: "closed_without_person",
        title: "Loads closed without a person",
        unit: Unit::Share,
        better: Better::Higher,
        formula: "Loads whose trip was completed in the period and that no person touched, divided by all loads whose trip \
            was completed in the period.",
        left_out: "Cancelled loads count nowhere. Loads created in the period that are still open are left out and \
            counted.",
        source: "trade usage: touchless rate",
        view: &LOADS,
        when: When::Within("closed_at"),
        numerator: Measure::Rows(Part::Met),
        denominator: Some(Measure::Rows(Part::Counted)),
        parts: &[
            (Part::Counted, "Completed"),
            (Part::Met, "Without a person"),
            (Part::Missed, "A person helped"),
            (Part::LeftOut, "Still open"),
        ],
        left_out_when: Some((CREATED, Measure::Rows(Part::LeftOut))),
        rows: |part| match part {
            Part::Counted => is("cancelled", false),
            Part::Met => Filter::All(vec![is("cancelled", false), is("touches", 0)]),
            Part::Missed => Filter::All(vec![is("cancelled", false), some("touches")]),
            Part::LeftOut => still_open(),
        },
    },
    Kpi {
        name: "touches_per_load",
        title: "Touches per load",
        unit: Unit::Number,
        better: Better::Lower,
        formula: "Recorded actions of people on the loads closed in the period, divided by the number of those loads. A \
            load is closed when its trip is completed or when it is cancelled.",
        left_out: "Loads created in the period that are still open are left out and counted. What another system does \
            with a key of its own is no touch.",
        source: "trade usage: touches per load",
        view: &LOADS,
        when: When::Within("closed_at"),
        numerator: Measure::Sum("touches"),
        denominator: Some(Measure::Rows(Part::Counted)),
        parts: &[
            (Part::Counted, "Closed"),
            (Part::Met, "Untouched"),
            (Part::Missed, "Touched"),
            (Part::LeftOut, "Still open"),
        ],
        left_out_when: Some((CREATED, Measure::Rows(Part::LeftOut))),
        rows: |part| match part {
            Part::Counted => everything(),
            Part::Met => is("touches", 0),
            Part::Missed => some("touches"),
            Part::LeftOut => still_open(),
        },
    },
];

/// `docs/KPI.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# KPIs\n\n\
        Each figure is counted from two tables with a row a load and a row an exception, folded from the log like every \
        other view. A period runs from `from` up to, but not with, `to`; it is compared with the period of the same \
        length before it. The lists behind a figure are the board, filtered to exactly the loads that were counted.\n\n\
        This page is written from `crates/engine/src/kpi/catalogue.rs`.\n",
    );
    for it in CATALOGUE {
        let better = match it.better {
            Better::Higher => "more is better",
            Better::Lower => "less is better",
        };
        let lists: Vec<String> = it
            .parts
            .iter()
            .map(|(part, title)| format!("`{}` ({title})", part.as_str()))
            .collect();
        let _ = write!(
            text,
            "\n## {}\n`{}`, {}; {better}\n\n{}\n\n- **Left out**: {}\n- **Lists**: {}\n- **From**: {}\n",
            it.title,
            it.name,
            it.unit.as_str(),
            it.formula,
            it.left_out,
            lists.join(", "),
            it.source,
        );
    }
    text
}

// The formulas name the minutes in words.
const _: () = assert!(TOLERANCE_MIN == 15, "say the new tolerance in the formulas");
