//! Pages of the demo's API, gathered as a user would configure it.

use serde_json::Value;

use crate::petstore::PetStore;
use crate::process::{Folder, run, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_demo_are_gathered_both_ways() {
    let store = PetStore::start().await;
    let url = format!("http://{}", store.address);
    let folder = Folder::new();
    folder.write("petstore.yaml", &wharf_petstore::document(&url));
    let list = |results: &str, arguments: &[&str]| -> (Value, String) {
        let config = folder.write(
            "wharf.yaml",
            &format!(
                "sources:\n  pets:\n    openapi: petstore.yaml\n    upstream: {{base_url: '{url}'}}\n    results: {results}\n"
            ),
        );
        let mut line = vec!["call", "listPets", "--config", &config];
        line.extend(arguments);
        let called = run(&line);
        let said = text(&called.stdout);
        assert!(called.status.success(), "{said}{}", text(&called.stderr));
        let mut values = serde_json::Deserializer::from_str(&said).into_iter();
        let first = values.next().unwrap().unwrap();
        (first, said)
    };
    let ids = |answer: &Value| -> Vec<u64> {
        let pets = answer["pets"].as_array().unwrap();
        pets.iter().map(|pet| pet["id"].as_u64().unwrap()).collect()
    };
    let (whole, _) = list("{}", &["limit=50"]);
    let all = ids(&whole);
    assert!(all.len() > 10, "{all:?}");
    let (first, _) = list("{}", &["limit=3"]);
    assert_eq!(ids(&first), all[..3]);

    let cursor = "next: {cursor: {at: /next_cursor, argument: cursor}}";
    for next in ["next: link", cursor] {
        let (gathered, said) = list(
            &format!("{{pages: {{listPets: {{{next}}}}}}}"),
            &["limit=3"],
        );
        assert_eq!(ids(&gathered), all, "{next}");
        assert_eq!(gathered["next_cursor"], Value::Null, "{next}");
        assert!(
            said.contains("the last one is among them"),
            "{next}: {said}"
        );

        let two = format!("{{pages: {{'*': {{{next}, join: [/pets], max: 2}}}}}}");
        let (gathered, said) = list(&two, &["limit=3"]);
        assert_eq!(ids(&gathered), all[..6], "{next}");
        // What the note says to do leads on.
        let (_, way) = said
            .split_once("for the next one call again with ")
            .unwrap();
        let (argument, rest) = way.split_once(": \"").unwrap();
        let (value, _) = rest.split_once('"').unwrap();
        let argument = format!("{}={value}", argument.trim_matches('`'));
        let (further, _) = list(&two, &["limit=3", &argument]);
        assert_eq!(ids(&further), all[6..12], "{next}: {argument}");
    }

    // A filter sees all pages.
    let (count, _) = list(
        "{pages: {listPets: {next: link}}, project: {listPets: '.pets | length'}}",
        &["limit=3"],
    );
    assert_eq!(count, serde_json::json!(all.len()));
}

#[test]
fn pages_that_cannot_be_gathered_are_told_with_their_line() {
    let folder = Folder::new();
    folder.write(
        "petstore.yaml",
        &wharf_petstore::document("http://127.0.0.1:9"),
    );
    for (pages, line, expected) in [
        (
            "        listPet: {next: link}\n",
            7,
            "did you mean `listPets`?",
        ),
        (
            "        createPet: {next: link}\n",
            7,
            "`link` is for operations of GET",
        ),
        (
            "        listPets:\n          next:\n            cursor: {at: /next_cursor,\n              argument: curser}\n",
            10,
            "did you mean `cursor`?",
        ),
        (
            "        listPets: {next: link, join: [pets]}\n",
            7,
            "`pets` is no JSON pointer",
        ),
        ("        listPets: {next: links}\n", 7, "`link`"),
        ("        listPets: {next: link, max: 0}\n", 7, "max"),
    ] {
        let config = folder.write(
            "wharf.yaml",
            &format!(
                "sources:\n  pets:\n    openapi: petstore.yaml\n    upstream: {{base_url: 'http://127.0.0.1:9'}}\n    results:\n      pages:\n{pages}"
            ),
        );
        let checked = run(&["check", "--config", &config]);
        let said = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(1), "{pages}{said}");
        assert!(
            said.contains(&format!("{config}:{line}: ")),
            "{pages}{said}"
        );
        assert!(said.contains(expected), "{pages}{said}");
    }
}
