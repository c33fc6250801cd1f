//! `signalbox demo`: a whole installation in a temporary directory, with people to sign in as and a world that acts.
//!
//! The world speaks only through public edges: it posts orders to `/in/*`, reads what arrives in carriers' folders and
//! posts their answers. Nothing of the demo knows more than a partner would.

mod drive;
mod mailbox;
mod people;
mod webhooks;

use crate::command_line::interrupted;
use crate::server::Server;
use crate::telemetry;
use crate::wiring::Setup;
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use people::Cast;
use serde_json::{Value, json};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tracing::error;
use webhooks::Offers;

/// Where a demo listens if nobody says.
const LISTEN: &str = "127.0.0.1:8080";
/// World hours a demo runs where `--for` does not say.
const HOURS: u64 = 8;
/// What `--speed max` means: a world hour in under four seconds. Faster, and answers would come late for want of time to send them.
const SPEED_FASTEST: f64 = 1_000.0;

#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// No links, no waiting: run `--for` as long, print the outcome as JSON and end.
    #[arg(long)]
    headless: bool,
    /// Address and port; port 0 takes a free one. Without it 127.0.0.1:8080, or a free port where that is taken.
    #[arg(long, env = "SIGNALBOX_LISTEN", value_name = "ADDR")]
    listen: Option<String>,
    /// Keep the demo's data here. A temporary directory, gone at the end, without it.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Scenario::Day)]
    scenario: Scenario,
    /// The same seed makes the same world.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How long the world runs, in its own time: 90s, 30m, 8h.
    #[arg(long = "for", value_parser = duration, value_name = "DURATION")]
    lasts: Option<Duration>,
    /// How much faster than ours the world's time runs: a number, or `max`.
    #[arg(long, value_parser = speed, default_value = "30", value_name = "X")]
    speed: f64,
    /// Print the credentials and the outcome as JSON.
    #[arg(long)]
    json: bool,
    /// Write base address and tokens here once everything is ready.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Reference data and people, no loads.
    Empty,
    /// A day of orders for every tenant; carriers accept, decline, haggle, dawdle and stay silent.
    Day,
}

pub async fn run(arguments: Demo) -> anyhow::Result<ExitCode> {
    let _telemetry = telemetry::start()?;
    let temporary = match &arguments.data_dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("cannot make a temporary directory; give one with --data-dir")?),
    };
    let folder = arguments
        .data_dir
        .clone()
        .or_else(|| temporary.as_ref().map(|it| it.path().to_owned()));
    let folder = folder.context("a demo needs a directory")?;
    // A world without events needs no fast clock: whoever tests against it sets deadlines by the wall's.
    let speed = if arguments.scenario == Scenario::Empty {
        1.0
    } else {
        arguments.speed
    };
    let carriers = webhooks::Carriers::listen().await?;
    let setup = Setup {
        speed,
        egress_allowed: vec![carriers.origin()?],
        mail_server: Some(mailbox::open(&folder.join("mailbox"))?),
        ..Setup::new(&folder)
    };
    let server = start(setup, arguments.listen.as_deref()).await?;
    let (installation, seed) = (Arc::clone(&server.installation), arguments.seed);
    let offers = carriers.offers();
    let (cast, carriers) = tokio::task::spawn_blocking(move || {
        people::settle(&installation, seed, &carriers).map(|cast| (cast, carriers))
    })
    .await??;
    let clock = server.installation.clock.clone();
    let taking = carriers.open(clock)?;
    let credentials = cast.credentials(&server.base());
    if let Some(file) = &arguments.credentials {
        write_whole(file, &credentials)?;
    }
    if arguments.json && !arguments.headless {
        println!("{credentials}");
    }
    if !arguments.headless {
        welcome(&server, &cast, &arguments, speed);
    }
    let outcome = tokio::select! {
        outcome = play(&server, &cast, &offers, &arguments) => outcome,
        () = interrupted() => Ok(()),
        why = server.died() => {
            error!("{why}");
            Err(anyhow::anyhow!(why))
        }
    };
    if arguments.headless || arguments.json {
        println!(
            "{}",
            drive::outcome(&server.installation, &arguments.scenario_name(), arguments.seed)?
        );
    }
    taking.abort();
    server.stop().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

/// On the address that was asked for; else on the usual one, or a free port where another program has that.
async fn start(setup: Setup, listen: Option<&str>) -> anyhow::Result<Server> {
    match listen {
        Some(listen) => Server::start(setup, listen).await,
        None => {
            let is_free = tokio::net::TcpListener::bind(LISTEN).await.is_ok();
            Server::start(setup, if is_free { LISTEN } else { "127.0.0.1:0" }).await
        }
    }
}

