//! What checking a value against a JSON Schema can cost, so that nobody can make it cost too much.
//!
//! A validator tries every alternative of `anyOf` and `oneOf`. Where an alternative leads back to its own definition,
//! as in a filter of filters, each further level of the value multiplies the work, and a value of some hundred bytes
//! can keep a processor busy for hours. The same is true of definitions that double each other without a cycle.
//! [`Effort`] knows a schema's shape and says how deep a value may be to be checked.

use std::collections::HashMap;

use serde_json::Value;

/// Steps that one check may take: some milliseconds.
const STEPS_MAX: u32 = 20_000;
/// Sub-schemas that a schema may unfold to, every reference followed once.
const UNFOLDED_MAX: u64 = 1_000_000;
/// References of a kind that is not looked into: then a value may be as deep as with this many alternatives.
const UNKNOWN_BRANCHES: u32 = 4;

/// How deep a value may be for a check of it to end soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// None where the depth does not matter.
    depth_max: Option<u32>,
}

impl Effort {
    /// Looks at a schema whose definitions stand in its `$defs`.
    pub fn of(schema: &Value) -> Self {
        let mut shapes = Shapes::default();
        shapes.add("#", schema);
        for (name, definition) in schema
            .get("$defs")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            shapes.add(
                &format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1")),
                definition,
            );
        }
        if shapes.unfolded() > UNFOLDED_MAX {
            return Self { depth_max: Some(0) };
        }
        let depth_max = shapes
            .branches()
            .map(|branches| STEPS_MAX.ilog(branches.max(2)));
        Self { depth_max }
    }

    /// Whether a value of this depth can be checked; a plain value has depth 0. The depth is asked for only where it
    /// matters.
    pub fn bears(self, depth: impl FnOnce() -> usize) -> bool {
        self.depth_max
            .is_none_or(|max| u32::try_from(depth()).is_ok_and(|depth| depth <= max))
    }
}

/// The definitions of a schema, and where each leads.
#[derive(Default)]
struct Shapes<'a> {
    places: HashMap<String, usize>,
    shapes: Vec<Shape<'a>>,
}

#[derive(Default)]
struct Shape<'a> {
    /// The definitions it refers to, as often as it does.
    references: Vec<&'a str>,
    /// It offers alternatives, or demands several things at once.
    combines: bool,
    /// How many sub-schemas it has itself.
    size: u64,
}

impl<'a> Shapes<'a> {
    fn add(&mut self, name: &str, schema: &'a Value) {
        let mut shape = Shape::default();
        shape.read(schema, true);
        self.places.insert(name.to_owned(), self.shapes.len());
        self.shapes.push(shape);
    }

    fn targets(&self, at: usize) -> impl Iterator<Item = Option<usize>> {
        self.shapes[at]
            .references
            .iter()
            .map(|name| self.places.get(*name).copied())
    }

    /// How many ways lead on from the busiest definition that leads back to itself through alternatives; none when no
    /// definition does.
    fn branches(&self) -> Option<u32> {
        let reach: Vec<Vec<bool>> = (0..self.shapes.len())
            .map(|from| self.reachable(from))
            .collect();
        (0..self.shapes.len())
            .filter_map(|at| {
                let is_in_circle = |other: usize| reach[at][other] && reach[other][at];
                let combines = (0..self.shapes.len())
                    .any(|other| is_in_circle(other) && self.shapes[other].combines);
                let ways = self
                    .targets(at)
                    .flatten()
                    .filter(|target| is_in_circle(*target));
                combines.then(|| u32::try_from(ways.count()).unwrap_or(u32::MAX))
            })
            .chain(self.leads_elsewhere().then_some(UNKNOWN_BRANCHES))
            .max()
    }

    fn reachable(&self, from: usize) -> Vec<bool> {
        let mut seen = vec![false; self.shapes.len()];
        let mut waiting = vec![from];
        while let Some(at) = waiting.pop() {
            for target in self.targets(at).flatten() {
                if !std::mem::replace(&mut seen[target], true) {
                    waiting.push(target);
                }
            }
        }
        seen
    }

