//! Indentation that YAML forbids and every common reader takes: lines of a quoted text, or of a list or mapping in
//! brackets, that begin no deeper than the key they belong to. Docker's own description has some.
//!
//! White space at the start of such lines means nothing, so more of it is put there, and the text is read again. How
//! often is bounded by how much is read again.

use saphyr_parser::ScanError;

/// How much is read again at most, in bytes: a mistake on each of many lines must not cost the square of them.
const REREAD_BYTES_MAX: usize = 64 << 20;
/// No line is indented that deep already.
const INDENTATION: usize = 256;

/// What is left of the patience with one document.
pub(super) struct Patience {
    bytes: usize,
    /// The line that was mended last: one that does not get better is not tried again.
    line: usize,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self {
            bytes: REREAD_BYTES_MAX,
            line: 0,
        }
    }

    /// The text with the place mended that an error is about; none where that is no matter of indentation, or has been
    /// tried.
    pub(super) fn mend(&mut self, text: &str, error: &ScanError) -> Option<String> {
        let line = error.marker().line();
        if self.bytes < text.len() || line <= self.line {
            return None;
        }
        self.bytes -= text.len();
        self.line = line;
        let start = start_of_line(text, line)?;
        match error.info() {
            // Both are said of lines in brackets alone: elsewhere a line that is less deep ends what it is not deep enough for.
            "invalid indentation" | "invalid indentation in flow construct" => {
                Some(indented(text, &[start]))
            }
            "invalid indentation in quoted scalar" => {
                let rest = &text[start..];
                let (quote, _) = rest.char_indices().nth(error.marker().col())?;
                let lines = lines_of_quoted(&rest[quote..])?;
                let places: Vec<_> = lines.iter().map(|place| start + quote + place).collect();
                Some(indented(text, &places))
            }
            _ => None,
        }
    }
}

/// Where a line begins; lines count from 1.
fn start_of_line(text: &str, line: usize) -> Option<usize> {
    if line == 1 {
        return Some(0);
    }
    let mut breaks = memchr::memchr_iter(b'\n', text.as_bytes());
    breaks.nth(line.checked_sub(2)?).map(|place| place + 1)
}

/// Where the lines of a quoted text begin after its first, from the opening quote to the closing one.
fn lines_of_quoted(text: &str) -> Option<Vec<usize>> {
    let bytes = text.as_bytes();
    let quote = *bytes.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let mut end = 1;
    loop {
        match *bytes.get(end)? {
            b'\\' if quote == b'"' => end += 2,
            byte if byte == quote && quote == b'\'' && bytes.get(end + 1) == Some(&quote) => {
                end += 2;
            }
            byte if byte == quote => break,
            _ => end += 1,
        }
    }
    // An empty line stays empty: what it says is a line break.
    let is_empty = |place: &usize| matches!(bytes[*place], b'\n' | b'\r');
    let breaks = memchr::memchr_iter(b'\n', &bytes[..end]);
    let places = breaks.map(|place| place + 1);
    Some(places.filter(|place| !is_empty(place)).collect())
}

/// The text with white space put at these places, which are in order.
fn indented(text: &str, places: &[usize]) -> String {
    let mut out = String::with_capacity(text.len() + places.len() * INDENTATION);
    let mut done = 0;
    for place in places {
        out.push_str(&text[done..*place]);
        out.push_str(&" ".repeat(INDENTATION));
        done = *place;
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::super::to_json;

    #[test]
    fn lines_that_are_not_deep_enough_are_read() {
        for (yaml, json) in [
            (
                "a:\n  b: \"x\n  y\"\n  c: [1,\n  2]\n",
                r#"{"a":{"b":"x y","c":[1,2]}}"#,
            ),
            (
                "a:\n  - b: 'it''s\nx\n\n   y'\n    c: {d: 1,\ne: f}\n",
                r#"{"a":[{"b":"it's x\ny","c":{"d":1,"e":"f"}}]}"#,
            ),
            (
                "a:\n    b:\n      ä: \"ö \\\"\n      \\\\ x\\\n      z\"\n      n: 1\n",
                r#"{"a":{"b":{"ä":"ö \" \\ xz","n":1}}}"#,
            ),
            (
                "a:\n  b: [\n    c,\n    d\n  ]\n  e: {\n  f: g\n  }\n",
                r#"{"a":{"b":["c","d"],"e":{"f":"g"}}}"#,
            ),
        ] {
            let told = to_json(yaml).map_err(|error| error.to_string());
            assert_eq!(told.as_deref(), Ok(json), "{yaml}");
        }
        for yaml in [
            "a: \"x",
            "a:\n  b: \"x\n  y",
            "a:\n  b: [1,\n  2\nc: 3\n",
            "a: 'x\n---\n'",
        ] {
            assert!(to_json(yaml).is_err(), "{yaml}");
        }
    }

    /// Each line needs a mending of its own, and each mending a reading of all.
    #[test]
    fn patience_ends() {
        let lines = "  x,\n".repeat(2_000_000 / 5);
        let yaml = format!("a:\n  b: [\n{lines}  ]\n");
        let told = to_json(&yaml).map_err(|error| error.to_string());
        let told = told.expect_err("so many mistakes are too many");
        assert!(told.contains("invalid indentation"), "{told}");
    }
}
