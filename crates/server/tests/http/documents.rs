//! Documents over HTTP: taken, read back, refused by name; a huge one is refused before it is read, whoever sends it.

use crate::stage::{ACME, OTHER, Stage, problem, told};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PDF: &[u8] = b"%PDF-1.7\n% a scan\n%%EOF\n";
const BOUNDARY: &str = "a-boundary";
const MIB: usize = 1024 * 1024;

fn form(fields: &[(&str, &str)], file: Option<&[u8]>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.into_bytes());
    }
    if let Some(file) = file {
        let head =
            "Content-Disposition: form-data; name=\"file\"; filename=\"../../pod.html\"\r\nContent-Type: text/html";
        body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").into_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

async fn upload(stage: &Stage, token: &str, load: &str, fields: &[(&str, &str)], file: Option<&[u8]>) -> Response {
    let request = stage.ask(Method::POST, &format!("/api/v1/loads/{load}/documents"), token);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    request
        .header("content-type", kind)
        .body(form(fields, file))
        .send()
        .await
        .unwrap()
}

/// A load that LNHL hauls.
async fn covered(stage: &Stage) -> String {
    let load = stage.order("BRK-1").await;
    let offer = stage.open_offer(&load).await;
    let path = format!("/api/v1/offers/{}/answer", offer["id"].as_str().unwrap());
    let (status, body) = told(stage.post("carrier", &path, &json!({"answer": "accept"})).await).await;
    assert_eq!(status, 200, "{body}");
    load
}

fn an_hour_ago() -> String {
    (Timestamp::now() - SignedDuration::from_hours(1)).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_taken_listed_and_read_back_by_those_who_may_and_by_nobody_else() {
    let stage = Stage::set().await;
    let load = covered(&stage).await;
    let time = an_hour_ago();
    let said = [
        ("kind", "proof_of_delivery"),
        ("pieces", "24"),
        ("condition", "clean"),
        ("signer", "Pat Example"),
        ("signed_at", &time),
    ];
    let (status, taken) = told(upload(&stage, stage.token(ACME, "carrier"), &load, &said, Some(PDF)).await).await;
    assert_eq!(
        (status, &taken["outcome"], &taken["media"]),
        (201, &json!("received"), &json!("pdf")),
        "{taken}"
    );
    let list = format!("/api/v1/loads/{load}/documents?wait_for={}", taken["seq"]);
    let seen = stage.get_json("dispatcher", &list).await;
    let document = &seen["documents"][0];
    assert_eq!(document["proof"]["signer"], "Pat Example");
    assert_eq!(
        (&document["standing"], &document["from"]),
        (&json!("taken"), &json!("par_lnhl"))
    );
    assert_eq!(seen["invoice"]["missing"][0]["code"], "delivered");
    // A viewer sees that somebody signed, and not who.
    let viewed = stage.get_json("viewer", &list).await;
    assert_eq!(viewed["documents"][0]["proof"]["signer"], "•••");
    let path = format!("/api/v1/loads/{load}/documents/{}", taken["document"].as_str().unwrap());
    for role in ["dispatcher", "carrier", "customer"] {
        let read = stage.get(role, &path).await;
        assert_eq!(read.status(), 200, "{role}");
        let header = |name: &str| read.headers()[name].to_str().unwrap().to_owned();
        // What its sender called it counts for nothing.
        assert_eq!(header("content-type"), "application/pdf");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").contains("sandbox"));
        assert!(header("content-disposition").starts_with("attachment; filename=\"proof_of_delivery-doc_"));
        assert_eq!(read.bytes().await.unwrap(), PDF);
    }
    assert_eq!(
        problem(stage.get("viewer", &path).await).await,
        (403, "role_missing".to_owned())
    );
    let strange = stage
        .ask(Method::GET, &path, stage.token(OTHER, "dispatcher"))
        .send()
        .await
        .unwrap();
    assert_eq!(problem(strange).await, (404, "load_unknown".to_owned()));
    // The clear name is nowhere on the disk.
    let on_disk = std::fs::read(stage.folder.path().join("signalbox.db-wal")).unwrap_or_default();
    assert!(!on_disk.windows(11).any(|it| it == b"Pat Example"));
    // The board says what is missing, and can be asked for it.
    let board = stage.get_json("dispatcher", "/api/v1/board?readiness=missing").await;
    assert_eq!(board["total"], 1);
    assert_eq!(board["rows"][0]["row"]["invoice"]["ready"], false);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document_is_refused_by_name_and_stays_visible() {
    let stage = Stage::set().await;
    let load = covered(&stage).await;
    let dispatcher = stage.token(ACME, "dispatcher");
    let pod = ("kind", "proof_of_delivery");
    let refused = |response: Response| async { problem(response).await };
    let empty = upload(&stage, dispatcher, &load, &[pod], Some(b"")).await;
    assert_eq!(refused(empty).await, (422, "document_empty".to_owned()));
    let page = upload(
        &stage,
        dispatcher,
        &load,
        &[pod],
        Some(b"<html><script>alert(1)</script>"),
    )
    .await;
    assert_eq!(refused(page).await, (415, "document_unreadable".to_owned()));
    let later = (Timestamp::now() + SignedDuration::from_hours(3)).to_string();
    let future = upload(&stage, dispatcher, &load, &[pod, ("signed_at", &later)], Some(PDF)).await;
    assert_eq!(refused(future).await, (422, "document_invalid".to_owned()));
    let nonsense = upload(
        &stage,
        dispatcher,
        &load,
        &[("kind", "poem"), ("pieces", "many"), ("signed_at", "noon")],
        Some(PDF),
    )
    .await;
    let (status, body) = told(nonsense).await;
    let places: Vec<&str> = body["issues"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["at"].as_str())
        .collect();
    assert_eq!((status, places), (422, vec!["/kind", "/pieces", "/signed_at"]));
    let hvyt = stage
        .issue(
            ACME,
            signalbox_model::scope::Role::Carrier,
            Some("par_hvyt"),
            SignedDuration::from_hours(1),
        )
        .await;
    let strange = upload(&stage, &hvyt, &load, &[pod], Some(PDF)).await;
    assert_eq!(refused(strange).await, (403, "load_not_of_this_carrier".to_owned()));
    let nobody = upload(&stage, stage.token(ACME, "viewer"), &load, &[pod], Some(PDF)).await;
    assert_eq!(refused(nobody).await, (403, "role_missing".to_owned()));
    let (_, first) = told(upload(&stage, dispatcher, &load, &[pod], Some(PDF)).await).await;
    let again = upload(&stage, dispatcher, &load, &[pod], Some(PDF)).await;
    assert_eq!(refused(again).await, (409, "document_already_received".to_owned()));
    let list = format!("/api/v1/loads/{load}/documents?wait_for={}", first["seq"]);
    let seen = stage.get_json("dispatcher", &list).await;
    let standing: Vec<(String, bool)> = seen["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["rejection"].as_str().unwrap_or("none").to_owned(),
                it["kept"].as_bool().unwrap(),
            )
        })
        .collect();
    let wanted = [
        ("document_empty", false),
        ("document_unreadable", true),
        ("document_invalid", true),
        ("load_not_of_this_carrier", false),
        ("none", true),
    ];
    assert_eq!(standing, wanted.map(|(code, kept)| (code.to_owned(), kept)));
    // The page that was refused can be looked at, and runs nowhere.
    let page = seen["documents"][1]["id"].as_str().unwrap();
    let read = stage
        .get("dispatcher", &format!("/api/v1/loads/{load}/documents/{page}"))
        .await;
    assert_eq!(read.headers()["content-type"], "application/octet-stream");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_are_refused_before_they_are_read() {
    let stage = Stage::set().await;
    let load = covered(&stage).await;
    let token = stage.token(ACME, "dispatcher");
    let address = stage.server.address;
    let head = |framing: &str| {
        format!(
            "POST /api/v1/loads/{load}/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n{framing}\r\n\r\n"
        )
    };
    // One that says so is answered before a byte of it was sent.
    let mut honest = TcpStream::connect(address).await.unwrap();
    honest
        .write_all(head(&format!("Content-Length: {}", 200 * MIB)).as_bytes())
        .await
        .unwrap();
    let mut answer = vec![0; 4_096];
    let length = honest.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // One that does not say is cut off a little past the limit.
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    writer
        .write_all(head("Transfer-Encoding: chunked").as_bytes())
        .await
        .unwrap();
    let part = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nproof_of_delivery\r\n\
                        --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"
    );
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    writer.write_all(&chunk(part.as_bytes())).await.unwrap();
    let sending = tokio::spawn(async move {
        let zeros = chunk(&vec![0; MIB]);
        let mut sent = 0;
        while sent < 200 && writer.write_all(&zeros).await.is_ok() {
            sent += 1;
        }
        sent
    });
    let mut answer = vec![0; 4_096];
    let length = reader.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    drop(reader);
    let sent = sending.await.unwrap();
    assert!(sent < 100, "{sent} MiB were taken");
    // Both were refused by name, on the load, where people wait for the proof.
    let rows = stage
        .get_json("dispatcher", &format!("/api/v1/loads/{load}/documents"))
        .await;
    let rows: Vec<&Value> = rows["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["rejection"])
        .collect();
    assert!(rows.iter().all(|it| *it == "document_too_large"), "{rows:?}");
    stage.end().await;
}
