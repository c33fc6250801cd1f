//! `signalbox doctor`: what an operator would check by hand, each with what to do about it.

use crate::command_line::Place;
use crate::edge;
use crate::wiring::{DataDir, MASTER_KEY, check_key, open_store};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use signalbox_connectors::outbound::mail::Mail;
use signalbox_engine::playbook;
use signalbox_runtime::ports::Store;
use signalbox_runtime::vault::Vault;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
    /// The address `serve` is to use.
    #[arg(
        long,
        env = "SIGNALBOX_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR"
    )]
    listen: String,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    fix: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// It works, and could be better.
    Note,
    Broken,
}

pub fn run(arguments: &Doctor) -> anyhow::Result<ExitCode> {
    let findings = vec![
        disk(arguments),
        master_key(arguments),
        store(arguments),
        port(arguments),
        mail(arguments),
        clock(),
        console(),
        playbooks(),
    ];
    let is_well = findings.iter().all(|it| it.state != State::Broken);
    if arguments.json {
        println!("{}", serde_json::json!({"ok": is_well, "findings": findings}));
    } else {
        findings.iter().for_each(print);
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(finding: &Finding) {
    let mark = match finding.state {
        State::Ok => "ok    ",
        State::Note => "note  ",
        State::Broken => "BROKEN",
    };
    println!("{mark}  {:<12} {}", finding.what, finding.detail);
    if !finding.fix.is_empty() {
        println!("        {:<12} {}", "", finding.fix);
    }
}

fn ok(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding {
        what,
        state: State::Ok,
        detail: detail.into(),
        fix: String::new(),
    }
}

fn note(what: &'static str, detail: impl Into<String>, fix: &str) -> Finding {
    Finding {
        what,
        state: State::Note,
        detail: detail.into(),
        fix: fix.to_owned(),
    }
}

fn broken(what: &'static str, detail: impl Into<String>, fix: &str) -> Finding {
    Finding {
        what,
        state: State::Broken,
        detail: detail.into(),
        fix: fix.to_owned(),
    }
}

/// Writes and syncs a small file, and says how long that takes: every answer waits for one of these.
fn disk(arguments: &Doctor) -> Finding {
    let fix = "Give --data-dir a folder that this user may write, on a disk with room.";
    let probe = || -> anyhow::Result<u128> {
        let data = DataDir::open(&arguments.place.data_dir)?;
        let path = data.path().join(".doctor");
        let mut file = File::create(&path)?;
        let started = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_all()?;
        let took = started.elapsed().as_micros();
        std::fs::remove_file(path)?;
        Ok(took)
    };
    match probe() {
        Ok(took) if took > 50_000 => note(
            "disk",
            format!("a synced write takes {} ms", took / 1000),
            "Use a disk with a faster fsync; every answer waits for one.",
        ),
        Ok(took) => ok(
            "disk",
            format!("writable, a synced write takes {:.1} ms", took as f64 / 1000.0),
        ),
        Err(error) => broken("disk", format!("{error:#}"), fix),
    }
}

fn master_key(arguments: &Doctor) -> Finding {
    let place = &arguments.place;
    let file = place
        .master_key_file
        .clone()
        .unwrap_or_else(|| place.data_dir.join(MASTER_KEY));
    match std::fs::metadata(&file) {
        Ok(found) if is_open_to_others(&found) => broken(
            "master key",
            format!("others can read {}", file.display()),
            "Run `chmod 600` on it.",
        ),
        Ok(_) => ok(
            "master key",
            format!("{} is there; keep a copy elsewhere", file.display()),
        ),
        Err(_) if place.master_key_file.is_some() => broken(
            "master key",
            format!("{} cannot be read", file.display()),
            "Check --master-key-file.",
        ),
        Err(_) => note(
            "master key",
            "none yet",
            "`signalbox serve` makes one at its first start. Keep a copy elsewhere.",
        ),
    }
}

fn is_open_to_others(found: &std::fs::Metadata) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0;
    #[cfg(not(unix))]
    {
        let _ = found;
        false
    }
}

fn store(arguments: &Doctor) -> Finding {
    let url = arguments.place.database_url.as_deref();
    let what = if url.is_some() { "postgresql" } else { "sqlite" };
    let fix = if url.is_some() {
        "Look at the reason; check --database-url, that the server is up, and what docs/POSTGRESQL.md asks for."
    } else {
        "Look at the reason; restore signalbox.db from a backup if the file is damaged."
    };
    let found = DataDir::open(&arguments.place.data_dir)
        .and_then(|data| Ok((open_store(&data, url)?, data)))
        .and_then(|(store, data)| {
            let (health, positions) = (store.health()?, store.positions()?);
            key_fits(arguments, &data, store.as_ref())?;
            Ok((health, positions))
        });
    match found {
        Ok((health, positions)) => ok(
            what,
            format!("{health}; {} records, {} indexed", positions.head, positions.indexed),
        ),
        Err(error) => broken(what, format!("{error:#}"), fix),
    }
}

/// Where there is a master key, it must be the one that the log was begun with.
fn key_fits(arguments: &Doctor, data: &DataDir, store: &dyn Store) -> anyhow::Result<()> {
    let place = &arguments.place;
    let elsewhere = place.master_key_file.as_deref();
    if !elsewhere.map_or_else(|| data.master_key(), Path::to_owned).exists() {
        return Ok(());
    }
    let master = data.master_secret(elsewhere, place.database_url.is_some())?;
    check_key(store, &Vault::new(master.key())).map(drop)
}

fn port(arguments: &Doctor) -> Finding {
    match TcpListener::bind(&arguments.listen) {
        Ok(_) => ok("port", format!("{} is free", arguments.listen)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => note(
            "port",
            format!("{} is in use", arguments.listen),
            "Fine if that is signalbox; else choose another with --listen.",
        ),
        Err(error) => broken(
            "port",
            format!("{}: {error}", arguments.listen),
            "Choose another with --listen.",
        ),
    }
}

/// Whether notices can leave: the mail server is greeted and logged in to, and given no letter.
fn mail(arguments: &Doctor) -> Finding {
    let fix = "Check --smtp-host, --smtp-port, --smtp-tls, --smtp-user and its secret, and that the mail server is up.";
    let server = match arguments.place.smtp.server() {
        Ok(Some(server)) => server,
        Ok(None) => {
            let fix = "Give --smtp-host and --smtp-sender. Until then a notice to a customer ends as an exception.";
            return note("mail", "no mail server is set; notices are not sent", fix);
        }
        Err(error) => return broken("mail", format!("{error:#}"), fix),
    };
    let probed = Mail::new(server).map_err(|it| it.to_string()).and_then(|it| it.probe());
    match probed {
        Ok(detail) => ok("mail", format!("{detail} takes our name and login")),
        Err(why) => broken("mail", why, fix),
    }
}

/// Wrong by years is what this can see: certificates, signatures and deadlines all fail then.
fn clock() -> Finding {
    let now = Timestamp::now();
    if now.as_second() > 1_735_689_600 {
        return ok(
            "clock",
            format!("{now}; let NTP keep it right, signatures allow five minutes"),
        );
    }
    broken(
        "clock",
        format!("it shows {now}"),
        "Set the system's clock; signatures and deadlines depend on it.",
    )
}

fn console() -> Finding {
    if edge::has_console() {
        return ok("console", "in this binary");
    }
    note(
        "console",
        "not in this binary; the API works all the same",
        "Run `npm ci && npm run build` in web/ and build again.",
    )
}

fn playbooks() -> Finding {
    let shipped = playbook::shipped();
    match shipped.iter().find_map(|it| playbook::read(it).err()) {
        None => ok("playbooks", format!("{} shipped, all readable", shipped.len())),
        Some(issues) => broken("playbooks", format!("{issues:?}"), "Take another build of signalbox."),
    }
}
