//! How many tests ran, read from the closing lines of the runners we use.

use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            to,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Adds up the closing lines of cargo-nextest, `cargo test`, vitest and Playwright. `None` where no runner closed.
pub fn read(output: &str) -> Option<Counts> {
    let mut sum = None;
    for line in output.lines() {
        if let Some(counts) = read_line(&plain(line)) {
            *sum.get_or_insert_with(Counts::default) += counts;
        }
    }
    sum
}

fn read_line(line: &str) -> Option<Counts> {
    let line = line.trim();
    let one_word_line = || {
        // Playwright closes with a line for each outcome: `12 passed (3.4s)`.
        let mut words = line.split_whitespace();
        let starts = words.next()?.parse::<u64>().is_ok() && !line.contains([',', ';', '|']);
        let rest: Vec<&str> = words.collect();
        (starts && rest.len() <= 3 && rest.get(1).is_none_or(|it| it.starts_with('(') || *it == "not")).then_some(line)
    };
    let closing = line
        .strip_prefix("test result:")
        .or_else(|| line.strip_prefix("Tests  "))
        .or_else(|| {
            line.strip_prefix("Summary [")?
                .split_once("run:")
                .map(|(_, counts)| counts)
        })
        .or_else(one_word_line)?;
    let counts = sum_words(closing);
    (counts != Counts::default()).then_some(counts)
}

fn sum_words(closing: &str) -> Counts {
    let words: Vec<&str> = closing
        .split([' ', ',', ';', '|', '(', ')'])
        .filter(|it| !it.is_empty())
        .collect();
    let mut counts = Counts::default();
    for pair in words.windows(2) {
        let Ok(number) = pair[0].parse::<u64>() else { continue };
        match pair[1] {
            "passed" => counts.passed += number,
            "failed" | "timed" | "exec" => counts.failed += number,
            "skipped" | "ignored" | "todo" | "did" => counts.skipped += number,
            _ => {} // "slow", "flaky", "filtered": already within the others or never asked for.
        }
    }
    counts
}

/// The line without terminal colours.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        text.push_str(before);
        rest = after
            .find(|it: char| it.is_ascii_alphabetic())
            .map_or("", |end| &after[end + 1..]);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::{Counts, read};

    fn check(output: &str, expected: Option<(u64, u64, u64)>) {
        assert_eq!(
            read(output),
            expected.map(|(passed, failed, skipped)| Counts {
                passed,
                failed,
                skipped
            }),
            "{output}"
        );
    }

    #[test]
    fn nextest() {
        check(
            "     Summary [   0.009s] 12 tests run: 12 passed, 2 skipped",
            Some((12, 0, 2)),
        );
        check(
            "     Summary [   1.2s] 3/9 tests run: 1 passed (1 slow), 1 failed, 1 timed out, 6 skipped",
            Some((1, 2, 6)),
        );
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m1\u{1b}[0m test run: \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped",
            Some((1, 0, 0)),
        );
    }

    #[test]
    fn cargo_test_sums_its_binaries() {
        let one = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.00s\n";
        check(&one.repeat(2), Some((6, 0, 2)));
    }

    #[test]
    fn vitest_counts_tests_and_not_files() {
        check(
            " Test Files  2 passed (2)\n      Tests  7 passed | 1 failed | 2 skipped (10)\n",
            Some((7, 1, 2)),
        );
    }

    #[test]
    fn playwright_has_a_line_for_each() {
        check(
            "  1 failed\n    [chromium] > board.spec.ts:3:1\n  1 flaky\n  2 skipped\n  1 did not run\n  12 passed (8.1s)\n",
            Some((12, 1, 3)),
        );
    }

    #[test]
    fn other_text_is_no_count() {
        check(
            "3 passed the gate at noon\nCompiling 12 crates\n12 loads, 3 passed\n",
            None,
        );
    }
}
