//! Indexes: what a checkpoint brings, in which order it is read, and for whom.

use crate::fixtures::*;
use crate::ground::{Ground, LOADS};
use serde_json::json;
use signalbox_model::id::{EffectId, MessageId, SubjectId, TenantId};
use signalbox_model::view::{ViewDefinition, ViewQuery};
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::ports::{Positions, StoreError};
use signalbox_runtime::record::SubjectKey;

pub fn a_checkpoint_moves_indexes_and_position_together(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let sent = links(receives(turn(ACME, "a"), "k", "msg_1", b"raw"), "S1");
    store.append(epoch, &[sent, turn(ACME, "a")]).unwrap();
    assert_eq!(
        store.mark(&scope(ACME), "k").unwrap(),
        None,
        "not before the checkpoint"
    );
    let mut changes = IndexChanges::default();
    store.records(0, 2).unwrap().iter().for_each(|it| changes.apply(it));
    let past_the_head = store.checkpoint(epoch, &changes, 3);
    assert!(
        matches!(past_the_head, Err(StoreError::Refused(_))),
        "{past_the_head:?}"
    );
    assert_eq!(
        store.mark(&scope(ACME), "k").unwrap(),
        None,
        "nothing of a refused checkpoint"
    );
    for _ in 0..2 {
        store.checkpoint(epoch, &changes, 2).unwrap();
        assert_eq!(store.positions().unwrap(), Positions { head: 2, indexed: 2 });
        assert_eq!(store.mark(&scope(ACME), "k").unwrap(), Some(mark("k", "msg_1")));
        assert_eq!(store.link(&scope(ACME), &name("S1")).unwrap(), Some(stream("a")));
        assert_eq!(store.stream_seqs(&scope(ACME), &stream("a")).unwrap(), [1, 2]);
        assert_eq!(
            store.message_seq(&scope(ACME), &MessageId::from("msg_1")).unwrap(),
            Some(1)
        );
    }
    let back = store.checkpoint(epoch, &IndexChanges::default(), 1);
    assert!(matches!(back, Err(StoreError::Refused(_))), "{back:?}");
}

pub fn the_last_value_of_a_key_wins(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let early = shows(
        links(sets(turn(ACME, "a"), "tmr_1", at(10)), "S1"),
        "load_1",
        Some(row(json!({"rank": 1}))),
    );
    store
        .append(epoch, &[receives(orders(early, "eff_1"), "k", "msg_1", b"")])
        .unwrap();
    index_all(&*store, epoch);
    let late = shows(
        links(sets(turn(ACME, "b"), "tmr_1", at(20)), "S1"),
        "load_1",
        Some(row(json!({"rank": 2}))),
    );
    let moved = sets(turn(ACME, "a"), "tmr_1", at(30));
    store
        .append(epoch, &[receives(settles(late, "eff_1"), "k", "msg_2", b""), moved])
        .unwrap();
    index_all(&*store, epoch);
    assert_eq!(store.link(&scope(ACME), &name("S1")).unwrap(), Some(stream("b")));
    assert_eq!(store.mark(&scope(ACME), "k").unwrap(), Some(mark("k", "msg_2")));
    assert_eq!(
        store.view_row(&scope(ACME), &LOADS, "load_1").unwrap(),
        Some(row(json!({"rank": 2})))
    );
    assert_eq!(store.effects_pending(None, 9).unwrap(), []);
    let due: Vec<_> = store
        .timers_due(at(99), 9)
        .unwrap()
        .into_iter()
        .map(|it| (it.stream.0, it.due))
        .collect();
    assert_eq!(due, [("b".to_owned(), at(20)), ("a".to_owned(), at(30))]);
    store
        .append(epoch, &[shows(cancels(turn(ACME, "a"), "tmr_1"), "load_1", None)])
        .unwrap();
    index_all(&*store, epoch);
    assert_eq!(store.view_row(&scope(ACME), &LOADS, "load_1").unwrap(), None);
    assert_eq!(store.timers_due(at(99), 9).unwrap().len(), 1);
}

