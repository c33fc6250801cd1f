//! Carriers as a bench has them: they take every offer at once and say which it was.

use anyhow::Context as _;
use signalbox_engine::command::Command;
use signalbox_engine::playbook;
use signalbox_model::directory::{Channel, Partner, PartnerRole};
use signalbox_model::id::PartnerId;
use signalbox_runtime::ports::{Courier, CourierError, Delivery, Payload};
use std::collections::HashMap;
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

pub const CUSTOMER: &str = "BENCHSHIP";
pub const SCAC: &str = "BNCH";
const URL: &str = "https://carrier.invalid/offers";

/// Hands the offer of each load to whoever waits for that load's reference.
#[derive(Default)]
pub struct Sink(Mutex<HashMap<String, SyncSender<String>>>);

impl Sink {
    /// The next offer for the load of this reference goes to `to`.
    pub fn expect(&self, reference: &str, to: SyncSender<String>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(reference.to_owned(), to);
    }
}

impl Courier for Sink {
    fn deliver(&self, delivery: &Delivery) -> Result<String, CourierError> {
        let Some((reference, offer)) = offer_in(&delivery.payload) else {
            return Ok("taken".to_owned());
        };
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&reference);
        if let Some(waiting) = waiting {
            // A client that has ended needs no offer any more.
            let _ = waiting.try_send(offer);
        }
        Ok("taken".to_owned())
    }
}

/// Reference and offer id of an offer made.
pub fn offer_in(payload: &Payload) -> Option<(String, String)> {
    let Payload::Webhook { body, .. } = payload else {
        return None;
    };
    offer_made(&serde_json::from_slice(body).ok()?)
}

/// The same of a webhook's event.
pub fn offer_made(event: &serde_json::Value) -> Option<(String, String)> {
    if event.get("type")?.as_str()? != "dispatch.offer.made" {
        return None;
    }
    let field = |name: &str| event.pointer(&format!("/data/{name}"))?.as_str().map(str::to_owned);
    Some((field("reference")?, field("offer")?))
}

pub fn partners() -> Vec<Partner> {
    let channel = Channel::Webhook {
        url: URL.to_owned(),
        secret: "bench".to_owned(),
    };
    vec![
        Partner {
            id: PartnerId::from("par_benchship"),
            name: "Bench Shipper".to_owned(),
            role: PartnerRole::Customer {
                zone: "UTC".to_owned(),
                tms: None,
            },
            aliases: vec![CUSTOMER.to_owned()],
            notify_email: None,
        },
        Partner {
            id: PartnerId::from("par_bnch"),
            name: "Bench Carrier".to_owned(),
            role: PartnerRole::Carrier {
                scac: SCAC.to_owned(),
                channel,
                respond_within_min: Some(60),
                contract_rate: None,
                active: true,
            },
            aliases: Vec::new(),
            notify_email: None,
        },
    ]
}

/// A routing guide with one lane and one carrier.
pub fn routing_guide() -> String {
    let column = |id: &str| serde_json::json!({"id": id, "name": id, "field": id});
    serde_json::json!({"nodes": [
        {"id": "input", "type": "inputNode", "name": "Load"},
        {"id": "guide", "type": "decisionTableNode", "name": "Routing guide", "content": {
            "hitPolicy": "collect", "inputs": [column("lane")], // The rate is what the order brings.
            "outputs": [column("carrier"), column("rank"), column("rate_minor")],
            "rules": [{"_id": "1", "lane": "'ME>WI'", "carrier": format!("'{SCAC}'"), "rank": "1", "rate_minor": "rate_minor"}]}},
        {"id": "output", "type": "outputNode", "name": "Candidates"}], "edges": []})
    .to_string()
}

/// The shipped tender in three durable steps: the ranking, the tender's start and the offer are each in the log before
/// the next begins. The shipped one takes all three in one turn.
pub fn playbook() -> anyhow::Result<Command> {
    let shipped = playbook::shipped().into_iter().next();
    let mut files = shipped.context("no playbook is shipped")?;
    let workflow = files.get_mut("workflow.yaml").context("the playbook has no workflow")?;
    for (name, before) in [("ranked", "  - open:\n"), ("opened", "  - ask:\n")] {
        let step = format!(
            "  - {name}:\n      call: checkpoint:1.0.0@signalbox\n      with: {{}}\n      output:\n        as: '${{ $input }}'\n"
        );
        anyhow::ensure!(
            workflow.matches(before).count() == 1,
            "the workflow has no single {before:?}"
        );
        *workflow = workflow.replace(before, &format!("{step}{before}"));
    }
    let read = playbook::read(&files).map_err(|issues| anyhow::anyhow!("{issues:?}"))?;
    let (name, version) = (read.manifest.name.clone(), read.manifest.version.clone());
    Ok(Command::InstallPlaybook { name, version, files })
}

/// What a load of this reference pays, in cents: one of the rates of two hundred lanes.
pub fn rate_minor(reference: &str) -> i64 {
    let mixed = reference
        .bytes()
        .fold(0_u64, |sum, it| sum.wrapping_mul(31).wrapping_add(u64::from(it)));
    100_000 + 500 * (mixed % 200) as i64
}

/// An order for that lane.
pub fn order(reference: &str) -> String {
    let rate = rate_minor(reference);
    format!(
        r#"{{"customer":"{CUSTOMER}","reference":"{reference}","rate":{{"minor":{rate},"currency":"USD"}},"stops":[
        {{"kind":"pickup","name":"Mill","city":"Bangor","region":"ME","postal_code":"04401","country":"US","window":{{"earliest":"2030-01-07T08:00:00Z"}}}},
        {{"kind":"delivery","name":"Print","city":"Milwaukee","region":"WI","postal_code":"53202","country":"US","window":{{"latest":"2030-01-09T15:00:00Z"}}}}],
        "goods":[{{"description":"Paper","pieces":22}}]}}"#
    )
}
