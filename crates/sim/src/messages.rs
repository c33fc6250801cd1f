//! The bytes partners send: real 204s, 990s, 997s and JSON, as they come over the wire.

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_formats::x12::{self, Address, Envelope, Reply990};
use signalbox_model::answer::Answer;
use signalbox_model::id::OfferId;

/// Our own id on interchanges.
pub const OURS: &str = "SIGNALBOX";

/// What a customer asks for.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    pub customer: &'a str,
    pub reference: &'a str,
    /// Regions: `ME`, `WI`.
    pub from: &'a str,
    pub to: &'a str,
    pub control_number: u32,
    pub now: Timestamp,
    pub respond_by: Option<Timestamp>,
    pub expedited: bool,
}

/// A 204 that asks for a haul two days from now.
pub fn tender(asked: &Asked<'_>) -> Vec<u8> {
    let day = |days: i64| {
        format!(
            "{}",
            (asked.now + SignedDuration::from_hours(24 * days)).strftime("%Y%m%d")
        )
    };
    let mut set = format!("B2**JBHT**{}**PP~\nB2A*00*LT~\n", asked.reference);
    if asked.expedited {
        set += "L11*1*XE~\n";
    }
    if let Some(at) = asked.respond_by {
        set += &format!("G62*64*{}*1*{}*UT~\n", at.strftime("%Y%m%d"), at.strftime("%H%M"));
    }
    set += "NTE*GEN*CALL PAT EXAMPLE BEFORE ARRIVAL~\nN7**NONE*********TF~\n";
    set += &format!("S5*1*CL~\nG62*37*{}*I*0800*UT~\nG62*38*{}*K*1200*UT~\n", day(2), day(2));
    set += &format!(
        "N1*SF*INVENTED MILL~\nN3*1 INVENTED WAY~\nN4*MILLTOWN*{}*04401*US~\n",
        asked.from
    );
    set += "G61*IC*PAT EXAMPLE*TE*2075550101~\nL5*1*ROLLED PAPER~\nAT8*G*L*41200*24~\n";
    set += &format!("S5*2*CU~\nG62*53*{}*G*0700*UT~\nG62*54*{}*L*1500*UT~\n", day(4), day(4));
    let city = city(asked.to);
    set += &format!("N1*ST*INVENTED PRINT~\nN4*{city}*{}*53202*US~\n", asked.to);
    set += "L3*41200*G*1875.00*FR*187500******24*L~\n";
    interchange("ZZ", asked.customer, "SM", "204", asked.control_number, asked.now, &set)
}

/// The town of the consignee: Dallas in Texas, elsewhere one that there is not.
fn city(region: &str) -> &'static str {
    match region {
        "TX" => "DALLAS",
        _ => "PRINTTOWN",
    }
}

/// A 204 that takes the order back.
pub fn cancel(customer: &str, reference: &str, control_number: u32, now: Timestamp) -> Vec<u8> {
    let set = format!("B2**JBHT**{reference}**PP~\nB2A*01*LT~\n");
    interchange("ZZ", customer, "SM", "204", control_number, now, &set)
}

/// A 997: the carrier's computer has read our 204, which says nothing about the load.
pub fn acknowledgement(scac: &str, control_number: u32, now: Timestamp) -> Vec<u8> {
    let set = "AK1*SM*1~\nAK2*204*0001~\nAK5*A~\nAK9*A*1*1*1~\n";
    interchange("02", scac, "FA", "997", control_number, now, set)
}

/// The same order as JSON of our own shape.
pub fn order_json(asked: &Asked<'_>) -> Value {
    let day = |days: i64, time: &str| {
        let at = asked.now + SignedDuration::from_hours(24 * days);
        format!("{}T{time}:00Z", at.strftime("%Y-%m-%d"))
    };
    let mut order = json!({
        "customer": asked.customer, "reference": asked.reference,
        "stops": [
            {"kind": "pickup", "name": "Invented Mill", "city": "Milltown", "region": asked.from, "country": "US",
             "window": {"earliest": day(2, "08:00"), "latest": day(2, "12:00")}},
            {"kind": "delivery", "name": "Invented Print", "city": "Printtown", "region": asked.to, "country": "US",
             "window": {"earliest": day(4, "07:00"), "latest": day(4, "15:00")}}],
        "goods": [{"description": "Rolled paper", "pieces": 24}],
        "pieces": 24,
    });
    if let (true, Some(fields)) = (asked.expedited, order.as_object_mut()) {
        fields.insert("priority".to_owned(), json!("high"));
    }
    if let (Some(at), Some(fields)) = (asked.respond_by, order.as_object_mut()) {
        fields.insert("respond_by".to_owned(), json!(at.to_string()));
    }
    order
}

