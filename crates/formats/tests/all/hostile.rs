//! No bytes whatever make a decoder panic, and no cut file loses a whole transaction.

use crate::support::{CONTEXT, format_of, samples, summary};
use proptest::prelude::*;
use signalbox_formats::{BYTES_MAX, decode};
use signalbox_model::directory::SourceFormat;
use signalbox_model::issue::Severity;

/// Mutations of each sample in one run of the tests.
const MUTATIONS: u32 = 300;

fn all_samples() -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = ["", "bad", "telematics", "telematics/bad", "email", "email/bad"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(samples().join(folder)).unwrap())
        .map(|it| it.unwrap().path())
        .filter(|it| {
            it.extension()
                .is_some_and(|it| it == "edi" || it == "json" || it == "eml")
        })
        .map(|it| (it.display().to_string(), std::fs::read(it).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn every_sample_cut_anywhere_is_read_or_refused() {
    for (name, bytes) in all_samples() {
        for cut in 0..bytes.len() {
            let decoded = decode(format_of(&name), &bytes[..cut], &CONTEXT);
            let _ = summary(&decoded);
        }
    }
}

#[test]
fn every_sample_mutated_is_read_or_refused() {
    // A fixed sequence, so that a failure comes back.
    let mut state: u64 = 0x5151_6e61_6c62_6f78;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for (name, bytes) in all_samples() {
        for _ in 0..MUTATIONS {
            let mut bytes = bytes.clone();
            for _ in 0..=next() % 8 {
                let at = next() % bytes.len().max(1);
                match next() % 4 {
                    0 => bytes[at] = next() as u8,
                    1 => bytes[at] = b"*~:>\n\rISASTGESE0 \0\xff"[next() % 19],
                    2 => drop(bytes.remove(at)),
                    _ => {
                        let (from, length) = (next() % bytes.len(), next() % 80);
                        let piece: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
                        bytes.splice(at..at, piece);
                    }
                }
            }
            let decoded = decode(format_of(&name), &bytes, &CONTEXT);
            let _ = summary(&decoded);
            for it in &decoded.replies {
                let _ = signalbox_formats::x12::reply(&it.x12, 7, jiff::Timestamp::UNIX_EPOCH);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for format in [SourceFormat::X12, SourceFormat::Json, SourceFormat::Telematics, SourceFormat::Email] {
            let _ = decode(format, &bytes, &CONTEXT);
        }
    }

    #[test]
    fn any_text_after_a_header_is_read_or_refused(tail in "[*~>A-Z0-9 \\n]{0,400}") {
        let header = "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260101*0000*U*00401*000000001*0*T*>~";
        for set in ["204", "990", "214", "210", "997"] {
            let text = format!("{header}GS*SM*A*B*20260101*0000*1*X*004010~ST*{set}*0001~{tail}~SE*3*0001~GE*1*1~IEA*1*000000001~");
            let _ = decode(SourceFormat::X12, text.as_bytes(), &CONTEXT);
        }
    }
}

fn fatal(format: SourceFormat, bytes: &[u8]) -> Vec<String> {
    let decoded = decode(format, bytes, &CONTEXT);
    let all = decoded
        .issues
        .iter()
        .chain(decoded.decodings.iter().flat_map(|it| &it.issues));
    all.filter(|it| it.severity == Severity::Fatal)
        .map(|it| it.code.clone())
        .collect()
}

#[test]
fn what_is_too_much_is_refused_by_name() {
    assert_eq!(
        fatal(SourceFormat::X12, &vec![b' '; BYTES_MAX + 1]),
        ["message.too_large"]
    );
    assert_eq!(
        fatal(SourceFormat::Json, &vec![b' '; BYTES_MAX / 2]),
        ["message.too_large"]
    );
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    assert_eq!(fatal(SourceFormat::Json, deep.as_bytes()), ["json.too_deep"]);
    assert_eq!(fatal(SourceFormat::Json, b"{\"stops\": [}"), ["json.syntax"]);
    assert_eq!(
        fatal(
            SourceFormat::Json,
            "[1]".replace('1', &"1,".repeat(1_500)).replace(",]", "]").as_bytes()
        )[0],
        "json.too_many_items"
    );
    assert_eq!(fatal(SourceFormat::Email, b"hello"), ["email.no_headers"]);
    assert_eq!(fatal(SourceFormat::X12, b""), ["x12.no_interchange"]);
    assert_eq!(
        fatal(SourceFormat::X12, &b"ISA*".repeat(100_000))[0],
        "x12.isa_unreadable"
    );
    assert_eq!(fatal(SourceFormat::X12, "I\0S\0A\0".as_bytes()), ["x12.no_interchange"]);
}

#[test]
fn a_flood_of_mistakes_keeps_a_bounded_list() {
    let header =
        "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260101*0000*U*00401*000000001*0*T*>~";
    let flood = header.to_owned() + &"ZZZ*1~".repeat(200_000);
    let decoded = decode(SourceFormat::X12, flood.as_bytes(), &CONTEXT);
    assert!(decoded.issues.len() < 110, "{}", decoded.issues.len());
    assert!(decoded.issues.iter().any(|it| it.code == "more_issues"));
}
