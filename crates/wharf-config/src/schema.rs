//! A JSON Schema as reading and the manual see it: references followed, `allOf` joined, `oneOf` and `anyOf` laid out.
//!
//! This is no validator. It understands the schemas that `schemars` derives from Rust types, which is all that comes here.

use serde_json::{Map, Value};

/// References to references; a derived schema has one or two.
const REFERENCE_HOPS_MAX: usize = 32;
/// Alternatives of one place, nested ones laid out.
const ALTERNATIVES_MAX: usize = 256;

/// A whole schema: what references are looked up in.
pub(crate) trait Root {
    fn schema(&self) -> &Value;

    /// What `#/$defs/Name` leads to.
    fn target(&self, reference: &str) -> Option<&Value>;
}

impl Root for Value {
    fn schema(&self) -> &Value {
        self
    }

    fn target(&self, reference: &str) -> Option<&Value> {
        self.pointer(reference.strip_prefix('#')?)
    }
}

/// The schema of a type, as a tree.
pub(crate) fn of_type<T: schemars::JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// The schemas that stand directly in one.
pub(crate) fn parts_mut(members: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    members.iter_mut().flat_map(|(keyword, value)| {
        let parts: Box<dyn Iterator<Item = &mut Value>> = match (keyword.as_str(), value) {
            ("properties" | "patternProperties" | "$defs", Value::Object(schemas)) => {
                Box::new(schemas.values_mut())
            }
            ("oneOf" | "anyOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
                Box::new(schemas.iter_mut())
            }
            (
                "items" | "additionalProperties" | "unevaluatedProperties",
                schema @ Value::Object(_),
            ) => Box::new(std::iter::once(schema)),
            _ => Box::new(std::iter::empty()),
        };
        parts
    })
}

/// Schema objects that hold together, outermost first, without a choice between alternatives left.
#[derive(Debug, Clone)]
pub(crate) struct View<'s> {
    layers: Vec<&'s Map<String, Value>>,
}

/// Layers whose choices are still open.
#[derive(Clone, Default)]
struct Open<'s> {
    layers: Vec<&'s Map<String, Value>>,
    choices: Vec<&'s [Value]>,
    /// The schema is `false`.
    is_never: bool,
}

/// The alternatives of `schema`, a part of `root`, in order; one when there is no choice.
pub(crate) fn views<'s>(root: &'s dyn Root, schema: &'s Value) -> Vec<View<'s>> {
    let mut open = Open::default();
    gather(root, schema, &mut open, 0);
    let mut views = Vec::new();
    lay_out(root, open, &mut views);
    views
}

/// The layers of `schema` as far as they hold for every alternative: for its description and its default.
pub(crate) fn outline<'s>(root: &'s dyn Root, schema: &'s Value) -> View<'s> {
    let mut open = Open::default();
    gather(root, schema, &mut open, 0);
    View {
        layers: open.layers,
    }
}

fn gather<'s>(root: &'s dyn Root, schema: &'s Value, open: &mut Open<'s>, hops: usize) {
    let Value::Object(members) = schema else {
        open.is_never |= *schema == Value::Bool(false);
        return;
    };
    if hops > REFERENCE_HOPS_MAX {
        return;
    }
    open.layers.push(members);
    for keyword in ["oneOf", "anyOf"] {
        if let Some(Value::Array(choice)) = members.get(keyword) {
            open.choices.push(choice);
        }
    }
    let target = members
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| root.target(reference));
    if let Some(target) = target {
        gather(root, target, open, hops + 1);
    }
    if let Some(Value::Array(parts)) = members.get("allOf") {
        for part in parts {
            gather(root, part, open, hops + 1);
        }
    }
}

fn lay_out<'s>(root: &'s dyn Root, mut open: Open<'s>, views: &mut Vec<View<'s>>) {
    if open.is_never || views.len() >= ALTERNATIVES_MAX {
        return;
    }
    let Some(choice) = open.choices.pop() else {
        views.push(View {
            layers: open.layers,
        });
        return;
    };
    for alternative in choice {
        let mut with = open.clone();
        gather(root, alternative, &mut with, 1);
        lay_out(root, with, views);
    }
}

