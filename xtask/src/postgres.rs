//! A private PostgreSQL cluster for one test run.
//!
//! It lives in a temporary folder, listens on a free port of 127.0.0.1 and on a socket in that folder, and is gone with the run, also
//! after ctrl-C or a kill: its shell waits on a pipe that only we hold (see `leash`). It never syncs to disk: the tests that judge
//! durability do not use it.

use crate::machine;
use anyhow::Context;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The tests read this; set it beforehand to use a server of your own.
pub const VARIABLE: &str = "SIGNALBOX_TEST_POSTGRES";

const READY_WITHIN: Duration = Duration::from_secs(30);
const CONNECTIONS_MAX: u32 = 200;

/// Holds the server; when our end of the pipe closes, it is stopped and its folder removed.
const SHELL: &str = r#"
folder=$1; shift
exec 3<&0
trap '' INT TERM HUP
"$@" </dev/null 3<&- & server=$!
cat <&3 >/dev/null
kill -INT "$server"
wait "$server"
cd /
rm -rf "$folder"
"#;

pub struct Cluster {
    pub url: String,
    shell: Child,
}

/// The server's programs: Debian's newest version, else what is on the path.
pub fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|it| Some((it.file_name().to_str()?.parse().ok()?, it.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .collect();
    versions.sort();
    let debian = versions.pop().map(|(_, bin)| bin);
    debian.or_else(|| machine::find_program(&["initdb"])?.parent().map(Path::to_path_buf))
}

pub fn start(programs: &Path) -> anyhow::Result<Cluster> {
    let user = server_user()?;
    let folder = std::env::temp_dir().join(format!("signalbox-postgres-{}", std::process::id()));
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let started = give_to(&folder, user).and_then(|()| start_in(programs, &folder, user));
    if started.is_err() {
        let _ = fs::remove_dir_all(&folder);
    }
    started
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn start_in(programs: &Path, folder: &Path, user: Option<(u32, u32)>) -> anyhow::Result<Cluster> {
    let password = random_word()?;
    let password_file = folder.join("password");
    fs::write(&password_file, &password)?;
    give_to(&password_file, user)?;
    let data = folder.join("data");
    let mut initdb = as_user(Command::new(programs.join("initdb")), user);
    initdb
        .arg("-D")
        .arg(&data)
        .arg(format!("--pwfile={}", password_file.display()));
    initdb.args([
        "-U",
        "signalbox",
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    let made = initdb
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .context("initdb")?;
    anyhow::ensure!(
        made.status.success(),
        "initdb failed:\n{}",
        String::from_utf8_lossy(&made.stderr)
    );

    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let log = fs::File::create(folder.join("log"))?;
    let mut shell = as_user(Command::new("sh"), user);
    shell
        .args(["-c", SHELL, "leash"])
        .arg(folder)
        .arg(programs.join("postgres"))
        .arg("-D")
        .arg(&data);
    shell
        .arg("-k")
        .arg(folder)
        .args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    let connections = format!("max_connections={CONNECTIONS_MAX}");
    for setting in [
        "fsync=off",
        "full_page_writes=off",
        "logging_collector=off",
        &connections,
    ] {
        shell.args(["-c", setting]);
    }
    shell
        .current_dir(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log);
    let cluster = Cluster {
        url: format!("postgres://signalbox:{password}@127.0.0.1:{port}/postgres"),
        shell: shell.spawn().context("starting postgres")?,
    };
    wait_until_ready(programs, port).with_context(|| last_lines(&folder.join("log")))?;
    Ok(cluster)
}

fn wait_until_ready(programs: &Path, port: u16) -> anyhow::Result<()> {
    let asked = Instant::now();
    let port = port.to_string();
    while asked.elapsed() < READY_WITHIN {
        let mut question = Command::new(programs.join("pg_isready"));
        question.args([
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-d",
            "postgres",
            "-U",
            "signalbox",
        ]);
        if question.stdin(Stdio::null()).status()?.success() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    anyhow::bail!("PostgreSQL was not ready within {} s", READY_WITHIN.as_secs())
}

/// PostgreSQL refuses to run as root, so root lends it another user.
fn server_user() -> anyhow::Result<Option<(u32, u32)>> {
    if !machine::is_root() {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| Some(Some((machine::user_number(name)?, machine::group_number(name)?))))
        .context("PostgreSQL refuses root, and there is neither a user `postgres` nor `nobody` to run it as")
}

fn as_user(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn give_to(path: &Path, user: Option<(u32, u32)>) -> anyhow::Result<()> {
    match user {
        Some((uid, gid)) => chown(path, Some(uid), Some(gid)).with_context(|| format!("chown {}", path.display())),
        None => Ok(()),
    }
}

fn random_word() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|it| format!("{it:02x}")).collect())
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!("its log ends:\n{}", lines[lines.len().saturating_sub(10)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::{programs, start};

    #[test]
    fn a_cluster_starts_and_leaves_nothing_behind() {
        let Some(programs) = programs() else { return };
        let cluster = start(&programs).unwrap();
        let folder = std::env::temp_dir().join(format!("signalbox-postgres-{}", std::process::id()));
        assert!(folder.exists());
        assert!(cluster.url.starts_with("postgres://signalbox:"));
        drop(cluster);
        assert!(!folder.exists());
    }
}
