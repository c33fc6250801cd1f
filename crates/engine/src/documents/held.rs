//! What a load holds of documents, invoices and readiness: a fold of its events.

use super::DOCUMENTS_PER_LOAD_MAX;
use signalbox_model::document::{Contradiction, Document, DocumentKind, Proof, Requirement};
use signalbox_model::event::Event;
use signalbox_model::id::DocumentId;
use signalbox_model::rejection::Rejection;
use signalbox_model::value::Money;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// In the order in which they came.
    pub held: Vec<Held>,
    /// Of carriers; the newest of each number.
    pub invoices: Vec<Invoice>,
    /// None until the load is delivered or a proof of it has come.
    pub readiness: Option<Readiness>,
    /// How often the carrier was asked for a document.
    pub requests: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub document: Document,
    pub standing: Standing,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    Taken,
    /// It counts for nothing until a person has decided.
    InQuestion(Vec<Contradiction>),
    /// A person has taken it although it contradicts the load.
    Accepted,
    SetAside {
        reason: String,
    },
    Refused {
        rejection: Rejection,
        detail: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Invoice {
    /// SCAC of the carrier, as it says.
    pub carrier: String,
    pub number: String,
    pub total: Money,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readiness {
    pub ready: bool,
    pub missing: Vec<Requirement>,
}

impl Held {
    /// Whether it counts as one of this load.
    pub fn counts(&self) -> bool {
        matches!(self.standing, Standing::Taken | Standing::Accepted)
    }

    /// Whether it is, or may yet be, one of this load.
    pub fn is_kept(&self) -> bool {
        !matches!(self.standing, Standing::Refused { .. })
    }

    pub fn is_proof(&self) -> bool {
        self.document.kind == DocumentKind::ProofOfDelivery
    }
}

impl Documents {
    /// Folds one event in.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::DocumentReceived { document } => self.hold(document, Standing::Taken),
            Event::DocumentRefused {
                document,
                rejection,
                detail,
            } => {
                let (rejection, detail) = (*rejection, detail.clone());
                self.hold(document, Standing::Refused { rejection, detail });
            }
            Event::DocumentQuestioned {
                document,
                contradictions,
            } => self.set(document, Standing::InQuestion(contradictions.clone())),
            Event::DocumentAccepted { document, .. } => self.set(document, Standing::Accepted),
            Event::DocumentSetAside { document, reason, .. } => {
                let reason = reason.clone();
                self.set(document, Standing::SetAside { reason });
            }
            Event::DocumentCompleted { document, proof, .. } => {
                if let Some(it) = self.held_mut(document) {
                    it.document.proof.get_or_insert_default().complete(proof);
                }
            }
            Event::DocumentRequested { number, .. } => self.requests = self.requests.max(*number),
            Event::InvoiceReceived { carrier, number, total } => {
                let invoice = Invoice {
                    carrier: carrier.clone(),
                    number: number.clone(),
                    total: total.clone(),
                };
                self.invoices
                    .retain(|it| it.number != invoice.number || it.carrier != invoice.carrier);
                self.invoices.push(invoice);
            }
            Event::InvoiceReadinessChanged { ready, missing, .. } => {
                let (ready, missing) = (*ready, missing.clone());
                self.readiness = Some(Readiness { ready, missing });
            }
            // The caller hands over no other.
            _ => {}
        }
    }

    fn hold(&mut self, document: &Document, standing: Standing) {
        let document = document.clone();
        if self.held.len() < DOCUMENTS_PER_LOAD_MAX {
            self.held.push(Held { document, standing });
        }
    }

    fn set(&mut self, document: &DocumentId, standing: Standing) {
        if let Some(it) = self.held_mut(document) {
            it.standing = standing;
        }
    }

    fn held_mut(&mut self, id: &DocumentId) -> Option<&mut Held> {
        self.held.iter_mut().find(|it| it.document.id == *id)
    }

    /// The newest proof of a delivery that counts: of that stop, or of the whole load.
    pub fn proof_of(&self, stop: u32) -> Option<&Held> {
        let of_stop = |it: &&Held| {
            let named = it.document.proof.as_ref().and_then(|it| it.stop);
            it.is_proof() && it.counts() && named.is_none_or(|it| it == stop)
        };
        self.held.iter().rev().find(of_stop)
    }

    pub fn has_proof(&self) -> bool {
        self.held.iter().any(|it| it.is_proof() && it.is_kept())
    }
}

/// What a proof says, where it says anything.
pub(super) fn said(held: &Held) -> Proof {
    held.document.proof.clone().unwrap_or_default()
}
