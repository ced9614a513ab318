//! Trains the encoder, pass by pass.

use super::EncoderParameters;
use super::batches::{Batch, Negatives, Numbering, order, pieces};
use super::checkpoint::{Checkpoint, CheckpointError, Snapshot};
use super::items::ItemVectors;
use super::loss::cross_entropy;
use super::network::{SessionEncoder, unit_rows};
use crate::dataset::{Examples, Sessions};
use crate::evaluate::metrics::Metrics;
use crate::progress::Progress;
use burn::module::AutodiffModule;
use burn::optim::{AdamW, AdamWConfig, GradientsParams, Optimizer, adaptor::OptimizerAdaptor};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;
use vitrine_core::Action;
use vitrine_core::score::Event;

/// Examples by which passes are compared.
const VALIDATION_EXAMPLES: usize = 4_000;

/// Why training ended without an encoder.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The checkpoint can't be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The loss is no longer a number.
    #[error("the encoder's loss became {loss} in pass {pass}: lower learning_rate in the recipe")]
    Diverged {
        /// The pass, from 1.
        pass: usize,
        /// The loss.
        loss: f64,
    },
}

/// One pass over the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassFigures {
    /// The pass, from 1.
    pub pass: usize,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// P@20 of the encoder alone on validation, in percent.
    #[serde(rename = "p@20")]
    pub p20: f64,
    /// MRR@20 of the encoder alone on validation, in percent.
    #[serde(rename = "mrr@20")]
    pub mrr20: f64,
    /// Sessions per second.
    pub sessions_per_second: f64,
}

/// A trained encoder in plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedEncoder {
    /// D.
    pub dim: usize,
    /// Item vectors of unit length, `[N × D]`.
    pub vectors: Vec<f32>,
    /// The network, as the ONNX file that ships.
    pub onnx: Vec<u8>,
}

/// What a run of passes gave.
pub struct Outcome {
    /// The best pass's encoder, or the last's where nothing validates.
    pub encoder: TrainedEncoder,
    /// The state that it was taken from.
    pub snapshot: Snapshot,
    /// Its pass, from 1.
    pub best_pass: usize,
    /// All passes.
    pub curve: Vec<PassFigures>,
}

/// What is trained from, and how.
pub struct Task<'a> {
    /// Sessions to learn from.
    pub sessions: &'a Sessions,
    /// How often each item occurs in them; `[N]`.
    pub popularity: &'a [f64],
    /// Examples that choose the pass; none to train all passes.
    pub valid: Option<&'a Examples>,
    /// How.
    pub parameters: &'a EncoderParameters,
    /// Passes at most.
    pub passes: usize,
    /// What training goes on from: passes that were made before, and the state after them.
    pub earlier: Option<(usize, &'a Snapshot)>,
    /// Seed of everything random.
    pub seed: u64,
    /// File that a later call with the same task goes on from.
    pub checkpoint: &'a Path,
}

type Network<B> = SessionEncoder<B>;
type NetworkOptimizer<B> = OptimizerAdaptor<AdamW, Network<B>, B>;

struct State<B: AutodiffBackend> {
    network: Network<B>,
    optimizer: NetworkOptimizer<B>,
    items: ItemVectors,
    curve: Vec<PassFigures>,
    best: Option<(usize, Snapshot)>,
}

