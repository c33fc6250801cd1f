//! A mail server for the tests: Exim out of Debian's packages, unpacked under `target` and never installed. The tests run it
//! themselves, each with a folder of its own.

use crate::leash::task;
use crate::{machine, root};
use anyhow::Context;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tests read this; set it beforehand to use programs of your own: `exim4` beside a folder `lib`.
pub const VARIABLE: &str = "SIGNALBOX_TEST_EXIM";

const PACKAGES: &[&str] = &["exim4-daemon-light", "libidn12", "libnss-wrapper"];

/// The folder with the programs, fetched where they are not there yet.
pub fn programs() -> anyhow::Result<PathBuf> {
    let folder = root().join("target/mail-server");
    if !folder.join("exim4").is_file() {
        fetch(&folder)?;
    }
    Ok(folder)
}

fn fetch(folder: &Path) -> anyhow::Result<()> {
    let is_debian = Path::new("/etc/debian_version").exists();
    anyhow::ensure!(
        is_debian,
        "this is not Debian, whose packages the tests' mail server comes from"
    );
    if machine::find_program(&["openssl"]).is_none() {
        machine::install(&["openssl"])?;
    }
    let unpacked = folder.with_extension("part");
    let _ = fs::remove_dir_all(&unpacked);
    fs::create_dir_all(&unpacked)?;
    if machine::is_root() {
        task("apt-get", &["update", "-qq"]).run().context("apt-get update")?;
    }
    let fetched = Command::new("apt-get")
        .args(["download", "-qq"])
        .args(PACKAGES)
        .current_dir(&unpacked)
        .output()
        .context("apt-get download")?;
    anyhow::ensure!(
        fetched.status.success(),
        "`apt-get download` failed: {}",
        String::from_utf8_lossy(&fetched.stderr).trim()
    );
    let tree = unpacked.join("tree");
    for package in files(&unpacked, ".deb")? {
        let done = Command::new("dpkg").arg("-x").arg(&package).arg(&tree).status()?;
        anyhow::ensure!(done.success(), "`dpkg -x {}` failed", package.display());
    }
    let libraries = unpacked.join("lib");
    fs::create_dir(&libraries)?;
    let architectures = fs::read_dir(tree.join("usr/lib"))?.flatten();
    for architecture in architectures.filter(|it| it.path().is_dir()) {
        for library in files(&architecture.path(), "")?.iter().filter(|it| is_library(it)) {
            fs::copy(library, libraries.join(library.file_name().unwrap_or_default()))?;
        }
    }
    let program = unpacked.join("exim4");
    fs::copy(tree.join("usr/sbin/exim4"), &program)?;
    // Without the set-user-id bit, which would keep our libraries from it.
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let linked = Command::new("ldd")
        .arg(&program)
        .env("LD_LIBRARY_PATH", &libraries)
        .output()?;
    let linked = String::from_utf8_lossy(&linked.stdout).into_owned();
    anyhow::ensure!(!linked.contains("not found"), "libraries are missing:\n{linked}");
    fs::rename(&unpacked, folder)?;
    Ok(())
}

fn is_library(file: &Path) -> bool {
    file.file_name().is_some_and(|it| it.to_string_lossy().contains(".so"))
}

fn files(folder: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.flatten().map(|it| it.path());
    let named = |it: &PathBuf| it.file_name().is_some_and(|it| it.to_string_lossy().ends_with(ending));
    Ok(paths.filter(|it| it.is_file() && named(it)).collect())
}
