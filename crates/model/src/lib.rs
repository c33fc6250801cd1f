//! The words of the trade: ids, values, canonical events, effects and rejections. Plain data, no I/O.
//!
//! Invariant: nothing here reads a clock, draws chance or knows a partner's field name. Every other crate may
//! depend on this one; this one depends on none of them.

pub mod answer;
pub mod attempt;
pub mod automation;
pub mod capacity;
pub mod decision;
pub mod directory;
pub mod document;
pub mod effect;
pub mod event;
pub mod exception;
pub mod id;
pub mod issue;
pub mod load;
pub mod mail;
pub mod notice;
pub mod personal;
pub mod position;
pub mod rejection;
pub mod scope;
pub mod tender;
pub mod timer;
pub mod trip;
pub mod value;
pub mod view;
