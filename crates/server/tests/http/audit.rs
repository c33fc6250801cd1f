//! The audit log: what is exported verifies offline, and what was tampered with does not.

use crate::stage::{ACME, Stage, eventually};
use signalbox_runtime::audit::note::VerifierKey;
use signalbox_runtime::audit::verify::verify;
use std::process::Command;

async fn export(stage: &Stage) -> (String, String, String) {
    stage.order("BRK-1").await;
    stage.order("BRK-2").await;
    stage.rows_when("board", |rows| rows.len() == 2).await;
    let checkpoint = eventually("a checkpoint", || async {
        let response = stage.get("manager", "/api/v1/audit/checkpoint").await;
        response.status().is_success().then_some(response)
    })
    .await;
    let key = checkpoint.headers()["x-signalbox-verifier-key"]
        .to_str()
        .unwrap()
        .to_owned();
    let checkpoint = checkpoint.text().await.unwrap();
    let export = stage.get("manager", "/api/v1/audit/export").await;
    assert_eq!(export.headers()["content-type"], "application/jsonl");
    (export.text().await.unwrap(), checkpoint, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_verifies_and_one_changed_letter_shows() {
    let stage = Stage::set().await;
    let (export, checkpoint, key) = export(&stage).await;
    let keys = [VerifierKey::parse(&key).unwrap()];
    let report = verify(export.as_bytes(), &keys, &[&checkpoint]);
    assert!(report.passed(), "{report:?}");
    assert!(report.size > 0 && export.contains("gate.create_order"));
    assert!(!export.contains("Pat Example"));

    let changed = export.replacen("gate.create_order", "gate.create_0rder", 1);
    assert!(!verify(changed.as_bytes(), &keys, &[]).passed());
    let lines: Vec<&str> = export.lines().collect();
    let dropped = [&lines[..2], &lines[3..]].concat().join("\n");
    assert!(!verify(dropped.as_bytes(), &keys, &[]).passed());
    let cut = lines[..lines.len() - 1].join("\n");
    assert!(!verify(cut.as_bytes(), &keys, &[]).passed());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_it_by_its_exit_code() {
    let stage = Stage::set().await;
    let (export, checkpoint, key) = export(&stage).await;
    let file = |name: &str, text: &str| {
        let path = stage.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let good = file("good.jsonl", &export);
    let bad = file(
        "bad.jsonl",
        &export.replacen("gate.create_order", "gate.create_0rder", 1),
    );
    let held = file("checkpoint.txt", &checkpoint);
    let verify = |file: &std::path::Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
        command
            .args(["audit", "verify", "--json", "--key", &key, "--checkpoint"])
            .arg(&held)
            .arg(file);
        let output = command.output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), report["passed"].as_bool())
    };
    assert_eq!(verify(&good), (Some(0), Some(true)));
    assert_eq!(verify(&bad), (Some(1), Some(false)));
    assert_eq!(verify(&stage.folder.path().join("none.jsonl")), (Some(2), None));
    let token = stage.token(ACME, "integrator");
    assert!(!export.contains(token));
    stage.end().await;
}
