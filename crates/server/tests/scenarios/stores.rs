//! What an operator relies on whichever store is below: a log opens with its own master key only.

use crate::ground::Ground;
use signalbox_server::bootstrap;
use signalbox_server::server::Server;
use signalbox_server::wiring::{Installation, MASTER_KEY, Setup};
use std::sync::Arc;

#[test]
fn a_log_on_sqlite_opens_with_its_own_master_key_only() {
    opens_with_its_own_key_only(&Ground::sqlite());
}

#[test]
fn a_log_on_postgres_opens_with_its_own_master_key_only() {
    if let Some(ground) = Ground::postgres() {
        opens_with_its_own_key_only(&ground);
    }
}

fn opens_with_its_own_key_only(ground: &Ground) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let setup = ground.setup(folder.path());
    let server = runtime.block_on(Server::start(setup.clone(), "127.0.0.1:0")).unwrap();
    assert!(bootstrap::first_tenant(&server.installation).unwrap().is_some());

    let other_key = folder.path().join("other.key");
    std::fs::write(&other_key, "ab".repeat(32)).unwrap();
    let with_other = Setup {
        master_key_file: Some(other_key),
        ..setup.clone()
    };
    let refused = Installation::start(&with_other).err().unwrap();
    assert!(format!("{refused:#}").contains("another master key"), "{refused:#}");
    // The one that runs was not fenced by the one that was refused.
    let installation = Arc::clone(&server.installation);
    bootstrap::tenant(&installation.pump, &"ten_second".into(), "Second", "UTC").unwrap();
    drop(installation);
    runtime.block_on(server.stop());

    if setup.database_url.is_some() {
        // A data directory without a key makes one; it is gone again once it turns out to be wrong.
        let elsewhere = tempfile::tempdir().unwrap();
        let made = Setup {
            data_dir: elsewhere.path().to_owned(),
            ..setup.clone()
        };
        assert!(Installation::start(&made).is_err());
        assert!(!elsewhere.path().join(MASTER_KEY).exists());
    }
    let again = Installation::start(&setup).unwrap();
    assert_eq!(again.directories.tenants().len(), 2);
    again.stop();
}
