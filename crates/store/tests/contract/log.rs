//! Appending: dense, atomic, durable, fenced.

use crate::fixtures::*;
use crate::ground::Ground;
use signalbox_model::id::{SubjectId, TenantId};
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::ports::{Positions, StoreError};

pub fn seqs_are_dense_and_batches_keep_their_order(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    assert_eq!(store.positions().unwrap(), Positions::default());
    assert_eq!(store.append(epoch, &[turn(ACME, "a"), turn(BETA, "b")]).unwrap(), 1);
    assert_eq!(store.append(epoch, &[]).unwrap(), 3, "an empty batch is no record");
    assert_eq!(store.append(epoch, &[turn(ACME, "c")]).unwrap(), 3);
    let read: Vec<_> = store
        .records(0, 10)
        .unwrap()
        .into_iter()
        .map(|it| (it.seq, it.stream.0))
        .collect();
    assert_eq!(read, [(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())]);
    assert_eq!(store.records(1, 1).unwrap().len(), 1);
    assert_eq!(store.records(3, 10).unwrap(), []);
    assert_eq!(store.positions().unwrap(), Positions { head: 3, indexed: 0 });
}

pub fn what_was_acknowledged_is_there_after_a_crash(ground: &Ground) {
    let sent = receives(turn(ACME, "a"), "k", "msg_1", b"raw");
    {
        let store = ground.open();
        let epoch = store.acquire("one").unwrap();
        store.append(epoch, std::slice::from_ref(&sent)).unwrap();
    }
    ground.crash();
    let store = ground.open();
    let records = store.records(0, 10).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].record, sent.record);
    assert_eq!(store.raw(&scope(ACME), 1).unwrap().as_deref(), Some(&b"raw"[..]));
}

pub fn a_batch_is_appended_whole_or_not_at_all(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    store.append(epoch, &[meets(turn(ACME, "a"), "sub_1", b"key")]).unwrap();
    let second_key = meets(turn(ACME, "c"), "sub_1", b"another key");
    let fresh = meets(receives(turn(ACME, "b"), "k", "msg_1", b"raw"), "sub_2", b"key 2");
    let refused = store.append(epoch, &[fresh, second_key]);
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(store.positions().unwrap().head, 1);
    assert_eq!(store.raw(&scope(ACME), 2).unwrap(), None);
    assert_eq!(
        store.subject_key(&scope(ACME), &SubjectId::from("sub_2")).unwrap(),
        None
    );
    let kept = store
        .subject_key(&scope(ACME), &SubjectId::from("sub_1"))
        .unwrap()
        .unwrap();
    assert_eq!(kept.wrapped, b"key");
    let same_again = meets(turn(ACME, "b"), "sub_1", b"key");
    assert_eq!(
        store.append(epoch, &[same_again]).unwrap(),
        2,
        "a refusal leaves the store well"
    );
}

pub fn an_earlier_owner_is_fenced_from_every_write(ground: &Ground) {
    let (first, second) = (ground.open(), ground.open());
    let old = first.acquire("first").unwrap();
    first.append(old, &[turn(ACME, "a")]).unwrap();
    let new = second.acquire("second").unwrap();
    assert!(new > old);
    let fenced = |answer: Result<(), StoreError>| matches!(answer, Err(StoreError::Fenced { held }) if held == old);
    assert!(fenced(first.append(old, &[turn(ACME, "b")]).map(drop)));
    assert!(fenced(second.append(old, &[turn(ACME, "b")]).map(drop)));
    assert!(fenced(first.checkpoint(old, &IndexChanges::default(), 1)));
    assert!(fenced(first.put_blobs(
        old,
        &TenantId::from(ACME),
        &[("t".to_owned(), vec![1])]
    )));
    assert!(fenced(first.erase_subject(
        old,
        &scope(ACME),
        &SubjectId::from("sub_1")
    )));
    assert_eq!(second.append(new, &[turn(ACME, "b")]).unwrap(), 2);
    assert_eq!(first.positions().unwrap(), Positions { head: 2, indexed: 0 });
    assert_eq!(first.blob(&scope(ACME), "t").unwrap(), None);
}

pub fn any_text_and_five_megabytes_come_back_as_they_were(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let odd = "Zürich 東京 🚚 \u{0} \u{1} \u{1f} \u{7f} ' \" \\ % ; --";
    let mut large = shows(
        links(receives(turn(ACME, odd), odd, "msg_1", &[0, 255]), odd),
        odd,
        None,
    );
    large.record.leaves.push("x".repeat(5 << 20));
    large.record.views[0].row = Some(std::sync::Arc::new(row(serde_json::json!({"status": odd}))));
    let large = orders(sets(large, odd, at(1)), odd);
    store.append(epoch, std::slice::from_ref(&large)).unwrap();
    index_all(&*store, epoch);
    assert_eq!(store.records_at(&scope(ACME), &[1]).unwrap()[0].record, large.record);
    assert_eq!(store.stream_seqs(&scope(ACME), &stream(odd)).unwrap(), [1]);
    assert_eq!(store.mark(&scope(ACME), odd).unwrap(), large.record.mark);
    assert_eq!(store.link(&scope(ACME), &name(odd)).unwrap(), Some(stream(odd)));
    assert_eq!(store.raw(&scope(ACME), 1).unwrap(), Some(vec![0, 255]));
    assert_eq!(store.timers_due(at(1), 9).unwrap()[0].timer.as_str(), odd);
    assert_eq!(store.effects_pending(None, 9).unwrap()[0].effect.id.as_str(), odd);
    assert!(
        store
            .view_row(&scope(ACME), &crate::ground::LOADS, odd)
            .unwrap()
            .is_some()
    );
}

pub fn keys_of_any_length_are_found_and_stay_apart(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let noise = |seed: u32| -> String {
        (0..6000u32)
            .map(|it| char::from(b'!' + (it.wrapping_mul(it ^ seed).wrapping_mul(2_654_435_761) >> 26) as u8))
            .collect()
    };
    let (long, other) = (noise(1), noise(2));
    let first = shows(links(receives(turn(ACME, "a"), &long, "msg_1", b""), &long), "k", None);
    let second = links(receives(turn(ACME, "b"), &other, "msg_2", b""), &other);
    let mut first = first;
    first.record.views[0].row = Some(std::sync::Arc::new(row(serde_json::json!({"status": long}))));
    store.append(epoch, &[first, second]).unwrap();
    index_all(&*store, epoch);
    assert_eq!(
        store.mark(&scope(ACME), &long).unwrap().unwrap().message.as_str(),
        "msg_1"
    );
    assert_eq!(
        store.mark(&scope(ACME), &other).unwrap().unwrap().message.as_str(),
        "msg_2"
    );
    assert_eq!(store.link(&scope(ACME), &name(&long)).unwrap(), Some(stream("a")));
    assert_eq!(store.mark(&scope(ACME), &noise(3)).unwrap(), None);
}
