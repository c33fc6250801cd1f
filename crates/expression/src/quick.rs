//! Answering the commonest programs straight from the JSON, without copying the document into the interpreter.
//!
//! The invariant: a quick answer is the interpreter's answer. Whatever is not plainly so gives `None`, and the interpreter decides.

use std::borrow::Cow;
use std::cmp::Ordering;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Cmp;
use jaq_core::path::{Part, Path};
use serde_json::Value;

use crate::program::Variables;

/// Deeper programs are left to the interpreter.
const DEPTH_MAX: usize = 16;

#[derive(Debug)]
pub(crate) enum Quick {
    Literal(Value),
    Path { root: Option<String>, steps: Vec<Step> },
    Compare(Box<Quick>, Cmp, Box<Quick>),
    And(Box<Quick>, Box<Quick>),
    Or(Box<Quick>, Box<Quick>),
}

#[derive(Debug)]
pub(crate) enum Step {
    Field(String),
    Item(i64),
}

impl Quick {
    pub(crate) fn read(term: &Term<&str>, variables: &[&str]) -> Option<Quick> {
        read(term, variables, DEPTH_MAX)
    }

    pub(crate) fn run(&self, input: &Value, variables: Variables<'_, '_>) -> Option<Value> {
        self.evaluate(input, variables).map(Cow::into_owned)
    }

    fn evaluate<'r, 'v: 'r>(&'r self, input: &'r Value, variables: Variables<'_, 'v>) -> Option<Cow<'r, Value>> {
        match self {
            Quick::Literal(it) => Some(Cow::Borrowed(it)),
            Quick::Path { root: None, steps } => follow(input, steps).map(Cow::Borrowed),
            Quick::Path {
                root: Some(name),
                steps,
            } => match variables(name)? {
                Cow::Borrowed(root) => follow(root, steps).map(Cow::Borrowed),
                Cow::Owned(root) => follow(&root, steps).map(|it| Cow::Owned(it.clone())),
            },
            Quick::Compare(left, how, right) => {
                let (left, right) = (left.evaluate(input, variables)?, right.evaluate(input, variables)?);
                compare(&left, *how, &right).map(|it| Cow::Owned(Value::Bool(it)))
            }
            Quick::And(left, right) => {
                let both = left.holds(input, variables)? && right.holds(input, variables)?;
                Some(Cow::Owned(Value::Bool(both)))
            }
            Quick::Or(left, right) => {
                let either = left.holds(input, variables)? || right.holds(input, variables)?;
                Some(Cow::Owned(Value::Bool(either)))
            }
        }
    }

    fn holds(&self, input: &Value, variables: Variables<'_, '_>) -> Option<bool> {
        // Only the truth is wanted, so an owned copy of a variable may be dropped here.
        match self {
            Quick::Path {
                root: Some(name),
                steps,
            } => variables(name).and_then(|root| follow(&root, steps).map(truth)),
            other => other.run_for_truth(input, variables),
        }
    }

    fn run_for_truth(&self, input: &Value, variables: Variables<'_, '_>) -> Option<bool> {
        self.run(input, variables).as_ref().map(truth)
    }
}

fn truth(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

fn read(term: &Term<&str>, variables: &[&str], depth: usize) -> Option<Quick> {
    let depth = depth.checked_sub(1)?;
    let both = |left, right| {
        Some((
            Box::new(read(left, variables, depth)?),
            Box::new(read(right, variables, depth)?),
        ))
    };
    Some(match term {
        Term::Id => Quick::Path {
            root: None,
            steps: Vec::new(),
        },
        Term::Var(name) => Quick::Path {
            root: Some(known(name, variables)?),
            steps: Vec::new(),
        },
        Term::Num(text) => Quick::Literal(Value::from(text.parse::<i64>().ok()?)),
        Term::Str(..) => Quick::Literal(Value::String(literal(term)?)),
        Term::Call("null", arguments) if arguments.is_empty() => Quick::Literal(Value::Null),
        Term::Call("true", arguments) if arguments.is_empty() => Quick::Literal(Value::Bool(true)),
        Term::Call("false", arguments) if arguments.is_empty() => Quick::Literal(Value::Bool(false)),
        Term::Path(root, Path(parts)) => {
            let root = match &**root {
                Term::Id => None,
                Term::Var(name) => Some(known(name, variables)?),
                _ => return None,
            };
            let steps = parts.iter().map(|(part, _)| step(part)).collect::<Option<_>>()?;
            Quick::Path { root, steps }
        }
        Term::BinOp(left, BinaryOp::Cmp(how), right) => {
            let (left, right) = both(left, right)?;
            Quick::Compare(left, *how, right)
        }
        Term::BinOp(left, BinaryOp::And, right) => {
            let (left, right) = both(left, right)?;
            Quick::And(left, right)
        }
        Term::BinOp(left, BinaryOp::Or, right) => {
            let (left, right) = both(left, right)?;
            Quick::Or(left, right)
        }
        _ => return None,
    })
}

fn known(name: &str, variables: &[&str]) -> Option<String> {
    let name = name.strip_prefix('$')?;
    variables.contains(&name).then(|| name.to_owned())
}

fn literal(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    match parts.as_slice() {
        [] => Some(String::new()),
        [StrPart::Str(text)] => Some((*text).to_owned()),
        _ => None,
    }
}

fn step(part: &Part<Term<&str>>) -> Option<Step> {
    match part {
        Part::Index(Term::Num(text)) => text.parse().ok().map(Step::Item),
        Part::Index(key) => literal(key).map(Step::Field),
        Part::Range(..) => None,
    }
}

fn follow<'v>(root: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(root, |at, step| match (at, step) {
        (Value::Null, _) => Some(&Value::Null),
        (Value::Object(fields), Step::Field(key)) => Some(fields.get(key).unwrap_or(&Value::Null)),
        (Value::Array(items), Step::Item(index)) => {
            let index = usize::try_from(*index).ok()?;
            Some(items.get(index).unwrap_or(&Value::Null))
        }
        _ => None,
    })
}

/// Scalars of one kind, and null against anything; the rest is for the interpreter.
fn compare(left: &Value, how: Cmp, right: &Value) -> Option<bool> {
    let order = match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bool(l), Value::Bool(r)) => l.cmp(r),
        (Value::String(l), Value::String(r)) => l.cmp(r),
        (Value::Number(l), Value::Number(r)) => match (l.as_i64(), r.as_i64()) {
            (Some(l), Some(r)) => l.cmp(&r),
            _ => return None,
        },
        _ => return None,
    };
    Some(match how {
        Cmp::Lt => order.is_lt(),
        Cmp::Le => order.is_le(),
        Cmp::Gt => order.is_gt(),
        Cmp::Ge => order.is_ge(),
        Cmp::Eq => order.is_eq(),
        Cmp::Ne => order.is_ne(),
    })
}
