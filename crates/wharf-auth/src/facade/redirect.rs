//! Where codes may be sent.
//!
//! A code in the wrong hands is a sign-in in the wrong hands, so an address must be both what the client registered and of
//! a kind that the owner permits: known connectors, this machine's own loopback, or named in the configuration. Addresses
//! are compared as texts. Parsing them first would invite differences between two parsers.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::SignInConfig;
use crate::ConfigMistake;

/// No known client has one of a fourth of this.
const ADDRESS_BYTES_MAX: usize = 1_024;

/// A well-known client program whose redirect addresses are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Connector {
    /// ChatGPT's connectors, each with an address of its own, and the older shared one.
    Chatgpt,
    /// Claude's connectors.
    Claude,
    /// Visual Studio Code, by its web address; its loopback addresses come with `loopback`.
    Vscode,
    /// Cursor, the editor and its agents.
    Cursor,
}

/// One address, or many that differ in one plain segment.
enum Pattern {
    Exact(&'static str),
    Around(&'static str, &'static str),
}

impl Connector {
    fn patterns(self) -> &'static [Pattern] {
        use Pattern::{Around, Exact};
        match self {
            Self::Chatgpt => &[
                Around("https://chatgpt.com/connector/oauth/", ""),
                Exact("https://chatgpt.com/connector_platform_oauth_redirect"),
            ],
            Self::Claude => &[
                Exact("https://claude.ai/api/mcp/auth_callback"),
                Exact("https://claude.com/api/mcp/auth_callback"),
            ],
            Self::Vscode => &[
                Exact("https://vscode.dev/redirect"),
                Exact("https://insiders.vscode.dev/redirect"),
            ],
            Self::Cursor => &[
                Exact("cursor://anysphere.cursor-mcp/oauth/callback"),
                Around("cursor://anysphere.cursor-retrieval/oauth/", "/callback"),
                Exact("https://www.cursor.com/agents/mcp/oauth/callback"),
            ],
        }
    }
}

impl Pattern {
    fn fits(&self, address: &str) -> bool {
        match self {
            Self::Exact(exact) => address == *exact,
            Self::Around(before, after) => address
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(is_plain_segment),
        }
    }
}

/// Nothing that another parser could take for a separator.
fn is_plain_segment(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=128).contains(&text.len()) && text.bytes().all(is_plain)
}

/// The addresses that the owner permits.
pub(crate) struct RedirectRules {
    connectors: Vec<Connector>,
    loopback: bool,
    exact: Vec<String>,
}

impl RedirectRules {
    pub(crate) fn new(config: &SignInConfig) -> Result<Self, ConfigMistake> {
        for address in &config.redirect_uris {
            if let Err(reason) = sound(address) {
                return Err(ConfigMistake::new(
                    "sign_in.redirect_uris",
                    format!("has `{address}`, which {reason}"),
                    "write it to the letter as the client sends it",
                ));
            }
        }
        Ok(Self {
            connectors: config.connectors.clone(),
            loopback: config.loopback,
            exact: config.redirect_uris.clone(),
        })
    }

    /// Whether codes may be sent to an address; why not, otherwise.
    pub(crate) fn permit(&self, address: &str) -> Result<(), &'static str> {
        sound(address)?;
        let is_permitted = (self.loopback && loopback(address).is_some())
            || self.exact.iter().any(|exact| exact == address)
            || self.connectors.iter().any(|connector| {
                connector
                    .patterns()
                    .iter()
                    .any(|pattern| pattern.fits(address))
            });
        if is_permitted {
            Ok(())
        } else {
            Err(NOT_PERMITTED)
        }
    }
}

pub(crate) const NOT_PERMITTED: &str = "is not permitted by this server's owner";

/// Whether an address is one that could be permitted at all.
pub(crate) fn sound(address: &str) -> Result<(), &'static str> {
    if address.len() > ADDRESS_BYTES_MAX {
        return Err("is too long");
    }
    if !address
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    {
        return Err("has characters that no address has");
    }
    if address.contains('#') {
        return Err("has a fragment");
    }
    let url = Url::parse(address).map_err(|_| "is no address")?;
    if !url.username().is_empty() || url.password().is_some() || !url.has_host() {
        return Err("is no address of a plain host");
    }
    match url.scheme() {
        "http" if loopback(address).is_some() => Ok(()),
        "http" => Err("is http beyond loopback"),
        "javascript" | "data" | "file" | "blob" | "vbscript" | "about" | "ftp" | "ws" | "wss" => {
            Err("has a scheme that no client has")
        }
        _ => Ok(()),
    }
}

