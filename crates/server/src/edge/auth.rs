//! Who calls: a bearer token, looked up by its hash in the directory of the tenant it names.
//!
//! Invariant: a handler sees a `Caller` only after the token was found and has not run out, and the scope in it is of
//! that token's tenant. An unknown tenant, an unknown key and a run-out key cost the same work before the answer.

use super::Edge;
use super::failures::Address;
use super::problem::Problem;
use crate::tokens;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use signalbox_engine::directory::Directory;
use signalbox_model::directory::AccessKey;
use signalbox_model::id::TenantId;
use signalbox_model::scope::{Actor, ActorKind, Role, TenantScope};
use signalbox_runtime::ports::Clock as _;
use std::sync::Arc;

/// An authenticated caller.
#[derive(Clone)]
pub struct Caller {
    pub scope: TenantScope,
    pub directory: Arc<Directory>,
    pub key: AccessKey,
}

/// Roles of people outside the tenant: they see their own things only.
const OUTSIDERS: &[Role] = &[Role::Carrier, Role::Driver, Role::Customer];
/// Roles that may read personal values.
const CONFIDANTS: &[Role] = &[Role::Admin, Role::Dispatcher, Role::Manager];
/// Roles of people, as against those of systems.
const PEOPLE: &[Role] = &[Role::Admin, Role::Dispatcher, Role::Manager, Role::Viewer, Role::Driver];

impl Caller {
    pub fn has_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|it| self.key.roles.contains(it))
    }

    pub fn require(&self, roles: &[Role]) -> Result<(), Problem> {
        if self.has_any(roles) {
            return Ok(());
        }
        let names: Vec<&str> = roles.iter().map(|it| it.as_str()).collect();
        Err(Problem::new(
            "role_missing",
            format!("This takes one of these roles: {}.", names.join(", ")),
        ))
    }

    /// Whether the caller works for the tenant, rather than with it.
    pub fn is_staff(&self) -> bool {
        self.key.roles.iter().any(|it| !OUTSIDERS.contains(it))
    }

    pub fn require_staff(&self) -> Result<(), Problem> {
        if self.is_staff() {
            return Ok(());
        }
        let detail = "Carriers, drivers and customers see their own offers and shipments, not the tenant's boards.";
        Err(Problem::new("role_missing", detail))
    }

    pub fn may_read_personal(&self) -> bool {
        self.has_any(CONFIDANTS)
    }
}

impl FromRequestParts<Edge> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let address = Address::of(parts);
        edge.failures.check(&address, edge.clock.now())?;
        caller(edge, bearer(&parts.headers)).inspect_err(|_| edge.failures.note(&address, edge.clock.now()))
    }
}

/// The token in an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION).and_then(text)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// Finds whose token it is.
pub fn caller(edge: &Edge, token: Option<&str>) -> Result<Caller, Problem> {
    let Some(token) = token.filter(|it| it.len() <= tokens::TOKEN_BYTES_MAX) else {
        let detail = "Send `Authorization: Bearer sbx_…`. An administrator issues keys under /api/v1/keys.";
        return Err(Problem::new("unauthenticated", detail));
    };
    let sha256 = tokens::hash(token);
    let tenant = tokens::tenant_of(token).unwrap_or_else(|| TenantId::from("ten_"));
    let directory = edge
        .directories
        .of(&tenant)
        .filter(|_| tenant.as_str() != crate::wiring::PLATFORM);
    let known = directory.as_ref().and_then(|it| it.keys.get(&sha256));
    let (Some(directory), Some(key)) = (&directory, known) else {
        return Err(Problem::new(
            "unauthenticated",
            "The token is unknown. Ask an administrator for a new one.",
        ));
    };
    if key.expires_at <= edge.clock.now() {
        let detail = format!(
            "The token {} ran out at {}. Ask an administrator for a new one.",
            key.name, key.expires_at
        );
        return Err(Problem::new("token_expired", detail));
    }
    let actor = Actor {
        kind: kind(key),
        name: key.name.clone(),
        roles: key.roles.clone(),
    };
    Ok(Caller {
        scope: TenantScope::new(tenant, actor),
        directory: Arc::clone(directory),
        key: key.clone(),
    })
}

fn kind(key: &AccessKey) -> ActorKind {
    if key.roles.iter().any(|it| PEOPLE.contains(it)) {
        ActorKind::Person
    } else {
        ActorKind::Client
    }
}
