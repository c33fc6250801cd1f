//! How carriers answer: some at once, some never, some too late, some on terms of their own.

use crate::{Chance, World};
use jiff::{SignedDuration, Timestamp};
use signalbox_formats::x12::{self, Address, Envelope, Reply990};
use signalbox_formats::{Context, decode};
use signalbox_model::answer::Answer;
use signalbox_model::attempt::Attempt;
use signalbox_model::directory::SourceFormat;
use signalbox_model::id::OfferId;

/// A carrier's habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Character {
    Willing,
    Choosy,
    /// Answers after the time is over.
    Dawdler,
    Silent,
    /// Accepts on terms of its own.
    Haggler,
}

impl Character {
    pub(crate) fn drawn(place: usize) -> Self {
        match place % 10 {
            0..=4 => Self::Willing,
            5 | 6 => Self::Choosy,
            7 => Self::Dawdler,
            8 => Self::Silent,
            _ => Self::Haggler,
        }
    }
}

/// What a carrier does about an offer, and how long it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierReply {
    pub after: SignedDuration,
    pub scac: String,
    pub reference: String,
    pub offer: Option<OfferId>,
    pub answer: Answer,
}

impl World {
    /// Reads a 204 that was put into a carrier's folder, as the carrier would. `None`: a withdrawal, or no answer ever.
    pub fn reads_tender(&self, scac: &str, bytes: &[u8]) -> Option<CarrierReply> {
        let decoded = decode(SourceFormat::X12, bytes, &Context::default());
        let attempt = decoded.decodings.into_iter().find_map(|it| it.attempt)?;
        let Attempt::Order(order) = attempt else { return None };
        if order.purpose != signalbox_model::attempt::OrderPurpose::Original {
            return None;
        }
        let echoed = order.external_ids.iter().find(|it| it.value.starts_with("off_"));
        let offer = echoed.map(|it| OfferId(it.value.clone()));
        self.decides(scac, &order.reference, offer)
    }

    /// What a carrier answers to an offer of this load.
    pub fn decides(&self, scac: &str, reference: &str, offer: Option<OfferId>) -> Option<CarrierReply> {
        let carrier = self.carriers.iter().find(|it| it.scac.eq_ignore_ascii_case(scac))?;
        let seed = reference
            .bytes()
            .chain(carrier.scac.bytes())
            .fold(self.seed, |seed, byte| {
                (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        let mut chance = Chance::new(seed);
        let minutes = |chance: &mut Chance, from: u64, to: u64| {
            SignedDuration::from_mins((from + chance.below(to - from)) as i64)
        };
        let (answer, after) = match carrier.character {
            Character::Willing if chance.percent(85) => (Answer::Accept, minutes(&mut chance, 1, 15)),
            Character::Choosy if chance.percent(35) => (Answer::Accept, minutes(&mut chance, 4, 18)),
            Character::Willing | Character::Choosy => (Answer::Decline, minutes(&mut chance, 1, 12)),
            Character::Dawdler => (Answer::Accept, minutes(&mut chance, 61, 120)),
            Character::Haggler if chance.percent(40) => (Answer::Conditional, minutes(&mut chance, 2, 10)),
            Character::Haggler => (Answer::Accept, minutes(&mut chance, 2, 15)),
            Character::Silent => return None,
        };
        let (scac, reference) = (carrier.scac.clone(), reference.to_owned());
        Some(CarrierReply {
            after,
            scac,
            reference,
            offer,
            answer,
        })
    }

    /// The answer as an X12 990. `control_number` is the carrier's own count.
    pub fn answer_x12(&self, reply: &CarrierReply, control_number: u32, now: Timestamp) -> Option<String> {
        let address = |qualifier: &str, id: &str| Address {
            qualifier: qualifier.to_owned(),
            id: id.to_owned(),
        };
        let (sender, receiver) = (address("02", &reply.scac), address("ZZ", "SIGNALBOX"));
        let envelope = Envelope {
            sender: &sender,
            receiver: &receiver,
            control_number,
            now,
            test: false,
        };
        let body = Reply990 {
            scac: &reply.scac,
            reference: &reply.reference,
            offer: reply.offer.as_ref(),
            answer: reply.answer,
            reason: None,
            note: None,
        };
        x12::answer(&envelope, &body).ok()
    }
}
