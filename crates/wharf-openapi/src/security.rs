//! Security schemes: what a document declares of them, as far as requests depend on it.
//!
//! The operator gives credentials by the schemes' names; what a name stands for, where a key goes, is the document's to
//! say. Addresses of authorization servers are not read: secrets go only where the operator sends them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use wharf_model::{HashSet, Slice};
use wharf_upstream::{ApiKeyPlace, DeclaredScheme, Supplied};

use crate::document::Document;
use crate::plan::Location;
use crate::reference::{Referring, Resolver};

impl Document {
    /// The security schemes by name; those that cannot be read are left out.
    pub fn security_schemes(&self) -> BTreeMap<String, DeclaredScheme> {
        let resolver = Resolver::new(self);
        self.components("securitySchemes")
            // Swagger 2.0.
            .or_else(|| self.member("securityDefinitions"))
            .into_iter()
            .flat_map(Slice::each_member)
            .filter_map(|(name, scheme)| {
                let members: Members<'_> = resolver.read(scheme).ok()?;
                Some((name.into_owned(), members.declared()?))
            })
            .collect()
    }
}

/// The members of a Security Scheme Object.
#[derive(Default)]
struct Members<'d> {
    reference: Option<Slice<'d>>,
    kind: Option<Cow<'d, str>>,
    name: Option<Cow<'d, str>>,
    place: Option<Cow<'d, str>>,
}

impl<'d> Referring<'d> for Members<'d> {
    fn of(scheme: Slice<'d>) -> Self {
        let mut members = Self::default();
        for (key, value) in scheme.each_member() {
            match &*key {
                "$ref" => members.reference = Some(value),
                "type" => members.kind = value.text(),
                "name" => members.name = value.text(),
                "in" => members.place = value.text(),
                _ => {}
            }
        }
        members
    }

    fn reference(&self) -> Option<Slice<'d>> {
        self.reference
    }
}

impl Members<'_> {
    fn declared(self) -> Option<DeclaredScheme> {
        Some(match self.kind.as_deref()? {
            "apiKey" => DeclaredScheme::ApiKey {
                place: match self.place.as_deref()? {
                    "header" => ApiKeyPlace::Header,
                    "query" => ApiKeyPlace::Query,
                    "cookie" => ApiKeyPlace::Cookie,
                    _ => return None,
                },
                name: self.name?.into_owned(),
            },
            "mutualTLS" => DeclaredScheme::MutualTls,
            _ => DeclaredScheme::Authorization,
        })
    }
}

/// The security schemes by which tokens have scopes: OAuth 2 and `OpenID` Connect.
pub(crate) struct ScopedSchemes(HashSet<String>);

impl ScopedSchemes {
    pub(crate) fn of<'d>(resolver: &Resolver<'d>) -> Self {
        let document = resolver.document();
        let schemes = document
            .components("securitySchemes")
            // Swagger 2.0.
            .or_else(|| document.member("securityDefinitions"));
        let is_scoped = |scheme: Slice<'d>| {
            let members: Option<Members<'d>> = resolver.read(scheme).ok();
            let kind = members.and_then(|members| members.kind);
            matches!(kind.as_deref(), Some("oauth2" | "openIdConnect"))
        };
        let each = schemes.into_iter().flat_map(Slice::each_member);
        Self(
            each.filter(|(_, scheme)| is_scoped(*scheme))
                .map(|(name, _)| name.into_owned())
                .collect(),
        )
    }

    /// The scopes that requirements name: alternatives. An alternative without a scope says nothing of tokens, and is
    /// left out.
    pub(crate) fn scopes(&self, requirements: Slice<'_>) -> Vec<Vec<String>> {
        let of_one = |requirement: Slice<'_>| -> Vec<String> {
            requirement
                .each_member()
                .filter(|(scheme, _)| self.0.contains(&**scheme))
                .flat_map(|(_, scopes)| scopes.each_item())
                .filter_map(Slice::text)
                .map(Cow::into_owned)
                .collect()
        };
        let alternatives = requirements.each_item().map(of_one);
        alternatives.filter(|scopes| !scopes.is_empty()).collect()
    }
}

