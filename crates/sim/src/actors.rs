//! The people and systems around the machine: customers that order, repeat and cancel; carriers that accept, decline,
//! bargain, keep silent or answer late; dispatchers who decide, now and then two at once.

use crate::faults::Rng;
use crate::messages::{self, Answered, Asked, Told};
use crate::setup::{Carrier, JSON_SOURCE, Rate, Trade, X12_SOURCE};
use crate::world::World;
use crate::yards::{lane_of, mill};
use jiff::SignedDuration;
use signalbox_engine::command::{
    ApprovalDecision, Command, HeldChoice, HeldDecision, NewWording, Resolution, ResolutionChoice,
};
use signalbox_model::answer::{Answer, AnswerAttempt};
use signalbox_model::automation::{AutomationMode, AutomationScope};
use signalbox_model::exception::ExceptionKind;
use signalbox_model::id::{ApprovalId, ExceptionId, HeldId, LoadId};
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::scope::{Actor, ActorKind, Role};
use signalbox_model::value::Money;
use signalbox_runtime::request::Job;

/// Something that will happen.
pub enum Act {
    Send(usize),
    /// A courier comes back with what became of a delivery.
    Report {
        generation: u64,
        job: Box<Job>,
        result: Result<String, String>,
    },
    Order,
    /// An order goes out a second time, or is cancelled.
    OrderAgain {
        order: usize,
        cancel: bool,
    },
    Answer {
        told: Told,
        answer: Answer,
    },
    Acknowledge {
        scac: String,
    },
    /// A carrier sends the proof of a delivery.
    Proof {
        told: Told,
        file: u64,
        pieces: i64,
        signed: bool,
    },
    /// A carrier's status message about a load it took: late, in time again, or delivered.
    Report214 {
        told: Told,
        code: &'static str,
        /// Hours from now that it speaks of.
        hours: i64,
    },
    Desk,
    /// A carrier's trucks are free, or a dispatcher has heard so.
    Capacity,
    /// A manager switches the automation, or one playbook's.
    Switch,
}

/// Something sent, kept by its sender until it is known to have arrived.
pub struct Message {
    pub what: What,
    pub key: String,
    /// The mark it leaves in the log.
    pub mark: String,
    pub answers: bool,
}

