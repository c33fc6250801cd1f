//! Any order, any doubling and any grouping of the same positions leave the same standing trip and exception.

use super::fleet::{Fleet, Why};
use super::plan::Plan;
use crate::command::Command;
use crate::directory::Directory;
use crate::state::LoadState;
use crate::step::{Context, Input, Outcome, step};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use signalbox_model::attempt::{MilestoneAttempt, StatusAttempt};
use signalbox_model::directory::{Channel, Partner, PartnerRole, Site};
use signalbox_model::event::Event;
use signalbox_model::exception::Exception;
use signalbox_model::id::{LoadId, OfferId, OrderId, PartnerId, ShipmentId, TenantId, TenderId};
use signalbox_model::load::{Equipment, Load, Location, Priority, Stop, StopKind};
use signalbox_model::position::{Coordinates, PositionAttempt};
use signalbox_model::scope::{Actor, ActorKind, Role};
use signalbox_model::tender::{Offer, OfferState, RespondByBasis};
use signalbox_model::value::{Moment, Money, TimeBasis, TimeWindow};

const MILL: (f64, f64) = (44.80, -68.77);
const PRINT: (f64, f64) = (43.04, -87.91);

fn instant(hours: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-25T08:00:00Z".parse().unwrap();
    begin + SignedDuration::from_hours(hours)
}

fn stop(sequence: u32, kind: StopKind, city: &str, earliest: i64, latest: i64) -> Stop {
    let moment = |hours| {
        Some(Moment {
            at: instant(hours),
            zone: "UTC".to_owned(),
            basis: TimeBasis::Stated,
        })
    };
    Stop {
        sequence,
        kind,
        location: Location {
            name: city.to_owned(),
            city: city.to_owned(),
            region: "ME".to_owned(),
            ..Location::default()
        },
        window: TimeWindow {
            earliest: moment(earliest),
            latest: moment(latest),
        },
        contacts: Vec::new(),
        references: Vec::new(),
        weight: None,
        pieces: None,
    }
}

fn load() -> Load {
    Load {
        id: LoadId::from("load_1"),
        order: OrderId::from("ord_1"),
        shipment: ShipmentId::from("shp_1"),
        reference: "R1".to_owned(),
        stops: vec![
            stop(1, StopKind::Pickup, "Mill", 0, 4),
            stop(2, StopKind::Delivery, "Print", 47, 55),
        ],
        equipment: Equipment::default(),
        rate: None,
        respond_by: None,
        priority: Priority::Normal,
    }
}

fn directory() -> Directory {
    let mut directory = Directory::new(TenantId::from("ten_1")).unwrap();
    directory.apply(&Event::PartnerChanged {
        partner: Partner {
            id: PartnerId::from("par_jbht"),
            name: "JBHT".to_owned(),
            role: PartnerRole::Carrier {
                scac: "JBHT".to_owned(),
                channel: Channel::Webhook {
                    url: String::new(),
                    secret: String::new(),
                },
                respond_within_min: None,
                contract_rate: None,
                active: true,
            },
            aliases: Vec::new(),
            notify_email: None,
        },
    });
    for (name, at) in [("Mill", MILL), ("Print", PRINT)] {
        directory.apply(&Event::SiteChanged {
            site: Site {
                id: name.to_lowercase(),
                name: name.to_owned(),
                codes: Vec::new(),
                city: name.to_owned(),
                region: "ME".to_owned(),
                postal_code: String::new(),
                coordinates: Coordinates::new(at.0, at.1).unwrap(),
                radius_m: 500,
                zone: None,
            },
        });
    }
    directory
}

struct Stage {
    directory: Directory,
    state: LoadState,
    fleet: Fleet,
    now: Timestamp,
    turns: u32,
}

impl Stage {
    fn new() -> Self {
        let mut stage = Self {
            directory: directory(),
            state: LoadState::default(),
            fleet: Fleet::default(),
            now: instant(60),
            turns: 0,
        };
        stage.state.apply(&Event::LoadCreated { load: load() }, instant(-20));
        stage.cover();
        stage.step(Input::Command(Command::AssignVehicle {
            load: LoadId::from("load_1"),
            vehicle: "48".to_owned(),
            from: Some(instant(-10)),
        }));
        let plan = Plan::of(&stage.state);
        assert!(plan.is_some(), "a vehicle was assigned");
        if let Some(picture) = stage.fleet.follow(&LoadId::from("load_1"), plan) {
            stage.step(Input::Moved(picture));
        }
        stage
    }

