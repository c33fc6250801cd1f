//! Notices: one message to a partner about one thing.
//!
//! Invariants: where a notice goes is the directory's to say, never a text's; it leaves by the gate or with a person's
//! approval; about one thing at most one is open, and another follows only once things have grown materially worse; one
//! that does not leave says why where people look.

use crate::approvals;
use crate::exceptions;
use crate::gate::{Choice, Fact};
use crate::turn::Turn;
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::decision::Evidence;
use signalbox_model::directory::{Partner, PartnerRole};
use signalbox_model::effect::Order;
use signalbox_model::event::Event;
use signalbox_model::id::{ExceptionId, MessageId, NoticeId, PartnerId};
use signalbox_model::issue::Issue;
use signalbox_model::notice::{Notice, NoticeState, Wording};
use signalbox_model::scope::{Actor, Role};
use std::collections::BTreeMap;

/// Characters of a subject.
pub const SUBJECT_CHARS_MAX: usize = 200;
/// Bytes of a body.
pub const BODY_BYTES_MAX: usize = 8_000;
/// Bytes of an address (RFC 5321, 4.5.3.1.3, without its brackets).
pub const ADDRESS_BYTES_MAX: usize = 254;
/// Notices about one thing that a person or the gate has dealt with. After these people use the telephone.
pub const NOTICES_PER_THING_MAX: usize = 3;
/// Notices of one load, drafts that a newer one replaced included.
pub const NOTICES_PER_LOAD_MAX: usize = 40;
/// A draft that waits is replaced once the time it tells is off by this.
const REVISE_AFTER_MIN: i64 = 15;
/// Who was told is told again once it is worse by this.
const AGAIN_AFTER_MIN: i64 = 60;

/// The action that the gate is asked for, and that approvals of notices carry.
pub(crate) const ACTION: &str = "send_notice";

/// What somebody wants a partner told.
pub(crate) struct Wanted {
    /// Partner id, SCAC or another name from the directory; `customer` is the load's own.
    pub to: String,
    pub about: String,
    /// The time it tells, so that a newer one can be compared with it.
    pub expected: Option<Timestamp>,
    pub subject: String,
    pub body: String,
    /// What drafted it.
    pub source: String,
    /// The mail that suggests it.
    pub mail: Option<MessageId>,
}

/// Proposes a notice, or says why not. Answers whoever asked: `status` is `released`, `awaiting_approval`, `refused`,
/// `unchanged` or `skipped`.
pub(crate) fn propose(turn: &mut Turn<'_>, actor: &Actor, wanted: Wanted) -> Value {
    let Some(partner) = recipient(turn, &wanted.to).cloned() else {
        return skip(turn, &wanted, "no partner of this name under Partners");
    };
    if partner.notify_email.is_none() {
        let why = format!(
            "{} has no e-mail address for notices: add one under Partners",
            partner.name
        );
        return skip(turn, &wanted, &why);
    }
    if let Some(issue) = check_wording(&wanted.subject, &wanted.body).first() {
        return skip(turn, &wanted, &issue.why);
    }
    let earlier = Earlier::of(turn, &partner.id, &wanted);
    if let Some(waiting) = earlier.waiting.as_ref().filter(|it| tells_the_same(it, &wanted)) {
        return json!({"status": "unchanged", "notice": waiting.id});
    }
    let is_news = earlier.last.as_ref().is_none_or(|it| is_worse(it, &wanted));
    let is_over = earlier.dealt_with >= NOTICES_PER_THING_MAX || turn.state.notices.len() >= NOTICES_PER_LOAD_MAX;
    // Before the waiting draft is taken back: without another in its place, nobody would be asked any more.
    if is_news && is_over {
        return skip_over_limit(turn, &wanted, &partner);
    }
    if let Some(waiting) = &earlier.waiting {
        withdraw(turn, &waiting.id, "things have changed since it was drafted");
    }
    if !is_news {
        return json!({"status": "unchanged"});
    }
    let verdict = turn.gate(actor, ACTION, facts(turn, &partner));
    let mail = wanted.mail;
    let notice = Notice {
        id: turn.mint.make(),
        to: partner.id.clone(),
        about: wanted.about,
        expected: wanted.expected,
        subject: Wording::Drafted(wanted.subject),
        body: Wording::Drafted(wanted.body),
        source: wanted.source,
        state: NoticeState::AwaitingApproval,
    };
    let id = notice.id.clone();
    turn.link("notice", id.as_str());
    turn.record(Event::NoticeProposed { notice: notice.clone() });
    match verdict.choice {
        Choice::Allow => {
            release(turn, &notice, None);
            json!({"status": "released", "notice": id})
        }
        Choice::NeedsApproval { role } => {
            ask(turn, &notice, &partner, role, &verdict.policies, mail.as_ref());
            json!({"status": "awaiting_approval", "notice": id})
        }
        Choice::Forbid => {
            let reason = format!("forbidden by {}", verdict.policies.join(", "));
            refuse(turn, &id, &reason);
            json!({"status": "refused", "notice": id, "reason": reason})
        }
    }
}

