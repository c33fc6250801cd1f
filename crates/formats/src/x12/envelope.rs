//! One interchange: groups and transaction sets, with the counts and control numbers partners so often get wrong.

use super::token::{Delimiters, Segment, Token, Tokens};
use super::{Group, Interchange, Transaction, acknowledgement, set};
use crate::decode::Context;
use crate::findings::{Findings, quoted};

/// Segments read of one file.
pub const SEGMENTS_MAX: usize = 2_000_000;
/// Transactions read of one interchange.
const TRANSACTIONS_MAX: usize = 100_000;
/// TA1 segments read of one interchange.
const ACKNOWLEDGEMENTS_MAX: usize = 1_000;

/// A transaction set as found, from its ST on.
#[derive(Debug)]
pub struct RawSet<'a> {
    elements: Vec<&'a str>,
    /// First element and count, by segment.
    spans: Vec<(usize, usize)>,
}

impl<'a> RawSet<'a> {
    /// Room for a usual transaction set, so that reading one does not grow it step by step.
    fn with_room() -> Self {
        const SEGMENTS: usize = 64;
        const ELEMENTS_EACH: usize = 6;
        Self {
            elements: Vec::with_capacity(SEGMENTS * ELEMENTS_EACH),
            spans: Vec::with_capacity(SEGMENTS),
        }
    }

    pub fn segments<'t>(&'t self) -> impl Iterator<Item = Segment<'t, 'a>> {
        let segment = |(at, (first, count)): (usize, &(usize, usize))| {
            Segment::new(
                self.elements.get(*first..first + count).unwrap_or_default(),
                at as u32 + 1,
            )
        };
        self.spans.iter().enumerate().map(segment)
    }

    fn clear(&mut self) {
        self.elements.clear();
        self.spans.clear();
    }
}

/// Reads one interchange from the segment after its ISA.
pub struct Reader<'c, 'a> {
    interchange: Interchange,
    context: &'c Context<'c>,
    group: Option<Group>,
    raw: RawSet<'a>,
    in_set: bool,
    ended: bool,
    transactions: usize,
    findings: Findings,
    /// Segments read of the whole file so far.
    pub segments: usize,
}

impl<'c, 'a> Reader<'c, 'a> {
    pub fn new(interchange: Interchange, context: &'c Context<'c>, segments: usize) -> Self {
        Self {
            interchange,
            context,
            group: None,
            raw: RawSet::with_room(),
            in_set: false,
            ended: false,
            transactions: 0,
            findings: Findings::default(),
            segments,
        }
    }

    /// Returns where the interchange ends in the text.
    pub fn read(&mut self, text: &'a str, from: usize, delimiters: Delimiters) -> usize {
        let mut tokens = Tokens::new(text, from, delimiters);
        while let Some(token) = tokens.next(&mut self.raw.elements) {
            let id = self.raw.elements.get(token.first).map_or("", |it| it.trim());
            if id == "ISA" && token.count > 10 {
                self.raw.elements.truncate(token.first);
                return token.start;
            }
            self.segments += 1;
            if self.segments > SEGMENTS_MAX {
                let why = format!("the file has more than {SEGMENTS_MAX} segments; the rest was not read");
                self.findings
                    .fatal("x12.too_many_segments", "", why, "Ask the partner to send it in parts.");
                return text.len();
            }
            self.take(id, token);
            if self.ended {
                return tokens.position();
            }
        }
        text.len()
    }

