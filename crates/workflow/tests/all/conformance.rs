//! The specification's own examples and conformance features, where they lie beside the project. They are read, never copied.

use std::path::PathBuf;

use crate::support::{Run, fault};
use serde_json::{Value, json};
use signalbox_workflow::{Definition, Status, Stimulus, open_calls};

fn corpus(folder: &str, extension: &str) -> Option<Vec<(String, String)>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus/open-workflow")
        .join(folder);
    let Ok(entries) = std::fs::read_dir(&root) else {
        eprintln!("SKIPPED: there is no {}", root.display());
        return None;
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|it| it.path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == extension));
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    Some(files.iter().map(read).collect())
}

/// Why an example may be refused: what we chose not to run.
const REFUSALS: [&str; 5] = [
    "Programs are not run",
    "Schemas are not checked",
    "Extensions change tasks",
    "none is fetched",
    "A subscription is no call",
];

#[test]
fn every_example_parses_or_is_refused_with_a_reason() {
    let Some(examples) = corpus("examples", "yaml") else {
        return;
    };
    let (mut parsed, mut refused) = (0, 0);
    for (name, text) in &examples {
        match Definition::parse(text) {
            Ok(definition) => {
                parsed += 1;
                let mut instance = signalbox_workflow::Instance::new("i", &definition);
                let start = Stimulus::Start { input: json!({}) };
                signalbox_workflow::advance(&definition, &mut instance, start, jiff::Timestamp::UNIX_EPOCH);
                assert_ne!(instance.status, Status::Ready, "{name}");
            }
            Err(issues) => {
                refused += 1;
                println!("refused {name}: {}", issues[0]);
                for issue in &issues {
                    let known = REFUSALS.iter().any(|it| issue.why.contains(it));
                    assert!(known && !issue.fix.is_empty(), "{name} should parse: {issue}");
                }
            }
        }
    }
    println!(
        "{parsed} of {} examples parse, {refused} are refused with a reason",
        examples.len()
    );
    assert!(parsed > refused, "only {parsed} of {} examples parse", examples.len());
}

/// A scenario of a feature file: its name, and its steps with the text block that follows each.
type Scenario = (String, Vec<(String, Option<String>)>);

fn scenarios(feature: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut lines = feature.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("Scenario:") {
            scenarios.push((name.trim().to_owned(), Vec::new()));
            continue;
        }
        let Some((_, steps)) = scenarios.last_mut() else {
            continue;
        };
        if line.starts_with("\"\"\"") {
            let block: Vec<&str> = lines
                .by_ref()
                .take_while(|it| !it.trim().starts_with("\"\"\""))
                .collect();
            if let Some((_, text)) = steps.last_mut() {
                *text = Some(block.join("\n"));
            }
            continue;
        }
        let step = ["Given ", "When ", "Then ", "And "]
            .iter()
            .find_map(|it| line.strip_prefix(it));
        steps.extend(step.map(|it| (it.trim_start_matches("given ").to_owned(), None)));
    }
    scenarios
}

fn yaml(block: &Option<String>) -> Value {
    serde_saphyr::from_str(block.as_deref().expect("a text block")).unwrap()
}

/// Stands in for the pet shop and the login page that the features call.
fn answer(function: &str, with: &Value) -> Result<Value, signalbox_workflow::Fault> {
    let pet = |id: i64| json!({"id": id, "name": "Milou", "status": "available"});
    let uri = with
        .pointer("/endpoint/uri")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let content = match (function, with.get("operationId").and_then(Value::as_str)) {
        ("openapi", Some("getPetById")) => pet(1),
        ("openapi", _) => json!([pet(1), pet(2)]),
        _ if uri.contains("getPetByName") => return Err(fault("communication", 404)),
        _ if uri.contains("findByStatus") => json!([pet(1), pet(2)]),
        _ if uri.contains("basic-auth") => json!({"authenticated": true}),
        _ => pet(uri
            .rsplit('/')
            .next()
            .and_then(|it| it.parse().ok())
            .expect("an id in the address")),
    };
    Ok(match with.get("output").and_then(Value::as_str) {
        Some("response") => json!({
            "request": {"method": "get", "uri": uri, "headers": {}},
            "headers": {}, "statusCode": 200, "content": content,
        }),
        _ => content,
    })
}

