//! The process language: Open Workflow Specification 1.0.x, parsed, checked and advanced as a pure state machine.
//!
//! The invariant: an [`Instance`] is data. It holds where each branch stands, what it knows and what it waits for, and nothing of how
//! it came there; so it can be stored between any two stimuli, and the same stimuli always give the same commands. Time comes in
//! with each stimulus; there is no clock, chance or I/O here, and nothing is known of what the called functions mean.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod advance;
mod definition;
mod duration;
mod event;
mod fault;
mod flow;
mod instance;
mod listen;
mod parse;
mod parse_call;
mod parse_event;
mod parse_task;
mod parse_try;
mod parse_workflow;
mod scope;
mod task;
mod try_task;

pub use advance::{Advance, Command, STEPS_PER_ADVANCE_MAX, StepKind, StepTrace, Stimulus, advance, advance_traced};
pub use definition::{Definition, Schedule};
pub use event::{Correlation, OpenListen, listens, start_events, start_input};
pub use fault::Fault;
pub use instance::{Instance, Packed, Reference, Status, open_calls, open_timers};
pub use parse::{Issue, Options};
