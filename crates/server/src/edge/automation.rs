//! How far automation may act: the switch, what it holds back, a rehearsal of resuming, and covering a load by hand.

use super::ask::{self, json_body};
use super::auth::Caller;
use super::loads;
use super::problem::{Problem, ProblemBody};
use super::shapes::Outcome;
use super::{Edge, Trace};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signalbox_engine::command::{Command, HeldChoice, HeldDecision};
use signalbox_engine::directory::Directory;
use signalbox_engine::state::LoadState;
use signalbox_engine::step::{Context, Input, Reaction, step};
use signalbox_engine::views;
use signalbox_model::automation::{AutomationMode, AutomationScope, HeldOutcome, ModeSet};
use signalbox_model::event::Event;
use signalbox_model::id::{HeldId, LoadId};
use signalbox_model::personal::{Personal, Taint};
use signalbox_model::scope::Actor;
use signalbox_model::value::Money;
use signalbox_model::view::{Direction, Filter, ViewQuery};
use signalbox_runtime::ports::Clock as _;
use signalbox_runtime::streams::fold;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Loads that a rehearsal goes through; of more the answer says how many there are.
const REHEARSED_LOADS_MAX: usize = 1_000;
/// Rows of the manual queue that a rehearsal reads.
const HELD_ROWS_MAX: u32 = 10_000;
const REASON_BYTES_MAX: usize = 500;

#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModeWord {
    Automatic,
    /// Everything is judged, recorded and proposed; nothing leaves.
    Observe,
    /// Each thing automation is about to do waits for a person.
    Stopped,
}

impl ModeWord {
    fn mode(self) -> AutomationMode {
        match self {
            Self::Automatic => AutomationMode::Automatic,
            Self::Observe => AutomationMode::Observe,
            Self::Stopped => AutomationMode::Stopped,
        }
    }
}

