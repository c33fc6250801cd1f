//! `signalbox demo`: a whole installation in a temporary directory, with people to sign in as and a world that acts.
//!
//! The world speaks only through public edges: it posts orders to `/in/*`, reads what arrives in carriers' folders and
//! posts their answers. Nothing of the demo knows more than a partner would.
//!
//! Before it opens, the world lives some hours as fast as the server comes to rest: a hand moves the clock. Then the
//! clock is let go. With `--speed max` it never is.

mod desk;
mod drive;
mod mailbox;
mod page;
mod people;
mod webhooks;

use crate::command_line::interrupted;
use crate::server::Server;
use crate::telemetry;
use crate::wiring::{Hand, Setup};
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use drive::Troupe;
use jiff::{SignedDuration, Timestamp};
use page::Stage;
use people::Cast;
use serde_json::{Value, json};
use signalbox_runtime::ports::Clock as _;
use signalbox_world::Climate;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tracing::error;

/// Where a demo listens if nobody says.
const LISTEN: &str = "127.0.0.1:8080";
/// World hours a headless demo runs where `--for` does not say.
const HOURS: u64 = 8;
/// What has happened when a demo opens for people.
const HISTORY_HOURS: u64 = 24;
/// Faster, and answers would come late for want of time to send them; `max` has no such limit, it waits for rest.
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
    /// How long the world has lived before the demo opens: 24h, or nothing with `--headless`.
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    history: Option<Duration>,
    /// How much faster than ours the world's time runs: a number, or `max` for as fast as everything comes to rest.
    #[arg(long, value_parser = speed, default_value = "30", value_name = "X")]
    speed: Speed,
    /// Print the credentials and the outcome as JSON.
    #[arg(long)]
    json: bool,
    /// Write base address and tokens here once everything is ready.
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Speed {
    Times(f64),
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Reference data and people, no loads.
    Empty,
    /// Orders for every tenant; carriers accept, decline, haggle, dawdle and stay silent; trucks drive.
    Day,
    /// The same while severe weather crosses the middle west.
    Storm,
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
    if folder.join("signalbox.db").exists() {
        bail!(
            "{} holds a log already, and a demo begins anew: give an empty --data-dir",
            folder.display()
        );
    }
    let carriers = webhooks::Carriers::listen().await?;
    let letters = folder.join("mailbox");
    // A world without events needs no clock of its own: whoever tests against it sets deadlines by the wall's.
    let start = (arguments.scenario != Scenario::Empty)
        .then(|| arguments.start())
        .transpose()?;
    let mut setup = Setup {
        by_hand: start,
        egress_allowed: vec![carriers.origin()?],
        mail_server: Some(mailbox::open(&letters)?),
        ..Setup::new(&folder)
    };
    if arguments.speed == Speed::Max {
        setup.couriers = 1;
    }
    let stage = Arc::new(Stage::new(letters.clone()));
    let server = listen(setup, arguments.listen.as_deref(), &stage).await?;
    let (installation, offers) = (Arc::clone(&server.installation), carriers.offers());
    let (seed, climate) = (arguments.seed, arguments.climate());
    let (cast, carriers) = tokio::task::spawn_blocking(move || {
        let start = installation.clock.now();
        people::settle(&installation, seed, climate, &carriers, start).map(|cast| (cast, carriers))
    })
    .await??;
    let cast = Arc::new(cast);
    let taking = carriers.open(server.installation.clock.clone())?;
    let troupe = Troupe::gather(&server, &cast, &offers, &letters)?;
    let outcome = tokio::select! {
        outcome = play(&server, &cast, troupe, &stage, &arguments) => outcome,
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
async fn listen(setup: Setup, listen: Option<&str>, stage: &Arc<Stage>) -> anyhow::Result<Server> {
    let beside = page::routes(stage);
    match listen {
        Some(listen) => Server::start_beside(setup, listen, beside).await,
        None => {
            let is_free = tokio::net::TcpListener::bind(LISTEN).await.is_ok();
            Server::start_beside(setup, if is_free { LISTEN } else { "127.0.0.1:0" }, beside).await
        }
    }
}

/// Lives the time before, opens, and lets the world go on: to its end, or until it is told to stop.
async fn play(
    server: &Server,
    cast: &Arc<Cast>,
    mut troupe: Troupe,
    stage: &Stage,
    arguments: &Demo,
) -> anyhow::Result<()> {
    let hand = server.installation.hand();
    if let Some(hand) = &hand {
        let history = arguments.history()?;
        if history > SignedDuration::ZERO && !arguments.headless {
            eprintln!(
                "Living {:.0} hours before you come ...",
                history.as_secs_f64() / 3_600.0
            );
        }
        troupe.live_by_hand(hand, hand.now().saturating_add(history)?).await?;
    }
    open(server, cast, stage, arguments)?;
    let now = server.installation.clock.now();
    let lasts = arguments
        .lasts
        .or(arguments.headless.then_some(Duration::from_secs(HOURS * 3_600)));
    let until = lasts
        .map(SignedDuration::try_from)
        .transpose()?
        .map(|it| now.saturating_add(it))
        .transpose()?;
    match (hand, arguments.speed) {
        // Nothing happens by itself; the time still passes for whoever acts from outside.
        (None, _) => match arguments.lasts {
            Some(lasts) if arguments.headless => tokio::time::sleep(lasts).await,
            _ => std::future::pending::<()>().await,
        },
        (Some(hand), Speed::Max) => {
            let until = until.unwrap_or(now.saturating_add(SignedDuration::from_hours(HOURS as i64))?);
            troupe.live_by_hand(&hand, until).await?;
        }
        (Some(hand), Speed::Times(speed)) => {
            let gone = Hand::let_go(hand, speed);
            gone.map_err(|why| anyhow::anyhow!("the clock cannot be let go: {why:?}"))?;
            troupe.live_on(&server.installation, until).await;
        }
    }
    if !arguments.headless {
        eprintln!("The world's time is over. The server goes on; ctrl-C ends it.");
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// Says who may come in, and how.
fn open(server: &Server, cast: &Arc<Cast>, stage: &Stage, arguments: &Demo) -> anyhow::Result<()> {
    let credentials = cast.credentials(&server.base());
    stage.open(Arc::clone(cast));
    if let Some(file) = &arguments.credentials {
        write_whole(file, &credentials)?;
    }
    if arguments.headless {
        return Ok(());
    }
    if arguments.json {
        println!("{credentials}");
    }
    welcome(server, cast, arguments);
    Ok(())
}

impl Demo {
    fn scenario_name(&self) -> String {
        self.scenario
            .to_possible_value()
            .map(|it| it.get_name().to_owned())
            .unwrap_or_default()
    }

    fn climate(&self) -> Climate {
        match self.scenario {
            Scenario::Empty | Scenario::Day => Climate::Ordinary,
            Scenario::Storm => Climate::Storm,
        }
    }

    fn history(&self) -> anyhow::Result<SignedDuration> {
        let usual = if self.headless { 0 } else { HISTORY_HOURS * 3_600 };
        Ok(SignedDuration::try_from(
            self.history.unwrap_or(Duration::from_secs(usual)),
        )?)
    }

    /// When the world begins: its history ends about now, on a whole minute.
    fn start(&self) -> anyhow::Result<Timestamp> {
        let now = signalbox_connectors::clock::WallClock::new().now();
        let begins = now.checked_sub(self.history()?)?.as_second();
        Ok(Timestamp::from_second(begins / 60 * 60)?)
    }
}

fn welcome(server: &Server, cast: &Cast, arguments: &Demo) {
    let speed = match arguments.speed {
        Speed::Times(times) => format!("{times} times as fast as life"),
        Speed::Max => "as fast as it can".to_owned(),
    };
    eprintln!(
        "\nSignalbox demo: everything is simulated, seed {}, {speed}.",
        arguments.seed
    );
    match &arguments.data_dir {
        Some(folder) => eprintln!("Its data stays in {}.", folder.display()),
        None => eprintln!("Its data is gone when it ends. Ctrl-C ends it."),
    }
    if server.address.ip().is_loopback() {
        eprintln!(
            "\n  {}/demo\n\nOpen it to sign in as anybody with one click, and to play three stories.",
            server.base()
        );
        return;
    }
    // The page that signs in by a click is for this machine alone.
    for tenant in &cast.tenants {
        eprintln!("\n{}", tenant.name);
        for role in ["dispatcher", "manager", "integrator", "admin"] {
            if let Some(token) = tenant.tokens.get(role) {
                eprintln!("  {role:<11} {}/#token={token}", server.base());
            }
        }
    }
    if std::io::stderr().is_terminal() {
        eprintln!("\nOpen a link to sign in.\n");
    }
}

/// Whole under its name or not there at all: whoever waits for the file may read it at once.
fn write_whole(file: &Path, value: &Value) -> anyhow::Result<()> {
    let beside = file.with_extension("part");
    std::fs::write(&beside, format!("{value}\n")).with_context(|| format!("cannot write {}", beside.display()))?;
    std::fs::rename(&beside, file).with_context(|| format!("cannot write {}", file.display()))
}

fn speed(text: &str) -> anyhow::Result<Speed> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let speed: f64 = text
        .trim_end_matches('x')
        .parse()
        .context("a number such as 30, or `max`")?;
    if (1.0..=SPEED_FASTEST).contains(&speed) {
        return Ok(Speed::Times(speed));
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
            [
                Some(Speed::Max),
                Some(Speed::Times(30.0)),
                Some(Speed::Times(2.0)),
                None,
                None
            ]
        );
    }
}
