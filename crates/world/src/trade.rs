//! Orders placed and offers answered.

use crate::carriers::{self, Called, Offered};
use crate::chance::Chance;
use crate::companies::Tracker;
use crate::haul::{Haul, Stage};
use crate::hours::{HOUR_S, with_rests};
use crate::map::{self, CITIES, Point};
use crate::orders::{self, Wish, instant};
use crate::trucks::Truck;
use crate::{Door, STEP_S, Voice, World};
use serde_json::Value;
use signalbox_model::answer::Answer;
use signalbox_model::id::OfferId;

/// Trucks a carrier has at each origin of its lanes.
const TRUCKS_A_LANE: usize = 2;
/// A truck comes from no further away than this.
const EMPTY_KM_MAX: f64 = 450.0;
/// What a driver has used of the day before the loaded drive begins, as a customer reckons.
const USED_S: i64 = 3 * HOUR_S + HOUR_S / 2;
/// Loading and unloading, reckoned with when a delivery is promised.
const AT_DOCK_S: i64 = 75 * 60;

/// What a carrier will say.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    carrier: usize,
    offered: Offered,
    answer: Answer,
}

/// A place and the city it is near.
pub(crate) type Spot = (usize, Point);

/// Trucks parked where their carriers' lanes begin.
pub(crate) fn park(world: &World) -> Vec<Truck> {
    let mut chance = Chance::of(world.settings.seed, "trucks");
    let mut trucks = Vec::new();
    for lane in &world.lanes {
        let site = &world.sites[lane.from];
        for (carrier, _) in &lane.guide {
            for _ in 0..TRUCKS_A_LANE {
                let number = trucks.len();
                let tracker = world.carriers[*carrier].tracker;
                let device = match tracker {
                    Tracker::Samsara => format!("2814749767{number:05}"),
                    Tracker::Traccar => format!("8675309{number:08}"),
                    Tracker::Phone => String::new(),
                };
                trucks.push(Truck {
                    carrier: *carrier,
                    name: format!("{}", 4_001 + number),
                    device,
                    tracker,
                    at: CITIES[site.city]
                        .at
                        .off(3.0 + chance.below(20) as f64, chance.below(360) as f64),
                    near: site.city,
                    heading_deg: 0.0,
                    kmh: 0.0,
                    hours: Default::default(),
                    pace: 0.92 + chance.below(13) as f64 / 100.0,
                    trip: None,
                    way: None,
                    km: 0.0,
                    pause: None,
                    mute_until_s: i64::MIN,
                    kept: Vec::new(),
                });
            }
        }
    }
    trucks
}

impl World {
    /// Places the orders that are due.
    pub(crate) fn order(&mut self) {
        if self.settings.orders_an_hour <= 0.0 {
            return;
        }
        let every_s = 3_600.0 / self.settings.orders_an_hour;
        let start_s = self.settings.start.as_second();
        loop {
            let mut chance = Chance::of(self.settings.seed, &format!("order {}", self.orders));
            let at_s = start_s + ((self.orders as f64 + chance.below(100) as f64 / 100.0) * every_s) as i64;
            if at_s > self.now_s {
                return;
            }
            self.orders += 1;
            let lane = chance.below(self.lanes.len() as u64 - crate::stories::LANES as u64) as usize;
            let (from, to) = if chance.once_in(14) {
                // On a lane for which nobody is ranked.
                let sites = self.sites.len() as u64;
                (chance.below(sites) as usize, chance.below(sites) as usize)
            } else {
                (self.lanes[lane].from, self.lanes[lane].to)
            };
            let shipper = chance.below(self.shippers.len() as u64) as usize;
            let reference = format!("{:08}", 48_000_000 + self.orders * 37 + chance.below(37));
            let notice_s = chance.between(HOUR_S, 5 * HOUR_S);
            // Some customers leave no room.
            let slack_s = if chance.percent(22) {
                chance.between(20 * 60, 70 * 60)
            } else {
                chance.between(2 * HOUR_S, 5 * HOUR_S)
            };
            let pounds = 9_000 + chance.between(0, 35_000);
            self.place(shipper, reference, (from, to), notice_s, slack_s, pounds);
        }
    }

