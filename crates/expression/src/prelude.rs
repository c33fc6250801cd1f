//! The filters a program may call: an allow-list of the standard definitions, and ours where theirs recurse or are unbounded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jaq_core::load::parse::{self, Def};

use crate::check::Check;

/// Standard definitions we take as they are, beside the natives of [`crate::natives`].
const STANDARD: &[&str] = &[
    "null",
    "empty",
    "error",
    "true",
    "false",
    "not",
    "select",
    "tostring",
    "range",
    "paths",
    "getpath",
    "setpath",
    "delpaths",
    "map",
    "map_values",
    "walk",
    "del",
    "first",
    "last",
    "nth",
    "combinations",
    "to_entries",
    "from_entries",
    "with_entries",
    "isempty",
    "all",
    "any",
    "isboolean",
    "isnumber",
    "isstring",
    "isarray",
    "isobject",
    "nan",
    "infinite",
    "isnan",
    "isinfinite",
    "isfinite",
    "isnormal",
    "abs",
    "type",
    "values",
    "nulls",
    "booleans",
    "numbers",
    "finites",
    "normals",
    "strings",
    "arrays",
    "objects",
    "iterables",
    "scalars",
    "add",
    "min_by",
    "max_by",
    "min",
    "max",
    "unique_by",
    "unique",
    "pick",
    "keys",
    "capture_of_match",
    "test",
    "scan_",
    "match",
    "capture",
    "split",
    "splits",
    "sub",
    "gsub",
    "scan",
    "@text",
    "@html",
    "@htmld",
    "@uri",
    "@urid",
    "@base64",
    "@base64d",
    "@sh",
    "@json",
    "totype",
    "tonumber",
    "toboolean",
    "transpose",
    "in",
    "inside",
    "index",
    "rindex",
];

/// What we define ourselves: `recurse` is a native with its own stack, and everything that repeats is said by it.
const OURS: &str = r#"
def recurse: recurse(.[]?);
def recurse(f; cond): recurse(f | select(cond));
def repeat(f): recurse(f);
def while(cond; update): select(cond) | recurse(update | select(cond));
def until(cond; update): recurse(if cond then empty else update end) | select(cond);
def flatten: flatten(128);
def nan: null | not_a_number;
def infinite: null | infinity;
def join($s): reduce .[] as $x (null; (if . == null then "" else . + $s end) + ($x | if . == null then "" else tostring end)) // "";
def todate: todateiso8601;
def fromdate: fromdateiso8601;
def ascii: [.] | implode;
def toarray: if isarray then . else [.] end;
def have_decnum: false;
"#;

/// Why a well-known filter is missing here.
pub(crate) fn why_refused(name: &str) -> Option<&'static str> {
    Some(match name {
        "now" | "localtime" | "mktime" | "gmtime" | "strftime" | "strptime" | "strflocaltime" | "date" => {
            "it depends on the clock or the machine's calendar; pass the time in as data"
        }
        "env" | "$ENV" => "an expression sees only its input, never the environment",
        "input" | "inputs" | "input_line_number" | "input_filename" => "an expression has exactly one input: `.`",
        "debug" | "stderr" => "an expression has no effects",
        "halt" | "halt_error" => "an expression always answers; use `error(...)`",
        _ => return None,
    })
}

struct Library {
    definitions: Vec<Def<&'static str>>,
    calls: Vec<Vec<(&'static str, usize)>>,
    by_name: BTreeMap<(&'static str, usize), usize>,
}

/// The definitions that these calls need, in an order in which each follows what it uses.
pub(crate) fn needed_by(calls: &[(&str, usize)]) -> Vec<Def<&'static str>> {
    let library = library();
    let mut wanted = BTreeSet::new();
    let mut open: Vec<usize> = calls.iter().filter_map(|call| library.find(call)).collect();
    while let Some(next) = open.pop() {
        if wanted.insert(next) {
            let calls = library.calls.get(next).into_iter().flatten();
            open.extend(calls.filter_map(|call| library.find(call)));
        }
    }
    wanted
        .into_iter()
        .filter_map(|at| library.definitions.get(at).cloned())
        .collect()
}

impl Library {
    fn find(&self, (name, arity): &(&str, usize)) -> Option<usize> {
        self.by_name.get(&(*name, *arity)).copied()
    }
}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let ours = jaq_core::load::parse(OURS, |it: &mut parse::Parser<'_, '_>| it.defs()).unwrap_or_default();
        let replaced: BTreeSet<(&str, usize)> = ours.iter().map(|it| (it.name, it.args.len())).collect();
        let standard = jaq_core::defs().chain(jaq_std::defs()).chain(json_definitions());
        let standard = standard.filter(|it| STANDARD.contains(&it.name));
        let standard = standard.filter(|it| !replaced.contains(&(it.name, it.args.len())));
        let mut library = Library {
            definitions: Vec::new(),
            calls: Vec::new(),
            by_name: BTreeMap::new(),
        };
        for definition in sorted(ours.into_iter().chain(standard).collect()) {
            // A definition that the check refuses is left out, and so undefined for every program.
            let mut check = Check::default();
            let Ok(definition) = check.definition(definition) else {
                continue;
            };
            let at = library.definitions.len();
            library.by_name.insert((definition.name, definition.args.len()), at);
            library.calls.push(check.calls);
            library.definitions.push(definition);
        }
        library
    })
}

fn json_definitions() -> impl Iterator<Item = Def<&'static str>> {
    jaq_json::defs()
}

/// Puts each definition after those it calls. Nothing here is recursive, so one is always ready.
fn sorted(mut waiting: Vec<Def<&'static str>>) -> Vec<Def<&'static str>> {
    let mut ready = Vec::new();
    while !waiting.is_empty() {
        let names: BTreeSet<_> = waiting.iter().map(|it| (it.name, it.args.len())).collect();
        let is_ready = |it: &Def<&'static str>| {
            let mut check = Check::default();
            check.definition(it.clone()).is_ok() && !check.calls.iter().any(|call| names.contains(call))
        };
        let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_ready);
        if now.is_empty() {
            break;
        }
        ready.extend(now);
        waiting = later;
    }
    ready
}
