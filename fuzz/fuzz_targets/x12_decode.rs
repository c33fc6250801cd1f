//! No bytes make the X12 reader panic, and whatever is owed in return can be written or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signalbox_formats::{Context, decode, x12};
use signalbox_model::directory::SourceFormat;

fuzz_target!(|bytes: &[u8]| {
    let decoded = decode(SourceFormat::X12, bytes, &Context::default());
    for reply in &decoded.replies {
        let _ = x12::reply(&reply.x12, 1, jiff::Timestamp::UNIX_EPOCH);
    }
});
