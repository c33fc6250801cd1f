//! Reading X12: the samples decoded to attempts, over and over, on one thread. The figure is of input bytes.

use super::Figures;
use super::measure::cpu_time;
use anyhow::ensure;
use signalbox_formats::{Context, decode};
use signalbox_model::directory::SourceFormat;
use std::time::{Duration, Instant};

const SAMPLES: &[&[u8]] = &[
    include_bytes!("../../../../samples/204.edi"),
    include_bytes!("../../../../samples/204_multi_stop_reefer.edi"),
    include_bytes!("../../../../samples/210.edi"),
    include_bytes!("../../../../samples/214.edi"),
    include_bytes!("../../../../samples/990_accept.edi"),
];

pub fn measure(span: Duration) -> anyhow::Result<Figures> {
    let (started, cpu) = (Instant::now(), cpu_time());
    let (mut bytes, mut messages) = (0_usize, 0_u64);
    while started.elapsed() < span {
        for sample in SAMPLES {
            let decoded = decode(SourceFormat::X12, sample, &Context::default());
            ensure!(
                decoded.decodings.iter().any(|it| it.attempt.is_some()),
                "a sample is not read"
            );
            bytes += sample.len();
            messages += 1;
        }
    }
    let (took, cpu) = (
        started.elapsed().as_secs_f64(),
        cpu_time().saturating_sub(cpu).as_secs_f64(),
    );
    Ok(Figures::from([
        ("mb_per_s", bytes as f64 / 1e6 / took),
        ("mb_per_cpu_s", bytes as f64 / 1e6 / cpu.max(0.01)),
        ("messages_per_s", messages as f64 / took),
    ]))
}
