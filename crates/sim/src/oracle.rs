//! What must hold whatever happens. The oracle reads the log and what the outside world saw, and trusts nothing that
//! the machine says of itself.

use crate::coverage::Coverage;
use crate::messages::Told;
use crate::setup::{customer_at, partner_id};
use crate::trucks::Trucks;
use jiff::Timestamp;
use signalbox_engine::readiness;
use signalbox_engine::state::LoadState;
use signalbox_engine::{kpi, views};
use signalbox_model::automation::AutomationMode;
use signalbox_model::effect::{Order, Receipt};
use signalbox_model::event::Event;
use signalbox_model::exception::ExceptionKind;
use signalbox_model::id::{EffectId, OfferId, StreamId, TenantId, TimerId};
use signalbox_model::notice::{Notice, NoticeState};
use signalbox_model::scope::{ActorKind, TenantScope};
use signalbox_model::tender::OfferState;
use signalbox_model::timer::TimerChange;
use signalbox_model::view::{PAGE_ROWS_MAX, ViewQuery, ViewRow};
use signalbox_runtime::audit::export::{Export, each_entry};
use signalbox_runtime::audit::note::VerifierKey;
use signalbox_runtime::audit::verify::verify;
use signalbox_runtime::audit::{checkpoint, sequencer};
use signalbox_runtime::ports::{Mail, Store};
use signalbox_runtime::record::Stored;
use std::collections::{BTreeMap, BTreeSet};

type Rows = BTreeMap<(TenantId, String, String), ViewRow>;

/// An effect as it was ordered, and what came of it.
#[derive(Clone, Debug)]
struct Ordered {
    order: Order,
    playbook: Option<String>,
    /// A person ordered it, or has let it go.
    by_person: bool,
    delivered: bool,
    refused: bool,
}

#[derive(Default)]
pub struct Oracle {
    /// The tenant's real cap, minor units.
    pub rate_cap: i64,
    pub loads: BTreeMap<StreamId, LoadState>,
    pub coverage: Coverage,
    /// FNV-1a over every record's bytes.
    pub hash: u64,
    pub events: u64,
    pub read: u64,
    timers: BTreeMap<(StreamId, TimerId), Timestamp>,
    effects: BTreeMap<EffectId, Ordered>,
    messages: BTreeSet<String>,
    marks: BTreeSet<String>,
    leaves: BTreeMap<TenantId, Vec<String>>,
    rows: Rows,
    /// By offer and whether it was made or taken back: under which ids it reached the carrier.
    reached: BTreeMap<(OfferId, bool), BTreeSet<String>>,
    reached_effects: BTreeSet<EffectId>,
    /// How often each load became ready to be invoiced.
    became_ready: BTreeMap<StreamId, u64>,
    /// Under which ids each effect left.
    left_as: BTreeMap<EffectId, BTreeSet<String>>,
    /// How far automation may act, by playbook; none: all of it.
    pub modes: BTreeMap<Option<String>, AutomationMode>,
    /// What the newest switches named as already with a courier.
    on_the_wire: BTreeSet<EffectId>,
    /// How often each letter arrived.
    letters: BTreeMap<EffectId, u32>,
    trucks: Trucks,
}

impl Oracle {
    pub fn new(rate_cap: i64) -> Self {
        Self {
            rate_cap,
            hash: 0xcbf2_9ce4_8422_2325,
            ..Self::default()
        }
    }

    /// A record is durable. `now` is the true time at which it was judged.
    pub fn record(&mut self, stored: &Stored, now: Timestamp) -> Result<(), String> {
        self.read = stored.seq;
        let record = &stored.record;
        let bytes = serde_json::to_vec(record).map_err(|it| it.to_string())?;
        for byte in stored.stream.0.bytes().chain(bytes) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.events += record.events.len() as u64;
        if let Some(mark) = &record.mark
            && !self.marks.insert(mark.key.clone())
        {
            return Err(format!("{} was received twice", mark.key));
        }
        self.leaves
            .entry(stored.tenant.clone())
            .or_default()
            .extend(record.leaves.iter().cloned());
        for change in &record.timers {
            match change {
                TimerChange::Set { id, due } => drop(self.timers.insert((stored.stream.clone(), id.clone()), *due)),
                TimerChange::Cancel { id } => drop(self.timers.remove(&(stored.stream.clone(), id.clone()))),
            }
        }
        for effect in &record.effects {
            let ordered = Ordered {
                order: effect.order.clone(),
                playbook: effect.playbook.clone(),
                by_person: effect.by_hand,
                delivered: false,
                refused: false,
            };
            if self.effects.insert(effect.id.clone(), ordered).is_some() {
                return Err(format!("effect {} was ordered twice", effect.id));
            }
        }
        for change in &record.views {
            let key = (stored.tenant.clone(), change.view.clone(), change.key.clone());
            match &change.row {
                Some(row) => drop(self.rows.insert(key, (**row).clone())),
                None => drop(self.rows.remove(&key)),
            }
        }
        for event in &record.events {
            self.event(stored, event, now)?;
        }
        if stored.stream.is_load() {
            self.open_offers_have_timers(&stored.stream)
        } else if stored.stream == StreamId::capacity() {
            self.trucks.holds_have_timers(&self.timers)
        } else {
            Ok(())
        }
    }

