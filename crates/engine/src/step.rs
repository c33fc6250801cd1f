//! One step of a load: an input judged against its state. The same function on a normal Tuesday and after a crash.

use crate::command::Command;
use crate::directory::Directory;
use crate::documents::{self, Arrival};
use crate::state::LoadState;
use crate::trip::{self, Picture};
use crate::turn::Turn;
use crate::{
    answers, approvals, capacity, cover, exceptions, held, invoices, mail, moot, offers, orders, process, receipts,
    views,
};
use jiff::Timestamp;
use serde_json::Value;
use signalbox_model::answer::AnswerAttempt;
use signalbox_model::attempt::{InvoiceAttempt, OrderAttempt, StatusAttempt};
use signalbox_model::capacity::CapacityAnswer;
use signalbox_model::decision::Decision;
use signalbox_model::effect::{Effect, Receipt};
use signalbox_model::event::Event;
use signalbox_model::id::{CapacityHoldId, EffectId, InstanceId, LoadId, MessageId, OfferId, TimerId};
use signalbox_model::issue::Issue;
use signalbox_model::mail::{Advice, Chosen, Mail};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Actor;
use signalbox_model::timer::TimerChange;
use signalbox_model::value::ExternalId;
use signalbox_model::view::ViewChange;

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A customer's load tender or order, for a load that is new (`load` is the id it gets) or known.
    Order {
        attempt: Box<OrderAttempt>,
        message: Option<MessageId>,
        load: LoadId,
    },
    Answer(AnswerAttempt),
    Status(StatusAttempt),
    Invoice(InvoiceAttempt),
    /// What somebody wrote about this load. It is sealed, and its facts are checked against the load.
    Mail {
        mail: Box<Mail>,
        message: Option<MessageId>,
        /// Where a person has said that it is about this load.
        chosen: Option<Box<Chosen>>,
    },
    Document(Box<Arrival>),
    /// What a vehicle's positions say about this load has changed.
    Moved(Picture),
    /// Places may be known now that were not.
    LookAgain,
    Command(Command),
    Timer(TimerId),
    Settled {
        effect: EffectId,
        receipt: Receipt,
    },
    /// A language model has answered about a mail, or said something that cannot be shown.
    Advised {
        effect: EffectId,
        answer: Result<Box<Advice>, String>,
    },
    /// The tenant's capacity has answered.
    Capacity {
        effect: EffectId,
        answer: Box<CapacityAnswer>,
    },
    /// An expedited load is to have this one's truck.
    Displaced {
        effect: EffectId,
        hold: CapacityHoldId,
        offer: OfferId,
        by: LoadId,
        by_reference: String,
        approved_by: Actor,
    },
    /// This delivery may not leave: automation observes or is stopped.
    Withheld(EffectId),
    /// Automation may act again.
    Resume(EffectId),
    /// What a workflow asked to be durable has become so.
    Continue {
        effect: EffectId,
        instance: InstanceId,
        call: String,
    },
}

/// All that a step may know besides the load's state.
pub struct Context<'a> {
    pub now: Timestamp,
    pub actor: &'a Actor,
    pub directory: &'a Directory,
    /// Unique to the turn: ids derive from it.
    pub cause: &'a str,
}

/// What a step decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reaction {
    pub events: Vec<Event>,
    pub decisions: Vec<Decision>,
    pub effects: Vec<Effect>,
    pub settled: Vec<EffectId>,
    pub timers: Vec<TimerChange>,
    /// Workflow positions that moved, packed.
    pub instances: Vec<Packed>,
    pub views: Vec<ViewChange>,
    pub links: Vec<ExternalId>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Outcome {
    #[default]
    Nothing,
    Done(Value),
    Rejected {
        rejection: Rejection,
        detail: String,
        issues: Vec<Issue>,
    },
}

impl Reaction {
    /// Whether there is anything to keep.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.decisions.is_empty() && self.settled.is_empty() && self.instances.is_empty()
    }
}

