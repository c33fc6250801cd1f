//! Step 2 of the way of one event: raw bytes and their mark become durable; only then is anybody told.

use crate::commands::{command_key, repeat};
use crate::machine::{Extra, Machine, Origin};
use crate::normalize::Quarantined;
use crate::ports::StoreError;
use crate::record::InboxMark;
use crate::request::{Receive, Reply, Request};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signalbox_engine::step::Reaction;
use signalbox_engine::views;
use signalbox_model::directory::SourceFormat;
use signalbox_model::effect::{Effect, Order};
use signalbox_model::event::{Event, MessageReceived};
use signalbox_model::exception::Touch;
use signalbox_model::id::{LoadId, MessageId, Mint, PartnerId, Seq, StreamId, TenantId};
use signalbox_model::mail::Chosen;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::TenantScope;
use signalbox_model::view::ViewChange;

/// By what a message is known when it comes again.
struct Known {
    key: String,
    /// Of the raw bytes, hex.
    sha256: String,
    /// Of the whole request, where an Idempotency-Key came with it.
    fingerprint: Option<String>,
    /// Of a mail: the load that a person says it is about.
    chosen: Option<Box<Chosen>>,
}

/// A quarantined message to be read again.
struct Reprocess {
    message: MessageId,
    corrected: Option<Vec<u8>>,
    /// Of a mail: the load that the person says it is about.
    load: Option<LoadId>,
    in_hand_ms: Option<i64>,
    idempotency_key: Option<String>,
}

