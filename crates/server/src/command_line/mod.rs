//! The `signalbox` command. Data goes to stdout, messages to stderr; every error says what to do next.

mod audit;
mod playbook;
mod send;
mod serve;

use crate::bench::Bench;
use crate::{demo, doctor, edge};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use signalbox_connectors::outbound::mail;
use signalbox_connectors::secret::Secret;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Self-hosted dispatch automation: orders, tenders, carriers and people, from one binary.
#[derive(Parser)]
#[command(name = "signalbox", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  signalbox demo                                  a seeded world in a temporary directory
  signalbox serve --data-dir ./data               run an installation on SQLite
  signalbox doctor --data-dir ./data              is everything in place?
  signalbox send order.edi --to http://127.0.0.1:8080/in/edi --token sbx_…
  signalbox playbook test playbooks/load-tender   does a playbook do what its tests say?
  signalbox audit verify audit.jsonl --key 'signalbox/ten_main+…'";

#[derive(Subcommand)]
enum Command {
    /// Run an installation.
    Serve(Serve),
    /// Run a seeded world in a temporary directory, with people to sign in as.
    Demo(demo::Demo),
    /// Check port, disk, clock, store and console, and say what to do.
    Doctor(doctor::Doctor),
    /// Check an audit export, offline.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Check and test a playbook's folder, offline.
    #[command(subcommand)]
    Playbook(playbook::Playbook),
    /// Send a file to a source, as a partner's system would.
    Send(send::Send),
    /// Measure this machine and print the figures as JSON.
    Bench(Bench),
    /// Print the HTTP contract (OpenAPI 3.1).
    Openapi,
}

/// Where an installation keeps what is its own.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// Where the log, the master key and the folders for files are.
    #[arg(
        long,
        env = "SIGNALBOX_DATA_DIR",
        default_value = "./signalbox-data",
        value_name = "DIR"
    )]
    pub data_dir: PathBuf,
    /// PostgreSQL, for example postgres://signalbox@db/signalbox. SQLite in the data directory without it.
    #[arg(long, env = "SIGNALBOX_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The master key's file, if it is kept elsewhere than in the data directory.
    #[arg(long, env = "SIGNALBOX_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,
    /// An address in your own network that webhooks may call, besides the public internet. May be repeated.
    #[arg(
        long = "allow-egress",
        env = "SIGNALBOX_ALLOW_EGRESS",
        value_delimiter = ',',
        value_name = "HOST:PORT"
    )]
    pub allow_egress: Vec<String>,
    #[command(flatten)]
    pub smtp: Smtp,
    /// A language model behind an OpenAI-compatible address, asked for summaries and drafts where a tenant wants that.
    #[arg(long, env = "SIGNALBOX_ADVISOR_URL", value_name = "URL", requires = "advisor_model")]
    pub advisor_url: Option<String>,
    /// The model's name there.
    #[arg(long, env = "SIGNALBOX_ADVISOR_MODEL", value_name = "NAME", requires = "advisor_url")]
    pub advisor_model: Option<String>,
    /// A file with the key for it.
    #[arg(
        long,
        env = "SIGNALBOX_ADVISOR_KEY_FILE",
        value_name = "FILE",
        requires = "advisor_url"
    )]
    pub advisor_key_file: Option<PathBuf>,
}

/// The mail server that notices leave by. Without one they are not sent, and a person is told.
#[derive(Args, Clone, Debug)]
pub struct Smtp {
    /// Name or address of the mail server.
    #[arg(long, env = "SIGNALBOX_SMTP_HOST", value_name = "HOST", requires = "smtp_sender")]
    pub smtp_host: Option<String>,
    /// 587 for starttls, 465 for implicit, 25 for none where absent.
    #[arg(long, env = "SIGNALBOX_SMTP_PORT", value_name = "PORT")]
    pub smtp_port: Option<u16>,
    /// How the connection is kept private. `none` is for a mail server on this machine only.
    #[arg(long, env = "SIGNALBOX_SMTP_TLS", value_enum, default_value_t = SmtpTls::Starttls, value_name = "MODE")]
    pub smtp_tls: SmtpTls,
    /// The address that notices come from.
    #[arg(long, env = "SIGNALBOX_SMTP_SENDER", value_name = "ADDRESS")]
    pub smtp_sender: Option<String>,
    /// User name at the mail server, if it wants one.
    #[arg(
        long,
        env = "SIGNALBOX_SMTP_USER",
        value_name = "NAME",
        requires = "smtp_secret_file"
    )]
    pub smtp_user: Option<String>,
    /// File with the password.
    #[arg(long, env = "SIGNALBOX_SMTP_SECRET_FILE", value_name = "FILE")]
    pub smtp_secret_file: Option<PathBuf>,
    /// PEM file of an authority that the mail server's certificate comes from, if the system does not know it.
    #[arg(long, env = "SIGNALBOX_SMTP_CA_FILE", value_name = "FILE")]
    pub smtp_ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SmtpTls {
    /// Begins in clear and must become private before anything is said.
    Starttls,
    /// Private from the first byte.
    Implicit,
    None,
}

impl Smtp {
    /// The mail server as it is set, if one is.
    pub fn server(&self) -> anyhow::Result<Option<mail::Server>> {
        let (Some(host), Some(sender)) = (&self.smtp_host, &self.smtp_sender) else {
            return Ok(None);
        };
        let tls = match self.smtp_tls {
            SmtpTls::Starttls => mail::Tls::Starttls,
            SmtpTls::Implicit => mail::Tls::Implicit,
            SmtpTls::None => mail::Tls::None,
        };
        let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        let secret = self.smtp_secret_file.as_ref().map(read).transpose()?;
        let secret = secret
            .map(String::from_utf8)
            .transpose()
            .context("the password is no text")?;
        let login = self.smtp_user.clone().zip(secret);
        Ok(Some(mail::Server {
            host: host.clone(),
            port: self.smtp_port.unwrap_or_else(|| tls.port()),
            tls,
            login: login.map(|(user, secret)| (user, Secret::new(secret.trim().to_owned()))),
            sender: sender.clone(),
            authority: self.smtp_ca_file.as_ref().map(read).transpose()?,
        }))
    }
}

#[derive(Args, Clone, Debug)]
pub struct Serve {
    #[command(flatten)]
    pub place: Place,
    /// Address and port; put a proxy with TLS in front of anything but this machine.
    #[arg(
        long,
        env = "SIGNALBOX_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR"
    )]
    pub listen: String,
}

/// Reads the arguments and runs the command.
pub fn run() -> ExitCode {
    let command = CommandLine::parse().command;
    match dispatch(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("signalbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(arguments) => on_tokio(serve::run(arguments)),
        Command::Demo(arguments) => on_tokio(demo::run(arguments)),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Playbook(arguments) => playbook::run(&arguments),
        Command::Send(arguments) => on_tokio(send::run(arguments)),
        Command::Bench(arguments) => crate::bench::run(&arguments),
        Command::Openapi => {
            // Whoever reads only the beginning closes the pipe; that is no failure worth a panic.
            std::io::stdout().write_all(edge::document()?.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn on_tokio(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Resolves at ctrl-C or a wish to terminate.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    // Where signals cannot be listened to, the process ends as the system ends it.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
