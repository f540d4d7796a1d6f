use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use wharf_model::Secret;
use wharf_upstream::{ClientCertificate, Stage, UpstreamError};

use crate::server::{Reply, Server, read_request};
use crate::*;

/// A server with a certificate for `localhost` and `pets.example`, by an authority of its own.
pub(crate) struct Secure {
    pub(crate) port: u16,
    pub(crate) ca_pem: String,
    task: JoinHandle<()>,
}

impl Secure {
    pub(crate) async fn start() -> Self {
        Self::asking_for(None).await
    }

    /// A server that speaks only with holders of a certificate by the authority `clients`.
    async fn asking_for(clients: Option<&RootCertStore>) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned(), "pets.example".to_owned()])
                .unwrap()
                .signed_by(&key, &authority)
                .unwrap();
        let ca_pem = authority.pem();

        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            Some(roots) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), provider)
                    .build()
                    .unwrap(),
            ),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                while read_request(&mut stream).await.is_some() {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";
                    if stream.write_all(answer).await.is_err() {
                        break;
                    }
                }
            }
        });
        Self { port, ca_pem, task }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn only_trusted_certificates_are_spoken_to() {
    let server = Secure::start().await;
    let stranger = Secure::start().await;
    for (host, ca_pem, works) in [
        ("localhost", Some(&server.ca_pem), true),
        ("localhost", None, false),
        ("localhost", Some(&stranger.ca_pem), false),
        // The same machine under a name that the certificate does not have.
        ("127.0.0.1", Some(&server.ca_pem), false),
    ] {
        let row = format!("{host}, {}", ca_pem.map_or("public", |_| "own"));
        let mut config = config();
        config.ca_pem = ca_pem.cloned();
        let base = format!("https://{host}:{}", server.port);
        match soon(send(&config, &base, get("/?key=hush"))).await {
            Ok(response) => {
                assert!(works, "{row}");
                assert_eq!(response.body, "secret", "{row}");
            }
            Err(error) => {
                assert!(!works, "{row}: {}", everything(&error));
                assert!(
                    matches!(error, UpstreamError::Tls { .. }),
                    "{row}: {error:?}"
                );
                let text = everything(&error);
                assert!(
                    text.contains("certificate") && !text.contains("hush"),
                    "{row}: {text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let server = Server::script(vec![Reply::Silent(
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    )])
    .await;
    // Its fixture waits for a whole request, so the handshake stalls.
    let mut config = config();
    config.connect_timeout_s = seconds(0.3);
    config.retries.max = 0;
    let base = format!("https://{}", server.address);
    let error = soon(send(&config, &base, get("/")))
        .await
        .expect_err("no TLS");
    let stalled = matches!(
        error,
        UpstreamError::Timeout {
            stage: Stage::Connection,
            ..
        }
    );
    assert!(stalled, "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = soon(send(&config, &base, get("/")))
        .await
        .expect_err("no TLS");
    assert!(matches!(error, UpstreamError::Tls { .. }), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("http://")));
    task.abort();
}

#[tokio::test]
async fn unusable_authorities_are_refused_at_start() {
    for (name, pem) in [
        ("empty", ""),
        ("no PEM", "hello"),
        ("cut off", "-----BEGIN CERTIFICATE-----\nMIIB"),
        (
            "no certificate",
            "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
        ),
    ] {
        let mut config = config();
        config.ca_pem = Some(pem.to_owned());
        let error = Upstream::new(&config, "https://localhost", Trust::Operator).expect_err(name);
        assert!(
            matches!(error, UpstreamError::CaPem { .. }),
            "{name}: {error:?}"
        );
        assert!(error.hint().is_some(), "{name}");
    }
}

/// A certificate for a client, and the authority that it is by.
fn client_certificate() -> (ClientCertificate, RootCertStore) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["wharf".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let certificate = ClientCertificate {
        certificate_pem: certificate.pem(),
        key_pem: Secret::new(key.serialize_pem()),
    };
    (certificate, roots)
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_the_own_upstream_only() {
    let (certificate, clients) = client_certificate();
    let (other_certificate, _) = client_certificate();
    let own = Secure::asking_for(Some(&clients)).await;
    let stranger = Secure::asking_for(Some(&clients)).await;
    let address = |server: &Secure| format!("https://localhost:{}", server.port);
    for (row, certificate, target, works) in [
        ("ours", Some(&certificate), &own, true),
        ("none", None, &own, false),
        (
            "of another authority",
            Some(&other_certificate),
            &own,
            false,
        ),
        ("to a stranger", Some(&certificate), &stranger, false),
    ] {
        let mut config = config();
        config.ca_pem = Some(format!("{}{}", own.ca_pem, stranger.ca_pem));
        config.client_certificate = certificate.cloned();
        config.allow_private_networks = true;
        config.retries.max = 0;
        let target = format!("{}/pets", address(target));
        let answer = soon(send(&config, &address(&own), get(&target))).await;
        assert_eq!(answer.is_ok(), works, "{row}: {answer:?}");
    }
}

#[tokio::test]
async fn unusable_client_certificates_are_refused_at_start() {
    let (good, _) = client_certificate();
    let (other, _) = client_certificate();
    let with = |certificate_pem: &str, key_pem: &Secret| ClientCertificate {
        certificate_pem: certificate_pem.to_owned(),
        key_pem: key_pem.clone(),
    };
    for (row, certificate, part) in [
        ("no certificate", with("", &good.key_pem), "certificate_pem"),
        (
            "a broken one",
            with("-----BEGIN CERTIFICATE-----\nMIIB", &good.key_pem),
            "certificate_pem",
        ),
        (
            "no key",
            with(&good.certificate_pem, &Secret::new("hush")),
            "key_pem",
        ),
        (
            "another's key",
            with(&good.certificate_pem, &other.key_pem),
            "key_pem",
        ),
    ] {
        let mut config = config();
        config.client_certificate = Some(certificate);
        let error = Upstream::new(&config, "https://localhost", Trust::Operator).expect_err(row);
        let text = everything(&error);
        assert!(
            text.contains(&format!("client_certificate.{part}")),
            "{row}: {text}"
        );
        assert!(
            !text.contains("hush") && !text.contains("PRIVATE KEY-----\n"),
            "{row}: {text}"
        );
    }
}
