//! The whole machine over a store in memory: real bytes in by the front door, real bytes out by a courier.

use super::{BEGIN, Boundary, Letter, Outcome, Sent};
use crate::messages::{self, Told};
use crate::setup::{EMAIL_SOURCE, TELEMATICS_SOURCE, Trade, customer_at, partner_id};
use jiff::{SignedDuration, Timestamp};
use signalbox_engine::command::Command;
use signalbox_engine::views;
use signalbox_model::event::Event;
use signalbox_model::id::{MessageId, Seq, TenantId};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::TenantScope;
use signalbox_model::view::ViewQuery;
use signalbox_runtime::commands::platform_scope;
use signalbox_runtime::machine::{Config, Machine};
use signalbox_runtime::memory::Memory;
use signalbox_runtime::ports::{CourierError, Mail, Payload, Store};
use signalbox_runtime::record::Stored;
use signalbox_runtime::request::{Job, Receive, ReceiveDocument, Reply, Request, Ticket};
use signalbox_runtime::vault::MasterKey;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Timers are read ahead by a few minutes: nobody may sleep for longer.
const NAP: SignedDuration = SignedDuration::from_mins(4);

pub struct RuntimeBoundary {
    now: Timestamp,
    store: Arc<Memory>,
    machine: Machine,
    tenant: TenantId,
    records: Vec<Stored>,
    replies: BTreeMap<Ticket, Reply>,
    tickets: Ticket,
    told: Vec<Told>,
    letters: Vec<Letter>,
    cannot_be_reached: Vec<String>,
    chance: u8,
    restarts: bool,
    /// What the language model answers, where the tenant has one asked.
    pub advisor: fn(&serde_json::Value) -> Result<String, CourierError>,
}

impl RuntimeBoundary {
    pub fn new() -> Result<Self, String> {
        let now: Timestamp = BEGIN.parse().map_err(|it| format!("{it}"))?;
        let store = Arc::new(Memory::new());
        let machine = open(&store, now)?;
        Ok(Self {
            now,
            store,
            machine,
            tenant: TenantId::from("ten_main"),
            records: Vec::new(),
            replies: BTreeMap::new(),
            tickets: 0,
            told: Vec::new(),
            letters: Vec::new(),
            cannot_be_reached: Vec::new(),
            chance: 0,
            restarts: false,
            advisor: |_| Err(CourierError::Refused("there is no model".to_owned())),
        })
    }

    /// The same, with a new owner over the same log before everything that happens.
    pub fn restarting() -> Result<Self, String> {
        Ok(Self {
            restarts: true,
            ..Self::new()?
        })
    }

    /// Every effect that was ever ordered, in order.
    pub fn effects(&self) -> Vec<signalbox_model::effect::Effect> {
        self.records.iter().flat_map(|it| it.record.effects.clone()).collect()
    }

    fn restart(&mut self) -> Result<(), String> {
        self.machine = open(&self.store, self.now)?;
        Ok(())
    }

    fn submit(&mut self, request: Request) -> Ticket {
        self.tickets += 1;
        self.machine.submit(self.tickets, request);
        self.tickets
    }

    /// Steps, commits and performs until there is nothing left to do now.
    fn rest(&mut self) -> Result<(), String> {
        let failed = |it: signalbox_runtime::ports::StoreError| it.to_string();
        loop {
            let chance = &mut self.chance;
            let mut entropy = |bytes: &mut [u8]| {
                for byte in bytes {
                    *chance = chance.wrapping_mul(5).wrapping_add(113);
                    *byte = *chance;
                }
            };
            let batch = self.machine.step(self.now, &mut entropy).map_err(failed)?;
            let first = self.store.append(self.machine.epoch(), &batch.turns).map_err(failed)?;
            self.replies
                .extend(self.machine.committed(batch, first, self.now).replies);
            self.read_log()?;
            if !self.machine.idle(self.now) {
                continue;
            }
            let jobs = self.machine.jobs(self.now, 1_000).map_err(failed)?;
            for job in &jobs {
                let result = self.deliver(job);
                self.machine.attempted(job, result, self.now);
            }
            if jobs.is_empty() && self.machine.idle(self.now) {
                return self.machine.checkpoint(self.now).map_err(failed);
            }
        }
    }

