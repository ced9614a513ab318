//! Why the store refuses.

use crate::publish::{MAX_FIRST_VERSION, MAX_STEP};
use std::io;
use std::path::{Path, PathBuf};
use vitrine_core::Digest;
use vitrine_core::manifest::ManifestError;
use vitrine_core::provenance::Refusal;
use vitrine_core::signature::SignatureError;

/// Why something was not stored or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A published manifest's promise cannot be read.
    #[error(
        "{}: its privacy promise cannot be read: {source}; restore the file, or remove it when its \
         version has not been live for two windows", path.display()
    )]
    Privacy {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The disk said no.
    #[error("cannot {doing} {}: {source}{}", path.display(), hint(source))]
    Io {
        /// What was tried, such as `write`.
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The manifest does not parse.
    #[error("{}: {source}", path.display())]
    Manifest {
        /// Where it was read from.
        path: PathBuf,
        /// Why it is refused.
        source: ManifestError,
    },
    /// A manifest that was handed over, not read from a path, does not parse.
    #[error("the manifest is refused: {0}")]
    ManifestBytes(ManifestError),
    /// The signature file has another form, or no trusted key made it.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A file's bytes are not the ones that its hash names.
    #[error(
        "{what} has SHA-256 {found}, and {expected} was announced: the file was altered or \
         cut short after its manifest was written; export the bundle again"
    )]
    Altered {
        /// The file's name or path.
        what: String,
        /// The hash that was announced.
        expected: Digest,
        /// The hash of the bytes.
        found: String,
    },
    /// A file has another length than its manifest says.
    #[error(
        "{what} is {found} bytes long, and {expected} were announced: the file was altered or \
         cut short after its manifest was written; export the bundle again"
    )]
    Length {
        /// The file's name or path.
        what: String,
        /// The announced length in bytes.
        expected: u64,
        /// The length that was found, in bytes; reading stops one byte past what is allowed.
        found: u64,
    },
    /// The manifest names files that were not stored before it.
    #[error(
        "the manifest names files that are not in the store: {}; store them first",
        files.join(", ")
    )]
    Missing {
        /// `name (hash)` of each.
        files: Vec<String>,
    },
    /// The manifest is not newer than the current one.
    #[error(
        "the manifest has version {offered}, and version {current} is published already: a \
         browser never goes back, so give the bundle a version above {current}"
    )]
    NotNewer {
        /// Version of the current manifest.
        current: u64,
        /// Version of the one that was offered.
        offered: u64,
    },
    /// The manifest is too far ahead of the current one.
    #[error(
        "the manifest has version {offered}, which is more than {MAX_STEP} above version \
         {current}, which is published: a browser never goes back, so the versions in between \
         could not be used any more. Give the bundle version {}", current.saturating_add(1)
    )]
    TooFar {
        /// Version of the current manifest.
        current: u64,
        /// Version of the one that was offered.
        offered: u64,
    },
    /// The first manifest leaves too few versions for those that follow.
    #[error(
        "the manifest has version {offered}, and a store begins at {MAX_FIRST_VERSION} at most, so \
         that others can follow: give the bundle version 1, or the one after the last that \
         browsers have seen"
    )]
    FirstTooFar {
        /// Version of the one that was offered.
        offered: u64,
    },
    /// The same version is published with other bytes.
    #[error(
        "version {version} is published already with other content: versions are used once, \
         so give the bundle a version above {version}"
    )]
    VersionTaken {
        /// The version.
        version: u64,
    },
    /// Another manifest waits to be promoted, or none.
    #[error(
        "the manifest {0} does not wait to be promoted: propose it with `vitrine publish \
         --candidate`, or look at what waits"
    )]
    NoCandidate(Digest),
    /// The candidate is too far from what is live, or nobody can tell.
    #[error(
        "version {version} stays a candidate: {refusal}. If that is meant, promote it with a \
         reason: `vitrine promote --force \"…\"`"
    )]
    Held {
        /// The candidate's version.
        version: u64,
        /// Why.
        refusal: Refusal,
    },
    /// Nothing is stored under this hash.
    #[error("no file with SHA-256 {0} is in the store")]
    NotFound(Digest),
}

impl StoreError {
    pub(crate) fn io<'a>(
        doing: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

/// The way out, for what an operator can mend.
fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "; free space on that disk, or name a folder on another one"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; give this user the right to do so, or name another folder"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "; a folder is needed there: name another path"
        }
        io::ErrorKind::NotFound => "; check the path",
        _ => "",
    }
}
