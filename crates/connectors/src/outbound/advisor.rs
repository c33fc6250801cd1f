//! Asks a language model behind an OpenAI-compatible chat endpoint.
//!
//! Invariant: asking takes at most its time and memory, whatever the other side does, and few at once, so that
//! deliveries never wait for it. The operator names the one address; no redirect leads elsewhere; nothing that a tenant
//! or a mail says changes where it goes. After several failures nobody is asked for a while.

use super::egress;
use crate::secret::Secret;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, redirect};
use serde_json::{Value, json};
use signalbox_runtime::ports::{Advisor, Clock, CourierError};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    pub total: Duration,
    pub answer_bytes: usize,
    /// What the model may write.
    pub answer_tokens: u32,
    /// Asked at once; more come again later.
    pub at_once: usize,
    /// Failures in a row after which nobody is asked ...
    pub failures: u32,
    /// ... for so long.
    pub pause: jiff::SignedDuration,
}

pub const LIMITS: Limits = Limits {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(8),
    answer_bytes: 256 * 1024,
    answer_tokens: 600,
    at_once: 2,
    failures: 5,
    pause: jiff::SignedDuration::from_secs(60),
};

/// What is waited beyond the limit before the driving thread is given up on.
const GRACE: Duration = Duration::from_secs(2);

/// Where the operator has a model.
#[derive(Clone)]
pub struct Endpoint {
    /// Up to `/chat/completions`, for example `http://127.0.0.1:8080/v1`.
    pub base: String,
    pub model: String,
    pub key: Option<Secret<String>>,
}

pub struct OpenAi {
    client: Client,
    url: reqwest::Url,
    endpoint: Endpoint,
    limits: Limits,
    clock: Arc<dyn Clock>,
    asking: AtomicUsize,
    breaker: Mutex<Breaker>,
    /// Present until dropped.
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct Breaker {
    failures: u32,
    closed_until: Option<jiff::Timestamp>,
}

/// Why no model can be asked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the advisor's address {0:?} is no http or https URL: write it as in http://127.0.0.1:8080/v1")]
    Address(String),
    #[error("no threads for the advisor: {0}")]
    Threads(#[from] std::io::Error),
    #[error("no client for the advisor: {0}")]
    Client(#[from] reqwest::Error),
}

impl OpenAi {
    pub fn new(endpoint: Endpoint, clock: Arc<dyn Clock>, limits: Limits) -> Result<Self, SetupError> {
        let bad = || SetupError::Address(endpoint.base.clone());
        let base = endpoint.base.trim_end_matches('/');
        let url = reqwest::Url::parse(&format!("{base}/chat/completions")).map_err(|_| bad())?;
        let host = url.host_str().ok_or_else(bad)?;
        let port = url.port_or_known_default().ok_or_else(bad)?;
        let origin = format!("{}://{host}:{port}", url.scheme());
        // The operator's naming it is the permission, for this one address: link-local and metadata stay closed.
        let allowed = egress::Allowed::parse([origin.as_str()]).map_err(|_| bad())?;
        let target = egress::check(url.as_str(), &allowed).map_err(|_| bad())?;
        let resolver = egress::Checked {
            lookup: egress::system_lookup(),
            reach: target.reach,
        };
        let client = Client::builder()
            .dns_resolver(Arc::new(resolver))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(limits.connect)
            .build()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("advisor")
            .enable_all()
            .build()?;
        Ok(Self {
            client,
            url: target.url,
            endpoint,
            limits,
            clock,
            asking: AtomicUsize::new(0),
            breaker: Mutex::default(),
            runtime: Some(runtime),
        })
    }

    fn call(&self, messages: &Value) -> Result<String, CourierError> {
        let Some(runtime) = &self.runtime else {
            return Err(CourierError::Retry("the advisor is being shut down".to_owned()));
        };
        let body = json!({"model": self.endpoint.model, "messages": messages, "temperature": 0,
            "max_tokens": self.limits.answer_tokens, "response_format": {"type": "json_object"}});
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.endpoint.key {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.expose().as_str()));
            let mut value = value.map_err(|_| CourierError::Refused("the advisor's key cannot be sent".to_owned()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(body.to_string());
        let (answer, answered) = mpsc::sync_channel(1);
        let limits = self.limits;
        let call = runtime.spawn(async move {
            let outcome = tokio::time::timeout(limits.total, talk(request, limits.answer_bytes)).await;
            let late = || {
                Err(CourierError::Retry(format!(
                    "no answer within {} s",
                    limits.total.as_secs_f32()
                )))
            };
            // Nobody listens any more only when the wait below has ended.
            let _ = answer.send(outcome.unwrap_or_else(|_| late()));
        });
        let outcome = answered.recv_timeout(self.limits.total.saturating_add(GRACE));
        call.abort();
        outcome.unwrap_or_else(|_| Err(CourierError::Retry("the call did not end within its time".to_owned())))
    }

    fn note(&self, worked: bool) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if worked {
            *breaker = Breaker::default();
            return;
        }
        breaker.failures += 1;
        if breaker.failures >= self.limits.failures {
            breaker.failures = 0;
            breaker.closed_until = self.clock.now().checked_add(self.limits.pause).ok();
        }
    }
}

impl Advisor for OpenAi {
    fn ask(&self, messages: &Value) -> Result<String, CourierError> {
        let until = self.breaker.lock().unwrap_or_else(PoisonError::into_inner).closed_until;
        if until.is_some_and(|it| self.clock.now() < it) {
            return Err(CourierError::Retry(
                "the advisor failed too often and is left alone for a while".to_owned(),
            ));
        }
        if self.asking.fetch_add(1, Ordering::AcqRel) >= self.limits.at_once {
            self.asking.fetch_sub(1, Ordering::AcqRel);
            return Err(CourierError::Retry("the advisor is busy".to_owned()));
        }
        let outcome = self.call(messages);
        self.asking.fetch_sub(1, Ordering::AcqRel);
        self.note(outcome.is_ok());
        outcome
    }

    fn name(&self) -> String {
        self.endpoint.model.clone()
    }
}

impl Drop for OpenAi {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The text of the model's first choice.
async fn talk(request: reqwest::RequestBuilder, bytes_max: usize) -> Result<String, CourierError> {
    let failed = |error: reqwest::Error| match egress::refusal_in(&error) {
        Some(refusal) => CourierError::Refused(refusal.to_string()),
        None if error.is_connect() => CourierError::Retry("no connection to the advisor".to_owned()),
        None => CourierError::Retry("the connection to the advisor broke off".to_owned()),
    };
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status().as_u16();
    match status {
        200..=299 => {}
        400..=407 | 410..=428 => return Err(CourierError::Refused(format!("the advisor answered {status}"))),
        _ => return Err(CourierError::Retry(format!("the advisor answered {status}"))),
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > bytes_max {
            return Err(CourierError::Refused(format!(
                "the advisor's answer has more than {bytes_max} bytes"
            )));
        }
    }
    let unreadable = || CourierError::Refused("the advisor's answer is not that of a chat".to_owned());
    let body: Value = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let text = body.pointer("/choices/0/message/content").and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(unreadable)
}

#[cfg(test)]
#[path = "advisor_tests.rs"]
mod tests;
