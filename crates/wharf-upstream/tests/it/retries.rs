use std::time::{Duration, Instant, SystemTime};

use http::Method;
use tokio::net::TcpSocket;
use wharf_upstream::UpstreamError;

use crate::server::{Reply, Server, answer, ok};
use crate::*;

#[tokio::test]
async fn methods_and_statuses_decide() {
    for (method, statuses, max, expected, attempts) in [
        (Method::GET, vec![503, 200], 2, 200, 2),
        (Method::GET, vec![429, 502, 200], 2, 200, 3),
        (Method::GET, vec![504, 200], 2, 200, 2),
        (Method::HEAD, vec![503, 204], 2, 204, 2),
        (Method::OPTIONS, vec![503, 200], 2, 200, 2),
        (Method::PUT, vec![503, 200], 2, 200, 2),
        (Method::DELETE, vec![502, 200], 2, 200, 2),
        (Method::GET, vec![503, 503, 503, 200], 2, 503, 3),
        (Method::GET, vec![503, 200], 0, 503, 1),
        (Method::GET, vec![500, 200], 2, 500, 1),
        (Method::GET, vec![404, 200], 2, 404, 1),
        (Method::GET, vec![501, 200], 2, 501, 1),
        (Method::POST, vec![503, 200], 2, 503, 1),
        (Method::POST, vec![429, 200], 2, 429, 1),
        (Method::PATCH, vec![502, 200], 2, 502, 1),
    ] {
        let row = format!("{method} {statuses:?} {max}");
        let replies = statuses
            .iter()
            .map(|status| match *status {
                204 => Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
                // To HEAD there is no body, and its length would be a lie.
                status => answer(status, &[], ""),
            })
            .collect();
        let server = Server::script(replies).await;
        let mut config = config();
        config.retries.max = max;
        let response = soon(send(&config, &server.url(), request(method, "/")))
            .await
            .unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(response.status, expected, "{row}");
        assert_eq!(server.seen().len(), attempts, "{row}");
    }
}

#[tokio::test]
async fn bodies_and_headers_are_sent_again() {
    let server = Server::script(vec![answer(503, &[], "busy"), ok("done")]).await;
    let mut put = request(Method::PUT, "/x?y=1");
    put.body = "whole body".into();
    put.headers
        .insert("content-type", "text/plain".parse().unwrap());
    let response = soon(send(&config(), &server.url(), put)).await.unwrap();
    assert_eq!(response.body, "done");
    for seen in server.seen() {
        assert_eq!(
            (seen.method.as_str(), seen.target.as_str()),
            ("PUT", "/x?y=1")
        );
        assert_eq!(seen.body, "whole body");
        assert_eq!(seen.header("content-type"), Some("text/plain"));
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_closed_connection_is_tried_again_for_idempotent_methods() {
    for (method, attempts, works) in [(Method::GET, 2, true), (Method::POST, 1, false)] {
        let server = Server::script(vec![Reply::Last(Vec::new()), ok("done")]).await;
        let result = soon(send(&config(), &server.url(), request(method.clone(), "/"))).await;
        assert_eq!(result.is_ok(), works, "{method}: {result:?}");
        assert_eq!(server.seen().len(), attempts, "{method}");
        if let Err(error) = result {
            assert!(
                matches!(error, UpstreamError::Disconnected { .. }),
                "{method}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_for_idempotent_methods() {
    // Bound, so that nobody else gets the port, but not yet listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());

    let error = soon(send(&config(), &base, request(Method::POST, "/")))
        .await
        .expect_err("nobody listens");
    assert!(matches!(error, UpstreamError::Connect { .. }), "{error:?}");

    let mut patient = config();
    patient.retries = Retries {
        max: 20,
        wait_s: seconds(0.1),
    };
    let call = tokio::spawn(async move { send(&patient, &base, get("/")).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let server = Server::on(socket.listen(16).unwrap(), |_, _| ok("up"));
    let response = soon(call).await.unwrap().unwrap();
    assert_eq!(response.body, "up");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let soon_date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
    for (retry_after, least_s) in [("0", 0.0), ("1", 1.0), (soon_date.as_str(), 1.0)] {
        let busy = answer(429, &[("retry-after", retry_after)], "");
        let server = Server::script(vec![busy, ok("done")]).await;
        let started = Instant::now();
        let response = soon(send(&config(), &server.url(), get("/")))
            .await
            .unwrap();
        assert_eq!(response.status, 200, "{retry_after}");
        assert!(
            since(started) >= least_s,
            "{retry_after}: {}",
            since(started)
        );
    }
}

#[tokio::test]
async fn a_wait_past_the_end_of_the_call_is_not_begun() {
    for (retry_after, deadline_s) in [
        (Some("3600"), None),
        (Some("99999999999999999999"), None),
        (Some("Fri, 31 Dec 9999 23:59:59 GMT"), None),
        (Some("7"), Some(5)),
        (None, Some(5)),
    ] {
        let headers: Vec<_> = retry_after
            .map(|after| ("retry-after", after))
            .into_iter()
            .collect();
        let server = Server::script(vec![answer(503, &headers, "come back later")]).await;
        let mut config = config();
        config.retries.wait_s = seconds(20.0);
        let deadline = deadline_s.map(|after| Instant::now() + Duration::from_secs(after));
        let upstream = Upstream::new(&config, &server.url(), Trust::Operator).unwrap();
        let started = Instant::now();
        let response = soon(upstream.send(get("/"), &HeaderMap::new(), deadline))
            .await
            .unwrap();
        assert_eq!(response.status, 503, "{retry_after:?} {deadline_s:?}");
        assert_eq!(
            response.body, "come back later",
            "{retry_after:?} {deadline_s:?}"
        );
        assert_eq!(server.seen().len(), 1, "{retry_after:?} {deadline_s:?}");
        assert!(since(started) < 4.0, "{retry_after:?} {deadline_s:?}");
    }
}
