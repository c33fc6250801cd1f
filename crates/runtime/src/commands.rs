//! Typed commands: received, judged and made durable in one commit, answered with their outcome.

use crate::machine::{Extra, Machine, Origin, PLATFORM};
use crate::ports::{DeliveryOutcome, PendingEffect, StoreError};
use crate::record::{InboxMark, SubjectKey};
use crate::request::Reply;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use signalbox_engine::command::Command;
use signalbox_engine::gate::{Ask, Choice};
use signalbox_engine::step::{Context, Input, Outcome, Reaction, change_settings, order_link, step};
use signalbox_model::effect::{Order, Receipt};
use signalbox_model::id::{LoadId, MessageId, Mint, Minted, Seq, StreamId, TenantId};
use signalbox_model::personal::Personal;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, TenantScope};
use signalbox_model::value::ExternalId;
use std::collections::BTreeMap;

/// One command on its way: who asks, under which key.
pub(crate) struct Asked<'a> {
    pub scope: &'a TenantScope,
    pub cause: String,
    pub key: Option<(String, String)>,
    pub traceparent: Option<&'a str>,
    pub now: Timestamp,
}

impl Machine {
    pub(crate) fn command(
        &mut self,
        scope: &TenantScope,
        command: Command,
        idempotency_key: Option<String>,
        traceparent: Option<&str>,
        now: Timestamp,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<Reply, StoreError> {
        let tenant = scope.tenant();
        let key = match idempotency_key {
            None => None,
            Some(key) => {
                let key = command_key(scope, &key);
                let sha256 = fingerprint(&command);
                if let Some(known) = self.mark(tenant, &key)? {
                    return Ok(repeat(known, &sha256, self.committed));
                }
                Some((key, sha256))
            }
        };
        let cause = match &key {
            Some((key, _)) => format!("{tenant}/{key}"),
            None => format!("{tenant}/command/{}", self.next_seq),
        };
        let asked = Asked {
            scope,
            cause,
            key,
            traceparent,
            now,
        };
        if let Some(first) = command.issues().first() {
            let (rejection, detail) = (unfit(&command), first.why.clone());
            return Ok(Reply::Rejected {
                rejection,
                detail,
                issues: command.issues(),
                seq: self.committed,
            });
        }
        let mut command = command;
        let keys = self.seal(tenant, command.personal_mut(), entropy)?;
        match command {
            Command::CreateOrder { order } => self.create_order(&asked, *order, keys),
            Command::AnswerOffer { ref answer } => {
                let offer = answer.offer.clone().map(|it| it.0).unwrap_or_default();
                self.on_load(&asked, ("offer", &offer), Rejection::OfferUnknown, command, keys)
            }
            Command::DecideApproval { ref approval, .. } => {
                let id = approval.0.clone();
                self.on_load(&asked, ("approval", &id), Rejection::ApprovalUnknown, command, keys)
            }
            Command::ResolveException { ref exception, .. } => {
                let id = exception.0.clone();
                self.on_load(&asked, ("exception", &id), Rejection::ExceptionUnknown, command, keys)
            }
            Command::SettleHeld { ref held, .. } => {
                let id = held.0.clone();
                self.on_load(&asked, ("held", &id), Rejection::HeldUnknown, command, Vec::new())
            }
            Command::SwitchAutomation {
                scope, mode, reason, ..
            } => {
                let on_the_wire = self.outbox.on_the_wire(tenant);
                let command = Command::SwitchAutomation {
                    scope,
                    mode,
                    reason,
                    on_the_wire,
                };
                self.change(&asked, command, Vec::new())
            }
            Command::AssignVehicle { ref load, .. } | Command::CoverLoad { ref load, .. } => {
                let id = load.0.clone();
                self.on_load(&asked, ("load", &id), Rejection::LoadUnknown, command, keys)
            }
            Command::StateCapacity { capacity } => self.state_capacity(&asked, capacity),
            Command::CreateTenant { .. }
            | Command::IssueKey { .. }
            | Command::InstallPlaybook { .. }
            | Command::ChangeTable { .. }
            | Command::ChangePartner { .. }
            | Command::ChangeSource { .. }
            | Command::ChangeSite { .. }
            | Command::ChangeSettings { .. } => self.change(&asked, command, keys),
        }
    }

    fn create_order(
        &mut self,
        asked: &Asked<'_>,
        order: signalbox_model::attempt::OrderAttempt,
        keys: Vec<SubjectKey>,
    ) -> Result<Reply, StoreError> {
        let tenant = asked.scope.tenant();
        let directory = self.directory(tenant)?;
        let Some(customer) = directory.customer(&order.customer) else {
            let detail = format!("{} is no customer here", order.customer);
            let rejection = Rejection::CustomerUnknown;
            return Ok(Reply::Rejected {
                rejection,
                detail,
                issues: Vec::new(),
                seq: self.committed,
            });
        };
        let known = self.find(tenant, &order_link(&customer.id, &order.reference))?;
        let is_new = known.is_none();
        let load = known.map_or_else(|| Mint::new(asked.cause.as_str(), asked.now).make(), |it| LoadId(it.0));
        let stream = StreamId::load(&load);
        if is_new {
            self.streams.begin(tenant, &stream);
        }
        let input = Input::Order {
            attempt: Box::new(order),
            message: None,
            load,
        };
        self.judge(asked, &stream, input, keys)
    }

    fn on_load(
        &mut self,
        asked: &Asked<'_>,
        (kind, id): (&str, &str),
        unknown: Rejection,
        command: Command,
        keys: Vec<SubjectKey>,
    ) -> Result<Reply, StoreError> {
        let Some(stream) = self.find(asked.scope.tenant(), &ExternalId::new("signalbox", kind, id))? else {
            let detail = format!("no {kind} {id}");
            return Ok(Reply::Rejected {
                rejection: unknown,
                detail,
                issues: Vec::new(),
                seq: self.committed,
            });
        };
        self.judge(asked, &stream, Input::Command(command), keys)
    }

    fn judge(
        &mut self,
        asked: &Asked<'_>,
        stream: &StreamId,
        input: Input,
        keys: Vec<SubjectKey>,
    ) -> Result<Reply, StoreError> {
        let tenant = asked.scope.tenant();
        let directory = self.directory(tenant)?;
        let mut state = self.take_load(tenant, stream)?;
        let actor = asked.scope.actor();
        let context = Context {
            now: asked.now,
            actor,
            directory: &directory,
            cause: &asked.cause,
        };
        let reaction = step(&mut state, input, &context);
        self.streams.put(tenant, stream, state, self.next_seq);
        let extra = Extra {
            keys,
            ..Extra::default()
        };
        self.answer(asked, stream, reaction, extra)
    }

    fn change(&mut self, asked: &Asked<'_>, command: Command, keys: Vec<SubjectKey>) -> Result<Reply, StoreError> {
        let created = match &command {
            Command::CreateTenant { tenant, name } => Some((tenant.clone(), name.clone())),
            _ => None, // Every other change concerns the caller's own tenant alone.
        };
        let tenant = asked.scope.tenant().clone();
        let directory = self.directory(&tenant)?;
        let context = Context {
            now: asked.now,
            actor: asked.scope.actor(),
            directory: &directory,
            cause: &asked.cause,
        };
        let reaction = change_settings(&directory, command, &context);
        self.fold_settings(&tenant, &directory, &reaction)?;
        if let Some((new, name)) = created.filter(|(new, _)| *new != tenant && !reaction.events.is_empty()) {
            self.first_turn_of(new, name, asked)?;
        }
        let extra = Extra {
            keys,
            ..Extra::default()
        };
        self.answer(asked, &StreamId::settings(), reaction, extra)
    }

    /// A tenant's own settings stream begins with its name.
    fn first_turn_of(&mut self, tenant: TenantId, name: String, asked: &Asked<'_>) -> Result<(), StoreError> {
        let directory = self.directory(&tenant)?;
        let context = Context {
            now: asked.now,
            actor: asked.scope.actor(),
            directory: &directory,
            cause: &asked.cause,
        };
        let reaction = change_settings(
            &directory,
            Command::CreateTenant {
                tenant: tenant.clone(),
                name,
            },
            &context,
        );
        self.fold_settings(&tenant, &directory, &reaction)?;
        let origin = origin(asked);
        self.emit(&tenant, &StreamId::settings(), reaction, &origin, Extra::default())?;
        Ok(())
    }

    fn fold_settings(
        &mut self,
        tenant: &TenantId,
        directory: &signalbox_engine::directory::Directory,
        reaction: &Reaction,
    ) -> Result<(), StoreError> {
        if reaction.events.is_empty() {
            return Ok(());
        }
        let mut changed = directory.clone();
        reaction.events.iter().for_each(|event| changed.apply(event));
        self.streams.put_directory(changed);
        self.directory_changed(tenant);
        Ok(())
    }

    pub(crate) fn answer(
        &mut self,
        asked: &Asked<'_>,
        stream: &StreamId,
        reaction: Reaction,
        extra: Extra,
    ) -> Result<Reply, StoreError> {
        let tenant = asked.scope.tenant();
        let outcome = reaction.outcome.clone();
        let mut seq = self.committed;
        if !reaction.is_empty() {
            let answer = match &outcome {
                Outcome::Done(answer) => Some(json!({"done": answer})),
                Outcome::Rejected { rejection, detail, .. } => Some(json!({"rejected": rejection, "detail": detail})),
                Outcome::Nothing => None,
            };
            let mark = asked.key.clone().map(|(key, sha256)| InboxMark {
                message: MessageId::from_minted(sha256.chars().take(26).collect()),
                key,
                sha256,
                answer,
            });
            self.know_version(tenant, stream)?;
            seq = self.emit(tenant, stream, reaction, &origin(asked), Extra { mark, ..extra })?;
        }
        Ok(match outcome {
            Outcome::Done(answer) => Reply::Done {
                answer,
                seq,
                replayed: false,
            },
            Outcome::Nothing => Reply::Done {
                answer: json!({}),
                seq,
                replayed: false,
            },
            Outcome::Rejected {
                rejection,
                detail,
                issues,
            } => Reply::Rejected {
                rejection,
                detail,
                issues,
                seq,
            },
        })
    }

    /// Asks the gate about something that is not a load's.
    pub(crate) fn may(
        &mut self,
        scope: &TenantScope,
        action: &'static str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let directory = self.directory(scope.tenant())?;
        let resource = ("Settings", scope.tenant().as_str());
        let ask = Ask {
            tenant: scope.tenant(),
            actor: scope.actor(),
            action,
            resource,
            facts: BTreeMap::new(),
            now,
        };
        Ok(directory.gate.decide(&ask).choice == Choice::Allow)
    }

    /// A workflow asked for what happened so far to be durable; now it is.
    pub(crate) fn go_on(&mut self, pending: &PendingEffect, now: Timestamp) -> Result<(), StoreError> {
        let Order::ContinueWorkflow { instance, call, .. } = &pending.effect.order else {
            return Ok(());
        };
        let input = Input::Continue {
            effect: pending.effect.id.clone(),
            instance: instance.clone(),
            call: call.clone(),
        };
        self.inner(
            &pending.tenant,
            &pending.stream,
            input,
            pending.effect.id.as_str(),
            pending.traceparent.as_deref(),
            now,
        )
    }

    /// What came of a delivery, judged by the stream that ordered it.
    pub(crate) fn settle(
        &mut self,
        outcome: DeliveryOutcome,
        now: Timestamp,
        entropy: &mut dyn FnMut(&mut [u8]),
    ) -> Result<(), StoreError> {
        if let Some(Order::AskAdvisor { message, .. }) = self.outbox.order(&outcome.effect)
            && let Receipt::Delivered { receipt, .. } = &outcome.receipt
        {
            let (message, receipt) = (message.clone(), receipt.clone());
            return self.advised(&outcome, &message, &receipt, now, entropy);
        }
        let DeliveryOutcome {
            tenant,
            stream,
            effect,
            receipt,
        } = outcome;
        let cause = format!("{effect}/receipt");
        if stream.is_load() {
            let input = Input::Settled {
                effect: effect.clone(),
                receipt,
            };
            self.inner(&tenant, &stream, input, &cause, None, now)?;
            self.outbox.settle(&effect);
            return Ok(());
        }
        if !self.outbox.contains(&effect) {
            return Ok(());
        }
        let name = "SendAcknowledgement".to_owned();
        let event = signalbox_model::event::Event::EffectSettled {
            effect: effect.clone(),
            name,
            receipt,
        };
        let reaction = Reaction {
            events: vec![event],
            settled: vec![effect],
            ..Reaction::default()
        };
        let actor = Actor::system();
        self.know_version(&tenant, &stream)?;
        let origin = Origin {
            cause: &cause,
            actor: &actor,
            traceparent: None,
            now,
        };
        self.emit(&tenant, &stream, reaction, &origin, Extra::default())?;
        Ok(())
    }

    pub(crate) fn inner(
        &mut self,
        tenant: &TenantId,
        stream: &StreamId,
        input: Input,
        cause: &str,
        traceparent: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let directory = self.directory(tenant)?;
        let mut state = self.take_load(tenant, stream)?;
        let actor = Actor::system();
        let reaction = step(
            &mut state,
            input,
            &Context {
                now,
                actor: &actor,
                directory: &directory,
                cause,
            },
        );
        // Where nothing came of it there is no turn to wait for.
        let turned = if reaction.is_empty() {
            self.next_seq - 1
        } else {
            self.next_seq
        };
        self.streams.put(tenant, stream, state, turned);
        if !reaction.is_empty() {
            self.emit(
                tenant,
                stream,
                reaction,
                &Origin {
                    cause,
                    actor: &actor,
                    traceparent,
                    now,
                },
                Extra::default(),
            )?;
        }
        Ok(())
    }
}

/// The scope in which an installation is set up, before anybody can sign in.
pub fn platform_scope() -> TenantScope {
    TenantScope::system(TenantId::from(PLATFORM))
}

fn origin<'a>(asked: &'a Asked<'_>) -> Origin<'a> {
    Origin {
        cause: &asked.cause,
        actor: asked.scope.actor(),
        traceparent: asked.traceparent,
        now: asked.now,
    }
}

/// What a command asks for, so that the same key with other content is seen.
fn fingerprint(command: &Command) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{command:?}").as_bytes());
    // Personal values do not print; what they say counts all the same.
    let mut whole = command.clone();
    for personal in whole.personal_mut() {
        if let Personal::Plain { text, .. } = personal {
            hash.update([0]);
            hash.update(text.as_bytes());
        }
    }
    hex::encode(hash.finalize())
}

