//! Steps about how far automation may act: the switch, the manual queue, and loads covered by hand.

use super::language::money;
use super::{Runner, Sent, person, same, word};
use crate::setup::partner_id;
use signalbox_engine::command::{Command, HeldChoice, HeldDecision};
use signalbox_model::automation::{AutomationMode, AutomationScope, Held};
use signalbox_model::event::Event;
use signalbox_model::id::{HeldId, LoadId};
use signalbox_model::scope::Role;
use signalbox_model::value::Money;

#[derive(Clone, Debug, PartialEq)]
pub enum AutomationAction {
    /// `manager mara stops the automation because "..."`
    Switch {
        role: Role,
        who: String,
        mode: AutomationMode,
        playbook: Option<String>,
        reason: String,
    },
    /// `dispatcher dana covers the load with SWFT at 2100.00`
    Cover {
        role: Role,
        who: String,
        scac: String,
        minor: i64,
    },
    /// `dispatcher dana has it done`, `skips it` or `takes it over`: the first thing that is held, or was held last.
    Held {
        who: String,
        choice: HeldChoice,
        reason: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum AutomationCheck {
    /// `held make_offer JBHT`
    Held { action: String, scac: String },
    /// `nothing held`
    NothingHeld,
    /// `held settled moot`: what was held last is settled so.
    Settled(String),
    /// `by hand as proposed`, `by hand otherwise than proposed`
    ByHand { as_proposed: bool },
}

pub(super) fn action(words: &[&str], because: Option<&str>) -> Result<Option<AutomationAction>, String> {
    let Some(role) = words
        .first()
        .and_then(|it| Role::ALL.into_iter().find(|role| role.as_str() == *it))
    else {
        return Ok(None);
    };
    let switch = |who: &str, verb: &str, playbook: Option<&str>| {
        let mode = match verb {
            "stops" => AutomationMode::Stopped,
            "observes" => AutomationMode::Observe,
            "resumes" => AutomationMode::Automatic,
            _ => return None, // No other verb is a switch.
        };
        Some(AutomationAction::Switch {
            role,
            who: who.to_owned(),
            mode,
            playbook: playbook.map(str::to_owned),
            reason: because.unwrap_or_default().to_owned(),
        })
    };
    let held = |who: &str, choice| {
        Some(AutomationAction::Held {
            who: who.to_owned(),
            choice,
            reason: because.map(str::to_owned),
        })
    };
    Ok(match words {
        [_, who, verb, "the", "automation"] => switch(who, verb, None),
        [_, who, verb, "playbook", name] => switch(who, verb, Some(name)),
        [_, who, "covers", "the", "load", "with", scac, "at", rate] => Some(AutomationAction::Cover {
            role,
            who: (*who).to_owned(),
            scac: (*scac).to_owned(),
            minor: money(rate)?,
        }),
        [_, who, "has", "it", "done"] => held(who, HeldChoice::Do),
        [_, who, "skips", "it"] => held(who, HeldChoice::Skip),
        [_, who, "takes", "it", "over"] => held(who, HeldChoice::TakeOver),
        _ => None, // Other steps begin with a role too.
    })
}

pub(super) fn check(words: &[&str]) -> Option<AutomationCheck> {
    Some(match words {
        ["held", "settled", outcome @ ..] => AutomationCheck::Settled(outcome.join("_")),
        ["held", action, scac] => AutomationCheck::Held {
            action: (*action).to_owned(),
            scac: (*scac).to_owned(),
        },
        ["nothing", "held"] => AutomationCheck::NothingHeld,
        ["by", "hand", "as", "proposed"] => AutomationCheck::ByHand { as_proposed: true },
        ["by", "hand", "otherwise", "than", "proposed"] => AutomationCheck::ByHand { as_proposed: false },
        _ => return None, // Not of automation.
    })
}

impl Runner<'_> {
    pub(super) fn automation_action(&self, action: &AutomationAction) -> Result<(String, Sent), String> {
        Ok(match action {
            AutomationAction::Switch {
                role,
                who,
                mode,
                playbook,
                reason,
            } => {
                let command = Command::SwitchAutomation {
                    scope: AutomationScope {
                        playbook: playbook.clone(),
                    },
                    mode: *mode,
                    reason: reason.clone(),
                    on_the_wire: Vec::new(),
                };
                (who.clone(), person(who, *role, command))
            }
            AutomationAction::Cover { role, who, scac, minor } => {
                let command = Command::CoverLoad {
                    load: self.load()?,
                    carrier: partner_id(scac).0,
                    rate: Money::usd(*minor),
                    note: None,
                    in_hand_ms: None,
                };
                (who.clone(), person(who, *role, command))
            }
            AutomationAction::Held { who, choice, reason } => {
                let decision = HeldDecision {
                    choice: *choice,
                    reason: reason.clone(),
                    in_hand_ms: None,
                };
                let held = self.held()?;
                let command = Command::SettleHeld { held, decision };
                (who.clone(), person(who, Role::Dispatcher, command))
            }
        })
    }

    pub(super) fn load(&self) -> Result<LoadId, String> {
        let load = self.state().load;
        load.map(|it| it.id).ok_or_else(|| "there is no load".to_owned())
    }

    fn held(&self) -> Result<HeldId, String> {
        let open = self.state().held.first().map(|it| it.id.clone());
        let events = self.boundary.events();
        let last = events.iter().rev().find_map(|(_, event)| match event {
            Event::ActionHeld { held } => Some(held.id.clone()),
            _ => None, // Only this names what is held.
        });
        open.or(last).ok_or_else(|| "nothing was held".to_owned())
    }

    pub(super) fn automation_check(&self, check: &AutomationCheck) -> Result<(), String> {
        let state = self.state();
        match check {
            AutomationCheck::Held { action, scac } => {
                let told = |it: &Held| format!("{} {}", it.action, it.proposal["scac"].as_str().unwrap_or("-"));
                let open: Vec<String> = state.held.iter().map(told).collect();
                let wanted = format!("{action} {scac}");
                let is_there = open.contains(&wanted);
                is_there
                    .then_some(())
                    .ok_or(format!("held is {open:?}, and not {wanted}"))
            }
            AutomationCheck::NothingHeld => same("the things held", &state.held.len(), &0),
            AutomationCheck::Settled(wanted) => {
                let events = self.boundary.events();
                let last = events.iter().rev().find_map(|(_, event)| match event {
                    Event::HeldActionSettled { outcome, .. } => Some(word(outcome)),
                    _ => None, // Only this settles what is held.
                });
                same("the outcome", &last.unwrap_or_default(), wanted)
            }
            AutomationCheck::ByHand { as_proposed } => {
                let events = self.boundary.events();
                let agreement = events.iter().find_map(|(_, event)| match event {
                    Event::LoadCoveredByHand { agreement, .. } => agreement.clone(),
                    _ => None, // Only this compares.
                });
                let agreement = agreement.ok_or("nothing was compared")?;
                same(
                    "the agreement",
                    &(agreement.same_carrier && agreement.same_rate),
                    as_proposed,
                )
            }
        }
    }
}
