//! A real mail server: Exim as Debian packs it, run privately on a free port with a configuration, a spool and a mailbox of
//! its own in a temporary folder. Letters come to it by STARTTLS under a certificate that is made for the test.
//!
//! `SIGNALBOX_TEST_EXIM` names a folder into which the packages were unpacked; `cargo xtask test` sees to that.

use signalbox_connectors::outbound::mail::{Server, Tls};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const VARIABLE: &str = "SIGNALBOX_TEST_EXIM";
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Exim refuses to be root; root lends it this user (Debian's `nobody`).
const NOBODY: u32 = 65_534;

pub struct Exim {
    pub server: Server,
    folder: tempfile::TempDir,
    process: Child,
}

impl Exim {
    /// Without the programs the test says so aloud and passes, except in CI.
    pub fn start() -> Option<Result<Self, String>> {
        let Ok(programs) = std::env::var(VARIABLE) else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set {VARIABLE}");
            // Past the test harness, which would keep it back.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: no mail server; `cargo xtask test mail rust` gets one"
            );
            return None;
        };
        Some(Self::start_from(Path::new(&programs)).map_err(|it| format!("exim: {it}")))
    }

    fn start_from(programs: &Path) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = folder.path();
        let user = is_root(at)?.then_some(NOBODY);
        std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755))?;
        for name in ["spool", "mail"] {
            std::fs::create_dir(at.join(name))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        std::fs::write(at.join("shut"), "")?;
        std::fs::write(at.join("exim.conf"), configuration(at, port))?;
        let number = match user {
            Some(user) => user,
            None => std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(at)?),
        };
        std::fs::write(
            at.join("passwd"),
            format!("Debian-exim:x:{number}:{number}::/:/bin/false\n"),
        )?;
        std::fs::write(at.join("group"), format!("Debian-exim:x:{number}:\nmail:x:8:\n"))?;
        std::fs::write(at.join("exim"), starter(at, programs))?;
        std::fs::set_permissions(at.join("exim"), std::fs::Permissions::from_mode(0o755))?;
        certificate(at)?;
        if let Some(user) = user {
            for name in ["spool", "mail", "key.pem", "certificate.pem"] {
                chown(at.join(name), Some(user), Some(user))?;
            }
        }
        let mut daemon = Command::new(at.join("exim"));
        daemon
            .arg("-C")
            .arg(at.join("exim.conf"))
            .args(["-bdf", "-oP"])
            .arg(at.join("spool/pid"));
        daemon.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(user) = user {
            daemon.uid(user).gid(user);
        }
        let authority = std::fs::read(at.join("certificate.pem"))?;
        let exim = Self {
            process: daemon.spawn()?,
            folder,
            server: Server {
                host: "localhost".to_owned(),
                port,
                tls: Tls::Starttls,
                login: None,
                sender: "signalbox@main.example".to_owned(),
                authority: Some(authority),
            },
        };
        exim.wait_until_ready(port)?;
        Ok(exim)
    }

    fn wait_until_ready(&self, port: u16) -> std::io::Result<()> {
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                let mut greeting = String::new();
                BufReader::new(stream).read_line(&mut greeting)?;
                if greeting.starts_with("220 ") && greeting.contains("Exim") {
                    return Ok(());
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let log = std::fs::read_to_string(self.folder.path().join("spool/mainlog")).unwrap_or_default();
        Err(std::io::Error::other(format!("it was not ready in time: {log}")))
    }

    /// From now on it says that there is no such mailbox.
    pub fn shut(&self, customer: &str) {
        let line = format!("{}: shut\n", customer.to_lowercase());
        std::fs::write(self.folder.path().join("shut"), line).unwrap();
    }

    /// Every letter in the mailbox, once nothing is left in the queue.
    pub fn letters(&self) -> Result<Vec<Vec<String>>, String> {
        let asked = Instant::now();
        while !self.files("spool/input").is_empty() {
            if asked.elapsed() > PATIENCE {
                return Err("letters stay in the mail server's queue".to_owned());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let letters = self
            .files("mail/new")
            .into_iter()
            .map(|it| std::fs::read_to_string(it).unwrap());
        Ok(letters.map(|it| it.lines().map(str::to_owned).collect()).collect())
    }

    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join(folder))
            .into_iter()
            .flatten()
            .flatten();
        let mut files: Vec<PathBuf> = entries.map(|it| it.path()).collect();
        // A maildir's names begin with the time.
        files.sort();
        files
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_root(folder: &Path) -> std::io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder)?) == 0)
}

fn configuration(at: &Path, port: u16) -> String {
    let at = at.display();
    format!(
        "exim_path = {at}/exim
deliver_drop_privilege = true
keep_environment = LD_PRELOAD : LD_LIBRARY_PATH : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
spool_directory = {at}/spool
log_file_path = {at}/spool/%slog
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
primary_hostname = mx.customers.example
tls_advertise_hosts = *
tls_certificate = {at}/certificate.pem
tls_privatekey = {at}/key.pem
acl_smtp_rcpt = recipient
begin acl
recipient:
  deny condition = ${{if eq{{$tls_in_cipher}}{{}}}}
       message = not in clear
  deny condition = ${{lookup{{${{lc:$local_part}}}}lsearch{{{at}/shut}}{{yes}}{{no}}}}
       message = no such mailbox
  accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  maildir_format
  directory = {at}/mail
  envelope_to_add
"
    )
}

/// Runs the unpacked program with its libraries, and with a user table of its own.
fn starter(at: &Path, programs: &Path) -> String {
    let libraries = programs.join("lib");
    let (at, programs, libraries) = (at.display(), programs.display(), libraries.display());
    format!(
        "#!/bin/sh
export LD_LIBRARY_PATH={libraries} LD_PRELOAD={libraries}/libnss_wrapper.so
export NSS_WRAPPER_PASSWD={at}/passwd NSS_WRAPPER_GROUP={at}/group
exec {programs}/exim4 \"$@\"
"
    )
}

fn certificate(at: &Path) -> std::io::Result<()> {
    let mut made = Command::new("openssl");
    made.args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]);
    // A server's certificate: one that says it is an authority is not taken for that.
    made.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    made.args(["-addext", "subjectAltName=DNS:localhost", "-keyout"]);
    made.arg(at.join("key.pem")).arg("-out").arg(at.join("certificate.pem"));
    let done = made
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    done.success()
        .then_some(())
        .ok_or_else(|| std::io::Error::other("openssl made no certificate"))
}
