//! E-mails: carriers and their drivers write of trouble, customers ask where their freight is and answer letters. In the
//! words that people use, and never in the same ones twice running.

use crate::chance::Chance;
use crate::haul::Haul;
use crate::map::CITIES;
use crate::orders::instant;
use crate::{Door, STEP_S, Voice, World};
use jiff::tz::TimeZone;
use serde_json::json;

/// Loads whose customer a world remembers. The oldest references give way.
const CUSTOMERS_MAX: usize = 20_000;
/// Of a hundred occasions, on so many somebody writes.
const OF_BREAKDOWN: u64 = 60;
const OF_QUEUE: u64 = 55;
const OF_DELAY: u64 = 35;
const OF_CUSTOMER: u64 = 5;
const OF_LETTER: u64 = 45;
/// A driver who waits this long at a dock writes.
const PATIENCE_S: i64 = 100 * 60;

const DRIVERS: [&str; 8] = ["Marcus", "Deb", "Luis", "Hank", "Tasha", "Ray", "Iris", "Curt"];

const BREAKDOWN: [&str; 3] = [
    "Heads up on {load}, truck {truck} broke down near {city}. Mechanic is on the way, hope to roll again by {time}.",
    "Check engine light came on and truck {truck} wont start, sitting near {city} with {load}. Tow truck is called.",
    "Blown tire on {load} outside {city}. Roadside says {time} before we move.",
];
const QUEUE: [&str; 3] = [
    "Been sitting at the dock in {city} since {time} with {load}, still no door. Need detention started pls.",
    "Still waiting to be worked at {city} on {load}, checked in {time}. Please put us in for detention.",
    "{load}: they are holding my driver at {city}, in since {time}. Requesting detention past the free 2 hrs.",
];
const DELAY: [&str; 3] = [
    "Got loaded late at the shipper on {load}, running behind. ETA at the receiver {time}.",
    "Driver on {load} is running late, new ETA {time}.",
    "{load} will be late, we are out of hours tonight. Looking at {time} for delivery.",
];
const QUESTION: [&str; 3] = [
    "Can you tell me where {load} is? Our receiver is asking for an ETA.",
    "Any update on {load} please, where is the truck?",
    "What is the ETA on {load}? Dock crew goes home at 17:00.",
];
const ANSWER: [&str; 3] = [
    "Thanks for letting us know about {load}. Where is the truck right now?",
    "Can we push the appointment on {load} to tomorrow 8:00? The dock is full until then.",
    "Noted on {load}, please keep us posted.",
];

/// Who writes to us, and how the mail comes.
enum Writer {
    Carrier(usize),
    Driver(usize),
    Customer(usize),
}

/// What stands in the words' places.
struct Facts<'a> {
    reference: &'a str,
    truck: &'a str,
    city: usize,
    time_s: i64,
}

impl World {
    /// Remembers whose load it is.
    pub(crate) fn ordered_by(&mut self, shipper: usize, reference: &str) {
        if self.customers.len() >= CUSTOMERS_MAX {
            self.customers.pop_first();
        }
        self.customers.insert(reference.to_owned(), shipper);
    }

    pub(crate) fn write_of_breakdown(&mut self, reference: &str, haul: &Haul, until_s: i64) {
        let mut chance = self.occasion("breakdown", reference);
        if chance.percent(OF_BREAKDOWN) {
            let city = crate::trade::nearest_city(self.trucks[haul.truck].at);
            let truck = self.trucks[haul.truck].name.clone();
            let facts = Facts {
                reference,
                truck: &truck,
                city,
                time_s: until_s,
            };
            let after_s = chance.between(4, 25) * 60;
            self.write(&mut chance, Writer::Carrier(haul.carrier), after_s, &BREAKDOWN, &facts);
        }
    }

    /// The dock will be done only then.
    pub(crate) fn write_of_queue(&mut self, reference: &str, haul: &Haul, city: usize, from_s: i64, until_s: i64) {
        let mut chance = self.occasion(CITIES[city].name, reference);
        if until_s - from_s > PATIENCE_S + HANDLING_S && chance.percent(OF_QUEUE) {
            let truck = self.trucks[haul.truck].name.clone();
            let facts = Facts {
                reference,
                truck: &truck,
                city,
                time_s: from_s,
            };
            let after_s = from_s - self.now_s + PATIENCE_S;
            self.write(&mut chance, Writer::Driver(haul.carrier), after_s, &QUEUE, &facts);
        }
    }

