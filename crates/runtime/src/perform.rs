//! Step 8: effects leave. Leased in memory by their one owner, at least once, always under the effect's id; the
//! receipt comes back by the front door.

use crate::follow_up;
use crate::machine::{Machine, Work};
use crate::ports::{CourierError, Delivery, DeliveryOutcome, Mail, Payload, PendingEffect, StoreError};
use crate::request::{Job, Request};
use crate::retry;
use jiff::{SignedDuration, Timestamp};
use signalbox_engine::directory::Directory;
use signalbox_engine::state::LoadState;
use signalbox_engine::step::Input;
use signalbox_formats::json::{OfferMade, OfferWithdrawn, offer_webhook_body, withdraw_webhook_body};
use signalbox_formats::x12;
use signalbox_model::automation::OnTheWire;
use signalbox_model::directory::{Channel, Partner, PartnerRole};
use signalbox_model::effect::{Order, Receipt};
use signalbox_model::id::{EffectId, NoticeId, OfferId, PartnerId, TenantId};
use signalbox_model::notice::{NoticeState, Wording};
use signalbox_model::personal::Personal;
use signalbox_model::tender::OfferState;
use std::collections::{BTreeMap, BTreeSet};

/// Pages of pending effects read while recovering.
const PAGE: usize = 1_000;

/// How long a delivery waits that a courier had no room for.
const BUSY_WAIT: SignedDuration = SignedDuration::from_secs(1);

/// Why an offer is not delivered after all.
const MOOT: &str = "the offer no longer stands";

/// Invariant: effects that are due at the same instant leave in the order they were ordered.
#[derive(Default)]
pub struct Outbox {
    pending: BTreeMap<EffectId, Entry>,
    due: BTreeSet<(Timestamp, Place, EffectId)>,
    /// How many have been added: the next one's place in the line.
    added: Place,
}

type Place = u64;

struct Entry {
    effect: PendingEffect,
    attempts: u32,
    /// Attempts whose outcome nobody knows.
    unsure: u32,
    place: Place,
    /// When it may be tried; `None` while it is leased or parked.
    at: Option<Timestamp>,
    /// Automation observes or is stopped, and it waits for that to end.
    is_parked: bool,
}

impl Outbox {
    /// One that was ordered just now: nothing was tried yet.
    pub fn add(&mut self, effect: PendingEffect, at: Timestamp) {
        self.insert(effect, at, 0);
    }

    /// One that an owner before this one may have tried: whether it did, and with what success, died with it.
    pub fn add_again(&mut self, effect: PendingEffect, at: Timestamp) {
        self.insert(effect, at, 1);
    }

    fn insert(&mut self, effect: PendingEffect, at: Timestamp, unsure: u32) {
        let id = effect.effect.id.clone();
        let place = self.added;
        self.added += 1;
        self.due.insert((at, place, id.clone()));
        self.pending.insert(
            id,
            Entry {
                effect,
                attempts: 0,
                unsure,
                place,
                at: Some(at),
                is_parked: false,
            },
        );
    }

    pub fn settle(&mut self, id: &EffectId) {
        if let Some(Entry {
            at: Some(at), place, ..
        }) = self.pending.remove(id)
        {
            self.due.remove(&(at, place, id.clone()));
        }
    }

    /// Leased, and what came of it not known yet.
    fn leased(&self) -> usize {
        self.pending.values().filter(|it| it.is_leased()).count()
    }

    /// Deliveries of a tenant that are with a courier.
    pub fn on_the_wire(&self, tenant: &TenantId) -> Vec<OnTheWire> {
        let leased = self.pending.values().map(|it| (it, &it.effect));
        let leased = leased.filter(|(it, of)| it.is_leased() && of.tenant == *tenant && !of.effect.order.is_internal());
        let named = leased.map(|(_, of)| OnTheWire {
            effect: of.effect.id.clone(),
            name: of.effect.order.name().to_owned(),
            load: of.effect.order.load().cloned(),
        });
        named.collect()
    }

    /// Ends a lease under which nothing was tried, until it is unparked.
    fn park(&mut self, id: &EffectId) {
        if let Some(entry) = self.pending.get_mut(id) {
            entry.attempts = entry.attempts.saturating_sub(1);
            entry.is_parked = true;
        }
    }

