//! Merkle tree arithmetic of RFC 6962 (hashes, roots) and RFC 9162 (checking proofs).
//!
//! Invariant: `Tree` holds the roots of the perfect subtrees that its leaves fall into, largest first: one for each
//! bit set in its size. So appending n leaves to N costs O(n + log N) and nothing older is read again.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// Answers the root of the perfect subtree of height `level` whose number at that height is `index`.
pub type Nodes<'a> = dyn FnMut(u32, u64) -> Option<Hash> + 'a;

/// An append-only tree, held as its right edge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    edge: Vec<Hash>,
}

impl Tree {
    /// `None` if the edge does not belong to a tree of that size.
    pub fn from_edge(size: u64, edge: Vec<Hash>) -> Option<Self> {
        (edge.len() == size.count_ones() as usize).then_some(Self { size, edge })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.edge.pop() else { break };
            hash = node_hash(&left, &hash);
        }
        self.edge.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let mut right_to_left = self.edge.iter().rev();
        let Some(last) = right_to_left.next() else {
            return empty_root();
        };
        right_to_left.fold(*last, |right, left| node_hash(left, &right))
    }
}

impl Extend<Hash> for Tree {
    fn extend<T: IntoIterator<Item = Hash>>(&mut self, leaves: T) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}

pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The root over these leaf hashes.
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    tree.extend(leaves.iter().copied());
    tree.root()
}

/// The audit path of leaf `index` in a tree of `size`, from the leaf's sibling up. `None` if a node is missing.
pub fn inclusion_proof(index: u64, size: u64, nodes: &mut Nodes<'_>) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range_hash(middle, end, nodes)?);
            end = middle;
        } else {
            path.push(range_hash(start, middle, nodes)?);
            start = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// Shows that the tree of size `old` is a prefix of the tree of size `new`. `None` if a node is missing.
pub fn consistency_proof(old: u64, new: u64, nodes: &mut Nodes<'_>) -> Option<Vec<Hash>> {
    if old > new {
        return None;
    }
    if old == 0 || old == new {
        return Some(Vec::new());
    }
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range_hash(middle, end, nodes)?);
            end = middle;
        } else {
            path.push(range_hash(start, middle, nodes)?);
            start = middle;
        }
    }
    // The old tree itself is known to the verifier when it is the whole left edge; otherwise its last part is not.
    if start > 0 {
        path.push(range_hash(start, end, nodes)?);
    }
    path.reverse();
    Some(path)
}

/// Checks that `leaf` is number `index` in the tree of `size` with `root` (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            skip_left_children(&mut at, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// A tree head: its size and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
}

/// Checks that the `old` tree is a prefix of the `new` one (RFC 9162, 2.1.4.2).
pub fn verify_consistency(old: &Head, new: &Head, path: &[Hash]) -> bool {
    if old.size > new.size {
        return false;
    }
    if old.size == new.size {
        return path.is_empty() && old.root == new.root;
    }
    if old.size == 0 {
        return path.is_empty() && old.root == empty_root();
    }
    let (mut at, mut last) = (old.size - 1, new.size - 1);
    let shift = at.trailing_ones();
    at >>= shift;
    last >>= shift;
    let whole = old.size.is_power_of_two();
    let (first, rest) = match (whole, path.split_first()) {
        (true, _) => (old.root, path),
        (false, Some((first, rest))) => (*first, rest),
        (false, None) => return false,
    };
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            skip_left_children(&mut at, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == old.root && new_hash == new.root
}

/// Where the last leaf of an incomplete tree stands, several levels have no sibling of their own.
fn skip_left_children(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        *at >>= 1;
        *last >>= 1;
    }
}

/// The root over leaves `start..end`, where `start` is a place at which RFC 6962 splits a tree.
fn range_hash(start: u64, end: u64, nodes: &mut Nodes<'_>) -> Option<Hash> {
    let count = end - start;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes(level, start >> level);
    }
    let middle = start + split(count);
    let left = range_hash(start, middle, nodes)?;
    Some(node_hash(&left, &range_hash(middle, end, nodes)?))
}

/// The largest power of two below `count`, which is 2 or more.
fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}
