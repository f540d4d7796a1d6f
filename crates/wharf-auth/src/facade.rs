//! Sign-in for identity providers that cannot register clients: an authorization server in front of one.
//!
//! MCP clients register themselves, or bring a metadata document, and want an authorization server whose tokens are for
//! one server alone. Cognito, Entra ID, Okta and Google know the one client that their owner registered. So this is an
//! issuer of its own: towards clients it is an authorization server with all they need, and towards the provider it is
//! that one client. Its access tokens are opaque to everybody but itself; the provider's own never leave this file's
//! neighbours, and its refresh token travels only inside of ours, sealed.
//!
//! Nothing is stored. What a step must know of the one before is sealed into what the browser or the client carries
//! (`seal`), so any replica with the same keys finishes what another began. A code or a refresh token is marked as used
//! in the [`wharf_store::Store`]: in this process's memory, or in a store that all replicas share.
//!
//! One sign-in, top to bottom: `register` (or `document`) → `authorize` → `consent` → the provider → `callback` → `token`.
//! Each step that fails says whose fault it is and what to do, in the log and to whoever sees it, under one id.

mod config;
mod presets;

mod access;
mod answer;
mod attempt;
mod authorize;
mod callback;
mod client;
mod consent;
mod cookie;
mod document;
mod logout;
mod metadata;
mod page;
mod parameters;
mod provider;
mod random;
mod redirect;
mod register;
mod revoke;
mod seal;
mod token;
mod values;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use url::Url;
use wharf_store::{Store, StoreError, WhenDown};

use crate::ConfigMistake;

pub use access::AccessError;
pub use config::{ClientConfig, ClientDocuments, ProviderConfig, ScopeConfig, SignInConfig};
pub use redirect::Connector;
pub use seal::probe as probe_seal;

use self::attempt::{Attempt, Failure};
use self::document::Documents;
use self::page::Pages;
use self::provider::Provider;
use self::redirect::RedirectRules;
use self::seal::Seals;

/// A body that is longer is refused: the longest honest one holds a refresh token that holds a provider's.
pub const SIGN_IN_BODY_BYTES_MAX: usize = 64 << 10;

/// The authorization server. Cheap to clone.
#[derive(Clone)]
pub struct SignIn(Arc<Facade>);

pub(crate) struct Facade {
    config: SignInConfig,
    /// Our name as an issuer, without a slash at the end.
    issuer: String,
    /// Its path, which a proxy may or may not take off.
    prefix: String,
    /// What tokens are for: the address of the MCP endpoint.
    resource: String,
    is_https: bool,
    seals: Seals,
    redirects: RedirectRules,
    documents: Documents,
    provider: Provider,
    store: Store,
    pages: Pages,
}

impl SignIn {
    /// Checks the configuration; nothing is fetched yet. `issuer` is the server's public address, `resource` that of its
    /// MCP endpoint, which is at or below it.
    pub fn new(
        config: &SignInConfig,
        issuer: &str,
        resource: &str,
        store: Store,
    ) -> Result<Self, ConfigMistake> {
        let issuer = issuer.trim_end_matches('/').to_owned();
        let url = config::public_address(&issuer)?;
        config.check()?;
        let facade = Facade {
            seals: Seals::new(&config.keys, &issuer)?,
            redirects: RedirectRules::new(config)?,
            documents: Documents::new(&config.client_documents, &config.network),
            provider: Provider::new(config, &issuer)?,
            prefix: url.path().trim_end_matches('/').to_owned(),
            is_https: url.scheme() == "https",
            pages: Pages::new(),
            resource: resource.to_owned(),
            config: config.clone(),
            issuer,
            store,
        };
        let endpoint = Url::parse(resource).map_or(String::new(), |url| url.path().to_owned());
        if facade.route(&endpoint).is_some() {
            return Err(ConfigMistake::new(
                "server.path",
                "is where people sign in",
                "choose another, such as `/mcp`",
            ));
        }
        Ok(Self(Arc::new(facade)))
    }

