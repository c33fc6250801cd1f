//! Expected arrival: way by road from the great circle, driving time from the way, rests from the law.
//!
//! Without a routing engine the way is a factor on the great circle. The doubt is told: the same journey is driven
//! fast and slow, and the ends are given with the estimate.

use crate::hours::{self, Limits, PROPERTY_US, Used};

/// Way by road over great circle in the United States. Ballou, Rahardja, Sakai: Selected country circuity factors for
/// road travel distance estimation, Transportation Research A 36 (2002) 843: 1.20, standard deviation 0.17.
pub const CIRCUITY: f64 = 1.20;
pub const CIRCUITY_LOW: f64 = 1.08;
pub const CIRCUITY_HIGH: f64 = 1.37;

/// Mean speed of a truck under way on a long haul. FHWA, Freight Facts and Figures 2010, table 3-8: 85 to 95 km/h
/// (52.8 to 59.2 mph) on 25 interstates. Taken lower, for the way on other roads, fuel and scales: an assumption of ours.
pub const LINE_HAUL_KMH: f64 = 80.0;
/// Mean speed near the ends of a way; an assumption of ours.
pub const LOCAL_KMH: f64 = 45.0;
/// Length of way that is driven at the local speed.
pub const LOCAL_KM: f64 = 30.0;
/// Speed of the fast and the slow drive, as shares of the expected.
pub const FAST: f64 = 1.12;
pub const SLOW: f64 = 0.85;

/// The way to one stop, and what happens there before the way goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    pub great_circle_m: f64,
    /// Not served before this instant, seconds since 1970.
    pub opens_s: Option<i64>,
    /// Loading or unloading, before the next leg.
    pub service_s: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub circuity: f64,
    pub speed: f64,
}

pub const EXPECTED: Pace = Pace {
    circuity: CIRCUITY,
    speed: 1.0,
};
pub const FASTEST: Pace = Pace {
    circuity: CIRCUITY_LOW,
    speed: FAST,
};
pub const SLOWEST: Pace = Pace {
    circuity: CIRCUITY_HIGH,
    speed: SLOW,
};

/// Arrival at a leg's end, with what went into it since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arrival {
    pub at_s: i64,
    pub way_m: f64,
    pub driving_s: i64,
    pub rests: u32,
    pub breaks: u32,
}

/// Seconds of driving for a way by road.
pub fn driving_s(way_m: f64, speed: f64) -> i64 {
    let way_km = way_m / 1_000.0;
    let hours = way_km.min(LOCAL_KM) / LOCAL_KMH + (way_km - LOCAL_KM).max(0.0) / LINE_HAUL_KMH;
    (hours / speed * 3_600.0).round() as i64
}

/// Drives the legs one after the other from `start_s` and answers each arrival. `stand_s` is what is left to do
/// where the vehicle stands now.
pub fn journey(start_s: i64, stand_s: i64, legs: &[Leg], used: Used, pace: Pace, out: &mut Vec<Arrival>) {
    let limits: &Limits = &PROPERTY_US;
    let mut used = used;
    let mut now = Arrival {
        at_s: start_s.saturating_add(stand_s),
        ..Arrival::default()
    };
    used.stand(stand_s, limits);
    out.clear();
    for leg in legs {
        let way_m = leg.great_circle_m * pace.circuity;
        let driving = driving_s(way_m, pace.speed);
        let elapsed = hours::drive(&mut used, driving, limits);
        now.at_s = now.at_s.saturating_add(elapsed.total_s);
        now.way_m += way_m;
        now.driving_s += driving;
        now.rests += elapsed.rests;
        now.breaks += elapsed.breaks;
        out.push(now);
        let wait = leg.opens_s.map_or(0, |opens| (opens - now.at_s).max(0));
        let stand = wait.saturating_add(leg.service_s);
        used.stand(stand, limits);
        now.at_s = now.at_s.saturating_add(stand);
    }
}

/// The method in a sentence, for the evidence.
pub fn method() -> String {
    format!(
        "great circle x {CIRCUITY} (sd 0.17, Ballou 2002), {LINE_HAUL_KMH} km/h line haul and {LOCAL_KMH} km/h within \
         {LOCAL_KM} km (FHWA table 3-8, lowered), rests by 49 CFR 395.3 for one driver from the vehicle's own movement"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(legs: &[Leg], pace: Pace) -> Vec<Arrival> {
        let mut out = Vec::new();
        journey(0, 0, legs, Used::default(), pace, &mut out);
        out
    }

    const fn leg(km: f64) -> Leg {
        Leg {
            great_circle_m: km * 1_000.0,
            opens_s: None,
            service_s: 0,
        }
    }

    #[test]
    fn a_hundred_kilometres_are_less_than_two_hours() {
        let [arrival] = arrivals(&[leg(100.0)], EXPECTED)[..] else {
            panic!("one leg")
        };
        assert_eq!(arrival.way_m.round(), 120_000.0);
        // 30 km at 45 km/h and 90 km at 80 km/h.
        assert_eq!(arrival.at_s, 2_400 + 4_050);
    }

    #[test]
    fn a_stop_that_is_shut_is_waited_for() {
        let shut = Leg {
            opens_s: Some(20_000),
            service_s: 3_600,
            ..leg(10.0)
        };
        let both = arrivals(&[shut, leg(10.0)], EXPECTED);
        assert_eq!(both[0].at_s, 960);
        assert_eq!(both[1].at_s, 20_000 + 3_600 + 960);
    }

    #[test]
    fn fast_is_before_expected_and_slow_after_it() {
        let legs = [leg(1_400.0)];
        let at = |pace| arrivals(&legs, pace)[0].at_s;
        assert!(at(FASTEST) < at(EXPECTED) && at(EXPECTED) < at(SLOWEST));
        assert!(arrivals(&legs, EXPECTED)[0].rests >= 1);
    }
}