    fn event(&mut self, stored: &Stored, event: &Event, now: Timestamp) -> Result<(), String> {
        match event {
            Event::MessageReceived(it) => drop(self.messages.insert(it.dedupe_key.clone())),
            Event::EffectSettled { effect, receipt, .. } => {
                let known = self
                    .effects
                    .get_mut(effect)
                    .ok_or_else(|| format!("{effect} settled but never ordered"))?;
                match receipt {
                    Receipt::Delivered { perhaps_twice, .. } => {
                        known.delivered = true;
                        if self.letters.get(effect).is_some_and(|it| *it > 1) && !perhaps_twice {
                            return Err(format!(
                                "{effect} arrived more than once, and its receipt does not say so"
                            ));
                        }
                    }
                    Receipt::Refused { .. } | Receipt::GaveUp { .. } => known.refused = true,
                }
                if known.delivered && known.refused {
                    return Err(format!("{effect} settled in two ways"));
                }
                self.coverage.undeliverable += u64::from(known.refused);
                if known.delivered && !self.reached_effects.contains(effect) {
                    return Err(format!("{effect} is settled as delivered and nobody has it"));
                }
            }
            Event::InvoiceReadinessChanged { ready: true, .. } => {
                *self.became_ready.entry(stored.stream.clone()).or_default() += 1;
            }
            Event::AutomationModeChanged { set, on_the_wire } => {
                self.coverage.switches += 1;
                self.modes.insert(set.scope.playbook.clone(), set.mode);
                self.on_the_wire.extend(on_the_wire.iter().map(|it| it.effect.clone()));
            }
            Event::HeldActionSettled {
                released: Some(effect), ..
            } => {
                if let Some(it) = self.effects.get_mut(effect) {
                    it.by_person = true;
                }
            }
            _ => {} // The rest is judged with its load.
        }
        if !stored.stream.is_load() {
            self.coverage.count(event);
            let why = self.trucks.event(event, &self.loads);
            return why.map_err(|why| format!("{why} (record {})", stored.seq));
        }
        self.trucks.load_event(&stored.stream, event)?;
        let state = self.loads.entry(stored.stream.clone()).or_default();
        let why = check_event(state, event, self.rate_cap, now);
        self.coverage.count(event);
        state.apply(event, stored.record.at);
        why.map_or(Ok(()), |why| {
            Err(format!("{}: {why} (record {})", stored.stream, stored.seq))
        })
    }

    fn open_offers_have_timers(&self, stream: &StreamId) -> Result<(), String> {
        let Some(state) = self.loads.get(stream) else {
            return Ok(());
        };
        let mut ticking = state
            .offers
            .iter()
            .filter(|it| matches!(it.state, OfferState::Open | OfferState::Conditional));
        let timer = |id: &OfferId| (stream.clone(), TimerId(format!("tmr_offer/{id}")));
        let waits = |id: &OfferId| state.holds_timer(&timer(id).1);
        match ticking.find(|it| self.timers.get(&timer(&it.id)) != Some(&it.respond_by) && !waits(&it.id)) {
            Some(offer) => Err(format!(
                "{stream}: the open offer {} has no timer at its deadline",
                offer.id
            )),
            None => Ok(()),
        }
    }

