//! Makes the weights of mails that were written for it, and says how good they are on mails that were not.

use super::{BUCKETS, CLASSES, Model, best, exp, features, shares};
use signalbox_model::mail::Intent;

/// Passes over the mails.
const EPOCHS: usize = 6;
const STEP: f64 = 1.0;
/// How strongly weights are drawn to nothing, a pass.
const SHRINK: f64 = 0.97;
/// Texts made of each template.
const TEXTS_PER_TEMPLATE: u32 = 12;
/// Parts in which the mails are judged, each by a model of the others.
const FOLDS: usize = 8;
/// A mail that somebody wrote weighs as much as so many texts of a template.
const MAIL_WEIGHT: usize = 4;
/// Temperatures tried when calibrating.
const TEMPERATURES: std::ops::Range<u32> = 4..400;
/// Of what it says at most this share may be wrong ...
pub const RISK_MAX: f64 = 0.10;
/// ... and that is true but with this chance.
const DOUBT: f64 = 0.10;
const BINS: usize = 10;

/// A mail and what it wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub intent: Intent,
    pub text: String,
}

impl Example {
    /// Reads lines of `intent: text`; `#` begins a comment. A line of no known intent is an error with its number.
    pub fn read(lines: &str) -> Result<Vec<Self>, String> {
        let mut examples = Vec::new();
        for (number, line) in (1..).zip(lines.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, text) = line
                .split_once(": ")
                .ok_or_else(|| format!("line {number}: no intent"))?;
            let intent = Intent::ALL.into_iter().take(CLASSES).find(|it| it.name() == name);
            examples.push(Self {
                intent: intent.ok_or_else(|| format!("line {number}: no intent {name}"))?,
                text: text.to_owned(),
            });
        }
        Ok(examples)
    }

    /// The same with every `{this|that}` chosen, several times, always alike.
    pub fn spread(templates: &[Self]) -> Vec<Self> {
        let mut state: u64 = 0x5369_676e_616c;
        let mut pick = |count: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % count.max(1)
        };
        let mut spread = Vec::new();
        for template in templates {
            for _ in 0..TEXTS_PER_TEMPLATE {
                spread.push(Self {
                    intent: template.intent,
                    text: chosen(&template.text, &mut pick),
                });
            }
        }
        spread
    }
}

fn chosen(template: &str, pick: &mut dyn FnMut(usize) -> usize) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((choices, after)) = after.split_once('}') else {
            break;
        };
        let choices: Vec<&str> = choices.split('|').collect();
        text += before;
        text += choices.get(pick(choices.len())).copied().unwrap_or_default();
        rest = after;
    }
    text + rest
}

/// What a classifier is worth on mails that it was not made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub count: usize,
    /// Share of mails whose likeliest intent is right.
    pub accuracy: f64,
    /// Expected calibration error, ten bins of equal width.
    pub calibration_error: f64,
    /// Share of mails about which it says something.
    pub coverage: f64,
    /// Of those, how many are wrong.
    pub wrong: usize,
}

/// Trains on `templates`, spread, and on `mails` as they are. Temperature and threshold are chosen on what models that
/// did not see a mail make of it: each eighth of the mails is judged by a model of the other seven.
pub fn train(templates: &[Example], mails: &[Example]) -> Model {
    let mut texts = Example::spread(templates);
    let mut judged = Vec::new();
    for fold in 0..FOLDS {
        let others = mails
            .iter()
            .enumerate()
            .filter(|(place, _)| place % FOLDS != fold)
            .map(|(_, it)| it);
        let mut with = texts.clone();
        others.for_each(|it| with.extend(std::iter::repeat_n(it.clone(), MAIL_WEIGHT)));
        let model = learned(&with);
        let held = mails
            .iter()
            .enumerate()
            .filter(|(place, _)| place % FOLDS == fold)
            .map(|(_, it)| it);
        judged.extend(held.map(|it| (model.logits(&features(&it.text)), class(it.intent))));
    }
    mails
        .iter()
        .for_each(|it| texts.extend(std::iter::repeat_n(it.clone(), MAIL_WEIGHT)));
    let mut model = learned(&texts);
    calibrate(&mut model, &judged);
    model
}

fn learned(texts: &[Example]) -> Model {
    let points: Vec<(Vec<u32>, usize)> = texts.iter().map(|it| (features(&it.text), class(it.intent))).collect();
    let mut weights = vec![0.0; CLASSES * BUCKETS];
    let mut bias = [0.0; CLASSES];
    let mut order: Vec<usize> = (0..points.len()).collect();
    let mut state: u64 = 7;
    for epoch in 0..EPOCHS {
        for last in (1..order.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            order.swap(last, (state >> 33) as usize % (last + 1));
        }
        let step = STEP / (1.0 + epoch as f64);
        for point in &order {
            let (features, class) = &points[*point];
            learn(&mut weights, &mut bias, features, *class, step);
        }
        weights.iter_mut().for_each(|it| *it *= SHRINK);
    }
    small(&weights, &bias)
}

fn class(intent: Intent) -> usize {
    Intent::ALL.iter().position(|it| *it == intent).unwrap_or(CLASSES - 1)
}

