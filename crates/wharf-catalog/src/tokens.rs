//! What a tool costs a model: an estimate in tokens.
//!
//! A real tokenizer carries a table of tens of megabytes, more than the rest of the program. This estimate needs none:
//! it splits text the way byte-pair tokenizers do before they merge (a word, a run of digits, a run of punctuation) and
//! counts pieces of common length. Measured against `o200k_base` on the tools of GitHub's, Stripe's and Kubernetes'
//! descriptions it is 0 to 6 % high over a whole list, and 3 to 7 % off for the average tool.

use wharf_model::Tool;

/// A word up to this length is usually one token, with the space before it.
const WORD_BYTES: usize = 11;
/// Upper-case runs are rarer, so their pieces are shorter.
const CAPITALS_BYTES: usize = 4;
/// Digits come in groups of three.
const DIGITS_BYTES: usize = 3;
/// JSON's own punctuation (`":{"`) merges well.
const PUNCTUATION_BYTES: usize = 4;

/// About how many tokens a model pays for a tool: its name, description and input schema. Output schemas are not shown
/// to models by the clients we know.
pub fn tokens_of_tool(tool: &Tool) -> usize {
    tokens_of_words(tool) + tokens(tool.input_schema.as_str())
}

/// About how many of them are for all but the input schema.
pub(crate) fn tokens_of_words(tool: &Tool) -> usize {
    // `{"name":"","description":"","input_schema":}` around the three.
    const FRAME: usize = 9;
    FRAME + tokens(&tool.name) + tool.description.as_deref().map_or(0, tokens)
}

/// About how many tokens a text has.
pub fn tokens(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut count = 0;
    let mut at = 0;
    while at < bytes.len() {
        let class = Class::of(bytes[at]);
        let start = at;
        at += run(&bytes[at..], class);
        // A capital belongs to the small letters behind it: `PullRequest` is two words.
        if class == Class::Capital && at - start == 1 {
            at += run(&bytes[at..], Class::Small);
            count += (at - start).div_ceil(WORD_BYTES);
            continue;
        }
        count += match class {
            Class::Space => 0,
            Class::Small => (at - start).div_ceil(WORD_BYTES),
            Class::Capital => (at - start).div_ceil(CAPITALS_BYTES),
            Class::Digit => (at - start).div_ceil(DIGITS_BYTES),
            Class::Other => (at - start).div_ceil(PUNCTUATION_BYTES),
        };
    }
    count
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Small,
    Capital,
    Digit,
    /// Punctuation, and the bytes of letters beyond ASCII: those cost about a token for two letters.
    Other,
}

impl Class {
    fn of(byte: u8) -> Self {
        match byte {
            byte if byte.is_ascii_whitespace() => Self::Space,
            b'a'..=b'z' => Self::Small,
            b'A'..=b'Z' => Self::Capital,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Other,
        }
    }
}

fn run(bytes: &[u8], class: Class) -> usize {
    bytes
        .iter()
        .take_while(|byte| Class::of(**byte) == class)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cost_about_what_a_tokenizer_says() {
        for (text, expected) in [
            ("", 0),
            ("List the pets of a store.", 7),
            (
                r#"{"type":"object","properties":{"petId":{"type":"integer"}}}"#,
                14,
            ),
            ("getPullRequest", 3),
            ("20261121", 3),
            ("configuration", 2),
            ("HTTP", 1),
        ] {
            assert_eq!(tokens(text), expected, "{text:?}");
        }
    }
}
