//! The audit log as a file that its owner can keep and check anywhere.
//!
//! Two forms of the same thing: JSON lines (a header, then one entry a line: no entry holds a newline), which streams,
//! and one JSON document with the entries as strings. Invariant: entries are the bytes that were hashed, in order.

use super::base64;
use super::note::VerifierKey;
use super::tile::{self, Blobs, Path, WIDTH};
use super::tree::Hash;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Name of the log, which is also its key's.
    pub origin: String,
    pub tenant: String,
    /// For information: a verifier trusts the keys it was given, never this one.
    pub verifier_key: String,
    /// The signed head.
    pub checkpoint: String,
    /// Leaf hashes, 32 bytes each, base64. They must add up to the signed root, and then show which entry is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf_hashes: Option<String>,
    /// Only in the form of one document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<String>>,
}

impl Export {
    /// Everything but the entries.
    pub fn header(tenant: &str, key: &VerifierKey, checkpoint: &str, leaf_hashes: Option<&[Hash]>) -> Self {
        Self {
            origin: key.name().to_owned(),
            tenant: tenant.to_owned(),
            verifier_key: key.to_string(),
            checkpoint: checkpoint.to_owned(),
            leaf_hashes: leaf_hashes.map(|it| base64::encode(it.as_flattened())),
            entries: None,
        }
    }

    /// The first line of the JSON lines form; each entry follows on a line of its own.
    pub fn first_line(&self) -> Result<String, serde_json::Error> {
        let header = Self {
            entries: None,
            ..self.clone()
        };
        Ok(serde_json::to_string(&header)? + "\n")
    }

    /// The leaf hashes it carries, if they can be read.
    pub fn hashes(&self) -> Option<Vec<Hash>> {
        tile::hashes(&base64::decode(self.leaf_hashes.as_deref()?)?)
    }
}

/// The first `size` leaf hashes, from stored tiles.
pub fn leaf_hashes(size: u64, blobs: &mut Blobs<'_>) -> Option<Vec<Hash>> {
    let mut hashes = Vec::new();
    for index in 0..size.div_ceil(WIDTH) {
        hashes.extend(tile::hashes(&blobs(&Path::hashes(0, index).to_string())?)?);
    }
    let size = usize::try_from(size).ok()?;
    hashes.truncate(size);
    (hashes.len() == size).then_some(hashes)
}

/// Hands the first `size` entries on, in order, from stored bundles. False if one is missing.
pub fn each_entry(size: u64, blobs: &mut Blobs<'_>, take: &mut dyn FnMut(&[u8])) -> bool {
    for index in 0..size.div_ceil(WIDTH) {
        let Some(bundle) = blobs(&Path::entries(index).to_string()) else {
            return false;
        };
        let Some(entries) = tile::entries(&bundle) else {
            return false;
        };
        let count = (size - index * WIDTH).min(WIDTH) as usize;
        let Some(entries) = entries.get(..count) else {
            return false;
        };
        entries.iter().for_each(|entry| take(entry));
    }
    true
}