/// One step down the slope of the logarithmic loss.
fn learn(weights: &mut [f64], bias: &mut [f64; CLASSES], features: &[u32], class: usize, step: f64) {
    let norm = 1.0 / (features.len().max(1) as f64).sqrt();
    let mut logits = *bias;
    for (of, logit) in logits.iter_mut().enumerate() {
        *logit += features
            .iter()
            .map(|it| weights[of * BUCKETS + *it as usize])
            .sum::<f64>()
            * norm;
    }
    let shares = shares(&logits, 1.0);
    for of in 0..CLASSES {
        let error = f64::from(u8::from(of == class)) - shares[of];
        let change = step * error * norm;
        features
            .iter()
            .for_each(|it| weights[of * BUCKETS + *it as usize] += change);
        bias[of] += step * error * 0.01;
    }
}

/// Rounded to small whole numbers.
fn small(weights: &[f64], bias: &[f64; CLASSES]) -> Model {
    let largest = weights.iter().fold(1e-9_f64, |it, weight| it.max(weight.abs()));
    let scale = largest / 127.0;
    let model = Model {
        scale: scale as f32,
        temperature: 1.0,
        threshold: 1.0,
        bias: bias.map(|it| it as f32),
        weights: weights.iter().map(|it| (it / scale).round() as i8).collect(),
        name: String::new(),
    };
    Model::read(&model.write()).unwrap_or(model)
}

fn calibrate(model: &mut Model, points: &[([f64; CLASSES], usize)]) {
    let loss = |temperature: f64| {
        let of = |(logits, class): &([f64; CLASSES], usize)| -logarithm(shares(logits, temperature)[*class]);
        points.iter().map(of).sum::<f64>()
    };
    let mut chosen = (f64::MAX, 1.0);
    for tenths in TEMPERATURES {
        let temperature = f64::from(tenths) / 20.0;
        let loss = loss(temperature);
        if loss < chosen.0 {
            chosen = (loss, temperature);
        }
    }
    model.temperature = chosen.1 as f32;
    let mut judged: Vec<(f64, bool)> = points
        .iter()
        .map(|(logits, class)| {
            let (of, share) = best(&shares(logits, chosen.1));
            (share, of == *class)
        })
        .collect();
    judged.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut wrong = 0;
    for (place, (share, is_right)) in judged.iter().enumerate() {
        wrong += usize::from(!is_right);
        if at_most(wrong, place + 1) <= RISK_MAX {
            model.threshold = *share as f32;
        }
    }
    *model = Model::read(&model.write()).unwrap_or_else(|| model.clone());
}

/// The natural logarithm of a share, by Halley's steps over our own exponential.
fn logarithm(share: f64) -> f64 {
    let share = share.max(1e-12);
    let mut guess = 0.0;
    for _ in 0..40 {
        let of_guess = exp(guess);
        guess = (guess + 2.0 * (share - of_guess) / (share + of_guess)).min(0.0);
    }
    guess
}

/// The largest share of wrong ones that `wrong` of `count` leaves possible, one-sided (Clopper and Pearson).
fn at_most(wrong: usize, count: usize) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if fewer_or_as_many(wrong, count, middle) > DOUBT {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The chance of at most `wrong` of `count` where each is wrong with chance `share`.
fn fewer_or_as_many(wrong: usize, count: usize, share: f64) -> f64 {
    let mut term = (0..count).fold(1.0, |it, _| it * (1.0 - share));
    let mut sum = term;
    for n in 0..wrong {
        term *= (count - n) as f64 / (n + 1) as f64 * share / (1.0 - share).max(1e-12);
        sum += term;
    }
    sum
}

/// How good a model is on mails that neither trained nor calibrated it.
pub fn report(model: &Model, mails: &[Example]) -> Report {
    let judged: Vec<(f64, bool, bool)> = mails
        .iter()
        .filter_map(|it| {
            let judgement = model.judge(&it.text)?;
            Some((
                judgement.confidence,
                judgement.likeliest == it.intent,
                judgement.intent.is_some(),
            ))
        })
        .collect();
    let count = judged.len();
    let share = |wanted: usize| wanted as f64 / count.max(1) as f64;
    let mut calibration_error = 0.0;
    for bin in 0..BINS {
        let holds = |it: &&(f64, bool, bool)| ((it.0 * BINS as f64) as usize).min(BINS - 1) == bin;
        let in_bin: Vec<_> = judged.iter().filter(holds).collect();
        let (said, right) = in_bin.iter().fold((0.0, 0.0), |(said, right), it| {
            (said + it.0, right + f64::from(u8::from(it.1)))
        });
        calibration_error += (said - right).abs() / count.max(1) as f64;
    }
    Report {
        count,
        accuracy: share(judged.iter().filter(|it| it.1).count()),
        calibration_error,
        coverage: share(judged.iter().filter(|it| it.2).count()),
        wrong: judged.iter().filter(|it| it.2 && !it.1).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_that_of_clopper_and_pearson() {
        // 0 of 22 at 10 % doubt leave 9.94 % possible: 0.1^(1/22).
        assert!((at_most(0, 22) - 0.0994).abs() < 1e-3, "{}", at_most(0, 22));
        assert!((at_most(1, 38) - 0.0990).abs() < 2e-3, "{}", at_most(1, 38));
        assert!((at_most(5, 5) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_logarithm_is_one() {
        for share in [1.0, 0.5, 1e-3, 1e-9] {
            assert!((logarithm(share) - f64::ln(share)).abs() < 1e-9, "{share}");
        }
    }

    #[test]
    fn a_template_becomes_texts_that_are_always_the_same() {
        let templates = Example::read("# words\ndelay: {we|they} run {late|behind}\n").unwrap();
        let texts = Example::spread(&templates);
        assert_eq!(texts, Example::spread(&templates));
        assert!(texts.iter().all(|it| !it.text.contains(['{', '|', '}'])));
        assert!(Example::read("greed: more").is_err());
    }
}
