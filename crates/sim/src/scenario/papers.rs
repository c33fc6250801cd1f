//! The words of documents: proofs that are uploaded or sent, what carriers invoice, and what a load's invoice lacks.

use super::trips::When;
use super::{Runner, Sent, command, same, word};
use crate::messages;
use crate::setup::{JSON_SOURCE, X12_SOURCE, partner_id};
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_engine::command::{Command, Resolution, ResolutionChoice};
use signalbox_formats::document::content;
use signalbox_model::attempt::DocumentAttempt;
use signalbox_model::document::{Condition, DocumentKind, Proof};
use signalbox_model::effect::Receipt;
use signalbox_model::event::Event;
use signalbox_model::exception::ExceptionKind;
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::scope::{Actor, ActorKind, Role};
use signalbox_model::value::{Moment, TimeBasis};

#[derive(Clone, Debug, PartialEq)]
pub enum PaperAction {
    Proof {
        by: By,
        said: Said,
    },
    /// A dispatcher decides about a document in question.
    Settle {
        who: String,
        take: bool,
    },
    /// A dispatcher settles an exception of this kind.
    Resolve {
        who: String,
        kind: String,
    },
    Invoice {
        scac: String,
        number: String,
        minor: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    Dispatcher(String),
    /// By the API, under the carrier's own key.
    Carrier(String),
    /// In a message of the carrier's.
    Message(String),
}

/// What is sent: a file by its name, and what is said of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    file: String,
    pieces: Option<i64>,
    signer: Option<String>,
    signed_at: Option<When>,
    damaged: bool,
    reference: Option<String>,
    carrier: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaperCheck {
    Ready,
    Lacks(Vec<String>),
    /// How often systems were told of this load, and it arrived.
    SystemsTold(usize),
    /// How often the carrier was asked for a document, and it arrived.
    CarrierAsked(usize),
    /// Documents that the load holds, by how each stands.
    Documents(Vec<String>),
}

/// `dispatcher dana uploads proof A with 24 pieces signed by Sam on day 4 at 08:40`, `JBHT sends proof A ...`,
/// `JBHT uploads proof A ...`
pub fn action(text: &str) -> Result<PaperAction, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let own = |it: &str| it.to_owned();
    Ok(match words.as_slice() {
        ["dispatcher", who, "uploads", "proof", file, rest @ ..] => PaperAction::Proof {
            by: By::Dispatcher(own(who)),
            said: said(file, rest)?,
        },
        [scac, "uploads", "proof", file, rest @ ..] => PaperAction::Proof {
            by: By::Carrier(own(scac)),
            said: said(file, rest)?,
        },
        [scac, "sends", "proof", file, rest @ ..] => PaperAction::Proof {
            by: By::Message(own(scac)),
            said: said(file, rest)?,
        },
        ["dispatcher", who, "takes", "the", "document"] => PaperAction::Settle {
            who: own(who),
            take: true,
        },
        ["dispatcher", who, "sets", "the", "document", "aside"] => PaperAction::Settle {
            who: own(who),
            take: false,
        },
        ["dispatcher", who, "resolves", kind] => PaperAction::Resolve {
            who: own(who),
            kind: own(kind),
        },
        [scac, "invoices", number, "over", minor, "cents"] => PaperAction::Invoice {
            scac: own(scac),
            number: own(number),
            minor: minor.parse().map_err(|_| own("cents are a number"))?,
        },
        _ => return Err(own("nobody does this with papers")),
    })
}

fn said(file: &str, words: &[&str]) -> Result<Said, String> {
    let mut said = Said {
        file: file.to_owned(),
        ..Said::default()
    };
    let mut rest = words;
    while !rest.is_empty() {
        rest = match rest {
            ["with", pieces, "pieces", rest @ ..] => {
                said.pieces = Some(pieces.parse().map_err(|_| "pieces are a number".to_owned())?);
                rest
            }
            ["signed", "by", name, rest @ ..] => {
                said.signer = Some((*name).to_owned());
                rest
            }
            ["signed", "with", "an", "exception", rest @ ..] => {
                said.damaged = true;
                rest
            }
            ["for", "load", reference, rest @ ..] => {
                said.reference = Some((*reference).to_owned());
                rest
            }
            ["naming", carrier, rest @ ..] => {
                said.carrier = Some((*carrier).to_owned());
                rest
            }
            ["on", "day", day, "at", time, rest @ ..] => {
                said.signed_at = Some(super::trips::when(&["on", "day", day, "at", time])?);
                rest
            }
            _ => return Err(format!("{rest:?} is nothing that is said of a proof")),
        };
    }
    Ok(said)
}

