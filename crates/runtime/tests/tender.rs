//! The whole way of one load through the machine over the memory store: bytes in, offers out, answers back.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_engine::command::{ApprovalDecision, Command};
use signalbox_engine::{playbook, views};
use signalbox_model::directory::{Channel, Partner, PartnerRole, Source, SourceFormat};
use signalbox_model::id::{ApprovalId, PartnerId, TenantId};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::{Actor, ActorKind, Role, TenantScope};
use signalbox_model::view::{ViewDefinition, ViewQuery};
use signalbox_runtime::commands::platform_scope;
use signalbox_runtime::machine::{Config, Machine};
use signalbox_runtime::memory::Memory;
use signalbox_runtime::ports::{Payload, Store};
use signalbox_runtime::request::{Receive, Reply, Request};
use signalbox_runtime::vault::MasterKey;
use std::sync::Arc;

struct House {
    store: Arc<Memory>,
    machine: Machine,
    now: Timestamp,
    ticket: u64,
    chance: u8,
    sent: Vec<(String, String)>,
}

const TENDER: &str = "ISA*00*          *00*          *ZZ*ACME           *ZZ*SIGNALBOX      *260105*0900*U*00401*000000101*0*P*:~\
GS*SM*ACME*SIGNALBOX*20260105*0900*101*X*004010~ST*204*0001~B2**SGNL**75027674**PP~B2A*00*LT~\
S5*1*CL~L11*75027674*BM~G62*37*20260106*I*0900~N1*SH*MILL*93*1520~N3*1 DUMP ROAD~N4*RUMFORD*ME*04276*US~\
G61*IC*PAT DOE*TE*2075550101~S5*2*CU~G62*54*20260108*L*1700~N1*CN*PRINTER*93*11660~N3*555 S 108TH ST~\
N4*WEST ALLIS*WI*53214*US~L3*5472*G*557.21*FR*55721~SE*16*0001~GE*1*101~IEA*1*000000101~";

impl House {
    fn new() -> Self {
        let store = Arc::new(Memory::new());
        let now: Timestamp = "2026-01-05T15:00:00Z".parse().unwrap();
        let machine = Machine::open(store.clone(), config(), now).unwrap();
        let mut house = Self {
            store,
            machine,
            now,
            ticket: 0,
            chance: 0,
            sent: Vec::new(),
        };
        house.furnish();
        house
    }

    fn furnish(&mut self) {
        let tenant = TenantId::from("ten_a");
        self.done(
            platform_scope(),
            Command::CreateTenant {
                tenant,
                name: "A".to_owned(),
            },
        );
        for files in playbook::shipped() {
            let (name, version) = ("load-tender".to_owned(), "1.0.0".to_owned());
            self.done(system(), Command::InstallPlaybook { name, version, files });
        }
        let zone = "America/Chicago".to_owned();
        let source = Source {
            name: "edi".to_owned(),
            format: SourceFormat::X12,
            zone,
            secret: None,
        };
        self.done(system(), Command::ChangeSource { source });
        self.partner(
            "ACME",
            PartnerRole::Customer {
                zone: "America/New_York".to_owned(),
                tms: None,
            },
        );
        for (scac, minutes) in [("JBHT", Some(15)), ("SWFT", None)] {
            let channel = Channel::X12Folder {
                folder: scac.to_lowercase(),
                interchange_id: scac.to_owned(),
                interchange_qualifier: "02".to_owned(),
            };
            let (scac_owned, active) = (scac.to_owned(), true);
            let role = PartnerRole::Carrier {
                scac: scac_owned,
                channel,
                respond_within_min: minutes,
                contract_rate: None,
                active,
            };
            self.partner(scac, role);
        }
        self.done(system(), guide(&[("JBHT", 200_000), ("SWFT", 310_000)]));
    }

    fn partner(&mut self, name: &str, role: PartnerRole) {
        let id = PartnerId(format!("par_{}", name.to_lowercase()));
        let partner = Partner {
            id,
            name: name.to_owned(),
            role,
            aliases: vec![name.to_owned()],
            notify_email: None,
        };
        self.done(system(), Command::ChangePartner { partner });
    }

    fn ask(&mut self, request: Request) -> Reply {
        self.ticket += 1;
        let ticket = self.ticket;
        self.machine.submit(ticket, request);
        let mut answer = None;
        self.settle(&mut |seen, reply| {
            if seen == ticket {
                answer = Some(reply);
            }
        });
        answer.expect("a reply")
    }

