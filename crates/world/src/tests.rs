use super::*;
use crate::hours::{DRIVING_S, HOUR_S, REST_S};
use serde_json::json;
use signalbox_formats::{Context, decode};
use signalbox_model::attempt::Attempt;
use signalbox_model::directory::SourceFormat;
use signalbox_model::document::{Condition, Proof};
use signalbox_model::position::Coordinates;

fn settings(seed: u64, climate: Climate) -> Settings {
    Settings {
        seed,
        start: "2026-01-05T06:00:00Z".parse().unwrap(),
        climate,
        orders_an_hour: 8.0,
        webhook: None,
        domain: "acme.example".to_owned(),
    }
}

/// Lives with a dispatcher who asks the best-ranked carriers of each order's lane at once, one after the other, as if by file.
fn live(world: &mut World, hours: i64) -> Vec<Said> {
    let start = world.settings.start;
    let mut all = Vec::new();
    for minute in 0..hours * 60 {
        let now = start + jiff::SignedDuration::from_mins(minute);
        let said = world.advance(now);
        for order in said.iter().filter_map(as_order) {
            let region = |place: usize| order.stops[place].location.region.clone();
            let lane = world.lanes.iter().find(|it| {
                let of = |site: usize| CITIES[world.sites[site].city].region;
                of(it.from) == region(0) && of(it.to) == region(1)
            });
            let Some(carrier) = lane.and_then(|it| it.guide.first()).map(|it| it.0) else {
                continue;
            };
            let scac = world.carriers[carrier].scac.clone();
            let offered = offer_file(&scac, &order);
            world.hear_file(&scac, offered.as_bytes());
        }
        all.extend(said);
    }
    all
}

fn read(said: &Said) -> Vec<Attempt> {
    let format = match &said.door {
        Door::Edi => SourceFormat::X12,
        Door::Json => SourceFormat::Json,
        Door::Telematics => SourceFormat::Telematics,
        Door::Email => SourceFormat::Email,
        Door::Upload { .. } => return Vec::new(), // A form, no message.
    };
    let decoded = decode(format, said.body.as_bytes(), &Context::default());
    let issues = decoded
        .issues
        .iter()
        .chain(decoded.decodings.iter().flat_map(|it| &it.issues));
    let issues: Vec<_> = issues.collect();
    assert!(issues.is_empty(), "{issues:?}\n{}", said.body);
    decoded.decodings.into_iter().filter_map(|it| it.attempt).collect()
}

fn as_order(said: &Said) -> Option<signalbox_model::attempt::OrderAttempt> {
    if !matches!(said.door, Door::Edi | Door::Json) {
        return None;
    }
    read(said).into_iter().find_map(|it| match it {
        Attempt::Order(order) => Some(*order),
        _ => None,
    })
}

/// The order passed on as a 204 with the same stops.
fn offer_file(scac: &str, order: &signalbox_model::attempt::OrderAttempt) -> String {
    let utc = |at: &signalbox_model::value::Moment| at.at.strftime("%Y%m%d*%H%M").to_string();
    let stop = |place: usize, reason: &str, party: &str| {
        let stop = &order.stops[place];
        let (qualifier, kind, at) = match (&stop.window.earliest, &stop.window.latest) {
            (Some(opens), _) => ("37", "I", utc(opens)),
            (None, Some(due)) => ("54", "L", utc(due)),
            (None, None) => panic!("a stop without a window"),
        };
        let (date, time) = at.split_once('*').unwrap();
        let location = &stop.location;
        format!(
            "S5*{}*{reason}~G62*{qualifier}*{date}*{kind}*{time}*UT~N1*{party}*X*93*{}~N4*{}*{}*{}*US~",
            place + 1,
            location.code.as_deref().unwrap(),
            location.city,
            location.region,
            location.postal_code
        )
    };
    let body = format!(
        "B2**{scac}**{}**PP~B2A*00*LT~{}{}",
        order.reference,
        stop(0, "CL", "SF"),
        stop(1, "CU", "ST")
    );
    let count = body.matches('~').count() + 2;
    format!(
        "ISA*00*          *00*          *ZZ*SIGNALBOX      *02*{scac:<15}*260105*0600*U*00401*000000001*0*P*>~\
         GS*SM*SIGNALBOX*{scac}*20260105*0600*1*X*004010~ST*204*0001~{body}SE*{count}*0001~GE*1*1~IEA*1*000000001~"
    )
}

#[test]
fn the_same_seed_says_the_same_and_another_does_not() {
    let day = |seed| live(&mut World::new(settings(seed, Climate::Ordinary)), 10);
    let one = day(7);
    assert!(one.len() > 500, "{}", one.len());
    assert_eq!(one, day(7));
    assert_ne!(one, day(8));
}

#[test]
fn how_often_it_is_asked_changes_nothing() {
    let orders = |minutes: usize| {
        let mut world = World::new(settings(3, Climate::Ordinary));
        let start = world.settings.start;
        let instants = (0..=360)
            .step_by(minutes)
            .map(|it| start + jiff::SignedDuration::from_mins(it as i64));
        instants.flat_map(|it| world.advance(it)).collect::<Vec<_>>()
    };
    assert_eq!(orders(1), orders(60));
}

