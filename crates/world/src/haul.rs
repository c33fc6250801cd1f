//! Loads under way: empty to the pickup, at its dock, to the delivery, at its dock, and away.

use crate::carriers::{Told, status_x12};
use crate::chance::Chance;
use crate::companies::Tracker;
use crate::hours::{HOUR_S, with_rests};
use crate::map::CITIES;
use crate::orders::instant;
use crate::telematics::{self, Report, noisy};
use crate::trade::Spot;
use crate::trucks::{Fix, Step, Why};
use crate::{Door, STEP_S, Voice, World};

/// Breakdowns: once in so many hours of driving, and in severe weather.
const BREAKDOWN_HOURS: u64 = 240;
const BREAKDOWN_HOURS_SEVERE: u64 = 30;
/// A device without signal keeps this many positions.
const KEPT_MAX: usize = 120;
/// A phone sends what it has seen every so many reports.
const PHONE_SENDS_EVERY: i64 = 4;
/// How far a truck that is done drives from the dock, kilometres.
const AWAY_KM: f64 = 14.0;

#[derive(Clone, Debug)]
pub(crate) struct Haul {
    pub carrier: usize,
    pub truck: usize,
    pub from: Spot,
    pub to: Spot,
    pub opens_s: i64,
    pub due_s: Option<i64>,
    pub pieces: Option<i64>,
    pub stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Booked { leaves_s: i64 },
    ToPickup,
    Loading { until_s: i64 },
    ToDelivery,
    Unloading { until_s: i64 },
    Away,
}

impl Stage {
    /// Nothing is loaded yet.
    pub fn is_empty(self) -> bool {
        matches!(self, Self::Booked { .. } | Self::ToPickup)
    }
}

impl World {
    /// Lets every load under way go on by one step.
    pub(crate) fn haul(&mut self) {
        let references: Vec<String> = self.hauls.keys().cloned().collect();
        for reference in references {
            self.go_on(&reference);
        }
        // Trucks without a load stand, which gives their drivers their hours back.
        for truck in self.trucks.iter_mut().filter(|it| it.trip.is_none()) {
            truck.step(self.now_s, STEP_S, 1.0);
        }
    }

    fn go_on(&mut self, reference: &str) {
        let Some(haul) = self.hauls.get(reference).cloned() else {
            return;
        };
        let now_s = self.now_s;
        let (weather, severe) = self.sky(self.trucks[haul.truck].at);
        self.mishap(reference, &haul, severe);
        let step = self.trucks[haul.truck].step(now_s, STEP_S, weather);
        let next = match haul.stage {
            Stage::Booked { leaves_s } if leaves_s <= now_s => {
                let truck = &self.trucks[haul.truck];
                if let Some(way) = self.roads.way((truck.near, truck.at), haul.from) {
                    self.trucks[haul.truck].send_off(way);
                }
                self.tell(reference, &haul, "XB", None, now_s, haul.from, None);
                Stage::ToPickup
            }
            Stage::ToPickup if step == Step::There => {
                self.tell(reference, &haul, "X3", None, now_s, haul.from, Some(1));
                self.dock(reference, &haul, haul.from, haul.opens_s, |until_s| Stage::Loading {
                    until_s,
                })
            }
            Stage::Loading { until_s } if until_s <= now_s => {
                if let Some(way) = self.roads.way(haul.from, haul.to) {
                    self.trucks[haul.truck].send_off(way);
                }
                self.tell(reference, &haul, "AF", None, now_s, haul.from, Some(1));
                self.write_of_departure(reference, &haul);
                Stage::ToDelivery
            }
            Stage::ToDelivery if step == Step::There => {
                self.tell(reference, &haul, "X1", None, now_s, haul.to, Some(2));
                self.dock(reference, &haul, haul.to, now_s, |until_s| Stage::Unloading { until_s })
            }
            Stage::Unloading { until_s } if until_s <= now_s => {
                self.tell(reference, &haul, "D1", None, now_s, haul.to, Some(2));
                self.sign(reference, &haul);
                let mut chance = Chance::of(self.settings.seed, &format!("away {reference}"));
                let lot = CITIES[haul.to.0].at.off(AWAY_KM, chance.below(360) as f64);
                if let Some(way) = self.roads.way(haul.to, (haul.to.0, lot)) {
                    self.trucks[haul.truck].send_off(way);
                }
                Stage::Away
            }
            Stage::Away if step == Step::There || self.trucks[haul.truck].way.is_none() => {
                self.trucks[haul.truck].trip = None;
                self.trucks[haul.truck].near = haul.to.0;
                self.hauls.remove(reference);
                return;
            }
            waiting => waiting,
        };
        if let Some(haul) = self.hauls.get_mut(reference) {
            haul.stage = next;
        }
    }

    /// At a dock: not before it opens, in the order of arrival.
    fn dock(&mut self, reference: &str, haul: &Haul, place: Spot, opens_s: i64, stage: fn(i64) -> Stage) -> Stage {
        let mut chance = Chance::of(self.settings.seed, &format!("dock {reference} {opens_s}"));
        let takes_s = chance.between(35, 85) * 60;
        let from_s = self.now_s.max(opens_s);
        let site = self.sites.iter_mut().find(|it| it.at == place.1);
        let until_s = site.map_or(from_s + takes_s, |it| it.serve(from_s, takes_s));
        self.write_of_queue(reference, haul, place.0, from_s, until_s);
        stage(until_s)
    }

