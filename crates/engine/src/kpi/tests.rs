//! What a load's events come to, told as stories: each line is an event and the hour it happened.

use super::{CATALOGUE, Figure, Kpi, Part, Period, document, load_row, named};
use crate::state::LoadState;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_model::event::Event;
use signalbox_model::exception::Touch;
use signalbox_model::id::{LoadId, OfferId, OrderId, PartnerId, ShipmentId};
use signalbox_model::load::{Equipment, Load, Location, Priority, Stop, StopKind};
use signalbox_model::scope::{Actor, ActorKind};
use signalbox_model::trip::{VisitSource, VisitTime};
use signalbox_model::value::{Moment, Money, TimeBasis, TimeWindow};
use std::path::Path;

fn minute(minute: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
    begin + SignedDuration::from_mins(minute)
}

/// A stop whose window ends at this minute, if it ends.
fn stop(sequence: u32, kind: StopKind, end: Option<i64>) -> Stop {
    let latest = end.map(|it| Moment {
        at: minute(it),
        zone: "UTC".to_owned(),
        basis: TimeBasis::Stated,
    });
    Stop {
        sequence,
        kind,
        location: Location::default(),
        window: TimeWindow { earliest: None, latest },
        contacts: Vec::new(),
        references: Vec::new(),
        weight: None,
        pieces: None,
    }
}

fn created(stops: Vec<Stop>) -> Event {
    let load = Load {
        id: LoadId::from("load_1"),
        order: OrderId::from("ord_1"),
        shipment: ShipmentId::from("shp_1"),
        reference: "R1".to_owned(),
        stops,
        equipment: Equipment::default(),
        rate: None,
        respond_by: None,
        priority: Priority::Normal,
    };
    Event::LoadCreated { load }
}

fn plain() -> Event {
    created(vec![
        stop(1, StopKind::Pickup, Some(600)),
        stop(2, StopKind::Delivery, Some(1_200)),
    ])
}

fn made(offer: &str) -> Event {
    Event::OfferMade {
        offer: OfferId::from(offer),
        rate: Money::usd(1),
        respond_by: minute(60),
        approved_by: None,
    }
}

fn accepted(offer: &str) -> Event {
    Event::OfferAccepted {
        offer: OfferId::from(offer),
        carrier: PartnerId::from("par_a"),
    }
}

fn covered(offer: &str) -> Event {
    Event::LoadCovered {
        carrier: PartnerId::from("par_a"),
        offer: OfferId::from(offer),
        rate: Money::usd(1),
    }
}

fn declined(offer: &str) -> Event {
    let (offer, reason) = (OfferId::from(offer), None);
    Event::OfferDeclined { offer, reason }
}

fn withdrawn(offer: &str) -> Event {
    let (offer, reason) = (OfferId::from(offer), String::new());
    Event::OfferWithdrawn { offer, reason }
}

fn refused(offer: &str) -> Event {
    let (offer, reason) = (OfferId::from(offer), String::new());
    Event::OfferRefused { offer, reason }
}

fn conditional(offer: &str) -> Event {
    Event::OfferAnsweredConditionally {
        offer: OfferId::from(offer),
        reason: None,
        note: None,
    }
}

fn arrived(stop: u32, at: i64) -> Event {
    let arrived = VisitTime {
        at: minute(at),
        source: VisitSource::Geofence,
        by_mail: None,
    };
    Event::StopArrived { stop, arrived }
}

fn over() -> Event {
    Event::TripCompleted { vehicle: None }
}

fn cancelled() -> Event {
    let reason = String::new();
    Event::LoadCancelled { reason }
}

fn touched(kind: ActorKind) -> Event {
    let who = Actor {
        kind,
        ..Actor::system()
    };
    let touch = Touch {
        who,
        action: "exception.resolve".to_owned(),
        on: "exc_1".to_owned(),
        open_ms: 0,
        in_hand_ms: None,
        at: minute(0),
    };
    Event::TouchRecorded { touch }
}

fn column(row: &signalbox_model::view::ViewRow, name: &str) -> Value {
    row.columns.get(name).cloned().unwrap_or_default()
}

/// One event every ten minutes, from the first minute of the day on.
fn check(story: Vec<Event>, wanted: &[(&str, Value)]) {
    let mut state = LoadState::default();
    for (at, event) in (0..).step_by(10).zip(&story) {
        state.apply(event, minute(at));
    }
    let row = load_row(&state, state.load.as_ref().unwrap());
    for (name, value) in wanted {
        assert_eq!(column(&row, name), *value, "{name} after {story:?}");
    }
}

fn at(at: i64) -> Value {
    json!(minute(at).as_microsecond())
}

