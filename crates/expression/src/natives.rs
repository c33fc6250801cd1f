//! The native filters: an allow-list from the standard library, and our own where theirs could panic or run without bound.

use std::collections::BTreeMap;
use std::rc::Rc;

use jaq_core::box_iter::box_once;
use jaq_core::data::JustLut;
use jaq_core::native::{Fun, bome, unary, v};
use jaq_core::{Bind, Cv, Error, Exn, Native, ValR, ValX, ValXs};

use crate::check::STEP;
use crate::meter;
use crate::operations::{pay, spent};
use crate::value::{Items, Val};

pub(crate) type Data = JustLut<Val>;

const STANDARD: &[&str] = &[
    "error_empty",
    "path",
    "path_value",
    "range",
    "keys_unsorted",
    "key_values",
    "first",
    "last",
    "limit",
    "skip",
    "floor",
    "round",
    "ceil",
    "utf8bytelength",
    "explode",
    "ascii_downcase",
    "ascii_upcase",
    "reverse",
    "sort",
    "sort_by",
    "group_by",
    "min_by_or_empty",
    "max_by_or_empty",
    "startswith",
    "endswith",
    "ltrimstr",
    "rtrimstr",
    "trim",
    "ltrim",
    "rtrim",
    "escape_sh",
    "escape_html",
    "unescape_html",
    "encode_uri",
    "decode_uri",
    "encode_base64",
    "decode_base64",
    "sqrt",
    "pow",
    "log",
    "log2",
    "log10",
    "exp",
    "exp2",
    "exp10",
    "fabs",
    "trunc",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "atan2",
    "fmin",
    "fmax",
    "fmod",
    "hypot",
    "cbrt",
];

/// A path may be this long.
const PATH_MAX: usize = 256;
/// `recurse`, `repeat`, `while` and `until` may keep this many unfinished generators.
const OPEN_GENERATORS_MAX: usize = 10_000;
/// What compiling a pattern costs, whatever it is.
const PATTERN_STEPS: usize = 200;
/// The largest compiled pattern.
const PATTERN_BYTES_MAX: usize = 64 * 1024;

pub(crate) fn all() -> Vec<Fun<Data>> {
    let standard = jaq_core::funs::<Data>().chain(jaq_std::funs::<Data>());
    let mut all: Vec<Fun<Data>> = standard.filter(|(name, _, _)| STANDARD.contains(name)).collect();
    all.push((STEP, v(0), step()));
    all.extend(
        ours()
            .into_iter()
            .map(|(name, arguments, filter)| (name, arguments, Native::<Data>::new(filter))),
    );
    all
}

