//! Who is in the demo: two tenants, run for their owners by one partner company, each with its customers, carriers,
//! sites, routing guide, and a person or system in every role.

use super::webhooks::{Carriers, SECRET};
use crate::bootstrap;
use crate::wiring::Installation;
use jiff::{SignedDuration, Timestamp};
use signalbox_engine::command::Command;
use signalbox_model::directory::{Partner, PartnerRole};
use signalbox_model::id::TenantId;
use signalbox_model::scope::Role;
use signalbox_world::{Climate, Settings, Voice, World};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The company that runs both tenants: its people hold keys in each of them.
pub const PARTNER: &str = "Crossdock Partners";
/// Id, name, orders in a world hour, and the end of its partners' addresses.
const TENANTS: &[(&str, &str, f64, &str)] = &[
    ("ten_acme", "Acme Logistics", 6.0, "acme.example"),
    ("ten_borealis", "Borealis Freight", 3.0, "borealis.example"),
];
const ZONE: &str = "America/Chicago";
/// Long enough for a world that runs fast.
const KEYS_GOOD_FOR: SignedDuration = SignedDuration::from_hours(24 * 3_650);

pub struct Cast {
    pub tenants: Vec<Tenant>,
}

#[derive(Clone)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    /// By role.
    pub tokens: BTreeMap<String, String>,
    pub people: BTreeMap<String, String>,
    /// What carriers' own systems and their drivers hold, by whose voice it is.
    outside: BTreeMap<Voice, String>,
    world: Arc<Mutex<World>>,
}

impl Tenant {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn token(&self, role: Role) -> &str {
        self.tokens.get(role.as_str()).map(String::as_str).unwrap_or_default()
    }

    /// The key that somebody of the world speaks with.
    pub fn token_of(&self, voice: &Voice) -> &str {
        match voice {
            Voice::Exchange => self.token(Role::Integrator),
            Voice::Carrier(_) | Voice::Driver(_) => self.outside.get(voice).map(String::as_str).unwrap_or_default(),
        }
    }
}

/// Makes the tenants and everybody in them, at the clock's present. Blocking.
pub fn settle(
    installation: &Installation,
    seed: u64,
    climate: Climate,
    carriers: &Carriers,
    start: Timestamp,
) -> anyhow::Result<Cast> {
    let mut tenants = Vec::new();
    for (place, (id, name, orders_an_hour, domain)) in TENANTS.iter().enumerate() {
        let id = TenantId::from(*id);
        let world = World::new(Settings {
            seed: seed.wrapping_add(place as u64),
            start,
            climate,
            orders_an_hour: *orders_an_hour,
            webhook: Some((carriers.url(&id)?, SECRET.to_owned())),
            domain: (*domain).to_owned(),
        });
        let secrets = installation.data_dir.secrets().join(id.as_str());
        std::fs::create_dir_all(&secrets)?;
        std::fs::write(secrets.join(SECRET), carriers.secret())?;
        bootstrap::tenant(&installation.pump, &id, name, ZONE)?;
        let partners = world.partners();
        let entered = partners
            .iter()
            .cloned()
            .map(|partner| Command::ChangePartner { partner });
        let sites = world.sites().into_iter().map(|site| Command::ChangeSite { site });
        for command in entered.chain(sites) {
            bootstrap::command(&installation.pump, &id, command)?;
        }
        let table = Command::ChangeTable {
            table: "routing-guide".to_owned(),
            content: world.routing_guide(),
        };
        bootstrap::command(&installation.pump, &id, table)?;
        let tokens = tokens(installation, &id, &partners)?;
        let outside = outside(installation, &id, &partners)?;
        let named = Role::ALL.iter().map(|it| (it.as_str().to_owned(), who(*it).to_owned()));
        tenants.push(Tenant {
            id,
            name: (*name).to_owned(),
            tokens,
            people: named.collect(),
            outside,
            world: Arc::new(Mutex::new(world)),
        });
    }
    Ok(Cast { tenants })
}

/// Each carrier's system and its drivers get keys of their own.
fn outside(
    installation: &Installation,
    tenant: &TenantId,
    partners: &[Partner],
) -> anyhow::Result<BTreeMap<Voice, String>> {
    let mut keys = BTreeMap::new();
    for partner in partners {
        let Some(scac) = partner.scac() else { continue };
        let mut issue = |voice, name: String, role| -> anyhow::Result<()> {
            let key = bootstrap::key(installation, tenant, &name, &[role], Some(&partner.id), KEYS_GOOD_FOR)?;
            keys.insert(voice, key);
            Ok(())
        };
        issue(Voice::Carrier(scac.to_owned()), partner.name.clone(), Role::Carrier)?;
        let drivers = format!("a driver of {}", partner.name);
        issue(Voice::Driver(scac.to_owned()), drivers, Role::Driver)?;
    }
    Ok(keys)
}

fn tokens(
    installation: &Installation,
    tenant: &TenantId,
    partners: &[Partner],
) -> anyhow::Result<BTreeMap<String, String>> {
    let first = |wanted: fn(&PartnerRole) -> bool| partners.iter().find(|it| wanted(&it.role)).map(|it| it.id.clone());
    let carrier = first(|it| matches!(it, PartnerRole::Carrier { .. }));
    let customer = first(|it| matches!(it, PartnerRole::Customer { .. }));
    let mut tokens = BTreeMap::new();
    for role in Role::ALL {
        let partner = match role {
            Role::Carrier | Role::Driver => carrier.as_ref(),
            Role::Customer => customer.as_ref(),
            Role::Admin | Role::Dispatcher | Role::Manager | Role::Integrator | Role::Viewer => None,
        };
        let token = bootstrap::key(installation, tenant, who(role), &[role], partner, KEYS_GOOD_FOR)?;
        tokens.insert(role.as_str().to_owned(), token);
    }
    Ok(tokens)
}

/// Names for people, so that a timeline reads like one.
fn who(role: Role) -> &'static str {
    match role {
        Role::Admin => "Robin Hale (Crossdock Partners)",
        Role::Dispatcher => "Dana Reyes",
        Role::Manager => "Morgan Lee",
        Role::Integrator => "Crossdock integration",
        Role::Viewer => "Sam Ortiz",
        Role::Carrier => "carrier portal",
        Role::Driver => "Jo Park",
        Role::Customer => "customer system",
    }
}
