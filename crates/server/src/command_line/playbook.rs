//! `signalbox playbook`: a playbook's folder checked and tested on any machine, without a server.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use signalbox_engine::playbook::{self, Files};
use signalbox_engine::playbook_test;
use signalbox_model::issue::Issue;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Files a playbook's folder may hold.
const FILES_MAX: usize = 1_000;
/// Bytes of all of them together.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Folders within folders.
const DEPTH_MAX: u32 = 4;

const EXAMPLES: &str = "Examples:
  signalbox playbook check playbooks/load-tender          can every file be read, and does it fit together?
  signalbox playbook test playbooks/load-tender           does it do what its tests say?
  signalbox playbook test playbooks/load-tender --json    the same for a program to read";

#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Playbook {
    /// Read every file of a playbook and name what is wrong, with its place.
    ///
    /// Exit code 0: it can be installed. 1: it cannot, and why. 2: the folder could not be read.
    #[command(after_help = EXAMPLES)]
    Check(Folder),
    /// Run the tests in a playbook's folder (tests/*.yaml).
    ///
    /// Exit code 0: all passed. 1: one failed, there is none, or the playbook cannot be read. 2: the folder could not be
    /// read.
    #[command(after_help = EXAMPLES)]
    Test(Folder),
}

#[derive(Args)]
pub struct Folder {
    /// The playbook's folder, where manifest.yaml lies.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Playbook) -> anyhow::Result<ExitCode> {
    let (Playbook::Check(arguments) | Playbook::Test(arguments)) = command;
    let files = match files(&arguments.folder) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("signalbox: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let passed = match command {
        Playbook::Check(_) => check(&files, arguments)?,
        Playbook::Test(_) => test(&files, arguments)?,
    };
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(files: &Files, arguments: &Folder) -> anyhow::Result<bool> {
    let playbook = match playbook::check(files) {
        Ok(playbook) => playbook,
        Err(issues) => return refuse(&issues, arguments),
    };
    let (name, version, count) = (&playbook.manifest.name, &playbook.manifest.version, files.len());
    if arguments.json {
        let names: Vec<&String> = files.keys().collect();
        let hash = &playbook.definition.hash;
        let shown =
            json!({"passed": true, "name": name, "version": version, "definition": hash, "files": names, "issues": []});
        say(&format!("{shown}\n"))?;
        return Ok(true);
    }
    say(&format!(
        "{name} {version}: {count} files can be read and fit together.\n"
    ))?;
    eprintln!("Run its tests: signalbox playbook test {}", arguments.folder.display());
    Ok(true)
}

fn test(files: &Files, arguments: &Folder) -> anyhow::Result<bool> {
    let outcomes = match playbook_test::run(files) {
        Ok(outcomes) => outcomes,
        Err(issues) => return refuse(&issues, arguments),
    };
    let failed = outcomes.iter().filter(|it| !it.passed).count();
    let passed = failed == 0 && !outcomes.is_empty();
    if arguments.json {
        say(&format!(
            "{}\n",
            json!({"passed": passed, "tests": outcomes, "issues": []})
        ))?;
    } else {
        let told = outcomes.iter().map(|it| {
            let word = if it.passed { "ok    " } else { "FAILED" };
            let why = it
                .why
                .as_ref()
                .map_or_else(String::new, |why| format!("       {why}\n"));
            format!("{word} {}: {}\n{why}", it.file, it.name)
        });
        let told: String = told.collect();
        say(&format!(
            "{told}{} of {} passed.\n",
            outcomes.len() - failed,
            outcomes.len()
        ))?;
    }
    if outcomes.is_empty() {
        eprintln!("signalbox: the playbook has no tests. Write some in tests/NAME.yaml; docs/PLAYBOOKS.md shows how.");
    } else if failed > 0 {
        eprintln!(
            "signalbox: {failed} failed. Correct the playbook, or the test where it says what is no longer wanted."
        );
    }
    Ok(passed)
}

/// Says what cannot be read. Always `false`: nothing passed.
fn refuse(issues: &[Issue], arguments: &Folder) -> anyhow::Result<bool> {
    if arguments.json {
        say(&format!("{}\n", json!({"passed": false, "issues": issues})))?;
    } else {
        let told = issues
            .iter()
            .map(|it| format!("{}: {}. {}\n", it.at, it.why.trim_end_matches('.'), it.fix));
        say(&told.collect::<String>())?;
    }
    eprintln!(
        "signalbox: the playbook in {} cannot be installed. Correct what is named above and check again.",
        arguments.folder.display()
    );
    Ok(false)
}

/// To stdout. Whoever reads only the beginning closes the pipe, and that is no failure.
fn say(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// The folder's files by their path within it. Hidden files are the editor's or git's and not looked at.
fn files(folder: &Path) -> anyhow::Result<Files> {
    if !folder.is_dir() {
        bail!(
            "{} is no folder. Name the one where the playbook's manifest.yaml lies",
            folder.display()
        );
    }
    let mut files = Files::new();
    let mut bytes = 0;
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((here, depth)) = open.pop() {
        let entries = std::fs::read_dir(&here).with_context(|| cannot_read(&here))?;
        for entry in entries {
            let entry = entry.with_context(|| cannot_read(&here))?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let about = std::fs::metadata(&path).with_context(|| cannot_read(&path))?;
            if about.is_dir() {
                if depth == DEPTH_MAX {
                    bail!("{} lies too deep. Name the playbook's own folder", path.display());
                }
                open.push((path, depth + 1));
                continue;
            }
            bytes += about.len();
            if files.len() == FILES_MAX || bytes > BYTES_MAX {
                bail!(
                    "{} holds more than {FILES_MAX} files or {BYTES_MAX} bytes. Name the playbook's own folder",
                    folder.display()
                );
            }
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{} is no UTF-8 text. Take it out of the folder", path.display()))?;
            files.insert(name_within(folder, &path), text);
        }
    }
    Ok(files)
}

/// The path within the folder, with slashes on every system.
fn name_within(folder: &Path, path: &Path) -> String {
    let within = path.strip_prefix(folder).unwrap_or(path);
    let parts = within.iter().map(|it| it.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

fn cannot_read(path: &Path) -> String {
    format!(
        "cannot read {}. Check that it is there and that you may read it",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> PathBuf {
        folders().join("load-tender")
    }

    fn folders() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../playbooks")
    }

    fn code(command: &Playbook) -> ExitCode {
        run(command).unwrap()
    }

    fn folder(folder: &Path) -> Folder {
        Folder {
            folder: folder.to_path_buf(),
            json: false,
        }
    }

    #[test]
    fn what_is_shipped_are_the_whole_folders() {
        let mut there = 0;
        for entry in std::fs::read_dir(folders()).unwrap() {
            let found = files(&entry.unwrap().path()).unwrap();
            assert!(playbook::shipped().contains(&found), "{:?}", found.get("manifest.yaml"));
            there += 1;
        }
        assert_eq!(playbook::shipped().len(), there);
    }

    #[test]
    fn a_folder_that_passes_fails_once_a_test_expects_otherwise_and_cannot_be_run_once_it_is_broken() {
        let copy = tempfile::tempdir().unwrap();
        for (path, text) in files(&shipped()).unwrap() {
            let to = copy.path().join(path);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, text).unwrap();
        }
        let test = || code(&Playbook::Test(folder(copy.path())));
        let check = || code(&Playbook::Check(folder(copy.path())));
        assert_eq!((check(), test()), (ExitCode::SUCCESS, ExitCode::SUCCESS));
        let case =
            "templates: [{name: n, template: exhausted, text: x, data: {offers: [], load: {reference: r, lane: l}}}]";
        std::fs::write(copy.path().join("tests/more.yaml"), case).unwrap();
        assert_eq!((check(), test()), (ExitCode::SUCCESS, ExitCode::FAILURE));
        std::fs::remove_dir_all(copy.path().join("tests")).unwrap();
        assert_eq!((check(), test()), (ExitCode::SUCCESS, ExitCode::FAILURE));
        std::fs::remove_file(copy.path().join("policy.cedar")).unwrap();
        std::fs::remove_file(copy.path().join("manifest.yaml")).unwrap();
        assert_eq!((check(), test()), (ExitCode::FAILURE, ExitCode::FAILURE));
        let nowhere = Playbook::Check(folder(&copy.path().join("nowhere")));
        assert_eq!(code(&nowhere), ExitCode::from(2));
    }
}
