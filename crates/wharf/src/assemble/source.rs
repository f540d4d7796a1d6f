//! From a source's section to what it offers: its document read, its API reached, its tools chosen and its results shaped.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wharf_catalog::{Mistake, Offer, ShapeError, Shaped, View};
use wharf_config::Environment;
use wharf_model::{Source, with_causes};
use wharf_openapi::{Document, DocumentError, OpenApi, PagesMistake, Report, Whereabouts};
use wharf_upstream::{FetchOptions, Fetched, Trust, Upstream, UpstreamError, fetch_document};

use crate::config::{ConfigFile, SourceConfig};
use crate::failure::{self, Failure};
use crate::file;
use crate::references::{self, Origin};
use crate::secrets::{self, Surroundings};
use crate::terminal;
use crate::watched::Watched;

/// A document file larger than this is not read: the largest public descriptions have about 40 MB.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;

/// Builds one source; `files` gets those that it was read from.
pub(crate) async fn build_source(
    name: &str,
    source: &SourceConfig,
    file: &ConfigFile,
    files: &mut Watched,
) -> Result<(Offer, Report), Failure> {
    let (document, location) = read_document(name, source, file, files).await?;
    let whereabouts = Whereabouts {
        base_url: source.upstream.base_url.as_deref(),
        document_url: location.as_deref(),
    };
    let environment = Environment::of_process();
    let mut upstream = source
        .upstream
        .completed(&document.security_schemes(), &Surroundings(&environment))
        .map_err(|error| {
            Failure::of_upstream(&error)
                .within(&source.shown())
                .at(file.of_upstream(name, &error))
        })?;
    upstream.network = secrets::network()?;
    let tools = wharf_openapi::Config {
        name: Some(name.to_owned()),
        supplied: upstream.supplied(),
        result_bytes_max: if source.results.shape.is_default() {
            source.tools.openapi.result_bytes_max
        } else {
            // What a filter sees must be whole; what it leaves is cut later.
            source.upstream.response_bytes_max
        },
        ..source.tools.openapi.clone()
    };
    let (openapi, report) = OpenApi::build(document, &tools, whereabouts).map_err(|error| {
        let place = matches!(error, DocumentError::BaseUrl { .. })
            .then(|| file.of_source(name, "upstream", &["base_url".to_owned()]))
            .flatten();
        Failure::of(&error)
            .hint(error.hint())
            .within(&source.shown())
            .at(place)
    })?;
    if let Some(first) = report.without_credentials.first() {
        tracing::warn!(
            source = name,
            tools = report.without_credentials.len(),
            first,
            "tools want credentials for their security schemes that are not given; they are called without"
        );
    }
    let base_url = openapi.base_url().map(str::to_owned).ok_or_else(|| {
        Failure::new(format!(
            "{}: the document does not say where its API is",
            source.shown()
        ))
        .hint(if file.is_there() {
            "say it with `upstream.base_url`"
        } else {
            "say it with `--base-url URL`"
        })
        .at(file.of_source(name, "openapi", &[]))
    })?;
    let trust = if source.upstream.base_url.is_some() {
        source.rules.base_url
    } else {
        Trust::Document
    };
    let upstream = Upstream::new(&upstream, &base_url, trust).map_err(|error| {
        let hint = match (&error, trust) {
            (UpstreamError::Url { .. } | UpstreamError::Refused { .. }, Trust::Document) => format!("if you mean that address, say so: `--base-url {base_url}`, or `upstream.base_url` in the configuration"),
            _ => error.hint().unwrap_or_default().into_owned(),
        };
        Failure::of(&error)
            .hint(hint)
            .within(&source.shown())
            .at(file.of_upstream(name, &error))
    })?;
    let openapi = openapi
        .with_upstream(upstream)
        .with_pages(&source.results.pages)
        .map_err(|mistakes| of_mistakes(name, "results", &mistakes, file))?;
    let view = View::of(Arc::new(openapi), &source.tools.view)
        .map_err(|mistakes| of_mistakes(name, "tools", &mistakes, file))?;
    let offer = Offer {
        source: shaped(view, name, source, file)?,
        prefix: source.prefix.clone(),
    };
    Ok((offer, report))
}

/// Everything that is wrong with a section of a source.
fn of_mistakes(
    source: &str,
    section: &str,
    mistakes: &[impl Misconfigured],
    file: &ConfigFile,
) -> Failure {
    let told = mistakes.iter().map(|mistake| {
        let hint = meant(mistake.misspelling()).or(mistake.hint().map(str::to_owned));
        let place = file.of_source(source, section, &mistake.keys());
        let mistake = format_args!("source `{source}`: {mistake}");
        failure::told(place, &mistake, hint.as_deref())
    });
    Failure::new(told.collect::<Vec<_>>().join("\n"))
}

