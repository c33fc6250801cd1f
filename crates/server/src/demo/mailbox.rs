//! The customers' mail server of a demo: it takes every letter and puts it into a folder, where a person can read it.
//!
//! Invariant: it listens on this machine alone, and a client that dawdles or babbles costs it a thread for a bounded time.

use anyhow::Context as _;
use signalbox_connectors::outbound::mail::{Server, Tls};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Letters that are kept; after them the mailbox is full.
const LETTERS_MAX: usize = 10_000;
const LETTER_BYTES_MAX: u64 = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the mailbox and answers how to reach it. Its threads end with the process.
pub fn open(folder: &Path) -> anyhow::Result<Server> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let listener = TcpListener::bind("127.0.0.1:0").context("a port for the customers' mail server")?;
    let port = listener.local_addr()?.port();
    let (folder, taken) = (folder.to_owned(), Arc::new(AtomicUsize::new(0)));
    thread::Builder::new().name("mailbox".to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let (folder, taken) = (folder.clone(), Arc::clone(&taken));
            // A conversation that breaks off is the sender's to begin again.
            thread::spawn(move || drop(converse(stream, &folder, &taken)));
        }
    })?;
    Ok(Server {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        login: None,
        sender: "dispatch@signalbox.example".to_owned(),
        authority: None,
    })
}

fn converse(mut stream: TcpStream, folder: &Path, taken: &AtomicUsize) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let reader = BufReader::new(stream.try_clone()?).take(LETTER_BYTES_MAX);
    let mut lines = reader.lines();
    stream.write_all(b"220 demo mailbox ready\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        match line.get(..4).unwrap_or_default() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                let mut letter = Vec::new();
                while let Some(line) = lines.next().transpose()?.filter(|it| it != ".") {
                    letter.push(line);
                }
                let answer = match keep(folder, taken, &letter) {
                    Ok(()) => "250 taken",
                    Err(_) => "452 the mailbox is full",
                };
                stream.write_all(format!("{answer}\r\n").as_bytes())?;
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => stream.write_all(b"250 fine\r\n")?,
        }
    }
    Ok(())
}

fn keep(folder: &Path, taken: &AtomicUsize, letter: &[String]) -> io::Result<()> {
    let number = taken.fetch_add(1, Ordering::Relaxed);
    if number >= LETTERS_MAX {
        return Err(io::Error::other("the mailbox is full"));
    }
    // Whole under its name or not there at all: somebody may look at any time.
    let part = folder.join(format!("{number:05}.part"));
    fs::write(&part, letter.join("\n"))?;
    fs::rename(part, name(folder, number))
}

/// The file of a letter; they are counted from 0 without a gap.
pub fn name(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:05}.eml"))
}
