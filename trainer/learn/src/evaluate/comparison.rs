//! Two bundles on the same examples.
//!
//! The difference is taken by example before sessions are drawn, so that what is hard for both
//! bundles widens no interval: two bundles whose own intervals overlap may still differ for sure.

use super::intervals::{Figures, Interval, bootstrap, per_session};
use super::metrics::{Measures, gains};
use super::ranks::CUTOFF;
use crate::dataset::Examples;
use serde::Serialize;
use std::cmp::Ordering;

/// A figure of the bundle less that of the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Difference {
    /// In percent points; above 0 where the bundle is better.
    pub value: f64,
    /// Its 95 % interval over sessions, in percent points.
    pub interval: Interval,
}

/// The other bundle, and how the bundle differs from it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Comparison {
    /// Version of the other bundle.
    pub version: u64,
    /// The other bundle as it ships.
    #[serde(flatten)]
    pub figures: Figures,
    /// The bundle's figures less the other's.
    pub difference: Measures<Difference>,
    /// Examples whose label the bundle ranks before the other does.
    pub wins: usize,
    /// Examples whose label both rank alike, or both miss.
    pub ties: usize,
    /// Examples whose label the other ranks before the bundle does.
    pub losses: usize,
}

impl Comparison {
    /// Compares by the ranks of the labels, from 1, with 0 for a miss; `ours` are the bundle's,
    /// `theirs` those of the other, of that `version`.
    pub fn of_ranks(version: u64, examples: &Examples, ours: &[u32], theirs: &[u32]) -> Self {
        let sums = per_session(examples, |example| {
            let (ours, theirs) = (gains(ours[example]), gains(theirs[example]));
            std::array::from_fn(|measure| ours[measure] - theirs[measure])
        });
        let intervals = bootstrap(&sums).into_array();
        let count: f64 = sums.iter().map(|sum| sum.examples).sum();
        let difference = Measures::from_array(std::array::from_fn(|measure| {
            let sum: f64 = sums.iter().map(|sum| sum.gains[measure]).sum();
            Difference {
                value: 100.0 * sum / count.max(1.0),
                interval: intervals[measure],
            }
        }));
        let (mut wins, mut ties, mut losses) = (0, 0, 0);
        for (&ours, &theirs) in ours.iter().zip(theirs) {
            match place(ours).cmp(&place(theirs)) {
                Ordering::Less => wins += 1,
                Ordering::Equal => ties += 1,
                Ordering::Greater => losses += 1,
            }
        }
        Self {
            version,
            figures: Figures::of_ranks(examples, theirs),
            difference,
            wins,
            ties,
            losses,
        }
    }
}

/// The rank, with a miss below all others.
fn place(rank: u32) -> u32 {
    if rank == 0 { CUTOFF + 1 } else { rank }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Sessions;

    fn examples(count: u32) -> Examples {
        Examples {
            sessions: Sessions::new(),
            at: (0..count).map(|session| (session, 1)).collect(),
        }
    }

    #[test]
    fn differences_and_wins_are_those_worked_out_by_hand() {
        // Ours 1, 4, miss, miss; theirs 2, 4, 5, miss. P@20: 2 of 4 against 3 of 4. MRR:
        // (1 + 1/4) / 4 against (1/2 + 1/4 + 1/5) / 4: 31.25 less 23.75.
        let found = Comparison::of_ranks(7, &examples(4), &[1, 4, 0, 0], &[2, 4, 5, 0]);
        assert!((found.difference.p20.value + 25.0).abs() < 1e-9);
        assert!((found.difference.mrr20.value - 7.5).abs() < 1e-9);
        assert_eq!((found.wins, found.ties, found.losses), (1, 2, 1));
        assert!((found.figures.metrics.p20 - 75.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_hard_for_both_widens_nothing() {
        // Half of 100 sessions are missed by both, half are hits of both: no difference at all,
        // though either figure alone is open by about ten points each way.
        let ranks: Vec<u32> = (0..100).map(|session| session % 2).collect();
        let found = Comparison::of_ranks(1, &examples(100), &ranks, &ranks);
        assert_eq!(found.difference.p20.interval, [0.0, 0.0]);
        let [low, high] = found.figures.intervals.p20;
        assert!(high - low > 15.0);
        assert_eq!((found.wins, found.losses), (0, 0));
    }
}
