//! What each privacy level would cost this shop, measured on its own history.
//!
//! The first half of the train sessions is the *history* that a shop has anyway, the second half
//! the *field*: visits of which only cells come back. The model is learned from the history, from
//! history and field as if nothing were protected, and from the history with what each level
//! would release of the field; all are measured on the test split as they would ship. A level
//! keeps (level − history) / (whole − history) of the field's value in P@20.
//!
//! A visit reports the transitions that lie at most three events apart, each once and at most L of
//! them, drawn evenly where there are more. A released transition enters the counts as `retrain`
//! enters it: as a session of two items that weighs its count. Each session counts as a browser
//! profile of its own: a visitor who comes back within a window has one budget for all visits, so
//! a shop of regulars gets somewhat less than is shown here.
//!
//! History has no clock in many data sets, so a window is a share of the field: with w windows
//! the field is cut into w runs of sessions of equal number, and each is released by itself.

pub mod forged;
mod page;
mod recommend;
mod report;

pub use page::write as write_page;
pub use recommend::{Recommendation, recommend};
pub use report::markdown;

use crate::dataset::{Dataset, DatasetError, Examples, Sessions};
use crate::evaluate::metrics::Metrics;
use crate::evaluate::ranks::label_ranks;
use crate::field::Field;
use crate::parameters::TableParameters;
use crate::progress::Progress;
use crate::recipe::{Recipe, TableForm};
use crate::search::{CompressError, Shape, assemble, compress};
use crate::table::{History, neighbours};
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng as _;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use vitrine_core::Action;
use vitrine_core::privacy::{DELTA, Guarantee, Privacy};
use vitrine_core::score::Event;
use vitrine_core::tables::Tables;
use vitrine_privacy::{Mechanism, PrivacyError, calibrate};

/// Why the levels cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum LevelsError {
    /// The data can't be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The tables can't be made.
    #[error(transparent)]
    Compress(#[from] CompressError),
    /// No noise follows from what was asked.
    #[error(transparent)]
    Privacy(#[from] PrivacyError),
    /// There is nothing to measure by.
    #[error(
        "{0}: the test split is empty: prepare the data with --test-days, or with a split of its own"
    )]
    NoTest(PathBuf),
    /// Whole sessions of the field teach nothing.
    #[error(
        "{0}: the later half of the sessions adds nothing to the earlier half (P@20 {1:.2} → \
         {2:.2}), so there is no value of which a level could keep a share: use more history"
    )]
    NoValue(PathBuf, f64, f64),
    /// Too little to cut in two.
    #[error(
        "{path}: {sessions} train sessions cannot be cut into a history and {windows} windows of a \
         field: ask for fewer windows"
    )]
    TooFew {
        /// The data's folder.
        path: PathBuf,
        /// How many there are.
        sessions: usize,
        /// How many windows were asked for.
        windows: usize,
    },
}

/// What training sees of the field.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Nothing.
    History,
    /// Whole sessions: no privacy at all.
    Whole,
    /// Transitions that at least k reports named, with exact counts.
    Unlinkable(u32),
    /// Noisy counts at this ε of a window.
    Private(f64),
}

impl Rule {
    /// The levels that are compared, the weakest promise first.
    pub const LEVELS: [Self; 8] = [
        Self::Unlinkable(1),
        Self::Unlinkable(2),
        Self::Unlinkable(3),
        Self::Unlinkable(5),
        Self::Unlinkable(10),
        Self::Private(4.0),
        Self::Private(2.0),
        Self::Private(1.0),
    ];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::History => write!(f, "history only"),
            Self::Whole => write!(f, "whole sessions (no privacy)"),
            Self::Unlinkable(k) => write!(f, "unlinkable, k = {k}"),
            Self::Private(epsilon) => write!(f, "private, ε = {epsilon}"),
        }
    }
}

/// What is compared.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Folder that `vitrine prepare` wrote.
    pub data: &'a Path,
    /// Parameters and form of the table; parameters that are not given have their defaults.
    pub recipe: &'a Recipe,
    /// L: cells that a profile may report in a window; 1 to 64 each.
    pub cells: &'a [u32],
    /// Into how many windows the field is cut; at least 1 each.
    pub windows: &'a [usize],
    /// Seed of the drawing and of the noise.
    pub seed: u64,
}

/// One measured way to treat the field.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// What training saw.
    pub rule: Rule,
    /// L.
    pub cells: u32,
    /// Windows that the field was cut into.
    pub windows: usize,
    /// Distinct transitions that were released, summed over windows.
    pub released: usize,
    /// P@20 on test, in percent.
    pub p20: f64,
    /// MRR@20 on test, in percent.
    pub mrr20: f64,
    /// Share of the field's value in P@20 that is kept, in percent.
    pub kept: f64,
}

