//! What a running installation is made of: data directory, store, keys, the writer thread, couriers, watched folders.
//!
//! Invariant: one thread writes. All others read the store and hand their requests to that thread.

mod appender;
mod clock;
mod couriers;
mod data_dir;
mod directories;
mod folders;
mod hand;
mod key_guard;
mod live;
mod pump;
mod secrets;

pub use clock::ServerClock;
pub use data_dir::{DataDir, MASTER_KEY, MasterSecret};
pub use directories::{Directories, PLATFORM};
pub use folders::Folders;
pub use hand::{AtRest, Hand, Held};
pub(crate) use key_guard::check as check_key;
pub use live::{Followed, Live, Place};
pub use pump::{Handle, Overflow, QUEUE_MAX, Standing};
pub use secrets::secrets;

use anyhow::Context as _;
use couriers::COURIERS;
use jiff::Timestamp;
use pump::Pump;
use signalbox_connectors::outbound::{Couriers, advisor, egress::Allowed, folder::Folder, mail, webhook::Webhook};
use signalbox_engine::views;
use signalbox_runtime::machine::{Config, Machine};
use signalbox_runtime::ports::{Clock, Courier, Store};
use signalbox_runtime::vault::Vault;
use signalbox_store::{Postgres, PostgresOptions, Sqlite};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// How an installation is set up. Everything here comes from the command line, the environment or a test.
#[derive(Clone)]
pub struct Setup {
    pub data_dir: PathBuf,
    /// PostgreSQL; SQLite in the data directory where there is none.
    pub database_url: Option<String>,
    pub postgres: PostgresOptions,
    /// The master key's file, where it is kept elsewhere.
    pub master_key_file: Option<PathBuf>,
    /// Addresses that outbound webhooks may reach besides the public internet, one a line as `egress::Allowed` reads them.
    pub egress_allowed: Vec<String>,
    /// Where notices are handed over to be mailed.
    pub mail_server: Option<mail::Server>,
    /// The language model that may be asked for summaries and drafts.
    pub advisor: Option<advisor::Endpoint>,
    /// How much faster than the world's the clock runs; 1 except in a demo.
    pub speed: f64,
    /// The clock stands here until `Installation::hand` moves it. For tests and the demo.
    pub by_hand: Option<Timestamp>,
    /// Deliveries under way at once. With one, they leave one after the other as they were ordered.
    pub couriers: usize,
    /// Performs effects in place of the real couriers, for benchmarks.
    pub courier: Option<Arc<dyn Courier>>,
}

impl Setup {
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database_url: None,
            postgres: PostgresOptions::default(),
            master_key_file: None,
            egress_allowed: Vec::new(),
            mail_server: None,
            advisor: None,
            speed: 1.0,
            by_hand: None,
            couriers: COURIERS,
            courier: None,
        }
    }
}

/// A running installation.
pub struct Installation {
    pub data_dir: DataDir,
    pub store: Arc<dyn Store>,
    pub vault: Arc<Vault>,
    pub clock: Arc<ServerClock>,
    pub pump: Handle,
    pub directories: Arc<Directories>,
    pub live: Arc<Live>,
    pub secrets: signalbox_connectors::secret::Secrets,
    threads: Mutex<Option<Threads>>,
}

impl Installation {
    /// Opens the store, recovers and starts the writer, the couriers and the watched folders. Blocking.
    pub fn start(setup: &Setup) -> anyhow::Result<Self> {
        let data_dir = DataDir::open(&setup.data_dir)?;
        let master = data_dir.master_secret(setup.master_key_file.as_deref(), setup.database_url.is_some())?;
        let store = open_store_with(&data_dir, setup.database_url.as_deref(), setup.postgres.clone())?;
        let vault = Arc::new(Vault::new(master.key()));
        // Before the log is taken over: a server with a wrong key must not stop the one that runs.
        let guard = key_guard::check(store.as_ref(), &vault).inspect_err(|_| master.forget())?;
        let clock = Arc::new(
            setup
                .by_hand
                .map_or_else(|| ServerClock::at_speed(setup.speed), ServerClock::by_hand),
        );
        let config = Config {
            owner: owner_name(),
            master: master.key(),
        };
        let machine = Machine::open(Arc::clone(&store), config, clock.now()).context("cannot take up the log")?;
        guard.keep(store.as_ref(), machine.epoch())?;
        let secrets = secrets(data_dir.secrets());
        let courier: Arc<dyn Courier> = match &setup.courier {
            Some(courier) => Arc::clone(courier),
            None => Arc::new(Couriers {
                folder: Folder::new(data_dir.outbound()),
                webhook: Webhook::new(Arc::clone(&secrets), clock.clone(), allowed(setup)?)?,
                mail: setup.mail_server.clone().map(mail::Mail::new).transpose()?,
                advisor: match setup.advisor.clone() {
                    Some(endpoint) => Some(Box::new(advisor::OpenAi::new(
                        endpoint,
                        clock.clone(),
                        advisor::LIMITS,
                    )?)),
                    None => None,
                },
            }),
        };
        let started = Pump::start(machine, Arc::clone(&store), Arc::clone(&clock), courier, setup.couriers)?;
        let folders = Folders::watch(
            &data_dir,
            started.handle.clone(),
            Arc::clone(&started.directories),
            clock.clone(),
        );
        Ok(Self {
            store,
            vault,
            clock,
            pump: started.handle,
            directories: started.directories,
            live: started.live,
            secrets,
            threads: Mutex::new(Some(Threads {
                writer: started.thread,
                folders: folders?,
            })),
            data_dir,
        })
    }

    /// The hand that drives the clock, where the set-up gave one.
    pub fn hand(&self) -> Option<Hand> {
        Hand::of(&self.clock, &self.pump)
    }

    /// Takes up what is queued, brings the indexes up to date and ends the threads. Blocking; a second call does nothing.
    pub fn stop(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Threads { writer, folders }) = threads.take() else {
            return;
        };
        drop(folders);
        self.pump.stop();
        // A writer that died has said so through its standing already.
        let _ = writer.join();
    }
}

struct Threads {
    writer: std::thread::JoinHandle<()>,
    /// Ends its thread when dropped.
    folders: Folders,
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn open_store(data_dir: &DataDir, database_url: Option<&str>) -> anyhow::Result<Arc<dyn Store>> {
    open_store_with(data_dir, database_url, PostgresOptions::default())
}

fn open_store_with(
    data_dir: &DataDir,
    database_url: Option<&str>,
    postgres: PostgresOptions,
) -> anyhow::Result<Arc<dyn Store>> {
    match database_url {
        None => {
            let path = data_dir.database();
            let store = Sqlite::open(&path, views::ALL).with_context(|| format!("cannot open {}", path.display()))?;
            Ok(Arc::new(store))
        }
        Some(url) => {
            let store = Postgres::open(url, views::ALL, postgres);
            Ok(Arc::new(store.context(
                "cannot open the PostgreSQL store. Check --database-url and that the server is up",
            )?))
        }
    }
}

fn allowed(setup: &Setup) -> anyhow::Result<Allowed> {
    Allowed::parse(setup.egress_allowed.iter().map(String::as_str)).context("the list of allowed outbound addresses")
}

/// Whose turn it is, for people who look at the lock: host and process.
fn owner_name() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "signalbox".to_owned());
    format!("{host}:{}", std::process::id())
}
