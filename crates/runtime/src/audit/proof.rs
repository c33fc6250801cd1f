//! `.tlog-proof` files (C2SP tlog-proof v1): one entry's place in the log, for checking offline.
//!
//! Invariant: `verify` answers only for a proof whose checkpoint the log signed and whose path leads from this very
//! entry to that checkpoint's root. The extra data is not covered by any signature.

use super::base64;
use super::checkpoint::{self, Checkpoint, decimal};
use super::note::VerifierKey;
use super::tile::{self, Blobs};
use super::tree::{Hash, inclusion_proof, leaf_hash, verify_inclusion};
use std::fmt::Write;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A path in a tree of up to 2^64 leaves.
const HASHES_MAX: usize = 64;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("not a proof: {0}")]
    Malformed(&'static str),
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    #[error("this entry is not number {index} in the log of {origin}")]
    NotIncluded { index: u64, origin: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub index: u64,
    pub checkpoint: Checkpoint,
    /// Not authenticated.
    pub extra: Option<Vec<u8>>,
}

/// Writes a proof. `path` is from the leaf's sibling up, as `tree::inclusion_proof` makes it.
pub fn make(extra: Option<&[u8]>, index: u64, path: &[Hash], checkpoint_note: &str) -> String {
    let mut text = format!("{HEADER}\n");
    // Writing to a string does not fail.
    if let Some(extra) = extra {
        let _ = writeln!(text, "extra {}", base64::encode(extra));
    }
    let _ = writeln!(text, "index {index}");
    for hash in path {
        let _ = writeln!(text, "{}", base64::encode(hash));
    }
    let _ = write!(text, "\n{checkpoint_note}");
    text
}

/// Writes the proof of an entry from stored tiles, against a checkpoint of `size`. `None` if the log is shorter.
pub fn from_tiles(index: u64, size: u64, checkpoint_note: &str, blobs: &mut Blobs<'_>) -> Option<String> {
    let path = inclusion_proof(index, size, &mut |level, index| tile::node(level, index, blobs))?;
    Some(make(None, index, &path, checkpoint_note))
}

pub fn verify(proof: &str, entry: &[u8], keys: &[VerifierKey]) -> Result<Verified, Error> {
    let (head, note) = proof.split_once("\n\n").ok_or(Error::Malformed("no checkpoint"))?;
    let mut lines = head.split('\n').peekable();
    if lines.next() != Some(HEADER) {
        return Err(Error::Malformed("its first line is not c2sp.org/tlog-proof@v1"));
    }
    let extra = match lines.peek().and_then(|it| it.strip_prefix("extra ")) {
        Some(text) => Some(base64::decode(text).ok_or(Error::Malformed("the extra data is not base64"))?),
        None => None,
    };
    if extra.is_some() {
        lines.next();
    }
    let index = lines.next().and_then(|it| it.strip_prefix("index ")).and_then(decimal);
    let index = index.ok_or(Error::Malformed("no index"))?;
    let path: Option<Vec<Hash>> = lines.take(HASHES_MAX + 1).map(base64::decode_hash).collect();
    let path = path
        .filter(|it| it.len() <= HASHES_MAX)
        .ok_or(Error::Malformed("a line of the path is not a hash"))?;
    let checkpoint = checkpoint::open(note, keys)?;
    let top = checkpoint.head;
    if !verify_inclusion(&leaf_hash(entry), index, top.size, &path, &top.root) {
        return Err(Error::NotIncluded {
            index,
            origin: checkpoint.origin,
        });
    }
    Ok(Verified {
        index,
        checkpoint,
        extra,
    })
}
