//! One binary for the crate's tests from outside, so that they share what they need.

mod bad_samples;
mod corpus;
mod email;
mod hostile;
mod round_trip;
mod samples;
mod support;
mod telematics;
mod webhook;
