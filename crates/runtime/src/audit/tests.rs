//! Known answers of the standards, and what must be refused.

mod canonical;
mod formats;
mod logs;
mod perturbed;
mod tree;

use super::leaf::{self, Turn};
use super::note::{Signer, Use};
use super::sequencer::{Blob, Sequencer};
use crate::ports::StoreError;
use jiff::Timestamp;
use signalbox_model::decision::{Decision, Evidence};
use signalbox_model::id::{StreamId, TenantId};
use signalbox_model::scope::Actor;
use std::collections::BTreeMap;

pub type Store = BTreeMap<String, Vec<u8>>;

pub const ORIGIN: &str = "dispatch.example/ten_a";

pub fn signer() -> Signer {
    Signer::from_seed(ORIGIN, Use::Log, &[3; 32]).unwrap()
}

/// `count` entries: loads in turn, each turn with one or two decisions.
pub fn entries(count: usize) -> Vec<String> {
    let (tenant, actor) = (TenantId::from("ten_a"), Actor::playbook("tender"));
    let mut versions = BTreeMap::new();
    let mut entries = Vec::new();
    for number in 0.. {
        if entries.len() >= count {
            break;
        }
        let load = number % 7;
        let version: &mut u64 = versions.entry(load).or_default();
        *version += 1;
        let stream = StreamId(format!("load_{load}"));
        let at = Timestamp::from_second(1_700_000_000 + number).unwrap();
        let turn = Turn {
            tenant: &tenant,
            stream: &stream,
            version: *version,
            after: *version - 1,
            at,
            actor: &actor,
        };
        let decisions: Vec<Decision> = (0..=(number % 2)).map(|it| decision(number * 10 + it)).collect();
        let fits = decisions.len().min(count - entries.len());
        let parts = (1..).zip(&decisions[..fits]);
        entries.extend(parts.map(|(part, it)| leaf::entry(&turn, (part, fits), it, &[]).unwrap()));
    }
    entries
}

fn decision(rank: i64) -> Decision {
    Decision {
        about: "table.routing-guide".to_owned(),
        choice: "ranked".to_owned(),
        evidence: vec![Evidence::new("rank", rank, "playbook")],
        rule: "routing-guide@1".to_owned(),
    }
}

pub fn put(store: &mut Store, blobs: Vec<Blob>) {
    store.extend(blobs);
}

pub fn restore(store: &Store) -> Sequencer {
    Sequencer::restore(&mut |name| Ok::<_, StoreError>(store.get(name).cloned())).unwrap()
}

/// A log of these entries, one a record, and its blobs.
pub fn log(entries: &[String]) -> (Sequencer, Store) {
    let (mut sequencer, mut store) = (Sequencer::default(), Store::new());
    let records: Vec<(u64, &[String])> = (1..).zip(entries.chunks(1)).collect();
    put(&mut store, sequencer.integrate(&records, entries.len() as u64).unwrap());
    let checkpoint = sequencer.checkpoint(&signer(), &[]).unwrap();
    put(&mut store, vec![checkpoint]);
    (sequencer, store)
}

pub fn checkpoint_of(entries: &[String]) -> String {
    let (sequencer, _) = log(entries);
    String::from_utf8(sequencer.checkpoint(&signer(), &[]).unwrap().1).unwrap()
}
