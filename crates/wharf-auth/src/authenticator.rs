//! From a request's head to its caller.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, Uri};
use wharf_model::{Caller, Json};

use crate::api_keys::{ApiKeys, Digest, digest_of};
use crate::cache::Cache;
use crate::challenge::{Challenge, Challenger};
use crate::config::{Config, ConfigMistake, Lists, Style};
use crate::error::TokenError;
use crate::facade::{AccessError, SignIn};
use crate::issuer::Issuer;
use crate::quilt;
use crate::resource::{METADATA_PATH, Resource};
use crate::scopes::{ImpliedScopes, is_scope};
use crate::token::{TOKEN_BYTES_MAX, UnverifiedToken};

/// More issuers are a mistake: each token is compared with the names of all.
const ISSUERS_MAX: usize = 50;

/// Why something is refused that was not sent as it must be, beside the codes of [`TokenError`]: RFC 6750 §3.1.
const MALFORMED: &str = "invalid_request";

/// Finds out who calls. Clones share everything.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    style: Style,
    lists: Lists,
    keys: ApiKeys,
    key_header: Option<HeaderName>,
    issuers: Vec<Issuer>,
    sign_in: Option<SignIn>,
    implied: ImpliedScopes,
    challenger: Challenger,
    metadata: Option<Metadata>,
    cache: Cache,
}

/// The protected resource metadata (RFC 9728), and the path that the endpoint has outside.
struct Metadata {
    path: String,
    document: Json,
}

