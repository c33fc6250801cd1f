//! A connection to PostgreSQL that can lose an answer after the server has done the work, or refuse to come back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Proxy {
    pub url: String,
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    lose: AtomicBool,
    refuse: AtomicBool,
}

impl Proxy {
    pub fn to(url: &str) -> Self {
        let config: postgres::Config = url.parse().unwrap();
        let host = match config.get_hosts().first() {
            Some(postgres::config::Host::Tcp(host)) => host.clone(),
            other => panic!("SIGNALBOX_TEST_POSTGRES must name a TCP host, not {other:?}"),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let faults = Arc::new(Faults::default());
        let seen = Arc::clone(&faults);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !seen.refuse.load(Ordering::SeqCst) {
                    join(client, TcpStream::connect((host.as_str(), port)).unwrap(), &seen);
                }
            }
        });
        let user = config.get_user().unwrap_or("postgres");
        let password = config
            .get_password()
            .map(|it| String::from_utf8_lossy(it).into_owned())
            .unwrap_or_default();
        let database = config.get_dbname().unwrap_or(user);
        Self {
            url: format!("postgres://{user}:{password}@127.0.0.1:{own}/{database}"),
            faults,
        }
    }

    /// The next answer on any open connection is read from the server and thrown away with the connection.
    pub fn lose_next_answer(&self) {
        self.faults.lose.store(true, Ordering::SeqCst);
    }

    pub fn refuse(&self, refuse: bool) {
        self.faults.refuse.store(refuse, Ordering::SeqCst);
    }
}

fn join(client: TcpStream, server: TcpStream, faults: &Arc<Faults>) {
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let faults = Arc::clone(faults);
    std::thread::spawn(move || {
        let (mut client, mut server) = (client, server);
        let mut answer = [0; 65536];
        while let Ok(read @ 1..) = server.read(&mut answer) {
            if faults.lose.swap(false, Ordering::SeqCst) || client.write_all(&answer[..read]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
}
