//! Documents: judged by their load in one turn, their bytes sealed beside its record.
//!
//! Invariant: bytes are kept where the load took the document, and where it was refused for what it is or says; never for
//! somebody whose load it is not.

use crate::commands::{Asked, command_key, repeat};
use crate::machine::{Extra, Machine};
use crate::ports::StoreError;
use crate::request::{ReceiveDocument, Reply};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use signalbox_engine::documents::Arrival;
use signalbox_engine::step::{Context, Input, Reaction, file_link, step};
use signalbox_model::attempt::DocumentAttempt;
use signalbox_model::document::Proof;
use signalbox_model::event::Event;
use signalbox_model::id::{DocumentId, LoadId, MessageId, PartnerId, StreamId, TenantId};
use signalbox_model::personal::Personal;
use signalbox_model::rejection::Rejection;
use signalbox_model::value::ExternalId;

impl Machine {
    pub(crate) fn document(
        &mut self,
        received: ReceiveDocument,
        now: Timestamp,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Reply, StoreError> {
        let ReceiveDocument {
            scope,
            load,
            mut attempt,
            from,
            idempotency_key,
            traceparent,
        } = received;
        let tenant = scope.tenant();
        let key = match idempotency_key {
            None => None,
            Some(key) => {
                let (key, sha256) = (command_key(&scope, &key), fingerprint(&load, &attempt));
                if let Some(known) = self.mark(tenant, &key)? {
                    return Ok(repeat(known, &sha256, self.committed));
                }
                Some((key, sha256))
            }
        };
        let Some(stream) = self.find(tenant, &ExternalId::new("signalbox", "load", load.as_str()))? else {
            return Ok(Reply::Rejected {
                rejection: Rejection::LoadUnknown,
                detail: format!("no load {load}"),
                issues: Vec::new(),
                seq: self.committed,
            });
        };
        let cause = match &key {
            Some((key, _)) => format!("{tenant}/{key}"),
            None => format!("{tenant}/command/{}", self.next_seq),
        };
        let bytes = take_bytes(&mut attempt);
        let personal = attempt.proof.iter_mut().flat_map(Proof::personal_mut).collect();
        let keys = self.seal(tenant, personal, entropy)?;
        let arrival = self.arrival(tenant, &stream, attempt, from, None)?;
        let asked = Asked {
            scope: &scope,
            cause,
            key,
            traceparent: traceparent.as_deref(),
            now,
        };
        let directory = self.directory(tenant)?;
        let mut state = self.take_load(tenant, &stream)?;
        let context = Context {
            now,
            actor: scope.actor(),
            directory: &directory,
            cause: &asked.cause,
        };
        let reaction = step(&mut state, Input::Document(Box::new(arrival)), &context);
        self.streams.put(tenant, &stream, state, self.next_seq);
        let raw = self.sealed_document(tenant, &reaction, bytes)?;
        let extra = Extra { mark: None, raw, keys };
        self.answer(&asked, &stream, reaction, extra)
    }

    /// The document with what the rest of the log knows of its file.
    pub(crate) fn arrival(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        attempt: DocumentAttempt,
        from: Option<PartnerId>,
        message: Option<MessageId>,
    ) -> Result<Arrival, StoreError> {
        let sha256 = attempt
            .content
            .as_ref()
            .map(|it| it.sha256.as_str())
            .filter(|it| !it.is_empty());
        let known = match sha256 {
            Some(sha256) => self.find(tenant, &file_link(sha256))?,
            None => None,
        };
        let elsewhere = known.filter(|it| it != stream).map(|it| LoadId(it.0));
        Ok(Arrival {
            attempt,
            from,
            message,
            elsewhere,
        })
    }

    /// The bytes of a document that the reaction keeps, sealed under its id.
    pub(crate) fn sealed_document(
        &self,
        tenant: &TenantId,
        reaction: &Reaction,
        bytes: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((document, bytes)) = reaction.events.iter().find_map(kept).zip(bytes) else {
            return Ok(None);
        };
        let broken = |error: crate::vault::Error| StoreError::Broken(error.to_string());
        let vault = self.vault.tenant(tenant).map_err(broken)?;
        vault.seal_document(document, &bytes).map(Some).map_err(broken)
    }
}

fn kept(event: &Event) -> Option<&DocumentId> {
    match event {
        Event::DocumentReceived { document } => Some(&document.id),
        Event::DocumentRefused {
            document, rejection, ..
        } => {
            let of_stranger = *rejection == Rejection::LoadNotOfThisCarrier;
            (document.bytes > 0 && !of_stranger).then_some(&document.id)
        }
        _ => None, // No other event brings a file.
    }
}

/// The file of a document, which goes another way than what is said of it.
pub(crate) fn take_bytes(attempt: &mut DocumentAttempt) -> Option<Vec<u8>> {
    let content = attempt.content.as_mut()?;
    Some(std::mem::take(&mut content.raw.0)).filter(|it| !it.is_empty())
}

/// What is asked for, so that the same Idempotency-Key with other content is seen.
fn fingerprint(load: &LoadId, attempt: &DocumentAttempt) -> String {
    let mut hash = Sha256::new();
    hash.update(b"document");
    hash.update(format!("{load} {attempt:?}").as_bytes());
    // Personal values do not print; what they say counts all the same.
    let mut proof = attempt.proof.clone().unwrap_or_default();
    for personal in proof.personal_mut() {
        if let Personal::Plain { text, .. } = personal {
            hash.update([0]);
            hash.update(text.as_bytes());
        }
    }
    hex::encode(hash.finalize())
}
