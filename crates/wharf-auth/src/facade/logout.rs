//! Signing out of the provider in this browser.
//!
//! Tokens that clients hold go on until they end; they are taken back one by one (`revoke`). The way back leads to a page of
//! ours and nowhere else, so there is no address to check.

use bytes::Bytes;
use http::Response;
use http::header::SET_COOKIE;
use http::request::Parts;

use super::attempt::Attempt;
use super::{Facade, answer};

pub(crate) async fn answer(facade: &Facade, head: &Parts) -> Response<Bytes> {
    if head.uri.query() == Some("done=1") {
        return facade.pages.signed_out();
    }
    let attempt = Attempt::begin(&head.extensions);
    let mut response = match facade.provider.sign_out_address(&attempt).await {
        Ok(Some(address)) => answer::redirect(&address, &[]),
        Ok(None) => facade.pages.signed_out(),
        Err(failure) => {
            attempt.failed("logout", &failure);
            facade.pages.failure(&failure, &attempt)
        }
    };
    response
        .headers_mut()
        .insert(SET_COOKIE, facade.no_cookie());
    response
}
