//! Deliveries out: one courier per kind of payload.
//!
//! Invariant: a delivery made twice under one effect id leaves the receiver with one thing; of a letter it may get two copies,
//! which then have one Message-ID.

pub mod addresses;
pub mod advisor;
pub mod egress;
pub mod folder;
pub mod mail;
pub mod webhook;

use signalbox_runtime::ports::{Advisor, Courier, CourierError, Delivery, Payload};

/// Hands each delivery to the courier for its kind of payload.
pub struct Couriers {
    pub folder: folder::Folder,
    pub webhook: webhook::Webhook,
    /// None where the installation has no mail server.
    pub mail: Option<mail::Mail>,
    /// None where the operator has no language model.
    pub advisor: Option<Box<dyn Advisor>>,
}

const NO_ADVISOR: &str = "this installation has no language model. Start it with --advisor-url and --advisor-model.";

/// Why a letter is not sent where nobody has said how.
const NO_MAIL_SERVER: &str = "this installation has no mail server. Start it with --smtp-host and --smtp-sender.";

impl Courier for Couriers {
    fn deliver(&self, delivery: &Delivery) -> Result<String, CourierError> {
        match &delivery.payload {
            Payload::File { folder, name, body } => self.folder.deliver(delivery, folder, name, body),
            Payload::Webhook { url, secret, body } => self.webhook.deliver(delivery, url, secret, body),
            Payload::Mail(letter) => match &self.mail {
                Some(mail) => mail.deliver(delivery, letter),
                None => Err(CourierError::Refused(NO_MAIL_SERVER.to_owned())),
            },
            Payload::Question(messages) => match &self.advisor {
                Some(advisor) => {
                    let answer = advisor.ask(messages)?;
                    Ok(serde_json::json!({"model": advisor.name(), "answer": answer}).to_string())
                }
                None => Err(CourierError::Refused(NO_ADVISOR.to_owned())),
            },
        }
    }
}
