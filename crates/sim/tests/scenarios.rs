//! Every file under `scenarios/`, at the engine and through the whole machine: the load's events are the same.

use signalbox_sim::scenario::alike::difference;
use signalbox_sim::scenario::engine_boundary::EngineBoundary;
use signalbox_sim::scenario::language::files;
use signalbox_sim::scenario::run;
use signalbox_sim::scenario::runtime_boundary::RuntimeBoundary;

#[test]
fn every_scenario_holds_at_the_engine_and_through_the_machine() {
    let mut failures = Vec::new();
    for (name, scenario) in files().unwrap() {
        let at_engine = run(&scenario, &mut EngineBoundary::new().unwrap());
        let at_runtime = run(&scenario, &mut RuntimeBoundary::new().unwrap());
        let restarted = run(&scenario, &mut RuntimeBoundary::restarting().unwrap());
        failures.extend(restarted.err().map(|it| format!("{name}, restarting: {it}")));
        match (at_engine, at_runtime) {
            (Ok(engine), Ok(runtime)) => {
                let differ = difference(&engine, &runtime);
                failures.extend(differ.map(|it| format!("{name}: engine and runtime differ: {it}")));
            }
            (engine, runtime) => {
                failures.extend(engine.err().map(|it| format!("{name}, engine: {it}")));
                failures.extend(runtime.err().map(|it| format!("{name}, runtime: {it}")));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
