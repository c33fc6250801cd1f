//! The dispatcher's judgement: `step(state, input, context) -> events, effects, timers, views`.
//!
//! Invariant: pure. Time and ids come in with the context; nothing is read from clock, disk or network. State
//! changes only by folding events, so a rebuild from the log makes the same state.

pub mod automation;
pub mod capacity;
pub mod command;
pub mod directory;
pub mod documents;
pub mod gate;
pub mod kpi;
pub mod mail;
pub mod notices;
pub mod playbook;
pub mod playbook_test;
pub mod readiness;
pub mod state;
pub mod step;
pub mod table;
pub mod template;
pub mod trip;
pub mod views;

mod answers;
mod approvals;
mod cover;
mod drafts;
mod exceptions;
mod follow_up;
mod held;
mod invoices;
mod memo;
mod moot;
mod offers;
mod orders;
mod process;
mod receipts;
mod settings;
mod turn;