/// The host of a loopback address and what follows its port, if it is one.
fn loopback(address: &str) -> Option<(&'static str, &str)> {
    ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .into_iter()
        .find_map(|host| {
            let rest = address.strip_prefix(host)?;
            let rest = match rest.strip_prefix(':') {
                Some(ported) => {
                    let port = ported.bytes().take_while(u8::is_ascii_digit).count();
                    ported[..port].parse::<u16>().ok()?;
                    &ported[port..]
                }
                None => rest,
            };
            (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
        })
}

/// Whether a client that registered one address may ask for another: they are the same, or differ in the port on loopback
/// (RFC 8252 §7.3).
pub(crate) fn matches(registered: &str, asked: &str) -> bool {
    registered == asked
        || loopback(registered).is_some_and(|registered| loopback(asked) == Some(registered))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(connectors: &[Connector], loopback: bool, exact: &[&str]) -> RedirectRules {
        RedirectRules {
            connectors: connectors.to_vec(),
            loopback,
            exact: exact.iter().map(|&exact| exact.to_owned()).collect(),
        }
    }

    #[test]
    fn addresses_are_permitted_by_kind() {
        use Connector::{Chatgpt, Claude, Cursor, Vscode};
        let all = rules(
            &[Chatgpt, Claude, Cursor, Vscode],
            true,
            &["https://app.example/cb?x=1"],
        );
        let none = rules(&[], false, &[]);
        for (address, permitted) in [
            ("https://chatgpt.com/connector/oauth/AbC_-123", true),
            ("https://chatgpt.com/connector/oauth/", false),
            ("https://chatgpt.com/connector/oauth/a/b", false),
            ("https://chatgpt.com/connector/oauth/a%2fb", false),
            ("https://chatgpt.com/connector/oauth/../x", false),
            ("https://chatgpt.com/connector/oauth/a?to=b", false),
            (
                "https://chatgpt.com/connector_platform_oauth_redirect",
                true,
            ),
            ("https://chatgpt.com.evil.example/connector/oauth/a", false),
            ("https://chatgpt.com@evil.example/connector/oauth/a", false),
            ("http://chatgpt.com/connector/oauth/a", false),
            ("https://claude.ai/api/mcp/auth_callback", true),
            ("https://claude.com/api/mcp/auth_callback", true),
            ("https://claude.ai/api/mcp/auth_callback/", false),
            ("https://CLAUDE.ai/api/mcp/auth_callback", false),
            ("https://vscode.dev/redirect", true),
            ("https://vscode.dev/redirect?a=b", false),
            ("cursor://anysphere.cursor-mcp/oauth/callback", true),
            (
                "cursor://anysphere.cursor-retrieval/oauth/user-a1/callback",
                true,
            ),
            (
                "cursor://anysphere.cursor-retrieval/oauth/x/y/callback",
                false,
            ),
            ("http://127.0.0.1:3000/callback", true),
            ("http://127.0.0.1/callback", true),
            ("http://localhost:1/", true),
            ("http://localhost", true),
            ("http://[::1]:80?x", true),
            ("http://127.0.0.1:99999/", false),
            ("http://127.0.0.1:/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://127.0.0.1@evil.example/", false),
            ("http://localhost:80@evil.example/", false),
            ("http://localhost\\@evil.example/", false),
            ("http://127.0.0.2/", false),
            ("http://127.1/", false),
            ("http://LOCALHOST/", false),
            ("https://127.0.0.1/", false),
            ("https://app.example/cb?x=1", true),
            ("https://app.example/cb", false),
            ("https://app.example/cb?x=1#y", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("//evil.example", false),
            ("", false),
        ] {
            assert_eq!(all.permit(address).is_ok(), permitted, "{address}");
            assert!(none.permit(address).is_err(), "{address}");
        }
        let long = format!("http://127.0.0.1/{}", "a".repeat(ADDRESS_BYTES_MAX));
        assert!(all.permit(&long).is_err());
    }

    #[test]
    fn only_the_port_on_loopback_may_differ() {
        for (registered, asked, same) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:5/cb", true),
            ("http://127.0.0.1:5/cb", "http://127.0.0.1:6/cb", true),
            ("http://127.0.0.1/cb", "http://localhost/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1/cb2", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1/cb?x", false),
            ("http://127.0.0.1", "http://127.0.0.1/", false),
            ("https://a.example/cb", "https://a.example/cb", true),
            ("https://a.example/cb", "https://a.example:444/cb", false),
            ("https://a.example/cb", "https://a.example/cb/", false),
            ("https://a.example/cb", "https://A.example/cb", false),
        ] {
            assert_eq!(matches(registered, asked), same, "{registered} {asked}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_permitted_leads_where_it_says(
            pieces in proptest::collection::vec(0..PIECES.len(), 1..9)
        ) {
            use Connector::{Chatgpt, Claude, Cursor, Vscode};
            let all = rules(&[Chatgpt, Claude, Cursor, Vscode], true, &[]);
            let address: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
            if all.permit(&address).is_ok() {
                let url = Url::parse(&address).unwrap();
                let host = url.host_str().unwrap_or_default();
                proptest::prop_assert!(HOSTS.contains(&host), "{} leads to {}", address, host);
            }
        }
    }

    const PIECES: [&str; 24] = [
        "http://",
        "https://",
        "cursor://",
        "127.0.0.1",
        "localhost",
        "[::1]",
        "chatgpt.com",
        "/connector/oauth/",
        "claude.ai",
        "/api/mcp/auth_callback",
        "anysphere.cursor-retrieval",
        "/oauth/",
        "/callback",
        "evil.example",
        "@",
        ":",
        "80",
        "/",
        "\\",
        "#",
        "?",
        "%2f",
        ".",
        "\t",
    ];
    const HOSTS: [&str; 7] = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "chatgpt.com",
        "claude.ai",
        "anysphere.cursor-retrieval",
        "anysphere.cursor-mcp",
    ];
}
