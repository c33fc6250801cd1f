//! Decision tables: GoRules JDM files with one table each, evaluated over `zen-expression`.
//!
//! Invariant: a table is checked whole when it is read (columns, cells that do not compile, unknown node kinds),
//! and compiled once, so that evaluating it can only answer rows or a named error. Function nodes are refused: they bring code.

use crate::memo::Memo;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use signalbox_model::issue::Issue;
use std::collections::BTreeMap;
use std::sync::Arc;
use zen_expression::{Isolate, OpcodeCache};

/// Rules one table may hold.
pub const RULES_MAX: usize = 20_000;

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    /// SHA-256 of the file, hex.
    pub hash: String,
    hit: HitPolicy,
    inputs: Vec<Cells>,
    outputs: Vec<Cells>,
    rules: Vec<Rule>,
    /// The compiled cells and columns, by their text.
    compiled: Arc<OpcodeCache>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum HitPolicy {
    First,
    Collect,
}

#[derive(Clone, Debug, Deserialize)]
struct Cells {
    id: String,
    field: String,
}

#[derive(Clone, Debug)]
struct Rule {
    id: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

/// A rule's cells, expressions as in the table itself, by the field of their column.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenRule {
    #[serde(default)]
    pub when: BTreeMap<String, String>,
    pub then: BTreeMap<String, String>,
}

/// What a table answered: the outputs of each rule that fired, and which rules those were.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub rows: Vec<Value>,
    pub fired: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("table {table}, rule {rule}, column {column}: {why}")]
pub struct Error {
    pub table: String,
    pub rule: String,
    pub column: String,
    pub why: String,
}

static READ: Memo<Table> = Memo::new();

impl Table {
    /// Reads a JDM file: an input node, one decision table, an output node.
    pub fn parse(name: &str, text: &str) -> Result<Arc<Self>, Vec<Issue>> {
        READ.get([name, text], || Self::compile(name, text))
    }

    fn compile(name: &str, text: &str) -> Result<Self, Vec<Issue>> {
        let refuse = |at: &str, why: String| {
            vec![Issue::fatal(
                "table.unreadable",
                at,
                why,
                "Export the table as JDM with one decision table node.",
            )]
        };
        let file: File = serde_json::from_str(text).map_err(|error| refuse("/", error.to_string()))?;
        let mut content = None;
        for (place, node) in file.nodes.into_iter().enumerate() {
            match node.kind.as_str() {
                "inputNode" | "outputNode" => {}
                "decisionTableNode" if content.is_none() => content = Some((place, node.content)),
                other => {
                    return Err(refuse(
                        &format!("/nodes/{place}"),
                        format!("a node of kind {other} is not run here"),
                    ));
                }
            }
        }
        let Some((place, content)) = content else {
            return Err(refuse("/nodes", "there is no decision table node".to_owned()));
        };
        let content: Content = serde_json::from_value(content)
            .map_err(|error| refuse(&format!("/nodes/{place}/content"), error.to_string()))?;
        if content.rules.len() > RULES_MAX {
            return Err(refuse(
                &format!("/nodes/{place}/content/rules"),
                format!("more than {RULES_MAX} rules"),
            ));
        }
        let rules = content
            .rules
            .iter()
            .enumerate()
            .map(|(row, cells)| Rule::read(row, cells, &content))
            .collect();
        let mut table = Self {
            name: name.to_owned(),
            hash: hex::encode(Sha256::digest(text.as_bytes())),
            hit: content.hit_policy,
            inputs: content.inputs,
            outputs: content.outputs,
            rules,
            compiled: Arc::new(OpcodeCache::new()),
        };
        let issues = table.check();
        if issues.is_empty() { Ok(table) } else { Err(issues) }
    }

