//! Free capacity: a resource stream of its own, in which carriers' statements stand and trucks are held for loads.
//!
//! Invariants: a truck is held for one load at a time; every hold has an end. A load asks by an effect and is answered by
//! an event (docs/decisions/0015); the offers of loads that never ask are followed, so that a truck on offer is not free.

mod book;
mod follow;
mod load;
mod search;
mod state;

pub use book::{Book, Held, Input, step};
pub use follow::{Followed, Heard, follow, heard};
pub(crate) use load::{ACTION, answered, approve, ask, displaced_by, propose, refuse};

use jiff::SignedDuration;

/// Trucks one statement may name. More is a slip of the finger.
pub const TRUCKS_MAX: u32 = 500;
/// Statements of a tenant that stand at a time.
pub const STATEMENTS_MAX: usize = 5_000;
/// How far back a statement's beginning may lie.
pub const PAST_MAX: SignedDuration = SignedDuration::from_hours(24);
/// How long a statement may hold good.
pub const SPAN_MAX: SignedDuration = SignedDuration::from_hours(24 * 14);
/// How far from the pickup a truck is still near it, great circle, metres. An assumption of ours: five hours of driving.
pub const NEAR_M: f64 = 400_000.0;
/// How long a truck is held before an offer is made on it: a person may have to approve the rate.
pub const HELD_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// How long a hold outlasts the time to answer its offer, so that the offer's own end comes first.
pub const GRACE: SignedDuration = SignedDuration::from_mins(5);
/// Candidates, and statements left out, that one search names.
pub const SHOWN_MAX: usize = 20;
/// The shortest and the longest time to answer that a tenant may set for expedited loads, minutes.
pub const RESPOND_WITHIN_MIN: u32 = 1;
pub const RESPOND_WITHIN_MAX: u32 = 24 * 60;
