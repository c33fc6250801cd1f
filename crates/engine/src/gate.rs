//! The gate: every action, whoever asks for it, meets Cedar here and nowhere else.
//!
//! Invariant: Cedar is asked twice, may it at all and may it unattended. An error in an approval policy reads as
//! "needs approval"; an error or a silence on access reads as "forbidden". A tenant's own policies can only narrow
//! what the platform's policy allows.

use crate::memo::Memo;
use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision as CedarDecision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, Policy, PolicyId, PolicySet, Request, RestrictedExpression,
};
use jiff::Timestamp;
use signalbox_model::id::TenantId;
use signalbox_model::issue::Issue;
use signalbox_model::scope::{Actor, ActorKind, Role};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one asks the gate: who wants to do what to which thing, and what is known about it.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    pub tenant: &'a TenantId,
    pub actor: &'a Actor,
    /// `make_offer`, `decide_approval` ...
    pub action: &'a str,
    /// Type and id of the thing: `("Load", "load_1")`.
    pub resource: (&'a str, &'a str),
    pub facts: BTreeMap<&'a str, Fact>,
    pub now: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Long(i64),
    Text(String),
    Flag(bool),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub choice: Choice,
    /// Ids of the policies that determined it.
    pub policies: Vec<String>,
    /// Errors of policies that could not be evaluated.
    pub errors: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Allow,
    NeedsApproval { role: Role },
    Forbid,
}

impl Choice {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::NeedsApproval { .. } => "needs_approval",
            Self::Forbid => "forbid",
        }
    }
}

/// The platform's own policies, under every tenant's.
const PLATFORM_POLICY: &str = include_str!("platform.cedar");

static COMPILED: Memo<Compiled> = Memo::new();

/// A compiled set of policies: the platform's and the playbooks'. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    policies: PolicySet,
    /// For each action that a policy names, the policies that can concern it. Actions have no hierarchy here, so the
    /// others cannot.
    by_action: BTreeMap<EntityUid, PolicySet>,
    /// The policies that concern actions nobody names.
    of_every_action: PolicySet,
    /// No policy names a single thing, so which thing is asked about cannot matter.
    sees_no_thing: bool,
    /// Verdicts given, by all that they can rest on. Used only where `sees_no_thing`.
    given: Mutex<BTreeMap<String, Verdict>>,
    names: EntityTypes,
}

/// Verdicts remembered. More, and all are forgotten and found anew.
const GIVEN_MAX: usize = 4_096;
/// How a policy names a single thing that actions are about.
const THING: &str = "Signalbox::Load::";

#[derive(Clone, Debug)]
struct EntityTypes {
    actor: EntityTypeName,
    action: EntityTypeName,
    tenant: EntityTypeName,
    role: EntityTypeName,
    load: EntityTypeName,
}

impl Gate {
    /// Compiles the platform's policies with a playbook's. `sources` are file name and text.
    pub fn compile(sources: &[(String, String)]) -> Result<Self, Vec<Issue>> {
        let texts = sources.iter().flat_map(|(file, text)| [file.as_str(), text.as_str()]);
        COMPILED.get(texts, || Compiled::new(sources)).map(Self)
    }

    /// May this happen on its own, does it need a person, or is it forbidden? The policies see neither clock nor world:
    /// asked the same, they say the same, so a verdict is remembered.
    pub fn decide(&self, ask: &Ask<'_>) -> Verdict {
        if !self.0.sees_no_thing || ask.resource.0 != "Load" {
            return self.judge(ask);
        }
        let (actor, tenant) = (ask.actor, ask.tenant);
        let key = format!(
            "{tenant:?} {:?} {:?} {:?} {} {:?}",
            actor.kind, actor.name, actor.roles, ask.action, ask.facts
        );
        let known = self.given().get(&key).cloned();
        known.unwrap_or_else(|| {
            let verdict = self.judge(ask);
            let mut given = self.given();
            if given.len() >= GIVEN_MAX {
                given.clear();
            }
            given.insert(key, verdict.clone());
            verdict
        })
    }

