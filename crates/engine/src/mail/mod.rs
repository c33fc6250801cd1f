//! Mail: what a text means, which load it is about, and what follows from it.
//!
//! Invariants: what a mail says is never taken for what happened. It raises or joins an exception and lies there as
//! evidence, with its facts at their places in the text; it accepts no offer, moves no trip, and orders no effect. A
//! milestone that it tells stands on the trip once a person has let it count (docs/decisions/0018).
//! Whom to answer, what to ask for and which load it is come from the records and the directory.

use crate::state::{LoadState, MailState};
use signalbox_model::exception::Approval;

mod admit;
mod link;
mod milestone;
mod read;
mod words;

pub(crate) use admit::{admit, advised};
pub use link::{CALLED_MAX, Candidate, Choice, Linked, called, link, names, names_given, numbers, sender};
pub(crate) use milestone::{
    ACTION as MILESTONE, approve as approve_milestone, of as milestone_of, withdraw_all as withdraw_milestones,
    withdraw_outranked,
};
pub use read::{read, said_at};

/// The questions about a mail that wait for a person.
pub fn questions<'s>(state: &'s LoadState, mail: &'s MailState) -> impl Iterator<Item = &'s Approval> {
    let of_mail = |it: &&Approval| {
        let named = it.proposal.get("mail").and_then(serde_json::Value::as_str);
        named.is_some() && named == mail.message.as_ref().map(|it| it.as_str())
    };
    state.open_approvals().filter(of_mail)
}
