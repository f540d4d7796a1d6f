//! The trace of one sign-in attempt: its steps, what came of them, whose fault a failure is, and what to do.
//!
//! The id is made at the first step and travels with it, sealed. It stands in every line of the log and on every page
//! with an error, so that an owner who is told the id finds all of the attempt. No token, code, state or name of a person
//! is ever part of it.

use std::borrow::Cow;
use std::sync::Arc;

use http::Extensions;
use serde::{Deserialize, Serialize};
use wharf_model::{Trail, with_causes};
use wharf_store::{StoreError, WhenDown};

use super::random;

const ID_BYTES: usize = 8;
/// Of a client's name in the log.
const NAME_CHARS_MAX: usize = 60;

/// One attempt to sign in, by its id, and the request that is its step now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Attempt {
    id: String,
    /// It stays behind when the attempt is sealed: the next step is another request.
    #[serde(skip)]
    request_id: Option<Box<str>>,
}

/// Who can mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The program that wants to sign in.
    Client,
    /// The identity provider.
    Provider,
    /// The owner of this server.
    Configuration,
    /// The person who signs in.
    Person,
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// The error code of RFC 6749 §4.1.2.1 and §5.2, or of what extends it.
    pub(crate) code: &'static str,
    /// What happened. It is shown to whoever asked, so it holds nothing secret.
    pub(crate) what: Cow<'static, str>,
    /// What to do.
    pub(crate) hint: Cow<'static, str>,
}

impl Attempt {
    /// A new one, which begins with the request that has these extensions.
    pub(crate) fn begin(extensions: &Extensions) -> Self {
        let attempt = Self {
            id: random::hex::<ID_BYTES>(),
            request_id: None,
        };
        attempt.go_on(extensions)
    }

    /// The same, in the request that has these extensions.
    pub(crate) fn go_on(mut self, extensions: &Extensions) -> Self {
        let trail = extensions.get::<Arc<Trail>>();
        self.request_id = trail.map(|trail| trail.request_id.clone());
        self
    }

    /// The request turns out to be a step of another attempt.
    pub(crate) fn join(&mut self, other: &Self) {
        self.id.clone_from(&other.id);
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    pub(crate) fn done(&self, step: &'static str) {
        tracing::info!(
            request_id = self.request_id(),
            attempt = self.id,
            step,
            "a sign-in goes on"
        );
    }

    /// With whom: what of a client's own name is plain, for anybody may choose one.
    pub(crate) fn done_with(&self, step: &'static str, client: &str) {
        let plain = |c: &char| c.is_ascii_alphanumeric() || " -_./:".contains(*c);
        let client: String = client.chars().filter(plain).take(NAME_CHARS_MAX).collect();
        tracing::info!(
            request_id = self.request_id(),
            attempt = self.id,
            step,
            client,
            "a sign-in goes on"
        );
    }

    pub(crate) fn failed(&self, step: &'static str, failure: &Failure) {
        tracing::warn!(
            request_id = self.request_id(),
            attempt = self.id,
            step,
            fault = failure.fault.word(),
            code = failure.code,
            reason = %failure.what,
            hint = %failure.hint,
            "a sign-in failed"
        );
    }

    /// What only the log may say of a failure: why a provider cannot be reached, for instance.
    pub(crate) fn cause(&self, step: &'static str, error: &(dyn std::error::Error + 'static)) {
        tracing::warn!(
            request_id = self.request_id(),
            attempt = self.id,
            step,
            error = %with_causes(error),
            "the cause of a failed sign-in"
        );
    }

    pub(crate) fn note(&self, step: &'static str, what: &'static str) {
        tracing::warn!(
            request_id = self.request_id(),
            attempt = self.id,
            step,
            what,
            "a sign-in needs a look"
        );
    }

    pub(crate) fn store_is_down(&self, error: &StoreError, when_down: WhenDown) {
        tracing::error!(
            request_id = self.request_id(),
            attempt = self.id,
            error = %with_causes(error),
            hint = &*error.hint(),
            goes_on = when_down == WhenDown::Allow,
            "the store cannot tell what was used before"
        );
    }
}

impl Fault {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Provider => "provider",
            Self::Configuration => "configuration",
            Self::Person => "person",
        }
    }

    /// For a person who looks at the page.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Client => "The program that asked you to sign in made a mistake.",
            Self::Provider => "The identity provider did not do its part.",
            Self::Configuration => "This server is not set up for it.",
            Self::Person => "The sign-in was not completed.",
        }
    }
}

macro_rules! by_fault {
    ($($name:ident => $fault:ident),*) => {
        impl Failure {
            $(pub(crate) fn $name(
                code: &'static str,
                what: impl Into<Cow<'static, str>>,
                hint: impl Into<Cow<'static, str>>,
            ) -> Self {
                Self { fault: Fault::$fault, code, what: what.into(), hint: hint.into() }
            })*
        }
    };
}
by_fault!(client => Client, provider => Provider, configuration => Configuration, person => Person);
