//! What a tool does in one sentence, without markup.

/// A longer first sentence is cut.
const SUMMARY_CHARS_MAX: usize = 160;

/// One sentence of plain text.
pub(super) fn summary(title: Option<&str>, description: &str) -> String {
    let text = title.map_or_else(|| plain(description), plain);
    let sentence = text[..sentence_end(&text)].trim().trim_end_matches('.');
    if sentence.chars().count() <= SUMMARY_CHARS_MAX {
        return sentence.to_owned();
    }
    let mut cut: String = sentence.chars().take(SUMMARY_CHARS_MAX - 1).collect();
    cut.push('…');
    cut
}

/// Where the first sentence ends.
pub(super) fn sentence_end(text: &str) -> usize {
    text.find(". ").map_or(text.len(), |end| end + 1)
}

/// The text in one line without HTML tags; what is no tag stays (`a < b`).
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        push_line(&mut out, &rest[..open]);
        let tag = &rest[open + 1..];
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        match tag.find(['>', '<']) {
            Some(end) if is_tag && tag.as_bytes()[end] == b'>' => {
                // A paragraph ends a word, `<code>` does not.
                if !out.is_empty() && tag[..end].trim_start_matches('/') == "p" {
                    push_line(&mut out, " ");
                }
                rest = &tag[end + 1..];
            }
            _ => {
                out.push('<');
                rest = tag;
            }
        }
    }
    push_line(&mut out, rest);
    out.truncate(out.trim_end().len());
    out
}

/// The first `bytes_max` bytes, ending between characters.
pub(super) fn head(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Appends `text` with each run of white space as one space.
fn push_line(out: &mut String, text: &str) {
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !(out.is_empty() || out.ends_with(' ')) {
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_the_first_sentence_or_the_title() {
        let long = "word ".repeat(60);
        for (title, description, expected) in [
            (Some("List pets"), "Anything. Else.", "List pets".to_owned()),
            (None, "Lists pets.\nAll of them.", "Lists pets".to_owned()),
            (
                None,
                "<p>Gets a <code>Pet</code>.</p>\n<p>More</p>",
                "Gets a Pet".to_owned(),
            ),
            (None, "when a < b holds", "when a < b holds".to_owned()),
            (None, "an open <tag", "an open <tag".to_owned()),
            (None, "version 1.2 of it", "version 1.2 of it".to_owned()),
            (None, "", String::new()),
            (None, &long, format!("{}…", &long[..SUMMARY_CHARS_MAX - 1])),
        ] {
            assert_eq!(
                summary(title, description),
                expected,
                "{title:?} {description}"
            );
        }
    }
}
