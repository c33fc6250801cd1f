//! The customers' mail server in the scenarios, and what it put into each mailbox: a simple one of our own, or Exim.

use crate::exim::Exim;
use signalbox_connectors::outbound::mail::{Server, Tls};
use signalbox_sim::scenario::Letter;
use signalbox_sim::setup::customer_at;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A letter under its Message-ID.
pub type Mailed = (String, Letter);

pub enum Mailboxes {
    Simple { server: Server, desk: Desk },
    Real(Exim),
}

#[derive(Clone, Default)]
pub struct Desk {
    mailed: Arc<Mutex<Vec<Mailed>>>,
    /// Customers that have no mailbox.
    shut: Arc<Mutex<BTreeSet<String>>>,
}

impl Mailboxes {
    /// Takes letters from now on, for as long as the test's process lives.
    pub fn open() -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|it| it.to_string())?;
        let port = listener.local_addr().map_err(|it| it.to_string())?.port();
        let desk = Desk::default();
        let taking = desk.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let desk = taking.clone();
                // A conversation that breaks off is the client's to try again.
                std::thread::spawn(move || drop(converse(stream, &desk)));
            }
        });
        let server = Server {
            host: "127.0.0.1".to_owned(),
            port,
            tls: Tls::None,
            login: None,
            sender: "signalbox@main.example".to_owned(),
            authority: None,
        };
        Ok(Self::Simple { server, desk })
    }

    pub fn server(&self) -> Server {
        match self {
            Self::Simple { server, .. } => server.clone(),
            Self::Real(exim) => exim.server.clone(),
        }
    }

    pub fn shut(&self, customer: &str) {
        match self {
            Self::Simple { desk, .. } => drop(desk.shut.lock().unwrap().insert(customer.to_owned())),
            Self::Real(exim) => exim.shut(customer),
        }
    }

    /// Every letter so far, in the order in which they came.
    pub fn mailed(&self) -> Result<Vec<Mailed>, String> {
        match self {
            Self::Simple { desk, .. } => Ok(desk.mailed.lock().unwrap().clone()),
            Self::Real(exim) => Ok(exim.letters()?.iter().map(|it| read(it)).collect()),
        }
    }
}

fn converse(mut stream: TcpStream, desk: &Desk) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 mailboxes ready\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let answer = if let Some(address) = line.strip_prefix("RCPT TO:<") {
            let is_shut = desk.shut.lock().unwrap().contains(customer_at(address));
            if is_shut { "550 no such mailbox" } else { "250 fine" }
        } else if line == "DATA" {
            stream.write_all(b"354 go on\r\n")?;
            let mut letter = Vec::new();
            while let Some(line) = lines.next().transpose()?.filter(|it| it != ".") {
                letter.push(line);
            }
            desk.mailed.lock().unwrap().push(read(&letter));
            "250 taken"
        } else if line == "QUIT" {
            return stream.write_all(b"221 bye\r\n");
        } else {
            "250 fine"
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

fn read(letter: &[String]) -> Mailed {
    let header = |name: &str| {
        let mut headers = letter.iter().take_while(|it| !it.is_empty());
        headers
            .find_map(|it| it.strip_prefix(name))
            .unwrap_or_default()
            .to_owned()
    };
    let (to, subject) = (customer_at(&header("To: ")).to_owned(), Some(header("Subject: ")));
    (header("Message-ID: "), Letter { to, subject })
}
