//! An issuer on loopback: signs tokens, and publishes its keys and metadata.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
};
use ring::{hmac, signature};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// When the tests happen.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A pair of keys.
pub(crate) struct Pair {
    pub(crate) id: &'static str,
    kind: Kind,
}

enum Kind {
    Rsa(RsaKeyPair),
    Ecdsa(&'static str, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Pair {
    /// The same one each time: making them takes seconds.
    pub(crate) fn rsa(id: &'static str) -> Self {
        let pem: String = include_str!("rsa.pem")
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(pem).unwrap()).unwrap();
        Self {
            id,
            kind: Kind::Rsa(pair),
        }
    }

    pub(crate) fn p256(id: &'static str) -> Self {
        Self::ecdsa(id, "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(crate) fn p384(id: &'static str) -> Self {
        Self::ecdsa(id, "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn ecdsa(
        id: &'static str,
        curve: &'static str,
        algorithm: &'static EcdsaSigningAlgorithm,
    ) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self {
            id,
            kind: Kind::Ecdsa(curve, pair),
        }
    }

    pub(crate) fn ed25519(id: &'static str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self {
            id,
            kind: Kind::Ed25519(pair),
        }
    }

    /// The public half, as the issuer publishes it.
    pub(crate) fn jwk(&self) -> Value {
        match &self.kind {
            Kind::Rsa(pair) => {
                let PublicKeyComponents { n, e } =
                    PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kid": self.id, "kty": "RSA", "use": "sig", "n": encode(n), "e": encode(e)})
            }
            Kind::Ecdsa(curve, pair) => {
                let (x, y) = {
                    let point = &pair.public_key().as_ref()[1..];
                    point.split_at(point.len() / 2)
                };
                json!({"kid": self.id, "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Kind::Ed25519(pair) => {
                json!({"kid": self.id, "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())})
            }
        }
    }

    fn sign(&self, algorithm: &str, signed: &[u8]) -> Vec<u8> {
        match &self.kind {
            Kind::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut made = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), signed, &mut made)
                    .unwrap();
                made
            }
            Kind::Ecdsa(_, pair) => pair
                .sign(&SystemRandom::new(), signed)
                .unwrap()
                .as_ref()
                .to_vec(),
            Kind::Ed25519(pair) => pair.sign(signed).as_ref().to_vec(),
        }
    }

    /// A token, its header made of these members.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let made = self.sign(algorithm, signed.as_bytes());
        format!("{signed}.{}", encode(made))
    }
}

/// A token by a shared secret.
pub(crate) fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let made = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(made))
}

/// Publishes keys, and counts who asks.
pub(crate) struct KeyServer {
    pub(crate) url: String,
    published: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl KeyServer {
    /// Metadata at both places, keys at `/keys`.
    pub(crate) async fn start(keys: &[&Pair]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let published = Arc::new(Mutex::new(keys.iter().map(|pair| pair.jwk()).collect()));
        let asked = Arc::new(AtomicUsize::new(0));
        let (shared, counted, own) = (published.clone(), asked.clone(), url.clone());
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let (status, body) = match head.split(' ').nth(1).unwrap() {
                    "/keys" => {
                        counted.fetch_add(1, Ordering::SeqCst);
                        (200, json!({"keys": *shared.lock().unwrap()}))
                    }
                    // The thief's are somebody else's metadata.
                    "/.well-known/openid-configuration"
                    | "/thief/.well-known/openid-configuration" => (
                        200,
                        json!({"issuer": own, "jwks_uri": format!("{own}/keys")}),
                    ),
                    // For RFC 8414's place alone.
                    "/.well-known/oauth-authorization-server/tenant" => (
                        200,
                        json!({"issuer": format!("{own}/tenant"), "jwks_uri": format!("{own}/keys")}),
                    ),
                    _ => (404, json!({})),
                };
                let body = body.to_string();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            url,
            published,
            asked,
            task,
        }
    }

    pub(crate) fn publish(&self, keys: &[&Pair]) {
        *self.published.lock().unwrap() = keys.iter().map(|pair| pair.jwk()).collect();
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
