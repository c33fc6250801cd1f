//! One seed from its first order to its last oracle: a phase with faults, a quiet one, then the judgement. What is quiet
//! has events too, so the first phase brings half of those asked for; while a seed is short of them, both phases come again.

use crate::actors::Act;
use crate::coverage::Coverage;
use crate::faults::{Mix, Mutant};
use crate::world::World;
use jiff::SignedDuration;

/// Turns a quiet phase may take at most.
const QUIET_TURNS_MAX: u32 = 20_000;
/// Phases with faults that a seed may have; in the last one all comes that is still missing.
const PHASES_MAX: u32 = 12;
/// Six days: longer than the longest schedule of retries, and than an order of the last minute (promised on the fourth day)
/// takes to be overdue and its customer's notice to run out.
const QUIET: SignedDuration = SignedDuration::from_hours(144);

#[derive(Clone, Debug)]
pub struct Passed {
    pub hash: u64,
    pub events: u64,
    pub coverage: Coverage,
}

#[derive(Clone, Debug)]
pub struct Failed {
    pub seed: u64,
    pub why: String,
}

/// Runs the seed twice: the oracles must hold, and both logs must be the same, byte by byte.
pub fn run(seed: u64, events: u64, mutant: Option<Mutant>) -> Result<Passed, Failed> {
    let failed = |why: String| Failed { seed, why };
    let first = once(seed, events, mutant).map_err(failed)?;
    let second = once(seed, events, mutant).map_err(failed)?;
    if first.hash == second.hash {
        Ok(first)
    } else {
        Err(failed("two runs of the seed wrote different logs".to_owned()))
    }
}

/// Runs the seed once: `events` or more of them, over all its phases.
pub fn once(seed: u64, events: u64, mutant: Option<Mutant>) -> Result<Passed, String> {
    let mut world = World::new(seed, mutant)?;
    let mut until = events / 2;
    for phase in 1..=PHASES_MAX {
        disorder(&mut world, until, seed.is_multiple_of(2))?;
        quiet(&mut world)?;
        let missing = events.saturating_sub(world.oracle.events);
        if missing == 0 {
            break;
        }
        let is_last = phase + 1 == PHASES_MAX;
        until = world.oracle.events + if is_last { missing } else { missing.div_ceil(2) };
    }
    world.judge_all()?;
    Ok(Passed {
        hash: world.oracle.hash,
        events: world.oracle.events,
        coverage: world.oracle.coverage,
    })
}

/// People order, answer and decide, and things go wrong, until there are so many events.
fn disorder(world: &mut World, until: u64, switches: bool) -> Result<(), String> {
    world.mix = Mix::draw(&mut world.rng);
    world.closing = false;
    world.plan(SignedDuration::from_secs(1), Act::Order);
    world.plan(SignedDuration::from_secs(20), Act::Capacity);
    world.plan(SignedDuration::from_secs(60), Act::Desk);
    if switches {
        world.plan(SignedDuration::from_secs(300), Act::Switch);
    }
    while world.oracle.events < until {
        world.turn()?;
    }
    Ok(())
}

/// Nothing goes wrong any more and nobody orders: all comes to rest.
fn quiet(world: &mut World) -> Result<(), String> {
    world.mix = Mix::quiet();
    world.closing = true;
    world.resume_all();
    let until = world.now + QUIET;
    let mut turns = 0;
    while world.now < until && !(world.at_rest() && world.oracle.at_rest().is_ok()) {
        world.turn()?;
        turns += 1;
        if turns > QUIET_TURNS_MAX {
            return Err("the machine does not come to rest".to_owned());
        }
    }
    world.oracle.at_rest()
}
