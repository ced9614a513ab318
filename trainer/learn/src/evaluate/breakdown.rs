//! What the means hide: how much of the catalogue is shown, how popular it is, and for which
//! sessions and labels the ranking is good.

use super::metrics::Metrics;
use super::popularity::Popularity;
use serde::Serialize;

/// How long the lists are that exposure is counted in.
pub const LIST: usize = 20;

/// Lengths of the input, in events: a group begins at each.
const LENGTHS: [(usize, &str); 5] = [(1, "1"), (2, "2"), (3, "3-4"), (5, "5-9"), (10, "10+")];

/// One value for what is recommended and one for what was opened next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Beside {
    /// Mean over all items of all first 20.
    pub recommended: f64,
    /// Mean over all labels.
    pub labels: f64,
}

/// Figures of some of the examples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Which examples these are.
    pub group: String,
    /// Share of labels among the first 20, in percent.
    #[serde(rename = "p@20")]
    pub p20: f64,
    /// Mean of 1/rank within the first 20, in percent.
    #[serde(rename = "mrr@20")]
    pub mrr20: f64,
    /// Examples.
    pub examples: usize,
}

impl Group {
    fn of_ranks(group: String, ranks: &[u32]) -> Self {
        let metrics = Metrics::of_ranks(ranks);
        Self {
            group,
            p20: metrics.p20,
            mrr20: metrics.mrr20,
            examples: metrics.examples,
        }
    }
}

/// A ranking taken apart.
#[derive(Clone, Debug, Serialize)]
pub struct Breakdown {
    /// Share of the bundle's items that are in the first 20 of at least one example, in percent.
    #[serde(rename = "coverage@20")]
    pub coverage20: f64,
    /// Gini coefficient of how often each item is in a first 20: 0 when all are alike, near 1
    /// when a few take it all.
    #[serde(rename = "gini@20")]
    pub gini20: f64,
    /// Share of the bundle's items that are less popular in train, in percent.
    pub popularity_percentile: Beside,
    /// −log₂ of the share of the train events, in bits.
    pub novelty: Beside,
    /// By the number of events before the label.
    pub by_length: Vec<Group>,
    /// By the popularity in train of labels that train knows: tenths of the bundle's items, from
    /// `1`, the least popular.
    pub by_label_popularity: Vec<Group>,
    /// By whether the train split has the label.
    pub by_label_known: Vec<Group>,
}

/// One example as it was ranked.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Events before the label.
    pub length: usize,
    /// Train events of the label; 0 where train does not have it.
    pub label_events: f64,
    /// Rank of the label, from 1; 0 is a miss.
    pub rank: u32,
}

impl Breakdown {
    /// From the examples and the first rows of each; `popularity` is by row of the bundle.
    pub fn new(examples: &[Example], lists: &[Vec<(u32, f32)>], popularity: &Popularity) -> Self {
        let items = popularity.items();
        let mut exposure = vec![0_u32; items];
        for &(row, _) in lists.iter().flatten() {
            exposure[row as usize] += 1;
        }
        let shown = exposure.iter().filter(|&&times| times > 0).count();
        let mean = |of: &dyn Fn(f64) -> f64| Beside {
            recommended: exposure
                .iter()
                .zip(0..)
                .filter(|(times, _)| **times > 0)
                .map(|(&times, row)| f64::from(times) * of(popularity.events(row)))
                .sum::<f64>()
                / lists.iter().map(Vec::len).sum::<usize>().max(1) as f64,
            labels: examples
                .iter()
                .map(|example| of(example.label_events))
                .sum::<f64>()
                / examples.len().max(1) as f64,
        };
        let group = |name: &str, belongs: &dyn Fn(&Example) -> bool| {
            let those = examples.iter().filter(|example| belongs(example));
            let ranks: Vec<u32> = those.map(|example| example.rank).collect();
            Group::of_ranks(name.to_owned(), &ranks)
        };
        let is_known = |example: &Example| example.label_events > 0.0;
        Self {
            coverage20: 100.0 * shown as f64 / items.max(1) as f64,
            gini20: gini(exposure.clone()),
            popularity_percentile: mean(&|events| 100.0 * popularity.percentile(events)),
            novelty: mean(&|events| popularity.novelty(events)),
            by_length: LENGTHS
                .iter()
                .enumerate()
                .map(|(at, &(from, name))| {
                    let to = LENGTHS.get(at + 1).map_or(usize::MAX, |next| next.0);
                    group(name, &|example| (from..to).contains(&example.length))
                })
                .collect(),
            by_label_popularity: (0..10)
                .map(|decile| {
                    group(&(decile + 1).to_string(), &|example| {
                        is_known(example) && popularity.decile(example.label_events) == decile
                    })
                })
                .collect(),
            by_label_known: vec![
                group("known", &is_known),
                group("unknown", &|example| !is_known(example)),
            ],
        }
    }
}

