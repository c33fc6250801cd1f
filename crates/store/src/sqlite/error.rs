//! SQLite's errors, translated once into what the caller does next.

use rusqlite::ErrorCode;
use signalbox_runtime::ports::StoreError;

/// Lets `?` carry either kind up to the port.
pub(super) struct Failure(pub StoreError);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let told = error.to_string();
        Self(match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full(told),
            Some(
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen | ErrorCode::OutOfMemory,
            ) => StoreError::Retry(told),
            Some(ErrorCode::TooBig) => StoreError::Refused(told),
            _ => StoreError::Broken(told), // An I/O error, a failed sync, a corrupt page, a row that is not ours.
        })
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(StoreError::Broken(format!("a row cannot be read: {error}")))
    }
}

impl From<jiff::Error> for Failure {
    fn from(error: jiff::Error) -> Self {
        Self(StoreError::Broken(format!("an instant cannot be read: {error}")))
    }
}
