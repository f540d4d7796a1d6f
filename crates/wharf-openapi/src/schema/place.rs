//! Where in the document something stands, told only when somebody asks.

use std::fmt;

/// A JSON pointer as a list that grows on the stack: going down costs nothing, and the text is made only for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    /// A whole pointer, escaped already.
    Pointer(&'p str),
    /// A member, not escaped.
    Member(&'p str),
    Item(usize),
}

impl<'p> Place<'p> {
    /// A place by its pointer.
    pub(crate) fn at(pointer: &'p str) -> Self {
        Self {
            parent: None,
            step: Step::Pointer(pointer),
        }
    }

    /// A member of what stands here.
    pub(crate) fn down(&'p self, name: &'p str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Member(name),
        }
    }

    /// What a pointer without its first slash leads to from here.
    pub(crate) fn along(&'p self, pointer: &'p str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Pointer(pointer),
        }
    }

    /// An item of what stands here.
    pub(crate) fn item(&'p self, number: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Item(number),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}/")?;
        }
        match self.step {
            Step::Pointer(pointer) => f.write_str(pointer),
            Step::Member(name) => f.write_str(&escaped(name)),
            Step::Item(number) => write!(f, "{number}"),
        }
    }
}

/// A name as RFC 6901 writes it.
fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_as_a_pointer() {
        let paths = Place::at("/paths");
        let item = paths.down("/pets/{id}");
        assert_eq!(
            item.down("a~b").item(3).to_string(),
            "/paths/~1pets~1{id}/a~0b/3"
        );
        assert_eq!(
            item.along("a~0b/3").to_string(),
            "/paths/~1pets~1{id}/a~0b/3"
        );
    }
}
