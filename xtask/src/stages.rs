//! `cargo xtask test`: everything that must hold, one stage after the other, from the cheapest to the dearest.
//!
//! It stops at the first failure and names it. What this machine lacks is skipped aloud; under `CI=true` a skipped stage fails.

use crate::counts::{self, Counts};
use crate::leash::{Task, cargo, task};
use crate::postgres::{self, Cluster};
use crate::product::{self, Profile};
use crate::{contracts, machine, mail_server, root, tidy, web};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

struct Stage {
    name: &'static str,
    holds: &'static str,
    run: fn(&mut Session) -> anyhow::Result<Outcome>,
}

/// The order matters: cheap before dear, `web` before the binary that carries it, `postgres` and `mail` before the tests that use them.
const STAGES: &[Stage] = &[
    Stage {
        name: "format",
        holds: "rustfmt has nothing to change",
        run: format,
    },
    Stage {
        name: "clippy",
        holds: "no warning in any target",
        run: clippy,
    },
    Stage {
        name: "tidy",
        holds: "the house rules a machine can see",
        run: tidy_stage,
    },
    Stage {
        name: "web",
        holds: "the console's lint, types, tests, build and size budget",
        run: web_stage,
    },
    Stage {
        name: "postgres",
        holds: "a private cluster for the tests below",
        run: postgres_stage,
    },
    Stage {
        name: "mail",
        holds: "a real mail server's programs for the tests below",
        run: mail_stage,
    },
    Stage {
        name: "rust",
        holds: "tests of every crate; the store contract on SQLite and PostgreSQL",
        run: rust,
    },
    Stage {
        name: "simulator",
        holds: "seeds of disorder over the real engine and runtime, each run twice",
        run: simulator,
    },
    Stage {
        name: "contracts",
        holds: "contract files say what the code does",
        run: contracts_stage,
    },
    Stage {
        name: "browser",
        holds: "the console in Chromium against the real binary",
        run: browser,
    },
];

enum Outcome {
    Passed(Counts),
    Failed(Counts, String),
    Skipped(String),
}

/// What one stage leaves to the next.
#[derive(Default)]
struct Session {
    environment: Vec<(String, String)>,
    signalbox: Option<PathBuf>,
    cluster: Option<Cluster>,
}

struct Ran {
    name: &'static str,
    took: Duration,
    outcome: Outcome,
}

pub fn run(names: &[String]) -> ExitCode {
    if names.iter().any(|it| it == "--list") {
        STAGES.iter().for_each(|it| println!("{:<10} {}", it.name, it.holds));
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| STAGES.iter().all(|it| it.name != name.as_str()))
    {
        eprintln!("xtask: there is no stage `{unknown}`; `cargo xtask test --list` names them");
        return ExitCode::FAILURE;
    }
    let started = Instant::now();
    let mut session = Session::default();
    let mut ran = Vec::new();
    for stage in STAGES
        .iter()
        .filter(|it| names.is_empty() || names.iter().any(|name| name == it.name))
    {
        let outcome = run_stage(stage, &mut session);
        let failed = matches!(outcome.outcome, Outcome::Failed(..));
        ran.push(outcome);
        if failed {
            break;
        }
    }
    session.cluster = None;
    summarize(&ran, names, started.elapsed())
}

fn run_stage(stage: &Stage, session: &mut Session) -> Ran {
    println!("\n== {} ({})", stage.name, stage.holds);
    let started = Instant::now();
    let outcome = match (stage.run)(session) {
        Err(error) => Outcome::Failed(
            Counts {
                failed: 1,
                ..Counts::default()
            },
            format!("{error:#}"),
        ),
        Ok(Outcome::Skipped(why)) if machine::is_ci() => Outcome::Failed(
            Counts {
                failed: 1,
                ..Counts::default()
            },
            format!("{why}; nothing may be skipped under CI=true"),
        ),
        Ok(outcome) => outcome,
    };
    let took = started.elapsed();
    match &outcome {
        Outcome::Passed(_) => println!("== {} passed in {}", stage.name, seconds(took)),
        Outcome::Failed(_, why) => println!("== {} FAILED in {}: {why}", stage.name, seconds(took)),
        Outcome::Skipped(why) => println!("== {} SKIPPED: {why}", stage.name),
    }
    Ran {
        name: stage.name,
        took,
        outcome,
    }
}

