//! The writer thread: takes requests, has the machine decide, appends, and only then answers.
//!
//! Invariant: a reply, a live change or a delivery leaves this file only after `append` has returned for the turn that
//! caused it. On a store that is broken or taken over by another owner the thread ends without answering: nobody is
//! told what might not be true.
//!
//! Group commit is adaptive: while one batch is at the disk (`appender.rs`), the next is judged and further requests
//! queue; the one after takes all of them. With an empty queue nothing waits.

use super::appender::{Appender, Done, Gone};
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
/// Attempts to fold memory again from a store that says it may go through later.
const RECOVERIES_MAX: u32 = 6;
/// After a batch that could not be written.
const ABORT_PAUSE: Duration = Duration::from_millis(100);
/// How long the end waits for a checkpoint that the store does not take.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
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
    /// The appender has something to tell.
    Wake,
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
    appender: Appender,
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
        let appender = Appender::start(store, machine.epoch(), sender.clone())?;
        let crew = Crew::start(&courier, couriers, &sender)?;
        let live = Arc::new(Live::new(positions.head));
        let directories = Arc::new(Directories::default());
        directories.publish(machine.directories());
        let queued = Arc::new(AtomicUsize::new(0));
        let (positions, positions_seen) = watch::channel(positions);
        let (standing, standing_seen) = watch::channel(Standing::Writing);
        let pump = Self {
            machine,
            appender,
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
        let mut stopping: Option<Instant> = None;
        loop {
            if self.gather() && stopping.is_none() {
                stopping = Some(Instant::now());
            }
            for done in self.appender.done().map_err(gone)? {
                self.told(done)?;
            }
            if self.appender.has_room() && !self.machine.idle(self.clock.now()) {
                self.judge()?;
            }
            self.hand_out()?;
            if stopping.is_some() || self.is_checkpoint_due() {
                self.checkpoint()?;
            }
            self.tell_those_at_rest();
            if let Some(since) = stopping
                && self.appender.is_idle()
                && self.machine.idle(self.clock.now())
            {
                // Indexes that stay behind are caught up at the next start.
                if !self.machine.lags() || since.elapsed() > STOP_PATIENCE {
                    return Ok(());
                }
            }
        }
    }

    /// On a clock that stands no lag can be measured: there the indexes follow whenever nothing else is to be done.
    fn is_checkpoint_due(&self) -> bool {
        let now = self.clock.now();
        let is_quiet = self.appender.is_idle() && self.machine.idle(now);
        let catches_up = self.clock.stands() && is_quiet && self.machine.checkpoint_at().is_some();
        catches_up || self.machine.checkpoint_due(now)
    }

    fn tell_those_at_rest(&mut self) {
        if self.resting.is_empty() {
            return;
        }
        let (now, next_due) = (self.clock.now(), self.machine.next_due());
        let Positions { head, indexed } = *self.positions.borrow();
        let is_due = next_due.is_some_and(|due| due <= now);
        if is_due || !self.appender.is_idle() || !self.machine.idle(now) || self.machine.in_hand() > 0 || indexed < head
        {
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
        let must_wait = !self.appender.has_room() || self.machine.idle(self.clock.now());
        let first = if must_wait {
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
                Message::Wake => {}
                Message::Hand(wish) => self.obey(wish),
            }
            taken += 1;
            next = if taken < BATCH_REQUESTS_MAX && self.machine.queued() < QUEUE_MAX {
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

    /// Judges one batch and sends it to the disk.
    fn judge(&mut self) -> Result<(), StoreError> {
        match self.machine.step(self.clock.now(), &mut entropy) {
            Ok(batch) if batch.turns.is_empty() && self.appender.is_idle() => self.committed(batch, 0),
            Ok(batch) => self.appender.append(batch).map_err(gone),
            Err(why) => {
                let why = survivable(why)?;
                self.give_up(Vec::new(), &why)
            }
        }
    }

    /// A job of the appender has ended.
    fn told(&mut self, done: Done) -> Result<(), StoreError> {
        match done {
            Done::Batch {
                batch,
                result: Ok(first),
                took,
            } => {
                if !batch.turns.is_empty() {
                    histogram!("signalbox_commit_seconds").record(took.as_secs_f64());
                    count(&batch.turns);
                }
                self.committed(*batch, first)
            }
            Done::Batch {
                batch,
                result: Err(why),
                ..
            } => {
                let why = survivable(why.unwrap_or_else(|| StoreError::Retry("a batch before it failed".to_owned())))?;
                self.give_up(vec![*batch], &why)
            }
            Done::Checkpoint {
                checkpoint,
                result,
                took,
            } => {
                self.machine.checkpointed(*checkpoint, result.is_ok());
                self.checkpointed(result, took)
            }
        }
    }

    fn committed(&mut self, batch: Batch, first: u64) -> Result<(), StoreError> {
        let released = self.machine.committed(batch, first, self.clock.now());
        self.positions.send_if_modified(|it| {
            let moved = it.head != released.head;
            it.head = released.head;
            moved
        });
        gauge!("signalbox_effects_pending").set(self.machine.unsettled() as f64);
        self.release(released);
        Ok(())
    }

    /// Nothing of these batches was written, nor of those judged after them. The machine folds its memory again from
    /// the log.
    fn give_up(&mut self, mut batches: Vec<Batch>, why: &StoreError) -> Result<(), StoreError> {
        error!("nothing was written: {why}");
        counter!("signalbox_commits_failed_total").increment(1);
        while !self.appender.is_idle() {
            match self.appender.wait(SLEEP_MAX).map_err(gone)? {
                // Judged after the batch that failed, so it was not tried.
                Some(Done::Batch {
                    batch,
                    result: Err(cause),
                    ..
                }) => {
                    cause.map(survivable).transpose()?;
                    batches.push(*batch);
                }
                Some(done) => self.told(done)?,
                None => {}
            }
        }
        let refused = self.machine.aborted(batches, why);
        self.release(refused);
        for attempt in 1.. {
            thread::sleep(ABORT_PAUSE);
            match self.machine.recover(self.clock.now()) {
                Ok(()) => break,
                Err(StoreError::Retry(why)) if attempt < RECOVERIES_MAX => warn!("the log cannot be read: {why}"),
                Err(why) => return Err(why),
            }
        }
        self.appender.go_on().map_err(gone)
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

    /// Sends what the indexes do not know yet to the store, behind the batches under way.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        match self.machine.begin_checkpoint(self.clock.now()) {
            Ok(Some(checkpoint)) => self.appender.checkpoint(checkpoint).map_err(gone),
            Ok(None) => Ok(()),
            Err(why) => survivable(why).map(|why| warn!("the indexes fall behind: {why}")),
        }
    }

    fn checkpointed(&mut self, result: Result<Positions, StoreError>, took: Duration) -> Result<(), StoreError> {
        match result {
            Ok(positions) => {
                histogram!("signalbox_checkpoint_seconds").record(took.as_secs_f64());
                // The head is told when its batch is: the store may be ahead of that.
                self.positions.send_modify(|it| it.indexed = positions.indexed);
                let head = self.positions.borrow().head;
                gauge!("signalbox_index_lag").set(head.saturating_sub(positions.indexed) as f64);
            }
            Err(why) => warn!("the indexes fall behind: {}", survivable(why)?),
        }
        Ok(())
    }
}

/// An appender that ended took what it held with it: nobody can say what was written.
fn gone(_: Gone) -> StoreError {
    StoreError::Broken("the appender has ended; see the message above".to_owned())
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
