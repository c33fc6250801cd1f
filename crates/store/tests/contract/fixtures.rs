//! Turns in few words.

use jiff::Timestamp;
use serde_json::json;
use signalbox_model::effect::{Effect, Order};
use signalbox_model::id::{EffectId, MessageId, Seq, StreamId, SubjectId, TenantId, TimerId};
use signalbox_model::scope::{Actor, TenantScope};
use signalbox_model::value::ExternalId;
use signalbox_model::view::{ViewChange, ViewRow};
use signalbox_runtime::index::IndexChanges;
use signalbox_runtime::ports::Store;
use signalbox_runtime::record::{InboxMark, RECORD_VERSION, Record, SubjectKey, TimerChange, Turn};
use std::sync::Arc;

pub const ACME: &str = "ten_acme";
pub const BETA: &str = "ten_beta";

pub fn scope(tenant: &str) -> TenantScope {
    TenantScope::system(TenantId::from(tenant))
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub fn stream(name: &str) -> StreamId {
    StreamId(name.to_owned())
}

pub fn turn(tenant: &str, name: &str) -> Turn {
    let record = Record {
        v: RECORD_VERSION,
        at: at(0),
        cause: format!("test of {name}"),
        actor: Actor::system(),
        traceparent: None,
        events: Vec::new(),
        decisions: Vec::new(),
        effects: Vec::new(),
        settled: Vec::new(),
        timers: Vec::new(),
        instances: Vec::new(),
        views: Vec::new(),
        mark: None,
        links: Vec::new(),
        leaves: Vec::new(),
    };
    Turn {
        tenant: TenantId::from(tenant),
        stream: stream(name),
        version: 1,
        record,
        raw: None,
        keys: Vec::new(),
    }
}

pub fn receives(mut turn: Turn, key: &str, message: &str, raw: &[u8]) -> Turn {
    turn.record.mark = Some(mark(key, message));
    turn.raw = Some(raw.to_vec());
    turn
}

pub fn mark(key: &str, message: &str) -> InboxMark {
    InboxMark {
        key: key.to_owned(),
        message: MessageId::from(message),
        sha256: format!("sha of {message}"),
        answer: Some(json!({"status": 201, "of": message})),
    }
}

pub fn links(mut turn: Turn, value: &str) -> Turn {
    turn.record.links.push(name(value));
    turn
}

pub fn name(value: &str) -> ExternalId {
    ExternalId::new("SWFT", "shipment_id", value)
}

pub fn sets(mut turn: Turn, timer: &str, due: Timestamp) -> Turn {
    turn.record.timers.push(TimerChange::Set {
        id: TimerId::from(timer),
        due,
    });
    turn
}

pub fn cancels(mut turn: Turn, timer: &str) -> Turn {
    turn.record.timers.push(TimerChange::Cancel {
        id: TimerId::from(timer),
    });
    turn
}

pub fn orders(mut turn: Turn, effect: &str) -> Turn {
    let order = Order::NormalizeMessage {
        message: MessageId::from("msg_1"),
        source: "edi".to_owned(),
        from: None,
        chosen: None,
    };
    turn.record.effects.push(Effect::new(EffectId::from(effect), order));
    turn.record.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    turn
}

pub fn settles(mut turn: Turn, effect: &str) -> Turn {
    turn.record.settled.push(EffectId::from(effect));
    turn
}

pub fn shows(mut turn: Turn, key: &str, row: Option<ViewRow>) -> Turn {
    turn.record.views.push(ViewChange {
        view: "loads".to_owned(),
        key: key.to_owned(),
        row: row.map(Arc::new),
    });
    turn
}

pub fn row(columns: serde_json::Value) -> ViewRow {
    let columns = columns.as_object().unwrap().clone().into_iter().collect();
    ViewRow {
        columns,
        body: json!({"note": "as shown"}),
    }
}

pub fn meets(mut turn: Turn, subject: &str, wrapped: &[u8]) -> Turn {
    turn.keys.push(SubjectKey {
        subject: SubjectId::from(subject),
        wrapped: wrapped.to_vec(),
    });
    turn
}

/// Folds every record past the indexes' position and checkpoints, as an owner does after a start.
pub fn index_all(store: &dyn Store, epoch: u64) -> Seq {
    let mut from = store.positions().unwrap();
    while from.indexed < from.head {
        let mut changes = IndexChanges::default();
        let records = store.records(from.indexed, 7).unwrap();
        records.iter().for_each(|stored| changes.apply(stored));
        store.checkpoint(epoch, &changes, records.last().unwrap().seq).unwrap();
        from = store.positions().unwrap();
    }
    from.head
}
