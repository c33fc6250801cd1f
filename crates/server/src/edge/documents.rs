//! Documents of a load: uploaded as a form, listed, and read back.
//!
//! Invariants: no more of an upload is held than a document may have, and only so many at once; what a file is, its bytes
//! say and never its sender; nothing that is read back runs as a page of ours.

use super::ask::{self, SEQ_HEADER, WaitFor};
use super::auth::Caller;
use super::loads::records;
use super::personal::Reader;
use super::problem::{Problem, ProblemBody};
use super::shapes::{DocumentAttached, DocumentsBody};
use super::{Edge, Trace};
use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use multer::{Constraints, Multipart, SizeLimit};
use serde_json::{Value, json};
use signalbox_engine::documents::{Held, Standing};
use signalbox_engine::state::LoadState;
use signalbox_engine::views;
use signalbox_formats::document::content;
use signalbox_formats::json::{condition_word, said_moment};
use signalbox_model::attempt::{Content, DocumentAttempt};
use signalbox_model::document::{DOCUMENT_BYTES_MAX, DocumentKind, Proof, RawBytes};
use signalbox_model::event::Event;
use signalbox_model::id::{LoadId, PartnerId, Seq};
use signalbox_model::issue::Issue;
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Role;
use signalbox_model::value::TimeBasis;
use signalbox_runtime::record::Stored;
use signalbox_runtime::request::{ReceiveDocument, Request};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

pub const UPLOADERS: &[Role] = &[
    Role::Dispatcher,
    Role::Manager,
    Role::Admin,
    Role::Integrator,
    Role::Carrier,
    Role::Driver,
];
/// A scan shows a signature: for those who may read personal values, and systems that bring such things themselves.
const FILE_READERS: &[Role] = &[Role::Dispatcher, Role::Manager, Role::Admin, Role::Integrator];
/// What a form has beside its file: the other fields and the lines between.
const FORM_BYTES_MAX: u64 = 64 * 1024;
const FIELD_BYTES_MAX: u64 = 4_000;
const FIELDS_MAX: usize = 20;
/// Uploads held in memory at once.
pub const UPLOADS_MAX: usize = 8;
/// How long an upload waits for its turn, and how long it may take to arrive.
const TURN_WAIT_MAX: Duration = Duration::from_secs(10);
const UPLOAD_WITHIN: Duration = Duration::from_secs(120);
/// Nothing in a document is fetched, run or framed.
const SANDBOX: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// A document with what is said of it.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the form's shape, for the contract alone: it is read field by field"
)]
pub struct DocumentForm {
    /// `proof_of_delivery`, `bill_of_lading`, `rate_confirmation`, `lumper_receipt`, `weight_ticket` or `other`.
    kind: String,
    /// PDF, JPEG, PNG, TIFF, WebP or HEIC, at most 25 MiB. Without it, the form says more of the newest of its kind.
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<String>,
    /// SCAC of the carrier that the document names.
    carrier: Option<String>,
    /// The load as the document calls it.
    reference: Option<String>,
    /// Of a proof of delivery: the delivery it is of, by its sequence; the whole load where absent.
    stop: Option<u32>,
    /// Handling units received.
    pieces: Option<i64>,
    /// `clean` or `exception`.
    condition: Option<String>,
    /// Who received the goods. Sealed under a key of their own.
    signer: Option<String>,
    /// RFC 3339, or a local time with `zone`.
    signed_at: Option<String>,
    /// IANA zone of a local `signed_at`.
    zone: Option<String>,
    /// What the receiver wrote beside the signature.
    note: Option<String>,
}