    fn deliver(&mut self, job: &Job) -> Result<String, CourierError> {
        let told = match &job.delivery.payload {
            Payload::File { body, .. } => messages::read_204(body),
            Payload::Webhook { body, .. } => messages::read_webhook(body),
            Payload::Mail(mail) => return self.mail(mail),
            Payload::Question(question) => return (self.advisor)(question),
        };
        let Some(told) = told else {
            let to = match &job.delivery.payload {
                Payload::File { folder, .. } => folder.clone(),
                Payload::Webhook { url, .. } => url.clone(),
                Payload::Mail(_) | Payload::Question(_) => String::new(),
            };
            let is_cut_off = |it: &String| to == *it || to.contains(&format!("//{}.example", it.to_lowercase()));
            return if self.cannot_be_reached.iter().any(is_cut_off) {
                Err(CourierError::Refused("the folder is gone".to_owned()))
            } else {
                Ok("written".to_owned())
            };
        };
        if self.cannot_be_reached.contains(&told.scac) {
            return Err(CourierError::Refused("the folder is gone".to_owned()));
        }
        self.told.push(told);
        Ok("written".to_owned())
    }

    fn mail(&mut self, mail: &Mail) -> Result<String, CourierError> {
        let to = customer_at(&mail.to).to_owned();
        if self.cannot_be_reached.contains(&to) {
            return Err(CourierError::Refused("no such mailbox".to_owned()));
        }
        let subject = Some(mail.subject.clone());
        self.letters.push(Letter { to, subject });
        Ok("mailed".to_owned())
    }

    fn read_log(&mut self) -> Result<(), String> {
        let after = self.records.len() as Seq;
        let new = self.store.records(after, usize::MAX).map_err(|it| it.to_string())?;
        self.records.extend(new);
        Ok(())
    }

    /// What came into quarantine last, whether it is there still or not.
    fn quarantined(&self) -> Option<MessageId> {
        let events = self.records.iter().flat_map(|it| &it.record.events);
        let mut quarantined = events.filter_map(|event| match event {
            Event::MessageQuarantined { message, .. } => Some(message.clone()),
            _ => None, // Only these wait there.
        });
        quarantined.next_back()
    }

    /// Why a message was refused, as its source's stream or the load says.
    fn refusal(&self, message: &MessageId) -> Option<(Rejection, String)> {
        let cause = format!("{message}#");
        let of = |it: &Stored| {
            let mine = it.record.cause.starts_with(&cause);
            it.record.events.iter().find_map(|event| match event {
                Event::AnswerRejected { rejection, carrier, .. } if mine => Some((*rejection, carrier.clone())),
                Event::DocumentRefused { rejection, detail, .. } if mine => Some((*rejection, detail.clone())),
                Event::AttemptRejected {
                    rejection,
                    detail,
                    message: about,
                } if mine || about.as_ref() == Some(message) => Some((*rejection, detail.clone())),
                _ => None, // No other event refuses a message.
            })
        };
        self.records.iter().find_map(of)
    }

    fn command(&mut self, scope: TenantScope, command: Command) -> Ticket {
        self.submit(Request::Command {
            scope,
            command,
            idempotency_key: None,
            traceparent: None,
        })
    }
}

fn open(store: &Arc<Memory>, now: Timestamp) -> Result<Machine, String> {
    let config = Config {
        owner: "scenario".to_owned(),
        master: MasterKey::new([7; 32]),
    };
    Machine::open(store.clone(), config, now).map_err(|it| it.to_string())
}

