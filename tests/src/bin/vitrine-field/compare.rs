//! `vitrine-field compare`.

use crate::{Visited, read_visits};
use anyhow::ensure;
use clap::Args;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::path::PathBuf;
use vitrine_core::bundle::Bundle;
use vitrine_core::score::Event;
use vitrine_learn::bundle::{self, Opened};
use vitrine_learn::dataset::{Examples, Sessions};
use vitrine_learn::evaluate::queries::queries;
use vitrine_learn::evaluate::ranks::label_ranks;

#[derive(Args)]
pub struct Compare {
    /// The earlier bundle's folder.
    #[arg(long)]
    before: PathBuf,
    /// The later bundle's folder.
    #[arg(long)]
    after: PathBuf,
    /// Visits that `draw` held out.
    #[arg(long)]
    held_out: PathBuf,
    /// Bootstrap samples.
    #[arg(long, default_value_t = 2000)]
    samples: usize,
}

#[derive(Serialize)]
struct Comparison {
    visits: usize,
    examples: usize,
    /// Share of labels, in percent, that are items of which the earlier bundle knows nothing.
    unknown_before: f64,
    unknown_after: f64,
    /// All labels.
    all: Figures,
    /// The labels that both bundles know: what was learned about what was there before.
    known: Figures,
}

/// Both measures of both bundles as shipped: with the encoder where there is one.
#[derive(Serialize)]
struct Figures {
    examples: usize,
    #[serde(rename = "p@20")]
    p20: Compared,
    #[serde(rename = "mrr@20")]
    mrr20: Compared,
}

#[derive(Serialize)]
struct Compared {
    before: f64,
    after: f64,
    difference: f64,
    /// 95 % of the bootstrap samples, drawn over visits, lie between.
    interval: [f64; 2],
}

impl Compare {
    pub fn run(&self) -> anyhow::Result<()> {
        let visits = read_visits(&self.held_out)?;
        let bundles = [bundle::open(&self.before)?, bundle::open(&self.after)?];
        let all = self.figures(&bundles, &visits, &|_| true)?;
        ensure!(all.examples > 0, "no visit has two events");
        let both = |item: &str| {
            let mut bundles = bundles.iter();
            bundles.all(|opened| opened.bundle.row(item).is_some())
        };
        let known = self.figures(&bundles, &visits, &both)?;
        let labels = || visits.iter().flat_map(|visit| visit.iter().skip(1));
        let unknown = |opened: &Opened| {
            let unknown = labels().filter(|label| opened.bundle.row(&label.item).is_none());
            100.0 * unknown.count() as f64 / all.examples as f64
        };
        let comparison = Comparison {
            visits: visits.len(),
            examples: all.examples,
            unknown_before: unknown(&bundles[0]),
            unknown_after: unknown(&bundles[1]),
            all,
            known,
        };
        println!("{}", serde_json::to_string(&comparison)?);
        Ok(())
    }

    /// Measures both bundles on the labels that pass `keep`.
    fn figures(
        &self,
        [before, after]: &[Opened; 2],
        visits: &[Vec<Visited>],
        keep: &dyn Fn(&str) -> bool,
    ) -> anyhow::Result<Figures> {
        let (before, after) = (
            measure(before, visits, keep)?,
            measure(after, visits, keep)?,
        );
        Ok(Figures {
            examples: before.iter().map(|visit| visit.examples).sum(),
            p20: self.compared(&before, &after, |visit| visit.hits),
            mrr20: self.compared(&before, &after, |visit| visit.reciprocal),
        })
    }

    /// The mean over examples of both, and the bootstrap's interval of the difference. Visits are
    /// drawn, not examples: the examples of one visit are not independent.
    fn compared(
        &self,
        before: &[Measured],
        after: &[Measured],
        gain: impl Fn(&Measured) -> f64,
    ) -> Compared {
        let mean = |measured: &[Measured], chosen: &[usize]| {
            let examples: usize = chosen.iter().map(|&visit| measured[visit].examples).sum();
            let gains: f64 = chosen.iter().map(|&visit| gain(&measured[visit])).sum();
            100.0 * gains / examples.max(1) as f64
        };
        let all: Vec<usize> = (0..before.len()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut differences: Vec<f64> = (0..self.samples.max(1))
            .map(|_| {
                let drawn: Vec<usize> =
                    all.iter().map(|_| rng.random_range(0..all.len())).collect();
                mean(after, &drawn) - mean(before, &drawn)
            })
            .collect();
        differences.sort_by(f64::total_cmp);
        let at = |share: f64| differences[((differences.len() - 1) as f64 * share) as usize];
        let (before, after) = (mean(before, &all), mean(after, &all));
        Compared {
            before,
            after,
            difference: after - before,
            interval: [at(0.025), at(0.975)],
        }
    }
}

/// Sums over the examples of one visit.
#[derive(Clone, Default)]
struct Measured {
    examples: usize,
    hits: f64,
    reciprocal: f64,
}

/// Ranks every proper prefix of every visit whose label passes `keep`.
fn measure(
    opened: &Opened,
    visits: &[Vec<Visited>],
    keep: &dyn Fn(&str) -> bool,
) -> anyhow::Result<Vec<Measured>> {
    let examples = examples(visits, &opened.bundle, keep);
    let tables = opened.bundle.tables();
    let length = opened.bundle.max_session();
    let queries = match &opened.encoder {
        Some(onnx) => queries(tables, onnx, &examples, length)?,
        None => Vec::new(),
    };
    let ranks = label_ranks(tables, &examples, length, &queries);
    let mut measured = vec![Measured::default(); visits.len()];
    for (at, rank) in ranks.into_iter().enumerate() {
        let visit = &mut measured[examples.at[at].0 as usize];
        visit.examples += 1;
        if rank > 0 {
            visit.hits += 1.0;
            visit.reciprocal += 1.0 / f64::from(rank);
        }
    }
    Ok(measured)
}

fn examples(visits: &[Vec<Visited>], bundle: &Bundle, keep: &dyn Fn(&str) -> bool) -> Examples {
    let mut sessions = Sessions::new();
    let mut at = Vec::new();
    for (number, visit) in visits.iter().enumerate() {
        let labels = (1..visit.len()).filter(|&position| keep(&visit[position].item));
        at.extend(labels.map(|position| (number as u32, position as u32)));
        sessions.push(visit.iter().map(|event| Event {
            row: bundle.row(&event.item),
            action: event.action,
        }));
    }
    Examples { sessions, at }
}
