//! Bodies of webhooks to carriers: an offer made, an offer withdrawn. No personal data leaves this way: contacts
//! follow once a carrier has the load.

use super::cloud_event::{Attributes, wrap};
use super::order::{goods_body, moment_text, weight_body};
use jiff::Timestamp;
use serde_json::{Value, json};
use signalbox_model::load::{Load, Shipment, Stop};
use signalbox_model::tender::Offer;

#[derive(Clone, Copy, Debug)]
pub struct OfferMade<'a> {
    /// The event's id: the effect's, so that a second delivery is known as such.
    pub id: &'a str,
    /// Who sends it, as a URI reference: our base address.
    pub source: &'a str,
    pub now: Timestamp,
    pub load: &'a Load,
    pub shipment: Option<&'a Shipment>,
    pub offer: &'a Offer,
    /// Path under our base address that takes the answer.
    pub answer_url: &'a str,
}

#[derive(Clone, Copy, Debug)]
pub struct OfferWithdrawn<'a> {
    pub id: &'a str,
    pub source: &'a str,
    pub now: Timestamp,
    pub reference: &'a str,
    pub offer: &'a Offer,
    pub reason: &'a str,
}

/// `dispatch.offer.made`
pub fn offer_webhook_body(made: &OfferMade<'_>) -> Value {
    let OfferMade { load, offer, .. } = made;
    let data = json!({
        "offer": offer.id,
        "carrier": offer.scac,
        "reference": load.reference,
        "equipment": load.equipment,
        "rate": offer.rate,
        "respond_by": offer.respond_by.to_string(),
        "answer_url": made.answer_url,
        "stops": load.stops.iter().map(stop_data).collect::<Vec<_>>(),
        "goods": made.shipment.map(|it| it.goods.iter().map(goods_body).collect::<Vec<_>>()),
        "weight": made.shipment.and_then(|it| it.weight.as_ref()).map(weight_body),
        "pieces": made.shipment.and_then(|it| it.pieces),
    });
    let subject = offer.id.as_str();
    let attributes = Attributes {
        id: made.id,
        source: made.source,
        kind: "dispatch.offer.made",
        subject,
        time: made.now,
    };
    without_nulls(wrap(&attributes, data))
}

/// `dispatch.offer.withdrawn`
pub fn withdraw_webhook_body(withdrawn: &OfferWithdrawn<'_>) -> Value {
    let OfferWithdrawn { offer, .. } = withdrawn;
    let data = json!({
        "offer": offer.id,
        "carrier": offer.scac,
        "reference": withdrawn.reference,
        "reason": withdrawn.reason,
    });
    let (id, source, time) = (withdrawn.id, withdrawn.source, withdrawn.now);
    wrap(
        &Attributes {
            id,
            source,
            kind: "dispatch.offer.withdrawn",
            subject: offer.id.as_str(),
            time,
        },
        data,
    )
}

/// A stop in the shape the JSON order has it, without its people.
pub(super) fn stop_data(stop: &Stop) -> Value {
    let place = &stop.location;
    json!({
        "sequence": stop.sequence,
        "kind": stop.kind,
        "name": place.name,
        "code": place.code,
        "address": place.address,
        "city": place.city,
        "region": place.region,
        "postal_code": place.postal_code,
        "country": place.country,
        "zone": place.zone,
        "window": {
            "earliest": stop.window.earliest.as_ref().map(moment_text),
            "latest": stop.window.latest.as_ref().map(moment_text),
        },
    })
}

/// The same without fields that say nothing. Our own bodies nest a handful deep.
pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, it)| !it.is_null());
            kept.map(|(key, it)| (key, without_nulls(it))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
