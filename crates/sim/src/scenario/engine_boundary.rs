//! The engine alone: messages are decoded and stepped, effects and timers performed by the simplest driver there is.

use super::{BEGIN, Boundary, Letter, Outcome, Sent};
use crate::messages::Told;
use crate::setup::{EMAIL_SOURCE, JSON_SOURCE, TELEMATICS_SOURCE, Trade, partner_id};
use jiff::{SignedDuration, Timestamp};
use signalbox_engine::capacity::{self, Book};
use signalbox_engine::command::Command;
use signalbox_engine::directory::Directory;
use signalbox_engine::documents::Arrival;
use signalbox_engine::mail;
use signalbox_engine::state::LoadState;
use signalbox_engine::step::{self, Context, Input, Outcome as Judged, Reaction, change_settings, order_link};
use signalbox_engine::trip::fleet::Fleet;
use signalbox_formats as formats;
use signalbox_model::attempt::{Attempt, DocumentAttempt};
use signalbox_model::directory::SourceFormat;
use signalbox_model::effect::{Effect, Order, Receipt};
use signalbox_model::event::Event;
use signalbox_model::id::{LoadId, Mint, OfferId, PartnerId, StreamId, SubjectId, TenantId, TimerId};
use signalbox_model::mail::MailAttempt;
use signalbox_model::personal::{Personal, Sealed, Taint};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Actor;
use signalbox_model::timer::TimerChange;
use signalbox_model::value::ExternalId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub struct EngineBoundary {
    pub(super) now: Timestamp,
    pub(super) directory: Directory,
    pub(super) loads: BTreeMap<StreamId, LoadState>,
    pub(super) links: BTreeMap<ExternalId, StreamId>,
    pub(super) timers: BTreeMap<(StreamId, TimerId), Timestamp>,
    pub(super) effects: VecDeque<(StreamId, Effect)>,
    pub(super) book: Book,
    /// What automation holds back.
    parked: Vec<(StreamId, Effect)>,
    inbox: BTreeSet<Vec<u8>>,
    events: Vec<(StreamId, Timestamp, Event)>,
    told: Vec<Told>,
    letters: Vec<Letter>,
    cannot_be_reached: Vec<String>,
    pub(super) turns: u64,
    pub(super) fleet: Fleet,
    pub(super) position_issues: Vec<String>,
    /// A mail that a person has to give to a load, and since when.
    pub(super) waiting: Option<(MailAttempt, Timestamp)>,
}

impl EngineBoundary {
    pub fn new() -> Result<Self, String> {
        let directory = Directory::new(TenantId::from("ten_main")).map_err(|it| format!("{it:?}"))?;
        Ok(Self {
            now: BEGIN.parse().map_err(|it| format!("{it}"))?,
            directory,
            loads: BTreeMap::new(),
            links: BTreeMap::new(),
            timers: BTreeMap::new(),
            effects: VecDeque::new(),
            book: Book::default(),
            parked: Vec::new(),
            inbox: BTreeSet::new(),
            events: Vec::new(),
            told: Vec::new(),
            letters: Vec::new(),
            cannot_be_reached: Vec::new(),
            turns: 0,
            fleet: Fleet::default(),
            position_issues: Vec::new(),
            waiting: None,
        })
    }

    /// One turn of one load, with what it caused noted.
    pub(super) fn turn(&mut self, stream: &StreamId, input: Input, actor: &Actor) -> Judged {
        self.turns += 1;
        let cause = format!("turn {}", self.turns);
        let mut state = self.loads.remove(stream).unwrap_or_default();
        let context = Context {
            now: self.now,
            actor,
            directory: &self.directory,
            cause: &cause,
        };
        let Reaction {
            events,
            effects,
            timers,
            links,
            outcome,
            settled,
            ..
        } = step::step(&mut state, input, &context);
        self.loads.insert(stream.clone(), state);
        let is_over = |it: &(StreamId, Effect)| settled.contains(&it.1.id);
        self.parked.retain(|it| !is_over(it));
        self.effects.retain(|it| !is_over(it));
        for event in &events {
            if let Event::HeldActionSettled {
                released: Some(effect), ..
            } = event
            {
                self.unpark(|it| it.id == *effect);
            }
        }
        let concerns_trip = events.iter().any(Self::concerns_trip);
        let names = mail::names_given(&events);
        let heard = capacity::heard(&events, &effects);
        let now = self.now;
        self.events
            .extend(events.into_iter().map(|it| (stream.clone(), now, it)));
        self.effects.extend(effects.into_iter().map(|it| (stream.clone(), it)));
        self.links.extend(links.into_iter().map(|it| (it, stream.clone())));
        self.name(stream, &names);
        for change in timers {
            match change {
                TimerChange::Set { id, due } => drop(self.timers.insert((stream.clone(), id), due)),
                TimerChange::Cancel { id } => drop(self.timers.remove(&(stream.clone(), id))),
            }
        }
        if concerns_trip {
            self.follow(stream);
        }
        self.follow_capacity(stream, heard);
        outcome
    }

