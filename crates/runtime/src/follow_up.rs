//! Renders what follows a delivery: a request to the carrier by its channel, and readiness to a transport management system.

use crate::ports::{Payload, PendingEffect};
use jiff::Timestamp;
use signalbox_engine::directory::Directory;
use signalbox_engine::state::LoadState;
use signalbox_formats::json::{DocumentRequested, ReadinessTold, document_request_body, readiness_body};
use signalbox_model::directory::{Channel, PartnerRole};
use signalbox_model::document::Document;
use signalbox_model::effect::Order;

const SOURCE: &str = "/signalbox";

/// `Err` says why it never can be delivered.
pub(crate) fn render(
    pending: &PendingEffect,
    directory: &Directory,
    state: &LoadState,
    now: Timestamp,
) -> Result<Payload, String> {
    match &pending.effect.order {
        Order::RequestDocument { .. } => request(pending, directory, state, now),
        Order::TellSystem { .. } => readiness(pending, directory, state, now),
        other => Err(format!("{} is rendered elsewhere", other.name())),
    }
}

fn request(
    pending: &PendingEffect,
    directory: &Directory,
    state: &LoadState,
    now: Timestamp,
) -> Result<Payload, String> {
    let Order::RequestDocument {
        carrier,
        kind,
        number,
        missing,
        ..
    } = &pending.effect.order
    else {
        return Err("no request".to_owned());
    };
    let load = state.load.as_ref().ok_or("the load is not there")?;
    let partner = directory
        .partners
        .get(carrier)
        .ok_or("the carrier is not under Partners any more")?;
    let PartnerRole::Carrier { scac, channel, .. } = &partner.role else {
        return Err(format!("{} is not a carrier any more", partner.name));
    };
    let upload_url = format!("/api/v1/loads/{}/documents", load.id);
    let body = document_request_body(&DocumentRequested {
        id: pending.effect.id.as_str(),
        source: SOURCE,
        now: ordered_at(pending, state).unwrap_or(now),
        load,
        carrier: scac,
        kind: *kind,
        number: *number,
        missing,
        upload_url: &upload_url,
    });
    let body = body.to_string().into_bytes();
    Ok(match channel {
        Channel::Webhook { url, secret } => Payload::Webhook {
            url: url.clone(),
            secret: secret.clone(),
            body,
        },
        // X12 has no set that asks for a document: a file for the people who look after the folder.
        Channel::X12Folder { folder, .. } => Payload::File {
            folder: folder.clone(),
            name: format!("request-{}.json", pending.effect.id),
            body,
        },
    })
}

fn readiness(
    pending: &PendingEffect,
    directory: &Directory,
    state: &LoadState,
    now: Timestamp,
) -> Result<Payload, String> {
    let Order::TellSystem {
        customer,
        ready,
        missing,
        ..
    } = &pending.effect.order
    else {
        return Err("no readiness".to_owned());
    };
    let load = state.load.as_ref().ok_or("the load is not there")?;
    let endpoint = match customer {
        None => directory.settings.tms.as_ref(),
        Some(customer) => match directory.partners.get(customer).map(|it| &it.role) {
            Some(PartnerRole::Customer { tms, .. }) => tms.as_ref(),
            Some(PartnerRole::Carrier { .. }) | None => None,
        },
    };
    let endpoint = endpoint.ok_or("its address was taken out of the settings")?;
    let covered = state.covered.as_ref();
    let carrier = covered
        .and_then(|it| directory.partners.get(&it.carrier))
        .and_then(|it| it.scac());
    let held = state.documents.held.iter().filter(|it| it.is_proof() && it.counts());
    let proofs: Vec<&Document> = held.map(|it| &it.document).collect();
    let body = readiness_body(&ReadinessTold {
        id: pending.effect.id.as_str(),
        source: SOURCE,
        at: ordered_at(pending, state).unwrap_or(now),
        load,
        ready: *ready,
        missing,
        carrier,
        rate: covered.map(|it| &it.rate),
        proofs: &proofs,
    });
    Ok(Payload::Webhook {
        url: endpoint.url.clone(),
        secret: endpoint.secret.clone(),
        body: body.to_string().into_bytes(),
    })
}

/// A second attempt says the same as the first.
fn ordered_at(pending: &PendingEffect, state: &LoadState) -> Option<Timestamp> {
    state.effects.get(&pending.effect.id).map(|it| it.ordered_at)
}
