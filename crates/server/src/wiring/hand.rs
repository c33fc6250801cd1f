//! What a test and the demo may do to a running server and nobody else can: move its clock, let requests gather before
//! any of them is taken up, and wait until there is nothing left to do.
//!
//! Invariant: only an installation whose clock is driven by hand gives out a `Hand`; of the commands `demo` alone starts one.

use super::clock::ServerClock;
use super::pump::{Handle, Message, Overflow};
use jiff::{SignedDuration, Timestamp};
use signalbox_model::id::Seq;
use signalbox_runtime::ports::Clock as _;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// Longest wait for rest: a server that is busy for longer has gone astray.
const REST_MAX: Duration = Duration::from_secs(60);
/// Longest the writer is held.
pub(super) const HOLD_MAX: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Hand {
    clock: Arc<ServerClock>,
    pump: Handle,
}

/// Nothing is queued, nothing is due, no delivery is under way, and the indexes hold every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRest {
    /// The newest record.
    pub head: Seq,
    /// When there will be something to do, if nothing comes in before.
    pub next_due: Option<Timestamp>,
}

/// Keeps the writer from taking up requests until it is dropped, at most `HOLD_MAX`. They queue meanwhile.
pub struct Held(#[expect(dead_code, reason = "dropping it is its use")] SyncSender<Infallible>);

/// What the writer is asked to do.
pub(super) enum Wish {
    /// The clock was moved: look again what is due.
    Look,
    Hold(Receiver<Infallible>),
    Rest(oneshot::Sender<AtRest>),
}

impl Hand {
    /// None where the clock runs by itself.
    pub(super) fn of(clock: &Arc<ServerClock>, pump: &Handle) -> Option<Self> {
        clock.stands().then(|| Self {
            clock: Arc::clone(clock),
            pump: pump.clone(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock and wakes the writer. What is due in between falls due all at once: `pass` lets time go by.
    pub fn set(&self, to: Timestamp) -> Result<(), Overflow> {
        self.clock.set(to);
        self.pump.tell(Message::Hand(Wish::Look))
    }

    /// Lets the clock run on by itself, and gives up the hand for good.
    pub fn let_go(self, speed: f64) -> Result<(), Overflow> {
        self.clock.let_go(speed);
        self.pump.tell(Message::Hand(Wish::Look))
    }

    /// Waits until there is nothing left to do at the clock's present.
    pub async fn rest(&self) -> Result<AtRest, Overflow> {
        let (told, rested) = oneshot::channel();
        self.pump.tell(Message::Hand(Wish::Rest(told)))?;
        match tokio::time::timeout(REST_MAX, rested).await {
            Ok(Ok(rest)) => Ok(rest),
            Ok(Err(_)) => Err(Overflow::Stopped),
            Err(_) => Err(Overflow::Unknown),
        }
    }

    /// Time goes by: the clock stops at each instant at which something is due, and goes on once that is done.
    pub async fn pass(&self, by: SignedDuration) -> Result<AtRest, Overflow> {
        let until = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        let mut rest = self.rest().await?;
        while self.now() < until {
            // At rest the next instant lies ahead, so that this ends.
            self.set(rest.next_due.map_or(until, |due| due.min(until)))?;
            rest = self.rest().await?;
        }
        Ok(rest)
    }

    /// From here on requests queue, and are taken up together once the answer is dropped.
    pub fn hold(&self) -> Result<Held, Overflow> {
        let (held, until) = sync_channel(0);
        self.pump.tell(Message::Hand(Wish::Hold(until)))?;
        Ok(Held(held))
    }
}
