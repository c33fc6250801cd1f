//! What people and carriers do: answer offers, decide approvals, resolve exceptions, put messages right.

use super::ask::{self, SEQ_HEADER, WaitFor, json_body};
use super::auth::Caller;
use super::problem::{Problem, ProblemBody};
use super::shapes::Outcome;
use super::{Edge, Trace};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use signalbox_engine::command::{ApprovalDecision, Command, NewWording, Resolution, ResolutionChoice};
use signalbox_model::answer::{Answer, AnswerAttempt};
use signalbox_model::id::{ApprovalId, ExceptionId, LoadId, MessageId, OfferId};
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::rejection::Rejection;
use signalbox_model::scope::Role;
use signalbox_runtime::request::Request;
use utoipa::ToSchema;

const ANSWERERS: &[Role] = &[
    Role::Carrier,
    Role::Dispatcher,
    Role::Manager,
    Role::Admin,
    Role::Integrator,
];
const RAW_READERS: &[Role] = &[Role::Dispatcher, Role::Manager, Role::Admin, Role::Integrator];
/// The longest note or reason taken.
const NOTE_BYTES_MAX: usize = 4_000;

#[derive(Deserialize, ToSchema)]
pub struct AnswerBody {
    pub answer: AnswerWord,
    /// Staff who answer for a carrier name it; a carrier's own key need not.
    pub carrier: Option<String>,
    pub reason: Option<String>,
    pub note: Option<String>,
    /// The vehicle that will haul it, as its telematics source calls it.
    pub vehicle: Option<String>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerWord {
    Accept,
    Decline,
    /// Accepted on terms of the carrier's own: a person decides.
    Conditional,
}

/// Answer an offer. The first answer counts.
#[utoipa::path(post, path = "/api/v1/offers/{id}/answer", tag = "work", params(("id" = String, Path)), request_body = AnswerBody,
    responses((status = 200, body = Outcome), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn answer_offer(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.require(ANSWERERS)?;
    let body: AnswerBody = json_body(body).await?;
    let note = short(body.note, "note")?;
    let own = if caller.is_staff() {
        None
    } else {
        caller.key.partner.clone().map(|it| it.0)
    };
    let Some(carrier) = own.or(body.carrier.filter(|_| caller.is_staff())) else {
        let detail = "Name the carrier by its SCAC in `carrier`. A carrier's own key needs its partner instead.";
        return Err(Problem::new("body_unreadable", detail));
    };
    let taint = if caller.is_staff() {
        Taint::System
    } else {
        Taint::Partner
    };
    let answer = AnswerAttempt {
        carrier,
        reference: String::new(),
        offer: Some(OfferId(id)),
        answer: match body.answer {
            AnswerWord::Accept => Answer::Accept,
            AnswerWord::Decline => Answer::Decline,
            AnswerWord::Conditional => Answer::Conditional,
        },
        reason: short(body.reason, "reason")?,
        note: note.map(|it| Personal::plain(it, taint)),
        vehicle: short(body.vehicle, "vehicle")?,
    };
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, Command::AnswerOffer { answer }).await?;
    let word = outcome.get("answer").cloned();
    ask::name_outcome(
        &mut outcome,
        word.and_then(|it| it.as_str().map(str::to_owned))
            .as_deref()
            .unwrap_or("answered"),
    );
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

#[derive(Deserialize, ToSchema)]
pub struct DecisionBody {
    pub decision: DecisionWord,
    /// Approve with a change.
    pub edit: Option<EditBody>,
    pub reason: Option<String>,
    /// How long the person had it open, milliseconds.
    pub in_hand_ms: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionWord {
    Approve,
    Reject,
}

/// What a person makes of a proposal: another rate for an offer, other words for a notice.
#[derive(Deserialize, ToSchema)]
pub struct EditBody {
    /// In minor units of the proposal's currency.
    pub rate_minor: Option<i64>,
    /// Of a notice, one line of plain text. Together with `body`.
    pub subject: Option<String>,
    /// Of a notice, plain text.
    pub body: Option<String>,
}

impl EditBody {
    fn wording(&mut self) -> Result<Option<Box<NewWording>>, Problem> {
        let own = |text| Personal::plain(text, Taint::System);
        match (self.subject.take(), self.body.take()) {
            (None, None) => Ok(None),
            (Some(subject), Some(body)) => Ok(Some(Box::new(NewWording {
                subject: own(subject),
                body: own(body),
            }))),
            _ => {
                let detail = "Send `subject` and `body` of the edited notice together.";
                Err(Problem::new("body_unreadable", detail))
            }
        }
    }
}

/// Decide an approval. The first decision stands; 409 says whose it was.
#[utoipa::path(post, path = "/api/v1/approvals/{id}/decision", tag = "work", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionBody,
    responses((status = 200, body = Outcome), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn decide_approval(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut body: DecisionBody = json_body(body).await?;
    let approve = body.decision == DecisionWord::Approve;
    let word = match (approve, &body.edit) {
        (true, None) => "approved",
        (true, Some(_)) => "edited",
        (false, _) => "rejected",
    };
    let decision = ApprovalDecision {
        approve,
        rate_minor: body.edit.as_ref().and_then(|it| it.rate_minor),
        wording: body.edit.as_mut().map(EditBody::wording).transpose()?.flatten(),
        reason: short(body.reason, "reason")?,
        in_hand_ms: in_hand(body.in_hand_ms),
    };
    let command = Command::DecideApproval {
        approval: ApprovalId(id),
        decision,
    };
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, command).await?;
    ask::name_outcome(&mut outcome, word);
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

#[derive(Deserialize, ToSchema)]
pub struct ResolutionBody {
    /// What was done about it, in the person's words.
    pub resolution: String,
    /// For a carrier's conditional answer: take or refuse its terms.
    #[serde(default)]
    pub choice: ChoiceWord,
    pub in_hand_ms: Option<i64>,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceWord {
    #[default]
    Done,
    AcceptTerms,
    RefuseTerms,
    /// Of a document in question: take it for one of this load, or set it aside.
    AcceptDocument,
    RefuseDocument,
}

/// Resolve an exception.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/resolution", tag = "work", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = ResolutionBody,
    responses((status = 200, body = Outcome), (status = 409, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn resolve_exception(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body: ResolutionBody = json_body(body).await?;
    let choice = match body.choice {
        ChoiceWord::Done => ResolutionChoice::Done,
        ChoiceWord::AcceptTerms => ResolutionChoice::AcceptTerms,
        ChoiceWord::RefuseTerms => ResolutionChoice::RefuseTerms,
        ChoiceWord::AcceptDocument => ResolutionChoice::AcceptDocument,
        ChoiceWord::RefuseDocument => ResolutionChoice::RefuseDocument,
    };
    let note = short(Some(body.resolution), "resolution")?.unwrap_or_default();
    let resolution = Resolution { choice, note };
    let command = Command::ResolveException {
        exception: ExceptionId(id),
        resolution,
        in_hand_ms: in_hand(body.in_hand_ms),
    };
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, command).await?;
    ask::name_outcome(&mut outcome, "resolved");
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

#[derive(Default, Deserialize, ToSchema)]
pub struct ReprocessBody {
    /// The message as it should have been; as it came where absent.
    pub corrected: Option<String>,
    /// Of a mail: the load that it is about, as this person says. The first to say it counts.
    pub load: Option<String>,
    pub in_hand_ms: Option<i64>,
}

/// Take a quarantined message through reading and admission again, as it is or corrected.
#[utoipa::path(post, path = "/api/v1/quarantine/{id}/reprocess", tag = "messages", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = ReprocessBody,
    responses((status = 200, body = Outcome), (status = 409, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn reprocess(
    State(edge): State<Edge>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let idempotency_key = ask::idempotency_key(&headers)?;
    let bytes = ask::bytes(body, super::inbound::MESSAGE_BYTES_MAX).await?;
    let body: ReprocessBody = if bytes.is_empty() {
        ReprocessBody::default()
    } else {
        ask::parsed(&bytes)?
    };
    let request = Request::Reprocess {
        scope: caller.scope.clone(),
        message: MessageId(id),
        corrected: body.corrected.map(String::into_bytes),
        load: body.load.map(LoadId),
        in_hand_ms: in_hand(body.in_hand_ms),
        idempotency_key,
    };
    let (mut outcome, seq) = ask::outcome(edge.ask(request).await?)?;
    ask::name_outcome(&mut outcome, "reprocessed");
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

/// A message's bytes as they came.
#[utoipa::path(get, path = "/api/v1/messages/{id}/raw", tag = "messages", params(("id" = String, Path), WaitFor),
    responses((status = 200, content_type = "text/plain", body = String), (status = "4XX", body = ProblemBody)))]
pub async fn raw_message(
    State(edge): State<Edge>,
    caller: Caller,
    Path(id): Path<String>,
    Query(wait): Query<WaitFor>,
) -> Result<Response, Problem> {
    caller.require(RAW_READERS)?;
    edge.wait_for(wait.wait_for).await?;
    edge.read(move |edge| {
        let message = MessageId(id);
        let unknown = || {
            Problem::unrecorded(
                Rejection::MessageUnknown,
                "There is no message with this id, or it was erased.",
            )
        };
        let seq = edge
            .store
            .message_seq(&caller.scope, &message)
            .map_err(Problem::internal)?
            .ok_or_else(unknown)?;
        let sealed = edge
            .store
            .raw(&caller.scope, seq)
            .map_err(Problem::internal)?
            .ok_or_else(unknown)?;
        let vault = edge.vault.tenant(caller.scope.tenant()).map_err(Problem::internal)?;
        let bytes = vault.open_bytes(&message, &sealed).map_err(Problem::internal)?;
        // Always plain text: a partner's bytes must never run as a page of ours.
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        Ok((
            [(header::CONTENT_TYPE, kind), (SEQ_HEADER, HeaderValue::from(seq))],
            bytes,
        )
            .into_response())
    })
    .await
}

/// What a client reports is believed within reason: not negative, not longer than a day.
pub(super) fn in_hand(reported: Option<i64>) -> Option<i64> {
    reported.map(|it| it.clamp(0, 86_400_000))
}

pub(super) fn short(text: Option<String>, field: &str) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.len() > NOTE_BYTES_MAX => Err(Problem::new(
            "body_unreadable",
            format!("`{field}` may have {NOTE_BYTES_MAX} bytes at most."),
        )),
        other => Ok(other),
    }
}
