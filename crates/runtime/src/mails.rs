//! Mails: what a text says, the load it is about, and that load's turn. The text is read in clear here and nowhere
//! else, and sealed before the turn.

use crate::machine::{Extra, Machine, Origin};
use crate::normalize::{Admitted, Reading};
use crate::ports::StoreError;
use signalbox_engine::mail::{self, Candidate, Linked};
use signalbox_engine::state::LoadState;
use signalbox_engine::step::{Context, Input, Reaction, step};
use signalbox_formats::email;
use signalbox_model::id::{LoadId, StreamId, TenantId};
use signalbox_model::mail::{Mail, MailAttempt, Sender};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Actor;
use std::collections::BTreeSet;

/// Numbers of one mail that are looked up.
const NUMBERS_MAX: usize = 20;

/// A load that is called by a number of the mail.
struct Found {
    name: String,
    stream: StreamId,
    state: LoadState,
}

impl Machine {
    pub(crate) fn admit_mail(
        &mut self,
        reading: &Reading<'_>,
        cause: &str,
        mut attempt: MailAttempt,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Admitted, StoreError> {
        let (tenant, directory) = (reading.tenant, reading.directory);
        let read = mail::read(&attempt);
        let sender = self.sender(reading, &attempt)?;
        let found = match reading.chosen {
            Some(chosen) => Ok(StreamId::load(&chosen.load)),
            None => self.called_in(tenant, &sender, reading, &attempt)?,
        };
        let stream = match found {
            Ok(stream) => stream,
            Err(refused) => return Ok(refused),
        };
        let mut state = self.take_load(tenant, &stream)?;
        let said_at = mail::said_at(&attempt, reading.now);
        let facts = state.load.as_ref().map_or_else(Vec::new, |load| {
            let names = mail::names(state.order.as_ref(), load);
            email::facts(&attempt, load, &names, said_at, &reading.source.zone)
        });
        let keys = self.seal(tenant, attempt.personal_mut(), entropy)?;
        let chosen = reading.chosen.cloned();
        let actor = chosen
            .as_ref()
            .map_or_else(|| Actor::source(&reading.source.name), |it| it.by.clone());
        let context = Context {
            now: reading.now,
            actor: &actor,
            directory,
            cause,
        };
        let input = Input::Mail {
            mail: Box::new(Mail::new(attempt, sender, said_at, facts, read)),
            message: Some(reading.message.clone()),
            chosen: chosen.map(Box::new),
        };
        let reaction = step(&mut state, input, &context);
        self.streams.put(tenant, &stream, state, self.next_seq);
        let origin = Origin {
            cause,
            actor: &actor,
            traceparent: reading.pending.traceparent.as_deref(),
            now: reading.now,
        };
        let extra = Extra {
            keys,
            ..Extra::default()
        };
        self.emit(tenant, &stream, reaction, &origin, extra)?;
        Ok(Admitted::To(LoadId(stream.0)))
    }

    /// Writes a new load under every name that mails may call it by, beside others of that name.
    pub(crate) fn name(&self, tenant: &TenantId, reaction: &mut Reaction) -> Result<(), StoreError> {
        for name in mail::names_given(&reaction.events) {
            for place in 1..=mail::CALLED_MAX {
                let link = mail::called(&name, place);
                if self.find(tenant, &link)?.is_none() {
                    reaction.links.push(link);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whose mail it is: by the partner's key that brought it, else by the address under Partners.
    fn sender(&self, reading: &Reading<'_>, attempt: &MailAttempt) -> Result<Sender, StoreError> {
        let broken = |error: crate::vault::Error| StoreError::Broken(error.to_string());
        let vault = self.vault.tenant(reading.tenant).map_err(broken)?;
        // A partner's address is sealed; the same address is the same subject.
        let by_address = attempt
            .from
            .text()
            .and_then(|it| reading.directory.reached_at(&vault.subject(it)));
        let by_address = by_address.map(|it| it.id.clone());
        Ok(mail::sender(reading.directory, attempt, reading.from, by_address))
    }

    /// The load that the mail's numbers name, or why none is taken.
    fn called_in(
        &mut self,
        tenant: &TenantId,
        sender: &Sender,
        reading: &Reading<'_>,
        attempt: &MailAttempt,
    ) -> Result<Result<StreamId, Admitted>, StoreError> {
        let mut nothing = String::new();
        // What is written now counts before what it answers to.
        for numbers in mail::numbers(attempt) {
            let found = self.called(tenant, &numbers)?;
            let candidates: Vec<Candidate<'_>> = found
                .iter()
                .map(|it| Candidate {
                    load: LoadId(it.stream.0.clone()),
                    name: it.name.clone(),
                    state: &it.state,
                })
                .collect();
            let linked = mail::link(reading.directory, sender, &candidates);
            for Found { stream, state, .. } in found {
                self.streams.put(tenant, &stream, state, self.next_seq);
            }
            match linked {
                Linked::To(load) => return Ok(Ok(StreamId::load(&load))),
                Linked::Several(detail, loads) => return Ok(Err(Admitted::Several(detail, loads))),
                Linked::Nothing(detail) => nothing = detail,
            }
        }
        Ok(Err(Admitted::Refused(Rejection::LoadUnknown, nothing)))
    }

    /// The loads that bear these numbers, each once.
    fn called(&mut self, tenant: &TenantId, numbers: &BTreeSet<String>) -> Result<Vec<Found>, StoreError> {
        let mut found: Vec<Found> = Vec::new();
        for name in numbers.iter().take(NUMBERS_MAX) {
            for place in 1..=mail::CALLED_MAX {
                let Some(stream) = self.find(tenant, &mail::called(name, place))? else {
                    break;
                };
                if !found.iter().any(|it| it.stream == stream) {
                    let state = self.take_load(tenant, &stream)?;
                    let name = name.clone();
                    found.push(Found { name, stream, state });
                }
            }
        }
        Ok(found)
    }
}
