//! Reading what a workflow emits and listens for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::definition::{Correlate, Filter, Foreach, Listen, Mode, Read, Strategy, Task, Until};
use crate::parse::{Reader, escape};

type Fields = Map<String, Value>;

/// Filters of one strategy.
const FILTERS_MAX: usize = 64;

impl Reader<'_> {
    pub(crate) fn emit(&mut self, value: &Value, at: &str) -> Option<Task> {
        let fields = self.fields(value, at, &["event"])?;
        let at = format!("{at}/event");
        let event = fields.get("event").and_then(|it| self.fields(it, &at, &["with"]));
        let at = format!("{at}/with");
        let Some(with) = event.and_then(|it| it.get("with")).filter(|it| it.is_object()) else {
            self.issue(
                &at,
                "It does not say what to emit.",
                "Add `event: { with: { type: ..., data: ... } }`.",
            );
            return None;
        };
        self.text(with.as_object()?, &at, "type");
        self.template(with, &at).map(Task::Emit)
    }

    pub(crate) fn listen(&mut self, value: &Value, fields: &Fields, at: &str) -> Option<Task> {
        let inside = format!("{at}/listen");
        let listen = self.fields(value, &inside, &["to", "read"])?;
        let read = self.read(listen, &inside);
        let Some(to) = listen.get("to") else {
            self.issue(
                &format!("{inside}/to"),
                "It does not say what to listen for.",
                "Add `to:` with one, any or all.",
            );
            return None;
        };
        let to_at = format!("{inside}/to");
        let strategy = self.strategy(to, &to_at, &["until"]);
        let until = to.get("until").and_then(|it| self.until(it, &format!("{to_at}/until")));
        if to.get("until").is_some() && to.get("any").is_none() {
            self.issue(
                &format!("{to_at}/until"),
                "Only `any` goes on until something.",
                "Remove `until`.",
            );
        }
        let foreach = fields
            .get("foreach")
            .and_then(|it| self.foreach(it, &format!("{at}/foreach")));
        Some(Task::Listen(Listen {
            to: strategy?,
            until,
            read,
            foreach,
        }))
    }

    pub(crate) fn read(&mut self, fields: &Fields, at: &str) -> Read {
        match fields.get("read").map(Value::as_str) {
            None | Some(Some("data")) => Read::Data,
            Some(Some("envelope")) => Read::Envelope,
            Some(_) => {
                let why = "Events are read as `data` or `envelope`; raw bytes stop at the edge.";
                self.issue(&format!("{at}/read"), why, "Write data or envelope.");
                Read::Data
            }
        }
    }

    fn until(&mut self, value: &Value, at: &str) -> Option<Until> {
        match value {
            Value::String(_) => self.bare(value, at).map(Until::Condition),
            Value::Object(_) => self.strategy(value, at, &[]).map(Until::Events),
            _ => {
                self.issue(
                    at,
                    "It is an expression or the events that end it.",
                    "Write `until: ...`.",
                );
                None
            }
        }
    }

    fn foreach(&mut self, value: &Value, at: &str) -> Option<Foreach> {
        let fields = self.fields(value, at, &["item", "at", "do", "output", "export"])?;
        let (item, index) = (
            self.name(fields, at, "item", "item"),
            self.name(fields, at, "at", "index"),
        );
        self.locals.extend([item.to_string(), index.to_string()]);
        let body = match fields.get("do") {
            Some(list) => self.list(list, &format!("{at}/do")).unwrap_or_default(),
            None => Vec::new(),
        };
        let output_as = fields
            .get("output")
            .and_then(|it| self.shaped(it, &format!("{at}/output"), "as"));
        let export_as = fields
            .get("export")
            .and_then(|it| self.shaped(it, &format!("{at}/export"), "as"));
        self.locals.truncate(self.locals.len().saturating_sub(2));
        Some(Foreach {
            item,
            at: index,
            body,
            output_as,
            export_as,
        })
    }

    /// `one`, `any` or `all` of some filters.
    pub(crate) fn strategy(&mut self, value: &Value, at: &str, beside: &[&str]) -> Option<Strategy> {
        let known: Vec<&str> = ["one", "any", "all"].iter().chain(beside).copied().collect();
        let fields = self.fields(value, at, &known)?;
        let modes = [("one", Mode::One), ("any", Mode::Any), ("all", Mode::All)];
        let mut chosen = modes
            .into_iter()
            .filter_map(|(key, mode)| Some((key, mode, fields.get(key)?)));
        let (Some((key, mode, value)), None) = (chosen.next(), chosen.next()) else {
            self.issue(at, "It is one of `one`, `any`, `all`.", "Keep exactly one of them.");
            return None;
        };
        let at = format!("{at}/{key}");
        if mode == Mode::One {
            let filters = self.filter(value, &at).into_iter().collect();
            return Some(Strategy { mode, filters });
        }
        let Some(items) = value.as_array().filter(|it| it.len() <= FILTERS_MAX) else {
            self.issue(
                &at,
                &format!("It must be a list of at most {FILTERS_MAX} filters."),
                "Write `- with: ...`.",
            );
            return None;
        };
        if mode == Mode::All && items.is_empty() {
            self.issue(&at, "`all` of nothing is nothing to wait for.", "Add a filter.");
        }
        let filters = items
            .iter()
            .enumerate()
            .filter_map(|(place, it)| self.filter(it, &format!("{at}/{place}")));
        Some(Strategy {
            mode,
            filters: filters.collect(),
        })
    }

    fn filter(&mut self, value: &Value, at: &str) -> Option<Filter> {
        let fields = self.fields(value, at, &["with", "correlate"])?;
        let with_at = format!("{at}/with");
        let Some(attributes) = fields
            .get("with")
            .and_then(Value::as_object)
            .filter(|it| !it.is_empty())
        else {
            self.issue(
                &with_at,
                "A filter names the event's attributes.",
                "Add `with: { type: ... }`.",
            );
            return None;
        };
        let mut with = BTreeMap::new();
        for (name, value) in attributes {
            let at = format!("{with_at}/{}", escape(name));
            with.extend(self.template(value, &at).map(|it| (name.clone(), it)));
        }
        let mut correlate = BTreeMap::new();
        let correlate_at = format!("{at}/correlate");
        if let Some(keys) = fields.get("correlate") {
            let Some(keys) = keys.as_object() else {
                self.issue(&correlate_at, "It must be a mapping.", "Write `key: { from: ... }`.");
                return None;
            };
            for (key, value) in keys {
                let at = format!("{correlate_at}/{}", escape(key));
                correlate.extend(self.correlation(value, &at).map(|it| (key.clone(), it)));
            }
        }
        Some(Filter { with, correlate })
    }

    fn correlation(&mut self, value: &Value, at: &str) -> Option<Correlate> {
        let fields = self.fields(value, at, &["from", "expect"])?;
        let from_text = self.text(fields, at, "from")?;
        let from = self.bare_field(fields, at, "from")?;
        let expect = fields
            .get("expect")
            .and_then(|it| self.template(it, &format!("{at}/expect")));
        Some(Correlate {
            from,
            from_text,
            expect,
        })
    }
}