/// Gini coefficient of counts: Σ (2i − n − 1)·xᵢ / (n · Σ xᵢ), counts rising, i from 1.
fn gini(mut counts: Vec<u32>) -> f64 {
    counts.sort_unstable();
    let n = counts.len() as f64;
    let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    if total == 0.0 {
        return 0.0;
    }
    let weighted: f64 = counts
        .iter()
        .enumerate()
        .map(|(at, &count)| (2.0 * (at + 1) as f64 - n - 1.0) * f64::from(count))
        .sum();
    weighted / (n * total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(length: usize, label_events: f64, rank: u32) -> Example {
        Example {
            length,
            label_events,
            rank,
        }
    }

    #[test]
    fn gini_is_nought_for_equals_and_near_one_for_a_winner() {
        assert_eq!(gini(vec![3, 3, 3, 3]), 0.0);
        // (2·4 − 4 − 1) · 8 / (4 · 8) = 3/4.
        assert_eq!(gini(vec![0, 8, 0, 0]), 0.75);
        // 1, 3: (−1 · 1 + 1 · 3) / (2 · 4) = 1/4.
        assert_eq!(gini(vec![3, 1]), 0.25);
        assert_eq!(gini(vec![0, 0]), 0.0);
    }

    #[test]
    fn exposure_and_groups_are_those_worked_out_by_hand() {
        // Items with 4, 2, 1 and 1 train events: 8 in all. Two lists of two: rows 0 and 1, 0 and 2.
        let popularity = Popularity::new(vec![4.0, 2.0, 1.0, 1.0]);
        let lists = [vec![(0, 2.0), (1, 1.0)], vec![(0, 2.0), (2, 1.0)]];
        let examples = [example(1, 2.0, 2), example(4, 0.0, 0)];
        let found = Breakdown::new(&examples, &lists, &popularity);
        assert_eq!(found.coverage20, 75.0);
        // 0, 1, 1, 2: (−3·0 − 1·1 + 1·1 + 3·2) / (4 · 4).
        assert_eq!(found.gini20, 6.0 / 16.0);
        // Percentiles: 4 events 87.5, 2 events 62.5, 1 event 25, none 0.
        let recommended = (87.5 + 87.5 + 62.5 + 25.0) / 4.0;
        assert!((found.popularity_percentile.recommended - recommended).abs() < 1e-9);
        assert!((found.popularity_percentile.labels - 31.25).abs() < 1e-9);
        // Bits: 4 of 8 one, 2 of 8 two, 1 of 8 three; none as one event.
        assert_eq!(found.novelty.recommended, (1.0 + 1.0 + 2.0 + 3.0) / 4.0);
        assert_eq!(found.novelty.labels, 2.5);
        let counts: Vec<usize> = found.by_length.iter().map(|group| group.examples).collect();
        assert_eq!(counts, [1, 0, 1, 0, 0]);
        assert_eq!(found.by_length[0].mrr20, 50.0);
        assert_eq!(
            found.by_label_popularity[6].p20, 100.0,
            "62.5 is in the seventh"
        );
        let known: usize = found.by_label_popularity.iter().map(|g| g.examples).sum();
        assert_eq!((known, found.by_label_known[1].examples), (1, 1));
    }
}
