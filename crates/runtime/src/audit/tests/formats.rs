//! Tiles, notes, checkpoints, proofs and leaves: the formats' own examples, and what must be refused.

use crate::audit::canonical;
use crate::audit::checkpoint;
use crate::audit::leaf::{self, Commitment, Turn};
use crate::audit::note::{self, Signer, Use, VerifierKey};
use crate::audit::proof;
use crate::audit::tests::{ORIGIN, entries, log, signer};
use crate::audit::tile::{self, Path};
use crate::audit::tree::{Head, empty_root};
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::decision::{Decision, Evidence};
use signalbox_model::id::{StreamId, SubjectId, TenantId};
use signalbox_model::personal::{Sealed, Taint};
use signalbox_model::scope::{Actor, Role};

#[test]
fn tile_paths_are_written_one_way() {
    for (path, text) in [
        (Path::hashes(0, 0), "tile/0/000"),
        (Path::hashes(1, 7).partial(17), "tile/1/007.p/17"),
        (Path::hashes(0, 273).partial(112), "tile/0/273.p/112"),
        (Path::hashes(63, 1_234_067), "tile/63/x001/x234/067"),
        (Path::entries(1_234), "tile/entries/x001/234"),
        (
            Path::entries(1_000_000).partial(255),
            "tile/entries/x001/x000/000.p/255",
        ),
        (
            Path::entries(u64::MAX),
            "tile/entries/x018/x446/x744/x073/x709/x551/615",
        ),
    ] {
        assert_eq!(path.to_string(), text);
        assert_eq!(Path::parse(text), Some(path));
    }
    for text in [
        "",
        "tile",
        "tile/0",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/001/234",
        "tile/0/x001",
        "tile/0/x000/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/07",
        "tile/0/000.p/+7",
        "tile/0/../000",
        "tile/entries/x1/234",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/000/",
    ] {
        assert_eq!(Path::parse(text), None, "{text}");
    }
}

#[test]
fn tile_widths_are_those_of_the_example() {
    let width = |level, index| tile::width_at(level, index, 70_000);
    assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (256, 112, 0));
    assert_eq!((width(1, 0), width(1, 1), width(2, 0), width(3, 0)), (256, 17, 1, 0));
    assert_eq!(
        (
            tile::width_at(0, 0, 256),
            tile::width_at(1, 0, 256),
            tile::width_at(0, 1, 256)
        ),
        (256, 1, 0)
    );
    assert_eq!(tile::width_at(63, u64::MAX, u64::MAX), 0);
}

#[test]
fn bundles_keep_entries_apart() {
    let mut bundle = Vec::new();
    let longest = vec![b'x'; 65_535];
    for entry in [b"one".as_slice(), b"", &longest] {
        assert!(tile::append_entry(&mut bundle, entry));
    }
    assert!(!tile::append_entry(&mut bundle, &vec![b'x'; 65_536]));
    assert_eq!(&bundle[..7], b"\0\x03one\0\0");
    assert_eq!(tile::entries(&bundle).unwrap(), [b"one".as_slice(), b"", &longest]);
    assert_eq!(tile::entries(&bundle[..bundle.len() - 1]), None);
    assert_eq!(tile::hashes(&[0; 65]), None);
}

#[test]
fn a_partial_tile_is_cut_from_the_stored_one() {
    let (_, store) = log(&entries(300));
    let mut blobs = |name: &str| store.get(name).cloned();
    let whole = blobs("tile/0/001").unwrap();
    assert_eq!(tile::serve("tile/0/001.p/44", &mut blobs), Some(whole.clone()));
    assert_eq!(tile::serve("tile/0/001.p/10", &mut blobs), Some(whole[..320].to_vec()));
    assert_eq!(tile::serve("tile/0/001.p/45", &mut blobs), None);
    assert_eq!(tile::serve("tile/0/001", &mut blobs), None);
    assert_eq!(tile::serve("tile/0/000", &mut blobs).unwrap().len(), 8192);
    assert_eq!(tile::serve("tile/1/000.p/1", &mut blobs).unwrap().len(), 32);
    let cut = tile::serve("tile/entries/001.p/3", &mut blobs).unwrap();
    assert_eq!(tile::entries(&cut).unwrap().len(), 3);
    assert_eq!(tile::serve("tile/entries/001.p/45", &mut blobs), None);
    assert_eq!(tile::serve("audit/state", &mut blobs), None);
}

