//! Steps about mails: what somebody writes, and what is seen of it on the load.

use super::{Runner, Sent, same, word};
use crate::setup::{EMAIL_SOURCE, domain_of};
use signalbox_model::event::Event;
use signalbox_model::id::LoadId;
use signalbox_model::mail::{FactWhat, Mail};
use signalbox_model::scope::{Actor, ActorKind, Role};

#[derive(Clone, Debug, PartialEq)]
pub enum MailAction {
    /// `nobody` is somebody who is not under Partners.
    Written { from: String, text: String },
    /// The same Message-ID by another way, so that the bytes differ.
    SameAgain,
    /// A dispatcher says which load the mail in quarantine is about.
    Chosen { who: String, reference: String },
}

#[derive(Clone, Debug, PartialEq)]
pub enum MailCheck {
    Count(usize),
    Means {
        intent: String,
        means: String,
    },
    Time(String),
    Place(String),
    /// It lies with an exception of this kind.
    With(String),
}

/// `a mail from JBHT says "…"` or `the same mail arrives by another way`.
pub fn action(text: &str) -> Result<MailAction, String> {
    if text == "the same mail arrives by another way" {
        return Ok(MailAction::SameAgain);
    }
    if let Some((who, reference)) = text.split_once(" says the mail is about load ") {
        let who = who.strip_prefix("dispatcher ").ok_or("a dispatcher says so")?;
        return Ok(MailAction::Chosen {
            who: who.to_owned(),
            reference: reference.to_owned(),
        });
    }
    let wanted = "a mail from JBHT says \"…\"";
    let rest = text.strip_prefix("a mail from ").and_then(|it| it.split_once(" says "));
    let (from, said) = rest.ok_or(wanted)?;
    let said = said
        .strip_prefix('"')
        .and_then(|it| it.strip_suffix('"'))
        .ok_or(wanted)?;
    Ok(MailAction::Written {
        from: from.to_owned(),
        text: said.replace("\\n", "\r\n"),
    })
}

pub fn check(text: &str) -> Result<MailCheck, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match words.as_slice() {
        ["mails:", count] => MailCheck::Count(count.parse().map_err(|_| "how many mails?")?),
        ["mail", "means", intent, "by", means] => MailCheck::Means {
            intent: (*intent).to_owned(),
            means: (*means).to_owned(),
        },
        ["mail", "tells", "the", "time", time @ ..] => MailCheck::Time(time.join(" ")),
        ["mail", "tells", "the", "place", place @ ..] => MailCheck::Place(place.join(" ")),
        ["mail", "lies", "with", "exception", kind] => MailCheck::With((*kind).to_owned()),
        _ => return Err("this cannot be checked of a mail".to_owned()),
    })
}

impl Runner<'_> {
    pub(super) fn mail_action(&mut self, action: &MailAction) -> Result<(String, Sent), String> {
        let (from, bytes) = match action {
            MailAction::Chosen { who, reference } => {
                let load = self.load_called(reference)?;
                let actor = Actor {
                    kind: ActorKind::Person,
                    name: who.clone(),
                    roles: vec![Role::Dispatcher],
                };
                return Ok((who.clone(), Sent::Choice { who: actor, load }));
            }
            MailAction::Written { from, text } => {
                let domain = if from == "nobody" {
                    "@elsewhere.example".to_owned()
                } else {
                    domain_of(from)
                };
                let date = self.boundary.now().strftime("%a, %d %b %Y %H:%M:%S +0000");
                let number = self.control_number;
                let mail = format!(
                    "From: Pat Example <pat{domain}>\r\nTo: dispatch@main.example\r\nSubject: \r\nDate: {date}\r\n\
                     Message-ID: <{number}{domain}>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
                );
                (from.clone(), mail.into_bytes())
            }
            MailAction::SameAgain => match &self.last {
                Some(Sent::Message { from, bytes, .. }) => {
                    let way = b"Received: from relay.example by mail.main.example\r\n";
                    (from.clone(), [way.as_slice(), bytes].concat())
                }
                _ => return Err("no mail came last".to_owned()),
            },
        };
        let source = EMAIL_SOURCE;
        Ok((from.clone(), Sent::Message { from, source, bytes }))
    }

    fn load_called(&self, reference: &str) -> Result<LoadId, String> {
        let called = |(_, event): &(_, Event)| match event {
            Event::LoadCreated { load } if load.reference == reference => Some(load.id.clone()),
            _ => None, // No other event names a load.
        };
        let found = self.boundary.events().iter().find_map(called);
        found.ok_or_else(|| format!("there is no load {reference}"))
    }

    pub(super) fn mail_check(&mut self, check: &MailCheck) -> Result<(), String> {
        let events = self.boundary.events();
        let mails: Vec<(&Mail, &Event)> = events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::MailReceived { mail, .. } => Some((&**mail, event)),
                _ => None, // Only these are mails.
            })
            .collect();
        if let MailCheck::Count(count) = check {
            return same("the mails", &mails.len(), count);
        }
        let (mail, event) = mails.last().ok_or("there is no mail")?;
        match check {
            MailCheck::Count(_) => Ok(()),
            MailCheck::Means { intent, means } => {
                let reading = &mail.reading;
                same(
                    "the meaning",
                    &(word(&reading.intent), word(&reading.means)),
                    &(intent.clone(), means.clone()),
                )
            }
            MailCheck::Time(time) => tells(mail, time, |it| match it {
                FactWhat::Time { local, .. } => Some(local.clone()),
                _ => None, // No time.
            }),
            MailCheck::Place(place) => tells(mail, place, |it| match it {
                FactWhat::Place { label, .. } => Some(label.to_lowercase()),
                _ => None, // No place.
            }),
            MailCheck::With(kind) => {
                let Event::MailReceived { exception, .. } = event else {
                    return Ok(());
                };
                let state = self.state();
                let raised = exception.as_ref().and_then(|it| state.exceptions.get(it));
                same(
                    "the exception",
                    &raised.map(|it| word(&it.exception.kind)),
                    &Some(kind.clone()),
                )
            }
        }
    }
}

fn tells(mail: &Mail, wanted: &str, of: impl Fn(&FactWhat) -> Option<String>) -> Result<(), String> {
    let told: Vec<String> = mail.facts.iter().filter_map(|it| of(&it.what)).collect();
    let wanted_too = wanted.to_lowercase();
    if told.iter().any(|it| it.to_lowercase() == wanted_too) {
        Ok(())
    } else {
        Err(format!("the mail tells {told:?}, and not {wanted:?}"))
    }
}
