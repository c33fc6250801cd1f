//! Numeric judgement: distances, driving times under the law, geofences, lateness. Pure and deterministic.
//!
//! Invariant: advice is a number with its method and its doubt. It is recorded; it never acts. Every assumption is a
//! named constant with its source, so that the evidence can say how a time was computed.

pub mod drive;
pub mod geo;
pub mod geofence;
pub mod hours;
pub mod intent;
