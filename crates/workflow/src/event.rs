//! Which events an instance or a definition waits for, so that an owner can route them without knowing the language.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signalbox_expression::Template;

use crate::definition::{Definition, Filter, Read, Strategy, Task, Until};
use crate::instance::{Instance, Listening, Matching, Waits, visit};
use crate::scope::{Machine, Sight};

/// One filter that an event may meet. All that is said here is constant; expressions are judged when the event comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenListen {
    /// The `listen` task, as a JSON pointer; empty for a start.
    pub path: String,
    /// Attributes with a constant value, such as `type`.
    pub with: BTreeMap<String, Value>,
    pub correlate: BTreeMap<String, Correlation>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// The jq program that reads the value from the event.
    pub from: String,
    /// What it must be; `None` when the first event decides.
    pub value: Option<Value>,
}

/// The filters an instance has open.
pub fn listens(definition: &Definition, instance: &Instance) -> Vec<OpenListen> {
    let mut open = Vec::new();
    visit(instance.position.as_ref(), &mut |waits| {
        let Waits::Listen(frame, listening) = waits else { return };
        let Some((_, node)) = definition.at_path(&frame.at) else {
            return;
        };
        let Task::Listen(spec) = &node.task else { return };
        open.extend(filters(&node.path, &spec.to, &listening.to));
        if let (Some(Until::Events(strategy)), Some(matching)) = (&spec.until, &listening.until) {
            open.extend(filters(&node.path, strategy, matching));
        }
    });
    open
}

/// The filters whose event starts an instance of the definition.
pub fn start_events(definition: &Definition) -> Vec<OpenListen> {
    let on = definition.schedule.as_ref().and_then(|it| it.on.as_ref());
    on.map(|it| filters("", it, &Matching::default())).unwrap_or_default()
}

/// The input an event gives to a new instance, when the definition starts on it: a list of one, as the specification has it.
pub fn start_input(definition: &Definition, event: &Value, now: Timestamp) -> Option<Value> {
    let schedule = definition.schedule.as_ref()?;
    let strategy = schedule.on.as_ref()?;
    let machine = Machine {
        definition,
        now,
        id: "",
        input: Value::Null,
        context: Value::Null,
        started: None,
        sequence: 0,
        steps: 0,
        spent_before: signalbox_expression::steps_spent(),
        locals: Vec::new(),
        commands: Vec::new(),
        trace: None,
    };
    let mut matching = Matching::default();
    machine.take_match(strategy, &mut matching, event)?;
    Some(Value::Array(vec![read(schedule.read, event)]))
}

pub(crate) fn read(read: Read, event: &Value) -> Value {
    match read {
        Read::Data => event.get("data").cloned().unwrap_or_default(),
        Read::Envelope => event.clone(),
    }
}

fn filters(path: &str, strategy: &Strategy, matching: &Matching) -> Vec<OpenListen> {
    if strategy.filters.is_empty() {
        return vec![OpenListen {
            path: path.to_owned(),
            with: BTreeMap::new(),
            correlate: BTreeMap::new(),
        }];
    }
    let open = strategy
        .filters
        .iter()
        .enumerate()
        .filter(|(at, _)| !matching.had.contains(at));
    open.map(|(at, filter)| {
        let constant = |(name, it): (&String, &Template)| match it {
            Template::Literal(value) => Some((name.clone(), value.clone())),
            _ => None,
        };
        let correlate = filter.correlate.iter().map(|(key, it)| {
            let expected = matching.expected.get(at).and_then(|it| it.get(key));
            let value = expected.or_else(|| matching.keys.get(key)).cloned();
            (
                key.clone(),
                Correlation {
                    from: it.from_text.clone(),
                    value,
                },
            )
        });
        OpenListen {
            path: path.to_owned(),
            with: filter.with.iter().filter_map(constant).collect(),
            correlate: correlate.collect(),
        }
    })
    .collect()
}

impl Machine<'_> {
    /// Whether the strategy takes the event; if so it is noted in `matching`. `true` when it has all it waits for.
    pub(crate) fn take_match(&self, strategy: &Strategy, matching: &mut Matching, event: &Value) -> Option<bool> {
        use crate::definition::Mode;
        if strategy.filters.is_empty() {
            return Some(true);
        }
        let every = strategy.mode == Mode::All;
        for (at, filter) in strategy.filters.iter().enumerate() {
            if every && matching.had.contains(&at) {
                continue;
            }
            let expected = matching.expected.get(at);
            let Some(keys) = self.fits(filter, expected, &matching.keys, event) else {
                continue;
            };
            matching.keys.extend(keys);
            if every {
                matching.had.push(at);
            }
            return Some(!every || matching.had.len() == strategy.filters.len());
        }
        None
    }

    /// The correlation keys that this event decides, when it fits the filter. An expression that fails does not fit.
    fn fits(
        &self,
        filter: &Filter,
        expected: Option<&BTreeMap<String, Value>>,
        decided: &BTreeMap<String, Value>,
        event: &Value,
    ) -> Option<BTreeMap<String, Value>> {
        let node = self.definition.node(0)?;
        for (name, wanted) in &filter.with {
            let have = event.get(name).unwrap_or(&Value::Null);
            let fits = match wanted {
                Template::Literal(wanted) => have == wanted,
                expression => match self.evaluate(node, expression, Sight::of(have)).ok()? {
                    Value::Bool(holds) => holds,
                    wanted => wanted == *have,
                },
            };
            if !fits {
                return None;
            }
        }
        let mut keys = BTreeMap::new();
        for (key, correlate) in &filter.correlate {
            let value = self.evaluate(node, &correlate.from, Sight::of(event)).ok()?;
            match expected.and_then(|it| it.get(key)).or_else(|| decided.get(key)) {
                Some(wanted) if *wanted != value => return None,
                Some(_) => {}
                None if value.is_null() => return None,
                None => drop(keys.insert(key.clone(), value)),
            }
        }
        Some(keys)
    }

    /// A strategy just opened: its expectations are worked out once, so that they are data.
    pub(crate) fn open_match(
        &self,
        node: &crate::definition::Node,
        strategy: &Strategy,
        input: &Value,
    ) -> Result<Matching, crate::fault::Fault> {
        let mut expected = Vec::new();
        for filter in &strategy.filters {
            let mut keys = BTreeMap::new();
            for (key, correlate) in &filter.correlate {
                if let Some(expect) = &correlate.expect {
                    keys.insert(key.clone(), self.evaluate(node, expect, Sight::of(input))?);
                }
            }
            expected.push(keys);
        }
        if expected.iter().all(BTreeMap::is_empty) {
            expected.clear();
        }
        Ok(Matching {
            expected,
            ..Matching::default()
        })
    }
}

impl Listening {
    pub(crate) fn opened(to: Matching, until: Option<Matching>) -> Listening {
        Listening {
            to,
            until,
            ..Listening::default()
        }
    }
}