    fn take(&mut self, id: &'a str, token: Token) {
        if token.dropped > 0 {
            let why = format!(
                "{} elements beyond the first {} were left out",
                token.dropped, token.count
            );
            self.findings.warning(
                "x12.too_many_elements",
                quoted(id),
                why,
                "Check the segment's separators.",
            );
        }
        let ends_set = matches!(id, "ST" | "GS" | "GE" | "IEA");
        if self.in_set && ends_set {
            // The cutting segment's own elements stay where its token says they are.
            self.close_set(false);
            self.raw.spans.clear();
        }
        if id == "ST" {
            self.in_set = true;
        }
        if self.in_set {
            self.raw.spans.push((token.first, token.count));
            if id == "SE" {
                self.close_set(true);
                self.raw.clear();
            }
            return;
        }
        let elements: Vec<&str> = self.raw.elements.get(token.first..).unwrap_or_default().to_vec();
        self.raw.clear();
        let segment = Segment::new(&elements, self.segments as u32);
        match id {
            "GS" => self.begin_group(&segment),
            "GE" => self.end_group(&segment),
            "IEA" => self.end_interchange(&segment),
            "TA1" => self.acknowledge(&segment),
            _ => {
                let why = format!(
                    "the segment {} stands outside any transaction set and was passed over",
                    quoted(id)
                );
                self.findings.warning(
                    "x12.stray_segment",
                    self.at(),
                    why,
                    "Check whether an ST or SE is missing.",
                );
            }
        }
    }

    fn at(&self) -> String {
        format!("segment {} of the file", self.segments)
    }

    fn begin_group(&mut self, gs: &Segment<'_, '_>) {
        self.close_group();
        let get = |position| gs.get(position).to_owned();
        self.group = Some(Group {
            functional_id: get(1),
            sender: get(2),
            receiver: get(3),
            date: get(4),
            time: get(5),
            control_number: get(6),
            agency: get(7),
            version: get(8),
            declared: None,
            transactions: Vec::new(),
        });
    }

