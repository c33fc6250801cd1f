//! What programs answer: one table, one check.

use serde_json::{Value, json};
use signalbox_expression::{Error, Program};

#[track_caller]
fn check(source: &str, input: Value, expected: Value) {
    let program = Program::compile(source, &["context", "item"]).unwrap_or_else(|it| panic!("{it}"));
    let answer = program.run_with(&input, &[("context", &json!({"limit": 3})), ("item", &json!("x"))]);
    assert_eq!(answer, Ok(expected), "{source}");
}

#[test]
fn paths_and_variables() {
    let load = json!({"id": "L1", "stops": [{"city": "Reno"}, {"city": "Elko"}], "weight_kg": 900, "note": null});
    for (source, expected) in [
        (".", load.clone()),
        (".id", json!("L1")),
        (".stops[1].city", json!("Elko")),
        (".stops[-1].city", json!("Elko")),
        (".stops[7].city", json!(null)),
        (".missing.deeper", json!(null)),
        (".stops[].city", json!("Reno")),
        ("[.stops[].city]", json!(["Reno", "Elko"])),
        (".stops | length", json!(2)),
        ("$context.limit", json!(3)),
        ("$item", json!("x")),
        (".weight_kg > 500 and .id == \"L1\"", json!(true)),
        (".weight_kg >= $context.limit", json!(true)),
        (".note == null or .id == \"no\"", json!(true)),
        (".id < 5", json!(false)),
        (".stops[0].city | ascii_downcase | startswith(\"re\")", json!(true)),
        (".stops | map(.city) | join(\", \")", json!("Reno, Elko")),
        ("empty", json!(null)),
        ("{ id, first: .stops[0].city }", json!({"id": "L1", "first": "Reno"})),
        (".stops[0].city = \"Ely\" | .stops[0]", json!({"city": "Ely"})),
        (".new.field = 1 | .new", json!({"field": 1})),
        (".stops |= map(.city) | .stops", json!(["Reno", "Elko"])),
        ("del(.stops, .note)", json!({"id": "L1", "weight_kg": 900})),
        ("\"\\(.id): \\(.weight_kg) kg\"", json!("L1: 900 kg")),
        ("with_entries(select(.key == \"id\"))", json!({"id": "L1"})),
    ] {
        check(source, load.clone(), expected);
    }
}

