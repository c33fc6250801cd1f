//! Changes to the tenant's settings stream: checked, gated, recorded.

use crate::command::Command;
use crate::directory::Directory;
use crate::gate::{Ask, Choice};
use crate::playbook;
use crate::step::{Context, Outcome, Reaction};
use crate::table::Table;
use serde_json::json;
use signalbox_model::decision::{Decision, Evidence};
use signalbox_model::event::Event;
use signalbox_model::issue::Issue;
use signalbox_model::rejection::Rejection;
use std::collections::BTreeMap;

/// Judges a command on the settings stream.
pub fn change(directory: &Directory, command: Command, context: &Context<'_>) -> Reaction {
    let mut out = Reaction::default();
    let facts = BTreeMap::new();
    let resource = ("Settings", directory.tenant.as_str());
    let ask = Ask {
        tenant: &directory.tenant,
        actor: context.actor,
        action: "change_settings",
        resource,
        facts,
        now: context.now,
    };
    let verdict = directory.gate.decide(&ask);
    let by_platform = context.actor.kind == signalbox_model::scope::ActorKind::System;
    let allowed = by_platform || verdict.choice == Choice::Allow;
    let rule = if by_platform {
        "platform.bootstrap".to_owned()
    } else {
        verdict.policies.join(", ")
    };
    out.decisions.push(Decision {
        about: "gate.change_settings".to_owned(),
        choice: if allowed {
            "allow".to_owned()
        } else {
            "forbid".to_owned()
        },
        evidence: vec![Evidence::new("actor", context.actor.name.clone(), "actor")],
        rule,
    });
    if !allowed {
        let detail = format!("{} may not change settings", context.actor.name);
        out.outcome = Outcome::Rejected {
            rejection: Rejection::NotAllowed,
            detail,
            issues: Vec::new(),
        };
        return out;
    }
    match event(command) {
        Ok(event) => {
            out.outcome = Outcome::Done(json!({"changed": event.name()}));
            out.events.push(event);
        }
        Err(issues) => {
            let detail = issues.first().map(|it| it.why.clone()).unwrap_or_default();
            out.outcome = Outcome::Rejected {
                rejection: Rejection::OrderImpossible,
                detail,
                issues,
            };
        }
    }
    out
}

fn event(command: Command) -> Result<Event, Vec<Issue>> {
    Ok(match command {
        Command::CreateTenant { tenant, name } => Event::TenantCreated { tenant, name },
        Command::IssueKey { key } => Event::KeyIssued { key },
        Command::InstallPlaybook { name, version, files } => {
            playbook::check(&files)?;
            Event::PlaybookInstalled { name, version, files }
        }
        Command::ChangeTable { table, content } => {
            Table::parse(&table, &content)?;
            Event::TableChanged { table, content }
        }
        Command::ChangePartner { partner } => Event::PartnerChanged { partner },
        Command::ChangeSource { source } => Event::SourceChanged { source },
        Command::ChangeSite { site } => Event::SiteChanged { site },
        Command::ChangeSettings { settings } => Event::SettingsChanged { settings },
        Command::CreateOrder { .. }
        | Command::AnswerOffer { .. }
        | Command::DecideApproval { .. }
        | Command::AssignVehicle { .. }
        | Command::ResolveException { .. } => {
            let why = "this command belongs to a load";
            return Err(vec![Issue::fatal(
                "settings.command",
                "",
                why,
                "Send it to the load's path.",
            )]);
        }
    })
}
