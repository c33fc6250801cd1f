//! PostgreSQL's errors, translated once into what the caller does next.

use signalbox_runtime::ports::StoreError;
use std::error::Error as _;

/// SQLSTATE insufficient_privilege.
const RIGHT_MISSING: &str = "42501";
const GRANT_IT: &str =
    ". The login lacks a right that an administrator of the database grants once: see docs/POSTGRESQL.md";

/// Lets `?` carry either kind up to the port.
pub(super) struct Failure {
    pub error: StoreError,
    /// The connection is gone, and with it the knowledge of whether the last statement took.
    pub lost: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, lost: false }
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        let told = match error.as_db_error() {
            Some(database) => {
                let code = database.code().code();
                let advice = if code == RIGHT_MISSING { GRANT_IT } else { "" };
                format!("{} ({code}){advice}", database.message())
            }
            None => error
                .source()
                .map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
        };
        let Some(code) = error.code() else {
            let lost = error.is_closed() || error.source().is_some_and(|it| it.is::<std::io::Error>());
            let error = if lost {
                StoreError::Retry(told)
            } else {
                StoreError::Broken(told)
            };
            return Self { error, lost };
        };
        // Connection exceptions; an administrator's or a crash's shutdown.
        let lost = code.code().starts_with("08") || code.code().starts_with("57P");
        Self {
            error: by_code(code.code(), told, lost),
            lost,
        }
    }
}

fn by_code(code: &str, told: String, lost: bool) -> StoreError {
    match code {
        _ if lost => StoreError::Retry(told),
        // Serialization, deadlock, lock or statement timeout, out of memory or connections, a standby.
        "40001" | "40P01" | "55P03" | "57014" | "53200" | "53300" | "25006" | "25P03" => StoreError::Retry(told),
        "53100" => StoreError::Full(told),
        // A row past what an index or a value may hold; a person's second key.
        "54000" | "SB001" => StoreError::Refused(told),
        _ => StoreError::Broken(told),
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        StoreError::Broken(format!("a row cannot be read: {error}")).into()
    }
}

impl From<jiff::Error> for Failure {
    fn from(error: jiff::Error) -> Self {
        StoreError::Broken(format!("an instant cannot be read: {error}")).into()
    }
}