pub fn timers_come_due_earliest_first_to_the_nanosecond(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let nano = jiff::SignedDuration::from_nanos(1);
    let due = [
        ("c", at(5) + nano),
        ("a", at(9)),
        ("b", at(5)),
        ("d", at(-3_000_000_000)),
    ];
    let turns: Vec<_> = due
        .iter()
        .map(|(name, due)| sets(turn(if *name == "b" { BETA } else { ACME }, name), name, *due))
        .collect();
    store.append(epoch, &turns).unwrap();
    index_all(&*store, epoch);
    let names = |until, limit| -> Vec<String> {
        store
            .timers_due(until, limit)
            .unwrap()
            .into_iter()
            .map(|it| it.timer.0)
            .collect()
    };
    assert_eq!(names(at(9), 9), ["d", "b", "c", "a"]);
    assert_eq!(names(at(5), 9), ["d", "b"]);
    assert_eq!(names(at(9), 2), ["d", "b"]);
    assert_eq!(store.timers_due(at(9), 9).unwrap()[2].due, at(5) + nano);
}

pub fn the_outbox_pages_in_log_order_while_it_settles(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let two = orders(orders(turn(ACME, "a"), "eff_9"), "eff_5");
    store
        .append(
            epoch,
            &[two, orders(turn(BETA, "b"), "eff_1"), orders(turn(ACME, "c"), "eff_3")],
        )
        .unwrap();
    index_all(&*store, epoch);
    let page = store.effects_pending(None, 2).unwrap();
    assert_eq!(
        page.iter().map(|it| it.effect.id.as_str()).collect::<Vec<_>>(),
        ["eff_5", "eff_9"]
    );
    assert!(page[0].traceparent.is_some());
    store
        .append(epoch, &[settles(settles(turn(ACME, "a"), "eff_9"), "eff_5")])
        .unwrap();
    index_all(&*store, epoch);
    let rest = store.effects_pending(Some((1, &EffectId::from("eff_9"))), 9).unwrap();
    assert_eq!(
        rest.iter()
            .map(|it| (it.seq, it.effect.id.as_str()))
            .collect::<Vec<_>>(),
        [(2, "eff_1"), (3, "eff_3")]
    );
    assert_eq!(rest[0].tenant.as_str(), BETA);
}

pub fn no_reading_method_crosses_tenants(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let of = |tenant: &str| {
        let turn = receives(
            turn(tenant, "same"),
            "same",
            &format!("msg_{tenant}"),
            tenant.as_bytes(),
        );
        let turn = links(shows(turn, "same", Some(row(json!({"status": tenant})))), "same");
        meets(turn, "sub_same", format!("key of {tenant}").as_bytes())
    };
    store.append(epoch, &[of(ACME), of(BETA)]).unwrap();
    store.append(epoch, &[links(turn(BETA, "only"), "only")]).unwrap();
    index_all(&*store, epoch);
    for tenant in [ACME, BETA] {
        store
            .put_blobs(
                epoch,
                &TenantId::from(tenant),
                &[("same".to_owned(), tenant.as_bytes().to_vec())],
            )
            .unwrap();
    }
    for (tenant, own, others) in [(ACME, 1, 2), (BETA, 2, 1)] {
        let scope = scope(tenant);
        assert_eq!(
            store
                .records_at(&scope, &[others, own])
                .unwrap()
                .iter()
                .map(|it| it.seq)
                .collect::<Vec<_>>(),
            [own]
        );
        assert_eq!(store.stream_seqs(&scope, &stream("same")).unwrap(), [own]);
        assert_eq!(
            store.mark(&scope, "same").unwrap().unwrap().message.as_str(),
            format!("msg_{tenant}")
        );
        assert_eq!(
            store
                .message_seq(&scope, &MessageId::from(&*format!("msg_{tenant}")))
                .unwrap(),
            Some(own)
        );
        assert_eq!(store.raw(&scope, own).unwrap().unwrap(), tenant.as_bytes());
        assert_eq!(store.raw(&scope, others).unwrap(), None);
        assert_eq!(
            store.view_row(&scope, &LOADS, "same").unwrap(),
            Some(row(json!({"status": tenant})))
        );
        let page = store
            .view_page(
                &scope,
                &LOADS,
                &ViewQuery {
                    limit: 9,
                    ..Default::default()
                },
            )
            .unwrap();
        assert_eq!((page.total, page.rows.len(), page.position), (1, 1, 3));
        let subject = SubjectId::from("sub_same");
        let wrapped = format!("key of {tenant}").into_bytes();
        assert_eq!(
            store.subject_key(&scope, &subject).unwrap(),
            Some(SubjectKey { subject, wrapped })
        );
        assert_eq!(store.blob(&scope, "same").unwrap().unwrap(), tenant.as_bytes());
    }
    assert_eq!(
        store
            .message_seq(&scope(ACME), &MessageId::from("msg_ten_beta"))
            .unwrap(),
        None
    );
    assert_eq!(store.link(&scope(ACME), &name("only")).unwrap(), None);
    assert!(store.stream_seqs(&scope(ACME), &stream("only")).unwrap().is_empty());
    let nobody = scope("ten_nobody");
    assert_eq!(store.records_at(&nobody, &[1, 2, 3]).unwrap(), []);
    assert_eq!(store.blob(&nobody, "same").unwrap(), None);
}

