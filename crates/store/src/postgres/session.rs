//! One connection, in the role that owns nothing.
//!
//! Invariant: no statement of the store runs before role, search path and durability are set.

use super::error::Failure;
use super::text::encode;
use crate::batch::TENANT_SEPARATOR;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement};
use signalbox_runtime::ports::StoreError;
use std::collections::HashMap;
use std::time::Duration;

/// Filters make ever new queries; the server keeps each prepared statement until it is closed.
const STATEMENTS_MAX: usize = 200;
const CONNECT_WAIT: Duration = Duration::from_secs(5);
const SILENCE_MAX: Duration = Duration::from_secs(30);

pub(super) struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

/// How to reach the database.
pub(super) struct Target {
    pub config: Config,
    /// A plain name, checked at open.
    pub schema: String,
    pub allow_unsafe_durability: bool,
}

impl Target {
    pub fn new(url: &str, schema: &str, allow_unsafe_durability: bool) -> Result<Self, StoreError> {
        let mut config: Config = url
            .parse()
            .map_err(|error: postgres::Error| StoreError::Refused(format!("the database URL: {error}")))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_WAIT);
        }
        config
            .tcp_user_timeout(SILENCE_MAX)
            .application_name(&format!("signalbox {schema}"));
        Ok(Self {
            config,
            schema: schema.to_owned(),
            allow_unsafe_durability,
        })
    }

    /// As the user who connects, for migrations.
    pub fn connect_as_owner(&self) -> Result<Client, Failure> {
        Ok(self.config.connect(NoTls)?)
    }

    pub fn connect(&self) -> Result<Session, Failure> {
        let mut client = self.config.connect(NoTls)?;
        client.batch_execute(&format!(
            "SET ROLE signalbox_app; SET search_path TO {}; SET synchronous_commit TO on; \
             SET statement_timeout TO '30s'; SET lock_timeout TO '10s'; \
             SET idle_in_transaction_session_timeout TO '30s'",
            self.schema
        ))?;
        self.check_durable(&mut client)?;
        Ok(Session {
            client,
            statements: HashMap::new(),
        })
    }

    fn check_durable(&self, client: &mut Client) -> Result<(), Failure> {
        let row = client.query_one(include_str!("queries/durability.sql"), &[])?;
        let (fsync, pages, commit): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if commit != "on" || (!self.allow_unsafe_durability && (fsync != "on" || pages != "on")) {
            let told = format!(
                "PostgreSQL runs fsync={fsync}, full_page_writes={pages}, synchronous_commit={commit}. A power cut \
                 would lose acknowledged work. Turn all three on"
            );
            return Err(StoreError::Broken(told).into());
        }
        Ok(())
    }
}

impl Session {
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Fixed text only: transaction control and session settings.
    pub fn run(&mut self, sql: &str) -> Result<(), Failure> {
        Ok(self.client.batch_execute(sql)?)
    }

    pub fn query(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        let statement = self.prepared(sql)?;
        Ok(self.client.query(&statement, values)?)
    }

    pub fn query_one(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Row, Failure> {
        let statement = self.prepared(sql)?;
        Ok(self.client.query_one(&statement, values)?)
    }

    pub fn query_opt(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Failure> {
        let statement = self.prepared(sql)?;
        Ok(self.client.query_opt(&statement, values)?)
    }

    pub fn execute(&mut self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<(), Failure> {
        let statement = self.prepared(sql)?;
        self.client.execute(&statement, values)?;
        Ok(())
    }

    /// Whose rows this transaction may see and write.
    pub fn speak_for<'a>(&mut self, tenants: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
        let mut list = String::new();
        for tenant in tenants {
            if !list.is_empty() {
                list.push(TENANT_SEPARATOR);
            }
            list += &encode(tenant);
        }
        self.execute(include_str!("queries/speak_for.sql"), &[&list])
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, Failure> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}
