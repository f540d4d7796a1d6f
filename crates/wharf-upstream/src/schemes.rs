//! Security schemes: which of them an operation uses, and what the document adds to what the operator wrote.
//!
//! The document names the schemes and says, for each operation, which of them it takes; the operator gives credentials
//! by these names. Both the request and the list of tools depend on the choice, so it is made in one place ([`choose`]).
//! Nothing here knows how a document is written, and nothing is sent.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ApiKeyPlace, Config, Credentials, Environment, UpstreamError};

/// How alike a name must be to be suggested.
const LIKENESS_MIN: f64 = 0.7;

/// What a document says of a security scheme, as far as requests depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeclaredScheme {
    /// A key under a name.
    ApiKey {
        /// The name of the header, parameter or cookie.
        name: String,
        /// Where it goes.
        place: ApiKeyPlace,
    },
    /// A client certificate.
    MutualTls,
    /// Anything that goes into the `Authorization` header: basic, bearer, OAuth 2, `OpenID` Connect.
    Authorization,
}

/// Which parameters of an operation this server fills in by itself, so that nobody else needs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supplied {
    /// Whatever the operation declares.
    always: Vec<Spot>,
    /// By scheme, where credentials are given so; a scheme that fills in no parameter has an entry too.
    schemes: BTreeMap<String, Option<Spot>>,
    /// There is neither a key, nor a header, nor a certificate, nor anything of the client's.
    is_nothing: bool,
}

/// Where a value stands in a request.
type Spot = (ApiKeyPlace, String);

impl Supplied {
    /// Whether the parameter `name` at `place` is filled in, for an operation that declares `security`.
    pub fn has(&self, security: &[Vec<String>], place: ApiKeyPlace, name: &str) -> bool {
        let is_it = |spot: &Spot| {
            spot.0 == place
                && match place {
                    ApiKeyPlace::Header => spot.1.eq_ignore_ascii_case(name),
                    ApiKeyPlace::Query | ApiKeyPlace::Cookie => spot.1 == name,
                }
        };
        if self.always.iter().any(is_it) {
            return true;
        }
        choose(security, |scheme| self.schemes.contains_key(scheme))
            .iter()
            .filter_map(|scheme| self.schemes.get(scheme)?.as_ref())
            .any(is_it)
    }

    /// Whether an operation that declares `security` gets credentials where it wants some. Where none are given by
    /// scheme, those for everything are the operator's choice, and suffice; nothing at all does not.
    pub fn suffices(&self, security: &[Vec<String>]) -> bool {
        let has = |scheme: &str| self.schemes.contains_key(scheme);
        (self.schemes.is_empty() && !self.is_nothing)
            || security.is_empty()
            || security.iter().any(Vec::is_empty)
            || !choose(security, has).is_empty()
    }
}

impl Config {
    /// This configuration with what its credentials leave to the document's security schemes and to the environment.
    pub fn completed(
        &self,
        declared: &BTreeMap<String, DeclaredScheme>,
        environment: &dyn Environment,
    ) -> Result<Self, UpstreamError> {
        let mut config = self.clone();
        config.credentials = self.credentials.completed(environment)?;
        for (name, credentials) in &mut config.schemes {
            let scheme = declared
                .get(name)
                .ok_or_else(|| UpstreamError::UnknownScheme {
                    scheme: name.clone(),
                    nearest: nearest(name, declared.keys()),
                })?;
            credentials.take_place(scheme);
            *credentials = credentials.completed(environment)?;
        }
        if config.client_certificate.is_some() {
            config.satisfied_schemes = declared
                .iter()
                .filter(|(_, scheme)| **scheme == DeclaredScheme::MutualTls)
                .map(|(name, _)| name.clone())
                .collect();
        }
        Ok(config)
    }

