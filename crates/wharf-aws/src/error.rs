//! Why AWS gave no answer.

use std::borrow::Cow;

use wharf_upstream::UpstreamError;

/// The services name a person, an operation and a resource, and say little more.
const SHOWN_CHARS_MAX: usize = 400;

/// Why AWS gave no answer. It holds nothing of a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AwsError {
    /// Nobody says in which region.
    #[error("no region is given for {service}")]
    NoRegion {
        /// The service.
        service: &'static str,
    },
    /// The address or the keys cannot be used.
    #[error("{service} cannot be called")]
    Setup {
        /// The service.
        service: &'static str,
        /// Why not.
        source: UpstreamError,
    },
    /// There is no answer.
    #[error("{service} could not be asked ({operation})")]
    Send {
        /// The service.
        service: &'static str,
        /// What was asked for.
        operation: &'static str,
        /// Why not.
        source: UpstreamError,
    },
    /// The service refuses.
    #[error("{service} refuses {operation} with status {status}, `{code}`: {message}")]
    Refused {
        /// The service.
        service: &'static str,
        /// What was asked for.
        operation: &'static str,
        /// The status of its answer.
        status: u16,
        /// The error's name.
        code: String,
        /// What it says of it.
        message: String,
        /// Whether the same may work a moment later.
        is_passing: bool,
    },
    /// An answer that is none.
    #[error("{service} answers {operation} with what cannot be read")]
    Answer {
        /// The service.
        service: &'static str,
        /// What was asked for.
        operation: &'static str,
    },
    /// Others wrote at the same time, each time.
    #[error(
        "{service} could not do {operation}: others wrote the same item at the same time, each time"
    )]
    Contended {
        /// The service.
        service: &'static str,
        /// What was asked for.
        operation: &'static str,
    },
    /// A reference that leads nowhere.
    #[error("`{reference}` {reason}")]
    Reference {
        /// As it is written.
        reference: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl AwsError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::NoRegion { .. } => "set `AWS_REGION`".into(),
            Self::Setup { source, .. } | Self::Send { source, .. } => return source.hint(),
            Self::Refused { code, .. } => match code.as_str() {
                "AccessDeniedException" | "AccessDenied" => {
                    "allow it in the policy of the role that this server has".into()
                }
                "ParameterNotFound" | "ResourceNotFoundException" => {
                    "check the name, the region and the account".into()
                }
                _ => return None,
            },
            Self::Reference { .. } => {
                "write `ssm:/path/name` or `secretsmanager:name`, with `#key` for a member of a JSON text"
                    .into()
            }
            Self::Contended { .. } => "nothing is wrong with the table; the next call asks again".into(),
            Self::Answer { .. } => return None,
        })
    }

    /// Whether the same may work a moment later, with nothing changed here.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Send { source, .. } => source.may_pass(),
            Self::Refused { is_passing, .. } => *is_passing,
            _ => false,
        }
    }
}

/// What another program says, as it may stand in a message: one line, and not a long one.
pub(crate) fn shown(text: &str) -> String {
    let plain = text.chars().filter(|character| !character.is_control());
    plain.take(SHOWN_CHARS_MAX).collect()
}