/// Runs the world, then goes on serving unless headless.
async fn play(server: &Server, cast: &Cast, offers: &Offers, arguments: &Demo) -> anyhow::Result<()> {
    let lasts = arguments.lasts.unwrap_or(Duration::from_secs(HOURS * 3600));
    match arguments.scenario {
        Scenario::Day => drive::day(server, cast, offers, lasts).await?,
        // Nothing happens by itself; the time still passes for whoever acts from outside.
        Scenario::Empty => match (arguments.lasts, arguments.headless) {
            (Some(lasts), true) => tokio::time::sleep(lasts).await,
            _ => std::future::pending::<()>().await,
        },
    }
    if !arguments.headless {
        eprintln!("The world's day is over. The server goes on; ctrl-C ends it.");
        std::future::pending::<()>().await;
    }
    Ok(())
}

impl Demo {
    fn scenario_name(&self) -> String {
        self.scenario
            .to_possible_value()
            .map(|it| it.get_name().to_owned())
            .unwrap_or_default()
    }
}

fn welcome(server: &Server, cast: &Cast, arguments: &Demo, speed: f64) {
    eprintln!(
        "\nSignalbox demo: everything is simulated, seed {}, {speed} times as fast as life.",
        arguments.seed
    );
    match &arguments.data_dir {
        Some(folder) => eprintln!("Its data stays in {}.", folder.display()),
        None => eprintln!("Its data is gone when it ends. Ctrl-C ends it."),
    }
    for tenant in &cast.tenants {
        eprintln!("\n{}", tenant.name);
        for role in ["dispatcher", "manager", "integrator", "admin"] {
            if let Some(token) = tenant.tokens.get(role) {
                eprintln!("  {role:<11} {}/#token={token}", server.base());
            }
        }
    }
    if std::io::stderr().is_terminal() {
        eprintln!(
            "\nOpen a link to sign in. Run `signalbox send FILE --to {}/in/edi --token …` to send your own.\n",
            server.base()
        );
    }
}

/// Whole under its name or not there at all: whoever waits for the file may read it at once.
fn write_whole(file: &Path, value: &Value) -> anyhow::Result<()> {
    let beside = file.with_extension("part");
    std::fs::write(&beside, format!("{value}\n")).with_context(|| format!("cannot write {}", beside.display()))?;
    std::fs::rename(&beside, file).with_context(|| format!("cannot write {}", file.display()))
}

fn speed(text: &str) -> anyhow::Result<f64> {
    if text == "max" {
        return Ok(SPEED_FASTEST);
    }
    let speed: f64 = text
        .trim_end_matches('x')
        .parse()
        .context("a number such as 30, or `max`")?;
    if (1.0..=SPEED_FASTEST).contains(&speed) {
        return Ok(speed);
    }
    bail!("1 to {SPEED_FASTEST}, or `max`")
}

/// `90s`, `30m`, `8h`, `1d`; a bare number is seconds.
fn duration(text: &str) -> anyhow::Result<Duration> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let number: u64 = digits
        .parse()
        .with_context(|| format!("{text:?} is no duration: write 90s, 30m or 8h"))?;
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        other => bail!("{other:?} is no unit: write 90s, 30m, 8h or 1d"),
    };
    Ok(Duration::from_secs(number.saturating_mul(unit)))
}

impl Cast {
    fn credentials(&self, base: &str) -> Value {
        let tenants: Vec<Value> = self
            .tenants
            .iter()
            .map(|it| json!({"id": it.id, "name": it.name, "tokens": it.tokens}))
            .collect();
        json!({"base": base, "partner": {"name": people::PARTNER, "tenants": self.tenants.iter().map(|it| &it.id).collect::<Vec<_>>()}, "tenants": tenants})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_speeds_read_as_people_write_them() {
        let seconds = |text| duration(text).map(|it| it.as_secs()).ok();
        assert_eq!(
            ["90s", "30m", "8h", "1d", "5", "x", "3y"].map(seconds),
            [Some(90), Some(1_800), Some(28_800), Some(86_400), Some(5), None, None]
        );
        assert_eq!(
            ["max", "30", "2x", "0", "nan"].map(|it| speed(it).ok()),
            [Some(1_000.0), Some(30.0), Some(2.0), None, None]
        );
    }
}
