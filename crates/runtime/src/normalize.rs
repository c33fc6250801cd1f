//! Steps 3 and 4: bytes become attempts and issues; each attempt is judged by the stream it belongs to, and what
//! cannot be used waits in quarantine with its reason and its fix.

use crate::documents;
use crate::machine::{Extra, Machine, Origin};
use crate::ports::{PendingEffect, StoreError};
use crate::trips::{Carried, PositionsNote};
use jiff::Timestamp;
use signalbox_engine::directory::Directory;
use signalbox_engine::mail::Choice;
use signalbox_engine::step::{Context, Input, Outcome, Reaction, order_link, step};
use signalbox_engine::views;
use signalbox_formats as formats;
use signalbox_model::attempt::Attempt;
use signalbox_model::directory::Source;
use signalbox_model::effect::{Effect, Order};
use signalbox_model::event::Event;
use signalbox_model::id::{LoadId, MessageId, Mint, PartnerId, StreamId, TenantId};
use signalbox_model::issue::{Issue, Severity};
use signalbox_model::mail::Chosen;
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Actor;
use signalbox_model::value::ExternalId;
use signalbox_model::view::{ViewChange, ViewRow};
use std::sync::Arc;

/// What the quarantine's row says of a message.
pub(crate) struct Quarantined {
    pub source: String,
    pub content_type: String,
    pub received_at: Timestamp,
}

/// How far one attempt came.
pub(crate) enum Admitted {
    To(LoadId),
    Noted(Box<Event>),
    /// By a stream that is no load's.
    Elsewhere,
    Positions(Box<PositionsNote>),
    Refused(Rejection, String),
    /// A mail that fits several loads, of which a person chooses one.
    Several(String, Vec<Choice>),
}

/// What is known of a message besides its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    /// The partner whose own key brought it.
    pub from: Option<&'a PartnerId>,
    /// Of a mail: the load that a person says it is about.
    pub chosen: Option<&'a Chosen>,
}

/// What is kept of a message that waits in quarantine.
#[derive(Default)]
struct Kept {
    issues: Vec<Issue>,
    notes: Vec<Event>,
    replies: Vec<Effect>,
    /// Loads that a person may choose from.
    choices: Vec<Choice>,
}

/// The message being read.
pub(crate) struct Reading<'a> {
    pub tenant: &'a TenantId,
    pub message: &'a MessageId,
    pub source: &'a Source,
    pub directory: &'a Directory,
    pub from: Option<&'a PartnerId>,
    pub chosen: Option<&'a Chosen>,
    pub pending: &'a PendingEffect,
    pub now: Timestamp,
}

impl Machine {
    pub(crate) fn normalize(
        &mut self,
        pending: &PendingEffect,
        message: &MessageId,
        source: &str,
        said: Said<'_>,
        now: Timestamp,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), StoreError> {
        let tenant = &pending.tenant;
        let directory = self.directory(tenant)?;
        let Some(bytes) = self.raw(tenant, message, pending.seq)? else {
            let why = "the raw bytes were erased before they were read";
            let issue = Issue::fatal("message.erased", "", why, "Ask the sender to send it again.");
            return self.quarantine(pending, message, source, vec![issue], Vec::new(), now);
        };
        let Some(settings) = directory.sources.get(source) else {
            let issue = Issue::fatal(
                "message.source",
                "",
                "its source was removed",
                "Add the source, then reprocess.",
            );
            return self.quarantine(pending, message, source, vec![issue], Vec::new(), now);
        };
        let context = formats::Context {
            zone: &settings.zone,
            taint: Taint::Partner,
            sender: None,
        };
        let decoded = formats::decode(settings.format, &bytes, &context);
        let reading = Reading {
            tenant,
            message,
            source: settings,
            directory: &directory,
            from: said.from,
            chosen: said.chosen,
            pending,
            now,
        };
        let mut issues = decoded.issues;
        let mut loads = Vec::new();
        let mut notes = Vec::new();
        let mut seen = Vec::new();
        let mut choices = Vec::new();
        for (place, decoding) in decoded.decodings.into_iter().enumerate() {
            let at = decoding.at;
            issues.extend(decoding.issues.into_iter().map(|it| Issue {
                at: join(&at, &it.at),
                ..it
            }));
            let Some(attempt) = decoding.attempt else { continue };
            match self.admit(&reading, place, attempt, entropy)? {
                Admitted::To(load) => loads.push(load),
                Admitted::Noted(event) => notes.push(*event),
                Admitted::Elsewhere => {}
                Admitted::Positions(positions) => {
                    notes.push(positions.event);
                    seen.extend(positions.views);
                    issues.extend(positions.issues);
                }
                Admitted::Several(detail, loads) => {
                    let rejection = Rejection::LoadAmbiguous;
                    issues.push(Issue::fatal(&rejection.code(), at, detail.clone(), rejection.explain()));
                    notes.push(Event::AttemptRejected {
                        message: Some(message.clone()),
                        rejection,
                        detail,
                    });
                    choices.extend(loads);
                }
                Admitted::Refused(rejection, detail) => {
                    issues.push(Issue::fatal(&rejection.code(), at, detail.clone(), rejection.explain()));
                    notes.push(Event::AttemptRejected {
                        message: Some(message.clone()),
                        rejection,
                        detail,
                    });
                }
            }
        }
        let replies = self.replies(&reading, &decoded.replies);
        if issues.iter().any(|it| it.severity == Severity::Fatal) {
            let kept = Kept {
                issues,
                notes,
                replies,
                choices,
            };
            return self.quarantine_with(pending, message, source, kept, now);
        }
        notes.push(Event::MessageNormalized {
            message: message.clone(),
            loads,
            issues,
        });
        self.close(pending, notes, replies, seen, now)
    }