/// What was proposed before about the same thing to the same partner.
struct Earlier {
    waiting: Option<Notice>,
    /// The newest that left, or that was decided against.
    last: Option<Notice>,
    dealt_with: usize,
}

impl Earlier {
    fn of(turn: &Turn<'_>, to: &PartnerId, wanted: &Wanted) -> Self {
        let same = |it: &&Notice| it.to == *to && it.about == wanted.about;
        let of_this = || turn.state.notices.iter().filter(same);
        let waiting = of_this().rfind(|it| it.state == NoticeState::AwaitingApproval);
        let done = |it: &&Notice| !matches!(it.state, NoticeState::AwaitingApproval | NoticeState::Withdrawn);
        Self {
            waiting: waiting.cloned(),
            last: of_this().rfind(done).cloned(),
            dealt_with: of_this().filter(done).count(),
        }
    }
}

/// Whether a draft need not be written anew.
fn tells_the_same(waiting: &Notice, wanted: &Wanted) -> bool {
    match minutes_between(waiting.expected, wanted.expected) {
        Some(minutes) => minutes.abs() < REVISE_AFTER_MIN,
        None => waiting.expected == wanted.expected,
    }
}

/// Whether somebody who knows of it should be told again.
fn is_worse(last: &Notice, wanted: &Wanted) -> bool {
    match minutes_between(last.expected, wanted.expected) {
        Some(minutes) => minutes >= AGAIN_AFTER_MIN,
        // A time where none could be told before is news.
        None => last.expected.is_none() && wanted.expected.is_some(),
    }
}

fn minutes_between(before: Option<Timestamp>, now: Option<Timestamp>) -> Option<i64> {
    Some(now?.duration_since(before?).as_mins())
}

fn recipient<'a>(turn: &Turn<'a>, to: &str) -> Option<&'a Partner> {
    let directory = turn.directory();
    if to == "customer" {
        let customer = turn.state.order.as_ref().map(|it| &it.customer)?;
        return directory.partners.get(customer);
    }
    directory.called(to)
}

/// What a message calls whom it is for.
pub(crate) fn name_of(turn: &Turn<'_>, to: &str) -> String {
    recipient(turn, to).map_or_else(|| to.to_owned(), |it| it.name.clone())
}

