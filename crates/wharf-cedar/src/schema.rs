//! The schema that policies are held to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cedar_policy::Schema;
use wharf_catalog::ClaimKind;

/// As it is without any claims.
const TEXT: &str = include_str!("wharf.cedarschema");

/// What stands in [`TEXT`] where the claims go.
const NO_CLAIMS: &str = "claims: {}";

/// The schema with these claims. Any token may lack any of them.
pub(crate) fn with_claims(claims: &BTreeMap<String, ClaimKind>) -> Result<Schema, String> {
    let mut record = "claims: {".to_owned();
    for (name, kind) in claims {
        let kind = match kind {
            ClaimKind::String => "String",
            ClaimKind::Long => "Long",
            ClaimKind::Bool => "Bool",
            ClaimKind::Texts => "Set<String>",
        };
        // Texts of Cedar are escaped as those of Rust are.
        let _ = write!(record, "{name:?}?: {kind}, ");
    }
    record.push('}');
    let read = Schema::from_cedarschema_str(&TEXT.replace(NO_CLAIMS, &record));
    let (schema, _) = read.map_err(|error| error.to_string())?;
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_claim_can_be_declared() {
        assert_eq!(TEXT.matches(NO_CLAIMS).count(), 1);
        let kinds = [
            ClaimKind::String,
            ClaimKind::Long,
            ClaimKind::Bool,
            ClaimKind::Texts,
        ];
        let names = [
            "office",
            "https://example.com/roles",
            "a \"quoted\" one",
            "\\",
            "Zürich\n",
            "",
            "if",
            "__cedar",
        ];
        for kind in kinds {
            let claims = names.map(|name| (name.to_owned(), kind));
            let schema = with_claims(&BTreeMap::from(claims));
            assert!(schema.is_ok(), "{kind:?}: {:?}", schema.err());
        }
    }
}
