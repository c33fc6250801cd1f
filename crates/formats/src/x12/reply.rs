//! What a sender is owed for its interchange: a 997 per group, and a TA1 where it asks or the envelope was wrong.

use super::write::{Address, Envelope, Interchange as Out, Unwritable};
use super::{Group, Interchange, Transaction};
use crate::findings::Fault;
use jiff::Timestamp;

/// Sets answered one by one in a 997.
const SETS_MAX: usize = 10_000;
/// AK3 loops written for one set.
const FAULTS_MAX: usize = 50;

/// The facts of an acknowledgement. Who it is from and to are turned round already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub sender: Address,
    pub receiver: Address,
    pub test: bool,
    pub about: About,
}

/// Each travels in an interchange of its own: many readers refuse a TA1 beside a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Interchange(ReplyInterchange),
    Groups(Vec<ReplyGroup>),
}

/// TA1: the interchange it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyInterchange {
    pub control_number: String,
    pub date: String,
    pub time: String,
    /// X12 I17: A, E or R.
    pub outcome: &'static str,
    /// X12 I18.
    pub note: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyGroup {
    pub functional_id: String,
    pub control_number: String,
    /// GE01, or what was found where the trailer is missing.
    pub declared: u32,
    pub sets: Vec<ReplySet>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplySet {
    pub set: String,
    pub control_number: String,
    /// X12 717: A, E or R.
    pub outcome: &'static str,
    /// X12 718.
    pub codes: Vec<&'static str>,
    pub faults: Vec<Fault>,
}

/// The acknowledgements an interchange is owed. Acknowledgements themselves are never acknowledged.
pub fn owed(interchange: &Interchange) -> Vec<Reply> {
    let groups: Vec<ReplyGroup> = interchange
        .groups
        .iter()
        .filter(|it| it.functional_id != "FA" && can_be_named(it))
        .map(reply_group)
        .collect();
    let acknowledges = !interchange.groups.is_empty() || !interchange.acknowledgements.is_empty();
    let about_interchange = interchange.wants_acknowledgement || interchange.note.is_some();
    let ta1 = (about_interchange && !(groups.is_empty() && acknowledges)).then(|| About::Interchange(ta1(interchange)));
    let groups = (!groups.is_empty()).then_some(About::Groups(groups));
    let reply = |about| Reply {
        sender: interchange.receiver.clone(),
        receiver: interchange.sender.clone(),
        test: interchange.is_test,
        about,
    };
    ta1.into_iter().chain(groups).map(reply).collect()
}

fn ta1(interchange: &Interchange) -> ReplyInterchange {
    ReplyInterchange {
        control_number: interchange.control_number.clone(),
        date: interchange.date.clone(),
        time: interchange.time.clone(),
        outcome: match interchange.note {
            None => "A",
            Some(_) if interchange.groups.is_empty() => "R",
            Some(_) => "E",
        },
        note: interchange.note.unwrap_or("000"),
    }
}

fn reply_group(group: &Group) -> ReplyGroup {
    ReplyGroup {
        functional_id: group.functional_id.clone(),
        control_number: group.control_number.clone(),
        declared: group.declared.unwrap_or(group.transactions.len() as u32),
        sets: group.transactions.iter().take(SETS_MAX).map(reply_set).collect(),
    }
}

/// A 997 names the group it answers; one whose name has no room in it cannot be answered.
fn can_be_named(group: &Group) -> bool {
    let alphanumeric = |it: &str| it.bytes().all(|byte| byte.is_ascii_alphanumeric());
    group.functional_id.len() == 2
        && (1..=9).contains(&group.control_number.len())
        && alphanumeric(&group.functional_id)
        && alphanumeric(&group.control_number)
}

fn reply_set(transaction: &Transaction) -> ReplySet {
    let outcome = match (
        transaction.is_refused(),
        transaction.codes.is_empty() && transaction.faults.is_empty(),
    ) {
        (true, _) => "R",
        (false, true) => "A",
        (false, false) => "E",
    };
    let mut codes = transaction.codes.clone();
    if !transaction.faults.is_empty() && !codes.contains(&"5") {
        codes.push("5");
    }
    ReplySet {
        set: transaction.set.clone(),
        control_number: transaction.control_number.clone(),
        outcome,
        codes,
        faults: transaction.faults.clone(),
    }
}

/// The interchange to send.
pub fn reply(reply: &Reply, control_number: u32, now: Timestamp) -> Result<String, Unwritable> {
    let envelope = Envelope {
        sender: &reply.sender,
        receiver: &reply.receiver,
        control_number,
        now,
        test: reply.test,
    };
    match &reply.about {
        About::Interchange(ta1) => {
            let mut out = Out::begin_bare(&envelope)?;
            let number: u32 = ta1.control_number.parse().unwrap_or(0);
            out.segment("TA1").text(&format!("{number:09}"));
            out.text(&fixed_digits(&ta1.date, 6))
                .text(&fixed_digits(&ta1.time, 4))
                .text(ta1.outcome)
                .text(ta1.note);
            Ok(out.end_bare(0))
        }
        About::Groups(groups) => {
            let mut out = Out::begin(&envelope, "FA")?;
            for group in groups {
                write_group(&mut out, group)?;
            }
            Ok(out.end())
        }
    }
}

/// The digits of a partner's date or time, as many as TA1 has room for.
fn fixed_digits(text: &str, width: usize) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(width).collect();
    format!("{digits:0>width$}")
}

fn write_group(out: &mut Out, group: &ReplyGroup) -> Result<(), Unwritable> {
    out.begin_set("997");
    out.segment("AK1")
        .exact("functional id", &group.functional_id, 2, 2)?
        .exact("group", &group.control_number, 1, 9)?;
    for set in &group.sets {
        // A set whose name cannot be said back is counted, not named.
        let digits = |it: &str| it.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if set.set.len() == 3
            && (4..=9).contains(&set.control_number.len())
            && digits(&set.set)
            && digits(&set.control_number)
        {
            write_set(out, set)?;
        }
    }
    let accepted = group.sets.iter().filter(|it| it.outcome != "R").count();
    let outcome = match (group.sets.len() - accepted, accepted) {
        (0, _) if group.sets.iter().all(|it| it.outcome == "A") => "A",
        (0, _) => "E",
        (_, 0) => "R",
        _ => "P",
    };
    out.segment("AK9").text(outcome).text(&group.declared.to_string());
    out.text(&group.sets.len().to_string()).text(&accepted.to_string());
    out.end_set();
    Ok(())
}

fn write_set(out: &mut Out, set: &ReplySet) -> Result<(), Unwritable> {
    out.segment("AK2")
        .exact("set", &set.set, 3, 3)?
        .exact("set control number", &set.control_number, 4, 9)?;
    for fault in set.faults.iter().filter(|it| it.number <= 999_999).take(FAULTS_MAX) {
        let missing = fault.element.is_none();
        // 720: 3 a mandatory segment is missing, 8 the segment has data element errors.
        out.segment("AK3")
            .cut(&fault.segment, 3)
            .text(&fault.number.to_string());
        out.text("").text(if missing { "3" } else { "8" });
        if let Some(element) = &fault.element {
            out.segment("AK4")
                .text(&element.position.to_string())
                .text("")
                .text(element.code)
                .cut(&element.value, 99);
        }
    }
    out.segment("AK5").text(set.outcome);
    set.codes.iter().take(5).for_each(|code| {
        out.text(code);
    });
    Ok(())
}