/// Pays one step wherever work branches; in a path it bounds the path, in an assignment the nesting.
fn step() -> Native<Data> {
    Native::new(|cv: Cv<'_, Data>| bome(pay(0).map(|()| cv.1)))
        .with_paths(|cv| {
            let too_long = cv.1.1.iter().nth(PATH_MAX).is_some();
            if too_long {
                meter::stop(meter::Limit::Depth);
            }
            box_once(pay(0).map(|()| cv.1).map_err(Exn::from))
        })
        .with_update(|cv, update| {
            if let Err(over) = pay(0) {
                return bome(Err(over));
            }
            let done = meter::nested(|| update(cv.1).collect::<Vec<_>>());
            match done {
                Some(outputs) => Box::new(outputs.into_iter()),
                None => bome(Err(spent())),
            }
        })
}

type Run = jaq_core::native::Filter<jaq_core::RunPtr<Data>>;

fn ours() -> Vec<Run> {
    let f = || Box::from([Bind::Fun(())]);
    vec![
        ("recurse", f(), recurse),
        ("tojson", v(0), |cv| {
            bome(pay(cv.1.weight()).map(|()| Val::text(&cv.1.to_json_text())))
        }),
        ("fromjson", v(0), |cv| bome(from_json(&cv.1))),
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("contains", v(1), |cv| {
            unary(cv, |whole, part| contains(&whole, &part).map(Val::from))
        }),
        ("has", v(1), |cv| unary(cv, |whole, key| has(&whole, &key))),
        ("indices", v(1), |cv| unary(cv, |whole, part| indices(&whole, &part))),
        ("bsearch", v(1), |cv| unary(cv, |whole, it| search(&whole, &it))),
        ("flatten", v(1), |cv| unary(cv, |whole, depth| flatten(&whole, &depth))),
        ("implode", v(0), |cv| bome(implode(&cv.1))),
        ("not_a_number", v(0), |_| bome(Ok(Val::Float(f64::NAN)))),
        ("infinity", v(0), |_| bome(Ok(Val::Float(f64::INFINITY)))),
        ("fromdateiso8601", v(0), |cv| bome(from_date(&cv.1))),
        ("todateiso8601", v(0), |cv| bome(to_date(&cv.1))),
        ("matches", v(2), |cv| bome(matches(cv, false, true))),
        ("split_matches", v(2), |cv| bome(matches(cv, true, true))),
        ("split_", v(2), |cv| bome(matches(cv, true, false))),
    ]
}

/// `def recurse(f): ., (f | recurse(f))` with its own stack instead of the machine's.
fn recurse<'a>(mut cv: Cv<'a, Data>) -> ValXs<'a, Val> {
    let (f, context) = cv.0.pop_fun();
    let mut open: Vec<ValXs<'a, Val>> = vec![box_once(Ok(cv.1))];
    Box::new(std::iter::from_fn(move || -> Option<ValX<'a, Val>> {
        loop {
            let top = open.last_mut()?;
            let next = top.next();
            if next.is_none() || top.size_hint() == (0, Some(0)) {
                open.pop();
            }
            let Some(next) = next else { continue };
            let Ok(value) = next else { return Some(next) };
            if open.len() >= OPEN_GENERATORS_MAX {
                meter::stop(meter::Limit::Depth);
            }
            if let Err(over) = pay(1) {
                open.clear();
                return Some(Err(Exn::from(over)));
            }
            open.push(f.run((context.clone(), value.clone())));
            return Some(Ok(value));
        }
    }))
}

fn text(val: &Val) -> Result<&Rc<str>, Error<Val>> {
    if let Val::Str(it) = val {
        Ok(it)
    } else {
        Err(Error::typ(val.clone(), "text"))
    }
}

fn items(val: &Val) -> Result<&Rc<Items>, Error<Val>> {
    if let Val::Arr(it) = val {
        Ok(it)
    } else {
        Err(Error::typ(val.clone(), "an array"))
    }
}

fn from_json(val: &Val) -> ValR<Val> {
    let text = text(val)?;
    pay(text.len())?;
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|it| Error::str(format_args!("cannot read it as JSON: {it}")))?;
    Val::from_json(&json).ok_or_else(spent)
}

fn length(val: &Val) -> ValR<Val> {
    Ok(match val {
        Val::Null => Val::Int(0),
        Val::Int(it) => it.checked_abs().map_or(Val::Float((*it as f64).abs()), Val::Int),
        Val::Float(it) => Val::Float(it.abs()),
        Val::Str(it) => {
            pay(it.len() / meter::STRING_BYTES_PER_STEP)?;
            Val::from(it.chars().count())
        }
        Val::Arr(it) => Val::from(it.list.len()),
        Val::Obj(it) => Val::from(it.map.len()),
        Val::Bool(_) => return Err(Error::str(format_args!("{val} has no length"))),
    })
}

