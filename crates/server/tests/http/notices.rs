//! Notices over HTTP: whose address it is, what becomes of a letter when the mail server fails, and what people see of it.

use crate::stage::{ACME, Stage, problem, told};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use signalbox_connectors::outbound::mail::{Server, Tls};
use signalbox_server::wiring::Hand;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

const PARTNER: &str = "/api/v1/partners/par_brackenridge";
const ADDRESS: &str = "receiving@brackenridge.example";

fn customer(more: &Value) -> Value {
    let mut body = json!({"name": "Brackenridge Paper", "role": "customer", "zone": "America/New_York",
        "aliases": ["BRACKENRIDGE"]});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    body
}

pub fn mail_server(port: u16) -> Server {
    Server {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        login: None,
        sender: "dispatch@acme.example".to_owned(),
        authority: None,
    }
}

/// Takes letters, and goes away without a word after each of the first `dies`.
pub fn mailbox(dies: usize) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let letters = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&letters);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(b"220 ready\r\n").unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map_while(Result::ok);
            while let Some(line) = lines.next() {
                if line == "DATA" {
                    stream.write_all(b"354 go on\r\n").unwrap();
                    let letter: Vec<String> = lines.by_ref().take_while(|it| it != ".").collect();
                    kept.lock().unwrap().push(letter.join("\n"));
                    if kept.lock().unwrap().len() <= dies {
                        break;
                    }
                }
                if stream.write_all(b"250 taken\r\n").is_err() {
                    break;
                }
            }
        }
    });
    (port, letters)
}

/// A load that is overdue, whose customer is to be told. Answers the load and the approval.
async fn overdue(stage: &Stage, hand: &Hand) -> (String, String) {
    stage
        .put_ok(ACME, PARTNER, &customer(&json!({"notify_email": ADDRESS})))
        .await;
    let order = json!({"customer": "BRACKENRIDGE", "reference": "LATE-1", "stops": [
        {"kind": "pickup", "name": "Mill", "city": "Bangor", "region": "ME", "country": "US",
         "window": {"earliest": "2026-11-23T08:00:00Z", "latest": "2026-11-23T10:00:00Z"}},
        {"kind": "delivery", "name": "Lakeshore", "city": "Milwaukee", "region": "WI", "country": "US",
         "window": {"earliest": "2026-11-23T15:30:00Z", "latest": "2026-11-23T16:00:00Z"}}]});
    let (status, created) = told(stage.post("dispatcher", "/api/v1/orders", &order).await).await;
    assert_eq!(status, 201, "{created}");
    let load = created["loads"][0].as_str().unwrap().to_owned();
    let assign = stage.ask(
        Method::PUT,
        &format!("/api/v1/loads/{load}/vehicle"),
        stage.token(ACME, "dispatcher"),
    );
    let assigned = assign.json(&json!({"vehicle": "48"})).send().await.unwrap();
    assert_eq!(assigned.status(), 200);
    hand.pass(SignedDuration::from_hours(2)).await.unwrap();
    let rows = stage.rows_when("inbox", |rows| waiting(rows).is_some()).await;
    let card = waiting(&rows).unwrap();
    let (subject, body) = (&card["proposal"]["subject"], card["proposal"]["body"].as_str().unwrap());
    assert_eq!(subject, "Load LATE-1: the delivery at Milwaukee, WI will be late");
    assert!(
        body.contains("Mon 23 Nov 2026, 10:00 CST") && body.contains("not known"),
        "{body}"
    );
    (load, card["id"].as_str().unwrap().to_owned())
}

fn waiting(rows: &[Value]) -> Option<&Value> {
    rows.iter().find(|it| it["proposal"]["notice"].is_string())
}

async fn approve(stage: &Stage, hand: &Hand, approval: &str) {
    let path = format!("/api/v1/approvals/{approval}/decision");
    let (status, body) = told(stage.post("dispatcher", &path, &json!({"decision": "approve"})).await).await;
    assert_eq!(status, 200, "{body}");
    hand.rest().await.unwrap();
}

