//! The `signalbox` binary: built, found, and handed the terminal.

use crate::leash::cargo;
use crate::web;
use anyhow::Context;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

pub fn demo(arguments: &[String]) -> anyhow::Result<()> {
    let (profile, arguments) = match arguments.split_first() {
        Some((first, rest)) if first == "--release" => (Profile::Release, rest),
        _ => (Profile::Dev, arguments),
    };
    web::build_for_people()?;
    become_signalbox(profile, "demo", arguments)
}

pub fn bench(arguments: &[String]) -> anyhow::Result<()> {
    become_signalbox(Profile::Release, "bench", arguments)
}

/// Builds `signalbox` and says where it lies.
pub fn build(profile: Profile) -> anyhow::Result<PathBuf> {
    binary(profile, "signalbox")
}

/// Builds one binary of the workspace and says where it lies. With `--workspace`, so that the outside crates are built
/// with the features the tests have built them with, and not once more.
pub fn binary(profile: Profile, name: &str) -> anyhow::Result<PathBuf> {
    let mut arguments = vec!["build", "--workspace", "--bin", name];
    if profile == Profile::Release {
        arguments.push("--release");
    }
    anyhow::ensure!(cargo(&arguments).run()?, "`cargo {}` failed", arguments.join(" "));
    let folder = if profile == Profile::Release {
        "release"
    } else {
        "debug"
    };
    Ok(target_folder()?.join(folder).join(name))
}

/// Replaces this process, so that ctrl-C and the exit code are signalbox's own.
fn become_signalbox(profile: Profile, command: &str, arguments: &[String]) -> anyhow::Result<()> {
    let binary = build(profile)?;
    let error = Command::new(&binary).arg(command).args(arguments).exec();
    Err(error).with_context(|| format!("cannot run {}", binary.display()))
}

fn target_folder() -> anyhow::Result<PathBuf> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]).read()?;
    let (_, after) = metadata
        .split_once("\"target_directory\":\"")
        .context("cargo metadata names no target folder")?;
    let (folder, _) = after.split_once('"').context("cargo metadata is cut short")?;
    Ok(PathBuf::from(folder))
}
