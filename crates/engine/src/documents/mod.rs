//! Documents of a load: taken in once, judged against what is known of the load, and kept whatever comes of them.
//!
//! Invariants: the same file on the same load does nothing twice; a document that contradicts its load counts for nothing
//! until a person has decided; which documents count depends on what is known, never on the order in which it came.

mod admit;
mod discrepancy;
mod held;
mod review;

pub use held::{Documents, Held, Invoice, Readiness, Standing};

pub use admit::file_link;

pub(crate) use admit::admit;
pub(crate) use review::{review, settle_by_person};

use signalbox_model::attempt::DocumentAttempt;
use signalbox_model::id::{LoadId, MessageId, PartnerId};

/// Documents one load may have, refused ones included.
pub const DOCUMENTS_PER_LOAD_MAX: usize = 100;

/// A document on its way in.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    pub attempt: DocumentAttempt,
    /// The partner whose own key brings it: it may speak for that partner's loads alone.
    pub from: Option<PartnerId>,
    pub message: Option<MessageId>,
    /// Another load that has the same file.
    pub elsewhere: Option<LoadId>,
}