/// What a carrier answers.
#[derive(Clone, Debug)]
pub struct Answered<'a> {
    pub scac: &'a str,
    pub reference: &'a str,
    pub offer: Option<&'a OfferId>,
    pub answer: Answer,
    pub reason: Option<&'a str>,
}

pub fn answer_990(answered: &Answered<'_>, control_number: u32, now: Timestamp) -> Result<Vec<u8>, x12::Unwritable> {
    let sender = Address {
        qualifier: "02".to_owned(),
        id: answered.scac.to_owned(),
    };
    let receiver = Address {
        qualifier: "ZZ".to_owned(),
        id: OURS.to_owned(),
    };
    let envelope = Envelope {
        sender: &sender,
        receiver: &receiver,
        control_number,
        now,
        test: false,
    };
    let Answered {
        scac,
        reference,
        offer,
        answer,
        reason,
    } = *answered;
    x12::answer(
        &envelope,
        &Reply990 {
            scac,
            reference,
            offer,
            answer,
            reason,
            note: None,
        },
    )
    .map(String::into_bytes)
}

pub fn answer_json(answered: &Answered<'_>) -> Value {
    let word = match answered.answer {
        Answer::Accept => "accept",
        Answer::Decline => "decline",
        Answer::Conditional => "conditional",
    };
    let mut answer = json!({"carrier": answered.scac, "reference": answered.reference, "answer": word});
    if let Some(fields) = answer.as_object_mut() {
        if let Some(offer) = answered.offer {
            fields.insert("offer".to_owned(), json!(offer));
        }
        if let Some(reason) = answered.reason {
            fields.insert("reason".to_owned(), json!(reason));
        }
    }
    answer
}

/// What a carrier says of a stop.
#[derive(Clone, Debug)]
pub struct Status<'a> {
    pub scac: &'a str,
    pub reference: &'a str,
    /// X12 1650.
    pub code: &'a str,
    pub stop: u32,
    pub at: Timestamp,
    pub truck: Option<&'a str>,
}

/// A 214 with one milestone.
pub fn status_214(status: &Status<'_>, control_number: u32, now: Timestamp) -> Vec<u8> {
    let Status {
        scac,
        reference,
        code,
        stop,
        at,
        truck,
    } = *status;
    let (day, time) = (at.strftime("%Y%m%d"), at.strftime("%H%M"));
    let mut set = format!("B10*{reference}*{reference}*{scac}~\nLX*1~\nAT7*{code}*NS***{day}*{time}*UT~\n");
    if let Some(truck) = truck {
        set += &format!("MS2*{scac}*{truck}~\n");
    }
    set += &format!("L11*{stop}*QN~\n");
    interchange("02", scac, "QM", "214", control_number, now, &set)
}

/// A proof of delivery with what a carrier says of it.
#[derive(Clone, Debug)]
pub struct Proof<'a> {
    pub scac: &'a str,
    pub reference: &'a str,
    pub pieces: Option<i64>,
    pub signer: Option<&'a str>,
    pub signed_at: Option<&'a str>,
    pub damaged: bool,
    pub file: &'a [u8],
}

/// A proof of delivery as JSON of our own shape, its file in base64.
pub fn proof_json(proof: &Proof<'_>) -> Value {
    let content = base64::engine::general_purpose::STANDARD.encode(proof.file);
    let mut message = json!({"document": "proof_of_delivery", "carrier": proof.scac, "reference": proof.reference, "content": content});
    if let Some(fields) = message.as_object_mut() {
        let mut put = |name: &str, value: Option<Value>| value.map(|it| fields.insert(name.to_owned(), it));
        put("pieces", proof.pieces.map(|it| json!(it)));
        put("signer", proof.signer.map(|it| json!(it)));
        put("signed_at", proof.signed_at.map(|it| json!(it)));
        put("condition", proof.damaged.then(|| json!("exception")));
    }
    message
}

