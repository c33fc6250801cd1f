//! The console: built only when its sources changed, and never a condition for working on the Rust.

use crate::leash::{Task, task};
use crate::root;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest Node.js the build tools accept.
const NODE_MIN: (u32, u32) = (20, 19);

const SOURCES: &[&str] = &[
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
];

pub fn folder() -> PathBuf {
    root().join("web")
}

/// Why the console cannot be built here, if so.
pub fn obstacle() -> Option<String> {
    if !folder().join("package.json").is_file() {
        return Some("there is no web/package.json".to_owned());
    }
    let wanted = format!("Node.js {}.{} or newer", NODE_MIN.0, NODE_MIN.1);
    match node_version() {
        None => Some(format!("{wanted} is not installed")),
        Some(version) if version < NODE_MIN => Some(format!("{wanted} is needed, this is {}.{}", version.0, version.1)),
        Some(_) => None,
    }
}

/// Builds when stale. Without Node.js it says so in one line and leaves the server its built-in page.
pub fn build_for_people() -> anyhow::Result<()> {
    match obstacle() {
        Some(why) => {
            eprintln!("The console is not built: {why}. Going on with the built-in page; API and commands work.")
        }
        None => build_when_stale()?,
    }
    Ok(())
}

pub fn build_when_stale() -> anyhow::Result<()> {
    install_when_stale()?;
    let stamp = folder().join("node_modules/.signalbox-built");
    let fresh = hash(&sources(&folder())?)?;
    let built = folder().join("dist/index.html").is_file();
    if built && fs::read_to_string(&stamp).is_ok_and(|it| it == fresh) {
        return Ok(());
    }
    eprintln!("building the console");
    anyhow::ensure!(npm(&["run", "build"]).run()?, "`npm run build` failed in web/");
    fs::write(stamp, fresh)?;
    Ok(())
}

/// npm writes its record of what is installed last; anything asked for after that is not there yet.
pub fn install_when_stale() -> anyhow::Result<()> {
    let changed = |name: &str| fs::metadata(folder().join(name)).and_then(|it| it.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_some() && installed >= changed("package-lock.json") && installed >= changed("package.json") {
        return Ok(());
    }
    eprintln!("installing the console's packages");
    let installed = npm(&["ci", "--no-audit", "--no-fund"])
        .with("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .run()?;
    anyhow::ensure!(
        installed,
        "`npm ci` failed in web/; if package.json changed, run `npm install` there and commit the lock file"
    );
    Ok(())
}

pub fn npm(arguments: &[&str]) -> Task {
    task("npm", arguments).within(folder())
}

fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().strip_prefix('v')?.split('.').map(|it| it.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn sources(web: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(&web.join(source), &mut files)?;
    }
    for entry in fs::read_dir(web)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        // Further entry pages and every tsconfig*.json.
        if path.is_file() && (name.ends_with(".html") || name.starts_with("tsconfig") && name.ends_with(".json")) {
            files.push(path);
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
    } else if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    }
    Ok(())
}

/// FNV-1a over names and contents: enough to see a change, and the same on every toolchain.
fn hash(files: &[PathBuf]) -> anyhow::Result<String> {
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    for file in files {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        for byte in file.to_string_lossy().bytes().chain([0]).chain(bytes).chain([0]) {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(format!("{sum:016x}\n"))
}
