//! The methods of a path item: those that OpenAPI names, and those that a document may add.

use std::borrow::Cow;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wharf_model::{HashSet, JsonKind, Slice};

use crate::document::Version;
use crate::schema::members_once;

/// The methods that OpenAPI knows, in the order in which the tools of one path are listed.
const METHODS: [&str; 9] = [
    "get", "query", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// What is certainly no part of a method's name.
const NOT_IN_METHODS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// What else a Path Item Object has.
const OTHERS: [&str; 6] = [
    "$ref",
    "summary",
    "description",
    "servers",
    "parameters",
    "additionalOperations",
];

/// An operation as its path item lists it.
#[derive(Debug, Clone)]
pub(super) struct Listed<'d> {
    pub(super) method: Method,
    /// Where it stands in its path item: a pointer without its first slash.
    pub(super) pointer: Cow<'d, str>,
    pub(super) value: Slice<'d>,
    /// Why it cannot be offered.
    pub(super) refusal: Option<String>,
}

/// The operations among a path item's members, in the order to list them.
pub(super) fn listed<'d>(
    members: impl IntoIterator<Item = (Cow<'d, str>, Slice<'d>)>,
    version: Version,
) -> Vec<Listed<'d>> {
    let mut found = Vec::new();
    for (key, value) in members {
        if key == "additionalOperations" {
            let additional = members_once(value).into_iter();
            found.extend(additional.map(|(name, value)| added(&name, value, version)));
        } else if METHODS.contains(&&*key) {
            let refusal = (key == "query" && version != Version::V32).then(|| {
                format!(
                    "`query` is a method from OpenAPI 3.2 on, and this is {}",
                    version.name()
                )
            });
            found.push(Listed {
                method: method(&key.to_ascii_uppercase()),
                pointer: key,
                value,
                refusal,
            });
        } else if value.kind() == JsonKind::Object
            && !OTHERS.contains(&&*key)
            && !key.starts_with("x-")
            && looks_like_operation(value)
        {
            found.push(Listed {
                refusal: Some(unknown(&key, version)),
                method: method(&key),
                pointer: escaped(&key).into(),
                value,
            });
        }
    }
    sort(&mut found);
    // `GET` beside `get` would be refused, and would be told from it by nothing.
    let mut seen = HashSet::default();
    found.retain(|listed| seen.insert(listed.method.clone()));
    found
}

/// Known methods first, in their order, then the others by name.
pub(super) fn sort(listed: &mut [Listed<'_>]) {
    let rank = |listed: &Listed<'_>| METHODS.iter().position(|known| *known == listed.pointer);
    listed.sort_by(|one, other| {
        let ranks = [one, other].map(|listed| rank(listed).unwrap_or(METHODS.len()));
        let names = [one, other].map(|listed| listed.method.as_str());
        ranks[0].cmp(&ranks[1]).then(names[0].cmp(names[1]))
    });
}

/// An operation of `additionalOperations` (OpenAPI 3.2), whose key is the method as it goes on the wire.
fn added<'d>(name: &str, value: Slice<'d>, version: Version) -> Listed<'d> {
    let refusal = if version != Version::V32 {
        Some(format!(
            "`additionalOperations` exist from OpenAPI 3.2 on, and this is {}",
            version.name()
        ))
    } else if METHODS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        Some(format!(
            "`{name}` has a place of its own, as `{}`, and cannot be an additional operation",
            name.to_ascii_lowercase()
        ))
    } else if Method::from_bytes(name.as_bytes()).is_err() || name == "CONNECT" {
        Some(format!("`{name}` is no method that can be sent"))
    } else {
        None
    };
    // One that is refused may share its name with one that is not.
    let shown = match &refusal {
        Some(_) => Cow::Owned(format!("additionalOperations.{name}")),
        None => Cow::Borrowed(name),
    };
    Listed {
        method: method(&shown),
        pointer: format!("additionalOperations/{}", escaped(name)).into(),
        value,
        refusal,
    }
}

/// What stands beside the methods and has what only operations have.
fn looks_like_operation(value: Slice<'_>) -> bool {
    value.each_member().any(|(key, _)| {
        matches!(
            &*key,
            "responses" | "operationId" | "requestBody" | "parameters"
        )
    })
}

fn unknown(name: &str, version: Version) -> String {
    let lower = name.to_ascii_lowercase();
    if METHODS.contains(&&*lower) {
        format!(
            "`{name}` is no method that {} knows; did you mean `{lower}`?",
            version.name()
        )
    } else {
        format!("`{name}` is no method that {} knows", version.name())
    }
}

/// The method of that name; of a name that cannot be one, something that shows it.
fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes())
        .or_else(|_| {
            let shown = utf8_percent_encode(name, NOT_IN_METHODS).to_string();
            Method::from_bytes(shown.as_bytes())
        })
        .unwrap_or_default()
}

fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_or_refused_by_name() {
        let item = r#"{"x-a":{"responses":{}},"trace":{},"get":{},"query":{},"GET":{"responses":{}},"POST":{"responses":{}},"note":{"text":""},
            "purge":{"operationId":"p"},"additionalOperations":{"LINK":{},"a b/c":{},"Get":{},"CONNECT":{}}}"#;
        let rows = |version| -> Vec<(String, String, Option<String>)> {
            let members = Slice::parse(item).unwrap().members();
            listed(members, version)
                .into_iter()
                .map(|listed| {
                    let method = listed.method.to_string();
                    (method, listed.pointer.into_owned(), listed.refusal)
                })
                .collect()
        };
        let refused = |rows: &[(String, String, Option<String>)], pointer: &str| {
            let row = rows.iter().find(|(_, found, _)| found == pointer);
            let (.., refusal) = row.unwrap_or_else(|| panic!("{pointer}: {rows:?}"));
            refusal.clone()
        };
        for (version, pointer, expected) in [
            (Version::V32, "get", None),
            (Version::V32, "query", None),
            (
                Version::V31,
                "query",
                Some("from OpenAPI 3.2 on, and this is OpenAPI 3.1"),
            ),
            (Version::V20, "query", Some("this is Swagger 2.0")),
            (Version::V32, "trace", None),
            (Version::V32, "POST", Some("did you mean `post`?")),
            (
                Version::V30,
                "purge",
                Some("`purge` is no method that OpenAPI 3.0 knows"),
            ),
            (Version::V32, "additionalOperations/LINK", None),
            (
                Version::V31,
                "additionalOperations/LINK",
                Some("from OpenAPI 3.2 on"),
            ),
            (
                Version::V32,
                "additionalOperations/a b~1c",
                Some("`a b/c` is no method"),
            ),
            (Version::V32, "additionalOperations/Get", Some("as `get`")),
            (
                Version::V32,
                "additionalOperations/CONNECT",
                Some("is no method that can be sent"),
            ),
        ] {
            let refusal = refused(&rows(version), pointer);
            match expected {
                None => assert_eq!(refusal, None, "{version:?} {pointer}"),
                Some(expected) => {
                    let refusal = refusal.unwrap_or_else(|| panic!("{version:?} {pointer}"));
                    assert!(
                        refusal.contains(expected),
                        "{version:?} {pointer}: {refusal}"
                    );
                }
            }
        }
        let order: Vec<_> = rows(Version::V32)
            .into_iter()
            .map(|(method, ..)| method)
            .collect();
        assert_eq!(
            order,
            [
                "GET",
                "QUERY",
                "TRACE",
                "LINK",
                "POST",
                "additionalOperations.CONNECT",
                "additionalOperations.Get",
                "additionalOperations.a%20b%2Fc",
                "purge"
            ],
        );
    }
}