/// Attach a document to a load. The same file again does nothing twice; what is newly said of it completes it.
#[utoipa::path(post, path = "/api/v1/loads/{id}/documents", tag = "work",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body(content = DocumentForm, content_type = "multipart/form-data"),
    responses((status = 201, body = DocumentAttached), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn attach(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.require(UPLOADERS)?;
    let from = from(&caller)?;
    let idempotency_key = ask::idempotency_key(&headers)?;
    let turn = tokio::time::timeout(TURN_WAIT_MAX, edge.uploads.clone().acquire_owned()).await;
    let busy = || {
        Problem::new(
            "queue_full",
            "Too many documents arrive at once. Send it again in a moment.",
        )
    };
    let _turn = turn.map_err(|_| busy())?.map_err(Problem::internal)?;
    let form = tokio::time::timeout(UPLOAD_WITHIN, read(&headers, body)).await;
    let late = || Problem::new("body_unreadable", "The document did not arrive within two minutes.");
    let taint = if caller.is_staff() {
        Taint::System
    } else {
        Taint::Partner
    };
    let attempt = attempt(form.map_err(|_| late())??, taint)?;
    let received = ReceiveDocument {
        scope: caller.scope.clone(),
        load: LoadId(id),
        attempt,
        from,
        idempotency_key,
        traceparent: trace.0,
    };
    let (mut outcome, seq) = ask::outcome(edge.ask(Request::Document(Box::new(received))).await?)?;
    let word = if outcome.get("completed").is_some() {
        "completed"
    } else {
        "received"
    };
    ask::name_outcome(&mut outcome, word);
    Ok(ask::answer(StatusCode::CREATED, &outcome, seq))
}

/// Whose key it is, where it is a partner's own.
fn from(caller: &Caller) -> Result<Option<PartnerId>, Problem> {
    if caller.is_staff() {
        return Ok(None);
    }
    let none = || {
        Problem::new(
            "role_missing",
            "This key names no carrier whose loads it may bring documents for.",
        )
    };
    caller.key.partner.clone().map(Some).ok_or_else(none)
}

#[derive(Default)]
struct Form {
    fields: BTreeMap<String, String>,
    file: Option<Vec<u8>>,
    /// So many bytes at least, of a form that was not read to its end.
    too_large: Option<u64>,
}

/// Reads no further than a document may go. One that says beforehand that it is larger is not read at all.
async fn read(headers: &HeaderMap, body: Body) -> Result<Form, Problem> {
    let mut form = Form::default();
    let text = |name| headers.get(name).and_then(super::auth::text);
    let length = text(header::CONTENT_LENGTH).and_then(|it| it.parse::<u64>().ok());
    if let Some(length) = length.filter(|it| *it > DOCUMENT_BYTES_MAX + FORM_BYTES_MAX) {
        form.too_large = Some(length);
        return Ok(form);
    }
    let boundary = text(header::CONTENT_TYPE).and_then(|it| multer::parse_boundary(it).ok());
    let no_form = || {
        Problem::new(
            "body_unreadable",
            "Send `multipart/form-data` with the fields that /docs describes.",
        )
    };
    let boundary = boundary.ok_or_else(no_form)?;
    let limits = SizeLimit::new()
        .whole_stream(DOCUMENT_BYTES_MAX + FORM_BYTES_MAX)
        .per_field(FIELD_BYTES_MAX)
        .for_field("file", DOCUMENT_BYTES_MAX);
    let mut parts =
        Multipart::with_constraints(body.into_data_stream(), boundary, Constraints::new().size_limit(limits));
    for _ in 0..=FIELDS_MAX {
        let next = match parts.next_field().await {
            Ok(next) => next,
            Err(error) => return unread(form, error),
        };
        let Some(part) = next else { return Ok(form) };
        let name = part.name().unwrap_or_default().to_owned();
        let taken = if name == "file" {
            part.bytes().await.map(|bytes| form.file = Some(bytes.into()))
        } else {
            part.text()
                .await
                .map(|text| drop(form.fields.insert(name, text.trim().to_owned())))
        };
        if let Err(error) = taken {
            return unread(form, error);
        }
    }
    Err(Problem::new(
        "body_unreadable",
        format!("The form has more than {FIELDS_MAX} fields."),
    ))
}

fn unread(mut form: Form, error: multer::Error) -> Result<Form, Problem> {
    match error {
        multer::Error::FieldSizeExceeded { field_name, .. } if field_name.as_deref() != Some("file") => {
            let field = field_name.unwrap_or_default();
            Err(Problem::new(
                "body_unreadable",
                format!("`{field}` may have {FIELD_BYTES_MAX} bytes at most."),
            ))
        }
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            form.too_large = Some(DOCUMENT_BYTES_MAX + 1);
            form.file = None;
            Ok(form)
        }
        other => Err(Problem::new(
            "body_unreadable",
            format!("The form did not arrive whole: {other}"),
        )),
    }
}

