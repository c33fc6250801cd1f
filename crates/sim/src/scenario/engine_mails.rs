//! Mails at the engine alone: read, linked and stepped as the runtime does it, with maps in the place of indexes.

use super::Outcome;
use super::engine_boundary::{EngineBoundary, refusal, seal};
use crate::setup::EMAIL_SOURCE;
use signalbox_engine::mail::{self, Candidate, Linked};
use signalbox_engine::step::Input;
use signalbox_formats::email;
use signalbox_model::id::{LoadId, Mint, StreamId};
use signalbox_model::mail::{Chosen, Mail, MailAttempt, Sender};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Actor;

impl EngineBoundary {
    pub(super) fn name(&mut self, stream: &StreamId, names: &[String]) {
        for name in names {
            let places = (1..=mail::CALLED_MAX).map(|it| mail::called(name, it));
            let free = places.into_iter().find(|it| !self.links.contains_key(it));
            if let Some(free) = free {
                self.links.insert(free, stream.clone());
            }
        }
    }

    pub(super) fn admit_mail(&mut self, attempt: MailAttempt) -> Option<(Rejection, String)> {
        let sender = mail::sender(&self.directory, &attempt, None, None);
        let mut linked = Linked::Nothing(String::new());
        for numbers in mail::numbers(&attempt) {
            let called = |name: &String| {
                let places = (1..=mail::CALLED_MAX).filter_map(|it| self.links.get(&mail::called(name, it)));
                places.map(|it| (name.clone(), it.clone())).collect::<Vec<_>>()
            };
            let found: Vec<(String, StreamId)> = numbers.iter().flat_map(called).collect();
            let candidates = found.iter().filter_map(|(name, stream)| {
                let state = self.loads.get(stream)?;
                let load = LoadId(stream.0.clone());
                let name = name.clone();
                Some(Candidate { load, name, state })
            });
            linked = mail::link(&self.directory, &sender, &candidates.collect::<Vec<_>>());
            if !matches!(linked, Linked::Nothing(_)) {
                break;
            }
        }
        let load = match linked {
            Linked::To(load) => load,
            Linked::Nothing(detail) => return Some((Rejection::LoadUnknown, detail)),
            Linked::Several(detail, _) => {
                self.waiting = Some((attempt, self.now));
                return Some((Rejection::LoadAmbiguous, detail));
            }
        };
        self.admit_to(load, attempt, sender, None)
    }

    /// The first word on the mail that waits counts.
    pub(super) fn choose(&mut self, who: &Actor, load: LoadId) -> Outcome {
        let Some((attempt, waits_since)) = self.waiting.take() else {
            let rejection = Rejection::MessageNotQuarantined;
            return Outcome {
                refused: Some((rejection, rejection.explain().to_owned())),
                duplicate: false,
            };
        };
        let chosen = Chosen {
            load: load.clone(),
            by: who.clone(),
            waits_since,
            in_hand_ms: None,
        };
        let sender = mail::sender(&self.directory, &attempt, None, None);
        Outcome {
            refused: self.admit_to(load, attempt, sender, Some(chosen)),
            duplicate: false,
        }
    }

    fn admit_to(
        &mut self,
        load: LoadId,
        mut attempt: MailAttempt,
        sender: Sender,
        chosen: Option<Chosen>,
    ) -> Option<(Rejection, String)> {
        let read = mail::read(&attempt);
        let stream = StreamId::load(&load);
        let said_at = mail::said_at(&attempt, self.now);
        let state = self.loads.get(&stream)?;
        let load = state.load.as_ref()?;
        let names = mail::names(state.order.as_ref(), load);
        let zone = self
            .directory
            .sources
            .get(EMAIL_SOURCE)
            .map_or("UTC", |it| it.zone.as_str());
        let facts = email::facts(&attempt, load, &names, said_at, zone);
        attempt.personal_mut().into_iter().for_each(seal);
        let message = Mint::new(format!("mail {:?}", attempt.id), self.now).make();
        let input = Input::Mail {
            mail: Box::new(Mail::new(attempt, sender, said_at, facts, read)),
            message: Some(message),
            chosen: chosen.clone().map(Box::new),
        };
        let actor = chosen.map_or_else(|| Actor::source(EMAIL_SOURCE), |it| it.by);
        refusal(self.turn(&stream, input, &actor))
    }
}
