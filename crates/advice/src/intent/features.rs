//! A text as places in a table: its words, pairs of words, and runs of letters within words, hashed.

use super::BUCKETS;
use std::collections::BTreeSet;

/// Words that are looked at: what a mail wants stands at its beginning.
const WORDS_MAX: usize = 200;
/// Letters of a run.
const RUN: usize = 4;

/// The places of a text's features, each once, in order. Numbers are all alike: which number it is says nothing here.
pub fn features(text: &str) -> Vec<u32> {
    let plain: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|it| !matches!(it, '\'' | '’'))
        .collect();
    let words = plain
        .split(|it: char| !it.is_alphanumeric())
        .filter(|it| !it.is_empty());
    let words: Vec<&str> = words
        .map(|it| {
            if it.contains(|it: char| it.is_ascii_digit()) {
                "#"
            } else {
                it
            }
        })
        .take(WORDS_MAX)
        .collect();
    let mut places = BTreeSet::new();
    let mut add = |kind: &str, text: &str| {
        let bytes: Vec<u8> = kind.bytes().chain([0]).chain(text.bytes()).collect();
        places.insert(fnv(&bytes) % BUCKETS as u32);
    };
    for (at, word) in words.iter().enumerate() {
        add("word", word);
        if let Some(next) = words.get(at + 1) {
            add("pair", &format!("{word} {next}"));
        }
        let letters: Vec<char> = std::iter::once('^').chain(word.chars()).chain(['$']).collect();
        for run in letters.windows(RUN) {
            add("run", &run.iter().collect::<String>());
        }
    }
    places.into_iter().collect()
}

/// FNV-1a, fixed for ever: the weights are of these places.
pub fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, it| {
        (hash ^ u32::from(*it)).wrapping_mul(0x0100_0193)
    })
}