fn attempt(mut form: Form, taint: Taint) -> Result<DocumentAttempt, Problem> {
    if let Some(bytes) = form.too_large {
        // Refused by the load, by name, so that those who wait for it see that it was tried.
        let content = Content {
            media: None,
            bytes,
            sha256: String::new(),
            raw: RawBytes::default(),
        };
        return Ok(DocumentAttempt {
            kind: kind(form.fields.get("kind")).unwrap_or(DocumentKind::Other),
            carrier: None,
            reference: None,
            proof: None,
            content: Some(content),
        });
    }
    let mut issues = Vec::new();
    let mut take = |name: &str| form.fields.remove(name).filter(|it| !it.is_empty());
    let mut wrong = |field: &str, why: String, fix: &str| {
        issues.push(Issue::fatal(
            &format!("document.{field}"),
            format!("/{field}"),
            why,
            fix,
        ));
    };
    let said = take("kind");
    let kind = kind(said.as_ref());
    if kind.is_none() {
        let known: Vec<&str> = DocumentKind::ALL.into_iter().map(DocumentKind::as_str).collect();
        wrong(
            "kind",
            "it says not what the document is".to_owned(),
            &format!("One of {}.", known.join(", ")),
        );
    }
    let mut number = |name: &str, text: Option<String>| {
        let text = text?;
        let read = text.parse::<i64>().ok();
        if read.is_none() {
            wrong(name, format!("{text:?} is no whole number"), "Give digits alone.");
        }
        read
    };
    let pieces = number("pieces", take("pieces"));
    let stop = number("stop", take("stop")).and_then(|it| u32::try_from(it).ok());
    let condition = take("condition");
    let read_condition = condition.as_deref().and_then(condition_word);
    if let Some(text) = condition.filter(|_| read_condition.is_none()) {
        wrong(
            "condition",
            format!("{text:?} is neither clean nor exception"),
            "Use one of these words.",
        );
    }
    let zone = take("zone");
    let time = take("signed_at");
    let signed_at = time.as_deref().and_then(|it| said_moment(it, zone.as_deref()));
    let signed_at = signed_at.filter(|it| it.basis == TimeBasis::Stated);
    if let Some(text) = time.filter(|_| signed_at.is_none()) {
        let fix = "Write it as 2026-11-24T08:40:00-06:00, or as 2026-11-24T08:40 with `zone` America/Chicago.";
        wrong("signed_at", format!("{text:?} is no time of a known zone"), fix);
    }
    let personal = |text: Option<String>| text.map(|it| Personal::plain(it, taint));
    let proof = Proof {
        stop,
        pieces,
        condition: read_condition,
        signer: personal(take("signer")),
        signed_at,
        note: personal(take("note")),
    };
    let (carrier, reference) = (take("carrier"), take("reference"));
    let Some(kind) = kind.filter(|_| issues.is_empty()) else {
        let detail = issues.first().map(|it| it.why.clone()).unwrap_or_default();
        return Err(Problem::new("body_unreadable", detail).with_issues(issues));
    };
    Ok(DocumentAttempt {
        kind,
        carrier,
        reference,
        proof: Some(proof).filter(|it| !it.is_empty()),
        content: form.file.map(content),
    })
}

fn kind(said: Option<&String>) -> Option<DocumentKind> {
    DocumentKind::ALL
        .into_iter()
        .find(|it| Some(it.as_str()) == said.map(String::as_str))
}

/// The documents of a load, those refused and set aside among them, with what its invoice lacks.
#[utoipa::path(get, path = "/api/v1/loads/{id}/documents", tag = "work", params(("id" = String, Path), WaitFor),
    responses((status = 200, body = DocumentsBody), (status = "4XX", body = ProblemBody)))]
pub async fn documents(
    State(edge): State<Edge>,
    caller: Caller,
    Path(id): Path<String>,
    Query(wait): Query<WaitFor>,
) -> Result<Json<Value>, Problem> {
    edge.wait_for(wait.wait_for).await?;
    edge.read(move |edge| {
        let state = state(&records(edge, &caller, &id)?);
        let seen = Eyes::of(&caller, &state)?;
        let mut shown = json!({"documents": shown(&state, &seen), "invoice": views::invoice(&state)});
        Reader::new(edge, &caller).show(&mut shown);
        Ok(Json(shown))
    })
    .await
}

/// One document's bytes, as they came: a download that no browser runs.
#[utoipa::path(get, path = "/api/v1/loads/{id}/documents/{document}", tag = "work",
    params(("id" = String, Path), ("document" = String, Path), WaitFor),
    responses((status = 200, content_type = "application/octet-stream", body = String), (status = "4XX", body = ProblemBody)))]
