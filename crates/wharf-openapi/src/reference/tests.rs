use bytes::Bytes;

use super::*;
use crate::document::FoundFile;

/// The reference `at`, as the document has it.
fn reference<'d>(document: &'d Document, at: &str) -> Slice<'d> {
    document
        .root()
        .get("refs")
        .and_then(|references| references.get(at)?.get("$ref"))
        .unwrap_or_else(|| panic!("the document has `{at}`"))
}

fn document(references: &[&str], rest: &str) -> Document {
    let references: Vec<_> = references
        .iter()
        .map(|reference| format!(r#"{reference:?}:{{"$ref":{reference:?}}}"#))
        .collect();
    let text = format!(
        r#"{{"openapi":"3.1.0","info":{{}},"refs":{{{}}},{rest}}}"#,
        references.join(",")
    );
    Document::read(text).unwrap()
}

#[test]
fn references_lead_to_places() {
    let found = [
        ("#/components/schemas/B", r#"{"type":"string"}"#),
        ("#/components/schemas/A", r#"{"type":"string"}"#),
        ("#/components/schemas/a~0b", "1"),
        ("#/paths/~1a~1%7Bb%7D/get/parameters/0/name", r#""x""#),
        ("#/x/0/0", "2"),
        ("#/x/0", "[2]"),
        ("#named", r#"{"$anchor":"named"}"#),
        (
            "https://own.example/schema",
            r#"{"$id":"https://own.example/schema","$defs":{"In":3}}"#,
        ),
        ("https://own.example/schema#/$defs/In", "3"),
    ];
    let not_found = [
        ("#/components/schemas/L", "refers back to itself"),
        ("other.yaml#/A", "outside of the document"),
        ("http://x/y", "outside of the document"),
        ("#/components/schemas/Pett", "did you mean `Pet`?"),
        ("#/components/schemas/Zebra", "does not define"),
        ("#/x/1", "does not define"),
        ("#/openapi/0", "does not define"),
        ("#anchor", "does not define"),
        ("#/%ff", "does not define"),
    ];
    let all: Vec<_> = found
        .iter()
        .chain(&not_found)
        .map(|(text, _)| *text)
        .collect();
    let document = document(
        &all,
        r##""paths":{"/a/{b}":{"get":{"parameters":[{"name":"x"}]}}},
        "components":{"schemas":{"A":{"$ref":"#/components/schemas/B"},"B":{"type":"string"},"a~b":1,
        "L":{"$ref":"#/components/schemas/M"},"M":{"$ref":"#/components/schemas/L"},"Pet":{},
        "N":{"$anchor":"named"},"O":{"$id":"https://own.example/schema","$defs":{"In":3}}}},"x":[[2]]"##,
    );
    let resolver = Resolver::new(&document);
    for (text, expected) in found {
        let (target, _) = resolver
            .schema(self::reference(&document, text))
            .expect(text);
        assert_eq!(target.as_str(), expected, "{text}");
    }
    for (text, expected) in not_found {
        let error = resolver.schema(self::reference(&document, text));
        let error = error.expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// `#/$defs/X` means the document's root; where that has none, a schema around the reference is meant.
#[test]
fn definitions_are_found_beside_the_reference() {
    let document = document(
        &[],
        r##""paths":{},"components":{"schemas":{
        "A":{"properties":{"x":{"$ref":"#/$defs/X"}},"$defs":{"X":1,"Y":{"$defs":{"X":2,"Z":{"$ref":"#/$defs/X"}}}}},
        "B":{"x":{"$ref":"#/$defs/X"}}}}"##,
    );
    let resolver = Resolver::new(&document);
    for (pointer, expected) in [
        ("/components/schemas/A/properties/x/$ref", Some("1")),
        ("/components/schemas/A/$defs/Y/$defs/Z/$ref", Some("2")),
        ("/components/schemas/B/x/$ref", None),
    ] {
        let reference = document.root().pointer(pointer).expect(pointer);
        let target = resolver
            .schema(reference)
            .map(|(target, _)| target.as_str());
        assert_eq!(target.ok(), expected, "{pointer}");
    }
}

fn file(text: &'static str, address: &str) -> FoundFile {
    FoundFile {
        bytes: Bytes::from_static(text.as_bytes()),
        address: address.to_owned(),
    }
}

#[test]
fn references_are_relative_to_their_file() {
    let references = [
        "models/pet.yaml",
        "models/pet.yaml#/properties/tag",
        "./models/../models/pet.yaml#/properties/tag/items",
        "openapi.json#/info",
        "gone.yaml#/x",
        "broken.json",
    ];
    let mut document = document(&references, r#""paths":{},"Tag":{"type":"string"}"#)
        .located_at("https://a.example/v1/openapi.json");
    let wanted = document.external_references();
    assert_eq!(
        wanted,
        [
            "https://a.example/v1/models/pet.yaml",
            "https://a.example/v1/gone.yaml",
            "https://a.example/v1/broken.json"
        ]
    );
    document.attach([
        (
            wanted[0].clone(),
            Ok(file(
                "properties:\n  tag: {$ref: tag.yaml}\n  owner: {$ref: '#/owner'}\nowner: {type: object}",
                &wanted[0],
            )),
        ),
        (wanted[1].clone(), Err("it answers 404".to_owned())),
        (wanted[2].clone(), Ok(file("{\"a\":", &wanted[2]))),
    ]);
    let wanted = document.external_references();
    assert_eq!(wanted, ["https://a.example/v1/models/tag.yaml"]);
    let tag = r#"{"items":{"$ref":"../openapi.json#/Tag"},"$self":"https://names.example/tag"}"#;
    document.attach([(wanted[0].clone(), Ok(file(tag, &wanted[0])))]);
    assert_eq!(document.external_references(), [""; 0]);
    let resolver = Resolver::new(&document);
    for (text, expected) in [
        ("models/pet.yaml#/properties/tag", Ok(tag)),
        (
            "./models/../models/pet.yaml#/properties/tag/items",
            Err("which the document does not define"),
        ),
        ("openapi.json#/info", Ok("{}")),
        (
            "gone.yaml#/x",
            Err("outside of the document: it answers 404"),
        ),
        (
            "broken.json",
            Err("outside of the document: line 1, column"),
        ),
    ] {
        let found = resolver.schema(reference(&document, text));
        match (found, expected) {
            (Ok((target, _)), Ok(expected)) => assert_eq!(target.as_str(), expected, "{text}"),
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{text}: {error}");
            }
            (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
        }
    }
    let (pet, _) = resolver
        .schema(reference(&document, "models/pet.yaml"))
        .unwrap();
    let owner = pet.pointer("/properties/owner/$ref").unwrap();
    assert_eq!(
        resolver.schema(owner).unwrap().0.as_str(),
        r#"{"type":"object"}"#
    );
    let (tag, _) = resolver
        .schema(reference(&document, "models/pet.yaml#/properties/tag"))
        .unwrap();
    let item = tag.pointer("/items/$ref").unwrap();
    assert_eq!(
        resolver.schema(item).unwrap().0.as_str(),
        r#"{"type":"string"}"#
    );
}

/// A document that names itself is found by that name, and what it refers to beside where it really stands.
#[test]
fn a_document_may_name_itself() {
    let references = ["https://names.example/api/root#/info", "part.yaml"];
    let document = document(
        &references,
        r#""$self":"https://names.example/api/root","paths":{}"#,
    )
    .located_at("file:///here/openapi.json");
    assert_eq!(document.external_references(), ["file:///here/part.yaml"]);
    let resolver = Resolver::new(&document);
    let (info, _) = resolver
        .schema(reference(&document, references[0]))
        .unwrap();
    assert_eq!(info.as_str(), "{}");
}
