//! Starting: flags, variables, transports, exit codes.

use serde_json::{Value, json};

use super::harness::{Echo, Http, Stdio, started, written};
use crate::process::{Api, Folder, run, text};

#[test]
fn variables_alone_make_a_server_on_stdio() {
    let folder = Folder::new();
    let echo = Echo::start();
    let mut server = Stdio::start(
        &[],
        &[
            ("API_SPEC_PATH", &written(&folder)),
            ("API_BASE_URL", &format!("{}/v1/?lost=1", echo.url)),
            ("API_NAME", "ignored where the document has a title"),
        ],
    );
    assert_eq!(server.greeting["serverInfo"]["name"], "Pet shop");

    let tools = server.ask("tools/list", &json!({}));
    let tools = tools["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "listPets",
            "create_pet",
            "getPet",
            "updatePet",
            "findPets",
            "DELETE_toystoyId"
        ]
    );
    assert_eq!(
        tools[0]["_meta"],
        json!({"fastmcp": {"tags": ["pets", "read"]}})
    );
    let properties = tools[1]["inputSchema"]["properties"].as_object().unwrap();
    assert!(
        properties.contains_key("name") && properties.contains_key("kind"),
        "the body is flat: {properties:?}"
    );

    let result = server.call("create_pet", &json!({"name": "Rex", "kind": "dog"}));
    assert_eq!(result["isError"], json!(false), "{result}");
    let seen = &result["structuredContent"];
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["target"], "/v1/pets");
    assert_eq!(seen["body"], r#"{"name":"Rex","kind":"dog"}"#);
    let list = server.call("listPets", &json!({}));
    assert_eq!(
        list["structuredContent"],
        json!({"result": [1, 2]}),
        "what is no object is wrapped"
    );
    assert_eq!(server.end(), Some(0), "the end of input is the end");
}

#[test]
fn a_title_an_api_name_and_a_server_name() {
    let folder = Folder::new();
    let titled = written(&folder);
    let untitled = folder.write(
        "untitled.json",
        r#"{"openapi":"3.0.0","info":{},"paths":{"/a":{"get":{"responses":{}}}}}"#,
    );
    for (document, variables, expected) in [
        (&titled, &[][..], "Pet shop"),
        (&titled, &[("API_NAME", "mine")], "Pet shop"),
        (&titled, &[("SERVER_NAME", "mine")], "mine"),
        (&untitled, &[], "awslabs-openapi-mcp-server"),
        (&untitled, &[("API_NAME", "mine")], "mine"),
    ] {
        let mut all = vec![("API_SPEC_PATH", document.as_str())];
        all.extend(variables);
        let server = Stdio::start(&[], &all);
        assert_eq!(
            server.greeting["serverInfo"]["name"], expected,
            "{variables:?}"
        );
    }
}

#[test]
fn http_by_its_own_and_by_the_frameworks_variables() {
    let folder = Folder::new();
    let document = written(&folder);
    for (arguments, variables, path) in [
        (
            &[][..],
            &[
                ("SERVER_TRANSPORT", "streamable-http"),
                ("SERVER_PORT", "0"),
                ("SERVER_HOST", "127.0.0.1"),
            ][..],
            "/mcp",
        ),
        (
            &[],
            &[
                ("FASTMCP_TRANSPORT", "http"),
                ("FASTMCP_PORT", "0"),
                ("FASTMCP_HOST", "127.0.0.1"),
                ("FASTMCP_STREAMABLE_HTTP_PATH", "/x"),
            ],
            "/x",
        ),
        (
            &["--transport", "http", "--port", "0", "--host", "127.0.0.1"],
            &[("SERVER_PORT", "1"), ("MCP_PATH", "/y")],
            "/y",
        ),
        (
            &["openapi", "--transport=sse", "--port=0", "--host=127.0.0.1"],
            &[],
            "/sse",
        ),
    ] {
        let mut all = vec![("API_SPEC_PATH", document.as_str())];
        all.extend(variables);
        let mut server = Http::start(arguments, &all);
        assert!(server.url.ends_with(path), "{}", server.url);
        if path != "/sse" {
            let tools = server.ask("tools/list", json!({}));
            assert_eq!(tools["tools"].as_array().unwrap().len(), 6, "{variables:?}");
        }
        assert!(server.get("/health").contains("200 OK"));
        let detailed = server.get("/health/detailed");
        let body: Value = serde_json::from_str(detailed.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["status"], "ok");
        assert_eq!(body["tools"], 6, "{body}");
        server.signal("TERM");
        assert_eq!(server.exit_code(), Some(0), "{variables:?}");
    }
}

