//! What is wrong, word for word.

use super::parse_text;

#[test]
fn mistakes_say_what_where_and_what_next() {
    // Each is put below `upstreams: {}`, so that line 2 is the first.
    for (text, expected) in [
        (
            "sever: {}",
            "2: unknown key `sever`\nhint: did you mean `server`?",
        ),
        (
            "server: {timout_s: 1}",
            "2: unknown key `server.timout_s`\nhint: did you mean `timeout_s`?",
        ),
        (
            "port: 1",
            "2: unknown key `port`\nhint: it belongs at `server.port`",
        ),
        (
            "zzz: 1",
            "2: unknown key `zzz`\nhint: known here: `server`, `upstreams`, `extra`, `retries`",
        ),
        (
            "server:\n  port: many",
            "3: `server.port`: expected a whole number from 0 to 65535, found text",
        ),
        (
            "server:\n  port: \"8000\"",
            "3: `server.port`: expected a whole number from 0 to 65535, found text\nhint: remove the quotes",
        ),
        (
            "server: {port: 70000}",
            "2: `server.port`: expected a whole number from 0 to 65535, found `70000`",
        ),
        (
            "server: {port: 1.5}",
            "2: `server.port`: expected a whole number from 0 to 65535, found a number with a fraction",
        ),
        (
            "server: {timeout_s: 30s}",
            "2: `server.timeout_s`: expected a number of seconds, found text\nhint: write the number alone, without a unit",
        ),
        (
            "server: {timeout_s: [1]}",
            "2: `server.timeout_s`: expected a number of seconds, found a list",
        ),
        (
            "server: {body_bytes_max: 1MB}",
            "2: `server.body_bytes_max`: expected a whole number of bytes from 0, found text\nhint: write the number alone, without a unit",
        ),
        (
            "server: {is_verbose: yes}",
            "2: `server.is_verbose`: expected `true` or `false`, found text\nhint: write `true`",
        ),
        (
            "server:\n  name:",
            "3: `server.name`: expected text, found nothing\nhint: write the text after the colon; the text `null` itself stands in quotes",
        ),
        (
            "server: {level: inof}",
            "2: `server.level`: expected one of `warn`, `debug`, `info`, found `inof`\nhint: did you mean `info`?",
        ),
        (
            "server: {level: {}}",
            "2: `server.level`: expected one of `warn`, `debug`, `info`, found a table",
        ),
        (
            "server: {tags: one}",
            "2: `server.tags`: expected a list, found text\nhint: a list is written `[a, b]`, or each item on its own line after `- `",
        ),
        (
            "server: {tags: [a, [b]]}",
            "2: `server.tags[1]`: expected text, found a list",
        ),
        (
            "server: 5",
            "2: `server`: expected a table of keys and values, found a number",
        ),
        (
            "server: {port: 1, port: 2}",
            "2: key `server.port` is given twice\nhint: remove one; the first is on line 2",
        ),
        (
            "server: {name: \"${env:NOPE}\"}",
            "2: `server.name`: the environment variable `NOPE` is not set\nhint: set `NOPE` where this program is started",
        ),
        (
            "server: {name: \"${env:TOKN}\"}",
            "2: `server.name`: the environment variable `TOKN` is not set\nhint: set it, or did you mean `TOKEN`?",
        ),
        (
            "server: {name: \"${file:nowhere/key}\"}",
            "2: `server.name`: the file `./nowhere/key` does not exist\nhint: the path is taken from the folder of the configuration file",
        ),
        (
            "server: {name: \"${TOKEN}\"}",
            "2: `server.name`: `${TOKEN}` is neither a variable nor a file nor in a store of secrets\nhint: write `${env:TOKEN}` for the environment variable, or `$${` for the characters `${` themselves",
        ),
        (
            "server: {name: \"${env:TOKEN\"}",
            "2: `server.name`: the reference `${env:TOKEN` has no `}`\nhint: write `$${` for the characters `${` themselves",
        ),
        (
            "server: {port: \"${env:TOKEN}\"}",
            "2: `server.port`: expected a whole number from 0 to 65535, found text from `${env:TOKEN}`",
        ),
        (
            "server: {port: \"9${env:PORT}\"}",
            "2: `server.port`: expected a whole number from 0 to 65535, found the value of `${env:PORT}`",
        ),
        (
            "server: {level: \"${env:LEVEL}\"}",
            "2: `server.level`: expected one of `warn`, `debug`, `info`, found the value of `${env:LEVEL}`",
        ),
        (
            "retries: {x: 1}",
            "2: key `retries.x` must be a whole number",
        ),
    ] {
        let error = parse_text(&format!("upstreams: {{}}\n{text}\n")).expect_err(text);
        assert_eq!(error, format!("error: wharf.yaml:{expected}"), "{text}");
    }
}