fn contains(whole: &Val, part: &Val) -> Result<bool, Error<Val>> {
    pay(0)?;
    match (whole, part) {
        (Val::Str(whole), Val::Str(part)) => {
            pay(whole.len() / meter::STRING_BYTES_PER_STEP)?;
            Ok(whole.contains(&**part))
        }
        (Val::Arr(whole), Val::Arr(part)) => {
            for wanted in &part.list {
                let mut found = false;
                for it in &whole.list {
                    found = found || contains(it, wanted)?;
                }
                if !found {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Val::Obj(whole), Val::Obj(part)) => {
            for (key, wanted) in &part.map {
                let Some(it) = whole.map.get(key) else { return Ok(false) };
                if !contains(it, wanted)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(whole == part),
    }
}

fn has(whole: &Val, key: &Val) -> ValR<Val> {
    match (whole, key) {
        (Val::Obj(fields), Val::Str(key)) => Ok(Val::Bool(fields.map.contains_key(key))),
        (Val::Arr(items), Val::Int(at)) => Ok(Val::Bool(usize::try_from(*at).is_ok_and(|at| at < items.list.len()))),
        _ => Err(Error::index(whole.clone(), key.clone())),
    }
}

fn indices(whole: &Val, part: &Val) -> ValR<Val> {
    match (whole, part) {
        (Val::Null, _) => Ok(Val::Null),
        (Val::Str(whole), Val::Str(part)) => {
            pay(whole.len())?;
            if part.is_empty() {
                return Ok(Val::array(Vec::new()));
            }
            // Overlapping matches count, and positions are in characters.
            pay(whole.len().saturating_mul(part.len()) / meter::STRING_BYTES_PER_STEP)?;
            let starts = whole.char_indices().enumerate();
            let found = starts.filter(|(_, (byte, _))| whole.get(*byte..).is_some_and(|it| it.starts_with(&**part)));
            Ok(Val::array(found.map(|(at, _)| Val::from(at)).collect()))
        }
        (Val::Arr(whole), Val::Arr(part)) => indices_of(whole, part),
        (Val::Arr(whole), it) => {
            let found = whole.list.iter().enumerate().filter(|(_, other)| *other == it);
            Ok(Val::array(found.map(|(at, _)| Val::from(at)).collect()))
        }
        _ => Err(Error::index(whole.clone(), part.clone())),
    }
}

pub(crate) fn indices_of(whole: &Items, part: &Items) -> ValR<Val> {
    pay(whole.list.len().saturating_mul(part.list.len()))?;
    if part.list.is_empty() {
        return Ok(Val::array(Vec::new()));
    }
    let windows = whole.list.windows(part.list.len()).enumerate();
    let found = windows.filter(|(_, window)| meter::over().is_none() && **window == *part.list);
    Ok(Val::array(found.map(|(at, _)| Val::from(at)).collect()))
}

fn search(whole: &Val, it: &Val) -> ValR<Val> {
    let index = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
    let found = items(whole)?.list.binary_search(it);
    Ok(Val::Int(found.map_or_else(|at| -1 - index(at), index)))
}

fn flatten(whole: &Val, depth: &Val) -> ValR<Val> {
    let Val::Int(depth) = depth else {
        return Err(Error::typ(depth.clone(), "a depth"));
    };
    if *depth < 0 {
        return Err(Error::str("a depth to flatten cannot be negative"));
    }
    let items = items(whole)?;
    pay(whole.weight())?;
    let mut flat = Vec::new();
    flatten_into(&items.list, *depth, &mut flat);
    Ok(Val::array(flat))
}

fn flatten_into(list: &[Val], depth: i64, flat: &mut Vec<Val>) {
    for it in list {
        match it {
            Val::Arr(inner) if depth > 0 => flatten_into(&inner.list, depth - 1, flat),
            other => flat.push(other.clone()),
        }
    }
}

fn implode(val: &Val) -> ValR<Val> {
    let items = items(val)?;
    pay(items.list.len())?;
    let character = |it: &Val| match it {
        Val::Int(code) => u32::try_from(*code).ok().and_then(char::from_u32),
        _ => None,
    };
    let letter = |it: &Val| character(it).ok_or_else(|| Error::typ(it.clone(), "a character"));
    let text: String = items.list.iter().map(letter).collect::<Result<_, _>>()?;
    Ok(Val::text(&text))
}

fn from_date(val: &Val) -> ValR<Val> {
    let instant: jiff::Timestamp = text(val)?.parse().map_err(Error::str)?;
    match instant.subsec_nanosecond() {
        0 => Ok(Val::Int(instant.as_second())),
        _ => Ok(Val::Float(instant.as_microsecond() as f64 / 1e6)),
    }
}

fn to_date(val: &Val) -> ValR<Val> {
    let instant = match val {
        Val::Int(seconds) => jiff::Timestamp::from_second(*seconds),
        Val::Float(seconds) => jiff::Timestamp::from_microsecond((seconds * 1e6) as i64),
        other => return Err(Error::typ(other.clone(), "seconds since 1970")),
    };
    Ok(Val::text(&instant.map_err(Error::str)?.to_string()))
}

/// Matches of a pattern, and what lies between them: the ground of `test`, `match`, `capture`, `scan`, `split`, `sub` and `gsub`.
fn matches(mut cv: Cv<'_, Data>, between: bool, inside: bool) -> ValR<Val> {
    let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
    let (flags, pattern, subject) = (text(&flags)?, text(&pattern)?, text(&cv.1)?);
    let repeats = pattern.matches('{').count();
    pay(PATTERN_STEPS * (1 + repeats) + (subject.len().saturating_mul(pattern.len())) / 16)?;
    let (mut global, mut skip_empty) = (false, false);
    let mut builder = regex_lite::RegexBuilder::new(pattern);
    builder.size_limit(PATTERN_BYTES_MAX).nest_limit(32);
    for flag in flags.chars() {
        match flag {
            'g' => global = true,
            'n' => skip_empty = true,
            'i' => drop(builder.case_insensitive(true)),
            'x' => drop(builder.ignore_whitespace(true)),
            's' => drop(builder.dot_matches_new_line(true)),
            'l' => {}
            other => {
                return Err(Error::str(format_args!(
                    "`{other}` is no flag of a pattern; use g, i, n, s or x"
                )));
            }
        }
    }
    let regex = builder
        .build()
        .map_err(|it| Error::str(format_args!("cannot use the pattern: {it}")))?;
    let (mut found, mut last) = (Vec::new(), 0);
    for captures in regex.captures_iter(subject) {
        let Some(whole) = captures.get(0) else { continue };
        if skip_empty && whole.range().is_empty() {
            continue;
        }
        pay(captures.len())?;
        if between {
            found.push(Val::text(subject.get(last..whole.start()).unwrap_or_default()));
            last = whole.end();
        }
        if inside {
            found.push(groups(&regex, &captures, subject)?);
        }
        if !global {
            break;
        }
    }
    if between {
        found.push(Val::text(subject.get(last..).unwrap_or_default()));
    }
    Ok(Val::array(found))
}

fn groups(regex: &regex_lite::Regex, captures: &regex_lite::Captures<'_>, subject: &str) -> ValR<Val> {
    let mut groups = Vec::new();
    for (group, name) in captures.iter().zip(regex.capture_names()) {
        let mut fields: BTreeMap<Rc<str>, Val> = BTreeMap::new();
        let (offset, length, string) = match group {
            Some(it) => {
                pay(it.end() / meter::STRING_BYTES_PER_STEP)?;
                let before = subject.get(..it.start()).unwrap_or_default().chars().count();
                (
                    Val::from(before),
                    Val::from(it.as_str().chars().count()),
                    Val::text(it.as_str()),
                )
            }
            None => (Val::Int(-1), Val::Int(0), Val::Null),
        };
        fields.insert("offset".into(), offset);
        fields.insert("length".into(), length);
        fields.insert("string".into(), string);
        if let Some(name) = name {
            fields.insert("name".into(), Val::text(name));
        }
        groups.push(Val::object(fields));
    }
    Ok(Val::array(groups))
}
