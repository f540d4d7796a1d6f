//! The rules, statuses, bodies and log lines of the Quilt MCP server (0.13 to 0.14.1), for those whose clients and alarms
//! match on them: HS256 by one secret, `id` or `uuid` as the caller, hardly any other claim, 401 for what is missing and
//! 403 for what is wrong, and no challenge.
//!
//! One thing is mended: an issuer or audience that is configured may be claimed. There, each was demanded and refused.

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use wharf_model::{Caller, Identity};

use crate::challenge::Challenge;
use crate::claims::Claims;
use crate::error::TokenError;
use crate::issuer::Issuer;
use crate::token::UnverifiedToken;

const MISSING: &str = "JWT authentication required. Provide Authorization: Bearer header.";
const NO_BEARER: &str = "Invalid Authorization header. Expected Bearer token.";
/// Claims that name the caller, in the order in which they are looked at.
const NAMES: [&str; 2] = ["id", "uuid"];
/// Of a request id, which the client chose, so much goes into a log.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// Why a token is refused: the code in the log, and what the caller is told.
#[derive(Debug, PartialEq, Eq)]
struct Fault(&'static str, String);

/// Who calls, or what to answer instead.
pub(crate) async fn authenticate(
    issuer: &Issuer,
    headers: &HeaderMap,
    own_request_id: Option<&str>,
    now: u64,
) -> Result<Caller, Challenge> {
    let refuse = |status, text: &str| Challenge::plain(status, json!({"error": text}).to_string());
    let unauthorized = |text| Err(refuse(StatusCode::UNAUTHORIZED, text));
    let Some(value) = headers.get(AUTHORIZATION) else {
        return unauthorized(MISSING);
    };
    let value = value.to_str().unwrap_or_default();
    let Some(token) = value.strip_prefix("Bearer ").map(str::trim) else {
        return unauthorized(if value == "Bearer" {
            MISSING
        } else {
            NO_BEARER
        });
    };
    if token.is_empty() {
        return unauthorized(MISSING);
    }
    judge(issuer, token, now)
        .await
        .map_err(|Fault(code, detail)| {
            // The text is Quilt's, with the id that its clients sent; the field is the one of all our lines.
            let request_id = request_id(headers);
            tracing::warn!(
                request_id = own_request_id,
                "JWT validation failed ({code}) request_id={request_id}"
            );
            refuse(StatusCode::FORBIDDEN, &format!("Invalid JWT: {detail}"))
        })
}

async fn judge(issuer: &Issuer, token: &str, now: u64) -> Result<Caller, Fault> {
    let token = UnverifiedToken::parse(token).map_err(|_| malformed())?;
    issuer
        .check_signature(&token)
        .await
        .map_err(|error| match error {
            TokenError::Signature => fault("invalid_signature", "JWT signature validation failed."),
            _ => unverifiable(),
        })?;
    let claims = token.into_claims();
    let expires_at = claims.expires_at().ok_or_else(unverifiable)?;
    if now >= expires_at {
        return Err(fault("token_expired", "JWT token expired."));
    }
    if claims.not_before().is_some_and(|begin| begin > now) {
        return Err(unverifiable());
    }
    if issuer.name().is_some() && claims.issuer() != issuer.name() {
        return Err(fault("invalid_issuer", "JWT issuer is invalid."));
    }
    let audiences = issuer.audiences();
    if !audiences.is_empty() && !claims.audiences().iter().any(|it| audiences.contains(it)) {
        return Err(fault("invalid_audience", "JWT audience is invalid."));
    }
    let subject = subject(&claims)
        .ok_or_else(|| fault("invalid_claims", "JWT claims must include id or uuid."))?;
    refuse_others(issuer, &claims)?;
    Ok(Caller::known(Identity {
        subject,
        issuer: issuer.name().map(str::to_owned),
        claims: claims.json().clone(),
        ..Identity::default()
    }))
}

fn subject(claims: &Claims) -> Option<String> {
    let text = |name: &&str| {
        let value = claims.get(name)?;
        let text = value
            .text()
            .map_or_else(|| value.as_str().to_owned(), Into::into);
        (!matches!(text.as_str(), "" | "null")).then_some(text)
    };
    NAMES.iter().find_map(text)
}

/// Lists what else is claimed as Python does.
fn refuse_others(issuer: &Issuer, claims: &Claims) -> Result<(), Fault> {
    let is_known = |name: &str| match name {
        "exp" => true,
        "iss" => issuer.name().is_some(),
        "aud" => !issuer.audiences().is_empty(),
        _ => NAMES.contains(&name),
    };
    let members = claims.json().slice().members();
    let names = members.iter().map(|(name, _)| name.as_ref());
    let mut others: Vec<_> = names.filter(|name| !is_known(name)).collect();
    if others.is_empty() {
        return Ok(());
    }
    others.sort_unstable();
    let listed: Vec<_> = others
        .iter()
        .map(|name| format!("'{}'", name.escape_debug()))
        .collect();
    let detail = format!(
        "JWT claims include unsupported fields: [{}].",
        listed.join(", ")
    );
    Err(Fault("invalid_claims", detail))
}

fn fault(code: &'static str, detail: &str) -> Fault {
    Fault(code, detail.to_owned())
}

fn malformed() -> Fault {
    fault("invalid_token", "JWT token is malformed.")
}

fn unverifiable() -> Fault {
    fault("invalid_token", "JWT token could not be verified.")
}

/// By which the client knows its request.
fn request_id(headers: &HeaderMap) -> String {
    let mut names = ["mcp-session-id", "x-request-id"].iter();
    let id = names.find_map(|name| headers.get(*name)?.to_str().ok());
    // Nothing that could end the field, or begin another line of its kind.
    id.unwrap_or("-")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.:+/=".contains(*c))
        .take(REQUEST_ID_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use http::HeaderValue;
    use ring::hmac;
    use serde_json::Value;
    use wharf_model::Secret;

    use super::*;
    use crate::config::IssuerConfig;

    const NOW: u64 = 1_800_000_000;
    const SECRET: &str = "a secret that has thirty-two bytes";
    const BEFORE: &str = "the secret before it, as long again";

    fn token(secret: &str, algorithm: &str, claims: &Value) -> String {
        let signed = [json!({"alg": algorithm, "typ": "JWT"}), claims.clone()];
        let signed = signed
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn issuer(name: Option<&str>, audiences: &[&str]) -> Issuer {
        let config = IssuerConfig {
            issuer: name.map(str::to_owned),
            audiences: audiences.iter().map(|it| (*it).to_owned()).collect(),
            secret: Some(Secret::new(SECRET)),
            previous_secret: Some(Secret::new(BEFORE)),
            ..IssuerConfig::default()
        };
        Issuer::new(&config, None, "i").unwrap()
    }

    async fn ask(issuer: &Issuer, authorization: Option<&str>) -> Result<String, (u16, String)> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let judged = authenticate(issuer, &headers, None, NOW).await;
        judged
            .map(|caller| caller.subject().unwrap().to_owned())
            .map_err(|challenge| {
                let body: Value = serde_json::from_str(&challenge.body.unwrap()).unwrap();
                let error = body["error"].as_str().unwrap().to_owned();
                (challenge.status.as_u16(), error)
            })
    }

    #[tokio::test]
    async fn the_table_of_the_first_regime() {
        let plain = issuer(None, &[]);
        let named = issuer(Some("https://quilt.example"), &["mcp"]);
        let good = json!({"id": "ann", "exp": NOW + 60});
        let with = |changes: Value| {
            let mut claims = good.clone();
            for (name, value) in changes.as_object().unwrap() {
                claims[name] = value.clone();
            }
            claims
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            token(SECRET, "HS256", &claims)
        };
        let bearer = |token: String| Some(format!("Bearer {token}"));
        let invalid = |detail: &str| Err((403, format!("Invalid JWT: {detail}")));
        let missing = || Err((401, MISSING.to_owned()));
        for (case, issuer, authorization, expected) in [
            ("no header", &plain, None, missing()),
            (
                "an empty bearer",
                &plain,
                Some("Bearer ".to_owned()),
                missing(),
            ),
            (
                "not Bearer",
                &plain,
                Some("Basic YTpi".to_owned()),
                Err((401, NO_BEARER.to_owned())),
            ),
            ("good", &plain, bearer(with(json!({}))), Ok("ann")),
            (
                "by uuid",
                &plain,
                bearer(with(json!({"id": null, "uuid": "u-1"}))),
                Ok("u-1"),
            ),
            (
                "by both",
                &plain,
                bearer(with(json!({"uuid": "u-1"}))),
                Ok("ann"),
            ),
            (
                "the secret before",
                &plain,
                bearer(token(BEFORE, "HS256", &good)),
                Ok("ann"),
            ),
            (
                "expired",
                &plain,
                bearer(with(json!({"exp": NOW}))),
                invalid("JWT token expired."),
            ),
            (
                "no end",
                &plain,
                bearer(with(json!({"exp": null}))),
                invalid("JWT token could not be verified."),
            ),
            (
                "no JWT",
                &plain,
                Some("Bearer abc".to_owned()),
                invalid("JWT token is malformed."),
            ),
            (
                "another algorithm",
                &plain,
                bearer(token(SECRET, "HS512", &good)),
                invalid("JWT token could not be verified."),
            ),
            (
                "none",
                &plain,
                bearer(token(SECRET, "none", &good)),
                invalid("JWT token could not be verified."),
            ),
            (
                "another secret",
                &plain,
                bearer(token("x", "HS256", &good)),
                invalid("JWT signature validation failed."),
            ),
            (
                "nobody",
                &plain,
                bearer(with(json!({"id": null}))),
                invalid("JWT claims must include id or uuid."),
            ),
            (
                "more claims",
                &plain,
                bearer(with(json!({"iat": NOW, "email": "a@b.example"}))),
                invalid("JWT claims include unsupported fields: ['email', 'iat']."),
            ),
            (
                "an issuer that nobody configured",
                &plain,
                bearer(with(json!({"iss": "x"}))),
                invalid("JWT claims include unsupported fields: ['iss']."),
            ),
            (
                "named",
                &named,
                bearer(with(json!({"iss": "https://quilt.example", "aud": "mcp"}))),
                Ok("ann"),
            ),
            (
                "another issuer",
                &named,
                bearer(with(json!({"iss": "x", "aud": "mcp"}))),
                invalid("JWT issuer is invalid."),
            ),
            (
                "no issuer",
                &named,
                bearer(with(json!({"aud": "mcp"}))),
                invalid("JWT issuer is invalid."),
            ),
            (
                "another audience",
                &named,
                bearer(with(json!({"iss": "https://quilt.example", "aud": "x"}))),
                invalid("JWT audience is invalid."),
            ),
        ] {
            let judged = ask(issuer, authorization.as_deref()).await;
            assert_eq!(judged, expected.map(str::to_owned), "{case}");
        }
    }

    #[test]
    fn requests_are_known_by() {
        for (given, expected) in [
            (vec![], "-"),
            (vec![("x-request-id", "r")], "r"),
            (vec![("x-request-id", "r"), ("mcp-session-id", "s")], "s"),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(name, HeaderValue::from_static(value));
            }
            assert_eq!(request_id(&headers), expected);
        }
    }
}
