//! A list that its owner made: selected, edited, locked, and rendered for a client.

use serde_json::{Value, json};

use crate::process::{Api, Folder, run, text};

/// A small API: reading, writing, a tag each, one schema that some clients do not bear.
fn pets(more: &Value) -> String {
    let mut paths = json!({
        "/pets": {
            "get": {"operationId": "listPets", "tags": ["pets"], "summary": "Lists pets.",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "nullable": true, "exclusiveMinimum": true, "minimum": 0}},
                    {"name": "key", "in": "query", "required": true, "schema": {"type": "string", "format": "uuid"}}],
                "responses": {}},
            "post": {"operationId": "addPet", "tags": ["pets", "admin"], "responses": {}},
        },
        "/orders/{orderId}": {
            "get": {"operationId": "getOrder", "tags": ["store"],
                "parameters": [{"name": "orderId", "in": "path", "required": true, "schema": {"type": "integer"}}],
                "responses": {}},
        },
    });
    for (path, item) in more.as_object().into_iter().flatten() {
        paths[path] = item.clone();
    }
    json!({"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": paths}).to_string()
}

fn configuration(base_url: &str, tools: &str) -> String {
    format!(
        "sources:\n  pets:\n    openapi: api.json\n    upstream: {{base_url: '{base_url}'}}\n    tools: {tools}\n"
    )
}

const NOWHERE: &str = "http://127.0.0.1:9";

fn names(config: &str) -> String {
    let listed = run(&["tools", "--json", "--config", config]);
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    let tools: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let names = tools
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_source_offers_what_is_selected() {
    let folder = Folder::new();
    folder.write("api.json", &pets(&Value::Null));
    for (tools, expected) in [
        ("{}", "listPets addPet getOrder"),
        ("{include: [{tag: pets}]}", "listPets addPet"),
        (
            "{include: [{path: '/orders/*'}, {operation_id: 'list*'}]}",
            "listPets getOrder",
        ),
        (
            "{exclude: [{tag: admin}], descriptions: full}",
            "listPets getOrder",
        ),
        (
            "{read_only: true, edit: {listPets: {name: pets}}}",
            "pets getOrder",
        ),
    ] {
        let config = folder.write("wharf.yaml", &configuration(NOWHERE, tools));
        assert_eq!(names(&config), expected, "{tools}");
    }
}

#[test]
fn what_matches_nothing_is_told_with_what_was_meant() {
    let folder = Folder::new();
    folder.write("api.json", &pets(&Value::Null));
    for (tools, expected) in [
        (
            "{include: [{tag: pest}], exclude: [{operation_id: getOrdr}]}",
            &[
                "source `pets`: `tools.include[0].tag`: nothing matches `pest`",
                "hint: did you mean `pets`?",
                "source `pets`: `tools.exclude[0].operation_id`: nothing matches `getOrdr`",
                "hint: did you mean `getOrder`?",
            ][..],
        ),
        (
            "{edit: {listPets: {arguments: {limitt: {default: 3}}}}}",
            &[
                "tool `listPets` has no argument `limitt`",
                "did you mean `limit`?",
            ],
        ),
        (
            "{edit: {listPets: {arguments: {key: {hidden: true}}}}}",
            &["argument `key` of tool `listPets` is required", "`fixed`"],
        ),
        (
            "{includ: [{tag: pets}]}",
            &[
                "unknown key `sources.pets.tools.includ`",
                "did you mean `include`?",
            ],
        ),
        (
            "{include: [{tagg: pets}]}",
            &["unknown key", "did you mean `tag`?"],
        ),
        (
            "{descriptons: full}",
            &[
                "unknown key `sources.pets.tools.descriptons`",
                "did you mean `descriptions`?",
            ],
        ),
    ] {
        let config = folder.write("wharf.yaml", &configuration(NOWHERE, tools));
        let checked = run(&["check", "--config", &config]);
        let said = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(1), "{tools}: {said}");
        for part in expected {
            assert!(
                said.contains(part),
                "{tools}: `{part}` is missing in: {said}"
            );
        }
    }
}

