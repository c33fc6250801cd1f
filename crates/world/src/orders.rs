//! What shippers send: load tenders as X12 204, orders as JSON.

use crate::geography::{CITIES, City};
use crate::{Chance, Lane, Shipper, World};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// One message on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    pub at: Timestamp,
    pub form: Form,
    pub reference: String,
    pub body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    X12,
    Json,
}

/// Everything one order says, before it is written in a format.
struct Wish<'a> {
    shipper: &'a Shipper,
    reference: String,
    from: &'static City,
    to: &'static City,
    pickup: Timestamp,
    delivery: Timestamp,
    grams: i64,
    control: u32,
    sent: Timestamp,
}

impl World {
    /// `count` orders spread over `span`, in order of arrival. One in twelve is on a lane without a routing guide.
    pub fn orders(&self, start: Timestamp, span: SignedDuration, count: usize) -> Vec<Arrival> {
        let mut chance = Chance::new(self.seed ^ 0x6f72_6465_7273);
        let mut arrivals: Vec<Arrival> = (0..count)
            .map(|place| self.arrival(&mut chance, start, span, count, place))
            .collect();
        arrivals.sort_by_key(|it| it.at);
        arrivals
    }

    fn arrival(
        &self,
        chance: &mut Chance,
        start: Timestamp,
        span: SignedDuration,
        count: usize,
        place: usize,
    ) -> Arrival {
        let spread = span.as_millis().max(0) as u64;
        let offset = spread * place as u64 / count.max(1) as u64 + chance.below(spread / count.max(1) as u64 + 1);
        let sent = later(start, SignedDuration::from_millis(offset as i64));
        let lane = &self.lanes[chance.below(self.lanes.len() as u64) as usize];
        let (from, to) = if chance.percent(8) {
            (chance.pick(&CITIES), chance.pick(&CITIES))
        } else {
            cities(lane)
        };
        let pickup = later(sent, SignedDuration::from_hours(6 + chance.below(30) as i64));
        let driving = SignedDuration::from_mins((from.km_to(to) * 1.2) as i64);
        let wish = Wish {
            shipper: &self.shippers[chance.below(self.shippers.len() as u64) as usize],
            reference: format!("{:08}", 48_000_000 + place as u64 * 37 + chance.below(37)),
            from,
            to,
            pickup,
            delivery: later(pickup, driving + SignedDuration::from_hours(10)),
            grams: 4_000_000 + chance.below(16_000) as i64 * 1_000,
            control: place as u32 + 1,
            sent,
        };
        let form = if wish.shipper.json { Form::Json } else { Form::X12 };
        let body = match form {
            Form::X12 => x12(&wish),
            Form::Json => order_json(&wish),
        };
        Arrival {
            at: sent,
            form,
            reference: wish.reference,
            body,
        }
    }
}

fn cities(lane: &Lane) -> (&'static City, &'static City) {
    let of = |region: &str| CITIES.iter().find(|it| it.region == region).unwrap_or(&CITIES[0]);
    (of(lane.from), of(lane.to))
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// A 204 (004010) with two stops, times local to the stop.
fn x12(wish: &Wish<'_>) -> String {
    let local = |at: Timestamp, city: &City, shape: &str| match TimeZone::get(city.zone) {
        Ok(zone) => at.to_zoned(zone).strftime(shape).to_string(),
        Err(_) => at.strftime(shape).to_string(),
    };
    let pounds = wish.grams / 454;
    let reference = &wish.reference;
    let (from, to) = (wish.from, wish.to);
    let sender = &wish.shipper.interchange;
    let mut segments = vec![
        format!("B2**SGNL**{reference}**PP"),
        "B2A*00*LT".to_owned(),
        format!("L11*PO{reference}*PO"),
        "S5*1*CL".to_owned(),
        format!(
            "G62*37*{}*I*{}*LT",
            local(wish.pickup, from, "%Y%m%d"),
            local(wish.pickup, from, "%H%M")
        ),
        format!("N1*SH*{}*93*{sender}", wish.shipper.name.to_uppercase()),
        "N3*100 MILL ROAD".to_owned(),
        format!(
            "N4*{}*{}*{}*US",
            from.name.to_uppercase(),
            from.region,
            from.postal_code
        ),
        "S5*2*CU".to_owned(),
        format!(
            "G62*54*{}*L*{}*LT",
            local(wish.delivery, to, "%Y%m%d"),
            local(wish.delivery, to, "%H%M")
        ),
        format!("N1*CN*{} DISTRIBUTION*93*DC{}", to.name.to_uppercase(), to.postal_code),
        "N3*200 DOCK STREET".to_owned(),
        format!("N4*{}*{}*{}*US", to.name.to_uppercase(), to.region, to.postal_code),
        format!("L3*{pounds}*G"),
    ];
    let count = segments.len() + 2;
    let control = wish.control;
    segments.insert(0, format!("ST*204*{control:04}"));
    segments.push(format!("SE*{count}*{control:04}"));
    let (date, time) = (
        wish.sent.strftime("%Y%m%d").to_string(),
        wish.sent.strftime("%H%M").to_string(),
    );
    let short = wish.sent.strftime("%y%m%d").to_string();
    let head = format!(
        "ISA*00*          *00*          *ZZ*{sender:<15}*ZZ*SIGNALBOX      *{short}*{time}*U*00401*{control:09}*0*P*:~\n\
         GS*SM*{sender}*SIGNALBOX*{date}*{time}*{control}*X*004010~\n"
    );
    format!(
        "{head}{}~\nGE*1*{control}~\nIEA*1*{control:09}~\n",
        segments.join("~\n")
    )
}

/// The same as our public JSON order.
fn order_json(wish: &Wish<'_>) -> String {
    let stop = |kind: &str, name: String, city: &City, window: serde_json::Value| {
        json!({"kind": kind, "name": name, "city": city.name, "region": city.region,
               "postal_code": city.postal_code, "country": "US", "window": window})
    };
    let from = stop(
        "pickup",
        wish.shipper.name.clone(),
        wish.from,
        json!({"earliest": wish.pickup.to_string()}),
    );
    let name = format!("{} Distribution", wish.to.name);
    let to = stop("delivery", name, wish.to, json!({"latest": wish.delivery.to_string()}));
    json!({"customer": wish.shipper.interchange, "reference": wish.reference, "stops": [from, to]}).to_string()
}
