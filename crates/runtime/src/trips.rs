//! Positions in the owner's memory: a message's positions are folded into the tenant's fleet, and only a load whose
//! trip has changed gets a turn.
//!
//! Invariant: a message brings one record for itself, whatever it holds, and one for each load that it moved. The fleet
//! is made again after a restart from what was kept of it and the messages since (docs/decisions/0008).

use crate::audit::sequencer::Blob;
use crate::machine::{Extra, Machine, Origin, RECOVERY_PAGE};
use crate::ports::StoreError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_engine::step::{Context, Input, step};
use signalbox_engine::trip::Picture;
use signalbox_engine::trip::fleet::{Fleet, Refused, Snapshot, Taken, Why, key};
use signalbox_engine::trip::plan::Plan;
use signalbox_engine::views;
use signalbox_formats as formats;
use signalbox_model::attempt::Attempt;
use signalbox_model::event::Event;
use signalbox_model::id::{LoadId, MessageId, PartnerId, Seq, StreamId, TenantId};
use signalbox_model::issue::Issue;
use signalbox_model::personal::Taint;
use signalbox_model::position::PositionAttempt;
use signalbox_model::scope::Actor;
use signalbox_model::value::ExternalId;
use signalbox_model::view::ViewChange;
use std::collections::{BTreeMap, BTreeSet};

/// What a restart has to read again is bounded: a vehicle that has changed is kept after this long, ...
const KEPT_AFTER: SignedDuration = SignedDuration::from_secs(20);
/// ... and after this many records of any kind.
const KEPT_RECORDS_MAX: Seq = 10_000;
/// Vehicles kept with one checkpoint, so that no checkpoint takes long.
const KEPT_AT_ONCE_MAX: usize = 50;
/// Records a restart reads to make the fleet again. Positions before them show only in what stands of their trips.
const REPLAYED_RECORDS_MAX: Seq = 200_000;
/// Loads followed anew in one step.
const FOLLOWED_AT_ONCE_MAX: usize = 10_000;
const INDEX: &str = "vehicles/index";

#[derive(Default)]
pub(crate) struct Trips {
    fleets: BTreeMap<TenantId, Fleet>,
    /// Loads whose vehicle, places or milestones changed.
    stale: BTreeSet<(TenantId, LoadId)>,
    /// Tenants whose sites changed.
    replaced: BTreeSet<TenantId>,
    kept: BTreeMap<TenantId, Kept>,
    /// What is being written: of which vehicles, and since when they had changed.
    under_way: Vec<(TenantId, Vec<(String, Since)>)>,
    /// The log's head when the fleets were last made.
    begun: Seq,
}

/// How far a tenant's fleet is kept.
#[derive(Clone, Debug, Default)]
struct Kept {
    /// Vehicles that changed since they were kept.
    waiting: BTreeMap<String, Since>,
    /// Up to which record it was looked for changes.
    looked: Seq,
    /// What the index says; none before there is one.
    indexed: Option<Seq>,
}

/// A record before which a vehicle had not changed, and when that was noticed.
type Since = (Seq, Timestamp);

#[derive(Serialize, Deserialize)]
struct Index {
    /// Every message with positions up to here is in what is kept.
    position: Seq,
    blobs: Vec<String>,
}

/// What a message's positions came to, for its own record.
pub(crate) struct PositionsNote {
    pub event: Event,
    pub views: Vec<ViewChange>,
    pub issues: Vec<Issue>,
}

/// The message whose positions are taken in.
pub(crate) struct Carried<'a> {
    pub tenant: &'a TenantId,
    pub message: &'a MessageId,
    pub source: &'a str,
    pub from: Option<&'a PartnerId>,
    pub traceparent: Option<&'a str>,
    pub now: Timestamp,
}

impl Kept {
    /// The vehicles to be kept now, those that wait for longest first. The first of a tenant at once: until then nothing
    /// says from where to read again.
    fn due(&self, position: Seq, now: Timestamp) -> Vec<(String, Since)> {
        let first = self.indexed.is_none();
        let is_due = |(since, at): &Since| {
            first || now.duration_since(*at) >= KEPT_AFTER || position.saturating_sub(*since) >= KEPT_RECORDS_MAX
        };
        let waiting = self.waiting.iter().filter(|(_, since)| is_due(since));
        let mut due: Vec<(String, Since)> = waiting.map(|(key, since)| (key.clone(), *since)).collect();
        due.sort_by_key(|(_, since)| *since);
        due.truncate(KEPT_AT_ONCE_MAX);
        due
    }
}

