//! Errors as people read them.

use std::error::Error;

/// What is said of certificates or documents of others may be long.
const CHARS_MAX: usize = 2_000;

/// An error with its causes, as one line: the error itself often tells only what was tried. For messages, and for logs,
/// whose format for programs would leave the causes out. What is too long is cut.
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    if let Some((end, _)) = message.char_indices().nth(CHARS_MAX) {
        message.truncate(end);
        message.push('…');
    }
    message
}
