//! RFC 5322 and MIME. The library reads headers, encodings and character sets; the tree of parts is walked here, so that
//! its depth and breadth have limits.

use super::{Enclosed, Letter};
use crate::findings::Findings;
use jiff::Timestamp;
use mail_parser::{HeaderName, Message, MessageParser, MessagePart, MimeHeaders};

/// Multiparts within multiparts that are opened.
const DEPTH_MAX: usize = 8;
/// Parts of one mail.
const PARTS_MAX: usize = 100;
/// Bytes of one part's headers.
const HEADER_BYTES_MAX: usize = 128 * 1024;
/// Bytes of text that are decoded in all. What is shown is far less.
const TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The text of a part, and whether it had to be made of HTML.
struct Text {
    text: String,
    was_html: bool,
}

struct Walk<'f> {
    findings: &'f mut Findings,
    parts: usize,
    text_bytes: usize,
    attachments: Vec<Enclosed>,
}

pub(super) fn read(bytes: &[u8], findings: &mut Findings) -> Option<Letter> {
    let (head, _) = split(bytes);
    let headers = (head.len() <= HEADER_BYTES_MAX).then(|| parse_head(head)).flatten();
    let Some(headers) = headers else {
        findings.fatal(
            "email.no_headers",
            "line 1",
            "it does not begin with the headers of a mail, or they are too long",
            "Post the mail as it came (RFC 5322), or as the JSON the documentation shows.",
        );
        return None;
    };
    let from = headers.from().and_then(|it| it.first()).and_then(|it| it.address());
    let mut letter = Letter {
        id: headers.message_id().map(str::to_owned),
        from: from.map(str::to_owned),
        sent: headers
            .date()
            .filter(|it| it.is_valid())
            .and_then(|it| Timestamp::from_second(it.to_timestamp()).ok()),
        subject: headers.subject().unwrap_or_default().to_owned(),
        ..Letter::default()
    };
    let mut walk = Walk {
        findings,
        parts: 0,
        text_bytes: 0,
        attachments: Vec::new(),
    };
    letter.body = walk.part(bytes, 0).map(|it| it.text).unwrap_or_default();
    letter.attachments = walk.attachments;
    Some(letter)
}

