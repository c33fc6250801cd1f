//! The edge of Signalbox: HTTP, live updates, sign-in, the console, the writer thread and the `signalbox` command.
//!
//! Invariant: nobody is answered before what the answer says is durable, and every read and command carries the one
//! tenant that its caller's key belongs to.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)
)]

pub mod command_line;
pub mod edge;
pub mod server;
pub mod wiring;

pub mod bootstrap;
pub mod telemetry;

mod bench;
mod demo;
mod doctor;
mod tokens;