    pub fn unpark(&mut self, id: &EffectId, now: Timestamp) {
        if let Some(entry) = self.pending.get_mut(id).filter(|it| it.is_parked) {
            entry.is_parked = false;
            entry.at = Some(now);
            self.due.insert((now, entry.place, id.clone()));
        }
    }

    /// A tenant's automation was switched: what waits for it, or for another attempt, is looked at again. A delivery that
    /// its load keeps is parked once more.
    pub fn recheck(&mut self, tenant: &TenantId, now: Timestamp) {
        for (id, entry) in self.pending.iter_mut().filter(|(_, it)| it.effect.tenant == *tenant) {
            let waits = entry.is_parked;
            if let Some(at) = entry.at {
                self.due.remove(&(at, entry.place, id.clone()));
            }
            if waits || entry.at.is_some() {
                entry.is_parked = false;
                entry.at = Some(now);
                self.due.insert((now, entry.place, id.clone()));
            }
        }
    }

    /// What an effect that is not settled orders.
    pub fn order(&self, id: &EffectId) -> Option<&Order> {
        self.pending.get(id).map(|it| &it.effect.effect.order)
    }

    pub fn contains(&self, id: &EffectId) -> bool {
        self.pending.contains_key(id)
    }

    pub fn len(&self) -> usize {
        self.pending.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, ..)| *at)
    }

    /// Leases the next due effect.
    fn lease(&mut self, now: Timestamp) -> Option<(PendingEffect, u32, u32)> {
        while self.due.first().is_some_and(|(at, ..)| *at <= now) {
            let (at, _, id) = self.due.pop_first()?;
            // A place in the line that its effect has left since is passed over.
            let Some(entry) = self.pending.get_mut(&id).filter(|it| it.at == Some(at)) else {
                continue;
            };
            entry.at = None;
            entry.attempts += 1;
            return Some((entry.effect.clone(), entry.attempts, entry.unsure));
        }
        None
    }

    /// Ends a lease under which nothing was tried. One that is not leased stays as it is: the job was handed out before
    /// its owner recovered.
    fn give_back(&mut self, id: &EffectId, now: Timestamp) {
        if let Some(entry) = self.pending.get_mut(id).filter(|it| it.is_leased()) {
            entry.attempts = entry.attempts.saturating_sub(1);
            self.retry(id, now);
        }
    }

    fn retry(&mut self, id: &EffectId, at: Timestamp) {
        if let Some(entry) = self.pending.get_mut(id) {
            entry.at = Some(at);
            self.due.insert((at, entry.place, id.clone()));
        }
    }
}

impl Entry {
    /// With a courier, and what came of it not known yet.
    fn is_leased(&self) -> bool {
        self.at.is_none() && !self.is_parked
    }
}

impl Machine {
    /// Whether automation observes or is stopped for this effect, and no person has let it go; or its load still keeps it,
    /// to go on with it once it has a new deadline.
    fn is_held_back(&mut self, pending: &PendingEffect) -> Result<bool, StoreError> {
        let (tenant, stream, effect) = (&pending.tenant, &pending.stream, &pending.effect);
        let hold = self.directory(tenant)?.automation.over(effect.playbook.as_deref());
        if !stream.is_load() || effect.order.is_internal() || !hold.lets_out(effect, true) {
            return Ok(!hold.lets_out(effect, false));
        }
        let state = self.take_load(tenant, stream)?;
        let released = state.effects.get(&effect.id).is_some_and(|it| it.released);
        let is_kept = hold.is_free() && state.holds_delivery(&effect.id);
        self.streams.put(tenant, stream, state, self.committed);
        Ok(is_kept || !hold.lets_out(effect, released))
    }

    /// A delivery may not leave: its load keeps it for a person, unless that has changed meanwhile.
    pub(crate) fn withhold(&mut self, pending: &PendingEffect, now: Timestamp) -> Result<(), StoreError> {
        let effect = &pending.effect.id;
        let cause = format!("{effect}/withheld/{}", self.next_seq);
        let input = Input::Withheld(effect.clone());
        self.inner(&pending.tenant, &pending.stream, input, &cause, None, now)?;
        let state = self.take_load(&pending.tenant, &pending.stream)?;
        let is_kept = state.holds_delivery(effect);
        self.streams
            .put(&pending.tenant, &pending.stream, state, self.next_seq - 1);
        if !is_kept {
            self.outbox.unpark(effect, now);
        }
        Ok(())
    }

