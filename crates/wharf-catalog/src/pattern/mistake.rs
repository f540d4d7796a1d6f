//! What can be wrong with rules of access and of limits.

use crate::access::GRANTS_MAX;
use crate::select::Unmatched;

/// Why a rule cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleMistake {
    /// A rule without tools.
    #[error("`{key}` names no tools")]
    NoTools {
        /// Such as `access.rules[0]`.
        key: String,
    },
    /// A pattern of tools without a key, which would match everything.
    #[error("`{key}`: a pattern without a key")]
    EmptyPattern {
        /// Such as `access.rules[0].tools[0]`.
        key: String,
    },
    /// A pattern that matches no tool.
    #[error("`{key}`: nothing matches `{pattern}`")]
    NoMatch {
        /// Such as `access.rules[0].tools[0].tag`.
        key: String,
        /// The pattern.
        pattern: String,
        /// What it was compared with.
        candidates: Vec<String>,
    },
    /// A pattern whose keys match different tools.
    #[error("`{key}`: each key matches something, but no tool matches all of them")]
    NoCommonMatch {
        /// Such as `access.rules[0].tools[0]`.
        key: String,
    },
    /// Callers without a key, which would be everybody.
    #[error("`{key}` says nothing of the callers")]
    EmptyWho {
        /// Such as `access.rules[0].callers[0]`.
        key: String,
    },
    /// Everybody, and at the same time only some.
    #[error("`{key}`: `anyone` and `signed_in` stand alone")]
    NotAlone {
        /// Such as `access.rules[0].callers[0]`.
        key: String,
    },
    /// A scope that no token can have.
    #[error("`{key}`: `{scope}` cannot be a scope")]
    BadScope {
        /// Such as `access.rules[0].callers[0].scopes`.
        key: String,
        /// The scope.
        scope: String,
    },
    /// More kinds of callers than are told apart.
    #[error("`access.rules` tell more than {GRANTS_MAX} kinds of callers apart")]
    TooManyKinds,
    /// A limit that limits nothing.
    #[error("`{key}` limits nothing")]
    NoLimit {
        /// Such as `limits.rules[0]`.
        key: String,
    },
    /// Replicas are to count together, and there is nowhere to.
    #[error("`limits.shared`: there is no store that replicas share")]
    NoStore,
    /// A burst of calls whose number is not limited.
    #[error("`{key}`: `burst` needs `calls_max`")]
    LonelyBurst {
        /// Such as `limits.rules[0]`.
        key: String,
    },
}

impl RuleMistake {
    pub(crate) fn of_unmatched(key: &str, unmatched: Unmatched) -> Self {
        match unmatched {
            Unmatched::Empty => Self::EmptyPattern {
                key: key.to_owned(),
            },
            Unmatched::Key {
                key: part,
                pattern,
                candidates,
            } => Self::NoMatch {
                key: format!("{key}.{part}"),
                pattern,
                candidates,
            },
            Unmatched::Together => Self::NoCommonMatch {
                key: key.to_owned(),
            },
        }
    }

    /// The key that it is about, such as `access.rules[0].tools[0]`.
    pub fn key(&self) -> &str {
        match self {
            Self::NoTools { key }
            | Self::EmptyPattern { key }
            | Self::NoMatch { key, .. }
            | Self::NoCommonMatch { key }
            | Self::EmptyWho { key }
            | Self::NotAlone { key }
            | Self::BadScope { key, .. }
            | Self::NoLimit { key }
            | Self::LonelyBurst { key } => key,
            Self::TooManyKinds => "access.rules",
            Self::NoStore => "limits.shared",
        }
    }

    /// The name that was not found, and those that could have been meant.
    pub fn misspelling(&self) -> Option<(&str, &[String])> {
        match self {
            Self::NoMatch {
                pattern,
                candidates,
                ..
            } => Some((pattern, candidates)),
            _ => None,
        }
    }

    /// What to do about it, where that is always the same.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoTools { .. } => "give it `tools`, such as `[{tag: admin}]`, or remove it",
            Self::EmptyPattern { .. } => {
                "give it a key, such as `tag`, `name` or `read_only`; `{name: '*'}` stands for all tools"
            }
            Self::NoMatch { .. } => "`wharf tools` shows the tools by the names they have here",
            Self::NoCommonMatch { .. } => "make several patterns of it, or remove a key",
            Self::EmptyWho { .. } => {
                "give it a key, such as `scopes` or `group`; `{anyone: true}` stands for everybody"
            }
            Self::NotAlone { .. } => "remove it, or the keys beside it",
            Self::BadScope { .. } => {
                "a scope has no spaces, quotes or backslashes (RFC 6749); make several of it"
            }
            Self::NoLimit { .. } => "give it `calls_max` or `calls_in_flight_max`, or remove it",
            Self::NoStore => "name one under `store`, or remove it: one replica counts by itself",
            Self::LonelyBurst { .. } => "say how many calls there may be in a minute: `calls_max`",
            Self::TooManyKinds => {
                "name fewer groups and scopes, by patterns or by scopes that hold others"
            }
        }
    }
}
