//! The server as a boundary of scenarios: furnished, spoken to and looked at over HTTP alone. Past HTTP go only what an
//! operator does on the machine (the first key, secrets, a carrier's folder) and the hand that moves the clock.

use crate::ground::Ground;
use crate::mailboxes::Mailboxes;
use crate::outside::{self, Systems};
use crate::timeline::{self, Happened};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use signalbox_engine::command::{Command, ResolutionChoice};
use signalbox_model::directory::{Channel, Partner, PartnerRole};
use signalbox_model::event::Event;
use signalbox_model::personal::Personal;
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, Role};
use signalbox_runtime::audit::note::VerifierKey;
use signalbox_runtime::audit::verify::verify;
use signalbox_server::bootstrap;
use signalbox_server::server::Server;
use signalbox_server::wiring::{Hand, Held, Setup};
use signalbox_sim::messages::Told;
use signalbox_sim::scenario::papers::form;
use signalbox_sim::scenario::{BEGIN, Boundary, Letter, Outcome, Sent};
use signalbox_sim::setup::{EMAIL_SOURCE, JSON_SOURCE, TELEMATICS_SOURCE, Trade, X12_SOURCE, partner_id};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Nothing here takes nearly as long, even on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub struct HttpBoundary {
    runtime: Arc<Runtime>,
    server: Option<Server>,
    hand: Hand,
    client: Client,
    base: String,
    folder: tempfile::TempDir,
    systems: Systems,
    mailboxes: Mailboxes,
    /// Tokens by the name of their key.
    tokens: BTreeMap<String, String>,
    happened: Vec<Happened>,
    told: Vec<Told>,
    /// The mail that came into quarantine last.
    quarantined: String,
}

type Answered = (u16, Value);

