//! Notices: messages to a customer or carrier, drafted by a playbook and let go by the gate or a person.

use crate::id::{NoticeId, PartnerId};
use crate::personal::Personal;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A message to a partner. Where it goes is the directory's to say, never the text's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub id: NoticeId,
    pub to: PartnerId,
    /// The thing it tells of: an exception's id, or a name that its playbook gives it. One thing is told once, and again
    /// only once it has grown materially worse.
    pub about: String,
    /// The time it tells, where it tells one: what a later one is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Timestamp>,
    /// Plain text of one line.
    pub subject: Wording,
    /// Plain text.
    pub body: Wording,
    /// What drafted it: a template's name and content hash.
    pub source: String,
    pub state: NoticeState,
}

/// Words that go out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Wording {
    /// By a template, of facts about freight: nobody's personal data.
    Drafted(String),
    /// By a person, who may name others in it: sealed.
    Written(Personal),
}

impl Wording {
    /// The draft; nothing of what a person wrote.
    pub fn drafted(&self) -> Option<&str> {
        match self {
            Self::Drafted(text) => Some(text),
            Self::Written(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    AwaitingApproval,
    /// On its way: let go, and not yet known to be delivered.
    Released,
    Sent,
    /// A person or a policy refused it, or nobody decided in time.
    Refused,
    /// Let go, and not deliverable.
    Failed,
    /// No longer called for.
    Withdrawn,
}

impl NoticeState {
    /// Its wording may still change, or it may still be on its way.
    pub fn is_open(self) -> bool {
        matches!(self, Self::AwaitingApproval | Self::Released)
    }
}
