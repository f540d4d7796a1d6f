use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use wharf_model::Secret;

use super::*;
use crate::expand::Unavailable;
use crate::plant::{PLANTED_KEY, plant_unknown_keys};

mod mistakes;
mod properties;

/// A configuration with one of everything that real ones are made of.
#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The listener.
    #[serde(default)]
    server: Server,
    /// The APIs behind the tools, by name. A name is free.
    upstreams: BTreeMap<String, Upstream>,
    /// More to say.
    #[serde(default)]
    extra: Option<serde_json::Value>,
    /// Numbers of retries, by status.
    #[serde(default)]
    retries: BTreeMap<u16, u8>,
}

#[derive(Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Server {
    /// The port to listen on.
    port: u16,
    timeout_s: f64,
    body_bytes_max: u64,
    is_verbose: bool,
    name: String,
    level: Level,
    tags: Vec<String>,
    /// Use `port`.
    #[deprecated]
    old_port: Option<u16>,
}

#[derive(Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Level {
    #[default]
    Warn,
    /// What it does.
    Info,
    Debug,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
struct Upstream {
    /// Where the API lives. Without a query.
    url: Address,
    #[serde(default)]
    auth: Option<Auth>,
    #[serde(default)]
    pages: Pages,
    #[serde(default)]
    names: Names,
    #[serde(default)]
    fallback: Option<Box<Upstream>>,
}

/// A text that only the type can judge.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
struct Address(String);

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uri" })
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with("echo") {
            Err(format!("`{text}` is no address"))
        } else if text.contains("://") {
            Ok(Self(text))
        } else {
            Err("an address begins with `http://` or `https://`".to_owned())
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Auth {
    None {},
    Bearer {
        token: Secret,
    },
    Basic {
        user: String,
        password: Secret,
    },
    /// A part of its own.
    Key(KeyAuth),
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields)]
struct KeyAuth {
    /// Which header.
    header: String,
    #[serde(default)]
    retries: Vec<Retry>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(tag = "on", content = "with", deny_unknown_fields)]
enum Retry {
    Status(u16),
    Timeout { after_ms: u32 },
}

/// Told apart by the only key.
#[derive(Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Pages {
    #[default]
    All,
    First {
        count: u8,
    },
    Cursor {
        name: String,
    },
}

/// Told apart by their shape.
#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

const FULL: &str = r#"
server:
  port: ${env:PORT}
  timeout_s: 2.5
  body_bytes_max: 0x100000
  is_verbose: true
  name: 1.0
  level: info
  tags: [yes, 8000, null-ish, "~"]
upstreams:
  pets:
    url: http://${env:HOST}/v1
    auth: {type: bearer, token: "${env:TOKEN}"}
    pages: {first: {count: 3}}
    names: 12
    fallback:
      url: http://127.0.0.1
      auth:
        type: key
        header: X-Key
        retries: [{on: Status, with: 503}, {on: Timeout, with: {after_ms: 5}}]
  toys:
    url: https://toys.example
    auth:
      type: basic
      user: 007
      password: ${env:TOKEN}
    pages: all
    names:
      - a
      - true
extra: {a: [1, {b: ~}]}
retries: {503: 2}
"#;

fn environment() -> Environment {
    Environment::of([
        ("PORT", "8000"),
        ("HOST", "pets.example"),
        ("TOKEN", "hunter2"),
        ("EMPTY", ""),
        ("ECHO", "echohunter2"),
        ("LEVEL", "debugg"),
    ])
}

fn parse_text(text: &str) -> Result<Loaded<Config>, String> {
    parse(text, "wharf.yaml", Path::new("."), &environment()).map_err(|errors| errors.to_string())
}

