//! Tiles and entry bundles as C2SP tlog-tiles serves them: 256 hashes or entries a tile, under stable paths.
//!
//! Invariant: a tile only grows at its end, so a partial tile is a prefix of every later form of it. We keep one blob a
//! tile under its full path, rewritten until it is full, and cut `.p/<W>` from it: old partial tiles stay servable
//! for ever and none of them takes room.

use super::tree::{Hash, node_hash};

/// Hashes or entries in a full tile.
pub const WIDTH: u64 = 256;
/// An entry's length goes before it as two bytes.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;
/// tlog-tiles names 64 levels; a tree of 2^64 leaves fills eight of them.
const LEVEL_MAX: u8 = 63;
/// Reads a stored blob by name.
pub type Blobs<'a> = dyn FnMut(&str) -> Option<Vec<u8>> + 'a;

/// A tile or bundle by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// `None` is an entry bundle.
    pub level: Option<u8>,
    pub index: u64,
    /// 256 is the full tile.
    pub width: u16,
}

impl Path {
    pub fn hashes(level: u8, index: u64) -> Self {
        Self {
            level: Some(level),
            index,
            width: WIDTH as u16,
        }
    }

    pub fn entries(index: u64) -> Self {
        Self {
            level: None,
            index,
            width: WIDTH as u16,
        }
    }

    pub fn partial(self, width: u16) -> Self {
        Self { width, ..self }
    }

    /// Reads `tile/0/x001/234.p/7`. Only the one way to write a path is accepted.
    pub fn parse(text: &str) -> Option<Self> {
        let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
        let level = if level == "entries" {
            None
        } else {
            Some(level.parse().ok().filter(|it| *it <= LEVEL_MAX)?)
        };
        let (digits, width) = match rest.split_once(".p/") {
            Some((digits, width)) => (digits, width.parse().ok().filter(|it| (1..256).contains(it))?),
            None => (rest, WIDTH as u16),
        };
        let plain: String = digits.chars().filter(char::is_ascii_digit).collect();
        let path = Self {
            level,
            index: plain.parse().ok()?,
            width,
        };
        (path.to_string() == text).then_some(path)
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.level {
            Some(level) => write!(f, "tile/{level}/")?,
            None => write!(f, "tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut left = self.index / 1000;
        while left > 0 {
            groups.push(left % 1000);
            left /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if u64::from(self.width) < WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// What a request for this path is answered with, cut from the stored blob. `None` is a 404.
pub fn serve(path: &str, blobs: &mut Blobs<'_>) -> Option<Vec<u8>> {
    let path = Path::parse(path)?;
    let mut stored = blobs(&path.partial(WIDTH as u16).to_string())?;
    let length = match path.level {
        Some(_) => usize::from(path.width) * size_of::<Hash>(),
        None => bundle_prefix(&stored, path.width)?,
    };
    (stored.len() >= length).then(|| {
        stored.truncate(length);
        stored
    })
}

/// How wide the tile is in a tree of `size` leaves: 0 where it does not exist.
pub fn width_at(level: u8, index: u64, size: u64) -> u64 {
    let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
    hashes.saturating_sub(index.saturating_mul(WIDTH)).min(WIDTH)
}

/// Appends an entry to a bundle. False, and nothing done, if it is too long for the format.
pub fn append_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else {
        return false;
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// The entries of a bundle. `None` if its end is cut off.
pub fn entries(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (entry, rest) = split_entry(bundle)?;
        entries.push(entry);
        bundle = rest;
    }
    Some(entries)
}

/// The hashes of a tile. `None` if its end is cut off.
pub fn hashes(tile: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = tile.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// The root of a perfect subtree, read from the tiles: what proofs are made of.
pub fn node(level: u32, index: u64, blobs: &mut Blobs<'_>) -> Option<Hash> {
    let (tile_level, height) = (u8::try_from(level / 8).ok()?, level % 8);
    let first = index.checked_shl(height)?;
    let stored = hashes(&blobs(&Path::hashes(tile_level, first / WIDTH).to_string())?)?;
    let start = (first % WIDTH) as usize;
    let mut row = stored.get(start..start + (1 << height))?.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row.first().copied()
}

/// The one entry with this index.
pub fn entry(index: u64, blobs: &mut Blobs<'_>) -> Option<Vec<u8>> {
    let bundle = blobs(&Path::entries(index / WIDTH).to_string())?;
    entries(&bundle)?.get((index % WIDTH) as usize).map(|it| it.to_vec())
}

fn bundle_prefix(bundle: &[u8], width: u16) -> Option<usize> {
    let mut rest = bundle;
    for _ in 0..width {
        rest = split_entry(rest)?.1;
    }
    Some(bundle.len() - rest.len())
}

fn split_entry(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bundle.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