fn facts(turn: &Turn<'_>, to: &Partner) -> BTreeMap<&'static str, Fact> {
    let role = match to.role {
        PartnerRole::Customer { .. } => "customer",
        PartnerRole::Carrier { .. } => "carrier",
    };
    let lane = turn.state.load.as_ref().map(|it| it.lane()).unwrap_or_default();
    BTreeMap::from([
        ("to", Fact::Text(to.id.0.clone())),
        ("to_role", Fact::Text(role.to_owned())),
        ("lane", Fact::Text(lane)),
        (
            "notices_unattended",
            Fact::Flag(turn.directory().settings.notices_unattended),
        ),
    ])
}

fn skip(turn: &mut Turn<'_>, wanted: &Wanted, why: &str) -> Value {
    let evidence = vec![
        Evidence::new("to", wanted.to.clone(), "playbook"),
        Evidence::new("about", wanted.about.clone(), "playbook"),
        Evidence::new("why", why, "directory"),
    ];
    let rule = "a notice needs a partner with an address, and words".to_owned();
    turn.decide("notice.skip", "skipped", evidence, rule);
    json!({"status": "skipped", "reason": why})
}

/// Whoever works on what it would have told of sees that nothing more is written.
fn skip_over_limit(turn: &mut Turn<'_>, wanted: &Wanted, to: &Partner) -> Value {
    let why = "the limit of notices is reached: call instead";
    let told = Evidence::new(TOLD, format!("to {}: not sent: {why}", to.name), NOTICES);
    let about = ExceptionId(wanted.about.clone());
    let known = turn.state.exceptions.get(&about);
    // Once: estimates go on, and each would say the same.
    if known.is_some_and(|it| !it.exception.evidence.contains(&told)) {
        exceptions::put_evidence(turn, &about, told);
    }
    skip(turn, wanted, why)
}

fn ask(turn: &mut Turn<'_>, notice: &Notice, to: &Partner, role: Role, policies: &[String], mail: Option<&MessageId>) {
    let reference = turn.state.load.as_ref().map(|it| it.reference.clone());
    let title = format!("Tell {} about load {}", to.name, reference.unwrap_or_default());
    // What a person knows it by, where it is an exception.
    let exception = turn.state.exceptions.get(&ExceptionId(notice.about.clone()));
    let about = exception.map_or_else(|| notice.about.clone(), |it| it.exception.title.clone());
    let evidence = vec![
        Evidence::new("to", to.name.clone(), "directory"),
        Evidence::new("about", about, "playbook"),
        Evidence::new("draft", notice.source.clone(), "playbook"),
        Evidence::new("policy", policies.join(", "), "gate"),
    ];
    let mut proposal = json!({"notice": notice.id, "to": notice.to, "to_name": to.name, "about": notice.about,
        "expected": notice.expected, "subject": notice.subject, "body": notice.body});
    if let (Some(fields), Some(mail)) = (proposal.as_object_mut(), mail) {
        fields.insert("mail".to_owned(), json!(mail));
    }
    approvals::request(turn, ACTION, title, role, evidence, proposal);
}

/// Lets it go, with its words as they now are.
pub(crate) fn release(turn: &mut Turn<'_>, notice: &Notice, approved_by: Option<Actor>) {
    let Some(load) = turn.state.load.as_ref().map(|it| it.id.clone()) else {
        return;
    };
    turn.record(Event::NoticeReleased {
        notice: notice.id.clone(),
        subject: notice.subject.clone(),
        body: notice.body.clone(),
        approved_by,
    });
    turn.order(Order::SendNotice {
        load,
        notice: notice.id.clone(),
        to: notice.to.clone(),
    });
}

/// A person approves it, perhaps with other words. `false`: it was refused by name, and nothing happened.
pub(crate) fn may_release(turn: &mut Turn<'_>, notice: &Notice) -> bool {
    let actor = turn.context.actor.clone();
    let Some(partner) = turn.directory().partners.get(&notice.to).cloned() else {
        return false;
    };
    turn.gate(&actor, ACTION, facts(turn, &partner)).choice == Choice::Allow
}

/// It does not leave, and whoever works on what it tells of sees why.
pub(crate) fn refuse(turn: &mut Turn<'_>, id: &NoticeId, reason: &str) {
    turn.record(Event::NoticeRefused {
        notice: id.clone(),
        reason: reason.to_owned(),
    });
    note(turn, id, &format!("not sent: {reason}"));
}

/// The courier has delivered it.
pub(crate) fn sent(turn: &mut Turn<'_>, id: &NoticeId, receipt: String, perhaps_twice: bool) {
    turn.record(Event::NoticeSent {
        notice: id.clone(),
        receipt,
        perhaps_twice,
    });
    note(turn, id, "sent");
}

/// It was let go and cannot be delivered. Answers whom it was for.
pub(crate) fn failed(turn: &mut Turn<'_>, id: &NoticeId, reason: &str) {
    turn.record(Event::NoticeFailed {
        notice: id.clone(),
        reason: reason.to_owned(),
    });
    note(turn, id, "not delivered");
}

/// Takes back a draft that waits for a decision, with the question.
pub(crate) fn withdraw(turn: &mut Turn<'_>, id: &NoticeId, reason: &str) {
    approvals::withdraw(turn, |it| approvals::notice_of(it).as_ref() == Some(id), reason);
    turn.record(Event::NoticeWithdrawn {
        notice: id.clone(),
        reason: reason.to_owned(),
    });
}

/// Takes back what waits about one thing. Answers how many that were.
pub(crate) fn withdraw_about(turn: &mut Turn<'_>, about: &str, reason: &str) -> usize {
    let waits = |it: &&Notice| it.state == NoticeState::AwaitingApproval && it.about == about;
    let waiting: Vec<NoticeId> = turn
        .state
        .notices
        .iter()
        .filter(waits)
        .map(|it| it.id.clone())
        .collect();
    waiting.iter().for_each(|id| withdraw(turn, id, reason));
    waiting.len()
}

/// Takes back all that waits.
pub(crate) fn withdraw_all(turn: &mut Turn<'_>, reason: &str) {
    let waiting = turn.state.notices.iter();
    let waiting = waiting.filter(|it| it.state == NoticeState::AwaitingApproval);
    let waiting: Vec<NoticeId> = waiting.map(|it| it.id.clone()).collect();
    waiting.iter().for_each(|id| withdraw(turn, id, reason));
}

const TOLD: &str = "notice";
const NOTICES: &str = "notices";

/// What became of the notices about an exception, or why there can be none, as its evidence.
pub(crate) fn standing(turn: &Turn<'_>, exception: &ExceptionId) -> Option<Evidence> {
    let known = turn.state.exceptions.get(exception);
    let told = known.and_then(|it| {
        it.exception
            .evidence
            .iter()
            .find(|it| it.what == TOLD && it.source == NOTICES)
    });
    let customer = recipient(turn, "customer").filter(|it| it.notify_email.is_none());
    let missing = customer.map(|it| {
        let why = format!(
            "none: {} has no e-mail address for notices; add one under Partners",
            it.name
        );
        Evidence::new(TOLD, why, "directory")
    });
    told.cloned().or(missing)
}

/// Puts what became of a notice beside the evidence of the exception that it tells of.
fn note(turn: &mut Turn<'_>, id: &NoticeId, what: &str) {
    let Some(notice) = turn.state.notice(id) else { return };
    let (about, to) = (ExceptionId(notice.about.clone()), notice.to.clone());
    let name = turn.directory().partners.get(&to).map_or(to.0, |it| it.name.clone());
    let told = Evidence::new(TOLD, format!("to {name}: {what}"), NOTICES);
    exceptions::put_evidence(turn, &about, told);
}

/// What is wrong with words that are to go out.
pub fn check_wording(subject: &str, body: &str) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut issue = |at: &str, why: String, fix: &str| issues.push(Issue::fatal("notice.wording", at, why, fix));
    if subject.trim().is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX {
        let why = format!("a subject has 1 to {SUBJECT_CHARS_MAX} characters");
        issue("/edit/subject", why, "Write a short subject.");
    }
    if subject.chars().any(char::is_control) {
        let why = "a subject is one line of plain text".to_owned();
        issue("/edit/subject", why, "Take line breaks and control characters out.");
    }
    if body.trim().is_empty() || body.len() > BODY_BYTES_MAX {
        let why = format!("a message has 1 to {BODY_BYTES_MAX} bytes");
        issue("/edit/body", why, "Write a message, and a shorter one.");
    }
    if body
        .chars()
        .any(|it| it.is_control() && !matches!(it, '\n' | '\r' | '\t'))
    {
        let why = "a message is plain text".to_owned();
        issue("/edit/body", why, "Take control characters out.");
    }
    issues
}