#[test]
fn mistakes_in_enums_name_the_variant_that_was_meant() {
    for (text, expected) in [
        (
            "auth: {token: x}",
            "4: the key `type` is missing in `upstreams.a.auth`\nhint: `type` is one of `none`, `bearer`, `basic`, `key`",
        ),
        ("auth:", "4: `upstreams.a.auth`: not an error"),
        (
            "auth: {type: baerer}",
            "4: `upstreams.a.auth.type`: expected one of `none`, `bearer`, `basic`, `key`, found `baerer`\nhint: did you mean `bearer`?",
        ),
        (
            "auth: {type: none, tokn: x}",
            "4: unknown key `upstreams.a.auth.tokn`\nhint: known here: `type`",
        ),
        (
            "auth: {type: basic, user: x}",
            "4: the key `password` is missing in `upstreams.a.auth`\nhint: add `password`: A secret text",
        ),
        (
            "auth: {type: key, heder: x}",
            "4: unknown key `upstreams.a.auth.heder`\nhint: did you mean `header`?",
        ),
        (
            "auth: {type: key, header: x, retries: [{on: Status, with: soon}]}",
            "4: `upstreams.a.auth.retries[0].with`: expected a whole number from 0 to 65535, found text",
        ),
        (
            "auth: bearer",
            "4: `upstreams.a.auth`: expected a table of keys and values, found text",
        ),
        (
            "pages: al",
            "4: `upstreams.a.pages`: expected one of `all`, `first`, `cursor`, found `al`\nhint: did you mean `all`?",
        ),
        (
            "pages: {frist: {count: 1}}",
            "4: unknown key `upstreams.a.pages.frist`\nhint: did you mean `first`?",
        ),
        (
            "pages: {first: {count: 300}}",
            "4: `upstreams.a.pages.first.count`: expected a whole number from 0 to 255, found `300`",
        ),
        (
            "pages: {first: {count: 3}, cursor: {name: x}}",
            "4: `upstreams.a.pages`: expected exactly one of `first`, `cursor`, found 2",
        ),
        (
            "names: {}",
            "4: `upstreams.a.names`: expected text or a list, found a table\nhint: begin each item of the list with `- `",
        ),
        (
            "names: [[]]",
            "4: `upstreams.a.names[0]`: expected text, found a list",
        ),
    ] {
        let outcome = parse_text(&format!(
            "upstreams:\n  a:\n    url: http://a\n    {text}\n"
        ));
        if expected.ends_with("not an error") {
            assert!(outcome.is_ok(), "{text}: {outcome:?}");
            continue;
        }
        assert_eq!(
            outcome.expect_err(text),
            format!("error: wharf.yaml:{expected}"),
            "{text}"
        );
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_lines() {
    let error = parse_text(
        "server:\n  prot: 1\n  level: loud\n  level: info\nupstreams:\n  pets:\n    auth: {type: bearer, token: '${env:NOPE}'}\n",
    )
    .unwrap_err();
    assert_eq!(
        error,
        "error: wharf.yaml:2: unknown key `server.prot`
hint: did you mean `port`?
error: wharf.yaml:3: `server.level`: expected one of `warn`, `debug`, `info`, found `loud`
error: wharf.yaml:4: key `server.level` is given twice
hint: remove one; the first is on line 3
error: wharf.yaml:6: the key `url` is missing in `upstreams.pets`
hint: add `url`: Where the API lives
error: wharf.yaml:7: `upstreams.pets.auth.token`: the environment variable `NOPE` is not set
hint: set `NOPE` where this program is started"
    );
}

#[test]
fn mistakes_beyond_a_number_are_counted() {
    let lines: Vec<String> = (0..60).map(|n| format!("key_{n}: 1")).collect();
    let error = parse_text(&lines.join("\n")).unwrap_err();
    assert_eq!(error.matches("error:").count(), 51);
    assert!(
        error.ends_with("error: wharf.yaml: and 11 mistakes more"),
        "{error}"
    );
}

#[test]
fn what_the_type_refuses_is_told_without_secrets() {
    for (url, expected) in [
        ("nowhere", "an address begins with `http://` or `https://`"),
        ("echo", "`echo` is no address"),
        (
            "${env:TOKEN}",
            "an address begins with `http://` or `https://`",
        ),
        (
            "${env:ECHO}",
            "what `${env:ECHO}` stands for is not accepted",
        ),
    ] {
        let error = parse_text(&format!("upstreams:\n  a:\n    url: '{url}'\n")).unwrap_err();
        assert_eq!(
            error,
            format!("error: wharf.yaml:3: `upstreams.a.url`: {expected}"),
            "{url}"
        );
    }
}

#[test]
fn nothing_to_read_is_an_error_of_its_own() {
    for text in ["", "# nothing\n", "---\n...\n", "null"] {
        assert_eq!(
            parse_text(text).unwrap_err(),
            "error: wharf.yaml: the file is empty\nhint: it needs at least `upstreams`",
            "{text:?}"
        );
    }
    let error = parse_text("- a\n").unwrap_err();
    assert!(
        error.starts_with("error: wharf.yaml:1: expected a table of keys and values, found a list"),
        "{error}"
    );
}