impl HttpBoundary {
    pub fn new(ground: &Ground, runtime: &Arc<Runtime>, mailboxes: Mailboxes) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|it| it.to_string())?;
        let begin: Timestamp = BEGIN.parse().map_err(|it| format!("{it}"))?;
        let mut systems = runtime.block_on(Systems::listen())?;
        let setup = Setup {
            by_hand: Some(begin),
            // One after the other, so that what carriers answer comes in an order that is known.
            couriers: 1,
            egress_allowed: vec![systems.origin.clone()],
            mail_server: Some(mailboxes.server()),
            ..ground.setup(folder.path())
        };
        let server = runtime.block_on(async {
            let server = Server::start(setup, "127.0.0.1:0")
                .await
                .map_err(|it| format!("{it:#}"))?;
            systems.open(server.installation.clock.clone())?;
            Ok::<Server, String>(server)
        })?;
        let hand = server.installation.hand().ok_or("the clock is not driven by hand")?;
        Ok(Self {
            runtime: Arc::clone(runtime),
            base: server.base(),
            server: Some(server),
            hand,
            client: Client::new(),
            folder,
            systems,
            mailboxes,
            tokens: BTreeMap::new(),
            happened: Vec::new(),
            told: Vec::new(),
            quarantined: String::new(),
        })
    }

    /// Whether the tenant's audit log, exported, verifies under the head and the key that the server showed before.
    pub fn audit_verifies(&self) -> Result<(), String> {
        let get = |path: &str| -> Result<(HeaderMap, String), String> {
            let request = self.request(Method::GET, path, ADMIN)?;
            let got = self.runtime.block_on(async {
                let response = request.send().await?;
                Ok::<_, reqwest::Error>((response.headers().clone(), response.text().await?))
            });
            got.map_err(|it| it.to_string())
        };
        let (headers, head) = get("/api/v1/audit/checkpoint")?;
        let key = headers.get("x-signalbox-verifier-key").cloned();
        let key = key
            .and_then(|it| it.to_str().map(str::to_owned).ok())
            .unwrap_or_default();
        let key = VerifierKey::parse(&key).map_err(|it| format!("the verifier key: {it}"))?;
        let (_, export) = get("/api/v1/audit/export")?;
        let report = verify(export.as_bytes(), &[key], &[&head]);
        if report.passed() && report.size > 0 {
            Ok(())
        } else {
            Err(format!("the audit log does not verify: {report:?}"))
        }
    }

    pub fn end(mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }

    fn request(&self, method: Method, path: &str, name: &str) -> Result<RequestBuilder, String> {
        let token = self.tokens.get(name).ok_or_else(|| format!("{name} has no key"))?;
        let request = self.client.request(method, format!("{}{path}", self.base));
        Ok(request.bearer_auth(token).timeout(PATIENCE))
    }

    /// Asks as the administrator, and answers the body of a success.
    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let request = self.request(method, path, ADMIN)?;
        let request = body.map_or(request.try_clone(), |it| Some(request.json(it)));
        let request = request.ok_or("the request cannot be made")?;
        let (status, body) = self.runtime.block_on(async { answered(request.send().await).await })?;
        if (200..300).contains(&status) {
            Ok(body)
        } else {
            Err(format!("{path} answered {status}: {body}"))
        }
    }

    /// Issues a key as an administrator would.
    fn issue(&mut self, name: &str, role: Role, partner: Option<&str>) -> Result<(), String> {
        if self.tokens.contains_key(name) {
            return Ok(());
        }
        let wish = json!({"name": name, "roles": [role.as_str()], "partner": partner});
        let key = self.ask(Method::POST, "/api/v1/keys", Some(&wish))?;
        let token = key["token"].as_str().ok_or("no token came")?;
        self.tokens.insert(name.to_owned(), token.to_owned());
        Ok(())
    }

    fn furnish(&mut self, command: Command) -> Result<(), String> {
        let (path, body) = match command {
            Command::ChangePartner { partner } => {
                let partner = self.reachable(partner)?;
                let mut partner = partner;
                // Over HTTP it is written in clear, and sealed behind the edge.
                let address = partner.notify_email.take().and_then(|it| clear(&it));
                let mut body = json!(partner);
                if let Some(address) = address {
                    body["notify_email"] = json!(address);
                }
                (format!("/api/v1/partners/{}", partner.id), body)
            }
            Command::ChangeSource { source } => (format!("/api/v1/sources/{}", source.name), json!(source)),
            Command::ChangeSite { site } => {
                let (latitude_deg, longitude_deg) = (site.coordinates.latitude_deg(), site.coordinates.longitude_deg());
                let body = json!({"name": site.name, "codes": site.codes, "city": site.city, "region": site.region,
                    "postal_code": site.postal_code, "latitude_deg": latitude_deg, "longitude_deg": longitude_deg,
                    "radius_m": site.radius_m, "zone": site.zone});
                (format!("/api/v1/sites/{}", site.id), body)
            }
            Command::ChangeSettings { settings } => ("/api/v1/settings".to_owned(), json!(settings)),
            Command::ChangeTable { table, content } => {
                let content = serde_json::from_str(&content).map_err(|it| it.to_string())?;
                (format!("/api/v1/tables/{table}"), content)
            }
            // The shipped ones came with the tenant.
            Command::InstallPlaybook { .. } => return Ok(()),
            other => return Err(format!("no path furnishes {other:?}")),
        };
        self.ask(Method::PUT, &path, Some(&body)).map(drop)
    }

    /// The partner with the address of its system, where it has one, and with a key of its own.
    fn reachable(&mut self, mut partner: Partner) -> Result<Partner, String> {
        let name = partner.name.clone();
        let address = match &mut partner.role {
            PartnerRole::Carrier {
                channel: Channel::Webhook { url, secret },
                ..
            } => Some((url, secret)),
            PartnerRole::Customer {
                tms: Some(endpoint), ..
            } => Some((&mut endpoint.url, &mut endpoint.secret)),
            PartnerRole::Carrier { .. } | PartnerRole::Customer { .. } => None,
        };
        if let Some((url, secret)) = address {
            *url = format!("{}/{name}", self.systems.origin);
            let folder = self.own("secrets");
            std::fs::create_dir_all(&folder).map_err(|it| it.to_string())?;
            std::fs::write(folder.join(secret), &self.systems.secret).map_err(|it| it.to_string())?;
        }
        Ok(partner)
    }

    /// A folder of the tenant in the data directory.
    fn own(&self, of: &str) -> PathBuf {
        self.folder.path().join(of).join(bootstrap::FIRST_TENANT)
    }

    /// From now on nothing reaches this carrier.
    fn cut_off(&self, scac: &str) -> Result<(), String> {
        self.systems.shut(scac);
        self.mailboxes.shut(scac);
        let outbound = self.own("outbound");
        std::fs::create_dir_all(&outbound).map_err(|it| it.to_string())?;
        std::fs::write(outbound.join(scac), "where the carrier's folder was").map_err(|it| it.to_string())
    }

    /// What somebody does, as the request it makes.
    fn made(&mut self, sent: &Sent) -> Result<RequestBuilder, String> {
        let (who, command) = match sent {
            Sent::Message { from, source, bytes } => return self.message(from, source, bytes),
            Sent::Command { who, command } => (who, command),
            Sent::Choice { who, load } => {
                self.known(who)?;
                let quarantine = self.ask(Method::GET, "/api/v1/quarantine?source=email", None)?;
                if let Some(message) = quarantine["rows"][0]["key"].as_str() {
                    self.quarantined = message.to_owned();
                }
                let path = format!("/api/v1/quarantine/{}/reprocess", self.quarantined);
                return Ok(self
                    .request(Method::POST, &path, &who.name)?
                    .json(&json!({"load": load})));
            }
            Sent::Document { who, load, attempt, .. } => {
                self.known(who)?;
                let (kind, body) = form(attempt);
                let path = format!("/api/v1/loads/{load}/documents");
                let request = self.request(Method::POST, &path, &who.name)?;
                return Ok(request.header("content-type", kind).body(body));
            }
        };
        self.known(who)?;
        let (path, body) = match command {
            Command::DecideApproval { approval, decision } => {
                let word = if decision.approve { "approve" } else { "reject" };
                let words = decision.wording.as_ref();
                let words = words.map(|it| json!({"subject": clear(&it.subject), "body": clear(&it.body)}));
                let edit = decision.rate_minor.map(|it| json!({"rate_minor": it})).or(words);
                let body = json!({"decision": word, "edit": edit, "reason": decision.reason});
                (format!("/api/v1/approvals/{approval}/decision"), body)
            }
            Command::ResolveException {
                exception, resolution, ..
            } => {
                let choice = match resolution.choice {
                    ResolutionChoice::Done => "done",
                    ResolutionChoice::AcceptTerms => "accept_terms",
                    ResolutionChoice::RefuseTerms => "refuse_terms",
                    ResolutionChoice::AcceptDocument => "accept_document",
                    ResolutionChoice::RefuseDocument => "refuse_document",
                };
                let body = json!({"resolution": resolution.note, "choice": choice});
                (format!("/api/v1/exceptions/{exception}/resolution"), body)
            }
            Command::AnswerOffer { answer } => {
                let offer = answer.offer.as_ref().ok_or("an answer over the API names its offer")?;
                let body = json!({"answer": answer.answer});
                (format!("/api/v1/offers/{offer}/answer"), body)
            }
            Command::CoverLoad {
                load, carrier, rate, ..
            } => {
                let body = json!({"carrier": carrier, "rate_minor": rate.minor, "currency": rate.currency});
                (format!("/api/v1/loads/{load}/cover"), body)
            }
            Command::SettleHeld { held, decision } => {
                let body = json!({"choice": decision.choice, "reason": decision.reason});
                (format!("/api/v1/held/{held}/decision"), body)
            }
            Command::SwitchAutomation {
                scope, mode, reason, ..
            } => {
                let body = json!({"mode": mode, "playbook": scope.playbook, "reason": reason});
                return Ok(self.request(Method::PUT, "/api/v1/automation", &who.name)?.json(&body));
            }
            Command::StateCapacity { capacity } => {
                let place = &capacity.place;
                let body = json!({"trucks": capacity.trucks, "equipment": capacity.equipment, "city": place.city,
                    "region": place.region, "until": capacity.until.at,
                    "rate_minor": capacity.rate.as_ref().map(|it| it.minor)});
                let path = format!("/api/v1/partners/{}/capacity", partner_id(&capacity.carrier));
                return Ok(self.request(Method::PUT, &path, &who.name)?.json(&body));
            }
            Command::AssignVehicle { load, vehicle, from } => {
                let body = json!({"vehicle": vehicle, "from": from});
                let path = format!("/api/v1/loads/{load}/vehicle");
                return Ok(self.request(Method::PUT, &path, &who.name)?.json(&body));
            }
            other => return Err(format!("nobody sends {other:?}")),
        };
        Ok(self.request(Method::POST, &path, &who.name)?.json(&body))
    }

    /// A partner's message: JSON orders go to the API, all else to `/in`.
    fn message(&self, from: &str, source: &str, bytes: &[u8]) -> Result<RequestBuilder, String> {
        let text = String::from_utf8_lossy(bytes);
        let is_order = !text.contains("\"document\"") && !text.contains("\"trucks\"");
        let request = if source == JSON_SOURCE && !is_order {
            self.request(Method::POST, &format!("/in/{JSON_SOURCE}"), from)?
        } else if source == JSON_SOURCE {
            let key = format!(
                "order-{}",
                hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
            );
            let request = self.request(Method::POST, "/api/v1/orders", from)?;
            request.header("idempotency-key", key)
        } else if [TELEMATICS_SOURCE, EMAIL_SOURCE].contains(&source) {
            self.request(Method::POST, &format!("/in/{source}"), ADMIN)?
        } else {
            self.request(Method::POST, &format!("/in/{X12_SOURCE}"), from)?
        };
        Ok(request.body(bytes.to_vec()))
    }

    /// People get their key when they first come to work; partners got theirs with the trade.
    fn known(&mut self, who: &Actor) -> Result<(), String> {
        let role = *who.roles.first().ok_or("they have no role")?;
        if role == Role::Carrier {
            return Ok(());
        }
        self.issue(&who.name, role, None)
    }

    /// Sends all of it, several so that they are in the queue together and in order before one is taken up.
    fn send_all(&self, requests: Vec<RequestBuilder>) -> Result<Vec<Answered>, String> {
        let held: Option<Held> = (requests.len() > 1)
            .then(|| self.hand.hold())
            .transpose()
            .map_err(|it| format!("{it:?}"))?;
        let queue = &self.server.as_ref().ok_or("the server has ended")?.installation.pump;
        self.runtime.block_on(async {
            let mut asked: Vec<JoinHandle<Result<Answered, String>>> = Vec::new();
            for request in requests {
                asked.push(tokio::spawn(async { answered(request.send().await).await }));
                if held.is_some() {
                    // One that the edge refuses by itself never queues.
                    let there = async {
                        while queue.queued() < asked.len() && !asked.iter().any(JoinHandle::is_finished) {
                            tokio::time::sleep(LOOK_EVERY).await;
                        }
                    };
                    let waited = tokio::time::timeout(PATIENCE, there).await;
                    waited.map_err(|_| "a request did not reach the writer's queue")?;
                }
            }
            drop(held);
            let mut answers = Vec::new();
            for it in asked {
                answers.push(it.await.map_err(|it| it.to_string())??);
            }
            Ok(answers)
        })
    }

    fn outcome(&self, sent: &Sent, (status, body): Answered) -> Result<Outcome, String> {
        let flag = |name: &str| body[name].as_bool().unwrap_or(false);
        match status {
            202 if flag("duplicate") => Ok(Outcome {
                refused: None,
                duplicate: true,
            }),
            // Positions are refused one by one: the quarantine and the vehicles tell.
            202 if matches!(sent, Sent::Message { source, .. } if *source == TELEMATICS_SOURCE) => {
                Ok(Outcome::default())
            }
            202 => Ok(Outcome {
                refused: self.refusal(body["message"].as_str().ok_or("no message id came")?)?,
                duplicate: false,
            }),
            200 | 201 => Ok(Outcome {
                refused: None,
                duplicate: flag("replayed"),
            }),
            _ => {
                let rejection = serde_json::from_value::<Rejection>(body["code"].clone());
                let rejection = rejection.map_err(|_| format!("{sent:?} was answered {status}: {body}"))?;
                let detail = body["detail"].as_str().unwrap_or_default().to_owned();
                Ok(Outcome {
                    refused: Some((rejection, detail)),
                    duplicate: false,
                })
            }
        }
    }

    /// What came of a message: the load's timeline tells, or the quarantine.
    fn refusal(&self, message: &str) -> Result<Option<(Rejection, String)>, String> {
        let cause = format!("{message}#");
        let on_load = self.happened.iter().filter(|it| it.cause.starts_with(&cause));
        let refused = on_load.into_iter().find_map(|it| match &it.event {
            Event::AnswerRejected { rejection, carrier, .. } => Some((*rejection, carrier.clone())),
            Event::AttemptRejected { rejection, detail, .. } => Some((*rejection, detail.clone())),
            Event::DocumentRefused { rejection, detail, .. } => Some((*rejection, detail.clone())),
            _ => None, // No other event refuses a message.
        });
        if refused.is_some() {
            return Ok(refused);
        }
        let quarantine = self.ask(Method::GET, "/api/v1/quarantine", None)?;
        let rows = quarantine["rows"].as_array().cloned().unwrap_or_default();
        let Some(row) = rows.into_iter().find(|it| it["key"] == message) else {
            return Ok(None);
        };
        let issue = &row["row"]["issues"][0];
        let rejection = serde_json::from_value(issue["code"].clone()).map_err(|_| format!("not read: {row}"))?;
        Ok(Some((rejection, issue["why"].as_str().unwrap_or_default().to_owned())))
    }

    /// Reads what there is to be seen, now that the server is at rest.
    fn look(&mut self) -> Result<(), String> {
        let board = self.ask(Method::GET, "/api/v1/board", None)?;
        let (mut happened, mut effects) = (Vec::new(), Vec::new());
        for row in board["rows"].as_array().into_iter().flatten() {
            let load = row["key"].as_str().unwrap_or_default();
            let timeline = self.ask(Method::GET, &format!("/api/v1/loads/{load}/timeline"), None)?;
            let reference = row["row"]["reference"].as_str().unwrap_or_default();
            happened.extend(timeline::happened(&timeline, reference)?);
            effects.extend(timeline::effects(&timeline));
        }
        // Stable: entries of one record keep their order.
        happened.sort_by_key(|it| it.seq);
        effects.sort_by_key(|(seq, _)| *seq);
        let mut taken = outside::files(&self.own("outbound"))?;
        taken.extend(self.systems.taken());
        let place = |effect: &str| effects.iter().position(|(_, it)| it == effect);
        if let Some((effect, told)) = taken.iter().find(|(effect, _)| place(effect).is_none()) {
            return Err(format!("{told:?} was sent by {effect}, which no timeline tells of"));
        }
        taken.sort_by_key(|(effect, _)| place(effect));
        self.told = taken.into_iter().map(|(_, told)| told).collect();
        self.happened = happened;
        Ok(())
    }
}

