//! Client-id metadata documents: a client whose id is the address of a document about it.
//!
//! Whoever asks for a sign-in names the address, so it is fetched as one that a stranger names: over TLS, never in a private
//! network, without redirects, small, few at once, and kept for a few minutes only.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use url::Url;
use wharf_upstream::{FetchOptions, Network, Seconds, Trust, fetch_document};

use super::attempt::{Attempt, Failure};
use super::client::{self, Client};
use super::config::ClientDocuments;

/// Of a client's id: it is carried along.
const ADDRESS_BYTES_MAX: usize = 512;
/// Honest ones have one; the draft recommends a limit of five.
const DOCUMENT_BYTES_MAX: usize = 16 << 10;
const REDIRECT_URIS_MAX: usize = 20;
/// A person waits for it.
const FETCH_S: f64 = 5.0;
/// Of one host, so that nobody uses this server to press another, nor keeps others waiting with a slow one.
const FETCHES_PER_HOST_MAX: usize = 2;
const FETCHES_MAX: usize = 64;
/// A sign-in asks for a document once or twice; a changed one is seen soon.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);
const KEPT_MAX: usize = 256;

pub(crate) struct Documents {
    config: ClientDocuments,
    network: Network,
    kept: Mutex<HashMap<String, (Instant, Client)>>,
    /// The hosts that are asked at the moment.
    asked: Mutex<Vec<String>>,
}

/// A host is being asked until this is dropped.
struct Asking<'a> {
    documents: &'a Documents,
    host: String,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut asked = self.documents.asked();
        if let Some(at) = asked.iter().position(|host| *host == self.host) {
            asked.swap_remove(at);
        }
    }
}

#[derive(Deserialize)]
struct Document {
    client_id: String,
    client_name: Option<String>,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
}

impl Documents {
    pub(crate) fn new(config: &ClientDocuments, network: &Network) -> Self {
        Self {
            config: config.clone(),
            network: network.clone(),
            kept: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    pub(crate) fn are_taken(&self) -> bool {
        self.config.enabled
    }

    pub(crate) async fn client(&self, id: &str, attempt: &Attempt) -> Result<Client, Failure> {
        self.check_address(id)?;
        if let Some(client) = self.kept(id) {
            return Ok(client);
        }
        let client = self.fetch(id, attempt).await?;
        self.keep(id, &client);
        Ok(client)
    }

    fn check_address(&self, id: &str) -> Result<(), Failure> {
        let refuse = |what: &'static str| {
            Err(Failure::client(
                "invalid_client",
                what,
                "the client must use the plain https address of its document as its id",
            ))
        };
        if !self.config.enabled {
            return Err(Failure::configuration(
                "invalid_client",
                "this server does not take clients that bring a document",
                "permit them with `sign_in.client_documents.enabled: true`",
            ));
        }
        if id.len() > ADDRESS_BYTES_MAX {
            return refuse("the client's id is too long");
        }
        let Ok(url) = Url::parse(id) else {
            return refuse("the client's id is no address");
        };
        // One text for each address, so that nothing of it is in doubt: no dot segments, no port or user left out.
        if url.as_str() != id || url.path() == "/" || url.fragment().is_some() {
            return refuse("the client's id is no plain address of a document");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("the client's id has a user in it");
        }
        let host = url.host_str().unwrap_or_default();
        let hosts = &self.config.hosts;
        if !hosts.is_empty() && !hosts.iter().any(|permitted| permitted == host) {
            return Err(Failure::configuration(
                "invalid_client",
                format!("clients of {host} are not permitted by this server's owner"),
                "permit them in `sign_in.client_documents.hosts`",
            ));
        }
        Ok(())
    }

    /// None where enough are being asked, or this one is often enough.
    fn ask(&self, id: &str) -> Option<Asking<'_>> {
        let host = Url::parse(id).ok()?.host_str()?.to_owned();
        let mut asked = self.asked();
        let same = asked.iter().filter(|other| **other == host).count();
        if same >= FETCHES_PER_HOST_MAX || asked.len() >= FETCHES_MAX {
            return None;
        }
        asked.push(host.clone());
        Some(Asking {
            documents: self,
            host,
        })
    }

