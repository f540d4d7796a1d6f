//! `wharf demo`: a pet store API and the MCP server over it, in one process.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use wharf_model::Secret;
use wharf_server::Door;
use wharf_upstream::{ApiKeyPlace, Credentials};

use crate::assemble::{self, Schemas};
use crate::cli::Demo;
use crate::commands::serve;
use crate::config;
use crate::failure::Failure;
use crate::tables;
use crate::telemetry::{Counts, Telemetry, Way};
use crate::terminal::{self, BOLD, DIM};
use crate::watched::Watched;

/// How long the store may finish what it is doing: one of its answers is slow on purpose.
const STORE_GRACE: Duration = Duration::from_secs(1);

pub(crate) async fn run(demo: &Demo) -> Result<ExitCode, Failure> {
    let signals = serve::Signals::listen()?;
    // First, because it is what can fail: the port may be in use.
    let listener = serve::bind(&demo.http).await?;
    let address = serve::address(&listener)?;

    let store = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| Failure::new(format!("cannot start the pet store: {error}")))?;
    let store_address = store
        .local_addr()
        .map_err(|error| Failure::new(format!("cannot start the pet store: {error}")))?;
    let store_url = format!("http://{store_address}");
    let folder = Folder::create()?;
    let document = folder.write_document(&store_url)?;
    let (close_store, closed) = oneshot::channel::<()>();
    let store = tokio::spawn(wharf_petstore::serve(store, async {
        let _ = closed.await;
    }));

    let mut config = config::of_document(&document.display().to_string(), Some(store_url.clone()));
    for source in config.sources.values_mut() {
        // The key stays here: the model never sees it.
        source.upstream.credentials = Credentials::ApiKey {
            name: Some("X-Api-Key".to_owned()),
            place: Some(ApiKeyPlace::Header),
            value: Secret::new(wharf_petstore::API_KEY),
        };
    }
    "petstore".clone_into(&mut config.name);
    let assembled = assemble::of_config(config, Schemas::Later, &mut Watched::default()).await?;
    let url = format!("http://{address}{}", assembled.config.server.path);
    introduce(&url, &store_url, &document, &assembled);
    let config = assembled.config.server.clone();
    let telemetry = Telemetry::start(&assembled.config, Counts::Configured, Way::Http)?;
    let server = assemble::server(&assembled.config, assembled.catalog, telemetry.observer());
    let outcome = serve::serve_http(server, listener, &config, Door::default(), signals).await;
    telemetry.finish().await;

    let _ = close_store.send(());
    match tokio::time::timeout(STORE_GRACE, store).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "the pet store ended badly"),
        Ok(Err(error)) => tracing::warn!(%error, "the pet store broke"),
        Err(_) => tracing::debug!("the pet store was still busy"),
    }
    outcome.outcome()
}

/// How many names are tried for the demo's folder.
const FOLDER_TRIES: u32 = 100;

/// A folder of the demo's own among the temporary files, which others cannot look into; removed with the value.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, Failure> {
        let temporary = std::env::temp_dir();
        let mut number = 1;
        loop {
            let path = temporary.join(format!("wharf-demo-{}.{number}", std::process::id()));
            // Fails when something is there already: a link that somebody put there is not followed.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                // A demo that was killed left its folder, and process numbers come again.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < FOLDER_TRIES => {
                    number += 1;
                }
                Err(error) => {
                    let path = path.display();
                    let failure =
                        Failure::new(format!("cannot create the folder `{path}`: {error}"));
                    let hint = "remove it, or name another place for temporary files in `TMPDIR`";
                    return Err(failure.hint(hint));
                }
            }
        }
    }

    /// Writes the document where it can be looked at.
    fn write_document(&self, store_url: &str) -> Result<PathBuf, Failure> {
        let file = self.0.join("petstore.yaml");
        std::fs::write(&file, wharf_petstore::document(store_url))
            .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", file.display())))?;
        Ok(file)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the demo's folder stays");
        }
    }
}

fn introduce(
    url: &str,
    store_url: &str,
    document: &std::path::Path,
    assembled: &assemble::Assembled,
) {
    let heading = |text: &str| terminal::styled_result(BOLD, text);
    terminal::result(tables::tools(&assembled.catalog.visible().tools()));
    terminal::result(format_args!(
        "\n{} a pet store at {store_url}, described by {}\n{} {url}\n",
        heading("API:"),
        document.display(),
        heading("MCP:"),
    ));
    for (client, snippet) in snippets(url) {
        terminal::result(format_args!("{}\n{snippet}\n", heading(client)));
    }
    let wharf = program();
    terminal::result(format_args!(
        "{}\n  {wharf} call getPet petId=1 --url {url}",
        heading("From another terminal")
    ));
    terminal::say(terminal::styled(DIM, "\nCtrl-C ends it."));
}

/// What to paste where, for the clients people have.
fn snippets(url: &str) -> [(&'static str, String); 4] {
    [
        (
            "Claude Code",
            format!("  claude mcp add --transport http petstore {url}"),
        ),
        (
            "Cursor (.cursor/mcp.json)",
            format!(r#"  {{"mcpServers": {{"petstore": {{"url": "{url}"}}}}}}"#),
        ),
        (
            "VS Code (.vscode/mcp.json)",
            format!(r#"  {{"servers": {{"petstore": {{"type": "http", "url": "{url}"}}}}}}"#),
        ),
        (
            "MCP Inspector",
            format!(
                "  npx @modelcontextprotocol/inspector --cli {url} --transport http --method tools/list"
            ),
        ),
    ]
}

/// How to call this very program from a shell in this folder.
fn program() -> String {
    let Ok(program) = std::env::current_exe() else {
        return "wharf".to_owned();
    };
    let environment = wharf_config::Environment::of_process();
    let on_path =
        std::env::split_paths(environment.get("PATH").unwrap_or_default()).any(|folder| {
            folder
                .join("wharf")
                .canonicalize()
                .is_ok_and(|found| found == program)
        });
    if on_path {
        return "wharf".to_owned();
    }
    let here = std::env::current_dir()
        .ok()
        .and_then(|here| Some(program.strip_prefix(here).ok()?.to_owned()));
    here.unwrap_or(program).display().to_string()
}