#[test]
fn the_first_offer_that_a_carrier_saw_is_the_one_that_counts() {
    let null = Value::Null;
    check(
        vec![plain(), made("a"), accepted("a"), covered("a")],
        &[
            ("first_accepted", json!(1)),
            ("first_answered_at", at(20)),
            ("cover_s", json!(1_800)),
        ],
    );
    check(
        vec![
            plain(),
            made("a"),
            declined("a"),
            made("b"),
            accepted("b"),
            covered("b"),
        ],
        &[
            ("first_accepted", json!(0)),
            ("first_answered_at", at(20)),
            ("cover_s", json!(3_000)),
        ],
    );
    check(
        vec![plain(), made("a"), refused("a"), made("b"), accepted("b")],
        &[("first_accepted", json!(1)), ("first_answered_at", at(40))],
    );
    check(
        vec![plain(), made("a"), withdrawn("a"), cancelled()],
        &[
            ("first_accepted", null.clone()),
            ("first_open", null.clone()),
            ("cancelled", json!(true)),
        ],
    );
    check(
        vec![plain(), made("a"), conditional("a")],
        &[("first_accepted", null.clone()), ("first_open", json!(1))],
    );
    check(
        vec![plain(), made("a"), conditional("a"), withdrawn("a")],
        &[("first_accepted", json!(0)), ("first_open", null.clone())],
    );
    check(vec![plain()], &[("first_open", null.clone()), ("covered_at", null)]);
}

#[test]
fn a_stop_is_on_time_up_to_the_tolerance_and_unknown_without_a_window_or_an_arrival() {
    let null = Value::Null;
    check(
        vec![plain(), arrived(1, 615), arrived(2, 1_216), over()],
        &[
            ("pickups_on_time", json!(1)),
            ("picked_up_at", at(615)),
            ("deliveries_on_time", json!(0)),
            ("deliveries_late", json!(1)),
            ("delivered_at", at(1_216)),
            ("closed_at", at(30)),
        ],
    );
    check(
        vec![plain(), arrived(2, 1_200), over()],
        &[
            ("pickups_timed", json!(0)),
            ("pickups_unknown", json!(1)),
            ("picked_up_at", at(20)),
        ],
    );
    let many = vec![
        stop(1, StopKind::Pickup, Some(600)),
        stop(2, StopKind::Pickup, None),
        stop(3, StopKind::Delivery, Some(1_200)),
    ];
    check(
        vec![created(many.clone()), arrived(1, 500)],
        &[("picked_up_at", null.clone()), ("pickups_timed", null.clone())],
    );
    check(
        vec![created(many), arrived(1, 500), arrived(2, 700)],
        &[
            ("picked_up_at", at(700)),
            ("pickups_timed", json!(1)),
            ("pickups_on_time", json!(1)),
            ("pickups_unknown", json!(1)),
        ],
    );
    check(
        vec![plain(), arrived(1, 615), cancelled()],
        &[
            ("picked_up_at", null.clone()),
            ("pickups_timed", null.clone()),
            ("closed_at", at(20)),
        ],
    );
    let gone = Event::VisitWithdrawn {
        stop: 1,
        what: "arrival".to_owned(),
    };
    check(vec![plain(), arrived(1, 615), gone], &[("picked_up_at", null)]);
}

#[test]
fn only_what_people_do_is_a_touch() {
    let others = [ActorKind::Client, ActorKind::Playbook, ActorKind::System].map(touched);
    let mut story = vec![plain(), touched(ActorKind::Person), touched(ActorKind::Person)];
    story.extend(others);
    check(story, &[("touches", json!(2))]);
}

#[test]
fn figures_divide_and_say_when_there_is_nothing_to_divide_by() {
    let share = named("on_time_pickup").unwrap();
    assert_eq!(share.figure(3, Some(4)).value, Some(0.75));
    assert_eq!(share.figure(0, Some(0)).value, None);
    let minutes = Figure {
        value: Some(45.0),
        numerator: 90.0,
        denominator: Some(2),
    };
    assert_eq!(named("time_to_cover").unwrap().figure(5_400, Some(2)), minutes);
    assert_eq!(named("open_exceptions").unwrap().figure(7, None).value, Some(7.0));
}

#[test]
fn a_period_has_one_of_its_length_before_it() {
    let day = Period::new(minute(0), minute(60)).unwrap();
    assert_eq!(day.before(), Period::new(minute(-60), minute(0)).unwrap());
    assert_eq!(Period::new(minute(1), minute(1)), None);
    assert_eq!(Period::new(Timestamp::MIN, minute(1)), None);
}

#[test]
fn every_kpi_has_a_name_of_its_own_and_a_list_behind_it() {
    let mut names: Vec<&str> = CATALOGUE.iter().map(|it| it.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CATALOGUE.len());
    let counted = |it: &Kpi| it.parts.first().map(|(part, _)| *part) == Some(Part::Counted);
    assert!(CATALOGUE.iter().all(counted));
}

#[test]
fn the_page_about_kpis_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/KPI.md");
    let now = document();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == now,
        "docs/KPI.md is not what the code says; run this test with UPDATE=1"
    );
}
