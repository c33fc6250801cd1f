//! Every file under `scenarios/` against the server as its users meet it: over HTTP, with real files and webhooks out, on
//! SQLite and on PostgreSQL. What happened must be, event for event, what happens in memory.
//!
//! PostgreSQL takes part where `SIGNALBOX_TEST_POSTGRES=postgres://...` names a server whose user may make roles and
//! schemas; `cargo xtask test` starts one.

mod boundary;
mod exim;
mod ground;
mod mailboxes;
mod outside;
mod stores;
mod timeline;

use boundary::HttpBoundary;
use exim::Exim;
use ground::Ground;
use mailboxes::Mailboxes;
use signalbox_sim::scenario::alike::difference;
use signalbox_sim::scenario::language::{Scenario, files};
use signalbox_sim::scenario::run;
use signalbox_sim::scenario::runtime_boundary::RuntimeBoundary;
use std::sync::Arc;

#[test]
fn every_scenario_holds_over_http_on_sqlite() {
    every_scenario_holds(|| Some(Ground::sqlite()));
}

#[test]
fn every_scenario_holds_over_http_on_postgres() {
    every_scenario_holds(Ground::postgres);
}

/// The scenarios of notices once more, with letters that go through Exim by STARTTLS into its mailbox.
#[test]
fn every_notice_holds_with_a_real_mail_server() {
    let runtime = Arc::new(tokio::runtime::Runtime::new().unwrap());
    let mut held = 0;
    let mut failures = Vec::new();
    for (name, scenario) in files()
        .unwrap()
        .into_iter()
        .filter(|(name, _)| name.starts_with("notice_"))
    {
        let Some(exim) = Exim::start() else { return };
        let mailboxes = Mailboxes::Real(exim.unwrap());
        let holds = holds_with(&scenario, &Ground::sqlite(), &runtime, mailboxes);
        failures.extend(holds.err().map(|it| format!("{name}: {it}")));
        held += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(held >= NOTICES_MIN, "only {held} scenarios of notices were found");
}

/// Fewer than this means that they have other names now.
const NOTICES_MIN: usize = 9;

fn every_scenario_holds(ground: impl Fn() -> Option<Ground>) {
    let runtime = Arc::new(tokio::runtime::Runtime::new().unwrap());
    let mut failures = Vec::new();
    for (name, scenario) in files().unwrap() {
        let Some(ground) = ground() else { return };
        failures.extend(
            holds(&scenario, &ground, &runtime)
                .err()
                .map(|it| format!("{name}: {it}")),
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn holds(scenario: &Scenario, ground: &Ground, runtime: &Arc<tokio::runtime::Runtime>) -> Result<(), String> {
    holds_with(scenario, ground, runtime, Mailboxes::open()?)
}

fn holds_with(
    scenario: &Scenario,
    ground: &Ground,
    runtime: &Arc<tokio::runtime::Runtime>,
    mailboxes: Mailboxes,
) -> Result<(), String> {
    let in_memory = run(scenario, &mut RuntimeBoundary::new()?)?;
    let mut http = HttpBoundary::new(ground, runtime, mailboxes)?;
    let over_http = run(scenario, &mut http);
    let audited = http.audit_verifies();
    http.end();
    if let Some(differ) = difference(&in_memory, &over_http?) {
        return Err(format!("in memory and over HTTP differ: {differ}"));
    }
    audited
}
