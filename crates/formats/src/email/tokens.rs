//! A text as words with their places, for the readers of facts.

use signalbox_model::mail::Span;

/// Words of one mail that are looked at.
const TOKENS_MAX: usize = 8_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// In lower case.
    pub word: String,
    pub span: Span,
}

/// Runs of letters and digits, with the marks that may stand inside a number or time.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut word = String::new();
    let mut start = 0;
    let letters: Vec<char> = text.chars().collect();
    for (at, letter) in letters.iter().copied().chain(['\n']).enumerate() {
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let inner =
            matches!(letter, ':' | '.' | ',' | '/' | '-' | '\'' | '’') && next.is_alphanumeric() && !word.is_empty();
        let begins = word.is_empty() && matches!(letter, '$' | '-' | '@') && (next.is_ascii_digit() || letter == '@');
        if letter.is_alphanumeric() || inner || begins || (letter == '°' && !word.is_empty()) {
            if word.is_empty() {
                start = at;
            }
            word.extend(letter.to_lowercase());
        } else if !word.is_empty() {
            let span = Span {
                start: start as u32,
                end: at as u32,
            };
            tokens.push(Token {
                word: std::mem::take(&mut word),
                span,
            });
            if tokens.len() >= TOKENS_MAX {
                break;
            }
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_places() {
        let text = "Stück: since 9:40, on #48213. $1,250.00 -10F";
        let letters: Vec<char> = text.chars().collect();
        let got: Vec<(String, String)> = tokens(text)
            .into_iter()
            .map(|it| {
                let place = &letters[it.span.start as usize..it.span.end as usize];
                (it.word, place.iter().collect())
            })
            .collect();
        let words: Vec<&str> = got.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(words, ["stück", "since", "9:40", "on", "48213", "$1,250.00", "-10f"]);
        assert_eq!(got[0].1, "Stück");
    }
}
