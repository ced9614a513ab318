//! From scores to probabilities: how likely an item of a list is to be opened next.
//!
//! Isotonic regression by pooling adjacent violators (Zadrozny & Elkan, KDD 2002): the probability
//! never falls as the score rises, and nothing else is assumed. Each half of the sessions is judged
//! by what was fitted on the other.

use serde::Serialize;

/// Groups of as many listed items each, from the least likely.
const GROUPS: usize = 10;

/// A listed item: its score, and whether it was opened next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listed {
    /// The bundle's score.
    pub score: f32,
    /// Whether the visitor opened it next.
    pub opened: bool,
}

/// How well scores become probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Mean distance of the probability that was said from the share that was opened, over the
    /// groups and weighted by them, in percent points (expected calibration error).
    pub error: f64,
    /// From the least likely items to the most.
    pub groups: Vec<Reliability>,
}

/// Listed items of about the same probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Mean probability that was said, in percent.
    pub said: f64,
    /// Share that was opened next, in percent.
    pub opened: f64,
    /// Listed items.
    pub items: usize,
}

impl Calibration {
    /// Of two halves of what was listed; `None` where one of them is empty.
    pub fn of_halves(halves: [&[Listed]; 2]) -> Option<Self> {
        if halves.iter().any(|half| half.is_empty()) {
            return None;
        }
        let fits = halves.map(Isotonic::fit);
        let mut said: Vec<(f64, bool)> = Vec::new();
        for (half, fit) in halves.iter().zip(fits.iter().rev()) {
            said.extend(
                half.iter()
                    .map(|item| (fit.probability(item.score), item.opened)),
            );
        }
        said.sort_by(|a, b| a.0.total_cmp(&b.0));
        let size = said.len().div_ceil(GROUPS);
        let groups: Vec<Reliability> = said
            .chunks(size)
            .map(|group| {
                let items = group.len();
                let sum: f64 = group.iter().map(|entry| entry.0).sum();
                let opened = group.iter().filter(|entry| entry.1).count();
                Reliability {
                    said: 100.0 * sum / items as f64,
                    opened: 100.0 * opened as f64 / items as f64,
                    items,
                }
            })
            .collect();
        let apart = |group: &Reliability| (group.said - group.opened).abs() * group.items as f64;
        Some(Self {
            error: groups.iter().map(apart).sum::<f64>() / said.len() as f64,
            groups,
        })
    }
}

/// A function that never falls.
#[derive(Clone, Debug, PartialEq)]
pub struct Isotonic {
    /// Lowest score of each step; they rise.
    from: Vec<f32>,
    /// Probability of each step; they rise.
    probability: Vec<f64>,
}

impl Isotonic {
    /// The closest such function to what was listed, by squares.
    pub fn fit(listed: &[Listed]) -> Self {
        let mut sorted = listed.to_vec();
        sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
        // Steps of (lowest score, opened, listed); one that is below the step before joins it.
        let mut steps: Vec<(f32, f64, f64)> = Vec::new();
        for group in sorted.chunk_by(|a, b| a.score == b.score) {
            let opened = group.iter().filter(|item| item.opened).count();
            let mut step = (group[0].score, opened as f64, group.len() as f64);
            while let Some(before) = steps.last().copied() {
                if before.1 / before.2 < step.1 / step.2 {
                    break;
                }
                steps.pop();
                step = (before.0, before.1 + step.1, before.2 + step.2);
            }
            steps.push(step);
        }
        Self {
            from: steps.iter().map(|step| step.0).collect(),
            probability: steps.iter().map(|step| step.1 / step.2).collect(),
        }
    }

    /// The probability at a score; below all that was listed, that of the lowest.
    pub fn probability(&self, score: f32) -> f64 {
        let step = self.from.partition_point(|&from| from <= score);
        self.probability
            .get(step.saturating_sub(1))
            .copied()
            .unwrap_or(0.0)
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn listed(items: &[(f32, bool)]) -> Vec<Listed> {
        let item = |&(score, opened)| Listed { score, opened };
        items.iter().map(item).collect()
    }

    #[test]
    fn violators_are_pooled() {
        let fit = Isotonic::fit(&listed(&[
            (3.0, true),
            (1.0, false),
            (2.0, true),
            (2.5, false),
        ]));
        // 1 → 0; 2 and 2.5 pool to 1/2; 3 → 1.
        let at = |score| fit.probability(score);
        assert_eq!(
            [at(0.0), at(1.5), at(2.0), at(2.9), at(9.0)],
            [0.0, 0.0, 0.5, 0.5, 1.0]
        );
    }

    #[test]
    fn probabilities_are_found_again() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut draw = || -> Vec<Listed> {
            (0..20_000)
                .map(|_| {
                    let score: f32 = rng.random();
                    let opened = rng.random::<f64>() < f64::from(score).powi(3);
                    Listed { score, opened }
                })
                .collect()
        };
        let (one, other) = (draw(), draw());
        let found = Calibration::of_halves([&one, &other]).unwrap();
        assert!(found.error < 1.5, "{}", found.error);
        assert_eq!(found.groups.len(), GROUPS);
        assert_eq!(found.groups.iter().map(|g| g.items).sum::<usize>(), 40_000);
        assert!(found.groups.is_sorted_by(|a, b| a.said <= b.said));
        // A tenth of scores on average 0.95: 0.95³ is about 0.86.
        assert!((found.groups[9].opened - 86.0).abs() < 2.0);
        assert_eq!(Calibration::of_halves([&one, &[]]), None);
    }
}
