//! A run: from a prepared history to a finished bundle.
//!
//! Choices are made on validation, cut from the end of train; then everything is learned again
//! from the whole of train with those choices, because the latest tenth is the most telling one.
//!
//! A run's folder holds `bundle/`, `run.json` (all choices and figures, and what
//! [`retrain`](crate::retrain) starts from), `report.html`, and `checkpoints/`.

use crate::bundle::{self, FolderError, NewBundle};
use crate::dataset::{Dataset, DatasetError, Examples, Sessions};
use crate::doubts::{self, FEWEST_ITEMS};
use crate::encoder::checkpoint::Snapshot;
use crate::encoder::device::{Device, DeviceChoice, NoCuda};
use crate::encoder::low_rank::narrowed;
use crate::encoder::train::{self, Outcome, PassFigures, Task, TrainError, TrainedEncoder};
use crate::evaluate::metrics::Metrics;
use crate::facets::facets;
use crate::files::write_atomically;
use crate::fusion::{self, Method, Validated};
use crate::parameters::{Key, TableParameters};
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::report;
use crate::search::{CompressError, Search, TABLE_ORDER, Vectors, assemble, compress};
use crate::table::{History, neighbours};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};
use vitrine_core::dataset::Notice;
use vitrine_core::manifest::{Manifest, ModelFacts, TrainingFacts};
use vitrine_core::{Action, Digest};
use vitrine_encoder::EncoderError;

/// Validation examples by which the table's parameters are chosen, at most about.
pub(crate) const TABLE_EXAMPLES: usize = 60_000;
/// Validation examples by which the encoder's weight is chosen: each scans the catalogue.
const FUSION_EXAMPLES: usize = 16_000;
const DAY: u64 = 24 * 3600;

/// Why a run ended without a bundle.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data can't be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The data have too few items to rank.
    #[error(
        "{path}: the train split has {items} items: a ranking needs at least {FEWEST_ITEMS}. See in \
         {path}/report.html what was dropped, and prepare the data again"
    )]
    TooFewItems {
        /// The prepared folder.
        path: PathBuf,
        /// Its items.
        items: usize,
    },
    /// CUDA was demanded and is not there.
    #[error(transparent)]
    Device(#[from] NoCuda),
    /// The tables can't be made.
    #[error(transparent)]
    Compress(#[from] CompressError),
    /// The encoder can't be trained.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The trained encoder does not run.
    #[error("the trained encoder does not run: {0}")]
    Encoder(#[from] EncoderError),
    /// The bundle can't be written or read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file of the run can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process writes the folder.
    #[error(
        "{path}: another run is writing this folder; wait for it to end, or name another folder \
         with --out"
    )]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// `run.json` is not of this version.
    #[error("{path}: not a run of this version ({reason}): train again")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Figures on validation, by part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The table with repeat and popularity.
    pub table: Figures,
    /// The encoder alone, best pass.
    pub encoder: Option<Figures>,
    /// Both, with the chosen weight; on the examples of `table_of_same`.
    pub both: Option<Figures>,
    /// The table alone on the same examples as `both`.
    pub table_of_same: Option<Figures>,
    /// What each way of weighing the terms gave among the candidates of these examples, the
    /// chosen one first.
    pub fusion: Vec<(Method, Figures)>,
}

impl Validation {
    /// What was found is no longer what ships: `figures` are those of the compressed bundle.
    pub fn compressed(&mut self, figures: Figures, with_encoder: bool) {
        self.table_of_same = None;
        self.fusion.clear();
        self.both = with_encoder.then_some(figures);
        if !with_encoder {
            self.table = figures;
        }
    }
}

/// P@20 and MRR@20 in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// P@20.
    #[serde(rename = "p@20")]
    pub p20: f64,
    /// MRR@20.
    #[serde(rename = "mrr@20")]
    pub mrr20: f64,
}

impl Figures {
    /// What choices are judged by.
    pub fn worth(self) -> f64 {
        self.p20 + self.mrr20
    }
}

impl From<Metrics> for Figures {
    fn from(metrics: Metrics) -> Self {
        Self {
            p20: metrics.p20,
            mrr20: metrics.mrr20,
        }
    }
}

/// `run.json`: all choices and figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The recipe, with its defaults.
    pub recipe: Recipe,
    /// The chosen parameters of the table and the fusion.
    pub parameters: TableParameters,
    /// The chosen parameters of the table by itself.
    pub table_parameters: TableParameters,
    /// Passes of the shipped encoder; 0 without one.
    pub passes: usize,
    /// Figures on validation; none after `retrain`, which chooses nothing.
    pub validation: Option<Validation>,
    /// The encoder's passes on validation.
    pub curve: Vec<PassFigures>,
}