fn execute(text: &str, input: Value) -> Run {
    let mut run = Run::new(text);
    run.take(Stimulus::Start { input });
    while let Some(call) = open_calls(&run.instance).first().cloned() {
        let (_, function, with) = run.calls.iter().find(|(id, _, _)| *id == call).unwrap().clone();
        run.take(Stimulus::CallReturned {
            call,
            result: answer(&function, &with),
        });
    }
    run
}

/// Judges one `Then`; `Err` says what is otherwise.
fn judge(run: &Run, step: &str, block: &Option<String>) -> Result<(), String> {
    let output = match &run.instance.status {
        Status::Completed { output } => Ok(output),
        other => Err(format!("{other:?}")),
    };
    let property = |name: &str| -> Result<Value, String> {
        let path = format!("/{}", name.replace('.', "/"));
        output
            .clone()?
            .pointer(&path)
            .cloned()
            .ok_or(format!("no {name} in {}", output.clone()?))
    };
    let quoted: Vec<&str> = step.split('\'').skip(1).step_by(2).collect();
    let ran = |name: &str| -> Vec<usize> {
        let named = |it: &(usize, &String)| it.1.rsplit('/').next() == Some(name);
        let tasks = run.entered.iter().filter(|it| !it.is_empty()).enumerate();
        tasks.filter(named).map(|(at, _)| at).collect()
    };
    let same = |found: Value, wanted: Value| {
        if found == wanted {
            Ok(())
        } else {
            Err(format!("{found} is not {wanted}"))
        }
    };
    let words: Vec<&str> = step.split(' ').collect();
    match words.as_slice() {
        ["the", "workflow", "should", "complete"] => output.map(|_| ()),
        ["the", "workflow", "should", "complete", "with", "output:"] => same(output?.clone(), yaml(block)),
        ["the", "workflow", "should", "fault"] | ["the", "workflow", "should", "fault", "with", "error:"] => {
            let Status::Faulted { error } = &run.instance.status else {
                return Err(format!("{:?}", run.instance.status));
            };
            let Some(block) = block else { return Ok(()) };
            let (found, wanted) = (serde_json::to_value(error).unwrap(), yaml(&Some(block.clone())));
            for (key, value) in wanted.as_object().unwrap() {
                same(found[key].clone(), value.clone())?;
            }
            Ok(())
        }
        [.., "with", "value:"] => same(property(quoted[0])?, yaml(block)),
        [.., "containing", count, "items"] => {
            let found = property(quoted[0])?.as_array().map(Vec::len);
            if found == count.parse().ok() {
                Ok(())
            } else {
                Err(format!("{found:?} items"))
            }
        }
        ["the", "workflow", "output", "should", "have", "properties", ..] => {
            quoted.iter().try_for_each(|it| property(it).map(|_| ()))
        }
        [task, "should", "run", "first"] => ran(task).contains(&0).then_some(()).ok_or(format!("{:?}", run.entered)),
        [task, "should", "run", "last"] => {
            let last = run.entered.len() - 2;
            ran(task)
                .contains(&last)
                .then_some(())
                .ok_or(format!("{:?}", run.entered))
        }
        [task, "should", "run", "after", other] => {
            let after = ran(task).first() > ran(other).first() && !ran(other).is_empty();
            after.then_some(()).ok_or(format!("{:?}", run.entered))
        }
        _ => Err(format!("no such step: {step}")),
    }
}

#[test]
fn every_conformance_scenario_holds() {
    let Some(features) = corpus("features", "feature") else {
        return;
    };
    let (mut held, mut broken) = (0, Vec::new());
    for (feature, text) in features {
        for (name, steps) in scenarios(&text) {
            let block = |start: &str| {
                steps
                    .iter()
                    .find(|(step, _)| step.starts_with(start))
                    .map(|(_, block)| block)
            };
            let definition = block("a workflow with definition")
                .cloned()
                .flatten()
                .expect("a definition");
            let input = block("the workflow input is").map_or(json!({}), yaml);
            let run = execute(&definition, input);
            let thens = steps
                .iter()
                .skip_while(|(step, _)| step != "the workflow is executed")
                .skip(1);
            let failed: Vec<String> = thens
                .filter_map(|(step, block)| judge(&run, step, block).err().map(|it| format!("{step}: {it}")))
                .collect();
            if failed.is_empty() {
                held += 1;
            } else {
                broken.push(format!("{feature}: {name}: {}", failed.join("; ")));
            }
        }
    }
    println!("{held} conformance scenarios hold, {} do not", broken.len());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
