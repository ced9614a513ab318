//! What can go wrong when a shop is drawn.

use std::io;
use std::path::{Path, PathBuf};

/// Why no shop was drawn. Every message names the option or the file and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// An option makes no sense.
    #[error("{0}")]
    Option(String),

    /// The folder holds other things.
    #[error(
        "{} holds '{found}', which `simulate` did not write; name another folder with --out, or empty this one",
        path.display()
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What was found in it.
        found: String,
    },

    /// A file or folder could not be read or written.
    #[error("{}: {}", path.display(), explain(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SimulateError {
    /// Ties an error to a path; for `map_err`.
    pub(crate) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { path, source }
    }
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!(
                "the disk is full ({error}): free some space or choose another folder with --out"
            )
        }
        _ => error.to_string(),
    }
}
