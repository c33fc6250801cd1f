//! Roles, schema, tables and policies, made by the owner's connection; nothing else runs over it.
//!
//! Invariant: a database that is already as it should be is left alone, so that a login without the right to change
//! it can start.

use super::error::Failure;
use super::session::Target;
use super::view;
use crate::view::shape;
use postgres::GenericClient;
use signalbox_model::view::ViewDefinition;
use signalbox_runtime::ports::StoreError;

const SCHEMA_VERSION: i32 = 1;

/// `login` is the user whose connections take the role of the application.
pub(super) fn migrate(owner: &Target, login: &str, views: &'static [ViewDefinition]) -> Result<(), Failure> {
    let mut client = owner.connect_as_owner()?;
    client.batch_execute(&format!(
        "SET search_path TO {}; SET lock_timeout TO '30s'",
        owner.schema
    ))?;
    if tables_there(&mut client, &owner.schema)? && same_views(&mut client, views)? {
        return Ok(());
    }
    let mut transaction = client.transaction()?;
    // One migration at a time; the second one finds the work done.
    transaction.batch_execute("SELECT pg_advisory_xact_lock(hashtext('signalbox migration'))")?;
    if !tables_there(&mut transaction, &owner.schema)? {
        transaction.execute("SELECT set_config('signalbox.login', $1, true)", &[&login])?;
        transaction.batch_execute(include_str!("queries/roles.sql"))?;
        let schema = &owner.schema;
        transaction.batch_execute(&format!(
            "CREATE SCHEMA IF NOT EXISTS {schema}; GRANT USAGE ON SCHEMA {schema} TO signalbox_app, signalbox_scan"
        ))?;
        transaction.batch_execute(include_str!("queries/schema.sql"))?;
    }
    if !same_views(&mut transaction, views)? {
        make_views(&mut transaction, views)?;
    }
    Ok(transaction.commit()?)
}

fn tables_there(client: &mut impl GenericClient, schema: &str) -> Result<bool, Failure> {
    let there: bool = client
        .query_one(include_str!("queries/schema_there.sql"), &[&schema])?
        .try_get(0)?;
    if !there {
        return Ok(false);
    }
    let version: i32 = client
        .query_one(include_str!("queries/schema_version.sql"), &[])?
        .try_get(0)?;
    if version != SCHEMA_VERSION {
        let told = format!("the database has schema {version}, this program knows {SCHEMA_VERSION}");
        return Err(StoreError::Broken(told).into());
    }
    Ok(true)
}

fn kept_views(client: &mut impl GenericClient) -> Result<Vec<(String, i32, String)>, Failure> {
    let rows = client.query(include_str!("queries/view_versions.sql"), &[])?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect()
}

fn same_views(client: &mut impl GenericClient, views: &'static [ViewDefinition]) -> Result<bool, Failure> {
    let mut wanted: Vec<(String, i32, String)> = views
        .iter()
        .map(|view| (view.name.to_owned(), view.version.cast_signed(), shape(view)))
        .collect();
    wanted.sort();
    Ok(kept_views(client)? == wanted)
}

/// Where any view was added, dropped or changed, every index is emptied and folded again from record 1: the indexes
/// are always the fold of one run of records, never a mixture of two.
fn make_views(client: &mut impl GenericClient, views: &'static [ViewDefinition]) -> Result<(), Failure> {
    for (name, _, _) in kept_views(client)? {
        client.batch_execute(&format!("DROP TABLE IF EXISTS view_{name}"))?;
    }
    client.batch_execute(include_str!("queries/forget_indexes.sql"))?;
    for definition in views {
        client.batch_execute(&view::create(definition))?;
        let version = definition.version.cast_signed();
        client.execute(
            include_str!("queries/note_view_version.sql"),
            &[&definition.name, &version, &shape(definition)],
        )?;
    }
    Ok(())
}
