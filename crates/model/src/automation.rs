//! How far automation may act: by itself, watched, or not at all; and what it holds back meanwhile.

use crate::id::{EffectId, HeldId, LoadId, OfferId, TimerId};
use crate::scope::Actor;
use crate::value::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutomationMode {
    /// Acts by itself, as far as the gate lets it.
    #[default]
    Automatic,
    /// Judges, records and proposes as ever; nothing leaves for the outside, not even by a person's order.
    Observe,
    /// Holds each thing it is about to do for a person. What a person orders leaves.
    Stopped,
}

impl AutomationMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Observe => "observe",
            Self::Stopped => "stopped",
        }
    }
}

/// What a mode is set for. Every field narrows it; none: all of the tenant's automation.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AutomationScope {
    /// The playbook's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
}

/// A mode as it was set, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeSet {
    #[serde(default)]
    pub scope: AutomationScope,
    pub mode: AutomationMode,
    pub reason: String,
    pub by: Actor,
    pub at: Timestamp,
}

/// A delivery that was with a courier when the mode was set: it may still arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnTheWire {
    pub effect: EffectId,
    /// `SendOffer`
    pub name: String,
    pub load: Option<LoadId>,
}

/// One thing automation was about to do and did not, because it observes or is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub id: HeldId,
    pub what: HeldWhat,
    /// The mode that held it.
    pub mode: AutomationMode,
    pub playbook: Option<String>,
    /// The gate's action, or what a timer would have led to: `make_offer`, `expire_offer`.
    pub action: String,
    pub title: String,
    /// What it would have done, to whom, at what rate and until when.
    pub proposal: serde_json::Value,
    pub since: Timestamp,
    /// The inner effect that waits for automation to go on.
    pub resume: EffectId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "held", rename_all = "snake_case")]
pub enum HeldWhat {
    /// An offer that was judged and not made.
    Offer {
        offer: OfferId,
        /// A person has approved it already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approved_by: Option<Actor>,
    },
    /// A delivery that was ordered and waits in the outbox.
    Delivery { effect: EffectId },
    /// A timer that came due.
    Timer { timer: TimerId, due: Timestamp },
}

/// What became of a held thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldOutcome {
    /// A person had it done as it was.
    Done,
    /// A person said no to it.
    Skipped,
    /// A person took the load away from automation.
    TakenOver,
    /// A person covered the load by hand instead.
    ByHand,
    /// There was nothing left to do.
    Moot,
    /// Automation went on with it.
    Resumed,
}

/// What automation would have done against what a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    pub proposed_carrier: String,
    pub proposed_rate: Money,
    pub proposed_at: Timestamp,
    pub carrier: String,
    pub rate: Money,
    pub same_carrier: bool,
    pub same_rate: bool,
    /// By hand less proposed, in minor units; none where the currencies differ.
    pub difference_minor: Option<i64>,
    /// How much later than the proposal the person was done, milliseconds.
    pub later_ms: i64,
}
