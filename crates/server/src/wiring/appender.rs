//! The appender's thread: takes judged batches and checkpoints to the store, in the order they were judged, so that the
//! writer can judge the next batch while this one is at the disk.
//!
//! Invariant: after a batch that could not be written, nothing is written until the writer has folded its memory
//! again and says so; what was judged on top of it comes back unwritten.

use super::pump::Message;
use signalbox_runtime::checkpoint::Checkpoint;
use signalbox_runtime::machine::Batch;
use signalbox_runtime::ports::{Epoch, Positions, Store, StoreError};
use signalbox_runtime::record::Turn;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use tracing::warn;

/// Batches judged and not durable. One is at the disk while the next are judged; those that wait go together.
pub const BATCHES_MAX: usize = 8;
/// Batches, one checkpoint and the word to go on.
const JOBS_MAX: usize = BATCHES_MAX + 2;
/// Attempts at one append or checkpoint that the store says may go through later.
const ATTEMPTS_MAX: u32 = 6;
const WAIT_FIRST: Duration = Duration::from_millis(20);

enum Job {
    Batch(Box<Batch>),
    Checkpoint(Box<Checkpoint>),
    /// The writer has folded its memory again.
    GoOn,
}

/// What came of one job, in the order of the jobs.
pub enum Done {
    Batch {
        batch: Box<Batch>,
        /// Seq of its first turn; `None` if it was not tried because one before it failed.
        result: Result<u64, Option<StoreError>>,
        took: Duration,
    },
    Checkpoint {
        checkpoint: Box<Checkpoint>,
        result: Result<Positions, StoreError>,
        took: Duration,
    },
}

/// The writer's end.
pub struct Appender {
    jobs: SyncSender<Job>,
    done: Receiver<Done>,
    batches: usize,
    checkpoints: usize,
}

/// The thread ended: by a panic, whose message is in the log.
pub struct Gone;

impl Appender {
    pub fn start(store: Arc<dyn Store>, epoch: Epoch, writer: SyncSender<Message>) -> std::io::Result<Self> {
        let (jobs, taken) = sync_channel(JOBS_MAX);
        let (told, done) = channel();
        thread::Builder::new().name("appender".to_owned()).spawn(move || {
            let mut failed = false;
            while let Ok(job) = taken.recv() {
                let mut next = Some(job);
                while let Some(job) = next.take() {
                    let done = match job {
                        Job::GoOn => {
                            failed = false;
                            continue;
                        }
                        Job::Batch(first) => {
                            let batches = waiting(*first, &taken, &mut next);
                            append(store.as_ref(), epoch, batches, &mut failed)
                        }
                        Job::Checkpoint(checkpoint) => vec![write(store.as_ref(), *checkpoint, failed)],
                    };
                    if done.into_iter().any(|it| told.send(it).is_err()) {
                        return;
                    }
                    // A full inbox wakes the writer too.
                    let _ = writer.try_send(Message::Wake);
                }
            }
        })?;
        Ok(Self {
            jobs,
            done,
            batches: 0,
            checkpoints: 0,
        })
    }

    /// Whether another batch may be judged now.
    pub fn has_room(&self) -> bool {
        self.batches < BATCHES_MAX
    }

    pub fn is_idle(&self) -> bool {
        self.batches == 0 && self.checkpoints == 0
    }

    pub fn append(&mut self, batch: Batch) -> Result<(), Gone> {
        self.batches += 1;
        self.jobs.send(Job::Batch(Box::new(batch))).map_err(|_| Gone)
    }

    pub fn checkpoint(&mut self, checkpoint: Checkpoint) -> Result<(), Gone> {
        self.checkpoints += 1;
        self.jobs.send(Job::Checkpoint(Box::new(checkpoint))).map_err(|_| Gone)
    }

    pub fn go_on(&mut self) -> Result<(), Gone> {
        self.jobs.send(Job::GoOn).map_err(|_| Gone)
    }

    /// What has been done meanwhile.
    pub fn done(&mut self) -> Result<VecDeque<Done>, Gone> {
        let mut all = VecDeque::new();
        loop {
            match self.done.try_recv() {
                Ok(done) => all.push_back(self.count(done)),
                Err(TryRecvError::Empty) => return Ok(all),
                Err(TryRecvError::Disconnected) if all.is_empty() => return Err(Gone),
                Err(TryRecvError::Disconnected) => return Ok(all),
            }
        }
    }

    /// Waits for the next job's end; `None` if that takes longer than `patience`.
    pub fn wait(&mut self, patience: Duration) -> Result<Option<Done>, Gone> {
        match self.done.recv_timeout(patience) {
            Ok(done) => Ok(Some(self.count(done))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Gone),
        }
    }

    fn count(&mut self, done: Done) -> Done {
        match done {
            Done::Batch { .. } => self.batches -= 1,
            Done::Checkpoint { .. } => self.checkpoints -= 1,
        }
        done
    }
}

/// The batch and those that queue behind it, up to the first job of another kind, which is then the `next`.
fn waiting(first: Batch, jobs: &Receiver<Job>, next: &mut Option<Job>) -> Vec<Batch> {
    let mut batches = vec![first];
    while batches.len() < BATCHES_MAX {
        match jobs.try_recv() {
            Ok(Job::Batch(batch)) => batches.push(*batch),
            Ok(other) => {
                *next = Some(other);
                break;
            }
            Err(_) => break,
        }
    }
    batches
}

/// One transaction and one sync for all of them. Batches of answers alone wait for those that they rest on.
fn append(store: &dyn Store, epoch: Epoch, mut batches: Vec<Batch>, failed: &mut bool) -> Vec<Done> {
    let started = Instant::now();
    let lengths: Vec<usize> = batches.iter().map(|it| it.turns.len()).collect();
    let mut turns: Vec<Turn> = Vec::with_capacity(lengths.iter().sum());
    batches.iter_mut().for_each(|it| turns.append(&mut it.turns));
    let mut result = match (*failed, turns.is_empty()) {
        (true, _) => Err(None),
        (false, true) => Ok(0),
        (false, false) => retried(|| store.append(epoch, &turns)).map_err(Some),
    };
    *failed |= result.is_err();
    let mut turns = turns.into_iter();
    let mut done = Vec::with_capacity(batches.len());
    for (mut batch, length) in batches.into_iter().zip(lengths) {
        batch.turns = turns.by_ref().take(length).collect();
        let its = match &mut result {
            Ok(first) => {
                let its = *first;
                *first += length as u64;
                Ok(its)
            }
            // The reason is told once, with the first of them.
            Err(why) => Err(why.take()),
        };
        done.push(Done::Batch {
            batch: Box::new(batch),
            result: its,
            took: started.elapsed(),
        });
    }
    done
}

fn write(store: &dyn Store, mut checkpoint: Checkpoint, failed: bool) -> Done {
    let started = Instant::now();
    let result = if failed {
        Err(StoreError::Retry("a batch before it was not written".to_owned()))
    } else {
        checkpoint.write(store).and_then(|()| store.positions())
    };
    Done::Checkpoint {
        checkpoint: Box::new(checkpoint),
        result,
        took: started.elapsed(),
    }
}

fn retried(mut call: impl FnMut() -> Result<u64, StoreError>) -> Result<u64, StoreError> {
    let mut wait = WAIT_FIRST;
    for _ in 1..ATTEMPTS_MAX {
        match call() {
            Err(StoreError::Retry(why)) => warn!("the store asks for patience: {why}"),
            other => return other,
        }
        thread::sleep(wait);
        wait *= 2;
    }
    call()
}
