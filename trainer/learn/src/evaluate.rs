//! Next-item evaluation of what is shipped, through the code that the browser runs.

pub mod baselines;
pub mod metrics;
pub mod queries;
pub mod ranks;

use crate::bundle::{self, FolderError};
use crate::dataset::{Dataset, DatasetError, Examples, Sessions};
use crate::progress::Progress;
use metrics::Metrics;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use vitrine_core::bundle::Bundle;
use vitrine_core::manifest::MANIFEST_FILE;
use vitrine_core::score::Event;
use vitrine_encoder::EncoderError;

/// Why a bundle could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The bundle can't be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The data can't be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The encoder does not run.
    #[error("{path}: encoder.onnx: {source}")]
    Encoder {
        /// The bundle's folder.
        path: PathBuf,
        /// What is wrong.
        source: EncoderError,
    },
    /// There is nothing to measure by.
    #[error(
        "{0}: the test split is empty: prepare the data with --test-days, or with a split of its own"
    )]
    NoTest(PathBuf),
}

/// Figures of one bundle.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// The bundle as it ships.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// The same without its encoder: what ranks until the encoder has arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_encoder: Option<Metrics>,
    /// All files with the manifest, in bytes.
    pub bundle_bytes: u64,
    /// The same as they travel, each file as brotli 11.
    pub bundle_bytes_brotli: u64,
    /// Version of the bundle.
    pub version: u64,
    /// Baselines by name, where they were asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub baselines: BTreeMap<&'static str, Metrics>,
}

/// Measures the bundle in `folder` on the test split of `data`.
pub fn evaluate(
    folder: &Path,
    data: &Path,
    with_baselines: bool,
    progress: &dyn Progress,
) -> Result<Evaluation, EvaluateError> {
    progress.start("reading the bundle and the data", None);
    let opened = bundle::open(folder)?;
    let dataset = Dataset::open_to_measure(data, &|id| opened.bundle.row(id).is_some())?;
    if dataset.test.is_empty() {
        return Err(EvaluateError::NoTest(data.into()));
    }
    let test = translate(&dataset.test, &dataset.ids, &opened.bundle);
    progress.finish();
    let tables = opened.bundle.tables();
    let max_session = opened.bundle.max_session();

    progress.start("ranking every test prefix", None);
    let alone = Metrics::of_ranks(&ranks::label_ranks(tables, &test, max_session, &[]));
    progress.finish();
    let with_encoder = match &opened.encoder {
        Some(onnx) => {
            progress.start("ranking with the encoder", None);
            let queries = queries::queries(tables, onnx, &test, max_session).map_err(|source| {
                EvaluateError::Encoder {
                    path: folder.into(),
                    source,
                }
            })?;
            let ranks = ranks::label_ranks(tables, &test, max_session, &queries);
            progress.finish();
            Some(Metrics::of_ranks(&ranks))
        }
        None => None,
    };
    let mut found = BTreeMap::new();
    if with_baselines {
        progress.start("measuring the baselines", None);
        found = baselines::all(dataset.ids.len(), &dataset.train, &dataset.test)
            .into_iter()
            .collect();
        progress.finish();
    }
    let (bundle_bytes, bundle_bytes_brotli) = sizes(folder, opened.manifest.files.keys())?;
    Ok(Evaluation {
        metrics: with_encoder.unwrap_or(alone),
        without_encoder: with_encoder.map(|_| alone),
        bundle_bytes,
        bundle_bytes_brotli,
        version: opened.manifest.version,
        baselines: found,
    })
}

/// The examples in the rows of a bundle, which may know other items than the data's train split.
fn translate(examples: &Examples, ids: &[String], bundle: &Bundle) -> Examples {
    let rows: Vec<Option<u32>> = ids.iter().map(|id| bundle.row(id)).collect();
    let mut sessions = Sessions::new();
    for session in examples.sessions.iter() {
        sessions.push(session.iter().map(|event| Event {
            row: event.row.and_then(|row| rows[row as usize]),
            action: event.action,
        }));
    }
    Examples {
        sessions,
        at: examples.at.clone(),
    }
}

fn sizes<'a>(
    folder: &Path,
    names: impl Iterator<Item = &'a String>,
) -> Result<(u64, u64), FolderError> {
    let (mut raw, mut packed) = (0, 0);
    for name in names.map(String::as_str).chain([MANIFEST_FILE]) {
        let path = folder.join(name);
        let file = |source| FolderError::File {
            path: path.clone(),
            source,
        };
        let bytes = std::fs::read(&path).map_err(file)?;
        raw += bytes.len() as u64;
        let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 24);
        writer.write_all(&bytes).map_err(file)?;
        packed += writer.into_inner().len() as u64;
    }
    Ok((raw, packed))
}
