//! Bytes to segments and elements, without copying: the delimiters come from each interchange's own ISA.

use std::borrow::Cow;

/// Elements kept of one segment. No segment of the standard has a tenth as many.
pub const ELEMENTS_MAX: usize = 200;

/// How far an ISA may run before we say it is none. The standard's has 106 characters.
const ISA_SPAN_MAX: usize = 512;

/// The widths of ISA01 to ISA15.
const ISA_WIDTHS: [usize; 15] = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiters {
    pub element: u8,
    pub component: u8,
    pub segment: u8,
}

/// The first segment of an interchange.
#[derive(Debug)]
pub struct Isa<'a> {
    pub delimiters: Delimiters,
    /// `ISA` and ISA01 to ISA15, each trimmed.
    pub elements: Vec<&'a str>,
    /// Bytes up to and with the terminator.
    pub length: usize,
    pub padded: bool,
}

/// Why an ISA could not be split.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsplittable {
    Truncated,
    NotAnIsa,
    /// A delimiter outside ASCII; the text is read again with a stand-in for it.
    Exotic(char),
}

/// The start of the next interchange in `text`, if any.
pub fn find_isa(text: &str) -> Option<usize> {
    text.match_indices("ISA").map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|it| it.chars().next_back());
        let after = text.get(at + 3..).and_then(|it| it.chars().next());
        let delimits = |it: char| !it.is_alphanumeric() && it != ' ';
        !before.is_some_and(char::is_alphanumeric) && after.is_some_and(delimits)
    })
}

/// Splits the ISA that `text` begins with by its own separators, so that wrong padding does no harm.
pub fn isa(text: &str) -> Result<Isa<'_>, Unsplittable> {
    let whole = text.len();
    let text = text.get(..text.floor_char_boundary(ISA_SPAN_MAX)).unwrap_or_default();
    let mut chars = text.get(3..).unwrap_or_default().chars();
    let element = chars.next().ok_or(Unsplittable::Truncated)?;
    if !element.is_ascii() {
        return Err(Unsplittable::Exotic(element));
    }
    let pieces: Vec<&str> = text.splitn(17, element).collect();
    let Some((tail, head)) = pieces.split_last().filter(|_| pieces.len() == 17) else {
        return Err(if whole < ISA_SPAN_MAX {
            Unsplittable::Truncated
        } else {
            Unsplittable::NotAnIsa
        });
    };
    let (component, segment, used) = tail_delimiters(tail)?;
    let delimiters = Delimiters {
        element: element as u8,
        component,
        segment,
    };
    let padded = head
        .iter()
        .skip(1)
        .zip(ISA_WIDTHS)
        .all(|(it, width)| it.chars().count() == width);
    let elements = head.iter().map(|it| it.trim()).collect();
    Ok(Isa {
        delimiters,
        elements,
        length: text.len() - tail.len() + used,
        padded,
    })
}

/// ISA16 and the terminator after it, from the text that begins with ISA16, and how many bytes they take.
fn tail_delimiters(tail: &str) -> Result<(u8, u8, usize), Unsplittable> {
    let mut chars = tail.char_indices();
    let (_, first) = chars.next().ok_or(Unsplittable::Truncated)?;
    // Some writers pad between ISA16 and the terminator.
    let second = chars.find(|(_, it)| *it != ' ');
    if let Some((_, exotic)) = second.filter(|(_, it)| !it.is_ascii()) {
        return Err(Unsplittable::Exotic(exotic));
    }
    if !first.is_ascii() {
        return Err(Unsplittable::Exotic(first));
    }
    match second {
        // ISA16 left out: what stands there is the terminator.
        Some((_, next)) if next.is_ascii_alphanumeric() && !first.is_ascii_alphanumeric() => {
            Ok((0, first as u8, first.len_utf8()))
        }
        Some((at, terminator)) if !terminator.is_ascii_alphanumeric() => {
            Ok((first as u8, terminator as u8, at + terminator.len_utf8()))
        }
        Some(_) => Err(Unsplittable::NotAnIsa),
        None => Err(Unsplittable::Truncated),
    }
}

