//! `wharf openapi` as the users of awslabs' server start it: the binary, variables, and a client.

mod harness;

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use self::harness::{Echo, Http, Stdio, started, written};
use crate::process::{Folder, run, text};

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
fn credentials_go_where_they_are_told() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    for (variables, pointer, expected) in [
        (
            &[("AUTH_TYPE", "bearer"), ("AUTH_TOKEN", "t0ken")][..],
            "/headers/authorization",
            "Bearer t0ken",
        ),
        (
            &[
                ("AUTH_TYPE", "BASIC"),
                ("AUTH_USERNAME", "u"),
                ("AUTH_PASSWORD", "p"),
            ],
            "/headers/authorization",
            "Basic dTpw",
        ),
        (
            &[("AUTH_TYPE", "api_key"), ("AUTH_API_KEY", "k")],
            "/headers/api_key",
            "k",
        ),
        (
            &[
                ("AUTH_TYPE", "api_key"),
                ("AUTH_API_KEY", "k"),
                ("AUTH_API_KEY_NAME", "X-Key"),
            ],
            "/headers/x-key",
            "k",
        ),
        (
            &[
                ("AUTH_TYPE", "api_key"),
                ("AUTH_API_KEY", "k"),
                ("AUTH_API_KEY_IN", "query"),
            ],
            "/target",
            "/pets/1?api_key=k",
        ),
        (
            &[
                ("AUTH_TYPE", "api_key"),
                ("AUTH_API_KEY", "k"),
                ("AUTH_API_KEY_IN", "cookie"),
            ],
            "/headers/cookie",
            "api_key=k",
        ),
        (
            &[("AUTH_TYPE", "none"), ("AUTH_TOKEN", "t")],
            "/headers/authorization",
            "",
        ),
    ] {
        let mut all = vec![
            ("API_SPEC_PATH", document.as_str()),
            ("API_BASE_URL", echo.url.as_str()),
        ];
        all.extend(variables);
        let mut server = Stdio::start(&[], &all);
        let result = server.call("getPet", &json!({"petId": 1}));
        let seen = result["structuredContent"]
            .pointer(pointer)
            .and_then(Value::as_str);
        assert_eq!(
            seen.unwrap_or_default(),
            expected,
            "{variables:?}: {result}"
        );
    }
}

#[test]
fn errors_keep_their_skeletons() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (url, pet, expected) in [
        (
            &echo.url,
            404,
            r#"Error calling tool 'getPet': HTTP error 404: Not Found - {"detail":null}"#,
        ),
        (
            &echo.url,
            500,
            "Error calling tool 'getPet': HTTP error 500: Internal Server Error - <b>no</b>",
        ),
        (
            &echo.url,
            503,
            "Error calling tool 'getPet': HTTP error 503: Service Unavailable\nRetry-After: 7",
        ),
        (
            &closed,
            1,
            "Error calling tool 'getPet': Request error (ConnectError): ",
        ),
        (
            &silent_url,
            1,
            "Error calling tool 'getPet': HTTP request timed out (ReadTimeout)",
        ),
    ] {
        let mut server = Stdio::start(
            &[],
            &[
                ("API_SPEC_PATH", &document),
                ("API_BASE_URL", url),
                ("HTTP_TIMEOUT", "1"),
                ("USE_TENACITY", "false"),
            ],
        );
        let result = server.call("getPet", &json!({"petId": pet}));
        assert_eq!(result["isError"], true, "{result}");
        assert_eq!(result["content"].as_array().unwrap().len(), 1, "{result}");
        let said = result["content"][0]["text"].as_str().unwrap();
        assert!(said.starts_with(expected), "{pet}: {said}");
        assert!(!said.contains("127.0.0.1"), "{said}");
    }
    drop(silent);
}

#[test]
fn results_are_judged_only_where_somebody_asks() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    for (line, value, is_listed) in [
        ("", None, false),
        ("", Some("false"), false),
        ("--no-validate-output", Some("true"), false),
        ("", Some("true"), true),
    ] {
        let arguments: Vec<_> = line.split_whitespace().collect();
        let mut variables = vec![
            ("API_SPEC_PATH", document.as_str()),
            ("API_BASE_URL", echo.url.as_str()),
        ];
        variables.extend(value.map(|value| ("VALIDATE_OUTPUT", value)));
        let mut server = Stdio::start(&arguments, &variables);
        let tools = server.ask("tools/list", &json!({}));
        let schema = tools["tools"][4]["outputSchema"].to_string();
        assert_eq!(
            schema.contains("never"),
            is_listed,
            "{line} {value:?}: {schema}"
        );
        // What is promised there never comes.
        let found = server.call("findPets", &json!({}));
        assert_eq!(
            found["isError"],
            json!(is_listed),
            "{line} {value:?}: {found}"
        );
    }
}

