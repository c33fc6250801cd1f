//! Behaviour in a dispatcher's words: the files under `scenarios/`, run against the engine alone, against the machine
//! with real bytes over a store in memory, and (by the server's own tests) against the server over HTTP on SQLite and
//! PostgreSQL. The load's events must be the same at each boundary: by name in the file, and in full as `alike` tells.

pub mod alike;
pub mod automation;
pub mod capacity;
pub mod engine_boundary;
pub mod language;
pub mod mails;
pub mod papers;
pub mod runtime_boundary;
pub mod trips;

mod engine_capacity;
mod engine_mails;
mod engine_positions;
mod notices;

use crate::messages::{self, Answered, Asked, Told};
use crate::setup::{Carrier, JSON_SOURCE, Rate, Trade, X12_SOURCE, partner_id};
use jiff::{SignedDuration, Timestamp};
use language::{Action, Check, Given, Scenario, What};
use signalbox_engine::command::{ApprovalDecision, Command, NewWording, Resolution, ResolutionChoice};
use signalbox_engine::state::LoadState;
use signalbox_model::answer::{Answer, AnswerAttempt};
use signalbox_model::attempt::DocumentAttempt;
use signalbox_model::event::Event;
use signalbox_model::exception::ExceptionKind;
use signalbox_model::id::{LoadId, OfferId, PartnerId};
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, ActorKind, Role};
use signalbox_model::tender::Offer;

/// Where a scenario can be run: what may be done to the system and what is seen of it.
pub trait Boundary {
    fn set_up(&mut self, trade: &Trade, cannot_be_reached: &[String]) -> Result<(), String>;

    fn now(&self) -> Timestamp;

    /// All of it arrives, in this order, before any is worked off; then everything comes to rest.
    fn send(&mut self, sent: Vec<Sent>) -> Result<Vec<Outcome>, String>;

    /// Time goes by, with all that is due in it.
    fn wait(&mut self, by: SignedDuration) -> Result<(), String>;

    /// The load's events in order, each with its time.
    fn events(&self) -> Vec<(Timestamp, Event)>;

    /// Those of the load that partners call so.
    fn events_of(&self, reference: &str) -> Result<Vec<(Timestamp, Event)>, String>;

    /// The load's status as people see it.
    fn status(&self) -> Result<Option<String>, String>;

    /// What carriers were told so far, in the order in which it was ordered.
    fn told(&self) -> Vec<Told>;

    /// What partners were mailed, in the order in which it was ordered.
    fn letters(&self) -> Result<Vec<Letter>, String> {
        Err("this boundary shows no letters".to_owned())
    }

    /// Codes of the issues that messages with positions met, in order.
    fn position_issues(&self) -> Result<Vec<String>, String> {
        Err("this boundary does not show the issues of positions".to_owned())
    }

    /// Vehicles that are seen, and whether a load of theirs is known.
    fn vehicles(&self) -> Result<Vec<(String, bool)>, String> {
        Err("this boundary does not show vehicles".to_owned())
    }
}

#[derive(Clone, Debug)]
pub enum Sent {
    /// `from` is the partner who sends it, by the name under which it trades.
    Message {
        from: String,
        source: &'static str,
        bytes: Vec<u8>,
    },
    /// A person's, or a carrier's own system's where it is reached by webhook.
    Command { who: Actor, command: Command },
    /// A person says which load the mail that came into quarantine last is about.
    Choice { who: Actor, load: LoadId },
    /// An upload. `from` is the partner whose own key brings it.
    Document {
        who: Actor,
        from: Option<PartnerId>,
        load: LoadId,
        attempt: Box<DocumentAttempt>,
    },
}

/// A letter as its receiver has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The partner's name.
    pub to: String,
    /// None where a person wrote it and the boundary cannot open what is sealed.
    pub subject: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub refused: Option<(Rejection, String)>,
    pub duplicate: bool,
}

pub const BEGIN: &str = "2026-11-23T15:00:00Z";

