//! How long a drive takes once the law's rests are in it: 49 CFR 395.3 for property-carrying vehicles.
//!
//! The hours a driver has used are not known from positions; they are estimated from the vehicle's own movement, as
//! if one driver drove it. That is an input here, and its doubt is told with the estimate.

use serde::{Deserialize, Serialize};

/// Limits in seconds. Numbers of the rule as it stood when this was written; verify before relying on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// 395.3(a)(3)(i): driving since the last long rest.
    pub driving_s: i64,
    /// 395.3(a)(2): no driving after this long on duty, rest or no rest within.
    pub window_s: i64,
    /// 395.3(a)(1): a long rest, off duty.
    pub rest_s: i64,
    /// 395.3(a)(3)(ii): driving without a break of `break_s`.
    pub driving_before_break_s: i64,
    pub break_s: i64,
}

const HOUR_S: i64 = 3_600;

pub const PROPERTY_US: Limits = Limits {
    driving_s: 11 * HOUR_S,
    window_s: 14 * HOUR_S,
    rest_s: 10 * HOUR_S,
    driving_before_break_s: 8 * HOUR_S,
    break_s: HOUR_S / 2,
};

/// Rests one journey may hold before it is no longer worth an estimate.
const RESTS_MAX: u32 = 60;

/// What a driver has used of the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub driving_s: i64,
    pub window_s: i64,
    pub since_break_s: i64,
}

/// What a drive takes by the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elapsed {
    pub total_s: i64,
    pub rests: u32,
    pub breaks: u32,
}

impl Used {
    /// Time on duty or at rest without driving.
    pub fn stand(&mut self, seconds: i64, limits: &Limits) {
        if seconds >= limits.rest_s {
            *self = Self::default();
            return;
        }
        self.window_s += seconds;
        if seconds >= limits.break_s {
            self.since_break_s = 0;
        }
    }

    fn drive(&mut self, seconds: i64) {
        self.driving_s += seconds;
        self.window_s += seconds;
        self.since_break_s += seconds;
    }
}

/// Drives `driving_s` from what is used, with every rest and break the limits ask for on the way.
pub fn drive(used: &mut Used, driving_s: i64, limits: &Limits) -> Elapsed {
    let mut left = driving_s.max(0);
    let mut out = Elapsed::default();
    while left > 0 && out.rests < RESTS_MAX {
        let until_rest = (limits.driving_s - used.driving_s).min(limits.window_s - used.window_s);
        let until_break = limits.driving_before_break_s - used.since_break_s;
        let stretch = left.min(until_rest).min(until_break).max(0);
        used.drive(stretch);
        left -= stretch;
        out.total_s += stretch;
        if left == 0 {
            break;
        }
        if until_rest <= until_break {
            *used = Used::default();
            out.rests += 1;
            out.total_s += limits.rest_s;
        } else {
            used.stand(limits.break_s, limits);
            out.breaks += 1;
            out.total_s += limits.break_s;
        }
    }
    // Past any sensible journey the rest is added plainly, so that the answer stays finite and late.
    out.total_s += left;
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elapsed(hours: f64, used: Used) -> Elapsed {
        let mut used = used;
        drive(&mut used, (hours * 3_600.0) as i64, &PROPERTY_US)
    }

    #[test]
    fn a_short_drive_needs_no_rest_and_a_long_one_does() {
        assert_eq!(elapsed(7.5, Used::default()).total_s, 27_000);
        // Past eight hours of driving half an hour of break.
        let nine = elapsed(9.0, Used::default());
        assert_eq!((nine.total_s, nine.breaks, nine.rests), (9 * 3_600 + 1_800, 1, 0));
        // Past eleven, ten hours of rest: 11 h + 30 min + 10 h + 1 h.
        let twelve = elapsed(12.0, Used::default());
        assert_eq!((twelve.total_s, twelve.rests), (22 * 3_600 + 1_800, 1));
    }

    #[test]
    fn what_was_used_before_counts() {
        let used = Used {
            driving_s: 10 * 3_600,
            window_s: 11 * 3_600,
            since_break_s: 3_600,
        };
        assert_eq!(elapsed(1.0, used).total_s, 3_600);
        assert_eq!(elapsed(2.0, used).total_s, 12 * 3_600);
        // The window ends the day though hours of driving are left.
        let window = Used {
            driving_s: 2 * 3_600,
            window_s: 14 * 3_600,
            since_break_s: 0,
        };
        assert_eq!(elapsed(1.0, window).rests, 1);
    }

    #[test]
    fn a_stand_of_ten_hours_gives_all_hours_back() {
        let mut used = Used {
            driving_s: 11 * 3_600,
            window_s: 13 * 3_600,
            since_break_s: 3 * 3_600,
        };
        used.stand(1_800, &PROPERTY_US);
        assert_eq!((used.since_break_s, used.driving_s), (0, 11 * 3_600));
        used.stand(10 * 3_600, &PROPERTY_US);
        assert_eq!(used, Used::default());
    }

    proptest! {
        #[test]
        fn more_driving_never_takes_less_time(less in 0_i64..500_000, more in 0_i64..500_000, driven in 0_i64..50_000) {
            let used = Used { driving_s: driven, window_s: driven, since_break_s: driven };
            let (mut one, mut two) = (used, used);
            let short = drive(&mut one, less, &PROPERTY_US);
            let long = drive(&mut two, less + more, &PROPERTY_US);
            prop_assert!(short.total_s >= less);
            prop_assert!(long.total_s >= short.total_s);
        }
    }
}
