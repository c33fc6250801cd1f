//! Decisions: what was chosen, on what evidence, under which version of which rule.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One decision of the gate, a table, a playbook or a person. Each is a leaf of the tenant's audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided about, for example `gate.make_offer` or `table.routing-guide`.
    pub about: String,
    /// The choice in a word: `allow`, `needs_approval`, `forbid`, `ranked` ...
    pub choice: String,
    pub evidence: Vec<Evidence>,
    /// The rule and its version: policy ids, table name and content hash, definition and hash.
    pub rule: String,
}

/// One fact a decision rests on, with where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub what: String,
    pub value: Value,
    pub source: String,
}

impl Evidence {
    pub fn new(what: &str, value: impl Into<Value>, source: &str) -> Self {
        Self {
            what: what.to_owned(),
            value: value.into(),
            source: source.to_owned(),
        }
    }
}
