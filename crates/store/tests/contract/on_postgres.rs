//! What only PostgreSQL can get wrong: row-level security, roles, and connections that break.

use crate::fixtures::*;
use crate::ground::{Ground, VIEWS};
use crate::proxy::Proxy;
use postgres::Client;
use signalbox_runtime::ports::{Store, StoreError};
use signalbox_store::{Postgres, PostgresOptions};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A connection past the store, in its schema and one of its roles.
fn probe(ground: &Ground, role: &str) -> Client {
    let mut client = ground.connection();
    client
        .batch_execute(&format!(
            "SET search_path TO {}; SET ROLE {role}",
            ground.options().schema
        ))
        .unwrap();
    client
}

fn count(client: &mut Client, table: &str) -> i64 {
    client
        .query_one(&format!("SELECT count(*) FROM {table}"), &[])
        .unwrap()
        .get(0)
}

fn filled() -> Option<Ground> {
    let ground = Ground::postgres()?;
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    for tenant in [ACME, BETA] {
        let sent = orders(
            sets(
                links(receives(turn(tenant, "a"), "k", "msg_1", b"raw"), "S1"),
                "tmr_1",
                at(1),
            ),
            "eff_1",
        );
        let sent = meets(
            shows(sent, "load_1", Some(row(serde_json::json!({"rank": 1})))),
            "sub_1",
            b"key",
        );
        store.append(epoch, &[sent]).unwrap();
        store
            .put_blobs(epoch, &tenant.into(), &[("b".to_owned(), vec![1])])
            .unwrap();
    }
    index_all(&*store, epoch);
    Some(ground)
}

const TENANT_TABLES: [&str; 12] = [
    "blob",
    "effect",
    "link",
    "mark",
    "message",
    "raw",
    "record",
    "stream_seq",
    "subject_key",
    "timer",
    "view_inbox",
    "view_loads",
];

#[test]
fn the_application_sees_no_row_without_a_tenant() {
    let Some(ground) = filled() else { return };
    for table in TENANT_TABLES {
        let mut app = probe(&ground, "signalbox_app");
        assert_eq!(
            count(&mut app, table),
            0,
            "{table}: the setting was never set on this connection"
        );
        let mut transaction = app.transaction().unwrap();
        transaction
            .execute("SELECT set_config('signalbox.tenants', $1, true)", &[&ACME])
            .unwrap();
        let own: i64 = transaction
            .query_one(&format!("SELECT count(*) FROM {table}"), &[])
            .unwrap()
            .get(0);
        let expected = i64::from(table != "view_inbox");
        assert_eq!(own, expected, "{table}: one tenant of two");
        transaction.commit().unwrap();
        assert_eq!(
            count(&mut app, table),
            0,
            "{table}: the setting is empty after the transaction"
        );
    }
}

#[test]
fn the_application_can_neither_write_for_others_nor_change_the_log() {
    let Some(ground) = filled() else { return };
    let mut app = probe(&ground, "signalbox_app");
    let refusals = [
        "INSERT INTO record VALUES (99, 'ten_acme', 's', 1, '')",
        "INSERT INTO blob VALUES ('ten_acme', 'n', '')",
        "UPDATE record SET body = ''",
        "DELETE FROM record",
        "DELETE FROM raw",
        "TRUNCATE record",
        "ALTER TABLE record DISABLE ROW LEVEL SECURITY",
        "SELECT guard_tenant_table('record')",
    ];
    for sql in refusals {
        assert!(app.batch_execute(sql).is_err(), "{sql}");
    }
    assert_eq!(app.execute("UPDATE blob SET body = 'x'", &[]).unwrap(), 0);
    assert_eq!(app.execute("DELETE FROM subject_key", &[]).unwrap(), 0);
}

#[test]
fn the_scanning_role_reads_log_timers_and_outbox_and_nothing_else() {
    let Some(ground) = filled() else { return };
    let mut scan = probe(&ground, "signalbox_scan");
    for table in ["record", "timer", "effect"] {
        assert_eq!(count(&mut scan, table), 2, "{table}");
        assert!(scan.batch_execute(&format!("DELETE FROM {table}")).is_err());
    }
    for table in ["raw", "subject_key", "mark", "link", "view_loads", "blob"] {
        assert!(scan.query(&format!("SELECT * FROM {table}"), &[]).is_err(), "{table}");
    }
}

