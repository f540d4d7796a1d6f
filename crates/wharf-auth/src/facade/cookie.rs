//! The cookie that ties a sign-in to one browser.
//!
//! It is a random value and means nothing by itself. The question on the consent page and the provider's answer are good
//! only in the browser that began (its digest is sealed into them), so that nobody can make somebody else's browser agree
//! to, or finish, what they began.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::Facade;
use super::random;

const BYTES: usize = 24;
/// Longer than the question and the provider may take together.
const LIFE_S: u64 = 30 * 60;

impl Facade {
    /// `__Host-` keeps other hosts of the domain from setting it; browsers permit it over TLS alone.
    fn cookie_name(&self) -> &'static str {
        if self.is_https {
            "__Host-wharf-sign-in"
        } else {
            "wharf-sign-in"
        }
    }

    /// The browser's value, if it has one of ours.
    pub(crate) fn browser(&self, headers: &HeaderMap) -> Option<String> {
        let name = self.cookie_name();
        let mut found = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(other, _)| *other == name)
            .map(|(_, value)| value);
        let value = found.next()?;
        let is_ours =
            value.len() == 2 * BYTES && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        // Two of one name: somebody put another in front.
        (is_ours && found.all(|other| other == value)).then(|| value.to_owned())
    }

    /// A `Set-Cookie` value.
    pub(crate) fn cookie(&self, value: &str) -> HeaderValue {
        let secure = if self.is_https { "; Secure" } else { "" };
        // Lax, since the way back from the provider is a link from another site.
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={LIFE_S}{secure}",
            self.cookie_name()
        );
        HeaderValue::from_str(&text).expect("it is made of plain characters")
    }

    /// A `Set-Cookie` value that takes it away.
    pub(crate) fn no_cookie(&self) -> HeaderValue {
        let secure = if self.is_https { "; Secure" } else { "" };
        let name = self.cookie_name();
        let text = format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}");
        HeaderValue::from_str(&text).expect("it is made of plain characters")
    }
}

/// A new value for a browser.
pub(crate) fn fresh() -> String {
    random::hex::<BYTES>()
}
