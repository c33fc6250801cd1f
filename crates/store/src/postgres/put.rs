//! The checkpoint: one set-based statement a table, in the sorted order the overlay keeps.

use super::error::Failure;
use super::session::Session;
use super::text::encode;
use super::view;
use crate::key::lookup;
use signalbox_model::view::ViewDefinition;
use signalbox_runtime::index::IndexChanges;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Everyone a batch speaks for.
pub(super) fn tenants(changes: &IndexChanges) -> BTreeSet<&str> {
    let streams = changes.streams.keys().map(|(tenant, _)| tenant);
    let names = changes
        .marks
        .keys()
        .map(|(tenant, _)| tenant)
        .chain(changes.messages.keys().map(|(tenant, _)| tenant));
    let links = changes.links.keys().map(|(tenant, _)| tenant);
    let waits = changes.timers.keys().map(|(tenant, _, _)| tenant);
    let work = changes.effects.keys().map(|(tenant, _)| tenant);
    let views = changes.views.keys().map(|(tenant, _, _)| tenant);
    streams
        .chain(names)
        .chain(links)
        .chain(waits)
        .chain(work)
        .chain(views)
        .map(|tenant| tenant.as_str())
        .collect()
}

pub(super) fn put_indexes(
    session: &mut Session,
    views: &'static [ViewDefinition],
    changes: &IndexChanges,
) -> Result<(), Failure> {
    put_streams(session, changes)?;
    put_marks(session, changes)?;
    put_links(session, changes)?;
    put_timers(session, changes)?;
    put_effects(session, changes)?;
    put_views(session, views, changes)
}

fn put_streams(session: &mut Session, changes: &IndexChanges) -> Result<(), Failure> {
    let (mut tenants, mut streams, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for ((tenant, stream), seqs) in &changes.streams {
        for seq in seqs {
            tenants.push(encode(tenant.as_str()));
            streams.push(encode(stream.as_str()));
            all.push(seq.cast_signed());
        }
    }
    if all.is_empty() {
        return Ok(());
    }
    session.execute(include_str!("queries/put_stream_seqs.sql"), &[&tenants, &streams, &all])
}

fn put_marks(session: &mut Session, changes: &IndexChanges) -> Result<(), Failure> {
    let (mut tenants, mut keys, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for ((tenant, key), mark) in &changes.marks {
        tenants.push(encode(tenant.as_str()));
        keys.push(looked_up(key));
        bodies.push(serde_json::to_vec(mark)?);
    }
    if !keys.is_empty() {
        session.execute(include_str!("queries/put_marks.sql"), &[&tenants, &keys, &bodies])?;
    }
    let (mut tenants, mut messages, mut seqs) = (Vec::new(), Vec::new(), Vec::new());
    for ((tenant, message), seq) in &changes.messages {
        tenants.push(encode(tenant.as_str()));
        messages.push(encode(message.as_str()));
        seqs.push(seq.cast_signed());
    }
    if messages.is_empty() {
        return Ok(());
    }
    session.execute(include_str!("queries/put_messages.sql"), &[&tenants, &messages, &seqs])
}

fn put_links(session: &mut Session, changes: &IndexChanges) -> Result<(), Failure> {
    let (mut tenants, mut systems, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let (mut values, mut streams) = (Vec::new(), Vec::new());
    for ((tenant, id), stream) in &changes.links {
        tenants.push(encode(tenant.as_str()));
        systems.push(looked_up(&id.system));
        kinds.push(looked_up(&id.kind));
        values.push(looked_up(&id.value));
        streams.push(encode(stream.as_str()));
    }
    if values.is_empty() {
        return Ok(());
    }
    session.execute(
        include_str!("queries/put_links.sql"),
        &[&tenants, &systems, &kinds, &values, &streams],
    )
}

fn put_timers(session: &mut Session, changes: &IndexChanges) -> Result<(), Failure> {
    let (mut tenants, mut streams, mut timers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut seconds, mut nanos) = (Vec::new(), Vec::new());
    let (mut gone_tenants, mut gone_streams, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for ((tenant, stream, timer), due) in &changes.timers {
        let (tenant, stream, timer) = (encode(tenant.as_str()), encode(stream.as_str()), encode(timer.as_str()));
        let Some(due) = due else {
            gone_tenants.push(tenant);
            gone_streams.push(stream);
            gone.push(timer);
            continue;
        };
        tenants.push(tenant);
        streams.push(stream);
        timers.push(timer);
        seconds.push(due.as_second());
        nanos.push(due.subsec_nanosecond());
    }
    if !gone.is_empty() {
        session.execute(
            include_str!("queries/remove_timers.sql"),
            &[&gone_tenants, &gone_streams, &gone],
        )?;
    }
    if timers.is_empty() {
        return Ok(());
    }
    session.execute(
        include_str!("queries/put_timers.sql"),
        &[&tenants, &streams, &timers, &seconds, &nanos],
    )
}

fn put_effects(session: &mut Session, changes: &IndexChanges) -> Result<(), Failure> {
    let (mut tenants, mut effects, mut seqs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut streams, mut bodies, mut traces) = (Vec::new(), Vec::new(), Vec::new());
    let (mut gone_tenants, mut gone) = (Vec::new(), Vec::new());
    for ((tenant, effect), pending) in &changes.effects {
        let Some(pending) = pending else {
            gone_tenants.push(encode(tenant.as_str()));
            gone.push(encode(effect.as_str()));
            continue;
        };
        tenants.push(encode(tenant.as_str()));
        effects.push(encode(effect.as_str()));
        seqs.push(pending.seq.cast_signed());
        streams.push(encode(pending.stream.as_str()));
        bodies.push(serde_json::to_vec(&pending.effect)?);
        traces.push(pending.traceparent.as_deref().map(encode));
    }
    if !gone.is_empty() {
        session.execute(include_str!("queries/remove_effects.sql"), &[&gone_tenants, &gone])?;
    }
    if effects.is_empty() {
        return Ok(());
    }
    session.execute(
        include_str!("queries/put_effects.sql"),
        &[&tenants, &effects, &seqs, &streams, &bodies, &traces],
    )
}

/// A change to a view that is no longer declared is passed over: old records still name it.
fn put_views(session: &mut Session, views: &'static [ViewDefinition], changes: &IndexChanges) -> Result<(), Failure> {
    let mut by_view: BTreeMap<&str, Vec<view::Change<'_>>> = BTreeMap::new();
    for ((tenant, view, key), (seq, row)) in &changes.views {
        by_view
            .entry(view)
            .or_default()
            .push((tenant.as_str(), key, seq.cast_signed(), row.as_deref()));
    }
    for definition in views {
        if let Some(changed) = by_view.get(definition.name) {
            view::put(session, definition, changed)?;
        }
    }
    Ok(())
}

/// A key that is only ever looked up whole.
pub(super) fn looked_up(key: &str) -> Cow<'_, str> {
    match lookup(key) {
        Cow::Borrowed(short) => encode(short),
        Cow::Owned(digest) => Cow::Owned(digest),
    }
}
