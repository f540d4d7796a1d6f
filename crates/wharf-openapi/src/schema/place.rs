//! Where in the document something stands, told only when somebody asks.

use std::fmt;

/// A JSON pointer as a list that grows on the stack: going down costs nothing, and the text is made only for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    /// Of the first in the list: a whole pointer; of others: one token, not escaped.
    text: &'p str,
}

impl<'p> Place<'p> {
    /// A place by its pointer.
    pub(crate) fn at(pointer: &'p str) -> Self {
        Self {
            parent: None,
            text: pointer,
        }
    }

    /// A member or item of what stands here.
    pub(crate) fn down(&'p self, token: &'p str) -> Self {
        Self {
            parent: Some(self),
            text: token,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parent {
            None => f.write_str(self.text),
            Some(parent) => write!(f, "{parent}/{}", escaped(self.text)),
        }
    }
}

/// A token as RFC 6901 writes it.
pub(crate) fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_as_a_pointer() {
        let paths = Place::at("/paths");
        let item = paths.down("/pets/{id}");
        assert_eq!(item.down("a~b").to_string(), "/paths/~1pets~1{id}/a~0b");
    }
}