    /// A carrier has something in hand, under this id.
    pub fn reached(&mut self, effect: &EffectId, id_seen: &str, told: Option<&Told>) -> Result<(), String> {
        if !self.reached_effects.insert(effect.clone()) {
            self.coverage.delivered_again += 1;
        }
        let known = self
            .effects
            .get(effect)
            .ok_or_else(|| format!("{effect} left before its commit"))?;
        let ids = self.left_as.entry(effect.clone()).or_default();
        ids.insert(id_seen.to_owned());
        if ids.len() > 1 {
            return Err(format!("{effect} reached its receiver under {} ids", ids.len()));
        }
        self.may_leave(effect, known)?;
        let Some(told) = told else { return Ok(()) };
        let (Order::SendOffer { offer, .. } | Order::WithdrawOffer { offer, .. }) = &known.order else {
            return Err(format!(
                "{effect} carries an offer and was ordered as {}",
                known.order.name()
            ));
        };
        if *offer != told.offer {
            return Err(format!(
                "{effect} is about {offer}, and the carrier reads {}",
                told.offer
            ));
        }
        let ids = self.reached.entry((told.offer.clone(), told.made)).or_default();
        ids.insert(id_seen.to_owned());
        if ids.len() > 1 {
            return Err(format!("{} reached its carrier under {} ids", told.offer, ids.len()));
        }
        Ok(())
    }

    /// Nothing leaves that automation holds back, but for what was on the wire when it was switched.
    fn may_leave(&self, effect: &EffectId, known: &Ordered) -> Result<(), String> {
        let holds = self.holds(known).filter(|_| !self.on_the_wire.contains(effect));
        holds.map_or(Ok(()), |mode| {
            let name = known.order.name();
            Err(format!("{name} {effect} left while automation was {}", mode.word()))
        })
    }

    /// The mode under which this may not leave.
    fn holds(&self, effect: &Ordered) -> Option<AutomationMode> {
        if matches!(effect.order, Order::SendAcknowledgement { .. }) {
            return None;
        }
        let modes = [None, effect.playbook.clone()];
        let mut modes = modes.iter().filter_map(|it| self.modes.get(it).copied());
        modes.find(|it| match it {
            AutomationMode::Automatic => false,
            AutomationMode::Observe => true,
            AutomationMode::Stopped => !effect.by_person,
        })
    }

    /// A delivery that nobody has and that may not leave now: for a mutant.
    pub fn held_back(&self) -> Option<EffectId> {
        let open = self
            .effects
            .iter()
            .filter(|(id, it)| !it.refused && !self.reached_effects.contains(*id));
        let mut held = open.filter(|(_, it)| !it.order.is_internal() && self.holds(it).is_some());
        held.next().map(|(id, _)| id.clone())
    }

    /// A customer has a letter in hand. Answers how many copies of it.
    pub fn mailed(&mut self, effect: &EffectId, mail: &Mail) -> Result<u32, String> {
        let known = self.effects.get(effect);
        let known = known.ok_or_else(|| format!("{effect} left before its commit"))?;
        self.may_leave(effect, known)?;
        let order = known.order.clone();
        let Order::SendNotice { load, notice, to } = order else {
            return Err(format!("{effect} is a letter and was ordered as {}", order.name()));
        };
        let state = self.loads.get(&StreamId::load(&load));
        let released = state.and_then(|it| it.notice(&notice));
        let released = released.filter(|it| it.state == NoticeState::Released);
        let released = released.ok_or_else(|| format!("{notice} left and was not let go"))?;
        if partner_id(customer_at(&mail.to)) != to {
            return Err(format!("{notice} for {to} went elsewhere"));
        }
        if released.subject.drafted().is_some_and(|it| it != mail.subject) {
            return Err(format!("{notice} says other words than were let go"));
        }
        let copies = self.letters.entry(effect.clone()).or_default();
        *copies += 1;
        let copies = *copies;
        self.coverage.mailed_again += u64::from(copies > 1);
        Ok(copies)
    }

