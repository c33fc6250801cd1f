//! Things that are made of text and are dear to make, kept by the hash of that text: many tenants run the same playbooks,
//! and a restart reads them all.
//!
//! Invariant: only functions of the text alone are kept here, so that remembering changes nothing but the time it takes.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Things of one kind kept. More, and all are forgotten and made anew as they are asked for.
const KEPT_MAX: usize = 512;

type Hash = [u8; 32];

pub(crate) struct Memo<T>(Mutex<BTreeMap<Hash, Arc<T>>>);

impl<T> Memo<T> {
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// What `make` makes of these texts, from memory where they were met before. What fails is not kept.
    pub fn get<'a, E>(
        &self,
        texts: impl IntoIterator<Item = &'a str>,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut hasher = Sha256::new();
        for text in texts {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        let hash: Hash = hasher.finalize().into();
        let known = self.lock().get(&hash).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        let mut kept = self.lock();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(hash, Arc::clone(&made));
        Ok(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Hash, Arc<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_texts_are_made_once_and_others_anew() {
        let memo: Memo<String> = Memo::new();
        let mut made = 0;
        let mut get = |texts: &[&str]| {
            let make = || {
                made += 1;
                Ok::<_, ()>(texts.concat())
            };
            (memo.get(texts.iter().copied(), make).unwrap().to_string(), made)
        };
        assert_eq!(get(&["a", "b"]), ("ab".to_owned(), 1));
        assert_eq!(get(&["a", "b"]), ("ab".to_owned(), 1));
        assert_eq!(get(&["ab", ""]), ("ab".to_owned(), 2));
        assert!(memo.get(["x"], || Err::<String, _>(())).is_err());
        assert_eq!(*memo.get(["x"], || Ok::<_, ()>("y".to_owned())).unwrap(), "y");
    }
}