pub fn a_person_is_erased_in_one_tenant_only(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let subject = SubjectId::from("sub_1");
    store
        .append(
            epoch,
            &[
                meets(turn(ACME, "a"), "sub_1", b"a"),
                meets(turn(BETA, "b"), "sub_1", b"b"),
            ],
        )
        .unwrap();
    store.erase_subject(epoch, &scope(ACME), &subject).unwrap();
    store.erase_subject(epoch, &scope(ACME), &subject).unwrap();
    assert_eq!(store.subject_key(&scope(ACME), &subject).unwrap(), None);
    assert_eq!(
        store.subject_key(&scope(BETA), &subject).unwrap().unwrap().wrapped,
        b"b"
    );
    store
        .append(epoch, &[meets(turn(ACME, "a"), "sub_1", b"met again")])
        .unwrap();
    assert_eq!(
        store.subject_key(&scope(ACME), &subject).unwrap().unwrap().wrapped,
        b"met again"
    );
}

pub fn the_last_blob_of_a_name_counts(ground: &Ground) {
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let blob = |name: &str, body: u8| (name.to_owned(), vec![body]);
    let acme = TenantId::from(ACME);
    store
        .put_blobs(
            epoch,
            &acme,
            &[blob("tile/0/000", 1), blob("checkpoint", 1), blob("checkpoint", 2)],
        )
        .unwrap();
    assert_eq!(store.blob(&scope(ACME), "checkpoint").unwrap(), Some(vec![2]));
    store.put_blobs(epoch, &acme, &[blob("checkpoint", 3)]).unwrap();
    store.put_blobs(epoch, &acme, &[]).unwrap();
    assert_eq!(store.blob(&scope(ACME), "checkpoint").unwrap(), Some(vec![3]));
    assert_eq!(store.blob(&scope(ACME), "tile/0/000").unwrap(), Some(vec![1]));
    assert_eq!(store.blob(&scope(ACME), "tile/0").unwrap(), None);
}

pub fn a_changed_view_empties_the_indexes_and_the_log_fills_them_again(ground: &Ground) {
    const CHANGED: &[ViewDefinition] = &[ViewDefinition { version: 2, ..LOADS }];
    if !ground.has_tables() {
        return;
    }
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let sent = shows(
        receives(turn(ACME, "a"), "k", "msg_1", b"raw"),
        "load_1",
        Some(row(json!({"rank": 1}))),
    );
    store.append(epoch, &[sent]).unwrap();
    index_all(&*store, epoch);
    assert_eq!(
        ground.open().positions().unwrap(),
        Positions { head: 1, indexed: 1 },
        "the same views change nothing"
    );
    let next = ground.open_with(CHANGED);
    assert_eq!(next.positions().unwrap(), Positions { head: 1, indexed: 0 });
    assert_eq!(next.mark(&scope(ACME), "k").unwrap(), None);
    let fenced = store.checkpoint(epoch, &IndexChanges::default(), 1);
    assert!(
        matches!(fenced, Err(StoreError::Fenced { .. })),
        "the owner of the old tables stops: {fenced:?}"
    );
    let epoch = next.acquire("two").unwrap();
    index_all(&*next, epoch);
    assert_eq!(next.mark(&scope(ACME), "k").unwrap(), Some(mark("k", "msg_1")));
    assert_eq!(
        next.view_row(&scope(ACME), &CHANGED[0], "load_1").unwrap(),
        Some(row(json!({"rank": 1})))
    );
    let undeclared = next.view_row(&scope(ACME), &LOADS, "load_1");
    assert!(matches!(undeclared, Err(StoreError::Refused(_))), "{undeclared:?}");
}