    fn mishap(&mut self, reference: &str, haul: &Haul, severe: bool) {
        let truck = &self.trucks[haul.truck];
        if truck.kmh < 1.0 || haul.stage != Stage::ToDelivery {
            return;
        }
        let hours = if severe {
            BREAKDOWN_HOURS_SEVERE
        } else {
            BREAKDOWN_HOURS
        };
        let mut chance = Chance::of(self.settings.seed, &format!("mishap {reference} {}", self.now_s));
        if chance.once_in(hours * 3_600 / STEP_S as u64) {
            let until_s = self.now_s + chance.between(5 * 900, 18 * 900);
            self.stop_truck(reference, until_s, Why::Breakdown);
            self.write_of_breakdown(reference, haul, until_s);
        }
    }

    /// A truck stands until then, and its carrier says so: why, and when it will arrive.
    pub(crate) fn stop_truck(&mut self, reference: &str, until_s: i64, why: Why) {
        let Some(haul) = self.hauls.get(reference).cloned() else {
            return;
        };
        self.trucks[haul.truck].hold(until_s, why);
        let reason = match why {
            Why::Breakdown => "AI",
            Why::Weather => "AO",
            Why::Break | Why::Rest => return,
        };
        let arrives_s = self.arrives_s(&haul) + (until_s - self.now_s);
        let here = crate::trade::nearest_city(self.trucks[haul.truck].at);
        let here = (here, self.trucks[haul.truck].at);
        self.tell(reference, &haul, "SD", Some(reason), self.now_s, here, None);
        self.tell(reference, &haul, "AG", Some(reason), arrives_s, haul.to, Some(2));
    }

    /// When a loaded truck would be at the delivery if nothing held it.
    pub(crate) fn arrives_s(&self, haul: &Haul) -> i64 {
        let truck = &self.trucks[haul.truck];
        let left_s = truck.way.as_ref().map_or(0, |it| it.driving_s(truck.km));
        self.now_s + with_rests((left_s as f64 / truck.pace) as i64, 0)
    }

    fn tell(
        &mut self,
        reference: &str,
        haul: &Haul,
        status: &str,
        reason: Option<&str>,
        at_s: i64,
        place: Spot,
        stop: Option<u32>,
    ) {
        let city = &CITIES[place.0];
        let (control, now) = (self.next_control(), instant(self.now_s));
        let told = Told {
            scac: &self.carriers[haul.carrier].scac,
            reference,
            status,
            reason,
            at_s,
            zone: city.zone,
            city: city.name,
            region: city.region,
            stop,
            equipment: &self.trucks[haul.truck].name,
        };
        if let Some(body) = status_x12(&[told], control, now) {
            self.say(Voice::Exchange, Door::Edi, body);
        }
    }

    /// Trucks with a load under way report where they are; some twice, some not for a while and then all at once.
    pub(crate) fn report(&mut self) {
        if self.now_s % self.pings_every_s != 0 {
            return;
        }
        let now_s = self.now_s;
        let mut sent: Vec<(usize, Vec<Fix>)> = Vec::new();
        let is_booked = |haul: &Haul| matches!(haul.stage, Stage::Booked { .. });
        let under_way: Vec<usize> = self
            .hauls
            .values()
            .filter(|it| !is_booked(it))
            .map(|it| it.truck)
            .collect();
        for place in under_way {
            let truck = &mut self.trucks[place];
            let mut chance = Chance::of(self.settings.seed, &format!("ping {} {now_s}", truck.name));
            let fix = noisy(truck.fix(now_s), &mut chance);
            let turn = now_s / self.pings_every_s + place as i64;
            let waits = truck.tracker == Tracker::Phone && turn % PHONE_SENDS_EVERY != 0;
            if truck.mute_until_s > now_s || waits {
                if truck.kept.len() < KEPT_MAX {
                    truck.kept.push(fix);
                }
                continue;
            }
            let mut fixes = std::mem::take(&mut truck.kept);
            fixes.push(fix);
            if chance.once_in(60) {
                fixes.push(fix);
            }
            if chance.once_in(900) {
                truck.mute_until_s = now_s + chance.between(8, 30) * 60;
            }
            sent.push((place, fixes));
        }
        let report = |(place, fixes): (usize, Vec<Fix>)| Report {
            name: &self.trucks[place].name,
            device: &self.trucks[place].device,
            scac: &self.carriers[self.trucks[place].carrier].scac,
            tracker: self.trucks[place].tracker,
            fixes,
        };
        let reports: Vec<Report<'_>> = sent.into_iter().map(report).collect();
        for (voice, body) in telematics::bodies(&reports) {
            self.say(voice, Door::Telematics, body);
        }
    }

    /// Loads under way to their delivery, with how long before the promised time each would arrive.
    pub(crate) fn in_transit(&self) -> impl Iterator<Item = (&String, &Haul, i64)> {
        let loaded = self.hauls.iter().filter(|(_, it)| it.stage == Stage::ToDelivery);
        loaded.filter_map(|(reference, haul)| {
            let slack_s = haul.due_s? - self.arrives_s(haul);
            let truck = &self.trucks[haul.truck];
            let rolls = truck.pause.is_none() && truck.mute_until_s <= self.now_s;
            let is_far = haul.due_s.is_some_and(|due| due > self.now_s + HOUR_S / 2);
            (rolls && is_far).then_some((reference, haul, slack_s))
        })
    }
}
