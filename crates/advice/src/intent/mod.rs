//! What a short mail wants, by a linear classifier over hashed words and letters.
//!
//! Invariants: the same text and weights give the same numbers on every machine (only +, -, * and / on doubles, in a
//! fixed order); below the threshold it says nothing. The threshold was chosen on mails that were not trained on, so that
//! of what it says at most one in ten is wrong, nine times sure (docs/advice.md).

mod features;
mod train;

pub use features::features;
pub use train::{Example, Report, report, train};

use signalbox_model::mail::Intent;
use std::sync::LazyLock;

/// Hashed features share this many places.
pub const BUCKETS: usize = 8_192;
/// The intents it tells apart; `Unclear` is what it says by saying nothing.
pub const CLASSES: usize = 12;
const MAGIC: &[u8; 8] = b"SBINTEN1";
const HEADER_BYTES: usize = 8 + 3 * 4 + CLASSES * 4;

/// The weights that ship. Made by `cargo run -p signalbox-advice --example train_intents`.
static SHIPPED: LazyLock<Option<Model>> = LazyLock::new(|| Model::read(include_bytes!("../../data/intents.bin")));

/// Weights as they are kept: small whole numbers with one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    scale: f32,
    /// Sharpens or flattens the shares, so that they mean what they say.
    temperature: f32,
    /// Below this share it says nothing.
    threshold: f32,
    bias: [f32; CLASSES],
    /// By class, then by bucket.
    weights: Vec<i8>,
    name: String,
}

/// What the classifier makes of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// None where it is not sure enough.
    pub intent: Option<Intent>,
    /// The likeliest, sure or not.
    pub likeliest: Intent,
    /// How often it is right when it gives this share, 0 to 1.
    pub confidence: f64,
    /// Which weights judged: a hash of them.
    pub model: String,
}

/// Judges with the weights that ship. None for a text without words.
pub fn classify(text: &str) -> Option<Judgement> {
    SHIPPED.as_ref()?.judge(text)
}

impl Model {
    /// From the bytes that `write` gives.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (head, weights) = bytes.split_at_checked(HEADER_BYTES)?;
        let (magic, numbers) = head.split_at_checked(MAGIC.len())?;
        if magic != MAGIC || weights.len() != CLASSES * BUCKETS {
            return None;
        }
        let mut numbers = numbers
            .chunks_exact(4)
            .map(|it| f32::from_le_bytes([it[0], it[1], it[2], it[3]]));
        let (scale, temperature, threshold) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let mut bias = [0.0; CLASSES];
        for it in &mut bias {
            *it = numbers.next()?;
        }
        Some(Self {
            scale,
            temperature,
            threshold,
            bias,
            weights: weights.iter().map(|it| it.cast_signed()).collect(),
            name: format!("intents-{:08x}", features::fnv(bytes)),
        })
    }

    pub fn write(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.scale, self.temperature, self.threshold].iter().chain(&self.bias) {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.weights.iter().map(|it| it.cast_unsigned()));
        bytes
    }

    pub fn threshold(&self) -> f64 {
        f64::from(self.threshold)
    }

    pub fn judge(&self, text: &str) -> Option<Judgement> {
        let features = features(text);
        if features.is_empty() {
            return None;
        }
        let shares = shares(&self.logits(&features), f64::from(self.temperature));
        let (class, confidence) = best(&shares);
        let likeliest = Intent::ALL[class];
        Some(Judgement {
            intent: (confidence >= f64::from(self.threshold)).then_some(likeliest),
            likeliest,
            confidence,
            model: self.name.clone(),
        })
    }

    fn logits(&self, features: &[u32]) -> [f64; CLASSES] {
        let mut logits = [0.0; CLASSES];
        let norm = 1.0 / (features.len() as f64).sqrt();
        for (class, logit) in logits.iter_mut().enumerate() {
            let of_class = &self.weights[class * BUCKETS..(class + 1) * BUCKETS];
            let sum: i64 = features.iter().map(|it| i64::from(of_class[*it as usize])).sum();
            *logit = sum as f64 * f64::from(self.scale) * norm + f64::from(self.bias[class]);
        }
        logits
    }
}

fn best(shares: &[f64; CLASSES]) -> (usize, f64) {
    let mut best = (0, shares[0]);
    for (class, share) in shares.iter().enumerate() {
        if *share > best.1 {
            best = (class, *share);
        }
    }
    best
}

fn shares(logits: &[f64; CLASSES], temperature: f64) -> [f64; CLASSES] {
    let highest = logits.iter().copied().fold(f64::MIN, f64::max);
    let mut shares = logits.map(|it| exp((it - highest) / temperature));
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|it| *it /= sum);
    shares
}

/// e to the power of `x`, for `x` of at most 0: halved until small, then the series. The libraries of two machines may
/// differ in the last digit; this does not.
fn exp(x: f64) -> f64 {
    if x < -60.0 {
        return 0.0;
    }
    let small = x / 1_024.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..=8 {
        term *= small / f64::from(n);
        sum += term;
    }
    (0..10).fold(sum, |it, _| it * it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_the_exponential() {
        for x in [0.0, -0.1, -1.0, -7.5, -30.0] {
            assert!((exp(x) - f64::exp(x)).abs() < 1e-12, "{x}");
        }
        assert_eq!(exp(-1_000.0), 0.0);
    }

    #[test]
    fn what_is_no_model_is_not_read() {
        let shipped = include_bytes!("../../data/intents.bin");
        let model = Model::read(shipped).unwrap();
        assert_eq!(model.write(), shipped);
        assert!(shipped.len() <= 200_000);
        assert_eq!(Model::read(&shipped[1..]), None);
        assert_eq!(Model::read(b"SBINTEN1"), None);
    }

    #[test]
    fn a_text_without_words_is_not_judged() {
        assert_eq!(classify(" \n.,!"), None);
    }
}
