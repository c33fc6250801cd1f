//! The couriers' threads: they perform effects after the commit that ordered them, and report back to the writer.
//!
//! Invariant: the writer never waits for them. It hands over only what there is room for, and what a crash takes from
//! their hands is handed out again under the same effect id.

use super::pump::Message;
use crate::telemetry;
use metrics::{counter, histogram};
use signalbox_runtime::ports::{Courier, CourierError, Payload};
use signalbox_runtime::request::Job;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use tracing::{debug, info, info_span, warn};

/// Deliveries under way at once. A receiver that hangs holds one of them for at most its time limit.
pub const COURIERS: usize = 16;
/// Deliveries handed out and not yet reported.
pub const IN_HAND_MAX: usize = 64;

pub struct Crew {
    jobs: SyncSender<Job>,
    in_hand: Arc<AtomicUsize>,
}

impl Crew {
    /// Starts the threads. They end when the crew is dropped.
    pub fn start(courier: &Arc<dyn Courier>, threads: usize, reports: &SyncSender<Message>) -> std::io::Result<Self> {
        let (jobs, receiver) = sync_channel(IN_HAND_MAX);
        let receiver = Arc::new(Mutex::new(receiver));
        let in_hand = Arc::new(AtomicUsize::new(0));
        for number in 0..threads.max(1) {
            let worker = Worker {
                jobs: Arc::clone(&receiver),
                courier: Arc::clone(courier),
                reports: reports.clone(),
                in_hand: Arc::clone(&in_hand),
            };
            thread::Builder::new()
                .name(format!("courier-{number}"))
                .spawn(move || worker.run())?;
        }
        Ok(Self { jobs, in_hand })
    }

    /// How many more deliveries there is room for.
    pub fn room(&self) -> usize {
        IN_HAND_MAX.saturating_sub(self.in_hand.load(Ordering::Acquire))
    }

    /// Hands one over, or gives it back where there is no room after all.
    pub fn hand(&self, job: Job) -> Result<(), Box<Job>> {
        self.in_hand.fetch_add(1, Ordering::AcqRel);
        self.jobs.try_send(job).map_err(|error| {
            self.in_hand.fetch_sub(1, Ordering::AcqRel);
            match error {
                TrySendError::Full(job) | TrySendError::Disconnected(job) => Box::new(job),
            }
        })
    }
}

struct Worker {
    jobs: Arc<Mutex<Receiver<Job>>>,
    courier: Arc<dyn Courier>,
    reports: SyncSender<Message>,
    in_hand: Arc<AtomicUsize>,
}

impl Worker {
    fn run(self) {
        loop {
            let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else { return };
            // A delivery that is never reported would stay leased until the next start.
            let result = catch_unwind(AssertUnwindSafe(|| self.deliver(&job)))
                .unwrap_or_else(|_| Err(CourierError::Unknown("the courier failed; see the log".to_owned())));
            self.in_hand.fetch_sub(1, Ordering::AcqRel);
            if self
                .reports
                .send(Message::Attempted {
                    job: Box::new(job),
                    result,
                })
                .is_err()
            {
                return;
            }
        }
    }

    fn deliver(&self, job: &Job) -> Result<String, CourierError> {
        let delivery = &job.delivery;
        let span =
            info_span!("deliver", effect.id = %delivery.effect, attempt = delivery.attempt, stream = %job.stream);
        telemetry::follow(&span, delivery.traceparent.as_deref());
        let _entered = span.entered();
        if delivery.unsure > 0 && matches!(delivery.payload, Payload::Mail(_)) {
            counter!("signalbox_mail_repeats_total").increment(1);
        }
        let started = Instant::now();
        let result = self.courier.deliver(delivery);
        histogram!("signalbox_delivery_seconds").record(started.elapsed().as_secs_f64());
        let outcome = match &result {
            Ok(receipt) => {
                info!("delivered {}: {receipt}", delivery.effect);
                "delivered"
            }
            Err(CourierError::Retry(why)) => {
                warn!(
                    "attempt {} of {} failed and will be made again: {why}",
                    delivery.attempt, delivery.effect
                );
                "retry"
            }
            Err(CourierError::Unknown(why)) => {
                warn!(
                    "what came of attempt {} of {} is not known, and it will be made again: {why}",
                    delivery.attempt, delivery.effect
                );
                "unknown"
            }
            Err(CourierError::Busy(why)) => {
                debug!("{} waits: {why}", delivery.effect);
                "busy"
            }
            Err(CourierError::Refused(why)) => {
                warn!("{} was refused: {why}", delivery.effect);
                "refused"
            }
        };
        counter!("signalbox_deliveries_total", "outcome" => outcome).increment(1);
        result
    }
}
