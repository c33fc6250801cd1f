//! A few seeds of the fault simulator, and every kept mutant caught by an oracle.

use signalbox_sim::coverage::Coverage;
use signalbox_sim::faults::Mutant;
use signalbox_sim::run;

const EVENTS: u64 = 500;

#[test]
fn forty_seeds_hold_and_see_what_they_should() {
    let mut coverage = Coverage::default();
    for seed in 0..40 {
        match run::run(seed, EVENTS, None) {
            Ok(passed) => {
                assert!(passed.events >= EVENTS, "seed {seed} has {} events", passed.events);
                coverage.add(&passed.coverage);
            }
            Err(failed) => panic!("seed {}: {}", failed.seed, failed.why),
        }
    }
    for (name, count) in coverage.cells() {
        assert!(count > 0, "the simulator never saw: {name}");
    }
}

#[test]
fn every_mutant_is_caught_within_a_few_seeds() {
    for (name, mutant) in Mutant::ALL {
        let caught = (0..10).find_map(|seed| Some((seed, run::once(seed, EVENTS, Some(mutant)).err()?)));
        match caught {
            Some((seed, why)) => println!("{name}: seed {seed}: {why}"),
            None => panic!("{name} was not caught in ten seeds"),
        }
    }
}