/// The table, and as the very last line the count of tests alone.
fn summarize(ran: &[Ran], names: &[String], took: Duration) -> ExitCode {
    let mut sum = Counts::default();
    println!();
    for stage in STAGES
        .iter()
        .filter(|it| names.is_empty() || names.iter().any(|name| name == it.name))
    {
        let Some(it) = ran.iter().find(|it| it.name == stage.name) else {
            println!("{:<10} {:>9}  not run", stage.name, "");
            continue;
        };
        let (counts, verdict) = match &it.outcome {
            Outcome::Passed(counts) => (*counts, format!("passed   {counts}")),
            Outcome::Failed(counts, why) => (*counts, format!("FAILED   {}", why.lines().next().unwrap_or_default())),
            Outcome::Skipped(why) => (
                Counts {
                    skipped: 1,
                    ..Counts::default()
                },
                format!("SKIPPED  {why}"),
            ),
        };
        sum += counts;
        println!("{:<10} {:>9}  {verdict}", it.name, seconds(it.took));
    }
    println!("{:<10} {:>9}", "all", seconds(took));
    let failed = ran.iter().find(|it| matches!(it.outcome, Outcome::Failed(..)));
    if let Some(stage) = failed {
        println!("stopped at `{0}`; run it alone with `cargo xtask test {0}`", stage.name);
    }
    println!("{sum}");
    if failed.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn format(_: &mut Session) -> anyhow::Result<Outcome> {
    judged(&cargo(&["fmt", "--all", "--check"]), "run `cargo fmt --all`")
}

fn clippy(session: &mut Session) -> anyhow::Result<Outcome> {
    let task = cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    judged(&session.with(task), "see the warnings above")
}

fn tidy_stage(_: &mut Session) -> anyhow::Result<Outcome> {
    let failures = tidy::report(&root())?;
    Ok(if failures == 0 {
        one_passed()
    } else {
        one_failed(&format!("{failures} findings, each with what to do"))
    })
}

fn postgres_stage(session: &mut Session) -> anyhow::Result<Outcome> {
    if std::env::var(postgres::VARIABLE).is_ok_and(|it| !it.is_empty()) {
        println!("using the server that {} names", postgres::VARIABLE);
        return Ok(one_passed());
    }
    if postgres::programs().is_none()
        && let Err(why) = machine::install(&["postgresql"])
    {
        return Ok(Outcome::Skipped(format!(
            "PostgreSQL is missing, so the store runs on SQLite only: {why:#}"
        )));
    }
    let programs =
        postgres::programs().ok_or_else(|| anyhow::anyhow!("PostgreSQL is still missing after its installation"))?;
    let cluster = postgres::start(&programs)?;
    session
        .environment
        .push((postgres::VARIABLE.to_owned(), cluster.url.clone()));
    session.cluster = Some(cluster);
    Ok(one_passed())
}

fn mail_stage(session: &mut Session) -> anyhow::Result<Outcome> {
    if std::env::var(mail_server::VARIABLE).is_ok_and(|it| !it.is_empty()) {
        println!("using the programs that {} names", mail_server::VARIABLE);
        return Ok(one_passed());
    }
    let programs = match mail_server::programs() {
        Ok(programs) => programs,
        Err(why) => return Ok(Outcome::Skipped(format!("no real mail server for the tests: {why:#}"))),
    };
    let variable = mail_server::VARIABLE.to_owned();
    session.environment.push((variable, programs.display().to_string()));
    Ok(one_passed())
}

fn rust(session: &mut Session) -> anyhow::Result<Outcome> {
    let nextest = machine::find_program(&["cargo-nextest"]).is_some();
    let tests = if nextest {
        cargo(&["nextest", "run", "--workspace", "--no-fail-fast", "--no-tests=pass"])
    } else {
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    let mut tasks = vec![session.with(tests)];
    if has_doc_tests()? {
        tasks.push(session.with(cargo(&["test", "--workspace", "--doc", "--no-fail-fast"])));
    }
    all_counted(&tasks)
}

/// Seeds tried in each run; `signalbox-sim --seeds` tries more.
const SEEDS: &str = "250";

fn simulator(session: &mut Session) -> anyhow::Result<Outcome> {
    let binary = product::binary(Profile::Dev, "signalbox-sim")?;
    let seeds = task(&binary.display().to_string(), &["--seeds", SEEDS]);
    all_counted(&[session.with(seeds)])
}

fn web_stage(session: &mut Session) -> anyhow::Result<Outcome> {
    if let Some(why) = web::obstacle() {
        return Ok(Outcome::Skipped(why));
    }
    web::install_when_stale()?;
    let checks = all_counted(&[
        session.with(web::npm(&["run", "check"])),
        session.with(web::npm(&["run", "test"])),
    ])?;
    if !matches!(checks, Outcome::Passed(_)) {
        return Ok(checks);
    }
    web::build_when_stale()?;
    if !web::npm(&["run", "budget"]).run()? {
        return Ok(one_failed("the console's first load is over its size budget"));
    }
    Ok(checks)
}

fn contracts_stage(session: &mut Session) -> anyhow::Result<Outcome> {
    let signalbox = session.signalbox()?;
    let changed = contracts::write(&signalbox)?;
    if changed.is_empty() {
        return Ok(one_passed());
    }
    Ok(one_failed(&format!(
        "{} did not say what the code does; rewritten now, review and commit",
        changed.join(" and ")
    )))
}

fn browser(session: &mut Session) -> anyhow::Result<Outcome> {
    if let Some(why) = web::obstacle() {
        return Ok(Outcome::Skipped(why));
    }
    let chromium = match find_chromium() {
        Some(it) => it,
        None => match machine::install(&["chromium", "fonts-dejavu-core"]) {
            Err(why) => return Ok(Outcome::Skipped(format!("Chromium is missing: {why:#}"))),
            Ok(()) => {
                find_chromium().ok_or_else(|| anyhow::anyhow!("Chromium is still missing after its installation"))?
            }
        },
    };
    web::build_when_stale()?;
    let signalbox = session.signalbox()?;
    let tests = web::npm(&["run", "e2e"])
        .with("SIGNALBOX_BIN", &signalbox.to_string_lossy())
        .with("CHROMIUM", &chromium.to_string_lossy());
    all_counted(&[session.with(tests)])
}

fn find_chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM")
        .map(PathBuf::from)
        .filter(|it| it.is_file());
    named.or_else(|| machine::find_program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]))
}

