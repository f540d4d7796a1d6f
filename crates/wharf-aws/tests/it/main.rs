//! The services' protocol, against a double on loopback that refuses what the services refuse. moto judges the same calls
//! in `tests/credentials.py`.

#![expect(
    clippy::unwrap_used,
    reason = "how a test fails; the lint's own exception does not see the helpers of a test"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wharf_aws::{AwsError, Client, SecretReference, SecretStores, dynamodb, secrets_manager, ssm};
use wharf_upstream::Environment;

/// A service that answers with these statuses and bodies in turn; the last one also to all further requests.
struct Service {
    url: String,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    task: JoinHandle<()>,
}

impl Service {
    async fn start(target: &'static str, replies: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (all, replies) = (seen.clone(), Arc::new(replies));
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(converse(stream, target, replies.clone(), all.clone()));
            }
        });
        Self { url, seen, task }
    }

    /// The operations and their inputs.
    fn seen(&self) -> Vec<(String, Value)> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(
    stream: TcpStream,
    target: &str,
    replies: Arc<Vec<(u16, Value)>>,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut operation, mut length, mut is_signed, mut is_json) = (None, 0, false, false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap_or_default();
            match name {
                "x-amz-target" => operation = value.strip_prefix(target).map(str::to_owned),
                "content-length" => length = value.parse().unwrap(),
                "content-type" => is_json = value.starts_with("application/x-amz-json-1."),
                "authorization" => is_signed = value.contains("Credential=AKIA/"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let (status, answer) = match operation {
            Some(operation) if is_signed && is_json => {
                let mut seen = seen.lock().unwrap();
                let reply = replies[seen.len().min(replies.len() - 1)].clone();
                seen.push((operation, serde_json::from_slice(&body).unwrap()));
                reply
            }
            _ => (400, json!({"__type": "UnknownOperationException"})),
        };
        let answer = match &answer {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let head = format!(
            "HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        if stream.write_all((head + &answer).as_bytes()).await.is_err() {
            return;
        }
    }
}

struct At<'u>(&'u str);

impl Environment for At<'_> {
    fn variable(&self, name: &str) -> Option<&str> {
        match name {
            "AWS_ENDPOINT_URL" => Some(self.0),
            "AWS_REGION" => Some("eu-west-1"),
            "AWS_ACCESS_KEY_ID" => Some("AKIA"),
            "AWS_SECRET_ACCESS_KEY" => Some("key-hush"),
            _ => None,
        }
    }

    fn file(&self, _: &Path) -> Result<Option<String>, String> {
        Ok(None)
    }
}

fn parameter(value: &str) -> (u16, Value) {
    (200, json!({"Parameter": {"Name": "/pets", "Value": value}}))
}

fn refusal(status: u16, code: &str) -> (u16, Value) {
    let code = format!("com.amazonaws.ssm#{code}");
    (
        status,
        json!({"__type": code, "message": "no\nsuch thing", "Message": "no\nsuch thing"}),
    )
}

#[tokio::test]
async fn what_passes_is_asked_again_and_what_does_not_is_told() {
    let throttled = || refusal(400, "ThrottlingException");
    for (row, replies, expected, asked) in [
        ("at once", vec![parameter("t0")], Ok("t0"), 1),
        (
            "throttled",
            vec![throttled(), throttled(), parameter("t0")],
            Ok("t0"),
            3,
        ),
        ("down", vec![(503, json!({})), parameter("t0")], Ok("t0"), 2),
        (
            "for ever",
            vec![throttled()],
            Err("`ThrottlingException`: nosuch thing"),
            3,
        ),
        (
            "missing",
            vec![refusal(400, "ParameterNotFound")],
            Err("`ParameterNotFound`"),
            1,
        ),
        (
            "garbage",
            vec![(200, json!({"Parameter": "hush"}))],
            Err("cannot be read"),
            1,
        ),
        (
            "no JSON",
            vec![(200, json!("<html>hush"))],
            Err("cannot be read"),
            1,
        ),
        ("redirected", vec![(307, json!({}))], Err("status 307"), 1),
    ] {
        let service = Service::start("AmazonSSM.", replies).await;
        let client = Client::new(ssm::SERVICE, &At(&service.url), None).unwrap();
        match (ssm::get_parameter(&client, "/pets").await, expected) {
            (Ok(secret), Ok(expected)) => assert_eq!(secret.expose(), expected, "{row}"),
            (Err(error), Err(complaint)) => {
                let text = format!("{error} {error:?}");
                assert!(
                    text.contains(complaint) && !text.contains("hush"),
                    "{row}: {text}"
                );
            }
            (outcome, _) => panic!("{row}: {outcome:?}"),
        }
        let seen = service.seen();
        assert_eq!(seen.len(), asked, "{row}");
        let input = json!({"Name": "/pets", "WithDecryption": true});
        assert!(
            seen.iter()
                .all(|seen| *seen == ("GetParameter".to_owned(), input.clone()))
        );
    }
}

#[tokio::test]
async fn a_secret_of_bytes_is_no_text() {
    let service = Service::start(
        "secretsmanager.",
        vec![(200, json!({"SecretBinary": "aHVzaA=="}))],
    )
    .await;
    let client = Client::new(secrets_manager::SERVICE, &At(&service.url), None).unwrap();
    let error = secrets_manager::get_secret_value(&client, "pets")
        .await
        .expect_err("bytes");
    assert!(error.to_string().contains("holds bytes"), "{error}");
    assert_eq!(service.seen()[0].1, json!({"SecretId": "pets"}));
}

#[tokio::test]
async fn a_reference_is_fetched_and_rotates() {
    let service = Service::start("AmazonSSM.", vec![parameter(r#"{"key":"k0"}"#)]).await;
    let reference = SecretReference::parse("ssm:/pets#key").unwrap();
    let stores = SecretStores::new([&reference], &At(&service.url)).unwrap();
    assert_eq!(stores.fetch(&reference).await.unwrap().expose(), "k0");
    let rotating = stores.rotating(reference, None);
    for _ in 0..3 {
        assert_eq!(rotating.current().await.unwrap().expose(), "k0");
    }
    assert_eq!(service.seen().len(), 2);
    let elsewhere = SecretReference::parse("secretsmanager:pets").unwrap();
    let error = stores.fetch(&elsewhere).await.expect_err("another store");
    assert!(matches!(error, AwsError::Reference { .. }), "{error}");
}

#[tokio::test]
async fn a_lost_answer_does_not_make_the_first_one_second() {
    let taken = (400, json!({"__type": "ConditionalCheckFailedException"}));
    for (replies, expected) in [
        (vec![(200, json!({}))], true),
        (vec![taken.clone()], false),
        (vec![(500, json!({})), (200, json!({}))], true),
    ] {
        let service = Service::start("DynamoDB_20120810.", replies).await;
        let client = Client::new(dynamodb::SERVICE, &At(&service.url), None).unwrap();
        let ttl = Duration::from_secs(60);
        let outcome = dynamodb::put_if_absent(&client, "once", "code-1", ttl).await;
        assert_eq!(outcome.unwrap(), expected);
        let seen = service.seen();
        let input = &seen[0].1;
        assert_eq!(input["Item"]["id"]["S"], "code-1");
        assert_eq!(
            input["Item"]["claimed_by"], input["ExpressionAttributeValues"][":writer"],
            "what a second attempt recognises its own work by"
        );
        assert!(seen.iter().all(|seen| seen.1 == *input), "{seen:?}");
    }
    let made = Client::new(dynamodb::SERVICE, &(), None);
    assert!(matches!(made, Err(AwsError::NoRegion { .. })));
}
