//! Sizes a reader can hold, and lines without tails.

use super::Finding;
use super::source::{Source, line_of, matching_brace};

const FILE_LINES_MAX: usize = 700;
const FILE_LINES_GOOD: usize = 500;
const FUNCTION_LINES_MAX: usize = 120;

pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = tails(source);
    if !source.is_generated() {
        findings.extend(file_length(source));
        findings.extend(function_lengths(source));
    }
    findings
}

fn tails(source: &Source) -> Vec<Finding> {
    let ends_in_space = |line: &str| line.ends_with([' ', '\t', '\r']);
    let lines = source.text.lines().enumerate().filter(|(_, line)| ends_in_space(line));
    lines
        .map(|(index, _)| {
            Finding::new(
                source,
                index + 1,
                "space",
                "white space at the end of the line: remove it",
            )
        })
        .collect()
}

fn file_length(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    if !source.ends_with(&[".rs", ".ts", ".tsx", ".css"]) || lines <= FILE_LINES_GOOD {
        return None;
    }
    let says = format!(
        "{lines} lines; one file, one subject: split it by what it talks about ({FILE_LINES_GOOD} is good, {FILE_LINES_MAX} the most)"
    );
    let finding = Finding::new(source, lines, "length", says);
    Some(Finding {
        fails: lines > FILE_LINES_MAX,
        ..finding
    })
}

fn function_lengths(source: &Source) -> Vec<Finding> {
    let code = &source.code;
    let mut findings = Vec::new();
    for (place, _) in code.match_indices("fn ") {
        let name: String = code[place + 3..]
            .chars()
            .take_while(|it| it.is_alphanumeric() || *it == '_')
            .collect();
        let starts_a_word = code[..place].ends_with(|it: char| it.is_alphanumeric() || it == '_');
        let Some(open) = code[place..].find(['{', ';']).map(|it| place + it) else {
            continue;
        };
        if name.is_empty() || starts_a_word || code.as_bytes()[open] == b';' {
            continue;
        }
        let first = line_of(code, place);
        let lines = line_of(code, matching_brace(code.as_bytes(), open)) + 1 - first;
        if lines > FUNCTION_LINES_MAX {
            let says =
                format!("`{name}` has {lines} lines; at most {FUNCTION_LINES_MAX}: give its steps names of their own");
            findings.push(Finding::new(source, first, "length", says));
        }
    }
    findings
}
