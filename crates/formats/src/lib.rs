//! Foreign bytes <-> model: X12, JSON, telematics and e-mail today, each behind the one front door `decode`.
//!
//! Invariants: pure (no clock, chance, files or sockets: `now` is an argument); no bytes whatever make it panic;
//! every loop and size has a named limit. Decoders are lenient and return what they read *and* what they could
//! not, each with where, why and the fix. Encoders are strict: what they cannot say exactly they refuse.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

mod decode;
mod findings;
mod order_check;

pub mod advisor;
pub mod document;
pub mod email;
pub mod json;
pub mod moment;
pub mod place;
pub mod telematics;
pub mod x12;

pub use decode::{BYTES_MAX, Context, Decoded, Decoding, Identity, Reply, decode};
