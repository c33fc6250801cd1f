//! Runs the playbooks: events start and wake workflow instances, whose calls become the engine's actions.
//!
//! Invariant: a playbook can ask, it cannot act. Each call meets the same gate and the same invariants as a
//! person's command; a call that fails is an answer to the workflow, never a half-done turn.

use crate::capacity;
use crate::drafts;
use crate::exceptions;
use crate::follow_up;
use crate::notices;
use crate::offers;
use crate::turn::Turn;
use serde_json::{Value, json};
use signalbox_model::decision::Evidence;
use signalbox_model::effect::Order;
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{InstanceId, TimerId};
use signalbox_model::scope::Actor;
use signalbox_workflow::{Command, Definition, Fault, Instance, Packed, Stimulus, advance, start_input};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Stimuli one turn may work off before the automation is stopped and a person asked.
pub const STIMULI_PER_TURN_MAX: u32 = 1_000;

const WORKFLOW_TIMER: &str = "tmr_wf/";

/// What workflows are still to be told in this turn.
#[derive(Default)]
pub(crate) struct Work {
    queue: VecDeque<(InstanceId, Stimulus)>,
    moved: BTreeSet<InstanceId>,
}

impl Work {
    pub fn timer(&mut self, instance: InstanceId, timer: String) {
        self.queue.push_back((instance, Stimulus::Timer { timer }));
    }

    /// Ends an instance, before it hears of anything else.
    pub fn cancel(&mut self, instance: InstanceId, reason: &str) {
        let reason = reason.to_owned();
        self.queue.push_back((instance, Stimulus::Cancel { reason }));
    }

    pub fn returned(&mut self, instance: InstanceId, call: String) {
        self.queue.push_back((
            instance,
            Stimulus::CallReturned {
                call,
                result: Ok(json!({})),
            },
        ));
    }
}

/// The instance and timer a durable timer belongs to, if it is a workflow's.
pub(crate) fn workflow_timer(timer: &TimerId) -> Option<(InstanceId, String)> {
    let (instance, name) = timer.0.strip_prefix(WORKFLOW_TIMER)?.split_once('/')?;
    Some((InstanceId::from(instance), name.to_owned()))
}

/// Tells the workflows what happened in this turn, and does what they ask, until all is quiet.
pub(crate) fn run(turn: &mut Turn<'_>, mut work: Work) {
    let mut told = 0;
    let mut stimuli = 0;
    loop {
        while told < turn.out.events.len() {
            spread(turn, &mut work, told);
            told += 1;
        }
        let Some((id, stimulus)) = work.queue.pop_front() else {
            break;
        };
        stimuli += 1;
        if stimuli > STIMULI_PER_TURN_MAX {
            stop(turn, "the workflow did not come to rest");
            break;
        }
        tell(turn, &mut work, &id, stimulus);
    }
    for id in work.moved {
        let instance = turn.state.instances.get(&id);
        if let Some(packed) = instance.and_then(|it| Packed::new(it).ok()) {
            turn.out.instances.push(packed);
        }
    }
    turn.state.instances.retain(|_, it| !it.is_over());
}

/// Gives an event of this turn to every running instance, and starts the playbooks that listen for it.
fn spread(turn: &mut Turn<'_>, work: &mut Work, place: usize) {
    let Some(event) = turn.out.events.get(place) else {
        return;
    };
    // A language model's words are for people. No playbook hears of them, so that none can act on them.
    if matches!(event, Event::AdviceGiven { .. } | Event::AdviceRefused { .. }) {
        return;
    }
    let kind = event.wire_type();
    let hears = |it: &Instance| {
        let definition = turn.directory().definitions.get(&it.definition.hash);
        definition.is_none_or(|definition| definition.may_hear(&kind))
    };
    let running = turn.state.instances.iter();
    let running = running.filter(|(_, it)| !it.is_over() && hears(it));
    let running: Vec<InstanceId> = running.map(|(id, _)| id.clone()).collect();
    // What a playbook may begin with. One that listens for neither costs nothing.
    let starts = matches!(
        event,
        Event::LoadCreated { .. } | Event::ExceptionRaised { .. } | Event::InvoiceReadinessChanged { .. }
    );
    if running.is_empty() && !starts {
        return;
    }
    let cloud_event = match cloud_event(turn, event, &kind, place) {
        Ok(cloud_event) => cloud_event,
        Err(error) => {
            let why = format!("{} cannot be told to it: {error}", event.name());
            return stop(turn, &why);
        }
    };
    if !starts && let [only] = running.as_slice() {
        work.queue.push_back((only.clone(), Stimulus::Event(cloud_event)));
        return;
    }
    for id in running {
        work.queue.push_back((id, Stimulus::Event(cloud_event.clone())));
    }
    if !starts {
        return;
    }
    for playbook in turn.directory().playbooks.values() {
        let definition = &playbook.definition;
        let Some(input) = start_input(definition, &cloud_event, turn.now()) else {
            continue;
        };
        let id: InstanceId = turn.mint.make();
        turn.state
            .instances
            .insert(id.clone(), Instance::new(id.as_str(), definition));
        work.queue.push_back((id, Stimulus::Start { input }));
    }
}

