//! Base 64 as RFC 4648 section 4 writes it: padded, and one text only for the same bytes.

use ::base64::{Engine, engine::general_purpose::STANDARD};

pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// One hash.
pub fn decode_hash(text: &str) -> Option<[u8; 32]> {
    decode(text)?.try_into().ok()
}
