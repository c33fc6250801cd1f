//! What a store stands on in a test, so that it can be opened twice and started again after a crash.

use signalbox_model::view::{Column, ColumnIndex, ColumnKind, ViewDefinition};
use signalbox_runtime::memory::Memory;
use signalbox_runtime::ports::Store;
use signalbox_store::{Postgres, PostgresOptions, Sqlite};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub const LOADS: ViewDefinition = ViewDefinition {
    name: "loads",
    columns: &[
        Column {
            name: "status",
            kind: ColumnKind::Text,
            index: ColumnIndex::Full,
        },
        Column {
            name: "rank",
            kind: ColumnKind::Integer,
            index: ColumnIndex::Present(&["late"]),
        },
        Column {
            name: "late",
            kind: ColumnKind::Boolean,
            index: ColumnIndex::None,
        },
    ],
    version: 1,
};
pub const INBOX: ViewDefinition = ViewDefinition {
    name: "inbox",
    columns: &[Column {
        name: "order",
        kind: ColumnKind::Text,
        index: ColumnIndex::Full,
    }],
    version: 1,
};
pub const VIEWS: &[ViewDefinition] = &[LOADS, INBOX];

pub enum Ground {
    Memory(Arc<Memory>),
    Sqlite(tempfile::TempDir),
    Postgres { url: String, schema: String },
}

impl Ground {
    pub fn memory() -> Option<Self> {
        Some(Self::Memory(Arc::new(Memory::new())))
    }

    pub fn sqlite() -> Option<Self> {
        Some(Self::Sqlite(tempfile::tempdir().unwrap()))
    }

    /// A schema of its own. Without a server the test says so aloud and passes, except in CI.
    pub fn postgres() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var("SIGNALBOX_TEST_POSTGRES") else {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "CI must set SIGNALBOX_TEST_POSTGRES"
            );
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: no PostgreSQL; set SIGNALBOX_TEST_POSTGRES=postgres://..."
            );
            return None;
        };
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Some(Self::Postgres {
            url,
            schema: format!("signalbox_test_{}_{number}", std::process::id()),
        })
    }

    pub fn open(&self) -> Arc<dyn Store> {
        self.open_with(VIEWS)
    }

    pub fn open_with(&self, views: &'static [ViewDefinition]) -> Arc<dyn Store> {
        match self {
            Self::Memory(memory) => Arc::clone(memory) as Arc<dyn Store>,
            Self::Sqlite(_) => Arc::new(Sqlite::open(self.path(), views).unwrap()),
            Self::Postgres { url, .. } => Arc::new(Postgres::open(url, views, self.options()).unwrap()),
        }
    }

    pub fn options(&self) -> PostgresOptions {
        let Self::Postgres { schema, .. } = self else {
            panic!("not PostgreSQL")
        };
        PostgresOptions {
            schema: schema.clone(),
            allow_unsafe_durability: true,
            readers_max: 3,
            ..Default::default()
        }
    }

    pub fn path(&self) -> PathBuf {
        let Self::Sqlite(folder) = self else {
            panic!("not SQLite")
        };
        folder.path().join("signalbox.db")
    }

    /// A connection as the user of the URL, past the store.
    pub fn connection(&self) -> postgres::Client {
        let Self::Postgres { url, .. } = self else {
            panic!("not PostgreSQL")
        };
        postgres::Client::connect(url, postgres::NoTls).unwrap()
    }

    /// Drop every store opened here before; then this is the machine after a power cut.
    pub fn crash(&self) {
        if let Self::Memory(memory) = self {
            memory.crash_losing_unsynced();
        }
    }

    /// Memory keeps no tables whose shape a view could change.
    pub fn has_tables(&self) -> bool {
        !matches!(self, Self::Memory(_))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Self::Postgres { schema, .. } = self {
            let schema = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
            let _ = self.connection().batch_execute(&schema);
        }
    }
}
