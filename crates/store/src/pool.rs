//! A bounded pool of reading connections, opened when first needed.
//!
//! Invariant: never more than `max` are open; one that failed a question is closed, not lent again.

use signalbox_runtime::ports::StoreError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a reader waits for another one to finish.
const WAIT_MAX: Duration = Duration::from_secs(10);

pub(crate) struct Pool<T> {
    slots: Mutex<Slots<T>>,
    returned: Condvar,
    max: usize,
}

struct Slots<T> {
    free: Vec<T>,
    lent: usize,
}

impl<T> Pool<T> {
    pub fn new(max: usize) -> Self {
        Self {
            slots: Mutex::new(Slots {
                free: Vec::new(),
                lent: 0,
            }),
            returned: Condvar::new(),
            max,
        }
    }

    /// Lends a connection to `ask`, opening one if none is free.
    pub fn with<R, E: From<StoreError>>(
        &self,
        open: impl FnOnce() -> Result<T, E>,
        ask: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut lease = self.lease()?;
        let mut connection = match lease.connection.take() {
            Some(connection) => connection,
            None => open()?,
        };
        let answer = ask(&mut connection)?;
        lease.connection = Some(connection);
        Ok(answer)
    }

    /// Closes the connections that are not lent: they may be from before a failover.
    pub fn close_idle(&self) {
        self.slots().free.clear();
    }

    fn lease(&self) -> Result<Lease<'_, T>, StoreError> {
        let full = |slots: &mut Slots<T>| slots.lent >= self.max;
        let waited = self.returned.wait_timeout_while(self.slots(), WAIT_MAX, full);
        let (mut slots, waiting) = waited.unwrap_or_else(PoisonError::into_inner);
        if waiting.timed_out() {
            return Err(StoreError::Retry(format!("all {} readers are busy", self.max)));
        }
        slots.lent += 1;
        Ok(Lease {
            pool: self,
            connection: slots.free.pop(),
        })
    }

    fn slots(&self) -> MutexGuard<'_, Slots<T>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the pool; what it holds when it ends goes back.
struct Lease<'a, T> {
    pool: &'a Pool<T>,
    connection: Option<T>,
}

impl<T> Drop for Lease<'_, T> {
    fn drop(&mut self) {
        let mut slots = self.pool.slots();
        slots.lent -= 1;
        slots.free.extend(self.connection.take());
        self.pool.returned.notify_one();
    }
}
