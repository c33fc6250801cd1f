//! Whether an order can be hauled at all: the same questions for every format.

use crate::findings::Findings;
use signalbox_model::attempt::{OrderAttempt, OrderPurpose};
use signalbox_model::load::{Stop, StopKind};
use signalbox_model::value::Moment;

/// How a format names places, so that an issue points into the partner's own message.
pub(crate) struct Places<'a> {
    pub reference: &'a dyn Fn() -> String,
    pub stops: &'a str,
    /// By index in `stops`.
    pub stop: &'a dyn Fn(usize) -> String,
}

pub(crate) fn check(order: &mut OrderAttempt, places: &Places<'_>, findings: &mut Findings) {
    if order.reference.is_empty() {
        findings.fatal(
            "order.missing_reference",
            (places.reference)(),
            "the order has no reference, so no answer could be matched to it",
            "Ask the customer to send its shipment number.",
        );
    }
    if matches!(order.purpose, OrderPurpose::Cancel | OrderPurpose::Confirm) {
        return;
    }
    check_stops(&order.stops, places, findings);
    check_order_of_times(&order.stops, places, findings);
    open_reversed_windows(&mut order.stops, places, findings);
}

fn check_stops(stops: &[Stop], places: &Places<'_>, findings: &mut Findings) {
    let has = |kind| stops.iter().any(|stop| stop.kind == kind);
    if !has(StopKind::Pickup) {
        findings.fatal(
            "order.missing_pickup",
            places.stops,
            "no stop picks anything up",
            "Ask the customer for the pickup stop and send the order again.",
        );
    }
    if !has(StopKind::Delivery) {
        findings.fatal(
            "order.missing_delivery",
            places.stops,
            "no stop delivers anything",
            "Ask the customer for the delivery stop and send the order again.",
        );
    }
}

/// Every delivery must be possible after the first pickup has begun.
fn check_order_of_times(stops: &[Stop], places: &Places<'_>, findings: &mut Findings) {
    let of = |kind| stops.iter().enumerate().filter(move |(_, stop)| stop.kind == kind);
    let Some(first_pickup) = of(StopKind::Pickup)
        .filter_map(|(_, stop)| stop.window.earliest.as_ref())
        .min()
    else {
        return;
    };
    for (index, stop) in of(StopKind::Delivery) {
        let Some(latest) = &stop.window.latest else { continue };
        if latest.at < first_pickup.at {
            let why = format!(
                "must deliver by {}, before the first pickup at {}",
                local(latest),
                local(first_pickup)
            );
            let fix = "Ask the customer which of the two dates is right.";
            findings.fatal("order.delivery_before_pickup", (places.stop)(index), why, fix);
        }
    }
}

/// A window that ends before it begins says nothing certain but its beginning.
fn open_reversed_windows(stops: &mut [Stop], places: &Places<'_>, findings: &mut Findings) {
    for (index, stop) in stops.iter_mut().enumerate() {
        let (Some(earliest), Some(latest)) = (&stop.window.earliest, &stop.window.latest) else {
            continue;
        };
        if latest.at < earliest.at {
            let why = format!("the window ends {} before it begins {}", local(latest), local(earliest));
            let fix = "The end is left open. Ask the customer for it.";
            findings.warning("order.window_reversed", (places.stop)(index), why, fix);
            stop.window.latest = None;
        }
    }
}

fn local(moment: &Moment) -> String {
    match crate::moment::rules(&moment.zone) {
        Some(rules) => moment.at.to_zoned(rules).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        None => moment.at.to_string(),
    }
}
