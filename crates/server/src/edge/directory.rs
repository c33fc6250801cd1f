//! What people maintain: partners, sources, settings, tables and keys. Every change is a command and is audited.

use super::ask::{self, json_body};
use super::auth::Caller;
use super::personal::Reader;
use super::problem::{Problem, ProblemBody};
use super::{Edge, Trace};
use crate::tokens;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signalbox_engine::command::Command;
use signalbox_model::directory::{AccessKey, Partner, Settings, Source};
use signalbox_model::id::PartnerId;
use signalbox_model::issue::Issue;
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::scope::Role;
use signalbox_runtime::ports::Clock as _;
use signalbox_runtime::request::{Reply, Request};
use utoipa::ToSchema;

/// Settings hold what a competitor would like to read: staff only, and never a secret in clear.
const READERS: &[Role] = &[
    Role::Admin,
    Role::Manager,
    Role::Dispatcher,
    Role::Integrator,
    Role::Viewer,
];
const EXPIRES_DAYS: i64 = 365;
const EXPIRES_DAYS_MAX: i64 = 3_650;
const NAME_BYTES_MAX: usize = 200;

/// A partner: a customer or a carrier. `role` says which, the other fields follow from it.
#[derive(Serialize, ToSchema)]
pub struct PartnerBody {
    pub id: String,
    pub name: String,
    /// `customer` or `carrier`.
    pub role: String,
    /// Of a customer: zone for times a message states without one.
    pub zone: Option<String>,
    /// Of a customer: its transport management system, as `{"url", "secret"}`, told when a load can be invoiced.
    pub tms: Option<Value>,
    /// Of a carrier.
    pub scac: Option<String>,
    /// Of a carrier: `{"channel": "x12_folder", …}` or `{"channel": "webhook", …}`.
    pub channel: Option<Value>,
    pub respond_within_min: Option<u32>,
    pub contract_rate: Option<super::shapes::MoneyBody>,
    pub active: Option<bool>,
    pub aliases: Vec<String>,
    /// Where notices to it go by e-mail. Absent keeps it as it is, `null` removes it; dots for those who may not read it.
    pub notify_email: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Partners {
    pub partners: Vec<PartnerBody>,
}

/// Where messages come in, at `/in/{name}`.
#[derive(Serialize, ToSchema)]
pub struct SourceBody {
    pub name: String,
    /// `x12`, `json`, `telematics` or `email`.
    pub format: String,
    pub zone: String,
    /// Write only: `whsec_…`, or the name of an entry in the secret store. `null` removes it, absent keeps it.
    pub secret: Option<String>,
    /// Read only: whether messages must be signed.
    pub signed: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Sources {
    pub sources: Vec<SourceBody>,
}

#[derive(Serialize, ToSchema)]
pub struct SettingsBody {
    pub respond_within_default_min: u32,
    pub rate_cap: super::shapes::MoneyBody,
    pub approval_within_min: u32,
    pub interchange_id: String,
    /// The tenant's own transport management system, as `{"url", "secret"}`, told when a load can be invoiced.
    pub tms: Option<Value>,
    /// Where partners' answers to notices go: the tenant's own dispatch desk.
    pub notice_reply_to: Option<String>,
    /// Notices that a playbook proposes leave without a person's approval. `false` where absent.
    pub notices_unattended: Option<bool>,
    /// Mails are shown to the operator's language model for a summary and a draft. `false` where absent.
    pub ask_advisor: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct Changed {
    pub outcome: String,
    pub changed: String,
    pub seq: u64,
}

/// All partners.
#[utoipa::path(get, path = "/api/v1/partners", tag = "directory", responses((status = 200, body = Partners), (status = "4XX", body = ProblemBody)))]
pub async fn partners(State(edge): State<Edge>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.require(READERS)?;
    let partners: Vec<&Partner> = caller.directory.partners.values().collect();
    readable(&edge, caller.clone(), json!({ "partners": partners })).await
}

/// One partner.
#[utoipa::path(get, path = "/api/v1/partners/{id}", tag = "directory", params(("id" = String, Path)),
    responses((status = 200, body = PartnerBody), (status = "4XX", body = ProblemBody)))]
pub async fn partner(State(edge): State<Edge>, caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    caller.require(READERS)?;
    let found = caller.directory.partners.get(&PartnerId(id)).map(|it| json!(it));
    let found = found.ok_or_else(|| Problem::new("not_found", "There is no partner with this id."))?;
    readable(&edge, caller, found).await
}

/// With its personal values as this reader may see them.
async fn readable(edge: &Edge, caller: Caller, mut value: Value) -> Result<Json<Value>, Problem> {
    edge.read(move |edge| {
        Reader::new(edge, &caller).show(&mut value);
        Ok(Json(value))
    })
    .await
}

/// Create or change a partner.
#[utoipa::path(put, path = "/api/v1/partners/{id}", tag = "directory", params(("id" = String, Path)), request_body = PartnerBody,
    responses((status = 200, body = Changed), (status = "4XX", body = ProblemBody)))]
