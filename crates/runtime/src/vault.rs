//! Keys and sealing: a person's values under a key of their own, raw messages under the tenant's.
//!
//! Invariant: a person's data key comes from chance alone and lives only in its wrapped row, so deleting the row erases
//! the person from the log and from every backup of it; nobody can make the key again from the master key. All else
//! is deterministic: sealing the same text under the same key gives the same bytes, so a replay changes nothing.
//! One tenant's keys open nothing of another's: the tenant is in the key and in the authenticated data.

use crate::ports::StoreError;
use crate::record::SubjectKey;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use signalbox_model::id::{DocumentId, MessageId, SubjectId, TenantId};
use signalbox_model::personal::{Personal, Sealed, Taint};

const KEY_BYTES: usize = 32;
/// Of a subject's id: 128 bits are unique among all people.
const SUBJECT_BYTES: usize = 16;
/// In front of a sealed value: which data key it was sealed under, so that an erased key is told from tampering.
const KEY_MARK_BYTES: usize = 8;
/// Fewest digits of a telephone number without its country.
const PHONE_DIGITS_MIN: usize = 7;
const SALT: &[u8] = b"signalbox vault v1";

/// Fills a buffer with bytes from chance: the operating system's, or a seeded test's.
pub type Entropy<'a> = dyn FnMut(&mut [u8]) + 'a;
/// Finds a person's wrapped key. It must also know keys made for turns that are not yet stored, or two turns of one
/// group would make two keys for one person.
pub type Lookup<'a> = dyn FnMut(&SubjectId) -> Result<Option<SubjectKey>, StoreError> + 'a;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the personal data of {0} was erased")]
    Erased(SubjectId),
    #[error("a sealed value does not open: it was altered, or it belongs to another person, message or tenant")]
    Altered,
    #[error("the key given is that of {0}, who is somebody else")]
    WrongSubject(SubjectId),
    #[error("no chance came from the source of random bytes")]
    NoEntropy,
    #[error("the cipher failed")]
    Cipher,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// 32 bytes of key. Not printed; overwritten when dropped.
struct Secret([u8; KEY_BYTES]);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving the overwriting out.
        std::hint::black_box(&self.0);
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// The installation's one key, from a file or a key service. All tenants' keys derive from it.
#[derive(Debug)]
pub struct MasterKey(Secret);

impl MasterKey {
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Secret(bytes))
    }
}

#[derive(Debug)]
pub struct Vault {
    master: MasterKey,
}

impl Vault {
    pub fn new(master: MasterKey) -> Self {
        Self { master }
    }

    pub fn tenant(&self, tenant: &TenantId) -> Result<TenantVault, Error> {
        let key = |purpose: &str| derive(&self.master.0, &[purpose.as_bytes(), tenant.0.as_bytes()]);
        Ok(TenantVault {
            wrapping: key("wrapping")?,
            index: key("index")?,
            raw: key("raw")?,
            signing: key("audit signing")?,
            tenant: tenant.clone(),
        })
    }
}

/// One tenant's keys.
#[derive(Debug)]
pub struct TenantVault {
    tenant: TenantId,
    wrapping: Secret,
    index: Secret,
    raw: Secret,
    signing: Secret,
}

impl TenantVault {
    /// Seed of the key that signs the tenant's audit log.
    pub fn signing_seed(&self) -> &[u8; KEY_BYTES] {
        &self.signing.0
    }

    /// Whose value it is: the same name, number or address, however written, is the same subject.
    pub fn subject(&self, text: &str) -> SubjectId {
        let digest = mac(&self.index, &[normalized(text).as_bytes()]);
        SubjectId(format!(
            "{}_{}",
            SubjectId::PREFIX,
            hex::encode(&digest[..SUBJECT_BYTES])
        ))
    }

