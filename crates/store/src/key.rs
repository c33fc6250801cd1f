//! Keys as tables hold them: of bounded length, so that no partner's text can be too long for an index page.
//!
//! Invariant: two different keys never become the same one.

use sha2::{Digest, Sha256};
use signalbox_runtime::ports::StoreError;
use std::borrow::Cow;

/// Ids, stream names, view keys and blob names may be this long. Three of them fit PostgreSQL's index row.
pub(crate) const ID_BYTES_MAX: usize = 512;

const DIGEST_PREFIX: &str = "sha256:";

/// A key that is only ever looked up whole: kept as it is while short, by its digest when long.
pub(crate) fn lookup(key: &str) -> Cow<'_, str> {
    if key.len() <= ID_BYTES_MAX && !key.starts_with(DIGEST_PREFIX) {
        return Cow::Borrowed(key);
    }
    Cow::Owned(format!(
        "{DIGEST_PREFIX}{}",
        hex::encode(Sha256::digest(key.as_bytes()))
    ))
}

/// An id that is also listed, and so must be kept whole.
pub(crate) fn check(what: &str, id: &str) -> Result<(), StoreError> {
    if id.len() > ID_BYTES_MAX {
        return Err(StoreError::Refused(format!(
            "a {what} of {} bytes; at most {ID_BYTES_MAX}",
            id.len()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_keep_apart_and_cannot_be_forged() {
        let long = "x".repeat(ID_BYTES_MAX + 1);
        let digest = lookup(&long).into_owned();
        assert!(digest.len() < ID_BYTES_MAX);
        assert_ne!(
            lookup(&digest),
            digest,
            "a key that looks like a digest is digested itself"
        );
        assert_eq!(lookup("PO-1"), "PO-1");
    }
}
