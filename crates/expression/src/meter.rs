//! The budget of the running program.
//!
//! Arithmetic and comparison operators have no context argument in the interpreter, so the budget of the one program that runs on a
//! thread lives in a thread-local cell. It is set when a run begins, so nothing leaks from one run into the next.

use std::cell::Cell;

/// What one run may spend. A step is about one value visited, made or passed on.
pub const STEPS_MAX: u64 = 400_000;
/// Bytes of text that cost as much as one step.
pub const STRING_BYTES_PER_STEP: usize = 8;
/// Reading the input is cheaper than computing: so many scalars a step.
const GIVEN_PER_STEP: usize = 4;
/// Assignments may nest this deep while they run (`reduce ... |= ...` nests once an element).
pub(crate) const NESTED_UPDATES_MAX: u32 = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Steps,
    Size,
    Depth,
}

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(0) };
    static OVER: Cell<Option<Limit>> = const { Cell::new(None) };
    static NESTED: Cell<u32> = const { Cell::new(0) };
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn start() {
    LEFT.set(STEPS_MAX);
    OVER.set(None);
    NESTED.set(0);
}

/// Adds a finished run to what this thread has spent: its steps, and the values it was given.
pub(crate) fn finish(given: usize) {
    let used = STEPS_MAX - LEFT.get().min(STEPS_MAX);
    SPENT.set(
        SPENT
            .get()
            .wrapping_add(used)
            .wrapping_add((given / GIVEN_PER_STEP) as u64),
    );
}

/// Steps spent by all runs on this thread so far. The difference over some work is what that work's expressions cost.
pub fn steps_spent() -> u64 {
    SPENT.get()
}

/// Which limit the run has met, if any.
pub(crate) fn over() -> Option<Limit> {
    OVER.get()
}

/// Pays for work about to be done. After the first refusal every later charge is refused too.
#[must_use]
pub(crate) fn charge(steps: usize) -> bool {
    let left = LEFT.get();
    match left.checked_sub(steps as u64 + 1) {
        Some(rest) => {
            LEFT.set(rest);
            true
        }
        None => {
            stop(Limit::Steps);
            false
        }
    }
}

#[must_use]
pub(crate) fn charge_bytes(bytes: usize) -> bool {
    charge(bytes / STRING_BYTES_PER_STEP)
}

/// Ends the run: nothing more can be paid for.
pub(crate) fn stop(limit: Limit) {
    LEFT.set(0);
    if OVER.get().is_none() {
        OVER.set(Some(limit));
    }
}

/// Runs one more level of a nested assignment, or refuses.
pub(crate) fn nested<T>(work: impl FnOnce() -> T) -> Option<T> {
    let depth = NESTED.get();
    if depth >= NESTED_UPDATES_MAX {
        stop(Limit::Depth);
        return None;
    }
    NESTED.set(depth + 1);
    let done = work();
    NESTED.set(depth);
    Some(done)
}
