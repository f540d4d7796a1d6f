//! The files that a document refers to: beside it in its folder, or beside it on its server, and nowhere else.
//!
//! `wharf-openapi` says which files are needed and knows nothing of folders and servers; here is decided which of them
//! may be read. One that may not, or that is not there, leaves out what needs it, and the report says why.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;
use wharf_openapi::{Document, FoundFile};
use wharf_upstream::{FetchOptions, fetch_document};

use crate::watched::Watched;

/// How many files deep references lead; files that refer to each other in a row are read one after the other.
const ROUNDS_MAX: usize = 16;

/// A file larger than this is not read. A part of a description is seldom larger than 1 MB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// How many files are fetched at a time.
const FETCHES_MAX: usize = 8;

/// Where a document came from.
pub(crate) enum Origin<'a> {
    /// A file, as it was named.
    File(&'a Path),
    /// A server: the document's address in the end, and how it was fetched.
    Server {
        url: &'a str,
        options: &'a FetchOptions,
    },
}

/// Gives the document the files that it refers to. `files` gets those that were looked for.
pub(crate) async fn attach(
    document: Document,
    origin: &Origin<'_>,
    files: &mut Watched,
) -> Document {
    let Some(surroundings) = Surroundings::of(origin) else {
        return document;
    };
    let mut document = document.located_at(surroundings.address.as_str());
    for _ in 0..ROUNDS_MAX {
        let wanted = document.external_references();
        if wanted.is_empty() {
            return document;
        }
        document.attach(surroundings.find(wanted, files).await);
    }
    let reason = format!("references lead through more than {ROUNDS_MAX} files");
    let rest = document.external_references().into_iter();
    document.attach(rest.map(|wanted| (wanted, Err(reason.clone()))));
    document
}

/// What may be read.
struct Surroundings<'a> {
    /// The document's own address.
    address: Url,
    place: Place<'a>,
}

enum Place<'a> {
    /// The document's folder, without symbolic links in its path.
    Folder(PathBuf),
    Server {
        options: &'a FetchOptions,
        deadline: Instant,
    },
}

type Found = (String, Result<FoundFile, String>);

impl<'a> Surroundings<'a> {
    fn of(origin: &Origin<'a>) -> Option<Self> {
        match origin {
            Origin::File(path) => {
                let parent = path.parent().filter(|parent| *parent != Path::new(""));
                let folder = parent.unwrap_or(Path::new(".")).canonicalize().ok()?;
                let address = Url::from_file_path(folder.join(path.file_name()?)).ok()?;
                Some(Self {
                    address,
                    place: Place::Folder(folder),
                })
            }
            Origin::Server { url, options } => Some(Self {
                address: Url::parse(url).ok()?,
                place: Place::Server {
                    options,
                    deadline: Instant::now() + options.timeout_s.duration(),
                },
            }),
        }
    }

    async fn find(&self, wanted: Vec<String>, files: &mut Watched) -> Vec<Found> {
        match &self.place {
            Place::Folder(folder) => wanted
                .into_iter()
                .map(|wanted| {
                    let found = read(&wanted, folder, files);
                    (wanted, found)
                })
                .collect(),
            Place::Server { options, deadline } => self.fetch(wanted, options, *deadline).await,
        }
    }

    async fn fetch(
        &self,
        wanted: Vec<String>,
        options: &FetchOptions,
        deadline: Instant,
    ) -> Vec<Found> {
        let mut found = Vec::with_capacity(wanted.len());
        for some in wanted.chunks(FETCHES_MAX) {
            let mut fetches = JoinSet::new();
            for wanted in some {
                if Url::parse(wanted).is_ok_and(|url| url.origin() == self.address.origin()) {
                    fetches.spawn(fetch(wanted.clone(), options.clone(), deadline));
                } else {
                    let reason = "it is on another server than the document";
                    found.push((wanted.clone(), Err(reason.to_owned())));
                }
            }
            found.extend(fetches.join_all().await);
        }
        found
    }
}

