//! What stands of a trip: a fold of the load's events.

use jiff::Timestamp;
use signalbox_model::attempt::MilestoneAttempt;
use signalbox_model::event::Event;
use signalbox_model::load::{Load, Stop, StopKind};
use signalbox_model::scope::Actor;
use signalbox_model::trip::{
    Assignment, ByMail, Doubts, Estimate, StopPlace, ToldMilestone, Visit, VisitPart, VisitSource, VisitTime,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    pub assignment: Option<Assignment>,
    pub started: bool,
    pub completed: bool,
    pub places: BTreeMap<u32, StopPlace>,
    pub unplaced: BTreeSet<u32>,
    pub stated: BTreeMap<u32, Stated>,
    /// What mails told and people let count: below what the carrier stated by status message.
    pub written: BTreeMap<(u32, VisitPart), VisitTime>,
    pub visits: BTreeMap<u32, Visit>,
    pub estimates: BTreeMap<u32, Estimate>,
    pub doubts: Doubts,
    pub overdue: BTreeSet<u32>,
}

/// What the carrier said of one stop. Of several the earliest counts, so that their order does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    pub arrived: Option<Timestamp>,
    pub departed: Option<Timestamp>,
    pub delivered: Option<Timestamp>,
    /// When it was said, and the arrival that was expected then. The newest counts.
    pub expected: Option<(Timestamp, Timestamp)>,
}

impl Standing {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::VehicleAssigned { assignment, .. } => {
                self.assignment = Some(assignment.clone());
                self.doubts = Doubts::default();
            }
            Event::VehicleReleased { .. } => self.assignment = None,
            Event::TripStarted { places, unplaced, .. } => {
                self.started = true;
                self.places.extend(places.iter().map(|it| (it.stop, it.clone())));
                self.unplaced = unplaced.iter().copied().collect();
            }
            Event::StopPlaced { place } => {
                self.unplaced.remove(&place.stop);
                self.places.insert(place.stop, place.clone());
            }
            Event::StopArrived { stop, arrived } => {
                self.visit(*stop).arrived = Some(arrived.clone());
                self.estimates.remove(stop);
            }
            Event::StopDeparted { stop, departed } => self.visit(*stop).departed = Some(departed.clone()),
            Event::StopDelivered { stop, delivered } => {
                self.visit(*stop).delivered = Some(delivered.clone());
                self.estimates.remove(stop);
            }
            Event::VisitWithdrawn { stop, what } => {
                let visit = self.visit(*stop);
                match what.as_str() {
                    "arrival" => visit.arrived = None,
                    "departure" => visit.departed = None,
                    _ => visit.delivered = None,
                }
            }
            Event::EtaEstimated { estimate } => drop(self.estimates.insert(estimate.stop, estimate.clone())),
            Event::PositionsDoubted { doubts, .. } => self.doubts = doubts.clone(),
            Event::DeliveryOverdue { stop, .. } => drop(self.overdue.insert(*stop)),
            Event::TripCompleted { .. } => self.completed = true,
            // The caller hands over the events of trips alone.
            _ => {}
        }
    }

    /// Folds in what the carrier that hauls the load said.
    pub fn state(&mut self, load: &Load, milestone: &MilestoneAttempt, at: Timestamp) {
        let Some((stop, part)) = meaning(load, milestone) else {
            return;
        };
        let occurred = milestone.occurred.as_ref().map_or(at, |it| it.at);
        let stated = self.stated.entry(stop).or_default();
        let field = match part {
            Part::Arrived => &mut stated.arrived,
            Part::Departed => &mut stated.departed,
            Part::Delivered => &mut stated.delivered,
            Part::Expected => {
                if stated.expected.is_none_or(|(said, _)| said <= at) {
                    stated.expected = Some((at, occurred));
                }
                return;
            }
        };
        *field = Some(field.map_or(occurred, |known| known.min(occurred)));
    }

    /// Folds in what a person let count of a mail. The last such word stands: it was decided knowing the one before.
    pub fn write(&mut self, milestone: &ToldMilestone, by: &Actor) {
        let by_mail = ByMail {
            message: milestone.message.clone(),
            approved_by: by.clone(),
        };
        let time = VisitTime {
            at: milestone.at.at,
            source: VisitSource::Mail,
            by_mail: Some(Box::new(by_mail)),
        };
        self.written.insert((milestone.stop, milestone.what), time);
    }

    /// What was said of a stop by any means but positions: a status message before a mail.
    pub fn said(&self, stop: u32) -> Stated {
        let stated = self.stated.get(&stop).copied().unwrap_or_default();
        let written = |what| self.written.get(&(stop, what)).map(|it| it.at);
        Stated {
            arrived: stated.arrived.or_else(|| written(VisitPart::Arrived)),
            departed: stated.departed.or_else(|| written(VisitPart::Departed)),
            delivered: stated.delivered.or_else(|| written(VisitPart::Delivered)),
            expected: stated.expected,
        }
    }

    /// What stands of one part of a visit.
    pub fn visited(&self, stop: u32, what: VisitPart) -> Option<&VisitTime> {
        let visit = self.visits.get(&stop)?;
        match what {
            VisitPart::Arrived => visit.arrived.as_ref(),
            VisitPart::Departed => visit.departed.as_ref(),
            VisitPart::Delivered => visit.delivered.as_ref(),
        }
    }

    fn visit(&mut self, stop: u32) -> &mut Visit {
        self.visits.entry(stop).or_insert_with(|| Visit {
            stop,
            arrived: None,
            departed: None,
            delivered: None,
        })
    }

    pub fn arrived(&self, stop: u32) -> Option<&VisitTime> {
        let visit = self.visits.get(&stop)?;
        visit.arrived.as_ref().or(visit.delivered.as_ref())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Arrived,
    Departed,
    Delivered,
    Expected,
}

/// Which stop a milestone is about and what it says of it (X12 code list 1650). None for a status that is no visit, and
/// where it could be more than one stop: then nothing is guessed.
pub fn meaning(load: &Load, milestone: &MilestoneAttempt) -> Option<(u32, Part)> {
    let (kind, part) = match milestone.status.as_str() {
        "X3" | "X8" => (StopKind::Pickup, Part::Arrived),
        "AF" => (StopKind::Pickup, Part::Departed),
        "X1" | "X5" => (StopKind::Delivery, Part::Arrived),
        "CD" => (StopKind::Delivery, Part::Departed),
        "D1" => (StopKind::Delivery, Part::Delivered),
        "AG" | "X2" if milestone.occurred.is_some() => (StopKind::Delivery, Part::Expected),
        _ => return None, // Told on the timeline; no visit.
    };
    let of_kind = |it: &&Stop| it.kind == kind;
    if let Some(sequence) = milestone.stop_sequence {
        let named = load.stops.iter().find(|it| it.sequence == sequence);
        return named.filter(of_kind).map(|it| (it.sequence, part));
    }
    let mut candidates: Vec<&Stop> = load.stops.iter().filter(of_kind).collect();
    if let Some(city) = milestone.city.as_deref().filter(|_| candidates.len() > 1) {
        candidates.retain(|it| it.location.city.eq_ignore_ascii_case(city));
    }
    match candidates.as_slice() {
        [only] => Some((only.sequence, part)),
        _ => None, // None, or several: nothing is guessed.
    }
}
