//! Signed webhooks out (Standard Webhooks 1.0.0).
//!
//! Invariant: a call goes to a checked address only (see `egress`), follows no redirect, uses no proxy, ends within its
//! limits and never shows the receiver's answer to anyone. The effect id is the `webhook-id`, so that a receiver knows
//! a repeat. Connections are kept and used again; two clients keep the public internet and what the operator allowed
//! apart, so that a permission for one address opens no other.

use super::egress::{self, Allowed, Checked, Lookup, Reach};
use crate::secret::Secrets;
use crate::standard_webhooks::{self, Keys};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Request, Response, StatusCode, redirect};
use signalbox_runtime::ports::{Clock, CourierError, Delivery};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// What a delivery may take of time and memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// From looking up the name to the receiver's status.
    pub total: Duration,
    /// For the rest of an answer whose status is known. It is read only so that the connection can be used again.
    pub rest: Duration,
    pub answer_bytes: usize,
}

pub const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(15),
    rest: Duration::from_secs(1),
    answer_bytes: 64 * 1024,
};

/// Shorter than what common servers keep an idle connection for, so that we are the ones to close it.
const IDLE: Duration = Duration::from_secs(4);
/// Idle connections kept for one receiver.
const IDLE_PER_HOST_MAX: usize = 64;
/// Threads that drive the sockets; the work is in waiting.
const THREADS: usize = 2;
/// Names being resolved at once; a name server that hangs holds no more than these.
const LOOKUPS_MAX: usize = 64;
/// What is waited beyond the limits before the driving threads are given up on.
const GRACE: Duration = Duration::from_secs(5);
const USER_AGENT: &str = concat!("Signalbox/", env!("CARGO_PKG_VERSION"));
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub struct Webhook {
    public: Client,
    own: Client,
    allowed: Allowed,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    limits: Limits,
    /// Present until dropped.
    runtime: Option<Runtime>,
}

/// Why the courier cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("no threads for outbound webhooks: {0}")]
    Threads(#[from] std::io::Error),
    #[error(
        "no client for outbound webhooks: {0}. Are the system's certificate authorities installed (ca-certificates)?"
    )]
    Client(#[from] reqwest::Error),
}

impl Webhook {
    /// With the system's resolver and the usual limits.
    pub fn new(secrets: Secrets, clock: Arc<dyn Clock>, allowed: Allowed) -> Result<Self, SetupError> {
        Self::with(secrets, clock, allowed, egress::system_lookup(), LIMITS)
    }

