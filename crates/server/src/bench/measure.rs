//! What is measured with: latencies, processor time, memory, and a description of the machine.

use serde_json::{Value, json};
use std::time::Duration;

/// Samples kept for percentiles.
const SAMPLES_MAX: usize = 2_000_000;

#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn note(&mut self, took: Duration) {
        if self.0.len() < SAMPLES_MAX {
            self.0.push(took);
        }
    }

    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Milliseconds at a percentile, 0 to 100.
    pub fn ms(&mut self, percentile: usize) -> f64 {
        self.0.sort_unstable();
        let place = (self.0.len() * percentile / 100).min(self.0.len().saturating_sub(1));
        self.0.get(place).map_or(0.0, |it| it.as_secs_f64() * 1000.0)
    }
}

/// Processor time this process has used, all threads. Linux counts it in ticks of 10 ms; zero where it cannot be read.
pub fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|it| it.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Memory in use, MB; zero where it cannot be read.
pub fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap_or_default();
    let kilobytes: f64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|it| it.parse().ok())
        .unwrap_or(0.0);
    kilobytes / 1024.0
}

pub fn machine() -> Value {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|it| it.strip_prefix("model name"))
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "cpu": model.trim_start_matches([' ', '\t', ':']),
        "cores": cores,
        "os": std::env::consts::OS,
        "load_before": load.split_whitespace().next().unwrap_or_default(),
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
    })
}
