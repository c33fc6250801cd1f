//! A carrier's own system, outside the server: takes signed offers over HTTP and keeps a ledger of what came under which id.
//! Now and then it takes an offer and hangs up before it says so, as systems do.

use super::sink;
use anyhow::Context as _;
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::Value;
use signalbox_connectors::standard_webhooks::{Headers, Keys, verify};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const BODY_BYTES_MAX: usize = 1024 * 1024;
const HEADERS_MAX: usize = 100;
const PATIENCE: Duration = Duration::from_secs(10);
/// Of so many deliveries one is taken without an answer.
const SILENT_ONE_IN: usize = 20;

pub struct Receiver {
    address: SocketAddr,
    secret: String,
    ledger: Arc<Mutex<Ledger>>,
}

#[derive(Default)]
struct Ledger {
    /// By the load's reference.
    offers: BTreeMap<String, Offers>,
    deliveries: usize,
}

#[derive(Default)]
struct Offers {
    /// Offer to the webhook ids it came under.
    ids: BTreeMap<String, BTreeSet<String>>,
    times: u32,
}

pub struct Tally {
    pub delivered: u32,
    /// Offers that came again under the id they had.
    pub repeated: u32,
    /// Loads offered under a second offer, or an offer under a second id.
    pub under_two_ids: u32,
}

impl Receiver {
    pub fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("a port for the carrier")?;
        let mut key = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
        let secret = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(key));
        let keys = Arc::new(Keys::parse(&secret).context("the carrier's secret")?);
        let receiver = Self {
            address: listener.local_addr()?,
            secret,
            ledger: Arc::default(),
        };
        let ledger = Arc::clone(&receiver.ledger);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (ledger, keys) = (Arc::clone(&ledger), Arc::clone(&keys));
                // A connection that breaks is the server's to make again.
                thread::spawn(move || drop(serve(stream, &ledger, &keys)));
            }
        });
        Ok(receiver)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The first offer that came for a load.
    pub fn offer(&self, reference: &str) -> Option<String> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.offers.get(reference)?.ids.keys().next().cloned()
    }

    pub fn tally(&self) -> Tally {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tally = Tally {
            delivered: 0,
            repeated: 0,
            under_two_ids: 0,
        };
        for offers in ledger.offers.values() {
            tally.delivered += offers.times;
            tally.repeated += offers.times.saturating_sub(1);
            let is_doubled = offers.ids.len() > 1 || offers.ids.values().any(|it| it.len() > 1);
            tally.under_two_ids += u32::from(is_doubled);
        }
        tally
    }
}

fn serve(stream: TcpStream, ledger: &Mutex<Ledger>, keys: &Keys) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut headers = BTreeMap::new();
        let mut line = String::new();
        for _ in 0..HEADERS_MAX {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                if line.trim_end().is_empty() {
                    break;
                }
                continue; // The request line.
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers
            .get("content-length")
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        anyhow::ensure!(length <= BODY_BYTES_MAX, "an offer of {length} bytes");
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let signed = Headers::find(|name| headers.get(name).map(String::as_str));
        let signed = signed.and_then(|it| verify(keys, &it, &body, Timestamp::now()));
        let answer = match signed {
            Ok(_) if note(ledger, headers.get("webhook-id").cloned().unwrap_or_default(), &body) => "200 OK",
            Ok(_) => return Ok(()),
            Err(_) => "401 Unauthorized",
        };
        let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes())?;
    }
}

/// Writes a delivery down. False where the carrier hangs up on it.
fn note(ledger: &Mutex<Ledger>, id: String, body: &[u8]) -> bool {
    let Some((reference, offer)) = serde_json::from_slice::<Value>(body)
        .ok()
        .as_ref()
        .and_then(sink::offer_made)
    else {
        return true;
    };
    let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let offers = ledger.offers.entry(reference).or_default();
    offers.ids.entry(offer).or_default().insert(id);
    offers.times += 1;
    ledger.deliveries += 1;
    !ledger.deliveries.is_multiple_of(SILENT_ONE_IN)
}
