//! Answering the commonest programs straight from the JSON, without copying the document into the interpreter.
//!
//! The invariant: a quick answer is the interpreter's answer. Whatever is not plainly so gives `None`, and the interpreter decides.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::ops::Cmp;
use jaq_core::path::{Part, Path};
use serde_json::{Map, Value};

use crate::program::Variables;
use crate::value::DEPTH_MAX as VALUE_DEPTH_MAX;

/// Deeper programs are left to the interpreter.
const DEPTH_MAX: usize = 16;
/// Values and bytes of text in an object made here; far less than the interpreter's own limit.
const MADE_MAX: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) enum Quick {
    Literal(Value),
    Path {
        root: Option<String>,
        steps: Vec<Step>,
    },
    Compare(Box<Quick>, Cmp, Box<Quick>),
    And(Box<Quick>, Box<Quick>),
    Or(Box<Quick>, Box<Quick>),
    /// `left // right`.
    Else(Box<Quick>, Box<Quick>),
    Pipe(Box<Quick>, Box<Quick>),
    /// Its fields by name, as the interpreter orders them.
    Object(BTreeMap<String, Quick>),
    SortBy(Box<Quick>),
}

/// One step down into a value.
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
        let answer = self.evaluate(input, variables)?;
        is_plain(&answer).then(|| answer.into_owned())
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
            Quick::Else(left, right) => match left.evaluate(input, variables)? {
                left if truth(&left) => Some(left),
                _ => right.evaluate(input, variables),
            },
            Quick::Pipe(left, right) => match left.evaluate(input, variables)? {
                Cow::Borrowed(between) => right.evaluate(between, variables),
                Cow::Owned(between) => Some(Cow::Owned(right.run(&between, variables)?)),
            },
            Quick::Object(fields) => {
                let field = |(name, it): (&String, &Quick)| Some((name.clone(), it.run(input, variables)?));
                let made = Value::Object(fields.iter().map(field).collect::<Option<Map<_, _>>>()?);
                is_small(&made).then_some(Cow::Owned(made))
            }
            Quick::SortBy(key) => sorted(input, |it| key.run(it, variables)).map(Cow::Owned),
        }
    }

    /// Where in the input a program's answer lies, if all it does is to go there.
    pub(crate) fn place(&self) -> Option<&[Step]> {
        match self {
            Quick::Path { root: None, steps } => Some(steps),
            _ => None,
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
        Term::BinOp(left, BinaryOp::Alt, right) => {
            let (left, right) = both(left, right)?;
            Quick::Else(left, right)
        }
        Term::BinOp(left, BinaryOp::Pipe(None), right) => {
            let (left, right) = both(left, right)?;
            Quick::Pipe(left, right)
        }
        Term::Obj(fields) => {
            let field = |(name, it): &(Term<&str>, Option<Term<&str>>)| {
                Some((literal(name)?, read(it.as_ref()?, variables, depth)?))
            };
            let named: BTreeMap<String, Quick> = fields.iter().map(field).collect::<Option<_>>()?;
            if named.len() < fields.len() {
                return None; // A name that comes twice.
            }
            Quick::Object(named)
        }
        Term::Call("sort_by", arguments) => match arguments.as_slice() {
            [key] => Quick::SortBy(Box::new(read(key, variables, depth)?)),
            _ => return None,
        },
        _ => return None,
    })
}

/// Whole numbers or texts, in order; what is equal stays as it was. Any other key is for the interpreter.
fn sorted(input: &Value, key: impl Fn(&Value) -> Option<Value>) -> Option<Value> {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    enum Key {
        Number(i64),
        Text(String),
    }
    let keyed = |it| {
        let key = match key(it)? {
            Value::Number(number) => Key::Number(number.as_i64()?),
            Value::String(text) => Key::Text(text),
            _ => return None,
        };
        Some((key, it))
    };
    let mut items = input.as_array()?.iter().map(keyed).collect::<Option<Vec<_>>>()?;
    items.sort_by(|(left, _), (right, _)| left.cmp(right));
    Some(items.into_iter().map(|(_, it)| it.clone()).collect())
}

/// Whether the interpreter could hold it. What grows further is its to refuse.
fn is_small(value: &Value) -> bool {
    fn weigh(value: &Value, room: &mut usize, depth: usize) -> Option<()> {
        let inside = depth.checked_sub(1)?;
        *room = room.checked_sub(1)?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(()),
            Value::String(text) => {
                *room = room.checked_sub(text.len())?;
                Some(())
            }
            Value::Array(items) => items.iter().try_for_each(|it| weigh(it, room, inside)),
            Value::Object(fields) => fields.iter().try_for_each(|(name, it)| {
                *room = room.checked_sub(name.len())?;
                weigh(it, room, inside)
            }),
        }
    }
    let mut room = MADE_MAX;
    weigh(value, &mut room, VALUE_DEPTH_MAX).is_some()
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

/// Takes what [`follow`] finds out of its place. `None`, and nothing is changed, where it finds nothing.
pub(crate) fn take(root: &mut Value, steps: &[Step]) -> Option<Value> {
    let found = steps.iter().try_fold(root, |at, step| match (at, step) {
        (Value::Object(fields), Step::Field(key)) => fields.get_mut(key),
        (Value::Array(items), Step::Item(index)) => items.get_mut(usize::try_from(*index).ok()?),
        _ => None,
    });
    found.filter(|it| is_plain(it)).map(Value::take)
}

/// Whether the interpreter would give the value back as it is: it writes a whole float as an integer, and an integer past 64
/// bits as a float.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_i64().is_some() || number.as_f64().is_some_and(|it| it.fract() != 0.0),
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(fields) => fields.values().all(is_plain),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
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
