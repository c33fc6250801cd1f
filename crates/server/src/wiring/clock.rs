//! The installation's clock: the wall's, in a demo one that runs faster, in a test one that is moved by hand.
//!
//! Invariant: it never goes backwards. Whoever decides by time reads this clock and no other.

use jiff::{SignedDuration, Timestamp};
use signalbox_connectors::clock::WallClock;
use signalbox_runtime::ports::Clock;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Fastest demo: a day in under a second.
pub const SPEED_MAX: f64 = 100_000.0;

pub struct ServerClock(Drive);

enum Drive {
    Wall {
        wall: WallClock,
        started: Timestamp,
        speed: f64,
    },
    /// Stands until it is moved.
    Hand(Mutex<Timestamp>),
}

impl ServerClock {
    pub fn at_speed(speed: f64) -> Self {
        let wall = WallClock::new();
        let started = wall.now();
        let speed = if speed.is_finite() {
            speed.clamp(1.0, SPEED_MAX)
        } else {
            1.0
        };
        Self(Drive::Wall { wall, started, speed })
    }

    /// A clock that stands at `start` until `set` moves it. No command makes one.
    pub fn by_hand(start: Timestamp) -> Self {
        Self(Drive::Hand(Mutex::new(start)))
    }

    pub fn speed(&self) -> f64 {
        match &self.0 {
            Drive::Wall { speed, .. } => *speed,
            Drive::Hand(_) => 1.0,
        }
    }

    /// Whether it moves by hand only.
    pub fn stands(&self) -> bool {
        matches!(self.0, Drive::Hand(_))
    }

    /// Moves a clock driven by hand to `to`. Back it does not go, and one that runs by itself is not moved.
    pub fn set(&self, to: Timestamp) {
        if let Drive::Hand(at) = &self.0 {
            let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
            *at = to.max(*at);
        }
    }

    /// How long to wait, in our time, until this clock shows `due`; without end where only a hand moves it.
    pub fn wait_until(&self, due: Timestamp) -> Duration {
        let left = Duration::try_from(due.duration_since(self.now())).unwrap_or(Duration::ZERO);
        match &self.0 {
            Drive::Wall { speed, .. } if *speed > 1.0 => left.div_f64(*speed),
            Drive::Wall { .. } => left,
            Drive::Hand(_) if left.is_zero() => left,
            Drive::Hand(_) => Duration::MAX,
        }
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        let (wall, started, speed) = match &self.0 {
            Drive::Wall { wall, started, speed } => (wall, started, speed),
            Drive::Hand(at) => return *at.lock().unwrap_or_else(PoisonError::into_inner),
        };
        let now = wall.now();
        if *speed <= 1.0 {
            return now;
        }
        let passed = now.duration_since(*started).as_secs_f64() * speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::ZERO);
        started.checked_add(passed).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_passes_and_waits_in_proportion() {
        let clock = ServerClock::at_speed(1_000.0);
        let start = clock.now();
        let due = start + SignedDuration::from_secs(3_600);
        let wait = clock.wait_until(due);
        assert!(
            wait <= Duration::from_millis(3_600) && wait > Duration::from_secs(1),
            "{wait:?}"
        );
        assert_eq!(clock.wait_until(start), Duration::ZERO);
    }

    #[test]
    fn a_clock_driven_by_hand_stands_until_it_is_moved_and_never_goes_back() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = ServerClock::by_hand(at(100));
        assert_eq!((clock.now(), clock.stands()), (at(100), true));
        assert_eq!(clock.wait_until(at(101)), Duration::MAX);
        clock.set(at(160));
        clock.set(at(40));
        assert_eq!((clock.now(), clock.wait_until(at(101))), (at(160), Duration::ZERO));
        let wall = ServerClock::at_speed(1.0);
        wall.set(Timestamp::MAX);
        assert!(wall.now() < Timestamp::MAX && !wall.stands());
    }
}