    fn given(&self) -> MutexGuard<'_, BTreeMap<String, Verdict>> {
        self.0.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, ask: &Ask<'_>) -> Verdict {
        let asked = Scene::set(ask, &self.0.names).and_then(|scene| Ok((self.ask(&scene, false)?, scene)));
        let (attended, scene) = match asked {
            Ok(answer) => answer,
            Err(why) => {
                return Verdict {
                    choice: Choice::Forbid,
                    policies: Vec::new(),
                    errors: vec![why],
                };
            }
        };
        if !attended.allowed || !attended.errors.is_empty() {
            return Verdict {
                choice: Choice::Forbid,
                policies: attended.policies,
                errors: attended.errors,
            };
        }
        if ask.actor.kind == ActorKind::Person {
            return Verdict {
                choice: Choice::Allow,
                policies: attended.policies,
                errors: Vec::new(),
            };
        }
        self.judge_unattended(&scene)
    }

    /// The second question alone: could this happen without a person? What says no, or cannot say, needs an approval.
    pub fn unattended(&self, ask: &Ask<'_>) -> Verdict {
        match Scene::set(ask, &self.0.names) {
            Ok(scene) => self.judge_unattended(&scene),
            Err(why) => Verdict {
                choice: Choice::NeedsApproval { role: Role::Dispatcher },
                policies: Vec::new(),
                errors: vec![why],
            },
        }
    }

    fn judge_unattended(&self, scene: &Scene) -> Verdict {
        match self.ask(scene, true) {
            Ok(answer) if answer.allowed && answer.errors.is_empty() => Verdict {
                choice: Choice::Allow,
                policies: answer.policies,
                errors: Vec::new(),
            },
            Ok(answer) => {
                let role = self.approver(&answer.policies);
                Verdict {
                    choice: Choice::NeedsApproval { role },
                    policies: answer.policies,
                    errors: answer.errors,
                }
            }
            Err(why) => {
                let choice = Choice::NeedsApproval { role: Role::Dispatcher };
                Verdict {
                    choice,
                    policies: Vec::new(),
                    errors: vec![why],
                }
            }
        }
    }

    /// The role named by `@approver("...")` on the policy that held the action back; a dispatcher where none is.
    fn approver(&self, policies: &[String]) -> Role {
        let named = policies
            .iter()
            .filter_map(|id| self.0.policies.policy(&PolicyId::new(id))?.annotation("approver"));
        let roles: Vec<Role> = named
            .filter_map(|name| Role::ALL.into_iter().find(|role| role.as_str() == name))
            .collect();
        roles
            .into_iter()
            .max_by_key(|role| *role == Role::Manager)
            .unwrap_or(Role::Dispatcher)
    }

    fn ask(&self, scene: &Scene, unattended: bool) -> Result<Answer, String> {
        let facts = scene.facts.iter().cloned();
        let unattended = ("unattended".to_owned(), RestrictedExpression::new_bool(unattended));
        let context = Context::from_pairs(facts.chain([unattended])).map_err(|it| it.to_string())?;
        let (principal, resource) = (scene.principal.clone(), scene.resource.clone());
        let request =
            Request::new(principal, scene.action.clone(), resource, context, None).map_err(|it| it.to_string())?;
        let policies = self.0.by_action.get(&scene.action).unwrap_or(&self.0.of_every_action);
        let response = Authorizer::new().is_authorized(&request, policies, &scene.entities);
        let mut policies: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        policies.sort();
        let mut errors: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
        errors.sort();
        Ok(Answer {
            allowed: response.decision() == CedarDecision::Allow,
            policies,
            errors,
        })
    }

    /// Every policy with its annotations, for people who ask what rules there are.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.0.policies.policies()
    }
}

/// Who asks, for what, about which thing, as Cedar sees it: the same for both questions.
struct Scene {
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    entities: Entities,
    facts: Vec<(String, RestrictedExpression)>,
}