#[test]
fn exit_codes_and_what_is_said() {
    let folder = Folder::new();
    let document = written(&folder);
    let broken = folder.write("broken.json", "{\"openapi\": ");
    let named = ("API_SPEC_PATH", document.as_str());
    for (arguments, variables, code, expected) in [
        (&["openapi"][..], &[][..], 1, "no OpenAPI document is named"),
        (&[], &[named, ("API_BASE_URL", "")], 1, "address is empty"),
        (
            &[],
            &[("API_SPEC_PATH", "nowhere.json")],
            1,
            "cannot read `nowhere.json`",
        ),
        (&[], &[("API_SPEC_PATH", broken.as_str())], 1, "broken.json"),
        (
            &[],
            &[named, ("AUTH_TYPE", "bearer")],
            1,
            "`AUTH_TOKEN` is not set",
        ),
        (&[], &[named, ("SERVER_PORT", "x")], 1, "`SERVER_PORT`"),
        (
            &[],
            &[("API_SPEC_URL", "http://api.example.com/openapi.json")],
            1,
            "is not `https`",
        ),
        (
            &[],
            &[("API_SPEC_URL", "https://127.0.0.1:9/openapi.json")],
            1,
            "127.0.0.1",
        ),
        (
            &["openapi", "--bogus"],
            &[named],
            2,
            "unrecognized arguments: --bogus",
        ),
        (
            &["openapi", "--auth-type", "magic"],
            &[named],
            2,
            "invalid choice: 'magic'",
        ),
        (
            &["openapi", "--log-level", "info"],
            &[named],
            2,
            "invalid choice: 'info'",
        ),
        (&["openapi", "--spec-url"], &[], 2, "expected one argument"),
        (&["--log-level", "loud"], &[named], 2, "invalid choice"),
        (&["openapi", "--help"], &[], 0, "--additional-specs"),
        (&[], &[named, ("AUTH_TYPE", "magic")], 0, "AUTH_TYPE"),
        (&["openapi", "--api-url", ""], &[named], 0, ""),
    ] {
        let output = started(arguments, variables).output().unwrap();
        let said = text(&output.stderr)
            + &if code == 0 {
                text(&output.stdout)
            } else {
                String::new()
            };
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?} {variables:?}: {said}"
        );
        assert!(
            said.contains(expected),
            "{arguments:?} {variables:?}: {said}"
        );
        if code != 0 {
            assert!(
                output.stdout.is_empty(),
                "stdout is the protocol's: {}",
                text(&output.stdout)
            );
        }
    }
    let plain = run(&["openapi", "--h"]);
    assert!(plain.status.success(), "a prefix of --help is --help");
}

#[test]
fn flags_go_before_variables_and_levels_are_kept_to() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    let mut server = Stdio::start(
        &[
            "--api-url",
            &echo.url,
            "--auth-typ=bearer",
            "--auth-token",
            "from-flag",
        ],
        &[
            ("API_SPEC_PATH", &document),
            ("API_BASE_URL", "http://127.0.0.1:9"),
            ("AUTH_TOKEN", "from-variable"),
        ],
    );
    let result = server.call("getPet", &json!({"petId": 1}));
    assert_eq!(
        result["structuredContent"]["headers"]["authorization"], "Bearer from-flag",
        "{result}"
    );

    for (level, says) in [("ERROR", false), ("debug", true)] {
        let output = started(&[], &[("API_SPEC_PATH", &document), ("LOG_LEVEL", level)])
            .output()
            .unwrap();
        assert_eq!(
            text(&output.stderr).contains("everything is read"),
            says,
            "{level}"
        );
    }
}

#[test]
fn a_document_from_a_url_needs_leave_for_what_is_no_public_https() {
    let api = Api::answering(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"openapi\":\"3.0.0\",\"info\":{},\"paths\":{\"/a\":{\"get\":{\"responses\":{}}}}}        ",
    );
    let url = format!("{}/openapi.json", api.url);
    let named = ("API_SPEC_URL", url.as_str());
    for (variables, expected) in [
        (&[named][..], "is not `https`"),
        (
            &[named, ("ALLOW_PRIVATE_NETWORKS", "true")],
            "is not `https`",
        ),
        (&[named, ("ALLOW_INSECURE_HTTP", "true")], "loopback"),
        // A hint names what is set here, not a key of a configuration.
        (
            &[named, ("ALLOW_INSECURE_HTTP", "true")],
            "`ALLOW_PRIVATE_NETWORKS=true`",
        ),
    ] {
        let output = started(&[], variables).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{variables:?}");
        assert!(
            text(&output.stderr).contains(expected),
            "{variables:?}: {}",
            text(&output.stderr)
        );
    }
    let mut server = Stdio::start(
        &[],
        &[
            named,
            ("ALLOW_INSECURE_HTTP", "yes"),
            ("ALLOW_PRIVATE_NETWORKS", "1"),
        ],
    );
    assert_eq!(server.names("tools"), ["GET_a"]);
}

#[test]
fn a_document_of_the_apis_own_origin_is_asked_for_with_its_credentials() {
    let (api, other) = (Echo::start(), Echo::start());
    for (origin, code) in [(&api, 0), (&other, 1)] {
        let output = started(
            &[],
            &[
                ("API_SPEC_URL", &format!("{}/openapi.json", origin.url)),
                ("API_BASE_URL", &format!("{}/v1", api.url)),
                ("AUTH_TYPE", "bearer"),
                ("AUTH_TOKEN", "t"),
                ("ALLOW_INSECURE_HTTP", "true"),
                ("ALLOW_PRIVATE_NETWORKS", "true"),
            ],
        )
        .output()
        .unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(said.contains("status 401"), code == 1, "{said}");
    }
    assert_eq!(other.count(), 1, "another try cannot help");
}
