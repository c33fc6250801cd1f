//! No bytes make the reader of mails panic, and no fact of it lies outside its text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signalbox_formats::{Context, decode};
use signalbox_model::attempt::Attempt;
use signalbox_model::directory::SourceFormat;

fuzz_target!(|bytes: &[u8]| {
    for it in decode(SourceFormat::Email, bytes, &Context::default()).decodings {
        if let Some(Attempt::Mail(mail)) = it.attempt {
            let length = mail.text.text().unwrap_or_default().chars().count() as u32;
            assert!(mail.found.iter().all(|it| it.span.start < it.span.end && it.span.end <= length));
        }
    }
});
