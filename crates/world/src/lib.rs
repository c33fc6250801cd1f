//! A seeded world for demo, tests and benchmarks: shippers who order, carriers who answer, decline, dawdle or stay
//! silent, trucks that drive between docks under the law and the weather, drivers and customers who write. It speaks only
//! through public edges, in real formats.
//!
//! Invariant: pure. A world is a state that `advance` moves to an instant: the same seed, the same instants and the
//! same things heard make the same words. Between two calls it lives in steps of `STEP_S`, so that how often it is
//! called changes nothing.

mod carriers;
mod chance;
mod companies;
mod haul;
mod hours;
mod mails;
mod map;
mod orders;
mod papers;
mod sites;
mod stories;
mod telematics;
mod trade;
mod trucks;
mod weather;

#[cfg(test)]
mod tests;

pub use chance::Chance;
pub use companies::{CARRIERS, SHIPPERS};
pub use stories::Marked;
pub use weather::Climate;

use companies::{Carrier, Lane, Shipper};
use haul::Haul;
use jiff::Timestamp;
use map::{CITIES, Roads};
use papers::Paper;
use signalbox_model::directory::{Channel, Partner, PartnerRole, Site as DirectorySite};
use signalbox_model::id::PartnerId;
use signalbox_model::personal::{Personal, Taint};
use sites::Site;
use std::collections::BTreeMap;
use trade::Reply;
use trucks::Truck;
use weather::Cell;

/// The world lives in steps of this length.
pub const STEP_S: i64 = 30;
/// The longest time one call lets pass: a world that was forgotten goes on from here.
const STEPS_MAX: i64 = 60 * 24 * 3_600 / STEP_S;

/// What makes one tenant's world.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub start: Timestamp,
    pub climate: Climate,
    pub orders_an_hour: f64,
    /// The address and the name of the secret for carriers who are reached by webhook; without, all take X12 files.
    pub webhook: Option<(String, String)>,
    /// The end of everybody's e-mail addresses, a name of this tenant's own.
    pub domain: String,
}

/// Where something is said: the source it is posted to, or where a request said that a document may be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    Edi,
    Json,
    Telematics,
    Email,
    Upload { path: String },
}

/// Whose key it is said with. Carriers go by their SCAC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voice {
    /// The network, provider or mail gateway that passes on everybody's messages.
    Exchange,
    Carrier(String),
    Driver(String),
}

/// One message on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub at: Timestamp,
    pub voice: Voice,
    pub door: Door,
    pub body: String,
}

pub struct World {
    settings: Settings,
    shippers: Vec<Shipper>,
    carriers: Vec<Carrier>,
    lanes: Vec<Lane>,
    sites: Vec<Site>,
    roads: Roads,
    weather: Vec<Cell>,
    /// Everything up to here was lived. Seconds since 1970, a multiple of `STEP_S`.
    now_s: i64,
    orders: u64,
    /// Counts of interchanges, one for all partners.
    control: u32,
    pings_every_s: i64,
    trucks: Vec<Truck>,
    hauls: BTreeMap<String, Haul>,
    /// What carriers will say, by when and in which order they made up their minds.
    replies: BTreeMap<(i64, u64), Reply>,
    /// What else will be said, in the same order.
    later: BTreeMap<(i64, u64), Said>,
    minds: u64,
    /// What was signed, by the load's reference.
    papers: BTreeMap<String, Paper>,
    /// Place of the shipper, by the load's reference.
    customers: BTreeMap<String, usize>,
    stories: u32,
    spoken: Vec<Said>,
}

impl Door {
    /// The path it is posted to.
    pub fn path(&self) -> &str {
        match self {
            Self::Edi => "/in/edi",
            Self::Json => "/in/json",
            Self::Telematics => "/in/telematics",
            Self::Email => "/in/email",
            Self::Upload { path } => path,
        }
    }

    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Edi => "application/edi-x12",
            Self::Json | Self::Telematics => "application/json",
            Self::Email => "message/rfc822",
            Self::Upload { .. } => papers::FORM,
        }
    }
}

impl World {
    pub fn new(settings: Settings) -> Self {
        let seed = settings.seed;
        let sites = sites::around_cities(seed);
        let mut carriers = companies::carriers(settings.webhook.is_some());
        let mut lanes = companies::lanes(seed, &sites, carriers.len());
        stories::settle(&mut carriers, &mut lanes, &sites);
        let start_s = settings.start.as_second().div_euclid(STEP_S) * STEP_S;
        let mut world = Self {
            shippers: companies::shippers(seed),
            roads: Roads::new(),
            weather: weather::forecast(seed, settings.climate, start_s),
            now_s: start_s,
            orders: 0,
            control: 0,
            pings_every_s: 60,
            trucks: Vec::new(),
            hauls: BTreeMap::new(),
            replies: BTreeMap::new(),
            later: BTreeMap::new(),
            minds: 0,
            papers: BTreeMap::new(),
            customers: BTreeMap::new(),
            stories: 0,
            spoken: Vec::new(),
            settings,
            carriers,
            lanes,
            sites,
        };
        world.trucks = trade::park(&world);
        world
    }