    /// Which parameters of operations this configuration fills in.
    pub fn supplied(&self) -> Supplied {
        let mut always: Vec<_> = self
            .headers
            .keys()
            .map(|name| (ApiKeyPlace::Header, name.clone()))
            .collect();
        let mut schemes = BTreeMap::new();
        if self.schemes.is_empty() {
            always.extend(self.credentials.spot());
        } else {
            let satisfied = self.satisfied_schemes.iter();
            schemes.extend(satisfied.map(|name| (name.clone(), None)));
            let given = self.schemes.iter();
            schemes.extend(given.map(|(name, credentials)| (name.clone(), credentials.spot())));
        }
        let is_nothing = schemes.is_empty()
            && self.headers.is_empty()
            && self.forward_headers.is_empty()
            && self.client_certificate.is_none()
            && matches!(self.credentials, Credentials::None {});
        Supplied {
            always,
            schemes,
            is_nothing,
        }
    }
}

impl Credentials {
    /// Takes name and place of a key from the scheme, as far as they are left to it.
    fn take_place(&mut self, scheme: &DeclaredScheme) {
        if let (
            Self::ApiKey { name, place, .. },
            DeclaredScheme::ApiKey {
                name: declared_name,
                place: declared_place,
            },
        ) = (self, scheme)
        {
            name.get_or_insert_with(|| declared_name.clone());
            place.get_or_insert(*declared_place);
        }
    }

    /// Where the value goes, when that can be where a parameter is.
    fn spot(&self) -> Option<Spot> {
        match self {
            Self::None {} => None,
            Self::ApiKey { name, place, .. } => Some(((*place)?, name.clone()?)),
            _ => Some((ApiKeyPlace::Header, "authorization".to_owned())),
        }
    }
}

/// The schemes whose credentials an operation's requests carry: the first alternative that names any and has
/// credentials for each. An operation may allow to be called without (`{}`); it is when there is no other way.
pub(crate) fn choose(security: &[Vec<String>], has: impl Fn(&str) -> bool) -> &[String] {
    security
        .iter()
        .find(|all| !all.is_empty() && all.iter().all(|scheme| has(scheme)))
        .map_or(&[], Vec::as_slice)
}

/// The name that was probably meant.
fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n String>) -> Option<String> {
    names
        .map(|other| (strsim::jaro_winkler(name, other), other))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, other)| other.clone())
}

/// The names that `satisfied` and `schemes` give credentials for.
pub(crate) fn is_configured(config: &Config) -> BTreeSet<String> {
    let given = config.schemes.keys().chain(&config.satisfied_schemes);
    given.cloned().collect()
}

#[cfg(test)]
mod tests {
    use wharf_model::Secret;

    use super::*;

