//! Bearer tokens: `sbx_<tenant without ten_>_<52 characters of base 32>`. The directory keeps only their hash.

use aws_lc_rs::digest::{SHA256, digest};
use signalbox_model::id::TenantId;

/// 256 bits from chance: nothing shorter is issued, and guessing one is hopeless.
const SECRET_BYTES: usize = 32;
const PREFIX: &str = "sbx_";
/// Longer texts are no token of ours; they are not looked at further.
pub const TOKEN_BYTES_MAX: usize = 256;

/// Makes a token of this tenant. Shown once, then only its hash is known.
pub fn issue(tenant: &TenantId) -> anyhow::Result<String> {
    let mut secret = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut secret).map_err(|_| anyhow::anyhow!("the system gave no random bytes"))?;
    let short = tenant.as_str().strip_prefix("ten_").unwrap_or(tenant.as_str());
    Ok(format!("{PREFIX}{short}_{}", base32(&secret)))
}

/// The tenant a token says it is of. Only the hash, found in that tenant's directory, proves it.
pub fn tenant_of(token: &str) -> Option<TenantId> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (short, secret) = token.strip_prefix(PREFIX)?.rsplit_once('_')?;
    (!short.is_empty() && secret.len() >= SECRET_BYTES).then(|| TenantId(format!("ten_{short}")))
}

/// SHA-256, hex: how the directory knows a token.
pub fn hash(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()))
}

/// Lower-case base 32 (RFC 4648 letters), without padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| (byte >> place) & 1));
    let mut text = String::new();
    let (mut held, mut count) = (0_usize, 0);
    for bit in bits {
        held = (held << 1) | usize::from(bit);
        count += 1;
        if count == 5 {
            text.extend(LETTERS.get(held).map(|it| char::from(*it)));
            (held, count) = (0, 0);
        }
    }
    if count > 0 {
        text.extend(LETTERS.get(held << (5 - count)).map(|it| char::from(*it)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_tenant_and_no_two_are_alike() {
        let tenant = TenantId::from("ten_north_line");
        let (one, other) = (issue(&tenant).unwrap(), issue(&tenant).unwrap());
        assert_ne!(one, other);
        assert_eq!(tenant_of(&one), Some(tenant));
        assert_eq!(hash(&one).len(), 64);
    }

    #[test]
    fn what_is_no_token_names_no_tenant() {
        let long = format!("sbx_a_{}", "b".repeat(TOKEN_BYTES_MAX));
        for text in ["", "sbx_", "sbx_a", "sbx__aaaa", "sbx_a_short", "Bearer x", &long] {
            assert_eq!(tenant_of(text), None, "{text}");
        }
    }

    #[test]
    fn base32_is_that_of_the_standard() {
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(base32(b""), "");
    }
}