/// The event as a CloudEvent 1.0, as workflows see it.
fn cloud_event(turn: &Turn<'_>, event: &Event, kind: &str, place: usize) -> Result<Value, serde_json::Error> {
    let data = match event {
        Event::LoadCreated { load } => {
            json!({"load": serde_json::to_value(load)?, "lane": load.lane(),
                   "customer": turn.state.order.as_ref().map(|it| it.customer.clone())})
        }
        Event::ExceptionRaised { exception } => {
            json!({"event": "exception_raised", "exception": exception, "load": turn.state.load,
                   "customer": turn.state.order.as_ref().map(|it| it.customer.clone())})
        }
        Event::InvoiceReadinessChanged { ready, missing, opens } => {
            let load = turn.state.load.as_ref();
            json!({"event": "invoice_readiness_changed", "ready": ready, "missing": missing, "opens": opens,
                   "told": turn.state.effects.values().any(|it| matches!(it.order, Order::TellSystem { .. })),
                   "reference": load.map(|it| &it.reference), "lane": load.map(|it| it.lane()),
                   "priority": load.map(|it| it.priority),
                   "customer": turn.state.order.as_ref().map(|it| &it.customer),
                   "carrier": turn.state.covered.as_ref().map(|it| &it.carrier)})
        }
        other => serde_json::to_value(other)?,
    };
    let subject = turn.state.load.as_ref().map(|it| it.id.0.clone());
    Ok(json!({
        "specversion": "1.0",
        "id": format!("{}#{}", turn.context.cause, place + 1),
        "source": format!("signalbox/{}", turn.directory().tenant),
        "type": kind,
        "subject": subject,
        "time": turn.now(),
        "datacontenttype": "application/json",
        "data": data,
    }))
}

fn tell(turn: &mut Turn<'_>, work: &mut Work, id: &InstanceId, stimulus: Stimulus) {
    let Some(mut instance) = turn.state.instances.remove(id) else {
        return;
    };
    let Some(definition) = definition(turn, &instance) else {
        turn.state.instances.insert(id.clone(), instance);
        return stop(turn, "the workflow's definition is not installed");
    };
    let step = advance(&definition, &mut instance, stimulus, turn.now());
    if step.ignored.is_none() {
        work.moved.insert(id.clone());
    }
    turn.state.instances.insert(id.clone(), instance);
    for command in step.commands {
        obey(turn, work, id, &definition, command);
    }
}

fn definition(turn: &Turn<'_>, instance: &Instance) -> Option<Arc<Definition>> {
    turn.directory().definitions.get(&instance.definition.hash).cloned()
}

