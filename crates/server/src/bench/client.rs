//! A client of HTTP/1.1 over one kept connection, small enough that the bench measures the server.

use anyhow::{Context as _, bail};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub struct Client {
    reader: BufReader<TcpStream>,
    head: String,
    buffer: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = format!("host: bench\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        Ok(Self {
            reader: BufReader::new(stream),
            head,
            buffer: Vec::new(),
        })
    }

    pub fn post(&mut self, path: &str, body: &str) -> anyhow::Result<Answer> {
        self.send("POST", path, "", body)
    }

    /// Under a key: asked again, the server answers as it did the first time.
    pub fn post_once(&mut self, path: &str, key: &str, body: &str) -> anyhow::Result<Answer> {
        self.send("POST", path, &format!("idempotency-key: {key}\r\n"), body)
    }

    pub fn put(&mut self, path: &str, body: &str) -> anyhow::Result<Answer> {
        self.send("PUT", path, "", body)
    }

    pub fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.send("GET", path, "", "")
    }

    fn send(&mut self, method: &str, path: &str, more: &str, body: &str) -> anyhow::Result<Answer> {
        self.buffer.clear();
        write!(
            self.buffer,
            "{method} {path} HTTP/1.1\r\n{}{more}content-length: {}\r\n\r\n{body}",
            self.head,
            body.len()
        )?;
        self.reader.get_mut().write_all(&self.buffer)?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<Answer> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|it| it.parse().ok())
            .context("no HTTP answer")?;
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        if length > BODY_BYTES_MAX {
            bail!("an answer of {length} bytes");
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }
}
