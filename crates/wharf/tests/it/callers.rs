//! The section `auth`, from the file to the answer.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Instant;

use crate::process::{Folder, PATIENCE, Running, document, text, wharf};

const KEY: &str = "a-key-that-is-long-enough";

fn config(auth: &str, more: &str) -> String {
    format!(
        "{more}auth:\n{auth}\nsources:\n  pets:\n    openapi: pets.json\n    upstream: {{base_url: 'http://127.0.0.1:9'}}\n"
    )
}

/// Everything that is answered to `GET path`.
fn get(address: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn callers_are_asked_for() {
    let folder = Folder::new();
    folder.write("pets.json", &document(&["getPet"]));
    let auth = format!(
        "  keys:\n  - {{subject: ann, key: {KEY}}}\n  issuers:\n  - {{issuer: 'https://login.example'}}"
    );
    let server = "server: {public_url: 'https://mcp.example'}\n";
    let config = folder.write("wharf.yaml", &config(&auth, server));
    let running = Running::start(&["serve", "--config", &config, "--http", "127.0.0.1:0"]);
    let answer = get(running.address(), "/mcp", "");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(
        answer.contains(
            "resource_metadata=\"https://mcp.example/.well-known/oauth-protected-resource/mcp\""
        ),
        "{answer}"
    );
    // 405: let in, and there is no session.
    let answer = get(
        running.address(),
        "/mcp",
        &format!("authorization: Bearer {KEY}\r\n"),
    );
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    let answer = get(
        running.address(),
        "/.well-known/oauth-protected-resource",
        "",
    );
    assert!(
        answer.contains("\"authorization_servers\":[\"https://login.example\"]"),
        "{answer}"
    );
}

#[test]
fn a_reload_takes_a_key_back() {
    let folder = Folder::new();
    folder.write("pets.json", &document(&["getPet"]));
    let of = |key: &str| config(&format!("  keys: [{{subject: ann, key: {key}}}]"), "");
    let path = folder.write("wharf.yaml", &of(KEY));
    let running = Running::start(&["serve", "--config", &path, "--http", "127.0.0.1:0"]);
    let header = format!("authorization: Bearer {KEY}\r\n");
    assert!(get(running.address(), "/mcp", &header).starts_with("HTTP/1.1 405"));
    folder.write("wharf.yaml", &of("another-key-long-enough!"));
    running.signal("HUP");
    running.wait_for_line("serving the new state");
    let answer = get(running.address(), "/mcp", &header);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    // A section that is wrong changes nothing.
    folder.write("wharf.yaml", &of("short"));
    running.signal("HUP");
    running.wait_for_line("the old state keeps serving");
    let header = "x: y\r\nauthorization: Bearer another-key-long-enough!\r\n";
    assert!(get(running.address(), "/mcp", header).starts_with("HTTP/1.1 405"));
}

#[test]
fn mistakes_are_told_at_the_start() {
    let folder = Folder::new();
    folder.write("pets.json", &document(&["getPet"]));
    for (case, auth, expected) in [
        (
            "nobody",
            "  key_header: x-api-key",
            vec!["`auth` has neither `issuers` nor `keys`"],
        ),
        (
            "two mistakes",
            "  keys: [{subject: ann, key: short}]\n  issuers: [{issuer: login}]",
            vec![
                "`auth.keys[0].key` has fewer than 20 bytes",
                "`auth.issuers[0].issuer` is no URL",
                "sha256sum",
            ],
        ),
        (
            "no audience",
            "  issuers: [{issuer: 'https://a.example'}]",
            vec!["does not say whom its tokens are for", "server.public_url"],
        ),
        (
            "a misspelt key",
            "  isuers: []",
            vec!["wharf.yaml:2", "did you mean `issuers`?"],
        ),
        (
            "no such algorithm",
            "  issuers: [{issuer: 'https://a.example', algorithms: [HS256]}]",
            vec!["wharf.yaml:2", "HS256"],
        ),
        (
            "none",
            "  issuers: [{issuer: 'https://a.example', algorithms: [none]}]",
            vec!["wharf.yaml:2", "none"],
        ),
        (
            "open lists and open calls",
            "  lists: open\n  keys: [{subject: ann, key: a-key-that-is-long-enough}]",
            vec!["`auth.lists` is `open`", "calls_need_caller"],
        ),
        (
            "Quilt with keys",
            "  style: quilt\n  keys: [{subject: ann, key: a-key-that-is-long-enough}]",
            vec!["`auth.style` is `quilt`"],
        ),
    ] {
        let config = folder.write("wharf.yaml", &config(auth, ""));
        let checked = wharf(&["check", "--config", &config]).output().unwrap();
        let said = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(1), "{case}: {said}");
        for part in expected {
            assert!(said.contains(part), "{case}: `{part}` is not in {said}");
        }
        assert!(!said.contains("short"), "{case}: a key was printed: {said}");
    }
}

