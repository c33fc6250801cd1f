//! What a decoder could not read: where, why and what to do. Bad input is kept and shown, never dropped.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    pub severity: Severity,
    /// Stable code, for example `x12.se01_count` or `order.delivery_before_pickup`.
    pub code: String,
    /// Segment and element (`S5-03 #24`), JSON pointer (`/stops/0/window`) or line and column.
    pub at: String,
    pub why: String,
    /// What a person can do about it.
    pub fix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Forgiven by the partner's policy and read all the same.
    Forgiven,
    /// This part could not be used; the rest goes on.
    Warning,
    /// The message or transaction could not be used.
    Fatal,
}

impl Issue {
    pub fn new(severity: Severity, code: &str, at: impl Into<String>, why: impl Into<String>, fix: &str) -> Self {
        Self {
            severity,
            code: code.to_owned(),
            at: at.into(),
            why: why.into(),
            fix: fix.to_owned(),
        }
    }

    pub fn fatal(code: &str, at: impl Into<String>, why: impl Into<String>, fix: &str) -> Self {
        Self::new(Severity::Fatal, code, at, why, fix)
    }

    pub fn warning(code: &str, at: impl Into<String>, why: impl Into<String>, fix: &str) -> Self {
        Self::new(Severity::Warning, code, at, why, fix)
    }

    pub fn forgiven(code: &str, at: impl Into<String>, why: impl Into<String>, fix: &str) -> Self {
        Self::new(Severity::Forgiven, code, at, why, fix)
    }
}
