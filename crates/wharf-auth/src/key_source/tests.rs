//! When keys are fetched, from a server on loopback that counts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::*;

const NEVER: Duration = Duration::from_secs(3_600);
/// How many requests may be answered at once.
const TURNS: u32 = 100;
const PACE: Pace = Pace {
    renew_after: NEVER,
    believed_for: NEVER,
    apart: NEVER,
    apart_without: NEVER,
};

/// Answers with a key set, or with an error while it is broken, and not before it may.
struct Server {
    url: Url,
    asked: AtomicUsize,
    broken: AtomicBool,
    may_answer: Semaphore,
}

impl Server {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(Self {
            url: Url::parse(&format!("http://{address}/keys")).unwrap(),
            asked: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            may_answer: Semaphore::new(TURNS as usize),
        });
        let shared = server.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let server = shared.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await.unwrap());
                    }
                    server.asked.fetch_add(1, Ordering::SeqCst);
                    let _turn = server.may_answer.acquire().await.unwrap();
                    let body = if server.broken.load(Ordering::SeqCst) {
                        "no".to_owned()
                    } else {
                        key_set()
                    };
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all((head + &body).as_bytes()).await;
                });
            }
        });
        server
    }

    fn source(&self, pace: Pace) -> Arc<KeySource> {
        Arc::new(KeySource::new(
            Place::Keys(self.url.clone()),
            Reach::default(),
            pace,
        ))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// One with another key each time.
fn key_set() -> String {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
    let pair = pair.unwrap();
    let encode = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    let point = pair.public_key().as_ref();
    format!(
        r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}]}}"#,
        encode(&point[1..33]),
        encode(&point[33..])
    )
}

/// Many at once, each with what it got.
async fn crowd<T: Send + 'static>(ask: impl Fn() -> tokio::task::JoinHandle<T>) -> Vec<T> {
    let tasks: Vec<_> = (0..50).map(|_| ask()).collect();
    let mut got = Vec::new();
    for task in tasks {
        got.push(task.await.unwrap());
    }
    got
}

#[tokio::test]
async fn one_fetch_serves_all_who_wait() {
    let server = Server::start().await;
    let source = server.source(PACE);
    let got = crowd(|| {
        let source = source.clone();
        tokio::spawn(async move { source.keys().await.unwrap() })
    })
    .await;
    assert_eq!(server.asked(), 1);
    assert!(got.iter().all(|keys| Arc::ptr_eq(keys, &got[0])));
}

#[tokio::test]
async fn unknown_keys_lead_to_one_fetch() {
    let server = Server::start().await;
    let source = server.source(PACE);
    let known = source.keys().await.unwrap();
    let got = crowd(|| {
        let (source, known) = (source.clone(), known.clone());
        tokio::spawn(async move { source.newer_than(&known).await })
    })
    .await;
    // Whoever came in time got the new ones.
    assert!(got.iter().all(Option::is_some));
    assert_eq!(server.asked(), 2);
    let newer = got[0].clone().unwrap();
    for _ in 0..10 {
        assert!(source.newer_than(&newer).await.is_none());
    }
    assert_eq!(server.asked(), 2, "the issuer is left alone");
    assert!(Arc::ptr_eq(&source.keys().await.unwrap(), &newer));
}

#[tokio::test]
async fn who_leaves_takes_nothing_along() {
    let server = Server::start().await;
    let held_back = server.may_answer.acquire_many(TURNS).await.unwrap();
    let source = server.source(PACE);
    // Begins, and goes before the answer comes.
    let left = tokio::time::timeout(Duration::ZERO, source.keys()).await;
    assert!(left.is_err());
    drop(held_back);
    source.keys().await.expect("the fetch went on");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn an_old_set_serves_while_it_cannot_be_renewed() {
    let server = Server::start().await;
    let source = server.source(Pace {
        renew_after: Duration::ZERO,
        apart: Duration::ZERO,
        ..PACE
    });
    let first = source.keys().await.unwrap();
    server.broken.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        assert!(Arc::ptr_eq(&source.keys().await.unwrap(), &first));
        assert!(source.newer_than(&first).await.is_none());
    }
    assert!(server.asked() > 1, "it was tried");
    server.broken.store(false, Ordering::SeqCst);
    assert!(source.newer_than(&first).await.is_some());
}

#[tokio::test]
async fn without_keys_an_issuer_is_not_asked_for_each_call() {
    let server = Server::start().await;
    server.broken.store(true, Ordering::SeqCst);
    let source = server.source(PACE);
    let error = source.keys().await.unwrap_err();
    assert!(error.to_string().contains("is no JSON object"), "{error}");
    for _ in 0..10 {
        assert_eq!(source.keys().await.unwrap_err(), KeysError::Lately);
    }
    assert_eq!(server.asked(), 1);
    // A set that is too old is none.
    let source = server.source(Pace {
        believed_for: Duration::ZERO,
        apart_without: Duration::ZERO,
        ..PACE
    });
    server.broken.store(false, Ordering::SeqCst);
    source.keys().await.unwrap();
    server.broken.store(true, Ordering::SeqCst);
    source.keys().await.unwrap_err();
}