/// What a run is asked for.
pub struct Options<'a> {
    /// Folder that `prepare` wrote.
    pub data: &'a Path,
    /// Folder of the run.
    pub out: &'a Path,
    /// Folder of the checkpoints; `out/checkpoints` for a run of its own.
    pub checkpoints: PathBuf,
    /// What device trains.
    pub device: DeviceChoice,
    /// Time of the run, Unix time in seconds.
    pub now: u64,
}

/// What a run gave.
pub struct Finished {
    /// The manifest of `out/bundle`.
    pub manifest: Manifest,
    /// All choices and figures.
    pub record: RunRecord,
    /// Why its figures may mean little.
    pub doubts: Vec<Notice>,
}

/// Trains from history alone.
pub fn train(
    options: &Options<'_>,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Finished, RunError> {
    let device = resolve(options.device, recipe, progress)?;
    progress.start("reading the prepared data", None);
    let data = Dataset::open(options.data, &[])?;
    progress.finish();
    if data.ids.len() < FEWEST_ITEMS {
        return Err(RunError::TooFewItems {
            path: options.data.into(),
            items: data.ids.len(),
        });
    }
    let _lock = lock(options.out)?;
    make_folder(&options.checkpoints)?;
    let (fit, valid) = data.validation();

    let weights = Key::Distillation.grid();
    let history = History::new(data.ids.len(), &fit, &recipe.table, weights, progress);
    let (table_parameters, table) = choose_table(&data, &history, &valid, recipe, progress)?;
    let mut parameters = table_parameters;
    let mut validation = Validation {
        table: table.into(),
        ..Validation::default()
    };
    let mut passes = 0;
    let mut curve = Vec::new();
    let mut trained = None;
    if recipe.encoder.enabled && !valid.is_empty() {
        let outcome = validate(options, device, &data, &fit, &valid, recipe, progress)?;
        curve = outcome.curve;
        let best = curve.iter().find(|pass| pass.pass == outcome.best_pass);
        validation.encoder = best.map(|pass| Figures {
            p20: pass.p20,
            mrr20: pass.mrr20,
        });
        let split = Validated {
            data: &data,
            history: &history,
            sample: &valid.thinned(FUSION_EXAMPLES),
            shape: recipe.shape(),
        };
        let fused = fusion::choose(&split, &outcome.encoder, parameters, progress)?;
        validation.table_of_same = Some(fused.table.into());
        validation.both = Some(fused.both.into());
        validation.fusion = fused.methods;
        if fused.both.objective() > fused.table.objective() {
            parameters = fused.parameters;
            passes = outcome.best_pass;
            trained = Some(outcome.snapshot);
        } else {
            progress
                .say("The encoder adds nothing on validation: the bundle is shipped without it.");
        }
    }
    let record = RunRecord {
        recipe: recipe.clone(),
        parameters,
        table_parameters,
        passes,
        validation: Some(validation),
        curve,
    };
    finish(
        options,
        &data,
        record,
        device,
        Base::Validated(trained),
        progress,
    )
}

