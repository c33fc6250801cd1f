//! The recovery path is the everyday path: however records, checkpoints and crashes fall, the indexes end as the fold
//! of the whole log.

use crate::fixtures::*;
use crate::ground::{Ground, LOADS};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use signalbox_model::id::{StreamId, TenantId, TimerId};
use signalbox_model::view::ViewQuery;
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::ports::{DueTimer, PendingEffect, Store};
use signalbox_runtime::record::Turn;

const TENANTS: [&str; 3] = [ACME, BETA, "ten_gamma"];

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Turn>),
    /// Fold at most so many records past the position and checkpoint, twice if `again`.
    Checkpoint {
        records: usize,
        again: bool,
    },
    Crash,
}

fn a_turn() -> impl Strategy<Value = Turn> {
    let part = (0..7u8, 0..4u8, 0..40i64);
    (0..3usize, 0..4u8, prop::collection::vec(part, 0..5)).prop_map(|(tenant, name, parts)| {
        let start = turn(TENANTS[tenant], &format!("load_{name}"));
        parts.into_iter().fold(start, |turn, (what, id, value)| match what {
            0 => receives(turn, &format!("k{id}"), &format!("msg_{value}"), b"raw"),
            1 => links(turn, &format!("S{id}")),
            2 => sets(turn, &format!("tmr_{id}"), at(value)),
            3 => cancels(turn, &format!("tmr_{id}")),
            4 => orders(turn, &format!("eff_{id}")),
            5 => settles(turn, &format!("eff_{id}")),
            _ => {
                let shown = (value > 9).then(|| row(json!({"rank": value, "status": format!("s{value}")})));
                shows(turn, &format!("load_{id}"), shown)
            }
        })
    })
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop::collection::vec(a_turn(), 1..6).prop_map(Step::Append),
        2 => (1..12usize, any::<bool>()).prop_map(|(records, again)| Step::Checkpoint { records, again }),
        1 => Just(Step::Crash),
    ]
}

pub fn the_indexes_are_the_fold_of_the_log_whatever_happens(fresh: fn() -> Option<Ground>, cases: u32) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let checked = runner.run(&prop::collection::vec(a_step(), 1..14), |steps| {
        let Some(ground) = fresh() else { return Ok(()) };
        let mut store = ground.open();
        let mut epoch = store.acquire("first").unwrap();
        let mut sent = Vec::new();
        for step in steps {
            match step {
                Step::Append(turns) => {
                    prop_assert_eq!(store.append(epoch, &turns).unwrap(), sent.len() as u64 + 1);
                    sent.extend(turns);
                }
                Step::Checkpoint { records, again } => checkpoint(&*store, epoch, records, again),
                Step::Crash => {
                    drop(store);
                    ground.crash();
                    store = ground.open();
                    epoch = store.acquire("next").unwrap();
                }
            }
            prop_assert_eq!(store.positions().unwrap().head, sent.len() as u64);
        }
        let indexed = store.positions().unwrap().indexed;
        agrees(&*store, indexed)?;
        index_all(&*store, epoch);
        agrees(&*store, sent.len() as u64)
    });
    checked.unwrap();
}

fn checkpoint(store: &dyn Store, epoch: u64, records: usize, again: bool) {
    let indexed = store.positions().unwrap().indexed;
    let records = store.records(indexed, records).unwrap();
    let mut changes = IndexChanges::default();
    records.iter().for_each(|it| changes.apply(it));
    let position = records.last().map_or(indexed, |it| it.seq);
    for _ in 0..=u8::from(again) {
        store.checkpoint(epoch, &changes, position).unwrap();
    }
}

/// Every reading method answers as one fold of all records up to `position`, made here.
fn agrees(store: &dyn Store, position: u64) -> Result<(), TestCaseError> {
    let mut whole = IndexChanges::default();
    store
        .records(0, usize::try_from(position).unwrap())
        .unwrap()
        .iter()
        .for_each(|it| whole.apply(it));
    for ((tenant, stream), seqs) in &whole.streams {
        prop_assert_eq!(&store.stream_seqs(&scope(tenant.as_str()), stream).unwrap(), seqs);
    }
    for ((tenant, key), mark) in &whole.marks {
        prop_assert_eq!(store.mark(&scope(tenant.as_str()), key).unwrap(), Some(mark.clone()));
    }
    for ((tenant, message), seq) in &whole.messages {
        prop_assert_eq!(store.message_seq(&scope(tenant.as_str()), message).unwrap(), Some(*seq));
        prop_assert_eq!(store.raw(&scope(tenant.as_str()), *seq).unwrap(), Some(b"raw".to_vec()));
    }
    for ((tenant, id), stream) in &whole.links {
        prop_assert_eq!(store.link(&scope(tenant.as_str()), id).unwrap(), Some(stream.clone()));
    }
    let mut due = whole.timers_due(at(20));
    due.sort_by_key(timer_place);
    prop_assert_eq!(store.timers_due(at(20), 1000).unwrap(), due);
    prop_assert_eq!(all_effects(store), pending(&whole));
    for tenant in TENANTS {
        let mut shown = Vec::new();
        for ((_, _, key), (_, row)) in whole.views.iter().filter(|((of, _, _), _)| of.as_str() == tenant) {
            shown.extend(row.as_deref().map(|row| (key.clone(), row.clone())));
        }
        let page = store
            .view_page(
                &scope(tenant),
                &LOADS,
                &ViewQuery {
                    limit: 100,
                    ..Default::default()
                },
            )
            .unwrap();
        prop_assert_eq!(
            (page.position, page.total, page.rows),
            (position, shown.len() as u64, shown)
        );
    }
    Ok(())
}

fn timer_place(timer: &DueTimer) -> (Timestamp, TenantId, StreamId, TimerId) {
    (
        timer.due,
        timer.tenant.clone(),
        timer.stream.clone(),
        timer.timer.clone(),
    )
}

fn pending(whole: &IndexChanges) -> Vec<PendingEffect> {
    let mut pending: Vec<PendingEffect> = whole.effects.values().flatten().cloned().collect();
    pending.sort_by_key(|it| (it.seq, it.effect.id.clone(), it.tenant.clone()));
    pending
}

fn all_effects(store: &dyn Store) -> Vec<PendingEffect> {
    let mut all: Vec<PendingEffect> = Vec::new();
    loop {
        let after = all.last().map(|it| (it.seq, &it.effect.id));
        let page = store.effects_pending(after, 2).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
