//! JSON with expressions in it: a text that is exactly one `${ ... }` stands for the expression's answer.
//!
//! The invariant: only the definition's author writes expressions. What an expression answers is data, and data is never evaluated.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::cache::Cache;
use crate::program::{Error, Program, Variables};
use crate::value::DEPTH_MAX;

/// A JSON document compiled once.
#[derive(Debug, Clone)]
pub enum Template {
    Literal(Value),
    Program(Arc<Program>),
    Array(Vec<Template>),
    Object(BTreeMap<String, Template>),
}

/// The program inside `${ ... }`, when the text is exactly one such expression.
pub fn unwrap_expression(text: &str) -> Option<&str> {
    Some(text.trim().strip_prefix("${")?.strip_suffix('}')?.trim())
}

impl Template {
    /// Compiles every expression in `json`. On failure: where (a JSON pointer into `json`) and why.
    pub fn compile(json: &Value, variables: &[&str], cache: &mut Cache) -> Result<Template, (String, Error)> {
        compile(json, variables, cache, DEPTH_MAX)
    }

    /// A template that is one program.
    pub fn program(source: &str, variables: &[&str], cache: &mut Cache) -> Result<Template, Error> {
        cache.compile(source, variables).map(Template::Program)
    }

    pub fn evaluate(&self, input: &Value, variables: Variables<'_, '_>) -> Result<Value, Error> {
        Ok(match self {
            Template::Literal(it) => it.clone(),
            Template::Program(program) => program.run(input, variables)?,
            Template::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|it| it.evaluate(input, variables))
                    .collect::<Result<_, _>>()?,
            ),
            Template::Object(fields) => {
                let field = |(key, it): (&String, &Template)| Ok((key.clone(), it.evaluate(input, variables)?));
                Value::Object(fields.iter().map(field).collect::<Result<Map<_, _>, Error>>()?)
            }
        })
    }

    /// See [`Program::take`].
    pub fn take(&self, input: Value) -> Result<Value, Value> {
        match self {
            Template::Program(program) => program.take(input),
            _ => Err(input),
        }
    }

    /// True when some expression in it reads this variable.
    pub fn uses(&self, variable: &str) -> bool {
        match self {
            Template::Literal(_) => false,
            Template::Program(program) => program.uses(variable),
            Template::Array(items) => items.iter().any(|it| it.uses(variable)),
            Template::Object(fields) => fields.values().any(|it| it.uses(variable)),
        }
    }
}

fn compile(json: &Value, variables: &[&str], cache: &mut Cache, depth: usize) -> Result<Template, (String, Error)> {
    let Some(rest) = depth.checked_sub(1) else {
        let why = format!("it nests more than {DEPTH_MAX} deep");
        return Err((
            String::new(),
            Error::Compile {
                source_text: "…".to_owned(),
                at: None,
                why,
            },
        ));
    };
    let mut inside = |key: &str, it: &Value| {
        compile(it, variables, cache, rest).map_err(|(at, error)| (format!("/{}{at}", escape(key)), error))
    };
    let compiled = match json {
        Value::String(text) => match unwrap_expression(text) {
            Some(source) => {
                let program = cache.compile(source, variables);
                return program.map(Template::Program).map_err(|error| (String::new(), error));
            }
            None => Template::Literal(json.clone()),
        },
        Value::Array(items) => {
            let items = items.iter().enumerate().map(|(at, it)| inside(&at.to_string(), it));
            Template::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, it)| Ok((key.clone(), inside(key, it)?)));
            Template::Object(fields.collect::<Result<_, _>>()?)
        }
        other => Template::Literal(other.clone()),
    };
    Ok(simplified(compiled, json))
}

/// A part without expressions is copied whole.
fn simplified(template: Template, json: &Value) -> Template {
    let constant = match &template {
        Template::Literal(_) => return template,
        Template::Program(_) => false,
        Template::Array(items) => items.iter().all(|it| matches!(it, Template::Literal(_))),
        Template::Object(fields) => fields.values().all(|it| matches!(it, Template::Literal(_))),
    };
    if constant {
        Template::Literal(json.clone())
    } else {
        template
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