impl Machine {
    pub(crate) fn request(
        &mut self,
        request: Request,
        now: Timestamp,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Option<Reply>, StoreError> {
        match request {
            Request::Receive(receive) => self.receive(receive, now).map(Some),
            Request::Command {
                scope,
                command,
                idempotency_key,
                traceparent,
            } => self
                .command(&scope, command, idempotency_key, traceparent.as_deref(), now, entropy)
                .map(Some),
            Request::Document(received) => self.document(*received, now, entropy).map(Some),
            Request::Reprocess {
                scope,
                message,
                corrected,
                load,
                in_hand_ms,
                idempotency_key,
            } => {
                let asked = Reprocess {
                    message,
                    corrected,
                    load,
                    in_hand_ms,
                    idempotency_key,
                };
                self.reprocess(&scope, asked, now).map(Some)
            }
            Request::Outcome(outcome) => self.settle(outcome, now, entropy).map(|()| None),
        }
    }

    fn receive(&mut self, receive: Receive, now: Timestamp) -> Result<Reply, StoreError> {
        let tenant = receive.scope.tenant().clone();
        let directory = self.directory(&tenant)?;
        if !directory.sources.contains_key(&receive.source) {
            let detail = format!("no source {} here", receive.source);
            return Ok(Reply::Rejected {
                rejection: Rejection::MessageUnknown,
                detail,
                issues: Vec::new(),
                seq: self.committed,
            });
        }
        let sha256 = hex::encode(Sha256::digest(&receive.bytes));
        let key = match &receive.key {
            Some(key) => format!("in/{}/key/{key}", receive.source),
            None => format!("in/{}/sha256/{sha256}", receive.source),
        };
        if let Some(known) = self.mark(&tenant, &key)? {
            return Ok(if known.sha256 == sha256 {
                Reply::Accepted {
                    message: known.message,
                    duplicate: true,
                    seq: self.committed,
                }
            } else {
                Reply::KeyConflict {
                    detail: format!("key {key} came before with other content"),
                }
            });
        }
        let cause = format!("{tenant}/{key}");
        let known = Known {
            key,
            sha256,
            fingerprint: None,
            chosen: None,
        };
        let (message, seq) = self.store_message(&receive, &cause, known, Reaction::default(), now)?;
        Ok(Reply::Accepted {
            message,
            duplicate: false,
            seq,
        })
    }

    /// Takes a message into its source's stream and orders that it be read.
    fn store_message(
        &mut self,
        receive: &Receive,
        cause: &str,
        known: Known,
        mut reaction: Reaction,
        now: Timestamp,
    ) -> Result<(MessageId, u64), StoreError> {
        let tenant = receive.scope.tenant().clone();
        let stream = StreamId::source(&receive.source);
        let mut mint = Mint::new(cause, now);
        let message: MessageId = mint.make();
        let Known {
            key,
            sha256,
            fingerprint,
            chosen,
        } = known;
        reaction.events.push(Event::MessageReceived(MessageReceived {
            message: message.clone(),
            source: receive.source.clone(),
            content_type: receive.content_type.clone(),
            bytes: receive.bytes.len() as u64,
            sha256: sha256.clone(),
            dedupe_key: key.clone(),
            traceparent: receive.traceparent.clone(),
        }));
        let order = Order::NormalizeMessage {
            message: message.clone(),
            source: receive.source.clone(),
            from: receive.from.clone(),
            chosen,
        };
        reaction.effects.push(Effect::new(mint.make(), order));
        let broken = |error: crate::vault::Error| StoreError::Broken(error.to_string());
        let raw = self
            .vault
            .tenant(&tenant)
            .and_then(|it| it.seal_bytes(&message, &receive.bytes))
            .map_err(broken)?;
        let answer = fingerprint.is_some().then(|| json!({"done": reprocessed(&message)}));
        let mark = InboxMark {
            key,
            message: message.clone(),
            sha256: fingerprint.unwrap_or(sha256),
            answer,
        };
        let extra = Extra {
            mark: Some(mark),
            raw: Some(raw),
            keys: Vec::new(),
        };
        let traceparent = receive.traceparent.as_deref();
        let origin = Origin {
            cause,
            actor: receive.scope.actor(),
            traceparent,
            now,
        };
        self.know_version(&tenant, &stream)?;
        let seq = self.emit(&tenant, &stream, reaction, &origin, extra)?;
        Ok((message, seq))
    }

    pub(crate) fn mark(&self, tenant: &TenantId, key: &str) -> Result<Option<InboxMark>, StoreError> {
        match self.overlay.mark(&(tenant.clone(), key.to_owned())) {
            Some(mark) => Ok(Some(mark.clone())),
            None => self.store.mark(&Self::scope(tenant), key),
        }
    }

    /// Raw bytes kept beside a record, opened.
    pub(crate) fn raw(&self, tenant: &TenantId, message: &MessageId, seq: Seq) -> Result<Option<Vec<u8>>, StoreError> {
        let broken = |error: crate::vault::Error| StoreError::Broken(error.to_string());
        let Some(sealed) = self.store.raw(&Self::scope(tenant), seq)? else {
            return Ok(None);
        };
        self.vault
            .tenant(tenant)
            .and_then(|it| it.open_bytes(message, &sealed))
            .map(Some)
            .map_err(broken)
    }

    /// The record that received a message.
    pub(crate) fn message_seq(&self, tenant: &TenantId, message: &MessageId) -> Result<Option<Seq>, StoreError> {
        match self.overlay.message(&(tenant.clone(), message.clone())) {
            Some(seq) => Ok(Some(seq)),
            None => self.store.message_seq(&Self::scope(tenant), message),
        }
    }

    /// A quarantined message is read again, as it is or corrected. A correction is a message of its own.
    fn reprocess(&mut self, scope: &TenantScope, asked: Reprocess, now: Timestamp) -> Result<Reply, StoreError> {
        let tenant = scope.tenant().clone();
        let rejected = |rejection: Rejection, seq| {
            let detail = rejection.explain().to_owned();
            Ok(Reply::Rejected {
                rejection,
                detail,
                issues: Vec::new(),
                seq,
            })
        };
        let fingerprint = asked.fingerprint();
        let key = asked.idempotency_key.as_ref().map(|it| command_key(scope, it));
        let message = &asked.message;
        if let Some(key) = &key
            && let Some(known) = self.mark(&tenant, key)?
        {
            return Ok(repeat(known, &fingerprint, self.committed));
        }
        if !self.may(scope, "reprocess_message", now)? {
            return rejected(Rejection::NotAllowed, self.committed);
        }
        let Some(quarantined) = self.quarantined(&tenant, message)? else {
            return rejected(Rejection::MessageNotQuarantined, self.committed);
        };
        let chosen = match &asked.load {
            Some(load) => match self.chosen(scope, &asked, load, &quarantined)? {
                Ok(chosen) => Some(Box::new(chosen)),
                Err(detail) => {
                    return Ok(Reply::Rejected {
                        rejection: Rejection::LoadUnknown,
                        detail,
                        issues: Vec::new(),
                        seq: self.committed,
                    });
                }
            },
            None => None,
        };
        let original = match (asked.corrected.clone(), self.message_seq(&tenant, message)?) {
            (Some(bytes), _) => Some(bytes),
            (None, Some(seq)) => self.raw(&tenant, message, seq)?,
            (None, None) => None,
        };
        let Some(bytes) = original else {
            return rejected(Rejection::MessageUnknown, self.committed);
        };
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let known = match key {
            Some(key) => Known {
                key,
                sha256,
                fingerprint: Some(fingerprint),
                chosen,
            },
            None => Known {
                key: format!("reprocess/{message}/{}", self.next_seq),
                sha256,
                fingerprint: None,
                chosen,
            },
        };
        let key = known.key.as_str();
        let cause = format!("{tenant}/{key}");
        // Which load a mail is about is a touch of that load, and told there.
        let touch = known.chosen.is_none().then(|| Event::TouchRecorded {
            touch: Touch {
                who: scope.actor().clone(),
                action: "quarantine.reprocess".to_owned(),
                on: message.0.clone(),
                open_ms: (now.as_millisecond() - quarantined.received_at.as_millisecond()).max(0),
                in_hand_ms: asked.in_hand_ms,
                at: now,
            },
        });
        let replaced_by: MessageId = Mint::new(cause.as_str(), now).make();
        let corrected = Event::MessageCorrected {
            message: message.clone(),
            by: scope.actor().clone(),
            replaced_by,
        };
        let change = ViewChange {
            view: views::QUARANTINE.name.to_owned(),
            key: message.0.clone(),
            row: None,
        };
        let reaction = Reaction {
            events: touch.into_iter().chain([corrected]).collect(),
            views: vec![change],
            ..Reaction::default()
        };
        // Nobody has changed it: whose key brought it still says whom it may speak for. A correction is a person's word.
        let from = match &asked.corrected {
            None => self.brought_by(&tenant, message)?,
            Some(_) => None,
        };
        let (source, content_type) = (quarantined.source, quarantined.content_type);
        let receive = Receive {
            scope: scope.clone(),
            source,
            content_type,
            bytes,
            key: None,
            traceparent: None,
            from,
        };
        let (message, seq) = self.store_message(&receive, &cause, known, reaction, now)?;
        Ok(Reply::Done {
            answer: reprocessed(&message),
            seq,
            replayed: false,
        })
    }
}

impl Machine {
    /// A person's word on the load of a mail, or why it cannot count.
    fn chosen(
        &mut self,
        scope: &TenantScope,
        asked: &Reprocess,
        load: &LoadId,
        quarantined: &Quarantined,
    ) -> Result<Result<Chosen, String>, StoreError> {
        let tenant = scope.tenant();
        let directory = self.directory(tenant)?;
        let source = directory.sources.get(&quarantined.source);
        if source.is_none_or(|it| it.format != SourceFormat::Email) {
            return Ok(Err("only a mail can be given to a load".to_owned()));
        }
        let stream = StreamId::load(load);
        let state = self.take_load(tenant, &stream)?;
        let is_known = stream.is_load() && state.load.is_some();
        self.streams.put(tenant, &stream, state, self.next_seq);
        let chosen = Chosen {
            load: load.clone(),
            by: scope.actor().clone(),
            waits_since: quarantined.received_at,
            in_hand_ms: asked.in_hand_ms,
        };
        Ok(is_known.then_some(chosen).ok_or_else(|| format!("no load {load}")))
    }