#[test]
fn the_catalog_shows_no_gap_between_tenants() {
    let Some(ground) = filled() else { return };
    let mut client = ground.connection();
    let schema = ground.options().schema;
    let guarded = "SELECT c.relname::text, c.relrowsecurity AND c.relforcerowsecurity
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY c.relname COLLATE \"C\"";
    let tables: Vec<(String, bool)> = client
        .query(guarded, &[&schema])
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    assert_eq!(tables, TENANT_TABLES.map(|table| (table.to_owned(), true)));
    let keys_without_tenant = "SELECT i.indexrelid::regclass::text FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant'
        WHERE n.nspname = $1 AND i.indisunique AND i.indkey[0] <> t.attnum";
    let keys: Vec<String> = client
        .query(keys_without_tenant, &[&schema])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(
        keys,
        [format!("{schema}.record_pkey")],
        "seq is the order of the whole log"
    );
    let nullable = "SELECT count(*) FROM information_schema.columns
        WHERE table_schema = $1 AND column_name = 'tenant' AND is_nullable = 'YES'";
    assert_eq!(client.query_one(nullable, &[&schema]).unwrap().get::<_, i64>(0), 0);
    let powers = "SELECT count(*) FROM pg_roles WHERE rolname IN ('signalbox_app', 'signalbox_scan')
        AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin)";
    assert_eq!(client.query_one(powers, &[]).unwrap().get::<_, i64>(0), 2);
    let loopholes = "SELECT (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = $1 AND p.prosecdef)
        + (SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
            WHERE r.rolname IN ('signalbox_app', 'signalbox_scan'))
        + (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND (c.relkind IN ('v', 'm') OR c.relowner::regrole::text LIKE 'signalbox_%'))";
    assert_eq!(client.query_one(loopholes, &[&schema]).unwrap().get::<_, i64>(0), 0);
}

#[test]
fn connections_cut_at_any_moment_neither_lose_nor_double_an_append() {
    let Some(ground) = Ground::postgres() else { return };
    let store = ground.open();
    let epoch = store.acquire("one").unwrap();
    let name = format!("signalbox {}", ground.options().schema);
    let over = AtomicBool::new(false);
    let cuts = std::thread::scope(|threads| {
        let cutter = threads.spawn(|| {
            let mut client = ground.connection();
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
            let mut cuts = 0i64;
            while !over.load(Ordering::Relaxed) {
                cuts += client.query_one(cut, &[&name]).unwrap().get::<_, i64>(0);
                let pause = 3000 + (cuts as u64).wrapping_mul(7919) % 20_000;
                std::thread::sleep(Duration::from_micros(pause)); // The fault's own rhythm, not a wait for a result.
            }
            cuts
        });
        for number in 1..=150u64 {
            let mut sent = turn(ACME, "a");
            sent.version = number;
            let batch = [sent, turn(BETA, "b")];
            let first = loop {
                match store.append(epoch, &batch) {
                    Ok(first) => break first,
                    Err(StoreError::Retry(_)) => {}
                    Err(other) => panic!("{other}"),
                }
            };
            assert_eq!(first, number * 2 - 1);
        }
        over.store(true, Ordering::Relaxed);
        cutter.join().unwrap()
    });
    assert!(cuts > 0, "nothing was cut");
    let versions: Vec<u64> = store
        .records(0, 1000)
        .unwrap()
        .iter()
        .step_by(2)
        .map(|it| it.version)
        .collect();
    assert_eq!(versions, (1..=150).collect::<Vec<_>>());
}

/// A log that was reached once, through a proxy that can keep an answer back.
fn through_a_proxy() -> Option<(Ground, Proxy, Postgres, u64)> {
    let ground = Ground::postgres()?;
    drop(ground.open());
    let Ground::Postgres { url, .. } = &ground else {
        unreachable!()
    };
    let proxy = Proxy::to(url);
    let store = Postgres::open(&proxy.url, VIEWS, ground.options()).unwrap();
    let epoch = store.acquire("one").unwrap();
    store.append(epoch, &[turn(ACME, "before")]).unwrap();
    Some((ground, proxy, store, epoch))
}