/// Runs a scenario and answers the load's events, whose names are those of its trace.
pub fn run(scenario: &Scenario, boundary: &mut dyn Boundary) -> Result<Vec<(Timestamp, Event)>, String> {
    let mut runner = Runner {
        boundary,
        trade: Trade::default(),
        cannot_be_reached: Vec::new(),
        ready: false,
        order: None,
        last: None,
        control_number: 0,
        outcomes: Vec::new(),
        seen: 0,
        claimed: Vec::new(),
    };
    for step in &scenario.steps {
        runner
            .step(&step.what)
            .map_err(|why| format!("{}: line {}: {why}", scenario.title, step.line))?;
    }
    let events = runner.boundary.events();
    let names: Vec<&str> = events.iter().map(|(_, it)| it.name()).collect();
    if names != scenario.trace {
        let (got, wanted) = (names.join(" "), scenario.trace.join(" "));
        return Err(format!(
            "{}: the trace is\n  {got}\nand not\n  {wanted}",
            scenario.title
        ));
    }
    Ok(events)
}

/// The order that was sent last.
#[derive(Clone)]
struct Ordered {
    reference: String,
    customer: String,
    json: bool,
    expedited: bool,
    respond_by: Option<Timestamp>,
}

struct Runner<'a> {
    boundary: &'a mut dyn Boundary,
    trade: Trade,
    cannot_be_reached: Vec<String>,
    ready: bool,
    order: Option<Ordered>,
    last: Option<Sent>,
    control_number: u32,
    /// Who did something in the last step, and what came of it.
    outcomes: Vec<(String, Outcome)>,
    /// Events there were before the last step.
    seen: usize,
    /// Tellings that a `then` has spoken of.
    claimed: Vec<usize>,
}

