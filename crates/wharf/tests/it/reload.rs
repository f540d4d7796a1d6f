//! Reading everything again while serving.

use crate::process::{Folder, Running, document};

fn served(folder: &Folder) -> String {
    folder.write("api.json", &document(&["before"]));
    folder.write(
        "wharf.yaml",
        "sources:\n  api:\n    openapi: api.json\n    upstream: {base_url: 'http://127.0.0.1:9'}\n",
    )
}

#[test]
fn a_hangup_reads_everything_again() {
    let folder = Folder::new();
    let config = served(&folder);
    let server = Running::start(&["serve", "--config", &config, "--http", "127.0.0.1:0"]);
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
    let server = Running::start(&[
        "serve",
        "--config",
        &config,
        "--http",
        "127.0.0.1:0",
        "--watch",
    ]);
    assert_eq!(server.tool_names(), ["before"]);
    folder.write("api.json", &document(&["after_the_change"]));
    server.wait_for_line("serving the new state");
    assert_eq!(server.tool_names(), ["after_the_change"]);
}

#[test]
fn a_reload_says_what_it_cannot_change() {
    let folder = Folder::new();
    let config = served(&folder);
    let server = Running::start(&["serve", "--config", &config, "--http", "127.0.0.1:0"]);
    let changed = std::fs::read_to_string(&config).unwrap() + "server: {path: /other}\n";
    folder.write("wharf.yaml", &changed);
    server.signal("HUP");
    server.wait_for_line("needs a restart");
    assert_eq!(server.tool_names(), ["before"]);
}
