//! The sequencer of one tenant: gives leaves their places in the tree, writes tiles and bundles, signs heads.
//!
//! Invariant: places follow log order alone, and the position in the log is one of the blobs that `integrate` returns,
//! so tiles and position move together in one `put_blobs`. After a crash the same records make the same tree; records
//! at or before the position are passed over. If `put_blobs` fails, drop the sequencer and restore it.

use super::base64;
use super::checkpoint;
use super::note::Signer;
use super::tile::{self, ENTRY_BYTES_MAX, Path, WIDTH};
use super::tree::{Hash, Head, Tree, leaf_hash, root_of};
use crate::ports::StoreError;
use serde::{Deserialize, Serialize};
use signalbox_model::id::Seq;

/// Where the position is kept.
pub const STATE_BLOB: &str = "audit/state";
/// Where the latest signed head is kept.
pub const CHECKPOINT_BLOB: &str = "checkpoint";
const STATE_VERSION: u8 = 1;

/// A named blob on its way to the store.
pub type Blob = (String, Vec<u8>);
/// Reads one of the tenant's blobs from the store.
pub type ReadBlob<'a> = dyn FnMut(&str) -> Result<Option<Vec<u8>>, StoreError> + 'a;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stop: what is stored does not fit together.
    #[error("the audit log is damaged: {0}")]
    Damaged(String),
    #[error("record {seq} has an audit entry of {bytes} bytes; {ENTRY_BYTES_MAX} is the most")]
    TooLong { seq: Seq, bytes: usize },
    #[error("record {seq} came after record {after}; the audit log takes records in log order")]
    OutOfOrder { seq: Seq, after: Seq },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequencer {
    tree: Tree,
    /// Every record of the tenant up to here is in the tree.
    seq: Seq,
    /// The partial tile of each level, lowest first.
    tiles: Vec<Vec<Hash>>,
    /// The partial entry bundle.
    bundle: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct State {
    v: u8,
    size: u64,
    seq: Seq,
    edge: Vec<String>,
}

impl Sequencer {
    /// Goes on where the stored blobs end; starts anew where there are none.
    pub fn restore(read: &mut ReadBlob<'_>) -> Result<Self, Error> {
        let Some(state) = read(STATE_BLOB)? else {
            return Ok(Self::default());
        };
        let state: State = serde_json::from_slice(&state).map_err(|it| Error::Damaged(it.to_string()))?;
        if state.v != STATE_VERSION {
            return Err(Error::Damaged(format!("{STATE_BLOB} is of version {}", state.v)));
        }
        let mut tiles = Vec::new();
        let levels = (0..8).take_while(|level| state.size >> (8 * level) > 0);
        for level in levels {
            tiles.push(partial_tile(level, state.size, read)?);
        }
        let edge: Vec<Hash> = tiles
            .iter()
            .rev()
            .flat_map(|tile| tree_of(tile).edge().to_vec())
            .collect();
        let stored: Option<Vec<Hash>> = state.edge.iter().map(|it| base64::decode_hash(it)).collect();
        let tree = Tree::from_edge(state.size, edge).filter(|tree| Some(tree.edge()) == stored.as_deref());
        let tree = tree.ok_or_else(|| Error::Damaged(format!("the tiles do not fit {STATE_BLOB}")))?;
        let bundle = partial_bundle(&tree, &tiles, read)?;
        Ok(Self {
            tree,
            seq: state.seq,
            tiles,
            bundle,
        })
    }

    pub fn head(&self) -> Head {
        Head {
            size: self.tree.size(),
            root: self.tree.root(),
        }
    }

    /// The last record taken in: ask the log for those after it.
    pub fn position(&self) -> Seq {
        self.seq
    }

    /// Takes in this tenant's records with their leaves, in log order, all up to `position`. Answers the blobs to put
    /// in one call: each tile and bundle that is new or grew, the state last. Nothing changes on an error.
    pub fn integrate(&mut self, records: &[(Seq, &[String])], position: Seq) -> Result<Vec<Blob>, Error> {
        check(records)?;
        let mut blobs = Vec::new();
        let new = records.iter().filter(|(seq, _)| *seq > self.seq);
        let leaves: Vec<&String> = new.flat_map(|(_, leaves)| leaves.iter()).collect();
        let reached = records.iter().map(|(seq, _)| *seq).fold(position, Seq::max);
        if reached <= self.seq {
            return Ok(blobs);
        }
        let lowest_touched = self.tree.size();
        for leaf in &leaves {
            self.push(leaf, &mut blobs);
        }
        if self.tree.size() > lowest_touched {
            self.partials(lowest_touched, &mut blobs);
        }
        self.seq = reached;
        blobs.push((STATE_BLOB.to_owned(), self.state()?));
        Ok(blobs)
    }

    /// The signed head, to be put in the same call as the blobs of `integrate`.
    pub fn checkpoint(&self, signer: &Signer, extensions: &[&str]) -> Result<Blob, checkpoint::Error> {
        let note = checkpoint::sign(signer, &self.head(), extensions)?;
        Ok((CHECKPOINT_BLOB.to_owned(), note.into_bytes()))
    }

    fn push(&mut self, leaf: &str, blobs: &mut Vec<Blob>) {
        let mut hash = leaf_hash(leaf.as_bytes());
        tile::append_entry(&mut self.bundle, leaf.as_bytes());
        self.tree.push(hash);
        let size = self.tree.size();
        if size.is_multiple_of(WIDTH) {
            let path = Path::entries(size / WIDTH - 1);
            blobs.push((path.to_string(), std::mem::take(&mut self.bundle)));
        }
        for level in 0..8_u8 {
            let place = usize::from(level);
            if self.tiles.len() == place {
                self.tiles.push(Vec::new());
            }
            let Some(tile) = self.tiles.get_mut(place) else { return };
            tile.push(hash);
            if (tile.len() as u64) < WIDTH {
                return;
            }
            let full = std::mem::take(tile);
            hash = root_of(&full);
            let index = (size >> (8 * u32::from(level))) / WIDTH - 1;
            blobs.push((Path::hashes(level, index).to_string(), full.concat()));
        }
    }

    /// The partial tiles and the partial bundle that grew since the tree had `before` leaves.
    fn partials(&self, before: u64, blobs: &mut Vec<Blob>) {
        let size = self.tree.size();
        if !self.bundle.is_empty() {
            blobs.push((Path::entries(size / WIDTH).to_string(), self.bundle.clone()));
        }
        for (level, tile) in (0_u8..).zip(&self.tiles) {
            let shift = 8 * u32::from(level);
            if !tile.is_empty() && size >> shift > before >> shift {
                blobs.push((Path::hashes(level, (size >> shift) / WIDTH).to_string(), tile.concat()));
            }
        }
    }

    fn state(&self) -> Result<Vec<u8>, Error> {
        let edge = self.tree.edge().iter().map(|it| base64::encode(it)).collect();
        let state = State {
            v: STATE_VERSION,
            size: self.tree.size(),
            seq: self.seq,
            edge,
        };
        serde_json::to_vec(&state).map_err(|it| Error::Damaged(it.to_string()))
    }
}

fn check(records: &[(Seq, &[String])]) -> Result<(), Error> {
    for pair in records.windows(2) {
        let (after, seq) = (pair[0].0, pair[1].0);
        if seq <= after {
            return Err(Error::OutOfOrder { seq, after });
        }
    }
    for (seq, leaves) in records {
        if let Some(leaf) = leaves.iter().find(|it| it.len() > ENTRY_BYTES_MAX) {
            return Err(Error::TooLong {
                seq: *seq,
                bytes: leaf.len(),
            });
        }
    }
    Ok(())
}

fn partial_tile(level: u8, size: u64, read: &mut ReadBlob<'_>) -> Result<Vec<Hash>, Error> {
    let hashes = size >> (8 * u32::from(level));
    let width = (hashes % WIDTH) as usize;
    if width == 0 {
        return Ok(Vec::new());
    }
    let name = Path::hashes(level, hashes / WIDTH).to_string();
    let stored = read(&name)?
        .and_then(|it| tile::hashes(&it))
        .filter(|it| it.len() == width);
    stored.ok_or_else(|| Error::Damaged(format!("{name} is missing or not {width} hashes wide")))
}

fn partial_bundle(tree: &Tree, tiles: &[Vec<Hash>], read: &mut ReadBlob<'_>) -> Result<Vec<u8>, Error> {
    let Some(hashes) = tiles.first().filter(|it| !it.is_empty()) else {
        return Ok(Vec::new());
    };
    let name = Path::entries(tree.size() / WIDTH).to_string();
    let stored = read(&name)?.unwrap_or_default();
    let found: Option<Vec<Hash>> = tile::entries(&stored).map(|it| it.iter().map(|entry| leaf_hash(entry)).collect());
    if found.as_ref() != Some(hashes) {
        return Err(Error::Damaged(format!(
            "the entries of {name} are not those of its tile"
        )));
    }
    Ok(stored)
}

fn tree_of(hashes: &[Hash]) -> Tree {
    let mut tree = Tree::default();
    tree.extend(hashes.iter().copied());
    tree
}
