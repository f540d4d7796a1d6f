//! What a configuration says of a policy in the language Cedar. Who knows the language reads the files; here nobody does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A policy in the language Cedar, and what belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CedarConfig {
    /// The file of the policies, relative to the configuration.
    pub policies: String,
    /// A file that says what is in what, relative to the configuration: groups in groups, callers in groups, tags in tags,
    /// tools in tags, in Cedar's JSON format for entities. Default: none; groups come from tokens, tags from documents.
    #[serde(default)]
    pub entities: Option<String>,
    /// The claims of a token that policies look at, and the type each has for Cedar: a claim of another type counts as
    /// missing. Default: none; a policy knows subject, issuer, client, scopes and groups without.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimKind>,
}

/// What a claim is for Cedar, by the name that Cedar has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ClaimKind {
    /// A text.
    String,
    /// A whole number.
    Long,
    /// True or false.
    Bool,
    /// Texts, as a list or as a single one.
    #[serde(rename = "Set<String>")]
    Texts,
}
