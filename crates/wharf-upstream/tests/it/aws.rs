//! The keys of an AWS identity, from the services that give them: doubles that answer what the real ones answer, and
//! refuse what they refuse.

use std::path::{Path, PathBuf};

use http::HeaderMap;
use serde_json::json;
use wharf_upstream::{Config, Credentials, Environment, Trust, Upstream, UpstreamError};

use crate::issued::with;
use crate::server::{Reply, Seen, Server, answer, ok};
use crate::{everything, get, send, soon};

/// Variables, and files by their paths.
#[derive(Default)]
struct Given {
    variables: Vec<(&'static str, String)>,
    files: Vec<(&'static str, String)>,
}

impl Environment for Given {
    fn variable(&self, name: &str) -> Option<&str> {
        let pair = self.variables.iter().find(|(known, _)| *known == name);
        pair.map(|(_, value)| value.as_str())
    }

    fn file(&self, path: &Path) -> Result<Option<String>, String> {
        let pair = self
            .files
            .iter()
            .find(|(known, _)| path == Path::new(known));
        Ok(pair.map(|(_, text)| text.clone()))
    }
}

fn signed(given: &Given) -> Config {
    let bare: Credentials = serde_json::from_value(json!({
        "type": "sigv4", "service": "execute-api", "region": "eu-west-1",
    }))
    .unwrap();
    with(bare.completed(given).unwrap())
}

fn variables(variables: Vec<(&'static str, String)>) -> Config {
    signed(&Given {
        variables,
        files: Vec::new(),
    })
}

fn keys() -> Reply {
    ok(
        r#"{"Code":"Success","AccessKeyId":"ASIAROLE","SecretAccessKey":"hush","Token":"session1","Expiration":"2100-01-01T00:00:00Z"}"#,
    )
}

/// What STS answers to `action`.
fn role_keys(action: &str, number: usize) -> Reply {
    ok(&format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <{action}Result>\n    <Credentials>\n\
         <AccessKeyId>ASIAROLE{number}</AccessKeyId>\n<SecretAccessKey>hu/sh+</SecretAccessKey>\n\
         <SessionToken>session{number}==</SessionToken>\n<Expiration>2100-01-01T00:00:00Z</Expiration>\n\
         </Credentials>\n  </{action}Result>\n</{action}Response>"
    ))
}

fn form(seen: &Seen) -> Vec<(String, String)> {
    let content_type = seen.header("content-type");
    assert_eq!(content_type, Some("application/x-www-form-urlencoded"));
    url::form_urlencoded::parse(seen.body.as_bytes())
        .into_owned()
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn identity(seen: &Seen) -> &str {
    let authorization = seen.header("authorization").unwrap_or_default();
    let rest = authorization.split("Credential=").nth(1);
    rest.and_then(|rest| rest.split(',').next())
        .unwrap_or_default()
}

/// A file that is gone behind its test.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let name = format!("wharf-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // What is left behind in a temporary folder harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_container_signs_with_the_keys_of_its_role() {
    let metadata = Server::script(vec![keys()]).await;
    let api = Server::script(vec![ok("")]).await;
    let config = variables(vec![
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/role?x=1", metadata.url()),
        ),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod1".to_owned()),
    ]);
    let upstream = Upstream::new(&config, &api.url(), Trust::Operator).unwrap();
    let nothing = HeaderMap::new();
    for _ in 0..2 {
        soon(upstream.send(get("/pets"), &nothing, None))
            .await
            .unwrap();
    }
    let asked = metadata.seen();
    assert_eq!(asked.len(), 1, "kept until they expire");
    assert_eq!(asked[0].target, "/role?x=1");
    assert_eq!(asked[0].header("authorization"), Some("pod1"));
    for seen in api.seen() {
        let identity = identity(&seen);
        assert!(identity.starts_with("ASIAROLE/"), "{identity}");
        assert!(
            identity.ends_with("/eu-west-1/execute-api/aws4_request"),
            "{identity}"
        );
        assert_eq!(seen.header("x-amz-security-token"), Some("session1"));
        assert!(seen.header("x-amz-date").is_some());
    }
}

#[tokio::test]
async fn a_container_reads_its_token_each_time() {
    let metadata = Server::script(vec![answer(403, &[], ""), keys()]).await;
    let api = Server::script(vec![ok("")]).await;
    let file = File::new("container-token", "pod1\n");
    let config = variables(vec![
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", metadata.url()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.path()),
    ]);
    let upstream = Upstream::new(&config, &api.url(), Trust::Operator).unwrap();
    let nothing = HeaderMap::new();
    let refused = soon(upstream.send(get("/"), &nothing, None)).await;
    refused.expect_err("the first token is refused");
    std::fs::write(&file.0, "pod2").unwrap();
    // A failed request for keys is not repeated for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    soon(upstream.send(get("/"), &nothing, None)).await.unwrap();
    let tokens: Vec<_> = metadata
        .seen()
        .iter()
        .map(|seen| seen.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(tokens, [Some("pod1".to_owned()), Some("pod2".to_owned())]);
}

#[test]
fn a_container_gets_its_keys_from_nearby_or_over_tls() {
    for (url, fits) in [
        ("http://127.0.0.1:1/x", true),
        ("http://[::1]:1/x", true),
        ("http://localhost/x", true),
        ("http://169.254.170.23/v1/credentials", true),
        ("http://[fd00:ec2::23]/v1/credentials", true),
        ("https://keys.example.com/x", true),
        ("http://keys.example.com/x", false),
        ("http://169.254.169.254/x", false),
        ("http://localhost.example.com/x", false),
    ] {
        let config = variables(vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.to_owned())]);
        let made = Upstream::new(&config, "https://api.example.com", Trust::Operator);
        assert_eq!(made.is_ok(), fits, "{url}");
    }
}