    /// The partner whose own key brought a message.
    fn brought_by(&self, tenant: &TenantId, message: &MessageId) -> Result<Option<PartnerId>, StoreError> {
        let Some(seq) = self.message_seq(tenant, message)? else {
            return Ok(None);
        };
        let records = self.store.records_at(&Self::scope(tenant), &[seq])?;
        let orders = records.iter().flat_map(|it| &it.record.effects).map(|it| &it.order);
        let mut brought = orders.filter_map(|order| match order {
            Order::NormalizeMessage {
                message: of,
                from: Some(from),
                ..
            } if of == message => Some(from.clone()),
            _ => None, // Only the order to read it says so.
        });
        Ok(brought.next())
    }
}

impl Reprocess {
    /// What is asked for, so that the same Idempotency-Key with other content is seen.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"reprocess");
        hash.update(self.message.0.as_bytes());
        hash.update([u8::from(self.corrected.is_some())]);
        hash.update(self.corrected.as_deref().unwrap_or_default());
        hash.update(self.load.as_ref().map_or("", |it| it.as_str()).as_bytes());
        hex::encode(hash.finalize())
    }
}

/// The answer to a message taken through again: the message it goes on as.
fn reprocessed(message: &MessageId) -> Value {
    json!({"message": message, "duplicate": false})
}
