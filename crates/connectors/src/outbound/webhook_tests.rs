//! Deliveries to real servers on this machine's loopback, each of which answers in its own way.

use super::*;
use crate::secret::Secret;
use crate::standard_webhooks::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, Headers, verify};
use jiff::Timestamp;
use signalbox_model::id::{EffectId, TenantId};
use signalbox_runtime::ports::Payload;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SHORT: Limits = Limits {
    connect: Duration::from_millis(100),
    total: Duration::from_millis(100),
    rest: Duration::from_millis(50),
    answer_bytes: 64 * 1024,
};
/// For answers that come at once, on a machine that is busy.
const PATIENT: Limits = Limits {
    connect: Duration::from_secs(20),
    total: Duration::from_secs(20),
    ..LIMITS
};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_614_265_330).unwrap()
    }
}

struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A server that does `answer` for each request of each connection, until the client hangs up.
struct Server {
    at: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<Request>>>,
}

fn server(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (counted, kept, answer) = (Arc::clone(&connections), Arc::clone(&requests), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let (mut stream, kept, answer) = (stream.unwrap(), Arc::clone(&kept), Arc::clone(&answer));
            stream.set_nodelay(true).unwrap();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(request) = read_request(&mut reader) {
                    kept.lock().unwrap().push(request);
                    if answer(&mut stream).is_err() {
                        return;
                    }
                }
            });
        }
    });
    Server {
        at,
        connections,
        requests,
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line: line.trim_end().to_owned(),
        headers,
        body,
    })
}

fn answering(status: &'static str) -> Server {
    server(move |it| write!(it, "HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok"))
}

