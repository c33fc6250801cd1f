//! Exports that were tampered with: found, and named where something outside says how it was.

use crate::audit::export::Export;
use crate::audit::note::{Signer, Use, VerifierKey};
use crate::audit::tests::{checkpoint_of, entries, log, signer};
use crate::audit::tree::{Hash, leaf_hash};
use crate::audit::verify::{Problem, Report, What, verify};
use crate::audit::{checkpoint, sequencer};
use proptest::prelude::*;

fn keys() -> Vec<VerifierKey> {
    vec![signer().verifier_key().clone()]
}

fn hashes(entries: &[String]) -> Vec<Hash> {
    entries.iter().map(|it| leaf_hash(it.as_bytes())).collect()
}

fn lines(header: &Export, entries: &[String]) -> String {
    let mut text = header.first_line().unwrap();
    for entry in entries {
        text += entry;
        text.push('\n');
    }
    text
}

fn export(signed: &[String], shown: &[String], with_hashes: bool) -> String {
    let hashes = hashes(signed);
    let hashes = with_hashes.then_some(hashes.as_slice());
    lines(
        &Export::header("ten_a", signer().verifier_key(), &checkpoint_of(signed), hashes),
        shown,
    )
}

/// What is found, with its place.
fn found(report: &Report) -> Vec<(Option<u64>, What)> {
    report.problems.iter().map(|it| (it.index, it.what)).collect()
}

fn check(shown: &[String], with_hashes: bool, expected: &[(Option<u64>, What)]) {
    let report = verify(export(&entries(30), shown, with_hashes).as_bytes(), &keys(), &[]);
    assert_eq!(found(&report), expected, "{:#?}", report.problems);
}

#[test]
fn an_honest_export_passes_in_both_forms() {
    let entries = entries(300);
    let held = [
        checkpoint_of(&entries[..100]),
        checkpoint_of(&entries),
        checkpoint_of(&[]),
    ];
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    let text = export(&entries, &entries, true);
    let report = verify(text.as_bytes(), &keys(), &held);
    assert!(report.passed(), "{:?}", report.problems);
    assert_eq!((report.size, report.held.as_slice()), (300, [0, 100, 300].as_slice()));
    let header = Export::header("ten_a", signer().verifier_key(), held[1], None);
    let document = Export {
        entries: Some(entries),
        ..header
    };
    for text in [
        serde_json::to_string(&document).unwrap(),
        serde_json::to_string_pretty(&document).unwrap(),
    ] {
        let report = verify(text.as_bytes(), &keys(), &held);
        assert!(report.passed() && report.size == 300, "{:?}", report.problems);
    }
    let empty = verify(export(&[], &[], true).as_bytes(), &keys(), &[]);
    assert!(empty.passed() && empty.size == 0);
}

#[test]
fn a_changed_entry_is_named() {
    let mut shown = entries(30);
    shown[17] = shown[17].replace("\"choice\":\"ranked\"", "\"choice\":\"forbid\"");
    check(&shown, true, &[(None, What::RootDiffers), (Some(17), What::Changed)]);
    check(&shown, false, &[(None, What::RootDiffers)]);
}

#[test]
fn a_removed_entry_is_named() {
    let mut shown = entries(30);
    shown.remove(3);
    let report = verify(export(&entries(30), &shown, true).as_bytes(), &keys(), &[]);
    let found = found(&report);
    assert!(
        found.contains(&(Some(3), What::Removed)) && found.contains(&(Some(29), What::Truncated)),
        "{found:?}"
    );
    assert!(found.iter().any(|(_, what)| *what == What::StreamGap), "{found:?}");
}

#[test]
fn an_added_entry_is_named() {
    let mut shown = entries(30);
    shown.insert(5, shown[4].replace("load_", "load_9"));
    let report = verify(export(&entries(30), &shown, true).as_bytes(), &keys(), &[]);
    let found = found(&report);
    assert!(
        found.contains(&(Some(5), What::Added)) && found.contains(&(Some(30), What::Overlong)),
        "{found:?}"
    );
    let mut twice = entries(30);
    twice.insert(5, twice[4].clone());
    let report = verify(export(&entries(30), &twice, true).as_bytes(), &keys(), &[]);
    assert!(
        report
            .problems
            .iter()
            .any(|it| it.what == What::Added && it.index == Some(5))
    );
}

#[test]
fn moved_entries_are_named() {
    let mut shown = entries(30);
    shown.swap(4, 21);
    let report = verify(export(&entries(30), &shown, true).as_bytes(), &keys(), &[]);
    let why = "this is entry 4 of the signed log, out of its order".to_owned();
    assert!(
        report.problems.contains(&Problem {
            index: Some(21),
            what: What::Moved,
            why
        }),
        "{:#?}",
        report.problems
    );
}

#[test]
fn a_cut_tail_is_named_even_when_its_checkpoint_is_honest() {
    let entries = entries(30);
    let held = checkpoint_of(&entries);
    let older = export(&entries[..20], &entries[..20], true);
    assert!(
        verify(older.as_bytes(), &keys(), &[])
            .problems
            .iter()
            .all(|it| it.what == What::StreamGap)
    );
    let report = verify(older.as_bytes(), &keys(), &[&held]);
    assert!(
        found(&report).contains(&(Some(20), What::Truncated)),
        "{:?}",
        report.problems
    );
}

