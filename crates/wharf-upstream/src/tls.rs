//! Whom to trust: the public authorities, and those the operator adds.

use std::sync::{Arc, OnceLock};

use hyper_rustls::ConfigBuilderExt;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::UpstreamError;

/// The TLS settings of one upstream.
pub(crate) enum Tls {
    /// The public authorities only. One value for all upstreams, so that they share resumable sessions; made when the
    /// first connection needs it, so that a start without any stays fast.
    Public,
    /// With authorities of the operator.
    Own(Arc<ClientConfig>),
}

impl Tls {
    /// Reads the operator's certificates now, so that a mistake shows at start.
    pub(crate) fn new(ca_pem: Option<&str>) -> Result<Self, UpstreamError> {
        ca_pem.map_or(Ok(Self::Public), |pem| {
            with_authorities(pem)
                .map(|config| Self::Own(Arc::new(config)))
                .map_err(|reason| UpstreamError::CaPem { reason })
        })
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        static PUBLIC: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        match self {
            Self::Own(config) => config.clone(),
            Self::Public => PUBLIC
                .get_or_init(|| {
                    Arc::new(finish(|builder| {
                        builder.with_webpki_roots().with_no_client_auth()
                    }))
                })
                .clone(),
        }
    }
}

fn with_authorities(pem: &str) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("there is none in it".to_owned());
    }
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(finish(|builder| {
        builder.with_root_certificates(roots).with_no_client_auth()
    }))
}

/// The parts that do not depend on whom we trust.
fn finish(
    trust: impl FnOnce(rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>) -> ClientConfig,
) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring provides what TLS 1.2 and 1.3 need");
    let mut config = trust(builder);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
