//! What a file is, by its first bytes: a sender's word for it counts for nothing.

use sha2::{Digest, Sha256};
use signalbox_model::attempt::Content;
use signalbox_model::document::{Media, RawBytes};

/// Bytes in front of a PDF's mark that readers forgive.
const PDF_SLACK: usize = 1_024;

/// A file with what was found of it.
pub fn content(bytes: Vec<u8>) -> Content {
    Content {
        media: media(&bytes),
        bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(&bytes)),
        raw: RawBytes(bytes),
    }
}

/// What the first bytes show. None for anything that is not taken, such as a page, a program or an archive.
pub fn media(bytes: &[u8]) -> Option<Media> {
    let starts = |mark: &[u8]| bytes.starts_with(mark);
    let at = |from: usize, marks: &[&[u8]]| {
        bytes
            .get(from..)
            .is_some_and(|it| marks.iter().any(|mark| it.starts_with(mark)))
    };
    if starts(b"\xff\xd8\xff") {
        Some(Media::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Media::Png)
    } else if starts(b"II*\0") || starts(b"MM\0*") {
        Some(Media::Tiff)
    } else if starts(b"RIFF") && at(8, &[b"WEBP"]) {
        Some(Media::Webp)
    } else if at(4, &[b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"]) {
        Some(Media::Heic)
    } else if has_pdf_mark(bytes) {
        Some(Media::Pdf)
    } else {
        None
    }
}

/// `%PDF-` at the start, or after white space alone: a page that hides the mark further in is no PDF.
fn has_pdf_mark(bytes: &[u8]) -> bool {
    let start = bytes.iter().take(PDF_SLACK).position(|it| !it.is_ascii_whitespace());
    start
        .and_then(|it| bytes.get(it..))
        .is_some_and(|it| it.starts_with(b"%PDF-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_show() {
        let cases: [(&[u8], Option<Media>); 14] = [
            (b"%PDF-1.7\n", Some(Media::Pdf)),
            (b"\r\n%PDF-1.4", Some(Media::Pdf)),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some(Media::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0", Some(Media::Png)),
            (b"II*\0", Some(Media::Tiff)),
            (b"MM\0*", Some(Media::Tiff)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(Media::Webp)),
            (b"\0\0\0\x18ftypheic", Some(Media::Heic)),
            (b"", None),
            (b"%", None),
            (b"<html>%PDF-1.7", None),
            (b"MZ\x90\0", None),
            (b"PK\x03\x04", None),
            (b"RIFF\0\0\0\0WAVE", None),
        ];
        for (bytes, media_) in cases {
            assert_eq!(media(bytes), media_, "{bytes:?}");
        }
    }
}
