//! The shop, running, and a client that holds it to its document.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wharf_config::Environment;

/// No answer takes longer, the slow report's two seconds included.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

pub(crate) struct Api {
    pub(crate) document: Value,
    base_url: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Which statuses of which operations have been seen.
    pub(crate) seen: Mutex<BTreeSet<(String, String)>>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// What a request carries besides its path.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) media_type: Option<String>,
    pub(crate) body: Bytes,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Sent {
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self::of("application/json", value.to_string())
    }

    pub(crate) fn patch(value: &Value) -> Self {
        Self::of("application/merge-patch+json", value.to_string())
    }

    pub(crate) fn of(media_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            headers: Vec::new(),
            media_type: Some(media_type.to_owned()),
            body: body.into(),
        }
    }

    pub(crate) fn header(name: &'static str, value: &'static str) -> Self {
        Self {
            headers: vec![(name, value)],
            ..Self::default()
        }
    }

    /// A form with parts of name, file name, body.
    pub(crate) fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (name, file_name, bytes) in parts {
            let file_name = file_name
                .map(|name| format!("; filename=\"{name}\"\r\nContent-Type: image/png"))
                .unwrap_or_default();
            let head = format!(
                "--cut\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        Self::of("multipart/form-data; boundary=cut", body)
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"))
            .to_str()
            .unwrap()
    }
}

impl Api {
    /// A shop that has just opened.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(wharf_petstore::serve(listener, async {
            let _ = stopped.await;
        }));
        Self {
            document: read_document(&base_url),
            base_url,
            client: Client::builder(TokioExecutor::new()).build_http(),
            seen: Mutex::default(),
            stop,
            server,
        }
    }

    /// Ends the shop, and with it this test's task.
    pub(crate) async fn stop(self) {
        drop(self.client);
        self.stop.send(()).unwrap();
        tokio::time::timeout(ANSWER_TIME_MAX, self.server)
            .await
            .expect("the shop closes")
            .unwrap()
            .unwrap();
    }

    /// Calls an operation by its `operationId`, and checks the answer against what the document says about it.
    pub(crate) async fn call(&self, operation_id: &str, path: &str, sent: Sent) -> Answer {
        let (template, method, operation) = operation(&self.document, operation_id);
        assert!(
            fits_template(&template, path),
            "{operation_id}: {path} is no {template}"
        );
        let request_schema = sent.media_type.as_deref().and_then(|media_type| {
            let content = &operation["requestBody"]["content"];
            content.get(essence(media_type))?.get("schema")
        });
        let given: Option<Value> = serde_json::from_slice(&sent.body).ok();
        let answer = self.send(&method, path, sent).await;

        let status = answer.status.as_str();
        let call = format!("{operation_id} {path}: {status} {:?}", answer.body);
        self.seen
            .lock()
            .unwrap()
            .insert((operation_id.to_owned(), status.to_owned()));
        if let (Some(schema), Some(given)) = (request_schema, &given) {
            let fits = self.fits(schema, given);
            assert!(
                fits || !answer.status.is_success(),
                "taken although the document forbids it: {call}"
            );
        }
        let documented = operation["responses"].get(status);
        let documented = documented.unwrap_or_else(|| panic!("not documented: {call}"));
        self.check_answer(self.resolve(documented), &answer, &call);
        answer
    }

    fn check_answer(&self, documented: &Value, answer: &Answer, call: &str) {
        if let Some(headers) = documented["headers"].as_object() {
            for name in headers.keys().filter(|name| *name != "Link") {
                assert!(answer.headers.contains_key(name), "no {name}: {call}");
            }
        }
        let Some(content) = documented["content"].as_object() else {
            assert!(answer.body.is_empty(), "a body: {call}");
            return;
        };
        let media_type = essence(answer.header("content-type"));
        let content = content
            .get(media_type)
            .unwrap_or_else(|| panic!("{media_type} is not documented: {call}"));
        if media_type.ends_with("json") {
            let errors = self.errors(&content["schema"], &answer.json());
            assert!(errors.is_empty(), "{call}\n{errors:?}");
        }
        if media_type == "application/problem+json" {
            let status = answer.json()["status"].clone();
            assert_eq!(status, answer.status.as_u16(), "{call}");
        }
    }

    /// Sends a request that no operation describes.
    pub(crate) async fn send(&self, method: &str, path: &str, sent: Sent) -> Answer {
        let mut request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(format!("{}{path}", self.base_url));
        if let Some(media_type) = sent.media_type {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        for (name, value) in sent.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(sent.body)).unwrap();
        let exchange = async {
            let (head, body) = self.client.request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answer {
                status: head.status,
                headers: head.headers,
                body,
            }
        };
        tokio::time::timeout(ANSWER_TIME_MAX, exchange)
            .await
            .unwrap_or_else(|_| panic!("{method} {path} takes too long"))
    }

    /// Follows a reference within the document.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self
                .document
                .pointer(reference.strip_prefix('#').unwrap())
                .unwrap_or_else(|| panic!("{reference} leads nowhere")),
            None => value,
        }
    }

    pub(crate) fn fits(&self, schema: &Value, instance: &Value) -> bool {
        self.errors(schema, instance).is_empty()
    }

    /// What an independent validator has against `instance`.
    pub(crate) fn errors(&self, schema: &Value, instance: &Value) -> Vec<String> {
        // References of the document's schemas lead to its components.
        let schema = json!({"allOf": [schema], "components": self.document["components"]});
        jsonschema::draft202012::new(&schema)
            .expect("the schema is one")
            .iter_errors(instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }
}

pub(crate) fn read_document(base_url: &str) -> Value {
    let text = wharf_petstore::document(base_url);
    wharf_config::parse::<Value>(
        &text,
        "petstore.yaml",
        ".".as_ref(),
        &Environment::default(),
    )
    .unwrap_or_else(|errors| panic!("{errors}"))
    .config
}

/// Every operation with its path template and method.
pub(crate) fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(template, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .filter(|(key, _)| *key != "parameters")
                .map(|(method, operation)| (template.clone(), method.clone(), operation))
        })
        .collect()
}

fn operation<'a>(document: &'a Value, id: &str) -> (String, String, &'a Value) {
    operations(document)
        .into_iter()
        .find(|(.., operation)| operation["operationId"] == id)
        .unwrap_or_else(|| panic!("no operation {id}"))
}

fn fits_template(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap();
    template.split('/').count() == path.split('/').count()
        && template
            .split('/')
            .zip(path.split('/'))
            .all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap().trim()
}
