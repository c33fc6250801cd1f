//! What was written about a load: the texts, opened for those who may read them, with every fact at its place.

use super::Edge;
use super::ask::WaitFor;
use super::auth::Caller;
use super::loads::records;
use super::personal::Reader;
use super::problem::{Problem, ProblemBody};
use super::shapes::Mails;
use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};
use signalbox_engine::directory::Directory;
use signalbox_engine::mail;
use signalbox_engine::state::{LoadState, MailState};

/// The mails on a load, the newest first. Spans count Unicode characters of `mail.text`; what a text says is data.
#[utoipa::path(get, path = "/api/v1/loads/{id}/mails", tag = "work", params(("id" = String, Path), WaitFor),
    responses((status = 200, body = Mails), (status = "4XX", body = ProblemBody)))]
pub async fn mails(
    State(edge): State<Edge>,
    caller: Caller,
    Path(id): Path<String>,
    Query(wait): Query<WaitFor>,
) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    edge.wait_for(wait.wait_for).await?;
    edge.read(move |edge| {
        let mut state = LoadState::default();
        for stored in records(edge, &caller, &id)? {
            let at = stored.record.at;
            stored.record.events.iter().for_each(|event| state.apply(event, at));
        }
        let mails: Vec<Value> = state
            .mails
            .iter()
            .rev()
            .map(|it| shown(&state, &caller.directory, it))
            .collect();
        let mut shown = json!({"mails": mails});
        Reader::new(edge, &caller).show(&mut shown);
        Ok(Json(shown))
    })
    .await
}

fn shown(state: &LoadState, directory: &Directory, it: &MailState) -> Value {
    let partner = it.mail.sender.partner.as_ref();
    let sender_name = partner.and_then(|id| directory.partners.get(id)).map(|it| &it.name);
    let exception = it.exception.as_ref().and_then(|id| state.exceptions.get(id));
    let exception = exception.map(|it| {
        json!({"id": it.exception.id, "kind": it.exception.kind, "title": it.exception.title,
            "next_action": it.exception.next_action, "is_open": it.resolved.is_none()})
    });
    let questions: Vec<Value> = mail::questions(state, it)
        .map(|it| json!({"id": it.id, "title": it.title, "role": it.role, "deadline": it.deadline}))
        .collect();
    json!({"message": it.message, "sender_name": sender_name, "exception": exception, "questions": questions,
        "mail": it.mail, "advice": it.advice})
}
