//! Durations: an ISO 8601 text, a mapping of units, or an expression that gives one of them. A day is 24 hours.

use jiff::{SignedDuration, Span};
use serde_json::Value;
use signalbox_expression::Template;

/// The longest wait.
pub(crate) const DURATION_MAX: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

#[derive(Debug, Clone)]
pub(crate) enum Duration {
    Fixed(SignedDuration),
    Computed(Template),
}

/// Reads a constant duration, or says why it is none.
pub(crate) fn read(value: &Value) -> Result<SignedDuration, String> {
    let duration = match value {
        Value::String(text) => {
            let span: Span = text
                .parse()
                .map_err(|_| format!("`{text}` is no ISO 8601 duration such as PT15M"))?;
            if span.get_years() != 0 || span.get_months() != 0 {
                return Err("years and months have no fixed length; use days or hours".to_owned());
            }
            span.to_duration(jiff::SpanRelativeTo::days_are_24_hours())
                .map_err(|it| it.to_string())?
        }
        Value::Object(units) if !units.is_empty() => {
            let mut total = SignedDuration::ZERO;
            for (unit, amount) in units {
                let amount = amount.as_i64().ok_or_else(|| format!("`{unit}` must be an integer"))?;
                let milliseconds = match unit.as_str() {
                    "days" => 86_400_000,
                    "hours" => 3_600_000,
                    "minutes" => 60_000,
                    "seconds" => 1000,
                    "milliseconds" => 1,
                    _ => {
                        return Err(format!(
                            "`{unit}` is no unit; use days, hours, minutes, seconds, milliseconds"
                        ));
                    }
                };
                let part = amount.checked_mul(milliseconds).map(SignedDuration::from_millis);
                total = part.and_then(|it| total.checked_add(it)).ok_or("it is too long")?;
            }
            total
        }
        _ => return Err("a duration is a text such as PT15M or a mapping such as { minutes: 15 }".to_owned()),
    };
    if duration.is_negative() {
        return Err("a duration cannot be negative".to_owned());
    }
    if duration > DURATION_MAX {
        return Err("it is longer than ten years".to_owned());
    }
    Ok(duration)
}
