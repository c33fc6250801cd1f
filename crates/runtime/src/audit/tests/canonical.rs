//! RFC 8785: its examples, its table of numbers, and what it cannot hold.

use crate::audit::canonical::{double, to_string};
use serde_json::{Value, json};

fn check(value: Value, expected: &str) {
    assert_eq!(to_string(&value).unwrap(), expected);
}

#[test]
fn the_examples_of_the_standard() {
    check(
        json!({
            "numbers": [333_333_333.333_333_3, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u{20ac}$\u{f}\nA'\u{42}\u{22}\u{5c}\\\"/",
            "literals": [null, true, false]
        }),
        r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#,
    );
    let keys = ["\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}"];
    let sorted = to_string(&Value::Object(
        keys.iter().map(|it| ((*it).to_owned(), json!(0))).collect(),
    ))
    .unwrap();
    assert_eq!(
        sorted,
        "{\"\\r\":0,\"1\":0,\"\u{80}\":0,\"\u{f6}\":0,\"\u{20ac}\":0,\"\u{1f600}\":0,\"\u{fb33}\":0}"
    );
}

#[test]
fn the_numbers_of_the_standard() {
    let table: [(u64, &str); 24] = [
        (0x0000000000000000, "0"),
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x8000000000000001, "-5e-324"),
        (0x7fefffffffffffff, "1.7976931348623157e+308"),
        (0xffefffffffffffff, "-1.7976931348623157e+308"),
        (0x4340000000000000, "9007199254740992"),
        (0xc340000000000000, "-9007199254740992"),
        (0x4430000000000000, "295147905179352830000"),
        (0x44b52d02c7e14af5, "9.999999999999997e+22"),
        (0x44b52d02c7e14af6, "1e+23"),
        (0x44b52d02c7e14af7, "1.0000000000000001e+23"),
        (0x444b1ae4d6e2ef4e, "999999999999999700000"),
        (0x444b1ae4d6e2ef4f, "999999999999999900000"),
        (0x444b1ae4d6e2ef50, "1e+21"),
        (0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"),
        (0x3eb0c6f7a0b5ed8d, "0.000001"),
        (0x41b3de4355555553, "333333333.3333332"),
        (0x41b3de4355555554, "333333333.33333325"),
        (0x41b3de4355555555, "333333333.3333333"),
        (0x41b3de4355555556, "333333333.3333334"),
        (0x41b3de4355555557, "333333333.33333343"),
        (0xbecbf647612f3696, "-0.0000033333333333333333"),
        (0x43143ff3c1cb0959, "1424953923781206.2"),
    ];
    for (bits, expected) in table {
        assert_eq!(double(f64::from_bits(bits)), expected, "{bits:016x}");
    }
}

#[test]
fn text_is_escaped_as_little_as_can_be() {
    check(
        json!("\u{0}\u{8}\t\n\u{c}\r\u{1f}\u{7f}\u{2028}/é"),
        "\"\\u0000\\b\\t\\n\\f\\r\\u001f\u{7f}\u{2028}/é\"",
    );
    check(json!({ "b": {}, "a": [], "": [{}] }), r#"{"":[{}],"a":[],"b":{}}"#);
}

#[test]
fn an_integer_beyond_a_doubles_reach_is_refused() {
    check(
        json!([9007199254740991_i64, -9007199254740991_i64, 0, -1]),
        "[9007199254740991,-9007199254740991,0,-1]",
    );
    for number in [
        json!(9007199254740992_i64),
        json!(-9007199254740992_i64),
        json!(u64::MAX),
    ] {
        let error = to_string(&json!({ "evidence": [number] })).unwrap_err();
        assert!(error.to_string().contains("write it as a string"));
    }
}

#[test]
fn the_order_keys_came_in_does_not_matter() {
    let one: Value = serde_json::from_str(r#"{"a":1,"b":[{"y":2,"x":1.5}]}"#).unwrap();
    let other: Value = serde_json::from_str(r#"{ "b": [ {"x": 1.50, "y": 2} ], "a": 1 }"#).unwrap();
    assert_eq!(to_string(&one), to_string(&other));
}
