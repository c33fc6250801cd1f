//! Checkpoints (C2SP tlog-checkpoint): the signed head of a log, its size and root under its name.
//!
//! Invariant: a `Checkpoint` comes out of `open` only if the log's own key signed it, and that key is named like the
//! log. A witness's cosignature alone does not make one.

use super::base64;
use super::note::{self, Signer, Use, VerifierKey};
use super::tree::Head;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Note(#[from] note::Error),
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    #[error("the checkpoint of {0} is not signed by that log's own key")]
    Unsigned(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    pub head: Head,
    /// Opaque lines after the root.
    pub extensions: Vec<String>,
    /// Witnesses whose keys were given, and when they saw it, in seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
}

/// Signs the head of the log that the signer is named after.
pub fn sign(signer: &Signer, head: &Head, extensions: &[&str]) -> Result<String, Error> {
    let origin = signer.verifier_key().name();
    let mut text = format!("{origin}\n{}\n{}\n", head.size, base64::encode(&head.root));
    for line in extensions {
        if line.is_empty() || line.contains('\n') {
            return Err(Error::Malformed("an extension is one line with something in it"));
        }
        text.push_str(line);
        text.push('\n');
    }
    Ok(signer.sign(&text)?)
}

/// Reads a checkpoint and checks who signed it.
pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Checkpoint, Error> {
    let note = note::open(note, keys)?;
    let mut checkpoint = parse(&note.text)?;
    if !note
        .signatures
        .iter()
        .any(|it| it.usage == Use::Log && it.name == checkpoint.origin)
    {
        return Err(Error::Unsigned(checkpoint.origin));
    }
    checkpoint.witnesses = note
        .signatures
        .into_iter()
        .filter_map(|it| Some((it.name, it.time?)))
        .collect();
    Ok(checkpoint)
}

fn parse(text: &str) -> Result<Checkpoint, Error> {
    let mut lines = text.split_terminator('\n');
    let origin = lines
        .next()
        .filter(|it| !it.is_empty())
        .ok_or(Error::Malformed("no origin"))?;
    let size = lines
        .next()
        .and_then(decimal)
        .ok_or(Error::Malformed("the size is not a plain number"))?;
    let root = lines
        .next()
        .and_then(base64::decode_hash)
        .ok_or(Error::Malformed("the root is not a hash"))?;
    let extensions: Vec<String> = lines.map(str::to_owned).collect();
    if extensions.iter().any(String::is_empty) {
        return Err(Error::Malformed("an extension line is empty"));
    }
    Ok(Checkpoint {
        origin: origin.to_owned(),
        head: Head { size, root },
        extensions,
        witnesses: Vec::new(),
    })
}

/// A decimal number without leading zeroes or signs.
pub fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
