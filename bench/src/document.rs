//! OpenAPI documents of any size, for what is measured by the number of operations.

use std::fmt::Write as _;

/// Operations of one resource: list, add, find, replace, remove.
const OPERATIONS_PER_RESOURCE: usize = 5;

/// An OpenAPI 3.1 document with `operations` operations, a multiple of five, as JSON.
///
/// Each resource has a schema of its own that refers to a shared one, as generated descriptions of large APIs do.
pub fn document(operations: usize) -> String {
    let resources = operations / OPERATIONS_PER_RESOURCE;
    let mut paths = Vec::with_capacity(resources * 2);
    let mut schemas = vec![
        r#""Owner":{"type":"object","description":"Whose it is.","required":["id"],"properties":{"id":{"type":"integer","format":"int64"},"name":{"type":"string","maxLength":80},"email":{"type":"string","format":"email"}}}"#.to_owned(),
        r#""Error":{"type":"object","required":["code","message"],"properties":{"code":{"type":"integer"},"message":{"type":"string"}}}"#.to_owned(),
    ];
    for n in 0..resources {
        paths.push(collection(n));
        paths.push(item(n));
        schemas.push(schema(n));
    }
    format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"Generated","version":"1.0.0"}},"servers":[{{"url":"https://api.example.com/v1"}}],"paths":{{{}}},"components":{{"schemas":{{{}}}}}}}"#,
        paths.join(","),
        schemas.join(",")
    )
}

fn collection(n: usize) -> String {
    let (found, body) = (answer(n), body(n));
    format!(
        r#""/thing{n}":{{"get":{{"operationId":"listThing{n}","summary":"Lists the things of kind {n}.","description":"Answers one page. Filters can be combined; without any, everything is listed.","tags":["thing{n}"],"parameters":[{{"name":"limit","in":"query","description":"How many at most.","schema":{{"type":"integer","minimum":1,"maximum":100,"default":20}}}},{{"name":"cursor","in":"query","schema":{{"type":"string"}}}},{{"name":"status","in":"query","schema":{{"type":"array","items":{{"type":"string","enum":["new","open","done"]}}}}}}],"responses":{{{found}}}}},"post":{{"operationId":"addThing{n}","summary":"Adds a thing of kind {n}.","tags":["thing{n}"],{body},"responses":{{{found}}}}}}}"#
    )
}

fn item(n: usize) -> String {
    let (found, body) = (answer(n), body(n));
    let mut out = format!(
        r#""/thing{n}/{{id}}":{{"parameters":[{{"name":"id","in":"path","required":true,"description":"Which one.","schema":{{"type":"integer","format":"int64"}}}}]"#
    );
    for (method, verb, body) in [
        ("get", "find", String::new()),
        ("put", "replace", format!("{body},")),
        ("delete", "remove", String::new()),
    ] {
        let _ = write!(
            out,
            r#","{method}":{{"operationId":"{verb}Thing{n}","summary":"A thing of kind {n}: {verb}.","tags":["thing{n}"],{body}"responses":{{{found}}}}}"#
        );
    }
    out + "}"
}

fn body(n: usize) -> String {
    format!(
        r##""requestBody":{{"required":true,"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/Thing{n}"}}}}}}}}"##
    )
}

fn answer(n: usize) -> String {
    format!(
        r##""200":{{"description":"Done.","content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/Thing{n}"}}}}}}}},"default":{{"description":"Not done.","content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/Error"}}}}}}}}"##
    )
}

fn schema(n: usize) -> String {
    format!(
        r##""Thing{n}":{{"type":"object","required":["name","owner"],"properties":{{"id":{{"type":"integer","format":"int64","readOnly":true}},"name":{{"type":"string","description":"What people call it.","minLength":1}},"status":{{"type":"string","enum":["new","open","done"]}},"price":{{"type":"number","minimum":0}},"due":{{"type":["string","null"],"format":"date-time"}},"labels":{{"type":"object","additionalProperties":{{"type":"string"}}}},"owner":{{"$ref":"#/components/schemas/Owner"}},"parts":{{"type":"array","items":{{"$ref":"#/components/schemas/Thing{n}"}}}}}}}}"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_the_operations_that_were_asked_for() {
        for operations in [5, 50, 1_000] {
            let document: serde_json::Value = serde_json::from_str(&document(operations)).unwrap();
            let found: usize = document["paths"]
                .as_object()
                .unwrap()
                .values()
                .map(|path| {
                    path.as_object()
                        .unwrap()
                        .values()
                        .filter(|operation| operation["operationId"].is_string())
                        .count()
                })
                .sum();
            assert_eq!(found, operations);
        }
    }
}
