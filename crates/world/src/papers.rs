//! Papers: what carriers acknowledge, and the proofs of delivery they send: soon or late, whole or with something left
//! out, first for another load, or never before they are asked.

use crate::chance::Chance;
use crate::haul::Haul;
use crate::hours::HOUR_S;
use crate::map::CITIES;
use crate::orders::instant;
use crate::{Door, Voice, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use signalbox_formats::Reply;
use signalbox_formats::x12;

/// Proofs a world remembers, so that whoever is asked for one can send it. The oldest loads give way.
const PAPERS_MAX: usize = 5_000;
/// One carrier in so many acknowledges nothing.
const NEVER_ACKNOWLEDGES: usize = 11;
/// Of a hundred proofs: whole and soon, then with something left out, then late, then first for another load, then of
/// freight that was short. The others are sent only to those who ask.
const SOON: u64 = 64;
const LEFT_OUT: u64 = 74;
const LATE: u64 = 82;
const OTHER_LOAD: u64 = 86;
const SHORT: u64 = 91;
/// Of a hundred requests, so many are answered.
const ANSWERED: u64 = 80;
/// Separates the parts of an upload.
const BOUNDARY: &str = "signalbox-world-part";
pub(crate) const FORM: &str = "multipart/form-data; boundary=signalbox-world-part";

const RECEIVERS: [&str; 12] = [
    "R. Alvarez",
    "T. Brandt",
    "K. Chen",
    "M. Dubois",
    "L. Everett",
    "S. Fischer",
    "J. Gomez",
    "P. Hughes",
    "D. Iverson",
    "N. Jansen",
    "C. Keller",
    "B. Lopez",
];

/// What was signed at a delivery.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Paper {
    carrier: usize,
    reference: String,
    pieces: i64,
    is_short: bool,
    signer: &'static str,
    signed_s: i64,
    city: usize,
}

/// What its sender leaves out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Omitted {
    Nothing,
    Signer,
    Pieces,
}

impl World {
    /// Says which interchanges were received, some minutes later.
    pub(crate) fn acknowledge(&mut self, carrier: usize, replies: &[Reply]) {
        if carrier % NEVER_ACKNOWLEDGES == NEVER_ACKNOWLEDGES - 1 {
            return;
        }
        for reply in replies {
            let control = self.next_control();
            let mut chance = Chance::of(self.settings.seed, &format!("acknowledgement {control}"));
            let at_s = self.now_s + chance.between(30, 6 * 60);
            if let Ok(body) = x12::reply(&reply.x12, control, instant(at_s)) {
                self.say_later(at_s, Voice::Exchange, Door::Edi, body);
            }
        }
    }

    /// The receiver has signed; what the carrier makes of it.
    pub(crate) fn sign(&mut self, reference: &str, haul: &Haul) {
        let mut chance = Chance::of(self.settings.seed, &format!("proof {reference}"));
        let (fate, tendered) = (chance.below(100), haul.pieces.unwrap_or(20));
        let is_short = (OTHER_LOAD..SHORT).contains(&fate);
        let paper = Paper {
            carrier: haul.carrier,
            reference: reference.to_owned(),
            pieces: if is_short { (tendered - 2).max(1) } else { tendered },
            is_short,
            signer: RECEIVERS[chance.below(RECEIVERS.len() as u64) as usize],
            signed_s: self.now_s,
            city: haul.to.0,
        };
        let soon_s = self.now_s + chance.between(10, 120) * 60;
        match fate {
            0..SOON | OTHER_LOAD..SHORT => self.send_proof(soon_s, &paper, reference, Omitted::Nothing),
            SOON..LEFT_OUT if chance.percent(50) => self.send_proof(soon_s, &paper, reference, Omitted::Signer),
            SOON..LEFT_OUT => self.send_proof(soon_s, &paper, reference, Omitted::Pieces),
            SHORT.. => {} // Only to those who ask.
            LEFT_OUT.. => {
                let late_s = self.now_s + chance.between(5 * HOUR_S, 18 * HOUR_S);
                let other = self
                    .hauls
                    .iter()
                    .find(|(name, it)| it.carrier == haul.carrier && *name != reference);
                if let Some(other) = other.map(|it| it.0.clone()).filter(|_| fate >= LATE) {
                    self.send_proof(soon_s, &paper, &other, Omitted::Nothing);
                }
                self.send_proof(late_s, &paper, reference, Omitted::Nothing);
            }
        }
        if self.papers.len() >= PAPERS_MAX {
            self.papers.pop_first();
        }
        self.papers.insert(reference.to_owned(), paper);
    }