    /// The name of this authorization server: what the protected resource's metadata name (RFC 9728).
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The scopes that clients can ask for.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.config.scopes.keys().map(String::as_str)
    }

    /// Whether a path is one of those that [`SignIn::handle`] answers.
    pub fn serves(&self, path: &str) -> bool {
        self.0.route(path).is_some()
    }

    /// The route of a path, without the issuer's own path or what stands behind: for counting.
    pub fn route(&self, path: &str) -> Option<&'static str> {
        let named = |base: &&str| path.contains(*base);
        Some(match self.0.route(path)? {
            Route::Metadata => METADATA.into_iter().find(named)?,
            Route::Keys => KEYS,
            Route::Authorize => "/authorize",
            Route::Callback => "/callback",
            Route::Logout => "/logout",
            Route::Register => "/register",
            Route::Token => "/token",
            Route::Revoke => "/revoke",
        })
    }

    /// Answers a request to one of its paths. The body is whole, and within [`SIGN_IN_BODY_BYTES_MAX`].
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let facade = &*self.0;
        let Some(route) = facade.route(request.uri().path()) else {
            return answer::status(StatusCode::NOT_FOUND);
        };
        if request.body().len() > SIGN_IN_BODY_BYTES_MAX {
            return answer::status(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let (head, body) = request.into_parts();
        if head.method == Method::OPTIONS && route.is_for_programs() {
            return answer::preflight(route.methods());
        }
        let is_get = head.method == Method::GET || head.method == Method::HEAD;
        let is_post = head.method == Method::POST;
        match route {
            Route::Metadata if is_get => metadata::answer(facade),
            Route::Keys if is_get => metadata::keys(),
            Route::Authorize if is_get => authorize::begin(facade, &head).await,
            Route::Authorize if is_post => consent::decide(facade, &head, &body).await,
            Route::Callback if is_get => callback::finish(facade, &head).await,
            Route::Logout if is_get => logout::answer(facade, &head).await,
            Route::Register if is_post => register::answer(facade, &head, &body),
            Route::Token if is_post => token::answer(facade, &head, &body).await,
            Route::Revoke if is_post => revoke::answer(facade, &head, &body).await,
            _ => answer::method_not_allowed(route.methods()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Metadata,
    Keys,
    Authorize,
    Callback,
    Logout,
    Register,
    Token,
    Revoke,
}

impl Route {
    /// Whether pages of other sites may ask: browsers' clients talk to these, people never look at them.
    fn is_for_programs(self) -> bool {
        matches!(
            self,
            Self::Metadata | Self::Keys | Self::Register | Self::Token | Self::Revoke
        )
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Metadata | Self::Keys => "GET, HEAD, OPTIONS",
            Self::Authorize => "GET, HEAD, POST",
            Self::Callback | Self::Logout => "GET, HEAD",
            Self::Register | Self::Token | Self::Revoke => "POST, OPTIONS",
        }
    }
}

/// Within how long uses of one code, or of one refresh token, count as one at the same time as another.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Where authorization servers' metadata are: RFC 8414, and OpenID Connect Discovery for clients that know only that.
const METADATA: [&str; 2] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

const KEYS: &str = "/.well-known/jwks.json";

impl Facade {
    fn route(&self, path: &str) -> Option<Route> {
        let own = path.strip_prefix(self.prefix.as_str()).unwrap_or(path);
        Some(match own {
            "/authorize" => Route::Authorize,
            "/callback" => Route::Callback,
            "/logout" => Route::Logout,
            "/register" if self.config.registration => Route::Register,
            "/token" => Route::Token,
            "/revoke" => Route::Revoke,
            KEYS => Route::Keys,
            _ => return self.is_metadata(path).then_some(Route::Metadata),
        })
    }

    /// At the root, with the path of the issuer or of the MCP endpoint inserted, or below the issuer's path: clients look
    /// in each of these places.
    fn is_metadata(&self, path: &str) -> bool {
        let resource =
            Url::parse(&self.resource).map_or(String::new(), |url| url.path().to_owned());
        METADATA.into_iter().any(|base| {
            let inserted = path.strip_prefix(base);
            inserted.is_some_and(|rest| rest.is_empty() || rest == self.prefix || rest == resource)
                || path.strip_prefix(self.prefix.as_str()) == Some(base)
                || path.strip_suffix(base) == Some(resource.as_str())
        })
    }

    /// An address of ours.
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// Whether a refresh token is still good, before anything else is asked: a provider that hears of a spent one may end the
    /// sign-in. From here on, others that come with it are told to wait.
    async fn begin_refresh(
        &self,
        family: &str,
        generation: u64,
        attempt: &Attempt,
    ) -> Result<(), Failure> {
        let ended = ended(family);
        let ended = self.store.mark_age(&ended, self.refresh_life()).await;
        if self.answer(ended, attempt)?.flatten().is_some() {
            return Err(Failure::client(
                "invalid_grant",
                "its sign-in was ended",
                "begin the sign-in anew; somebody signed out, or a refresh token came a second time",
            ));
        }
        let used = used(family, generation);
        self.check_unused(&used, self.refresh_life(), family, attempt)
            .await?;
        let name = format!("refreshing {family} {generation}");
        match self.answer(self.store.put_new(&name, AT_ONCE).await, attempt)? {
            Some(true) | None => Ok(()),
            Some(false) => Err(Failure::client(
                "temporarily_unavailable",
                "another request is just using it",
                "use the tokens that the other gets, or try again in ten seconds",
            )),
        }
    }

    /// An error where a code or a refresh token was used before. Then it has been copied, and nobody can tell whether its
    /// owner or a thief has the other: so its sign-in ends for both (RFC 6749 §4.1.2, RFC 9700 §4.14.2). Not at once, since
    /// clients do send a request twice, and two windows of one may well refresh at the same time.
    async fn check_unused(
        &self,
        mark: &str,
        life: Duration,
        family: &str,
        attempt: &Attempt,
    ) -> Result<(), Failure> {
        let age = self.store.mark_age(mark, life).await;
        let Some(age) = self.answer(age, attempt)?.flatten() else {
            return Ok(());
        };
        if age > AT_ONCE {
            self.end_sign_in(family, attempt).await?;
        }
        Err(used_before())
    }

    /// Marks a refresh token as used: the provider has given another for what is inside of it. It is too late for a store
    /// that is down to refuse that.
    async fn end_refresh(
        &self,
        family: &str,
        generation: u64,
        attempt: &Attempt,
    ) -> Result<(), Failure> {
        let mark = used(family, generation);
        match self.store.put_new(&mark, self.refresh_life()).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(used_before()),
            Err(error) => {
                attempt.store_is_down(&error, WhenDown::Allow);
                Ok(())
            }
        }
    }

    /// Ends what all refresh tokens of one sign-in are good for.
    async fn end_sign_in(&self, family: &str, attempt: &Attempt) -> Result<(), Failure> {
        let ended = ended(family);
        let marked = self.store.put_new(&ended, self.refresh_life()).await;
        self.answer(marked, attempt).map(|_| ())
    }

    /// Longer than any refresh token is good, so that what is said of one outlives it.
    fn refresh_life(&self) -> Duration {
        Duration::from_secs(self.config.refresh_token_life_s + 1)
    }

    /// Marks what may be used once in a sign-in. An error when it was used before, or nobody can tell and that is not enough.
    async fn use_once(
        &self,
        mark: &str,
        life: Duration,
        family: &str,
        attempt: &Attempt,
    ) -> Result<(), Failure> {
        match self.answer(self.store.put_new(mark, life).await, attempt)? {
            Some(true) | None => Ok(()),
            Some(false) => {
                self.check_unused(mark, life, family, attempt).await?;
                // The mark ended, or the store went down, in this very moment.
                Err(used_before())
            }
        }
    }

    /// What the store says; nothing where it is down and that is good enough.
    fn answer<T>(
        &self,
        said: Result<T, StoreError>,
        attempt: &Attempt,
    ) -> Result<Option<T>, Failure> {
        said.map(Some).or_else(|error| {
            attempt.store_is_down(&error, self.config.when_store_is_down);
            match self.config.when_store_is_down {
                WhenDown::Allow => Ok(None),
                WhenDown::Refuse => Err(Failure::configuration(
                    "temporarily_unavailable",
                    "the store that tells used codes is down",
                    "bring it back; `sign_in.when_store_is_down: allow` goes on without it",
                )),
            }
        })
    }
}

fn used_before() -> Failure {
    Failure::client(
        "invalid_grant",
        "it was used before",
        "begin the sign-in anew; a client that repeats a request must keep the first answer",
    )
}

/// The mark of a refresh token that was used.
fn used(family: &str, generation: u64) -> String {
    format!("refresh {family} {generation}")
}

/// The mark of a sign-in that has ended.
fn ended(family: &str) -> String {
    format!("ended {family}")
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