#[test]
fn an_append_whose_answer_was_lost_is_found_and_answered() {
    let Some((_ground, proxy, store, epoch)) = through_a_proxy() else {
        return;
    };
    proxy.lose_next_answer();
    assert_eq!(store.append(epoch, &[turn(ACME, "a"), turn(BETA, "b")]).unwrap(), 2);
    assert_eq!(store.append(epoch, &[turn(ACME, "c")]).unwrap(), 4);
    assert_eq!(store.records(0, 9).unwrap().len(), 4);
}

#[test]
fn while_the_database_is_away_the_doubt_is_kept_and_the_same_turns_settle_it() {
    let Some((_ground, proxy, store, epoch)) = through_a_proxy() else {
        return;
    };
    let batch = [turn(ACME, "a"), turn(BETA, "b")];
    proxy.refuse(true);
    proxy.lose_next_answer();
    for _ in 0..3 {
        let away = store.append(epoch, &batch);
        assert!(matches!(away, Err(StoreError::Retry(_))), "{away:?}");
    }
    proxy.refuse(false);
    assert_eq!(store.append(epoch, &batch).unwrap(), 2);
    assert_eq!(
        store.append(epoch, &batch).unwrap(),
        4,
        "sent again on purpose, it is new"
    );
}

#[test]
fn other_turns_after_a_lost_answer_stop_the_owner() {
    let Some((_ground, proxy, store, epoch)) = through_a_proxy() else {
        return;
    };
    proxy.refuse(true);
    proxy.lose_next_answer();
    assert!(matches!(
        store.append(epoch, &[turn(ACME, "a")]),
        Err(StoreError::Retry(_))
    ));
    proxy.refuse(false);
    for _ in 0..2 {
        let other = store.append(epoch, &[turn(ACME, "b")]);
        assert!(matches!(other, Err(StoreError::Broken(_))), "{other:?}");
    }
    let epoch = store.acquire("one, after reading the log again").unwrap();
    assert_eq!(store.append(epoch, &[turn(ACME, "b")]).unwrap(), 3);
}

#[test]
fn a_login_without_rights_starts_on_a_prepared_database() {
    let Some(ground) = filled() else { return };
    let opened = as_login(&ground, " IN ROLE signalbox_app, signalbox_scan", |url| {
        let opened = Postgres::open(url, VIEWS, ground.options());
        opened
            .and_then(|store| store.records(0, 9))
            .map(|records| records.len())
    });
    assert_eq!(opened.unwrap(), 2);
}

#[test]
fn a_login_that_lacks_a_right_is_told_where_it_says_which() {
    let Some(ground) = filled() else { return };
    let refused = as_login(&ground, "", |url| {
        Postgres::open(url, VIEWS, ground.options()).map(drop).unwrap_err()
    });
    assert!(refused.to_string().contains("docs/POSTGRESQL.md"), "{refused}");
}

/// Does something with the URL of a login of its own, which is gone afterwards.
fn as_login<R>(ground: &Ground, rights: &str, work: impl FnOnce(&str) -> R) -> R {
    let Ground::Postgres { url, .. } = ground else {
        unreachable!()
    };
    let login = format!("{}_login", ground.options().schema);
    ground
        .connection()
        .batch_execute(&format!("CREATE ROLE {login} LOGIN PASSWORD '{login}'{rights}"))
        .unwrap();
    let mut config: postgres::Config = url.parse().unwrap();
    let host = match &config.get_hosts()[0] {
        postgres::config::Host::Tcp(host) => host.clone(),
        postgres::config::Host::Unix(path) => path.display().to_string(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.user(&login).get_dbname().unwrap_or("postgres").to_owned();
    let worked = work(&format!(
        "host={host} port={port} user={login} password={login} dbname={database}"
    ));
    ground
        .connection()
        .batch_execute(&format!("DROP ROLE {login}"))
        .unwrap();
    worked
}

#[test]
fn a_schema_name_that_is_not_plain_is_refused() {
    for schema in ["", "a b", "x;DROP SCHEMA public", "Ä", "1a"] {
        let options = PostgresOptions {
            schema: schema.to_owned(),
            ..Default::default()
        };
        let refused = Postgres::open("postgres://nobody@127.0.0.1:1/none", VIEWS, options).map(drop);
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
    let unreachable = Postgres::open("postgres://nobody@127.0.0.1:1/none", VIEWS, PostgresOptions::default()).map(drop);
    assert!(matches!(unreachable, Err(StoreError::Retry(_))), "{unreachable:?}");
}