#[test]
fn a_stream_that_jumps_says_where_without_any_original() {
    let whole = entries(30);
    let place = whole
        .iter()
        .position(|it| it.contains("\"load_3\"") && it.contains("\"version\":2"))
        .unwrap();
    let mut shown = whole.clone();
    shown.remove(place);
    // The holder of the key signed the log without it.
    let report = verify(export(&shown, &shown, true).as_bytes(), &keys(), &[]);
    let gap = report.problems.iter().find(|it| it.what == What::StreamGap).unwrap();
    assert_eq!(gap.why, "load_3: version jumps from 1 to 3, which follows 2");
    assert!(shown[gap.index.unwrap() as usize].contains("\"version\":3"));
    let held = [checkpoint_of(&whole[..place]), checkpoint_of(&whole)];
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    let report = verify(export(&shown, &shown, true).as_bytes(), &keys(), &held);
    assert_eq!(report.held, [place as u64]);
    assert!(report.problems.iter().any(|it| it.what == What::Truncated));
}

#[test]
fn a_rewritten_and_signed_log_is_found_by_a_held_checkpoint() {
    let honest = entries(30);
    let mut rewritten = honest.clone();
    rewritten[17] = rewritten[17].replace("ranked", "forbid");
    let held = [checkpoint_of(&honest[..10]), checkpoint_of(&honest[..20])];
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    let text = export(&rewritten, &rewritten, true);
    assert!(
        verify(text.as_bytes(), &keys(), &[]).passed(),
        "nothing outside says otherwise"
    );
    let report = verify(text.as_bytes(), &keys(), &held);
    assert_eq!(found(&report), [(Some(10), What::Rewritten)]);
    assert!(report.problems[0].why.contains("the first 10 are"));
}

#[test]
fn wrong_keys_and_forged_checkpoints_are_refused() {
    let entries = entries(10);
    let text = export(&entries, &entries, false);
    let stranger = Signer::from_seed("dispatch.example/ten_a", Use::Log, &[4; 32]).unwrap();
    for keys in [Vec::new(), vec![stranger.verifier_key().clone()]] {
        let report = verify(text.as_bytes(), &keys, &[]);
        assert_eq!(found(&report), [(None, What::Untrusted)]);
    }
    let forged = text.replacen("\\n10\\n", "\\n11\\n", 1);
    assert_eq!(
        found(&verify(forged.as_bytes(), &keys(), &[])),
        [(None, What::Untrusted)]
    );
    let (log, _) = log(&entries);
    let by_stranger = checkpoint::sign(&stranger, &log.head(), &[]).unwrap();
    let report = verify(text.as_bytes(), &keys(), &[&by_stranger]);
    assert_eq!(found(&report), [(None, What::HeldUnusable)]);
    let other = text.replace("\"tenant\":\"ten_a\",\"v\"", "\"tenant\":\"ten_b\",\"v\"");
    let report = verify(other.as_bytes(), &keys(), &[]);
    assert!(report.problems.iter().filter(|it| it.what == What::OtherTenant).count() == 10);
    for text in ["", "{}", "not json", "[1]"] {
        assert_eq!(
            found(&verify(text.as_bytes(), &keys(), &[])),
            [(None, What::Unreadable)],
            "{text}"
        );
    }
}

#[test]
fn problems_are_counted_when_there_are_too_many_to_list() {
    let noise: Vec<String> = (0..500).map(|it| format!("line {it}")).collect();
    let report = verify(export(&noise, &noise, true).as_bytes(), &keys(), &[]);
    assert_eq!((report.problems.len(), report.unlisted), (100, 400));
    assert_eq!(sequencer::CHECKPOINT_BLOB, "checkpoint");
}

#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, String),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        (place(), 0_u8..7).prop_map(|(at, bit)| Change::Flip(at, bit)),
        place().prop_map(Change::Remove),
        (place(), place()).prop_map(|(one, other)| Change::Swap(one, other)),
        (place(), "[ -~]{0,40}").prop_map(|(at, text)| Change::Insert(at, text)),
        place().prop_map(Change::Cut),
    ]
}

fn apply(entries: &mut Vec<String>, change: &Change) {
    match change {
        Change::Flip(at, bit) => {
            let mut bytes = at.get(entries).clone().into_bytes();
            let byte = at.index(bytes.len());
            bytes[byte] ^= 1 << bit;
            let place = at.index(entries.len());
            entries[place] = String::from_utf8(bytes).unwrap();
        }
        Change::Remove(at) => {
            entries.remove(at.index(entries.len()));
        }
        Change::Swap(one, other) => {
            let (one, other) = (one.index(entries.len()), other.index(entries.len()));
            entries.swap(one, other);
        }
        Change::Insert(at, text) => entries.insert(at.index(entries.len()), text.clone()),
        Change::Cut(at) => entries.truncate(at.index(entries.len())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Whoever holds the key signs the tampered log: a checkpoint held elsewhere still tells.
    #[test]
    fn any_change_is_found_against_a_held_checkpoint(count in 1_usize..80, change in change()) {
        let honest = entries(count);
        let mut shown = honest.clone();
        apply(&mut shown, &change);
        let held = checkpoint_of(&honest);
        prop_assert_eq!(verify(export(&shown, &shown, true).as_bytes(), &keys(), &[&held]).held.is_empty(), shown != honest);
        let report = verify(export(&shown, &shown, false).as_bytes(), &keys(), &[&held]);
        prop_assert_eq!(report.problems.iter().any(|it| it.what != What::StreamGap), shown != honest);
    }

    /// The key stayed safe: the signed root alone tells, and the leaf hashes say where.
    #[test]
    fn any_change_is_found_against_the_signed_root(count in 1_usize..80, change in change()) {
        let honest = entries(count);
        let mut shown = honest.clone();
        apply(&mut shown, &change);
        let report = verify(export(&honest, &shown, true).as_bytes(), &keys(), &[]);
        let named = [What::Changed, What::Removed, What::Added, What::Moved];
        prop_assert_eq!(report.problems.iter().any(|it| named.contains(&it.what)), shown != honest, "{:#?}", report.problems);
    }
}
