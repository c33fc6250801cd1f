//! What mails read as, and what of them is refused by name. `UPDATE_EXPECT=1 cargo test` rewrites.

use crate::support::{CONTEXT, read_sample, summary};
use expect_test::{Expect, expect};
use signalbox_formats::decode;
use signalbox_model::directory::SourceFormat;

fn check(name: &str, expected: Expect) {
    expected.assert_eq(&summary(&read_sample(name)));
}

#[test]
fn a_mail_with_parts_quotes_and_an_attachment() {
    check(
        "email/detention.eml",
        expect![[r#"
        mail at /
          Some("b7c1@northhaul.example") from pat@northhaul.example Some("2026-11-24T19:05:00Z") Unproved
          Subject "Re: load 48213\n"
          Own "\nDriver José is stuck at the Dallas receiver since 9:40 on 48213, need detention. 2.5 hrs over, $75/hr, reefer at 38F.\n\n"
          Quoted "> Where is he? We see 47000 on the board.\n"
          Signature "--\nPat Example\n555-010-1234"
          "48213" is Reference("48213")
          "since 9:40" is Time(SpokenTime { role: Since, clock: At { day: Unsaid, hour: 9, minute: 40 }, zone: None })
          "48213" is Reference("48213")
          "2.5 hrs" is Duration { minutes: 150 }
          "$75/hr" is Amount(Money { minor: 7500, currency: "USD" })
          "38F" is Temperature(33)
          "47000" is Reference("47000")
          application/pdf of 14 bytes, Some("bol.pdf")
    "#]],
    );
}

#[test]
fn html_becomes_text_and_runs_nothing() {
    check(
        "email/html_only.eml",
        expect![[r#"
            mail at /
              None from ops@northhaul.example Some("2026-11-24T19:05:00Z") Unproved
              Subject "48213\n"
              Own "\nTruck broke down near Tulsa & waits for a tow.\nBack by 6:00 pm CST\nor tomorrow 7am."
              "48213" is Reference("48213")
              "by 6:00 pm CST" is Time(SpokenTime { role: Until, clock: At { day: Unsaid, hour: 18, minute: 0 }, zone: Some("America/Chicago") })
              "tomorrow 7am" is Time(SpokenTime { role: At, clock: At { day: Relative(1), hour: 7, minute: 0 }, zone: None })
        "#]],
    );
}

#[test]
fn what_a_gateway_posts() {
    check(
        "email/webhook.json",
        expect![[r#"
        mail at /
          Some("b7c2@northhaul.example") from pat@northhaul.example Some("2026-11-24T19:05:00Z") Proved
          Subject "PO-99120 running late\n"
          Own "\nETA in 2 hrs.\n\n"
          Quoted "On Tue, Dana wrote:\n> when?"
          "PO-99120" is Reference("PO99120")
          "in 2 hrs" is Time(SpokenTime { role: Expected, clock: FromNow { minutes: 120 }, zone: None })
          image/png of 512 bytes, Some("map.png")
    "#]],
    );
}

#[test]
fn broken_mails_say_where_why_and_what_to_do() {
    check(
        "email/bad/no_sender.eml",
        expect![[r#"
        unread at /
          ! Fatal email.no_sender at From: the mail does not say whom it is from
    "#]],
    );
    check(
        "email/bad/cut_off.eml",
        expect![[r#"
        mail at /
          None from pat@northhaul.example None Unproved
          Subject "cut\n"
          Own "\nwill be late on 48213"
          "48213" is Reference("48213")
          application/pdf of 4 bytes, None
          ! Warning email.cut_off at body: the mail ends before its last part does
          ! Warning email.no_date at Date: the mail does not say when it was sent, or it cannot be read
    "#]],
    );
    check(
        "email/bad/empty.eml",
        expect![[r#"
        unread at /
          ! Fatal email.no_text at body: the mail has neither text nor attachments
    "#]],
    );
    check(
        "email/bad/no_boundary.eml",
        expect![[r#"
        unread at /
          ! Fatal email.no_boundary at Content-Type: its parts cannot be told apart: the boundary is missing
          ! Warning email.no_date at Date: the mail does not say when it was sent, or it cannot be read
    "#]],
    );
    check(
        "email/bad/not_mail.eml",
        expect![[r#"
        unread at /
          ! Fatal email.no_headers at line 1: it does not begin with the headers of a mail, or they are too long
    "#]],
    );
}

fn codes(bytes: &[u8]) -> Vec<String> {
    let decoded = decode(SourceFormat::Email, bytes, &CONTEXT);
    let issues = decoded
        .issues
        .iter()
        .chain(decoded.decodings.iter().flat_map(|it| &it.issues));
    issues.map(|it| it.code.clone()).collect()
}

#[test]
fn what_is_too_much_is_refused_by_name() {
    let head = "From: a@b.example\nDate: Tue, 24 Nov 2026 19:05:00 +0000\nSubject: x\n";
    let many = format!(
        "{head}Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n",
        "--b\n\nx\n".repeat(500)
    );
    assert_eq!(codes(many.as_bytes()), ["email.too_many_parts"]);
    let mut deep = format!("{head}Content-Type: multipart/mixed; boundary=b0\n\n");
    for level in 0..50 {
        deep += &format!("--b{level}\nContent-Type: multipart/mixed; boundary=b{}\n\n", level + 1);
    }
    assert!(codes(deep.as_bytes()).contains(&"email.too_deep".to_owned()));
    let long = format!("{head}\n{}", "word ".repeat(20_000));
    assert_eq!(codes(long.as_bytes()), ["email.long"]);
    let more = format!("{head}\n{}", "word ".repeat(500_000));
    assert_eq!(codes(more.as_bytes())[0], "email.too_much_text");
}

/// A mail within a mail within a mail is named as an attachment and not opened, so that no depth can hurt.
#[test]
fn mails_within_mails_are_not_opened() {
    let head = "From: a@b.example\nDate: Tue, 24 Nov 2026 19:05:00 +0000\nSubject: 48213\n";
    let nested = format!("{head}{}", "Content-Type: message/rfc822\n\n".repeat(100_000));
    assert!(codes(nested.as_bytes()).is_empty());
    let digests = "Content-Type: multipart/digest; boundary=b\n\n--b\n\n".repeat(50_000);
    let _ = codes(format!("{head}{digests}").as_bytes());
}
