//! Drafts of notices: a playbook's templates filled with what is known of the load and of one of its stops.
//!
//! Invariant: a draft sees facts about freight and no personal values, so that it may stand in the log as it is.

use crate::notices::{self, Wanted};
use crate::process::fault;
use crate::template;
use crate::turn::Turn;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_model::load::Stop;
use signalbox_model::scope::Actor;
use signalbox_workflow::{Definition, Fault};

/// How a time reads in a message: in the zone of its place, with the zone's short name.
const TIME: &str = "%a %d %b %Y, %H:%M %Z";

/// What a playbook asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// `customer`, or a partner's name.
    to: String,
    /// The thing it tells of, such as an exception's id.
    about: String,
    /// The stop whose times it tells.
    stop: Option<u32>,
    /// Templates.
    subject: String,
    body: String,
    data: Option<Value>,
}

/// Drafts a notice and proposes it.
pub(crate) fn notify(turn: &mut Turn<'_>, definition: &Definition, with: &Value) -> Result<Value, Fault> {
    let asked: Asked = serde_json::from_value(with.clone()).map_err(|error| fault("validation", error.to_string()))?;
    let facts = facts(turn, &asked);
    let (subject, _) = written(turn, definition, &asked.subject, &facts)?;
    let (body, source) = written(turn, definition, &asked.body, &facts)?;
    let expected = asked.stop.and_then(|stop| expected(turn, stop));
    let wanted = Wanted {
        to: asked.to,
        about: asked.about,
        expected,
        subject,
        body,
        source,
        mail: None,
    };
    let actor = Actor::playbook(&definition.name);
    Ok(notices::propose(turn, &actor, wanted))
}

fn written(turn: &Turn<'_>, definition: &Definition, name: &str, facts: &Value) -> Result<(String, String), Fault> {
    let playbook = turn.directory().playbooks.get(&definition.name);
    let template = playbook.and_then(|it| it.templates.get(name));
    let template = template.ok_or_else(|| template::Error::Missing(name.to_owned()));
    let written = template.and_then(|it| Ok((it.render(facts)?, it.source())));
    written.map_err(|error| fault("template", error.to_string()))
}

/// What a template of a notice may name: `load`, `to`, `from` and, where the call names one, `stop`.
fn facts(turn: &Turn<'_>, asked: &Asked) -> Value {
    let load = turn.state.load.as_ref();
    let label = |stop: Option<&Stop>| stop.map(|it| it.location.label());
    let stop = asked
        .stop
        .and_then(|wanted| load?.stops.iter().find(|it| it.sequence == wanted));
    json!({
        "load": {
            "reference": load.map(|it| &it.reference), "lane": load.map(|it| it.lane()),
            "origin": load.and_then(|it| label(it.pickup())), "destination": load.and_then(|it| label(it.delivery())),
        },
        "to": notices::name_of(turn, &asked.to),
        "from": turn.directory().name,
        "stop": stop.map(|it| told(turn, it)),
        "data": asked.data,
    })
}

fn told(turn: &Turn<'_>, stop: &Stop) -> Value {
    let promised = stop.window.latest.as_ref();
    let stated = promised.map(|it| it.zone.as_str());
    let zone = stop.location.zone.as_deref().or(stated).unwrap_or("UTC");
    let expected = expected(turn, stop.sequence);
    let late_by = promised.zip(expected);
    let late_by = late_by.map(|(promised, expected)| expected.duration_since(promised.at).as_mins());
    let late_by = late_by.filter(|it| *it > 0).map(crate::trip::span);
    json!({
        "sequence": stop.sequence, "place": stop.location.label(), "name": stop.location.name,
        "promised": promised.map(|it| local(it.at, zone)), "expected": expected.map(|it| local(it, zone)),
        "late_by": late_by, "overdue": turn.state.trip.overdue.contains(&stop.sequence),
    })
}

/// When the vehicle is expected at a stop. A time that has passed without it is no expectation any more.
fn expected(turn: &Turn<'_>, stop: u32) -> Option<Timestamp> {
    let estimate = turn.state.trip.estimates.get(&stop)?;
    Some(estimate.eta).filter(|it| *it > turn.now())
}

/// `Wed 25 Nov 2026, 14:30 CST`; in UTC where nobody knows the zone.
fn local(at: Timestamp, zone: &str) -> String {
    at.in_tz(zone)
        .map_or_else(|_| at.strftime("%a %d %b %Y, %H:%M UTC"), |it| it.strftime(TIME))
        .to_string()
}