    /// A group that another one, or the end, cuts off. Its whole transactions stand.
    fn close_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        let at = format!("group {}", group.control_number);
        let fix = "Its transactions were read. Ask the partner to check how it ends groups.";
        self.findings
            .warning("x12.ge_missing", at, "the group has no trailer (GE)", fix);
        self.interchange.note = Some("022");
        self.interchange.groups.push(group);
    }

    fn end_group(&mut self, ge: &Segment<'_, '_>) {
        let Some(mut group) = self.group.take() else {
            let fix = "Nothing was lost.";
            self.findings.warning(
                "x12.stray_segment",
                self.at(),
                "a group trailer (GE) without its group",
                fix,
            );
            return;
        };
        group.declared = ge.get(1).parse().ok();
        let found = group.transactions.len();
        if group.declared != Some(found as u32) {
            let why = format!(
                "the trailer counts {} transactions, the group has {found}",
                quoted(ge.get(1))
            );
            let fix = "Nothing to do if the count found is right. Tell the partner.";
            self.findings.forgiven(
                "x12.ge01_count",
                format!("GE-01 of group {}", group.control_number),
                why,
                fix,
            );
        }
        if ge.get(2) != group.control_number {
            let why = format!(
                "the trailer names group {}, the header {}",
                quoted(ge.get(2)),
                group.control_number
            );
            let fix = "Check that the file is whole. Tell the partner.";
            self.findings.forgiven(
                "x12.ge02_control",
                format!("GE-02 of group {}", group.control_number),
                why,
                fix,
            );
        }
        self.interchange.groups.push(group);
    }

    fn end_interchange(&mut self, iea: &Segment<'_, '_>) {
        self.close_group();
        self.ended = true;
        let found = self.interchange.groups.len();
        let number = self.interchange.control_number.clone();
        if iea.get(1).parse() != Ok(found) {
            let why = format!(
                "the trailer counts {} groups, the interchange has {found}",
                quoted(iea.get(1))
            );
            let fix = "Nothing to do if the count found is right. Tell the partner.";
            self.findings
                .forgiven("x12.iea01_count", format!("IEA-01 of interchange {number}"), why, fix);
            self.interchange.note = Some("021");
        }
        if iea.get(2) != number {
            let why = format!(
                "the trailer names interchange {}, the header {number}",
                quoted(iea.get(2))
            );
            let fix = "Check that the file is whole. Tell the partner.";
            self.findings
                .forgiven("x12.iea02_control", format!("IEA-02 of interchange {number}"), why, fix);
            self.interchange.note = Some("001");
        }
    }

    fn acknowledge(&mut self, ta1: &Segment<'_, '_>) {
        if self.interchange.acknowledgements.len() < ACKNOWLEDGEMENTS_MAX {
            let attempt = acknowledgement::read_ta1(ta1, &self.interchange.sender.id);
            self.interchange.acknowledgements.push(attempt);
        }
    }

    fn close_set(&mut self, whole: bool) {
        self.in_set = false;
        self.transactions += 1;
        let mut group = self.group.take().unwrap_or_else(|| self.no_group());
        if self.transactions <= TRANSACTIONS_MAX {
            let transaction = self.transaction(whole);
            group.transactions.push(transaction);
        } else if self.transactions == TRANSACTIONS_MAX + 1 {
            let why = format!("the interchange has more than {TRANSACTIONS_MAX} transactions; the rest was not read");
            self.findings.fatal(
                "x12.too_many_transactions",
                self.at(),
                why,
                "Ask the partner to send it in parts.",
            );
        }
        self.group = Some(group);
    }

    fn transaction(&self, whole: bool) -> Transaction {
        let mut findings = Findings::default();
        let mut codes = Vec::new();
        if whole {
            check_trailer(&self.raw, &mut findings, &mut codes);
        } else {
            let at = format!("segment {} of the file", self.segments);
            let fix = "Ask the partner to send this transaction again.";
            findings.fatal(
                "x12.truncated",
                at,
                "the transaction set ends without its trailer (SE)",
                fix,
            );
            codes.push("2");
        }
        let header = self.raw.segments().next();
        let get = |position| header.map_or("", |it| it.get(position)).to_owned();
        let (set, control_number) = (get(1), get(2));
        let attempt = if whole {
            let received = set::Received {
                raw: &self.raw,
                sender: &self.interchange.sender.id,
                context: self.context,
            };
            set::read(&set, &received, &mut findings)
        } else {
            None
        };
        if findings.is_fatal() && whole {
            codes.push(if set::is_read(&set) { "5" } else { "1" });
        }
        let attempt = attempt.filter(|_| !findings.is_fatal());
        let faults = std::mem::take(&mut findings.faults);
        Transaction {
            set,
            control_number,
            attempt,
            issues: findings.into_issues(),
            codes,
            faults,
        }
    }

    fn no_group(&mut self) -> Group {
        let fix = "Its transactions were read. Ask the partner to check how it begins groups.";
        self.findings.warning(
            "x12.gs_missing",
            self.at(),
            "a transaction set stands outside any group (GS)",
            fix,
        );
        self.interchange.note = Some("022");
        Group {
            functional_id: String::new(),
            sender: self.interchange.sender.id.clone(),
            receiver: self.interchange.receiver.id.clone(),
            date: String::new(),
            time: String::new(),
            control_number: String::new(),
            agency: String::new(),
            version: String::new(),
            declared: None,
            transactions: Vec::new(),
        }
    }

    pub fn finish(mut self) -> Interchange {
        if self.in_set {
            self.close_set(false);
        }
        self.close_group();
        if !self.ended {
            let at = format!("interchange {}", self.interchange.control_number);
            let fix = "Whole transactions were read. Ask the partner whether more should have followed.";
            self.findings
                .warning("x12.iea_missing", at, "the interchange has no trailer (IEA)", fix);
            self.interchange.note = Some("023");
        }
        self.interchange.issues.append(&mut self.findings.into_issues());
        self.interchange
    }
}

fn check_trailer(raw: &RawSet<'_>, findings: &mut Findings, codes: &mut Vec<&'static str>) {
    let (Some(st), Some(se)) = (raw.segments().next(), raw.segments().last()) else {
        return;
    };
    if se.get(1).parse() != Ok(raw.spans.len()) {
        let why = format!(
            "the trailer counts {} segments, the set has {}",
            quoted(se.get(1)),
            raw.spans.len()
        );
        let fix = "Nothing to do if the order reads well. Tell the partner.";
        findings.forgiven("x12.se01_count", se.at(1), why, fix);
        codes.push("4");
    }
    if se.get(2) != st.get(2) {
        let why = format!(
            "the trailer names set {}, the header {}",
            quoted(se.get(2)),
            quoted(st.get(2))
        );
        let fix = "Check that the file is whole. Tell the partner.";
        findings.forgiven("x12.se02_control", se.at(2), why, fix);
        codes.push("3");
    }
}
