//! Against a scripted server on loopback: one that answers, one that hangs, ones that fail in every way.

use super::*;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

struct At(Mutex<jiff::Timestamp>);

impl Clock for At {
    fn now(&self) -> jiff::Timestamp {
        *self.0.lock().unwrap()
    }
}

const QUICK: Limits = Limits {
    total: Duration::from_millis(400),
    answer_bytes: 4_096,
    ..LIMITS
};

/// A server that answers each connection with these bytes; with none it says nothing and holds on.
fn server(answer: Option<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut read = [0; 65_536];
            let _ = stream.read(&mut read);
            match &answer {
                Some(answer) => drop(stream.write_all(answer)),
                None => held.push(stream),
            }
        }
    });
    base
}

fn http(status: &str, body: &str) -> Option<Vec<u8>> {
    let length = body.len();
    Some(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into_bytes())
}

fn advisor(base: &str) -> (OpenAi, Arc<At>) {
    let clock = Arc::new(At(Mutex::new(jiff::Timestamp::UNIX_EPOCH)));
    let (model, key) = ("small".to_owned(), None);
    let endpoint = Endpoint {
        base: base.to_owned(),
        model,
        key,
    };
    (OpenAi::new(endpoint, clock.clone(), QUICK).unwrap(), clock)
}

fn ask(answer: Option<Vec<u8>>) -> Result<String, CourierError> {
    advisor(&server(answer)).0.ask(&json!([]))
}

fn is_retry(outcome: &Result<String, CourierError>) -> bool {
    matches!(outcome, Err(CourierError::Retry(_)))
}

#[test]
fn the_text_of_the_first_choice_is_the_answer() {
    let body = json!({"choices": [{"message": {"content": "{\"summary\": \"Held.\"}"}}]}).to_string();
    assert_eq!(ask(http("200 OK", &body)).unwrap(), "{\"summary\": \"Held.\"}");
}

#[test]
fn a_server_that_hangs_costs_no_more_than_its_time() {
    let started = Instant::now();
    let outcome = ask(None);
    assert!(is_retry(&outcome), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn failures_are_told_apart() {
    assert!(is_retry(&ask(http("500 Oh no", ""))));
    assert!(is_retry(&ask(http("429 Slow down", ""))));
    let refused = |it| matches!(ask(it), Err(CourierError::Refused(_)));
    assert!(refused(http("401 Who", "")));
    assert!(refused(http("200 OK", "<html>garbage")));
    assert!(refused(http("200 OK", "{\"choices\": []}")));
    assert!(refused(http("200 OK", &"x".repeat(10_000))));
    let away = b"HTTP/1.1 302 Found\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\n\r\n".to_vec();
    assert!(is_retry(&ask(Some(away))), "a redirect is not followed");
}

#[test]
fn after_several_failures_nobody_is_asked_for_a_while() {
    let (advisor, clock) = advisor(&server(http("500 Oh no", "")));
    let why = |it: Result<String, CourierError>| it.unwrap_err().to_string();
    for _ in 0..QUICK.failures {
        assert_eq!(why(advisor.ask(&json!([]))), "the advisor answered 500");
    }
    assert!(why(advisor.ask(&json!([]))).contains("left alone"));
    *clock.0.lock().unwrap() += QUICK.pause;
    assert_eq!(why(advisor.ask(&json!([]))), "the advisor answered 500");
}

#[test]
fn the_address_is_the_operators_and_no_metadata_service() {
    let clock = Arc::new(At(Mutex::new(jiff::Timestamp::UNIX_EPOCH)));
    let of = |base: &str| {
        let (base, model, key) = (base.to_owned(), "small".to_owned(), None);
        OpenAi::new(Endpoint { base, model, key }, clock.clone(), QUICK).is_ok()
    };
    assert!(of("http://127.0.0.1:9/v1"));
    assert!(!of("http://169.254.169.254/v1"));
    assert!(!of("ftp://127.0.0.1/v1"));
    assert!(!of("nonsense"));
}
