//! Next-item evaluation of what is shipped, through the code that the browser runs.

pub mod baselines;
pub mod breakdown;
pub mod calibration;
pub mod comparison;
pub mod intervals;
pub mod lists;
pub mod metrics;
pub mod page;
pub mod popularity;
pub mod protocol;
pub mod queries;
pub mod ranked;
pub mod ranks;
pub mod samples;

use crate::bundle::{self, FolderError};
use crate::dataset::{Dataset, DatasetError, Examples};
use crate::doubts;
use crate::progress::Progress;
use breakdown::{Breakdown, Example};
use calibration::{Calibration, Listed};
use comparison::Comparison;
use intervals::Figures;
use popularity::Popularity;
use protocol::{Protocol, ProtocolChoice};
use ranked::{Asked, Ranked};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use vitrine_core::bundle::Bundle;
use vitrine_core::dataset::Notice;
use vitrine_core::manifest::MANIFEST_FILE;
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
    /// The page can't be written.
    #[error("{path}: {source}: choose another file with --report")]
    Report {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What is measured, and on what.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The bundle's folder.
    pub bundle: &'a Path,
    /// Folder of another bundle that it is compared with, on the same examples.
    pub against: Option<&'a Path>,
    /// Folder that `vitrine prepare` wrote.
    pub data: &'a Path,
    /// What an example is.
    pub protocol: ProtocolChoice,
    /// True if the baselines are measured beside the bundle.
    pub baselines: bool,
    /// True if the ranking is taken apart, which needs the first 20 items of every example.
    pub breakdown: bool,
    /// Where a page for people is written; it holds the baselines and the breakdown.
    pub report: Option<&'a Path>,
}

/// Figures of one bundle.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// The bundle as it ships.
    #[serde(flatten)]
    pub figures: Figures,
    /// What an example is, and which items are ranked for it.
    pub protocol: Protocol,
    /// Sessions that the examples are from.
    pub sessions: usize,
    /// Share of the labels that the bundle knows, percent; the others are misses.
    pub labels_known: f64,
    /// Why the figures may mean little.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Notice>,
    /// The same without its encoder: what ranks until the encoder has arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_encoder: Option<Figures>,
    /// The other bundle and the difference, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Comparison>,
    /// The ranking taken apart, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Breakdown>,
    /// How well scores become probabilities, where the ranking was taken apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// All files that a browser fetches, and the manifest, in bytes.
    pub bundle_bytes: u64,
    /// The same as they travel, each file as brotli 11.
    pub bundle_bytes_brotli: u64,
    /// Version of the bundle.
    pub version: u64,
    /// Baselines by name, where they were asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub baselines: BTreeMap<&'static str, Figures>,
}