#[test]
fn everything_said_is_read_without_an_issue() {
    let said = live(&mut World::new(settings(7, Climate::Storm)), 24);
    let (mut orders, mut answers, mut positions, mut acknowledged, mut mails) = (0, 0, 0, 0, 0);
    let mut proofs: Vec<Proof> = Vec::new();
    let mut milestones: BTreeMap<String, usize> = BTreeMap::new();
    for attempt in said.iter().flat_map(read) {
        match attempt {
            Attempt::Order(_) => orders += 1,
            Attempt::Answer(_) => answers += 1,
            Attempt::Positions(read) => positions += read.len(),
            Attempt::Status(status) => {
                for milestone in status.milestones {
                    *milestones.entry(milestone.status).or_default() += 1;
                }
            }
            Attempt::Acknowledgement(it) => acknowledged += usize::from(it.accepted),
            Attempt::Mail(_) => mails += 1,
            Attempt::Document(it) => proofs.extend(it.proof),
            other => panic!("nobody says this: {other:?}"),
        }
    }
    assert!((180..=200).contains(&orders), "{orders}");
    assert!(answers > 80 && positions > 20_000, "{answers} {positions}");
    assert!(acknowledged > 80 && mails > 3, "{acknowledged} {mails}");
    assert!(
        proofs.iter().any(|it| it.signer.is_some() && it.pieces.is_some()),
        "{proofs:?}"
    );
    for status in ["XB", "X3", "AF", "X1", "D1", "SD", "AG"] {
        assert!(milestones.contains_key(status), "no {status} in {milestones:?}");
    }
}

#[test]
fn trucks_neither_jump_nor_drive_past_their_hours() {
    let mut world = World::new(settings(11, Climate::Ordinary));
    let mut tracks: BTreeMap<String, Vec<(i64, Coordinates)>> = BTreeMap::new();
    for attempt in live(&mut world, 40).iter().flat_map(read) {
        let Attempt::Positions(positions) = attempt else {
            continue;
        };
        for it in positions {
            let name = it.name.clone().unwrap_or(it.vehicle);
            tracks
                .entry(name)
                .or_default()
                .push((it.at.as_second(), it.coordinates));
        }
    }
    assert!(tracks.len() > 20, "{}", tracks.len());
    let point = |it: Coordinates| map::Point {
        north: it.latitude_deg(),
        east: it.longitude_deg(),
    };
    for (name, mut track) in tracks {
        track.sort_by_key(|it| it.0);
        track.dedup_by_key(|it| it.0);
        let (mut driven_s, mut still_s) = (0, 0);
        for pair in track.windows(2) {
            let [(from_s, from), (to_s, to)] = pair else { continue };
            let (seconds, km) = (to_s - from_s, point(*from).km_to(point(*to)));
            // 110 km/h, and the error of two receivers.
            assert!(
                km <= seconds as f64 / 3_600.0 * 110.0 + 0.06,
                "{name}: {km} km in {seconds} s"
            );
            if km > 0.2 && seconds < 300 {
                (driven_s, still_s) = (driven_s + seconds, 0);
            } else {
                still_s += seconds;
            }
            if still_s >= REST_S - 300 {
                driven_s = 0;
            }
            assert!(driven_s <= DRIVING_S + 600, "{name} has driven {} h", driven_s / HOUR_S);
        }
    }
}

#[test]
fn a_storm_makes_deliveries_later() {
    let arrived = |climate| {
        let said = live(&mut World::new(settings(5, climate)), 30);
        let statuses = said.iter().filter(|it| it.door == Door::Edi).flat_map(read);
        let count = |wanted: &str, attempts: &[Attempt]| {
            let of = |it: &Attempt| match it {
                Attempt::Status(status) => status.milestones.iter().filter(|it| it.status == wanted).count(),
                _ => 0,
            };
            attempts.iter().map(of).sum::<usize>()
        };
        let attempts: Vec<Attempt> = statuses.collect();
        (count("X1", &attempts), count("SD", &attempts))
    };
    let (ordinary, storm) = (arrived(Climate::Ordinary), arrived(Climate::Storm));
    assert!(storm.0 < ordinary.0, "{storm:?} {ordinary:?}");
    assert!(storm.1 > ordinary.1, "{storm:?} {ordinary:?}");
}

#[test]
fn names_are_unique() {
    let world = World::new(settings(1, Climate::Ordinary));
    let mut ids: Vec<_> = world.partners().into_iter().map(|it| it.id).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), count), (SHIPPERS + CARRIERS + 2, SHIPPERS + CARRIERS + 2));
    let mut names: Vec<_> = world.trucks.iter().map(|it| &it.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), world.trucks.len());
}

