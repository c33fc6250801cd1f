//! Who is in the demo: two tenants, run for their owners by one partner company, each with its customers, carriers,
//! routing guide, and a person or system in every role.

use super::webhooks::{Carriers, SECRET};
use crate::bootstrap;
use crate::wiring::Installation;
use jiff::SignedDuration;
use signalbox_engine::command::Command;
use signalbox_model::directory::{Partner, PartnerRole};
use signalbox_model::id::TenantId;
use signalbox_model::scope::Role;
use signalbox_world::World;
use std::collections::BTreeMap;

/// The company that runs both tenants: its people hold keys in each of them.
pub const PARTNER: &str = "Crossdock Partners";
const TENANTS: &[(&str, &str)] = &[("ten_acme", "Acme Logistics"), ("ten_borealis", "Borealis Freight")];
const ZONE: &str = "America/Chicago";
/// Long enough for a world that runs fast.
const KEYS_GOOD_FOR: SignedDuration = SignedDuration::from_hours(24 * 3_650);

pub struct Cast {
    pub tenants: Vec<Tenant>,
}

pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    /// By role.
    pub tokens: BTreeMap<String, String>,
    pub world: World,
}

/// Makes the tenants and everybody in them. Blocking.
pub fn settle(installation: &Installation, seed: u64, carriers: &Carriers) -> anyhow::Result<Cast> {
    let mut tenants = Vec::new();
    for (place, (id, name)) in TENANTS.iter().enumerate() {
        let id = TenantId::from(*id);
        let webhook = (carriers.url(&id)?, SECRET.to_owned());
        let world = World::new(seed.wrapping_add(place as u64), Some(webhook));
        let secrets = installation.data_dir.secrets().join(id.as_str());
        std::fs::create_dir_all(&secrets)?;
        std::fs::write(secrets.join(SECRET), carriers.secret())?;
        bootstrap::tenant(&installation.pump, &id, name, ZONE)?;
        let partners = world.partners();
        for partner in &partners {
            bootstrap::command(
                &installation.pump,
                &id,
                Command::ChangePartner {
                    partner: partner.clone(),
                },
            )?;
        }
        let table = Command::ChangeTable {
            table: "routing-guide".to_owned(),
            content: world.routing_guide(),
        };
        bootstrap::command(&installation.pump, &id, table)?;
        let tokens = tokens(installation, &id, &partners)?;
        tenants.push(Tenant {
            id,
            name: (*name).to_owned(),
            tokens,
            world,
        });
    }
    Ok(Cast { tenants })
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
