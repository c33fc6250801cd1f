//! A mail on its load: it raises or joins an exception, with what it says as evidence and the next thing a person can do.

use super::milestone;
use crate::exceptions;
use crate::notices::{self, Wanted};
use crate::turn::Turn;
use signalbox_model::decision::Evidence;
use signalbox_model::effect::{Order, Receipt};
use signalbox_model::event::Event;
use signalbox_model::exception::{ExceptionKind, ExceptionSeverity};
use signalbox_model::id::{EffectId, ExceptionId, MessageId};
use signalbox_model::mail::{Advice, Chosen, Fact, FactWhat, Intent, Mail, Means, SenderProof, TimeRole, Urgency};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, ActorKind};

/// Who files what a mail suggests.
pub(super) const ADVISOR: &str = "mail reader";
/// The touch of a person who says which load a mail is about.
const CHOSEN: &str = "mail.choose";

pub(crate) fn admit(turn: &mut Turn<'_>, mut mail: Mail, message: Option<MessageId>, chosen: Option<Chosen>) {
    if let (Some(chosen), Some(message)) = (chosen, &message) {
        turn.touch(CHOSEN, message.as_str(), chosen.waits_since, chosen.in_hand_ms);
        mail.chosen_by = Some(chosen.by);
    }
    let known = |it: &crate::state::MailState| it.mail.id.is_some() && it.mail.id == mail.id;
    if turn.state.mails.iter().any(known) {
        let rejection = Rejection::MailAlreadyReceived;
        let detail = "a mail with this Message-ID is on the load".to_owned();
        turn.record(Event::AttemptRejected {
            message,
            rejection,
            detail: detail.clone(),
        });
        return turn.reject(rejection, detail, Vec::new());
    }
    let told = Told::of(turn, &mail);
    mail.summary = told.summary();
    let evidence = evidence(&mail, &told);
    let rule = format!("{}: {}", means(mail.reading.means), mail.reading.rule);
    turn.decide("mail.reading", mail.reading.intent.name(), evidence.clone(), rule);
    let exception = raise(turn, &mail, &told, evidence);
    turn.done(serde_json::json!({"exception": exception, "intent": mail.reading.intent}));
    let rule = mail.reading.rule.clone();
    let asked = message.clone();
    let milestones = milestone::told(turn, &mail, message.as_ref());
    turn.record(Event::MailReceived {
        message,
        mail: Box::new(mail),
        exception: Some(exception.clone()),
    });
    propose(turn, &told, &exception, &rule, asked.clone());
    milestone::propose(turn, milestones, &told.who, told.is_proved);
    ask(turn, asked);
}

/// Asks the language model, where the tenant wants that. Nothing waits for its answer.
fn ask(turn: &mut Turn<'_>, message: Option<MessageId>) {
    let load = turn.state.load.as_ref().map(|it| it.id.clone());
    if let (Some(load), Some(message), true) = (load, message, turn.directory().settings.ask_advisor) {
        turn.order(Order::AskAdvisor { load, message });
    }
}

/// The model has answered. Its words are kept for people; what else it may want is not asked.
pub(crate) fn advised(turn: &mut Turn<'_>, effect: EffectId, answer: Result<Advice, String>) {
    let Some(known) = turn
        .state
        .effects
        .get(&effect)
        .filter(|it| it.receipt.is_none())
        .cloned()
    else {
        return;
    };
    let Order::AskAdvisor { message, .. } = known.order else {
        return;
    };
    turn.out.settled.push(effect.clone());
    turn.record(Event::EffectSettled {
        effect,
        name: "AskAdvisor".to_owned(),
        receipt: Receipt::Delivered {
            receipt: "answered".to_owned(),
            perhaps_twice: false,
        },
    });
    turn.record(match answer {
        Ok(advice) => Event::AdviceGiven {
            message,
            advice: Box::new(advice),
        },
        Err(reason) => Event::AdviceRefused { message, reason },
    });
}

