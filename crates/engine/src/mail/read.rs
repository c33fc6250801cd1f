//! What a mail means: phrases that say one thing, else the classifier where it is sure, else nobody.

use super::words::{self, DOUBTS, Plain, RULES};
use jiff::{SignedDuration, Timestamp};
use signalbox_advice::intent;
use signalbox_model::mail::{Intent, MailAttempt, Means, Reading, SectionKind, Span};

/// A mail that says it was sent later than this from now, or longer ago, is read as of its arrival.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(1);
const AGO_MAX: SignedDuration = SignedDuration::from_hours(24 * 7);

/// When a mail was sent, for the times in it.
pub fn said_at(mail: &MailAttempt, now: Timestamp) -> Timestamp {
    let is_near = |it: &Timestamp| {
        let ago = now.duration_since(*it);
        ago <= AGO_MAX && ago >= -AHEAD_MAX
    };
    mail.sent.filter(is_near).unwrap_or(now)
}

/// Reads the sender's own words. What they quote and their signature say nothing about what they want.
pub fn read(mail: &MailAttempt) -> Reading {
    let own = own(mail);
    let plain = Plain::of(own.iter().copied());
    let doubted = DOUBTS.iter().any(|it| plain.holds(it));
    let found = RULES.iter().filter(|_| !doubted).find_map(|rule| {
        let mut words: Vec<Span> = rule.phrases.iter().filter_map(|it| plain.find(it)).collect();
        words.sort();
        (!words.is_empty()).then_some((rule, words))
    });
    let milestones = if doubted || own.iter().any(|it| it.1 == '?') {
        Vec::new()
    } else {
        words::milestones(&plain)
    };
    let found = found.map(|(rule, words)| (rule.name, rule.intent, words));
    let told = || {
        let words: Vec<Span> = milestones.iter().map(|it| it.span).collect();
        (!words.is_empty()).then_some(("tells a milestone", Intent::Status, words))
    };
    match found.or_else(told) {
        Some((name, intent, words)) => Reading {
            intent,
            means: Means::Rules,
            confidence_pct: None,
            urgency: words::urgency(&plain, intent),
            rule: name.to_owned(),
            words,
            milestones,
        },
        None => judged(&own.iter().map(|it| it.1).collect::<String>(), &plain),
    }
}

/// What the classifier makes of it, where it is sure enough.
fn judged(own: &str, plain: &Plain) -> Reading {
    let judgement = intent::classify(own);
    let sure = judgement.as_ref().and_then(|it| it.intent);
    let intent = sure.unwrap_or(Intent::Unclear);
    Reading {
        intent,
        means: if sure.is_some() {
            Means::Classifier
        } else {
            Means::Nobody
        },
        confidence_pct: judgement.as_ref().map(|it| (it.confidence * 100.0).floor() as u8),
        urgency: words::urgency(plain, intent),
        rule: judgement.map_or_else(|| "there are no words".to_owned(), |it| it.model),
        words: Vec::new(),
        milestones: Vec::new(),
    }
}

/// The subject and what the sender writes now, each letter with its place in the text.
fn own(mail: &MailAttempt) -> Vec<(u32, char)> {
    let text = mail.text.text().unwrap_or_default();
    let letters: Vec<(u32, char)> = (0..).zip(text.chars()).collect();
    let mut own = Vec::new();
    for section in &mail.sections {
        let (start, end) = (section.span.start as usize, section.span.end as usize);
        let words = letters.get(start..end.min(letters.len())).unwrap_or_default();
        // The subject of an answer is that of the mail it answers.
        let begins: String = words.iter().take(3).map(|it| it.1).collect();
        let is_answer = begins.eq_ignore_ascii_case("re:");
        let is_own = match section.kind {
            SectionKind::Own => true,
            SectionKind::Subject => !is_answer,
            SectionKind::Quoted | SectionKind::Signature => false,
        };
        if is_own {
            own.extend(words);
            own.push((section.span.end.saturating_sub(1), '\n'));
        }
    }
    own
}