pub async fn document(
    State(edge): State<Edge>,
    caller: Caller,
    Path((id, document)): Path<(String, String)>,
    Query(wait): Query<WaitFor>,
) -> Result<Response, Problem> {
    edge.wait_for(wait.wait_for).await?;
    edge.read(move |edge| {
        let unknown = || {
            Problem::unrecorded(
                Rejection::DocumentUnknown,
                "There is no document with this id, or its bytes were not kept.",
            )
        };
        let records = records(edge, &caller, &id)?;
        let state = state(&records);
        let eyes = Eyes::of(&caller, &state)?;
        if matches!(eyes, Eyes::Staff) {
            caller.require(FILE_READERS)?;
        }
        let held = state
            .documents
            .held
            .iter()
            .find(|it| it.document.id.as_str() == document && eyes.see(it));
        let held = held.ok_or_else(unknown)?;
        let seq = place(&records, &document).ok_or_else(unknown)?;
        let sealed = edge.store.raw(&caller.scope, seq).map_err(Problem::internal)?;
        let vault = edge.vault.tenant(caller.scope.tenant()).map_err(Problem::internal)?;
        let bytes = vault
            .open_document(&held.document.id, &sealed.ok_or_else(unknown)?)
            .map_err(Problem::internal)?;
        let media = held.document.media;
        let ending = media.map_or("bin", |it| it.ending());
        let kind = media.map_or("application/octet-stream", |it| it.content_type());
        // The name is ours: a sender's could be anything.
        let name = format!(
            "attachment; filename=\"{}-{}.{ending}\"",
            held.document.kind.as_str(),
            held.document.id
        );
        let name = HeaderValue::from_str(&name).map_err(Problem::internal)?;
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CONTENT_DISPOSITION, name),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (SEQ_HEADER, HeaderValue::from(seq)),
        ];
        Ok((headers, bytes).into_response())
    })
    .await
}

fn state(records: &[Stored]) -> LoadState {
    let mut state = LoadState::default();
    for stored in records {
        stored
            .record
            .events
            .iter()
            .for_each(|event| state.apply(event, stored.record.at));
    }
    state
}

/// The record beside which a document's bytes lie.
fn place(records: &[Stored], id: &str) -> Option<Seq> {
    let brings = |event: &Event| match event {
        Event::DocumentReceived { document } | Event::DocumentRefused { document, .. } => document.id.as_str() == id,
        _ => false, // No other event brings a document.
    };
    records
        .iter()
        .find(|it| it.record.events.iter().any(brings))
        .map(|it| it.seq)
}

/// Whose eyes look: the tenant's own, the carrier's that hauls the load, or the customer's whose it is.
enum Eyes {
    Staff,
    Carrier(PartnerId),
    Customer,
}

impl Eyes {
    fn of(caller: &Caller, state: &LoadState) -> Result<Self, Problem> {
        if caller.is_staff() {
            return Ok(Self::Staff);
        }
        let partner = caller.key.partner.as_ref();
        let hauls = state.covered.as_ref().map(|it| &it.carrier);
        let owns = state.order.as_ref().map(|it| &it.customer);
        match partner {
            Some(partner) if hauls == Some(partner) => Ok(Self::Carrier(partner.clone())),
            Some(partner) if owns == Some(partner) => Ok(Self::Customer),
            // Others learn not even that it exists.
            _ => Err(Problem::unrecorded(
                Rejection::LoadUnknown,
                "There is no load with this id.",
            )),
        }
    }

    fn see(&self, held: &Held) -> bool {
        match self {
            Self::Staff => true,
            Self::Carrier(partner) => held.document.from.as_ref() == Some(partner),
            Self::Customer => held.is_proof() && held.counts(),
        }
    }
}

/// A load's documents for its page.
pub fn of_load(state: &LoadState) -> Vec<Value> {
    shown(state, &Eyes::Staff)
}

fn shown(state: &LoadState, eyes: &Eyes) -> Vec<Value> {
    let held = state.documents.held.iter().filter(|it| eyes.see(it));
    held.map(|it| {
        let (standing, why) = match &it.standing {
            Standing::Taken => ("taken", Value::Null),
            Standing::Accepted => ("accepted", Value::Null),
            Standing::InQuestion(contradictions) => ("in_question", json!(contradictions)),
            Standing::SetAside { reason } => ("set_aside", json!(reason)),
            Standing::Refused { detail, .. } => ("refused", json!(detail)),
        };
        let rejection = match &it.standing {
            Standing::Refused { rejection, .. } => Some(rejection.code()),
            _ => None, // Nothing else was refused.
        };
        let document = &it.document;
        let of_stranger = rejection.as_deref() == Some("load_not_of_this_carrier");
        let is_kept = !document.sha256.is_empty() && document.bytes > 0 && !of_stranger;
        json!({
            "id": document.id, "kind": document.kind, "media": document.media, "bytes": document.bytes,
            "sha256": document.sha256, "from": document.from, "carrier": document.carrier,
            "reference": document.reference, "proof": document.proof, "received_at": document.received_at,
            "standing": standing, "why": why, "rejection": rejection, "kept": is_kept,
        })
    })
    .collect()
}
