use super::*;

/// Variables, and the two shared files.
#[derive(Default)]
struct Given {
    variables: &'static [(&'static str, &'static str)],
    config: &'static str,
    credentials: &'static str,
}

impl Environment for Given {
    fn variable(&self, name: &str) -> Option<&str> {
        let home = ("HOME", "/home/ann");
        let mut all = self.variables.iter().chain([&home]);
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }

    fn file(&self, path: &Path) -> Result<Option<String>, String> {
        let text = match path.to_str() {
            Some("/home/ann/.aws/config") => self.config,
            Some("/home/ann/.aws/credentials") => self.credentials,
            Some("/elsewhere") => {
                "[default]\naws_access_key_id = ELSE\naws_secret_access_key = hush"
            }
            Some("/locked") => return Err("cannot be read".to_owned()),
            _ => "",
        };
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}

fn keys(id: &str, token: Option<&str>) -> AwsSurroundings {
    AwsSurroundings::Keys {
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new("hush"),
        session_token: token.map(Secret::new),
    }
}

fn role(arn: &str, region: &str, endpoint: &str) -> AwsRole {
    AwsRole {
        arn: arn.to_owned(),
        session_name: "wharf".to_owned(),
        external_id: None,
        region: region.to_owned(),
        endpoint: endpoint.to_owned(),
    }
}

fn instance_at(url: &str) -> AwsSurroundings {
    AwsSurroundings::Instance {
        url: url.to_owned(),
    }
}

const ENVIRONMENT: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "ENV"),
    ("AWS_SECRET_ACCESS_KEY", "hush"),
    ("AWS_SESSION_TOKEN", "session"),
];
const DEFAULT_KEYS: &str =
    "# mine\n[default]\naws_access_key_id=FILE # the old one\naws_secret_access_key = hush\n";