impl Runner<'_> {
    fn step(&mut self, what: &What) -> Result<(), String> {
        match what {
            What::Given(_) if self.ready => Err("what is given comes before what happens".to_owned()),
            What::Given(given) => self.given(given),
            What::When(actions) => {
                self.set_up()?;
                self.act(actions)
            }
            What::After(by) => {
                self.set_up()?;
                self.seen = self.boundary.events().len();
                self.outcomes.clear();
                self.boundary.wait(*by)
            }
            What::Then(check) => self.check(check),
        }
    }

    fn given(&mut self, given: &Given) -> Result<(), String> {
        match given {
            Given::Carriers { scacs, lane, minors } => {
                for (scac, minor) in scacs.iter().zip(minors) {
                    let rank = self.trade.guide.len() as u32 + 1;
                    self.trade.carriers.push(Carrier::new(scac));
                    self.trade.guide.push(Rate {
                        lane: lane.clone(),
                        scac: scac.clone(),
                        rank,
                        minor: *minor,
                    });
                }
            }
            Given::OffGuide(scac) => self.trade.carriers.push(Carrier::new(scac)),
            Given::NoRoutingGuide => self.trade.guide.clear(),
            Given::RateCap(minor) => self.trade.settings.rate_cap.minor = *minor,
            Given::AnswerWithin(minutes) => self.trade.settings.respond_within_default_min = *minutes,
            Given::ApprovalWithin(minutes) => self.trade.settings.approval_within_min = *minutes,
            Given::ByWebhook(scac) => {
                let named = self.trade.carriers.iter_mut().find(|it| it.scac == *scac);
                named.ok_or_else(|| format!("{scac} is on no lane yet"))?.webhook = true;
            }
            Given::AskAdvisor => self.trade.settings.ask_advisor = true,
            Given::System(customer) => self.trade.systems.push(customer.clone()),
            Given::Site(site) => self.trade.sites.push(site.site()),
            Given::ByMail(customer) => self.trade.mailed.push(customer.clone()),
            Given::NoticesUnattended => self.trade.settings.notices_unattended = true,
            Given::CannotBeReached(scac) => self.cannot_be_reached.push(scac.clone()),
        }
        Ok(())
    }

    fn set_up(&mut self) -> Result<(), String> {
        if self.ready {
            return Ok(());
        }
        self.ready = true;
        self.trade.customers.push("ACME".to_owned());
        self.boundary.set_up(&self.trade, &self.cannot_be_reached)
    }

    fn act(&mut self, actions: &[Action]) -> Result<(), String> {
        self.seen = self.boundary.events().len();
        let mut sent = Vec::new();
        let mut who = Vec::new();
        for action in actions {
            let (name, what) = self.sent(action)?;
            who.push(name);
            sent.push(what);
        }
        self.last = sent.last().cloned();
        let outcomes = self.boundary.send(sent)?;
        self.outcomes = who.into_iter().zip(outcomes).collect();
        Ok(())
    }

    /// What somebody does, as it goes to the system.
    fn sent(&mut self, action: &Action) -> Result<(String, Sent), String> {
        self.control_number += 1;
        let (now, control_number) = (self.boundary.now(), self.control_number);
        let edi = |from: &str, bytes| Sent::Message {
            from: from.to_owned(),
            source: X12_SOURCE,
            bytes,
        };
        Ok(match action {
            Action::Order {
                reference,
                customer,
                json,
                expedited,
                respond_within,
            } => {
                self.order = Some(Ordered {
                    reference: reference.clone(),
                    customer: customer.clone(),
                    json: *json,
                    expedited: *expedited,
                    respond_by: respond_within.map(|it| now + it),
                });
                (customer.clone(), self.order_bytes()?)
            }
            Action::SameAgain => ("ACME".to_owned(), self.last.clone().ok_or("nothing was sent yet")?),
            Action::SentAnew => ("ACME".to_owned(), self.order_bytes()?),
            Action::Cancel => {
                let Ordered {
                    reference, customer, ..
                } = self.order.clone().ok_or("there is no order yet")?;
                let bytes = messages::cancel(&customer, &reference, control_number, now);
                (customer.clone(), edi(&customer, bytes))
            }
            Action::Answer { scac, load, answer } => {
                let last = self.order.as_ref().map(|it| it.reference.clone());
                let reference = load.clone().or(last).ok_or("there is no order yet")?;
                let told = self.boundary.told();
                let offer = told
                    .iter()
                    .rev()
                    .find(|it| it.scac == *scac && it.made && (load.is_none() || it.reference == reference))
                    .map(|it| &it.offer);
                if self.trade.carriers.iter().any(|it| it.scac == *scac && it.webhook) {
                    let offer = offer.ok_or_else(|| format!("{scac} has no offer to answer"))?;
                    return Ok((scac.clone(), answer_command(scac, offer, *answer)));
                }
                let answered = Answered {
                    scac,
                    reference: &reference,
                    offer,
                    answer: *answer,
                    reason: None,
                };
                let bytes = messages::answer_990(&answered, control_number, now).map_err(|it| it.to_string())?;
                (scac.clone(), edi(scac, bytes))
            }
            Action::Acknowledge { scac } => {
                let bytes = messages::acknowledgement(scac, control_number, now);
                (scac.clone(), edi(scac, bytes))
            }
            Action::Decide {
                who,
                approve,
                minor,
                words,
                reason,
            } => {
                let wording = words.as_ref().map(|it| {
                    let own = || Personal::plain(it.as_str(), Taint::System);
                    let (subject, body) = (own(), own());
                    Box::new(NewWording { subject, body })
                });
                let decision = ApprovalDecision {
                    approve: *approve,
                    rate_minor: *minor,
                    wording,
                    reason: reason.clone(),
                    in_hand_ms: None,
                };
                (
                    who.clone(),
                    command(
                        who,
                        Command::DecideApproval {
                            approval: self.approval()?,
                            decision,
                        },
                    ),
                )
            }
            Action::Trip(action) => self.trip_action(action)?,
            Action::Mail(action) => self.mail_action(action)?,
            Action::Paper(action) => self.paper_action(action)?,
            Action::Automation(action) => self.automation_action(action)?,
            Action::Capacity(action) => self.capacity_action(action)?,
            Action::Terms { who, take } => {
                let choice = if *take {
                    ResolutionChoice::AcceptTerms
                } else {
                    ResolutionChoice::RefuseTerms
                };
                let resolution = Resolution {
                    choice,
                    note: "spoke with the carrier".to_owned(),
                };
                let raised = self.exception(ExceptionKind::ConditionalAnswer)?;
                let command_ = Command::ResolveException {
                    exception: raised,
                    resolution,
                    in_hand_ms: None,
                };
                (who.clone(), command(who, command_))
            }
        })
    }

    fn order_bytes(&self) -> Result<Sent, String> {
        let order = self.order.clone().ok_or("there is no order yet")?;
        let lane = self.trade.guide.first().map_or("ME>WI", |it| it.lane.as_str());
        let (from, to) = lane.split_once('>').ok_or("a lane is two regions: ME>WI")?;
        let asked = Asked {
            customer: &order.customer,
            reference: &order.reference,
            from,
            to,
            control_number: self.control_number,
            now: self.boundary.now(),
            respond_by: order.respond_by,
            expedited: order.expedited,
        };
        let (source, bytes) = if order.json {
            (JSON_SOURCE, messages::order_json(&asked).to_string().into_bytes())
        } else {
            (X12_SOURCE, messages::tender(&asked))
        };
        Ok(Sent::Message {
            from: order.customer.clone(),
            source,
            bytes,
        })
    }

    fn state(&self) -> LoadState {
        let mut state = LoadState::default();
        self.boundary
            .events()
            .iter()
            .for_each(|(at, event)| state.apply(event, *at));
        state
    }

    /// The newest approval, decided or not: somebody may come second.
    fn approval(&self) -> Result<signalbox_model::id::ApprovalId, String> {
        let events = self.boundary.events();
        let newest = events.iter().rev().find_map(|(_, event)| match event {
            Event::ApprovalRequested { approval } => Some(approval.id.clone()),
            _ => None, // Only a request names an approval.
        });
        newest.ok_or_else(|| "no approval was requested".to_owned())
    }

    fn exception(&self, kind: ExceptionKind) -> Result<signalbox_model::id::ExceptionId, String> {
        let events = self.boundary.events();
        let newest = events.iter().rev().find_map(|(_, event)| match event {
            Event::ExceptionRaised { exception } if exception.kind == kind => Some(exception.id.clone()),
            _ => None, // Only a raised exception of the kind counts.
        });
        newest.ok_or_else(|| format!("no exception {kind:?} was raised"))
    }

    fn check(&mut self, check: &Check) -> Result<(), String> {
        match check {
            Check::Load { status, by } => self.check_load(status, by.as_deref()),
            Check::NoLoad => {
                let status = self.boundary.status()?;
                status.map_or(Ok(()), |it| Err(format!("there is a load, and it is {it}")))
            }
            Check::Sent { scac, made } => self.check_told(scac, *made),
            Check::NoOfferTo(scac) => {
                let told = self.boundary.told().iter().any(|it| it.made && it.scac == *scac);
                if told {
                    Err(format!("{scac} was sent an offer"))
                } else {
                    Ok(())
                }
            }
            Check::Offer { scac, state } => {
                let offer = self.offer(scac)?;
                same("the offer", &word(&offer.state), state)
            }
            Check::RateOf { scac, minor } => same("the rate", &self.offer(scac)?.rate.minor, minor),
            Check::RespondIn { scac, within } => {
                let left = self.offer(scac)?.respond_by.duration_since(self.boundary.now());
                same("the time left", &left, within)
            }
            Check::Refused { who, code } => {
                let refused = self
                    .outcome(who)?
                    .refused
                    .as_ref()
                    .map(|(rejection, _)| rejection.code());
                same("the refusal", &refused.as_deref().unwrap_or("none"), &code.as_str())
            }
            Check::ToldWho { who, other } => {
                let refused = self.outcome(who)?.refused.clone();
                let (rejection, detail) = refused.ok_or_else(|| format!("{who} was not refused"))?;
                same("the refusal", &rejection, &Rejection::ApprovalAlreadyDecided)?;
                let named = detail.starts_with(other.as_str());
                if named {
                    Ok(())
                } else {
                    Err(format!("{who} was told {detail:?}"))
                }
            }
            Check::Exception(kind) => {
                let state = self.state();
                let open: Vec<String> = state.open_exceptions().map(|it| word(&it.kind)).collect();
                if open.contains(kind) {
                    Ok(())
                } else {
                    Err(format!("open exceptions are {open:?}"))
                }
            }
            Check::ExceptionSettled(kind) => {
                let state = self.state();
                let of_kind = |it: &&signalbox_engine::state::ExceptionState| word(&it.exception.kind) == *kind;
                let settled = state
                    .exceptions
                    .values()
                    .find(of_kind)
                    .is_some_and(|it| it.resolved.is_some());
                if settled {
                    Ok(())
                } else {
                    Err(format!("exception {kind} is not settled"))
                }
            }
            Check::ApprovalRequested => {
                let open = self.state().open_approvals().count();
                same("the open approvals", &open, &1)
            }
            Check::Notice { to, state } => self.check_notice(to, state),
            Check::Letters { to, count } => {
                let letters = self.boundary.letters()?;
                same("the letters", &letters.iter().filter(|it| it.to == *to).count(), count)
            }
            Check::LetterSays { to, words } => self.check_letter(to, words),
            Check::NoApproval => same("the open approvals", &self.state().open_approvals().count(), &0),
            Check::Trip(check) => self.trip_check(check),
            Check::Mail(check) => self.mail_check(check),
            Check::Paper(check) => self.paper_check(check),
            Check::Automation(check) => self.automation_check(check),
            Check::Capacity(check) => self.capacity_check(check),
            Check::NothingNew => {
                let events = self.boundary.events();
                let new: Vec<&str> = events.iter().skip(self.seen).map(|(_, it)| it.name()).collect();
                if new.is_empty() {
                    Ok(())
                } else {
                    Err(format!("there is something new: {new:?}"))
                }
            }
        }
    }

    fn check_load(&self, status: &str, by: Option<&str>) -> Result<(), String> {
        let seen = self.boundary.status()?.unwrap_or_else(|| "not there".to_owned());
        same("the load", &seen.as_str(), &status)?;
        let covered = self.state().covered.map(|it| it.carrier);
        match by {
            Some(scac) => same("the carrier", &covered, &Some(partner_id(scac))),
            None => Ok(()),
        }
    }

    fn check_told(&mut self, scac: &str, made: bool) -> Result<(), String> {
        let told = self.boundary.told();
        let fits = |(place, it): &(usize, &Told)| it.scac == scac && it.made == made && !self.claimed.contains(place);
        let found = told.iter().enumerate().find(fits).map(|(place, _)| place);
        let place = found.ok_or_else(|| format!("{scac} was not told; told were {told:?}"))?;
        self.claimed.push(place);
        Ok(())
    }

    fn offer(&self, scac: &str) -> Result<Offer, String> {
        let state = self.state();
        let last = state.offers.iter().rev().find(|it| it.scac == scac).cloned();
        last.ok_or_else(|| format!("there is no offer to {scac}"))
    }

    fn outcome(&self, who: &str) -> Result<&Outcome, String> {
        let of = self.outcomes.iter().find(|(name, _)| name == who).map(|(_, it)| it);
        of.ok_or_else(|| format!("{who} did nothing in the last step"))
    }
}

