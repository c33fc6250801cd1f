//! What this machine has, and what may be installed on it.

use crate::leash::task;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Under CI nothing may be left out quietly: a skipped stage fails.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|it| !it.is_empty() && it != "false" && it != "0")
}

pub fn is_root() -> bool {
    user_number("").is_some_and(|it| it == 0)
}

/// The number of a user, or of ourselves for an empty name.
pub fn user_number(name: &str) -> Option<u32> {
    id("-u", name)
}

pub fn group_number(name: &str) -> Option<u32> {
    id("-g", name)
}

pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .find_map(|name| folders.iter().map(|it| it.join(name)).find(|it| it.is_file()))
}

/// Installs Debian packages when we are root on Debian; otherwise says who has to.
pub fn install(packages: &[&str]) -> anyhow::Result<()> {
    let by_hand = format!("install {} and run again", packages.join(", "));
    anyhow::ensure!(
        Path::new("/etc/debian_version").exists(),
        "this is not Debian: {by_hand}"
    );
    anyhow::ensure!(is_root(), "only root may install: {by_hand}");
    eprintln!("installing {} (missing on this machine)", packages.join(", "));
    let mut arguments = vec![
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=300",
        "-o",
        "Dpkg::Use-Pty=0",
    ];
    arguments.extend_from_slice(packages);
    for step in [&["update", "-qq"][..], &arguments] {
        let done = task("apt-get", step)
            .with("DEBIAN_FRONTEND", "noninteractive")
            .run()
            .context("apt-get")?;
        anyhow::ensure!(done, "`apt-get {}` failed: {by_hand}", step.join(" "));
    }
    Ok(())
}

fn id(flag: &str, name: &str) -> Option<u32> {
    let mut command = Command::new("id");
    command.arg(flag);
    if !name.is_empty() {
        command.arg(name);
    }
    let output = command.output().ok().filter(|it| it.status.success())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