    /// How often trucks report, seconds; a multiple of `STEP_S`.
    pub fn report_every(&mut self, seconds: i64) {
        self.pings_every_s = (seconds / STEP_S).max(1) * STEP_S;
    }

    /// Lives up to `now` and answers what was said meanwhile, in order.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Said> {
        let last_s = now.as_second().div_euclid(STEP_S) * STEP_S;
        self.now_s = self.now_s.max(last_s - STEPS_MAX * STEP_S);
        while self.now_s < last_s {
            self.now_s += STEP_S;
            self.order();
            self.reply();
            self.say_what_is_due();
            self.haul();
            self.report();
        }
        std::mem::take(&mut self.spoken)
    }

    /// When it may next have something to say.
    pub fn next_step(&self) -> Timestamp {
        orders::instant(self.now_s + STEP_S)
    }

    fn say(&mut self, voice: Voice, door: Door, body: String) {
        self.spoken.push(Said {
            at: orders::instant(self.now_s),
            voice,
            door,
            body,
        });
    }

    fn say_later(&mut self, at_s: i64, voice: Voice, door: Door, body: String) {
        self.minds += 1;
        let at = orders::instant(at_s);
        self.later.insert((at_s, self.minds), Said { at, voice, door, body });
    }

    fn say_what_is_due(&mut self) {
        while let Some(entry) = self.later.first_entry().filter(|it| it.key().0 <= self.now_s) {
            let said = entry.remove();
            self.say(said.voice, said.door, said.body);
        }
    }

    fn next_control(&mut self) -> u32 {
        self.control = self.control % 999_999_999 + 1;
        self.control
    }

    /// What is left of the usual speed at a place now, and whether severe weather is there.
    fn sky(&self, place: map::Point) -> (f64, bool) {
        let cells = self.weather.iter().filter(|it| it.covers(place, self.now_s));
        cells.fold((1.0, false), |(speed, severe), it| {
            (f64::min(speed, it.speed), severe || it.severe)
        })
    }

    /// Customers and carriers, as an integrator enters them.
    pub fn partners(&self) -> Vec<Partner> {
        let customers = self.shippers.iter().map(|shipper| Partner {
            id: PartnerId(format!("par_{}", shipper.interchange.to_lowercase())),
            name: shipper.name.clone(),
            role: PartnerRole::Customer {
                zone: CITIES[shipper.home].zone.to_owned(),
                tms: None,
            },
            aliases: vec![shipper.interchange.clone()],
            notify_email: Some(Box::new(Personal::plain(
                format!("receiving@{}", self.domain(&shipper.interchange)),
                Taint::System,
            ))),
        });
        let carriers = self.carriers.iter().map(|carrier| Partner {
            id: PartnerId(format!("par_{}", carrier.scac.to_lowercase())),
            name: carrier.name.clone(),
            role: PartnerRole::Carrier {
                scac: carrier.scac.clone(),
                channel: self.channel(carrier),
                respond_within_min: carrier.respond_within_min,
                contract_rate: None,
                active: true,
            },
            // Whoever writes from the carrier's own addresses.
            aliases: vec![format!("@{}", self.domain(&carrier.scac))],
            notify_email: None,
        });
        customers.chain(carriers).collect()
    }

    fn channel(&self, carrier: &Carrier) -> Channel {
        match &self.settings.webhook {
            Some((url, secret)) if carrier.webhook => Channel::Webhook {
                url: url.clone(),
                secret: secret.clone(),
            },
            _ => Channel::X12Folder {
                folder: carrier.scac.to_lowercase(),
                interchange_id: carrier.scac.clone(),
                interchange_qualifier: "02".to_owned(),
            },
        }
    }

    /// The sites that loads call at, as an integrator enters them.
    pub fn sites(&self) -> Vec<DirectorySite> {
        self.sites.iter().filter_map(Site::as_entered).collect()
    }

    /// The routing guide as a JDM table: for each lane its carriers, ranked, with their rates in minor units.
    pub fn routing_guide(&self) -> String {
        let region = |site: usize| CITIES[self.sites[site].city].region;
        companies::routing_guide(self.lanes.iter().flat_map(|lane| {
            let name = format!("{}>{}", region(lane.from), region(lane.to));
            let ranked = lane.guide.iter().enumerate();
            ranked.map(move |(rank, (carrier, rate))| {
                (name.clone(), self.carriers[*carrier].scac.clone(), rank + 1, *rate)
            })
        }))
    }
}