fn courier(limits: Limits, lines: &[&str], names: &[(&'static str, &'static [&'static str])]) -> Webhook {
    let names: BTreeMap<&str, Vec<IpAddr>> = names
        .iter()
        .map(|(name, all)| (*name, all.iter().map(|it| it.parse().unwrap()).collect()))
        .collect();
    let lookup: Lookup = Arc::new(move |name| {
        names
            .get(name)
            .cloned()
            .ok_or_else(|| std::io::Error::other(format!("no such name: {name}")))
    });
    let secrets: Secrets =
        Arc::new(|tenant, name| (tenant.as_str() == "ten_a" && name == "swft").then(|| Secret::new(SECRET.to_owned())));
    Webhook::with(
        secrets,
        Arc::new(Fixed),
        Allowed::parse(lines.iter().copied()).unwrap(),
        lookup,
        limits,
    )
    .unwrap()
}

fn on_loopback(limits: Limits) -> Webhook {
    courier(limits, &["http://127.0.0.1:*", "https://127.0.0.1:*"], &[])
}

fn delivery(tenant: &str) -> Delivery {
    let payload = Payload::Webhook {
        url: String::new(),
        secret: String::new(),
        body: Vec::new(),
    };
    let traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    Delivery {
        tenant: TenantId::from(tenant),
        effect: EffectId::from("eff_1"),
        attempt: 1,
        unsure: 0,
        payload,
        traceparent,
    }
}

fn send(courier: &Webhook, url: &str) -> Result<String, CourierError> {
    courier.deliver(&delivery("ten_a"), url, "swft", b"{}")
}

fn outcome(result: Result<String, CourierError>) -> String {
    match result {
        Ok(receipt) => format!("delivered {receipt}"),
        Err(CourierError::Retry(reason)) => format!("retry {reason}"),
        Err(CourierError::Unknown(reason) | CourierError::Busy(reason)) => format!("not for webhooks: {reason}"),
        Err(CourierError::Refused(reason)) => format!("refused {reason}"),
    }
}

fn url(server: &Server) -> String {
    format!("http://{}/hook?key=sesame", server.at)
}

#[test]
fn the_receiver_gets_a_signed_post_it_can_verify() {
    let server = answering("204 No Content\r\nx: y");
    let body = br#"{"type":"offer"}"#;
    let sent = on_loopback(PATIENT).deliver(&delivery("ten_a"), &url(&server), "swft", body);
    assert_eq!(outcome(sent), "delivered 204");

    let requests = server.requests.lock().unwrap();
    let [request] = &requests[..] else {
        panic!("{} requests", requests.len())
    };
    assert_eq!(request.line, "POST /hook?key=sesame HTTP/1.1");
    assert_eq!(request.body, body);
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("traceparent"), delivery("ten_a").traceparent.as_deref());
    assert_eq!(
        (header(HEADER_ID), header(HEADER_TIMESTAMP)),
        (Some("eff_1"), Some("1614265330"))
    );
    assert!(header(HEADER_SIGNATURE).is_some());
    let headers = Headers::find(header).unwrap();
    verify(&Keys::parse(SECRET).unwrap(), &headers, &request.body, Fixed.now()).unwrap();
}

#[test]
fn each_status_means_what_it_should() {
    let table = [
        ("200 OK", "delivered 200"),
        ("201 Created", "delivered 201"),
        ("202 Accepted", "delivered 202"),
        ("299 Odd", "delivered 299"),
        ("301 Moved Permanently", "retry"),
        ("304 Not Modified", "retry"),
        ("308 Permanent Redirect", "retry"),
        ("400 Bad Request", "refused"),
        ("401 Unauthorized", "refused"),
        ("403 Forbidden", "refused"),
        ("404 Not Found", "refused"),
        ("408 Request Timeout", "retry"),
        ("410 Gone", "refused"),
        ("413 Content Too Large", "refused"),
        ("422 Unprocessable Content", "refused"),
        ("425 Too Early", "retry"),
        ("429 Too Many Requests", "retry"),
        ("500 Internal Server Error", "retry"),
        ("502 Bad Gateway", "retry"),
        ("503 Service Unavailable", "retry"),
        ("504 Gateway Timeout", "retry"),
        ("599 Odd", "retry"),
    ];
    let courier = on_loopback(PATIENT);
    for (status, expected) in table {
        let server = answering(status);
        let said = outcome(send(&courier, &url(&server)));
        assert!(said.starts_with(expected), "{status}: {said}");
        assert!(!said.contains("sesame"), "the address may hold a token: {said}");
    }
}

#[test]
fn a_redirect_to_the_inside_is_not_followed() {
    let inside = answering("200 OK");
    let to = inside.at;
    let server = server(move |it| {
        write!(
            it,
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n"
        )
    });
    assert!(outcome(send(&on_loopback(PATIENT), &url(&server))).starts_with("retry"));
    assert_eq!(inside.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_receiver_that_hangs_is_given_up_on() {
    let server = server(|_| {
        std::thread::park_timeout(Duration::from_secs(60));
        Ok(())
    });
    let said = outcome(send(&on_loopback(SHORT), &url(&server)));
    assert!(said.starts_with("retry no answer within 0.1 s"), "{said}");
}

#[test]
fn connections_that_break_are_tried_again() {
    let courier = on_loopback(PATIENT);
    let closes = server(|_| Err(std::io::ErrorKind::Other.into()));
    let talks_nonsense = server(|it| it.write_all(b"220 smtp.example.com ESMTP\r\n"));
    let breaks_off = server(|it| it.write_all(b"HTTP/1.1 200").and(Err(std::io::ErrorKind::Other.into())));
    let nobody = format!(
        "http://{}/",
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    );
    let no_tls = url(&answering("200 OK")).replace("http:", "https:");
    for url in [url(&closes), url(&talks_nonsense), url(&breaks_off), nobody, no_tls] {
        let said = outcome(send(&courier, &url));
        assert!(said.starts_with("retry"), "{url}: {said}");
        assert!(!said.contains("sesame"), "the address may hold a token: {said}");
    }
}

#[test]
fn an_answer_without_an_end_holds_nobody_up() {
    let endless = server(|it| {
        it.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            it.write_all(&[b'x'; 4_096])?;
        }
    });
    let stalls = server(|it| {
        it.write_all(b"HTTP/1.1 500 Oops\r\ncontent-length: 10\r\n\r\nx")?;
        std::thread::park_timeout(Duration::from_secs(60));
        Ok(())
    });
    let courier = on_loopback(Limits {
        rest: Duration::from_millis(50),
        ..PATIENT
    });
    assert_eq!(outcome(send(&courier, &url(&endless))), "delivered 200");
    assert!(outcome(send(&courier, &url(&stalls))).starts_with("retry"));
}

#[test]
fn a_name_that_leads_inside_is_not_called() {
    let server = answering("200 OK");
    let port = server.at.port();
    let names: &[(&str, &[&str])] = &[
        ("inside.example.com", &["127.0.0.1"]),
        ("mixed.example.com", &["8.8.8.8", "127.0.0.1"]),
        ("mapped.example.com", &["::ffff:127.0.0.1"]),
        ("metadata.example.com", &["169.254.169.254"]),
    ];
    // The port alone is opened, on another host, so that nothing but the address stands in the way.
    let courier = courier(
        PATIENT,
        &["http://127.0.0.1:*", &format!("https://other.example.com:{port}")],
        names,
    );
    for (name, _) in names {
        let said = outcome(send(&courier, &format!("https://{name}/")));
        assert!(said.starts_with("refused") && said.contains(name), "{said}");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_name_is_asked_once_a_connection_and_its_answer_checked_each_time() {
    let server = server(|it| {
        it.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")?;
        Err(std::io::ErrorKind::Other.into())
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    // Fit to be called at first, and somewhere else the next time.
    let lookup: Lookup = Arc::new(move |_| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(vec![
            if first { "127.0.0.1" } else { "169.254.169.254" }.parse().unwrap(),
        ])
    });
    let line = format!("http://rebind.example.com:{}", server.at.port());
    let secrets: Secrets = Arc::new(|_, _| Some(Secret::new(SECRET.to_owned())));
    let allowed = Allowed::parse([line.as_str()]).unwrap();
    let courier = Webhook::with(secrets, Arc::new(Fixed), allowed, lookup, PATIENT).unwrap();
    assert_eq!(outcome(send(&courier, &line)), "delivered 200");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(outcome(send(&courier, &line)).starts_with("refused rebind.example.com leads to link-local"));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn the_connection_goes_to_the_address_that_was_checked() {
    let server = answering("200 OK");
    let line = format!("http://carrier.example.com:{}", server.at.port());
    let courier = courier(PATIENT, &[&line], &[("carrier.example.com", &["127.0.0.1"])]);
    assert_eq!(outcome(send(&courier, &line)), "delivered 200");
    let host = format!("carrier.example.com:{}", server.at.port());
    assert_eq!(server.requests.lock().unwrap()[0].headers["host"], host);
}

#[test]
fn a_name_that_is_not_known_just_now_is_tried_again() {
    let courier = courier(PATIENT, &[], &[]);
    let said = outcome(send(&courier, "https://gone.example.com/"));
    assert!(said.starts_with("retry no connection"), "{said}");
}

#[test]
fn without_a_secret_of_the_tenant_nothing_leaves() {
    let (server, courier) = (answering("200 OK"), on_loopback(PATIENT));
    for (tenant, secret) in [("ten_a", "other"), ("ten_b", "swft")] {
        let said = outcome(courier.deliver(&delivery(tenant), &url(&server), secret, b"{}"));
        assert!(said.starts_with("refused there is no secret named"), "{said}");
    }
    let broken: Secrets = Arc::new(|_, _| Some(Secret::new("whsec_hunter2".to_owned())));
    let allowed = Allowed::parse(["http://127.0.0.1:*"]).unwrap();
    let courier = Webhook::with(broken, Arc::new(Fixed), allowed, egress::system_lookup(), PATIENT).unwrap();
    let said = outcome(send(&courier, &url(&server)));
    assert!(
        said.starts_with("refused secret \"swft\"") && !said.contains("hunter2"),
        "{said}"
    );
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_trace_that_cannot_be_passed_on_holds_nothing_up() {
    let server = answering("200 OK");
    let odd = Delivery {
        traceparent: Some("00-\r\nx-evil: 1".to_owned()),
        ..delivery("ten_a")
    };
    let sent = on_loopback(PATIENT).deliver(&odd, &url(&server), "swft", b"{}");
    assert_eq!(outcome(sent), "delivered 200");
    let requests = server.requests.lock().unwrap();
    assert!(!requests[0].headers.contains_key("traceparent") && !requests[0].headers.contains_key("x-evil"));
}

#[test]
fn many_deliveries_share_few_connections() {
    const THREADS: usize = 8;
    const EACH: usize = 50;
    let (server, courier) = (answering("200 OK"), on_loopback(PATIENT));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..EACH).for_each(|_| assert_eq!(outcome(send(&courier, &url(&server))), "delivered 200")));
        }
    });
    assert_eq!(server.requests.lock().unwrap().len(), THREADS * EACH);
    let connections = server.connections.load(Ordering::SeqCst);
    assert!(connections <= 4 * THREADS, "{connections} connections");
}

#[test]
fn it_may_be_used_and_dropped_where_blocking_is_forbidden() {
    let (server, courier) = (answering("200 OK"), on_loopback(PATIENT));
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        assert_eq!(outcome(send(&courier, &url(&server))), "delivered 200");
        drop(courier);
    });
}
