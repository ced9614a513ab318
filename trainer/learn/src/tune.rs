//! Searches the encoder's hyper-parameters: random search with successive halving.
//!
//! All trials make one pass; the better third goes on to three passes, the better third of those
//! to nine, and so on (Jamieson & Talwalkar, AISTATS 2016, arXiv 1502.07943). A trial is judged by
//! P@20 + MRR@20 of its encoder alone, on data that it did not learn from
//! ([`CrossValidation`]). A search that was interrupted goes on.

use crate::cross_validation::CrossValidation;
use crate::dataset::Dataset;
use crate::encoder::EncoderParameters;
use crate::encoder::backbone::BackboneKind;
use crate::encoder::train::{Outcome, Task};
use crate::files::write_atomically;
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::report;
use crate::run::{Figures, RunError, lock, make_folder, resolve, train_encoder};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Passes of the first rung, and the factor from rung to rung.
const FACTOR: usize = 3;

/// The page of a search, in its folder.
pub const PAGE: &str = "search.html";

/// What a search is asked for.
pub struct Options<'a> {
    /// Folder that `prepare` wrote.
    pub data: &'a Path,
    /// Folder of the search: its trials, `trials.json`, `recipe.toml`, `search.html`.
    pub out: &'a Path,
    /// What device trains.
    pub device: crate::encoder::device::DeviceChoice,
    /// Trials of the first rung.
    pub trials: usize,
    /// What a trial is judged on.
    pub cross_validation: CrossValidation,
}

/// One choice of hyper-parameters and how far it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0; 0 is the recipe as it was given.
    pub number: usize,
    /// What it trained with.
    pub parameters: EncoderParameters,
    /// What it reached, rung by rung.
    pub rungs: Vec<Rung>,
}

/// How good a trial was after some passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Passes that it had made.
    pub passes: usize,
    /// The best pass on validation, the mean over the parts.
    pub figures: Figures,
}

impl Trial {
    /// Passes that it made.
    pub fn passes(&self) -> usize {
        self.rungs.last().map_or(0, |rung| rung.passes)
    }

    /// Its figures after them.
    pub fn figures(&self) -> Figures {
        self.rungs
            .last()
            .map_or_else(Figures::default, |rung| rung.figures)
    }
}

/// Searches, and writes the best recipe and a page; the best trial comes first.
///
/// # Errors
/// [`RunError`] of reading or training.
pub fn tune(
    options: &Options<'_>,
    recipe: &Recipe,
    progress: &dyn Progress,
) -> Result<Vec<Trial>, RunError> {
    let device = resolve(options.device, recipe, progress)?;
    progress.start("reading the prepared data", None);
    let data = Dataset::open(options.data, &[])?;
    progress.finish();
    let _lock = lock(options.out)?;
    let names = options.cross_validation.parts();
    let splits = options.cross_validation.splits(&data);
    let mut trials: Vec<Trial> = draw(&recipe.encoder, options.trials, recipe.seed);
    let mut going: Vec<usize> = (0..trials.len()).collect();
    let mut passes = 1;
    loop {
        for &number in &going {
            let trial = &mut trials[number];
            progress.say(&format!("trial {number}: {passes} passes"));
            let mut figures = Figures::default();
            for (name, (fit, valid)) in names.iter().zip(&splits) {
                let folder = options.out.join(format!("trial-{number}-{name}"));
                make_folder(&folder)?;
                let task = Task {
                    sessions: fit,
                    popularity: &data.popularity(fit),
                    features: &data.features(&trial.parameters),
                    valid: Some(valid),
                    parameters: &trial.parameters,
                    passes,
                    earlier: None,
                    seed: recipe.seed,
                    checkpoint: &folder.join("checkpoint.safetensors"),
                };
                let best = best_of(&train_encoder(device, &task, progress)?, passes);
                figures.p20 += best.p20 / splits.len() as f64;
                figures.mrr20 += best.mrr20 / splits.len() as f64;
            }
            trial.rungs.push(Rung { passes, figures });
            write(options.out, &trials)?;
        }
        if going.len() == 1 {
            break;
        }
        let worth = |number: usize| trials[number].figures().worth();
        going.sort_by(|&a, &b| worth(b).total_cmp(&worth(a)));
        going.truncate(going.len().div_ceil(FACTOR));
        passes *= FACTOR;
    }
    let best = best_recipe(recipe, &trials[going[0]], passes);
    let path = options.out.join("recipe.toml");
    let text = toml::to_string(&best).map_err(|e| RunError::Record {
        path: path.clone(),
        reason: e.to_string(),
    })?;
    write_atomically(&path, text.as_bytes()).map_err(|source| RunError::File { path, source })?;
    trials.sort_by(|a, b| {
        let further = b.passes().cmp(&a.passes());
        further.then(b.figures().worth().total_cmp(&a.figures().worth()))
    });
    let path = options.out.join(PAGE);
    report::search::write(&path, &trials).map_err(|source| RunError::File { path, source })?;
    Ok(trials)
}

