use wharf_upstream::UpstreamError;

use crate::server::{Server, answer, ok};
use crate::*;

#[tokio::test]
async fn documents_do_not_lead_inside() {
    let server = Server::script(vec![ok("inside")]).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
    ] {
        let base = format!("http://{host}:{port}");
        // An address is refused at once, a name when it is resolved.
        let error = match Upstream::new(&config(), &base, Trust::Document) {
            Err(error) => error,
            Ok(upstream) => soon(upstream.send(get("/"), &HeaderMap::new(), None))
                .await
                .expect_err(host),
        };
        assert!(
            matches!(error, UpstreamError::Refused { .. }),
            "{host}: {error:?}"
        );
        assert!(error.hint().is_some(), "{host}");
        assert!(!error.for_caller().contains("127"), "{host}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn operators_may_name_any_address() {
    let server = Server::script(vec![ok("inside")]).await;
    let port = server.address.port();
    for (host, trust, allow) in [
        ("127.0.0.1", Trust::Operator, false),
        ("localhost", Trust::Operator, false),
        ("2130706433", Trust::Operator, false),
        ("127.0.0.1", Trust::Document, true),
        ("localhost", Trust::Document, true),
    ] {
        let mut config = config();
        config.allow_private_networks = allow;
        let base = format!("http://{host}:{port}");
        let upstream = Upstream::new(&config, &base, trust).unwrap();
        let response = soon(upstream.send(get("/"), &HeaderMap::new(), None))
            .await
            .unwrap_or_else(|error| panic!("{host} {trust:?}: {error}"));
        assert_eq!(response.body, "inside", "{host} {trust:?}");
    }
}

/// The operator trusts one origin; what a document adds is another matter, on the same host too.
#[tokio::test]
async fn the_operators_trust_covers_one_origin() {
    let own = Server::script(vec![ok("own")]).await;
    let other = Server::script(vec![ok("other")]).await;
    let target = format!("{}/secret", other.url());
    for (listed, works) in [(vec![], false), (vec![other.url()], true)] {
        let mut config = config();
        config.credential_origins = listed.clone();
        let result = soon(send(&config, &own.url(), get(&target))).await;
        match result {
            Ok(response) if works => assert_eq!(response.body, "other"),
            Err(UpstreamError::Refused { .. }) if !works => {}
            other => panic!("{listed:?}: {other:?}"),
        }
        assert_eq!(other.connections(), usize::from(works), "{listed:?}");
    }
}

#[tokio::test]
async fn documents_are_fetched_under_the_same_guard() {
    let server = Server::script(vec![ok("{}")]).await;
    let url = format!("http://localhost:{}/openapi.json", server.address.port());
    for (trust, allow, works) in [
        (Trust::Operator, false, true),
        (Trust::Document, true, true),
        (Trust::Document, false, false),
    ] {
        let options = wharf_upstream::FetchOptions {
            trust,
            allow_private_networks: allow,
            ..Default::default()
        };
        let result = soon(wharf_upstream::fetch_document(&url, &options)).await;
        assert_eq!(result.is_ok(), works, "{trust:?} {allow}: {result:?}");
        if let Err(error) = result {
            assert!(matches!(error, UpstreamError::Refused { .. }), "{error:?}");
        }
    }
}

/// A refused address is not worth a second look.
#[tokio::test]
async fn refusals_are_not_retried() {
    let server = Server::script(vec![answer(200, &[], "")]).await;
    let mut config = config();
    config.retries.wait_s = seconds(30.0);
    let base = format!("http://localhost:{}", server.address.port());
    let upstream = Upstream::new(&config, &base, Trust::Document).unwrap();
    soon(upstream.send(get("/"), &HeaderMap::new(), None))
        .await
        .expect_err("loopback");
}