#[test]
fn prompts_say_what_the_client_gives() {
    let folder = Folder::new();
    let document = written(&folder);
    let mut server = Stdio::start(&[], &[("API_SPEC_PATH", &document)]);
    let listed = server.ask("prompts/list", &json!({}));
    let listed = listed["prompts"].as_array().unwrap();
    let names: Vec<_> = listed
        .iter()
        .map(|prompt| prompt["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "listPets",
            "create-pet",
            "getPet",
            "updatePet",
            "findPets",
            "pets_list_get_update",
            "pets_search_create"
        ],
        "by raw id; the one without has none"
    );
    assert_eq!(listed[0]["description"], "List pets");
    assert_eq!(
        listed[0]["arguments"],
        json!([
            {"name": "limit", "description": "How many. Default: 20", "required": false},
            {"name": "kind", "description": "Allowed values: (cat, dog)", "required": false},
        ])
    );
    assert_eq!(
        listed[0]["_meta"]["fastmcp"],
        json!({"tags": ["pets", "read"]})
    );

    let filled = server.ask(
        "prompts/get",
        &json!({"name": "getPet", "arguments": {"petId": "7"}}),
    );
    let said = filled["messages"][0]["content"]["text"].as_str().unwrap();
    for part in [
        "# getPet",
        "**GET** `/pets/{petId}`",
        "**Authentication:** key (apiKey)",
        "`petId`* (integer): Whose. Given: `7`",
        "- 200: One pet",
        "- 404: No such pet",
        "\"petId\": 7",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let body = server.ask(
        "prompts/get",
        &json!({"name": "create-pet", "arguments": {"name": "7", "kind": "dog"}}),
    );
    let said = body["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(
        said.contains("\"name\": \"7\"") && said.contains("call the tool `create_pet`"),
        "{said}"
    );
    let missing = server.answer("prompts/get", &json!({"name": "getPet", "arguments": {}}));
    assert!(
        missing["error"]["message"]
            .as_str()
            .unwrap()
            .contains("petId"),
        "{missing}"
    );
    let workflow = server.ask("prompts/get", &json!({"name": "pets_list_get_update"}));
    let said = workflow["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(
        said.contains("`listPets`") && said.contains("`updatePet`"),
        "{said}"
    );

    let mut quiet = Stdio::start(
        &[],
        &[
            ("API_SPEC_PATH", &document),
            ("ENABLE_OPERATION_PROMPTS", "false"),
        ],
    );
    assert!(
        quiet.answer("prompts/list", &json!({}))["result"]["prompts"]
            .as_array()
            .is_none_or(Vec::is_empty)
    );
}

#[test]
fn tags_choose_tools_and_prompts() {
    let folder = Folder::new();
    let document = written(&folder);
    for (include, exclude, tools, prompts) in [
        (
            "",
            "write",
            "listPets getPet findPets DELETE_toystoyId",
            "listPets getPet findPets",
        ),
        (
            "pets",
            "",
            "listPets create_pet getPet updatePet findPets",
            "listPets create-pet getPet updatePet findPets pets_list_get_update pets_search_create",
        ),
        (
            "pets , toys",
            "read",
            "create_pet updatePet DELETE_toystoyId",
            "create-pet updatePet",
        ),
        ("nothing", "", "", ""),
    ] {
        let mut server = Stdio::start(
            &[],
            &[
                ("API_SPEC_PATH", &document),
                ("INCLUDE_TAGS", include),
                ("EXCLUDE_TAGS", exclude),
            ],
        );
        assert_eq!(
            server.names("tools").join(" "),
            tools,
            "{include} {exclude}"
        );
        assert_eq!(
            server.names("prompts").join(" "),
            prompts,
            "{include} {exclude}"
        );
    }
}

#[test]
fn additional_documents_stand_alone() {
    let folder = Folder::new();
    let document = written(&folder);
    let (main, other) = (Echo::start(), Echo::start());
    let second = folder.write("second.yaml", "openapi: 3.0.0\ninfo: {title: Second}\npaths:\n  /pets/{petId}:\n    get: {operationId: getPet, parameters: [{name: petId, in: path, required: true, schema: {type: integer}}], responses: {}}\n  /stars:\n    get: {operationId: listStars, responses: {'200': {description: OK, content: {application/json: {schema: {type: object}}}}}}\n");
    let text_file = folder.write("second.txt", "{}");
    let specs = json!([
        {"name": "second", "base_url": other.url, "spec_path": second, "auth_type": "api_key", "auth_api_key": "other", "auth_api_key_in": "header"},
        {"name": "no base", "spec_path": second},
        {"name": "gone", "base_url": other.url, "spec_path": "gone.yaml"},
        {"name": "text", "base_url": other.url, "spec_path": text_file},
        {"name": "no key", "base_url": other.url, "spec_path": second, "auth_type": "bearer"},
        "no object",
    ]).to_string();
    let common = [
        ("API_SPEC_PATH", document.as_str()),
        ("API_BASE_URL", main.url.as_str()),
        ("AUTH_TYPE", "bearer"),
        ("AUTH_TOKEN", "main"),
        ("ADDITIONAL_SPECS", specs.as_str()),
        ("ALLOW_INSECURE_HTTP", "true"),
    ];
    let mut all = common.to_vec();
    all.push(("ALLOW_PRIVATE_NETWORKS", "1"));
    let mut server = Stdio::start(&[], &all);
    let names = server.names("tools");
    assert_eq!(names.last().unwrap(), "listStars", "{names:?}");
    assert_eq!(
        names.iter().filter(|name| *name == "getPet").count(),
        1,
        "the earlier name wins: {names:?}"
    );
    assert!(!server.names("prompts").contains(&"listStars".to_owned()));

    let star = server.call("listStars", &json!({}));
    let headers = &star["structuredContent"]["headers"];
    assert_eq!(headers["x-api-key"], "other", "{star}");
    assert!(
        headers["authorization"].is_null(),
        "nothing of the main document's goes along: {star}"
    );
    let pet = server.call("getPet", &json!({"petId": 1}));
    assert_eq!(
        pet["structuredContent"]["headers"]["authorization"], "Bearer main",
        "{pet}"
    );
    assert!(main.count() == 1 && other.count() == 1);
    let said = server.stderr();
    for part in [
        "`no base` is skipped: `base_url` is missing",
        "`gone` is skipped",
        "`text` is skipped: `spec_path` must end",
        "`no key` is skipped: `auth_token` is missing",
        "it is no object",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("\"other\""), "no key in the log: {said}");

    // Without leave for private networks the entry's own address is out of reach, the main one's is not.
    let mut guarded = Stdio::start(&[], &common);
    assert!(!guarded.names("tools").contains(&"listStars".to_owned()));
    assert_eq!(
        guarded.call("getPet", &json!({"petId": 1}))["isError"],
        json!(false)
    );

    for (specs, expected) in [("{", "is not JSON"), ("{}", "is no JSON array")] {
        let mut server = Stdio::start(
            &[],
            &[("API_SPEC_PATH", &document), ("ADDITIONAL_SPECS", specs)],
        );
        assert_eq!(server.names("tools").len(), 6, "{specs}");
        assert!(server.stderr().contains(expected), "{specs}");
    }
}

#[test]
fn a_document_from_a_url_needs_leave_for_what_is_no_public_https() {
    let api = crate::process::Api::answering(
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
fn metrics_count_on_a_port_of_their_own() {
    let folder = Folder::new();
    let document = written(&folder);
    let echo = Echo::start();
    let mut server = Stdio::start(
        &[],
        &[
            ("API_SPEC_PATH", &document),
            ("API_BASE_URL", &echo.url),
            ("ENABLE_PROMETHEUS", "true"),
            ("PROMETHEUS_PORT", "0"),
        ],
    );
    server.call("getPet", &json!({"petId": 1}));
    server.call("getPet", &json!({"petId": 404}));
    let line = server.wait_for("metrics are at ");
    let port = line
        .split("http://0.0.0.0:")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let page = harness::get(&format!("127.0.0.1:{port}"), "/metrics");
    assert!(page.contains("text/plain; version=0.0.4"), "{page}");
    for expected in [
        r#"mcp_api_requests_total{method="GET",path="/pets/{petId}",status="200"} 1"#,
        r#"mcp_api_requests_total{method="GET",path="/pets/{petId}",status="404"} 1"#,
        r#"mcp_api_errors_total{method="GET",path="/pets/{petId}"} 1"#,
        r#"mcp_api_request_duration_seconds_count{method="GET",path="/pets/{petId}"} 2"#,
        r#"mcp_tool_calls_total{tool="getPet",status="success"} 1"#,
        r#"mcp_tool_calls_total{tool="getPet",status="error"} 1"#,
        r#"mcp_tool_errors_total{tool="getPet"} 1"#,
        r#"mcp_tool_duration_seconds_count{tool="getPet"} 2"#,
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(harness::get(&format!("127.0.0.1:{port}"), "/").contains("404"));
}

#[test]
fn the_message_timeout_ends_a_call() {
    let folder = Folder::new();
    let document = written(&folder);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let started = std::time::Instant::now();
    let mut server = Stdio::start(
        &[],
        &[
            ("API_SPEC_PATH", &document),
            ("API_BASE_URL", &url),
            ("SERVER_MESSAGE_TIMEOUT", "1"),
        ],
    );
    let answer = server.answer(
        "tools/call",
        &json!({"name": "getPet", "arguments": {"petId": 1}}),
    );
    assert!(
        answer["result"]["isError"] == true || answer["error"].is_object(),
        "{answer}"
    );
    // Far below the 30 s that the upstream would be waited for otherwise.
    assert!(started.elapsed() < Duration::from_secs(20), "{answer}");
}
