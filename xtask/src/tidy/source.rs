//! The files to check, with their Rust text also as code alone.

use anyhow::Context;
use std::fs;
use std::path::Path;

/// Built, fetched or foreign: not ours to check.
const SKIPPED_FOLDERS: &[&str] = &[
    "target",
    "node_modules",
    "dist",
    "test-results",
    "playwright-report",
    "fuzz-corpus",
];
const HIDDEN_FOLDERS: &[&str] = &[".ci", ".cargo", ".github"];
const TEXT_ENDINGS: &[&str] = &[
    "rs", "ts", "tsx", "css", "html", "md", "toml", "yaml", "yml", "sql", "sh", "mjs", "js", "scenario",
];

pub struct Source {
    /// From the checkout's root, with `/`.
    pub path: String,
    pub text: String,
    /// Rust: comments, strings and test modules blanked, every line kept.
    pub code: String,
    /// Rust: comments and test modules blanked, strings kept.
    pub spoken: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let (code, spoken) = if path.ends_with(".rs") {
            blank(text)
        } else {
            (String::new(), String::new())
        };
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            spoken,
        }
    }

    pub fn ends_with(&self, endings: &[&str]) -> bool {
        endings.iter().any(|it| self.path.ends_with(it))
    }

    /// The folder under `crates/`, if this file belongs to one.
    pub fn member(&self) -> Option<&str> {
        self.path
            .strip_prefix("crates/")?
            .split_once('/')
            .map(|(member, _)| member)
    }

    /// Rust that the product runs: below `src/`, and not a test module in a file of its own.
    pub fn is_product_code(&self) -> bool {
        self.path.ends_with(".rs") && self.path.contains("/src/") && !self.is_test()
    }

    pub fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        let file = parts.last().copied().unwrap_or_default();
        let named =
            file == "tests.rs" || file.ends_with("_tests.rs") || file.contains(".test.") || file.contains(".spec.");
        named || parts.iter().any(|it| matches!(*it, "tests" | "e2e" | "benches"))
    }

    pub fn is_generated(&self) -> bool {
        self.path.contains(".gen.")
    }
}

pub fn read_all(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    walk(root, root, &mut sources)?;
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(sources)
}

fn walk(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let hidden = name.starts_with('.') && !HIDDEN_FOLDERS.contains(&name.as_str());
            if !hidden && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                walk(root, &path, sources)?;
            }
        } else if kind.is_file() && is_text(&path, &name) {
            // A file that is no UTF-8 is a sample, not a source.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            sources.push(Source::new(&relative, &text));
        }
    }
    Ok(())
}

fn is_text(path: &Path, name: &str) -> bool {
    let ending = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    TEXT_ENDINGS.contains(&ending) || name == "run"
}

/// The text as code alone, and as code with its strings. Lengths and lines stay, so that a place in one is a place in all.
fn blank(text: &str) -> (String, String) {
    let mut code = text.as_bytes().to_vec();
    let mut spoken = code.clone();
    let mut at = 0;
    while at < text.len() {
        let (end, is_comment) = match &text.as_bytes()[at..] {
            [b'/', b'/', ..] => (text[at..].find('\n').map_or(text.len(), |it| at + it), true),
            [b'/', b'*', ..] => (end_of_block_comment(text, at), true),
            [b'"', ..] => (end_of_string(text, at), false),
            [b'\'', ..] => (end_of_character(text, at), false),
            [b'r', ..] if !follows_word(text, at) => (end_of_raw_string(text, at), false),
            _ => (at, false),
        };
        if end > at {
            wipe(&mut code[at..end]);
            if is_comment {
                wipe(&mut spoken[at..end]);
            }
        }
        at = end.max(at + 1);
    }
    for (start, end) in test_modules(&code) {
        wipe(&mut code[start..end]);
        wipe(&mut spoken[start..end]);
    }
    (
        String::from_utf8_lossy(&code).into_owned(),
        String::from_utf8_lossy(&spoken).into_owned(),
    )
}

fn wipe(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|it| **it != b'\n').for_each(|it| *it = b' ');
}

fn end_of_block_comment(text: &str, start: usize) -> usize {
    let (bytes, mut depth, mut at) = (text.as_bytes(), 0, start);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn end_of_string(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A character in quotes; a lifetime has no closing quote and is left alone.
fn end_of_character(text: &str, start: usize) -> usize {
    let rest = &text[start + 1..];
    if let Some(escaped) = rest.strip_prefix('\\') {
        return escaped
            .char_indices()
            .skip(1)
            .find(|(_, it)| *it == '\'')
            .map_or(start, |(at, _)| start + 2 + at + 1);
    }
    let mut characters = rest.char_indices();
    let (_, Some((close, '\''))) = (characters.next(), characters.next()) else {
        return start;
    };
    start + 1 + close + 1
}

fn end_of_raw_string(text: &str, start: usize) -> usize {
    let rest = &text[start + 1..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let Some(body) = rest[hashes..].strip_prefix('"') else {
        return start;
    };
    let close = format!("\"{}", "#".repeat(hashes));
    body.find(&close)
        .map_or(text.len(), |it| start + 1 + hashes + 1 + it + close.len())
}

fn follows_word(text: &str, at: usize) -> bool {
    // `br"..."` is a raw string too.
    let before = &text.as_bytes()[..at];
    let before = before.strip_suffix(b"b").unwrap_or(before);
    before
        .last()
        .is_some_and(|it| it.is_ascii_alphanumeric() || *it == b'_')
}

/// Where `#[cfg(test)]` items begin and end.
fn test_modules(code: &[u8]) -> Vec<(usize, usize)> {
    let text = String::from_utf8_lossy(code);
    let mut spans = Vec::new();
    for (start, _) in text.match_indices("#[cfg(test)]") {
        let Some(open) = text[start..].find(['{', ';']).map(|it| start + it) else {
            continue;
        };
        let end = if code[open] == b'{' {
            matching_brace(code, open)
        } else {
            open
        };
        spans.push((start, (end + 1).min(code.len())));
    }
    spans
}

/// The place of the brace that closes the one at `open`, or the end of the text.
pub fn matching_brace(code: &[u8], open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len()
}

pub fn line_of(text: &str, place: usize) -> usize {
    text.as_bytes()[..place.min(text.len())]
        .iter()
        .filter(|it| **it == b'\n')
        .count()
        + 1
}
