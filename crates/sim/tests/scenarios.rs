//! Every file under `scenarios/`, at the engine and through the whole machine: the load's events are the same.

use signalbox_sim::scenario::engine_boundary::EngineBoundary;
use signalbox_sim::scenario::runtime_boundary::RuntimeBoundary;
use signalbox_sim::scenario::{language, run};
use std::path::Path;

#[test]
fn every_scenario_holds_at_the_engine_and_through_the_machine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "scenario"));
    files.sort();
    assert!(files.len() >= 12, "only {} scenarios were found", files.len());
    let mut failures = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let scenario =
            language::parse(&std::fs::read_to_string(&file).unwrap()).unwrap_or_else(|it| panic!("{name}: {it}"));
        let at_engine = run(&scenario, &mut EngineBoundary::new().unwrap());
        let at_runtime = run(&scenario, &mut RuntimeBoundary::new().unwrap());
        match (at_engine, at_runtime) {
            (Ok(engine), Ok(runtime)) => assert_eq!(engine, runtime, "{name}: the traces differ"),
            (engine, runtime) => {
                failures.extend(engine.err().map(|it| format!("{name}, engine: {it}")));
                failures.extend(runtime.err().map(|it| format!("{name}, runtime: {it}")));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
