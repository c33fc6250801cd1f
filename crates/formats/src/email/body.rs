//! Whose words a mail's text holds: the subject, what the sender writes now, what they answer to, their signature.

use signalbox_model::mail::{Section, SectionKind, Span};

/// Lines that begin what another mail said, down to the end.
const QUOTES: &[&str] = &[
    "-----original message",
    "---------- forwarded message",
    "________________________________",
];

/// Sections of the text, in order and without a gap. `subject_chars` of it are the subject.
pub(super) fn sections(text: &str, subject_chars: usize) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut at = 0;
    let mut rest_is = None;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let length = line.chars().count();
        let plain = line.trim().to_lowercase();
        if number > 0 && rest_is != Some(SectionKind::Quoted) {
            rest_is = begins(&plain).or(rest_is);
        }
        let kind = if at < subject_chars && number == 0 {
            SectionKind::Subject
        } else if plain.starts_with('>') {
            SectionKind::Quoted
        } else {
            rest_is.unwrap_or(SectionKind::Own)
        };
        let (start, end) = (at as u32, (at + length) as u32);
        match sections.last_mut() {
            Some(last) if last.kind == kind => last.span.end = end,
            _ => sections.push(Section {
                kind,
                span: Span { start, end },
            }),
        }
        at += length;
    }
    sections
}

/// What a line says of all that follows it.
fn begins(line: &str) -> Option<SectionKind> {
    let is_quote = QUOTES.iter().any(|it| line.starts_with(it))
        || (line.starts_with("on ") && line.ends_with("wrote:"))
        || (line.starts_with("from:") && line.contains('@'));
    if is_quote {
        return Some(SectionKind::Quoted);
    }
    let is_signature =
        line == "--" || line == "—" || line.starts_with("sent from my ") || line.starts_with("get outlook for ");
    is_signature.then_some(SectionKind::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(SectionKind, String)> {
        let subject = text.lines().next().unwrap_or_default().chars().count();
        let letters: Vec<char> = text.chars().collect();
        let words = |it: &Section| {
            letters[it.span.start as usize..it.span.end as usize]
                .iter()
                .collect::<String>()
        };
        sections(text, subject)
            .iter()
            .map(|it| (it.kind, words(it).trim().to_owned()))
            .collect()
    }

    #[test]
    fn quotes_and_signatures_are_told_from_what_is_said_now() {
        use SectionKind::{Own, Quoted, Signature, Subject};
        let text =
            "Re: 48213\n\nstuck – since 9:40\n> where are you?\nneed detention\n-- \nPat\nOn Tue, Dana wrote:\nold";
        let got = kinds(text);
        let kinds: Vec<SectionKind> = got.iter().map(|it| it.0).collect();
        assert_eq!(kinds, [Subject, Own, Quoted, Own, Signature, Quoted]);
        assert_eq!(got[3].1, "need detention");
        assert_eq!(got[5].1, "On Tue, Dana wrote:\nold");
    }
}
