//! What shippers send: load tenders as X12 204, orders as JSON.

use crate::companies::Shipper;
use crate::map::CITIES;
use crate::sites::Site;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// Everything one order says, before it is written in a format. Times in seconds since 1970.
pub struct Wish<'a> {
    pub shipper: &'a Shipper,
    pub reference: String,
    pub from: &'a Site,
    pub to: &'a Site,
    /// The pickup's window, and until when the delivery is promised.
    pub pickup_s: (i64, i64),
    pub due_s: i64,
    pub pounds: i64,
    /// Pallets.
    pub pieces: i64,
    /// The shipper's own count of interchanges.
    pub control: u32,
    pub sent_s: i64,
}

pub fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// Date, time and X12 623 code of an instant as people at the site write it.
fn local(seconds: i64, site: &Site) -> (String, String, &'static str) {
    let zone = CITIES[site.city].zone;
    let code = match zone {
        "America/Chicago" => "CT",
        "America/Denver" | "America/Boise" => "MT",
        "America/Los_Angeles" => "PT",
        "America/Phoenix" => "MS",
        _ => "ET", // New York, Detroit, Indianapolis, Louisville.
    };
    let at = instant(seconds).to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC));
    (at.strftime("%Y%m%d").to_string(), at.strftime("%H%M").to_string(), code)
}

/// A 204 (004010) with two stops.
pub fn x12(wish: &Wish<'_>) -> String {
    let g62 = |qualifier: &str, time: &str, seconds: i64, site: &Site| {
        let (date, clock, code) = local(seconds, site);
        format!("G62*{qualifier}*{date}*{time}*{clock}*{code}")
    };
    let place = |party: &str, name: &str, site: &Site| {
        let city = &CITIES[site.city];
        [
            format!("N1*{party}*{}*93*{}", name.to_uppercase(), site.code),
            format!("N3*{}", site.street().to_uppercase()),
            format!(
                "N4*{}*{}*{}*US",
                city.name.to_uppercase(),
                city.region,
                city.postal_code
            ),
        ]
    };
    let reference = &wish.reference;
    let mut segments = vec![
        format!("B2**SGNL**{reference}**PP"),
        "B2A*00*LT".to_owned(),
        format!("L11*PO{reference}*PO"),
        "S5*1*CL".to_owned(),
        g62("37", "I", wish.pickup_s.0, wish.from),
        g62("38", "K", wish.pickup_s.1, wish.from),
    ];
    segments.extend(place("SH", &wish.from.name, wish.from));
    segments.push("S5*2*CU".to_owned());
    segments.push(g62("54", "L", wish.due_s, wish.to));
    segments.extend(place("CN", &wish.to.name, wish.to));
    segments.push(format!("L3*{}*G*********{}", wish.pounds, wish.pieces));
    let (count, control) = (segments.len() + 2, wish.control);
    segments.insert(0, format!("ST*204*{control:04}"));
    segments.push(format!("SE*{count}*{control:04}"));
    let sent = instant(wish.sent_s);
    let (date, time, short) = (
        sent.strftime("%Y%m%d").to_string(),
        sent.strftime("%H%M").to_string(),
        sent.strftime("%y%m%d").to_string(),
    );
    let sender = &wish.shipper.interchange;
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
pub fn order_json(wish: &Wish<'_>) -> Value {
    let stop = |kind: &str, site: &Site, window: Value| {
        let city = &CITIES[site.city];
        json!({"kind": kind, "name": site.name, "code": site.code, "address": [site.street()], "city": city.name,
               "region": city.region, "postal_code": city.postal_code, "country": "US", "zone": city.zone,
               "window": window})
    };
    let pickup =
        json!({"earliest": instant(wish.pickup_s.0).to_string(), "latest": instant(wish.pickup_s.1).to_string()});
    let delivery = json!({"latest": instant(wish.due_s).to_string()});
    json!({
        "customer": wish.shipper.interchange, "reference": wish.reference, "equipment": "van",
        "stops": [stop("pickup", wish.from, pickup), stop("delivery", wish.to, delivery)],
        "weight": {"value": wish.pounds, "unit": "lb"}, "pieces": wish.pieces,
    })
}