    pub fn with(
        secrets: Secrets,
        clock: Arc<dyn Clock>,
        allowed: Allowed,
        lookup: Lookup,
        limits: Limits,
    ) -> Result<Self, SetupError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(LOOKUPS_MAX)
            .thread_name("webhook")
            .enable_all()
            .build()?;
        let client = |reach| {
            client(
                Checked {
                    lookup: Arc::clone(&lookup),
                    reach,
                },
                &limits,
            )
        };
        let (public, own) = (client(Reach::Public)?, client(Reach::Own)?);
        Ok(Self {
            public,
            own,
            allowed,
            secrets,
            clock,
            limits,
            runtime: Some(runtime),
        })
    }

    /// Posts the body, signed. Answers the status. Blocks the calling thread for as long as the limits allow.
    pub fn deliver(&self, delivery: &Delivery, url: &str, secret: &str, body: &[u8]) -> Result<String, CourierError> {
        let target = egress::check(url, &self.allowed).map_err(|it| CourierError::Refused(it.to_string()))?;
        let headers = self.headers(delivery, secret, body)?;
        let client = match target.reach {
            Reach::Public => &self.public,
            Reach::Own => &self.own,
        };
        let host = target.url.host_str().unwrap_or_default().to_owned();
        let request = client.post(target.url).headers(headers).body(body.to_vec()).build();
        let request = request.map_err(|_| CourierError::Refused(egress::Refusal::NoUrl.to_string()))?;
        let status = self.answer(client.clone(), request)?;
        judge(status, &host)
    }

    fn headers(&self, delivery: &Delivery, secret: &str, body: &[u8]) -> Result<HeaderMap, CourierError> {
        let refused = |reason: String| CourierError::Refused(reason);
        let Some(text) = (self.secrets)(&delivery.tenant, secret) else {
            return Err(refused(format!(
                "there is no secret named {secret:?}. Add it under Partners."
            )));
        };
        let keys = Keys::parse(text.expose()).map_err(|it| refused(format!("secret {secret:?}: {it}")))?;
        let signed = standard_webhooks::sign(&keys, delivery.effect.as_str(), self.clock.now(), body)
            .map_err(|it| refused(it.to_string()))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, text) in signed.headers() {
            let value = HeaderValue::from_str(text).map_err(|it| refused(it.to_string()))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        // A trace that cannot be passed on is no reason to hold the delivery.
        if let Some(value) = delivery
            .traceparent
            .as_deref()
            .and_then(|it| HeaderValue::from_str(it).ok())
        {
            headers.insert(TRACEPARENT, value);
        }
        Ok(headers)
    }

    /// Has the driving threads make the call, and waits here, where waiting is allowed.
    fn answer(&self, client: Client, request: Request) -> Result<StatusCode, CourierError> {
        let Some(runtime) = &self.runtime else {
            return Err(CourierError::Retry("outbound webhooks are being shut down".to_owned()));
        };
        let (answer, answered) = mpsc::sync_channel(1);
        let limits = self.limits;
        let call = runtime.spawn(async move {
            // Nobody is listening any more only when the wait below has ended; the next attempt will tell.
            let _ = answer.send(call(&client, request, limits).await);
        });
        let patience = limits.total.saturating_add(limits.rest).saturating_add(GRACE);
        let outcome = answered.recv_timeout(patience);
        call.abort();
        outcome.unwrap_or_else(|_| Err(CourierError::Retry("the call did not end within its time".to_owned())))
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        // Waiting for the threads is forbidden where this may be dropped.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn client(resolver: Checked, limits: &Limits) -> Result<Client, reqwest::Error> {
    Client::builder()
        .https_only(resolver.reach == Reach::Public)
        .dns_resolver(Arc::new(resolver))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .user_agent(USER_AGENT)
        .connect_timeout(limits.connect)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .tcp_nodelay(true)
        .build()
}

async fn call(client: &Client, request: Request, limits: Limits) -> Result<StatusCode, CourierError> {
    let response = match tokio::time::timeout(limits.total, client.execute(request)).await {
        Err(_) => {
            return Err(CourierError::Retry(format!(
                "no answer within {} s",
                limits.total.as_secs_f32()
            )));
        }
        Ok(Err(error)) => return Err(failure(&error)),
        Ok(Ok(response)) => response,
    };
    let status = response.status();
    // The status says it all: what becomes of the rest changes nothing, and the connection is dropped if it is not read.
    let _ = tokio::time::timeout(limits.rest, read_rest(response, limits.answer_bytes)).await;
    Ok(status)
}

async fn read_rest(mut response: Response, bytes_max: usize) {
    let mut left = bytes_max;
    while let Ok(Some(chunk)) = response.chunk().await {
        let Some(after) = left.checked_sub(chunk.len()) else {
            return;
        };
        left = after;
    }
}

/// What a call without an answer means. The address itself stays out of the text: it may hold a token.
fn failure(error: &reqwest::Error) -> CourierError {
    if let Some(refusal) = egress::refusal_in(error) {
        return CourierError::Refused(refusal.to_string());
    }
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    let what = if error.is_timeout() {
        "connecting took too long"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke off"
    };
    let cause = if root.is::<reqwest::Error>() {
        String::new()
    } else {
        format!(": {root}")
    };
    CourierError::Retry(format!("{what}{cause}"))
}

/// What a status means: Standard Webhooks counts all but 2xx as failures; those that say the request itself is unwanted
/// are not repeated.
fn judge(status: StatusCode, host: &str) -> Result<String, CourierError> {
    let answered = format!("{host} answered {status}");
    match status.as_u16() {
        200..=299 => Ok(status.as_u16().to_string()),
        300..=399 => Err(CourierError::Retry(format!(
            "{answered}: redirects are not followed. Set the new address under Partners."
        ))),
        410 => Err(CourierError::Refused(format!(
            "{answered}: it takes no more webhooks at this address."
        ))),
        // Come again: too early, too slow, in somebody's way, too often.
        408 | 409 | 421 | 423 | 425 | 429 => Err(CourierError::Retry(answered)),
        400..=499 => Err(CourierError::Refused(format!(
            "{answered}: it does not take this message."
        ))),
        _ => Err(CourierError::Retry(answered)),
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
