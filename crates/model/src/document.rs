//! Documents of a load: the papers that prove what was handed over, and what is said of them.
//!
//! Invariant: a document's bytes never enter a record; they lie sealed beside it, and the record holds their hash.

use crate::id::{DocumentId, MessageId, PartnerId};
use crate::personal::Personal;
use crate::value::Moment;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The largest document taken: a scan of a dozen pages, or a photograph at a telephone's full size.
pub const DOCUMENT_BYTES_MAX: u64 = 25 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub id: DocumentId,
    pub kind: DocumentKind,
    /// What its first bytes show it to be, whatever its sender called it. None where it is nothing that is taken.
    pub media: Option<Media>,
    pub bytes: u64,
    /// SHA-256 of the bytes, hex. Empty where the bytes were not read to their end.
    pub sha256: String,
    /// The partner whose own key brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PartnerId>,
    /// The message it came in, where it came in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The carrier it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The load as it calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Of a proof of delivery, what was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    pub received_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    ProofOfDelivery,
    BillOfLading,
    RateConfirmation,
    LumperReceipt,
    WeightTicket,
    Other,
}

impl DocumentKind {
    pub const ALL: [Self; 6] = [
        Self::ProofOfDelivery,
        Self::BillOfLading,
        Self::RateConfirmation,
        Self::LumperReceipt,
        Self::WeightTicket,
        Self::Other,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProofOfDelivery => "proof_of_delivery",
            Self::BillOfLading => "bill_of_lading",
            Self::RateConfirmation => "rate_confirmation",
            Self::LumperReceipt => "lumper_receipt",
            Self::WeightTicket => "weight_ticket",
            Self::Other => "other",
        }
    }
}

/// Kinds of file that are taken: those a person can look at and no program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    Pdf,
    Jpeg,
    Png,
    Tiff,
    Webp,
    Heic,
}

impl Media {
    /// As in a `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Tiff => "image/tiff",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
        }
    }

    /// The ending of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Tiff => "tif",
            Self::Webp => "webp",
            Self::Heic => "heic",
        }
    }
}

/// What a proof of delivery says. What it leaves out is none, and may be said later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The delivery it is of, by its sequence; the whole load where it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<u32>,
    /// Handling units handed over.
    pub pieces: Option<i64>,
    pub condition: Option<Condition>,
    /// Who received the goods.
    pub signer: Option<Personal>,
    pub signed_at: Option<Moment>,
    /// What the receiver wrote beside the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Clean,
    /// Signed with an exception: damaged, opened, wet or refused in part.
    Exception,
}

impl Proof {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes over what `newer` says and leaves the rest.
    pub fn complete(&mut self, newer: &Self) {
        fn take<T: Clone>(field: &mut Option<T>, newer: &Option<T>) {
            if newer.is_some() {
                field.clone_from(newer);
            }
        }
        take(&mut self.stop, &newer.stop);
        take(&mut self.pieces, &newer.pieces);
        take(&mut self.condition, &newer.condition);
        take(&mut self.signer, &newer.signer);
        take(&mut self.signed_at, &newer.signed_at);
        take(&mut self.note, &newer.note);
    }

    /// Whether `other` says a thing that this one says otherwise.
    pub fn differs(&self, other: &Self) -> bool {
        fn clash<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
            matches!((one, other), (Some(one), Some(other)) if one != other)
        }
        clash(&self.stop, &other.stop)
            || clash(&self.pieces, &other.pieces)
            || clash(&self.condition, &other.condition)
            || clash(&self.signer, &other.signer)
            || clash(
                &self.signed_at.as_ref().map(|it| it.at),
                &other.signed_at.as_ref().map(|it| it.at),
            )
            || clash(&self.note, &other.note)
    }

    pub fn personal_mut(&mut self) -> impl Iterator<Item = &mut Personal> {
        self.signer.iter_mut().chain(self.note.iter_mut())
    }
}

/// Why a document is not believed to be of its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contradiction {
    /// It bears the reference of something else.
    OtherReference,
    /// It names a carrier that does not haul the load.
    OtherCarrier,
    /// The same file is a document of another load.
    OtherLoad,
    /// It was signed before the vehicle arrived.
    SignedBeforeArrival,
}

/// What a delivered load's invoice needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    Delivered,
    ProofOfDelivery,
    ProofSigner,
    ProofPieces,
    ProofTime,
    AgreedRate,
    /// A document in question is taken or set aside by a person.
    DocumentSettled,
    /// A shortage, overage or damage is settled by a person.
    DiscrepancySettled,
    /// The carrier's invoice is the agreed rate, or a person has settled the difference.
    InvoiceMatched,
}

impl Requirement {
    /// What is missing, for a person.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Delivered => "nobody has said that it was delivered",
            Self::ProofOfDelivery => "the proof of delivery",
            Self::ProofSigner => "the signer's name on the proof of delivery",
            Self::ProofPieces => "the pieces on the proof of delivery",
            Self::ProofTime => "the time of the signature on the proof of delivery",
            Self::AgreedRate => "a rate agreed with the carrier",
            Self::DocumentSettled => "a decision about a document that contradicts the load",
            Self::DiscrepancySettled => "a decision about a shortage, overage or damage",
            Self::InvoiceMatched => "a decision about the carrier's invoice, which is not the agreed rate",
        }
    }
}

/// Bytes on their way to the vault. They do not print and cannot be recorded.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawBytes(pub Vec<u8>);

impl std::fmt::Debug for RawBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
