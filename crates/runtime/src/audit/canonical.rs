//! JSON in one form only (RFC 8785): the same value is always the same bytes, so that it can be hashed.
//!
//! Invariant: keys are sorted by their UTF-16 code units, escapes are minimal, numbers are written as ECMAScript writes
//! them. An integer that a double cannot hold exactly is refused, never rounded.

use serde_json::{Number, Value};
use std::fmt::Write;

/// 2^53 - 1: beyond it neighbours share one double.
const INTEGER_MAX: u64 = (1 << 53) - 1;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number {0} cannot be held exactly in canonical JSON; write it as a string")]
pub struct InexactNumber(pub String);

pub fn to_string(value: &Value) -> Result<String, InexactNumber> {
    let mut out = String::new();
    write_value(value, &mut out)?;
    Ok(out)
}

pub(super) fn write_value(value: &Value, out: &mut String) -> Result<(), InexactNumber> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_value(item, out)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push('{');
            for (place, (key, item)) in fields.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_value(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

pub(super) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn write_number(number: &Number, out: &mut String) -> Result<(), InexactNumber> {
    if let Some(small) = number.as_i64().filter(|it| it.unsigned_abs() <= INTEGER_MAX) {
        // Writing to a string does not fail.
        let _ = write!(out, "{small}");
        return Ok(());
    }
    let text = number.to_string();
    let whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if whole {
        return Err(InexactNumber(text));
    }
    let value = number.as_f64().filter(|it| it.is_finite()).ok_or(InexactNumber(text))?;
    out.push_str(&double(value));
    Ok(())
}

/// A finite double as `Number.prototype.toString` writes it.
pub fn double(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // As few digits as tell the value from its neighbours. Of two equally near, ECMAScript takes the even one, which is
    // what rounding to that many digits gives.
    let shortest = format!("{:e}", value.abs());
    let places = shortest
        .bytes()
        .take_while(|it| *it != b'e')
        .filter(u8::is_ascii_digit)
        .count()
        .saturating_sub(1);
    let rounded = format!("{:.places$e}", value.abs());
    let scientific = if rounded.parse() == Ok(value.abs()) {
        rounded
    } else {
        shortest
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let sign = if value < 0.0 { "-" } else { "" };
    let count = digits.len() as i32;
    match point {
        point if !(-5..=21).contains(&point) => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
        }
        point if point <= 0 => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        point if point >= count => format!("{sign}{digits}{}", "0".repeat((point - count) as usize)),
        point => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{sign}{whole}.{fraction}")
        }
    }
}