async fn summaries(stage: &Stage, load: &str) -> Vec<String> {
    let path = format!("/api/v1/loads/{load}/timeline");
    let timeline = stage.get_json("dispatcher", &path).await;
    let entries = timeline["entries"].as_array().unwrap().iter();
    entries
        .map(|it| format!("{} {}", it["name"].as_str().unwrap(), it["summary"].as_str().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_sealed_shown_to_those_who_work_with_it_and_kept_when_left_out() {
    let stage = Stage::set().await;
    stage
        .put_ok(ACME, PARTNER, &customer(&json!({"notify_email": ADDRESS})))
        .await;
    assert_eq!(stage.get_json("dispatcher", PARTNER).await["notify_email"], ADDRESS);
    assert_eq!(stage.get_json("viewer", PARTNER).await["notify_email"], "•••");
    stage.put_ok(ACME, PARTNER, &customer(&json!({}))).await;
    assert_eq!(stage.get_json("admin", PARTNER).await["notify_email"], ADDRESS);
    for bad in ["receiving", "a@b.example\r\nBcc: eve@evil.example", "•••"] {
        let request = stage.ask(Method::PUT, PARTNER, stage.token(ACME, "admin"));
        let refused = request
            .json(&customer(&json!({"notify_email": bad})))
            .send()
            .await
            .unwrap();
        let (status, body) = told(refused).await;
        assert!((400..500).contains(&status), "{status} {body}");
        assert_eq!(body["issues"][0]["code"], "settings.address", "{body}");
    }
    stage
        .put_ok(ACME, PARTNER, &customer(&json!({"notify_email": null})))
        .await;
    assert_eq!(stage.get_json("admin", PARTNER).await["notify_email"], Value::Null);
    let folder = stage.folder.path().to_owned();
    stage.server.stop().await;
    for entry in std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter(|it| it.path().is_file())
    {
        let bytes = std::fs::read(entry.path()).unwrap();
        let found = bytes.windows(ADDRESS.len()).any(|it| it == ADDRESS.as_bytes());
        assert!(!found, "{:?} holds the address in clear", entry.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_whose_fate_nobody_knows_goes_again_under_its_id_and_is_said_to_be_perhaps_double() {
    let (port, letters) = mailbox(1);
    let (stage, hand) = Stage::with_mail(mail_server(port)).await;
    let (load, approval) = overdue(&stage, &hand).await;
    approve(&stage, &hand, &approval).await;
    assert_eq!(letters.lock().unwrap().len(), 1);
    let told = summaries(&stage, &load).await;
    assert!(!told.iter().any(|it| it.starts_with("NoticeSent")), "{told:?}");
    hand.pass(SignedDuration::from_secs(10)).await.unwrap();
    let copies = letters.lock().unwrap().clone();
    assert_eq!(copies.len(), 2);
    assert_eq!(copies[0], copies[1]);
    assert!(
        copies[0].contains("Message-ID: <eff_") && copies[0].contains("@acme.example>"),
        "{}",
        copies[0]
    );
    assert!(copies[0].contains(&format!("To: {ADDRESS}")), "{}", copies[0]);
    let told = summaries(&stage, &load).await;
    let sent = told.iter().find(|it| it.starts_with("NoticeSent")).unwrap();
    assert!(
        sent.ends_with("it may have arrived twice under the same Message-ID"),
        "{sent}"
    );
    let metrics = stage.get("admin", "/metrics").await.text().await.unwrap();
    assert!(metrics.contains("signalbox_mail_repeats_total"), "{metrics}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_not_there_is_tried_for_half_an_hour_and_then_a_person_is_told() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (stage, hand) = Stage::with_mail(mail_server(nobody)).await;
    let (load, approval) = overdue(&stage, &hand).await;
    approve(&stage, &hand, &approval).await;
    let failed = |rows: &[Value]| rows.iter().any(|it| it["exception"] == "delivery_failed");
    let inbox = stage.get_json("dispatcher", "/api/v1/inbox").await;
    assert!(!inbox.to_string().contains("delivery_failed"), "{inbox}");
    hand.pass(SignedDuration::from_mins(40)).await.unwrap();
    let rows = stage.rows_when("inbox", failed).await;
    let late = rows.iter().find(|it| it["exception"] == "late_delivery_risk").unwrap();
    let notice = late["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["what"] == "notice");
    assert_eq!(notice.unwrap()["value"], "to Brackenridge Paper: not delivered");
    let told = summaries(&stage, &load).await;
    let settled = "EffectSettled SendNotice given up after 8 attempts";
    assert!(told.iter().any(|it| it.starts_with(settled)), "{told:?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_does_not_fit_the_question_is_refused_and_the_question_stays() {
    let (port, letters) = mailbox(0);
    let (stage, hand) = Stage::with_mail(mail_server(port)).await;
    let (_, approval) = overdue(&stage, &hand).await;
    let path = format!("/api/v1/approvals/{approval}/decision");
    let with = |edit: Value| json!({"decision": "approve", "edit": edit});
    for edit in [
        json!({"rate_minor": 100}),
        json!({"subject": "Two\nlines", "body": "Hello."}),
        json!({"subject": "Late", "body": "x".repeat(8_001)}),
    ] {
        let refused = problem(stage.post("dispatcher", &path, &with(edit)).await).await;
        assert_eq!(refused, (422, "approval_edit_invalid".to_owned()));
    }
    let half = stage.post("dispatcher", &path, &with(json!({"subject": "Late"}))).await;
    assert_eq!(problem(half).await.1, "body_unreadable");
    let not_theirs = stage.post("viewer", &path, &json!({"decision": "approve"})).await;
    assert_eq!(not_theirs.status(), 403);
    assert!(letters.lock().unwrap().is_empty());
    approve(&stage, &hand, &approval).await;
    assert_eq!(letters.lock().unwrap().len(), 1);
    stage.end().await;
}
