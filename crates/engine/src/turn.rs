//! One turn in the making: the state it works on and what it has decided so far.
//!
//! Invariant: an event is folded the moment it is recorded, so every later judgement of the turn sees it.

use crate::automation::Hold;
use crate::directory::Directory;
use crate::gate::{Ask, Choice, Fact, Gate, Verdict};
use crate::state::LoadState;
use crate::step::{Context, Outcome, Reaction};
use jiff::Timestamp;
use signalbox_model::decision::{Decision, Evidence};
use signalbox_model::effect::{Effect, Order};
use signalbox_model::event::Event;
use signalbox_model::exception::Touch;
use signalbox_model::id::{EffectId, Mint, TimerId};
use signalbox_model::issue::Issue;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, ActorKind};
use signalbox_model::timer::TimerChange;
use signalbox_model::value::ExternalId;
use std::collections::BTreeMap;

pub(crate) struct Turn<'a> {
    pub state: &'a mut LoadState,
    pub context: &'a Context<'a>,
    pub mint: Mint,
    pub out: Reaction,
    /// The playbook that acts just now, if it is one.
    pub acting: Option<String>,
}

impl<'a> Turn<'a> {
    pub fn new(state: &'a mut LoadState, context: &'a Context<'a>) -> Self {
        Self {
            state,
            context,
            mint: Mint::new(context.cause, context.now),
            out: Reaction::default(),
            acting: None,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.context.now
    }

    pub fn directory(&self) -> &'a Directory {
        self.context.directory
    }

    pub fn record(&mut self, event: Event) {
        self.state.apply(&event, self.context.now);
        self.out.events.push(event);
    }

    pub fn order(&mut self, order: Order) -> EffectId {
        let effect = Effect {
            id: self.mint.make(),
            playbook: self.playbook(),
            by_hand: self.is_by_hand(),
            order,
        };
        self.state.apply_effect(&effect, self.context.now);
        let id = effect.id.clone();
        self.out.effects.push(effect);
        id
    }

    /// The playbook on whose behalf things are done: the one that acts, else the one that tenders the load.
    pub fn playbook(&self) -> Option<String> {
        let tenders = || self.state.tender.as_ref().map(|it| it.playbook.clone());
        self.acting.clone().or_else(tenders)
    }

    fn is_by_hand(&self) -> bool {
        self.acting.is_none() && self.context.actor.kind == ActorKind::Person
    }

    /// What holds back an act of this moment, if anything does.
    pub fn hold(&self) -> Option<Hold> {
        let hold = self.directory().automation.over(self.playbook().as_deref());
        let holds = hold.observes || (hold.stops && !self.is_by_hand());
        holds.then_some(hold)
    }

    /// What partners call the load.
    pub fn reference(&self) -> String {
        let load = self.state.load.as_ref();
        load.map(|it| it.reference.clone()).unwrap_or_default()
    }

    pub fn set_timer(&mut self, id: TimerId, due: Timestamp) {
        self.out.timers.push(TimerChange::Set { id, due });
    }

    pub fn cancel_timer(&mut self, id: TimerId) {
        self.out.timers.push(TimerChange::Cancel { id });
    }

    pub fn link(&mut self, kind: &str, value: &str) {
        self.out.links.push(ExternalId::new("signalbox", kind, value));
    }

    pub fn decide(&mut self, about: &str, choice: &str, evidence: Vec<Evidence>, rule: String) {
        self.out.decisions.push(Decision {
            about: about.to_owned(),
            choice: choice.to_owned(),
            evidence,
            rule,
        });
    }

    /// Asks the gate and records its decision. The mode of automation is among the facts.
    pub fn gate(&mut self, actor: &Actor, action: &'static str, facts: BTreeMap<&'static str, Fact>) -> Verdict {
        self.put_to_gate(actor, action, facts, Gate::decide)
    }

    /// Asks whether this could have happened without a person.
    pub fn gate_unattended(
        &mut self,
        actor: &Actor,
        action: &'static str,
        facts: BTreeMap<&'static str, Fact>,
    ) -> Verdict {
        self.put_to_gate(actor, action, facts, Gate::unattended)
    }

    fn put_to_gate(
        &mut self,
        actor: &Actor,
        action: &'static str,
        mut facts: BTreeMap<&'static str, Fact>,
        question: fn(&Gate, &Ask<'_>) -> Verdict,
    ) -> Verdict {
        let mode = self.directory().automation.over(self.playbook().as_deref()).mode();
        facts.insert("automation_mode", Fact::Text(mode.word().to_owned()));
        let id = self.state.load.as_ref().map(|it| it.id.0.clone()).unwrap_or_default();
        let directory = self.context.directory;
        let ask = Ask {
            tenant: &directory.tenant,
            actor,
            action,
            resource: ("Load", &id),
            facts,
            now: self.now(),
        };
        let verdict = question(&directory.gate, &ask);
        let known = ask
            .facts
            .iter()
            .map(|(name, fact)| Evidence::new(name, fact_value(fact), "gate context"));
        let asked = Evidence::new("actor", actor.name.clone(), "actor");
        let errors = verdict
            .errors
            .iter()
            .map(|it| Evidence::new("policy error", it.clone(), "gate"));
        let evidence: Vec<Evidence> = std::iter::once(asked).chain(known).chain(errors).collect();
        let rule = if verdict.policies.is_empty() {
            "no policy".to_owned()
        } else {
            verdict.policies.join(", ")
        };
        self.decide(&format!("gate.{action}"), verdict.choice.word(), evidence, rule);
        verdict
    }

    /// Whether a person or client may do this; a refusal is the turn's outcome.
    pub fn may(&mut self, action: &'static str) -> bool {
        let actor = self.context.actor.clone();
        let verdict = self.gate(&actor, action, BTreeMap::new());
        let allowed = verdict.choice == Choice::Allow;
        if !allowed {
            self.reject(
                Rejection::NotAllowed,
                format!("{} may not {}", actor.name, action.replace('_', " ")),
                Vec::new(),
            );
        }
        allowed
    }

    pub fn reject(&mut self, rejection: Rejection, detail: String, issues: Vec<Issue>) {
        self.out.outcome = Outcome::Rejected {
            rejection,
            detail,
            issues,
        };
    }

    pub fn done(&mut self, answer: serde_json::Value) {
        self.out.outcome = Outcome::Done(answer);
    }

    /// Records what a person did. `since` is when it began to wait for one.
    pub fn touch(&mut self, action: &str, on: &str, since: Timestamp, in_hand_ms: Option<i64>) {
        let touch = Touch {
            who: self.context.actor.clone(),
            action: action.to_owned(),
            on: on.to_owned(),
            open_ms: (self.now().as_millisecond() - since.as_millisecond()).max(0),
            in_hand_ms,
            at: self.now(),
        };
        self.record(Event::TouchRecorded { touch });
    }
}

fn fact_value(fact: &Fact) -> serde_json::Value {
    match fact {
        Fact::Long(number) => (*number).into(),
        Fact::Text(text) => text.clone().into(),
        Fact::Flag(flag) => (*flag).into(),
    }
}
