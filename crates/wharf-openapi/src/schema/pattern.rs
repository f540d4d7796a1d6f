//! Which patterns are regular expressions.

use wharf_model::HashMap;

/// Longer patterns are not looked at.
const PATTERN_BYTES_MAX: usize = 4096;

/// What a pattern may compile to. One that counts high (`.{1,2097152}`) costs a tenth of a second and more, here and in
/// every client that reads the list; half a megabyte is compiled in a few milliseconds.
const COMPILED_BYTES_MAX: usize = 512 * 1024;

/// Further patterns are not looked at: a document has some hundreds of different ones at most.
const PATTERNS_MAX: usize = 5_000;

/// Remembers its judgements: documents repeat few patterns many times, and to compile one takes long.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    known: HashMap<String, bool>,
}

impl Patterns {
    /// Whether a schema with this pattern compiles: the same two steps that the validator takes.
    pub(crate) fn valid(&mut self, pattern: &str) -> bool {
        if pattern.len() > PATTERN_BYTES_MAX {
            return false;
        }
        if let Some(known) = self.known.get(pattern) {
            return *known;
        }
        if self.known.len() == PATTERNS_MAX {
            return false;
        }
        let compiles = |pattern: &str| {
            fancy_regex::RegexBuilder::new(pattern)
                .delegate_size_limit(COMPILED_BYTES_MAX)
                .build()
                .is_ok()
        };
        let valid = jsonschema_regex::is_valid_ecma_regex(pattern)
            && (jsonschema_regex::analyze_pattern(pattern).is_some()
                || jsonschema_regex::to_rust_regex(pattern)
                    .is_ok_and(|pattern| compiles(&pattern)));
        self.known.insert(pattern.to_owned(), valid);
        valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_valid_compiles() {
        let mut patterns = Patterns::default();
        for (pattern, valid) in [
            ("^[a-z]+$", true),
            (r"^\d{3}-\p{L}(?!x)$", true),
            ("^abc", true),
            ("[", false),
            ("(?<", false),
            ("*a", false),
            (r"^\S{1,200}$", true),
            (r"^\S{1,20000}$", false),
            (&"a".repeat(5000), false),
        ] {
            assert_eq!(patterns.valid(pattern), valid, "{pattern}");
            assert_eq!(patterns.valid(pattern), valid, "{pattern} again");
            let schema = serde_json::json!({ "pattern": pattern });
            if valid {
                assert!(jsonschema::draft202012::new(&schema).is_ok(), "{pattern}");
            }
        }
    }
}