    /// After a crash: what was acknowledged is there.
    pub fn acknowledged<'a>(&self, mut keys: impl Iterator<Item = &'a String>, head: u64) -> Result<(), String> {
        if head < self.read {
            return Err(format!(
                "the log ends at {head} after a crash, and had been read up to {}",
                self.read
            ));
        }
        match keys.find(|it| !self.marks.contains(*it)) {
            Some(lost) => Err(format!("{lost} was acknowledged and is lost")),
            None => Ok(()),
        }
    }

    /// In the end, when nothing has gone wrong for long enough.
    pub fn at_rest(&self) -> Result<(), String> {
        for (stream, state) in &self.loads {
            let person = state.exceptions.values().any(|it| {
                let gives_up = matches!(
                    it.exception.kind,
                    ExceptionKind::TenderExhausted | ExceptionKind::AutomationStopped | ExceptionKind::TakenOver
                );
                it.resolved.is_none() || gives_up
            });
            let waits = state.open_offers().next().is_some() || state.open_approvals().next().is_some();
            if let Some(held) = state.held.first() {
                return Err(format!("{stream} still holds: {}", held.title));
            }
            if state.load.is_some() && state.covered.is_none() && state.cancelled.is_none() && !waits && !person {
                return Err(format!("{stream} is silent: {}", state.status()));
            }
        }
        self.trucks.at_rest(&self.loads)?;
        for (stream, state) in &self.loads {
            self.invoice_at_rest(stream, state)?;
        }
        for (id, effect) in self.effects.iter().filter(|(_, it)| !it.order.is_internal()) {
            if !effect.refused && !self.reached_effects.contains(id) {
                return Err(format!("{} {id} never reached anybody", effect.order.name()));
            }
            if !effect.refused && !effect.delivered {
                return Err(format!("{} {id} was never settled", effect.order.name()));
            }
        }
        let is_waited_for = |(stream, timer): &&(StreamId, TimerId)| {
            let readiness = self.loads.get(stream).and_then(|it| it.documents.readiness.as_ref());
            timer.0.starts_with("tmr_wf/") && readiness.is_some_and(|it| !it.ready)
        };
        match self.timers.keys().find(|it| !is_waited_for(it)) {
            Some((stream, timer)) => Err(format!("{timer} of {stream} never fired")),
            None => Ok(()),
        }
    }

    /// A delivered load never falls silent: it is ready and its system was told under one order a time, or a timer or a
    /// person sees to what it lacks.
    fn invoice_at_rest(&self, stream: &StreamId, state: &LoadState) -> Result<(), String> {
        if state.covered.is_none() || state.cancelled.is_some() {
            return Ok(());
        }
        let Some(known) = &state.documents.readiness else {
            return if readiness::is_delivered(state) {
                Err(format!("{stream} was delivered, and nobody waits for its proof"))
            } else {
                Ok(())
            };
        };
        if known.missing != readiness::missing(state) {
            return Err(format!(
                "{stream} says that it lacks {:?}, which is not so",
                known.missing
            ));
        }
        let is_of_load = |order: &Order| matches!(order, Order::TellSystem { load, ready: true, .. } if load.as_str() == stream.as_str());
        let told = self.effects.values().filter(|it| is_of_load(&it.order)).count() as u64;
        let became_ready = self.became_ready.get(stream).copied().unwrap_or(0);
        if told != became_ready {
            return Err(format!(
                "{stream} became ready {became_ready} times, and its system was told {told} times"
            ));
        }
        let ticking = self
            .timers
            .keys()
            .any(|(of, timer)| of == stream && timer.0.starts_with("tmr_wf/"));
        let seen_to = state.exceptions.values().any(|it| {
            matches!(
                it.exception.kind,
                ExceptionKind::DocumentInQuestion
                    | ExceptionKind::DeliveryDiscrepancy
                    | ExceptionKind::ProofMissing
                    | ExceptionKind::AutomationStopped
            )
        });
        if known.ready || ticking || seen_to {
            Ok(())
        } else {
            Err(format!("{stream} lacks {:?}, and nobody sees to it", known.missing))
        }
    }

    /// The views in the store are the views made from the log alone.
    pub fn views(&self, store: &dyn Store, tenants: &[TenantId]) -> Result<(), String> {
        let query = ViewQuery {
            limit: PAGE_ROWS_MAX,
            ..ViewQuery::default()
        };
        for tenant in tenants {
            let scope = TenantScope::system(tenant.clone());
            for view in views::ALL {
                let page = store.view_page(&scope, view, &query).map_err(|it| it.to_string())?;
                let of_view = |key: &&(TenantId, String, String)| key.0 == *tenant && key.1 == view.name;
                let rebuilt: Vec<_> = self.rows.keys().filter(of_view).collect();
                if page.rows.len() != rebuilt.len() {
                    let (has, wanted) = (page.rows.len(), rebuilt.len());
                    return Err(format!("view {} has {has} rows, and the log makes {wanted}", view.name));
                }
                for (key, row) in &page.rows {
                    if self.rows.get(&(tenant.clone(), view.name.to_owned(), key.clone())) != Some(row) {
                        return Err(format!("row {key} of view {} is not what the log makes", view.name));
                    }
                }
            }
        }
        self.kpis()
    }

    /// What is counted of a load, kept turn by turn, is what its events make from the start.
    fn kpis(&self) -> Result<(), String> {
        for state in self.loads.values() {
            let Some(load) = &state.load else { continue };
            let kept = self
                .rows
                .iter()
                .find(|((_, view, key), _)| view == kpi::LOADS.name && *key == load.id.0);
            if kept.map(|(_, row)| row) != Some(&kpi::load_row(state, load)) {
                return Err(format!("what is counted of {} is not what its events make", load.id));
            }
        }
        Ok(())
    }

    /// The audit log verifies under its own key, and holds the log's leaves in the log's order.
    pub fn audit(&self, store: &dyn Store, tenant: &TenantId, key: &VerifierKey) -> Result<(), String> {
        let scope = TenantScope::system(tenant.clone());
        let read = |name: &str| store.blob(&scope, name).ok().flatten();
        let note = read(sequencer::CHECKPOINT_BLOB).and_then(|it| String::from_utf8(it).ok());
        let note = note.ok_or_else(|| format!("{tenant} has no audit checkpoint"))?;
        let head = checkpoint::open(&note, std::slice::from_ref(key))
            .map_err(|it| it.to_string())?
            .head;
        let leaves = self.leaves.get(tenant).map(Vec::as_slice).unwrap_or_default();
        if head.size != leaves.len() as u64 {
            return Err(format!(
                "the audit log of {tenant} has {} entries, the log {}",
                head.size,
                leaves.len()
            ));
        }
        let header = Export::header(tenant.as_str(), key, &note, None);
        let mut export = header.first_line().map_err(|it| it.to_string())?.into_bytes();
        let mut same = true;
        let mut place = 0;
        let whole = each_entry(head.size, &mut |name| read(name), &mut |entry| {
            same = same && leaves.get(place).is_some_and(|it| it.as_bytes() == entry);
            place += 1;
            export.extend_from_slice(entry);
            export.push(b'\n');
        });
        if !whole || !same {
            return Err(format!("the audit entries of {tenant} are not the log's leaves"));
        }
        let report = verify(&export, std::slice::from_ref(key), &[]);
        if report.passed() {
            Ok(())
        } else {
            Err(format!("the audit log of {tenant}: {:?}", report.problems))
        }
    }
}

