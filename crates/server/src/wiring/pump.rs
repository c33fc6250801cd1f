//! The writer thread: takes requests, has the machine decide, appends, and only then answers.
//!
//! Invariant: a reply, a live change or a delivery leaves this file only after `append` has returned for the turn that
//! caused it. On a store that is broken or taken over by another owner the thread ends without answering: nobody is
//! told what might not be true.
//!
//! Group commit is adaptive: while one append is at the disk, requests queue; the next one takes all of them. With an
//! empty queue nothing waits.

use super::clock::ServerClock;
use super::couriers::Crew;
use super::directories::Directories;
use super::hand::{AtRest, HOLD_MAX, Wish};
use super::live::Live;
use anyhow::Context as _;
use metrics::{counter, gauge, histogram};
use signalbox_runtime::machine::{Batch, Machine, Released};
use signalbox_runtime::ports::{Clock, Courier, CourierError, Positions, Store, StoreError};
use signalbox_runtime::record::Turn;
use signalbox_runtime::request::{Job, Reply, Request, Ticket};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tracing::{error, info, warn};

/// Requests waiting for the writer. More are turned away with 503.
pub const QUEUE_MAX: usize = 8_192;
/// Requests taken up for one commit.
const BATCH_REQUESTS_MAX: usize = 2_048;
/// Attempts at one append or checkpoint that the store says may go through later.
const STORE_ATTEMPTS_MAX: u32 = 6;
const STORE_WAIT_FIRST: Duration = Duration::from_millis(20);
/// After a batch that could not be written.
const ABORT_PAUSE: Duration = Duration::from_millis(100);
/// Longest sleep, so that checkpoints and leases are looked after.
const SLEEP_MAX: Duration = Duration::from_millis(100);
const SLEEP_MIN: Duration = Duration::from_millis(1);

pub(super) enum Message {
    Ask {
        request: Box<Request>,
        reply: oneshot::Sender<Reply>,
    },
    Attempted {
        job: Box<Job>,
        result: Result<String, CourierError>,
    },
    Hand(Wish),
    Stop,
}

/// How the writer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Writing,
    /// Asked to end, and ended in order.
    Stopped,
    /// Ended because going on would have been wrong, and why.
    Dead(String),
}

/// The way to the writer. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    sender: SyncSender<Message>,
    queued: Arc<AtomicUsize>,
    standing: watch::Receiver<Standing>,
    positions: watch::Receiver<Positions>,
}

/// Why a request was not taken, or not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The queue is full. Nothing was written.
    Full,
    /// The writer has ended. Nothing was written.
    Stopped,
    /// The writer could not say what came of it. The same request under the same key finds out.
    Unknown,
}

impl Handle {
    pub async fn ask(&self, request: Request) -> Result<Reply, Overflow> {
        self.send(request)?.await.map_err(|_| Overflow::Unknown)
    }

    /// The same for a thread of its own. Never call it where futures run.
    pub fn ask_blocking(&self, request: Request) -> Result<Reply, Overflow> {
        self.send(request)?.blocking_recv().map_err(|_| Overflow::Unknown)
    }

    fn send(&self, request: Request) -> Result<oneshot::Receiver<Reply>, Overflow> {
        let (reply, answered) = oneshot::channel();
        let message = Message::Ask {
            request: Box::new(request),
            reply,
        };
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.tell(message).inspect_err(|_| {
            self.queued.fetch_sub(1, Ordering::Relaxed);
        })?;
        Ok(answered)
    }

    pub(super) fn tell(&self, message: Message) -> Result<(), Overflow> {
        self.sender.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => Overflow::Full,
            TrySendError::Disconnected(_) => Overflow::Stopped,
        })
    }

    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// The log's head and how far the indexes are, as the writer last said.
    pub fn positions(&self) -> watch::Receiver<Positions> {
        self.positions.clone()
    }

    /// Asks the writer to finish what is queued and end.
    pub fn stop(&self) {
        // Disconnected means that it has ended already.
        let _ = self.sender.send(Message::Stop);
    }
}

