//! RFC 6962: roots known from Certificate Transparency, and every proof of every small tree.

use crate::audit::tree::{
    Hash, Head, Tree, consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash, root_of,
    verify_consistency, verify_inclusion,
};

const SIZE_MAX: u64 = 130;

/// Leaves and roots that Certificate Transparency's implementations test with.
const KNOWN: [(&str, &str); 8] = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (
        "2021",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (
        "3031",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    ),
    (
        "40414243",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    ),
    (
        "5051525354555657",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ),
    (
        "606162636465666768696a6b6c6d6e6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
];

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|it| leaf_hash(&it.to_be_bytes())).collect()
}

/// The root as RFC 6962 defines it, word for word.
fn defined(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&defined(left), &defined(right))
        }
    }
}

/// The perfect subtrees over these leaves, each hashed once.
fn nodes(leaves: &[Hash]) -> impl FnMut(u32, u64) -> Option<Hash> + use<> {
    let mut rows = vec![leaves.to_vec()];
    while let Some(row) = rows.last().filter(|it| it.len() > 1) {
        let above = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        rows.push(above);
    }
    move |level, index| rows.get(level as usize)?.get(index as usize).copied()
}

#[test]
fn the_known_roots() {
    let mut tree = Tree::default();
    assert_eq!(
        hex::encode(tree.root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (leaf, root) in KNOWN {
        tree.push(leaf_hash(&hex::decode(leaf).unwrap()));
        assert_eq!(hex::encode(tree.root()), root, "size {}", tree.size());
    }
}

#[test]
fn a_known_audit_path() {
    let leaves: Vec<Hash> = KNOWN
        .iter()
        .map(|(leaf, _)| leaf_hash(&hex::decode(leaf).unwrap()))
        .collect();
    let path = inclusion_proof(0, 8, &mut nodes(&leaves)).unwrap();
    let path: Vec<String> = path.iter().map(hex::encode).collect();
    assert_eq!(
        path,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
}

#[test]
fn the_incremental_root_is_the_defined_one() {
    let leaves = leaves(600);
    let mut tree = Tree::default();
    for (size, leaf) in leaves.iter().enumerate() {
        assert_eq!(tree.root(), defined(&leaves[..size]));
        assert_eq!(Tree::from_edge(tree.size(), tree.edge().to_vec()).as_ref(), Some(&tree));
        tree.push(*leaf);
    }
    assert_eq!(Tree::from_edge(3, vec![leaves[0]]), None);
}

/// Every way to spoil a path: a bit of each hash, a hash too few, one too many, two swapped.
fn spoiled(path: &[Hash], bit: usize) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for place in 0..path.len() {
        let mut flipped = path.to_vec();
        flipped[place][(bit / 8) % 32] ^= 1 << (bit % 8);
        all.push(flipped);
        let mut shorter = path.to_vec();
        shorter.remove(place);
        all.push(shorter);
        let mut longer = path.to_vec();
        longer.insert(place, path[place]);
        all.push(longer);
        if place > 0 {
            let mut swapped = path.to_vec();
            swapped.swap(place - 1, place);
            all.push(swapped);
        }
    }
    all.push([path, &[[0; 32]]].concat());
    all
}

#[test]
fn every_inclusion_proof_holds_and_no_spoiled_one() {
    let leaves = leaves(SIZE_MAX);
    let mut nodes = nodes(&leaves);
    for size in 1..=SIZE_MAX {
        let root = root_of(&leaves[..size as usize]);
        for index in 0..size {
            let leaf = leaves[index as usize];
            let path = inclusion_proof(index, size, &mut nodes).unwrap();
            assert!(verify_inclusion(&leaf, index, size, &path, &root), "{index} of {size}");
            for other in spoiled(&path, (index + size) as usize) {
                assert!(
                    !verify_inclusion(&leaf, index, size, &other, &root),
                    "{index} of {size}: {other:?}"
                );
            }
            assert!(!verify_inclusion(&leaf, size, size, &path, &root));
            assert!(
                !verify_inclusion(&leaf, index ^ 1, size, &path, &root),
                "{index} of {size} moved"
            );
            assert!(!verify_inclusion(&leaf_hash(b"other"), index, size, &path, &root));
            assert!(!verify_inclusion(&leaf, index, size, &path, &empty_root()));
        }
        assert_eq!(inclusion_proof(size, size, &mut nodes), None);
    }
}

#[test]
fn every_bit_of_a_path_counts() {
    let leaves = leaves(SIZE_MAX);
    let (root, mut nodes) = (root_of(&leaves), nodes(&leaves));
    for index in [0, 63, 64, 127, 128, 129] {
        let path = inclusion_proof(index, SIZE_MAX, &mut nodes).unwrap();
        for bit in 0..path.len() * 256 {
            let mut flipped = path.clone();
            flipped[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
            assert!(!verify_inclusion(
                &leaves[index as usize],
                index,
                SIZE_MAX,
                &flipped,
                &root
            ));
        }
    }
}

#[test]
fn every_consistency_proof_holds_and_no_spoiled_one() {
    let leaves = leaves(SIZE_MAX);
    let mut nodes = nodes(&leaves);
    let heads: Vec<Head> = (0..=SIZE_MAX)
        .map(|size| Head {
            size,
            root: root_of(&leaves[..size as usize]),
        })
        .collect();
    for new in &heads {
        for old in heads.iter().take(new.size as usize + 1) {
            let path = consistency_proof(old.size, new.size, &mut nodes).unwrap();
            assert!(verify_consistency(old, new, &path), "{} to {}", old.size, new.size);
            for other in spoiled(&path, (old.size + new.size) as usize) {
                assert!(
                    !verify_consistency(old, new, &other),
                    "{} to {}: {other:?}",
                    old.size,
                    new.size
                );
            }
            let rewritten = Head {
                root: leaf_hash(b"other"),
                ..*old
            };
            assert!(
                !verify_consistency(&rewritten, new, &path),
                "{} to {} rewritten",
                old.size,
                new.size
            );
            if old.size < new.size {
                assert!(!verify_consistency(new, old, &path));
            }
        }
    }
}
