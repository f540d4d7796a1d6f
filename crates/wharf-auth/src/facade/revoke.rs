//! Taking tokens back (RFC 7009).
//!
//! The sign-in of a refresh token is marked as ended, and the provider is told to take its own back. An access token is
//! known to nobody but its holder, so it ends by itself, and whoever wants to take one back is told so (§2.2.1).

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::json;

use super::attempt::{Attempt, Failure};
use super::seal::{Purpose, same};
use super::values::Refresh;
use super::{Facade, answer, now, token};

pub(crate) async fn answer(facade: &Facade, head: &Parts, body: &[u8]) -> Response<Bytes> {
    let mut attempt = Attempt::begin(&head.extensions);
    match revoke(facade, head, body, &mut attempt).await {
        Ok(()) => answer::json(StatusCode::OK, &json!({}), answer::NO_STORE),
        Err(failure) => {
            attempt.failed("revoke", &failure);
            answer::refuse(&failure, attempt.id())
        }
    }
}

async fn revoke(
    facade: &Facade,
    head: &Parts,
    body: &[u8],
    attempt: &mut Attempt,
) -> Result<(), Failure> {
    let parameters = token::form(head, body)?;
    let client = facade.authenticated(&head.headers, &parameters)?;
    let text = parameters.need("token")?;
    let Ok(refresh) = facade.seals.open::<Refresh>(Purpose::Refresh, text, now()) else {
        if facade
            .seals
            .open_bytes(Purpose::Access, text, now())
            .is_ok()
        {
            return Err(Failure::client(
                "unsupported_token_type",
                "an access token cannot be taken back; it ends by itself",
                "the client must take back the refresh token, and forget the access token",
            ));
        }
        // Unknown, or ended: as good as taken back.
        return Ok(());
    };
    attempt.join(&refresh.attempt);
    if !same(&refresh.client.digest, &client.digest) {
        return Err(Failure::client(
            "invalid_grant",
            "the token was given to another client",
            "the client must take back its own tokens alone",
        ));
    }
    // Also where it was used before: who takes it back wants none of its sign-in to be good any more.
    facade.end_sign_in(&refresh.family, attempt).await?;
    facade
        .provider
        .revoke(&refresh.providers_own, attempt)
        .await?;
    attempt.done("revoke");
    Ok(())
}
