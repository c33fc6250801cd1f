//! `signalbox bench`: figures of this machine, printed as one JSON object. Every figure comes from the product's own path,
//! with expressions, gate, audit and fsync on; only the carriers are a stand-in in the process that takes every offer.

mod client;
mod http;
mod instances;
mod kill;
mod kpi;
mod measure;
mod positions;
mod receiver;
mod restart;
mod sink;
mod x12;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args, Clone, Debug)]
pub struct Bench {
    #[arg(value_enum)]
    what: What,
    /// Which store.
    #[arg(long, value_enum, default_value_t = Backend::Sqlite)]
    store: Backend,
    /// PostgreSQL for `--store postgres`. A schema of its own is used.
    #[arg(long, env = "SIGNALBOX_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// How long to measure, seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Clients at once (`tender-http`, `ingest`), or instances under way (`tender`).
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    clients: Option<u32>,
    /// Requests a second of all clients together (`tender-http`, `ingest`); without it as many as there can be.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Open instances to restart with (`restart`), or loads to count (`kpi`).
    #[arg(long, default_value_t = 20_000)]
    instances: u32,
    /// Kills (`kill`).
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    kills: u32,
    /// Draws when each kill comes (`kill`).
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON (the only form; kept so that scripts may say it).
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Tender workflows a second in process: runtime and store.
    Tender,
    /// The same over HTTP: an order in, the carrier's answer in, covered.
    TenderHttp,
    /// Raw messages acknowledged a second over HTTP.
    Ingest,
    /// X12 read, megabytes a second on one thread.
    X12,
    /// Positions acknowledged a second over HTTP, 100 a message, with 1,000 open trips.
    Positions,
    /// From start to ready with many open instances.
    Restart,
    /// Every KPI counted, over all loads and over a hundredth of them.
    Kpi,
    /// A server process killed at random points under load: what was lost, what was done twice.
    Kill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    Sqlite,
    Postgres,
}

pub type Figures = BTreeMap<&'static str, f64>;

pub fn run(arguments: &Bench) -> anyhow::Result<ExitCode> {
    let url = match (arguments.store, &arguments.database_url) {
        (Backend::Sqlite, _) => None,
        (Backend::Postgres, Some(url)) => Some(url.as_str()),
        (Backend::Postgres, None) => bail!("--store postgres needs --database-url"),
    };
    let span = Duration::from_secs(arguments.seconds);
    let clients = |usual| arguments.clients.unwrap_or(usual) as usize;
    let drive = |usual| http::Drive {
        clients: clients(usual),
        span,
        per_second: arguments.rate,
    };
    let (name, figures) = match arguments.what {
        What::Tender => ("tender", instances::measure(url, span, clients(1_000))?),
        What::TenderHttp => ("tender-http", http::tender(url, drive(64))?),
        What::Ingest => ("ingest", http::ingest(url, drive(64))?),
        What::Kill if url.is_some() => bail!("kill runs on SQLite; leave --store away"),
        What::Kill => ("kill", kill::measure(arguments.kills, arguments.seed)?),
        What::X12 => ("x12", x12::measure(span)?),
        What::Positions => ("positions", positions::measure(url, span, clients(16))?),
        What::Kpi => ("kpi", kpi::measure(url, arguments.instances)?),
        What::Restart => ("restart", restart::measure(url, arguments.instances)?),
    };
    let store = if url.is_some() { "postgres" } else { "sqlite" };
    println!(
        "{}",
        json!({"bench": name, "store": store, "machine": measure::machine(), "figures": figures})
    );
    Ok(ExitCode::SUCCESS)
}
