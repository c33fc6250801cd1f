//! The installation's clock: the wall's; in a test one that is moved by hand; in a demo one that is moved by hand through
//! the time before the demo opens and then let go, to run on faster than the wall's.
//!
//! Invariant: it never goes backwards. Whoever decides by time reads this clock and no other.

use jiff::{SignedDuration, Timestamp};
use signalbox_connectors::clock::WallClock;
use signalbox_runtime::ports::Clock;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Fastest demo: a day in under a second.
pub const SPEED_MAX: f64 = 100_000.0;

pub struct ServerClock(Drive);

enum Drive {
    Wall {
        wall: WallClock,
        started: Timestamp,
        speed: f64,
    },
    Hand(Mutex<Course>),
}

/// Stands until it is moved, or runs on from `at` since it was let go.
struct Course {
    at: Timestamp,
    let_go: Option<(Instant, f64)>,
}

impl Course {
    fn now(&self) -> Timestamp {
        let Some((since, speed)) = self.let_go else {
            return self.at;
        };
        let passed = SignedDuration::try_from_secs_f64(since.elapsed().as_secs_f64() * speed);
        self.at
            .saturating_add(passed.unwrap_or(SignedDuration::MAX))
            .unwrap_or(Timestamp::MAX)
    }
}

fn within_limits(speed: f64) -> f64 {
    if speed.is_finite() {
        speed.clamp(1.0, SPEED_MAX)
    } else {
        1.0
    }
}

impl ServerClock {
    pub fn at_speed(speed: f64) -> Self {
        let wall = WallClock::new();
        let started = wall.now();
        let speed = within_limits(speed);
        Self(Drive::Wall { wall, started, speed })
    }

    /// A clock that stands at `start` until `set` moves it.
    pub fn by_hand(start: Timestamp) -> Self {
        Self(Drive::Hand(Mutex::new(Course {
            at: start,
            let_go: None,
        })))
    }

    /// Lets a clock that stands run on by itself. It never stands again.
    pub fn let_go(&self, speed: f64) {
        if let Drive::Hand(course) = &self.0 {
            let mut course = course.lock().unwrap_or_else(PoisonError::into_inner);
            let at = course.now();
            *course = Course {
                at,
                let_go: Some((Instant::now(), within_limits(speed))),
            };
        }
    }

    pub fn speed(&self) -> f64 {
        match &self.0 {
            Drive::Wall { speed, .. } => *speed,
            Drive::Hand(course) => let_go(course).map_or(1.0, |(_, speed)| speed),
        }
    }

    /// Whether it moves by hand only.
    pub fn stands(&self) -> bool {
        match &self.0 {
            Drive::Wall { .. } => false,
            Drive::Hand(course) => let_go(course).is_none(),
        }
    }

    /// Moves a clock driven by hand to `to`. Back it does not go, and one that runs by itself is not moved.
    pub fn set(&self, to: Timestamp) {
        if let Drive::Hand(course) = &self.0 {
            let mut course = course.lock().unwrap_or_else(PoisonError::into_inner);
            if course.let_go.is_none() {
                course.at = to.max(course.at);
            }
        }
    }

    /// How long to wait, in our time, until this clock shows `due`; without end where only a hand moves it.
    pub fn wait_until(&self, due: Timestamp) -> Duration {
        let left = Duration::try_from(due.duration_since(self.now())).unwrap_or(Duration::ZERO);
        if self.stands() && !left.is_zero() {
            return Duration::MAX;
        }
        let speed = self.speed();
        if speed > 1.0 { left.div_f64(speed) } else { left }
    }
}

fn let_go(course: &Mutex<Course>) -> Option<(Instant, f64)> {
    course.lock().unwrap_or_else(PoisonError::into_inner).let_go
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        let (wall, started, speed) = match &self.0 {
            Drive::Wall { wall, started, speed } => (wall, started, speed),
            Drive::Hand(course) => return course.lock().unwrap_or_else(PoisonError::into_inner).now(),
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
        clock.let_go(1_000.0);
        clock.set(at(1_000_000));
        let now = clock.now();
        assert!(now >= at(160) && now < at(1_000_000) && !clock.stands());
        assert!(clock.wait_until(now + SignedDuration::from_hours(1)) <= Duration::from_millis(3_600));
        let wall = ServerClock::at_speed(1.0);
        wall.set(Timestamp::MAX);
        assert!(wall.now() < Timestamp::MAX && !wall.stands());
    }
}
