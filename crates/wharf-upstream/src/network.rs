//! The network between here and everything else: proxies, and authorities to trust besides the public ones, both as the
//! environment names them.
//!
//! `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` mean what they mean to curl, in upper or lower case. Requests
//! without TLS go to a proxy in absolute form, others through a tunnel (CONNECT). What is on this machine is never asked
//! for through a proxy, and neither are AWS's metadata services: both are nearer than any proxy.
//!
//! A proxy resolves names by itself, so the address guard cannot pin what it finds. It looks all the same: an address
//! that is private by its text, and a name that leads to a private address from here, are refused; what cannot be
//! resolved here is left to the proxy, which is its operator's guard.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::address;
use crate::surroundings::variable;
use crate::{Environment, UpstreamError};

/// A folder with more is not one of certificates.
const FILES_MAX: usize = 2000;
/// All public authorities together have a quarter of that.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How the network is reached. Cheap to clone; the default is directly, and with the public authorities alone.
#[derive(Clone, Default)]
pub struct Network(Option<Arc<Inner>>);

struct Inner {
    proxies: Option<Matcher>,
    /// Files and folders. They are read when the first connection needs them, so that a start without any stays fast.
    certificates: Vec<PathBuf>,
    read: OnceLock<Vec<CertificateDer<'static>>>,
    tls: OnceLock<Arc<rustls::ClientConfig>>,
}

impl Network {
    /// As the environment says.
    pub fn of(environment: &dyn Environment) -> Result<Self, UpstreamError> {
        let file = variable(environment, "SSL_CERT_FILE").map(PathBuf::from);
        let folders = variable(environment, "SSL_CERT_DIR").unwrap_or_default();
        let folders = folders.split(':').filter(|folder| !folder.is_empty());
        let certificates: Vec<_> = file.into_iter().chain(folders.map(PathBuf::from)).collect();
        let proxies = proxies(environment)?;
        if proxies.is_none() && certificates.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self(Some(Arc::new(Inner {
            proxies,
            certificates,
            read: OnceLock::new(),
            tls: OnceLock::new(),
        }))))
    }

    /// The proxy that a request goes through.
    pub(crate) fn proxy(&self, uri: &Uri) -> Option<Intercept> {
        let proxies = self.0.as_ref()?.proxies.as_ref()?;
        if is_here(uri.host()?) {
            return None;
        }
        proxies.intercept(uri)
    }

    /// What a proxy wants to hear, in a request that it reads itself.
    pub(crate) fn proxy_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        self.proxy(uri)?.basic_auth().cloned()
    }

    pub(crate) fn has_authorities(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|inner| !inner.certificates.is_empty())
    }

    /// The authorities that the environment names; read once.
    pub(crate) fn authorities(&self) -> &[CertificateDer<'static>] {
        self.0.as_ref().map_or(&[], |inner| {
            inner.read.get_or_init(|| {
                inner
                    .certificates
                    .iter()
                    .flat_map(|path| read(path))
                    .collect()
            })
        })
    }

    /// TLS settings with these authorities and the public ones, made once by `make`.
    pub(crate) fn tls(
        &self,
        make: impl FnOnce() -> Arc<rustls::ClientConfig>,
    ) -> Arc<rustls::ClientConfig> {
        match &self.0 {
            Some(inner) => inner.tls.get_or_init(make).clone(),
            None => make(),
        }
    }
}

/// What was told once is the same; nothing else of it is compared.
impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Eq for Network {}

impl fmt::Debug for Network {
    /// A proxy's address can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Network(as the environment says)"
        } else {
            "Network(direct)"
        })
    }
}

fn proxies(environment: &dyn Environment) -> Result<Option<Matcher>, UpstreamError> {
    // The lower case goes first, as with curl.
    let value = |name: &str| {
        variable(environment, &name.to_lowercase())
            .or_else(|| variable(environment, name))
            .unwrap_or_default()
    };
    let [all, http, https] = ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"].map(value);
    for url in [all, http, https] {
        check(url)?;
    }
    let named = Matcher::builder().all(all).http(http).https(https);
    Ok((![all, http, https].concat().is_empty()).then(|| named.no(value("NO_PROXY")).build()))
}

