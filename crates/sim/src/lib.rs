//! The simulator: the real engine and runtime, in a dispatcher's words (`scenario`) and under seeded disorder (`run`).

pub mod messages;
pub mod scenario;
pub mod setup;

pub mod actors;
pub mod coverage;
pub mod faults;
pub mod oracle;
pub mod run;
pub mod trucks;
pub mod world;
mod yards;