/// Judges one input. `state` has the reaction's events folded in when it returns.
pub fn step(state: &mut LoadState, input: Input, context: &Context<'_>) -> Reaction {
    let mut turn = Turn::new(state, context);
    let mut work = process::Work::default();
    match input {
        Input::Order { attempt, message, load } => orders::admit(&mut turn, *attempt, message, load),
        Input::Answer(answer) => answers::admit(&mut turn, answer),
        Input::Status(status) => trip::report(&mut turn, status),
        Input::Moved(picture) => trip::moved(&mut turn, picture),
        Input::LookAgain => trip::begin(&mut turn),
        Input::Invoice(invoice) => invoices::admit(&mut turn, invoice),
        Input::Document(arrival) => documents::admit(&mut turn, *arrival),
        Input::Mail { mail, message, chosen } => mail::admit(&mut turn, *mail, message, chosen.map(|it| *it)),
        Input::Command(command) => run(&mut turn, &mut work, command),
        Input::Withheld(effect) => held::withhold(&mut turn, &effect),
        Input::Resume(effect) => held::resume(&mut turn, &mut work, &effect),
        Input::Timer(timer) if held::timer(&mut turn, &timer) => {}
        Input::Timer(timer) => match process::workflow_timer(&timer) {
            Some((instance, timer)) => work.timer(instance, timer),
            None => match trip::timer_of(&timer) {
                Some(stop) => trip::overdue(&mut turn, stop),
                None => offers::wake(&mut turn, &timer),
            },
        },
        Input::Advised { effect, answer } => mail::advised(&mut turn, effect, answer.map(|it| *it)),
        Input::Capacity { effect, answer } => capacity::answered(&mut turn, effect, *answer),
        Input::Displaced {
            effect,
            hold,
            offer,
            by,
            by_reference,
            approved_by,
        } => capacity::displaced_by(&mut turn, effect, (hold, offer), (by, by_reference, approved_by)),
        Input::Settled { effect, receipt } => receipts::settle(&mut turn, effect, receipt),
        Input::Continue { effect, instance, call } => {
            turn.out.settled.push(effect);
            work.returned(instance, call);
        }
    }
    if !turn.out.events.is_empty() {
        documents::review(&mut turn);
    }
    process::run(&mut turn, work);
    moot::sweep(&mut turn);
    views::refresh(&mut turn);
    turn.out
}

fn run(turn: &mut Turn<'_>, work: &mut process::Work, command: Command) {
    match command {
        Command::AnswerOffer { answer } => {
            if turn.may("answer_offer") {
                answers::admit(turn, answer);
            }
        }
        Command::DecideApproval { approval, decision } => approvals::decide(turn, &approval, decision),
        Command::ResolveException {
            exception,
            resolution,
            in_hand_ms,
        } => {
            exceptions::resolve(turn, &exception, resolution, in_hand_ms);
        }
        Command::AssignVehicle { vehicle, from, .. } => trip::assign(turn, &vehicle, from),
        Command::CoverLoad {
            carrier,
            rate,
            note,
            in_hand_ms,
            ..
        } => {
            let agreed = cover::Agreed {
                carrier,
                rate,
                note,
                in_hand_ms,
            };
            cover::by_hand(turn, work, agreed);
        }
        Command::SettleHeld { held, decision } => held::decide(turn, work, &held, decision),
        // The runtime turns a new order into `Input::Order`; settings have a stream of their own.
        Command::CreateOrder { .. }
        | Command::CreateTenant { .. }
        | Command::IssueKey { .. }
        | Command::InstallPlaybook { .. }
        | Command::ChangeTable { .. }
        | Command::ChangePartner { .. }
        | Command::ChangeSource { .. }
        | Command::ChangeSite { .. }
        | Command::StateCapacity { .. }
        | Command::SwitchAutomation { .. }
        | Command::ChangeSettings { .. } => {
            turn.reject(
                Rejection::NotAllowed,
                "this command is not a load's".to_owned(),
                Vec::new(),
            );
        }
    }
}

pub use crate::documents::file_link;
pub use crate::orders::order_link;
pub use crate::settings::change as change_settings;
pub use signalbox_workflow::Packed;
