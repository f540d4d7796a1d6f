//! The parameters of a request.

use url::form_urlencoded;

use super::attempt::Failure;

/// Honest requests have a dozen.
const COUNT_MAX: usize = 64;

/// Names and values of a query or a form.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// No parameter may stand twice (RFC 6749 §3.1): two readers could see two things. `resource` may (RFC 8707 §2).
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Failure> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if name != "resource" && parameters.iter().any(|(other, _)| *other == name) {
                return Err(malformed("a parameter stands twice"));
            }
            if parameters.len() == COUNT_MAX {
                return Err(malformed("there are too many parameters"));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(parameters))
    }

    /// One without a value counts as left out (RFC 6749 §3.1).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(other, _)| other == name);
        named
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn need(&self, name: &'static str) -> Result<&str, Failure> {
        self.get(name)
            .ok_or_else(|| malformed(format!("the parameter {name} is missing")))
    }
}

pub(crate) fn malformed(what: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::client(
        "invalid_request",
        what,
        "the client must be mended or updated",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_stand_once() {
        for (text, good) in [
            ("a=1&b=2", true),
            ("a=1&a=1", false),
            ("a=1&%61=2", false),
            ("resource=1&resource=2", true),
            ("", true),
        ] {
            assert_eq!(Parameters::parse(text.as_bytes()).is_ok(), good, "{text}");
        }
        let many: Vec<String> = (0..65).map(|n| format!("p{n}=1")).collect();
        assert!(Parameters::parse(many.join("&").as_bytes()).is_err());
        let parsed = Parameters::parse(b"a=x+y%2Bz&empty=").unwrap();
        assert_eq!(parsed.get("a"), Some("x y+z"));
        assert_eq!(parsed.get("empty"), None);
    }
}