#[test]
fn a_server_that_asks_nobody_says_so() {
    let folder = Folder::new();
    folder.write("pets.json", &document(&["getPet"]));
    let open = "sources:\n  pets:\n    openapi: pets.json\n    upstream: {base_url: 'http://127.0.0.1:9'}\n";
    let asking = config(&format!("  keys: [{{subject: ann, key: {KEY}}}]"), "");
    let asking = asking.as_str();
    for (case, text, http, warned) in [
        ("beyond this machine", open, "0.0.0.0:0", true),
        ("on this machine", open, "127.0.0.1:0", false),
        ("with callers", asking, "0.0.0.0:0", false),
    ] {
        let config = folder.write("wharf.yaml", text);
        let mut running = Running::start(&["serve", "--config", &config, "--http", http]);
        // Ended properly, so that everything was said.
        running.signal("TERM");
        running.exit_code();
        let said = running.rest();
        assert_eq!(
            said.contains("everybody who can reach this address"),
            warned,
            "{case}: {said}"
        );
    }
}

#[test]
fn the_example_of_the_callers_is_a_file_and_loads() {
    let project = |file: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        std::fs::read_to_string(path).unwrap()
    };
    let example = project("docs/examples/callers.yaml");
    assert!(
        project("docs/callers.md").contains(&example),
        "docs/callers.md shows another example than docs/examples/callers.yaml"
    );
    let folder = Folder::new();
    folder.write("petstore.yaml", &document(&["getPet"]));
    let config = folder.write("wharf.yaml", &example);
    let checked = wharf(&["check", "--config", &config])
        .envs([
            ("TOKEN_SECRET", "a secret that has thirty-two bytes"),
            ("TOKEN_SECRET_BEFORE", "another secret of as many bytes!!"),
            ("OPERATIONS_KEY", "a-key-that-is-long-enough"),
        ])
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

/// Issuers, identity providers and collectors are reached as APIs are: where nothing goes out but by a proxy.
#[test]
fn whoever_vouches_for_callers_is_reached_by_the_proxy() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let (tell, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in proxy.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let _ = BufReader::new(stream).read_line(&mut line);
            let _ = tell.send(line);
        }
    });
    let folder = Folder::new();
    folder.write("pets.json", &document(&["getPet"]));
    let more = format!(
        "server: {{public_url: 'https://mcp.example'}}\nsign_in: {{keys: [{}], provider: {{type: oidc, issuer: 'https://provider.example'}}, client_id: c}}\ntelemetry: {{otlp: {{endpoint: 'https://collector.example', interval_s: 1}}}}\n",
        "k".repeat(40)
    );
    let auth = "  issuers:\n  - {issuer: 'https://login.example', audiences: [a]}";
    let config = folder.write("wharf.yaml", &config(auth, &more));
    let running = Running::start_with(
        &["serve", "--config", &config, "--http", "127.0.0.1:0"],
        &[("HTTPS_PROXY", &url), ("NO_PROXY", "")],
    );
    // {"alg":"RS256","kid":"k"} and {"iss":"https://login.example"}; nobody looks at the rest before there are keys.
    let token =
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.AAAA";
    let bearer = format!("authorization: Bearer {token}\r\n");
    get(running.address(), "/mcp", &bearer);
    get(running.address(), "/logout", "");
    let mut hosts: BTreeSet<&str> = ["collector", "login", "provider"].into();
    let started = Instant::now();
    while !hosts.is_empty() {
        let left = PATIENCE.saturating_sub(started.elapsed());
        let line = asked
            .recv_timeout(left)
            .unwrap_or_else(|_| panic!("{hosts:?}"));
        hosts.retain(|host| !line.starts_with(&format!("CONNECT {host}.example:443 ")));
    }
}
