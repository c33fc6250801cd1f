//! What a server stands on in a test: SQLite in its data directory, or a schema of its own on a PostgreSQL server.

use signalbox_server::wiring::Setup;
use signalbox_store::PostgresOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

pub enum Ground {
    Sqlite,
    Postgres { url: String, options: PostgresOptions },
}

impl Ground {
    pub fn sqlite() -> Self {
        Self::Sqlite
    }

    /// Without a server the test says so aloud and passes, except in CI.
    pub fn postgres() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var("SIGNALBOX_TEST_POSTGRES") else {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "CI must set SIGNALBOX_TEST_POSTGRES"
            );
            // Past the test harness, which would keep it back.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: no PostgreSQL; set SIGNALBOX_TEST_POSTGRES=postgres://..."
            );
            return None;
        };
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let options = PostgresOptions {
            schema: format!("signalbox_http_{}_{number}", std::process::id()),
            // The tests' own server does not sync; what these tests judge is not durability.
            allow_unsafe_durability: true,
            readers_max: 3,
            ..PostgresOptions::default()
        };
        Some(Self::Postgres { url, options })
    }

    pub fn setup(&self, data_dir: &Path) -> Setup {
        let setup = Setup::new(data_dir);
        match self {
            Self::Sqlite => setup,
            Self::Postgres { url, options } => Setup {
                database_url: Some(url.clone()),
                postgres: options.clone(),
                ..setup
            },
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Self::Postgres { url, options } = self
            && let Ok(mut client) = postgres::Client::connect(url, postgres::NoTls)
        {
            let _ = client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", options.schema));
        }
    }
}