    /// Steps, commits and delivers until nothing is left to do.
    fn settle(&mut self, take: &mut dyn FnMut(u64, Reply)) {
        for _ in 0..100 {
            let chance = &mut self.chance;
            let mut entropy = |bytes: &mut [u8]| {
                *chance = chance.wrapping_add(1);
                bytes.fill(*chance);
            };
            let batch = self.machine.step(self.now, &mut entropy).unwrap();
            let mut first = self.machine.head() + 1;
            if !batch.turns.is_empty() {
                first = self.store.append(self.machine.epoch(), &batch.turns).unwrap();
            }
            for (ticket, reply) in self.machine.committed(batch, first, self.now).replies {
                take(ticket, reply);
            }
            let jobs = self.machine.jobs(self.now, 100).unwrap();
            if jobs.is_empty() && self.machine.idle(self.now) {
                break;
            }
            for job in jobs {
                let Payload::File { folder, body, .. } = &job.delivery.payload else {
                    panic!("a file")
                };
                self.sent
                    .push((folder.clone(), String::from_utf8(body.clone()).unwrap()));
                self.machine.attempted(&job, Ok("written".to_owned()), self.now);
            }
        }
        self.machine.checkpoint(self.now).unwrap();
    }

    fn done(&mut self, scope: TenantScope, command: Command) -> Value {
        match self.ask(Request::Command {
            scope,
            command,
            idempotency_key: None,
            traceparent: None,
        }) {
            Reply::Done { answer, .. } => answer,
            other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, text: &str) -> Reply {
        self.receive_by(None, text)
    }

    fn receive_by(&mut self, from: Option<PartnerId>, text: &str) -> Reply {
        let scope = TenantScope::new(TenantId::from("ten_a"), Actor::source("edi"));
        let (source, content_type) = ("edi".to_owned(), "application/edi-x12".to_owned());
        let bytes = text.as_bytes().to_vec();
        self.ask(Request::Receive(Receive {
            scope,
            source,
            content_type,
            bytes,
            key: None,
            traceparent: None,
            from,
        }))
    }

    fn later(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
        self.settle(&mut |_, _| {});
    }

    fn reopen(&mut self) {
        self.store.crash_losing_unsynced();
        self.machine = Machine::open(self.store.clone(), config(), self.now).unwrap();
    }

    fn rows(&self, view: &ViewDefinition) -> Vec<Value> {
        let query = ViewQuery {
            limit: 10,
            ..ViewQuery::default()
        };
        let page = self.store.view_page(&system(), view, &query).unwrap();
        page.rows.into_iter().map(|(_, row)| row.body).collect()
    }

    fn trace(&self) -> Vec<&'static str> {
        let records = self.store.records(0, 10_000).unwrap();
        let loads = records.iter().filter(|it| it.stream.is_load());
        loads
            .flat_map(|it| it.record.events.iter().map(|event| event.name()))
            .collect()
    }

    fn log(&self) -> String {
        let records = self.store.records(0, 10_000).unwrap();
        records
            .iter()
            .map(|it| serde_json::to_string(&it.record).unwrap())
            .collect()
    }
}

fn guide(carriers: &[(&str, i64)]) -> Command {
    let row = |(place, (scac, rate)): (usize, &(&str, i64))| {
        json!({"_id": format!("r{place}"), "i": "'ME>WI'", "c": format!("'{scac}'"),
               "k": (place + 1).to_string(), "r": rate.to_string()})
    };
    let rules: Vec<Value> = carriers.iter().enumerate().map(row).collect();
    let column = |id: &str, field: &str| json!({"id": id, "name": field, "field": field});
    let content = json!({"nodes": [{"id": "g", "type": "decisionTableNode", "name": "g", "content": {
        "hitPolicy": "collect",
        "inputs": [column("i", "lane")],
        "outputs": [column("c", "carrier"), column("k", "rank"), column("r", "rate_minor")],
        "rules": rules}}], "edges": []});
    Command::ChangeTable {
        table: "routing-guide".to_owned(),
        content: content.to_string(),
    }
}

fn config() -> Config {
    Config {
        owner: "test".to_owned(),
        master: MasterKey::new([7; 32]),
    }
}

fn system() -> TenantScope {
    TenantScope::system(TenantId::from("ten_a"))
}

fn person(name: &str) -> TenantScope {
    let roles = vec![Role::Dispatcher];
    TenantScope::new(
        TenantId::from("ten_a"),
        Actor {
            kind: ActorKind::Person,
            name: name.to_owned(),
            roles,
        },
    )
}