pub(super) struct Started {
    pub handle: Handle,
    pub thread: JoinHandle<()>,
    pub live: Arc<Live>,
    pub directories: Arc<Directories>,
}

pub(super) struct Pump {
    machine: Machine,
    store: Arc<dyn Store>,
    clock: Arc<ServerClock>,
    inbox: Receiver<Message>,
    queued: Arc<AtomicUsize>,
    waiting: HashMap<Ticket, (oneshot::Sender<Reply>, Instant)>,
    next_ticket: Ticket,
    crew: Crew,
    live: Arc<Live>,
    directories: Arc<Directories>,
    positions: watch::Sender<Positions>,
    /// Who waits until there is nothing left to do.
    resting: Vec<oneshot::Sender<AtRest>>,
}

impl Pump {
    pub(super) fn start(
        mut machine: Machine,
        store: Arc<dyn Store>,
        clock: Arc<ServerClock>,
        courier: Arc<dyn Courier>,
        couriers: usize,
    ) -> anyhow::Result<Started> {
        // Whoever reads a view right after the start finds everything in it.
        machine
            .checkpoint(clock.now())
            .context("cannot bring the indexes up to date")?;
        let positions = store.positions()?;
        let (sender, inbox) = sync_channel(QUEUE_MAX);
        let crew = Crew::start(&courier, couriers, &sender)?;
        let live = Arc::new(Live::new(positions.head));
        let directories = Arc::new(Directories::default());
        directories.publish(machine.directories());
        let queued = Arc::new(AtomicUsize::new(0));
        let (positions, positions_seen) = watch::channel(positions);
        let (standing, standing_seen) = watch::channel(Standing::Writing);
        let pump = Self {
            machine,
            store,
            clock,
            inbox,
            queued: Arc::clone(&queued),
            waiting: HashMap::new(),
            next_ticket: 0,
            crew,
            live: Arc::clone(&live),
            directories: Arc::clone(&directories),
            positions,
            resting: Vec::new(),
        };
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || watch_over(pump, &standing))?;
        let handle = Handle {
            sender,
            queued,
            standing: standing_seen,
            positions: positions_seen,
        };
        Ok(Started {
            handle,
            thread,
            live,
            directories,
        })
    }

    fn run(&mut self) -> Result<(), StoreError> {
        loop {
            let stopping = self.gather();
            self.turn()?;
            self.hand_out()?;
            if stopping || self.is_checkpoint_due() {
                self.checkpoint()?;
            }
            self.tell_those_at_rest();
            if stopping && self.machine.idle(self.clock.now()) {
                return Ok(());
            }
        }
    }

    /// On a clock that stands no lag can be measured: there the indexes follow whenever nothing else is to be done.
    fn is_checkpoint_due(&self) -> bool {
        let now = self.clock.now();
        let catches_up = self.clock.stands() && self.machine.idle(now) && self.machine.checkpoint_at().is_some();
        catches_up || self.machine.checkpoint_due(now)
    }

    fn tell_those_at_rest(&mut self) {
        if self.resting.is_empty() {
            return;
        }
        let (now, next_due) = (self.clock.now(), self.machine.next_due());
        let Positions { head, indexed } = *self.positions.borrow();
        let is_due = next_due.is_some_and(|due| due <= now);
        if is_due || !self.machine.idle(now) || self.machine.in_hand() > 0 || indexed < head {
            return;
        }
        for resting in self.resting.drain(..) {
            // Whoever no longer listens does not need it.
            let _ = resting.send(AtRest { head, next_due });
        }
    }

    fn obey(&mut self, wish: Wish) {
        match wish {
            Wish::Look => {}
            Wish::Hold(until) => {
                // Nothing is ever sent: it ends once the other side is dropped, or by its limit.
                let _ = until.recv_timeout(HOLD_MAX);
            }
            Wish::Rest(resting) => self.resting.push(resting),
        }
    }

    /// Waits for work if there is none, then takes what has queued. True once asked to stop.
    fn gather(&mut self) -> bool {
        let is_idle = self.machine.idle(self.clock.now());
        let first = if is_idle {
            self.inbox.recv_timeout(self.patience())
        } else {
            no_wait(&self.inbox)
        };
        let mut next = match first {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return true,
        };
        let mut taken = 0;
        while let Some(message) = next {
            match message {
                Message::Stop => return true,
                Message::Ask { request, reply } => self.take(*request, reply),
                Message::Attempted { job, result } => self.machine.attempted(&job, result, self.clock.now()),
                Message::Hand(wish) => self.obey(wish),
            }
            taken += 1;
            next = if taken < BATCH_REQUESTS_MAX {
                self.inbox.try_recv().ok()
            } else {
                None
            };
        }
        gauge!("signalbox_queue_depth").set(self.queued.load(Ordering::Relaxed) as f64);
        false
    }

    /// Deliveries that are due, as many as the couriers have room for.
    fn hand_out(&mut self) -> Result<(), StoreError> {
        let room = self.crew.room();
        if room == 0 {
            return Ok(());
        }
        let now = self.clock.now();
        match self.machine.jobs(now, room) {
            Ok(jobs) => {
                for job in jobs {
                    if let Err(job) = self.crew.hand(job) {
                        let why = CourierError::Retry("the couriers have stopped".to_owned());
                        self.machine.attempted(&job, Err(why), now);
                    }
                }
                Ok(())
            }
            Err(why) => survivable(why).map(|why| warn!("deliveries wait: {why}")),
        }
    }

    fn take(&mut self, request: Request, reply: oneshot::Sender<Reply>) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
        self.next_ticket += 1;
        self.waiting.insert(self.next_ticket, (reply, Instant::now()));
        self.machine.submit(self.next_ticket, request);
    }

    fn patience(&self) -> Duration {
        let due = [self.machine.next_due(), self.machine.checkpoint_at()]
            .into_iter()
            .flatten()
            .min();
        due.map_or(SLEEP_MAX, |due| self.clock.wait_until(due))
            .clamp(SLEEP_MIN, SLEEP_MAX)
    }

    /// Decides, appends, answers.
    fn turn(&mut self) -> Result<(), StoreError> {
        let batch = match self.machine.step(self.clock.now(), &mut entropy) {
            Ok(batch) => batch,
            Err(why) => {
                let why = survivable(why)?;
                // Which requests it had got to is not known here, so nobody is told that nothing was written.
                self.waiting.clear();
                return self.give_up(Batch::default(), &why);
            }
        };
        if batch.turns.is_empty() {
            let head = self.positions.borrow().head;
            let released = self.machine.committed(batch, head + 1, self.clock.now());
            self.release(released);
            return Ok(());
        }
        let started = Instant::now();
        let epoch = self.machine.epoch();
        match retried(|| self.store.append(epoch, &batch.turns)) {
            Ok(first) => {
                histogram!("signalbox_commit_seconds").record(started.elapsed().as_secs_f64());
                count(&batch.turns);
                let released = self.machine.committed(batch, first, self.clock.now());
                self.positions.send_modify(|it| it.head = released.head);
                gauge!("signalbox_effects_pending").set(self.machine.unsettled() as f64);
                self.release(released);
                Ok(())
            }
            Err(why) => {
                let why = survivable(why)?;
                self.give_up(batch, &why)
            }
        }
    }

    /// Nothing was written. The machine folds its memory again from the log.
    fn give_up(&mut self, batch: Batch, why: &StoreError) -> Result<(), StoreError> {
        error!("nothing was written: {why}");
        counter!("signalbox_commits_failed_total").increment(1);
        thread::sleep(ABORT_PAUSE);
        let mut released = self.machine.aborted(batch, why, self.clock.now());
        for _ in 1..STORE_ATTEMPTS_MAX {
            match released {
                // The answers are gone with the first attempt; whoever waits is told that the outcome is not known.
                Err(StoreError::Retry(_)) => {
                    self.waiting.clear();
                    thread::sleep(ABORT_PAUSE);
                    released = self.machine.aborted(Batch::default(), why, self.clock.now());
                }
                other => {
                    released = other;
                    break;
                }
            }
        }
        self.release(released?);
        Ok(())
    }

    /// Directories first, so that whoever is answered finds the key it was given; then followers, then answers.
    fn release(&mut self, released: Released) {
        self.directories.publish(released.directories);
        let head = self.positions.borrow().head;
        if !released.changes.is_empty() || self.live.head() != head {
            self.live.publish(released.changes, head);
        }
        for (ticket, reply) in released.replies {
            let Some((waiting, since)) = self.waiting.remove(&ticket) else {
                continue;
            };
            histogram!("signalbox_answer_seconds").record(since.elapsed().as_secs_f64());
            // Whoever has gone meanwhile asks again under the same key.
            let _ = waiting.send(reply);
        }
    }

    fn checkpoint(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let started = Instant::now();
        match self.machine.checkpoint(now).and_then(|()| self.store.positions()) {
            Ok(positions) => {
                histogram!("signalbox_checkpoint_seconds").record(started.elapsed().as_secs_f64());
                gauge!("signalbox_index_lag").set(positions.head.saturating_sub(positions.indexed) as f64);
                self.positions.send_replace(positions);
                Ok(())
            }
            Err(why) => {
                warn!("the indexes fall behind: {}", survivable(why)?);
                thread::sleep(ABORT_PAUSE);
                Ok(())
            }
        }
    }
}

