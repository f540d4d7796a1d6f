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