#[expect(clippy::large_enum_variant, reason = "few exist at a time, and most are commands")]
pub enum What {
    Bytes { source: &'static str, bytes: Vec<u8> },
    Command { who: Actor, command: Command },
}

const PLAYBOOK: &str = "load-tender";
pub(crate) const LANES: [(&str, &str); 3] = [("ME", "WI"), ("TX", "GA"), ("KS", "OH")];
const CUSTOMERS: [&str; 2] = ["ACME", "BRACKENRIDGE"];
const DISPATCHERS: [&str; 3] = ["dana", "eli", "fay"];
pub(crate) const CARRIERS: [&str; 4] = ["JBHT", "SWFT", "KNGT", "HUBG"];

/// A tenant drawn from the seed: some offers lie over its cap, and one lane has no carrier.
pub fn trade(rng: &mut Rng) -> Trade {
    let mut trade = Trade {
        customers: CUSTOMERS.map(str::to_owned).to_vec(),
        mailed: CUSTOMERS.map(str::to_owned).to_vec(),
        systems: CUSTOMERS.map(str::to_owned).to_vec(),
        sites: [mill("ME", 44.80, -68.77), mill("TX", 32.78, -96.80)]
            .into_iter()
            .flatten()
            .collect(),
        ..Trade::default()
    };
    trade.settings.respond_within_default_min = rng.between(5, 25) as u32;
    trade.settings.approval_within_min = rng.between(10, 90) as u32;
    for scac in CARRIERS {
        let respond_within_min = rng.in_thousand(300).then(|| rng.between(3, 40) as u32);
        trade.carriers.push(Carrier {
            respond_within_min,
            webhook: rng.in_thousand(400),
            ..Carrier::new(scac)
        });
    }
    for (from, to) in LANES.into_iter().take(2) {
        let first = rng.below(4) as usize;
        for rank in 0..rng.between(2, 4) as usize {
            let Some(scac) = CARRIERS.get((first + rank) % CARRIERS.len()) else {
                continue;
            };
            let minor = rng.between(180_000, 380_000);
            let (lane, rank) = (format!("{from}>{to}"), rank as u32 + 1);
            trade.guide.push(Rate {
                lane,
                scac: (*scac).to_owned(),
                rank,
                minor,
            });
        }
    }
    trade
}

impl World {
    pub fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Order => self.order(),
            Act::OrderAgain { order, cancel } => self.order_again(order, cancel),
            Act::Answer { told, answer } => self.answer(&told, answer),
            Act::Acknowledge { scac } => {
                let bytes = messages::acknowledgement(&scac, self.number(), self.now);
                self.post(X12_SOURCE, bytes, false);
                Ok(())
            }
            Act::Report214 { told, code, hours } => {
                let status = messages::Status {
                    scac: &told.scac,
                    reference: &told.reference,
                    code,
                    stop: 2,
                    at: self.now + SignedDuration::from_hours(hours),
                    truck: None,
                };
                let bytes = messages::status_214(&status, self.number(), self.now);
                self.post(X12_SOURCE, bytes, false);
                Ok(())
            }
            Act::Proof {
                told,
                file,
                pieces,
                signed,
            } => {
                let (file, signed_at) = (format!("%PDF-1.7 {file}"), self.now.to_string());
                let proof = messages::Proof {
                    scac: &told.scac,
                    reference: &told.reference,
                    pieces: Some(pieces),
                    signer: signed.then_some("Sam Sample"),
                    // Said once: the same proof sent again says the same.
                    signed_at: signed.then_some(signed_at.as_str()),
                    damaged: false,
                    file: file.as_bytes(),
                };
                let bytes = messages::proof_json(&proof).to_string().into_bytes();
                self.post(JSON_SOURCE, bytes, false);
                Ok(())
            }
            Act::Desk => {
                self.desk();
                Ok(())
            }
            Act::Capacity => {
                self.state_capacity();
                Ok(())
            }
            Act::Switch => {
                self.switch();
                Ok(())
            }
            Act::Send(_) | Act::Report { .. } => Ok(()),
        }
    }

    fn number(&self) -> u32 {
        self.messages.len() as u32 + 1
    }

    pub(crate) fn post(&mut self, source: &'static str, bytes: Vec<u8>, answers: bool) {
        let key = format!("m{}", self.messages.len());
        let mark = format!("in/{source}/key/{key}");
        self.messages.push(Message {
            what: What::Bytes { source, bytes },
            key,
            mark,
            answers,
        });
        self.plan(SignedDuration::ZERO, Act::Send(self.messages.len() - 1));
    }

    pub(crate) fn command(&mut self, who: Actor, command: Command, answers: bool) {
        let key = format!("c{}", self.messages.len());
        let mark = format!("command/{}/{key}", who.name);
        self.messages.push(Message {
            what: What::Command { who, command },
            key,
            mark,
            answers,
        });
        self.plan(SignedDuration::ZERO, Act::Send(self.messages.len() - 1));
    }

    fn order(&mut self) -> Result<(), String> {
        if self.closing {
            return Ok(());
        }
        let wait = self.seconds(5, 240);
        self.plan(wait, Act::Order);
        let customer = self.rng.pick(&CUSTOMERS).copied().unwrap_or_default();
        let reference = format!("R{}", self.orders.len() + 10_000);
        self.orders.push((reference, customer.to_owned()));
        let order = self.orders.len() - 1;
        self.send_order(order);
        if self.rng.in_thousand(80) {
            let wait = self.seconds(1, 600);
            self.plan(wait, Act::OrderAgain { order, cancel: false });
        }
        if self.rng.in_thousand(80) {
            let wait = self.seconds(0, 1_800);
            self.plan(wait, Act::OrderAgain { order, cancel: true });
        }
        Ok(())
    }

    fn send_order(&mut self, order: usize) {
        let Some((reference, customer)) = self.orders.get(order).cloned() else {
            return;
        };
        // An order sent again goes the same way.
        let lane = lane_of(order);
        let (from, to) = LANES.get(lane).copied().unwrap_or(("ME", "WI"));
        let respond_by = self
            .rng
            .in_thousand(100)
            .then(|| self.now + SignedDuration::from_mins(20));
        let control_number = self.number();
        let (customer, reference) = (customer.as_str(), reference.as_str());
        let asked = Asked {
            // Known by its number: sent again it is as urgent.
            expedited: order % 4 == 2 || order % 8 == 7,
            customer,
            reference,
            from,
            to,
            control_number,
            now: self.now,
            respond_by,
        };
        if self.rng.in_thousand(300) {
            self.post(
                JSON_SOURCE,
                messages::order_json(&asked).to_string().into_bytes(),
                false,
            );
        } else {
            self.post(X12_SOURCE, messages::tender(&asked), false);
        }
    }

    fn order_again(&mut self, order: usize, cancel: bool) -> Result<(), String> {
        if !cancel {
            self.send_order(order);
        } else if let Some((reference, customer)) = self.orders.get(order).cloned() {
            let bytes = messages::cancel(&customer, &reference, self.number(), self.now);
            self.post(X12_SOURCE, bytes, false);
        }
        Ok(())
    }

    /// A carrier reads what it was told, and decides what to do about it. A second copy is known by its id.
    pub fn carrier_reads(&mut self, told: Told) {
        if !self.seen.insert((told.offer.clone(), told.made)) || !told.made {
            return;
        }
        let soon = self.seconds(5, 500);
        let late = self.seconds(600, 3_600);
        let answer = |answer| Act::Answer {
            told: told.clone(),
            answer,
        };
        match self.rng.below(100) {
            0..28 => {
                self.plan(soon, answer(Answer::Accept));
                self.haul(soon, &told);
            }
            28..48 => self.plan(soon, answer(Answer::Decline)),
            48..58 => self.plan(soon, answer(Answer::Conditional)),
            58..72 => self.plan(late, answer(Answer::Accept)),
            72..78 => {
                self.plan(soon, answer(Answer::Accept));
                self.plan(soon + soon, answer(Answer::Accept));
            }
            78..83 => {
                self.plan(soon, answer(Answer::Decline));
                self.plan(soon, answer(Answer::Accept));
            }
            83..88 => {
                // Somebody who was not asked.
                let scac = self.rng.pick(&CARRIERS).copied().unwrap_or_default().to_owned();
                self.plan(
                    soon,
                    Act::Answer {
                        told: Told { scac, ..told },
                        answer: Answer::Accept,
                    },
                );
            }
            88..92 => self.plan(soon, Act::Acknowledge { scac: told.scac }),
            _ => {} // Silence.
        }
    }

    /// Some who took a load say that it will be late, some of those that it will not after all; all deliver it.
    fn haul(&mut self, after: SignedDuration, told: &Told) {
        if self.rng.in_thousand(200) {
            return;
        }
        let report = |code, hours| Act::Report214 {
            told: told.clone(),
            code,
            hours,
        };
        let mut at = after + self.seconds(60, 900);
        // Promised for the fourth day.
        let late = self.rng.between(100, 130);
        self.plan(at, report("AG", late));
        if self.rng.in_thousand(400) {
            at += self.seconds(300, 6_000);
            let next = if self.rng.in_thousand(500) { 48 } else { late + 2 };
            self.plan(at, report("AG", next));
        }
        at += self.seconds(3_000, 20_000);
        self.plan(at, report("D1", 0));
        self.prove(at, told);
    }

    /// The proof comes after the delivery or before it, whole, short, without a name, twice, from somebody else, or never.
    fn prove(&mut self, delivered: SignedDuration, told: &Told) {
        let soon = delivered + self.seconds(60, 7_200);
        let before = delivered - self.seconds(60, 3_000);
        let later = soon + self.seconds(600, 9_000);
        let file = self.rng.below(1_000_000);
        let proof = |pieces, signed| Act::Proof {
            told: told.clone(),
            file,
            pieces,
            signed,
        };
        match self.rng.below(100) {
            0..45 => self.plan(soon, proof(24, true)),
            45..55 => self.plan(soon, proof(20, true)),
            55..65 => {
                self.plan(soon, proof(24, false));
                self.plan(later, proof(24, true));
            }
            65..75 => {
                self.plan(soon, proof(24, true));
                self.plan(later, proof(24, true));
            }
            75..85 => self.plan(before, proof(24, true)),
            85..90 => {
                let scac = self.rng.pick(&CARRIERS).copied().unwrap_or_default().to_owned();
                let told = Told { scac, ..told.clone() };
                let strange = Act::Proof {
                    told,
                    file,
                    pieces: 24,
                    signed: true,
                };
                self.plan(soon, strange);
            }
            _ => {} // It never comes.
        }
    }

    fn answer(&mut self, told: &Told, answer: Answer) -> Result<(), String> {
        let offer = self.rng.in_thousand(700).then_some(&told.offer);
        let (scac, reference) = (told.scac.as_str(), told.reference.as_str());
        let answered = Answered {
            scac,
            reference,
            offer,
            answer,
            reason: None,
        };
        match self.rng.below(3) {
            0 => {
                let bytes = messages::answer_990(&answered, self.number(), self.now).map_err(|it| it.to_string())?;
                self.post(X12_SOURCE, bytes, true);
            }
            1 => self.post(
                JSON_SOURCE,
                messages::answer_json(&answered).to_string().into_bytes(),
                true,
            ),
            _ => {
                let who = Actor {
                    kind: ActorKind::Client,
                    name: told.scac.clone(),
                    roles: vec![Role::Carrier],
                };
                let answer = AnswerAttempt {
                    carrier: told.scac.clone(),
                    reference: told.reference.clone(),
                    offer: Some(told.offer.clone()),
                    answer,
                    reason: None,
                    note: None,
                    vehicle: None,
                };
                self.command(who, Command::AnswerOffer { answer }, true);
            }
        }
        Ok(())
    }

    /// Dispatchers look at what is open and deal with some of it.
    fn desk(&mut self) {
        if self.closing {
            return;
        }
        let wait = self.seconds(20, 150);
        self.plan(wait, Act::Desk);
        // A glance is for a truck that is gone in a minute and a customer that waits; the rest is for the next round.
        let glances = self.rng.in_thousand(800);
        let loads = self.oracle.loads.values();
        let approvals = loads
            .clone()
            .flat_map(|it| it.open_approvals().map(|it| (it.id.clone(), proposed(it))));
        let approvals: Vec<(ApprovalId, Asks)> = approvals.filter(|it| !self.handled.contains(it.0.as_str())).collect();
        let exceptions = loads.flat_map(|it| it.open_exceptions().map(|it| (it.id.clone(), it.kind)));
        let exceptions: Vec<(ExceptionId, ExceptionKind)> =
            exceptions.filter(|it| !self.handled.contains(it.0.as_str())).collect();
        if !glances {
            self.manual_work();
        }
        for (approval, asks) in approvals {
            let eager = match asks {
                Asks::Displacement | Asks::Notice => 900,
                Asks::Offer(_) if glances => 0,
                Asks::Offer(_) => 600,
            };
            if self.rng.in_thousand(eager) {
                self.handled.insert(approval.0.clone());
                self.decide(&approval, asks);
                if self.rng.in_thousand(200) {
                    self.decide(&approval, asks);
                }
            }
        }
        for (exception, kind) in exceptions {
            if !glances && self.rng.in_thousand(400) {
                self.handled.insert(exception.0.clone());
                self.resolve(exception, kind);
            }
        }
    }

    /// A manager changes how far automation may act; in the end it may act again.
    fn switch(&mut self) {
        if self.closing {
            return self.resume_all();
        }
        let wait = self.seconds(300, 5_400);
        self.plan(wait, Act::Switch);
        let playbook = self.rng.in_thousand(300).then(|| PLAYBOOK.to_owned());
        let mode = match self.rng.below(4) {
            0 => AutomationMode::Observe,
            1 => AutomationMode::Stopped,
            _ => AutomationMode::Automatic,
        };
        self.set_mode(playbook, mode);
    }

    pub fn resume_all(&mut self) {
        self.set_mode(None, AutomationMode::Automatic);
        self.set_mode(Some(PLAYBOOK.to_owned()), AutomationMode::Automatic);
    }

    fn set_mode(&mut self, playbook: Option<String>, mode: AutomationMode) {
        let who = Actor {
            kind: ActorKind::Person,
            name: "mara".to_owned(),
            roles: vec![Role::Manager],
        };
        let command = Command::SwitchAutomation {
            scope: AutomationScope { playbook },
            mode,
            reason: "a try".to_owned(),
            on_the_wire: Vec::new(),
        };
        self.command(who, command, false);
    }

    /// Somebody works off the manual queue, or covers the load by hand.
    fn manual_work(&mut self) {
        let open = self.oracle.loads.iter().filter_map(|(stream, it)| {
            let held = it.held.first()?;
            Some((LoadId(stream.0.clone()), held.id.clone()))
        });
        let open: Vec<(LoadId, HeldId)> = open.collect();
        for (load, held) in open {
            let choice = match self.rng.below(100) {
                0..12 => HeldChoice::Do,
                12..20 => HeldChoice::Skip,
                20..23 => HeldChoice::TakeOver,
                23..35 => {
                    let carrier = self.rng.pick(&CARRIERS).copied().unwrap_or_default().to_owned();
                    let rate = Money::usd(self.rng.between(150_000, 400_000));
                    let who = self.dispatcher();
                    let command = Command::CoverLoad {
                        load,
                        carrier,
                        rate,
                        note: None,
                        in_hand_ms: None,
                    };
                    self.command(who, command, false);
                    continue;
                }
                _ => continue, // It waits for another day.
            };
            let decision = HeldDecision {
                choice,
                reason: None,
                in_hand_ms: None,
            };
            let who = self.dispatcher();
            self.command(who, Command::SettleHeld { held, decision }, false);
        }
    }

    fn decide(&mut self, approval: &ApprovalId, asks: Asks) {
        let drawn = self.rng.below(100);
        // Other terms, or other words. A displacement has neither; who gives it some is refused.
        let edits = drawn < if asks == Asks::Displacement { 3 } else { 15 };
        let decision = ApprovalDecision {
            approve: drawn < 65,
            rate_minor: asks.rate_minor().filter(|_| edits).map(|it| it - 1_000),
            wording: (edits && asks.rate_minor().is_none()).then(own_words),
            reason: (drawn >= 65).then(|| "too dear".to_owned()),
            in_hand_ms: Some(4_000),
        };
        let who = self.dispatcher();
        self.command(
            who,
            Command::DecideApproval {
                approval: approval.clone(),
                decision,
            },
            false,
        );
    }

    fn resolve(&mut self, exception: ExceptionId, kind: ExceptionKind) {
        let choice = match kind {
            ExceptionKind::ConditionalAnswer if self.rng.in_thousand(500) => ResolutionChoice::AcceptTerms,
            ExceptionKind::ConditionalAnswer => ResolutionChoice::RefuseTerms,
            _ => ResolutionChoice::Done,
        };
        let resolution = Resolution {
            choice,
            note: "dealt with".to_owned(),
        };
        let who = self.dispatcher();
        self.command(
            who,
            Command::ResolveException {
                exception,
                resolution,
                in_hand_ms: None,
            },
            false,
        );
    }

    pub(crate) fn dispatcher(&mut self) -> Actor {
        let name = self.rng.pick(&DISPATCHERS).copied().unwrap_or_default().to_owned();
        Actor {
            kind: ActorKind::Person,
            name,
            roles: vec![Role::Dispatcher],
        }
    }
}

fn own_words() -> Box<NewWording> {
    let own = |text: &str| Personal::plain(text, Taint::System);
    let (subject, body) = (own("Your goods come later"), own("Pat will call you at noon."));
    Box::new(NewWording { subject, body })
}

/// What a person is asked to approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Offer(i64),
    Notice,
    Displacement,
}

impl Asks {
    fn rate_minor(self) -> Option<i64> {
        match self {
            Self::Offer(minor) => Some(minor),
            Self::Notice | Self::Displacement => None,
        }
    }
}

fn proposed(approval: &signalbox_model::exception::Approval) -> Asks {
    let of = &approval.proposal;
    let minor = of.get("rate").and_then(|it| it.get("minor")?.as_i64());
    match minor {
        Some(_) if of.get("displaces").is_some() => Asks::Displacement,
        Some(minor) => Asks::Offer(minor),
        None => Asks::Notice,
    }
}
