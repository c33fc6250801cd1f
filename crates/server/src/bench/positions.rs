//! Positions over HTTP: 1,000 trucks on open trips, 100 positions a message, acknowledged when durable and folded while
//! the next come in. The last figure says how long after its acknowledgement a position is seen.

use super::Figures;
use super::client::Client;
use super::http::{Bed, Drive, crowd};
use super::measure::rss_mb;
use super::sink;
use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

const TRIPS: usize = 1_000;
/// A message is what a provider's feed brings: some trucks, each with its last positions.
const TRUCKS_A_MESSAGE: usize = 20;
const PINGS_A_TRUCK: usize = 5;
const PING_EVERY_S: i64 = 30;
/// Where each truck comes from and goes to.
const MILL: (f64, f64) = (44.80, -68.77);
const PRINT: (f64, f64) = (43.04, -87.91);
/// Share of the way a truck makes between two positions: 90 km/h.
const SHARE_A_PING: f64 = 0.75 / 1_550.0;
const PATIENCE: Duration = Duration::from_secs(60);
/// Rows of the board read at a time.
const PAGE: usize = 250;
const LOOK_EVERY: Duration = Duration::from_millis(2);

pub fn measure(url: Option<&str>, span: Duration, clients: usize) -> anyhow::Result<Figures> {
    let bed = Bed::make(url)?;
    let begin = Timestamp::now() - SignedDuration::from_hours(48);
    set_out(&bed, begin)?;
    let first = head(&bed)?;
    let share = TRIPS / clients.min(TRIPS);
    let (mut count, took, cpu) = crowd(
        &bed,
        Drive {
            clients: clients.min(TRIPS / TRUCKS_A_MESSAGE),
            span,
            per_second: None,
        },
        |client, reference| {
            let (number, turn) = place(reference)?;
            let body = message(number * share, share, turn, begin);
            let started = Instant::now();
            accepted(client, &body)?;
            Ok(started.elapsed())
        },
    )?;
    let lag = lag(&bed)?;
    let moved = moved(&bed)?;
    let records = head(&bed)?.saturating_sub(first);
    let positions = (TRUCKS_A_MESSAGE * PINGS_A_TRUCK) as f64;
    let figures = Figures::from([
        ("positions_per_s", count.done as f64 * positions / took.as_secs_f64()),
        ("messages_per_s", count.done as f64 / took.as_secs_f64()),
        (
            "cpu_us_per_position",
            cpu.as_secs_f64() * 1e6 / (count.done.max(1) as f64 * positions),
        ),
        ("p50_ms", count.latencies.ms(50)),
        ("p99_ms", count.latencies.ms(99)),
        ("seen_after_ms", lag.as_secs_f64() * 1_000.0),
        // Of the warm-up too, which the positions are not: rather too many than too few.
        ("records_per_message", records as f64 / count.done.max(1) as f64),
        ("trips_moved", moved as f64),
        ("rss_mb", rss_mb()),
    ]);
    bed.end();
    Ok(figures)
}

/// Orders, carriers and trucks: every load is covered and on its way.
fn set_out(bed: &Bed, begin: Timestamp) -> anyhow::Result<()> {
    let mut client = bed.client()?;
    for number in 0..TRIPS {
        let reference = format!("P{number}");
        let (sender, offered) = sync_channel(1);
        bed.sink.expect(&reference, sender);
        let created = client.post("/api/v1/orders", &order(&reference, begin)?)?;
        let created = read(created.status, 201, &created.body)?;
        let load = created["loads"][0]
            .as_str()
            .context("an order made no load")?
            .to_owned();
        let offer = offered.recv_timeout(PATIENCE).context("no offer came for an order")?;
        let answer = json!({"answer": "accept", "carrier": sink::SCAC, "vehicle": format!("truck {number}")});
        let answered = client.post(&format!("/api/v1/offers/{offer}/answer"), &answer.to_string())?;
        read(answered.status, 200, &answered.body)?;
        let assigned = json!({"vehicle": format!("truck {number}"), "from": begin});
        let assigned = client.put(&format!("/api/v1/loads/{load}/vehicle"), &assigned.to_string())?;
        read(assigned.status, 200, &assigned.body)?;
    }
    Ok(())
}