/// Trains on `device`, from the checkpoint where there is one.
///
/// # Errors
/// [`TrainError`]; the checkpoint of the last whole pass stays.
pub fn train<B: AutodiffBackend>(
    task: &Task<'_>,
    device: &B::Device,
    progress: &dyn Progress,
) -> Result<Outcome, TrainError> {
    let parameters = task.parameters;
    let pieces = pieces(task.sessions, parameters.length);
    let negatives = Negatives::new(task.popularity, parameters);
    let mut state = start::<B>(task, device)?;
    let steps = pieces.len().div_ceil(parameters.batch) as u64;
    while state.curve.len() < task.passes && !out_of_patience(&state, parameters.patience) {
        let pass = state.curve.len() + 1;
        progress.start(
            &format!("encoder, pass {pass} of at most {}", task.passes),
            Some(steps),
        );
        let began = std::time::Instant::now();
        let loss = one_pass::<B>(&mut state, task, &pieces, &negatives, device, progress);
        let seconds = began.elapsed().as_secs_f64();
        progress.finish();
        if !loss.is_finite() {
            return Err(TrainError::Diverged { pass, loss });
        }
        let metrics = task
            .valid
            .map(|valid| validate::<B>(&state, valid, parameters, device))
            .unwrap_or_default();
        state.curve.push(PassFigures {
            pass,
            loss,
            p20: metrics.p20,
            mrr20: metrics.mrr20,
            sessions_per_second: pieces.len() as f64 / seconds,
        });
        let best = best_objective(&state);
        if task.valid.is_none() || metrics.objective() > best {
            state.best = Some((pass, snapshot(&state)?));
        }
        save(&state, task)?;
    }
    let (best_pass, snapshot) = match state.best.take() {
        Some(best) => best,
        None => (0, snapshot(&state)?),
    };
    let (network, _) = snapshot.restore::<B, _, _>(state.network, state.optimizer, device)?;
    Ok(Outcome {
        encoder: TrainedEncoder {
            dim: parameters.dim,
            vectors: snapshot.items.unit(),
            onnx: network.valid().to_onnx(),
        },
        snapshot,
        best_pass,
        curve: state.curve,
    })
}

fn snapshot<B: AutodiffBackend>(state: &State<B>) -> Result<Snapshot, CheckpointError> {
    Snapshot::of::<B, _, _>(&state.network, &state.optimizer, state.items.clone())
}

fn best_objective<B: AutodiffBackend>(state: &State<B>) -> f64 {
    match &state.best {
        Some((pass, _)) => {
            let figures = state.curve[pass - 1];
            figures.p20 + figures.mrr20
        }
        None => f64::NEG_INFINITY,
    }
}

fn out_of_patience<B: AutodiffBackend>(state: &State<B>, patience: usize) -> bool {
    match &state.best {
        Some((pass, _)) => state.curve.len() - pass > patience,
        None => false,
    }
}

fn start<B: AutodiffBackend>(task: &Task<'_>, device: &B::Device) -> Result<State<B>, TrainError> {
    let parameters = task.parameters;
    let mut rng = ChaCha8Rng::seed_from_u64(task.seed);
    let network = Network::<B>::init(parameters, &mut rng, device);
    let bound = 1.0 / (parameters.dim as f32).sqrt();
    let items = ItemVectors::init(task.popularity.len(), parameters.dim, bound, &mut rng);
    let optimizer: NetworkOptimizer<B> = AdamWConfig::new()
        .with_epsilon(1e-8)
        .with_weight_decay(0.0)
        .init();
    let fresh = State {
        network,
        optimizer,
        items,
        curve: Vec::new(),
        best: None,
    };
    let saved = Checkpoint::read(task.checkpoint, &fingerprint(task))?;
    let from = match (&saved, task.earlier) {
        (Some(saved), _) => &saved.now,
        (None, Some((_, earlier))) => earlier,
        (None, None) => return Ok(fresh),
    };
    let (network, optimizer) = from.restore::<B, _, _>(fresh.network, fresh.optimizer, device)?;
    let items = from.items.clone();
    let (curve, best) = saved.map_or_else(Default::default, |saved| (saved.curve, saved.best));
    Ok(State {
        network,
        optimizer,
        items,
        curve,
        best,
    })
}

fn save<B: AutodiffBackend>(state: &State<B>, task: &Task<'_>) -> Result<(), TrainError> {
    let checkpoint = Checkpoint {
        now: snapshot(state)?,
        curve: state.curve.clone(),
        best: state.best.clone(),
    };
    Ok(checkpoint.write(task.checkpoint, &fingerprint(task))?)
}

