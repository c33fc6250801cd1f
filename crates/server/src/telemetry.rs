//! Logs, traces and metrics.
//!
//! Logs are text on a terminal and JSON lines elsewhere, on stderr, filtered by `RUST_LOG`. Spans go to an OpenTelemetry
//! collector only where `OTEL_EXPORTER_OTLP_ENDPOINT` names one. The trace context (W3C `traceparent`) of a request is
//! stored in its records, so that one load's trace runs from the first byte in to the last effect out.

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::Arc;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

pub const TRACEPARENT: &str = "traceparent";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Sends what is left when dropped.
#[must_use]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|it| it.shutdown()) {
            eprintln!("the last spans did not reach the collector: {error}");
        }
    }
}

/// Starts logging, and tracing where a collector is named. Call it once, within a tokio runtime.
pub fn start() -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,hyper=warn,reqwest=warn"));
    let is_terminal = std::io::stderr().is_terminal();
    let text = is_terminal.then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_target(false)
    });
    let json = (!is_terminal).then(|| {
        tracing_subscriber::fmt::layer()
            .json()
            .with_span_list(false)
            .with_writer(std::io::stderr)
    });
    let provider = provider()?;
    let spans = provider.as_ref().map(|it| {
        tracing_opentelemetry::layer()
            .with_tracer(it.tracer("signalbox"))
            .boxed()
    });
    let registry = tracing_subscriber::registry()
        .with(spans)
        .with(text)
        .with(json)
        .with(filter);
    // A second installation in one process (a test) keeps the first one's.
    let _ = registry.try_init();
    Ok(Telemetry(provider))
}

fn provider() -> anyhow::Result<Option<SdkTracerProvider>> {
    if std::env::var(ENDPOINT).map_or(true, |it| it.is_empty()) {
        return Ok(None);
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let on_tokio = OnTokio {
        exporter: Arc::new(exporter),
        handle: tokio::runtime::Handle::current(),
    };
    let resource = opentelemetry_sdk::Resource::builder()
        .with_service_name("signalbox")
        .build();
    Ok(Some(
        SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(on_tokio)
            .build(),
    ))
}

/// The batch thread has no reactor; the exporter's client needs one.
#[derive(Debug)]
struct OnTokio {
    exporter: Arc<opentelemetry_otlp::SpanExporter>,
    handle: tokio::runtime::Handle,
}

impl SpanExporter for OnTokio {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = Arc::clone(&self.exporter);
        let sent = self.handle.spawn(async move { exporter.export(batch).await });
        let failed =
            |error: tokio::task::JoinError| opentelemetry_sdk::error::OTelSdkError::InternalFailure(error.to_string());
        sent.await.map_err(failed)?
    }
}

/// Makes `span` a part of the trace that `traceparent` names.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent.filter(|it| is_traceparent(it)) else {
        return;
    };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    // Fails where no collector is named: there is no trace to join then.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// The trace context to store with a request: that of our span, else the caller's own, else a new one.
pub fn traceparent(span: &Span, incoming: Option<&str>) -> Option<String> {
    let context = span.context();
    let spoken = context.span().span_context().clone();
    if spoken.is_valid() {
        let flags = spoken.trace_flags().to_u8();
        return Some(format!("00-{}-{}-{flags:02x}", spoken.trace_id(), spoken.span_id()));
    }
    if let Some(incoming) = incoming.filter(|it| is_traceparent(it)) {
        return Some(incoming.to_owned());
    }
    let mut chance = [0; 24];
    aws_lc_rs::rand::fill(&mut chance).ok()?;
    let (trace, parent) = chance.split_at(16);
    Some(format!("00-{}-{}-00", hex::encode(trace), hex::encode(parent)))
}

/// Version 00 of W3C trace context: `00-<32 hex>-<16 hex>-<2 hex>`, ids not all zero.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = parts.as_slice() else {
        return false;
    };
    let is_hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
    };
    let is_some = |part: &str| part.bytes().any(|it| it != b'0');
    *version == "00" && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2) && is_some(trace) && is_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_goes_on_and_nonsense_starts_a_new_one() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(traceparent(&Span::none(), Some(given)).as_deref(), Some(given));
        for nonsense in [
            "",
            "00-x-y-z",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "4bf92f",
        ] {
            let made = traceparent(&Span::none(), Some(nonsense)).unwrap();
            assert!(is_traceparent(&made) && made != nonsense, "{made}");
        }
    }
}