/// What was probably meant, as a question, where a name is like one of the candidates.
pub(crate) fn meant(misspelling: Option<(&str, &[String])>) -> Option<String> {
    let (given, candidates) = misspelling?;
    let nearest = wharf_config::nearest(given, candidates.iter().map(String::as_str))?;
    Some(format!("did you mean `{nearest}`?"))
}

/// A mistake in the configuration, as one of the parts tells it.
trait Misconfigured: std::fmt::Display {
    fn misspelling(&self) -> Option<(&str, &[String])>;
    fn hint(&self) -> Option<&'static str>;
    fn keys(&self) -> Vec<String>;
}

impl Misconfigured for Mistake {
    fn misspelling(&self) -> Option<(&str, &[String])> {
        Self::misspelling(self)
    }

    fn hint(&self) -> Option<&'static str> {
        Self::hint(self)
    }

    fn keys(&self) -> Vec<String> {
        Self::keys(self)
    }
}

impl Misconfigured for PagesMistake {
    fn misspelling(&self) -> Option<(&str, &[String])> {
        Self::misspelling(self)
    }

    fn hint(&self) -> Option<&'static str> {
        Some(Self::hint(self))
    }

    fn keys(&self) -> Vec<String> {
        Self::keys(self)
    }
}

/// The source with its results shaped, where that is configured.
fn shaped(
    inner: Arc<dyn Source>,
    name: &str,
    source: &SourceConfig,
    file: &ConfigFile,
) -> Result<Arc<dyn Source>, Failure> {
    if source.results.shape.is_default() {
        return Ok(inner);
    }
    let bytes_max = source.tools.openapi.result_bytes_max;
    let shaped = Shaped::new(inner, &source.results.shape, bytes_max).map_err(|error| {
        let hint = match &error {
            ShapeError::UnknownTool { tool, candidates } => meant(Some((tool, candidates)))
                .unwrap_or_else(|| "`wharf tools` lists the names".to_owned()),
            ShapeError::BadFilter { .. } => "docs/results.md says what of jq there is".to_owned(),
        };
        Failure::of(&error)
            .hint(hint)
            .at(file.of_source(name, "results", &error.keys()))
    })?;
    Ok(Arc::new(shaped))
}

/// Reads a document from a file or a URL. Gives the URL it came from, if it did.
async fn read_document(
    name: &str,
    source: &SourceConfig,
    file: &ConfigFile,
    files: &mut Watched,
) -> Result<(Document, Option<String>), Failure> {
    let location = &source.openapi;
    let environment = Environment::of_process();
    if location.starts_with("http://") || location.starts_with("https://") {
        let options = FetchOptions {
            trust: source.rules.document,
            allow_private_networks: source.upstream.allow_private_networks,
            https_only: source.rules.https_only,
            ca_pem: source.upstream.ca_pem.clone(),
            credentials: source
                .document_credentials
                .completed(&Surroundings(&environment))
                .map_err(|error| Failure::of_upstream(&error).within(&source.shown()))?,
            client_certificate: source.document_client_certificate.clone(),
            network: secrets::network()?,
            ..FetchOptions::default()
        };
        // Apart: most documents are files, and all would carry its room.
        let fetching = Box::pin(fetch(location, &options, source.rules.attempts_max));
        let fetched = terminal::while_waiting(&format!("fetching {}", source.shown()), fetching)
            .await
            .map_err(|error| {
                Failure::of_upstream(&error)
                    .within(&source.shown())
                    .at(file.of_document(name, &error))
            })?;
        let document = parse(fetched.body, &source.shown())?;
        let origin = Origin::Server {
            url: &fetched.url,
            options: &options,
        };
        let document = references::attach(document, &origin, files).await;
        return Ok((document, Some(fetched.url)));
    }
    let path = file.folder.join(location);
    files.add(&path);
    let read = read_document_file(&path).map_err(|failure| {
        let place = file.of_source(name, "openapi", &[]);
        failure.at(place)
    })?;
    let document = parse(Bytes::from(read), location)?;
    let document = references::attach(document, &Origin::File(&path), files).await;
    Ok((document, None))
}

fn parse(bytes: Bytes, location: &str) -> Result<Document, Failure> {
    Document::read(bytes).map_err(|error| Failure::of(&error).hint(error.hint()).within(location))
}

/// Fetches, and tries again after one second, then two, …, where another try can help.
async fn fetch(
    location: &str,
    options: &FetchOptions,
    attempts_max: u32,
) -> Result<Fetched, UpstreamError> {
    let mut attempt = 1;
    loop {
        match fetch_document(location, options).await {
            Err(error) if attempt < attempts_max && error.may_pass() => {
                tracing::warn!(
                    error = %with_causes(&error),
                    attempt,
                    "cannot fetch the document; trying again"
                );
                tokio::time::sleep(Duration::from_secs(attempt.into())).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

fn read_document_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let hint = "a document is a file here or an `http(s)://` URL";
    file::read(path, DOCUMENT_BYTES_MAX, hint)
}
