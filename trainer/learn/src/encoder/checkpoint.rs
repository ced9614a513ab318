//! A checkpoint after each pass: training goes on from it to the same result.

use super::items::ItemVectors;
use super::train::PassFigures;
use burn::module::AutodiffModule;
use burn::optim::Optimizer;
use burn::record::{BinBytesRecorder, FullPrecisionSettings, Record, Recorder};
use burn::tensor::backend::AutodiffBackend;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use vitrine_core::Digest;

/// Why a checkpoint can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is damaged.
    #[error(
        "{path}: not a checkpoint of this version ({reason}): delete it to train from the start"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// burn could not write or read a record.
    #[error("the training state could not be recorded: {0}")]
    Record(String),
}

/// A network, its optimiser and the item vectors at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Item vectors and moments.
    pub items: ItemVectors,
    network: Vec<u8>,
    optimizer: Vec<u8>,
}

type Bytes = BinBytesRecorder<FullPrecisionSettings>;

impl Snapshot {
    /// Records a network and its optimiser.
    pub fn of<B, M, O>(
        network: &M,
        optimizer: &O,
        items: ItemVectors,
    ) -> Result<Self, CheckpointError>
    where
        B: AutodiffBackend,
        M: AutodiffModule<B>,
        O: Optimizer<M, B>,
    {
        let record = |bytes: Result<Vec<u8>, burn::record::RecorderError>| {
            bytes.map_err(|e| CheckpointError::Record(e.to_string()))
        };
        let recorder = Bytes::default();
        Ok(Self {
            items,
            network: record(Recorder::<B>::record(
                &recorder,
                network.clone().into_record(),
                (),
            ))?,
            optimizer: record(Recorder::<B>::record(&recorder, optimizer.to_record(), ()))?,
        })
    }

    /// Gives the recorded state to a network and an optimiser of the same form.
    pub fn restore<B, M, O>(
        &self,
        network: M,
        optimizer: O,
        device: &B::Device,
    ) -> Result<(M, O), CheckpointError>
    where
        B: AutodiffBackend,
        M: AutodiffModule<B>,
        O: Optimizer<M, B>,
    {
        fn load<B: AutodiffBackend, R: Record<B>>(
            bytes: &[u8],
            device: &B::Device,
        ) -> Result<R, CheckpointError> {
            Recorder::<B>::load(&Bytes::default(), bytes.to_vec(), device)
                .map_err(|e| CheckpointError::Record(e.to_string()))
        }
        let network = network.load_record(load::<B, M::Record>(&self.network, device)?);
        let optimizer = optimizer.load_record(load::<B, O::Record>(&self.optimizer, device)?);
        Ok((network, optimizer))
    }

    /// SHA-256 of the whole state.
    pub fn digest(&self) -> Digest {
        let items = &self.items;
        let all = [
            floats(&items.values),
            floats(&items.first),
            floats(&items.second),
            self.network.clone(),
            self.optimizer.clone(),
        ]
        .concat();
        Digest::of(&all)
    }

    fn tensors(&self, prefix: &str) -> [(String, Vec<u8>); 5] {
        [
            (format!("{prefix}.items"), floats(&self.items.values)),
            (format!("{prefix}.items.first"), floats(&self.items.first)),
            (format!("{prefix}.items.second"), floats(&self.items.second)),
            (format!("{prefix}.network"), self.network.clone()),
            (format!("{prefix}.optimizer"), self.optimizer.clone()),
        ]
    }

    fn from_tensors(
        prefix: &str,
        dim: usize,
        steps: u32,
        raw: &impl Fn(&str) -> Result<Vec<u8>, CheckpointError>,
    ) -> Result<Self, CheckpointError> {
        let part = |name: &str| raw(&format!("{prefix}.{name}"));
        Ok(Self {
            items: ItemVectors {
                dim,
                values: from_floats(&part("items")?),
                first: from_floats(&part("items.first")?),
                second: from_floats(&part("items.second")?),
                steps,
            },
            network: part("network")?,
            optimizer: part("optimizer")?,
        })
    }
}

/// The state after a whole pass.
pub struct Checkpoint {
    /// Where training stands.
    pub now: Snapshot,
    /// Passes so far.
    pub curve: Vec<PassFigures>,
    /// The best pass, and the state after it.
    pub best: Option<(usize, Snapshot)>,
}

#[derive(Serialize, Deserialize)]
struct Facts {
    fingerprint: String,
    dim: usize,
    steps: u32,
    curve: Vec<PassFigures>,
    best_pass: Option<usize>,
    best_steps: u32,
}

const FACTS: &str = "facts";

impl Checkpoint {
    /// Writes the checkpoint; an interruption leaves the one before.
    pub fn write(&self, path: &Path, fingerprint: &str) -> Result<(), CheckpointError> {
        let facts = Facts {
            fingerprint: fingerprint.into(),
            dim: self.now.items.dim,
            steps: self.now.items.steps,
            curve: self.curve.clone(),
            best_pass: self.best.as_ref().map(|best| best.0),
            best_steps: self.best.as_ref().map_or(0, |best| best.1.items.steps),
        };
        let facts =
            serde_json::to_string(&facts).map_err(|e| CheckpointError::Record(e.to_string()))?;
        let mut tensors = Vec::from(self.now.tensors("now"));
        if let Some((_, best)) = &self.best {
            tensors.extend(best.tensors("best"));
        }
        let views = tensors
            .iter()
            .map(|(name, bytes)| {
                let view = TensorView::new(Dtype::U8, vec![bytes.len()], bytes);
                view.map(|view| (name, view))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| CheckpointError::Record(e.to_string()))?;
        let metadata = HashMap::from([(FACTS.to_owned(), facts)]);
        let bytes = safetensors::serialize(views, Some(metadata))
            .map_err(|e| CheckpointError::Record(e.to_string()))?;
        crate::files::write_atomically(path, &bytes).map_err(|source| CheckpointError::File {
            path: path.into(),
            source,
        })
    }

    /// Reads a checkpoint; `None` when there is none, or when it belongs to another task.
    pub fn read(path: &Path, fingerprint: &str) -> Result<Option<Self>, CheckpointError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(CheckpointError::File {
                    path: path.into(),
                    source,
                });
            }
        };
        let damaged = |reason: String| CheckpointError::Damaged {
            path: path.into(),
            reason,
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
        let facts: Facts = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(FACTS))
            .ok_or_else(|| damaged("it has no facts".into()))
            .and_then(|text| serde_json::from_str(text).map_err(|e| damaged(e.to_string())))?;
        if facts.fingerprint != fingerprint {
            return Ok(None);
        }
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string()))?;
        let raw = |name: &str| {
            tensors
                .tensor(name)
                .map(|view| view.data().to_vec())
                .map_err(|e| damaged(e.to_string()))
        };
        let best = match facts.best_pass {
            None => None,
            Some(pass) => {
                let best = Snapshot::from_tensors("best", facts.dim, facts.best_steps, &raw)?;
                Some((pass, best))
            }
        };
        Ok(Some(Self {
            now: Snapshot::from_tensors("now", facts.dim, facts.steps, &raw)?,
            curve: facts.curve,
            best,
        }))
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn from_floats(bytes: &[u8]) -> Vec<f32> {
    let (values, _) = bytes.as_chunks::<4>();
    values.iter().map(|&b| f32::from_le_bytes(b)).collect()
}