/// Measures a bundle on the test split.
pub fn evaluate(
    options: &Options<'_>,
    progress: &dyn Progress,
) -> Result<Evaluation, EvaluateError> {
    progress.start("reading the bundle and the data", None);
    let opened = bundle::open(options.bundle)?;
    let other = options.against.map(bundle::open).transpose()?;
    let known = |id: &str| {
        let bundles = [Some(&opened), other.as_ref()];
        let mut bundles = bundles.into_iter().flatten();
        bundles.any(|opened| opened.bundle.row(id).is_some())
    };
    let dataset = Dataset::open_to_measure(options.data, &known)?;
    if dataset.test.is_empty() {
        return Err(EvaluateError::NoTest(options.data.into()));
    }
    let protocol = options.protocol.resolve(dataset.leaves_one_out);
    let test = &protocol.examples(&dataset.test);
    progress.finish();
    let for_page = options.report.is_some();
    let asked = Asked {
        examples: test,
        ids: &dataset.ids,
        protocol,
        lists: options.breakdown || for_page,
    };
    let encoder = |path: &Path| {
        let path = path.to_owned();
        move |source| EvaluateError::Encoder { path, source }
    };
    let ranked = Ranked::of(&opened, asked, progress).map_err(encoder(options.bundle))?;
    let against = match options.against.zip(other) {
        Some((folder, other)) => {
            let asked = Asked {
                lists: false,
                ..asked
            };
            let theirs = Ranked::of(&other, asked, progress).map_err(encoder(folder))?;
            let version = other.manifest.version;
            let compared = Comparison::of_ranks(version, test, &ranked.ranks, &theirs.ranks);
            Some(compared)
        }
        None => None,
    };
    let mut measured = BTreeMap::new();
    if options.baselines || for_page {
        progress.start("measuring the baselines", None);
        measured = baselines::all(dataset.ids.len(), &dataset.train, test, protocol)
            .into_iter()
            .map(|(name, ranks)| (name, Figures::of_ranks(test, &ranks)))
            .collect();
        progress.finish();
    }
    let (bundle_bytes, bundle_bytes_brotli) = sizes(
        options.bundle,
        opened.manifest.whole_files().map(|(name, _)| name),
    )?;
    let figures = Figures::of_ranks(test, &ranked.ranks);
    let items = opened.bundle.items() as usize;
    let labels_known = doubts::labels_known(test, &|row| {
        opened.bundle.row(&dataset.ids[row as usize]).is_some()
    });
    let doubts = [
        doubts::few_items(items),
        doubts::perfect("on the test part", figures.metrics.p20, items),
        doubts::few_labels(labels_known),
    ];
    let found = Evaluation {
        labels_known,
        doubts: doubts.into_iter().flatten().collect(),
        breakdown: breakdown(&dataset, &opened.bundle, test, &ranked),
        calibration: calibration(&dataset, &opened.bundle, test, &ranked),
        figures,
        protocol,
        sessions: test.at.chunk_by(|one, next| one.0 == next.0).count(),
        without_encoder: ranked
            .without_encoder
            .as_ref()
            .map(|ranks| Figures::of_ranks(test, ranks)),
        against,
        bundle_bytes,
        bundle_bytes_brotli,
        version: opened.manifest.version,
        baselines: measured,
    };
    if let Some(path) = options.report {
        progress.start("writing the report", None);
        let samples = samples::samples(opened, &dataset, test, &ranked.ranks, protocol)
            .map_err(encoder(options.bundle))?;
        page::write(path, &found, &dataset.facts, &samples).map_err(|source| {
            EvaluateError::Report {
                path: path.into(),
                source,
            }
        })?;
        progress.finish();
    }
    Ok(found)
}

/// Takes the ranking apart; `None` without its lists.
fn breakdown(
    dataset: &Dataset,
    bundle: &Bundle,
    test: &Examples,
    ranked: &Ranked,
) -> Option<Breakdown> {
    let lists = ranked.lists.as_ref()?;
    let counts = dataset.popularity(&dataset.train);
    let mut events = vec![0.0; bundle.items() as usize];
    for (id, count) in dataset.ids.iter().zip(&counts) {
        if let Some(row) = bundle.row(id) {
            events[row as usize] = *count;
        }
    }
    let examples: Vec<Example> = (0..test.len())
        .map(|example| {
            let (input, label) = test.get(example);
            Example {
                length: input.len(),
                label_events: label.map_or(0.0, |row| counts[row as usize]),
                rank: ranked.ranks[example],
            }
        })
        .collect();
    let popularity = Popularity::new(events);
    Some(Breakdown::new(&examples, lists, &popularity))
}

/// What the scores of the lists are worth; `None` without lists.
fn calibration(
    dataset: &Dataset,
    bundle: &Bundle,
    test: &Examples,
    ranked: &Ranked,
) -> Option<Calibration> {
    let mut halves = [Vec::new(), Vec::new()];
    for (example, list) in ranked.lists.as_ref()?.iter().enumerate() {
        let label = test.get(example).1;
        let opened = label.and_then(|row| bundle.row(&dataset.ids[row as usize]));
        let half = &mut halves[(test.at[example].0 % 2) as usize];
        half.extend(list.iter().map(|&(row, score)| Listed {
            score,
            opened: Some(row) == opened,
        }));
    }
    Calibration::of_halves([&halves[0], &halves[1]])
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
