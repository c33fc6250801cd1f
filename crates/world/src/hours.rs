//! A driver's hours: 49 CFR 395.3 for property-carrying vehicles, simplified to one driver and no split rests.
//!
//! Invariant: `may_drive` is false wherever another second of driving would break a limit.

pub const HOUR_S: i64 = 3_600;
/// Driving between two long rests.
pub const DRIVING_S: i64 = 11 * HOUR_S;
/// From the first work after a long rest; no driving after it.
pub const WINDOW_S: i64 = 14 * HOUR_S;
/// A long rest.
pub const REST_S: i64 = 10 * HOUR_S;
/// Driving without a break.
pub const BEFORE_BREAK_S: i64 = 8 * HOUR_S;
pub const BREAK_S: i64 = HOUR_S / 2;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    driving_s: i64,
    window_s: i64,
    since_break_s: i64,
    /// Without driving, at a stretch.
    still_s: i64,
}

/// What the law asks for before the driver goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    Break,
    Rest,
}

impl Hours {
    /// What is needed before driving for another `seconds`.
    pub fn needs(&self, seconds: i64) -> Option<Pause> {
        if self.driving_s + seconds > DRIVING_S || self.window_s + seconds > WINDOW_S {
            return Some(Pause::Rest);
        }
        (self.since_break_s + seconds > BEFORE_BREAK_S).then_some(Pause::Break)
    }

    pub fn drive(&mut self, seconds: i64) {
        self.driving_s += seconds;
        self.window_s += seconds;
        self.since_break_s += seconds;
        self.still_s = 0;
    }

    /// Not driving: at a dock, in a queue, at rest.
    pub fn stand(&mut self, seconds: i64) {
        self.still_s += seconds;
        if self.still_s >= REST_S {
            *self = Self::default();
            return;
        }
        if self.window_s > 0 {
            self.window_s += seconds;
        }
        if self.still_s >= BREAK_S {
            self.since_break_s = 0;
        }
    }
}

/// Hours that a day gives a driver who also stands at docks.
const USABLE_S: i64 = 10 * HOUR_S;

/// How long a drive takes by the clock, with the breaks and rests on the way, for a driver who has used so much of the
/// day already.
pub fn with_rests(driving_s: i64, used_s: i64) -> i64 {
    let of_days_s = driving_s + used_s;
    let rests = (of_days_s - 1).max(0) / USABLE_S;
    let breaks = i64::from(of_days_s % USABLE_S > BEFORE_BREAK_S) + rests;
    driving_s + rests * REST_S + breaks * BREAK_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_hours_then_a_break_eleven_then_a_rest() {
        let mut hours = Hours::default();
        hours.drive(BEFORE_BREAK_S);
        assert_eq!(hours.needs(1), Some(Pause::Break));
        hours.stand(BREAK_S);
        assert_eq!(hours.needs(1), None);
        hours.drive(3 * HOUR_S);
        assert_eq!(hours.needs(1), Some(Pause::Rest));
        hours.stand(REST_S - 1);
        assert_eq!(hours.needs(1), Some(Pause::Rest));
        hours.stand(1);
        assert_eq!(hours, Hours::default());
    }

    #[test]
    fn a_day_ends_after_fourteen_hours_whatever_was_driven() {
        let mut hours = Hours::default();
        hours.drive(HOUR_S);
        hours.stand(9 * HOUR_S);
        hours.drive(3 * HOUR_S);
        assert_eq!(hours.needs(2 * HOUR_S), Some(Pause::Rest));
        assert_eq!(hours.needs(HOUR_S), None);
    }

    #[test]
    fn a_plan_knows_the_rests() {
        assert_eq!(with_rests(5 * HOUR_S, 0), 5 * HOUR_S);
        assert_eq!(with_rests(9 * HOUR_S, 0), 9 * HOUR_S + BREAK_S);
        assert_eq!(with_rests(12 * HOUR_S, 0), 12 * HOUR_S + REST_S + BREAK_S);
        assert_eq!(with_rests(8 * HOUR_S, 3 * HOUR_S), 8 * HOUR_S + REST_S + BREAK_S);
    }
}
