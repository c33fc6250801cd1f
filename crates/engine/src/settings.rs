//! Changes to the tenant's settings stream: checked, gated, recorded.

use crate::capacity;
use crate::command::Command;
use crate::directory::Directory;
use crate::gate::{Ask, Choice};
use crate::notices;
use crate::playbook;
use crate::step::{Context, Outcome, Reaction};
use crate::table::Table;
use crate::views;
use jiff::Timestamp;
use serde_json::json;
use signalbox_model::automation::{ModeSet, OnTheWire};
use signalbox_model::decision::{Decision, Evidence};
use signalbox_model::directory::PartnerRole;
use signalbox_model::event::Event;
use signalbox_model::exception::Touch;
use signalbox_model::issue::Issue;
use signalbox_model::rejection::Rejection;
use std::collections::BTreeMap;

/// Judges a command on the settings stream.
pub fn change(directory: &Directory, command: Command, context: &Context<'_>) -> Reaction {
    let mut out = Reaction::default();
    let facts = BTreeMap::new();
    let resource = ("Settings", directory.tenant.as_str());
    let action = match &command {
        Command::SwitchAutomation { .. } => "switch_automation",
        _ => "change_settings", // Every other command of this stream.
    };
    let ask = Ask {
        tenant: &directory.tenant,
        actor: context.actor,
        action,
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
        about: format!("gate.{action}"),
        choice: if allowed {
            "allow".to_owned()
        } else {
            "forbid".to_owned()
        },
        evidence: vec![Evidence::new("actor", context.actor.name.clone(), "actor")],
        rule,
    });
    if !allowed {
        let detail = format!("{} may not {}", context.actor.name, action.replace('_', " "));
        out.outcome = Outcome::Rejected {
            rejection: Rejection::NotAllowed,
            detail,
            issues: Vec::new(),
        };
        return out;
    }
    let command = match command {
        Command::SwitchAutomation {
            scope,
            mode,
            reason,
            on_the_wire,
        } => {
            let set = ModeSet {
                scope,
                mode,
                reason: reason.trim().to_owned(),
                by: context.actor.clone(),
                at: context.now,
            };
            switch(directory, context, set, on_the_wire, &mut out);
            return out;
        }
        other => other,
    };
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

/// Sets how far automation may act: an event, a touch and a row for whoever looks.
fn switch(directory: &Directory, context: &Context<'_>, set: ModeSet, on_the_wire: Vec<OnTheWire>, out: &mut Reaction) {
    let playbook = set.scope.playbook.as_deref();
    let unknown = playbook.filter(|it| !directory.playbooks.contains_key(*it));
    let wrong = match unknown {
        Some(name) => Some(("/playbook", format!("no playbook {name} is installed"))),
        None if set.reason.is_empty() => Some(("/reason", "a switch needs a reason".to_owned())),
        None => None,
    };
    if let Some((at, why)) = wrong {
        let fix = "Name an installed playbook or none, and say why.";
        let issues = vec![Issue::fatal("automation.mode", at, why.clone(), fix)];
        out.outcome = Outcome::Rejected {
            rejection: Rejection::AutomationModeInvalid,
            detail: why,
            issues,
        };
        return;
    }
    let before = directory.automation.sets().find(|it| it.scope == set.scope);
    let touch = Touch {
        who: context.actor.clone(),
        action: format!("automation.{}", set.mode.word()),
        on: playbook.unwrap_or("all").to_owned(),
        open_ms: 0,
        in_hand_ms: None,
        at: context.now,
    };
    out.decisions.push(Decision {
        about: "automation.mode".to_owned(),
        choice: set.mode.word().to_owned(),
        evidence: vec![
            Evidence::new("scope", playbook.unwrap_or("all playbooks"), "command"),
            Evidence::new("reason", set.reason.clone(), &set.by.name),
            Evidence::new("before", before.map_or("automatic", |it| it.mode.word()), "settings"),
            Evidence::new("on the wire", json!(on_the_wire), "outbox"),
        ],
        rule: "a person's decision".to_owned(),
    });
    out.views.push(views::automation_change(&set));
    out.outcome = Outcome::Done(json!({"mode": set.mode, "playbook": playbook, "on_the_wire": on_the_wire}));
    out.events.push(Event::AutomationModeChanged { set, on_the_wire });
    out.events.push(Event::TouchRecorded { touch });
}

/// A zone nobody knows would only be found when a time is to be told in it.
fn check_zone(zone: &str) -> Result<(), Vec<Issue>> {
    Timestamp::UNIX_EPOCH.in_tz(zone).map(drop).map_err(|_| {
        let why = format!("{zone:?} is no IANA time zone");
        vec![Issue::fatal(
            "settings.zone",
            "/zone",
            why,
            "Write it as in America/Chicago.",
        )]
    })
}

/// A carrier has a time to answer, and an expedited load cannot wait for days.
fn check_respond_within(minutes: u32) -> Result<(), Vec<Issue>> {
    let (least, most) = (capacity::RESPOND_WITHIN_MIN, capacity::RESPOND_WITHIN_MAX);
    if (least..=most).contains(&minutes) {
        return Ok(());
    }
    let why = format!("{minutes} minutes is no time in which to answer for an expedited load");
    let fix = format!("Give {least} to {most} minutes.");
    let at = "/respond_within_expedited_min";
    Err(vec![Issue::fatal("settings.respond_within", at, why, &fix)])
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
        Command::ChangePartner { partner } => {
            let unfit = Command::ChangePartner {
                partner: partner.clone(),
            }
            .issues();
            if !unfit.is_empty() {
                return Err(unfit);
            }
            if let PartnerRole::Customer { zone, .. } = &partner.role {
                check_zone(zone)?;
            }
            Event::PartnerChanged { partner }
        }
        Command::ChangeSource { source } => {
            check_zone(&source.zone)?;
            Event::SourceChanged { source }
        }
        Command::ChangeSite { site } => {
            site.zone.as_deref().map_or(Ok(()), check_zone)?;
            Event::SiteChanged { site }
        }
        Command::ChangeSettings { settings } => {
            check_respond_within(settings.respond_within_expedited_min)?;
            if let Some(issue) = settings.notice_reply_to.as_deref().and_then(notices::check_address) {
                let at = "/notice_reply_to".to_owned();
                return Err(vec![Issue { at, ..issue }]);
            }
            Event::SettingsChanged { settings }
        }
        Command::CreateOrder { .. }
        | Command::AnswerOffer { .. }
        | Command::DecideApproval { .. }
        | Command::AssignVehicle { .. }
        | Command::CoverLoad { .. }
        | Command::SettleHeld { .. }
        | Command::SwitchAutomation { .. }
        | Command::StateCapacity { .. }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_nobody_knows_is_refused_where_it_is_written() {
        assert!(check_zone("America/Chicago").is_ok());
        for unknown in ["Mars/Base", "", "Chicago time"] {
            let issues = check_zone(unknown).unwrap_err();
            assert_eq!(
                (issues[0].code.as_str(), issues[0].at.as_str()),
                ("settings.zone", "/zone")
            );
        }
    }
}