    fn admit(
        &mut self,
        reading: &Reading<'_>,
        place: usize,
        mut attempt: Attempt,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Admitted, StoreError> {
        let bytes = match &mut attempt {
            Attempt::Document(document) => documents::take_bytes(document),
            _ => None, // No other attempt carries a file.
        };
        // A mail is read first, and sealed then.
        let keys = match &mut attempt {
            Attempt::Mail(_) => Vec::new(),
            other => self.seal(reading.tenant, other.personal_mut(), entropy)?,
        };
        let cause = format!("{}#{place}", reading.message);
        let directory = reading.directory;
        if let Some(name) = speaks_for_another(reading, &attempt) {
            let detail = format!("this key may not speak for {name}");
            return Ok(Admitted::Refused(Rejection::NotAllowed, detail));
        }
        let (stream, input) = match attempt {
            Attempt::Acknowledgement(it) => {
                return Ok(Admitted::Noted(Box::new(Event::AcknowledgementReceived {
                    message: reading.message.clone(),
                    control_number: it.control_number,
                    accepted: it.accepted,
                    detail: it.detail,
                })));
            }
            Attempt::Positions(positions) => {
                let carried = Carried {
                    tenant: reading.tenant,
                    message: reading.message,
                    source: &reading.source.name,
                    from: reading.from,
                    traceparent: reading.pending.traceparent.as_deref(),
                    now: reading.now,
                };
                let note = self.take_positions(&carried, &positions)?;
                return Ok(Admitted::Positions(Box::new(note)));
            }
            Attempt::Capacity(attempt) => return self.hear_capacity(reading, &cause, attempt),
            Attempt::Mail(mail) => return self.admit_mail(reading, &cause, *mail, entropy),
            Attempt::Order(order) => {
                let Some(customer) = directory.customer(&order.customer) else {
                    let detail = format!("{} is no customer here", order.customer);
                    return Ok(Admitted::Refused(Rejection::CustomerUnknown, detail));
                };
                let known = self.find(reading.tenant, &order_link(&customer.id, &order.reference))?;
                let load = known.map_or_else(|| Mint::new(cause.as_str(), reading.now).make(), |it| LoadId(it.0));
                let message = Some(reading.message.clone());
                (
                    StreamId::load(&load),
                    Input::Order {
                        attempt: order,
                        message,
                        load,
                    },
                )
            }
            Attempt::Answer(answer) => {
                let offer = answer.offer.as_ref().map(|it| it.0.clone());
                match self.load_of(reading, &answer.carrier, &answer.reference, offer.as_deref())? {
                    Ok(stream) => (stream, Input::Answer(answer)),
                    Err(refused) => return Ok(refused),
                }
            }
            Attempt::Status(status) => match self.load_of(reading, &status.carrier, &status.reference, None)? {
                Ok(stream) => (stream, Input::Status(status)),
                Err(refused) => return Ok(refused),
            },
            Attempt::Invoice(invoice) => match self.load_of(reading, &invoice.carrier, &invoice.reference, None)? {
                Ok(stream) => (stream, Input::Invoice(invoice)),
                Err(refused) => return Ok(refused),
            },
            Attempt::Document(document) => {
                let carrier = document.carrier.clone().unwrap_or_default();
                let reference = document.reference.clone().unwrap_or_default();
                match self.load_of(reading, &carrier, &reference, None)? {
                    Ok(stream) => {
                        let (from, message) = (reading.from.cloned(), Some(reading.message.clone()));
                        let arrival = self.arrival(reading.tenant, &stream, *document, from, message)?;
                        (stream, Input::Document(Box::new(arrival)))
                    }
                    Err(refused) => return Ok(refused),
                }
            }
        };
        let actor = Actor::source(&reading.source.name);
        let context = Context {
            now: reading.now,
            actor: &actor,
            directory,
            cause: &cause,
        };
        let mut state = self.take_load(reading.tenant, &stream)?;
        let reaction = step(&mut state, input, &context);
        self.streams.put(reading.tenant, &stream, state, self.next_seq);
        let traceparent = reading.pending.traceparent.as_deref();
        let origin = Origin {
            cause: &cause,
            actor: &actor,
            traceparent,
            now: reading.now,
        };
        let refused = refusal_for_sender(&reaction.outcome);
        if !reaction.is_empty() {
            let raw = self.sealed_document(reading.tenant, &reaction, bytes)?;
            let extra = Extra { mark: None, raw, keys };
            self.emit(reading.tenant, &stream, reaction, &origin, extra)?;
        }
        Ok(refused.unwrap_or(Admitted::To(LoadId(stream.0))))
    }

    /// The load a carrier's message is about: by the offer it echoes, else by what we called the load.
    fn load_of(
        &self,
        reading: &Reading<'_>,
        carrier: &str,
        reference: &str,
        offer: Option<&str>,
    ) -> Result<Result<StreamId, Admitted>, StoreError> {
        let refused = |rejection, detail: String| Ok(Err(Admitted::Refused(rejection, detail)));
        let Some(scac) = reading.directory.carrier(carrier).and_then(|it| it.scac()) else {
            return refused(Rejection::CarrierUnknown, format!("{carrier} is no carrier here"));
        };
        if let Some(offer) = offer
            && let Some(stream) = self.find(reading.tenant, &ExternalId::new("signalbox", "offer", offer))?
        {
            return Ok(Ok(stream));
        }
        match self.find(reading.tenant, &ExternalId::new(scac, "shipment_id", reference))? {
            Some(stream) => Ok(Ok(stream)),
            None => refused(
                Rejection::LoadUnknown,
                format!("{carrier} was never offered a load {reference}"),
            ),
        }
    }

    pub(crate) fn seal(
        &mut self,
        tenant: &TenantId,
        values: Vec<&mut Personal>,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Vec<crate::record::SubjectKey>, StoreError> {
        let broken = |error: crate::vault::Error| match error {
            crate::vault::Error::Store(store) => store,
            other => StoreError::Broken(other.to_string()),
        };
        let vault = self.vault.tenant(tenant).map_err(broken)?;
        vault
            .seal_all(values, &mut |subject| self.sealed_with(tenant, subject), entropy)
            .map_err(broken)
    }

    /// The acknowledgements a message's senders are owed, as effects.
    fn replies(&self, reading: &Reading<'_>, owed: &[formats::Reply]) -> Vec<Effect> {
        let mut mint = Mint::new(format!("{}/reply", reading.message), reading.now);
        let mut effects = Vec::new();
        for (place, reply) in owed.iter().enumerate() {
            // Nine digits; the record's own place in the log makes it unique for the receiver.
            let control_number = ((self.next_seq + place as u64) % 999_999_999) as u32 + 1;
            match formats::x12::reply(&reply.x12, control_number, reading.now) {
                Ok(x12) => {
                    let order = Order::SendAcknowledgement {
                        message: reading.message.clone(),
                        to: reply.to.clone(),
                        x12,
                    };
                    effects.push(Effect::new(mint.make(), order));
                }
                Err(error) => {
                    tracing::warn!(message.id = %reading.message, "no acknowledgement for {}: {error}", reading.message)
                }
            }
        }
        effects
    }

    fn quarantine(
        &mut self,
        pending: &PendingEffect,
        message: &MessageId,
        source: &str,
        issues: Vec<Issue>,
        notes: Vec<Event>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let kept = Kept {
            issues,
            notes,
            ..Kept::default()
        };
        self.quarantine_with(pending, message, source, kept, now)
    }

    fn quarantine_with(
        &mut self,
        pending: &PendingEffect,
        message: &MessageId,
        source: &str,
        kept: Kept,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Kept {
            mut issues,
            mut notes,
            replies,
            choices,
        } = kept;
        issues.sort_by_key(|it| std::cmp::Reverse(it.severity));
        let received = self.store.records_at(&Self::scope(&pending.tenant), &[pending.seq])?;
        let received = received
            .iter()
            .flat_map(|it| &it.record.events)
            .find_map(|event| match event {
                Event::MessageReceived(it) if it.message == *message => Some((it.content_type.clone(), it.bytes)),
                _ => None, // Only the message's own receipt tells its size.
            });
        let (content_type, bytes) = received.unwrap_or_default();
        let row = views::quarantine_row(message.as_str(), source, &content_type, bytes, &issues, &choices, now);
        notes.push(Event::MessageQuarantined {
            message: message.clone(),
            issues,
        });
        let change = ViewChange {
            view: views::QUARANTINE.name.to_owned(),
            key: message.0.clone(),
            row: Some(Arc::new(row)),
        };
        self.close(pending, notes, replies, vec![change], now)
    }

    /// The message's last turn: what became of it, in its source's stream.
    fn close(
        &mut self,
        pending: &PendingEffect,
        events: Vec<Event>,
        effects: Vec<Effect>,
        views: Vec<ViewChange>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let settled = vec![pending.effect.id.clone()];
        let reaction = Reaction {
            events,
            effects,
            settled,
            views,
            ..Reaction::default()
        };
        let actor = Actor::system();
        let origin = Origin {
            cause: pending.effect.id.as_str(),
            actor: &actor,
            traceparent: pending.traceparent.as_deref(),
            now,
        };
        self.know_version(&pending.tenant, &pending.stream)?;
        self.emit(&pending.tenant, &pending.stream, reaction, &origin, Extra::default())?;
        Ok(())
    }

    pub(crate) fn quarantined(
        &self,
        tenant: &TenantId,
        message: &MessageId,
    ) -> Result<Option<Quarantined>, StoreError> {
        let key = (tenant.clone(), views::QUARANTINE.name.to_owned(), message.0.clone());
        let row: Option<ViewRow> = match self.overlay.view(&key) {
            Some(row) => row.cloned(),
            None => self
                .store
                .view_row(&Self::scope(tenant), &views::QUARANTINE, message.as_str())?,
        };
        let text = |row: &ViewRow, name: &str| {
            row.body
                .get(name)
                .and_then(|it| it.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        Ok(row.map(|row| Quarantined {
            source: text(&row, "source"),
            content_type: text(&row, "content_type"),
            received_at: text(&row, "received_at").parse().unwrap_or(Timestamp::UNIX_EPOCH),
        }))
    }
}

/// The partner an attempt names, where the key that brought it belongs to another.
fn speaks_for_another<'a>(reading: &Reading<'_>, attempt: &'a Attempt) -> Option<&'a str> {
    let from = reading.from?;
    let name = match attempt {
        Attempt::Order(order) => &order.customer,
        Attempt::Answer(answer) => &answer.carrier,
        Attempt::Status(status) => &status.carrier,
        Attempt::Invoice(invoice) => &invoice.carrier,
        Attempt::Capacity(capacity) => &capacity.carrier,
        Attempt::Document(document) => document.carrier.as_ref()?,
        // It names only our own message; whose vehicles positions may be of is judged one by one, and of a mail who wrote it.
        Attempt::Acknowledgement(_) | Attempt::Positions(_) | Attempt::Mail(_) => return None,
    };
    let known = reading.directory.called(name);
    (known.map(|it| &it.id) != Some(from)).then_some(name)
}

/// Refusals that the sender's people can cure are shown in quarantine; an answer that came too late is an outcome.
fn refusal_for_sender(outcome: &Outcome) -> Option<Admitted> {
    match outcome {
        Outcome::Rejected { rejection, detail, .. } => match rejection {
            Rejection::OrderUnknown
            | Rejection::OfferUnknown
            | Rejection::OfferNotOfThisCarrier
            | Rejection::DocumentEmpty
            | Rejection::DocumentTooLarge
            | Rejection::DocumentUnreadable
            | Rejection::DocumentInvalid
            | Rejection::LoadNotCovered
            | Rejection::LoadNotOfThisCarrier
            | Rejection::NotAllowed => Some(Admitted::Refused(*rejection, detail.clone())),
            _ => None, // Every other refusal is recorded on the load itself.
        },
        Outcome::Nothing | Outcome::Done(_) => None,
    }
}

fn join(at: &str, inner: &str) -> String {
    match (at.is_empty(), inner.is_empty()) {
        (_, true) => at.to_owned(),
        (true, _) => inner.to_owned(),
        (false, false) => format!("{at}: {inner}"),
    }
}
