//! The house rules a machine can see. Each finding says where, what is wrong, and what to do instead.
//!
//! `cargo xtask tidy` prints them; a test of this crate runs the same checks, so `cargo test` is enough to see them.

mod layers;
mod shape;
mod source;
mod words;

#[cfg(test)]
mod tests;

use source::Source;
use std::path::Path;
use std::process::ExitCode;

/// A file may break one rule where it says why here. A line that excuses nothing is itself a finding.
struct Exception {
    path: &'static str,
    rule: &'static str,
    /// The finding says this; other findings of the rule still count.
    about: &'static str,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        path: "xtask/src/tidy/",
        rule: "word",
        about: "",
        reason: "the rules and their tests spell the words they forbid",
    },
    Exception {
        path: "crates/engine/src/gate.rs",
        rule: "layer",
        about: "`Hash",
        reason: "Cedar's constructors take hash maps and sets; we build them and never walk through one",
    },
];

pub struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    says: String,
    /// A warning is shown and fails nothing.
    fails: bool,
}

impl Finding {
    fn new(source: &Source, line: usize, rule: &'static str, says: impl Into<String>) -> Finding {
        Finding {
            path: source.path.clone(),
            line,
            rule,
            says: says.into(),
            fails: true,
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let weight = if self.fails { "" } else { "warning: " };
        write!(to, "{}:{}: {weight}[{}] {}", self.path, self.line, self.rule, self.says)
    }
}

pub fn run() -> ExitCode {
    match report(&crate::root()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failures) => {
            eprintln!("tidy: {failures} to put right");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what it finds and returns how many of them fail.
pub fn report(root: &Path) -> anyhow::Result<usize> {
    let findings = find(&sources(root)?);
    findings.iter().for_each(|it| println!("{it}"));
    Ok(findings.iter().filter(|it| it.fails).count())
}

pub fn sources(root: &Path) -> anyhow::Result<Vec<Source>> {
    source::read_all(root)
}

fn find(sources: &[Source]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = sources.iter().flat_map(check).collect();
    findings.extend(layers::check_members(sources));
    let mut used = [false; EXCEPTIONS.len()];
    findings.retain(|finding| {
        let excuse = EXCEPTIONS.iter().position(|it| {
            finding.path.starts_with(it.path) && finding.rule == it.rule && finding.says.starts_with(it.about)
        });
        excuse.inspect(|it| used[*it] = true).is_none()
    });
    for (exception, _) in EXCEPTIONS.iter().zip(used).filter(|(_, used)| !used) {
        findings.push(Finding {
            path: "xtask/src/tidy.rs".to_owned(),
            line: 1,
            rule: "exception",
            says: format!(
                "nothing under {} needs the excuse \"{}\" any more; remove it",
                exception.path, exception.reason
            ),
            fails: true,
        });
    }
    findings
}

fn check(source: &Source) -> Vec<Finding> {
    [layers::check, words::check, shape::check]
        .into_iter()
        .flat_map(|it| it(source))
        .collect()
}