#[test]
fn an_edit_reaches_the_api() {
    let api = Api::answering(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]",
    );
    let folder = Folder::new();
    folder.write("api.json", &pets(&Value::Null));
    let key = "6f1ed002-ab5c-4b0e-9c5f-0a8a2f0f3a11";
    let tools = format!(
        "{{edit: {{listPets: {{name: pets, description: All of them., arguments: {{key: {{fixed: {key}}}, limit: {{default: 5}}}}}}}}}}"
    );
    let config = folder.write("wharf.yaml", &configuration(&api.url, &tools));
    let listed = run(&["tools", "--json", "--config", &config]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed[0]["name"], "pets");
    assert_eq!(listed[0]["description"], "All of them.");
    let properties = &listed[0]["inputSchema"]["properties"];
    assert!(properties.get("key").is_none(), "{properties}");
    assert_eq!(properties["limit"]["default"], 5);

    let called = run(&["call", "pets", "--config", &config]);
    assert!(called.status.success(), "{}", text(&called.stderr));
    let given = run(&["call", "pets", "key=mine", "--config", &config]);
    assert_eq!(given.status.code(), Some(3));
    assert!(text(&given.stdout).contains("there is no argument `key`"));
}

#[test]
fn a_lock_file_tells_what_a_new_document_changes() {
    let folder = Folder::new();
    folder.write("api.json", &pets(&Value::Null));
    let config = folder.write(
        "wharf.yaml",
        &configuration(NOWHERE, "{exclude: [{tag: store}]}"),
    );
    let check = |more: &[&str]| run(&[&["check", "--config", &config], more].concat());

    assert_eq!(
        check(&[]).status.code(),
        Some(0),
        "there is no lock file to compare with"
    );
    let written = check(&["--write-lock"]);
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    assert!(text(&written.stdout).contains("Wrote 2 tools"));
    let lock = std::fs::read_to_string(folder.path().join("wharf.lock")).unwrap();
    assert!(lock.contains("\"operation\": \"GET /pets\""), "{lock}");
    check(&["--write-lock"]);
    let again = std::fs::read_to_string(folder.path().join("wharf.lock")).unwrap();
    assert_eq!(lock, again, "the same list gives the same file");
    let same = check(&[]);
    assert_eq!(same.status.code(), Some(0));
    assert!(text(&same.stdout).contains("What is offered is what"));

    // A new version of the document: one more of what is left out, one more of what is not, a new description.
    let newer = pets(&json!({
        "/orders": {"get": {"operationId": "listOrders", "tags": ["store"], "responses": {}}},
        "/toys": {"get": {"operationId": "listToys", "tags": ["toys"], "responses": {}}},
    }));
    folder.write("api.json", &newer.replace("Lists pets.", "Lists all pets."));
    let drifted = check(&[]);
    let told = text(&drifted.stdout);
    assert_eq!(drifted.status.code(), Some(4), "{told}");
    assert!(
        told.contains("GET /toys") && told.contains("added"),
        "{told}"
    );
    assert!(told.contains("changed: description"), "{told}");
    assert!(
        !told.contains("listOrders"),
        "the selection survives: {told}"
    );
    let report: Value = serde_json::from_slice(&check(&["--json"]).stdout).unwrap();
    assert_eq!(
        report["lock"]["differences"],
        json!([
            {"tool": "listPets", "operation": "GET /pets", "difference": "changed", "parts": ["description"]},
            {"tool": "listToys", "operation": "GET /toys", "difference": "added"},
        ])
    );

    folder.write("wharf.lock", "{");
    let broken = check(&[]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(
        text(&broken.stderr).contains("--write-lock"),
        "{}",
        text(&broken.stderr)
    );
    assert_eq!(
        check(&["--write-lock"]).status.code(),
        Some(0),
        "what is replaced need not be read"
    );
}

#[test]
fn a_document_alone_is_locked_where_one_says() {
    let folder = Folder::new();
    let file = folder.write("api.json", &pets(&Value::Null));
    let check = |more: &[&str]| run(&[&["check", &file, "--base-url", NOWHERE], more].concat());
    let nowhere = check(&["--write-lock"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(
        text(&nowhere.stderr).contains("`--lock FILE`"),
        "{}",
        text(&nowhere.stderr)
    );
    let lock = folder.path().join("api.lock");
    let lock = lock.to_str().unwrap();
    let missing = check(&["--lock", lock]);
    assert_eq!(missing.status.code(), Some(1), "{}", text(&missing.stdout));
    assert_eq!(
        check(&["--lock", lock, "--write-lock"]).status.code(),
        Some(0)
    );
    assert_eq!(check(&["--lock", lock]).status.code(), Some(0));
}

#[test]
fn a_list_is_judged_and_rendered_for_a_client() {
    let folder = Folder::new();
    folder.write("api.json", &pets(&Value::Null));
    let plain = configuration(NOWHERE, "{}");
    let config = folder.write("plain.yaml", &plain);
    let judged = run(&["check", "--config", &config, "--client", "gemini"]);
    let told = text(&judged.stdout);
    assert_eq!(judged.status.code(), Some(1), "{told}");
    assert!(
        told.contains("listPets") && told.contains("client_profile: gemini"),
        "{told}"
    );
    let clean = run(&["check", "--config", &config, "--client", "claude"]);
    assert_eq!(clean.status.code(), Some(0), "{}", text(&clean.stdout));

    let mut rendered = String::new();
    for mode in ["search", "all"] {
        rendered = folder.write(
            "rendered.yaml",
            &format!("tools_mode: {mode}\nclient_profile: gemini\n{plain}"),
        );
        let judged = run(&[
            "check", "--config", &rendered, "--client", "gemini", "--json",
        ]);
        let report: Value = serde_json::from_slice(&judged.stdout).unwrap();
        assert_eq!(report["clients"]["gemini"], json!([]), "{report:#}");
        assert_eq!(judged.status.code(), Some(0));
    }

    // The rendered list has no word for «more than 0»; the call is still checked against it.
    let called = run(&[
        "call",
        "listPets",
        "--json",
        r#"{"key":"6f1ed002-ab5c-4b0e-9c5f-0a8a2f0f3a11","limit":0}"#,
        "--config",
        &rendered,
    ]);
    assert_eq!(called.status.code(), Some(3), "{}", text(&called.stdout));
    assert!(
        text(&called.stdout).contains("`limit`"),
        "{}",
        text(&called.stdout)
    );

    let unknown = run(&["check", "--config", &config, "--client", "emacs"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        text(&unknown.stderr).contains("`claude`"),
        "{}",
        text(&unknown.stderr)
    );
}

#[test]
fn the_example_of_the_page_loads_and_refuses_unknown_keys() {
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/");
    let read = |file: &str| std::fs::read_to_string(format!("{project}{file}")).unwrap();
    let example = read("examples/choosing-tools.yaml");
    assert!(
        read("choosing-tools.md").contains(&example),
        "docs/choosing-tools.md shows another example"
    );
    let folder = Folder::new();
    folder.write("petstore.yaml", &pets(&Value::Null));
    let config = folder.write("wharf.yaml", &example);
    assert_eq!(names(&config), "list_pets getOrder");

    let planted = wharf_config::plant_unknown_keys(&example);
    assert!(planted.len() > 8, "{planted:#?}");
    for text_with_bogus_key in planted {
        let config = folder.write("planted.yaml", &text_with_bogus_key);
        let checked = run(&["check", "--config", &config]);
        let said = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(1), "{text_with_bogus_key}");
        assert!(
            [
                "unknown key",
                "expected",
                "there is no tool",
                "has no argument"
            ]
            .iter()
            .any(|part| said.contains(part)),
            "{text_with_bogus_key}\n{said}"
        );
    }
}
