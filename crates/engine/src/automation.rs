//! How far automation may act, and the one rule of what may leave.
//!
//! Invariant: while automation observes nothing leaves for the outside, by nobody's order; while it is stopped only what
//! a person ordered does. Modes narrow: the tenant's and the playbook's both hold, and neither loosens the other.

use jiff::Timestamp;
use signalbox_model::automation::{AutomationMode, AutomationScope, ModeSet};
use signalbox_model::effect::Effect;
use std::collections::BTreeMap;

/// Every mode that was set, a fold of the settings stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Automation {
    sets: BTreeMap<AutomationScope, ModeSet>,
}

/// What holds for one playbook. With both it neither acts on timers nor lets anything out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    pub observes: bool,
    pub stops: bool,
}

impl Automation {
    pub fn apply(&mut self, set: &ModeSet) {
        self.sets.insert(set.scope.clone(), set.clone());
    }

    /// What holds for a playbook, or for what no playbook does.
    pub fn over(&self, playbook: Option<&str>) -> Hold {
        let modes = || self.applying(playbook).map(|it| it.mode);
        Hold {
            observes: modes().any(|it| it == AutomationMode::Observe),
            stops: modes().any(|it| it == AutomationMode::Stopped),
        }
    }

    /// The modes other than automatic that apply to a playbook.
    pub fn applying<'a>(&'a self, playbook: Option<&'a str>) -> impl Iterator<Item = &'a ModeSet> {
        self.sets.values().filter(move |it| {
            let narrower = it.scope.playbook.as_deref();
            it.mode != AutomationMode::Automatic && (narrower.is_none() || narrower == playbook)
        })
    }

    /// Whether a mode that still holds an effect back was set before the effect was ordered, so that at no time since it
    /// could leave. `released`: a person has let it go.
    pub fn has_held(&self, effect: &Effect, released: bool, ordered_at: Timestamp) -> bool {
        let holds = |it: &ModeSet| {
            let alone = Hold {
                observes: it.mode == AutomationMode::Observe,
                stops: it.mode == AutomationMode::Stopped,
            };
            it.at < ordered_at && !alone.lets_out(effect, released)
        };
        self.applying(effect.playbook.as_deref()).any(holds)
    }

    /// Each mode that was ever set, the newest of its scope.
    pub fn sets(&self) -> impl Iterator<Item = &ModeSet> {
        self.sets.values()
    }
}

impl Hold {
    pub fn is_free(self) -> bool {
        !self.observes && !self.stops
    }

    /// The stricter word for it, of what may leave.
    pub fn mode(self) -> AutomationMode {
        match (self.observes, self.stops) {
            (true, _) => AutomationMode::Observe,
            (false, true) => AutomationMode::Stopped,
            (false, false) => AutomationMode::Automatic,
        }
    }

    /// The one rule of what may leave. `released`: a person has let this delivery go.
    pub fn lets_out(self, effect: &Effect, released: bool) -> bool {
        let waits = matches!(effect.order, signalbox_model::effect::Order::ResumeHeld { .. });
        if waits {
            return self.is_free();
        }
        if effect.order.is_internal() || effect.order.is_acknowledgement() {
            return true;
        }
        !self.observes && (!self.stops || effect.by_hand || released)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::effect::Order;
    use signalbox_model::id::{EffectId, LoadId, MessageId, OfferId, PartnerId};
    use signalbox_model::scope::Actor;

    fn set(playbook: Option<&str>, mode: AutomationMode) -> ModeSet {
        ModeSet {
            scope: AutomationScope {
                playbook: playbook.map(str::to_owned),
            },
            mode,
            reason: "a pilot".to_owned(),
            by: Actor::system(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn effect(order: Order, by_hand: bool) -> Effect {
        Effect {
            id: EffectId::from("eff_1"),
            playbook: None,
            by_hand,
            order,
        }
    }

    fn offer() -> Order {
        Order::SendOffer {
            load: LoadId::from("load_1"),
            offer: OfferId::from("off_1"),
            carrier: PartnerId::from("par_1"),
        }
    }

    #[test]
    fn the_tenants_mode_and_the_playbooks_both_hold() {
        let mut automation = Automation::default();
        automation.apply(&set(Some("load-tender"), AutomationMode::Stopped));
        assert!(automation.over(Some("load-tender")).stops);
        assert!(automation.over(Some("late-notice")).is_free() && automation.over(None).is_free());
        automation.apply(&set(None, AutomationMode::Observe));
        let both = automation.over(Some("load-tender"));
        assert!(both.stops && both.observes);
        assert_eq!(automation.over(None).mode(), AutomationMode::Observe);
        automation.apply(&set(None, AutomationMode::Automatic));
        assert!(automation.over(None).is_free());
    }

    #[test]
    fn only_a_mode_that_was_set_before_the_order_and_still_holds_has_held_all_along() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut automation = Automation::default();
        assert!(!automation.has_held(&effect(offer(), false), false, at(1)));
        automation.apply(&set(None, AutomationMode::Stopped));
        assert!(automation.has_held(&effect(offer(), false), false, at(1)));
        assert!(!automation.has_held(&effect(offer(), false), false, at(0)));
        assert!(!automation.has_held(&effect(offer(), false), true, at(1)));
        assert!(!automation.has_held(&effect(offer(), true), false, at(1)));
        automation.apply(&set(Some("load-tender"), AutomationMode::Observe));
        assert!(!automation.has_held(&effect(offer(), true), false, at(1)));
        // Let out and stopped again meanwhile: it may have been tried in between.
        automation.apply(&ModeSet {
            at: at(2),
            ..set(None, AutomationMode::Stopped)
        });
        assert!(!automation.has_held(&effect(offer(), false), false, at(1)));
    }

    #[test]
    fn observing_lets_nothing_out_and_a_stop_what_a_person_ordered() {
        let (observes, stops) = (
            Hold {
                observes: true,
                stops: false,
            },
            Hold {
                observes: false,
                stops: true,
            },
        );
        let acknowledgement = Order::SendAcknowledgement {
            message: MessageId::from("msg_1"),
            to: "ACME".to_owned(),
            x12: String::new(),
        };
        for hold in [observes, stops] {
            assert!(!hold.lets_out(&effect(offer(), false), false));
            assert!(hold.lets_out(&effect(acknowledgement.clone(), false), false));
            let load = LoadId::from("load_1");
            assert!(!hold.lets_out(&effect(Order::ResumeHeld { load }, true), true));
        }
        assert!(!observes.lets_out(&effect(offer(), true), true));
        assert!(stops.lets_out(&effect(offer(), true), false));
        assert!(stops.lets_out(&effect(offer(), false), true));
        assert!(Hold::default().lets_out(&effect(offer(), false), false));
    }
}