impl Trips {
    /// Notes what a turn of a load means for the vehicle that hauls it.
    pub fn note(&mut self, tenant: &TenantId, stream: &StreamId, events: &[Event]) {
        if !stream.is_load() {
            let sites = events.iter().any(|it| matches!(it, Event::SiteChanged { .. }));
            if sites {
                self.replaced.insert(tenant.clone());
            }
            return;
        }
        let load = || LoadId(stream.0.clone());
        let concerns = |event: &Event| match event {
            Event::VehicleAssigned { .. } | Event::VehicleReleased { .. } | Event::StopPlaced { .. } => true,
            Event::MilestoneReported { .. }
            | Event::MilestoneRecorded { .. }
            | Event::LoadCancelled { .. }
            | Event::TripStarted { .. } => self.fleets.get(tenant).is_some_and(|it| it.follows(&load())),
            _ => false, // Nothing that a plan is made of.
        };
        if events.iter().any(concerns) {
            self.stale.insert((tenant.clone(), load()));
        }
    }

    pub fn is_quiet(&self) -> bool {
        self.stale.is_empty() && self.replaced.is_empty()
    }

    /// What a restart needs of the fleets, where that is due: all turns up to `position` are judged and in them.
    pub fn keep(&mut self, position: Seq, now: Timestamp) -> Result<Vec<(TenantId, Vec<Blob>)>, StoreError> {
        let mut all = Vec::new();
        let begun = self.begun;
        for (tenant, fleet) in &mut self.fleets {
            let kept = self.kept.entry(tenant.clone()).or_insert_with(|| Kept {
                looked: begun,
                ..Kept::default()
            });
            let looked = kept.looked;
            for key in fleet.changed() {
                kept.waiting.entry(key).or_insert((looked, now));
            }
            kept.looked = position;
            let due = kept.due(position, now);
            let behind = position.saturating_sub(kept.indexed.unwrap_or(begun)) >= KEPT_RECORDS_MAX;
            if due.is_empty() && !(behind && kept.waiting.is_empty()) {
                continue;
            }
            let broken = |error: serde_json::Error| StoreError::Broken(format!("a vehicle cannot be kept: {error}"));
            let mut blobs = Vec::new();
            for (key, _) in &due {
                kept.waiting.remove(key);
                if let Some(snapshot) = fleet.snapshot(key) {
                    blobs.push((blob(key), serde_json::to_vec(&snapshot).map_err(broken)?));
                }
            }
            let oldest = kept.waiting.values().map(|(since, _)| *since).min();
            let index = Index {
                position: oldest.unwrap_or(position),
                blobs: fleet.vehicles().map(|(key, _)| blob(key)).collect(),
            };
            kept.indexed = Some(index.position);
            blobs.push((INDEX.to_owned(), serde_json::to_vec(&index).map_err(broken)?));
            self.under_way.push((tenant.clone(), due));
            all.push((tenant.clone(), blobs));
        }
        Ok(all)
    }

    /// What came of it. What was not written waits as before.
    pub fn kept(&mut self, written: bool) {
        for (tenant, keys) in std::mem::take(&mut self.under_way) {
            if let Some(kept) = self.kept.get_mut(&tenant).filter(|_| !written) {
                kept.waiting.extend(keys);
                kept.indexed = None;
            }
        }
    }

    fn fleet(&mut self, tenant: &TenantId) -> &mut Fleet {
        self.fleets.entry(tenant.clone()).or_default()
    }
}

impl Machine {
    /// Takes a message's positions in and moves the loads they concern.
    pub(crate) fn take_positions(
        &mut self,
        carried: &Carried<'_>,
        positions: &[PositionAttempt],
    ) -> Result<PositionsNote, StoreError> {
        let (tenant, now) = (carried.tenant, carried.now);
        self.meet(tenant, positions, now)?;
        let taken = self.trips.fleet(tenant).take(positions, carried.from, now);
        for (load, picture) in &taken.moved {
            let cause = format!("{}/{load}", carried.message);
            self.move_trip(tenant, load, picture.clone(), &cause, carried.traceparent, now)?;
        }
        Ok(note(carried, taken))
    }