/// Trains on what is not validation, or takes it from the checkpoint.
fn validate(
    options: &Options<'_>,
    device: Device,
    data: &Dataset,
    fit: &Sessions,
    valid: &Examples,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Outcome, TrainError> {
    let task = Task {
        sessions: fit,
        popularity: &data.popularity(fit),
        features: &data.features(&recipe.encoder),
        valid: Some(valid),
        parameters: &recipe.encoder,
        passes: recipe.encoder.epochs,
        earlier: None,
        seed: recipe.seed,
        checkpoint: &options.checkpoints.join("validation.safetensors"),
    };
    train_encoder(device, &task, progress)
}

/// The encoder of a finished run that has seen nothing of validation; `None` where the run ships
/// none.
pub(crate) fn validated_encoder(
    options: &Options<'_>,
    data: &Dataset,
    fit: &Sessions,
    valid: &Examples,
    record: &RunRecord,
    progress: &dyn Progress,
) -> Result<Option<TrainedEncoder>, RunError> {
    if record.passes == 0 {
        return Ok(None);
    }
    let device = resolve(options.device, &record.recipe, progress)?;
    let outcome = validate(options, device, data, fit, valid, &record.recipe, progress)?;
    Ok(Some(outcome.encoder))
}

/// Writes the bundle of a finished run again, compressed as `bundle` and `table` of its recipe
/// now say.
pub fn compress_again(
    options: &Options<'_>,
    record: RunRecord,
    progress: &dyn Progress,
) -> Result<Finished, RunError> {
    let device = resolve(options.device, &record.recipe, progress)?;
    let data = Dataset::open(options.data, &[])?;
    let (fit, valid) = data.validation();
    let snapshot = if record.passes > 0 {
        let outcome = validate(
            options,
            device,
            &data,
            &fit,
            &valid,
            &record.recipe,
            progress,
        )?;
        Some(outcome.snapshot)
    } else {
        None
    };
    make_folder(options.out)?;
    let base = Base::Validated(snapshot);
    finish(options, &data, record, device, base, progress)
}

pub(crate) fn resolve(
    choice: DeviceChoice,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Device, RunError> {
    let (device, reason) = choice.resolve()?;
    if let (true, Some(reason)) = (recipe.encoder.enabled, reason) {
        progress.say(&format!("No GPU: {reason}. The encoder trains on the CPU."));
    }
    Ok(device)
}

fn choose_table(
    data: &Dataset,
    history: &History<'_>,
    valid: &Examples,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<(TableParameters, Metrics), RunError> {
    let start = recipe.table.start();
    let sample = valid.thinned(TABLE_EXAMPLES);
    let mut search = Search::new(data, history, &sample, recipe.shape());
    let has = |action| {
        history
            .sessions
            .events
            .iter()
            .any(|event| event.action == action)
    };
    // Where all events are of one kind, its weight says nothing.
    let beside_views = |action| has(Action::View) && has(action);
    let open = recipe.table.open(&TABLE_ORDER, &beside_views);
    let candidates: usize = open.iter().map(|key| key.grid().len()).sum();
    progress.start(
        "table: choosing parameters on validation",
        Some(candidates as u64),
    );
    let chosen = if sample.is_empty() {
        (start, Metrics::default())
    } else {
        search.climb(start, &open, |_| progress.advance(1))?
    };
    progress.finish();
    Ok(chosen)
}

/// Calls the trainer for the backend of a device.
pub(crate) fn train_encoder(
    device: Device,
    task: &Task<'_>,
    progress: &dyn Progress,
) -> Result<Outcome, TrainError> {
    use burn::backend::Autodiff;
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda => train::train::<Autodiff<burn_cuda::Cuda>>(
            task,
            &burn_cuda::CudaDevice::default(),
            progress,
        ),
        _ => train::train::<Autodiff<burn_flex::Flex>>(task, &burn_flex::FlexDevice, progress),
    }
}

/// What a bundle is learned on from.
pub(crate) enum Base {
    /// The encoder that validation chose, where one was.
    Validated(Option<Snapshot>),
    /// An earlier bundle: the digest of its manifest, and the version of the next.
    Parent { parent: Digest, version: u64 },
}

/// Learns from the whole of train with the choices of `record`, and writes the bundle.
pub(crate) fn finish(
    options: &Options<'_>,
    data: &Dataset,
    record: RunRecord,
    device: Device,
    base: Base,
    progress: &dyn Progress,
) -> Result<Finished, RunError> {
    let recipe = &record.recipe;
    let shape = recipe.shape();
    let ships_encoder = record.passes > 0 && recipe.bundle.dim != Some(0);
    let parameters = if ships_encoder {
        &record.parameters
    } else {
        &record.table_parameters
    };
    let mut demand = data.demand(&data.train);
    demand.add(&data.field.popularity);
    let teaches = record.passes > 0 && parameters.encoder_distillation > 0.0;
    let trained = if ships_encoder || teaches {
        let mut sessions = data.train.clone();
        for (pair, &weight) in data.field.pairs.iter().zip(&data.field.weight) {
            for _ in 0..weight as usize {
                sessions.push(pair.iter().copied());
            }
        }
        let earlier = match &base {
            Base::Validated(Some(snapshot)) if recipe.encoder.refit > 0 => {
                Some((record.passes, snapshot))
            }
            _ => None,
        };
        let task = Task {
            sessions: &sessions,
            popularity: &demand.count,
            features: &data.features(&recipe.encoder),
            valid: None,
            parameters: &recipe.encoder,
            passes: earlier.map_or(record.passes, |_| recipe.encoder.refit),
            earlier,
            seed: recipe.seed,
            checkpoint: &options.checkpoints.join("final.safetensors"),
        };
        Some(train_encoder(device, &task, progress)?.encoder)
    } else {
        None
    };
    let weights = [parameters.distillation];
    let mut history = History::new(
        data.ids.len(),
        &data.train,
        &recipe.table,
        &weights,
        progress,
    );
    if let (Some(encoder), false) = (&trained, ships_encoder) {
        history = history.with_encoder(encoder, progress)?;
    }
    progress.start("table: counting the whole history", None);
    let neighbours = neighbours(
        recipe.table.form,
        &history,
        &data.field,
        &demand,
        parameters,
        shape,
    );
    progress.finish();

    let encoder = trained.filter(|_| ships_encoder).map(|trained| {
        let dim = recipe.bundle.dim.unwrap_or(trained.dim);
        narrowed(&trained, dim)
    });
    let vectors = encoder.as_ref().map(|encoder| Vectors {
        values: &encoder.vectors,
        dim: encoder.dim,
    });
    let tables = assemble(neighbours, &demand, parameters, shape, vectors);
    let (bytes, _) = compress(&tables, shape)?;
    let (version, parent) = match base {
        Base::Validated(_) => (1, None),
        Base::Parent { parent, version } => (version, Some(parent)),
    };
    let validation = record.validation.as_ref();
    let best = validation.and_then(|v| v.both.or(Some(v.table)));
    let metrics = best.map_or_else(Default::default, |figures| {
        [
            ("valid p@20".to_owned(), figures.p20),
            ("valid mrr@20".to_owned(), figures.mrr20),
        ]
        .into()
    });
    let bundle = NewBundle {
        tables: bytes,
        ids: &data.ids,
        facets: &facets(&data.items, &recipe.bundle.price_edges),
        encoder: encoder.as_ref().map(|encoder| encoder.onnx.clone()),
        model: ModelFacts {
            items: data.ids.len() as u32,
            dim: tables.dim as u32,
            neighbours: shape.most_neighbours as u32,
            max_session: shape.max_session as u32,
        },
        session_gap: data.facts.session_gap,
        version,
        parent,
        created: options.now,
        expires: options.now + u64::from(recipe.bundle.lifetime_days) * DAY,
        synthetic: data.facts.synthetic,
        training: TrainingFacts {
            dataset: data.facts.name.clone(),
            from: data.facts.from,
            to: data.facts.to,
            sessions: data.train.len() as u64,
            events: data.train.events.len() as u64,
            released_cells: data.field.used,
            windows: data.field.windows.clone(),
            seed: recipe.seed,
            metrics,
        },
        privacy: recipe.privacy.privacy(),
    };
    let manifest = bundle::write(&options.out.join("bundle"), bundle)?;
    let path = options.out.join("run.json");
    let json = serde_json::to_vec_pretty(&record).unwrap_or_default();
    write_atomically(&path, &json).map_err(|source| RunError::File { path, source })?;
    let path = options.out.join("report.html");
    let doubts = doubts::of_run(data, record.validation.as_ref());
    report::write(&path, &record, &manifest, &doubts)
        .map_err(|source| RunError::File { path, source })?;
    Ok(Finished {
        manifest,
        record,
        doubts,
    })
}

/// Reads the record of a run.
pub fn read_record(path: &Path) -> Result<RunRecord, RunError> {
    let bytes = std::fs::read(path).map_err(|source| RunError::File {
        path: path.into(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|e| RunError::Record {
        path: path.into(),
        reason: e.to_string(),
    })
}

/// Keeps two runs out of one folder, where each would overwrite the other's checkpoints. Held
/// until what is returned is dropped.
pub(crate) fn lock(out: &Path) -> Result<File, RunError> {
    let path = make_folder(out)?.join("run.lock");
    match vitrine_durable::try_lock(&path) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(RunError::Busy { path: out.into() }),
        Err(source) => Err(RunError::File { path, source }),
    }
}

pub(crate) fn make_folder(path: &Path) -> Result<PathBuf, RunError> {
    vitrine_durable::create_folder(path).map_err(|source| RunError::File {
        path: path.into(),
        source,
    })?;
    vitrine_durable::sweep(path);
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn a_folder_takes_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let held = super::lock(folder.path()).unwrap();
        let said = super::lock(folder.path()).unwrap_err().to_string();
        assert!(
            said.contains("another run is writing this folder"),
            "{said}"
        );
        drop(held);
        super::lock(folder.path()).unwrap();
    }
}