    /// The same table with other rules, as a test gives them: cells by the field of their column.
    pub fn with_rules(&self, rules: &[GivenRule]) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let read = rules.iter().enumerate().map(|(row, given)| {
            let mut cells = |columns: &[Cells], given: &BTreeMap<String, String>| {
                let unknown = given
                    .keys()
                    .filter(|it| columns.iter().all(|column| column.field != **it));
                issues.extend(unknown.map(|it| {
                    let why = format!("table {} has no column {it} here", self.name);
                    let fix = "`when` takes the table's inputs, `then` its outputs.";
                    Issue::fatal("table.column", format!("rule {}", row + 1), why, fix)
                }));
                columns
                    .iter()
                    .map(|it| given.get(&it.field).cloned().unwrap_or_default())
                    .collect()
            };
            Rule {
                id: (row + 1).to_string(),
                inputs: cells(&self.inputs, &given.when),
                outputs: cells(&self.outputs, &given.then),
            }
        });
        let rules = read.collect();
        let mut table = Self { rules, ..self.clone() };
        issues.extend(table.check());
        if issues.is_empty() { Ok(table) } else { Err(issues) }
    }

    /// Compiles every cell, which must succeed; a rule after one that always fires can never fire under `first`.
    fn check(&mut self) -> Vec<Issue> {
        let mut isolate = Isolate::new();
        let mut compiled = OpcodeCache::new();
        let mut issues = Vec::new();
        for column in self.inputs.iter().filter(|it| !it.field.is_empty()) {
            // A field that does not compile is named when the table is asked, with the rule that reads it.
            if let Ok(code) = isolate.compile_standard(&column.field) {
                let code = Arc::clone(code.bytecode());
                compiled.standard.insert(column.field.as_str().into(), code);
            }
        }
        let mut shadowed = false;
        for rule in &self.rules {
            let cells = rule
                .inputs
                .iter()
                .zip(&self.inputs)
                .map(|(cell, column)| (cell, column, true));
            for (cell, column, unary) in cells.chain(rule.outputs.iter().zip(&self.outputs).map(|(a, b)| (a, b, false)))
            {
                if cell.is_empty() {
                    continue;
                }
                let (code, of_kind) = if unary && !column.field.is_empty() {
                    let code = isolate.compile_unary(cell);
                    (code.map(|it| Arc::clone(it.bytecode())), &mut compiled.unary)
                } else {
                    let code = isolate.compile_standard(cell);
                    (code.map(|it| Arc::clone(it.bytecode())), &mut compiled.standard)
                };
                match code {
                    Ok(code) => drop(of_kind.insert(cell.as_str().into(), code)),
                    Err(error) => {
                        let at = format!("rule {} column {}", rule.id, column.field);
                        let fix = "Correct the expression in this cell.";
                        issues.push(Issue::fatal("table.cell", at, error.to_string(), fix));
                    }
                }
            }
            if shadowed && self.hit == HitPolicy::First {
                let at = format!("rule {}", rule.id);
                let why = "an earlier rule always fires, so this one never does";
                issues.push(Issue::fatal(
                    "table.unreachable",
                    at,
                    why,
                    "Move the catch-all rule to the end.",
                ));
            }
            shadowed = shadowed || rule.inputs.iter().all(String::is_empty);
        }
        self.compiled = Arc::new(compiled);
        issues
    }

    /// Evaluates the rules in order over `input`.
    pub fn evaluate(&self, input: &Value) -> Result<Answer, Error> {
        let mut isolate = Isolate::with_environment(input.clone().into()).with_cache(Some(Arc::clone(&self.compiled)));
        let mut answer = Answer {
            rows: Vec::new(),
            fired: Vec::new(),
        };
        for rule in &self.rules {
            if !self.fires(rule, &mut isolate)? {
                continue;
            }
            let mut row = Map::new();
            for (cell, column) in rule
                .outputs
                .iter()
                .zip(&self.outputs)
                .filter(|(cell, _)| !cell.is_empty())
            {
                let value = isolate
                    .run_standard(cell)
                    .map_err(|error| self.error(rule, column, &error.to_string()))?;
                row.insert(column.field.clone(), value.to_value());
            }
            answer.rows.push(Value::Object(row));
            answer.fired.push(rule.id.clone());
            if self.hit == HitPolicy::First {
                break;
            }
        }
        Ok(answer)
    }

    fn fires(&self, rule: &Rule, isolate: &mut Isolate) -> Result<bool, Error> {
        for (cell, column) in rule
            .inputs
            .iter()
            .zip(&self.inputs)
            .filter(|(cell, _)| !cell.is_empty())
        {
            let fail = |error: zen_expression::IsolateError| self.error(rule, column, &error.to_string());
            let holds = if column.field.is_empty() {
                isolate.run_standard(cell).map_err(fail)?.as_bool().unwrap_or(false)
            } else {
                isolate.set_reference(&column.field).map_err(fail)?;
                isolate.run_unary(cell).map_err(fail)?
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn error(&self, rule: &Rule, column: &Cells, why: &str) -> Error {
        Error {
            table: self.name.clone(),
            rule: rule.id.clone(),
            column: column.field.clone(),
            why: why.to_owned(),
        }
    }
}

impl Rule {
    fn read(row: usize, cells: &Map<String, Value>, content: &Content) -> Self {
        let cell = |id: &str| {
            cells
                .get(id)
                .and_then(Value::as_str)
                .map(|it| it.trim().to_owned())
                .unwrap_or_default()
        };
        let id = cells
            .get("_id")
            .and_then(Value::as_str)
            .map_or_else(|| (row + 1).to_string(), str::to_owned);
        Self {
            id,
            inputs: content.inputs.iter().map(|column| cell(&column.id)).collect(),
            outputs: content.outputs.iter().map(|column| cell(&column.id)).collect(),
        }
    }
}

#[derive(Deserialize)]
struct File {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    content: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    hit_policy: HitPolicy,
    inputs: Vec<Cells>,
    outputs: Vec<Cells>,
    rules: Vec<Map<String, Value>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(hit: &str, rules: Value) -> String {
        json!({"nodes": [
            {"id": "in", "type": "inputNode", "name": "in"},
            {"id": "t", "type": "decisionTableNode", "name": "t", "content": {
                "hitPolicy": hit,
                "inputs": [{"id": "i", "name": "lane", "field": "lane"}, {"id": "w", "name": "grams", "field": "grams"}],
                "outputs": [{"id": "o", "name": "carrier", "field": "carrier"}],
                "rules": rules}},
            {"id": "out", "type": "outputNode", "name": "out"}],
            "edges": []})
        .to_string()
    }

    #[test]
    fn collects_the_rows_that_fire_and_says_which() {
        let rules = json!([
            {"_id": "r1", "i": "'ME>WI'", "w": "< 100", "o": "'LGHT'"},
            {"_id": "r2", "i": "'ME>WI'", "o": "'HAUL'"},
            {"_id": "r3", "i": "'TX>WI'", "o": "'TEXA'"},
            {"_id": "r4", "o": "'ANYW'"}]);
        let table = Table::parse("guide", &file("collect", rules.clone())).unwrap();
        let answer = table.evaluate(&json!({"lane": "ME>WI", "grams": 250})).unwrap();
        assert_eq!(answer.fired, ["r2", "r4"]);
        assert_eq!(answer.rows, [json!({"carrier": "HAUL"}), json!({"carrier": "ANYW"})]);
        let first = Table::parse("guide", &file("first", rules)).unwrap();
        assert_eq!(
            first.evaluate(&json!({"lane": "ME>WI", "grams": 50})).unwrap().fired,
            ["r1"]
        );
    }

    #[test]
    fn refuses_code_nodes_broken_cells_and_unreachable_rules() {
        let code = json!({"nodes": [{"id": "f", "type": "functionNode", "name": "f"}]}).to_string();
        assert!(Table::parse("t", &code).is_err());
        let broken = file("first", json!([{"_id": "r1", "i": "'ME' ++", "o": "1"}]));
        assert_eq!(Table::parse("t", &broken).unwrap_err()[0].code, "table.cell");
        let shadow = file(
            "first",
            json!([{"_id": "r1", "o": "1"}, {"_id": "r2", "i": "'ME'", "o": "2"}]),
        );
        assert_eq!(Table::parse("t", &shadow).unwrap_err()[0].code, "table.unreachable");
    }
}
