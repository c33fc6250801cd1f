//! Conversations with mail servers on this machine's loopback, each of which behaves in its own way.

use super::*;
use signalbox_model::id::{EffectId, TenantId};
use signalbox_runtime::ports::Payload;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const SHORT: Limits = Limits {
    connect: Duration::from_millis(300),
    total: Duration::from_millis(300),
};
/// For answers that come at once, on a machine that is busy.
const PATIENT: Limits = Limits {
    connect: Duration::from_secs(20),
    total: Duration::from_secs(20),
};

/// What the server says to a word of ours; `None` hangs up, an empty answer says nothing and waits.
type Script = fn(&str) -> Option<&'static str>;

struct Scripted {
    port: u16,
    letters: Arc<Mutex<Vec<String>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

/// A mail server that answers by the script, and agrees where that says nothing of its own.
fn server(script: Script) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (letters, heard) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (kept, words) = (Arc::clone(&letters), Arc::clone(&heard));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (kept, words) = (Arc::clone(&kept), Arc::clone(&words));
            thread::spawn(move || converse(stream.unwrap(), script, &kept, &words));
        }
    });
    Scripted { port, letters, heard }
}

fn converse(mut stream: TcpStream, script: Script, letters: &Mutex<Vec<String>>, heard: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut say = |word: &str| -> bool {
        let Some(answer) = script(word) else { return false };
        stream.write_all(answer.as_bytes()).is_ok()
    };
    if !say("connected") {
        return;
    }
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        let word = line.split([' ', ':']).next().unwrap_or_default().to_owned();
        if !say(&word) {
            return;
        }
        if word == "DATA" && script("DATA").is_some_and(|it| it.starts_with("354")) {
            let mut letter = String::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                if line == ".\r\n" {
                    break;
                }
                letter += &line;
            }
            letters.lock().unwrap().push(letter);
            if !say("letter") {
                return;
            }
        }
    }
}

fn agrees(word: &str) -> Option<&'static str> {
    Some(match word {
        "connected" => "220 mx.example ready\r\n",
        "EHLO" => "250-mx.example\r\n250 8BITMIME\r\n",
        "DATA" => "354 go on\r\n",
        "letter" => "250 2.0.0 queued as 4711\r\n",
        "QUIT" => "221 bye\r\n",
        _ => "250 fine\r\n",
    })
}

fn courier(port: u16, limits: Limits) -> Mail {
    let server = Server {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        login: None,
        sender: "signalbox@carrier.example".to_owned(),
        authority: None,
    };
    Mail::with(server, limits).unwrap()
}

fn letter() -> Letter {
    Letter {
        from_name: "Northwind Dispatch".to_owned(),
        reply_to: Some("desk@northwind.example".to_owned()),
        to: "ops@acme.example".to_owned(),
        subject: "Load 75027674 will be late – Zürich".to_owned(),
        body: "Hello,\n.\nit comes at 14:30.\n".to_owned(),
        at: "2026-11-23T15:00:00Z".parse().unwrap(),
    }
}

fn send(courier: &Mail) -> Result<String, CourierError> {
    let letter = letter();
    let delivery = Delivery {
        tenant: TenantId::from("ten_a"),
        effect: EffectId::from("eff_1"),
        attempt: 1,
        unsure: 0,
        payload: Payload::Mail(Box::new(letter.clone())),
        traceparent: None,
    };
    courier.deliver(&delivery, &letter)
}

/// What comes of a letter to such a server, in a word and its reason.
fn outcome(script: Script, limits: Limits) -> (&'static str, String) {
    match send(&courier(server(script).port, limits)) {
        Ok(receipt) => ("delivered", receipt),
        Err(CourierError::Retry(why)) => ("retry", why),
        Err(CourierError::Unknown(why)) => ("unknown", why),
        Err(CourierError::Refused(why)) => ("refused", why),
        Err(CourierError::Busy(why)) => ("busy", why),
    }
}

