//! Names and sizes of lists: 36–40, 53, 55 and 56.

use std::fmt::Write as _;

use serde_json::json;

use crate::api::Api;
use crate::offer::{paths, whole};
use crate::process::{Folder, document, run, text};
use crate::stdio::Conversation;

#[tokio::test]
async fn case_37_shared_schemas_and_large_documents() {
    // Each level refers to the next one twice: written out, thirty levels are a thousand million schemas.
    let ladder = |levels: usize| {
        let mut text = String::from("paths:\n");
        for number in 0..20 {
            let _ = writeln!(
                text,
                "  /x{number}: {{post: {{operationId: x{number}, requestBody: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/L0'}}}}}}}}, responses: {{'200': {{description: OK, content: {{application/json: {{schema: {{$ref: '#/components/schemas/L0'}}}}}}}}}}}}}}"
            );
        }
        text += "components:\n  schemas:\n";
        for level in 0..levels {
            let next = level + 1;
            let _ = writeln!(
                text,
                "    L{level}: {{type: object, properties: {{a: {{$ref: '#/components/schemas/L{next}'}}, b: {{$ref: '#/components/schemas/L{next}'}}}}}}"
            );
        }
        let _ = writeln!(
            text,
            "    L{levels}: {{type: object, properties: {{end: {{type: string}}}}}}"
        );
        let offer = paths(&text)
            .tools(|tools| tools.output_schemas = wharf_openapi::OutputSchemas::Full)
            .offer();
        assert_eq!(offer.names().len(), 20);
        let tool = offer.tool("x0");
        tool.input_schema.as_str().len() + tool.output_schema.as_ref().unwrap().as_str().len()
    };
    let (short, long) = (ladder(30), ladder(60));
    assert!(
        long < 3 * short && long < 20_000,
        "{short} bytes, {long} bytes"
    );
    // However much is reachable, one tool's definitions end.
    let endless = ladder(2_000);
    assert!(endless < 300_000, "{endless} bytes");
}

#[tokio::test]
async fn case_38_names_that_are_no_names() {
    let long = "a".repeat(80);
    let mut document = String::from("paths:\n");
    for (number, id) in [
        long.as_str(),
        &long,
        "ペット一覧",
        "2fa",
        "repos/get-content",
        "a b.c--d",
        "_",
        "get_x",
        "get-x",
    ]
    .into_iter()
    .enumerate()
    {
        let _ = writeln!(document, "  /p{number}: {{get: {{operationId: '{id}'}}}}");
    }
    let offer = paths(&document).offer();
    let cut = "a".repeat(56);
    let second = format!("{cut}_2");
    let expected = [
        &cut,
        &second,
        "GET_p2",
        "2fa",
        "reposget_content",
        "a_b_c_d",
        "GET_p6",
        "get_x",
        "get_x_2",
    ];
    assert_eq!(offer.names(), expected);
    for (number, name) in expected.into_iter().enumerate() {
        assert!((1..=64).contains(&name.len()), "{name}");
        assert!(!offer.call(name, json!({})).await.is_error, "{name}");
        let line = &offer.api.requests()[number].line;
        assert_eq!(*line, format!("GET /base/p{number}"), "{name}");
    }
    // An operation that is added behind the others changes no name.
    document += "  /new: {get: {operationId: get.x}}\n";
    assert_eq!(paths(&document).offer().names()[..9], expected);
}

#[tokio::test]
async fn case_39_operations_without_a_name_and_with_the_same_one() {
    let document = r"
paths:
  /pets/{petId}/toys: {get: {}, delete: {}}
  /a: {get: {operationId: list}, put: {operationId: list}}
  /b: {get: {operationId: list_2}, post: {summary: Make one!}}
";
    let offer = paths(document).offer();
    assert_eq!(
        offer.names(),
        [
            "GET_petspetIdtoys",
            "DELETE_petspetIdtoys",
            "list",
            "list_3",
            "list_2",
            "Make_one"
        ]
    );
    assert_eq!(paths(document).offer().names(), offer.names());
    assert!(!offer.call("list_3", json!({})).await.is_error);
    assert_eq!(offer.api.request().line, "PUT /base/a");
}

#[tokio::test]
async fn case_40_ids_with_two_underscores() {
    let document = r"
paths:
  /items/{item_id}: {get: {operationId: read_item_items__item_id__get}}
  /users: {get: {operationId: users__list}, post: {operationId: users__create}}
  /teams: {get: {operationId: teams__list}}
";
    let names = paths(document).offer();
    assert_eq!(
        names.names(),
        ["read_item_items", "users_list", "users_create", "teams"]
    );
}

