//! The OpenAPI document: a file of its own, to be read by people too.

/// The document, written by hand. A test drives the service through every operation in it.
const DOCUMENT: &str = include_str!("document/petstore.yaml");
/// The server that the file names.
const DOCUMENTED_SERVER: &str = "- url: http://127.0.0.1:8081";

/// The OpenAPI 3.1 document of a shop at `base_url`, as YAML.
pub fn document(base_url: &str) -> String {
    // A JSON text is a YAML text, whatever `base_url` holds.
    let server = format!("- url: {}", serde_json::Value::from(base_url));
    DOCUMENT.replacen(DOCUMENTED_SERVER, &server, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_the_server() {
        assert_eq!(DOCUMENT.matches(DOCUMENTED_SERVER).count(), 1);
        let document = document("http://127.0.0.1:1234/a\"b");
        assert!(document.contains("\n  - url: \"http://127.0.0.1:1234/a\\\"b\"\n"));
    }
}