/// All that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Levels {
    /// Name of the data set.
    pub dataset: String,
    /// Sessions of the history.
    pub history_sessions: usize,
    /// Sessions of the field.
    pub field_sessions: usize,
    /// About how many days the field spans, where the data have times: half of all of them.
    pub field_days: Option<f64>,
    /// How the table's weights follow from its counts.
    pub form: TableForm,
    /// The history alone.
    pub history: Outcome,
    /// History and field without any protection.
    pub whole: Outcome,
    /// The levels, by L, windows and rule.
    pub outcomes: Vec<Outcome>,
}

/// Measures every level for every L and number of windows.
///
/// # Errors
/// When the data can't be read or have no test split, and when L or ε is out of range.
pub fn simulate(options: &Options<'_>, progress: &dyn Progress) -> Result<Levels, LevelsError> {
    progress.start("reading the data", None);
    let data = Dataset::open(options.data, &[])?;
    if data.test.is_empty() {
        return Err(LevelsError::NoTest(options.data.into()));
    }
    let half = data.train.len() / 2;
    let windows = options.windows.iter().copied().max().unwrap_or(1);
    if half == 0 || data.train.len() - half < windows || options.windows.contains(&0) {
        return Err(LevelsError::TooFew {
            path: options.data.into(),
            sessions: data.train.len(),
            windows,
        });
    }
    let (history, field) = halves(&data.train, half);
    for &cells in options.cells {
        calibrate(Guarantee::default(), cells)?;
    }
    progress.finish();

    let runs = 2 + options.cells.len() * options.windows.len() * Rule::LEVELS.len();
    progress.start("learning from what each level releases", Some(runs as u64));
    let model = Model {
        items: data.ids.len(),
        test: &data.test,
        recipe: options.recipe,
        parameters: options.recipe.table.start(),
        shape: options.recipe.shape(),
    };
    let nothing = Released::default();
    let alone = model.measure(&data, &history, &nothing)?;
    progress.advance(1);
    let all = model.measure(&data, &data.train, &nothing)?;
    progress.advance(1);
    if all.p20 <= alone.p20 {
        return Err(LevelsError::NoValue(
            options.data.into(),
            alone.p20,
            all.p20,
        ));
    }
    let outcome = |rule, cells, windows, released, metrics: Metrics| Outcome {
        rule,
        cells,
        windows,
        released,
        p20: metrics.p20,
        mrr20: metrics.mrr20,
        kept: 100.0 * (metrics.p20 - alone.p20) / (all.p20 - alone.p20),
    };
    let mut outcomes = Vec::with_capacity(runs);
    for &cells in options.cells {
        for &windows in options.windows {
            let reported = reported(&field, cells as usize, windows, options.seed);
            for rule in Rule::LEVELS {
                let released = release(&reported, rule, cells, options.seed)?;
                let metrics = model.measure(&data, &history, &released)?;
                outcomes.push(outcome(rule, cells, windows, released.cells, metrics));
                progress.advance(1);
            }
        }
    }
    progress.finish();
    Ok(Levels {
        dataset: data.facts.name.clone(),
        history_sessions: history.len(),
        field_sessions: field.len(),
        field_days: (data.facts.from.zip(data.facts.to))
            .map(|(from, to)| to.saturating_sub(from) as f64 / 2.0 / 86_400.0),
        form: options.recipe.table.form,
        history: outcome(Rule::History, 0, 1, 0, alone),
        whole: outcome(Rule::Whole, 0, 1, 0, all),
        outcomes,
    })
}

fn halves(sessions: &Sessions, half: usize) -> (Sessions, Sessions) {
    let (mut history, mut field) = (Sessions::new(), Sessions::new());
    for (at, session) in sessions.iter().enumerate() {
        let part = if at < half { &mut history } else { &mut field };
        part.push(session.iter().copied());
    }
    (history, field)
}

/// Counts by transition.
type Counts = BTreeMap<(u32, u32), u64>;