    /// Makes a subject's data key, wrapped. Once for each subject.
    pub fn new_key(&self, subject: &SubjectId, entropy: &mut Entropy<'_>) -> Result<SubjectKey, Error> {
        let mut data = Secret([0; KEY_BYTES]);
        entropy(&mut data.0);
        if data.0 == [0; KEY_BYTES] {
            return Err(Error::NoEntropy);
        }
        let nonce = synthetic_nonce(&self.wrapping, &[subject.0.as_bytes(), &data.0])?;
        let wrapped = encrypt(
            &derive(&self.wrapping, &[b"cipher"])?,
            nonce,
            &self.aad(subject.as_str()),
            &data.0,
        )?;
        Ok(SubjectKey {
            subject: subject.clone(),
            wrapped,
        })
    }

    /// Seals a value under its subject's key.
    pub fn seal(&self, text: &str, taint: Taint, key: &SubjectKey) -> Result<Sealed, Error> {
        let data = self.unwrap_key(key)?;
        let subject = &key.subject;
        let aad = self.aad(subject.as_str());
        let nonce = synthetic_nonce(&data, &[&aad, text.as_bytes()])?;
        let mut cipher = key_mark(&data).to_vec();
        cipher.extend(encrypt(&derive(&data, &[b"cipher"])?, nonce, &aad, text.as_bytes())?);
        let commitment = mac(&derive(&data, &[b"commitment"])?, &[text.as_bytes()]);
        Ok(Sealed {
            subject: subject.clone(),
            taint,
            cipher: STANDARD.encode(cipher),
            commitment: hex::encode(commitment),
        })
    }

    /// Opens a value. `key` is what the store has for its subject: none after the person was erased.
    pub fn open(&self, sealed: &Sealed, key: Option<&SubjectKey>) -> Result<String, Error> {
        let key = key.ok_or_else(|| Error::Erased(sealed.subject.clone()))?;
        if key.subject != sealed.subject {
            return Err(Error::WrongSubject(key.subject.clone()));
        }
        let data = self.unwrap_key(key)?;
        let bytes = STANDARD.decode(&sealed.cipher).map_err(|_| Error::Altered)?;
        let (mark, cipher) = bytes.split_first_chunk::<KEY_MARK_BYTES>().ok_or(Error::Altered)?;
        if *mark != key_mark(&data) {
            // A key made after the erasure, for the same person met again.
            return Err(Error::Erased(sealed.subject.clone()));
        }
        let text = decrypt(
            &derive(&data, &[b"cipher"])?,
            &self.aad(sealed.subject.as_str()),
            cipher,
        )?;
        let commitment = mac(&derive(&data, &[b"commitment"])?, &[&text]);
        if hex::encode(commitment) != sealed.commitment {
            return Err(Error::Altered);
        }
        String::from_utf8(text).map_err(|_| Error::Altered)
    }

    /// Seals the raw bytes of a message.
    pub fn seal_bytes(&self, message: &MessageId, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce = synthetic_nonce(&self.raw, &[message.0.as_bytes(), &Sha256::digest(bytes)])?;
        encrypt(
            &derive(&self.raw, &[b"cipher"])?,
            nonce,
            &self.aad(message.as_str()),
            bytes,
        )
    }

    /// Seals a document as a message is sealed, under its own id.
    pub fn seal_document(&self, document: &DocumentId, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        self.seal_bytes(&MessageId(document.0.clone()), bytes)
    }

    pub fn open_document(&self, document: &DocumentId, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        self.open_bytes(&MessageId(document.0.clone()), sealed)
    }

    pub fn open_bytes(&self, message: &MessageId, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        decrypt(&derive(&self.raw, &[b"cipher"])?, &self.aad(message.as_str()), sealed)
    }

