//! The keywords of one schema object, picked from its text in one pass.

use std::borrow::Cow;

use wharf_model::{JsonKind, Slice};

use crate::reference::Referring;

/// Lists the keywords once: the enum, their names, and back.
macro_rules! keywords {
    ($($variant:ident = $name:literal,)*) => {
        /// The keywords that a conversion looks at; all others are dropped.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Keyword { $($variant,)* }

        impl Keyword {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it is written.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn of(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    // How Swagger 2.0 documents say what 3.0 has a keyword for.
                    "x-nullable" => Some(Self::Nullable),
                    _ => None,
                }
            }
        }
    };
}

keywords! {
    Ref = "$ref",
    Type = "type",
    Format = "format",
    Title = "title",
    Description = "description",
    Default = "default",
    Deprecated = "deprecated",
    Enum = "enum",
    Const = "const",
    MultipleOf = "multipleOf",
    Maximum = "maximum",
    ExclusiveMaximum = "exclusiveMaximum",
    Minimum = "minimum",
    ExclusiveMinimum = "exclusiveMinimum",
    MaxLength = "maxLength",
    MinLength = "minLength",
    Pattern = "pattern",
    ContentEncoding = "contentEncoding",
    ContentMediaType = "contentMediaType",
    Items = "items",
    PrefixItems = "prefixItems",
    UnevaluatedItems = "unevaluatedItems",
    Contains = "contains",
    MaxContains = "maxContains",
    MinContains = "minContains",
    MaxItems = "maxItems",
    MinItems = "minItems",
    UniqueItems = "uniqueItems",
    Properties = "properties",
    PatternProperties = "patternProperties",
    AdditionalProperties = "additionalProperties",
    UnevaluatedProperties = "unevaluatedProperties",
    PropertyNames = "propertyNames",
    MaxProperties = "maxProperties",
    MinProperties = "minProperties",
    Required = "required",
    DependentRequired = "dependentRequired",
    DependentSchemas = "dependentSchemas",
    AllOf = "allOf",
    AnyOf = "anyOf",
    OneOf = "oneOf",
    Discriminator = "discriminator",
    Not = "not",
    If = "if",
    Then = "then",
    Else = "else",
    Nullable = "nullable",
    ReadOnly = "readOnly",
    WriteOnly = "writeOnly",
}

/// What a schema object says, by keyword; of a keyword that stands twice the last one.
#[derive(Debug, Clone)]
pub(crate) struct Keywords<'d> {
    values: [Option<Slice<'d>>; Keyword::ALL.len()],
}

/// In which direction a property is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) read_only: bool,
    pub(crate) write_only: bool,
}

impl Flags {
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            read_only: self.read_only || other.read_only,
            write_only: self.write_only || other.write_only,
        }
    }
}

impl Default for Keywords<'_> {
    fn default() -> Self {
        Self {
            values: [None; Keyword::ALL.len()],
        }
    }
}

impl<'d> Referring<'d> for Keywords<'d> {
    fn of(schema: Slice<'d>) -> Self {
        let mut keywords = Self::default();
        for (key, value) in schema.each_member() {
            if let Some(keyword) = Keyword::of(&key) {
                keywords.values[keyword as usize] = Some(value);
            }
        }
        keywords
    }

    fn reference(&self) -> Option<Slice<'d>> {
        self.get(Keyword::Ref)
    }
}

impl<'d> Keywords<'d> {
    pub(crate) fn of(schema: Slice<'d>) -> Self {
        Referring::of(schema)
    }