/// Proposes a notice to the customer where the mail tells what it should know. The words are ours, filled from records
/// and checked facts; an advisor never acts unattended, so that it waits for a person whatever the tenant lets playbooks do.
fn propose(turn: &mut Turn<'_>, told: &Told, exception: &ExceptionId, rule: &str, mail: Option<MessageId>) {
    let reference = turn
        .state
        .load
        .as_ref()
        .map(|it| it.reference.clone())
        .unwrap_or_default();
    let Some((subject, body)) = told.notice(&reference).filter(|_| told.is_known) else {
        return;
    };
    let advisor = Actor {
        kind: ActorKind::Advisor,
        name: ADVISOR.to_owned(),
        roles: Vec::new(),
    };
    let is_own = turn
        .state
        .exceptions
        .get(exception)
        .is_some_and(|it| it.exception.kind == told.kind());
    let about = if is_own {
        exception.0.clone()
    } else {
        format!("{exception}/{}", told.intent.name())
    };
    let wanted = Wanted {
        to: "customer".to_owned(),
        about,
        expected: None,
        subject,
        body,
        source: format!("the mail of {}, read by {rule}", told.who),
        mail,
    };
    notices::propose(turn, &advisor, wanted);
}

/// What is said about a mail, all of it from records and checked facts.
struct Told {
    intent: Intent,
    who: String,
    customer: String,
    is_proved: bool,
    is_known: bool,
    place: Option<String>,
    since: Option<String>,
    expected: Option<String>,
}

impl Told {
    fn of(turn: &Turn<'_>, mail: &Mail) -> Self {
        let partners = &turn.directory().partners;
        let partner = mail.sender.partner.as_ref().and_then(|it| partners.get(it));
        let customer = turn.state.order.as_ref().and_then(|it| partners.get(&it.customer));
        let place = mail.facts.iter().find_map(|it| match &it.what {
            FactWhat::Place { label, .. } => Some(label.clone()),
            _ => None, // Other facts are no places.
        });
        let time = |wanted: &[TimeRole]| {
            mail.facts.iter().find_map(|it| match &it.what {
                FactWhat::Time { role, local, .. } if wanted.contains(role) => Some(local.clone()),
                _ => None, // Of another time.
            })
        };
        Self {
            intent: mail.reading.intent,
            who: partner.map_or_else(|| "somebody we do not know".to_owned(), |it| it.name.clone()),
            customer: customer.map_or_else(|| "the customer".to_owned(), |it| it.name.clone()),
            is_proved: mail.sender.proof == SenderProof::Proved,
            is_known: partner.is_some(),
            place,
            since: time(&[TimeRole::Since]),
            expected: time(&[TimeRole::Expected, TimeRole::Until, TimeRole::At]),
        }
    }

    fn at(&self) -> String {
        self.place.as_ref().map_or_else(String::new, |it| format!(" at {it}"))
    }

    fn since(&self) -> String {
        self.since
            .as_ref()
            .map_or_else(String::new, |it| format!(" since {it}"))
    }

    fn expected(&self) -> String {
        self.expected.as_ref().map_or_else(String::new, |it| format!(", {it}"))
    }

    /// One sentence.
    fn summary(&self) -> String {
        let (who, at, since, expected) = (&self.who, self.at(), self.since(), self.expected());
        match self.intent {
            Intent::Delay => format!("{who} writes that it will be late{at}{expected}."),
            Intent::Detention => format!("{who} writes that the truck is held{at}{since} and asks for detention."),
            Intent::Breakdown => format!("{who} reports a breakdown{at}{since}."),
            Intent::Reschedule => format!("{who} cannot keep the appointment{at}{expected} and asks for another."),
            Intent::Cargo => format!("{who} reports freight refused, damaged or short{at}."),
            Intent::Status => format!("{who} tells where the load stands{at}{since}{expected}."),
            Intent::ProofOfDelivery => format!("{who} sends a proof of delivery."),
            Intent::Acceptance => format!("{who} writes that it takes the load. Nothing was accepted by that."),
            Intent::Decline => format!("{who} writes that it does not take the load. Nothing was declined by that."),
            Intent::Money => format!("{who} asks about a rate, a charge or an invoice."),
            Intent::Whereabouts => format!("{who} asks where the load is."),
            Intent::OutOfScope => format!("{who} writes about something else."),
            Intent::Unclear => format!("{who} wrote, and what it means is not sure."),
        }
    }