    fn message(&mut self, from: &str, source: &'static str, bytes: &[u8]) -> Result<Outcome, String> {
        if !self.inbox.insert(bytes.to_vec()) {
            return Ok(Outcome {
                refused: None,
                duplicate: true,
            });
        }
        let format = match source {
            JSON_SOURCE => SourceFormat::Json,
            TELEMATICS_SOURCE => SourceFormat::Telematics,
            EMAIL_SOURCE => SourceFormat::Email,
            _ => SourceFormat::X12, // The scenarios' only other source.
        };
        let decoded = formats::decode(format, bytes, &formats::Context::default());
        let mut outcome = Outcome::default();
        for decoding in decoded.decodings {
            if source == TELEMATICS_SOURCE {
                self.position_issues
                    .extend(decoding.issues.iter().map(|it| it.code.clone()));
            }
            let Some(mut attempt) = decoding.attempt else {
                if source == TELEMATICS_SOURCE {
                    continue;
                }
                return Err(format!("not read: {:?}", decoding.issues));
            };
            if let Attempt::Mail(mail) = attempt {
                outcome.refused = self.admit_mail(*mail).or(outcome.refused);
                continue;
            }
            attempt.personal_mut().into_iter().for_each(seal);
            let from = (source != TELEMATICS_SOURCE).then_some(from);
            outcome.refused = self.admit(from, source, attempt).or(outcome.refused);
        }
        Ok(outcome)
    }

    fn admit(&mut self, from: Option<&str>, source: &str, attempt: Attempt) -> Option<(Rejection, String)> {
        let actor = Actor::source(source);
        let (stream, input) = match attempt {
            Attempt::Order(order) => {
                let Some(customer) = self.directory.customer(&order.customer) else {
                    return Some((Rejection::CustomerUnknown, order.customer.clone()));
                };
                let known = self.links.get(&order_link(&customer.id, &order.reference)).cloned();
                let mut mint = Mint::new(format!("order {}", order.reference), self.now);
                let load = known.map_or_else(|| mint.make(), |it| LoadId(it.0));
                (
                    StreamId::load(&load),
                    Input::Order {
                        attempt: order,
                        message: None,
                        load,
                    },
                )
            }
            Attempt::Answer(answer) => {
                let Some(scac) = self.directory.carrier(&answer.carrier).and_then(|it| it.scac()) else {
                    return Some((Rejection::CarrierUnknown, answer.carrier));
                };
                let by_offer = answer
                    .offer
                    .as_ref()
                    .map(|it| ExternalId::new("signalbox", "offer", it.as_str()));
                let by_load = ExternalId::new(scac, "shipment_id", &answer.reference);
                let known = by_offer
                    .and_then(|it| self.links.get(&it))
                    .or_else(|| self.links.get(&by_load));
                let Some(stream) = known.cloned() else {
                    return Some((Rejection::LoadUnknown, answer.reference));
                };
                (stream, Input::Answer(answer))
            }
            Attempt::Positions(positions) => {
                self.take_positions(&positions);
                return None;
            }
            Attempt::Status(status) => {
                let scac = self.directory.carrier(&status.carrier).and_then(|it| it.scac());
                let by_load = scac.map(|it| ExternalId::new(it, "shipment_id", &status.reference));
                let Some(stream) = by_load.and_then(|it| self.links.get(&it)).cloned() else {
                    return Some((Rejection::LoadUnknown, status.reference));
                };
                (stream, Input::Status(status))
            }
            Attempt::Mail(mail) => return self.admit_mail(*mail),
            Attempt::Capacity(attempt) => return self.state_capacity(attempt, &actor),
            Attempt::Invoice(invoice) => {
                let Some(stream) = self.of_carrier(&invoice.carrier, &invoice.reference) else {
                    return Some((Rejection::LoadUnknown, invoice.reference));
                };
                (stream, Input::Invoice(invoice))
            }
            Attempt::Document(document) => {
                let (carrier, reference) = (document.carrier.clone(), document.reference.clone().unwrap_or_default());
                let Some(stream) = self.of_carrier(&carrier.unwrap_or_default(), &reference) else {
                    return Some((Rejection::LoadUnknown, reference));
                };
                let from = from.map(partner_id);
                let arrival = self.arrival(&stream, *document, from);
                (stream, Input::Document(Box::new(arrival)))
            }
            Attempt::Acknowledgement(_) => return None,
        };
        refusal(self.turn(&stream, input, &actor))
    }