/// The example of the Go package that the format comes from.
#[test]
fn the_known_note_is_accepted() {
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let note = format!("{text}\n— PeterNeumann {signature}\n");
    let key = VerifierKey::parse(key).unwrap();
    assert_eq!(
        key.to_string(),
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    );
    assert_eq!(note::open(&note, std::slice::from_ref(&key)).unwrap().text, text);
    let changed = note.replace("answer", "anzwer");
    assert_eq!(
        note::open(&changed, &[key]),
        Err(note::Error::Forged("PeterNeumann".to_owned()))
    );
    assert_eq!(note::open(&note, &[]), Err(note::Error::Unsigned));
}

#[test]
fn spoiled_keys_and_notes_are_refused() {
    for key in [
        "",
        "a+b",
        "name+c74f20a3+AQ==",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "a+00000000+not base64",
    ] {
        assert!(VerifierKey::parse(key).is_err(), "{key}");
    }
    let signer = signer();
    let keys = [signer.verifier_key().clone()];
    let note = signer.sign("a text\n").unwrap();
    assert!(note::open(&note, &keys).is_ok());
    for spoiled in [
        note.trim_end().to_owned(),
        note.replace("\n\n", "\n"),
        note.replace("— ", "- "),
        note.replace("a text", "a\ttext"),
        note.replace("a text", "another text"),
        format!("{note}— stranger\n"),
        format!("{note}— stranger AAA\n"),
        String::new(),
    ] {
        assert!(note::open(&spoiled, &keys).is_err(), "{spoiled}");
    }
    let with_stranger = format!("{note}— stranger.example AAAAAAAA\n");
    assert!(note::open(&with_stranger, &keys).is_ok());
    assert!(signer.sign("no newline").is_err());
    assert!(!format!("{signer:?}").contains("03"));
}

#[test]
fn checkpoints_are_signed_by_the_log_itself() {
    let (log, head) = (
        signer(),
        Head {
            size: 0,
            root: empty_root(),
        },
    );
    let witness = Signer::from_seed("witness.example/w1", Use::Witness, &[5; 32]).unwrap();
    let keys = [log.verifier_key().clone(), witness.verifier_key().clone()];
    let note = checkpoint::sign(&log, &head, &["an extension"]).unwrap();
    assert!(
        note.starts_with("dispatch.example/ten_a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nan extension\n\n— ")
    );
    let witnessed = witness.cosign(&note, 1_679_315_147).unwrap();
    let opened = checkpoint::open(&witnessed, &keys).unwrap();
    assert_eq!((opened.origin.as_str(), opened.head), (ORIGIN, head));
    assert_eq!(opened.witnesses, [("witness.example/w1".to_owned(), 1_679_315_147)]);
    assert!(checkpoint::open(&witnessed, &keys[1..]).is_err(), "a witness alone");
    assert!(checkpoint::open(&witnessed.replace("\n0\n", "\n1\n"), &keys).is_err());
    let other = Signer::from_seed("other.example/log", Use::Log, &[3; 32]).unwrap();
    let borrowed = other
        .sign(note.split_once("\n\n").unwrap().0.to_owned().as_str().trim_end())
        .unwrap_err();
    assert!(matches!(borrowed, note::Error::Malformed(_)));
    let text = format!("{}\n", note.split_once("\n\n").unwrap().0);
    let borrowed = other.sign(&text).unwrap();
    let key = [other.verifier_key().clone()];
    assert_eq!(
        checkpoint::open(&borrowed, &key),
        Err(checkpoint::Error::Unsigned(ORIGIN.to_owned()))
    );
    for text in ["log\n01\nAA==\n", "log\n1\nAA==\n", "log\n", "\n1\n"] {
        assert!(checkpoint::open(&log.sign(text).unwrap(), &keys).is_err(), "{text}");
    }
    assert!(checkpoint::sign(&log, &head, &[""]).is_err());
}

