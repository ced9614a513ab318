//! What forged reports do to an item's exposure, on the shop's own history.
//!
//! As in the comparison of levels, the first half of the train sessions is the history and the
//! second half the field, at the `unlinkable` level with k = 2. A forger adds a share of the
//! last window's reports, all of them transitions into one item. Each attack is measured three
//! times: as the counts are, with [groups of nonces](vitrine_privacy::groups) cut, and as
//! [`growth`](crate::field::growth) lets them in.

use super::{Counts, LevelsError, Model, Options, Rule, halves, release, reported};
use crate::dataset::{Dataset, Examples, Sessions};
use crate::evaluate::breakdown::LIST;
use crate::evaluate::metrics::Metrics;
use crate::evaluate::protocol::Protocol;
use crate::evaluate::ranks::{Ranking, label_ranks};
use crate::field::Field;
use crate::field::growth::{Baseline, Report};
use crate::progress::Progress;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::fmt;
use vitrine_core::Action;
use vitrine_core::provenance::Move;
use vitrine_core::score::Event;
use vitrine_core::tables::Tables;
use vitrine_privacy::groups::{GROUPS, counted};

/// Test examples whose lists are counted, at most about.
const LISTS: usize = 10_000;
/// The k of the level.
const K: u32 = 2;

/// Which item is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// More popular than 99 % of the items of the history.
    Popular,
    /// As popular as half of them.
    Usual,
    /// Sold since the history, and reported as often as half of such items.
    New,
}

/// How forged reports are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// From the 50 most popular items, evenly, with nonces that fall into one group.
    Gathered,
    /// The same with nonces drawn as honest devices do.
    Narrow,
    /// Twice from each of as many popular items as there are reports for, drawn likewise.
    Wide,
}

/// What stands between forged reports and the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defence {
    Nothing,
    Groups,
    Growth,
}

const DEFENCES: [Defence; 3] = [Defence::Nothing, Defence::Groups, Defence::Growth];

/// One attack, and what it reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Which item.
    pub target: Target,
    /// How.
    pub attack: Attack,
    /// The item's share of the lists without and with the forged reports, in percent: with nothing
    /// against them, with groups cut, with growth limited.
    pub moved: [Move; 3],
}

/// All attacks on one shop.
#[derive(Clone, Debug, PartialEq)]
pub struct Forged {
    /// Name of the data set.
    pub dataset: String,
    /// Forged reports, in percent of the honest ones.
    pub percent: f64,
    /// Windows of the field, and L.
    pub windows: usize,
    /// An item in fewer lists counts as if it were in so many, in percent.
    pub floor: f64,
    /// P@20 of the honest field, in percent, in the same three ways: what a defence costs where
    /// nobody forges.
    pub p20: [f64; 3],
    /// The attacks.
    pub outcomes: Vec<Outcome>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Popular => "popular",
            Self::Usual => "usual",
            Self::New => "new",
        })
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gathered => "from 50 popular items, nonces of one group",
            Self::Narrow => "from 50 popular items",
            Self::Wide => "twice from each of many items",
        })
    }
}

