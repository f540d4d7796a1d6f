//! `--as`: somebody as a token would describe them, to try rules without one.

use wharf_model::{Caller, Identity, Json};

/// Nobody in particular.
const UNKNOWN: &str = "unknown";
/// Who it is when only scopes and groups are told.
const SUBJECT: &str = "somebody";

/// Reads `unknown`, or `scope=pets:read,group=admins` and its like.
pub(crate) fn parse(text: &str) -> Result<Caller, String> {
    if text == UNKNOWN {
        return Ok(Caller::default());
    }
    let mut identity = Identity {
        subject: SUBJECT.to_owned(),
        ..Identity::default()
    };
    let mut claims = serde_json::Map::new();
    for part in text.split(',') {
        let Some((key, value)) = part.split_once('=') else {
            return Err(format!(
                "`{part}` has no `=`; it looks like `scope=pets:read,group=admins`, or is `{UNKNOWN}`"
            ));
        };
        let value = value.to_owned();
        match (key, key.strip_prefix("claim.")) {
            ("scope", _) => _ = identity.scopes.insert(value),
            ("group", _) => _ = identity.groups.insert(value),
            ("subject", _) => identity.subject = value,
            ("issuer", _) => identity.issuer = Some(value),
            ("client", _) => identity.client_id = Some(value),
            (_, Some(claim)) => _ = claims.insert(claim.to_owned(), value.into()),
            _ => {
                return Err(format!(
                    "`{key}` is none of `scope`, `group`, `subject`, `issuer`, `client` and `claim.NAME`"
                ));
            }
        }
    }
    identity.claims = Json::of(&claims);
    Ok(Caller::known(identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_described_as_a_token_would() {
        let caller = parse("scope=a,scope=b:c,group=g,claim.team=x=y,client=c").unwrap();
        let identity = caller.identity().unwrap();
        assert_eq!(identity.subject, "somebody");
        assert!(identity.scopes.contains("a") && identity.scopes.contains("b:c"));
        assert!(identity.groups.contains("g"));
        assert_eq!(identity.client_id.as_deref(), Some("c"));
        assert_eq!(identity.claims.as_str(), r#"{"team":"x=y"}"#);
        assert!(parse("unknown").unwrap().identity().is_none());
        assert!(parse("scope").unwrap_err().contains("has no `=`"));
        assert!(parse("scopes=a").unwrap_err().contains("`scope`"));
    }
}