/// What a checkpoint belongs to: another data set, recipe or seed must not go on from it.
fn fingerprint(task: &Task<'_>) -> String {
    let facts = serde_json::json!({
        "parameters": task.parameters,
        "seed": task.seed,
        "items": task.popularity.len(),
        "sessions": task.sessions.len(),
        "events": task.sessions.events.len(),
        "validated": task.valid.map(Examples::len),
        "earlier": task.earlier.map(|(passes, from)| (passes, from.digest().to_string())),
    });
    vitrine_core::Digest::of(facts.to_string().as_bytes()).to_string()
}

fn one_pass<B: AutodiffBackend>(
    state: &mut State<B>,
    task: &Task<'_>,
    pieces: &[Vec<Event>],
    negatives: &Negatives,
    device: &B::Device,
    progress: &dyn Progress,
) -> f64 {
    let parameters = task.parameters;
    let pass = (task.earlier.map_or(0, |earlier| earlier.0) + state.curve.len()) as u64;
    let pass_seed = task.seed ^ (pass + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let rate = parameters.learning_rate * parameters.learning_rate_decay.powi(pass as i32);
    let batches = order(pieces, parameters.batch, pass_seed);
    let (mut sum, mut labels) = (0.0, 0);
    // The next batch is laid out on another thread while the device works on this one.
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Batch>(4);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let sender = sender;
            let mut numbering = Numbering::new(task.popularity.len());
            for (at, places) in batches.iter().enumerate() {
                let sessions: Vec<&[Event]> =
                    places.iter().map(|&p| pieces[p].as_slice()).collect();
                let seed = pass_seed.wrapping_add(at as u64 + 1);
                let batch = numbering.lay_out(&sessions, negatives, parameters, seed);
                if sender.send(batch).is_err() {
                    return;
                }
            }
        });
        for batch in &receiver {
            let count = batch.labels.len();
            let loss = step::<B>(state, batch, rate, parameters, device);
            sum += loss * count as f64;
            labels += count;
            progress.advance(1);
            if !loss.is_finite() {
                break;
            }
        }
        drop(receiver);
    });
    sum / labels.max(1) as f64
}

fn step<B: AutodiffBackend>(
    state: &mut State<B>,
    batch: Batch,
    rate: f64,
    parameters: &EncoderParameters,
    device: &B::Device,
) -> f64 {
    let d = parameters.dim;
    let flat = batch.steps * batch.sessions;
    let rows = TensorData::new(state.items.gather(&batch.rows), [batch.rows.len(), d]);
    let rows = Tensor::<B, 2>::from_data(rows, device).require_grad();
    let unit = unit_rows(rows.clone());
    let ints = |values: Vec<i32>| {
        let count = values.len();
        Tensor::<B, 1, Int>::from_data(TensorData::new(values, [count]), device)
    };
    let mut input = unit.clone().select(0, ints(batch.input));
    if !batch.dropout.is_empty() {
        input = input * Tensor::from_data(TensorData::new(batch.dropout, [flat, d]), device);
    }
    let actions = TensorData::new(batch.actions, [flat, Action::COUNT]);
    let input = Tensor::cat(vec![input, Tensor::from_data(actions, device)], 1).reshape([
        batch.steps,
        batch.sessions,
        d + Action::COUNT,
    ]);
    let queries = state.network.forward(input).select(0, ints(batch.labelled));
    let vectors = unit.narrow(0, 0, batch.candidates);
    let loss = cross_entropy(
        queries.clone().inner(),
        vectors.clone().inner(),
        &batch.labels,
        &batch.log_expected,
    );
    // A sum of products with constants has these constants for its gradient.
    let handed_on = (queries * Tensor::from_inner(loss.queries)).sum()
        + (vectors * Tensor::from_inner(loss.vectors)).sum();
    let mut gradients = handed_on.backward();
    if let Some(gradient) = rows.grad_remove(&mut gradients) {
        let gradient: Vec<f32> = gradient.into_data().iter::<f32>().collect();
        let decay = parameters.weight_decay as f32;
        state
            .items
            .update(&batch.rows, &gradient, rate as f32, decay);
    }
    let gradients = GradientsParams::from_grads(gradients, &state.network);
    // The optimiser takes the network by value; a clone shares its tensors.
    state.network = state.optimizer.step(rate, state.network.clone(), gradients);
    loss.value
}