    /// Seals personal values and answers the keys made for people met first, to go with the turn. On an error they are
    /// half sealed: drop what holds them.
    pub fn seal_all(
        &self,
        values: Vec<&mut Personal>,
        lookup: &mut Lookup<'_>,
        entropy: &mut Entropy<'_>,
    ) -> Result<Vec<SubjectKey>, Error> {
        let mut made: Vec<SubjectKey> = Vec::new();
        for personal in values {
            let Personal::Plain { text, taint } = &*personal else {
                continue;
            };
            let subject = self.subject(text);
            let known = made.iter().find(|it| it.subject == subject).cloned();
            let known = if known.is_some() { known } else { lookup(&subject)? };
            let key = match known {
                Some(key) => key,
                None => {
                    let key = self.new_key(&subject, entropy)?;
                    made.push(key.clone());
                    key
                }
            };
            *personal = Personal::Sealed(self.seal(text, *taint, &key)?);
        }
        Ok(made)
    }

    fn unwrap_key(&self, key: &SubjectKey) -> Result<Secret, Error> {
        let wrapping = derive(&self.wrapping, &[b"cipher"])?;
        let mut bytes = decrypt(&wrapping, &self.aad(key.subject.as_str()), &key.wrapped)?;
        let data = bytes.as_slice().try_into().map(Secret);
        bytes.fill(0);
        data.map_err(|_| Error::Altered)
    }

    /// What a ciphertext is bound to: this tenant and one thing of it.
    fn aad(&self, thing: &str) -> Vec<u8> {
        [self.tenant.0.as_bytes(), b"|", thing.as_bytes()].concat()
    }
}

/// One spelling for what is the same name, number or address.
fn normalized(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let plain = words.join(" ");
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let is_phone = plain.chars().all(|it| it.is_ascii_digit() || " +-().,/".contains(it));
    if !is_phone || digits.len() < PHONE_DIGITS_MIN {
        return plain;
    }
    // North American numbers are written with and without their country.
    let national = digits.strip_prefix('1').filter(|it| it.len() == 10).unwrap_or(&digits);
    format!("tel:{national}")
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

/// HKDF-SHA256 of a key for one purpose. Each part goes in with its length, so that no two purposes run together.
fn derive(key: &Secret, purpose: &[&[u8]]) -> Result<Secret, Error> {
    let purpose = joined(purpose);
    let prk = Salt::new(HKDF_SHA256, SALT).extract(&key.0);
    let mut out = Secret([0; KEY_BYTES]);
    let info = [purpose.as_slice()];
    let okm = prk.expand(&info, KeyLength).map_err(|_| Error::Cipher)?;
    okm.fill(&mut out.0).map_err(|_| Error::Cipher)?;
    Ok(out)
}

fn mac(key: &Secret, parts: &[&[u8]]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, &key.0), &joined(parts));
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// A nonce that is the same for the same content and repeats for no other.
fn synthetic_nonce(key: &Secret, content: &[&[u8]]) -> Result<[u8; NONCE_LEN], Error> {
    let digest = mac(&derive(key, &[b"nonce"])?, content);
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&digest[..NONCE_LEN]);
    Ok(nonce)
}

fn key_mark(data: &Secret) -> [u8; KEY_MARK_BYTES] {
    let digest = mac(data, &[b"mark"]);
    let mut mark = [0; KEY_MARK_BYTES];
    mark.copy_from_slice(&digest[..KEY_MARK_BYTES]);
    mark
}

fn encrypt(key: &Secret, nonce: [u8; NONCE_LEN], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
    let key = UnboundKey::new(&AES_256_GCM, &key.0)
        .map(LessSafeKey::new)
        .map_err(|_| Error::Cipher)?;
    let mut bytes = plain.to_vec();
    let unique = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(unique, Aad::from(aad), &mut bytes)
        .map_err(|_| Error::Cipher)?;
    Ok([nonce.as_slice(), &bytes].concat())
}

fn decrypt(key: &Secret, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let key = UnboundKey::new(&AES_256_GCM, &key.0)
        .map(LessSafeKey::new)
        .map_err(|_| Error::Cipher)?;
    let (nonce, cipher) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Error::Altered)?;
    let mut bytes = cipher.to_vec();
    let unique = Nonce::assume_unique_for_key(*nonce);
    let length = key
        .open_in_place(unique, Aad::from(aad), &mut bytes)
        .map_err(|_| Error::Altered)?
        .len();
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
