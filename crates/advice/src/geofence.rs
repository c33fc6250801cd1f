//! A vehicle and one circular fence, told by positions in the order of their own times.
//!
//! Invariant: one position never makes a visit of a drive past, and a wavering fix at the fence never makes two
//! visits of one. What stands is decided by the positions and their times alone.

use serde::{Deserialize, Serialize};

/// Outside again only past this share of the radius, and this many metres beyond it.
const EXIT_SHARE: f64 = 1.5;
const EXIT_BEYOND_M: f64 = 200.0;
/// Whoever is this slow inside the fence has come to stay.
pub const SLOW_KMH: u16 = 15;
/// Inside, or outside again, for this long without doubt.
pub const CONFIRM_S: i64 = 120;
/// Outside by this much is outside at once.
const CLEARLY_OUTSIDE_M: f64 = 5_000.0;
/// At a stop that is not the next one, only whoever stays this long is there: trucks pass their later stops.
pub const OUT_OF_TURN_S: i64 = 600;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Fence {
    #[default]
    Outside,
    Entering {
        since_s: i64,
    },
    Inside {
        arrived_s: i64,
    },
    Leaving {
        arrived_s: i64,
        since_s: i64,
    },
    Left {
        arrived_s: i64,
        departed_s: i64,
    },
}

/// One position as a fence sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    pub at_s: i64,
    pub distance_m: f64,
    pub radius_m: f64,
    pub speed_kmh: Option<u16>,
    /// The fence is the one the vehicle is expected at next.
    pub in_turn: bool,
}

impl Fence {
    pub fn arrived_s(self) -> Option<i64> {
        match self {
            Self::Inside { arrived_s } | Self::Leaving { arrived_s, .. } | Self::Left { arrived_s, .. } => {
                Some(arrived_s)
            }
            Self::Outside | Self::Entering { .. } => None,
        }
    }

    pub fn departed_s(self) -> Option<i64> {
        match self {
            Self::Left { departed_s, .. } => Some(departed_s),
            Self::Outside | Self::Entering { .. } | Self::Inside { .. } | Self::Leaving { .. } => None,
        }
    }

    /// The fence after one more position.
    #[must_use]
    pub fn see(self, sight: &Sight) -> Self {
        let exit_m = (sight.radius_m * EXIT_SHARE).max(sight.radius_m + EXIT_BEYOND_M);
        let (inside, outside) = (sight.distance_m <= sight.radius_m, sight.distance_m > exit_m);
        match self {
            Self::Outside if inside => enter(sight.at_s, sight),
            Self::Entering { .. } if outside => Self::Outside,
            Self::Entering { since_s } => enter(since_s, sight),
            Self::Inside { arrived_s } if outside => leave(arrived_s, sight.at_s, sight, exit_m),
            Self::Leaving { arrived_s, .. } if inside => Self::Inside { arrived_s },
            Self::Leaving { arrived_s, since_s } if outside => leave(arrived_s, since_s, sight, exit_m),
            // Where it was, or between the two circles: nothing is decided.
            Self::Outside | Self::Inside { .. } | Self::Leaving { .. } | Self::Left { .. } => self,
        }
    }
}

fn enter(since_s: i64, sight: &Sight) -> Fence {
    let stayed_s = sight.at_s - since_s;
    let slow = sight.speed_kmh.is_some_and(|it| it <= SLOW_KMH);
    let there = if sight.in_turn {
        slow || stayed_s >= CONFIRM_S
    } else {
        stayed_s >= OUT_OF_TURN_S
    };
    if there {
        Fence::Inside { arrived_s: since_s }
    } else {
        Fence::Entering { since_s }
    }
}

fn leave(arrived_s: i64, since_s: i64, sight: &Sight, exit_m: f64) -> Fence {
    if sight.at_s - since_s >= CONFIRM_S || sight.distance_m > exit_m + CLEARLY_OUTSIDE_M {
        return Fence::Left {
            arrived_s,
            departed_s: since_s,
        };
    }
    Fence::Leaving { arrived_s, since_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance and speed every minute, at a fence of 500 m.
    fn run(seen: &[(f64, u16)], in_turn: bool) -> Fence {
        let mut fence = Fence::default();
        for (minute, (distance_m, speed_kmh)) in seen.iter().enumerate() {
            fence = fence.see(&Sight {
                at_s: minute as i64 * 60,
                distance_m: *distance_m,
                radius_m: 500.0,
                speed_kmh: Some(*speed_kmh),
                in_turn,
            });
        }
        fence
    }

    #[test]
    fn a_visit_has_its_first_and_its_last_minute() {
        let seen = [
            (3_000.0, 60),
            (400.0, 30),
            (50.0, 5),
            (50.0, 0),
            (900.0, 30),
            (2_000.0, 60),
            (4_000.0, 80),
        ];
        let expected = Fence::Left {
            arrived_s: 60,
            departed_s: 240,
        };
        assert_eq!(run(&seen, true), expected);
    }

    #[test]
    fn a_drive_past_is_no_visit() {
        assert_eq!(run(&[(3_000.0, 90), (300.0, 90), (2_000.0, 90)], true), Fence::Outside);
        // Nor is a halt at a stop that is not next.
        assert_eq!(run(&[(300.0, 0), (300.0, 0), (2_000.0, 90)], false), Fence::Outside);
        let stays = vec![(300.0, 0); 12];
        assert_eq!(run(&stays, false).arrived_s(), Some(0));
    }

    #[test]
    fn a_wavering_fix_leaves_one_visit() {
        let seen = [
            (100.0, 0),
            (620.0, 0),
            (480.0, 0),
            (740.0, 0),
            (710.0, 0),
            (100.0, 0),
            (800.0, 3),
            (90.0, 0),
        ];
        assert_eq!(run(&seen, true), Fence::Inside { arrived_s: 0 });
    }

    #[test]
    fn a_gap_in_the_pings_ends_the_visit_at_the_first_sight_outside() {
        let expected = Fence::Left {
            arrived_s: 0,
            departed_s: 120,
        };
        assert_eq!(run(&[(10.0, 0), (10.0, 0), (80_000.0, 90)], true), expected);
    }
}