impl Walk<'_> {
    /// The text of a part and of what is in it; attachments are noted.
    fn part(&mut self, bytes: &[u8], depth: usize) -> Option<Text> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            if self.parts == PARTS_MAX + 1 {
                let why = format!("it has more than {PARTS_MAX} parts");
                self.findings.fatal(
                    "email.too_many_parts",
                    "body",
                    why,
                    "Ask the sender to send it in fewer parts.",
                );
            }
            return None;
        }
        let (head, body) = split(bytes);
        if head.len() > HEADER_BYTES_MAX {
            let why = format!("a part has more than {HEADER_BYTES_MAX} bytes of headers");
            self.findings
                .fatal("email.headers", "body", why, "Ask the sender to send it again.");
            return None;
        }
        let parsed = parse_head(head);
        let part = parsed.as_ref().and_then(|it| it.parts.first());
        let kind = part.and_then(|it| it.content_type());
        let (main, sub) = kind.map_or(("text", "plain"), |it| (it.ctype(), it.subtype().unwrap_or_default()));
        let (main, sub) = (main.to_ascii_lowercase(), sub.to_ascii_lowercase());
        if main == "multipart" {
            let boundary = kind.and_then(|it| it.attribute("boundary")).unwrap_or_default();
            return self.multipart(body, boundary, sub == "alternative", depth);
        }
        let is_enclosed = part
            .and_then(|it| it.content_disposition())
            .is_some_and(|it| it.is_attachment());
        if main != "text" || is_enclosed || !matches!(sub.as_str(), "plain" | "html" | "") {
            self.enclose(part, &main, &sub, body.len());
            return None;
        }
        let text = self.leaf(bytes, body)?;
        let was_html = sub == "html";
        Some(Text { text, was_html })
    }

    fn multipart(&mut self, body: &[u8], boundary: &str, is_choice: bool, depth: usize) -> Option<Text> {
        if depth >= DEPTH_MAX {
            let why = format!("its parts are nested more than {DEPTH_MAX} deep");
            self.findings.fatal(
                "email.too_deep",
                "body",
                why,
                "Ask the sender to write it again as plain text.",
            );
            return None;
        }
        if boundary.is_empty() {
            self.findings.fatal(
                "email.no_boundary",
                "Content-Type",
                "its parts cannot be told apart: the boundary is missing",
                "Ask the sender to write it again as plain text.",
            );
            return None;
        }
        let (parts, is_closed) = parts(body, boundary.as_bytes());
        if !is_closed {
            self.findings.warning(
                "email.cut_off",
                "body",
                "the mail ends before its last part does",
                "Check whether something is missing.",
            );
        }
        let texts: Vec<Text> = parts.iter().filter_map(|it| self.part(it, depth + 1)).collect();
        if is_choice {
            // The same text in several forms: the plain one is what everybody sees alike.
            let plain = texts.iter().position(|it| !it.was_html && !it.text.trim().is_empty());
            return texts.into_iter().nth(plain.unwrap_or(0));
        }
        let was_html = texts.iter().all(|it| it.was_html);
        let text: Vec<String> = texts.into_iter().map(|it| it.text).collect();
        (!text.is_empty()).then(|| Text {
            text: text.join("\n"),
            was_html,
        })
    }

    /// The text of a part that holds no others, decoded.
    fn leaf(&mut self, bytes: &[u8], body: &[u8]) -> Option<String> {
        self.text_bytes += body.len();
        if self.text_bytes > TEXT_BYTES_MAX {
            let why = format!("it has more than {TEXT_BYTES_MAX} bytes of text");
            self.findings
                .fatal("email.too_much_text", "body", why, "Ask the sender for a shorter mail.");
            return None;
        }
        let message = MessageParser::default().parse(bytes);
        let text = message.as_ref().and_then(|it| it.body_text(0));
        let is_damaged = message
            .as_ref()
            .is_some_and(|it| it.parts.iter().any(|it| it.is_encoding_problem));
        if is_damaged {
            self.findings.warning(
                "email.encoding",
                "body",
                "a part is not encoded as it says it is; it was read as far as it can be",
                "Compare with the raw message.",
            );
        }
        Some(text.map_or_else(|| String::from_utf8_lossy(body).into_owned(), |it| it.into_owned()))
    }

    fn enclose(&mut self, part: Option<&MessagePart<'_>>, main: &str, sub: &str, bytes: usize) {
        let plain = |it: &str| it.chars().filter(char::is_ascii_graphic).take(60).collect::<String>();
        let name = part.and_then(|it| it.attachment_name());
        self.attachments.push(Enclosed {
            media_type: format!("{}/{}", plain(main), plain(sub)),
            bytes: bytes as u64,
            name: name.map(|it| it.chars().filter(|it| !it.is_control()).take(200).collect()),
        });
    }
}

/// The headers of a mail or part, and nothing of its body.
fn parse_head(head: &[u8]) -> Option<Message<'_>> {
    let parsed = MessageParser::default().parse_headers(head)?;
    let known = parsed
        .parts
        .first()?
        .headers
        .iter()
        .any(|it| !matches!(it.name, HeaderName::Other(_)));
    known.then_some(parsed)
}

/// Headers with their empty line, and what comes after it.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in bytes.split_inclusive(|it| *it == b'\n') {
        at += line.len();
        if line == b"\n" || line == b"\r\n" {
            break;
        }
    }
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

/// What lies between the lines of a boundary, and whether the last of them is there.
fn parts<'b>(body: &'b [u8], boundary: &[u8]) -> (Vec<&'b [u8]>, bool) {
    let mut parts = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    for line in body.split_inclusive(|it| *it == b'\n') {
        let mark = line
            .trim_ascii_end()
            .strip_prefix(b"--")
            .and_then(|it| it.strip_prefix(boundary));
        let is_last = mark == Some(b"--");
        if mark.is_some_and(|it| it.is_empty() || is_last) {
            if let Some(part) = start.and_then(|it| body.get(it..at)) {
                parts.push(part);
            }
            if is_last {
                return (parts, true);
            }
            if parts.len() > PARTS_MAX {
                return (parts, true);
            }
            start = Some(at + line.len());
        }
        at += line.len();
    }
    if let Some(part) = start.and_then(|it| body.get(it..)) {
        parts.push(part);
    }
    (parts, false)
}
