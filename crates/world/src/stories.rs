//! What a demo can ask of the world so that a person sees one thing happen: a truck held by a storm, a carrier that
//! says nothing, an order that a customer's system has spoilt.

use crate::companies::{Carrier, Character, Lane, Tracker};
use crate::hours::HOUR_S;
use crate::map::city;
use crate::orders;
use crate::sites::Site;
use crate::trucks::Why;
use crate::weather::Cell;
use crate::{Door, Voice, World};
use serde_json::json;

/// Lanes that only stories use; the last of a world's.
pub(crate) const LANES: usize = 1;
/// The carrier that never answers has this many minutes to.
const SILENT_MIN: u32 = 10;
const PLACES: (&str, &str) = ("Bangor ME", "Milwaukee WI");
/// Held for this long past the promised time.
const LATE_BY_S: i64 = 100 * 60;

/// The load that a story is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    pub reference: String,
    /// Whom it concerns: the vehicle, the carrier that is asked first, or the customer.
    pub who: String,
}

/// Adds the lane of the silent carrier and those on it.
pub(crate) fn settle(carriers: &mut Vec<Carrier>, lanes: &mut Vec<Lane>, sites: &[Site]) {
    let at = |name: &str| city(name).and_then(|city| sites.iter().position(|it| it.city == city));
    let (Some(from), Some(to)) = (at(PLACES.0), at(PLACES.1)) else {
        return;
    };
    lanes.retain(|it| sites[it.from].city != sites[from].city || sites[it.to].city != sites[to].city);
    let carrier = |scac: &str, name: &str, character| Carrier {
        scac: scac.to_owned(),
        name: name.to_owned(),
        character,
        webhook: false,
        tracker: Tracker::Samsara,
        respond_within_min: Some(SILENT_MIN),
    };
    carriers.push(carrier("QUIT", "Quiet Line Transport", Character::Silent));
    carriers.push(carrier("PRMT", "Prompt Freight", Character::Steady));
    let guide = vec![(carriers.len() - 2, 214_000), (carriers.len() - 1, 221_000)];
    lanes.push(Lane { from, to, guide });
}

impl World {
    /// A storm stands over the loaded truck with the least time to spare: it stops, its device loses its signal, and its
    /// carrier says when it will arrive. None while no loaded truck is on its way.
    pub fn storm_over_a_truck(&mut self) -> Option<Marked> {
        let least = self
            .in_transit()
            .filter(|(.., slack_s)| *slack_s > -HOUR_S / 4)
            .min_by_key(|(.., slack_s)| *slack_s);
        let (reference, truck, slack_s) =
            least.map(|(reference, haul, slack_s)| (reference.clone(), haul.truck, slack_s))?;
        let until_s = self.now_s + slack_s.max(0) + LATE_BY_S;
        self.weather
            .push(Cell::over(self.trucks[truck].at, 120.0, self.now_s, until_s));
        self.trucks[truck].mute_until_s = until_s;
        self.stop_truck(&reference, until_s, Why::Weather);
        let who = self.trucks[truck].name.clone();
        Some(Marked { reference, who })
    }

    /// An order on the lane whose first carrier never answers.
    pub fn order_for_a_silent_carrier(&mut self) -> Option<Marked> {
        let (from, to) = self.lanes.last().map(|it| (it.from, it.to))?;
        let reference = self.story_reference("QUIET");
        let shipper = self.shippers.iter().position(|it| !it.json)?;
        self.place(shipper, reference.clone(), (from, to), 4 * HOUR_S, 3 * HOUR_S, 38_000)
            .then(|| Marked {
                reference,
                who: "Quiet Line Transport".to_owned(),
            })
    }

    /// An order as a customer's system sends it after an update: its purpose is a word that nobody agreed on.
    pub fn spoilt_order(&mut self) -> Option<Marked> {
        let (from, to) = self.lanes.first().map(|it| (it.from, it.to))?;
        let reference = self.story_reference("ERP");
        let shipper = self.shippers.iter().position(|it| it.json)?;
        let wish = self.wish(shipper, reference.clone(), (from, to), 4 * HOUR_S, 3 * HOUR_S, 31_000)?;
        let mut order = orders::order_json(&wish);
        let who = wish.shipper.name.clone();
        if let Some(fields) = order.as_object_mut() {
            fields.insert("purpose".to_owned(), json!("NEW"));
        }
        let body = serde_json::to_string_pretty(&order).unwrap_or_default();
        self.say(Voice::Exchange, Door::Json, body);
        Some(Marked { reference, who })
    }

    fn story_reference(&mut self, word: &str) -> String {
        self.stories += 1;
        format!("{word}-{}", 100 + self.stories)
    }
}
