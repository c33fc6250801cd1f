//! A dispatcher's desk before the demo opens: somebody approves, settles and leaves some for later, over the API, as a
//! person with the console would. Once the demo is open nobody sits there but whoever signs in.

use super::people::Tenant;
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};
use signalbox_model::scope::Role;
use signalbox_world::Chance;
use tracing::warn;

const LOOKS_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// How long an item lies before the dispatcher takes it.
const APPROVES_AFTER: SignedDuration = SignedDuration::from_mins(12);
const SETTLES_AFTER: SignedDuration = SignedDuration::from_mins(35);
/// One item in so many is left for whoever comes.
const LEAVES_ONE_IN: u64 = 9;

pub struct Desk {
    client: Client,
    base: String,
    token: String,
    looked: Option<Timestamp>,
}

impl Desk {
    pub fn new(client: Client, base: String, tenant: &Tenant) -> Self {
        Self {
            client,
            base,
            token: tenant.token(Role::Dispatcher).to_owned(),
            looked: None,
        }
    }

    pub async fn look(&mut self, now: Timestamp) {
        if self.looked.is_some_and(|it| now.duration_since(it) < LOOKS_EVERY) {
            return;
        }
        self.looked = Some(now);
        let asked = self.client.get(format!("{}/api/v1/inbox?limit=200", self.base));
        let answer = asked.bearer_auth(&self.token).send().await;
        let page: Value = match answer {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(error) => return warn!("the dispatcher cannot read the inbox: {error}"),
        };
        for keyed in page["rows"].as_array().into_iter().flatten() {
            self.take(&keyed["row"], now).await;
        }
    }

    async fn take(&self, item: &Value, now: Timestamp) {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        let Ok(since) = text("requested_at").parse::<Timestamp>() else {
            return;
        };
        let age = now.duration_since(since);
        let mut chance = Chance::of(0, text("reference"));
        if chance.once_in(LEAVES_ONE_IN) {
            return;
        }
        let (path, body) = match text("kind") {
            "approval" if age >= APPROVES_AFTER => (
                format!("approvals/{}/decision", text("id")),
                json!({"decision": "approve", "in_hand_ms": 9_000}),
            ),
            "exception" if age >= SETTLES_AFTER => {
                let allowed = item["allowed_actions"].as_array();
                let has_terms = allowed.is_some_and(|it| it.iter().any(|it| it == "accept_terms"));
                let body = json!({
                    "resolution": "Settled with the carrier by phone.", "in_hand_ms": 40_000,
                    "choice": if has_terms { "accept_terms" } else { "done" },
                });
                (format!("exceptions/{}/resolution", text("id")), body)
            }
            _ => return, // Too new, or of a kind that is another's.
        };
        let asked = self.client.post(format!("{}/api/v1/{path}", self.base)).json(&body);
        match asked.bearer_auth(&self.token).send().await {
            // Somebody or something was faster, or it is not a dispatcher's: fine.
            Ok(answer) if answer.status().is_success() || answer.status().is_client_error() => {}
            Ok(answer) => warn!("{path}: {}", answer.status()),
            Err(error) => warn!("{path}: {error}"),
        }
    }
}
