//! Every file under `scenarios/`, at the engine and through the whole machine: the load's events are the same.

use signalbox_model::event::Event;
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

/// The evidence of the one exception that a scenario raises, as what, value and source.
fn evidence(wanted: &str) -> Vec<(String, String, String)> {
    let scenario = files().unwrap().into_iter().find(|(name, _)| name == wanted).unwrap().1;
    let events = run(&scenario, &mut RuntimeBoundary::new().unwrap()).unwrap();
    let raised = events.into_iter().find_map(|(_, event)| match event {
        Event::ExceptionRaised { exception } => Some(exception),
        _ => None, // Only the exception is looked at.
    });
    let evidence = raised.unwrap().evidence.into_iter();
    evidence
        .map(|it| (it.what, it.value.as_str().unwrap_or_default().to_owned(), it.source))
        .collect()
}

#[test]
fn a_letter_that_was_held_from_the_start_is_no_double_after_a_restart() {
    let mut scenarios = files().unwrap().into_iter();
    let scenario = scenarios.find(|(name, _)| name == "observe_letters").unwrap().1;
    let events = run(&scenario, &mut RuntimeBoundary::restarting().unwrap()).unwrap();
    let sent = events.into_iter().filter_map(|(_, event)| match event {
        Event::NoticeSent { perhaps_twice, .. } => Some(perhaps_twice),
        _ => None, // Only the letter is looked at.
    });
    assert_eq!(sent.collect::<Vec<_>>(), [false]);
}

#[test]
fn an_exception_tells_in_the_playbooks_words_what_came_before() {
    let told = |scenario: &str| {
        let (what, text, source) = evidence(scenario).remove(0);
        assert_eq!(what, "summary", "{text}");
        let (template, hash) = source.split_once('@').unwrap();
        assert_eq!(hash.len(), 12);
        (template.to_owned(), text)
    };
    let (template, text) = told("all_decline");
    assert_eq!(template, "template exhausted");
    assert_eq!(
        text,
        "No carrier took load 75027674 (ME>WI). Asked: JBHT at 2000.00 USD (declined), SWFT at 2100.00 USD (declined)."
    );
    let (_, text) = told("no_routing_guide");
    assert_eq!(
        text,
        "No carrier was asked for load 75027674: the routing guide has none for ME>WI that may be asked."
    );
    let (template, text) = told("terms_taken");
    assert_eq!(template, "template conditional");
    assert_eq!(
        text,
        "JBHT takes load 75027674 (ME>WI) at 2000.00 USD on terms of its own. The offer ends at 2026-11-23T15:15:00Z; \
         after that the next carrier is asked."
    );
}
