//! What is offered: prompts, tags, additional documents.

use serde_json::json;

use super::harness::{Echo, Stdio, written};
use crate::process::Folder;

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
