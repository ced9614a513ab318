//! Trains the encoder, pass by pass.

use super::EncoderParameters;
use super::batches::{Batch, Negatives, Numbering, order, pieces};
use super::checkpoint::{Checkpoint, CheckpointError, Snapshot};
use super::features::Features;
use super::items::ItemVectors;
use super::network::SessionEncoder;
use super::step::{gradients, parts};
use crate::dataset::{Examples, Sessions};
use crate::evaluate::metrics::Metrics;
use crate::progress::Progress;
use burn::module::AutodiffModule;
use burn::optim::{AdamW, AdamWConfig, Optimizer, adaptor::OptimizerAdaptor};
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
    /// What is known of each item; `[N]`.
    pub features: &'a Features,
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
    let negatives = Negatives::new(task.popularity, task.features, parameters);
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
            .map(|valid| validate::<B>(&state, task, valid, device))
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
            vectors: snapshot.items.unit(task.features),
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
    let items = ItemVectors::init(
        task.popularity,
        task.features,
        parameters.dim,
        bound,
        &mut rng,
    );
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
        "features": task.features.digest().to_string(),
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
                let batch = numbering.lay_out(&sessions, parts::<B>(), negatives, parameters, seed);
                if sender.send(batch).is_err() {
                    return;
                }
            }
        });
        for batch in &receiver {
            let count = batch.labels();
            let loss = step::<B>(state, task, batch, rate, device);
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
    task: &Task<'_>,
    batch: Batch,
    rate: f64,
    device: &B::Device,
) -> f64 {
    let vectors = state.items.gather(&batch.rows, task.features);
    let rows = batch.rows.clone();
    let found = gradients::<B>(&state.network, &vectors, batch, device);
    let decay = task.parameters.weight_decay as f32;
    let rate_of_items = rate as f32;
    state
        .items
        .update(&rows, task.features, &found.vectors, rate_of_items, decay);
    // The optimiser takes the network by value; a clone shares its tensors.
    let network = state.network.clone();
    state.network = state.optimizer.step(rate, network, found.network);
    found.loss
}

/// P@20 and MRR@20 of the encoder alone, in `f32`, on the first examples of the validation.
fn validate<B: AutodiffBackend>(
    state: &State<B>,
    task: &Task<'_>,
    valid: &Examples,
    device: &B::Device,
) -> Metrics {
    let parameters = task.parameters;
    let network = state.network.valid();
    let vectors = state.items.unit(task.features);
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

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use crate::dataset::ItemFacts;
    use crate::progress::Silent;
    use burn::backend::Autodiff;
    use burn_flex::{Flex, FlexDevice};
    use vitrine_encoder::Encoder;

    /// Items of each of two categories that sessions name, and one more that none does.
    const SEEN: usize = 20;

    #[test]
    fn an_item_that_nobody_has_looked_at_is_placed_by_its_category() {
        let item = |category: &str| ItemFacts {
            category: Some(category.into()),
            ..ItemFacts::default()
        };
        let categories = ["mugs", "lamps"];
        let items: Vec<ItemFacts> = categories
            .iter()
            .flat_map(|category| vec![item(category); SEEN + 1])
            .collect();
        let new = [SEEN, 2 * SEEN + 1];
        let mut popularity = vec![10.0; items.len()];
        new.iter().for_each(|&row| popularity[row] = 0.0);
        let event = |row: usize| Event {
            row: Some(row as u32),
            action: Action::View,
        };
        let of_category = |category: usize, at: usize| category * (SEEN + 1) + at % SEEN;
        let mut sessions = Sessions::new();
        for at in 0..600 {
            let row = |step: usize| of_category(at % 2, at * 7 + step * step * 3);
            sessions.push((0..4).map(|step| event(row(step))));
        }
        let parameters = EncoderParameters {
            dim: 8,
            hidden: 8,
            batch: 32,
            learning_rate: 0.02,
            ..EncoderParameters::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let task = Task {
            sessions: &sessions,
            popularity: &popularity,
            features: &Features::of(&items),
            valid: None,
            parameters: &parameters,
            passes: 3,
            earlier: None,
            seed: 1,
            checkpoint: &folder.path().join("checkpoint"),
        };
        let trained = train::<Autodiff<Flex>>(&task, &FlexDevice, &Silent).unwrap();
        let vectors = &trained.encoder.vectors;
        let vector = |row: usize| &vectors[row * 8..(row + 1) * 8];
        let mut encoder = Encoder::new(&trained.encoder.onnx, 8 + Action::COUNT).unwrap();
        for category in 0..2 {
            let mut input = vector(of_category(category, 3)).to_vec();
            input.extend([1.0, 0.0, 0.0]);
            let query = encoder.encode(&input).unwrap();
            let score = |row: usize| -> f32 {
                let pairs = vector(row).iter().zip(&query);
                pairs.map(|(a, b)| a * b).sum()
            };
            let (own, other) = (score(new[category]), score(new[1 - category]));
            assert!(own > other + 1.0, "{}: {own} {other}", categories[category]);
        }
    }
}
