//! Signed notes (C2SP signed-note) with Ed25519 keys, and witnesses' cosignatures (C2SP tlog-cosignature v1).
//!
//! Invariant: the text of a note is only handed out after a known key's signature over it was checked. One bad
//! signature by a known key spoils the whole note; signatures by unknown keys are passed over.

use super::base64;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

/// Longest note read: room for many post-quantum cosignatures.
const NOTE_BYTES_MAX: usize = 1 << 20;
/// The format asks for 16 at least.
const SIGNATURES_MAX: usize = 64;
const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    #[error("not a verifier key (name+hash+key): {0}")]
    Key(&'static str),
    #[error("the signature by {0} does not match the text")]
    Forged(String),
    #[error("no signature by a key you trust")]
    Unsigned,
    #[error("the signing key cannot be used")]
    Signer,
}

/// What a key's signatures say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Plain Ed25519 over the text: the log itself.
    Log,
    /// A witness saw this checkpoint, and nothing that contradicts it, at a time it states.
    Witness,
}

impl Use {
    fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Witness => 4,
        }
    }
}

/// A public key with its name, written `name+hash+key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    usage: Use,
    public: [u8; KEY_BYTES],
}

impl VerifierKey {
    pub fn new(name: &str, usage: Use, public: [u8; KEY_BYTES]) -> Result<Self, Error> {
        let spoiled = |it: char| it.is_whitespace() || it == '+' || it.is_control();
        if name.is_empty() || name.contains(spoiled) {
            return Err(Error::Key("a name holds no space and no plus sign"));
        }
        Ok(Self {
            name: name.to_owned(),
            usage,
            public,
        })
    }

    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, rest) = text.split_once('+').ok_or(Error::Key("no plus sign"))?;
        let (id, key) = rest.split_once('+').ok_or(Error::Key("only one plus sign"))?;
        let bytes = base64::decode(key).ok_or(Error::Key("the key is not base64"))?;
        let (first, public) = bytes.split_first().ok_or(Error::Key("the key is empty"))?;
        let usage = match first {
            1 => Use::Log,
            4 => Use::Witness,
            _ => return Err(Error::Key("only Ed25519 keys are known here")),
        };
        let public = public
            .try_into()
            .map_err(|_| Error::Key("an Ed25519 key has 32 bytes"))?;
        let key = Self::new(name, usage, public)?;
        if id != hex::encode(key.id()) {
            return Err(Error::Key("the hash is not this key's"));
        }
        Ok(key)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn usage(&self) -> Use {
        self.usage
    }

    pub fn id(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([b'\n', self.usage.byte()]);
        hash.update(self.public);
        let digest: [u8; 32] = hash.finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Checks one signature; a witness's time comes back.
    fn check(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        match self.usage {
            Use::Log => key.verify(text.as_bytes(), signature).ok().map(|()| None),
            Use::Witness => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                key.verify(cosigned(text, time).as_bytes(), signature)
                    .ok()
                    .map(|()| Some(time))
            }
        }
    }
}

impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = vec![self.usage.byte()];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), base64::encode(&key))
    }
}

/// Signs as a log, or as a witness.
pub struct Signer {
    pair: Ed25519KeyPair,
    key: VerifierKey,
}