impl<'s> View<'s> {
    /// The first value of a keyword.
    pub(crate) fn keyword(&self, keyword: &str) -> Option<&'s Value> {
        self.layers.iter().find_map(|layer| layer.get(keyword))
    }

    pub(crate) fn text(&self, keyword: &str) -> Option<&'s str> {
        self.keyword(keyword).and_then(Value::as_str)
    }

    /// The description of the chosen alternative itself: of the innermost layer, unless that is the only one.
    pub(crate) fn own_description(&self) -> Option<&'s str> {
        match self.layers.as_slice() {
            [_, .., last] => last.get("description")?.as_str(),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, keyword: &str) -> bool {
        self.keyword(keyword) == Some(&Value::Bool(true))
    }

    /// Whether values of this JSON type fit.
    pub(crate) fn accepts(&self, json_type: &str) -> bool {
        let matches =
            |name: &Value| name == json_type || (json_type == "integer" && name == "number");
        match self.keyword("type") {
            Some(Value::Array(types)) => types.iter().any(matches),
            Some(one) => matches(one),
            None => self.literals().is_none_or(|literals| {
                literals.iter().any(|literal| type_of(literal) == json_type)
            }),
        }
    }

    /// Anything goes.
    pub(crate) fn is_anything(&self) -> bool {
        self.keyword("type").is_none() && self.literals().is_none() && !self.has_keys()
    }

    /// Only nothing fits.
    pub(crate) fn is_null(&self) -> bool {
        self.keyword("type").is_some_and(|name| name == "null")
            || self.keyword("const") == Some(&Value::Null)
    }

    /// The only values that fit, where there are such.
    pub(crate) fn literals(&self) -> Option<Vec<&'s Value>> {
        if let Some(constant) = self.keyword("const") {
            return Some(vec![constant]);
        }
        let Some(Value::Array(values)) = self.keyword("enum") else {
            return None;
        };
        Some(values.iter().collect())
    }

    fn has_keys(&self) -> bool {
        ["properties", "additionalProperties", "patternProperties"]
            .iter()
            .any(|keyword| self.keyword(keyword).is_some())
    }

    /// The known keys of an object, in the order of the type's fields.
    pub(crate) fn properties(&self) -> Vec<(&'s str, &'s Value)> {
        self.layers
            .iter()
            .filter_map(|layer| layer.get("properties")?.as_object())
            .flatten()
            .map(|(name, schema)| (name.as_str(), schema))
            .collect()
    }

    pub(crate) fn property(&self, name: &str) -> Option<&'s Value> {
        self.layers
            .iter()
            .find_map(|layer| layer.get("properties")?.get(name))
    }

    /// The keys that must be there.
    pub(crate) fn required(&self) -> Vec<&'s str> {
        self.layers
            .iter()
            .filter_map(|layer| layer.get("required")?.as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The schema of a key that is not among the properties: none when such a key is refused.
    pub(crate) fn additional(&self, key: &str) -> Option<&'s Value> {
        if self.has_number_keys() {
            let digits = key.strip_prefix('-').unwrap_or(key);
            let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            return is_number.then(|| self.free_keys()).flatten();
        }
        self.free_keys()
    }

    /// The schema of keys that the type leaves open, whatever they are.
    pub(crate) fn free_keys(&self) -> Option<&'s Value> {
        let patterned = self
            .keyword("patternProperties")
            .and_then(|patterns| patterns.as_object()?.values().next());
        let rest = ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .find_map(|keyword| self.keyword(keyword))
            .unwrap_or(&Value::Bool(true));
        patterned.or((*rest != Value::Bool(false)).then_some(rest))
    }

    /// A map whose keys are numbers: the one thing that derives a pattern for keys.
    pub(crate) fn has_number_keys(&self) -> bool {
        self.keyword("patternProperties").is_some()
    }

    /// The key and value that tell this alternative of a tagged enum from the others, if `name` is such a key.
    pub(crate) fn tag(&self, name: &str) -> Option<&'s str> {
        let schema = self.property(name)?;
        schema
            .get("const")
            .or_else(|| match schema.get("enum")?.as_array()?.as_slice() {
                [only] => Some(only),
                _ => None,
            })?
            .as_str()
    }

    /// The one key of an externally tagged variant.
    pub(crate) fn sole_key(&self) -> Option<&'s str> {
        match (self.required().as_slice(), self.properties().as_slice()) {
            ([key], [(name, _)]) if key == name => Some(name),
            _ => None,
        }
    }
}

/// The key that tells `views` apart: each has it, required and with a value of its own.
pub(crate) fn common_tag<'s>(views: &[&View<'s>]) -> Option<&'s str> {
    let (first, rest) = views.split_first()?;
    first.properties().into_iter().find_map(|(name, _)| {
        let tells = |view: &&View<'s>| view.tag(name).is_some() && view.required().contains(&name);
        (tells(first) && rest.iter().all(tells)).then_some(name)
    })
}

/// The JSON type of a value, by JSON Schema's name.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
