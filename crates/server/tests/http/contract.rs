//! The contract is a file: this test rewrites it with `UPDATE=1`, and review reads the difference.

use serde_json::Value;
use std::path::Path;

#[test]
fn the_committed_contract_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/contracts/openapi.json");
    let now = signalbox_server::edge::document().unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == now,
        "docs/contracts/openapi.json is not what the code says; run this test with UPDATE=1"
    );
}

#[test]
fn every_operation_is_described_and_names_its_refusals() {
    let document: Value = serde_json::from_str(&signalbox_server::edge::document().unwrap()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            count += 1;
            assert!(
                operation["summary"].as_str().is_some_and(|it| !it.is_empty()),
                "{method} {path}"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|it| it.starts_with('2')), "{method} {path}");
            assert!(responses.keys().any(|it| it.starts_with('4')), "{method} {path}");
        }
    }
    assert!(count >= 20, "{count} operations");
}