/// A 210 over one amount.
pub fn invoice_210(
    scac: &str,
    reference: &str,
    number: &str,
    minor: i64,
    control_number: u32,
    now: Timestamp,
) -> Vec<u8> {
    let day = now.strftime("%Y%m%d");
    let set = format!("B3**{number}*{reference}*CC**{day}*{minor}****{scac}~\nL3*****{minor}~\n");
    interchange("02", scac, "IM", "210", control_number, now, &set)
}

/// One set in one group in one interchange, counted truly.
fn interchange(
    qualifier: &str,
    sender: &str,
    group: &str,
    set: &str,
    control_number: u32,
    now: Timestamp,
    segments: &str,
) -> Vec<u8> {
    let count = segments.matches('~').count() + 2;
    let blank = "          ";
    let (short, long, time) = (now.strftime("%y%m%d"), now.strftime("%Y%m%d"), now.strftime("%H%M"));
    format!(
        "ISA*00*{blank}*00*{blank}*{qualifier}*{sender:<15}*ZZ*{OURS:<15}*{short}*{time}*U*00401*{control_number:09}*0*P*>~\n\
         GS*{group}*{sender}*{OURS}*{long}*{time}*{control_number}*X*004010~\n\
         ST*{set}*0001~\n{segments}SE*{count}*0001~\nGE*1*{control_number}~\nIEA*1*{control_number:09}~\n"
    )
    .into_bytes()
}

/// What a message to a carrier says, read back from its bytes as the carrier's computer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub scac: String,
    pub reference: String,
    pub offer: OfferId,
    /// An offer made, or one taken back.
    pub made: bool,
}

/// Reads a 204 of ours. `None`: it is something else, such as a 997.
pub fn read_204(body: &[u8]) -> Option<Told> {
    let text = std::str::from_utf8(body).ok()?;
    let mut told = Told {
        scac: String::new(),
        reference: String::new(),
        offer: OfferId::from(""),
        made: false,
    };
    for segment in text.split('~').map(str::trim) {
        let mut elements = segment.split('*');
        match elements.next() {
            Some("B2") => {
                told.scac = elements.nth(1)?.to_owned();
                told.reference = elements.nth(1)?.to_owned();
            }
            Some("B2A") => told.made = elements.next()? == "00",
            Some("L11") => {
                let (value, qualifier) = (elements.next()?, elements.next()?);
                if qualifier == "CR" {
                    told.offer = OfferId(value.to_ascii_lowercase());
                }
            }
            _ => {} // The carrier's people read the rest.
        }
    }
    (!told.offer.0.is_empty()).then_some(told)
}

/// Reads a webhook of ours about an offer. `None`: it is about something else.
pub fn read_webhook(body: &[u8]) -> Option<Told> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let data = event.get("data")?;
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = event.get("type")?.as_str()?;
    if !kind.starts_with("dispatch.offer.") {
        return None;
    }
    let made = kind == "dispatch.offer.made";
    Some(Told {
        scac: text("carrier"),
        reference: text("reference"),
        offer: OfferId(text("offer")),
        made,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_formats::{Context, decode};
    use signalbox_model::directory::SourceFormat;

    #[test]
    fn what_partners_send_is_read_without_a_fatal_issue() {
        let now: Timestamp = "2026-11-23T15:00:00Z".parse().unwrap();
        let asked = Asked {
            customer: "ACME",
            reference: "75027674",
            from: "ME",
            to: "WI",
            control_number: 7,
            now,
            respond_by: Some(now + SignedDuration::from_mins(40)),
            expedited: true,
        };
        let answered = Answered {
            scac: "JBHT",
            reference: "75027674",
            offer: None,
            answer: Answer::Accept,
            reason: None,
        };
        let messages = [
            (SourceFormat::X12, tender(&asked)),
            (SourceFormat::X12, cancel("ACME", "75027674", 8, now)),
            (SourceFormat::X12, acknowledgement("JBHT", 9, now)),
            (SourceFormat::X12, answer_990(&answered, 10, now).unwrap()),
            (SourceFormat::Json, order_json(&asked).to_string().into_bytes()),
            (SourceFormat::Json, answer_json(&answered).to_string().into_bytes()),
        ];
        for (format, bytes) in messages {
            let decoded = decode(format, &bytes, &Context::default());
            assert!(decoded.issues.is_empty(), "{:?}", decoded.issues);
            for decoding in decoded.decodings {
                assert!(
                    decoding.attempt.is_some(),
                    "{:?} in {}",
                    decoding.issues,
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }
}
