//! Standard Webhooks 1.0.0: sign what we send, verify what we receive. Pure: keys, bytes and `now` are arguments.
//!
//! Invariant: a message verifies only if one of our keys signed exactly these bytes under exactly this id and time,
//! and the time is within the tolerance. Signatures are compared in constant time.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use jiff::Timestamp;
use std::fmt;

pub const HEADER_ID: &str = "webhook-id";
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
pub const HEADER_SIGNATURE: &str = "webhook-signature";

/// How far a message's time may be from ours, either way: within it, the id must be remembered against replays.
pub const TOLERANCE_S: u64 = 5 * 60;

/// Marks a symmetric secret.
const SECRET_PREFIX: &str = "whsec_";
/// Marks a symmetric signature.
const SIGNATURE_PREFIX: &str = "v1,";
/// The specification asks for 192 to 512 bits.
const KEY_BYTES_MIN: usize = 24;
const KEY_BYTES_MAX: usize = 64;
/// One in use and one on its way out are usual.
const KEYS_MAX: usize = 4;
/// Signatures looked at in one header.
const SIGNATURES_MAX: usize = 16;
const ID_BYTES_MAX: usize = 255;

/// Base64 with or without its padding, as secrets get copied.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys of one endpoint: the first signs for the future, the others are on their way out.
pub struct Keys(Vec<hmac::Key>);

impl Keys {
    /// Reads one `whsec_…` secret, or several with spaces between them while keys are being changed.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let keys = text.split_whitespace().map(key).collect::<Result<Vec<_>, _>>()?;
        match keys.len() {
            0 => Err(KeyError::None),
            1..=KEYS_MAX => Ok(Self(keys)),
            _ => Err(KeyError::TooMany),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Keys({} …)", self.0.len())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the secret is empty: it should read whsec_ and the key in base64")]
    None,
    #[error("the secret holds more than {KEYS_MAX} keys: remove those no longer in use")]
    TooMany,
    #[error("the secret does not start with whsec_")]
    NoPrefix,
    #[error("the secret is not base64 after whsec_")]
    NotBase64,
    #[error("the secret's key has {0} bytes: it should have {KEY_BYTES_MIN} to {KEY_BYTES_MAX}")]
    Length(usize),
}

fn key(text: &str) -> Result<hmac::Key, KeyError> {
    let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(KeyError::NoPrefix)?;
    let bytes = LENIENT.decode(encoded).map_err(|_| KeyError::NotBase64)?;
    if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&bytes.len()) {
        return Err(KeyError::Length(bytes.len()));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// The three headers of a message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
}

impl Signed {
    pub fn headers(&self) -> [(&'static str, &str); 3] {
        [
            (HEADER_ID, &self.id),
            (HEADER_TIMESTAMP, &self.timestamp),
            (HEADER_SIGNATURE, &self.signature),
        ]
    }
}

/// Signs with every key, so that a receiver may hold the old one or the new one. `at` is the time of this attempt.
pub fn sign(keys: &Keys, id: &str, at: Timestamp, body: &[u8]) -> Result<Signed, Unverified> {
    check_id(id)?;
    let timestamp = at.as_second().to_string();
    let signatures: Vec<String> = keys
        .0
        .iter()
        .map(|it| format!("{SIGNATURE_PREFIX}{}", STANDARD.encode(tag(it, id, &timestamp, body))))
        .collect();
    Ok(Signed {
        id: id.to_owned(),
        timestamp,
        signature: signatures.join(" "),
    })
}

/// The three headers of a message received.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    pub id: &'a str,
    pub timestamp: &'a str,
    pub signature: &'a str,
}

impl<'a> Headers<'a> {
    /// Picks the three out of whatever holds the request's headers.
    pub fn find(header: impl Fn(&'static str) -> Option<&'a str>) -> Result<Self, Unverified> {
        let required = |name| header(name).ok_or(Unverified::HeaderMissing(name));
        Ok(Self {
            id: required(HEADER_ID)?,
            timestamp: required(HEADER_TIMESTAMP)?,
            signature: required(HEADER_SIGNATURE)?,
        })
    }
}

/// Why a message is not taken for what it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    #[error("the header {0} is missing: sign messages as Standard Webhooks says")]
    HeaderMissing(&'static str),
    /// A full stop in the id would let the line between id, time and body be moved.
    #[error("webhook-id is not 1 to {ID_BYTES_MAX} visible characters without a full stop")]
    IdMalformed,
    #[error("webhook-timestamp is not a whole number of seconds since 1970")]
    TimestampMalformed,
    #[error("webhook-timestamp is more than {TOLERANCE_S} s in the past: send anew, or check the clocks")]
    TimestampTooOld,
    #[error("webhook-timestamp is more than {TOLERANCE_S} s in the future: check the clocks")]
    TimestampTooNew,
    #[error("webhook-signature holds more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    #[error("no signature fits: check the secret, and that the body is signed as sent, byte for byte")]
    NoSignatureFits,
}

/// Whether one of `keys` signed `body` under these headers, not long before or after `now`.
pub fn verify(keys: &Keys, headers: &Headers<'_>, body: &[u8], now: Timestamp) -> Result<(), Unverified> {
    check_id(headers.id)?;
    check_timestamp(headers.timestamp, now)?;
    let offered = offered_signatures(headers.signature)?;
    let fits = |key| {
        let expected = tag(key, headers.id, headers.timestamp, body);
        offered
            .iter()
            .any(|it| constant_time::verify_slices_are_equal(it, expected.as_ref()).is_ok())
    };
    if keys.0.iter().any(fits) {
        Ok(())
    } else {
        Err(Unverified::NoSignatureFits)
    }
}

fn check_id(id: &str) -> Result<(), Unverified> {
    let is_plain = id.bytes().all(|it| it.is_ascii_graphic() && it != b'.');
    if is_plain && (1..=ID_BYTES_MAX).contains(&id.len()) {
        Ok(())
    } else {
        Err(Unverified::IdMalformed)
    }
}

fn check_timestamp(text: &str, now: Timestamp) -> Result<(), Unverified> {
    // Digits only: the text is signed as it stands, so it may have one spelling only.
    let is_plain = text.bytes().all(|it| it.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let stated: i64 = text.parse().map_err(|_| Unverified::TimestampMalformed)?;
    if !is_plain {
        return Err(Unverified::TimestampMalformed);
    }
    let now = now.as_second();
    if now.abs_diff(stated) <= TOLERANCE_S {
        return Ok(());
    }
    Err(if stated < now {
        Unverified::TimestampTooOld
    } else {
        Unverified::TimestampTooNew
    })
}

/// The symmetric signatures of a header; those of other schemes are passed over.
fn offered_signatures(header: &str) -> Result<Vec<Vec<u8>>, Unverified> {
    let listed: Vec<&str> = header.split_ascii_whitespace().take(SIGNATURES_MAX + 1).collect();
    if listed.len() > SIGNATURES_MAX {
        return Err(Unverified::TooManySignatures);
    }
    let symmetric = listed.iter().filter_map(|it| it.strip_prefix(SIGNATURE_PREFIX));
    Ok(symmetric.filter_map(|it| STANDARD.decode(it).ok()).collect())
}

fn tag(key: &hmac::Key, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
#[path = "standard_webhooks_tests.rs"]
mod tests;