#[test]
fn a_letter_arrives_whole_under_the_id_of_its_effect_at_each_attempt() {
    let server = server(agrees);
    let courier = courier(server.port, PATIENT);
    let receipt = send(&courier).unwrap();
    assert_eq!(receipt, "250 2.0.0 queued as 4711; Message-ID <eff_1@carrier.example>");
    assert_eq!(send(&courier).unwrap(), receipt);
    let letters = server.letters.lock().unwrap().clone();
    assert_eq!(letters[0], letters[1]);
    for part in [
        "Message-ID: <eff_1@carrier.example>\r\n",
        "From: \"Northwind Dispatch\" <signalbox@carrier.example>\r\n",
        "To: ops@acme.example\r\n",
        "Reply-To: desk@northwind.example\r\n",
        "Date: Mon, 23 Nov 2026 15:00:00 +0000\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        // A line of one dot is doubled on the wire, and not the letter's end.
        "\r\n\r\nHello,\r\n..\r\nit comes at 14:30.\r\n",
    ] {
        assert!(letters[0].contains(part), "{part:?} in {}", letters[0]);
    }
    let heard = server.heard.lock().unwrap();
    assert!(
        heard.contains(&"MAIL FROM:<signalbox@carrier.example>".to_owned()),
        "{heard:?}"
    );
    assert!(heard.contains(&"RCPT TO:<ops@acme.example>".to_owned()), "{heard:?}");
}

#[test]
fn a_server_that_hangs_is_left_in_time_and_asked_again() {
    let (word, why) = outcome(|_| Some(""), SHORT);
    assert_eq!(word, "retry");
    assert!(why.contains("did not answer to our greeting within 0.3 s"), "{why}");
    let (word, why) = outcome(|it| if it == "RCPT" { Some("") } else { agrees(it) }, SHORT);
    assert_eq!(word, "retry");
    assert!(why.contains("did not answer to the recipient's address"), "{why}");
}

#[test]
fn a_server_that_is_not_there_is_asked_again() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let failed = send(&courier(closed, PATIENT));
    assert!(matches!(failed, Err(CourierError::Retry(_))), "{failed:?}");
    let (word, _) = outcome(|it| if it == "connected" { None } else { agrees(it) }, PATIENT);
    assert_eq!(word, "retry");
}

#[test]
fn a_refusal_for_good_ends_it_and_one_for_now_does_not() {
    let refuses = |it: &str| match it {
        "RCPT" => Some("550 5.1.1 <ops@acme.example>: no such mailbox\r\n"),
        _ => agrees(it),
    };
    let (word, why) = outcome(refuses, PATIENT);
    assert_eq!(word, "refused");
    assert!(why.contains("550") && why.contains("no such mailbox"), "{why}");
    assert!(!why.contains("ops@"), "an address stays out of what is reported: {why}");
    let greylists = |it: &str| match it {
        "RCPT" => Some("451 4.7.1 come back later\r\n"),
        _ => agrees(it),
    };
    let (word, why) = outcome(greylists, PATIENT);
    assert_eq!(word, "retry");
    assert!(why.contains("451") && why.contains("come back later"), "{why}");
    let (word, _) = outcome(
        |it| {
            if it == "letter" {
                Some("552 too large\r\n")
            } else {
                agrees(it)
            }
        },
        PATIENT,
    );
    assert_eq!(word, "refused");
    let (word, _) = outcome(
        |it| {
            if it == "letter" {
                Some("452 disk full\r\n")
            } else {
                agrees(it)
            }
        },
        PATIENT,
    );
    assert_eq!(word, "retry");
}

#[test]
fn a_server_that_dies_after_the_letter_may_have_it() {
    let (word, why) = outcome(|it| if it == "letter" { None } else { agrees(it) }, PATIENT);
    assert_eq!(word, "unknown");
    assert!(why.contains("it may have the letter all the same"), "{why}");
    let (word, _) = outcome(|it| if it == "letter" { Some("") } else { agrees(it) }, SHORT);
    assert_eq!(word, "unknown");
    // Before the letter was sent it cannot have it.
    let (word, _) = outcome(|it| if it == "DATA" { None } else { agrees(it) }, PATIENT);
    assert_eq!(word, "retry");
    // It said yes; that it then went without a goodbye changes nothing.
    let (word, _) = outcome(|it| if it == "QUIT" { None } else { agrees(it) }, PATIENT);
    assert_eq!(word, "delivered");
}

