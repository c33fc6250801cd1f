//! Message templates: a playbook's texts for people, written as Jinja and filled with data.
//!
//! Invariants: a template is parsed whole when its playbook is read, so that filling it can only give a text or a named
//! error; what partners sent is data, never a template; a template reaches no file, clock or other template. It chooses and
//! repeats, and makes no values: so no text in memory is longer than the data, the template or the limit.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, filters};
use serde_json::Value;
use sha2::{Digest, Sha256};
use signalbox_model::issue::Issue;
use std::io;

/// Bytes of one template's file.
pub const TEMPLATE_BYTES_MAX: usize = 16 * 1024;
/// Bytes of the text that a template may become.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Instructions that filling a template may take.
pub const STEPS_MAX: u64 = 50_000;

#[derive(Clone, Debug)]
pub struct Template {
    /// The file's name without folder and ending.
    pub name: String,
    /// SHA-256 of the file, hex.
    pub hash: String,
    /// Parsed again for each use: the parsed form borrows its text, and a template is short and seldom used.
    text: String,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("there is no template {0}: add templates/{0}.txt to the playbook")]
    Missing(String),
    #[error("template {name}, line {line}: {why}")]
    Data { name: String, line: usize, why: String },
    #[error("template {name}, line {line}: it takes more than {STEPS_MAX} steps")]
    TooManySteps { name: String, line: usize },
    #[error("template {name}, line {line}: the text is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong { name: String, line: usize },
}

impl Template {
    pub fn parse(name: &str, text: &str) -> Result<Self, Issue> {
        let file = format!("templates/{name}.txt");
        if text.len() > TEMPLATE_BYTES_MAX {
            let why = format!("the template is longer than {TEMPLATE_BYTES_MAX} bytes");
            return Err(Issue::fatal(
                "template.too_long",
                file,
                why,
                "Say less, or split the text in two.",
            ));
        }
        let refuse = |error: minijinja::Error| {
            let at = format!("{file} line {}", error.line().unwrap_or(1));
            let fix = "Correct the template at this line: {{ value }}, {% if .. %}, {% for .. in .. %}.";
            Issue::fatal("template.unreadable", at, why(&error), fix)
        };
        environment().template_from_named_str(name, text).map_err(refuse)?;
        if let Some((line, why)) = beyond(text) {
            let fix = "A template says values with if and for; work others out in the workflow and give them as data.";
            return Err(Issue::fatal("template.beyond", format!("{file} line {line}"), why, fix));
        }
        Ok(Self {
            name: name.to_owned(),
            hash: hex::encode(Sha256::digest(text.as_bytes())),
            text: text.to_owned(),
        })
    }

    /// The text for `data`, whose fields the template names. A field that is not there is an error.
    pub fn render(&self, data: &Value) -> Result<String, Error> {
        let mut text = Bounded::default();
        let environment = environment();
        let outcome = environment
            .template_from_named_str(&self.name, &self.text)
            .and_then(|it| it.render_captured_to(Serde(data), &mut text));
        if let Err(error) = outcome {
            let (name, line) = (self.name.clone(), error.line().unwrap_or(1));
            return Err(match error.kind() {
                _ if text.full => Error::TooLong { name, line },
                ErrorKind::OutOfFuel => Error::TooManySteps { name, line },
                _ => {
                    let why = why(&error);
                    Error::Data { name, line, why }
                }
            });
        }
        // The engine writes whole strings, so that the bytes are one.
        Ok(String::from_utf8_lossy(&text.bytes).into_owned())
    }

    /// Name and version, as evidence names its source.
    pub fn source(&self) -> String {
        format!("template {}@{}", self.name, self.hash.get(..12).unwrap_or(&self.hash))
    }
}

/// Nothing but the language, and filters whose results are no longer than what they are given.
fn environment<'text>() -> Environment<'text> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(STEPS_MAX));
    // A line that holds only a block leaves no empty line behind.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    // Of texts alone: the engine's own would write a list out first.
    environment.add_filter("lower", |text: &str| text.to_lowercase());
    environment.add_filter("trim", |text: &str| text.trim().to_owned());
    environment.add_filter("upper", |text: &str| text.to_uppercase());
    environment
}

/// The statements a template may use. The others name values, call or capture text, which could grow without end.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// What a template that can be parsed does beyond choosing and repeating: its line and why it is refused.
fn beyond(text: &str) -> Option<(usize, String)> {
    let mut rest = text;
    while let Some(open) = rest
        .find("{{")
        .into_iter()
        .chain(rest.find("{%"))
        .chain(rest.find("{#"))
        .min()
    {
        let (mark, inside) = rest.get(open..)?.split_at_checked(2)?;
        let line = 1 + text
            .len()
            .checked_sub(inside.len())
            .and_then(|it| text.get(..it))?
            .matches('\n')
            .count();
        if mark == "{#" {
            rest = inside.split_once("#}")?.1;
            continue;
        }
        let (code, after) = code(inside, if mark == "{{" { "}}" } else { "%}" });
        let mut words = code
            .split(|it: char| !it.is_alphanumeric() && it != '_')
            .filter(|it| !it.is_empty());
        if let Some(found) = code.chars().find(|it| matches!(it, '~' | '*' | '+' | '{')) {
            return Some((line, format!("{found} makes a new value, which a template may not")));
        }
        if words.clone().any(|it| it == "recursive") {
            return Some((line, "a loop may not be recursive".to_owned()));
        }
        let statement = words.next().unwrap_or_default();
        if mark == "{%" && !STATEMENTS.contains(&statement) {
            return Some((
                line,
                format!("{statement} is none of if, elif, else, endif, for and endfor"),
            ));
        }
        rest = after;
    }
    None
}

