//! What a carrier's system is sent by webhook.

use expect_test::expect;
use jiff::Timestamp;
use serde_json::Value;
use signalbox_formats::json::{OfferMade, OfferWithdrawn, offer_webhook_body, withdraw_webhook_body};
use signalbox_model::attempt::Attempt;
use signalbox_model::load::Load;
use signalbox_model::tender::{Offer, OfferState, RespondByBasis};
use signalbox_model::value::Money;

use std::collections::BTreeMap;

#[test]
fn an_offer_made() {
    let Some(Attempt::Order(order)) = crate::support::read_sample("order.json").decodings.remove(0).attempt else {
        panic!()
    };
    let load = Load {
        id: "load_1".into(),
        order: "ord_1".into(),
        shipment: "shp_1".into(),
        reference: order.reference,
        stops: order.stops,
        equipment: order.equipment,
        rate: order.rate,
        respond_by: None,
        priority: order.priority,
    };
    let now = Timestamp::from_second(1_763_856_000).unwrap();
    let offer = offer(now);
    let (source, answer_url) = ("https://dispatch.example", "/in/json");
    let made = OfferMade {
        id: "eff_1",
        source,
        now,
        load: &load,
        shipment: None,
        offer: &offer,
        answer_url,
    };
    let body = offer_webhook_body(&made);
    expect![[r#"
        {
          "data": {
            "answer_url": "/in/json",
            "carrier": "LNHL",
            "equipment": {
              "kind": "reefer"
            },
            "offer": "off_1",
            "rate": {
              "currency": "USD",
              "minor": 230000
            },
            "reference": "BRK-50010",
            "respond_by": "2025-11-23T00:00:00Z",
            "stops": [
              {
                "address": [
                  "5 Creamery Ln"
                ],
                "city": "Salina",
                "country": "US",
                "kind": "pickup",
                "name": "Coldwater Dairy",
                "postal_code": "67401",
                "region": "KS",
                "sequence": 1,
                "window": {
                  "earliest": "2026-11-25T08:00:00-06:00[America/Chicago]",
                  "latest": "2026-11-25T12:00:00-06:00[America/Chicago]"
                },
                "zone": "America/Chicago"
              },
              {
                "address": [],
                "city": "El Paso",
                "country": "US",
                "kind": "delivery",
                "name": "Pacific Grocers",
                "postal_code": "",
                "region": "TX",
                "sequence": 2,
                "window": {
                  "earliest": "2026-11-27T07:00:00-07:00[America/Denver]",
                  "latest": "2026-11-27T15:00:00-07:00[America/Denver]"
                },
                "zone": "America/Denver"
              }
            ]
          },
          "datacontenttype": "application/json",
          "id": "eff_1",
          "source": "https://dispatch.example",
          "specversion": "1.0",
          "subject": "off_1",
          "time": "2025-11-23T00:00:00Z",
          "type": "dispatch.offer.made"
        }"#]]
    .assert_eq(&pretty(&body));
    assert!(
        !body.to_string().contains("Lee"),
        "people stay at home until a carrier has the load"
    );
}

#[test]
fn an_offer_withdrawn() {
    let now = Timestamp::from_second(1_763_856_000).unwrap();
    let (source, offer) = ("https://dispatch.example", offer(now));
    let withdrawn = OfferWithdrawn {
        id: "eff_2",
        source,
        now,
        reference: "BRK-50010",
        offer: &offer,
        reason: "expired",
    };
    expect![[r#"
        {
          "data": {
            "carrier": "LNHL",
            "offer": "off_1",
            "reason": "expired",
            "reference": "BRK-50010"
          },
          "datacontenttype": "application/json",
          "id": "eff_2",
          "source": "https://dispatch.example",
          "specversion": "1.0",
          "subject": "off_1",
          "time": "2025-11-23T00:00:00Z",
          "type": "dispatch.offer.withdrawn"
        }"#]]
    .assert_eq(&pretty(&withdraw_webhook_body(&withdrawn)));
}

/// An offer as the engine makes it.
fn offer(now: Timestamp) -> Offer {
    Offer {
        id: "off_1".into(),
        tender: "tdr_1".into(),
        carrier: "par_1".into(),
        scac: "LNHL".to_owned(),
        rank: 1,
        rate: Money::usd(230_000),
        respond_by: now,
        respond_by_basis: RespondByBasis::Contract,
        state: OfferState::Open,
    }
}

/// With the names of each object in order, whichever map this build of `serde_json` keeps them in.
fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&sorted(value)).unwrap()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> = fields.iter().map(|(name, it)| (name, sorted(it))).collect();
            fields.into_iter().map(|(name, it)| (name.clone(), it)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
