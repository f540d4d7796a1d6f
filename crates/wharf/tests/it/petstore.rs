//! The demo's API on loopback, and a server that offers it.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::process::{Folder, Running};

/// A pet store; closed when it goes out of scope.
pub(crate) struct PetStore {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl PetStore {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            wharf_petstore::serve(listener, std::future::pending())
                .await
                .unwrap();
        });
        Self { address, serving }
    }
}

impl Drop for PetStore {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Writes a configuration that offers the pet store at `api`.
pub(crate) fn configure(folder: &Folder, api: SocketAddr, server: &str, upstream: &str) -> String {
    let url = format!("http://{api}");
    folder.write("petstore.yaml", &wharf_petstore::document(&url));
    folder.write(
        "wharf.yaml",
        &format!(
            "server: {server}\nsources:\n  pets:\n    openapi: petstore.yaml\n    upstream: {{base_url: '{url}', {upstream}}}\n"
        ),
    )
}

/// Starts the server. It blocks until the server says where it is.
pub(crate) fn serve(config: &str) -> Running {
    tokio::task::block_in_place(|| {
        Running::start(&["serve", "--config", config, "--http", "127.0.0.1:0"])
    })
}

/// Where a server listens.
pub(crate) fn address(server: &Running) -> SocketAddr {
    server.address().parse().unwrap()
}