#[tokio::test]
async fn case_53_hints_by_method_and_by_the_document() {
    let document = r"
paths:
  /x:
    get: {operationId: get}
    put: {operationId: put}
    post: {operationId: post}
    delete: {operationId: delete}
    patch: {operationId: patch}
  /search: {post: {operationId: search, x-mcp-annotations: {readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false}}}
  /partly: {delete: {operationId: partly, x-mcp-annotations: {destructiveHint: false, readOnlyHint: certainly}}}
";
    let offer = paths(document).offer();
    for (tool, read_only, destructive, idempotent, open_world) in [
        ("get", true, Some(false), true, true),
        ("put", false, Some(true), true, true),
        ("post", false, None, false, true),
        ("delete", false, Some(true), true, true),
        ("patch", false, Some(true), false, true),
        ("search", true, Some(false), true, false),
        ("partly", false, Some(false), true, true),
    ] {
        let hints = offer.tool(tool).annotations;
        assert_eq!(hints.read_only, Some(read_only), "{tool}");
        assert_eq!(hints.destructive, destructive, "{tool}");
        assert_eq!(hints.idempotent, Some(idempotent), "{tool}");
        assert_eq!(hints.open_world, Some(open_world), "{tool}");
    }
}

#[test]
fn case_55_the_same_list_at_each_start() {
    let folder = Folder::new();
    let document = include_str!("../../../wharf-openapi/tests/it/documents/schemas-3.1.yaml");
    let file = folder.write("openapi.yaml", document);
    let list = || {
        let arguments = [
            "serve",
            &file,
            "--base-url",
            "http://127.0.0.1:9",
            "--stdio",
        ];
        let mut wharf = Conversation::start(&arguments);
        wharf.initialize();
        wharf.say(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
        wharf.hear()
    };
    let first = list();
    assert!(first.contains("\"tools\":[{"), "{first}");
    for _ in 0..3 {
        assert_eq!(list(), first);
    }
}

#[test]
fn case_56_two_documents_with_one_tool_name() {
    let folder = Folder::new();
    folder.write("cats.json", &document(&["list"]));
    folder.write("dogs.json", &document(&["list"]));
    let source = |name: &str, prefix: &str| {
        format!(
            "  {name}: {{openapi: {name}.json, upstream: {{base_url: 'http://127.0.0.1:9'}}{prefix}}}\n"
        )
    };
    let clash = folder.write(
        "clash.yaml",
        &format!("sources:\n{}{}", source("cats", ""), source("dogs", "")),
    );
    let refused = run(&["tools", "--config", &clash]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    for part in ["`list`", "`cats`", "`dogs`", "prefix"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let prefixed = folder.write(
        "prefixed.yaml",
        &format!(
            "sources:\n{}{}",
            source("cats", ""),
            source("dogs", ", prefix: dogs_")
        ),
    );
    let listed = text(&run(&["tools", "--config", &prefixed, "--json"]).stdout);
    assert!(
        listed.contains(r#""list""#) && listed.contains(r#""dogs_list""#),
        "{listed}"
    );
}

#[test]
fn case_36_thousands_of_operations() {
    let mut document = String::from("openapi: 3.1.0\ninfo: {title: Many, version: '1'}\npaths:\n");
    for number in 0..1_500 {
        let _ = writeln!(
            document,
            "  /r{number}: {{get: {{operationId: op{number}, summary: Read thing {number}, parameters: [{{name: id, in: query, schema: {{type: string}}}}], responses: {{'200': {{description: OK, content: {{application/json: {{schema: {{$ref: '#/components/schemas/Big'}}}}}}}}}}}}}}"
        );
    }
    document += "components: {schemas: {Big: {type: object, properties: {";
    for number in 0..200 {
        let _ = write!(
            document,
            "p{number}: {{type: string, description: A property among many}}, "
        );
    }
    document += "}}}}\n";
    let offer = whole(document.as_str()).offer();
    assert_eq!(offer.names().len(), 1_500);
    // What a result holds is not listed with every tool: the list is a fraction of the schema, 1,500 times.
    let bytes: usize = offer
        .names()
        .into_iter()
        .map(|name| {
            let tool = offer.tool(name);
            tool.input_schema.as_str().len()
                + tool
                    .output_schema
                    .as_ref()
                    .map_or(0, |schema| schema.as_str().len())
        })
        .sum();
    assert!(bytes < 1_500 * 200, "{bytes}");

    // Nor is that list shown: three tools find, describe and call the others, each of which can still be called.
    let api = Api::new();
    let folder = Folder::new();
    let file = folder.write("openapi.yaml", &document);
    let mut wharf = Conversation::start(&["serve", &file, "--base-url", &api.url, "--stdio"]);
    wharf.initialize();
    wharf.say(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
    let list = wharf.hear();
    assert!(list.len() < 8_000, "{} bytes", list.len());
    for tool in ["find_tools", "describe_tools", "call_tool"] {
        assert!(list.contains(&format!(r#""name":"{tool}""#)), "{list}");
    }
    let calls = [
        json!({"name": "find_tools", "arguments": {"query": "read thing 1234"}}),
        json!({"name": "call_tool", "arguments": {"name": "op1234", "arguments": {"id": "a"}}}),
        json!({"name": "op1234", "arguments": {"id": "b"}}),
    ];
    for (id, call) in (2..).zip(calls) {
        wharf.say(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call}));
        let answer = wharf.hear();
        assert!(!answer.contains(r#""isError":true"#), "{call}: {answer}");
        assert!(id > 2 || answer.contains("op1234"), "{answer}");
    }
    let lines: Vec<_> = api
        .requests()
        .into_iter()
        .map(|request| request.line)
        .collect();
    assert_eq!(lines, ["GET /r1234?id=a", "GET /r1234?id=b"]);
}