    /// Automation may act again: the load goes on with what it held.
    pub(crate) fn resume(&mut self, pending: &PendingEffect, now: Timestamp) -> Result<(), StoreError> {
        let effect = &pending.effect.id;
        let cause = format!("{effect}/resume/{}", self.next_seq);
        let input = Input::Resume(effect.clone());
        self.inner(&pending.tenant, &pending.stream, input, &cause, None, now)?;
        // Stopped once more before its turn came: it waits on.
        self.outbox.retry(effect, now);
        Ok(())
    }

    /// Effects ordered and not settled, from the indexes and the records past them: both inner and outer ones.
    pub(crate) fn load_effects(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut all: BTreeMap<(u64, EffectId), PendingEffect> = BTreeMap::new();
        let mut last: Option<(u64, EffectId)> = None;
        loop {
            let after = last.as_ref().map(|(seq, id)| (*seq, id));
            let page = self.store.effects_pending(after, PAGE)?;
            let Some(end) = page.last() else { break };
            last = Some((end.seq, end.effect.id.clone()));
            all.extend(page.into_iter().map(|it| ((it.seq, it.effect.id.clone()), it)));
        }
        let newer = self.overlay.effects();
        all.retain(|_, it| !newer.contains_key(&(it.tenant.clone(), it.effect.id.clone())));
        all.extend(
            newer
                .values()
                .flatten()
                .map(|it| ((it.seq, it.effect.id.clone()), (*it).clone())),
        );
        for pending in all.into_values() {
            if pending.effect.order.is_immediate() {
                self.queue.push_back(Work::Internal(pending));
            } else if self.is_untried(&pending)? {
                self.outbox.add(pending, now);
            } else {
                self.outbox.add_again(pending, now);
            }
        }
        Ok(())
    }

    /// Whether no owner before this one can have tried it: what holds it back has done so since before it was ordered.
    fn is_untried(&mut self, pending: &PendingEffect) -> Result<bool, StoreError> {
        let (tenant, stream, effect) = (&pending.tenant, &pending.stream, &pending.effect);
        let directory = self.directory(tenant)?;
        if !stream.is_load()
            || directory
                .automation
                .over(effect.playbook.as_deref())
                .lets_out(effect, false)
        {
            return Ok(false);
        }
        let state = self.take_load(tenant, stream)?;
        let known = state.effects.get(&effect.id);
        let is_untried = known.is_some_and(|it| directory.automation.has_held(effect, it.released, it.ordered_at));
        self.streams.put(tenant, stream, state, self.committed);
        Ok(is_untried)
    }

    /// Deliveries handed out by `jobs`, of which `attempted` has not been told.
    pub fn in_hand(&self) -> usize {
        self.outbox.leased()
    }