    /// Sends one order; false where no road leads from one site to the other.
    pub(crate) fn place(
        &mut self,
        shipper: usize,
        reference: String,
        (from, to): (usize, usize),
        notice_s: i64,
        slack_s: i64,
        pounds: i64,
    ) -> bool {
        let Some(wish) = self.wish(shipper, reference, (from, to), notice_s, slack_s, pounds) else {
            return false;
        };
        let (door, body) = if wish.shipper.json {
            (Door::Json, orders::order_json(&wish).to_string())
        } else {
            (Door::Edi, orders::x12(&wish))
        };
        let reference = wish.reference.clone();
        self.control = wish.control;
        self.ordered_by(shipper, &reference);
        self.say(Voice::Exchange, door, body);
        true
    }

    pub(crate) fn wish(
        &self,
        shipper: usize,
        reference: String,
        (from, to): (usize, usize),
        notice_s: i64,
        slack_s: i64,
        pounds: i64,
    ) -> Option<Wish<'_>> {
        let (from, to) = (self.sites.get(from)?, self.sites.get(to)?);
        let way = self
            .roads
            .way((from.city, from.at), (to.city, to.at))
            .filter(|_| from.id != to.id)?;
        let half_hour = |seconds: i64| (seconds + 1_799).div_euclid(1_800) * 1_800;
        let opens_s = half_hour(self.now_s + notice_s);
        let due_s = half_hour(opens_s + AT_DOCK_S + with_rests(way.driving_s(0.0) * 21 / 20, USED_S) + slack_s);
        Some(Wish {
            shipper: self.shippers.get(shipper)?,
            reference,
            from,
            to,
            pickup_s: (opens_s, opens_s + 3 * HOUR_S),
            due_s,
            pounds,
            pieces: 4 + pounds / 1_900,
            control: self.control % 999_999_999 + 1,
            sent_s: self.now_s,
        })
    }

    /// A file in a carrier's folder.
    pub fn hear_file(&mut self, scac: &str, bytes: &[u8]) {
        if let Ok(event) = serde_json::from_slice::<Value>(bytes) {
            return self.hear_request(&event);
        }
        let (offered, replies) = carriers::reads_file(bytes);
        if let Some(carrier) = self.carrier(scac) {
            self.acknowledge(carrier, &replies);
        }
        if let Some(offered) = offered {
            self.hear(scac, offered);
        }
    }

    /// A webhook's body, as the carrier's system took it.
    pub fn hear_webhook(&mut self, event: &Value) {
        if event["type"] == "dispatch.document.requested" {
            self.hear_request(event);
        } else if let Some((scac, offered)) = carriers::reads_webhook(event) {
            self.hear(&scac, offered);
        }
    }

    fn carrier(&self, scac: &str) -> Option<usize> {
        self.carriers.iter().position(|it| it.scac.eq_ignore_ascii_case(scac))
    }

    fn hear(&mut self, scac: &str, offered: Offered) {
        let Some(carrier) = self.carrier(scac) else {
            return;
        };
        if offered.is_withdrawn {
            return self.call_off(carrier, &offered.reference);
        }
        let ends = self.spot(&offered.pickup).zip(self.spot(&offered.delivery));
        let truck = ends.and_then(|(from, _)| self.nearest(carrier, from));
        let is_stormy = ends.is_some_and(|(from, to)| self.sky(from.1).1 || self.sky(to.1).1);
        let id = offered.offer.as_ref().map_or("", OfferId::as_str);
        let about = format!("{} {} {}", self.carriers[carrier].scac, offered.reference, id.len());
        let mut chance = Chance::of(self.settings.seed, &about);
        let character = self.carriers[carrier].character;
        let Some(mind) = carriers::decides(character, &mut chance, truck.is_some(), is_stormy) else {
            return;
        };
        let says_s = (self.now_s + mind.after_s).div_euclid(STEP_S) * STEP_S;
        if let Some((truck, (from, to))) = truck.zip(ends).filter(|_| mind.hauls) {
            self.book(carrier, truck, &offered, (from, to), says_s);
        }
        self.minds += 1;
        let reply = Reply {
            carrier,
            offered,
            answer: mind.answer,
        };
        self.replies.insert((says_s, self.minds), reply);
    }

    /// The site that a stop's code means, else the middle of its city.
    fn spot(&self, called: &Called) -> Option<Spot> {
        let site = self.sites.iter().find(|it| it.code.eq_ignore_ascii_case(&called.code));
        if let Some(site) = site {
            return Some((site.city, site.at));
        }
        let named = CITIES
            .iter()
            .position(|it| called.city.eq_ignore_ascii_case(&format!("{} {}", it.name, it.region)));
        named.or_else(|| map::city(&called.city)).map(|it| (it, CITIES[it].at))
    }

    fn nearest(&self, carrier: usize, from: Spot) -> Option<usize> {
        let free = self
            .trucks
            .iter()
            .enumerate()
            .filter(|(_, it)| it.carrier == carrier && it.trip.is_none());
        let near = free
            .map(|(place, it)| (place, it.at.km_to(from.1)))
            .filter(|(_, km)| *km <= EMPTY_KM_MAX);
        near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(place, _)| place)
    }

    fn book(&mut self, carrier: usize, truck: usize, offered: &Offered, (from, to): (Spot, Spot), says_s: i64) {
        let Some(empty) = self.roads.way((self.trucks[truck].near, self.trucks[truck].at), from) else {
            return;
        };
        let opens_s = offered.pickup.opens_s.unwrap_or(self.now_s);
        let leaves_s = (opens_s - empty.driving_s(0.0) - 15 * 60).max(says_s + 6 * 60);
        self.trucks[truck].trip = Some(offered.reference.clone());
        self.hauls.insert(
            offered.reference.clone(),
            Haul {
                carrier,
                truck,
                from,
                to,
                opens_s,
                due_s: offered.delivery.due_s,
                pieces: offered.pieces,
                stage: Stage::Booked { leaves_s },
            },
        );
    }

    /// The offer was taken back: a truck that has not loaded yet goes elsewhere.
    fn call_off(&mut self, carrier: usize, reference: &str) {
        let is_mine = |it: &Haul| it.carrier == carrier && it.stage.is_empty();
        if self.hauls.get(reference).is_some_and(is_mine)
            && let Some(haul) = self.hauls.remove(reference)
        {
            let truck = &mut self.trucks[haul.truck];
            (truck.trip, truck.way) = (None, None);
            truck.near = nearest_city(truck.at);
        }
    }

    /// Says what is due.
    pub(crate) fn reply(&mut self) {
        while let Some(entry) = self.replies.first_entry().filter(|it| it.key().0 <= self.now_s) {
            let reply = entry.remove();
            let (scac, webhook) = (
                self.carriers[reply.carrier].scac.clone(),
                self.carriers[reply.carrier].webhook,
            );
            let haul = self
                .hauls
                .get(&reply.offered.reference)
                .filter(|it| it.carrier == reply.carrier);
            let vehicle = haul.map(|it| self.trucks[it.truck].name.clone());
            if webhook {
                let body = carriers::answer_json(&scac, &reply.offered, reply.answer, vehicle.as_deref());
                self.say(Voice::Carrier(scac), Door::Json, body);
                continue;
            }
            let (control, now) = (self.next_control(), instant(self.now_s));
            if let Some(body) = carriers::answer_x12(&scac, &reply.offered, reply.answer, control, now) {
                self.say(Voice::Exchange, Door::Edi, body);
            }
        }
    }
}

pub(crate) fn nearest_city(at: Point) -> usize {
    let by_km = |a: &usize, b: &usize| CITIES[*a].at.km_to(at).total_cmp(&CITIES[*b].at.km_to(at));
    (0..CITIES.len()).min_by(by_km).unwrap_or_default()
}