pub fn check(text: &str) -> Result<PaperCheck, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |it: &str| it.parse().map_err(|_| format!("{it:?} is no number"));
    Ok(match words.as_slice() {
        ["invoice", "ready"] => PaperCheck::Ready,
        ["invoice", "lacks", missing @ ..] if !missing.is_empty() => {
            PaperCheck::Lacks(missing.iter().map(|it| (*it).to_owned()).collect())
        }
        ["systems", "told", times, "times"] => PaperCheck::SystemsTold(number(times)?),
        ["carrier", "asked", times, "times"] => PaperCheck::CarrierAsked(number(times)?),
        ["documents", standings @ ..] => PaperCheck::Documents(standings.iter().map(|it| (*it).to_owned()).collect()),
        _ => return Err("this cannot be checked of papers".to_owned()),
    })
}

/// The bytes of a file by its name. `nothing` has none, and `page` is no document.
fn bytes(file: &str) -> Vec<u8> {
    match file {
        "nothing" => Vec::new(),
        "page" => b"<html><script>alert(1)</script></html>".to_vec(),
        name => format!("%PDF-1.7\n% {name}\n%%EOF\n").into_bytes(),
    }
}

impl Runner<'_> {
    pub(super) fn paper_action(&mut self, action: &PaperAction) -> Result<(String, Sent), String> {
        Ok(match action {
            PaperAction::Proof { by, said } => self.proof(by, said)?,
            PaperAction::Settle { who, take } => {
                let choice = if *take {
                    ResolutionChoice::AcceptDocument
                } else {
                    ResolutionChoice::RefuseDocument
                };
                let exception = self.exception(ExceptionKind::DocumentInQuestion)?;
                (who.clone(), resolve(who, exception, choice))
            }
            PaperAction::Resolve { who, kind } => {
                let kind = serde_json::from_value(json!(kind)).map_err(|it| it.to_string())?;
                let exception = self.exception(kind)?;
                (who.clone(), resolve(who, exception, ResolutionChoice::Done))
            }
            PaperAction::Invoice { scac, number, minor } => {
                let reference = self.order.as_ref().ok_or("there is no order yet")?.reference.clone();
                let now = self.boundary.now();
                let bytes = messages::invoice_210(scac, &reference, number, *minor, self.control_number, now);
                let (from, source) = (scac.clone(), X12_SOURCE);
                (scac.clone(), Sent::Message { from, source, bytes })
            }
        })
    }

    fn proof(&mut self, by: &By, said: &Said) -> Result<(String, Sent), String> {
        let signed_at = said.signed_at.map(|it| self.instant(it)).transpose()?;
        let (who, from) = match by {
            By::Message(scac) => {
                let bytes = self.proof_json(scac, said, signed_at)?;
                let (from, source) = (scac.clone(), JSON_SOURCE);
                return Ok((scac.clone(), Sent::Message { from, source, bytes }));
            }
            By::Dispatcher(who) => (person(who), None),
            By::Carrier(scac) => (system(scac), Some(scac.clone())),
        };
        let attempt = DocumentAttempt {
            kind: DocumentKind::ProofOfDelivery,
            carrier: said.carrier.clone(),
            reference: said.reference.clone(),
            proof: Some(Proof {
                stop: None,
                pieces: said.pieces,
                condition: said.damaged.then_some(Condition::Exception),
                signer: said.signer.clone().map(|it| Personal::plain(it, Taint::System)),
                signed_at: signed_at.map(|at| Moment {
                    at,
                    zone: "UTC".to_owned(),
                    basis: TimeBasis::Stated,
                }),
                note: None,
            }),
            content: Some(content(bytes(&said.file))),
        };
        let load = self.load()?;
        let name = who.name.clone();
        let from = from.map(|it| partner_id(&it));
        Ok((
            name,
            Sent::Document {
                who,
                from,
                load,
                attempt: Box::new(attempt),
            },
        ))
    }

    fn proof_json(&self, scac: &str, said: &Said, signed_at: Option<Timestamp>) -> Result<Vec<u8>, String> {
        let reference = self.order.as_ref().ok_or("there is no order yet")?.reference.clone();
        let (file, signed_at) = (bytes(&said.file), signed_at.map(|it| it.to_string()));
        let proof = messages::Proof {
            scac: said.carrier.as_deref().unwrap_or(scac),
            reference: said.reference.as_deref().unwrap_or(&reference),
            pieces: said.pieces,
            signer: said.signer.as_deref(),
            signed_at: signed_at.as_deref(),
            damaged: said.damaged,
            file: &file,
        };
        Ok(messages::proof_json(&proof).to_string().into_bytes())
    }

    pub(super) fn paper_check(&mut self, check: &PaperCheck) -> Result<(), String> {
        let state = self.state();
        let readiness = state.documents.readiness.clone();
        let missing: Vec<String> = readiness.iter().flat_map(|it| &it.missing).map(word).collect();
        match check {
            PaperCheck::Ready => same("readiness", &readiness.map(|it| it.ready), &Some(true))
                .map_err(|it| format!("{it}; it lacks {missing:?}")),
            PaperCheck::Lacks(wanted) => same("what is missing", &missing, wanted),
            PaperCheck::SystemsTold(times) => same("systems told", &self.delivered("TellSystem"), times),
            PaperCheck::CarrierAsked(times) => same("the carrier asked", &self.delivered("RequestDocument"), times),
            PaperCheck::Documents(wanted) => {
                let standing = |it: &signalbox_engine::documents::Held| {
                    let debug = format!("{:?}", it.standing);
                    debug.split(['(', ' ']).next().unwrap_or_default().to_lowercase()
                };
                let held: Vec<String> = state.documents.held.iter().map(standing).collect();
                same("the documents", &held, wanted)
            }
        }
    }

    /// Effects of this name that were delivered.
    fn delivered(&self, wanted: &str) -> usize {
        let events = self.boundary.events();
        let arrived = events.iter().filter(|(_, event)| {
            matches!(event, Event::EffectSettled { name, receipt: Receipt::Delivered { .. }, .. } if name == wanted)
        });
        arrived.count()
    }
}