fn answer(scac: &str, control: u32, code: &str) -> String {
    format!(
        "ISA*00*          *00*          *02*{scac:<15}*ZZ*SIGNALBOX      *260105*0930*U*00401*{control:09}*0*P*:~\
         GS*GF*{scac}*SIGNALBOX*20260105*0930*{control}*X*004010~ST*990*0001~B1*{scac}*75027674**{code}~\
         SE*3*0001~GE*1*{control}~IEA*1*{control:09}~"
    )
}

#[test]
fn a_tender_runs_from_the_customers_bytes_to_a_covered_load() {
    let mut house = House::new();
    let first = house.receive(TENDER);
    assert!(matches!(first, Reply::Accepted { duplicate: false, .. }), "{first:?}");
    let again = house.receive(TENDER);
    assert!(matches!(again, Reply::Accepted { duplicate: true, .. }), "{again:?}");
    let board = house.rows(&views::BOARD);
    assert_eq!(
        board.len(),
        1,
        "{:?} {:?}",
        house.trace(),
        house.rows(&views::QUARANTINE)
    );
    assert_eq!(board[0]["status"], "tendering");
    assert_eq!(board[0]["offer"]["scac"], "JBHT");
    house.sent.sort_by_key(|(folder, _)| folder.starts_with("ACME"));
    let folders: Vec<&str> = house.sent.iter().map(|(folder, _)| folder.as_str()).collect();
    assert_eq!(folders, ["jbht", "ACME"]);
    assert!(house.sent[0].1.contains("B2**JBHT**75027674"), "{}", house.sent[0].1);
    assert!(
        house.sent[0].1.contains("PAT DOE"),
        "the carrier gets the contact in clear: {}",
        house.sent[0].1
    );
    assert!(!house.log().contains("PAT DOE"), "the log holds no name in clear");

    // The first carrier stays silent; the second one's rate is over the cap and waits for a person.
    house.later(16);
    house.reopen();
    let inbox = house.rows(&views::INBOX);
    assert_eq!(inbox.len(), 1, "{:?}", house.trace());
    let approval = ApprovalId::from(inbox[0]["id"].as_str().unwrap());
    let late = house.receive(&answer("JBHT", 7, "A"));
    assert!(matches!(late, Reply::Accepted { .. }));
    let decision = ApprovalDecision {
        approve: true,
        rate_minor: None,
        wording: None,
        reason: None,
        in_hand_ms: Some(900),
    };
    let decide = Command::DecideApproval { approval, decision };
    house.done(person("ann"), decide.clone());
    let scope = person("bob");
    let second = house.ask(Request::Command {
        scope,
        command: decide,
        idempotency_key: None,
        traceparent: None,
    });
    let Reply::Rejected { rejection, detail, .. } = second else {
        panic!("{second:?}")
    };
    assert_eq!(rejection, Rejection::ApprovalAlreadyDecided);
    assert!(detail.contains("ann"), "{detail}");
    house.receive(&answer("SWFT", 8, "A"));
    assert_eq!(house.rows(&views::BOARD)[0]["status"], "covered");
    assert_eq!(house.rows(&views::BOARD)[0]["rate"]["minor"], 310_000);
    house.reopen();
    let expected = "OrderReceived ShipmentCreated LoadCreated TenderStarted OfferProposed OfferMade EffectSettled OfferSent \
                    OfferExpired OfferProposed ApprovalRequested EffectSettled AnswerRejected ApprovalDecided OfferMade \
                    TouchRecorded AttemptRejected EffectSettled OfferSent OfferAccepted LoadCovered";
    let mut trace = house.trace();
    trace.sort_unstable();
    let mut expected: Vec<&str> = expected.split_whitespace().collect();
    expected.sort_unstable();
    assert_eq!(trace, expected);
}

#[test]
fn a_carriers_own_key_answers_for_that_carrier_alone() {
    let mut house = House::new();
    house.receive(TENDER);
    house.receive_by(Some(PartnerId::from("par_swft")), &answer("JBHT", 7, "A"));
    assert_eq!(house.rows(&views::BOARD)[0]["status"], "tendering");
    let quarantine = house.rows(&views::QUARANTINE);
    assert_eq!(quarantine[0]["issues"][0]["code"], "not_allowed", "{quarantine:?}");
    house.receive_by(Some(PartnerId::from("par_jbht")), &answer("JBHT", 8, "A"));
    assert_eq!(house.rows(&views::BOARD)[0]["status"], "covered");
}