fn obey(turn: &mut Turn<'_>, work: &mut Work, id: &InstanceId, definition: &Definition, command: Command) {
    let timer_id = |timer: &str| TimerId(format!("{WORKFLOW_TIMER}{id}/{timer}"));
    match command {
        Command::Call { call, function, with } => {
            if Function::named(&function) == Some(Function::Checkpoint) {
                let Some(load) = turn.state.load.as_ref().map(|it| it.id.clone()) else {
                    return;
                };
                turn.order(Order::ContinueWorkflow {
                    load,
                    instance: id.clone(),
                    call,
                });
                return;
            }
            let result = function_call(turn, definition, &function, with);
            work.queue
                .push_back((id.clone(), Stimulus::CallReturned { call, result }));
        }
        Command::SetTimer { timer, due } => turn.set_timer(timer_id(&timer), due),
        Command::CancelTimer { timer } => turn.cancel_timer(timer_id(&timer)),
        Command::RunWorkflow { call, name, .. } => {
            let result = Err(fault(
                "not-supported",
                format!("running {name} inside this playbook is not allowed"),
            ));
            work.queue
                .push_back((id.clone(), Stimulus::CallReturned { call, result }));
        }
        Command::Faulted { error } => {
            let detail = error.detail.or(error.title).unwrap_or(error.kind);
            stop(turn, &format!("{} stopped: {detail}", definition.name));
        }
        // Calls end within the turn; emitted events and outputs stay on the instance.
        Command::CancelCall { .. } | Command::Emit { .. } | Command::Completed { .. } => {}
    }
}

/// The catalogue of functions a playbook may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Makes all that was decided durable before the workflow goes on.
    Checkpoint,
    Decide,
    StartTender,
    /// Asks the tenant's capacity for a truck.
    AskCapacity,
    /// Proposes to take the truck of a load that can wait.
    ProposeDisplacement,
    MakeOffer,
    CloseTender,
    RaiseException,
    /// Asks the carrier for a document it owes.
    RequestDocument,
    /// Tells the customer's and the tenant's own system whether the load can be invoiced.
    TellSystem,
    /// Proposes a notice to a partner.
    Notify,
    /// Takes back what waits to be decided about a thing.
    WithdrawNotice,
}

impl Function {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "checkpoint:1.0.0@signalbox" => Self::Checkpoint,
            "decide:1.0.0@signalbox" => Self::Decide,
            "start-tender:1.0.0@signalbox" => Self::StartTender,
            "ask-capacity:1.0.0@signalbox" => Self::AskCapacity,
            "propose-displacement:1.0.0@signalbox" => Self::ProposeDisplacement,
            "make-offer:1.0.0@signalbox" => Self::MakeOffer,
            "close-tender:1.0.0@signalbox" => Self::CloseTender,
            "raise-exception:1.0.0@signalbox" => Self::RaiseException,
            "request-document:1.0.0@signalbox" => Self::RequestDocument,
            "tell-system:1.0.0@signalbox" => Self::TellSystem,
            "notify:1.0.0@signalbox" => Self::Notify,
            "withdraw-notice:1.0.0@signalbox" => Self::WithdrawNotice,
            _ => return None, // Any other text names nothing here.
        })
    }
}

fn function_call(turn: &mut Turn<'_>, definition: &Definition, function: &str, with: Value) -> Result<Value, Fault> {
    let actor = Actor::playbook(&definition.name);
    let before = turn.acting.replace(definition.name.clone());
    let result = perform(turn, &actor, definition, function, with);
    turn.acting = before;
    result
}

fn perform(
    turn: &mut Turn<'_>,
    actor: &Actor,
    definition: &Definition,
    function: &str,
    with: Value,
) -> Result<Value, Fault> {
    match Function::named(function) {
        Some(Function::Decide) => decide(turn, definition, &with),
        Some(Function::StartTender) => start_tender(turn, definition),
        Some(Function::AskCapacity) => capacity::ask(turn, with),
        Some(Function::ProposeDisplacement) => Ok(capacity::propose(turn, actor)),
        Some(Function::MakeOffer) => {
            let wanted = serde_json::from_value(with).map_err(|error| fault("validation", error.to_string()))?;
            Ok(offers::make(turn, actor, wanted))
        }
        Some(Function::CloseTender) => Ok(close_tender(turn)),
        Some(Function::RaiseException) => raise_exception(turn, definition, &with),
        Some(Function::RequestDocument) => {
            let wanted = serde_json::from_value(with).map_err(|error| fault("validation", error.to_string()))?;
            Ok(follow_up::request_document(turn, actor, &wanted))
        }
        Some(Function::TellSystem) => Ok(follow_up::tell_system(turn, actor)),
        Some(Function::Notify) => drafts::notify(turn, definition, &with),
        Some(Function::WithdrawNotice) => {
            let text = |name: &str| with.get(name).and_then(Value::as_str).unwrap_or_default();
            let withdrawn = notices::withdraw_about(turn, text("about"), text("reason"));
            Ok(json!({"withdrawn": withdrawn}))
        }
        // A checkpoint is an effect, so it is answered once it is durable and never comes here.
        Some(Function::Checkpoint) | None => Err(fault(
            "not-supported",
            format!("no function {function} in the catalogue"),
        )),
    }
}