pub async fn put_partner(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut given: Value = json_body(body).await?;
    let address = given.as_object_mut().map(|it| it.remove("notify_email"));
    let mut partner: Partner = named(given, "id", &id)?;
    check_name("id", &partner.id.0)?;
    partner.notify_email = match address.flatten() {
        None => caller
            .directory
            .partners
            .get(&partner.id)
            .and_then(|it| it.notify_email.clone()),
        Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Box::new(Personal::plain(text.trim(), Taint::System))),
        Some(_) => return Err(Problem::new("body_unreadable", "`notify_email` is a text or null.")),
    };
    change(&edge, &caller, &headers, &trace, Command::ChangePartner { partner }).await
}

/// All sources.
#[utoipa::path(get, path = "/api/v1/sources", tag = "directory", responses((status = 200, body = Sources), (status = "4XX", body = ProblemBody)))]
pub async fn sources(caller: Caller) -> Result<Json<Value>, Problem> {
    caller.require(READERS)?;
    let sources: Vec<Value> = caller.directory.sources.values().map(shown).collect();
    Ok(Json(json!({ "sources": sources })))
}

/// One source. Its secret is never shown.
#[utoipa::path(get, path = "/api/v1/sources/{name}", tag = "directory", params(("name" = String, Path)),
    responses((status = 200, body = SourceBody), (status = "4XX", body = ProblemBody)))]
pub async fn source(caller: Caller, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    caller.require(READERS)?;
    let found = caller.directory.sources.get(&name);
    found
        .map(|it| Json(shown(it)))
        .ok_or_else(|| Problem::new("source_unknown", "Set it up with PUT."))
}

fn shown(source: &Source) -> Value {
    json!({"name": source.name, "format": source.format, "zone": source.zone, "signed": source.secret.is_some()})
}

/// Create or change a source. An absent secret stays as it is; `null` removes it.
#[utoipa::path(put, path = "/api/v1/sources/{name}", tag = "directory", params(("name" = String, Path)), request_body = SourceBody,
    responses((status = 200, body = Changed), (status = "4XX", body = ProblemBody)))]
pub async fn put_source(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut given: Value = json_body(body).await?;
    let keeps_secret = given.get("secret").is_none();
    if let Some(fields) = given.as_object_mut() {
        fields.entry("name").or_insert_with(|| json!(name));
        fields.remove("signed");
    }
    let mut source: Source = read(given)?;
    if source.name != name {
        return Err(differs("name"));
    }
    check_name("name", &source.name)?;
    if keeps_secret {
        source.secret = caller.directory.sources.get(&name).and_then(|it| it.secret.clone());
    }
    change(&edge, &caller, &headers, &trace, Command::ChangeSource { source }).await
}

/// The tenant's settings.
#[utoipa::path(get, path = "/api/v1/settings", tag = "directory", responses((status = 200, body = SettingsBody), (status = "4XX", body = ProblemBody)))]
pub async fn settings(caller: Caller) -> Result<Json<Value>, Problem> {
    caller.require(READERS)?;
    Ok(Json(json!(caller.directory.settings)))
}

/// Change the settings.
#[utoipa::path(put, path = "/api/v1/settings", tag = "directory", request_body = SettingsBody,
    responses((status = 200, body = Changed), (status = "4XX", body = ProblemBody)))]
pub async fn put_settings(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let settings: Settings = json_body(body).await?;
    change(&edge, &caller, &headers, &trace, Command::ChangeSettings { settings }).await
}