/// Refuses what would be passed over in silence, or could not be spoken to.
fn check(url: &str) -> Result<(), UpstreamError> {
    if url.is_empty() {
        return Ok(());
    }
    let proxy = Matcher::builder()
        .all(url)
        .build()
        .intercept(&Uri::from_static("http://example.com/"));
    if proxy.is_some_and(|proxy| proxy.uri().scheme_str() == Some("http")) {
        return Ok(());
    }
    Err(UpstreamError::Proxy {
        proxy: address::shown(url),
        reason: "is no address of a proxy over plain HTTP, which is the only kind that is supported",
    })
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The certificates of a file, or of all files of a folder. What cannot be read is left out: the same variables are set
/// in images for programs of all kinds.
fn read(path: &Path) -> Vec<CertificateDer<'static>> {
    let Ok(entries) = std::fs::read_dir(path) else {
        let found = read_file(path);
        if found.is_empty() {
            tracing::warn!(file = %path.display(), "no certificate can be read from what `SSL_CERT_FILE` or `SSL_CERT_DIR` names");
        }
        return found;
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    // Links by hash stand beside what they lead to.
    files.sort();
    files.truncate(FILES_MAX);
    let mut found: Vec<_> = files.iter().flat_map(|file| read_file(file)).collect();
    found.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
    found.dedup();
    found
}

fn read_file(path: &Path) -> Vec<CertificateDer<'static>> {
    use std::io::Read as _;
    let mut pem = Vec::new();
    let reading =
        std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut pem));
    if reading.is_err() {
        return Vec::new();
    }
    CertificateDer::pem_slice_iter(&pem)
        .filter_map(Result::ok)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Given(&'static [(&'static str, &'static str)]);

    impl Environment for Given {
        fn variable(&self, name: &str) -> Option<&str> {
            let pair = self.0.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| *value)
        }

        fn file(&self, _: &Path) -> Result<Option<String>, String> {
            Ok(None)
        }
    }

    #[test]
    fn proxies_are_chosen_by_scheme_and_host() {
        let both: &[_] = &[
            ("HTTP_PROXY", "http://plain:1"),
            ("HTTPS_PROXY", "secure:2"),
            ("NO_PROXY", "inside.example, 10.0.0.0/8,.corp"),
        ];
        for (variables, uri, expected) in [
            (both, "http://pets.example/", Some("http://plain:1/")),
            (both, "https://pets.example/", Some("http://secure:2/")),
            (both, "https://inside.example/", None),
            (both, "https://api.inside.example:8443/", None),
            (both, "https://notinside.example/", Some("http://secure:2/")),
            (both, "http://10.1.2.3/", None),
            (both, "http://11.1.2.3/", Some("http://plain:1/")),
            (both, "http://host.corp/", None),
            (both, "http://localhost:3000/", None),
            (both, "http://127.0.0.9/", None),
            (both, "http://[::1]/", None),
            (both, "http://localhost.example/", Some("http://plain:1/")),
            (
                &[("all_proxy", "http://any:3")],
                "https://pets.example/",
                Some("http://any:3/"),
            ),
            (
                &[
                    ("http_proxy", "http://low:4"),
                    ("HTTP_PROXY", "http://up:5"),
                ],
                "http://pets.example/",
                Some("http://low:4/"),
            ),
            (
                &[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "*")],
                "https://pets.example/",
                None,
            ),
            (
                &[("HTTPS_PROXY", "http://p:1")],
                "http://pets.example/",
                None,
            ),
            (&[("HTTPS_PROXY", "")], "https://pets.example/", None),
        ] {
            let network = Network::of(&Given(variables)).unwrap();
            let proxy = network.proxy(&uri.parse().unwrap());
            let proxy = proxy.map(|proxy| proxy.uri().to_string());
            assert_eq!(proxy.as_deref(), expected, "{variables:?} {uri}");
        }
    }

    #[test]
    fn proxies_that_cannot_be_used_are_refused() {
        for url in [
            "socks5://ann:hush@p:1",
            "https://ann:hush@p:1",
            "ftp://p:1",
            "http://",
            "a b",
        ] {
            let given: &'static [_] = Vec::leak(vec![("ALL_PROXY", url)]);
            let error = Network::of(&Given(given)).expect_err(url);
            assert!(!format!("{error:?} {error}").contains("hush"), "{error:?}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let network = Network::of(&Given(&[("HTTP_PROXY", "http://ann:hush@p:1")])).unwrap();
        let uri = Uri::from_static("http://pets.example/");
        let header = network.proxy_authorization(&uri).unwrap();
        assert_eq!(header, "Basic YW5uOmh1c2g=");
        assert!(header.is_sensitive());
        assert!(!format!("{network:?}").contains("hush"));
    }
}
