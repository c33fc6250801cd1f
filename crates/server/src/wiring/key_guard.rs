//! A log and its master key belong together. A word sealed under the key lies beside the log, on every store; a start
//! with another key ends here, before it has taken the log over or written a value that only the other key opens.

use super::PLATFORM;
use anyhow::{Context as _, bail};
use signalbox_model::id::{MessageId, TenantId};
use signalbox_model::scope::TenantScope;
use signalbox_runtime::audit::checkpoint;
use signalbox_runtime::audit::note::{Signer, Use};
use signalbox_runtime::audit::sequencer::CHECKPOINT_BLOB;
use signalbox_runtime::ports::{Epoch, Store};
use signalbox_runtime::vault::{TenantVault, Vault};

/// The blob of the platform's own tenant that holds the sealed word.
const BLOB: &str = "key_guard";
const WORD: &[u8] = b"signalbox";

/// What a start found.
pub struct Guard {
    /// The sealed word, where the log had none yet.
    missing: Option<Vec<u8>>,
}

/// Whether this is the key that the log was begun with.
pub fn check(store: &dyn Store, vault: &Vault) -> anyhow::Result<Guard> {
    let platform = TenantId::from(PLATFORM);
    let (scope, thing) = (TenantScope::system(platform.clone()), MessageId::from(BLOB));
    let keys = vault.tenant(&platform)?;
    let kept = store
        .blob(&scope, BLOB)
        .context("cannot read which master key the log has")?;
    let fits = match &kept {
        Some(sealed) => keys.open_bytes(&thing, sealed).is_ok_and(|it| it == WORD),
        None => has_signed(store, &scope, &keys)?,
    };
    if !fits {
        bail!(
            "this log was begun with another master key. Put that key back from your copy (master.key in the data \
             directory, or --master-key-file): with this one no personal value and no raw message could be read. \
             Nothing was changed."
        );
    }
    let missing = match kept {
        Some(_) => None,
        None => Some(keys.seal_bytes(&thing, WORD)?),
    };
    Ok(Guard { missing })
}

/// Logs from before there was a guard: their audit log is signed by a key that derives from the master key.
fn has_signed(store: &dyn Store, scope: &TenantScope, keys: &TenantVault) -> anyhow::Result<bool> {
    let Some(note) = store.blob(scope, CHECKPOINT_BLOB)? else {
        return Ok(true); // Nothing is signed: the log is new.
    };
    let signer = Signer::from_seed(&format!("signalbox/{}", scope.tenant()), Use::Log, keys.signing_seed())?;
    let note = String::from_utf8(note).unwrap_or_default();
    Ok(checkpoint::open(&note, std::slice::from_ref(signer.verifier_key())).is_ok())
}

impl Guard {
    /// Lays the word beside a log that has none.
    pub fn keep(self, store: &dyn Store, epoch: Epoch) -> anyhow::Result<()> {
        let Some(sealed) = self.missing else { return Ok(()) };
        let platform = TenantId::from(PLATFORM);
        store
            .put_blobs(epoch, &platform, &[(BLOB.to_owned(), sealed)])
            .context("cannot lay the key's guard beside the log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_runtime::memory::Memory;
    use signalbox_runtime::vault::MasterKey;

    fn vault(byte: u8) -> Vault {
        Vault::new(MasterKey::new([byte; 32]))
    }

    #[test]
    fn a_log_opens_with_its_own_key_only() {
        let store = Memory::new();
        let epoch = store.acquire("one").unwrap();
        check(&store, &vault(7)).unwrap().keep(&store, epoch).unwrap();
        let again = check(&store, &vault(7)).unwrap();
        assert!(again.missing.is_none());
        let refused = check(&store, &vault(8)).err().unwrap().to_string();
        assert!(refused.contains("another master key"), "{refused}");
    }

    #[test]
    fn a_log_from_before_the_guard_is_known_by_its_signature() {
        let store = Memory::new();
        let epoch = store.acquire("one").unwrap();
        let platform = TenantId::from(PLATFORM);
        let keys = vault(7).tenant(&platform).unwrap();
        let name = format!("signalbox/{platform}");
        let signer = Signer::from_seed(&name, Use::Log, keys.signing_seed()).unwrap();
        let mut sequencer = signalbox_runtime::audit::sequencer::Sequencer::default();
        let entry = r#"{"about":"x"}"#.to_owned();
        let mut blobs = sequencer.integrate(&[(1, &[entry])], 1).unwrap();
        blobs.push(sequencer.checkpoint(&signer, &[]).unwrap());
        store.put_blobs(epoch, &platform, &blobs).unwrap();
        assert!(check(&store, &vault(7)).unwrap().missing.is_some());
        assert!(check(&store, &vault(8)).is_err());
    }
}