    fn leads_elsewhere(&self) -> bool {
        (0..self.shapes.len()).any(|at| self.targets(at).any(|target| target.is_none()))
    }

    /// The size of the whole with every reference followed, circles once.
    fn unfolded(&self) -> u64 {
        let mut sizes = vec![None; self.shapes.len()];
        if self.shapes.is_empty() {
            0
        } else {
            self.unfold(0, &mut sizes)
        }
    }

    fn unfold(&self, root: usize, sizes: &mut [Option<u64>]) -> u64 {
        // Depth first without recursion: a definition's size is known when its targets' are.
        let mut waiting = vec![(root, false)];
        while let Some((at, is_second_visit)) = waiting.pop() {
            if is_second_visit {
                let below = self
                    .targets(at)
                    .flatten()
                    .map(|target| sizes[target].unwrap_or(1));
                sizes[at] = Some(below.fold(self.shapes[at].size, u64::saturating_add));
            } else if sizes[at].is_none() {
                // Counts as one while it is open: that cuts circles.
                sizes[at] = Some(1);
                waiting.push((at, true));
                waiting.extend(
                    self.targets(at)
                        .flatten()
                        .filter(|target| sizes[*target].is_none())
                        .map(|at| (at, false)),
                );
            }
        }
        sizes[root].unwrap_or(u64::MAX)
    }
}

impl<'a> Shape<'a> {
    fn read(&mut self, schema: &'a Value, is_top: bool) {
        match schema {
            Value::Object(members) => {
                self.size += 1;
                for (key, value) in members {
                    match (key.as_str(), value) {
                        // Definitions have shapes of their own.
                        ("$defs", _) if is_top => {}
                        // Values, not schemas.
                        ("enum" | "const" | "default" | "example" | "examples", _) => {}
                        ("$ref" | "$dynamicRef", Value::String(target)) => {
                            self.references.push(target);
                        }
                        (key, value) => {
                            self.combines |=
                                matches!(key, "anyOf" | "oneOf" | "allOf" | "not" | "if");
                            self.read(value, false);
                        }
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.read(item, false)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_circles_with_alternatives_limit_the_depth() {
        let reference = |name: &str| json!({"$ref": format!("#/$defs/{name}")});
        let tree = json!({"$ref": "#/$defs/Node", "$defs": {"Node": {
            "type": "object", "properties": {"left": reference("Node"), "right": reference("Node")}}}});
        let filter = json!({"properties": {"filter": reference("Filter")}, "$defs": {
            "Filter": {"anyOf": [reference("And"), reference("Or"), {"type": "string"}]},
            "And": {"properties": {"all": {"items": reference("Filter")}}},
            "Or": {"properties": {"any": {"items": reference("Filter")}}}}});
        let choice = json!({"anyOf": [{"type": "string"}, reference("Pet")], "$defs": {"Pet": {"type": "object"}}});
        let mut doubling =
            serde_json::Map::from_iter([("d0".to_owned(), json!({"type": "string"}))]);
        for level in 1..=40 {
            let below = reference(&format!("d{}", level - 1));
            doubling.insert(format!("d{level}"), json!({"anyOf": [below, below]}));
        }
        let doubling = json!({"$ref": "#/$defs/d40", "$defs": doubling});
        for (name, schema, depth, expected) in [
            ("no references", json!({"type": "object"}), 60, true),
            ("a tree, one way at each place", tree, 60, true),
            ("alternatives without a circle", choice, 60, true),
            ("a filter of filters, flat", filter.clone(), 6, true),
            ("a filter of filters, deep", filter, 30, false),
            ("definitions that double", doubling, 1, false),
            (
                "a reference to somewhere",
                json!({"$ref": "#other"}),
                60,
                false,
            ),
        ] {
            assert_eq!(Effort::of(&schema).bears(|| depth), expected, "{name}");
        }
    }
}
