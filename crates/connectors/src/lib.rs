//! Clients of other people's systems: files and signed webhooks out, watched folders in, and the wall clock.
//!
//! Invariant: nothing leaves for an address that was not checked, nothing is taken from a folder before the runtime
//! has it durably, and whatever happens twice has the effect of happening once.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod clock;
pub mod inbound;
pub mod outbound;
pub mod secret;
pub mod standard_webhooks;
