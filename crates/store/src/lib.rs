//! The log and its indexes on SQLite and on PostgreSQL. Only this crate knows SQL.
//!
//! Invariant: an acknowledged turn survives a power cut; the indexes hold exactly the fold of the records up to
//! their position; nothing read under one tenant's scope belongs to another. One suite holds every store to the
//! contract of `signalbox_runtime::ports::Store`: `tests/contract`.
//!
//! Appending writes rows in log order and touches no index of its own: random page writes are the trap at scale.
//! What can be looked up is written by `checkpoint`, in sorted order, together with the position it brings it to.
//! When a view's definition has changed since the tables were made, opening the store empties every index and sets
//! the position to 0; the owner then folds the log again, as after any start.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod batch;
mod key;
mod pool;
mod postgres;
mod sqlite;
mod view;

pub use crate::postgres::{Postgres, PostgresOptions};
pub use crate::sqlite::Sqlite;
