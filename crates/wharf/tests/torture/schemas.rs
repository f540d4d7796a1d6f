//! What is listed: 21–27.

use serde_json::json;

use crate::api::Reply;
use crate::offer::{paths, refused, sent, whole};

#[tokio::test]
async fn case_21_recursive_schemas() {
    let document = r"
paths:
  /trees: {post: {operationId: grow, requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Tree'}}}}, responses: {'200': {description: OK, content: {application/json: {schema: {$ref: '#/components/schemas/Tree'}}}}}}}
  /people: {post: {operationId: meet, requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Person'}}}}}}
  /loop: {post: {operationId: loop, requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Loop'}}}}}}
components:
  schemas:
    Tree: {type: object, properties: {name: {type: string}, children: {type: array, items: {$ref: '#/components/schemas/Tree'}}}}
    Person: {type: object, properties: {pet: {$ref: '#/components/schemas/Pet'}}}
    Pet: {type: object, properties: {owner: {$ref: '#/components/schemas/Person'}, name: {type: string}}}
    Loop: {allOf: [{$ref: '#/components/schemas/Loop'}], properties: {a: {type: string}}}
";
    let offer = paths(document).offer();
    for tool in offer.names() {
        let schema = offer.input(tool).to_string();
        assert!(schema.len() < 1000, "{tool}: {schema}");
        assert!(schema.matches("$defs\":").count() <= 1, "{tool}: {schema}");
    }
    let tree = json!({"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]});
    assert_eq!(
        sent(document, "grow", tree.clone()).await.text(),
        tree.to_string()
    );
    let complaint = refused(
        document,
        "grow",
        json!({"children": [{"children": [{"name": 1}]}]}),
    )
    .await;
    assert!(
        complaint.contains("`children[0].children[0].name`"),
        "{complaint}"
    );
    let met = json!({"pet": {"owner": {"pet": {"name": "x"}}}});
    assert_eq!(
        sent(document, "meet", met.clone()).await.text(),
        met.to_string()
    );
}

#[tokio::test]
async fn case_22_references_into_any_part() {
    let document = r"
paths:
  /a:
    post:
      operationId: a
      parameters:
        - {name: first, in: query, schema: {type: integer}}
        - {$ref: '#/components/parameters/page~1size'}
      requestBody: {content: {application/json: {schema: {$ref: '#/x-schemas/odd~0name'}}}}
  /b/{id}: {$ref: '#/components/pathItems/b'}
  /c: {post: {operationId: c, requestBody: {content: {application/json: {schema: {type: object, properties: {n: {$ref: '#/paths/~1a/post/parameters/0/schema'}, e: {$ref: '#/components/schemas/a%20b'}}}}}}}}
  /d: {get: {operationId: d, parameters: [{$ref: '#/paths/~1b~1%7Bid%7D/get/parameters/0'}]}}
x-schemas: {'odd~name': {type: object, properties: {k: {type: string}}}}
components:
  parameters: {page/size: {name: size, in: query, schema: {type: integer}}}
  schemas: {'a b': {type: boolean}}
  pathItems: {b: {get: {operationId: b, parameters: [{name: id, in: path, required: true, schema: {type: string}}, {name: q, in: query, schema: {type: string}}]}}}
";
    for (tool, arguments, line, body) in [
        (
            "a",
            json!({"first": 1, "size": 2, "k": "v"}),
            "POST /base/a?first=1&size=2",
            r#"{"k":"v"}"#,
        ),
        ("b", json!({"id": "7", "q": "x"}), "GET /base/b/7?q=x", ""),
        (
            "c",
            json!({"n": 1, "e": true}),
            "POST /base/c",
            r#"{"n":1,"e":true}"#,
        ),
    ] {
        let request = sent(document, tool, arguments).await;
        assert_eq!(request.line, line, "{tool}");
        assert_eq!(request.text(), body, "{tool}");
    }
    let complaint = refused(document, "c", json!({"n": "one"})).await;
    assert!(complaint.contains("`n`"), "{complaint}");
}

#[tokio::test]
async fn case_23_schemas_that_strict_clients_compile() {
    // What is odd here in 3.0: flags as bounds, a value listed twice, a mapping to what is not listed, no items, an
    // unknown type, a pattern of another dialect, a reference to nothing.
    let document = r"
openapi: 3.0.3
info: {title: Odd, version: '1'}
paths:
  /x:
    post:
      operationId: x
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                bound: {type: number, minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false}
                twice: {type: string, enum: [a, a, b]}
                list: {type: array}
                odd: {type: file}
                pattern: {type: string, pattern: '\p{Nonsense}(?<='}
                nothing: {$ref: '#/components/schemas/Missing'}
                shape: {oneOf: [{$ref: '#/components/schemas/Circle'}], discriminator: {propertyName: kind, mapping: {round: '#/components/schemas/Gone'}}}
      responses: {'200': {description: OK, content: {application/json: {schema: {$ref: '#/components/schemas/Circle'}}}}}
components: {schemas: {Circle: {type: object, required: [kind], properties: {kind: {type: string}, r: {type: number}}}}}
";
    for output_schemas in [
        wharf_openapi::OutputSchemas::Open,
        wharf_openapi::OutputSchemas::Full,
    ] {
        // To offer it is the test: every listed schema is compiled there.
        let offer = whole(document)
            .tools(|tools| tools.output_schemas = output_schemas)
            .offer();
        let properties = &offer.input("x")["properties"];
        assert_eq!(properties["bound"]["exclusiveMinimum"], json!(0));
        assert_eq!(properties["twice"]["enum"], json!(["a", "b"]));
        let schema = offer.input("x").to_string();
        for gone in ["discriminator", "mapping", "Missing", "Gone", "Nonsense"] {
            assert!(!schema.contains(gone), "{gone}: {schema}");
        }
        assert!(
            !offer.report.notes.is_empty(),
            "what was loosened is reported"
        );
        let answer = offer
            .call(
                "x",
                json!({"bound": 1, "odd": [1], "nothing": 2, "twice": "b"}),
            )
            .await;
        assert!(!answer.is_error, "{answer:?}");
    }
    let offer = whole(document).offer();
    assert!(offer.call("x", json!({"bound": 0})).await.is_error);
    assert!(offer.api.requests().is_empty());
}

#[tokio::test]
async fn case_24_variants_with_a_discriminator() {
    let document = r"
paths:
  /pets: {post: {operationId: add, requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}}}
  /owners: {post: {operationId: own, requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {pet: {$ref: '#/components/schemas/Pet'}}}}}}}}
components:
  schemas:
    Pet: {oneOf: [{$ref: '#/components/schemas/Cat'}, {$ref: '#/components/schemas/Dog'}], discriminator: {propertyName: kind, mapping: {cat: '#/components/schemas/Cat', dog: '#/components/schemas/Dog'}}}
    Cat: {type: object, properties: {kind: {type: string}, lives: {type: integer}}}
    Dog: {type: object, properties: {kind: {type: string}, bark: {type: string}}}
";
    let offer = paths(document).offer();
    for tool in ["add", "own"] {
        let schema = offer.input(tool).to_string();
        for part in ["lives", "bark", "\"cat\"", "\"dog\""] {
            assert!(schema.contains(part), "{tool}, {part}: {schema}");
        }
    }
    let cat = json!({"kind": "cat", "lives": 9});
    let request = sent(document, "add", json!({ "body": cat })).await;
    assert_eq!(request.text(), cat.to_string());
    let request = sent(document, "own", json!({ "pet": cat })).await;
    assert_eq!(request.text(), json!({ "pet": cat }).to_string());
    for (tool, arguments, expected) in [
        ("add", json!({"body": {"lives": 9}}), "`kind` is missing"),
        ("own", json!({"pet": {"bark": "woof"}}), "`kind` is missing"),
        ("add", json!({"body": {"kind": "fish"}}), "`body.kind`"),
        (
            "add",
            json!({"body": {"kind": "cat", "lives": "nine"}}),
            "`body`",
        ),
    ] {
        let shown = arguments.to_string();
        // `lives` is free in a dog, but not as a text in a cat; which variant is meant the upstream knows better.
        if shown.contains("nine") {
            let request = sent(document, tool, arguments).await;
            assert!(request.text().contains("nine"));
            continue;
        }
        let complaint = refused(document, tool, arguments).await;
        assert!(complaint.contains(expected), "{shown}: {complaint}");
    }
}

#[tokio::test]
async fn case_25_nullable_values() {
    let old = r"
openapi: 3.0.3
info: {title: Nullable, version: '1'}
paths:
  /x:
    put:
      operationId: x
      requestBody: {content: {application/json: {schema: {type: object, properties: {
        status: {type: string, nullable: true, enum: [a, b]}, size: {type: integer, nullable: true},
        owner: {nullable: true, allOf: [{$ref: '#/components/schemas/Owner'}]}}}}}}
      responses: {'200': {description: OK, content: {application/json: {schema: {type: object, nullable: true, properties: {status: {type: string, nullable: true, enum: [a]}}}}}}}
components: {schemas: {Owner: {type: object, properties: {name: {type: string}}}}}
";
    let new = r"
openapi: 3.1.0
info: {title: Nullable, version: '1'}
paths:
  /x:
    put:
      operationId: x
      requestBody: {content: {application/json: {schema: {type: object, properties: {
        status: {type: [string, 'null'], enum: [a, b, null]}, size: {type: [integer, 'null']},
        owner: {anyOf: [{$ref: '#/components/schemas/Owner'}, {type: 'null'}]}}}}}}
      responses: {'200': {description: OK, content: {application/json: {schema: {type: [object, 'null'], properties: {status: {enum: [a, null]}}}}}}}
components: {schemas: {Owner: {type: object, properties: {name: {type: string}}}}}
";
    for document in [old, new] {
        for full in [false, true] {
            let setup = || {
                whole(document).tools(|tools| {
                    if full {
                        tools.output_schemas = wharf_openapi::OutputSchemas::Full;
                    }
                })
            };
            let nulls = json!({"status": null, "size": null, "owner": null});
            let offer = setup()
                .answering([Reply::json("null"), Reply::json(r#"{"status":null}"#)])
                .offer();
            let answer = offer.call("x", nulls.clone()).await;
            assert_eq!(offer.api.request().text(), nulls.to_string());
            assert!(!answer.is_error, "{}", answer.text());
            assert_eq!(answer.value(), json!({"result": null}));
            let answer = offer.call("x", json!({"status": "a"})).await;
            assert_eq!(answer.value(), json!({"result": {"status": null}}));
            let answer = setup().offer().call("x", json!({"status": "c"})).await;
            assert!(
                answer.is_error && answer.text().contains("`status`"),
                "{}",
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn case_26_read_only_and_write_only_properties() {
    let document = r"
paths:
  /users:
    post:
      operationId: add
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/User'}}}}
      responses: {'201': {description: Made, content: {application/json: {schema: {$ref: '#/components/schemas/User'}}}}}
components:
  schemas:
    User:
      type: object
      required: [id, name, password]
      properties: {id: {type: integer, readOnly: true}, name: {type: string}, password: {type: string, writeOnly: true}}
";
    let offer = paths(document)
        .tools(|tools| tools.output_schemas = wharf_openapi::OutputSchemas::Full)
        .answering([Reply::json(r#"{"id":1,"name":"A"}"#)])
        .offer();
    assert_eq!(offer.arguments("add"), ["name", "password"]);
    assert_eq!(offer.input("add")["required"], json!(["name", "password"]));
    let output = offer.output("add").unwrap().to_string();
    assert!(!output.contains("password"), "{output}");
    let answer = offer
        .call("add", json!({"name": "A", "password": "p"}))
        .await;
    assert_eq!(offer.api.request().text(), r#"{"name":"A","password":"p"}"#);
    assert_eq!(
        answer.text(),
        r#"{"id":1,"name":"A"}"#,
        "nothing is flagged"
    );
}

#[tokio::test]
async fn case_27_additional_properties_beside_declared_ones() {
    let document = r"
paths:
  /open: {post: {operationId: open, requestBody: {content: {application/json: {schema: {type: object, properties: {a: {type: string}}, additionalProperties: true}}}}}}
  /typed: {post: {operationId: typed, requestBody: {content: {application/json: {schema: {type: object, properties: {a: {type: string}}, additionalProperties: {type: integer}}}}}}}
  /closed: {post: {operationId: closed, requestBody: {content: {application/json: {schema: {type: object, properties: {a: {type: string}}, additionalProperties: false}}}}}}
";
    for (tool, arguments) in [
        ("open", json!({"a": "x", "b": [1], "c d": null})),
        ("typed", json!({"a": "x", "b": 1})),
    ] {
        let body = arguments.to_string();
        assert_eq!(sent(document, tool, arguments).await.text(), body, "{tool}");
    }
    let complaint = refused(document, "typed", json!({"b": "x"})).await;
    assert!(complaint.contains("`b`"), "{complaint}");
    let complaint = refused(document, "closed", json!({"b": 1})).await;
    assert!(complaint.contains("no argument `b`"), "{complaint}");
}
