//! Errors of a workflow: RFC 9457 problems, as the specification has them.

use serde::{Deserialize, Serialize};

/// Where the specification's own error types live.
const STANDARD: &str = "https://serverlessworkflow.io/spec/1.0.0/errors/";
/// The same types, as earlier and later editions of the specification write them.
const SPELLINGS: [&str; 5] = [
    STANDARD,
    "https://open-workflow-specification.org/spec/1.0.0/errors/",
    "https://open-workflow-specification.org/dsl/errors/types/",
    "https://open-workflow-specification.org/errors/types/",
    "https://serverlessworkflow.io/dsl/errors/types/",
];

/// An error that a task raised, or that a call came back with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The task it came from, as a JSON pointer into the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

impl Fault {
    fn standard(kind: &str, status: u16, title: &str, at: &str, detail: String) -> Fault {
        Fault {
            kind: format!("{STANDARD}{kind}"),
            status,
            title: Some(title.to_owned()),
            detail: Some(detail),
            instance: Some(at.to_owned()),
        }
    }

    pub(crate) fn expression(at: &str, detail: impl ToString) -> Fault {
        Fault::standard("expression", 400, "The expression failed", at, detail.to_string())
    }

    pub(crate) fn timeout(at: &str) -> Fault {
        Fault::standard(
            "timeout",
            408,
            "The time is up",
            at,
            format!("{at} did not finish in time"),
        )
    }

    pub(crate) fn runtime(at: &str, detail: impl ToString) -> Fault {
        Fault::standard("runtime", 500, "The workflow cannot go on", at, detail.to_string())
    }

    /// True when both name the same kind of error, however the specification's edition spells it.
    pub(crate) fn same_kind(left: &str, right: &str) -> bool {
        fn bare(kind: &str) -> (bool, &str) {
            let standard = SPELLINGS.iter().find_map(|it| kind.strip_prefix(it));
            standard.map_or((false, kind), |it| (true, it))
        }
        bare(left) == bare(right)
    }
}
