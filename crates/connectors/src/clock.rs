//! The wall clock. Invariant: within one process it never goes backwards; where the system's clock is set back, the
//! time stands at the last one given until the system has caught up.

use jiff::Timestamp;
use signalbox_runtime::ports::Clock;
use std::sync::atomic::{AtomicI64, Ordering};

#[derive(Debug)]
pub struct WallClock {
    /// Microseconds since 1970, the latest given out.
    last: AtomicI64,
}

impl WallClock {
    pub fn new() -> Self {
        Self {
            last: AtomicI64::new(i64::MIN),
        }
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        later_of(&self.last, Timestamp::now())
    }
}

/// What the system says, or the latest given out where that is later.
fn later_of(last: &AtomicI64, read: Timestamp) -> Timestamp {
    let read_us = read.as_microsecond();
    let last_us = last.fetch_max(read_us, Ordering::AcqRel);
    Timestamp::from_microsecond(last_us.max(read_us)).unwrap_or(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_stands_still_until_it_has_caught_up() {
        let last = AtomicI64::new(i64::MIN);
        let at = |second| Timestamp::from_second(second).unwrap();
        let given = [100, 101, 40, 41, 101, 102].map(|it| later_of(&last, at(it)));
        assert_eq!(given, [100, 101, 101, 101, 101, 102].map(at));
    }

    #[test]
    fn threads_never_see_it_go_back() {
        let clock = WallClock::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut before = clock.now();
                    for _ in 0..10_000 {
                        let now = clock.now();
                        assert!(now >= before);
                        before = now;
                    }
                });
            }
        });
    }
}
