//! A compiled program, and running it.

use std::borrow::Cow;

use jaq_core::load::lex::Lexer;
use jaq_core::load::parse::{Def, Parser};
use jaq_core::load::{Arena, File, Loader, span};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use serde_json::Value;

use crate::check::Check;
use crate::meter::{self, Limit};
use crate::natives::{self, Data};
use crate::prelude;
use crate::quick::{self, Quick};
use crate::value::Val;

/// The longest program.
pub const SOURCE_BYTES_MAX: usize = 8 * 1024;
/// Brackets may nest this deep.
const BRACKETS_MAX: usize = 48;
/// Words and signs that nest what follows them (`try`, `-`, ...) may come this often.
const PREFIXES_MAX: usize = 96;

/// Operators that nest to the right (`|`, `=`, `//`) may come this often.
const JOINTS_MAX: usize = 200;

/// The program itself, as the compiler sees it.
const MAIN: &str = "signalbox_main";

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The source cannot be used: where (a byte offset, when known) and why.
    #[error("`{source_text}` is no usable expression{}: {why}", at.map(|at| format!(" (at byte {at})")).unwrap_or_default())]
    Compile {
        source_text: String,
        at: Option<usize>,
        why: String,
    },
    /// The program failed on this input.
    #[error("`{source_text}` failed: {why}")]
    Run { source_text: String, why: String },
    /// The program met a limit; its answer would not be worth having.
    #[error("`{source_text}` was stopped: {why}")]
    Spent { source_text: String, why: &'static str },
}

/// Gives the value of a variable when a program asks for it.
pub type Variables<'f, 'v> = &'f dyn Fn(&str) -> Option<Cow<'v, Value>>;

/// A jq program, parsed, checked and compiled once. It can be shared between threads.
pub struct Program {
    source: String,
    /// The variables the program really reads, in the order of the compiled filter.
    variables: Vec<String>,
    quick: Option<Quick>,
    filter: Filter<Data>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program(`{}`)", self.source)
    }
}

impl Program {
    /// Compiles `source`, in which `variables` (written without `$`) are known.
    pub fn compile(source: &str, variables: &[&str]) -> Result<Program, Error> {
        let refuse = |(at, why): (Option<usize>, String)| Error::Compile {
            source_text: shown(source),
            at,
            why,
        };
        if source.len() > SOURCE_BYTES_MAX {
            return Err(refuse((None, format!("it is longer than {SOURCE_BYTES_MAX} bytes"))));
        }
        shallow(source).map_err(|why| refuse((None, why)))?;
        let term = parse(source).map_err(refuse)?;
        let mut check = Check::default();
        let quick = Quick::read(&term, variables);
        let term = check.term(term).map_err(|why| refuse((None, why)))?;
        if check.calls.iter().any(|(name, _)| *name == MAIN) {
            return Err(refuse((None, format!("`{MAIN}` is a reserved name"))));
        }
        let used = variables
            .iter()
            .filter(|name| check.variables.iter().any(|it| it.strip_prefix('$') == Some(name)));
        let used: Vec<String> = used.map(|it| (*it).to_owned()).collect();
        let names: Vec<String> = used.iter().map(|it| format!("${it}")).collect();
        let filter = compile(
            Def {
                name: MAIN,
                args: Vec::new(),
                body: term,
            },
            &check.calls,
            &names,
        );
        let filter = filter.map_err(|(name, why)| {
            let at = span_within(source, &name);
            refuse((at, why))
        })?;
        Ok(Program {
            source: source.to_owned(),
            variables: used,
            quick,
            filter,
        })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// True when the program reads this variable (written without `$`).
    pub fn uses(&self, variable: &str) -> bool {
        self.variables.iter().any(|it| it == variable)
    }

    /// The first output, or null when there is none. Only the variables that the program reads are asked for.
    pub fn run(&self, input: &Value, variables: Variables<'_, '_>) -> Result<Value, Error> {
        if let Some(answer) = self.quick.as_ref().and_then(|it| it.run(input, variables)) {
            return Ok(answer);
        }
        meter::start();
        let answer = self.interpret(input, variables);
        match meter::over() {
            None => answer.map_err(|why| Error::Run {
                source_text: shown(&self.source),
                why,
            }),
            Some(limit) => Err(Error::Spent {
                source_text: shown(&self.source),
                why: told(limit),
            }),
        }
    }

    /// The answer, taken out of an input that nobody needs afterwards, where all the program does is to go to a part that is
    /// there. Otherwise the input comes back.
    pub fn take(&self, mut input: Value) -> Result<Value, Value> {
        let place = self.quick.as_ref().and_then(Quick::place);
        place.and_then(|steps| quick::take(&mut input, steps)).ok_or(input)
    }

    /// [`Program::run`] with the variables listed.
    pub fn run_with(&self, input: &Value, variables: &[(&str, &Value)]) -> Result<Value, Error> {
        self.run(input, &|name| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(Cow::Owned(found.1.clone()))
        })
    }