    /// Deliveries that are due, leased until their outcome is known.
    pub fn jobs(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Job>, StoreError> {
        let mut jobs = Vec::new();
        let mut early = Vec::new();
        while jobs.len() < limit {
            let Some((pending, attempt, unsure)) = self.outbox.lease(now) else {
                break;
            };
            // What goes out is rendered from durable turns only.
            let is_switching = self
                .switched
                .get(&pending.tenant)
                .is_some_and(|it| *it > self.committed);
            if is_switching || self.streams.is_ahead(&pending.tenant, &pending.stream, self.committed) {
                early.push(pending.effect.id);
                continue;
            }
            let is_held_back = match self.is_held_back(&pending) {
                Ok(it) => it,
                Err(why) => {
                    early.push(pending.effect.id);
                    early.iter().for_each(|id| self.outbox.give_back(id, now));
                    return if jobs.is_empty() { Err(why) } else { Ok(jobs) };
                }
            };
            if is_held_back {
                self.outbox.park(&pending.effect.id);
                if !pending.effect.order.is_internal() && pending.stream.is_load() {
                    self.queue.push_back(Work::Withheld(pending));
                }
                continue;
            }
            if pending.effect.order.is_internal() {
                self.queue.push_back(Work::Internal(pending));
                continue;
            }
            let payload = match self.payload(&pending, now) {
                Ok(payload) => payload,
                Err(why) => {
                    early.push(pending.effect.id);
                    early.iter().for_each(|id| self.outbox.give_back(id, now));
                    return if jobs.is_empty() { Err(why) } else { Ok(jobs) };
                }
            };
            match payload {
                Ok(payload) => jobs.push(Job {
                    stream: pending.stream,
                    delivery: Delivery {
                        tenant: pending.tenant,
                        effect: pending.effect.id,
                        attempt,
                        unsure,
                        payload,
                        traceparent: pending.traceparent,
                    },
                }),
                Err(reason) => self.receipt(&pending, Receipt::Refused { reason }),
            }
        }
        early.iter().for_each(|id| self.outbox.give_back(id, now));
        Ok(jobs)
    }

    /// What came of one attempt: settled, or tried again after a wait, or given up.
    pub fn attempted(&mut self, job: &Job, result: Result<String, CourierError>, now: Timestamp) {
        let id = &job.delivery.effect;
        let Some(pending) = self.outbox.pending.get(id).map(|it| it.effect.clone()) else {
            return;
        };
        if let (Err(CourierError::Unknown(_)), Some(entry)) = (&result, self.outbox.pending.get_mut(id)) {
            entry.unsure += 1;
        }
        // Of the entry and not of the job: an owner that has recovered meanwhile may have handed it out a second time.
        let unsure = self.outbox.pending.get(id).map_or(0, |it| it.unsure);
        match result {
            Ok(receipt) => {
                // Only mail: a file of the same name and a webhook of the same id arrive once however often they are sent.
                let perhaps_twice = unsure > 0 && matches!(job.delivery.payload, Payload::Mail(_));
                self.receipt(&pending, Receipt::Delivered { receipt, perhaps_twice });
            }
            Err(CourierError::Refused(reason)) => self.receipt(&pending, Receipt::Refused { reason }),
            Err(CourierError::Busy(_)) => {
                let soon = now.saturating_add(BUSY_WAIT).unwrap_or(Timestamp::MAX);
                self.outbox.give_back(id, soon);
            }
            Err(CourierError::Retry(reason) | CourierError::Unknown(reason)) => {
                let schedule = match job.delivery.payload {
                    Payload::File { .. } => retry::FOLDER,
                    Payload::Webhook { .. } => retry::WEBHOOK,
                    Payload::Mail(_) => retry::MAIL,
                    Payload::Question(_) => retry::ADVISOR,
                };
                let attempts = job.delivery.attempt;
                match schedule.next_attempt(id, attempts, now) {
                    Some(at) => self.outbox.retry(id, at),
                    None => self.receipt(&pending, Receipt::GaveUp { reason, attempts }),
                }
            }
        }
    }

    fn receipt(&mut self, pending: &PendingEffect, receipt: Receipt) {
        let (tenant, stream) = (pending.tenant.clone(), pending.stream.clone());
        let outcome = DeliveryOutcome {
            tenant,
            stream,
            effect: pending.effect.id.clone(),
            receipt,
        };
        self.submit(0, Request::Outcome(outcome));
    }

    /// What goes over the wire, rendered from the records now. `Err` says why it never can.
    fn payload(&mut self, pending: &PendingEffect, now: Timestamp) -> Result<Result<Payload, String>, StoreError> {
        let tenant = &pending.tenant;
        let directory = self.directory(tenant)?;
        match &pending.effect.order {
            Order::SendOffer { offer, carrier, .. } => self.offer(pending, &directory, carrier, offer, true, now),
            Order::WithdrawOffer { offer, carrier, .. } => self.offer(pending, &directory, carrier, offer, false, now),
            Order::SendNotice { notice, to, .. } => {
                let state = self.take_load(tenant, &pending.stream)?;
                let letter = self.letter(pending, &directory, notice, to, &state);
                self.streams.put(tenant, &pending.stream, state, self.committed);
                Ok(letter.map(|it| Payload::Mail(Box::new(it))))
            }
            Order::AskAdvisor { message, .. } => {
                let state = self.take_load(tenant, &pending.stream)?;
                let question = self.question(tenant, message, &state);
                self.streams.put(tenant, &pending.stream, state, self.committed);
                Ok(question)
            }
            Order::SendAcknowledgement { to, x12, .. } => {
                let folder = match directory.called(to).map(|it| &it.role) {
                    Some(PartnerRole::Carrier {
                        channel: Channel::X12Folder { folder, .. },
                        ..
                    }) => folder.clone(),
                    _ => plain(to), // A customer, or somebody not known here, has a folder by its own id.
                };
                Ok(Ok(file(&folder, "997", &pending.effect.id, x12.clone().into_bytes())))
            }
            Order::RequestDocument { .. } | Order::TellSystem { .. } => {
                let state = self.take_load(tenant, &pending.stream)?;
                let rendered = follow_up::render(pending, &directory, &state, now);
                self.streams.put(tenant, &pending.stream, state, self.committed);
                Ok(rendered)
            }
            Order::NormalizeMessage { .. }
            | Order::ContinueWorkflow { .. }
            | Order::ResumeHeld { .. }
            | Order::AskCapacity { .. }
            | Order::AnswerCapacity { .. }
            | Order::ReclaimCapacity { .. } => Ok(Err("performed inside".to_owned())),
        }
    }

    fn offer(
        &mut self,
        pending: &PendingEffect,
        directory: &Directory,
        carrier: &PartnerId,
        offer: &OfferId,
        made: bool,
        now: Timestamp,
    ) -> Result<Result<Payload, String>, StoreError> {
        let state = self.take_load(&pending.tenant, &pending.stream)?;
        let rendered = self.render(pending, directory, carrier, offer, made, now, &state);
        self.streams
            .put(&pending.tenant, &pending.stream, state, self.committed);
        Ok(rendered)
    }

    fn render(
        &self,
        pending: &PendingEffect,
        directory: &Directory,
        carrier: &PartnerId,
        offer: &OfferId,
        made: bool,
        now: Timestamp,
        state: &LoadState,
    ) -> Result<Payload, String> {
        let partner = directory
            .partners
            .get(carrier)
            .ok_or("the carrier is not under Partners any more")?;
        let offer = state.offer(offer).ok_or("the offer is not on the load")?;
        let load = state.load.as_ref().ok_or("the load is not there")?;
        if made && offer.state != OfferState::Open {
            return Err(MOOT.to_owned());
        }
        let PartnerRole::Carrier { channel, .. } = &partner.role else {
            return Err(not_a_carrier(partner));
        };
        let shipment = state.shipment.as_ref();
        match channel {
            Channel::X12Folder {
                folder,
                interchange_id,
                interchange_qualifier,
            } => {
                let sender = x12::Address {
                    qualifier: "ZZ".to_owned(),
                    id: directory.settings.interchange_id.clone(),
                };
                let receiver = x12::Address {
                    qualifier: interchange_qualifier.clone(),
                    id: interchange_id.clone(),
                };
                let control_number = (pending.seq % 999_999_999) as u32 + 1;
                let envelope = x12::Envelope {
                    sender: &sender,
                    receiver: &receiver,
                    control_number,
                    now,
                    test: false,
                };
                let open = |personal: &Personal| self.opened(&pending.tenant, personal);
                let notes = state.order.as_ref().map(|it| it.notes.as_slice()).unwrap_or_default();
                let purpose = if made {
                    x12::Purpose::Offer
                } else {
                    x12::Purpose::Withdraw
                };
                let tender = x12::Tender {
                    purpose,
                    load,
                    shipment,
                    offer,
                    notes,
                    open: &open,
                };
                let text = x12::tender(&envelope, &tender).map_err(|error| error.to_string())?;
                Ok(file(folder, "204", &pending.effect.id, text.into_bytes()))
            }
            Channel::Webhook { url, secret } => {
                let (id, source) = (pending.effect.id.as_str(), "/signalbox");
                let answer_url = format!("/api/v1/offers/{}/answer", offer.id);
                let body = if made {
                    offer_webhook_body(&OfferMade {
                        id,
                        source,
                        now,
                        load,
                        shipment,
                        offer,
                        answer_url: &answer_url,
                    })
                } else {
                    let (reference, reason) = (load.reference.as_str(), "the offer no longer stands");
                    withdraw_webhook_body(&OfferWithdrawn {
                        id,
                        source,
                        now,
                        reference,
                        offer,
                        reason,
                    })
                };
                Ok(Payload::Webhook {
                    url: url.clone(),
                    secret: secret.clone(),
                    body: body.to_string().into_bytes(),
                })
            }
        }
    }

    /// A notice as it leaves: to the address that the directory has now.
    fn letter(
        &self,
        pending: &PendingEffect,
        directory: &Directory,
        notice: &NoticeId,
        to: &PartnerId,
        state: &LoadState,
    ) -> Result<Mail, String> {
        let partner = directory.partners.get(to);
        let partner = partner.ok_or("the partner is not under Partners any more")?;
        let notice = state.notice(notice).ok_or("the notice is not on the load")?;
        if notice.state != NoticeState::Released {
            return Err("the notice no longer stands".to_owned());
        }
        let address = partner.notify_email.as_ref();
        let address = address.ok_or_else(|| format!("{} has no e-mail address for notices any more", partner.name))?;
        let opened = |personal: &Personal| self.opened(&pending.tenant, personal);
        let to = opened(address).ok_or_else(|| format!("the address of {} was erased", partner.name))?;
        let words = |wording: &Wording| match wording {
            Wording::Drafted(text) => Some(text.clone()),
            Wording::Written(personal) => opened(personal),
        };
        let erased = "what the notice said was erased";
        let released = state.effects.get(&pending.effect.id);
        Ok(Mail {
            from_name: directory.name.clone(),
            reply_to: directory.settings.notice_reply_to.clone(),
            to,
            subject: words(&notice.subject).ok_or(erased)?,
            body: words(&notice.body).ok_or(erased)?,
            at: released.ok_or("the load knows nothing of this notice")?.ordered_at,
        })
    }

    /// A personal value in clear, for the partner who needs it; nothing where it was erased.
    pub(crate) fn opened(&self, tenant: &TenantId, personal: &Personal) -> Option<String> {
        let sealed = personal.sealed()?;
        let key = self.sealed_with(tenant, &sealed.subject).ok()?;
        self.vault.tenant(tenant).ok()?.open(sealed, key.as_ref()).ok()
    }
}

fn not_a_carrier(partner: &Partner) -> String {
    format!("{} is not a carrier any more", partner.name)
}

fn file(folder: &str, set: &str, effect: &EffectId, body: Vec<u8>) -> Payload {
    Payload::File {
        folder: folder.to_owned(),
        name: format!("{set}-{effect}.edi"),
        body,
    }
}

/// An outside id as a folder name.
fn plain(name: &str) -> String {
    name.chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_model::effect::Effect;
    use signalbox_model::id::{LoadId, MessageId, StreamId};

    fn effect(id: &str) -> PendingEffect {
        let order = Order::SendAcknowledgement {
            message: MessageId::from("msg_1"),
            to: "ACME".to_owned(),
            x12: String::new(),
        };
        PendingEffect {
            tenant: TenantId::from("ten_a"),
            stream: StreamId::load(&LoadId::from("load_1")),
            effect: Effect::new(EffectId::from(id), order),
            seq: 1,
            traceparent: None,
        }
    }

    #[test]
    fn what_is_due_at_once_leaves_in_the_order_it_was_ordered() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut outbox = Outbox::default();
        for id in ["eff_c", "eff_a", "eff_b"] {
            outbox.add(effect(id), at(1));
        }
        outbox.settle(&EffectId::from("eff_a"));
        let lease = |outbox: &mut Outbox, second| outbox.lease(at(second)).map(|it| it.0.effect.id.0);
        assert_eq!(lease(&mut outbox, 1).as_deref(), Some("eff_c"));
        outbox.add(effect("eff_0"), at(1));
        outbox.retry(&EffectId::from("eff_c"), at(2));
        assert_eq!(lease(&mut outbox, 1).as_deref(), Some("eff_b"));
        assert_eq!(lease(&mut outbox, 1).as_deref(), Some("eff_0"));
        assert_eq!((lease(&mut outbox, 1), outbox.leased()), (None, 2));
        assert_eq!(lease(&mut outbox, 2).as_deref(), Some("eff_c"));
    }

    #[test]
    fn a_job_from_before_a_recovery_that_found_no_room_changes_nothing() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let id = EffectId::from("eff_a");
        let attempts = |outbox: &mut Outbox, second| outbox.lease(at(second)).map(|it| it.1);
        let mut outbox = Outbox::default();
        outbox.add_again(effect("eff_a"), at(1));
        outbox.give_back(&id, at(5));
        assert_eq!((outbox.next_due(), outbox.leased()), (Some(at(1)), 0));
        assert_eq!(attempts(&mut outbox, 1), Some(1));
        // Of a job of its own it counts: that attempt was none.
        outbox.give_back(&id, at(2));
        assert_eq!(attempts(&mut outbox, 2), Some(1));
        outbox.park(&id);
        outbox.give_back(&id, at(3));
        assert_eq!((outbox.next_due(), attempts(&mut outbox, 9)), (None, None));
    }
}