fn resolve(who: &str, exception: signalbox_model::id::ExceptionId, choice: ResolutionChoice) -> Sent {
    let resolution = Resolution {
        choice,
        note: "looked at it".to_owned(),
    };
    let resolve = Command::ResolveException {
        exception,
        resolution,
        in_hand_ms: None,
    };
    command(who, resolve)
}

fn person(name: &str) -> Actor {
    Actor {
        kind: ActorKind::Person,
        name: name.to_owned(),
        roles: vec![Role::Dispatcher],
    }
}

fn system(name: &str) -> Actor {
    Actor {
        kind: ActorKind::Client,
        name: name.to_owned(),
        roles: vec![Role::Carrier],
    }
}

/// A document's form, as an upload has it: its content type and its bytes.
pub fn form(attempt: &DocumentAttempt) -> (String, Vec<u8>) {
    let boundary = "----a-boundary-that-no-field-holds";
    let mut body = Vec::new();
    let mut part = |head: String, bytes: &[u8]| {
        body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n").into_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    for (name, value) in fields(attempt) {
        part(format!("name=\"{name}\""), value.as_bytes());
    }
    if let Some(content) = &attempt.content {
        part("name=\"file\"; filename=\"scan.bin\"".to_owned(), &content.raw.0);
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn fields(attempt: &DocumentAttempt) -> Vec<(&'static str, String)> {
    let proof = attempt.proof.clone().unwrap_or_default();
    let signer = proof.signer.and_then(|it| match it {
        Personal::Plain { text, .. } => Some(text),
        Personal::Sealed(_) => None,
    });
    let condition = proof
        .condition
        .and_then(|it| Value::as_str(&json!(it)).map(str::to_owned));
    let fields = [
        ("kind", Some(attempt.kind.as_str().to_owned())),
        ("carrier", attempt.carrier.clone()),
        ("reference", attempt.reference.clone()),
        ("pieces", proof.pieces.map(|it| it.to_string())),
        ("condition", condition),
        ("signer", signer),
        ("signed_at", proof.signed_at.map(|it| it.at.to_string())),
    ];
    fields.into_iter().filter_map(|(name, it)| Some((name, it?))).collect()
}