    /// JBHT hauls the load.
    fn cover(&mut self) {
        let (offer, carrier) = (OfferId::from("off_1"), PartnerId::from("par_jbht"));
        let offered = Offer {
            id: offer.clone(),
            tender: TenderId::from("tdr_1"),
            carrier: carrier.clone(),
            scac: "JBHT".to_owned(),
            rank: 1,
            rate: Money::usd(1),
            respond_by: instant(-19),
            respond_by_basis: RespondByBasis::Message,
            state: OfferState::Accepted,
        };
        self.state.apply(&Event::OfferProposed { offer: offered }, instant(-20));
        let rate = Money::usd(1);
        self.state
            .apply(&Event::LoadCovered { carrier, offer, rate }, instant(-20));
    }

    fn step(&mut self, input: Input) -> Vec<Event> {
        self.turns += 1;
        let cause = format!("turn {}", self.turns);
        let actor = Actor {
            kind: ActorKind::Person,
            name: "dana".to_owned(),
            roles: vec![Role::Dispatcher],
        };
        let context = Context {
            now: self.now,
            actor: &actor,
            directory: &self.directory,
            cause: &cause,
        };
        let reaction = step(&mut self.state, input, &context);
        assert!(
            !matches!(reaction.outcome, Outcome::Rejected { .. }),
            "{:?}",
            reaction.outcome
        );
        reaction.events
    }

    fn message(&mut self, positions: &[PositionAttempt]) -> Vec<Event> {
        let taken = self.fleet.take(positions, None, self.now);
        let moved = taken.moved.into_iter();
        moved
            .flat_map(|(_, picture)| self.step(Input::Moved(picture)))
            .collect()
    }

    /// The carrier that hauls the load says something of a stop.
    fn status(&mut self, code: &str, stop: u32, minute: i64) {
        let milestone = MilestoneAttempt {
            status: code.to_owned(),
            reason: None,
            occurred: Some(Moment {
                at: instant(0) + SignedDuration::from_mins(minute),
                zone: "UTC".to_owned(),
                basis: TimeBasis::Stated,
            }),
            city: None,
            region: None,
            stop_sequence: Some(stop),
            equipment: None,
        };
        self.step(Input::Status(StatusAttempt {
            carrier: "JBHT".to_owned(),
            reference: "R1".to_owned(),
            milestones: vec![milestone],
        }));
        let plan = Plan::of(&self.state);
        if let Some(picture) = self.fleet.follow(&LoadId::from("load_1"), plan) {
            self.step(Input::Moved(picture));
        }
    }

    fn standing(&self) -> (super::standing::Standing, Vec<Exception>) {
        let open = self.state.open_exceptions().cloned().collect();
        (self.state.trip.clone(), open)
    }
}

fn ping(minute: i64, (latitude, longitude): (f64, f64), speed_kmh: u16) -> PositionAttempt {
    PositionAttempt {
        vehicle: "48".to_owned(),
        name: None,
        at: instant(0) + SignedDuration::from_mins(minute),
        coordinates: Coordinates::new(latitude, longitude).unwrap(),
        speed_kmh: Some(speed_kmh),
        heading_deg: None,
        accuracy_m: None,
    }
}

/// A share of the way from mill to print.
fn along(share: f64) -> (f64, f64) {
    let between = |from: f64, to: f64| from + (to - from) * share;
    (between(MILL.0, PRINT.0), between(MILL.1, PRINT.1))
}

