//! What flags and variables come to, as tables.

use wharf_config::Environment;

use super::*;
use crate::openapi_compat::{Typed, read};

/// The settings by flags and variables, each separated by spaces; a document is always named.
fn settings(line: &str, variables: &str) -> Result<Settings, Failure> {
    let (given, environment) = inputs(line, variables);
    Settings::read(&given, &environment)
}

fn inputs(line: &str, variables: &str) -> (Given, Environment) {
    let arguments: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
    let Ok(Typed::Serve(given)) = read(&arguments) else {
        panic!("{line}");
    };
    let variables = variables
        .split_whitespace()
        .map(|variable| variable.split_once('=').expect("NAME=VALUE"));
    let document = [("API_SPEC_PATH", "api.json")];
    (
        given,
        Environment::of(document.into_iter().chain(variables)),
    )
}

/// Whatever this machine is, the host is the one of a machine that is no container.
fn is_container() -> bool {
    CONTAINER_FILES.iter().any(|file| Path::new(file).exists())
}

type Check = fn(&Settings) -> bool;

#[test]
fn where_it_listens() {
    for (line, variables, transport, http) in [
        ("", "", Transport::Stdio, "127.0.0.1:8000"),
        (
            "",
            "SERVER_TRANSPORT=sse SERVER_HOST=127.0.0.2 SERVER_PORT=9",
            Transport::Sse,
            "127.0.0.2:9",
        ),
        (
            "",
            "SERVER_TRANSPORT=stdio TRANSPORT=streamable-http SERVER_HOST=h",
            Transport::Http,
            "h:8000",
        ),
        (
            "--transport http --host ::1 --port 1",
            "TRANSPORT=stdio SERVER_PORT=2",
            Transport::Http,
            "[::1]:1",
        ),
        (
            "",
            "FASTMCP_TRANSPORT=http FASTMCP_HOST=a FASTMCP_PORT=7",
            Transport::Http,
            "a:7",
        ),
        (
            "",
            "SERVER_TRANSPORT=stdio FASTMCP_TRANSPORT=http FASTMCP_HOST=a",
            Transport::Stdio,
            "a:8000",
        ),
        (
            "",
            "SERVER_TRANSPORT=http KUBERNETES_SERVICE_HOST=10.0.0.1",
            Transport::Http,
            "0.0.0.0:8000",
        ),
        (
            "",
            "SERVER_TRANSPORT=http KUBERNETES_SERVICE_HOST=1 SERVER_HOST=127.0.0.1",
            Transport::Http,
            "127.0.0.1:8000",
        ),
        (
            "",
            "KUBERNETES_SERVICE_HOST=10.0.0.1",
            Transport::Stdio,
            "127.0.0.1:8000",
        ),
    ] {
        let settings = settings(line, variables).expect(variables);
        assert_eq!(settings.transport, transport, "{line} {variables}");
        assert_eq!(settings.http, http, "{line} {variables}");
    }
}

#[test]
fn who_may_ask_and_with_which_session() {
    for (variables, hosts, sessions) in [
        ("TRANSPORT=http SERVER_HOST=127.0.0.1", "", false),
        ("TRANSPORT=http SERVER_HOST=localhost", "", false),
        ("TRANSPORT=http SERVER_HOST=0.0.0.0", "*", false),
        (
            "TRANSPORT=http SERVER_HOST=0.0.0.0 FASTMCP_HTTP_ALLOWED_HOSTS=a,b",
            "a,b",
            false,
        ),
        (
            "TRANSPORT=http SERVER_HOST=0.0.0.0 FASTMCP_HTTP_ALLOWED_HOSTS=[\"a\"]",
            "a",
            false,
        ),
        (
            "TRANSPORT=http SERVER_HOST=127.0.0.1 STATELESS_HTTP=false",
            "",
            true,
        ),
        ("FASTMCP_TRANSPORT=http FASTMCP_HOST=127.0.0.1", "", true),
        (
            "FASTMCP_TRANSPORT=http FASTMCP_HOST=127.0.0.1 FASTMCP_STATELESS_HTTP=true",
            "",
            false,
        ),
    ] {
        let settings = settings("", variables).expect(variables);
        assert_eq!(settings.allowed_hosts.join(","), hosts, "{variables}");
        assert_eq!(settings.sessions, sessions, "{variables}");
    }
    if !is_container() {
        let settings = settings("", "TRANSPORT=http").expect("a transport");
        assert_eq!(settings.http, "127.0.0.1:8000");
    }
}

