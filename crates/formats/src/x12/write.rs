//! Writing X12 strictly: exact widths, true counts, no delimiter or odd character in an element.
//!
//! Names and notes are cut to their length; identifiers never are. What cannot be said exactly is refused.

use super::time;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use signalbox_model::value::Moment;
use std::fmt::Write as _;

const ELEMENT: char = '*';
const SEGMENT: char = '~';
const COMPONENT: char = '>';

/// A qualifier (X12 I05: ZZ, 02 SCAC, 01 DUNS, 12 telephone ...) and an interchange id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub qualifier: String,
    pub id: String,
}

/// What an outbound interchange needs besides what it says.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    pub sender: &'a Address,
    pub receiver: &'a Address,
    /// Unique per receiver, 1 to 999,999,999. The group gets the same.
    pub control_number: u32,
    pub now: Timestamp,
    /// ISA15: test data where true.
    pub test: bool,
}

/// Why something cannot be sent as X12.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {value:?} cannot be sent as X12: {why}")]
pub struct Unwritable {
    pub field: &'static str,
    pub value: String,
    pub why: String,
}

impl Envelope<'_> {
    pub fn date(&self) -> String {
        self.local().strftime("%Y%m%d").to_string()
    }

    fn local(&self) -> jiff::civil::DateTime {
        TimeZone::UTC.to_datetime(self.now)
    }
}

/// An interchange with one group, being written. Empty elements at a segment's end are left out.
#[derive(Debug)]
pub struct Interchange {
    out: String,
    control_number: u32,
    sets: u32,
    set_segments: u32,
    /// Separators owed before the next element that is not empty.
    pending: usize,
    open: bool,
}

impl Interchange {
    /// Begins an interchange without a group, as a TA1 travels.
    pub fn begin_bare(envelope: &Envelope<'_>) -> Result<Self, Unwritable> {
        let control_number = envelope.control_number;
        if !(1..=999_999_999).contains(&control_number) {
            let why = "it must lie between 1 and 999999999".to_owned();
            return Err(Unwritable {
                field: "control number",
                value: control_number.to_string(),
                why,
            });
        }
        let mut out = String::with_capacity(1_024);
        let local = envelope.local();
        let (from, to) = (address(envelope.sender)?, address(envelope.receiver)?);
        let (date, usage) = (local.strftime("%y%m%d*%H%M"), if envelope.test { 'T' } else { 'P' });
        let blank = "          ";
        let _ = write!(
            out,
            "ISA*00*{blank}*00*{blank}*{from}*{to}*{date}*U*00401*{control_number:09}*0*{usage}*{COMPONENT}"
        );
        debug_assert_eq!(out.len(), 105, "an ISA has 106 characters with its terminator");
        Ok(Self {
            out,
            control_number,
            sets: 0,
            set_segments: 0,
            pending: 0,
            open: true,
        })
    }

    pub fn begin(envelope: &Envelope<'_>, functional_id: &str) -> Result<Self, Unwritable> {
        let mut interchange = Self::begin_bare(envelope)?;
        interchange.group(envelope, functional_id)?;
        Ok(interchange)
    }

    pub fn group(&mut self, envelope: &Envelope<'_>, functional_id: &str) -> Result<(), Unwritable> {
        self.segment("GS").text(functional_id);
        self.exact("sender", &envelope.sender.id, 2, 15)?
            .exact("receiver", &envelope.receiver.id, 2, 15)?;
        self.text(&envelope.date())
            .text(&envelope.local().strftime("%H%M").to_string());
        self.text(&envelope.control_number.to_string()).text("X").text("004010");
        Ok(())
    }

    pub fn begin_set(&mut self, set: &str) {
        self.sets += 1;
        self.set_segments = 0;
        let control = format!("{:04}", self.sets);
        self.segment("ST").text(set).text(&control);
    }

    pub fn segment(&mut self, id: &str) -> &mut Self {
        self.close();
        self.out.push_str(id);
        self.open = true;
        self.set_segments += 1;
        self
    }

    fn close(&mut self) {
        if self.open {
            self.out.push(SEGMENT);
            self.out.push('\n');
        }
        self.open = false;
        self.pending = 0;
    }

