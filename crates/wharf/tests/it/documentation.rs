//! The documentation is true.

use std::path::Path;

use crate::process::{run, text, wharf};

fn project(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_configuration_manual_is_generated() {
    let manual = text(&run(&["config-reference"]).stdout);
    assert!(
        manual == project("docs/configuration.md"),
        "docs/configuration.md is not what the code says: `cargo run -- config-reference > docs/configuration.md`"
    );
}

#[test]
fn the_example_of_the_readme_is_a_file_and_loads() {
    let example = project("docs/examples/wharf.yaml");
    assert!(
        project("README.md").contains(&example),
        "README.md shows another example than docs/examples/wharf.yaml"
    );

    let folder = crate::process::Folder::new();
    folder.write("petstore.yaml", &crate::process::document(&["getPet"]));
    let config = folder.write("wharf.yaml", &example);
    let checked = wharf(&["check", "--config", &config])
        .env("PETSTORE_KEY", "secret")
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
}

#[test]
fn the_example_of_the_credentials_is_a_file_and_loads() {
    let example = project("docs/examples/credentials.yaml");
    assert!(
        project("docs/credentials.md").contains(&example),
        "docs/credentials.md shows another example than docs/examples/credentials.yaml"
    );

    let folder = crate::process::Folder::new();
    folder.write("shop.yaml", &project("docs/examples/shop.yaml"));
    for (row, removed, complaint) in [
        ("as it stands", "", None),
        (
            "without a scheme",
            "        aws:\n          type: sigv4\n          service: execute-api\n          region: eu-west-1\n",
            Some("listReports"),
        ),
    ] {
        assert!(example.contains(removed), "{row}");
        let config = folder.write("wharf.yaml", &example.replace(removed, ""));
        let checked = wharf(&["--log", "warn", "check", "--config", &config])
            .envs([
                ("SHOP_KEY", "a"),
                ("SHOP_SECRET", "b"),
                ("STAFF_PASSWORD", "c"),
            ])
            .output()
            .unwrap();
        let said = text(&checked.stderr);
        assert!(checked.status.success(), "{row}: {said}");
        let warns = said.contains("credentials");
        assert_eq!(warns, complaint.is_some(), "{row}: {said}");
        assert!(
            said.contains(complaint.unwrap_or_default()),
            "{row}: {said}"
        );
    }
}

#[test]
fn the_example_of_telemetry_is_a_file_and_loads() {
    let example = project("docs/examples/telemetry.yaml");
    assert!(
        project("docs/telemetry.md").contains(&example),
        "docs/telemetry.md shows another example than docs/examples/telemetry.yaml"
    );
    let folder = crate::process::Folder::new();
    folder.write("petstore.yaml", &crate::process::document(&["getPet"]));
    let check = |config: &str| {
        let mut command = wharf(&["check", "--config", config]);
        command.env("COLLECTOR_KEY", "secret").output().unwrap()
    };
    let checked = check(&folder.write("wharf.yaml", &example));
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    for text_with_bogus_key in wharf_config::plant_unknown_keys(&example) {
        let checked = check(&folder.write("planted.yaml", &text_with_bogus_key));
        assert_eq!(checked.status.code(), Some(1), "{text_with_bogus_key}");
    }
}

#[test]
fn every_object_of_the_configuration_refuses_unknown_keys() {
    let folder = crate::process::Folder::new();
    let planted = wharf_config::plant_unknown_keys(&project("docs/examples/wharf.yaml"));
    assert!(planted.len() >= 5, "{planted:#?}");
    for (number, text_with_bogus_key) in planted.iter().enumerate() {
        let config = folder.write(&format!("{number}.yaml"), text_with_bogus_key);
        let checked = wharf(&["check", "--config", &config])
            .env("PETSTORE_KEY", "secret")
            .output()
            .unwrap();
        let said = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(1), "{text_with_bogus_key}");
        assert!(
            said.contains("unknown key") || said.contains("expected"),
            "{text_with_bogus_key}\n{said}"
        );
    }
}

#[test]
fn the_example_of_the_sign_in_is_a_file_and_loads() {
    let example = project("docs/examples/sign-in.yaml");
    assert!(
        project("docs/sign-in.md").contains(&example),
        "docs/sign-in.md shows another example than docs/examples/sign-in.yaml"
    );

    let folder = crate::process::Folder::new();
    folder.write("shop.yaml", &project("docs/examples/shop.yaml"));
    let key = "k".repeat(32);
    for (row, key, removed, complaint) in [
        ("as it stands", key.as_str(), "", None),
        ("a short key", "k", "", Some("`sign_in.keys`")),
        (
            "no public address",
            &key,
            "  public_url: https://mcp.example.com\n",
            Some("`server.public_url`"),
        ),
        (
            "no domain",
            &key,
            "    domain: https://shop.auth.eu-west-1.amazoncognito.com\n",
            Some("domain"),
        ),
    ] {
        assert!(example.contains(removed), "{row}");
        let config = folder.write("wharf.yaml", &example.replace(removed, ""));
        let checked = wharf(&["check", "--config", &config])
            .envs([
                ("SIGN_IN_KEY", key),
                ("COGNITO_CLIENT_SECRET", "hush"),
                ("STORE_URL", "redis://127.0.0.1:1"),
            ])
            .output()
            .unwrap();
        let said = text(&checked.stderr);
        assert_eq!(
            checked.status.success(),
            complaint.is_none(),
            "{row}: {said}"
        );
        assert!(
            said.contains(complaint.unwrap_or_default()),
            "{row}: {said}"
        );
        assert!(!said.contains("hush"), "{row}: {said}");
    }
}