#[test]
fn keys_come_from_the_nearest_place() {
    let web: &[_] = &[
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
        ("AWS_ROLE_ARN", "arn:r"),
        ("AWS_REGION", "cn-north-1"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"),
    ];
    for (row, variables, credentials, expected) in [
        (
            "environment",
            ENVIRONMENT,
            DEFAULT_KEYS,
            keys("ENV", Some("session")),
        ),
        ("file", &ENVIRONMENT[..1], DEFAULT_KEYS, keys("FILE", None)),
        (
            "another file",
            &[("AWS_SHARED_CREDENTIALS_FILE", "/elsewhere")],
            DEFAULT_KEYS,
            keys("ELSE", None),
        ),
        (
            "token",
            web,
            "",
            AwsSurroundings::WebIdentity {
                role: role(
                    "arn:r",
                    "cn-north-1",
                    "https://sts.cn-north-1.amazonaws.com.cn/",
                ),
                token_file: "/token".to_owned(),
            },
        ),
        (
            "container",
            &web[1..],
            "",
            AwsSurroundings::Container {
                url: "http://169.254.170.2/v2/x".to_owned(),
                token: None,
                token_file: None,
            },
        ),
        (
            "instance",
            &[],
            "[other]\naws_access_key_id=x",
            instance_at("http://169.254.169.254"),
        ),
        (
            "instance, elsewhere",
            &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/")],
            "",
            instance_at("http://127.0.0.1:1"),
        ),
        (
            "nowhere",
            &[("AWS_EC2_METADATA_DISABLED", "TRUE")],
            "",
            AwsSurroundings::Nowhere,
        ),
    ] {
        let given = Given {
            variables,
            credentials,
            ..Given::default()
        };
        assert_eq!(AwsSurroundings::of(&given).unwrap(), expected, "{row}");
    }
    assert_eq!(
        aws_address("sts", "us-east-1"),
        "https://sts.us-east-1.amazonaws.com/"
    );
}

const CONFIG: &str = "
[default]
region = eu-north-1
[profile base]
s3 =
  max_concurrent_requests = 20
  aws_access_key_id = NESTED
region = eu-west-1
[profile worker]
role_arn = arn:worker
source_profile = base
external_id = 7
role_session_name = night
[profile foreman]
role_arn = arn:foreman
source_profile = worker
[profile self]
role_arn = arn:self
source_profile = self
[profile token]
role_arn = arn:token
web_identity_token_file = /token
[profile machine]
role_arn = arn:machine
credential_source = Ec2InstanceMetadata
[profile \"with blank\"]
aws_access_key_id = BLANK
aws_secret_access_key = hush
[profile one]
role_arn = arn:one
source_profile = two
[profile two]
role_arn = arn:two
source_profile = one
[profile lost]
role_arn = arn:lost
source_profile = nobody
[profile poor]
role_arn = arn:poor
source_profile = plain
[profile plain]
region = eu-west-1
[profile program]
credential_process = /bin/keys
[profile single]
sso_session = corp
[profile half]
aws_access_key_id = HALF
[profile alone]
role_arn = arn:alone
[profile strange]
role_arn = arn:strange
credential_source = Moon
[sso-session corp]
aws_access_key_id = SSO
";
const CREDENTIALS: &str = "
[base]
aws_access_key_id = BASE
aws_secret_access_key = hush
aws_session_token = session
[self]
aws_access_key_id = SELF
aws_secret_access_key = hush
";

fn of_profile(name: &'static str) -> Result<AwsSurroundings, UpstreamError> {
    struct Named(&'static str, Given);
    impl Environment for Named {
        fn variable(&self, name: &str) -> Option<&str> {
            match name {
                "AWS_PROFILE" => Some(self.0),
                "AWS_ENDPOINT_URL_STS" => Some("http://127.0.0.1:5"),
                _ => self.1.variable(name),
            }
        }

        fn file(&self, path: &Path) -> Result<Option<String>, String> {
            self.1.file(path)
        }
    }
    AwsSurroundings::of(&Named(
        name,
        Given {
            variables: &[],
            config: CONFIG,
            credentials: CREDENTIALS,
        },
    ))
}

#[test]
fn profiles_lead_to_keys_and_roles() {
    let at = |arn, region| role(arn, region, "http://127.0.0.1:5");
    let of = |role, keys| AwsSurroundings::Role {
        role,
        keys: Box::new(keys),
    };
    let base = || keys("BASE", Some("session"));
    let worker = |region| AwsRole {
        session_name: "night".to_owned(),
        external_id: Some("7".to_owned()),
        ..at("arn:worker", region)
    };
    for (name, expected) in [
        ("base", base()),
        ("with blank", keys("BLANK", None)),
        // The region is that of the profile in use, or the usual one.
        ("worker", of(worker("us-east-1"), base())),
        (
            "foreman",
            of(
                at("arn:foreman", "us-east-1"),
                of(worker("us-east-1"), base()),
            ),
        ),
        ("self", of(at("arn:self", "us-east-1"), keys("SELF", None))),
        (
            "token",
            AwsSurroundings::WebIdentity {
                role: at("arn:token", "us-east-1"),
                token_file: "/token".to_owned(),
            },
        ),
        (
            "machine",
            of(
                at("arn:machine", "us-east-1"),
                instance_at("http://169.254.169.254"),
            ),
        ),
        ("plain", instance_at("http://169.254.169.254")),
    ] {
        assert_eq!(of_profile(name).unwrap(), expected, "{name}");
    }
}

#[test]
fn profiles_that_lead_nowhere_say_why() {
    for (name, complaint) in [
        ("nobody", "`AWS_PROFILE`"),
        ("one", "without end"),
        ("lost", "names `nobody`"),
        ("poor", "no keys for that"),
        ("program", "`credential_process`"),
        ("single", "`sso_session`"),
        ("half", "without the other"),
        ("alone", "needs one of"),
        ("strange", "`Moon`"),
    ] {
        let error = of_profile(name).expect_err(name).to_string();
        assert!(error.contains(complaint), "{name}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }
    let locked = Given {
        variables: &[("AWS_CONFIG_FILE", "/locked")],
        ..Given::default()
    };
    let error = AwsSurroundings::of(&locked).expect_err("it cannot be read");
    assert!(error.to_string().contains("/locked"), "{error}");
}

#[test]
fn regions_and_addresses_come_from_the_environment() {
    for (variables, config, region, endpoint) in [
        (&[][..], "", None, None),
        (
            &[],
            "[default]\nregion = eu-north-1",
            Some("eu-north-1"),
            None,
        ),
        (
            &[
                ("AWS_DEFAULT_REGION", "b"),
                ("AWS_ENDPOINT_URL", "http://all"),
            ],
            "[default]\nregion = c",
            Some("b"),
            Some("http://all"),
        ),
        (
            &[
                ("AWS_REGION", "a"),
                ("AWS_DEFAULT_REGION", "b"),
                ("AWS_ENDPOINT_URL", "http://all"),
                ("AWS_ENDPOINT_URL_SSM", "http://one"),
            ],
            "",
            Some("a"),
            Some("http://one"),
        ),
    ] {
        let given = Given {
            variables,
            config,
            ..Given::default()
        };
        assert_eq!(
            aws_region(&given).unwrap().as_deref(),
            region,
            "{variables:?}"
        );
        assert_eq!(
            aws_endpoint(&given, "SSM").as_deref(),
            endpoint,
            "{variables:?}"
        );
    }
}
