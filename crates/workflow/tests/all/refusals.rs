//! What a definition may not say: where it is, and why.

use crate::support::definition;
use signalbox_workflow::{Definition, Options};

#[track_caller]
fn check(rest: &str, expected: &[(&str, &str)]) {
    let issues = match Definition::parse(&definition(rest)) {
        Ok(_) => panic!("it should be refused: {rest}"),
        Err(issues) => issues,
    };
    let found: Vec<(&str, &str)> = issues.iter().map(|it| (it.at.as_str(), it.why.as_str())).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((at, why), (expected_at, expected_why)) in found.iter().zip(expected) {
        assert_eq!(at, expected_at, "{found:#?}");
        assert!(why.contains(expected_why), "{found:#?}");
    }
    assert!(issues.iter().all(|it| !it.fix.is_empty()));
}

#[test]
fn unknown_words() {
    check(
        "do: [ { a: { set: { x: 1 }, thn: end } } ]",
        &[("/do/0/a/thn", "not known")],
    );
    check(
        "do: [ { a: { sett: { x: 1 } } } ]",
        &[("/do/0/a", "does not say what to do")],
    );
    check(
        "do: [ { a: { set: { x: 1 }, wait: PT1S } } ]",
        &[("/do/0/a", "several tasks")],
    );
    check("dooo: []\ndo: []", &[("/dooo", "not known")]);
    check(
        "do: [ { a: { call: http, with: { method: get, endpoint: x, verb: y } } } ]",
        &[("/do/0/a/with/verb", "not known")],
    );
    check(
        "do: [ { a: { call: http, with: { method: get } } } ]",
        &[("/do/0/a/with/endpoint", "needs")],
    );
    check(
        "do: [ { a: { emit: { event: { with: { data: 1 } } } } } ]",
        &[("/do/0/a/emit/event/with/type", "needed")],
    );
    check(
        "do: [ { a/b: { for: { in: '.', by: 2 }, do: [] } } ]",
        &[("/do/0/a~1b/for/by", "not known")],
    );
}

#[test]
fn what_we_do_not_run() {
    check(
        "do: [ { a: { run: { shell: { command: ls } } } } ]",
        &[("/do/0/a/run/shell", "not run")],
    );
    check(
        "do: [ { a: { input: { schema: { document: {} } }, set: { x: 1 } } } ]",
        &[("/do/0/a/input/schema", "not checked")],
    );
    check(
        "input: { schema: { document: {} } }\ndo: []",
        &[("/input/schema", "not checked")],
    );
    check("use: { extensions: [] }\ndo: []", &[("/use/extensions", "not run")]);
    check(
        "evaluate: { language: cel }\ndo: []",
        &[("/evaluate/language", "Only jq")],
    );
    check(
        "do: [ { a: { call: 'https://x.test/f.yaml' } } ]",
        &[("/do/0/a/call", "none is fetched")],
    );
    check("do: [ { a: { call: nobody } } ]", &[("/do/0/a/call", "no function")]);
    check(
        "do: [ { a: { call: 'f:1.0.0@elsewhere' } } ]",
        &[("/do/0/a/call", "no catalog")],
    );
    check("do: [ { a: { call: 'f@signalbox' } } ]", &[("/do/0/a/call", "version")]);
    check(
        "use: { functions: { f: { call: f } } }\ndo: []",
        &[("/use/functions/f/call", "call itself")],
    );
    check(
        "do: [ { a: { listen: { to: { any: [] }, read: raw } } } ]",
        &[("/do/0/a/listen/read", "raw")],
    );
    check(
        "schedule: { on: { all: [ { with: { type: a } } ] } }\ndo: []",
        &[("/schedule/on/all", "several")],
    );
}