#[test]
fn numbers_switches_and_their_defaults() {
    let plain = settings("", "").expect("the defaults");
    assert_eq!(plain.api_name, "awslabs-openapi-mcp-server");
    assert_eq!(plain.api_url, "https://localhost:8000");
    assert_eq!(plain.mcp_path, "/mcp");
    assert_eq!(plain.connections_max, 100);
    assert_eq!((plain.call_timeout_s, plain.shutdown_grace_s), (None, None));
    assert_eq!((plain.metrics, plain.http_timeout), (None, None));
    assert!(plain.prompts && plain.retries && !plain.full_outputs);
    assert!(!plain.allow_insecure_http && !plain.allow_private_networks);
    assert!(plain.warnings.is_empty(), "{:?}", plain.warnings);

    let rows: [(&str, &str, Check); 24] = [
        ("", "ENABLE_PROMETHEUS=true", |s| {
            s.metrics.as_deref() == Some("0.0.0.0:9090")
        }),
        ("", "ENABLE_PROMETHEUS=1 PROMETHEUS_PORT=0", |s| {
            s.metrics.as_deref() == Some("0.0.0.0:0")
        }),
        ("", "ENABLE_PROMETHEUS=false", |s| s.metrics.is_none()),
        ("", "ENABLE_OPERATION_PROMPTS=False", |s| !s.prompts),
        ("", "ENABLE_OPERATION_PROMPTS=true", |s| s.prompts),
        ("", "VALIDATE_OUTPUT=true", |s| s.full_outputs),
        ("", "VALIDATE_OUTPUT=0", |s| s.full_outputs),
        ("", "VALIDATE_OUTPUT=False", |s| !s.full_outputs),
        ("--no-validate-output", "VALIDATE_OUTPUT=true", |s| {
            !s.full_outputs
        }),
        ("", "ALLOW_INSECURE_HTTP=yes", |s| s.allow_insecure_http),
        ("", "ALLOW_INSECURE_HTTP=no", |s| !s.allow_insecure_http),
        ("--allow-insecure-http", "ALLOW_INSECURE_HTTP=no", |s| {
            s.allow_insecure_http
        }),
        ("", "ALLOW_PRIVATE_NETWORKS=1", |s| s.allow_private_networks),
        ("", "SERVER_MESSAGE_TIMEOUT=90", |s| {
            s.call_timeout_s == Some(90)
        }),
        ("", "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=7", |s| {
            s.shutdown_grace_s == Some(7)
        }),
        (
            "",
            "UVICORN_GRACEFUL_SHUTDOWN=false UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=7",
            |s| s.shutdown_grace_s == Some(0),
        ),
        ("", "HTTP_TIMEOUT=2.5", |s| {
            s.http_timeout.map(f64::from) == Some(2.5)
        }),
        ("", "HTTP_MAX_CONNECTIONS=3", |s| s.connections_max == 3),
        ("", "USE_TENACITY=false", |s| !s.retries),
        ("", "INCLUDE_TAGS=a,b EXCLUDE_TAGS=", |s| {
            s.include_tags == ["a", "b"] && s.exclude_tags.is_empty()
        }),
        ("--include-tags c", "INCLUDE_TAGS=a", |s| {
            s.include_tags == ["c"]
        }),
        ("--mcp-path x", "MCP_PATH=/y", |s| s.mcp_path == "/x"),
        ("", "API_NAME= SERVER_NAME=", |s| {
            s.api_name.is_empty() && s.server_name.is_none()
        }),
        ("", "API_BASE_URL=https://a.example/v1?x=1", |s| {
            s.api_url == "https://a.example/v1"
        }),
    ];
    for (line, variables, check) in rows {
        let settings = settings(line, variables).expect(variables);
        assert!(check(&settings), "{line} {variables}: {settings:?}");
    }
}

