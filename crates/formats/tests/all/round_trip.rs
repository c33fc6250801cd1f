//! What is written reads back as what was meant, whatever is in it.

use crate::support::{CONTEXT, plain};
use jiff::Timestamp;
use proptest::prelude::*;
use signalbox_formats::x12::{self, Address, Envelope, Purpose, Reply990, Status, Tender};
use signalbox_formats::{decode, json};
use signalbox_model::answer::Answer;
use signalbox_model::attempt::{Attempt, MilestoneAttempt, OrderAttempt, OrderPurpose, StatusAttempt};
use signalbox_model::directory::SourceFormat;
use signalbox_model::id::OfferId;
use signalbox_model::load::{
    Contact, Equipment, EquipmentKind, Goods, Load, Location, Priority, Shipment, Stop, StopKind,
};
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::tender::{Offer, OfferState, RespondByBasis};
use signalbox_model::value::{ExternalId, Moment, Money, TimeBasis, TimeWindow, Weight};

const SITES: [(&str, &str, &str); 7] = [
    ("US", "ME", "America/New_York"),
    ("US", "TX", "America/Chicago"),
    ("US", "AZ", "America/Phoenix"),
    ("US", "CA", "America/Los_Angeles"),
    ("CA", "NL", "America/St_Johns"),
    ("CA", "SK", "America/Regina"),
    ("US", "HI", "Pacific/Honolulu"),
];

fn moment(zone: &'static str) -> impl Strategy<Value = Moment> {
    (29_000_000i64..31_000_000).prop_map(move |minute| Moment {
        at: Timestamp::from_second(minute * 60).unwrap(),
        zone: zone.to_owned(),
        basis: TimeBasis::Stated,
    })
}

fn window(zone: &'static str, from: i64) -> impl Strategy<Value = TimeWindow> {
    (moment(zone), 0i64..2_000).prop_map(move |(base, length)| {
        // Pickups lie before deliveries, whatever is drawn.
        let at = |minutes: i64| {
            let second = 1_740_000_000 + from + base.at.as_second() % 100_000 / 60 * 60 + minutes * 60;
            Moment {
                at: Timestamp::from_second(second).unwrap(),
                ..base.clone()
            }
        };
        TimeWindow {
            earliest: Some(at(0)),
            latest: Some(at(length)),
        }
    })
}

fn stop(kind: StopKind, text: &'static str) -> impl Strategy<Value = Stop> {
    let from = if kind == StopKind::Delivery { 400_000 } else { 0 };
    (prop::sample::select(&SITES[..]), prop::collection::vec(text, 6)).prop_flat_map(
        move |((country, region, zone), words)| {
            (window(zone, from), 1i64..50_000).prop_map(move |(window, pounds)| {
                let personal = |at: usize| Some(Personal::plain(words[at].clone(), Taint::Partner));
                Stop {
                    sequence: 0,
                    kind,
                    location: Location {
                        name: words[0].clone(),
                        code: None,
                        address: vec![words[1].clone()],
                        // A stop with neither city nor name is nowhere, and its reader says so.
                        city: format!("N{}", words[2]),
                        region: region.to_owned(),
                        postal_code: "04401".to_owned(),
                        country: country.to_owned(),
                        zone: Some(zone.to_owned()),
                        coordinates: None,
                    },
                    window,
                    contacts: vec![Contact {
                        name: personal(3),
                        phone: personal(4),
                        email: personal(5),
                    }],
                    references: vec![ExternalId::new("A", "pickup_number", "PU-1")],
                    weight: Some(x12_pounds(pounds)),
                    pieces: Some(pounds % 100),
                }
            })
        },
    )
}

fn x12_pounds(pounds: i64) -> Weight {
    Weight {
        grams: (pounds * 453_592_370 + 500_000) / 1_000_000,
        original: format!("{pounds} L"),
    }
}