#[test]
fn wrong_values() {
    check(
        "do: [ { a: { set: { x: '${ . | }' } } } ]",
        &[("/do/0/a/set/x", "no usable expression")],
    );
    check(
        "do: [ { a: { set: { x: '${ now }' } } } ]",
        &[("/do/0/a/set/x", "clock")],
    );
    check(
        "do: [ { a: { set: { x: '${ $item }' } } } ]",
        &[("/do/0/a/set/x", "no variable")],
    );
    check(
        "do: [ { a: { set: { x: 1 }, then: nowhere } } ]",
        &[("/do/0/a/then", "no task `nowhere`")],
    );
    check(
        "do: [ { a: { set: { x: 1 } } }, { a: { set: { x: 2 } } } ]",
        &[("/do/0", "two tasks"), ("/do/1", "two tasks")],
    );
    check("do: [ { a: { wait: P1M } } ]", &[("/do/0/a/wait", "no fixed length")]);
    check("do: [ { a: { wait: { weeks: 1 } } } ]", &[("/do/0/a/wait", "no unit")]);
    check(
        "do: [ { a: { wait: { seconds: -1 } } } ]",
        &[("/do/0/a/wait", "negative")],
    );
    check(
        "do: [ { a: { raise: { error: nope } } } ]",
        &[("/do/0/a/raise/error", "no error")],
    );
    check("timeout: nope\ndo: []", &[("/timeout", "no timeout")]);
    check(
        "do: [ { a: { for: { each: input, in: '.' }, do: [] } } ]",
        &[("/do/0/a/for/each", "already means")],
    );
    check(
        "do: [ { a: { listen: { to: { all: [] } } } } ]",
        &[("/do/0/a/listen/to/all", "nothing")],
    );
    check(
        "do: [ { a: { fork: { branches: [ { x: { set: { y: 1 }, then: z } }, { z: { set: { y: 1 } } } ] } } } ]",
        &[("/do/0/a/fork/branches/0/x/then", "side by side")],
    );
    check(
        "do: [ { a: { try: [], catch: { retry: { backoff: { exponential: { factor: 3 } } } } } } ]",
        &[("/do/0/a/catch/retry/backoff/exponential/factor", "not known")],
    );
    let nested = "{ d: { do: [ ".repeat(20) + &"] } }".repeat(20);
    check(
        &format!("do: [ {nested} ]"),
        &[(&("/do/0/d".repeat(16) + "/do"), "nest")],
    );
}

#[test]
fn a_wrong_head() {
    for (text, at) in [
        ("{}", "/do"),
        ("[]", ""),
        ("a: [", ""),
        (
            "document: { dsl: '0.9.0', namespace: a, name: b, version: '1.0.0' }\ndo: []",
            "/document/dsl",
        ),
        (
            "document: { dsl: '1.0.0', namespace: a, name: 'b c', version: '1.0.0' }\ndo: []",
            "/document/name",
        ),
        (
            "document: { dsl: '1.0.0', namespace: a, name: b, version: '1' }\ndo: []",
            "/document/version",
        ),
        ("do: []", "/document"),
    ] {
        let issues = Definition::parse(text).expect_err(text);
        assert!(issues.iter().any(|it| it.at == at), "{text}: {issues:?}");
    }
}

#[test]
fn processes_run_only_where_the_owner_allows() {
    let text = definition("do: [ { a: { run: { shell: { command: ls } } } } ]");
    assert!(Definition::parse(&text).is_err());
    assert!(Definition::parse_with(&text, Options { allow_processes: true }).is_ok());
}

#[test]
fn calls_of_functions_count_as_nesting() {
    // Each function calls the one before, so each is read before it is called from deeper down.
    let functions: Vec<String> = (1..30)
        .map(|n| format!("    f{n:02}: {{ call: f{:02} }}\n", n - 1))
        .collect();
    let text = definition(&format!(
        "use:\n  functions:\n    f00: {{ do: [ {{ a: {{ set: {{ x: 1 }} }} }} ] }}\n{}do: [ {{ a: {{ call: f29 }} }} ]",
        functions.concat()
    ));
    let issues = Definition::parse(&text).unwrap_err();
    assert!(issues.iter().any(|it| it.why.contains("nest more than")), "{issues:?}");
}
