//! A token as it came: split and decoded, and nothing of it believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use wharf_model::Json;

use crate::claims::Claims;
use crate::error::TokenError;
use crate::strict;

/// The longest token that is looked at. Large honest ones, full of groups, have 8 KB; proxies commonly cut heads at 8 or
/// 16.
pub(crate) const TOKEN_BYTES_MAX: usize = 16 << 10;

/// A signed token (JWS compact serialization, RFC 7515 §7.1) whose signature nobody has checked.
///
/// What it claims can be had only through an [`crate::Issuer`]; beforehand there is just the name of the issuer that it
/// asks to be judged by.
#[derive(Debug)]
pub struct UnverifiedToken<'t> {
    pub(crate) header: Header,
    /// What the signature is over.
    pub(crate) signed: &'t [u8],
    pub(crate) signature: Vec<u8>,
    claims: Claims,
}

/// What a token says about how it is signed.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: String,
    pub(crate) key_id: Option<String>,
}

impl<'t> UnverifiedToken<'t> {
    /// Splits and decodes. Refuses what is no JWT, and what asks to be understood in ways that are not (`crit`).
    pub fn parse(token: &'t str) -> Result<Self, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed("it is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(NO_JWT)?;
        let (header, payload) = signed.split_once('.').ok_or(NO_JWT)?;
        if payload.contains('.') {
            return Err(NO_JWT);
        }
        Ok(Self {
            header: Header::read(&part(header)?)?,
            claims: Claims::read(part(payload)?)?,
            signed: signed.as_bytes(),
            signature: decode(signature)?,
        })
    }

    /// The issuer that the token names: good for choosing who is to judge it, and for nothing else.
    pub fn unverified_issuer(&self) -> Option<&str> {
        self.claims.issuer()
    }

    /// The claims, for whoever has checked the signature.
    pub(crate) fn into_claims(self) -> Claims {
        self.claims
    }
}

const NO_JWT: TokenError = TokenError::Malformed("it is no JSON Web Token");

impl Header {
    fn read(json: &Json) -> Result<Self, TokenError> {
        let json = json.slice();
        let text = |name: &str| match json.get(name) {
            None => Ok(None),
            Some(value) => value
                .text()
                .map(|text| Some(text.into_owned()))
                .ok_or(NO_JWT),
        };
        if json.get("crit").is_some() {
            return Err(TokenError::Malformed("its header demands an extension"));
        }
        // Logout tokens, security events and the like are signed by the same keys and mean something else (RFC 8725
        // §3.11).
        if let Some(kind) = text("typ")? {
            let kind = kind.to_ascii_lowercase();
            let kind = kind.strip_prefix("application/").unwrap_or(&kind);
            if !matches!(kind, "jwt" | "at+jwt") {
                return Err(TokenError::Malformed(
                    "its type is not that of an access token",
                ));
            }
        }
        Ok(Self {
            algorithm: text("alg")?.ok_or(NO_JWT)?,
            key_id: text("kid")?,
        })
    }
}

fn part(text: &str) -> Result<Json, TokenError> {
    strict::object(Bytes::from(decode(text)?)).ok_or(NO_JWT)
}

/// Without padding, and without stray bits: one text for each value.
fn decode(text: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NO_JWT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn judge(token: &str) -> Result<(), String> {
        UnverifiedToken::parse(token)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_a_token() {
        let claims = encode(r#"{"iss":"https://a.example","exp":1}"#);
        let with_header = |header: &str| format!("{}.{claims}.AA", encode(header));
        let with_claims =
            |text: &str| format!("{}.{}.AA", encode(r#"{"alg":"RS256"}"#), encode(text));
        for (case, token, good) in [
            ("plain", with_header(r#"{"alg":"RS256","kid":"1"}"#), true),
            (
                "typed",
                with_header(r#"{"alg":"RS256","typ":"at+jwt"}"#),
                true,
            ),
            (
                "typed in full",
                with_header(r#"{"alg":"RS256","typ":"application/at+JWT"}"#),
                true,
            ),
            (
                "a logout token",
                with_header(r#"{"alg":"RS256","typ":"logout+jwt"}"#),
                false,
            ),
            (
                "an extension",
                with_header(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#),
                false,
            ),
            ("no algorithm", with_header(r#"{"kid":"1"}"#), false),
            (
                "a number as key id",
                with_header(r#"{"alg":"RS256","kid":1}"#),
                false,
            ),
            (
                "two algorithms",
                with_header(r#"{"alg":"RS256","alg":"none"}"#),
                false,
            ),
            ("no header", with_header("[]"), false),
            (
                "two parts",
                format!("{}.{claims}", encode(r#"{"alg":"none"}"#)),
                false,
            ),
            (
                "four parts",
                format!("{}.AA", with_header(r#"{"alg":"RS256"}"#)),
                false,
            ),
            (
                "five parts, as of an encrypted one",
                "AA.AA.AA.AA.AA".to_owned(),
                false,
            ),
            ("nothing", String::new(), false),
            (
                "padding",
                format!("{}.{claims}.AA==", encode(r#"{"alg":"RS256"}"#)),
                false,
            ),
            (
                "stray bits",
                format!("{}.{claims}.AB", encode(r#"{"alg":"RS256"}"#)),
                false,
            ),
            (
                "two issuers",
                with_claims(r#"{"iss":"a","iss":"b","exp":1}"#),
                false,
            ),
            (
                "a list as subject",
                with_claims(r#"{"sub":["a"],"exp":1}"#),
                false,
            ),
            ("a text as end", with_claims(r#"{"exp":"1"}"#), false),
            (
                "an end beyond all time",
                with_claims(r#"{"exp":1e300}"#),
                false,
            ),
            (
                "an end before all time",
                with_claims(r#"{"exp":-1}"#),
                false,
            ),
            ("a fraction as end", with_claims(r#"{"exp":1.5}"#), true),
            ("no end", with_claims("{}"), true),
            ("audiences", with_claims(r#"{"aud":["a","b"]}"#), true),
            (
                "a number among audiences",
                with_claims(r#"{"aud":["a",1]}"#),
                false,
            ),
            (
                "too long",
                format!(
                    "{}.{claims}.{}",
                    encode(r#"{"alg":"RS256"}"#),
                    "A".repeat(TOKEN_BYTES_MAX)
                ),
                false,
            ),
        ] {
            let judged = judge(&token);
            assert_eq!(judged.is_ok(), good, "{case}: {judged:?}");
        }
    }
}
