//! The front door: whoever has bytes and the source's format needs to know nothing else.

use crate::{email, json, telematics, x12};
use signalbox_model::attempt::Attempt;
use signalbox_model::directory::SourceFormat;
use signalbox_model::issue::Issue;
use signalbox_model::personal::Taint;

/// The largest message read. Larger ones are refused whole, with a fix.
pub const BYTES_MAX: usize = 20 * 1024 * 1024;

/// What is known about a message besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// IANA zone for times whose message and site say nothing: the source's.
    pub zone: &'a str,
    /// How far personal values in messages of this source are to be believed.
    pub taint: Taint,
    /// Who sent it, where the channel proves that and the message may leave it out.
    pub sender: Option<&'a str>,
}

impl Default for Context<'_> {
    fn default() -> Self {
        Self {
            zone: "UTC",
            taint: Taint::Partner,
            sender: None,
        }
    }
}

#[derive(Debug, Default)]
pub struct Decoded {
    /// Who sent what to whom, as the envelopes say: with a checksum, what makes a message the same message.
    pub identities: Vec<Identity>,
    pub decodings: Vec<Decoding>,
    /// What concerns the whole message rather than one transaction of it.
    pub issues: Vec<Issue>,
    /// Acknowledgements the senders are owed. They still need a control number and a time.
    pub replies: Vec<Reply>,
}

/// One thing a message asked for, or why it could not be read.
#[derive(Debug)]
pub struct Decoding {
    /// Where in the message: `interchange 000018718, group 17878, 204 178780001`, or a JSON pointer.
    pub at: String,
    /// The interchange it came in, where the format has such a thing. The index counts `identities`.
    pub interchange: Option<usize>,
    /// None where an issue is fatal.
    pub attempt: Option<Attempt>,
    pub issues: Vec<Issue>,
}

/// The parts of an interchange's name (X12 ISA06, ISA08, ISA13).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    pub sender: String,
    pub receiver: String,
    pub control_number: String,
}

/// An acknowledgement to return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The interchange it answers; the index counts `identities`.
    pub interchange: usize,
    /// The partner it goes to: the sender's interchange id.
    pub to: String,
    pub x12: x12::Reply,
}

impl Identity {
    /// One text for a dedupe key. The parts cannot run into each other.
    pub fn key(&self) -> String {
        let escaped = |part: &str| part.replace('\\', "\\\\").replace('|', "\\|");
        format!(
            "{}|{}|{}",
            escaped(&self.sender),
            escaped(&self.receiver),
            escaped(&self.control_number)
        )
    }
}

/// Reads a message. Never panics, never loses: what could not be read is an issue beside what could.
pub fn decode(format: SourceFormat, bytes: &[u8], context: &Context<'_>) -> Decoded {
    if bytes.len() > BYTES_MAX {
        return refused(Issue::fatal(
            "message.too_large",
            "",
            format!(
                "the message has {} bytes, more than the {BYTES_MAX} that are read",
                bytes.len()
            ),
            "Ask the partner to send it in parts.",
        ));
    }
    match format {
        SourceFormat::X12 => x12::front_door(bytes, context),
        SourceFormat::Json => json::front_door(bytes, context),
        SourceFormat::Telematics => telematics::front_door(bytes, context),
        SourceFormat::Email => email::front_door(bytes, context),
    }
}

pub(crate) fn refused(issue: Issue) -> Decoded {
    Decoded {
        issues: vec![issue],
        ..Decoded::default()
    }
}