#[test]
fn babble_is_no_answer() {
    let (word, _) = outcome(
        |it| {
            if it == "connected" {
                Some("HTTP/1.1 200 OK\r\n")
            } else {
                agrees(it)
            }
        },
        PATIENT,
    );
    assert_eq!(word, "retry");
    let (word, _) = outcome(
        |it| if it == "letter" { Some("what?\r\n") } else { agrees(it) },
        PATIENT,
    );
    assert_eq!(word, "unknown");
}

#[test]
fn nothing_is_said_in_clear_where_privacy_was_wanted() {
    let server = server(agrees);
    let mut set = courier(server.port, PATIENT).server;
    set.tls = Tls::Starttls;
    set.login = Some(("signalbox".to_owned(), Secret::new("hunter2".to_owned())));
    let failed = send(&Mail::with(set, PATIENT).unwrap());
    let Err(CourierError::Retry(why)) = failed else {
        panic!("{failed:?}")
    };
    assert!(why.contains("to STARTTLS"), "{why}");
    let heard = server.heard.lock().unwrap().join("\n");
    assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
}

#[test]
fn what_cannot_be_set_up_is_named() {
    let set = courier(25, PATIENT).server;
    let with = |change: fn(&mut Server)| {
        let mut set = set.clone();
        change(&mut set);
        Mail::new(set).err().map(|it| it.to_string()).unwrap_or_default()
    };
    assert_eq!(with(|_| ()), "");
    assert_eq!(with(|it| it.host = "::1".to_owned()), "");
    assert!(with(|it| it.host = "mail.example".to_owned()).contains("do not go over a network in clear"));
    assert!(with(|it| it.sender = "nobody".to_owned()).contains("is no e-mail address"));
}

#[test]
fn a_server_that_hangs_holds_few_conversations() {
    let hung = Arc::new(courier(server(|_| Some("")).port, SHORT));
    let outcomes: Vec<_> = (0..AT_ONCE_MAX + 3)
        .map(|_| {
            let courier = Arc::clone(&hung);
            thread::spawn(move || send(&courier))
        })
        .collect();
    let outcomes: Vec<_> = outcomes.into_iter().map(|it| it.join().unwrap()).collect();
    let busy = outcomes.iter().filter(|it| matches!(it, Err(CourierError::Busy(_))));
    assert!(busy.count() >= 3, "{outcomes:?}");
    assert!(
        matches!(send(&hung), Err(CourierError::Retry(_))),
        "there is room again"
    );
}

#[test]
fn a_login_is_given_where_one_is_set_and_its_refusal_is_no_verdict_on_the_letter() {
    fn wants_login(word: &str) -> Option<&'static str> {
        match word {
            "EHLO" => Some("250-mx.example\r\n250 AUTH PLAIN LOGIN\r\n"),
            "AUTH" => Some("235 welcome\r\n"),
            _ => agrees(word),
        }
    }
    let with_login = |port| {
        let mut set = courier(port, PATIENT).server;
        set.login = Some(("signalbox".to_owned(), Secret::new("hunter2".to_owned())));
        Mail::with(set, PATIENT).unwrap()
    };
    let open = server(wants_login);
    assert!(send(&with_login(open.port)).is_ok());
    let heard = open.heard.lock().unwrap().clone();
    // "\0signalbox\0hunter2" in base64.
    assert!(
        heard.contains(&"AUTH PLAIN AHNpZ25hbGJveABodW50ZXIy".to_owned()),
        "{heard:?}"
    );
    assert!(with_login(open.port).probe().is_ok());
    let shut = server(|word| match word {
        "AUTH" => Some("535 5.7.8 wrong password\r\n"),
        _ => wants_login(word),
    });
    let failed = send(&with_login(shut.port));
    let Err(CourierError::Retry(why)) = failed else {
        panic!("{failed:?}")
    };
    assert!(why.contains("to our login") && why.contains("535"), "{why}");
    assert!(with_login(shut.port).probe().unwrap_err().contains("535"));
}
