//! The installation's clock: the wall's, or in a demo one that runs faster.

use jiff::{SignedDuration, Timestamp};
use signalbox_connectors::clock::WallClock;
use signalbox_runtime::ports::Clock;
use std::time::Duration;

/// Fastest demo: a day in under a second.
pub const SPEED_MAX: f64 = 100_000.0;

pub struct ServerClock {
    wall: WallClock,
    started: Timestamp,
    speed: f64,
}

impl ServerClock {
    pub fn at_speed(speed: f64) -> Self {
        let wall = WallClock::new();
        let started = wall.now();
        Self {
            wall,
            started,
            speed: if speed.is_finite() {
                speed.clamp(1.0, SPEED_MAX)
            } else {
                1.0
            },
        }
    }

    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// How long to wait, in our time, until this clock shows `due`.
    pub fn wait_until(&self, due: Timestamp) -> Duration {
        let left = due.duration_since(self.now());
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
        if self.speed > 1.0 {
            left.div_f64(self.speed)
        } else {
            left
        }
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        let now = self.wall.now();
        if self.speed <= 1.0 {
            return now;
        }
        let passed = now.duration_since(self.started).as_secs_f64() * self.speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::ZERO);
        self.started.checked_add(passed).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_passes_and_waits_in_proportion() {
        let clock = ServerClock::at_speed(1_000.0);
        let due = clock.now() + SignedDuration::from_secs(3_600);
        let wait = clock.wait_until(due);
        assert!(
            wait <= Duration::from_millis(3_600) && wait > Duration::from_secs(1),
            "{wait:?}"
        );
        assert_eq!(clock.wait_until(clock.started), Duration::ZERO);
    }
}
