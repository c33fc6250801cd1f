//! Notices by SMTP.
//!
//! Invariant: one letter has one Message-ID over all its attempts, made of the effect id; the conversation ends within its
//! limits; what is refused, what may be tried again and what may have arrived all the same are told apart; passwords and
//! letters never go over a network in clear; addresses stay out of what is reported.

use crate::secret::Secret;
use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use lettre::{Address, transport::smtp};
use signalbox_runtime::ports::{CourierError, Delivery, Mail as Letter};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// How the connection is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Begins in clear and must become private before anything is said (port 587).
    Starttls,
    /// Private from the first byte (port 465).
    Implicit,
    /// In clear, to this machine only.
    None,
}

impl Tls {
    pub fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// The mail server that an installation hands its letters to.
#[derive(Clone)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub login: Option<(String, Secret<String>)>,
    /// The address in `From` and in the envelope.
    pub sender: String,
    /// PEM of an authority that the server's certificate may come from, besides the system's.
    pub authority: Option<Vec<u8>>,
}

/// What a conversation may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// From looking up the name to the server's last word.
    pub total: Duration,
}

pub const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    total: Duration::from_secs(30),
};

/// Conversations at once: a mail server that hangs holds no more of the couriers than these.
pub const AT_ONCE_MAX: usize = 4;
/// Characters of the server's words that are kept.
const WORDS_MAX: usize = 200;

/// Why the courier cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the sender {0:?} is no e-mail address: {1}. Write it as signalbox@example.com")]
    Sender(String, AddressError),
    #[error("{0} is not this machine, and letters do not go over a network in clear. Use starttls or implicit")]
    InClear(String),
    #[error("the mail server's TLS cannot be set up: {0}")]
    Tls(#[from] smtp::Error),
}

pub struct Mail {
    server: Server,
    sender: Address,
    tls: Option<TlsParameters>,
    limits: Limits,
    open: AtomicUsize,
}

impl Mail {
    pub fn new(server: Server) -> Result<Self, SetupError> {
        Self::with(server, LIMITS)
    }

    pub fn with(server: Server, limits: Limits) -> Result<Self, SetupError> {
        let sender = server.sender.parse();
        let sender = sender.map_err(|why| SetupError::Sender(server.sender.clone(), why))?;
        let tls = match server.tls {
            Tls::None if !is_this_machine(&server.host) => return Err(SetupError::InClear(server.host)),
            Tls::None => None,
            Tls::Starttls | Tls::Implicit => {
                let mut tls = TlsParameters::builder(server.host.clone());
                if let Some(pem) = &server.authority {
                    tls = tls.add_root_certificate(Certificate::from_pem(pem)?);
                }
                Some(tls.build()?)
            }
        };
        Ok(Self {
            server,
            sender,
            tls,
            limits,
            open: AtomicUsize::new(0),
        })
    }

    /// Hands the letter to the mail server. Answers its last word and the Message-ID. Blocks the calling thread for as long
    /// as the limits allow.
    pub fn deliver(&self, delivery: &Delivery, letter: &Letter) -> Result<String, CourierError> {
        let _room = self.room()?;
        let id = format!("<{}@{}>", delivery.effect, self.sender.domain());
        let message = self.message(&id, letter).map_err(CourierError::Refused)?;
        let to: Address = letter.to.parse().map_err(|_| {
            CourierError::Refused("the partner's address cannot be mailed to. Correct it under Partners.".to_owned())
        })?;
        let stage = Stage::default();
        let said = self.within_limits(&stage, self.hand_over(&stage, to, &message.formatted()));
        said.map(|words| format!("{words}; Message-ID {id}"))
    }

    /// Whether the server can be reached and takes our name and password: for `doctor`.
    pub fn probe(&self) -> Result<String, String> {
        let stage = Stage::default();
        let greeted = async {
            let mut connection = self.connect(&stage).await?;
            // It has said all we wanted to know.
            let _ = connection.quit().await;
            Ok(format!("{}:{}", self.server.host, self.server.port))
        };
        self.within_limits(&stage, greeted).map_err(|why| why.to_string())
    }