impl Session {
    fn with(&self, task: Task) -> Task {
        task.with_all(&self.environment)
    }

    /// The binary with today's console in it, built once a run.
    fn signalbox(&mut self) -> anyhow::Result<PathBuf> {
        if self.signalbox.is_none() {
            self.signalbox = Some(product::build(Profile::Dev)?);
        }
        Ok(self.signalbox.clone().unwrap_or_default())
    }
}

/// A command that judges as a whole: one check, passed or failed.
fn judged(task: &Task, advice: &str) -> anyhow::Result<Outcome> {
    Ok(if task.run()? { one_passed() } else { one_failed(advice) })
}

/// Commands that count their tests; one that prints no count is one check.
fn all_counted(tasks: &[Task]) -> anyhow::Result<Outcome> {
    let mut sum = Counts::default();
    for task in tasks {
        let ended = task.run_keeping_output()?;
        let mut counts = counts::read(&ended.output).unwrap_or_default();
        if ended.success && counts == Counts::default() {
            counts.passed = 1;
        } else if !ended.success && counts.failed == 0 {
            counts.failed = 1;
        }
        sum += counts;
        if !ended.success {
            return Ok(Outcome::Failed(sum, format!("`{}` failed", task.line())));
        }
    }
    Ok(Outcome::Passed(sum))
}

/// Running documentation examples costs a link for each crate, so only when there are any.
fn has_doc_tests() -> anyhow::Result<bool> {
    let opens = |line: &str| matches!(line.trim(), "/// ```" | "/// ```rust" | "//! ```" | "//! ```rust");
    let sources = tidy::sources(&root())?;
    let library = sources
        .iter()
        .filter(|it| it.path.starts_with("crates/") && it.path.ends_with(".rs"));
    Ok(library.flat_map(|it| doc_fences(&it.text)).any(|it| opens(&it)))
}

/// The opening lines of fenced blocks in documentation comments.
fn doc_fences(text: &str) -> Vec<String> {
    let fences = text.lines().filter(|it| {
        let line = it.trim_start();
        (line.starts_with("///") || line.starts_with("//!")) && line.contains("```")
    });
    fences.step_by(2).map(str::to_owned).collect()
}

fn one_passed() -> Outcome {
    Outcome::Passed(Counts {
        passed: 1,
        ..Counts::default()
    })
}

fn one_failed(why: &str) -> Outcome {
    Outcome::Failed(
        Counts {
            failed: 1,
            ..Counts::default()
        },
        why.to_owned(),
    )
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::doc_fences;

    #[test]
    fn only_opening_fences_decide_about_doc_tests() {
        let text = "/// ```text\n/// a\n/// ```\n//! ```\n//! let a = 1;\n//! ```\nlet plain = \"```\";\n";
        assert_eq!(doc_fences(text), ["/// ```text", "//! ```"]);
    }
}
