//! Drives an instance by hand and writes down what it orders.

use jiff::Timestamp;
use serde_json::Value;
use signalbox_workflow::{
    Advance, Command, Definition, Fault, Instance, Stimulus, advance_traced, open_calls, open_timers,
};

pub struct Run {
    pub definition: Definition,
    pub instance: Instance,
    pub now: Timestamp,
    /// Calls ordered: id, function, arguments.
    pub calls: Vec<(String, String, Value)>,
    pub emitted: Vec<Value>,
    pub entered: Vec<String>,
}

impl Run {
    pub fn new(yaml: &str) -> Run {
        let definition = Definition::parse(yaml).unwrap_or_else(|issues| panic!("{issues:#?}"));
        let instance = Instance::new("i1", &definition);
        let now = "2026-03-01T08:00:00Z".parse().unwrap();
        Run {
            definition,
            instance,
            now,
            calls: Vec::new(),
            emitted: Vec::new(),
            entered: Vec::new(),
        }
    }

    /// Advances twice, once from a stored copy: both must order the same and stand at the same place.
    pub fn take(&mut self, stimulus: Stimulus) -> Advance {
        let text = serde_json::to_string(&self.instance).unwrap();
        let mut stored: Instance = serde_json::from_str(&text).unwrap();
        let from_stored = advance_traced(&self.definition, &mut stored, stimulus.clone(), self.now);
        let advanced = advance_traced(&self.definition, &mut self.instance, stimulus, self.now);
        assert_eq!(from_stored, advanced, "a stored instance goes on differently");
        assert_eq!(stored, self.instance);
        if advanced.ignored.is_some() {
            assert_eq!(
                serde_json::to_string(&self.instance).unwrap(),
                text,
                "ignored, and yet changed"
            );
        }
        for command in &advanced.commands {
            match command {
                Command::Call { call, function, with } => {
                    self.calls.push((call.clone(), function.clone(), with.clone()));
                }
                Command::RunWorkflow { call, name, input, .. } => {
                    self.calls.push((call.clone(), name.clone(), input.clone()));
                }
                Command::Emit { event } => self.emitted.push(event.clone()),
                _ => {}
            }
        }
        let entered = advanced
            .trace
            .iter()
            .filter(|it| it.kind == signalbox_workflow::StepKind::Entered);
        self.entered.extend(entered.map(|it| it.path.to_string()));
        if self.instance.is_over() {
            assert!(open_calls(&self.instance).is_empty() && open_timers(&self.instance).is_empty());
        }
        advanced
    }

    /// What a stimulus brought about, in words.
    pub fn told(&mut self, stimulus: Stimulus) -> String {
        let known = self.calls.clone();
        let advanced = self.take(stimulus);
        if let Some(reason) = advanced.ignored {
            return format!("ignored: {reason}");
        }
        let function = |call: &str| {
            let calls = known.iter().chain(&self.calls);
            calls
                .clone()
                .find(|(id, _, _)| id == call)
                .map_or("?", |(_, function, _)| function.as_str())
                .to_owned()
        };
        let told: Vec<String> = advanced
            .commands
            .iter()
            .map(|command| match command {
                Command::Call { function, with, .. } => format!("call {function} {with}"),
                Command::CancelCall { call } => format!("cancel call {}", function(call)),
                Command::SetTimer { due, .. } => format!("timer {:#}", due.duration_since(self.now)),
                Command::CancelTimer { .. } => "cancel timer".to_owned(),
                Command::Emit { event } => format!("emit {} {}", event["type"].as_str().unwrap(), event["data"]),
                Command::RunWorkflow {
                    name, version, input, ..
                } => format!("run {name} {version} {input}"),
                Command::Completed { output } => format!("completed {output}"),
                Command::Faulted { error } => {
                    let kind = error.kind.rsplit('/').next().unwrap_or_default();
                    format!(
                        "faulted {kind} {} at {}",
                        error.status,
                        error.instance.as_deref().unwrap_or("?")
                    )
                }
            })
            .collect();
        if told.is_empty() {
            "waits".to_owned()
        } else {
            told.join("; ")
        }
    }

    pub fn start(&mut self, input: Value) -> String {
        self.told(Stimulus::Start { input })
    }

    pub fn event(&mut self, event: Value) -> String {
        self.told(Stimulus::Event(event))
    }

    /// Moves the clock to the timer that is due first, and rings it.
    pub fn ring(&mut self) -> String {
        let mut open = open_timers(&self.instance);
        open.sort_by_key(|(_, due)| *due);
        let (timer, due) = open.first().cloned().expect("no timer is set");
        self.now = due;
        self.told(Stimulus::Timer { timer })
    }

    /// Returns the open call of a function.
    pub fn returns(&mut self, function: &str, result: Result<Value, Fault>) -> String {
        let open = open_calls(&self.instance);
        let found = self
            .calls
            .iter()
            .find(|(id, name, _)| name == function && open.contains(id));
        let call = found.expect("no such call is open").0.clone();
        self.told(Stimulus::CallReturned { call, result })
    }
}

pub fn fault(kind: &str, status: u16) -> Fault {
    let kind = format!("https://serverlessworkflow.io/spec/1.0.0/errors/{kind}");
    Fault {
        kind,
        status,
        title: Some(format!("{status}")),
        detail: None,
        instance: None,
    }
}

/// A definition of ours around some tasks (and whatever else stands at the top).
pub fn definition(rest: &str) -> String {
    format!("document:\n  dsl: '1.0.3'\n  namespace: test\n  name: example\n  version: '1.0.0'\n{rest}")
}
