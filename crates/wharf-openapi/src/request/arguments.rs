//! The arguments of one call, read once and then asked by name.

use std::borrow::Cow;

use wharf_model::{JsonKind, Slice};

/// Up to here comparing names one by one is faster than sorting them.
const UNSORTED_MAX: usize = 16;

/// A call's arguments. Remembers which of them were taken, so that what is left can join an open body.
pub(super) struct Arguments<'a> {
    given: Vec<(Cow<'a, str>, Slice<'a>)>,
    taken: Vec<bool>,
    /// Places in `given` by name, equal names by place; empty while there are few.
    sorted: Vec<usize>,
}

impl<'a> Arguments<'a> {
    /// Reads them; without those that are `null` where `drops_nulls`.
    pub(super) fn read(object: Slice<'a>, drops_nulls: bool) -> Self {
        let given: Vec<_> = object
            .each_member()
            .filter(|(_, value)| !drops_nulls || value.kind() != JsonKind::Null)
            .collect();
        let mut sorted = Vec::new();
        if given.len() > UNSORTED_MAX {
            sorted = (0..given.len()).collect();
            sorted.sort_by(|a, b| given[*a].0.cmp(&given[*b].0));
        }
        Self {
            taken: vec![false; given.len()],
            given,
            sorted,
        }
    }

    /// The value of `name`, the last one where it stands twice, as the check against the schema took it.
    pub(super) fn take(&mut self, name: &str) -> Option<Slice<'a>> {
        let place = self.find(name)?;
        self.taken[place] = true;
        Some(self.given[place].1)
    }

    /// What nobody took, in the caller's order.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&Cow<'a, str>, Slice<'a>)> {
        self.given
            .iter()
            .enumerate()
            .filter(|(place, (name, _))| !self.taken[*place] && self.find(name) == Some(*place))
            .map(|(_, (name, value))| (name, *value))
    }

    fn find(&self, name: &str) -> Option<usize> {
        if self.sorted.is_empty() {
            return self.given.iter().rposition(|(given, _)| given == name);
        }
        let behind = self
            .sorted
            .partition_point(|place| self.given[*place].0.as_ref() <= name);
        let place = *self.sorted.get(behind.checked_sub(1)?)?;
        (self.given[place].0 == name).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_arguments_are_found_alike() {
        for count in [3, UNSORTED_MAX, UNSORTED_MAX + 1, 200] {
            let numbers: Vec<_> = (0..count)
                .map(|number| format!(r#""n{number}":{number}"#))
                .collect();
            let text = format!(
                r#"{{"twice":"first","other":0,{},"twice":"last"}}"#,
                numbers.join(",")
            );
            let mut arguments = Arguments::read(Slice::parse(&text).unwrap(), false);
            let mut take = |name: &str| arguments.take(name).map(Slice::as_str);
            assert_eq!(take("twice"), Some("\"last\""), "{count}");
            assert_eq!(take("n2"), Some("2"), "{count}");
            assert_eq!(take("absent"), None, "{count}");
            assert_eq!(take(""), None, "{count}");
            let rest: Vec<_> = arguments.rest().map(|(name, _)| name.as_ref()).collect();
            assert_eq!(rest.len(), count, "{count}: all but two, each once");
            assert_eq!(rest[..3], ["other", "n0", "n1"], "{count}");
        }
    }
}
