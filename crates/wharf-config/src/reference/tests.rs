use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use wharf_model::Secret;

use super::*;

/// Everything that can be set.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is read")]
struct Config {
    /// Where clients come in.
    #[serde(default)]
    server: Server,
    /// The APIs, by name.
    upstreams: BTreeMap<String, Upstream>,
    /// Also APIs.
    #[serde(default)]
    more: Vec<Upstream>,
    /// Whatever a page adds. Use | freely.
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// The listener.
#[derive(Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(example = json!({"port": 80, "level": "debug"}))]
struct Server {
    /// The port.
    ///
    /// 0 takes any that is free.
    port: u16,
    /// How much is logged.
    level: Level,
    /// Set `port`.
    #[deprecated]
    old_port: Option<u16>,
    ratio: f64,
}

impl Default for Server {
    #[expect(deprecated, reason = "the old key has its default too")]
    fn default() -> Self {
        Self {
            port: 8000,
            level: Level::Info,
            old_port: None,
            ratio: 0.5,
        }
    }
}

#[derive(Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    /// What it does.
    Info,
    /// Everything.
    Debug,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is read")]
struct Upstream {
    /// Where it lives.
    url: String,
    /// How it knows us.
    #[serde(default)]
    auth: Option<Auth>,
    /// Where to go when it is down.
    #[serde(default)]
    fallback: Option<Box<Upstream>>,
}

/// A way to sign in.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is read")]
enum Auth {
    /// Not at all.
    None {},
    /// By a token.
    Bearer {
        /// The token.
        token: Secret,
    },
}

#[test]
fn the_manual_names_every_key() {
    insta::assert_snapshot!(reference_page::<Config>("Configuration"));
}

#[test]
fn every_link_of_the_manual_has_its_anchor() {
    let page = reference_page::<Config>("Configuration");
    let links: Vec<&str> = page
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(!links.is_empty());
    for link in links {
        assert_eq!(
            page.matches(&format!("<a id=\"{link}\"></a>")).count(),
            1,
            "{link}"
        );
    }
}

#[test]
fn editors_accept_what_the_loader_accepts() {
    let schema = json_schema::<Config>();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    for (instance, expected) in [
        (json!({"upstreams": {}}), true),
        (json!({"upstreams": {}, "server": {"port": 80}}), true),
        (
            json!({"upstreams": {}, "server": {"port": "${env:PORT}"}}),
            true,
        ),
        (json!({"upstreams": {}, "server": {"port": "80"}}), false),
        (json!({"upstreams": {}, "server": {"prot": 80}}), false),
        (
            json!({"upstreams": {"a": {"url": "x", "auth": {"type": "none"}}}}),
            true,
        ),
        (
            json!({"upstreams": {"a": {"url": "x", "auth": {"type": "no"}}}}),
            false,
        ),
        (json!({}), false),
    ] {
        assert_eq!(
            jsonschema::draft202012::is_valid(&schema, &instance),
            expected,
            "{instance}"
        );
    }
}
