//! A playbook's own tests: what its tables answer, what its policies allow, what its templates say and what its workflow
//! calls, written as YAML in its folder and run without a server. `docs/PLAYBOOKS.md` shows how they are written.
//!
//! Invariant: a test judges the very code that runs the playbook, with the clock and every answer given; so it says the
//! same on every machine. A test file is read whole or refused, and one without a case is refused.

mod case;
mod workflow;

use crate::playbook::{self, Files, Playbook};
use case::{PolicyCase, TableCase, TemplateCase};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signalbox_model::issue::Issue;
use workflow::WorkflowCase;

/// Cases of one playbook.
pub const CASES_MAX: usize = 1_000;
/// Bytes of one test file.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestOutcome {
    /// The file's path in the playbook's folder.
    pub file: String,
    pub name: String,
    pub passed: bool,
    /// What was expected and what came instead.
    pub why: Option<String>,
}

/// The cases of one file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    #[serde(default)]
    tables: Vec<TableCase>,
    #[serde(default)]
    policies: Vec<PolicyCase>,
    #[serde(default)]
    templates: Vec<TemplateCase>,
    #[serde(default)]
    workflows: Vec<WorkflowCase>,
}

/// Runs every case of the playbook, in the order of files and of cases within. Issues where the playbook or a test cannot
/// be read.
pub fn run(files: &Files) -> Result<Vec<TestOutcome>, Vec<Issue>> {
    let playbook = playbook::check(files)?;
    let mut outcomes = Vec::new();
    for (file, cases) in read(files)? {
        for (name, judged) in cases.judge(&playbook) {
            let (passed, why) = (judged.is_ok(), judged.err());
            let (file, name) = (file.clone(), name.to_owned());
            outcomes.push(TestOutcome {
                file,
                name,
                passed,
                why,
            });
        }
    }
    Ok(outcomes)
}

/// Reads the playbook's test files.
pub(crate) fn read(files: &Files) -> Result<Vec<(String, Cases)>, Vec<Issue>> {
    let mut read = Vec::new();
    let mut issues = Vec::new();
    for (path, text) in files
        .iter()
        .filter(|(path, _)| path.starts_with("tests/") && path.ends_with(".yaml"))
    {
        match Cases::parse(path, text) {
            Ok(cases) => read.push((path.clone(), cases)),
            Err(issue) => issues.push(issue),
        }
    }
    let cases: usize = read.iter().map(|(_, it)| it.count()).sum();
    if cases > CASES_MAX {
        let why = format!("the playbook has {cases} test cases, more than {CASES_MAX}");
        issues.push(Issue::fatal(
            "playbook.test_many",
            "tests/",
            why,
            "Split the playbook, or test less twice.",
        ));
    }
    if issues.is_empty() { Ok(read) } else { Err(issues) }
}

impl Cases {
    fn parse(path: &str, text: &str) -> Result<Self, Issue> {
        let fix = "docs/PLAYBOOKS.md shows what a test may say.";
        if text.len() > FILE_BYTES_MAX {
            let why = format!("the file is longer than {FILE_BYTES_MAX} bytes");
            return Err(Issue::fatal("playbook.test_unreadable", path, why, "Split it."));
        }
        // As workflows are read: `no` and `on` are texts.
        let yaml = serde_saphyr::options! { strict_booleans: true };
        let cases: Self = serde_saphyr::from_str_with_options(text, yaml).map_err(|error| {
            let place = error.location().map(|it| format!(":{}:{}", it.line(), it.column()));
            let at = format!("{path}{}", place.unwrap_or_default());
            Issue::fatal("playbook.test_unreadable", at, error.without_snippet().to_string(), fix)
        })?;
        if cases.count() == 0 {
            let why = "the file has no case, so that it would always pass";
            return Err(Issue::fatal("playbook.test_empty", path, why, fix));
        }
        Ok(cases)
    }

    fn count(&self) -> usize {
        self.tables.len() + self.policies.len() + self.templates.len() + self.workflows.len()
    }

    fn judge(&self, playbook: &Playbook) -> Vec<(&str, Result<(), String>)> {
        let tables = self.tables.iter().map(|it| (it.name.as_str(), it.judge(playbook)));
        let policies = self.policies.iter().map(|it| (it.name.as_str(), it.judge(playbook)));
        let templates = self.templates.iter().map(|it| (it.name.as_str(), it.judge(playbook)));
        let workflows = self.workflows.iter().map(|it| (it.name.as_str(), it.judge(playbook)));
        tables.chain(policies).chain(templates).chain(workflows).collect()
    }
}

/// Refuses what came if it is not what was expected.
fn expect(what: &str, expected: &Value, came: &Value) -> Result<(), String> {
    if same(expected, came) {
        return Ok(());
    }
    Err(format!("{what}: expected {expected}, got {came}"))
}