/// One segment as found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it begins, in bytes from the start of the text.
    pub start: usize,
    /// Its elements' place among all elements read so far.
    pub first: usize,
    pub count: usize,
    /// Whether a terminator followed, rather than the end of the text.
    pub terminated: bool,
    /// Elements beyond `ELEMENTS_MAX` that were left out.
    pub dropped: usize,
}

#[derive(Debug)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
    delimiters: Delimiters,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str, at: usize, delimiters: Delimiters) -> Self {
        Self { text, at, delimiters }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Reads one segment and appends its elements. None at the end of the text.
    pub fn next(&mut self, elements: &mut Vec<&'a str>) -> Option<Token> {
        let Delimiters { element, segment, .. } = self.delimiters;
        // Files that end segments with line ends mix all kinds of them.
        let lines = matches!(segment, b'\n' | b'\r');
        let body = self
            .rest()
            .trim_start_matches(|it: char| it == char::from(segment) || is_filler(it));
        let start = self.text.len() - body.len();
        if body.is_empty() {
            self.at = self.text.len();
            return None;
        }
        let first = elements.len();
        let (mut from, mut dropped, mut end) = (0, 0, None);
        let mut keep = |piece: Option<&'a str>| match piece {
            Some(piece) if elements.len() - first < ELEMENTS_MAX => elements.push(piece),
            _ => dropped += 1,
        };
        for (at, byte) in body.bytes().enumerate() {
            if byte == element {
                keep(body.get(from..at));
                from = at + 1;
            } else if byte == segment || (lines && matches!(byte, b'\n' | b'\r')) {
                end = Some(at);
                break;
            }
        }
        keep(body.get(from..end.unwrap_or(body.len())));
        self.at = start + end.map_or(body.len(), |it| it + 1);
        Some(Token {
            start,
            first,
            count: elements.len() - first,
            terminated: end.is_some(),
            dropped,
        })
    }
}

/// What stands between segments and means nothing.
pub fn is_filler(it: char) -> bool {
    it.is_whitespace() || matches!(it, '\0' | '\u{1a}' | '\u{feff}')
}

/// A segment of a transaction set.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'t, 'a> {
    elements: &'t [&'a str],
    /// Place in the transaction set, ST being 1.
    pub number: u32,
}

impl<'t, 'a> Segment<'t, 'a> {
    pub fn new(elements: &'t [&'a str], number: u32) -> Self {
        Self { elements, number }
    }

    pub fn id(&self) -> &'a str {
        self.get(0)
    }

    /// An element, trimmed; empty where it is absent.
    pub fn get(&self, position: usize) -> &'a str {
        self.elements.get(position).map_or("", |it| trimmed(it))
    }

    pub fn has(&self, position: usize) -> bool {
        !self.get(position).is_empty()
    }

    /// `S5-03 segment 24`
    pub fn at(&self, position: u32) -> String {
        format!("{}-{position:02} segment {}", self.id(), self.number)
    }

    /// `S5 segment 24`
    pub fn place(&self) -> String {
        format!("{} segment {}", self.id(), self.number)
    }
}

/// What `trim` gives. Most elements have nothing to trim, and two bytes show it.
fn trimmed(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) {
        text
    } else {
        text.trim()
    }
}

/// Takes out line breaks that were put inside segments, as mail gateways do every 80 characters.
/// None where there are none, or where line ends end the segments.
pub fn unwrapped(text: &str, terminator: u8) -> Option<String> {
    if matches!(terminator, b'\n' | b'\r') {
        return None;
    }
    let ended = |before: &str| {
        let last = before.trim_end_matches(is_filler).bytes().next_back();
        last.is_none_or(|it| it == terminator)
    };
    let bytes = text.as_bytes();
    let follows_terminator = |at: usize| at.checked_sub(1).and_then(|it| bytes.get(it)) == Some(&terminator);
    let broken = |(at, _): (usize, &str)| !follows_terminator(at) && !ended(text.get(..at).unwrap_or_default());
    text.match_indices('\n')
        .any(broken)
        .then(|| text.replace(['\r', '\n'], ""))
}

/// Text of any bytes: UTF-8 as it is, everything else as Latin-1, which no byte fails.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}
