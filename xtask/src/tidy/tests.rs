//! Tidy must be able to fail: each rule beside the text that it refuses and the text that it lets pass.

use super::source::Source;
use super::{check, find, layers};

/// The rules and lines found in a text that claims to lie at `path`.
fn found(path: &str, text: &str) -> Vec<(&'static str, usize)> {
    check(&Source::new(path, text))
        .iter()
        .map(|it| (it.rule, it.line))
        .collect()
}

fn refuses(path: &str, text: &str, rule: &str) {
    let found = found(path, text);
    assert!(
        found.iter().any(|(it, _)| *it == rule),
        "{path}: `{text}` should break `{rule}`, found {found:?}"
    );
}

fn passes(path: &str, text: &str) {
    assert_eq!(found(path, text), [], "{path}: `{text}` should pass");
}

#[test]
fn the_tree_keeps_the_house_rules() {
    let failures = super::report(&crate::root()).unwrap();
    assert_eq!(failures, 0, "run `cargo xtask tidy`");
}

#[test]
fn a_lower_crate_may_not_use_a_higher_one() {
    refuses(
        "crates/model/Cargo.toml",
        "[dependencies]\nsignalbox-engine.workspace = true\n",
        "layer",
    );
    refuses(
        "crates/engine/Cargo.toml",
        "[dependencies]\nsignalbox-store = { path = \"../store\" }\n",
        "layer",
    );
    refuses(
        "crates/workflow/Cargo.toml",
        "[dependencies]\nsignalbox-model.workspace = true\n",
        "layer",
    );
    refuses(
        "crates/server/Cargo.toml",
        "[dependencies]\nsignalbox-sim.workspace = true\n",
        "layer",
    );
    passes(
        "crates/server/Cargo.toml",
        "[dev-dependencies]\nsignalbox-sim.workspace = true\n",
    );
    passes(
        "crates/engine/Cargo.toml",
        "[dependencies]\nsignalbox-workflow.workspace = true\nserde.workspace = true\n",
    );
    passes("crates/engine/Cargo.toml", "[package]\nname = \"signalbox-engine\"\n");
}

#[test]
fn an_outside_crate_of_another_layer_is_seen_in_the_manifest() {
    refuses(
        "crates/engine/Cargo.toml",
        "[dependencies]\ntokio.workspace = true\n",
        "layer",
    );
    refuses(
        "crates/runtime/Cargo.toml",
        "[dependencies]\nreqwest.workspace = true\n",
        "layer",
    );
    refuses(
        "crates/server/Cargo.toml",
        "[dependencies]\npostgres.workspace = true\n",
        "layer",
    );
    passes("crates/store/Cargo.toml", "[dependencies]\npostgres.workspace = true\n");
}

#[test]
fn a_crate_without_a_row_is_seen() {
    let stranger = Source::new("crates/stranger/Cargo.toml", "[package]\n");
    assert_eq!(layers::check_members(&[stranger]).len(), 1);
    let known = Source::new("crates/model/Cargo.toml", "[package]\n");
    assert!(layers::check_members(&[known]).is_empty());
}

#[test]
fn pure_crates_do_not_look_at_the_world() {
    for text in [
        "use std::fs;",
        "let now = jiff::Timestamp::now();",
        "let t = Instant::now();",
        "std::env::var(\"A\")",
        "rand::random()",
        "pub async fn act() {}",
        "use std::collections::HashMap;",
        "type Seen = std::collections::HashSet<u8>;",
    ] {
        refuses("crates/engine/src/step.rs", text, "layer");
    }
    passes(
        "crates/engine/src/step.rs",
        "// `std::fs` and HashMap are for others.\nlet text = \"async\";\n",
    );
    passes(
        "crates/engine/src/step.rs",
        "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n",
    );
    passes("crates/engine/tests/scenarios.rs", "use std::fs;");
    passes("crates/server/src/main.rs", "use std::fs;");
    refuses(
        "crates/engine/src/step.rs",
        "#[cfg(test)]\nmod tests;\nuse std::fs;",
        "layer",
    );
}