/// Equal as people mean it: 1 and 1.0 are the same number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let has = |(name, value): (&String, &Value)| right.get(name).is_some_and(|it| same(value, it));
            left.len() == right.len() && left.iter().all(has)
        }
        _ => left == right, // Plain values, and values of different kinds.
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::shipped;

    fn with(path: &str, text: &str) -> Files {
        let mut files = shipped().remove(0);
        files.insert(path.to_owned(), text.to_owned());
        files
    }

    /// Why the only case of this text fails; `None` if it passes.
    fn why(text: &str) -> Option<String> {
        let outcomes = run(&with("tests/z.yaml", text)).unwrap();
        let outcome = outcomes.into_iter().find(|it| it.file == "tests/z.yaml").unwrap();
        assert_eq!(outcome.passed, outcome.why.is_none());
        outcome.why
    }

    #[test]
    fn every_shipped_playbook_passes_its_own_tests_and_has_some_for_all_that_it_holds() {
        for files in shipped() {
            let outcomes = run(&files).unwrap_or_else(|issues| panic!("{issues:#?}"));
            let failed: Vec<_> = outcomes.iter().filter(|it| !it.passed).collect();
            assert!(failed.is_empty(), "{failed:#?}");
            let cases = read(&files).unwrap();
            let has_tables = files.keys().any(|it| it.starts_with("tables/"));
            assert_eq!(cases.iter().any(|(_, it)| !it.tables.is_empty()), has_tables);
            assert!(cases.iter().any(|(_, it)| !it.policies.is_empty()));
            assert!(cases.iter().any(|(_, it)| !it.templates.is_empty()));
            assert!(cases.iter().any(|(_, it)| !it.workflows.is_empty()));
        }
    }

    #[test]
    fn a_wrong_expectation_fails_and_says_what_came() {
        let rows = why("tables: [{name: n, table: routing-guide, input: {lane: ME>WI}, rows: [{carrier: JBHT}]}]");
        assert_eq!(rows.unwrap(), r#"rows: expected [{"carrier":"JBHT"}], got []"#);
        let policy = why("policies: [{name: n, action: make_offer, answer: forbid, \
             facts: {rate_minor: 1, rate_cap_minor: 2, currency: USD, rate_cap_currency: USD}}]");
        assert_eq!(policy.unwrap(), "answer: expected \"forbid\", got \"allow\"");
        let text = why("templates: [{name: n, template: exhausted, text: Nothing, \
             data: {load: {reference: R, lane: ME>WI}, offers: []}}]");
        assert!(
            text.unwrap()
                .starts_with("text: expected \"Nothing\", got \"No carrier")
        );
    }

    #[test]
    fn a_policy_that_lacks_a_fact_never_passes() {
        let policy = why("policies: [{name: n, action: make_offer, answer: needs_approval, facts: {rate_minor: 1}}]");
        assert!(
            policy
                .as_ref()
                .is_some_and(|it| it.starts_with("the policies could not be judged")),
            "{policy:?}"
        );
    }

    #[test]
    fn a_workflow_that_does_otherwise_fails_at_the_step() {
        let story = |steps: &str, ends: &str| {
            why(&format!(
                "workflows: [{{name: n, event: {{type: dispatch.load.created, data: {{load: {{}}}}}}, ends: {ends}, steps: [{steps}]}}]"
            ))
        };
        let decide = "{call: decide, returns: {rows: []}}, {call: start-tender}";
        let whole = format!("{decide}, {{call: close-tender}}, {{call: raise-exception}}");
        assert_eq!(story(&whole, "completed"), None);
        let other = story(&format!("{decide}, {{call: make-offer}}"), "waiting").unwrap();
        assert!(
            other.starts_with("step 3: expected a call of make-offer, got close-tender"),
            "{other}"
        );
        let open = story(decide, "waiting").unwrap();
        assert!(open.starts_with("after the last step: close-tender"), "{open}");
        let end = story(&whole, "waiting").unwrap();
        assert_eq!(end, "the end: expected \"waiting\", got \"completed\"");
        let with = story("{call: decide, with: {table: prices}}", "waiting").unwrap();
        assert!(with.starts_with("step 1: table: expected \"prices\""), "{with}");
        let failed = story("{call: decide, fails: no such table}", "faulted");
        assert_eq!(failed, None);
        let deaf = story(&format!("{whole}, {{event: dispatch.offer.accepted}}"), "completed").unwrap();
        assert!(deaf.starts_with("step 5: "), "{deaf}");
    }

    #[test]
    fn what_a_test_file_should_not_say_is_an_issue_with_file_and_place() {
        let issue = |text: &str| run(&with("tests/z.yaml", text)).unwrap_err().remove(0);
        let unknown = issue("templates:\n  - name: n\n    template: exhausted\n    txt: a\n");
        assert!(unknown.at.starts_with("tests/z.yaml:"), "{unknown:?}");
        assert!(unknown.why.contains("txt"), "{unknown:?}");
        let neither = issue("templates: [{name: n, template: exhausted, data: {}}]");
        assert!(neither.why.contains("either text or fails"), "{neither:?}");
        assert_eq!(issue("tables: []").code, "playbook.test_empty");
        assert_eq!(issue("[1").code, "playbook.test_unreadable");
        let two = "workflows: [{name: n, event: {type: t}, ends: waiting, steps: [{call: decide, event: e}]}]";
        assert!(
            issue(two).why.contains("one of call, event and after"),
            "{:?}",
            issue(two)
        );
    }
}