#[derive(Deserialize, ToSchema)]
pub struct SwitchBody {
    pub mode: ModeWord,
    /// The playbook's name; all of the tenant's automation where absent. Both modes hold, the stricter wins.
    pub playbook: Option<String>,
    pub reason: String,
    /// Say what resuming would do, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// How far automation may act, as it was set.
#[derive(Serialize, ToSchema)]
pub struct AutomationBody {
    /// The mode for all of the tenant's automation.
    pub mode: ModeWord,
    /// Each scope that was ever switched.
    pub scopes: Vec<ModeSetBody>,
    /// Every installed playbook, with the mode that results for it.
    pub playbooks: Vec<PlaybookMode>,
    /// Things in the manual queue.
    pub held: u64,
}

#[derive(Serialize, ToSchema)]
pub struct ModeSetBody {
    /// None: all of the tenant's automation.
    pub playbook: Option<String>,
    pub mode: ModeWord,
    pub reason: String,
    pub by: String,
    pub since: String,
}

#[derive(Serialize, ToSchema)]
pub struct PlaybookMode {
    pub playbook: String,
    pub mode: ModeWord,
}

/// A switch was made.
#[derive(Serialize, ToSchema)]
pub struct Switched {
    pub outcome: String,
    pub mode: ModeWord,
    pub playbook: Option<String>,
    /// Deliveries that were with a courier at that moment: they may still arrive. Nothing else leaves.
    pub on_the_wire: Vec<Value>,
    pub seq: u64,
}

/// The modes in force.
#[utoipa::path(get, path = "/api/v1/automation", tag = "automation", responses((status = 200, body = AutomationBody), (status = "4XX", body = ProblemBody)))]
pub async fn automation(State(edge): State<Edge>, caller: Caller) -> Result<Json<Value>, Problem> {
    caller.require_staff()?;
    edge.read(move |edge| {
        let held = held_rows(edge, &caller, 1)?.1;
        let automation = &caller.directory.automation;
        let scopes = automation.sets().map(|it| {
            json!({"playbook": it.scope.playbook, "mode": it.mode, "reason": it.reason, "by": it.by.name, "since": it.at})
        });
        let playbooks = caller.directory.playbooks.keys();
        let playbooks = playbooks.map(|it| json!({"playbook": it, "mode": automation.over(Some(it)).mode()}));
        Ok(Json(json!({
            "mode": automation.over(None).mode(),
            "scopes": scopes.collect::<Vec<_>>(),
            "playbooks": playbooks.collect::<Vec<_>>(),
            "held": held,
        })))
    })
    .await
}

/// Switch how far automation may act: for the tenant, or narrower for one playbook. In force for everything that runs
/// once this is answered; the answer names what was on the wire. With `dry_run`, what resuming would do.
#[utoipa::path(put, path = "/api/v1/automation", tag = "automation", params(("Idempotency-Key" = Option<String>, Header)), request_body = SwitchBody,
    responses((status = 200, body = Switched), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn switch(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body: SwitchBody = json_body(body).await?;
    if body.reason.len() > REASON_BYTES_MAX {
        let detail = format!("`reason` may have {REASON_BYTES_MAX} bytes at most.");
        return Err(Problem::new("body_unreadable", detail));
    }
    if body.dry_run {
        caller.require_staff()?;
        let rehearsed = edge.read(move |edge| rehearse(edge, &caller, &body)).await?;
        return Ok(ask::answer(StatusCode::OK, &rehearsed, 0));
    }
    let command = Command::SwitchAutomation {
        scope: AutomationScope {
            playbook: body.playbook,
        },
        mode: body.mode.mode(),
        reason: body.reason,
        on_the_wire: Vec::new(),
    };
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, command).await?;
    ask::name_outcome(&mut outcome, "switched");
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

/// The manual queue's rows, and how many there are in all.
fn held_rows(edge: &Edge, caller: &Caller, limit: u32) -> Result<(Vec<Value>, u64), Problem> {
    let query = ViewQuery {
        filter: Some(Filter::Equals("kind".to_owned(), json!("held"))),
        order: vec![("requested_at".to_owned(), Direction::Ascending)],
        limit,
        offset: 0,
    };
    let page = edge.store.view_page(&caller.scope, &views::INBOX, &query);
    let page = page.map_err(Problem::internal)?;
    Ok((page.rows.into_iter().map(|(_, row)| row.body).collect(), page.total))
}

/// Runs the resumption of every held load on a copy of its state, with the very code that will do it, and keeps nothing.
fn rehearse(edge: &Edge, caller: &Caller, body: &SwitchBody) -> Result<Value, Problem> {
    let now = edge.clock.now();
    let mut directory: Directory = (*caller.directory).clone();
    directory.automation.apply(&ModeSet {
        scope: AutomationScope {
            playbook: body.playbook.clone(),
        },
        mode: body.mode.mode(),
        reason: body.reason.clone(),
        by: caller.scope.actor().clone(),
        at: now,
    });
    let (rows, total) = held_rows(edge, caller, HELD_ROWS_MAX)?;
    let loads: BTreeSet<String> = rows
        .iter()
        .filter_map(|it| it["load"].as_str().map(str::to_owned))
        .collect();
    let mut steps = Vec::new();
    for load in loads.iter().take(REHEARSED_LOADS_MAX) {
        let mut state = LoadState::default();
        for stored in loads::records(edge, caller, load)? {
            fold(&mut state, &stored).map_err(Problem::internal)?;
        }
        let held = state.held.clone();
        let Some(first) = held.first().map(|it| it.resume.clone()) else {
            continue;
        };
        let actor = Actor::system();
        let context = Context {
            now,
            actor: &actor,
            directory: &directory,
            cause: "rehearsal",
        };
        let reaction = step(&mut state, Input::Resume(first), &context);
        for it in held {
            let settled = settled(&reaction, &it.id);
            let (then, why) = settled.unwrap_or(("waits", "its automation does not act yet".to_owned()));
            steps.push(json!({
                "held": it.id, "load": load, "title": it.title, "action": it.action, "playbook": it.playbook,
                "then": then, "why": why,
            }));
        }
    }
    Ok(json!({
        "outcome": "rehearsed", "mode": body.mode.mode(), "playbook": body.playbook, "held": total,
        "loads": loads.len(), "loads_rehearsed": loads.len().min(REHEARSED_LOADS_MAX), "steps": steps,
    }))
}

fn settled(reaction: &Reaction, id: &HeldId) -> Option<(&'static str, String)> {
    reaction.events.iter().find_map(|event| match event {
        Event::HeldActionSettled {
            held, outcome, reason, ..
        } if held == id => {
            let word = if *outcome == HeldOutcome::Resumed {
                "goes_on"
            } else {
                "dropped"
            };
            Some((word, reason.clone()))
        }
        _ => None, // Only this says what becomes of it.
    })
}

#[derive(Deserialize, ToSchema)]
pub struct HeldBody {
    pub choice: HeldWord,
    pub reason: Option<String>,
    /// How long the person had it open, milliseconds.
    pub in_hand_ms: Option<i64>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldWord {
    /// Have it done as it is, by this person's order. Not while automation observes.
    Do,
    /// Say no to it; what comes next is held in its turn.
    Skip,
    /// Take the load away from its playbook.
    TakeOver,
}

/// Deal with one thing of the manual queue. The first decision stands.
#[utoipa::path(post, path = "/api/v1/held/{id}/decision", tag = "automation", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = HeldBody,
    responses((status = 200, body = Outcome), (status = 409, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn decide_held(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body: HeldBody = json_body(body).await?;
    let (choice, word) = match body.choice {
        HeldWord::Do => (HeldChoice::Do, "done"),
        HeldWord::Skip => (HeldChoice::Skip, "skipped"),
        HeldWord::TakeOver => (HeldChoice::TakeOver, "taken_over"),
    };
    let decision = HeldDecision {
        choice,
        reason: super::work::short(body.reason, "reason")?,
        in_hand_ms: super::work::in_hand(body.in_hand_ms),
    };
    let held = HeldId(id);
    let command = Command::SettleHeld { held, decision };
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, command).await?;
    ask::name_outcome(&mut outcome, word);
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}

#[derive(Deserialize, ToSchema)]
pub struct CoverBody {
    /// The carrier's SCAC or partner id.
    pub carrier: String,
    /// In minor units.
    pub rate_minor: i64,
    /// ISO 4217; USD where absent.
    pub currency: Option<String>,
    pub note: Option<String>,
    /// How long the person had it open, milliseconds.
    pub in_hand_ms: Option<i64>,
}

/// Cover a load by hand with a carrier that was found outside of here. 409 says who has it already.
#[utoipa::path(post, path = "/api/v1/loads/{id}/cover", tag = "work", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = CoverBody,
    responses((status = 200, body = Outcome), (status = 409, body = ProblemBody), (status = "4XX", body = ProblemBody)))]
pub async fn cover(
    State(edge): State<Edge>,
    caller: Caller,
    Extension(trace): Extension<Trace>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body: CoverBody = json_body(body).await?;
    let currency = body.currency.unwrap_or_else(|| "USD".to_owned());
    let is_code = currency.len() == 3 && currency.bytes().all(|it| it.is_ascii_uppercase());
    if !is_code {
        return Err(Problem::new(
            "body_unreadable",
            "`currency` is an ISO 4217 code such as USD.",
        ));
    }
    let command = Command::CoverLoad {
        load: LoadId(id),
        carrier: super::work::short(Some(body.carrier), "carrier")?.unwrap_or_default(),
        rate: Money {
            minor: body.rate_minor,
            currency,
        },
        note: super::work::short(body.note, "note")?.map(|it| Personal::plain(it, Taint::System)),
        in_hand_ms: super::work::in_hand(body.in_hand_ms),
    };
    let (mut outcome, seq) = ask::command(&edge, &caller, &headers, &trace, command).await?;
    ask::name_outcome(&mut outcome, "covered");
    Ok(ask::answer(StatusCode::OK, &outcome, seq))
}
