//! The data directory: what lies where, who may read it, and the master key.
//!
//! ```text
//! signalbox.db     the log and its indexes (SQLite)
//! master.key       32 bytes in hex, readable by the owner only: without it no personal value and no raw message opens
//! secrets/         <tenant>/<name>: secrets of webhooks, one a file
//! outbound/        <tenant>/...: files for partners
//! inbound/         <tenant>/<source>/: folders where partners put files
//! ```
//!
//! Invariant: a log is never paired with a master key that was made for another one.

use anyhow::{Context as _, bail};
use signalbox_runtime::vault::MasterKey;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const KEY_BYTES: usize = 32;
/// The master key's file in the data directory.
pub const MASTER_KEY: &str = "master.key";

#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

/// The master key's bytes, from which the vault makes its own copy.
pub struct MasterSecret {
    bytes: [u8; KEY_BYTES],
    /// Made just now: the operator must be told to keep a copy.
    pub made: Option<PathBuf>,
}

impl MasterSecret {
    pub fn key(&self) -> MasterKey {
        MasterKey::new(self.bytes)
    }

    /// Removes the key's file where it was made just now and turned out not to be the log's.
    pub fn forget(&self) {
        if let Some(made) = &self.made
            && let Err(error) = fs::remove_file(made)
        {
            tracing::warn!("cannot remove {}, which is not this log's key: {error}", made.display());
        }
    }
}

impl Drop for MasterSecret {
    fn drop(&mut self) {
        self.bytes.fill(0);
        std::hint::black_box(&self.bytes);
    }
}

impl DataDir {
    /// Makes what is missing.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let made = Self(path.to_owned());
        for folder in [path.to_owned(), made.secrets(), made.outbound(), made.inbound()] {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        for folder in [path.to_owned(), made.secrets()] {
            private(&folder, 0o700).with_context(|| format!("cannot set who may read {}", folder.display()))?;
        }
        Ok(made)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn database(&self) -> PathBuf {
        self.0.join("signalbox.db")
    }

    /// Where the master key is, if it is not kept elsewhere.
    pub fn master_key(&self) -> PathBuf {
        self.0.join(MASTER_KEY)
    }

    pub fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    pub fn outbound(&self) -> PathBuf {
        self.0.join("outbound")
    }

    pub fn inbound(&self) -> PathBuf {
        self.0.join("inbound")
    }

    /// Reads the master key, or makes one for a log that does not exist yet.
    pub fn master_secret(&self, elsewhere: Option<&Path>, log_is_remote: bool) -> anyhow::Result<MasterSecret> {
        let file = elsewhere.map_or_else(|| self.master_key(), Path::to_owned);
        match fs::read_to_string(&file) {
            Ok(text) => read_key(&text).with_context(|| format!("{} is no master key", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && elsewhere.is_none() => {
                if self.database().exists() {
                    bail!(
                        "{} is missing, but there is a log in {}. Put the key back from your copy: without it no \
                         personal value and no raw message can be read.",
                        file.display(),
                        self.database().display()
                    );
                }
                let secret = make_key(&file)?;
                if log_is_remote {
                    tracing::warn!("made a new master key for a PostgreSQL log; an existing log needs its own key");
                }
                Ok(secret)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }
}

fn read_key(text: &str) -> anyhow::Result<MasterSecret> {
    let bytes = hex::decode(text.trim()).context("it should be 64 hexadecimal digits")?;
    let bytes = bytes
        .try_into()
        .map_err(|_| anyhow::anyhow!("it should be 64 hexadecimal digits"))?;
    Ok(MasterSecret { bytes, made: None })
}

fn make_key(file: &Path) -> anyhow::Result<MasterSecret> {
    let mut bytes = [0; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gave no random bytes"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options
        .open(file)
        .with_context(|| format!("cannot make {}", file.display()))?;
    writeln!(open, "{}", hex::encode(bytes))?;
    open.sync_all()?;
    tracing::warn!(
        "made {}. Keep a copy elsewhere: without it no personal value and no raw message can ever be read",
        file.display()
    );
    Ok(MasterSecret {
        bytes,
        made: Some(file.to_owned()),
    })
}

fn private(path: &Path, mode: u32) -> std::io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_never_for_a_log_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let made = data.master_secret(None, false).unwrap();
        assert!(made.made.is_some());
        let again = data.master_secret(None, false).unwrap();
        assert!(again.made.is_none() && again.bytes == made.bytes);
        fs::write(data.database(), b"log").unwrap();
        fs::remove_file(folder.path().join("master.key")).unwrap();
        assert!(data.master_secret(None, false).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn others_cannot_read_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let made = data.master_secret(None, false).unwrap().made.clone().unwrap();
        assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
