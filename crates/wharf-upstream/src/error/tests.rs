use http::StatusCode;

use super::*;

/// One of each, so that the texts can be read side by side.
#[test]
fn errors_as_people_read_them() {
    let origin = || "https://api.example.com".to_owned();
    let url = || "https://api.example.com/openapi.json".to_owned();
    let io = |text| Arc::new(io::Error::other(text));
    let timeout = |stage, limit, milliseconds| UpstreamError::Timeout {
        origin: origin(),
        stage,
        limit,
        after: Duration::from_millis(milliseconds),
    };
    let shown: Vec<_> = [
        UpstreamError::Url {
            url: "api.example.com".to_owned(),
            reason: "does not begin with `https://` or `http://`",
        },
        UpstreamError::Target {
            origin: origin(),
            reason: "has a path segment `.` or `..`",
        },
        UpstreamError::Header {
            name: "host".to_owned(),
            reason: "belongs to the connection and cannot be set",
        },
        UpstreamError::Credentials {
            part: "token",
            reason: "has characters that no header can hold",
        },
        UpstreamError::Proxy {
            proxy: "socks5://proxy.example.com:1080".to_owned(),
            reason: "is no address of a proxy over plain HTTP",
        },
        UpstreamError::AwsProfile {
            profile: "pets".to_owned(),
            reason: "takes on a role, and has no keys for that".to_owned(),
        },
        UpstreamError::UnknownScheme {
            scheme: "petkey".to_owned(),
            nearest: Some("petKey".to_owned()),
        },
        UpstreamError::UnknownScheme {
            scheme: "xyz".to_owned(),
            nearest: None,
        },
        UpstreamError::Setting {
            keys: vec!["schemes".to_owned(), "petKey".to_owned()],
            source: Arc::new(UpstreamError::Credentials {
                part: "name",
                reason: "is empty",
            }),
        },
        UpstreamError::Token {
            issuer: "https://login.example.com".to_owned(),
            reason: "it answered `invalid_client` with status 401".to_owned(),
        },
        UpstreamError::TokenRequest {
            issuer: "https://login.example.com".to_owned(),
            source: Arc::new(UpstreamError::Resolve {
                host: "login.example.com".to_owned(),
                source: io("name unknown"),
            }),
        },
        UpstreamError::ClientCertificate {
            part: "key_pem",
            reason: "holds no key".to_owned(),
        },
        UpstreamError::Zero {
            key: "connections_max",
        },
        UpstreamError::CaPem {
            reason: "there is none in it".to_owned(),
        },
        UpstreamError::Refused {
            host: "api.example.com".to_owned(),
            address: [10, 0, 0, 1].into(),
            range: "a private address (RFC 1918)",
        },
        UpstreamError::Resolve {
            host: "api.example.com".to_owned(),
            source: io("name unknown"),
        },
        UpstreamError::Connect {
            origin: origin(),
            source: io("refused"),
        },
        UpstreamError::Crowded {
            origin: origin(),
            waiting_max: 256,
            retry_after: Duration::from_secs(1),
        },
        UpstreamError::LeftAlone {
            origin: origin(),
            retry_after: Duration::from_millis(4_200),
        },
        UpstreamError::Tls {
            origin: origin(),
            source: io("unknown issuer"),
        },
        timeout(Stage::Turn, TimeLimit::Total, 50_000),
        timeout(Stage::Credentials, TimeLimit::Deadline, 2_000),
        timeout(Stage::Connection, TimeLimit::Connect, 5_000),
        timeout(Stage::Answer, TimeLimit::Read, 30_000),
        timeout(Stage::Answer, TimeLimit::Deadline, 1_250),
        timeout(Stage::Body, TimeLimit::Read, 30_000),
        timeout(Stage::Body, TimeLimit::Total, 50_000),
        UpstreamError::TooManyRedirects {
            origin: origin(),
            max: 5,
        },
        UpstreamError::RedirectedAway {
            from: origin(),
            to: "https://files.example.com".to_owned(),
        },
        UpstreamError::Disconnected {
            origin: origin(),
            source: io("reset"),
        },
        UpstreamError::Interrupted {
            origin: origin(),
            received: 4_096,
            source: io("reset"),
        },
        UpstreamError::Protocol {
            origin: origin(),
            source: io("invalid header"),
        },
        UpstreamError::Encoding {
            origin: origin(),
            encoding: "br".to_owned(),
        },
        UpstreamError::Decoding {
            origin: origin(),
            encoding: "gzip",
            source: io("corrupt deflate stream"),
        },
        UpstreamError::Status {
            url: url(),
            status: StatusCode::NOT_FOUND,
        },
        UpstreamError::Status {
            url: url(),
            status: StatusCode::BAD_GATEWAY,
        },
        UpstreamError::TooLarge {
            url: url(),
            max: 64 << 20,
        },
    ]
    .iter()
    .map(|error| {
        let hint = error.hint().map(|hint| format!("hint: {hint}\n"));
        let caller = error.for_caller();
        format!(
            "error: {error}\n{}caller: {caller}\n",
            hint.unwrap_or_default()
        )
    })
    .collect();
    insta::assert_snapshot!(shown.join("\n"));
}