/// A whole trip: loading, driving with halts, wrong fixes here and there, perhaps arrival.
fn trip(pace: f64, halts: &[u8], wrong: &[u16]) -> Vec<PositionAttempt> {
    let mut pings = Vec::new();
    for minute in 0..12 {
        pings.push(ping(minute * 5, MILL, 0));
    }
    let mut share: f64 = 0.0;
    for (step, minute) in (60..3_300).step_by(15).enumerate() {
        let halted = halts.contains(&((step % 40) as u8));
        if !halted {
            share += pace;
        }
        let fix = match wrong.contains(&(step as u16)) {
            true => (10.0 + step as f64 / 10.0, -40.0),
            false => along(share.min(1.0)),
        };
        pings.push(ping(minute, fix, if halted || share >= 1.0 { 0 } else { 90 }));
    }
    pings
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_order_leaves_the_same_trip(
        pace in 0.003_f64..0.015,
        halts in proptest::collection::vec(0_u8..40, 0..12),
        wrong in proptest::collection::vec(0_u16..216, 0..8),
        keys in proptest::collection::vec(any::<u32>(), 300),
        doubled in proptest::collection::vec(any::<u16>(), 0..60),
        group in 1_usize..40,
    ) {
        let pings = trip(pace, &halts, &wrong);
        let mut in_order = Stage::new();
        for ping in &pings {
            in_order.message(std::slice::from_ref(ping));
        }
        let mut shuffled: Vec<PositionAttempt> = pings.clone();
        shuffled.extend(doubled.iter().map(|it| pings[usize::from(*it) % pings.len()].clone()));
        let mut order: Vec<usize> = (0..shuffled.len()).collect();
        order.sort_by_key(|it| (keys[*it % keys.len()].rotate_left(*it as u32 % 32), *it));
        let shuffled: Vec<PositionAttempt> = order.iter().map(|it| shuffled[*it].clone()).collect();
        let mut disordered = Stage::new();
        for message in shuffled.chunks(group) {
            disordered.message(message);
        }
        prop_assert_eq!(in_order.standing(), disordered.standing());
        // The whole lot once more changes nothing.
        prop_assert_eq!(disordered.message(&pings), Vec::new());
        let late = in_order.state.open_exceptions().count();
        prop_assert!(late <= 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Statuses of the carrier between the positions, wherever they fall, and twice.
    #[test]
    fn any_order_of_positions_and_statuses_leaves_the_same_trip(
        pace in 0.003_f64..0.015,
        halts in proptest::collection::vec(0_u8..40, 0..12),
        said in proptest::collection::vec((0_usize..4, 0_i64..3_300, 0_usize..300), 0..5),
        keys in proptest::collection::vec(any::<u32>(), 300),
        group in 1_usize..40,
    ) {
        const CODES: [(&str, u32); 4] = [("X3", 1), ("AF", 1), ("X1", 2), ("D1", 2)];
        let pings = trip(pace, &halts, &[]);
        let tell = |stage: &mut Stage, (code, minute, _): &(usize, i64, usize)| {
            let (code, stop) = CODES[*code];
            stage.status(code, stop, *minute);
        };
        let mut in_order = Stage::new();
        for (place, ping) in pings.iter().enumerate() {
            in_order.message(std::slice::from_ref(ping));
            said.iter().filter(|it| it.2 == place).for_each(|it| tell(&mut in_order, it));
        }
        said.iter().filter(|it| it.2 >= pings.len()).for_each(|it| tell(&mut in_order, it));
        let mut order: Vec<usize> = (0..pings.len()).collect();
        order.sort_by_key(|it| (keys[*it % keys.len()], *it));
        let shuffled: Vec<PositionAttempt> = order.iter().map(|it| pings[*it].clone()).collect();
        let mut disordered = Stage::new();
        said.iter().rev().for_each(|it| tell(&mut disordered, it));
        for message in shuffled.chunks(group) {
            disordered.message(message);
        }
        said.iter().for_each(|it| tell(&mut disordered, it));
        prop_assert_eq!(in_order.standing(), disordered.standing());
    }
}

#[test]
fn a_trip_in_time_raises_nothing_and_a_slow_one_raises_one() {
    let mut fast = Stage::new();
    let pings = trip(0.012, &[], &[]);
    let events: Vec<Event> = pings
        .iter()
        .flat_map(|it| fast.message(std::slice::from_ref(it)))
        .collect();
    let count = |events: &[Event], name: &str| events.iter().filter(|it| it.name() == name).count();
    assert_eq!(count(&events, "ExceptionRaised"), 0);
    assert_eq!(count(&events, "StopArrived"), 2);
    let mut slow = Stage::new();
    let pings = trip(0.004, &[], &[]);
    let events: Vec<Event> = pings
        .iter()
        .flat_map(|it| slow.message(std::slice::from_ref(it)))
        .collect();
    assert_eq!(count(&events, "ExceptionRaised"), 1);
    assert_eq!(slow.state.open_exceptions().count(), 1);
    assert!(
        count(&events, "EtaEstimated") < 80,
        "{}",
        count(&events, "EtaEstimated")
    );
}

#[test]
fn a_snapshot_brings_the_same_vehicle_back() {
    let pings = trip(0.005, &[3, 4], &[50]);
    let mut whole = Stage::new();
    let mut cut = Stage::new();
    for (place, ping) in pings.iter().enumerate() {
        whole.message(std::slice::from_ref(ping));
        cut.message(std::slice::from_ref(ping));
        if place % 70 == 69 {
            let mut again = Fleet::default();
            for key in cut.fleet.changed() {
                let text = serde_json::to_vec(&cut.fleet.snapshot(&key)).unwrap();
                let plan = Plan::of(&cut.state);
                again.restore(serde_json::from_slice(&text).unwrap(), |_| plan.clone());
            }
            cut.fleet = again;
        }
    }
    assert_eq!(whole.standing(), cut.standing());
}

#[test]
fn an_unknown_place_is_told_and_found_once_a_site_says_it() {
    let mut stage = Stage::new();
    stage.state = LoadState::default();
    stage.fleet = Fleet::default();
    let print = stage.directory.sites.remove("print").unwrap();
    stage.state.apply(&Event::LoadCreated { load: load() }, instant(-20));
    let assign = Input::Command(Command::AssignVehicle {
        load: LoadId::from("load_1"),
        vehicle: "48".to_owned(),
        from: Some(instant(-10)),
    });
    let events = stage.step(assign);
    let unplaced = events.iter().find_map(|event| match event {
        Event::TripStarted { unplaced, .. } => Some(unplaced.clone()),
        _ => None,
    });
    assert_eq!(unplaced, Some(vec![2]));
    stage.fleet.follow(&LoadId::from("load_1"), Plan::of(&stage.state));
    stage.message(&trip(0.005, &[], &[])[..40]);
    assert!(!stage.state.trip.estimates.contains_key(&2));
    stage.directory.sites.insert("print".to_owned(), print);
    let events = stage.step(Input::LookAgain);
    assert!(matches!(events.as_slice(), [Event::StopPlaced { .. }]));
    let picture = stage.fleet.follow(&LoadId::from("load_1"), Plan::of(&stage.state));
    stage.step(Input::Moved(picture.unwrap()));
    assert!(stage.state.trip.estimates.contains_key(&2));
}

#[test]
fn a_playbook_may_begin_with_a_late_risk() {
    const WORKFLOW: &str = "
document: { dsl: 1.0.3, namespace: dispatch, name: late-notice, version: 1.0.0 }
schedule: { on: { one: { with: { type: dispatch.exception.raised } } } }
input: { from: '${ .[0] }' }
do:
  - which:
      switch:
        - late: { when: '${ .exception.kind == \"late_delivery_risk\" }', then: hold }
        - other: { then: end }
  - hold:
      wait: { hours: 1 }
";
    let files = [
        (
            "manifest.yaml",
            "name: late-notice\nversion: 1.0.0\nowner: Tests\nsummary: Waits.\n",
        ),
        ("workflow.yaml", WORKFLOW),
    ];
    let mut stage = Stage::new();
    stage.directory.apply(&Event::PlaybookInstalled {
        name: "late-notice".to_owned(),
        version: "1.0.0".to_owned(),
        files: files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
    });
    assert!(stage.directory.playbooks.contains_key("late-notice"), "it was read");
    for ping in trip(0.004, &[], &[]) {
        stage.message(&[ping]);
    }
    assert_eq!(stage.state.open_exceptions().count(), 1);
    let waiting = stage.state.instances.values().filter(|it| !it.is_over()).count();
    assert_eq!((stage.state.instances.len(), waiting), (1, 1));
}

#[test]
fn a_carriers_own_key_speaks_for_its_own_vehicles_alone() {
    let mut stage = Stage::new();
    let pings = trip(0.005, &[], &[]);
    let other = PartnerId::from("par_swft");
    let refused = stage.fleet.take(&pings[..20], Some(&other), stage.now);
    assert_eq!((refused.refused_in_all, refused.moved.len()), (20, 0));
    let hauler = PartnerId::from("par_jbht");
    let taken = stage.fleet.take(&pings[..20], Some(&hauler), stage.now);
    assert_eq!((taken.refused_in_all, taken.moved.len()), (0, 1));
}

#[test]
fn two_devices_under_one_name_are_two_vehicles_and_one_device_under_two_names_is_one() {
    let mut fleet = Fleet::default();
    let named = |id: &str, name: &str, minute| PositionAttempt {
        vehicle: id.to_owned(),
        name: Some(name.to_owned()),
        ..ping(minute, MILL, 0)
    };
    fleet.take(&[named("A1", "48", 0), named("A2", "48", 1)], None, instant(1));
    assert_eq!(fleet.vehicles().count(), 2);
    fleet.take(&[named("A1", "48 new", 2), named("A1", "48", 3)], None, instant(1));
    assert_eq!(fleet.vehicles().count(), 2);
}

#[test]
fn what_is_kept_of_a_vehicle_is_bounded_and_what_comes_later_than_that_is_told() {
    let mut fleet = Fleet::default();
    let every = |minute| ping(minute, along(minute as f64 / 10_000.0), 60);
    for minute in 0..2_000 {
        let taken = fleet.take(&[every(minute)], None, instant(60));
        assert_eq!(taken.refused_in_all, 0);
    }
    let late = fleet.take(&[every(3)], None, instant(60));
    assert_eq!(late.refused[0].why, Why::TooLate);
    let (_, vehicle) = fleet.vehicles().next().unwrap();
    assert!(serde_json::to_vec(&vehicle.snapshot("48")).unwrap().len() < 60 * 1_024);
}