/// Put a decision table (GoRules JDM) in place of the playbook's table of that name.
#[utoipa::path(put, path = "/api/v1/tables/{name}", tag = "directory", params(("name" = String, Path)),
    request_body(content = String, content_type = "application/json", description = "The JDM file"),
    responses((status = 200, body = Changed), (status = 422, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn put_table(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_name("name", &name)?;
    let bytes = ask::bytes(body, ask::JSON_BYTES_MAX).await?;
    let content =
        String::from_utf8(bytes).map_err(|_| Problem::new("body_unreadable", "The table is no UTF-8 text."))?;
    change(
        &edge,
        &caller,
        &headers,
        &trace,
        Command::ChangeTable { table: name, content },
    )
    .await
}

#[derive(Deserialize, ToSchema)]
pub struct KeyBody {
    /// Who or what it is for.
    pub name: String,
    /// `admin`, `dispatcher`, `manager`, `integrator`, `viewer`, `carrier`, `driver`, `customer`.
    pub roles: Vec<String>,
    /// The partner whose eyes the key has; carriers' and customers' keys need one.
    pub partner: Option<String>,
    /// 365 where absent, 3,650 at most.
    pub expires_in_days: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct KeyCreated {
    /// The token. It is shown this once; only its hash is kept.
    pub token: String,
    pub name: String,
    pub expires_at: String,
    pub seq: u64,
}

/// Issue a key. Each call makes a new one; its token is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/keys", tag = "directory", request_body = KeyBody,
    responses((status = 201, body = KeyCreated), (status = "4XX", body = ProblemBody)))]
pub async fn create_key(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    body: Body,
) -> Result<Response, Problem> {
    // Whoever may issue keys may give any role: that is an administrator's to do, whatever else policies allow.
    caller.require(&[Role::Admin])?;
    let body: KeyBody = json_body(body).await?;
    let key = checked(&body, &caller)?;
    let expires_at = edge
        .clock
        .now()
        .saturating_add(days(body.expires_in_days)?)
        .map_err(Problem::internal)?;
    let token = tokens::issue(caller.scope.tenant()).map_err(Problem::internal)?;
    let key = AccessKey {
        sha256: tokens::hash(&token),
        expires_at,
        ..key
    };
    let request = Request::Command {
        scope: caller.scope.clone(),
        command: Command::IssueKey { key },
        idempotency_key: None,
        traceparent: trace.0,
    };
    match edge.ask(request).await? {
        Reply::Done { seq, .. } => {
            let answer = json!({"token": token, "name": body.name, "expires_at": expires_at, "seq": seq});
            Ok(ask::answer(StatusCode::CREATED, &answer, seq))
        }
        refused => Err(ask::problem(refused)),
    }
}

fn checked(body: &KeyBody, caller: &Caller) -> Result<AccessKey, Problem> {
    let unusable = |detail: String| Problem::new("body_unreadable", detail);
    let roles = body.roles.iter().map(|name| {
        let role = Role::ALL.into_iter().find(|it| it.as_str() == name);
        role.ok_or_else(|| unusable(format!("{name} is no role.")))
    });
    let roles = roles.collect::<Result<Vec<Role>, Problem>>()?;
    if roles.is_empty() || body.name.trim().is_empty() || body.name.len() > NAME_BYTES_MAX {
        return Err(unusable("A key has a name and at least one role.".to_owned()));
    }
    let partner = body.partner.clone().map(PartnerId);
    if let Some(unknown) = partner
        .as_ref()
        .filter(|it| !caller.directory.partners.contains_key(it))
    {
        return Err(unusable(format!("There is no partner {unknown}.")));
    }
    let needs_partner = roles.iter().any(|it| matches!(it, Role::Carrier | Role::Customer));
    if needs_partner && partner.is_none() {
        return Err(unusable(
            "A carrier's or customer's key names its `partner`.".to_owned(),
        ));
    }
    let expires_at = jiff::Timestamp::UNIX_EPOCH;
    Ok(AccessKey {
        sha256: String::new(),
        name: body.name.trim().to_owned(),
        roles,
        partner,
        expires_at,
    })
}

fn days(asked: Option<i64>) -> Result<SignedDuration, Problem> {
    let days = asked.unwrap_or(EXPIRES_DAYS);
    if (1..=EXPIRES_DAYS_MAX).contains(&days) {
        return Ok(SignedDuration::from_hours(24 * days));
    }
    Err(Problem::new(
        "body_unreadable",
        format!("`expires_in_days` is 1 to {EXPIRES_DAYS_MAX}."),
    ))
}

async fn change(
    edge: &Edge,
    caller: &Caller,
    headers: &HeaderMap,
    trace: &Trace,
    command: Command,
) -> Result<Response, Problem> {
    let (outcome, seq) = ask::command(edge, caller, headers, trace, command).await?;
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

/// A body whose `field` is the path's, or left out.
fn named<T: DeserializeOwned>(mut given: Value, field: &str, name: &str) -> Result<T, Problem> {
    if let Some(fields) = given.as_object_mut() {
        let said = fields.entry(field).or_insert_with(|| json!(name));
        if said != name {
            return Err(differs(field));
        }
    }
    read(given)
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    T::deserialize(value).map_err(|error| {
        let issue = Issue::fatal(
            "body.unreadable",
            "",
            error.to_string(),
            "Send the shape that /docs describes.",
        );
        Problem::new("body_unreadable", error.to_string()).with_issues(vec![issue])
    })
}

fn differs(field: &str) -> Problem {
    Problem::new(
        "body_unreadable",
        format!("`{field}` in the body is not the one in the path."),
    )
}

/// Names become paths and keys: plain ones only.
fn check_name(field: &str, name: &str) -> Result<(), Problem> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(Problem::new(
        "body_unreadable",
        format!("`{field}` is 1 to 64 letters, digits, dashes, dots and underscores."),
    ))
}
