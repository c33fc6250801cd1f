//! One binary for the crate's tests from outside, so that they share what they need.

mod conformance;
mod position;
mod refusals;
mod semantics;
mod speed;
mod support;