#[test]
fn the_standard_library() {
    for (source, input, expected) in [
        ("3 / 2", json!(null), json!(1.5)),
        ("6 / 2", json!(null), json!(3)),
        ("7 % 3", json!(null), json!(1)),
        ("9223372036854775807 + 1 > 0", json!(null), json!(true)),
        ("[range(5)]", json!(null), json!([0, 1, 2, 3, 4])),
        ("[range(0; 10; 4)]", json!(null), json!([0, 4, 8])),
        ("[limit(3; repeat(. * 2))]", json!(1), json!([1, 2, 4])),
        ("[while(. < 20; . * 3)]", json!(1), json!([1, 3, 9])),
        ("until(. > 100; . * 4)", json!(1), json!(256)),
        (
            "[recurse(if . < 3 then . + 1 else empty end)]",
            json!(0),
            json!([0, 1, 2, 3]),
        ),
        ("[.. | numbers]", json!([1, [2, {"a": 3}]]), json!([1, 2, 3])),
        ("flatten", json!([1, [2, [3]]]), json!([1, 2, 3])),
        ("flatten(1)", json!([1, [2, [3]]]), json!([1, 2, [3]])),
        ("sort_by(.n) | map(.n)", json!([{"n": 2}, {"n": 1}]), json!([1, 2])),
        (
            "group_by(.k) | map(length)",
            json!([{"k": 1}, {"k": 2}, {"k": 1}]),
            json!([2, 1]),
        ),
        ("unique", json!([3, 1, 3, 1.0]), json!([1, 3])),
        ("min, max", json!([2, 1, 3]), json!(1)),
        ("add", json!([[1], [2]]), json!([1, 2])),
        ("add", json!({"a": 1, "b": 2}), json!(3)),
        ("any(. > 2), all(. > 0)", json!([1, 3]), json!(true)),
        ("reduce .[] as $it (0; . + $it)", json!([1, 2, 3]), json!(6)),
        ("[foreach .[] as $it (0; . + $it)]", json!([1, 2, 3]), json!([1, 3, 6])),
        (". as [$a, {b: $c}] | $a + $c", json!([1, {"b": 2}]), json!(3)),
        ("def twice(f): f | f; 3 | twice(. + 1)", json!(null), json!(5)),
        ("try error(\"no\") catch .", json!(null), json!("no")),
        (".a // \"none\"", json!({"a": null}), json!("none")),
        ("[.[] | tonumber]", json!(["1", 2, "3.5"]), json!([1, 2, 3.5])),
        ("tojson | fromjson", json!({"b": [1, null]}), json!({"b": [1, null]})),
        ("contains({a: [1]})", json!({"a": [1, 2]}), json!(true)),
        ("to_entries", json!({"k": 1}), json!([{"key": "k", "value": 1}])),
        ("test(\"^PO-[0-9]+$\")", json!("PO-42"), json!(true)),
        (
            "capture(\"(?<scac>[A-Z]{4})-(?<pro>\\\\d+)\")",
            json!("SWFT-77"),
            json!({"scac": "SWFT", "pro": "77"}),
        ),
        ("[scan(\"[a-z]\")]", json!("a1b"), json!(["a", "b"])),
        ("gsub(\"(?<d>[0-9])\"; \"<\\(.d)>\")", json!("a1b2"), json!("a<1>b<2>")),
        ("split(\", *\"; null // \"\")", json!("a, b"), json!(["a", "b"])),
        ("split(\",\")", json!("a,b"), json!(["a", "b"])),
        (".[1:3]", json!("héllo"), json!("él")),
        (".[-2:]", json!([1, 2, 3]), json!([2, 3])),
        ("index(\"b\")", json!("abcb"), json!(1)),
        ("indices([1, 2])", json!([0, 1, 2, 1, 2]), json!([1, 3])),
        ("@base64 | @base64d", json!("x y"), json!("x y")),
        (
            "fromdate | . + 60 | todate",
            json!("2026-01-02T03:04:05Z"),
            json!("2026-01-02T03:05:05Z"),
        ),
        ("[paths]", json!({"a": [1]}), json!([["a"], ["a", 0]])),
        ("getpath([\"a\", 0])", json!({"a": [7]}), json!(7)),
        (
            "walk(if type == \"number\" then . + 1 else . end)",
            json!([1, {"a": 2}]),
            json!([2, {"a": 3}]),
        ),
        (
            "{a: 1} * {a: {b: 2}, c: 3}",
            json!(null),
            json!({"a": {"b": 2}, "c": 3}),
        ),
        ("[1, 2, 3] - [2]", json!(null), json!([1, 3])),
        (
            "[.[] | type]",
            json!([null, true, 1, "a", [], {}]),
            json!(["null", "boolean", "number", "string", "array", "object"]),
        ),
        ("[splits(\"-\")]", json!("a-b"), json!(["a", "b"])),
        ("isvalid", json!(1), json!("refused")),
    ] {
        if expected == json!("refused") {
            assert!(Program::compile(source, &[]).is_err(), "{source}");
        } else {
            check(source, input, expected);
        }
    }
}