    pub(crate) fn get(&self, keyword: Keyword) -> Option<Slice<'d>> {
        self.values[keyword as usize]
    }

    pub(crate) fn has(&self, keyword: Keyword) -> bool {
        self.get(keyword).is_some()
    }

    pub(crate) fn put(&mut self, keyword: Keyword, value: Option<Slice<'d>>) {
        self.values[keyword as usize] = value;
    }

    /// Forgets a keyword.
    pub(crate) fn drop(&mut self, keyword: Keyword) {
        self.put(keyword, None);
    }

    /// Forgets everything but `kept`.
    pub(crate) fn keep(&mut self, kept: &[Keyword]) {
        for keyword in Keyword::ALL {
            if !kept.contains(keyword) {
                self.drop(*keyword);
            }
        }
    }

    /// Whether there is nothing besides `keywords`.
    pub(crate) fn only(&self, keywords: &[Keyword]) -> bool {
        Keyword::ALL
            .iter()
            .all(|keyword| !self.has(*keyword) || keywords.contains(keyword))
    }

    /// A text that is not empty.
    pub(crate) fn text(&self, keyword: Keyword) -> Option<Cow<'d, str>> {
        self.get(keyword)?.text().filter(|text| !text.is_empty())
    }

    pub(crate) fn is_true(&self, keyword: Keyword) -> bool {
        self.get(keyword).and_then(Slice::boolean) == Some(true)
    }

    /// A reference that says something.
    pub(crate) fn reference(&self) -> Option<Slice<'d>> {
        self.get(Keyword::Ref).filter(|reference| {
            reference.kind() == JsonKind::String && reference.as_str() != "\"\""
        })
    }

    /// A reference that says something, and that nothing stands beside.
    pub(crate) fn lone_reference(&self) -> Option<Slice<'d>> {
        self.reference().filter(|_| self.only(&[Keyword::Ref]))
    }

    pub(crate) fn flags(&self) -> Flags {
        Flags {
            read_only: self.is_true(Keyword::ReadOnly),
            write_only: self.is_true(Keyword::WriteOnly),
        }
    }

    /// The types that are known, in their order, and whether there were others.
    pub(crate) fn types(&self) -> (Vec<&'static str>, bool) {
        let mut types = Vec::new();
        let mut odd = false;
        let mut add = |name: Slice<'d>| match name.text().and_then(|name| known_type(&name)) {
            Some(known) if !types.contains(&known) => types.push(known),
            Some(_) => {}
            None => odd = true,
        };
        match self.get(Keyword::Type) {
            Some(list) if list.kind() == JsonKind::Array => list.each_item().for_each(&mut add),
            Some(name) => add(name),
            None => {}
        }
        (types, odd)
    }
}

/// JSON Schema's name of a type, which some documents write with a capital.
fn known_type(name: &str) -> Option<&'static str> {
    [
        "string", "object", "integer", "boolean", "array", "number", "null",
    ]
    .into_iter()
    .find(|known| name.eq_ignore_ascii_case(known))
}

/// The members of an object, each once: the last of equal names, at the place of the first.
pub(crate) fn members_once(value: Slice<'_>) -> Vec<(Cow<'_, str>, Slice<'_>)> {
    /// Below this, comparing each with each is faster than a table.
    const FEW: usize = 24;
    let mut members: Vec<(Cow<'_, str>, Slice<'_>)> = Vec::new();
    let mut places: wharf_model::HashMap<Cow<'_, str>, usize> = wharf_model::HashMap::default();
    for (key, value) in value.each_member() {
        let earlier = if members.len() < FEW {
            members.iter().position(|(name, _)| *name == key)
        } else {
            if places.is_empty() {
                places.extend(
                    members
                        .iter()
                        .enumerate()
                        .map(|(place, (name, _))| (name.clone(), place)),
                );
            }
            places.get(&key).copied()
        };
        if let Some(place) = earlier {
            members[place].1 = value;
            continue;
        }
        if members.len() >= FEW {
            places.insert(key.clone(), members.len());
        }
        members.push((key, value));
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_names_the_last_counts() {
        let many: Vec<_> = (0..100)
            .map(|number| format!("\"k{}\":{number}", number % 40))
            .collect();
        let text = format!("{{{},\"k0\":true}}", many.join(","));
        let members = members_once(Slice::parse(&text).unwrap());
        assert_eq!(members.len(), 40);
        assert_eq!(members[0].1.as_str(), "true");
        assert_eq!(members[1].1.as_str(), "81");
        assert_eq!(members[39].1.as_str(), "79");
    }

    #[test]
    fn types_are_those_of_json_schema() {
        for (schema, types, odd) in [
            (r#"{"type":"string"}"#, &["string"][..], false),
            (r#"{"type":"String"}"#, &["string"], false),
            (
                r#"{"type":["string","null","string"]}"#,
                &["string", "null"],
                false,
            ),
            (r#"{"type":"file"}"#, &[], true),
            (r#"{"type":["uuid","string"]}"#, &["string"], true),
            (r#"{"type":1}"#, &[], true),
            ("{}", &[], false),
        ] {
            let keywords = Keywords::of(Slice::parse(schema).unwrap());
            assert_eq!(keywords.types(), (types.to_vec(), odd), "{schema}");
        }
    }
}