    fn asked(&self) -> MutexGuard<'_, Vec<String>> {
        // Every change is one statement, so a panic elsewhere left nothing half done.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self, id: &str, attempt: &Attempt) -> Result<Client, Failure> {
        let Some(_asking) = self.ask(id) else {
            return Err(Failure::client(
                "temporarily_unavailable",
                "too many clients' documents are being fetched",
                "try again in a moment",
            ));
        };
        let options = FetchOptions {
            trust: Trust::Document,
            allow_private_networks: self.config.allow_private_networks,
            https_only: true,
            bytes_max: DOCUMENT_BYTES_MAX,
            timeout_s: Seconds::try_from(FETCH_S).expect("a time within a day"),
            redirects_max: 0,
            ca_pem: self.config.ca_pem.clone(),
            network: self.network.clone(),
            ..FetchOptions::default()
        };
        let fetched = fetch_document(id, &options).await.map_err(|error| {
            attempt.cause("client document", &error);
            Failure::client(
                "invalid_client",
                "the client's document cannot be fetched",
                "check that it can be had at the client's id, over TLS, without redirects, from where this server runs",
            )
        })?;
        read(id, &fetched.body)
    }

    fn kept(&self, id: &str) -> Option<Client> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, client) = kept.get(id)?;
        (since.elapsed() < KEPT_FOR).then(|| client.clone())
    }

    fn keep(&self, id: &str, client: &Client) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (since, _)| since.elapsed() < KEPT_FOR);
        }
        if kept.len() < KEPT_MAX {
            kept.insert(id.to_owned(), (Instant::now(), client.clone()));
        }
    }
}

fn read(id: &str, body: &[u8]) -> Result<Client, Failure> {
    let refuse = |what: &'static str| {
        Failure::client(
            "invalid_client",
            what,
            "the client's makers must mend its document",
        )
    };
    let document: Document = serde_json::from_slice(body).map_err(|_| {
        refuse("the client's document is not JSON with client_id and redirect_uris")
    })?;
    if document.client_id != id {
        return Err(refuse("the client's document is about another client"));
    }
    // Secrets have no place where everybody reads, and other proofs are not taken.
    if document
        .token_endpoint_auth_method
        .is_some_and(|method| method != "none")
    {
        return Err(refuse(
            "the client's document asks for a proof that is not taken here; only none is",
        ));
    }
    if document.redirect_uris.is_empty() || document.redirect_uris.len() > REDIRECT_URIS_MAX {
        return Err(refuse(
            "the client's document has no redirect addresses, or too many",
        ));
    }
    Ok(Client {
        mark: client::mark(id, id),
        name: document.client_name.unwrap_or_default(),
        redirect_uris: document.redirect_uris,
        is_configured: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "https://client.example/about.json";

    #[test]
    fn a_document_is_about_its_own_address() {
        let body = |id: &str, more: &str| {
            format!(
                r#"{{"client_id":"{id}","client_name":"C","redirect_uris":["http://127.0.0.1/"]{more}}}"#
            )
        };
        for (case, body, good) in [
            ("as it should be", body(ID, ""), true),
            (
                "with more",
                body(ID, r#","x":1,"token_endpoint_auth_method":"none""#),
                true,
            ),
            (
                "about another",
                body("https://client.example/other.json", ""),
                false,
            ),
            ("with a slash", body(&format!("{ID}/"), ""), false),
            (
                "twice",
                body(ID, r#","client_id":"https://x.example/y""#),
                false,
            ),
            (
                "with a secret",
                body(ID, r#","token_endpoint_auth_method":"client_secret_post""#),
                false,
            ),
            (
                "without addresses",
                format!(r#"{{"client_id":"{ID}","redirect_uris":[]}}"#),
                false,
            ),
            ("no JSON", "<html>".to_owned(), false),
        ] {
            assert_eq!(read(ID, body.as_bytes()).is_ok(), good, "{case}");
        }
    }

    #[test]
    fn addresses_are_plain() {
        let documents = Documents::new(&ClientDocuments::default(), &Network::default());
        let listed = ClientDocuments {
            hosts: vec!["client.example".to_owned()],
            ..ClientDocuments::default()
        };
        let listed = Documents::new(&listed, &Network::default());
        for (id, good) in [
            (ID, true),
            ("https://client.example/about.json?v=1", true),
            ("https://client.example/", false),
            ("https://client.example", false),
            ("https://client.example/a/../b", false),
            ("https://client.example/%2e%2e/b", false),
            ("https://client.example:443/b", false),
            ("https://CLIENT.example/b", false),
            ("https://a@client.example/b", false),
            ("https://client.example/b#c", false),
            ("https://evil.example\\@client.example/b", false),
        ] {
            assert_eq!(documents.check_address(id).is_ok(), good, "{id}");
            assert_eq!(listed.check_address(id).is_ok(), good, "{id}");
        }
        assert!(listed.check_address("https://other.example/b").is_err());
    }
}
