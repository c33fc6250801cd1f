//! Failed sign-ins, counted by address: whoever guesses is slowed down before the next guess is looked at.
//!
//! Invariant: bounded memory, and a valid token is never refused for a neighbour's single mistake.

use super::problem::Problem;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

/// Failures an address may make at once.
const FAILURES_MAX: u32 = 30;
/// One more is forgiven each time this has passed.
const FORGIVEN_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// Addresses remembered; beyond them those that have been forgiven are dropped.
const ADDRESSES_MAX: usize = 10_000;

#[derive(Default)]
pub struct Failures(Mutex<HashMap<IpAddr, Bucket>>);

#[derive(Clone, Copy)]
struct Bucket {
    failures: u32,
    since: Timestamp,
}

/// Where a request comes from: its connection, IPv6 by its /64, which is what one holder has.
pub struct Address(IpAddr);

impl Address {
    pub fn of(parts: &Parts) -> Self {
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let ip = connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0.ip().to_canonical());
        Self(match ip {
            IpAddr::V4(_) => ip,
            IpAddr::V6(six) => {
                let network = u128::from(six) >> 64 << 64;
                IpAddr::V6(network.into())
            }
        })
    }
}

impl Failures {
    pub fn check(&self, address: &Address, now: Timestamp) -> Result<(), Problem> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = known.get_mut(&address.0) else {
            return Ok(());
        };
        bucket.forgive(now);
        if bucket.failures < FAILURES_MAX {
            return Ok(());
        }
        let detail = "Too many tokens from this address were wrong. Wait a moment, then send the right one.";
        Err(Problem::new("too_many_failed_sign_ins", detail).retry_after(FORGIVEN_EVERY.as_secs() as u32))
    }

    pub fn note(&self, address: &Address, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES_MAX && !known.contains_key(&address.0) {
            known.retain(|_, it| {
                it.forgive(now);
                it.failures > 0
            });
            if known.len() >= ADDRESSES_MAX {
                known.clear();
            }
        }
        let bucket = known.entry(address.0).or_insert(Bucket {
            failures: 0,
            since: now,
        });
        bucket.forgive(now);
        bucket.failures += 1;
        metrics::counter!("signalbox_failed_sign_ins_total").increment(1);
    }
}

impl Bucket {
    fn forgive(&mut self, now: Timestamp) {
        let forgiven = now.duration_since(self.since).as_millis() / FORGIVEN_EVERY.as_millis();
        if forgiven > 0 {
            self.failures = self
                .failures
                .saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_who_guesses_is_held_up_and_the_neighbour_is_not() {
        let failures = Failures::default();
        let at = |last| Address(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..FAILURES_MAX {
            assert!(failures.check(&at(1), now).is_ok());
            failures.note(&at(1), now);
        }
        let problem = failures.check(&at(1), now).unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.retry_after_s), (429, Some(2)));
        assert!(failures.check(&at(2), now).is_ok());
        assert!(failures.check(&at(1), now + FORGIVEN_EVERY).is_ok());
    }

    #[test]
    fn addresses_do_not_pile_up() {
        let failures = Failures::default();
        for number in 0..(ADDRESSES_MAX as u32 + 10) {
            failures.note(&Address(IpAddr::V4(Ipv4Addr::from(number))), Timestamp::UNIX_EPOCH);
        }
        assert!(failures.0.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