    /// Whether the first output counts as true: neither null nor false.
    pub fn holds(&self, input: &Value, variables: Variables<'_, '_>) -> Result<bool, Error> {
        let answer = self.run(input, variables)?;
        Ok(!matches!(answer, Value::Null | Value::Bool(false)))
    }

    fn interpret(&self, input: &Value, variables: Variables<'_, '_>) -> Result<Value, String> {
        let mut given = 0;
        let mut read = |json: &Value| {
            let value = Val::from_json(json).ok_or_else(|| "its input is too large or too deep".to_owned())?;
            given += value.weight();
            Ok::<Val, String>(value)
        };
        let input = read(input)?;
        let mut values = Vec::with_capacity(self.variables.len());
        for name in &self.variables {
            let value = variables(name).ok_or_else(|| format!("${name} has no value here"))?;
            values.push(read(&value)?);
        }
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new(values));
        let answer = self.filter.id.run((context, input)).next();
        meter::finish(given);
        match answer {
            None => Ok(Value::Null),
            Some(Ok(answer)) => Ok(answer.to_json()),
            Some(Err(thrown)) => Err(match thrown.get_err() {
                Ok(error) => error.to_string(),
                Err(_) => "it broke off without an answer".to_owned(),
            }),
        }
    }
}

fn told(limit: Limit) -> &'static str {
    match limit {
        Limit::Steps => "it takes more steps than an expression may; look at its loops and products",
        Limit::Size => "it makes a value larger than an expression may",
        Limit::Depth => "it nests values, paths or loops deeper than an expression may",
    }
}

fn shown(source: &str) -> String {
    const SHOWN: usize = 120;
    let mut text: String = source.chars().take(SHOWN).collect();
    if text.len() < source.len() {
        text.push('…');
    }
    text
}

fn span_within(source: &str, name: &str) -> Option<usize> {
    source.find(name)
}

/// Keeps the parser, which follows the nesting with its own stack, from following it too far. It reads brackets and words
/// wherever they stand, so it may refuse a text full of them; that is the safe side.
fn shallow(source: &str) -> Result<(), String> {
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    if deepest > BRACKETS_MAX {
        return Err(format!("its brackets nest more than {BRACKETS_MAX} deep"));
    }
    let joints = source.matches(['|', '=']).count() + source.matches("//").count();
    if joints > JOINTS_MAX {
        return Err(format!(
            "its pipes and assignments nest too deep: more than {JOINTS_MAX} of |, = and //"
        ));
    }
    const WORDS: [&str; 7] = ["try", "if", "def", "label", "reduce", "foreach", "-"];
    let prefixes: usize = WORDS.iter().map(|word| source.matches(word).count()).sum();
    if prefixes > PREFIXES_MAX {
        return Err(format!("it has more than {PREFIXES_MAX} of {}", WORDS.join(", ")));
    }
    Ok(())
}

type Where = (Option<usize>, String);

fn parse(source: &str) -> Result<jaq_core::load::parse::Term<&str>, Where> {
    let tokens = Lexer::new(source).lex().map_err(|errors| {
        let first = errors.into_iter().next();
        first.map_or((None, String::from("it cannot be read")), |(expected, found)| {
            (
                Some(span(source, found).start),
                format!("expected {}", expected.as_str()),
            )
        })
    })?;
    Parser::new(&tokens).parse(|it| it.term()).map_err(|errors| {
        let first = errors.into_iter().next();
        first.map_or((None, String::from("it cannot be read")), |(expected, found)| {
            let at = found.map_or(source.len(), |token| span(source, token.0).start);
            let found = found.map_or("the end", |token| token.0);
            (
                Some(at),
                format!("expected {}, found `{}`", expected.as_str(), shown(found)),
            )
        })
    })
}

/// On failure: the name that is unknown, and why.
fn compile(main: Def<&str>, calls: &[(&str, usize)], variables: &[String]) -> Result<Filter<Data>, (String, String)> {
    let internal = || (String::new(), "it cannot be compiled".to_owned());
    let arena = Arena::default();
    let definitions: Vec<Def<&str>> = prelude::needed_by(calls).into_iter().chain([main]).collect();
    let modules = Loader::new(definitions)
        .load(&arena, File { code: MAIN, path: () })
        .map_err(|_| internal())?;
    let compiler = Compiler::default()
        .with_funs(natives::all())
        .with_global_vars(variables.iter().map(String::as_str));
    compiler.compile(modules).map_err(|errors| {
        let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
        first.map_or_else(internal, |(name, kind)| {
            let why = match prelude::why_refused(name) {
                Some(why) => format!("`{name}` is not available: {why}"),
                None => format!("there is no {} `{name}` here{}", kind.as_str(), arity(&kind)),
            };
            (name.to_owned(), why)
        })
    })
}

fn arity(kind: &jaq_core::compile::Undefined) -> String {
    match kind {
        jaq_core::compile::Undefined::Filter(0) => " without arguments".to_owned(),
        jaq_core::compile::Undefined::Filter(1) => " with one argument".to_owned(),
        jaq_core::compile::Undefined::Filter(many) => format!(" with {many} arguments"),
        _ => String::new(),
    }
}
