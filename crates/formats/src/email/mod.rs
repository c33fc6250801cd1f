//! E-mail: RFC 5322 with MIME, or the JSON that mail gateways post. Text is read as text: whatever it says, it is
//! looked at for facts and for nothing else.
//!
//! Invariant: a fact has its place in the text that people are shown, so that nothing can be claimed that is not there.

mod body;
mod clock;
mod facts;
mod find;
mod mime;
mod times;
mod tokens;
mod webhook;

use crate::decode::{Context, Decoded, Decoding};
use crate::findings::Findings;
use jiff::Timestamp;
use signalbox_model::attempt::Attempt;
use signalbox_model::mail::{Attachment, MailAttempt, SectionKind, SenderProof};
use signalbox_model::personal::{Personal, Taint};

pub use facts::facts;

/// Characters of a mail's text that are read; a longer one is cut there, and says so.
pub const TEXT_CHARS_MAX: usize = 20_000;
/// Attachments that are named.
const ATTACHMENTS_MAX: usize = 50;
const ID_CHARS_MAX: usize = 250;
const ADDRESS_CHARS_MAX: usize = 254;

/// A mail as its envelope form gave it, before its text is looked at.
#[derive(Debug, Default)]
struct Letter {
    id: Option<String>,
    from: Option<String>,
    proof: SenderProof,
    sent: Option<Timestamp>,
    subject: String,
    body: String,
    attachments: Vec<Enclosed>,
}

#[derive(Debug)]
struct Enclosed {
    media_type: String,
    bytes: u64,
    name: Option<String>,
}

pub(crate) fn front_door(bytes: &[u8], _context: &Context<'_>) -> Decoded {
    let mut findings = Findings::default();
    let is_json = bytes.iter().find(|it| !it.is_ascii_whitespace()) == Some(&b'{');
    let letter = if is_json {
        webhook::read(bytes, &mut findings)
    } else {
        mime::read(bytes, &mut findings)
    };
    let attempt = letter.and_then(|it| attempt(it, &mut findings));
    let attempt = attempt.filter(|_| !findings.is_fatal());
    let mut decoded = Decoded::default();
    decoded.decodings.push(Decoding {
        at: String::new(),
        interchange: None,
        attempt: attempt.map(|it| Attempt::Mail(Box::new(it))),
        issues: findings.into_issues(),
    });
    decoded
}

fn attempt(letter: Letter, findings: &mut Findings) -> Option<MailAttempt> {
    let from = letter.from.map(|it| it.trim().to_lowercase());
    let from = from.filter(|it| it.contains('@') && it.chars().count() <= ADDRESS_CHARS_MAX);
    let Some(from) = from else {
        findings.fatal(
            "email.no_sender",
            "From",
            "the mail does not say whom it is from",
            "Ask who forwards the mails to keep their headers, or enter what it says by hand.",
        );
        return None;
    };
    let (text, subject_chars) = shown(&letter.subject, &letter.body, findings);
    if text.trim().is_empty() && letter.attachments.is_empty() {
        findings.fatal(
            "email.no_text",
            "body",
            "the mail has neither text nor attachments",
            "Ask the sender to write it again as text.",
        );
        return None;
    }
    if letter.sent.is_none() {
        findings.warning(
            "email.no_date",
            "Date",
            "the mail does not say when it was sent, or it cannot be read",
            "Times in it were read as of its arrival. Check them.",
        );
    }
    let sections = body::sections(&text, subject_chars);
    let of_sender = |span| {
        let holds = sections.iter().find(|it| it.span.start <= span && span < it.span.end);
        holds.is_none_or(|it| it.kind != SectionKind::Signature)
    };
    let found = find::all(&text);
    let found = found.into_iter().filter(|it| of_sender(it.span.start)).collect();
    let personal = |it: String| Personal::plain(it, Taint::Public);
    let attachments = letter.attachments.into_iter().take(ATTACHMENTS_MAX);
    Some(MailAttempt {
        id: letter.id.map(|it| plain_id(&it)).filter(|it| !it.is_empty()),
        from: personal(from),
        proof: letter.proof,
        sent: letter.sent,
        sections,
        found,
        text: personal(text),
        attachments: attachments
            .map(|it| Attachment {
                media_type: it.media_type,
                bytes: it.bytes,
                name: it.name.map(personal),
            })
            .collect(),
    })
}

/// Message-ID without its angle brackets.
fn plain_id(id: &str) -> String {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    id.chars().filter(|it| !it.is_control()).take(ID_CHARS_MAX).collect()
}

/// What people are shown: one kind of line end, no control characters, nothing past the limit; and how many characters
/// of it are the subject.
fn shown(subject: &str, body: &str, findings: &mut Findings) -> (String, usize) {
    let subject: Vec<&str> = subject.split_whitespace().collect();
    let subject: String = subject
        .join(" ")
        .chars()
        .filter(|it| is_shown(*it))
        .take(1_000)
        .collect();
    let subject_chars = subject.chars().count();
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let body = body.chars().filter(|it| *it == '\n' || is_shown(*it));
    let body = body.map(|it| if it == '\t' { ' ' } else { it });
    let text: String = format!("{subject}\n\n{}", body.collect::<String>().trim());
    if text.chars().count() > TEXT_CHARS_MAX {
        findings.warning(
            "email.long",
            "body",
            format!("only the first {TEXT_CHARS_MAX} characters of the text were read"),
            "Look at the raw message for the rest.",
        );
        return (text.chars().take(TEXT_CHARS_MAX).collect(), subject_chars);
    }
    (text, subject_chars)
}

/// Not a control character, nor one that reorders or hides what stands beside it.
fn is_shown(letter: char) -> bool {
    let hides = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    letter == '\t' || (!letter.is_control() && !hides)
}
