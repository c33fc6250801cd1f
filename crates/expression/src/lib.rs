//! jq expressions for definitions and mappings, compiled once and bounded.
//!
//! The invariant: for the same source, input and variables a program gives the same answer, always answers, and never panics.
//! There is no clock, no environment, no input stream and no recursion. Every comparison, copy, iteration and branch is paid from
//! a budget ([`STEPS_MAX`]); every value built has a bounded size ([`WEIGHT_MAX`]) and depth ([`DEPTH_MAX`]). A program that
//! spends its budget fails, even if it catches the error itself.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod cache;
mod check;
mod meter;
mod natives;
mod operations;
mod prelude;
mod program;
mod quick;
mod template;
mod value;

pub use cache::{CACHE_PROGRAMS_MAX, Cache};
pub use meter::{STEPS_MAX, STRING_BYTES_PER_STEP, steps_spent};
pub use program::{Error, Program, SOURCE_BYTES_MAX, Variables};
pub use template::{Template, unwrap_expression};
pub use value::{DEPTH_MAX, WEIGHT_MAX};
