//! The sequencer: the same records make the same tree, however they come and wherever it stops.

use crate::audit::export;
use crate::audit::sequencer::{Error, STATE_BLOB, Sequencer};
use crate::audit::tests::{Store, entries, log, put, restore};
use crate::audit::tile::{Path, width_at};
use crate::audit::tree::{
    consistency_proof, inclusion_proof, leaf_hash, root_of, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

fn records(entries: &[String], first: u64) -> Vec<(u64, &[String])> {
    (first..).zip(entries.chunks(1)).collect()
}

#[test]
fn every_tile_of_the_tree_is_there_and_as_wide_as_it_must_be() {
    let size = 66_000;
    let leaves: Vec<String> = (0..size).map(|it| format!("{{\"n\":{it}}}")).collect();
    let (sequencer, store) = log(&leaves);
    assert_eq!(
        sequencer.head().root,
        root_of(&leaves.iter().map(|it| leaf_hash(it.as_bytes())).collect::<Vec<_>>())
    );
    for level in 0..3_u8 {
        for index in (0..).take_while(|index| width_at(level, *index, size) > 0) {
            let tile = &store[&Path::hashes(level, index).to_string()];
            assert_eq!(tile.len() as u64, width_at(level, index, size) * 32, "{level} {index}");
        }
    }
    assert_eq!(store.len(), 258 + 2 + 1 + 258 + 2);
    let mut blobs = |name: &str| store.get(name).cloned();
    let mut count = 0;
    assert!(export::each_entry(size, &mut blobs, &mut |entry| {
        assert_eq!(entry, leaves[count].as_bytes());
        count += 1;
    }));
    assert_eq!(
        (
            count as u64,
            export::leaf_hashes(size, &mut blobs).unwrap().len() as u64
        ),
        (size, size)
    );
    assert_eq!(restore(&store), sequencer);
}

#[test]
fn proofs_made_from_tiles_hold() {
    let entries = entries(1_000);
    let (old, _) = log(&entries[..300]);
    let (new, store) = log(&entries);
    let mut node = |level, index| crate::audit::tile::node(level, index, &mut |name| store.get(name).cloned());
    let path = consistency_proof(300, 1_000, &mut node).unwrap();
    assert!(verify_consistency(&old.head(), &new.head(), &path));
    for index in [0, 255, 256, 511, 512, 767, 768, 999] {
        let path = inclusion_proof(index, 1_000, &mut node).unwrap();
        let leaf = leaf_hash(entries[index as usize].as_bytes());
        assert!(verify_inclusion(&leaf, index, 1_000, &path, &new.head().root));
    }
    assert_eq!(inclusion_proof(0, 2_000, &mut node), None, "tiles that are not there");
}

#[test]
fn records_integrated_twice_have_one_place() {
    let entries = entries(20);
    let (mut sequencer, store) = log(&entries);
    assert!(sequencer.integrate(&records(&entries, 1), 20).unwrap().is_empty());
    assert_eq!(sequencer, restore(&store));
    let more = vec!["{}".to_owned()];
    let overlapping: Vec<(u64, &[String])> = records(&entries, 1)
        .into_iter()
        .chain([(21, more.as_slice())])
        .collect();
    sequencer.integrate(&overlapping, 21).unwrap();
    assert_eq!((sequencer.head().size, sequencer.position()), (21, 21));
}

#[test]
fn a_position_without_leaves_is_kept() {
    let (mut sequencer, mut store) = log(&entries(3));
    let blobs = sequencer.integrate(&[(7, &[])], 9).unwrap();
    assert_eq!(blobs.len(), 1);
    put(&mut store, blobs);
    assert_eq!((restore(&store).position(), restore(&store).head().size), (9, 3));
}

#[test]
fn what_cannot_be_taken_in_changes_nothing() {
    let (mut sequencer, _) = log(&entries(3));
    let before = sequencer.clone();
    let (good, bad) = (vec!["{}".to_owned()], vec!["x".repeat(65_536)]);
    let too_long = sequencer.integrate(&[(4, &good), (5, &bad)], 5);
    assert!(matches!(too_long, Err(Error::TooLong { seq: 5, bytes: 65_536 })));
    let backwards = sequencer.integrate(&[(5, &good), (4, &good)], 5);
    assert!(matches!(backwards, Err(Error::OutOfOrder { seq: 4, after: 5 })));
    assert_eq!(sequencer, before);
}

#[test]
fn damaged_blobs_are_not_built_upon() {
    let (_, store) = log(&entries(300));
    let read = |store: &Store| Sequencer::restore(&mut |name| Ok(store.get(name).cloned()));
    for name in ["tile/0/001", "tile/1/000", "tile/entries/001"] {
        let mut missing = store.clone();
        missing.remove(name);
        assert!(matches!(read(&missing), Err(Error::Damaged(_))), "{name} missing");
        let mut flipped = store.clone();
        flipped.get_mut(name).unwrap()[5] ^= 1;
        assert!(matches!(read(&flipped), Err(Error::Damaged(_))), "{name} flipped");
    }
    let state = [(STATE_BLOB.to_owned(), b"{}".to_vec())].into_iter().collect();
    assert!(matches!(read(&state), Err(Error::Damaged(_))));
    assert_eq!(read(&Store::new()).unwrap(), Sequencer::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Batches of any size, with a crash before or after any put: one tree.
    #[test]
    fn a_crash_anywhere_changes_nothing(batches in prop::collection::vec((1_usize..400, 0_u8..3), 1..6)) {
        let total: usize = batches.iter().map(|it| it.0).sum();
        let leaves: Vec<String> = (0..total).map(|it| format!("{{\"n\":{it}}}")).collect();
        let mut store = Store::new();
        let mut sequencer = Sequencer::default();
        let mut head = 0;
        for (count, crash) in batches {
            head += count;
            // The log is read on from the position; a record may bring along one already taken in.
            let from = (sequencer.position() as usize).saturating_sub(usize::from(crash));
            let blobs = sequencer.integrate(&records(&leaves[from..head], from as u64 + 1), head as u64).unwrap();
            if crash != 1 {
                put(&mut store, blobs);
            }
            if crash > 0 {
                sequencer = restore(&store);
            }
        }
        let from = sequencer.position() as usize;
        put(&mut store, sequencer.integrate(&records(&leaves[from..], from as u64 + 1), total as u64).unwrap());
        let (expected, mut whole) = log(&leaves);
        whole.remove("checkpoint");
        prop_assert_eq!(sequencer, expected);
        prop_assert_eq!(store, whole);
    }
}
