//! Real files that none of us wrote, where they are at hand. They stay out of the project.

use crate::support::CONTEXT;
use signalbox_formats::{Decoded, decode};
use signalbox_model::attempt::{Attempt, OrderAttempt};
use signalbox_model::directory::SourceFormat;
use signalbox_model::issue::Severity;
use signalbox_model::load::StopKind;
use std::path::{Path, PathBuf};

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/x12");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no corpus at {}", folder.display());
    None
}

fn read(path: &Path) -> Decoded {
    decode(SourceFormat::X12, &std::fs::read(path).unwrap(), &CONTEXT)
}

fn only(decoded: Decoded) -> Attempt {
    let mut attempts = decoded.decodings.into_iter().map(|it| it.attempt);
    let first = attempts.next().flatten();
    assert!(attempts.next().is_none());
    first.unwrap()
}

#[test]
fn one_load_is_followed_from_tender_to_invoice() {
    let Some(corpus) = corpus() else { return };
    let file = |name: &str| only(read(&corpus.join("mercurygate-family").join(name)));
    let Attempt::Order(order) = file("204.edi") else {
        panic!("no order")
    };
    check_tender(&order);
    let Attempt::Answer(answer) = file("990.edi") else {
        panic!("no answer")
    };
    assert_eq!(
        (answer.carrier.as_str(), answer.reference.as_str()),
        ("SCAC", "75027674")
    );
    assert_eq!(answer.answer, signalbox_model::answer::Answer::Accept);
    let Attempt::Status(status) = file("214.edi") else {
        panic!("no status")
    };
    assert_eq!(status.reference, "75027674");
    let milestone = &status.milestones[0];
    assert_eq!(
        (milestone.status.as_str(), milestone.city.as_deref()),
        ("D1", Some("BRATTLEBORO"))
    );
    assert_eq!(
        milestone.occurred.as_ref().unwrap().at.to_string(),
        "2016-07-26T16:30:00Z"
    );
    let Attempt::Invoice(invoice) = file("210.edi") else {
        panic!("no invoice")
    };
    assert_eq!(
        (invoice.reference.as_str(), invoice.total.to_string().as_str()),
        ("75027674", "659.40 USD")
    );
    assert_eq!(invoice.number, "09851270");
}

fn check_tender(order: &OrderAttempt) {
    assert_eq!(
        (order.customer.as_str(), order.reference.as_str()),
        ("MGCTLYST", "75027674")
    );
    assert_eq!(order.rate.as_ref().unwrap().to_string(), "557.21 USD");
    let stops: Vec<_> = order.stops.iter().map(|it| (it.kind, it.location.label())).collect();
    assert_eq!(
        stops,
        [
            (StopKind::Pickup, "RUMFORD, ME".to_owned()),
            (StopKind::Delivery, "WEST ALLIS, WI".to_owned())
        ]
    );
    assert_eq!(
        order.stops[0].window.earliest.as_ref().unwrap().at.to_string(),
        "2016-07-26T14:09:00Z"
    );
    assert_eq!(
        order.stops[1].window.latest.as_ref().unwrap().at.to_string(),
        "2016-07-30T04:59:00Z"
    );
}

#[test]
fn every_file_is_read_or_says_why_not() {
    let Some(corpus) = corpus() else { return };
    let mut files: Vec<PathBuf> = ["edinet", "mercurygate-family", "misc", "staedi", "x12parser"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(corpus.join(folder)).unwrap())
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    let (mut read_count, mut unread) = (0, 0);
    for file in &files {
        let decoded = read(file);
        let name = file.strip_prefix(&corpus).unwrap().display();
        let attempts = decoded.decodings.iter().filter(|it| it.attempt.is_some()).count();
        let all = decoded
            .issues
            .iter()
            .chain(decoded.decodings.iter().flat_map(|it| &it.issues));
        let codes: Vec<String> = all
            .map(|it| format!("{:?} {} {}", it.severity, it.code, it.at))
            .collect();
        eprintln!(
            "{name}: {attempts} of {} read; {}",
            decoded.decodings.len(),
            codes.join("; ")
        );
        for it in &decoded.decodings {
            let is_fatal = it.issues.iter().any(|it| it.severity == Severity::Fatal);
            assert_eq!(it.attempt.is_none(), is_fatal, "{name}");
        }
        read_count += attempts;
        unread += decoded.decodings.len() - attempts;
        assert!(!decoded.identities.is_empty(), "{name}");
    }
    eprintln!("{} files: {read_count} transactions read, {unread} not", files.len());
}