    /// The load that a carrier calls so.
    fn of_carrier(&self, carrier: &str, reference: &str) -> Option<StreamId> {
        let scac = self.directory.carrier(carrier).and_then(|it| it.scac())?;
        self.links
            .get(&ExternalId::new(scac, "shipment_id", reference))
            .cloned()
    }

    fn arrival(&self, stream: &StreamId, attempt: DocumentAttempt, from: Option<PartnerId>) -> Arrival {
        let sha256 = attempt
            .content
            .as_ref()
            .map(|it| it.sha256.as_str())
            .unwrap_or_default();
        let known = self.links.get(&step::file_link(sha256)).filter(|it| *it != stream);
        Arrival {
            elsewhere: known.map(|it| LoadId(it.0.clone())),
            attempt,
            from,
            message: None,
        }
    }

    fn document(
        &mut self,
        who: &Actor,
        from: Option<PartnerId>,
        load: &LoadId,
        mut attempt: DocumentAttempt,
    ) -> Outcome {
        attempt.proof.iter_mut().flat_map(|it| it.personal_mut()).for_each(seal);
        let stream = StreamId::load(load);
        let arrival = self.arrival(&stream, attempt, from);
        Outcome {
            refused: refusal(self.turn(&stream, Input::Document(Box::new(arrival)), who)),
            duplicate: false,
        }
    }

    fn unpark(&mut self, is: impl Fn(&Effect) -> bool) {
        let (let_go, parked) = std::mem::take(&mut self.parked).into_iter().partition(|it| is(&it.1));
        self.parked = parked;
        let let_go: Vec<(StreamId, Effect)> = let_go;
        self.effects.extend(let_go);
    }

    fn switch(&mut self, who: &Actor, command: Command) -> Outcome {
        let context = Context {
            now: self.now,
            actor: who,
            directory: &self.directory,
            cause: "switch",
        };
        let reaction = change_settings(&self.directory, command, &context);
        reaction.events.iter().for_each(|it| self.directory.apply(it));
        self.unpark(|_| true);
        Outcome {
            refused: refusal(reaction.outcome),
            duplicate: false,
        }
    }

    /// Whether this may not be performed now; then it is kept.
    fn is_held_back(&mut self, stream: &StreamId, effect: &Effect) -> bool {
        let hold = self.directory.automation.over(effect.playbook.as_deref());
        let load = self.loads.get(stream);
        let known = load.and_then(|it| it.effects.get(&effect.id));
        let is_kept = hold.is_free() && load.is_some_and(|it| it.holds_delivery(&effect.id));
        if !is_kept && hold.lets_out(effect, known.is_some_and(|it| it.released)) {
            return false;
        }
        self.parked.push((stream.clone(), effect.clone()));
        if !effect.order.is_internal() {
            self.turn(stream, Input::Withheld(effect.id.clone()), &Actor::system());
        }
        true
    }

    fn command(&mut self, who: &Actor, mut command: Command) -> Outcome {
        if matches!(command, Command::SwitchAutomation { .. }) {
            return self.switch(who, command);
        }
        if let Some(first) = command.issues().first() {
            let refused = Some((Rejection::ApprovalEditInvalid, first.why.clone()));
            return Outcome {
                refused,
                duplicate: false,
            };
        }
        if let Command::StateCapacity { capacity } = command {
            let refused = self.state_capacity(capacity, who);
            return Outcome {
                refused,
                duplicate: false,
            };
        }
        command.personal_mut().into_iter().for_each(seal);
        let (kind, id) = match &command {
            Command::AnswerOffer { answer } => ("offer", answer.offer.clone().map(|it| it.0).unwrap_or_default()),
            Command::DecideApproval { approval, .. } => ("approval", approval.0.clone()),
            Command::ResolveException { exception, .. } => ("exception", exception.0.clone()),
            Command::AssignVehicle { load, .. } | Command::CoverLoad { load, .. } => ("load", load.0.clone()),
            Command::SettleHeld { held, .. } => ("held", held.0.clone()),
            _ => ("nothing", String::new()), // Scenarios know no other command.
        };
        let stream = self.links.get(&ExternalId::new("signalbox", kind, &id)).cloned();
        let refused = match stream {
            Some(stream) => refusal(self.turn(&stream, Input::Command(command), who)),
            None => Some((Rejection::NotAllowed, format!("no {kind} {id}"))),
        };
        Outcome {
            refused,
            duplicate: false,
        }
    }