fn order(text: &'static str) -> impl Strategy<Value = OrderAttempt> {
    let pickups = prop::collection::vec(stop(StopKind::Pickup, text), 1..3);
    let deliveries = prop::collection::vec(stop(StopKind::Delivery, text), 1..4);
    let rate = 0i64..10_000_000;
    (pickups, deliveries, "[A-Z0-9]{1,30}", rate, moment("UTC"), text).prop_map(
        |(pickups, deliveries, reference, rate, by, note)| {
            let mut stops: Vec<Stop> = pickups.into_iter().chain(deliveries).collect();
            stops
                .iter_mut()
                .zip(1..)
                .for_each(|(stop, sequence)| stop.sequence = sequence);
            OrderAttempt {
                purpose: OrderPurpose::Original,
                customer: "SHIPPER".to_owned(),
                external_ids: vec![ExternalId::new("SHIPPER", "shipment_id", &reference)],
                reference,
                stops,
                goods: vec![Goods {
                    description: note.clone(),
                    pieces: Some(3),
                    weight: Some(x12_pounds(77)),
                }],
                weight: Some(x12_pounds(1_234)),
                pieces: Some(12),
                equipment: Equipment {
                    kind: EquipmentKind::Reefer,
                    code: Some("RT".to_owned()),
                },
                rate: Some(Money::usd(rate)),
                respond_by: Some(by),
                priority: if rate % 2 == 0 {
                    Priority::High
                } else {
                    Priority::Normal
                },
                bill_to: None,
                notes: vec![Personal::plain(note, Taint::Partner)],
            }
        },
    )
}

fn address(id: &str) -> Address {
    Address {
        qualifier: "ZZ".to_owned(),
        id: id.to_owned(),
    }
}

/// The order as we would offer it to a carrier.
fn offered(order: &OrderAttempt, purpose: Purpose) -> String {
    let load = Load {
        id: "load_1".into(),
        order: "ord_1".into(),
        shipment: "shp_1".into(),
        reference: order.reference.clone(),
        stops: order.stops.clone(),
        equipment: order.equipment.clone(),
        rate: None,
        respond_by: None,
        priority: order.priority,
    };
    let shipment = Shipment {
        id: "shp_1".into(),
        order: "ord_1".into(),
        goods: order.goods.clone(),
        weight: order.weight.clone(),
        pieces: order.pieces,
    };
    let offer = Offer {
        id: "off_01kavxq3m00000000000000042".into(),
        tender: "tdr_1".into(),
        carrier: "par_1".into(),
        scac: "LNHL".to_owned(),
        rank: 1,
        rate: order.rate.clone().unwrap(),
        respond_by: order.respond_by.as_ref().unwrap().at,
        respond_by_basis: RespondByBasis::Default,
        state: OfferState::Open,
    };
    let (us, them) = (address("SHIPPER"), address("LNHL"));
    let now = Timestamp::from_second(1_763_856_000).unwrap();
    let envelope = Envelope {
        sender: &us,
        receiver: &them,
        control_number: 17,
        now,
        test: true,
    };
    let tender = Tender {
        purpose,
        load: &load,
        shipment: Some(&shipment),
        offer: &offer,
        notes: &order.notes,
        open: &plain,
    };
    let text = x12::tender(&envelope, &tender).unwrap();
    assert_eq!(text.find('~'), Some(105), "an ISA has 106 characters");
    text
}

fn only(text: &str) -> Attempt {
    let decoded = decode(SourceFormat::X12, text.as_bytes(), &CONTEXT);
    assert_eq!(decoded.issues, [], "{text}");
    let [decoding] = decoded.decodings.as_slice() else {
        panic!("{text}")
    };
    assert_eq!(decoding.issues, [], "{text}");
    decoding.attempt.clone().unwrap()
}

