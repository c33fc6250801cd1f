//! Any source, any input: an answer or an error, never a panic; and a quick answer is the interpreter's.

use proptest::prelude::*;
use serde_json::{Value, json};
use signalbox_expression::{Cache, Program, Template};

/// Pieces of programs, most of which mean nothing put together.
const FRAGMENTS: &[&str] = &[
    ".",
    ".a",
    ".[0]",
    ".[]",
    ".[]?",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "|",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "<",
    "and",
    "or",
    "not",
    "//",
    "|=",
    "=",
    "+=",
    "1",
    "2.5",
    "-3",
    "1e9",
    "\"x\"",
    "\"\\(.)\"",
    "$context",
    "$x",
    "as $x |",
    "as [$x] |",
    "if",
    "then",
    "else",
    "end",
    "try",
    "catch",
    "reduce .[] as $x (0; . + 1)",
    "foreach .[] as $x (0; . + 1)",
    "range(3)",
    "range(1e9)",
    "repeat(.)",
    "recurse",
    "..",
    "limit(2; .[])",
    "first",
    "last",
    "path(..)",
    "paths",
    "del(.a)",
    "to_entries",
    "from_entries",
    "keys",
    "length",
    "sort",
    "sort_by(.a)",
    "group_by(.)",
    "unique",
    "add",
    "flatten",
    "tojson",
    "fromjson",
    "tostring",
    "tonumber",
    "ascii_downcase",
    "explode",
    "implode",
    "split(\",\")",
    "test(\"a+\")",
    "gsub(\"a\"; \"b\")",
    "match(\"(a)|(b)\"; \"g\")",
    "indices(1)",
    "has(\"a\")",
    "contains(1)",
    "min",
    "max",
    "floor",
    "sqrt",
    "pow(.; 2)",
    "@base64",
    "@uri",
    "@base64d",
    "todate",
    "fromdate",
    "walk(.)",
    "transpose",
    "splits(\"a\")",
    "ltrimstr(\"a\")",
    "trim",
    "utf8bytelength",
    "bsearch(1)",
    ".[1:]",
    ".[:-1]",
    ".[1:] = [1]",
    "error",
    "empty",
    "null",
    "true",
    "def f: 1; f",
    "label $out | break $out",
    "?",
    ".a.b",
    "getpath([\"a\", 0])",
    "setpath([0]; 1)",
    "any",
    "all",
    "isempty(.[])",
    "combinations",
    "ascii",
    "nth(1)",
    "while(. < 3; . + 1)",
    "until(. > 3; . + 1)",
];

fn fragments() -> impl Strategy<Value = String> {
    let words = prop::sample::select(FRAGMENTS.to_vec());
    prop::collection::vec(words, 1..12).prop_map(|words| words.join(" "))
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3_i64..5).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c,0-9é]{0,6}".prop_map(Value::from),
        Just(json!("2026-01-01T00:00:00Z")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

/// Lists of things with keys to sort by, many of them alike.
fn keyed() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        (0..3_i64).prop_map(Value::from),
        "[ab]".prop_map(Value::from),
        Just(json!(1.5)),
        Just(Value::Null)
    ];
    let pure = prop_oneof![
        prop::collection::vec((0..3_i64).prop_map(Value::from), 0..6),
        prop::collection::vec("[ab]".prop_map(Value::from), 0..6),
        prop::collection::vec(key, 0..6)
    ];
    pure.prop_map(|keys| {
        let items = keys.into_iter().enumerate();
        items.map(|(place, key)| json!({"a": key, "b": place})).collect()
    })
}

fn run(source: &str, input: &Value) {
    if let Ok(program) = Program::compile(source, &["context"]) {
        let first = program.run_with(input, &[("context", &json!({"a": 1}))]);
        let second = program.run_with(input, &[("context", &json!({"a": 1}))]);
        assert_eq!(first, second, "{source}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_answers_or_fails(source in ".{0,60}", input in json()) {
        run(&source, &input);
    }

    #[test]
    fn any_fragments_answer_or_fail(source in fragments(), input in json()) {
        run(&source, &input);
    }

    #[test]
    fn quick_answers_are_the_interpreters(
        (left, right) in (prop::sample::select(vec![".", ".a", ".a.b", ".[0]", ".b[1]", "$context.a", "1", "\"a\"", "null",
            "{a: .a, b: {c: .}}", "(.a | .b)", "(.a // .b)", "(. | .a)", "sort_by(.a)", "(. | sort_by(.b))"]),
            prop::sample::select(vec![".b", ".a", "2", "-1", "\"b\"", "true", "$context", ".[1]", "{b: 1, \"a\": $context.b}"])),
        operator in prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">=", "and", "or", "//", "|"]),
        input in prop_oneof![json(), keyed()],
    ) {
        let context = json!({"a": 1, "b": "x"});
        let source = format!("{left} {operator} {right}");
        let quick = Program::compile(&source, &["context"]).unwrap();
        // A condition keeps a program out of the quick way.
        let slow = Program::compile(&format!("if true then ({source}) else . end"), &["context"]).unwrap();
        let answer = quick.run_with(&input, &[("context", &context)]).ok();
        prop_assert_eq!(&answer, &slow.run_with(&input, &[("context", &context)]).ok());
        if let Ok(taken) = quick.take(input.clone()) {
            prop_assert_eq!(answer, Some(taken));
        }
    }

    #[test]
    fn data_is_never_evaluated(text in "\\$\\{ .{0,10} \\}") {
        let template = Template::compile(&json!({"copy": "${ .text }"}), &[], &mut Cache::default()).unwrap();
        let answer = template.evaluate(&json!({"text": text}), &|_| None).unwrap();
        prop_assert_eq!(answer, json!({"copy": text}));
    }
}

#[test]
fn templates() {
    let mut cache = Cache::default();
    for (template, expected) in [
        (json!("plain"), json!("plain")),
        (json!("${ .a }"), json!([1])),
        (json!("  ${ .a[0] }  "), json!(1)),
        (json!("cost: ${ .a }"), json!("cost: ${ .a }")),
        (
            json!({"deep": [{"x": "${ $context.a }"}, 2]}),
            json!({"deep": [{"x": 7}, 2]}),
        ),
        (json!("${ \"a}\" }"), json!("a}")),
    ] {
        let compiled = Template::compile(&template, &["context"], &mut cache).unwrap();
        let context = json!({"a": 7});
        let answer = compiled.evaluate(&json!({"a": [1]}), &|name| {
            (name == "context").then_some(std::borrow::Cow::Borrowed(&context))
        });
        assert_eq!(answer, Ok(expected), "{template}");
    }
    let (at, _) = Template::compile(&json!({"a/b": [1, "${ ( }"]}), &[], &mut cache).unwrap_err();
    assert_eq!(at, "/a~1b/1");
    assert_eq!(cache.len(), 4);
}