impl Scene {
    fn set(ask: &Ask<'_>, names: &EntityTypes) -> Result<Self, String> {
        let principal = uid(&names.actor, &format!("{:?}:{}", ask.actor.kind, ask.actor.name));
        let resource = uid(&names.thing(ask.resource.0)?, ask.resource.1);
        let roles = ask.actor.roles.iter().map(|role| uid(&names.role, role.as_str()));
        let tenant = || {
            let tenant = uid(&names.tenant, ask.tenant.as_str());
            ("tenant".to_owned(), RestrictedExpression::new_entity_uid(tenant))
        };
        let kind = RestrictedExpression::new_string(format!("{:?}", ask.actor.kind).to_lowercase());
        let of_actor = HashMap::from([tenant(), ("kind".to_owned(), kind)]);
        let actor = Entity::new(principal.clone(), of_actor, roles.collect()).map_err(|it| it.to_string())?;
        let of_thing = HashMap::from([tenant()]);
        let thing = Entity::new(resource.clone(), of_thing, HashSet::new()).map_err(|it| it.to_string())?;
        let facts = ask.facts.iter();
        Ok(Self {
            principal,
            action: uid(&names.action, ask.action),
            resource,
            entities: Entities::from_entities([actor, thing], None).map_err(|it| it.to_string())?,
            facts: facts
                .map(|(name, fact)| ((*name).to_owned(), fact.expression()))
                .collect(),
        })
    }
}

impl Compiled {
    fn new(sources: &[(String, String)]) -> Result<Self, Vec<Issue>> {
        let mut policies = PolicySet::new();
        let mut issues = Vec::new();
        let platform = ("platform.cedar".to_owned(), PLATFORM_POLICY.to_owned());
        for (file, text) in std::iter::once(&platform).chain(sources) {
            match PolicySet::from_str(text) {
                Ok(set) => {
                    for (place, policy) in set.policies().enumerate() {
                        let id = policy
                            .annotation("id")
                            .map_or_else(|| format!("{file}#{place}"), str::to_owned);
                        if let Err(error) = policies.add(policy.new_id(PolicyId::new(&id))) {
                            let why = error.to_string();
                            issues.push(Issue::fatal(
                                "policy.duplicate_id",
                                file,
                                why,
                                "Give each policy its own @id.",
                            ));
                        }
                    }
                }
                Err(error) => {
                    let why = format!("{error:?}");
                    issues.push(Issue::fatal(
                        "policy.unreadable",
                        file,
                        why,
                        "Correct the Cedar policy at this place.",
                    ));
                }
            }
        }
        let names = EntityTypes::new()
            .map_err(|why| vec![Issue::fatal("policy.types", "", why, "Report this as a defect.")])?;
        if !issues.is_empty() {
            return Err(issues);
        }
        let named: BTreeSet<EntityUid> = policies.policies().flat_map(actions_of).flatten().collect();
        let of_action = |action: Option<&EntityUid>| {
            let concerns =
                |policy: &&Policy| actions_of(policy).is_none_or(|them| action.is_some_and(|it| them.contains(it)));
            PolicySet::from_policies(policies.policies().filter(concerns).cloned()).map_err(|why| {
                let why = why.to_string();
                vec![Issue::fatal("policy.set", "", why, "Report this as a defect.")]
            })
        };
        let of_every_action = of_action(None)?;
        let mut by_action = BTreeMap::new();
        for action in named {
            let them = of_action(Some(&action))?;
            by_action.insert(action, them);
        }
        let sees_no_thing = !policies.policies().any(|it| it.to_string().contains(THING));
        Ok(Self {
            sees_no_thing,
            given: Mutex::default(),
            policies,
            by_action,
            of_every_action,
            names,
        })
    }
}

/// The actions a policy is for; `None`: every action.
fn actions_of(policy: &Policy) -> Option<Vec<EntityUid>> {
    match policy.action_constraint() {
        ActionConstraint::Any => None,
        ActionConstraint::Eq(action) => Some(vec![action]),
        ActionConstraint::In(actions) => Some(actions),
    }
}

struct Answer {
    allowed: bool,
    policies: Vec<String>,
    errors: Vec<String>,
}

impl EntityTypes {
    fn new() -> Result<Self, String> {
        let named = |name: &str| EntityTypeName::from_str(&format!("Signalbox::{name}")).map_err(|it| it.to_string());
        Ok(Self {
            actor: named("Actor")?,
            action: named("Action")?,
            tenant: named("Tenant")?,
            role: named("Role")?,
            load: named("Load")?,
        })
    }