/// What somebody sent to prove who they are.
enum Proof<'h> {
    Nothing,
    Bearer(&'h str),
    Key(&'h str),
}

impl Authenticator {
    /// `resource` is the MCP endpoint, as clients know it; none where the owner does not say how it is reached. `sign_in`
    /// is our own issuer, if there is one. All mistakes are told at once.
    pub fn new(
        config: &Config,
        resource: Option<&Resource>,
        sign_in: Option<SignIn>,
    ) -> Result<Self, Vec<ConfigMistake>> {
        let mut mistakes = check(config, sign_in.is_some());
        let implied = ImpliedScopes::new(&config.implied_scopes);
        let keys = ApiKeys::new(&config.keys, &implied).unwrap_or_else(|more| {
            mistakes.extend(more);
            ApiKeys::default()
        });
        let mut issuers: Vec<Issuer> = Vec::new();
        for (number, issuer) in config.issuers.iter().enumerate() {
            let at = format!("auth.issuers[{number}]");
            match Issuer::new(issuer, resource.map(Resource::url), &at) {
                Ok(issuer) if issuers.iter().any(|other| other.name() == issuer.name()) => {
                    mistakes.push(ConfigMistake::new(
                        format!("{at}.issuer"),
                        "is there twice",
                        "give all audiences and clients of an issuer in one place",
                    ));
                }
                Ok(issuer) => issuers.push(issuer),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        let key_header = config
            .key_header
            .as_deref()
            .and_then(|name| name.parse().ok());
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let servers = issuers
            .iter()
            .filter(|issuer| issuer.is_authorization_server());
        let servers: Vec<_> = sign_in
            .iter()
            .map(SignIn::issuer)
            .chain(servers.filter_map(Issuer::name))
            .map(str::to_owned)
            .collect();
        // Clients that are not told what to begin with ask for what there is.
        let mut scopes = config.challenge_scopes.clone();
        if scopes.is_empty()
            && let Some(sign_in) = &sign_in
        {
            scopes.extend(sign_in.scopes().map(str::to_owned));
        }
        // Whoever has keys alone has nowhere to send a client to.
        let resource = resource.filter(|_| !servers.is_empty());
        Ok(Self(Arc::new(Inner {
            style: config.style,
            lists: config.lists,
            keys,
            key_header,
            issuers,
            sign_in,
            implied,
            metadata: resource.map(|it| Metadata {
                path: it.path().to_owned(),
                document: it.metadata(&servers, &scopes),
            }),
            challenger: Challenger::new(resource.map(Resource::metadata_url), scopes),
            cache: Cache::new(),
        })))
    }

    /// The authorization server of our own, if there is one.
    pub fn sign_in(&self) -> Option<&SignIn> {
        self.0.sign_in.as_ref()
    }

    /// Who calls, or what to answer instead. `request_id` is told to the log, beside the reason.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        request_id: Option<&str>,
    ) -> Result<Caller, Challenge> {
        if let (Style::Quilt, [issuer]) = (self.0.style, &*self.0.issuers) {
            return quilt::authenticate(issuer, headers, request_id, now()).await;
        }
        let challenger = &self.0.challenger;
        let tell = |reason| tracing::info!(request_id, reason, "a token was refused");
        let proof = self.proof(headers, uri).map_err(|message| {
            tell(MALFORMED);
            challenger.malformed(message)
        })?;
        let judged = match proof {
            Proof::Nothing if self.0.lists == Lists::Open => return Ok(Caller::default()),
            Proof::Nothing => return Err(challenger.missing()),
            Proof::Key(key) => self.judge_key(&digest_of(key)),
            Proof::Bearer(token) => self.judge(token, now()).await,
        };
        judged.map_err(|error| {
            tell(error.code());
            challenger.invalid(&error)
        })
    }

    /// The challenge for somebody who has to sign in for what was asked.
    pub fn unauthenticated(&self) -> Challenge {
        self.0.challenger.missing()
    }

    /// The challenge for a caller who lacks scopes.
    pub fn forbidden(&self, scopes: &[String]) -> Challenge {
        self.0.challenger.insufficient(scopes)
    }

    /// The protected resource metadata (RFC 9728) for a request to `path`: the well-known one, or that with the endpoint's
    /// path behind it. None elsewhere, and where there is nobody to be sent to.
    pub fn metadata(&self, path: &str) -> Option<&Json> {
        let rest = path.strip_prefix(METADATA_PATH)?;
        let metadata = self.0.metadata.as_ref()?;
        (rest.is_empty() || rest == metadata.path).then_some(&metadata.document)
    }

    /// The route of a path that is answered here or by our own authorization server, without what clients could vary: for
    /// counting.
    pub fn route(&self, path: &str) -> Option<&'static str> {
        match self.metadata(path) {
            Some(_) => Some(METADATA_PATH),
            None => self.sign_in()?.route(path),
        }
    }

    /// What was sent; the error says what is wrong with how.
    fn proof<'h>(&self, headers: &'h HeaderMap, uri: &Uri) -> Result<Proof<'h>, &'static str> {
        if uri.query().is_some_and(has_token) {
            return Err(
                "a token in the address ends up in logs: send it as `Authorization: Bearer`",
            );
        }
        let key = match &self.0.key_header {
            Some(name) => one(headers, name)?,
            None => None,
        };
        // Another scheme is for somebody on the way, such as a signature for AWS.
        let bearer = one(headers, &AUTHORIZATION)?.and_then(bearer);
        match (bearer, key) {
            (None, None) => Ok(Proof::Nothing),
            (Some(token), None) => Ok(Proof::Bearer(token)),
            (None, Some(key)) => Ok(Proof::Key(key)),
            (Some(_), Some(_)) => Err("send a token or a key, not both"),
        }
    }

    fn judge_key(&self, digest: &Digest) -> Result<Caller, TokenError> {
        let caller = self.0.keys.find(digest).cloned();
        caller.ok_or(TokenError::UnknownCredential)
    }

    async fn judge(&self, token: &str, now: u64) -> Result<Caller, TokenError> {
        let inner = &*self.0;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed("it is too long"));
        }
        let digest = digest_of(token);
        if let Some(caller) = inner.cache.find(&digest, now) {
            return Ok(caller);
        }
        if let Some(sign_in) = inner.sign_in.as_ref().filter(|_| SignIn::is_ours(token)) {
            let (mut identity, expires_at) = sign_in.identity(token, now)?;
            inner.implied.complete(&mut identity.scopes);
            let caller = Caller::known(identity);
            inner.cache.keep(digest, caller.clone(), now, expires_at);
            return Ok(caller);
        }
        let found = self.judge_key(&digest);
        if found.is_ok() || inner.issuers.is_empty() {
            return found;
        }
        let token = UnverifiedToken::parse(token).map_err(|error| {
            // Where there are keys it may have been meant for one.
            if inner.keys.is_empty() {
                error
            } else {
                TokenError::UnknownCredential
            }
        })?;
        let named = token.unverified_issuer();
        let mut issuers = inner.issuers.iter();
        let issuer = issuers
            .find(|issuer| issuer.name() == named)
            .ok_or(TokenError::UnknownIssuer)?;
        let claims = issuer.verify(token, now).await?;
        let expires_at = claims.expires_at().unwrap_or_default();
        let mut identity = issuer.identity(&claims);
        inner.implied.complete(&mut identity.scopes);
        let caller = Caller::known(identity);
        inner.cache.keep(digest, caller.clone(), now, expires_at);
        Ok(caller)
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator(…)")
    }
}

