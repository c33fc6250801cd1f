//! What every test stands on: a server with two tenants, their partners, and a token for every role.

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use signalbox_connectors::outbound::advisor::Endpoint;
use signalbox_connectors::outbound::mail;
use signalbox_model::id::{PartnerId, TenantId};
use signalbox_model::scope::Role;
use signalbox_server::bootstrap;
use signalbox_server::server::Server;
use signalbox_server::wiring::{Hand, Setup};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Nothing here takes nearly as long, even on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub const ACME: &str = "ten_acme";
pub const OTHER: &str = "ten_other";

pub struct Stage {
    pub server: Server,
    pub client: Client,
    pub folder: tempfile::TempDir,
    tokens: BTreeMap<(String, &'static str), String>,
}

impl Stage {
    pub async fn set() -> Self {
        Self::set_by(None, None, None).await
    }

    /// With a mail server, and a clock that stands.
    pub async fn with_mail(server: mail::Server) -> (Self, Hand) {
        Self::with_advisor(server, None).await
    }

    /// With a language model besides.
    pub async fn with_advisor(server: mail::Server, advisor: Option<Endpoint>) -> (Self, Hand) {
        let stage = Self::set_by(Some("2026-11-23T15:00:00Z".parse().unwrap()), Some(server), advisor).await;
        let hand = stage.server.installation.hand().unwrap();
        (stage, hand)
    }

    /// The same with a clock that stands, and its hand.
    pub async fn by_hand() -> (Self, Hand) {
        let stage = Self::set_by(Some("2026-11-23T15:00:00Z".parse().unwrap()), None, None).await;
        let hand = stage.server.installation.hand().unwrap();
        (stage, hand)
    }

    async fn set_by(by_hand: Option<Timestamp>, mail_server: Option<mail::Server>, advisor: Option<Endpoint>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            by_hand,
            mail_server,
            advisor,
            ..Setup::new(folder.path())
        };
        let server = Server::start(setup, "127.0.0.1:0").await.unwrap();
        let mut stage = Self {
            server,
            client: Client::new(),
            folder,
            tokens: BTreeMap::new(),
        };
        for tenant in [ACME, OTHER] {
            let installation = Arc::clone(&stage.server.installation);
            let made = tokio::task::spawn_blocking(move || {
                bootstrap::tenant(&installation.pump, &TenantId::from(tenant), tenant, "America/Chicago").unwrap();
            });
            made.await.unwrap();
            for role in Role::ALL {
                let partner = match role {
                    Role::Carrier => Some("par_lnhl"),
                    Role::Customer => Some("par_brackenridge"),
                    _ => None,
                };
                let token = stage.issue(tenant, role, partner, SignedDuration::from_hours(24)).await;
                stage.tokens.insert((tenant.to_owned(), role.as_str()), token);
            }
        }
        stage.people(ACME).await;
        stage
    }

    pub async fn issue(
        &self,
        tenant: &'static str,
        role: Role,
        partner: Option<&str>,
        good_for: SignedDuration,
    ) -> String {
        let installation = Arc::clone(&self.server.installation);
        let partner = partner.map(PartnerId::from);
        let issued = tokio::task::spawn_blocking(move || {
            bootstrap::key(
                &installation,
                &TenantId::from(tenant),
                role.as_str(),
                &[role],
                partner.as_ref(),
                good_for,
            )
            .unwrap()
        });
        issued.await.unwrap()
    }

    /// A customer, two carriers and a routing guide that asks them in turn.
    async fn people(&self, tenant: &str) {
        let customer = json!({"name": "Brackenridge Paper", "role": "customer", "zone": "America/New_York", "aliases": ["BRACKENRIDGE"]});
        self.put_ok(tenant, "/api/v1/partners/par_brackenridge", &customer)
            .await;
        for (id, scac) in [("par_lnhl", "LNHL"), ("par_hvyt", "HVYT")] {
            let channel =
                json!({"channel": "x12_folder", "folder": id, "interchange_id": scac, "interchange_qualifier": "02"});
            let carrier = json!({"name": scac, "role": "carrier", "scac": scac, "channel": channel,
                "respond_within_min": 60, "contract_rate": null, "active": true});
            self.put_ok(tenant, &format!("/api/v1/partners/{id}"), &carrier).await;
        }
        self.put_ok(tenant, "/api/v1/tables/routing-guide", &guide(187_500))
            .await;
    }

