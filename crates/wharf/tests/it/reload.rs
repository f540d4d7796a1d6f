//! Reading everything again while serving.

use std::net::TcpListener;
use std::process::Stdio;

use crate::process::{Folder, Running, document, wharf};

fn served(folder: &Folder) -> String {
    folder.write("api.json", &document(&["before"]));
    folder.write(
        "wharf.yaml",
        "sources:\n  api:\n    openapi: api.json\n    upstream: {base_url: 'http://127.0.0.1:9'}\n",
    )
}

fn serve(config: &str, more: &[&str]) -> Running {
    let command = ["serve", "--config", config, "--http", "127.0.0.1:0"];
    Running::start(&[&command[..], more].concat())
}

#[test]
fn a_hangup_reads_everything_again() {
    let folder = Folder::new();
    let config = served(&folder);
    let server = serve(&config, &[]);
    assert_eq!(server.tool_names(), ["before"]);

    folder.write("api.json", &document(&["after", "another"]));
    server.signal("HUP");
    server.wait_for_line("serving the new state");
    assert_eq!(server.tool_names(), ["after", "another"]);

    folder.write("api.json", "{ broken");
    server.signal("HUP");
    server.wait_for_line("the old state keeps serving");
    assert_eq!(server.tool_names(), ["after", "another"]);
}

#[test]
fn a_watched_file_is_read_again_when_it_changes() {
    let folder = Folder::new();
    let config = served(&folder);
    let server = serve(&config, &["--watch"]);
    assert_eq!(server.tool_names(), ["before"]);
    folder.write("api.json", &document(&["after_the_change"]));
    server.wait_for_line("serving the new state");
    assert_eq!(server.tool_names(), ["after_the_change"]);
}

#[test]
fn a_reload_says_what_it_cannot_change() {
    let folder = Folder::new();
    let config = served(&folder);
    let server = serve(&config, &[]);
    let changed = std::fs::read_to_string(&config).unwrap() + "server: {path: /other}\n";
    folder.write("wharf.yaml", &changed);
    server.signal("HUP");
    server.wait_for_line("needs a restart");
    assert_eq!(server.tool_names(), ["before"]);
}

/// What has to be mended is watched too: it was not among what the state that serves was read from.
#[test]
fn a_new_file_that_was_broken_is_watched() {
    let folder = Folder::new();
    let config = served(&folder);
    let server = serve(&config, &["--watch"]);
    folder.write("new.json", "{ broken");
    let more = "  new:\n    openapi: new.json\n    upstream: {base_url: 'http://127.0.0.1:9'}\n";
    let both = std::fs::read_to_string(&config).unwrap() + more;
    folder.write("wharf.yaml", &both);
    server.wait_for_line("the old state keeps serving");
    folder.write("new.json", &document(&["added"]));
    server.wait_for_line("serving the new state");
    assert_eq!(server.tool_names(), ["before", "added"]);
}

/// A file may be on a network that hangs; a pipe that nobody writes to is like that.
#[test]
fn a_reload_that_hangs_holds_nobody_up() {
    let folder = Folder::new();
    let config = served(&folder);
    let mut server = serve(&config, &[]);
    std::fs::remove_file(&config).unwrap();
    make_pipe(&config);
    server.signal("HUP");
    server.wait_for_line("reading everything again");
    for _ in 0..20 {
        assert_eq!(server.tool_names(), ["before"]);
    }
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
}

fn make_pipe(path: &str) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// A signal while documents are read: it ends the start. A hangup does too where it is no word to reload.
#[test]
fn a_start_that_hangs_is_ended_by_a_signal() {
    for subcommand in ["serve", "openapi"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api.json", listener.local_addr().unwrap());
        let base = "http://127.0.0.1:9";
        let arguments = match subcommand {
            "serve" => vec!["serve", &url, "--base-url", base, "--http", "127.0.0.1:0"],
            _ => vec!["openapi", "--spec-url", &url, "--api-url", base],
        };
        let mut child = wharf(&arguments)
            .env("ALLOW_PRIVATE_NETWORKS", "true")
            .env("ALLOW_INSECURE_HTTP", "true")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It asks, and is never answered.
        let (_asking, _) = listener.accept().unwrap();
        let signal = |name: &str| {
            let id = child.id().to_string();
            let sent = std::process::Command::new("kill")
                .args([name, &id])
                .status();
            assert!(sent.unwrap().success());
        };
        signal("-HUP");
        if subcommand == "serve" {
            signal("-TERM");
        }
        assert_eq!(child.wait().unwrap().code(), Some(0), "{subcommand}");
    }
}
