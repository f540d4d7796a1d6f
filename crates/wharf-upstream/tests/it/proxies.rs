//! Proxies and authorities as the environment names them. The proxy is strict: it wants its password, whole addresses, and
//! a tunnel only to the port that was asked for.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wharf_upstream::{Environment, Network, UpstreamError};

use crate::aws::File;
use crate::issued::with;
use crate::server::{Seen, Server, ok, read_request};
use crate::tls::Secure;
use crate::*;

/// `ann:hu sh`.
const AUTHORIZATION: &str = "Basic YW5uOmh1IHNo";

struct Variables(Vec<(&'static str, String)>);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(known, _)| *known == name);
        pair.map(|(_, value)| value.as_str())
    }

    fn file(&self, _: &Path) -> Result<Option<String>, String> {
        Ok(None)
    }
}

fn network(variables: Vec<(&'static str, String)>) -> Config {
    Config {
        network: Network::of(&Variables(variables)).unwrap(),
        ..config()
    }
}

/// A proxy that knows one host, `pets.example`.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    async fn start(pets: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all = asked.clone();
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(pass_on(stream, pets, all.clone()));
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    fn url(&self, user: &str) -> String {
        format!("http://{user}@{}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(mut stream: TcpStream, pets: u16, asked: Arc<Mutex<Vec<String>>>) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    let asks = format!("{} {}", request.method, request.target);
    asked.lock().unwrap().push(asks);
    let header = |wanted: &str| {
        let mut headers = request.headers.iter();
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    };
    let refuse = |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    if header("proxy-authorization") != Some(AUTHORIZATION) {
        let refusal = refuse("407 Proxy Authentication Required");
        let _ = stream.write_all(refusal.as_bytes()).await;
        return;
    }
    let mut onward = TcpStream::connect(("127.0.0.1", pets)).await.unwrap();
    let is_tunnel = request.method == "CONNECT";
    let path = request.target.strip_prefix("http://pets.example");
    match path {
        None if is_tunnel
            && request.target == "pets.example:443"
            && header("host") == Some("pets.example:443") =>
        {
            stream
                .write_all(b"HTTP/1.1 200 Connected\r\n\r\n")
                .await
                .unwrap();
        }
        Some(path) if path.starts_with('/') && header("host") == Some("pets.example") => {
            let head = onward_head(&request, path);
            onward.write_all(head.as_bytes()).await.unwrap();
        }
        _ => {
            let _ = stream.write_all(refuse("502 Bad Gateway").as_bytes()).await;
            return;
        }
    }
    // Ends when either side does.
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
}

fn onward_head(request: &Seen, path: &str) -> String {
    let is_meant = |name: &str| !name.to_ascii_lowercase().starts_with("proxy-");
    let headers = request.headers.iter().filter(|(name, _)| is_meant(name));
    let headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let (method, headers, body) = (&request.method, headers.concat(), &request.body);
    format!("{method} {path} HTTP/1.1\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn plain_requests_go_whole_to_the_proxy() {
    let pets = Server::script(vec![ok("pets")]).await;
    let proxy = Proxy::start(pets.address.port()).await;
    let config = network(vec![("HTTP_PROXY", proxy.url("ann:hu%20sh"))]);
    // Nothing resolves this name but the proxy, whoever named it.
    for trust in [Trust::Operator, Trust::Document] {
        let upstream = Upstream::new(&config, "http://pets.example/v1", trust).unwrap();
        let nothing = HeaderMap::new();
        let sending = upstream.send(get("/dogs?a=1"), &nothing, None);
        assert_eq!(soon(sending).await.unwrap().body, "pets");
    }
    assert_eq!(proxy.asked(), ["GET http://pets.example/v1/dogs?a=1"; 2]);
    for seen in pets.seen() {
        assert_eq!(seen.target, "/v1/dogs?a=1");
        assert!(!format!("{seen:?}").contains(AUTHORIZATION), "{seen:?}");
    }
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_to_authorities_that_the_environment_names() {
    let pets = Secure::start().await;
    let proxy = Proxy::start(pets.port).await;
    let file = File::new("authorities.pem", &format!("garbage\n{}", pets.ca_pem));
    let folder = std::env::temp_dir().join(format!("wharf-{}-authorities", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("one.pem"), &pets.ca_pem).unwrap();
    for (variable, path, works) in [
        ("SSL_CERT_FILE", file.path(), true),
        (
            "SSL_CERT_DIR",
            format!("/nowhere:{}", folder.display()),
            true,
        ),
        ("SSL_CERT_FILE", "/nowhere".to_owned(), false),
    ] {
        let config = network(vec![
            ("https_proxy", proxy.url("ann:hu%20sh")),
            (variable, path),
        ]);
        let outcome = soon(send(&config, "https://pets.example", get("/"))).await;
        match outcome {
            Ok(response) => assert_eq!((works, &*response.body), (true, &b"secret"[..])),
            Err(error) => assert!(
                !works && matches!(error, UpstreamError::Tls { .. }),
                "{variable}: {}",
                everything(&error)
            ),
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let asked = proxy.asked();
    assert!(asked.len() >= 3, "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|asked| asked == "CONNECT pets.example:443"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let pets = Secure::start().await;
    let proxy = Proxy::start(pets.port).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://ann:hush@{}", gone.local_addr().unwrap());
    drop(gone);
    for (url, base, complaint) in [
        (
            proxy.url("ann:hush"),
            "https://pets.example",
            "proxy authorization required",
        ),
        (
            proxy.url("ann:hu%20sh"),
            "https://cats.example",
            "unsuccessful",
        ),
        (
            nobody.clone(),
            "https://pets.example",
            "no way through the proxy",
        ),
        (nobody, "http://pets.example", "no way through the proxy"),
    ] {
        let config = network(vec![("ALL_PROXY", url)]);
        let error = soon(send(&config, base, get("/"))).await.expect_err(base);
        let text = everything(&error);
        assert!(matches!(error, UpstreamError::Connect { .. }), "{text}");
        assert!(text.contains(complaint), "{complaint}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn what_is_near_is_asked_directly() {
    let pets = Server::script(vec![ok("pets")]).await;
    let proxy = Proxy::start(pets.address.port()).await;
    let config = network(vec![("ALL_PROXY", proxy.url("ann:hu%20sh"))]);
    soon(send(&config, &pets.url(), get("/"))).await.unwrap();
    assert_eq!(proxy.asked(), [""; 0]);
    assert_eq!(pets.targets(), ["/"]);
}

#[tokio::test]
async fn the_guard_looks_before_the_proxy_does() {
    let pets = Server::script(vec![ok("pets")]).await;
    let proxy = Proxy::start(pets.address.port()).await;
    let config = network(vec![("ALL_PROXY", proxy.url("ann:hu%20sh"))]);
    for inside in [
        "http://10.0.0.1/x",
        "https://169.254.169.254/x",
        "http://0x0a000001/x",
    ] {
        let outcome = soon(send(&config, "http://pets.example", get(inside))).await;
        let error = outcome.expect_err(inside);
        assert!(
            matches!(error, UpstreamError::Refused { .. }),
            "{inside}: {}",
            everything(&error)
        );
    }
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test]
async fn tokens_are_asked_for_through_the_proxy() {
    let token = json!({"access_token": "t0", "token_type": "Bearer"}).to_string();
    let issuer = Server::script(vec![ok(&token)]).await;
    let api = Server::script(vec![ok("")]).await;
    let proxy = Proxy::start(issuer.address.port()).await;
    let credentials = serde_json::from_value(json!({
        "type": "oauth_client_credentials", "token_url": "http://pets.example/token",
        "client_id": "wharf", "client_secret": "hush",
    }));
    let config = Config {
        network: network(vec![("ALL_PROXY", proxy.url("ann:hu%20sh"))]).network,
        ..with(credentials.unwrap())
    };
    soon(send(&config, &api.url(), get("/"))).await.unwrap();
    assert_eq!(proxy.asked(), ["POST http://pets.example/token"]);
    assert_eq!(api.seen()[0].header("authorization"), Some("Bearer t0"));
}
