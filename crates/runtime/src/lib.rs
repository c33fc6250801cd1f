//! The pump: receive, normalize, step, commit, perform. A sans-I/O machine that owns the five ports.
//!
//! Invariant: nothing is acknowledged before its record is durable, and no effect leaves before the commit that
//! caused it. Restart, retry and failover run the same code as a normal Tuesday.

pub mod machine;
pub mod ports;
pub mod record;
pub mod request;

mod advice;
pub mod audit;
pub mod checkpoint;
pub mod commands;
pub mod index;
pub mod kpis;
mod mails;
pub mod memory;
pub mod perform;
pub mod retry;
pub mod streams;
pub mod timers;
pub mod trail;
pub mod vault;

mod capacity;
mod documents;
mod follow_up;
mod normalize;
mod overlay;
mod receive;
mod trips;
