//! The next bundle, from history and what was released from the field, with the choices of an
//! earlier run; and what it changes.
//!
//! Bundle and bundle before are measured on the same held-out examples, as they ship. The result
//! goes into the bundle as `provenance.json`, by which whoever promotes it judges, and onto a page
//! for people.

mod changes;
mod exposure;
mod page;

pub use changes::{Changes, NewItem};
pub use exposure::floor;

use crate::bundle;
use crate::dataset::Dataset;
use crate::evaluate::EvaluateError;
use crate::progress::Progress;
use crate::run::{self, Base, Finished, Options, RunError, lock, make_folder, read_record};
use std::path::{Path, PathBuf};
use vitrine_core::released::ReleasedWindow;

/// The page's file name in the run's folder.
pub const PAGE: &str = "changes.html";

/// Why there is no next bundle.
#[derive(Debug, thiserror::Error)]
pub enum RetrainError {
    /// It cannot be learned.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It cannot be compared with the one before.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The page can't be written.
    #[error("{path}: {source}")]
    Page {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What a retraining gave.
pub struct Retrained {
    /// The run.
    pub finished: Finished,
    /// How its bundle differs from the one before.
    pub changes: Changes,
}

/// What was released from the field.
#[derive(Clone, Debug, Default)]
pub struct Released {
    /// The windows to learn from, rising.
    pub windows: Vec<ReleasedWindow>,
    /// Numbers of the windows that are left out because they are quarantined.
    pub quarantined: Vec<u64>,
}

/// Learns the next bundle and compares it with the one of the `earlier` run. Its version is the
/// next after that one's unless another is given, as after a rollback, when a higher one is live.
///
/// # Errors
/// When the data, the earlier run or its bundle can't be read, and when the disk says no.
pub fn retrain(
    options: &Options<'_>,
    earlier: &Path,
    released: &Released,
    version: Option<u64>,
    progress: &dyn Progress,
) -> Result<Retrained, RetrainError> {
    let mut record = read_record(&earlier.join("run.json"))?;
    let parent = bundle::open(&earlier.join("bundle")).map_err(RunError::from)?;
    let device = run::resolve(options.device, &record.recipe, progress)?;
    progress.start("reading the prepared data", None);
    let data = Dataset::open(options.data, &released.windows).map_err(RunError::from)?;
    progress.finish();
    let _lock = lock(options.out)?;
    make_folder(&options.checkpoints)?;
    record.validation = None;
    record.curve = Vec::new();
    let base = Base::Parent {
        parent: parent.digest,
        version: version.unwrap_or(parent.manifest.version + 1),
    };
    let mut finished = run::finish(options, &data, record, device, base, progress)?;

    let folder = options.out.join("bundle");
    let bundle = bundle::open(&folder).map_err(RunError::from)?;
    let bounds = finished.record.recipe.promotion;
    let changes = Changes::between(&parent, &bundle, &data, released, bounds, progress)?;
    finished.manifest = bundle::add_provenance(&folder, finished.manifest, &changes.provenance)
        .map_err(RunError::from)?;
    let path = options.out.join(PAGE);
    page::write(&path, &finished.manifest, &changes)
        .map_err(|source| RetrainError::Page { path, source })?;
    Ok(Retrained { finished, changes })
}