impl Boundary for RuntimeBoundary {
    fn set_up(&mut self, trade: &Trade, cannot_be_reached: &[String]) -> Result<(), String> {
        self.cannot_be_reached = cannot_be_reached.to_vec();
        let create = Command::CreateTenant {
            tenant: trade.tenant.clone(),
            name: "Main".to_owned(),
        };
        self.command(platform_scope(), create);
        for command in trade.commands() {
            self.command(TenantScope::system(trade.tenant.clone()), command);
        }
        self.rest()?;
        match self.replies.values().find(|it| !matches!(it, Reply::Done { .. })) {
            Some(other) => Err(format!("not set up: {other:?}")),
            None => Ok(()),
        }
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn send(&mut self, sent: Vec<Sent>) -> Result<Vec<Outcome>, String> {
        if self.restarts {
            self.restart()?;
        }
        let mut tickets = Vec::new();
        for it in sent {
            tickets.push(match it {
                Sent::Message { from, source, bytes } => self.submit(Request::Receive(Receive {
                    scope: TenantScope::system(self.tenant.clone()),
                    source: source.to_owned(),
                    content_type: "application/octet-stream".to_owned(),
                    bytes,
                    key: None,
                    traceparent: None,
                    // Whose positions and mails they are is not known by a key.
                    from: (![TELEMATICS_SOURCE, EMAIL_SOURCE].contains(&source)).then(|| partner_id(&from)),
                })),
                Sent::Command { who, command } => self.command(TenantScope::new(self.tenant.clone(), who), command),
                Sent::Choice { who, load } => {
                    let message = self.quarantined().ok_or("nothing came into quarantine")?;
                    self.submit(Request::Reprocess {
                        scope: TenantScope::new(self.tenant.clone(), who),
                        message,
                        corrected: None,
                        load: Some(load),
                        in_hand_ms: None,
                        idempotency_key: None,
                    })
                }
                Sent::Document {
                    who,
                    from,
                    load,
                    attempt,
                } => self.submit(Request::Document(Box::new(ReceiveDocument {
                    scope: TenantScope::new(self.tenant.clone(), who),
                    load,
                    attempt: *attempt,
                    from,
                    idempotency_key: None,
                    traceparent: None,
                }))),
            });
        }
        self.rest()?;
        let outcome = |ticket: Ticket| match self.replies.get(&ticket) {
            Some(Reply::Accepted { message, duplicate, .. }) => {
                let refused = if *duplicate { None } else { self.refusal(message) };
                Ok(Outcome {
                    refused,
                    duplicate: *duplicate,
                })
            }
            Some(Reply::Done { .. }) => Ok(Outcome::default()),
            Some(Reply::Rejected { rejection, detail, .. }) => Ok(Outcome {
                refused: Some((*rejection, detail.clone())),
                duplicate: false,
            }),
            other => Err(format!("no good reply: {other:?}")),
        };
        tickets.into_iter().map(outcome).collect()
    }

    fn wait(&mut self, by: SignedDuration) -> Result<(), String> {
        let until = self.now + by;
        while self.now < until {
            let nap = (self.now + NAP).min(until);
            let due = self.machine.next_due().unwrap_or(nap);
            self.now = due.clamp(self.now, nap);
            self.rest()?;
        }
        Ok(())
    }

    fn events(&self) -> Vec<(Timestamp, Event)> {
        let of_loads = self.records.iter().filter(|it| it.stream.is_load());
        of_loads
            .flat_map(|it| it.record.events.iter().map(|event| (it.record.at, event.clone())))
            .collect()
    }

    fn events_of(&self, reference: &str) -> Result<Vec<(Timestamp, Event)>, String> {
        let created = |it: &&Stored| {
            let events = it.record.events.iter();
            let mut loads = events.filter_map(|event| match event {
                Event::LoadCreated { load } => Some(&load.reference),
                _ => None, // Only a load's creation names it.
            });
            loads.any(|it| it == reference)
        };
        let stream = self.records.iter().find(created).map(|it| it.stream.clone());
        let records = self.records.iter().filter(|it| Some(&it.stream) == stream.as_ref());
        let of = |it: &Stored| -> Vec<(Timestamp, Event)> {
            let at = it.record.at;
            it.record.events.iter().map(|event| (at, event.clone())).collect()
        };
        Ok(records.flat_map(of).collect())
    }

    fn status(&self) -> Result<Option<String>, String> {
        let scope = TenantScope::system(self.tenant.clone());
        let query = ViewQuery {
            limit: 10,
            ..ViewQuery::default()
        };
        let page = self
            .store
            .view_page(&scope, &views::BOARD, &query)
            .map_err(|it| it.to_string())?;
        let row = page.rows.first().and_then(|(_, row)| row.columns.get("status"));
        Ok(row.and_then(|it| it.as_str()).map(str::to_owned))
    }

    fn told(&self) -> Vec<Told> {
        self.told.clone()
    }

    fn letters(&self) -> Result<Vec<Letter>, String> {
        Ok(self.letters.clone())
    }

    fn position_issues(&self) -> Result<Vec<String>, String> {
        let of_source = |it: &&Stored| it.stream.as_str().ends_with(TELEMATICS_SOURCE);
        let events = self.records.iter().filter(of_source).flat_map(|it| &it.record.events);
        let issues = events.flat_map(|event| match event {
            Event::MessageNormalized { issues, .. } | Event::MessageQuarantined { issues, .. } => issues.as_slice(),
            _ => &[], // No other event carries a message's issues.
        });
        Ok(issues.map(|it| it.code.clone()).collect())
    }

    fn vehicles(&self) -> Result<Vec<(String, bool)>, String> {
        let scope = TenantScope::system(self.tenant.clone());
        let query = ViewQuery {
            limit: 100,
            ..ViewQuery::default()
        };
        let page = self.store.view_page(&scope, &views::VEHICLES, &query);
        let rows = page.map_err(|it| it.to_string())?.rows.into_iter();
        Ok(rows
            .map(|(_, row)| {
                let name = row.body.get("vehicle").and_then(|it| it.as_str()).unwrap_or_default();
                let hauls = row.columns.get("load").is_some_and(|it| !it.is_null());
                (name.to_owned(), hauls)
            })
            .collect())
    }
}