#[test]
fn a_url_goes_before_a_path_and_a_flag_before_both_its_variables() {
    for (line, variables, expected) in [
        ("", "", Document::File("api.json".into())),
        ("", "API_SPEC_URL=", Document::File("api.json".into())),
        (
            "",
            "API_SPEC_URL=https://a.example",
            Document::Url("https://a.example".into()),
        ),
        (
            "--spec-url https://b.example",
            "API_SPEC_URL=https://a.example",
            Document::Url("https://b.example".into()),
        ),
        (
            "--spec-path b.json",
            "API_SPEC_URL=https://a.example",
            Document::Url("https://a.example".into()),
        ),
        ("--spec-path b.json", "", Document::File("b.json".into())),
    ] {
        assert_eq!(
            settings(line, variables).expect(variables).document,
            expected,
            "{line} {variables}"
        );
    }
}

#[test]
fn what_cannot_be_started_with_is_refused_by_name() {
    for (variables, expected) in [
        ("API_BASE_URL=", "API's address is empty"),
        ("API_SPEC_PATH=", "no OpenAPI document"),
        (
            "SERVER_PORT=eight",
            "`SERVER_PORT` is `eight`, which is no port",
        ),
        ("SERVER_PORT=", "`SERVER_PORT` is ``"),
        ("SERVER_PORT=70000", "`SERVER_PORT`"),
        (
            "SERVER_TRANSPORT=pigeon",
            "`SERVER_TRANSPORT` is `pigeon`, which is no transport",
        ),
        ("SERVER_MESSAGE_TIMEOUT=soon", "`SERVER_MESSAGE_TIMEOUT`"),
        ("SERVER_MESSAGE_TIMEOUT=0", "`SERVER_MESSAGE_TIMEOUT` is 0"),
        ("HTTP_TIMEOUT=-1", "`HTTP_TIMEOUT` is `-1`"),
        ("HTTP_MAX_CONNECTIONS=0", "`HTTP_MAX_CONNECTIONS` is 0"),
        (
            "ENABLE_PROMETHEUS=true PROMETHEUS_PORT=x",
            "`PROMETHEUS_PORT`",
        ),
    ] {
        let error = settings("", variables).expect_err(variables).to_string();
        assert!(error.contains(expected), "{variables}: {error}");
        assert!(error.starts_with("error: "), "{error}");
    }
}

#[test]
fn how_much_is_logged() {
    for (line, variables, expected) in [
        ("", "", Log::Info),
        ("", "LOG_LEVEL=debug", Log::Debug),
        ("--log-level WARNING", "LOG_LEVEL=DEBUG", Log::Warn),
        ("--log-level CRITICAL", "SERVER_DEBUG=true", Log::Error),
        ("", "LOG_LEVEL=", Log::Info),
        ("", "LOG_LEVEL=loud FASTMCP_LOG_LEVEL=ERROR", Log::Error),
        ("", "SERVER_DEBUG=true", Log::Debug),
        ("", "SERVER_DEBUG=true LOG_LEVEL=ERROR", Log::Error),
        ("--debug", "LOG_LEVEL=ERROR", Log::Debug),
    ] {
        let (given, environment) = inputs(line, variables);
        assert_eq!(
            log_level_of(&given, &environment),
            expected,
            "{line} {variables}"
        );
    }
}
