//! Deliveries out: one courier per kind of payload.
//!
//! Invariant: a delivery made twice under one effect id leaves the receiver with one thing.

pub mod addresses;
pub mod egress;
pub mod folder;
pub mod webhook;

use signalbox_runtime::ports::{Courier, CourierError, Delivery, Payload};

/// Hands each delivery to the courier for its kind of payload.
pub struct Couriers {
    pub folder: folder::Folder,
    pub webhook: webhook::Webhook,
}

impl Courier for Couriers {
    fn deliver(&self, delivery: &Delivery) -> Result<String, CourierError> {
        match &delivery.payload {
            Payload::File { folder, name, body } => self.folder.deliver(delivery, folder, name, body),
            Payload::Webhook { url, secret, body } => self.webhook.deliver(delivery, url, secret, body),
        }
    }
}
