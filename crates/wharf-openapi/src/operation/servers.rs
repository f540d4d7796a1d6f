//! Servers: where an API lives, by its operator, its document, or one of its operations.

use url::Url;
use wharf_model::Slice;
use wharf_upstream::Supplied;

use super::swagger;
use crate::document::{Document, DocumentError, Version};

/// What the operator knows: addresses, and what the server adds to requests by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses {
    /// Where the API is.
    base: Option<Url>,
    /// Where the document is: relative addresses are relative to this, and to the API's where this is not known.
    document: Option<Url>,
    /// The operator said where the API is, so the document's own servers do not count.
    fixed: bool,
    /// Parameters that nobody has to give.
    pub(crate) supplied: Supplied,
}

/// The address that all operations without one of their own share; none when nobody says it.
pub(crate) fn base_url(
    document: &Document,
    given: Option<&str>,
    document_url: Option<&str>,
) -> Result<(Option<String>, Addresses), DocumentError> {
    if let Some(given) = given {
        let base = absolute(given, None).ok_or_else(|| DocumentError::BaseUrl {
            url: given.to_owned(),
        })?;
        let addresses = Addresses {
            base: Some(base.clone()),
            document: None,
            fixed: true,
            supplied: Supplied::default(),
        };
        return Ok((Some(text_of(&base)), addresses));
    }
    let document_url = document_url.and_then(|url| Url::parse(url).ok());
    // Without servers an API lives where its document does (OpenAPI 3.1 §4.8.1).
    let server = if document.version() == Version::V20 {
        let scheme = document_url.as_ref().map(Url::scheme);
        swagger::server(document, scheme.filter(|scheme| scheme.starts_with("http")))
    } else {
        document.member("servers").and_then(first_url)
    };
    let base = absolute(server.as_deref().unwrap_or("/"), document_url.as_ref());
    let addresses = Addresses {
        base: base.clone(),
        document: document_url,
        fixed: false,
        supplied: Supplied::default(),
    };
    Ok((base.as_ref().map(text_of), addresses))
}

impl Addresses {
    /// The address of an operation or a path with servers of its own.
    pub(super) fn own_server(&self, servers: Option<Slice<'_>>) -> Option<String> {
        if self.fixed {
            return None;
        }
        let url = absolute(
            &first_url(servers?)?,
            self.document.as_ref().or(self.base.as_ref()),
        )?;
        let same = self
            .base
            .as_ref()
            .is_some_and(|base| text_of(base) == text_of(&url));
        (!same).then(|| text_of(&url))
    }

    /// The address of an operation that offers other schemes than its document (Swagger 2.0).
    pub(super) fn own_scheme(&self, schemes: Option<Slice<'_>>) -> Option<String> {
        let base = self.base.as_ref().filter(|_| !self.fixed)?;
        let offered = |scheme: &str| {
            let mut schemes = schemes.into_iter().flat_map(Slice::each_item);
            schemes.any(|offered| offered.text().is_some_and(|name| name == scheme))
        };
        if offered(base.scheme()) {
            return None;
        }
        let scheme = swagger::scheme(schemes?)?;
        let address = text_of(base);
        let (_, behind) = address.split_once("://")?;
        Some(format!("{scheme}://{behind}"))
    }
}

/// An `http` or `https` address, also from one that is relative to `base`.
fn absolute(url: &str, base: Option<&Url>) -> Option<Url> {
    let url = url.trim();
    let parsed = match base {
        Some(base) => base.join(url).ok()?,
        None => Url::parse(url).ok()?,
    };
    (matches!(parsed.scheme(), "http" | "https") && parsed.has_host()).then_some(parsed)
}

