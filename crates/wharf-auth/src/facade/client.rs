//! Clients: those that registered themselves, those that bring a document, and those in the configuration.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::attempt::{Attempt, Failure};
use super::parameters::{Parameters, malformed};
use super::seal::{Purpose, digest, same};
use super::values::{ClientMark, Registration};
use super::{Facade, now, redirect};

/// How a client proves at the token endpoint that it is the one that registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Authentication {
    #[serde(rename = "n")]
    None,
    #[serde(rename = "p")]
    Post,
    #[serde(rename = "b")]
    Basic,
}

impl Authentication {
    pub(crate) const NAMES: [&'static str; 3] =
        ["none", "client_secret_post", "client_secret_basic"];

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "client_secret_post" => Some(Self::Post),
            "client_secret_basic" => Some(Self::Basic),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// A client that asks for a sign-in.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) mark: ClientMark,
    /// What it calls itself. Anybody can call themselves anything.
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    /// The owner wrote its addresses down, so they need no other permission.
    pub(crate) is_configured: bool,
}

impl Client {
    /// The address to send codes to. It is checked here and nowhere else.
    pub(crate) fn redirect_uri<'a>(
        &'a self,
        asked: Option<&'a str>,
        facade: &Facade,
    ) -> Result<&'a str, Failure> {
        let uri = match (asked, self.redirect_uris.as_slice()) {
            (Some(asked), registered) => {
                if !registered
                    .iter()
                    .any(|registered| redirect::matches(registered, asked))
                {
                    return Err(Failure::client(
                        "invalid_request",
                        "the redirect address is not one that the client registered",
                        "the client must register the address that it uses, to the letter",
                    ));
                }
                asked
            }
            (None, [only]) => only,
            (None, _) => return Err(malformed("the parameter redirect_uri is missing")),
        };
        let permitted = if self.is_configured {
            redirect::sound(uri)
        } else {
            facade.redirects.permit(uri)
        };
        permitted.map_err(|reason| {
            Failure::configuration(
                "invalid_request",
                format!("the client's redirect address {reason}"),
                "permit it in `sign_in.redirect_uris`, or the program it belongs to in `sign_in.connectors`",
            )
        })?;
        Ok(uri)
    }
}

fn unknown() -> Failure {
    Failure::client(
        "invalid_client",
        "this client is not known here, or was registered with a key that is gone",
        "remove the server from the client and add it again, so that it registers anew",
    )
}

impl Facade {
    /// The client with this id.
    pub(crate) async fn client(&self, id: &str, attempt: &Attempt) -> Result<Client, Failure> {
        if let Some(client) = self.config.clients.iter().find(|client| client.id == id) {
            return Ok(Client {
                mark: mark(id, id),
                name: client.name.clone().unwrap_or_else(|| id.to_owned()),
                redirect_uris: client.redirect_uris.clone(),
                is_configured: true,
            });
        }
        if id.starts_with("https://") {
            return self.documents.client(id, attempt).await;
        }
        let Registration {
            name,
            redirect_uris,
            ..
        } = self.registration(id)?;
        Ok(Client {
            mark: registered_mark(id),
            name,
            redirect_uris,
            is_configured: false,
        })
    }

    fn registration(&self, id: &str) -> Result<Registration, Failure> {
        if !self.config.registration {
            return Err(unknown());
        }
        self.seals
            .open(Purpose::Client, id, now())
            .map_err(|_| unknown())
    }

    /// Who asks at the token endpoint, by what it proves (RFC 6749 §2.3.1).
    pub(crate) fn authenticated(
        &self,
        headers: &HeaderMap,
        parameters: &Parameters,
    ) -> Result<ClientMark, Failure> {
        let basic = headers.get(AUTHORIZATION).map(|value| {
            let pair = value.to_str().ok().and_then(basic_pair);
            pair.ok_or_else(|| {
                malformed("the Authorization header is not a client's id and secret")
            })
        });
        let basic = basic.transpose()?;
        let in_body = parameters.get("client_id");
        let (id, secret) = match &basic {
            Some((id, _)) if in_body.is_some_and(|other| other != id) => {
                return Err(malformed("two different clients are named"));
            }
            Some((id, secret)) => (id.as_str(), Some(secret.as_str())),
            None => (
                parameters.need("client_id")?,
                parameters.get("client_secret"),
            ),
        };
        if let Some(client) = self.config.clients.iter().find(|client| client.id == id) {
            if let Some(expected) = &client.secret {
                check_secret(secret.is_some_and(|secret| same(secret, expected.expose())))?;
            }
            return Ok(mark(id, id));
        }
        if id.starts_with("https://") {
            // Its document was read when it asked for the sign-in; what it redeems is bound to its id.
            return Ok(mark(id, id));
        }
        let registration = self.registration(id)?;
        if registration.authentication != Authentication::None {
            check_secret(secret.is_some_and(|secret| self.seals.is_secret_of(id, secret)))?;
        }
        Ok(registered_mark(id))
    }
}

fn check_secret(good: bool) -> Result<(), Failure> {
    if good {
        return Ok(());
    }
    Err(Failure::client(
        "invalid_client",
        "the client's secret is missing or wrong",
        "register the client anew, or correct its secret",
    ))
}

pub(crate) fn mark(id: &str, label: &str) -> ClientMark {
    ClientMark {
        digest: digest(id),
        label: label.to_owned(),
    }
}

/// The id of a registered client is long; its digest tells it apart as well.
fn registered_mark(id: &str) -> ClientMark {
    mark(id, &format!("registered:{}", digest(id)))
}

fn basic_pair(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let decode = |text: &str| {
        // A form's encoding, in which a text alone is a name.
        form_urlencoded::parse(text.as_bytes())
            .next()
            .map(|(text, _)| text.into_owned())
            .unwrap_or_default()
    };
    Some((decode(id), decode(secret)))
}

/// An untrusted name, for people: bounded, on one line, and without what turns text around.
pub(crate) fn displayed(name: &str) -> String {
    const CHARS_MAX: usize = 80;
    let is_harmless = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let name: String = name.chars().filter(is_harmless).take(CHARS_MAX).collect();
    if name.trim().is_empty() {
        "a program without a name".to_owned()
    } else {
        name.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_secrets_of_a_header_are_decoded() {
        for (header, expected) in [
            (
                format!("Basic {}", STANDARD.encode("a:b")),
                Some(("a", "b")),
            ),
            (
                format!("basic {}", STANDARD.encode("a%3Ab:c%25+d")),
                Some(("a:b", "c% d")),
            ),
            (format!("Bearer {}", STANDARD.encode("a:b")), None),
            ("Basic !".to_owned(), None),
            ("Basic".to_owned(), None),
        ] {
            let pair = basic_pair(&header);
            let pair = pair
                .as_ref()
                .map(|(id, secret)| (id.as_str(), secret.as_str()));
            assert_eq!(pair, expected, "{header}");
        }
    }

    #[test]
    fn names_are_shown_as_they_are_and_no_more() {
        for (name, shown) in [
            ("Claude", "Claude"),
            (" a\nb\u{202e}c ", "abc"),
            ("\u{200b}", "a program without a name"),
            (&"x".repeat(500), &"x".repeat(80)),
        ] {
            assert_eq!(displayed(name), shown);
        }
    }
}