impl Signer {
    pub fn from_seed(name: &str, usage: Use, seed: &[u8; 32]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::Signer)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| Error::Signer)?;
        Ok(Self {
            key: VerifierKey::new(name, usage, public)?,
            pair,
        })
    }

    pub fn verifier_key(&self) -> &VerifierKey {
        &self.key
    }

    /// A note of this text, which ends in a newline, with this log's signature.
    pub fn sign(&self, text: &str) -> Result<String, Error> {
        if self.key.usage != Use::Log {
            return Err(Error::Signer);
        }
        if !text.ends_with('\n') || text.contains(spoils) {
            return Err(Error::Malformed(
                "a note's text ends in a newline and holds no control characters",
            ));
        }
        let signature = self.pair.sign(text.as_bytes());
        Ok(format!("{text}\n{}", self.line(signature.as_ref())))
    }

    /// Adds a witness's cosignature to a checkpoint. `time` is in seconds since 1970.
    pub fn cosign(&self, note: &str, time: u64) -> Result<String, Error> {
        if self.key.usage != Use::Witness || time > i64::MAX as u64 {
            return Err(Error::Signer);
        }
        let (text, _) = split(note)?;
        let mut signature = time.to_be_bytes().to_vec();
        signature.extend_from_slice(self.pair.sign(cosigned(text, time).as_bytes()).as_ref());
        Ok(format!("{note}{}", self.line(&signature)))
    }

    fn line(&self, signature: &[u8]) -> String {
        let mut bytes = self.key.id().to_vec();
        bytes.extend_from_slice(signature);
        format!("— {} {}\n", self.key.name, base64::encode(&bytes))
    }
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.key.name)
    }
}

/// A note whose signatures by the keys given hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub text: String,
    pub signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    pub usage: Use,
    /// When the witness saw it, in seconds since 1970.
    pub time: Option<u64>,
}

/// Reads a note and checks it against the keys one trusts.
pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Note, Error> {
    let (text, lines) = split(note)?;
    let mut signatures: Vec<Signature> = Vec::new();
    let mut count = 0;
    for line in lines.split_terminator('\n') {
        count += 1;
        if count > SIGNATURES_MAX {
            return Err(Error::Malformed("too many signatures"));
        }
        let (name, bytes) = signature_line(line)?;
        let (id, signature) = bytes
            .split_first_chunk::<4>()
            .ok_or(Error::Malformed("a signature is cut off"))?;
        let Some(key) = keys.iter().find(|it| it.name == name && it.id() == *id) else {
            continue;
        };
        let length = if key.usage == Use::Witness {
            SIGNATURE_BYTES + 8
        } else {
            SIGNATURE_BYTES
        };
        let checked = (signature.len() == length)
            .then(|| key.check(text, signature))
            .flatten();
        let time = checked.ok_or_else(|| Error::Forged(name.to_owned()))?;
        let signature = Signature {
            name: name.to_owned(),
            usage: key.usage,
            time,
        };
        if !signatures
            .iter()
            .any(|it| it.name == signature.name && it.usage == signature.usage)
        {
            signatures.push(signature);
        }
    }
    if signatures.is_empty() {
        return Err(Error::Unsigned);
    }
    Ok(Note {
        text: text.to_owned(),
        signatures,
    })
}

/// Text with its last newline, and the signature lines. Nothing is checked yet.
fn split(note: &str) -> Result<(&str, &str), Error> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(Error::Malformed("it is too long"));
    }
    if note.contains(spoils) {
        return Err(Error::Malformed("it holds control characters"));
    }
    let blank = note
        .rfind("\n\n")
        .ok_or(Error::Malformed("no blank line before the signatures"))?;
    let (text, lines) = (&note[..=blank], &note[blank + 2..]);
    if lines.is_empty() || !lines.ends_with('\n') {
        return Err(Error::Malformed("its end is cut off"));
    }
    Ok((text, lines))
}

fn signature_line(line: &str) -> Result<(&str, Vec<u8>), Error> {
    let parts = line.strip_prefix("— ").and_then(|it| it.split_once(' '));
    let (name, signature) = parts.ok_or(Error::Malformed("a signature line is not one"))?;
    if name.is_empty() || name.contains(|it: char| it.is_whitespace() || it == '+') {
        return Err(Error::Malformed("a signer's name holds a space or a plus sign"));
    }
    let bytes = base64::decode(signature).ok_or(Error::Malformed("a signature is not base64"))?;
    Ok((name, bytes))
}

fn spoils(character: char) -> bool {
    character < ' ' && character != '\n'
}

fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}
