//! No bytes make the reader of positions panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signalbox_formats::{Context, decode};
use signalbox_model::directory::SourceFormat;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode(SourceFormat::Telematics, bytes, &Context::default());
});