fn only_order(text: &str) -> OrderAttempt {
    let Attempt::Order(order) = only(text) else {
        panic!("{text}")
    };
    *order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tender_reads_back_as_it_was_meant(order in order("[A-Z][A-Z0-9]{1,14}( [A-Z0-9]{2,8})?")) {
        let read = only_order(&offered(&order, Purpose::Offer));
        let offer = ExternalId::new("SHIPPER", "customer_reference", "OFF_01KAVXQ3M00000000000000042");
        let mut ids = order.external_ids.clone();
        ids.push(offer);
        if order.priority == Priority::High {
            ids.push(ExternalId::new("SHIPPER", "x12_xe", "1"));
        }
        prop_assert_eq!(&read.external_ids, &ids);
        let mut meant = OrderAttempt { external_ids: ids, ..order };
        // References are named by whoever sends them.
        meant.stops.iter_mut().flat_map(|it| &mut it.references).for_each(|it| it.system = "SHIPPER".to_owned());
        prop_assert_eq!(read, meant);
    }

    #[test]
    fn no_text_breaks_a_tender(order in order("\\PC{0,120}")) {
        let read = only_order(&offered(&order, Purpose::Offer));
        prop_assert_eq!(&read.reference, &order.reference);
        let windows = |it: &OrderAttempt| it.stops.iter().map(|it| it.window.clone()).collect::<Vec<_>>();
        prop_assert_eq!(windows(&read), windows(&order));
        let withdrawn = only_order(&offered(&order, Purpose::Withdraw));
        prop_assert_eq!(withdrawn.purpose, OrderPurpose::Cancel);
        prop_assert_eq!(withdrawn.reference, order.reference);
    }

    #[test]
    fn a_json_order_reads_back_as_it_was_meant(order in order("[A-Za-z0-9é][a-z \"\\\\/]{0,20}[a-z]")) {
        let body = json::order_body(&order, &plain).to_string();
        let decoded = decode(SourceFormat::Json, body.as_bytes(), &CONTEXT);
        prop_assert_eq!(&decoded.decodings[0].issues, &vec![]);
        prop_assert_eq!(decoded.decodings[0].attempt.clone().unwrap(), Attempt::Order(Box::new(order)));
    }
}

fn envelope<'a>(us: &'a Address, them: &'a Address) -> Envelope<'a> {
    let now = Timestamp::from_second(1_763_856_000).unwrap();
    Envelope {
        sender: us,
        receiver: them,
        control_number: 18,
        now,
        test: true,
    }
}

#[test]
fn an_answer_reads_back_as_it_was_meant() {
    let (carrier, us) = (address("LNHL"), address("SIGNALBOX"));
    let offer = OfferId("off_01kavxq3m00000000000000042".to_owned());
    for answer in [Answer::Accept, Answer::Decline, Answer::Conditional] {
        let sent = Reply990 {
            scac: "LNHL",
            reference: "BRK-1",
            offer: Some(&offer),
            answer,
            reason: Some("NO TRUCK"),
            note: Some("ASK*AGAIN~ LATER"),
        };
        let Attempt::Answer(read) = only(&x12::answer(&envelope(&carrier, &us), &sent).unwrap()) else {
            panic!()
        };
        assert_eq!(
            (read.answer, read.carrier.as_str(), read.reference.as_str()),
            (answer, "LNHL", "BRK-1")
        );
        assert_eq!(
            (read.offer.as_ref(), read.reason.as_deref()),
            (Some(&offer), Some("NO TRUCK"))
        );
        assert_eq!(read.note.as_ref().and_then(plain).as_deref(), Some("ASK AGAIN LATER"));
    }
}