    /// Loaded and away: the carrier may see already that it will be late, and the customer may ask.
    pub(crate) fn write_of_departure(&mut self, reference: &str, haul: &Haul) {
        let mut chance = self.occasion("departure", reference);
        let arrives_s = self.arrives_s(haul);
        let truck = self.trucks[haul.truck].name.clone();
        let facts = Facts {
            reference,
            truck: &truck,
            city: haul.to.0,
            time_s: arrives_s,
        };
        let is_late = haul.due_s.is_some_and(|due| arrives_s > due);
        if is_late && chance.percent(OF_DELAY) {
            let after_s = chance.between(10, 60) * 60;
            self.write(&mut chance, Writer::Carrier(haul.carrier), after_s, &DELAY, &facts);
        }
        let customer = self.customers.get(reference).copied();
        if let Some(customer) = customer.filter(|_| chance.percent(OF_CUSTOMER)) {
            let after_s = chance.between(60, 240) * 60;
            self.write(&mut chance, Writer::Customer(customer), after_s, &QUESTION, &facts);
        }
    }

    /// A letter of ours in a customer's mailbox, as it came (RFC 5322). Others' letters are none of this world's.
    pub fn hear_letter(&mut self, letter: &str) {
        let field = |name: &str| letter.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default();
        let is_mine = field("To:")
            .trim()
            .trim_end_matches('>')
            .ends_with(&self.settings.domain);
        let words = field("Subject:").split(|it: char| !it.is_ascii_alphanumeric() && it != '-');
        let named = words
            .filter(|_| is_mine)
            .find_map(|it| self.customers.get_key_value(it));
        let Some((reference, customer)) = named.map(|(reference, customer)| (reference.clone(), *customer)) else {
            return;
        };
        let mut chance = self.occasion("letter", &reference);
        if chance.percent(OF_LETTER) {
            let facts = Facts {
                reference: &reference,
                truck: "",
                city: self.shippers[customer].home,
                time_s: self.now_s,
            };
            let after_s = chance.between(8, 50) * 60;
            self.write(&mut chance, Writer::Customer(customer), after_s, &ANSWER, &facts);
        }
    }

    fn occasion(&self, what: &str, reference: &str) -> Chance {
        Chance::of(self.settings.seed, &format!("mail {what} {reference}"))
    }

    fn write(&mut self, chance: &mut Chance, who: Writer, after_s: i64, words: &'static [&str], facts: &Facts<'_>) {
        let at_s = self.now_s + after_s.max(STEP_S);
        let city = &CITIES[facts.city];
        let zone = TimeZone::get(city.zone).unwrap_or(TimeZone::UTC);
        let time = instant(facts.time_s)
            .to_zoned(zone)
            .strftime("%-m/%-d %H:%M")
            .to_string();
        let text = chance
            .pick(words)
            .replace("{load}", &format!("load {}", facts.reference))
            .replace("{truck}", facts.truck)
            .replace("{city}", &format!("{}, {}", city.name, city.region))
            .replace("{time}", &time);
        let (from, name) = match who {
            Writer::Carrier(it) => (
                format!("dispatch@{}", self.domain(&self.carriers[it].scac)),
                self.carriers[it].name.clone(),
            ),
            Writer::Driver(it) => {
                let name = *chance.pick(&DRIVERS);
                (
                    format!("{}@{}", name.to_lowercase(), self.domain(&self.carriers[it].scac)),
                    name.to_owned(),
                )
            }
            Writer::Customer(it) => {
                let shipper = &self.shippers[it];
                (
                    format!("receiving@{}", self.domain(&shipper.interchange)),
                    shipper.name.clone(),
                )
            }
        };
        let id = format!("{:016x}@{}", chance.bits(), self.settings.domain);
        let subject = format!("Load {}", facts.reference);
        let body = if matches!(who, Writer::Customer(_)) {
            // Customers' mail comes through a gateway that has checked whose it is.
            json!({"from": format!("{name} <{from}>"), "subject": subject, "date": instant(at_s).to_string(),
                   "message_id": id, "text": text, "authentication": {"dmarc": "pass"}})
            .to_string()
        } else {
            let date = instant(at_s).strftime("%a, %d %b %Y %H:%M:%S +0000");
            format!(
                "From: \"{name}\" <{from}>\r\nTo: dispatch@{}\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{id}>\r\n\
                 MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\r\n-- \r\n{name}\r\n",
                self.settings.domain
            )
        };
        self.say_later(at_s, Voice::Exchange, Door::Email, body);
    }

    /// The part of a partner's addresses after the `@`.
    pub(crate) fn domain(&self, name: &str) -> String {
        format!("{}.{}", name.to_lowercase(), self.settings.domain)
    }
}

/// What a dock takes for the freight itself; beyond it the driver waits.
const HANDLING_S: i64 = 60 * 60;