/// Without query, fragment and trailing slash: paths are put behind it.
fn text_of(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// The first server's address with its variables filled in.
fn first_url(servers: Slice<'_>) -> Option<String> {
    let server = servers.each_item().next()?;
    let template = server.get("url")?.text()?;
    let variables = server.get("variables");
    let mut url = String::with_capacity(template.len());
    let mut rest = &*template;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest[open..].find('}') else {
            break;
        };
        let name = &rest[open + 1..open + length];
        let variable = variables.and_then(|variables| variables.get(name))?;
        let default = variable.get("default").or_else(|| {
            let values = variable.get("enum")?;
            values.each_item().next()
        })?;
        url.push_str(&rest[..open]);
        url.push_str(&crate::document::words(default));
        rest = &rest[open + length + 1..];
    }
    url.push_str(rest);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(servers: &str, given: Option<&str>, document_url: Option<&str>) -> Option<String> {
        let text = format!(r#"{{"openapi":"3.0.0","info":{{}},"paths":{{}},"servers":{servers}}}"#);
        let document = Document::read(text).unwrap();
        base_url(&document, given, document_url).unwrap().0
    }

    #[test]
    fn swagger_says_its_address_in_three_parts() {
        let at = Some("http://docs.example.com/api/swagger.json");
        for (parts, document_url, expected) in [
            (
                r#""host":"a.example","basePath":"/v1/""#,
                None,
                Some("https://a.example/v1"),
            ),
            (
                r#""host":"a.example:81/","basePath":"v1""#,
                None,
                Some("https://a.example:81/v1"),
            ),
            (
                r#""host":"a.example","schemes":["ws","http"]"#,
                None,
                Some("http://a.example"),
            ),
            (
                r#""host":"a.example","schemes":["http","HTTPS"]"#,
                None,
                Some("https://a.example"),
            ),
            (
                r#""host":"a.example","schemes":["ws"]"#,
                None,
                Some("http://docs.example.com"),
            ),
            (
                r#""host":"a.example","schemes":[]"#,
                at,
                Some("http://a.example"),
            ),
            (
                r#""host":"a.example""#,
                Some("file:///x/y.json"),
                Some("https://a.example"),
            ),
            (
                r#""basePath":"/v1""#,
                at,
                Some("http://docs.example.com/v1"),
            ),
            (r#""basePath":"/v1""#, None, None),
            (r#""host":"{tenant}.a.example""#, None, None),
        ] {
            let document_url = document_url.or(if parts.contains(r#"["ws"]"#) {
                at
            } else {
                None
            });
            let text = format!(r#"{{"swagger":"2.0","info":{{}},"paths":{{}},{parts}}}"#);
            let document = Document::read(text).unwrap();
            let (base, _) = base_url(&document, None, document_url).unwrap();
            assert_eq!(base.as_deref(), expected, "{parts} {document_url:?}");
        }
    }

    #[test]
    fn a_swagger_operation_may_have_another_scheme() {
        let addresses = Addresses {
            base: Url::parse("https://a.example:444/v1").ok(),
            document: None,
            fixed: false,
            supplied: Supplied::default(),
        };
        for (schemes, expected) in [
            (r#"["http"]"#, Some("http://a.example:444/v1")),
            (r#"["http","https"]"#, None),
            (r#"["wss"]"#, None),
            ("[]", None),
        ] {
            let found = addresses.own_scheme(Slice::parse(schemes).ok());
            assert_eq!(found.as_deref(), expected, "{schemes}");
        }
        assert_eq!(addresses.own_scheme(None), None);
    }

    #[test]
    fn servers_give_the_base_address() {
        let at = Some("https://docs.example.com/api/openapi.json");
        for (servers, given, document_url, expected) in [
            (
                r#"[{"url":"https://a.example/v1/"}]"#,
                None,
                None,
                Some("https://a.example/v1"),
            ),
            (
                r#"[{"url":"https://a.example/v1/"}]"#,
                Some("http://127.0.0.1:80/x/?y"),
                None,
                Some("http://127.0.0.1/x"),
            ),
            (
                r#"[{"url":"/v2"}]"#,
                None,
                at,
                Some("https://docs.example.com/v2"),
            ),
            (
                r#"[{"url":"./v2"}]"#,
                None,
                at,
                Some("https://docs.example.com/api/v2"),
            ),
            (r#"[{"url":"/v2"}]"#, None, None, None),
            ("[]", None, at, Some("https://docs.example.com")),
            ("[]", None, None, None),
            (
                r#"[{"url":"https://{region}.example.com:{port}/{v}","variables":{"region":{"default":"eu"},"port":{"default":8443},"v":{"enum":["v7"]}}}]"#,
                None,
                None,
                Some("https://eu.example.com:8443/v7"),
            ),
            (
                r#"[{"url":"https://{region}.example.com"}]"#,
                None,
                None,
                None,
            ),
            (r#"[{"url":"ftp://a.example"}]"#, None, None, None),
        ] {
            assert_eq!(
                base(servers, given, document_url).as_deref(),
                expected,
                "{servers} {given:?} {document_url:?}"
            );
        }
    }

    #[test]
    fn an_operation_may_live_elsewhere() {
        let at = |text| Slice::parse(text).unwrap();
        let free = Addresses {
            base: Url::parse("https://a.example/v1").ok(),
            document: None,
            fixed: false,
            supplied: Supplied::default(),
        };
        for (servers, expected) in [
            (
                r#"[{"url":"https://uploads.example/"}]"#,
                Some("https://uploads.example"),
            ),
            (r#"[{"url":"/v2"}]"#, Some("https://a.example/v2")),
            (r#"[{"url":"https://a.example/v1/"}]"#, None),
            ("[]", None),
        ] {
            assert_eq!(
                free.own_server(Some(at(servers))).as_deref(),
                expected,
                "{servers}"
            );
        }
        let fixed = Addresses {
            fixed: true,
            ..free
        };
        assert_eq!(
            fixed.own_server(Some(at(r#"[{"url":"https://uploads.example/"}]"#))),
            None
        );
    }
}
