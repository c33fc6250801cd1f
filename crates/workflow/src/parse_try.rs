//! Reading `try`, `catch` and retry policies, and the errors they are about.

use serde_json::{Map, Value};
use signalbox_expression::Template;

use crate::definition::{Backoff, Retry, Task, Try};
use crate::duration::Duration;
use crate::parse::{Reader, escape};

type Fields = Map<String, Value>;

impl Reader<'_> {
    pub(crate) fn raise(&mut self, value: &Value, at: &str) -> Option<Task> {
        let fields = self.fields(value, at, &["error"])?;
        let at = format!("{at}/error");
        match fields.get("error") {
            Some(Value::String(name)) => {
                let shared = format!("/use/errors/{}", escape(name));
                let Some(error) = self.document.pointer(&shared) else {
                    self.issue(
                        &at,
                        &format!("There is no error `{name}`."),
                        "Define it under use.errors.",
                    );
                    return None;
                };
                self.error(error, &at).map(Task::Raise)
            }
            Some(error) => self.error(error, &at).map(Task::Raise),
            None => {
                self.issue(&at, "It needs an error.", "Add `error:` with type and status.");
                None
            }
        }
    }

    pub(crate) fn error(&mut self, value: &Value, at: &str) -> Option<Template> {
        let fields = self.fields(value, at, &["type", "status", "title", "detail", "instance"])?;
        self.text(fields, at, "type")?;
        let status = fields
            .get("status")
            .and_then(Value::as_u64)
            .filter(|it| (100..=999).contains(it));
        if status.is_none() {
            self.issue(
                &format!("{at}/status"),
                "It needs a status such as 404.",
                "Add `status:`, an integer.",
            );
        }
        self.template(value, at)
    }

    pub(crate) fn try_catch(&mut self, value: &Value, fields: &Fields, at: &str, names: &[&str]) -> Option<Task> {
        let body = self.list(value, &format!("{at}/try"));
        let at = format!("{at}/catch");
        let Some(catch) = fields.get("catch") else {
            self.issue(&at, "`try` needs `catch`.", "Say what to catch.");
            return None;
        };
        let known = ["errors", "as", "when", "exceptWhen", "retry", "do", "then"];
        let catch = self.fields(catch, &at, &known)?;
        let errors = catch
            .get("errors")
            .and_then(|it| self.error_filter(it, &format!("{at}/errors")));
        let name = self.name(catch, &at, "as", "error");
        self.locals.push(name.to_string());
        let when = self.bare_field(catch, &at, "when");
        let except_when = self.bare_field(catch, &at, "exceptWhen");
        let retry = catch
            .get("retry")
            .and_then(|it| self.retry_or_name(it, &format!("{at}/retry")));
        let handler = catch.get("do").and_then(|it| self.list(it, &format!("{at}/do")));
        self.locals.pop();
        let then = self.then(catch, &at, names);
        Some(Task::Try(Box::new(Try {
            body: body?,
            errors,
            name,
            when,
            except_when,
            retry,
            handler,
            then,
        })))
    }

    fn error_filter(&mut self, value: &Value, at: &str) -> Option<Template> {
        let fields = self.fields(value, at, &["with"])?;
        let with = fields.get("with")?;
        let at = format!("{at}/with");
        self.fields(with, &at, &["type", "status", "title", "detail", "instance"])?;
        self.template(with, &at)
    }

    fn retry_or_name(&mut self, value: &Value, at: &str) -> Option<Retry> {
        let Some(name) = value.as_str() else {
            return self.retry(value, at);
        };
        let Some(shared) = self.document.pointer(&format!("/use/retries/{}", escape(name))) else {
            self.issue(
                at,
                &format!("There is no retry policy `{name}`."),
                "Define it under use.retries.",
            );
            return None;
        };
        self.retry(shared, at)
    }

    pub(crate) fn retry(&mut self, value: &Value, at: &str) -> Option<Retry> {
        let fields = self.fields(
            value,
            at,
            &["when", "exceptWhen", "delay", "backoff", "limit", "jitter"],
        )?;
        let backoff = fields
            .get("backoff")
            .map_or(Some(Backoff::Constant), |it| self.backoff(it, &format!("{at}/backoff")));
        let limit_at = format!("{at}/limit");
        let limit = fields
            .get("limit")
            .and_then(|it| self.fields(it, &limit_at, &["attempt", "duration"]));
        let attempt_at = format!("{limit_at}/attempt");
        let attempt = limit.and_then(|it| it.get("attempt"));
        let attempt = attempt.and_then(|it| self.fields(it, &attempt_at, &["count", "duration"]));
        let count = attempt.and_then(|it| it.get("count"));
        if count.is_some_and(|it| it.as_u64().is_none()) {
            self.issue(
                &format!("{attempt_at}/count"),
                "It must be a count.",
                "Write an integer such as 5.",
            );
        }
        Some(Retry {
            when: self.bare_field(fields, at, "when"),
            except_when: self.bare_field(fields, at, "exceptWhen"),
            delay: fields
                .get("delay")
                .and_then(|it| self.duration(it, &format!("{at}/delay"))),
            backoff: backoff?,
            count: count
                .and_then(Value::as_u64)
                .map(|it| u32::try_from(it).unwrap_or(u32::MAX)),
            attempt_within: attempt
                .and_then(|it| it.get("duration"))
                .and_then(|it| self.duration(it, &format!("{attempt_at}/duration"))),
            all_within: limit
                .and_then(|it| it.get("duration"))
                .and_then(|it| self.duration(it, &format!("{limit_at}/duration"))),
            jitter: fields
                .get("jitter")
                .and_then(|it| self.jitter(it, &format!("{at}/jitter"))),
        })
    }

    fn jitter(&mut self, value: &Value, at: &str) -> Option<(Duration, Duration)> {
        let fields = self.fields(value, at, &["from", "to"])?;
        let (Some(from), Some(to)) = (fields.get("from"), fields.get("to")) else {
            self.issue(at, "It needs both ends.", "Add `from:` and `to:`.");
            return None;
        };
        let from = self.duration(from, &format!("{at}/from"))?;
        Some((from, self.duration(to, &format!("{at}/to"))?))
    }

    fn backoff(&mut self, value: &Value, at: &str) -> Option<Backoff> {
        let fields = self.fields(value, at, &["constant", "linear", "exponential"])?;
        let mut chosen = fields.iter().filter_map(|(key, details)| {
            let kind = match key.as_str() {
                "constant" => Backoff::Constant,
                "linear" => Backoff::Linear,
                "exponential" => Backoff::Exponential,
                _ => return None,
            };
            Some((kind, key, details))
        });
        let (Some((kind, key, details)), None) = (chosen.next(), chosen.next()) else {
            self.issue(
                at,
                "It is one of constant, linear, exponential.",
                "Keep one, such as `exponential: {}`.",
            );
            return None;
        };
        self.fields(details, &format!("{at}/{key}"), &[]);
        Some(kind)
    }
}