    /// Vehicles not in memory: a load may have named them before.
    fn meet(&mut self, tenant: &TenantId, positions: &[PositionAttempt], now: Timestamp) -> Result<(), StoreError> {
        for name in self.trips.fleet(tenant).strangers(positions) {
            let Some(stream) = self.find(tenant, &ExternalId::new("signalbox", "vehicle", &name))? else {
                continue;
            };
            let load = LoadId(stream.0.clone());
            if self.plan(tenant, &load)?.is_some_and(|it| key(&it.vehicle) == name) {
                self.trips.stale.insert((tenant.clone(), load));
            }
        }
        self.follow_trips(now)
    }

    fn plan(&mut self, tenant: &TenantId, load: &LoadId) -> Result<Option<Plan>, StoreError> {
        let stream = StreamId::load(load);
        let state = self.take_load(tenant, &stream)?;
        let plan = Plan::of(&state);
        self.streams.put(tenant, &stream, state, self.next_seq);
        Ok(plan)
    }

    /// Follows loads whose vehicle, places or milestones changed since.
    pub(crate) fn follow_trips(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for tenant in std::mem::take(&mut self.trips.replaced) {
            self.look_again(&tenant, now)?;
        }
        for _ in 0..FOLLOWED_AT_ONCE_MAX {
            let Some((tenant, load)) = self.trips.stale.pop_first() else {
                break;
            };
            let plan = self.plan(&tenant, &load)?;
            if let Some(picture) = self.trips.fleet(&tenant).follow(&load, plan) {
                let cause = format!("{load}/follow/{}", self.next_seq);
                self.move_trip(&tenant, &load, picture, &cause, None, now)?;
            }
        }
        Ok(())
    }

    /// Sites changed: stops whose place was not known may have one now.
    fn look_again(&mut self, tenant: &TenantId, now: Timestamp) -> Result<(), StoreError> {
        let loads: Vec<LoadId> = self.trips.fleet(tenant).loads().cloned().collect();
        for load in loads {
            let cause = format!("{load}/sites/{}", self.next_seq);
            self.trip_turn(tenant, &load, Input::LookAgain, &cause, None, now)?;
        }
        Ok(())
    }

    fn move_trip(
        &mut self,
        tenant: &TenantId,
        load: &LoadId,
        picture: Picture,
        cause: &str,
        traceparent: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.trip_turn(tenant, load, Input::Moved(picture), cause, traceparent, now)
    }

    fn trip_turn(
        &mut self,
        tenant: &TenantId,
        load: &LoadId,
        input: Input,
        cause: &str,
        traceparent: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let stream = StreamId::load(load);
        let directory = self.directory(tenant)?;
        let mut state = self.take_load(tenant, &stream)?;
        let actor = Actor::system();
        let context = Context {
            now,
            actor: &actor,
            directory: &directory,
            cause,
        };
        let reaction = step(&mut state, input, &context);
        self.streams.put(tenant, &stream, state, self.next_seq);
        if reaction.is_empty() {
            return Ok(());
        }
        let origin = Origin {
            cause,
            actor: &actor,
            traceparent,
            now,
        };
        self.emit(tenant, &stream, reaction, &origin, Extra::default())?;
        Ok(())
    }

    /// Makes the fleets again: from what was kept, and from the messages after it.
    pub(crate) fn restore_trips(&mut self, indexed: Seq) -> Result<(), StoreError> {
        self.trips = Trips::default();
        let tenants: Vec<TenantId> = self.directories().into_iter().map(|(tenant, _)| tenant).collect();
        let mut from = indexed;
        for tenant in &tenants {
            from = from.min(self.restore_fleet(tenant)?.unwrap_or(indexed));
        }
        let floor = self.committed.saturating_sub(REPLAYED_RECORDS_MAX);
        if from < floor {
            tracing::warn!("positions before record {floor} are not folded again: the fleet was last kept at {from}");
        }
        self.replay_positions(from.max(floor))?;
        let stale = std::mem::take(&mut self.trips.stale);
        for (tenant, load) in stale {
            let plan = self.plan(&tenant, &load)?;
            // What it shows was told before the restart; the next position tells what was not.
            let _told_before = self.trips.fleet(&tenant).follow(&load, plan);
        }
        self.trips.begun = self.committed;
        Ok(())
    }