/// Attacks an item of each kind in each way, with `percent` of the honest reports. The first of
/// the options' L and numbers of windows are used.
///
/// # Errors
/// When the data can't be read or are too few.
pub fn forge(
    options: &Options<'_>,
    percent: f64,
    progress: &dyn Progress,
) -> Result<Forged, LevelsError> {
    progress.start("reading the data", None);
    let data = Dataset::open(options.data, &[])?;
    let windows = options.windows.first().copied().unwrap_or(1).max(1);
    let cells = options.cells.first().copied().unwrap_or(8);
    let half = data.train.len() / 2;
    if data.test.is_empty() {
        return Err(LevelsError::NoTest(options.data.into()));
    }
    if half < windows {
        return Err(LevelsError::TooFew {
            path: options.data.into(),
            sessions: data.train.len(),
            windows,
        });
    }
    let (history, field) = halves(&data.train, half);
    let honest = reported(&field, cells as usize, windows, options.seed);
    progress.finish();

    let test = data.test.thinned(LISTS);
    let model = Model {
        items: data.ids.len(),
        test: &test,
        recipe: options.recipe,
        parameters: options.recipe.table.start(),
        shape: options.recipe.shape(),
    };
    let bench = Bench {
        model,
        data: &data,
        history: &history,
        test: &test,
    };
    let by_popularity = rows_by_count(&data.popularity(&history));
    let targets = targets(&data.popularity(&history), &by_popularity, &honest);
    let attacks = [Attack::Gathered, Attack::Narrow, Attack::Wide];
    let runs = DEFENCES.len() * (1 + attacks.len() * targets.len());
    progress.start("forging reports", Some(runs as u64));
    let measure = |forged: &Counts, gathered: bool| {
        let mut shares = Vec::with_capacity(DEFENCES.len());
        for defence in DEFENCES {
            let windows = Windows {
                honest: &honest,
                forged,
                gathered,
            };
            shares.push(bench.shares(&windows, defence, cells, options.seed)?);
            progress.advance(1);
        }
        Ok::<_, LevelsError>(shares)
    };
    let before = measure(&Counts::new(), false)?;
    let mut outcomes = Vec::new();
    for &(target, row) in &targets {
        for attack in attacks {
            let forged = forged(&honest, percent, attack, row, &by_popularity);
            let after = measure(&forged, attack == Attack::Gathered)?;
            outcomes.push(Outcome {
                target,
                attack,
                moved: [0, 1, 2].map(|at| Move {
                    item: data.ids[row as usize].clone(),
                    before: before[at].of[row as usize],
                    after: after[at].of[row as usize],
                }),
            });
        }
    }
    progress.finish();
    Ok(Forged {
        dataset: data.facts.name.clone(),
        percent,
        windows,
        floor: crate::retrain::floor(data.ids.len()),
        p20: [0, 1, 2].map(|at| before[at].p20),
        outcomes,
    })
}

/// Rows from the most counted to the least.
fn rows_by_count(counts: &[f64]) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..counts.len() as u32).collect();
    rows.sort_by(|&a, &b| counts[b as usize].total_cmp(&counts[a as usize]));
    rows
}

/// An item of each kind that the shop has.
fn targets(history: &[f64], by_popularity: &[u32], honest: &[Counts]) -> Vec<(Target, u32)> {
    let sold = by_popularity
        .iter()
        .filter(|&&row| history[row as usize] > 0.0);
    let sold: Vec<u32> = sold.copied().collect();
    let mut reports = vec![0.0; history.len()];
    for (&(_, to), &count) in honest.iter().flatten() {
        reports[to as usize] += count as f64;
    }
    let is_new = |row: &u32| history[*row as usize] == 0.0 && reports[*row as usize] > 0.0;
    let new: Vec<u32> = rows_by_count(&reports).into_iter().filter(is_new).collect();
    [
        (Target::Popular, sold.get(sold.len() / 100)),
        (Target::Usual, sold.get(sold.len() / 2)),
        (Target::New, new.get(new.len() / 2)),
    ]
    .into_iter()
    .filter_map(|(target, row)| Some((target, *row?)))
    .collect()
}

/// Forged counts of the last window.
fn forged(
    honest: &[Counts],
    percent: f64,
    attack: Attack,
    target: u32,
    by_popularity: &[u32],
) -> Counts {
    let from = || by_popularity.iter().copied().filter(|&row| row != target);
    let reports = honest.last().map_or(0, |window| window.values().sum());
    let reports = reports as f64 * percent / 100.0;
    let (sources, each) = match attack {
        Attack::Gathered | Attack::Narrow => (50, (reports / 50.0).round() as u64),
        Attack::Wide => ((reports / 2.0).round() as usize, 2),
    };
    let pairs = from().take(sources).map(|from| ((from, target), each));
    pairs.collect()
}

/// What is reported in the windows of the field.
struct Windows<'a> {
    honest: &'a [Counts],
    /// In the last window.
    forged: &'a Counts,
    /// Whether all forged nonces fall into one group.
    gathered: bool,
}

impl Windows<'_> {
    /// Forged reports among those of window `at`.
    fn forged(&self, at: usize) -> Option<&Counts> {
        (at + 1 == self.honest.len()).then_some(self.forged)
    }

    /// The counts of window `at`.
    fn counts(&self, at: usize) -> Counts {
        let mut counts = self.honest[at].clone();
        for (&pair, &count) in self.forged(at).into_iter().flatten() {
            *counts.entry(pair).or_default() += count;
        }
        counts
    }

    /// The counts of window `at` when each group of nonces counts for as much as it may.
    fn cut(&self, at: usize, random: &mut ChaCha8Rng) -> Counts {
        let forged = self.forged(at);
        let mut counts = self.counts(at);
        for (pair, count) in &mut counts {
            let forged = forged.and_then(|counts| counts.get(pair)).copied();
            let gathered = forged.filter(|_| self.gathered).unwrap_or(0);
            let mut groups = [0; GROUPS];
            groups[0] = gathered;
            for _ in gathered..*count {
                groups[random.random_range(0..GROUPS)] += 1;
            }
            *count = counted(&groups);
        }
        counts
    }
}