pub(crate) fn command(who: &str, command: Command) -> Sent {
    person(who, Role::Dispatcher, command)
}

fn person(who: &str, role: Role, command: Command) -> Sent {
    let who = Actor {
        kind: ActorKind::Person,
        name: who.to_owned(),
        roles: vec![role],
    };
    Sent::Command { who, command }
}

/// A carrier's own system answers the offer it was told of by webhook.
fn answer_command(scac: &str, offer: &OfferId, answer: Answer) -> Sent {
    let who = Actor {
        kind: ActorKind::Client,
        name: scac.to_owned(),
        roles: vec![Role::Carrier],
    };
    let answer = AnswerAttempt {
        carrier: partner_id(scac).0,
        reference: String::new(),
        offer: Some(offer.clone()),
        answer,
        reason: None,
        note: None,
        vehicle: None,
    };
    let command = Command::AnswerOffer { answer };
    Sent::Command { who, command }
}

/// A word of the model as it is written on the wire.
pub(crate) fn word<T: serde::Serialize>(of: &T) -> String {
    serde_json::to_value(of)
        .ok()
        .and_then(|it| it.as_str().map(str::to_owned))
        .unwrap_or_default()
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Result<(), String> {
    if got == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {got:?}, and not {wanted:?}"))
    }
}
