//! What a language model is asked about a mail, and its answer on the way back in: checked, sealed, and kept as words.
//!
//! Invariant: an answer becomes `Input::Advised` and nothing else. It is decoded as no message, steps no command, and
//! orders no effect.

use crate::machine::{Extra, Machine, Origin};
use crate::ports::{DeliveryOutcome, Payload, StoreError};
use jiff::Timestamp;
use serde_json::Value;
use signalbox_engine::mail::names;
use signalbox_engine::state::{LoadState, MailState};
use signalbox_engine::step::{Context, Input, step};
use signalbox_formats::advisor;
use signalbox_model::id::{MessageId, TenantId};
use signalbox_model::mail::{Advice, FactWhat};
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::scope::Actor;

impl Machine {
    /// The mail as data and what is on record about it, or why nothing is asked.
    pub(crate) fn question(
        &self,
        tenant: &TenantId,
        message: &MessageId,
        state: &LoadState,
    ) -> Result<Payload, String> {
        let mail = mail(state, message).ok_or("the mail is not on the load any more")?;
        let text = self.opened(tenant, &mail.mail.text).ok_or("the mail was erased")?;
        let question = advisor::question(&text, &on_record(state, mail));
        Ok(Payload::Question(Box::new(question)))
    }

    pub(crate) fn advised(
        &mut self,
        outcome: &DeliveryOutcome,
        message: &MessageId,
        receipt: &str,
        now: Timestamp,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), StoreError> {
        let (tenant, stream) = (&outcome.tenant, &outcome.stream);
        let directory = self.directory(tenant)?;
        let mut state = self.take_load(tenant, stream)?;
        let record = mail(&state, message)
            .map(|it| on_record(&state, it))
            .unwrap_or_default();
        let mut answer = read(receipt, &record);
        let keys = match &mut answer {
            Ok(advice) => self.seal(tenant, advice.personal_mut(), entropy)?,
            Err(_) => Vec::new(),
        };
        let cause = format!("{}/receipt", outcome.effect);
        let actor = Actor::system();
        let context = Context {
            now,
            actor: &actor,
            directory: &directory,
            cause: &cause,
        };
        let input = Input::Advised {
            effect: outcome.effect.clone(),
            answer: answer.map(Box::new),
        };
        let reaction = step(&mut state, input, &context);
        self.streams.put(tenant, stream, state, self.next_seq);
        if !reaction.is_empty() {
            let origin = Origin {
                cause: &cause,
                actor: &actor,
                traceparent: None,
                now,
            };
            let extra = Extra {
                keys,
                ..Extra::default()
            };
            self.emit(tenant, stream, reaction, &origin, extra)?;
        }
        self.outbox.settle(&outcome.effect);
        Ok(())
    }
}

fn mail<'s>(state: &'s LoadState, message: &MessageId) -> Option<&'s MailState> {
    state.mails.iter().find(|it| it.message.as_ref() == Some(message))
}

/// What the model may repeat: names of the load, its places, the checked facts. Never the mail's own numbers.
fn on_record(state: &LoadState, mail: &MailState) -> Vec<String> {
    let load = state.load.as_ref();
    let names = load.map(|it| names(state.order.as_ref(), it)).unwrap_or_default();
    let names = names.into_iter().map(|it| format!("load {it}"));
    let places = load.into_iter().flat_map(|it| &it.stops);
    let places = places.map(|it| format!("stop {}: {}", it.sequence, it.location.label()));
    let times = mail.mail.facts.iter().filter_map(|it| match &it.what {
        FactWhat::Time { local, .. } => Some(local.clone()),
        _ => None, // The others say nothing that it needs.
    });
    names
        .chain(places)
        .chain(times)
        .chain([mail.mail.summary.clone()])
        .collect()
}

fn read(receipt: &str, on_record: &[String]) -> Result<Advice, String> {
    let receipt: Value =
        serde_json::from_str(receipt).map_err(|_| "advice.shape: it is not what an advisor returns".to_owned())?;
    let text = |name: &str| receipt.get(name).and_then(Value::as_str).unwrap_or_default();
    let advice = advisor::read(text("answer"), on_record).map_err(|it| format!("{}: {}", it.code, it.why))?;
    let personal = |it: String| Personal::plain(it, Taint::Public);
    Ok(Advice {
        summary: personal(advice.summary),
        draft: Some(advice.draft).filter(|it| !it.is_empty()).map(personal),
        model: text("model").chars().filter(|it| !it.is_control()).take(100).collect(),
    })
}