    fn send_proof(&mut self, at_s: i64, paper: &Paper, reference: &str, omitted: Omitted) {
        let scac = self.carriers[paper.carrier].scac.clone();
        let mut said = paper.said(omitted);
        for (name, value) in [
            ("document", json!("proof_of_delivery")),
            ("carrier", json!(scac)),
            ("reference", json!(reference)),
            ("content", json!(STANDARD.encode(paper.scan()))),
        ] {
            said.insert(name.to_owned(), value);
        }
        self.say_later(at_s, Voice::Carrier(scac), Door::Json, Value::Object(said).to_string());
    }

    /// The carrier is asked for a proof: most have the driver photograph it again and upload it where the request says.
    pub(crate) fn hear_request(&mut self, event: &Value) {
        let text = |name: &str| event["data"][name].as_str().unwrap_or_default().to_owned();
        let (reference, path, number) = (text("reference"), text("upload_url"), &event["data"]["number"]);
        let Some(paper) = self
            .papers
            .get(&reference)
            .cloned()
            .filter(|_| path.starts_with("/api/v1/loads/"))
        else {
            return;
        };
        let mut chance = Chance::of(self.settings.seed, &format!("asked {reference} {number}"));
        if !chance.percent(ANSWERED) {
            return;
        }
        let at_s = self.now_s + chance.between(15, 150) * 60;
        let voice = Voice::Driver(self.carriers[paper.carrier].scac.clone());
        self.say_later(at_s, voice, Door::Upload { path }, paper.form());
    }
}

impl Paper {
    fn said(&self, omitted: Omitted) -> Map<String, Value> {
        let zone = TimeZone::get(CITIES[self.city].zone).unwrap_or(TimeZone::UTC);
        let signed = instant(self.signed_s).to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z");
        let mut said = Map::new();
        let mut say = |name: &str, value: Value| said.insert(name.to_owned(), value);
        say("signed_at", json!(signed.to_string()));
        say("condition", json!(if self.is_short { "exception" } else { "clean" }));
        if omitted != Omitted::Signer {
            say("signer", json!(self.signer));
        }
        if omitted != Omitted::Pieces {
            say("pieces", json!(self.pieces));
        }
        if self.is_short {
            say("note", json!("2 pallets short at count, driver notified"));
        }
        said
    }

    /// The paper as a PDF of one page that any reader opens.
    fn scan(&self) -> String {
        let lines = [
            "PROOF OF DELIVERY".to_owned(),
            format!("Load {}", self.reference),
            format!("Received {} pieces at {}", self.pieces, CITIES[self.city].name),
            format!("Signed by {}, {}", self.signer, instant(self.signed_s)),
        ];
        let shown = lines.map(|it| format!("({it}) Tj T*")).join("\n");
        let page = format!("BT /F1 14 Tf 60 760 Td 22 TL\n{shown}\nET");
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
                .to_owned(),
            format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        ];
        let (mut file, mut places) = ("%PDF-1.4\n".to_owned(), Vec::new());
        for (number, object) in objects.iter().enumerate() {
            places.push(format!("{:010} 00000 n \n", file.len()));
            file += &format!("{} 0 obj\n{object}\nendobj\n", number + 1);
        }
        let table = file.len();
        let size = places.len() + 1;
        file += &format!("xref\n0 {size}\n0000000000 65535 f \n{}", places.concat());
        file + &format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n")
    }

    /// The upload's form, with everything said.
    fn form(&self) -> String {
        let mut said = self.said(Omitted::Nothing);
        said.insert("kind".to_owned(), json!("proof_of_delivery"));
        let mut form = String::new();
        for (name, value) in &said {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            form += &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        }
        form += &format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}.pdf\"\r\n\
             Content-Type: application/pdf\r\n\r\n{}\r\n--{BOUNDARY}--\r\n",
            self.reference,
            self.scan()
        );
        form
    }
}