/// What was reported, by window: at most `cells` transitions of each session, each once.
fn reported(field: &Sessions, cells: usize, windows: usize, seed: u64) -> Vec<Counts> {
    let max_gap = Privacy::default().max_gap as usize;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut counts = vec![Counts::new(); windows];
    for (at, session) in field.iter().enumerate() {
        let mut pairs = Vec::new();
        for (position, to) in session.iter().enumerate() {
            for from in &session[position.saturating_sub(max_gap)..position] {
                if let (Some(from), Some(to)) = (from.row, to.row)
                    && from != to
                {
                    pairs.push((from, to));
                }
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let window = &mut counts[at * windows / field.len()];
        for chosen in sample(&mut random, pairs.len(), cells.min(pairs.len())) {
            *window.entry(pairs[chosen]).or_default() += 1;
        }
    }
    counts
}

/// What a release gave.
#[derive(Clone, Debug, Default)]
struct Released {
    counts: Counts,
    cells: usize,
}

/// Applies a rule to each window, as the server does, and adds the windows up.
fn release(
    reported: &[Counts],
    rule: Rule,
    cells: u32,
    seed: u64,
) -> Result<Released, LevelsError> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mechanism = match rule {
        Rule::Private(epsilon) => {
            let guarantee = Guarantee {
                epsilon,
                delta: DELTA,
            };
            let noise = calibrate(guarantee, cells)?;
            Some(Mechanism::new(noise.sigma, noise.threshold)?)
        }
        _ => None,
    };
    let mut released = Released::default();
    for window in reported {
        for (&pair, &count) in window {
            let passed = match (rule, &mechanism) {
                (Rule::Unlinkable(k), _) => (count >= u64::from(k)).then_some(count),
                (_, Some(mechanism)) => mechanism.release(count, &mut random),
                _ => None,
            };
            if let Some(count) = passed {
                *released.counts.entry(pair).or_default() += count;
                released.cells += 1;
            }
        }
    }
    Ok(released)
}

/// How a table is learned and measured.
struct Model<'a> {
    items: usize,
    test: &'a Examples,
    recipe: &'a Recipe,
    parameters: TableParameters,
    shape: Shape,
}

impl Model<'_> {
    /// Figures of the table that `sessions` and what was released give.
    fn measure(
        &self,
        data: &Dataset,
        sessions: &Sessions,
        released: &Released,
    ) -> Result<Metrics, LevelsError> {
        let tables = self.tables(data, sessions, &self.field(released))?;
        let ranks = label_ranks(&tables, self.test, self.shape.max_session, &[]);
        Ok(Metrics::of_ranks(&ranks))
    }

    /// The table that `sessions` and what came back from the field give, as it ships.
    fn tables(
        &self,
        data: &Dataset,
        sessions: &Sessions,
        field: &Field,
    ) -> Result<Tables, LevelsError> {
        let mut demand = data.demand(sessions);
        demand.add(&field.popularity);
        let neighbours = neighbours(
            self.recipe.table.form,
            &History::untaught(self.items, sessions),
            field,
            &demand,
            &self.parameters,
            self.shape,
        );
        let tables = assemble(neighbours, &demand, &self.parameters, self.shape, None);
        let (_, tables) = compress(&tables, self.shape)?;
        Ok(tables)
    }

    fn field(&self, released: &Released) -> Field {
        let mut field = Field {
            pairs: Sessions::new(),
            popularity: vec![0.0; self.items],
            ..Field::default()
        };
        let view = |row| Event {
            row: Some(row),
            action: Action::View,
        };
        for (&(from, to), &count) in &released.counts {
            field.pairs.push([view(from), view(to)]);
            field.weight.push(count as f64);
            field.popularity[to as usize] += count as f64;
        }
        field
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_session_reports_each_near_pair_once_and_at_most_l() {
        // 0 1 0 1 2 4: pairs at most three apart without itself: 01 10 12 02 14 04 24; not 0 → 4
        // from the first place, but the third event is 0 too.
        let field = Sessions::of_views(&[&[0, 1, 0, 1, 2, 4]]);
        let all = reported(&field, 64, 1, 1);
        let pairs: Vec<_> = all[0].keys().copied().collect();
        assert_eq!(
            pairs,
            [(0, 1), (0, 2), (0, 4), (1, 0), (1, 2), (1, 4), (2, 4)]
        );
        assert!(all[0].values().all(|&count| count == 1));
        let few = reported(&field, 3, 1, 1);
        assert_eq!(few[0].len(), 3);
        assert_eq!(
            few,
            reported(&field, 3, 1, 1),
            "the same seed draws the same"
        );
    }

    #[test]
    fn each_window_is_released_by_itself() {
        let field = Sessions::of_views(&[&[0, 1], &[0, 1], &[0, 1], &[2, 3]]);
        let one = reported(&field, 8, 1, 1);
        let two = reported(&field, 8, 2, 1);
        let pass = |windows: &[Counts], rule| release(windows, rule, 8, 1).unwrap().counts;
        assert_eq!(pass(&one, Rule::Unlinkable(3)), [((0, 1), 3)].into());
        assert_eq!(pass(&two, Rule::Unlinkable(3)), Counts::new());
        assert_eq!(pass(&two, Rule::Unlinkable(2)), [((0, 1), 2)].into());
        assert_eq!(
            pass(&two, Rule::Unlinkable(1)),
            [((0, 1), 3), ((2, 3), 1)].into()
        );
        // Three reports are far below τ = 20.
        assert_eq!(pass(&one, Rule::Private(4.0)), Counts::new());
    }
}
