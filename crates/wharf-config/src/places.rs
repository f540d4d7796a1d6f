//! Where each setting of a file stands, for mistakes that are found after it was read: an address that cannot be used, a
//! tool that is not there.

use std::collections::HashMap;

use crate::yaml::{Content, Node};

/// The lines of a configuration file. Without a file it knows no place.
#[derive(Debug, Clone, Default)]
pub struct Places {
    file: String,
    root: Place,
}

/// One value: its line, and what is below it by key or index. No value is kept, since many are secrets.
#[derive(Debug, Clone, Default)]
struct Place {
    line: usize,
    below: HashMap<String, Place>,
}

impl Places {
    pub(crate) fn of(file: &str, root: &Node) -> Self {
        Self {
            file: file.to_owned(),
            root: Place::of(root, root.mark.line),
        }
    }

    /// The place of the setting that `keys` lead to, items of lists by their index: `wharf.yaml:14`. What
    /// the file leaves out stands at the innermost section on the way that it has. None where there is no file.
    pub fn place(&self, keys: &[impl AsRef<str>]) -> Option<String> {
        if self.file.is_empty() {
            return None;
        }
        let mut place = &self.root;
        for key in keys {
            match place.below.get(key.as_ref()) {
                Some(below) => place = below,
                None => break,
            }
        }
        Some(format!("{}:{}", self.file, place.line))
    }

    /// The same for keys as messages write them, such as `access.rules[0].tools`, none of which has a dot in it.
    pub fn place_of(&self, written: &str) -> Option<String> {
        let keys = written.split(['.', '[', ']']);
        let keys: Vec<_> = keys.filter(|key| !key.is_empty()).collect();
        self.place(&keys)
    }
}

impl Place {
    fn of(node: &Node, line: usize) -> Self {
        let below = match &node.content {
            Content::Scalar(_) => HashMap::new(),
            Content::Sequence(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (index.to_string(), Self::of(item, item.mark.line)))
                .collect(),
            Content::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), Self::of(&entry.value, entry.mark.line)))
                .collect(),
        };
        Self { line, below }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Report;

    #[test]
    fn settings_are_found_by_their_keys() {
        let text = "# first\nname: x\nsources:\n  a.b:\n    list:\n      - one\n      - {two: 2,\n         three: 3}\n";
        let root = crate::yaml::read(text, &mut Report::new("wharf.yaml")).unwrap();
        let places = Places::of("wharf.yaml", &root);
        for (keys, line) in [
            (&[][..], 2),
            (&["name"], 2),
            (&["name", "below"], 2),
            (&["absent"], 2),
            (&["sources", "a.b"], 4),
            (&["sources", "a.b", "absent", "list"], 4),
            (&["sources", "a.b", "list"], 5),
            (&["sources", "a.b", "list", "0"], 6),
            (&["sources", "a.b", "list", "1", "three"], 8),
            (&["sources", "a.b", "list", "2"], 5),
        ] {
            let expected = Some(format!("wharf.yaml:{line}"));
            assert_eq!(places.place(keys), expected, "{keys:?}");
        }
        for (written, line) in [("sources", 3), ("name", 2), ("name[3].below", 2)] {
            let expected = Some(format!("wharf.yaml:{line}"));
            assert_eq!(places.place_of(written), expected, "{written}");
        }
        assert_eq!(Places::default().place(&["name"]), None);
        assert_eq!(Places::default().place_of("name"), None);
    }
}
