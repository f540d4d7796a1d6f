//! The MCP endpoint as a protected resource: what it says about itself, and where (RFC 9728).

use serde_json::json;
use url::Url;
use wharf_model::Json;

use crate::config::ConfigMistake;

/// Where the metadata are, for a resource without a path.
pub(crate) const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

/// The endpoint by the address that clients know it by, which is the owner's word and never the request's.
#[derive(Debug, Clone)]
pub struct Resource {
    name: String,
    origin: String,
    /// Of the endpoint; empty where that is the root.
    path: String,
    url: String,
}

impl Resource {
    /// `public_url` is where the server is reached, without the endpoint's path; `path` is that path.
    pub fn new(name: &str, public_url: &str, path: &str) -> Result<Self, ConfigMistake> {
        let refuse = |what: &str| {
            ConfigMistake::new(
                "server.public_url",
                what,
                "it looks like `https://mcp.example.com`",
            )
        };
        let base = Url::parse(public_url).map_err(|_| refuse("is no URL"))?;
        if !matches!(base.scheme(), "https" | "http") || !base.has_host() {
            return Err(refuse("is no `https` URL"));
        }
        if base.query().is_some() || base.fragment().is_some() || !base.username().is_empty() {
            return Err(refuse("has more than an address"));
        }
        let origin = base.origin().ascii_serialization();
        let path = format!("{}{path}", base.path().trim_end_matches('/'));
        Ok(Self {
            name: name.to_owned(),
            url: format!("{origin}{path}"),
            origin,
            path,
        })
    }

    /// What clients ask for tokens for (RFC 8707).
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path alone, as it is outside.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Where its metadata are: before the path, as RFC 9728 §3.1 has it.
    pub fn metadata_url(&self) -> String {
        format!("{}{METADATA_PATH}{}", self.origin, self.path)
    }

    /// What it says about itself.
    pub(crate) fn metadata(&self, servers: &[String], scopes: &[String]) -> Json {
        let mut document = json!({
            "resource": self.url,
            "authorization_servers": servers,
            "bearer_methods_supported": ["header"],
            "resource_name": self.name,
        });
        if !scopes.is_empty() {
            document["scopes_supported"] = json!(scopes);
        }
        Json::from(&document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_resource_is_described() {
        for (public_url, path, url, metadata) in [
            (
                "https://mcp.example.com",
                "/mcp",
                "https://mcp.example.com/mcp",
                "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "https://MCP.example.com:443/",
                "/mcp",
                "https://mcp.example.com/mcp",
                "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "https://api.example.com:8443/prod/",
                "/mcp",
                "https://api.example.com:8443/prod/mcp",
                "https://api.example.com:8443/.well-known/oauth-protected-resource/prod/mcp",
            ),
        ] {
            let resource = Resource::new("pets", public_url, path).unwrap();
            assert_eq!(resource.url(), url);
            assert_eq!(resource.metadata_url(), metadata);
        }
        for (public_url, expected) in [
            ("mcp.example.com", "is no URL"),
            ("ftp://mcp.example.com", "is no `https` URL"),
            ("https://mcp.example.com?x=1", "has more than an address"),
            ("https://me@mcp.example.com", "has more than an address"),
        ] {
            let mistake = Resource::new("pets", public_url, "/mcp").unwrap_err();
            assert_eq!(
                mistake.to_string(),
                format!("`server.public_url` {expected}")
            );
        }
    }
}
