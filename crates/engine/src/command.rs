//! Typed commands: what people and systems ask for by the API. Each meets the gate and answers with its outcome.

use crate::notices;
use serde::{Deserialize, Serialize};
use signalbox_model::answer::AnswerAttempt;
use signalbox_model::attempt::OrderAttempt;
use signalbox_model::automation::{AutomationMode, AutomationScope, OnTheWire};
use signalbox_model::capacity::CapacityAttempt;
use signalbox_model::directory::{AccessKey, Partner, Settings, Site, Source};
use signalbox_model::id::{ApprovalId, ExceptionId, HeldId, LoadId, TenantId};
use signalbox_model::issue::Issue;
use signalbox_model::personal::Personal;
use signalbox_model::value::Money;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    CreateOrder {
        order: Box<OrderAttempt>,
    },
    AnswerOffer {
        answer: AnswerAttempt,
    },
    DecideApproval {
        approval: ApprovalId,
        decision: ApprovalDecision,
    },
    /// Says which vehicle hauls a load, as its telematics source calls it. An empty name takes it off.
    AssignVehicle {
        load: LoadId,
        vehicle: String,
        /// Positions before this say nothing about the load; by default from half a day before its pickup opens.
        from: Option<jiff::Timestamp>,
    },
    ResolveException {
        exception: ExceptionId,
        resolution: Resolution,
        in_hand_ms: Option<i64>,
    },
    /// Covers a load with a carrier that a person has found.
    CoverLoad {
        load: LoadId,
        /// SCAC or partner id.
        carrier: String,
        rate: Money,
        note: Option<Personal>,
        in_hand_ms: Option<i64>,
    },
    /// Deals with what automation holds back.
    SettleHeld {
        held: HeldId,
        decision: HeldDecision,
    },
    /// Sets how far automation may act.
    SwitchAutomation {
        scope: AutomationScope,
        mode: AutomationMode,
        reason: String,
        /// What is with a courier at this moment; the writer knows.
        #[serde(default)]
        on_the_wire: Vec<OnTheWire>,
    },
    CreateTenant {
        tenant: TenantId,
        name: String,
    },
    IssueKey {
        key: AccessKey,
    },
    InstallPlaybook {
        name: String,
        version: String,
        files: BTreeMap<String, String>,
    },
    ChangeTable {
        table: String,
        content: String,
    },
    ChangePartner {
        partner: Partner,
    },
    ChangeSource {
        source: Source,
    },
    ChangeSite {
        site: Site,
    },
    ChangeSettings {
        settings: Settings,
    },
    /// Says what trucks of a carrier are free.
    StateCapacity {
        capacity: Box<CapacityAttempt>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalDecision {
    pub approve: bool,
    /// Approve with another rate, minor units of the proposal's currency.
    pub rate_minor: Option<i64>,
    /// Approve with other words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<Box<NewWording>>,
    pub reason: Option<String>,
    /// How long the person had it open, milliseconds, as their client reports.
    pub in_hand_ms: Option<i64>,
}

/// A person's own words for a message: personal values, since they may name anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWording {
    pub subject: Personal,
    pub body: Personal,
}

impl Command {
    /// Every personal value in it, so that sealing cannot miss one.
    pub fn personal_mut(&mut self) -> Vec<&mut Personal> {
        match self {
            Self::CreateOrder { order } => order.personal_mut(),
            Self::AnswerOffer { answer } => answer.note.iter_mut().collect(),
            Self::CoverLoad { note, .. } => note.iter_mut().collect(),
            Self::DecideApproval { decision, .. } => {
                let wording = decision.wording.iter_mut();
                wording.flat_map(|it| [&mut it.subject, &mut it.body]).collect()
            }
            Self::ChangePartner { partner } => partner.notify_email.iter_mut().map(AsMut::as_mut).collect(),
            Self::AssignVehicle { .. }
            | Self::ResolveException { .. }
            | Self::SettleHeld { .. }
            | Self::SwitchAutomation { .. }
            | Self::CreateTenant { .. }
            | Self::IssueKey { .. }
            | Self::InstallPlaybook { .. }
            | Self::ChangeTable { .. }
            | Self::ChangeSource { .. }
            | Self::ChangeSite { .. }
            | Self::ChangeSettings { .. }
            | Self::StateCapacity { .. } => Vec::new(),
        }
    }

    /// What is wrong with its personal values. To be asked before they are sealed: then nobody can tell any more.
    pub fn issues(&self) -> Vec<Issue> {
        match self {
            Self::DecideApproval { decision, .. } => match decision.wording.as_deref() {
                Some(NewWording {
                    subject: Personal::Plain { text: subject, .. },
                    body: Personal::Plain { text: body, .. },
                }) => notices::check_wording(subject, body),
                Some(_) | None => Vec::new(),
            },
            Self::ChangePartner { partner } => match partner.notify_email.as_deref() {
                Some(Personal::Plain { text, .. }) => notices::check_address(text).into_iter().collect(),
                Some(Personal::Sealed(_)) | None => Vec::new(),
            },
            _ => Vec::new(), // No other command has a personal value with a form of its own.
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldDecision {
    pub choice: HeldChoice,
    pub reason: Option<String>,
    pub in_hand_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldChoice {
    /// Have it done as it is, by this person's order.
    Do,
    /// Say no to it. The playbook goes on to what comes next, which is held in its turn.
    Skip,
    /// Take the load away from its playbook.
    TakeOver,
}

impl HeldChoice {
    /// The name of the touch it makes.
    pub(crate) fn touch(self) -> &'static str {
        match self {
            Self::Do => "held.do",
            Self::Skip => "held.skip",
            Self::TakeOver => "held.take_over",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    pub choice: ResolutionChoice,
    pub note: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionChoice {
    /// Settled by the person; the automation has nothing more to do about it.
    #[default]
    Done,
    /// Take the carrier's conditional answer as an acceptance.
    AcceptTerms,
    /// Refuse the carrier's terms; the tender goes on.
    RefuseTerms,
    /// Take a document in question for one of this load.
    AcceptDocument,
    /// Set a document in question aside: it is not of this load.
    RefuseDocument,
}
