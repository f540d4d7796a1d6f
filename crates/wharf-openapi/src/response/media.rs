//! Media types: what a body is by its `Content-Type`.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// A media type and its charset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaType<'a> {
    /// In lower case, without parameters; empty when there is none.
    essence: Cow<'a, str>,
    charset: Option<&'a str>,
}

/// How a result delivers a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Text,
    /// A picture of a kind that models read.
    Image,
    Audio,
    Binary,
    /// The upstream does not say.
    Undeclared,
}

/// Text that neither `text/` nor a suffix shows to be text.
const TEXTS: [&str; 23] = [
    "application/csv",
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json-lines",
    "application/json-seq",
    "application/jsonl",
    "application/jsonlines",
    "application/jwt",
    "application/ndjson",
    "application/openmetrics-text",
    "application/pem-certificate-chain",
    "application/sql",
    "application/toml",
    "application/typescript",
    "application/x-javascript",
    "application/x-jsonlines",
    "application/x-ndjson",
    "application/x-pem-file",
    "application/x-www-form-urlencoded",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
];

impl<'a> MediaType<'a> {
    /// The media type of a response.
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let value = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        Self::parse(value.unwrap_or_default())
    }

    /// Reads the value of a `Content-Type` header or a key of a Content map; never fails, as both are often sloppy.
    pub(crate) fn parse(value: &'a str) -> Self {
        // What nearly all of them are.
        if value == "application/json" {
            return Self {
                essence: Cow::Borrowed(value),
                charset: None,
            };
        }
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        let essence = essence.trim();
        let essence = if essence.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(essence.to_ascii_lowercase())
        } else {
            Cow::Borrowed(essence)
        };
        let charset = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let is_charset = name.trim().eq_ignore_ascii_case("charset");
            is_charset.then(|| value.trim().trim_matches(['"', '\'']))
        });
        Self { essence, charset }
    }

    /// For messages and contents; bytes that nobody declared are `application/octet-stream`.
    pub(crate) fn essence(&self) -> &str {
        if self.essence.is_empty() {
            "application/octet-stream"
        } else {
            &self.essence
        }
    }

    /// The charset, where one is given.
    pub(crate) fn charset(&self) -> Option<&'a str> {
        self.charset
    }

    /// Whether this is JSON; by RFC 6839 everything `+json` is.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.essence.as_ref(), "application/json" | "text/json")
            || self.essence.ends_with("+json")
    }

    /// How a result delivers it.
    pub(crate) fn kind(&self) -> Kind {
        let essence = self.essence.as_ref();
        if self.is_json() {
            return Kind::Json;
        }
        match essence.split_once('/') {
            None => Kind::Undeclared,
            Some(("text", _)) => Kind::Text,
            Some(("audio", _)) => Kind::Audio,
            Some(("image", "png" | "jpeg" | "jpg" | "gif" | "webp")) => Kind::Image,
            Some(_) if essence.ends_with("+xml") || essence.ends_with("+yaml") => Kind::Text,
            Some(_) if TEXTS.contains(&essence) => Kind::Text,
            Some(_) => Kind::Binary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_tell_kind_and_charset() {
        for (value, kind, charset) in [
            ("application/json", Kind::Json, None),
            ("Application/JSON; Charset=UTF-8", Kind::Json, Some("UTF-8")),
            ("application/problem+json", Kind::Json, None),
            ("application/vnd.api+json;version=1", Kind::Json, None),
            ("text/json", Kind::Json, None),
            ("application/x-ndjson", Kind::Text, None),
            ("text/event-stream", Kind::Text, None),
            (
                "text/html; a=b; charset=\"iso-8859-1\"",
                Kind::Text,
                Some("iso-8859-1"),
            ),
            ("application/xml", Kind::Text, None),
            ("application/atom+xml", Kind::Text, None),
            ("image/svg+xml", Kind::Text, None),
            ("application/x-www-form-urlencoded", Kind::Text, None),
            ("image/png", Kind::Image, None),
            ("image/tiff", Kind::Binary, None),
            ("audio/mpeg", Kind::Audio, None),
            ("video/mp4", Kind::Binary, None),
            ("application/pdf", Kind::Binary, None),
            ("application/octet-stream", Kind::Binary, None),
            ("multipart/mixed; boundary=x", Kind::Binary, None),
            ("", Kind::Undeclared, None),
            ("nonsense", Kind::Undeclared, None),
            (";charset=utf-8", Kind::Undeclared, Some("utf-8")),
        ] {
            let media = MediaType::parse(value);
            assert_eq!(media.kind(), kind, "{value}");
            assert_eq!(media.charset(), charset, "{value}");
        }
    }
}