/// What is wrong with an address: one mailbox, as it stands on the wire, without a name.
pub fn check_address(address: &str) -> Option<Issue> {
    let plain = |it: &str| {
        it.chars()
            .all(|it| it.is_ascii_graphic() && !r#"()<>[]:;,\""#.contains(it))
    };
    let is_fine = |(local, domain): (&str, &str)| {
        let labels = domain.split('.').all(|it| !it.is_empty() && !it.starts_with('-'));
        !local.is_empty() && local.len() <= 64 && !local.contains('@') && labels && plain(local) && plain(domain)
    };
    let is_address = address.len() <= ADDRESS_BYTES_MAX && address.rsplit_once('@').is_some_and(is_fine);
    let why = format!("{address:?} is no e-mail address");
    (!is_address).then(|| {
        Issue::fatal(
            "settings.address",
            "/notify_email",
            why,
            "Write it as dispatch@example.com.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::state::LoadState;
    use crate::step::Context;
    use signalbox_model::exception::{Exception, ExceptionKind, ExceptionSeverity};
    use signalbox_model::id::{SubjectId, TenantId};
    use signalbox_model::personal::{Personal, Sealed, Taint};

    /// What comes of a wish to tell par_acme, whose earlier notices about the same thing were in these states and told
    /// these hours.
    fn proposed(earlier: &[(NoticeState, i64)], hour: i64) -> (String, LoadState) {
        proposed_on(LoadState::default(), earlier, hour)
    }

    fn proposed_on(mut state: LoadState, earlier: &[(NoticeState, i64)], hour: i64) -> (String, LoadState) {
        let mut directory = Directory::new(TenantId::from("ten_a")).unwrap();
        let sealed = Sealed {
            subject: SubjectId::from("sub_1"),
            taint: Taint::System,
            cipher: String::new(),
            commitment: String::new(),
        };
        directory.apply(&Event::PartnerChanged {
            partner: Partner {
                id: PartnerId::from("par_acme"),
                name: "Acme".to_owned(),
                role: PartnerRole::Customer {
                    zone: "UTC".to_owned(),
                    tms: None,
                },
                aliases: Vec::new(),
                notify_email: Some(Box::new(Personal::Sealed(sealed))),
            },
        });
        let at = |hour: i64| Some(Timestamp::from_second(hour * 3_600).unwrap());
        for (place, (was, hour)) in earlier.iter().enumerate() {
            state.notices.push(Notice {
                id: NoticeId(format!("ntc_{place}")),
                to: PartnerId::from("par_acme"),
                about: "exc_1".to_owned(),
                expected: at(*hour),
                subject: Wording::Drafted("Late".to_owned()),
                body: Wording::Drafted("Late".to_owned()),
                source: "template late".to_owned(),
                state: *was,
            });
        }
        let actor = Actor::playbook("late-delivery");
        let context = Context {
            now: Timestamp::UNIX_EPOCH,
            actor: &actor,
            directory: &directory,
            cause: "test",
        };
        let wanted = Wanted {
            to: "par_acme".to_owned(),
            about: "exc_1".to_owned(),
            expected: at(hour),
            subject: "Late".to_owned(),
            body: "Later still".to_owned(),
            source: "template late".to_owned(),
            mail: None,
        };
        let mut turn = Turn::new(&mut state, &context);
        let answer = propose(&mut turn, &actor, wanted);
        (answer["status"].as_str().unwrap().to_owned(), state)
    }

    #[test]
    fn one_thing_is_told_once_again_when_it_is_an_hour_worse_and_three_times_at_most() {
        use NoticeState::{AwaitingApproval, Failed, Refused, Released, Sent, Withdrawn};
        let status = |earlier: &[(NoticeState, i64)], hour| proposed(earlier, hour).0;
        assert_eq!(status(&[], 10), "awaiting_approval");
        for done in [Released, Sent, Refused, Failed] {
            assert_eq!(status(&[(done, 10)], 10), "unchanged", "{done:?}");
            assert_eq!(status(&[(done, 10)], 11), "awaiting_approval", "{done:?}");
            assert_eq!(status(&[(done, 10)], 9), "unchanged", "{done:?}");
        }
        assert_eq!(status(&[(AwaitingApproval, 10)], 10), "unchanged");
        assert_eq!(status(&[(Withdrawn, 10)], 10), "awaiting_approval");
        assert_eq!(status(&[(Sent, 10), (Sent, 12), (Refused, 14)], 20), "skipped");
        // A draft that has become wrong is taken back, also where there is nothing more to tell.
        let (status, state) = proposed(&[(Sent, 10), (AwaitingApproval, 14)], 10);
        assert_eq!((status.as_str(), state.notices[1].state), ("unchanged", Withdrawn));
        let (status, state) = proposed(&[(AwaitingApproval, 10)], 12);
        assert_eq!(
            (status.as_str(), state.notices[0].state),
            ("awaiting_approval", Withdrawn)
        );
        assert_eq!(state.open_approvals().count(), 1);
    }

    #[test]
    fn at_the_limit_the_draft_that_waits_stays_and_the_exception_says_why_nothing_more_is_written() {
        use NoticeState::{AwaitingApproval, Sent, Withdrawn};
        let mut raised = LoadState::default();
        let exception = Exception {
            id: ExceptionId::from("exc_1"),
            kind: ExceptionKind::DeliveryFailed,
            severity: ExceptionSeverity::High,
            title: "Late".to_owned(),
            next_action: "Call.".to_owned(),
            evidence: Vec::new(),
            raised_at: Timestamp::UNIX_EPOCH,
        };
        raised.apply(&Event::ExceptionRaised { exception }, Timestamp::UNIX_EPOCH);
        let said = |state: &LoadState| {
            let known = state.exceptions.get(&ExceptionId::from("exc_1")).unwrap();
            let told = known.exception.evidence.iter().map(|it| it.value.clone());
            told.collect::<Vec<_>>()
        };
        let why = json!("to Acme: not sent: the limit of notices is reached: call instead");
        let mut drafts = vec![(Withdrawn, 10); NOTICES_PER_LOAD_MAX - 2];
        drafts.push((AwaitingApproval, 10));
        let (status, state) = proposed_on(raised.clone(), &drafts, 12);
        assert_eq!((status.as_str(), said(&state).len()), ("awaiting_approval", 0));
        drafts.insert(0, (Withdrawn, 10));
        let (status, state) = proposed_on(raised.clone(), &drafts, 12);
        let last = state.notices.last().unwrap();
        assert_eq!((status.as_str(), last.state), ("skipped", AwaitingApproval));
        assert_eq!(said(&state), std::slice::from_ref(&why));
        let (status, state) = proposed_on(raised, &[(Sent, 10), (Sent, 12), (Sent, 14)], 20);
        assert_eq!((status.as_str(), said(&state)), ("skipped", vec![why]));
    }

    #[test]
    fn an_address_is_one_mailbox_and_nothing_that_a_header_or_command_could_take_for_more() {
        for good in ["ops@acme.example", "a.b+late@mail.acme.example", "root@localhost"] {
            assert_eq!(check_address(good), None, "{good}");
        }
        let long = format!("a@{}.example", "x".repeat(250));
        for bad in [
            "",
            "ops",
            "@acme.example",
            "ops@",
            "ops@acme..example",
            "Ops <ops@acme.example>",
            "ops@acme.example, eve@evil.example",
            "ops@acme.example>\r\nRCPT TO:<eve@evil.example",
            "a@b@acme.example",
            &long,
        ] {
            assert!(check_address(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn words_that_go_out_are_plain_bounded_and_not_empty() {
        assert_eq!(check_wording("Load 1 will be late", "Hello.\n\tBye."), []);
        let at = |subject: &str, body: &str| -> Vec<String> {
            check_wording(subject, body).into_iter().map(|it| it.at).collect()
        };
        assert_eq!(at(" ", "Hello."), ["/edit/subject"]);
        assert_eq!(at("Late\r\nBcc: eve@evil.example", "Hello."), ["/edit/subject"]);
        assert_eq!(at(&"x".repeat(SUBJECT_CHARS_MAX + 1), "Hello."), ["/edit/subject"]);
        assert_eq!(at("Late", "\n"), ["/edit/body"]);
        assert_eq!(at("Late", "bell \u{7}"), ["/edit/body"]);
        assert_eq!(at("Late", &"x".repeat(BODY_BYTES_MAX + 1)), ["/edit/body"]);
    }
}