/// A file of the folder. Symbolic links may lead to other places in it, and to none outside.
fn read(wanted: &str, folder: &Path, files: &mut Watched) -> Result<FoundFile, String> {
    let outside = || "it is not in the document's folder".to_owned();
    let path = Url::parse(wanted)
        .ok()
        .filter(|url| url.scheme() == "file")
        .and_then(|url| url.to_file_path().ok())
        .filter(|path| path.starts_with(folder))
        // An encoded slash hides a step from URLs, and not from files.
        .filter(|path| !path.components().any(|step| step == Component::ParentDir))
        .ok_or_else(outside)?;
    // One that is not there yet may come.
    files.add(&path);
    let real = path
        .canonicalize()
        .map_err(|error| format!("cannot read it: {error}"))?;
    if !real.starts_with(folder) {
        return Err(outside());
    }
    let cannot = |error: std::io::Error| format!("cannot read it: {error}");
    let metadata = real.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    let file = std::fs::File::open(&real).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    Ok(FoundFile {
        bytes: Bytes::from(bytes),
        address: wanted.to_owned(),
    })
}

async fn fetch(wanted: String, options: FetchOptions, deadline: Instant) -> Found {
    let fetching = fetch_document(&wanted, &options);
    let found = match tokio::time::timeout_at(deadline, fetching).await {
        Ok(Ok(fetched)) => Ok(FoundFile {
            bytes: fetched.body,
            address: fetched.url,
        }),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("all files together took too long to fetch".to_owned()),
    };
    (wanted, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is gone when the test is over.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let id = std::process::id();
            let folder = std::env::temp_dir().join(format!("wharf-references-{name}-{id}"));
            std::fs::create_dir_all(folder.join("inside/models")).unwrap();
            Self(folder)
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.0.join(name), text).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_files_of_the_folder_are_read() {
        let folder = Folder::new("folder");
        folder.write("secret.yaml", "a: 1");
        folder.write("inside/models/pet.yaml", "a: 1");
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, folder.0.join(name)).unwrap();
        };
        link("../secret.yaml", "inside/leak.yaml");
        link("models", "inside/alias");
        let inside = folder.0.join("inside").canonicalize().unwrap();
        let base = Url::from_file_path(inside.join("openapi.yaml")).unwrap();
        for (reference, expected) in [
            ("models/pet.yaml", None),
            ("alias/pet.yaml", None),
            ("models/../models/pet.yaml", None),
            ("../secret.yaml", Some("not in the document's folder")),
            ("%2e%2e/secret.yaml", Some("not in the document's folder")),
            ("..%2fsecret.yaml", Some("not in the document's folder")),
            ("leak.yaml", Some("not in the document's folder")),
            ("/etc/passwd", Some("not in the document's folder")),
            (
                "file://elsewhere/etc/passwd",
                Some("not in the document's folder"),
            ),
            (
                "https://example.com/a.yaml",
                Some("not in the document's folder"),
            ),
            ("gone.yaml", Some("cannot read it")),
            ("models", Some("it is no file")),
        ] {
            let wanted = base.join(reference).unwrap();
            let found = read(wanted.as_str(), &inside, &mut Watched::default());
            match (found, expected) {
                (Ok(found), None) => assert_eq!(&found.bytes[..], b"a: 1", "{reference}"),
                (Err(reason), Some(expected)) => {
                    assert!(reason.contains(expected), "{reference}: {reason}");
                }
                (found, _) => panic!("{reference}: {found:?}"),
            }
        }
    }

    #[tokio::test]
    async fn files_that_refer_to_files_are_read_up_to_a_depth() {
        let folder = Folder::new("depth");
        folder.write(
            "inside/openapi.yaml",
            "openapi: 3.1.0\ninfo: {}\npaths: {/a: {$ref: '0.yaml'}}",
        );
        let last = ROUNDS_MAX + 5;
        for number in 0..last {
            let name = format!("inside/{number}.yaml");
            folder.write(
                &name,
                &format!("get: {{a: {{$ref: '{}.yaml'}}}}", number + 1),
            );
        }
        let path = folder.0.join("inside/openapi.yaml");
        let document = Document::read(std::fs::read(&path).unwrap()).unwrap();
        let mut files = Watched::default();
        let document = attach(document, &Origin::File(&path), &mut files).await;
        assert_eq!(files.count(), ROUNDS_MAX);
        assert_eq!(document.external_references(), [""; 0]);
    }
}