    /// Answers up to which record the tenant's fleet was kept, if it was.
    fn restore_fleet(&mut self, tenant: &TenantId) -> Result<Option<Seq>, StoreError> {
        let scope = Self::scope(tenant);
        let Some(index) = self.store.blob(&scope, INDEX)? else {
            return Ok(None);
        };
        // A fleet kept in a shape of another version is made again from the messages.
        let Ok(index) = serde_json::from_slice::<Index>(&index) else {
            return Ok(None);
        };
        for name in &index.blobs {
            let kept = self.store.blob(&scope, name)?;
            let Some(snapshot) = kept.and_then(|it| serde_json::from_slice::<Snapshot>(&it).ok()) else {
                continue;
            };
            let mut plans = BTreeMap::new();
            for load in snapshot.loads() {
                plans.insert(load.clone(), self.plan(tenant, load)?);
            }
            self.trips
                .fleet(tenant)
                .restore(snapshot, |load| plans.remove(load).flatten());
        }
        let kept = Kept {
            looked: index.position,
            indexed: Some(index.position),
            ..Kept::default()
        };
        self.trips.kept.insert(tenant.clone(), kept);
        Ok(Some(index.position))
    }

    fn replay_positions(&mut self, from: Seq) -> Result<(), StoreError> {
        let mut after = from;
        loop {
            let page = self.store.records(after, RECOVERY_PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.seq;
            for stored in page {
                self.trips.note(&stored.tenant, &stored.stream, &stored.record.events);
                for event in &stored.record.events {
                    if let Event::PositionsTaken {
                        message, source, from, ..
                    } = event
                    {
                        self.take_again(&stored.tenant, message, source, from.as_ref(), stored.record.at)?;
                    }
                }
            }
            self.trips.replaced.clear();
        }
    }

    fn take_again(
        &mut self,
        tenant: &TenantId,
        message: &MessageId,
        source: &str,
        from: Option<&PartnerId>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let directory = self.directory(tenant)?;
        let (Some(settings), Some(seq)) = (directory.sources.get(source), self.message_seq(tenant, message)?) else {
            return Ok(());
        };
        let Some(bytes) = self.raw(tenant, message, seq)? else {
            return Ok(());
        };
        let context = formats::Context {
            zone: &settings.zone,
            taint: Taint::Partner,
            sender: None,
        };
        for decoding in formats::decode(settings.format, &bytes, &context).decodings {
            if let Some(Attempt::Positions(positions)) = decoding.attempt {
                let _told_before = self.trips.fleet(tenant).take(&positions, from, at);
            }
        }
        Ok(())
    }
}

/// Blob names take no name of a partner's.
pub(crate) fn blob(key: &str) -> String {
    let digest = hex::encode(Sha256::digest(key.as_bytes()));
    format!("vehicles/{}", digest.get(..32).unwrap_or(&digest))
}

fn note(carried: &Carried<'_>, taken: Taken) -> PositionsNote {
    let Taken {
        positions,
        unused,
        vehicles,
        unassigned,
        samples,
        refused,
        refused_in_all,
        ..
    } = taken;
    let none_used = refused_in_all == positions && positions > 0;
    let mut issues: Vec<Issue> = refused.iter().map(|it| issue(it, none_used)).collect();
    if !unassigned.is_empty() {
        let why = format!("no load is known that {} haul", unassigned.join(", "));
        let fix = "The positions are kept. Assign the vehicle to its load if it hauls one.";
        issues.push(Issue::forgiven("position.vehicle_without_load", "", why, fix));
    }
    let views = samples
        .iter()
        .map(|seen| ViewChange {
            view: views::VEHICLES.name.to_owned(),
            key: key(&seen.sample.vehicle),
            row: Some(views::vehicle_row(seen, carried.source, carried.now).into()),
        })
        .collect();
    let event = Event::PositionsTaken {
        message: carried.message.clone(),
        source: carried.source.to_owned(),
        from: carried.from.cloned(),
        positions,
        unused,
        vehicles,
        unassigned,
        samples: samples.into_iter().map(|it| it.sample).collect(),
    };
    PositionsNote { event, views, issues }
}

fn issue(refused: &Refused, none_used: bool) -> Issue {
    let (code, fix) = match refused.why {
        Why::Future { .. } => (
            "position.future",
            "The position was not used. Correct the device's clock or zone.",
        ),
        Why::TooOld => (
            "position.too_old",
            "It was kept and not used: no open trip reaches back so far.",
        ),
        Why::TooLate => (
            "position.too_late",
            "It was kept and not used. Send positions within hours of their time.",
        ),
        Why::NotYours => (
            "position.not_yours",
            "Assign the vehicle to a load of this carrier, or send with a key of your own.",
        ),
    };
    let at = format!("position {}", refused.place + 1);
    let why = format!("vehicle {}: {}", refused.vehicle, refused.why.explain());
    if none_used {
        Issue::fatal(code, at, why, fix)
    } else {
        Issue::warning(code, at, why, fix)
    }
}