/// The code up to its end mark, without the texts in quotes, and what comes after.
fn code<'text>(inside: &'text str, end: &str) -> (String, &'text str) {
    let mut code = String::new();
    let mut quote = None;
    let mut characters = inside.char_indices();
    while let Some((at, it)) = characters.next() {
        match quote {
            Some(_) if it == '\\' => drop(characters.next()),
            Some(open) if it == open => quote = None,
            Some(_) => {}
            None if inside.get(at..).is_some_and(|it| it.starts_with(end)) => {
                return (code, inside.get(at + end.len()..).unwrap_or_default());
            }
            None if matches!(it, '"' | '\'') => quote = Some(it),
            None => code.push(it),
        }
    }
    (code, "")
}

fn why(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(bytes.len()) > TEXT_BYTES_MAX {
            self.full = true;
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(text: &str, data: &Value) -> Result<String, Error> {
        Template::parse("t", text).unwrap().render(data)
    }

    #[test]
    fn fills_plain_text_without_escaping_and_without_reading_data_as_a_template() {
        let data = json!({"customer": "Bolts & <Sons> {{ 7 * 7 }}", "minor": 200_000, "offers": ["JBHT", "SWFT"]});
        let text = "{{ customer }} {{ minor }}\n{% for it in offers %}\n- {{ it }}\n{% endfor %}\n";
        let rendered = "Bolts & <Sons> {{ 7 * 7 }} 200000\n- JBHT\n- SWFT\n";
        assert_eq!(render(text, &data).unwrap(), rendered);
    }

    #[test]
    fn a_broken_template_is_an_issue_with_file_and_line() {
        let issue = Template::parse("sorry", "Dear all,\n{% for it in %}\n").unwrap_err();
        assert_eq!(issue.code, "template.unreadable");
        assert_eq!(issue.at, "templates/sorry.txt line 2");
        let include = Template::parse("sorry", "{% include '/etc/passwd' %}").unwrap_err();
        assert_eq!(include.code, "template.unreadable");
        let long = Template::parse("sorry", &"x".repeat(TEMPLATE_BYTES_MAX + 1)).unwrap_err();
        assert_eq!(long.code, "template.too_long");
    }

    #[test]
    fn a_template_that_could_grow_without_end_is_refused_at_its_line() {
        let at = |text: &str| Template::parse("t", text).map(|_| ()).map_err(|it| (it.code, it.at));
        let beyond = Err(("template.beyond".to_owned(), "templates/t.txt line 2".to_owned()));
        for text in [
            "{# set #}\n{% set a = b %}",
            "\n{%- set a %}{{ b }}{{ b }}{% endset %}",
            "\n{% with a = b %}{% endwith %}",
            "\n{% filter upper %}{{ b }}{% endfilter %}",
            "\n{% raw %}{{ b }}{% endraw %}",
            "\n{{ b ~ b }}",
            "\n{{ '~}}' }}{{ \"\\\"\" + b }}",
            "\n{{ 'x' * 100000 }}",
            "\n{{ {'a': {}} }}{{ b ~ b }}",
            "\n{% for a in b recursive %}{{ loop(a) }}{% endfor %}",
        ] {
            assert_eq!(at(text), beyond, "{text}");
        }
        assert_eq!(
            at("{# ~ #}a ~ b * {{ 'a ~ b' }}{% if a == '+' %}set{% endif %}"),
            Ok(())
        );
        assert!(render("{{ many | upper }}", &json!({"many": ["a", "a"]})).is_err());
        assert_eq!(render("{{ one | upper }}", &json!({"one": "a"})).unwrap(), "A");
    }

    #[test]
    fn what_is_missing_endless_or_too_long_is_an_error_by_name() {
        let missing = render("one\n{{ offer.rate }}", &json!({"offer": {}})).unwrap_err();
        assert!(matches!(missing, Error::Data { line: 2, .. }), "{missing}");
        let many = json!({"many": vec![1; 400]});
        let endless = "{% for a in many %}{% for b in many %}{% if a > b %}x{% endif %}{% endfor %}{% endfor %}";
        let steps = render(endless, &many).unwrap_err();
        assert!(matches!(steps, Error::TooManySteps { .. }), "{steps}");
        let long = render(
            "{% for a in many %}{{ word }}{% endfor %}",
            &json!({"many": vec![1; 400], "word": "x".repeat(100)}),
        );
        assert!(matches!(long, Err(Error::TooLong { .. })), "{long:?}");
    }
}