/// What an event may not do to a load in this state.
fn check_event(state: &LoadState, event: &Event, rate_cap: i64, now: Timestamp) -> Option<String> {
    match event {
        Event::LoadCovered { carrier, .. } if state.covered.is_some() => {
            Some(format!("{carrier} covers it a second time"))
        }
        Event::HeldActionSettled { held, .. } if !state.held.iter().any(|it| it.id == *held) => {
            Some(format!("{held} was settled, and nothing of that name is held"))
        }
        Event::OfferAccepted { offer, .. } => {
            let known = state.offer(offer);
            match known.map(|it| (it.state, it.respond_by)) {
                Some((OfferState::Open, respond_by)) if now > respond_by => Some(format!(
                    "{offer} was accepted at {now}, and its time ran out at {respond_by}"
                )),
                Some((OfferState::Open | OfferState::Conditional, _)) if state.covered.is_none() => None,
                other => Some(format!("{offer} was accepted while {other:?}")),
            }
        }
        Event::OfferMade {
            offer,
            rate,
            approved_by,
            ..
        } => {
            let by_person = approved_by.as_ref().is_some_and(|it| it.kind == ActorKind::Person);
            if state.covered.is_some() || state.cancelled.is_some() {
                return Some(format!("{offer} was made for a load that needs none"));
            }
            let others = state.offers.iter().filter(|it| it.id != *offer);
            if others
                .into_iter()
                .any(|it| matches!(it.state, OfferState::Open | OfferState::Conditional))
            {
                return Some(format!("{offer} was made while another stands"));
            }
            (rate.minor > rate_cap && !by_person).then(|| format!("{offer} at {rate} left without approval"))
        }
        Event::NoticeReleased {
            notice, approved_by, ..
        } => {
            let by_person = approved_by.as_ref().is_some_and(|it| it.kind == ActorKind::Person);
            let waits = state.notice(notice).map(|it| it.state) == Some(NoticeState::AwaitingApproval);
            (!by_person || !waits).then(|| format!("{notice} was let go without approval"))
        }
        Event::NoticeProposed { notice } => {
            let same = |it: &&Notice| it.about == notice.about && it.to == notice.to && it.state.is_open();
            let open = state.notices.iter().find(same);
            open.filter(|it| it.state == NoticeState::AwaitingApproval)
                .map(|it| format!("{} was proposed while {} waits", notice.id, it.id))
        }
        Event::LoadCancelled { .. } if state.covered.is_some() => Some("a covered load was cancelled".to_owned()),
        _ => None, // No other event can break a promise by itself.
    }
}
