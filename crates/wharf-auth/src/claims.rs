//! What a token claims.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use wharf_model::{Json, JsonKind, Slice};

use crate::error::TokenError;

/// The claims of a token (RFC 7519 §4).
///
/// Only an [`crate::Issuer`] gives them away, and only after it has checked them.
#[derive(Clone)]
pub struct Claims {
    json: Json,
    issuer: Option<String>,
    audiences: Vec<String>,
    expires_at: Option<u64>,
    not_before: Option<u64>,
}

/// Seconds since 1970 that are no time of a token: the year 9999 ends before.
const TIME_MAX: f64 = 253_402_300_800.0;

const MALFORMED: TokenError = TokenError::Malformed("a claim has the wrong type");

impl Claims {
    pub(crate) fn read(json: Json) -> Result<Self, TokenError> {
        let claim = |name: &str| json.slice().get(name);
        let text = |name: &str| {
            let text = claim(name).map(|value| value.text().map(Cow::into_owned).ok_or(MALFORMED));
            text.transpose()
        };
        // Read by many, and a text with all of them.
        text("sub")?;
        Ok(Self {
            issuer: text("iss")?,
            audiences: claim("aud").map_or(Ok(Vec::new()), one_or_many)?,
            expires_at: claim("exp").map(time).transpose()?,
            not_before: claim("nbf").map(time).transpose()?,
            json,
        })
    }

    /// All of them, as one object.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// `iss`
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// `aud`
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// `exp`: seconds since 1970.
    pub fn expires_at(&self) -> Option<u64> {
        self.expires_at
    }

    pub(crate) fn not_before(&self) -> Option<u64> {
        self.not_before
    }

    /// A claim's value.
    pub fn get(&self, name: &str) -> Option<Slice<'_>> {
        self.json.slice().get(name)
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.text().map(Cow::into_owned)
    }

    /// Whether a claim is `expected`, or a list that has it. What is no text is compared by how JSON writes it.
    pub(crate) fn has(&self, name: &str, expected: &str) -> bool {
        self.get(name).is_some_and(|value| match value.kind() {
            JsonKind::Array => value.items().iter().any(|item| is(*item, expected)),
            _ => is(value, expected),
        })
    }

    /// The client that the token was given to, by the names that issuers have for it: RFC 9068's, OpenID's, Okta's, and
    /// that of Entra's older tokens.
    pub fn client_id(&self) -> Option<String> {
        ["client_id", "azp", "cid", "appid"]
            .iter()
            .find_map(|name| self.text(name))
    }

    /// What the token permits: `scope` as in RFC 9068, `scp` as Entra and Okta call it.
    pub fn scopes(&self) -> BTreeSet<String> {
        let mut scopes = BTreeSet::new();
        for value in ["scope", "scp"].iter().filter_map(|name| self.get(name)) {
            for text in texts(value) {
                scopes.extend(text.split_ascii_whitespace().map(str::to_owned));
            }
        }
        scopes
    }

    /// The texts of these claims together.
    pub(crate) fn all_of(&self, names: &[String]) -> BTreeSet<String> {
        let values = names.iter().filter_map(|name| self.get(name));
        values.flat_map(texts).collect()
    }
}

/// Claims name people.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(…)")
    }
}

fn is(value: Slice<'_>, expected: &str) -> bool {
    value.text().map_or_else(
        || value.as_str() == expected,
        |text| text.as_ref() == expected,
    )
}

/// A text, or each text of a list.
fn texts(value: Slice<'_>) -> Vec<String> {
    let text = |value: Slice<'_>| value.text().map(Cow::into_owned);
    match value.kind() {
        JsonKind::Array => value.items().into_iter().filter_map(text).collect(),
        _ => text(value).into_iter().collect(),
    }
}

fn one_or_many(value: Slice<'_>) -> Result<Vec<String>, TokenError> {
    let text = |value: Slice<'_>| value.text().map(Cow::into_owned).ok_or(MALFORMED);
    match value.kind() {
        JsonKind::Array => value.items().into_iter().map(text).collect(),
        _ => text(value).map(|text| vec![text]),
    }
}

/// `NumericDate`: seconds, possibly with a fraction, which only ever shortens a life.
fn time(value: Slice<'_>) -> Result<u64, TokenError> {
    let seconds = value.as_str().parse::<f64>().map_err(|_| MALFORMED)?;
    if !(0.0..TIME_MAX).contains(&seconds) {
        return Err(MALFORMED);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between zero and a number that fits"
    )]
    Ok(seconds as u64)
}
