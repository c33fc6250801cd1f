//! Words that do not belong in the tree.

use super::Finding;
use super::source::Source;

struct Ban {
    word: &'static str,
    endings: &'static [&'static str],
    says: &'static str,
}

const CODE: &[&str] = &[".rs", ".ts", ".tsx"];
const RUST: &[&str] = &[".rs"];
const SCRIPT: &[&str] = &[".ts", ".tsx"];
const ALL: &[&str] = &[""];

const UNFINISHED: &str = "finish it now or leave it out; what is known to be missing belongs in the documentation";
const LINT: &str =
    "put the code right, or use #[expect(lint, reason = \"…\")], which complains once it is no longer needed";
const TYPES: &str = "narrow the type; a check that is switched off finds nothing";
const FOCUS: &str = "a focused test silences all others";
const ORIGIN: &str = "the tree speaks about the product, not about how the work on it was organized";

const BANS: &[Ban] = &[
    Ban {
        word: "TODO",
        endings: CODE,
        says: UNFINISHED,
    },
    Ban {
        word: "FIXME",
        endings: CODE,
        says: UNFINISHED,
    },
    Ban {
        word: "todo!",
        endings: RUST,
        says: UNFINISHED,
    },
    Ban {
        word: "unimplemented!",
        endings: RUST,
        says: UNFINISHED,
    },
    Ban {
        word: "dbg!",
        endings: RUST,
        says: "log it once where it is handled, or remove it",
    },
    Ban {
        word: "#[allow(",
        endings: RUST,
        says: LINT,
    },
    Ban {
        word: "#![allow(",
        endings: RUST,
        says: LINT,
    },
    Ban {
        word: "@ts-ignore",
        endings: SCRIPT,
        says: TYPES,
    },
    Ban {
        word: "@ts-nocheck",
        endings: SCRIPT,
        says: TYPES,
    },
    Ban {
        word: "test.only(",
        endings: SCRIPT,
        says: FOCUS,
    },
    Ban {
        word: "it.only(",
        endings: SCRIPT,
        says: FOCUS,
    },
    Ban {
        word: "describe.only(",
        endings: SCRIPT,
        says: FOCUS,
    },
    Ban {
        word: "subagent",
        endings: ALL,
        says: ORIGIN,
    },
    Ban {
        word: "sub-agent",
        endings: ALL,
        says: ORIGIN,
    },
    Ban {
        word: "this issue",
        endings: ALL,
        says: ORIGIN,
    },
    Ban {
        word: "the brief says",
        endings: ALL,
        says: ORIGIN,
    },
    Ban {
        word: "work/shared",
        endings: ALL,
        says: ORIGIN,
    },
];

/// Names that gather everything and say nothing.
const NAMELESS: &[&str] = &[
    "common", "util", "utils", "helper", "helpers", "manager", "managers", "misc",
];

pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.is_generated() {
        for ban in BANS.iter().filter(|it| source.ends_with(it.endings)) {
            let lines = places(&source.text, ban.word);
            findings.extend(lines.map(|it| Finding::new(source, it, "word", format!("`{}`: {}", ban.word, ban.says))));
        }
        findings.extend(stand_ins(source));
    }
    findings.extend(outside_paths(source));
    findings.extend(names(source));
    findings
}

/// The lines where a word stands as a whole word; an end of the word that is no letter needs no boundary.
pub fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let (opens, closes) = (word.starts_with(is_word), word.ends_with(is_word));
    text.lines().enumerate().filter_map(move |(index, line)| {
        let stands = line.match_indices(word).any(|(at, _)| {
            let before = opens && line[..at].ends_with(is_word);
            let after = closes && line[at + word.len()..].starts_with(is_word);
            !before && !after
        });
        stands.then_some(index + 1)
    })
}

/// The word "placeholder" in comments and texts: something is missing there. Attributes and identifiers of that name are fine.
fn stand_ins(source: &Source) -> Vec<Finding> {
    let word = concat!("place", "holder");
    if !source.ends_with(CODE) {
        return Vec::new();
    }
    let says = format!("`{word}`: {UNFINISHED}");
    let in_code: Vec<usize> = places(&source.code, word).collect();
    let is_attribute = |line: &str| {
        line.contains(&format!("{word}=")) || line.contains(&format!("{word}:")) || line.contains(&format!("{word}?"))
    };
    places(&source.text, word)
        .filter(|it| !in_code.contains(it) && !source.text.lines().nth(it - 1).is_some_and(is_attribute))
        .map(|it| Finding::new(source, it, "word", says.clone()))
        .collect()
}

/// The tree stands alone: a path out of it is for a test that passes by where nothing is there.
fn outside_paths(source: &Source) -> Vec<Finding> {
    let path = concat!("../", "shared");
    let guards = ["exists()", "is_dir()", "is_file()", "existsSync(", "read_dir("];
    let is_guarded_test =
        (source.is_test() || source.text.contains("#[cfg(test)]")) && guards.iter().any(|it| source.text.contains(it));
    if is_guarded_test {
        return Vec::new();
    }
    let says = "a path out of the checkout: copy a sample we wrote into samples/, or read it in a test that passes by where it is absent";
    places(&source.text, path)
        .map(|it| Finding::new(source, it, "word", says))
        .collect()
}

fn names(source: &Source) -> Vec<Finding> {
    let says =
        |name: &str| format!("`{name}` names no subject: name it after what it holds, in a word of docs/GLOSSARY.md");
    let mut findings = Vec::new();
    if source.ends_with(&[".rs", ".ts", ".tsx", "Cargo.toml"]) {
        let parts = source
            .path
            .split('/')
            .map(|it| it.split('.').next().unwrap_or_default());
        findings.extend(
            parts
                .filter(|it| NAMELESS.contains(it))
                .map(|it| Finding::new(source, 1, "name", says(it))),
        );
    }
    for name in NAMELESS {
        let declared = format!("mod {name}");
        findings.extend(places(&source.code, &declared).map(|it| Finding::new(source, it, "name", says(name))));
    }
    findings
}