#[tokio::test]
async fn an_instance_asks_its_metadata_service_with_a_token() {
    let path = "/latest/meta-data/iam/security-credentials/";
    let metadata = Server::start(move |seen, _| {
        let is_known = seen.header("x-aws-ec2-metadata-token") == Some("imds1");
        match (seen.method.as_str(), seen.target.strip_prefix(path)) {
            ("PUT", _)
                if seen
                    .header("x-aws-ec2-metadata-token-ttl-seconds")
                    .is_some() =>
            {
                ok("imds1")
            }
            ("GET", Some("")) if is_known => ok("pets-role\n"),
            ("GET", Some("pets-role")) if is_known => keys(),
            _ => answer(401, &[], ""),
        }
    })
    .await;
    let api = Server::script(vec![ok("")]).await;
    let config = variables(vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())]);
    soon(send(&config, &api.url(), get("/"))).await.unwrap();
    assert_eq!(metadata.seen().len(), 3);
    assert!(identity(&api.seen()[0]).starts_with("ASIAROLE/"));
}

#[tokio::test]
async fn a_token_in_a_file_stands_for_a_role() {
    let sts = Server::script(vec![role_keys("AssumeRoleWithWebIdentity", 1)]).await;
    let api = Server::script(vec![ok("")]).await;
    let file = File::new("web-identity", "the.token\n");
    let config = variables(vec![
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.path()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/pets".to_owned()),
        ("AWS_ENDPOINT_URL_STS", sts.url()),
    ]);
    soon(send(&config, &api.url(), get("/"))).await.unwrap();
    let asked = &sts.seen()[0];
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/")
    );
    assert_eq!(
        asked.header("authorization"),
        None,
        "the token says who asks"
    );
    let expected = pairs(&[
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", "arn:aws:iam::1:role/pets"),
        ("RoleSessionName", "wharf"),
        ("WebIdentityToken", "the.token"),
    ]);
    assert_eq!(form(asked), expected);
    let seen = &api.seen()[0];
    assert!(identity(seen).starts_with("ASIAROLE1/"));
    assert_eq!(seen.header("x-amz-security-token"), Some("session1=="));
}

#[tokio::test]
async fn roles_are_taken_on_one_after_the_other() {
    let sts = Server::start(|_, number| role_keys("AssumeRole", number + 1)).await;
    let api = Server::script(vec![ok("")]).await;
    let config = signed(&Given {
        variables: vec![
            ("AWS_PROFILE", "second".to_owned()),
            ("AWS_CONFIG_FILE", "/config".to_owned()),
            ("AWS_ENDPOINT_URL", sts.url()),
        ],
        files: vec![(
            "/config",
            "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = hush\n\
             [profile first]\nrole_arn = arn:first\nsource_profile = base\nexternal_id = 7\n\
             [profile second]\nrole_arn = arn:second\nsource_profile = first\nregion = eu-south-1\n"
                .to_owned(),
        )],
    });
    let upstream = Upstream::new(&config, &api.url(), Trust::Operator).unwrap();
    let nothing = HeaderMap::new();
    let calls = (0..10).map(|_| upstream.send(get("/"), &nothing, None));
    for outcome in soon(futures_util::future::join_all(calls)).await {
        outcome.unwrap();
    }
    let asked = sts.seen();
    assert_eq!(asked.len(), 2, "each role once, however many wait");
    let arn = |seen: &Seen| {
        form(seen)
            .iter()
            .find(|(name, _)| name == "RoleArn")
            .cloned()
    };
    assert_eq!(arn(&asked[0]).unwrap().1, "arn:first");
    assert!(form(&asked[0]).contains(&("ExternalId".to_owned(), "7".to_owned())));
    assert!(identity(&asked[0]).starts_with("AKIABASE/"));
    assert!(identity(&asked[0]).ends_with("/eu-south-1/sts/aws4_request"));
    assert_eq!(arn(&asked[1]).unwrap().1, "arn:second");
    assert!(identity(&asked[1]).starts_with("ASIAROLE1/"));
    assert!(
        api.seen()
            .iter()
            .all(|seen| identity(seen).starts_with("ASIAROLE2/"))
    );
}

#[tokio::test]
async fn a_role_that_may_not_be_taken_on_says_so() {
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>hush</Message></Error></ErrorResponse>";
    for (reply, complaint) in [
        (answer(403, &[], refusal), "`AccessDenied` with status 403"),
        (ok("<AssumeRoleResponse/>"), "cannot be read"),
    ] {
        let sts = Server::script(vec![reply]).await;
        let api = Server::script(vec![ok("")]).await;
        let config = signed(&Given {
            variables: vec![
                ("AWS_CONFIG_FILE", "/config".to_owned()),
                ("AWS_ENDPOINT_URL", sts.url()),
            ],
            files: vec![(
                "/config",
                "[default]\nrole_arn = arn:r\nsource_profile = default\naws_access_key_id = AKIA\naws_secret_access_key = hush\n".to_owned(),
            )],
        });
        let error: UpstreamError = soon(send(&config, &api.url(), get("/")))
            .await
            .expect_err("no keys");
        let text = everything(&error);
        assert!(text.contains(complaint), "{text}");
        assert!(!text.contains("hush"), "{text}");
        assert!(api.seen().is_empty());
    }
}
