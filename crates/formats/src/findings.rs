//! What a reader noticed: issues for people, and faults in the words of a 997 for the partner's system.

use signalbox_model::issue::{Issue, Severity};

/// Issues kept for one message or transaction. A hostile file must not make us store more than it holds.
const ISSUES_MAX: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub issues: Vec<Issue>,
    pub faults: Vec<Fault>,
    fatal: bool,
    dropped: usize,
}

/// One AK3 and, where an element is at fault, its AK4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub segment: String,
    /// Place in the transaction set, ST being 1.
    pub number: u32,
    pub element: Option<ElementFault>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementFault {
    pub position: u32,
    /// X12 723.
    pub code: &'static str,
    pub value: String,
}

impl Findings {
    pub fn push(&mut self, issue: Issue) {
        self.fatal |= issue.severity == Severity::Fatal;
        // A fatal one is kept past the limit once: it is the reason nothing was read.
        let first_fatal =
            issue.severity == Severity::Fatal && !self.issues.iter().any(|it| it.severity == Severity::Fatal);
        if self.issues.len() < ISSUES_MAX || first_fatal {
            self.issues.push(issue);
        } else {
            self.dropped += 1;
        }
    }

    pub fn fatal(&mut self, code: &str, at: impl Into<String>, why: impl Into<String>, fix: &str) {
        self.push(Issue::fatal(code, at, why, fix));
    }

    pub fn warning(&mut self, code: &str, at: impl Into<String>, why: impl Into<String>, fix: &str) {
        self.push(Issue::warning(code, at, why, fix));
    }

    pub fn forgiven(&mut self, code: &str, at: impl Into<String>, why: impl Into<String>, fix: &str) {
        self.push(Issue::forgiven(code, at, why, fix));
    }

    pub fn fault(&mut self, fault: Fault) {
        if self.faults.len() < ISSUES_MAX {
            self.faults.push(fault);
        }
    }

    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// The issues, with a last one that says how many more there were.
    pub fn into_issues(mut self) -> Vec<Issue> {
        if self.dropped > 0 {
            let why = format!("{} more of the same message are not listed", self.dropped);
            self.issues.push(Issue::warning(
                "more_issues",
                "",
                why,
                "Settle the listed ones first, then read it again.",
            ));
        }
        self.issues
    }
}

/// Foreign text for an issue: short, and with nothing in it that could break a line or a log.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let mut shown: String = text
        .chars()
        .take(SHOWN_MAX)
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