    /// Performs effects until none is left.
    fn rest(&mut self) {
        while let Some((stream, effect)) = self.next_effect() {
            if self.perform_capacity(&effect) || self.is_held_back(&stream, &effect) {
                continue;
            }
            let (offer, carrier, made) = match &effect.order {
                Order::SendOffer { offer, carrier, .. } => (offer, carrier, true),
                Order::WithdrawOffer { offer, carrier, .. } => (offer, carrier, false),
                Order::ContinueWorkflow { instance, call, .. } => {
                    let input = Input::Continue {
                        effect: effect.id.clone(),
                        instance: instance.clone(),
                        call: call.clone(),
                    };
                    self.turn(&stream, input, &Actor::system());
                    continue;
                }
                Order::ResumeHeld { .. } => {
                    self.turn(&stream, Input::Resume(effect.id.clone()), &Actor::system());
                    continue;
                }
                Order::SendNotice { .. } => {
                    let receipt = self.mail(&stream, &effect);
                    let effect = effect.id.clone();
                    self.turn(&stream, Input::Settled { effect, receipt }, &Actor::system());
                    continue;
                }
                Order::RequestDocument { carrier, .. } => {
                    self.deliver(&stream, &effect, Some(carrier));
                    continue;
                }
                Order::TellSystem { customer, .. } => {
                    self.deliver(&stream, &effect, customer.as_ref());
                    continue;
                }
                Order::NormalizeMessage { .. }
                | Order::SendAcknowledgement { .. }
                | Order::AskAdvisor { .. }
                | Order::AskCapacity { .. }
                | Order::AnswerCapacity { .. }
                | Order::ReclaimCapacity { .. } => continue,
            };
            let scac = self
                .directory
                .partners
                .get(carrier)
                .and_then(|it| it.scac())
                .unwrap_or_default()
                .to_owned();
            let receipt = if self.cannot_be_reached.contains(&scac) {
                Receipt::Refused {
                    reason: "the folder is gone".to_owned(),
                }
            } else {
                let reference = self.reference(&stream);
                self.told.push(Told {
                    scac,
                    reference,
                    offer: OfferId(offer.0.clone()),
                    made,
                });
                Receipt::Delivered {
                    receipt: "written".to_owned(),
                    perhaps_twice: false,
                }
            };
            let input = Input::Settled {
                effect: effect.id.clone(),
                receipt,
            };
            self.turn(&stream, input, &Actor::system());
        }
    }

    /// What is performed inside comes before what leaves, as the runtime has it.
    fn next_effect(&mut self) -> Option<(StreamId, Effect)> {
        let inner = self.effects.iter().position(|it| it.1.order.is_immediate());
        self.effects.remove(inner.unwrap_or(0))
    }

    /// Delivers what needs no reading back.
    fn deliver(&mut self, stream: &StreamId, effect: &Effect, to: Option<&PartnerId>) {
        let partner = to.and_then(|it| self.directory.partners.get(it));
        let name = partner.map(|it| it.name.clone()).unwrap_or_default();
        let receipt = if self.cannot_be_reached.contains(&name) {
            Receipt::Refused {
                reason: "the folder is gone".to_owned(),
            }
        } else {
            Receipt::Delivered {
                receipt: "written".to_owned(),
                perhaps_twice: false,
            }
        };
        let effect = effect.id.clone();
        self.turn(stream, Input::Settled { effect, receipt }, &Actor::system());
    }

    /// Mails a notice, by the simplest courier there is.
    fn mail(&mut self, stream: &StreamId, effect: &Effect) -> Receipt {
        let Order::SendNotice { notice, to, .. } = &effect.order else {
            return Receipt::Refused {
                reason: "no notice".to_owned(),
            };
        };
        let to = self
            .directory
            .partners
            .get(to)
            .map(|it| it.name.clone())
            .unwrap_or_default();
        if self.cannot_be_reached.contains(&to) {
            return Receipt::Refused {
                reason: "no such mailbox".to_owned(),
            };
        }
        let known = self.loads.get(stream).and_then(|it| it.notice(notice));
        let subject = known.and_then(|it| it.subject.drafted()).map(str::to_owned);
        self.letters.push(Letter { to, subject });
        Receipt::Delivered {
            receipt: "mailed".to_owned(),
            perhaps_twice: false,
        }
    }

