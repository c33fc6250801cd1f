//! The transparency log of a tenant: every decision is a leaf of an append-only Merkle tree with a signed head.
//!
//! Invariant: a leaf once integrated keeps its place and its bytes. Whoever holds an older checkpoint can show,
//! offline, that any later export changed, dropped, moved or cut something. Formats are C2SP's (signed-note,
//! tlog-checkpoint, tlog-tiles, tlog-proof, tlog-cosignature), so that outsiders' tools read them too. Pure: no clock,
//! no I/O, bytes in and bytes out.

pub mod canonical;
pub mod checkpoint;
pub mod export;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod sequencer;
pub mod tile;
pub mod tree;
pub mod verify;

mod base64;
#[cfg(test)]
mod tests;