#[test]
fn a_proof_file_proves_its_entry_only() {
    let entries = entries(300);
    let (_, store) = log(&entries);
    let note = String::from_utf8(store["checkpoint"].clone()).unwrap();
    let keys = [signer().verifier_key().clone()];
    let mut blobs = |name: &str| store.get(name).cloned();
    for index in [0, 1, 255, 256, 299] {
        let text = proof::from_tiles(index, 300, &note, &mut blobs).unwrap();
        assert!(text.starts_with(&format!("c2sp.org/tlog-proof@v1\nindex {index}\n")) && text.len() < 2_048);
        let entry = entries[index as usize].as_bytes();
        assert_eq!(tile::entry(index, &mut blobs).as_deref(), Some(entry));
        let verified = proof::verify(&text, entry, &keys).unwrap();
        assert_eq!(
            (verified.index, verified.checkpoint.head.size, verified.extra),
            (index, 300, None)
        );
        assert!(proof::verify(&text, b"another entry", &keys).is_err());
        let moved = text.replace(&format!("index {index}\n"), &format!("index {}\n", index + 1));
        assert!(proof::verify(&moved, entry, &keys).is_err());
        assert!(proof::verify(&text.replace("@v1", "@v2"), entry, &keys).is_err());
        assert!(proof::verify(&text, entry, &[]).is_err());
        assert!(proof::verify(&text[..text.len() - 2], entry, &keys).is_err());
    }
    assert_eq!(proof::from_tiles(300, 300, &note, &mut blobs), None);
    let with_extra = proof::make(Some(b"load_1"), 0, &[], &note);
    assert!(with_extra.starts_with("c2sp.org/tlog-proof@v1\nextra bG9hZF8x\nindex 0\n\ndispatch.example/ten_a\n300\n"));
}

#[test]
fn a_proof_in_a_tree_of_one_has_no_path() {
    let entries = entries(1);
    let (_, store) = log(&entries);
    let note = String::from_utf8(store["checkpoint"].clone()).unwrap();
    let text = proof::make(Some(b"why"), 0, &[], &note);
    let verified = proof::verify(&text, entries[0].as_bytes(), &[signer().verifier_key().clone()]).unwrap();
    assert_eq!(verified.extra.as_deref(), Some(b"why".as_slice()));
}

fn leaf_of(value: Value) -> Result<String, leaf::Error> {
    let (tenant, stream, actor) = (TenantId::from("ten_a"), StreamId("load_1".to_owned()), Actor::system());
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    let turn = Turn {
        tenant: &tenant,
        stream: &stream,
        version: 4,
        after: 2,
        at,
        actor: &actor,
    };
    let decision = Decision {
        about: "gate.make_offer".to_owned(),
        choice: "allow".to_owned(),
        evidence: vec![Evidence::new("contact", value, "message")],
        rule: "policy@1".to_owned(),
    };
    leaf::entry(&turn, (1, 1), &decision, &[Commitment::of("phone", &sealed())])
}

fn sealed() -> Sealed {
    Sealed {
        subject: SubjectId::from("sub_1"),
        taint: Taint::Partner,
        cipher: "c2VjcmV0".to_owned(),
        commitment: "00ff".to_owned(),
    }
}

#[test]
fn a_leaf_holds_commitments_in_place_of_personal_values() {
    let deep = json!([{ "contacts": { "name": sealed(), "role": "driver" } }]);
    let expected = concat!(
        r#"{"about":"gate.make_offer","actor":{"kind":"system","name":"signalbox","roles":[]},"after":2,"#,
        r#""at":"2023-11-14T22:13:20Z","choice":"allow","#,
        r#""commitments":[{"commitment":"00ff","subject":"sub_1","what":"phone"}],"#,
        r#""evidence":[{"source":"message","value":[{"contacts":{"name":{"commitment":"00ff","subject":"sub_1"},"#,
        r#""role":"driver"}}],"what":"contact"}],"part":1,"parts":1,"rule":"policy@1","stream":"load_1","#,
        r#""tenant":"ten_a","v":1,"version":4}"#,
    );
    assert_eq!(leaf_of(deep).unwrap(), expected);
}

#[test]
fn a_leaf_is_the_canonical_form_of_what_it_says() {
    let odd = json!({ "z": [1.5, "\u{e9}\n"], "\u{1f600}": null, "a": { "b": true } });
    for value in [odd, json!("plain \"text\""), json!(-7), json!([])] {
        let leaf = leaf_of(value).unwrap();
        let read: Value = serde_json::from_str(&leaf).unwrap();
        assert_eq!(canonical::to_string(&read).unwrap(), leaf);
    }
    for role in Role::ALL {
        assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
    }
}

#[test]
fn a_leaf_that_does_not_fit_is_refused_when_it_is_made() {
    assert!(matches!(
        leaf_of(json!("x".repeat(65_536))),
        Err(leaf::Error::TooLong { .. })
    ));
    assert!(matches!(leaf_of(json!(u64::MAX)), Err(leaf::Error::Number(_))));
}