/// Whether the server fills in a parameter itself, for an operation that declares `security`.
pub(crate) fn is_supplied(
    supplied: &Supplied,
    security: &[Vec<String>],
    location: Location,
    name: &str,
) -> bool {
    let place = match location {
        Location::Header => ApiKeyPlace::Header,
        Location::Query => ApiKeyPlace::Query,
        Location::Cookie => ApiKeyPlace::Cookie,
        Location::Path | Location::Querystring => return false,
    };
    supplied.has(security, place, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(place: ApiKeyPlace, name: &str) -> DeclaredScheme {
        DeclaredScheme::ApiKey {
            place,
            name: name.to_owned(),
        }
    }

    #[test]
    fn schemes_are_read_in_every_version() {
        let three = r##"{"openapi":"3.1.0","info":{},"paths":{},"components":{"securitySchemes":{
            "h":{"type":"apiKey","in":"header","name":"X-Key"},
            "q":{"type":"apiKey","in":"query","name":"key"},
            "c":{"type":"apiKey","in":"cookie","name":"sid"},
            "bearer":{"type":"http","scheme":"bearer"},
            "oauth":{"type":"oauth2","flows":{}},
            "tls":{"type":"mutualTLS"},
            "again":{"$ref":"#/components/securitySchemes/h"},
            "nowhere":{"type":"apiKey","in":"body","name":"key"},
            "nameless":{"type":"apiKey","in":"query"},
            "dangling":{"$ref":"#/components/securitySchemes/gone"},
            "empty":{}}}}"##;
        let two = r#"{"swagger":"2.0","info":{},"paths":{},"securityDefinitions":{
            "h":{"type":"apiKey","in":"header","name":"X-Key"},
            "basic":{"type":"basic"}}}"#;
        let none = r#"{"openapi":"3.1.0","info":{},"paths":{}}"#;
        let authorization = DeclaredScheme::Authorization;
        for (text, expected) in [
            (
                three,
                vec![
                    ("again", key(ApiKeyPlace::Header, "X-Key")),
                    ("bearer", authorization.clone()),
                    ("c", key(ApiKeyPlace::Cookie, "sid")),
                    ("h", key(ApiKeyPlace::Header, "X-Key")),
                    ("oauth", authorization.clone()),
                    ("q", key(ApiKeyPlace::Query, "key")),
                    ("tls", DeclaredScheme::MutualTls),
                ],
            ),
            (
                two,
                vec![
                    ("basic", authorization),
                    ("h", key(ApiKeyPlace::Header, "X-Key")),
                ],
            ),
            (none, vec![]),
        ] {
            let schemes = Document::read(text).unwrap().security_schemes();
            let schemes: Vec<_> = schemes
                .iter()
                .map(|(name, scheme)| (name.as_str(), scheme.clone()))
                .collect();
            assert_eq!(schemes, expected, "{text}");
        }
    }

    #[test]
    fn scopes_are_those_of_schemes_that_have_some() {
        let text = r#"{"openapi":"3.1.0","info":{},"paths":{},"components":{"securitySchemes":{
            "oauth":{"type":"oauth2","flows":{}},
            "oidc":{"type":"openIdConnect","openIdConnectUrl":"https://a"},
            "bearer":{"type":"http","scheme":"bearer"}}}}"#;
        let document = Document::read(text).unwrap();
        let schemes = ScopedSchemes::of(&Resolver::new(&document));
        for (requirements, expected) in [
            (
                r#"[{"oauth":["a","b"]},{"oidc":["c"]}]"#,
                vec![vec!["a", "b"], vec!["c"]],
            ),
            (
                r#"[{"oauth":["a"],"oidc":["c"],"bearer":["role"]}]"#,
                vec![vec!["a", "c"]],
            ),
            (r#"[{"bearer":["role"]},{},{"oauth":[]}]"#, vec![]),
            (r#"[{"oauth":"a"},7,{"gone":["a"]}]"#, vec![]),
            ("{}", vec![]),
        ] {
            let found = schemes.scopes(Slice::parse(requirements).unwrap());
            assert_eq!(found, expected, "{requirements}");
        }
    }
}
