//! Secrets in the hand. Invariant: a secret is read by asking for it by name, never by printing what holds it.

use signalbox_model::id::TenantId;
use std::fmt;
use std::sync::Arc;

/// A value that no log, panic message or debug print shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Each call is a place to look at in review.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("…")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("…")
    }
}

/// Looks a tenant's secret up by its name in the secret store.
pub type Secrets = Arc<dyn Fn(&TenantId, &str) -> Option<Secret<String>> + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_in_no_print() {
        #[derive(Debug)]
        struct Holder {
            #[expect(dead_code, reason = "read by the derived print only")]
            key: Secret<String>,
        }
        let key = Secret::new("whsec_hunter2".to_owned());
        let shown = format!("{key} {key:?} {:?}", Holder { key: key.clone() });
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(key.expose(), "whsec_hunter2");
    }
}
