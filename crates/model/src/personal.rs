//! Personal values: encrypted under their subject's key before they reach the log, with their taint.
//!
//! Invariant: `Plain` never enters a record. Serializing a plain value is an error, so a turn that forgot to
//! seal one fails loudly instead of leaking.

use crate::id::SubjectId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error};

/// Where a value came from, and so how far it is to be believed. It travels with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taint {
    /// Made by this system or typed by the tenant's own staff.
    System,
    /// Said by a partner over an authenticated channel.
    Partner,
    /// Said by anybody: an e-mail, a public page.
    Public,
}

/// A value that is a person's: a name, a telephone number, a free-text note that may hold either.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Personal {
    /// As read from a message, before it is sealed. Lives in memory only.
    #[serde(skip)]
    Plain {
        text: String,
        taint: Taint,
    },
    Sealed(Sealed),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub subject: SubjectId,
    pub taint: Taint,
    /// AES-256-GCM nonce and ciphertext under the subject's key, base64.
    pub cipher: String,
    /// HMAC-SHA256 of the value under the subject's salt, hex: what the audit log holds instead of the value.
    pub commitment: String,
}

impl Personal {
    pub fn plain(text: impl Into<String>, taint: Taint) -> Self {
        Self::Plain {
            text: text.into(),
            taint,
        }
    }

    /// In clear, before it is sealed.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Plain { text, .. } => Some(text),
            Self::Sealed(_) => None,
        }
    }

    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Sealed(sealed) => Some(sealed),
            Self::Plain { .. } => None,
        }
    }
}

impl Serialize for Personal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Sealed(sealed) => sealed.serialize(serializer),
            Self::Plain { .. } => Err(S::Error::custom(
                "a personal value must be sealed before it is recorded",
            )),
        }
    }
}

/// Reads a field that older records hold in clear: such text is passed over, and what is sealed is read.
pub(crate) fn sealed_only<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Personal>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Sealed(Sealed),
        Clear(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        Some(Either::Sealed(sealed)) => Some(Personal::Sealed(sealed)),
        Some(Either::Clear(text)) => {
            drop(text);
            None
        }
        None => None,
    })
}

/// Personal data stays out of logs and test output.
impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain { taint, .. } => write!(f, "Personal(plain, {taint:?})"),
            Self::Sealed(sealed) => write!(f, "Personal({}, {:?})", sealed.subject, sealed.taint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_personal_value_cannot_be_recorded() {
        let name = Personal::plain("Ada", Taint::Partner);
        assert!(serde_json::to_string(&name).is_err());
        assert!(!format!("{name:?}").contains("Ada"));
    }
}