    /// One element, made safe. Empty is an element left out.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.pending += 1;
        let text = safe(text);
        if !text.is_empty() {
            self.out.extend(std::iter::repeat_n(ELEMENT, self.pending));
            self.out.push_str(&text);
            self.pending = 0;
        }
        self
    }

    /// A text that may be cut to fit.
    pub fn cut(&mut self, text: &str, longest: usize) -> &mut Self {
        let cut: String = safe(text).chars().take(longest).collect();
        self.text(cut.trim())
    }

    /// A text that is left out where it has no room.
    pub fn fitting(&mut self, text: &str, shortest: usize, longest: usize) -> &mut Self {
        let fits = (shortest..=longest).contains(&safe(text).chars().count());
        self.text(if fits { text } else { "" })
    }

    /// An identifier: it must arrive as it is (but for case), or not at all.
    pub fn exact(
        &mut self,
        field: &'static str,
        value: &str,
        shortest: usize,
        longest: usize,
    ) -> Result<&mut Self, Unwritable> {
        let unwritable = |why: String| Unwritable {
            field,
            value: value.to_owned(),
            why,
        };
        let value = value.trim();
        if safe(value) != value.to_ascii_uppercase() {
            return Err(unwritable(
                "it has characters that X12 elements cannot carry".to_owned(),
            ));
        }
        let length = value.chars().count();
        if !(shortest..=longest).contains(&length) {
            return Err(unwritable(format!(
                "it has {length} characters, and {shortest} to {longest} are allowed"
            )));
        }
        Ok(self.text(value))
    }

    /// Date, time, time code as three elements.
    pub fn moment(&mut self, moment: &Moment) -> &mut Self {
        let (date, time, code) = time::written(moment);
        self.text(&date).text(&time).text(&code)
    }

    /// G62: the time's qualifier stands between date and time.
    pub fn g62(&mut self, qualifier: &str, time_qualifier: &str, moment: &Moment) -> &mut Self {
        let (date, time, code) = time::written(moment);
        self.segment("G62")
            .text(qualifier)
            .text(&date)
            .text(time_qualifier)
            .text(&time)
            .text(&code)
    }

    pub fn end_set(&mut self) {
        let (count, control) = (self.set_segments + 1, format!("{:04}", self.sets));
        self.segment("SE").text(&count.to_string()).text(&control);
    }

    /// Ends the group and the interchange.
    pub fn end(mut self) -> String {
        let (sets, control) = (self.sets.to_string(), self.control_number.to_string());
        self.segment("GE").text(&sets).text(&control);
        self.end_bare(1)
    }

    pub fn end_bare(mut self, groups: u32) -> String {
        let control = format!("{:09}", self.control_number);
        self.segment("IEA").text(&groups.to_string()).text(&control);
        self.close();
        self.out
    }
}

/// `ZZ*SIGNALBOX      `
fn address(address: &Address) -> Result<String, Unwritable> {
    let id = address.id.trim();
    let unwritable = |why: &str| Unwritable {
        field: "interchange id",
        value: address.id.clone(),
        why: why.to_owned(),
    };
    if id.is_empty() || id.chars().count() > 15 {
        return Err(unwritable("1 to 15 characters are allowed"));
    }
    if safe(id) != id.to_ascii_uppercase()
        || address.qualifier.len() != 2
        || safe(&address.qualifier) != address.qualifier
    {
        return Err(unwritable(
            "the id or its two-letter qualifier has characters that X12 cannot carry",
        ));
    }
    Ok(format!("{}*{:<15}", address.qualifier, id.to_ascii_uppercase()))
}

/// Upper case, within X12's character set, free of our delimiters, without blanks at the ends or two in a row.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            ELEMENT | SEGMENT | COMPONENT | '^' => space(&mut safe),
            ' '..='~' => {
                if it == ' ' {
                    space(&mut safe);
                } else {
                    safe.push(it.to_ascii_uppercase());
                }
            }
            _ if it.is_whitespace() || it.is_control() => space(&mut safe),
            _ => safe.push_str(plain_letter(it)),
        }
    }
    safe.truncate(safe.trim_end().len());
    safe
}

fn space(text: &mut String) {
    if !text.is_empty() && !text.ends_with(' ') {
        text.push(' ');
    }
}

/// The letter without its accent.
fn plain_letter(it: char) -> &'static str {
    match it {
        'À'..='Å' | 'à'..='å' => "A",
        'Ç' | 'ç' => "C",
        'È'..='Ë' | 'è'..='ë' => "E",
        'Ì'..='Ï' | 'ì'..='ï' => "I",
        'Ñ' | 'ñ' => "N",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' => "O",
        'Ù'..='Ü' | 'ù'..='ü' => "U",
        'Ý' | 'ý' | 'ÿ' => "Y",
        'Æ' | 'æ' => "AE",
        'ß' => "SS",
        '\u{2018}' | '\u{2019}' => "'",
        '\u{2010}'..='\u{2015}' => "-",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_carries_no_delimiter_and_no_odd_character() {
        assert_eq!(safe("  Café*Zoë~ >\tLtd\n "), "CAFE ZOE LTD");
        assert_eq!(safe("日本"), "??");
        assert_eq!(safe("***"), "");
    }

    #[test]
    fn an_identifier_that_would_change_is_refused() {
        let us = Address {
            qualifier: "ZZ".to_owned(),
            id: "SIGNALBOX".to_owned(),
        };
        let envelope = Envelope {
            sender: &us,
            receiver: &us,
            control_number: 1,
            now: Timestamp::UNIX_EPOCH,
            test: false,
        };
        let mut out = Interchange::begin(&envelope, "SM").unwrap();
        assert!(out.exact("reference", "A*1", 1, 30).is_err());
        assert!(out.exact("reference", "", 1, 30).is_err());
        assert!(out.exact("scac", "ABCDE", 2, 4).is_err());
        assert!(out.exact("scac", "Abcd", 2, 4).is_ok());
        let long = Address {
            id: "SIXTEEN-LETTERS-".to_owned(),
            ..us.clone()
        };
        assert!(
            Interchange::begin(
                &Envelope {
                    sender: &long,
                    ..envelope
                },
                "SM"
            )
            .is_err()
        );
    }
}