/// How often each row is shown.
struct Shares {
    /// Share of the lists, in percent; `[N]`.
    of: Vec<f64>,
    /// P@20, in percent.
    p20: f64,
}

/// What every attack is measured with.
struct Bench<'a> {
    model: Model<'a>,
    data: &'a Dataset,
    history: &'a Sessions,
    test: &'a Examples,
}

impl Bench<'_> {
    /// Learns from what is released of the windows, and counts who is shown.
    fn shares(
        &self,
        windows: &Windows<'_>,
        defence: Defence,
        cells: u32,
        seed: u64,
    ) -> Result<Shares, LevelsError> {
        let mut field = Field {
            pairs: Sessions::new(),
            popularity: vec![0.0; self.model.items],
            ..Field::default()
        };
        let mut baseline = Baseline::of(self.model.items, self.history);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for at in 0..windows.honest.len() {
            let window = match defence {
                Defence::Groups => windows.cut(at, &mut random),
                Defence::Nothing | Defence::Growth => windows.counts(at),
            };
            let passed = release(&[window], Rule::Unlinkable(K), cells, seed)?;
            let counts = passed.counts.iter();
            let mut reports: Vec<Report> = counts
                .map(|(&(from, to), &count)| Report {
                    from: Some(from),
                    to,
                    count: count as f64,
                })
                .collect();
            if defence == Defence::Growth {
                baseline.admit(&mut reports);
            }
            for report in &reports {
                let rows = [report.from, Some(report.to)];
                field.pairs.push(rows.map(|row| Event {
                    row,
                    action: Action::View,
                }));
                field.weight.push(report.count);
                field.popularity[report.to as usize] += report.count;
            }
        }
        let tables = self.model.tables(self.data, self.history, &field)?;
        Ok(self.count(&tables))
    }

    fn count(&self, tables: &Tables) -> Shares {
        let max_session = self.model.shape.max_session;
        let ranking = Ranking {
            tables,
            max_session,
            queries: &[],
            protocol: Protocol::NextItem,
        };
        let lists = ranking.lists(self.test, LIST);
        let each = 100.0 / lists.len().max(1) as f64;
        let mut of = vec![0.0; self.model.items];
        for (row, _) in lists.into_iter().flatten() {
            of[row as usize] += each;
        }
        let ranks = label_ranks(tables, self.test, max_session, &[]);
        Shares {
            of,
            p20: Metrics::of_ranks(&ranks).p20,
        }
    }
}

impl Forged {
    /// The largest factor by which an attack multiplied an item's exposure, growth limited.
    pub fn worst(&self) -> f64 {
        let ratios = self.outcomes.iter().map(|o| o.moved[2].ratio(self.floor));
        ratios.fold(0.0, f64::max)
    }

    /// The attacks as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "## {}: {} % forged reports\n\nShare of the lists of 20 that show the pushed item, in \
             percent, without → with the forged reports; an item in fewer than {:.2} % of the \
             lists counts as if it were in so many. The field in {} windows, of which the last is attacked; k = {K}.\n\n\
             | item | forged transitions | no defence | times | groups of nonces cut | times | growth limited | times |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            self.dataset, self.percent, self.floor, self.windows
        );
        for outcome in &self.outcomes {
            let cells = outcome.moved.each_ref().map(|moved| {
                format!(
                    "{:.2} → {:.2} | {:.2}",
                    moved.before,
                    moved.after,
                    moved.ratio(self.floor)
                )
            });
            text += &format!(
                "| {} | {} | {} |\n",
                outcome.target,
                outcome.attack,
                cells.join(" | ")
            );
        }
        text + &format!(
            "\nWhere nobody forges, P@20 is {:.2} without a defence, {:.2} with groups cut and \
             {:.2} with growth limited.\n",
            self.p20[0], self.p20[1], self.p20[2]
        )
    }
}
