//! Whom to trust: the public authorities, and those the operator adds.

use std::sync::{Arc, OnceLock};

use hyper_rustls::ConfigBuilderExt;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::{ClientCertificate, Network, UpstreamError};

/// The TLS settings of one upstream.
pub(crate) enum Tls {
    /// The public authorities only. One value for all upstreams, so that they share resumable sessions; made when the
    /// first connection needs it, so that a start without any stays fast.
    Public,
    /// With authorities that the environment names; made at the first connection as well.
    Named(Network),
    /// With authorities of the operator.
    Own(Arc<ClientConfig>),
}

impl Tls {
    /// Reads the operator's certificates now, so that a mistake shows at start.
    pub(crate) fn new(ca_pem: Option<&str>, network: &Network) -> Result<Self, UpstreamError> {
        match ca_pem {
            Some(_) => authorities(ca_pem, network)
                .map(|roots| Self::Own(with_roots(roots)))
                .map_err(|reason| UpstreamError::CaPem { reason }),
            None if network.has_authorities() => Ok(Self::Named(network.clone())),
            None => Ok(Self::Public),
        }
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        static PUBLIC: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        match self {
            Self::Own(config) => config.clone(),
            Self::Named(network) => network.tls(|| {
                let roots = authorities(None, network).expect("no text that could be wrong");
                with_roots(roots)
            }),
            Self::Public => PUBLIC
                .get_or_init(|| {
                    let config = builder().with_webpki_roots().with_no_client_auth();
                    Arc::new(over_http(config))
                })
                .clone(),
        }
    }
}

/// TLS settings that also show who connects. They are for the operator's own origins only: a certificate tells a name to
/// whoever asks for it.
pub(crate) fn with_identity(
    ca_pem: Option<&str>,
    network: &Network,
    identity: &ClientCertificate,
) -> Result<Tls, UpstreamError> {
    let complain = |part| move |reason: String| UpstreamError::ClientCertificate { part, reason };
    let chain = CertificateDer::pem_slice_iter(identity.certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| complain("certificate_pem")(format!("cannot be read: {error}")))?;
    if chain.is_empty() {
        return Err(complain("certificate_pem")(
            "holds no certificate".to_owned(),
        ));
    }
    // The library's own message may quote the text.
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.expose().as_bytes())
        .map_err(|_| complain("key_pem")("holds no key that can be read".to_owned()))?;
    let roots = authorities(ca_pem, network).map_err(|reason| UpstreamError::CaPem { reason })?;
    let config = builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| complain("key_pem")(format!("does not fit the certificate: {error}")))?;
    Ok(Tls::Own(Arc::new(over_http(config))))
}

fn with_roots(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(over_http(config))
}

/// The operator's authorities, those of the environment and the public ones.
fn authorities(ca_pem: Option<&str>, network: &Network) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = ca_pem {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        if roots.is_empty() {
            return Err("there is none in it".to_owned());
        }
    }
    // Bundles hold old certificates that nobody can use any more; they are left out.
    roots.add_parsable_certificates(network.authorities().iter().cloned());
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(roots)
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring provides what TLS 1.2 and 1.3 need")
}

fn over_http(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