/// What is to be sealed, as somebody writes it.
fn clear(personal: &Personal) -> Option<String> {
    match personal {
        Personal::Plain { text, .. } => Some(text.clone()),
        Personal::Sealed(_) => None,
    }
}

/// Name of the first key, which the operator has from the first start.
const ADMIN: &str = "admin";

async fn answered(response: reqwest::Result<Response>) -> Result<Answered, String> {
    let response = response.map_err(|it| it.to_string())?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(|it| it.to_string())?;
    let read = serde_json::from_str(&body).map_err(|_| format!("answered {status}: {body:?}"))?;
    Ok((status, read))
}

impl Boundary for HttpBoundary {
    fn set_up(&mut self, trade: &Trade, cannot_be_reached: &[String]) -> Result<(), String> {
        if trade.tenant.as_str() != bootstrap::FIRST_TENANT {
            return Err(format!("{} is not the first tenant", trade.tenant));
        }
        let installation = &self.server.as_ref().ok_or("the server has ended")?.installation;
        let first = bootstrap::first_tenant(installation).map_err(|it| format!("{it:#}"))?;
        self.tokens
            .insert(ADMIN.to_owned(), first.ok_or("there is a tenant already")?);
        for command in trade.commands() {
            self.furnish(command)?;
        }
        for customer in &trade.customers {
            self.issue(customer, Role::Customer, Some(partner_id(customer).as_str()))?;
        }
        for carrier in &trade.carriers {
            self.issue(&carrier.scac, Role::Carrier, Some(partner_id(&carrier.scac).as_str()))?;
        }
        for scac in cannot_be_reached {
            self.cut_off(scac)?;
        }
        self.wait(SignedDuration::ZERO)
    }