#[test]
fn the_stories_can_be_told_again_and_again() {
    let mut world = World::new(settings(7, Climate::Ordinary));
    assert_eq!(world.storm_over_a_truck(), None);
    live(&mut world, 14);
    let (one, other) = (world.storm_over_a_truck().unwrap(), world.storm_over_a_truck().unwrap());
    assert_ne!(one.reference, other.reference);
    assert_ne!(world.order_for_a_silent_carrier(), world.order_for_a_silent_carrier());
    let spoilt = world.spoilt_order().unwrap();
    let said = world.advance(world.next_step());
    let order = said.iter().find(|it| it.body.contains(&spoilt.reference)).unwrap();
    let body = &order.body;
    let decoded = decode(SourceFormat::Json, body.as_bytes(), &Context::default());
    let issues: Vec<_> = decoded.decodings.iter().flat_map(|it| &it.issues).collect();
    assert!(issues.iter().any(|it| it.at == "/purpose"), "{issues:?}");
    let mended = body.replace("\"NEW\"", "\"original\"");
    assert!(
        !read(&Said {
            body: mended,
            ..order.clone()
        })
        .is_empty()
    );
}

/// A world in which so many loads were just delivered.
fn delivered(count: usize) -> World {
    let mut world = World::new(settings(7, Climate::Ordinary));
    let haul = Haul {
        carrier: 3,
        truck: 0,
        from: (0, CITIES[0].at),
        to: (1, CITIES[1].at),
        opens_s: 0,
        due_s: None,
        pieces: Some(20),
        stage: haul::Stage::Unloading { until_s: 0 },
    };
    for place in 0..count {
        world.sign(&format!("LOAD-{place:03}"), &haul);
    }
    world
}

#[test]
fn proofs_come_whole_or_not_late_or_never() {
    let mut world = delivered(300);
    let soon = world.advance(world.settings.start + jiff::SignedDuration::from_hours(3));
    let late = world.advance(world.settings.start + jiff::SignedDuration::from_hours(24));
    let proofs = |said: &[Said]| -> Vec<Proof> {
        let papers = said.iter().filter(|it| it.body.contains("\"proof_of_delivery\""));
        let read = papers.flat_map(read).filter_map(|it| match it {
            Attempt::Document(document) => document.proof,
            _ => None,
        });
        read.collect()
    };
    let (soon, late) = (proofs(&soon), proofs(&late));
    let lacks = soon
        .iter()
        .filter(|it| it.signer.is_none() || it.pieces.is_none())
        .count();
    let short = soon
        .iter()
        .filter(|it| it.condition == Some(Condition::Exception))
        .count();
    let counts = (soon.len(), lacks, short, late.len());
    assert!(
        (210..270).contains(&counts.0) && (15..45).contains(&counts.1),
        "{counts:?}"
    );
    assert!(
        (5..30).contains(&counts.2) && (15..55).contains(&counts.3),
        "{counts:?}"
    );
    assert!(soon.len() + late.len() < 295, "{counts:?}");
}

#[test]
fn whoever_is_asked_for_a_proof_uploads_it_or_says_nothing() {
    let mut world = delivered(60);
    world.later.clear();
    let path = "/api/v1/loads/load_1/documents";
    let ask = |data: serde_json::Value| json!({"type": "dispatch.document.requested", "data": data});
    for reference in world.papers.keys().cloned().collect::<Vec<_>>() {
        world.hear_webhook(&ask(json!({"reference": reference, "number": 1, "upload_url": path})));
        // Where a stranger would have it sent.
        world.hear_webhook(&ask(
            json!({"reference": reference, "upload_url": "https://elsewhere.example/"}),
        ));
    }
    // Of a load that nobody here has hauled.
    world.hear_webhook(&ask(json!({"reference": "NOBODYS-1", "upload_url": path})));
    let uploads: Vec<&Said> = world.later.values().collect();
    assert!((36..60).contains(&uploads.len()), "{}", uploads.len());
    for it in uploads {
        assert_eq!(it.door.path(), path);
        assert!(matches!(it.voice, Voice::Driver(_)) && it.body.contains("%PDF-1.4") && it.body.contains("\"signer\""));
    }
}

#[test]
fn customers_answer_letters_of_their_own_loads_alone() {
    let mut world = World::new(settings(7, Climate::Ordinary));
    live(&mut world, 6);
    let references: Vec<String> = world.customers.keys().cloned().collect();
    let letter = |domain: &str, reference: &str| {
        format!(
            "From: dispatch@signalbox.example\r\nTo: <receiving@ship0001.{domain}>\r\nSubject: Load {reference} will be late\r\n\r\nDear ..."
        )
    };
    for reference in &references {
        world.hear_letter(&letter("acme.example", reference));
        world.hear_letter(&letter("other.example", reference));
    }
    world.hear_letter(&letter("acme.example", "NOBODYS-1"));
    let waits = world
        .later
        .values()
        .filter(|it| it.door == Door::Email && it.body.contains("receiving@"))
        .count();
    assert!(waits > 5 && waits < references.len(), "{waits} of {}", references.len());
}
