//! Who acts, and for which tenant. No query, command or effect exists without a `TenantScope`.

use crate::id::TenantId;
use serde::{Deserialize, Serialize};

/// Proof that a caller may speak for one tenant. Made by the edge once the caller is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantScope {
    tenant: TenantId,
    actor: Actor,
}

impl TenantScope {
    /// Only an edge that has authenticated the caller, or the owner of the tenant's shard, may call this.
    pub fn new(tenant: TenantId, actor: Actor) -> Self {
        Self { tenant, actor }
    }

    /// The platform itself, acting on what a tenant's own log says is due.
    pub fn system(tenant: TenantId) -> Self {
        Self {
            tenant,
            actor: Actor::system(),
        }
    }

    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// Who did something: recorded with every turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Actor {
    pub kind: ActorKind,
    /// The person's, key's, playbook's or source's name within the tenant.
    pub name: String,
    pub roles: Vec<Role>,
}

impl Actor {
    pub fn system() -> Self {
        Self {
            kind: ActorKind::System,
            name: "signalbox".to_owned(),
            roles: Vec::new(),
        }
    }

    pub fn playbook(name: &str) -> Self {
        Self {
            kind: ActorKind::Playbook,
            name: name.to_owned(),
            roles: Vec::new(),
        }
    }

    pub fn source(name: &str) -> Self {
        Self {
            kind: ActorKind::Source,
            name: name.to_owned(),
            roles: Vec::new(),
        }
    }

    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Person,
    /// Another system with a key of its own.
    Client,
    Playbook,
    Source,
    /// A proposal of the AI layer. It never acts; it asks.
    Advisor,
    System,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Admin,
    Dispatcher,
    Manager,
    Integrator,
    Viewer,
    Carrier,
    Driver,
    Customer,
}

impl Role {
    pub const ALL: [Role; 8] = [
        Role::Admin,
        Role::Dispatcher,
        Role::Manager,
        Role::Integrator,
        Role::Viewer,
        Role::Carrier,
        Role::Driver,
        Role::Customer,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Dispatcher => "dispatcher",
            Role::Manager => "manager",
            Role::Integrator => "integrator",
            Role::Viewer => "viewer",
            Role::Carrier => "carrier",
            Role::Driver => "driver",
            Role::Customer => "customer",
        }
    }
}
