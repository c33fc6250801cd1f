//! Identifiers: one type per thing, sortable by time, with a prefix that says what it names.
//!
//! Ids are derived from their cause (the message or command that made them), never drawn by chance, so that
//! the same message processed again after a crash makes the same ids (docs/decisions/0007).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Minted for $name {
            fn from_minted(body: String) -> Self {
                Self(format!("{}_{body}", $prefix))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

ids! {
    /// An isolated customer of the platform.
    TenantId = "ten";
    /// One inbound message, as received: raw bytes before they have an entity.
    MessageId = "msg";
    /// A customer's demand.
    OrderId = "ord";
    /// Goods from one consignor to one consignee.
    ShipmentId = "shp";
    /// What one carrier hauls as one movement.
    LoadId = "load";
    /// One attempt to cover a load.
    TenderId = "tdr";
    /// One carrier's turn within a tender.
    OfferId = "off";
    /// A question to a person that an action waits for.
    ApprovalId = "apr";
    /// A message to a customer or carrier.
    NoticeId = "ntc";
    /// A dispatch problem that a person or a playbook must settle.
    ExceptionId = "exc";
    /// One thing to do in the outside world; also its idempotency key.
    EffectId = "eff";
    /// One running workflow.
    InstanceId = "wfi";
    /// A customer or carrier company the tenant trades with.
    PartnerId = "par";
    /// The person whose data a personal value is.
    SubjectId = "sub";
    /// One thing automation was about to do and did not.
    HeldId = "hld";
    /// A durable wake-up.
    TimerId = "tmr";
    /// A paper of a load.
    DocumentId = "doc";
    /// What a carrier says it has free.
    StatementId = "cap";
    /// One truck kept for one load.
    CapacityHoldId = "cph";
}

/// An id that `Mint` can make.
pub trait Minted {
    fn from_minted(body: String) -> Self;
}

/// Makes the ids of one turn from its cause: `(cause, ordinal)` is hashed, the time goes in front so ids sort.
#[derive(Clone, Debug)]
pub struct Mint {
    cause: String,
    at: Timestamp,
    ordinal: u32,
}

impl Mint {
    /// `cause` must be unique to the turn: the message id, the command's key, the timer or effect id.
    pub fn new(cause: impl Into<String>, at: Timestamp) -> Self {
        Self {
            cause: cause.into(),
            at,
            ordinal: 0,
        }
    }

    pub fn make<T: Minted>(&mut self) -> T {
        self.ordinal += 1;
        let mut hash = Sha256::new();
        hash.update(self.cause.as_bytes());
        hash.update([0]);
        hash.update(self.ordinal.to_be_bytes());
        let digest = hash.finalize();
        let mut bits: u128 = 0;
        for byte in &digest[..10] {
            bits = (bits << 8) | u128::from(*byte);
        }
        let millis = u128::from(self.at.as_millisecond().max(0) as u64) & 0xffff_ffff_ffff;
        T::from_minted(crockford((millis << 80) | bits))
    }
}

/// 128 bits as the 26 characters of Crockford's base 32, lower case (the shape of a ULID).
fn crockford(mut bits: u128) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut text = [b'0'; 26];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}

/// One ordered history with one owner: a load, a source of messages, the tenant's settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub String);

impl StreamId {
    pub fn load(load: &LoadId) -> Self {
        Self(load.0.clone())
    }

    pub fn source(source: &str) -> Self {
        Self(format!("source:{source}"))
    }

    /// The tenant's settings: partners, sources, playbooks, policies.
    pub fn settings() -> Self {
        Self("settings".to_owned())
    }

    /// What the tenant's carriers have said they have free, and what of it is held: a resource of its own.
    pub fn capacity() -> Self {
        Self("capacity".to_owned())
    }

    pub fn is_capacity(&self) -> bool {
        self.0 == "capacity"
    }

    pub fn is_load(&self) -> bool {
        self.0.starts_with("load_")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Position in the log. The first record is 1.
pub type Seq = u64;

/// How many logical shards the streams are spread over.
pub const SHARDS: u16 = 256;

/// The shard that owns a stream: a hash of tenant and stream that never changes.
pub fn shard(tenant: &TenantId, stream: &StreamId) -> u16 {
    // FNV-1a: fixed for ever, cheap, and spread well enough over 256 places.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in tenant.0.bytes().chain([0]).chain(stream.0.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    (hash % u64::from(SHARDS)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cause_makes_the_same_ids_and_they_sort_by_time() {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let first: LoadId = Mint::new("msg_1", at).make();
        let again: LoadId = Mint::new("msg_1", at).make();
        let later: LoadId = Mint::new("msg_0", at + jiff::SignedDuration::from_secs(1)).make();
        assert_eq!(first, again);
        assert!(first < later);
        let mut mint = Mint::new("msg_1", at);
        let (one, two): (LoadId, LoadId) = (mint.make(), mint.make());
        assert_ne!(one, two);
    }
}