/// P@20 and MRR@20 of the encoder alone, in `f32`, on the first examples of the validation.
fn validate<B: AutodiffBackend>(
    state: &State<B>,
    valid: &Examples,
    parameters: &EncoderParameters,
    device: &B::Device,
) -> Metrics {
    let network = state.network.valid();
    let vectors = state.items.unit();
    let stride = valid.len().div_ceil(VALIDATION_EXAMPLES).max(1);
    let sample: Vec<usize> = (0..valid.len()).step_by(stride).collect();
    let mut ranks = Vec::with_capacity(sample.len());
    for chunk in sample.chunks(parameters.batch) {
        let examples: Vec<(Vec<Event>, Option<u32>)> = chunk
            .iter()
            .map(|&example| {
                let (input, label) = valid.get(example);
                let known: Vec<Event> = input.iter().copied().filter(|e| e.row.is_some()).collect();
                let from = known.len().saturating_sub(parameters.length);
                (known[from..].to_vec(), label)
            })
            .collect();
        let queries =
            last_queries::<B::InnerBackend>(&network, &examples, &vectors, parameters.dim, device);
        let found: Vec<u32> = examples
            .par_iter()
            .zip(queries.par_chunks(parameters.dim))
            .map(|((input, label), query)| match label {
                Some(label) if !input.is_empty() => rank_alone(&vectors, query, *label),
                _ => 0,
            })
            .collect();
        ranks.extend(found);
    }
    Metrics::of_ranks(&ranks)
}

/// The query after the last event of each example, `[examples × D]`.
fn last_queries<B: Backend>(
    network: &Network<B>,
    examples: &[(Vec<Event>, Option<u32>)],
    vectors: &[f32],
    dim: usize,
    device: &B::Device,
) -> Vec<f32> {
    let b = examples.len();
    let steps = examples.iter().map(|e| e.0.len()).max().unwrap_or(0).max(1);
    let width = dim + Action::COUNT;
    let mut input = vec![0.0; steps * b * width];
    let mut last = Vec::with_capacity(b);
    for (at, (events, _)) in examples.iter().enumerate() {
        for (step, event) in events.iter().enumerate() {
            let Some(row) = event.row else { continue };
            let place = (step * b + at) * width;
            let from = row as usize * dim;
            input[place..place + dim].copy_from_slice(&vectors[from..from + dim]);
            input[place + dim + usize::from(event.action.code())] = 1.0;
        }
        last.push((events.len().saturating_sub(1) * b + at) as i32);
    }
    let input = Tensor::<B, 3>::from_data(TensorData::new(input, [steps, b, width]), device);
    let last = Tensor::<B, 1, Int>::from_data(TensorData::new(last, [b]), device);
    let queries = network.forward(input).select(0, last);
    queries.into_data().iter::<f32>().collect()
}

fn rank_alone(vectors: &[f32], query: &[f32], label: u32) -> u32 {
    let score = |vector: &[f32]| -> f32 { vector.iter().zip(query).map(|(v, q)| v * q).sum() };
    let wanted = score(&vectors[label as usize * query.len()..][..query.len()]);
    let rows = vectors.chunks_exact(query.len());
    rows.filter(|vector| score(vector) >= wanted).count() as u32
}
