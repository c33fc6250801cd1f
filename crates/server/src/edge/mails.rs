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
use signalbox_engine::state::LoadState;

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
        let mails = state.mails.iter().rev();
        let mails = mails
            .map(|it| json!({"message": it.message, "exception": it.exception, "mail": it.mail, "advice": it.advice}));
        let mut shown = json!({"mails": mails.collect::<Vec<_>>()});
        Reader::new(edge, &caller).show(&mut shown);
        Ok(Json(shown))
    })
    .await
}
