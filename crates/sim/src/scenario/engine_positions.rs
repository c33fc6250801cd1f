//! Positions at the engine's boundary: the fleet folds them, as the runtime has it do.

use super::engine_boundary::EngineBoundary;
use signalbox_engine::step::Input;
use signalbox_engine::trip::fleet::{Why, key};
use signalbox_engine::trip::plan::Plan;
use signalbox_model::event::Event;
use signalbox_model::id::{LoadId, StreamId};
use signalbox_model::position::PositionAttempt;
use signalbox_model::scope::Actor;
use signalbox_model::value::ExternalId;

impl EngineBoundary {
    pub(super) fn take_positions(&mut self, positions: &[PositionAttempt]) {
        for name in self.fleet.strangers(positions) {
            let link = ExternalId::new("signalbox", "vehicle", &name);
            if let Some(stream) = self.links.get(&link).cloned() {
                let plan = self.loads.get(&stream).and_then(Plan::of);
                if plan.is_some_and(|it| key(&it.vehicle) == name) {
                    self.follow(&stream);
                }
            }
        }
        let taken = self.fleet.take(positions, None, self.now);
        for (load, picture) in taken.moved {
            self.turn(&StreamId::load(&load), Input::Moved(picture), &Actor::system());
        }
        let code = |why| match why {
            Why::Future { .. } => "position.future",
            Why::TooOld => "position.too_old",
            Why::TooLate => "position.too_late",
            Why::NotYours => "position.not_yours",
        };
        self.position_issues
            .extend(taken.refused.iter().map(|it| code(it.why).to_owned()));
        if !taken.unassigned.is_empty() {
            self.position_issues.push("position.vehicle_without_load".to_owned());
        }
    }

    pub(super) fn concerns_trip(event: &Event) -> bool {
        matches!(
            event,
            Event::VehicleAssigned { .. }
                | Event::VehicleReleased { .. }
                | Event::StopPlaced { .. }
                | Event::MilestoneReported { .. }
                | Event::MilestoneRecorded { .. }
                | Event::LoadCancelled { .. }
        )
    }

    pub(super) fn follow(&mut self, stream: &StreamId) {
        let load = LoadId(stream.0.clone());
        let plan = self.loads.get(stream).and_then(Plan::of);
        if let Some(picture) = self.fleet.follow(&load, plan) {
            self.turn(stream, Input::Moved(picture), &Actor::system());
        }
    }
}