#[test]
fn what_is_refused_at_compile() {
    for (source, why) in [
        ("now", "clock"),
        ("env.HOME", "environment"),
        ("$ENV.HOME", "environment"),
        ("input", "exactly one input"),
        ("debug", "no effects"),
        ("halt", "always answers"),
        ("localtime", "clock"),
        ("def f: f; f", "calling itself"),
        ("def f: def g: f; g; f", "calling itself"),
        ("def f(g): def h: g | h; h; f(.)", "calling itself"),
        ("def map(f): map(f); map(.)", "calling itself"),
        ("$nobody", "no variable"),
        ("nothing_such(1)", "no filter"),
        (".a | ", "expected term"),
        (". as", "expected"),
        ("\"open", "expected"),
        ("include \"x\"; .", "expected"),
        (&"(".repeat(9000), "longer than"),
        (&format!("{}1{}", "[".repeat(100), "]".repeat(100)), "nest"),
        (&format!("1{}", "|.".repeat(3000)), "deep"),
        (&format!("{}1", "-".repeat(3000)), "more than"),
    ] {
        match Program::compile(source, &[]) {
            Ok(_) => panic!("{source} should be refused"),
            Err(it) => assert!(it.to_string().contains(why), "{source}: {it}"),
        }
    }
}

#[test]
fn what_is_stopped_while_running() {
    let doubling = format!("\"x\"{}", " | . + .".repeat(60));
    let pairing = format!("1{}", " | [., .]".repeat(60));
    let commas = format!("[{}1]", "(1, 2) | ".repeat(40));
    for source in [
        "[range(1e12)]",
        "[range(0; 1; 0)]",
        "\"x\" * 1e9",
        "[repeat(1)]",
        "[limit(1e9; repeat(1))]",
        "last(repeat(1))",
        "first(repeat(1) | select(false))",
        "isempty(repeat(empty | .)) | not | select(false), last(range(1e9))",
        "reduce repeat(1) as $it (0; .)",
        "[reduce range(40) as $it (0; ., .)] | length",
        "try last(repeat(1)) catch 1",
        "[try repeat(1) catch 1] | length",
        "[range(1000) | range(1000) | range(1000)] | length",
        "[range(2000)] as $a | [$a[] | $a[] | $a[]] | length",
        "until(false; . + 1)",
        "[while(true; .)] | length",
        "reduce range(100000) as $it (0; [.])",
        "null | (reduce range(100000) as $it (.; .a)) = 1",
        "null | [path(reduce range(100000) as $it (.; .a))] | length",
        "[range(100000) | \"ab\" * 100] | add",
        "[[range(30000)] | combinations(3)] | length",
        ".[100000000] = 1",
        "[range(3000)] as $a | [range(3000) | $a == $a] | length",
        "[range(90000) | tojson | test(\"a\")] | length",
        "[.[]?, range(1e7)] | sort",
        "[recurse(., .)] | length",
        "setpath([range(10000) | \"a\"]; 1)",
        &doubling,
        &pairing,
        &commas,
    ] {
        let program = Program::compile(source, &[]).unwrap_or_else(|it| panic!("{it}"));
        let started = std::time::Instant::now();
        let answer = program.run_with(&json!(null), &[]);
        assert!(matches!(answer, Err(Error::Spent { .. })), "{source}: {answer:?}");
        assert!(
            started.elapsed().as_secs() < 20,
            "{source} took {:?}",
            started.elapsed()
        );
    }
}

#[test]
fn what_fails_says_why() {
    for (source, input, why) in [
        (".a", json!([1]), "cannot index"),
        ("1 / 0", json!(null), "cannot calculate"),
        ("error(\"late\")", json!(null), "late"),
        ("{} + 1", json!(null), "cannot calculate"),
        ("break_out", json!(null), "no filter"),
        ("implode", json!([-9223372036854775808_i64]), "character"),
        ("test(\"(\")", json!("a"), "pattern"),
        ("repeat(1) |= 2", json!(1), "invalid path"),
        ("error", json!(null), "null"),
    ] {
        let failed = match Program::compile(source, &[]) {
            Ok(program) => program.run_with(&input, &[]).expect_err(source),
            Err(it) => it,
        };
        assert!(failed.to_string().contains(why), "{source}: {failed}");
    }
}

#[test]
fn a_program_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Program::compile(".a", &[]).unwrap());
}

#[test]
fn deep_input_is_refused_not_followed() {
    let mut deep = json!(1);
    for _ in 0..1000 {
        deep = json!([deep]);
    }
    let program = Program::compile("[..] | length", &[]).unwrap();
    assert!(program.run_with(&deep, &[]).is_err());
}