    fn now(&self) -> Timestamp {
        self.hand.now()
    }

    fn send(&mut self, sent: Vec<Sent>) -> Result<Vec<Outcome>, String> {
        let requests = sent.iter().map(|it| self.made(it)).collect::<Result<_, _>>()?;
        let answers = self.send_all(requests)?;
        self.wait(SignedDuration::ZERO)?;
        let outcomes = sent
            .iter()
            .zip(answers)
            .map(|(sent, answer)| self.outcome(sent, answer));
        outcomes.collect()
    }

    fn wait(&mut self, by: SignedDuration) -> Result<(), String> {
        let rested = self.runtime.block_on(self.hand.pass(by));
        rested.map_err(|it| format!("the server did not come to rest: {it:?}"))?;
        self.look()
    }

    fn events(&self) -> Vec<(Timestamp, Event)> {
        self.happened.iter().map(|it| (it.at, it.event.clone())).collect()
    }

    fn events_of(&self, reference: &str) -> Result<Vec<(Timestamp, Event)>, String> {
        let of = self.happened.iter().filter(|it| it.reference == reference);
        Ok(of.map(|it| (it.at, it.event.clone())).collect())
    }

    fn status(&self) -> Result<Option<String>, String> {
        let board = self.ask(Method::GET, "/api/v1/board", None)?;
        Ok(board["rows"][0]["row"]["status"].as_str().map(str::to_owned))
    }

