//! `signalbox audit verify`: an export checked on any machine, without a server.

use anyhow::Context as _;
use clap::Subcommand;
use signalbox_runtime::audit::note::VerifierKey;
use signalbox_runtime::audit::verify::{Report, verify};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Audit {
    /// Check an export against a key and checkpoints that you hold from elsewhere.
    ///
    /// Exit code 0: nothing was changed, dropped, moved or cut. 1: something was, and what. 2: it could not be checked.
    Verify {
        /// The export (`GET /api/v1/audit/export`); `-` reads stdin.
        file: PathBuf,
        /// A checkpoint kept earlier. May be repeated.
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// The log's verifier key, as you were given it. Without it the key in the export is used, which proves only
        /// that the export is whole in itself.
        #[arg(long, value_name = "VKEY")]
        key: Vec<String>,
        /// Print the report as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub fn run(command: &Audit) -> anyhow::Result<ExitCode> {
    let Audit::Verify {
        file,
        checkpoint,
        key,
        json,
    } = command;
    let report = match report(file, checkpoint, key) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("signalbox: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    if *json {
        let mut shown = serde_json::to_value(&report)?;
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("passed".to_owned(), report.passed().into());
        }
        println!("{shown}");
    } else {
        print(&report);
    }
    Ok(if report.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn report(file: &Path, checkpoints: &[PathBuf], keys: &[String]) -> anyhow::Result<Report> {
    let export = read(file)?;
    let held = checkpoints.iter().map(|it| {
        let text = String::from_utf8(read(it)?);
        text.with_context(|| format!("{} is no checkpoint", it.display()))
    });
    let held = held.collect::<anyhow::Result<Vec<String>>>()?;
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    let given = if keys.is_empty() {
        eprintln!("No --key was given: the key inside the export is trusted. Give the one you were handed elsewhere.");
        vec![own_key(&export)?]
    } else {
        keys.to_vec()
    };
    let keys = given
        .iter()
        .map(|it| VerifierKey::parse(it).map_err(|error| anyhow::anyhow!("{it:?} is no verifier key: {error}")));
    Ok(verify(&export, &keys.collect::<anyhow::Result<Vec<_>>>()?, &held))
}

/// The key that an export says it is signed with.
fn own_key(export: &[u8]) -> anyhow::Result<String> {
    let first = export.split(|it| *it == b'\n').next().unwrap_or_default();
    let header: serde_json::Value = serde_json::from_slice(first)
        .or_else(|_| serde_json::from_slice(export))
        .context("the file is no audit export")?;
    let key = header.get("verifier_key").and_then(|it| it.as_str());
    key.map(str::to_owned)
        .context("the export names no key; give one with --key")
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn print(report: &Report) {
    println!("{}: {} entries, root {}", report.origin, report.size, report.root);
    for size in &report.held {
        println!("goes on from the checkpoint over {size} entries");
    }
    for problem in &report.problems {
        let at = problem.index.map_or_else(String::new, |it| format!(" at entry {it}"));
        println!("{:?}{at}: {}", problem.what, problem.why);
    }
    if report.unlisted > 0 {
        println!("and {} more", report.unlisted);
    }
    println!("{}", if report.passed() { "Verified." } else { "NOT verified." });
}
