//! Mail: what somebody wrote in words, what was found in it and where, and what it was taken to mean.
//!
//! Invariant: nothing of a mail's text stands in a record in clear. A fact is a checked value with its span in the text;
//! the text is sealed. Every fact is of public taint: it may be shown and may raise a question, it never acts.

use crate::id::{LoadId, PartnerId};
use crate::load::StopKind;
use crate::personal::{Personal, Taint};
use crate::scope::Actor;
use crate::trip::VisitPart;
use crate::value::{Moment, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A mail as read from its bytes, before it is known which load it is about. Lives in memory only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailAttempt {
    /// Message-ID, without its angle brackets.
    pub id: Option<String>,
    /// The address it says it is from, in lower case.
    pub from: Personal,
    pub proof: SenderProof,
    pub sent: Option<Timestamp>,
    /// What the reader sees: the subject, an empty line, and the body as plain text.
    pub text: Personal,
    pub sections: Vec<Section>,
    pub found: Vec<Found>,
    pub attachments: Vec<Attachment>,
}

/// Whether the address of the sender was proved to whoever took the mail in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderProof {
    /// DMARC passed at the gateway that we trust, or the partner's own key brought it.
    Proved,
    #[default]
    Unproved,
    /// The gateway says that the proof failed.
    Failed,
}

/// From one character to another of the text, counted in Unicode scalar values. `end` is the first one past it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

/// A stretch of the text and whose words it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub kind: SectionKind,
    #[serde(flatten)]
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    Subject,
    /// What the sender wrote now.
    Own,
    /// What they answer to.
    Quoted,
    Signature,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// `application/pdf`
    pub media_type: String,
    pub bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal>,
}

/// Something that looks like a fact, at its place in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub span: Span,
    pub what: FoundWhat,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FoundWhat {
    /// A number by which somebody may call a load: capital letters and digits alone.
    Reference(String),
    Time(SpokenTime),
    Duration {
        minutes: u32,
    },
    Amount(Money),
    /// Tenths of a degree Celsius.
    Temperature(i32),
}

/// A time as people write it; which instant it means depends on the day of the mail and on the zone of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpokenTime {
    pub role: TimeRole,
    pub clock: SpokenClock,
    /// IANA zone, where the text names one.
    pub zone: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpokenClock {
    At {
        day: SpokenDay,
        hour: i8,
        minute: i8,
    },
    /// Minutes from when the mail was sent; negative: ago.
    FromNow {
        minutes: i32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpokenDay {
    Unsaid,
    /// Days from that of the mail.
    Relative(i8),
    /// Monday is 1.
    Weekday(i8),
    Date {
        month: i8,
        day: i8,
    },
}

/// What a time in a mail is the time of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeRole {
    /// Something goes on since then.
    Since,
    /// It is to happen before then.
    Until,
    /// It is expected then.
    Expected,
    /// Nothing says more.
    At,
}

/// A checked value with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    #[serde(flatten)]
    pub span: Span,
    pub taint: Taint,
    #[serde(flatten)]
    pub what: FactWhat,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum FactWhat {
    /// A number in the text. `is_load`: it is a name of the load on whose stream the mail lies.
    Reference {
        value: String,
        is_load: bool,
    },
    /// `local` is the same as people there write it: `Tue 24 Nov 09:40 CST`.
    Time {
        role: TimeRole,
        moment: Moment,
        local: String,
    },
    /// A stop of the load. The label is the record's, not the text's.
    Place {
        stop: u32,
        kind: StopKind,
        label: String,
    },
    Duration {
        minutes: u32,
    },
    Amount {
        money: Money,
    },
    Temperature {
        tenths_celsius: i32,
    },
}

/// A mail on a load's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub from: Personal,
    pub sender: Sender,
    pub sent: Timestamp,
    pub text: Personal,
    pub sections: Vec<Section>,
    pub facts: Vec<Fact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    pub reading: Reading,
    /// What it says in one sentence of ours, made of records and checked facts alone.
    #[serde(default)]
    pub summary: String,
    /// Who said that it is about this load, where its numbers fitted several or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_by: Option<Actor>,
}

/// A person's word on which load a mail is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    pub load: LoadId,
    pub by: Actor,
    /// Since when the mail had waited for it.
    pub waits_since: Timestamp,
    /// How long they had it open, milliseconds, as their client reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_hand_ms: Option<i64>,
}

/// Whose mail it is, as the directory knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerId>,
    pub proof: SenderProof,
}

/// A number without the letters in front of it, by which it may be on record too: `PO99120`, `LOAD48213`.
pub fn bare(reference: &str) -> &str {
    const DIGITS_MIN: usize = 4;
    let bare = reference.trim_start_matches(|it: char| it.is_ascii_alphabetic());
    if bare.len() >= DIGITS_MIN { bare } else { reference }
}

