//! What holds for any text.

use proptest::prelude::*;

use super::{Config, FULL, parse_text};

/// Texts that are near to configurations: pieces of the full one in any order.
fn near_configurations() -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = FULL
        .split_inclusive([' ', '\n', ':', '{', '}', '[', ']', ',', '"'])
        .chain([
            "&a ", "*a", "? ", "- ", "|\n", ">-\n", "!!str ", "---\n", "<<: ",
        ])
        .collect();
    proptest::collection::vec(proptest::sample::select(pieces), 0..60)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = parse_text(&text);
    }

    #[test]
    fn any_near_configuration_is_read_or_refused(text in near_configurations()) {
        let _ = parse_text(&text);
    }

    #[test]
    fn any_cut_of_a_configuration_is_read_or_refused(start in 0..FULL.len(), length in 0..FULL.len()) {
        let end = (start + length).min(FULL.len());
        let _ = parse_text(&FULL[start..end]);
    }

    /// What is not text to YAML is text to a setting that wants text.
    #[test]
    fn any_plain_word_is_the_text_that_was_written(word in "[a-zA-Z0-9.][a-zA-Z0-9.+-]{0,11}") {
        prop_assume!(!word.eq_ignore_ascii_case("null") && word != "...");
        let loaded = parse_text(&format!("server:\n  name: {word}\nupstreams: {{}}\n"));
        prop_assert_eq!(loaded.map(|loaded| loaded.config.server.name), Ok(word));
    }

    /// The walk and an independent validator agree on what fits.
    #[test]
    fn what_is_read_fits_the_schema(port in 0..70_000u32, level in "info|debug|warn|loud", count in 0..300u16) {
        let text = format!("{{\"server\": {{\"port\": {port}, \"level\": \"{level}\"}}, \"upstreams\": {{\"a\": {{\"url\": \"http://a\", \"pages\": {{\"first\": {{\"count\": {count}}}}}}}}}}}");
        let instance: serde_json::Value = serde_json::from_str(&text).unwrap();
        let valid = jsonschema::draft202012::is_valid(&crate::schema::of_type::<Config>(), &instance);
        prop_assert_eq!(parse_text(&text).is_ok(), valid, "{}", text);
    }
}