    /// The type of a thing that actions are about. Nearly always a load.
    fn thing(&self, kind: &str) -> Result<EntityTypeName, String> {
        match kind {
            "Load" => Ok(self.load.clone()),
            other => EntityTypeName::from_str(&format!("Signalbox::{other}")).map_err(|it| it.to_string()),
        }
    }
}

impl Fact {
    fn expression(&self) -> RestrictedExpression {
        match self {
            Self::Long(number) => RestrictedExpression::new_long(*number),
            Self::Text(text) => RestrictedExpression::new_string(text.clone()),
            Self::Flag(flag) => RestrictedExpression::new_bool(*flag),
        }
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: &str = r#"
        @id("cap") @approver("manager")
        forbid (principal, action == Signalbox::Action::"make_offer", resource)
        when { context.unattended && context.rate_minor > context.rate_cap_minor };
    "#;

    fn decide(policy: &str, actor: Actor, action: &'static str, rate: Option<i64>) -> Verdict {
        let gate = Gate::compile(&[("cap.cedar".to_owned(), policy.to_owned())]).unwrap();
        let mut facts = BTreeMap::from([("rate_cap_minor", Fact::Long(300_000))]);
        if let Some(rate) = rate {
            facts.insert("rate_minor", Fact::Long(rate));
        }
        let tenant = TenantId::from("ten_1");
        let now = Timestamp::UNIX_EPOCH;
        gate.decide(&Ask {
            tenant: &tenant,
            actor: &actor,
            action,
            resource: ("Load", "load_1"),
            facts,
            now,
        })
    }

    #[test]
    fn a_rate_over_the_cap_needs_the_approver_and_one_under_it_does_not() {
        let playbook = || Actor::playbook("load-tender");
        assert_eq!(
            decide(CAP, playbook(), "make_offer", Some(300_000)).choice,
            Choice::Allow
        );
        let over = decide(CAP, playbook(), "make_offer", Some(300_001));
        assert_eq!(over.choice, Choice::NeedsApproval { role: Role::Manager });
        assert_eq!(over.policies, ["cap"]);
    }

    #[test]
    fn a_policy_about_one_load_is_asked_about_each() {
        let policy = r#"forbid (principal, action, resource == Signalbox::Load::"load_2");"#;
        let gate = Gate::compile(&[("one.cedar".to_owned(), policy.to_owned())]).unwrap();
        let (tenant, actor) = (TenantId::from("ten_1"), Actor::playbook("load-tender"));
        let ask = |load| {
            let ask = Ask {
                tenant: &tenant,
                actor: &actor,
                action: "make_offer",
                resource: ("Load", load),
                facts: BTreeMap::new(),
                now: Timestamp::UNIX_EPOCH,
            };
            gate.decide(&ask).choice
        };
        assert_eq!(
            [ask("load_1"), ask("load_2"), ask("load_1")],
            [Choice::Allow, Choice::Forbid, Choice::Allow]
        );
    }

    #[test]
    fn an_error_in_an_approval_policy_reads_as_needs_approval() {
        let verdict = decide(CAP, Actor::playbook("load-tender"), "make_offer", None);
        assert_eq!(verdict.choice, Choice::NeedsApproval { role: Role::Dispatcher });
        assert!(!verdict.errors.is_empty());
    }

    #[test]
    fn an_advisor_never_acts_and_an_unknown_action_is_forbidden() {
        let advisor = Actor {
            kind: ActorKind::Advisor,
            name: "drafts".to_owned(),
            roles: vec![Role::Admin],
        };
        assert_ne!(decide(CAP, advisor, "make_offer", Some(1)).choice, Choice::Allow);
        assert_eq!(
            decide(CAP, Actor::playbook("x"), "sell_company", Some(1)).choice,
            Choice::Forbid
        );
        let viewer = Actor {
            kind: ActorKind::Person,
            name: "v".to_owned(),
            roles: vec![Role::Viewer],
        };
        assert_eq!(decide(CAP, viewer, "decide_approval", Some(1)).choice, Choice::Forbid);
    }
}