fn decide(turn: &mut Turn<'_>, definition: &Definition, with: &Value) -> Result<Value, Fault> {
    let name = with.get("table").and_then(Value::as_str).unwrap_or_default();
    let input = with.get("input").cloned().unwrap_or_default();
    let missing = || fault("configuration", format!("no decision table {name}"));
    let table = turn
        .directory()
        .table(&definition.name, name)
        .cloned()
        .ok_or_else(missing)?;
    let answer = table
        .evaluate(&input)
        .map_err(|error| fault("expression", error.to_string()))?;
    let evidence = vec![
        Evidence::new("input", input, "playbook"),
        Evidence::new("rules fired", json!(answer.fired), &format!("table {name}")),
    ];
    let choice = format!("{} rows", answer.rows.len());
    turn.decide(
        &format!("table.{name}"),
        &choice,
        evidence,
        format!("{name}@{}", short(&table.hash)),
    );
    Ok(json!({"rows": answer.rows, "fired": answer.fired}))
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn start_tender(turn: &mut Turn<'_>, definition: &Definition) -> Result<Value, Fault> {
    if turn.state.tender.is_some() || turn.state.covered.is_some() || turn.state.cancelled.is_some() {
        return Err(fault("conflict", "the load has a tender or needs none".to_owned()));
    }
    let tender = turn.mint.make();
    let (playbook, definition) = (
        definition.name.clone(),
        format!("{}@{}", definition.version, short(&definition.hash)),
    );
    turn.record(Event::TenderStarted {
        tender,
        playbook,
        definition,
    });
    Ok(json!({"tender": turn.state.tender.as_ref().map(|it| it.id.clone())}))
}

fn close_tender(turn: &mut Turn<'_>) -> Value {
    let Some(tender) = turn.state.tender.clone().filter(|it| !it.exhausted) else {
        return json!({"closed": false});
    };
    let offers = turn.state.offers.len() as u32;
    turn.record(Event::TenderExhausted {
        tender: tender.id,
        offers,
    });
    json!({"closed": true, "offers": offers})
}

fn raise_exception(turn: &mut Turn<'_>, definition: &Definition, with: &Value) -> Result<Value, Fault> {
    let text = |name: &str| with.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let invalid = |error: serde_json::Error| fault("validation", error.to_string());
    let kind: ExceptionKind = serde_json::from_value(with.get("kind").cloned().unwrap_or_default()).map_err(invalid)?;
    let severity: ExceptionSeverity = match with.get("severity") {
        Some(given) => serde_json::from_value(given.clone()).map_err(invalid)?,
        None => ExceptionSeverity::Medium,
    };
    let offers = turn
        .state
        .offers
        .iter()
        .map(|it| format!("{} {:?}", it.scac, it.state).to_lowercase());
    let offers = Evidence::new("offers", offers.collect::<Vec<_>>().join(", "), "tender");
    let summary = exceptions::summary(turn, &definition.name, with);
    let evidence = summary.into_iter().chain([offers]).collect();
    let id = exceptions::raise(turn, kind, severity, &text("title"), &text("next_action"), evidence);
    Ok(json!({"exception": id}))
}

/// The automation cannot go on: a person has to.
fn stop(turn: &mut Turn<'_>, why: &str) {
    let evidence = vec![Evidence::new("why", why, "workflow")];
    let title = format!("The automation stopped: {why}");
    let next = "Cover the load by hand, and tell whoever owns the playbook.";
    exceptions::raise(
        turn,
        ExceptionKind::AutomationStopped,
        ExceptionSeverity::High,
        &title,
        next,
        evidence,
    );
}

pub(crate) fn fault(kind: &str, detail: String) -> Fault {
    Fault {
        kind: format!("https://signalbox.example/errors/{kind}"),
        status: 400,
        title: Some(kind.to_owned()),
        detail: Some(detail),
        instance: None,
    }
}