#[test]
fn only_store_speaks_sql_and_only_the_edges_http() {
    refuses(
        "crates/server/src/board.rs",
        "let q = \"SELECT * FROM loads\";",
        "layer",
    );
    refuses(
        "crates/runtime/src/queries/due.sql",
        "INSERT INTO timers VALUES (1)",
        "layer",
    );
    passes("crates/store/src/sqlite.rs", "let q = \"SELECT * FROM loads\";");
    passes("crates/server/src/board.rs", "// SELECT is for the store.\n");
    refuses("crates/engine/src/send.rs", "reqwest::get(url)", "layer");
    passes("crates/connectors/src/webhook.rs", "reqwest::Client::new()");
    refuses("crates/connectors/src/webhook.rs", "use axum::Router;", "layer");
}

#[test]
fn unfinished_work_and_switched_off_checks_are_seen() {
    refuses("crates/model/src/lib.rs", "// TODO later", "word");
    refuses("crates/model/src/lib.rs", "fn a() { todo!() }", "word");
    refuses("crates/model/src/lib.rs", "#[allow(dead_code)]", "word");
    refuses("crates/model/src/lib.rs", "// only a placeholder for now", "word");
    refuses("web/src/board.tsx", "// @ts-ignore", "word");
    refuses("web/e2e/board.spec.ts", "test.only('board', () => {})", "word");
    passes(
        "crates/model/src/lib.rs",
        "#[expect(dead_code, reason = \"read by the board\")]",
    );
    passes("crates/model/src/lib.rs", "let placeholder = 1;");
    passes("web/src/board.tsx", "<input placeholder=\"Search\" />");
    passes("web/src/api.gen.ts", "// TODO from the generator");
}

#[test]
fn the_tree_speaks_about_the_product() {
    refuses("docs/ARCHITECTURE.md", "As this issue asks", "word");
    refuses(
        "crates/formats/src/x12.rs",
        "const P: &str = \"../shared/x12\";",
        "word",
    );
    refuses("crates/formats/tests/x12.rs", "read(\"../shared/x12\")", "word");
    passes(
        "crates/formats/tests/x12.rs",
        "let folder = \"../shared/x12\"; if !folder.exists() { return }",
    );
}

#[test]
fn names_say_what_they_hold() {
    refuses("crates/engine/src/utils.rs", "", "name");
    refuses("crates/engine/src/common/load.rs", "", "name");
    refuses("web/src/helpers/time.ts", "", "name");
    refuses("crates/engine/src/lib.rs", "mod manager;", "name");
    passes("crates/engine/src/gate.rs", "mod common_carrier;");
}

#[test]
fn long_files_and_functions_are_seen() {
    let lines = |count: usize| "let a = 1;\n".repeat(count);
    refuses("crates/engine/src/gate.rs", &lines(701), "length");
    passes("web/src/api.gen.ts", &lines(701));
    let warned = check(&Source::new("crates/engine/src/gate.rs", &lines(501)));
    assert!(warned.len() == 1 && !warned[0].fails);
    passes("crates/engine/src/gate.rs", &lines(500));
    refuses(
        "crates/engine/src/gate.rs",
        &format!("pub fn decide() {{\n{}}}\n", lines(120)),
        "length",
    );
    passes(
        "crates/engine/src/gate.rs",
        &format!("fn a();\nfn b() {{ \"}}\"; }}\nfn decide() {{\n{}}}\n", lines(118)),
    );
}

#[test]
fn lines_have_no_tails() {
    assert_eq!(found("docs/GLOSSARY.md", "good\nbad \n"), [("space", 2)]);
}

#[test]
fn code_is_told_from_text() {
    let text = "let a = r#\"std::fs \"# ; let b = '\"'; let c: &'static str = \"\\\"std::net\"; /* std::env /* x */ y */ let d = b'\\'';";
    passes("crates/engine/src/step.rs", text);
    refuses(
        "crates/engine/src/step.rs",
        &format!("{text} std::fs::read(d)"),
        "layer",
    );
}

#[test]
fn an_excuse_that_excuses_nothing_is_a_finding() {
    let findings = find(&[Source::new("crates/model/src/lib.rs", "")]);
    assert!(findings.iter().any(|it| it.rule == "exception"));
}
