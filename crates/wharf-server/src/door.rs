//! Who is let in, and what the others are told.
//!
//! MCP is asked for by a caller: whoever authenticates puts one into the request's extensions. What is refused further
//! inside, because this caller may not do it, comes back as an answer with a [`Refusal`] and gets its challenge here.
//! `OPTIONS` needs nobody: browsers ask it beforehand, and without credentials.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use wharf_auth::{Authenticator, Challenge, SignIn};
use wharf_mcp::{Body, Refusal, Server};
use wharf_model::{Ending, Trail};

/// Metadata change when the owner changes the configuration.
const METADATA_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ANY: HeaderValue = HeaderValue::from_static("*");
const METADATA_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Who is let in. Clones are the same door.
#[derive(Clone, Default)]
pub struct Door {
    authenticator: Arc<ArcSwapOption<Authenticator>>,
}

impl Door {
    /// Callers are found out by `authenticator`; without one everybody comes in, unknown.
    pub fn new(authenticator: Option<Authenticator>) -> Self {
        let door = Self::default();
        door.replace(authenticator);
        door
    }

    /// Requests from now on are judged by another one.
    pub fn replace(&self, authenticator: Option<Authenticator>) {
        self.authenticator.store(authenticator.map(Arc::new));
    }

    /// The answer to a request whose caller is not let in. Otherwise none, and the head has the caller among its
    /// extensions.
    pub(crate) async fn turn_away(&self, mcp: &Server, head: &mut Parts) -> Option<Response<Body>> {
        let authenticator = self.authenticator.load_full()?;
        if head.method == Method::OPTIONS {
            return None;
        }
        let trail = head.extensions.get::<Arc<Trail>>();
        let request_id = trail.map(|trail| &*trail.request_id);
        let authenticated = authenticator.authenticate(&head.headers, &head.uri, request_id);
        match authenticated.await {
            Ok(caller) => {
                head.extensions.insert(caller);
                None
            }
            Err(challenge) => Some(refuse(mcp, head, challenge)),
        }
    }

    /// An answer with its challenge, where it is a refusal.
    pub(crate) fn challenge(&self, mut answer: Response<Body>) -> Response<Body> {
        let Some(refusal) = answer.extensions_mut().remove::<Refusal>() else {
            return answer;
        };
        let authenticator = self.authenticator.load();
        let challenge = match (authenticator.as_ref(), &refusal) {
            (Some(authenticator), Refusal::Unauthenticated) => authenticator.unauthenticated(),
            (Some(authenticator), Refusal::Forbidden { scopes }) if !scopes.is_empty() => {
                authenticator.forbidden(scopes)
            }
            // RFC 9110 §15.5.2: a 401 has a challenge, even where there is nothing to be had.
            (None, Refusal::Unauthenticated) => {
                let bearer = HeaderValue::from_static("Bearer");
                answer.headers_mut().insert(WWW_AUTHENTICATE, bearer);
                return answer;
            }
            _ => return answer,
        };
        challenge.write(answer.headers_mut());
        answer
    }

    /// The route of a path where callers learn how to sign in, or do.
    pub(crate) fn route(&self, path: &str) -> Option<&'static str> {
        self.authenticator.load().as_ref()?.route(path)
    }

    /// Who signs people in, where the path is one of theirs.
    pub(crate) fn sign_in(&self, path: &str) -> Option<SignIn> {
        let authenticator = self.authenticator.load();
        let sign_in = authenticator.as_ref()?.sign_in()?;
        sign_in.serves(path).then(|| sign_in.clone())
    }

    /// What the server says about itself as a protected resource, to anybody and to every page.
    pub(crate) fn answer(&self, head: &Parts) -> Option<Response<Body>> {
        let authenticator = self.authenticator.load();
        let metadata = authenticator.as_ref()?.metadata(head.uri.path())?;
        let mut answer = Response::new(Body::empty());
        let headers = answer.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        match head.method {
            Method::GET | Method::HEAD => {
                headers.insert(CONTENT_TYPE, JSON);
                headers.insert(CACHE_CONTROL, METADATA_KEPT);
                *answer.body_mut() = metadata.text().into_bytes().into();
            }
            Method::OPTIONS => {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METADATA_METHODS);
                // Clients send their protocol version along.
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ANY);
                *answer.status_mut() = StatusCode::NO_CONTENT;
            }
            _ => {
                headers.insert(ALLOW, METADATA_METHODS);
                *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            }
        }
        Some(answer)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door(…)")
    }
}

/// A foreign host or page is told of that instead.
fn refuse(mcp: &Server, head: &Parts, challenge: Challenge) -> Response<Body> {
    if let Some(refusal) = mcp.refusal(head) {
        return refusal;
    }
    if let Some(trail) = head.extensions.get::<Arc<Trail>>() {
        // The status alone does not tell a proof that was sent wrongly from any other bad request.
        let _ = trail.ending.set(match challenge.status {
            StatusCode::FORBIDDEN => Ending::Forbidden,
            StatusCode::SERVICE_UNAVAILABLE => Ending::Overloaded,
            _ => Ending::Unauthenticated,
        });
    }
    let mut answer = mcp.refuse(head, challenge.status, challenge.message.clone());
    challenge.write(answer.headers_mut());
    if let Some(body) = challenge.body {
        *answer.body_mut() = Bytes::from(body).into();
    }
    answer
}
