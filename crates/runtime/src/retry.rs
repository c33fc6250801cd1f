//! When to try again: schedules as data, jitter from a hash. Pure.
//!
//! Invariant: the same effect, attempt and instant always give the same next attempt, and every schedule ends.

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use signalbox_model::id::EffectId;

/// The longest wait after each failed attempt; after the last one there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub waits: &'static [SignedDuration],
}

/// The waits Standard Webhooks 1.0.0 gives as its example: ten attempts, the last at most 75 h 35 min 5 s after the first.
pub const WEBHOOK: Schedule = Schedule {
    waits: &[
        SignedDuration::from_secs(5),
        SignedDuration::from_mins(5),
        SignedDuration::from_mins(30),
        SignedDuration::from_hours(2),
        SignedDuration::from_hours(5),
        SignedDuration::from_hours(10),
        SignedDuration::from_hours(14),
        SignedDuration::from_hours(20),
        SignedDuration::from_hours(24),
    ],
};

/// A folder is our own disk or a mount: it is back soon, or a person must look. Ten attempts within 3 h 22 min.
pub const FOLDER: Schedule = Schedule {
    waits: &[
        SignedDuration::from_secs(1),
        SignedDuration::from_secs(5),
        SignedDuration::from_secs(15),
        SignedDuration::from_mins(1),
        SignedDuration::from_mins(5),
        SignedDuration::from_mins(15),
        SignedDuration::from_mins(30),
        SignedDuration::from_mins(60),
        SignedDuration::from_mins(90),
    ],
};

/// A mail server is back soon, or somebody has to call: eight attempts within 34 min.
pub const MAIL: Schedule = Schedule {
    waits: &[
        SignedDuration::from_secs(10),
        SignedDuration::from_secs(30),
        SignedDuration::from_mins(1),
        SignedDuration::from_mins(2),
        SignedDuration::from_mins(5),
        SignedDuration::from_mins(10),
        SignedDuration::from_mins(15),
    ],
};

/// Advice that comes late is of no use: three attempts within 40 s.
pub const ADVISOR: Schedule = Schedule {
    waits: &[SignedDuration::from_secs(5), SignedDuration::from_secs(30)],
};

/// No attempt follows a failure faster than this, whatever the jitter says.
pub const WAIT_MIN: SignedDuration = SignedDuration::from_millis(500);

impl Schedule {
    /// How many attempts there are in all.
    pub fn attempts_max(&self) -> u32 {
        u32::try_from(self.waits.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// How long after the first attempt the last one may come, attempts themselves taking no time.
    pub fn horizon(&self) -> SignedDuration {
        self.waits
            .iter()
            .fold(SignedDuration::ZERO, |sum, it| sum.saturating_add(*it))
    }

    /// When to try again after `attempt` (1-based) failed at `now`; `None` when all attempts are used up.
    pub fn next_attempt(&self, effect: &EffectId, attempt: u32, now: Timestamp) -> Option<Timestamp> {
        let failed = usize::try_from(attempt).ok()?.checked_sub(1)?;
        let longest = *self.waits.get(failed)?;
        now.checked_add(full_jitter(longest, chance(effect, attempt))).ok()
    }
}

/// Somewhere between `WAIT_MIN` and `longest`, evenly: receivers that fell over together are not called together.
fn full_jitter(longest: SignedDuration, chance: u64) -> SignedDuration {
    let (shortest, longest) = (WAIT_MIN.as_millis(), longest.as_millis());
    let spread = u128::try_from(longest.saturating_sub(shortest)).unwrap_or(0);
    let share = (spread * u128::from(chance)) >> 64;
    let wait = shortest.saturating_add(i128::try_from(share).unwrap_or(0));
    SignedDuration::from_millis(i64::try_from(wait).unwrap_or(i64::MAX))
}

/// An even draw that is the same each time it is asked for.
fn chance(effect: &EffectId, attempt: u32) -> u64 {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(effect.as_str().as_bytes());
    hash.update(&[0]);
    hash.update(&attempt.to_be_bytes());
    let digest = hash.finish();
    digest
        .as_ref()
        .iter()
        .take(8)
        .fold(0, |bits, byte| (bits << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_schedules_reach_as_far_as_they_say() {
        assert_eq!(WEBHOOK.horizon(), SignedDuration::from_secs(75 * 3600 + 35 * 60 + 5));
        assert_eq!(WEBHOOK.attempts_max(), 10);
        assert_eq!(FOLDER.horizon(), SignedDuration::from_secs(21 + 201 * 60));
        assert_eq!(FOLDER.attempts_max(), 10);
        assert_eq!(MAIL.horizon(), SignedDuration::from_secs(40 + 33 * 60));
        assert_eq!(MAIL.attempts_max(), 8);
    }

    #[test]
    fn there_is_no_attempt_after_the_last_and_none_before_the_first() {
        let effect = EffectId::from("eff_1");
        assert!(WEBHOOK.next_attempt(&effect, 9, at(0)).is_some());
        for attempt in [0, 10, 11, u32::MAX] {
            assert_eq!(WEBHOOK.next_attempt(&effect, attempt, at(0)), None);
        }
        assert_eq!(WEBHOOK.next_attempt(&effect, 1, Timestamp::MAX), None);
    }

    #[test]
    fn a_thousand_effects_that_fail_together_come_back_spread_evenly() {
        let mut tenths = [0_u32; 10];
        for number in 0..1_000 {
            let effect = EffectId(format!("eff_{number}"));
            let next = WEBHOOK.next_attempt(&effect, 2, at(0)).unwrap();
            tenths[usize::try_from(next.as_second() / 30).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|it| (60..=140).contains(it)), "{tenths:?}");
    }

    proptest! {
        #[test]
        fn a_wait_is_fixed_by_effect_and_attempt_and_within_its_bounds(
            name in "[a-z0-9_]{1,40}", attempt in 1_u32..10, now in 0_i64..4_000_000_000,
        ) {
            let effect = EffectId(name);
            for schedule in [WEBHOOK, FOLDER, MAIL].into_iter().filter(|it| attempt < it.attempts_max()) {
                let next = schedule.next_attempt(&effect, attempt, at(now)).unwrap();
                prop_assert_eq!(Some(next), schedule.next_attempt(&effect, attempt, at(now)));
                let wait = next.duration_since(at(now));
                prop_assert!(wait >= WAIT_MIN && wait <= schedule.waits[attempt as usize - 1]);
            }
        }
    }
}