    fn told(&self) -> Vec<Told> {
        self.told.clone()
    }

    fn letters(&self) -> Result<Vec<Letter>, String> {
        let mailed = self.mailboxes.mailed()?;
        let ids: BTreeSet<&String> = mailed.iter().map(|(id, _)| id).collect();
        if ids.len() == mailed.len()
            && ids
                .iter()
                .all(|it| it.starts_with("<eff_") && it.ends_with("@main.example>"))
        {
            return Ok(mailed.into_iter().map(|(_, letter)| letter).collect());
        }
        Err(format!("letters are not one an effect: {mailed:?}"))
    }

    fn position_issues(&self) -> Result<Vec<String>, String> {
        let quarantine = self.ask(Method::GET, "/api/v1/quarantine?source=telematics", None)?;
        let rows = quarantine["rows"].as_array().into_iter().flatten();
        let issues = rows.flat_map(|it| it["row"]["issues"].as_array().into_iter().flatten());
        let mut codes: Vec<String> = issues.filter_map(|it| it["code"].as_str().map(str::to_owned)).collect();
        if self.vehicles()?.iter().any(|(_, hauls)| !hauls) {
            codes.push("position.vehicle_without_load".to_owned());
        }
        Ok(codes)
    }

    fn vehicles(&self) -> Result<Vec<(String, bool)>, String> {
        let page = self.ask(Method::GET, "/api/v1/vehicles", None)?;
        let rows = page["rows"].as_array().into_iter().flatten();
        let vehicle = |it: &Value| it["row"]["vehicle"].as_str().unwrap_or_default().to_owned();
        Ok(rows.map(|it| (vehicle(it), !it["row"]["load"].is_null())).collect())
    }
}