/// What a mail was taken to mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub intent: Intent,
    pub means: Means,
    /// How often readings like this one are right, in per cent; none where nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_pct: Option<u8>,
    pub urgency: Urgency,
    /// Name of the rule, or of the classifier with the hash of its weights.
    pub rule: String,
    /// Where the phrases stand by which a rule decided. A classifier weighs the whole text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Span>,
    /// The milestones that its words tell. Which stop and when, its facts say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<SpokenMilestone>,
}

/// `delivered`, `left the shipper`: words that tell a milestone, without its place and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpokenMilestone {
    #[serde(flatten)]
    pub span: Span,
    pub what: VisitPart,
    /// At which kind of stop, where the words themselves say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<StopKind>,
}

/// What the sender wants or tells. `Unclear`: no means was sure enough, and a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    Delay,
    Detention,
    Breakdown,
    Reschedule,
    Cargo,
    Status,
    ProofOfDelivery,
    Acceptance,
    Decline,
    Money,
    Whereabouts,
    OutOfScope,
    Unclear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    Rules,
    Classifier,
    /// None was sure.
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    Low,
    Normal,
    High,
}

impl Intent {
    /// In the order of the classifier's classes.
    pub const ALL: [Self; 13] = [
        Self::Delay,
        Self::Detention,
        Self::Breakdown,
        Self::Reschedule,
        Self::Cargo,
        Self::Status,
        Self::ProofOfDelivery,
        Self::Acceptance,
        Self::Decline,
        Self::Money,
        Self::Whereabouts,
        Self::OutOfScope,
        Self::Unclear,
    ];

    /// `proof_of_delivery`: the name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Detention => "detention",
            Self::Breakdown => "breakdown",
            Self::Reschedule => "reschedule",
            Self::Cargo => "cargo",
            Self::Status => "status",
            Self::ProofOfDelivery => "proof_of_delivery",
            Self::Acceptance => "acceptance",
            Self::Decline => "decline",
            Self::Money => "money",
            Self::Whereabouts => "whereabouts",
            Self::OutOfScope => "out_of_scope",
            Self::Unclear => "unclear",
        }
    }
}

/// What a language model made of a mail: text for people, and nothing else. Sealed, for it may repeat the mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    pub summary: Personal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Personal>,
    pub model: String,
}

impl Advice {
    pub fn personal_mut(&mut self) -> Vec<&mut Personal> {
        std::iter::once(&mut self.summary).chain(self.draft.as_mut()).collect()
    }
}

impl Mail {
    pub fn new(attempt: MailAttempt, sender: Sender, sent: Timestamp, facts: Vec<Fact>, reading: Reading) -> Self {
        Self {
            id: attempt.id,
            from: attempt.from,
            sender,
            sent,
            text: attempt.text,
            sections: attempt.sections,
            facts,
            attachments: attempt.attachments,
            reading,
            summary: String::new(),
            chosen_by: None,
        }
    }
}

impl MailAttempt {
    pub fn personal_mut(&mut self) -> Vec<&mut Personal> {
        let names = self.attachments.iter_mut().filter_map(|it| it.name.as_mut());
        [&mut self.from, &mut self.text].into_iter().chain(names).collect()
    }

    /// The numbers by which it may call a load, in the order they are written.
    pub fn references(&self) -> impl Iterator<Item = (&str, Span)> {
        self.found.iter().filter_map(|it| match &it.what {
            FoundWhat::Reference(value) => Some((value.as_str(), it.span)),
            FoundWhat::Time(_) | FoundWhat::Duration { .. } | FoundWhat::Amount(_) | FoundWhat::Temperature(_) => None,
        })
    }

    /// Whose words a place of the text is.
    pub fn section(&self, span: Span) -> SectionKind {
        let holds = |it: &&Section| it.span.start <= span.start && span.start < it.span.end;
        self.sections.iter().find(holds).map_or(SectionKind::Own, |it| it.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intents_name_is_that_on_the_wire() {
        for intent in Intent::ALL {
            assert_eq!(serde_json::json!(intent), intent.name());
        }
    }

    #[test]
    fn a_fact_reads_back() {
        let fact = Fact {
            span: Span { start: 3, end: 8 },
            taint: Taint::Public,
            what: FactWhat::Duration { minutes: 90 },
        };
        let written = serde_json::to_value(&fact).unwrap();
        assert_eq!(
            written,
            serde_json::json!({"start": 3, "end": 8, "taint": "public", "fact": "duration", "minutes": 90})
        );
        assert_eq!(serde_json::from_value::<Fact>(written).unwrap(), fact);
    }
}