    fn room(&self) -> Result<Room<'_>, CourierError> {
        let room = Room(&self.open);
        if self.open.fetch_add(1, Ordering::AcqRel) >= AT_ONCE_MAX {
            return Err(CourierError::Busy(format!(
                "{AT_ONCE_MAX} letters are being handed over"
            )));
        }
        Ok(room)
    }

    fn message(&self, id: &str, letter: &Letter) -> Result<Message, String> {
        let unfit = |why: &dyn std::fmt::Display| format!("the letter cannot be written: {why}");
        let to: Address = letter.to.parse().map_err(|_| unfit(&"its address is none"))?;
        let name = (!letter.from_name.is_empty()).then(|| letter.from_name.clone());
        let mut builder = Message::builder()
            .message_id(Some(id.to_owned()))
            .date(SystemTime::from(letter.at))
            .from(Mailbox::new(name, self.sender.clone()))
            .to(Mailbox::new(None, to))
            .subject(letter.subject.as_str())
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN);
        if let Some(reply_to) = &letter.reply_to {
            let address: Address = reply_to
                .parse()
                .map_err(|_| unfit(&"the address for answers is none"))?;
            builder = builder.reply_to(Mailbox::new(None, address));
        }
        let lines: Vec<&str> = letter.body.lines().collect();
        let body = format!("{}\r\n", lines.join("\r\n"));
        builder.body(body).map_err(|why| unfit(&why))
    }

    /// Runs a conversation to its end or to the end of its time.
    fn within_limits(
        &self,
        stage: &Stage,
        conversation: impl Future<Output = Result<String, CourierError>>,
    ) -> Result<String, CourierError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|why| CourierError::Retry(format!("no room for a conversation: {why}")))?;
        let total = self.limits.total;
        let ended = runtime.block_on(async { tokio::time::timeout(total, conversation).await });
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
        ended.unwrap_or_else(|_| {
            let why = format!(
                "the mail server did not answer {} within {} s",
                stage.name(),
                total.as_secs_f32()
            );
            Err(stage.unanswered(why))
        })
    }

    async fn connect(&self, stage: &Stage) -> Result<AsyncSmtpConnection, CourierError> {
        let failed = |why: smtp::Error| {
            CourierError::Retry(format!(
                "the mail server gave no good answer {}: {}",
                stage.name(),
                told(&why)
            ))
        };
        let own_name = ClientId::Domain(self.sender.domain().to_owned());
        let (host, port) = (self.server.host.as_str(), self.server.port);
        let wrapped = self.tls.clone().filter(|_| self.server.tls == Tls::Implicit);
        let limit = Some(self.limits.connect);
        let connection = AsyncSmtpConnection::connect_tokio1((host, port), limit, &own_name, wrapped, None);
        let mut connection = connection.await.map_err(failed)?;
        if let Some(tls) = self.tls.clone().filter(|_| self.server.tls == Tls::Starttls) {
            stage.reach(Stage::TLS);
            connection.starttls(tls, &own_name).await.map_err(failed)?;
        }
        if let Some((user, secret)) = &self.server.login {
            stage.reach(Stage::LOGIN);
            let credentials = Credentials::new(user.clone(), secret.expose().clone());
            let answer = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            answer.map_err(failed)?;
        }
        Ok(connection)
    }

    async fn hand_over(&self, stage: &Stage, to: Address, message: &[u8]) -> Result<String, CourierError> {
        let mut connection = self.connect(stage).await?;
        stage.reach(Stage::SENDER);
        let from = MailFrom::new(Some(self.sender.clone()), Vec::new());
        connection.command(from).await.map_err(|it| stage.failed(&it))?;
        stage.reach(Stage::RECIPIENT);
        let answer = connection.command(Rcpt::new(to, Vec::new())).await;
        answer.map_err(|it| stage.failed(&it))?;
        stage.reach(Stage::DATA);
        connection.command(Data).await.map_err(|it| stage.failed(&it))?;
        stage.reach(Stage::LETTER);
        let accepted = connection.message(message).await.map_err(|it| stage.failed(&it))?;
        // It has the letter; whether it says goodbye changes nothing, and nobody waits long for it.
        let _ = tokio::time::timeout(Duration::from_secs(1), connection.quit()).await;
        Ok(words_of(&accepted))
    }
}

/// A conversation's place among those allowed at once.
struct Room<'a>(&'a AtomicUsize);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How far a conversation has come: what its end means depends on that.
#[derive(Default)]
struct Stage(AtomicU8);

impl Stage {
    const TLS: u8 = 1;
    const LOGIN: u8 = 2;
    const SENDER: u8 = 3;
    const RECIPIENT: u8 = 4;
    const DATA: u8 = 5;
    /// From here on the server may have the letter though it did not say so.
    const LETTER: u8 = 6;

    fn reach(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }

    fn at(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn name(&self) -> &'static str {
        match self.at() {
            Self::TLS => "to STARTTLS",
            Self::LOGIN => "to our login",
            Self::SENDER => "to our sender address",
            Self::RECIPIENT => "to the recipient's address",
            Self::DATA => "to DATA",
            Self::LETTER => "to the whole letter",
            _ => "to our greeting",
        }
    }

    fn unanswered(&self, why: String) -> CourierError {
        if self.at() == Self::LETTER {
            CourierError::Unknown(format!("{why}: it may have the letter all the same"))
        } else {
            CourierError::Retry(why)
        }
    }

    fn failed(&self, why: &smtp::Error) -> CourierError {
        let told = format!("the mail server answered {}: {}", self.name(), told(why));
        if why.is_permanent() {
            CourierError::Refused(told)
        } else if why.is_transient() {
            CourierError::Retry(told)
        } else {
            let broke = format!(
                "the connection to the mail server broke before it answered {}",
                self.name()
            );
            self.unanswered(broke)
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
}

/// An error in words, without the addresses that servers like to quote.
fn told(why: &smtp::Error) -> String {
    let code = why.status().map(|it| format!("{it} ")).unwrap_or_default();
    let source = std::error::Error::source(why).map_or_else(|| why.to_string(), ToString::to_string);
    plain(&format!("{code}{source}"))
}

fn words_of(response: &Response) -> String {
    let words: Vec<&str> = response.message().collect();
    plain(&format!("{} {}", response.code(), words.join(" ")))
}

/// One bounded line; whatever could be an address is left out.
fn plain(text: &str) -> String {
    let words = text.split(|it: char| it.is_whitespace() || it.is_control());
    let words = words.filter(|it| !it.is_empty());
    let words = words.map(|it| if it.contains('@') { "(address)" } else { it });
    let line = words.collect::<Vec<&str>>().join(" ");
    line.chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
