//! Timers: durable wake-ups. A timer is set or cancelled in the turn that decides so.

use crate::id::TimerId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "timer", rename_all = "snake_case")]
pub enum TimerChange {
    Set { id: TimerId, due: jiff::Timestamp },
    Cancel { id: TimerId },
}
