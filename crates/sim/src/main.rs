//! `signalbox-sim --seeds 2000 --events 500 [--seed N] [--mutant NAME]`: exits 1 with the seed when an oracle fails.

use signalbox_sim::coverage::Coverage;
use signalbox_sim::faults::Mutant;
use signalbox_sim::run;
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Options {
    first: u64,
    seeds: u64,
    events: u64,
    mutant: Option<Mutant>,
}

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Ok(options) => simulate(&options),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        first: 0,
        seeds: 2_000,
        events: 500,
        mutant: None,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("{name} needs a number, not {value:?}"))
        };
        match name.as_str() {
            "--seeds" => options.seeds = number()?,
            "--events" => options.events = number()?,
            "--seed" => (options.first, options.seeds) = (number()?, 1),
            "--mutant" => {
                let known = || format!("{value} is none of {}", Mutant::ALL.map(|it| it.0).join(", "));
                options.mutant = Some(Mutant::named(&value).ok_or_else(known)?);
            }
            _ => {
                return Err(format!(
                    "unknown option {name}; there are --seeds, --events, --seed and --mutant"
                ));
            }
        }
    }
    Ok(options)
}

fn simulate(options: &Options) -> ExitCode {
    let begun = Instant::now();
    let workers = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || part(options, worker, workers)))
            .collect();
        started
            .into_iter()
            .flat_map(std::thread::ScopedJoinHandle::join)
            .collect()
    });
    let mut coverage = Coverage::default();
    let mut events = 0;
    for part in &parts {
        events += part.events;
        coverage.add(&part.coverage);
    }
    let failed = parts.iter().filter_map(|it| it.failed.as_ref()).min_by_key(|it| it.0);
    if let Some((seed, why)) = failed {
        println!("seed {seed} fails after {:.1} s: {why}", begun.elapsed().as_secs_f64());
        return ExitCode::FAILURE;
    }
    if parts.len() as u64 != workers {
        println!("a seed panicked; its message is above");
        return ExitCode::FAILURE;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "seeds {}, events {events}, seconds {seconds:.1}, failures 0, each seed run twice",
        options.seeds
    );
    let counted: Vec<String> = coverage
        .cells()
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    println!("{}", counted.join(", "));
    ExitCode::SUCCESS
}

/// What one worker's seeds came to: each `workers`th one, up to the first that fails.
#[derive(Default)]
struct Part {
    events: u64,
    coverage: Coverage,
    failed: Option<(u64, String)>,
}

fn part(options: &Options, worker: u64, workers: u64) -> Part {
    let mut part = Part::default();
    for seed in (options.first + worker..options.first + options.seeds).step_by(workers as usize) {
        match run::run(seed, options.events, options.mutant) {
            Ok(passed) => {
                part.events += passed.events;
                part.coverage.add(&passed.coverage);
            }
            Err(failed) => {
                part.failed = Some((failed.seed, failed.why));
                break;
            }
        }
    }
    part
}