    fn lists(lists: &[&[&str]]) -> Vec<Vec<String>> {
        let owned = |list: &&[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        lists.iter().map(owned).collect()
    }

    fn key(name: Option<&str>, place: Option<ApiKeyPlace>) -> Credentials {
        Credentials::ApiKey {
            name: name.map(str::to_owned),
            place,
            value: Secret::new("hush"),
        }
    }

    fn declared() -> BTreeMap<String, DeclaredScheme> {
        [
            (
                "petKey".to_owned(),
                DeclaredScheme::ApiKey {
                    name: "X-Pet-Key".to_owned(),
                    place: ApiKeyPlace::Header,
                },
            ),
            ("certificate".to_owned(), DeclaredScheme::MutualTls),
            ("login".to_owned(), DeclaredScheme::Authorization),
        ]
        .into()
    }

    #[test]
    fn the_first_alternative_that_is_configured_is_used() {
        let configured = ["key", "login"];
        for (security, expected) in [
            (lists(&[]), vec![]),
            (lists(&[&[]]), vec![]),
            (lists(&[&["key"]]), vec!["key"]),
            (lists(&[&["other"]]), vec![]),
            (lists(&[&["other"], &["login"]]), vec!["login"]),
            (lists(&[&["login"], &["key"]]), vec!["login"]),
            (lists(&[&["key", "other"], &["login"]]), vec!["login"]),
            (lists(&[&["login", "key"]]), vec!["login", "key"]),
            // What may be called without credentials is called with them where there are any.
            (lists(&[&[], &["key"]]), vec!["key"]),
            (lists(&[&["other"], &[]]), vec![]),
        ] {
            let chosen = choose(&security, |name| configured.contains(&name));
            assert_eq!(chosen, expected, "{security:?}");
        }
    }

    #[test]
    fn the_document_says_what_credentials_leave_out() {
        for (given, expected) in [
            (key(None, None), (ApiKeyPlace::Header, "X-Pet-Key")),
            (key(Some("mine"), None), (ApiKeyPlace::Header, "mine")),
            (
                key(None, Some(ApiKeyPlace::Query)),
                (ApiKeyPlace::Query, "X-Pet-Key"),
            ),
        ] {
            let mut config = Config::default();
            config.schemes.insert("petKey".to_owned(), given.clone());
            let config = config.completed(&declared(), &()).unwrap();
            let spot = config.schemes["petKey"].spot();
            assert_eq!(spot, Some((expected.0, expected.1.to_owned())), "{given:?}");
        }
    }

    #[test]
    fn a_scheme_that_is_not_in_the_document_is_refused() {
        for (name, nearest) in [("petkey", Some("petKey")), ("xyz", None)] {
            let mut config = Config::default();
            config.schemes.insert(name.to_owned(), key(None, None));
            let error = config.completed(&declared(), &()).expect_err(name);
            assert!(error.to_string().contains(name), "{error}");
            let hint = error.hint().unwrap_or_default();
            assert_eq!(
                hint.contains("did you mean `petKey`"),
                nearest.is_some(),
                "{name}: {hint}"
            );
        }
    }

    #[test]
    fn what_the_server_supplies_depends_on_the_operation() {
        let mut by_scheme = Config::default();
        by_scheme
            .schemes
            .insert("petKey".to_owned(), key(None, None));
        by_scheme.client_certificate = Some(crate::ClientCertificate {
            certificate_pem: String::new(),
            key_pem: Secret::new(""),
        });
        let by_scheme = by_scheme.completed(&declared(), &()).unwrap();
        let mut for_all = Config {
            credentials: key(Some("token"), Some(ApiKeyPlace::Query)),
            ..Config::default()
        };
        for_all
            .headers
            .insert("X-Tenant".to_owned(), Secret::new("blue"));
        let for_all_by_certificate = Config {
            credentials: for_all.credentials.clone(),
            client_certificate: by_scheme.client_certificate.clone(),
            ..Config::default()
        };
        let for_all_by_certificate = for_all_by_certificate.completed(&declared(), &()).unwrap();
        for (config, security, place, name, expected) in [
            (
                &by_scheme,
                lists(&[&["petKey"]]),
                ApiKeyPlace::Header,
                "x-pet-key",
                true,
            ),
            (
                &by_scheme,
                lists(&[&["petKey"]]),
                ApiKeyPlace::Query,
                "X-Pet-Key",
                false,
            ),
            (
                &by_scheme,
                lists(&[]),
                ApiKeyPlace::Header,
                "x-pet-key",
                false,
            ),
            (
                &by_scheme,
                lists(&[&["login"]]),
                ApiKeyPlace::Header,
                "x-pet-key",
                false,
            ),
            (
                &by_scheme,
                lists(&[&["certificate", "petKey"]]),
                ApiKeyPlace::Header,
                "x-pet-key",
                true,
            ),
            (&for_all, lists(&[]), ApiKeyPlace::Query, "token", true),
            (&for_all, lists(&[]), ApiKeyPlace::Query, "TOKEN", false),
            (
                &for_all,
                lists(&[&["login"]]),
                ApiKeyPlace::Header,
                "x-tenant",
                true,
            ),
        ] {
            let has = config.supplied().has(&security, place, name);
            assert_eq!(has, expected, "{security:?} {place:?} {name}");
        }
        for (config, security, expected) in [
            (&by_scheme, lists(&[]), true),
            (&by_scheme, lists(&[&["petKey"]]), true),
            (&by_scheme, lists(&[&["login"]]), false),
            (&by_scheme, lists(&[&["login"], &[]]), true),
            (&by_scheme, lists(&[&["login", "petKey"]]), false),
            (&for_all, lists(&[&["login"]]), true),
            (&for_all_by_certificate, lists(&[&["login"]]), true),
        ] {
            let suffices = config.supplied().suffices(&security);
            assert_eq!(suffices, expected, "{security:?}");
        }
    }
}