    pub fn token(&self, tenant: &str, role: &'static str) -> &str {
        &self.tokens[&(tenant.to_owned(), role)]
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.base())
    }

    pub fn ask(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(token)
    }

    pub async fn get(&self, role: &'static str, path: &str) -> Response {
        self.ask(Method::GET, path, self.token(ACME, role))
            .send()
            .await
            .unwrap()
    }

    pub async fn get_json(&self, role: &'static str, path: &str) -> Value {
        let response = self.get(role, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub async fn post(&self, role: &'static str, path: &str, body: &Value) -> Response {
        self.ask(Method::POST, path, self.token(ACME, role))
            .json(body)
            .send()
            .await
            .unwrap()
    }

    pub async fn put_ok(&self, tenant: &str, path: &str, body: &Value) {
        let response = self
            .ask(Method::PUT, path, self.token(tenant, "admin"))
            .json(body)
            .send()
            .await
            .unwrap();
        let status = response.status();
        assert_eq!(status, StatusCode::OK, "{path}: {}", response.text().await.unwrap());
    }

    pub async fn send(&self, source: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = self.ask(Method::POST, &format!("/in/{source}"), self.token(ACME, "integrator"));
        request.body(body).send().await.unwrap()
    }

    /// Rows of a view once `found` says that they are there.
    pub async fn rows_when(&self, view: &str, found: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let path = format!("/api/v1/{view}");
        eventually(view, || async {
            let page = self.get_json("dispatcher", &path).await;
            let rows: Vec<Value> = page["rows"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["row"].clone())
                .collect();
            found(&rows).then_some(rows)
        })
        .await
    }

    /// An order over the API. Answers the load's id, once its page can be read.
    pub async fn order(&self, reference: &str) -> String {
        let response = self.post("dispatcher", "/api/v1/orders", &order(reference)).await;
        let (status, body) = told(response).await;
        assert_eq!(status, 201, "{body}");
        let load = body["loads"][0].as_str().unwrap().to_owned();
        let seen = self
            .get("dispatcher", &format!("/api/v1/loads/{load}?wait_for={}", body["seq"]))
            .await;
        assert_eq!(seen.status(), StatusCode::OK);
        load
    }

    /// The load's open offer, once there is one.
    pub async fn open_offer(&self, load: &str) -> Value {
        let path = format!("/api/v1/loads/{load}");
        eventually("an open offer", || async {
            let response = self.get("dispatcher", &path).await;
            let load: Value = response.json().await.unwrap();
            let offers = load["tender"]["offers"].as_array()?;
            offers.iter().find(|it| it["state"] == "open").cloned()
        })
        .await
    }

    pub async fn end(self) {
        self.server.stop().await;
    }
}

/// Status and body of an answer.
pub async fn told(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

/// A problem's status and code; it must be one.
pub async fn problem(response: Response) -> (u16, String) {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let (status, body) = told(response).await;
    assert_eq!(body["status"], status);
    assert!(body["title"].as_str().is_some_and(|it| !it.is_empty()));
    (status, body["code"].as_str().unwrap().to_owned())
}

/// Asks again and again until the answer is there, within a bound.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "{what} never came");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The lane of the orders below, for both carriers in turn.
pub fn guide(rate: i64) -> Value {
    let column = |id: &str| json!({"id": id, "name": id, "field": id});
    let rule = |rank: i64, carrier: &str| json!({"_id": rank.to_string(), "lane": "'ME>WI'", "carrier": format!("'{carrier}'"), "rank": rank.to_string(), "rate_minor": (rate + rank).to_string()});
    json!({"nodes": [
        {"id": "in", "type": "inputNode", "name": "in"},
        {"id": "t", "type": "decisionTableNode", "name": "t", "content": {
            "hitPolicy": "collect", "inputs": [column("lane")],
            "outputs": [column("carrier"), column("rank"), column("rate_minor")],
            "rules": [rule(1, "LNHL"), rule(2, "HVYT")]}},
        {"id": "out", "type": "outputNode", "name": "out"}], "edges": []})
}

pub fn order(reference: &str) -> Value {
    let stop = |kind: &str, city: &str, region: &str, window: Value| {
        json!({"kind": kind, "name": format!("{city} dock"), "city": city, "region": region, "postal_code": "04401", "country": "US",
            "window": window, "contact": {"name": "Pat Example", "phone": "+1 207 555 0101"}})
    };
    json!({"customer": "BRACKENRIDGE", "reference": reference, "goods": [{"description": "Rolled paper", "pieces": 24}],
    "stops": [
        stop("pickup", "Bangor", "ME", json!({"earliest": "2099-11-25T08:00:00-05:00"})),
        stop("delivery", "Milwaukee", "WI", json!({"latest": "2099-11-27T15:00:00-06:00"})),
    ]})
}

/// The sample tender, moved to a year that does not come so soon, without the customer's deadline.
pub fn tender_204() -> String {
    let sample = include_str!("../../../../samples/204.edi");
    let lines: Vec<String> = sample
        .lines()
        .filter(|it| !it.starts_with("G62*64"))
        .map(|it| it.replace("20261", "20991").replace("SE*34*", "SE*33*"))
        .collect();
    lines.join("\n") + "\n"
}