    /// Subject and body of what the customer might be told.
    fn notice(&self, reference: &str) -> Option<(String, String)> {
        let (who, at, since) = (&self.who, self.at(), self.since());
        let (what, body) = match self.intent {
            Intent::Detention => (
                "truck held",
                format!(
                    "The truck of {who} is held{at}{since}. Please release it, or confirm that detention beyond the free time is accepted."
                ),
            ),
            Intent::Breakdown => (
                "breakdown",
                format!("{who} reports a breakdown{at}{since}. We will tell you the new time as soon as we have it."),
            ),
            Intent::Cargo => (
                "freight in question",
                format!("{who} reports that freight is refused, damaged or short{at}. Please tell us how to go on."),
            ),
            Intent::Reschedule => (
                "appointment",
                format!("{who} cannot keep the appointment{at}. Please tell us whether another can be had."),
            ),
            Intent::Delay => (
                "delay",
                format!("{who} reports a delay{at}. We will tell you the new time as soon as we have it."),
            ),
            Intent::Status
            | Intent::ProofOfDelivery
            | Intent::Acceptance
            | Intent::Decline
            | Intent::Money
            | Intent::Whereabouts
            | Intent::OutOfScope
            | Intent::Unclear => return None,
        };
        Some((
            format!("Load {reference}: {what}"),
            format!("Load {reference}.\n\n{body}\n"),
        ))
    }

    /// What a person can do next.
    fn next_action(&self) -> String {
        let (who, customer, at) = (&self.who, &self.customer, self.at());
        let next = match self.intent {
            Intent::Delay => format!("Ask {who} for a new time, then tell {customer} or move the appointment."),
            Intent::Detention => {
                format!(
                    "Have {who} confirm its times in and out{at}, then ask {customer} for detention beyond the free time."
                )
            }
            Intent::Breakdown => {
                format!("Ask {who} for the repair time. Find another truck if it does not hold, and tell {customer}.")
            }
            Intent::Reschedule => format!("Agree a new appointment with the site{at}, then confirm it to {who}."),
            Intent::Cargo => {
                format!("Get photos and counts from {who}, then settle with {customer} what becomes of the freight.")
            }
            Intent::Status => {
                format!("Compare with the trip{at}. What {who} tells counts only where a person approves it.")
            }
            Intent::ProofOfDelivery => {
                "Look at the attachment in the raw message and file it with the load.".to_owned()
            }
            Intent::Acceptance | Intent::Decline => {
                format!("If it stands, enter the answer of {who} on its offer. A mail does not answer an offer.")
            }
            Intent::Money => format!("Answer {who} from the rate on record."),
            Intent::Whereabouts => format!("Answer {who} from the trip on record."),
            Intent::OutOfScope | Intent::Unclear => "Read the mail and decide what it asks for.".to_owned(),
        };
        if !self.is_known {
            format!(
                "Nobody under Partners writes from this address: call the carrier or customer on the number you have first. {next}"
            )
        } else if !self.is_proved {
            format!("The address is not proved: check with {who} before anything is promised. {next}")
        } else {
            next
        }
    }

    fn kind(&self) -> ExceptionKind {
        match self.intent {
            Intent::Detention => ExceptionKind::DetentionRisk,
            Intent::Delay | Intent::Breakdown | Intent::Reschedule | Intent::Cargo => ExceptionKind::TroubleReported,
            Intent::Status
            | Intent::ProofOfDelivery
            | Intent::Acceptance
            | Intent::Decline
            | Intent::Money
            | Intent::Whereabouts
            | Intent::OutOfScope
            | Intent::Unclear => ExceptionKind::AnswerNeeded,
        }
    }
}