impl From<AccessError> for TokenError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Foreign => Self::UnknownCredential,
            AccessError::Expired => Self::Expired,
            AccessError::Audience => Self::Audience,
        }
    }
}

fn check(config: &Config, has_sign_in: bool) -> Vec<ConfigMistake> {
    let mut mistakes = Vec::new();
    if !has_sign_in && config.issuers.is_empty() && config.keys.is_empty() {
        mistakes.push(ConfigMistake::new(
            "auth",
            "has neither `issuers` nor `keys`, so that nobody could call",
            "give at least one, or leave the section out where everybody may call",
        ));
    }
    let has_one_secret = matches!(&*config.issuers, [issuer] if issuer.secret.is_some());
    if config.style == Style::Quilt && !(has_one_secret && config.keys.is_empty()) {
        mistakes.push(ConfigMistake::new(
            "auth.style",
            "is `quilt`, which knows one issuer with a `secret` and nothing else",
            "give just that, or leave out `style`",
        ));
    }
    if config.issuers.len() > ISSUERS_MAX {
        mistakes.push(ConfigMistake::new(
            "auth.issuers",
            format!("has more than {ISSUERS_MAX} issuers"),
            "split the server",
        ));
    }
    if let Some(name) = &config.key_header {
        let is_usable = name
            .parse::<HeaderName>()
            .is_ok_and(|name| name != AUTHORIZATION);
        if !is_usable {
            mistakes.push(ConfigMistake::new(
                "auth.key_header",
                format!("is `{name}`, which no key can be sent in besides `authorization`"),
                "it looks like `x-api-key`",
            ));
        }
    }
    let implied = &config.implied_scopes;
    let scopes = implied.keys().chain(implied.values().flatten());
    let named = scopes.map(|scope| ("auth.implied_scopes", scope)).chain(
        config
            .challenge_scopes
            .iter()
            .map(|scope| ("auth.challenge_scopes", scope)),
    );
    for (at, scope) in named.filter(|(_, scope)| !is_scope(scope)) {
        mistakes.push(ConfigMistake::new(
            at,
            format!("has `{}`, which is no scope", scope.escape_debug()),
            "a scope has no spaces, quotes or backslashes",
        ));
    }
    mistakes
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The only value of a header. Of two, somebody on the way may have judged the other one.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, &'static str> {
    let mut all = headers.get_all(name).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err("what proves who calls stands more than once");
    }
    let text = value
        .to_str()
        .map_err(|_| "what proves who calls is no text")?;
    Ok(Some(text))
}

/// What follows `Bearer`; none for another scheme, and where nothing follows.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Whether a query has the parameter that RFC 6750 §2.3 has for tokens, and advises against.
fn has_token(query: &str) -> bool {
    let mut names = query
        .split('&')
        .map(|it| it.split_once('=').map_or(it, |(name, _)| name));
    names.any(|name| name.eq_ignore_ascii_case("access_token"))
}

#[cfg(test)]
mod tests;