fn order(reference: &str, begin: Timestamp) -> anyhow::Result<String> {
    let mut order: Value = serde_json::from_str(&sink::order(reference))?;
    let at = |hours: i64| (begin + SignedDuration::from_hours(hours)).to_string();
    let places = [(MILL, at(0), at(4)), (PRINT, at(40), at(60))];
    let stops = order["stops"].as_array_mut().context("an order without stops")?;
    for (stop, ((latitude, longitude), earliest, latest)) in stops.iter_mut().zip(places) {
        stop["latitude"] = json!(latitude);
        stop["longitude"] = json!(longitude);
        stop["window"] = json!({"earliest": earliest, "latest": latest});
    }
    Ok(order.to_string())
}

/// `B3-17`: the third client's seventeenth turn.
fn place(reference: &str) -> anyhow::Result<(usize, i64)> {
    let parts = reference.strip_prefix('B').and_then(|it| it.split_once('-'));
    let (number, turn) = parts.context("a client's turn")?;
    Ok((number.parse()?, turn.parse()?))
}

/// The next positions of some of a client's trucks, in Samsara's shape.
fn message(first: usize, share: usize, turn: i64, begin: Timestamp) -> String {
    let groups = (share / TRUCKS_A_MESSAGE).max(1) as i64;
    let (group, round) = ((turn - 1) % groups, (turn - 1) / groups);
    let mut body = String::with_capacity(16 * 1024);
    body.push_str(r#"{"data":["#);
    for truck in 0..TRUCKS_A_MESSAGE {
        let number = first + group as usize * TRUCKS_A_MESSAGE + truck;
        let comma = if truck == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"id":"28{number:06}","name":"truck {number}","locations":["#
        );
        for ping in 0..PINGS_A_TRUCK as i64 {
            let step = round * PINGS_A_TRUCK as i64 + ping;
            let at = begin + SignedDuration::from_secs(3_600 + step * PING_EVERY_S + number as i64 % 15);
            let way = (step as f64 * SHARE_A_PING).min(1.0);
            let (latitude, longitude) = (MILL.0 + (PRINT.0 - MILL.0) * way, MILL.1 + (PRINT.1 - MILL.1) * way);
            let comma = if ping == 0 { "" } else { "," };
            let _ = write!(
                body,
                r#"{comma}{{"time":"{at}","latitude":{latitude:.6},"longitude":{longitude:.6},"heading":275,"speed":56.0}}"#
            );
        }
        body.push_str("]}");
    }
    body.push_str("]}");
    body
}

fn accepted(client: &mut Client, body: &str) -> anyhow::Result<()> {
    let accepted = client.post("/in/telematics", body)?;
    read(accepted.status, 202, &accepted.body).map(drop)
}

fn read(status: u16, wanted: u16, body: &[u8]) -> anyhow::Result<Value> {
    if status != wanted {
        bail!("a request was answered {status}: {}", String::from_utf8_lossy(body));
    }
    Ok(serde_json::from_slice(body)?)
}

/// The log's head, from the answer to a message of no consequence.
fn head(bed: &Bed) -> anyhow::Result<u64> {
    let mut client = bed.client()?;
    let body = json!({"vehicle": "nobody's", "at": Timestamp::now(), "latitude": 41.2, "longitude": -87.6});
    let answered = client.post("/in/telematics", &body.to_string())?;
    let answered = read(answered.status, 202, &answered.body)?;
    answered["seq"]
        .as_u64()
        .context("an answer without its place in the log")
}

/// Loads whose trip the positions have moved: all that left their pickup and have an estimate.
fn moved(bed: &Bed) -> anyhow::Result<usize> {
    let mut client = bed.client()?;
    let mut moved = 0;
    for offset in (0..TRIPS).step_by(PAGE) {
        let page = client.get(&format!("/api/v1/board?limit={PAGE}&offset={offset}"))?;
        let page = read(page.status, 200, &page.body)?;
        let rows = page["rows"].as_array().map_or(&[][..], Vec::as_slice);
        moved += rows.iter().filter(|it| it["row"]["trip"]["eta"].is_string()).count();
    }
    if moved == 0 {
        bail!("not one trip was moved");
    }
    Ok(moved)
}

/// From an acknowledgement, behind all that came before it, until the position is seen.
fn lag(bed: &Bed) -> anyhow::Result<Duration> {
    let mut client = bed.client()?;
    let body = json!({"vehicle": "the last one", "at": Timestamp::now(), "latitude": 41.2, "longitude": -87.6});
    accepted(&mut client, &body.to_string())?;
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let page = client.get("/api/v1/vehicles?limit=1")?;
        let page = read(page.status, 200, &page.body)?;
        if page["rows"][0]["key"] == "the last one" {
            return Ok(started.elapsed());
        }
        thread::sleep(LOOK_EVERY);
    }
    bail!("the last position was not seen within {} s", PATIENCE.as_secs())
}