#[test]
fn a_full_configuration_is_read() {
    let loaded = parse_text(FULL).unwrap_or_else(|error| panic!("{error}"));
    let Config {
        server,
        upstreams,
        extra,
        retries,
    } = loaded.config;
    assert_eq!(server.port, 8000);
    assert_eq!(server.body_bytes_max, 1024 * 1024);
    assert_eq!(server.name, "1.0");
    assert_eq!(server.level, Level::Info);
    assert_eq!(server.tags, ["yes", "8000", "null-ish", "~"]);
    let pets = &upstreams["pets"];
    assert_eq!(pets.url, Address("http://pets.example/v1".to_owned()));
    let Some(Auth::Bearer { token }) = &pets.auth else {
        panic!("{pets:?}")
    };
    assert_eq!(token.expose(), "hunter2");
    assert_eq!(pets.pages, Pages::First { count: 3 });
    assert_eq!(pets.names, Names::One("12".to_owned()));
    let fallback = pets.fallback.as_ref().unwrap();
    let key = KeyAuth {
        header: "X-Key".to_owned(),
        retries: vec![Retry::Status(503), Retry::Timeout { after_ms: 5 }],
    };
    assert_eq!(fallback.auth, Some(Auth::Key(key)));
    let toys = &upstreams["toys"];
    assert!(
        matches!(&toys.auth, Some(Auth::Basic { user, .. }) if user == "007"),
        "{toys:?}"
    );
    assert_eq!(toys.pages, Pages::All);
    assert_eq!(
        toys.names,
        Names::Many(vec!["a".to_owned(), "true".to_owned()])
    );
    assert_eq!(extra, Some(serde_json::json!({"a": [1, {"b": null}]})));
    assert_eq!(retries, BTreeMap::from([(503, 2)]));
    assert_eq!(loaded.warnings, []);
}

#[test]
fn unknown_keys_are_refused_in_every_section() {
    let planted = plant_unknown_keys(FULL);
    assert_eq!(planted.len(), 17, "sections of the full configuration");
    // `extra` takes anything, so its two sections are the exception.
    let refused = planted
        .iter()
        .filter(|text| matches!(parse_text(text), Err(error) if error.contains(PLANTED_KEY)))
        .count();
    assert_eq!(refused, planted.len() - 2);
}

#[test]
fn a_section_of_comments_takes_its_defaults() {
    let loaded = parse_text("server:\n  # port: 1\nupstreams:\n").unwrap();
    assert_eq!(loaded.config.server, Server::default());
    assert!(loaded.config.upstreams.is_empty());
}

#[test]
fn what_should_change_is_warned_of() {
    let loaded = parse_text(
        "server: {old_port: 1}\nupstreams:\n  a:\n    url: http://a\n    auth: {type: bearer, token: open}\n  b:\n    url: http://b\n    auth: {type: bearer, token: 'redis://host:1/0'}\n  c:\n    url: http://c\n    auth: {type: bearer, token: 'redis://:open@host'}\n",
    )
    .unwrap();
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "warning: wharf.yaml:1: `server.old_port` is deprecated\nhint: Use `port`",
            "warning: wharf.yaml:5: `upstreams.a.auth.token` holds a secret that stands in the file\nhint: move it out: `${env:NAME}` or `${file:path}`",
            "warning: wharf.yaml:11: `upstreams.c.auth.token` holds a secret that stands in the file\nhint: move it out: `${env:NAME}` or `${file:path}`",
        ]
    );
}

#[test]
fn dollar_signs_can_be_written() {
    for (text, expected) in [
        ("$5", "$5"),
        ("$${env:TOKEN}", "${env:TOKEN}"),
        ("a${env:EMPTY}b", "ab"),
        ("${env:HOST}:${env:PORT}", "pets.example:8000"),
        ("${env:EMPTY}", ""),
    ] {
        let loaded = parse_text(&format!("server: {{name: '{text}'}}\nupstreams: {{}}\n")).unwrap();
        assert_eq!(loaded.config.server.name, expected, "{text}");
    }
}

