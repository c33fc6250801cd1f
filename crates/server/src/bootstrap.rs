//! The first things of a tenant: its name, settings, sources, playbooks and keys. All of it goes through the front door
//! as commands of the platform, so it is recorded and audited like anything else.

use crate::tokens;
use crate::wiring::{Handle, Installation, Overflow, PLATFORM};
use anyhow::{Context as _, bail};
use jiff::SignedDuration;
use signalbox_engine::command::Command;
use signalbox_engine::playbook;
use signalbox_model::directory::{AccessKey, Settings, Source, SourceFormat};
use signalbox_model::id::{PartnerId, TenantId};
use signalbox_model::scope::{Role, TenantScope};
use signalbox_runtime::ports::Clock as _;
use signalbox_runtime::request::{Reply, Request};

/// How long the first key is good for.
const FIRST_KEY_DAYS: i64 = 90;
/// The tenant that `serve` makes where there is none.
pub const FIRST_TENANT: &str = "ten_main";

/// The sources every tenant starts with.
const SOURCES: &[(&str, SourceFormat)] = &[
    ("edi", SourceFormat::X12),
    ("json", SourceFormat::Json),
    ("telematics", SourceFormat::Telematics),
    ("email", SourceFormat::Email),
];

/// Sends a command of the platform for a tenant and waits until it is durable. Blocking.
pub fn command(pump: &Handle, tenant: &TenantId, command: Command) -> anyhow::Result<()> {
    let scope = TenantScope::system(tenant.clone());
    let request = Request::Command {
        scope,
        command,
        idempotency_key: None,
        traceparent: None,
    };
    match pump.ask_blocking(request) {
        Ok(Reply::Done { .. } | Reply::Accepted { .. }) => Ok(()),
        Ok(Reply::Rejected {
            rejection,
            detail,
            issues,
            ..
        }) => {
            let first = issues
                .first()
                .map(|it| format!(" ({}: {})", it.at, it.why))
                .unwrap_or_default();
            bail!("{}: {detail}{first}", rejection.explain())
        }
        Ok(Reply::KeyConflict { detail } | Reply::Unavailable { detail, .. }) => bail!("{detail}"),
        Err(Overflow::Full) => bail!("the writer's queue is full"),
        Err(Overflow::Stopped | Overflow::Unknown) => bail!("the writer has stopped; see the log for the reason"),
    }
}

/// Makes a tenant with default settings, sources and the shipped playbooks. Blocking.
pub fn tenant(pump: &Handle, tenant: &TenantId, name: &str, zone: &str) -> anyhow::Result<()> {
    let platform = TenantId::from(PLATFORM);
    let created = Command::CreateTenant {
        tenant: tenant.clone(),
        name: name.to_owned(),
    };
    command(pump, &platform, created).with_context(|| format!("cannot create {tenant}"))?;
    command(
        pump,
        tenant,
        Command::ChangeSettings {
            settings: Settings::default(),
        },
    )?;
    for (name, format) in SOURCES {
        let source = Source {
            name: (*name).to_owned(),
            format: *format,
            zone: zone.to_owned(),
            secret: None,
        };
        command(pump, tenant, Command::ChangeSource { source })?;
    }
    for files in playbook::shipped() {
        let read =
            playbook::read(&files).map_err(|issues| anyhow::anyhow!("a shipped playbook is broken: {issues:?}"))?;
        let (name, version) = (read.manifest.name.clone(), read.manifest.version.clone());
        command(pump, tenant, Command::InstallPlaybook { name, version, files })?;
    }
    Ok(())
}

/// Issues a key and answers its token, which nobody can show again. Blocking.
pub fn key(
    installation: &Installation,
    tenant: &TenantId,
    name: &str,
    roles: &[Role],
    partner: Option<&PartnerId>,
    good_for: SignedDuration,
) -> anyhow::Result<String> {
    let token = tokens::issue(tenant)?;
    let key = AccessKey {
        sha256: tokens::hash(&token),
        name: name.to_owned(),
        roles: roles.to_vec(),
        partner: partner.cloned(),
        expires_at: installation.clock.now().saturating_add(good_for)?,
    };
    command(&installation.pump, tenant, Command::IssueKey { key })?;
    Ok(token)
}

/// Makes the first tenant and its administrator's key, where there is no tenant yet. Blocking.
pub fn first_tenant(installation: &Installation) -> anyhow::Result<Option<String>> {
    if !installation.directories.tenants().is_empty() {
        return Ok(None);
    }
    let first = TenantId::from(FIRST_TENANT);
    tenant(&installation.pump, &first, "Main", "UTC")?;
    let good_for = SignedDuration::from_hours(24 * FIRST_KEY_DAYS);
    let roles = [Role::Admin, Role::Dispatcher, Role::Manager, Role::Integrator];
    key(installation, &first, "first administrator", &roles, None, good_for).map(Some)
}