    fn reference(&self, stream: &StreamId) -> String {
        let load = self.loads.get(stream).and_then(|it| it.load.as_ref());
        load.map(|it| it.reference.clone()).unwrap_or_default()
    }
}

/// In the place of the vault: a personal value never reaches the engine in clear.
pub(super) fn seal(personal: &mut Personal) {
    let (cipher, commitment) = ("sealed".to_owned(), "committed".to_owned());
    *personal = Personal::Sealed(Sealed {
        subject: SubjectId::from("sub_1"),
        taint: Taint::Partner,
        cipher,
        commitment,
    });
}

pub(super) fn refusal(outcome: Judged) -> Option<(Rejection, String)> {
    match outcome {
        Judged::Rejected { rejection, detail, .. } => Some((rejection, detail)),
        Judged::Nothing | Judged::Done(_) => None,
    }
}

impl Boundary for EngineBoundary {
    fn set_up(&mut self, trade: &Trade, cannot_be_reached: &[String]) -> Result<(), String> {
        self.cannot_be_reached = cannot_be_reached.to_vec();
        let (tenant, name) = (trade.tenant.clone(), "Main".to_owned());
        self.directory.apply(&Event::TenantCreated { tenant, name });
        for mut command in trade.commands() {
            command.personal_mut().into_iter().for_each(seal);
            let actor = Actor::system();
            let context = Context {
                now: self.now,
                actor: &actor,
                directory: &self.directory,
                cause: "set up",
            };
            let reaction = change_settings(&self.directory, command, &context);
            if let Judged::Rejected { detail, issues, .. } = reaction.outcome {
                return Err(format!("{detail}: {issues:?}"));
            }
            reaction.events.iter().for_each(|it| self.directory.apply(it));
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn send(&mut self, sent: Vec<Sent>) -> Result<Vec<Outcome>, String> {
        let mut outcomes = Vec::new();
        for it in sent {
            outcomes.push(match it {
                Sent::Message { from, source, bytes } => self.message(&from, source, &bytes)?,
                Sent::Document {
                    who,
                    from,
                    load,
                    attempt,
                } => self.document(&who, from, &load, *attempt),
                Sent::Command { who, command } => self.command(&who, command),
                Sent::Choice { who, load } => self.choose(&who, load),
            });
        }
        self.rest();
        Ok(outcomes)
    }

    fn wait(&mut self, by: SignedDuration) -> Result<(), String> {
        let until = self.now + by;
        loop {
            let next = self.timers.iter().map(|(key, due)| (*due, key.clone())).min();
            let Some((due, key)) = next.filter(|(due, _)| *due <= until) else {
                break;
            };
            self.now = self.now.max(due);
            self.timers.remove(&key);
            let (stream, timer) = key;
            if stream.is_capacity() {
                self.wake_capacity(timer);
            } else {
                self.turn(&stream, Input::Timer(timer), &Actor::system());
            }
            self.rest();
        }
        self.now = until;
        Ok(())
    }

    fn events(&self) -> Vec<(Timestamp, Event)> {
        self.events.iter().map(|(_, at, it)| (*at, it.clone())).collect()
    }

    fn events_of(&self, reference: &str) -> Result<Vec<(Timestamp, Event)>, String> {
        let of = |stream: &StreamId| self.reference(stream) == reference;
        let events = self.events.iter().filter(|(stream, ..)| of(stream));
        Ok(events.map(|(_, at, it)| (*at, it.clone())).collect())
    }

    fn status(&self) -> Result<Option<String>, String> {
        Ok(self
            .loads
            .values()
            .find(|it| it.load.is_some())
            .map(|it| it.status().to_owned()))
    }

    fn told(&self) -> Vec<Told> {
        self.told.clone()
    }

    fn letters(&self) -> Result<Vec<Letter>, String> {
        Ok(self.letters.clone())
    }

    fn position_issues(&self) -> Result<Vec<String>, String> {
        Ok(self.position_issues.clone())
    }

    fn vehicles(&self) -> Result<Vec<(String, bool)>, String> {
        let seen = self.fleet.vehicles().filter(|(_, it)| it.newest().is_some());
        Ok(seen.map(|(_, it)| (it.name.clone(), it.has_trips())).collect())
    }
}
