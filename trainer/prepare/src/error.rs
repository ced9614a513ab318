//! What stops a run. A single bad row never does: it goes to `rejected.csv`.

use crate::notice::Notice;
use std::io;
use std::path::{Path, PathBuf};

/// Why a dataset could not be prepared. Every message names the file, column or option and the
/// way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// A file or folder could not be read or written.
    #[error("{}: {}", path.display(), explain(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// A source file is empty, cut off, or not what its name says.
    #[error("{} {problem}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and the way out, to be read after the path.
        problem: String,
    },

    /// A source file has no rows.
    #[error("{} {problem}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it has instead, to be read after the path.
        problem: String,
    },

    /// Columns are missing, or a mapping names one that is not there.
    #[error("{}: {problem}", path.display())]
    Columns {
        /// The file whose columns they are.
        path: PathBuf,
        /// What is wanted, what there is, and which flag would say so.
        problem: String,
    },

    /// The mapping file, a flag or a threshold makes no sense.
    #[error("{0}")]
    Option(String),

    /// Too many rows are unusable: most likely the columns are mapped wrongly.
    #[error(
        "{bad} of {rows} rows of {} are unusable, more than the {percent:.0} % that are allowed \
         (--max-bad-rows). The first:\n{}",
        path.display(), examples.join("\n")
    )]
    TooManyBadRows {
        /// The file or folder that was read.
        path: PathBuf,
        /// Unusable rows.
        bad: u64,
        /// All rows.
        rows: u64,
        /// The share that is allowed, in percent.
        percent: f64,
        /// The first of them: file, line and reason.
        examples: Vec<String>,
    },

    /// The items file has none of the ids that the events have.
    #[error(
        "{}: none of the {items} items with events is in the items file: the events have '{sold}'{listed}. \
         Name the columns that hold the same ids with --column item_id=… and --column items.item_id=…",
        path.display()
    )]
    NothingJoins {
        /// The items file, or the folder that holds it.
        path: PathBuf,
        /// Items with events.
        items: u64,
        /// An item of the events.
        sold: String,
        /// An item of the items file, as the rest of a sentence.
        listed: String,
    },

    /// A strict run has something to look at.
    #[error(
        "--strict leaves {} as it was, because there is something to look at: {}. Mend it, or let it pass with --accept NAME",
        path.display(), refused.join(", ")
    )]
    Strict {
        /// The output folder.
        path: PathBuf,
        /// All notices of the run.
        notices: Vec<Notice>,
        /// Names of those that are not accepted.
        refused: Vec<&'static str>,
    },

    /// The rules leave nothing.
    #[error("no event is left of the {rows} that were read: {why}")]
    NothingLeft {
        /// Rows read.
        rows: u64,
        /// Which rules dropped them, and the way out.
        why: String,
    },

    /// The output folder holds something that is not a prepared dataset, or is in use.
    #[error("{} {problem}", path.display())]
    Output {
        /// The output folder.
        path: PathBuf,
        /// What is wrong, to be read after the path.
        problem: String,
    },

    /// A statement failed, in most cases for want of memory or disk.
    #[error(
        "the statement {statement} failed, with its working files in {}: {}",
        work.display(), explain_engine(source)
    )]
    Statement {
        /// Name of the SQL file.
        statement: &'static str,
        /// Where its working files were.
        work: PathBuf,
        /// What the engine said.
        source: Box<datafusion::error::DataFusionError>,
    },
}

impl PrepareError {
    /// Ties `source` to `path`; for `map_err`.
    pub(crate) fn io(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// A source file that can't be read on, for this reason.
    pub(crate) fn source(path: impl AsRef<Path>, problem: impl Into<String>) -> Self {
        Self::Source {
            path: path.as_ref().to_path_buf(),
            problem: problem.into(),
        }
    }
}

impl PrepareError {
    /// The problem in a clause, for a list of files.
    pub(crate) fn in_short(&self) -> String {
        match self {
            Self::Source { problem, .. } | Self::Empty { problem, .. } => problem.clone(),
            Self::Columns { problem, .. } => {
                let line = problem.lines().next().unwrap_or_default();
                line.split(". ")
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches('.')
                    .into()
            }
            other => other.to_string(),
        }
    }
}

/// The system's words, with the way out where there is one.
fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            format!(
                "the disk is full ({error}): free some space or choose another folder with --out"
            )
        }
        _ => error.to_string(),
    }
}

fn explain_engine(error: &datafusion::error::DataFusionError) -> String {
    use datafusion::error::DataFusionError;
    if let DataFusionError::ResourcesExhausted(what) = error.find_root() {
        return format!("{what}. Give it more memory with --memory-mb");
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return explain(io);
        }
        cause = inner.source();
    }
    error.to_string()
}