/// Raises the exception of the mail's kind, or joins one that is open: its own, or for what makes a load late that of
/// the late delivery.
fn raise(turn: &mut Turn<'_>, mail: &Mail, told: &Told, evidence: Vec<Evidence>) -> ExceptionId {
    let severity = severity(mail, told);
    let makes_late = matches!(told.intent, Intent::Delay | Intent::Detention | Intent::Breakdown);
    let kind = told.kind();
    let open = |kind| turn.state.open_exceptions().find(|it| it.kind == kind).cloned();
    let late = || open(ExceptionKind::LateDeliveryRisk).filter(|_| makes_late);
    let Some(joined) = open(kind).or_else(late) else {
        let title = told.summary();
        return exceptions::raise(
            turn,
            kind,
            severity,
            title.trim_end_matches('.'),
            &told.next_action(),
            evidence,
        );
    };
    if severity > joined.severity {
        turn.record(Event::ExceptionUpdated {
            exception: joined.id.clone(),
            severity,
            title: joined.title,
            evidence: joined.evidence,
        });
    }
    joined.id
}

/// What nobody can vouch for is never the gravest.
fn severity(mail: &Mail, told: &Told) -> ExceptionSeverity {
    let severity = match mail.reading.urgency {
        Urgency::Low => ExceptionSeverity::Low,
        Urgency::Normal => ExceptionSeverity::Medium,
        Urgency::High => ExceptionSeverity::High,
    };
    if told.is_known && mail.sender.proof != SenderProof::Failed {
        severity
    } else {
        severity.min(ExceptionSeverity::Low)
    }
}

fn evidence(mail: &Mail, told: &Told) -> Vec<Evidence> {
    let proof = match mail.sender.proof {
        SenderProof::Proved => "proved",
        SenderProof::Unproved => "not proved",
        SenderProof::Failed => "the proof failed",
    };
    let mut out = vec![
        Evidence::new("summary", told.summary(), "records and checked facts"),
        Evidence::new("sender", told.who.clone(), "directory"),
        Evidence::new("address of the sender", proof, "gateway"),
        Evidence::new("reading", mail.reading.intent.name(), &reading(mail)),
        Evidence::new("urgency", serde_json::json!(mail.reading.urgency), "rules"),
    ];
    out.extend(mail.facts.iter().map(fact));
    out
}

/// By what means a mail was read, and where the words stand that decided.
fn reading(mail: &Mail) -> String {
    let by = format!("{}: {}", means(mail.reading.means), mail.reading.rule);
    let places: Vec<String> = mail
        .reading
        .words
        .iter()
        .map(|it| format!("{} to {}", it.start, it.end))
        .collect();
    if places.is_empty() {
        by
    } else {
        format!("{by}, mail, characters {}", places.join(" and "))
    }
}

/// A fact as evidence: its value, and where in the text it stands.
fn fact(fact: &Fact) -> Evidence {
    let source = format!("mail, characters {} to {}", fact.span.start, fact.span.end);
    match &fact.what {
        FactWhat::Reference { value, is_load: true } => Evidence::new("number of this load", value.clone(), &source),
        FactWhat::Reference { value, is_load: false } => Evidence::new("another number", value.clone(), &source),
        FactWhat::Time { role, local, moment } => {
            let what = match role {
                TimeRole::Since => "since",
                TimeRole::Until => "until",
                TimeRole::Expected => "expected",
                TimeRole::At => "time",
            };
            let zone = match moment.basis {
                signalbox_model::value::TimeBasis::Stated => "zone stated",
                signalbox_model::value::TimeBasis::Assumed => "zone of the site assumed",
            };
            Evidence::new(what, format!("{local} ({})", moment.at), &format!("{source}, {zone}"))
        }
        FactWhat::Place { stop, label, .. } => Evidence::new("place", format!("{label}, stop {stop}"), &source),
        FactWhat::Duration { minutes } => Evidence::new("minutes", *minutes, &source),
        FactWhat::Amount { money } => Evidence::new("amount in the text", money.to_string(), &source),
        FactWhat::Temperature { tenths_celsius } => {
            Evidence::new("temperature in tenths of a degree Celsius", *tenths_celsius, &source)
        }
    }
}

fn means(means: Means) -> &'static str {
    match means {
        Means::Rules => "rules",
        Means::Classifier => "classifier",
        Means::Nobody => "nobody",
    }
}
