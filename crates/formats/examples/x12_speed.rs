//! How fast 204s are read: `cargo run --release -p signalbox-formats --example x12_speed`.

use signalbox_formats::{Context, decode};
use signalbox_model::directory::SourceFormat;
use std::time::{Duration, Instant};

const ROUNDS: usize = 20;
const FILE_BYTES: usize = 10_000_000;

fn main() {
    let one = include_str!("../../../samples/204.edi");
    let context = Context {
        zone: "America/Chicago",
        ..Context::default()
    };
    // One interchange with many tenders, as a large shipper's nightly file.
    let body = one.find("ST*").zip(one.find("\nGE*").map(|it| it + 1));
    let (start, end) = body.unwrap_or_default();
    let count = FILE_BYTES / (end - start).max(1);
    let file = format!(
        "{}{}GE*{count}*101~\nIEA*1*000000101~\n",
        &one[..start],
        one[start..end].repeat(count)
    );
    for (name, text, rounds) in [
        ("many tenders in one file", file.as_str(), ROUNDS),
        ("one tender a file", one, 100_000),
    ] {
        let mut best = 0.0f64;
        for _ in 0..5 {
            let begun = busy();
            let mut read = 0;
            for _ in 0..rounds.div_ceil(5) {
                read += decode(SourceFormat::X12, text.as_bytes(), &context).decodings.len();
            }
            let megabytes = (text.len() * rounds.div_ceil(5)) as f64 / 1e6;
            let rate = megabytes / (busy() - begun).as_secs_f64();
            best = best.max(rate);
            assert!(read > 0);
        }
        println!("{name}: {best:.0} MB/s on one core ({} bytes)", text.len());
    }
}

/// Time this thread has had a core, where Linux says; else time passed. Neighbours on the machine do not count.
fn busy() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let passed = BEGUN.elapsed();
    let scheduled = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = scheduled.and_then(|it| it.split(' ').next()?.parse().ok());
    nanoseconds.map_or(passed, Duration::from_nanos)
}