/// The given recipe with what a trial trained with.
fn best_recipe(given: &Recipe, trial: &Trial, passes: usize) -> Recipe {
    Recipe {
        encoder: EncoderParameters {
            epochs: passes,
            patience: given.encoder.patience,
            ..trial.parameters.clone()
        },
        ..given.clone()
    }
}

/// The best of the first passes: a search that is taken up again finds later ones made already.
fn best_of(outcome: &Outcome, passes: usize) -> Figures {
    let made = outcome.curve.iter().take(passes).map(|pass| Figures {
        p20: pass.p20,
        mrr20: pass.mrr20,
    });
    let best = made.max_by(|a, b| a.worth().total_cmp(&b.worth()));
    best.unwrap_or_default()
}

/// The given parameters, and `trials` − 1 drawn around what is known to work.
fn draw(given: &EncoderParameters, trials: usize, seed: u64) -> Vec<Trial> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x7475_6e65);
    (0..trials.max(1))
        .map(|number| {
            let mut parameters = given.clone();
            // Trials are stopped by the search, not by patience.
            parameters.patience = usize::MAX;
            if number > 0 {
                parameters.backbone = *pick(&mut rng, &BackboneKind::ALL);
                parameters.learning_rate = log_uniform(&mut rng, 0.001, 0.012);
                parameters.learning_rate_decay = *pick(&mut rng, &[0.7, 0.8, 0.9, 1.0]);
                parameters.dropout = *pick(&mut rng, &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5]);
                parameters.temperature = *pick(&mut rng, &[0.05, 0.06, 0.07, 0.08, 0.1]);
                parameters.hidden = *pick(&mut rng, &[64, 96, 128]);
                parameters.negatives = *pick(&mut rng, &[512, 1024, 2048]);
                parameters.negative_power = *pick(&mut rng, &[0.0, 0.25, 0.5, 0.75]);
                parameters.batch = *pick(&mut rng, &[128, 256, 512]);
            }
            Trial {
                number,
                parameters,
                rungs: Vec::new(),
            }
        })
        .collect()
}

fn log_uniform(rng: &mut impl Rng, low: f64, high: f64) -> f64 {
    rng.random_range(low.ln()..high.ln()).exp()
}

fn pick<'a, T>(rng: &mut impl Rng, values: &'a [T]) -> &'a T {
    // The lists above are not empty.
    values.choose(rng).unwrap_or(&values[0])
}

fn write(out: &Path, trials: &[Trial]) -> Result<(), RunError> {
    let path = out.join("trials.json");
    let json = serde_json::to_vec_pretty(trials).unwrap_or_default();
    write_atomically(&path, &json).map_err(|source| RunError::File { path, source })
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;

    #[test]
    fn the_best_recipe_can_be_written_and_read() {
        let given = Recipe::default();
        let trial = &draw(&given.encoder, 2, 1)[1];
        let best = best_recipe(&given, trial, 9);
        let text = toml::to_string(&best).unwrap();
        assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), best);
        assert_eq!(best.encoder.patience, given.encoder.patience);
        assert_eq!(best.encoder.epochs, 9);
    }

    #[test]
    fn the_first_trial_is_what_was_given_and_a_seed_gives_the_same_trials() {
        let given = EncoderParameters::default();
        let trials = draw(&given, 9, 1);
        assert_eq!(trials[0].parameters.learning_rate, given.learning_rate);
        assert_eq!(trials, draw(&given, 9, 1));
        assert_ne!(trials[1].parameters, trials[2].parameters);
    }
}