/// Runs the pump and says how it ended, also where it ended by a panic.
fn watch_over(mut pump: Pump, standing: &watch::Sender<Standing>) {
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pump.run()));
    let last = match ended {
        Ok(Ok(())) => Standing::Stopped,
        Ok(Err(why)) => Standing::Dead(why.to_string()),
        Err(_) => Standing::Dead("an invariant of the writer does not hold; see the message above".to_owned()),
    };
    match &last {
        Standing::Dead(why) => error!("the writer has stopped, nothing more is acknowledged: {why}"),
        Standing::Writing | Standing::Stopped => info!("the writer has ended in order"),
    }
    standing.send_replace(last);
}

fn no_wait(inbox: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
    inbox.try_recv().map_err(|error| match error {
        TryRecvError::Empty => RecvTimeoutError::Timeout,
        TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
    })
}

fn retried<T>(mut call: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut wait = STORE_WAIT_FIRST;
    for _ in 1..STORE_ATTEMPTS_MAX {
        match call() {
            Err(StoreError::Retry(why)) => warn!("the store asks for patience: {why}"),
            other => return other,
        }
        thread::sleep(wait);
        wait *= 2;
    }
    call()
}

/// A process without random bytes must not make keys: the vault refuses the zeros left here.
fn entropy(bytes: &mut [u8]) {
    if aws_lc_rs::rand::fill(bytes).is_err() {
        bytes.fill(0);
    }
}

/// An error after which the writer may go on; one after which it must not comes back as `Err`.
fn survivable(why: StoreError) -> Result<StoreError, StoreError> {
    match why {
        StoreError::Broken(_) | StoreError::Fenced { .. } => Err(why),
        StoreError::Retry(_) | StoreError::Full(_) | StoreError::Refused(_) => Ok(why),
    }
}

fn count(turns: &[Turn]) {
    counter!("signalbox_commits_total").increment(1);
    counter!("signalbox_records_total").increment(turns.len() as u64);
    histogram!("signalbox_batch_turns").record(turns.len() as f64);
    for effect in turns
        .iter()
        .flat_map(|it| &it.record.effects)
        .filter(|it| !it.order.is_internal())
    {
        counter!("signalbox_effects_ordered_total", "effect" => effect.order.name()).increment(1);
    }
}
