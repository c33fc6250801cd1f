//! Phrases that say one thing only. What no phrase decides is left to the classifier, and what it does not know to a
//! person.

use signalbox_model::load::StopKind;
use signalbox_model::mail::{Intent, Span, SpokenMilestone, Urgency};
use signalbox_model::trip::VisitPart;

/// A rule's name, what it means, and the phrases of which one must stand in the text.
pub struct Rule {
    pub name: &'static str,
    pub intent: Intent,
    pub phrases: &'static [&'static str],
}

const fn rule(name: &'static str, intent: Intent, phrases: &'static [&'static str]) -> Rule {
    Rule { name, intent, phrases }
}

/// The first that fits counts: what is graver stands first.
pub const RULES: &[Rule] = &[
    rule(
        "broke down",
        Intent::Breakdown,
        &[
            "broke down",
            "broken down",
            "breakdown",
            "blew a tire",
            "blown tire",
            "flat tire",
            "engine trouble",
            "check engine",
            "wont start",
            "tow truck",
            "at the shop",
            "roadside",
            "mechanical issue",
            "reefer unit is down",
            "reefer down",
            "in an accident",
            "had an accident",
        ],
    ),
    rule(
        "freight refused or wrong",
        Intent::Cargo,
        &[
            "refused",
            "rejected the load",
            "rejecting the load",
            "damaged",
            "short one pallet",
            "pallets short",
            "cases short",
            "pieces short",
            "shortage",
            "overage",
            "seal broken",
            "seal was broken",
            "out of temp",
            "wet freight",
            "load shifted",
        ],
    ),
    rule(
        "detention asked for",
        Intent::Detention,
        &[
            "need detention",
            "open detention",
            "request detention",
            "requesting detention",
            "start detention",
            "detention request",
            "put us in for detention",
            "detention starts",
            "on detention",
            "stuck at the",
            "still at the receiver",
            "still at the shipper",
            "still waiting to be unloaded",
            "still waiting to be loaded",
            "still not unloaded",
            "still not loaded",
            "not been unloaded",
            "not been loaded",
            "holding my driver",
            "holding our driver",
            "sitting at the",
        ],
    ),
    rule(
        "appointment to be moved",
        Intent::Reschedule,
        &[
            "reschedule",
            "new appointment",
            "new appt",
            "move the appointment",
            "move the appt",
            "push the appointment",
            "push the appt",
            "cannot make the appointment",
            "cant make the appointment",
            "cant make the appt",
            "wont make the appointment",
            "wont make the appt",
            "miss the appointment",
            "miss the appt",
            "missed the appointment",
            "missed our appointment",
            "different appointment",
        ],
    ),
    rule(
        "running late",
        Intent::Delay,
        &[
            "running late",
            "running behind",
            "will be late",
            "gonna be late",
            "going to be late",
            "be delayed",
            "is delayed",
            "stuck in traffic",
            "behind schedule",
            "new eta",
            "hours late",
            "hrs late",
            "wont make it by",
            "wont be there by",
        ],
    ),
    rule(
        "proof of delivery sent",
        Intent::ProofOfDelivery,
        &[
            "pod attached",
            "attached pod",
            "attached is the pod",
            "see attached pod",
            "signed pod",
            "here is the pod",
            "heres the pod",
            "attached bol",
            "signed bol attached",
            "bol attached",
            "pod is attached",
            "proof of delivery attached",
        ],
    ),
    rule(
        "offer taken by text",
        Intent::Acceptance,
        &[
            "we accept",
            "we will take it",
            "well take it",
            "we can take it",
            "we can cover",
            "we have a truck for",
            "tender accepted",
            "accepting this load",
            "accept this load",
            "accept the load",
            "count us in",
            "we accept the tender",
        ],
    ),
    rule(
        "offer declined by text",
        Intent::Decline,
        &[
            "we decline",
            "we have to pass",
            "we must pass",
            "have to decline",
            "cannot cover",
            "cant cover",
            "no truck available",
            "no capacity",
            "tender declined",
            "declining this",
            "unable to cover",
            "give it back",
            "giving this load back",
        ],
    ),
    rule(
        "asks where the truck is",
        Intent::Whereabouts,
        &[
            "where is my truck",
            "wheres my truck",
            "where is the truck",
            "where is our truck",
            "where is my load",
            "wheres my load",
            "where is our load",
            "where is this load",
            "status update please",
            "any update on",
            "can we get an eta",
            "what is the eta",
            "whats the eta",
            "please provide an eta",
            "tracking update",
            "update on this load",
        ],
    ),
    rule(
        "asks about money",
        Intent::Money,
        &[
            "invoice",
            "remittance",
            "payment status",
            "when will we be paid",
            "short paid",
            "accessorial",
            "lumper receipt",
            "lumper fee",
            "rate confirmation",
            "rate con",
            "revised rate",
            "layover pay",
            "tonu",
            "quick pay",
            "fuel surcharge",
        ],
    ),
    rule(
        "tells where it stands",
        Intent::Status,
        &[
            "has been delivered",
            "is delivered",
            "delivered and empty",
            "empty at the",
            "unloaded and empty",
            "picked up and rolling",
            "loaded and rolling",
            "loaded and on the way",
            "just arrived",
            "has arrived",
            "checked in at",
            "arrived at the",
            "departed the",
            "left the shipper",
            "out of the receiver",
        ],
    ),
];

/// Phrases that deny what follows or ask for it: then no phrase decides.
pub const DOUBTS: &[&str] = &[
    "if we",
    "do you think",
    "did not",
    "didnt",
    "never",
    "not refused",
    "no damage",
    "in case",
];

/// Words that tell a milestone where nothing before them makes it a plan or a wish. Which stop an arrival or departure is
/// of, a place in the text says.
const MILESTONES: &[(&str, VisitPart, Option<StopKind>)] = &[
    ("delivered", VisitPart::Delivered, Some(StopKind::Delivery)),
    ("unloaded at", VisitPart::Delivered, Some(StopKind::Delivery)),
    ("picked up", VisitPart::Departed, Some(StopKind::Pickup)),
    ("left the", VisitPart::Departed, None),
    ("departed", VisitPart::Departed, None),
    ("out of the", VisitPart::Departed, None),
    ("arrived", VisitPart::Arrived, None),
    ("checked in", VisitPart::Arrived, None),
];

/// Within so many words before it they make of a milestone something else.
const BEFORE: usize = 5;
const NOT_YET: &[&str] = &[
    "not", "no", "nothing", "never", "cannot", "cant", "wont", "isnt", "wasnt", "hasnt", "havent", "arent", "be",
    "will", "should", "can", "could", "would", "may", "might", "must", "need", "needs", "to", "if", "when", "once",
    "until", "till", "before", "after", "unless", "expect", "expected", "eta", "hope", "plan", "without",
];

/// Milestones of one mail that are looked at.
const MILESTONES_MAX: usize = 6;

/// The milestones that a text tells, in the order of their words.
pub fn milestones(plain: &Plain) -> Vec<SpokenMilestone> {
    let mut told: Vec<SpokenMilestone> = MILESTONES
        .iter()
        .filter_map(|(words, what, kind)| {
            let (span, before) = plain.with_words_before(words)?;
            let is_told = !before.iter().any(|it| NOT_YET.contains(it));
            is_told.then_some(SpokenMilestone {
                span,
                what: *what,
                kind: *kind,
            })
        })
        .collect();
    told.sort_by_key(|it| it.span);
    told.truncate(MILESTONES_MAX);
    told
}

const URGENT: &[&str] = &[
    "asap",
    "urgent",
    "emergency",
    "immediately",
    "right now",
    "right away",
    "hot load",
    "plant is down",
    "line down",
];

/// A text as rules see it: small letters, digits and single blanks, with one at each end; apostrophes fall out.
pub struct Plain {
    letters: String,
    /// For each byte of `letters`, the character of the mail's text that it comes from.
    places: Vec<u32>,
}

impl Plain {
    /// Of letters with their places in the mail's text.
    pub fn of(text: impl IntoIterator<Item = (u32, char)>) -> Self {
        let mut plain = Self {
            letters: String::new(),
            places: Vec::new(),
        };
        plain.push(0, ' ');
        for (place, letter) in text {
            for letter in letter.to_lowercase() {
                match letter {
                    '\'' | '’' => {}
                    it if it.is_alphanumeric() => plain.push(place, it),
                    _ if !plain.letters.ends_with(' ') => plain.push(place, ' '),
                    _ => {} // One blank is enough.
                }
            }
        }
        if !plain.letters.ends_with(' ') {
            plain.push(plain.places.last().copied().unwrap_or(0), ' ');
        }
        plain
    }

    fn push(&mut self, place: u32, letter: char) {
        self.letters.push(letter);
        self.places.resize(self.letters.len(), place);
    }

    pub fn holds(&self, phrase: &str) -> bool {
        self.find(phrase).is_some()
    }

    /// Where a phrase first stands as whole words, in characters of the mail's text.
    pub fn find(&self, phrase: &str) -> Option<Span> {
        self.place(phrase).map(|it| it.1)
    }

    /// Where it first stands, and the last words before it.
    fn with_words_before(&self, phrase: &str) -> Option<(Span, Vec<&str>)> {
        let (at, span) = self.place(phrase)?;
        let before = self.letters.get(..at)?;
        Some((span, before.split_whitespace().rev().take(BEFORE).collect()))
    }

    fn place(&self, phrase: &str) -> Option<(usize, Span)> {
        let whole = |at: &usize| {
            let before = self.letters.as_bytes().get(at.wrapping_sub(1));
            let behind = self.letters.as_bytes().get(at + phrase.len());
            before == Some(&b' ') && behind == Some(&b' ')
        };
        let at = self.letters.match_indices(phrase).map(|it| it.0).find(whole)?;
        let start = *self.places.get(at)?;
        let last = *self.places.get(at + phrase.len().checked_sub(1)?)?;
        Some((at, Span { start, end: last + 1 }))
    }
}

/// How soon somebody has to look at it.
pub fn urgency(plain: &Plain, intent: Intent) -> Urgency {
    let is_urgent = URGENT.iter().any(|it| plain.holds(it));
    match intent {
        _ if is_urgent && intent != Intent::OutOfScope => Urgency::High,
        Intent::Breakdown | Intent::Cargo => Urgency::High,
        Intent::Delay | Intent::Detention | Intent::Reschedule | Intent::Acceptance | Intent::Decline => {
            Urgency::Normal
        }
        Intent::Whereabouts | Intent::Unclear => Urgency::Normal,
        Intent::Status | Intent::ProofOfDelivery | Intent::Money | Intent::OutOfScope => Urgency::Low,
    }
}