#[test]
fn a_status_reads_back_as_it_was_meant() {
    let (carrier, us) = (address("LNHL"), address("SIGNALBOX"));
    let milestone = |status: &str, reason: &str, second: i64, stop| MilestoneAttempt {
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        occurred: Some(Moment {
            at: Timestamp::from_second(second).unwrap(),
            zone: "America/New_York".to_owned(),
            basis: TimeBasis::Stated,
        }),
        city: Some("BANGOR".to_owned()),
        region: Some("ME".to_owned()),
        stop_sequence: stop,
        equipment: None,
    };
    // The second hour of a clock set back, told from the first.
    let milestones = vec![
        milestone("X3", "NS", 1_793_512_800, Some(1)),
        milestone("AB", "NA", 1_793_516_400, None),
    ];
    let status = StatusAttempt {
        carrier: "LNHL".to_owned(),
        reference: "BRK-1".to_owned(),
        milestones,
    };
    let text = x12::status(
        &envelope(&carrier, &us),
        &Status {
            pro: Some("PRO1"),
            status: &status,
        },
    )
    .unwrap();
    assert_eq!(only(&text), Attempt::Status(status), "{text}");
}

#[test]
fn every_sender_is_owed_an_acknowledgement_that_reads_back() {
    let now = Timestamp::from_second(1_763_856_000).unwrap();
    let told = |name: &str| {
        let decoded = crate::support::read_sample(name);
        let replies = decoded.replies.iter().map(|it| {
            let text = x12::reply(&it.x12, 900, now).unwrap();
            let again = decode(SourceFormat::X12, text.as_bytes(), &CONTEXT);
            assert_eq!(again.issues, [], "{text}");
            assert_eq!(again.replies, [], "an acknowledgement is never acknowledged");
            crate::support::summary(&again)
        });
        replies.collect::<String>()
    };
    expect_test::expect![[r#"
        from SIGNALBOX to BRACKENRIDGE #000000900
        acknowledgement at interchange 000000900
          SIGNALBOX TA1 #101 accepted: interchange A
        from SIGNALBOX to BRACKENRIDGE #000000900
        acknowledgement at interchange 000000900, group 900, 997 0001
          SIGNALBOX SM #101 accepted: accepted; 204 0001; A
    "#]]
    .assert_eq(&told("204.edi"));
    expect_test::expect![[r#"
        from SIGNALBOX to BRACKENRIDGE #000000900
        acknowledgement at interchange 000000900
          SIGNALBOX TA1 #111 accepted: interchange E; note 021
        from SIGNALBOX to BRACKENRIDGE #000000900
        acknowledgement at interchange 000000900, group 900, 997 0001
          SIGNALBOX SM #111 accepted: accepted, errors noted; 204 0001; E 4
    "#]]
    .assert_eq(&told("bad/miscounted.edi"));
    expect_test::expect![[r#"
        from SIGNALBOX to BRACKENRIDGE #000000900
        acknowledgement at interchange 000000900, group 900, 997 0001
          SIGNALBOX SM #112 not accepted: partly accepted; 850 0001; R 1; 204 0002; A
    "#]]
    .assert_eq(&told("bad/unknown_set.edi"));
    expect_test::expect![[r#"
        from SIGNALBOX to BRACKENRIDGE #000000900
        acknowledgement at interchange 000000900
          SIGNALBOX TA1 #110 accepted: interchange E; note 023
        from SIGNALBOX to BRACKENRIDGE #000000900
        acknowledgement at interchange 000000900, group 900, 997 0001
          SIGNALBOX SM #110 not accepted: partly accepted; 204 0001; A; 204 0002; R 2
    "#]]
    .assert_eq(&told("bad/truncated.edi"));
    expect_test::expect![[r#"
        from SIGNALBOX to BRACKENRIDGE #000000900
        acknowledgement at interchange 000000900, group 900, 997 0001
          SIGNALBOX SM #118 accepted: accepted, errors noted; 204 0001; G62 segment 4; element 2 code 8 20261399; G62 segment 6; element 4 code 9 2590; G62 segment 7; element 5 code 7 QQ; L3 segment 21; element 5 code 6 12X5; E 5
    "#]].assert_eq(&told("bad/bad_dates.edi"));
    expect_test::expect![[r#""#]].assert_eq(&told("997.edi"));
}