#[test]
fn files_are_read_from_the_folder_of_the_configuration() {
    let folder = std::env::temp_dir().join(format!("wharf-config-{}", std::process::id()));
    fs::create_dir_all(folder.join("keys")).unwrap();
    fs::write(folder.join("keys/token"), "hunter2\n").unwrap();
    fs::write(folder.join("keys/lines"), "a\r\n\r\n").unwrap();
    fs::write(folder.join("keys/large"), vec![b'x'; 300 * 1024]).unwrap();
    fs::write(folder.join("keys/bytes"), [0xff, 0xfe]).unwrap();
    let config = folder.join("wharf.yaml");
    let with = |name: &str| {
        fs::write(
            &config,
            format!("upstreams: {{}}\nserver:\n  name: ${{file:{name}}}\n"),
        )
        .unwrap();
        load::<Config>(&config, &environment())
    };

    let loaded = with("keys/token").unwrap();
    assert_eq!(loaded.config.server.name, "hunter2");
    assert_eq!(loaded.files, [config.clone(), folder.join("keys/token")]);
    assert_eq!(with("keys/lines").unwrap().config.server.name, "a\r\n");
    for (name, expected) in [
        ("keys/none", "does not exist"),
        ("keys/large", "is larger than 262144 bytes"),
        ("keys/bytes", "is not UTF-8 text"),
        ("keys", "cannot be read"),
    ] {
        let error = with(name).unwrap_err();
        let error = error.iter().next().unwrap();
        assert_eq!(error.line(), Some(3), "{name}");
        assert!(error.what().contains(expected), "{name}: {error}");
    }

    for (path, expected) in [
        (folder.join("none.yaml"), "there is no such file"),
        (folder.clone(), "this is a folder"),
        (folder.join("keys/bytes"), "line 1 is not UTF-8 text"),
    ] {
        let error = load::<Config>(&path, &environment()).unwrap_err();
        assert_eq!(error.iter().next().unwrap().what(), expected);
    }
    fs::write(&config, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    let error = load::<Config>(&config, &environment()).unwrap_err();
    assert!(error.to_string().contains("larger than 1048576 bytes"));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn stores_are_asked_once_and_their_answers_put_in() {
    let draft = Draft {
        path: "wharf.yaml".into(),
        text: "# ${ssm:comment}\nserver: {name: \"${ssm:/a}\", tags: [\"x ${secretsmanager:b#c}\", \"$${ssm:/d}\", \"${env:TOKEN}\"]}\nupstreams: {a.b: {url: \"${ssm:/url}\"}}\n".to_owned(),
        digest: None,
    };
    let asked: Vec<_> = draft.stored_references().into_iter().collect();
    assert_eq!(asked, ["secretsmanager:b#c", "ssm:/a", "ssm:/url"]);
    let environment = Environment::of([("TOKEN", "${ssm:/a}")]);
    let mut answers: Stored = [
        // Nothing is expanded twice.
        ("ssm:/a".to_owned(), Ok("${env:TOKEN}".to_owned())),
        ("secretsmanager:b#c".to_owned(), Ok("y".to_owned())),
        ("ssm:/url".to_owned(), Ok("http://a".to_owned())),
    ]
    .into();
    let loaded = draft.load::<Config>(&environment, &answers).unwrap();
    let server = &loaded.config.server;
    assert_eq!(server.name, "${env:TOKEN}");
    assert_eq!(server.tags, ["x y", "${ssm:/d}", "${ssm:/a}"]);
    let stored: Vec<_> = loaded.stored.into_iter().collect();
    let pair = |key: &str, reference: &str| (key.to_owned(), reference.to_owned());
    assert_eq!(
        stored,
        [
            pair("server.name", "ssm:/a"),
            pair("upstreams.\"a.b\".url", "ssm:/url"),
        ],
        "only what is a secret as a whole can be asked for again"
    );

    let refused = Unavailable {
        reason: "it is locked".to_owned(),
        hint: Some("unlock it".to_owned()),
    };
    answers.insert("ssm:/a".to_owned(), Err(refused));
    answers.remove("ssm:/url");
    let error = draft
        .load::<Config>(&environment, &answers)
        .expect_err("two are missing")
        .to_string();
    for expected in [
        "wharf.yaml:2: `server.name`: `${ssm:/a}` is not to be had: it is locked\nhint: unlock it",
        "wharf.yaml:3: `upstreams.\"a.b\".url`: `${ssm:/url}` is not to be had: no store of secrets was asked",
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

/// Whatever is read by the digest of a type is what is read by its schema, with the same words where it is wrong.
#[test]
fn reading_by_a_digest_is_reading() {
    let digest = crate::digest::<Config>().leak();
    for text in [
        "server: {port: 1, name: 1.10}\nupstreams: {}",
        "server: {port: 1}\nupstreams: {}\nextra: 0x10",
        "server: {prot: 1}\nupstreams: {}",
        "server: {port: 70000}\nupstreams: {}",
        "upstreams: {}",
        "server: [",
        "",
    ] {
        let draft = Draft {
            path: PathBuf::from("wharf.yaml"),
            text: text.to_owned(),
            digest: Some(digest),
        };
        let by_digest = draft.load::<Config>(&environment(), &Stored::new());
        let derived = parse::<Config>(text, "wharf.yaml", Path::new(""), &environment());
        let shown = |loaded: Result<Loaded<Config>, ConfigErrors>| match loaded {
            Ok(loaded) => format!("{:?} {:?}", loaded.config, loaded.warnings),
            Err(errors) => errors.to_string(),
        };
        assert_eq!(shown(by_digest), shown(derived), "{text}");
    }
}
