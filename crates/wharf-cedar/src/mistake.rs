//! What can be wrong with the files of a policy.

use std::error::Error;

use cedar_policy::{ParseErrors, ValidationResult};
use miette::Diagnostic;

use crate::policies::Text;

/// Why files are no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A text that is not Cedar, or not about what there is.
    #[error("{place}: {reason}")]
    Policy {
        /// The file, line and column.
        place: String,
        /// What Cedar says of it.
        reason: String,
        /// What Cedar would do about it.
        help: Option<String>,
    },
    /// A template, which is for services that make policies.
    #[error("{place}: a template, which applies to nobody by itself")]
    Template {
        /// The file, line and column.
        place: String,
    },
    /// The name of something that is not offered.
    #[error("{place}: there is no {kind} `{name}`")]
    Unknown {
        /// The file, and the line and column of the policy.
        place: String,
        /// `tool`, `source`, `tag`, `claim` and their like.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        candidates: Vec<String>,
    },
    /// A file of entities that is none.
    #[error("{file}: {reason}")]
    Entities {
        /// The file.
        file: String,
        /// What Cedar says of it.
        reason: String,
    },
    /// An entity that says more than what it is in.
    #[error("{file}: `{entity}` has attributes or tags of its own")]
    Attributes {
        /// The file.
        file: String,
        /// The entity.
        entity: String,
    },
    /// An entity of a type that the file has nothing to say of.
    #[error("{file}: a `{kind}` cannot be in anything")]
    NoPlace {
        /// The file.
        file: String,
        /// The type.
        kind: String,
    },
    /// An entity in what it cannot be in.
    #[error("{file}: `{entity}` cannot be in `{above}`")]
    CannotBeIn {
        /// The file.
        file: String,
        /// The entity.
        entity: String,
        /// What it is in.
        above: String,
    },
    /// Claims that make no schema.
    #[error("`access.cedar.claims`: {reason}")]
    Claims {
        /// What Cedar says of it.
        reason: String,
    },
}

const SCHEMA: &str = "docs/access.md shows the schema that policies are held to";
const CLAIMS: &str =
    "declare the claims that policies look at: `access: {cedar: {claims: {office: String}}}`";

impl Mistake {
    /// The name that was not found, and those that could have been meant.
    pub fn misspelling(&self) -> Option<(&str, &[String])> {
        match self {
            Self::Unknown {
                name, candidates, ..
            } => Some((name, candidates)),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        match self {
            Self::Policy {
                help: Some(help), ..
            } => help,
            Self::Policy { reason, .. } if reason.contains("claims") => CLAIMS,
            Self::Policy { reason, .. } if reason.contains("Stranger") => {
                "say `principal is Wharf::Caller` for those who have signed in; nothing is known of strangers"
            }
            Self::Policy { reason, .. } if reason.contains("Wharf::Source") => {
                r#"say `action == Wharf::Action::"call_tool"` for tools; nothing is known of sources"#
            }
            Self::Policy { reason, .. } if reason.contains("dereferenced") => {
                "a policy can look at what `principal` and `resource` are, and at nothing else"
            }
            Self::Policy { .. } => SCHEMA,
            Self::Template { .. } => "write the policy out, without `?principal` and `?resource`",
            Self::Unknown { kind: "claim", .. } => CLAIMS,
            Self::Unknown { kind, .. } if kind.contains("attribute") => SCHEMA,
            Self::Unknown { .. } => "`wharf tools` shows the tools by the names they have here",
            Self::Entities { reason, .. } if reason.contains("cycle") => {
                "nothing can be in itself, by however many steps"
            }
            Self::Entities { .. } => {
                r#"it looks like `[{"uid": {"type": "Wharf::Group", "id": "sales-north"}, "attrs": {}, "parents": [{"type": "Wharf::Group", "id": "sales"}]}]`"#
            }
            Self::Attributes { .. } => {
                "remove them: tokens say what callers are, and documents what tools are"
            }
            Self::NoPlace { .. } | Self::CannotBeIn { .. } => {
                "groups and callers can be in a `Wharf::Group`, tags and tools in a `Wharf::Tag`"
            }
            Self::Claims { .. } => "give other names, or look at fewer claims",
        }
    }

    pub(crate) fn of_parsing(errors: &ParseErrors, file: &Text) -> Vec<Self> {
        errors.iter().map(|error| of(error, None, file)).collect()
    }

    pub(crate) fn of_validation(result: &ValidationResult, file: &Text) -> Vec<Self> {
        let mut found: Vec<_> = result
            .validation_errors()
            .map(|error| {
                let policy = format!("for policy `{}`", error.policy_id());
                (offset(error), of(error, Some(&policy), file))
            })
            .collect();
        found.sort_by_key(|(offset, mistake)| (*offset, mistake.to_string()));
        let mut mistakes: Vec<_> = found.into_iter().map(|(_, mistake)| mistake).collect();
        mistakes.dedup();
        mistakes
    }
}

/// What Cedar finds, with its place. `policy` is what it says of a place that we say better.
fn of(error: &impl Diagnostic, policy: Option<&str>, file: &Text) -> Mistake {
    let bare = |text: String| {
        let rest = policy.and_then(|policy| text.strip_prefix(policy));
        let rest = rest.and_then(|rest| rest.strip_prefix([',', ':']));
        rest.map_or_else(|| text.clone(), |rest| rest.trim_start().to_owned())
    };
    let mut reason = bare(error.to_string());
    let label = error.labels().into_iter().flatten().next();
    if let Some(label) = label.as_ref().and_then(|label| label.label()) {
        reason = format!("{reason}: {label}");
    }
    Mistake::Policy {
        place: file.place(offset(error)),
        reason,
        help: error.help().map(|help| bare(help.to_string())),
    }
}

/// Where an error or a warning is.
pub(crate) fn offset(found: &dyn Diagnostic) -> usize {
    let label = found.labels().into_iter().flatten().next();
    label.map_or(0, |label| label.offset())
}
