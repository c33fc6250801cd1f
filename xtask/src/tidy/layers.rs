//! Which crate may know which, and what each layer may not touch.

use super::Finding;
use super::source::Source;
use super::words::places;

struct Layer {
    name: &'static str,
    /// The crates of this workspace it may use.
    uses: &'static [&'static str],
    /// And those its tests may use besides.
    tests_use: &'static [&'static str],
}

const fn layer(name: &'static str, uses: &'static [&'static str]) -> Layer {
    Layer {
        name,
        uses,
        tests_use: &[],
    }
}

/// Dependencies point one way; nothing points upwards. A new edge is a design decision: write it down in docs/decisions/ first.
const LAYERS: &[Layer] = &[
    layer("model", &[]),
    layer("expression", &[]),
    layer("formats", &["model", "expression"]),
    layer("workflow", &["expression"]),
    layer("advice", &["model"]),
    layer("engine", &["model", "expression", "workflow", "advice"]),
    layer("runtime", &["model", "formats", "engine"]),
    layer("store", &["model", "runtime"]),
    layer("connectors", &["model", "formats", "advice", "runtime"]),
    layer("world", &["model", "formats"]),
    layer("sim", &["model", "formats", "engine", "runtime"]),
    Layer {
        name: "server",
        uses: &[
            "model",
            "expression",
            "formats",
            "workflow",
            "advice",
            "engine",
            "runtime",
            "store",
            "connectors",
            "world",
        ],
        tests_use: &["sim"],
    },
];

/// Same state, same event, same instant: same answer. Nothing in these may look at the world.
const PURE: &[&str] = &["model", "expression", "formats", "workflow", "advice", "engine"];

/// A word that the code of some crates may not hold.
struct Ban {
    words: &'static [&'static str],
    applies: fn(&str) -> bool,
    why: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        words: &["std::fs", "std::net", "std::env", "std::process", "std::thread"],
        applies: is_pure,
        why: "a pure crate reads no file, socket or environment: take the value as an argument, and let `server` or `connectors` fetch it",
    },
    Ban {
        words: &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"],
        applies: is_pure,
        why: "a pure crate has no clock: take `now` as an argument",
    },
    Ban {
        words: &["rand::", "getrandom", "RandomState"],
        applies: is_pure,
        why: "a pure crate throws no dice: derive the value from the cause, or take it as an argument",
    },
    Ban {
        words: &["tokio", "async", ".await"],
        applies: is_pure,
        why: "a pure crate decides and does not wait: return an effect, and let `runtime` have it performed",
    },
    Ban {
        words: &["HashMap", "HashSet"],
        applies: is_pure,
        why: "the order of a hash map differs from run to run, and a replay must not: use BTreeMap or BTreeSet",
    },
    Ban {
        words: &[
            "tokio",
            "std::net",
            "std::fs",
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
        ],
        applies: |member| member == "runtime",
        why: "`runtime` is a machine that its callers drive: ask a port (`Clock`, `Store`, `Courier`)",
    },
    Ban {
        words: &["reqwest"],
        applies: |member| !matches!(member, "connectors" | "server"),
        why: "only `connectors` and `server` speak HTTP to others: describe the call as an effect",
    },
    Ban {
        words: &["axum", "tower_http"],
        applies: |member| member != "server",
        why: "only `server` serves HTTP: give it a plain function to call",
    },
    Ban {
        words: &["rusqlite", "postgres::"],
        applies: |member| member != "store",
        why: "only `store` knows a database: ask for an intent-level method of the `Store` port",
    },
];

const SQL: &[&str] = &["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE "];

pub fn check(source: &Source) -> Vec<Finding> {
    let Some(member) = source.member() else {
        return Vec::new();
    };
    if source.path == format!("crates/{member}/Cargo.toml") {
        return check_manifest(source, member);
    }
    let mut findings = Vec::new();
    if source.is_product_code() {
        for ban in BANS.iter().filter(|it| (it.applies)(member)) {
            for word in ban.words {
                findings.extend(
                    places(&source.code, word)
                        .map(|line| Finding::new(source, line, "layer", format!("`{word}`: {}", ban.why))),
                );
            }
        }
    }
    let speaks_sql = source.path.ends_with(".sql") || source.is_product_code();
    if member != "store" && speaks_sql {
        let text = if source.path.ends_with(".sql") {
            &source.text
        } else {
            &source.spoken
        };
        for word in SQL {
            let says = format!(
                "`{}`: only `store` knows SQL; declare a view or ask for a method of the `Store` port",
                word.trim()
            );
            findings.extend(places(text, word).map(|line| Finding::new(source, line, "layer", says.clone())));
        }
    }
    findings
}

/// Every crate has a row in the table.
pub fn check_members(sources: &[Source]) -> Vec<Finding> {
    let manifests = sources.iter().filter(|it| {
        it.path.starts_with("crates/") && it.path.matches('/').count() == 2 && it.path.ends_with("/Cargo.toml")
    });
    let unknown = manifests.filter(|it| {
        it.member()
            .is_some_and(|member| LAYERS.iter().all(|row| row.name != member))
    });
    unknown
        .map(|it| {
            Finding::new(
                it,
                1,
                "layer",
                "this crate has no row in the layer table: say in xtask/src/tidy/layers.rs what it may use",
            )
        })
        .collect()
}

fn check_manifest(source: &Source, member: &str) -> Vec<Finding> {
    let Some(layer) = LAYERS.iter().find(|it| it.name == member) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut section = "";
    for (index, line) in source.text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            continue;
        }
        if !section.ends_with("dependencies") {
            continue;
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        let in_tests = section.ends_with("dev-dependencies");
        if let Some(used) = name.strip_prefix("signalbox-") {
            let allowed = layer.uses.contains(&used) || in_tests && layer.tests_use.contains(&used);
            if !allowed {
                let may = if layer.uses.is_empty() {
                    "nothing".to_owned()
                } else {
                    layer.uses.join(", ")
                };
                let says =
                    format!("`{member}` may use {may}, not `{used}`: move the code down, or hand it in as plain data");
                findings.push(Finding::new(source, index + 1, "layer", says));
            }
        } else if !in_tests && !name.starts_with('#') {
            let banned = BANS.iter().filter(|it| (it.applies)(member)).find(|ban| {
                ban.words
                    .iter()
                    .any(|word| word.trim_end_matches("::") == name.replace('-', "_"))
            });
            findings
                .extend(banned.map(|ban| Finding::new(source, index + 1, "layer", format!("`{name}`: {}", ban.why))));
        }
    }
    findings
}

fn is_pure(member: &str) -> bool {
    PURE.contains(&member)
}