/// An Idempotency-Key is its sender's own: another's same key means something else.
pub(crate) fn command_key(scope: &TenantScope, key: &str) -> String {
    format!("command/{}/{key}", scope.actor().name)
}

/// What a command is answered whose key came before.
pub(crate) fn repeat(known: InboxMark, sha256: &str, seq: Seq) -> Reply {
    if known.sha256 != sha256 {
        return Reply::KeyConflict {
            detail: format!("{} came before with other content", known.key),
        };
    }
    let answer = known.answer.unwrap_or_default();
    let rejected = answer
        .get("rejected")
        .cloned()
        .and_then(|it| serde_json::from_value(it).ok());
    match rejected {
        Some(rejection) => {
            let detail = answer
                .get("detail")
                .and_then(|it| it.as_str())
                .unwrap_or_default()
                .to_owned();
            Reply::Rejected {
                rejection,
                detail,
                issues: Vec::new(),
                seq,
            }
        }
        None => Reply::Done {
            answer: answer.get("done").cloned().unwrap_or_default(),
            seq,
            replayed: true,
        },
    }
}

/// The name under which a command is refused whose personal values have no usable form.
fn unfit(command: &Command) -> Rejection {
    match command {
        Command::DecideApproval { .. } => Rejection::ApprovalEditInvalid,
        _ => Rejection::OrderImpossible, // As other settings that cannot be used.
    }
}
