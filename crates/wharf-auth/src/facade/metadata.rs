//! What clients learn about this authorization server: RFC 8414, and the same for those that know OpenID Connect alone.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::client::Authentication;
use super::{Facade, answer};

/// It changes with the configuration alone.
const CACHE: &str = "public, max-age=300";

pub(crate) fn answer(facade: &Facade) -> Response<Bytes> {
    let mut metadata = json!({
        "issuer": facade.issuer,
        "authorization_endpoint": facade.address("/authorize"),
        "token_endpoint": facade.address("/token"),
        "revocation_endpoint": facade.address("/revoke"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": Authentication::NAMES,
        "revocation_endpoint_auth_methods_supported": Authentication::NAMES,
        "scopes_supported": facade.config.scopes.keys().collect::<Vec<_>>(),
        "client_id_metadata_document_supported": facade.documents.are_taken(),
        "authorization_response_iss_parameter_supported": true,
        // OpenID Connect Discovery demands these three. No ID token is ever issued here.
        "jwks_uri": facade.address("/.well-known/jwks.json"),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    if facade.config.registration {
        metadata["registration_endpoint"] = facade.address("/register").into();
    }
    answer::json(StatusCode::OK, &metadata, CACHE)
}

/// None: our tokens are sealed, not signed.
pub(crate) fn keys() -> Response<Bytes> {
    answer::json(StatusCode::OK, &json!({"keys": []}), CACHE)
}
